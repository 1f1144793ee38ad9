"""The update of every parameter, worked again from somebody's gradients: the optimizer's numbers and new values.

Each optimizer is written here from its source, over floats and over numbers with a running error bound; the equations
that are judged are not read.  A number follows from the gradient in front of it, so a right update of a wrong gradient
is told from a wrong update.

Letters: p a parameter, g its gradient, eta learning rate, mu momentum, v velocity or second moment, m first moment,
k the number of the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from derivations.equations import Role
from derivations.network import Problem, Training
from tracer.verification.contraction import array_of, filled
from tracer.verification.running import Running
from tracer.verification.subject import Floats, Subject

__all__ = ["Constants", "bounded", "is_recorded", "updated"]

SLACK = 8.0  # another order of operations, and numbers written to 16 digits
Keep = Callable[[str, Any], Any]


class Constants(NamedTuple):
    """The optimizer's constants, in the arithmetic at hand, the form of its momentum and the number of the step."""

    eta: Any
    mu: Any
    beta1: Any
    beta2: Any
    epsilon: Any
    ema: bool
    k: int

    @classmethod
    def of(cls, training: Training, count: int, lift: Callable[[float], Any]) -> Constants:
        """Those of a training, at a step."""
        rates = (training.learning_rate, training.momentum, training.beta1, training.beta2, training.epsilon)
        eta, mu, beta1, beta2, epsilon = (None if rate is None else lift(float(rate.floats)) for rate in rates)
        return cls(eta, mu, beta1, beta2, epsilon, training.momentum_form == "ema", count)


def _sgd(c: Constants, p: Any, g: Any, before: Mapping[str, Any], keep: Keep) -> Any:
    """p - eta g."""
    return p - c.eta * g


def _momentum(c: Constants, p: Any, g: Any, before: Mapping[str, Any], keep: Keep) -> Any:
    """v = mu v - eta g, p + v (Polyak 1964); as a moving average v = mu v + (1 - mu) g, p - eta v."""
    if c.ema:
        return p - c.eta * keep("v", c.mu * before["v"] + (1 - c.mu) * g)
    return p + keep("v", c.mu * before["v"] - c.eta * g)


def _nesterov(c: Constants, p: Any, g: Any, before: Mapping[str, Any], keep: Keep) -> Any:
    """v = mu v + g, p - eta (g + mu v).  torch.optim.SGD(nesterov=True)"""
    v = keep("v", c.mu * before["v"] + g)
    return p - c.eta * (g + c.mu * v)


def _adam(c: Constants, p: Any, g: Any, before: Mapping[str, Any], keep: Keep) -> Any:
    """Kingma & Ba (2015), algorithm 1; epsilon outside the root."""
    m = keep("m", c.beta1 * before["m"] + (1 - c.beta1) * g)
    v = keep("v", c.beta2 * before["v"] + (1 - c.beta2) * g**2)
    m_hat = keep("m_hat", m / (1 - c.beta1**c.k))
    v_hat = keep("v_hat", v / (1 - c.beta2**c.k))
    return p - c.eta * (m_hat / (v_hat**0.5 + c.epsilon))


OPTIMIZERS = {"sgd": _sgd, "momentum": _momentum, "nesterov": _nesterov, "adam": _adam}
STATES = {"sgd": "", "momentum": "v", "nesterov": "v", "adam": "mv"}
"""The optimizer's states of a parameter, by letter: vW, mW."""


def is_recorded(subject: Subject, name: str) -> bool:
    """Whether the step works an array of the update out."""
    return name in subject.recorded


def updated(subject: Subject, gradients: Mapping[str, Floats], keep: Keep) -> None:
    """Every number of the update in the order of the step, each through `keep(name, array)`."""
    training = subject.problem.training
    if training is not None:
        constants = Constants.of(training, subject.count, float)
        _worked(subject, training, constants, gradients, keep, lambda x: x)


def bounded(
    subject: Subject, gradients: Mapping[str, tuple[Floats, Any]], u: float, *, exact: bool
) -> dict[str, tuple[Floats, Floats]]:
    """The value and the bound of every number of the update, from gradients with bounds, at unit roundoff u.

    exact: parameters and constants are what the problem says; else they are rounded once, by u.
    """
    u *= SLACK
    out: dict[str, tuple[Floats, Floats]] = {}

    def keep(name: str, x: Running) -> Running:
        out[name] = array_of(x.v), filled(x.e, np.shape(x.v))
        return x

    def given(x: Any) -> Running:
        return Running(x, 0.0 if exact else u * abs(x), u)

    training = subject.problem.training
    if training is None:
        return out
    held = {name: Running(v, e, u) for name, (v, e) in gradients.items()}
    with np.errstate(all="ignore"):
        _worked(subject, training, Constants.of(training, subject.count, given), held, keep, given)
    return out


def _worked(
    subject: Subject,
    training: Training,
    c: Constants,
    gradients: Mapping[str, Any],
    keep: Keep,
    lift: Callable[..., Any],
) -> None:
    frozen = isinstance(subject.problem, Problem) and not training.update_biases
    for name, array in subject.arrays.items():
        if array.role is not Role.UPDATED:
            continue
        p, start = array.of, subject.given[array.of]
        if frozen and not p.startswith("W"):
            keep(name, lift(start))
            continue

        def named(letter: str, x: Any, p: str = p) -> Any:
            state, _, hat = letter.partition("_")
            return keep(f"{state}{p}{'_hat' if hat else ''}", x)

        before = {l: lift(subject.given.get(f"{l}{p}_before", 0.0)) for l in STATES[training.optimizer]}
        keep(name, OPTIMIZERS[training.optimizer](c, lift(start), gradients[f"d{p}"], before, named))
