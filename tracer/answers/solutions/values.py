"""What formulas are worth: with the network's true numbers, with the document's own, and in drawn networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from derivations import names
from derivations.expression import Expression
from derivations.names import CONSTANTS, Quantity
from derivations.network import Problem
from tracer.answers.solutions.calculating import Calculator, NoValue, exact_number
from tracer.answers.solutions.duals import rational
from tracer.answers.solutions.shown import Shown, cell, rounds_to
from tracer.answers.solutions.worlds import World, drawn, of_any_loss, own_world

__all__ = ["GIVEN", "Claim", "Slip", "Values", "only"]

GIVEN = ("x", "t", "W", "b", *CONSTANTS)


class Slip(NamedTuple):
    """What is false, or of another loss than this network's, and where it stands."""

    line: int
    row: int = -1
    of_loss: bool = False


@dataclass(frozen=True)
class Claim:
    """A quantity's number as the document shows it, and the slips that it goes back to."""

    shown: Shown
    slips: tuple[Slip, ...] = ()


@dataclass
class Values:
    """What formulas are worth, for one problem; `own` are the document's numbers so far."""

    problem: Problem
    letter: str = "h"  # of activation functions in general
    entrywise: bool = False  # whether a product of two columns is taken entry by entry
    own: dict[Quantity, Claim] = field(default_factory=dict)
    functions: dict[str, tuple[str, Expression]] = field(default_factory=dict)
    variables: tuple[Mapping[str, Any], ...] = ()
    _hands: dict[tuple[str, int], Mapping[Quantity, str]] = field(default_factory=dict, repr=False)

    @cached_property
    def truth(self) -> World:
        """The problem's own numbers."""
        return own_world(self.problem)

    @cached_property
    def drawn(self) -> tuple[World, ...]:
        """Two networks of the same shape, and one of any loss where `any_loss`."""
        two = drawn(self.problem, 1, negatives=0.0), drawn(self.problem, 2)
        return (*two, of_any_loss(two[0])) if self.any_loss else two

    @property
    def any_loss(self) -> bool:
        """Whether the loss itself does not tell one output from another: its derivative by each is 1."""
        return self.problem.network.loss.name == "output"

    def true(self, q: Quantity) -> Any:
        """The true number of a quantity.  Raises NoValue."""
        if q not in self.truth.values:
            raise NoValue(f"{names.text(self.problem.network, q)} is not one number of this step")
        return self.truth.values[q]

    def claimed(self, q: Quantity) -> Any:
        """The document's number of a quantity, what follows from its numbers, or the true one."""
        return self._from_own(q, self.claimed, lambda shown: shown.exact)

    def _claimed_ball(self, q: Quantity) -> Any:
        return self._from_own(q, self._claimed_ball, lambda shown: cell(shown.text))

    def _from_own(self, q: Quantity, leaf: Any, number: Any) -> Any:
        """The document's number, or what follows from its numbers by the rules, or the true one."""
        claim = self.own.get(q)
        if q.kind in GIVEN and claim is None:
            return self.true(q)
        if claim:
            return number(claim.shown)
        formula = self.formulas.get(q)
        if formula is None or not self.rests_on_own(q):
            return self.true(q)
        return Calculator(self.problem, leaf).value(formula)

    def rests_on_own(self, q: Quantity) -> bool:
        """Whether a quantity is worked out from numbers of the document, a few steps back."""
        return bool(self.own) and not self.truth.behind(q).isdisjoint(self.own)

    @cached_property
    def formulas(self) -> dict[Quantity, Expression]:
        """What each quantity is worked out by."""
        return {e.quantity: e.formula for e in self.truth.equations}

    def value(self, e: Expression, *, own: bool = False, ball_of_shown: bool = False) -> Any:
        """Its value with the network's numbers, or with the document's own where it shows them."""
        leaf = (self._claimed_ball if ball_of_shown else self.claimed) if own else self.true
        calculator = Calculator(
            self.problem,
            leaf,
            number=cell if ball_of_shown else exact_number,
            partial=self.truth.partial,
            functions=self.functions,
            variables=self.variables[0] if self.variables else None,
            letter=self.letter,
            entrywise=self.entrywise,
        )
        return calculator.value(e)

    def in_world(self, e: Expression, k: int) -> Any:
        """Its value in a drawn world."""
        world = self.drawn[k]

        def leaf(q: Quantity) -> Any:
            if q not in world:
                raise NoValue(f"{names.text(self.problem.network, q)} is not one number of this step")
            return world.values[q]

        variables = self.variables[k % len(self.variables)] if self.variables else None
        return Calculator(
            self.problem, leaf, partial=world.partial, functions=self.functions, variables=variables,
            letter=self.letter, entrywise=self.entrywise,
        ).value(e)  # fmt: skip

    def from_here(self, q: Quantity, shown: Shown) -> bool:
        """Whether a number that nothing before it shows is the true one, or that of a hand calculation."""
        return (q.kind in GIVEN) or rounds_to(self.true(q), shown) or self.by_hand(q, shown)

    def by_hand(self, q: Quantity, shown: Shown) -> bool:
        """Whether somebody who rounds every number as this one is rounded comes to it."""
        place = shown.written.place
        ways = [("digits", shown.written.figures)] + ([("places", -place)] if place is not None and place < 0 else [])
        for way, count in ways:
            if not 0 < count < 16:
                continue
            if (way, count) not in self._hands:
                self._hands[way, count] = _worked_by_hand(self.problem, way, count)
            text = self._hands[way, count].get(q)
            if text is not None and rational(text) == shown.exact:
                return True
        return False


def _worked_by_hand(problem: Problem, way: str, count: int) -> Mapping[Quantity, str]:
    from tracer.tracing import trace

    try:
        worked = trace(problem, digits=count) if way == "digits" else trace(problem, places=count)
    except (ValueError, ArithmeticError):
        return {}
    return worked.shown


def only(x: Any) -> Any:
    """A number, also of an array of one.  Raises NoValue for a larger one."""
    if isinstance(x, np.ndarray):
        if x.size == 1:
            return x.flat[0]
        raise NoValue("a vector where a number is meant")
    return x
