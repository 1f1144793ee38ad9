"""How far a value moves when its argument moves by d: h(hi) - h(lo) by identities that never subtract the two.

Letters: a pre-activation, the middle of a step from lo to hi, d = hi - lo (known better than by subtracting), y output,
t target.  No derivative formula is used: exp(hi) - exp(lo) = exp(lo) expm1(d), log(hi) - log(lo) = log1p(d/lo).
`above` says on which side of its kink a unit is; both ends stay on that branch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from derivations.activations import Activation
from derivations.arithmetic import FLOAT64
from derivations.losses import Loss
from tracer.verification.unlisted import loss_spread_in_balls, spread_in_balls

__all__ = ["ACTIVATION", "LOSS", "fused_spread", "loss_spread_of", "softmax_spread", "spread_of"]

Array = Any


def logistic(a: Array) -> Array:
    """1/(1 + exp(-a))."""
    return 1 / (1 + np.exp(-a))


def grown(d: Array) -> Array:
    """exp(d) - 1; by its series where every step is small."""
    if np.abs(d).max(initial=0.0) > 1e-5:
        return np.expm1(d)
    return d * (1 + d * (0.5 + d / 6))  # the next term is below d^4/24


def _sigmoid(a: Array, d: Array, above: Array) -> Array:
    half = d / 2  # sinh(d/2)/(cosh(a) + cosh(d/2)): one exp a unit, not one for each of the steps that it takes
    square = half * half
    if square.max(initial=0.0) > 1e-10:
        return np.sinh(half) / (np.cosh(a) + np.cosh(half))
    below = square / 2  # the series; what is left out is below 1e-20
    below += 1 + np.cosh(a)
    square /= 6
    square += 1
    square *= half
    square /= below
    return square


def _tanh(a: Array, d: Array, above: Array) -> Array:
    p, q = np.exp(-np.abs(a - d / 2)), np.exp(-np.abs(a + d / 2))  # sinh(d)/(cosh(lo) cosh(hi)) without overflow
    return 4 * np.sinh(d) * (p / (1 + p * p)) * (q / (1 + q * q))


def _softplus(a: Array, d: Array, above: Array) -> Array:
    return np.log1p(logistic(a - d / 2) * grown(d))


def _silu(a: Array, d: Array, above: Array) -> Array:
    return d * logistic(a + d / 2) + (a - d / 2) * _sigmoid(a, d, above)


def _elu(a: Array, d: Array, above: Array) -> Array:
    return np.where(above, d, np.exp(a - d / 2) * grown(d))


def _gelu(a: Array, d: Array, above: Array) -> Array:
    # Phi is the integral of the density; over a step of 1e-12 the midpoint rule is exact
    between = d * np.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    return d * FLOAT64.normal_cdf(a + d / 2) + (a - d / 2) * between


ACTIVATION: dict[str, Callable[[Array, Array, Array], Array]] = {
    "identity": lambda a, d, above: d,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": lambda a, d, above: np.where(above, d, 0.0),
    "leaky_relu": lambda a, d, above: np.where(above, d, 0.01 * d),
    "elu": _elu,
    "softplus": _softplus,
    "silu": _silu,
    "gelu": _gelu,
}
"""h(hi) - h(lo) of each elementwise activation, lo = a - d/2, hi = a + d/2; d may have steps that a has not."""


def spread_of(f: Activation) -> Callable[[Array, Array, Array], Array]:
    """h(hi) - h(lo) of an elementwise activation: its identity, or its formula in balls where none is listed."""
    return ACTIVATION.get(f.name) or spread_in_balls(f)


def softmax_spread(lo: Array, d: Array) -> Array:
    """z(hi) - z(lo) of a softmax down axis 0, hi = lo + d."""
    e = np.exp(lo - lo.max(axis=0))
    z = e / e.sum(axis=0)
    moved = np.log1p((z * np.expm1(d)).sum(axis=0))  # log of the sum of exp: how far it moves
    return z * np.expm1(d - moved)


def _squared(factor: Callable[[Array], float]) -> Callable[[Array, Array, Array, Array], Array]:
    return lambda lo, hi, d, t: factor(lo) * d * ((hi - t) + (lo - t))


def _t_log(t: Array, lo: Array, d: Array) -> Array:
    return np.where(t == 0, 0.0, t * np.log1p(d / lo))


LOSS: dict[str, Callable[[Array, Array, Array, Array], Array]] = {
    "half_squared_error": _squared(lambda y: 0.5),
    "squared_error": _squared(lambda y: 1.0),
    "mean_squared_error": _squared(lambda y: 1 / len(y)),
    "half_mean_squared_error": _squared(lambda y: 0.5 / len(y)),
    "cross_entropy": lambda lo, hi, d, t: -_t_log(t, lo, d),
    "binary_cross_entropy": lambda lo, hi, d, t: -_t_log(t, lo, d) - _t_log(1 - t, 1 - lo, -d),
    "given": lambda lo, hi, d, t: t * d,
    "output": lambda lo, hi, d, t: d,
}
"""E[k](hi) - E[k](lo) of each loss; outputs stand along axis 0."""


def loss_spread_of(loss: Loss) -> Callable[[Array, Array, Array, Array], Array]:
    """E[k](hi) - E[k](lo) of a loss: its identity, or its formula in balls where none is listed."""
    return LOSS.get(loss.name) or loss_spread_in_balls(loss)


def fused_spread(activation: str, lo: Array, d: Array, t: Array) -> Array:
    """E(hi) - E(lo), from the last pre-activations: softmax with cross-entropy, sigmoid with the binary one.

    Summed over the outputs, axis 0.
    """
    if activation == "softmax":
        e = np.exp(lo - lo.max(axis=0))
        moved = np.log1p((e / e.sum(axis=0) * np.expm1(d)).sum(axis=0))
        return (t * (moved - d)).sum(axis=0)
    down = np.log1p(logistic(-lo) * np.expm1(-d))  # softplus(-a)
    return (t * down + (1 - t) * np.log1p(logistic(lo) * grown(d))).sum(axis=0)
