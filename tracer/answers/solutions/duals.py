"""Numbers that know their derivative by one quantity: a value and a slope, rationals as far as they go, then balls."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

from flint import arb, fmpq

__all__ = ["BITS", "Dual", "ball", "called", "equal", "finite", "powered", "rational"]

BITS = 128
TALLEST = 4000  # bits of a rational before it becomes a ball
LARGEST_EXPONENT = 2000


class Dual:
    """value + slope * d."""

    __slots__ = ("slope", "value")

    def __init__(self, value: Any, slope: Any) -> None:
        self.value, self.slope = value, slope

    def __add__(self, other: Any) -> Dual:
        v, s = _parts(other)
        return Dual(self.value + v, self.slope + s)

    __radd__ = __add__

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __sub__(self, other: Any) -> Dual:
        v, s = _parts(other)
        return Dual(self.value - v, self.slope - s)

    def __rsub__(self, other: Any) -> Dual:
        return Dual(-self.value, -self.slope).__add__(other)

    def __mul__(self, other: Any) -> Dual:
        v, s = _parts(other)
        return Dual(self.value * v, self.slope * v + self.value * s)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Dual:
        v, s = _parts(other)
        return Dual(self.value / v, (self.slope * v - self.value * s) / (v * v))

    def __rtruediv__(self, other: Any) -> Dual:
        return Dual(other, fmpq(0)) / self


def _parts(x: Any) -> tuple[Any, Any]:
    return (x.value, x.slope) if isinstance(x, Dual) else (x, fmpq(0))


@lru_cache(maxsize=4096)
def rational(text: str) -> Any:
    """The exact number of a text such as 0.1, 1/3, 1.2e-5."""
    value = Fraction(text)
    return fmpq(value.numerator, value.denominator)


def ball(x: Any) -> Any:
    """A number as a ball."""
    return x if isinstance(x, arb) else arb(x)


def finite(x: Any) -> bool:
    """Whether a number is known to be finite."""
    return not isinstance(x, arb) or bool(x.is_finite())


def equal(x: Any, y: Any) -> bool | None:
    """Whether two numbers are the same: False is proved; None where one is no number."""
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return bool(x == y)
    a, b = ball(x), ball(y)
    if not (a.is_finite() and b.is_finite()):
        return None
    return bool(a.overlaps(b))


def powered(x: Any, exponent: int) -> Any:
    """X to a whole power.  Raises ZeroDivisionError."""
    if isinstance(x, Dual):
        if exponent == 0:
            return fmpq(1)
        return Dual(powered(x.value, exponent), exponent * powered(x.value, exponent - 1) * x.slope)
    if exponent < 0:
        return 1 / powered(x, -exponent)
    if isinstance(x, fmpq) and x.height_bits() * max(exponent, 1) > TALLEST:
        x = arb(x)
    out: Any = fmpq(1)
    for _ in range(exponent):
        out = out * x
    return out


def called(function: str, x: Any) -> Any:
    """exp, log, tanh, sqrt, abs, Phi or max0 of a number.  Raises ArithmeticError."""
    if isinstance(x, Dual):
        return Dual(called(function, x.value), _slope(function, x.value) * x.slope)
    if function == "max0":
        return x if x > 0 else x * 0
    if function == "abs":
        return abs(x)
    if isinstance(x, fmpq):
        if x == 0 and function in ("exp", "tanh"):
            return fmpq(1) if function == "exp" else fmpq(0)
        if x == 1 and function == "log":
            return fmpq(0)
        if function == "sqrt" and x >= 0:
            above, below = math.isqrt(int(x.p)), math.isqrt(int(x.q))
            if above**2 == int(x.p) and below**2 == int(x.q):
                return fmpq(above, below)
    a = ball(x)
    if function == "exp" and not abs(a) < LARGEST_EXPONENT:
        raise ArithmeticError("too large an exponent")
    if function == "log" and not a > 0:
        raise ArithmeticError("log of what is not positive")
    if function == "Phi":
        return (-a / arb(2).sqrt()).erfc() / 2
    return getattr(a, function)()


def _slope(function: str, x: Any) -> Any:
    if function == "exp":
        return called("exp", x)
    if function == "log":
        return 1 / x
    if function == "tanh":
        return 1 - powered(called("tanh", x), 2)
    if function == "sqrt":
        return 1 / (2 * called("sqrt", x))
    if function == "max0":
        return fmpq(1) if x > 0 else fmpq(0)
    if function == "abs":
        return fmpq((x > 0) - (x < 0))
    return (-(ball(x) * x) / 2).exp() / (2 * arb.pi()).sqrt()
