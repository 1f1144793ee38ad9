"""The symbolic route in balls: the same plan, every number a midpoint with a proved radius, at any precision.

A choice that a ball cannot make is the hull of both sides, unless it is said which side is taken.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from derivations.forms import Context
from tracer.verification.boxes import Read
from tracer.verification.contraction import contracted

__all__ = ["Balls", "boxed"]

Ball = Any
Array = Any  # an object array of balls
Decision = tuple[Any, Any]  # where a test is above 0, and where that cannot be told


class Balls:
    """The arithmetic of balls of python-flint at the precision in force (`flint.ctx.workprec`).

    Making one of flint's matrices takes ten times as long as multiplying it: those of given arrays are kept.
    """

    def __init__(self) -> None:
        self._given: dict[int, Array] = {}
        self._matrices: dict[Hashable, Any] = {}

    def given(self, array: Array) -> Array:
        """Floats as what they are; balls and rationals as they come.  What is given is not written to."""
        from flint import arb

        array = np.asarray(array)
        out = _filled(map(arb, array.ravel().tolist()), array.size)
        out.flags.writeable = False
        self._given[id(out)] = out
        return out.reshape(array.shape)

    def blank(self, shape: tuple[int, ...]) -> Array:
        """Zeros, to be filled."""
        out = np.empty(shape, object)
        out[...] = _ball(0)
        return out

    def one(self, shape: tuple[int, ...]) -> Array:
        """The slope of the objective in itself."""
        return boxed(self.blank(shape) + 1)

    def own(self, x: Array) -> Array:
        """A copy that may be added to."""
        return np.array(boxed(x), order="C")

    def take(self, x: Array, read: Read) -> Array:
        """The entries that are read."""
        return read.take(boxed(x))

    def spread(self, x: Array, at: tuple[slice | None, ...] | None) -> Array:
        """With an axis for every letter of a box."""
        return x if at is None else boxed(x)[at]

    def full(self, x: Array, shape: tuple[int, ...]) -> Array:
        """In a shape."""
        return np.broadcast_to(boxed(x), shape)

    def rows(self, x: Array, axes: int) -> Array:
        """The axes after the first few as one."""
        return np.reshape(boxed(x), (*np.shape(x)[:axes], -1))

    def shaped(self, x: Array, shape: tuple[int, ...]) -> Array:
        """The same numbers in another shape."""
        return np.reshape(boxed(x), shape)

    def put(self, whole: Array, read: Read, x: Array) -> None:
        """Values in places that held 0."""
        read.add(whole, boxed(x))

    def add(self, whole: Array, read: Read, x: Array) -> None:
        """More for places that may hold something."""
        read.add(whole, boxed(x))

    def largest(self, x: Array, axis: int) -> Array:
        """Some number near the largest along an axis, exactly: no gradient goes through it."""
        middle = np.frompyfunc(lambda b: b.mid(), 1, 1)(x)
        return np.frompyfunc(lambda a, b: a if a >= b else b, 2, 1).reduce(middle, axis=axis)

    def sum(self, x: Array, axes: tuple[int, ...]) -> Array:
        """Over axes."""
        return x.sum(axis=axes) if axes else x

    def contract(self, x: Array, xl: Sequence[str], y: Array, yl: Sequence[str], out: Sequence[str]) -> Array:
        """The sum of products over the letters that are not in `out`."""
        return contracted(boxed(x), xl, boxed(y), yl, out, self._matrix_product)

    def _matrix_product(self, x: Array, y: Array) -> Array:
        """Rows times columns, lot after lot, as flint multiplies matrices."""
        (rows, _), columns, lots = x.shape[-2:], y.shape[-1], x.shape[:-2]
        out = np.empty((*lots, rows, columns), object)
        for lot in np.ndindex(*lots):
            product = self._matrix(x[lot]) * self._matrix(y[lot])
            out[lot] = _filled(product.entries(), rows * columns).reshape(rows, columns)
        return out

    def _matrix(self, x: Array) -> Any:
        """One of flint's; of a given array, or its transpose, the one that was made before."""
        root = x
        while isinstance(root.base, np.ndarray):
            root = root.base
        if id(root) not in self._given:
            return _matrix(x)
        if x.flags.f_contiguous and not x.flags.c_contiguous:
            return self._matrix(x.T).transpose()
        key = x.__array_interface__["data"][0], x.shape, x.strides
        if key not in self._matrices:
            self._matrices[key] = _matrix(x)
        return self._matrices[key]

    def floats(self, x: Array) -> tuple[Array, Array]:
        """The nearest floats, and how far they may be from what the balls hold."""
        x = boxed(x)
        v = np.array([float(b.mid()) for b in x.flat]).reshape(x.shape)
        pairs = zip(x.flat, v.flat, strict=True)
        return v, np.array([float(abs(b - _ball(float(f))).abs_upper()) for b, f in pairs]).reshape(x.shape)

    # --- operations ---

    def number(self, value: Fraction) -> Ball:
        from flint import fmpq

        return _ball(fmpq(value.numerator, value.denominator))

    def pi(self) -> Ball:
        return _ball(0).pi()

    def total(self, terms: list[tuple[int, Array]]) -> Array:
        (sign, first), *rest = terms
        start = first if sign > 0 else -first
        return reduce(lambda out, term: out + term[1] if term[0] > 0 else out - term[1], rest, start)

    def product(self, x: Array, y: Array) -> Array:
        return x * y

    def quotient(self, x: Array, y: Array) -> Array:
        return operator.truediv(x, y)

    def whole_power(self, x: Array, n: int) -> Array:
        return x * x if n == 2 else x**n

    def power(self, x: Array, y: Array) -> Array:
        return _each(operator.pow, 2)(x, y)

    def call(self, name: str, *x: Array) -> Array:
        return _FUNCTIONS[name](*x)

    # --- choices ---

    def decide(self, test: Array, k: int, context: Context) -> Decision:
        if k in context.forced:
            mask = np.broadcast_to(context.forced[k], np.shape(test))
            return mask, np.zeros(np.shape(test), bool)
        above = np.asarray(_each(lambda a: bool(a > 0))(test), bool)
        near = np.asarray(_each(lambda a: not (a > 0 or a < 0))(test), bool)
        context.taken[k] = above
        if near.any():
            context.open[k] = near
        return above, near

    def settled(self, test: Array) -> Decision:
        return np.asarray(_each(lambda a: bool(a > 0))(test), bool), False

    def choose(self, decision: Decision, x: Array, y: Array, *, hull: bool) -> Array:
        mask, near = decision
        return _each(_chosen, 4)(mask, near, x, y)

    def extreme(self, x: Array, axis: int, sign: int) -> tuple[Array, Array, Array]:
        """The largest along the last axis (or, with -1, the smallest), what part each entry has in it, which may be it.

        Of one that surely is the largest the part is 1, of one of several that may be, anything from 0 to 1.
        """
        better = (lambda a, b: a.max(b)) if sign > 0 else (lambda a, b: a.min(b))
        best = np.frompyfunc(better, 2, 1).reduce(x, axis=axis)
        near = np.asarray(_each(lambda a, b: bool(a.overlaps(b)), 2)(x, np.expand_dims(best, axis)), bool)
        part = _each(_part_of)(near.astype(int) * np.sum(near, axis=axis, keepdims=True))
        return best, part, near

    def among(self, x: Array, part: Array) -> Array:
        """What goes to the entries that were chosen, or may be; 0 to the others."""
        return x * part


def _ball(x: Any) -> Ball:
    from flint import arb

    return x if isinstance(x, arb) else arb(x)


def _each(function: Callable[..., Any], inputs: int = 1) -> Callable[..., Array]:
    each: Callable[..., Array] = np.frompyfunc(function, inputs, 1)
    return each


def boxed(x: Any) -> Array:
    """A lone ball as an array of no axes: numpy would look into it."""
    if isinstance(x, np.ndarray):
        return x
    out = np.empty((), object)
    out[()] = x
    return out


def _chosen(above: bool, open_: bool, x: Ball, y: Ball) -> Ball:
    return _ball(x).union(_ball(y)) if open_ else x if above else y


def _part_of(several: int) -> Ball:
    return _ball(several) if several < 2 else _ball(0).union(_ball(1))


def _filled(balls: Iterable[Ball], count: int) -> Array:
    """An array of balls, into which numpy does not look."""
    return np.fromiter(balls, object, count)


def _matrix(x: Array) -> Any:
    from flint import arb_mat

    rows, columns = x.shape
    return arb_mat(rows, columns, x.ravel().tolist())


_FUNCTIONS: dict[str, Callable[..., Array]] = {
    "exp": _each(lambda a: _ball(a).exp()),
    "expm1": _each(lambda a: _ball(a).expm1()),
    "log": _each(lambda a: _ball(a).log()),
    "log1p": _each(lambda a: _ball(a).log1p()),
    "tanh": _each(lambda a: _ball(a).tanh()),
    "sqrt": _each(lambda a: _ball(a).sqrt()),
    "sin": _each(lambda a: _ball(a).sin()),
    "cos": _each(lambda a: _ball(a).cos()),
    "Phi": _each(lambda a: (-_ball(a) / _ball(2).sqrt()).erfc() / 2),
    "abs": _each(abs),
    "xlogy": _each(lambda t, y: t * 0 if t == 0 else t * _ball(y).log(), 2),
    "over": _each(lambda t, y: t * 0 if t == 0 else t / y, 2),
}
