"""Which numbers of many sheets are right: from the right ones or from their own, in the strictest way of rounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derivations.quantity import Quantity
from tracer.answers.marking.discipline import (
    A_PROGRAM_SHOWS,
    DISCIPLINES,
    FLOAT32,
    FLOAT64,
    PLAIN,
    Discipline,
    is_literal,
)
from tracer.marking.carrying import Cells, Followed, Runs, follow

__all__ = ["Judged", "judged", "refused"]

FLOAT64_SHOWS = 15
"""Figures that a program's output shows in float64."""
WIDE = 0.5
"""Which part of a number its interval may be: with more it says nothing of what is written."""


@dataclass
class Judged:
    """By quantity where each sheet's number is right: from the right numbers, from its own; how it was rounded."""

    right: dict[Quantity, np.ndarray]
    own: dict[Quantity, np.ndarray]
    disciplines: list[Discipline]
    near: dict[Quantity, np.ndarray] = field(default_factory=dict)
    vague: dict[Quantity, np.ndarray] = field(default_factory=dict)
    """Where a number is right by an interval alone that says hardly anything."""
    literal: dict[Quantity, np.ndarray] = field(default_factory=dict)
    """Where it is what follows in the digits that its sheet usually has: short, as zeros at its end are left out."""


def judged(runs: Runs, cells: Cells) -> Judged:
    """The strictest discipline in which each sheet has the fewest refused numbers, and the verdicts under it."""
    plain = {carry: follow(runs, cells, carry=carry) for carry in ("own", "true")}
    made = [q for q in cells.numbers if q in plain["own"].accepted]
    out = Judged({}, {}, [PLAIN] * cells.count)
    for q in made:
        out.right[q], out.own[q] = (plain[carry].accepted[q].copy() for carry in ("true", "own"))
        out.near[q] = _one_off(plain["own"], cells, q)
        out.literal[q] = _is_literal(plain["own"], cells, q)
        out.vague[q] = ~out.right[q] & out.own[q] & _is_wide(plain["own"], cells, q)
    fewest = refused(cells, made, out.right, out.own).sum(axis=0)
    hopeful = _hopeful(runs, cells, made, fewest)
    for discipline in (*DISCIPLINES[1:], FLOAT32, FLOAT64):
        rows = np.flatnonzero((fewest > 0) & hopeful & _may(cells, discipline))
        if not len(rows):
            continue
        some = cells.take(rows)
        worked = {carry: follow(runs, some, discipline, carry=carry) for carry in ("own", "true")}
        right, own = worked["true"].accepted, worked["own"].accepted
        count = refused(some, made, right, own).sum(axis=0)
        better = count < fewest[rows]
        if discipline.cut:  # one number does not make a habit
            better &= count + 2 <= fewest[rows]
        for k in np.flatnonzero(better):
            out.disciplines[rows[k]] = discipline
            fewest[rows[k]] = count[k]
            for q in made:
                before = bool(out.right[q][rows[k]] or out.own[q][rows[k]])
                out.right[q][rows[k]] |= right[q][k]
                out.own[q][rows[k]] |= own[q][k]
                if not before:
                    out.vague[q][rows[k]] = all(_is_wide(run, some, q)[k] for run in worked.values())
    return out


class _AnyWay(Discipline):
    """Whatever some discipline accepts: what it refuses, all do."""

    def cell(self, value: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return value - unit * 1.01, value + unit * 1.01

    def kept(
        self, low: np.ndarray, high: np.ndarray, figures: np.ndarray, unit: np.ndarray, least: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        more = 10.0 ** (1 - figures)  # a unit of so many figures is at most this part of a number
        return low - np.maximum(np.abs(low) * more, unit), high + np.maximum(np.abs(high) * more, unit)


_ANY_WAY = _AnyWay("any", cut=True, inside="figures", machine=2.0**-24)


def _hopeful(runs: Runs, cells: Cells, made: Sequence[Quantity], fewest: np.ndarray) -> np.ndarray:
    """The sheets that have fewer refused numbers in some way of rounding, as far as one run can tell."""
    out = np.zeros(cells.count, bool)
    rows = np.flatnonzero(fewest)
    if len(rows):
        some = cells.take(rows)
        accepted = [follow(runs, some, _ANY_WAY, carry=carry).accepted for carry in ("own", "true")]
        out[rows] = refused(some, made, *accepted).sum(axis=0) < fewest[rows]
    return out


def refused(cells: Cells, made: Sequence[Quantity], right: Any, own: Any) -> np.ndarray:
    """(quantities, sheets): what is right neither way."""
    refused = [cells.numbers[q].there & ~(right[q] | own[q]) for q in made]
    return np.array(refused).reshape(len(made), cells.count)


def _may(cells: Cells, discipline: Discipline) -> np.ndarray:
    """Which sheets a discipline is for: a program's output shows many figures."""
    if not discipline.machine:
        return np.ones(cells.count, bool)
    most = np.max([n.figures for n in cells.numbers.values()], axis=0, initial=0)
    return np.asarray(most >= (A_PROGRAM_SHOWS if discipline is FLOAT32 else FLOAT64_SHOWS))


def _is_wide(run: Followed, cells: Cells, q: Quantity) -> np.ndarray:
    """Where what follows is about as wide as it is large, and wider than the digits that are written."""
    n, follows = cells.numbers[q], run.follows[q]
    width = follows.high - follows.low
    wide = (width > 4 * n.unit) & (width > WIDE * np.maximum(np.abs(follows.low), np.abs(follows.high)))
    return np.broadcast_to(wide | ~np.isfinite(width), (cells.count,))


def _is_literal(run: Followed, cells: Cells, q: Quantity) -> np.ndarray:
    n, follows = cells.numbers[q], run.follows[q]
    return np.asarray(is_literal(n.value, follows.low, follows.high, cells.figures, cells.unit))


def _one_off(run: Followed, cells: Cells, q: Quantity) -> np.ndarray:
    n, follows = cells.numbers[q], run.follows[q]
    reach = 1.5 * n.unit
    return np.asarray((n.value + reach >= follows.low) & (n.value - reach <= follows.high) & (n.unit > 0))
