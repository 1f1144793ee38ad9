"""The cells of many sheets as arrays: one array for each recorded quantity, one row a sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derivations import names
from derivations.names import CONSTANTS, KINDS, Quantity
from derivations.network import Problem
from tracer.answers.marking.passes import At, recorded
from tracer.answers.reading.entries import Entry, Sheet

__all__ = ["GIVEN", "Cells", "Written", "place_of"]

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

    `figures` and `unit` are each sheet's usual ones, for what it does not write.  `givens` are given numbers that a
    sheet has otherwise: kind, layer, place, sheet, number.
    """

    problem: Problem
    count: int
    arrays: Mapping[At, Written]
    figures: Array
    unit: Array
    givens: tuple[tuple[str, int, tuple[int, ...], int, float], ...] = ()

    @classmethod
    def of(cls, problem: Problem, sheets: Sequence[Sheet]) -> Cells:
        """The cells that can be marked: those with a number and a quantity that the step records."""
        shapes = recorded(problem, max((e.quantity.step for s in sheets for e in s.entries if e.quantity), default=1))
        found: dict[At, list[tuple[tuple[int, ...], float, float, int]]] = {}
        places = _Places(problem)
        usual = np.full((len(sheets), 2), [4.0, 1e-4])
        for row, sheet in enumerate(sheets):
            markable = [(at, _number(e)) for at, e in _placed(places, sheet.entries) if at[0] in shapes]
            if markable:
                usual[row] = _usual([number for _, number in markable])
            finest = min((unit for _, (value, unit, _) in markable if value and unit), default=1e-4)
            for (at, place), (value, unit, figures) in markable:
                if value == 0:  # it has no figures to count, and 0 among decimals means 0.000
                    unit, figures = min(unit, finest), int(usual[row, 0])
                found.setdefault(at, []).append(((row, *place), value, unit, figures))
        arrays = {}
        for at, cells in found.items():
            shape = (len(sheets), *shapes[at])
            written = Written(*(np.full(shape, fill) for fill in (False, 0.0, 1.0, 1.0)))
            index = tuple(np.array([cell[0] for cell in cells]).T)
            written.there[index] = True
            for k, part in enumerate((written.value, written.unit, written.figures), 1):
                part[index] = [cell[k] for cell in cells]
            arrays[at] = written
        givens = tuple(g for row, sheet in enumerate(sheets) for g in _givens(sheet, row))
        return cls(problem, len(sheets), arrays, usual[:, 0], usual[:, 1], givens)

    def take(self, rows: Array) -> Cells:
        """Some of the sheets."""
        arrays = {at: w.take(rows) for at, w in self.arrays.items()}
        numbers = np.arange(self.count)[rows]
        at = {int(row): k for k, row in enumerate(numbers)}
        return replace(
            self,
            count=len(numbers),
            arrays=arrays,
            figures=self.figures[rows],
            unit=self.unit[rows],
            givens=tuple((*g[:3], at[g[3]], g[4]) for g in self.givens if g[3] in at),
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


class _Places(dict[Quantity, tuple[At, tuple[int, ...]]]):
    """Where quantities stand, each found once."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem

    def __missing__(self, q: Quantity) -> tuple[At, tuple[int, ...]]:
        self[q] = place = place_of(self.problem, q)
        return place


def _placed(places: _Places, entries: Iterable[Entry]) -> list[tuple[tuple[At, tuple[int, ...]], Entry]]:
    return [
        (places[e.quantity], e)
        for e in entries
        if e.quantity is not None and e.value is not None and not e.fault and e.formula is None
    ]


def _number(entry: Entry) -> tuple[float, float, int]:
    """(value, unit, figures) of the quantity itself."""
    w = entry.value
    assert w is not None
    unit = 0.0 if w.place is None else 10.0**w.place
    figures = max(1, min(w.figures, MOST_FIGURES))
    if entry.factor != 1:
        return float(w.exact / entry.factor), unit / abs(float(entry.factor)), figures
    return w.number, unit, figures


def _usual(numbers: list[tuple[float, float, int]]) -> tuple[float, float]:
    """The figures and the unit that most cells of a sheet have; of equals the finer."""
    figures = [n[2] for n in numbers if n[0]] or [4]
    units = [n[1] for n in numbers if n[1] and n[0]] or [1e-4]
    most = max(set(figures), key=lambda f: (figures.count(f), f))
    if most >= A_PROGRAM:
        return most, min(units)
    unit = max(set(units), key=lambda u: (units.count(u), -u))
    return most, unit
