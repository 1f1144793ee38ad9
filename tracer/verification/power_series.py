"""Numbers that carry powers: c + d x + O(x^2), all coefficients balls (`flint.arb_series` of length two, or more).

A formula's value worked on a + x has the formula's derivative as its coefficient of x: no rule of differentiation is
written down, only sums, products, quotients and the series of exp, log and erfc that Arb brings.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from derivations.arithmetic import Ball

__all__ = ["PowerSeries"]

Array = Any


class PowerSeries(Ball):
    """Balls (constants) and power series of one length, two unless said, mixed at will in object arrays.

    A choice goes by the constant term; where that is a ball at zero, or zero itself, each coefficient becomes the hull
    of both branches', so that the slopes of both sides of a kink lie in it.
    """

    name = "power series in balls"

    def __init__(self, bits: int = 128, *, length: int = 2) -> None:
        super().__init__(bits)
        from flint import arb_series

        self._series, self.length = arb_series, length
        one, two = self._unary, np.frompyfunc(self._choice, 3, 1)
        self.exp = one(lambda a: a.exp())
        self.expm1 = one(lambda a: a.exp() - 1, constant=lambda c: c.expm1())
        self.log = one(lambda a: a.log())
        self.log1p = one(lambda a: (1 + a).log(), constant=lambda c: c.log1p())
        self.tanh = one(lambda a: 1 - 2 / ((2 * a).exp() + 1), constant=lambda c: c.tanh())
        self.normal_cdf = one(lambda a: (-a / self._ball(2).sqrt()).erfc() / 2)
        self.where = lambda a, p, q: two(a, p, q)
        self.positive_part = lambda a: two(a, a, a * 0)
        self.absolute = lambda a: two(a, a, -a)
        self.ones_like = np.frompyfunc(lambda a: self._ball(1), 1, 1)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """The precision in force, and series cut off at their length."""
        cap, self._context.cap = self._context.cap, self.length
        try:
            with self._context.workprec(self.bits):
                yield
        finally:
            self._context.cap = cap

    def variable(self, constants: Array, powers: Array) -> Array:
        """The array constants + powers x."""
        return np.frompyfunc(lambda c, d: self._series([c, d]), 2, 1)(constants, powers)

    def coefficients(self, array: Array) -> tuple[Array, ...]:
        """(the constants, the coefficients of x, ...) of an array."""
        return tuple(self._coefficient(k)(array) for k in range(self.length))

    def _coefficient(self, k: int) -> Any:
        zero = self._ball(0)

        def of(a: Any) -> Any:
            if isinstance(a, self._series):
                return a[k]
            return zero if k else self._ball(a)

        return np.frompyfunc(of, 1, 1)

    def _unary(self, series: Callable[[Any], Any], constant: Callable[[Any], Any] | None = None) -> Any:
        """A function of each entry; `constant` gives the constant term where the series' own would lose digits."""

        def of(a: Any) -> Any:
            if not isinstance(a, self._series):
                a = self._ball(a)
                return constant(a) if constant else series(a)
            out = series(a)
            return self._series([constant(self._ball(a[0])), *self._terms(out)[1:]]) if constant else out

        return np.frompyfunc(of, 1, 1)

    def _choice(self, a: Any, positive: Any, otherwise: Any) -> Any:
        at = a[0] if isinstance(a, self._series) else a
        if at > 0:
            return positive
        if at < 0:
            return otherwise
        pairs = zip(*(self._terms(branch) for branch in (positive, otherwise)), strict=True)
        return self._series([p if p == q else p.union(q) for p, q in pairs])

    def _terms(self, a: Any) -> list[Any]:
        if isinstance(a, self._series):
            return [self._ball(a[k]) for k in range(self.length)]
        return [self._ball(a), *[self._ball(0)] * (self.length - 1)]
