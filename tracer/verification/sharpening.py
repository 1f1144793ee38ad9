"""Differences where float64 loses their digits: the same quotient worked in balls, with bits enough for any cancelling.

Signals of a network cancel: dE/dz = sum of w delta may be a ten-thousandth of its terms, and then no float64 gradient
keeps more than twelve digits, whatever the order of its sums.  Such units are found by carrying the variance of
rounding through the network (Higham 2002, section 2.8: errors add up like sqrt(n), not like n), and for these alone
(E(a + h) - E(a - h))/2h is worked from the value formulas in balls.  No derivative formula is used here either.

Letters: a, z, y, t, E, delta, dW, db as ever; `va`, `vz`, `vd` the variances of a, z, delta; u half an ulp of 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from derivations.arithmetic import Ball
from tracer.verification.bounds import SUPREMA, U64
from tracer.verification.case import Array, Arrays, Case, inside, sign
from tracer.verification.spread import LOSS

__all__ = ["blunt", "sharpened"]

BLUNT = 2e-13  # five standard deviations are 1e-12
BITS = 384
STEP = 2.0**-120  # its square is far below the last digit asked for, its inverse far below the bits there are
MOST = 1 << 18  # products in balls, about 0.1 s; a batch that would need more keeps its float64 differences
SHARP = 60  # bits that a ball must be sure of to be taken

BEND = {"identity": 0.0, "sigmoid": 1.0, "tanh": 2.0, "softplus": 1.0}
"""Bounds of |h''/h'|; their slopes are products, so that rounding is relative to the slope itself."""


def sharpened(case: Case, numeric: Arrays) -> Arrays:
    """What replaces arrays of the differences, delta, dW and db, in which some unit has lost its digits."""
    if not _is_smooth(case):
        return {}
    with np.errstate(all="ignore"):
        rows = blunt(case, numeric)
    return _reworked(case, numeric, rows) if rows and _work(case, rows) <= MOST else {}


def _is_smooth(case: Case) -> bool:
    """Whether all functions are listed and none has a kink, at which the branch is frozen."""
    return (
        not case.sides
        and case.problem.network.loss.name in LOSS
        and all(layer.activation.name in SUPREMA for _, layer in case.problem.network)
    )


def _work(case: Case, rows: Mapping[int, Array]) -> int:
    """Products of the forward pass, and of two passes from each unit up."""
    sizes = [int(W.size) for W in case.W[1:]]
    return int(case.N) * (sum(sizes) + 2 * sum(len(units) * sum(sizes[l:]) for l, units in rows.items()))


# --- which ---


def blunt(case: Case, numeric: Arrays) -> dict[int, Array]:
    """The units of each layer, from 0, of whose gradients one may have lost its digits."""
    u2 = U64 * U64
    squares = [None, *(W * W for W in case.W[1:])]
    va, vz = _forward(case, numeric, squares, u2)
    y, t = case.z[case.L], 0.0 if case.t is None else case.t
    most = 1.0 if case.problem.fused else _most(case)
    vd = most * vz[-1] + 4 * u2 * (y * y + t * t)  # of dE/dy, or of delta where the two are one formula
    out: dict[int, Array] = {}
    for l in range(case.L, 0, -1):
        delta = numeric["delta", l]
        if l < case.L or not case.problem.fused:
            vd = _of_delta(case, l, numeric, va[l], vd, u2)
        lost = _lost(case, l, delta, vd, vz[l - 1], u2)
        if lost.any():
            out[l] = np.flatnonzero(lost)
        if l > 1:
            vd = squares[l].T @ (vd + u2 * delta * delta)
    return out


def _most(case: Case) -> float:
    """A bound of the square of the loss's second derivative by one output."""
    name, y = case.problem.network.loss.name, case.z[case.L]
    if "entropy" not in name:
        return 0.0 if name in ("given", "output") else 4.0
    least = float(np.minimum(y, 1 - y).min() if name.startswith("binary") else y.min())
    return least**-4.0 if least > 1e-70 else math.inf


def _forward(case: Case, numeric: Arrays, squares: list[Any], u2: float) -> tuple[list[Array], list[Array]]:
    va: list[Array] = [None]
    vz: list[Array] = [0.0 * case.x]
    for l, layer in case.problem.network:
        a, z = case.a[l], case.z[l]
        va.append(squares[l] @ (vz[-1] + u2 * case.z[l - 1] ** 2) + u2 * a * a)
        own = 4 * u2 * z * z
        if layer.activation.elementwise:
            vz.append(numeric["slope", l] ** 2 * va[-1] + own)
        else:
            vz.append(z * z * (va[-1] + va[-1].max(axis=0)) + 4 * own)
    return va, vz


def _of_delta(case: Case, l: int, numeric: Arrays, va: Array, vdz: Array, u2: float) -> Array:
    f, dz = case.layer(l).activation, numeric["dz", l]
    if not f.elementwise:
        J = numeric["J", l] ** 2
        return (J * (vdz + dz * dz * (2 * va + va.max(axis=0) + 9 * u2))[:, None]).sum(axis=0)
    s = numeric["slope", l] ** 2
    if f.name in BEND:
        return s * (vdz + dz * dz * (BEND[f.name] ** 2 * va + 9 * u2))
    return s * vdz + dz * dz * (SUPREMA[f.name][1] ** 2 * va + u2 * (1 + 9 * s))


def _lost(case: Case, l: int, delta: Array, vd: Array, vz: Array, u2: float) -> Array:
    """Where a variance of dW or db is above what is asked of the number itself."""
    asked, z, bias = BLUNT * BLUNT, case.z[l - 1], case.layer(l).bias
    if bias is not None and bias.shared and (vd + u2 * delta * delta).sum() > asked * delta.sum() ** 2:
        return np.ones(len(delta), bool)
    if case.N == 1:
        lost = (vd > asked * delta * delta).ravel()
        return lost | (delta.ravel() != 0) if l > 1 and (vz > asked * z * z).any() else lost
    d2, z2 = delta * delta, z * z
    of_dW = inside(vd, z2) + inside(d2, vz + 4 * u2 * z2)
    of_db = (vd + u2 * d2).sum(axis=1)
    return (of_dW > asked * inside(delta, z) ** 2).any(axis=1) | (of_db > asked * delta.sum(axis=1) ** 2)


# --- in balls ---


def _reworked(case: Case, numeric: Arrays, rows: Mapping[int, Array]) -> Arrays:
    m, out = Ball(BITS), Arrays()
    with m.working():
        a, z = _passed(case, m)
        for l, units in rows.items():
            delta = _quotients(case, m, a[l], l, units)
            out |= _replaced(case, numeric, l, units, delta, z[l - 1])
    return out


def _replaced(case: Case, numeric: Arrays, l: int, units: Array, delta: Array, z: Array) -> Arrays:
    """The arrays of the layer with the rows of these units put in."""
    out = {("delta", l): _put(numeric["delta", l], units, delta)}
    out["dW", l] = _put(numeric["dW", l], units, _product(delta, z.T), case.share)
    bias = case.layer(l).bias
    if bias is not None and (not bias.shared or len(units) == len(numeric["delta", l])):
        axes, rows = ((0, 1), [0]) if bias.shared else (1, units)
        total = delta.sum(axis=axes, keepdims=True)
        out["db", l] = _put(numeric["db", l], rows, total, sign(case.layer(l)) * case.share)
    return out


def _put(array: Array, rows: Array, balls: Array, factor: float = 1.0) -> Array:
    """A copy with these rows; a ball that is not sharp, such as one around a true zero, replaces nothing."""
    out = np.array(array)
    sharp = np.frompyfunc(lambda ball: ball.is_finite() and ball.rel_accuracy_bits() >= SHARP, 1, 1)(balls)
    values = np.frompyfunc(lambda ball: float(ball.mid()), 1, 1)(balls).astype(float) * factor
    out[rows] = np.where(sharp.astype(bool), values, out[rows])
    return out


def _passed(case: Case, m: Ball) -> tuple[list[Array], list[Array]]:
    """a and z of every layer in balls."""
    a: list[Array] = [None]
    z = [_balls(case.x)]
    for l, layer in case.problem.network:
        a.append(_pre_activation(case, l, z[-1]))
        z.append(layer.activation.formula(m, a[-1]))
    return a, z


def _quotients(case: Case, m: Ball, a: Array, l: int, units: Array) -> Array:
    """dE/da of some units of layer l, each sample's own; (units, samples)."""
    N, count = case.N, len(units)
    h = _balls(STEP)
    a = np.tile(a, 2 * count)  # unit after unit, each up and down, in each the samples
    for k, j in enumerate(units):
        a[j, 2 * k * N : (2 * k + 1) * N] += h
        a[j, (2 * k + 1) * N : (2 * k + 2) * N] -= h
    z = case.layer(l).activation.formula(m, a)
    for k in range(l + 1, case.L + 1):
        z = case.layer(k).activation.formula(m, _pre_activation(case, k, z))
    parts, t = case.problem.network.loss.parts, None if case.t is None else np.tile(_balls(case.t), 2 * count)
    E = (t * z if parts is None else parts(m, z, t)).sum(axis=0).reshape(count, 2, N)
    return (E[:, 0] - E[:, 1]) / (2 * h)


def _pre_activation(case: Case, l: int, z: Array) -> Array:
    a = _product(case.W[l], z)
    return a if case.b[l] is None else a + _balls(sign(case.layer(l)) * case.b[l])


def _product(p: Array, q: Array) -> Array:
    from flint import arb_mat

    rows, inner = p.shape
    product = arb_mat(rows, inner, p.ravel().tolist()) * arb_mat(inner, q.shape[1], q.ravel().tolist())
    out = np.empty(rows * q.shape[1], object)
    out[:] = product.entries()
    return out.reshape(rows, q.shape[1])


def _balls(numbers: Array) -> Array:
    from flint import arb

    return np.frompyfunc(arb, 1, 1)(np.asarray(numbers, float))
