"""Sheets of somebody's own equations marked: every number judged, the wrong ones explained by rewrites of a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from derivations.arithmetic import Exact
from derivations.computation import Computation
from derivations.equations import Role
from derivations.general import GeneralText
from derivations.own_names import OwnNames
from derivations.quantity import Quantity
from tracer.answers.marking.discipline import DISCIPLINES, FLOAT32, FLOAT64, PLAIN, Discipline
from tracer.answers.reading.entries import Entry, Sheet
from tracer.answers.result import Cause, Mark, Marked
from tracer.computed_step import STATED, ComputedStep
from tracer.marking.carrying import Cells, Followed, Runs, follow
from tracer.marking.explaining import Explained, explained
from tracer.marking.rewrites import Rewrite, rewrites
from tracer.rounding import Rounding, bounds
from tracer.terminal import counted
from tracer.tracing import steps_of
from tracer.unexpected import reported

__all__ = ["mark_own"]

AT_ONCE = 500
A_PROGRAM_SHOWS, FLOAT64_SHOWS = 7, 15
"""Figures that a program's output shows."""
ENOUGH_FIGURES = 2
WIDE = 0.5
"""Which part of a number its interval may be: with more it says nothing of what is written."""


def mark_own(problem: Computation, sheets: Sequence[Sheet], *, progress: bool = False) -> list[Marked]:
    """Mark every sheet, in order; a sheet that could not be read keeps its error.

    An unexpected error is the verdict of the one sheet that makes it.
    """
    key = _Key(problem)
    out: list[Marked] = []
    batches = range(0, len(sheets), AT_ONCE)
    for first in counted(batches, f"x {AT_ONCE} sheets", shown=progress and len(batches) > 1):
        out += _guarded(key, sheets[first : first + AT_ONCE])
    return out


def _guarded(key: _Key, sheets: Sequence[Sheet]) -> list[Marked]:
    try:
        return _marked(key, sheets)
    except Exception as e:
        why = reported(e)
        if len(sheets) == 1:
            return [Marked(sheets[0].id, remarks=sheets[0].remarks, error=why)]
    half = len(sheets) // 2
    return [m for some in (sheets[:half], sheets[half:]) for m in _guarded(key, some)]


class _Key:
    """What is right on a problem, worked when it is first asked for."""

    def __init__(self, problem: Computation) -> None:
        self.problem, self.names, self.runs = problem, OwnNames(problem), Runs(problem)
        self._exact: dict[int, dict[Quantity, Any]] = {}

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

    def is_exact(self, q: Quantity, written: Fraction) -> bool:
        """Whether a number is the right one itself, and not what is left of it."""
        low, high = bounds(self.true[q]) if q in self.true else (None, None)
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
            value, right = entries[k].value, _middle(self.true.get(q))
            own = entries[k].quantity
            assert value is not None
            unit = Fraction(10) ** (value.place or 0)
            given = _middle(self.true.get(own)) if own else None
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
        if q not in self.true:
            return ""
        mid = _middle(self.true[q])
        if mid is None:
            return ""
        needed = Rounding(digits=max(figures, 2)).places_of(mid) if mid else 0
        return Rounding(places=max(0, min(max(places, needed), 100))).shown(mid)


def _is_of(q: Quantity, asked: Quantity) -> bool:
    return (
        q.kind == asked.kind
        and (not asked.indices or q.indices == asked.indices)
        and (not asked.sample or q.sample == asked.sample)
        and q.step == asked.step
    )


def _middle(ball: Any) -> Fraction | None:
    """The middle of a number's ball; None where it is not finite, or where there is none."""
    if ball is None:
        return None
    low, high = bounds(ball)
    return None if low is None or high is None else (low + high) / 2


# --- judging ---


@dataclass
class _Judged:
    """By quantity where each sheet's number is right: from the right numbers, from its own; how it was rounded."""

    right: dict[Quantity, np.ndarray]
    own: dict[Quantity, np.ndarray]
    disciplines: list[Discipline]
    near: dict[Quantity, np.ndarray] = field(default_factory=dict)
    vague: dict[Quantity, np.ndarray] = field(default_factory=dict)
    """Where a number is right by an interval alone that says hardly anything."""


def _judged(key: _Key, cells: Cells) -> _Judged:
    """The strictest discipline in which each sheet has the fewest refused numbers, and the verdicts under it."""
    plain = {carry: follow(key.runs, cells, carry=carry) for carry in ("own", "true")}
    made = [q for q in cells.numbers if q in plain["own"].accepted]
    out = _Judged({}, {}, [PLAIN] * cells.count)
    for q in made:
        out.right[q], out.own[q] = (plain[carry].accepted[q].copy() for carry in ("true", "own"))
        out.near[q] = _one_off(plain["own"], cells, q)
        out.vague[q] = ~out.right[q] & out.own[q] & _is_wide(plain["own"], cells, q)
    fewest = _refused(cells, made, out.right, out.own).sum(axis=0)
    hopeful = _hopeful(key, cells, made, fewest)
    for discipline in (*DISCIPLINES[1:], FLOAT32, FLOAT64):
        rows = np.flatnonzero((fewest > 0) & hopeful & _may(cells, discipline))
        if not len(rows):
            continue
        some = cells.take(rows)
        worked = {carry: follow(key.runs, some, discipline, carry=carry) for carry in ("own", "true")}
        runs = {carry: run.accepted for carry, run in worked.items()}
        count = _refused(some, made, runs["true"], runs["own"]).sum(axis=0)
        better = count < fewest[rows]
        if discipline.cut:  # one number does not make a habit
            better &= count + 2 <= fewest[rows]
        for k in np.flatnonzero(better):
            out.disciplines[rows[k]] = discipline
            fewest[rows[k]] = count[k]
            for q in made:
                before = bool(out.right[q][rows[k]] or out.own[q][rows[k]])
                out.right[q][rows[k]] |= runs["true"][q][k]
                out.own[q][rows[k]] |= runs["own"][q][k]
                if not before:
                    out.vague[q][rows[k]] = all(_is_wide(run, some, q)[k] for run in worked.values())
    return out


class _AnyWay(Discipline):
    """Whatever some discipline accepts: what it refuses, all do."""

    def cell(self, value: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return value - unit * 1.01, value + unit * 1.01

    def kept(
        self, low: np.ndarray, high: np.ndarray, figures: np.ndarray, unit: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        more = 10.0 ** (1 - figures)  # a unit of so many figures is at most this part of a number
        return low - np.maximum(np.abs(low) * more, unit), high + np.maximum(np.abs(high) * more, unit)


_ANY_WAY = _AnyWay("any", cut=True, inside="figures", machine=2.0**-24)


def _hopeful(key: _Key, cells: Cells, made: Sequence[Quantity], fewest: np.ndarray) -> np.ndarray:
    """The sheets that have fewer refused numbers in some way of rounding, as far as one run can tell."""
    out = np.zeros(cells.count, bool)
    rows = np.flatnonzero(fewest)
    if len(rows):
        some = cells.take(rows)
        runs = [follow(key.runs, some, _ANY_WAY, carry=carry).accepted for carry in ("own", "true")]
        out[rows] = _refused(some, made, *runs).sum(axis=0) < fewest[rows]
    return out


def _refused(cells: Cells, made: Sequence[Quantity], right: Any, own: Any) -> np.ndarray:
    """(quantities, sheets): what is right neither way."""
    refused = [cells.numbers[q].there & ~(right[q] | own[q]) for q in made]
    return np.array(refused).reshape(len(made), cells.count)


def _may(cells: Cells, discipline: Discipline) -> np.ndarray:
    """Which sheets a discipline is for: a program's output shows many figures."""
    if not discipline.machine:
        return np.ones(cells.count, bool)
    most = np.max([n.figures for n in cells.numbers.values()], axis=0, initial=0)
    return np.asarray(most >= (A_PROGRAM_SHOWS if discipline is FLOAT32 else FLOAT64_SHOWS))


def _is_wide(run: Followed, cells: Cells, q: Quantity) -> np.ndarray:
    """Where what follows is about as wide as it is large, and wider than the digits that are written."""
    n, follows = cells.numbers[q], run.follows[q]
    width = follows.high - follows.low
    wide = (width > 4 * n.unit) & (width > WIDE * np.maximum(np.abs(follows.low), np.abs(follows.high)))
    return np.broadcast_to(wide | ~np.isfinite(width), (cells.count,))


def _one_off(run: Followed, cells: Cells, q: Quantity) -> np.ndarray:
    n, follows = cells.numbers[q], run.follows[q]
    reach = 1.5 * n.unit
    return np.asarray((n.value + reach >= follows.low) & (n.value - reach <= follows.high) & (n.unit > 0))


# --- sheets put together ---


def _marked(key: _Key, sheets: Sequence[Sheet]) -> list[Marked]:
    sheets = [key.as_updated(sheet) for sheet in sheets]
    cells = Cells.of(key.problem, sheets, key.is_exact)
    judged = _judged(key, cells)
    order = [q for q in _in_order(key, cells) if q in judged.own]
    wrong = _refused(cells, order, judged.right, judged.own)
    found = explained(key.runs, cells, key.rewrites, judged.disciplines, order, wrong) if wrong.any() else {}
    each = (_Sheet(key, sheet, cells, judged, row, order, found.get(row, [])) for row, sheet in enumerate(sheets))
    return [one.marked() for one in each]


def _in_order(key: _Key, cells: Cells) -> Iterator[Quantity]:
    """The quantities in the order of calculation."""
    for own in key.runs.passes(cells.steps):
        for part in own.program.parts.values():
            yield from own.quantities(part)


@dataclass
class _Sheet:
    """One sheet put together: the mark of every entry, the causes in the order of calculation."""

    key: _Key
    sheet: Sheet
    cells: Cells
    judged: _Judged
    row: int
    order: Sequence[Quantity]
    found: Sequence[Explained]

    def marked(self) -> Marked:
        """The sheet, marked."""
        if self.sheet.error:
            return Marked(self.sheet.id, remarks=self.sheet.remarks, error=self.sheet.error)
        marks = [m for m in map(self._mark, self.sheet.entries) if m]
        there = {e.quantity for e in self.sheet.entries}
        names = self.key.names
        for q in self.key.asked():
            if q not in there:
                name = names.text(q)
                marks.append(Mark(name, "", "missing", points=self.key.points(q), quantity=name))
        misread = [Cause(m.slips, (m.name,), (), m.facts) for m in marks if m.slips == ("given.misread",)]
        return Marked(self.sheet.id, tuple(marks), (*misread, *self._causes()), self.sheet.remarks)

    @cached_property
    def _slips(self) -> dict[Quantity, tuple[str, ...]]:
        return {q: one.names for one in self.found for q in one.quantities}

    def _mark(self, entry: Entry) -> Mark | None:
        q, written = entry.quantity, entry.value
        name = self.key.names.text(q) if q else ""
        points = self.key.points(q) if q else 1.0
        mark = Mark(entry.name, entry.number, "missing", where=entry.where, points=points, quantity=name)
        if entry.fault or q is None:
            return replace(mark, verdict=entry.fault, facts={"message": entry.message})
        if self.key.problem.step.arrays[q.kind].role in STATED:
            return self._given(entry, q) if written is not None else None
        if written is None:
            return mark
        places = 8 if written.place is None else -written.place
        expected = self.key.shown(q, places, written.figures)
        slips = self._slips.get(q, ())
        return Mark(
            *(entry.name, entry.number, self._verdict(q, entry, slips), expected),
            slips=slips,
            where=entry.where,
            points=points,
            quantity=name,
        )

    def _verdict(self, q: Quantity, entry: Entry, slips: Sequence[str]) -> str:
        judged, row = self.judged, self.row
        assert entry.value is not None
        if q not in judged.own:
            return "not_assessable"
        if judged.vague[q][row]:
            return "not_assessable"
        if judged.right[q][row]:
            true = self.key.true.get(q)
            if true is not None and bounds(true) == (entry.value.exact,) * 2:
                return "exact"
            if self.key.is_exact(q, entry.value.exact):
                return "rounded"
            return self._how(entry, "truncated" if judged.disciplines[row].cut else "rounded")
        if judged.own[q][row]:
            return self._how(entry, "follows")
        if slips:
            return "slip"
        return "last_digit" if judged.near[q][row] else "wrong"

    def _how(self, entry: Entry, verdict: str) -> str:
        """Right, unless it has too few digits to tell; fewer than most of its sheet have."""
        assert entry.value is not None
        least = dict(self.key.problem.sheet).get("figures")
        enough = least if isinstance(least, int) else ENOUGH_FIGURES
        coarse = entry.value.figures < enough and entry.value.place is not None and entry.value.number != 0
        usual = np.isclose(10.0 ** (entry.value.place or 0), self.cells.unit[self.row])
        return "coarse" if coarse and not usual and not self._without_zeros(entry) else verdict

    def _without_zeros(self, entry: Entry) -> bool:
        """Whether a number is short because the zeros at its end were left out, as programs do."""
        assert entry.value is not None
        assert entry.quantity is not None
        figures = int(self.cells.figures[self.row])
        middle = _middle(self.key.true.get(entry.quantity))
        own = [Rounding(digits=figures), Rounding(places=max(0, -round(np.log10(self.cells.unit[self.row]))))]
        return middle is not None and any(Fraction(r.shown(middle)) == entry.value.exact for r in own)

    def _given(self, entry: Entry, q: Quantity) -> Mark | None:
        """A given number written on the sheet: nothing to mark where it is right."""
        assert entry.value is not None
        right = _middle(self.key.true.get(q))
        if right is None or right == entry.value.exact or q.step > 1:
            return None
        shown = self.key.shown(q, -(entry.value.place or 0), entry.value.figures)
        name = self.key.names.text(q)
        facts = {"given": f"{entry.name} = {entry.number} (\u2260 {shown})"}
        if q.kind in self.key.problem.parameters:
            facts["new"] = self.key.names.text(q._replace(kind=f"{q.kind}_new"))
        return Mark(
            *(entry.name, entry.number, "slip", shown),
            slips=("given.misread",),
            facts=facts,
            where=entry.where,
            points=self.key.points(q),
            quantity=name,
        )

    # --- causes ---

    @cached_property
    def _entries(self) -> dict[Quantity, Entry]:
        return {e.quantity: e for e in self.sheet.entries if e.quantity and e.value is not None and not e.fault}

    def _causes(self) -> list[Cause]:
        """The causes in the order of calculation; numbers that nothing explains are one cause an array."""
        written = [q for q in self.order if q in self._entries]
        place = {q: k for k, q in enumerate(written)}
        judged, row = self.judged, self.row
        wrong = [q for q in written if not (judged.right[q][row] or judged.own[q][row])]
        told = list(self.found)
        alone: dict[str, list[Quantity]] = {}
        for q in wrong:
            if q not in self._slips and not judged.near[q][row]:
                alone.setdefault(q.kind, []).append(q)
        told += [Explained((), tuple(qs), {"right": self.key.lines.get(kind, "")}) for kind, qs in alone.items()]
        told.sort(key=lambda one: min(place[q] for q in one.quantities))
        starts = [min(place[q] for q in one.quantities) for one in told]
        out = []
        for one, first, until in zip(told, starts, [*starts[1:], len(written)], strict=False):
            after = [q for q in written[first + 1 : until] if judged.own[q][row] and not judged.right[q][row]]
            cells = tuple(self._entries[q].name for q in sorted(one.quantities, key=place.__getitem__))
            out.append(Cause(one.names, cells, tuple(self._entries[q].name for q in after), one.facts))
        return out
