"""What verify says of drawn wrong numbers, and of a slip's: `python tests/campaigns/random_causes.py`.

Wrong numbers: one or several entries of the gradients, or of a whole table, replaced by drawn ones, in networks where
much is equal: zero-initialised, saturated and at the kinks of ReLU.  No cause may be told.

Slips: the numbers of each slip of the catalogue on drawn networks, handed in whole or as gradients alone.  The slip is
told, or a twin (whose numbers are the same, as far as they are given), or nothing; never another one.

Exit 1 if a cause is told of drawn numbers, or another one than the slip.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from networks import random_problem
from plants import integer_relu

from derivations import names
from derivations.arithmetic import FLOAT64
from derivations.layers import layered, start
from derivations.network import Problem
from derivations.quantity import Quantity
from tracer import load, trace, verify
from tracer.marking.slips.catalogue import slips_of, worked_with
from tracer.marking.slips.slip import Slip
from tracer.verification.explaining.explaining import causes_told
from tracer.verification.result import Verification

GRADIENTS = ("dW", "db")


def drawn_network(kind: str, seed: int) -> Problem:
    """A network with much that is equal."""
    rng = np.random.default_rng(seed)
    if kind == "kinks":
        return integer_relu(seed)
    sizes = [int(n) for n in rng.integers(2, 5, int(rng.integers(2, 5)))]
    size = {"zero": 0.0, "saturated": 40.0}[kind]
    h = str(rng.choice(["sigmoid", "tanh"]))
    layers = [
        {"activation": h, "W": size * rng.normal(size=(n, m)), "b": size * rng.normal(size=n)}
        for m, n in pairwise(sizes)
    ]
    given = [
        {"x": rng.integers(0, 2, sizes[0]), "t": rng.integers(0, 2, sizes[-1])} for _ in range(int(rng.integers(1, 4)))
    ]
    network = {"loss": str(rng.choice(["half_squared_error", "mean_squared_error"])), "layers": layers}
    return load({"network": network, "samples": given, "training": {"learning_rate": 0.1}})


def drawn_wrong(problem: Problem, seed: int) -> dict[str, float]:
    """The numbers of a step, some of which are drawn."""
    rng = np.random.default_rng([seed, 1])
    values = {n: v for n, v in trace(problem).values.items() if np.isfinite(v) and n[0] not in "xt"}
    if rng.random() < 0.6:
        values = {n: v for n, v in values.items() if n.startswith(GRADIENTS)}
    count = int(rng.choice([1, 1, 2, 3, 5, len(values)]))
    for name in rng.choice(list(values), min(count, len(values)), replace=False):
        # as computers and as people have them
        values[str(name)] = float(f"{rng.normal():.{int(rng.choice([2, 3, 6, 17]))}g}")
    return values


def drawn_causes(count: int) -> Iterator[tuple[str, int, Verification]]:
    """The answers to drawn wrong numbers."""
    for seed in range(count):
        kind = ("zero", "saturated", "kinks")[seed % 3]
        problem = drawn_network(kind, seed)
        yield kind, seed, verify(problem, drawn_wrong(problem, seed))


def given_by(problem: Problem, slip: Slip, *, whole: bool) -> dict[str, Any]:
    """The arrays of a step with a slip, by name: all of them, or its gradients."""
    places, out = layered(problem).places, {}
    for array_name, array in worked_with(problem, slip.equations(problem), start(problem, FLOAT64)).items():
        kind, l = places[array_name]
        if whole or kind in GRADIENTS:
            name = names.text(problem.network, Quantity(kind, l))
            out[name] = _as_people_index(problem, kind, l, np.asarray(array))
    return out


def _as_people_index(problem: Problem, kind: str, l: int, array: Any) -> Any:
    """Samples first, where there are several; biases in one row."""
    if names.KINDS[kind].sampled and array.ndim:
        return np.moveaxis(array, -1, 0) if problem.samples > 1 else array[..., 0]
    if names.KINDS[kind].axes != "b":
        return array
    bias = problem.network.layer(l).bias
    return array.ravel()[0] if bias and bias.shared else array.ravel()


def named(found: Verification) -> list[list[Any]]:
    """The causes that are told, by list of those that give the same."""
    judged, blamed = found.steps[0], found.causes[0]
    return list(causes_told(judged, blamed))


def outcome(problem: Problem, slip: Slip, *, whole: bool) -> str:
    """What is told of a slip: nothing wrong, nothing told, the slip, a twin, or another one."""
    theirs = given_by(problem, slip, whole=whole)
    if not all(np.isfinite(a).all() for a in theirs.values()):
        return "not finite"
    found = verify(problem, theirs)
    if not found.steps[0].wrong:
        return "right"
    told = named(found)
    if not told:
        return "silent"
    if any(cause.name == slip.name for causes in told for cause in causes):
        return "itself"
    others = {s.name: s for s in slips_of(problem)}
    for causes in told:
        for cause in causes:
            if cause.name in others and not _gives(cause, theirs, found):
                return f"other: {cause.sentence}"
    return "twin" if any(cause.name in others for causes in told for cause in causes) else "convention"


def _gives(cause: Any, theirs: dict[str, Any], found: Verification) -> bool:
    """Whether a cause gives all numbers of its arrays that were handed in, to twelve digits."""
    given = found.steps[0].claim.given
    return all(np.allclose(a, given[n], rtol=1e-11, atol=1e-12) for n, a in cause.numbers.items() if n in given)


def slip_outcomes(networks: int) -> Iterator[tuple[int, str, bool, str]]:
    """What is told of every slip on drawn networks."""
    for seed in range(networks):
        problem = load(random_problem(seed, samples="together"))
        for slip in slips_of(problem):
            for whole in (False, True):
                yield seed, slip.name, whole, outcome(problem, slip, whole=whole)


def main() -> int:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wrong", type=int, default=2000)
    parser.add_argument("--networks", type=int, default=40)
    args = parser.parse_args()
    bad = 0
    kinds = Counter[str]()
    for kind, seed, found in drawn_causes(args.wrong):
        kinds[kind, found.verdict] += 1  # type: ignore[index]
        if found.explanations:
            bad += 1
            print(f"told of drawn numbers, {kind} {seed}: {found.explanations} {found.wrong[:6]}")
    print(f"{args.wrong} times drawn wrong numbers: {bad} with a cause told", dict(kinds))
    rates = {False: Counter[str](), True: Counter[str]()}
    for seed, name, whole, told in slip_outcomes(args.networks):
        rates[whole][told.partition(":")[0]] += 1
        if told.startswith("other"):
            bad += 1
            print(f"another cause, network {seed}, {name}, {'table' if whole else 'gradients'}: {told}")
    for whole, rate in rates.items():
        print("whole tables:" if whole else "gradients alone:", dict(rate.most_common()))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
