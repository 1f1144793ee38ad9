"""Steps of one kind judged again and again: the routes are recorded as a tape, and later steps run from it.

A tape holds for a step that is right and nowhere near a kink, whatever its numbers; any other step leaves it and is
judged as the routes are written.  Nothing is recorded the first time, as most steps are judged once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tracer.verification.judging import Claim, Judged, judge
from tracer.verification.routes import ROUTES, Routes, routes_of
from tracer.verification.subject import Floats, Subject
from tracer.verification.tape import NotRecorded, Tape
from tracer.verification.updates import Constants

__all__ = ["judged_again"]

PARTS = ("symbolic", "numeric", "rounding", "moved")
MOST_KEPT, MOST_TRIED = 4, 3
"""Tapes of one plan, and how often one is recorded anew that was left."""


@dataclass
class _Kept:
    """The tape of steps that differ in their arrays alone, if there is one, and how often one was recorded."""

    tape: Tape | None = None
    tried: int = 0


def judged_again(subject: Subject, *, assume_nothing: bool) -> Judged:
    """The step judged by itself, nothing being claimed; with all moved by itself, arrays are too many to be kept."""
    if assume_nothing:
        return judge(routes_of(subject, assume_nothing=True), Claim())
    tapes, training = subject.plans.tapes, subject.problem.training
    key = training and Constants.of(training, subject.count, float)
    kept = tapes.get(key)
    if kept is None and len(tapes) < MOST_KEPT:
        tapes[key] = _Kept()
    if kept is not None and kept.tape is not None:
        found = kept.tape.again(_arrays(subject))
        if found is not None:
            return _judged(subject, found)
        kept.tape = None
    elif kept is not None and kept.tried < MOST_TRIED:
        kept.tried += 1
        kept.tape = _recorded(subject)
    return judge(routes_of(subject), Claim())


def _arrays(subject: Subject) -> dict[str, Floats]:
    """What a run reads: `given` arrays and, marked, those that were recorded."""
    return {**subject.given, **{f"={name}": array for name, array in subject.recorded.items()}}


def _recorded(subject: Subject) -> Tape | None:
    """The tape of a step's routes; None where the step is not plainly right, or asks for more than arrays."""
    tape = Tape()
    start: dict[str, Any] = {name: tape.start(name, array) for name, array in _arrays(subject).items()}
    given = {name: start[name] for name in subject.given}
    worked = {name: start[f"={name}"] for name in subject.recorded}
    try:
        judged = judge(routes_of(replace(subject, given=given, recorded=worked)), Claim())
    except NotRecorded:
        return None
    routes = judged.routes
    met = any(context.open for context in routes.met.values())
    if met or judged.wrong or judged.undecided or any(judged.odd.values()) or len(judged.checked) < len(worked):
        return None
    tape.end({(part, name): x for part in PARTS for name, x in getattr(routes, part).items()})
    return tape


def _judged(subject: Subject, found: dict[tuple[str, str], Floats]) -> Judged:
    """The verdict of a run that gave the answers of a step that is right."""
    symbolic, numeric, rounding, moved = (
        {name: array for (of, name), array in found.items() if of == part} for part in PARTS
    )
    routes = Routes(subject, subject.recorded, symbolic, numeric, rounding, moved)
    return Judged(routes, Claim(), subject.recorded, rounding, {}, {}, {route: {} for route in ROUTES})
