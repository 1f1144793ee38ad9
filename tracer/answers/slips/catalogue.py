"""Every slip that `check` looks for, and which of them a problem cannot show or cannot tell apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from derivations.network import Problem
from derivations.rules import RULES, Rules
from tracer.answers.slips.delta import HIDDEN, JACOBIAN, OUTPUT, SLOPE
from tracer.answers.slips.forward import ACTIVATION, PRE_ACTIVATION
from tracer.answers.slips.gradients import BATCH, BELOW, BIASES, WEIGHTS
from tracer.answers.slips.loss import LOSS, SIGNAL
from tracer.answers.slips.slip import Mistake, Slip
from tracer.answers.slips.update import ADAM, DESCENT, MOMENTUM
from tracer.tracing import steps_of

__all__ = ["MISTAKES", "invisible", "slips_of", "twins", "visible"]

MISTAKES: tuple[Mistake, ...] = (
    *(*PRE_ACTIVATION, *ACTIVATION, *LOSS, *SIGNAL, *SLOPE, *JACOBIAN, *OUTPUT, *HIDDEN),
    *(*BELOW, *WEIGHTS, *BIASES, *BATCH, *DESCENT, *MOMENTUM, *ADAM),
)
"""Every mistake, in the order in which a step reaches it."""

RELATIVE = 1e-12


def slips_of(problem: Problem) -> tuple[Slip, ...]:
    """Every slip that can be made on this problem, in the order in which a step reaches it."""
    return tuple(slip for mistake in MISTAKES for slip in mistake.slips(problem))


def visible(problem: Problem) -> tuple[Slip, ...]:
    """The slips that change at least one number of this problem."""
    right = _numbers(problem)
    return tuple(slip for slip in slips_of(problem) if not _same(_numbers(problem, slip.rules), right))


def invisible(problem: Problem) -> tuple[Slip, ...]:
    """The slips that leave every number of this problem as it is: a target of 0 hides that it was left out."""
    seen = visible(problem)
    return tuple(slip for slip in slips_of(problem) if slip not in seen)


def twins(problem: Problem) -> tuple[tuple[Slip, ...], ...]:
    """Groups of slips that give the same numbers on this problem, so that no sheet can tell them apart."""
    groups: list[tuple[Any, list[Slip]]] = []
    for slip in visible(problem):
        numbers = _numbers(problem, slip.rules)
        for known, group in groups:
            if _same(numbers, known):
                group.append(slip)
                break
        else:
            groups.append((numbers, [slip]))
    return tuple(tuple(group) for _, group in groups if len(group) > 1)


def _numbers(problem: Problem, rules: Rules = RULES) -> Any:
    """Every recorded number of a pass, in order."""
    return np.array([float(v) for step in steps_of(problem, rules_=rules) for _, v in step.items()])


def _same(numbers: Any, others: Any) -> bool:
    return bool(np.allclose(numbers, others, rtol=RELATIVE, atol=0, equal_nan=True))
