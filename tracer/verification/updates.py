"""The update of every parameter, worked again from somebody's gradients: the optimizer's numbers, W_new and b_new.

Each optimizer is written here from its source, over floats and over numbers with a running error bound; the rules that
are judged are not read.  A number follows from the gradient in front of it, so a right update of a wrong gradient is
told from a wrong update.

Letters: p a parameter, g its gradient, eta learning rate, mu momentum, v velocity or second moment, m first moment,
k the number of the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from derivations.network import Problem
from tracer.verification.case import Array, Arrays, Case, Key
from tracer.verification.running import Running

__all__ = ["bounded", "cut_off", "recorded", "updated"]

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
    def of(cls, case: Case, lift: Callable[[float], Any]) -> Constants:
        """Those of a problem."""
        training = case.problem.training
        rates = (training.learning_rate, training.momentum, training.beta1, training.beta2, training.epsilon)
        eta, mu, beta1, beta2, epsilon = (None if rate is None else lift(float(rate.floats)) for rate in rates)
        return cls(eta, mu, beta1, beta2, epsilon, training.momentum_form == "ema", case.count)


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
RECORDED = {"sgd": (), "momentum": ("v",), "nesterov": ("v",), "adam": ("m", "v", "m_hat", "v_hat")}
"""What each optimizer records of a parameter beside its new value."""


def recorded(problem: Problem, kind: str) -> bool:
    """Whether a step of this problem records a kind of the update, such as vW."""
    p = "b" if "b" in kind else "W"
    trained = p == "W" or problem.training.update_biases
    return kind == f"{p}_new" or (trained and kind.replace(p, "") in RECORDED[problem.training.optimizer])


def updated(case: Case, l: int, gradients: Arrays, keep: Callable[[Key, Array], Array]) -> None:
    """Every quantity of layer l's update in the order of calculation, each through `keep(key, array)`."""
    _layer(case, l, Constants.of(case, float), gradients, keep, lambda x: x)


def bounded(case: Case, gradients: Arrays, bounds: Arrays, u: float, *, exact: bool) -> tuple[Arrays, Arrays]:
    """The values and the bounds of every update, from gradients and their bounds, at unit roundoff u.

    exact: parameters and constants are what the problem says; else they are rounded once, by u.
    """
    u *= SLACK
    values, allowed = Arrays(), Arrays()

    def keep(key: Key, x: Running) -> Running:
        values[key], allowed[key] = x.v, x.e if np.ndim(x.e) else np.full(np.shape(x.v), x.e)
        return x

    def given(x: Array) -> Running:
        return Running(x, 0.0 if exact else u * abs(x), u)

    held = {key: Running(array, bounds.get(key, 0.0), u) for key, array in gradients.items() if key[0] in ("dW", "db")}
    with np.errstate(all="ignore"):
        c = Constants.of(case, given)
        for l in range(case.L, 0, -1):
            _layer(case, l, c, held, keep, given)
    return values, allowed


def cut_off(case: Case, gradients: Arrays, truncation: Arrays) -> Arrays:
    """What truncation in the gradients does to every update."""
    if case.problem.training.optimizer == "sgd":
        eta = abs(float(case.problem.training.learning_rate.floats))
        return {(f"{key[0][1]}_new", key[1]): eta * cut for key, cut in truncation.items() if key[0] in ("dW", "db")}
    return bounded(case, gradients, truncation, 0.0, exact=True)[1]


def _layer(case: Case, l: int, c: Constants, gradients: Any, keep: Any, lift: Callable[[Any], Any]) -> None:
    training = case.problem.training
    for p, start in (("W", case.W[l]), ("b", case.b[l])):
        if start is None:
            continue
        if p == "b" and not training.update_biases:
            keep(("b_new", l), lift(start))
            continue

        def named(what: str, array: Any, p: str = p) -> Any:
            letter, _, hat = what.partition("_")
            return keep((f"{letter}{p}{'_hat' if hat else ''}", l), array)

        letters = {what[0] for what in RECORDED[training.optimizer]}
        state = {letter: lift(case.before.get((letter + p, l), 0.0)) for letter in letters}
        keep((f"{p}_new", l), OPTIMIZERS[training.optimizer](c, lift(start), gradients[f"d{p}", l], state, named))
