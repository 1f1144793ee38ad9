"""A given number read wrong and used so throughout: solved for from the first wrong array, then put in to be sure.

Every given number is moved at once, each on a copy of the sheets; secants meet what is written, and the shortest number
near there is told where, put in, it gives what stands on the sheet.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from derivations.equations import Role
from derivations.quantity import Quantity
from tracer.marking.carrying import Followed, follow
from tracer.marking.cells import Cells, Numbers
from tracer.marking.discipline import ANY_WAY, Discipline
from tracer.marking.evidence import EVIDENCE
from tracer.marking.passes import Runs
from tracer.marking.spans import Span

__all__ = ["Misread", "misread", "mistaken"]

CONSTANT, PARAMETER = Role.CONSTANT, Role.PARAMETER
MOST_LANES = 20_000
"""Copies of sheets that are worked at once."""
Reached = Callable[[str], Set[str]]
"""The arrays that move with one."""
MOST_GIVENS = 120
"""Given numbers of a step in which misread ones are looked for."""
SECANTS, TARGETS = 3, 2
LEAST_MOVED = 1e-9
MOST_READ, MOST_TIMES = 1e6, 101
LEAST = 2
"""Wrong numbers that one misread number must give: a single one is given by chance."""
ROOM = 2
"""Units that a right number may be off with a given number misread, before it speaks against that."""
MOST_TOLD = 3
"""Given numbers that explain the same: where more do, nothing is known."""
MOST_FIGURES = 3
"""Of a number that was read for another."""
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
    runs: Runs,
    cells: Cells,
    base: Followed,
    discipline: Discipline,
    order: Sequence[Quantity],
    wrong: np.ndarray,
    reach: Callable[[int], Reached],
    *,
    tens_are_slips: bool = True,
) -> list[list[Misread]]:
    """By sheet the misread numbers that explain most, those that explain the same together.

    `base` is what follows as given; `wrong` is by quantity, in their order, and sheet; `reach` of a sheet tells which
    arrays move with one.  tens_are_slips: a constant ten times as large, or a tenth, is a slip of the lines.
    """
    out: list[list[Misread]] = [[] for _ in range(cells.count)]
    givens = _givens(runs, cells.steps, discipline)
    rows = np.flatnonzero(wrong.sum(axis=0) >= LEAST)
    if not givens or len(givens) * len(runs.passes(cells.steps)) > MOST_GIVENS or not len(rows):
        return out
    low, high = base.follows.together(order, cells.count)
    with silent():
        middle, wide = (low + high) / 2, high - low
    candidates = {row: _candidates(givens, order, wrong[:, row], reach(row)) for row in rows.tolist()}
    for some in _batches(candidates):
        own, lanes = np.array(list(some)), list(some.values())
        task = _Solving(runs, cells.take(own), discipline, order, wrong[:, own], givens, lanes, tens_are_slips)
        with silent():
            every = task.found(middle[:, own], wide[:, own])
        for row, found in zip(some, every, strict=True):
            out[row] = found
    return out


def mistaken(
    runs: Runs,
    cells: Cells,
    base: Followed,
    discipline: Discipline,
    order: Sequence[Quantity],
    wrong: np.ndarray,
    left: np.ndarray,
    reach: Callable[[int], Reached],
    *,
    tens_are_slips: bool = True,
) -> list[list[Misread]]:
    """By sheet the given numbers that explain what is `left`, read as they are easily mistaken: as few as there are.

    A single number is enough where it meets what such a reading gives in more digits than chance would.
    """
    out: list[list[Misread]] = [[] for _ in range(cells.count)]
    givens = _givens(runs, cells.steps, discipline)
    rows = np.flatnonzero(left.any(axis=0))
    if not givens or len(givens) * len(runs.passes(cells.steps)) > MOST_GIVENS or not len(rows):
        return out
    readings = _easily_mistaken(givens)
    candidates = {
        row: [k for k in _candidates(givens, order, left[:, row], reach(row), least=1) for _ in readings[k]]
        for row in rows.tolist()
    }
    low, high = base.follows.together(order, cells.count)
    for some in _batches(candidates):
        own, lanes = np.array(list(some)), list(some.values())
        task = _Solving(runs, cells.take(own), ANY_WAY, order, left[:, own], givens, lanes, tens_are_slips)
        read = np.array([text for of in lanes for k in dict.fromkeys(of) for text in readings[k]])
        with silent():
            middle = ((low + high) / 2)[:, own][:, task.lane]
            every = task.told_of(read, middle, wrong[:, own][:, task.lane])
        for row, found in zip(some, every, strict=True):
            out[row] = found
    return out


def _easily_mistaken(givens: Mapping[Quantity, float]) -> list[list[str]]:
    """What each given number is easily read as: without its sign, its point moved, digits exchanged, one beside it."""
    out = []
    for q, value in givens.items():
        text = f"{value:.12g}"
        near = [-value, 10 * value, value / 10] if value else []
        digits = [
            f"{text[:k]}{text[k + 1]}{text[k]}{text[k + 2 :]}"
            for k in range(len(text) - 1)
            if text[k : k + 2].isdigit() and "e" not in text
        ]
        beside = [other for place, other in givens.items() if place.kind == q.kind and _are_beside(place, q)]
        found = dict.fromkeys([*(f"{v:.12g}" for v in (*near, *beside)), *digits])
        out.append([other for other in found if float(other) != value])
    return out


def _are_beside(one: Quantity, other: Quantity) -> bool:
    """Whether two numbers of an array are in the same row, or in the same column."""
    return sum(i != j for i, j in zip(one.indices, other.indices, strict=True)) == 1


def _candidates(
    givens: Mapping[Quantity, float], order: Sequence[Quantity], wrong: np.ndarray, reached: Reached, least: int = LEAST
) -> list[int]:
    """The given numbers, by their places, that can move most of a sheet's wrong numbers."""
    kinds = Counter(order[k].kind for k in np.flatnonzero(wrong).tolist())
    enough: dict[str, bool] = {}
    for name in dict.fromkeys(q.kind for q in givens):
        count = sum(kinds[kind] for kind in reached(name) if kind in kinds)
        enough[name] = count >= least and 2 * count > kinds.total()
    return [k for k, q in enumerate(givens) if enough[q.kind]]


def _batches(candidates: Mapping[int, list[int]]) -> Iterator[dict[int, list[int]]]:
    """Sheets with their candidates, so many at once as are worked together."""
    some: dict[int, list[int]] = {}
    lanes = 0
    for row, own in candidates.items():
        if some and lanes + len(own) > MOST_LANES:
            yield some
            some, lanes = {}, 0
        if own:
            some[row] = own
            lanes += len(own)
    if some:
        yield some


def _givens(runs: Runs, steps: int, discipline: Discipline) -> dict[Quantity, float]:
    """Every number that the steps start from, of one network; numbers that are looked up are none."""
    passes = runs.passes(steps)
    if any(own.sample for own in passes):
        return {}
    out: dict[Quantity, float] = {}
    for own in passes:
        arrays = own.problem.step.arrays
        for q, value in own.stated(runs.start(own, runs.arithmetic(discipline.machine))):
            if isinstance(value, Span) and (own.first or arrays[q.kind].role is Role.GIVEN):
                out[q] = float(value.low[0] + value.high[0]) / 2
    return out


@dataclass
class _Solving:
    """Copies of sheets, one for each candidate; `lane` is a copy's sheet, `which` its given number."""

    runs: Runs
    cells: Cells
    discipline: Discipline
    order: Sequence[Quantity]
    wrong: np.ndarray
    givens: Mapping[Quantity, float]
    candidates: Sequence[Sequence[int]]
    tens_are_slips: bool

    def __post_init__(self) -> None:
        self.lane = np.repeat(np.arange(self.cells.count), [len(own) for own in self.candidates])
        self.which = np.array([k for own in self.candidates for k in own])
        self.copies = self.cells.take(self.lane)
        self.right = np.array(list(self.givens.values()))[self.which]
        own = self.copies.together(self.order)
        self.there, self.value, self.unit = own.there, own.value, own.unit
        self.bad = self.wrong[:, self.lane]
        self.kinds = np.array([q.kind for q in self.order])
        self.wide = np.zeros(self.bad.shape)

    def _narrow(self, lanes: np.ndarray) -> None:
        """Only some of the copies from now on."""
        self.lane, self.which, self.right = self.lane[lanes], self.which[lanes], self.right[lanes]
        self.copies = self.copies.take(lanes)
        for name in ("there", "value", "unit", "bad", "wide"):
            setattr(self, name, getattr(self, name)[:, lanes])

    def found(self, middle: np.ndarray, wide: np.ndarray) -> list[list[Misread]]:
        """What explains each sheet: solved from the first array that each given number reaches, or from the second."""
        out: list[list[Misread]] = [[] for _ in range(self.cells.count)]
        before, self.wide = middle[:, self.lane], wide[:, self.lane]
        step = np.where(self.right, np.abs(self.right) / 2, 0.5)
        _, low, high = self._work(self.right + step)
        after = (low + high) / 2
        moved = self.bad & (np.abs(after - before) > LEAST_MOVED * np.maximum(np.abs(before), 1e-3))
        reached = moved.sum(axis=0)
        likely = np.flatnonzero((reached >= LEAST) & (2 * reached > self.bad.sum(axis=0)))
        self._narrow(likely)
        before, after, moved, step = before[:, likely], after[:, likely], moved[:, likely], step[likely]
        if not len(likely):
            return out
        for _ in range(TARGETS):
            target = moved.argmax(axis=0)  # the first wrong number that it reaches
            for row, found in enumerate(self._told(target, moved.any(axis=0), before, after, step)):
                best = len(out[row][0].gives) if out[row] else 0
                out[row] = found if found and len(found[0].gives) > best else out[row]
            moved &= self.kinds[:, None] != self.kinds[target][None]
        return out

    def told_of(self, read: np.ndarray, middle: np.ndarray, wrong: np.ndarray) -> list[list[Misread]]:
        """What explains each sheet of the numbers that were perhaps read, by copy; `middle` is what follows as given.

        Evidence is in how many digits it meets the way from there, more than it takes to find one among so many.
        """
        texts = read
        read = read.astype(float)
        accepted, low, high = self._work(read)
        gives = accepted & self.bad
        off = np.maximum(low - self.value, self.value - high) > ROOM * self.unit
        against = (self.there & off & ~wrong).any(axis=0)
        digits = np.log10(np.abs(self.value - middle) / (high - low + self.unit))
        evidence = np.where(gives, np.maximum(np.nan_to_num(digits), 0.0), 0.0).sum(axis=0)
        tried = np.bincount(self.lane, minlength=self.cells.count)[self.lane]
        explains = gives.sum(axis=0)
        told = ~against & (2 * explains > self.bad.sum(axis=0)) & (evidence >= EVIDENCE + np.log10(tried))
        told &= ~self._by_a_rule(read)
        return [list(self._of_sheet(row, told, explains, gives, texts)) for row in range(self.cells.count)]

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
        others = (-v, v * v, *((10 * v, v / 10) if self.tens_are_slips else (2 * v, v / 2, 1 / v)))
        turned = np.any([np.isclose(read, other) for other in others], axis=0)
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
                    on = np.isfinite(steeper) & (np.abs(now - last) > LEAST_MOVED * np.abs(now))
                    slope = np.where(on, steeper, slope)  # where it has met the goal it stays
            width = np.abs((unit + wide) / slope)
        hit = reached & np.isfinite(width) & (width < np.maximum(np.abs(now), np.abs(self.right)))
        texts = np.array([shortest(v - w, v + w) if h else "" for v, w, h in zip(now, width / 2, hit, strict=True)])
        return np.array([float(t or r) for t, r in zip(texts, self.right, strict=True)]), texts

    def _work(self, read: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where each number is right with the given ones as read, and its lower and upper end; by quantity and copy."""
        nothing = np.zeros(len(read))
        numbers: dict[Quantity, Numbers] = {}
        for k, q in enumerate(self.givens):
            lane, own = self.which == k, self.copies.numbers.get(q)
            if own is None:
                numbers[q] = Numbers(lane, read, nothing, nothing)
            else:  # a sheet that states the number itself has read it so
                stated = np.where(own.there, own.value, read)
                numbers[q] = replace(own, there=own.there | lane, value=stated)
        run = follow(self.runs, self.copies.with_numbers(numbers), self.discipline)
        accepted = np.array([run.accepted[q] for q in self.order])
        return accepted & self.there, *run.follows.together(self.order, len(self.lane))


def figures_of(text: str) -> int:
    """How many significant figures a plain decimal has."""
    return len(text.partition("e")[0].lstrip("-").replace(".", "").strip("0"))


def shortest(low: float, high: float) -> str:
    """The shortest decimal between two numbers, "" where it takes more than a few figures.

    >>> shortest(2.9996, 3.0002), shortest(0.0999, 0.1003), shortest(0.12341, 0.12342)
    ('3', '0.1', '')
    """
    if low <= 0 <= high:
        return "0"
    size = max(abs(low), abs(high))
    if not math.isfinite(size):
        return ""
    top = math.floor(math.log10(size))
    for place in range(top, top - MOST_FIGURES, -1):
        unit = 10.0**place
        whole = math.ceil(low / unit - 1e-9)
        if whole * unit <= high + 1e-9 * unit:
            return f"{whole * unit:.{max(-place, 0)}f}"
    return ""
