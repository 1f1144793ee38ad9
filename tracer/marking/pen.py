"""Slips of the pen: a right number written down wrongly."""

from __future__ import annotations

from collections.abc import Iterator

from derivations.quantity import Quantity
from tracer.marking.carrying import Followed
from tracer.marking.cells import Cells
from tracer.marking.evidence import WIDEST

__all__ = ["is_told", "meant", "meant_but_for_a_digit", "slip_of_the_pen"]

MOST_FIGURES = 15
TELLING = 2
"""Figures that a number must have before a slip of the pen is more than chance; one more for a point moved by two."""
COPIED = 3
"""Figures of a number that stands elsewhere, the same to the digit, before it is copied and not chance."""
NARROW = 0.01
"""Of a number, how wide what follows may be: where it is wider something near what was meant is found by chance."""
AFTER, BESIDE = 2, 3
"""Right digits after the one that is wrong or missing, and in all: those before it say little of near numbers."""


def is_told(other: float, unit: float, low: float, high: float) -> bool:
    """Whether a number that was meant is what follows, between two ends that are near each other."""
    return (
        high - low <= max(WIDEST * unit, NARROW * abs(other)) and low <= other + unit / 2 and other - unit / 2 <= high
    )


def meant(value: float, unit: float) -> Iterator[tuple[str, float, float]]:
    """(slip, the number that was meant, its unit) for every way to have written this one."""
    if not value or not unit:
        return
    digits = str(round(abs(value) / unit))
    if len(digits) < TELLING:
        return  # a single figure says nothing of what was meant
    yield "pen.sign", -value, unit
    for power in (1, -1, 2, -2) if len(digits) > TELLING else (1, -1):
        yield "pen.decimal_point", value * 10.0**power, unit * 10.0**power
    if len(digits) <= MOST_FIGURES:
        sign = unit if value > 0 else -unit
        yield "pen.digits_swapped", int(f"{digits[0]}0{digits[1:]}") * sign, unit  # 0.012 for 0.102
        for k in range(len(digits) - 1):
            swapped = digits[:k] + digits[k + 1] + digits[k] + digits[k + 2 :]
            if swapped != digits:
                yield "pen.digits_swapped", int(swapped) * sign, unit


def meant_but_for_a_digit(value: float, unit: float) -> Iterator[tuple[str, float, float]]:
    """(slip, the number that was meant, its unit) where one digit is missing, or is another one."""
    digits = str(round(abs(value) / unit)) if value and unit else ""
    if not AFTER < len(digits) <= MOST_FIGURES:
        return
    sign = unit if value > 0 else -unit
    for k in range(len(digits) - AFTER + 1) if len(digits) >= BESIDE else ():
        for d in "0123456789":  # a decimal is missing: what was meant has one more
            yield "pen.digit_left_out", int(f"{digits[:k]}{d}{digits[k:]}") * sign / 10, unit / 10
    for k in range(len(digits) - AFTER) if len(digits) > BESIDE else ():
        for d in "0123456789":
            if d != digits[k]:
                yield "pen.digit", int(f"{digits[:k]}{d}{digits[k + 1 :]}") * sign, unit


def slip_of_the_pen(cells: Cells, base: Followed, q: Quantity, row: int) -> str:
    """A right number of a sheet written down wrongly; "" where it is none."""
    n = cells.numbers[q]
    value, unit = float(n.value[row]), float(n.unit[row])
    low, high = (float(end[row if len(end) > 1 else 0]) for end in base.follows.ends(q))
    for name, other, place in meant(value, unit):
        if is_told(other, place, low, high):
            return name
    if value and n.figures[row] >= COPIED and _is_copied(cells, base, q, row):
        return "pen.neighbour"
    narrow = high - low <= WIDEST * unit
    told = (name for name, other, at in meant_but_for_a_digit(value, unit) if narrow and is_told(other, at, low, high))
    return next(told, "")


def _is_copied(cells: Cells, base: Followed, q: Quantity, row: int) -> bool:
    """Whether a right number is the same to the digit: of the same array, the one before it, or any on its sheet.

    The more of them there are, the more digits it takes.
    """
    numbers = cells.numbers
    there = [other for other in base.accepted if other in numbers and numbers[other].there[row]]
    before = there[: there.index(q)][-1:]
    beside = [other for other in there if other != q and (other.kind == q.kind or other in before)]
    value, figures = numbers[q].value[row], float(numbers[q].figures[row])
    return any(
        len(among) <= 10 ** (figures - AFTER)
        and any(numbers[other].value[row] == value and base.accepted[other][row] for other in among if other != q)
        for among in (beside, there)
    )
