"""What is right on a problem: the exact numbers, their texts, and the equations, right and with a slip."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from derivations.arithmetic import Exact
from derivations.expression import Expression, names_in
from derivations.formulas import Formula, givens
from derivations.given import fraction
from derivations.letters import Letters, letters_of
from derivations.names import CONSTANTS, Quantity
from derivations.network import Problem
from derivations.printing import TextPrinter
from derivations.rules import RULES, Rules
from derivations.rules_written import equations
from tracer.answers.blank import asked
from tracer.answers.marking.cells import place_of
from tracer.answers.marking.order import Order
from tracer.answers.marking.passes import At, passes
from tracer.answers.slips import Slip, slips_of
from tracer.rounding import Rounding, bounds

__all__ = ["NEAR", "Truth"]

Array = Any
BITS = 200
_FIELD = {"eta": "learning_rate", "mu": "momentum"}
LEAST_FIGURES = 3
NEAR = 1e-12
"""Relative: what is so near the right number may be it."""


class Truth:
    """The right numbers and equations of one problem, worked when first asked for."""

    def __init__(self, problem: Problem, steps: int = 1) -> None:
        self.problem, self.steps = problem, steps
        self._places: dict[Quantity, tuple[At, tuple[int, ...]]] = {}
        self._ends: dict[Quantity, tuple[Fraction | None, Fraction | None]] = {}
        self._made: dict[int, dict[tuple[str, int, tuple[str, ...]], Any]] = {}
        self._shown: dict[tuple[Quantity, Fraction, int, int], str] = {}
        self._letters: dict[str, Letters] = {}

    @cached_property
    def asked(self) -> tuple[Quantity, ...] | None:
        """What `[sheet] ask` asks for, None where it says nothing: then the rows of a sheet are what is asked."""
        return None if dict(self.problem.sheet).get("ask") is None else tuple(asked(self.problem))

    @cached_property
    def slips(self) -> dict[str, Slip]:
        """The slips that can be made on this problem, by name."""
        return {slip.name: slip for slip in slips_of(self.problem)}

    @cached_property
    def order(self) -> Order:
        """What follows from what."""
        return Order.of(self.problem, self.steps)

    @cached_property
    def arrays(self) -> dict[At, Array]:
        """Every recorded array, rational up to the first exp or log, a ball after it."""
        m, out = Exact(BITS), dict[At, Array]()
        for sample, step, run in passes(self.problem, m, self.steps):

            def keep(kind: str, layer: int, array: Any, sample: int = sample, step: int = step) -> Any:
                out[At(kind, layer, sample, step)] = m.kept(array)
                return out[At(kind, layer, sample, step)]

            run(keep, RULES)
        return out

    def place(self, q: Quantity) -> tuple[At, tuple[int, ...]]:
        """Where a quantity stands."""
        if q not in self._places:
            self._places[q] = place_of(self.problem, q)
        return self._places[q]

    def value(self, q: Quantity) -> Any:
        """The number of a quantity."""
        at, place = self.place(q)
        array = self.arrays[at]
        return array[place] if isinstance(array, np.ndarray) and array.ndim else array

    def ends(self, q: Quantity) -> tuple[Fraction | None, Fraction | None]:
        """The ends of the ball of a quantity's number."""
        if q not in self._ends:
            self._ends[q] = bounds(self.value(q))
        return self._ends[q]

    def given(self, q: Quantity) -> tuple[Fraction, str] | None:
        """A given number and its text, None for one that is drawn or does not exist."""
        if q.kind in CONSTANTS:
            constant = getattr(self.problem.training, _FIELD.get(q.kind, q.kind))
            return None if constant is None else (fraction(constant.exact().item()), constant.shown().item())
        for kind, layer, quantities in givens(self.problem):
            place = np.flatnonzero(np.asarray([own == q for own in quantities.flat]))
            if kind == q.kind and len(place):
                sampled = self.problem.x if kind == "x" else self.problem.signals
                array: Any = sampled if not layer else getattr(self.problem.network.layer(layer), kind)
                return fraction(array.exact().flat[place[0]]), array.shown().flat[place[0]]
        return None

    def shown(self, q: Quantity, factor: Fraction, places: int, figures: int) -> str:
        """The right number, or a multiple, at the digits that were written: decimals or figures, which show more."""
        key = q, factor, places, figures
        if key not in self._shown:
            self._shown[key] = self._at_digits(*key)
        return self._shown[key]

    def rounded(self, q: Quantity, factor: Fraction, figures: int) -> str:
        """The right number, or a multiple, to so many significant figures; "0" where it is not finite."""
        low, high = self.ends(q)
        return (
            Rounding(digits=figures).shown((low + high) / 2 * factor) if low is not None and high is not None else "0"
        )

    def _at_digits(self, q: Quantity, factor: Fraction, places: int, figures: int) -> str:
        low, high = self.ends(q)
        if low is None or high is None:
            return ""
        value = (low + high) / 2 * factor
        needed = Rounding(digits=max(figures, LEAST_FIGURES)).places_of(value) if value else 0
        return Rounding(places=max(0, min(max(places, needed), 100))).shown(value)

    # --- equations ---

    @cached_property
    def right(self) -> dict[Quantity, Expression]:
        """The right side of every equation of the steps, in their order."""
        return {e.quantity: e.formula for e in self._equations(None)}

    def _equations(self, slip: Slip | None) -> list[Formula]:
        problem, rules = self.problem, slip.rules if slip else RULES
        way = problem.training.samples if problem.samples > 1 else "together"
        if way == "together":
            each = [(problem, 0, k) for k in range(1, self.steps + 1)]
        else:
            marks = [(k, 1) if way == "apart" else (0, k) for k in range(1, problem.samples + 1)]
            each = [(problem.sample(k), *mark) for k, mark in enumerate(marks, 1)]
        return [
            e
            for k, (own, sample, step) in enumerate(each)
            for e in equations(own, self._recalling(rules, k), sample=sample, step=step)
        ]

    def _recalling(self, rules: Rules, k: int) -> Rules:
        """The same rules, of which the right ones are written once for the k-th pass: they read names, so they stay."""
        made = self._made.setdefault(k, {})

        def recalling(name: str) -> Callable[..., Any]:
            rule: Callable[..., Any] = getattr(rules, name)
            if rule is not getattr(RULES, name) or name == "batch_loss":  # one sample's loss has no name
                return rule

            def recalled(s: Any, l: int, *p: str) -> Any:
                if (name, l, p) not in made:
                    made[name, l, p] = rule(s, l, *p)
                return made[name, l, p]

            return recalled

        return replace(rules, **{f.name: recalling(f.name) for f in fields(rules)})

    def letters(self, profile: str) -> Letters:
        """The letters of a sheet, by the name of their profile."""
        if profile not in self._letters:
            self._letters[profile] = letters_of(self.problem, profile)
        return self._letters[profile]

    def equation(self, q: Quantity, text: Callable[[Quantity], str]) -> str:
        """The equation of a quantity, `a1[1] = W1[1,1]·x[1] + ...`, in somebody's letters."""
        return _equation(q, self.right, text)

    def worked(self, q: Quantity, slip: Slip, text: Callable[[Quantity], str]) -> tuple[str, str]:
        """The equation with a slip in it and the right one.

        Where the slip leaves the quantity's own as it is, they are those of the last one that it changes on the way.
        """
        formulas = self._of_slip(slip)
        q = self._changed(q, formulas)
        return _equation(q, formulas, text), _equation(q, self.right, text)

    def _changed(self, q: Quantity, formulas: dict[Quantity, Expression]) -> Quantity:
        """The quantity nearest before q, or q itself, whose equation is another one."""
        near = deque([q])
        seen = {q}
        while near:
            own = near.popleft()
            if own.kind in ("W", "b") and own.step > 1:  # what the step before left
                own = own._replace(kind=f"{own.kind}_new", step=own.step - 1)
            if own in self.right and formulas.get(own) != self.right[own]:
                return own
            ahead = sorted(names_in(self.right[own]) - seen) if own in self.right else []
            near += ahead
            seen |= set(ahead)
        return q

    def _of_slip(self, slip: Slip) -> dict[Quantity, Expression]:
        if slip.name not in self._written:
            self._written[slip.name] = {e.quantity: e.formula for e in self._equations(slip)}
        return self._written[slip.name]

    @cached_property
    def _written(self) -> dict[str, dict[Quantity, Expression]]:
        return {}


def _equation(q: Quantity, formulas: Mapping[Quantity, Expression], text: Callable[[Quantity], str]) -> str:
    return f"{text(q)} = {TextPrinter(text)(formulas[q])}" if q in formulas else ""
