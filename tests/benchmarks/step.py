"""What a traced step costs beside plain numpy: `python tests/benchmarks/step.py`.

Two ratios, each from alternating runs in one process, the median printed:

- a traced float64 step of 784-30-10 with a batch of 32 against a plain numpy step that also forms dz0 (target 1.3);
- 10,000 steps of one sigmoid-xor network through `tracer.train` against the plainest numpy loop (target 3).

Exit 1 if a target is missed.  `--profile` shows where the time of the traced side goes.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import tracer
from derivations.network import Problem
from tracer.step import run_step


def sigmoid(a: Any) -> Any:
    """The logistic function."""
    return 1 / (1 + np.exp(-a))


# --- 784-30-10, a batch of 32 ---


def wide() -> tuple[Problem, dict[str, Any]]:
    """The problem for the tracer, and the same numbers for numpy."""
    rng = np.random.default_rng(0)
    W1, W2 = rng.normal(0, 0.05, (30, 784)), rng.normal(0, 0.2, (10, 30))
    b1, b2 = rng.normal(0, 0.1, 30), rng.normal(0, 0.1, 10)
    x, t = rng.uniform(0, 1, (32, 784)), np.eye(10)[rng.integers(0, 10, 32)]
    layers = [{"activation": "sigmoid", "W": W1, "b": b1}, {"activation": "sigmoid", "W": W2, "b": b2}]
    problem = tracer.load(
        {
            "network": {"loss": "half_squared_error", "layers": layers},
            "samples": [{"x": x[n], "t": t[n]} for n in range(32)],
            "training": {"learning_rate": 0.1},
        }
    )
    own = {"W1": W1, "b1": b1[:, None], "W2": W2, "b2": b2[:, None], "x": x.T.copy(), "t": t.T.copy()}
    return problem, own


def plain_step(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, t: Any, eta: float = 0.1) -> tuple[Any, ...]:
    """The step as one would write it, dz0 included."""
    a1 = W1 @ x + b1
    z1 = sigmoid(a1)
    a2 = W2 @ z1 + b2
    z2 = sigmoid(a2)
    E = ((z2 - t) ** 2 / 2).sum()
    dz2 = z2 - t
    delta2 = z2 * (1 - z2) * dz2
    dW2 = delta2 @ z1.T
    db2 = delta2.sum(axis=1, keepdims=True)
    dz1 = W2.T @ delta2
    delta1 = z1 * (1 - z1) * dz1
    dW1 = delta1 @ x.T
    db1 = delta1.sum(axis=1, keepdims=True)
    dz0 = W1.T @ delta1
    return E, W1 - eta * dW1, b1 - eta * db1, W2 - eta * dW2, b2 - eta * db2, dz0


# --- sigmoid-xor, 10,000 steps of one network ---

XOR = {
    "network": {
        "loss": "squared_error",
        "layers": [
            {"activation": "sigmoid", "W": [[1, 1], [1, 1]], "b": [1, 1]},
            {"activation": "sigmoid", "W": [[1, 1]], "b": [1]},
        ],
    },
    "samples": [{"x": [0, 1], "t": [1]}],
    "training": {"learning_rate": 0.1},
}


def plain_loop(steps: int) -> Any:
    """The plainest loop that also forms every gradient and the loss."""
    W1, b1, W2, b2 = np.ones((2, 2)), np.ones((2, 1)), np.ones((1, 2)), np.ones((1, 1))
    x, t, eta = np.array([[0.0], [1.0]]), np.array([[1.0]]), 0.1
    E = 0.0
    for _ in range(steps):
        z1 = 1 / (1 + np.exp(-(W1 @ x + b1)))
        y = 1 / (1 + np.exp(-(W2 @ z1 + b2)))
        E = ((y - t) ** 2).sum()
        delta2 = y * (1 - y) * 2 * (y - t)
        delta1 = z1 * (1 - z1) * (W2.T @ delta2)
        W2 = W2 - eta * delta2 @ z1.T
        b2 = b2 - eta * delta2
        W1 = W1 - eta * delta1 @ x.T
        b1 = b1 - eta * delta1
    return W1, E


# --- timing ---


def alternating(ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int) -> list[float]:
    """The ratio of CPU times, round after round, after one round of each to warm up."""
    ours(), theirs()
    out = []
    for _ in range(rounds):
        begin = time.process_time()
        ours()
        middle = time.process_time()
        theirs()
        out.append((middle - begin) / (time.process_time() - middle))
    return out


def report(what: str, ratios: list[float], target: float) -> bool:
    """One line; whether the target is met."""
    median = statistics.median(ratios)
    verdict = "met" if median <= target else "MISSED"
    print(
        f"{what}: median ratio {median:.2f} of {len(ratios)} ({min(ratios):.2f} to {max(ratios):.2f}), "
        f"target {target}: {verdict}"
    )
    return median <= target


def main() -> int:
    """Both ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    problem, own = wide()
    step, plain = run_step(problem), plain_step(**own)
    assert np.allclose(step.arrays["dz", 0], plain[-1], rtol=1e-12, atol=1e-15)
    assert np.allclose(step.arrays["W_new", 1], plain[1], rtol=1e-12, atol=1e-15)
    xor = tracer.load(XOR)
    assert np.isclose(tracer.train(xor, 50).parameters["W1_new[1,2]"], plain_loop(50)[0][0, 1], rtol=1e-12)
    if options.profile:
        import cProfile

        cProfile.runctx("for _ in range(2000): run_step(problem)", globals(), locals(), sort="tottime")
        cProfile.runctx("tracer.train(xor, 5000)", globals(), locals(), sort="tottime")
        return 0
    many = 20  # few at a time, so that both sides meet the same state of the machine and of malloc

    def traced() -> None:
        for _ in range(many):
            run_step(problem)

    def in_numpy() -> None:
        for _ in range(many):
            plain_step(**own)

    good = report("784-30-10, batch of 32, one traced step", alternating(traced, in_numpy, 9 * options.rounds), 1.3)
    loops = alternating(lambda: tracer.train(xor, 10_000), lambda: plain_loop(10_000), options.rounds)
    return 0 if report("sigmoid-xor, 10,000 steps", loops, 3.0) and good else 1


if __name__ == "__main__":
    sys.exit(main())
