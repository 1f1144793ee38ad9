"""What explains the wrong numbers of a step together: a constant, a transpose, a learning rate.

Letters: N samples, K outputs, eta learning rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.equations import Role
from derivations.network import Problem
from tracer.verification.bounded import U32, U64
from tracer.verification.judging import Judged
from tracer.verification.subject import Floats, Subject

__all__ = ["explanations"]

ENOUGH = 1e3
GENERAL = ("twice as large", "half as large")
DERIVATIVES = (Role.SIGNAL, Role.GRADIENT)


def explanations(judged: Judged) -> list[str]:
    """In words what explains all wrong numbers, or those of a layer."""
    roles = {name: judged.routes.subject.arrays[name].role for name in judged.checked}
    wrong = {roles[name] for name in judged.wrong}
    if wrong == {Role.UPDATED}:
        return _rate_words(judged)
    gradients = [name for name in judged.checked if roles[name] in wrong & set(DERIVATIVES)]
    if not gradients or any(roles[name] not in (*DERIVATIVES, Role.STATE, Role.UPDATED) for name in judged.wrong):
        return []
    ratio = _fitted(judged, gradients, {})
    if ratio is not None:
        return [f"every gradient is {ratio_text(judged, *ratio)}"]
    return _layer_words(judged, gradients)


def _layer_words(judged: Judged, gradients: list[str]) -> list[str]:
    """A factor for what is wrong of one layer, a transposed matrix."""
    out, layers = list[str](), dict[int, list[str]]()
    for name in gradients:
        if name in judged.wrong:
            layers.setdefault(_layer(judged.routes.subject, name), []).append(name)
    for l, names in sorted(layers.items()):
        entries = sum(int(np.isfinite(judged.checked[name]).sum()) for name in names)
        ratio = _fitted(judged, names, {}) if entries > 2 else None
        if ratio is not None:
            where = f"of layer {l} " if l else ""
            out.append(f"every gradient {where}that is wrong is {ratio_text(judged, *ratio)}")
        out += [] if ratio else [_transposed_words(name) for name in names if _transposed(judged, name)]
    return out


def _layer(subject: Subject, name: str) -> int:
    """The layer of an array, 0 where there are none."""
    digits = subject.arrays[name].of.lstrip("Wbthexaz")
    return int(digits) if isinstance(subject.problem, Problem) and digits.isdigit() else 0


def _transposed_words(name: str) -> str:
    return f"{name} is the transpose of ours: one row for each unit, one column for each input"


def _rate_words(judged: Judged) -> list[str]:
    """What explains wrong updates of right gradients: another learning rate, the opposite sign."""
    subject = judged.routes.subject
    names = [name for name in judged.checked if subject.arrays[name].role is Role.UPDATED]
    fitted = _fitted(judged, names, {name: subject.given[subject.arrays[name].of] for name in names})
    training = subject.problem.training
    if fitted is None or training is None:
        return []
    if fitted[0] == 0:
        return ["nothing is updated: the numbers are those before the step"]
    eta = float(training.learning_rate.floats)
    rate = _short(fitted[0] * eta, 3 * fitted[1] + 1e-12)
    if rate == -eta:
        return ["every update has the opposite sign: it goes up the gradient"]
    return [f"every update is made with a learning rate of {rate:g}; the problem has {eta:g}"]


def _fitted(judged: Judged, names: list[str], start: Mapping[str, Floats]) -> tuple[float, float] | None:
    """The one factor between what is given and ours, and how well it is known, relative to itself.

    Both are taken from `start`.  None where there is none, or fewer than two numbers say so.
    """
    if not names:
        return None
    x = np.concatenate([np.ravel(judged.checked[name] - start.get(name, 0.0)) for name in names])
    ours = np.concatenate([np.ravel(judged.routes.symbolic[name] - start.get(name, 0.0)) for name in names])
    allowed = np.concatenate([np.ravel(judged.allowed[name] + 0 * judged.checked[name]) for name in names])
    given = np.isfinite(x) & np.isfinite(ours) & np.isfinite(allowed)
    x, ours, allowed = x[given], ours[given], allowed[given]
    if len(x) < 2 or not np.abs(ours).max() > 0:
        return None
    place = int(np.argmax(np.abs(ours)))
    ratio = float(x[place] / ours[place])
    factor = max(abs(ratio), 1.0)
    u = U32 if any(name in judged.claim.single for name in names) else U64
    # a number may be off by its own room, and the factor by that of the number it is taken from
    room = factor * (allowed + allowed[place] * np.abs(ours / ours[place])) + ENOUGH * u * np.abs(x)
    fits, no_better = np.abs(x - ratio * ours) <= room, np.abs(x - ours) <= room
    if not fits.all() or no_better.all() or (np.abs(ours) > 4 * allowed).sum() < 2:
        return None
    return ratio, float(factor * allowed[place] / np.abs(x[place])) if x[place] else 0.0


def _short(number: float, room: float) -> float:
    """The number with the fewest digits that is within a relative room of another."""
    shorter = (float(f"{number:.{n}g}") for n in range(1, 18))
    return next((short for short in shorter if abs(short - number) <= room * abs(number)), number)


def ratio_text(judged: Judged, ratio: float, room: float = 0.0) -> str:
    """A factor, known to a relative room, and what it comes from: "1/3 of ours: mean over 3 outputs instead ..."."""
    near = max(1e-4, 1.1 * room) * abs(ratio)
    constants = [pair for pair in _constants(judged.routes.subject) if pair[0] != 1 and abs(ratio - pair[0]) <= near]
    if not constants:
        return f"{_short(ratio, max(room, 1e-6)):.6g} times ours"
    best = min(abs(ratio - value) for value, _ in constants)
    fitting = [(value, words) for value, words in constants if abs(ratio - value) <= best + 1e-12]
    said = [words for _, words in fitting if words not in GENERAL] or [fitting[0][1]]
    return f"{_factor(fitting[0][0])}: {', or '.join(said)}"


def _factor(value: float) -> str:
    fraction = Fraction(value).limit_denominator(10_000)
    if abs(float(fraction) - value) > 1e-12 * abs(value):
        return f"{value:.6g} times ours"
    return f"{fraction} of ours" if fraction.denominator > 1 else f"{fraction} times ours"


def _constants(subject: Subject) -> list[tuple[float, str]]:
    out: list[tuple[float, str]] = [(-1.0, "the opposite sign")]
    if isinstance(subject.problem, Problem):
        out += _of_loss(subject.problem)
    training = subject.problem.training
    rate: Any = None if training is None else training.learning_rate.floats
    if rate is not None and float(rate) not in (0.0, 1.0):
        out += [
            (float(rate), "multiplied with the learning rate"),
            (-float(rate), "the update, -eta times the gradient"),
        ]
    return [*out, (2.0, GENERAL[0]), (0.5, GENERAL[1])]


def _of_loss(problem: Problem) -> list[tuple[float, str]]:
    """The conventions of a loss over K outputs and N samples."""
    K, N, name = problem.network.sizes[-1], problem.samples, problem.network.loss.name
    out: list[tuple[float, str]] = []
    if N > 1:
        out += (
            [(N, f"the sum over {N} samples instead of the mean")]
            if problem.training.reduction == "mean"
            else [(1 / N, f"mean over {N} samples instead of the sum")]
        )
    if K > 1 and "squared" in name:
        out += (
            [(1 / K, f"mean over {K} outputs instead of the sum")]
            if "mean" not in name
            else [(float(K), f"the sum over {K} outputs instead of the mean")]
        )
    if name == "half_squared_error":
        out += [(2.0, "the squared error without its 1/2"), (2 / K, "the mean squared error instead of half the sum")]
        out += [(2 / (K * N), "the mean squared error over outputs and samples")]
    elif name == "half_mean_squared_error":
        out += [(2.0, "the mean squared error without a 1/2 before it")]
    elif "squared" in name:
        out += [(0.5, "the squared error with a 1/2 before it")]
    if K > 1 and N > 1:
        out += [(1 / (K * N), f"mean over {K} outputs and {N} samples instead of the sum")]
    if K > 1 and "squared" not in name:
        out += [(1 / K, f"mean over {K} outputs instead of the sum")]
    return out


def _transposed(judged: Judged, name: str) -> bool:
    x, ours = judged.checked[name], judged.routes.symbolic[name]
    square = x.ndim == 2 and x.shape[0] == x.shape[1] > 1
    if not square or judged.routes.subject.arrays[name].role is not Role.GRADIENT or not np.isfinite(x).all():
        return False
    allowed = np.broadcast_to(judged.allowed[name], x.shape)
    return bool((np.abs(x.T - ours) <= np.maximum(allowed, allowed.T)).all())
