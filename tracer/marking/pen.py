"""Slips of the pen: a right number written down wrongly."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.answers.marking.evidence import WIDE, WIDEST

__all__ = ["COPIED", "is_told", "meant"]

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
