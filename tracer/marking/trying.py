"""A rewrite worked on the sheets' own numbers: what it gives, and where that is what stands there.

Only what moves is worked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from derivations.equations import Role
from derivations.expression import Ref
from derivations.program import Task
from derivations.quantity import Quantity
from tracer.marking.carrying import ByQuantity, Followed, follow
from tracer.marking.cells import Cells, Named
from tracer.marking.copies import Copies
from tracer.marking.discipline import PLAIN, Discipline
from tracer.marking.evidence import EVIDENCE, SEVERAL, WIDEST
from tracer.marking.passes import Pass, Runs
from tracer.marking.rewrites import Rewrite
from tracer.marking.spans import Bounds, Span

__all__ = ["Glance", "Tried", "Trying"]

MOST_AT_ONCE = 40_000
"""Numbers of copies of sheets on which slips are worked at once."""
NEAR, WIDTHS, UNITS = 0.01, 4.0, 2.0
"""Of its size, of the width of what follows without a slip, and of its unit, that a number may be off at a glance."""


Changed = tuple[Named, Span, np.ndarray]
"""A part that was worked again, what it is, and on which sheets it moves."""


class Tried(NamedTuple):
    """A slip that was worked: by quantity what it gives, where a sheet's number is that, and where it moves at all.

    A number moves on a sheet where nothing stands between it and the slip.  It was worked beside others; `first` is
    where its sheets begin in `spans`.
    """

    slip: Rewrite
    spans: ByQuantity
    fits: Mapping[Quantity, np.ndarray]
    moves: Mapping[Quantity, np.ndarray]
    first: int = 0

    def on(self, row: int, cells: Cells) -> dict[Quantity, bool]:
        """Of the numbers that it moves on one sheet and that stand there, whether each is what it gives."""
        here = (q for q, moves in self.moves.items() if moves[row] and cells.numbers[q].there[row])
        return {q: bool(self.fits[q][row]) for q in here}

    def ends(self, q: Quantity, row: int) -> tuple[float, float]:
        """Both ends of what it gives on one sheet."""
        return _at(self.spans.ends(q), self.first + row)


class Trying:
    """The sheets of one discipline, followed once, on which rewrites are worked; `order` are the numbers judged."""

    def __init__(self, runs: Runs, cells: Cells, discipline: Discipline, order: Sequence[Quantity]) -> None:
        self.runs, self.cells, self.discipline = runs, cells, discipline
        self.base = follow(runs, cells, discipline)
        self.m = self.base.m
        self.number = {q: k for k, q in enumerate(order)}
        self._copies: dict[int, Copies] = {}

    def copies(self, count: int) -> Copies:
        """So many copies of the sheets."""
        if count not in self._copies:
            self._copies[count] = Copies(self.cells, self.discipline, self.base, count)
        return self._copies[count]

    def together(self, slips: Sequence[Rewrite], some: Iterable[int]) -> Iterator[list[int]]:
        """Some slips, by their numbers, those of the same lines together as far as they are worked at once."""
        size = sum(len(named.quantities) for own in self.runs.passes(self.cells.steps) for named in own.parts.values())
        most = max(1, MOST_AT_ONCE // (size * self.cells.count))
        alike: dict[frozenset[Ref], list[int]] = {}
        for k in some:
            alike.setdefault(frozenset(slips[k].by_left), []).append(k)
        for group in alike.values():
            yield from (group[first : first + most] for first in range(0, len(group), most))

    def tried(self, slips: Sequence[Rewrite], *, ignoring: bool = False, step: int = 0) -> list[Tried]:
        """Slips of the same lines worked.

        ignoring: the numbers of their own lines on the sheet are as if they were not written.  step: they are made in
        that one alone, 0 for all.
        """
        fits: list[dict[Quantity, np.ndarray]] = [{} for _ in slips]
        moves: list[dict[Quantity, np.ndarray]] = [{} for _ in slips]
        spans, copies = ByQuantity(), self.copies(len(slips))
        with self.m.working():
            for named, span, moved in self._changed(slips, ignoring=ignoring, step=step):
                part = copies.cells.part(named)
                if part is None or (ignoring and _is_made(slips[0], part.written[0][1], step)):
                    continue
                spans.add(named, span)
                met, _ = copies.recording.meeting(span, part.numbers)
                fit = (met[0] <= met[1]) & np.isfinite(span.high - span.low)
                flat = fit.reshape(-1, len(slips), self.cells.count)
                asked = [(k, q) for k, q in part.written if q in self.number]
                for own, moving in enumerate(moved.reshape(len(slips), -1)):
                    fits[own].update((q, flat[k, own]) for k, q in asked)
                    moves[own].update((q, moving) for _, q in asked)
        count = self.cells.count
        return [Tried(slip, spans, fits[k], moves[k], k * count) for k, slip in enumerate(slips)]

    def _changed(self, slips: Sequence[Rewrite], *, ignoring: bool, step: int) -> Iterator[Changed]:
        """What every number is that moves with rewrites of the same lines, from the sheets' own numbers."""
        copies = self.copies(len(slips))
        carried: dict[str, Any] = {}
        moving: dict[str, np.ndarray] = {}
        everywhere = np.ones(copies.cells.count, bool)
        for k, own in enumerate(self.runs.passes(self.cells.steps)):
            now, moved = copies.arrays(k), dict[str, np.ndarray]()
            if not own.first:
                now.update(carried)
                moved.update(moving)
            made = slips[0].by_left if step in (0, own.step) else {}
            for task, plan in zip(own.program.tasks, own.program.plan(self.m), strict=True):
                left = task.equation.left
                if left in made:
                    lines = [Task(slip.by_left[left], task.fixed) for slip in slips]
                    value, where = self._wrongly(own, k, plan, lines, now), everywhere
                    yield from self._reworked(copies, own, plan, value, where, now, moved, ignoring=ignoring)
                elif read := [moved[r.name] for r in task.equation.reads if r.name in moved]:
                    value = copies.recording.rounding(partial(plan.work, now))
                    where = np.logical_or.reduce(read)
                    yield from self._reworked(copies, own, plan, value, where, now, moved)
            following = [(name, then) for name, then in own.problem.planned.carried if then in moved]
            carried, moving = {name: now[then] for name, then in following}, {name: moved[t] for name, t in following}

    def _wrongly(self, own: Pass, k: int, plan: Any, lines: Sequence[Task], now: dict[str, Any]) -> Span:
        """A part as each slip has it, each on its own copy."""
        copies, recording = self.copies(len(lines)), self.copies(1).recording
        out = []
        for copy, line in enumerate(lines):
            work = partial(self.runs.planned(own, line, self.m), copies.of_one(now, k, copy))
            value = recording.rounding(work)
            out.append(value if isinstance(value, Span) else self.m.of(value))
        return copies.beside(out)

    def _reworked(
        self,
        copies: Copies,
        own: Pass,
        plan: Any,
        value: Any,
        where: np.ndarray,
        now: dict[str, Any],
        moved: dict[str, np.ndarray],
        *,
        ignoring: bool = False,
    ) -> Iterator[Changed]:
        span = value if isinstance(value, Span) else self.m.of(value)
        named = own.parts[plan.label]
        yield named, span, where
        part = None if ignoring else copies.cells.part(named)
        whole = copies.recording.used(span)
        if part is not None:
            written = part.numbers
            where = where & ~written.there.reshape(-1, len(where)).all(axis=0)
            if not where.any():
                return
            kept = copies.kept((own.sample, own.step, plan.label))
            low = high = np.where(written.there, kept.low, whole.low)
            if kept.high is not kept.low or whole.high is not whole.low:
                high = np.where(written.there, kept.high, whole.high)
            whole = Span(self.m, low, high, fresh=False)
            whole.shown = kept.shown
        whole.among = span.among
        moved[plan.name] = where | moved.get(plan.name, False)
        if plan.place is None:
            now[plan.name] = whole.numbered()
        else:
            other = now[plan.name].through(np.array)
            other[plan.place] = whole
            now[plan.name] = other

    # --- what a fit says ---

    def is_evident(self, tried: Tried, gives: frozenset[Quantity], row: int, *, whole: bool) -> bool:
        """Whether the numbers fit too well for chance, or are to the letter what the slip gives.

        Zeros say nothing where they are not all that it changes, the whole of it.
        """
        digits = [self._digits(tried, q, row) for q in gives]
        if sum(digits) >= EVIDENCE and max(digits) >= SEVERAL:
            return True
        letter = all(self._is_to_the_letter(tried, q, row) for q in gives)
        return letter and (whole or any(self.cells.numbers[q].value[row] for q in gives))

    def _is_to_the_letter(self, tried: Tried, q: Quantity, row: int) -> bool:
        low, high = tried.ends(q, row)
        value, unit = (float(part[row]) for part in (self.cells.numbers[q].value, self.cells.numbers[q].unit))
        return low <= value <= high and high - low <= (WIDEST * unit if value else 0.0)

    def _digits(self, tried: Tried, q: Quantity, row: int) -> float:
        """Decimal digits of agreement; of a new weight only its step speaks, and zero says nothing."""
        low, high = tried.ends(q, row)
        value, unit = (float(part[row]) for part in (self.cells.numbers[q].value, self.cells.numbers[q].unit))
        size = abs(value)
        array = self.runs.problem.step.arrays[q.kind]
        if array.role is Role.UPDATED and (start := self._start(q, array.of)) is not None:
            before, right = (_at(ends, row)[0] for ends in (start.ends, self.base.follows.ends(q)))
            size = max(abs(value - before), abs(right - before))
        if not size:
            return 0.0
        return float(max(-np.log10((high - low + unit) / max(size, unit)), 0.0)) if high - low + unit > 0 else 15.0

    def _start(self, q: Quantity, parameter: str) -> Span | None:
        known = self.base.arrays[0][parameter]
        extents = self.runs.problem.step.arrays[parameter].extents
        place = tuple(i - low for i, (low, _) in zip(q.indices, extents, strict=True))
        return (known[place] if place else known) if isinstance(known, Span) else None


class _Goal(NamedTuple):
    """What stands on sheets of a part's numbers that are judged, and how far off is near, each (numbers, 1, sheets).

    `places` are theirs in the part, `asked` among all that are judged.
    """

    value: np.ndarray
    room: np.ndarray
    places: list[int]
    asked: list[int]


class Glance(Trying):
    """The same sheets in plain numbers: which slips may give what is wrong, before intervals are worked."""

    def __init__(self, trying: Trying) -> None:
        self.runs, self.cells, self.discipline = trying.runs, trying.cells, PLAIN
        points = trying.runs.points
        self.m, self.number, self.base = points, trying.number, Followed(points)
        with points.working():
            self.base.kept = {place: points.point_of(kept) for place, kept in trying.base.kept.items()}
            self.base.arrays = [
                {n: points.point_of(a) if isinstance(a, Span) else a for n, a in known.items()}
                for known in trying.base.arrays
            ]
            self.widths = {named: span.high - span.low for named, span in trying.base.follows.parts}
        self.goals: dict[Named, _Goal | None] = {}
        self._copies = {}

    def may_give(self, slips: Sequence[Rewrite], open_: np.ndarray, *, ignoring: bool, step: int) -> np.ndarray:
        """(slips, sheets): where each of some slips of the same lines gives about what some open number is.

        `open_` is by quantity judged and sheet.
        """
        count = self.cells.count
        out = np.zeros((len(slips), count), bool)
        with self.m.working():
            for named, span, moved in self._changed(slips, ignoring=ignoring, step=step):
                goal = self._goal(named)
                if goal is None or (ignoring and _is_made(slips[0], named.quantities[0], step)):
                    continue
                value = np.broadcast_to(span.low, (*span.shape, count * len(slips))).reshape(-1, len(slips), count)
                near = np.abs(value[goal.places] - goal.value) <= goal.room
                out |= (near & open_[goal.asked][:, None]).any(axis=0) & moved.reshape(len(slips), count)
        return out

    def _goal(self, named: Named) -> _Goal | None:
        """What stands there of a part."""
        if named not in self.goals:
            part = self.cells.part(named)
            asked = [] if part is None else [(k, self.number[q]) for k, q in part.written if q in self.number]
            self.goals[named] = None
            if part is not None and asked:
                written = part.numbers
                room = NEAR * np.abs(written.value) + WIDTHS * self.widths[named] + UNITS * written.unit
                places, judged = (list(own) for own in zip(*asked, strict=True))
                value, room = (of.reshape(-1, 1, self.cells.count)[places] for of in (written.value, room))
                self.goals[named] = _Goal(value, room, places, judged)
        return self.goals[named]


def _is_made(slip: Rewrite, q: Quantity, step: int) -> bool:
    """Whether a quantity is of a line that a slip made in one step changes, 0 for all."""
    return q.kind in slip.arrays and step in (0, q.step)


def _at(ends: Bounds, row: int) -> tuple[float, float]:
    """Both ends on one sheet."""
    low, high = (float(end[row if len(end) > 1 else 0]) for end in ends)
    return low, high
