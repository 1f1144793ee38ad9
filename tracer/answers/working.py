"""The rules run over sheets: what follows from what stands on each, cell by cell, and whether the cell agrees.

Errors are carried forward through the one recording point: where a sheet has a number, its own is what the rest uses.
A cell is accepted when what it stands for meets what follows.  Then the number that the person went on with, kept in
mind or as written, lies in the hull of that meeting and the written number; so by induction no correct way of rounding
is ever refused.  A refused cell is carried as written ("own") or as it should have been ("true").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from derivations import rules
from derivations.rules import OPTIMIZERS, RULES, Rules
from tracer.answers.cells import Cells, Written
from tracer.answers.discipline import PLAIN, Discipline
from tracer.answers.intervals import IntervalArithmetic, Intervals
from tracer.answers.passes import At, passes

__all__ = ["PRODUCES", "Worked", "watched", "work"]

Array = Any

PRODUCES: dict[str, tuple[str, int]] = {
    "pre_activation": ("a", 0),
    "activation": ("z", 0),
    "loss_parts": ("E_part", -99),
    "sample_loss": ("E_sample", -99),
    "batch_loss": ("E", -99),
    "output_signal": ("dz", 0),
    "slope": ("slope", 0),
    "jacobian": ("J", 0),
    "output_delta": ("delta", 0),
    "hidden_delta": ("delta", 0),
    "weight_gradient": ("dW", 0),
    "bias_gradient": ("db", 0),
    "signal_below": ("dz", -1),
}
"""The kind that each rule makes, and how far its layer lies from the rule's (-99: it has none)."""


@dataclass
class Worked:
    """What one run found: by array what follows, what is carried, and where a written cell agrees."""

    follows: dict[At, Intervals] = field(default_factory=dict)
    carried: dict[At, Intervals] = field(default_factory=dict)
    accepted: dict[At, Array] = field(default_factory=dict)

    def refused(self, cells: Cells) -> Array:
        """How many cells of each sheet are refused."""
        total = np.zeros(cells.count, int)
        for at, written in cells.arrays.items():
            bad = written.there & ~self.accepted[at]
            total += bad.reshape(cells.count, -1).sum(axis=1)
        return total


def work(
    cells: Cells,
    discipline: Discipline = PLAIN,
    *,
    carry: str = "own",
    rules_: Rules = RULES,
    start: Callable[[rules.Start], rules.Start] | None = None,
    carried: Worked | None = None,
) -> Worked:
    """Work one pass of the step for every sheet at once.

    carry: what goes on from a refused cell, "own" or "true".  start: changes what the step starts from (a given number
    misread).  carried: another run, whose carried numbers are used wherever a sheet has a cell.
    """
    m = IntervalArithmetic(discipline.machine or 2.0**-53)
    out = Worked()

    def keep(at: At, array: Intervals) -> Intervals:
        written = cells.arrays.get(at)
        if written is None:
            out.follows[at] = array
            return array
        array = array.over(cells.count)
        low, high = discipline.guarded(array.low, array.high, written.unit)
        cell = discipline.cell(written.value, written.unit)
        met = np.maximum(low, cell[0]), np.minimum(high, cell[1])
        accepted = met[0] <= met[1]
        out.follows[at], out.accepted[at] = array, accepted
        if carried is not None:
            own = carried.carried[at]
            return _chosen(written.there, own.low, own.high, array)
        refused = cell if carry == "own" else (low, high)
        ends = (
            np.where(accepted, np.minimum(met[0], written.value), refused[0]),
            np.where(accepted, np.maximum(met[1], written.value), refused[1]),
        )
        out.carried[at] = own = _chosen(written.there, *ends, array)
        return own

    for sample, step, run in passes(cells.problem, m, max((at.step for at in cells.arrays), default=1), start):
        run(
            lambda kind, l, array, sample=sample, step=step: keep(At(kind, l, sample, step), array),
            watched(rules_, _before(cells, m, discipline, sample, step)),
        )
    return out


def _chosen(there: Array, low: Array, high: Array, array: Intervals) -> Intervals:
    """What stands on the sheet, and where nothing does, what follows (which may have been rounded unwritten)."""
    if not array.fresh or there.all():
        return Intervals(array.m, np.where(there, low, array.low), np.where(there, high, array.high), fresh=False)
    inside = array.m.inside(array.low, array.high) if array.m.inside else (array.low, array.high)
    return Intervals(array.m, np.where(there, low, inside[0]), np.where(there, high, inside[1]), fresh=False)


def watched(rules_: Rules, before: Callable[[str, int], None]) -> Rules:
    """The same rules, each telling first what array it is about to make."""

    def watch(name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
        if name in PRODUCES:
            kind, offset = PRODUCES[name]

            def worked(s: Any, l: int) -> Any:
                before(kind, 0 if offset == -99 else l + offset)
                return rule(s, l)
        else:
            made = {rule_name: kind for steps in OPTIMIZERS.values() for kind, rule_name in steps}[name]

            def worked(s: Any, l: int, p: str) -> Any:  # type: ignore[misc]
                before(made.replace("p", p), l)
                return rule(s, l, p)

        return worked

    return replace(rules_, **{f.name: watch(f.name, getattr(rules_, f.name)) for f in fields(rules_)})


def _before(
    cells: Cells, m: IntervalArithmetic, discipline: Discipline, sample: int, step: int
) -> Callable[[str, int], None]:
    """Before each rule: how finely what goes into its cell may have been rounded."""
    if not discipline.inside:
        return lambda kind, layer: None

    def before(kind: str, layer: int) -> None:
        written = cells.arrays.get(At(kind, layer, sample, step))
        m.inside = lambda low, high: discipline.kept(low, high, *_fineness(cells, written, low.shape))

    return before


def _fineness(cells: Cells, written: Written | None, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """(figures, unit) for an operand of that shape: of its own cell where it lines up with one, else of the sheet."""
    if written is None:
        return _spread(cells.figures, len(shape)), _spread(cells.unit, len(shape))
    own = written.value.shape
    figures = np.where(written.there, written.figures, _spread(cells.figures, len(own)))
    unit = np.where(written.there, written.unit, _spread(cells.unit, len(own)))
    if shape[1:] == own[1:]:
        return figures, unit
    if 1 < len(own) == len(shape) - 1 and (shape[1], *shape[3:]) == own[1:]:  # the products of a matrix product
        return figures[:, :, None], unit[:, :, None]
    axes = tuple(range(1, len(own)))
    return _spread(figures.min(axis=axes), len(shape)), _spread(unit.max(axis=axes), len(shape))


def _spread(values: Array, ndim: int) -> Array:
    return values.reshape(len(values), *(1,) * (ndim - 1))
