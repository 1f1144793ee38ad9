"""Sheets marked, one or a class at once: every cell judged, what went wrong explained, each sheet put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from derivations.network import Problem
from tracer.answers.marking.cells import Cells, last_step, place_of
from tracer.answers.marking.columns import Columns
from tracer.answers.marking.conventions import Read, accepted, best_readings
from tracer.answers.marking.determining import Determining
from tracer.answers.marking.diagnosis import Explaining, Found
from tracer.answers.marking.discipline import DISCIPLINES, Discipline, is_literal
from tracer.answers.marking.evidence import WIDEST, is_nonsense
from tracer.answers.marking.formula_cells import formulas_of
from tracer.answers.marking.judging import FOLLOWS, LAST_DIGIT, REFUSED, Judged, judge
from tracer.answers.marking.marks import Known, Marker, merged
from tracer.answers.marking.misread import Given, misread
from tracer.answers.marking.passes import At, recorded
from tracer.answers.marking.pen import slips_of_the_pen
from tracer.answers.marking.solving import SOLVED, solve
from tracer.answers.marking.truth import Truth
from tracer.answers.marking.trying import worked_from
from tracer.answers.marking.working import work
from tracer.answers.reading.entries import Sheet
from tracer.answers.reading.naming import Naming
from tracer.answers.result import UNTRIED, Marked
from tracer.answers.slips import Slip
from tracer.problem import ProblemError
from tracer.terminal import counted
from tracer.unexpected import reported

__all__ = ["mark"]

Array = Any
AT_ONCE = 5000
MOST_CELLS = 100_000
"""Sheets worked together, and the cells of all: enough to share the cost of a run, few enough to stay in memory."""
OPEN = 0.02
"""Relative: how far what follows without a written number may be open."""


def mark(
    problem: Problem, sheets: Sequence[Sheet], *, naming: Naming | None = None, progress: bool = False
) -> list[Marked]:
    """Mark every sheet, in order; a sheet that could not be read keeps its error.

    naming: reads a sheet again that does not fit as it was read.  Raises ProblemError for what `[marking]` cannot
    accept.
    """
    others = accepted(problem)
    marked: list[Marked] = []
    batch = min(AT_ONCE, max(1, MOST_CELLS // sum(int(np.prod(shape)) for shape in recorded(problem).values())))
    batches = range(0, len(sheets), batch)
    for first in counted(batches, f"x {batch} sheets", shown=progress and len(batches) > 1):
        marked += _guarded(problem, naming, others, sheets[first : first + batch])
    return marked


def _guarded(
    problem: Problem, naming: Naming | None, others: list[tuple[Problem, str]], sheets: Sequence[Sheet]
) -> list[Marked]:
    """The marks of sheets worked together; an unexpected error is the verdict of the one sheet that makes it."""
    try:
        read = best_readings(problem, naming, sheets) if naming else Read.of(problem, sheets)
        return _best_marks(problem, others, read)
    except ProblemError:
        raise
    except Exception as e:
        why = reported(e)
        if len(sheets) == 1:
            return [Marked(sheets[0].id, remarks=sheets[0].remarks, error=why)]
    half = len(sheets) // 2
    return [m for some in (sheets[:half], sheets[half:]) for m in _guarded(problem, naming, others, some)]


def _best_marks(problem: Problem, others: list[tuple[Problem, str]], read: Read) -> list[Marked]:
    """The marks under the problem, or under another that is accepted too where they are better."""
    truth = Truth(problem, last_step(read.sheets))
    best = _mark(truth, read)
    for other, remark in others:
        lacks = recorded(problem, truth.steps).keys() - recorded(other, truth.steps).keys()
        fitting = [k for k, sheet in enumerate(read.sheets) if not (lacks and _asks_for(problem, lacks, sheet))]
        remarked = [replace(read.sheets[k], remarks=(*read.sheets[k].remarks, remark)) for k in fitting]
        again = _mark(Truth(other, truth.steps), Read.of(other, remarked)) if fitting else []
        for k, marked in zip(fitting, again, strict=True):
            best[k] = marked if marked.points > best[k].points else best[k]
    return best


def _asks_for(problem: Problem, lacks: Set[At], sheet: Sheet) -> bool:
    """Whether a sheet writes what another step lacks: without trained biases there is no velocity of them."""
    return any(place_of(problem, entry.quantity)[0] in lacks for entry in sheet.entries if entry.quantity)


def _mark(truth: Truth, read: Read) -> list[Marked]:
    read = _as_answers(truth, read)
    cells, judged = read.cells, read.judged
    columns = Columns.of(cells, recorded(truth.problem, truth.steps))
    there = columns.of_cells(cells, lambda w: w.there)
    codes = columns.matrix(judged.codes, cells.count)
    _accept_ignoring(truth, cells, columns, judged, there, codes)
    known = _misread(cells, columns, judged, there, codes)
    if known:
        rows = sorted(known)
        by_rules, _ = explain(truth, cells, columns, judged, there, codes, rows=rows)
        known = {row: known[row] for row in rows if not _is_a_rule(by_rules[row], known[row][0])}
    if known:
        cells = replace(cells, givens=(*cells.givens, *(g for _, givens in known.values() for g in givens)))
        judged = judge(cells)
        codes = columns.matrix(judged.codes, cells.count)
        for row, (misreading, _) in known.items():
            codes[row, list(misreading.columns)] = REFUSED
    found, cut = explain(truth, cells, columns, judged, there, codes, known)
    literal = columns.matrix({at: _literal(cells, judged, at) for at in cells.arrays}, cells.count).tolist()
    standing = codes.astype(object)
    standing[~there] = None
    of_quantity = Known(truth, columns)
    out = []
    for row, sheet in enumerate(read.sheets):
        sheet = replace(sheet, remarks=(*sheet.remarks, UNTRIED)) if row in cut else sheet
        formulas = formulas_of(truth, sheet, cells, judged, row)
        out.append(Marker(of_quantity, sheet, standing[row].tolist(), literal[row], found[row], formulas).marked())
    return out


def _accept_ignoring(truth: Truth, cells: Cells, columns: Columns, judged: Judged, there: Array, codes: Array) -> None:
    """Accept what follows from the rest of its sheet when one array that it has right is as if it were not written.

    Who worked z - t again from the shown z goes on from another last digit than that of the dz on the sheet.
    """
    wrong = there & (codes <= LAST_DIGIT)
    near = there & (codes == LAST_DIGIT)
    for at, rows in worked_from(truth.order, columns, there, wrong, near):
        for discipline, own in _alike(judged, rows.tolist()):
            some = cells.take(own).without(at)
            run = work(some, discipline)
            accepted = columns.matrix(run.accepted, some.count) & wrong[own]
            low, high = columns.ends(some, run)
            unit, value = columns.of_cells(some, lambda w: w.unit), columns.of_cells(some, lambda w: w.value)
            narrow = high - low <= np.maximum(WIDEST * unit, OPEN * np.abs(value))
            codes[own] = np.where(accepted & narrow, FOLLOWS, codes[own])


def _is_a_rule(found: Sequence[Found], misreading: Found) -> bool:
    """Whether one slip alone gives all that a misread number would: it is the likelier one."""
    by_name: dict[str, set[int]] = {}
    for names, cells, _ in merged(found):
        for name in names if not SOLVED & set(names) else ():
            by_name.setdefault(name, set()).update(cells)
    return any(set(misreading.columns) <= cells for cells in by_name.values())


def _as_answers(truth: Truth, read: Read) -> Read:
    """The sheets with each formula as an answer for what it determines."""
    determining = Determining(truth)
    sheets = [determining.counted(sheet) for sheet in read.sheets]
    return read if all(a is b for a, b in zip(sheets, read.sheets, strict=True)) else Read.of(truth.problem, sheets)


def _literal(cells: Cells, judged: Judged, at: At) -> Array:
    """Where the written number itself is what follows, in the digits that its sheet usually has."""
    written, follows = cells.arrays[at], judged.own.follows[at]
    ones = (cells.count, *(1,) * (written.value.ndim - 1))
    usual = cells.figures.reshape(ones), cells.unit.reshape(ones)
    return written.there & is_literal(written.value, follows.low, follows.high, *usual)


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
    rows: Sequence[int] | None = None,
) -> tuple[list[list[Found]], set[int]]:
    """What explains the wrong cells of each sheet, or of some, and on which sheets not everything was tried.

    Sheets that round alike are tried together.
    """
    cut: set[int] = set()
    out: list[list[Found]] = [[known[row][0]] if row in known else [] for row in range(cells.count)]
    wrong = there & (codes <= LAST_DIGIT)
    for row, (found, _) in known.items():
        wrong[row, list(found.columns)] = False
    bad = np.flatnonzero(wrong.any(axis=1) & ~_nonsense(columns, there, wrong)).tolist()
    bad = bad if rows is None else [row for row in bad if row in rows]
    slips = list(truth.slips.values()) if bad else []
    for discipline, own in _alike(judged, bad):
        refused = codes[own] == REFUSED
        task = Explaining(cells.take(own), columns, discipline, wrong[own], refused, known_order=truth.order)
        _explain(task, slips)
        cut.update(own[task.cut & task.left.any(axis=1)].tolist())
        for row, explained in zip(own, task.found, strict=True):
            out[row] = sorted([*out[row], *explained], key=lambda f: f.columns)
    return out, cut


def _nonsense(columns: Columns, there: Array, wrong: Array) -> Array:
    """Sheets of noise, by stages."""
    stages = columns.stages.values()
    written, refused = (np.sum([part[:, s].any(axis=1) for s in stages], axis=0) for part in (there, wrong))
    return is_nonsense(refused, written)


def _explain(task: Explaining, slips: list[Slip]) -> None:
    """The likeliest first: a rule for a whole stage, a number misread in several cells, a rule for a cell, the pen.

    At last whatever the sheet's own intermediate numbers may have hidden, and a number misread in one cell.
    """
    task.whole_stages(slips, "own")
    for step in range(1, task.steps + 1) if task.steps > 1 else ():
        task.whole_stages(slips, "own", step)
    for discipline in DISCIPLINES:
        if discipline != task.discipline and (task.left & task.alone).any():
            rows, other = task.under(discipline)
            other.whole_stages(slips, "own")
            task.left[rows] = other.left
            task.worked[rows] += other.worked
    solve(task, task.cells.problem, several=True)
    task.whole_stages(slips, "true")
    task.single_cells(slips, "own")
    task.single_cells(slips, "true")
    task.join(slips)
    slips_of_the_pen(task)
    for rows, other, at in task.ignoring():
        layers = len(task.cells.problem.network)
        own = [slip for slip in slips if (at.kind, at.layer) in slip.quantities(layers)]
        other.whole_stages(own, "own")
        other.single_cells(own, "own")
        task.left[rows] = other.left
        task.worked[rows] += other.worked
    layers = len(task.cells.problem.network)
    for layer in range(1, layers + 1) if layers > 1 else ():
        task.whole_stages(slips, "own", layer=layer)
    solve(task, task.cells.problem, several=False)
