"""Sheets marked, one or a class at once: every cell judged, what went wrong explained, each sheet put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from derivations.network import Problem
from tracer.answers.cells import Cells
from tracer.answers.diagnosis import Columns, Explaining, Found
from tracer.answers.entries import Sheet
from tracer.answers.judging import LAST_DIGIT, REFUSED, Judged, judge
from tracer.answers.marks import Marker
from tracer.answers.passes import recorded
from tracer.answers.pen import slips_of_the_pen
from tracer.answers.result import Marked
from tracer.answers.solving import solve
from tracer.answers.truth import Truth
from tracer.terminal import counted

__all__ = ["mark"]

Array = Any
AT_ONCE = 250
"""Sheets worked together: enough to share the cost of a run, few enough to stay within memory."""


def mark(problem: Problem, sheets: Sequence[Sheet], *, progress: bool = False) -> list[Marked]:
    """Mark every sheet, in order; a sheet that could not be read keeps its error."""
    steps = max((e.quantity.step for s in sheets for e in s.entries if e.quantity), default=1)
    truth = Truth(problem, steps)
    marked: list[Marked] = []
    batches = range(0, len(sheets), AT_ONCE)
    for first in counted(batches, f"x {AT_ONCE} sheets", shown=progress and len(batches) > 1):
        marked += _mark(truth, sheets[first : first + AT_ONCE])
    return marked


def _mark(truth: Truth, sheets: Sequence[Sheet]) -> list[Marked]:
    cells = Cells.of(truth.problem, sheets)
    if not cells.arrays:
        return [Marker(truth, sheet).marked() for sheet in sheets]
    judged = judge(cells)
    columns = Columns.of(cells, recorded(truth.problem, truth.steps))
    codes = columns.matrix(judged.codes, cells.count)
    there = columns.of_cells(cells, lambda w: w.there)
    found = explain(truth, cells, columns, judged, there, codes)
    out = []
    for row, sheet in enumerate(sheets):
        verdicts = {columns.places[c]: int(codes[row, c]) for c in np.flatnonzero(there[row])}
        explained = [(f, tuple(columns.places[c] for c in f.columns)) for f in found[row]]
        out.append(Marker(truth, sheet, verdicts, explained).marked())
    return out


def explain(
    truth: Truth, cells: Cells, columns: Columns, judged: Judged, there: Array, codes: Array
) -> list[list[Found]]:
    """What explains the wrong cells of each sheet: sheets that round alike are tried together."""
    out: list[list[Found]] = [[] for _ in range(cells.count)]
    wrong = there & (codes <= LAST_DIGIT)
    bad = np.flatnonzero(wrong.any(axis=1))
    slips = list(truth.slips.values()) if len(bad) else []
    for discipline in dict.fromkeys(judged.disciplines[row] for row in bad):
        rows = np.array([row for row in bad if judged.disciplines[row] == discipline])
        task = Explaining(cells.take(rows), columns, discipline, wrong[rows], codes[rows] == REFUSED)
        task.whole_stages(slips, "own")
        solve(task, truth.problem)
        task.whole_stages(slips, "true")
        task.single_cells(slips, "own")
        task.single_cells(slips, "true")
        slips_of_the_pen(task)
        for row, found in zip(rows, task.found, strict=True):
            out[row] = sorted(found, key=lambda f: f.columns)
    return out
