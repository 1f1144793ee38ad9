"""One entry is enough: an activation or a loss that no table of the verifier has is verified from its formula alone."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
from networks import random_problem
from plants import dense, gradients, integer_relu

from derivations import layers
from derivations.activations import ACTIVATIONS, Activation, activation_of
from derivations.function import FUNCTIONS, SPELLINGS, Function
from derivations.losses import LOSSES, Loss, loss_of
from derivations.network import Problem
from tracer import load, trace, verify
from tracer.verification.bounds import SUPREMA
from tracer.verification.spread import ACTIVATION, LOSS, spread_of
from tracer.verification.unlisted import spread_in_balls, suprema_near

FUNCTION_OF = {
    f.name: f
    for f in (
        Function(
            "mish",
            "a*tanh(log(1 + exp(a)))",
            ("tanh(softplus(a)) + a*(1 - tanh(softplus(a))^2)/(1 + exp(-a))",),
            "a*tanh(max(0, a) + log1p(exp(-abs(a))))",
            named=True,
        ),
        Function("cube", "a*a^2", ("3*a^2",), named=True),
        Function(
            "bent",
            "2*a if a > 0 else expm1(a)",
            ("2 if a > 0 else exp(a)",),
            named=True,
            kinks=(0.0,),
            at_kink="slope 1 at a = 0",
        ),
    )
}
MISH, CUBE, BENT = map(activation_of, FUNCTION_OF.values())
LOG_COSH = loss_of("log_cosh", "E = sum_k log cosh(y[k] - t[k])", "log((exp(y - t) + exp(t - y))/2)")
QUARTIC = loss_of("quartic", "E = 1/K sum_k (y[k] - t[k])^4, K outputs", "(y - t)^4/|k|")
MADE_UP = (MISH, CUBE, BENT)
LISTED = [f for f in ACTIVATIONS.values() if f.elementwise]


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    """The made-up functions stand in `FUNCTIONS`, as one who adds them would write, and what is made from it."""
    with ExitStack() as undone:
        for table, more in ((FUNCTIONS, FUNCTION_OF), (SPELLINGS, {name: name for name in FUNCTION_OF})):
            (inside,) = gc.get_referents(table)
            inside.update(more)
            for name in more:
                undone.callback(inside.pop, name)
        yield


@pytest.fixture
def listed() -> Iterator[None]:
    """The made-up activations stand in `ACTIVATIONS`, and nowhere else in the verifier."""
    (table,) = gc.get_referents(ACTIVATIONS)
    table.update({f.name: f for f in MADE_UP})
    yield
    for f in MADE_UP:
        del table[f.name]


def with_activation(problem: Problem, f: Activation) -> Problem:
    """The same network with every elementwise activation but the last one exchanged."""
    layers = problem.network.layers
    exchanged = (replace(layer, activation=f) if layer.activation.elementwise else layer for layer in layers[:-1])
    return replace(problem, network=replace(problem.network, layers=(*exchanged, layers[-1])))


@pytest.mark.parametrize("f", MADE_UP, ids=lambda f: f.name)
def test_one_entry_is_enough_to_verify(f: Activation, listed: None) -> None:
    """All three routes agree, on three layers, with the new activation in each of them."""
    problem = dense((3, 4, 2), activation=f.name)
    found = verify(problem)
    assert found.agrees, found
    assert verify(problem, gradients(problem), assume_nothing=True).agrees


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("f", MADE_UP, ids=lambda f: f.name)
def test_random_networks_with_it_agree(f: Activation, seed: int) -> None:
    """Batches, every loss and every bias form: no false alarm."""
    problem = with_activation(load(random_problem(seed)), f)
    found = verify(problem)
    assert found.verdict != "disagree", found


@pytest.mark.parametrize("f", MADE_UP, ids=lambda f: f.name)
def test_a_wrong_gradient_of_it_is_found(f: Activation, listed: None) -> None:
    """The planted twins: one entry off by 1e-9 of itself, and a derivative that is wrong by as much."""
    problem = dense((3, 4, 2), activation=f.name)
    theirs = gradients(problem)
    theirs["dW1"][1, 2] *= 1 + 1e-9
    assert verify(problem, theirs).wrong == ("dW1[2,3]",)
    entry = FUNCTION_OF[f.name]
    (right,) = entry.slopes
    layers._made.cache_clear()
    object.__setattr__(entry, "slopes", (f"({right})*1.000000001",))
    try:
        found = verify(problem)
    finally:
        object.__setattr__(entry, "slopes", (right,))
        layers._made.cache_clear()
    assert not found.agrees
    assert "slope1[1]" in found.wrong


@pytest.mark.parametrize("seed", range(20))
def test_units_exactly_at_its_kink_are_no_alarm(seed: int) -> None:
    """Whole numbers, many units at a = 0: the side that the entry states is the side of the difference."""
    found = verify(with_activation(integer_relu(seed), BENT))
    assert found.verdict != "disagree", found


def test_floats_are_judged_as_floats(listed: None) -> None:
    """float32 gradients of a made-up activation agree, and are told from wrong ones."""
    problem = dense((3, 4, 2), activation="mish")
    theirs = {name: array.astype(np.float32) for name, array in gradients(problem).items()}
    assert verify(problem, theirs).agrees
    theirs["dW2"][0, 0] *= np.float32(1.001)
    assert not verify(problem, theirs).agrees


@pytest.mark.parametrize("f", LISTED, ids=lambda f: f.name)
def test_the_fallback_gives_what_the_tables_give(f: Activation) -> None:
    """For every listed activation: the same difference, and bounds that lie below the global ones."""
    a, h = np.array([[-30.0, -2.5, -0.4, -1e-9, 0.0, 0.7, 3.0]]), 2.0**-40
    one = spread_in_balls(f)(a, np.float64(2 * h), a > 0)
    other = ACTIVATION[f.name](a, np.float64(2 * h), a > 0)
    assert np.abs(one - other).max() <= 4e-16 * 2 * h
    for near, everywhere in zip(suprema_near(f, a), SUPREMA[f.name], strict=True):
        assert near <= everywhere * 1.1 + 0.01


def test_the_bounds_bound() -> None:
    """|h'|, |h''|, |h'''| of a^3 and of mish around points, against derivatives at 40 digits."""
    points = np.array([-2.0, -0.3, 0.0, 1.7])
    assert suprema_near(CUBE, points) == pytest.approx((12.0, 12.0, 6.0), rel=2e-3)
    with mpmath.workdps(40):

        def mish(a: Any) -> Any:
            return a * mpmath.tanh(mpmath.log(1 + mpmath.exp(a)))

        for order, bound in enumerate(suprema_near(MISH, points), 1):
            sizes = [float(abs(mpmath.diff(mish, p, order))) for p in points]
            assert max(sizes) <= bound <= 1.1 * max(sizes) + 0.01


def test_a_listed_activation_keeps_its_identity() -> None:
    """The table wins where it has an entry, the formula stands in where it has none."""
    assert spread_of(ACTIVATIONS["sigmoid"]) is ACTIVATION["sigmoid"]
    assert spread_of(MISH) is not None
    assert trace(with_activation(dense((2, 2, 1)), MISH))["E"] > 0


def with_loss(problem: Problem, loss: Loss) -> Problem:
    """The same network with another loss."""
    return replace(problem, network=replace(problem.network, loss=loss))


@pytest.mark.parametrize("loss", [LOG_COSH, QUARTIC], ids=lambda g: g.name)
def test_one_entry_is_enough_for_a_loss(loss: Loss) -> None:
    """All routes agree on random networks; one gradient off by 1e-9 and a slope off by as much are found."""
    for seed in range(60):
        problem = load(random_problem(seed))
        if "squared" in problem.network.loss.name:
            found = verify(with_loss(problem, loss))
            assert found.verdict != "disagree", (seed, str(found))
    problem = with_loss(dense((3, 4, 2), activation="tanh"), loss)
    assert verify(problem).agrees
    theirs = gradients(problem)
    theirs["dW1"][1, 2] *= 1 + 1e-9
    assert verify(problem, theirs).wrong == ("dW1[2,3]",)
    wrong = replace(loss, equation=f"({loss.equation})*1.000000001")
    assert "dz2[1]" in verify(with_loss(problem, wrong)).wrong


def test_a_listed_loss_gives_the_same_without_its_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fallback of a loss against its identity: the same verdict, the same numbers to rounding."""
    problem = dense((3, 4, 2), activation="tanh")
    before = verify(problem).rows
    monkeypatch.delitem(LOSS, "half_squared_error")
    after = verify(problem)
    assert after.agrees
    for one, other in zip(before, after.rows, strict=True):
        assert one.difference == pytest.approx(other.difference, rel=1e-13, abs=1e-16)
    assert problem.network.loss is LOSSES["half_squared_error"]
