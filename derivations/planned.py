"""A step ready to be worked: its programs, what the next step starts from, the state before the first one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from derivations.arithmetic import Arithmetic
from derivations.axes import Arrays
from derivations.equations import Role, Step
from derivations.network import Training
from derivations.optimizers import STEP_COUNT
from derivations.program import Program
from derivations.rewrites import stable

__all__ = ["Planned", "counted", "mark", "planned", "starting_state"]


@dataclass(frozen=True, eq=False)
class Planned:
    """A step and its programs.

    `exact` works each quantity as it is written; `digits` the same with losses in the form that keeps their digits.
    `carried` are the arrays that the next step starts from, each with what it is after this one.
    """

    step: Step
    exact: Program
    digits: Program
    carried: tuple[tuple[str, str], ...]

    def program(self, *, by_definition: bool) -> Program:
        """The program for an arithmetic."""
        return self.exact if by_definition else self.digits


def planned(step: Step, *, keeping_digits: bool) -> Planned:
    """The programs of a step; `keeping_digits`: its losses have a form that keeps their digits."""
    exact = Program(step)
    digits = Program(step.replace(*stable(step.equations))) if keeping_digits else exact
    return Planned(step, exact, digits, tuple(_carried(step)))


def _carried(step: Step) -> Iterator[tuple[str, str]]:
    updated = {array.of for array in step.arrays.values() if array.role is Role.UPDATED}
    for name, array in step.arrays.items():
        if array.role is Role.PARAMETER and name in updated:
            yield name, f"{name}_new"
        elif array.role is Role.BEFORE:
            yield name, array.of


def starting_state(step: Step, training: Training | None, given: Arrays, m: Arithmetic) -> Arrays:
    """The constants of the training, the count of the steps and the optimizer's state before the first."""
    constants = training.constants if training else {}
    out: dict[str, Any] = {letter: m.scalar(number) for letter, number in constants.items()}
    stated = dict(training.state) if training else {}
    for array in step.arrays.values():
        if array.role is Role.BEFORE:
            known = stated.get(array.of)
            zeros = given[step.arrays[array.of].of] * 0
            out[array.name] = zeros if known is None else m.lift(known) if known.shape else m.scalar(known)
    return {**out, **counted(training, 1, m)}


def counted(training: Training | None, step: int, m: Arithmetic) -> dict[str, Any]:
    """What changes with the number of a step in a run: the optimizer's count, the learning rate where it has a list."""
    rate = {"eta": m.scalar(training.constants_of(step)["eta"])} if training and training.rates else {}
    return {STEP_COUNT: training.counts(step) if training else step, **rate}


def mark(training: Training | None, given: Arrays) -> int:
    """The number of a step in its run, from what it starts from."""
    return int(given[STEP_COUNT]) - (training.count - 1 if training else 0)
