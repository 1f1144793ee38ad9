"""Which wrong numbers are causes and which only inherit; and whether one constant explains them all.

The step is worked again from what was given: each quantity by its own equation from the numbers before it, the wrong
ones included.  A wrong number that this gives inherits; one that it does not give is a cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64
from derivations.names import KINDS
from tracer.verification.bounds import U32, U64
from tracer.verification.case import Array, Case
from tracer.verification.judging import Judged
from tracer.verification.symbolic import jacobian, loss_slope_of, slope
from tracer.verification.updates import updated

__all__ = ["causes", "constant_words"]

Key = tuple[str, int]
ENOUGH = 1e3
GENERAL = ("twice as large", "half as large")


def causes(judged: Judged) -> dict[Key, Array]:
    """The wrong entries that do not follow from earlier wrong ones."""
    if not judged.wrong:
        return {}
    return _Followed(judged).causes


class _Followed:
    """The step carried on from what was given."""

    def __init__(self, judged: Judged) -> None:
        self.judged, self.case = judged, judged.routes.case
        self.causes: dict[Key, Array] = {}
        self.any_wrong = False
        with np.errstate(all="ignore"):
            self._forward()
            self._backward()

    def _forward(self) -> None:
        case = self.case
        a, z = list(case.a), list(case.z)
        for l, layer in case.problem.network:
            bias = case.b[l]
            minus = layer.bias is not None and layer.bias.letter == "theta"
            expected = case.W[l] @ z[l - 1]
            if bias is not None:
                expected = expected - bias if minus else expected + bias
            a[l] = self._taken(("a", l), expected)
            z[l] = self._taken(("z", l), layer.activation.at(FLOAT64, a[l]))
        sides = {l: np.where(a[l] == case.a[l], side, a[l] > 0) for l, side in case.sides.items()}
        self.case = replace(case, a=tuple(a), z=tuple(z), sides=sides)
        parts = self.case.loss_parts()
        if parts is not None:
            plain = case.problem.network.loss.parts
            assert plain is not None
            parts = self._taken(("E_part", 0), parts, plain(FLOAT64, z[case.L], case.t))
            losses = self.case.losses(parts)
            for key, expected in losses.items():
                self._taken(key, expected)

    def _backward(self) -> None:
        case, y = self.case, self.case.z[self.case.L]
        loss, t = case.problem.network.loss, case.t
        signal = loss_slope_of(loss.parts, len(y))(y, t if t is not None else 0 * y)
        dz = self._taken(("dz", case.L), signal)
        for l in range(case.L, 0, -1):
            delta = self._delta(l, dz)
            taken = {key: self._taken(key, expected) for key, expected in case.parameters(l, delta).items()}
            updated(case, l, taken, self._taken)
            dz = self._taken(("dz", l - 1), case.W[l].T @ delta)

    def _delta(self, l: int, dz: Array) -> Array:
        case, f = self.case, self.case.layer(l).activation
        if f.elementwise:
            expected = self._taken(("slope", l), slope(case, l)) * dz
        else:
            J = self._taken(("J", l), jacobian(f, case.a[l]))
            expected = (J * dz[:, None]).sum(axis=0)
        if l == case.L and case.problem.fused:
            return self._taken(("delta", l), case.z[l] - case.t, expected)
        return self._taken(("delta", l), expected)

    def _taken(self, key: Key, expected: Array, other: Array | None = None) -> Array:
        """What the rest is worked from; a wrong entry that nothing before it explains is a cause."""
        judged, true = self.judged, self.judged.routes.symbolic[key]
        wrong = judged.wrong.get(key)
        if not self.any_wrong:
            expected = np.where(np.isfinite(true), true, expected)
        if wrong is None:
            known = key in judged.checked
            if known and self.any_wrong:
                return np.where(np.isnan(judged.checked[key]), expected, judged.checked[key])
            return expected
        x = judged.checked[key]
        follows = self._near(key, x, expected)
        if other is not None:
            follows |= self._near(key, x, other)
        cause = wrong & ~(follows & self.any_wrong)
        if cause.any():
            self.causes[key] = cause
        self.any_wrong = True
        return np.where(wrong, x, expected)

    def _near(self, key: Key, x: Array, expected: Array) -> Array:
        u = U32 if key in self.judged.claim.single else U64
        return np.asarray(np.abs(x - expected) <= self.judged.allowed[key] + ENOUGH * u * np.abs(expected))


# --- one constant for all ---


def constant_words(judged: Judged) -> list[str]:
    """What explains the wrong numbers together: a constant, a transpose, a learning rate."""
    wrong = {key[0] for key in judged.wrong}
    if wrong and wrong <= {"W_new", "b_new"}:
        return _rate_words(judged)
    kinds = wrong & {"dW", "db", "delta", "dz"}
    gradients = [key for key in judged.checked if key[0] in kinds]
    if not gradients or any(key[0] not in kinds and KINDS[key[0]].stage != "update" for key in judged.wrong):
        return []
    ratio = _fitted(judged, gradients, {})
    if ratio is not None:
        return [f"every gradient is {ratio_text(judged, *ratio)}"]
    out = []
    for l in range(1, judged.routes.case.L + 1):
        keys = [key for key in gradients if key[1] == l and key in judged.wrong]
        entries = sum(int(np.isfinite(judged.checked[key]).sum()) for key in keys)
        ratio = _fitted(judged, keys, {}) if entries > 2 else None
        if ratio is not None:
            out.append(f"every gradient of layer {l} that is wrong is {ratio_text(judged, *ratio)}")
        elif _transposed(judged, ("dW", l)):
            out.append(f"dW{l} is the transpose of ours: one row for each unit, one column for each input")
    return out


def _rate_words(judged: Judged) -> list[str]:
    """What explains wrong updates of right gradients: another learning rate, the opposite sign."""
    case = judged.routes.case
    keys = [key for key in judged.checked if key[0] in ("W_new", "b_new")]
    fitted = _fitted(judged, keys, {key: (case.W if key[0] == "W_new" else case.b)[key[1]] for key in keys})
    if fitted is None:
        return []
    if fitted[0] == 0:
        return ["nothing is updated: the numbers are those before the step"]
    eta = float(case.problem.training.learning_rate.floats)
    rate = _short(fitted[0] * eta, 3 * fitted[1] + 1e-12)
    if rate == -eta:
        return ["every update has the opposite sign: it goes up the gradient"]
    return [f"every update is made with a learning rate of {rate:g}; the problem has {eta:g}"]


def _fitted(judged: Judged, keys: list[Key], start: Mapping[Key, Array]) -> tuple[float, float] | None:
    """The one factor between what is given and ours, and how well it is known, relative to itself.

    Both are taken from `start`.  None where there is none, or fewer than two numbers say so.
    """
    if not keys:
        return None
    x = np.concatenate([np.ravel(judged.checked[key] - start.get(key, 0.0)) for key in keys])
    ours = np.concatenate([np.ravel(judged.routes.symbolic[key] - start.get(key, 0.0)) for key in keys])
    allowed = np.concatenate([np.ravel(judged.allowed[key] + 0 * judged.checked[key]) for key in keys])
    given = np.isfinite(x) & np.isfinite(ours) & np.isfinite(allowed)
    x, ours, allowed = x[given], ours[given], allowed[given]
    if len(x) < 2 or not np.abs(ours).max() > 0:
        return None
    place = int(np.argmax(np.abs(ours)))
    ratio = float(x[place] / ours[place])
    factor = max(abs(ratio), 1.0)
    u = U32 if any(key in judged.claim.single for key in keys) else U64
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
    constants = [pair for pair in _constants(judged.routes.case) if pair[0] != 1 and abs(ratio - pair[0]) <= near]
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


def _constants(case: Case) -> list[tuple[float, str]]:
    K, N, name = len(case.z[case.L]), case.N, case.problem.network.loss.name
    mean = case.problem.training.reduction == "mean"
    out: list[tuple[float, str]] = [(-1.0, "the opposite sign")]
    if N > 1:
        out += (
            [(N, f"the sum over {N} samples instead of the mean")]
            if mean
            else [(1 / N, f"mean over {N} samples instead of the sum")]
        )
    if K > 1 and "squared" in name:
        summed = "mean" not in name
        out += (
            [(1 / K, f"mean over {K} outputs instead of the sum")]
            if summed
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
    rate: Any = case.problem.training.learning_rate.floats
    if float(rate) not in (0.0, 1.0):
        out += [
            (float(rate), "multiplied with the learning rate"),
            (-float(rate), "the update, -eta times the gradient"),
        ]
    return [*out, (2.0, GENERAL[0]), (0.5, GENERAL[1])]


def _transposed(judged: Judged, key: Key) -> bool:
    x = judged.checked.get(key)
    ours = judged.routes.symbolic[key]
    if key not in judged.wrong or x is None or x.shape[0] != x.shape[1] or not np.isfinite(x).all():
        return False
    allowed = np.broadcast_to(judged.allowed[key], x.shape)
    return bool((np.abs(x.T - ours) <= np.maximum(allowed, allowed.T)).all())
