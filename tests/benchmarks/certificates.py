"""What certificates cost beside torch's gradcheck: `python tests/benchmarks/certificates.py`.

Every gradient of five nets, in balls of relative radius 1e-20, against `torch.autograd.gradcheck` (slow mode) of the
same net in float64; alternating in one process, one weight changed before each call, the median of seven.
Target: 100 times faster on 784-30-10.  Exit 1 if it is missed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import sys
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from derivations.given import Given
from derivations.network import Problem
from tracer import load
from tracer.verification.certificates import certify

NETS = {
    "3-2-2": (3, 2, 2),
    "10-10-10": (10, 10, 10),
    "64-32-10": (64, 32, 10),
    "784-30-10": (784, 30, 10),
    "10 x 8": (10,) * 9,
}
ROUNDS, TARGET = 7, 100


def network(sizes: tuple[int, ...]) -> Problem:
    """A dense sigmoid net with half the squared error."""
    rng = np.random.default_rng(0)
    layers = [
        {"activation": "sigmoid", "W": rng.normal(0, n**-0.5, (m, n)), "b": rng.normal(0, 0.1, m)}
        for n, m in pairwise(sizes)
    ]
    sample = {"x": rng.uniform(0, 1, sizes[0]), "t": rng.uniform(0, 1, sizes[-1])}
    return load(
        {
            "network": {"loss": "half_squared_error", "layers": layers},
            "samples": [sample],
            "training": {"learning_rate": 0.1},
        }
    )


def changed(problem: Problem, by: float) -> Problem:
    """The problem with one weight changed, and the weights as the floats they are."""
    first, *others = problem.network.layers
    W = first.W.floats.copy()
    W[0, 0] += by
    layers = (replace(first, W=Given(W)), *others)
    return replace(problem, network=replace(problem.network, layers=layers))


def torch_side(problem: Problem) -> Any:
    """gradcheck of the same net."""
    x, t = (torch.tensor(g.floats) for g in (problem.x, problem.signals))
    leaves = [
        torch.tensor(p.floats, requires_grad=True) for layer in problem.network.layers for p in (layer.W, layer.b) if p
    ]

    def loss(*parameters: Any) -> Any:
        z = x
        for W, b in zip(parameters[::2], parameters[1::2], strict=True):
            z = torch.sigmoid(W @ z + b)
        return ((z - t) ** 2).sum() / 2

    return lambda: torch.autograd.gradcheck(loss, leaves)


def timed(call: Any) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def main() -> int:
    """Print a row a net."""
    torch.set_num_threads(1)
    missed = False
    print(f"ms, medians of {ROUNDS}; both: both routes, one: the backward route alone")
    print(f"{'net':10} {'both':>9} {'one':>9} {'gradcheck':>10} {'times both':>10} {'times one':>10}")
    for name, sizes in NETS.items():
        problem = network(sizes)
        certify(problem)
        both, one, peer = [], [], []
        for k in range(ROUNDS):
            own = changed(problem, k * 1e-3)
            both.append(timed(lambda own=own: certify(own, inputs="floats")))
            one.append(timed(lambda own=own: certify(own, inputs="floats", forward_route=False)))
            peer.append(timed(torch_side(own)))
        a, b, c = (statistics.median(times) for times in (both, one, peer))
        print(f"{name:10} {a:9.2f} {b:9.2f} {c:10.1f} {c / a:10.0f} {c / b:10.0f}")
        missed |= name == "784-30-10" and c / a < TARGET
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
