"""Blame: the first wrong numbers are causes, what is worked rightly from them inherits; constants are said in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import random_problem
from worked import work_wrongly, wrong_lines

from tracer import load, trace, verify
from tracer.marking.slips.places import hidden
from tracer.tracing import trace_of


def values_of(found: Any) -> dict[str, float]:
    """Every judged number of a trace by name."""
    return {n: v for n, v in found.values.items() if np.isfinite(v)}


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_one_changed_number_is_the_only_cause(seed: int) -> None:
    """Any number of a whole table, changed by a millionth or turned round, is named and nothing else."""
    rng = np.random.default_rng(seed)
    problem = load(random_problem(seed))
    values = values_of(trace(problem))
    for _ in range(3):
        name = str(rng.choice(list(values)))
        if abs(values[name]) > 1e-12:
            wrong = values[name] * float(rng.choice([1.001, -1, 1.000001]))
            assert verify(problem, values | {name: wrong}).wrong == (name,)


SLIPS: dict[str, Any] = {
    "forgot h'(a)": ("delta", "dz", hidden),
    "delta times the wrong input": ("dW", "Σ_n delta*(below + 1)"),
    "sum of delta times 2": ("db", "2*right"),
    "weights the other sign": ("dz_below", "-right"),
    "slope of z": ("slope", "3*right"),
    "bias left out": ("a", "Σ_i W*below"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_blamed_on_its_own_quantity(slip: str) -> None:
    """A step worked with one wrong line and carried on: only numbers of that line are causes."""
    kind, line, *where = SLIPS[slip]
    found = 0
    for seed in range(0, 40, 2):
        problem = load(random_problem(seed, samples="together"))
        step = work_wrongly(problem, wrong_lines(problem, *where, **{kind: line}))
        plain = trace(problem)
        theirs = values_of(trace_of(problem, (step,), "float64", plain.rounding))
        result = verify(problem, theirs)
        kinds = {name.split("[")[0].split("@")[0].rstrip("0123456789") for name in result.wrong}
        kinds = {"db" if k == "dtheta" else k for k in kinds}
        assert kinds <= {kind.removesuffix("_below")}, (seed, result)
        found += bool(kinds)
    assert found > 5


def test_a_mean_over_the_batch_is_said_in_words() -> None:
    """Gradients averaged where ours are summed: one sentence, with the number of samples."""
    problem = load(random_problem(2))
    assert problem.samples > 1
    assert problem.training.reduction == "sum"
    ours = {
        n: v / problem.samples for n, v in values_of(trace(problem)).items() if n.startswith(("dW", "db", "dtheta"))
    }
    result = verify(problem, ours)
    assert f"mean over {problem.samples} samples instead of the sum" in str(result)


@pytest.mark.parametrize("digits", [2, 3, 4, 6])
@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (2, "2 times ours: the squared error without its 1/2"),
        (0.5, "1/2 of ours: mean over 2 outputs instead of the sum"),
        (-1, "-1 times ours: the opposite sign"),
        (3, "3 times ours"),
    ],
)
def test_a_constant_is_named_in_printed_numbers_too(factor: float, words: str, digits: int) -> None:
    """However few digits the numbers were written with, the constant that they leave open is told whole."""
    values = trace("hand-3-2-2").values
    theirs = {name: f"{factor * x:.{digits}g}" for name, x in values.items() if name.startswith("dW")}
    assert verify("hand-3-2-2", theirs).explanations == (f"every gradient is {words}",)


def test_two_numbers_that_no_constant_explains() -> None:
    """The planted twin: 2 times the one and 2.1 times the other is no constant, in two digits either."""
    found = verify("hand-3-2-2", {"dW1[1,3]": "19.5", "dW1[2,3]": "22.9"})
    assert not found.agrees
    assert found.explanations == ()
