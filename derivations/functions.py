"""Activations and losses: one entry each, and the only place where one is added.

Letters: a pre-activation, z = h(a) activation, y output (the last layer's z), t target, m the arithmetic the numbers
belong to (`derivations.arithmetic`).  Arrays hold one column a sample.

An entry states its VALUE as a teacher writes it; that formula is what sympy differentiates and what gets printed.
Its derivative is stated beside it and proved against the value by the contract tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64, Arithmetic

__all__ = ["ACTIVATIONS", "LOSSES", "Activation", "Fusion", "Loss", "functions"]

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

        >>> functions["sigmoid"].value(1)
        0.7310585786300049
        """
        with FLOAT64.working():
            return _plain(self.at(FLOAT64, np.asarray(a, float)), a)

    def slope(self, a: Any) -> Any:
        """h'(a) in float64; for softmax the Jacobian.

        >>> functions["sigmoid"].slope(1)
        0.19661193324148185
        """
        with FLOAT64.working():
            z = self.at(FLOAT64, np.asarray(a, float))
            if self.jacobian is not None:
                columns = self.jacobian(FLOAT64, z.reshape(len(z), -1))
                return columns[:, :, 0] if z.ndim == 1 else columns
            assert self.derivative is not None
            return _plain(self.derivative(FLOAT64, np.asarray(a, float), z), a)


@dataclass(frozen=True)
class Fusion:
    """What a loss becomes together with one activation of the last layer: delta = dE/da without the detour by dE/dy.

    `parts(m, a, t)` are the same parts of the loss, from the pre-activation, where y has been rounded to 0 or 1.
    `targets_sum_to_one` says for which targets it holds.
    """

    delta: Callable[[Arithmetic, Array, Array], Array]
    parts: Callable[[Arithmetic, Array, Array], Array]
    targets_sum_to_one: bool = False


@dataclass(frozen=True)
class Loss:
    """A loss E, a sum of one part an output.

    `parts(m, y, t)` are E[k] and `slope(m, y, t)` is dE/dy[k]; loss `given` has neither (dE/dy is given), and `needs`
    says what a sample brings: t, dz or nothing.  `fused` holds, by the name of the last activation, a `Fusion`.
    """

    name: str
    text: str
    parts: Callable[[Arithmetic, Array, Array], Array] | None
    slope: Callable[[Arithmetic, Array, Array], Array]
    needs: str = "t"
    fused: Mapping[str, Fusion] = field(default_factory=dict)
    domain: str = "all real y"
    source: str = ""

    def value(self, y: Any, t: Any = 0.0) -> float:
        """E in float64 for one sample's outputs and targets.

        >>> functions["half_squared_error"].value([2.0, 5.0], [0.0, 1.0])
        10.0
        """
        assert self.parts is not None, "loss 'given' has no value"
        with FLOAT64.working():
            return float(np.sum(self.parts(FLOAT64, *self._columns(y, t))))

    def gradient(self, y: Any, t: Any = 0.0) -> Any:
        """dE/dy in float64 for one sample's outputs and targets."""
        with FLOAT64.working():
            return _plain(self.slope(FLOAT64, *self._columns(y, t)).reshape(np.shape(y)), y)

    @staticmethod
    def _columns(y: Any, t: Any) -> tuple[Array, Array]:
        column = np.asarray(y, float).reshape(-1, 1)
        return column, np.broadcast_to(np.asarray(t, float), np.shape(y)).reshape(-1, 1)


def _plain(result: Array, a: Any) -> Any:
    return float(result) if np.ndim(a) == 0 else np.asarray(result)


# --- activations ---


def _logistic(m: Arithmetic, a: Array) -> Array:
    return 1 / (1 + m.exp(-a))


def _density(m: Arithmetic, a: Array) -> Array:
    return m.exp(-m.square(a) / 2) / m.sqrt(2 * m.pi)


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


def _softplus_stable(m: Arithmetic, a: Array) -> Array:
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
    source="Bishop (2006), 4.59 and 4.88",
)
TANH = Activation(
    "tanh",
    "h(a) = tanh(a)",
    formula=lambda m, a: m.tanh(a),
    derivative=lambda m, a, z: 1 - m.square(z),
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
    stable=_softplus_stable,
    source="Dugas et al. (2001)",
)
SILU = Activation(
    "silu",
    "h(a) = a/(1 + exp(-a))",
    formula=lambda m, a: a / (1 + m.exp(-a)),
    derivative=lambda m, a, z: _logistic(m, a) + z * (1 - _logistic(m, a)),
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

# --- losses ---


def _t_log(m: Arithmetic, t: Array, y: Array) -> Array:
    return m.unless_zero(t, t * m.log(y))  # 0 log 0 = 0


def _t_over(m: Arithmetic, t: Array, y: Array) -> Array:
    return m.unless_zero(t, t / y)


def _log_sum_exp(m: Arithmetic, a: Array) -> Array:
    top = m.largest(a)
    return top + m.log(m.exp(a - top).sum(axis=0))


HALF_SQUARED_ERROR = Loss(
    "half_squared_error",
    "E = 1/2 sum_k (y[k] - t[k])^2",
    parts=lambda m, y, t: m.square(y - t) / 2,
    slope=lambda m, y, t: y - t,
    source="Bishop (2006), 5.14",
)
SQUARED_ERROR = Loss(
    "squared_error",
    "E = sum_k (y[k] - t[k])^2",
    parts=lambda m, y, t: m.square(y - t),
    slope=lambda m, y, t: 2 * (y - t),
    source="without the 1/2",
)
MEAN_SQUARED_ERROR = Loss(
    "mean_squared_error",
    "E = 1/K sum_k (y[k] - t[k])^2, K outputs",
    parts=lambda m, y, t: m.square(y - t) / len(y),
    slope=lambda m, y, t: 2 * (y - t) / len(y),
    source="torch.nn.MSELoss and keras MeanSquaredError for one sample",
)
CROSS_ENTROPY = Loss(
    "cross_entropy",
    "E = -sum_k t[k] log y[k]",
    parts=lambda m, y, t: -_t_log(m, t, y),
    slope=lambda m, y, t: -_t_over(m, t, y),
    fused={
        "softmax": Fusion(
            delta=lambda m, y, t: y - t,
            parts=lambda m, a, t: t * (_log_sum_exp(m, a) - a),
            targets_sum_to_one=True,
        )
    },
    domain="y > 0 where t is not 0; at y = 0 the loss is infinite, and the step says so",
    source="Bishop (2006), 4.108 and 4.109",
)
BINARY_CROSS_ENTROPY = Loss(
    "binary_cross_entropy",
    "E = -sum_k [t[k] log y[k] + (1 - t[k]) log(1 - y[k])]",
    parts=lambda m, y, t: -(_t_log(m, t, y) + _t_log(m, 1 - t, 1 - y)),
    slope=lambda m, y, t: _t_over(m, 1 - t, 1 - y) - _t_over(m, t, y),
    fused={
        "sigmoid": Fusion(
            delta=lambda m, y, t: y - t,
            parts=lambda m, a, t: t * _softplus_stable(m, -a) + (1 - t) * _softplus_stable(m, a),
        )
    },
    domain="0 < y < 1; at y = 0 or 1 the loss may be infinite, and the step says so",
    source="Bishop (2006), 4.90 and 5.21",
)
GIVEN = Loss(
    "given",
    "no loss: the signal dE/dy from what lies above is given with each sample as dz",
    parts=None,
    slope=lambda m, y, t: t,
    needs="dz",
    source="one layer of a larger network worked alone",
)
OUTPUT = Loss(
    "output",
    "E = sum_k y[k]",
    parts=lambda m, y, t: y,
    slope=lambda m, y, t: m.ones_like(y),
    needs="",
    source="the derivative of the outputs themselves",
)

ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {f.name: f for f in (IDENTITY, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, SOFTPLUS, SILU, GELU, SOFTMAX)}
)
LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        f.name: f
        for f in (
            HALF_SQUARED_ERROR,
            SQUARED_ERROR,
            MEAN_SQUARED_ERROR,
            CROSS_ENTROPY,
            BINARY_CROSS_ENTROPY,
            GIVEN,
            OUTPUT,
        )
    }
)
functions: Mapping[str, Any] = MappingProxyType({**ACTIVATIONS, **LOSSES})
"""Every activation and loss by name: `functions["sigmoid"].value(1)`."""
