"""Bounds of correlated errors hold, for errors of any size; what cancels is seen to cancel."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from networks import random_problem
from plants import KINDS, dense, gradients
from steps import problem_text

from derivations.equations import Role
from tracer import load, loads, trace, verify
from tracer.verification import correlated
from tracer.verification.bounded import U64
from tracer.verification.correlated import AffineForm, Correlated
from tracer.verification.subject import layout_of

ERRORS, SHAPE, DRAWS = 4, (3, 2), 300

OPERATIONS: dict[str, tuple[Any, Any]] = {
    "sum": (lambda m, x, y: m.total([(1, x), (-1, y), (1, x)]), lambda x, y: x - y + x),
    "product": (lambda m, x, y: m.product(x, y), lambda x, y: x * y),
    "square by product": (lambda m, x, y: m.product(x, x), lambda x, y: x * x),
    "quotient": (lambda m, x, y: m.quotient(x, y), lambda x, y: x / y),
    "ratio of itself": (lambda m, x, y: m.quotient(x, m.total([(1, x), (1, y)])), lambda x, y: x / (x + y)),
    "third power": (lambda m, x, y: m.whole_power(x, 3), lambda x, y: x**3),
    "power below 0": (lambda m, x, y: m.whole_power(x, -2), lambda x, y: x**-2),
    "power": (lambda m, x, y: m.power(x, y), lambda x, y: x**y),
    "exp": (lambda m, x, y: m.call("exp", x), lambda x, y: np.exp(x)),
    "expm1": (lambda m, x, y: m.call("expm1", x), lambda x, y: np.expm1(x)),
    "log": (lambda m, x, y: m.call("log", x), lambda x, y: np.log(x)),
    "log1p": (lambda m, x, y: m.call("log1p", x), lambda x, y: np.log1p(x)),
    "sqrt": (lambda m, x, y: m.call("sqrt", x), lambda x, y: np.sqrt(x)),
    "tanh": (lambda m, x, y: m.call("tanh", x), lambda x, y: np.tanh(x)),
    "sin": (lambda m, x, y: m.call("sin", x), lambda x, y: np.sin(x)),
    "cos": (lambda m, x, y: m.call("cos", x), lambda x, y: np.cos(x)),
    "abs": (lambda m, x, y: m.call("abs", m.total([(1, x), (-1, y)])), lambda x, y: np.abs(x - y)),
    "contraction": (
        lambda m, x, y: m.contract(x, ["i", "k"], y, ["j", "k"], ["i", "j"]),
        lambda x, y: np.einsum("ik,jk->ij", x, y),
    ),
    "sum over an axis": (lambda m, x, y: m.sum(m.product(x, y), (0,)), lambda x, y: (x * y).sum(axis=0)),
}


def drawn(rng: np.random.Generator, size: float) -> AffineForm:
    """Numbers from 1 to 2, moved by at most `size` of it by a few errors and a rest."""
    v = rng.uniform(1, 2, SHAPE)
    parts = rng.uniform(-1, 1, (ERRORS, *SHAPE)) * size / (ERRORS + 1)
    return AffineForm(v, parts, np.abs(rng.normal(size=SHAPE)) * size / 20)


def moved(x: AffineForm, errors: Any, rest: Any) -> Any:
    """The numbers for errors from -1 to 1."""
    return x.v + np.tensordot(errors, x.terms, 1) + rest * x.rest


@pytest.mark.parametrize("size", [1e-6, 0.05, 0.4])
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_errors_move_a_result_by_more_than_its_bound(name: str, size: float) -> None:
    """Whatever the errors are: at the ends of their ranges, and between."""
    assert_held(name, size)


def assert_held(name: str, size: float) -> None:
    """The bound of one operation holds for drawn errors."""
    rng = np.random.default_rng([*name.encode()])
    work, plain = OPERATIONS[name]
    x, y = drawn(rng, size), drawn(rng, size)
    start = plain(x.v, y.v)
    moves = []
    for k in range(DRAWS):
        ends = rng.uniform(-1, 1, ERRORS) if k % 2 else rng.choice([-1.0, 1.0], ERRORS)
        rests = (rng.choice([-1.0, 1.0], SHAPE) for _ in range(2))
        moves.append(np.abs(plain(*(moved(a, ends, rest) for a, rest in zip((x, y), rests, strict=True))) - start))
    m = Correlated(U64)
    m.count = ERRORS
    v, bound = m.floats(work(m, x, y))
    assert np.allclose(v, start, rtol=1e-14)
    assert (np.max(moves, axis=0) <= bound * (1 + 1e-9) + 1e-14).all()


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh"])
def test_without_its_curvature_a_bound_does_not_hold(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin of the test above."""
    sloped = correlated._SLOPES[name]
    monkeypatch.setitem(correlated._SLOPES, name, lambda v, f, e: (sloped(v, f, e)[0], 0.0))
    with pytest.raises(AssertionError):
        assert_held(name, 0.4)


def test_what_cancels_is_seen_to_cancel() -> None:
    """Of x - x nothing is off but what rounds; of bare bounds both would count."""
    m = Correlated(U64)
    x = m.contract(AffineForm(np.ones(3), None, np.full(3, 1e-6)), ["k"], m.given(np.ones(3)), ["k"], [])
    difference = m.total([(1, x), (-1, m.product(x, m.number(Fraction(1))))])
    assert x.error > 2e-6
    assert difference.error < 1e-14


RECURRENT = """
equations = '''
h[0,j] = 0
a[t,j] = Σ_k U[j,k]*h[t-1,k] + Σ_i W[j,i]*x[t,i]
h[t,j] = tanh(a[t,j])
E = Σ_j (h[12,j] - y[j])^2/2
'''
"""


def recurrent() -> Any:
    """Twelve steps of 24 units."""
    rng = np.random.default_rng(4)
    n = 24
    return load(
        {
            "equations": RECURRENT.split("'''")[1],
            "parameters": {"U": rng.normal(size=(n, n)) * 1.5 / n**0.5, "W": rng.normal(size=(n, 3)) / 3},
            "given": {"x": rng.normal(size=(12, 3)), "y": rng.normal(size=n)},
        }
    )


def found(count: int) -> int:
    """How many gradients off by a millionth of themselves are found and named, of so many."""
    problem, rng, out = recurrent(), np.random.default_rng(1), 0
    (step,) = trace(problem).steps
    layout = layout_of(problem)
    ours = {n: np.array(step.known[n], float) for n, a in layout.step.arrays.items() if a.role is Role.GRADIENT}
    for _ in range(count):
        place = tuple(int(i) for i in rng.integers(24, size=2))
        theirs = ours | {"dU": ours["dU"].copy()}
        theirs["dU"][place] *= KINDS["x 1.000001"]
        out += verify(problem, theirs).wrong == (layout.text("dU", place, 0, 1),)
    return out


def test_a_millionth_is_seen_through_a_long_recurrence() -> None:
    """Twelve steps of 24 units: sizes alone grow a thousandfold every few steps, errors do not."""
    assert found(12) == 12


def test_bare_bounds_do_not_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin: without terms some of the same are agreed to."""
    monkeypatch.setattr(correlated, "MOST", 0)
    assert found(12) < 12


@pytest.mark.parametrize("name", ["lstm", "gru", "attention", "batchnorm", "cnn", "embedding", "highway", "maxout"])
def test_right_numbers_stay_right(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every bound is made tighter, correct gradients of any step agree."""
    from tracer.verification import routes

    monkeypatch.setattr(routes, "BLUNT", 0.0)
    problem = loads(problem_text(name))
    values = {n: float(v) for n, v in trace(problem).values.items()}
    result = verify(problem, values)
    assert result.agrees, result
    assert result.worst < 1


@pytest.mark.parametrize("seed", range(24))
def test_right_numbers_of_layers_stay_right(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among them layers without an activation, whose z is their a, and gradients worked in float32."""
    from tracer.verification import routes

    monkeypatch.setattr(routes, "BLUNT", 0.0)
    problem = load(random_problem(seed, samples="together"))
    step = trace(problem).steps[0]
    ours = {f"{kind}{l}": np.array(step.array(kind, l)) for kind, l in step.arrays if kind == "dW"}
    for theirs in (ours, {name: array.astype(np.float32) for name, array in ours.items()}):
        result = verify(problem, theirs)
        assert result.verdict != "disagree", result
        assert result.worst < 1


def test_a_layer_without_an_activation_keeps_its_own_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """z = a has the same numbers: what is found out about the errors of z is not written into a."""
    from tracer.verification import routes

    monkeypatch.setattr(routes, "BLUNT", 0.0)
    for seed in range(12):
        problem = dense((3, 5, 4, 2), seed, "identity")
        result = verify(problem, gradients(problem))
        assert result.agrees, result
        assert all((result.steps[0].routes.rounding[f"a{l}"] > 0).all() for l in (1, 2, 3))


def test_a_dense_network_of_any_width_has_bounds_that_are_tight_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terms of many weights would take seconds and say nothing more, though single gradients are near 0."""

    def refused(*_: object) -> None:
        raise AssertionError("terms")

    monkeypatch.setattr(correlated.Correlated, "__init__", refused)
    problem = dense((300, 80, 10))
    assert verify(problem, gradients(problem)).agrees


def test_a_single_number_goes_into_a_sum_of_products_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back through y = Σ_k w[k] x[k] its signal is multiplied, an array of no axes."""
    from tracer.verification import routes

    monkeypatch.setattr(routes, "BLUNT", 0.0)
    problem = load(
        {
            "equations": "y = Σ_k w[k]*x[k]\nE = sin(y)^2",
            "parameters": {"w": [0.3, -1.7, 0.9]},
            "given": {"x": [1.1, 0.7, -0.3]},
        }
    )
    values = {n: float(v) for n, v in trace(problem).values.items()}
    assert verify(problem, values).agrees
    assert verify(problem, values | {"dw[2]": values["dw[2]"] * 1.000001}).wrong == ("dw[2]",)
