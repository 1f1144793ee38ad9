"""Slips of the pen: a right number written down wrongly."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["COPIED", "meant"]

MOST_FIGURES = 9
TELLING = 2
"""Figures that a number must have before a slip of the pen is more than chance; one more for a moved point."""


COPIED = 3
"""Figures of a number that stands twice in one array before it is the neighbour's, copied, and not chance."""


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
        for k in range(len(digits) - 1):
            swapped = digits[:k] + digits[k + 1] + digits[k] + digits[k + 2 :]
            if swapped != digits:
                yield "pen.digits_swapped", int(swapped) * sign, unit
