"""Central differences as textbooks have them, (E(w + h) - E(w - h))/2h in float64, and what makes them differ.

The same quotient is also worked in balls, where nothing cancels.  How far that is from the derivative is the
truncation, at a kink from the slope that is taken; how far float64 is from that is the rounding.  A student's own
quotient, worked in another order, has the same truncation and may be off by rounding up to a bound: the error of two
losses, divided by 2h.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivations.network import Problem
from tracer.verification.bounds import U64
from tracer.verification.case import Case, sign
from tracer.verification.enclosures import Exactly, TwoRoutes, is_sharp
from tracer.verification.judging import Judged, Key

__all__ = ["Quotient", "Quotients", "quotients"]

Array = Any
BITS = 256
BLOCK = 1 << 14


@dataclass(frozen=True)
class Quotient:
    """One quotient: its value in float64, the parts of its error, and how far a right one may be off."""

    value: float
    truncation: float
    rounding: float
    allowed: float

    @property
    def off(self) -> float:
        """How far it is from the derivative."""
        return abs(self.truncation + self.rounding)


@dataclass(frozen=True)
class Quotients:
    """The quotients of one step with step size h, by array; NaN where nothing is asked."""

    h: float
    parts: Mapping[Key, tuple[Array, Array, Array, Array]]

    def at(self, key: Key, place: tuple[int, ...]) -> Quotient | None:
        """One of them, None where there is none."""
        if key not in self.parts:
            return None
        return Quotient(*(float(array[place]) for array in self.parts[key]))


def quotients(judged: Judged, problem: Problem, h: float) -> Quotients:
    """Of every dW and db that was checked in a step that starts from the numbers of `problem`.  Raises ValueError."""
    if not 1e-300 <= h < 1:
        raise ValueError(f"textbook must be a step size between 0 and 1, such as 1e-5, not {h}")
    work = TwoRoutes(problem, Exactly(problem, False), BITS)
    bounds = judged.routes.rounding
    error = float(bounds["E", 0]) if ("E", 0) in bounds else _given_bound(judged)
    out = {}
    for key, x in judged.checked.items():
        if key[0] in ("dW", "db"):
            places = [tuple(map(int, place)) for place in np.argwhere(~np.isnan(x) | (key not in judged.claim.given))]
            out[key] = _of_array(judged, work, key, np.shape(x), places, h, error)
    return Quotients(h, out)


def _given_bound(judged: Judged) -> float:
    """The rounding error of sum dz[k] y[k], the loss where dE/dy is given."""
    case = judged.routes.case
    ez, y = judged.routes.rounding["z", case.L], np.abs(case.z[case.L])
    return float((np.abs(case.t) * (ez + (y.size + 2) * U64 * y)).sum()) * case.share


def _of_array(
    judged: Judged, work: TwoRoutes, key: Key, shape: tuple[int, ...], places: list[Any], h: float, error: float
) -> tuple[Array, Array, Array, Array]:
    from flint import arb

    case = judged.routes.case
    value, truncation, rounding, allowed = (np.full(shape, np.nan) for _ in range(4))
    exact, derivative, taken = _exact(work, key, places, h), work.balls[key], judged.routes.symbolic[key]
    of = case.W[key[1]] if key[0] == "dW" else case.b[key[1]]
    for place, quotient in zip(places, exact, strict=True):
        value[place], top = _plain(case, key, place, h)
        with work.m.working():
            # at a kink the ball holds the slopes of both sides: there the quotient is set against the one taken
            true = derivative[place] if is_sharp(derivative[place], 60) else arb(float(taken[place]))
            truncation[place] = _told(quotient - true)
            rounding[place] = _told(value[place] - quotient)
        # two losses, w + h and w - h as float64 has them, and the quotient itself
        most = (error + 10 * U64 * top) / h
        most += abs(float(taken[place])) * U64 * (abs(float(of[place])) + h) / h + 4 * U64 * abs(value[place])
        allowed[place] = abs(truncation[place]) + most
    return value, truncation, rounding, allowed


def _told(ball: Any) -> float:
    """What an error is, 0 where it cannot be told from 0 with so many bits."""
    return 0.0 if ball.contains(0) and ball.is_finite() else float(ball.mid())


def _plain(case: Case, key: Key, place: tuple[int, ...], h: float) -> tuple[float, float]:
    """The quotient in float64 as a program has it, every weight moved and the whole forward pass worked twice."""
    ends = [_loss(case, key, place, step) for step in (h, -h)]
    return (ends[0] - ends[1]) / (2 * h), max(map(abs, ends))


def _loss(case: Case, key: Key, place: tuple[int, ...], step: float) -> float:
    kind, l = key
    W, b = list(case.W), list(case.b)
    moved = W if kind == "dW" else b
    moved[l] = np.array(moved[l], float)
    moved[l][place] += step
    at = Case.of(case.problem, W, b, case.x, case.t)
    parts = at.loss_parts()
    return float((case.t * at.z[case.L]).sum() * case.share if parts is None else at.losses(parts)["E", 0])


def _exact(work: TwoRoutes, key: Key, places: list[Any], h: float) -> list[Any]:
    """The quotients in balls; h is the float64 number that it is."""
    from flint import arb

    l, out = key[1], list[Any]()
    width = max(1, BLOCK // (max(work.network.sizes[l:]) * work.N))
    with work.m.working():
        for start in range(0, len(places), width):
            moves = _moves(work, key, places[start : start + width]) * arb(h)
            out += ((work.loss_moved(l, moves) - work.loss_moved(l, -moves)) / (2 * arb(h))).tolist()
    return out


def _moves(work: TwoRoutes, key: Key, places: list[Any]) -> Array:
    """How a of the layer moves with each parameter; (units, parameters, samples)."""
    from flint import arb

    kind, l = key
    layer = work.network.layer(l)
    out = np.full((layer.units, len(places), work.N), arb(0), object)
    for p, place in enumerate(places):
        if kind == "dW":
            out[place[0], p] = work.z[l - 1][place[1]]
        else:
            out[slice(None) if layer.bias and layer.bias.shared else place[0], p] = arb(sign(layer))
    return out
