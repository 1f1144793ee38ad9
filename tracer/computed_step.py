"""A step of somebody's own equations worked in numbers: every array through one recording point."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64, Arithmetic
from derivations.axes import Arrays
from derivations.computation import Computation
from derivations.equations import Role
from derivations.expression import Expression, Name, Number
from derivations.planned import counted, mark
from derivations.program import Part
from derivations.quantity import Quantity

__all__ = ["STATED", "ComputedStep", "count_of", "leaf_of", "quantity_of", "run_computation"]

Each = Callable[[Quantity, Any], Any]
STATED = (Role.GIVEN, Role.PARAMETER, Role.CONSTANT, Role.BEFORE)
"""The roles of what a step starts from."""


class ComputedStep:
    """One step: `known` are all arrays by name, `given` those it started from, `recorded` its parts as worked.

    A recurrence is worked part by part, h[1,..] before h[2,..].  `sample` and `step` are the marks of the names:
    `@sample` where each sample has a computation of its own, `#step` from the second step on.
    """

    def __init__(
        self,
        problem: Computation,
        m: Arithmetic,
        given: Arrays,
        known: Arrays,
        recorded: list[tuple[Part, Any]],
        sample: int,
    ) -> None:
        self.problem, self.m, self.given, self.known, self.recorded = problem, m, given, known, recorded
        self.sample, self.step = sample, mark(problem.training, given)

    @property
    def arrays(self) -> Arrays:
        """What was worked out, by name, in the order of calculation."""
        return {part.name: self.known[part.name] for part, _ in self.recorded}

    @property
    def following(self) -> Arrays:
        """What the next step starts from: updated parameters, the optimizer's new state."""
        carried = {name: self.known[after] for name, after in self.problem.planned.carried}
        return {**carried, **counted(self.problem.training, self.step + 1, self.m)}

    def items(self) -> Iterator[tuple[Quantity, Any]]:
        """(quantity, value) of everything recorded, in the order of calculation."""
        for part, array in self.recorded:
            yield from zip(quantities(self.problem, part, self.sample, self.step), _flat(array), strict=True)

    @cached_property
    def stated(self) -> dict[Quantity, Any]:
        """Every number that the step started from."""
        out: dict[Quantity, Any] = {}
        for name, array in self.problem.step.arrays.items():
            if array.role in STATED:
                part = Part(name, array.extents)
                pairs = zip(
                    quantities(self.problem, part, self.sample, self.step), _flat(self.given[name]), strict=True
                )
                out |= dict(pairs)
        return out

    def value(self, q: Quantity) -> Any:
        """One number.  Raises KeyError for an entry that the step does not have."""
        array = self.known[q.kind]
        at, extents = list(q.indices), self.problem.step.arrays[q.kind].extents
        axis = self.problem.sample_axes.get(q.kind)
        if axis is not None:
            at.insert(axis, extents[axis][0] + (q.sample - 1 if self.problem.samples > 1 else 0))
        return array[tuple(i - low for i, (low, _) in zip(at, extents, strict=True))] if at else array

    def replace(self, each: Each) -> None:
        """Other numbers in place of those recorded: what is shown of them."""
        self.recorded = [
            (part, _replaced(self.problem, part, a, self.sample, self.step, each)) for part, a in self.recorded
        ]
        for part, array in self.recorded:
            if not self.problem.step.arrays[part.name].shape:
                self.known[part.name] = array
                continue
            extents = self.problem.step.arrays[part.name].extents
            place = tuple(
                a - low if k in part.fixed else slice(a - low, b - low + 1)
                for k, ((a, b), (low, _)) in enumerate(zip(part.extents, extents, strict=True))
            )
            self.known[part.name] = np.array(self.known[part.name], object)
            self.known[part.name][place] = array


def quantities(problem: Computation, part: Part, sample: int, step: int) -> Iterator[Quantity]:
    """The quantities of a part in reading order; a whole sample's mark stands in place of its index."""
    axis = problem.sample_axes.get(part.name)
    runs = [range(a, b + 1) for a, b in part.extents]
    several = problem.samples > 1
    for at in itertools.product(*runs):
        if axis is None:
            yield Quantity(part.name, 0, at, sample, step)
        else:
            own = at[axis] - problem.step.arrays[part.name].extents[axis][0] + 1 if several else sample
            yield Quantity(part.name, 0, (*at[:axis], *at[axis + 1 :]), own, step)


def quantity_of(problem: Computation, name: str, at: tuple[int, ...], sample: int, step: int) -> Quantity:
    """The quantity that an entry of an array is, in a step on one sample (0: on all)."""
    q = problem.quantity(name, at)
    marked = problem.step.arrays[name].role is not Role.CONSTANT
    return q._replace(sample=q.sample or (sample if marked else 0), step=step)


def leaf_of(problem: Computation, sample: int, step: int) -> Callable[[str, tuple[int, ...]], Expression]:
    """What stands for an entry in a formula: its name; the first state is what the file gives it, or 0."""
    arrays = problem.step.arrays

    def leaf(name: str, at: tuple[int, ...]) -> Expression:
        array = arrays[name]
        if array.role is not Role.BEFORE:
            return Name(quantity_of(problem, name, at, sample, step))
        if step == 1:
            return Number(problem.training.before(array.of, at) if problem.training else "0")
        return Name(quantity_of(problem, array.of, at, sample, step - 1))

    return leaf


def count_of(problem: Computation, step: int) -> int:
    """The number of a step as the optimizer counts: from where the file says that it stood."""
    return problem.training.counts(step) if problem.training else step


def run_computation(
    problem: Computation,
    m: Arithmetic = FLOAT64,
    given: Arrays | None = None,
    *,
    each: Each | None = None,
    sample: int = 0,
) -> ComputedStep:
    """One step in the arithmetic m; `each(quantity, value)` returns what is carried on (rounded, replaced)."""
    given = problem.start(m) if given is None else given
    program = problem.planned.program(by_definition=m.by_definition)
    recorded: list[tuple[Part, Any]] = []
    step = mark(problem.training, given)

    def record(label: str, array: Any) -> Any:
        part = program.parts[label]
        if each is not None:
            array = _replaced(problem, part, array, sample, step, each)
        recorded.append((part, array))
        return array

    with m.working():
        known = program.run(m, given, record)
    return ComputedStep(problem, m, given, known, recorded, sample)


def _replaced(problem: Computation, part: Part, array: Any, sample: int, step: int, each: Each) -> Any:
    found = [each(q, v) for q, v in zip(quantities(problem, part, sample, step), _flat(array), strict=True)]
    if not isinstance(array, np.ndarray) or not array.ndim:
        return found[0]
    out = np.empty(len(found), object)
    out[:] = found
    return out.reshape(array.shape)


def _flat(array: Any) -> Iterator[Any]:
    """The numbers in reading order; numpy would unpack a lone ball."""
    if isinstance(array, np.ndarray):
        yield from array.flat
    else:
        yield array
