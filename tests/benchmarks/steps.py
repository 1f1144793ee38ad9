"""What a step of written equations costs beside the same step in plain numpy: `python tests/benchmarks/steps.py`.

Three ratios of processor time, each from alternating runs in one process, the median printed; the numpy side keeps
every array that the step keeps:

- attention of 8 tokens and 16 dimensions (target 3);
- a recurrent network of 32 units over 50 times (target 4);
- a convolution of 8 channels over 28 x 28, a pool and a dense layer (target 5).

And how long reading and making each example of `examples_of_steps` takes (target 40 ms, the median of some).
Exit 1 if a target is missed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.step import alternating, report
from steps import FOLDER, NAMES, example

from derivations.arithmetic import FLOAT64

Numbers = Mapping[str, Any]
MAKING = 40.0  # milliseconds

ATTENTION = """
Q[p,d] = Σ_e Wq[d,e]*x[p,e]
K[p,d] = Σ_e Wk[d,e]*x[p,e]
V[p,e] = Σ_f Wv[e,f]*x[p,f]
s[p,r] = Σ_d Q[p,d]*K[r,d]/sqrt(|d|)
A[p,r] = softmax_r(s[p,r])
o[p,e] = Σ_r A[p,r]*V[r,e] + x[p,e]
E = Σ_{p,e} (o[p,e] - t[p,e])^2/2
"""


def attention(g: Numbers) -> dict[str, Any]:
    """The step as one would write it, the gradient of the input included."""
    x, t, Wq, Wk, Wv = (g[name] for name in ("x", "t", "Wq", "Wk", "Wv"))
    root = np.sqrt(Wq.shape[0])
    Q, K, V = x @ Wq.T, x @ Wk.T, x @ Wv.T
    s = Q @ K.T / root
    e = np.exp(s - s.max(1, keepdims=True))
    A = e / e.sum(1, keepdims=True)
    o = A @ V + x
    E = ((o - t) ** 2 / 2).sum()
    do = o - t
    dA, dV = do @ V.T, A.T @ do
    ds = A * (dA - (dA * A).sum(1, keepdims=True))
    dQ, dK = ds @ K / root, ds.T @ Q / root
    dx = do + dQ @ Wq + dK @ Wk + dV @ Wv
    return {"E": E, "dWq": dQ.T @ x, "dWk": dK.T @ x, "dWv": dV.T @ x, "dx": dx, "dA": dA, "ds": ds, "o": o}


RECURRENT = """
h[0,k] = 0
a[t,j] = Σ_i Wx[j,i]*x[t,i] + Σ_k Wh[j,k]*h[t-1,k] + b[j]
h[t,j] = tanh(a[t,j])
y[t,m] = Σ_j V[m,j]*h[t,j]
E = Σ_{t,m} (y[t,m] - target[t,m])^2/2
"""


def recurrent(g: Numbers) -> dict[str, Any]:
    """Forward and back through time."""
    x, target, Wx, Wh, b, V = (g[name] for name in ("x", "target", "Wx", "Wh", "b", "V"))
    T, H = len(x), len(b)
    h, a = np.zeros((T + 1, H)), np.zeros((T, H))
    for k in range(T):
        a[k] = Wx @ x[k] + Wh @ h[k] + b
        h[k + 1] = np.tanh(a[k])
    y = h[1:] @ V.T
    E, dy = ((y - target) ** 2 / 2).sum(), y - target
    dh, da, slope, later = np.zeros((T, H)), np.zeros((T, H)), np.zeros((T, H)), np.zeros(H)
    for k in range(T - 1, -1, -1):
        dh[k] = V.T @ dy[k] + later
        slope[k] = 1 - h[k + 1] ** 2
        da[k] = slope[k] * dh[k]
        later = Wh.T @ da[k]
    return {"E": E, "dWx": da.T @ x, "dWh": da.T @ h[:-1], "db": da.sum(0), "dV": dy.T @ h[1:], "da": da}


CONVOLUTION = """
a[o,p,q] = Σ_{u,v} K[o,u,v]*x[p+u-1,q+v-1] + b[o]
z[o,p,q] = relu(a[o,p,q])
m[o,r,s] = max_{e=1..2,d=1..2}(z[o,2r+e-2,2s+d-2])
y[k] = Σ_{o,r,s} V[k,o,r,s]*m[o,r,s] + c[k]
E = Σ_k (y[k] - t[k])^2/2
"""


def convolution(g: Numbers) -> dict[str, Any]:
    """Windows as one matrix, the pool by reshaping."""
    x, t, K, b, V, c = (g[name] for name in ("x", "t", "K", "b", "V", "c"))
    windows = sliding_window_view(x, (5, 5)).reshape(576, 25)
    a = (windows @ K.reshape(8, 25).T).T.reshape(8, 24, 24) + b[:, None, None]
    z = np.maximum(a, 0)
    pools = z.reshape(8, 12, 2, 12, 2)
    m = pools.max((2, 4))
    y = V.reshape(10, -1) @ m.ravel() + c
    E, dy = ((y - t) ** 2 / 2).sum(), y - t
    dV, dm = np.multiply.outer(dy, m), np.tensordot(dy, V, 1)
    dz = ((pools == m[:, :, None, :, None]) * dm[:, :, None, :, None]).reshape(8, 24, 24)
    slope = (a > 0).astype(float)
    da = slope * dz
    dK, db = (da.reshape(8, 576) @ windows).reshape(8, 5, 5), da.sum((1, 2))
    padded = np.zeros((8, 32, 32))
    padded[:, 4:28, 4:28] = da
    turned = sliding_window_view(padded, (5, 5), axis=(1, 2))
    dx = np.tensordot(turned, K[:, ::-1, ::-1], axes=((0, 3, 4), (0, 1, 2)))
    return {"E": E, "dK": dK, "db": db, "dV": dV, "dx": dx, "dz": dz, "da": da, "dm": dm}


def _drawn(scale: float, *shape: int) -> dict[str, Any]:
    return {"random": list(shape), "scale": scale}


CASES: tuple[tuple[str, float, int, Callable[[Numbers], dict[str, Any]], dict[str, Any]], ...] = (
    (
        "attention 8 x 16",
        3.0,
        40,
        attention,
        {
            "equations": ATTENTION,
            "parameters": {name: _drawn(0.25, 16, 16) for name in ("Wq", "Wk", "Wv")},
            "given": {"x": _drawn(1, 8, 16), "t": _drawn(1, 8, 16)},
            "inputs": ["x"],
        },
    ),
    (
        "recurrent 50 x 32",
        4.0,
        4,
        recurrent,
        {
            "equations": RECURRENT,
            "parameters": {
                "Wx": _drawn(0.3, 32, 8),
                "Wh": _drawn(0.15, 32, 32),
                "b": _drawn(0.3, 32),
                "V": _drawn(0.15, 2, 32),
            },
            "given": {"x": _drawn(1, 50, 8), "target": _drawn(1, 50, 2)},
        },
    ),
    (
        "convolution 8 x 28 x 28, pool, dense",
        5.0,
        4,
        convolution,
        {
            "equations": CONVOLUTION,
            "parameters": {
                "K": _drawn(0.2, 8, 5, 5),
                "b": _drawn(0.2, 8),
                "V": _drawn(0.03, 10, 8, 12, 12),
                "c": _drawn(0.2, 10),
            },
            "given": {"x": _drawn(1, 28, 28), "t": [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]},
            "inputs": ["x"],
        },
    ),
)


def ratio(
    what: str, target: float, many: int, plain: Callable[[Numbers], dict[str, Any]], text: Any, rounds: int
) -> bool:
    """A step against numpy, a few runs at a time, so that both sides meet the same state of the machine."""
    own = example(text)
    given = own.given(FLOAT64)
    for name, array in plain(given).items():
        assert np.allclose(own.program.run(FLOAT64, given)[name], array, rtol=1e-10, atol=1e-13), name

    def ours() -> None:
        for _ in range(many):
            own.program.run(FLOAT64, given)

    def theirs() -> None:
        for _ in range(many):
            plain(given)

    return report(what, alternating(ours, theirs, rounds), target)


def making(name: str, rounds: int) -> bool:
    """Reading, making and planning an example, its first run included in nothing."""
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    spent = []
    for _ in range(rounds):
        begin = time.process_time()
        assert example(text).program.tasks
        spent.append((time.process_time() - begin) * 1e3)
    median = statistics.median(spent)
    met = median <= MAKING
    print(f"made {name}: {median:.1f} ms, target {MAKING:.0f}: {'met' if met else 'MISSED'}")
    return met


def main() -> int:
    """Every ratio, and every example."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    good = [ratio(what, target, many, plain, text, options.rounds) for what, target, many, plain, text in CASES]
    good += [making(name, 5) for name in NAMES]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
