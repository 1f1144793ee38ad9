"""Slips of the pen: a right number written down wrongly."""

from __future__ import annotations

from collections.abc import Iterator

from derivations.quantity import Quantity
from tracer.marking.carrying import Followed
from tracer.marking.cells import Cells
from tracer.marking.evidence import WIDE, WIDEST

__all__ = ["is_told", "meant", "slip_of_the_pen"]

MOST_FIGURES = 9
TELLING = 2
"""Figures that a number must have before a slip of the pen is more than chance; one more for a moved point."""


COPIED = 3
"""Figures of a number that stands twice in one array before it is the neighbour's, copied, and not chance."""


def is_told(other: float, unit: float, low: float, high: float) -> bool:
    """Whether a number that was meant is what follows, between two ends that are near each other."""
    return high - low <= max(WIDEST * unit, WIDE * abs(other)) and low <= other + unit / 2 and other - unit / 2 <= high


def meant(value: float, unit: float) -> Iterator[tuple[str, float, float]]:
    """(slip, the number that was meant, its unit) for every way to have written this one."""
    if not value or not unit:
        return
    digits = str(round(abs(value) / unit))
    if len(digits) < TELLING:
        return  # a single figure says nothing of what was meant
    yield "pen.sign", -value, unit
    for power in (1, -1, 2, -2) if len(digits) > TELLING else ():
        yield "pen.decimal_point", value * 10.0**power, unit * 10.0**power
    if len(digits) <= MOST_FIGURES:
        sign = unit if value > 0 else -unit
        yield "pen.digits_swapped", int(f"{digits[0]}0{digits[1:]}") * sign, unit  # 0.012 for 0.102
        for k in range(len(digits) - 1):
            swapped = digits[:k] + digits[k + 1] + digits[k] + digits[k + 2 :]
            if swapped != digits:
                yield "pen.digits_swapped", int(swapped) * sign, unit


def slip_of_the_pen(cells: Cells, base: Followed, q: Quantity, row: int) -> str:
    """A right number of a sheet written down wrongly; "" where it is none."""
    n = cells.numbers[q]
    value, unit = float(n.value[row]), float(n.unit[row])
    low, high = (float(end[row if len(end) > 1 else 0]) for end in base.follows.ends(q))
    for name, other, place in meant(value, unit):
        if is_told(other, place, low, high):
            return name
    return "pen.neighbour" if value and n.figures[row] >= COPIED and _is_copied(cells, base, q, row) else ""


def _is_copied(cells: Cells, base: Followed, q: Quantity, row: int) -> bool:
    """Whether a right number of the same array is the same to the digit."""
    own = cells.numbers[q]
    return any(
        other.kind == q.kind and n.there[row] and n.value[row] == own.value[row] and base.accepted[other][row]
        for other, n in cells.numbers.items()
        if other != q and other in base.accepted
    )
