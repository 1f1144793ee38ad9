"""A torch optimizer handed over with its model: its rate, what it does to no gradient, and the weights before its step.

Letters: W a parameter as it is now, g its gradient, eta the learning rate, mu the momentum, m and v Adam's averages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tracer.problem import ProblemError
from tracer.read_model import Model
from tracer.tensors import Array, numpy_of

__all__ = ["STEPPED", "before_step", "notes_of", "rate_of"]

STEPPED = (
    "gradients: they are those of the weights before optimizer.step(), and the model has those after it; "
    "call verify between backward() and step()"
)
Group = Mapping[str, Any]


def _groups(optimizer: Any) -> list[Group]:
    """The groups of parameters.  Raises ProblemError for what is no torch optimizer."""
    groups = getattr(optimizer, "param_groups", None)
    if not isinstance(groups, list) or not type(optimizer).__module__.startswith("torch.optim"):
        kind = f"{type(optimizer).__module__}.{type(optimizer).__name__}"
        raise ProblemError(f"optimizer: {kind} is none of torch.optim's; leave it out")
    return groups


def rate_of(optimizer: Any) -> float | None:
    """The learning rate that every parameter has, None where they differ."""
    rates = {float(group["lr"]) for group in _groups(optimizer)}
    return rates.pop() if len(rates) == 1 else None


def notes_of(optimizer: Any) -> list[str]:
    """What the optimizer adds in its step, which .grad never holds."""
    decays = {float(group.get("weight_decay", 0)) for group in _groups(optimizer)} - {0.0}
    return [
        f"weight_decay = {decay:g} of {type(optimizer).__name__} acts in step(), not in .grad; it is not judged here"
        for decay in sorted(decays)
    ]


def before_step(optimizer: Any, read: Model) -> dict[str, Array] | None:
    """W1, b1 ... as they were before the last step(), None for an optimizer of which that is not known."""
    undo = {"SGD": _before_sgd, "Adam": _before_adam, "AdamW": _before_adam}.get(type(optimizer).__name__)
    if undo is None:
        return None
    groups = {id(p): group for group in _groups(optimizer) for p in group["params"]}
    out: dict[str, Array] = {}
    for name, W, gradient, _, own in read.parameters():
        out[name] = W
        if gradient is not None and (group := groups.get(id(own))):
            state = optimizer.state.get(own, {})
            out[name] = undo(W.astype(float), gradient.astype(float), group, state).astype(W.dtype)
    return out


def _before_sgd(W: Array, g: Array, group: Group, state: Mapping[str, Any]) -> Array:
    """Torch: W -= eta d, d = g + decay W, or its momentum buffer, or both of them (nesterov)."""
    eta, decay = float(group["lr"]), float(group["weight_decay"])
    g = -g if group["maximize"] else g
    if (buffer := state.get("momentum_buffer")) is None:
        return (W + eta * g) / (1 - eta * decay)
    moved = np.asarray(numpy_of(buffer, "momentum_buffer"), float)
    if group["nesterov"]:
        return (W + eta * (g + float(group["momentum"]) * moved)) / (1 - eta * decay)
    return W + eta * moved


def _before_adam(W: Array, g: Array, group: Group, state: Mapping[str, Any]) -> Array:
    """Torch: W -= eta m/(1 - beta1^n)/(sqrt(v/(1 - beta2^n)) + eps); AdamW multiplies W with 1 - eta decay first."""
    if "exp_avg" not in state:
        return W
    eta, n = float(group["lr"]), float(state["step"])
    beta1, beta2 = (float(beta) for beta in group["betas"])
    second = "max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"
    m, v = (np.asarray(numpy_of(state[key], key), float) for key in ("exp_avg", second))
    moved = eta * m / (1 - beta1**n) / (np.sqrt(v / (1 - beta2**n)) + float(group["eps"]))
    decay = float(group["weight_decay"]) if group.get("decoupled_weight_decay") else 0.0
    return np.asarray((W + moved) / (1 - eta * decay))
