"""What verify finds and names, beside what gradient checkers notice: `python tests/campaigns/detection.py`.

Plants: the gradient of one weight (one that is not zero) zeroed, its sign flipped, times 1.01, times 1.000001, in
float64, on the five networks of the benchmarks; and the whole first layer zeroed in the deep one.  verify must name
exactly what was planted.  torch.autograd.gradcheck (slow and fast_mode) and jax.test_util.check_grads get the same
plants as the backward pass of a function of their own, with their defaults; to notice is to raise an error.
`untouched` is the right gradient: what is noticed there are false alarms.  Peers see the first plants only, and slow
ones fewer; a peer that is not installed has no column.

Exit 1 if verify misses a target: every plant named in the dense networks, 95 % of the smallest in the deep one, and
the zeroed layer always.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import importlib.util
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from plants import DEEP, DENSE, KINDS, Plant, dense, gradients, planted, weights_to_plant

from derivations.network import Problem
from tracer import verify

NETWORKS = 100
Checker = Callable[[Problem, dict[str, Any]], bool]


def noticed_by_torch(fast: bool) -> Checker:
    """Whether gradcheck refuses these gradients as the backward pass of the network's loss."""
    import torch

    torch.set_num_threads(1)

    def noticed(problem: Problem, theirs: dict[str, Any]) -> bool:
        x, t = (torch.tensor(problem.x.floats[:, 0]), torch.tensor(problem.signals.floats[:, 0]))  # type: ignore[union-attr]

        class Loss(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *p: Any) -> Any:
                z = x
                for W, b in zip(p[::2], p[1::2], strict=True):
                    z = torch.sigmoid(W @ z + b)
                return ((z - t) ** 2).sum() / 2

            @staticmethod
            def backward(ctx: Any, signal: Any) -> Any:
                return tuple(torch.tensor(g) * signal for g in in_order(theirs))

        leaves = tuple(torch.tensor(p, requires_grad=True) for p in parameters(problem))
        return not torch.autograd.gradcheck(
            Loss.apply, leaves, fast_mode=fast, raise_exception=False, check_undefined_grad=False
        )

    return noticed


def noticed_by_jax() -> Checker:
    """Whether check_grads refuses these gradients as the reverse rule of the network's loss."""
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)

    def loss_of(x: Any, t: Any) -> Callable[..., Any]:
        def loss(*p: Any) -> Any:
            z = x
            for W, b in zip(p[::2], p[1::2], strict=True):
                z = jax.nn.sigmoid(W @ z + b)
            return ((z - t) ** 2).sum() / 2

        return loss

    def noticed(problem: Problem, theirs: dict[str, Any]) -> bool:
        loss = loss_of(problem.x.floats[:, 0], problem.signals.floats[:, 0])  # type: ignore[union-attr]
        ours = jax.custom_vjp(loss)
        ours.defvjp(lambda *p: (loss(*p), None), lambda _, signal: tuple(g * signal for g in in_order(theirs)))
        try:
            check_grads(ours, tuple(map(jax.numpy.asarray, parameters(problem))), order=1, modes=("rev",))
        except AssertionError:
            return True
        return False

    return noticed


def parameters(problem: Problem) -> list[Any]:
    """W1, b1, W2, ... as arrays."""
    return [np.array(p) for layer in problem.network.layers if layer.b for p in (layer.W.floats, layer.b.floats[:, 0])]


def in_order(theirs: dict[str, Any]) -> list[Any]:
    """dW1, db1, dW2, ..."""
    return [theirs[f"d{p}{l}"] for l in range(1, len(theirs) // 2 + 1) for p in "Wb"]


def plants(sizes: tuple[int, ...], kind: str, count: int) -> Iterator[tuple[Problem, Plant]]:
    """`count` seeded plants of a kind, spread over up to 100 networks; each network's first plants come first."""
    networks = min(NETWORKS, count)
    known: dict[int, tuple[Problem, dict[str, Any], Any]] = {}
    for k in range(count):
        seed = k % networks
        if seed not in known:
            problem = dense(sizes, seed)
            known[seed] = problem, gradients(problem), np.random.default_rng([seed, *kind.encode()])
        problem, ours, rng = known[seed]
        place = weights_to_plant(ours, rng) if kind != "first layer" else ("dW1", ())
        yield problem, planted(ours, place, kind)


def share(found: int, of: int) -> str:
    """A percentage and how many it is of."""
    return f"{100 * found / of:.4g} of {of}" if of else ""


def peers(options: Any) -> dict[str, tuple[Checker, Callable[[tuple[int, ...]], int]]]:
    """The checkers at hand and how many plants of a kind each one gets."""
    weights = {sizes: sum(m * n for m, n in pairwise(sizes)) for sizes in (*DENSE, DEEP)}
    out: dict[str, tuple[Checker, Callable[[tuple[int, ...]], int]]] = {}
    if options.peers and importlib.util.find_spec("torch"):
        out["gradcheck slow"] = noticed_by_torch(False), lambda s: min(options.peers, max(20, 60_000 // weights[s]))
        out["fast_mode"] = noticed_by_torch(True), lambda s: options.peers
    if options.peers and importlib.util.find_spec("jax"):
        out["check_grads"] = noticed_by_jax(), lambda s: options.peers
    return out


def row(sizes: tuple[int, ...], kind: str, count: int, others: Any) -> bool:
    """One line of the table; whether verify met its target."""
    found = named = 0
    for problem, plant in plants(sizes, kind, count):
        result = verify(problem, plant.theirs)
        found += not result.agrees
        named += set(result.wrong) == plant.names and bool(plant.names)
    cells = [share(found, count), share(named, count) if kind != "untouched" else ""]
    for noticed, most in others.values():
        seen = [noticed(problem, plant.theirs) for problem, plant in plants(sizes, kind, min(count, most(sizes)))]
        cells.append(share(sum(seen), len(seen)))
    name = "-".join(map(str, sizes)) if sizes != DEEP else "8 layers of 10"
    print(" | ".join((f"{name:14}", f"{kind:14}", *(f"{cell:14}" for cell in cells))), flush=True)
    if kind == "untouched":
        return found == 0
    return named >= (0.95 if sizes == DEEP and kind == "x 1.000001" else 1) * count


def main() -> int:
    """Every network and every kind of plant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="plants of each kind for verify")
    parser.add_argument("--peers", type=int, default=200, help="at most so many for each peer")
    options = parser.parse_args()
    others = peers(options)
    heads = ("network", "plant", "verify finds %", "and names %", *(f"{name} %" for name in others))
    print(" | ".join(f"{head:14}" for head in heads))
    good = [row(sizes, kind, options.count, others) for sizes in (*DENSE, DEEP) for kind in KINDS]
    good.append(row(DEEP, "first layer", min(NETWORKS, options.count), others))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
