"""Three routes to every number, and planted twins: corrupt any one of them and verify says which."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from exact_gradients import errors, float_routes, true_gradients
from networks import random_problem
from plants import DEEP, dense
from worked import subject_of

from tracer import load, trace, verify
from tracer.verification.judging import Claim, judge
from tracer.verification.routes import ROUTES, Routes, routes_of


def routes(seed: int) -> list[Routes]:
    """The three routes of every step of a random network."""
    return [routes_of(subject_of(step)) for step in trace(load(random_problem(seed))).steps]


@pytest.mark.parametrize("seed", range(0, 300, 2))
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
