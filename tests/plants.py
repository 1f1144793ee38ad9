"""Networks to verify, and their gradients as somebody else would have them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from derivations.network import Problem
from tracer import load, trace

__all__ = ["DEEP", "DENSE", "dense", "gradients", "integer_relu"]

DENSE = ((3, 2, 2), (10, 10, 10), (64, 32, 10), (784, 30, 10))
DEEP = (10,) * 9


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
