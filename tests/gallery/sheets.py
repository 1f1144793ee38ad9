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

__all__ = ["SLIPS", "right", "slipped"]

SLIPS: dict[str, str] = tomllib.loads((Path(__file__).parent / "slips.toml").read_text(encoding="utf-8"))
UPHILL = "+ eta"
"""What is told of a sheet whose last updates are added, not taken away."""


def right(problem: Problem | Computation) -> dict[str, str]:
    """All numbers of a step, to six figures."""
    return {name: f"{float(value):.6g}" for name, value in trace(problem).values.items()}


def slipped(problem: Problem | Computation, line: str) -> tuple[dict[str, str], str]:
    """A sheet that is wrong in one line of the step and right in what follows from it; what must be told of it."""
    if isinstance(problem, Problem) or problem.turns[1:]:
        return _uphill(problem), UPHILL
    step = problem.step
    (parsed,) = read(line).equations
    wrong = replace(next(e for e in step.equations if e.left == parsed.left), right=parsed.right)
    program, names, out = Program(step.replace(wrong)), OwnNames(problem), dict[str, str]()

    def record(label: str, array: Any) -> Any:
        own = quantities(problem, program.parts[label], 0, 1)
        out.update((names.text(q), f"{float(x):.6g}") for q, x in zip(own, np.ravel(array), strict=True))
        return array

    program.run(FLOAT64, problem.start(FLOAT64), record)
    return out, line


def _uphill(problem: Problem | Computation) -> dict[str, str]:
    """w + eta dw in place of w - eta dw for the last weight of the last step: nothing follows from it."""
    step, out = trace(problem), right(problem)
    last = [name for name in out if re.match(r"W\d_new|w_new", name)][-1]
    array, mark = last.split("[")[0], re.sub(r".*?\]|\w+", "", last.split("]")[-1]) and last.split("]")[-1]
    wrong = [name for name in out if name.startswith(f"{array}[") and name.endswith(mark)]
    for name in wrong:
        gradient = "d" + name.replace("_new", "")
        rate = float(problem.training.learning_rate.floats)
        out[name] = f"{step.values[name] + 2 * rate * float(step.values[gradient]):.6g}"
    return out
