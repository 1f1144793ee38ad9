"""What verify costs beside torch.autograd.gradcheck: `python tests/benchmarks/verify.py`.

Alternating in one process, the median of each; before every call one weight is changed, so that nothing can be
remembered.  verify: a trace and all three routes, tolerances for every weight, its verdict.  torch: the same network,
float64, slow mode (every weight) and fast mode (one projection an array).  Peak memory is what one verify adds.

Exit 1 if a target is missed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from plants import DEEP, DENSE, dense

from derivations.network import Problem
from tracer import verify

TARGETS = {(784, 30, 10): (1000, 1), (64, 32, 10): (200, 1), (10, 10, 10): (1, 1), (3, 2, 2): (1, 0), DEEP: (30, 0)}
"""Times faster than slow and fast mode."""


def twin(problem: Problem) -> tuple[Callable[..., Any], list[Any]]:
    """The loss in torch as a function of all parameters, and these."""
    assert problem.signals is not None
    x, t = (torch.tensor(given.floats[:, 0]) for given in (problem.x, problem.signals))
    parameters = []
    for _, layer in problem.network:
        assert layer.b is not None
        parameters += [torch.tensor(np.array(p), requires_grad=True) for p in (layer.W.floats, layer.b.floats[:, 0])]

    def loss(*p: Any) -> Any:
        z = x
        for W, b in zip(p[::2], p[1::2], strict=True):
            z = torch.sigmoid(W @ z + b)
        return ((z - t) ** 2).sum() / 2

    return loss, parameters


def timed(call: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1000


def measured(sizes: tuple[int, ...], rounds: int, times: int) -> tuple[float, float, float]:
    """Median milliseconds of verify, slow and fast."""
    fresh = iter([dense(sizes, seed) for seed in range(1, rounds * times + 2)])
    loss, parameters = twin(dense(sizes))
    assert verify(next(fresh)).agrees
    ours, slow, fast = [], [], []
    for _ in range(rounds):
        ours += [timed(lambda: verify(next(fresh)).agrees) for _ in range(times)]
        slow.append(timed(lambda: torch.autograd.gradcheck(loss, parameters)))
        fast += [timed(lambda: torch.autograd.gradcheck(loss, parameters, fast_mode=True)) for _ in range(times)]
        with torch.no_grad():
            parameters[0][0, 0] += 0.01
    return statistics.median(ours), statistics.median(slow), statistics.median(fast)


def memory(sizes: tuple[int, ...]) -> float:
    """Megabytes that one verify adds at its peak."""
    verify(dense(sizes))
    problem = dense(sizes, 1)
    tracemalloc.start()
    assert verify(problem).agrees
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> int:
    """Every network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    good = True
    for sizes in (*DENSE, DEEP):
        ours, slow, fast = measured(sizes, options.rounds, 5)
        wanted = TARGETS[sizes]
        met = slow / ours >= wanted[0] and fast / ours >= wanted[1]
        good &= met
        name = "-".join(map(str, sizes))
        print(
            f"{name}: verify {ours:.2f} ms, "
            f"gradcheck slow {slow:.1f} ms ({slow / ours:.0f} times, target {wanted[0]}), "
            f"fast {fast:.2f} ms ({fast / ours:.2f} times, target {wanted[1]}), {memory(sizes):.1f} MB: "
            f"{'met' if met else 'MISSED'}",
            flush=True,
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
