"""A given number read wrong and used so throughout: solved for from the first wrong array, then put in to be sure.

Every given number is moved at once, each on a copy of the sheets; secants meet what is written, and the shortest number
near there is told where, put in, it gives what stands on the sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from derivations.equations import Role
from derivations.quantity import Quantity
from tracer.answers.marking.discipline import Discipline
from tracer.answers.marking.solving import figures_of, shortest
from tracer.computed_step import STATED
from tracer.marking.carrying import Cells, Followed, Numbers, Runs, follow
from tracer.marking.spans import Span

__all__ = ["Misread", "misread"]

CONSTANT, PARAMETER = Role.CONSTANT, Role.PARAMETER
MOST_LANES = 20_000
"""Copies of sheets that are worked at once."""
MOST_GIVENS = 120
"""Given numbers of a step in which misread ones are looked for."""
SECANTS, TARGETS = 3, 2
LEAST_MOVED = 1e-9
MOST_READ, MOST_TIMES = 1e6, 101
LEAST = 2
"""Wrong numbers that one misread number must give: a single one is given by chance."""
MOST_TOLD = 3
"""Given numbers that explain the same: where more do, nothing is known."""
silent = partial(np.errstate, all="ignore")
"""A sheet's numbers may be of any size."""


@dataclass(frozen=True)
class Misread:
    """One given number as a sheet has it: what was read, what it is, and the wrong numbers that this gives."""

    given: Quantity
    read: str
    right: float
    gives: frozenset[Quantity]


def misread(
    runs: Runs, cells: Cells, discipline: Discipline, order: Sequence[Quantity], wrong: np.ndarray
) -> list[list[Misread]]:
    """By sheet the misread numbers that explain most, those that explain the same together.

    `wrong` is by quantity, in their order, and sheet.
    """
    out: list[list[Misread]] = [[] for _ in range(cells.count)]
    givens = _givens(runs, discipline)
    rows = np.flatnonzero(wrong.sum(axis=0) >= LEAST)
    if not givens or len(givens) * len(runs.passes(cells.steps)) > MOST_GIVENS or not len(rows):
        return out
    most = max(1, MOST_LANES // len(givens))
    for first in range(0, len(rows), most):
        some = rows[first : first + most]
        task = _Solving(runs, cells.take(some), discipline, order, wrong[:, some], givens)
        with silent():
            every = task.found()
        for row, found in zip(some.tolist(), every, strict=True):
            out[row] = found
    return out


def _givens(runs: Runs, discipline: Discipline) -> dict[Quantity, float]:
    """Every number that a step starts from, where all samples go together; numbers that are looked up are none."""
    passes = runs.passes(1)
    if len(passes) > 1:
        return {}
    arrays = runs.problem.step.arrays
    start = runs.problem.start(runs.arithmetic(discipline.machine))
    out: dict[Quantity, float] = {}
    for q, value in passes[0].stated(start):
        if arrays[q.kind].role in STATED and isinstance(value, Span):
            out[q] = float(value.low[0] + value.high[0]) / 2
    return out


@dataclass
class _Solving:
    """Copies of sheets, one for each given number; `lane` is a copy's sheet, `which` its given number."""

    runs: Runs
    cells: Cells
    discipline: Discipline
    order: Sequence[Quantity]
    wrong: np.ndarray
    givens: Mapping[Quantity, float]

    def __post_init__(self) -> None:
        count, each = self.cells.count, len(self.givens)
        self.lane = np.repeat(np.arange(count), each)
        self.which = np.tile(np.arange(each), count)
        self.copies = self.cells.take(self.lane)
        self.right = np.array(list(self.givens.values()))[self.which]
        own = [self.cells.numbers[q] for q in self.order]
        self.there, self.value, self.unit = (
            np.array([getattr(n, part)[self.lane] for n in own]) for part in ("there", "value", "unit")
        )
        self.bad = self.wrong[:, self.lane]
        self.kinds = np.array([q.kind for q in self.order])
        self.wide = np.zeros(self.bad.shape)

    def found(self) -> list[list[Misread]]:
        """What explains each sheet: solved from the first array that each given number reaches, or from the second."""
        out: list[list[Misread]] = [[] for _ in range(self.cells.count)]
        _, low, high = self._work(self.right)
        before, self.wide = (low + high) / 2, high - low
        step = np.where(self.right, np.abs(self.right) / 2, 0.5)
        _, low, high = self._work(self.right + step)
        after = (low + high) / 2
        moved = self.bad & (np.abs(after - before) > LEAST_MOVED * np.maximum(np.abs(before), 1e-3))
        for _ in range(TARGETS):
            target = moved.argmax(axis=0)  # the first wrong number that it reaches
            for row, found in enumerate(self._told(target, moved.any(axis=0), before, after, step)):
                best = len(out[row][0].gives) if out[row] else 0
                out[row] = found if found and len(found[0].gives) > best else out[row]
            moved &= self.kinds[:, None] != self.kinds[target][None]
        return out

    def _told(
        self, target: np.ndarray, reached: np.ndarray, before: np.ndarray, after: np.ndarray, step: np.ndarray
    ) -> list[list[Misread]]:
        read, texts = self._solved(target, reached, before, after, step)
        accepted, _, _ = self._work(read)
        gives = accepted & self.bad
        explains = gives.sum(axis=0) - (self.there & ~accepted & ~self.bad).sum(axis=0)
        told = (
            (explains >= LEAST)
            & (2 * explains > self.bad.sum(axis=0))
            & (read != self.right)
            & (texts != "")
            & ~self._by_a_rule(read)
        )
        told &= self._is_short(read, texts)
        solved_from = self.bad & (self.kinds[:, None] == self.kinds[target][None])
        told &= (gives | ~solved_from).all(axis=0)
        return [list(self._of_sheet(row, told, explains, gives, texts)) for row in range(self.cells.count)]

    def _by_a_rule(self, read: np.ndarray) -> np.ndarray:
        """Where the number is as good as left out, a constant turned or multiplied on twice: a slip of the lines."""
        roles = [self.runs.problem.step.arrays[q.kind].role for q in self.givens]
        constant, parameter = (np.array([own is role for own in roles])[self.which] for role in (CONSTANT, PARAMETER))
        v = self.right
        as_good_as = np.isclose(read, 0) | np.isclose(read, 1)
        turned = np.any([np.isclose(read, other) for other in (-v, v * v, 10 * v, v / 10)], axis=0)
        out: np.ndarray = ((constant | parameter) & as_good_as) | (constant & turned)
        return out

    def _is_short(self, read: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Where the number that was read has no more figures than those of its array, and is not far larger."""
        most = dict[str, int]()
        for q, value in self.givens.items():
            most[q.kind] = max(figures_of(f"{value:.12g}"), most.get(q.kind, 1))
        own = np.array([most[q.kind] for q in self.givens])[self.which]
        near = np.where(self.right, np.abs(read) <= MOST_TIMES * np.abs(self.right), True)
        out: np.ndarray = near & (np.array([figures_of(text) for text in texts]) <= own)
        return out

    def _of_sheet(
        self, row: int, told: np.ndarray, explains: np.ndarray, gives: np.ndarray, texts: np.ndarray
    ) -> Iterator[Misread]:
        own = np.flatnonzero((self.lane == row) & told)
        best = [int(k) for k in own if explains[k] == explains[own].max()]
        if len(best) > MOST_TOLD:
            return
        names = list(self.givens)
        for k in best:
            cells = frozenset(self.order[i] for i in np.flatnonzero(gives[:, k]).tolist())
            yield Misread(names[self.which[k]], str(texts[k]), float(self.right[k]), cells)

    def _solved(
        self, target: np.ndarray, reached: np.ndarray, before: np.ndarray, after: np.ndarray, step: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The number that each copy must have read, as the shortest near there; "" where there is none."""
        lanes = np.arange(len(self.lane))
        goal, unit, wide = (of[target, lanes] for of in (self.value, self.unit, self.wide))
        f, g = before[target, lanes], after[target, lanes]
        last, now = self.right, self.right + step
        slope = (g - f) / step
        with np.errstate(all="ignore"):
            for turn in range(SECANTS):
                there = np.where(slope, now + (goal - g) / slope, now)
                last, f, now = now, g, np.where(np.abs(there) < MOST_READ, there, now)
                if turn < SECANTS - 1:
                    _, low, high = self._work(now)
                    g = ((low + high) / 2)[target, lanes]
                    steeper = (g - f) / (now - last)
                    slope = np.where(np.isfinite(steeper), steeper, slope)  # where it has met the goal it stays
            width = np.abs((unit + wide) / slope)
        hit = reached & np.isfinite(width) & (width < np.maximum(np.abs(now), np.abs(self.right)))
        texts = np.array([shortest(v - w, v + w) if h else "" for v, w, h in zip(now, width / 2, hit, strict=True)])
        return np.array([float(t or r) for t, r in zip(texts, self.right, strict=True)]), texts

    def _work(self, read: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where each number is right with the given ones as read, and its lower and upper end; by quantity and copy."""
        nothing = np.zeros(len(read))
        numbers = dict(self.copies.numbers)
        for k, q in enumerate(self.givens):
            lane, own = self.which == k, self.copies.numbers.get(q)
            if own is None:
                numbers[q] = Numbers(lane, read, nothing, nothing)
            else:  # a sheet that states the number itself has read it so
                stated = np.where(own.there, own.value, read)
                numbers[q] = replace(own, there=own.there | lane, value=stated)
        run = follow(self.runs, replace(self.copies, numbers=numbers), self.discipline)
        ends = [self._ends(run, q) for q in self.order]
        accepted = np.array([run.accepted[q] for q in self.order])
        return accepted & self.there, *(np.array([end[k] for end in ends]) for k in (0, 1))

    def _ends(self, run: Followed, q: Quantity) -> list[np.ndarray]:
        span = run.follows[q]
        return [np.broadcast_to(end, (len(self.lane),)) for end in (span.low, span.high)]
