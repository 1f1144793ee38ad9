"""What the slip was: every wrong rule of the catalogue is tried on the sheet's own numbers.

A slip explains a stage when each of its cells is what the slip gives.  It is tried on the whole stage, then on the cell
alone; from the sheet's own numbers, then from the right ones.  Every slip that fits is named, never a pick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tracer.answers.marking.cells import Cells
from tracer.answers.marking.discipline import Discipline
from tracer.answers.marking.passes import At
from tracer.answers.marking.working import PRODUCES, Worked, work
from tracer.answers.slips import Slip

__all__ = ["EVIDENCE", "MOST_FITTING", "Columns", "Explaining", "Found"]

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
class Columns:
    """The cells of all sheets side by side, in the order of calculation: (sheets, columns)."""

    places: tuple[tuple[At, tuple[int, ...]], ...]
    stages: tuple[slice, ...]

    @classmethod
    def of(cls, cells: Cells, order: Iterable[At]) -> Columns:
        """The columns of every array that some sheet writes."""
        places: list[tuple[At, tuple[int, ...]]] = []
        stages = []
        for at in order:
            if at in cells.arrays:
                shape = cells.arrays[at].there.shape[1:]
                stages.append(slice(len(places), len(places) + int(np.prod(shape))))
                places += [(at, place) for place in np.ndindex(*shape)]
        return cls(tuple(places), tuple(stages))

    def matrix(self, arrays: Any, sheets: int) -> Array:
        """Arrays by place as one matrix."""
        kinds = dict.fromkeys(at for at, _ in self.places)
        parts = [np.asarray(arrays[at]).reshape(sheets, -1) for at in kinds]
        return np.concatenate(parts, axis=1) if parts else np.zeros((sheets, 0), bool)

    def of_layer(self, stage: slice) -> Array:
        """The columns of the same layer, sample and step as a stage, but for that stage."""
        own = self.places[stage.start][0]
        return np.array([at[1:] == own[1:] and at != own for at, _ in self.places], dtype=bool)

    def of_cells(self, cells: Cells, part: Callable[[Any], Array]) -> Array:
        """One part of what is written, as a matrix."""
        return self.matrix({at: part(w) for at, w in cells.arrays.items()}, cells.count)


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
        self.figures = self.columns.of_cells(self.cells, lambda w: w.figures)
        self.found = [[] for _ in range(self.cells.count)]
        self.bases: dict[str, Worked] = {}
        self.tried: dict[str, Array] = {}

    def under(self, discipline: Discipline) -> Explaining:
        """The same task for those sheets whose other cells are right under another discipline too."""
        other = Explaining(self.cells, self.columns, discipline, self.left, self.alone)
        other.found = self.found
        accepted = self.columns.matrix(other.base("own").accepted, self.cells.count)
        fits = (accepted | ~self.there | self.left).all(axis=1)
        other.alone = self.alone & fits[:, None]
        return other

    def base(self, carry: str) -> Worked:
        """The run of the right rules that others start from."""
        if carry not in self.bases:
            self.bases[carry] = work(self.cells, self.discipline, carry=carry)
        return self.bases[carry]

    def fits(self, slips: Sequence[Slip], carry: str) -> Array:
        """(slips, sheets, columns): where what a slip gives is what stands there, and another number than is right."""
        if carry not in self.tried:
            base = self.base(carry)
            right = self.columns.matrix(base.accepted, self.cells.count) & self.left
            out = np.zeros((len(slips), *self.there.shape), bool)
            for k, slip in enumerate(slips):
                if not self._reaches(slip):
                    continue
                run = work(self.cells, self.discipline, carry=carry, rules_=slip.rules, base=base)
                out[k] = self.columns.matrix(run.accepted, self.cells.count) & ~right
                out[k] &= ~self.left | self.columns.matrix(self._moved(run, base), self.cells.count)
            self.tried[carry] = out
        return self.tried[carry]

    def _reaches(self, slip: Slip) -> bool:
        """Whether a slip can reach a wrong cell: what it changes is not all written and right, and not all later."""
        order = {at: k for k, at in enumerate(self.base("own").follows)}
        wrong = {self._at(stage) for stage in self.columns.stages if self.left[:, stage].any()}
        last = max(order[at] for at in wrong)
        kinds = {PRODUCES[name][0].replace("p", letter) for name in slip.changes for letter in slip.letters}
        changed = [at for at in order if at.kind in kinds]
        silent = len({at.kind for at in changed}) < len(kinds)  # it changes what is not recorded
        return silent or any(order[at] <= last and (at in wrong or not self._written(at)) for at in changed)

    def _at(self, stage: slice) -> At:
        at: At = self.columns.places[stage.start][0]
        return at

    def _written(self, at: At) -> bool:
        return at in self.cells.arrays and bool(self.cells.arrays[at].there.all())

    def _moved(self, run: Worked, base: Worked) -> dict[At, Array]:
        """Where another rule gives another number."""
        out: dict[At, Array] = {}
        for at, written in self.cells.arrays.items():
            if run.follows[at] is base.follows[at]:
                out[at] = np.zeros(written.there.shape, bool)
                continue
            one, other = run.follows[at].over(self.cells.count), base.follows[at].over(self.cells.count)
            with np.errstate(all="ignore"):
                apart = np.abs(one.low + one.high - other.low - other.high)
                out[at] = ~(apart <= SAME * (np.abs(other.low) + np.abs(other.high)))
        return out

    def ends(self, run: Worked) -> tuple[Array, Array]:
        """What follows in a run, side by side: its lower and its upper ends."""
        both = {at: run.follows[at].over(self.cells.count) for at in self.cells.arrays}
        low = self.columns.matrix({at: x.low for at, x in both.items()}, self.cells.count)
        return low, self.columns.matrix({at: x.high for at, x in both.items()}, self.cells.count)

    def add(self, row: int, found: Found) -> None:
        """Note one explanation; its cells are done."""
        self.found[row].append(found)
        self.left[row, list(found.columns)] = False

    def whole_stages(self, slips: Sequence[Slip], carry: str) -> None:
        """Slips that give every cell of a stage."""
        if not (self.left & self.alone).any():
            return
        fits = self.fits(slips, carry)
        for stage in self.columns.stages:
            rows = np.flatnonzero((self.left & self.alone)[:, stage].any(axis=1))
            explains = (fits[:, rows, stage] | ~self.there[rows, stage]).all(axis=2)
            for k, row in enumerate(map(int, rows)):
                named = self._unrefuted(np.flatnonzero(explains[:, k]), fits[:, row], row, stage)
                at = np.flatnonzero(self.left[row, stage]) + stage.start
                if 0 < len(named) <= MOST_FITTING and self._evident(slips[int(named[0])], row, at):
                    self.add(row, Found(tuple(slips[int(s)].name for s in named), tuple(map(int, at)), whole=True))

    def _unrefuted(self, named: Array, fits: Array, row: int, stage: slice) -> Array:
        """Of several slips those that leave the right cells of the same layer right."""
        if len(named) < 2:
            return named
        right = self.there[row] & ~self.left[row] & self.columns.of_layer(stage)
        against = (right & ~fits[named]).sum(axis=1)
        return named[against == against.min()]

    def single_cells(self, slips: Sequence[Slip], carry: str) -> None:
        """In each stage the slips that give most of the cells that are left, then most of the rest."""
        if not (self.left & self.alone).any():
            return
        fits = self.fits(slips, carry)
        for stage in self.columns.stages:
            for row in np.flatnonzero((self.left & self.alone)[:, stage].any(axis=1)):
                wrong = (self.left & self.alone)[row, stage]
                self._one_by_one(stage.start, int(row), wrong, fits[:, row, stage], slips)

    def _one_by_one(self, start: int, row: int, wrong: Array, fits: Array, slips: Sequence[Slip]) -> None:
        while wrong.any():
            explained = fits & wrong
            counts = explained.sum(axis=1)
            if not counts.any():
                return
            first = explained[counts.argmax()]
            named = np.flatnonzero((explained == first).all(axis=1))
            wrong = wrong & ~first
            at = np.flatnonzero(first) + start
            if len(named) <= MOST_FITTING and self._evident(slips[int(named[0])], row, at):
                near = wrong & self._one_off(slips[int(named[0])], row)[start : start + len(wrong)]
                at = np.flatnonzero(first | near if first.sum() > near.sum() else first) + start
                self.add(row, Found(tuple(slips[int(s)].name for s in named), tuple(map(int, at))))
                wrong = wrong & self.left[row, start : start + len(wrong)]

    def _evident(self, slip: Slip, row: int, at: Array) -> bool:
        """Whether the cells fit too well for chance, or are to the letter what the slip gives."""
        update = self.columns.places[int(at[0])][0].kind.endswith("_new")
        plenty = (self.figures[row, at] - (3 if update else 1)).sum() >= 2 * EVIDENCE
        if plenty and not self.discipline.inside:
            return True  # nothing rounded inside: what the slip gives is hardly wider than a cell
        one = self.cells.take(np.array([row]))
        run = work(one, self.discipline, rules_=slip.rules, base=work(one, self.discipline))
        digits, literal = {}, {}
        for place, w in one.arrays.items():
            follows = run.follows[place].over(1)
            literal[place] = (follows.low <= w.value) & (w.value <= follows.high)
            with np.errstate(all="ignore"):
                size = np.abs(w.value - self._start_of(place))  # of a new weight only its step speaks
                chance = (follows.high - follows.low + w.unit) / np.maximum(size, w.unit)
                digits[place] = np.maximum(-np.log10(chance), 0)
        enough = self.columns.matrix(digits, 1)[0, at].sum() >= (EVIDENCE if len(at) == 1 else SEVERAL)
        return bool(enough or self.columns.matrix(literal, 1)[0, at].all())

    def _start_of(self, at: At) -> Array:
        """The weights or biases that an update of the first step starts from; 0 for what is no update."""
        parameter = at.kind.removesuffix("_new")
        if parameter == at.kind or at.step > 1:
            return 0.0
        given = getattr(self.cells.problem.network.layer(at.layer), parameter)
        return 0.0 if given is None else given.floats

    def _one_off(self, slip: Slip, row: int) -> Array:
        """The cells of a sheet that are what a slip gives, but for one in the last digit."""
        one = self.cells.take(np.array([row]))
        base = work(one, self.discipline)
        run = work(one, self.discipline, rules_=slip.rules, base=base)
        near = {}
        for at, w in one.arrays.items():
            follows, reach = run.follows[at].over(1), 1.5 * w.unit
            near[at] = (w.value + reach >= follows.low) & (w.value - reach <= follows.high) & w.there
        return self.columns.matrix(near, 1)[0]
