"""Which numbers of many sheets are right: from the right ones or from their own, in the strictest way of rounding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from derivations.quantity import Quantity
from tracer.marking.carrying import Followed, follow
from tracer.marking.cells import Cells, Numbers
from tracer.marking.discipline import (
    A_PROGRAM_SHOWS,
    ANY_WAY,
    DISCIPLINES,
    FLOAT32,
    FLOAT64,
    PLAIN,
    Discipline,
    is_literal,
)
from tracer.marking.evidence import WIDEST
from tracer.marking.key import Key
from tracer.marking.passes import Runs
from tracer.marking.spans import Bounds

__all__ = ["Judged", "judged"]

FLOAT64_SHOWS = 15
"""Figures that a program's output shows in float64."""
OPEN = 0.02
"""Relative: how far what follows without a written number may be open."""
WIDE = 0.5
"""Which part of a number its interval may be: with more it says nothing of what is written."""


@dataclass
class Judged:
    """Where each sheet's numbers are right, and how they were rounded; arrays are (quantities, sheets).

    `right` is from the right numbers, `own` from the sheet's own; `vague` where only an interval that says hardly
    anything holds it; `plainly` where a number is right as it is, however the rest of its sheet was rounded; `literal`
    where it is what follows in the digits that its sheet usually has, short as zeros at its end are left out; `follows`
    are both ends of what follows from a sheet's own numbers, rounded as it is written.
    """

    quantities: Sequence[Quantity]
    written: Numbers
    right: np.ndarray
    own: np.ndarray
    near: np.ndarray
    vague: np.ndarray
    plainly: np.ndarray
    literal: np.ndarray
    follows: Bounds
    disciplines: list[Discipline]

    @property
    def refused(self) -> np.ndarray:
        """What is right neither way."""
        refused: np.ndarray = self.written.there & ~(self.right | self.own)
        return refused

    @cached_property
    def place(self) -> Mapping[Quantity, int]:
        """Where each quantity stands."""
        return {q: k for k, q in enumerate(self.quantities)}

    @cached_property
    def told(self) -> Mapping[Quantity, Sequence[str]]:
        """By sheet in one word: "vague", "right", "follows" (from its own numbers), "near", or ""."""
        own = np.where(self.own, "follows", np.where(self.near, "near", ""))
        words = np.where(self.vague, "vague", np.where(self.right, "right", own))
        return dict(zip(self.quantities, words.tolist(), strict=True))


class _Run(NamedTuple):
    """Sheets followed in one discipline: where numbers are accepted, both ends; (quantities, sheets) each."""

    accepted: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, run: Followed, quantities: Sequence[Quantity], count: int) -> _Run:
        accepted = np.array([run.accepted[q] for q in quantities], bool).reshape(len(quantities), count)
        return cls(accepted, *run.follows.together(quantities, count))

    def take(self, k: np.ndarray) -> _Run:
        return _Run(*(part[:, k] for part in self))


def _both(runs: Runs, cells: Cells, discipline: Discipline, made: Sequence[Quantity]) -> tuple[_Run, _Run]:
    """From the right numbers, and from a sheet's own."""
    true, own = (_Run.of(follow(runs, cells, discipline, carry=c), made, cells.count) for c in ("true", "own"))
    return true, own


def judged(key: Key, cells: Cells) -> Judged:
    """The better of the verdicts under the plain discipline and under the one that refuses the fewest numbers."""
    first = follow(key.runs, cells)
    made = list(first.accepted)
    written = cells.together(made)
    own = _Run.of(first, made, cells.count)
    true = _Run.of(follow(key.runs, cells, carry="true"), made, cells.count)
    right = true.accepted
    says_nothing = _is_wide(own, written) | _is_perhaps_zero(own, written)
    out = Judged(
        made,
        written,
        right=right.copy(),
        own=own.accepted.copy(),
        near=_one_off(own, written) | _one_off(true, written),
        vague=~right & own.accepted & says_nothing,
        plainly=right | _holds(key, made, written),
        literal=np.asarray(is_literal(written.value, own.low, own.high, cells.figures, cells.unit)),
        follows=(own.low, own.high),
        disciplines=[PLAIN] * cells.count,
    )
    for discipline, rows, some_true, some_own in _best(key, cells, out):
        some = written.take(rows)
        before = out.right[:, rows] | out.own[:, rows]
        out.right[:, rows] |= some_true.accepted
        out.own[:, rows] |= some_own.accepted
        out.near[:, rows] = _one_off(some_true, some) | _one_off(some_own, some)
        wide = _is_wide(some_true, some) & _is_wide(some_own, some)
        says_nothing = ~out.right[:, rows] & (_is_perhaps_zero(some_own, some) | wide)
        out.vague[:, rows] = np.where(before, out.vague[:, rows], says_nothing)
        for row in rows.tolist():
            out.disciplines[row] = discipline
    _accept_ignoring(key, cells, out)
    _find_literal(key, cells, out)
    return out


def _find_literal(key: Key, cells: Cells, out: Judged) -> None:
    """Of short numbers that are right: those that are what follows in all digits, rounded as their sheet rounds."""
    w = out.written
    short = w.there & ~out.refused & ~out.literal & (w.figures < key.enough_figures) & (w.unit > 0) & (w.value != 0)
    rows = np.flatnonzero(short.any(axis=0))
    if not len(rows):
        return
    theirs = [out.disciplines[row] for row in rows.tolist()]
    for discipline in DISCIPLINES[1:]:
        own = rows[[one == discipline or not (one.cut or discipline.cut) for one in theirs]]
        if len(own):
            some, written = cells.take(own), w.take(own)
            run = _Run.of(follow(key.runs, some, discipline), out.quantities, some.count)
            usual = some.figures, some.unit
            literal = is_literal(written.value, run.low, run.high, *usual, cut=discipline.cut)
            out.literal[:, own] |= literal & ~_is_wide(run, written)


def _best(key: Key, cells: Cells, plain: Judged) -> list[tuple[Discipline, np.ndarray, _Run, _Run]]:
    """By discipline the sheets of which it refuses the fewest numbers, where that is not the plain one."""
    nearest = plain.refused  # by the best reading that rounds to the nearest
    fewest = nearest.sum(axis=0)
    hopeful = _hopeful(key.runs, cells, plain.quantities, fewest)
    best: dict[int, int] = {}
    worked: list[tuple[Discipline, np.ndarray, _Run, _Run]] = []
    for discipline in (*DISCIPLINES[1:], FLOAT32, FLOAT64):
        rows = np.flatnonzero((fewest > 0) & hopeful & _may(cells, discipline))
        if not len(rows):
            continue
        true, own = _both(key.runs, cells.take(rows), discipline, plain.quantities)
        some = plain.written.take(rows)
        bad = some.there & ~(true.accepted | own.accepted)
        count = bad.sum(axis=0)
        better = count < fewest[rows]
        if discipline.cut:  # one number makes no habit where another speaks against it, nor does what says nothing
            telling = ~bad & ~(_is_wide(true, some) & _is_wide(own, some))
            better &= (telling & plain.refused[:, rows]).any(axis=0)
            against = (bad & ~nearest[:, rows]).any(axis=0)
            better &= (count + 2 <= nearest[:, rows].sum(axis=0)) | ~against
        else:
            nearest[:, rows[better]] = bad[:, better]
        fewest[rows[better]] = count[better]
        best |= dict.fromkeys(rows[better].tolist(), len(worked))
        worked.append((discipline, rows, true, own))
    out = []
    for k, (discipline, rows, true, own) in enumerate(worked):
        chosen = np.array([best.get(row) == k for row in rows.tolist()])
        if chosen.any():
            out.append((discipline, rows[chosen], true.take(chosen), own.take(chosen)))
    return out


def _accept_ignoring(key: Key, cells: Cells, out: Judged) -> None:
    """Accept what follows from the rest of a sheet where one array that it has right is as if it were not written.

    Who worked z - t again from the shown z goes on from another last digit than that of the dz on the sheet.
    """
    wrong = out.refused
    near = wrong & out.near
    groups: dict[tuple[str, Discipline], list[int]] = {}
    for row in np.flatnonzero(near.any(axis=0)).tolist():
        for name in _gone_on_from(key, out, wrong[:, row], near[:, row], row):
            groups.setdefault((name, out.disciplines[row]), []).append(row)
    for (name, discipline), own in groups.items():
        rows = np.array(own)
        rest = [k for k, q in enumerate(out.quantities) if q.kind != name and wrong[k, rows].any()]
        run = follow(key.runs, cells.take(rows).without(name), discipline)
        for k in rest:
            q = out.quantities[k]
            n, (low, high) = cells.numbers[q].take(rows), run.follows.ends(q)
            narrow = high - low <= np.maximum(WIDEST * n.unit, OPEN * np.abs(n.value))
            out.own[k, rows] |= wrong[k, rows] & run.accepted[q] & narrow


def _gone_on_from(key: Key, out: Judged, wrong: np.ndarray, near: np.ndarray, row: int) -> list[str]:
    """The arrays, right as far as a sheet has them, from which its numbers that are nearly right are worked."""
    reads: dict[str, set[str]] = {}
    for e in key.problem.step.equations:
        reads.setdefault(e.left.name, set()).update(r.name for r in e.reads)
    kinds = [q.kind for q in out.quantities]
    there = {kinds[k] for k in np.flatnonzero(out.written.there[:, row]).tolist()}
    bad = {kinds[k] for k in np.flatnonzero(wrong).tolist()}
    ahead = [kinds[k] for k in np.flatnonzero(near).tolist()]
    seen = dict[str, None]()
    while ahead:
        for name in reads.get(ahead.pop(), set()) - seen.keys():
            seen[name] = None
            ahead += [] if name in there else [name]
    return [name for name in seen if name in there and name not in bad]


def _hopeful(runs: Runs, cells: Cells, made: Sequence[Quantity], fewest: np.ndarray) -> np.ndarray:
    """The sheets that have fewer refused numbers in some way of rounding, as far as one run can tell."""
    out = np.zeros(cells.count, bool)
    rows = np.flatnonzero(fewest)
    if len(rows):
        some = cells.take(rows)
        true, own = _both(runs, some, ANY_WAY, made)
        refused = some.together(made).there & ~(true.accepted | own.accepted)
        out[rows] = refused.sum(axis=0) < fewest[rows]
    return out


def _may(cells: Cells, discipline: Discipline) -> np.ndarray:
    """Which sheets a discipline is for: a program's output shows many figures."""
    if not discipline.machine:
        return np.ones(cells.count, bool)
    most = np.max(cells.all.figures, axis=0, initial=0)
    return np.asarray(most >= (A_PROGRAM_SHOWS if discipline is FLOAT32 else FLOAT64_SHOWS))


def _is_wide(run: _Run, written: Numbers) -> np.ndarray:
    """Where what follows is about as wide as it is large, and wider than the digits that are written."""
    width = run.high - run.low
    wide = (width > 4 * written.unit) & (width > WIDE * np.maximum(np.abs(run.low), np.abs(run.high)))
    return np.asarray(wide | ~np.isfinite(width))


def _is_perhaps_zero(run: _Run, written: Numbers) -> np.ndarray:
    """Where a written 0 may be 0 and may not, whatever the rest of the line is."""
    return np.asarray((written.value == 0) & (run.low <= 0) & (run.high >= 0) & (run.low < run.high))


def _holds(key: Key, quantities: Sequence[Quantity], written: Numbers) -> np.ndarray:
    """Where the right number itself rounds to what is written."""
    ends = [key.near(q) for q in quantities]
    low, high = np.array(ends, float).reshape(len(ends), 2, 1).transpose(1, 0, 2)
    cell = PLAIN.cell(written.value, written.unit)
    return np.asarray(written.there & (cell[0] <= high) & (cell[1] >= low))


def _one_off(run: _Run, written: Numbers) -> np.ndarray:
    """Where a number is the next one to what follows, in its last digit."""
    reach = 1.5 * written.unit
    near = (written.value + reach >= run.low) & (written.value - reach <= run.high)
    return np.asarray(near & (written.unit > 0))
