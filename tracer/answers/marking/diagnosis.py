"""What the slip was: every wrong rule of the catalogue is tried on the sheet's own numbers.

A slip explains a stage when each of its cells is what the slip gives.  It is tried on the whole stage, then on the cell
alone; from the sheet's own numbers, then from the right ones.  Every slip that fits is named, never a pick.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tracer.answers.marking.cells import Cells
from tracer.answers.marking.columns import Columns
from tracer.answers.marking.discipline import Discipline
from tracer.answers.marking.passes import At
from tracer.answers.marking.working import PRODUCES, UPDATES, Worked, work
from tracer.answers.slips import Slip

__all__ = ["EVIDENCE", "MOST_FITTING", "Explaining", "Found"]

Array = Any
SAME = 1e-9
EVIDENCE = 2.0
SEVERAL = 1.0
"""Decimal digits of agreement that a name takes, in one cell and in several: with less some slip gives any number."""
MOST_FITTING = 12
"""Where more slips than this give one number, the number says nothing about the slip."""


@dataclass(frozen=True)
class Found:
    """One explanation: the names that fit, the cells (column numbers) that they explain, what there is to say."""

    names: tuple[str, ...]
    columns: tuple[int, ...]
    whole: bool = False
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Tried:
    """What came of trying slips: `fits` (slips, sheets, columns), and what followed by slip and sheet.

    `fits` says where what a slip gives is what stands there, and another number than is right.  `ends` are the lower
    and the upper ends of all columns, for sheets on which a slip gives some wrong cell.
    """

    fits: Array
    ends: dict[tuple[int, int], tuple[Array, Array]]


@dataclass
class Explaining:
    """The wrong cells of sheets that share a discipline, and what has been found; `left` is yet to be explained."""

    cells: Cells
    columns: Columns
    discipline: Discipline
    left: Array
    alone: Array  # the wrong cells but for last digits: these need no slip
    found: list[list[Found]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.there = self.columns.of_cells(self.cells, lambda w: w.there)
        self.value = self.columns.of_cells(self.cells, lambda w: w.value)
        self.unit = self.columns.of_cells(self.cells, lambda w: w.unit)
        self.figures = self.columns.of_cells(self.cells, lambda w: w.figures)
        self.found = self.found or [[] for _ in range(self.cells.count)]
        self.bases: dict[str, Worked] = {}
        self.tried: dict[str, Tried] = {}

    def under(self, discipline: Discipline) -> tuple[Array, Explaining]:
        """The same task for those sheets whose other cells are right under another discipline too, and which."""
        rows = np.flatnonzero((self.left & self.alone).any(axis=1))
        some = self.cells.take(rows)
        accepted = self.columns.matrix(work(some, discipline).accepted, some.count)
        fits = (accepted | ~self.there[rows] | self.left[rows]).all(axis=1)
        rows, some = rows[fits], some.take(np.flatnonzero(fits))
        found = [self.found[row] for row in rows]
        return rows, Explaining(some, self.columns, discipline, self.left[rows], self.alone[rows], found)

    def base(self, carry: str) -> Worked:
        """The run of the right rules that others start from."""
        if carry not in self.bases:
            self.bases[carry] = work(self.cells, self.discipline, carry=carry)
        return self.bases[carry]

    def trying(self, slips: Sequence[Slip], carry: str) -> Tried:
        """Every slip tried on every sheet on which it can reach a wrong cell."""
        if carry not in self.tried:
            fits = np.zeros((len(slips), *self.there.shape), bool)
            tried = self.tried[carry] = Tried(fits, {})
            for some, own in self._reached(slips, carry):
                for k in some:
                    self._try(tried, k, slips[k], *own)
        return self.tried[carry]

    def _try(self, tried: Tried, k: int, slip: Slip, rows: Array, cells: Cells, base: Worked, carry: str) -> None:
        run = work(cells, self.discipline, carry=carry, rules_=slip.rules, base=base)
        left = self.left[rows]
        right = self.columns.matrix(base.accepted, cells.count) & left
        fits = self.columns.matrix(run.accepted, cells.count) & ~right
        fits &= ~left | self.columns.matrix(_moved(cells, run, base), cells.count)
        tried.fits[k, rows] = fits
        some = np.flatnonzero((fits & left).any(axis=1))
        if len(some):
            low, high = self.columns.ends(cells, run)
            tried.ends.update({(k, int(rows[n])): (low[n], high[n]) for n in some})

    def _reached(
        self, slips: Sequence[Slip], carry: str
    ) -> Iterator[tuple[list[int], tuple[Array, Cells, Worked, str]]]:
        """Slips that can reach a wrong cell of the same sheets, with those sheets and their base."""
        groups: dict[tuple[int, ...], list[int]] = {}
        reach = _Reach(self)
        for k, slip in enumerate(slips):
            groups.setdefault(tuple(np.flatnonzero(reach.of(slip))), []).append(k)
        for sheets, some in groups.items():
            rows = np.array(sheets, int)
            if len(rows) == self.cells.count:
                yield some, (rows, self.cells, self.base(carry), carry)
            elif len(rows):
                yield some, (rows, self.cells.take(rows), self.base(carry).take(rows), carry)

    def add(self, row: int, found: Found) -> None:
        """Note one explanation; its cells are done."""
        self.found[row].append(found)
        self.left[row, list(found.columns)] = False

    def whole_stages(self, slips: Sequence[Slip], carry: str) -> None:
        """Slips that give every cell of a stage."""
        if not (self.left & self.alone).any():
            return
        tried = self.trying(slips, carry)
        for at, stage in self.columns.stages.items():
            rows = np.flatnonzero((self.left & self.alone)[:, stage].any(axis=1))
            explains = (tried.fits[:, rows, stage] | ~self.there[rows, stage]).all(axis=2)
            for k in np.flatnonzero(explains.any(axis=0)):
                row = int(rows[k])
                named = self._unrefuted(np.flatnonzero(explains[:, k]), tried.fits[:, row], row, at)
                wrong = np.flatnonzero(self.left[row, stage]) + stage.start
                if len(named) <= MOST_FITTING and self._evident(*tried.ends[int(named[0]), row], row, wrong):
                    self.add(row, Found(tuple(slips[int(s)].name for s in named), tuple(map(int, wrong)), whole=True))

    def _unrefuted(self, named: Array, fits: Array, row: int, at: At) -> Array:
        """Of several slips those that leave the right cells of the same layer right."""
        if len(named) < 2:
            return named
        right = self.there[row] & ~self.left[row] & self.columns.of_layer(at)
        against = (right & ~fits[named]).sum(axis=1)
        return named[against == against.min()]

    def single_cells(self, slips: Sequence[Slip], carry: str) -> None:
        """In each stage the slips that give most of the cells that are left, then most of the rest."""
        if not (self.left & self.alone).any():
            return
        tried = self.trying(slips, carry)
        for stage in self.columns.stages.values():
            for row in np.flatnonzero((self.left & self.alone)[:, stage].any(axis=1)):
                self._one_by_one(stage, int(row), tried, slips)

    def _one_by_one(self, stage: slice, row: int, tried: Tried, slips: Sequence[Slip]) -> None:
        wrong = (self.left & self.alone)[row, stage]
        while wrong.any():
            explained = tried.fits[:, row, stage] & wrong
            counts = explained.sum(axis=1)
            if not counts.any():
                return
            first = explained[counts.argmax()]
            named = np.flatnonzero((explained == first).all(axis=1))
            wrong = wrong & ~first
            at = np.flatnonzero(first) + stage.start
            ends = tried.ends[int(named[0]), row]
            if len(named) <= MOST_FITTING and self._evident(*ends, row, at):
                near = wrong & self._one_off(*ends, row)[stage]
                at = np.flatnonzero(first | near if first.sum() > near.sum() else first) + stage.start
                self.add(row, Found(tuple(slips[int(s)].name for s in named), tuple(map(int, at))))
                wrong = wrong & self.left[row, stage]

    def _evident(self, low: Array, high: Array, row: int, at: Array) -> bool:
        """Whether the cells fit too well for chance, or are to the letter what the slip gives."""
        update = self.columns.places[int(at[0])][0].kind.endswith("_new")
        plenty = (self.figures[row, at] - (3 if update else 1)).sum() >= 2 * EVIDENCE
        if plenty and not self.discipline.inside:
            return True  # nothing rounded inside: what the slip gives is hardly wider than a cell
        low, high, value, unit = low[at], high[at], self.value[row, at], self.unit[row, at]
        with np.errstate(all="ignore"):
            size = np.abs(value - self.columns.starts[at])  # of a new weight only its step speaks
            digits = np.maximum(-np.log10((high - low + unit) / np.maximum(size, unit)), 0)
        enough = digits.sum() >= (EVIDENCE if len(at) == 1 else SEVERAL)
        return bool(enough or ((low <= value) & (value <= high)).all())

    def _one_off(self, low: Array, high: Array, row: int) -> Array:
        """The cells of a sheet that are what a slip gives, but for one in the last digit."""
        value, reach = self.value[row], 1.5 * self.unit[row]
        near: Array = (value + reach >= low) & (value - reach <= high) & self.there[row]
        return near


class _Reach:
    """On which sheets a slip can reach a wrong cell: not all that it changes is written and right, or comes later."""

    def __init__(self, task: Explaining) -> None:
        self.order = {at: k for k, at in enumerate(task.base("own").follows)}
        self.open = np.ones((task.cells.count, len(self.order)), bool)  # something wrong stands there, or nothing
        last = np.full(task.cells.count, -1)
        for at, stage in task.columns.stages.items():
            wrong = task.left[:, stage].any(axis=1)
            self.open[:, self.order[at]] = wrong | ~task.there[:, stage].all(axis=1)
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


def _moved(cells: Cells, run: Worked, base: Worked) -> dict[At, Array]:
    """Where another rule gives another number."""
    out: dict[At, Array] = {}
    for at, written in cells.arrays.items():
        if run.follows[at] is base.follows[at]:
            out[at] = np.zeros(written.there.shape, bool)
            continue
        one, other = run.follows[at].over(cells.count), base.follows[at].over(cells.count)
        with np.errstate(all="ignore"):
            apart = np.abs(one.low + one.high - other.low - other.high)
            out[at] = ~(apart <= SAME * (np.abs(other.low) + np.abs(other.high)))
    return out
