"""Constants read off wrong numbers: the one factor c with given - start = c direction, and how it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tracer.verification.explaining.cause import WrongNumbers
from tracer.verification.subject import Floats

__all__ = ["Fitted", "enumerated", "factor_text", "fitted", "shortest"]

SHORT, KNOWN = 3, 12
"""A decimal of so many digits is read with ease; one of so many is meant to be just that, where 15 are known."""


class Fitted(NamedTuple):
    """A constant and how far off it may be."""

    c: float
    error: float

    def loose(self, direction: Mapping[str, Floats]) -> dict[str, Floats]:
        """How far that leaves start + c direction open, by array."""
        return {name: self.error * np.abs(d) for name, d in direction.items()}


def fitted(wrong: WrongNumbers, start: Mapping[str, Floats], direction: Mapping[str, Floats]) -> Fitted | None:
    """The constant by the number that tells it best; None where nothing does.

    A short decimal within the error is meant to be that decimal, which leaves nothing open.
    """
    best: Fitted | None = None
    for name, d in direction.items():
        x = wrong.judged.checked[name]
        with np.errstate(all="ignore"):
            c = (x - start[name]) / d
            error = wrong.room(name, x) / np.abs(d)
        error = np.where(np.isfinite(c) & np.isfinite(error), error, np.inf)
        if not error.size or not error.min() < (best.error if best else np.inf):
            continue
        place = np.unravel_index(np.argmin(error), error.shape)
        best = Fitted(float(c[place]), float(error[place]))
    if best is None:
        return None
    short = shortest(best.c, best.error)
    return Fitted(short, 0.0) if _digits(short) <= KNOWN else best


def shortest(number: float, error: float) -> float:
    """The decimal with the fewest digits that is within an error of a number."""
    shorter = (float(f"{number:.{n}g}") for n in range(1, 18))
    return next((short for short in shorter if abs(short - number) <= error), number)


def _digits(number: float) -> int:
    return len(np.format_float_scientific(number, trim="-").partition("e")[0].replace(".", "").lstrip("-"))


def factor_text(c: float) -> str:
    """A factor as people say it.

    >>> factor_text(1 / 3), factor_text(2.0), factor_text(1.0000001)
    ('1/3 of ours', '2 times ours', '1.0000001 times ours')
    """
    fraction = Fraction(c).limit_denominator(100)
    is_part = abs(float(fraction) - c) <= 1e-12 * abs(c) and fraction.denominator > 1
    if is_part and (abs(fraction.numerator) == 1 or _digits(c) > SHORT):
        return f"{fraction} of ours"
    return f"{c:.12g} times ours" if _digits(c) <= KNOWN else f"{c:.6g} times ours"


def enumerated(names: Iterable[str]) -> str:
    """Names in a row.

    >>> enumerated(["dW1", "db1", "dW2"])
    'dW1, db1 and dW2'
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
