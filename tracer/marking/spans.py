"""One number as it may be on many sheets: an interval for each, carried through the equations of a step.

An array of a step is an object array of these, so that whatever reads arrays (views, products of matrices, scattered
sums) works on sheets as well.  Every bound is rounded outwards.  A result that nobody has recorded is `fresh`: a person
may have rounded it before going on, and where the arithmetic's `inside` says so, it is widened when it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.arithmetic import Arithmetic, Float64
from derivations.given import Given
from tracer.answers.marking.discipline import Inside, as_held

__all__ = ["Span", "SpanArithmetic", "hull"]

Bounds = tuple[np.ndarray, np.ndarray]
MOST_ADDENDS = 12
"""Of a sum that may have been added up term by term."""


class Span:
    """The lower and upper ends of one number, (sheets,) or (1,) where all have the same.

    `shown` is what is written, nan where nothing is; `among` are those that it is the largest or smallest of, `addends`
    those that it is the sum of.
    """

    __slots__ = ("addends", "among", "complement", "fresh", "high", "low", "m", "shown")

    def __init__(
        self,
        m: SpanArithmetic,
        low: np.ndarray,
        high: np.ndarray,
        *,
        fresh: bool = True,
        complement: Span | None = None,
    ) -> None:
        self.m, self.low, self.high, self.fresh = m, low, high, fresh
        self.complement = complement  # of 1 - x the x, so that x (1 - x) is known to have x twice
        self.shown: np.ndarray | None = None
        self.among: tuple[Span, ...] = ()
        self.addends: tuple[Span, ...] = ()

    def used(self) -> Span:
        """As an operand: what may have been rounded before it is used is widened."""
        if not self.fresh or self.m.inside is None:
            return self
        return Span(self.m, *self.m.inside.kept(self.low, self.high), fresh=False, complement=self.complement)

    def __neg__(self) -> Span:
        out = Span(self.m, -self.high, -self.low, fresh=self.fresh)
        out.addends = tuple(-term for term in self.addends)
        return out

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # numpy takes every entry of it
        x, y = self.used(), self.m.of(other)
        out = self.m.made(x.low + y.low, x.high + y.high)
        return self.m.in_a_row(out, self, x, other if isinstance(other, Span) else y, y)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # numpy takes every entry of it
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # numpy takes every entry of it
        out = -self + other
        out.complement = self.used() if type(other) is int and other == 1 else None
        return out

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # numpy takes every entry of it
        x, y = self.used(), self.m.of(other)
        for a, b in ((x, y), (y, x)):
            if b.complement is not None and b.complement.low is a.low:
                return self._times_complement(a, b)
        return self.m.made(*_products(x, y))

    __rmul__ = __mul__

    def _times_complement(self, x: Span, y: Span) -> Span:
        """x (1 - x): the exact range, and what rounding 1 - x may add."""
        ends = x.low * (1 - x.low), x.high * (1 - x.high)
        top = np.where((x.low <= 0.5) & (x.high >= 0.5), 0.25, np.maximum(*ends))
        size = np.maximum(np.abs(x.low), np.abs(x.high))
        apart = size * self.m.inside.moves(y.low, y.high) if self.m.inside else 0.0
        return self.m.made(*self.m.outward(np.minimum(*ends) - apart, top + apart, size))

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # numpy takes every entry of it
        return self.m.made(*_products(self.used(), self.m.reciprocal(self.m.of(other))))

    def __rtruediv__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # numpy takes every entry of it
        return self.m.made(*_products(self.m.of(other), self.m.reciprocal(self.used())))

    def __pow__(self, n: int) -> Span:
        x = self.used()
        if n < 0:
            inverse: Span = 1 / x**-n
            return inverse
        ends = x.low**n, x.high**n
        low, high = np.minimum(*ends), np.maximum(*ends)
        if n % 2 == 0:
            low = np.where((x.low <= 0) & (x.high >= 0), 0.0, low)
        return self.m.made(*self.m.outward(low, high, n * np.maximum(*map(np.abs, ends))))


def hull(x: Span, y: Span) -> Span:
    """What is in one or the other."""
    out = Span(x.m, np.minimum(x.low, y.low), np.maximum(x.high, y.high), fresh=x.fresh, complement=x.complement)
    out.among = x.among
    return out


def _below(x: Span, y: Span) -> np.ndarray:
    """Where one number is surely less than another."""
    sure = x.high < y.low
    return np.asarray(sure if x.shown is None or y.shown is None else sure | (x.shown < y.shown))


def _products(x: Span, y: Span) -> Bounds:
    a, b, c, d = x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high
    return np.minimum(np.minimum(a, b), np.minimum(c, d)), np.maximum(np.maximum(a, b), np.maximum(c, d))


def _mended(low: np.ndarray, high: np.ndarray) -> Bounds:
    """Everything where bounds say nothing: 0 times infinity, infinity less infinity."""
    if not np.isnan(high - low).any():
        return low, high
    lost = np.isnan(low) | np.isnan(high)
    return np.where(lost, -np.inf, low), np.where(lost, np.inf, high)


class SpanArithmetic(Arithmetic):
    """The functions of the equations over spans.

    `inside` widens what may have been rounded before it is used; `machine` is the unit roundoff of a program whose
    every operation may have been rounded (2^-24 for float32), else 2^-53, which float64 itself needs.
    """

    name = "sheets"
    by_definition = True  # a sheet's own numbers are carried: nothing may bypass a written one

    def __init__(self, machine: float = 2.0**-53) -> None:
        self.inside: Inside | None = None
        self.machine = machine

    # --- making ---

    def outward(self, low: np.ndarray, high: np.ndarray, size: np.ndarray) -> Bounds:
        """Bounds moved out by the rounding of operations on numbers of that size."""
        slack = 2 * self.machine * size
        return _mended(low - slack, high + slack)

    def made(self, low: np.ndarray, high: np.ndarray) -> Span:
        """The result of one operation."""
        slack = 2 * self.machine
        return Span(self, *_mended(low - slack * np.abs(low), high + slack * np.abs(high)))

    def in_a_row(self, total: Span, first: Span, x: Span, second: Span, y: Span) -> Span:
        """A sum x + y of two, which may be sums: a person adds one term after the other, or both sums and then these.

        Each subtotal may be rounded before it is used.
        """
        if self.inside is None:
            return total
        left, right = first.addends or (x,), second.addends or (y,)
        if len(left) + len(right) <= MOST_ADDENDS:
            total.addends = left + right
        if len(right) > 1:
            low, high = first.low, first.high
            for k, term in enumerate(right):
                if k or len(left) > 1:
                    low, high = self.inside.kept(low, high)
                low, high = low + term.low, high + term.high
            total.low, total.high = np.minimum(total.low, low), np.maximum(total.high, high)
        return total

    def of(self, value: Any) -> Span:
        """A value as an operand; plain numbers are exact."""
        if isinstance(value, Span):
            return value.used()
        if isinstance(value, np.ndarray):  # a lone one in an array of no axes
            return self.of(value.item())
        return self.point(np.array([float(value)]))

    def point(self, values: np.ndarray) -> Span:
        """Numbers that are just these."""
        return Span(self, values, values, fresh=False)

    def number(self, text: str) -> Span:
        """One decimal or fraction, as tight as float64 holds it."""
        return self._held(Fraction(text))

    def _held(self, exact: Fraction) -> Span:
        value = np.array([float(exact)])
        is_exact = np.array([Fraction(value[0].item()) == exact])
        return Span(self, *as_held(value, is_exact, self.machine), fresh=False)

    def scalar(self, given: Given) -> Any:
        """One given number."""
        return self.lift(given).item()

    def lift(self, given: Given) -> np.ndarray:
        """Given numbers: a point where float64 holds them exactly."""
        out = np.empty(given.shape, object)
        texts = given.texts if given.texts is not None else map(repr, given.floats.ravel().tolist())
        for k, text in enumerate(texts):
            out.flat[k] = self._held(Fraction(text))
        return out

    @property
    def pi(self) -> Span:
        """The circle's number."""
        value = np.array([np.pi])
        return Span(self, np.nextafter(value, -np.inf), np.nextafter(value, np.inf), fresh=False)

    def mask(self, holds: np.ndarray) -> np.ndarray:
        """1 where a condition holds, 0 elsewhere, both exactly."""
        zero, one = self.point(np.zeros(1)), self.point(np.ones(1))
        out: np.ndarray = self._each(lambda h: one if h else zero)(holds)
        return out

    def reciprocal(self, y: Span) -> Span:
        """1 / y; everything where y may be 0."""
        across = (y.low <= 0) & (y.high >= 0)
        low, high = 1 / y.high, 1 / y.low
        out = np.where(across, -np.inf, low), np.where(across, np.inf, high)
        return Span(self, *self.outward(*out, np.maximum(np.abs(low), np.abs(high))), fresh=False)

    def working(self) -> Any:
        """Silence about overflow: what is not finite is told in the verdict."""
        return np.errstate(all="ignore")

    def _each(self, of: Callable[..., Any], arity: int = 1) -> Callable[..., Any]:
        def spans(*arrays: Any) -> Any:
            return np.frompyfunc(of, arity, 1)(*arrays)

        return spans

    # --- functions ---

    def _rising(self, function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], Any]:
        def of(value: Any) -> Span:
            a = self.of(value)
            low, high = function(a.low), function(a.high)
            return Span(self, *self.outward(low, high, 4 * np.maximum(np.abs(low), np.abs(high))))

        return self._each(of)

    def exp(self, a: Any) -> Any:
        return self._rising(np.exp)(a)

    def expm1(self, a: Any) -> Any:
        return self._rising(np.expm1)(a)

    def log(self, a: Any) -> Any:
        return self._rising(lambda v: np.log(np.maximum(v, 0)))(a)

    def log1p(self, a: Any) -> Any:
        return self._rising(lambda v: np.log1p(np.maximum(v, -1)))(a)

    def tanh(self, a: Any) -> Any:
        rising = self._rising(np.tanh)(a)
        if self.inside is None:
            return rising
        up, down = self.exp(a), self.exp(-a)  # as a person works it who has no such key

        def both(x: Span, y: Span) -> Span:
            return Span(self, np.minimum(x.low, y.low), np.maximum(x.high, y.high))

        return self._each(both, 2)(rising, (up - down) / (up + down))

    def normal_cdf(self, a: Any) -> Any:
        return self._rising(Float64.normal_cdf)(a)

    def sqrt(self, a: Any) -> Any:
        return self._rising(Float64.sqrt)(a)

    def sin(self, a: Any) -> Any:
        return self._each(lambda v: self._wave(self.of(v), 0.25))(a)

    def cos(self, a: Any) -> Any:
        return self._each(lambda v: self._wave(self.of(v), 0.0))(a)

    def _wave(self, a: Span, crest: float) -> Span:
        """cos(a - 2 pi crest): 1 at every whole turn from its crest, -1 half a turn on."""
        turns = a.low / (2 * np.pi) - crest, a.high / (2 * np.pi) - crest
        ends = np.cos(2 * np.pi * turns[0]), np.cos(2 * np.pi * turns[1])
        top = np.where(np.ceil(turns[0]) <= turns[1], 1.0, np.maximum(*ends))
        bottom = np.where(np.ceil(turns[0] - 0.5) <= turns[1] - 0.5, -1.0, np.minimum(*ends))
        size = 8 + 8 * np.maximum(np.abs(a.low), np.abs(a.high))
        return Span(self, *self.outward(bottom, top, size))

    def square(self, a: Any) -> Any:
        return self._each(lambda v: self.of(v) ** 2)(a)

    def inverted(self, a: Any, n: int) -> Any:
        return self._each(lambda v: self.of(v) ** n)(a)

    def absolute(self, a: Any) -> Any:
        def of(x: Span) -> Span:
            size = np.abs(x.low), np.abs(x.high)
            low = np.where((x.low <= 0) & (x.high >= 0), 0.0, np.minimum(*size))
            return Span(self, low, np.maximum(*size), fresh=x.fresh)

        return self._each(of)(a)

    def positive_part(self, a: Any) -> Any:
        return self._each(lambda x: Span(self, np.maximum(x.low, 0), np.maximum(x.high, 0), fresh=x.fresh))(a)

    def ones_like(self, a: Any) -> Any:
        one = self.point(np.ones(1))
        return self._each(lambda x: one)(a)

    def where(self, a: Any, positive: Any, otherwise: Any) -> Any:
        """Both, as one interval, where it is open which."""

        def of(test: Any, p: Any, q: Any) -> Span:
            test, p, q = self.of(test), self.of(p), self.of(q)
            low = np.where(test.low > 0, p.low, np.where(test.high <= 0, q.low, np.minimum(p.low, q.low)))
            high = np.where(test.low > 0, p.high, np.where(test.high <= 0, q.high, np.maximum(p.high, q.high)))
            return Span(self, low, high)

        return self._each(of, 3)(a, positive, otherwise)

    def unless_zero(self, t: Any, value: Any) -> Any:
        def of(t: Any, v: Any) -> Span:
            t, v = self.of(t), self.of(v)
            zero = (t.low == 0) & (t.high == 0)
            return Span(self, np.where(zero, 0, v.low), np.where(zero, 0, v.high))

        return self._each(of, 2)(t, value)

    def over(self, t: Any, y: Any) -> Any:
        return self.unless_zero(t, t / y)

    def largest(self, a: Any, axis: int = 0) -> Any:
        return 0

    def maximum(self, a: Any, axes: tuple[int, ...]) -> Any:
        return self._best(a, axes, np.max)

    def minimum(self, a: Any, axes: tuple[int, ...]) -> Any:
        return self._best(a, axes, np.min)

    def _best(self, a: Any, axes: tuple[int, ...], extreme: Callable[..., np.ndarray]) -> Any:
        """The largest or smallest over some axes, which knows what it is of."""
        keep = tuple(k for k in range(a.ndim) if k not in axes)
        rows = a.transpose(*keep, *axes).reshape(*(a.shape[k] for k in keep), -1)
        out = np.empty(rows.shape[:-1], object)
        for place in np.ndindex(*out.shape):
            among = tuple(rows[place])
            low, high = (np.array(np.broadcast_arrays(*(getattr(x, end) for x in among))) for end in ("low", "high"))
            best = Span(self, extreme(low, axis=0), extreme(high, axis=0), fresh=False)
            best.among = among
            out[place] = best
        return out if out.ndim else out.item()

    def is_largest(self, entry: Any, largest: Any) -> Any:
        """1 where an entry is the largest of what was compared, 0 where another one is, either where two look equal."""
        return self._each(lambda x, top: self._is_best(x, top, 1), 2)(entry, largest)

    def is_smallest(self, entry: Any, smallest: Any) -> Any:
        """The same of the smallest."""
        return self._each(lambda x, top: self._is_best(x, top, -1), 2)(entry, smallest)

    def _is_best(self, x: Span, best: Span, sign: int) -> Span:
        """By what is written where it is, as people compare; rounding keeps the order of numbers."""
        first, last = np.asarray(True), np.asarray(False)
        for other in best.among or (best,):
            if other is not x:
                below, above = _below(other, x), _below(x, other)
                beaten, beating = (below, above) if sign > 0 else (above, below)
                first, last = first & beaten, last | beating
        if not best.among:  # of what it is nobody knows: it is the entry itself, or it is not
            first = (x.low == best.low) & (x.high == best.high) & (x.low == x.high)
        return Span(self, np.where(first, 1.0, 0.0), np.where(last, 0.0, 1.0), fresh=False)

    def softmax(self, a: Any, axis: int) -> Any:
        """exp(a[k])/Σ_j exp(a[j]), where each exponential stands above and below: the exact range."""
        e = self.exp(a)
        rest = e.sum(axis=axis, keepdims=True)

        def of(x: Any, total: Any) -> Span:
            x, total = self.of(x), self.of(total)
            others = np.maximum(total.low - x.low, 0), np.maximum(total.high - x.high, 0)
            low, high = x.low / (x.low + others[1]), x.high / (x.high + others[0])
            return self.made(*self.outward(low, high, 8 * np.abs(high)))

        return self._each(of, 2)(e, rest)
