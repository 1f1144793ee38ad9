"""Slips of the pen: a right number written down wrongly.  Tried last, where no rule gives what is written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tracer.answers.marking.diagnosis import Explaining, Found
from tracer.marking.pen import COPIED, is_told, meant

__all__ = ["slips_of_the_pen"]


def slips_of_the_pen(task: Explaining) -> None:
    """Explain single cells by a lost sign, a moved decimal point, or two digits that changed places.

    Where a rule alone of its stage gives the number as well, both are told.
    """
    wrong = task.left & task.alone
    for stage in task.columns.stages.values():  # what is wrong throughout is no slip of the pen
        for row in np.flatnonzero(wrong[:, stage].sum(axis=1) == 1).tolist():
            column = stage.start + int(np.flatnonzero(wrong[row, stage])[0])
            if name := _slip(task, row, column):
                task.add(row, Found((name,), (column,)))
    for row, found in enumerate(task.found):
        for k, one in enumerate(found):
            if len(one.columns) == 1 and not one.whole and (name := _slip(task, row, one.columns[0])):
                found[k] = replace(one, names=tuple(dict.fromkeys((*one.names, name))))


def _slip(task: Explaining, row: int, column: int) -> str:
    """What turned the right number into the one that is written."""
    for name, other, unit in meant(float(task.value[row, column]), float(task.unit[row, column])):
        for low, high in map(task.ends, ("own", "true")):
            if is_told(other, unit, float(low[row, column]), float(high[row, column])):
                return name
    return "pen.neighbour" if _is_copied(task, row, column) else ""


def _is_copied(task: Explaining, row: int, column: int) -> bool:
    """Whether a right number of the same array is the same to the digit."""
    value, at = task.value[row, column], task.columns.places[column][0]
    stage = task.columns.stages[at]
    same = task.there[row, stage] & ~task.wrong[row, stage] & (task.value[row, stage] == value)
    return bool(value and task.figures[row, column] >= COPIED and same.any())
