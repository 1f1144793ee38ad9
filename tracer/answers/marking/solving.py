"""Slips with a number in them, solved from the cells: a given misread, another learning rate, a factor of the loss.

Every cell of a stage is linear in a given number that enters it once; so what the number must have been follows from
each cell, and the cells of one stage must agree on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from derivations import names
from derivations.formulas import givens
from derivations.network import Problem
from derivations.rules import RULES, Start
from tracer.answers.marking.diagnosis import Explaining, Found
from tracer.answers.marking.intervals import Intervals
from tracer.answers.marking.order import UPDATES
from tracer.answers.marking.passes import At
from tracer.answers.marking.working import Enters, work

__all__ = [
    "SOLVED",
    "Agreed",
    "Solved",
    "Unknown",
    "Way",
    "agreed",
    "figures_of",
    "may_agree",
    "shortest",
    "solve",
    "solved",
    "told",
]

Array = Any
SMALLEST_SLOPE = 1e-9
SAME = 1e-9  # relative: what float64 may leave of a number that was solved for
AT_ONCE = 100_000  # numbers of one run in which several unknowns are moved, each on a copy of the sheets
MOST_FIGURES = 3
"""A misread number is about as short as the numbers of a problem are."""
SOLVED = frozenset({"given.misread", "update.wrong_rate", "loss.wrong_factor"})
"""The slips whose number is solved for."""
KNOWN_FACTORS = (2.0, 0.5, -1.0)
LIKELY_RATIOS = (-1, 10, 100, 0.1, 0.01)


@dataclass(frozen=True)
class Unknown:
    """A number that may have been another one: a given (its quantity's name), or the factor of the loss."""

    slip: str
    name: str
    value: float
    given: tuple[str, int, tuple[int, ...]] | None = None
    figures: int = MOST_FIGURES  # the most that a number of its array has: one that was read has no more


def _unknowns(problem: Problem) -> Iterator[Unknown]:
    """Every given number, the learning rate, and a factor 1 in the loss."""
    for kind, layer, quantities in givens(problem):
        values = _values(problem, kind, layer)
        most = max(figures_of(f"{v:.12g}") for v in values.ravel().tolist())
        for place, q in np.ndenumerate(quantities):
            text = names.text(problem.network, q)
            yield Unknown("given.misread", text, float(values[place]), (kind, layer, place), most)
    yield Unknown("update.wrong_rate", "eta", float(problem.training.learning_rate.floats), ("eta", 0, ()))
    yield Unknown("loss.wrong_factor", "", 1.0)


def _values(problem: Problem, kind: str, layer: int) -> Array:
    if kind in ("x", "t", "dz"):
        given = problem.x if kind == "x" else problem.signals
    else:
        given = getattr(problem.network.layer(layer), kind)
    assert given is not None
    return given.floats


_ENTERS = {
    "x": ("pre_activation", "weight_gradient"),
    "t": ("loss_parts", "output_signal", "output_delta"),
    "dz": ("loss_parts", "output_signal", "output_delta"),
    "W": ("pre_activation", "signal_below", *UPDATES),
    "b": ("pre_activation", *UPDATES),
    "eta": tuple(UPDATES),
}
"""The rules that read a given number."""


def _entering(kind: str, layer: int) -> Enters:
    """Which rules a given number enters, at its own layer; x at the first."""
    own = {"x": 1, "W": layer, "b": layer}.get(kind)
    return lambda rule, l: rule in _ENTERS[kind] and own in (None, l)


def _moved(kind: str, layer: int, places: Sequence[tuple[int, ...]], count: int) -> Callable[[Start], Start]:
    """What adds 1 to the number at each place, on as many sheets as there are, place by place."""
    if kind == "eta":
        return lambda start: replace(start, constants={**start.constants, "eta": start.constants["eta"] + 1.0})
    letter = "t" if kind in ("t", "dz") else kind

    def move(start: Start) -> Start:
        made = getattr(start, letter)
        old = made[layer] if kind in ("W", "b") else made
        rows = len(places) * count if len(places) > 1 else len(old.low)
        low, high = (np.array(np.broadcast_to(end, (rows, *end.shape[1:]))) for end in (old.low, old.high))
        for k, place in enumerate(places):
            own = slice(k * count, (k + 1) * count) if len(places) > 1 else slice(None)
            at: Any = (own, *(p if p < n else 0 for p, n in zip(place, low.shape[1:], strict=True)))
            low[at] += 1.0
            high[at] += 1.0
        new = Intervals(old.m, low, high, fresh=False)
        whole: dict[str, Any] = {letter: [*made[:layer], new, *made[layer + 1 :]] if kind in ("W", "b") else new}
        return replace(start, **whole)

    return move


def _doubled_delta(s: Any, l: int) -> Any:
    delta = RULES.output_delta(s, l)
    return 2.0 * delta if s.fused else delta  # where delta goes by dz, the factor is in dz already


DOUBLED = replace(
    RULES,
    loss_parts=lambda s, l: 2.0 * RULES.loss_parts(s, l),
    output_signal=lambda s, l: 2.0 * RULES.output_signal(s, l),
    output_delta=_doubled_delta,
)
"""The rules of a loss that is twice as large: a factor 1 moved by 1."""


@dataclass(frozen=True)
class Solved:
    """What an unknown must have been to give each cell: (sheets, columns), and how much it moves each."""

    unknown: Unknown
    slope: Array
    low: Array
    high: Array

    def is_refuted(self, task: Explaining, row: int, on: Agreed) -> bool:
        """Whether a right cell speaks against it: a factor of the loss is in every derivative.

        So does one against a given number that a single wrong cell alone tells of: others read it right.
        """
        if self.unknown.given is not None and on.several:
            return False
        right = task.there[row] & ~task.wrong[row] & (np.abs(self.slope[row]) > SMALLEST_SLOPE)
        return bool((right & ~((self.low[row] <= on.high) & (on.low <= self.high[row]))).any())


def solved(task: Explaining, problem: Problem) -> Iterator[Solved]:
    """Every unknown, solved from every cell alone."""
    low, high = task.discipline.cell(task.value, task.unit)
    now = task.columns.ends(task.cells, task.base("own"))
    for together in _together(task, _unknowns(problem)):
        moved = _run(task, together)
        for k, unknown in enumerate(together):
            own = slice(k * task.cells.count, (k + 1) * task.cells.count)
            with np.errstate(all="ignore"):
                slopes = [m[own] - n for m, n in zip(moved, now, strict=True)]  # what it is multiplied by has two ends
                slope = (slopes[0] + slopes[1]) / 2
                ends = [(low - now[1]) / slope, (high - now[0]) / slope]
                ends += [(end - n) / s for n, s in zip(now, slopes, strict=True) for end in (low, high)]
            least, most = np.fmin.reduce(ends), np.fmax.reduce(ends)
            yield Solved(unknown, slope, unknown.value + least, unknown.value + most)


def _together(task: Explaining, all_: Iterable[Unknown]) -> Iterator[list[Unknown]]:
    """Unknowns that enter the same rules, as many as can be moved in one run."""
    cells = task.cells.count * sum(int(np.prod(x.low.shape[1:])) for x in task.base("own").follows.values())
    most = max(1, AT_ONCE // cells)
    for _, alike in groupby(all_, key=lambda u: u.given[:2] if u.given else None):
        rest = list(alike)
        yield from (rest[k : k + most] for k in range(0, len(rest), most))


def _run(task: Explaining, together: Sequence[Unknown]) -> tuple[Array, Array]:
    """The ends of every column where each unknown is larger by 1: all sheets for the first, then for the next."""
    cells, base = task.cells, task.base("own")
    if len(together) > 1:
        rows = np.tile(np.arange(cells.count), len(together))
        cells, base = cells.take(rows), base.take(rows)
    kind, layer, _ = together[0].given or ("", 0, ())
    if not kind:
        return task.columns.ends(cells, work(cells, task.discipline, rules_=DOUBLED, base=base))
    start = _moved(kind, layer, [u.given[2] for u in together if u.given], task.cells.count)
    run = work(cells, task.discipline, start=start, enters=_entering(kind, layer), base=base)
    return task.columns.ends(cells, run)


@dataclass(frozen=True)
class Agreed:
    """The numbers on which all cells of a stage agree, the likeliest of them; whether several wrong cells do."""

    text: str
    low: float
    high: float
    several: bool

    def holds(self, value: float) -> bool:
        """Whether a number is among them."""
        return self.low <= value <= self.high or f"{value:.12g}" == self.text

    def nearly(self, value: float) -> bool:
        """Whether it is as near as rounding on the way may have moved it: a small step has few digits."""
        width = self.high - self.low
        return self.low - width <= value <= self.high + width


Way = tuple[Unknown, Agreed]
Ways = dict[tuple[int, int, int], list[Way]]
"""By sheet and the ends of a stage."""


def solve(task: Explaining, problem: Problem, *, several: bool) -> None:
    """Explain whole stages by one number that was another one; of several wrong cells, or of one alone."""
    if not (task.left & task.alone).any():
        return
    found: Ways = {}
    if task.solutions is None:
        task.solutions = list(solved(task, problem))
    for one in task.solutions:
        for stage in task.columns.stages.values():
            for row in map(int, np.flatnonzero(may_agree(one, task, stage, likely=True))):
                on = agreed(one, task, row, stage)
                if on is None or one.is_refuted(task, row, on):
                    continue
                if on.several or (not several and _likely(one.unknown, float(on.text))):
                    found.setdefault((row, stage.start, stage.stop), []).append((one.unknown, on))
    for (row, start, stop), ways in sorted(_reproduced(task, problem, found).items(), key=lambda item: item[0]):
        at = tuple(int(c) + start for c in np.flatnonzero(task.left[row, start:stop]))
        if at:
            task.add(row, told(ways, at, _letter(problem, task.columns.places[start][0])))


def _reproduced(task: Explaining, problem: Problem, found: Ways) -> Ways:
    """Those numbers that, put in, give what is written in all wrong cells of their stage: solutions are of tangents."""
    if problem.samples > 1 and problem.training.samples != "together":
        return found
    flat = [(place, way) for place, ways in found.items() for way in ways if way[0].given]
    if not flat:
        return found
    some = task.cells.take(np.array([row for (row, _, _), _ in flat]))
    givens = tuple((*u.given, k, float(on.text)) for k, (_, (u, on)) in enumerate(flat) if u.given)
    run = work(replace(some, givens=(*some.givens, *givens)), task.discipline)
    accepted = task.columns.matrix(run.accepted, some.count)
    out: Ways = {place: [way for way in ways if not way[0].given] for place, ways in found.items()}
    for k, ((row, start, stop), way) in enumerate(flat):
        if (accepted[k, start:stop] | ~task.left[row, start:stop]).all():
            out[row, start, stop].append(way)
    return {place: ways for place, ways in out.items() if ways}


def may_agree(one: Solved, task: Explaining, stage: slice, *, likely: bool = False) -> Array:
    """The sheets of which some cell of a stage is unexplained, and all moved ones may have another number in common.

    likely: where one cell alone is wrong it must be a number that is evidence enough.
    """
    wrong = task.left[:, stage]
    moved = task.there[:, stage] & (np.abs(one.slope[:, stage]) > SMALLEST_SLOPE)
    low = np.where(moved, one.low[:, stage], -np.inf).max(axis=1)
    high = np.where(moved, one.high[:, stage], np.inf).min(axis=1)
    another = (low <= high) & ~((low <= one.unknown.value) & (one.unknown.value <= high))
    common: Array = (wrong & task.alone[:, stage]).any(axis=1) & ~(wrong & ~moved).any(axis=1) & another
    rows = np.flatnonzero(common)
    common[rows] = _may_be_told(one.unknown, low[rows], high[rows])
    if likely:
        common[rows] &= (wrong[rows].sum(axis=1) >= 2) | _may_be_likely(one.unknown, low[rows], high[rows])
    return common


def _may_be_told(unknown: Unknown, low: Array, high: Array) -> Array:
    """Between which ends, of many, a usual number stands, or one that may be short."""
    told: Array = (low <= 0) & (high >= 0)
    for w in _usual(unknown):
        told |= (low <= w) & (w <= high)
    size = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(all="ignore"):
        top = np.floor(np.log10(size))
        for place in range(1, -MOST_FIGURES - 1, -1):  # one more on either side than is told
            unit = 10.0 ** (top + place)
            told |= np.ceil(low / unit - 1e-8) * unit <= high + 1e-8 * unit
    return told


def _may_be_likely(unknown: Unknown, low: Array, high: Array) -> Array:
    """Between which ends, of many, a number stands that is evidence enough, or nearly does."""
    values = KNOWN_FACTORS if unknown.slip == "loss.wrong_factor" else [unknown.value * r for r in LIKELY_RATIOS]
    near = [(low - 1e-6 * abs(w) <= w) & (w <= high + 1e-6 * abs(w)) for w in values]
    likely: Array = np.any(near, axis=0)
    return likely


def _letter(problem: Problem, at: At) -> str:
    """W or b for the update of one of them where both are updated, each of which may have its own slip."""
    if at.kind not in ("W_new", "b_new"):
        return ""
    both = problem.training.update_biases and problem.network.layer(at.layer).b is not None
    return at.kind[0] if both else ""


def told(ways: Sequence[Way], at: tuple[int, ...], letter: str = "") -> Found:
    """One explanation from every number that fits; the numbers of one slip are told together."""
    slips = tuple(dict.fromkeys(name for unknown, on in ways for name in _named(unknown, on, letter)))
    same = [(unknown, on.text) for unknown, on in ways if unknown.slip == ways[0][0].slip]
    given = " / ".join(f"{u.name} = {text} (\u2260 {u.value:.12g})" for u, text in same if u.name)
    value = " / ".join(dict.fromkeys(text for _, text in same))
    return Found(slips, at, whole=True, facts=(("given", given), ("value", value)))


def _named(unknown: Unknown, on: Agreed, letter: str) -> list[str]:
    """The slip; a learning rate that may be a wrong one for a reason has the names of those reasons."""
    if unknown.slip != "update.wrong_rate":
        return [unknown.slip]
    reasons = {f"update.{name}": rate for name, rate in _reasons(unknown.value).items() if on.nearly(rate)}
    own = [f"{name}[{letter}]" for name in reasons] if letter else []
    return [*reasons, *own, *(() if any(map(on.holds, reasons.values())) else [unknown.slip])]


def _reasons(rate: float) -> dict[str, float]:
    """What a learning rate is taken for, by slip."""
    turned = {"plus": -rate, "unchanged": 0.0, "no_eta": 1.0}
    return turned | {"double_step": 2 * rate, "half_step": rate / 2, "eta_squared": rate * rate}


def agreed(one: Solved, task: Explaining, row: int, stage: slice) -> Agreed | None:
    """The numbers on which all cells of a stage agree, if a short one is among them."""
    moved = task.there[row, stage] & (np.abs(one.slope[row, stage]) > SMALLEST_SLOPE)
    wrong = task.left[row, stage]
    if not wrong.any() or (wrong & ~moved).any():
        return None
    low, high = float(one.low[row, stage][moved].max()), float(one.high[row, stage][moved].min())
    v = one.unknown.value
    if not low <= high or low <= v <= high:
        return None
    usual = (w for w in _usual(one.unknown) if low - SAME * abs(w) <= w <= high + SAME * abs(w))
    text = next((f"{w:.12g}" for w in usual), "") or shortest(low, high)
    if one.unknown.slip == "given.misread" and figures_of(text) > max(one.unknown.figures, 1):
        return None
    return Agreed(text, low, high, int(wrong.sum()) >= 2) if text else None


def figures_of(text: str) -> int:
    """How many significant figures a plain decimal has."""
    return len(text.partition("e")[0].lstrip("-").replace(".", "").strip("0"))


def _usual(unknown: Unknown) -> tuple[float, ...]:
    """What a number is often taken for, the likeliest first."""
    v = unknown.value
    return -v, 0.0, 2 * v, v / 2, 10 * v, v / 10, *(_reasons(v).values() if unknown.name == "eta" else ())


def _likely(unknown: Unknown, value: float) -> bool:
    """Whether one cell is evidence enough: a sign lost, a decimal point moved, a known factor."""
    if unknown.slip == "loss.wrong_factor":
        return value in KNOWN_FACTORS
    if not unknown.value:
        return False
    ratio = value / unknown.value
    return any(math.isclose(ratio, r, rel_tol=1e-9) for r in LIKELY_RATIOS)


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
