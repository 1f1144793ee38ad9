"""The route by differences: two-sided differences of the forward pass alone, the difference itself carried along.

Moving z[i] of a layer by h moves the pre-activations above by W[:, i] h and nothing below, so the part of the network
before the layer is used as it stands, and all units of a layer are one batched pass: a fourth axis `p` counts them.
A unit's own pre-activation moves that unit alone; so dE/da = (dz/da)(dE/dz), each of them a difference quotient.
A weight enters only through a = W z + b, which is recomputed first; `each_weight` does without that.

Letters: a, z, E as ever; d the whole step, 2h; D the difference of a quantity between the two ends.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.verification.case import Array, Arrays, Case
from tracer.verification.spread import LOSS, fused_spread, loss_spread_of, softmax_spread, spread_of

__all__ = ["STEP", "each_weight", "numeric_route"]

STEP = 2.0**-40
"""The step where sizes are near 1: nothing cancels, so it can be so small that its square is below rounding."""
BLOCK = 1 << 16


def numeric_route(case: Case, steps: dict[int, float]) -> Arrays:
    """Every quantity by differences; `steps[l]` is the step h in z of layer l."""
    with np.errstate(all="ignore"):
        out = case.forward()
        for l in range(case.L, -1, -1):
            h = steps[l]
            out["dz", l] = _at_output(case, h) if l == case.L else through(case, l, h)
            if l:
                out |= _of_layer(case, l, h, out["dz", l])
        return out


def _of_layer(case: Case, l: int, h: float, dz: Array) -> Arrays:
    f, a = case.layer(l).activation, case.a[l]
    out: Arrays = {}
    if f.elementwise:
        slope = spread_of(f)(a, np.float64(2 * h), case.sides.get(l)) / (2 * h)
        out["slope", l] = slope if np.shape(slope) == a.shape else np.broadcast_to(slope, a.shape)
        delta = out["slope", l] * dz
    else:
        n, N = a.shape
        step = 2 * h * np.eye(n)[:, None, :]  # (units, samples, unit moved)
        moved = softmax_spread(a[:, :, None] - step / 2, step + np.zeros((n, N, n)))
        out["J", l] = np.swapaxes(moved, 1, 2) / (2 * h)
        delta = (out["J", l] * dz[:, None]).sum(axis=0)
    if l == case.L and (case.problem.fused or not f.elementwise):
        step = 2 * h * np.eye(len(a))[:, None, :] + np.zeros((len(a), case.N, len(a)))
        delta = loss_moved(case, l, step).T / (2 * h)
    out["delta", l] = delta
    return out | case.parameters(l, delta)


def _at_output(case: Case, h: float) -> Array:
    """dE/dy: each output moves its own part of the loss."""
    loss, y, t = case.problem.network.loss, case.z[case.L], case.t
    step = h if "entropy" not in loss.name else h * np.minimum(np.abs(y), np.abs(1 - y))
    if loss.name == "cross_entropy":
        step = np.where(t == 0, h, step)  # no logarithm there, so y may be 0
    moved = loss_spread_of(loss)(y - step, y + step, 2 * step, 0.0 if t is None else t)
    return moved / (2 * step) + 0 * y


def through(case: Case, l: int, h: float) -> Array:
    """dE/dz of a hidden layer (or of the inputs, l = 0): every unit moved by h either way, in blocks."""
    W, N = case.W[l + 1], case.N
    width = max(1, BLOCK // (max(case.problem.network.sizes[l + 1 :]) * N))
    blocks = [
        loss_moved(
            case,
            l + 1,
            np.repeat((2 * h * W[:, i : i + width])[:, None, :], N, axis=1)
            if N > 1
            else (2 * h * W[:, None, i : i + width]),
        )
        for i in range(0, W.shape[1], width)
    ]
    return np.concatenate(blocks, axis=1).T / (2 * h)


def loss_moved(case: Case, l: int, d: Array) -> Array:
    """The difference of each sample's loss where the pre-activations of layer l move by d; (samples, p).

    d is (units, samples, p), centred on the base point.
    """
    loss, t = case.problem.network.loss, case.t
    t = 0.0 if t is None else t[:, :, None]
    for k in range(l, case.L + 1):
        f = case.layer(k).activation
        a = case.a[k][:, :, None]
        if k == case.L and case.problem.fused and loss.name in LOSS:
            return fused_spread(f.name, a - d / 2, d, t)
        if f.elementwise:
            above = case.sides[k][:, :, None] if k in case.sides else None
            D = spread_of(f)(a, d, above)
        else:
            D = softmax_spread(a - d / 2, d)
        if k < case.L:
            d = case.W[k + 1] @ D.reshape(len(D), -1)
            d = d.reshape(-1, *D.shape[1:])
    y = case.z[case.L][:, :, None]
    return loss_spread_of(loss)(y - D / 2, y + D / 2, D, t).sum(axis=0)


def each_weight(case: Case, l: int, h: float) -> Array:
    """dE/dW of layer l with nothing assumed: every weight moved by h either way; (units, inputs).

    w[j,i] moves a[j] by h z[i] in every sample at once, so the samples' losses are added up.
    """
    units, inputs = case.W[l].shape
    out = np.empty((units, inputs))
    width = max(1, BLOCK // (max(case.problem.network.sizes[l:]) * case.N))
    with np.errstate(all="ignore"):
        for j in range(units):
            for i in range(0, inputs, width):
                z = case.z[l - 1][i : i + width].T  # (samples, p)
                d: Any = np.zeros((units, *z.shape))
                d[j] = 2 * h * z
                out[j, i : i + width] = loss_moved(case, l, d).sum(axis=0) / (2 * h) * case.share
    return out
