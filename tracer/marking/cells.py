"""What stands on sheets, number by number, and how finely each sheet rounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np

from derivations.computation import Computation
from derivations.quantity import Quantity
from tracer.answers.reading.entries import ONE, Entry, Sheet
from tracer.computed_step import STATED
from tracer.marking.discipline import FEWEST, least_figures, unit_of_whole, unit_of_zero

__all__ = ["Cells", "Fineness", "Named", "Numbers"]

Fineness = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Figures, unit and least figures, by sheet."""
IsExact = Callable[[Quantity, Fraction, float], bool]
"""Whether a number, exact and as a float, is the right one of a quantity itself."""
MOST_FIGURES = 17  # more than float64 has: a program's own digits


class Named:
    """The quantities of an array, or of a part of it, in reading order, and its shape."""

    def __init__(self, quantities: Iterable[Quantity], shape: tuple[int, ...]) -> None:
        self.quantities, self.shape = tuple(quantities), shape

    @cached_property
    def places(self) -> Mapping[Quantity, int]:
        """Where each stands."""
        return {q: k for k, q in enumerate(self.quantities)}

    def among(self, known: Mapping[Quantity, object]) -> list[tuple[int, Quantity]]:
        """Those that are known, each with its place."""
        if len(known) < len(self.quantities):
            return sorted((self.places[q], q) for q in known if q in self.places)
        return [(k, q) for k, q in enumerate(self.quantities) if q in known]


@dataclass(frozen=True)
class Numbers:
    """One quantity as the sheets have it, each (sheets,): whether it stands there, what, how exactly.

    `unit` is the place value of the last digit, 0 for a number such as 1/3; `figures` counts significant figures.
    """

    there: np.ndarray
    value: np.ndarray
    unit: np.ndarray
    figures: np.ndarray

    @property
    def parts(self) -> tuple[np.ndarray, ...]:
        """What there is of them, in this order."""
        return self.there, self.value, self.unit, self.figures

    @classmethod
    def together(cls, several: Sequence[Numbers], count: int) -> Numbers:
        """Those of several quantities, each (quantities, sheets)."""
        kinds = zip((bool, float, float, float), zip(*(n.parts for n in several), strict=True), strict=True)
        return cls(*(np.array(own, kind).reshape(-1, count) for kind, own in kinds))

    def take(self, rows: np.ndarray) -> Numbers:
        """Some of the sheets."""
        return Numbers(*(own[..., rows] for own in self.parts))


class OfPart(NamedTuple):
    """What sheets have of a part, each (*axes, sheets), and which of its numbers some sheet has."""

    numbers: Numbers
    written: Sequence[tuple[int, Quantity]]


@dataclass(frozen=True)
class Cells:
    """What sheets say of one computation; `figures` and `unit` are each sheet's usual ones, for what it leaves out.

    `all` are the numbers of the quantities that some sheet has, each (quantities, sheets).
    """

    problem: Computation
    count: int
    quantities: tuple[Quantity, ...]
    all: Numbers
    figures: np.ndarray
    unit: np.ndarray
    least: np.ndarray
    """The fewest figures of a sheet whose decimals follow the size of its numbers, else 0."""

    @classmethod
    def of(cls, problem: Computation, sheets: Sequence[Sheet], is_exact: IsExact) -> Cells:
        """The numbers that were read; those that are exact (0, the slope 1) say nothing of how a sheet rounds.

        Nor does one of a single figure among others.
        """
        places: dict[Quantity, int] = {}
        usual = np.full((len(sheets), 3), [4.0, 1e-4, 0.0])
        at: list[tuple[int, int]] = []
        read: list[tuple[float, float, float]] = []
        is_stated = {name: array.role in STATED for name, array in problem.step.arrays.items()}
        for row, sheet in enumerate(sheets):
            cells = [_Read.of(e) for e in sheet.entries if _is_number(e, is_stated)]
            telling = [c for c in cells if c.tells and not is_stated[c.quantity.kind] and not c.is_exact(is_exact)]
            if finer := [c for c in telling if c.figures >= FEWEST] or (telling if len(telling) > 1 else []):
                counts, units = [c.figures for c in finer], [c.unit for c in finer]
                unit = _commonest(units) or 1e-4
                least = least_figures([c.figures for c in telling], [c.unit for c in telling if c.unit], unit)
                usual[row] = _commonest(counts), unit, least
            others = [c.unit for c in cells if c.unit and c.value]
            most = float(usual[row, 0])
            for c in cells:
                at.append((places.setdefault(c.quantity, len(places)), row))
                if c.value:
                    read.append((c.value, unit_of_whole(c.value, c.unit, most), c.figures))
                else:  # it has no figures to count
                    read.append((0.0, unit_of_zero(c.unit, others, most), most))
        shape = len(places), len(sheets)
        there, numbers = np.zeros(shape, bool), np.zeros((3, *shape))
        if at:
            own = tuple(np.array(at).T)
            there[own] = True
            numbers[:, *own] = np.array(read).T
        return cls(problem, len(sheets), tuple(places), Numbers(there, *numbers), *usual.T)

    @cached_property
    def numbers(self) -> Mapping[Quantity, Numbers]:
        """By quantity, each (sheets,)."""
        return {q: Numbers(*own) for q, *own in zip(self.quantities, *self.all.parts, strict=True)}

    @cached_property
    def _places(self) -> Mapping[Quantity, int]:
        return {q: k for k, q in enumerate(self.quantities)}

    def take(self, rows: np.ndarray) -> Cells:
        """Some of the sheets, by their numbers."""
        usual = (of[rows] for of in (self.figures, self.unit, self.least))
        return Cells(self.problem, len(rows), self.quantities, self.all.take(rows), *usual)

    def with_numbers(self, more: Mapping[Quantity, Numbers]) -> Cells:
        """The sheets with other numbers, or further ones, of some quantities, each (sheets,)."""
        quantities = (*self.quantities, *(q for q in more if q not in self._places))
        own = [more.get(q) or self.numbers[q] for q in quantities]
        return replace(self, quantities=quantities, all=Numbers.together(own, self.count))

    @cached_property
    def _parts(self) -> dict[Named, OfPart | None]:
        return {}

    def part(self, named: Named) -> OfPart | None:
        """What sheets have of a part; None where nothing of it is written."""
        if named not in self._parts:
            written = named.among(self._places)
            self._parts[named] = OfPart(self._of_part(written, named.shape), written) if written else None
        return self._parts[named]

    def _of_part(self, written: Sequence[tuple[int, Quantity]], shape: tuple[int, ...]) -> Numbers:
        to, place = [k for k, _ in written], [self._places[q] for _, q in written]
        ends = []
        for own, otherwise in zip(self.all.parts, (False, 0.0, 1.0, 1.0), strict=True):
            whole = np.full((math.prod(shape), self.count), otherwise)
            whole[to] = own[place]
            ends.append(whole.reshape(*shape, self.count))
        return Numbers(*ends)

    def together(self, quantities: Sequence[Quantity]) -> Numbers:
        """What sheets have of some that they have, each (quantities, sheets)."""
        places = [self._places[q] for q in quantities]
        return Numbers(*(own[places] for own in self.all.parts))

    @property
    def fineness(self) -> Fineness:
        """(figures, unit, least figures) to which somebody rounds inside: the usual ones of a sheet.

        Not a number's own: 3 among numbers of three decimals is 3.000, and 0.0050 is 0.005 with the figures it lacked.
        """
        return self.figures, self.unit, self.least

    def _only(self, places: Sequence[int]) -> Cells:
        """Some of the quantities."""
        quantities = tuple(self.quantities[k] for k in places)
        return replace(self, quantities=quantities, all=Numbers(*(own[list(places)] for own in self.all.parts)))

    def without(self, name: str) -> Cells:
        """The sheets as if nothing were written of one array."""
        return self._only([k for k, q in enumerate(self.quantities) if q.kind != name])

    def up_to(self, step: int) -> Cells:
        """What is said of the first steps."""
        if self.steps <= step:
            return self
        return self._only([k for k, q in enumerate(self.quantities) if q.step <= step])

    def last_steps(self) -> np.ndarray:
        """The last step that each sheet speaks of."""
        steps = np.array([q.step for q in self.quantities], int)[:, None]
        return np.asarray(np.max(np.where(self.all.there, steps, 1), axis=0, initial=1))

    @property
    def steps(self) -> int:
        """The last step that a sheet speaks of."""
        return max((q.step for q in self.quantities), default=1)


class _Read(NamedTuple):
    """One cell as it was read: the quantity's own number, its unit and figures; a fraction is exact."""

    quantity: Quantity
    exact: Fraction
    value: float
    unit: float
    figures: int
    is_plain: bool

    @classmethod
    def of(cls, entry: Entry) -> _Read:
        q, written, factor = entry.quantity, entry.value, entry.factor
        assert q is not None
        assert written is not None
        figures = MOST_FIGURES if written.place is None else max(1, min(written.figures, MOST_FIGURES))
        if factor is ONE:
            return cls(q, written.exact, written.number, written.unit, figures, entry.formula is None)
        exact = written.exact / factor
        return cls(q, exact, float(exact), written.unit / abs(float(factor)), figures, entry.formula is None)

    @property
    def tells(self) -> bool:
        """Whether it says how its sheet rounds: a fraction was rounded by nobody, nor was 0."""
        return self.is_plain and self.unit > 0 and self.value != 0

    def is_exact(self, is_exact: IsExact) -> bool:
        """Whether it is the right number itself."""
        return is_exact(self.quantity, self.exact, self.value)


def _is_number(entry: Entry, arrays: Container[str]) -> bool:
    q = entry.quantity
    return q is not None and entry.value is not None and not entry.fault and q.kind in arrays


def _commonest(values: Sequence[float]) -> float:
    return max(dict.fromkeys(values), key=lambda v: (values.count(v), v))
