"""Steps for tests: one that the verifier judges, one worked by a slip's rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from derivations import rules
from derivations.arithmetic import FLOAT64, Arithmetic
from derivations.layers import layered, start
from derivations.network import Problem
from tracer.answers.marking.by_rules import run_by_rules
from tracer.step import WorkedStep
from tracer.verification.subject import Subject, subjects

__all__ = ["by_rules", "subject_of"]


def subject_of(step: Any) -> Subject:
    """What the verifier knows of a step: its problem, the numbers that it started from and what was recorded."""
    return next(subjects([step]))


def by_rules(problem: Problem, rules_: rules.Rules, m: Arithmetic = FLOAT64) -> WorkedStep:
    """A step worked with other rules."""
    arrays, _ = run_by_rules(problem, m, None, rules_=rules_)
    own, given = layered(problem), start(problem, m)
    recorded = {own.names[place]: array for place, array in arrays.items() if place in own.names}
    shaped = {name: np.reshape(array, own.step.arrays[name].shape) for name, array in recorded.items()}
    return WorkedStep(problem, m, given, {**given, **shaped}, arrays)
