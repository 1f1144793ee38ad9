"""A model's gradients as they can be judged: what is missing, what a penalty adds, where they are none of the loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivations.network import Problem
from tracer.loss_conventions import Convention
from tracer.penalties import Penalty, without, words
from tracer.problem import ProblemError
from tracer.read_model import Model
from tracer.tensors import Array, coarser, in_own_format
from tracer.tracing import trace

__all__ = ["AsJudged", "as_judged"]


@dataclass(frozen=True)
class AsJudged:
    """The gradients to judge, and what a reader of the verdict must know of them.

    `penalty`: how one was taken off.  `doubts`: why gradients that do not agree may be right all the same, each with
    what to do.  `cause`: why they cannot agree, "" for no reason.
    """

    gradients: Any
    penalty: str = ""
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    cause: str = ""


def as_judged(problem: Problem, read: Model, gradients: Any, loss: Convention | None) -> AsJudged:
    """Whole arrays dW1, db1 ... of a model; single numbers and files as they are.  Raises ProblemError."""
    cause = _saturated(problem, read, loss)
    if not _whole(gradients):
        if read.penalties:
            now = "give whole arrays, dW1, dW2 ..., from which its gradient can be taken off"
            raise ProblemError(f"penalty: {read.penalties[0].text}; {now}")
        return AsJudged(gradients, cause=cause)
    doubts = (*_coarse(gradients), *_linear_above(problem, read))
    penalty, missing = "", _missing(read, gradients)
    if read.penalties:
        gradients, penalty = _without_penalty(problem, read.penalties, gradients)
    gradients, notes = in_own_format(gradients, read.single)
    return AsJudged(gradients, penalty, (*missing, *notes), doubts, cause)


def _whole(gradients: Any) -> bool:
    """Whether these are whole arrays by name."""
    return isinstance(gradients, Mapping) and all(isinstance(array, np.ndarray) for array in gradients.values())


def _missing(read: Model, gradients: Mapping[str, Array]) -> list[str]:
    """A note on each parameter without a gradient, where it is frozen or others of the model have theirs."""
    backward = any(gradient is not None for _, _, gradient, _, _ in read.parameters())
    return [
        f"d{name} not given, not judged: {frozen or 'its .grad is None'}"
        for name, _, gradient, frozen, _ in read.parameters()
        if f"d{name}" not in gradients and (frozen or (backward and gradient is None))
    ]


def _without_penalty(
    problem: Problem, penalties: list[Penalty], gradients: Mapping[str, Array]
) -> tuple[dict[str, Array], str]:
    step = trace(problem)
    ours = {f"d{p.name}": np.asarray(step[f"d{p.name}"], float) for p in penalties}
    left, inside = without(penalties, gradients, ours, problem.samples)
    return left, words(penalties, inside)


def _coarse(gradients: Mapping[str, Array]) -> list[str]:
    """Whether float32 gradients were worked out in half the bits, as torch.autocast does."""
    found = coarser(gradients) if all(array.dtype == np.float32 for array in gradients.values()) else ""
    if not found:
        return []
    now = "run forward and backward without torch.autocast"
    return [f"gradients: the float32 arrays hold {found} numbers, too coarse to be judged; {now}"]


def _linear_above(problem: Problem, read: Model) -> list[str]:
    """Where a framework's activation is not ours: far out, torch's Softplus returns its argument."""
    if all(layer.linear_above == np.inf for layer in read.layers):
        return []
    step = trace(problem)
    return [
        f"{layer.source}: its activation returns a itself above {layer.linear_above:g}, ours never does, and a{l} goes "
        f"up to {np.max(a):.4g}; give it a threshold above that"
        for l, layer in enumerate(read.layers, 1)
        if np.max(a := np.asarray(step[f"a{l}"], float)) > layer.linear_above
    ]


def _saturated(problem: Problem, read: Model, convention: Convention | None) -> str:
    """Why a loss of probabilities has other gradients than its own: outputs too near to 0 or 1; "" for no reason."""
    if convention is None or not convention.least:
        return ""
    y = np.asarray(trace(problem)[f"z{len(read.layers)}"], read.layers[-1].W.dtype)
    y = np.nextafter(y, y.dtype.type(1))  # the model's own may be rounded up to 1
    least = float(np.min(y * (1 - y)))
    if least >= convention.least:
        return ""
    whose = convention.words.split("(")[0]
    return (
        f"the outputs are saturated: y(1 - y) is {least:.2g}, which {whose} cuts off at {convention.least:g}; "
        "its gradients are not those of the loss: use one that takes logits, BCEWithLogitsLoss or from_logits=True"
    )
