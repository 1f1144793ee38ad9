"""Causes in words: told where their working gives every number, and nowhere else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import random_problem
from plants import dense, gradients

from tracer import load, trace, verify
from tracer.marking.slips.catalogue import slips_of
from tracer.marking.slips.slip import Slip

sys.path.insert(0, str(Path(__file__).parents[2] / "campaigns"))

from random_causes import drawn_causes, given_by, outcome

FACTOR = "every gradient is"


def told(problem: Any, theirs: dict[str, Any]) -> tuple[str, ...]:
    return verify(problem, theirs).explanations


def slip_of(problem: Any, name: str) -> Slip:
    return next(slip for slip in slips_of(problem) if slip.name == name)


def batch() -> Any:
    """Two layers, three samples, their mean."""
    rng = np.random.default_rng(5)
    W, V = rng.normal(size=(3, 2)), rng.normal(size=(2, 3))
    layers = [
        {"activation": "tanh", "W": W, "b": [0.1, 0.2, -0.3]},
        {"activation": "identity", "W": V, "b": [0.4, 0.5]},
    ]
    samples = [{"x": rng.normal(size=2), "t": rng.normal(size=2)} for _ in range(3)]
    network = {"loss": "half_squared_error", "layers": layers}
    return load({"network": network, "samples": samples, "training": {"learning_rate": 0.1, "reduction": "mean"}})


@pytest.mark.parametrize("factor", [1 + 1e-7, 2, 4, 1.37])
def test_a_factor_of_one_array_is_its_own(factor: float) -> None:
    """Where other gradients are right, no convention of the loss is named, as it would change them too."""
    problem = dense((3, 2, 2))
    ours = gradients(problem)
    for name in ("dW1", "dW2"):
        assert told(problem, ours | {name: factor * ours[name]}) == (f"{name} is {factor:.8g} times ours",)
    both = {"dW1": factor * ours["dW1"], "db1": factor * ours["db1"]}
    assert told(problem, ours | both) == (f"dW1 and db1 are {factor:.8g} times ours",)


def test_accumulated_gradients_are_among_the_causes() -> None:
    """Twice as large may be backward() called twice; not where the numbers were written by hand."""
    problem = dense((3, 2, 2))
    twice = {name: 2 * g for name, g in gradients(problem).items()}
    assert "backward() was called twice without zero_grad()" in told(problem, twice)[0]
    assert "the squared error without its 1/2, or" in told(problem, twice)[0]
    by_hand = {f"dW1[1,{i}]": f"{twice['dW1'][0, i - 1]:.6g}" for i in (1, 2, 3)}
    assert "backward()" not in told(problem, by_hand)[0]


def test_right_numbers_exclude_conventions() -> None:
    """A right loss excludes another loss, right signals all but what is done with gradients later."""
    problem = dense((3, 2, 2))
    step, twice = trace(problem), {name: 2 * g for name, g in gradients(problem).items()}
    signals = {name: step[name] for name in ("dz2", "delta2", "dz1", "delta1")}
    accumulated = f"{FACTOR} 2 times ours: backward() was called twice without zero_grad()"
    assert told(problem, twice | signals) == (accumulated,)
    assert told(problem, twice | {"E": step["E"]}) == (accumulated,)
    assert "without its 1/2" in told(problem, twice | {"E": 2 * float(step["E"])})[0]


def test_a_clipped_norm_is_told() -> None:
    """One factor below 1, and the norm of all gradients is short; as torch clips, and not where one is missing."""
    problem = dense((3, 4, 2))
    ours = gradients(problem)
    norm = float(np.sqrt(sum((g**2).sum() for g in ours.values())))
    for most in (0.01, 0.0035):
        theirs = {name: g * most / (norm + 1e-6) for name, g in ours.items()}
        (said,) = told(problem, theirs)
        assert said.endswith(f"the norm of all gradients is {most:g}, to which they were clipped")
        del theirs["db2"]
        assert "clipped" not in told(problem, theirs)[0]
    assert "clipped" not in told(problem, {name: g * 0.00973412 / norm for name, g in ours.items()})[0]


def test_weight_decay_is_told() -> None:
    """A short multiple of W in every gradient, of W alone, of one layer; a constant that is not short is none."""
    problem = dense((3, 4, 2))
    step = trace(problem).steps[0]
    p = {name: np.array(step.array(name[1], int(name[2]))) for name in gradients(problem)}
    ours = gradients(problem)
    everywhere = {name: g + 0.02 * p[name] for name, g in ours.items()}
    decay = "weight decay, or 0.01 times the squares in the loss"
    assert told(problem, everywhere) == (f"given - ours = 0.02 W, everywhere, biases too: {decay}",)
    weights = ours | {name: everywhere[name] for name in ("dW1", "dW2")}
    assert told(problem, weights) == (f"given - ours = 0.02 W, everywhere: {decay}",)
    assert told(problem, ours | {"dW2": everywhere["dW2"]}) == (f"dW2: given - ours = 0.02 W2: {decay}",)
    absolute = {name: g + 0.003 * np.sign(p[name]) for name, g in ours.items()}
    assert "0.003 sign(W), everywhere, biases too: a penalty on sizes (L1)" in told(problem, absolute)[0]
    assert told(problem, {name: g + 0.0212345 * p[name] for name, g in ours.items()}) == ()
    everywhere["dW2"][0, 0] += 1e-9
    assert not any("everywhere" in said for said in told(problem, everywhere))


def test_a_transpose_must_be_another_matrix() -> None:
    """No 1x1 matrix and no symmetric one is transposed; rows in reverse are told."""
    one = dense((1, 1))
    assert told(one, {"dW1": [[12.0]]}) == ()
    problem = dense((3, 2, 2))
    ours = gradients(problem)
    assert told(problem, ours | {"dW2": ours["dW2"].T}) == (
        "dW2 is the transpose of ours: one row for each unit, one column for each input",
    )
    assert told(problem, ours | {"dW1": ours["dW1"][::-1]}) == ("dW1 has its rows in reverse: row j belongs to unit j",)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hidden_delta.no_slope", "delta1 leaves out the slope: the error signal is h'(a) times the signal"),
        ("signal_below.updated_weights", "dz0 (like dz1) uses the weights after the update"),
        ("pre_activation.no_bias", "a1 (like a2) leaves out the bias"),
        ("batch.sum_for_mean[W]", "dW1 (like dW2) adds over the samples: here the mean is asked for"),
        ("batch.first_sample", "dW1 (like dW2) counts the first sample alone"),
    ],
)
def test_slips_of_the_catalogue_are_told(name: str, words: str) -> None:
    """In the words that check has for them."""
    problem = batch()
    theirs = given_by(problem, slip_of(problem, name), whole=name.startswith("signal_below"))
    assert any(words in said for said in told(problem, theirs)), told(problem, theirs)


def test_a_slip_behind_another_wrong_number_is_told() -> None:
    """What is given is carried on: a missing slope after a wrong delta2; the wrong delta2 stays without a cause."""
    problem = dense((3, 2, 2))
    values = {n: v for n, v in trace(problem).values.items() if "_new" not in n and n[0] not in "xt"}
    W2, slope2 = np.array(trace(problem).steps[0].array("W", 2)), trace(problem)["slope2"]
    assert slope2.size == 2
    delta2 = np.array([0.0123456789, values["delta2[2]"]])
    dz1 = W2.T @ delta2
    z1 = np.array([values["z1[1]"], values["z1[2]"]])
    x = np.array(problem.x.floats)[:, 0]
    changed = {"delta2[1]": delta2[0], "db2[1]": delta2[0]}
    changed |= {f"dW2[1,{i + 1}]": delta2[0] * z1[i] for i in range(2)}
    for j in range(2):
        changed |= {f"dz1[{j + 1}]": dz1[j], f"delta1[{j + 1}]": dz1[j], f"db1[{j + 1}]": dz1[j]}
        changed |= {f"dW1[{j + 1},{i + 1}]": dz1[j] * x[i] for i in range(3)}
    values |= {n: float(v) for n, v in changed.items()}
    dz0 = np.array(trace(problem).steps[0].array("W", 1)).T @ dz1
    values |= {f"dz0[{i + 1}]": float(v) for i, v in enumerate(dz0) if f"dz0[{i + 1}]" in values}
    found = verify(problem, values)
    assert {"delta2[1]", "delta1[1]", "delta1[2]"} <= set(found.wrong)
    assert any(said.startswith("delta1 leaves out the slope") for said in found.explanations), found


def test_a_wrong_number_beside_excludes_a_cause_of_its_array() -> None:
    """One number that a slip does not give, and one that it gives wrongly right, and it is not told."""
    problem = batch()
    theirs = given_by(problem, slip_of(problem, "batch.first_sample"), whole=False)
    assert told(problem, theirs)
    theirs["dW1"] = theirs["dW1"].copy()
    theirs["dW1"][0, 0] *= 1.5
    assert not any("first sample" in said and "dW1" in said for said in told(problem, theirs))
    theirs["dW1"][0, 0] = gradients(problem)["dW1"][0, 0]
    assert not any("first sample" in said and "dW1" in said for said in told(problem, theirs))


def test_short_numbers_explain_nothing_alone() -> None:
    """A number of one digit may stand for anything, and a 0 too."""
    problem = dense((3, 2, 2))
    ours = gradients(problem)
    for number in (0.0, 0.1, 1.0, -2.0):
        changed = ours | {"db1": np.array([number, ours["db1"][1]])}
        assert told(problem, changed) == ()


def test_drawn_wrong_numbers_have_no_cause() -> None:
    """A sample of the campaign: networks of zeros, saturated ones, and such at kinks."""
    assert [(kind, seed, v.explanations) for kind, seed, v in drawn_causes(24) if v.explanations] == []


@pytest.mark.parametrize("seed", [3, 15])
def test_no_slip_is_told_as_another(seed: int) -> None:
    """A sample of the campaign: itself, a twin, or nothing."""
    problem = load(random_problem(seed, samples="together"))
    found = {slip.name: outcome(problem, slip, whole=False) for slip in slips_of(problem)[::8]}
    assert not {name: what for name, what in found.items() if what.startswith("other")}
    assert "itself" in found.values()
