"""The defining formula of every quantity of a layered step, over names of earlier ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from derivations import names
from derivations.entries import Entries
from derivations.equations import Equation
from derivations.expression import Expression, Name, Number
from derivations.layers import SAMPLES, Layered, layered
from derivations.names import CONSTANTS, KINDS
from derivations.network import Problem, Training
from derivations.quantity import Quantity

__all__ = ["Formula", "equations", "givens", "of_line"]


MOST_KEPT = 2000  # numbers of a step whose equations are kept for the next problem of its shape


class Formula(NamedTuple):
    """A quantity and the formula that defines it."""

    quantity: Quantity
    formula: Expression


def equations(problem: Problem, *, sample: int = 0, step: int = 1, kinds: Sequence[str] = ()) -> list[Formula]:
    """Every equation of one step, in the order of calculation.

    `sample` and `step` say whose names are written (`@sample`, `#step`); `kinds`: of what alone, all where it is empty.
    """
    own, several = layered(problem), problem.samples > 1
    numbers = _shown(problem) if "signal" in own.step.arrays else None
    plain = numbers is None and not problem.training.state and problem.training.count == 1
    if plain and sum(math.prod(array.shape) for array in own.step.arrays.values()) <= MOST_KEPT:
        return [e for e in _of_shape(own, several, sample, step) if not kinds or e.quantity.kind in kinds]
    return _written(_Quantities(own, several, sample, step, numbers, problem.training), kinds)


def of_line(problem: Problem, line: Equation, *, sample: int = 0, step: int = 1) -> list[Formula]:
    """The equations of a line that stands in the place of one of the step's own, a slip perhaps."""
    own = layered(problem)
    numbers = _shown(problem) if "signal" in own.step.arrays else None
    quantity = _Quantities(own, problem.samples > 1, sample, step, numbers, problem.training)
    found = Entries(own.step, quantity.leaf, quantity.count).of(line, {}, first=(SAMPLES,))
    return [Formula(quantity(entry.name, entry.at), entry.formula) for entry in found]


@lru_cache(maxsize=64)
def _of_shape(own: Layered, several: bool, sample: int, step: int) -> tuple[Formula, ...]:
    """The equations of all problems of a shape: no number stands in them, unless signals are given."""
    return tuple(_written(_Quantities(own, several, sample, step, None)))


def _written(quantity: _Quantities, kinds: Sequence[str] = ()) -> list[Formula]:
    own = quantity.own
    tasks = [task for task in own.exact.tasks if not kinds or own.places[task.equation.left.name].kind in kinds]
    entries = Entries(own.step, quantity.leaf, quantity.count)
    return [
        Formula(quantity(entry.name, entry.at), entry.formula)
        for task in tasks
        for entry in entries.of(task.equation, task.fixed, first=(SAMPLES,))
    ]


class _Quantities:
    """The quantity that an entry of an array is; `numbers` are the given signals as they are shown."""

    def __init__(
        self, own: Layered, several: bool, sample: int, step: int, numbers: Any, training: Training | None = None
    ) -> None:
        self.training, self.count = training, training.counts(step) if training else step
        self.own, self.several, self.sample, self.step, self.numbers = own, several, sample, step, numbers

    def __call__(self, name: str, at: tuple[int, ...]) -> Quantity:
        kind, layer = self.own.places[name]
        if kind in CONSTANTS:
            return Quantity(kind, step=self.step)
        if not KINDS[kind].sampled:
            return Quantity(kind, layer, at, self.sample, self.step)
        return Quantity(kind, layer, at[:-1], at[-1] if self.several else self.sample, self.step)

    def leaf(self, name: str, at: tuple[int, ...]) -> Expression:
        """What stands in a formula: a name; for given signals, and the state before the first step, the number."""
        place = self.own.places[name]
        if place.kind == "signal":
            return Number(self.numbers[at[0] - 1, at[1] - 1])
        if place.kind.endswith("_before"):
            if self.step == 1:
                return Number(self.training.before(self.own.step.arrays[name].of, at) if self.training else "0")
            kind = place.kind.removesuffix("_before")
            return Name(Quantity(kind, place.layer, at, self.sample, self.step - 1))
        return Name(self(name, at))


def _shown(problem: Problem) -> Any:
    assert problem.signals is not None
    return problem.signals.shown()


def givens(problem: Problem, *, sample: int = 0, step: int = 1) -> Iterator[tuple[str, int, Any]]:
    """(kind, layer, quantities) of everything a step starts from, arrays shaped as inside a step."""
    network = problem.network
    yield "x", 0, names.elements(network, "x", 0, problem.samples, sample, step)
    if problem.signals is not None:
        signal = ("t", 0) if network.loss.needs == "t" else ("dz", len(network))
        yield *signal, names.elements(network, *signal, problem.samples, sample, step)
    for l, layer in network:
        for p in layer.parameters:
            yield p, l, names.elements(network, p, l, 1, sample, step)
