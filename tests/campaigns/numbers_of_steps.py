"""One digest of all that the core and the routes say of many steps: two programs with the same one say the same.

    python tests/campaigns/numbers_of_steps.py --count 60

Drawn networks, drawn files of equations and all examples: what is traced, by each route, each bound, the verdicts of
somebody's numbers in float32 and of a number that is off, each with all moved by itself as well, from a tape, in balls;
the backward equations in words.  A step that raises has what it raises in the digest.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from drawn_equations import draw
from networks import random_problem
from steps import FURTHER_NAMES, NAMES, problem_text

from derivations.computation import Computation
from derivations.derivation import derive
from derivations.network import Problem
from tracer import load, loads, trace, verify
from tracer.verification.routes import routes_of, single_rounding
from tracer.verification.subject import subjects


def problems(count: int) -> Iterator[Problem | Computation]:
    """The examples, then drawn ones; a drawn file may mean nothing to the language."""
    for name in (*NAMES, *FURTHER_NAMES):
        yield loads(problem_text(name))
    for seed in range(count):
        yield load(random_problem(seed))
    for seed in range(count):
        try:
            yield loads(draw(19, seed).text)
        except ValueError:
            continue


def told(problem: Problem | Computation) -> Iterator[Any]:
    """Everything that is said of one step, part by part."""
    traced = trace(problem)
    step = traced.steps[0]
    (subject,) = subjects([step])
    yield [str(e) for e in subject.plans.step.equations]
    yield dict(traced.values)
    with np.errstate(all="ignore"):
        for each in (False, True):
            routes = routes_of(subject, theirs=each, assume_nothing=each)
            yield from (routes.traced, routes.symbolic, routes.numeric, routes.rounding, routes.moved)
        yield single_rounding(routes)
    values = {n: float(v) for n, v in traced.values.items() if np.isfinite(float(v))}
    name = sorted(values)[len(values) // 2]
    for found in (
        verify(problem),
        verify(problem, values | {name: values[name] * 1.001 + 0.001}),
        verify(problem, {n: float(np.float32(v)) for n, v in values.items()}),
        verify(problem, certify=True),
    ):
        yield str(found), found.kinks, found.wrong, found.undifferenced, found.certified
    yield derive(problem, level="general").render("text") if isinstance(problem, Computation) else ""


def noted(digest: Any, part: Any) -> None:
    """A part put into a digest, its arrays by their bytes."""
    if isinstance(part, Mapping):
        for name, array in part.items():
            digest.update(str(name).encode())
            noted(digest, array)
    elif isinstance(part, np.ndarray | np.generic):
        digest.update(np.ascontiguousarray(part).tobytes())
    else:
        digest.update(str(part).encode())


def attempted(make: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    """The parts, or the error that ends them."""
    try:
        yield from make()
    except Exception as e:
        yield f"{type(e).__name__}: {e}"


def main() -> None:
    """Print the digest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    digest = hashlib.sha256()
    count = parser.parse_args().count
    every = (part for problem in problems(count) for part in attempted(lambda problem=problem: told(problem)))
    for part in attempted(lambda: every):
        noted(digest, part)
    print(digest.hexdigest())


if __name__ == "__main__":
    main()
