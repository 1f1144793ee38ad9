"""The forward equations over power series c + p x + O(x^2), each coefficient a ball: no rule of differentiation.

A formula's value worked on c + p x has its derivative along p as the coefficient of x; what is written here are sums,
products and quotients of series; exp, log and their like are those that flint has for series.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.forms import Context
from tracer.verification.boxes import Read
from tracer.verification.in_balls import Balls, boxed

__all__ = ["Series"]

Array = Any  # an object array of balls
Number = tuple[Array, Array]  # the constants, the coefficients of x; None where these are 0


class Series:
    """The arithmetic of series of length two at the precision in force, with `flint.ctx.cap` 2."""

    def __init__(self, balls: Balls) -> None:
        self.balls = balls

    def given(self, array: Array) -> Number:
        return self.balls.given(array), None

    def blank(self, shape: tuple[int, ...]) -> Number:
        return self.balls.blank(shape), self.balls.blank(shape)

    def _both(self, x: Number, of: Callable[[Array], Array]) -> Number:
        c, p = x
        return of(boxed(c)), None if p is None else of(boxed(p))

    def take(self, x: Number, read: Read) -> Number:
        return self._both(x, read.take)

    def spread(self, x: Number, at: tuple[slice | None, ...] | None) -> Number:
        return self._both(x, lambda a: self.balls.spread(a, at))

    def full(self, x: Number, shape: tuple[int, ...]) -> Number:
        return self._both(x, lambda a: self.balls.full(a, shape))

    def rows(self, x: Number, axes: int) -> Number:
        return self._both(x, lambda a: self.balls.rows(a, axes))

    def put(self, whole: Number, read: Read, x: Number) -> None:
        self.balls.put(whole[0], read, x[0])
        if x[1] is not None:
            self.balls.put(whole[1], read, x[1])

    def largest(self, x: Number, axis: int) -> Number:
        return self.balls.largest(x[0], axis), None

    def sum(self, x: Number, axes: tuple[int, ...]) -> Number:
        return self._both(x, lambda a: self.balls.sum(a, axes))

    def contract(self, x: Number, xl: Sequence[str], y: Number, yl: Sequence[str], out: Sequence[str]) -> Number:
        def of(a: Array, b: Array) -> Array:
            return self.balls.contract(a, xl, b, yl, out)

        terms = [of(a, b) for a, b in ((x[0], y[1]), (x[1], y[0])) if a is not None and b is not None]
        return of(x[0], y[0]), sum(terms[1:], terms[0]) if terms else None

    # --- operations ---

    def number(self, value: Fraction) -> Number:
        return self.balls.number(value), None

    def pi(self) -> Number:
        return self.balls.pi(), None

    def total(self, terms: list[tuple[int, Number]]) -> Number:
        moved = [(sign, p) for sign, (_, p) in terms if p is not None]
        constants = self.balls.total([(sign, c) for sign, (c, _) in terms])
        return constants, self.balls.total(moved) if moved else None

    def product(self, x: Number, y: Number) -> Number:
        (c, p), (d, q) = x, y
        moved = [term for term in (None if q is None else c * q, None if p is None else p * d) if term is not None]
        return c * d, sum(moved[1:], moved[0]) if moved else None

    def quotient(self, x: Number, y: Number) -> Number:
        """(c + p x)/(d + q x): what times d + q x gives c + p x."""
        (c, p), (d, q) = x, y
        first = c / d
        if q is None:
            return first, None if p is None else p / d
        return first, ((0 if p is None else p) - first * q) / d

    def whole_power(self, x: Number, n: int) -> Number:
        if n <= 0:
            one = self.number(Fraction(1))
            return one if n == 0 else self.quotient(one, self.whole_power(x, -n))
        out = x
        for _ in range(n - 1):
            out = self.product(out, x)
        return out

    def power(self, x: Number, y: Number) -> Number:
        if x[1] is None and y[1] is None:
            return self.balls.power(x[0], y[0]), None
        if y[1] is None:
            return self._applied(lambda a, n: a**n, x, y[0])
        return self.call("exp", self.product(y, self.call("log", x)))

    def call(self, name: str, *x: Number) -> Number:
        if all(p is None for _, p in x):
            return self.balls.call(name, *(c for c, _ in x)), None
        match name:
            case "xlogy":
                return self._unless_zero(x[0], lambda: self.product(x[0], self.call("log", x[1])))
            case "over":
                return self._unless_zero(x[0], lambda: self.quotient(x[0], x[1]))
            case "abs":
                above = self.decide(x[0], 0, Context())
                return self.choose(above, x[0], self.total([(-1, x[0])]), hull=True)
        return self._applied(_SERIES[name], x[0])

    def _unless_zero(self, x: Number, of: Callable[[], Number]) -> Number:
        """0 where x is exactly 0 and does not move."""
        c, p = of()
        nothing = np.asarray(np.frompyfunc(lambda a: a == 0, 1, 1)(x[0]), bool)
        return self.choose((~nothing, np.zeros(nothing.shape, bool)), (c, p), self.number(Fraction(0)), hull=False)

    @staticmethod
    def _applied(function: Callable[..., Any], x: Number, *more: Array) -> Number:
        """A function of series, entry by entry."""
        from flint import arb_series

        def of(c: Any, p: Any, *rest: Any) -> tuple[Any, Any]:
            out = function(arb_series([c, p]), *rest)
            return out[0], out[1]

        constants, moved = np.frompyfunc(of, 2 + len(more), 2)(*x, *more)
        return constants, moved

    # --- choices ---

    def decide(self, test: Number, k: int, context: Context) -> tuple[Array, Array]:
        return self.balls.decide(test[0], k, context)

    def settled(self, test: Number) -> tuple[Array, Array]:
        return self.balls.settled(test[0])

    def choose(self, decision: tuple[Array, Array], x: Number, y: Number, *, hull: bool) -> Number:
        (c, p), (d, q) = x, y
        constants = self.balls.choose(decision, c, d, hull=hull)
        if p is None and q is None:
            return constants, None
        zero = self.balls.number(Fraction(0))
        return constants, self.balls.choose(decision, zero if p is None else p, zero if q is None else q, hull=hull)

    def extreme(self, x: Number, axis: int, sign: int) -> tuple[Number, Array, Array]:
        best, part, near = self.balls.extreme(x[0], axis, sign)
        moved = None if x[1] is None else (x[1] * part).sum(axis=axis)
        return (best, moved), part, near


_SERIES: dict[str, Callable[..., Any]] = {
    "exp": lambda a: a.exp(),
    "expm1": lambda a: a.exp() - 1,
    "log": lambda a: a.log(),
    "log1p": lambda a: (1 + a).log(),
    "tanh": lambda a: 1 - 2 / ((2 * a).exp() + 1),
    "sqrt": lambda a: a.sqrt(),
    "sin": lambda a: a.sin(),
    "cos": lambda a: a.cos(),
    "Phi": lambda a: (-a / Balls().number(Fraction(2)).sqrt()).erfc() / 2,
}
