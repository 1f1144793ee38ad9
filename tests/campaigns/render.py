"""Renders many random problems in every profile, level and document, and puts each through every gate.

Every third problem is one of equations: an example of a step, or drawn from the grammar of equations.

    python tests/campaigns/render.py --problems 200 --seed 1 --documents 14 --compile 5

--documents N: how many of a problem's combinations of level, profile, document and numbers; --compile N: how many of
them also go through TeX (all go through the source gate, KaTeX and MathJax, pages through theirs).  Prints each
complaint with what reproduces it; ends with 1 if there was one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise, product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from drawn_equations import draw
from networks import random_problem
from rendering.gates import compiled, displays, page_faults, rendered, source_faults, wrapped
from steps import FURTHER_NAMES, NAMES, problem_text

from derivations.computation import Computation
from derivations.derivation import LEVELS, derive
from derivations.derived import OWN_LEVELS
from derivations.network import Problem
from derivations.notation import NOTATIONS, NotationError, notation_of
from tracer import ProblemError, load, loads, trace

SIZES = ([10, 10, 10], [2, 2, 2, 2, 2, 2], [1, 1, 1, 1, 1, 1, 1, 1], [3, 10, 1], [10, 2, 10], [3, 2, 2], [2, 2, 1])
FORMS = ("article", "beamer", "fragment", "html", "markdown")


def own_equations(seed: int) -> Computation | None:
    """An example of a step, or a drawn one; None where a drawn file cannot be said."""
    names = (*NAMES, *FURTHER_NAMES)
    text = problem_text(names[seed // 6 % len(names)]) if seed % 2 else draw(seed, 1).text
    try:
        problem = loads(text)
    except ProblemError:
        return None
    assert isinstance(problem, Computation)
    return problem


def problem_of(seed: int) -> dict[str, Any]:
    """Of four problems three as the other tests draw them, one of a size of its own."""
    if seed % 4:
        return random_problem(seed)
    sizes = SIZES[seed // 4 % len(SIZES)]
    rng = np.random.default_rng(seed)
    kinds = ("sigmoid", "tanh", "relu", "gelu", "softplus", "silu", "elu")
    layers: list[dict[str, Any]] = []
    for l, (below, above) in enumerate(pairwise(sizes)):
        layers.append(
            {
                "activation": kinds[(seed // 4 + l) % len(kinds)],
                "W": np.round(rng.normal(0, 0.7, (above, below)), 4).tolist(),
                "b": np.round(rng.normal(0, 0.7, above), 4).tolist(),
            }
        )
    loss, target = "half_squared_error", {"t": np.round(rng.normal(0, 1, sizes[-1]), 3).tolist()}
    if seed % 8 == 0 and sizes[-1] > 1:
        layers[-1]["activation"], loss, target = "softmax", "cross_entropy", {"class": 1}
    x = np.round(rng.normal(0, 1, sizes[0]), 3).tolist()
    return {
        "title": f"network {seed}",
        "network": {"loss": loss, "layers": layers},
        "samples": [{"x": x, **target}],
        "training": {"learning_rate": 0.1},
    }


def renderings(seed: int, documents: int, compile_: int) -> tuple[int, int, list[str]]:
    """(documents, compiled documents, complaints) of one problem."""
    problem = (own_equations(seed) if seed % 3 == 0 else None) or load(problem_of(seed))
    rng = np.random.default_rng(seed)
    layered = isinstance(problem, Problem)
    profiles = []
    for name in NOTATIONS if isinstance(problem, Problem) else ():
        try:
            notation_of(problem, name)
        except NotationError:
            continue
        profiles.append(name)
    numbers = [None, *({"digits": d, "carry": c} for d in (3, 4, 5, 6) for c in ("shown", "full"))]
    own = problem.sample(1) if isinstance(problem, Problem) and problem.samples > 1 else problem
    made: list[tuple[str, dict[str, Any], str]] = []
    levels = LEVELS if layered else OWN_LEVELS
    choices = list(product(levels, profiles if layered else [""], FORMS, (False, True)))
    for k in rng.permutation(len(choices))[:documents]:
        level, profile, form, numbered = choices[k]
        rounding = numbers[1 + int(rng.integers(8))] if numbered else None
        options: dict[str, Any] = {"decimal": ("point", "comma")[int(rng.integers(2))]}
        options |= {"notation": profile} if profile else {}
        options |= {"form": form} if form in ("html", "markdown") else {"form": "latex", "document": form}
        options |= {"label_prefix": "q1"} if rng.random() < 0.3 else {}
        options |= {"lang": "ja"} if layered and rng.random() < 0.15 else {}
        what = f"problem {seed} level {level} {rounding} {options}"
        try:
            derivation = derive(own, level=level, numbers=trace(own, **rounding) if rounding else None)
            made.append((what, options, derivation.render(**options)))
        except Exception as error:
            made.append((what, {"form": "error"}, repr(error)))
    faults, formulas = [], []
    for what, options, text in made:
        form = options["form"]
        if form == "error":
            faults.append(f"{what}: {text}")
        elif form == "html":
            faults += [f"{what}: {fault}" for fault in page_faults(text)]
        else:
            faults += [f"{what}: {fault}" for fault in source_faults(text)]
            formulas += [(what, display) for display in displays(text)]
    unique = {display: what for what, display in formulas}
    faults += [f"{seed}: {fault}" for fault in rendered(unique)]
    latex = [m for m in made if m[1]["form"] == "latex"]
    chosen = rng.permutation(len(latex))[:compile_]
    for what, options, text in (latex[k] for k in chosen):
        engine = "lualatex" if options.get("lang") == "ja" else "pdflatex"
        whole = wrapped(text, japanese=engine == "lualatex") if options.get("document") == "fragment" else text
        faults += [f"{what}: {fault}" for fault in compiled(whole, engine)]
    return len(made), len(chosen), faults


def main() -> int:
    """Runs the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=14)
    parser.add_argument("--compile", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    start, documents, compiled_, faults = time.perf_counter(), 0, 0, Counter[str]()
    seeds = range(options.seed, options.seed + options.problems)
    with ProcessPoolExecutor(options.jobs) as pool:
        for made, through, complaints in pool.map(
            renderings, seeds, [options.documents] * len(seeds), [options.compile] * len(seeds)
        ):
            documents, compiled_ = documents + made, compiled_ + through
            if compiled_ % 20 < through:
                print(f"{documents} documents, {compiled_} through TeX", file=sys.stderr, flush=True)
            for complaint in complaints:
                faults[complaint] += 1
                print(complaint, flush=True)
    seconds = time.perf_counter() - start
    through = f"{documents} documents, {compiled_} of them through TeX"
    print(f"{options.problems} problems, {through}: {len(faults)} faults, {seconds:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
