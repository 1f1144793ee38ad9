"""What is right on a problem with layers: the key of its step, in the names and letters of layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from derivations import formulas, names
from derivations.expression import Expression
from derivations.given import fraction
from derivations.layered_computation import LayeredComputation
from derivations.letters import Letters, letters_of
from derivations.names import CONSTANTS
from derivations.network import Problem
from derivations.quantity import Quantity
from tracer.answers.blank import asked, points_of
from tracer.answers.reading.entries import Entry, Sheet
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
        own = self._of_layer(q)
        return self._signal(q) if own.kind == "signal" else self.letters(letters).text(own)

    def _signal(self, q: Quantity) -> str:
        """A signal from outside has no name: its number stands in formulas."""
        assert self.layers.signals is not None
        in_turn = self.layers.training.samples == "in_turn"
        sample = (q.step - 1) % self.layers.samples if in_turn else max(q.sample, 1) - 1
        return str(self.layers.signals.shown()[q.indices[0] - 1, sample])

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

    def all_right(self, steps: int) -> dict[Quantity, Expression]:
        """The right sides of so many steps, in the order of calculation."""
        out: dict[Quantity, Expression] = {}
        for own in self.runs.passes(steps):
            assert isinstance(own.problem, LayeredComputation)
            out |= dict(formulas.equations(own.problem.layers, sample=own.sample, step=own.step))
        return out

    def facts(
        self, told: Explained, first: Quantity, letters: str, written: Mapping[Quantity, Entry]
    ) -> Mapping[str, str]:
        """What there is to say of an explanation, given numbers in the sheet's letters too."""
        out = super().facts(told, first, letters, written)
        return {**out, "key": out["given"], "given": self._as_given(out["given"], letters)} if "given" in out else out

    def _as_given(self, given: str, letters: str) -> str:
        """Facts about given numbers, `x[1] = 3 (\u2260 1)` or several of them, in the sheet's letters."""
        parts = (part.partition(" = ") for part in given.split(" / "))
        return " / ".join(self._in_letters(name, letters) + rest + text for name, rest, text in parts)

    def _in_letters(self, name: str, letters: str) -> str:
        q = names.find_name(self.layers.network, self.layers.samples, name)
        return self.letters(letters).text(q) if q else name
