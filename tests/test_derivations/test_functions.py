"""Contract tests: every activation and every loss is proved in a loop over the tables; a new entry is tested by itself.

Three readings of an entry's own formula, by three small arithmetics: sympy's (differentiated), mpmath's (500 digits, so
that even log(1 + exp(-800)) keeps 50) and float64's (what the package computes).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

from derivations import functions
from derivations.activations import ACTIVATIONS, Activation
from derivations.arithmetic import Arithmetic, Exact
from derivations.losses import LOSSES, Fusion, Loss
from tracer import load, trace

UNITS = 3  # of a softmax, outputs of a loss
PROVED = mpmath.mpf(10) ** -50  # 50 digits
WORKING = 120  # digits carried, so that 1 - tanh(30)^2 still has 50
ELEMENTWISE = [f for f in ACTIVATIONS.values() if f.elementwise]
WITH_JACOBIAN = [f for f in ACTIVATIONS.values() if not f.elementwise]
FUSIONS = [(g, ACTIVATIONS[name], fusion) for g in LOSSES.values() for name, fusion in g.fused.items()]


def _name(entry: Any) -> str:
    return getattr(entry, "name", None) or type(entry).__name__


# --- two arithmetics ---


def _each(function: Any, inputs: int = 1) -> Any:
    return staticmethod(np.frompyfunc(function, inputs, 1))


class Symbolic(Arithmetic):
    """The arithmetic whose numbers are sympy expressions; a choice is a Piecewise."""

    name = "symbolic"
    exp = _each(sympy.exp)
    expm1 = _each(lambda a: sympy.exp(a) - 1)
    log = _each(sympy.log)
    log1p = _each(lambda a: sympy.log(1 + a))
    tanh = _each(sympy.tanh)
    normal_cdf = _each(lambda a: (1 + sympy.erf(a / sympy.sqrt(2))) / 2)
    sqrt = _each(sympy.sqrt)
    square = _each(lambda a: a**2)
    absolute = _each(lambda a: sympy.Piecewise((a, a > 0), (-a, True)))
    ones_like = _each(lambda a: sympy.Integer(1))
    positive_part = _each(lambda a: sympy.Piecewise((a, a > 0), (0, True)))
    where = _each(lambda a, p, q: sympy.Piecewise((p, a > 0), (q, True)), 3)
    unless_zero = _each(lambda t, v: sympy.Piecewise((0, sympy.Eq(t, 0)), (v, True)), 2)
    over = _each(lambda t, y: sympy.Piecewise((0, sympy.Eq(t, 0)), (t / y, True)), 2)
    largest = staticmethod(lambda a: a[:1])  # any number near it will do: the first row
    pi = sympy.pi

    def number(self, text: str) -> Any:
        """A rational."""
        return sympy.Rational(text)


class Multiprecise(Arithmetic):
    """The arithmetic whose numbers are mpmath's, of as many digits as are in force."""

    name = "mpmath"
    exp = _each(mpmath.exp)
    expm1 = _each(mpmath.expm1)
    log = _each(mpmath.log)
    log1p = _each(mpmath.log1p)
    tanh = _each(mpmath.tanh)
    normal_cdf = _each(lambda a: mpmath.erfc(-a / mpmath.sqrt(2)) / 2)
    sqrt = _each(mpmath.sqrt)
    square = _each(lambda a: a * a)
    absolute = _each(abs)
    ones_like = _each(lambda a: mpmath.mpf(1))
    positive_part = _each(lambda a: max(a, mpmath.mpf(0)))
    where = _each(lambda a, p, q: p if a > 0 else q, 3)
    unless_zero = _each(lambda t, v: mpmath.mpf(0) if t == 0 else v, 2)
    over = _each(lambda t, y: mpmath.mpf(0) if t == 0 else t / y, 2)
    largest = staticmethod(lambda a: a.max(axis=0, keepdims=True))

    @property
    def pi(self) -> Any:
        """Pi at the digits in force."""
        return +mpmath.pi

    def number(self, text: str) -> Any:
        """The decimal at the digits in force."""
        return mpmath.mpf(text)


SYMBOLIC, MULTIPRECISE = Symbolic(), Multiprecise()


def _symbols(letter: str, n: int = UNITS) -> Any:
    return np.array(sympy.symbols(f"{letter}1:{n + 1}", real=True), object).reshape(n, 1)


def _entry(array: Any, *place: int) -> Any:
    return sympy.sympify(np.asarray(array, object)[place])


def _column(numbers: Any) -> Any:
    out = np.empty((len(numbers), 1), object)
    out[:, 0] = [mpmath.mpf(v) for v in numbers]
    return out


def _same(stated: Any, derived: Any, symbols: Any, points: Any, what: str) -> None:
    """Two expressions agree to 50 digits at every point; an AssertionError says where they do not."""
    p, q = (sympy.lambdify(list(symbols), sympy.sympify(e), "mpmath") for e in (stated, derived))
    with mpmath.workdps(WORKING):
        for point in points:
            numbers = [mpmath.mpf(v) for v in point]
            left, right = mpmath.mpf(p(*numbers)), mpmath.mpf(q(*numbers))
            assert abs(left - right) <= PROVED * abs(right), f"{what} at {point}: {left} is not {right}"


# --- the contracts ---

POINTS = [(v,) for v in ("0.001", "0.3", "1", "2.75", "7", "19.5", "30", "-0.001", "-0.3", "-1", "-2.75", "-7", "-30")]
LOGITS = [("0", "0", "0"), ("1", "-2", "0.5"), ("-7", "3.25", "11"), ("20", "-20", "0.125"), ("0.3", "0.2", "0.1")]
TARGETS = [("0", "1", "0"), ("1", "1", "0"), ("0.2", "0.3", "0.5"), ("0.9", "0.05", "0.3")]
OUTPUTS = [("0.5", "0.25", "0.25"), ("0.999", "0.0005", "0.1"), ("0.01", "0.7", "0.29")]


def check_activation(f: Activation) -> None:
    """The stated derivative is sympy's derivative of the stated value, and the stable form is the formula."""
    if not f.elementwise:
        return check_jacobian(f)
    a = _symbols("a", 1)
    z = f.formula(SYMBOLIC, a)
    points = [p for p in POINTS if float(p[0]) not in f.kinks]
    derivative = _entry(f.derivative(SYMBOLIC, a, z), 0, 0)
    _same(derivative, sympy.diff(_entry(z, 0, 0), a[0, 0]), a[:, 0], points, f"{f.name}'")
    if f.stable:
        _same(_entry(f.stable(SYMBOLIC, a), 0, 0), _entry(z, 0, 0), a[:, 0], points, f"{f.name} in its stable form")
    return None


def check_jacobian(f: Activation) -> None:
    """Every entry [k, m] of the stated Jacobian is sympy's derivative of z[k] by a[m]."""
    a = _symbols("a")
    z = f.formula(SYMBOLIC, a)
    jacobian = f.jacobian(SYMBOLIC, z)
    for k in range(UNITS):
        for m in range(UNITS):
            slope = sympy.diff(_entry(z, k, 0), a[m, 0])
            _same(_entry(jacobian, k, m, 0), slope, a[:, 0], LOGITS, f"{f.name}'s J[{k + 1},{m + 1}]")
        if f.stable:
            _same(_entry(f.stable(SYMBOLIC, a), k, 0), _entry(z, k, 0), a[:, 0], LOGITS, f"{f.name} stable")


def check_loss(g: Loss, outputs: int = UNITS) -> None:
    """The stated dE/dy[k] is sympy's derivative of the sum of the stated parts; without parts, it is what was given."""
    y, t = _symbols("y", outputs), _symbols("t", outputs)
    slope = g.slope(SYMBOLIC, y, t)
    if g.parts is None:
        assert (np.asarray(slope) == t).all()
        return
    parts = g.parts(SYMBOLIC, y, t)
    E = sum(_entry(parts, k, 0) for k in range(outputs))
    points = [(*p[:outputs], *q[:outputs]) for p in OUTPUTS for q in TARGETS]
    for k in range(outputs):
        _same(_entry(slope, k, 0), sympy.diff(E, y[k, 0]), [*y[:, 0], *t[:, 0]], points, f"{g.name}: dE/dy[{k + 1}]")


def check_fusion(g: Loss, f: Activation, fusion: Fusion) -> None:
    """The fused delta is sympy's derivative of the loss by a."""
    a, t = _symbols("a"), _symbols("t")
    if fusion.targets_sum_to_one:
        t[-1, 0] = 1 - t[:-1, 0].sum()
    free = [*a[:, 0], *t[:, 0]][: 2 * UNITS - fusion.targets_sum_to_one]
    y = f.formula(SYMBOLIC, a)
    parts, delta = g.parts(SYMBOLIC, y, t), fusion.delta(SYMBOLIC, y, t)
    E = sum(_entry(parts, k, 0) for k in range(UNITS))
    points = [(*p, *q)[: len(free)] for p in LOGITS for q in TARGETS]
    for k in range(UNITS):
        _same(_entry(delta, k, 0), sympy.diff(E, a[k, 0]), free, points, f"{g.name} with {f.name}: delta[{k + 1}]")


@pytest.mark.parametrize("f", ACTIVATIONS.values(), ids=_name)
def test_a_derivative_is_sympys_derivative_of_the_value(f: Activation) -> None:
    """Each activation's derivative or Jacobian equals sympy.diff of its formula to 50 digits."""
    check_activation(f)


@pytest.mark.parametrize("f", ELEMENTWISE, ids=_name)
def test_a_derivative_is_proved_by_simplification(f: Activation) -> None:
    """On each side of its kinks, derivative minus sympy.diff simplifies to zero."""
    positive, negative = sympy.Symbol("p", positive=True), sympy.Symbol("n", negative=True)
    for a in (positive, negative):
        column = np.array([[a]], object)
        z = f.formula(SYMBOLIC, column)
        difference = _entry(f.derivative(SYMBOLIC, column, z), 0, 0) - sympy.diff(_entry(z, 0, 0), a)
        assert sympy.simplify(difference.rewrite(sympy.exp)) == 0


@pytest.mark.parametrize("outputs", [1, UNITS])
@pytest.mark.parametrize("g", LOSSES.values(), ids=_name)
def test_a_slope_is_sympys_derivative_of_the_sum_of_parts(g: Loss, outputs: int) -> None:
    """Each loss's dE/dy equals sympy.diff of its summed parts to 50 digits, targets of exactly 0 and 1 included."""
    check_loss(g, outputs)


@pytest.mark.parametrize(("g", "f", "fusion"), FUSIONS, ids=_name)
def test_a_fused_delta_is_the_long_way(g: Loss, f: Activation, fusion: Fusion) -> None:
    """Each fused delta equals the chain rule through y to 50 digits, and the fused parts equal the loss's own."""
    check_fusion(g, f, fusion)


# --- planted twins: each contract catches a wrong entry ---


@pytest.mark.parametrize("f", ELEMENTWISE, ids=_name)
def test_a_wrong_derivative_is_caught(f: Activation) -> None:
    """A derivative wrong by one part in 10^40 fails the contract, whichever entry it stands in."""
    assert f.derivative is not None
    wrong = replace(f, derivative=lambda m, a, z: f.derivative(m, a, z) * (1 + m.number("1e-40")) + m.number("1e-40"))
    with pytest.raises(AssertionError, match=f"{f.name}' at"):
        check_activation(wrong)


@pytest.mark.parametrize("f", WITH_JACOBIAN, ids=_name)
def test_a_wrong_jacobian_is_caught(f: Activation) -> None:
    """A Jacobian with the opposite sign off its diagonal fails the contract."""
    assert f.jacobian is not None

    def flipped(m: Arithmetic, z: Any) -> Any:
        jacobian = f.jacobian(m, z)
        jacobian[0, 1] = -jacobian[0, 1]
        return jacobian

    with pytest.raises(AssertionError, match=r"J\[1,2\]"):
        check_activation(replace(f, jacobian=flipped))


@pytest.mark.parametrize("g", LOSSES.values(), ids=_name)
def test_a_wrong_slope_is_caught(g: Loss) -> None:
    """A loss's slope of the opposite sign fails the contract."""
    with pytest.raises(AssertionError):
        check_loss(replace(g, slope=lambda m, y, t: -g.slope(m, y, t)))


@pytest.mark.parametrize(("g", "f", "fusion"), FUSIONS, ids=_name)
def test_a_wrong_fusion_is_caught(g: Loss, f: Activation, fusion: Fusion) -> None:
    """A fused delta off by a factor of two fails the contract."""
    with pytest.raises(AssertionError, match="delta"):
        check_fusion(g, f, replace(fusion, delta=lambda m, y, t: 2 * fusion.delta(m, y, t)))


def test_a_wrong_stable_form_is_caught() -> None:
    """A stable form that is not the formula fails the contract."""
    stable = [f for f in ACTIVATIONS.values() if f.stable]
    assert stable
    for f in stable:
        with pytest.raises(AssertionError, match="stable"):
            check_activation(replace(f, stable=lambda m, a, f=f: 2 * f.stable(m, a)))


# --- values in float64 against 50 digits ---

ULP = 2.0**-53  # half a unit in the last place, relative
TINY = 1e-304  # smaller values may come out as 0: exp(-a) of their definition overflows beyond a = -709
SIZES = (1e-300, 1e-20, 1e-8, 1e-3, 0.1, 0.5, 1, 1.5, 2, 3.3, 5.3, 10.1, 20.7, 30.3, 36.6, 40, 100, 700, 709.5)
GRID = [0.0, *(sign * v for v in (*SIZES, 745, 746, 800, 1e4, 1e100) for sign in (1, -1))]

SELU_BELOW = mpmath.mpf("1.7580993408473768")
DEFINITIONS = {
    "identity": lambda a: a,
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "tanh": lambda a: mpmath.sinh(a) / mpmath.cosh(a) if abs(a) < 1e4 else mpmath.sign(a),
    "relu": lambda a: max(a, mpmath.mpf(0)),
    "leaky_relu": lambda a: max(a, a / 100),
    "elu": lambda a: a if a > 0 else mpmath.expm1(a),
    "softplus": lambda a: mpmath.log1p(mpmath.exp(a)) if a < 1e4 else a,
    "silu": lambda a: a / (1 + mpmath.exp(-a)),
    "gelu": lambda a: a * mpmath.ncdf(a) if a > -1000 else mpmath.mpf(0),
    "mish": lambda a: a * mpmath.tanh(mpmath.log1p(mpmath.exp(a))) if a < 1e4 else a,
    "selu": lambda a: (
        mpmath.mpf("1.0507009873554805") * a if a > 0 else mpmath.mpf("1.7580993408473768") * mpmath.expm1(a)
    ),
    "bipolar_sigmoid": lambda a: mpmath.tanh(a / 2) if abs(a) < 1e4 else mpmath.sign(a),
    "hard_sigmoid": lambda a: min(max(a + 3, mpmath.mpf(0)), mpmath.mpf(6)) / 6,
    "square": lambda a: a * a,
    "step": lambda a: mpmath.mpf(a >= 0),
    "sign": mpmath.sign,
}
"""Textbook definitions, typed here a second time and never read by the package."""


def allowed(f: Activation, a: float) -> float:
    """How far a float64 value may be off, relatively: 8 half-ulps.

    gelu's tail also feels the rounding of its argument a/sqrt(2), which erfc magnifies by a^2; that is allowed until
    the entry removes it.
    """
    conditioning = a * a if f.name == "gelu" and a < 0 else 0
    return (8 + 2 * conditioning) * ULP


@pytest.mark.parametrize("f", ELEMENTWISE, ids=_name)
def test_a_value_is_right_to_a_few_ulp(f: Activation) -> None:
    """Each float64 value is within 4 ulp of the formula at 500 digits, from 1e-300 to 1e4 on both sides."""
    with mpmath.workdps(500):
        for a in (a for a in GRID if abs(a) <= 1e4):
            exact = f.formula(MULTIPRECISE, _column([a]))[0, 0]
            assert abs(mpmath.mpf(f.value(a)) - exact) <= allowed(f, a) * abs(exact) + TINY, a


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_value_is_the_textbooks(name: str) -> None:
    """Each activation that textbooks define equals that definition, so a wrong formula cannot vouch for itself."""
    f = ACTIVATIONS[name]
    with mpmath.workdps(500):
        for a in GRID:
            exact = mpmath.mpf(DEFINITIONS[name](mpmath.mpf(a)))
            assert abs(mpmath.mpf(f.value(a)) - exact) <= allowed(f, a) * abs(exact) + TINY, a


@pytest.mark.parametrize("f", ELEMENTWISE, ids=_name)
def test_a_slope_in_float64_is_right(f: Activation) -> None:
    """Each float64 slope is within 4 ulp of max(1, |a|), at most 4 ulp of 40, of the derivative at 500 digits.

    Slopes are made from z, which saturates near 1 below |a| = 40: what is small beside 1 keeps no digits of its own.
    """
    with mpmath.workdps(500):
        for a in GRID:
            if a in f.kinks or abs(a) > 1e4:
                continue
            column = _column([a])
            exact = f.derivative(MULTIPRECISE, column, f.formula(MULTIPRECISE, column))[0, 0]
            assert abs(mpmath.mpf(f.slope(a)) - exact) <= 8 * ULP * max(1, min(abs(a), 40)), a


@pytest.mark.parametrize("f", WITH_JACOBIAN, ids=_name)
@pytest.mark.parametrize(
    "logits",
    [
        [0.0, 0.0, 0.0],
        [1e4, 1e4 - 1.75, 1e4 - 3.5],
        [-1e4, -1e4 + 2, -1e4 - 30],
        [1e4, -1e4, 0.0],
        [3.3, 700.1, -5.5],
        [0.1, 0.2, 0.3],
        [800.0, 10.0, -800.0],
    ],
)
def test_a_softmax_is_right_at_large_logits(f: Activation, logits: list[float]) -> None:
    """Each output is within (4 + |a - max a|/2) ulp of 500 digits at logits of 1e4, and the outputs sum to 1.

    |a - max a|/2 ulp is what the rounding of that one difference does to exp, and no float64 formula avoids it.
    """
    value = f.value(logits)
    with mpmath.workdps(500):
        exact = f.formula(MULTIPRECISE, _column(logits))[:, 0]
        e = [mpmath.exp(mpmath.mpf(a)) for a in logits]
        for k, a in enumerate(logits):
            bound = (8 + abs(a - max(logits))) * ULP
            assert abs(mpmath.mpf(value[k]) - exact[k]) <= bound * exact[k] + TINY
            assert abs(exact[k] - e[k] / sum(e)) <= PROVED * exact[k]
    assert abs(value.sum() - 1) <= 4 * ULP
    assert np.isfinite(f.slope(logits)).all()


@pytest.mark.parametrize("g", [g for g in LOSSES.values() if g.parts], ids=_name)
def test_a_loss_is_right_to_a_few_ulp(g: Loss) -> None:
    """Each loss and each dE/dy is within 8 ulp of the largest part at 50 digits, probabilities of 1e-300 included."""
    outputs = [[float(v) for v in row] for row in OUTPUTS] + [[1e-300, 1e-10, 0.5], [0.75, 1e-5, 0.125]]
    for y in outputs:
        for t in [[float(v) for v in row] for row in TARGETS]:
            with mpmath.workdps(400):
                parts = g.parts(MULTIPRECISE, _column(y), _column(t))[:, 0]
                slope = np.asarray(g.slope(MULTIPRECISE, _column(y), _column(t)))[:, 0]
                size = sum(abs(p) for p in parts) + 1
                assert abs(mpmath.mpf(g.value(y, t)) - sum(parts)) <= 16 * ULP * size
                for found, exact in zip(g.gradient(y, t), slope, strict=True):
                    assert abs(mpmath.mpf(float(found)) - exact) <= 16 * ULP * (abs(exact) + 2)


@pytest.mark.parametrize(("g", "f", "fusion"), FUSIONS, ids=_name)
def test_a_steps_fused_loss_is_right_at_large_logits(g: Loss, f: Activation, fusion: Fusion) -> None:
    """The loss that a step records stays finite and right to a few ulp where its output has been rounded to 0 or 1."""
    for logits in ([1e4, -1e4, 0.0], [800.0, 10.0, -800.0], [40.0, -40.0, 0.5]):
        for t in ([0.0, 1.0, 0.0], [0.5, 0.25, 0.25]):
            layer = {"activation": f.name, "W": [[a] for a in logits]}
            given = {"network": {"loss": g.name, "layers": [layer]}, "samples": [{"x": [1], "t": t}]}
            found = trace(load(given | {"training": {"learning_rate": 0.1}}))["E"]
            with mpmath.workdps(9000):  # exp(-2e4) beside 1
                exact = sum(g.parts(MULTIPRECISE, f.formula(MULTIPRECISE, _column(logits)), _column(t))[:, 0])
                assert abs(mpmath.mpf(found) - exact) <= 16 * ULP * (abs(exact) + 1)


def test_document_002s_sigmoid() -> None:
    """The library call gives document 002's two numbers digit for digit."""
    assert functions["sigmoid"].value(1) == 0.7310585786300049
    assert functions["sigmoid"].slope(1) == 0.19661193324148185


def test_arrays_and_numbers_give_the_same() -> None:
    """An array gives entry for entry what its numbers give, in its own shape."""
    grid = np.linspace(-3, 3, 12).reshape(3, 4)
    for f in ELEMENTWISE:
        assert f.value(grid).shape == f.slope(grid).shape == grid.shape
        assert isinstance(f.value(0.5), float)
        assert np.allclose(f.value(grid), [[f.value(a) for a in row] for row in grid], rtol=4 * ULP, atol=0)


# --- kinks ---


@pytest.mark.parametrize("f", [f for f in ELEMENTWISE if f.kinks], ids=_name)
def test_the_slope_at_a_kink_is_the_stated_one(f: Activation) -> None:
    """At each kink the derivative is the number that `at_kink` names, in float64 and exactly."""
    numbers = [float(word) for word in f.at_kink.replace(",", " ").split() if word.replace(".", "", 1).isdigit()]
    exact = Exact()
    for kink in f.kinks:
        assert f.slope(kink) == numbers[0]
        column = np.array([[exact.number(repr(kink))]], object)
        side = f.derivative(exact, column, f.formula(exact, column))[0, 0]
        assert side == exact.number(repr(numbers[0]))


@pytest.mark.parametrize("f", ELEMENTWISE, ids=_name)
def test_every_jump_is_a_stated_kink(f: Activation) -> None:
    """Away from the stated kinks neither h' nor h'' jumps: halving a step halves the change of the slope."""
    for a in (-2.0, -1.0, 0.0, 1.0, 2.0):
        changes = [abs(f.slope(a + h) - f.slope(a - h)) for h in (1e-3, 1e-6)]
        second = [f.slope(a + h) - 2 * f.slope(a) + f.slope(a - h) for h in (1e-3,)]
        smooth = changes[1] <= 1e-5 and abs(second[0]) <= 1e-5
        assert smooth or a in f.kinks


# --- torch ---

TORCH_OPTIONS = {"softplus": {"threshold": 45}, "softmax": {"dim": 0}, "log_softmax": {"dim": 0}}


def _torch_has(f: Activation) -> Iterator[Any]:
    torch = pytest.importorskip("torch")
    function = getattr(torch.nn.functional, f.name, None)
    if function is None:
        pytest.skip(f"torch has no {f.name}")
    yield torch
    yield lambda a: function(a, **TORCH_OPTIONS.get(f.name, {}))


@pytest.mark.parametrize("f", ELEMENTWISE, ids=_name)
def test_an_activation_is_torchs(f: Activation) -> None:
    """Value and slope equal torch's function of the same name and its autograd in float64, kinks included."""
    torch, function = _torch_has(f)
    grid = np.array(sorted({*np.linspace(-6, 6, 97), *f.kinks, -40.0, 40.0}))
    a = torch.tensor(grid, requires_grad=True)
    z = function(a)
    z.sum().backward()
    # torch's gelu takes 1 + erf, which loses the lower tail: absolute there
    assert np.allclose(f.value(grid), z.detach().numpy(), rtol=1e-14, atol=1e-14)
    assert np.allclose(f.slope(grid), a.grad.numpy(), rtol=1e-14, atol=1e-14)
    for kink in f.kinks:
        at = torch.tensor(kink, dtype=torch.float64, requires_grad=True)
        function(at).backward()
        assert f.slope(kink) == pytest.approx(at.grad.item(), rel=1e-15)


@pytest.mark.parametrize("f", WITH_JACOBIAN, ids=_name)
def test_a_softmax_is_torchs(f: Activation) -> None:
    """Value and Jacobian equal torch's, at logits of 1e4 too."""
    torch, function = _torch_has(f)
    for logits in ([0.3, -1.2, 2.0], [1e4, 1e4 - 2, 1e4 - 5]):
        a = torch.tensor(logits, dtype=torch.float64)
        assert np.allclose(f.value(logits), function(a).numpy(), rtol=1e-14, atol=1e-15)
        jacobian = torch.autograd.functional.jacobian(function, a)
        assert np.allclose(f.slope(logits), jacobian.numpy(), rtol=1e-13, atol=1e-15)


TORCH_LOSSES = {
    "half_squared_error": lambda F, y, t: F.mse_loss(y, t, reduction="sum") / 2,
    "squared_error": lambda F, y, t: F.mse_loss(y, t, reduction="sum"),
    "mean_squared_error": lambda F, y, t: F.mse_loss(y, t),
    "half_mean_squared_error": lambda F, y, t: F.mse_loss(y, t) / 2,
    "cross_entropy": lambda F, y, t: F.cross_entropy(y.log(), t) + t.sum() * y.sum().log() * 0,
    "binary_cross_entropy": lambda F, y, t: F.binary_cross_entropy(y, t, reduction="sum"),
}


@pytest.mark.parametrize("name", TORCH_LOSSES)
def test_a_loss_is_torchs(name: str) -> None:
    """Each loss that torch has gives torch's value; where torch does not renormalise y, its gradient too."""
    torch = pytest.importorskip("torch")
    g = LOSSES[name]
    for row in ([0.5, 0.25, 0.25], [0.01, 0.7, 0.29]):
        for target in ([0.0, 1.0, 0.0], [0.2, 0.3, 0.5]):
            y = torch.tensor(row, dtype=torch.float64, requires_grad=True)
            E = TORCH_LOSSES[name](torch.nn.functional, y, torch.tensor(target, dtype=torch.float64))
            E.backward()
            assert g.value(row, target) == pytest.approx(E.item(), rel=1e-14)
            if name != "cross_entropy":  # torch's takes log-probabilities and normalises them: another function of y
                assert np.allclose(g.gradient(row, target), y.grad.numpy(), rtol=1e-13)


# --- cross-entropy where a probability is zero ---


def test_cross_entropy_is_infinite_at_probability_zero() -> None:
    """At y = 0 where t is 1 the loss and its slope are infinite; where t is 0 the part is exactly 0."""
    for name in ("cross_entropy", "binary_cross_entropy"):
        g = LOSSES[name]
        assert g.value([0.0, 1.0], [1.0, 1.0]) == math.inf
        assert g.gradient([0.0, 1.0], [1.0, 1.0])[0] == -math.inf
        assert g.value([0.0, 1.0], [0.0, 1.0]) == 0.0
        assert np.isfinite(g.gradient([0.0, 0.5], [0.0, 1.0])).all()


def test_a_trace_says_that_a_loss_is_infinite() -> None:
    """A step whose y is 0 where t is 1 records an infinite E, and its notes name E and what cross-entropy needs."""
    problem = {
        "network": {"loss": "cross_entropy", "layers": [{"activation": "relu", "W": [[-1], [1]]}]},
        "samples": [{"x": [1], "t": [1, 0]}],
        "training": {"learning_rate": 0.1},
    }
    step = trace(load(problem))
    assert step["E"] == math.inf
    assert len(step.notes) == 1
    assert step.notes[0].startswith("E[1] is not finite")
    assert "cross_entropy needs y > 0" in step.notes[0]


def test_a_trace_with_softmax_stays_finite_at_large_logits() -> None:
    """Softmax with cross-entropy at logits of 1e4 gives E = 2e4 and delta = y - t, with nothing to note."""
    problem = {
        "network": {"loss": "cross_entropy", "layers": [{"activation": "softmax", "W": [[10000], [-10000]]}]},
        "samples": [{"x": [1], "class": 2}],
        "training": {"learning_rate": 0.1},
    }
    step = trace(load(problem))
    assert step["E"] == 20000
    assert list(step["delta1"]) == [1, -1]
