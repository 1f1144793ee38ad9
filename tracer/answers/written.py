"""Numbers as somebody wrote them on a sheet: every digit kept, the place of the last one known."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from derivations.given import read_number

__all__ = ["Written", "read_written"]


@dataclass(frozen=True)
class Written:
    """A number as written: `whole` times ten to `place`, the place of its last digit; `place` is None for 1/3.

    `figures` counts significant figures, trailing zeros included: 0.8590 has four, 1.410 four, 0 none.
    """

    text: str
    whole: int
    place: int | None
    figures: int
    below: int = 1

    @cached_property
    def exact(self) -> Fraction:
        """Its value."""
        return Fraction(self.whole, self.below) * Fraction(10) ** (self.place or 0)


def read_written(written: object) -> Written:
    """One number of a sheet.  Raises ValueError as `read_number` does.

    >>> read_written("1.410").figures, read_written("8.59e-1").place
    (4, -3)
    """
    text = read_number(written)
    if "/" in text:
        above, below = text.split("/")
        return Written(text, int(above), None, len(above.lstrip("+-0")), int(below))
    head, _, power = text.lower().partition("e")
    before, _, after = head.partition(".")
    digits = before + after
    return Written(text, int(digits), int(power or 0) - len(after), len(digits.lstrip("+-0")))
