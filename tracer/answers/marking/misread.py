"""A given number misread once and used wrong throughout: one cause, however many cells it reaches.

What the number must have been follows from the first wrong stage; whether it was, from how many of all wrong cells it
explains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tracer.answers.marking.cells import Cells
from tracer.answers.marking.columns import Columns
from tracer.answers.marking.diagnosis import Explaining, Found
from tracer.answers.marking.discipline import Discipline
from tracer.answers.marking.solving import Agreed, Unknown, agreed, may_agree, solved, told
from tracer.answers.marking.working import work

__all__ = ["misread"]

Array = Any
Given = tuple[str, int, tuple[int, ...], int, float]
LEAST = 2
"""Cells beyond the first stage that must be explained: one stage alone is solved with the others."""


def misread(
    cells: Cells, columns: Columns, discipline: Discipline, wrong: Array
) -> Mapping[int, tuple[Found, tuple[Given, ...]]]:
    """By sheet: the numbers that it misread, and the cells that this explains; wrong: (sheets, columns)."""
    task = Explaining(cells, columns, discipline, wrong.copy(), wrong)
    first: dict[int, slice] = {
        int(row): next(s for s in columns.stages.values() if wrong[row, s].any())
        for row in np.flatnonzero(_spread(wrong, columns))
    }
    ways: list[tuple[int, Unknown, Agreed]] = []
    for one in solved(task, cells.problem) if first else ():
        if one.unknown.given and one.unknown.given[0] != "dz":
            may = {stage.start: may_agree(one, task, stage) for stage in columns.stages.values()}
            for row, stage in first.items():
                on = agreed(one, task, int(row), stage) if may[stage.start][row] else None
                if on:
                    ways.append((int(row), one.unknown, on))
    return _best(task, wrong, first, ways) if ways else {}


def _spread(wrong: Array, columns: Columns) -> Array:
    """Which sheets have wrong cells in several stages."""
    return np.sum([wrong[:, stage].any(axis=1) for stage in columns.stages.values()], axis=0) > 1


def _gives_all(accepted: Array, wrong: Array, stage: slice) -> bool:
    """Whether a number put in gives what is written in every wrong cell of the stage that it was solved from."""
    return bool((accepted[stage] | ~wrong[stage]).all())


def _best(
    task: Explaining, wrong: Array, first: Mapping[int, slice], ways: list[tuple[int, Unknown, Agreed]]
) -> Mapping[int, tuple[Found, tuple[Given, ...]]]:
    rows = np.array([row for row, _, _ in ways])
    some = task.cells.take(rows)
    givens = [(*unknown.given, k, float(on.text)) for k, (_, unknown, on) in enumerate(ways) if unknown.given]
    some = replace(some, givens=(*some.givens, *givens))
    accepted = task.columns.matrix(work(some, task.discipline).accepted, some.count)
    broken = (~accepted & task.there[rows] & ~wrong[rows]).sum(axis=1)
    explains = (accepted & wrong[rows]).sum(axis=1) - broken
    given = np.array([_gives_all(accepted[k], wrong[row], first[row]) for k, row in enumerate(rows.tolist())])
    explains = np.where(given, explains, -1)
    out = {}
    for row in dict.fromkeys(rows.tolist()):
        own = np.flatnonzero(rows == row)
        best = explains[own].max()
        if best < LEAST or best < (wrong[row].sum() + 1) // 2:
            continue
        same = [int(k) for k in own if explains[k] == best]
        at = tuple(map(int, np.flatnonzero((accepted[same] & wrong[row]).all(axis=0))))
        kind, layer, place, _, value = givens[same[0]]
        found = told([ways[k][1:] for k in same], at)
        out[row] = replace(found, whole=True), ((kind, layer, place, row, value),)
    return out
