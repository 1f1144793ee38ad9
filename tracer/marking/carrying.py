"""What follows from what stands on each sheet, number by number, and whether the number agrees.

Errors are carried forward through the one recording point: where a sheet has a number, its own is what the rest uses.
A number is accepted when what it stands for meets what follows.  Then the number that the person went on with, kept in
mind or as written, lies in the hull of that meeting and the written number; so by induction no correct way of rounding
is ever refused.  A refused number is carried as written ("own") or as it should have been ("true").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from derivations.axes import Arrays
from derivations.computation import Computation
from derivations.program import Part, Program, Task
from derivations.quantity import Quantity
from tracer.answers.marking.discipline import PLAIN, Discipline, Inside, least_figures, unit_of_whole, unit_of_zero
from tracer.answers.reading.entries import Sheet
from tracer.computed_step import STATED, quantities
from tracer.marking.spans import Span, SpanArithmetic, hull
from tracer.marking.ways import ways
from tracer.schedule import schedules

__all__ = ["Cells", "Followed", "Numbers", "Pass", "Runs", "follow"]


@dataclass(frozen=True)
class Numbers:
    """One quantity as the sheets have it, each (sheets,): whether it stands there, what, how exactly.

    `unit` is the place value of the last digit, 0 for a number such as 1/3; `figures` counts significant figures.
    """

    there: np.ndarray
    value: np.ndarray
    unit: np.ndarray
    figures: np.ndarray

    def take(self, rows: np.ndarray) -> Numbers:
        """Some of the sheets."""
        return Numbers(self.there[rows], self.value[rows], self.unit[rows], self.figures[rows])


@dataclass(frozen=True)
class Cells:
    """What sheets say of one computation; `figures` and `unit` are each sheet's usual ones, for what it leaves out."""

    problem: Computation
    count: int
    numbers: Mapping[Quantity, Numbers]
    figures: np.ndarray
    unit: np.ndarray
    least: np.ndarray
    """The fewest figures of a sheet whose decimals follow the size of its numbers, else 0."""

    @classmethod
    def of(
        cls,
        problem: Computation,
        sheets: Sequence[Sheet],
        is_exact: Callable[[Quantity, Fraction], bool] = lambda q, written: not written,
    ) -> Cells:
        """The numbers that were read; those that are exact (0, the slope 1) say nothing of how a sheet rounds."""
        found: dict[Quantity, Numbers] = {}
        usual = np.full((len(sheets), 3), [4.0, 1e-4, 0.0])
        for row, sheet in enumerate(sheets):
            read = [(e.quantity, e.value) for e in sheet.entries if e.quantity and e.value is not None and not e.fault]
            units = [10.0**v.place if v.place is not None else 0.0 for _, v in read]
            figures = [min(v.figures, 17) for _, v in read]
            telling = [k for k, (q, v) in enumerate(read) if v.number and not is_exact(q, v.exact)]
            if telling:
                counts, places = [figures[k] for k in telling], [units[k] for k in telling]
                unit = _commonest(places) or 1e-4
                usual[row] = _commonest(counts), unit, least_figures(counts, [u for u in places if u], unit)
            others = [u for u, (_, v) in zip(units, read, strict=True) if u and v.number]
            for (q, v), unit, n in zip(read, units, figures, strict=True):
                zero = v.number == 0  # it has no figures to count
                if q not in found:
                    blank = np.zeros(len(sheets))
                    found[q] = Numbers(blank.astype(bool), blank.copy(), blank.copy(), blank.copy())
                own = found[q]
                own.there[row], own.value[row] = True, v.number
                most = usual[row, 0]
                own.unit[row] = unit_of_zero(unit, others, most) if zero else unit_of_whole(v.number, unit, most)
                own.figures[row] = most if zero else n
        return cls(problem, len(sheets), found, *usual.T)

    def take(self, rows: np.ndarray) -> Cells:
        """Some of the sheets."""
        numbers = {q: n.take(rows) for q, n in self.numbers.items()}
        usual = {name: getattr(self, name)[rows] for name in ("figures", "unit", "least")}
        return replace(self, count=len(rows), numbers=numbers, **usual)

    def up_to(self, step: int) -> Cells:
        """What is said of the first steps."""
        return replace(self, numbers={q: n for q, n in self.numbers.items() if q.step <= step})

    def last_steps(self) -> np.ndarray:
        """The last step that each sheet speaks of."""
        last = np.ones(self.count, int)
        for q, n in self.numbers.items():
            last = np.where(n.there, np.maximum(last, q.step), last)
        return last

    @property
    def steps(self) -> int:
        """The last step that a sheet speaks of."""
        return max((q.step for q in self.numbers), default=1)


def _commonest(values: Sequence[float]) -> float:
    return max(dict.fromkeys(values), key=lambda v: (values.count(v), v))


@dataclass(frozen=True)
class Pass:
    """One step of the computation on one sample or on all: its program, what it starts from besides what is carried."""

    problem: Computation
    sample: int
    step: int
    first: bool
    program: Program

    def quantities(self, part: Part) -> list[Quantity]:
        """Those of a part, in reading order."""
        return list(quantities(self.problem, part, self.sample, self.step))

    def stated(self, start: Arrays) -> Iterator[tuple[Quantity, Any]]:
        """Every number that it starts from, with its name."""
        for name, array in self.problem.step.arrays.items():
            if array.role in STATED and name in start:
                values = start[name]
                flat = values.flat if isinstance(values, np.ndarray) else [values]
                yield from zip(self.quantities(Part(name, array.extents)), flat, strict=True)


class Runs:
    """The passes of a computation, planned once; `m` are the arithmetics, by the roundoff of a machine."""

    def __init__(self, problem: Computation) -> None:
        self.problem = problem
        self._arithmetics: dict[float, SpanArithmetic] = {}
        self._passes: dict[int, list[Pass]] = {}
        self._ways: dict[object, list[tuple[bool, Callable[[Arrays], Any]]]] = {}

    def arithmetic(self, machine: float) -> SpanArithmetic:
        """That of people, or of a program of a roundoff; nothing is rounded inside as yet."""
        m = self._arithmetics.setdefault(machine, SpanArithmetic(machine or 2.0**-53))
        m.inside = None
        return m

    def passes(self, steps: int) -> list[Pass]:
        """Every step up to the last that is spoken of; of samples in turn or apart every sample."""
        if steps not in self._passes:
            self._passes[steps] = list(self._made(steps))
        return self._passes[steps]

    def otherwise(self, own: Pass, m: SpanArithmetic, task: Task, value: Any, known: Arrays) -> Any:
        """A line's number, or what an equal way to work it gives."""
        key = id(own.program), m.machine, id(task.equation), tuple(task.fixed.items())
        if key not in self._ways:
            found = [(way.rounding, Task(way.equation, task.fixed)) for way in ways(self.problem.step, task.equation)]
            self._ways[key] = [(rounding, own.program.planned(other, m).work) for rounding, other in found]
        for rounding, work in self._ways[key]:
            if m.inside is not None or not rounding:
                value = _hull(m, value, work(known))
        return value

    def _made(self, steps: int) -> Iterator[Pass]:
        for schedule in schedules(self.problem):
            for k in range(1, max(steps, len(schedule.turns)) + 1):
                own = schedule.problem(k)
                yield Pass(own, schedule.sample, k, k == 1, own.planned.exact)


def _hull(m: SpanArithmetic, one: Any, other: Any) -> Any:
    """Both, number by number."""
    whole = np.frompyfunc(lambda x, y: hull(*(v if isinstance(v, Span) else m.of(v) for v in (x, y))), 2, 1)
    return whole(one, other)


@dataclass
class Followed:
    """One run: by quantity what follows and what is carried on; where a written number agrees; all arrays, by pass."""

    m: SpanArithmetic
    follows: dict[Quantity, Span] = field(default_factory=dict)
    carried: dict[Quantity, Span] = field(default_factory=dict)
    accepted: dict[Quantity, np.ndarray] = field(default_factory=dict)
    arrays: list[Arrays] = field(default_factory=list)


def follow(runs: Runs, cells: Cells, discipline: Discipline = PLAIN, *, carry: str = "own") -> Followed:
    """Work every pass for all sheets at once."""
    m = runs.arithmetic(discipline.machine)
    if discipline.inside:  # numbers that are not written may have been rounded on the way, as the sheet usually does
        m.inside = Inside(discipline, lambda shape: (cells.figures, cells.unit, cells.least))
    out = Followed(m)
    recording = Recording(cells, discipline, carry, out)
    after: Arrays = {}
    for own in runs.passes(cells.steps):
        given = own.problem.start(m) | ({} if own.first else after)
        given = recording.started(own, given)
        with m.working():
            known = own.program.run(m, given, partial(recording.keep, own), partial(runs.otherwise, own, m))
        after = {**{name: known[then] for name, then in own.problem.planned.carried}, "step": own.step + 1}
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
            if array.role not in STATED or name not in given or own.step > 1:
                continue
            part = Part(name, array.extents)
            written = [(k, q) for k, q in enumerate(own.quantities(part)) if q in self.cells.numbers]
            for k, q in written:
                n = self.cells.numbers[q]
                whole = np.array(changed[name], object)
                old = whole.flat[k] if isinstance(whole.flat[k], Span) else self.out.m.of(whole.flat[k])
                low, high = (np.where(n.there, n.value, end) for end in (old.low, old.high))
                if self.carry == "own":
                    whole.flat[k] = Span(self.out.m, low, high, fresh=False)
                    changed[name] = whole if whole.ndim else whole.item()
        return changed

    def keep(self, own: Pass, label: str, array: Any) -> Any:
        """What the rest uses in place of what follows."""
        out = np.empty(np.shape(array), object)
        entries = array.flat if isinstance(array, np.ndarray) else [array]
        for k, (q, entry) in enumerate(zip(own.quantities(own.program.parts[label]), entries, strict=True)):
            carried = self._kept(q, entry if isinstance(entry, Span) else self.out.m.of(entry))
            out.flat[k] = carried
        return out if isinstance(array, np.ndarray) else out.item()

    def _kept(self, q: Quantity, follows: Span) -> Span:
        written = self.cells.numbers.get(q)
        self.out.follows[q] = follows
        unwritten = follows.used()  # once, whoever writes it: a sheet's marks are its own
        if written is None:
            self.out.carried[q] = carried = Span(self.out.m, unwritten.low, unwritten.high, fresh=False)
            carried.among = follows.among
            return carried
        met, right = self.meeting(follows, written)
        accepted = self.out.accepted[q] = met[0] <= met[1]
        cell = self.discipline.cell(written.value, written.unit)
        refused = cell if self.carry == "own" else self._as_it_should_be(right, written)
        low = np.where(accepted, np.minimum(met[0], written.value), refused[0])
        high = np.where(accepted, np.maximum(met[1], written.value), refused[1])
        low, high = np.where(written.there, low, unwritten.low), np.where(written.there, high, unwritten.high)
        self.out.carried[q] = carried = Span(self.out.m, low, high, fresh=False)
        carried.shown, carried.among = np.where(written.there, written.value, np.nan), follows.among
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
        figures = np.maximum(written.figures, self.cells.figures)
        by_figures = replace(self.discipline, inside="figures").kept(low, high, figures, written.unit, np.zeros(1))
        usual = written.unit == self.cells.unit
        lower = np.where(usual, by_place[0], np.maximum(by_place[0], by_figures[0]))
        return lower, np.where(usual, by_place[1], np.minimum(by_place[1], by_figures[1]))
