"""What varies in a problem file: its arrays, each with the numbers it is drawn from, and the file with others in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from derivations.computation import Computation
from derivations.given import Given, shortened
from derivations.network import Problem
from tracer.exercises.draws import Choices, Counted, Drawn
from tracer.exercises.ranges import Nested, Range, flat, stated_range, usual
from tracer.problem import load
from tracer.toml_text import ProblemError

__all__ = ["Slot", "Varying"]

Place = tuple[str | int, ...]
_TARGETS = {
    "sigmoid": {"low": 0.1, "high": 0.9, "decimals": 1},
    "tanh": {"low": -0.9, "high": 0.9, "decimals": 1},
}
_ANY_TARGET = {"choose": [-2, -1, 0.5, 1, 2, 3]}


@dataclass(frozen=True)
class Slot:
    """An array of the file that varies: its name in `[exercise]`, where it stands, its shape and its range.

    `trained`: it is a parameter.
    """

    name: str
    place: Place
    shape: tuple[int, ...]
    range: Range
    trained: bool


class Varying:
    """A problem file of which some arrays vary.

    content: its tables, as `read_toml` gives them.  Raises ProblemError where `[exercise]` says what cannot be.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = {name: table for name, table in content.items() if name != "exercise"}
        self.said = content.get("exercise", {})
        self.base = load(self.content)
        if not isinstance(self.said, Mapping):
            raise ProblemError("exercise: must be a table; write [exercise] and below it W1 = {low = -0.9, high = 0.9}")
        self._known = set[str]()
        self.slots = list(self._own_slots() if isinstance(self.base, Computation) else self._layer_slots())
        for name in self.said:
            if name not in self._known:
                near = get_close_matches(str(name), self._known, 1) or sorted(self._known)
                raise ProblemError(f"exercise.{shortened(name)}: no array of the file; there are {', '.join(near)}")
        if not self.slots:
            raise ProblemError("exercise: nothing varies; give an array a range, such as W1 = {low = -0.9, high = 0.9}")

    @cached_property
    def size(self) -> int:
        """How many draws there are."""
        choices = Counted()
        self._drawn(choices)
        return choices.size

    @property
    def fixed(self) -> list[str]:
        """The arrays that stay as they are."""
        return sorted(self._known - {slot.name for slot in self.slots} - {"learning_rate"})

    def numbers(self, number: int) -> list[Nested]:
        """The arrays of a draw, slot by slot."""
        return self._drawn(Drawn(number))

    def _drawn(self, choices: Choices) -> list[Nested]:
        return [slot.range.drawn(slot.shape, choices) for slot in self.slots]

    def is_mixed(self, numbers: Sequence[Nested]) -> bool:
        """Whether parameters that may have both signs do, and the numbers of all of a name are not all one."""
        for slot, own in zip(self.slots, numbers, strict=True):
            texts = list(flat(own))
            if slot.trained and slot.range.both_signs and len(texts) > 1 and len({t[0] == "-" for t in texts}) < 2:
                return False
        return True

    def tables(self, numbers: Sequence[Nested]) -> dict[str, Any]:
        """The file's tables with these arrays in it."""
        out = deepcopy(self.content)
        for slot, own in zip(self.slots, numbers, strict=True):
            table: Any = out
            for key in slot.place[:-1]:
                table = table[key]
            table[slot.place[-1]] = own
        return out

    def problem(self, numbers: Sequence[Nested]) -> Problem | Computation:
        """The problem with these arrays; one of equations shares the step of the first, where the numbers allow."""
        if not isinstance(self.base, Computation) or self._replanned:
            return load(self.tables(numbers))
        arrays = {slot.name: Given.read(own) for slot, own in zip(self.slots, numbers, strict=True)}
        parameters = {name: arrays.get(name, own) for name, own in self.base.parameters.items()}
        given = {name: arrays.get(name, own) for name, own in self.base.given.items()}
        training = self.base.training
        if training and "learning_rate" in arrays:
            training = replace(training, learning_rate=arrays["learning_rate"])
        return replace(self.base, parameters=parameters, given=given, training=training, like=self.base.planned)

    @cached_property
    def _replanned(self) -> bool:
        """Whether numbers that are looked up vary, so that the step itself does."""
        assert isinstance(self.base, Computation)
        return any(slot.name in self.base.step.whole for slot in self.slots)

    # --- the arrays of a file ---

    def _own_slots(self) -> Iterator[Slot]:
        assert isinstance(self.base, Computation)
        for table, trained in (("parameters", True), ("given", False)):
            for name, written in self.content.get(table, {}).items():
                given = self.base.numbers[name]
                own = usual(given.shown().ravel().tolist(), given.shape, trained=trained)
                if name in self.base.step.whole:
                    own = None
                yield from self._slot(name, (table, name), given.shape, own, trained=trained, drawn=written)
        yield from self._rate()

    def _layer_slots(self) -> Iterator[Slot]:
        assert isinstance(self.base, Problem)
        tables = self.content["network"]["layers"]
        for l, table in enumerate(tables, 1):
            for letter in ("W", "b", "theta"):
                if letter in table:
                    given = self._written(table[letter], l, letter)
                    own = usual(given.shown().ravel().tolist(), given.shape, trained=True)
                    place = ("network", "layers", l - 1, letter)
                    name = f"{letter}{l}"
                    yield from self._slot(name, place, given.shape, own, trained=True, drawn=table[letter])
        for k, table in enumerate(self.content["samples"]):
            for key in ("x", "t", "class", "dz"):
                if key in table:
                    given = Given.read(table[key])
                    own = self._sampled(key, given)
                    yield from self._slot(key, ("samples", k, key), given.shape, own, trained=False)
        yield from self._rate()

    def _written(self, written: Any, layer: int, letter: str) -> Given:
        """An array as it stands in the file; one that is to be drawn, as it was."""
        if not isinstance(written, Mapping):
            return Given.read(written)
        own = self.base.network.layer(layer)  # type: ignore[union-attr]
        given = own.W if letter == "W" else own.b
        assert given is not None
        shape = written["shape"]
        return Given(given.floats.reshape(-1)[:1].repeat(int(_product(shape))).reshape(shape))

    def _sampled(self, key: str, given: Given) -> Range | None:
        assert isinstance(self.base, Problem)
        if key == "class":
            return Range(tuple(str(k) for k in range(1, self.base.network.sizes[-1] + 1)))
        if key == "t":
            numbers = [float(n) for n in given.floats.ravel()]
            if set(numbers) <= {0.0, 1.0} and sum(numbers) == 1 and len(numbers) > 1 and self._is_softmax:
                return Range(one_hot=True)
            last = self.base.network.layer(len(self.base.network)).activation.name
            return stated_range(_TARGETS.get(last, _ANY_TARGET), "exercise.t", given.shape)
        return usual(given.shown().ravel().tolist(), given.shape, trained=False)

    @property
    def _is_softmax(self) -> bool:
        assert isinstance(self.base, Problem)
        return self.base.network.layer(len(self.base.network)).activation.name == "softmax"

    def _rate(self) -> Iterator[Slot]:
        if "learning_rate" in self.content.get("training", {}):
            yield from self._slot("learning_rate", ("training", "learning_rate"), (), None, trained=False)

    def _slot(
        self, name: str, place: Place, shape: tuple[int, ...], own: Range | None, *, trained: bool, drawn: Any = None
    ) -> Iterator[Slot]:
        self._known.add(name)
        if name in self.said:
            own = stated_range(self.said[name], f"exercise.{name}", shape)
        if own is not None:
            yield Slot(name, place, shape, own, trained)
        elif isinstance(drawn, Mapping):
            raise ProblemError(f"exercise.{name}: is drawn in the file; give it a range, or write its numbers out")


def _product(shape: Sequence[int]) -> int:
    out = 1
    for n in shape:
        out *= n
    return out
