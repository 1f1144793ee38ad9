"""Networks whose every quantity has a number: the problem's own, and ones of the same shape with drawn numbers.

A statement in letters is true of a network when it is true in every world; in drawn ones nothing is equal by chance.
`partial` differentiates along the network, without the backward rules.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, fmpq

from derivations.expression import Expression, names_in
from derivations.formulas import Formula, equations, givens
from derivations.names import CONSTANTS, Quantity
from derivations.network import Problem
from tracer.answers.solutions.calculating import Calculator
from tracer.answers.solutions.duals import TALLEST, Dual, rational

__all__ = ["World", "drawn", "of_any_loss", "own_world", "speaks_of_gradients"]

_FORWARD = ("a", "z", "E_part", "E_sample", "E")
Number = Any


class World:
    """Every quantity of one step with its number."""

    def __init__(self, problem: Problem, given: Mapping[Quantity, Number], forms: list[Formula]) -> None:
        self.problem, self.equations = problem, forms
        self.values: dict[Quantity, Number] = dict(given)
        calculator = Calculator(problem, self._value)
        for quantity, formula in forms:
            try:
                value = calculator.value(formula)
            except ArithmeticError:
                value = arb("nan")
            grown = isinstance(value, fmpq) and value.height_bits() > TALLEST
            self.values[quantity] = arb(value) if grown else value
        self._partials: dict[Quantity, dict[Quantity, Number]] = {}
        self._behind: dict[tuple[Quantity, int], frozenset[Quantity]] = {}

    def _value(self, q: Quantity) -> Number:
        return self.values[q]

    def __contains__(self, q: Quantity) -> bool:
        return q in self.values

    def partial(self, of: Quantity, by: Quantity) -> Number:
        """d of / d by along the network, everything else that `of` starts from held."""
        if by not in self._partials:
            self._partials[by] = self._swept(by)
        return self._partials[by].get(of, fmpq(0))

    def _swept(self, by: Quantity) -> dict[Quantity, Number]:
        slopes: dict[Quantity, Number] = {by: fmpq(1)}

        def leaf(q: Quantity) -> Any:
            return Dual(self.values[q], slopes[q]) if q in slopes else self.values[q]

        calculator = Calculator(self.problem, leaf)
        for quantity, formula, used in self._forward:
            if quantity != by and not slopes.keys().isdisjoint(used):
                value = calculator.value(formula)
                slopes[quantity] = value.slope if isinstance(value, Dual) else fmpq(0)
        return slopes

    @cached_property
    def used(self) -> Mapping[Quantity, frozenset[Quantity]]:
        """What stands in the formula of each quantity."""
        return {q: frozenset(names_in(e)) for q, e in self.equations}

    def behind(self, q: Quantity, steps: int = 4) -> frozenset[Quantity]:
        """What a quantity is worked out from, a few steps back."""
        if (q, steps) not in self._behind:
            used = self.used.get(q, frozenset())
            further = (self.behind(p, steps - 1) for p in used) if steps > 1 else ()
            self._behind[q, steps] = used.union(*further)
        return self._behind[q, steps]

    @cached_property
    def _forward(self) -> list[tuple[Quantity, Expression, frozenset[Quantity]]]:
        return [(q, e, self.used[q]) for q, e in self.equations if q.kind in _FORWARD]


def own_world(problem: Problem) -> World:
    """The problem's own numbers, exactly as they are written."""
    return World(problem, dict(_given(problem)), equations(problem))


def _given(problem: Problem) -> Iterator[tuple[Quantity, Number]]:
    network, training = problem.network, problem.training
    for kind, layer, quantities in givens(problem):
        if kind in ("W", "b"):
            source = network.layer(layer).W if kind == "W" else network.layer(layer).b
        else:
            source = problem.x if kind == "x" else problem.signals
        assert source is not None
        texts = source.exact()
        for q, text in zip(quantities.flat, np.broadcast_to(texts, quantities.shape).flat, strict=True):
            yield q, rational(str(text))
    for letter, constant in training.constants.items():
        yield Quantity(letter), rational(str(constant.exact().item()))


def drawn(problem: Problem, seed: int, negatives: float = 0.4) -> World:
    """The same network with drawn numbers: 0.1 to 1 in size, targets between 0 and 1 and, where they must, of sum 1.

    `negatives` is the share of negative numbers; without any, units that are 0 below 0 are all at work.
    """
    rng = random.Random(seed)  # noqa: S311
    network = problem.network
    given: dict[Quantity, Number] = {}
    for kind, layer, quantities in givens(problem):
        for q in quantities.flat:
            size = fmpq(rng.randrange(10_000, 100_000), 100_003)
            negative = kind != "t" and rng.random() < negatives
            form = network.layer(layer).bias if kind == "b" else None
            if form and form.letter == "theta" and not negatives:
                negative = True  # a threshold is taken off: so that units that are 0 below 0 are at work
            given[q] = arb(-size if negative else size)
    if problem.fused and problem.fused.targets_sum_to_one and network.loss.needs == "t":
        targets = [q for q in given if q.kind == "t"]
        for sample in {q.sample for q in targets}:
            own = [q for q in targets if q.sample == sample]
            total = sum((given[q] for q in own), arb(0))
            given.update({q: given[q] / total for q in own})
    for letter in CONSTANTS:
        given[Quantity(letter)] = arb(fmpq(rng.randrange(10_000, 90_000), 100_003))
    return World(problem, given, equations(problem))


def of_any_loss(world: World, seed: int = 3) -> World:
    """The same network with drawn numbers for the derivatives of the loss by the outputs.

    Where a loss has the derivative 1 by every output, it alone tells one error signal from another.
    """
    rng = random.Random(seed)  # noqa: S311
    last = len(world.problem.network)
    drawn_ones = {
        q: arb(fmpq(rng.randrange(10_000, 100_000), 100_003))
        for q, _ in world.equations
        if (q.kind, q.layer) == ("dz", last)
    }
    given = {q: value for q, value in world.values.items() if q not in {p for p, _ in world.equations}}
    rest = [equation for equation in world.equations if equation.quantity not in drawn_ones]
    return World(world.problem, {**given, **drawn_ones}, rest)


_GRADIENTS = ("delta", "dz", "dW", "db")


def speaks_of_gradients(e: Any) -> bool:
    """Whether a formula is linear in gradients of the loss as backpropagation is, whatever the loss."""
    kinds = {q.kind for q in names_in(e)}
    return bool(kinds & set(_GRADIENTS)) and not kinds & {"E", "E_part", "E_sample", "t"}
