"""Losses: one entry each, and the only place where one is added.

Letters: a pre-activation, y output (the last layer's z), t target, m the arithmetic the numbers belong to
(`derivations.arithmetic`).  Arrays hold one column a sample.

An entry is its equation in the language, as a teacher writes it: what sympy differentiates, what gets printed, and
what its slope is made from by the chain rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64, Arithmetic, plain
from derivations.building import ONE, total
from derivations.expression import Ref
from derivations.language import expression
from derivations.lowering import applied
from derivations.rewrites import zero_log_zero
from derivations.uses import uses

__all__ = ["LOSSES", "Fusion", "Loss", "loss_of"]

Array = Any


@dataclass(frozen=True)
class Fusion:
    """What a loss becomes together with one activation of the last layer: delta = dE/da without the detour by dE/dy.

    `targets_sum_to_one` says for which targets it holds.  `steps(y, t, k)` are delta[k] on the way from the long form
    to the short one, as a teacher writes it, from lists of outputs and targets.
    """

    delta: Callable[[Arithmetic, Array, Array], Array]
    targets_sum_to_one: bool = False
    steps: Callable[[list[Any], list[Any], int], list[Any]] = lambda y, t, k: []


@dataclass(frozen=True)
class Loss:
    """A loss E, a sum of one part an output.

    `equation` is E[k] as text of the language, over y, t and |k|, the number of outputs.
    `parts(m, y, t)` are E[k] and `slope(m, y, t)` is dE/dy[k]; loss `given` has neither (dE/dy is given), and `needs`
    says what a sample brings: t, dz or nothing.  `targets` is "0..1" where they are probabilities.  `fused` holds, by
    the name of the last activation, a `Fusion`.
    """

    name: str
    text: str
    parts: Callable[[Arithmetic, Array, Array], Array] | None
    slope: Callable[[Arithmetic, Array, Array], Array]
    equation: str = ""
    needs: str = "t"
    fused: Mapping[str, Fusion] = field(default_factory=dict)
    domain: str = "all real y"
    targets: str = "any"
    source: str = ""

    def __reduce__(self) -> tuple[Callable[[str], Loss], tuple[str]]:
        """Between processes by its name: its rules are code of this package."""
        return _named, (self.name,)

    def value(self, y: Any, t: Any = 0.0) -> float:
        """E in float64 for one sample's outputs and targets.

        >>> LOSSES["half_squared_error"].value([2.0, 5.0], [0.0, 1.0])
        10.0
        """
        assert self.parts is not None, "loss 'given' has no value"
        with FLOAT64.working():
            return float(np.sum(self.parts(FLOAT64, *self._columns(y, t))))

    def gradient(self, y: Any, t: Any = 0.0) -> Any:
        """dE/dy in float64 for one sample's outputs and targets."""
        with FLOAT64.working():
            return plain(self.slope(FLOAT64, *self._columns(y, t)).reshape(np.shape(y)), y)

    @staticmethod
    def _columns(y: Any, t: Any) -> tuple[Array, Array]:
        column = np.asarray(y, float).reshape(-1, 1)
        return column, np.broadcast_to(np.asarray(t, float), np.shape(y)).reshape(-1, 1)


def loss_of(name: str, text: str, equation: str, **about: Any) -> Loss:
    """A loss from its equation: its parts are worked from it, and its slope is made from it by the chain rule."""
    parts = zero_log_zero(expression(equation))
    found = [use.reaches for use in uses(parts, Ref("E_part", ()), ONE) if use.ref.name == "y"]
    slope = total(*((1, reaches) for reaches in found))
    return Loss(
        name,
        text,
        parts=lambda m, y, t: applied(parts, m, {"k": len(y)}, y=y, t=t),
        slope=lambda m, y, t: m.ones_like(y) if slope == ONE else applied(slope, m, {"k": len(y)}, y=y, t=t),
        equation=equation,
        **about,
    )


def _softmax_steps(y: list[Any], t: list[Any], k: int) -> list[Any]:
    """y cancelled, then collected; what is left is y - t where the targets sum to 1."""
    cancelled = -(t[k] * (1 - y[k]))
    total = t[0]
    for j in range(len(t)):
        cancelled = cancelled if j == k else cancelled + t[j] * y[k]
        total = total if j == 0 else total + t[j]
    return [cancelled, y[k] * total - t[k]]


HALF_SQUARED_ERROR = loss_of(
    "half_squared_error",
    "E = 1/2 sum_k (y[k] - t[k])^2",
    "(y - t)^2/2",
    source="Bishop (2006), 5.14",
)
SQUARED_ERROR = loss_of(
    "squared_error",
    "E = sum_k (y[k] - t[k])^2",
    "(y - t)^2",
    source="without the 1/2",
)
MEAN_SQUARED_ERROR = loss_of(
    "mean_squared_error",
    "E = 1/K sum_k (y[k] - t[k])^2, K outputs",
    "(y - t)^2/|k|",
    source="torch.nn.MSELoss and keras MeanSquaredError for one sample",
)
HALF_MEAN_SQUARED_ERROR = loss_of(
    "half_mean_squared_error",
    "E = 1/(2K) sum_k (y[k] - t[k])^2, K outputs",
    "(y - t)^2/(2*|k|)",
    source="loss_ of scikit-learn's MLPRegressor for one sample",
)
CROSS_ENTROPY = loss_of(
    "cross_entropy",
    "E = -sum_k t[k] log y[k]",
    "-(t*log(y))",
    fused={
        "softmax": Fusion(
            delta=lambda m, y, t: y - t,
            targets_sum_to_one=True,
            steps=_softmax_steps,
        )
    },
    targets="0..1",
    domain="y > 0 where t is not 0; at y = 0 the loss is infinite, and the step says so",
    source="Bishop (2006), 4.108 and 4.109",
)
BINARY_CROSS_ENTROPY = loss_of(
    "binary_cross_entropy",
    "E = -sum_k [t[k] log y[k] + (1 - t[k]) log(1 - y[k])]",
    "-(t*log(y) + (1 - t)*log(1 - y))",
    fused={
        "sigmoid": Fusion(
            delta=lambda m, y, t: y - t,
            steps=lambda y, t, k: [-(t[k] * (1 - y[k])) + (1 - t[k]) * y[k]],
        )
    },
    targets="0..1",
    domain="0 < y < 1; at y = 0 or 1 the loss may be infinite, and the step says so",
    source="Bishop (2006), 4.90 and 5.21",
)
KL_DIVERGENCE = loss_of(
    "kl_divergence",
    "E = sum_k t[k] log(t[k]/y[k])",
    "t*log(t) - t*log(y)",
    fused=CROSS_ENTROPY.fused,
    targets="0..1",
    domain="y > 0 where t is not 0; at y = 0 the loss is infinite, and the step says so",
    source="Bishop (2006), 1.113; torch.nn.KLDivLoss of log y",
)
ABSOLUTE_ERROR = loss_of(
    "absolute_error",
    "E = sum_k |y[k] - t[k]|, slope 0 at y = t",
    "abs(y - t)",
    source="torch.nn.L1Loss(reduction='sum')",
)
HUBER = loss_of(
    "huber",
    "E = sum_k (y[k] - t[k])^2/2 where |y[k] - t[k]| < 1, else |y[k] - t[k]| - 1/2",
    "(y - t)^2/2 if 1 > abs(y - t) else abs(y - t) - 1/2",
    source="Huber (1964), delta = 1; torch.nn.HuberLoss(reduction='sum')",
)
HINGE = loss_of(
    "hinge",
    "E = sum_k max(0, 1 - t[k] y[k]), t[k] = -1 or 1",
    "max(0, 1 - t*y)",
    domain="targets -1 and 1; slope 0 on the margin, t y = 1",
    source="Bishop (2006), 7.44",
)
LOGISTIC_LOSS = loss_of(
    "logistic_loss",
    "E = sum_k log(1 + exp(-t[k] y[k])), t[k] = -1 or 1",
    "log1pexp(-(t*y))",
    domain="targets -1 and 1",
    source="Bishop (2006), 7.47; torch.nn.SoftMarginLoss(reduction='sum')",
)
GIVEN = Loss(
    "given",
    "no loss: each sample brings dE/dy, the signal from the next layer, as dz",
    parts=None,
    slope=lambda m, y, t: t,
    needs="dz",
    source="one layer of a larger network worked alone",
)
OUTPUT = loss_of(
    "output",
    "E = sum_k y[k]",
    "y",
    needs="",
    source="the derivative of the outputs themselves",
)

LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        f.name: f
        for f in (
            HALF_SQUARED_ERROR,
            SQUARED_ERROR,
            MEAN_SQUARED_ERROR,
            HALF_MEAN_SQUARED_ERROR,
            CROSS_ENTROPY,
            BINARY_CROSS_ENTROPY,
            KL_DIVERGENCE,
            ABSOLUTE_ERROR,
            HUBER,
            HINGE,
            LOGISTIC_LOSS,
            GIVEN,
            OUTPUT,
        )
    }
)


def _named(name: str) -> Loss:
    return LOSSES[name]
