"""The line of one number written out: as it is right, or as somebody worked it, in names or with numbers put in."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Mapping

from derivations.entries import Entries, terms_of
from derivations.equations import Equation, Role
from derivations.expression import Expression, names_in
from derivations.quantity import Quantity
from tracer.computed_step import count_of, leaf_of
from tracer.marking.passes import Pass, Runs

__all__ = ["WorkedLines"]

MOST_TERMS = 40
"""Terms of a sum that a reader follows; of a longer one the line with its letters says more."""


class WorkedLines:
    """The lines of the numbers of a computation, each an expression over numbers that come earlier.

    A number is named as the step's arrays are; there is none where a line defines no such number, or where its sum is
    too long to be written out.
    """

    def __init__(self, runs: Runs) -> None:
        self.runs, self.step = runs, runs.problem.step
        self._entries: dict[int, Entries] = {}
        self._lines: dict[int, dict[str, list[Equation]]] = {}
        self._right: dict[Quantity, Expression | None] = {}

    def right(self, q: Quantity) -> Expression | None:
        """What a number is defined by."""
        if q not in self._right:
            own = self._pass(q)
            self._right[q] = self._first(own, q, self._own_lines(own).get(q.kind, ())) if own else None
        return self._right[q]

    def otherwise(self, q: Quantity, lines: Iterable[Equation]) -> Expression | None:
        """What lines in place of the step's own define it by."""
        own = self._pass(q)
        return self._first(own, q, [e for e in lines if e.left.name == q.kind]) if own else None

    def changed(self, q: Quantity, arrays: Container[str]) -> Quantity:
        """The number nearest before q, or q itself, that is of one of these arrays; q where there is none."""
        near, seen = deque([q]), {q}
        while near:
            own = self.before(near.popleft())
            if own.kind in arrays:
                return own
            right = self.right(own)
            ahead = sorted(names_in(right) - seen) if right is not None else []
            near += ahead
            seen |= set(ahead)
        return q

    def before(self, q: Quantity) -> Quantity:
        """A parameter of a later step as what the step before left."""
        if q.step > 1 and self.step.arrays[q.kind].role is Role.PARAMETER:
            return q._replace(kind=f"{q.kind}_new", step=q.step - 1)
        return q

    # --- entries ---

    def _pass(self, q: Quantity) -> Pass | None:
        """The step on one sample, or on all, that a number is of."""
        passes = [own for own in self.runs.passes(q.step) if own.step == q.step and own.sample in (0, q.sample)]
        return passes[0] if passes else None

    def _own_lines(self, own: Pass) -> Mapping[str, list[Equation]]:
        step = own.problem.step
        if id(step) not in self._lines:
            by_name = self._lines.setdefault(id(step), {})
            for task in own.program.tasks:
                known = by_name.setdefault(task.equation.left.name, [])
                if not any(e is task.equation for e in known):
                    known.append(task.equation)
        return self._lines[id(step)]

    def _first(self, own: Pass, q: Quantity, lines: Iterable[Equation]) -> Expression | None:
        if id(own) not in self._entries:
            leaf, count = leaf_of(own.problem, own.sample, own.step), count_of(own.problem, own.step)
            self._entries[id(own)] = Entries(own.problem.step, leaf, count)
        found = (self._entries[id(own)].one(e, self._at(own, q)) for e in lines if self._is_short(e))
        return next((formula for formula in found if formula is not None), None)

    def _is_short(self, e: Equation) -> bool:
        return terms_of(e, self.step.ranges) <= MOST_TERMS

    @staticmethod
    def _at(own: Pass, q: Quantity) -> tuple[int, ...]:
        """Where a number stands in its array, the index of its sample among the others."""
        at, axis = list(q.indices), own.problem.sample_axes.get(q.kind)
        if axis is not None:
            first = own.problem.step.arrays[q.kind].extents[axis][0]
            at.insert(axis, first + (q.sample - 1 if own.problem.samples > 1 else 0))
        return tuple(at)
