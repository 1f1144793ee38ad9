"""Which cells of many sheets are right: each judged from the right values and from the sheet's own.

The stricter reading comes first.  A sheet that the plain rule accepts whole is done; any other is read in the
discipline that refuses the fewest of its cells, with the better of the two verdicts for each cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derivations import rules
from derivations.network import Problem
from derivations.rules import RULES, Rules
from tracer.answers.marking.cells import Cells, Written
from tracer.answers.marking.discipline import A_PROGRAM_SHOWS, DISCIPLINES, FLOAT32, FLOAT64, PLAIN, Discipline
from tracer.answers.marking.intervals import Intervals
from tracer.answers.marking.passes import At
from tracer.answers.marking.working import Worked, work

__all__ = ["FOLLOWS", "INSIDE", "LAST_DIGIT", "NOTHING", "PLAINLY", "REFUSED", "TRUNCATED", "Judged", "forms", "judge"]

Array = Any
REFUSED, LAST_DIGIT, NOTHING, FOLLOWS, TRUNCATED, INSIDE, PLAINLY = range(7)
FLOAT64_SHOWS = 15


@dataclass(frozen=True)
class Judged:
    """For each array (sheets, *shape) of codes; the discipline and the form of the equations of each sheet.

    `own` is the plain run that carries what stands on the sheet, `true` the one that carries what is right.
    """

    codes: Mapping[At, Array]
    disciplines: tuple[Discipline, ...]
    own: Worked
    true: Worked

    def refused(self, cells: Cells) -> Array:
        """How many cells of each sheet are not accepted."""
        return self.count(cells, LAST_DIGIT)

    def count(self, cells: Cells, most: int) -> Array:
        """How many cells of each sheet have a code up to that one."""
        of = [(w.there & (self.codes[at] <= most)).reshape(cells.count, -1) for at, w in cells.arrays.items()]
        return np.concatenate([np.zeros((cells.count, 0), bool), *of], axis=1).sum(axis=1)


def forms(problem: Problem) -> tuple[Rules, ...]:
    """The equations, and where loss and last activation fuse, the long way that a sheet may follow as well."""
    if problem.fused is None:
        return (RULES,)
    return RULES, replace(RULES, output_delta=rules.hidden_delta)


def judge(cells: Cells) -> Judged:
    """Judge every cell of every sheet."""
    own = work(cells)
    codes = {at: np.where(own.accepted[at], PLAINLY, REFUSED) for at in cells.arrays}
    chosen = np.full(cells.count, PLAIN, object)
    true = own
    rows = np.flatnonzero(
        _refused(cells, own).any(axis=1) | np.isin(np.arange(cells.count), [g[3] for g in cells.givens])
    )
    if len(rows):
        true = work(cells, carry="true")
        some, plain = cells.take(rows), {"own": own.take(rows), "true": true.take(rows)}
        best = _best(some, plain)
        for at, of_some in _codes(some, best, plain).items():
            codes[at][rows] = of_some
        chosen[rows] = [d for d, _ in best]
    for at, code in codes.items():
        codes[at] = np.where((code == FOLLOWS) & _says_nothing(own.follows[at], cells.arrays[at]), NOTHING, code)
    return Judged(codes, tuple(chosen), own, true)


def _says_nothing(follows: Intervals, written: Written) -> Array:
    """Where what follows is anything, or may be 0 and may not, whatever the rest of the equation is."""
    zero = (written.value == 0) & (follows.low <= 0) & (follows.high >= 0) & (follows.low < follows.high)
    return zero | ~(np.isfinite(follows.low) & np.isfinite(follows.high))


def _best(cells: Cells, plain: Mapping[str, Worked]) -> list[tuple[Discipline, Rules]]:
    """For each sheet the discipline, and form of the equations, that refuses the fewest of its cells."""
    # by the best reading that rounds to the nearest: (sheets, cells), refused from their own numbers and from the right
    nearest = _refused(cells, plain["own"]) & _refused(cells, plain["true"])
    fewest = nearest.sum(axis=1)
    best: list[tuple[Discipline, Rules]] = [(PLAIN, RULES)] * cells.count
    for form in forms(cells.problem):
        for discipline in (*DISCIPLINES, FLOAT32, FLOAT64):
            rows = np.flatnonzero((fewest > 0) & _may(cells, discipline))
            if not len(rows) or (discipline is PLAIN and form is RULES):
                continue
            some = cells.take(rows)
            runs = (work(some, discipline, rules_=form, carry=carry) for carry in ("own", "true"))
            refused = np.logical_and(*(_refused(some, run) for run in runs))
            count = refused.sum(axis=1)
            better = count < fewest[rows]
            if discipline.cut:  # one cell does not make a habit where another speaks against it
                better &= (count + 2 <= nearest[rows].sum(axis=1)) | ~(refused & ~nearest[rows]).any(axis=1)
            else:
                nearest[rows[better]] = refused[better]
            fewest[rows[better]] = count[better]
            for row in rows[better]:
                best[row] = discipline, form
    return best


def _refused(cells: Cells, run: Worked) -> Array:
    """The refused cells of each sheet, side by side."""
    bad = [(w.there & ~run.accepted[at]).reshape(cells.count, -1) for at, w in cells.arrays.items()]
    return np.concatenate([np.zeros((cells.count, 0), bool), *bad], axis=1)


def _may(cells: Cells, discipline: Discipline) -> Array:
    """Which sheets a discipline is for: a program's output shows many figures."""
    if not discipline.machine:
        return np.ones(cells.count, bool)
    most = np.max([w.figures.reshape(cells.count, -1).max(axis=1) for w in cells.arrays.values()], axis=0, initial=0)
    return most >= (A_PROGRAM_SHOWS if discipline is FLOAT32 else FLOAT64_SHOWS)


def _codes(cells: Cells, best: list[tuple[Discipline, Rules]], plain: Mapping[str, Worked]) -> dict[At, Array]:
    """The verdicts of sheets that the plain rule does not accept whole."""
    inside = {carry: {at: w.accepted[at].copy() for at in cells.arrays} for carry, w in plain.items()}
    near = {at: np.zeros(w.there.shape, bool) for at, w in cells.arrays.items()}
    for reading in set(best):
        rows = np.array([k for k, b in enumerate(best) if b == reading])
        some = cells.take(rows)
        for carry in ("own", "true"):
            run = plain[carry] if reading == (PLAIN, RULES) else work(some, reading[0], carry=carry, rules_=reading[1])
            for at, written in some.arrays.items():
                pick = rows if run is plain[carry] else slice(None)
                inside[carry][at][rows] |= run.accepted[at][pick]
                near[at][rows] |= _one_off(written.value, written.unit, run.follows[at], pick)
    cut = np.array([d.cut for d, _ in best])
    truth = _truth(cells)
    out = {}
    for at in cells.arrays:
        ways = np.where(cut.reshape(-1, *(1,) * (near[at].ndim - 1)), TRUNCATED, INSIDE)
        code = np.where(near[at], LAST_DIGIT, REFUSED)
        code = np.where(plain["own"].accepted[at] | inside["own"][at], FOLLOWS, code)
        code = np.where(inside["true"][at], ways, code)
        out[at] = np.where(plain["true"].accepted[at] | _holds(cells.arrays[at], truth.follows[at]), PLAINLY, code)
    return out


def _one_off(value: Array, unit: Array, follows: Any, rows: Any) -> Array:
    reach = 1.5 * unit
    return (value + reach >= follows.low[rows]) & (value - reach <= follows.high[rows]) & (unit > 0)


def _truth(cells: Cells) -> Worked:
    """What the numbers are that no sheet has touched."""
    blank = {
        at: replace(w.take(slice(0, 1)), there=np.zeros((1, *w.there.shape[1:]), bool))
        for at, w in cells.arrays.items()
    }
    usual = {name: getattr(cells, name)[:1] for name in ("figures", "unit", "least")}
    return work(replace(cells, count=1, arrays=blank, **usual, givens=()))


def _holds(written: Written, truth: Intervals) -> Array:
    """Where the true value rounds to what is written."""
    low, high = PLAIN.cell(written.value, written.unit)
    return written.there & (low <= truth.high) & (high >= truth.low)
