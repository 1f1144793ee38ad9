"""Steps that nobody would teach but anybody could type: each against its own entries, balls and differences.

Letters met twice, sums in sums, indices turned round, no index with coefficient 1, reads outside, recurrences of two
steps; and steps of the size of real exercises against torch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from steps import Example, example, off
from test_derivations.test_core_examples import CHECKS, check_formulas

STRESS: Mapping[str, tuple[str, Mapping[str, list[int]]]] = {
    "quadratic form": ("E = Σ_{i,j} x[i]*A[i,j]*x[j]", {"x": [4], "A": [4, 4]}),
    "diagonal": ("E = Σ_i A[i,i]*x[i]^2", {"A": [3, 3], "x": [3]}),
    "same letter in two sums": ("E = (Σ_i x[i])*(Σ_i y[i]^2)", {"x": [3], "y": [3]}),
    "nested sums": ("E = Σ_i x[i]*Σ_j y[j]^2*x[j]", {"x": [3], "y": [3]}),
    "sum of squares of sums": ("E = Σ_i (Σ_j W[i,j]*x[j])^2", {"W": [3, 2], "x": [2]}),
    "softmax by hand": ("y[k] = exp(a[k])/Σ_q exp(a[q])\nE = Σ_k y[k]^3", {"a": [4]}),
    "pairwise distances": (
        "d2[n,m] = Σ_i (x[n,i] - x[m,i])^2\nE = Σ_{n,m} exp(-d2[n,m])",
        {"x": [4, 3]},
    ),
    "no unit coefficient": ("a[p] = Σ_u K[u]*x[2p+3u-4]\nE = Σ_p a[p]^2", {"K": [2], "x": [9]}),
    "reversed": ("y[p] = x[9-p]*x[p]^2\nE = Σ_p y[p]^2/2\nfor p = 1..8", {"x": [8]}),
    "own difference": ("y[p] = x[p+1] - 2*x[p] + x[p-1]\nE = Σ_p y[p]^2\nfor p = 2..7", {"x": [8]}),
    "circulant by 0 outside": (
        "x is 0 outside\nfor p = 1..5\ny[p] = Σ_q x[p-q+1]*w[q]\nE = Σ_p y[p]^3",
        {"x": [5], "w": [3]},
    ),
    "batch normalisation over three letters": (
        "mu[c] = mean_{n,p,q}(a[n,c,p,q])\nvar[c] = mean_{n,p,q}((a[n,c,p,q] - mu[c])^2)\n"
        "z[n,c,p,q] = (a[n,c,p,q] - mu[c])/sqrt(var[c] + 0.01)\nE = Σ_{n,c,p,q} z[n,c,p,q]*g[n,c,p,q]",
        {"a": [2, 3, 2, 2], "g": [2, 3, 2, 2]},
    ),
    "recurrence of a batch": (
        "h[0,j,n] = 0\nh[t,j,n] = tanh(Σ_i W[j,i]*x[t,i,n] + Σ_k U[j,k]*h[t-1,k,n])\nE = mean_n(Σ_{t,j} h[t,j,n]^2)",
        {"W": [3, 2], "U": [3, 3], "x": [4, 2, 5]},
    ),
    "second order recurrence": (
        "h[0] = s\nh[1] = s^2\nfor t = 2..5\nh[t] = tanh(w*h[t-1] + u*h[t-2])\nE = Σ_q h[q]\nfor q = 1..5",
        {"s": [], "w": [], "u": []},
    ),
    "two layers of recurrence": (
        "f[0,j]=0\ng[0,j]=0\nf[t,j] = tanh(Σ_i W[j,i]*x[t,i] + Σ_k U[j,k]*f[t-1,k])\n"
        "g[t,j] = tanh(Σ_k V[j,k]*f[t,k] + Σ_k Z[j,k]*g[t-1,k])\nE = Σ_{t,j} g[t,j]^2",
        {"W": [2, 3], "U": [2, 2], "V": [2, 2], "Z": [2, 2], "x": [4, 3]},
    ),
    "loss over the start too": (
        "h[0,j] = s[j]\nh[t,j] = tanh(w[j]*h[t-1,j])\nfor t = 1..3\nfor q = 0..3\nE = Σ_{q,j} h[q,j]^2",
        {"s": [2], "w": [2]},
    ),
    "largest of all": ("m[n] = max_{i,j}(x[n,i,j])\nE = Σ_n m[n]^2", {"x": [3, 2, 2]}),
    "several heads": (
        "q[a,p,d] = Σ_e Wq[a,d,e]*x[p,e]\ns[a,p,r] = Σ_d q[a,p,d]*x[r,d]\nA[a,p,r] = softmax_r(s[a,p,r])\n"
        "o[p,e] = Σ_{a,r} Wo[a,e]*A[a,p,r]*x[r,e]\nE = Σ_{p,e} o[p,e]^2",
        {"Wq": [2, 3, 3], "x": [4, 3], "Wo": [2, 3]},
    ),
    "constants are counted": ("E = Σ_{n,i} w*x[i] + Σ_n w\nfor n = 1..7", {"w": [], "x": [3]}),
    "unused letter in a mean": ("y[n] = Σ_i w[i]*x[i]\nfor n = 1..4\nE = mean_n(y[n]^2)", {"w": [3], "x": [3]}),
    "norm": ("r = sqrt(Σ_i x[i]^2)\nu[i] = x[i]/r\nE = Σ_i u[i]*c[i]", {"x": [3], "c": [3]}),
    "cubes and quotients": (
        "E = Σ_i (a[i]^3 - 2*b[i])/(1 + a[i]^2*b[i]^2)^2/3",
        {"a": [3], "b": [3]},
    ),
    # --- beyond the prototype's ---
    "smallest": ("m[n] = min_i(x[n,i])\nE = Σ_n m[n]^3", {"x": [3, 4]}),
    "two terms of one array in a product": ("E = Σ_i x[i]*x[i]*x[i] - x[1]*x[3]", {"x": [3]}),
    "choice of indices' values": (
        "z[j] = a[j]^2 if a[j] > b[j] else a[j]*b[j]\nE = Σ_j z[j]*c[j]",
        {"a": [5], "b": [5], "c": [5]},
    ),
    "a choice below a sum": ("E = Σ_j (a[j] if a[j] > 0 else 0.1*a[j])*w[j]^2", {"a": [5], "w": [5]}),
    "power below": ("E = Σ_i (1 + x[i]^2)^-1 + 1/(2 + x[1]^2)^3", {"x": [3]}),
    "last and first": ("h[0] = s\nh[t] = sin(w[t]*h[t-1])\nE = h[|t|]^2 + h[1]*h[0]", {"s": [], "w": [4]}),
    "backwards in time": ("for t = 1..3\nb[4] = s\nb[t] = cos(w[t]*b[t+1])\nE = Σ_t b[t]^2", {"s": [], "w": [3]}),
    "recurrence over the second index": (
        "h[j,0] = s[j]\nh[j,t] = tanh(w[j,t]*h[j,t-1])\nE = Σ_{j,t} h[j,t]^2",
        {"s": [2], "w": [2, 3]},
    ),
    "grid filled from a corner": (
        "g[0,q] = s[q]\ng[p,q] = tanh(w[p,q]*g[p-1,q])\nE = Σ_{p,q} g[p,q]",
        {"s": [3], "w": [2, 3]},
    ),
    "a loss of one number": ("E = exp(w)*sin(w)/w", {"w": []}),
    "transposed twice": ("B[i,j] = A[j,i]\nC[i,k] = Σ_j B[i,j]*B[k,j]\nE = Σ_{i,k} C[i,k]^2", {"A": [3, 2]}),
    "a mean in a sum": ("E = Σ_j (mean_i(x[i,j]) - mean_i(x[i,j]^2))*c[j]", {"x": [3, 2], "c": [2]}),
    "a sum within a function": ("E = log(Σ_i exp(x[i])) + tanh(Σ_i x[i]*y[i])^2", {"x": [3], "y": [3]}),
    "a mean from 0": ("for t = 0..3\nh[t] = w*w*(1 + w)\nE = mean_t(h[t]) + mean_t(w^3)", {"w": []}),
    "softmax over two places": (
        "A[p,r] = softmax_p(s[p,r])\nB[p,r] = softmax_r(s[p,r])\nE = Σ_{p,r} A[p,r]*B[p,r]^2",
        {"s": [3, 2]},
    ),
}


def stress(name: str) -> Example:
    """A case with drawn numbers."""
    text, shapes = STRESS[name]
    return example({"equations": text, "parameters": {n: {"random": shape} for n, shape in shapes.items()}})


@pytest.mark.parametrize("check", [*CHECKS, check_formulas], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", STRESS)
def test_a_hard_case_holds(name: str, check: Callable[[Example], None]) -> None:
    """Each case passes every check that the examples pass."""
    check(stress(name))


# --- of the size of exercises, against torch ---


def dense(sizes: list[int], samples: int) -> dict[str, Any]:
    """A network of sigmoid layers as equations."""
    lines, parameters, z = list[str](), dict[str, Any](), "x"
    for l, (n, m) in enumerate(itertools.pairwise(sizes), 1):
        i, j = f"u{l - 1}", f"u{l}"
        lines.append(f"a{l}[{j},n] = Σ_{{{i}}} W{l}[{j},{i}]*{z}[{i},n] + b{l}[{j}]")
        lines.append(f"z{l}[{j},n] = sigmoid(a{l}[{j},n])")
        parameters |= {f"W{l}": {"random": [m, n]}, f"b{l}": {"random": [m]}}
        z = f"z{l}"
    last = f"u{len(sizes) - 1}"
    lines.append(f"E = Σ_{{{last},n}} ({z}[{last},n] - t[{last},n])^2/2")
    given = {"x": {"random": [sizes[0], samples]}, "t": {"random": [sizes[-1], samples]}}
    return {"equations": "\n".join(lines), "parameters": parameters, "given": given}


def embedding(words: int, size: int) -> dict[str, Any]:
    """A bag of words."""
    return {
        "equations": "h[d] = mean_p(T[token[p],d])\ny[v] = Σ_d U[v,d]*h[d]\n"
        "s[v] = softmax_v(y[v])\nE = -log(s[answer])",
        "parameters": {"T": {"random": [words, size]}, "U": {"random": [words, size]}},
        "given": {"token": [2, 5, 2, 1], "answer": 4},
    }


def recurrent(times: int, units: int) -> dict[str, Any]:
    """Elman's network with a class at each time."""
    return {
        "equations": "h[0,k] = start[k]\na[t,j] = Σ_i Wx[j,i]*x[t,i] + Σ_k Wh[j,k]*h[t-1,k] + b[j]\n"
        "h[t,j] = tanh(a[t,j])\ny[t,m] = Σ_j V[m,j]*h[t,j]\nE = Σ_{t,m} (y[t,m] - target[t,m])^2/2",
        "parameters": {
            "Wx": {"random": [units, 8]},
            "Wh": {"random": [units, units], "scale": 0.15},
            "b": {"random": [units]},
            "V": {"random": [2, units]},
            "start": {"random": [units]},
        },
        "given": {"x": {"random": [times, 8]}, "target": {"random": [times, 2]}},
    }


def dense_in_torch(p: Mapping[str, Any]) -> Any:
    import torch

    z, l = p["x"], 1
    while f"W{l}" in p:
        z = torch.sigmoid(p[f"W{l}"] @ z + p[f"b{l}"][:, None])
        l += 1
    return ((z - p["t"]) ** 2).sum() / 2


def embedding_in_torch(p: Mapping[str, Any]) -> Any:
    import torch_of_steps

    return torch_of_steps.embedding(p)


def recurrent_in_torch(p: Mapping[str, Any]) -> Any:
    import torch
    import torch_of_steps

    y = torch_of_steps._elman(p, p["start"]) @ p["V"].T
    return ((y - p["target"]) ** 2).sum() / torch.tensor(2.0, dtype=torch.float64)


LARGE = {
    "embedding 5000 × 16": (embedding(5000, 16), embedding_in_torch),
    "recurrent 50 × 32": (recurrent(50, 32), recurrent_in_torch),
    "64-32-10, 100 samples": (dense([64, 32, 10], 100), dense_in_torch),
    "3-2-2": (dense([3, 2, 2], 1), dense_in_torch),
    "eight layers of ten": (dense([10] * 9, 1), dense_in_torch),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_step_is_that_of_torch(name: str) -> None:
    """Objective and gradients in float64, to 1e-12 of the largest entry."""
    torch = pytest.importorskip("torch")
    text, objective = LARGE[name]
    made = example(text)
    s = made.run()
    p = {n: torch.tensor(g.floats, dtype=torch.float64) for n, g in made.numbers.items()}
    for n in made.parameters:
        p[n].requires_grad_()
    E = objective(p)
    E.backward()
    assert off(s["E"], E.detach().numpy()) < 1e-12
    for n in made.parameters:
        assert np.isfinite(s[f"d{n}"]).all()
        assert off(s[f"d{n}"], p[n].grad.numpy()) < 1e-12, n
