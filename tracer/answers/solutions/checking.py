"""The statements of a document checked one after another, each number remembered for those that use it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import arb, fmpq

from derivations import names
from derivations.activations import ACTIVATIONS
from derivations.expression import Expression, Letters, Matrix, Name, Writing
from derivations.names import KINDS, Quantity
from derivations.network import Problem
from derivations.reading.letters import Letterbook
from derivations.reading.meanings import Unknown
from derivations.reading.nodes import Applied, Variable, letters_in, rebuilt
from derivations.reading.statements import Relation, Statement
from tracer.answers.reading.entries import Entry
from tracer.answers.result import Mark
from tracer.answers.solutions.calculating import function_base
from tracer.answers.solutions.chains import ORDERS, Chain, ordered, pairs
from tracer.answers.solutions.comparing import Comparer
from tracer.answers.solutions.elsewhere import Elsewhere, is_elementary, other_functions
from tracer.answers.solutions.shown import shown_number
from tracer.answers.solutions.stated import renewed
from tracer.answers.solutions.values import GIVEN, Claim, Slip
from tracer.answers.solutions.verdicts import NOT_CHECKED, Checked, Verdict, worst

__all__ = ["Checking"]

_ANY_PARAMETER = ("w", "W", "w_i", "\\theta", "θ")
_NUMBERS = ("e", "\\pi", "π")
Resolved = list[Expression | str]  # a tree, or why there is none


@dataclass
class Checking:
    """Checks statements in order."""

    problem: Problem
    book: Letterbook
    comparer: Comparer
    batch: Comparer
    out: list[Checked] = field(default_factory=list)
    entries: dict[Quantity, Entry] = field(default_factory=dict)
    of_batch: dict[Quantity, Entry] = field(default_factory=dict)  # what is said of all samples
    foreign: dict[str, str] = field(default_factory=dict)  # letters that it gives to functions of other networks
    settled: set[str] = field(default_factory=set)  # letters that it gives to this network's
    lines: Mapping[int, int] = field(default_factory=dict)  # where each row stands
    accepted: Mapping[Quantity, Mark] = field(default_factory=dict)  # numbers that marking has found right
    elsewhere: Elsewhere = field(init=False)

    def __post_init__(self) -> None:
        self.elsewhere = Elsewhere(self.comparer)

    @classmethod
    def of(cls, problem: Problem, book: Letterbook, sample: int = 1) -> Checking:
        """For one sample's numbers; names that carry a sample mean the whole batch's."""
        own = problem.sample(sample) if problem.samples > 1 else problem
        letter = book.notation.activation.lstrip("\\")
        comparer = Comparer(own, letter)
        return cls(problem, book, comparer, Comparer(problem, letter) if problem.samples > 1 else comparer)

    def check(self, statement: Statement, texts: Sequence[str]) -> None:
        """Check one statement; `texts` are its sides as written."""
        if not statement.relations:
            return
        trees = [side.tree for side in statement.sides]
        free = _variable(trees)
        if free:
            verdicts = self._definition(statement, trees, free)
        else:
            trees = renewed(statement, trees, self.book)
            verdicts = self._bound(statement, trees)
        for k, (relation, verdict) in enumerate(zip(statement.relations, verdicts, strict=True)):
            self._report(relation, verdict, texts[k], texts[k + 1], statement.sides[k + 1].rows)

    def _report(self, relation: Relation, verdict: Verdict, left: str, right: str, rows: tuple[int, ...]) -> None:
        places = verdict.places or ((relation.line, relation.column),)
        for line, column in places:
            self.out.append(Checked(line, column, relation.row, left, relation.sign, right, verdict, rows))

    # --- definitions of functions ---

    def _definition(self, statement: Statement, trees: list[Expression | None], free: str) -> list[Verdict]:
        """h(a) = ... and h'(a) = ...: true of a function that the network has."""
        first = next((t for t in trees if isinstance(t, Applied)), None)
        base = function_base(first.function)[0] if first else ""
        candidates: list[Mapping[str, tuple[str, Expression]]] = [{}]
        if base and base not in ("dtanh",):
            a = Variable(free)
            for f in dict.fromkeys(layer.activation for _, layer in self.problem.network):
                if f.elementwise:
                    candidates.append({base: (free, f.formula(Writing(), a))})
        best: list[Verdict] = []
        for functions in candidates:
            found = self._with_functions(statement, trees, free, functions)
            if not best or _score(found) < _score(best):
                best = found
                chosen = functions
        defines = first is not None and isinstance(trees[0], Applied) and not function_base(first.function)[2]
        if base and chosen and defines and all(v.right for v in best):
            self.comparer.functions.setdefault(base, chosen[base])
        if defines and all(v.right for v in best):
            self.settled.add(base)
        if base and any(v.verdict == "false" for v in best):
            other = self._of_other_networks(statement, trees, free, base, defines=defines)
            if other:
                why = f"{NOT_CHECKED}{base} is {other} here, none of the functions of this network"
                return [Verdict("unread", message=why) for _ in best]
            if defines and is_elementary(self.book.resolved(trees[1], {}, free)):
                why = f"{NOT_CHECKED}a function that is none of this network"
                return [Verdict("unread", message=why) for _ in best]
            if base not in ACTIVATIONS:
                why = "it holds for none of the functions of this network"
                best = [Verdict("false", message=why) if v.verdict == "false" else v for v in best]
        return best

    def _of_other_networks(
        self, statement: Statement, trees: list[Expression | None], free: str, base: str, *, defines: bool
    ) -> str:
        """The function of another network of which a general fact is true: one that the row or one before defines."""
        a = Variable(free)
        letters = {base, *(function_base(t.function)[0] for t in trees if isinstance(t, Applied))}
        for f in other_functions(self.problem.network):
            meant = dict.fromkeys(letters, (free, f.formula(Writing(), a)))
            if not defines and base in self.settled and self.foreign.get(base) != f.name:
                continue
            if all(v.right for v in self._with_functions(statement, trees, free, meant)):
                if defines:
                    self.foreign[base] = f.name
                return f.name
        return ""

    def _with_functions(
        self, statement: Statement, trees: list[Expression | None], free: str, functions: Any
    ) -> list[Verdict]:
        points = tuple({free: arb(fmpq(n, 1009))} for n in (717, -391))
        comparer = Comparer(
            self.comparer.problem,
            self.comparer.letter,
            functions={**self.comparer.functions, **functions},
            variables=points,
        )
        comparer.__dict__.update({k: v for k, v in self.comparer.__dict__.items() if k in ("truth", "drawn")})
        resolved: Resolved = []
        for k, tree in enumerate(trees):
            try:
                resolved.append(self.book.resolved(tree, {}, free) if tree else _why(statement, k))
            except Unknown as e:
                resolved.append(str(e))
        return self._chain(statement, resolved, comparer)

    # --- statements about the network ---

    def _bound(self, statement: Statement, trees: list[Expression | None]) -> list[Verdict]:
        there = [tree for tree in trees if tree is not None]
        whole = next((l.text for t in there for l in letters_in(t) if self._is_any(l)), "")
        if whole:
            return self._for_every_parameter(statement, trees, whole)
        try:
            bindings = list(self.book.bindings(there))
        except (Unknown, RecursionError):
            bindings = []
        if not bindings:
            bindings = [{}]
        found = [self._one(statement, trees, binding) for binding in bindings]
        if not bindings[0]:
            return found[0]
        found, bindings = _of_layers(found, bindings)
        out = []
        for column in zip(*found, strict=True):
            verdict = worst(list(column))
            at = column.index(verdict)
            named = ", ".join(f"{k} = {v}" for k, v in bindings[at].items() if k[0] != "@")
            out.append(verdict if verdict.right else verdict.because(f"for {named}: "))
        return out

    def _is_any(self, letters: Letters) -> bool:
        return letters.text in _ANY_PARAMETER and self.book.meaning(letters.latex) is None

    def _for_every_parameter(self, statement: Statement, trees: list[Expression | None], letter: str) -> list[Verdict]:
        found = []
        for q in self.book.parameters[:40]:
            name = self.book.notation.latex(self.book.network, q)

            def put(e: Expression, name: str = name) -> Expression | None:
                return Letters(name, name) if isinstance(e, Letters) and e.text == letter else None

            found.append(self._one(statement, [rebuilt(t, put) if t else None for t in trees], {}))
        return [worst(list(column)) for column in zip(*found, strict=True)]

    def _one(self, statement: Statement, trees: list[Expression | None], binding: Mapping[str, int]) -> list[Verdict]:
        resolved: Resolved = []
        for k, tree in enumerate(trees):
            try:
                resolved.append(self.book.resolved(tree, binding) if tree else _why(statement, k))
            except Unknown as e:
                resolved.append(str(e))
        if all((isinstance(tree, Name) and tree.quantity.kind in ("x", "t")) or _is_shown(tree) for tree in resolved):
            return self._inputs(resolved)
        marked = any(q.sample for tree in resolved for q in _quantities(tree))
        general = bool(binding) or any(isinstance(tree, Matrix) for tree in resolved)
        return self._chain(statement, resolved, self.batch if marked else self.comparer, general=general)

    def _inputs(self, resolved: Resolved) -> list[Verdict]:
        """x_0 = x_1 = 0: said of any one of the samples."""
        if self.batch is not self.comparer:
            worlds = [self._of_sample(k) for k in range(1, self.problem.samples + 1)]
        else:
            worlds = [self.comparer.value]
        verdicts: list[Verdict] = []
        for value in worlds:
            first, *others = [value(tree) for tree in resolved if not isinstance(tree, str)]
            verdicts = [
                Verdict("true")
                if other == first
                else Verdict("false", message=f"it is {_plain(first)} in this problem")
                for other in others
            ]
            if all(v.right for v in verdicts):
                break
        return verdicts

    def _of_sample(self, k: int) -> Any:
        truth = self.batch.truth

        def value(e: Expression) -> Any:
            if isinstance(e, Name):
                return truth.values[e.quantity._replace(sample=k)]
            return self.batch.value(e)

        return value

    def _chain(
        self, statement: Statement, resolved: Resolved, comparer: Comparer, *, general: bool = False
    ) -> list[Verdict]:
        """The verdict on each side after the first."""
        out: list[Verdict] = []
        head = resolved[0] if not isinstance(resolved[0], str) else None
        chain = Chain(
            comparer,
            self.elsewhere if comparer is self.comparer else None,
            head,
            general,
            self.accepted if comparer is self.comparer else {},
        )
        for k, side in enumerate(resolved[1:], 1):
            relation = statement.relations[k - 1]
            if isinstance(side, str) or chain.last is None:
                why = side if isinstance(side, str) else str(resolved[k - 1])
                out.append(Verdict("unread", message=why))
                if not isinstance(side, str):
                    chain.begin(side)
            elif relation.sign in ORDERS:
                out.append(ordered(comparer, chain.last, side, relation.sign))
            else:
                verdict = chain.judged(side, Slip(self.lines.get(relation.row, relation.line), relation.row))
                out.append(verdict)
                self._claim(relation, head, side, verdict, comparer, chain.claimed if verdict.right else chain.slips)
        return out

    # --- claims ---

    def _claim(
        self,
        relation: Relation,
        head: Expression | None,
        side: Expression,
        verdict: Verdict,
        comparer: Comparer,
        slips: tuple[Slip, ...],
    ) -> None:
        """Remember a quantity's number; the last one of a statement is its claim."""
        for name, entry in pairs(head, side):
            shown = shown_number(entry)
            if shown is None or name.quantity.kind not in KINDS:
                continue
            q = name.quantity
            if verdict.verdict == "unread":
                continue
            comparer.own[q] = Claim(shown, slips)
            if q.kind in GIVEN or (q.kind not in GIVEN and comparer.truth.values.get(q) is None):
                continue
            entries = self.entries if comparer is self.comparer else self.of_batch
            entries.pop(q, None)
            entries[q] = Entry(
                names.text(self.problem.network, q),
                shown.text,
                f"line {relation.line}",
                q,
                Fraction(1),
                None,
                shown.written,
            )


def _of_layers(
    found: list[list[Verdict]], bindings: list[Mapping[str, int]]
) -> tuple[list[list[Verdict]], list[Mapping[str, int]]]:
    """A statement that does not say its layer is one of the layer that fits it best."""
    groups: dict[tuple[tuple[str, int], ...], list[int]] = {}
    for k, binding in enumerate(bindings):
        groups.setdefault(tuple((i, l) for i, l in binding.items() if i[0] == "@"), []).append(k)
    best = min(groups.values(), key=lambda own: [sum(x) for x in zip(*(_score(found[k]) for k in own), strict=True)])
    return [found[k] for k in best], [bindings[k] for k in best]


def _is_shown(e: Expression | str) -> bool:
    return not isinstance(e, str) and shown_number(e) is not None


def _plain(value: Any) -> str:
    return f"{int(value.p) / int(value.q):g}"


def _why(statement: Statement, k: int) -> str:
    why = statement.sides[k].unread
    return f"column {why.column}: {why}" if why else "not understood"


def _quantities(e: Any) -> Iterator[Quantity]:
    if isinstance(e, Name):
        yield e.quantity
    elif isinstance(e, Expression):
        for part in e._parts():
            yield from _quantities(part)
    elif type(e) is tuple:
        for part in e:
            yield from _quantities(part)


def _score(verdicts: Sequence[Verdict]) -> tuple[int, int]:
    return sum(v.verdict == "false" for v in verdicts), sum(v.verdict == "unread" for v in verdicts)


def _variable(trees: Sequence[Expression | None]) -> str:
    """The letter of a general fact about a function: every name in it is that one letter, without indices."""
    first = trees[0]
    if not any(isinstance(tree, Applied) for tree in trees) and not _is_named_function(first):
        return ""
    written = {re.sub(r"\^\{?[2-9]\}?$", "", l.text) for tree in trees if tree is not None for l in letters_in(tree)}
    letters = written - set(_NUMBERS)
    letters -= {tree.function for tree in trees if isinstance(tree, Applied)}
    if len(letters) != 1:
        return ""
    (only,) = letters
    return only if "_" not in only and "^" not in only and not any(c.isdigit() for c in only) else ""


def _is_named_function(e: Expression | None) -> bool:
    from derivations.expression import Call

    return isinstance(e, Call) and isinstance(e.argument, Letters)
