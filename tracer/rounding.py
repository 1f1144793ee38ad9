"""How a number is shown, and rounded by hand: half away from zero, decided exactly.

A number is a float, a rational (flint.fmpq) or a ball (flint.arb).  A ball that straddles the border between two
roundings is undecided, and the step is worked again with more bits; it never comes out by chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

__all__ = ["Rounding", "Undecided", "bounds", "decimal_text", "half_away", "ten_to"]


FURTHEST = 40_000  # binary exponents: numbers beyond 12,000 digits are nobody's


class Undecided(ArithmeticError):
    """A ball lies across the border between two roundings; more bits are needed."""


@dataclass(frozen=True)
class Rounding:
    """`digits` significant figures or `places` decimals; with neither, 8 decimals and at least 6 figures, zeros cut."""

    digits: int | None = None
    places: int | None = None

    def __post_init__(self) -> None:
        if self.digits is not None and self.places is not None:
            raise ValueError("give --digits or --places, not both")
        if self.digits is not None and not 1 <= self.digits <= 100:
            raise ValueError("--digits must be from 1 to 100")
        if self.places is not None and not 0 <= self.places <= 100:
            raise ValueError("--places must be from 0 to 100")

    @property
    def asked(self) -> bool:
        """Whether somebody asked for it."""
        return self.digits is not None or self.places is not None

    @property
    def words(self) -> str:
        """For people: "4 significant figures"."""
        n, what = (self.digits, "significant figure") if self.digits is not None else (self.places, "decimal")
        return f"{n} {what}{'' if n == 1 else 's'}"

    def shown(self, value: Any, *, last_resort: bool = True, short: bool = True) -> str:
        """The text of a number: all figures where it was rounded; where it is exact, short (or with all figures too).

        Raises Undecided for a ball across a border, unless this is the last resort: then 0 if it holds 0, else its
        midpoint.  Not a number and infinity are "nan" and "inf".
        """
        low, high = bounds(value)
        if low is None or high is None:
            return _non_finite(value)
        text = self._text(low, short)
        if low == high or text == self._text(high, short):
            return text
        if not last_resort:
            raise Undecided
        return "0" if low <= 0 <= high else self._text((low + high) / 2, short)

    def places_of(self, value: Fraction) -> int:
        """How many decimals this rounding keeps of a value (negative: whole tens, hundreds ...)."""
        if self.digits is not None:
            return _digits_places(value, self.digits)
        if self.places is not None:
            return self.places
        return max(8, _digits_places(value, 6))

    def _text(self, value: Fraction, short: bool) -> str:
        if value == 0:
            return "0"
        places = self.places_of(value)
        whole = half_away(value, places)
        text = decimal_text(whole, places, powers=self.places is None)
        exact = Fraction(whole) / ten_to(places) == value
        return _without_zeros(text) if (exact and short) or not self.asked else text


def nearest_float(value: Fraction) -> float:
    """The float64 nearest to an exact number, infinite where none is so large."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def bounds(value: Any) -> tuple[Fraction | None, Fraction | None]:
    """The exact ends of a number: equal for floats and rationals, (None, None) for what is not finite."""
    if isinstance(value, Fraction):
        return value, value
    if hasattr(value, "numer"):  # flint.fmpq
        exact = Fraction(int(value.numer()), int(value.denom()))
        return exact, exact
    if hasattr(value, "rad"):  # flint.arb
        if not value.is_finite() or max(_size(value.mid()), _size(value.rad())) > FURTHEST:
            return None, None
        middle, radius = _binary(value.mid()), _binary(value.rad())
        return middle - radius, middle + radius
    number = float(value)
    if number - number != 0:
        return None, None
    return Fraction(number), Fraction(number)


def half_away(value: Fraction, places: int) -> int:
    """Value * 10^places rounded to a whole number, halves away from zero."""
    scaled = value * ten_to(places)
    whole = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    return whole if value > 0 else -whole


def ten_to(places: int) -> Fraction:
    """10^places, exactly."""
    return Fraction(10**places) if places >= 0 else Fraction(1, 10**-places)


def decimal_text(whole: int, places: int, *, powers: bool = True) -> str:
    """Whole / 10^places as a decimal with that many places; with `powers`, below 1e-5 and from 1e16 as 1.2e-6."""
    sign, digits = "-" if whole < 0 else "", str(abs(whole))
    exponent = len(digits) - 1 - places
    if whole and powers and (exponent < -5 or exponent >= 16 or places < 0):
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{exponent}"
    if places <= 0:
        return sign + digits + "0" * -places
    digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def _digits_places(value: Fraction, digits: int) -> int:
    if value == 0:
        return 0
    size = abs(value)
    bits = size.numerator.bit_length() - size.denominator.bit_length()
    exponent = math.floor((bits - 1) * math.log10(2))  # floor(log10), or up to two less
    while ten_to(exponent + 1) <= size:
        exponent += 1
    places = digits - 1 - exponent
    return places - (len(str(abs(half_away(value, places)))) > digits)  # 9.9996 to 4 figures is 10.00


def _without_zeros(text: str) -> str:
    head, e, tail = text.partition("e")
    return (head.rstrip("0").rstrip(".") if "." in head else head) + e + tail


def _size(value: Any) -> int:
    """The binary exponent of a number, 0 for 0."""
    mantissa, exponent = (int(part) for part in value.man_exp())
    return mantissa.bit_length() + exponent if mantissa else 0


def _binary(value: Any) -> Fraction:
    """A number of flint's, exactly; 0 where nobody could write it (a tail of gelu at -2000 has 870,000 zeros)."""
    if _size(value) < -FURTHEST:
        return Fraction(0)
    mantissa, exponent = (int(part) for part in value.man_exp())
    return Fraction(mantissa * 2**exponent) if exponent >= 0 else Fraction(mantissa, 2**-exponent)


def _non_finite(value: Any) -> str:
    if hasattr(value, "is_nan"):
        return "nan" if value.is_nan() or value.mid().is_nan() else "inf"
    number = float(value)
    return "nan" if number != number else "inf" if number > 0 else "-inf"
