"""Every slip of layers that `check` looks for, and which of them a problem cannot show or cannot tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64
from derivations.axes import Arrays
from derivations.equations import Equation
from derivations.layers import layered, start
from derivations.network import Problem
from derivations.planned import counted
from derivations.program import Task
from tracer.marking.slips.delta import HIDDEN, JACOBIAN, OUTPUT, SLOPE
from tracer.marking.slips.forward import ACTIVATION, PRE_ACTIVATION
from tracer.marking.slips.gradients import BATCH, BELOW, BIASES, WEIGHTS
from tracer.marking.slips.loss import LOSS, SIGNAL
from tracer.marking.slips.slip import Mistake, Slip
from tracer.marking.slips.update import ADAM, DESCENT, MOMENTUM, PREPARED, SCALED
from tracer.schedule import schedules

__all__ = ["MISTAKES", "invisible", "passes_with", "slips_of", "twins", "visible", "worked_with"]

MISTAKES: tuple[Mistake, ...] = (
    *(*PRE_ACTIVATION, *ACTIVATION, *LOSS, *SIGNAL, *SLOPE, *JACOBIAN, *OUTPUT, *HIDDEN),
    *(*BELOW, *WEIGHTS, *BIASES, *BATCH, *PREPARED, *DESCENT, *MOMENTUM, *ADAM, *SCALED),
)
"""Every mistake, in the order in which a step reaches it."""

RELATIVE = 1e-12
Wrong = Mapping[str, Equation]
Keep = Callable[[str, Any], Any]


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


def worked_with(problem: Problem, wrong: Wrong, given: Arrays, keep: Keep | None = None) -> Arrays:
    """The arrays of one step by name, worked in float64 with some lines replaced.

    given: what the step starts from.  `keep(name, array)` returns what is carried on.
    """
    program, known, made = layered(problem).exact, dict(given), dict[str, Any]()
    with FLOAT64.working():
        for task, plan in zip(program.tasks, program.plan(FLOAT64), strict=True):
            other = wrong.get(task.equation.left.name)
            work = plan.work if other is None else program.planned(Task(other, task.fixed), FLOAT64).work
            value = work(known)
            known[plan.name] = made[plan.name] = keep(plan.name, value) if keep else value
    return made


def passes_with(problem: Problem, wrong: Callable[[Problem], Wrong]) -> Iterator[Arrays]:
    """The arrays of one pass with some lines replaced: of samples together, or of each in turn or apart."""
    for schedule in schedules(problem):
        after: Arrays = {}
        for k, own in enumerate(schedule.turns, 1):
            arrays = worked_with(own, wrong(own), start(own, FLOAT64) | after)
            carried = {name: arrays[then] for name, then in layered(own).carried}
            after = carried | counted(own.training, k + 1, FLOAT64)
            yield arrays


def _seen(problem: Problem) -> Iterator[tuple[Slip, Any]]:
    """The visible slips, each with the numbers that it gives."""
    right = _numbers(problem, lambda own: {})
    for slip in slips_of(problem):
        numbers = _numbers(problem, slip.equations)
        if not _same(numbers, right):
            yield slip, numbers


def _numbers(problem: Problem, wrong: Callable[[Problem], Wrong]) -> Any:
    """Every recorded number of a pass."""
    return np.concatenate([np.ravel(a) for arrays in passes_with(problem, wrong) for a in arrays.values()])


def _same(numbers: Any, others: Any) -> bool:
    return bool(np.allclose(numbers, others, rtol=RELATIVE, atol=0, equal_nan=True))
