"""The update of every parameter, worked again from somebody's gradients: the optimizer's numbers and new values.

Each optimizer is written here from its source, over floats and over numbers with a running error bound; the equations
that are judged are not read.  A number follows from the gradient in front of it, so a right update of a wrong gradient
is told from a wrong update.

Letters: p a parameter, g its gradient, eta learning rate, mu momentum, v velocity or second moment, m first moment,
c where gradients are clipped, k the number of the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from derivations.equations import Role
from derivations.network import Problem, Training
from derivations.optimizers import NORM
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
    rho: Any
    decay: Any
    clip: Any
    optimizer: str
    ema: bool
    clipping: str
    inside: bool
    k: int
    norm: Any = None

    @classmethod
    def of(cls, training: Training, count: int, lift: Callable[[float], Any]) -> Constants:
        """Those of a training, at a step."""
        known = {letter: lift(float(number.floats)) for letter, number in training.constants_of(count).items()}
        letters = ("eta", "mu", "beta1", "beta2", "epsilon", "rho", "lambda", "clip")
        eta, mu, beta1, beta2, epsilon, rho, decay, clip = map(known.get, letters)
        how = training.optimizer, training.momentum_form == "ema", training.clipping, training.epsilon_inside
        return cls(eta, mu, beta1, beta2, epsilon, rho, decay, clip, *how, training.count + count - 1)

    def root(self, v: Any) -> Any:
        """The root of a mean of squares with epsilon beside it, as in the papers, or under it."""
        return (v + self.epsilon) ** 0.5 if self.inside else v**0.5 + self.epsilon

    def prepared(self, p: Any, g: Any, keep: Keep) -> Any:
        """The gradient that the optimizer reads: clipped (Pascanu, Mikolov & Bengio 2013), then with lambda p."""
        how, decayed = self.clipping, self.decay is not None and self.optimizer != "adamw"
        if how == "value":
            g = _between(g, self.clip)
        elif how == "norm" and _number(self.norm) > _number(self.clip):
            g = self.clip * g / self.norm
        if decayed:
            g = g + self.decay * p
        return keep("g", g) if how or decayed else g


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
    """Kingma & Ba (2015), algorithm 1, epsilon outside the root; AdamW takes eta lambda p away too (2019)."""
    m = keep("m", c.beta1 * before["m"] + (1 - c.beta1) * g)
    v = keep("v", c.beta2 * before["v"] + (1 - c.beta2) * g**2)
    m_hat = keep("m_hat", m / (1 - c.beta1**c.k))
    v_hat = keep("v_hat", v / (1 - c.beta2**c.k))
    moved = m_hat / c.root(v_hat)
    return p - c.eta * (moved + c.decay * p if c.optimizer == "adamw" else moved)


def _rmsprop(c: Constants, p: Any, g: Any, before: Mapping[str, Any], keep: Keep) -> Any:
    """A running mean of squares (Hinton 2012, lecture 6e); epsilon outside the root, as in torch."""
    v = keep("v", c.rho * before["v"] + (1 - c.rho) * g**2)
    return p - c.eta * g / c.root(v)


def _adagrad(c: Constants, p: Any, g: Any, before: Mapping[str, Any], keep: Keep) -> Any:
    """The sum of all squares (Duchi, Hazan & Singer 2011); epsilon outside the root, as in torch."""
    v = keep("v", before["v"] + g**2)
    return p - c.eta * g / c.root(v)


def _number(x: Any) -> float:
    return float(x.v if isinstance(x, Running) else x)


def _between(g: Any, most: Any) -> Any:
    """Each entry cut off at -most and most; an error never grows by it."""
    c = _number(most)
    if isinstance(g, Running):
        return Running(np.clip(g.v, -c, c), g.e + most.e, g.u)
    return np.clip(g, -c, c)


def _length(gradients: Sequence[Any]) -> Any:
    """The root of the sum of all squares; it moves by no more than the length of what moves the gradients."""
    if not any(isinstance(g, Running) for g in gradients):
        return np.sqrt(sum(np.sum(np.square(g)) for g in gradients))
    v = float(np.sqrt(sum(np.sum(np.square(g.v)) for g in gradients)))
    moved = float(np.sqrt(sum(np.sum(np.square(filled(g.e, np.shape(g.v)))) for g in gradients)))
    u, entries = gradients[0].u, sum(np.size(g.v) for g in gradients)
    return Running(np.float64(v), moved + (entries + 2) * u * v, u)


OPTIMIZERS = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "adam": _adam,
    "adamw": _adam,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
}
STATES = {"sgd": "", "momentum": "v", "nesterov": "v", "adam": "mv", "adamw": "mv", "rmsprop": "v", "adagrad": "v"}
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
    biases = isinstance(subject.problem, Problem) and not training.update_biases
    updated = [(name, array.of) for name, array in subject.arrays.items() if array.role is Role.UPDATED]
    kept = {p for _, p in updated if p in training.frozen or (biases and not p.startswith("W"))}
    if training.clipping == "norm":
        c = c._replace(norm=keep(NORM, _length([gradients[f"d{p}"] for _, p in updated if p not in kept])))
    for name, p in updated:
        start = subject.given[p]
        if p in kept:
            keep(name, lift(start))
            continue

        def named(letter: str, x: Any, p: str = p) -> Any:
            state, _, hat = letter.partition("_")
            return keep(f"{state}{p}{'_hat' if hat else ''}", x)

        before = {l: lift(subject.given.get(f"{l}{p}_before", 0.0)) for l in STATES[training.optimizer]}
        g = c.prepared(lift(start), gradients[f"d{p}"], named)
        keep(name, OPTIMIZERS[training.optimizer](c, lift(start), g, before, named))
