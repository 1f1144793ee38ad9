"""Numbers whose errors are known by where they come from, so that what cancels is seen to cancel.

A bound of a sum of products is the sum of sizes: over a long recurrence it grows where the errors themselves do not,
because one error reaches a number by many ways with different signs.  Here a number carries how it moves with each of
many errors (a first-order term each, as in affine arithmetic: Stolfi & de Figueiredo 1997), and beside them a rest that
is only bounded: roundings, and all terms of second order.  Each entry that goes into a sum of products has an error of
its own from there on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.forms import Context
from tracer.verification.bounded import ULPS, Bounded, Decision
from tracer.verification.boxes import Read
from tracer.verification.contraction import contracted, filled

__all__ = ["Correlated", "TooMany"]

MOST = 1 << 21
"""Terms in one array."""
FRESH = 1 << 10
"""Entries of an array that get errors of their own."""
Floats = Any


class TooMany(Exception):
    """There are more terms than it is worth."""


@dataclass
class AffineForm:
    """A value v with its errors: `terms`, an axis for the errors in front; the rest, of which only the size is known.

    `of` is the array that these are entries of: what is found out about their errors is kept there.
    """

    v: Floats
    terms: Floats | None
    rest: Floats
    of: tuple[AffineForm, Read] | None = None

    @property
    def error(self) -> Floats:
        """How far a correct one may be off."""
        return self.rest if self.terms is None else np.abs(self.terms).sum(axis=0) + self.rest


class Correlated:
    """The arithmetic of values with correlated errors at unit roundoff u."""

    def __init__(self, u: float) -> None:
        self.plain, self.u, self.count = Bounded(u), u, 0

    # --- arrays ---

    def given(self, array: Floats) -> AffineForm:
        """Exact, or rounded once."""
        return self._of(self.plain.given(array))

    def blank(self, shape: tuple[int, ...]) -> AffineForm:
        """Zeros, to be filled."""
        return AffineForm(np.zeros(shape), None, np.zeros(shape))

    def one(self, shape: tuple[int, ...]) -> AffineForm:
        """The slope of the objective in itself."""
        return AffineForm(np.ones(shape), None, np.zeros(shape))

    def own(self, x: AffineForm) -> AffineForm:
        """A copy that may be added to."""
        return AffineForm(_copy(x.v), None if x.terms is None else _copy(x.terms), _copy(x.rest))

    def take(self, x: AffineForm, read: Read) -> AffineForm:
        """The entries that are read."""
        terms = None if x.terms is None else self._taken(x.terms, read)
        return AffineForm(read.take(x.v), terms, read.take(x.rest), (x, read) if read.slices else None)

    def _taken(self, terms: Floats, read: Read) -> Floats:
        if read.slices:
            where, turn = read.slices
            return terms[(slice(None), *where)].transpose([0, *(1 + k for k in turn)])
        places, flat = read.places(), terms.reshape(len(terms), -1)
        self._counted(len(flat) * places.size)
        inside = places < flat.shape[1]
        return np.where(inside, flat[:, np.where(inside, places, 0)], 0.0)

    def _each(self, x: AffineForm, of: Callable[[Floats], Floats], of_terms: Callable[[Floats], Floats]) -> AffineForm:
        return AffineForm(of(x.v), None if x.terms is None else of_terms(x.terms), of(x.rest))

    def spread(self, x: AffineForm, at: tuple[slice | None, ...] | None) -> AffineForm:
        """With an axis for every letter of a box."""
        return x if at is None else self._each(x, lambda a: a[at], lambda a: a[(slice(None), *at)])

    def full(self, x: AffineForm, shape: tuple[int, ...]) -> AffineForm:
        """In a shape."""
        if np.shape(x.v) == shape:
            return x
        return self._each(
            x,
            lambda a: filled(a, shape),
            lambda a: _spread_terms(a, shape),
        )

    def rows(self, x: AffineForm, axes: int) -> AffineForm:
        """The axes after the first few as one."""
        return self.shaped(x, (*np.shape(x.v)[:axes], -1))

    def shaped(self, x: AffineForm, shape: tuple[int, ...]) -> AffineForm:
        """The same numbers in another shape."""
        return self._each(x, lambda a: a.reshape(shape), lambda a: a.reshape(len(a), *shape))

    def put(self, whole: AffineForm, read: Read, x: AffineForm) -> None:
        """Values in places that held 0."""
        read.add(whole.v, x.v)
        read.add(whole.rest, x.rest)
        if x.terms is None:
            return
        terms = self._longer(whole, len(x.terms))
        if read.slices:
            self._taken(terms, read)[: len(x.terms)] += x.terms
            return
        for term, more in zip(terms, x.terms, strict=False):
            read.add(term, more)

    def add(self, whole: AffineForm, read: Read, x: AffineForm) -> None:
        """More for places that may hold something."""
        self.put(whole, read, x)
        if read.slices and not read.entire:
            read.add(whole.rest, self.u * np.abs(read.take(whole.v)))
        else:
            whole.rest += self.u * np.abs(whole.v)

    def largest(self, x: AffineForm, axis: int) -> AffineForm:
        """Some number near the largest along an axis, exactly."""
        return self._of(self.plain.largest((x.v, x.rest), axis))

    def sum(self, x: AffineForm, axes: tuple[int, ...]) -> AffineForm:
        """Over axes, in any order."""
        if not axes:
            return x
        v, rest = self.plain.sum((x.v, x.rest), axes)
        return AffineForm(v, None if x.terms is None else x.terms.sum(axis=tuple(k + 1 for k in axes)), rest)

    def contract(
        self, x: AffineForm, xl: Sequence[str], y: AffineForm, yl: Sequence[str], out: Sequence[str]
    ) -> AffineForm:
        """The sum of products over the letters that are not in `out`."""
        x, y = self._apart(x), self._apart(y)
        v, rest = self.plain.contract((x.v, x.rest), xl, (y.v, y.rest), yl, out)
        terms = None
        if x.terms is not None:
            terms = contracted(x.terms, ["°", *xl], y.v, yl, ["°", *out])
        if y.terms is not None:
            terms = self._sum(terms, contracted(x.v, xl, y.terms, ["°", *yl], ["°", *out]))
        if x.terms is not None and y.terms is not None:
            rest = rest + contracted(x.error, xl, y.error, yl, out)
        elif x.terms is not None or y.terms is not None:
            both = (x.error, y.rest) if x.terms is not None else (x.rest, y.error)
            rest = rest + contracted(both[0], xl, both[1], yl, out)
        return AffineForm(v, terms, rest)

    def floats(self, x: AffineForm) -> tuple[Floats, Floats]:
        """The values and their bounds."""
        return x.v, x.error

    # --- terms ---

    def _of(self, x: tuple[Floats, Any]) -> AffineForm:
        """What has no terms."""
        v, e = np.asarray(x[0], float), np.asarray(x[1], float)
        return AffineForm(v, None, filled(e, v.shape))

    def _counted(self, size: int) -> None:
        if size > MOST:
            raise TooMany

    def _longer(self, x: AffineForm, count: int) -> Floats:
        """The terms of an array, at least so many of them."""
        there = 0 if x.terms is None else len(x.terms)
        self._counted(max(count, there) * x.v.size)
        if x.terms is None or there < count:
            terms = np.zeros((count, *x.v.shape))
            terms[:there] = 0.0 if x.terms is None else x.terms
            x.terms = terms
        x.terms = _writable(x.terms)
        return x.terms

    def _apart(self, x: AffineForm) -> AffineForm:
        """The rest of each entry as an error of its own, here and in the array that it is an entry of."""
        where = np.flatnonzero(x.rest)
        if not len(where) or len(where) > FRESH:
            return x
        first = self.count
        self.count += len(where)
        terms = _copy(self._longer(AffineForm(x.v, x.terms, x.rest), self.count))
        terms.reshape(self.count, -1)[first + np.arange(len(where)), where] = np.ravel(x.rest)[where]
        x.terms, x.rest = terms, np.zeros(x.v.shape)
        if x.of is not None:
            whole, read = x.of
            whole.rest = _copy(whole.rest)  # z = a has the numbers of a, and is not to change them
            slices, turn = read.slices or ((), ())
            whole.rest[(*slices, ...)] = 0.0
            whole.terms = _copy(self._longer(whole, self.count))
            whole.terms[(slice(None), *slices)].transpose([0, *(1 + k for k in turn)])[...] = terms
        return x

    def _sum(self, x: Floats | None, y: Floats | None) -> Floats | None:
        """Terms added; those that one of them has not are 0."""
        if x is None or y is None:
            return y if x is None else x
        long, short = (x, y) if len(x) >= len(y) else (y, x)
        shape = np.broadcast_shapes(long.shape[1:], short.shape[1:])
        self._counted(len(long) * math.prod(shape))
        out = np.array(np.broadcast_to(long, (len(long), *shape)))
        out[: len(short)] += short
        return out

    def _linear(self, v: Floats, parts: list[tuple[Floats, AffineForm]], rest: Floats) -> AffineForm:
        """A value whose first-order terms are those of its arguments, each times a slope."""
        terms: Floats | None = None
        for slope, x in parts:
            if x.terms is not None:
                self._counted(len(x.terms) * np.size(v))
                terms = self._sum(terms, slope * _spread_terms(x.terms, np.shape(v)))
            rest = rest + np.abs(slope) * x.rest
        return AffineForm(v, terms, filled(np.asarray(rest, float), np.shape(v)))

    # --- operations ---

    def number(self, value: Fraction) -> AffineForm:
        return self._of(self.plain.number(value))

    def pi(self) -> AffineForm:
        return self._of(self.plain.pi())

    def total(self, terms: list[tuple[int, AffineForm]]) -> AffineForm:
        (sign, first), *more = terms
        out = self._linear(sign * first.v, [(float(sign), first)], 0.0)
        for s, x in more:
            v = out.v + x.v if s > 0 else out.v - x.v
            out = self._linear(v, [(1.0, out), (float(s), x)], self.u * np.abs(v))
        return out

    def product(self, x: AffineForm, y: AffineForm) -> AffineForm:
        p = x.v * y.v
        return self._linear(p, [(y.v, x), (x.v, y)], x.error * y.error + self.u * np.abs(p))

    def quotient(self, x: AffineForm, y: AffineForm) -> AffineForm:
        """(v + a)/(w + b) - q is (a - q b)/w, less the part b/(w + b) of it."""
        q, below, e = x.v / y.v, np.abs(y.v), y.error
        with np.errstate(all="ignore"):
            more = np.where(
                e < below, (x.error + np.abs(q) * e) / below * (e / (below - e)), np.where(e == 0, 0.0, np.inf)
            )
        return self._linear(q, [(1 / y.v, x), (-q / y.v, y)], more + self.u * np.abs(q))

    def whole_power(self, x: AffineForm, n: int) -> AffineForm:
        if n < 0:
            return self.quotient(self.number(Fraction(1)), self.whole_power(x, -n))
        p, e = x.v * x.v if n == 2 else x.v**n, x.error
        curved = n * (n - 1) / 2 * (np.abs(x.v) + e) ** (n - 2) * e * e if n > 1 else 0.0
        return self._linear(p, [(n * x.v ** (n - 1), x)], curved + n * self.u * np.abs(p) + self.plain.lost)

    def power(self, x: AffineForm, y: AffineForm) -> AffineForm:
        return self._of(self.plain.power((x.v, x.error), (y.v, y.error)))

    def call(self, name: str, *x: AffineForm) -> AffineForm:
        if name not in _SLOPES:
            return self._of(self.plain.call(name, *((a.v, a.error) for a in x)))
        (a,) = x
        f, _ = self.plain.call(name, (a.v, np.zeros(np.shape(a.v))))
        slope, curvature = _SLOPES[name](a.v, f, a.error)
        own = ULPS * self.u * np.maximum(np.abs(f), np.minimum(np.abs(a.v), 1.0) * np.abs(slope)) + self.plain.lost
        return self._linear(f, [(slope, a)], curvature * a.error**2 / 2 + own)

    # --- choices ---

    def decide(self, test: AffineForm, k: int, context: Context) -> Decision:
        return self.plain.decide((test.v, test.error), k, context)

    def settled(self, test: AffineForm) -> Decision:
        return self.plain.settled((test.v, test.rest))

    def choose(self, decision: Decision, x: AffineForm, y: AffineForm, *, hull: bool) -> AffineForm:
        mask, near = decision
        rest = np.where(near, np.abs(x.v - y.v), 0.0) if hull else 0.0
        one = np.where(mask, 1.0, 0.0)
        return self._linear(np.where(mask, x.v, y.v), [(one, x), (1 - one, y)], rest)

    def extreme(self, x: AffineForm, axis: int, sign: int) -> tuple[AffineForm, Floats, Floats]:
        value, at, near = self.plain.extreme((x.v, x.error), axis, sign)
        return self._of(value), at, near

    def among(self, x: AffineForm, at: Floats) -> AffineForm:
        return self._linear(np.where(at, x.v * at, 0.0), [(np.where(at, 1.0, 0.0), x)], 0.0)


def _spread_terms(terms: Floats, shape: tuple[int, ...]) -> Floats:
    """The terms of an array in another shape that it goes into."""
    ones = (1,) * (len(shape) + 1 - terms.ndim)
    return filled(terms.reshape(len(terms), *ones, *terms.shape[1:]), (len(terms), *shape))


def _writable(array: Floats) -> Floats:
    return array if array.flags.writeable and array.flags.c_contiguous else _copy(array)


def _copy(array: Floats) -> Floats:
    """A copy whose numbers lie one after another, as flat places are counted."""
    return np.array(array, order="C")


Sloped = Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]


def _of_log(v: Floats, f: Floats, e: Floats) -> tuple[Floats, Floats]:
    return 1 / v, np.where(e < np.abs(v), 1 / (np.abs(v) - e) ** 2, np.inf)


def _of_log1p(v: Floats, f: Floats, e: Floats) -> tuple[Floats, Floats]:
    return _of_log(1 + v, f, e)


def _of_sqrt(v: Floats, f: Floats, e: Floats) -> tuple[Floats, Floats]:
    return 1 / (2 * f), np.where(e < v, np.maximum(v - e, 0.0) ** -1.5 / 4, np.inf)


_SLOPES: dict[str, Sloped] = {
    "exp": lambda v, f, e: (f, f * np.exp(e)),
    "expm1": lambda v, f, e: (np.exp(v), np.exp(v + e)),
    "log": _of_log,
    "log1p": _of_log1p,
    "sqrt": _of_sqrt,
    "tanh": lambda v, f, e: (1 / np.cosh(np.clip(v, -350, 350)) ** 2, np.full(np.shape(v), 0.77)),
    "sin": lambda v, f, e: (np.cos(v), np.ones(np.shape(v))),
    "cos": lambda v, f, e: (-np.sin(v), np.ones(np.shape(v))),
}
"""The slope of a function at v, and the largest second derivative within e of it; f is its value."""
