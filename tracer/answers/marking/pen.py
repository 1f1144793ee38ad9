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
    ends = [task.columns.ends(task.cells, task.base(carry)) for carry in ("own", "true")]
    for row, column in np.argwhere(wrong):
        v, u = float(task.value[row, column]), float(task.unit[row, column])
        for name, other in _meant(v, u):
            if any(low[row, column] <= other + u / 2 and other - u / 2 <= high[row, column] for low, high in ends):
                task.add(int(row), Found((name,), (int(column),)))
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
