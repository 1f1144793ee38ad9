"""What drawn files and further structures found, each made as small as it goes, with the numbers that are right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tracer


@dataclass(frozen=True)
class Found:
    """Equations, their numbers, an array and what it should be; what it was for."""

    equations: str
    numbers: str
    name: str
    right: Any
    why: str


FOUND = {
    "a condition that holds nowhere beside a number": Found(
        "z[t] = (2 + [t = 2]*x[t])^-2\nE = w*Σ_t sin(z[t])",
        "parameters = {w = 1}\ngiven = {x = [3]}",
        "dw",
        math.sin(0.25),
        "what was left of the sum was no number of the arithmetic",
    ),
    "a window along a recurrence": Found(
        "for t = 1..3\nfor k = 1..1\nfor u = 1..2\nh[t] = V[t] + w*h[t+1]\nh[4] = 1\nE = Σ_{k,u} h[2k+u]^2",
        "parameters = {V = [1, 2, 3], w = 0.5}",
        "dV",
        [0, 0, 7],
        "scattered along a letter that the recurrence fixes",
    ),
    "a lookup within a test of indices": Found(
        "E = Σ_v [to = v]*w[v]",
        "parameters = {w = [1, 2]}\ngiven = {to = 2}",
        "dw",
        [0, 1],
        "a given that is looked up there alone is not found: KeyError",
    ),
    "a lookup where an array runs further": Found(
        "for t = 1..2\nG[3] = w\nG[t] = w\nE = Σ_t G[t]*x[did[t]]",
        "parameters = {w = 0.5}\ngiven = {x = [1, 2], did = [2, 1]}",
        "dw",
        3,
        "dG[3] looks up did[3]: IndexError",
    ),
    "a function of two of the file": Found(
        "f(a, b) = a*b\nE = f(c, x)",
        "parameters = {c = 3, x = 2}",
        "dx",
        3,
        "alone on a right side its second argument has no slope",
    ),
    "the same in a product": Found(
        "f(a, b) = a*b\nE = f(c, x)*1", "parameters = {c = 3, x = 2}", "dx", 3, "right already"
    ),
    "two functions of one array": Found(
        "h[0] = tanh(c)\nh[1] = tanh(U)\nE = h[1]",
        "parameters = {U = 0.5}\ngiven = {c = 1}",
        "dU",
        1 - math.tanh(0.5) ** 2,
        "slope_h is worked for h[0] alone, and h[1] reads 0",
    ),
    "a recurrence that starts with a function": Found(
        "h[0] = tanh(c)\nh[t] = tanh(U*h[t-1])\nfor t = 1..1\nE = h[1]",
        "parameters = {U = 0.5, c = 1}",
        "dU",
        math.tanh(1) * (1 - math.tanh(0.5 * math.tanh(1)) ** 2),
        "slope_h is worked for h[0] alone",
    ),
    "an array under two letters": Found(
        "for t = 1..2\nfor k = 1..2\nfor e = 1..3\nh[3,k] = 1\nh[t,k] = W[t] + W[k]\nE = Σ_{e,k} h[e,k]",
        "parameters = {W = [5, 7]}",
        "dW",
        [4, 4],
        "the renamed t runs as far as h does",
    ),
    "a range of a sum within a function": Found(
        "h[t] = sin(Σ_{q=3..3} P[q]*U[t])\nE = Σ_t h[t]",
        "parameters = {P = [1, 2, 3], U = [5, 7]}",
        "dU",
        [3 * math.cos(15), 3 * math.cos(21)],
        "in the slope the renamed q runs as far as P does",
    ),
    "a range of a sum within a power": Found(
        "z[l] = (Σ_{u=1..1} P[u]*x[l])^3\nE = z[1]",
        "parameters = {P = [2, 3], x = [5]}",
        "dx",
        [600],
        "in the slope the renamed u runs as far as P does",
    ),
    "a mean over a part of an array": Found(
        "for l = 1..2\nz = mean_l(u[l])*(Σ_l b[l]*x[l])\nE = z",
        "parameters = {b = [5, 7], x = [1, 2, 4]}\ngiven = {u = [1, 3]}",
        "db",
        [2, 4],
        "the renamed l is counted as far as x runs",
    ),
    "a range of a sum, and a softmax": Found(
        "y = Σ_{k=1..2} 2\ns[k] = softmax_k(u[k])\nE = y + Σ_k s[k]^2",
        "parameters = {u = [0, 0, 0]}",
        "du",
        [0, 0, 0],
        "the sum in the softmax's line runs as far as the other line's own range",
    ),
    "a division by a shorter array": Found(
        "for r = 1..2\nE = Σ_r x[r]/c[r]",
        "parameters = {x = [5, 7, 8]}\ngiven = {c = [4, 2]}",
        "dx",
        [0.25, 0.5, 0],
        "0 divided by the 0 that c[3] is read as is NaN",
    ),
    "a sum of numbers": Found(
        "for n = 1..2\nz[n] = 3 + 3\nE = w*Σ_n sin(z[n])",
        "parameters = {w = 1}",
        "dw",
        2 * math.sin(6),
        "an array of whole numbers has no sine: TypeError",
    ),
    "a power of a power of numbers": Found(
        "for n = 1..2\nz[n] = (2^2)^-1\nE = w*Σ_n z[n]",
        "parameters = {w = 1}",
        "dw",
        0.5,
        "whole numbers are not raised to negative powers: ValueError",
    ),
    "an array of a sample apart": Found(
        "y[n,j] = w[j]*x[n]\nE = mean_n(Σ_j y[n,j]^2)",
        "parameters = {w = [1, 2]}\ngiven = {x = [5, 6]}\n"
        'training = {learning_rate = 1, sample = "n", samples = "apart"}',
        "y@1",
        [5, 10],
        "it has an axis of one sample, which the names of its entries have not",
    ),
    "an array of a sample together": Found(
        "y[n,j] = w[j]*x[n]\nE = mean_n(Σ_j y[n,j]^2)",
        'parameters = {w = [1, 2]}\ngiven = {x = [5, 6]}\ntraining = {learning_rate = 1, sample = "n"}',
        "y@1",
        [5, 10],
        "right already",
    ),
}


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_a_small_file_comes_out_right(found: Found) -> None:
    """To 1e-12, and of the shape that its names have."""
    text = f"equations = '''\n{found.equations}\n'''\n{found.numbers}\n"
    array = tracer.trace(tracer.loads(text))[found.name]
    assert np.shape(array) == np.shape(found.right)
    assert np.allclose(array, found.right, rtol=1e-12, atol=1e-12)


# --- what is worked and cannot be printed ---

PRINTED = {
    "a test of a sine": 'equations = "E = w if sin(U) > 0.1 else U"\nparameters = {w = 2, U = 1}',
    "samples apart": (
        "equations = '''\ny[n] = w*x[n]\nE = mean_n(y[n]^2)\n'''\nparameters = {w = 2}\ngiven = {x = [5, 6]}\n"
        'training = {learning_rate = 1, sample = "n", samples = "apart"}'
    ),
}


@pytest.mark.parametrize("text", PRINTED.values(), ids=PRINTED)
def test_what_is_worked_is_printed(text: str) -> None:
    """The table of a trace, with its gradient."""
    assert "dw" in str(tracer.trace(tracer.loads(text)))
