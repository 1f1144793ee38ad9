"""Wrong updates of right gradients: another learning rate, the opposite sign, none at all.

Letters: W a parameter, eta learning rate.
"""

from __future__ import annotations

from collections.abc import Iterator

from derivations.equations import Role
from tracer.verification.explaining.cause import Cause, WrongNumbers
from tracer.verification.explaining.fitting import fitted, shortest

__all__ = ["rates"]


def rates(wrong: WrongNumbers) -> Iterator[Cause]:
    """W + c (W_new - W) for every updated parameter that is given: c = 0, -1, or another learning rate."""
    subject = wrong.judged.routes.subject
    names, training = wrong.given(Role.UPDATED), subject.problem.training
    if training is None or not names:
        return
    W = {name: subject.given[subject.arrays[name].of] for name in names}
    step = {name: wrong.ours(name) - W[name] for name in names}
    yield Cause("update", "nothing is updated", W, "the numbers are those before the step")
    up = {name: W[name] - step[name] for name in names}
    yield Cause("update", "every update has the opposite sign", up, "it goes up the gradient")
    fit, eta = fitted(wrong, W, step), float(training.learning_rate.floats)
    if fit is None or fit.c in (0.0, -1.0):
        return
    rate = shortest(fit.c * eta, 3 * fit.error * eta + 1e-12 * abs(fit.c * eta))
    other = {name: W[name] + fit.c * s for name, s in step.items()}
    fact = f"every update is made with a learning rate of {rate:g}; the problem has {eta:g}"
    yield Cause("rate", fact, other, fitted=1, loose=fit.loose(step))
