"""Central differences as textbooks have them, (E(w + h) - E(w - h))/2h in float64, and what makes them differ.

The same quotient is also worked in balls, where nothing cancels.  How far that is from the derivative is the
truncation, at a kink from the slope that is taken; how far float64 is from that is the rounding.  A student's own
quotient, worked in another order, has the same truncation and may be off by rounding up to a bound: the error of two
losses, divided by 2h.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64
from derivations.equations import Role
from derivations.program import Program
from tracer.verification.bounded import U64, Bounded
from tracer.verification.certificates import Enclosed, is_sharp, written
from tracer.verification.judging import Judged
from tracer.verification.pieces import Run
from tracer.verification.routes import SLACK
from tracer.verification.subject import Place, Subject

__all__ = ["Quotient", "Quotients", "quotients"]

Array = Any
BITS = 256


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
    parts: Mapping[str, tuple[Array, Array, Array, Array]]

    def at(self, key: str, place: tuple[int, ...]) -> Quotient | None:
        """One of them, None where there is none."""
        if key not in self.parts:
            return None
        return Quotient(*(float(array[place]) for array in self.parts[key]))


def quotients(judged: Judged, h: float) -> Quotients:
    """Of every gradient that was checked in a step.  Raises ValueError."""
    if not 1e-300 <= h < 1:
        raise ValueError(f"textbook must be a step size between 0 and 1, such as 1e-5, not {h}")
    subject = judged.routes.subject
    given = written(subject.problem) if subject.count == 1 else subject.given
    work = Enclosed(subject.problem, subject.plans, given, BITS)
    gradients = [n for n in judged.checked if subject.arrays[n].role is Role.GRADIENT]
    moved = _Moved(subject, work, h)
    return Quotients(h, {name: _of_array(judged, moved, name) for name in gradients})


class _Moved:
    """The loss where one parameter is moved by h and by -h: in float64 as a program has it, and in balls."""

    def __init__(self, subject: Subject, work: Enclosed, h: float) -> None:
        self.subject, self.work, self.h = subject, work, h
        self.forward = Program(replace(subject.plans.step, equations=subject.plans.forward))
        self.given = {n: v if np.ndim(v) else v[()] for n, v in subject.given.items()}

    def plain(self, parameter: str, place: Place) -> tuple[float, float]:
        """The quotient in float64, every line worked twice; and the larger of both losses."""
        ends = []
        for step in (self.h, -self.h):
            moved = np.array(self.given[parameter], float)
            moved[place] += step
            s = self.forward.run(FLOAT64, {**self.given, parameter: moved if moved.ndim else moved[()]})
            ends.append(float(s[self.subject.plans.objective]))
        return (ends[0] - ends[1]) / (2 * self.h), max(map(abs, ends))

    def exact(self, parameter: str, place: Place) -> Any:
        """The quotient in balls; h is the float64 number that it is."""
        from flint import arb

        ends = []
        for step in (arb(self.h), -arb(self.h)):
            s = dict(self.work.run.s)
            s[parameter] = np.array(s[parameter])
            s[parameter][place] += step
            run = Run(self.work.run.m, s)
            self.subject.plans.symbolic.forward_from(run, parameter)
            ends.append(np.asarray(run.s[self.subject.plans.objective])[()])
        return (ends[0] - ends[1]) / (2 * arb(self.h))


def _of_array(judged: Judged, moved: _Moved, name: str) -> tuple[Array, Array, Array, Array]:
    from flint import arb

    x, parameter = judged.checked[name], judged.routes.subject.arrays[name].of
    value, truncation, rounding, allowed = (np.full(x.shape, np.nan) for _ in range(4))
    taken, of = judged.routes.symbolic[name], moved.subject.given[parameter]
    error, h = _error(judged), moved.h
    with moved.work.working(), FLOAT64.working():
        for place in map(tuple, np.argwhere(~np.isnan(x) | (name not in judged.claim.given))):
            value[place], top = moved.plain(parameter, place)
            quotient, derivative = moved.exact(parameter, place), moved.work.balls[name][place]
            # at a kink the ball holds the slopes of both sides: there the quotient is set against the one taken
            true = derivative if is_sharp(derivative, 60) else arb(float(taken[place]))
            truncation[place], rounding[place] = _told(quotient - true), _told(value[place] - quotient)
            # two losses, w + h and w - h as float64 has them, and the quotient itself
            most = (error + 10 * U64 * top) / h
            most += abs(float(taken[place])) * U64 * (abs(float(of[place])) + h) / h + 4 * U64 * abs(value[place])
            allowed[place] = abs(truncation[place]) + most
    return value, truncation, rounding, allowed


def _error(judged: Judged) -> float:
    """What rounding allows of the loss in float64; one that the step has no line for is worked with its bound."""
    subject = judged.routes.subject
    objective = subject.plans.objective
    if objective in judged.routes.rounding:
        return float(judged.routes.rounding[objective])
    m = Bounded(U64)
    run = Run(m, {name: m.given(subject.given[name]) for name in subject.plans.given}, judged.routes.decided)
    subject.plans.symbolic.forward(run)
    return float(SLACK * np.max(run.s[objective][1]))


def _told(ball: Any) -> float:
    """What an error is, 0 where it cannot be told from 0 with so many bits."""
    return 0.0 if ball.contains(0) and ball.is_finite() else float(ball.mid())
