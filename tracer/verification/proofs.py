"""Certificates put to use: each number that was checked, against the ball that is proved to hold its true value.

What a number may be off by is what verification allows: rounding, and half a unit of the last digit printed.  proved:
the true value lies within that; refuted: it does not; undecided: the ball does not tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, Context, Decimal
from typing import Any

import numpy as np

from tracer.verification.certificates import PROVED, REFUTED, UNDECIDED, Certificates, certified
from tracer.verification.judging import Judged

__all__ = ["PROVED", "REFUTED", "UNDECIDED", "Enclosed", "Proof", "prove"]

WRITTEN = 100_000  # sizes beyond 2 to this are not written out: above they are not finite, below they are a radius
UP = Context(prec=2, rounding=ROUND_CEILING, Emin=MIN_EMIN, Emax=MAX_EMAX)


@dataclass(frozen=True)
class Enclosed:
    """A ball as decimals: the true value lies within `radius` of `mid`; None where it is not finite."""

    mid: str | None
    radius: str | None


@dataclass(frozen=True)
class Proof:
    """One step certified: the balls, and for each array that was checked its verdicts ("" where nothing is given).

    `mark` is what names of this step end in: @2 for a sample with a network of its own, #2 for a second step.
    """

    certificates: Certificates
    verdicts: Mapping[str, Any]
    mark: str = ""

    @property
    def apart(self) -> tuple[str, ...]:
        """The arrays that the two ball routes put in different places."""
        return tuple(name + self.mark for name in self.certificates.disagreements)

    @property
    def kinks(self) -> tuple[str, ...]:
        """The units at a kink, where the balls hold the slopes of both sides."""
        return tuple(kink.name + self.mark for kink in self.certificates.kinks)

    def found(self, verdict: str) -> dict[str, Any]:
        """By array, where the verdict is this one."""
        return {name: mask for name, each in self.verdicts.items() if (mask := each == verdict).any()}

    def ball(self, name: str, place: tuple[int, ...]) -> Any:
        """The ball of one number."""
        return self.certificates.balls[name, 0][place]

    def enclosed(self, name: str, place: tuple[int, ...]) -> Enclosed:
        """The ball of one number, with as many digits as the accuracy asks for."""
        digits = math.ceil(-math.log10(self.certificates.accuracy)) + 1
        with self.certificates.working():
            return _enclosed(self.ball(name, place), digits)


def prove(judged: Judged, accuracy: float) -> Proof:
    """Certify a step, and judge what was checked in it by the balls."""
    subject = judged.routes.subject
    found = certified(subject, accuracy)
    mark = (f"@{subject.sample}" if subject.sample else "") + (f"#{subject.count}" if subject.count > 1 else "")
    names = [name for name in judged.checked if (name, 0) in found.balls]
    return Proof(found, {name: _verdicts(found, judged, name) for name in names}, mark)


def _verdicts(found: Certificates, judged: Judged, name: str) -> Any:
    x, balls = np.asarray(judged.checked[name]), found.balls[name, 0]
    slack = np.broadcast_to(judged.allowed[name], x.shape)
    vague = np.broadcast_to(judged.vague.get(name, False), x.shape)
    out = np.full(x.shape, "", dtype="U9")
    unfit = found.is_apart(name)
    with found.working():
        for place in np.ndindex(x.shape):
            if not np.isnan(x[place]) or name not in judged.claim.given:
                verdict = UNDECIDED if unfit else _verdict(balls[place], float(x[place]), float(slack[place]))
                out[place] = UNDECIDED if verdict == PROVED and vague[place] else verdict
    return out


def _verdict(ball: Any, x: float, slack: float) -> str:
    if not (ball.is_finite() and math.isfinite(slack)):
        return UNDECIDED
    if not math.isfinite(x):
        return REFUTED
    away = abs(ball - x)
    return PROVED if away <= slack else REFUTED if away > slack else UNDECIDED


def _enclosed(ball: Any, digits: int) -> Enclosed:
    from flint import arb

    if not ball.is_finite() or abs(ball) > _power(WRITTEN):
        return Enclosed(None, None)
    if ball != 0 and abs(ball) < _power(-WRITTEN):
        return Enclosed("0", _rounded_up(_power(-WRITTEN)))
    sure = math.ceil(max(ball.rel_accuracy_bits(), 0) * math.log10(2)) + 2  # of a wide ball, no more than it says
    mid = ball.mid().str(min(digits, sure), radius=False)
    radius = _rounded_up(abs(ball - arb(mid)).abs_upper())
    short = radius == "0" and "." in mid and "e" not in mid
    return Enclosed(mid.rstrip("0").rstrip(".") if short else mid, radius)


def _power(bits: int) -> Any:
    from flint import arb

    return arb(2) ** bits


def _rounded_up(radius: Any) -> str:
    if radius != 0:
        radius = max(radius, _power(-WRITTEN))
    man, exp = (int(part) for part in radius.man_exp())
    decimal = UP.divide(Decimal(man << max(exp, 0)), Decimal(1 << max(-exp, 0)))
    return f"{decimal:.2g}" if decimal else "0"
