"""One way to read a statement: its sides in known names, each held against the one before, its numbers remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from derivations import names
from derivations.expression import Expression, Letters, Matrix, Name, names_in
from derivations.names import KINDS, Quantity
from derivations.network import Problem
from derivations.reading.indices import index_letters
from derivations.reading.letters import Letterbook
from derivations.reading.meanings import Unknown
from derivations.reading.nodes import rebuilt, size
from derivations.reading.statements import Relation, Statement
from tracer.answers.reading.entries import ONE, Entry
from tracer.answers.result import Mark
from tracer.answers.solutions.chains import Chain
from tracer.answers.solutions.comparing import Comparer
from tracer.answers.solutions.effort import MOST_WORK, Effort
from tracer.answers.solutions.elsewhere import Elsewhere
from tracer.answers.solutions.shown import shown_number
from tracer.answers.solutions.sides import ORDERS, is_shown, ordered, pairs, plain, why
from tracer.answers.solutions.values import GIVEN, Claim, Slip
from tracer.answers.solutions.verdicts import NOT_CHECKED, Verdict

__all__ = ["OneWay", "Resolved"]

MOST_GIVEN = 200
"""Parts of what a name stands for: names in names in names would double what is written with each row."""
Resolved = list[Expression | str]  # a tree, or why there is none


@dataclass
class OneWay:
    """What a document has said so far, and how its next statement is judged as it stands.

    `comparer` knows the one sample that it works, `batch` all of them.
    """

    problem: Problem
    book: Letterbook
    comparer: Comparer
    batch: Comparer
    entries: dict[Quantity, Entry] = field(default_factory=dict)
    of_batch: dict[Quantity, Entry] = field(default_factory=dict)  # what is said of all samples
    lines: Mapping[int, int] = field(default_factory=dict)  # where each row stands
    accepted: Mapping[Quantity, Mark] = field(default_factory=dict)  # numbers that marking has found right
    named: dict[str, Expression] = field(default_factory=dict)  # names of its own, by what it defines them to be
    networks: dict[int, Comparer] = field(default_factory=dict)  # by sample, where each has its own
    of_all: bool = False  # whether it has named a sample, as one does who works them all
    effort: Effort = field(default_factory=lambda: Effort(MOST_WORK))
    elsewhere: Elsewhere = field(init=False)

    def __post_init__(self) -> None:
        self.elsewhere = Elsewhere(self.comparer)

    def one(
        self,
        statement: Statement,
        trees: list[Expression | None],
        binding: Mapping[str, int],
        comparer: Comparer | None = None,
    ) -> list[Verdict]:
        """The verdicts on a statement; binding: what its index letters are; comparer: another network's.

        Raises Spent.
        """
        self.effort.work(trees)
        resolved: Resolved = []
        for k, tree in enumerate(trees):
            try:
                resolved.append(self.book.resolved(tree, binding) if tree else why(statement, k))
            except Unknown as e:
                resolved.append(str(e))
        if isinstance(resolved[0], str) and len(resolved) > 1 and isinstance(resolved[1], Expression):
            self._named_here(resolved, trees[0], trees[1])
        orders = any(relation.sign in ORDERS for relation in statement.relations)
        if not orders and all(
            (isinstance(tree, Name) and tree.quantity.kind in ("x", "t")) or is_shown(tree) for tree in resolved
        ):
            return self._inputs(resolved)
        general = bool(binding) or any(isinstance(tree, Matrix) for tree in resolved)
        self.effort.write_out(trees, resolved, general=general)
        used = names_in(resolved)
        if comparer is None and self.problem.training.samples == "apart" and len({q.sample for q in used} - {0}) == 1:
            comparer = self._network(max(q.sample for q in used))
            resolved = [tree if isinstance(tree, str) else rebuilt(tree, _of_no_sample) for tree in resolved]
        return self.chain(statement, resolved, comparer or self._meant(used), general=general)

    def _network(self, sample: int) -> Comparer:
        """The network of one sample, where each has its own."""
        if sample not in self.networks:
            self.networks[sample] = Comparer(self.problem.sample(sample), self.comparer.letter)
        return self.networks[sample]

    def _meant(self, used: set[Quantity]) -> Comparer:
        """All samples where one is named, and once one was, for what is of no sample: their gradients and losses."""
        marked = any(q.sample for q in used)
        self.of_all = self.of_all or marked
        sums = bool(used) and not any(KINDS[q.kind].sampled for q in used)
        return self.batch if marked or (self.of_all and sums) else self.comparer

    def _named_here(self, resolved: Resolved, head: Expression | None, meant: Expression | None) -> None:
        """s = 1.2 + 0.3 gives s as a name: what follows is checked with what it stands for, where that is no page."""
        if isinstance(head, Letters) and meant is not None and not index_letters(head.latex):
            if size(meant, MOST_GIVEN) >= MOST_GIVEN:
                return
            self.named[head.latex] = meant
            resolved[0] = f"{NOT_CHECKED}{head.text} is a name that is given here"

    def _inputs(self, resolved: Resolved) -> list[Verdict]:
        """x_0 = x_1 = 0: said of any one of the samples."""
        if self.batch is not self.comparer:
            worlds = [self._of_sample(k) for k in range(1, self.problem.samples + 1)]
        else:
            worlds = [self.comparer.value]
        verdicts: list[Verdict] = []
        for value in worlds:
            try:
                first, *others = [value(tree) for tree in resolved if not isinstance(tree, str)]
            except ArithmeticError as e:  # a target that the problem does not state
                return [Verdict("unread", message=f"{NOT_CHECKED}{e}")] * (len(resolved) - 1)
            verdicts = [
                Verdict("true") if other == first else Verdict("false", message=f"it is {plain(first)} in this problem")
                for other in others
            ]
            if all(v.right for v in verdicts):
                break
        return verdicts

    def _of_sample(self, k: int) -> Any:
        def value(e: Expression) -> Any:
            if isinstance(e, Name):
                return self.batch.true(e.quantity._replace(sample=k))
            return self.batch.value(e)

        return value

    def chain(
        self, statement: Statement, resolved: Resolved, comparer: Comparer, *, general: bool = False
    ) -> list[Verdict]:
        """The verdict on each side after the first."""
        if sum(not isinstance(side, str) for side in resolved) < 2:  # nothing to hold against anything
            return [Verdict("unread", message=_reason(*both)) for both in pairwise(resolved)]
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
                out.append(Verdict("unread", message=_reason(resolved[k - 1], side)))
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
            sample = next((k for k, own in self.networks.items() if own is comparer), 0)
            if not sample and comparer is not self.comparer and comparer is not self.batch:
                continue
            q = q._replace(sample=sample or q.sample)
            entries = self.entries if comparer is self.comparer else self.of_batch
            entries.pop(q, None)
            entries[q] = Entry(
                names.text(self.problem.network, q),
                shown.text,
                f"line {relation.line}",
                q,
                ONE,
                None,
                shown.written,
            )


def _reason(before: Expression | str, side: Expression | str) -> str:
    """Why a side is held against nothing."""
    return side if isinstance(side, str) else str(before)


def _of_no_sample(e: Expression) -> Expression | None:
    if not isinstance(e, Name) or not e.quantity.sample:
        return None
    kind = e.quantity.kind.removesuffix("_sample")  # the loss of a network of one sample
    return Name(e.quantity._replace(kind=kind, sample=0))
