"""Slips of the pen: a right number written down wrongly.  Tried last, where no rule gives what is written."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.answers.marking.diagnosis import Explaining, Found

__all__ = ["slips_of_the_pen"]

Array = Any
MOST_FIGURES = 9


def slips_of_the_pen(task: Explaining) -> None:
    """Explain single cells by a lost sign, a moved decimal point, or two digits that changed places."""
    wrong = task.left & task.alone
    if not wrong.any():
        return
    bases = [task.columns.ends(task.cells, task.base(carry)) for carry in ("own", "true")]
    places, values, units = (of.tolist() for of in (np.argwhere(wrong), task.value[wrong], task.unit[wrong]))
    ends = [[of[wrong].tolist() for of in both] for both in bases]
    for k, ((row, column), v, u) in enumerate(zip(places, values, units, strict=True)):
        for name, other in _meant(v, u):
            if any(low[k] <= other + u / 2 and other - u / 2 <= high[k] for low, high in ends):
                task.add(row, Found((name,), (column,)))
                break


def _meant(value: float, unit: float) -> list[tuple[str, float]]:
    """(slip, the number that was meant) for every way to have written this one."""
    if not value or not unit:
        return []
    out = [("pen.sign", -value)]
    out += [("pen.decimal_point", value * 10.0**power) for power in (1, -1, 2, -2)]
    digits = str(round(abs(value) / unit))
    if 2 <= len(digits) <= MOST_FIGURES:
        sign = unit if value > 0 else -unit
        for k in range(len(digits) - 1):
            swapped = digits[:k] + digits[k + 1] + digits[k] + digits[k + 2 :]
            if swapped != digits:
                out.append(("pen.digits_swapped", int(swapped) * sign))
    return out
