"""What is judged: one step with the numbers that it started from and what was recorded of it; and what each is called.

Arrays go by their names in the equations, as the equations have their axes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from derivations import names
from derivations.aliases import Meaning
from derivations.computation import Computation
from derivations.equations import Array, Step
from derivations.layers import layered
from derivations.names import KINDS
from derivations.network import Problem
from derivations.own_names import OwnNames
from derivations.planned import Planned
from derivations.quantity import Quantity
from derivations.spellings import Spellings
from tracer.computed_step import STATED, ComputedStep
from tracer.step import WorkedStep
from tracer.verification.plans import Plans, plans_of

__all__ = ["Floats", "Layout", "Place", "Subject", "layout_of", "subjects"]

Floats = np.ndarray
Place = tuple[int, ...]


class Layout(Protocol):
    """Where a quantity of a problem stands in the arrays of its equations, and the other way."""

    @property
    def step(self) -> Step:
        """The equations."""

    def read(self, written: str, notation: str = "") -> Meaning:
        """What a written name stands for.  Raises UnknownName."""

    def array(self, q: Quantity) -> str:
        """The array that a quantity, or a whole array of quantities, is in."""

    def axis(self, name: str) -> int | None:
        """Which axis counts the samples."""

    def place(self, q: Quantity) -> Place:
        """The place of a quantity in its array, the sample's left out where there is one sample to a step."""

    def text(self, name: str, place: Place, sample: int, step: int) -> str:
        """The name of a number, as it is printed."""


class LayeredLayout:
    """Of layers: W1[j,i] is in W1, delta1[2]@3 in delta1 at unit 2 and sample 3."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.own = problem, layered(problem)
        self._spellings = Spellings(problem.network, problem.samples, problem.names)

    @property
    def step(self) -> Step:
        return self.own.step

    def read(self, written: str, notation: str = "") -> Meaning:
        return self._spellings.read(written, notation)

    def array(self, q: Quantity) -> str:
        """Raises KeyError for what the step does not work out."""
        return self.own.names[q.kind, q.layer]

    def axis(self, name: str) -> int | None:
        place = self.own.places[name]
        return len(self.step.arrays[name].extents) - 1 if KINDS[place.kind].sampled else None

    def place(self, q: Quantity) -> Place:
        at = tuple(i - 1 for i in q.indices)
        return (*at, max(q.sample - 1, 0)) if KINDS[q.kind].sampled else at

    def text(self, name: str, place: Place, sample: int, step: int) -> str:
        kind, layer = self.own.places[name]
        if KINDS[kind].sampled and place:
            sample = place[-1] + 1 if self.problem.samples > 1 else sample
            place = place[:-1]
        return names.text(self.problem.network, Quantity(kind, layer, tuple(i + 1 for i in place), sample, step))


class OwnLayout:
    """Of equations of somebody's own: h[2,1] is in h, its axes counted from the first index of each."""

    def __init__(self, problem: Computation) -> None:
        self.problem, self._names = problem, OwnNames(problem)

    @property
    def step(self) -> Step:
        return self.problem.step

    def read(self, written: str, notation: str = "") -> Meaning:
        return Meaning(self._names.read(written))

    def array(self, q: Quantity) -> str:
        return q.kind

    def axis(self, name: str) -> int | None:
        return self.problem.sample_axes.get(name)

    def place(self, q: Quantity) -> Place:
        extents, axis = self.step.arrays[q.kind].extents, self.axis(q.kind)
        at = list(q.indices)
        if axis is not None:
            at.insert(axis, extents[axis][0] + max(q.sample - 1, 0))
        return tuple(i - low for i, (low, _) in zip(at, extents, strict=True))

    def text(self, name: str, place: Place, sample: int, step: int) -> str:
        extents, axis = self.step.arrays[name].extents, self.axis(name)
        at = [k + low for k, (low, _) in zip(place, extents, strict=True)]
        if axis is not None:
            own = at.pop(axis) - extents[axis][0] + 1
            sample = own if self.problem.samples > 1 else sample
        return self._names.text(Quantity(name, 0, tuple(at), sample, step))


def layout_of(problem: Problem | Computation) -> Layout:
    """Where the quantities of a problem stand."""
    return LayeredLayout(problem) if isinstance(problem, Problem) else OwnLayout(problem)


@dataclass(frozen=True, eq=False)
class Subject:
    """One step to judge.

    `given` are the floats that it started from, `recorded` what was worked out, both by name.  `sample` and `step` are
    the marks of its names.
    """

    problem: Problem | Computation
    planned: Planned
    given: Mapping[str, Floats]
    recorded: Mapping[str, Floats]
    sample: int = 0
    count: int = 1

    @property
    def arrays(self) -> Mapping[str, Array]:
        """The arrays of the step, with their roles."""
        return self.planned.step.arrays

    @cached_property
    def layout(self) -> Layout:
        """What its numbers are called."""
        return layout_of(self.problem)

    @cached_property
    def plans(self) -> Plans:
        """The routes' plans of the step."""
        return plans_of(self.planned)

    def text(self, name: str, place: Place) -> str:
        """The name of a number, as it is printed."""
        return self.layout.text(name, place, self.sample, self.count)


def subjects(steps: Iterable[WorkedStep | ComputedStep]) -> Iterator[Subject]:
    """The steps of a trace in float64, to be judged."""
    for s in steps:
        planned: Planned = layered(s.problem) if isinstance(s.problem, Problem) else s.problem.planned
        arrays = planned.step.arrays
        stated = [n for n, a in arrays.items() if a.role in STATED and n in s.given]
        given = {n: np.asarray(s.given[n], float) for n in stated}
        made = dict.fromkeys(e.left.name for e in planned.step.equations)
        recorded = {n: np.asarray(s.known[n], float) for n in made}
        yield Subject(s.problem, planned, given, recorded, s.sample, s.step)
