"""Verification of traced steps: three routes, tolerances, kinks and blame, brought together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from derivations.computation import Computation
from derivations.network import Problem
from tracer.verification.blame import causes
from tracer.verification.claims import Claims, read_claims
from tracer.verification.explaining.explaining import explanations
from tracer.verification.judging import Claim, Judged, judge
from tracer.verification.kinks import refitted
from tracer.verification.proofs import prove
from tracer.verification.repeated import judged_again
from tracer.verification.result import Verification
from tracer.verification.routes import routes_of
from tracer.verification.subject import Subject
from tracer.verification.textbook import quotients

__all__ = ["verify_steps"]

ALLOWED_FLOAT32 = "float32 is allowed what backpropagation in it rounds: sums in any order, functions good to 4 ulp"


def verify_steps(
    problem: Problem | Computation,
    steps: Iterable[Subject],
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
        found = _verified(problem, steps, claims, assume_nothing)
        found = found if accuracy is None else _certified(found, accuracy)
        return (
            found
            if textbook is None
            else replace(found, textbook=tuple(quotients(judged, textbook) for judged in found.steps))
        )


def _verified(
    problem: Problem | Computation, steps: Iterable[Subject], claims: Claims | None, assume_nothing: bool
) -> Verification:
    judged: list[Judged] = []
    for subject in steps:
        claim = claims.of(subject.sample, subject.count) if claims else Claim()
        if claims and not claim.given:
            continue
        if claims is None:
            judged.append(judged_again(subject, assume_nothing=assume_nothing))
            continue
        one = judge(routes_of(subject, theirs=True, assume_nothing=assume_nothing), claim)
        judged.append(refitted(one) if one.faults else one)
    notes = (*(claims.notes if claims else ()), *(ALLOWED_FLOAT32,) * any(one.claim.single for one in judged))
    blamed = tuple(causes(one) for one in judged)
    return Verification(
        problem,
        tuple(judged),
        blamed,
        tuple(text for one, first in zip(judged, blamed, strict=True) for text in explanations(one, first)),
        notes,
        claims is not None,
    )


def _certified(found: Verification, accuracy: float) -> Verification:
    """The same answer with a proof of each step, from the numbers as written or those that the last step left."""
    notes = list(found.notes)
    if any(judged.step > 1 for judged in found.steps):
        notes.append("certificates of a later step start from the float64 parameters that the step before it leaves")
    return replace(found, proofs=tuple(prove(judged, accuracy) for judged in found.steps), notes=tuple(notes))
