"""The functions of the equations over spans: intervals of many sheets, and plain numbers of many sheets."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.arithmetic import Arithmetic, Float64
from derivations.given import Given
from tracer.marking.discipline import Inside, as_held
from tracer.marking.spans import MOST_ADDENDS, Bounds, Span

__all__ = ["PointArithmetic", "SpanArithmetic"]

MOST_BOUNDS = 8
"""That are tried for how far rounded subtotals move a long sum."""


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
            total.addends = tuple(t if t.shape == total.shape else t.broadcast(total.shape) for t in left + right)
        if len(right) > 1:
            low, high = first.low, first.high
            for k, term in enumerate(right):
                if k or len(left) > 1:
                    low, high = self.inside.kept(low, high)
                low, high = low + term.low, high + term.high
            total.low, total.high = np.minimum(total.low, low), np.maximum(total.high, high)
        return total

    def added_up(self, x: Span, axis: int) -> Span:
        """A long sum, every subtotal rounded: how far all together move it, by induction over the subtotals."""
        assert self.inside is not None
        low, high = np.cumsum(x.low, axis=axis), np.cumsum(x.high, axis=axis)
        size = np.maximum(np.abs(x.low), np.abs(x.high)).sum(axis=axis, keepdims=True)
        off = np.zeros(low.shape)
        for _ in range(MOST_BOUNDS):  # a bound with which each subtotal moves no further than it says is one
            moved = self.inside.moves(low - off, high + off)
            whole = np.broadcast_shapes(moved.shape, low.shape)
            least = np.cumsum(np.broadcast_to(moved, whole), axis=axis)
            if (least <= off).all():
                break
            off = 2 * least
        else:
            least = np.full(off.shape, np.inf)
        bottom, top = (np.take(end, -1, axis=axis) for end in (low - least, high + least))
        return Span(self, *self.outward(bottom, top, x.shape[axis] * np.take(size, 0, axis=axis)))

    def of(self, value: Any) -> Span:
        """A value as an operand; plain numbers are exact."""
        if isinstance(value, Span):
            return value.used()
        return self.point(np.asarray(value, float)[..., None])

    def factor(self, value: Any) -> Span:
        """A value that is multiplied."""
        return value.as_factor() if isinstance(value, Span) else self.of(value)

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
        return self.lift(given)

    def lift(self, given: Given) -> Any:
        """Given numbers: a point where float64 holds them exactly."""
        values = np.asarray(given.floats, float)
        texts = given.texts if given.texts is not None else map(repr, values.ravel().tolist())
        pairs = zip(texts, values.ravel().tolist(), strict=True)
        exact = np.array([Fraction(t) == Fraction(v) for t, v in pairs], bool).reshape(values.shape)
        return Span(self, *as_held(values[..., None], exact[..., None], self.machine), fresh=False)

    def blank(self, shape: tuple[int, ...]) -> Any:
        """Zeros, to be filled."""
        return Span(self, np.zeros((*shape, 1)), np.zeros((*shape, 1)), fresh=False)

    @property
    def pi(self) -> Span:
        """The circle's number."""
        value = np.array([np.pi])
        return Span(self, np.nextafter(value, -np.inf), np.nextafter(value, np.inf), fresh=False)

    def mask(self, holds: np.ndarray) -> Any:
        """1 where a condition holds, 0 elsewhere, both exactly."""
        return self.point(np.asarray(holds, float)[..., None])

    def chosen(self, holds: np.ndarray, one: Any, other: Any) -> Any:
        """One array where a condition on indices holds, another elsewhere."""
        x, y = self.of(one), self.of(other)
        where = np.asarray(holds)[..., None]
        return Span(self, np.where(where, x.low, y.low), np.where(where, x.high, y.high), fresh=False)

    def reciprocal(self, y: Span) -> Span:
        """1 / y; everything where y may be 0."""
        across = (y.low <= 0) & (y.high >= 0)
        low, high = 1 / y.high, 1 / y.low
        out = np.where(across, -np.inf, low), np.where(across, np.inf, high)
        return Span(self, *self.outward(*out, np.maximum(np.abs(low), np.abs(high))), fresh=False)

    def working(self) -> Any:
        """Silence about overflow: what is not finite is told in the verdict."""
        return np.errstate(all="ignore")

    # --- functions ---

    def _rising(self, function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], Any]:
        def of(value: Any) -> Span:
            a = self.of(value)
            low, high = function(a.low), function(a.high)
            return Span(self, *self.outward(low, high, 4 * np.maximum(np.abs(low), np.abs(high))))

        return of

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
        up, down = self.exp(a), self.exp(-self.of(a))  # as a person works it who has no such key
        shares = (up - down) / (up + down)
        return Span(self, np.minimum(rising.low, shares.low), np.maximum(rising.high, shares.high))

    def normal_cdf(self, a: Any) -> Any:
        return self._rising(Float64.normal_cdf)(a)

    def sqrt(self, a: Any) -> Any:
        return self._rising(Float64.sqrt)(a)

    def sin(self, a: Any) -> Any:
        return self._wave(self.of(a), 0.25)

    def cos(self, a: Any) -> Any:
        return self._wave(self.of(a), 0.0)

    def _wave(self, a: Span, crest: float) -> Span:
        """cos(a - 2 pi crest): 1 at every whole turn from its crest, -1 half a turn on."""
        turns = a.low / (2 * np.pi) - crest, a.high / (2 * np.pi) - crest
        ends = np.cos(2 * np.pi * turns[0]), np.cos(2 * np.pi * turns[1])
        top = np.where(np.ceil(turns[0]) <= turns[1], 1.0, np.maximum(*ends))
        bottom = np.where(np.ceil(turns[0] - 0.5) <= turns[1] - 0.5, -1.0, np.minimum(*ends))
        size = 8 + 8 * np.maximum(np.abs(a.low), np.abs(a.high))
        return Span(self, *self.outward(bottom, top, size))

    def square(self, a: Any) -> Any:
        return self.of(a) ** 2

    def inverted(self, a: Any, n: int) -> Any:
        return self.of(a) ** n

    def absolute(self, a: Any) -> Any:
        size = np.abs(a.low), np.abs(a.high)
        low = np.where((a.low <= 0) & (a.high >= 0), 0.0, np.minimum(*size))
        return Span(self, low, np.maximum(*size), fresh=a.fresh)

    def positive_part(self, a: Any) -> Any:
        return Span(self, np.maximum(a.low, 0), np.maximum(a.high, 0), fresh=a.fresh)

    def ones_like(self, a: Any) -> Any:
        return self.point(np.ones((*np.shape(a), 1)))

    def where(self, a: Any, positive: Any, otherwise: Any) -> Any:
        """Both, as one interval, where it is open which."""
        test, p, q = self.of(a), self.of(positive), self.of(otherwise)
        low = np.where(test.low > 0, p.low, np.where(test.high <= 0, q.low, np.minimum(p.low, q.low)))
        high = np.where(test.low > 0, p.high, np.where(test.high <= 0, q.high, np.maximum(p.high, q.high)))
        return Span(self, low, high)

    def unless_zero(self, t: Any, value: Any) -> Any:
        t, v = self.of(t), self.of(value)
        zero = (t.low == 0) & (t.high == 0)
        return Span(self, np.where(zero, 0, v.low), np.where(zero, 0, v.high))

    def over(self, t: Any, y: Any) -> Any:
        return self.unless_zero(t, t / y)

    def largest(self, a: Any, axis: int = 0) -> Any:
        return 0

    def maximum(self, a: Any, axes: tuple[int, ...]) -> Any:
        return self._best(a, axes, np.max)

    def minimum(self, a: Any, axes: tuple[int, ...]) -> Any:
        return self._best(a, axes, np.min)

    def _best(self, a: Span, axes: tuple[int, ...], extreme: Callable[..., np.ndarray]) -> Any:
        """The largest or smallest over some axes, which knows what it is of."""
        keep = tuple(k for k in range(a.ndim) if k not in axes)
        rows = a.transpose(*axes, *keep).reshape(-1, *(a.shape[k] for k in keep))
        best = Span(self, extreme(rows.low, axis=0), extreme(rows.high, axis=0), fresh=False)
        best.among = rows
        return best

    def is_largest(self, entry: Any, largest: Any) -> Any:
        """1 where an entry is the largest of what was compared, 0 where another one is, either where two look equal."""
        return self._is_best(entry, largest, 1)

    def is_smallest(self, entry: Any, smallest: Any) -> Any:
        """The same of the smallest."""
        return self._is_best(entry, smallest, -1)

    def _is_best(self, x: Span, best: Span, sign: int) -> Span:
        """By what is written where it is, as people compare; rounding keeps the order of numbers."""
        if best.among is None:  # of what it is nobody knows: it is the entry itself, or it is not
            first = (x.low == best.low) & (x.high == best.high) & (x.low == x.high)
            return Span(self, np.where(first, 1.0, 0.0), np.ones_like(x.low * best.low), fresh=False)
        first, last = np.asarray(True), np.asarray(False)
        for k in range(best.among.shape[0]):
            other = best.among[k]
            itself = np.asarray(False)
            if x.ids is not None and other.ids is not None:
                itself = (x.ids == other.ids)[..., None]
            below, above = _below(other, x), _below(x, other)
            beaten, beating = (below, above) if sign > 0 else (above, below)
            first, last = first & (beaten | itself), last | (beating & ~itself)
        return Span(self, np.where(first, 1.0, 0.0), np.where(last, 0.0, 1.0), fresh=False)

    def softmax(self, a: Any, axis: int) -> Any:
        """exp(a[k])/Σ_j exp(a[j]), where each exponential stands above and below: the exact range."""
        e = self.exp(a)
        x, total = self.of(e), self.of(e.sum(axis=axis, keepdims=True))
        others = np.maximum(total.low - x.low, 0), np.maximum(total.high - x.high, 0)
        low, high = x.low / (x.low + others[1]), x.high / (x.high + others[0])
        return self.made(*self.outward(low, high, 8 * np.abs(high)))


def _below(x: Span, y: Span) -> np.ndarray:
    """Where one number is surely less than another."""
    sure = x.high < y.low
    return np.asarray(sure if x.shown is None or y.shown is None else sure | (x.shown < y.shown))


class PointArithmetic(SpanArithmetic):
    """Plain numbers of many sheets, far cheaper than what may follow: nothing is rounded but as float64 does."""

    name = "points"

    def outward(self, low: np.ndarray, high: np.ndarray, size: np.ndarray) -> Bounds:
        """The number as it is."""
        return low, low

    def made(self, low: np.ndarray, high: np.ndarray) -> Span:
        """The result of one operation."""
        return Span(self, low, low, fresh=False)

    def point_of(self, span: Span) -> Span:
        """The middle of an interval."""
        middle = (span.low + span.high) / 2
        out = Span(self, middle, middle, fresh=False)
        out.ids, out.shown = span.ids, span.shown
        return out
