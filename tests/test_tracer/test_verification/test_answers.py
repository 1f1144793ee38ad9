"""The answer as people see it: 80 columns, and at the ends of what floats hold a word in place of a traceback."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gallery.lists import LAYERED

from derivations.activations import ACTIVATIONS
from tracer import trace, verify
from tracer.verification.proofs import WRITTEN, _enclosed, _power

COLUMNS = 80


def network(activation: str, size: float, loss: str = "half_squared_error") -> dict[str, Any]:
    """2-2-1 with weights of a size, or where that is softmax 2-2-12."""
    last = [[size * (k - 5), size * (k % 5)] for k in range(12)] if activation == "softmax" else [[size, 0.3]]
    layers = [
        {"activation": "tanh" if activation == "softmax" else activation, "W": [[0.5, -1], [1, 0.25]]},
        {"activation": activation, "W": last},
    ]
    sample = {"x": [0.5, 1], "t": [1] + [0] * (len(last) - 1)}
    return {
        "network": {"loss": loss, "layers": layers},
        "samples": [sample],
        "training": {"learning_rate": 0.1},
    }


def widest(text: str) -> int:
    """The columns of the longest line."""
    return max(map(len, text.splitlines()))


@pytest.mark.parametrize("sample", LAYERED)
def test_every_sample_fits_a_terminal(sample: str) -> None:
    """The table takes fewer digits where names are long, the words are folded."""
    assert widest(verify(sample).render()) <= COLUMNS


@pytest.mark.parametrize("more", [{}, {"certify": True, "textbook": 1e-5}])
def test_an_answer_about_given_numbers_fits_a_terminal(more: dict[str, Any]) -> None:
    """One wrong of two, with everything that can be asked for; unfolded, the same words are wider."""
    found = verify("hand-3-2-2", {"dW1[2,1]": "3.6308", "dW1[2,2]": "7.2651"}, **more)
    assert widest(found.render()) <= COLUMNS < widest(str(found))
    assert widest(found.render("markdown")) > COLUMNS


@pytest.mark.parametrize("size", [1e-99, 1e30, 1e99])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_weights_of_any_size_get_a_verdict(activation: str, size: float) -> None:
    """Where floats and balls overflow nothing is wrong: it agrees or cannot be decided, in every format."""
    found = verify(network(activation, size), certify=True, textbook=1e-5)
    assert found.verdict in ("agree", "undecided")
    assert not found.certified["refuted"]
    for form in ("table", "markdown", "csv", "json"):
        assert found.render(form)


def test_numbers_that_agree_say_what_is_allowed() -> None:
    """A logarithm at 0 that the target leaves out: all three routes decide, and nothing shown is not a number."""
    problem = {
        "network": {
            "loss": "cross_entropy",
            "layers": [{"activation": "tanh", "W": [[1]]}, {"activation": "identity", "W": [[1], [0]]}],
        },
        "samples": [{"x": [0.5], "t": [1, 0]}],
        "training": {"learning_rate": 0.1},
    }
    found = verify(problem)
    assert found.agrees
    assert found.undifferenced == ()
    assert "nan" not in found.render()
    assert all(math.isfinite(row.tolerance) for row in found.rows)
    assert verify(problem, {"dz1[1]": -2.165}).wrong == ("dz1[1]",)


def test_a_ball_too_large_or_too_small_to_be_written() -> None:
    """Above it is not finite; below, zero and a radius that holds it."""
    small, large = _power(-2 * WRITTEN), _power(2 * WRITTEN)
    assert _enclosed(large, 21).mid is None
    assert _enclosed(small, 21).mid == "0"
    assert _enclosed(small, 21).radius == "1.1e-30103"
    assert _enclosed(_power(-1), 3).mid == "0.5"
    assert _enclosed(_power(0) - 1, 3).radius == "0"


def test_an_update_that_cannot_be_decided_is_no_agreement() -> None:
    """What is asked for without given numbers: the gradients and the update; an open slope changes no verdict."""
    found = verify("hand-3-2-2")

    def left_open(key: str) -> str:
        step = replace(found.steps[0], undecided={key: np.ones(np.shape(found.steps[0].checked[key]), bool)})
        return replace(found, steps=(step,)).verdict

    assert [left_open(kind) for kind in ("dW1", "W1_new", "slope1")] == ["undecided", "undecided", "agree"]


def test_fifteen_digits_are_digits_printed(tmp_path: Path) -> None:
    """As '%.15g' writes them; with sixteen or more anywhere they are float64 written in full."""
    sheet, found = tmp_path / "sheet.txt", []
    for number in ("1.40927781533476", "1.4092778153347602"):
        sheet.write_text(f"dW2[1,1] = {number}", encoding="utf-8")
        found.append(verify("hand-3-2-2", sheet).rows[0].printed > 0)
    assert found == [True, False]


@pytest.mark.parametrize("depth", [1, 2])
def test_outputs_far_smaller_than_a_step_are_no_false_alarm(depth: int) -> None:
    """A saturated softmax under squares: 1 - y has no digits left, which is said; a wrong number is still found."""
    layers = [
        {"activation": "identity", "W": [[0.7, 0.1], [-0.3, 0.6]]},
        {"activation": "softmax", "W": [[60.1, 0.3], [0.7, 60.3]]},
    ][-depth:]
    problem = {
        "network": {"loss": "half_squared_error", "layers": layers},
        "samples": [{"x": [1, -0.5], "t": [1, 0]}],
        "training": {"learning_rate": 0.1},
    }
    name = f"dz{depth}[2]"
    small = trace(problem)[name]
    assert 0 < small < 1e-20
    found = verify(problem)
    assert found.undecided == found.vague
    assert not found.wrong
    assert verify(problem, {name: small + 1e-20}).wrong == (name,)


def test_what_float32_is_allowed_is_said() -> None:
    """Where a number is judged as a float32, and nowhere else."""
    dW2 = trace("hand-3-2-2")["dW2"]
    single, double = (verify("hand-3-2-2", {"dW2": dW2.astype(f)}) for f in (np.float32, np.float64))
    assert single.agrees
    assert "functions good to 4 ulp" in str(single)
    assert "ulp" not in str(double)
