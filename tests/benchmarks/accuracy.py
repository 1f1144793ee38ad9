"""How exact the differences are: `python tests/benchmarks/accuracy.py`.

Every dW and db of smooth networks, the float64 route by differences against balls of relative radius 1e-80 around the
true gradient of the same float64 numbers (two routes of their own, which must overlap).  Printed are the error's
2-norm over the gradient's, the worst of several draws (target 1e-15), and the worst single entry's relative error, of
the first draw and of all (target 1e-12), with how many entries are beyond.  Now and then a unit's signal is a small
difference of large numbers; no float64 gradient keeps its digits there, and the differences are worked in balls.  The
traced gradient, which is not, stands beside.

Exit 1 if a target is missed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from exact_gradients import errors, float_routes, true_gradients
from plants import DEEP, DENSE, dense

from derivations.network import Problem

NORM, ENTRY = 1e-15, 1e-12
SMOOTH = ("sigmoid", "tanh", "softplus", "silu", "gelu")


def networks(seeds: int) -> Iterator[tuple[str, Problem]]:
    """The networks of the benchmarks, and small ones of every smooth activation; several draws of each."""
    for sizes in (*DENSE, DEEP):
        for seed in range(1 if sizes[0] > 100 else seeds):
            yield "-".join(map(str, sizes)) if sizes != DEEP else "8 layers of 10", dense(sizes, seed)
    for activation in SMOOTH[1:]:
        for seed in range(seeds):
            yield f"{activation} 10-10-10", dense((10, 10, 10), seed, activation)


def main() -> int:
    """One line for each kind of network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    found: dict[str, list[Any]] = {}
    for name, problem in networks(options.seeds):
        one, true = float_routes(problem), true_gradients(problem)
        found.setdefault(name, []).append((*errors(one.numeric, true), *errors(one.traced, true)))
    heads = ("2-norm", "first", "all draws", "beyond", "traced", "all draws")
    print(f"{'network':20}" + "".join(f" {head:>10}" for head in heads))
    good = True
    for name, draws in found.items():
        norms, entries, traced, theirs = zip(*draws, strict=True)
        beyond, count = sum(int((e > ENTRY).sum()) for e in entries), sum(e.size for e in entries)
        numbers = (max(norms), entries[0].max(), max(e.max() for e in entries))
        rest = (max(traced), max(e.max() for e in theirs))
        print(f"{name:20}" + "".join(f" {x:10.2g}" for x in numbers), f"{beyond:>4}/{count}".rjust(10), end="")
        print("".join(f" {x:10.2g}" for x in rest))
        good &= numbers[0] <= NORM and numbers[2] <= ENTRY
    print(f"targets: 2-norm {NORM:g}, every entry of every draw {ENTRY:g}: {'met' if good else 'MISSED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
