"""What is right on a problem of somebody's own equations: the exact numbers, the slips of its lines, what is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from derivations.arithmetic import Exact
from derivations.computation import Computation
from derivations.equations import Role
from derivations.general import GeneralText
from derivations.own_names import OwnNames
from derivations.quantity import Quantity
from tracer.answers.reading.entries import Entry, Sheet
from tracer.computed_step import ComputedStep
from tracer.marking.carrying import Runs
from tracer.marking.rewrites import Rewrite, rewrites
from tracer.rounding import Rounding, bounds
from tracer.tracing import steps_of

__all__ = ["Key"]


class Key:
    """What is right on a problem, worked when it is first asked for."""

    def __init__(self, problem: Computation) -> None:
        self.problem, self.names, self.runs = problem, OwnNames(problem), Runs(problem)
        self._ends: dict[Quantity, tuple[Fraction | None, Fraction | None]] = {}
        self._shown: dict[tuple[Quantity, int, int], str] = {}

    @cached_property
    def rewrites(self) -> list[Rewrite]:
        """The slips of its step."""
        return rewrites(self.problem)

    @cached_property
    def lines(self) -> dict[str, str]:
        """The equation of each array, as on a board."""
        text = GeneralText(self.problem.step.unwritten, self.names.letter, self.problem.step.ranges)
        return {e.left.name: text.equation(e) for e in self.problem.step.equations}

    @cached_property
    def true(self) -> dict[Quantity, Any]:
        """The right numbers of one pass, as balls."""
        out: dict[Quantity, Any] = {}
        for step in steps_of(self.problem, Exact(200)):
            assert isinstance(step, ComputedStep)
            out |= {**step.stated, **dict(step.items())}
        return out

    def ends(self, q: Quantity) -> tuple[Fraction | None, Fraction | None]:
        """The ends of the right number's ball; (None, None) where there is none, or it is not finite."""
        if q not in self._ends:
            self._ends[q] = bounds(self.true[q]) if q in self.true else (None, None)
        return self._ends[q]

    def middle(self, q: Quantity) -> Fraction | None:
        """The right number; None where there is none, or it is not finite."""
        low, high = self.ends(q)
        return None if low is None or high is None else (low + high) / 2

    def is_exact(self, q: Quantity, written: Fraction) -> bool:
        """Whether a number is the right one itself, and not what is left of it."""
        low, high = self.ends(q)
        return not written or (low is not None and high is not None and low <= written <= high)

    def as_updated(self, sheet: Sheet) -> Sheet:
        """A parameter written again under its given name, with its new value, is read as updated."""
        arrays, out = self.problem.step.arrays, list(sheet.entries)
        there = {e.quantity for e in sheet.entries}
        again: dict[str, list[int]] = {}
        for k, e in enumerate(out):
            if e.quantity and e.value is not None and not e.fault and arrays[e.quantity.kind].role is Role.PARAMETER:
                again.setdefault(e.quantity.kind, []).append(k)
        remarks = list(sheet.remarks)
        for name, places in again.items():
            new = f"{name}_new"
            moved = {k: q._replace(kind=new) for k in places if (q := out[k].quantity) is not None}
            if new in arrays and not there & set(moved.values()) and self._fit(out, moved):
                for k, q in moved.items():
                    out[k] = replace(out[k], quantity=q)
                remarks.append(f"{name} read as its updated value, {new}")
        return (
            sheet if len(remarks) == len(sheet.remarks) else replace(sheet, entries=tuple(out), remarks=tuple(remarks))
        )

    def _fit(self, entries: Sequence[Entry], moved: Mapping[int, Quantity]) -> bool:
        """Whether most numbers are the updated values in their digits, and not the given ones."""
        fits = 0
        for k, q in moved.items():
            value, right = entries[k].value, self.middle(q)
            own = entries[k].quantity
            assert value is not None
            unit = Fraction(10) ** (value.place or 0)
            given = self.middle(own) if own else None
            fits += right is not None and abs(right - value.exact) <= unit and given != value.exact
        return 2 * fits > len(moved)

    def asked(self) -> list[Quantity]:
        """What `[sheet] ask` asks for, number by number."""
        ask = dict(self.problem.sheet).get("ask")
        names = ask if isinstance(ask, list | tuple) else []
        out: list[Quantity] = []
        for q in map(self.names.read, map(str, names)):
            out += [own for own in self.true if own.kind == q.kind and _is_of(own, q)]
        return out

    @cached_property
    def wanted(self) -> frozenset[Quantity]:
        """The same as a set."""
        return frozenset(self.asked())

    def points(self, q: Quantity) -> float:
        """What a number counts; nothing where `[sheet] ask` does not ask for it."""
        if self.wanted and q not in self.wanted:
            return 0.0
        given = dict(self.problem.sheet).get("points")
        if given is None:
            return 1.0
        if not isinstance(given, Mapping):
            return float(str(given))
        found = [float(str(n)) for name, n in given.items() if _is_of(q, self.names.read(str(name)))]
        return found[-1] if found else 1.0

    def shown(self, q: Quantity, places: int, figures: int) -> str:
        """The right number at the digits that were written; "" where it is not finite."""
        at = q, places, figures
        if at not in self._shown:
            self._shown[at] = self._at_digits(q, places, figures)
        return self._shown[at]

    def _at_digits(self, q: Quantity, places: int, figures: int) -> str:
        value = self.middle(q)
        if value is None:
            return ""
        needed = Rounding(digits=max(figures, 2)).places_of(value) if value else 0
        return Rounding(places=max(0, min(max(places, needed), 100))).shown(value)


def _is_of(q: Quantity, asked: Quantity) -> bool:
    return (
        q.kind == asked.kind
        and (not asked.indices or q.indices == asked.indices)
        and (not asked.sample or q.sample == asked.sample)
        and q.step == asked.step
    )
