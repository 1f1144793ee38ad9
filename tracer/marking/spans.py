"""Numbers as they may be on many sheets: an interval for each and each sheet, carried through the equations of a step.

An array of a step is one of these; the last axis, of the sheets, is hidden, so whatever reads arrays (views, products
of matrices, scattered sums) works on all sheets at once.  Every bound is rounded outwards.  A result that nobody has
recorded is `fresh`: a person may have rounded it before going on, and where the arithmetic's `inside` says so, it is
widened when it is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tracer.marking.span_arithmetic import SpanArithmetic

__all__ = ["MOST_ADDENDS", "Bounds", "Span", "hull"]

Bounds = tuple[np.ndarray, np.ndarray]
MOST_ADDENDS = 12
"""Of a sum that may have been added up term by term."""
_NUMBERED = [0]
"""How many were told apart: numbers tell entries of arrays apart, for the largest of some to be known as itself."""


class Span:
    """Lower and upper ends, (*axes, sheets), the last axis 1 where all sheets have the same.

    `shown` is what is written, nan where nothing is; `among` are those that it is the largest or smallest of, `addends`
    those that it is the sum of; `ids` number the entries of a recorded array.
    """

    __slots__ = ("addends", "among", "complement", "fresh", "high", "ids", "low", "m", "shown")
    __array_ufunc__ = None  # numpy arrays leave the operators to this class

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
        self.among: Span | None = None
        self.addends: tuple[Span, ...] = ()
        self.ids: np.ndarray | None = None

    # --- as an array ---

    @property
    def shape(self) -> tuple[int, ...]:
        """Without the sheets."""
        return self.low.shape[:-1]

    @property
    def ndim(self) -> int:
        """How many axes it has besides that of the sheets."""
        return self.low.ndim - 1

    @property
    def ends(self) -> Bounds:
        """Both ends."""
        return self.low, self.high

    def numbered(self) -> Span:
        """The same, its entries told apart from now on."""
        count = math.prod(self.shape)
        self.ids = np.arange(_NUMBERED[0], _NUMBERED[0] + count).reshape(self.shape)
        _NUMBERED[0] += count
        return self

    def through(self, how: Callable[[np.ndarray], np.ndarray]) -> Span:
        """Moved: what reads an array reads both ends alike."""
        low = how(self.low)
        out = Span(self.m, low, low if self.high is self.low else how(self.high), fresh=self.fresh)
        if self.complement is not None:
            out.complement = self.complement.through(how)
        if self.shown is not None:
            out.shown = how(np.broadcast_to(self.shown, (*self.shape, self.shown.shape[-1])))
        if self.ids is not None:
            out.ids = how(self.ids[..., None])[..., 0]
        if self.among is not None:
            out.among = self.among.through(lambda a: np.array([how(one) for one in a]))
        out.addends = tuple(term.through(how) for term in self.addends)
        return out

    def __getitem__(self, key: Any) -> Span:
        place = key if isinstance(key, tuple) else (key,)
        if any(k is Ellipsis for k in place):
            place = (*place, slice(None))
        return self.through(lambda a: a[place])

    def __setitem__(self, key: Any, value: Any) -> None:
        place = key if isinstance(key, tuple) else (key,)
        if any(k is Ellipsis for k in place):
            place = (*place, slice(None))
        value = self.m.of(value)
        sheets = max(self.low.shape[-1], value.low.shape[-1])
        for end in ("low", "high"):
            old, new = getattr(self, end), getattr(value, end)
            if old.shape[-1] != sheets or not old.flags.writeable:
                old = np.array(np.broadcast_to(old, (*self.shape, sheets)))
            old[place] = new
            setattr(self, end, old)

    @property
    def T(self) -> Span:
        """Transposed."""
        return self.transpose(tuple(reversed(range(self.ndim))))

    def transpose(self, *turn: Any) -> Span:
        """The axes in another order."""
        order = tuple(turn[0]) if len(turn) == 1 and not isinstance(turn[0], int) else turn
        return self.through(lambda a: a.transpose(*order, a.ndim - 1))

    def reshape(self, *shape: Any) -> Span:
        """The same numbers in other axes."""
        wanted = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return self.through(lambda a: a.reshape(*wanted, a.shape[-1]))

    def broadcast(self, shape: tuple[int, ...]) -> Span:
        """Repeated along axes that it lacks."""
        return self.through(lambda a: np.broadcast_to(a, (*shape, a.shape[-1])))

    def repeated(self, count: int) -> Span:
        """The sheets so many times beside each other."""
        return self if count == 1 else self.through(lambda a: a if a.shape[-1] == 1 else np.tile(a, count))

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Span:
        """The sum over an axis, or over all, added up one after the other."""
        if axis is None:
            return self.reshape((-1,)).sum(axis=0)
        count = self.shape[axis]
        if self.m.inside is not None and count > MOST_ADDENDS:
            total = self.m.added_up(self.used(), axis)
        elif self.m.inside is None and count > 1:
            x = self.used()
            size = np.maximum(np.abs(x.low), np.abs(x.high)).sum(axis=axis)
            total = Span(self.m, *self.m.outward(x.low.sum(axis=axis), x.high.sum(axis=axis), count * size))
        else:
            rest = [self.through(lambda a, k=k: np.take(a, k, axis=axis)) for k in range(count)]  # type: ignore[misc]
            total = rest[0]
            for term in rest[1:]:
                total = total + term
        return total.through(lambda a: np.expand_dims(a, axis)) if keepdims else total

    def __matmul__(self, other: Any) -> Span:
        y = self.m.of(other)
        if y.ndim == 1:
            return (self * y).sum(axis=self.ndim - 1)
        left = self.through(lambda a: a[..., None, :])
        right = y.through(lambda a: a[..., None, :, :, :])
        product: Span = left * right
        return product.sum(axis=product.ndim - 2)

    def __rmatmul__(self, other: Any) -> Span:
        out: Span = self.m.of(other) @ self
        return out

    def is_finite(self) -> np.ndarray:
        """Where both ends are numbers."""
        return np.asarray(np.isfinite(self.low) & np.isfinite(self.high))

    def where_finite(self, otherwise: Span) -> Span:
        """The same, others where an end is no number."""
        finite = self.is_finite()
        low, high = (np.where(finite, a, b) for a, b in zip(self.ends, otherwise.ends, strict=True))
        return Span(self.m, low, high, fresh=self.fresh)

    # --- as numbers ---

    def used(self) -> Span:
        """As an operand: what may have been rounded before it is used is widened."""
        if not self.fresh or self.m.inside is None:
            return self
        return Span(self.m, *self.m.inside.kept(self.low, self.high), fresh=False, complement=self.complement)

    def as_factor(self) -> Span:
        """The same where it is multiplied, or is the number of a whole line: a figure of it is left."""
        if not self.fresh or self.m.inside is None:
            return self
        ends = self.m.inside.of_factors.kept(self.low, self.high)
        return Span(self.m, *ends, fresh=False, complement=self.complement)

    def __neg__(self) -> Span:
        out = Span(self.m, -self.high, -self.low, fresh=self.fresh)
        out.addends = tuple(-term for term in self.addends)
        return out

    def __add__(self, other: Any) -> Span:
        x, y = self.used(), self.m.of(other)
        out = self.m.made(x.low + y.low, x.high + y.high)
        return self.m.in_a_row(out, self, x, other if isinstance(other, Span) else y, y)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Span:
        out: Span = self + (-other)
        return out

    def __rsub__(self, other: Any) -> Span:
        out: Span = -self + other
        out.complement = self.used() if type(other) is int and other == 1 else None
        return out

    def __mul__(self, other: Any) -> Span:
        x, y = self.as_factor(), self.m.factor(other)
        for a, b in ((x, y), (y, x)):
            if b.complement is not None and _is_same(b.complement.low, a.low):
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

    def __truediv__(self, other: Any) -> Span:
        return self.m.made(*_products(self.as_factor(), self.m.reciprocal(self.m.factor(other))))

    def __rtruediv__(self, other: Any) -> Span:
        return self.m.made(*_products(self.m.factor(other), self.m.reciprocal(self.as_factor())))

    def __pow__(self, n: int) -> Span:
        x = self.as_factor()
        if n < 0:
            inverse: Span = 1 / x**-n
            return inverse
        ends = x.low**n, x.high**n
        low, high = np.minimum(*ends), np.maximum(*ends)
        if n % 2 == 0:
            low = np.where((x.low <= 0) & (x.high >= 0), 0.0, low)
        return self.m.made(*self.m.outward(low, high, n * np.maximum(*map(np.abs, ends))))


def _is_same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays are the same numbers in memory, read alike."""
    one, other = a.__array_interface__, b.__array_interface__
    return a is b or (one["data"], one["shape"], a.strides) == (other["data"], other["shape"], b.strides)


def hull(x: Span, y: Span) -> Span:
    """What is in one or the other."""
    out = Span(x.m, np.minimum(x.low, y.low), np.maximum(x.high, y.high), fresh=x.fresh, complement=x.complement)
    out.among = x.among
    return out


def _products(x: Span, y: Span) -> Bounds:
    if x.low is x.high:
        a = x.low * y.low
        b = a if y.low is y.high else x.low * y.high
        return (a, a) if a is b else (np.minimum(a, b), np.maximum(a, b))
    a, b, c, d = x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high
    return np.minimum(np.minimum(a, b), np.minimum(c, d)), np.maximum(np.maximum(a, b), np.maximum(c, d))
