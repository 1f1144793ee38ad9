"""The symbolic route: local derivatives by sympy.diff, compiled once, composed over whole arrays by the chain rule.

Letters: a pre-activation, z = h(a), y output, t target, dz = dE/dz, delta = dE/da, J softmax's Jacobian.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from derivations.activations import Activation
from derivations.chain_rule import A, M, local_jacobian, local_loss, local_slope
from derivations.losses import Loss
from tracer.verification.case import Array, Arrays, Case
from tracer.verification.compiled import compiled

__all__ = ["symbolic_route"]

Function = Callable[..., Array]


@lru_cache(maxsize=64)
def slope_of(activation: Activation) -> Function:
    """h'(a) as a function of arrays."""
    return compiled(local_slope(activation), (A,))


@lru_cache(maxsize=64)
def value_of(activation: Activation) -> Function:
    """h(a) as a function of arrays."""
    return compiled(activation.formula(M, A), (A,))


@lru_cache(maxsize=64)
def branches_of(activation: Activation) -> tuple[Function, Function]:
    """h'(a) above and below the kink, each continued to the other side."""
    above, below = (pair[0] for pair in local_slope(activation).args)
    return compiled(above, (A,)), compiled(below, (A,))


@lru_cache(maxsize=64)
def loss_slope_of(parts: Any, outputs: int) -> Function:
    """dE/dy[k] as a function of y[k] and t[k]; it is checked once that every k has the same formula."""
    few, more = (local_loss(parts, min(n, outputs))[3][0] for n in (2, 3))
    if few == more:  # the number of outputs does not enter
        outputs = min(outputs, 3)
    y, t, _, slopes = local_loss(parts, outputs)
    for k, slope in enumerate(slopes):
        if slope.xreplace({y[k]: y[0], t[k]: t[0]}) != slopes[0]:
            raise ArithmeticError("the outputs have different slopes")
    return compiled(slopes[0], (y[0], t[0]))


@lru_cache(maxsize=64)
def loss_value_of(parts: Any, outputs: int) -> Function:
    """E[k] as a function of y[k] and t[k]."""
    y, t, _, _ = local_loss(parts, 1)
    columns = [np.array([s[0]] * outputs, object).reshape(-1, 1) for s in (y, t)]
    return compiled(parts(M, *columns)[0, 0], (y[0], t[0]))


@lru_cache(maxsize=8)
def softmax_of(activation: Activation) -> tuple[Function, Function]:
    """J[k,k] of a[k] and the log of the others' sum; J[k,m] of a[k], a[m] and the log of the others' sum.

    A softmax whose other units are gathered into one, exp(r) = sum of their exp(a), has the same z[k] and z[m].
    """
    two, of_two = local_jacobian(activation, 2)
    three, of_three = local_jacobian(activation, 3)
    return compiled(of_two[0][0], two), compiled(of_three[0][1], three)


@lru_cache(maxsize=8)
def fused_of(parts: Any, activation: Activation) -> Function:
    """dE/da of the loss and the last activation as one function, simplified by sympy.

    Elementwise: of a and t.  Softmax: of a[k], the log of the others' sum, t[k] and the sum of the others' targets.
    """
    if activation.elementwise:
        y, t, _, slopes = local_loss(parts, 1)
        whole = slopes[0].xreplace({y[0]: activation.formula(M, A)}) * local_slope(activation)
        return compiled(_collected(whole), (A, t[0]))
    a, jacobian = local_jacobian(activation, 2)
    y, t, _, slopes = local_loss(parts, 2)
    z = activation.formula(M, np.array(a, object).reshape(-1, 1))[:, 0]
    paths = [slopes[k].xreplace(dict(zip(y, z, strict=True))) * jacobian[k][0] for k in range(2)]
    return compiled(_collected(paths[0] + paths[1]), (*a, *t))


def _collected(e: Any) -> Any:
    return e.simplify()


def symbolic_route(case: Case) -> Arrays:
    """Every quantity by the symbolic route."""
    with np.errstate(all="ignore"):
        return _forward(case) | _backward(case)


def _forward(case: Case) -> Arrays:
    out: Arrays = {}
    for l, layer in case.problem.network:
        out["a", l] = case.a[l]
        out["z", l] = value_of(layer.activation)(case.a[l]) if layer.activation.elementwise else _softmax(case.a[l])
    loss = case.problem.network.loss
    if loss.parts is not None:
        y = out["z", case.L]
        parts = loss_value_of(loss.parts, len(y))(y, case.t if case.t is not None else 0 * y)
        if case.problem.fused:  # 1 - y, and a y near the smallest double, lose digits that the loss itself has
            fine = np.isfinite(parts) & (y > 1e-280) & ((y < 0.9) | (loss.name == "cross_entropy"))
            parts = np.where(fine, parts, case.loss_parts())
        out["E_part", 0] = parts
        out |= case.losses(parts)
    return out


def _softmax(a: Array) -> Array:
    return np.exp(a - log_sum(a, axis=0))


def _backward(case: Case) -> Arrays:
    out: Arrays = {}
    loss, y = case.problem.network.loss, case.z[case.L]
    t = case.t if case.t is not None else 0 * y
    dz = loss_slope_of(loss.parts, len(y))(y, t)
    out["dz", case.L] = dz
    for l in range(case.L, 0, -1):
        f, a = case.layer(l).activation, case.a[l]
        if f.elementwise:
            out["slope", l] = slope(case, l)
            delta = out["slope", l] * dz
        else:
            out["J", l] = jacobian(f, a)
            delta = (out["J", l] * dz[:, None]).sum(axis=0)
        if l == case.L and case.problem.fused:
            delta = fused_delta(loss, f, a, t)
        out["delta", l] = delta
        out |= case.parameters(l, delta)
        dz = out["dz", l - 1] = case.W[l].T @ delta
    return out


def slope(case: Case, l: int) -> Array:
    """h'(a) of a layer, on the side of each kink that the case takes."""
    f, a = case.layer(l).activation, case.a[l]
    if l not in case.sides or (case.sides[l] == (a > 0)).all():
        return slope_of(f)(a)
    above, below = branches_of(f)
    return np.where(case.sides[l], above(a), below(a))


def jacobian(f: Activation, a: Array) -> Array:
    """J[k, m] of softmax for every sample; (units, units, samples)."""
    own, other = softmax_of(f)
    n = len(a)
    out = np.empty((n, *a.shape))
    rest = others(a)
    top = np.maximum(a, rest)
    diagonal = own(a - top, rest - top)
    for k in range(n):
        without = others(np.delete(a, k, axis=0)) if n > 1 else rest
        theirs = np.delete(a, k, axis=0)
        high = np.maximum(np.maximum(a[k], theirs), without)
        out[k, np.arange(n) != k] = other(a[k] - high, theirs - high, without - high)
        out[k, k] = diagonal[k]
    return out


def fused_delta(loss: Loss, f: Activation, a: Array, t: Array) -> Array:
    """delta of the last layer from a and t."""
    if f.elementwise:
        return fused_of(loss.parts, f)(a, t)
    rest = others(a)
    top = np.maximum(a, rest)
    return fused_of(loss.parts, f)(a - top, rest - top, t, t.sum(axis=0, keepdims=True) - t)


def others(a: Array) -> Array:
    """The log of the sum of exp over all other units of the column; -inf where there are none."""
    if len(a) == 1:
        return np.full_like(a, -np.inf)
    top = a.max(axis=0)
    e = np.exp(a - top)
    rest = np.zeros_like(e)
    rest[1:] += np.cumsum(e[:-1], axis=0)  # those before and those after: nothing is taken away again
    rest[:-1] += np.cumsum(e[:0:-1], axis=0)[::-1]
    return top + np.log(rest)


def log_sum(a: Array, axis: int) -> Array:
    """log sum exp without overflow."""
    top = a.max(axis=axis, keepdims=True)
    return top + np.log(np.exp(a - top).sum(axis=axis, keepdims=True))
