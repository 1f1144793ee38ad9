"""A verification of what was handed over: a problem's own step, somebody's numbers, a model's gradients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import IO

from derivations.arithmetic import FLOAT64
from derivations.computation import Computation
from derivations.network import Problem
from tracer.handed_over import Handed
from tracer.problem import ProblemError
from tracer.tracing import steps_of
from tracer.verification.result import Verification
from tracer.verification.subject import subjects
from tracer.verification.verifier import verify_steps

__all__ = ["Asked", "verified"]


@dataclass(frozen=True)
class Asked:
    """What is asked for: every number moved on its own, certificates of a relative radius, central differences."""

    assume_nothing: bool = False
    accuracy: float | None = None
    textbook: float | None = None


def verified(given: Handed, asked: Asked, standard_input: IO[bytes] | None = None) -> Verification:
    """The verdict, how what was given was read, and why it cannot agree where that is known.

    Raises ProblemError where gradients that do not agree may be right, or are those of another step.
    """

    def judged(problem: Problem | Computation) -> Verification:
        return verify_steps(
            *(problem, subjects(steps_of(problem, FLOAT64)), given.gradients),
            assume_nothing=asked.assume_nothing,
            accuracy=asked.accuracy,
            textbook=asked.textbook,
            standard_input=standard_input,
        )

    found = judged(given.problem)
    if given.doubts and not found.agrees:
        raise ProblemError(given.doubts[0])
    causes = [] if found.agrees or not given.cause else [given.cause]
    for other in () if found.agrees else given.others:
        if judged(other.problem).agrees:
            if other.right:
                raise ProblemError(other.words)
            causes.append(other.words)
    explanations = tuple(causes) or found.explanations
    return replace(found, explanations=explanations, conventions=given.conventions, notes=found.notes + given.notes)
