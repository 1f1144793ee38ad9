"""What the slip was: every wrong rule of the catalogue is tried on the sheet's own numbers.

A slip explains a stage when each of its cells is what the slip gives.  It is tried on the whole stage, then on the cell
alone; from the sheet's own numbers, then from the right ones.  Every slip that fits is named, never a pick.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tracer.answers.marking.cells import Cells
from tracer.answers.marking.columns import Columns
from tracer.answers.marking.discipline import Discipline
from tracer.answers.marking.evidence import EVIDENCE, SEVERAL
from tracer.answers.marking.order import Order
from tracer.answers.marking.passes import At
from tracer.answers.marking.trying import Sheets, Tried, tried_on, worked_from
from tracer.answers.marking.working import Worked, work
from tracer.answers.slips import Slip

__all__ = ["MOST_FITTING", "MOST_WORKED", "Explaining", "Found"]

Array = Any
Ends = tuple[Array, Array]
MOST_FITTING = 12
"""Where more slips than this give one number, the number says nothing about the slip."""
MOST_STEPS = 4
"""Of a sheet that is tried in other ways of rounding than the one it is read in."""
MOST_WORKED = 2150
"""Rules worked for one sheet: no way of rounding or carrying on is tried that would take more."""


@dataclass(frozen=True)
class Found:
    """One explanation: the names that fit, the cells (column numbers) that they explain, what there is to say."""

    names: tuple[str, ...]
    columns: tuple[int, ...]
    whole: bool = False
    facts: tuple[tuple[str, str], ...] = ()


@dataclass
class Explaining:
    """The wrong cells of sheets that share a discipline, and what has been found; `left` is yet to be explained."""

    cells: Cells
    columns: Columns
    discipline: Discipline
    left: Array
    alone: Array  # the wrong cells but for last digits: these need no slip
    found: list[list[Found]] = field(default_factory=list)
    known_order: Order | None = None

    def __post_init__(self) -> None:
        self.there = self.columns.of_cells(self.cells, lambda w: w.there)
        self.value = self.columns.of_cells(self.cells, lambda w: w.value)
        self.unit = self.columns.of_cells(self.cells, lambda w: w.unit)
        self.figures = self.columns.of_cells(self.cells, lambda w: w.figures)
        self.wrong = self.left.copy()
        self.found = self.found or [[] for _ in range(self.cells.count)]
        self.worked = np.zeros(self.cells.count, int)  # rules, for each sheet
        self.a_trial = np.zeros(self.cells.count, int)  # most of them for one way of trying all slips
        self.cut = np.zeros(self.cells.count, bool)  # sheets on which not everything was tried
        self.bases: dict[str, Worked] = {}
        self.solutions: list[Any] | None = None  # what each given number must have been
        self.known_ends: dict[str, tuple[Array, Array]] = {}
        self.tried: dict[tuple[str, int, int], Tried] = {}
        self.steps = max((at.step for at in self.cells.arrays), default=1)
        self.own_steps = np.ones(self.cells.count, int)  # the last step that each sheet speaks of
        for at, stage in self.columns.stages.items():
            there = self.there[:, stage].any(axis=1)
            self.own_steps = np.where(there, np.maximum(self.own_steps, at.step), self.own_steps)

    def under(self, discipline: Discipline) -> tuple[Array, Explaining]:
        """The same task for those sheets whose other cells are right under another discipline too, and which.

        Only right cells tell how somebody rounds, those of stages in which all are: where some cell is wrong, the slip
        tells of the others as well.  A sheet without any is not tried in other ways.
        """
        open_ = self.wrong.copy()
        for stage in self.columns.stages.values():
            open_[:, stage] |= (self.left & self.alone)[:, stage].any(axis=1, keepdims=True)
        right = self.there & ~open_
        there = (self.left & self.alone).any(axis=1) & right.any(axis=1) & (self.own_steps <= MOST_STEPS)
        self.cut |= there & ~self.affords
        rows = np.flatnonzero(there & self.affords)
        some = self.cells.take(rows)
        accepted = self.columns.matrix(work(some, discipline).accepted, some.count)
        fits = (accepted | ~right[rows]).all(axis=1)
        rows, some = rows[fits], some.take(np.flatnonzero(fits))
        found = [self.found[row] for row in rows]
        return rows, Explaining(some, self.columns, discipline, self.left[rows], self.alone[rows], found, self.order)

    @property
    def affords(self) -> Array:
        """On which sheets all slips may be tried once more."""
        return self.worked + self.a_trial <= MOST_WORKED

    @cached_property
    def order(self) -> Order:
        """What follows from what."""
        return self.known_order or Order.of(self.cells.problem, self.steps)

    def base(self, carry: str) -> Worked:
        """The run of the right rules that others start from."""
        if carry not in self.bases:
            self.bases[carry] = work(self.cells, self.discipline, carry=carry)
        return self.bases[carry]

    def ends(self, carry: str) -> tuple[Array, Array]:
        """What follows from the right rules: the lower and the upper ends of all columns."""
        if carry not in self.known_ends:
            self.known_ends[carry] = self.columns.ends(self.cells, self.base(carry))
        return self.known_ends[carry]

    def ignoring(self) -> Iterator[tuple[Array, Explaining, At]]:
        """The same task without one array that unexplained cells are worked from, for the sheets that have it right.

        Who goes on from other numbers than those just written is explained so.
        """
        left = self.left & self.alone & self.affords[:, None]
        for at, all_rows in worked_from(self.order, self.columns, self.there, self.wrong, left):
            rows = all_rows[self.affords[all_rows]]
            if not len(rows):
                continue
            some, found = self.cells.take(rows).without(at), [self.found[row] for row in rows]
            own = self.left[rows], self.alone[rows]
            yield rows, Explaining(some, self.columns, self.discipline, *own, found, self.order), at

    def trying(self, slips: Sequence[Slip], carry: str, step: int = 0, layer: int = 0) -> Tried:
        """Every slip tried on every sheet on which it can reach a wrong cell; made everywhere, in one step or layer."""
        key = carry, step, layer
        if key not in self.tried:
            part = len(self.cells.problem.network) if layer else self.steps if step else 1
            affordable = self.worked + self.a_trial // part <= MOST_WORKED
            self.cut |= self.left.any(axis=1) & ~affordable
            affordable &= (self.left & self.alone).any(axis=1)
            affordable &= (self.own_steps > 1) & (self.own_steps >= step) if step else True
            sheets = Sheets(self.cells, self.columns, self.base(carry), self.left & affordable[:, None])
            own = [slip.in_step(step) for slip in slips] if step else slips
            own = [slip.only_at(layer) for slip in own] if layer else own
            self.tried[key] = tried = tried_on(sheets, own, self.discipline, carry, self.order)
            self.worked += tried.worked
            self.a_trial = np.maximum(self.a_trial, tried.worked)
        return self.tried[key]

    def add(self, row: int, found: Found) -> None:
        """Note one explanation; its cells are done."""
        self.found[row].append(found)
        self.left[row, list(found.columns)] = False

    def whole_stages(self, slips: Sequence[Slip], carry: str, step: int = 0, layer: int = 0) -> None:
        """Slips that give every cell of a stage, made everywhere, or in one step or one layer alone."""
        stages = {at: stage for at, stage in self.columns.stages.items() if step in (0, at.step)}
        if not any((self.left & self.alone)[:, stage].any() for stage in stages.values()):
            return
        tried = self.trying(slips, carry, step, layer)
        for at, stage in stages.items():
            rows = np.flatnonzero((self.left & self.alone)[:, stage].any(axis=1))
            explains = (tried.fits[:, rows, stage] | ~self.there[rows, stage]).all(axis=2)
            explains &= (tried.narrow[:, rows, stage] & self.left[rows, stage]).any(axis=2)
            for k in np.flatnonzero(explains.any(axis=0)):
                row = int(rows[k])
                named = np.flatnonzero(explains[:, k])
                if len(named) > 1:
                    ends = [tried.ends[n, row] for n in named.tolist()]
                    named = self._unrefuted(named, ends, [slips[n] for n in named.tolist()], row, at)
                wrong = np.flatnonzero(self.left[row, stage]) + stage.start
                if len(named) <= MOST_FITTING and self._evident(*tried.ends[int(named[0]), row], row, wrong):
                    self.add(row, Found(tuple(slips[int(s)].name for s in named), tuple(map(int, wrong)), whole=True))

    def _unrefuted(self, named: Array, ends: Sequence[Ends], slips: Sequence[Slip], row: int, at: At) -> Array:
        """Of several slips those that leave the right cells of the same pass right, made everywhere or in one layer."""
        right = self.there[row] & ~self.left[row] & self.columns.of_pass(at)
        against = self._against(right, ends, row)
        if against.min():
            one = np.array([row])
            sheet = Sheets(self.cells.take(one), self.columns, self.base("own").take(one), self.left[one])
            here = [slip.at(at.layer) if at.layer in slip.possible else slip for slip in slips]
            again = tried_on(sheet, here, self.discipline, "own", self.order).ends
            against = self._against(right, [again.get((k, 0), own) for k, own in enumerate(ends)], row)
        return named[against == against.min()]

    def _against(self, right: Array, ends: Sequence[Ends], row: int) -> Array:
        """How many right cells each of several slips makes clearly wrong."""
        return np.array([(right & ~self._one_off(*own, row)).sum() for own in ends])

    def single_cells(self, slips: Sequence[Slip], carry: str) -> None:
        """In each stage the slips that give most of the cells that are left, then most of the rest."""
        if not (self.left & self.alone).any():
            return
        tried = self.trying(slips, carry)
        for stage in self.columns.stages.values():
            wrong = (self.left & self.alone)[:, stage]
            for row in np.flatnonzero((tried.fits[:, :, stage] & wrong).any(axis=(0, 2))):
                self._one_by_one(stage, int(row), tried, slips)

    def join(self, slips: Sequence[Slip]) -> None:
        """Add to the slips that a sheet was found to have what they give besides, if too wide to tell by itself."""
        number = {slip.name: k for k, slip in enumerate(slips)}
        for (carry, step, layer), tried in self.tried.items():
            if carry == "own" and not step and not layer:
                for row, found in enumerate(self.found):
                    for name in dict.fromkeys(name for one in found for name in one.names if name in number):
                        at = np.flatnonzero(tried.fits[number[name], row] & (self.left & self.alone)[row])
                        if len(at):
                            self.add(row, Found((name,), tuple(map(int, at))))

    def _one_by_one(self, stage: slice, row: int, tried: Tried, slips: Sequence[Slip]) -> None:
        wrong = (self.left & self.alone)[row, stage]
        while wrong.any():
            explained = tried.fits[:, row, stage] & wrong
            explained &= (explained & tried.narrow[:, row, stage]).any(axis=1, keepdims=True)
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
