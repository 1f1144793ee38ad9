"""Sheets marked, one or a class at once: every cell judged, what went wrong explained, each sheet put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from derivations.expression import evaluate
from derivations.names import Quantity
from derivations.network import Problem
from tracer.answers.cells import Cells, place_of
from tracer.answers.conventions import accepted, best_reading, misses
from tracer.answers.diagnosis import Columns, Explaining, Found
from tracer.answers.discipline import DISCIPLINES, PLAIN, Discipline
from tracer.answers.entries import Sheet
from tracer.answers.intervals import Intervals
from tracer.answers.judging import FOLLOWS, LAST_DIGIT, PLAINLY, REFUSED, Judged, judge
from tracer.answers.marks import Marker
from tracer.answers.misread import Given, misread
from tracer.answers.naming import Naming
from tracer.answers.passes import recorded
from tracer.answers.pen import slips_of_the_pen
from tracer.answers.result import Marked
from tracer.answers.slips import Slip
from tracer.answers.solving import solve
from tracer.answers.truth import Truth
from tracer.answers.working import Worked
from tracer.terminal import counted

__all__ = ["mark"]

Array = Any
AT_ONCE = 1000
MOST_CELLS = 100_000
"""Sheets worked together: enough to share the cost of a run, few enough to stay within memory."""


def mark(
    problem: Problem, sheets: Sequence[Sheet], *, naming: Naming | None = None, progress: bool = False
) -> list[Marked]:
    """Mark every sheet, in order; a sheet that could not be read keeps its error.

    naming: reads a sheet again that does not fit as it was read.  Raises ProblemError for what `[marking]` cannot
    accept.
    """
    others = accepted(problem)
    marked: list[Marked] = []
    largest = max((len(sheet.entries) for sheet in sheets), default=1)
    batch = min(AT_ONCE, max(1, MOST_CELLS // max(largest, 1)))
    batches = range(0, len(sheets), batch)
    for first in counted(batches, f"x {batch} sheets", shown=progress and len(batches) > 1):
        some = list(sheets[first : first + batch])
        if naming:
            some = [best_reading(problem, naming, s, n) for s, n in zip(some, misses(problem, some), strict=True)]
        marked += _best_marks(problem, others, some)
    return marked


def _best_marks(problem: Problem, others: list[tuple[Problem, str]], sheets: list[Sheet]) -> list[Marked]:
    """The marks under the problem, or under another that is accepted too where they are better."""
    truth = Truth(problem, max((e.quantity.step for s in sheets for e in s.entries if e.quantity), default=1))
    best = _mark(truth, sheets)
    for other, remark in others:
        again = _mark(Truth(other, truth.steps), [replace(s, remarks=(*s.remarks, remark)) for s in sheets])
        best = [b if b.points >= a.points else a for a, b in zip(again, best, strict=True)]
    return best


def _mark(truth: Truth, sheets: Sequence[Sheet]) -> list[Marked]:
    cells = Cells.of(truth.problem, sheets)
    if not cells.arrays:
        return [Marker(truth, sheet).marked() for sheet in sheets]
    columns = Columns.of(cells, recorded(truth.problem, truth.steps))
    there = columns.of_cells(cells, lambda w: w.there)
    judged = judge(cells)
    codes = columns.matrix(judged.codes, cells.count)
    known = _misread(cells, columns, judged, there, codes)
    if known:
        cells = replace(cells, givens=(*cells.givens, *(g for _, givens in known.values() for g in givens)))
        judged = judge(cells)
        codes = columns.matrix(judged.codes, cells.count)
        for row, (misreading, _) in known.items():
            codes[row, list(misreading.columns)] = REFUSED
    found = explain(truth, cells, columns, judged, there, codes, known)
    out = []
    for row, sheet in enumerate(sheets):
        verdicts = {columns.places[c]: int(codes[row, c]) for c in np.flatnonzero(there[row])}
        explained = [(f, tuple(columns.places[c] for c in f.columns)) for f in found[row]]
        formulas = formula_codes(truth, sheet, judged, row)
        out.append(Marker(truth, sheet, verdicts, explained, formulas).marked())
    return out


def _alike(judged: Judged, rows: Sequence[int]) -> Iterator[tuple[Discipline, Array]]:
    """Sheets that round alike, to be worked together."""
    for discipline in dict.fromkeys(judged.disciplines[row] for row in rows):
        yield discipline, np.array([row for row in rows if judged.disciplines[row] == discipline])


def _misread(
    cells: Cells, columns: Columns, judged: Judged, there: Array, codes: Array
) -> dict[int, tuple[Found, tuple[Given, ...]]]:
    """By sheet, given numbers that were misread and used wrong throughout."""
    wrong = there & (codes <= REFUSED)
    out: dict[int, tuple[Found, tuple[Given, ...]]] = {}
    for discipline, rows in _alike(judged, [int(row) for row in np.flatnonzero(wrong.any(axis=1))]):
        for k, (found, givens) in misread(cells.take(rows), columns, discipline, wrong[rows]).items():
            row = int(rows[k])
            out[row] = found, tuple((*g[:3], row, g[4]) for g in givens)
    return out


def explain(
    truth: Truth,
    cells: Cells,
    columns: Columns,
    judged: Judged,
    there: Array,
    codes: Array,
    known: Mapping[int, tuple[Found, tuple[Given, ...]]] = MappingProxyType({}),
) -> list[list[Found]]:
    """What explains the wrong cells of each sheet: sheets that round alike are tried together."""
    out: list[list[Found]] = [[known[row][0]] if row in known else [] for row in range(cells.count)]
    wrong = there & (codes <= LAST_DIGIT)
    for row, (found, _) in known.items():
        wrong[row, list(found.columns)] = False
    bad = [int(row) for row in np.flatnonzero(wrong.any(axis=1))]
    slips = list(truth.slips.values()) if bad else []
    for discipline, rows in _alike(judged, bad):
        task = Explaining(cells.take(rows), columns, discipline, wrong[rows], codes[rows] == REFUSED)
        _explain(task, slips)
        for row, explained in zip(rows, task.found, strict=True):
            out[row] = sorted([*out[row], *explained], key=lambda f: f.columns)
    return out


def _explain(task: Explaining, slips: list[Slip]) -> None:
    """The likeliest first: a rule for a whole stage, a number misread, then a cell alone, then the pen."""
    task.whole_stages(slips, "own")
    for discipline in DISCIPLINES:
        if discipline.inside and discipline.cut == task.discipline.cut and not task.discipline.inside:
            task.under(discipline).whole_stages(slips, "own")
    solve(task, task.cells.problem)
    task.whole_stages(slips, "true")
    task.single_cells(slips, "own")
    task.single_cells(slips, "true")
    slips_of_the_pen(task)


def formula_codes(truth: Truth, sheet: Sheet, judged: Judged, row: int) -> dict[str, int]:
    """The verdict on each cell whose name is a formula: its value from the right numbers, or from the sheet's own."""
    out: dict[str, int] = {}
    for entry in sheet.entries:
        if entry.formula is None or entry.value is None or entry.fault:
            continue
        unit = 0.0 if entry.value.place is None else 10.0**entry.value.place
        low, high = PLAIN.cell(np.array(float(entry.value.exact)), np.array(unit))
        out[entry.name] = REFUSED
        for run, code in ((judged.true, PLAINLY), (judged.own, FOLLOWS)):
            leaf = _carried(truth, run, row)
            with run.m.working():
                value = evaluate(entry.formula, leaf, run.m.number)
            if value is not None and (value.low <= high).all() and (value.high >= low).all():
                out[entry.name] = code
                break
    return out


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
