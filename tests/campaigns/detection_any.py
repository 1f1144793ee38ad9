"""What verify finds and names in networks of every kind: `python tests/campaigns/detection_any.py --count 1000`.

Plants: the gradient of one parameter's entry (one that is not zero) zeroed, its sign flipped, times 1.01, times
1.000001, in float64, on eight networks: dense, a convolution with pooling, recurrent, attention, LSTM, batch
normalisation, an embedding, a highway network.  verify must name exactly what was planted, and nothing in `untouched`.

Then models that torch has trained in float32, until their gradients are hardly larger than what rounds: each array
zeroed, flipped, times 1.5 and times 1.01 must be found, or said to be undecided, and never be agreed to.

Exit 1 if a plant is missed, or agreed to.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).parents[1]))

import steps
from plants import KINDS, dense
from verify_equations import NETWORKS

from derivations.computation import Computation
from derivations.equations import Role
from derivations.network import Problem
from tracer import load, trace, verify
from tracer.verification.subject import layout_of

FURTHER = ("highway",)
EXAMPLES = ("lstm", "batchnorm", "embedding", *FURTHER)


def networks() -> dict[str, Problem | Computation]:
    """The networks by name."""
    out: dict[str, Problem | Computation] = {"dense 10-10-10": dense((10, 10, 10))}
    for name, make in NETWORKS.items():
        network = make()
        out[name.split(",")[0].split(" 8 x")[0]] = load(
            {"equations": network.equations, "parameters": network.parameters, "given": network.given}
        )
    folder = steps.FOLDER
    for name in EXAMPLES:
        steps.FOLDER = folder.parent / "further_steps" if name in FURTHER else folder
        out[name] = load(tomllib.loads(steps.problem_text(name)))
    steps.FOLDER = folder
    return out


def gradients(problem: Problem | Computation) -> dict[str, Any]:
    """The gradient of every parameter, as our own trace has it."""
    layout = layout_of(problem)
    (step,) = trace(problem).steps
    roles = {name: array.role for name, array in layout.step.arrays.items()}
    return {n: np.array(step.known[n], float) for n, role in roles.items() if role is Role.GRADIENT}


def found(problem: Problem | Computation, kind: str, count: int, seed: int) -> Counter[str]:
    """How many plants of a kind are found, and named exactly."""
    rng, ours, layout = np.random.default_rng([seed, *kind.encode()]), gradients(problem), layout_of(problem)
    entries = [(name, place) for name, array in ours.items() for place in zip(*np.nonzero(array), strict=True)]
    entries += [(name, ()) for name, array in ours.items() if array.ndim == 0 and array != 0]
    entries = [(name, place) for name, place in entries if len(place) == ours[name].ndim]
    out = Counter[str]()
    for _ in range(count):
        name, place = entries[int(rng.integers(len(entries)))]
        theirs = ours | {name: ours[name].copy()}
        theirs[name][place] *= KINDS[kind]
        result = verify(problem, theirs)
        out["found"] += not result.agrees
        out["named"] += result.wrong == (layout.text(name, tuple(map(int, place)), 0, 1),)
    return out


def trained() -> list[tuple[int, Callable[[Any], Any], Any, Any, Any]]:
    """Models that torch has trained for some steps, with the loss, the samples and their targets."""
    import torch
    from torch import nn

    out = []
    for count in (0, 10, 30, 100, 200):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        x, t, loss = torch.rand(64, 64), torch.randint(0, 10, (64,)), nn.CrossEntropyLoss()
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        for _ in range(count):
            optimizer.zero_grad()
            loss(model(x), t).backward()
            optimizer.step()
        model.zero_grad()
        loss(model(x), t).backward()
        out.append((count, model, loss, x, t))
    return out


def of_trained(model: Any, loss: Any, x: Any, t: Any) -> tuple[str, Counter[str]]:
    """The verdict on the right gradients, and those on each array of them zeroed, flipped, made larger."""
    right = verify(model, x=x, t=t, loss=loss).verdict
    verdicts = Counter[str]()
    for p in model.parameters():
        kept = p.grad.clone()
        for factor in (0.0, -1.0, 1.5, 1.01):
            p.grad = kept * factor
            verdicts[verify(model, x=x, t=t, loss=loss).verdict] += 1
        p.grad = kept
    return right, verdicts


def main() -> int:
    """Every network and every kind of plant; then the trained models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="plants of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    good = True
    for name, problem in networks().items():
        for kind in KINDS:
            counts = found(problem, kind, options.count if kind != "untouched" else 1, options.seed)
            met = counts["named"] == options.count if kind != "untouched" else not counts["found"]
            good &= met
            print(f"{name:14} {kind:12} found {counts['found']}, named {counts['named']}{'' if met else '  MISSED'}")
            sys.stdout.flush()
    for count, model, loss, x, t in trained():
        right, verdicts = of_trained(model, loss, x, t)
        good &= right != "disagree" and not verdicts["agree"]
        print(f"float32, {count} steps trained: right gradients {right}; plants: {dict(verdicts)}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
