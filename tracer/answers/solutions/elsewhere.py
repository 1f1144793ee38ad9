"""Rows that are not false but about another network: with another loss or function, without biases, or simplified.

A page on backpropagation lists other functions and losses than the problem's, leaves biases out, and puts a target of 0
in.  Such a row does not hold in this network, and yet nothing is wrong with it: it is not checked, and why is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, fmpq

from derivations.activations import ACTIVATIONS, Activation
from derivations.expression import Call, Expression, Name, Negative, Number, Power, Product, Quotient, names_in
from derivations.losses import LOSSES, Loss
from derivations.names import Quantity
from derivations.reading.nodes import Applied, Variable
from tracer.answers.solutions.calculating import NoValue, activation_named, function_base
from tracer.answers.solutions.comparing import Comparer, is_numeric
from tracer.answers.solutions.duals import equal
from tracer.answers.solutions.verdicts import NOT_CHECKED, Verdict
from tracer.answers.solutions.worlds import World

__all__ = ["OF_LOSS", "Elsewhere", "is_elementary", "other_functions"]

OF_LOSS = "it is of the loss "
CHANGE = "to check its rows, change the problem's loss"
_SQUARES = ("half_squared_error", "squared_error", "mean_squared_error", "half_mean_squared_error")
_LOSS_KINDS = ("E", "E_part", "E_sample")
_NEAR = 1_000_003  # one in so many is what a number is moved by: units keep to the side of 0 that they are on
_CALLED = {"tanh": "tanh", "max0": "relu"}


@dataclass
class Elsewhere:
    """What a document says of other networks; `unbiased` where it speaks of no bias at all."""

    comparer: Comparer
    unbiased: bool = False
    slips: frozenset[str] = frozenset()  # other losses that are none of the document's but this one with a slip
    losses: list[str] = field(default_factory=list)  # other ones that it defines
    used: set[str] = field(default_factory=set)  # those of them that it works with
    own_loss: bool = False  # whether it defines this network's
    signed: set[Expression] = field(default_factory=set)  # what it says of error signals of this network's sign

    def again(self, comparer: Comparer) -> Elsewhere:
        """The same of a document read again from its beginning; other networks once made serve both."""
        out = Elsewhere(comparer, self.unbiased, self.slips)
        out.__dict__.update(_others=self._others, _functions=self._functions)
        return out

    def judged(self, left: Expression, right: Expression, verdict: Verdict, *, general: bool) -> Verdict:
        """The verdict, or where the row is about another network, that it is not checked."""
        defines = _defines_loss(left, right)
        if verdict.right:
            self.own_loss = self.own_loss or defines
            self.signed |= {left} if _of_signals(right) else set()
            return verdict
        if verdict.verdict != "false" or verdict.places or is_numeric(left) or is_numeric(right):
            return verdict
        try:
            if self._simplified(left, right, defines):
                return Verdict("true", message="with the numbers of this problem put in")
            name = self._loss(left, right, defines)
            why = f"{OF_LOSS}{name}, and this network has {self._own.name}" if name else self._why(left, right, general)
        except (NoValue, ArithmeticError, ValueError, TypeError, RecursionError):
            return verdict
        if name in self.slips:
            return replace(verdict, message=f"{OF_LOSS}{name}; this network has {self._own.name}, {self._own.text}")
        return Verdict("unread", message=f"{NOT_CHECKED}{why}") if why else verdict

    @property
    def misstated(self) -> frozenset[str]:
        """The squared errors that it defines and does not work with: this network's with a slip in its factor."""
        if self.own_loss or self._own.name not in _SQUARES:
            return frozenset()
        return frozenset(name for name in self.losses if name in _SQUARES and name not in self.used)

    @property
    def remarks(self) -> list[str]:
        """What is to be said of the whole document."""
        other = sorted(self.used)
        return [f"it works with the loss {name}, this problem has {self._own.name}; {CHANGE}" for name in other[:1]]

    @property
    def _own(self) -> Loss:
        return self.comparer.problem.network.loss

    def _loss(self, left: Expression, right: Expression, defines: bool) -> str:
        """The other loss of which a row is true, of those that the document defines."""
        candidates = list(self._others) if defines else [] if self.own_loss else self.losses
        for name in candidates:
            if _holds(self._others[name], left, right):
                if not defines:
                    self.used.add(name)
                elif name not in self.losses:
                    self.losses.append(name)
                return name
        return ""

    def _why(self, left: Expression, right: Expression, general: bool) -> str:
        if left in self.signed and _of_signals(right) and _holds(self.comparer, Negative(left), right):
            return "it is of error signals of the other sign"
        foreign = [f for f in _functions(left, right) if f not in self._functions]
        if general and foreign:
            return f"{foreign[0]} is none of the functions of this network"
        biased = self.unbiased and any(layer.bias for _, layer in self.comparer.problem.network)
        if biased and _is_forward(left) and _holds(self._without_biases, left, right):
            return "it leaves the biases out, and this network has some"
        return ""

    def _simplified(self, left: Expression, right: Expression, defines: bool) -> bool:
        """A loss of probabilities without the terms that targets of 0 and 1 take away; a slope of 1 or 0 put in."""
        network = self.comparer.problem.network
        logs = network.loss.targets == "0..1" and defines and not any(q.kind == "t" for q in names_in(right))
        texts = {text for e in (left, right) for text in _constant_factors(e)}
        kinked = any(layer.activation.kinks for _, layer in network) and bool(texts)
        hidden = "0" not in texts and _all_zero(self.comparer.value(left))  # by 0, whatever else is there
        return (logs or kinked) and not hidden and _holds(self._nearby, left, right)

    # --- other networks of the same shape ---

    @cached_property
    def _functions(self) -> set[str]:
        return {layer.activation.name for _, layer in self.comparer.problem.network}

    @cached_property
    def _others(self) -> Mapping[str, Comparer]:
        """The same network with each other loss of outputs and targets."""
        problem = self.comparer.problem
        network = problem.network
        if network.loss.needs != "t":
            return {}
        return {
            name: self._like(replace(problem, network=replace(network, loss=loss)))
            for name, loss in LOSSES.items()
            if loss.needs == "t" and name != network.loss.name
        }

    def _like(self, problem: Any) -> Comparer:
        return Comparer(problem, self.comparer.letter, functions=self.comparer.functions)

    @cached_property
    def _without_biases(self) -> Comparer:
        return self._moved(lambda q, value: fmpq(0) if q.kind == "b" else value, self.comparer.drawn[0])

    @cached_property
    def _nearby(self) -> Comparer:
        """The problem's own targets, everything else moved a little."""

        def moved(q: Quantity, value: Any) -> Any:
            return value if q.kind == "t" else arb(value) * (1 + arb(fmpq(1 + sum(q.indices), _NEAR)))

        return self._moved(moved, self.comparer.truth)

    def _moved(self, moved: Any, world: World) -> Comparer:
        computed = {q for q, _ in world.equations}
        given = {q: moved(q, value) for q, value in world.values.items() if q not in computed}
        out = self._like(self.comparer.problem)
        other = World(world.problem, given, world.equations)
        out.__dict__["drawn"] = (other, other)
        return out


def other_functions(network: Any) -> Iterator[Activation]:
    """The functions that the network does not have and a formula of one variable defines."""
    own = {layer.activation.name for _, layer in network}
    yield from (f for f in ACTIVATIONS.values() if f.elementwise and f.name not in own)


def _holds(comparer: Comparer, left: Expression, right: Expression) -> bool:
    try:
        return comparer.same(left, right)
    except (NoValue, ArithmeticError, KeyError):
        return False


def _defines_loss(left: Expression, right: Expression) -> bool:
    """E = a formula of outputs and targets."""
    kinds = {q.kind for q in names_in(right)}
    return (
        isinstance(left, Name) and left.quantity.kind in _LOSS_KINDS and bool(kinds) and kinds <= {"z", "a", "t", "x"}
    )


def _of_signals(e: Any) -> bool:
    return any(q.kind in ("delta", "dz") for q in names_in(e))


def _is_forward(left: Any) -> bool:
    return {q.kind for q in names_in(left)} in ({"a"}, {"z"})


def is_elementary(e: Any) -> bool:
    """1/x, a power or exp of the variable alone: no activation function, nor one with a slip."""
    match e:
        case Quotient(Number("1"), Variable()) | Power(Variable(), _) | Call("exp", (Variable(),)):
            return True
    return False


def _functions(*trees: Any) -> Iterator[str]:
    """The functions that are called by their own names, not by a letter."""
    for e in trees:
        if isinstance(e, Applied):
            named = activation_named(function_base(e.function)[0])
            if named:
                yield named
        if isinstance(e, Call) and e.function in _CALLED:
            yield _CALLED[e.function]
        parts: Sequence[Any] = e._parts() if isinstance(e, Expression) else e if type(e) is tuple else ()
        yield from _functions(*parts)


def _all_zero(value: Any) -> bool:
    return all(equal(x, 0) for x in (value.flat if isinstance(value, np.ndarray) else [value]))


def _constant_factors(e: Any) -> Iterator[str]:
    """1 and 0 among the factors, as nobody writes them but for what they were put in for."""
    if isinstance(e, Product):
        yield from (f.text for f in e.factors if isinstance(f, Number) and f.text in ("0", "1"))
    parts: Sequence[Any] = e._parts() if isinstance(e, Expression) else e if type(e) is tuple else ()
    for part in parts:
        yield from _constant_factors(part)
