"""Slips with a number in them, solved from the cells: a given misread, another learning rate, a factor of the loss.

Every cell of a stage is linear in a given number that enters it once; so what the number must have been follows from
each cell, and the cells of one stage must agree on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derivations import names
from derivations.equations import givens
from derivations.network import Problem
from derivations.rules import RULES, Rules, Start
from tracer.answers.marking.diagnosis import Explaining, Found
from tracer.answers.marking.intervals import Intervals
from tracer.answers.marking.passes import At
from tracer.answers.marking.working import UPDATES, Enters, work

__all__ = ["Agreed", "Solved", "Unknown", "Way", "agreed", "solve", "solved", "told", "unknowns"]

Array = Any
SMALLEST_SLOPE = 1e-9
MOST_FIGURES = 3
"""A misread number is about as short as the numbers of a problem are."""
KNOWN_FACTORS = (2.0, 0.5, -1.0)


@dataclass(frozen=True)
class Unknown:
    """A number that may have been another one: a given (its quantity's name), or the factor of the loss."""

    slip: str
    name: str
    value: float
    changed: Callable[[float], tuple[Callable[[Start], Start] | None, Rules]]
    enters: Enters | None = None
    given: tuple[str, int, tuple[int, ...]] | None = None


def unknowns(problem: Problem) -> Iterator[Unknown]:
    """Every given number, the learning rate, and a factor 1 in the loss."""
    for kind, layer, quantities in givens(problem):
        values = _values(problem, kind, layer)
        for place, q in np.ndenumerate(quantities):
            text = names.text(problem.network, q)
            given = kind, layer, place
            yield Unknown("given.misread", text, float(values[place]), _moved(*given), _entering(kind, layer), given)
    rate = float(problem.training.learning_rate.floats)
    yield Unknown("update.wrong_rate", "eta", rate, _other_rate, _entering("eta", 0), ("eta", 0, ()))
    yield Unknown("loss.wrong_factor", "", 1.0, _scaled)


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


def _moved(kind: str, layer: int, place: tuple[int, ...]) -> Any:
    def changed(by: float) -> tuple[Callable[[Start], Start], Rules]:
        def move(start: Start) -> Start:
            letter = "t" if kind in ("t", "dz") else kind
            old = getattr(start, letter)[layer] if kind in ("W", "b") else getattr(start, letter)
            low, high = old.low.copy(), old.high.copy()
            at = (slice(None), *(p if p < n else 0 for p, n in zip(place, low.shape[1:], strict=True)))
            low[at], high[at] = low[at] + by, high[at] + by
            new = Intervals(old.m, low, high, fresh=False)
            made: Any = new
            if kind in ("W", "b"):
                made = list(getattr(start, kind))
                made[layer] = new
            return replace(start, **{letter: made})

        return move, RULES

    return changed


def _other_rate(by: float) -> tuple[Callable[[Start], Start], Rules]:
    def move(start: Start) -> Start:
        return replace(start, constants={**start.constants, "eta": start.constants["eta"] + by})

    return move, RULES


def _scaled(by: float) -> tuple[None, Rules]:
    factor = 1 + by

    def fused_delta(s: Any, l: int) -> Any:
        delta = RULES.output_delta(s, l)
        return factor * delta if s.fused else delta  # where delta goes by dz, the factor is in dz already

    return None, replace(
        RULES,
        loss_parts=lambda s, l: factor * RULES.loss_parts(s, l),
        output_signal=lambda s, l: factor * RULES.output_signal(s, l),
        output_delta=fused_delta,
    )


@dataclass(frozen=True)
class Solved:
    """What an unknown must have been to give each cell: (sheets, columns), and how much it moves each."""

    unknown: Unknown
    slope: Array
    low: Array
    high: Array


def solved(task: Explaining, problem: Problem) -> Iterator[Solved]:
    """Every unknown, solved from every cell alone."""
    base = task.base("own")
    low, high = task.discipline.cell(task.value, task.unit)
    now = task.columns.ends(task.cells, base)
    for unknown in unknowns(problem):
        start, rules_ = unknown.changed(1.0)
        moved = task.columns.ends(
            task.cells, work(task.cells, task.discipline, rules_=rules_, start=start, enters=unknown.enters, base=base)
        )
        with np.errstate(all="ignore"):
            slope = (moved[0] + moved[1] - now[0] - now[1]) / 2
            ends = (low - now[1]) / slope, (high - now[0]) / slope
        yield Solved(unknown, slope, unknown.value + np.minimum(*ends), unknown.value + np.maximum(*ends))


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


def solve(task: Explaining, problem: Problem) -> None:
    """Explain whole stages by one number that was another one."""
    if not (task.left & task.alone).any():
        return
    found: dict[tuple[int, int, int], list[Way]] = {}
    for one in solved(task, problem):
        for stage in task.columns.stages.values():
            for row in map(int, np.flatnonzero((task.left & task.alone)[:, stage].any(axis=1))):
                on = agreed(one, task, row, stage)
                if on and (on.several or _likely(one.unknown, float(on.text))):
                    found.setdefault((row, stage.start, stage.stop), []).append((one.unknown, on))
    for (row, start, stop), ways in sorted(found.items(), key=lambda item: item[0]):
        at = tuple(int(c) + start for c in np.flatnonzero(task.left[row, start:stop]))
        if at:
            task.add(row, told(ways, at, _letter(problem, task.columns.places[start][0])))


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
    usual = (-v, 0.0, 2 * v, v / 2, 10 * v, v / 10, *(_reasons(v).values() if one.unknown.name == "eta" else ()))
    text = next((f"{w:.12g}" for w in usual if low <= w <= high), "") or shortest(low, high)
    return Agreed(text, low, high, int(wrong.sum()) >= 2) if text else None


def _likely(unknown: Unknown, value: float) -> bool:
    """Whether one cell is evidence enough: a sign lost, a decimal point moved, a known factor."""
    if unknown.slip == "loss.wrong_factor":
        return value in KNOWN_FACTORS
    if not unknown.value:
        return False
    ratio = value / unknown.value
    return any(math.isclose(ratio, r, rel_tol=1e-9) for r in (-1, 10, 100, 0.1, 0.01))


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
