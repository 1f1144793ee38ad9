"""Layers as a computation: their step, with the numbers of the problem, in the arrays' own names, `W1`, `delta2`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from derivations.arithmetic import Arithmetic
from derivations.axes import Arrays
from derivations.computation import Computation
from derivations.equations import Role
from derivations.given import Given
from derivations.language import Statements
from derivations.layers import SAMPLES, Layered, layered, start
from derivations.names import CONSTANTS, KINDS
from derivations.network import Problem
from derivations.quantity import Quantity

__all__ = ["LayeredComputation"]


@dataclass(frozen=True, repr=False)
class LayeredComputation(Computation):
    """A problem with layers, whose arrays have names and whose numbers have places as in equations of one's own."""

    problem: Problem | None = None

    @classmethod
    def of(cls, problem: Problem) -> LayeredComputation:
        """The computation that a problem is."""
        arrays = layered(problem).step.arrays
        given: Mapping[str, Given] = {}
        parameters = {name: _NO_NUMBER for name, array in arrays.items() if array.role is Role.PARAMETER}
        return cls(
            Statements(),
            parameters,
            given,
            problem.training,
            samples_letter=SAMPLES,
            title=problem.title,
            sheet=problem.sheet,
            problem=problem,
        )

    @property
    def layers(self) -> Problem:
        """The problem with layers."""
        assert self.problem is not None
        return self.problem

    @cached_property
    def planned(self) -> Layered:
        """The step with its programs; problems of one shape share it."""
        return layered(self.layers)

    def start(self, m: Arithmetic) -> Arrays:
        """The arrays that the step starts from."""
        return start(self.layers, m)

    @cached_property
    def samples(self) -> int:
        """How many samples there are."""
        return self.layers.samples

    @cached_property
    def turns(self) -> tuple[Computation, ...]:
        """The same with each sample alone."""
        return tuple(map(LayeredComputation.of, self.layers.turns))

    # --- names of layers and names of arrays ---

    def own(self, q: Quantity) -> Quantity | None:
        """A quantity of a layer as an entry of an array; None where the step has no such array."""
        kind = KINDS[q.kind]
        name = self.planned.names.get((q.kind, q.layer if kind.layered else 0))
        if name == "E_sample" and name not in self.step.arrays:
            name = "E"
        if name is None or name not in self.step.arrays:
            return None
        return Quantity(name, 0, q.indices, q.sample, q.step)

    def of_layer(self, q: Quantity) -> Quantity:
        """An entry of an array as a quantity of a layer."""
        kind, layer = self.planned.places[q.kind]
        return Quantity(kind, layer, q.indices, 0 if kind in CONSTANTS else q.sample, q.step)


_NO_NUMBER = Given.read(0)
