"""How a number looks on paper: digits, zeros, points, signs.

Legend: places are decimals, figures are significant figures.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from random import Random

import numpy as np

from .habits import Habits
from .rounding import Number, exponent, to_figures, to_places

MINUS = "\N{MINUS SIGN}"


def significant(text: str) -> int:
    """How many figures a plain decimal shows, trailing zeros counted."""
    return len(text.lstrip("-0.").replace(".", "")) or 1


class Pen:
    """Writes numbers as the habits say."""

    def __init__(self, habits: Habits, rng: Random) -> None:
        self.habits = habits
        self.rng = rng
        self.decorates = habits.decorates

    def plain(self, x: Number, beside: Number | None = None, *, written: bool = True) -> str:
        """The digits of x; ``beside`` is the old value of an updated number: the change has to show."""
        habits = self.habits
        if habits.digits == "all":
            return str(np.float32(x)) if habits.way == "float32" else repr(float(x))
        if abs(x) < 1e-13:  # 0 but for the last bit of a double
            return "0" if habits.zeros != "kept" or not habits.places else f"{0:.{habits.places}f}"
        if habits.digits == "figures":
            figures = habits.figures
            if habits.varied:
                figures += self.rng.choice((0, 0, 0, 1)) if written else 1
            text = to_figures(x, figures, habits.halves)
        else:
            places = min(max(habits.places, habits.least_figures - 1 - exponent(x)), 16)
            text = to_places(x, places, habits.halves)
        if beside is not None:
            text = self._showing_the_change(x, beside, text)
        return text if habits.zeros == "kept" else self._shortened(x, text)

    def _showing_the_change(self, x: Number, beside: Number, text: str) -> str:
        """More digits, where so few would hide what the update has changed."""
        change = abs(float(x) - float(beside))
        if change < 1e-13:
            return text
        needed = min(self.habits.change_figures - 1 - exponent(change), 16)
        _, _, decimals = text.partition(".")
        return to_places(x, needed, self.habits.halves) if needed > len(decimals) else text

    def _shortened(self, x: Number, text: str) -> str:
        """Without zeros at the end: always, or where the number is exact."""
        if "." not in text or not text.endswith("0"):
            return text
        exact = abs(float(text) - float(x)) <= 1e-13 * max(1.0, abs(float(x)))
        short = text.rstrip("0").rstrip(".")
        if exact:
            return short
        return short if self.habits.zeros == "dropped" and significant(short) >= 2 else text

    def decorated(self, x: Number, text: str, is_share: bool) -> str:
        """The same number in the look of this person: 6.5e-3, 65%, .65, +0.65, a real minus sign."""
        habits = self.habits
        if habits.simple_fractions and type(x) is Fraction and x.denominator in (3, 6, 7, 9, 11, 12):
            return str(x).replace("-", habits.minus)
        if habits.percent and is_share and 0 < x < 1 and self.rng.random() < 0.5:
            return f"{Decimal(text).scaleb(2):f}{habits.percent}"
        if habits.scientific and text.strip("-0.") and (abs(x) < 0.01 or self.rng.random() < 0.1):
            text = self._scientific(text)
        elif habits.point_first:
            text = text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
        if habits.plus and x > 0 and self.rng.random() < 0.5:
            text = "+" + text
        return text.replace("-", habits.minus) if habits.minus != "-" else text

    def _scientific(self, text: str) -> str:
        """A plain decimal as 6.457e-1, 6.457E-01 or 6.457×10^-1."""
        if "e" in text:
            return text
        mantissa, _, power = f"{Decimal(text):.{significant(text) - 1}e}".partition("e")
        if self.habits.scientific == "E":
            return f"{mantissa}E{int(power):+03d}"
        return f"{mantissa}{self.habits.scientific}{int(power)}"
