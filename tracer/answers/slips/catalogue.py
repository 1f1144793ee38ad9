"""Every slip that `check` looks for, and which of them a problem cannot show or cannot tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64
from derivations.network import Problem
from derivations.rules import RULES, Rules, Start
from tracer.answers.marking.by_rules import Arrays, passes_by_rules, run_by_rules
from tracer.answers.slips.delta import HIDDEN, JACOBIAN, OUTPUT, SLOPE
from tracer.answers.slips.forward import ACTIVATION, PRE_ACTIVATION
from tracer.answers.slips.gradients import BATCH, BELOW, BIASES, WEIGHTS
from tracer.answers.slips.loss import LOSS, SIGNAL
from tracer.answers.slips.slip import Mistake, Slip
from tracer.answers.slips.update import ADAM, DESCENT, MOMENTUM

__all__ = ["MISTAKES", "invisible", "slips_of", "twins", "visible", "worked_with"]

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
    return tuple(slip for slip, _ in _seen(problem))


def invisible(problem: Problem) -> tuple[Slip, ...]:
    """The slips that leave every number of this problem as it is: a target of 0 hides that it was left out."""
    seen = {slip.name for slip in visible(problem)}
    return tuple(slip for slip in slips_of(problem) if slip.name not in seen)


def twins(problem: Problem) -> tuple[tuple[Slip, ...], ...]:
    """Groups of slips that give the same numbers on this problem, so that no sheet can tell them apart."""
    groups: list[tuple[Any, list[Slip]]] = []
    for slip, numbers in _seen(problem):
        group = next((group for known, group in groups if _same(numbers, known)), None)
        if group is None:
            groups.append((numbers, [slip]))
        else:
            group.append(slip)
    return tuple(tuple(group) for _, group in groups if len(group) > 1)


def worked_with(
    problem: Problem,
    slip: Slip | None,
    given: Mapping[tuple[str, int], Any],
    count: int = 1,
    keep: Callable[[str, int, Any], Any] | None = None,
) -> Arrays:
    """The arrays of one step by (kind, layer), worked in float64 with a slip, or rightly.

    given: the parameters, and the optimizer's state before the step (as `vW_before`), that the step starts from, where
    they are not the problem's.  `keep(kind, layer, array)` returns what is carried on.
    """
    start = Start.of(problem, FLOAT64)

    def at(kind: str, l: int, array: Any) -> Any:
        return np.reshape(given[kind, l], np.shape(array)) if (kind, l) in given else array

    own = replace(
        start,
        W=[None, *(at("W", l, W) for l, W in enumerate(start.W[1:], 1))],
        b=[None, *(None if b is None else at("b", l, b) for l, b in enumerate(start.b[1:], 1))],
        before={(kind, l): at(f"{kind}_before", l, array) for (kind, l), array in start.before.items()},
    )
    arrays, _ = run_by_rules(
        problem, FLOAT64, own, count=count, keep=keep, rules_=RULES if slip is None else slip.rules
    )
    return arrays


def _seen(problem: Problem) -> Iterator[tuple[Slip, Any]]:
    """The visible slips, each with the numbers that it gives."""
    right = _numbers(problem, RULES)
    for slip in slips_of(problem):
        numbers = _numbers(problem, slip.rules)
        if not _same(numbers, right):
            yield slip, numbers


def _numbers(problem: Problem, rules: Rules) -> Any:
    """Every recorded number of a pass."""
    return np.concatenate([np.ravel(a) for arrays in passes_by_rules(problem, rules) for a in arrays.values()])


def _same(numbers: Any, others: Any) -> bool:
    return bool(np.allclose(numbers, others, rtol=RELATIVE, atol=0, equal_nan=True))
