"""Verification of traced steps: three routes, tolerances, kinks and blame, brought together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from derivations.network import Problem
from tracer.verification.blame import causes, constant_words
from tracer.verification.bounds import U32, rounding
from tracer.verification.case import Array, Arrays, Case, Key
from tracer.verification.claims import Claims, read_claims
from tracer.verification.judging import Claim, Judged, judge, routes_of
from tracer.verification.kinks import Kink, kinks_of, refitted
from tracer.verification.proofs import prove, started_at
from tracer.verification.result import Verification
from tracer.verification.textbook import quotients

__all__ = ["Recorded", "verify_steps"]

ALLOWED_FLOAT32 = "float32 is allowed what backpropagation in it rounds: sums in any order, functions good to 4 ulp"


@dataclass(frozen=True)
class Recorded:
    """What a step started with and what was recorded of it, as plain arrays; samples are columns."""

    problem: Problem
    W: Any
    b: Any
    x: Array
    t: Array
    arrays: Arrays
    sample: int = 0
    step: int = 1
    before: Mapping[Key, Array] = field(default_factory=dict)


def verify_steps(
    problem: Problem,
    steps: Iterable[Recorded],
    gradients: Any = None,
    *,
    assume_nothing: bool = False,
    accuracy: float | None = None,
    textbook: float | None = None,
    standard_input: Any = None,
) -> Verification:
    """Judge every step; with `gradients`, somebody else's numbers beside ours.

    accuracy: also certified, to this relative radius.  textbook: a step size, plain central differences beside.
    """
    claims = None if gradients is None else read_claims(problem, gradients, standard_input)
    with np.errstate(all="ignore"):
        chosen = [recorded for recorded in steps if not claims or _claim(claims, recorded).given]
        found = _verified(problem, chosen, claims, assume_nothing)
        found = found if accuracy is None else _certified(found, chosen, accuracy)
        return found if textbook is None else _with_textbook(found, chosen, textbook)


def _claim(claims: Claims | None, recorded: Recorded) -> Claim:
    return claims.of(recorded.sample, recorded.step) if claims else Claim()


def _verified(problem: Problem, steps: Iterable[Recorded], claims: Claims | None, assume_nothing: bool) -> Verification:
    judged: list[Judged] = []
    crossings: list[tuple[int, Kink]] = []
    for recorded in steps:
        one, kinks = _judged(recorded, _claim(claims, recorded), assume_nothing)
        crossings += [(len(judged), kink) for kink in kinks]
        judged.append(one)
    return Verification(
        problem,
        tuple(judged),
        tuple(causes(one) for one in judged),
        tuple(crossings),
        tuple(text for one in judged for text in constant_words(one)),
        _notes(judged, claims),
        claims is not None,
    )


def _notes(judged: list[Judged], claims: Claims | None) -> tuple[str, ...]:
    """How the given numbers were read, and what float32 ones are allowed."""
    single = any(one.claim.single for one in judged)
    return (*(claims.notes if claims else ()), *(ALLOWED_FLOAT32,) * single)


def _certified(found: Verification, steps: Iterable[Recorded], accuracy: float) -> Verification:
    """The same answer with a proof of each step, from the numbers as written or those that the last step left."""
    proofs, notes = [], list(found.notes)
    for recorded, judged in zip(steps, found.steps, strict=True):
        proofs.append(prove(judged, _start(recorded), accuracy))
    if any(judged.step > 1 for judged in found.steps):
        notes.append("certificates of a later step start from the float64 parameters that the step before it leaves")
    return replace(found, proofs=tuple(proofs), notes=tuple(notes))


def _start(recorded: Recorded) -> Problem:
    """The problem with the parameters that the step starts from: as written, or what the step before leaves."""
    return started_at(recorded.problem, recorded.W, recorded.b) if recorded.step > 1 else recorded.problem


def _with_textbook(found: Verification, steps: Iterable[Recorded], h: float) -> Verification:
    pairs = zip(steps, found.steps, strict=True)
    return replace(found, textbook=tuple(quotients(judged, _start(recorded), h) for recorded, judged in pairs))


def _judged(recorded: Recorded, claim: Claim, assume_nothing: bool) -> tuple[Judged, list[Kink]]:
    case = Case.of(
        recorded.problem,
        recorded.W,
        recorded.b,
        recorded.x,
        recorded.t,
        before=recorded.before,
        count=recorded.step,
    )
    routes = routes_of(case, recorded.arrays, assume_nothing=assume_nothing)
    judged = judge(routes, claim, recorded.sample, recorded.step)
    bounds = rounding(case, routes.symbolic, U32) if claim.single else routes.rounding
    near = {l: bounds["a", l] for l in case.sides}
    kinks = kinks_of(case, near)
    if judged.faults and kinks and claim.given:
        judged = _other_sides(judged, kinks)
        kinks = kinks_of(judged.routes.case, near)
    return judged, kinks


def _other_sides(judged: Judged, kinks: list[Kink]) -> Judged:
    """The same claim where units at a kink may be on their other side; the traced values cannot tell then."""

    def again(case: Case) -> Judged:
        routes = routes_of(case, judged.routes.traced)
        moved = {key: np.asarray(array) for key, array in routes.symbolic.items() if key in judged.routes.traced}
        traced = {key: moved.get(key, array) for key, array in judged.routes.traced.items()}
        routes = type(routes)(case, traced, routes.symbolic, routes.numeric, routes.rounding, routes.truncation)
        return judge(routes, judged.claim, judged.sample, judged.step)

    best = refitted(judged.routes.case, kinks, lambda case: again(case).faults, judged.faults)
    return judged if best is judged.routes.case else again(best)
