"""Spans contain what they stand for: every operation of numbers anywhere inside is inside the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from derivations.arithmetic import Float64
from tracer.marking.discipline import DISCIPLINES, Discipline, Inside
from tracer.marking.span_arithmetic import SpanArithmetic
from tracer.marking.spans import Span

M = SpanArithmetic()
DRAWS, SHEETS = 60, 40

OPERATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any], int]] = {
    "x + y": (lambda x, y: x + y, np.add, 2),
    "x - y": (lambda x, y: x - y, np.subtract, 2),
    "1 - x": (lambda x: 1 - x, lambda x: 1 - x, 1),
    "x y": (lambda x, y: x * y, np.multiply, 2),
    "x (1 - x)": (lambda x: x * (1 - x), lambda x: x * (1 - x), 1),
    "x / y": (lambda x, y: x / y, np.divide, 2),
    "2 / x": (lambda x: 2 / x, lambda x: 2 / x, 1),
    "-x": (lambda x: -x, np.negative, 1),
    "x^2": (M.square, np.square, 1),
    "x^3": (lambda x: x**3, lambda x: x**3, 1),
    "x^-2": (lambda x: M.inverted(x, -2), lambda x: x**-2.0, 1),
    "exp": (M.exp, np.exp, 1),
    "expm1": (M.expm1, np.expm1, 1),
    "tanh": (M.tanh, np.tanh, 1),
    "sin": (M.sin, np.sin, 1),
    "cos": (M.cos, np.cos, 1),
    "Phi": (M.normal_cdf, Float64.normal_cdf, 1),
    "abs": (M.absolute, np.abs, 1),
    "max(0, x)": (M.positive_part, lambda x: np.maximum(x, 0), 1),
    "x if x > 0 else y": (lambda x, y: M.where(x, x, y), lambda x, y: np.where(x > 0, x, y), 2),
}


def drawn(rng: np.random.Generator) -> Span:
    """Intervals of many widths, some across 0."""
    middle, width = rng.normal(size=SHEETS) * 3, 10.0 ** rng.uniform(-6, 0.5, SHEETS)
    return Span(M, middle - width, middle + width, fresh=False)


def inside(rng: np.random.Generator, x: Span) -> Any:
    """A number of each."""
    share = rng.choice([0.0, 1.0, 0.5, rng.random()])
    return np.clip(x.low + share * (x.high - x.low), x.low, x.high)


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_inside_stays_inside(name: str) -> None:
    """At the ends and between."""
    of_spans, of_numbers, arity = OPERATIONS[name]
    rng = np.random.default_rng([*name.encode()])
    for _ in range(DRAWS):
        given = [drawn(rng) for _ in range(arity)]
        with np.errstate(all="ignore"):
            out = of_spans(*given)
            numbers = of_numbers(*(inside(rng, x) for x in given))
        held = (out.low <= numbers) & (numbers <= out.high)
        assert held[np.isfinite(numbers)].all(), name


def stacked(spans: list[Span]) -> Span:
    """Several numbers as one array."""
    return Span(M, np.array([s.low for s in spans]), np.array([s.high for s in spans]), fresh=False)


def test_softmax_is_the_exact_range() -> None:
    """Each exponential stands above and below: no wider than it must be."""
    rng = np.random.default_rng(2)
    a = stacked([drawn(rng) for _ in range(3)])
    y = M.softmax(a, 0)
    for _ in range(DRAWS):
        x = np.array([inside(rng, v) for v in a])
        e = np.exp(x - x.max(axis=0))
        right = e / e.sum(axis=0)
        assert all((s.low <= r).all() and (r <= s.high).all() for s, r in zip(y, right, strict=True))
    high = np.exp(a[0].high) / (np.exp(a[0].high) + np.exp(a[1].low) + np.exp(a[2].low))
    assert np.allclose(y[0].high, high, rtol=1e-12)


def test_the_largest_is_known_by_what_is_written() -> None:
    """Two that look equal are open; of others the order on the sheet decides."""
    value = np.array([[0.52], [0.51], [0.52]])
    x = Span(M, value - 0.01, value + 0.01, fresh=False).numbered()
    x.shown = value.copy()
    best = M.maximum(x, (0,))
    ends = [(float(s.low[0]), float(s.high[0])) for s in M.is_largest(x, best)]
    assert ends == [(0, 1), (0, 0), (0, 1)]
    x.shown[2] = 0.5
    ends = [(float(s.low[0]), float(s.high[0])) for s in M.is_largest(x, M.maximum(x, (0,)))]
    assert ends == [(1, 1), (0, 0), (0, 0)]


def test_bounds_that_are_not_widened_would_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin: rounding of the bounds themselves left out, x (1 - x) no longer contains its own float."""
    monkeypatch.setattr(SpanArithmetic, "outward", lambda self, low, high, size: (low, high))
    rng = np.random.default_rng(1)
    x = M.point(rng.random(10_000) * 3)
    y = M.exp(x)
    exact = np.exp(np.asarray(x.low, np.longdouble))
    assert not ((y.low <= exact) & (exact <= y.high)).all()


def added_up(numbers: np.ndarray, inside: str, *, cut: bool) -> float:
    """A long sum by somebody who rounds every subtotal, to three figures or to three decimals."""
    total = float(numbers[0])
    for number in numbers[1:].tolist():
        unit = 1e-3 if inside == "places" else 10.0 ** (np.floor(np.log10(abs(total + number))) - 2)
        steps = (total + number) / unit
        total = float((np.trunc(steps) if cut else np.rint(steps)) * unit)
    return total


def outside(discipline: Discipline) -> int:
    """How many of many long sums are not within what may come out."""
    rng, m = np.random.default_rng(5), SpanArithmetic()
    numbers = rng.normal(size=(40, 300)) * 3
    m.inside = Inside(discipline, (np.full(300, 3.0), np.full(300, 1e-3), np.zeros(300)))
    with m.working():
        total = Span(m, numbers, numbers, fresh=False).sum(axis=0)
    found = np.array([added_up(own, discipline.inside, cut=discipline.cut) for own in numbers.T])
    return int(((found < total.low - 1e-9) | (found > total.high + 1e-9)).sum())


@pytest.mark.parametrize("discipline", [d for d in DISCIPLINES if d.inside], ids=lambda d: d.name)
def test_a_long_sum_holds_every_way_to_round_its_subtotals(
    discipline: Discipline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty terms, each subtotal rounded; the planted twin, in which rounding moves nothing, holds hardly any."""
    assert outside(discipline) == 0
    monkeypatch.setattr(Inside, "moves", lambda inside, low, high: np.zeros_like(low))
    assert outside(discipline) > 200
