"""What the slip was: each rewrite of a line worked on the sheet's own numbers; it is told where it gives them.

A rewrite explains numbers when every number that it changes is what it gives, right ones among them: so no right number
contradicts what is told.  Only what moves is worked again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derivations.computation import Computation
from derivations.equations import Role
from derivations.expression import Over
from derivations.own_names import OwnNames
from derivations.program import Task
from derivations.quantity import Quantity
from tracer.answers.marking.discipline import Discipline
from tracer.answers.marking.evidence import EVIDENCE, SEVERAL, is_nonsense
from tracer.marking.carrying import Cells, Followed, Pass, Recording, Runs, follow
from tracer.marking.misread import Misread, misread
from tracer.marking.pen import COPIED, is_told, meant
from tracer.marking.rewrites import Rewrite
from tracer.marking.spans import Span

__all__ = ["Explained", "explained"]

MOST_FITTING = 6
"""Where more slips than this give one number, the number says nothing about the slip."""
MOST_WORKED = 5000
"""Operations on numbers that are worked for one sheet, after which no more slips are tried on it."""


ANYWHERE = {
    f"equation.{kind}"
    for kind in (
        *("slope_left_out", "slope_at_the_output", "slope_of_another_function", "signal_handed_on"),
        *("mean_for_sum", "sum_for_mean", "one_of_the_sum", "updated_too_soon", "written_transposed", "power_left_out"),
    )
}
"""Slips that are one misunderstanding, in however many lines they are made."""


@dataclass(frozen=True)
class Explained:
    """One explanation: the slips that fit, the numbers that they explain, what there is to say."""

    names: tuple[str, ...]
    quantities: tuple[Quantity, ...]
    facts: Mapping[str, str]


def explained(
    runs: Runs,
    cells: Cells,
    slips: Sequence[Rewrite],
    disciplines: Sequence[Discipline],
    order: Sequence[Quantity],
    wrong: np.ndarray,
) -> tuple[dict[int, list[Explained]], set[int]]:
    """By sheet, what explains its wrong numbers, and on which sheets not everything was tried.

    `wrong` is by quantity, in their order, and sheet.
    """
    out: dict[int, list[Explained]] = {}
    cut = set[int]()
    bad = np.flatnonzero(wrong.any(axis=0) & ~_nonsense(cells, order, wrong)).tolist()
    last = cells.last_steps().tolist()
    for discipline, steps in dict.fromkeys((disciplines[row], last[row]) for row in bad):
        rows = np.array([row for row in bad if (disciplines[row], last[row]) == (discipline, steps)])
        own = [k for k, q in enumerate(order) if q.step <= steps]
        some, asked = cells.take(rows).up_to(steps), [order[k] for k in own]
        task = _Explaining(runs, some, discipline, asked, wrong[own][:, rows])
        for k, (row, found) in enumerate(zip(rows.tolist(), task.found(slips), strict=True)):
            out[row] = found
            cut |= {row} if k in task.cut else set()
    return out, cut


def _nonsense(cells: Cells, order: Sequence[Quantity], wrong: np.ndarray) -> np.ndarray:
    """Sheets of noise, by the arrays of each step."""
    there = np.array([cells.numbers[q].there for q in order]).reshape(len(order), cells.count)
    arrays = list(dict.fromkeys((q.kind, q.step) for q in order))
    own = [np.array([(q.kind, q.step) == array for q in order]) for array in arrays]
    written, refused = (np.sum([part[rows].any(axis=0) for rows in own], axis=0) for part in (there, wrong))
    return np.asarray(is_nonsense(refused, written))


@dataclass
class _Explaining:
    """The wrong numbers of sheets that share a discipline."""

    runs: Runs
    cells: Cells
    discipline: Discipline
    order: Sequence[Quantity]
    left: np.ndarray

    def __post_init__(self) -> None:
        self.read = misread(self.runs, self.cells, self.discipline, self.order, self.left)
        self.base = follow(self.runs, self.cells, self.discipline)  # last: the arithmetic rounds as its sheets do
        self.m = self.base.m
        self.number = {q: k for k, q in enumerate(self.order)}
        self.recording = Recording(self.cells, self.discipline, "own", Followed(self.m))
        self.spans: dict[str, dict[Quantity, Span]] = {}
        self.reach = _Reach(self.runs, self.cells.steps)
        self.cut = set[int]()

    def found(self, slips: Sequence[Rewrite]) -> list[list[Explained]]:
        """What explains each sheet.  Which slips are tried depends on the sheet alone, not on its classmates."""
        whole, rows = self._written_whole(), range(self.cells.count)
        left = [{self.order[k] for k in np.flatnonzero(self.left[:, row]).tolist()} for row in rows]
        out: list[list[Explained]] = [[] for _ in rows]
        spent = [0] * self.cells.count
        for ignoring in (False, True):
            own = [self._chosen(row, left[row], slips, whole, spent, ignoring=ignoring) for row in rows]
            fits = {k: self._fits(slips[k], ignoring=ignoring) for k in sorted({k for chosen in own for k in chosen})}
            for row, chosen in enumerate(own):
                tried = []
                for k, reached in chosen.items():
                    tried.append((slips[k], {q: fit for q, fit in fits[k].items() if q.kind in reached}))
                out[row] += self._of_sheet(row, left[row], tried, () if ignoring else self.read[row])
        for row in rows:
            out[row] = [*self._once_each(out[row]), *self._by_the_pen(row, left[row])]
        return out

    def _once_each(self, found: Sequence[Explained]) -> list[Explained]:
        """The same part of several lines left out or taken otherwise is one cause: a learning rate, a divisor.

        So is the same misunderstanding in several lines: every slope left out, every share of a sum but one.
        """
        out: dict[object, Explained] = {}
        for k, one in enumerate(found):
            kinds = tuple(name.partition("[")[0] for name in one.names)
            ends = [f":{name}" for name in one.names] if len(kinds) > 1 else [""]
            terms = tuple(one.facts.get(f"term{end}", "") for end in ends)
            key = kinds if set(kinds) <= ANYWHERE else (kinds, terms) if all(terms) else k
            same = out.get(key)
            if same is not None:
                quantities = sorted((*same.quantities, *one.quantities), key=self.number.__getitem__)
                one = replace(same, quantities=tuple(quantities))
            out[key] = one
        return list(out.values())

    def _chosen(
        self,
        row: int,
        left: set[Quantity],
        slips: Sequence[Rewrite],
        whole: Mapping[str, np.ndarray],
        spent: list[int],
        *,
        ignoring: bool,
    ) -> dict[int, frozenset[str]]:
        """The slips that are tried on a sheet, each with the arrays that it reaches there; the nearest ones first.

        ignoring: those of lines that a sheet has whole and right, as if it had gone on from other numbers than these.
        """
        wrong = {q.kind for q in left}
        unwritten = frozenset(name for name, there in whole.items() if not there[row])
        places = self.reach.place
        first = min(places[name] for name in wrong) if wrong else 0
        asked = [
            k
            for k, slip in enumerate(slips if wrong else ())
            if ((name := slip.wrong.left.name) in wrong or name in unwritten) != ignoring
        ]
        asked.sort(key=lambda k: (slips[k].wrong.left.name not in wrong, abs(places[slips[k].wrong.left.name] - first)))
        out: dict[int, frozenset[str]] = {}
        for k in asked:
            name = slips[k].wrong.left.name
            reached, cost = self.reach.of(name, unwritten | {name} if ignoring else unwritten)
            reached -= {name} if ignoring else set()
            if not reached & wrong:
                continue
            spent[row] += cost
            if spent[row] > MOST_WORKED:
                self.cut.add(row)
                break
            out[k] = reached
        return out

    def _of_sheet(
        self,
        row: int,
        left: set[Quantity],
        tried: Sequence[tuple[Rewrite, Mapping[Quantity, np.ndarray]]],
        read: Sequence[Misread],
    ) -> list[Explained]:
        """The slips that explain most of what is left, first as all that they change, then number by number.

        A given number that was misread is told where it explains more than any slip.
        """
        out: list[Explained] = []
        for whole in (True, False):
            while left:
                best: dict[frozenset[Quantity], list[Rewrite]] = {}
                for slip, fits in tried:
                    there = {q: bool(fit[row]) for q, fit in fits.items() if self.cells.numbers[q].there[row]}
                    gives = frozenset(q for q, fit in there.items() if fit and q in left)
                    if (
                        gives
                        and self._fitting(slip, there, gives, left, whole=whole)
                        and self._evident(slip, gives, row)
                    ):
                        best.setdefault(gives, []).append(slip)
                gives = max(best, key=lambda qs: (len(qs), -min(self.number[q] for q in qs)), default=frozenset())
                if whole and read and len(read[0].gives & left) > len(gives):
                    out.append(self._as_read(read, read[0].gives & left))
                    left -= read[0].gives
                    read = ()
                    continue
                if not gives:
                    break
                left -= gives
                kinds = {q.kind for q in gives}
                own = [slip for slip in best[gives] if slip.wrong.left.name in kinds]
                named = own or best[gives]  # a line of its own, rather than one that nobody has seen
                if len(named) <= MOST_FITTING:
                    out.append(_told(named, gives, self.number))
        return out

    def _as_read(self, read: Sequence[Misread], gives: frozenset[Quantity]) -> Explained:
        names = OwnNames(self.runs.problem)
        given = " / ".join(f"{names.text(one.given)} = {one.read} (\u2260 {one.right:.12g})" for one in read)
        return Explained(("given.misread",), tuple(sorted(gives, key=self.number.__getitem__)), {"given": given})

    def _by_the_pen(self, row: int, left: set[Quantity]) -> list[Explained]:
        """Single numbers that were written down wrongly; the pen slips once, so not what is wrong throughout."""
        alone, out = Counter(q.kind for q in left), list[Explained]()
        for q in sorted(left, key=self.number.__getitem__):
            if alone[q.kind] == 1 and (name := self._pen(q, row)):
                out.append(Explained((name,), (q,), {}))
        return out

    @staticmethod
    def _fitting(
        slip: Rewrite, there: Mapping[Quantity, bool], gives: frozenset[Quantity], left: set[Quantity], *, whole: bool
    ) -> bool:
        """Whether a slip gives all that it changes; or, made in some numbers alone, most that are wrong beside them.

        Where it gives fewer than it contradicts, it is chance.
        """
        if whole:
            return all(there.values())
        kinds = {q.kind for q in gives}
        wrong = sum(q.kind in kinds for q in left)
        against = sum(q.kind in kinds and not fits and q not in left for q, fits in there.items())
        return not slip.is_turned and 2 * len(gives) > wrong and (len(gives) >= against or wrong == 1)

    def _written_whole(self) -> dict[str, np.ndarray]:
        """By array, which sheets have every number of it: where these are right, its line was worked right."""
        out: dict[str, np.ndarray] = {}
        nowhere = np.zeros(self.cells.count, bool)
        for own in self.runs.passes(self.cells.steps):
            for part in own.program.parts.values():
                numbers = (self.cells.numbers.get(q) for q in own.quantities(part))
                there = np.logical_and.reduce([nowhere if n is None else n.there for n in numbers])
                out[part.name] = there if part.name not in out else out[part.name] & there
        return out

    # --- one rewrite ---

    def _fits(self, slip: Rewrite, *, ignoring: bool) -> dict[Quantity, np.ndarray]:
        """By quantity that it changes and a sheet has: where the number is what the rewrite gives.

        ignoring: the numbers of its own line on the sheet are as if they were not written.
        """
        out: dict[Quantity, np.ndarray] = {}
        changed = self.spans[slip.name] = {}
        with self.m.working():
            for q, span in self._changed(slip, ignoring=ignoring):
                if ignoring and q.kind == slip.wrong.left.name:
                    continue
                changed[q] = span
                written = self.cells.numbers.get(q)
                if written is not None and q in self.number:
                    met, _ = self.recording.meeting(span, written)
                    fits = (met[0] <= met[1]) & np.isfinite(span.high - span.low)
                    out[q] = np.broadcast_to(fits, (self.cells.count,))
        return out

    def _changed(self, slip: Rewrite, *, ignoring: bool) -> Iterator[tuple[Quantity, Span]]:
        """What every number is that moves with a rewrite, from the sheets' own numbers."""
        carried: dict[str, Any] = {}
        for own, known in zip(self.runs.passes(self.cells.steps), self.base.arrays, strict=True):
            now = dict(known) | (carried if not own.first else {})
            moved = set(carried) if not own.first else set()
            for task, plan in zip(own.program.tasks, own.program.plan(self.m), strict=True):
                is_wrong = task.equation.left == slip.wrong.left
                if not is_wrong and not any(r.name in moved for r in task.equation.reads):
                    continue
                if is_wrong:
                    plan = own.program.planned(Task(slip.wrong, task.fixed), self.m)
                yield from self._reworked(own, plan, now, moved, ignoring=ignoring and is_wrong)
            carried = {name: now[then] for name, then in own.problem.planned.carried if then in moved}

    def _reworked(
        self, own: Pass, plan: Any, now: dict[str, Any], moved: set[str], *, ignoring: bool
    ) -> Iterator[tuple[Quantity, Span]]:
        value = plan.work(now)
        part = own.program.parts[plan.label]
        out = np.empty(np.shape(value), object)
        entries = value.flat if isinstance(value, np.ndarray) else [value]
        every = True
        for k, (q, entry) in enumerate(zip(own.quantities(part), entries, strict=True)):
            span = entry if isinstance(entry, Span) else self.m.of(entry)
            yield q, span
            written = None if ignoring else self.cells.numbers.get(q)
            if written is None:
                out.flat[k], every = span, False
                continue
            kept = self.base.carried[q]
            if not written.there.all():
                every = False
                low, high = np.where(written.there, kept.low, span.low), np.where(written.there, kept.high, span.high)
                kept = Span(self.m, low, high, fresh=False)
            out.flat[k] = kept
        if every:
            return
        moved.add(plan.name)
        whole = out if isinstance(value, np.ndarray) else out.item()
        if plan.place is None:
            now[plan.name] = whole
        else:
            now[plan.name] = np.array(now[plan.name], object)
            now[plan.name][plan.place] = whole

    def _evident(self, slip: Rewrite, gives: frozenset[Quantity], row: int) -> bool:
        """Whether the numbers fit too well for chance."""
        digits = [self._digits(slip, q, row) for q in gives]
        return sum(digits) >= EVIDENCE and max(digits) >= SEVERAL

    def _digits(self, slip: Rewrite, q: Quantity, row: int) -> float:
        """Decimal digits of agreement; of a new weight only its step speaks, and zero says nothing."""
        n, span = self.cells.numbers[q], self.spans[slip.name][q]
        low, high = (float(end[row if len(end) > 1 else 0]) for end in (span.low, span.high))
        value, unit = float(n.value[row]), float(n.unit[row])
        size = abs(value)
        array = self.runs.problem.step.arrays[q.kind]
        if array.role is Role.UPDATED and (start := self._start(q, array.of)) is not None:
            before, right = (float(s.low[row if len(s.low) > 1 else 0]) for s in (start, self.base.follows[q]))
            size = max(abs(value - before), abs(right - before))
        if not size:
            return 0.0
        return float(max(-np.log10((high - low + unit) / max(size, unit)), 0.0)) if high - low + unit > 0 else 15.0

    def _start(self, q: Quantity, parameter: str) -> Span | None:
        known = self.base.arrays[0][parameter]
        extents = self.runs.problem.step.arrays[parameter].extents
        place = tuple(i - low for i, (low, _) in zip(q.indices, extents, strict=True))
        found = known[place] if place else known
        return found if isinstance(found, Span) else None

    # --- the pen ---

    def _pen(self, q: Quantity, row: int) -> str:
        """A right number written down wrongly: a lost sign, a moved point, two digits that changed places."""
        n, follows = self.cells.numbers[q], self.base.follows[q]
        value, unit = float(n.value[row]), float(n.unit[row])
        low, high = (float(end[row if len(end) > 1 else 0]) for end in (follows.low, follows.high))
        for name, other, place in meant(value, unit):
            if is_told(other, place, low, high):
                return name
        return "pen.neighbour" if value and n.figures[row] >= COPIED and self._is_copied(q, row) else ""

    def _is_copied(self, q: Quantity, row: int) -> bool:
        """Whether a right number of the same array is the same to the digit."""
        own = self.cells.numbers[q]
        return any(
            other.kind == q.kind and n.there[row] and n.value[row] == own.value[row] and self.base.accepted[other][row]
            for other, n in self.cells.numbers.items()
            if other != q and other in self.base.accepted
        )


def _length(problem: Computation, letter: str) -> int:
    low, high = problem.step.ranges.get(letter, (1, 1))
    return high - low + 1


class _Reach:
    """What moves with an array: those that read it, and those that read what of these a sheet does not have."""

    def __init__(self, runs: Runs, steps: int) -> None:
        equations = runs.problem.step.equations
        times = len(runs.passes(steps))
        self.place = {e.left.name: k for k, e in enumerate(equations)}
        self._readers: dict[str, set[str]] = {}
        self._cost: dict[str, int] = {}
        for e in equations:
            size = math.prod(runs.problem.step.arrays[e.left.name].shape)
            summed = [x.letters for x in e.right.walk() if isinstance(x, Over)]
            products = sum(math.prod(_length(runs.problem, l) for l in letters) for letters in summed)
            self._cost[e.left.name] = self._cost.get(e.left.name, 0) + times * size * (len(e.reads) + products)
            for r in e.reads:
                self._readers.setdefault(r.name, set()).add(e.left.name)
        for name, after in runs.problem.planned.carried if times > 1 else ():
            self._readers.setdefault(after, set()).update(self._readers.get(name, set()))
        self._known: dict[tuple[str, frozenset[str]], tuple[frozenset[str], int]] = {}

    def of(self, name: str, unwritten: frozenset[str]) -> tuple[frozenset[str], int]:
        """The arrays that are worked again where one is, and what that costs."""
        key = name, unwritten
        if key not in self._known:
            found, near = {name}, [name]
            while near:
                own = near.pop()
                more = self._readers.get(own, set()) - found if own in unwritten else set[str]()
                found |= more
                near += more
            self._known[key] = frozenset(found), sum(self._cost[n] for n in found)
        return self._known[key]


def _told(slips: Sequence[Rewrite], gives: frozenset[Quantity], number: Mapping[Quantity, int]) -> Explained:
    facts: dict[str, str] = {}
    for slip in slips:
        facts |= slip.facts if len(slips) == 1 else {f"{key}:{slip.name}": text for key, text in slip.facts.items()}
    return Explained(tuple(s.name for s in slips), tuple(sorted(gives, key=number.__getitem__)), facts)
