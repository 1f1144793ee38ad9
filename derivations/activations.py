"""Activation functions: one entry each, and the only place where one is added.

Letters: a pre-activation, z = h(a) activation, m the arithmetic the numbers belong to (`derivations.arithmetic`).
Arrays hold one column a sample.

An entry states its VALUE as a teacher writes it; that formula is what sympy differentiates and what gets printed.
Its derivative is stated beside it and proved against the value by the contract tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64, Arithmetic, plain

__all__ = ["ACTIVATIONS", "Activation", "softplus"]

Array = Any


@dataclass(frozen=True)
class Activation:
    """An activation function h.

    `formula(m, a)` is h(a) and `derivative(m, a, z)` is h'(a), both elementwise; softmax works down each column and has
    a `jacobian(m, z)` instead, whose entry [k, m] is dz_k/da_m.  `stable(m, a)` equals the formula and is used where
    numbers have a machine format.  At each of `kinks` h' jumps, and `derivative` takes the side that `at_kink` names.
    """

    name: str
    text: str
    formula: Callable[[Arithmetic, Array], Array]
    derivative: Callable[[Arithmetic, Array, Array], Array] | None = None
    jacobian: Callable[[Arithmetic, Array], Array] | None = None
    stable: Callable[[Arithmetic, Array], Array] | None = None
    forms: tuple[Callable[[Arithmetic, Array], Array], ...] = ()
    kinks: tuple[float, ...] = ()
    at_kink: str = ""
    domain: str = "all real a"
    source: str = ""

    @property
    def elementwise(self) -> bool:
        """Whether z[k] depends on a[k] alone."""
        return self.jacobian is None

    def at(self, m: Arithmetic, a: Array) -> Array:
        """h(a) in the arithmetic m."""
        return self.stable(m, a) if self.stable and m.floating else self.formula(m, a)

    def value(self, a: Any) -> Any:
        """h(a) in float64: a number for a number, an array for an array (softmax: down each column).

        >>> ACTIVATIONS["sigmoid"].value(1)
        0.7310585786300049
        """
        with FLOAT64.working():
            return plain(self.at(FLOAT64, np.asarray(a, float)), a)

    def slope(self, a: Any) -> Any:
        """h'(a) in float64; for softmax the Jacobian.

        >>> ACTIVATIONS["sigmoid"].slope(1)
        0.19661193324148185
        """
        with FLOAT64.working():
            z = self.at(FLOAT64, np.asarray(a, float))
            if self.jacobian is not None:
                columns = self.jacobian(FLOAT64, z.reshape(len(z), -1))
                return columns[:, :, 0] if z.ndim == 1 else columns
            assert self.derivative is not None
            return plain(self.derivative(FLOAT64, np.asarray(a, float), z), a)


def _logistic(m: Arithmetic, a: Array) -> Array:
    return 1 / (1 + m.exp(-a))


def _density(m: Arithmetic, a: Array) -> Array:
    return m.exp(-(m.square(a) / 2)) / m.sqrt(2 * m.pi)


def _softmax(m: Arithmetic, a: Array) -> Array:
    e = m.exp(a)
    return e / e.sum(axis=0)


def _softmax_stable(m: Arithmetic, a: Array) -> Array:
    e = m.exp(a - m.largest(a))
    return e / e.sum(axis=0)


def _softmax_jacobian(m: Arithmetic, z: Array) -> Array:
    jacobian = -(z[:, None] * z[None])  # dz_k/da_m = z_k ([k = m] - z_m)     Bishop 4.106
    for k in range(len(z)):
        jacobian[k, k] = z[k] * (1 - z[k])
    return jacobian


def softplus(m: Arithmetic, a: Array) -> Array:
    """log(1 + exp(a)) without overflow and with every digit of the lower tail."""
    return m.positive_part(a) + m.log1p(m.exp(-m.absolute(a)))


IDENTITY = Activation(
    "identity",
    "h(a) = a",
    formula=lambda m, a: a,
    derivative=lambda m, a, z: m.ones_like(a),
    source="Bishop (2006), section 5.1",
)
SIGMOID = Activation(
    "sigmoid",
    "h(a) = 1/(1 + exp(-a))",
    formula=_logistic,
    derivative=lambda m, a, z: z * (1 - z),
    forms=(lambda m, a: m.exp(-a) / m.square(1 + m.exp(-a)),),
    source="Bishop (2006), 4.59 and 4.88",
)
TANH = Activation(
    "tanh",
    "h(a) = tanh(a)",
    formula=lambda m, a: m.tanh(a),
    derivative=lambda m, a, z: 1 - m.square(z),
    forms=(lambda m, a: 4 / m.square(m.exp(a) + m.exp(-a)),),
    source="Bishop (2006), 5.59 and 5.60",
)
RELU = Activation(
    "relu",
    "h(a) = max(0, a)",
    formula=lambda m, a: m.positive_part(a),
    derivative=lambda m, a, z: m.where(a, m.ones_like(a), 0 * m.ones_like(a)),
    kinks=(0.0,),
    at_kink="slope 0 at a = 0",
    source="Nair & Hinton (2010)",
)
LEAKY_RELU = Activation(
    "leaky_relu",
    "h(a) = a for a > 0, 0.01 a otherwise",
    formula=lambda m, a: m.where(a, a, m.number("0.01") * a),
    derivative=lambda m, a, z: m.where(a, m.ones_like(a), m.number("0.01") * m.ones_like(a)),
    kinks=(0.0,),
    at_kink="slope 0.01 at a = 0",
    source="Maas, Hannun & Ng (2013)",
)
ELU = Activation(
    "elu",
    "h(a) = a for a > 0, exp(a) - 1 otherwise",
    formula=lambda m, a: m.where(a, a, m.expm1(a)),
    derivative=lambda m, a, z: m.where(a, m.ones_like(a), m.exp(a)),
    kinks=(0.0,),
    at_kink="both slopes are 1 at a = 0, the second derivative jumps",
    source="Clevert, Unterthiner & Hochreiter (2016), alpha = 1",
)
SOFTPLUS = Activation(
    "softplus",
    "h(a) = log(1 + exp(a))",
    formula=lambda m, a: m.log(1 + m.exp(a)),
    derivative=lambda m, a, z: _logistic(m, a),
    forms=(lambda m, a: m.exp(a) / (1 + m.exp(a)),),
    stable=softplus,
    source="Dugas et al. (2001)",
)
SILU = Activation(
    "silu",
    "h(a) = a/(1 + exp(-a))",
    formula=lambda m, a: a / (1 + m.exp(-a)),
    derivative=lambda m, a, z: _logistic(m, a) + z / (1 + m.exp(a)),
    forms=(lambda m, a: _logistic(m, a) + a * m.exp(-a) / m.square(1 + m.exp(-a)),),
    stable=lambda m, a: m.where(a, a / (1 + m.exp(-a)), a * m.exp(a) / (1 + m.exp(a))),
    source="Elfwing, Uchibe & Doya (2018); also called swish",
)
GELU = Activation(
    "gelu",
    "h(a) = a Phi(a), Phi the standard normal distribution function (erf, not its tanh approximation)",
    formula=lambda m, a: a * m.normal_cdf(a),
    derivative=lambda m, a, z: m.normal_cdf(a) + a * _density(m, a),
    source="Hendrycks & Gimpel (2016)",
)
SOFTMAX = Activation(
    "softmax",
    "h(a)[k] = exp(a[k]) / sum_j exp(a[j])",
    formula=_softmax,
    jacobian=_softmax_jacobian,
    stable=_softmax_stable,
    source="Bishop (2006), 4.62 and 4.106",
)

ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {f.name: f for f in (IDENTITY, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, SOFTPLUS, SILU, GELU, SOFTMAX)}
)
