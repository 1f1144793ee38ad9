"""What the letters may stand for: float64, float32, balls, exact numbers.

The rules are written once, in operators (`+ - * / @`) and the few functions below; each arithmetic says how its numbers
are made and what the functions do.  A rule never asks `if` of a number: a ball that straddles zero is neither above nor
below it, so a choice goes through `where`, which returns the hull of both branches.
"""

from __future__ import annotations

import contextlib
import math
import operator
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from derivations.given import Given, as_float
from derivations.normal import normal_cdf

__all__ = ["FLOAT32", "FLOAT64", "Arithmetic", "Ball", "Exact", "Float32", "Float64", "plain"]

Array = Any  # an array of this arithmetic's numbers: a float ndarray or an object ndarray


LARGEST_EXPONENT = 1000  # beyond it rational powers would grow without bound


class Arithmetic:
    """The functions that rules and formulas use; arrays in, arrays out, elementwise unless said otherwise."""

    name = ""
    floating = False  # rounded to a machine format: formulas use their stable form
    by_definition = False  # writes or rounds each quantity as shown: nothing may bypass a recorded one

    exp: Callable[[Array], Array]
    expm1: Callable[[Array], Array]
    log: Callable[[Array], Array]
    log1p: Callable[[Array], Array]
    tanh: Callable[[Array], Array]
    normal_cdf: Callable[[Array], Array]
    sqrt: Callable[[Array], Array]
    """Square root; what rounding has pushed below zero counts as zero."""
    square: Callable[[Array], Array]
    absolute: Callable[[Array], Array]
    ones_like: Callable[[Array], Array]
    positive_part: Callable[[Array], Array]
    """max(0, a)"""
    where: Callable[[Array, Array, Array], Array]
    """`where(a, p, q)` is p for a > 0 and q otherwise."""
    unless_zero: Callable[[Array, Array], Array]
    """`unless_zero(t, v)` is v, but 0 where t is exactly 0 (0 log 0 = 0)."""
    over: Callable[[Array, Array], Array]
    """`over(t, y)` is t / y, but 0 where t is exactly 0, and not finite where y alone is."""
    pi: Any

    @cached_property
    def compiled(self) -> dict[Any, Any]:
        """Formulas made ready for this arithmetic, kept as long as it is."""
        return {}

    divided: Callable[[Array, Array], Array] = staticmethod(operator.truediv)
    """a / b; not finite where b is 0."""
    inverted: Callable[[Array, int], Array] = staticmethod(operator.pow)
    """A power of a whole negative exponent; not finite where the base is 0."""
    sin: Callable[[Array], Array]
    cos: Callable[[Array], Array]

    def largest(self, a: Array, axis: int = 0) -> Array:
        """The largest entry along an axis, any number near it will do: it only keeps exp in range."""
        return 0

    def times_log(self, t: Array, y: Array) -> Array:
        """T log y, 0 where t is exactly 0."""
        return self.unless_zero(t, t * self.log(y))

    def power(self, a: Array, exponent: Any) -> Array:
        """A to an exponent that is no whole number known beforehand; for a > 0."""
        return self.exp(exponent * self.log(a))

    def softmax(self, a: Array, axis: int) -> Array:
        """exp(a[k]) / sum_j exp(a[j]) along an axis.  Bishop 4.62"""
        e = self.exp(a - self.largest(a, axis)) if self.floating else self.exp(a)
        return e / e.sum(axis=axis, keepdims=True)

    def log_sum_exp(self, a: Array, axis: int) -> Array:
        """log sum_j exp(a[j]) along an axis, which it loses."""
        top = self.largest(a, axis)
        kept = top if np.ndim(top) == 0 else top.squeeze(axis)
        return kept + self.log(self.exp(a - top).sum(axis=axis))

    def maximum(self, a: Array, axes: tuple[int, ...]) -> Array:
        """The largest entry over some axes, chosen by comparing."""
        return self._extreme(a, axes, lambda x, y: self.where(x - y, x, y))

    def minimum(self, a: Array, axes: tuple[int, ...]) -> Array:
        """The smallest entry over some axes."""
        return self._extreme(a, axes, lambda x, y: self.where(x - y, y, x))

    @staticmethod
    def _extreme(a: Array, axes: tuple[int, ...], better: Callable[[Array, Array], Array]) -> Array:
        keep = tuple(k for k in range(a.ndim) if k not in axes)
        rows = a.transpose(*axes, *keep).reshape(-1, *(a.shape[k] for k in keep))
        out = rows[0]
        for row in rows[1:]:
            out = better(row, out)
        return out

    def is_largest(self, entry: Array, largest: Array) -> Array:
        """1 where an entry is the largest itself: as a ball it cannot be told from a larger one by a difference."""
        zero, one = self.number("0"), self.number("1")
        unsure = self.where(largest - entry, zero, one)
        return np.frompyfunc(lambda e, l, u: one if e is l else u, 3, 1)(entry, largest, unsure)

    def is_smallest(self, entry: Array, smallest: Array) -> Array:
        """1 where an entry is the smallest itself."""
        return self.is_largest(smallest, entry)

    def mask(self, holds: np.ndarray) -> Array:
        """1 where a condition holds, 0 elsewhere."""
        return holds.astype(int)

    def chosen(self, holds: np.ndarray, one: Array, other: Array) -> Array:
        """One array where a condition on indices holds, another elsewhere."""
        return np.where(holds, one, other)

    def blank(self, shape: tuple[int, ...]) -> Array:
        """Zeros, to be filled value by value; of this arithmetic's numbers, for the first value may be a mere 1."""
        out = np.empty(shape, object)
        out[...] = self.number("0")
        return out

    def kept(self, array: Array) -> Array:
        """What is kept of a computed array."""
        return array

    def number(self, text: str) -> Any:
        """One number of this arithmetic from a decimal text."""
        raise NotImplementedError

    def lift(self, given: Given) -> Array:
        """Given numbers as an array of this arithmetic."""
        raise NotImplementedError

    def scalar(self, given: Given) -> Any:
        """One given number."""
        return self.number(given.exact().item())

    def working(self) -> contextlib.AbstractContextManager[Any]:
        """What must hold while rules run: the precision, silence about overflow."""
        return contextlib.nullcontext()


def _elementwise(function: Callable[..., Any], inputs: int = 1) -> Callable[..., Array]:
    ufunc = np.frompyfunc(function, inputs, 1)
    return lambda *arrays: ufunc(*arrays)


class Float64(Arithmetic):
    """IEEE double precision, numpy's own operations and their order."""

    name = "float64"
    floating = True
    dtype: Any = np.float64
    exp = staticmethod(np.exp)
    expm1 = staticmethod(np.expm1)
    log = staticmethod(np.log)
    log1p = staticmethod(np.log1p)
    tanh = staticmethod(np.tanh)
    sin = staticmethod(np.sin)
    cos = staticmethod(np.cos)
    square = staticmethod(np.square)
    absolute = staticmethod(np.abs)
    ones_like = staticmethod(np.ones_like)
    pi: Any = np.float64(math.pi)

    @staticmethod
    def normal_cdf(a: Array) -> Array:
        """Standard normal distribution function; the lower tail keeps its digits."""
        return np.asarray(normal_cdf(a), float)

    @staticmethod
    def sqrt(a: Array) -> Array:
        """Square root, clamped at zero."""
        return np.sqrt(np.maximum(a, 0))

    @staticmethod
    def positive_part(a: Array) -> Array:
        """max(0, a), NaN kept."""
        return np.maximum(a, 0)

    @staticmethod
    def where(a: Array, positive: Array, otherwise: Array) -> Array:
        """Positive branch where a > 0."""
        return np.where(np.greater(a, 0), positive, otherwise)

    @staticmethod
    def unless_zero(t: Array, value: Array) -> Array:
        """0 where t is 0."""
        return np.where(np.equal(t, 0), 0, value)

    @staticmethod
    def over(t: Array, y: Array) -> Array:
        """t / y, 0 where t is 0."""
        return np.where(np.equal(t, 0), 0, t / y)

    def power(self, a: Array, exponent: Any) -> Array:
        """The format's own power."""
        return a**exponent

    def largest(self, a: Array, axis: int = 0) -> Array:
        """Maxima along an axis."""
        return np.max(a, axis=axis, keepdims=True)

    def maximum(self, a: Array, axes: tuple[int, ...]) -> Array:
        """Maxima over some axes."""
        return np.max(a, axis=axes)

    def minimum(self, a: Array, axes: tuple[int, ...]) -> Array:
        """Minima over some axes."""
        return np.min(a, axis=axes)

    def is_largest(self, entry: Array, largest: Array) -> Array:
        """1 where an entry is the largest."""
        return np.greater_equal(entry, largest).astype(self.dtype)

    def mask(self, holds: np.ndarray) -> Array:
        """Ones and zeros of the format: int64 would turn float32 into float64."""
        return holds.astype(self.dtype)

    def blank(self, shape: tuple[int, ...]) -> Array:
        """Zeros of the format."""
        return np.zeros(shape, self.dtype)

    def number(self, text: str) -> Any:
        """The nearest double."""
        return self.dtype(as_float(text))

    def lift(self, given: Given) -> Array:
        """The doubles that were read."""
        return given.floats

    def scalar(self, given: Given) -> Any:
        """The nearest number of the format."""
        return self.dtype(given.floats)

    def working(self) -> contextlib.AbstractContextManager[Any]:
        """Overflow to infinity and 0/0 are told by the notes of a step, not by warnings."""
        return np.errstate(all="ignore")


class _RoundedEachTime(np.ndarray):
    """A float32 array whose products are summed from left to right, each operation rounded to float32."""

    def __matmul__(self, other: Any) -> Any:
        if self.ndim == 1 or other.ndim == 1:
            return np.asarray(self * other).view(_RoundedEachTime).sum(axis=-1)
        total = self[..., :, :1] * other[..., :1, :]
        for k in range(1, self.shape[-1]):
            total = total + self[..., :, k : k + 1] * other[..., k : k + 1, :]
        return total

    def sum(self, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:  # type: ignore[override]
        if axis is None:
            return self.reshape(-1).sum(axis=0)
        total = self.take(0, axis)
        for k in range(1, self.shape[axis]):
            total = total + self.take(k, axis)
        return np.expand_dims(total, axis).view(_RoundedEachTime) if keepdims else total


class Float32(Float64):
    """IEEE single precision with every operation rounded: what a float32 program on plain loops computes.

    Functions are computed in double precision and rounded once, so the numbers do not depend on the machine.
    """

    name = "float32"
    dtype = np.float32
    pi: Any = np.float32(math.pi)

    def lift(self, given: Given) -> Array:
        """The nearest floats."""
        return given.floats.astype(np.float32).view(_RoundedEachTime)

    def mask(self, holds: np.ndarray) -> Array:
        """Ones and zeros."""
        return holds.astype(np.float32).view(_RoundedEachTime)

    def blank(self, shape: tuple[int, ...]) -> Array:
        """Zeros."""
        return np.zeros(shape, np.float32).view(_RoundedEachTime)


def _in_double(function: Callable[..., Any]) -> Any:
    def rounded(a: Array) -> Array:
        out = np.asarray(function(np.asarray(a, np.float64)), np.float32)
        return out.view(type(a)) if isinstance(a, np.ndarray) else out[()]

    return staticmethod(rounded)


for _name in ("exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "normal_cdf"):
    setattr(Float32, _name, _in_double(getattr(Float64, _name)))


class Ball(Arithmetic):
    """Ball arithmetic (Arb, through python-flint): each number is a midpoint with a proved radius.

    Given decimals enter as balls that contain them; every operation rounds outward at `bits` of precision.
    """

    name = "ball"

    def __init__(self, bits: int = 53) -> None:
        from flint import arb, ctx, fmpq

        self.bits, self._arb, self._fmpq, self._context = bits, arb, fmpq, ctx
        each = _elementwise
        # `a == 0` holds for exact zeros alone: `a != 0` would take a ball that straddles zero for one
        self.exp = each(lambda a: self._one(a) if a == 0 else self._ball(a).exp())
        self.expm1 = each(lambda a: a if a == 0 else self._ball(a).expm1())
        self.log = each(lambda a: a - 1 if a == 1 else self._ball(a).log())
        self.log1p = each(lambda a: a if a == 0 else self._ball(a).log1p())
        self.tanh = each(lambda a: a if a == 0 else self._ball(a).tanh())
        self.sin = each(lambda a: a if a == 0 else self._ball(a).sin())
        self.cos = each(lambda a: self._one(a) if a == 0 else self._ball(a).cos())
        self.normal_cdf = each(lambda a: (-self._ball(a) / self._ball(2).sqrt()).erfc() / 2)
        self.sqrt = each(self._sqrt)
        self.square = each(lambda a: a * a)  # flint 0.9 gives nan for the square of a ball around zero
        self.absolute = each(abs)
        self.ones_like = each(self._one)
        self.positive_part = each(lambda a: self._choose(a, a, a * 0))
        self.where = each(self._choose, 3)
        self.power = each(self._power, 2)  # type: ignore[method-assign]
        self.divided = lambda a, b: self._where_it_can(operator.truediv, a, b)
        self.inverted = lambda a, n: self._where_it_can(operator.pow, a, n)
        self.unless_zero = each(lambda t, v: t * 0 if t == 0 else v, 2)
        self.over = each(lambda t, y: t * 0 if t == 0 else self._ball(t) / self._ball(y) if y == 0 else t / y, 2)

    @property
    def pi(self) -> Any:
        """Pi as a ball."""
        return self._arb.pi()

    def number(self, text: str) -> Any:
        """The ball around a decimal or a fraction."""
        with self.working():
            return self._ball(self._rational(text))

    def lift(self, given: Given) -> Array:
        """Balls around the numbers as written."""
        return _elementwise(self.number)(given.exact())

    def working(self) -> contextlib.AbstractContextManager[Any]:
        """The precision in force."""
        return self._context.workprec(self.bits)

    def _rational(self, text: str) -> Any:
        from fractions import Fraction

        value = Fraction(text)
        return self._fmpq(value.numerator, value.denominator)

    def _ball(self, a: Any) -> Any:
        return a if isinstance(a, self._arb) else self._arb(a)

    def _where_it_can(self, operation: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
        """A division of rationals; where one divides by 0, of balls, which are not finite then."""
        try:
            return operation(a, b)
        except ZeroDivisionError:
            return _elementwise(lambda p, q: self._undefined(operation, p, q), 2)(a, b)

    def _undefined(self, operation: Callable[[Any, Any], Any], p: Any, q: Any) -> Any:
        try:
            return operation(p, q)
        except ZeroDivisionError:
            return self._ball(p) / self._ball(0)

    def _one(self, a: Any) -> Any:
        return self._ball(1) if isinstance(a, self._arb) else self._fmpq(1)

    def _sqrt(self, a: Any) -> Any:
        root = self._ball(a)
        return root.nonnegative_part().sqrt() if root.is_finite() else root

    def _power(self, a: Any, exponent: Any) -> Any:
        """A whole exponent multiplies, a half takes the root first."""
        for times in (1, 2):
            n = self._ball(exponent * times)
            if n.is_exact() and n.is_integer() and abs(n) <= LARGEST_EXPONENT:
                root = a if times == 1 else self._sqrt(a)
                return root ** int(n.unique_fmpz())
        return a if a == 0 and exponent > 0 else self._ball(a) ** self._ball(exponent)

    def _choose(self, a: Any, positive: Any, otherwise: Any) -> Any:
        if a > 0:
            return positive
        if a <= 0:
            return otherwise
        return self._ball(positive).union(self._ball(otherwise))


class Exact(Ball):
    """Rational numbers as far as they go (up to the first exp or log), balls of `bits` of precision after that.

    A rational of more than 8 `bits` bits becomes a ball, so that long computations do not grow.  With `by_definition`
    every quantity follows from the recorded ones alone, as it must where those were rounded or are somebody's own.
    """

    name = "numbers rounded by hand"

    def __init__(self, bits: int = 200, *, by_definition: bool = False) -> None:
        super().__init__(bits)
        self.by_definition = by_definition

    def number(self, text: str) -> Any:
        """The rational itself."""
        return self._rational(text)

    def kept(self, array: Array) -> Array:
        """The array with rationals that have grown too long replaced by balls."""
        return _elementwise(self._kept)(array)

    def _kept(self, a: Any) -> Any:
        grown = isinstance(a, self._fmpq) and a.height_bits() > 8 * self.bits
        return self._ball(a) if grown else a

    def _sqrt(self, a: Any) -> Any:
        if isinstance(a, self._fmpq):
            above, below = math.isqrt(max(int(a.p), 0)), math.isqrt(int(a.q))
            if above**2 == max(int(a.p), 0) and below**2 == int(a.q):
                return self._fmpq(above, below)
        return super()._sqrt(a)


FLOAT64 = Float64()
FLOAT32 = Float32()


def plain(result: Array, a: Any) -> Any:
    """A float where a number was given, an array where an array was."""
    return float(result) if np.ndim(a) == 0 else np.asarray(result)
