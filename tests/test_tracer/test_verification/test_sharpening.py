"""Differences where signals cancel: worked in balls, so that every entry keeps its digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from exact_gradients import errors, float_routes, true_gradients
from plants import DEEP, dense, integer_relu
from worked import case_of

from derivations.network import Problem
from tracer import load, trace, verify
from tracer.verification import sharpening
from tracer.verification.judging import routes_of

DEEP_SEED = 4  # of the nets of tests/benchmarks/accuracy.py, the one in which most is lost
ACTIVATIONS = ("sigmoid", "tanh", "softplus", "silu", "gelu")


@pytest.fixture
def unsharpened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: differences in float64 alone."""
    monkeypatch.setattr("tracer.verification.judging.sharpened", lambda case, numeric: {})


def worst(problem: Problem) -> float:
    """The largest relative error of the differences in any dW and db."""
    return float(errors(float_routes(problem).numeric, true_gradients(problem))[1].max())


def almost_learned(activation: str, *, loss: str = "half_squared_error", bias: str = "b", samples: int = 1) -> Problem:
    """Targets a millionth away from the outputs: output minus target cancels, so every signal has lost six digits."""
    rng = np.random.default_rng(5)
    last = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}.get(loss, activation)
    b = {"b": [[0.1, -0.2, 0.3], [0.4, 0.1]], "shared": [0.1, -0.2], "theta": [[0.2, 0.1, 0.3], [0.1, 0.5]]}[bias]
    layers = [
        {"activation": f, "W": rng.normal(0, 0.7, (n, m)), "theta" if bias == "theta" else "b": own}
        for f, (n, m), own in zip((activation, last), ((3, 2), (2, 3)), b, strict=True)
    ]
    given = [{"x": rng.uniform(-1, 1, 2), "t": np.full(2, 0.5)} for _ in range(samples)]
    problem: dict[str, Any] = {
        "network": {"loss": loss, "layers": layers},
        "samples": given,
        "training": {"learning_rate": 0.1, "reduction": "mean"},
    }
    y = np.atleast_2d(trace(load(problem)).steps[0].array("z", 2))
    assert y.shape == (samples, 2)
    for n, sample in enumerate(given):
        sample["t"] = y[n] + (1e-6, -1e-6)
    return load(problem)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_entry_keeps_its_digits(activation: str) -> None:
    """Of every smooth activation, where output minus target cancels."""
    assert worst(almost_learned(activation)) <= 1e-13


@pytest.mark.parametrize(
    ("loss", "bias"),
    [
        (loss, bias)
        for loss in ("half_squared_error", "mean_squared_error", "binary_cross_entropy", "cross_entropy")
        for bias in ("b", "shared", "theta")
        if (loss, bias) != ("cross_entropy", "shared")  # what moves all outputs of a softmax alike has gradient zero
    ],
)
@pytest.mark.parametrize("samples", [1, 3])
def test_with_every_bias_in_batches_of_every_loss(loss: str, samples: int, bias: str) -> None:
    """One bias a unit, one for the layer, thresholds; softmax too."""
    assert worst(almost_learned("tanh", loss=loss, bias=bias, samples=samples)) <= 1e-12


def test_the_deep_net_whose_signal_cancels() -> None:
    """One unit in twenty nets of eight layers has a signal of a ten-thousandth of its terms."""
    assert worst(dense(DEEP, DEEP_SEED)) <= 1e-12


@pytest.mark.usefixtures("unsharpened")
def test_float64_alone_would_lose_them() -> None:
    """The planted twin: without the balls both kinds of network are beyond what is asked."""
    assert worst(almost_learned("tanh")) > 1e-11
    assert worst(dense(DEEP, DEEP_SEED)) > 1e-12


def test_nothing_is_reworked_where_nothing_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Balls are slow, so they are used for the units that need them alone; a kink's frozen branch never is."""
    monkeypatch.setattr(sharpening, "_reworked", lambda *_: pytest.fail("reworked"))
    assert verify("hand-3-2-2").agrees
    assert verify(dense((64, 32, 10), 2)).agrees
    assert verify(integer_relu(1)).agrees


def test_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would need too many products in balls keeps its float64 differences, which still agree."""
    monkeypatch.setattr(sharpening, "MOST", 0)
    problem = almost_learned("tanh", samples=3)
    assert verify(problem).agrees
    assert worst(problem) > 1e-12


def test_a_zero_gradient_stays_what_it_was() -> None:
    """Targets equal to the outputs: no ball around zero is sharp, so none replaces anything."""
    problem = load(
        {
            "network": {"loss": "half_squared_error", "layers": [{"activation": "identity", "W": [[1, 2]], "b": [0]}]},
            "samples": [{"x": [1, 1], "t": [3]}],
            "training": {"learning_rate": 0.1},
        }
    )
    (step,) = trace(problem).steps
    routes = routes_of(case_of(step), step.arrays)
    assert not routes.numeric["dW", 1].any()
