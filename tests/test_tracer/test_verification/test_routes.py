"""Three routes to every number, and planted twins: corrupt any one of them and verify says which."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from exact_gradients import errors, float_routes, true_gradients
from networks import random_problem
from plants import DEEP, dense
from worked import subject_of

from tracer import load, trace, verify
from tracer.verification import routes as routes_module
from tracer.verification.judging import Claim, judge
from tracer.verification.routes import ROUTES, Routes, _cancelled, _scaled, routes_of


def routes(seed: int) -> list[Routes]:
    """The three routes of every step of a random network."""
    return [routes_of(subject_of(step)) for step in trace(load(random_problem(seed))).steps]


@pytest.mark.parametrize("seed", [*range(0, 300, 2), 2_003_432])
def test_no_false_alarm_on_correct_networks(seed: int) -> None:
    """Every recorded quantity of every kind of network agrees by three routes, within less than is allowed."""
    result = verify(random_problem(seed))
    assert result.verdict != "disagree", result
    assert result.agrees, result
    assert result.worst < 1


@pytest.mark.parametrize("seed", range(12))
def test_every_recorded_quantity_has_three_routes(seed: int) -> None:
    """Each array of the trace, the update included, is worked by both other routes in the same shape."""
    for one in routes(seed):
        for key, array in one.traced.items():
            assert np.shape(one.symbolic[key]) == np.shape(array), key
            assert np.shape(one.numeric[key]) == np.shape(array), key


@pytest.mark.parametrize("route", ROUTES)
def test_a_corrupted_route_is_named(route: str) -> None:
    """Planted twins: one number of one route changed by a millionth, and that route disagrees with the two others."""
    rng = np.random.default_rng(5)
    for seed in range(40):
        one = routes(seed)[0]
        field = "numeric" if route == "differences" else route
        arrays = {key: np.array(array) for key, array in getattr(one, field).items()}
        keys = [key for key in arrays if key[0] != "a" and key not in ("E_sample", "E") and key in one.traced]
        key = keys[rng.integers(len(keys))]
        place = tuple(int(rng.integers(n)) for n in arrays[key].shape)
        arrays[key][place] = arrays[key][place] * (1 + 1e-6) + 1e-6
        changed: dict[str, Any] = {field: arrays}
        judged = judge(replace(one, **changed), Claim())
        assert {r: list(masks) for r, masks in judged.odd.items() if masks} == {route: [key]}, (seed, key)
        assert judged.odd[route][key][place]


@pytest.mark.parametrize("seed", range(0, 40, 3))
def test_each_weight_moved_on_its_own_gives_the_same(seed: int) -> None:
    """The mode that assumes nothing, not even a = W z + b, agrees too."""
    result = verify(random_problem(seed), assume_nothing=True)
    assert result.agrees, result


@pytest.mark.parametrize(
    ("sizes", "activation"),
    [
        ((3, 2, 2), "sigmoid"),
        ((10, 10, 10), "gelu"),
        ((64, 32, 10), "tanh"),
        ((784, 30, 10), "sigmoid"),
        (DEEP, "sigmoid"),
    ],
    ids=str,
)
def test_differences_keep_their_digits(sizes: tuple[int, ...], activation: str) -> None:
    """Against 80 digits: 1e-15 in the 2-norm, 1e-12 in the worst entry; a gradient off by 1e-11 is seen to be."""
    problem = dense(sizes, 0, activation)
    found, true = dict(float_routes(problem).numeric), true_gradients(problem)
    norm, entries = errors(found, true)
    assert norm <= 1e-15
    assert entries.max() <= 1e-12
    found["dW1"] = found["dW1"] * (1 + 1e-11)
    assert errors(found, true)[1].max() > 1e-12


def test_a_multiple_of_a_number_rounds_once_more() -> None:
    """N times dE/dX, of which X has its own rounding, is off by that and by its own."""
    v = np.array([0.1, -0.7, 1 / 3])
    times, bound = _scaled((v, np.zeros(3)), 3)
    exact = [3 * Fraction(x) for x in v.tolist()]
    off = [abs(Fraction(a) - b) for a, b in zip(times.tolist(), exact, strict=True)]
    assert any(off)
    assert all(o <= e for o, e in zip(off, bound.tolist(), strict=True))


@pytest.mark.parametrize(("room", "longer"), [(1e-6, True), (1e-9, False)])
def test_a_longer_format_is_for_what_has_lost_its_digits(room: float, longer: bool) -> None:
    """Where more than a few of them are uncertain, and not of zeros."""
    subject = subject_of(trace(dense((3, 2, 2))).steps[0])
    found = {"dW1": np.array([[1.0, 0.0]])}
    assert _cancelled(subject, found, {"dW1": np.array([[room, 1.0]])}) == longer


def test_a_step_of_zeros_is_not_worked_in_balls(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is exactly 0 is known exactly; balls could not say more."""

    def refused(*_: object) -> None:
        raise AssertionError("balls")

    monkeypatch.setattr(routes_module, "Balls", refused)
    problem = load(
        {
            "network": {"loss": "half_squared_error", "layers": [{"activation": "identity", "W": [[0.0]], "b": [0.0]}]},
            "samples": [{"x": [0.0], "t": [0.0]}],
            "training": {"learning_rate": 0.5},
        }
    )
    assert routes_of(subject_of(trace(problem).steps[0])).symbolic["dW1"] == 0


def verdicts_of_tiny_gradients() -> set[str]:
    """The verdicts on a saturated unit whose gradients are among the smallest floats."""
    out = set()
    for k, small in itertools.product(range(40), (1e-6, 1e-13)):
        layers = [
            {"activation": "sigmoid", "W": [[0.1 + k / 50]], "b": [-700.0]},
            {"activation": "identity", "W": [[0.7]], "b": [0.1]},
        ]
        problem = {
            "network": {"loss": "half_squared_error", "layers": layers},
            "samples": [{"x": [small * (1 + k / 7)], "t": [0.3]}],
            "training": {"learning_rate": 0.5},
        }
        out.add(verify(problem).verdict)
    return out


def test_what_underflow_loses_is_no_mistake() -> None:
    """Of a number near 1e-316 the last unit is 5e-324, more than a part in 1e16 of it."""
    assert "disagree" not in verdicts_of_tiny_gradients()


def test_without_it_a_right_gradient_would_be_called_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin."""
    monkeypatch.setattr(routes_module, "_underflowed", lambda size, u: 0.0)
    assert "disagree" in verdicts_of_tiny_gradients()


def test_what_overflowed_on_the_way_does_not_decide_a_test() -> None:
    """softplus of 1.5e9 is not a number as it is defined; on which side of 0 what follows is, its ball knows."""
    result = verify(
        {
            "network": {
                "loss": "binary_cross_entropy",
                "layers": [
                    {"activation": "softplus", "W": [[1e9]], "b": [0.0]},
                    {"activation": "elu", "W": [[5e8]], "b": [0.0]},
                ],
            },
            "samples": [{"x": [1.5], "t": [1.0]}],
            "training": {"learning_rate": 0.1},
        }
    )
    assert not result.wrong, result
    assert result.kinks == ()


def test_what_is_no_number_stands_at_no_kink() -> None:
    """After a step whose loss has no value every number is nan: it is undecided, and nothing is said of a kink."""
    result = verify(
        {
            "network": {
                "loss": "cross_entropy",
                "layers": [{"activation": "relu", "W": [[2.0], [1.0]], "b": [-3.0, 1.0]}],
            },
            "samples": [{"x": [1.0], "class": 1}, {"x": [0.5], "class": 2}],
            "training": {"learning_rate": 0.05, "samples": "in_turn"},
        }
    )
    assert result.verdict == "undecided"
    assert result.kinks == ()


def test_a_large_array_whose_tolerance_is_not_small_is_undecided() -> None:
    """It is a group of its own; what is smaller beside it is decided."""
    own = routes_of(subject_of(trace(dense((60, 40, 2))).steps[0]))
    wide = np.full((40, 60), np.abs(own.symbolic["dW1"]).max() / 10)
    judged = judge(replace(own, rounding={**own.rounding, "dW1": wide}), Claim())
    assert not judged.wrong
    assert judged.undecided.keys() == {"dW1"}
