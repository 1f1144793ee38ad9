"""Steps for tests: one that the verifier judges, one worked by a slip's rules."""

from __future__ import annotations

from typing import Any

import numpy as np
from networks import random_problem
from plants import dense
from steps import problem_text

from derivations import rules
from derivations.arithmetic import FLOAT64, Arithmetic
from derivations.layers import layered, start
from derivations.network import Problem
from tracer import load, loads
from tracer.answers.marking.by_rules import run_by_rules
from tracer.step import WorkedStep
from tracer.tracing import steps_of
from tracer.verification.subject import Subject, subjects

__all__ = ["by_rules", "first_step", "subject_of"]


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


def by_rules(problem: Problem, rules_: rules.Rules, m: Arithmetic = FLOAT64) -> WorkedStep:
    """A step worked with other rules."""
    arrays, _ = run_by_rules(problem, m, None, rules_=rules_)
    own, given = layered(problem), start(problem, m)
    recorded = {own.names[place]: array for place, array in arrays.items() if place in own.names}
    shaped = {name: np.reshape(array, own.step.arrays[name].shape) for name, array in recorded.items()}
    return WorkedStep(problem, m, given, {**given, **shaped}, arrays)
