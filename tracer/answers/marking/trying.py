"""Slips tried on many sheets at once, each where it can reach a wrong cell, all from one run of the right rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tracer.answers.marking.cells import Cells
from tracer.answers.marking.columns import Columns
from tracer.answers.marking.discipline import Discipline
from tracer.answers.marking.evidence import WIDE, WIDEST
from tracer.answers.marking.order import PRODUCES, UPDATES, Order
from tracer.answers.marking.passes import At
from tracer.answers.marking.working import Worked, work_again
from tracer.answers.slips import Slip

__all__ = ["Sheets", "Tried", "tried_on", "worked_from"]

Array = Any
SAME = 1e-9


@dataclass
class Tried:
    """What came of trying slips: `fits` and `narrow` (slips, sheets, columns), and what followed by slip and sheet.

    `fits` says where what a slip gives is what stands there, and another number than is right; `narrow` where it gives
    hardly another one than this.  `ends` are the lower
    and the upper ends of all columns, for sheets on which a slip gives some wrong cell.  `worked` counts by sheet the
    rules that were worked for it.
    """

    fits: Array
    narrow: Array
    worked: Array
    ends: dict[tuple[int, int], tuple[Array, Array]] = field(default_factory=dict)


@dataclass
class Sheets:
    """Sheets to try slips on: their cells, the run of the right rules, the wrong cells (sheets, columns)."""

    cells: Cells
    columns: Columns
    base: Worked
    left: Array

    def __post_init__(self) -> None:
        accepted = self.columns.matrix(self.base.accepted, self.cells.count)
        self.right, self._still = accepted & self.left, accepted & ~self.left
        self._ends = self.columns.ends(self.cells, self.base)

    def take(self, rows: Array) -> Sheets:
        """Some of the sheets."""
        if len(rows) == self.cells.count:
            return self
        return Sheets(self.cells.take(rows), self.columns, self.base.take(rows), self.left[rows])

    @cached_property
    def written_whole(self) -> Array:
        """By sheet and array, whether it has all its numbers."""
        of = [w.there.reshape(self.cells.count, -1).all(axis=1) for w in self.cells.arrays.values()]
        return np.array(of).T.reshape(self.cells.count, -1)

    @cached_property
    def written(self) -> Array:
        """By sheet and array, whether it has some of its numbers."""
        of = [w.there.reshape(self.cells.count, -1).any(axis=1) for w in self.cells.arrays.values()]
        return np.array(of).T.reshape(self.cells.count, -1)

    @cached_property
    def open_passes(self) -> Array:
        """By sheet and pass, whether something is wrong in it."""
        stages = self.columns.stages
        each = dict.fromkeys(at[2:] for at in stages)
        of = [
            np.any([self.left[:, stage].any(axis=1) for at, stage in stages.items() if at[2:] == own], axis=0)
            for own in each
        ]
        return np.array(of).T.reshape(self.cells.count, -1)

    def asked(self) -> frozenset[At]:
        """The written arrays that tell of a slip: those of a pass in which some cell is wrong."""
        passes = {at[2:] for at, stage in self.columns.stages.items() if self.left[:, stage].any()}
        return frozenset(at for at, own in self.cells.arrays.items() if at[2:] in passes and own.there.any())

    def carried(self) -> frozenset[At]:
        """The arrays of which every sheet has all numbers."""
        return frozenset(at for at, written in self.cells.arrays.items() if written.there.all())

    def fits(self, run: Worked) -> Array:
        """Where what a run gives is what stands there, and another number than is right."""
        fits: Array = self._still.copy()
        for at, stage in self._anew(run):
            accepted = run.accepted[at].reshape(self.cells.count, -1)
            fits[:, stage] = accepted & ~self.right[:, stage] & (~self.left[:, stage] | self._moved(run, at))
        return fits

    def ends(self, run: Worked, rows: Array) -> tuple[Array, Array]:
        """The lower and the upper ends of all columns for some of the sheets."""
        low, high = (ends[rows] for ends in self._ends)
        for at, stage in self._anew(run):
            follows = run.follows[at].over(self.cells.count).take(rows)
            low[:, stage], high[:, stage] = (x.reshape(len(rows), -1) for x in (follows.low, follows.high))
        return low, high

    def _anew(self, run: Worked) -> Iterator[tuple[At, slice]]:
        """The written arrays that a run has made anew."""
        for at, follows in run.follows.items():
            if at in self.columns.stages and follows is not self.base.follows[at]:
                yield at, self.columns.stages[at]

    def narrow(self, run: Worked) -> Array:
        """Where what a run gives says something of what is written: not where it is wider than its digits."""
        out = np.zeros_like(self.left)
        for at, stage in self._anew(run):
            follows, written = run.follows[at], self.cells.arrays[at]
            most = np.maximum(WIDEST * written.unit, WIDE * np.abs(written.value))
            out[:, stage] = (follows.high - follows.low <= most).reshape(self.cells.count, -1)
        return out

    def _moved(self, run: Worked, at: At) -> Array:
        one, other = run.follows[at].over(self.cells.count), self.base.follows[at].over(self.cells.count)
        with np.errstate(all="ignore"):
            apart = np.abs(one.low + one.high - other.low - other.high)
            moved = ~(apart <= SAME * (np.abs(other.low) + np.abs(other.high)))
        return moved.reshape(self.cells.count, -1)


def worked_from(order: Order, columns: Columns, there: Array, wrong: Array, left: Array) -> Iterator[tuple[At, Array]]:
    """The arrays, right as far as they are written, from which the cells `left` are worked, each with its sheets.

    All by sheet and column: where something stands, what is wrong, what is asked about.
    """
    found: dict[At, list[int]] = {}
    stages = columns.stages
    for row in np.flatnonzero(left.any(axis=1)).tolist():
        seen: dict[At, bool] = {}
        ahead = [at for at, stage in stages.items() if left[row, stage].any()]
        while ahead:
            for at in order.reads.get(ahead.pop(), ()):
                if at not in seen:
                    seen[at] = at in stages and bool(there[row, stages[at]].any())
                    ahead += [] if seen[at] else [at]
        for at in stages:
            if seen.get(at) and not wrong[row, stages[at]].any():
                found.setdefault(at, []).append(row)
    yield from ((at, np.array(rows)) for at, rows in found.items())


def tried_on(sheets: Sheets, slips: Sequence[Slip], discipline: Discipline, carry: str, order: Order) -> Tried:
    """Every slip tried on every sheet on which it can reach a wrong cell."""
    size = len(slips), *sheets.left.shape
    tried = Tried(np.zeros(size, bool), np.zeros(size, bool), np.zeros(sheets.cells.count, int))
    for rows, numbers in _alike(sheets, slips):
        some = sheets.take(rows)
        carried, asked = some.carried(), some.asked()
        for k in numbers:
            calls = order.changed_by(slips[k], carried, asked)
            rules = slips[k].rules
            tried.worked[rows] += len(calls)
            run = work_again(some.cells, discipline, order, calls, carry=carry, rules_=rules, base=some.base)
            tried.fits[k, rows] = fits = some.fits(run)
            own = np.flatnonzero((fits & some.left).any(axis=1))
            if len(own):
                tried.narrow[k, rows] = some.narrow(run)
                low, high = some.ends(run, own)
                tried.ends.update({(k, int(rows[n])): (low[i], high[i]) for i, n in enumerate(own)})
    return tried


def _alike(sheets: Sheets, slips: Sequence[Slip]) -> Iterator[tuple[Array, list[int]]]:
    """Sheets on which the same arrays are written and wrong, and the slips to try on them.

    What is worked again, and counted, then depends on a sheet alone and not on its classmates.
    """
    alike_in = np.concatenate([sheets.written, sheets.written_whole, sheets.open_passes], axis=1)
    for rows, numbers in _reached(sheets, slips):
        groups: dict[bytes, list[int]] = {}
        for row in rows.tolist():
            groups.setdefault(alike_in[row].tobytes(), []).append(row)
        yield from ((np.array(alike), numbers) for alike in groups.values())


def _reached(sheets: Sheets, slips: Sequence[Slip]) -> Iterator[tuple[Array, list[int]]]:
    """Sheets, and the slips that can reach a wrong cell of just these."""
    groups: dict[tuple[int, ...], list[int]] = {}
    reach = _Reach(sheets)
    for k, slip in enumerate(slips):
        groups.setdefault(tuple(np.flatnonzero(reach.of(slip))), []).append(k)
    yield from ((np.array(rows), numbers) for rows, numbers in groups.items() if rows)


class _Reach:
    """On which sheets a slip can reach a wrong cell: not all that it changes is written and right, or comes later."""

    def __init__(self, sheets: Sheets) -> None:
        self.order = {at: k for k, at in enumerate(sheets.base.follows)}
        count = sheets.cells.count
        self.open = np.ones((count, len(self.order)), bool)  # something wrong stands there, or nothing
        last = np.full(count, -1)
        for at, stage in sheets.columns.stages.items():
            wrong = sheets.left[:, stage].any(axis=1)
            written = sheets.cells.arrays[at].there.reshape(count, stage.stop - stage.start).all(axis=1)
            self.open[:, self.order[at]] = wrong | ~written
            last[wrong] = self.order[at]
        self.open &= np.arange(len(self.order)) <= last[:, None]
        self.known: dict[frozenset[str], Array] = {}

    def of(self, slip: Slip) -> Array:
        """Which sheets."""
        kinds = frozenset(kind for name in slip.changes for kind in _kinds(name, slip.letters))
        if kinds not in self.known:
            changed = [k for at, k in self.order.items() if at.kind in kinds]
            self.known[kinds] = self.open[:, changed].any(axis=1)
        return self.known[kinds]


def _kinds(rule: str, letters: Iterable[str]) -> Iterator[str]:
    """The recorded kinds that a rule makes; one sample's loss is recorded as that of the batch."""
    kind, layer = PRODUCES[rule]
    if rule in UPDATES:
        yield from (kind.replace("p", letter) for letter in letters)
    else:
        yield from (kind,) if layer is not None else (kind, "E")
