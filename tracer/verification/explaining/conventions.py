"""Every gradient by one factor: conventions of the loss, the learning rate, the sign, accumulation, a clipped norm.

Letters: N samples, K outputs, eta learning rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from derivations.equations import Role
from derivations.network import Problem
from tracer.verification.explaining.cause import Cause, WrongNumbers
from tracer.verification.explaining.fitting import factor_text, fitted, shortest
from tracer.verification.subject import Floats, Subject

__all__ = ["conventions"]

DERIVATIVES = (Role.SIGNAL, Role.GRADIENT)
CLIP_EPSILON = 1e-6
"""torch.nn.utils.clip_grad_norm_ divides by the norm and this much more."""


class Convention(NamedTuple):
    """A factor, in words, and which arrays have it: of the loss, those made from it too."""

    factor: float
    words: str
    of_loss: tuple[str, ...] = ()
    signals: bool = True


def conventions(wrong: WrongNumbers) -> Iterator[Cause]:
    """One factor for all gradients, where that has a reason.

    A convention of the loss also changes the loss; one of what is done with gradients later leaves the signals.
    """
    subject = wrong.judged.routes.subject
    for k in (*_of_loss(subject.problem), *_of_gradients(wrong), *_clipped(wrong)):
        roles = DERIVATIVES if k.signals else (Role.GRADIENT,)
        names = [
            *wrong.given(*roles),
            *(name for name in wrong.given(Role.OBJECTIVE, Role.VALUE) if _is_of(subject, name, k)),
        ]
        numbers = {name: k.factor * wrong.ours(name) for name in names}
        if k.factor != 1 and numbers:
            yield Cause("factor", f"every gradient is {factor_text(k.factor)}", numbers, k.words)


def _is_of(subject: Subject, name: str, convention: Convention) -> bool:
    if subject.arrays[name].role is Role.OBJECTIVE:
        return bool(convention.of_loss)
    return name in convention.of_loss


EACH_OUTPUT, WHOLE = ("E_part", "E_sample", "E"), ("E",)


def _of_loss(problem: object) -> Iterator[Convention]:
    """The conventions of a loss over K outputs and N samples."""
    if not isinstance(problem, Problem):
        return
    K, N, name = problem.network.sizes[-1], problem.samples, problem.network.loss.name
    if N > 1 and problem.training.reduction == "mean":
        yield Convention(N, f"the sum over {N} samples instead of the mean", WHOLE)
    elif N > 1:
        yield Convention(1 / N, f"mean over {N} samples instead of the sum", WHOLE)
        if K > 1 and "squared" in name:
            yield Convention(1 / (K * N), f"mean over {K} outputs and {N} samples instead of the sum", WHOLE)
    if K > 1 and "mean" not in name:
        yield Convention(1 / K, f"mean over {K} outputs instead of the sum", EACH_OUTPUT)
    elif K > 1:
        yield Convention(K, f"the sum over {K} outputs instead of the mean", EACH_OUTPUT)
    if name == "half_squared_error":
        yield Convention(2.0, "the squared error without its 1/2", EACH_OUTPUT)
        yield Convention(2 / K, "the mean squared error instead of half the sum", EACH_OUTPUT)
        if problem.training.reduction != "mean":
            yield Convention(2 / (K * N), "the mean squared error over outputs and samples", WHOLE)
    elif name == "half_mean_squared_error":
        yield Convention(2.0, "the mean squared error without a 1/2 before it", EACH_OUTPUT)
    elif "squared" in name:
        yield Convention(0.5, "the squared error with a 1/2 before it", EACH_OUTPUT)


def _of_gradients(wrong: WrongNumbers) -> Iterator[Convention]:
    """What is done with every gradient alike, for the signals as well or for the gradients of parameters alone.

    backward() is called by programs, which do not round what they hand in.
    """
    for signals in (True, False):
        yield Convention(-1.0, "the opposite sign", signals=signals)
        training = wrong.judged.routes.subject.problem.training
        eta = float(training.learning_rate.floats) if training else 1.0
        if eta not in (0.0, 1.0):
            yield Convention(eta, "multiplied with the learning rate", signals=signals)
            yield Convention(-eta, "the update, -eta times the gradient", signals=signals)
    if not wrong.judged.claim.printed:
        for k, times in ((2.0, "twice"), (3.0, "three times")):
            yield Convention(k, f"backward() was called {times} without zero_grad()", signals=False)


def _clipped(wrong: WrongNumbers) -> Iterator[Convention]:
    """All gradients are given, by one factor below 1, and the norm of them is a number of one or two digits."""
    arrays = wrong.judged.routes.subject.arrays
    names = [name for name in wrong.judged.routes.symbolic if arrays[name].role is Role.GRADIENT]
    x = [wrong.judged.checked.get(name, np.array(np.nan)) for name in names]
    if not names or not all(np.isfinite(a).all() for a in x):
        return
    ours = {name: wrong.ours(name) for name in names}
    fit = fitted(wrong, {name: np.zeros(()) for name in names}, ours)
    norm, own = _norm(x), _norm(list(ours.values()))
    if fit is None or not 0 < fit.c < 1:
        return
    error = norm * (2 * CLIP_EPSILON / own + wrong.unit(names[0]) * 10)
    error += _norm(
        [np.broadcast_to(wrong.judged.claim.printed.get(name, 0.0), np.shape(a)) for name, a in ours.items()]
    )
    short = shortest(norm, error)
    if short == float(f"{norm:.2g}") and error < 1e-4 * norm:
        yield Convention(
            norm / own, f"the norm of all gradients is {short:g}, to which they were clipped", signals=False
        )


def _norm(arrays: list[Floats]) -> float:
    return float(np.sqrt(sum(float(np.sum(np.square(a))) for a in arrays)))
