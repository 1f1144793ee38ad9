"""What the arithmetics promise: float64 and float32 lie where the balls say, by hand every digit is the right one.

How far a float may lie outside a ball.  A 53-bit ball holds the exact result of the exact inputs; a float trace commits
a rounding error of its own in every recorded array.  `_error` bounds that error from the recorded numbers that the
array was made from, in units of u = 2^-53 (2^-24 for float32): (n + 2) u sum |W||z| for a sum of n products, whatever
the order of the sum; a few u times the magnitude for a function.  Each recorded ball is widened by its bound before the
step goes on with it, so by induction every float lies in its widened ball: the widening is sound, and its growth from
layer to layer is the balls' own.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import random_problem
from processor import within

from derivations.arithmetic import FLOAT32, FLOAT64, Arithmetic, Ball
from derivations.axes import Arrays
from derivations.layers import start
from derivations.network import Problem
from tracer import load, trace
from tracer.rounding import Rounding
from tracer.step import WorkedStep, run_step

SEEDS = range(200)
U64, U32 = 2.0**-53, 1.01 * 2.0**-24  # float32 numbers are rounded from doubles, functions too: a little more than u
ByPlace = dict[tuple[str, int], Any]
_SMALLEST = {U64: 1e-300, U32: 1e-37}  # what underflows

# --- the widening ---


def _up(array: Any) -> Any:
    """Upper bounds of |array| as floats."""

    def up(v: Any) -> float:
        return 0.0 if v == 0 else max(float(abs(arb(v)).upper()) * (1 + 1e-12), 1e-270)

    return np.vectorize(up, otypes=[float])(np.asarray(array, object))


def _widened(array: Any, radius: Any) -> Any:
    """The same array with each ball's radius grown."""
    radius = np.broadcast_to(radius, np.shape(array))
    wide = np.frompyfunc(lambda v, r: arb(v) + arb(0, float(r)) if r else v, 2, 1)(array, radius)
    return wide if isinstance(array, np.ndarray) else np.asarray(wide, object)[()]


def _inexact(array: Any, u: float) -> Any:
    """The error of a given number: at most u of it, none where the ball says that it is exact in so few bits."""
    exact = np.vectorize(lambda v: arb(v).is_exact() and float(np.float32(float(v))) == float(v), otypes=[bool])
    array = np.asarray(array, object)
    return np.where(exact(array), 0.0, u * _up(array))


def _error(problem: Problem, kind: str, l: int, ball: Any, known: ByPlace, given: ByPlace) -> Any:
    """A bound of the float trace's own rounding error in one recorded array, in units of u."""
    have = {key: _up(array) for key, array in known.items()}
    own, N, L = _up(ball), problem.samples, len(problem.network)
    z = {0: _up(given["x", 0]), **{k: v for (what, k), v in have.items() if what == "z"}}
    t = _up(given["t", 0]) if ("t", 0) in given else 0.0
    mean = 1 / N if problem.training.reduction == "mean" else 1
    loss = problem.network.loss
    if kind == "a":
        b = _up(given["b", l]) if ("b", l) in given else 0.0
        W = _up(given["W", l])
        return (W.shape[1] + 2) * (W @ z[l - 1] + b)
    if kind == "z":  # 9 u; softmax rounds a - max a, gelu a/sqrt(2), and their exponentials feel it as |a| and a^2
        return (9 + own.shape[0] + 2 * have["a", l].max(axis=0) ** 2) * own
    if kind == "E_part":  # of logarithms that cancel: relative to the terms
        terms = (1 + t) * (1 + have["a", L].max(axis=0)) * (1 + have["z", L]) if loss.fused else 0.0
        return (16 + own.shape[0]) * (own + terms)
    if kind in ("E_sample", "E"):
        return (have["E_part", 0].size + 2) * have["E_part", 0].sum(axis=0 if kind == "E_sample" else None)
    if kind == "dz" and l == L:  # (1 - t)/(1 - y) - t/y of binary cross-entropy
        y = np.frompyfunc(lambda v: float((1 / arb(v)).abs_upper() + (1 / (1 - arb(v))).abs_upper()), 1, 1)
        return 6 * own + (6 * (1 + t) * y(known["z", L]).astype(float) if loss.name.startswith("binary") else 0.0)
    if kind == "dz":
        W = _up(given["W", l + 1])
        return (W.shape[0] + 1) * (W.T @ have["delta", l + 1])
    if kind == "slope":
        exact = np.vectorize(lambda v: arb(v).is_exact(), otypes=[bool])(np.asarray(ball, object))
        return np.where(exact, 0, 16 * (1 + z[l] + own))
    if kind == "J":
        return 4 * own
    if kind == "delta":
        long_way = (have["J", l] * have["dz", l][:, None]).sum(axis=0) if ("J", l) in have else own
        return (own.shape[0] + 2) * np.maximum(long_way, own)
    if kind == "dW":
        return (N + 3) * mean * (have["delta", l] @ z[l - 1].T)
    if kind == "db":
        shared = problem.network.layer(l).bias.shared
        return (have["delta", l].size + 3) * mean * have["delta", l].sum(axis=None if shared else 1).reshape(own.shape)
    return _update_error(problem, kind, l, own, have, given)


def _update_error(problem: Problem, kind: str, l: int, own: Any, have: ByPlace, given: ByPlace) -> Any:
    """The same for what the optimizer records."""
    p = "W" if kind.strip("mv").startswith("W") else "b"
    moving = problem.training.update_biases or p == "W"
    if kind.endswith("_new"):
        old = _up(given[p, l])
        return 8 * (old + (own + old)) if moving else 0.0
    before = _up(given[f"{kind}#before", l]) if (f"{kind}#before", l) in given else 0.0
    if kind.endswith("_hat"):  # 1 - beta^k feels an error of beta^k as 1/(1 - beta^k)
        beta = given["beta1" if kind.startswith("m") else "beta2", 0]
        return 4 * own * (1 + 1 / (1 - float(beta)))
    g = have[f"d{p}", l]
    adam = problem.training.optimizer == "adam"
    return 6 * (before + (g**2 if adam and kind.startswith("v") else g))


def _walk(
    problem: Problem, m: Arithmetic, count: int, u: float = 0.0, error: Callable[..., Any] = _error
) -> list[ByPlace]:
    """The recorded arrays of `count` steps in the arithmetic m, each widened by u times its error bound."""
    out = []
    with m.working():
        given = start(problem, m)
        if u:
            given = _given_widened(given, u)
        for _ in range(count):
            known: ByPlace = {}
            inputs = WorkedStep(problem, m, given, {}, {}).inputs

            def keep(kind: str, l: int, array: Any, known: ByPlace = known, inputs: ByPlace = inputs) -> Any:
                if u:
                    radius = u * np.asarray(error(problem, kind, l, array, known, inputs), float)
                    array = _widened(array, radius + np.where(radius > 0, _SMALLEST[u], 0))
                known[kind, l] = array
                return array

            given = run_step(problem, m, given, keep=keep).following
            out.append(known)
    return out


def _given_widened(given: Arrays, u: float) -> Arrays:
    return {name: a if name == "step" else _widened(a, _inexact(a, u)) for name, a in given.items()}


def _outside(floats: Any, balls: Any) -> list[str]:
    """The names of the numbers that lie outside their balls."""
    return [
        f"{kind}{l}{place}"
        for (kind, l), array in floats.items()
        for place, v in np.ndenumerate(np.asarray(array))
        if arb(float(v)) not in arb(np.asarray(balls[kind, l], object)[place])
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_float64_lies_in_the_ball_widened_by_its_rounding(seed: int) -> None:
    """Every number of two float64 steps lies in its 53-bit ball, widened by numpy's own error and no more."""
    problem = load(random_problem(seed))
    floats, balls = _walk(problem, FLOAT64, 2), _walk(problem, Ball(53), 2, U64)
    for own, wide in zip(floats, balls, strict=True):
        assert _outside(own, wide) == []


@pytest.mark.parametrize("seed", SEEDS[::4])
def test_float32_lies_in_the_ball_widened_by_its_rounding(seed: int) -> None:
    """Every number of a float32 step lies in its 53-bit ball, widened by the errors of 24 bits."""
    problem = load(random_problem(seed))
    (floats,), (balls,) = _walk(problem, FLOAT32, 1), _walk(problem, Ball(53), 1, U32)
    assert _outside(floats, balls) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ball_holds_the_same_ball_at_four_times_the_bits(seed: int) -> None:
    """`arithmetic="ball"` at 53 bits contains what 212 bits say, every number of the step."""
    problem = load(random_problem(seed))
    narrow = trace(problem, arithmetic="ball", precision=212)
    for name, ball in trace(problem, arithmetic="ball").values.items():
        assert arb(narrow.values[name]) in arb(ball), name


@pytest.mark.parametrize("seed", SEEDS[::5])
def test_float64_is_beside_the_traced_ball(seed: int) -> None:
    """The public traces agree: float64 is within 1e-12 of the ball, of 1 or of the array's largest entry."""
    problem = load(random_problem(seed))
    floats, balls = trace(problem), trace(problem, arithmetic="ball")
    sizes: dict[str, float] = {}
    for name, v in floats.values.items():
        array = name.split("[")[0]
        sizes[array] = max(sizes.get(array, 0.0), abs(v))
    for name, v in floats.values.items():
        scale = max(sizes[name.split("[")[0]], 1.0)
        ball = balls.values[name]
        assert abs(v - float(ball.mid())) <= 1e-12 * scale + float(ball.rad()), name


def test_the_widening_is_small_and_a_wrong_number_is_outside() -> None:
    """No widened ball is wider than 1e-11 of its array in the 3-2-2, and one entry off by 1e-12 is found."""
    problem = load("hand-3-2-2")
    (floats,), (balls,) = _walk(problem, FLOAT64, 1), _walk(problem, Ball(53), 1, U64)
    for key, array in balls.items():
        flat = np.asarray(array, object).ravel()
        assert max(float(arb(v).rad()) for v in flat) <= 1e-13 * max(1, _up(array).max()), key
    for key in floats:
        wrong = {k: np.array(v) for k, v in floats.items()}
        wrong[key].flat[0] += 1e-12 * max(1, abs(wrong[key].flat[0]))
        assert len(_outside(wrong, balls)) == 1


# --- balls around a border ---


def _holds(image: Any, point: Any) -> bool:
    """Whether a ball holds what is known of a point, itself a ball of rounding size: they meet."""
    return bool(arb(image).overlaps(arb(point)))


STRADDLING = [(0.0, 1e-3), (1.0, 1e-3), (0.0, 2.0**-60), (1.0, 2.0**-60), (1e-4, 1e-3), (-1e-4, 1e-3)]


@pytest.mark.parametrize("name", ["exp", "expm1", "tanh", "log1p", "normal_cdf", "positive_part", "absolute", "square"])
@pytest.mark.parametrize(("middle", "radius"), STRADDLING)
def test_a_function_of_a_ball_holds_the_function_of_its_points(name: str, middle: float, radius: float) -> None:
    """A ball that straddles 0 or 1, where a function has a short cut, gives a ball that holds every value."""
    m = Ball(53)
    with m.working():
        ball = np.array([arb(middle, radius)], object)
        image = arb(getattr(m, name)(ball)[0])
        for share in (-1, -0.5, 0, 0.25, 1):
            point = np.array([arb(middle) + share * arb(radius)], object)
            assert _holds(image, getattr(m, name)(point)[0])


@pytest.mark.parametrize(("middle", "radius"), STRADDLING[1::2])
def test_a_logarithm_of_a_ball_around_one_holds_its_points(middle: float, radius: float) -> None:
    """log of 1 with a radius holds log of both ends, which is not a - 1."""
    m = Ball(53)
    with m.working():
        image = m.log(np.array([arb(middle, radius)], object))[0]
        for end in (middle - radius, middle + radius):
            assert _holds(image, arb(end).log())


def test_a_choice_across_its_border_is_the_hull() -> None:
    """relu, its slope and `where` of a ball that straddles 0 hold both branches."""
    m = Ball(53)
    a = np.array([arb(0, 1e-3)], object)
    assert 0 in m.positive_part(a)[0]
    assert arb("0.0009") in m.positive_part(a)[0]
    chosen = m.where(a, np.array([arb(3)], object), np.array([arb(7)], object))[0]
    assert 3 in chosen
    assert 7 in chosen


# --- float32 ---


@pytest.mark.parametrize("seed", SEEDS[::10])
def test_every_float32_number_is_a_float32(seed: int) -> None:
    """Each recorded number of a float32 trace is a float32, widened to a Python float."""
    for name, v in trace(load(random_problem(seed)), arithmetic="float32").values.items():
        assert isinstance(v, float)
        assert float(np.float32(v)) == v, name


# --- by hand: rounding one number ---

ROUNDED = [
    ({"places": 2}, "0.125", "0.13"),
    ({"places": 2}, "-0.125", "-0.13"),
    ({"places": 2}, "2.675", "2.68"),
    ({"places": 2}, "1.005", "1.01"),
    ({"places": 0}, "-2.5", "-3"),
    ({"places": 0}, "2.5", "3"),
    ({"places": 0}, "0.5", "1"),
    ({"places": 0}, "0.49999999999999999999", "0"),
    ({"places": 2}, "0.12499999999999999999999", "0.12"),
    ({"places": 1}, "9.95", "10.0"),
    ({"digits": 4}, "9.9996", "10.00"),
    ({"digits": 4}, "-9.9996", "-10.00"),
    ({"digits": 4}, "0.00099996", "0.001000"),
    ({"digits": 4}, "99995", "100000"),
    ({"digits": 1}, "0.25", "0.3"),
    ({"digits": 1}, "0.95", "1"),
    ({"digits": 3}, "0", "0"),
    ({"places": 3}, "0", "0"),
    ({"digits": 3}, "1/3", "0.333"),
    ({"digits": 3}, "2/3", "0.667"),
    ({"digits": 3}, "7/2", "3.5"),
    ({"digits": 3}, "1.2345e-90", "1.23e-90"),
    ({"digits": 3}, "1.2355e90", "1.24e90"),
    ({"places": 4}, "1e-90", "0.0000"),
]


@pytest.mark.parametrize(("how", "number", "text"), ROUNDED)
def test_rounding_is_half_away_from_zero(how: dict[str, int], number: str, text: str) -> None:
    """Ties, carries into a new figure, zero, the tiny and the huge come out as a person writes them."""
    shown = Rounding(**how).shown(Fraction(number))
    assert Decimal(shown) == Decimal(text)
    assert shown == text or Fraction(text) == Fraction(number) or "e" in shown or Decimal(text) == 0


def _half_up(number: Fraction, digits: int | None, places: int | None) -> Fraction:
    """Rounded by the decimal module: an independent reading of half away from zero."""
    wide = Context(prec=800, rounding=ROUND_HALF_UP, Emin=-9999, Emax=9999)
    # a sticky figure beyond every border keeps a repeating fraction on its side of a tie
    cut = Decimal(number.numerator * 10**400 // number.denominator if number >= 0 else 0)
    if number < 0:
        return -_half_up(-number, digits, places)
    exact = cut * 10**400 == 0 or Fraction(int(cut), 10**400) == number
    value = wide.multiply(cut, Decimal("1e-400"))
    value = value if exact else wide.add(value, Decimal("1e-401"))
    if digits is not None:
        return Fraction(Context(prec=digits, rounding=ROUND_HALF_UP, Emin=-9999, Emax=9999).plus(value))
    return Fraction(value.quantize(Decimal(1).scaleb(-(places or 0)), rounding=ROUND_HALF_UP, context=wide))


@st.composite
def _numbers(draw: Any) -> Fraction:
    """Fractions, among them exact ties and their neighbours, from 1e-40 to 1e40."""
    whole = draw(st.integers(-(10**7), 10**7))
    power = draw(st.integers(-40, 33))
    number = Fraction(whole) * (Fraction(10) ** power)
    kind = draw(st.sampled_from(("plain", "tie", "above", "below", "third")))
    if kind == "plain":
        return number
    if kind == "third":
        return number / 3
    tie = number + Fraction(10) ** power / 2
    return tie + {"tie": 0, "above": 1, "below": -1}[kind] * Fraction(10) ** (power - 60)


@settings(max_examples=300, deadline=None)
@given(number=_numbers(), digits=st.integers(1, 12) | st.none(), places=st.integers(0, 12))
def test_rounding_is_the_decimal_modules(number: Fraction, digits: int | None, places: int) -> None:
    """Every fraction, exact ties and their nearest neighbours included, rounds as Python's decimal module rounds."""
    how = {"digits": digits} if digits else {"places": places}
    shown = Rounding(**how).shown(number)
    assert Fraction(shown) == _half_up(number, digits, None if digits else places)


# --- by hand: a whole step ---


def _step_of(W: Any, x: Any, **how: Any) -> Any:
    return trace(
        load(
            {
                "network": {"loss": "half_squared_error", "layers": [{"activation": "identity", "W": W}]},
                "samples": [{"x": x, "t": [0]}],
                "training": {"learning_rate": "0.1"},
            }
        ),
        **how,
    )


@pytest.mark.parametrize(
    ("W", "how", "a"),
    [
        ("0.125", {"places": 2}, 0.13),
        ("-2.5", {"places": 0}, -3.0),
        ("2.675", {"places": 2}, 2.68),
        ("9.9996", {"digits": 4}, 10.0),
    ],
)
def test_a_traced_tie_is_decided_exactly(W: str, how: dict[str, int], a: float) -> None:
    """A tie in a recorded quantity is a tie of the decimals as written, not of their nearest floats, and is carried."""
    step = _step_of([[W]], [1], **how)
    assert step["a1[1]"] == step["z1[1]"] == step["delta1[1]"] == a
    text = {q.kind: text for q, text in step.shown.items()}
    assert Fraction(text["a"]) == Fraction(str(a))
    full = _step_of([[W]], [1], carry="full", **how)
    assert full["a1[1]"] == a
    assert full.steps[0].known["a1"][0, 0] == fmpq(*Fraction(W).as_integer_ratio())  # carried whole


def test_a_shown_number_keeps_its_figures() -> None:
    """9.9996 to four figures is written 10.00."""
    step = _step_of([["9.9996"]], [1], digits=4)
    assert next(text for q, text in step.shown.items() if q.kind == "a") == "10.00"


HAND = {
    "W1": [[Fraction(1, 10)] * 3, [Fraction(2, 10)] * 3],
    "W2": [[Fraction(1), Fraction(2)], [Fraction(3), Fraction(4)]],
    "x": [Fraction(1), Fraction(2), Fraction(3)],
    "t": [Fraction(0), Fraction(1)],
    "eta": Fraction(1, 10),
}


def _sigmoid(a: Fraction) -> Fraction:
    with mpmath.workdps(80):
        value = 1 / (1 + mpmath.exp(-mpmath.mpf(a.numerator) / a.denominator))
        return Fraction(str(mpmath.nstr(value, 70)))


def _by_hand(write: Callable[[str, Fraction], Fraction]) -> None:
    """The 3-2-2 step on fractions, one number at a time; `write` is given each and returns what is carried on."""
    W1, W2, x, t, eta = (HAND[k] for k in ("W1", "W2", "x", "t", "eta"))
    two = range(2)
    a1 = [write(f"a1[{j + 1}]", sum(W1[j][i] * x[i] for i in range(3))) for j in two]
    z1 = [write(f"z1[{j + 1}]", _sigmoid(a1[j])) for j in two]
    a2 = [write(f"a2[{k + 1}]", sum(W2[k][j] * z1[j] for j in two)) for k in two]
    z2 = [write(f"z2[{k + 1}]", a2[k]) for k in two]
    parts = [write(f"E[{k + 1}]", (z2[k] - t[k]) ** 2 / 2) for k in two]
    write("E", sum(parts))
    dz2 = [write(f"dz2[{k + 1}]", z2[k] - t[k]) for k in two]
    slope2 = [write(f"slope2[{k + 1}]", Fraction(1)) for k in two]
    delta2 = [write(f"delta2[{k + 1}]", slope2[k] * dz2[k]) for k in two]
    dW2 = [[write(f"dW2[{k + 1},{j + 1}]", delta2[k] * z1[j]) for j in two] for k in two]
    for k in two:
        for j in two:
            write(f"W2_new[{k + 1},{j + 1}]", W2[k][j] - eta * dW2[k][j])
    dz1 = [write(f"dz1[{j + 1}]", sum(W2[k][j] * delta2[k] for k in two)) for j in two]
    slope1 = [write(f"slope1[{j + 1}]", z1[j] * (1 - z1[j])) for j in two]
    delta1 = [write(f"delta1[{j + 1}]", slope1[j] * dz1[j]) for j in two]
    dW1 = [[write(f"dW1[{j + 1},{i + 1}]", delta1[j] * x[i]) for i in range(3)] for j in two]
    for j in two:
        for i in range(3):
            write(f"W1_new[{j + 1},{i + 1}]", W1[j][i] - eta * dW1[j][i])
    for i in range(3):
        write(f"dz0[{i + 1}]", sum(W1[j][i] * delta1[j] for j in two))


HOW = [*({"digits": n} for n in (1, 2, 3, 4, 5, 8, 15, 30)), *({"places": n} for n in (0, 1, 2, 3, 4, 6, 8, 20))]


@pytest.mark.parametrize("carry", ["shown", "full"])
@pytest.mark.parametrize("how", HOW, ids=str)
def test_every_number_by_hand_is_the_rounded_formula(how: dict[str, int], carry: str) -> None:
    """In the 3-2-2 each recorded number is the half-away rounding of its formula on the carried numbers, exactly."""
    step = trace("hand-3-2-2", carry=carry, **how)
    from derivations import names

    shown = {names.text(step.problem.network, q): text for q, text in step.shown.items()}
    seen = []

    def write(name: str, value: Fraction) -> Fraction:
        wanted = _half_up(value, how.get("digits"), how.get("places"))
        assert Fraction(shown[name]) == wanted, name
        assert step[name] == float(wanted), name
        seen.append(name)
        return wanted if carry == "shown" else value

    _by_hand(write)
    assert set(seen) == set(step.values)


def test_a_wrong_last_digit_by_hand_is_caught() -> None:
    """The independent step does not accept banker's rounding: at one place 0.25 is 0.3, not 0.2."""
    assert _half_up(Fraction(1, 4), None, 1) == Fraction(3, 10) != Fraction(round(Decimal("0.25"), 1))


@pytest.mark.parametrize("how", [{"digits": 4}, {"places": 3}])
def test_numbers_that_nobody_could_write_end_nothing(how: dict[str, int]) -> None:
    """Found by the goldens: the tail of gelu at -2000 has 870,000 zeros; by hand there is no largest float either."""
    layers = [{"activation": "gelu", "W": [[-2000]]}, {"activation": "identity", "W": [[1]]}]
    samples = [{"x": [1], "t": [0]}]
    with within(5):
        step = trace(
            {
                "network": {"loss": "half_squared_error", "layers": layers},
                "samples": samples,
                "training": {"learning_rate": 0.1, "optimizer": "adam", "epsilon": 1e-8},
            },
            **how,
        )
        assert step["z1[1]"] == 0
    large = [{"activation": "softmax", "W": [["9e99"], ["-9e99"]]}]
    found = trace(
        {
            "network": {"loss": "cross_entropy", "layers": large},
            "samples": [{"x": ["9e99"], "t": [0, 1]}],
            "training": {"learning_rate": "9e99"},
        },
        **how,
    )
    assert len(found.values) > 10
