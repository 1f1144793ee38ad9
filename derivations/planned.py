"""A step ready to be worked: its programs, what the next step starts from, the state before the first one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from derivations.arithmetic import Arithmetic
from derivations.axes import Arrays
from derivations.equations import Role, Step
from derivations.network import Training
from derivations.program import Program
from derivations.rewrites import stable

__all__ = ["Planned", "planned", "starting_state"]


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
    """The constants of the training, the count of the steps and the optimizer's state, all 0, before the first one."""
    constants = training.constants if training else {}
    out: dict[str, Any] = {letter: m.scalar(number) for letter, number in constants.items()}
    before = (array for array in step.arrays.values() if array.role is Role.BEFORE)
    return {"step": 1, **out, **{array.name: given[step.arrays[array.of].of] * 0 for array in before}}
