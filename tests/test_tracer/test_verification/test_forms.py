"""A form's value and slopes to 50 digits: what sympy makes of every listed function, against mpmath's differences.

Functions are written here a second time, for mpmath: a wrong value of an entry is seen here and by no route of the
verifier, which share it.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from mpmath import mpf

from derivations.equations import Equation
from derivations.expression import Ref
from derivations.forms import Context, Form, form
from derivations.function import ARGUMENTS, FUNCTIONS
from derivations.language import expression
from tracer.verification.pieces import Entrywise
from tracer.verification.reading_plan import Plan

ROOM = mpf(10) ** -50
LEAST = mpf(10) ** -800  # what a difference in 900 digits still shows
WORKED = 300  # digits: 1 - tanh(250)^2 is 1e-217, and that is how its entry is written


def zero_at_zero(a: Any, value: Callable[[], Any]) -> Any:
    """0 where a is 0, whatever the rest."""
    return mpf(0) if a == 0 else value()


VALUES: dict[str, Callable[..., Any]] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "sqrt": mpmath.sqrt,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tanh": mpmath.tanh,
    "Phi": mpmath.ncdf,
    "abs": abs,
    "max0": lambda a: max(a, mpf(0)),
    "max": max,
    "min": min,
    "xlogy": lambda a, b: zero_at_zero(a, lambda: a * mpmath.log(b)),
    "over": lambda a, b: zero_at_zero(a, lambda: a / b),
    "identity": lambda a: a,
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "relu": lambda a: max(a, mpf(0)),
    "leaky_relu": lambda a: a if a > 0 else a / 100,
    "elu": lambda a: a if a > 0 else mpmath.expm1(a),
    "softplus": lambda a: mpmath.log1p(mpmath.exp(a)),
    "silu": lambda a: a / (1 + mpmath.exp(-a)),
    "gelu": lambda a: a * mpmath.ncdf(a),
    "log1pexp": lambda a: mpmath.log1p(mpmath.exp(a)),
    "swish": lambda a, b: a / (1 + mpmath.exp(-a * b)),
    "mish": lambda a: a * mpmath.tanh(mpmath.log1p(mpmath.exp(a))),
    "selu": lambda a: mpf("1.0507009873554805") * a if a > 0 else mpf("1.7580993408473768") * mpmath.expm1(a),
    "bipolar_sigmoid": lambda a: mpmath.tanh(a / 2),
    "hard_sigmoid": lambda a: min(max(a / 6 + mpf("0.5"), mpf(0)), mpf(1)),
    "square": lambda a: a * a,
    "step": lambda a: mpf(1) if a >= 0 else mpf(0),
    "sign": lambda a: mpmath.sign(a),
}
POSITIVE = {"log", "log1p", "sqrt", "xlogy"}


class Digits:
    """The arithmetic of a form in mpmath's numbers."""

    def number(self, value: Fraction) -> Any:
        return mpf(value.numerator) / value.denominator

    def pi(self) -> Any:
        return +mpmath.pi

    def total(self, terms: list[tuple[int, Any]]) -> Any:
        return mpmath.fsum(sign * x for sign, x in terms)

    def product(self, x: Any, y: Any) -> Any:
        return x * y

    def quotient(self, x: Any, y: Any) -> Any:
        return x / y

    def whole_power(self, x: Any, n: int) -> Any:
        return x**n

    def power(self, x: Any, y: Any) -> Any:
        return x**y

    def call(self, name: str, *x: Any) -> Any:
        return VALUES[name](*x)

    def decide(self, test: Any, k: int, context: Context) -> bool:
        context.taken[k] = test > 0
        return bool(test > 0)

    def settled(self, test: Any) -> bool:
        return bool(test > 0)

    def choose(self, decision: bool, x: Any, y: Any, *, hull: bool) -> Any:
        return x if decision else y


def form_of(text: str) -> tuple[Form, list[str]]:
    """The form of a formula in a, b, ..., and which letters its leaves are."""
    right = expression(text)
    used = [name for name in ARGUMENTS if any(isinstance(x, Ref) and x.name == name for x in right.walk())]
    extents = dict.fromkeys(("y", *used), ())
    plan = Plan([Equation(Ref("y", ()), right)], extents, {}, {}, used, sloped=True)
    (piece,) = plan.pieces
    assert isinstance(piece, Entrywise)
    return piece.form, [read.name for read in piece.reads]


def worked(text: str, **at: Any) -> tuple[Any, dict[str, Any]]:
    """The value of a formula at a point, and its slope in each letter."""
    own, letters = form_of(text)
    value, slopes = own.run(Digits(), [mpf(at[l]) for l in letters], Context())
    return value, {l: mpf(0) if s is None else s for l, s in zip(letters, slopes, strict=True)}


def compared(text: str, true: Callable[..., Any], **at: Any) -> None:
    """Raises AssertionError where a value or a slope differs from mpmath's."""
    with mpmath.workdps(WORKED):
        value, slopes = worked(text, **at)
        letters, point = list(at), [mpf(x) for x in at.values()]
        assert abs(value - true(*point)) <= ROOM * abs(value), (text, at)
    with mpmath.workdps(3 * WORKED):
        for k, l in enumerate(letters):

            def along(x: Any, k: int = k) -> Any:
                return true(*(x if i == k else p for i, p in enumerate(point)))

            h = mpf(10) ** -WORKED
            slope = (along(point[k] + h) - along(point[k] - h)) / (2 * h)
            assert abs(slopes.get(l, mpf(0)) - slope) <= ROOM * abs(slope) + LEAST, (text, at, l)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_and_its_slopes(name: str) -> None:
    """One entry is enough: sympy differentiates its value; far below 0 and far above it too."""
    inputs = FUNCTIONS[name].inputs
    points = ("0.3", "1.75", "40", "250") if name in POSITIVE else ("-250", "-40", "-1.5", "-0.3", "0.7", "2.9", "40")
    call = f"{name}({', '.join(ARGUMENTS[:inputs])})"
    for k, a in enumerate(points):
        others = [points[(k + 1 + j) % len(points)] for j in range(inputs - 1)]
        compared(call, VALUES[name], **dict(zip(ARGUMENTS, (a, *others), strict=False)))


@pytest.mark.parametrize(
    ("text", "true", "at"),
    [
        ("a*b*a + b", lambda a, b: a * b * a + b, ("0.3", "-1.7")),
        ("a/b - b/a", lambda a, b: a / b - b / a, ("0.3", "-1.7")),
        ("(a - 2*b)^3/(1 + a^2)", lambda a, b: (a - 2 * b) ** 3 / (1 + a**2), ("0.3", "-1.7")),
        ("a^-2 + b^-1", lambda a, b: a**-2 + 1 / b, ("0.3", "-1.7")),
        ("a^b", lambda a, b: a**b, ("1.3", "-1.7")),
        ("a^0.5 + a^1.5 + a^-0.5", lambda a: mpmath.sqrt(a) + a * mpmath.sqrt(a) + 1 / mpmath.sqrt(a), ("1.3",)),
        ("sqrt(2*pi)*a", lambda a: mpmath.sqrt(2 * mpmath.pi) * a, ("1.3",)),
        ("exp(1)*a - a/3", lambda a: mpmath.e * a - a / 3, ("1.3",)),
        ("a^2 if a > b else b^3*a", lambda a, b: a**2 if a > b else b**3 * a, ("0.3", "-1.7")),
        ("a^2 if a > b else b^3*a", lambda a, b: a**2 if a > b else b**3 * a, ("-2.3", "-1.7")),
        ("max(a, b)*min(a, b^2)", lambda a, b: max(a, b) * min(a, b**2), ("0.3", "-1.7")),
        ("abs(a - b)*abs(b)", lambda a, b: abs(a - b) * abs(b), ("0.3", "-1.7")),
        (
            "tanh(softplus(a*b))/silu(b)",
            lambda a, b: mpmath.tanh(mpmath.log1p(mpmath.exp(a * b))) * (1 + mpmath.exp(-b)) / b,
            ("0.3", "-1.7"),
        ),
        (
            "xlogy(a, b) + xlogy(1 - a, 1 - b)",
            lambda a, b: a * mpmath.log(b) + (1 - a) * mpmath.log(1 - b),
            ("0.3", "0.9"),
        ),
    ],
)
def test_formulas(text: str, true: Callable[..., Any], at: tuple[str, ...]) -> None:
    """Quotients, powers of every kind, choices, functions in functions."""
    compared(text, true, **dict(zip(ARGUMENTS, at, strict=False)))


@pytest.mark.parametrize(
    ("text", "at", "value", "slopes"),
    [
        ("abs(a)", {"a": 0}, 0, {"a": 0}),
        ("relu(a)", {"a": 0}, 0, {"a": 0}),
        ("leaky_relu(a)", {"a": 0}, 0, {"a": mpf("0.01")}),
        ("elu(a)", {"a": 0}, 0, {"a": 1}),
        ("max(a, b)", {"a": 2, "b": 2}, 2, {"a": 1, "b": 0}),
        ("min(a, b)", {"a": 2, "b": 2}, 2, {"a": 1, "b": 0}),
        ("3*a if a > b else b", {"a": 2, "b": 2}, 2, {"a": 0, "b": 1}),
        ("xlogy(a, b)", {"a": 0, "b": 2}, 0, {"a": mpmath.log(2), "b": 0}),
        ("xlogy(a, b)", {"a": 0, "b": 0}, 0, {"a": -mpmath.inf, "b": 0}),
        ("over(a, b)", {"a": 0, "b": 2}, 0, {"a": mpf("0.5"), "b": 0}),
    ],
)
def test_at_a_kink_the_side_is_the_one_that_the_entry_states(
    text: str, at: dict[str, Any], value: Any, slopes: dict[str, Any]
) -> None:
    """Not above 0 is below it; of two that are equal the first counts; 0 log 0 is 0, and so is its slope in b."""
    found, own = worked(text, **at)
    assert found == value
    for l, slope in slopes.items():
        assert own[l] == slope or abs(own[l] - slope) < mpf(10) ** -14, l


def test_a_slope_that_is_zero_is_told_so() -> None:
    """What a formula does not depend on has no slope to be worked."""
    own = form(("+", (1, 0), (1, 1), (-1, 1)), 2)
    assert own.run(Digits(), [mpf(3), mpf(4)], Context())[1][1] is None
    constant = form(("*", ("n", 2, 1), ("n", 1, 3)), 1)
    assert constant.run(Digits(), [mpf(3)], Context()) == (mpf(2) / 3, (None,))


def test_a_decision_can_be_forced_and_is_noted() -> None:
    """The two branches of a test are one decision, in the value as in the slopes."""
    own, _ = form_of("relu(a)")
    assert own.tests == 1
    context = Context()
    own.run(Digits(), [mpf(2)], context)
    assert list(context.taken.values()) == [True]


def test_a_line_of_too_many_leaves_is_refused() -> None:
    """What sympy would take too long for is told, not begun."""
    with pytest.raises(ArithmeticError, match="outside a sum"):
        form(("+", *((1, k) for k in range(401))), 401)


@pytest.mark.parametrize("name", ["sigmoid", "gelu", "silu"])
def test_a_wrong_slope_would_be_seen(name: str) -> None:
    """The planted twin: mpmath's function a part in 1e30 steeper is another one."""
    true = VALUES[name]
    with pytest.raises(AssertionError):
        compared(f"{name}(a)", lambda a: true(a * (1 + mpf(10) ** -30)), a="0.7")
