"""Numbers rounded to decimals as a careful person does it: in decimal, halves up or to even."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import floor, log10
from typing import TypeAlias

Number: TypeAlias = float | Fraction

HALVES = {"up": ROUND_HALF_UP, "even": ROUND_HALF_EVEN}
TENS = tuple(10.0**power for power in range(40))


def exponent(x: Number) -> int:
    """The power of ten of the first figure of x, which is not 0: 2 for 314, -1 for 0.314."""
    return floor(log10(abs(x)))


def to_places(x: Number, places: int, halves: str) -> str:
    """x with so many decimals; ``halves`` is up, even, or binary: as a program prints the double."""
    if places >= len(TENS):
        raise OverflowError("too small a number for any display")
    if type(x) is Fraction:
        return _fraction_to_places(x, places, halves)
    if halves != "binary":
        scaled = abs(x) * TENS[places]
        if abs(scaled - int(scaled) - 0.5) < 1e-4:  # perhaps a half: only decimal arithmetic can tell
            return _decimal_to_places(x, places, halves)
    return f"{x:.{places}f}"


def _decimal_to_places(x: float, places: int, halves: str) -> str:
    """x, taken as the decimal of 15 figures that is meant by the double."""
    meant = Decimal(f"{x:.15g}")
    return f"{meant.quantize(Decimal(1).scaleb(-places), HALVES[halves]):f}"


def _fraction_to_places(x: Fraction, places: int, halves: str) -> str:
    """An exact fraction, by long division."""
    whole, rest = divmod(abs(x.numerator) * 10**places, x.denominator)
    beyond = 2 * rest - x.denominator
    if beyond > 0 or (beyond == 0 and (halves == "up" or whole % 2)):
        whole += 1
    digits = str(whole).rjust(places + 1, "0")
    sign = "-" if x < 0 and whole else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def to_figures(x: Number, figures: int, halves: str) -> str:
    """x with so many significant figures; whole numbers keep all of theirs."""
    if x == 0:
        return "0"
    power = exponent(x)
    places = max(figures - 1 - power, 0)
    text = to_places(x, places, halves)
    if places and abs(float(text)) >= 10.0 ** (power + 1):  # 9.9996 has become 10.000
        text = to_places(x, places - 1, halves)
    return text
