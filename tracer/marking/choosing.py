"""Which slips are tried on a sheet, and how many: what was written and what is wrong tell, and what it may cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from typing import NamedTuple

import numpy as np

from derivations.computation import Computation
from derivations.expression import Over, Ref
from derivations.quantity import Quantity
from tracer.marking.cells import Cells
from tracer.marking.passes import Runs
from tracer.marking.rewrites import Rewrite

__all__ = ["Choosing", "Reach"]

MOST_WORKED = 30_000
"""Operations on numbers that are worked for one sheet, after which no more slips are tried on it."""
MOST_GLANCED = 3_000
"""Lines that are looked at again for one sheet in plain numbers, after which no more slips are tried on it."""


class Reached(NamedTuple):
    """The arrays that a slip reaches on a sheet, and what it costs to work them again: operations and lines."""

    arrays: frozenset[str]
    operations: int
    lines: int


class Choosing:
    """The slips for each of some sheets.  Which these are, and what they cost, depends on the sheet alone.

    `cut` are the sheets on which not everything was tried.
    """

    def __init__(self, runs: Runs, cells: Cells) -> None:
        self.runs, self.cells = runs, cells
        self.reach = Reach(runs, cells.steps)
        self.whole, self.some = self._written()
        self.cut = set[int]()
        self._worked, self._glanced = [0] * cells.count, [0] * cells.count
        self._known: dict[object, tuple[Sequence[Rewrite], dict[int, Reached]]] = {}

    def reached(self, row: int) -> Callable[[str], Set[str]]:
        """What moves on a sheet with an array."""
        unwritten = self._unwritten(row)
        return lambda name: self.reach.of((name,), unwritten | {name}).arrays

    def _unwritten(self, row: int) -> frozenset[str]:
        """The arrays that a sheet does not have as a whole."""
        return frozenset(name for name, there in self.whole.items() if not there[row])

    def _written(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """By array, which sheets have every number of it, and which some."""
        every: dict[str, np.ndarray] = {}
        some: dict[str, np.ndarray] = {}
        nowhere = np.zeros(self.cells.count, bool)
        for own in self.runs.passes(self.cells.steps):
            for label, part in own.program.parts.items():
                named = own.parts[label]
                there = [self.cells.numbers[q].there for _, q in named.among(self.cells.numbers)]
                whole = there if len(there) == len(named.quantities) else [*there, nowhere]
                every[part.name] = np.logical_and.reduce([*whole, every.get(part.name, ~nowhere)])
                some[part.name] = np.logical_or.reduce([*there, some.get(part.name, nowhere)])
        return every, some

    def has_half_left(self, row: int) -> bool:
        """Whether no more than half of what a sheet may cost is spent."""
        return 2 * self._worked[row] <= MOST_WORKED and 2 * self._glanced[row] <= MOST_GLANCED

    def worth_a_glance(
        self,
        row: int,
        left: Set[Quantity],
        slips: Sequence[Rewrite],
        *,
        ignoring: bool,
        step: int = 0,
        among: Set[Rewrite] | None = None,
    ) -> dict[int, Reached]:
        """Of some slips, by their numbers, those that may explain what is left; as many as a sheet may cost.

        ignoring: slips of lines that a sheet has right, as if it had gone on from other numbers than these; step: right
        in that one.  among: those that may be tried on it, where these are not all.
        """
        wrong = frozenset(q.kind for q in left)
        here = frozenset(q.kind for q in left if step in (0, q.step))
        there = frozenset(name for name, some in self.some.items() if some[row] and name not in here)
        ignored = there if ignoring else None
        out: dict[int, Reached] = {}
        lines_met = set[frozenset[Ref]]()
        for k, reached in self._nearest(row, wrong, slips, ignored).items():
            if among is not None and slips[k] not in among:
                continue
            lines = frozenset(slips[k].by_left)  # slips of the same lines are worked beside each other
            self._glanced[row] += len(lines) if lines in lines_met else reached.lines
            lines_met.add(lines)
            if self._glanced[row] > MOST_GLANCED:
                self.cut.add(row)
                break
            out[k] = reached
        return out

    def affordable(self, row: int, own: Mapping[int, Reached]) -> list[int]:
        """As many of these slips as may be worked for a sheet, the first ones."""
        out = []
        for k, reached in own.items():
            self._worked[row] += reached.operations
            if self._worked[row] > MOST_WORKED:
                self.cut.add(row)
                break
            out.append(k)
        return out

    def _nearest(
        self, row: int, wrong: frozenset[str], slips: Sequence[Rewrite], ignored: frozenset[str] | None
    ) -> dict[int, Reached]:
        """The slips that may explain wrong arrays on a sheet, the nearest ones first."""
        if not wrong:
            return {}
        unwritten = self._unwritten(row)
        key = id(slips), wrong, unwritten, ignored
        if key not in self._known:  # the slips are kept, so that no others have their identity
            self._known[key] = slips, self._likely_to_be_made(slips, wrong, unwritten, ignored)
        return self._known[key][1]

    def _likely_to_be_made(
        self, slips: Sequence[Rewrite], wrong: Set[str], unwritten: frozenset[str], ignored: frozenset[str] | None
    ) -> dict[int, Reached]:
        """The same of all sheets that have the same arrays, and the same wrong ones."""
        open_ = wrong | unwritten if ignored is None else ignored
        places = self.reach.place
        first = min(places[name] for name in wrong)
        asked = [k for k, slip in enumerate(slips) if slip.may_be_made(open_)]
        asked.sort(key=lambda k: min((name not in wrong, abs(places[name] - first)) for name in slips[k].arrays))
        out: dict[int, Reached] = {}
        for k in asked:
            own = slips[k].arrays
            reached = self.reach.of(own, unwritten if ignored is None else unwritten.union(own))
            arrays = reached.arrays if ignored is None else reached.arrays.difference(own)
            if arrays & wrong:
                out[k] = reached
        return out


class Reach:
    """What moves with an array: those that read it, and those that read what of these a sheet does not have."""

    def __init__(self, runs: Runs, steps: int) -> None:
        passes = runs.passes(steps)
        problem, times = passes[0].problem, len(passes)
        equations = problem.step.equations
        self.place = {e.left.name: k for k, e in enumerate(equations)}
        self._readers: dict[str, set[str]] = {}
        self._cost: dict[str, tuple[int, int]] = {}
        for e in equations:
            size = math.prod(problem.step.arrays[e.left.name].shape)
            summed = [x.letters for x in e.right.walk() if isinstance(x, Over)]
            products = sum(math.prod(_length(problem, l) for l in letters) for letters in summed)
            operations, lines = self._cost.get(e.left.name, (0, 0))
            self._cost[e.left.name] = operations + times * size * (len(e.reads) + products), lines + times
            for r in e.reads:
                self._readers.setdefault(r.name, set()).add(e.left.name)
        for name, after in problem.planned.carried if times > 1 else ():
            self._readers.setdefault(after, set()).update(self._readers.get(name, set()))
        self._known: dict[tuple[tuple[str, ...], frozenset[str]], Reached] = {}

    def of(self, names: tuple[str, ...], unwritten: frozenset[str]) -> Reached:
        """The arrays that are worked again where some are, and what that costs."""
        key = names, unwritten
        if key not in self._known:
            found, near = set(names), list(names)
            while near:
                own = near.pop()
                more = self._readers.get(own, set()) - found if own in unwritten else set[str]()
                found |= more
                near += more
            costs = [self._cost[n] for n in found if n in self._cost]
            self._known[key] = Reached(frozenset(found), sum(c[0] for c in costs), sum(c[1] for c in costs))
        return self._known[key]


def _length(problem: Computation, letter: str) -> int:
    low, high = problem.step.ranges.get(letter, (1, 1))
    return high - low + 1
