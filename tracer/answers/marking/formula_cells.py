"""Cells whose name is a formula that determines no quantity asked for, `dW1[1,1] + dW2[1,1]`: judged, worth nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from derivations.evaluation import evaluate
from derivations.names import Quantity
from tracer.answers.marking.cells import Cells, place_of
from tracer.answers.marking.diagnosis import MOST_FITTING
from tracer.answers.marking.discipline import PLAIN
from tracer.answers.marking.evidence import EVIDENCE
from tracer.answers.marking.intervals import Intervals
from tracer.answers.marking.judging import FOLLOWS, PLAINLY, REFUSED, Judged
from tracer.answers.marking.truth import Truth
from tracer.answers.marking.working import Worked, work
from tracer.answers.reading.entries import Entry, Sheet

__all__ = ["formulas_of"]

MOST_EXPLAINED = 5  # of one sheet: each is worked with every slip
Explained = tuple[int, tuple[str, ...]]
"""A verdict's code, and the slips that give the number."""


def formulas_of(truth: Truth, sheet: Sheet, cells: Cells, judged: Judged, row: int) -> dict[str, Explained]:
    """The verdict on each cell whose name is a formula and no quantity's, and the slips that give it.

    Its value is worked from the right numbers, from the sheet's own, and with each slip.
    """
    composed = [e for e in sheet.entries if e.formula is not None and e.quantity is None and e.value and not e.fault]
    out: dict[str, Explained] = {}
    for entry in composed:
        runs = ((judged.true, PLAINLY), (judged.own, FOLLOWS))
        out[entry.name] = next((code for run, code in runs if _gives(truth, entry, run, row)), REFUSED), ()
    refused = [e for e in composed if out[e.name][0] == REFUSED and e.value and e.value.figures > EVIDENCE]
    return out | _explained(truth, refused[:MOST_EXPLAINED], cells, row)


def _explained(truth: Truth, refused: Sequence[Entry], cells: Cells, row: int) -> dict[str, Explained]:
    """The slips that give each of the refused, every slip worked once."""
    fitting: dict[str, list[str]] = {entry.name: [] for entry in refused}
    if refused:
        one = cells.take(np.array([row]))
        base = work(one)
        for name, slip in truth.slips.items():
            run = work(one, rules_=slip.rules, base=base)
            for entry in refused:
                fitting[entry.name] += [name] if _gives(truth, entry, run, 0) else []
    return {name: (REFUSED, tuple(found) if len(found) <= MOST_FITTING else ()) for name, found in fitting.items()}


def _gives(truth: Truth, entry: Entry, run: Worked, row: int) -> bool:
    """Whether a run gives what stands beside a formula."""
    assert entry.value is not None
    assert entry.formula is not None
    unit = 0.0 if entry.value.place is None else 10.0**entry.value.place
    low, high = PLAIN.cell(np.array(float(entry.value.exact)), np.array(unit))
    with run.m.working():
        value = evaluate(entry.formula, _carried(truth, run, row), run.m.number)
    if not isinstance(value, Intervals):
        return False
    return bool((value.low <= high).all() and (value.high >= low).all())


def _carried(truth: Truth, run: Worked, row: int) -> Callable[[Quantity], Intervals | None]:
    """What a sheet goes on with, by quantity; given numbers as they are given, None where they are not known."""

    def leaf(q: Quantity) -> Intervals | None:
        at, place = place_of(truth.problem, q)
        if at not in run.carried:
            given = truth.given(q)
            return None if given is None else run.m.number(f"{given[0].numerator}/{given[0].denominator}")
        array = run.carried[at]
        own = (min(row, len(array.low) - 1), *place)
        return Intervals(run.m, array.low[own][None], array.high[own][None], fresh=False)

    return leaf
