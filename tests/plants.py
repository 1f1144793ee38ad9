"""Networks to verify, and their gradients as somebody else would have them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from flint import arb

from derivations.network import Problem
from tracer import load, trace
from tracer.verification.in_balls import Balls
from tracer.verification.in_series import Series
from tracer.verification.pieces import Run
from tracer.verification.reading_plan import Plan

__all__ = ["DEEP", "DENSE", "KINDS", "Plant", "dense", "gradients", "integer_relu", "planted", "weights_to_plant"]
__all__ += ["spoil_backward", "spoil_forward"]

DENSE = ((3, 2, 2), (10, 10, 10), (64, 32, 10), (784, 30, 10))
DEEP = (10,) * 9
KINDS = {"zeroed": 0.0, "flipped": -1.0, "x 1.01": 1.01, "x 1.000001": 1.000001, "untouched": 1.0}
"""What is done to the gradient of one weight."""


@dataclass(frozen=True)
class Plant:
    """Gradients of which some are wrong, and the names of these."""

    theirs: dict[str, Any]
    names: frozenset[str]


def dense(
    sizes: tuple[int, ...], seed: int = 0, activation: str = "sigmoid", *, loss: str = "half_squared_error"
) -> Problem:
    """A dense network with one sample and weights of size 1/sqrt(inputs)."""
    rng = np.random.default_rng(seed)
    layers = [
        {"activation": activation, "W": rng.normal(0, m**-0.5, (n, m)), "b": rng.normal(0, 0.5, n)}
        for m, n in pairwise(sizes)
    ]
    return load(
        {
            "network": {"loss": loss, "layers": layers},
            "samples": [{"x": rng.uniform(0, 1, sizes[0]), "t": rng.uniform(0, 1, sizes[-1])}],
            "training": {"learning_rate": 0.1},
        }
    )


def gradients(problem: Problem) -> dict[str, Any]:
    """dW and db of every layer, as our own trace has them."""
    step = trace(problem).steps[0]
    return {f"{kind}{l}": np.array(step.array(kind, l)) for kind, l in step.arrays if kind in ("dW", "db")}


def integer_relu(seed: int, sizes: tuple[int, ...] = (2, 3, 3, 1)) -> Problem:
    """Hidden ReLU layers and a linear output with small whole weights: many units exactly at the kink."""
    rng = np.random.default_rng(seed)
    layers = [
        {
            "activation": "identity" if l == len(sizes) - 2 else "relu",
            "W": rng.integers(-2, 3, (n, m)).tolist(),
            "b": rng.integers(-1, 2, n).tolist(),
        }
        for l, (m, n) in enumerate(pairwise(sizes))
    ]
    sample = {"x": rng.integers(0, 3, sizes[0]).tolist(), "t": rng.integers(0, 2, sizes[-1]).tolist()}
    return load(
        {
            "network": {"loss": "half_squared_error", "layers": layers},
            "samples": [sample],
            "training": {"learning_rate": 0.1},
        }
    )


def weights_to_plant(ours: dict[str, Any], rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    """One weight whose gradient is not zero: every weight of the network is as likely."""
    sizes = {name: array.size for name, array in ours.items() if name.startswith("dW")}
    while True:
        k = int(rng.integers(sum(sizes.values())))
        for name, size in sizes.items():
            if k < size:
                place = tuple(int(i) for i in np.unravel_index(k, ours[name].shape))
                if ours[name][place] != 0:
                    return name, place
                break
            k -= size


def planted(ours: dict[str, Any], place: tuple[str, tuple[int, ...]], kind: str) -> Plant:
    """These gradients with one weight's changed; `first layer`: with the whole array zeroed."""
    name, index = place
    theirs = ours | {name: ours[name].copy()}
    theirs[name][index] *= KINDS.get(kind, 0.0)
    changed = np.argwhere(theirs[name] != ours[name])
    return Plant(theirs, frozenset(f"{name}[{','.join(str(i + 1) for i in at)}]" for at in changed))


OFF = "1.000000000000001"


def spoil_backward(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The backward ball route with the first entry of dE/d name off by a part in 1e15."""
    plain = Plan.back

    def back(self: Plan, run: Run, *arguments: Any) -> None:
        plain(self, run, *arguments)
        if isinstance(run.m, Balls):
            run.g[name] = np.array(run.g[name])
            run.g[name].flat[0] *= arb(OFF)

    monkeypatch.setattr(Plan, "back", back)


def spoil_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    """The route by power series with the loss's derivative off by a part in 1e15."""
    plain = Plan.forward

    def forward(self: Plan, run: Run) -> None:
        plain(self, run)
        if isinstance(run.m, Series):
            constant, moved = run.s["E"]
            run.s["E"] = constant, moved * arb(OFF)

    monkeypatch.setattr(Plan, "forward", forward)
