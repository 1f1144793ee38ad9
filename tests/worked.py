"""Steps for tests: one that the verifier judges, one worked by a slip's rules."""

from __future__ import annotations

from typing import Any

from derivations import rules
from derivations.arithmetic import FLOAT64, Arithmetic
from derivations.layers import start
from derivations.network import Problem
from tracer.answers.marking.by_rules import run_by_rules
from tracer.step import WorkedStep
from tracer.verification.case import Case

__all__ = ["by_rules", "case_of"]


def case_of(step: WorkedStep, **options: Any) -> Case:
    """What the verifier knows of a step: its problem and the numbers that it started from."""
    given = step.given
    signals = given.get("t", given.get("signal"))
    return Case.of(
        step.problem, step.by_layer("W"), step.by_layer("b"), given["x"], signals, before=step.before, **options
    )


def by_rules(problem: Problem, rules_: rules.Rules, m: Arithmetic = FLOAT64) -> WorkedStep:
    """A step worked with other rules."""
    arrays, _ = run_by_rules(problem, m, None, rules_=rules_)
    return WorkedStep(problem, m, start(problem, m), {}, arrays)
