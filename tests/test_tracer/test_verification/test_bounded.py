"""Every operation's bound holds: of rounding, and of what its arguments may be off by, at both precisions.

A true number X lies within e of the number v that somebody works with; the operation on v, rounded, is within the bound
of the exact operation on X.  Half of the bound would not do for some draw of every operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from derivations.forms import Context
from derivations.normal import normal_cdf
from tracer.verification.bounded import U32, U64, Bounded

FORMATS = {U64: np.float64, U32: np.float32}
DRAWS = 300
SECOND_ORDER = 1.02
"""In float32 what is rounded is the number that is off, whose size the bound has but for that."""


def anything(rng: Any) -> float:
    """A number of either sign, of sizes from a thousandth to a hundred."""
    return float(rng.normal() * 10.0 ** rng.uniform(-3, 2))


def positive(rng: Any) -> float:
    """A number above 0."""
    return abs(anything(rng)) + 1e-3


def moderate(rng: Any) -> float:
    """A number between -6 and 6."""
    return float(rng.uniform(-6, 6))


def above_minus_one(rng: Any) -> float:
    """A number between -1 and 0, seldom near -1."""
    return float(-rng.uniform(0, 0.9))


Case = tuple[Sequence[Callable[[Any], float]], Callable[..., Any], Callable[..., Any], Callable[..., Any]]
CASES: dict[str, Case] = {
    "x + y": ((anything,) * 2, lambda m, x, y: m.total([(1, x), (1, y)]), lambda x, y: x + y, lambda x, y: x + y),
    "-x - y + z": (
        (anything,) * 3,
        lambda m, x, y, z: m.total([(-1, x), (-1, y), (1, z)]),
        lambda x, y, z: -x - y + z,
        lambda x, y, z: -x - y + z,
    ),
    "x y": ((anything,) * 2, lambda m, x, y: m.product(x, y), lambda x, y: x * y, lambda x, y: x * y),
    "x / y": ((anything,) * 2, lambda m, x, y: m.quotient(x, y), lambda x, y: x / y, lambda x, y: x / y),
    "x^2": ((anything,), lambda m, x: m.whole_power(x, 2), lambda x: x * x, lambda x: x * x),
    "x^5": ((anything,), lambda m, x: m.whole_power(x, 5), lambda x: x**5, lambda x: x**5),
    "x^-3": ((anything,), lambda m, x: m.whole_power(x, -3), lambda x: 1 / x**3, lambda x: x**-3),
    "x^y": ((positive, moderate), lambda m, x, y: m.power(x, y), np.power, mpmath.power),
    "exp": ((moderate,), lambda m, x: m.call("exp", x), np.exp, mpmath.exp),
    "expm1": ((moderate,), lambda m, x: m.call("expm1", x), np.expm1, mpmath.expm1),
    "log": ((positive,), lambda m, x: m.call("log", x), np.log, mpmath.log),
    "log1p": ((positive,), lambda m, x: m.call("log1p", x), np.log1p, mpmath.log1p),
    "log1p below 0": ((above_minus_one,), lambda m, x: m.call("log1p", x), np.log1p, mpmath.log1p),
    "tanh": ((moderate,), lambda m, x: m.call("tanh", x), np.tanh, mpmath.tanh),
    "sqrt": ((positive,), lambda m, x: m.call("sqrt", x), np.sqrt, mpmath.sqrt),
    "sin": ((moderate,), lambda m, x: m.call("sin", x), np.sin, mpmath.sin),
    "cos": ((moderate,), lambda m, x: m.call("cos", x), np.cos, mpmath.cos),
    "Phi": ((moderate,), lambda m, x: m.call("Phi", x), lambda x: x.dtype.type(normal_cdf(np.float64(x))), mpmath.ncdf),
    "abs": ((anything,), lambda m, x: m.call("abs", x), np.abs, abs),
    "xlogy": (
        (anything, positive),
        lambda m, x, y: m.call("xlogy", x, y),
        lambda x, y: x * np.log(y),
        lambda x, y: x * mpmath.log(y),
    ),
    "over": ((anything,) * 2, lambda m, x, y: m.call("over", x, y), lambda x, y: x / y, lambda x, y: x / y),
}


def off(rng: Any, size: float) -> float:
    """How far somebody's number is from the true one: not at all, by rounding, by up to a thousandth."""
    return 0.0 if rng.random() < 0.3 else float(rng.choice([-1, 1]) * size * 2.0 ** rng.uniform(-30, -10))


def shares(name: str, u: float, seed: int = 0) -> list[float]:
    """For each draw, how much of its bound an operation on rounded numbers is off by."""
    draw, bounded, plain, exact = CASES[name]
    rng, m, out = np.random.default_rng(seed), Bounded(u), []
    for _ in range(DRAWS):
        true = [float(FORMATS[u](d(rng))) for d in draw]
        theirs = [FORMATS[u](x + off(rng, abs(x))) for x in true]
        errors = [abs(float(p) - x) for p, x in zip(theirs, true, strict=True)]
        value, bound = bounded(m, *((np.float64(x), e) for x, e in zip(true, errors, strict=True)))
        with mpmath.workdps(60):
            correct = exact(*map(mpf, true))
            assert abs(mpf(float(value)) - correct) <= mpf(float(bound))
            out.append(float(abs(mpf(float(plain(*theirs))) - correct) / mpf(float(bound))) if bound else 0.0)
    return out


@pytest.mark.parametrize("u", FORMATS, ids=["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_the_bound_of_an_operation_holds_and_half_of_it_would_not(name: str, u: float) -> None:
    """Against 60 digits, over drawn numbers that are off by nothing, by rounding, or by more."""
    found = shares(name, u)
    assert max(found) <= SECOND_ORDER, name
    assert max(found) > 0.5, name


@pytest.mark.parametrize("u", FORMATS, ids=["float64", "float32"])
@pytest.mark.parametrize("n", [1, 2, 7, 300])
def test_sums_in_any_order(n: int, u: float) -> None:
    """Of n numbers one after the other, in a tree, as numpy does; sums of products too: (n + 2) u of the sizes."""
    rng, m, kind, most = np.random.default_rng(n), Bounded(u), FORMATS[u], 0.0
    for _ in range(40):
        x, y = (rng.normal(size=n).astype(kind) for _ in "xy")
        e, f = (np.abs(v) * 2.0 ** rng.uniform(-28, -12) for v in (x.astype(float), y.astype(float)))
        p, q = ((v + rng.choice([-1, 1]) * d).astype(kind) for v, d in ((x, e), (y, f)))
        e, f = (np.abs(v.astype(float) - w) for v, w in ((x, p), (y, q)))
        pair = (x.astype(float), e), (y.astype(float), f)
        _, total = m.sum(pair[0], (0,))
        _, product = m.contract(pair[0], ["i"], pair[1], ["i"], [])
        exact = sum(map(Fraction, x.tolist()))
        for way in (sum(p, kind(0)), p.sum(), p[::-1].sum()):
            assert abs(Fraction(float(way)) - exact) <= Fraction(float(total)) * Fraction(SECOND_ORDER)
            most = max(most, float(abs(Fraction(float(way)) - exact) / Fraction(float(total) or 1)))
        exact = sum(Fraction(a) * Fraction(b) for a, b in zip(x.tolist(), y.tolist(), strict=True))
        for way in (p @ q, sum(p * q, kind(0))):
            assert abs(Fraction(float(way)) - exact) <= Fraction(float(product)) * Fraction(SECOND_ORDER)
    assert most > 0.5 or n > 7


@pytest.mark.parametrize("u", FORMATS, ids=["float64", "float32"])
def test_matrix_products_and_what_is_added_to_places(u: float) -> None:
    """Each entry of a product of matrices within its own bound; numbers added to a place bring theirs."""
    rng, m, kind = np.random.default_rng(1), Bounded(u), FORMATS[u]
    A, B = rng.normal(size=(4, 6)).astype(kind), rng.normal(size=(6, 3)).astype(kind)
    value, bound = m.contract((A.astype(float), 0.0), ["i", "k"], (B.astype(float), 0.0), ["k", "j"], ["j", "i"])
    exact = np.array(
        [[sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(r, c, strict=True)) for r in A] for c in B.T]
    )
    for place in np.ndindex(3, 4):
        assert abs(Fraction(float((A @ B).T[place])) - exact[place]) <= Fraction(float(bound[place]))
        assert abs(Fraction(float(value[place])) - exact[place]) <= Fraction(float(bound[place]))
    sizes = (abs(A.astype(float)) @ abs(B.astype(float))).T
    assert (bound >= 6 * u / (1 - 6 * u) * sizes).all()
    assert (bound <= 8 * u * sizes).all()


def test_numbers_known_beforehand() -> None:
    """A half is exact, a third is rounded; so is what is given, where the format is shorter."""
    assert Bounded(U64).number(Fraction(1, 2)) == (0.5, 0.0)
    assert Bounded(U64).number(Fraction(1, 3))[1] == U64 / 3
    assert Bounded(U32).number(Fraction(1, 2)) == (0.5, 0.0)
    assert Bounded(U32).number(Fraction(1, 10))[1] == U32 * 0.1
    assert Bounded(U64).given(np.array([0.1]))[1] == 0.0
    assert Bounded(U32).given(np.array([0.1]))[1] == pytest.approx(U32 * 0.1)
    assert abs(mpmath.pi - mpf(Bounded().pi()[0])) <= Bounded().pi()[1]


@pytest.mark.parametrize(("u", "least", "most"), [(U64, 5e-324, 1e-290), (U32, 1e-45, 1e-30)])
def test_a_function_may_lose_its_last_digits_to_underflow(u: float, least: float, most: float) -> None:
    """exp(-1000) is 0 in both: more than the smallest float may be lost, and nothing beside a number."""
    bounds = [Bounded(u).call("exp", (np.float64(-1000.0), 0.0))[1], Bounded(u).whole_power((np.float64(0), 0.0), 2)[1]]
    assert all(least < bound < most for bound in bounds)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("quotient", ((1.0, 0.0), (1e-9, 1e-9))),
        ("log", ((1e-9, 1e-9),)),
        ("log1p", ((-1 + 1e-9, 1e-8),)),
    ],
)
def test_what_may_be_a_pole_has_no_bound(name: str, arguments: tuple[Any, ...]) -> None:
    """A number that may be 0 below a line or in a logarithm: infinite, and never a bound that is none."""
    m = Bounded()
    arguments = tuple((np.float64(v), e) for v, e in arguments)
    with np.errstate(all="ignore"):
        _, bound = m.quotient(*arguments) if name == "quotient" else m.call(name, *arguments)
    assert bound == np.inf


def test_nothing_times_a_logarithm_of_nothing_is_exactly_nothing() -> None:
    """0 log 0 and 0/0 are 0, and known to be; a number that only may be 0 is not."""
    m, nothing = Bounded(), (np.float64(0), 0.0)
    with np.errstate(all="ignore"):
        assert [m.call(name, nothing, nothing) for name in ("xlogy", "over")] == [(0, 0), (0, 0)]
        assert m.call("xlogy", (np.float64(0), 1e-16), nothing)[1] == np.inf or np.isnan(
            m.call("xlogy", (np.float64(0), 1e-16), nothing)[1]
        )


@pytest.mark.parametrize(
    ("name", "v", "e"), [("sqrt", 1e-20, 1e-12), ("tanh", 1.0, 50.0), ("sin", 1.0, 50.0), ("Phi", 2.0, 50.0)]
)
def test_wide_arguments_have_the_width_of_the_function(name: str, v: float, e: float) -> None:
    """A root of a number near 0, a bounded function of one that is anywhere: finite, and it holds at the ends."""
    m, true = Bounded(), {"sqrt": mpmath.sqrt, "tanh": mpmath.tanh, "sin": mpmath.sin, "Phi": mpmath.ncdf}[name]
    value, bound = m.call(name, (np.float64(v), np.float64(e)))
    assert bound <= 2.1
    for x in (v + e, max(v - e, 0.0) if name == "sqrt" else v - e):
        assert abs(true(x) - float(value)) <= bound


def test_a_choice_that_rounding_may_turn_is_the_hull() -> None:
    """Near its threshold the bound holds both sides, away from it one; a decision is noted, and may be forced."""
    m, x, y = Bounded(), (np.array([2.0, 2.0, 2.0]), np.full(3, 1e-9)), (np.array([5.0, 5.0, 5.0]), 0.0)
    test = np.array([1.0, 1e-17, -1.0]), np.full(3, 1e-16)
    context = Context()
    decision = m.decide(test, 0, context)
    value, bound = m.choose(decision, x, y, hull=True)
    assert value.tolist() == [2.0, 2.0, 5.0]
    assert bound[1] >= 3
    assert [bound[0], bound[2]] == [1e-9, 0.0]
    assert context.taken[0].tolist() == [True, True, False]
    assert context.open[0].tolist() == [False, True, False]
    value, _ = m.choose(m.decide(test, 0, Context({0: np.array([False, False, True])})), x, y, hull=False)
    assert value.tolist() == [5.0, 5.0, 2.0]


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_of_numbers_that_are_off(sign: int) -> None:
    """Its bound is that of all that may be it, in whichever order they truly are; those are told."""
    m, rng = Bounded(), np.random.default_rng(4)
    for _ in range(100):
        v, e = rng.normal(size=5) * rng.choice([1, 1e-6]), rng.uniform(0, 1e-6, 5)
        (value, bound), at, near = m.extreme((v, e), 0, sign)
        for _ in range(5):
            moved = v + e * rng.uniform(-1, 1, 5)
            best = moved.max() if sign > 0 else moved.min()
            assert abs(best - value) <= bound
            assert near[moved == best].all()
        assert at.sum() == 1
    _, at, near = m.extreme((np.array([1.0, 1.0, 0.0]), 0.0), 0, sign)
    assert at.sum() == (2 if sign > 0 else 1)
