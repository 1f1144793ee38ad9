"""No false alarm in 100,000 correct steps: `python tests/campaigns/verify.py --count 100000`.

Half of them are not dense: files drawn from a grammar of equations (recurrences, shared arrays, reductions, choices,
convolutions), in float64 and (gradients and new parameters) worked in float32.  Families of layers: random (every
activation, loss, bias form), saturated, tiny, deep, whole-number ReLU, one-decimal ReLU, softmax with cross-entropy
in batches, weights of any size under any loss, and float32 numbers (gradients and new weights of ours, gradients of
torch).  Every number of the step is judged, the update by each optimizer included.  Each prints how many disagree,
how many are undecided, and the worst |difference| / allowed, which must stay below 1.

Exit 1 on any disagreement.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from drawn_equations import draw
from networks import random_problem
from plants import integer_relu

from derivations.equations import Role
from derivations.losses import LOSSES
from tracer import load, loads, trace, verify

ELEMENTWISE = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu", "identity")


def network(
    seed: int, scale: float, sizes: list[int], activations: tuple[str, ...], decimals: int | None = None
) -> Any:
    """A network of one sample with weights of a size."""
    rng = np.random.default_rng(seed)

    def numbers(*shape: int) -> Any:
        x = rng.normal(0, scale, shape)
        return (x if decimals is None else np.round(x, decimals)).tolist()

    chosen = [str(rng.choice(activations)) for _ in sizes[1:]]
    if decimals is not None:
        chosen[-1] = "identity"
    layers = [
        {"activation": f, "W": numbers(n, m), "b": numbers(n)}
        for f, m, n in zip(chosen, sizes, sizes[1:], strict=False)
    ]
    sample = {"x": np.round(rng.uniform(0, 1, sizes[0]), 1).tolist(), "t": np.round(rng.uniform(0, 1, sizes[-1]), 1)}
    return {
        "network": {"loss": "half_squared_error", "layers": layers},
        "samples": [sample],
        "training": {"learning_rate": 0.1},
    }


def of_any_size(seed: int) -> Any:
    """Weights from 1e-90 to 1e90, a loss at random, every third with a softmax at its end."""
    rng = np.random.default_rng(seed)
    raw = network(seed, float(10.0 ** rng.uniform(-90, 90)), [3, 4, 2], ELEMENTWISE)
    raw["network"]["loss"] = str(rng.choice([name for name in LOSSES if name not in ("given", "output")]))
    if seed % 3 == 0:
        raw["network"]["layers"][-1]["activation"] = "softmax"
    return raw


def classifier(seed: int) -> Any:
    """Softmax with cross-entropy, a batch, logits of very different sizes."""
    rng = np.random.default_rng(seed)
    scale = float(10.0 ** rng.uniform(-2, 2))
    sizes = [int(n) for n in rng.integers(2, 6, 3)]
    layers = [
        {"activation": f, "W": rng.normal(0, s, (n, m)).tolist(), "b": rng.normal(0, s, n).tolist()}
        for f, s, m, n in zip(("tanh", "softmax"), (1.0, scale), sizes, sizes[1:], strict=False)
    ]
    samples = [
        {"x": rng.normal(0, 1, sizes[0]).tolist(), "class": int(rng.integers(1, sizes[-1] + 1))} for _ in range(3)
    ]
    return {
        "network": {"loss": "cross_entropy", "layers": layers},
        "samples": samples,
        "training": {"learning_rate": 0.1, "reduction": ("sum", "mean")[seed % 2]},
    }


def single(seed: int) -> tuple[Any, Any]:
    """A random network, its gradients and new weights worked in float32."""
    problem = load(random_problem(seed, samples="together"))
    own = trace(problem, arithmetic="float32")
    theirs = {name: np.asarray(own[name], np.float32) for l, _ in problem.network for name in (f"dW{l}", f"W{l}_new")}
    return problem, {name: array for name, array in theirs.items() if np.isfinite(array).all()}


def torch_single(seed: int) -> tuple[Any, Any]:
    """A network with hidden kinks and its float32 gradients by torch."""
    import torch

    raw = network(seed, 1.0, [3, 4, 4, 2], ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "identity"), 1)
    h = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": torch.relu,
        "leaky_relu": lambda a: torch.nn.functional.leaky_relu(a, 0.01),
        "elu": torch.nn.functional.elu,
        "identity": lambda a: a,
    }
    layers = raw["network"]["layers"]
    leaves = [[torch.tensor(layer[p], dtype=torch.float32, requires_grad=True) for p in "Wb"] for layer in layers]
    z = torch.tensor(raw["samples"][0]["x"], dtype=torch.float32)
    for layer, (W, b) in zip(layers, leaves, strict=True):
        z = h[layer["activation"]](W @ z + b)
    t = torch.tensor(np.asarray(raw["samples"][0]["t"]), dtype=torch.float32)
    (((z - t) ** 2).sum() / 2).backward()
    return raw, {f"d{p}{l}": q.grad for l, pair in enumerate(leaves, 1) for p, q in zip("Wb", pair, strict=True)}


def drawn(seed: int) -> tuple[Any, Any]:
    """A file drawn from the grammar of equations; nothing to judge where it means nothing to the language."""
    try:
        return loads(draw(20_261_130, seed).text), None
    except ValueError:
        return None, {}


def drawn_single(seed: int) -> tuple[Any, Any]:
    """The same, its gradients and new parameters worked in float32."""
    problem, _ = drawn(seed)
    if problem is None or (problem.training and problem.training.samples != "together"):
        return None, {}
    own, arrays = trace(problem, arithmetic="float32"), problem.step.arrays
    roles = (Role.GRADIENT, Role.UPDATED)
    theirs = {n: np.asarray(own.steps[0].known[n], np.float32) for n, a in arrays.items() if a.role in roles}
    return problem, {name: array for name, array in theirs.items() if np.isfinite(array).all()}


FAMILIES: dict[str, Callable[[int], tuple[Any, Any]]] = {
    "random": lambda seed: (random_problem(seed), None),
    "saturated": lambda seed: (network(seed, 20.0, [3, 4, 2], ELEMENTWISE), None),
    "tiny": lambda seed: (network(seed, 1e-6, [3, 4, 2], ELEMENTWISE), None),
    "deep": lambda seed: (network(seed, 0.8, [4] * 9, ELEMENTWISE), None),
    "whole-number relu": lambda seed: (integer_relu(seed), None),
    "one-decimal relu": lambda seed: (network(seed, 0.5, [2, 3, 3, 1], ("relu", "leaky_relu"), 1), None),
    "softmax cross-entropy batches": lambda seed: (classifier(seed), None),
    "any size": lambda seed: (of_any_size(seed), None),
    "float32": single,
    "float32 of torch": torch_single,
    "equations": drawn,
    "equations in float32": drawn_single,
}
SHARES = {"equations": 8, "equations in float32": 2}
"""How many times as many as of another family are drawn: half of all are equations."""


def run(name: str, count: int, start: int) -> int:
    """How many of a family disagree."""
    worst, undecided, alarms = 0.0, 0, 0
    for seed in range(start, start + count):
        problem, theirs = FAMILIES[name](seed)
        if theirs == {}:
            continue
        result = verify(problem, theirs)
        worst = max(worst, result.worst)
        undecided += result.verdict == "undecided"
        if result.verdict == "disagree" or result.worst >= 1:
            alarms += 1
            if alarms <= 3:
                print(f"{name} {seed}: {result}")
    print(
        f"{name}: {count} correct networks, {alarms} false alarms, {undecided} undecided, worst {worst:.3f}", flush=True
    )
    return alarms


def main() -> int:
    """Every family."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--only", choices=FAMILIES)
    options = parser.parse_args()
    chosen = [options.only] if options.only else list(FAMILIES)
    share = options.count / sum(SHARES.get(name, 1) for name in chosen)
    return 1 if sum(run(name, round(share * SHARES.get(name, 1)), options.start) for name in chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
