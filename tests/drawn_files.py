"""A drawn problem file: its text, and an evaluation of its own that was made while it was drawn.

A part of a right side is a `Phrase`: what is typed, and a closure that works out its number at given letters on a tape
of scalars.  Nothing here reads what was typed, and nothing of the package is used.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scalar_tape import NEAREST, Num, Outside, Tape

__all__ = ["ATOM", "CHOICE", "POWER", "PRODUCT", "SIGMA", "TOTAL"]
__all__ += ["Array", "Bounds", "Drawn", "Index", "Letters", "Phrase", "World"]

WORST = 1e3  # the parts of a gradient against the whole of it

Letters = Mapping[str, Any]
Bounds = tuple[int, int]


@dataclass(frozen=True)
class Index:
    """What stands between brackets: what is typed, its value; the letter that it is, where it is a letter alone."""

    text: str
    value: Callable[[World, Letters], int]
    alone: str = ""


@dataclass(frozen=True)
class Phrase:
    """A part of a right side; `level` says how tightly it holds together, `value` works it out."""

    text: str
    level: int
    value: Callable[[World, Letters], Num]


CHOICE, TOTAL, SIGMA, PRODUCT, POWER, ATOM = range(6)


@dataclass
class Array:
    """How far each of its axes runs; its numbers, where the file has some, or its equations."""

    name: str
    axes: list[Bounds]
    by_sample: int = -1  # the axis of the samples
    numbers: Any = None
    whole: bool = False
    table: str = ""
    equations: list[tuple[Sequence[str | int], Phrase]] = field(default_factory=list)
    outside: bool = False
    letters: Sequence[str] = ()  # those of its own equations


@dataclass
class World:
    """One evaluation: the arrays of a file, how far letters run, every entry once."""

    arrays: Mapping[str, Array]
    ranges: Mapping[str, Bounds]
    tape: Tape = field(default_factory=Tape)
    known: dict[tuple[str, tuple[int, ...]], Num] = field(default_factory=dict)

    def entry(self, name: str, at: tuple[int, ...]) -> Num:
        """An entry of an array; 0 outside of those that are."""
        if (name, at) not in self.known:
            self.known[name, at] = self._worked(self.arrays[name], at)
        return self.known[name, at]

    def _worked(self, array: Array, at: tuple[int, ...]) -> Num:
        if not all(low <= k <= high for k, (low, high) in zip(at, array.axes, strict=True)):
            assert array.outside, f"{array.name}{list(at)} is outside"
            return self.tape.number(0.0)
        if array.numbers is not None:
            return self.tape.number(float(array.numbers[tuple(k - 1 for k in at)]))
        for left, phrase in array.equations:
            letters = {l: k for l, k in zip(left, at, strict=True) if isinstance(l, str)}
            fixed = all(l == k for l, k in zip(left, at, strict=True) if isinstance(l, int))
            if fixed and all(self.ranges[l][0] <= k <= self.ranges[l][1] for l, k in letters.items()):
                return phrase.value(self, letters)
        raise AssertionError(f"{array.name}{list(at)} has no equation")

    def run(self, letters: Sequence[str]) -> Iterator[dict[str, int]]:
        """Every value of some letters."""
        runs = [range(self.ranges[l][0], self.ranges[l][1] + 1) for l in letters]
        for at in itertools.product(*runs):
            yield dict(zip(letters, at, strict=True))

    def test(self, p: Num, q: Num) -> bool:
        """Whether p > q."""
        self.tape.kink(p.value - q.value)
        return p.value > q.value


@dataclass(frozen=True)
class Drawn:
    """A problem file and its own evaluation.

    `lines` are its statements as typed, `changeable` the places of those whose right side may stand in a bracket.
    """

    head: Sequence[str]
    lines: Sequence[str]
    changeable: Sequence[int]
    objective: str
    arrays: Mapping[str, Array]
    ranges: Mapping[str, Bounds]
    differentiated: Sequence[str]
    samples: str = ""  # together or apart, where they have an index
    rate: float = 0.0
    gates: bool = False

    @property
    def text(self) -> str:
        """The problem file."""
        return self._with(self.lines)

    def _with(self, lines: Sequence[str]) -> str:
        tables = []
        for table in ("parameters", "given"):
            own = [f"{a.name} = {_typed(a)}" for a in self.arrays.values() if a.table == table]
            tables += [f"[{table}]", *own] if own else []
        if self.rate:
            samples = ['sample = "n"', f'samples = "{self.samples}"'] if self.samples else []
            tables += ["[training]", f"learning_rate = {self.rate}", *samples]
        return "\n".join(["equations = '''", *lines, "'''", *self.head, *tables, ""])

    def changed(self, k: int) -> str:
        """The file with a thousandth added to one right side, which the evaluation does not know of."""
        lines = list(self.lines)
        place = self.changeable[k % len(self.changeable)]
        left, _, right = lines[place].partition(" = ")
        lines[place] = f"{left} = ({right}) + 0.001"
        return self._with(lines)

    def truths(self) -> dict[str, Any]:
        """Every worked array and every gradient by name, with the sample's mark where there is one.  Raises Outside."""
        if self.samples != "apart":
            return self._truth(self.ranges, "")
        each = [self._truth({**self.ranges, "n": (k, k)}, f"@{k}") for k in self._of_samples()]
        return {name: numbers for truth in each for name, numbers in truth.items()}

    def _of_samples(self) -> range:
        return range(1, self.ranges["n"][1] + 1)

    def _truth(self, ranges: Mapping[str, Bounds], mark: str) -> dict[str, Any]:
        world = World(self.arrays, ranges)
        try:
            E = world.entry(self.objective, ())
            found = {a.name: (a, _filled(a, world)) for a in self.arrays.values() if a.numbers is None}
            gains, sizes = world.tape.gradients(E)
        except (OverflowError, ZeroDivisionError):
            raise Outside from None
        if world.tape.nearest < NEAREST:
            raise Outside
        for name in self.differentiated:
            array = self.arrays[name]
            gradient, parts = (_gradient(world, array, numbers) for numbers in (gains, sizes))
            if np.max(parts) > WORST * max(1e-3, np.max(np.abs(gradient))):
                raise Outside
            found[f"d{name}"] = array, gradient
        return {k: v for name, (array, numbers) in found.items() for k, v in self._marked(name, array, numbers, mark)}

    def _marked(self, name: str, array: Array, numbers: Any, mark: str) -> Iterator[tuple[str, Any]]:
        """An array under its name; in a file of samples, each sample's part of one that has their index."""
        if not self.samples or array.by_sample < 0:
            yield name + mark, numbers
        for k in self._of_samples() if self.samples and array.by_sample >= 0 else ():
            if mark in ("", f"@{k}"):
                yield f"{name}@{k}", np.take(numbers, k - 1, axis=array.by_sample)


def _gradient(world: World, array: Array, gains: Sequence[float]) -> Any:
    out = np.zeros([high for _, high in array.axes])
    for at in itertools.product(*map(range, out.shape)):
        place = array.name, tuple(k + 1 for k in at)
        if place in world.known:
            out[at] = gains[world.known[place].at]
    return out


def _filled(array: Array, world: World) -> Any:
    """Every entry of a worked array; of other samples than those that are worked, 0."""
    out = np.zeros([high - low + 1 for low, high in array.axes])
    for at in itertools.product(*map(range, out.shape)):
        place = tuple(k + low for k, (low, _) in zip(at, array.axes, strict=True))
        low, high = world.ranges["n"] if array.by_sample >= 0 else (0, 0)
        if array.by_sample < 0 or low <= place[array.by_sample] <= high:
            out[at] = world.entry(array.name, place).value
    return out


def _typed(array: Array) -> str:
    numbers = array.numbers.astype(int) if array.whole else array.numbers
    return str(numbers.tolist())
