"""Shown numbers: what a literal stands for, and whether a value rounds to it."""

from __future__ import annotations

from typing import Any

from flint import arb, fmpq

from derivations.expression import Expression, Negative, Number
from tracer.answers.reading.written import Written, read_written
from tracer.answers.solutions.duals import ball, rational

__all__ = ["Shown", "cell", "like", "rounds_to", "shown_number"]

FEW = 3  # significant figures below which a whole number is taken as it is


class Shown:
    """A number as it is shown, with its sign."""

    __slots__ = ("text", "written")

    def __init__(self, text: str) -> None:
        self.text = text
        self.written: Written = read_written(text)

    @property
    def exact(self) -> Any:
        """Its value."""
        return fmpq(self.written.exact.numerator, self.written.exact.denominator)

    @property
    def rounded(self) -> bool:
        """Whether it may stand for a number that was rounded to it."""
        place = self.written.place
        return place is not None and (place < 0 or self.written.figures >= FEW)

    @property
    def half(self) -> Any:
        """Half a unit of the last digit."""
        place = self.written.place or 0
        return fmpq(1, 2) * (fmpq(10) ** place if place >= 0 else fmpq(1, 10**-place))


def shown_number(e: Expression) -> Shown | None:
    """The number that a formula is, None for any other formula."""
    sign = ""
    while isinstance(e, Negative):
        sign = "" if sign else "-"
        e = e.operand
    if not isinstance(e, Number) or e.text == "pi":
        return None
    try:
        return Shown(f"{sign}{e.text}")
    except ValueError:
        return None


def rounds_to(value: Any, shown: Shown) -> bool:
    """Whether a value is the shown number at its digits; halves go either way."""
    difference = abs(value - shown.exact)
    if not shown.rounded:
        return bool(difference == 0) if isinstance(difference, fmpq) else bool(difference.contains(0))
    if isinstance(difference, fmpq):
        return bool(difference <= shown.half)
    return bool(difference.is_finite()) and not bool(difference > shown.half)


def cell(text: str) -> Any:
    """Every number that is shown so, as a ball; a number of few figures is itself."""
    shown = Shown(text)
    if shown.written.place is None or shown.written.figures < FEW:
        return rational(text)
    return arb(shown.exact, shown.half)


def like(value: Any, shown: Shown) -> str:
    """A value with the digits of a shown number."""
    middle = float(ball(value).mid()) if not isinstance(value, fmpq) else int(value.p) / int(value.q)
    place = shown.written.place
    if place is None or "e" in shown.text.lower():
        return f"{middle:.{max(shown.written.figures, 1)}g}"
    if not shown.rounded:
        return f"{middle:.6g}"
    return f"{middle:.{max(-place, 0)}f}"
