"""How people round: to the nearest or cutting off, at what they write or also at what they do not write.

A written number stands for all reals that round to it.  Somebody who keeps so many figures (or so many decimals) may
also have rounded every product on the way; a program in float32 has rounded every operation.  A sheet is read in the
discipline in which the fewest of its cells are refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

__all__ = [
    "ANY_WAY",
    "A_PROGRAM_SHOWS",
    "CUT_OFF",
    "DISCIPLINES",
    "FEWEST",
    "FLOAT32",
    "FLOAT64",
    "PLAIN",
    "Discipline",
    "Inside",
    "is_literal",
    "least_figures",
    "unit_of_whole",
    "unit_of_zero",
]

Array = Any
GUARD = 0.05  # of a unit: rounding first to one digit more moves a number by at most this
EDGE = 1e-15  # relative: what float64 makes of the end of a cell
FITS = 1e-14  # relative: what float64 leaves of a number that has few digits
FEWEST = 2  # figures: with one nobody works on
A_PROGRAM_SHOWS = 7  # figures: a sheet with so many may be a float32 program's output
SAME = 1e-12  # of a unit: on which side of a half float64 may put a number


LEAST_POWER, MOST_POWER = -320, 300
TENS = 10.0 ** np.arange(LEAST_POWER, MOST_POWER + 1)


@dataclass(frozen=True)
class Discipline:
    """One way of rounding.

    `cut` is truncation; `inside` is how numbers that are not written are kept: "" in full, "figures" with as many
    significant figures as the cell that they go into, "places" with as many decimals; `machine` is the unit roundoff
    of a program, 0 for people.
    """

    name: str
    cut: bool = False
    inside: str = ""
    machine: float = 0.0

    def cell(self, value: Array, unit: Array) -> tuple[Array, Array]:
        """The reals that a written number stands for; closed, so that both ways of rounding a half count."""
        edge = (SAME if self.cut else EDGE) * (np.abs(value) + unit)
        if self.cut:  # nobody cuts 1.2, or 1.2 - 1e-15, off to 1.1
            beyond = unit - 2 * edge
            return value - beyond * (value <= 0) - edge, value + beyond * (value >= 0) + edge
        return value - unit / 2 - edge, value + unit / 2 + edge

    def kept(self, low: Array, high: Array, figures: Array, unit: Array, least: Array) -> tuple[Array, Array]:
        """What may be left of numbers that were rounded on the way to a cell of so many figures and that unit.

        least: figures that are kept of small numbers also where decimals are, 0 where the decimals are the same always.
        """
        ends = np.array((low, -high))  # to move a bound up is to move its negative down
        units = self._units(ends, figures, unit, least)
        steps = ends / units
        exact = _fits(ends, units, steps)
        if self.cut:
            down = np.minimum(ends, np.where(exact | (ends < 0), ends, np.floor(steps) * units))
        else:
            down = np.where(exact, ends, np.minimum(np.ceil(steps - 0.5 - SAME), steps - GUARD) * units)
        down = down - EDGE * np.abs(down)
        return down[0], -down[1]

    def moves(self, low: Array, high: Array, figures: Array, unit: Array, least: Array) -> Array:
        """How far rounding on the way moves a number between two ends at most."""
        size = np.maximum(np.abs(low), np.abs(high))
        return (1.0 if self.cut else 0.5 + GUARD) * self._units(size, figures, unit, least)

    def _units(self, value: Array, figures: Array, unit: Array, least: Array) -> Array:
        if self.inside == "figures":
            return _unit(value, np.maximum(figures, FEWEST))
        if not np.any(least):
            return unit
        return np.where(least > 0, np.minimum(unit, _unit(value, least)), unit)

    def guarded(self, low: Array, high: Array, unit: Array) -> tuple[Array, Array]:
        """A result that may have been rounded to one digit more than is written."""
        if not self.inside or self.cut:
            return low, high
        ends = np.array((low, -high))
        down = np.where(_fits(ends, unit, ends / unit), ends, ends - GUARD * unit)
        return down[0], -down[1]


def _unit(value: Array, figures: Array) -> Array:
    """The place of the last of so many significant figures; the smallest for 0, which any unit fits."""
    power = np.floor(np.log10(np.abs(value)) + SAME) - figures + 1
    return TENS[np.fmin(np.fmax(power, LEAST_POWER), MOST_POWER).astype(int) - LEAST_POWER]


def _fits(value: Array, unit: Array, steps: Array) -> Array:
    """Whether a number, so many units, has no digits beyond them; a fraction (unit 0) is written without rounding."""
    beyond: Array = np.abs(np.rint(steps) * unit - value) > FITS * np.abs(value)
    return ~beyond  # nor has one that is not finite: nothing is larger than nan


class Inside:
    """Rounding on the way in a discipline: what is left of numbers between two ends, how far it moves them.

    fineness: the figures, the unit and the least figures that are kept.
    """

    def __init__(self, discipline: Discipline, fineness: tuple[Array, Array, Array]) -> None:
        self.discipline, self.fineness = discipline, fineness

    @cached_property
    def of_factors(self) -> Inside:
        """The same, which leaves a figure of every number: nobody goes on to multiply by what is rounded to nothing."""
        figures, unit, least = self.fineness
        return Inside(self.discipline, (figures, unit, np.maximum(least, 1)))

    def kept(self, low: Array, high: Array) -> tuple[Array, Array]:
        """What may be left of numbers between two ends."""
        return self.discipline.kept(low, high, *self.fineness)

    def moves(self, low: Array, high: Array) -> Array:
        """By how much it moves one of them at most."""
        return self.discipline.moves(low, high, *self.fineness)


PLAIN = Discipline("rounded")
CUT_OFF = Discipline("cut off", cut=True)
FLOAT32 = Discipline("float32", machine=2.0**-24)
FLOAT64 = Discipline("float64", machine=2.0**-52)

DISCIPLINES = (
    PLAIN,
    Discipline("rounded, figures inside", inside="figures"),
    Discipline("rounded, decimals inside", inside="places"),
    CUT_OFF,
    Discipline("cut off, figures inside", cut=True, inside="figures"),
    Discipline("cut off, decimals inside", cut=True, inside="places"),
)
"""Every way of people, the strictest first."""


class AnyWay(Discipline):
    """Whatever some discipline accepts: what it refuses, all do."""

    def cell(self, value: Array, unit: Array) -> tuple[Array, Array]:
        return value - unit * 1.01, value + unit * 1.01

    def kept(self, low: Array, high: Array, figures: Array, unit: Array, least: Array) -> tuple[Array, Array]:
        more = 10.0 ** (1 - figures)  # a unit of so many figures is at most this part of a number
        return low - np.maximum(np.abs(low) * more, unit), high + np.maximum(np.abs(high) * more, unit)


ANY_WAY = AnyWay("any", cut=True, inside="any", machine=2.0**-24)
"""No way of its own: what a number is refused in here, it is refused in all."""


def as_held(values: Array, is_exact: Array, machine: float) -> tuple[Array, Array]:
    """Given numbers as a program of that unit roundoff holds them; is_exact: where a double is the very number."""
    below, above = np.nextafter(values, -np.inf), np.nextafter(values, np.inf)
    if machine > FLOAT64.machine:
        with np.errstate(over="ignore"):
            is_exact = is_exact & (values.astype(np.float32) == values)
        off = 1.001 * machine * np.abs(values)
        below, above = np.minimum(below, values - off), np.maximum(above, values + off)
    return np.where(is_exact, values, below), np.where(is_exact, values, above)


def unit_of_whole(value: float, unit: float, usual: float) -> float:
    """The unit of a whole number on a sheet of so many figures: of 295900 among numbers of four figures it is 100."""
    power = math.floor(math.log10(abs(value))) + 1 - usual if value and unit == 1.0 and abs(value) < 1e15 else 0
    return 10.0**power if power > 0 and value % 10.0**power == 0 else unit


def unit_of_zero(unit: float, others: Sequence[float], figures: float) -> float:
    """The unit of a written zero, from its own, those of the other numbers of its sheet, and its usual figures.

    0.000 has the digits that are shown where other numbers have them too; a bare 0, 0.0 among finer numbers or in the
    output of a program has as many as the finest.
    """
    finest = min(others, default=1e-4 if unit >= 1 else unit)
    return unit if unit < 1 and (unit in others or not others) and figures < A_PROGRAM_SHOWS else min(unit, finest)


def is_literal(value: Array, low: Array, high: Array, figures: Array, unit: Array, *, cut: bool = False) -> Array:
    """Whether what follows is what is written, at the figures or the decimals that its sheet usually has.

    Such a number is short because the zeros at its end are left out.  cut: what is beyond them is cut off.
    """
    with np.errstate(all="ignore"):
        by_figures = 10.0 ** (np.floor(np.log10(np.abs(value))) - figures + 1)
    reach = np.fmax(unit, np.where(np.isfinite(by_figures), by_figures, 0.0)) / (1 if cut else 2)
    return np.asarray((value + reach >= low) & (value - reach <= high))


def least_figures(figures: Sequence[float], units: Sequence[float], usual: float) -> float:
    """The fewest figures on a sheet whose decimals follow the size of its numbers; 0 where they are the same always."""
    return min(figures) if any(unit < usual for unit in units) else 0.0
