"""What follows from what stands on each sheet, number by number, and whether the number agrees.

Errors are carried forward through the one recording point: where a sheet has a number, its own is what the rest uses.
A number is accepted when what it stands for meets what follows.  Then the number that the person went on with, kept in
mind or as written, lies in the hull of that meeting and the written number; so by induction no correct way of rounding
is ever refused.  A refused number is carried as written ("own") or as it should have been ("true").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from derivations.axes import Arrays, Work
from derivations.equations import Equation, Role
from derivations.expression import Ref
from derivations.planned import counted
from derivations.program import Task
from derivations.quantity import Quantity
from tracer.computed_step import STATED
from tracer.marking.cells import Cells, Named, Numbers
from tracer.marking.discipline import PLAIN, Discipline, Inside
from tracer.marking.passes import Pass, Runs
from tracer.marking.span_arithmetic import SpanArithmetic
from tracer.marking.spans import Span

Worked = TypeVar("Worked")
CARRIED = (Role.PARAMETER, Role.BEFORE)
"""The roles of what a later step starts from as the one before left it."""

__all__ = ["ByQuantity", "Followed", "Recording", "follow"]


class ByQuantity(Mapping[Quantity, Span]):
    """Numbers by quantity, out of the arrays of their parts."""

    def __init__(self) -> None:
        self.parts: list[tuple[Named, Span]] = []
        self._of: dict[str, list[tuple[Named, Span]]] = {}

    def add(self, named: Named, numbers: Span) -> None:
        """A part more."""
        self.parts.append((named, numbers))
        self._of.setdefault(named.quantities[0].kind, []).append((named, numbers))

    def _found(self, q: object) -> tuple[int, Span] | None:
        """Where a number stands, and in which array; the last one that was added."""
        if isinstance(q, Quantity):
            for named, numbers in reversed(self._of.get(q.kind, ())):
                if q in named.places:
                    return named.places[q], numbers
        return None

    def __getitem__(self, q: Quantity) -> Span:
        low, high = self.ends(q)
        return Span(self.parts[0][1].m, low, high, fresh=False)

    def ends(self, q: Quantity) -> tuple[np.ndarray, np.ndarray]:
        """Both ends of one number.  Raises KeyError for one that is not here."""
        found = self._found(q)
        if found is None:
            raise KeyError(q)
        k, numbers = found
        low, high = numbers.low, numbers.high
        return low.reshape(-1, low.shape[-1])[k], high.reshape(-1, high.shape[-1])[k]

    def together(self, quantities: Sequence[Quantity], count: int) -> tuple[np.ndarray, np.ndarray]:
        """Both ends of several, each (quantities, sheets)."""
        low, high = np.empty((2, len(quantities), count))
        for k, q in enumerate(quantities):
            low[k], high[k] = self.ends(q)
        return low, high

    def __iter__(self) -> Iterator[Quantity]:
        return iter(dict.fromkeys(q for named, _ in self.parts for q in named.quantities))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, q: object) -> bool:
        return self._found(q) is not None


@dataclass
class Followed:
    """One run: by quantity what follows and what is carried on; where a written number agrees; all arrays, by pass.

    `kept` are the parts that are carried on, by sample, step and label.
    """

    m: SpanArithmetic
    follows: ByQuantity = field(default_factory=ByQuantity)
    carried: ByQuantity = field(default_factory=ByQuantity)
    accepted: dict[Quantity, np.ndarray] = field(default_factory=dict)
    arrays: list[Arrays] = field(default_factory=list)
    kept: dict[tuple[int, int, str], Span] = field(default_factory=dict)


def follow(
    runs: Runs,
    cells: Cells,
    discipline: Discipline = PLAIN,
    *,
    carry: str = "own",
    lines: Mapping[Ref, Equation] = MappingProxyType({}),
) -> Followed:
    """Work every pass for all sheets at once, with some lines replaced."""
    m = runs.arithmetic(discipline.machine)
    out = Followed(m)
    recording = Recording(cells, discipline, carry, out)
    after: Arrays = {}
    for own in runs.passes(cells.steps):
        given = runs.start(own, m) | ({} if own.first else after)
        given = recording.started(own, given)
        with m.working():
            working = partial(recording.worked, None if lines else runs, own)
            known = own.with_lines(lines).run(m, given, partial(recording.keep, own), working)
        carried = {name: known[then] for name, then in own.problem.planned.carried}
        after = carried | counted(own.problem.training, own.step + 1, m)
        out.arrays.append(known)
    return out


@dataclass
class Recording:
    """The recording point of the sheets."""

    cells: Cells
    discipline: Discipline
    carry: str
    out: Followed

    def started(self, own: Pass, given: Arrays) -> Arrays:
        """What a pass starts from; a given number that a sheet has otherwise is its own."""
        changed = dict(given)
        for name, array in own.problem.step.arrays.items():
            if array.role not in STATED or name not in given or (not own.first and array.role in CARRIED):
                continue
            old = self.out.m.of(changed[name])
            part = self.cells.part(own.starts[name]) if self.carry == "own" else None
            if part is None:
                continue
            written = part.numbers
            low, high = (np.where(written.there, written.value, end) for end in (old.low, old.high))
            changed[name] = Span(self.out.m, low, high, fresh=False).numbered()
        return changed

    def worked(self, runs: Runs | None, own: Pass, task: Task, label: str, work: Work, known: Arrays) -> Any:
        """A line's numbers, rounded inside; also in equal ways to work it.

        Who would divide by what rounding leaves as nothing keeps all its digits: beta2 is 0.999, not 1.0.
        """

        def once() -> Any:
            value = work(known)
            return value if runs is None else runs.otherwise(own, self.out.m, task, value, known)

        value = self.rounding(once)
        if self._inside is None or not isinstance(value, Span) or value.is_finite().all():
            return value
        self.out.m.inside = None
        return value.where_finite(self.out.m.of(once()))

    @cached_property
    def _inside(self) -> Inside | None:
        return Inside(self.discipline, self.cells.fineness) if self.discipline.inside else None

    def rounding(self, work: Callable[[], Worked]) -> Worked:
        """What is worked, rounded on the way as a sheet's numbers usually are where that is the discipline."""
        self.out.m.inside = self._inside
        return work()

    def used(self, follows: Span) -> Span:
        """What follows as it is gone on with."""
        return self.rounding(follows.as_factor)

    def keep(self, own: Pass, label: str, array: Any) -> Any:
        """What the rest uses in place of what follows."""
        follows = array if isinstance(array, Span) else self.out.m.of(array)
        named = own.parts[label]
        carried = self._kept(named, follows)
        carried.among = follows.among
        self.out.follows.add(named, follows)
        self.out.carried.add(named, carried)
        self.out.kept[own.sample, own.step, label] = carried.numbered()
        return carried

    def _kept(self, named: Named, follows: Span) -> Span:
        unwritten = self.used(follows)  # once, whoever writes it: a sheet's marks are its own
        part = self.cells.part(named)
        if part is None:
            return Span(self.out.m, unwritten.low, unwritten.high, fresh=False)
        written = part.numbers
        met, right = self.meeting(follows, written)
        accepted = met[0] <= met[1]
        flat = accepted.reshape(-1, self.cells.count)
        self.out.accepted.update((q, flat[k]) for k, q in part.written)
        cell = self.discipline.cell(written.value, written.unit)
        refused = cell if self.carry == "own" else self._as_it_should_be(right, written)
        low = np.where(accepted, np.minimum(met[0], written.value), refused[0])
        high = np.where(accepted, np.maximum(met[1], written.value), refused[1])
        low, high = np.where(written.there, low, unwritten.low), np.where(written.there, high, unwritten.high)
        carried = Span(self.out.m, low, high, fresh=False)
        carried.shown = np.where(written.there, written.value, np.nan)
        return carried

    def meeting(self, follows: Span, written: Numbers) -> tuple[Any, Any]:
        """Where what a number stands for meets what follows, and what may be written."""
        right = self.discipline.guarded(follows.low, follows.high, written.unit)
        cell = self.discipline.cell(written.value, written.unit)
        return (np.maximum(right[0], cell[0]), np.minimum(right[1], cell[1])), right

    def _as_it_should_be(self, right: Any, written: Numbers) -> tuple[Any, Any]:
        """The right number in full, or rounded as the sheet usually rounds: to its unit, or else to its figures."""
        low, high = right
        by_place = replace(self.discipline, inside="places").kept(low, high, written.figures, written.unit, np.zeros(1))
        usually = self.cells.figures, written.unit, np.zeros(1)
        by_figures = replace(self.discipline, inside="figures").kept(low, high, *usually)
        usual = written.unit == self.cells.unit
        lower = np.where(usual, by_place[0], np.maximum(by_place[0], by_figures[0]))
        return lower, np.where(usual, by_place[1], np.minimum(by_place[1], by_figures[1]))
