"""Steps for tests: one that the verifier judges, one worked with wrong lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from networks import random_problem
from plants import dense
from steps import problem_text

from derivations import names
from derivations.arithmetic import FLOAT64
from derivations.equations import Equation
from derivations.layers import layered, start
from derivations.network import Problem
from derivations.program import Program
from tracer import load, loads
from tracer.marking.slips.line import Line
from tracer.marking.slips.slip import Mistake, Where
from tracer.step import WorkedStep
from tracer.tracing import steps_of
from tracer.verification.subject import Subject, subjects

__all__ = ["first_step", "subject_of", "work_wrongly", "wrong_lines"]


def subject_of(step: Any) -> Subject:
    """What the verifier knows of a step: its problem, the numbers that it started from and what was recorded."""
    return next(subjects([step]))


def first_step(name: str) -> Any:
    """The first step of an example, of a drawn network by its number, of a dense network by its sizes."""
    problem: Any
    if "-" in name:
        problem = dense(tuple(map(int, name.split("-"))))
    else:
        problem = load(random_problem(int(name))) if name.isdigit() else loads(problem_text(name))
    return next(iter(steps_of(problem, FLOAT64)))


def wrong_lines(problem: Problem, *where: Where, **lines: Line) -> dict[str, Equation]:
    """Lines of a step by array, with other right sides by what they make, as slips write them: delta="dz"."""
    found = Mistake("wrong", next(iter(lines)), lines, where).slips(problem)
    return {name: line for slip in found for name, line in slip.equations(problem).items()}


def work_wrongly(problem: Problem, wrong: Mapping[str, Equation]) -> WorkedStep:
    """A step worked in float64 with some lines replaced."""
    own, given = layered(problem), start(problem, FLOAT64)
    with FLOAT64.working():
        known = Program(own.digits.step.replace(*wrong.values()), own.digits).run(FLOAT64, given)
    made = {own.places[name]: array for name, array in known.items() if name not in given}
    arrays: dict[tuple[str, int], Any] = {place: _shaped(problem, place, array) for place, array in made.items()}
    return WorkedStep(problem, FLOAT64, given, known, arrays)


def _shaped(problem: Problem, place: tuple[str, int], array: Any) -> Any:
    """An array as a step records it: biases in a column."""
    shape = names.elements(problem.network, *place, problem.samples).shape
    return np.reshape(np.asarray(array), shape)[()]
