"""How far a correct number may be from the true one: rounding by a running bound, truncation by a majorant.

Nothing is set by a user.  Rounding (Higham 2002, chapter 3): every sum of n products is good to (n + 3) u of the
sum of sizes, in any order; functions are good to 4 ulp; errors so far are carried on through |W|, |h'| and sup |h''|.
Truncation: a two-sided difference of step h is off by h^2/6 sup |E'''|; the third derivative of the loss along one unit
is bounded through the layers by the largest row sums of |W| and the bounds of h', h'', h''' below.  Bounds set
tolerances, never values.

Letters: u half an ulp of 1, a, z, dz, delta as ever; `of["a", 1]` is the bound of every number of a1.
"""

from __future__ import annotations

import math

import numpy as np

from tracer.verification.case import Array, Arrays, Case
from tracer.verification.differences import STEP
from tracer.verification.spread import LOSS
from tracer.verification.unlisted import loss_suprema_near, suprema_near

__all__ = ["SUPREMA", "U32", "U64", "rounding", "steps_and_truncation"]

U64, U32 = 2.0**-53, 2.0**-24
FUNCTION = 10.0  # 4 ulp are 8 u, and one operation around
SMALLEST = 2.0**-500  # a step; networks that need a smaller one are beyond what floats can move
SLACK = 2.0  # terms of second order in u, and what the two other routes round

SUPREMA: dict[str, tuple[float, float, float]] = {
    "identity": (1.0, 0.0, 0.0),
    "sigmoid": (0.25, 0.0963, 0.125),
    "tanh": (1.0, 0.7699, 2.0),
    "relu": (1.0, 0.0, 0.0),
    "leaky_relu": (1.0, 0.0, 0.0),
    "elu": (1.0, 1.0, 1.0),
    "softplus": (1.0, 0.25, 0.0963),
    "silu": (1.1, 0.5, 0.309),
    "gelu": (1.13, 0.798, 0.779),
    "softmax": (2.0, 8.0, 48.0),
}
"""Bounds of |h'|, |h''|, |h'''|; softmax: of a whole column along any direction of size 1."""


def suprema(case: Case, l: int) -> tuple[float, float, float]:
    """Bounds of the first three derivatives in a layer: the listed ones, or the formula's own around the layer's a."""
    f = case.layer(l).activation
    return SUPREMA.get(f.name) or suprema_near(f, case.a[l])


def rounding(case: Case, values: Arrays, u: float) -> Arrays:
    """The rounding bound of every quantity of backpropagation at unit roundoff u; `values` are their sizes."""
    with np.errstate(all="ignore"):
        out = _forward(case, values, u)
        out |= _backward(case, values, u, out)
        return {key: _slackened(bound, _tiny(u)) for key, bound in out.items()}


def _tiny(u: float) -> float:
    """What gradual underflow may take away: far below every number that is not about to vanish."""
    return 1e-300 if u < 1e-10 else 1e-37


def _slackened(bound: Array, tiny: float) -> Array:
    bound = SLACK * bound
    bound += tiny
    return np.where(np.isnan(bound), np.inf, bound) if math.isnan(bound.sum()) else bound


def _forward(case: Case, values: Arrays, u: float) -> Arrays:
    out: Arrays = {}
    ez = u * np.abs(case.x)
    for l, layer in case.problem.network:
        size = np.abs(case.W[l]) @ np.abs(case.z[l - 1])
        size = size if case.b[l] is None else size + np.abs(case.b[l])
        out["a", l] = ea = np.abs(case.W[l]) @ ez + (layer.inputs + 3) * u * size
        out["z", l] = ez = _value_bound(case, l, values, ea, u)
    if ("E_part", 0) in values:
        out["E_part", 0] = parts = _loss_bound(case, values, out["a", case.L], ez, u)
        each = parts.sum(axis=0) + (len(parts) + 2) * u * np.abs(values["E_part", 0]).sum(axis=0)
        if case.N > 1:
            out["E_sample", 0] = each
        total = np.abs(values["E_part", 0]).sum()
        out["E", 0] = (each.sum() + (case.N + 3) * u * total) * case.share
    return out


def _value_bound(case: Case, l: int, values: Arrays, ea: Array, u: float) -> Array:
    name, a, z = case.layer(l).activation.name, case.a[l], np.abs(case.z[l])
    if name == "identity":
        return ea
    if name == "softmax":
        below = a.max(axis=0) - a
        most = ea.max(axis=0)
        own = z * (2 * most + u * (below + FUNCTION + len(a))) + 4 * z * most**2 + _tiny(u)
        return np.where(most < 0.25, own, 1.0)  # far off, a z that vanished may be anything from 0 to 1
    steepest, second, _ = suprema(case, l)
    first = np.abs(values["slope", l])
    if case.layer(l).activation.kinks:  # within rounding of a kink the other side's slope may hold
        first = np.where(np.abs(a) <= ea, np.maximum(first, steepest), first)
    absolute = {"elu": a < 0, "softplus": a < 1, "gelu": np.abs(a)}.get(name, 0)
    absolute = absolute if name in SUPREMA else 1 + np.abs(a)  # whatever its formula adds up
    return first * ea + second * ea * ea + FUNCTION * u * (z + absolute) + _tiny(u)


def _loss_bound(case: Case, values: Arrays, ea: Array, ey: Array, u: float) -> Array:
    name, y, a = case.problem.network.loss.name, case.z[case.L], case.a[case.L]
    part = np.abs(values["E_part", 0])
    if name == "output":
        return ey
    t = case.t
    if name not in LOSS:
        first, second, _ = _loss_suprema(case)
        return first * ey + second * ey * ey + FUNCTION * u * (part + 1 + np.abs(y) + np.abs(t))
    if "squared" in name:
        off = ey + u * (np.abs(y) + 2 * np.abs(t))
        return 2 * (np.abs(y - t) * off + off * off) + FUNCTION * u * part
    if case.problem.fused and name == "cross_entropy":
        size = np.abs(a).max(axis=0) + np.abs(a) + math.log(len(a)) + 1
        return np.abs(t) * (2 * ea.max(axis=0) + (FUNCTION + len(a)) * u * size)
    if case.problem.fused:
        return ea + FUNCTION * u * (np.abs(a) + 1)
    log_y = _log_bound(np.abs(t), y, ey)
    other = _log_bound(np.abs(1 - t), 1 - y, ey + 2 * u) if name == "binary_cross_entropy" else 0.0
    return log_y + other + FUNCTION * u * (part + np.abs(t) + np.abs(1 - t) * 1.0)


def _log_bound(t: Array, y: Array, ey: Array) -> Array:
    return np.where(t == 0, 0.0, np.where(ey < y / 2, t * ey / (y - ey), np.inf))


def _over_bound(t: Array, y: Array, ey: Array, u: float) -> Array:
    fine = ey < np.abs(y) / 2
    return np.where(t == 0, 0.0, np.where(fine, 2 * t * ey / (y * y) + FUNCTION * u * t / np.abs(y), np.inf))


def _output_signal_bound(case: Case, values: Arrays, ey: Array, u: float) -> Array:
    loss, y = case.problem.network.loss, case.z[case.L]
    if loss.name in ("given", "output"):
        return u * np.abs(values["dz", case.L])
    t = case.t
    if loss.name not in LOSS:
        first, second, _ = _loss_suprema(case)
        return second * ey + FUNCTION * u * (first + 1 + np.abs(y) + np.abs(t))
    if "squared" in loss.name:
        factor = (1.0 if "half" in loss.name else 2.0) / (len(y) if "mean" in loss.name else 1)
        return factor * (ey + 3 * u * (np.abs(y) + 2 * np.abs(t)))
    own = _over_bound(np.abs(t), y, ey, u)
    if loss.name == "cross_entropy":
        return own
    size = np.abs(t / y) + np.abs((1 - t) / (1 - y))
    return own + _over_bound(np.abs(1 - t), 1 - y, ey + 2 * u, u) + u * np.where(np.isfinite(size), size, 0)


def _slope_bound(case: Case, l: int, s: Array, ea: Array, ez: Array, u: float) -> Array:
    f, a, z = case.layer(l).activation, case.a[l], case.z[l]
    _, second, _ = suprema(case, l)
    size = {"sigmoid": np.abs(z), "softplus": np.abs(s), "relu": 0, "identity": 0, "elu": np.abs(s)}.get(f.name, 1.0)
    size = size + np.abs(a) if f.name in ("silu", "gelu") or f.name not in SUPREMA else size
    own = 2 * np.abs(z) * ez if f.name == "tanh" else ez if f.name == "sigmoid" else second * ea
    return np.maximum(second * ea, own) + FUNCTION * u * (size + np.abs(s)) + 0 * a + _tiny(u)


def _delta_bound(case: Case, l: int, values: Arrays, out: Arrays, edz: Array, u: float) -> tuple[Arrays, Array]:
    f, dz = case.layer(l).activation, values["dz", l]
    ea, ez = out["a", l], out["z", l]
    if f.elementwise:
        s = values["slope", l]
        es = _slope_bound(case, l, s, ea, ez, u)
        return {("slope", l): es}, np.abs(s) * edz + es * np.abs(dz) + _both(es, edz) + 3 * u * np.abs(s * dz)
    J, z = np.abs(values["J", l]), np.abs(case.z[l])
    eJ = ez[:, None] * z[None] + z[:, None] * ez[None] + ez[:, None] * ez[None] + FUNCTION * u * J
    k = np.arange(len(z))
    eJ[k, k] += ez + FUNCTION * u * z
    paths = (
        J * edz[:, None]
        + eJ * np.abs(dz)[:, None]
        + _both(eJ, edz[:, None])
        + (len(z) + 3) * u * J * np.abs(dz)[:, None]
    )
    return {("J", l): eJ}, paths.sum(axis=0)


def _both(p: Array, q: Array) -> Array:
    return np.where(p == 0, 0.0, p * q)


def _backward(case: Case, values: Arrays, u: float, forward: Arrays) -> Arrays:
    out: Arrays = {}
    edz = _output_signal_bound(case, values, forward["z", case.L], u)
    out["dz", case.L] = edz
    for l in range(case.L, 0, -1):
        own, ed = _delta_bound(case, l, values, forward, edz, u)
        if l == case.L and case.problem.fused:
            ed = forward["z", l] + 3 * u * (np.abs(case.z[l]) + np.abs(case.t))
            if not case.layer(l).activation.elementwise:
                ed = ed + len(ed) * u * case.z[l]
        delta = np.abs(values["delta", l])
        out |= own
        out["delta", l] = ed
        out |= _parameter_bounds(case, l, delta, ed, forward, u)
        W = np.abs(case.W[l])
        out["dz", l - 1] = edz = W.T @ ed + (len(W) + 3) * u * (W.T @ delta)
    return out


def _parameter_bounds(case: Case, l: int, delta: Array, ed: Array, forward: Arrays, u: float) -> Arrays:
    ez = u * np.abs(case.x) if l == 1 else forward["z", l - 1]
    z = np.abs(case.z[l - 1])
    out = case.parameters(l, ed, z + ez)
    sizes = case.parameters(l, delta, ez + (case.N + 4) * u * z)
    out["dW", l] = out["dW", l] + sizes["dW", l]
    if ("db", l) in out:
        count = delta.size if case.layer(l).bias.shared else case.N  # type: ignore[union-attr]
        out["db", l] = np.abs(out["db", l]) + (count + 4) * u * np.abs(case.parameters(l, delta, z)["db", l])
    return out


# --- truncation ---


def steps_and_truncation(case: Case, values: Arrays) -> tuple[dict[int, float], Arrays]:
    """The step in each layer, and the bound of what it cuts off; relative to that of dE/dz of the layer."""
    steps: dict[int, float] = {}
    out: Arrays = {}
    for l in range(case.L, -1, -1):
        growth, second, third = (1.0, 0.0, 0.0) if l == case.L else _majorant(case, l)
        steps[l] = h = max(STEP / max(1.0, growth), SMALLEST)
        cut = _cut_at_output(case, h) if l == case.L else h * h * third / 6 * 1.1 + _ends(h) * second
        cut = math.inf if h == SMALLEST else cut
        top = float(np.abs(values["dz", l]).max(initial=0.0))
        out |= _cut(case, l, h, cut if cut == cut else math.inf, top)
    return steps, out


def _ends(h: float) -> float:
    """How far the ends of a step, rounded, may lie from where they should."""
    return 4 * U64 * h


def _cut_at_output(case: Case, h: float) -> float:
    """Squares have no third derivative; where the loss is a logarithm the step is h min(y, 1 - y)."""
    if case.problem.network.loss.name not in LOSS:
        return h * h / 6 * _loss_suprema(case)[2] * 1.1
    if "entropy" not in case.problem.network.loss.name:
        return 2 * _ends(h)
    y, t = case.z[case.L], case.t
    with np.errstate(all="ignore"):
        slopes = np.where(t == 0, 0.0, np.abs(t / y)) + np.where(t == 1, 0.0, np.abs((1 - t) / (1 - y)))
    return float(h * h * slopes.max())


def _cut(case: Case, l: int, h: float, cut: float, dz: float) -> Arrays:
    out: Arrays = {("dz", l): np.float64(cut)}
    if l:
        f = case.layer(l).activation
        own = h * h / 6 * suprema(case, l)[2] * 1.1
        out["slope" if f.elementwise else "J", l] = np.float64(own)
        J = case.layer(l).units if not f.elementwise else 1
        delta = J * (cut * 2 + own * dz)
        out["delta", l] = np.float64(delta)
        top = float(np.abs(case.z[l - 1]).max(initial=1.0))
        out["dW", l] = np.float64(delta * top * case.N)
        if case.layer(l).bias is not None:
            out["db", l] = np.float64(delta * case.N * case.layer(l).units)
    return out


def _majorant(case: Case, l: int) -> tuple[float, float, float]:
    """How much a step in z of layer l can grow on its way up, and bounds of the loss's second and third derivative."""
    z1, z2, z3, growth = 1.0, 0.0, 0.0, 1.0
    for k in range(l + 1, case.L + 1):
        W = np.abs(case.W[k])
        norm = float(W.max() if k == l + 1 else W.sum(axis=1).max())
        a1, a2, a3 = norm * z1, norm * z2, norm * z3
        h1, h2, h3 = suprema(case, k)
        if k == case.L and case.problem.fused:
            h1, h2, h3 = 1.0, 0.0, 0.0
        z1, z2, z3 = h1 * a1, _sum(h2 * a1 * a1, h1 * a2), _sum(h3 * a1 * a1 * a1, 3 * h2 * a1 * a2, h1 * a3)
        growth = max(growth, a1, z1)
    g1, g2, g3 = _loss_suprema(case)
    K = len(case.z[case.L])
    if g3 > 1:  # logarithms: the step shrinks with the smallest argument
        growth *= g3
    return growth, K * _sum(g1 * z2, g2 * z1 * z1), K * _sum(g1 * z3, 3 * g2 * z1 * z2, g3 * z1 * z1 * z1)


def _sum(*terms: float) -> float:
    return min(math.fsum(t for t in terms if t == t), 1e300)


def _loss_suprema(case: Case) -> tuple[float, float, float]:
    loss, y, t = case.problem.network.loss, case.z[case.L], case.t
    name = loss.name
    if name not in LOSS:
        return loss_suprema_near(loss, y, t)
    if case.problem.fused:
        return 2.0, 1.0, 1.0
    if name == "output":
        return 1.0, 0.0, 0.0
    if name == "given":
        return float(np.abs(t).max()), 0.0, 0.0
    if "squared" in name:
        return 2 * float(np.abs(y - t).max()), 2.0, 0.0
    least = float(np.minimum(y, 1 - y).min() if name.startswith("binary") else y.min())
    return (1 / least, 1 / least / least, 2 / least / least / least) if least > 1e-90 else (math.inf,) * 3
