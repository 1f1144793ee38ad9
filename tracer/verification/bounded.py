"""Numbers with a running error bound: the same formula gives the value and how far a correct one may be off.

A number is a pair (v, e): a float array and the bound of its error, 0.0 where it is exact.  Infinity stands for what
is larger than every float.  Every operation adds to what its arguments bring half an ulp of its result (Higham 2002,
section 3.3); a sum of n products is good to (n + 2) u of the sum of sizes, in any order; functions are good to 4 ulp.
u is the unit roundoff of whoever works with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.forms import Context
from derivations.normal import normal_cdf
from tracer.verification.boxes import Read
from tracer.verification.contraction import array_of, contracted, filled

__all__ = ["U32", "U64", "Bounded"]

U64, U32 = 2.0**-53, 2.0**-24
ULPS = 8.0
"""Functions of a library are good to 4 ulp, which is 8 u."""
LARGEST = float(np.finfo(float).max)

Floats = Any  # an array of floats
Number = tuple[Floats, Any]
Decision = tuple[Floats, Any]  # where a test is above 0, and where that cannot be told


class Bounded:
    """The arithmetic of values with bounds at unit roundoff u; new arrays are made like the array `like`."""

    def __init__(self, u: float = U64, like: Any = None) -> None:
        self.u, self.like = u, like
        self.lost = 1e-300 if u < 1e-10 else 1e-37  # to underflow

    # --- arrays ---

    def given(self, array: Floats) -> Number:
        """A given array: exact as a float64, rounded once in a shorter format."""
        v = array_of(array)
        return v, 0.0 if self.u <= U64 else self.u * np.abs(v)

    def blank(self, shape: tuple[int, ...]) -> Number:
        """Zeros, to be filled."""
        return np.zeros(shape, like=self.like), np.zeros(shape, like=self.like)

    def one(self, shape: tuple[int, ...]) -> Number:
        """The slope of the objective in itself."""
        return np.ones(shape, like=self.like), 0.0

    def own(self, x: Number) -> Number:
        """A copy that may be added to."""
        v, e = x
        return np.copy(v, order="C"), np.copy(filled(e, np.shape(v)), order="C")

    def take(self, x: Number, read: Read) -> Number:
        """The entries that are read."""
        v, e = x
        return read.take(v), e if _scalar(e) else read.take(e)

    def spread(self, x: Number, at: tuple[slice | None, ...] | None) -> Number:
        """With an axis for every letter of a box."""
        if at is None:
            return x
        v, e = x
        return v[at], e if _scalar(e) else e[at]

    def full(self, x: Number, shape: tuple[int, ...]) -> Number:
        """In a shape."""
        v, e = x
        return filled(v, shape), e if _scalar(e) else filled(e, shape)

    def rows(self, x: Number, axes: int) -> Number:
        """The axes after the first few as one."""
        return self.shaped(x, (*np.shape(x[0])[:axes], -1))

    def shaped(self, x: Number, shape: tuple[int, ...]) -> Number:
        """The same numbers in another shape."""
        v, e = x
        return np.reshape(v, shape), e if _scalar(e) else np.reshape(e, shape)

    def put(self, whole: Number, read: Read, x: Number) -> None:
        """Values in places that held 0."""
        read.add(whole[0], x[0])
        if not _exact(x[1]):
            read.add(whole[1], filled(x[1], np.shape(x[0])))

    def add(self, whole: Number, read: Read, x: Number) -> None:
        """More for places that may hold something."""
        v, e = whole
        read.add(v, x[0])
        if not _exact(x[1]):
            read.add(e, filled(x[1], np.shape(x[0])))
        if read.slices and not read.entire:
            read.add(e, self.u * np.abs(read.take(v)))
        else:
            e += self.u * np.abs(v)

    def largest(self, x: Number, axis: int) -> Number:
        """Some number near the largest along an axis, exactly."""
        return np.max(x[0], axis=axis), 0.0

    def sum(self, x: Number, axes: tuple[int, ...]) -> Number:
        """Over axes, in any order."""
        v, e = x
        if not axes:
            return x
        n = math.prod(v.shape[k] for k in axes)
        size = self.u * n * np.abs(v).sum(axis=axes) if n > 1 else 0.0
        return v.sum(axis=axes), size if _exact(e) else filled(e, v.shape).sum(axis=axes) + size

    def contract(self, x: Number, xl: Sequence[str], y: Number, yl: Sequence[str], out: Sequence[str]) -> Number:
        """The sum of products over the letters that are not in `out`."""
        (v, e), (w, f) = x, y
        n = math.prod(v.shape[k] for k, l in enumerate(xl) if l not in out)
        sizes, others = np.abs(v), np.abs(w)
        other = (n + 1) * self.u * others
        if _exact(f):
            own = (n + 1) * self.u * sizes
            bound = contracted(own if _exact(e) else own + e, xl, others, yl, out)
        else:
            bound = contracted(sizes, xl, other + f, yl, out)
            if not _exact(e):
                bound = bound + contracted(filled(e, v.shape), xl, others + f, yl, out)
        return contracted(v, xl, w, yl, out), bound

    def floats(self, x: Number) -> Number:
        """The values and their bounds."""
        return x

    # --- operations ---

    def number(self, value: Fraction) -> Number:
        v = value.numerator / value.denominator
        return v, 0.0 if Fraction(v) == value and self._short(v) else self.u * abs(v)

    def _short(self, v: float) -> bool:
        return self.u <= U64 or float(np.float32(v)) == v

    def pi(self) -> Number:
        return math.pi, self.u * math.pi

    def _rounded(self, v: Floats, e: Any) -> Number:
        own = np.abs(v) * self.u
        return v, own if _exact(e) else own + e

    def total(self, terms: list[tuple[int, Number]]) -> Number:
        (sign, (v, e)), *rest = terms
        v = v if sign > 0 else -v
        for s, (w, f) in rest:
            v, e = self._rounded(v + w if s > 0 else v - w, e if _exact(f) else e + f)
        return v, e

    def product(self, x: Number, y: Number) -> Number:
        (v, e), (w, f) = x, y
        p = v * w
        if _exact(e):
            return self._rounded(p, f if _exact(f) else np.abs(v) * f)
        if _exact(f):
            return self._rounded(p, np.abs(w) * e)
        return self._rounded(p, np.abs(v) * f + e * (np.abs(w) + f))

    def quotient(self, x: Number, y: Number) -> Number:
        (v, e), (w, f) = x, y
        q = v / w
        below = np.abs(w)
        if _exact(f):
            return self._rounded(q, e / below)
        sure = below - f
        bound = (e + np.abs(q) * f) / sure
        if not ((sure > 0) & (sure < np.inf)).all():
            past = np.isinf(w) & np.isfinite(v)  # w is larger than every float
            bound = np.where(past, np.abs(v) / LARGEST + self.lost, np.where(sure > 0, bound, np.inf))
        return self._rounded(q, bound)

    def whole_power(self, x: Number, n: int) -> Number:
        """|(v ± e)^n - v^n| is at most n (|v| + e)^(n-1) e."""
        v, e = x
        if n < 0:
            return self.quotient((1.0, 0.0), self.whole_power(x, -n))
        p = v * v if n == 2 else v**n
        return p, n * (np.abs(v) + e) ** (n - 1) * e + n * self.u * np.abs(p) + self.lost

    def power(self, x: Number, y: Number) -> Number:
        """exp(y log x)"""
        v, _ = self.call("exp", self.product(y, self.call("log", x)))
        (base, e), (n, f) = x, y
        exact = np.power(base, n)
        steep = np.abs(n) * e / np.maximum(np.abs(base) - e, 0.0) + f * np.abs(np.log(np.abs(base)))
        bound = np.abs(exact) * (np.expm1(np.minimum(steep, 700.0)) + ULPS * self.u)
        return exact, np.where(np.isfinite(bound) & np.isfinite(v), bound, np.where(exact == 0, e, np.inf))

    def call(self, name: str, *x: Number) -> Number:
        return _FUNCTIONS[name](self, *x)

    def unary(self, v: Floats, e: Any) -> Number:
        """A function's value with what it loses itself."""
        return v, e + ULPS * self.u * np.abs(v) + self.lost

    # --- choices ---

    def decide(self, test: Number, k: int, context: Context) -> Decision:
        v, e = test
        if k in context.forced:
            mask = context.forced[k]
        else:
            mask = np.greater(v, 0)
            context.taken[k] = mask
        near = ~(np.abs(v) > e)  # of what is not a number nothing is known
        if near.any():
            context.open[k] = near
        return mask, near & np.greater(e, 0)  # what is exactly at its threshold has a value, if no slope

    def settled(self, test: Number) -> Decision:
        return np.greater(test[0], 0), False

    def choose(self, decision: Decision, x: Number, y: Number, *, hull: bool) -> Number:
        mask, near = decision
        v, e = np.where(mask, x[0], y[0]), np.where(mask, x[1], y[1])
        return v, e + np.where(near, np.abs(x[0] - y[0]), 0.0) if hull else e

    def extreme(self, x: Number, axis: int, sign: int) -> tuple[Number, Floats, Floats]:
        """The largest along the last axis (or, with -1, the smallest), which entries are, and which may be."""
        v, e = x
        best = (v if sign > 0 else -v).max(axis=axis, keepdims=True)
        at = (v if sign > 0 else -v) == best
        e = filled(e, v.shape)
        room = np.max(np.where(at, e, 0.0), axis=axis, keepdims=True)
        near = best - (v if sign > 0 else -v) <= e + room
        bound = np.max(np.where(near, e, 0.0), axis=axis)
        return (sign * best.squeeze(axis), bound), at, near

    def among(self, x: Number, at: Floats) -> Number:
        """What goes to the entries that were chosen, 0 to the others."""
        v, e = x
        return np.where(at, v * at, 0.0), 0.0 if _exact(e) else np.where(at, e, 0.0)


def _scalar(e: Any) -> bool:
    """Whether a bound is one for all of an array."""
    return type(e) is float


def _exact(e: Any) -> bool:
    """Whether nothing is off."""
    return type(e) is float and e == 0.0


def _exp(m: Bounded, x: Number) -> Number:
    v, e = x
    out = np.exp(v)
    return m.unary(out, out * np.expm1(e))


def _log(m: Bounded, x: Number) -> Number:
    v, e = x
    out = np.where(np.isinf(v), np.nan, np.log(v))  # of what is past all floats nothing is known
    share = np.minimum(e / v, 1 - 1e-9)
    return m.unary(out, np.where(e < np.abs(v), -np.log1p(-share), np.inf))


def _expm1(m: Bounded, x: Number) -> Number:
    v, e = x
    return m.unary(np.expm1(v), np.exp(v) * np.expm1(e))


def _log1p(m: Bounded, x: Number) -> Number:
    v, e = x
    share = np.minimum(e / (1 + v), 1 - 1e-9)
    return m.unary(np.log1p(v), np.where(e < 1 + v, -np.log1p(-share), np.inf))


def _tanh(m: Bounded, x: Number) -> Number:
    """Never steeper than at the end nearer to 0, 1/cosh^2."""
    v, e = x
    nearest = np.minimum(np.maximum(np.abs(v) - e, 0.0), 350.0)
    return m.unary(np.tanh(v), np.minimum(e / np.cosh(nearest) ** 2, 2.0))


def _sqrt(m: Bounded, x: Number) -> Number:
    """sqrt(v) - sqrt(v - e) = e/(sqrt(v) + sqrt(v - e)), and never more than sqrt(e)."""
    v, e = x
    out = np.where(np.isinf(v), np.nan, np.sqrt(v))
    low = np.sqrt(np.maximum(v - e, 0.0))
    return m.unary(out, np.minimum(e / np.maximum(out + low, 1e-300), np.sqrt(e)))


def _lipschitz(function: Callable[[Floats], Floats], steepest: float) -> Callable[[Bounded, Number], Number]:
    return lambda m, x: m.unary(
        function(x[0]), np.minimum(steepest * x[1], 2.0) + m.u * ULPS * np.minimum(np.abs(x[0]), 1.0)
    )


def _normal(m: Bounded, x: Number) -> Number:
    """The density falls away from 0."""
    v, e = x
    nearest = np.maximum(np.abs(v) - e, 0.0)
    steep = np.exp(-(nearest**2) / 2) / math.sqrt(2 * math.pi)
    out = array_of(normal_cdf(v))
    return m.unary(out, np.minimum(steep * e, 1.0) + ULPS * m.u * steep * np.abs(v))


def _abs(m: Bounded, x: Number) -> Number:
    return np.abs(x[0]), x[1]


def _xlogy(m: Bounded, x: Number, y: Number) -> Number:
    v, e = m.product(x, _log(m, y))
    nothing = (x[0] == 0) & (np.equal(x[1], 0))
    return np.where(nothing, 0.0, v), np.where(nothing, 0.0, e)


def _over(m: Bounded, x: Number, y: Number) -> Number:
    v, e = m.quotient(x, y)
    nothing = (x[0] == 0) & (np.equal(x[1], 0))
    return np.where(nothing, 0.0, v), np.where(nothing, 0.0, e)


def _is_largest(m: Bounded, x: Number, largest: Number) -> Number:
    return np.greater_equal(x[0], largest[0]).astype(float), 0.0


def _is_smallest(m: Bounded, x: Number, smallest: Number) -> Number:
    return np.less_equal(x[0], smallest[0]).astype(float), 0.0


_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "exp": _exp,
    "expm1": _expm1,
    "log": _log,
    "log1p": _log1p,
    "tanh": _tanh,
    "sqrt": _sqrt,
    "sin": _lipschitz(np.sin, 1.0),
    "cos": _lipschitz(np.cos, 1.0),
    "Phi": _normal,
    "abs": _abs,
    "xlogy": _xlogy,
    "over": _over,
    "is_largest": _is_largest,
    "is_smallest": _is_smallest,
}
