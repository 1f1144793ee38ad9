"""Numbers with a running error bound: the same formula gives the value and how far a correct one may be off.

Every operation adds half an ulp of its result to what its arguments bring (Higham 2002, section 3.3).  Arrays, or
single numbers; scalars stand on the left of a product.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["Running"]

Array = Any


class Running:
    """A value v, the bound e of its error, and the unit roundoff u of whoever works with it.

    `low` is what the correct number is not below, whatever e says: a root is not negative.
    """

    __slots__ = ("e", "low", "u", "v")

    def __init__(self, v: Array, e: Array, u: float, low: float = -math.inf) -> None:
        self.v, self.e, self.u, self.low = v, e, u, low

    def _of(self, v: Array, e: Array) -> Running:
        """A result with its own rounding."""
        if self.u:
            own = np.abs(v)
            own *= self.u
            own += e
            return Running(v, own, self.u)
        return Running(v, e, self.u)

    def __add__(self, other: Running) -> Running:
        total = self._of(self.v + other.v, _sum(self.e, other.e))
        if self.low == 0 and np.ndim(other.v) == 0:
            total.low = float((1 - 2 * self.u) * (other.v - other.e))
        return total

    def __sub__(self, other: Running) -> Running:
        return self._of(self.v - other.v, _sum(self.e, other.e))

    def __rsub__(self, one: float) -> Running:
        return self._of(one - self.v, self.e)

    def __mul__(self, other: Running) -> Running:
        size = np.abs(self.v)
        factor = self.e + self.u * size  # u |v| = u |x| |y|
        e = (size + self.e) * other.e
        return Running(self.v * other.v, e if _nothing(factor) else e + factor * np.abs(other.v), self.u)

    def __truediv__(self, other: Running) -> Running:
        v, below = self.v / other.v, np.maximum(np.abs(other.v) - other.e, other.low)
        e = (self.e + np.abs(v) * other.e) / np.where(below > 0, below, 0.0)
        return self._of(v, np.where(e == e, e, np.inf))

    def __pow__(self, n: float) -> Running:
        v = self.v**n
        if n == 0.5:  # sqrt(v) - sqrt(v - e) = e/(sqrt(v) + sqrt(v - e)), and never more than sqrt(e)
            below = v + np.sqrt(np.maximum(self.v - self.e, 0.0))
            root = self._of(v, np.minimum(self.e / np.where(below > 0, below, 1e-300), np.sqrt(self.e)))
            root.low = 0.0
            return root
        lost = 1e-300 if self.u < 1e-10 else 1e-37  # to underflow
        return Running(v, n * (np.abs(self.v) + self.e) ** (n - 1) * self.e + n * self.u * np.abs(v) + lost, self.u)


def _sum(e: Array, other: Array) -> Array:
    return e if _nothing(other) else other if _nothing(e) else e + other


def _nothing(e: Array) -> bool:
    return isinstance(e, float) and e == 0
