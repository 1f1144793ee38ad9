"""The rules run over sheets: what follows from what stands on each, cell by cell, and whether the cell agrees.

Errors are carried forward through the one recording point: where a sheet has a number, its own is what the rest uses.
A cell is accepted when what it stands for meets what follows.  Then the number that the person went on with, kept in
mind or as written, lies in the hull of that meeting and the written number; so by induction no correct way of rounding
is ever refused.  A refused cell is carried as written ("own") or as it should have been ("true").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from derivations import rules
from derivations.names import CONSTANTS
from derivations.rules import RULES, Rules, State
from tracer.answers.marking.cells import Cells, Written
from tracer.answers.marking.discipline import PLAIN, Discipline, Inside
from tracer.answers.marking.intervals import IntervalArithmetic, Intervals
from tracer.answers.marking.order import Call, Order, Pass, made_by
from tracer.answers.marking.passes import At, passes
from tracer.answers.marking.states import changed, hand_over, put

__all__ = ["Enters", "Worked", "work", "work_again"]

Array = Any
Ends = tuple[Array, Array]
Enters = Callable[[str, int], bool]
"""Whether something enters a rule, by its name, at a layer."""


@dataclass
class Worked:
    """What one run found: by array what follows, what is carried, and where a written cell agrees.

    `passed` is what a rule gave and nobody records: one sample's loss.  `states` are what the rules read, by pass.
    """

    m: IntervalArithmetic
    follows: dict[At, Intervals] = field(default_factory=dict)
    carried: dict[At, Intervals] = field(default_factory=dict)
    accepted: dict[At, Array] = field(default_factory=dict)
    passed: dict[At, Intervals] = field(default_factory=dict)
    states: dict[Pass, State] = field(default_factory=dict)

    def made(self, at: At) -> Intervals | None:
        """What a rule gave, as it was recorded; None where this run has no such array."""
        return self.follows.get(at) or self.passed.get(at)

    def take(self, rows: Array) -> Worked:
        """The same run over some of the sheets; one may be there several times."""
        taken: dict[int, Intervals] = {}  # what is one array stays one
        last = np.max(rows, initial=0)

        def some(x: Intervals) -> Intervals:
            if id(x) not in taken:
                taken[id(x)] = x.take(rows) if last < len(x.low) else x  # one row is every sheet's
            return taken[id(x)]

        follows, carried, passed = (
            {at: some(x) for at, x in part.items()} for part in (self.follows, self.carried, self.passed)
        )
        accepted = {at: of_cells[rows] for at, of_cells in self.accepted.items()}
        states = {of: changed(state, some) for of, state in self.states.items()}
        return Worked(self.m, follows, carried, accepted, passed, states)


def work(
    cells: Cells,
    discipline: Discipline = PLAIN,
    *,
    carry: str = "own",
    rules_: Rules = RULES,
    start: Callable[[rules.Start], rules.Start] | None = None,
    enters: Enters | None = None,
    base: Worked | None = None,
    last: tuple[int, int] | None = None,
) -> Worked:
    """Work one pass of the step for every sheet at once.

    carry: what goes on from a refused cell, "own" or "true".  start: changes what the step starts from (a given number
    misread), enters: which rules at which layers that goes into (None: any).  base: an earlier run of the right rules,
    whose carried numbers are used wherever a sheet has a cell, and whose results stand wherever nothing that enters
    them has changed.  last: the (sample, step) after which nothing is asked.
    """
    out = Worked(base.m if base else IntervalArithmetic(discipline.machine or 2.0**-53))
    steps = max((at.step for at in cells.arrays), default=1)
    anywhere = start is not None and enters is None
    changed = anywhere
    for sample, step, run in passes(cells.problem, out.m, steps, _started(cells, carry, start)):
        recording = _Recording(cells, discipline, carry, out, base, sample, step, changed, enters)
        run(recording.keep, recording.watched(rules_))
        out.passed = {at: x for at, x in out.passed.items() if at not in out.follows}
        changed = anywhere or (recording.changed and not sample)  # a later step starts from this one
        if (sample, step) == last:
            break
    return out


def work_again(
    cells: Cells,
    discipline: Discipline,
    order: Order,
    calls: Sequence[tuple[Call, bool]],
    *,
    carry: str,
    rules_: Rules,
    base: Worked,
) -> Worked:
    """Work some calls again with other rules, from the numbers of a base run: what these make, and nothing else.

    With each call stands whether what it makes is carried on.
    """
    out = Worked(base.m)
    with base.m.working():
        for call, enters in calls:
            sample, step = own = call.at.sample, call.at.step
            state = _state(out, base, own)
            recording = _Recording(cells, discipline, carry, out, base, sample, step)
            if discipline.inside:
                recording.set_fineness(call.at)
            array = getattr(rules_, call.rule)(state, call.l, *call.p)
            if not enters:
                recording.accept(call.at, array)
                continue
            if call.at in base.follows:
                array = recording.keep(call.at.kind, call.at.layer, array)
            put(state, call.at.kind, call.at.layer, array)
            for later in (of for of, before in order.starts.items() if before == own):
                hand_over(_state(out, base, later), call.at, array)
    return out


def _state(out: Worked, base: Worked, of: Pass) -> State:
    """What the rules of a pass read, to be written into."""
    if of not in out.states:
        out.states[of] = copy(base.states[of])
    return out.states[of]


def _started(
    cells: Cells, carry: str, start: Callable[[rules.Start], rules.Start] | None
) -> Callable[[rules.Start], rules.Start] | None:
    """What changes the given numbers: those that a sheet has otherwise are its own, then the change asked for."""
    together = cells.problem.samples == 1 or cells.problem.training.samples == "together"
    if carry != "own" or not cells.givens or not together:
        return start

    def own(first: rules.Start) -> rules.Start:
        first = _with_givens(first, cells)
        return start(first) if start else first

    return own


def _with_givens(start: rules.Start, cells: Cells) -> rules.Start:
    """A start with the given numbers that each sheet has."""
    changed: dict[tuple[str, int], Intervals] = {}
    for kind, layer, place, row, value in cells.givens:
        if kind in CONSTANTS:
            old = start.constants[kind]
            if old is None:  # another optimizer's
                continue
        else:
            old = getattr(start, kind)[layer] if kind in ("W", "b") else getattr(start, kind)
        if (kind, layer) not in changed:
            low, high = (np.array(np.broadcast_to(a, (cells.count, *a.shape[1:]))) for a in (old.low, old.high))
            changed[kind, layer] = Intervals(old.m, low, high, fresh=False)
        new = changed[kind, layer]
        at = (row, *(p if p < n else 0 for p, n in zip(place, new.low.shape[1:], strict=False)))
        at += (0,) * (new.low.ndim - len(at))
        new.low[at] = new.high[at] = value
    for (kind, layer), new in changed.items():
        if kind in CONSTANTS:
            start = replace(start, constants={**start.constants, kind: new})
        else:
            made: Any = new
            if kind in ("W", "b"):
                made = list(getattr(start, kind))
                made[layer] = new
            whole: dict[str, Any] = {kind: made}
            start = replace(start, **whole)
    return start


@dataclass
class _Recording:
    """The recording point of one step, and what is told before each rule."""

    cells: Cells
    discipline: Discipline
    carry: str
    out: Worked
    base: Worked | None
    sample: int
    step: int
    changed: bool = False  # whether anything unwritten differs from the base
    enters: Enters | None = None

    def at(self, kind: str, layer: int) -> At:
        """The array's place."""
        return At(kind, layer, self.sample, self.step)

    def keep(self, kind: str, layer: int, array: Intervals) -> Intervals:
        """What the rest uses in place of what follows."""
        at = self.at(kind, layer)
        self.out.carried[at] = carried = self._carried(at, array)
        carried.recorded = True
        return carried

    def _carried(self, at: At, array: Intervals) -> Intervals:
        array, met, right = self.accept(at, array)
        written = self.cells.arrays.get(at)
        if self.base and array is self.base.follows[at]:
            return self.base.carried[at]
        if written is None or met is None or right is None:
            self.changed = True
            return array.used()  # once, as where a classmate writes it: a sheet's marks are its own
        if self.base:
            own = self.base.carried[at]
            self.changed |= not bool(written.there.all())
            return _chosen(written.there, own.low, own.high, array)
        own_cell = self.discipline.cell(written.value, written.unit)
        refused = own_cell if self.carry == "own" else self._as_it_should_be(*right, written)
        accepted = self.out.accepted[at]
        low = np.where(accepted, np.minimum(met[0], written.value), refused[0])
        high = np.where(accepted, np.maximum(met[1], written.value), refused[1])
        return _chosen(written.there, low, high, array)

    def accept(self, at: At, array: Intervals) -> tuple[Intervals, Ends | None, Ends | None]:
        """Note what follows and where a written cell agrees; what follows, where both meet, what may be written."""
        out, written = self.out, self.cells.arrays.get(at)
        if self.base and array is self.base.follows[at]:
            out.follows[at] = array
            if written:
                out.accepted[at] = self.base.accepted[at]
            return array, None, None
        if not array.fresh and not array.recorded:  # a given number written again may be rounded too
            array = Intervals(array.m, array.low, array.high)
        out.follows[at] = array
        if written is None:
            return array, None, None
        right = array.low, array.high
        if not array.recorded:  # a copy is not rounded again
            right = self.discipline.guarded(*right, written.unit)
        cell = self.discipline.cell(written.value, written.unit)
        met = np.maximum(right[0], cell[0]), np.minimum(right[1], cell[1])
        out.follows[at] = array = array.over(self.cells.count)
        out.accepted[at] = met[0] <= met[1]
        return array, met, right

    def _as_it_should_be(self, low: Array, high: Array, written: Written) -> tuple[Array, Array]:
        """The right number in full, or rounded as the sheet usually rounds: to its unit, or else to its figures."""
        ndim = low.ndim
        by_place = replace(self.discipline, inside="places").kept(low, high, written.figures, written.unit, np.zeros(1))
        figures = np.maximum(written.figures, _spread(self.cells.figures, ndim))
        by_figures = replace(self.discipline, inside="figures").kept(low, high, figures, written.unit, np.zeros(1))
        usual = written.unit == _spread(self.cells.unit, ndim)
        ends = zip(by_place, by_figures, (np.maximum, np.minimum), strict=True)
        lower, upper = (np.where(usual, place, closer(place, figure)) for place, figure, closer in ends)
        return lower, upper

    def watched(self, rules_: Rules) -> Rules:
        """The same rules, each telling first what it is about to make; unchanged ones give what the base has."""
        return replace(rules_, **{f.name: self._watch(f.name, getattr(rules_, f.name)) for f in fields(rules_)})

    def _watch(self, name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
        base = self.base if self.base and rule is getattr(RULES, name) else None

        def worked(s: Any, l: int, *p: str) -> Any:
            at = made_by(name, l, p, (self.sample, self.step))
            self.out.states[self.sample, self.step] = s
            same = base and not self.changed and not (self.enters and self.enters(name, l))
            known = base.made(at) if base and same else None
            if known is not None:
                return known
            if self.discipline.inside:
                self.set_fineness(at)
            result = rule(s, l, *p)
            if self.base is None:
                self.out.passed[at] = result
            elif at not in self.base.follows:
                self.changed = True
            return result

        return worked

    def set_fineness(self, at: At) -> None:
        """How finely what goes into a cell may have been rounded."""
        cells = self.cells
        least = self.carry == "true"  # a wrong number's own digits say nothing of the right one's

        def fineness(shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
            key = at, shape, least
            if key not in cells.fineness:
                figures, unit = _fineness(cells, cells.arrays.get(at), shape, least)
                cells.fineness[key] = figures, unit, _spread(cells.least, len(shape))
            return cells.fineness[key]

        self.out.m.inside = Inside(self.discipline, fineness)


def _chosen(there: Array, low: Array, high: Array, array: Intervals) -> Intervals:
    """What stands on the sheet, and where nothing does, what follows (which may have been rounded unwritten)."""
    if array.fresh and not there.all():
        array = array.used()
    return Intervals(array.m, np.where(there, low, array.low), np.where(there, high, array.high), fresh=False)


def _fineness(
    cells: Cells, written: Written | None, shape: tuple[int, ...], least: bool = False
) -> tuple[Array, Array]:
    """(figures, unit) for an operand of that shape: of its own cell where it lines up with one, else of the sheet.

    least: never coarser than the sheet usually is.
    """
    if written is None:
        return _spread(cells.figures, len(shape)), _spread(cells.unit, len(shape))
    own = written.value.shape
    figures: Array = np.where(written.there, written.figures, _spread(cells.figures, len(own)))
    unit: Array = np.where(written.there, written.unit, _spread(cells.unit, len(own)))
    if least:
        figures = np.maximum(figures, _spread(cells.figures, len(own)))
        unit = np.minimum(unit, _spread(cells.unit, len(own)))
    if shape[1:] == own[1:]:
        return figures, unit
    if 1 < len(own) == len(shape) - 1 and (shape[1], *shape[3:]) == own[1:]:  # the products of a matrix product
        return figures[:, :, None], unit[:, :, None]
    axes = tuple(range(1, len(own)))
    return _spread(figures.min(axis=axes), len(shape)), _spread(unit.max(axis=axes), len(shape))


def _spread(values: Array, ndim: int) -> Array:
    return values.reshape(len(values), *(1,) * (ndim - 1))
