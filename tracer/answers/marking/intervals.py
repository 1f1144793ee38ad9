"""Arrays of intervals, one row a sheet: what marking works in.

`low` and `high` are float64 arrays (sheets, *shape); the first axis is hidden, so the rules, which know nothing of
sheets, run over all of them at once.  Every bound is rounded outwards.  A result that nobody has recorded is `fresh`:
a person may have rounded it before going on, and where the `Inside` of the arithmetic says so, it is widened when used.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Self

import numpy as np

from derivations.arithmetic import Arithmetic, Float64
from derivations.given import Given
from tracer.answers.marking.discipline import Inside, as_held

__all__ = ["IntervalArithmetic", "Intervals", "hull"]

Array = np.ndarray
MOST_TERMS = 64
"""The longest sum whose subtotals are looked at: nobody adds more terms by hand."""


class Intervals:
    """One array of intervals for each sheet; indexed, summed and transposed as if there were one sheet."""

    __slots__ = ("fresh", "high", "low", "m", "of", "recorded")
    __array_ufunc__ = None  # numpy arrays leave the operators to this class

    def __init__(
        self,
        m: IntervalArithmetic,
        low: Array,
        high: Array,
        *,
        fresh: bool = True,
        of: tuple[str, Intervals] | None = None,
    ) -> None:
        self.m, self.low, self.high, self.fresh = m, low, high, fresh
        self.recorded = False  # whether it has passed the recording point: who gets it again copies it
        self.of = of  # ("complement", x) for 1 - x, ("total", x) for x.sum(axis=0): x may enter the equation twice

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that the rules see."""
        return self.low.shape[1:]

    @property
    def ndim(self) -> int:
        """The number of axes that the rules see."""
        return self.low.ndim - 1

    def __len__(self) -> int:
        return int(self.low.shape[1])

    def __bool__(self) -> bool:
        return True  # never asked of a number: what may be 0 is divided by as what it is

    def used(self) -> Self:
        """As an operand: what may have been rounded before it is used is widened."""
        if not self.fresh or self.m.inside is None:
            return self
        return self._with(*self.m.inside.kept(self.low, self.high))

    def over(self, sheets: int) -> Self:
        """One row for each sheet, where the rows do not differ yet."""
        if self.low.shape[0] == sheets:
            return self
        return self._moved(lambda a: np.broadcast_to(a, (sheets, *a.shape[1:])))

    def take(self, rows: Array) -> Self:
        """Some of the sheets."""
        taken = type(self)(self.m, self.low[rows], self.high[rows], fresh=self.fresh)
        taken.recorded = self.recorded
        return taken

    def _with(self, low: Array, high: Array) -> Self:
        return type(self)(self.m, low, high, fresh=False, of=self.of)

    def _moved(self, how: Callable[[Array], Array]) -> Self:
        return type(self)(self.m, how(self.low), how(self.high), fresh=self.fresh)

    @property
    def T(self) -> Self:
        """Transposed."""
        return self._moved(lambda a: a.swapaxes(-1, -2))

    def __getitem__(self, key: Any) -> Self:
        place = (slice(None), *(key if isinstance(key, tuple) else (key,)))
        return self._moved(lambda a: a[place])

    def __setitem__(self, key: Any, value: Intervals) -> None:
        place = (slice(None), *(key if isinstance(key, tuple) else (key,)))
        self.low[place], self.high[place] = value.low, value.high

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Self:
        """The sum over an axis, or over all."""
        x = self.used()
        axes: Any = tuple(range(1, x.low.ndim)) if axis is None else axis + 1 if axis >= 0 else axis
        terms = 1 if axes == () else int(np.prod([x.low.shape[k] for k in np.atleast_1d(axes)]))
        low, high = (bound.sum(axis=axes, keepdims=keepdims) for bound in (x.low, x.high))
        if self.m.inside is not None and isinstance(axes, int) and 2 < terms <= MOST_TERMS:
            low, high = self._added_up(x, axes, keepdims=keepdims)
        if terms > 1:
            size = np.maximum(np.abs(x.low), np.abs(x.high)).sum(axis=axes, keepdims=keepdims)
            low, high = self.m.outward(low, high, terms * size)
        total = type(self)(self.m, low, high, fresh=terms > 1 or self.fresh)
        total.of = ("total", x) if axis == 0 and not keepdims else None
        return total

    def _added_up(self, x: Self, axis: int, *, keepdims: bool) -> tuple[Array, Array]:
        """The sum of terms as a person makes it, one after the other, each subtotal rounded before it is used."""
        assert self.m.inside is not None
        lows, highs = (np.moveaxis(end, axis, 0) for end in (x.low, x.high))
        low, high = lows[0], highs[0]
        for k in range(1, len(lows)):
            low, high = low + lows[k], high + highs[k]
            if k < len(lows) - 1:
                low, high = self.m.inside.kept(low, high)
        return (np.expand_dims(low, axis), np.expand_dims(high, axis)) if keepdims else (low, high)

    def __neg__(self) -> Self:
        return type(self)(self.m, -self.high, -self.low, fresh=self.fresh)

    def __add__(self, other: Any) -> Intervals:
        x, y = self.m.aligned(self, other)
        return self.m.made(x.low + y.low, x.high + y.high)

    def __radd__(self, other: Any) -> Intervals:
        total: Intervals = self + other
        return total

    def __sub__(self, other: Any) -> Intervals:
        x, y = self.m.aligned(self, other)
        return self.m.made(x.low - y.high, x.high - y.low)

    def __rsub__(self, other: Any) -> Intervals:
        x, y = self.m.aligned(other, self)
        out = self.m.made(x.low - y.high, x.high - y.low)
        if isinstance(other, int) and other == 1:
            out.of = ("complement", y)
        return out

    def __mul__(self, other: Any) -> Intervals:
        x, y = self.m.aligned(self, other)
        if y.of and y.of[0] == "complement" and y.of[1].low is x.low:
            return self._times_complement(x, y)
        return self.m.made(*_products(x, y))

    def __rmul__(self, other: Any) -> Intervals:
        product: Intervals = self * other
        return product

    def _times_complement(self, x: Intervals, y: Intervals) -> Intervals:
        """x (1 - x), where x enters twice: the exact range, and what rounding 1 - x may add."""
        ends = x.low * (1 - x.low), x.high * (1 - x.high)
        top = np.where((x.low <= 0.5) & (x.high >= 0.5), 0.25, np.maximum(*ends))
        size = np.maximum(np.abs(x.low), np.abs(x.high))
        apart = size * self.m.inside.moves(y.low, y.high) if self.m.inside else 0.0
        return self.m.made(*self.m.outward(np.minimum(*ends) - apart, top + apart, size))

    def __truediv__(self, other: Any) -> Intervals:
        x, y = self.m.aligned(self, other)
        if y.of and y.of[0] == "total" and y.of[1].low is x.low:
            return self._share(x, y)
        return self.m.made(*_products(x, self.m.reciprocal(y)))

    def __rtruediv__(self, other: Any) -> Intervals:
        x, y = self.m.aligned(other, self)
        return self.m.made(*_products(x, self.m.reciprocal(y)))

    def _share(self, x: Intervals, y: Intervals) -> Intervals:
        """x / x.sum(axis=0), where each x enters twice: of numbers that are not negative the exact range."""
        total_low, total_high = x.low.sum(axis=1), x.high.sum(axis=1)
        less, more = np.maximum(total_low - y.low[:, 0], 0), np.maximum(y.high[:, 0] - total_high, 0)
        rest_low, rest_high = total_low[:, None] - x.low, total_high[:, None] - x.high
        low = x.low / (x.low + rest_high + more[:, None])
        high = x.high / np.maximum(x.high + rest_low - less[:, None], x.high)
        ends = self.m.outward(low, high, 8 * np.abs(high))
        other = _products(x, self.m.reciprocal(y))
        negative = (x.low < 0).any(axis=tuple(range(1, x.low.ndim)), keepdims=True)  # on a sheet, whatever others have
        return self.m.made(*(np.where(negative, one, own) for one, own in zip(other, ends, strict=True)))

    def __matmul__(self, other: Any) -> Intervals:
        left, right = self.m.of(self), self.m.of(other)
        products = left[:, :, None] * right[None]
        total: Intervals = products.sum(axis=1)
        return total

    def __rmatmul__(self, other: Any) -> Intervals:
        total: Intervals = self.m.of(other) @ self
        return total

    def __pow__(self, power: int) -> Intervals:
        x = self.used()
        ends = x.low**power, x.high**power
        return self.m.made(*self.m.outward(np.minimum(*ends), np.maximum(*ends), power * np.maximum(*map(abs, ends))))

    def __abs__(self) -> Intervals:
        return self.m.absolute(self)


def _products(x: Intervals, y: Intervals) -> tuple[Array, Array]:
    if x.low is x.high:
        first, second = x.low * y.low, x.low * y.high
        return np.minimum(first, second), np.maximum(first, second)
    four = x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high
    return (
        np.minimum(np.minimum(four[0], four[1]), np.minimum(four[2], four[3])),
        np.maximum(np.maximum(four[0], four[1]), np.maximum(four[2], four[3])),
    )


def _mended(low: Array, high: Array) -> tuple[Array, Array]:
    """Everything where bounds say nothing: 0 times infinity, infinity less infinity."""
    lost = np.isnan(low) | np.isnan(high)
    return (np.where(lost, -np.inf, low), np.where(lost, np.inf, high)) if lost.any() else (low, high)


def hull(*parts: Intervals) -> Intervals:
    """The smallest intervals that contain all of these."""
    low, high = parts[0].low, parts[0].high
    for part in parts[1:]:
        low, high = np.minimum(low, part.low), np.maximum(high, part.high)
    return Intervals(parts[0].m, low, high, fresh=False)


class IntervalArithmetic(Arithmetic):
    """The functions of the rules over intervals.

    `inside` widens what may have been rounded before it is used; `machine` is the unit roundoff of a program whose
    every operation may have been rounded (2^-24 for float32), else 2^-53, which float64 itself needs.
    """

    name = "intervals"
    by_definition = True  # a sheet's own numbers are carried: nothing may bypass a written one

    def __init__(self, machine: float = 2.0**-53) -> None:
        self.inside: Inside | None = None
        self.machine = machine
        self.starts: dict[int, Any] = {}
        self.pi = self._thin(np.array([np.pi]))

    # --- making ---

    def _thin(self, values: Array) -> Intervals:
        return Intervals(self, *self.outward(values, values, np.abs(values)), fresh=False)

    def outward(self, low: Array, high: Array, size: Array) -> tuple[Array, Array]:
        """Bounds moved out by the rounding of operations on numbers of that size."""
        slack = 2 * self.machine * size
        return _mended(low - slack, high + slack)

    def made(self, low: Array, high: Array) -> Intervals:
        """The result of one operation."""
        slack = 2 * self.machine
        return Intervals(self, *_mended(low - slack * np.abs(low), high + slack * np.abs(high)))

    def of(self, value: Any) -> Intervals:
        """A value as intervals, as an operand; plain numbers are exact."""
        if isinstance(value, Intervals):
            return value.used()
        array = np.asarray(value, float)[None]
        return Intervals(self, array, array, fresh=False)

    def aligned(self, x: Any, y: Any) -> tuple[Intervals, Intervals]:
        """Both as operands, their shapes lined up from the right behind the hidden axis."""
        x, y = self.of(x), self.of(y)
        if x.low.ndim != y.low.ndim:
            most = max(x.ndim, y.ndim)
            x, y = (v if v.ndim == most else _padded(v, most) for v in (x, y))
        return x, y

    def number(self, text: str) -> Intervals:
        """One decimal, as tight as float64 holds it."""
        return self.lift(Given.read(text))

    def scalar(self, given: Given) -> Any:
        """One given number."""
        return self.lift(given)

    def lift(self, given: Given) -> Intervals:
        """Given numbers: a point where float64 holds them exactly."""
        values = given.floats[None].astype(float)
        exact = np.ones(values.shape, bool)
        if given.texts is not None:
            pairs = zip(given.texts, given.floats.flat, strict=True)
            exact = np.array([Fraction(t) == Fraction(float(v)) for t, v in pairs]).reshape(values.shape)
        return Intervals(self, *as_held(values, exact, self.machine), fresh=False)

    def reciprocal(self, y: Intervals) -> Intervals:
        """1 / y; everything where y may be 0."""
        across = (y.low <= 0) & (y.high >= 0)
        low, high = 1 / y.high, 1 / y.low
        out = np.where(across, -np.inf, low), np.where(across, np.inf, high)
        return Intervals(self, *self.outward(*out, np.maximum(np.abs(low), np.abs(high))), fresh=False)

    def working(self) -> Any:
        """Silence about overflow: what is not finite is told in the verdict."""
        return np.errstate(all="ignore")

    # --- functions ---

    def _rising(self, function: Callable[[Array], Array], a: Any) -> Intervals:
        a = self.of(a)
        low, high = function(a.low), function(a.high)
        return Intervals(self, *self.outward(low, high, 4 * np.maximum(np.abs(low), np.abs(high))))

    def exp(self, a: Any) -> Intervals:
        return self._rising(np.exp, a)

    def expm1(self, a: Any) -> Intervals:
        return self._rising(np.expm1, a)

    def log(self, a: Any) -> Intervals:
        return self._rising(lambda v: np.log(np.maximum(v, 0)), a)

    def log1p(self, a: Any) -> Intervals:
        return self._rising(np.log1p, a)

    def tanh(self, a: Any) -> Intervals:
        if self.inside is None:
            return self._rising(np.tanh, a)
        up, down = self.exp(a), self.exp(-self.of(a))  # as a person works it who has no such key
        both = hull(self._rising(np.tanh, a), (up - down) / (up + down))
        both.fresh = True
        return both

    def normal_cdf(self, a: Any) -> Intervals:
        return self._rising(Float64.normal_cdf, a)

    def sqrt(self, a: Any) -> Intervals:
        return self._rising(Float64.sqrt, a)

    def square(self, a: Any) -> Intervals:
        a = self.of(a)
        ends = a.low * a.low, a.high * a.high
        low, high = np.where((a.low <= 0) & (a.high >= 0), 0.0, np.minimum(*ends)), np.maximum(*ends)
        if self.inside is not None:  # half of it may have been rounded before it was multiplied by the whole
            half = self.inside.kept(a.low / 2, a.high / 2)
            other = _products(a, Intervals(self, 2 * half[0], 2 * half[1]))
            low, high = np.minimum(low, np.maximum(other[0], 0.0)), np.maximum(high, other[1])
        return self.made(low, high)

    def absolute(self, a: Any) -> Intervals:
        low = np.where((a.low <= 0) & (a.high >= 0), 0.0, np.minimum(np.abs(a.low), np.abs(a.high)))
        return Intervals(self, low, np.maximum(np.abs(a.low), np.abs(a.high)), fresh=a.fresh)

    def positive_part(self, a: Any) -> Intervals:
        return Intervals(self, np.maximum(a.low, 0), np.maximum(a.high, 0), fresh=a.fresh)

    def ones_like(self, a: Any) -> Intervals:
        ones = np.ones_like(a.low)
        return Intervals(self, ones, ones, fresh=False)

    def where(self, a: Any, positive: Any, otherwise: Any) -> Intervals:
        a = self.of(a)
        p, q = self.of(positive), self.of(otherwise)
        both = hull(p, q)
        out = (
            np.where(a.low > 0, getattr(p, end), np.where(a.high <= 0, getattr(q, end), getattr(both, end)))
            for end in ("low", "high")
        )
        return Intervals(self, *out)

    def unless_zero(self, t: Any, value: Any) -> Intervals:
        t, value = self.aligned(t, value)
        zero = (t.low == 0) & (t.high == 0)
        return Intervals(self, np.where(zero, 0, value.low), np.where(zero, 0, value.high))

    def over(self, t: Any, y: Any) -> Intervals:
        return self.unless_zero(t, t / y)

    def largest(self, a: Any, axis: int = 0) -> Intervals:
        top = self.of(a).high.max(axis=axis + 1)
        return Intervals(self, top, top, fresh=False)


def _padded(x: Intervals, ndim: int) -> Intervals:
    place = (slice(None), *(None,) * (ndim - x.ndim))
    return Intervals(x.m, x.low[place], x.high[place], fresh=False, of=x.of)
