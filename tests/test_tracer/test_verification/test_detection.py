"""Planted errors are found and named, by the first wrong number and in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from plants import DEEP, DENSE, KINDS, dense, gradients, integer_relu, planted, weights_to_plant

from tracer import load, trace, verify
from tracer.verification import kinks
from tracer.verification.routes import flipped


@pytest.mark.parametrize("sizes", DENSE, ids=str)
def test_one_wrong_weight_is_named(sizes: tuple[int, ...]) -> None:
    """One gradient zeroed, flipped or changed by a millionth is found and named in every dense network."""
    rng = np.random.default_rng(sum(sizes))
    problem = dense(sizes)
    ours = gradients(problem)
    assert verify(problem, ours).agrees
    kinds = [kind for kind in KINDS if kind != "untouched"]
    for k in range(80 if sizes[0] < 64 else 8):
        plant = planted(ours, weights_to_plant(ours, rng), kinds[k % len(kinds)])
        assert len(plant.names) == 1
        assert set(verify(problem, plant.theirs).wrong) == plant.names


def test_a_whole_layer_zeroed_in_a_deep_network_is_found() -> None:
    """The first layer's gradient set to zero, which loose tolerances let pass."""
    for seed in range(5):
        problem = dense(DEEP, seed)
        ours = gradients(problem)
        result = verify(problem, ours | {"dW1": 0 * ours["dW1"]})
        assert len(result.wrong) == ours["dW1"].size


@pytest.mark.parametrize("seed", range(0, 120, 2))
def test_no_false_alarm_at_exact_kinks_and_errors_still_found(seed: int) -> None:
    """Whole-number ReLU networks: right gradients agree, and one wrong by 1e-9 is named."""
    problem = integer_relu(seed)
    assert verify(problem).agrees
    ours = gradients(problem)
    assert verify(problem, ours).agrees
    name = list(ours)[seed % len(ours)]
    theirs = ours | {name: ours[name].copy()}
    theirs[name][(0,) * theirs[name].ndim] += 1e-9 * (1 + abs(theirs[name]).max())
    result = verify(problem, theirs)
    assert result.wrong == (f"{name}[{','.join('1' * theirs[name].ndim)}]",), result


def near_kink() -> Any:
    """One ReLU unit with a = 0.1 + 0.2 - 0.3, which is 5.6e-17 in float64."""
    return load(
        {
            "network": {
                "loss": "half_squared_error",
                "layers": [
                    {"activation": "relu", "W": [[0.1, 0.2, -0.3]]},
                    {"activation": "identity", "W": [[2]]},
                ],
            },
            "samples": [{"x": [1, 1, 1], "t": [1]}],
            "training": {"learning_rate": 0.1},
        }
    )


def test_either_side_of_a_kink_is_right_and_is_reported() -> None:
    """Where rounding decides the side, both slopes pass, a third does not, and the unit is told of."""
    problem = near_kink()
    result = verify(problem)
    assert result.agrees
    (kink,) = result.kinks
    assert (kink["unit"], kink["left"], kink["right"], kink["taken"]) == ("a1[1]", 0.0, 1.0, 1.0)
    assert 0 < kink["distance"] < 1e-16
    assert verify(problem, {"dW1": [[-2, -2, -2]], "slope1[1]": 1}).agrees
    assert verify(problem, {"dW1": [[0, 0, 0]], "slope1[1]": 0}).agrees
    assert verify(problem, {"dW1": [[-1, -1, -1]]}).verdict == "disagree"
    assert "within rounding of 0" in str(result)


def test_a_wrong_delta_is_the_cause_and_its_weights_inherit() -> None:
    """dW1 worked rightly from a wrong delta1 is marked as inherited, a slip of its own is a cause."""
    problem = dense((3, 2, 2))
    values = {n: v for n, v in trace(problem).values.items() if "_new" not in n}
    values["delta1[2]"] *= 1.1
    for i in (1, 2, 3):
        values[f"dW1[2,{i}]"] *= 1.1
    values["db1[2]"] *= 1.1
    values["dW2[1,1]"] += 0.5
    result = verify(problem, values)
    assert result.wrong == ("dW2[1,1]", "delta1[2]")
    assert {"dW1[2,1]", "dW1[2,2]", "dW1[2,3]", "db1[2]"} <= set(result.inherited)


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1 / 3, "every gradient is 1/3 of ours: mean over 3 outputs instead of the sum"),
        (
            2,
            "every gradient is 2 times ours: the squared error without its 1/2, "
            "or backward() was called twice without zero_grad()",
        ),
        (-1, "every gradient is -1 times ours: the opposite sign"),
        (0.1, "every gradient is 1/10 of ours: multiplied with the learning rate"),
    ],
)
def test_one_constant_that_explains_it_all_is_said_in_words(factor: float, words: str) -> None:
    """A mean instead of a sum, a missing half, a sign: one sentence."""
    problem = dense((4, 5, 3))
    theirs = {name: factor * array for name, array in gradients(problem).items()}
    result = verify(problem, theirs)
    assert result.explanations == (words,)
    assert words in str(result)


def test_a_transpose_is_said_in_words() -> None:
    """A square dW the wrong way round."""
    problem = dense((4, 5, 5, 3))
    ours = gradients(problem)
    result = verify(problem, ours | {"dW2": ours["dW2"].T})
    assert "dW2 is the transpose of ours" in str(result)


def test_the_text_names_the_weight_and_shows_the_evidence() -> None:
    """What a failing `assert verify(...).agrees, verify(...)` prints teaches: name, numbers, what is allowed."""
    problem = dense((3, 2, 2))
    ours = gradients(problem)
    ours["dW1"][1, 0] *= -1
    text = str(verify(problem, ours))
    assert "disagree: 1 of 14 given numbers is wrong" in text
    for part in ("dW1[2,1]: given", "traced", "sympy", "differences", "allowed", "rounding"):
        assert part in text
    with pytest.raises(AssertionError, match=r"dW1\[2,1\]"):
        assert verify(problem, ours).agrees, verify(problem, ours)
    shown = verify(problem, ours)._repr_mimebundle_()
    assert "dW1[2,1]" in shown["text/markdown"]


def test_ties_that_move_nothing_are_seen_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool over units that a ReLU has turned off: of each window's equal zeros none has a signal."""
    tried = []

    def counted(*given: Any) -> Any:
        tried.append(given)
        return flipped(*given)

    monkeypatch.setattr(kinks, "flipped", counted)
    rng = np.random.default_rng(3)
    problem = load(
        {
            "equations": "z[p] = relu(w[p]*x[p])\nm[r] = max_{c=1..2}(z[2r+c-2])\nE = Σ_r (m[r] - t[r])^2/2",
            "parameters": {"w": rng.uniform(-1, -0.1, 60)},
            "given": {"x": rng.uniform(0.1, 1, 60), "t": rng.uniform(0, 1, 30)},
        }
    )
    wrong = np.zeros(60)
    wrong[7] = 0.5
    assert verify(problem, {"dw": wrong}).wrong == ("dw[8]",)
    assert 0 < len(tried) < 20
