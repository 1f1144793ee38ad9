"""Slips of the pen: a right number written down wrongly.  Tried last, where no rule gives what is written."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.answers.marking.diagnosis import Explaining, Found
from tracer.marking.pen import meant

__all__ = ["slips_of_the_pen"]

Array = Any


def slips_of_the_pen(task: Explaining) -> None:
    """Explain single cells by a lost sign, a moved decimal point, or two digits that changed places."""
    wrong = task.left & task.alone
    if not wrong.any():
        return
    bases = [task.columns.ends(task.cells, task.base(carry)) for carry in ("own", "true")]
    places, values, units = (of.tolist() for of in (np.argwhere(wrong), task.value[wrong], task.unit[wrong]))
    ends = [[of[wrong].tolist() for of in both] for both in bases]
    for k, ((row, column), v, u) in enumerate(zip(places, values, units, strict=True)):
        for name, other, unit in meant(v, u):
            if any(low[k] <= other + unit / 2 and other - unit / 2 <= high[k] for low, high in ends):
                task.add(row, Found((name,), (column,)))
                break
