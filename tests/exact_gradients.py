"""The true gradient to 80 digits, and how far a float64 one is from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from flint import arb, ctx
from worked import subject_of

from derivations.equations import Role
from derivations.network import Problem
from tracer import trace
from tracer.verification.certificates import certify
from tracer.verification.routes import Routes, routes_of

__all__ = ["DIGITS", "errors", "float_routes", "true_gradients"]

DIGITS = 80


def float_routes(problem: Problem) -> Routes:
    """The three float64 routes of a problem of one step."""
    (step,) = trace(problem).steps
    return routes_of(subject_of(step))


def true_gradients(problem: Problem) -> dict[str, Any]:
    """Every gradient in balls of 80 digits; the gradient of the float64 numbers, not of the decimals as written."""
    found = certify(problem, accuracy=10.0**-DIGITS, inputs="floats")
    assert not found.disagreements
    arrays = found.layout.step.arrays
    return {name: balls for (name, _), balls in found.balls.items() if arrays[name].role is Role.GRADIENT}


def errors(found: Mapping[str, Any], true: Mapping[str, Any]) -> tuple[float, Any]:
    """(2-norm of the error over the gradient's, the relative error of every entry)."""
    off, size = [], []
    with ctx.workprec(400):
        for key, balls in true.items():
            for x, ball in zip(np.ravel(found[key]), np.ravel(balls), strict=True):
                off.append(abs(float((arb(float(x)) - ball).mid())))
                size.append(abs(float(ball.mid())))
    e, g = np.array(off), np.array(size)
    return float(np.linalg.norm(e) / np.linalg.norm(g)), np.where(g > 0, e / np.where(g > 0, g, 1), e > 0)
