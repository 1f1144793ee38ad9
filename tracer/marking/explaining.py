"""What the slip was: rewrites of a step's lines tried on the sheet's own numbers, and told where they give them.

A rewrite explains numbers when every number that it changes is what it gives, right ones among them: so no right number
contradicts what is told.  Slips with names of their own come before rewrites of any line, rules before the pen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from derivations.equations import Role
from derivations.own_names import OwnNames
from derivations.quantity import Quantity
from tracer.marking.carrying import follow
from tracer.marking.cells import Cells
from tracer.marking.choosing import Choosing
from tracer.marking.discipline import ANY_WAY, DISCIPLINES, Discipline
from tracer.marking.evidence import is_noise
from tracer.marking.misread import Misread, misread, mistaken
from tracer.marking.passes import Runs
from tracer.marking.pen import slip_of_the_pen
from tracer.marking.rewrites import Rewrite, old_again
from tracer.marking.trying import Glance, Tried, Trying

__all__ = ["Explained", "explained"]

MOST_FITTING = 6
"""Where more slips than this give one number, the number says nothing about the slip."""
Fitting = dict[frozenset[Quantity], list[Rewrite]]
"""Slips by the numbers that they give."""
MOST_STEPS = 4
"""Of a sheet on which slips are tried in one step alone."""
TO_EVERY_DIGIT = ("pen.sign", "pen.decimal_point")
"""Slips of the pen that leave every digit of a number as it is: the others are found by chance."""


@dataclass(frozen=True)
class Explained:
    """One explanation: the slips that fit, the numbers that they explain, what there is to say."""

    names: tuple[str, ...]
    quantities: tuple[Quantity, ...]
    facts: Mapping[str, str]
    slips: tuple[Rewrite, ...] = ()


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
    bad = np.flatnonzero(wrong.any(axis=0) & ~is_noise(cells, order, wrong)).tolist()
    last = cells.last_steps().tolist()
    for discipline, steps in dict.fromkeys((disciplines[row], last[row]) for row in bad):
        rows = np.array([row for row in bad if (disciplines[row], last[row]) == (discipline, steps)])
        own = [k for k, q in enumerate(order) if q.step <= steps]
        some, asked = cells.take(rows).up_to(steps), [order[k] for k in own]
        task = _Explaining(runs, some, discipline, asked, wrong[own][:, rows], slips)
        task.explain()
        for k, row in enumerate(rows.tolist()):
            out[row] = task.told(k)
            cut |= {row} if k in task.choosing.cut and task.left[k] else set()
    return out, cut


class _Some(NamedTuple):
    """Some of the sheets, worked together: `rows` are their numbers among all."""

    trying: Trying
    rows: list[int]


class _Round(NamedTuple):
    """What was tried on some sheets, by their places there."""

    some: _Some
    tried: list[list[Tried]]


class _Explaining:
    """The wrong numbers of sheets that share a discipline; `left` are those that nothing explains as yet."""

    def __init__(
        self,
        runs: Runs,
        cells: Cells,
        discipline: Discipline,
        order: Sequence[Quantity],
        wrong: np.ndarray,
        slips: Sequence[Rewrite],
    ) -> None:
        self.runs, self.cells, self.discipline, self.order, self.wrong = runs, cells, discipline, order, wrong
        self.named = [slip for slip in slips if slip.is_named]
        self.others = [slip for slip in slips if not slip.is_named]
        self.left = [{order[k] for k in np.flatnonzero(own).tolist()} for own in wrong.T]
        self.trying = Trying(runs, cells, discipline, order)
        self.number = self.trying.number
        self.open = _Some(self.trying, list(range(cells.count)))
        self.choosing = Choosing(runs, cells)
        self.found: list[list[Explained]] = [[] for _ in self.left]
        base = self.trying.base
        self.read = misread(
            runs, cells, base, discipline, order, wrong, self.choosing.reached, tens_are_slips=not self.named
        )

    # --- the order in which things are tried ---

    def explain(self) -> None:
        """The likeliest first.

        A line changed as a whole, or a misread given number; a line in one step alone; a line by one who rounds in
        another way; a line by one who does not go on from what stands there; then number by number.
        """
        named, others = self.named, self.others
        tried = self._tries(self._still_open(), named)
        self._lines(tried, with_misread=bool(named))
        self._in_one_step(named)
        self._old_again()
        self._otherwise_rounded(named)
        ignoring = self._tries(self._still_open(), named, ignoring=True)
        self._lines(ignoring)
        again = self._tries(self._still_open(), others)
        self._lines(again, with_misread=True)
        self._otherwise_rounded(others)
        self._mistaken()
        self._numbers(tried)
        self._numbers(ignoring)
        self._numbers(again)
        last = self._tries(self._still_open(), others, ignoring=True)
        self._lines(last)
        self._numbers(last)

    def _still_open(self) -> _Some:
        """The sheets on which something is left; worked anew when they have become few."""
        rows = [row for row, left in enumerate(self.left) if left]
        if not rows:
            self.open = _Some(self.trying, rows)
        elif 2 * len(rows) <= len(self.open.rows):
            trying = Trying(self.runs, self.cells.take(np.array(rows, int)), self.discipline, self.order)
            self.open = _Some(trying, rows)
        return self.open

    def _lines(self, tried: _Round, *, with_misread: bool = False) -> None:
        for place, row in enumerate(tried.some.rows):
            self._explain_sheet(tried, place, self.read[row] if with_misread else [], whole=True)

    def _numbers(self, tried: _Round) -> None:
        for place in range(len(tried.some.rows)):
            self._explain_sheet(tried, place, [], whole=False)

    def _mistaken(self) -> None:
        """Given numbers that are easily mistaken for others, where they explain what no line does."""
        left = np.array([[q in own for own in self.left] for q in self.order], bool).reshape(self.wrong.shape)
        given = self.runs, self.cells, self.trying.base, self.discipline, self.order
        found = mistaken(*given, self.wrong, left, self.choosing.reached, tens_are_slips=not self.named)
        for row, own in enumerate(found):
            if own:
                self.found[row].append(self._as_read(own, own[0].gives))
                self.left[row] -= own[0].gives

    def _in_one_step(self, slips: Sequence[Rewrite]) -> None:
        steps = self.cells.steps
        for step in range(1, steps + 1) if 1 < steps <= MOST_STEPS else ():
            self._lines(self._tries(self._still_open(), slips, step=step))

    def _old_again(self) -> None:
        """A step worked with the parameters of before the last update, which stands there right."""
        slips = [old_again(self.runs.problem)]
        for step in range(1, self.cells.steps) if self.cells.steps <= MOST_STEPS else ():
            self._lines(self._tries(self._still_open(), slips, ignoring=True, step=step))

    def _otherwise_rounded(self, slips: Sequence[Rewrite]) -> None:
        """The lines that explain what is left in another way of rounding, in which a sheet's right numbers are right.

        Only right numbers tell how somebody rounds, those of arrays in which all are: where some are wrong, the slip
        tells of the others as well.
        """
        rows = [row for row, left in enumerate(self.left) if left and self.choosing.has_half_left(row)]
        if not rows or not slips:
            return
        likely = self._likely(slips, rows)
        for discipline in DISCIPLINES:
            rows = [row for row in rows if self.left[row] and likely[row]]
            if discipline == self.discipline or not rows:
                continue
            some = self.cells.take(np.array(rows))
            accepted = follow(self.runs, some, discipline).accepted
            told = [k for k, row in enumerate(rows) if self._is_right_in(accepted, k, row)]
            if told:
                own = [rows[k] for k in told]
                trying = Trying(self.runs, some.take(np.array(told)), discipline, self.order)
                asked = [slip for slip in slips if any(slip in likely[row] for row in own)]
                self._lines(self._tries(_Some(trying, own), asked, among=likely))

    def _likely(self, slips: Sequence[Rewrite], rows: list[int]) -> dict[int, set[Rewrite]]:
        """By sheet the slips that give what is left in whatever way of rounding."""
        trying = Trying(self.runs, self.cells.take(np.array(rows)), ANY_WAY, self.order)
        out: dict[int, set[Rewrite]] = {}
        worked = self._tries(_Some(trying, rows), slips)
        for place, (row, tried) in enumerate(zip(rows, worked.tried, strict=True)):
            out[row] = {
                one.slip
                for one in tried
                if any(fit and q in self.left[row] for q, fit in one.on(place, trying.cells).items())
                and all(one.on(place, trying.cells).values())
            }
        return out

    def _is_right_in(self, accepted: Mapping[Quantity, np.ndarray], k: int, row: int) -> bool:
        """Whether a sheet's right numbers are right in another way of rounding too; one without any tells nothing."""
        open_ = {q.kind for q, wrong in zip(self.order, self.wrong[:, row], strict=True) if wrong}
        right = [q for q in self.order if q.kind not in open_ and self.cells.numbers[q].there[row]]
        return bool(right) and all(accepted[q][k] for q in right)

    # --- which slips ---

    def _tries(
        self,
        some: _Some,
        slips: Sequence[Rewrite],
        *,
        ignoring: bool = False,
        step: int = 0,
        among: Mapping[int, Set[Rewrite]] | None = None,
    ) -> _Round:
        """The slips worked for each sheet.  Which these are, and what they cost, depends on the sheet alone.

        among: of each sheet those that may be tried on it, where these are not all; others are its classmates'.
        """
        trying, rows = some
        if not rows:
            return _Round(some, [])
        chosen = [
            self.choosing.worth_a_glance(
                row,
                self.left[row],
                slips,
                ignoring=ignoring,
                step=step,
                among=None if among is None else among[row],
            )
            for row in rows
        ]
        open_ = np.zeros((len(self.order), len(rows)), bool)
        for place, row in enumerate(rows):
            open_[[self.number[q] for q in self.left[row]], place] = True
        glance = Glance(trying)
        near: dict[int, np.ndarray] = {}
        for group in trying.together(slips, sorted({k for own in chosen for k in own})):
            found = glance.may_give([slips[k] for k in group], open_, ignoring=ignoring, step=step)
            near |= dict(zip(group, found, strict=True))
        asked = [
            self.choosing.affordable(row, {k: own[k] for k in own if near[k][place]})
            for place, (row, own) in enumerate(zip(rows, chosen, strict=True))
        ]
        worked: dict[int, Tried] = {}
        for group in trying.together(slips, sorted({k for own in asked for k in own})):
            tried = trying.tried([slips[k] for k in group], ignoring=ignoring, step=step)
            worked |= dict(zip(group, tried, strict=True))
        return _Round(some, [[worked[k] for k in own] for own in asked])

    # --- what they explain ---

    def _explain_sheet(self, worked: _Round, place: int, read: list[Misread], *, whole: bool) -> None:
        """The slips that explain most of what is left: as all that they change, or number by number.

        A given number that was misread is told where it explains more than any slip.
        """
        row = worked.some.rows[place]
        left = self.left[row]
        while left:
            best = self._best(worked, place, left, whole=whole)
            gives = max(best, key=lambda qs: (len(qs), -min(self.number[q] for q in qs)), default=frozenset())
            if read and len(read[0].gives & left) > len(gives):
                self.found[row].append(self._as_read(read, read[0].gives & left))
                left -= read[0].gives
                read.clear()
                continue
            if not gives:
                break
            left -= gives
            if not whole and len(gives) == 1 and self._is_of_the_pen(worked, place, best[gives], gives):
                continue
            named = _likeliest(best[gives], {q.kind for q in gives})
            if len({slip.name for slip in named}) <= MOST_FITTING:
                told = self._told(named, gives)
                pen = "" if whole or len(gives) > 1 else self._pen(next(iter(gives)), row)
                self.found[row].append(replace(told, names=(*told.names, *filter(None, (pen,)))))

    def _pen(self, q: Quantity, row: int) -> str:
        return slip_of_the_pen(self.cells, self.trying.base, q, row)

    def _is_of_the_pen(self, worked: _Round, place: int, slips: Sequence[Rewrite], gives: frozenset[Quantity]) -> bool:
        """Whether it is right but for its sign or point, and right ones beside it speak against a rule: told then."""
        row = worked.some.rows[place]
        (q,) = gives
        by_slip = {one.slip: one.on(place, worked.some.trying.cells) for one in worked.tried[place]}
        pen = self._pen(q, row)
        if pen not in TO_EVERY_DIGIT or all(all(by_slip[slip].values()) for slip in slips):
            return False
        self.found[row].append(Explained((pen,), (q,), {}))
        return True

    def _best(self, worked: _Round, place: int, left: set[Quantity], *, whole: bool) -> Fitting:
        """By the numbers that they give, the slips that do."""
        trying, best = worked.some.trying, Fitting()
        for one in worked.tried[place]:
            there = one.on(place, trying.cells)
            gives = frozenset(q for q, fit in there.items() if fit and q in left)
            sizes = {abs(float(trying.cells.numbers[q].value[place])) for q in gives}
            is_fitting = all(there.values()) if whole else _is_chosen(one.slip, there, gives, left, len(sizes))
            if gives and is_fitting and trying.is_evident(one, gives, place, whole=whole):
                best.setdefault(gives, []).append(one.slip)
        return best

    def _as_read(self, read: Sequence[Misread], gives: frozenset[Quantity]) -> Explained:
        names = OwnNames(self.runs.problem)
        given = " / ".join(f"{names.text(one.given)} = {one.read} (\u2260 {one.right:.12g})" for one in read)
        constant = self.runs.problem.step.arrays[read[0].given.kind].role is Role.CONSTANT
        rate = constant and read[0].given.kind == "eta"
        return Explained(("update.wrong_rate" if rate else "given.misread",), self._in_order(gives), {"given": given})

    def _told(self, slips: Sequence[Rewrite], gives: frozenset[Quantity]) -> Explained:
        facts: dict[str, str] = {}
        for slip in slips:
            facts |= slip.facts if len(slips) == 1 else {f"{key}:{slip.name}": text for key, text in slip.facts.items()}
        return Explained(_each_once([s.name for s in slips]), self._in_order(gives), facts, tuple(slips))

    def _by_the_pen(self, row: int) -> Iterator[tuple[Quantity, str]]:
        """Single numbers that were written down wrongly; the pen slips once, so not what is wrong throughout."""
        left = self.left[row]
        alone = Counter(q.kind for q in left)
        for q in self._in_order(frozenset(left)):
            if alone[q.kind] == 1 and (name := slip_of_the_pen(self.cells, self.trying.base, q, row)):
                yield q, name

    def _in_order(self, quantities: Iterator[Quantity] | frozenset[Quantity]) -> tuple[Quantity, ...]:
        return tuple(sorted(set(quantities), key=self.number.__getitem__))

    def told(self, row: int) -> list[Explained]:
        """Causes, not numbers: the same slip in several lines is one, and what only the pen explains comes last."""
        out: dict[object, Explained] = {}
        found = sorted(self._common(self.found[row]), key=lambda one: min(map(self.number.__getitem__, one.quantities)))
        for k, one in enumerate(found):
            kinds = tuple(name.partition("[")[0] for name in one.names)
            ends = [f":{name}" for name in one.names] if len(kinds) > 1 else [""]
            terms = tuple(one.facts.get(f"rule{end}") or one.facts.get(f"term{end}", "") for end in ends)
            key = (kinds, terms) if all(terms) else k
            same = out.get(key)
            quantities = (*(same.quantities if same else ()), *one.quantities)
            out[key] = replace(same or one, quantities=self._in_order(frozenset(quantities)))
        return [*out.values(), *(Explained((name,), (q,), {}) for q, name in self._by_the_pen(row))]

    def _common(self, found: Sequence[Explained]) -> list[Explained]:
        """Explanations that have a slip in common are one, and that slip is the one meant."""
        out: list[Explained] = []
        for one in found:
            for k, other in enumerate(out):
                common = tuple(name for name in other.names if name in one.names and not name.startswith("pen."))
                if common and one.facts == other.facts:
                    quantities = self._in_order(frozenset((*other.quantities, *one.quantities)))
                    slips = tuple(slip for slip in (*other.slips, *one.slips) if slip.name in common)
                    out[k] = Explained(common, quantities, other.facts, slips)
                    break
            else:
                out.append(one)
        return out


def _is_chosen(
    slip: Rewrite, there: Mapping[Quantity, bool], gives: frozenset[Quantity], left: set[Quantity], sizes: int
) -> bool:
    """Whether a slip that was made in some numbers alone, of so many sizes, gives most that are wrong beside them.

    Where it gives fewer than it contradicts, and all of one size, it is chance.
    """
    kinds = {q.kind for q in gives}
    wrong = sum(q.kind in kinds for q in left)
    against = sum(q.kind in kinds and not fits and q not in left for q, fits in there.items())
    return not slip.is_turned and 2 * len(gives) > wrong and (len(gives) >= against or wrong == 1 or sizes > 1)


def _likeliest(slips: Sequence[Rewrite], kinds: set[str]) -> Sequence[Rewrite]:
    """Those of a line that is seen to be wrong, not of one that nobody has seen; of these those with names."""
    seen = [slip for slip in slips if kinds.intersection(slip.arrays)]
    return [slip for slip in seen if slip.is_named] or [slip for slip in slips if slip.is_named] or seen or slips


def _each_once(names: Sequence[str]) -> tuple[str, ...]:
    """The names without those that say of weights alone, or of biases, what another says of both."""
    return tuple(n for n in dict.fromkeys(names) if not (n.endswith(("[W]", "[b]")) and n[:-3] in names))
