"""Functions and their slopes as they were written in numpy before they became entries of the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64

Written = tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]


def _logistic(a: Any) -> Any:
    return 1 / (1 + np.exp(-a))


def _softplus(a: Any) -> Any:
    return np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))


def _density(a: Any) -> Any:
    return np.exp(-(np.square(a) / 2)) / np.sqrt(2 * np.pi)


NUMPY: Mapping[str, Written] = {
    "identity": (lambda a: a, lambda a, z: np.ones_like(a)),
    "sigmoid": (_logistic, lambda a, z: z * (1 - z)),
    "tanh": (np.tanh, lambda a, z: 1 - np.square(z)),
    "relu": (lambda a: np.maximum(a, 0), lambda a, z: np.where(a > 0, 1.0, 0.0)),
    "leaky_relu": (lambda a: np.where(a > 0, a, 0.01 * a), lambda a, z: np.where(a > 0, 1.0, 0.01)),
    "elu": (lambda a: np.where(a > 0, a, np.expm1(a)), lambda a, z: np.where(a > 0, 1.0, np.exp(a))),
    "softplus": (_softplus, lambda a, z: _logistic(a)),
    "silu": (
        lambda a: np.where(a > 0, a / (1 + np.exp(-a)), a * np.exp(a) / (1 + np.exp(a))),
        lambda a, z: _logistic(a) + z / (1 + np.exp(a)),
    ),
    "gelu": (lambda a: a * FLOAT64.normal_cdf(a), lambda a, z: FLOAT64.normal_cdf(a) + a * _density(a)),
}
