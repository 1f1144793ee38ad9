"""The statements of a document checked one after another, each number remembered for those that use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flint import arb, fmpq

from derivations import names
from derivations.activations import ACTIVATIONS
from derivations.expression import Expression, Letters
from derivations.names import Quantity
from derivations.network import Problem
from derivations.reading.letters import Letterbook
from derivations.reading.meanings import Unknown
from derivations.reading.nodes import Applied, Updated, Variable, letters_in, rebuilt
from derivations.reading.statements import Relation, Statement
from derivations.written import Writing
from tracer.answers.reading.entries import Entry
from tracer.answers.solutions.calculating import function_base
from tracer.answers.solutions.comparing import Comparer
from tracer.answers.solutions.elsewhere import is_elementary, other_functions
from tracer.answers.solutions.later import after_update
from tracer.answers.solutions.one_way import OneWay, Resolved
from tracer.answers.solutions.sides import (
    chain_rule,
    counts,
    of_layers,
    score,
    variable,
    why,
)
from tracer.answers.solutions.stated import renewed
from tracer.answers.solutions.values import Claim
from tracer.answers.solutions.verdicts import NOT_CHECKED, Checked, Verdict, worst

__all__ = ["Checking"]

TOO_MUCH = "the solution takes too much work up to here; hand in shorter solutions"
_ANY_PARAMETER = ("b", "w", "W", "w_i", "\\theta", "θ")
Known = tuple[dict[Quantity, Claim], dict[Quantity, Entry]]  # the document's numbers so far


@dataclass
class Checking(OneWay):
    """Checks statements in order, each in the way that it is meant."""

    out: list[Checked] = field(default_factory=list)
    left_at: int = 0  # the line from which on it was not checked
    foreign: dict[str, str] = field(default_factory=dict)  # letters that it gives to functions of other networks
    settled: set[str] = field(default_factory=set)  # letters that it gives to this network's
    updated: set[Expression] = field(default_factory=set)  # parameters that it has updated
    after: tuple[dict[Quantity, str], Comparer] | None = None  # its updated parameters, the network that has them
    again_at: list[int] = field(default_factory=list)  # lines of another forward pass with these

    @classmethod
    def of(cls, problem: Problem, book: Letterbook, sample: int = 1, like: Checking | None = None) -> Checking:
        """For one sample's numbers; names that carry a sample mean the whole batch's.

        like: another of the same sample, whose networks serve this one too.
        """
        letter = book.notation.activation.lstrip("\\")
        if like:
            comparer = like.comparer.forgetful(letter)
            own_batch = like.batch is not like.comparer
            return cls(problem, book, comparer, like.batch.forgetful(letter) if own_batch else comparer)
        own = problem.sample(sample) if problem.samples > 1 else problem
        comparer = Comparer(own, letter)
        return cls(problem, book, comparer, Comparer(problem, letter) if problem.samples > 1 else comparer)

    def again(self) -> Checking:
        """The same for the same document from its beginning; networks drawn once serve both."""
        out = Checking(self.problem, self.book, self.comparer.forgetful(), self.batch.forgetful(), effort=self.effort)
        out.lines, out.accepted = self.lines, self.accepted
        out.elsewhere = self.elsewhere.again(out.comparer)
        if self.batch is self.comparer:
            out.batch = out.comparer
        return out

    def check(self, statement: Statement, texts: Sequence[str]) -> None:
        """Check one statement; `texts` are its sides as written.  Raises Spent."""
        if not statement.relations or counts(statement):
            return
        trees = self._put_in(statement)
        free = variable(trees)
        if free:
            verdicts = self._definition(statement, trees, free)
        else:
            trees = renewed(statement, trees, self.book)
            verdicts = self._bound(statement, trees)
        for k, (relation, verdict) in enumerate(zip(statement.relations, verdicts, strict=True)):
            self._report(relation, verdict, texts[k], texts[k + 1], statement.sides[k + 1].rows)

    def leave(self, statement: Statement, texts: Sequence[str]) -> None:
        """Say of a statement that it was not checked."""
        if statement.relations and not counts(statement):
            self.left_at = self.left_at or statement.relations[0].line
            for k, relation in enumerate(statement.relations):
                verdict = Verdict("unread", message=f"{NOT_CHECKED}{TOO_MUCH}")
                self._report(relation, verdict, texts[k], texts[k + 1], statement.sides[k + 1].rows)

    def _put_in(self, statement: Statement) -> list[Expression | None]:
        """The sides with what the document's own names stand for; a name that is defined here stays."""
        trees = [side.tree for side in statement.sides]
        head = trees[0].latex if isinstance(trees[0], Letters) else ""
        own = {name: tree for name, tree in self.named.items() if name != head}

        def put(e: Expression) -> Expression | None:
            return own.get(e.latex) if isinstance(e, Letters) else None

        return [rebuilt(tree, put) if tree is not None and own else tree for tree in trees]

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
            if not best or score(found) < score(best):
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
        self.effort.work(trees)
        points = tuple({free: arb(fmpq(n, 1009))} for n in (717, -391))
        comparer = Comparer(
            self.comparer.problem,
            self.comparer.letter,
            functions={**self.comparer.functions, **functions},
            variables=points,
        )
        comparer.__dict__.update(truth=self.comparer.truth, drawn=self.comparer.drawn)
        resolved: Resolved = []
        for k, tree in enumerate(trees):
            try:
                resolved.append(self.book.resolved(tree, {}, free) if tree else why(statement, k))
            except Unknown as e:
                resolved.append(str(e))
        return self.chain(statement, resolved, comparer)

    # --- statements about the network ---

    def _bound(self, statement: Statement, trees: list[Expression | None]) -> list[Verdict]:
        there = [tree for tree in trees if tree is not None]
        if isinstance(trees[0], Updated):
            self.updated.add(trees[0].operand)
        whole = next((l.text for t in there for l in letters_in(t) if self._is_any(l)), "")
        if whole and (whole != "b" or self.book.biases):
            return self._for_every_parameter(statement, trees, whole)
        try:
            ways = self.book.bindings(there, self.effort.spend)
            bindings = [way for way in ways if all(m not in way or way[m] != way.get(j) for m, j in statement.apart)]
        except (Unknown, RecursionError):
            bindings = []
        if not bindings:
            bindings = [{}]
        before = self._known()
        found = [self.one(statement, trees, binding) for binding in bindings]
        if not bindings[0]:
            if score(found[0])[0] and chain_rule(trees):
                return [Verdict("true", message="the chain rule in general")]
            first = self._of_one(statement, trees, self._renewed(statement, trees, found[0], before), before)
            return self._later(statement, trees, first, before)
        found, bindings = of_layers(found, bindings)
        out = []
        for column in zip(*found, strict=True):
            verdict = worst(list(column))
            at = column.index(verdict)
            named = ", ".join(f"{k} = {v}" for k, v in bindings[at].items() if k[0] != "@")
            out.append(verdict if verdict.right else verdict.because(f"for {named}: "))
        return out

    def _again(self, statement: Statement, trees: list[Expression | None], before: Known) -> list[Verdict]:
        """Another reading of a statement, from what was known before it; kept where all of it is right."""
        after = self._known()
        self._know(before)
        again = self.one(statement, trees, {})
        if not all(v.right for v in again):
            self._know(after)
        return again

    def _known(self) -> Known:
        return dict(self.comparer.own), dict(self.entries)

    def _know(self, known: Known) -> None:
        self.comparer.own, self.entries = dict(known[0]), dict(known[1])

    def _renewed(
        self, statement: Statement, trees: list[Expression | None], found: list[Verdict], before: Known
    ) -> list[Verdict]:
        """W = ... after W was updated is the new one, where that is what makes it true."""
        head = trees[0]
        if head is None or isinstance(head, Updated) or not self.updated or score(found)[0] == 0:
            return found
        again = self._again(statement, [Updated(head), *trees[1:]], before)
        known = head in self.updated and score(again) <= score(found)
        return again if known or all(v.right for v in again) else found

    def _later(
        self, statement: Statement, trees: list[Expression | None], found: list[Verdict], before: Known
    ) -> list[Verdict]:
        """Another forward pass, with the parameters as the document has updated them, where more of it is right so."""
        if (
            not self.updated
            or score(found)[0] == 0
            or self.batch is not self.comparer
            or not self._worked_out(trees[0])
        ):
            return found
        try:
            after = self._after_update()
        except (ValueError, ArithmeticError):
            return found
        known = dict(after.own)
        again = self.one(statement, trees, {}, after)
        if not again[0].right or score(again) >= score(found):
            after.own = known
            return found
        self._know(before)
        self.again_at.append(statement.relations[0].line)
        return again

    def _worked_out(self, head: Expression | None) -> bool:
        """Whether a name is of what a pass works out, and no parameter."""
        meaning = self.book.meaning(head.latex) if isinstance(head, Letters) else None
        return meaning is not None and meaning.quantity.kind in ("a", "z", "E", "E_part", "E_sample")

    def _after_update(self) -> Comparer:
        updated = {q: claim.shown.text for q, claim in self.comparer.own.items() if q.kind in ("W_new", "b_new")}
        if self.after is None or self.after[0] != updated:
            self.after = updated, Comparer(after_update(self.comparer), self.comparer.letter)
        return self.after[1]

    def _of_one(
        self, statement: Statement, trees: list[Expression | None], found: list[Verdict], before: Known
    ) -> list[Verdict]:
        """w = 0.3 - 0.1 * 0.2, of one of the weights: true where it is true of one."""
        head = trees[0].operand if isinstance(trees[0], Updated) else trees[0]
        meaning = self.book.meaning(head.latex) if isinstance(head, Letters) else None
        if (
            all(v.right for v in found)
            or meaning is None
            or not meaning.whole
            or meaning.quantity.kind not in ("W", "b")
        ):
            return found
        nearest = found
        for q in list(names.elements(self.book.network, meaning.quantity.kind, meaning.quantity.layer, 1).flat)[:40]:
            name = Letters(self.book.notation.latex(self.book.network, q), "w")
            one = [self._with_one(t, head, name) for t in trees]
            after = [[Updated(one[0]), *one[1:]]] if self.updated and isinstance(one[0], Letters) else []
            for way in (one, *after):
                again = self._again(statement, way, before)
                if all(v.right for v in again):
                    return again
                nearest = again if any(v.verdict == "unread" for v in nearest) else nearest
        return nearest

    @staticmethod
    def _with_one(tree: Expression | None, head: Expression | None, one: Letters) -> Expression | None:
        return rebuilt(tree, lambda e: one if e == head else None) if tree is not None else None

    def _is_any(self, letters: Letters) -> bool:
        return letters.text in _ANY_PARAMETER and self.book.meaning(letters.latex) is None

    def _for_every_parameter(self, statement: Statement, trees: list[Expression | None], letter: str) -> list[Verdict]:
        found = []
        for q in (self.book.biases if letter == "b" else self.book.parameters)[:40]:
            name = self.book.notation.latex(self.book.network, q)

            def put(e: Expression, name: str = name) -> Expression | None:
                return Letters(name, name) if isinstance(e, Letters) and e.text == letter else None

            found.append(self.one(statement, [rebuilt(t, put) if t else None for t in trees], {}))
        return [worst(list(column)) for column in zip(*found, strict=True)]
