"""The cells of many sheets as arrays: one array for each recorded quantity, one row a sheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from derivations import names
from derivations.expression import names_in
from derivations.names import CONSTANTS, KINDS, Quantity
from derivations.network import Problem
from tracer.answers.marking.discipline import least_figures, unit_of_whole, unit_of_zero
from tracer.answers.marking.passes import At, recorded
from tracer.answers.reading.entries import ONE, Entry, Sheet

__all__ = ["GIVEN", "Cells", "Written", "last_step", "place_of"]

Array = Any
GIVEN = ("x", "t", "W", "b", *CONSTANTS)
A_PROGRAM = 15  # figures that no person keeps: the decimals of a program's output are not of one length
MOST_FIGURES = 17  # more than float64 has: a program's own digits


@dataclass(frozen=True)
class Written:
    """One recorded array as the sheets have it, each (sheets, *shape): where something stands, what, how exactly.

    `unit` is the place value of the last digit, 0 for a number such as 1/3; `figures` counts significant figures.
    """

    there: Array
    value: Array
    unit: Array
    figures: Array

    def take(self, rows: Array) -> Written:
        """Some of the sheets."""
        return Written(self.there[rows], self.value[rows], self.unit[rows], self.figures[rows])


@dataclass(frozen=True)
class Cells:
    """What many sheets say about one problem.

    `figures` and `unit` are each sheet's usual ones, for what it does not write; `least` are the fewest figures of a
    sheet whose decimals follow the size of its numbers, else 0.  `givens` are given numbers that a
    sheet has otherwise: kind, layer, place, sheet, number.
    """

    problem: Problem
    count: int
    arrays: Mapping[At, Written]
    figures: Array
    unit: Array
    least: Array
    givens: tuple[tuple[str, int, tuple[int, ...], int, float], ...] = ()

    @cached_property
    def fineness(self) -> dict[tuple[At, tuple[int, ...], bool], tuple[Array, Array, Array]]:
        """(figures, unit, least) of what goes into an array, by its place, its shape, and whether it is the least."""
        return {}

    @classmethod
    def of(cls, problem: Problem, sheets: Sequence[Sheet]) -> Cells:
        """The cells that can be marked: those with a number and a quantity that the step records."""
        shapes = recorded(problem, last_step(sheets))
        places = _Places(problem, shapes)
        usual = np.full((len(sheets), 3), [4.0, 1e-4, 0.0])
        found: list[tuple[int, int, float, float, int]] = []
        for row, sheet in enumerate(sheets):
            recorded_ones = [e for e in sheet.entries if _markable(e) and places[e.quantity] >= 0]
            numbers = [(places[e.quantity], *_number(e)) for e in recorded_ones]
            plain = [n for e, n in zip(recorded_ones, numbers, strict=True) if e.formula is None]
            if plain:
                usual[row] = _usual(plain)
            units = [unit for _, value, unit, _ in numbers if value and unit]
            for column, value, unit, figures in numbers:
                if value == 0:  # it has no figures to count
                    unit, figures = unit_of_zero(unit, units, usual[row, 0]), int(usual[row, 0])
                else:
                    unit = unit_of_whole(value, unit, usual[row, 0])
                found.append((row, column, value, unit, figures))
        arrays = places.arrays(len(sheets), found)
        givens = tuple(g for row, sheet in enumerate(sheets) for g in _givens(sheet, row))
        return cls(problem, len(sheets), arrays, usual[:, 0], usual[:, 1], usual[:, 2], givens)

    def without(self, at: At) -> Cells:
        """The sheets as if nothing were written of one array."""
        written = self.arrays[at]
        return replace(self, arrays={**self.arrays, at: replace(written, there=np.zeros_like(written.there))})

    def take(self, rows: Array) -> Cells:
        """Some of the sheets; one may be there several times."""
        arrays = {at: w.take(rows) for at, w in self.arrays.items()}
        numbers = np.arange(self.count)[rows]
        return replace(
            self,
            count=len(numbers),
            arrays=arrays,
            figures=self.figures[rows],
            unit=self.unit[rows],
            least=self.least[rows],
            givens=tuple((*g[:3], int(k), g[4]) for g in self.givens for k in np.flatnonzero(numbers == g[3])),
        )


def _givens(sheet: Sheet, row: int) -> Iterator[tuple[str, int, tuple[int, ...], int, float]]:
    """Given numbers that a sheet repeats, of a problem whose samples are worked together."""
    for entry in sheet.entries:
        q = entry.quantity
        if q is not None and q.kind in GIVEN and entry.value is not None and not entry.fault and q.step == 1:
            place = tuple(i - 1 for i in q.indices) + ((max(q.sample, 1) - 1,) if KINDS[q.kind].sampled else ())
            yield q.kind, q.layer, place, row, float(entry.value.exact / entry.factor)


def place_of(problem: Problem, q: Quantity) -> tuple[At, tuple[int, ...]]:
    """Where a quantity stands: its array and its index inside (samples are the last axis)."""
    index = tuple(i - 1 for i in q.indices)
    apart = problem.samples > 1 and problem.training.samples != "together"
    at = At(q.kind, q.layer, q.sample if apart and problem.training.samples == "apart" else 0, q.step)
    if KINDS[q.kind].sampled:
        return at, (*index, 0 if apart or problem.samples == 1 else q.sample - 1)
    if KINDS[q.kind].axes == "b":
        return at, (*index, 0) if names.shape(problem.network, q.kind, q.layer) else (0, 0)
    return at, index


class _Places(dict[Quantity | None, int]):
    """Where quantities stand, each found once: the number of a cell when all recorded arrays lie end to end."""

    def __init__(self, problem: Problem, shapes: Mapping[At, tuple[int, ...]]) -> None:
        super().__init__()
        self.problem, self.shapes = problem, shapes
        sizes = [int(np.prod(shape)) for shape in shapes.values()]
        self.first = dict(zip(shapes, np.cumsum([0, *sizes]).tolist(), strict=False))

    def __missing__(self, q: Quantity) -> int:
        """-1 for what the step does not record."""
        at, place = place_of(self.problem, q)
        inside = int(np.ravel_multi_index(place, self.shapes[at])) if self.shapes.get(at) else 0
        self[q] = number = self.first[at] + inside if at in self.first else -1
        return number

    def arrays(self, sheets: int, found: Sequence[tuple[int, int, float, float, int]]) -> dict[At, Written]:
        """Every array in which something stands, from (sheet, number of the cell, value, unit, figures)."""
        if not found:
            return {}
        row, column, *parts = np.array(found).T
        out = {}
        for at, first in self.first.items():
            shape = sheets, *self.shapes[at]
            own = np.flatnonzero((column >= first) & (column < first + np.prod(shape[1:])))
            if len(own):
                index = row[own].astype(int), column[own].astype(int) - first
                written = Written(*(np.full(shape, fill) for fill in (False, 0.0, 1.0, 1.0)))
                written.there.reshape(sheets, -1)[index] = True
                for part, numbers in zip((written.value, written.unit, written.figures), parts, strict=True):
                    part.reshape(sheets, -1)[index] = numbers[own]
                out[at] = written
        return out


def last_step(sheets: Sequence[Sheet]) -> int:
    """The last step of which some sheet has a number; what was not understood counts for nothing."""
    usable = (e for sheet in sheets for e in sheet.entries if e.value is not None and not e.fault)
    named = (names_in(e.formula) if e.formula is not None else (e.quantity,) for e in usable)
    return max((q.step for several in named for q in several if q), default=1)


def _markable(e: Entry) -> bool:
    return e.quantity is not None and e.value is not None and not e.fault


def _number(entry: Entry) -> tuple[float, float, int]:
    """(value, unit, figures) of the quantity itself."""
    w = entry.value
    assert w is not None
    unit = 0.0 if w.place is None else 10.0**w.place
    figures = MOST_FIGURES if w.place is None else max(1, min(w.figures, MOST_FIGURES))  # a fraction is exact
    if entry.factor is not ONE:
        return float(w.exact / entry.factor), unit / abs(float(entry.factor)), figures
    return w.number, unit, figures


def _usual(numbers: list[tuple[int, float, float, int]]) -> tuple[float, float, float]:
    """The figures and the unit that most cells of a sheet have, of equals the finer; its least figures."""
    figures = [figures for _, value, unit, figures in numbers if value and unit] or [4]
    units = [unit for _, value, unit, _ in numbers if unit and value] or [1e-4]
    most = max(set(figures), key=lambda f: (figures.count(f), f))
    if most >= A_PROGRAM:
        return most, min(units), 0.0
    unit = max(set(units), key=lambda u: (units.count(u), -u))
    return most, unit, least_figures(figures, units, unit)
