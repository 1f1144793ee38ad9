"""Further files of equations, of structures that no example has: four routes to every gradient agree."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_files import BITS, OwnFile, check_balls, check_differences, check_entries, check_torch

import tracer

FOLDER = Path(__file__).parents[1] / "further_steps"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def named(name: str) -> OwnFile:
    """A file of the folder, loaded once."""
    return OwnFile((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def in_torch(own: OwnFile, name: str) -> None:
    """The check against torch, by the file's name."""
    pytest.importorskip("torch")
    import torch_of_further_steps

    check_torch(own, getattr(torch_of_further_steps, name))


def test_there_are_fifteen_and_more() -> None:
    assert len(set(NAMES)) >= 15


@pytest.mark.parametrize("check", [check_entries, check_differences], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_right(name: str, check: Callable[[OwnFile], None]) -> None:
    """Entry by entry, and by differences."""
    check(named(name))


@pytest.mark.parametrize("name", NAMES)
def test_balls_hold_the_gradients(name: str) -> None:
    """Narrow balls, which overlap those of the entry-by-entry interpreter and hold the numbers of float64."""
    check_balls(named(name))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_torch(name: str) -> None:
    """Objective and gradients in float64, to 1e-12 of the largest entry."""
    in_torch(named(name), name)


# --- planted twins ---


class Wrong(OwnFile):
    """A file whose trace has one gradient entry off by a part in 10^9 of the largest."""

    @cached_property
    def step(self) -> Any:  # type: ignore[override]
        return _Off(tracer.trace(self.problem), f"d{self.differentiated[-1]}", 1e-9)

    @cached_property
    def enclosed(self) -> Any:  # type: ignore[override]
        right = tracer.trace(self.problem, arithmetic="ball", precision=BITS)
        return _Off(right, f"d{self.differentiated[-1]}", 1e-9)


class _Off:
    def __init__(self, trace: Any, name: str, by: float) -> None:
        self.trace, self.name, self.by = trace, name, by

    def __getitem__(self, name: str) -> Any:
        array = self.trace[name]
        if name != self.name:
            return array
        out = np.array(array, object)
        largest = max(abs(float(a)) for a in out.flat)
        at = np.unravel_index(out.size - 1, out.shape)
        out[at] = out[at] + self.by * largest
        return out if out.shape else out.item()


@pytest.mark.parametrize("name", NAMES[::6])
def test_one_entry_off_by_a_part_in_a_thousand_million_is_found(name: str) -> None:
    """By each of the routes that are exact."""
    wrong = Wrong(named(name).text)
    for check in (check_entries, check_balls):
        with pytest.raises(AssertionError):
            check(wrong)
    with pytest.raises(AssertionError):
        in_torch(wrong, name)


@pytest.mark.parametrize("name", NAMES)
def test_another_number_in_the_equations_is_found(name: str) -> None:
    """The text with twice the objective is not what torch has: the two were written apart."""
    own = named(name)
    doubled = re.sub(rf"^{own.objective} = (.*)$", rf"{own.objective} = 2*(\1)", own.text, flags=re.M)
    assert doubled != own.text
    with pytest.raises(AssertionError):
        in_torch(OwnFile(doubled), name)


# --- the largest of expressions ---

LARGEST = """
equations = '''
y[n] = w*x[n]
E = max_n(exp(y[n]))
'''
parameters = {w = 0.37}
given = {x = [1, 2.57, 0.13]}
"""


@pytest.mark.parametrize(
    "digits",
    [2, 3, 4, 8],
)
def test_by_hand_the_largest_of_expressions_has_a_slope(digits: int) -> None:
    """Rounded to a few figures, dw is near that of every digit, and never 0."""
    problem = tracer.loads(LARGEST)
    exact, rounded = tracer.trace(problem)["dw"], tracer.trace(problem, digits=digits)["dw"]
    assert abs(rounded - exact) < 10.0 ** (1 - digits) * exact


# --- samples in turn ---

PLAIN = """
equations = '''
a[j,n] = Σ_i W[j,i]*x[n,i] + b[j]
h[j,n] = softplus(a[j,n])
y[n] = Σ_j v[j]*h[j,n]
E = mean_n((y[n] - t[n])^2/2)
'''
inputs = ["x"]
[parameters]
W = [[0.5, -0.25], [0.75, 1], [-0.5, 0.25]]
b = [0.1, -0.2, 0.3]
v = [1, -0.5, 0.25]
[given]
x = [[1, -0.5], [0.25, 2], [-1, 0.5], [0.75, -1.5]]
t = [0.5, -1, 0, 1]
"""
TRAINING = '[training]\nlearning_rate = 0.3\noptimizer = "adam"\nsample = "n"\n'


def test_samples_in_turn_are_those_of_torch() -> None:
    """Two rounds over four samples, an update after each: weights after every one of eight steps of Adam."""
    torch = pytest.importorskip("torch")
    own = OwnFile(PLAIN + TRAINING + 'samples = "in_turn"\n')
    run = tracer.train(own.problem, 8, record=8)
    P = {n: torch.tensor(own.numbers(n), dtype=torch.float64) for n in ("W", "b", "v", "x", "t")}
    trained = [P[n].requires_grad_() for n in ("W", "b", "v")]
    optimizer = torch.optim.Adam(trained, lr=0.3)
    for k, step in enumerate(run.recorded):
        n = k % 4
        optimizer.zero_grad()
        h = torch.nn.functional.softplus(P["W"] @ P["x"][n] + P["b"])
        ((P["v"] @ h - P["t"][n]) ** 2 / 2).backward()
        optimizer.step()
        for name in ("W", "b", "v"):
            assert np.allclose(_last(step, f"{name}_new"), P[name].detach().numpy(), rtol=0, atol=1e-12), (name, k)


def _last(step: tracer.Trace, name: str) -> Any:
    """An array of a recorded step, whose name has a mark after the first."""
    own = [n for n in step if n.startswith((f"{name}[", f"{name}#", f"{name}@"))]
    mark = re.sub(r"^[^@#]*", "", own[0])
    return step[f"{name}{mark}"]


def test_samples_apart_are_steps_of_their_own() -> None:
    """Each sample's own gradient; their mean is the gradient of the whole."""
    apart = OwnFile(PLAIN + TRAINING + 'samples = "apart"\n').step
    whole = OwnFile(PLAIN).step
    for name in ("dW", "db", "dv"):
        each = [np.asarray(apart[f"{name}@{n}"]) for n in range(1, 5)]
        assert np.allclose(np.mean(each, axis=0), whole[name], rtol=0, atol=1e-14), name
