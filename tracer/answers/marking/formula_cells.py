"""Cells whose name is a formula in names, `delta2[1]*W2[1,1]`: judged from the right numbers and the sheet's own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from derivations.evaluation import evaluate
from derivations.names import Quantity
from tracer.answers.marking.cells import Cells, place_of
from tracer.answers.marking.diagnosis import EVIDENCE, MOST_FITTING
from tracer.answers.marking.discipline import PLAIN
from tracer.answers.marking.intervals import Intervals
from tracer.answers.marking.judging import FOLLOWS, PLAINLY, REFUSED, Judged
from tracer.answers.marking.truth import Truth
from tracer.answers.marking.working import Worked, work
from tracer.answers.reading.entries import Entry, Sheet

__all__ = ["formulas_of"]


def formulas_of(
    truth: Truth, sheet: Sheet, cells: Cells, judged: Judged, row: int
) -> dict[str, tuple[int, tuple[str, ...]]]:
    """The verdict on each cell whose name is a formula, and the slips that give it.

    Its value is worked from the right numbers, from the sheet's own, and with each slip.
    """
    out: dict[str, tuple[int, tuple[str, ...]]] = {}
    for entry in sheet.entries:
        if entry.formula is None or entry.value is None or entry.fault:
            continue
        out[entry.name] = REFUSED, ()
        for run, code in ((judged.true, PLAINLY), (judged.own, FOLLOWS)):
            if _gives(truth, entry, run, row):
                out[entry.name] = code, ()
                break
        if out[entry.name][0] == REFUSED and entry.value.figures > EVIDENCE:
            one = cells.take(np.array([row]))
            base = work(one)
            runs = ((name, work(one, rules_=slip.rules, base=base)) for name, slip in truth.slips.items())
            fitting = tuple(name for name, run in runs if _gives(truth, entry, run, 0))
            out[entry.name] = REFUSED, fitting if len(fitting) <= MOST_FITTING else ()
    return out


def _gives(truth: Truth, entry: Entry, run: Worked, row: int) -> bool:
    """Whether a run gives what stands beside a formula."""
    assert entry.value is not None
    assert entry.formula is not None
    unit = 0.0 if entry.value.place is None else 10.0**entry.value.place
    low, high = PLAIN.cell(np.array(float(entry.value.exact)), np.array(unit))
    with run.m.working():
        value = evaluate(entry.formula, _carried(truth, run, row), run.m.number)
    return value is not None and bool((value.low <= high).all() and (value.high >= low).all())


def _carried(truth: Truth, run: Worked, row: int) -> Callable[[Quantity], Intervals]:
    """What a sheet goes on with, by quantity; given numbers as they are given."""

    def leaf(q: Quantity) -> Intervals:
        at, place = place_of(truth.problem, q)
        if at not in run.carried:
            given = truth.given(q)
            assert given is not None
            return run.m.number(f"{given[0].numerator}/{given[0].denominator}")
        array = run.carried[at]
        own = (min(row, len(array.low) - 1), *place)
        return Intervals(run.m, array.low[own][None], array.high[own][None], fresh=False)

    return leaf
