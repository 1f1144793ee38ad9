"""Sheets of the gallery's samples: a right one, and one with a slip, worked on from there as somebody works it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64
from derivations.computation import Computation
from derivations.language import read
from derivations.network import Problem
from derivations.own_names import OwnNames
from derivations.program import Program
from tracer import trace
from tracer.computed_step import quantities

__all__ = ["SLIPS", "UPHILL", "right", "slipped"]

SLIPS: dict[str, str] = tomllib.loads((Path(__file__).parent / "slips.toml").read_text(encoding="utf-8"))
UPHILL = "+ eta"
"""What is told of a sheet whose last updates are added, not taken away."""


def right(problem: Problem | Computation) -> dict[str, str]:
    """All numbers of a step, to eight decimals."""
    return {name: _written(float(value)) for name, value in trace(problem).values.items()}


def slipped(problem: Problem | Computation, line: str) -> tuple[dict[str, str], str]:
    """A sheet that is wrong in one line of the step and right in what follows from it; what must be told of it."""
    if isinstance(problem, Problem) or problem.turns[1:]:
        return _uphill(problem), UPHILL
    assert line, "write one wrong line of it in tests/gallery/slips.toml"
    step = problem.step
    (parsed,) = read(line).equations
    wrong = replace(next(e for e in step.equations if e.left == parsed.left), right=parsed.right)
    program, names, out = Program(step.replace(wrong)), OwnNames(problem), dict[str, str]()

    def record(label: str, array: Any) -> Any:
        own = quantities(problem, program.parts[label], 0, 1)
        out.update((names.text(q), _written(float(x))) for q, x in zip(own, np.ravel(array), strict=True))
        return array

    program.run(FLOAT64, problem.start(FLOAT64), record)
    return out, line


def _uphill(problem: Problem | Computation) -> dict[str, str]:
    """w + eta dw in place of w - eta dw for the last weights that move; nothing follows from them."""
    step, out = trace(problem), right(problem)
    assert problem.training
    rate = float(problem.training.learning_rate.floats)
    slopes = {n: float(step.values[f"d{n.replace('_new', '')}"]) for n in out if re.match(r"[Ww]\d?_new", n)}
    *_, last = (re.split(r"\[.*?\]", name) for name, slope in slopes.items() if slope)
    wrong = [name for name in slopes if re.split(r"\[.*?\]", name) == last]
    return out | {name: _written(float(step.values[name]) + 2 * rate * slopes[name]) for name in wrong}


def _written(x: float) -> str:
    return f"{x:.8f}"
