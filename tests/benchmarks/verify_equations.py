"""What verify of equations of one's own costs beside torch's gradcheck: `python tests/benchmarks/verify_equations.py`.

A convolution with pooling and a dense layer, a recurrent network of ten steps, attention; each beside the same in
torch, in double precision.  Alternating in one process, the median of each; before every call a weight is changed, so
that nothing can be remembered.  verify: a trace and all three routes to every parameter and every signal, a tolerance
for each, the verdict; the step is planned once, as torch's function is written once, and what planning takes is told.
torch: gradcheck in slow mode, which sees the parameters alone.  `assume nothing` moves every number by itself.

Exit 1 if a target is missed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional

from derivations.computation import Computation
from derivations.given import Given
from tracer import load, verify

Arrays = dict[str, Any]


class Network(NamedTuple):
    """A network as equations, its numbers, the same in torch, and how many times faster verify must be."""

    equations: str
    parameters: Arrays
    given: Arrays
    twin: Callable[[Arrays], Callable[..., Any]]
    target: int


def convolution() -> Network:
    """Eight kernels of 5 x 5 on an image of 28 x 28, a pool of 2 x 2, ten outputs."""
    rng = np.random.default_rng(2)
    text = """
a[o,p,q] = Σ_{u,v} K[o,u,v]*x[p+u-1,q+v-1] + b[o]
z[o,p,q] = relu(a[o,p,q])
m[o,r,s] = max_{c=1..2,d=1..2}(z[o,2r+c-2,2s+d-2])
y[k] = Σ_{o,r,s} V[k,o,r,s]*m[o,r,s] + g[k]
E = Σ_k (y[k] - t[k])^2/2"""
    parameters = {
        "K": rng.normal(size=(8, 5, 5)) / 5,
        "b": rng.normal(size=8) / 5,
        "V": rng.normal(size=(10, 8, 12, 12)) / 30,
        "g": rng.normal(size=10) / 5,
    }

    def twin(given: Arrays) -> Callable[..., Any]:
        x, t = torch.tensor(given["x"]), torch.tensor(given["t"])

        def loss(K: Any, b: Any, V: Any, g: Any) -> Any:
            m = functional.max_pool2d(functional.relu(functional.conv2d(x[None, None], K[:, None], b)), 2)[0]
            return ((torch.tensordot(V, m, 3) + g - t) ** 2).sum() / 2

        return loss

    return Network(text, parameters, {"x": rng.random((28, 28)), "t": np.eye(10)[3]}, twin, 200)


def recurrent() -> Network:
    """Ten steps of 32 units on 8 inputs, two outputs a step."""
    rng = np.random.default_rng(3)
    text = """
h[0,k] = 0
a[t,j] = Σ_i Wx[j,i]*x[t,i] + Σ_k Wh[j,k]*h[t-1,k] + b[j]
h[t,j] = tanh(a[t,j])
y[t,m] = Σ_j V[m,j]*h[t,j]
E = Σ_{t,m} (y[t,m] - target[t,m])^2/2"""
    parameters = {
        "Wx": rng.normal(size=(32, 8)) / 3,
        "Wh": rng.normal(size=(32, 32)) / 6,
        "b": rng.normal(size=32) / 3,
        "V": rng.normal(size=(2, 32)) / 6,
    }

    def twin(given: Arrays) -> Callable[..., Any]:
        x, target = torch.tensor(given["x"]), torch.tensor(given["target"])

        def loss(Wx: Any, Wh: Any, b: Any, V: Any) -> Any:
            h, E = torch.zeros(32, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
            for x_t, target_t in zip(x, target, strict=True):
                h = torch.tanh(Wx @ x_t + Wh @ h + b)
                E = E + ((V @ h - target_t) ** 2).sum() / 2
            return E

        return loss

    return Network(text, parameters, {"x": rng.normal(size=(10, 8)), "target": rng.normal(size=(10, 2))}, twin, 80)


def attention() -> Network:
    """Eight tokens of 16 numbers: queries, keys, values, softmax, the input added."""
    rng = np.random.default_rng(4)
    text = """
q[p,d] = Σ_e Wq[d,e]*x[p,e]
k[p,d] = Σ_e Wk[d,e]*x[p,e]
v[p,d] = Σ_e Wv[d,e]*x[p,e]
s[p,r] = Σ_d q[p,d]*k[r,d]/4
w[p,r] = softmax_r(s[p,r])
o[p,d] = Σ_r w[p,r]*v[r,d] + x[p,d]
E = Σ_{p,d} (o[p,d] - t[p,d])^2/2"""
    parameters = {name: rng.normal(size=(16, 16)) / 4 for name in ("Wq", "Wk", "Wv")}

    def twin(given: Arrays) -> Callable[..., Any]:
        x, t = torch.tensor(given["x"])[None], torch.tensor(given["t"])

        def loss(Wq: Any, Wk: Any, Wv: Any) -> Any:
            parts = (functional.linear(x, W) for W in (Wq, Wk, Wv))
            return ((functional.scaled_dot_product_attention(*parts)[0] + x[0] - t) ** 2).sum() / 2

        return loss

    return Network(text, parameters, {"x": rng.normal(size=(8, 16)), "t": rng.normal(size=(8, 16))}, twin, 50)


NETWORKS = {
    "convolution 8 x 5 x 5 on 28 x 28, pool, 10": convolution,
    "recurrent, 10 steps, 32 units": recurrent,
    "attention, 8 x 16": attention,
}


def changed(first: Computation, seed: int) -> Computation:
    """The same step with another number in every parameter."""
    rng = np.random.default_rng(seed)
    parameters = {}
    for name, given in first.parameters.items():
        floats = given.floats.copy()
        floats.flat[0] += rng.normal() / 100
        parameters[name] = Given(floats)
    return replace(first, parameters=parameters, like=first.planned)


def timed(call: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1000


def measured(network: Network, rounds: int, times: int) -> tuple[float, float, float, float, int]:
    """Milliseconds: planning and the first call, the median of verify, of assume nothing, of gradcheck; the count."""
    source = {"equations": network.equations, "parameters": network.parameters, "given": network.given}
    begin = time.perf_counter()
    first = load(source)
    assert isinstance(first, Computation)
    found = verify(first)
    planning = (time.perf_counter() - begin) * 1000
    assert found.agrees, found
    loss = network.twin(network.given)
    leaves = [torch.tensor(network.parameters[name], requires_grad=True) for name in network.parameters]
    seeds, ours, nothing, slow = iter(range(10**6)), list[float](), list[float](), list[float]()
    for _ in range(rounds):
        for _ in range(times):
            problem = changed(first, next(seeds))
            ours.append(timed(lambda p=problem: verify(p).agrees))
        problem = changed(first, next(seeds))
        nothing.append(timed(lambda p=problem: verify(p, assume_nothing=True).agrees))
        slow.append(timed(lambda: torch.autograd.gradcheck(loss, leaves)))
        with torch.no_grad():
            leaves[0].view(-1)[0] += 0.01
    return planning, *(statistics.median(each) for each in (ours, nothing, slow)), found.count


def main() -> int:
    """Every network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    good = True
    for name, make in NETWORKS.items():
        network = make()
        planning, ours, nothing, slow, count = measured(network, options.rounds, 5)
        met = slow / ours >= network.target
        good &= met
        print(
            f"{name}: verify {ours:.2f} ms ({count} numbers), gradcheck slow {slow:.0f} ms "
            f"({slow / ours:.0f} times, target {network.target}: {'met' if met else 'MISSED'}); "
            f"assume nothing {nothing:.1f} ms ({slow / nothing:.0f} times); "
            f"planned and first called in {planning:.0f} ms",
            flush=True,
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
