"""Correct sheets, rounded in every way that people round: how many are refused a cell.  It must be none.

python tests/campaigns/fair_sheets.py --sheets 1000000 --seed 1
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from networks import random_problem
from students import People, sheets_of

from tracer import load
from tracer.answers.judging import judge

A_CLASS = 500


def draw(rng: np.random.Generator, shapes: Sequence[Any] | None = None) -> tuple[str, dict]:
    """One of the architectures, with weights of one or two decimals."""
    shapes = shapes or SHAPES
    name, layers, loss, samples, training = shapes[rng.integers(len(shapes))]
    places = int(rng.integers(1, 3))

    def numbers(*shape: int) -> list:
        return np.round(rng.uniform(-1.5, 1.5, shape), places).tolist()

    inputs, *sizes = [size for size, *_ in layers]
    out = []
    for (size, activation, bias), before in zip(layers[1:], [inputs, *sizes], strict=False):
        layer = {"activation": activation, "W": numbers(size, before)}
        if bias == "b":
            layer["b"] = numbers(size)
        elif bias:
            layer[bias.split()[0]] = numbers(size) if bias == "theta" else numbers(1)[0]
        out.append(layer)
    K = sizes[-1]
    cells = []
    for _ in range(samples):
        x = np.round(rng.uniform(-3, 3, inputs), places).tolist()
        t = np.eye(K)[rng.integers(K)].tolist() if loss.endswith("entropy") else numbers(K)
        cells.append({"x": x, "t": t})
    rate = {"learning_rate": float(rng.choice([0.1, 0.5, 0.01, 1, 0.05])), **training}
    return name, {"network": {"loss": loss, "layers": out}, "samples": cells, "training": rate}


SHAPES = (
    ("3-2-2", [(3,), (2, "sigmoid", ""), (2, "identity", "")], "half_squared_error", 1, {}),
    ("3-2-2 bias", [(3,), (2, "sigmoid", "b"), (2, "sigmoid", "b")], "half_squared_error", 1, {}),
    ("2-2-1 tanh", [(2,), (2, "tanh", "b"), (1, "tanh", "b")], "squared_error", 1, {}),
    ("2-2-2 shared", [(2,), (2, "sigmoid", "b shared"), (2, "sigmoid", "b shared")], "mean_squared_error", 1, {}),
    ("4-3-2 bce", [(4,), (3, "sigmoid", "theta"), (2, "sigmoid", "theta")], "binary_cross_entropy", 2, {}),
    ("2-3-3 softmax", [(2,), (3, "relu", "b"), (3, "softmax", "b")], "cross_entropy", 3, {"reduction": "mean"}),
    ("2-3-3 softmax one", [(2,), (3, "tanh", ""), (3, "softmax", "")], "cross_entropy", 1, {}),
    ("2-2-2-2", [(2,), (2, "sigmoid", "b"), (2, "tanh", "b"), (2, "identity", "b")], "half_squared_error", 1, {}),
    ("batch momentum", [(2,), (3, "leaky_relu", "b"), (2, "identity", "b")], "mean_squared_error", 3,
     {"optimizer": "momentum", "momentum": 0.9}),
    ("adam", [(2,), (2, "elu", "b"), (1, "sigmoid", "b")], "half_squared_error", 2,
     {"optimizer": "adam", "reduction": "mean"}),
    ("in turn", [(2,), (2, "sigmoid", "b"), (1, "sigmoid", "b")], "half_squared_error", 2, {"samples": "in_turn"}),
    ("softplus silu gelu", [(2,), (3, "softplus", "b"), (3, "silu", "b"), (2, "gelu", "b")], "squared_error", 1, {}),
)  # fmt: skip


def main() -> int:
    """Run it and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheets", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    done = cells_seen = refused = 0
    by: Counter = Counter()
    codes: Counter = Counter()
    start = time.perf_counter()
    while done < options.sheets:
        name, source = draw(rng) if rng.random() < 0.8 else ("random", random_problem(int(rng.integers(10_000))))
        people = People(A_CLASS, rng)
        cells = sheets_of(load(source), people, rng, share=float(rng.choice([1.0, 0.7, 0.3])))
        judged = judge(cells)
        bad = judged.refused(cells)
        for at, written in cells.arrays.items():
            codes.update(judged.codes[at][written.there].tolist())
            cells_seen += int(written.there.sum())
        for row in np.flatnonzero(bad):
            p = people
            style = f"{'figures' if p.figures[row] else 'places'} {p.digits[row]} way {p.way[row]} extra {p.extra[row]}"
            style += f" inside {p.inside[row]} carry {p.carry[row]}"
            first = next(at for at, w in cells.arrays.items() if (w.there & (judged.codes[at] <= 1))[row].any())
            by[name, first.kind] += 1
            if sum(by.values()) < 30:
                print(name, style, first, "seed", options.seed, "after", done, flush=True)
        refused += int((bad > 0).sum())
        done += A_CLASS
        if sys.stderr.isatty() or done % 50_000 == 0:
            print(f"{done} sheets, {refused} refused, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    print(f"{done} correct sheets, {cells_seen} cells: {refused} sheets with a refused cell")
    print("verdicts (1 last digit, 2 follows, 3 truncated, 4 inside, 5 plainly):", dict(sorted(codes.items())))
    print(by.most_common(20))
    return 1 if refused else 0


if __name__ == "__main__":
    raise SystemExit(main())
