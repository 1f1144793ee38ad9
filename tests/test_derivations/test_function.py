"""Contracts of every entry of FUNCTIONS: a new one is tested by itself.

What a function is stands here once more, as the books have it (`Interpreter.called`), in numbers of 120 digits; the
texts of an entry are read and worked by the interpreter of the tests, not by the lowering.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
from entry_by_entry import MANY_DIGITS, Dual, Interpreter
from functions_in_numpy import NUMPY
from hypothesis import given, settings
from hypothesis import strategies as st
from steps import example

from derivations.arithmetic import FLOAT32, FLOAT64, Ball
from derivations.expression import Call, Number, Ref
from derivations.function import FUNCTIONS, SPELLINGS, Function
from derivations.language import expression
from derivations.lowering import applied

ALL = list(FUNCTIONS.values())
WORKING, PROVED = 120, mpmath.mpf(10) ** -50
REAL = ("0.001", "0.3", "1", "2.75", "7", "19.5", "30", "-0.001", "-0.3", "-1", "-2.75", "-7", "-30")
POSITIVE = tuple(v for v in REAL if v[0] != "-")
DOMAINS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "log": (POSITIVE,),
    "sqrt": (POSITIVE,),
    "log1p": (POSITIVE,),
    "xlogy": (REAL, POSITIVE),
    "over": (REAL, REAL),
}


def points(f: Function) -> list[tuple[Any, ...]]:
    """Arguments in the function's domain, none of them at a kink or a tie."""
    first, *more = DOMAINS.get(f.name, (REAL,) * f.inputs)
    pairs = [(p,) for p in first] if not more else [*zip(first, (*more[0][3:], *more[0][:3]), strict=False)]
    return [tuple(map(mpmath.mpf, p)) for p in pairs]


def book(name: str, *arguments: Any) -> Any:
    """The value as the books have it."""
    return Interpreter((), {}, (), {}, {}, MANY_DIGITS).called(name, [Dual(a) for a in arguments]).value


def worked(text: str, arguments: tuple[Any, ...], z: Any = None) -> Any:
    """The value of a text in a, b and z."""
    leaves = {(name, ()): Dual(v) for name, v in zip("ab", arguments, strict=False)} | {("z", ()): Dual(z)}
    return Interpreter((), {}, (), {}, leaves, MANY_DIGITS).value(expression(text), {}).value


def near(found: Any, truth: Any, what: str) -> None:
    assert abs(found - truth) <= PROVED * max(abs(truth), mpmath.mpf(10) ** -40), f"{what}: {found} is not {truth}"


def check_value(f: Function) -> None:
    """The stated value and its stable form are the function."""
    for p in points(f):
        for text in filter(None, (f.value, f.stable)):
            near(worked(text, p), book(f.name, *p), f"{f.name} = {text} at {p}")


def check_slopes(f: Function) -> None:
    """Each stated slope, and each form of it, is the derivative of the book's value, by differences at 120 digits."""
    assert len(f.slopes) == f.inputs
    for p in points(f):
        z = book(f.name, *p)
        for k, slope in enumerate(f.slopes):
            truth = _derivative(lambda v, p=p, k=k: book(f.name, *p[:k], v, *p[k + 1 :]), p[k])
            for text in (slope, *(f.forms if not k else ())):
                near(worked(text, p, z), truth, f"{f.name}' = {text} at {p}")


def _derivative(function: Callable[[Any], Any], at: Any) -> Any:
    """Central differences of a tiny step, their error of the order of its square."""
    with mpmath.workdps(3 * WORKING):
        h = mpmath.mpf(10) ** -100
        return (function(at + h) - function(at - h)) / (2 * h)


def check_logarithms(f: Function) -> None:
    """log h(a) and log(1 - h(a)), where an entry has them."""
    for p in points(f):
        h = book(f.name, *p)
        if f.logarithm:
            near(worked(f.logarithm, p), mpmath.log(h), f"log {f.name} at {p}")
        if f.complement:
            near(worked(f.complement, p), mpmath.log(1 - h), f"log(1 - {f.name}) at {p}")


def check_kinks(f: Function) -> None:
    """The slope, its slope or the value jumps at each listed kink, and nowhere else on a grid of halves."""
    if f.inputs > 1:
        return
    grid = (
        [mpmath.mpf(k) / 2 for k in range(-9, 10)]
        if f.name not in DOMAINS
        else [mpmath.mpf(k) / 2 for k in range(1, 9)]
    )
    assert tuple(float(v) for v in grid if _bends(f, v)) == f.kinks


def _bends(f: Function, at: Any) -> bool:
    h = mpmath.mpf(10) ** -30

    def slope(v: Any) -> Any:
        return worked(f.slopes[0], (v,), book(f.name, v))

    jump = abs(slope(at + h) - slope(at - h))
    left, right = ((slope(at + s * 2 * h) - slope(at + s * h)) / (s * h) for s in (-1, 1))
    step = abs(book(f.name, at + h) - book(f.name, at - h))
    return bool(step > mpmath.mpf("1e-9") or jump > mpmath.mpf("1e-9") or abs(left - right) > mpmath.mpf("1e-9"))


CHECKS = (check_value, check_slopes, check_logarithms, check_kinks)


@pytest.mark.parametrize("check", CHECKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("f", ALL, ids=lambda f: f.name)
def test_a_function_keeps_its_contract(f: Function, check: Callable[[Function], None]) -> None:
    """Value, slopes, logarithms and kinks of each entry, to 50 digits."""
    with mpmath.workdps(WORKING):
        check(f)


TWINS = {
    "a value": (check_value, "silu", {"value": "a/(1 + exp(a))"}),
    "a stable form": (check_value, "softplus", {"stable": "max(0, a) + log1p(exp(-a))"}),
    "a sign of a slope": (check_slopes, "cos", {"slopes": ("sin(a)",)}),
    "a factor of a slope": (check_slopes, "sqrt", {"slopes": ("1/z",)}),
    "a power of a slope": (check_slopes, "tanh", {"slopes": ("1 - z",)}),
    "the second slope": (check_slopes, "over", {"slopes": ("1/b", "-(a/b)")}),
    "a form of a slope": (check_slopes, "sigmoid", {"forms": ("exp(a)/(1 + exp(-a))^2",)}),
    "a logarithm": (check_logarithms, "sigmoid", {"logarithm": "-softplus(a)"}),
    "a complement": (check_logarithms, "sigmoid", {"complement": "-softplus(-a)"}),
    "a kink not listed": (check_kinks, "relu", {"kinks": ()}),
    "a kink that is none": (check_kinks, "tanh", {"kinks": (0.0,)}),
}


@pytest.mark.parametrize("what", TWINS)
def test_a_wrong_entry_is_seen(what: str) -> None:
    """Planted twins: each contract fails on an entry that breaks it."""
    check, name, wrong = TWINS[what]
    with mpmath.workdps(WORKING):
        check(FUNCTIONS[name])
        with pytest.raises(AssertionError):
            check(replace(FUNCTIONS[name], **wrong))


GRID = np.array(
    [0.0, -0.0, 1e-300, 1e-9, -1e-9, 0.3, -0.3, 1.0, -1.0, 2.75, -2.75, 30, -30, 700, -700, 800, -800, np.inf]
)


@pytest.mark.parametrize("name", NUMPY)
def test_a_function_in_float64_is_the_formula_bit_for_bit(name: str) -> None:
    """The numbers of dense networks do not change by one bit: against the formulas as they were written in numpy."""
    with FLOAT64.working():
        f = FUNCTIONS[name]
        value = applied(expression(f.stable or f.value or f"{name}(a)"), FLOAT64, a=GRID)
        truth, slope = NUMPY[name]
        z = truth(GRID)
        assert np.array_equal(value, z, equal_nan=True)
        made = np.broadcast_to(applied(expression(f.slopes[0]), FLOAT64, a=GRID, z=z), GRID.shape)
        assert np.array_equal(made, slope(GRID, z), equal_nan=True)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([f for f in ALL if f.inputs == 1]), st.integers(1, 4000))
def test_balls_enclose_what_floats_are_near(f: Function, thousandths: int) -> None:
    """Through the whole core, `E = f(x)`: balls around value and slope of the books, float64 and float32 near."""
    own = example({"equations": f"E = {f.name}(x)", "parameters": {"x": f"{thousandths}/1000"}})
    m = Ball(160)
    enclosed, double, single = own.run(m), own.run(), own.run(FLOAT32)
    with mpmath.workdps(60), m.working():
        x = mpmath.mpf(thousandths) / 1000
        z = book(f.name, x)
        truths = {"E": z, **({"dx": worked(f.slopes[0], (x,), z)} if f.name != "identity" else {})}
        for name, truth in truths.items():
            near_ = m.number(mpmath.nstr(truth, 55))
            assert abs(float(m._ball(enclosed[name]) - near_)) < 1e-40
            assert float(double[name]) == pytest.approx(float(truth), rel=1e-12, abs=1e-15)
            assert float(single[name]) == pytest.approx(float(truth), rel=1e-4, abs=1e-6)


def test_spellings_are_nobody_elses() -> None:
    """Each name with its number of arguments belongs to one entry; alone it means the first."""
    names = [(name, f.inputs) for f in ALL for name in (f.name, *f.spellings)]
    assert len(names) == len(set(names))
    assert {name for name, _ in names} == set(SPELLINGS)
    assert SPELLINGS["swish"] == "silu"
    assert [str(expression(text)) for text in ("swish(a)", "swish(a, 2)")] == [
        str(expression("silu(a)")),
        str(Call("swish", (Ref("a", ()), Number("2")))),
    ]


def test_an_entry_says_what_it_must() -> None:
    """A value or an operation; a source where people know it by name; kinks with the side that is taken."""
    for f in ALL:
        assert f.value or f.operation, f.name
        if f.operation:
            assert hasattr(FLOAT64, f.operation)
        if f.named:
            assert f.source, f.name
            assert bool(f.kinks) == bool(f.at_kink), f.name
        for text in filter(None, (f.value, f.stable, f.logarithm, f.complement, *f.slopes, *f.forms)):
            expression(text)
