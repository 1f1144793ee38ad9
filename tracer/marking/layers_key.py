"""What is right on a problem with layers: the key of its step, in the names and letters of layers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from derivations import formulas, names
from derivations.equations import Equation
from derivations.expression import Expression, names_in
from derivations.given import fraction
from derivations.layered_computation import LayeredComputation
from derivations.letters import Letters, letters_of
from derivations.names import CONSTANTS
from derivations.network import Problem
from derivations.printing import TextPrinter
from derivations.quantity import Quantity
from tracer.answers.blank import asked, points_of
from tracer.answers.reading.entries import Sheet
from tracer.marking.explaining import Explained
from tracer.marking.key import Key
from tracer.marking.named import named_and_others
from tracer.marking.rewrites import Rewrite

__all__ = ["GIVEN", "LayersKey"]

GIVEN = ("x", "t", "W", "b", *CONSTANTS)
"""Kinds of what a step starts from."""
_FIELD = {"eta": "learning_rate", "mu": "momentum"}


class LayersKey(Key):
    """The key of a problem with layers: quantities of layers outside, entries of arrays within."""

    problem: LayeredComputation

    def __init__(self, problem: Problem) -> None:
        super().__init__(LayeredComputation.of(problem))
        self.layers = problem
        self._own: dict[Quantity, Quantity | None] = {}
        self._letters: dict[str, Letters] = {}
        self._right: dict[tuple[int, int], dict[Quantity, Expression]] = {}
        self._told: dict[tuple[Quantity, tuple[int, ...], str], tuple[str, str]] = {}

    @cached_property
    def rewrites(self) -> list[Rewrite]:
        """The named slips, then those of any step."""
        return named_and_others(self.problem)

    @property
    def named(self) -> list[Rewrite]:
        """The named slips alone."""
        return [slip for slip in self.rewrites if slip.is_named]

    # --- reading ---

    def own(self, q: Quantity) -> Quantity:
        """A quantity of a layer as an entry of an array; as it is where the step has no such array."""
        if q not in self._own:
            self._own[q] = self.problem.own(q)
        return self._own[q] or q

    def read(self, sheet: Sheet) -> Sheet:
        """The sheet with entries of arrays in place of quantities of layers."""
        entries = (e.changed(quantity=self.own(e.quantity)) if e.quantity else e for e in sheet.entries)
        return replace(sheet, entries=tuple(entries))

    # --- what is asked ---

    @cached_property
    def asked_for(self) -> tuple[Quantity, ...] | None:
        """What `[sheet] ask` asks for, as quantities of layers; None where it says nothing: then each row is asked."""
        return None if dict(self.layers.sheet).get("ask") is None else tuple(asked(self.layers))

    def asked(self) -> list[Quantity]:
        """What `[sheet] ask` asks for, number by number."""
        return [self.own(q) for q in self.asked_for or ()]

    def points(self, q: Quantity) -> float:
        """What a number counts; nothing where `[sheet] ask` does not ask for it."""
        if self.asked_for is not None and q not in self.wanted:
            return 0.0
        return points_of(self.layers, self._of_layer(q))

    # --- names ---

    def _of_layer(self, q: Quantity) -> Quantity:
        return self.problem.of_layer(q) if q.kind in self.problem.step.arrays else q

    def letters(self, profile: str) -> Letters:
        """The letters of a sheet, by the name of their profile."""
        if profile not in self._letters:
            self._letters[profile] = letters_of(self.layers, profile)
        return self._letters[profile]

    def text(self, q: Quantity, letters: str = "") -> str:
        """What a quantity is called on a sheet in these letters."""
        return self.letters(letters).text(self._of_layer(q))

    def words(self, letters: str) -> Mapping[str, str]:
        """What stands for the letters that sentences use on such a sheet."""
        return self.letters(letters).words

    def name(self, q: Quantity) -> str:
        """What it is called here, the same on every sheet."""
        return names.text(self.layers.network, self._of_layer(q))

    def is_given(self, q: Quantity) -> bool:
        """Whether it is a number that a step starts from, of this optimizer or of another one."""
        return q.kind in GIVEN or super().is_given(q)

    def given(self, q: Quantity) -> tuple[Fraction, str] | None:
        """A given number, and its text; None for one that is drawn or does not exist."""
        return self.given_of_layer(self._of_layer(q)._replace(step=1))

    def given_of_layer(self, q: Quantity) -> tuple[Fraction, str] | None:
        """The same for a quantity of a layer."""
        if q.kind in CONSTANTS:
            constant = getattr(self.layers.training, _FIELD.get(q.kind, q.kind))
            return None if constant is None else (fraction(constant.exact().item()), constant.shown().item())
        for kind, layer, quantities in formulas.givens(self.layers):
            place = np.flatnonzero(np.asarray([own == q for own in quantities.flat]))
            if kind == q.kind and len(place):
                sampled = self.layers.x if kind == "x" else self.layers.signals
                array = sampled if not layer or kind == "dz" else getattr(self.layers.network.layer(layer), kind)
                assert array is not None
                return fraction(array.exact().flat[place[0]]), array.shown().flat[place[0]]
        return None

    # --- equations ---

    def right(self, q: Quantity) -> Mapping[Quantity, Expression]:
        """The right sides of the step that a quantity of a layer is of."""
        pass_ = q.sample if self._way == "apart" else 0, q.step
        if pass_ not in self._right:
            problem, sample, step = self._pass(q)
            self._right[pass_] = dict(formulas.equations(problem, sample=sample, step=step))
        return self._right[pass_]

    def all_right(self, steps: int) -> dict[Quantity, Expression]:
        """The right sides of so many steps, in the order of calculation."""
        out: dict[Quantity, Expression] = {}
        for own in self.runs.passes(steps):
            assert isinstance(own.problem, LayeredComputation)
            out |= dict(formulas.equations(own.problem.layers, sample=own.sample, step=own.step))
        return out

    @property
    def _way(self) -> str:
        return self.layers.training.samples if self.layers.samples > 1 else "together"

    def _pass(self, q: Quantity) -> tuple[Problem, int, int]:
        """(problem, sample, step) of the step that a quantity is of."""
        if self._way == "together":
            return self.layers, 0, q.step
        if self._way == "in_turn":
            return self.layers.sample((q.step - 1) % self.layers.samples + 1), 0, q.step
        return self.layers.sample(max(q.sample, 1)), max(q.sample, 1), 1

    def facts(self, told: Explained, first: Quantity, letters: str) -> Mapping[str, str]:
        """The equations that a message shows, the right one of the cell and each slip's, in the sheet's letters."""
        own, q = self.letters(letters), self._of_layer(first)
        out = {**told.facts, **own.words}
        several = len(told.names) > 1
        for name in told.names:
            lines = {e.left.name: e for slip in told.slips if slip.name == name for e in slip.lines}
            if lines:
                ending = f":{name}" if several else ""
                at = q, tuple(map(id, lines.values())), letters
                if at not in self._told:
                    self._told[at] = self._worked(q, lines, own.text)
                used, right = self._told[at]
                out |= {f"used{ending}": used, f"right{ending}": right}
        if "given" in out:
            out = {**out, "key": out["given"], "given": self._as_given(out["given"], letters)}
        return {"right": _equation(q, self.right(q), own.text)} | out

    def _as_given(self, given: str, letters: str) -> str:
        """Facts about given numbers, `x[1] = 3 (\u2260 1)` or several of them, in the sheet's letters."""
        parts = (part.partition(" = ") for part in given.split(" / "))
        return " / ".join(self._in_letters(name, letters) + rest + text for name, rest, text in parts)

    def _in_letters(self, name: str, letters: str) -> str:
        q = names.find_name(self.layers.network, self.layers.samples, name)
        return self.letters(letters).text(q) if q else name

    def _worked(self, q: Quantity, lines: Mapping[str, Equation], text: Callable[[Quantity], str]) -> tuple[str, str]:
        """The equation with a slip in it and the right one.

        Where the slip leaves the quantity's own as it is, they are those of the last one that it changes on the way.
        """
        q = self._changed(q, lines)
        array = self.own(q).kind
        if array not in lines:
            return ("", _equation(q, self.right(q), text))
        problem, sample, step = self._pass(q)
        wrong = dict(formulas.of_line(problem, lines[array], sample=sample, step=step))
        return _equation(q, wrong, text), _equation(q, self.right(q), text)

    def _changed(self, q: Quantity, lines: Mapping[str, Equation]) -> Quantity:
        """The quantity nearest before q, or q itself, whose line is another one."""
        near, seen = deque([q]), {q}
        while near:
            own = near.popleft()
            if own.kind in ("W", "b") and own.step > 1:  # what the step before left
                own = own._replace(kind=f"{own.kind}_new", step=own.step - 1)
            if self.own(own).kind in lines:
                return own
            right = self.right(own).get(own)
            ahead: Sequence[Quantity] = sorted(names_in(right) - seen) if right is not None else []
            near += ahead
            seen |= set(ahead)
        return q


def _equation(q: Quantity, known: Mapping[Quantity, Expression], text: Callable[[Quantity], str]) -> str:
    return f"{text(q)} = {TextPrinter(text)(known[q])}" if q in known else ""
