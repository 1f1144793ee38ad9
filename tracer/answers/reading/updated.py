"""Updated weights under the names of the given ones: `w5 = 0.3589` below the gradients, where w5 is given as 0.40."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from derivations.formulas import givens
from derivations.names import KINDS, Quantity
from derivations.network import Problem
from tracer.answers.reading.entries import Entry
from tracer.step import WorkedStep

__all__ = ["Updated"]

MOST_NAMED = 3


class Updated:
    """Tells weights and biases that a sheet repeats from those that it has updated."""

    def __init__(self, problem: Problem, steps: Sequence[WorkedStep]) -> None:
        self.problem, self.steps = problem, steps

    def meant(self, entries: Sequence[Entry]) -> tuple[list[Entry], str]:
        """The entries, with those read as updates that are; a remark about them, "" where there are none.

        A number other than the given one is an update where it is the updated number, where the given one stands on
        the sheet as well, or where it stands below the gradients.  Any other is taken for the given number misread.
        """
        if not any(self._given(e) for e in entries):
            return list(entries), ""
        there = {e.quantity for e in entries}
        as_given = {e.quantity for e in entries if self._given(e) and not self._other(e)}
        out, named, backward = list(entries), [], False
        for k, entry in enumerate(entries):
            q = entry.quantity
            backward = backward or (q is not None and KINDS[q.kind].stage == "backward")
            if q is None or not self._other(entry):
                continue
            new = q._replace(kind=f"{q.kind}_new")
            if new not in there and new in self._new and (q in as_given or backward or self._fits(entry, new)):
                out[k] = entry._replace(quantity=new)
                named.append(entry.name)
        return out, self._remark(named)

    def _given(self, entry: Entry) -> bool:
        q = entry.quantity
        return q in self._old and entry.value is not None and not entry.fault

    def _other(self, entry: Entry) -> bool:
        """Whether a given number stands there with another value."""
        if not self._given(entry):
            return False
        assert entry.quantity is not None
        assert entry.value is not None
        written = entry.value.number / float(entry.factor)
        return abs(written - self._old[entry.quantity]) > 1e-12 * abs(written)

    def _fits(self, entry: Entry, new: Quantity) -> bool:
        """Whether the number is the updated one, to the digit last written."""
        assert entry.value is not None
        unit = entry.value.unit
        return abs(entry.value.number / float(entry.factor) - self._new[new]) <= unit

    @cached_property
    def _old(self) -> dict[Quantity | None, float]:
        out: dict[Quantity | None, float] = {}
        for kind, layer, quantities in givens(self.problem):
            if kind in ("W", "b"):
                given: Any = getattr(self.problem.network.layer(layer), kind)
                out |= dict(zip(quantities.flat, map(float, given.floats.flat), strict=True))
        return out

    @cached_property
    def _new(self) -> dict[Quantity, float]:
        items = (item for step in self.steps[:1] for item in step.items())
        return {q: float(value) for q, value in items if q.kind in ("W_new", "b_new")}

    def _remark(self, named: Sequence[str]) -> str:
        first = ", ".join(named[:MOST_NAMED]) + (" ..." if len(named) > MOST_NAMED else "")
        return f"read as updated, for the given numbers are others: {first}" if named else ""
