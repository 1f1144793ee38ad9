"""A sympy expression as a numpy function: a walk over the tree, no generated code.

Every subexpression is carried as v * exp(k), so that exp(-a)/(1 + exp(-a))**2 keeps its digits where exp alone
overflows.  A product with an exact zero is zero (0 log 0 = 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64

__all__ = ["compiled"]

Array = Any
Scaled = tuple[Array, Array]  # (v, k) stands for v * exp(k)
Node = Callable[..., Scaled]


def compiled(expression: Any, letters: tuple[Any, ...]) -> Callable[..., Array]:
    """The function of arrays, one for each letter, that an expression over these letters is.

    Raises TypeError for an operation that is not known here, and for a letter that is not among them.
    """
    node = _node(expression, {letter: k for k, letter in enumerate(letters)})

    def function(*arrays: Array) -> Array:
        with np.errstate(all="ignore"):
            out, first = _plain(node(*arrays)), np.shape(arrays[0])
            alike = all(np.shape(a) == first for a in arrays[1:])
            shape = first if alike else np.broadcast_shapes(*(np.shape(a) for a in arrays))
            return out if np.shape(out) == shape else out + np.zeros(shape)

    return function


def _plain(x: Scaled) -> Array:
    v, k = x
    return v if k is None else np.where(v == 0, 0.0, v * np.exp(k))


def _times(x: Scaled, y: Scaled) -> Scaled:
    v = x[0] * y[0]
    if not np.isfinite(v).all():
        v = np.where((x[0] == 0) | (y[0] == 0), 0.0, v)
    return v, y[1] if x[1] is None else x[1] if y[1] is None else x[1] + y[1]


def _plus(x: Scaled, y: Scaled) -> Scaled:
    if x[1] is None and y[1] is None:
        return x[0] + y[0], None
    p, q = (0.0 if k is None else k for k in (x[1], y[1]))
    top = np.maximum(p, q)
    top = np.where(np.isfinite(top), top, 0.0)
    return x[0] * np.exp(p - top) + y[0] * np.exp(q - top), top


def _node(e: Any, places: dict[Any, int]) -> Node:
    if e in places:
        place = places[e]
        return lambda *a: (np.asarray(a[place], float), None)
    if e.is_number:
        constant = float(e)
        return lambda *a: (constant, None)
    kind = type(e).__name__
    if kind not in _KNOWN:
        raise TypeError(f"no numpy function for {kind} in {e}")
    return _KNOWN[kind](e, places)


def _folded(e: Any, places: dict[Any, int], fold: Callable[[Scaled, Scaled], Scaled]) -> Node:
    first, *rest = [_node(part, places) for part in e.args]

    def node(*a: Array) -> Scaled:
        total = first(*a)
        for part in rest:
            total = fold(total, part(*a))
        return total

    return node


def _power(e: Any, places: dict[Any, int]) -> Node:
    base, exponent = _node(e.args[0], places), e.args[1]
    if not exponent.is_Integer:
        raise TypeError(f"no numpy function for the power {e}")
    n = int(exponent)

    def node(*a: Array) -> Scaled:
        v, k = base(*a)
        power = v * v if n == 2 else 1.0 / (v * v) if n == -2 else v ** float(n)
        return power, None if k is None else n * k

    return node


def _exponential(e: Any, places: dict[Any, int]) -> Node:
    inner = _node(e.args[0], places)
    return lambda *a: (1.0, _plain(inner(*a)))


def _logarithm(e: Any, places: dict[Any, int]) -> Node:
    inner = _node(e.args[0], places)

    def node(*a: Array) -> Scaled:
        v, k = inner(*a)
        return np.log(v) + (0.0 if k is None else k), None

    return node


def _called(function: Callable[[Array], Array]) -> Callable[[Any, dict[Any, int]], Node]:
    def build(e: Any, places: dict[Any, int]) -> Node:
        inner = _node(e.args[0], places)
        return lambda *a: (function(_plain(inner(*a))), None)

    return build


def _piecewise(e: Any, places: dict[Any, int]) -> Node:
    pairs = [(_node(value, places), None if is_true(c) else _condition(c, places)) for value, c in e.args]

    def node(*a: Array) -> Scaled:
        out: Array = np.nan
        for value, holds in reversed(pairs):
            branch = _plain(value(*a))
            out = branch if holds is None else np.where(holds(*a), branch, out)
        return out, None

    return node


def is_true(condition: Any) -> bool:
    """Whether a branch's condition is the last one, `True`."""
    return type(condition).__name__ == "BooleanTrue"


def _condition(c: Any, places: dict[Any, int]) -> Callable[..., Array]:
    compare = {"StrictGreaterThan": np.greater, "StrictLessThan": np.less}.get(type(c).__name__)
    if compare is None:
        raise TypeError(f"no numpy function for the condition {c}")
    left, right = (_node(side, places) for side in c.args)
    return lambda *a: compare(_plain(left(*a)), _plain(right(*a)))


_KNOWN: dict[str, Callable[[Any, dict[Any, int]], Node]] = {
    "Add": lambda e, places: _folded(e, places, _plus),
    "Mul": lambda e, places: _folded(e, places, _times),
    "Pow": _power,
    "exp": _exponential,
    "log": _logarithm,
    "tanh": _called(np.tanh),
    "erfc": _called(lambda x: 2 * FLOAT64.normal_cdf(-math.sqrt(2) * x)),
    "Piecewise": _piecewise,
}
