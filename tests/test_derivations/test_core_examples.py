"""Every example of `examples_of_steps` through the core: arrays against entries, torch, balls, differences, by hand.

The checks of gradients are functions of an example, so that the planted twins of `test_core_traps` can be put before
them.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pytest
from entry_by_entry import FLOATS, Formulas, Interpreter, balls, interpreted, rationals
from processor import BUSY
from steps import NAMES, Example, example, named, off

from derivations.arithmetic import FLOAT32, FLOAT64, Ball, Exact
from derivations.entries import Entries, Entry
from derivations.equations import Role

BALL = Ball(160)
"""One for all: programs keep a plan for each arithmetic."""


# --- what is true of a gradient, by routes that do not know how it was made ---


def by_entries(example: Example) -> dict[str, Any]:
    """The gradients, and the forward arrays, of the entry-by-entry interpreter in floats."""
    own = interpreted(example, FLOATS)
    return truths(example, own, float)


def truths(example: Example, own: Interpreter, kind: Callable[[Any], Any]) -> dict[str, Any]:
    """Forward arrays by name and gradients by `d` and name, of an interpreter."""
    out: dict[str, Any] = {}
    for name in dict.fromkeys(e.left.name for e in example.statements.equations):
        out[name] = _filled(example, name, lambda at, name=name: kind(own.entry(name, at).value))
    moves = own.entry(example.objective, ()).moves
    zero = own.number("0").value
    for name in example.differentiated:
        out[f"d{name}"] = _filled(example, name, lambda at, name=name: kind(moves.get((name, at), zero)))
    return out


def _filled(example: Example, name: str, entry: Callable[[tuple[int, ...]], Any]) -> Any:
    extents = example.step.arrays[name].extents
    shape = tuple(high - low + 1 for low, high in extents)
    out = np.empty(shape, object)
    for at in itertools.product(*(range(n) for n in shape)):
        out[at] = entry(tuple(k + low for k, (low, _) in zip(at, extents, strict=True)))
    return out


def check_entries(example: Example) -> None:
    """Arrays in float64 are those of the interpreter, to 1e-12 of the largest entry."""
    s = example.run()
    for name, truth in by_entries(example).items():
        if name in s:
            assert off(s[name], truth) < 1e-12, f"{name} is off by {off(s[name], truth):.1e}"
        else:
            assert not truth.any(), f"{name} is missing"


def check_differences(example: Example) -> None:
    """Central differences of the forward equations alone."""
    s, given = example.run(), example.given(FLOAT64)
    for name in example.differentiated:
        there, truth = np.asarray(given[name], float), np.zeros(np.shape(given[name]))
        for at in np.ndindex(there.shape):
            ends = [_moved(example, given, name, at, h) for h in (1e-6, -1e-6)]
            truth[at] = (ends[0] - ends[1]) / 2e-6
        assert off(s.get(f"d{name}", np.zeros_like(truth)), truth) < 1e-6, name


def _moved(example: Example, given: Mapping[str, Any], name: str, at: tuple[int, ...], h: float) -> float:
    moved = np.array(given[name], float)
    moved[at] += h
    with FLOAT64.working():
        return float(example.forward.run(FLOAT64, {**given, name: moved})[example.objective])


def check_balls(example: Example) -> None:
    """The arrays in balls overlap those of the interpreter in balls, and the float64 ones lie in or beside them."""
    floats, enclosed = example.run(), example.run(BALL)
    with BALL.working():
        truth = truths(example, interpreted(example, balls()), lambda a: a)
        for name in (n for n in truth if n in enclosed):
            assert all(_ball(p).overlaps(_ball(q)) for p, q in _pairs(enclosed[name], truth[name])), name
        for name, array in enclosed.items():
            if name in example.step.arrays and name not in example.constants:
                check_within(floats[name], array, name)


def check_within(numbers: Any, enclosed: Any, name: str) -> None:
    """Each number lies in its ball, or within 1e-12 of the largest of the array from it."""
    pairs = list(_pairs(enclosed, numbers))
    size = max(abs(float(q)) for _, q in pairs)
    for ball, number in pairs:
        b = _ball(ball)
        assert float(b.rad()) < 1e-30 * max(1, size), f"{name}: {b} is wide"
        assert abs(float(b.mid()) - float(number)) <= 1e-12 * max(1e-3, size), f"{name}: {number} is not in {b}"


def _pairs(p: Any, q: Any) -> Any:
    p, q = np.asarray(p, object), np.asarray(q, object)
    assert p.shape == q.shape
    return zip(p.flat, q.flat, strict=True)


def _ball(a: Any) -> Any:
    return BALL._ball(a)


CHECKS = (check_entries, check_differences, check_balls)
"""What each example must pass, and each planted twin must fail."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_an_example_holds(name: str, check: Callable[[Example], None]) -> None:
    """Each example passes each check."""
    check(named(name))


def test_there_are_examples() -> None:
    """Twenty and more texts, each with its own kind of step."""
    assert len(NAMES) >= 24


# --- torch ---


def _torch(P: Mapping[str, Any], name: str) -> Any:
    import torch
    import torch_of_steps

    assert torch.tensor(0.0, dtype=torch.float64).dtype == torch.float64
    return getattr(torch_of_steps, name)(P)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_torch(name: str) -> None:
    """The objective and every gradient, against torch's own layers in float64, to 1e-12 of the largest entry."""
    torch = pytest.importorskip("torch")
    example = named(name)
    s = example.run()
    P = {n: torch.tensor(g.floats, dtype=torch.float64) for n, g in example.numbers.items()}
    for n in example.differentiated:
        P[n].requires_grad_()
    E = _torch(P, name)
    E.backward()
    assert off(s[example.objective], E.detach().numpy()) < 1e-12
    for n in example.differentiated:
        assert off(s[f"d{n}"], P[n].grad.numpy()) < 1e-12, n


# --- other arithmetics ---


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32(name: str) -> None:
    """No array turns into float64 on the way (a mask of int64 would), and the numbers are near."""
    example = named(name)
    s, exact = example.run(FLOAT32), example.run()
    for n in (a.name for a in example.step.arrays.values() if a.role is not Role.CONSTANT):
        assert np.asarray(s[n]).dtype == np.float32, n
        assert off(s[n], exact[n]) < 2e-5, n


FIGURES = Context(prec=4)


def four_figures(a: Any) -> Any:
    """A number rounded to four figures, as a person writes it."""
    from flint import arb, fmpq

    middle = a.mid().str(40, radius=False) if isinstance(a, arb) else fmpq(a)
    exact = Decimal(middle) if isinstance(middle, str) else Decimal(int(middle.p)) / Decimal(int(middle.q))
    above, below = FIGURES.plus(exact).as_integer_ratio()
    return fmpq(above, below)


HAND = Exact(200, by_definition=True)


@pytest.mark.parametrize("name", NAMES)
def test_rounded_by_hand_each_number_follows_from_the_written_ones(name: str) -> None:
    """Recorded to four figures, each entry is its own formula of the recorded entries, rounded."""
    example = named(name)
    rounded = np.frompyfunc(four_figures, 1, 1)
    with HAND.working():
        s = example.program.run(HAND, example.given(HAND), lambda label, array: rounded(array))
        formulas = Formulas(rationals(), recorded(example, s))
        for e in entries_of(example):
            number, value = formulas.recorded(e.name, e.at), formulas.value(e.formula, {}).value
            assert number == four_figures(value), f"{e.name}{list(e.at)}: {number} is not {value}"


# --- entries one by one ---


def entries_of(example: Example) -> Iterator[Entry]:
    """Every entry of an example in the order of calculation."""
    entries = Entries(example.step)
    for task in example.program.tasks:
        yield from entries.of(task.equation, task.fixed)


def recorded(example: Example, s: Mapping[str, Any]) -> Callable[[str, tuple[int, ...]], Any]:
    """The number of an entry of a run."""

    def number(name: str, at: tuple[int, ...]) -> Any:
        array, extents = s[name], example.step.arrays[name].extents
        place = tuple(k - low for k, (low, _) in zip(at, extents, strict=True))
        return array[place] if place else array.item() if isinstance(array, np.ndarray) else array

    return number


def check_formulas(example: Example) -> None:
    """Every entry of every equation, worked from the arrays by its own formula, is the entry of its array."""
    s = example.run()
    formulas = Formulas(FLOATS, lambda name, at: float(number(name, at)))
    number, seen = recorded(example, s), 0
    for e in entries_of(example):
        size = max(1e-3, float(np.max(np.abs(s[e.name]))))
        assert abs(formulas.value(e.formula, {}).value - number(e.name, e.at)) <= 1e-12 * size, f"{e.name}{list(e.at)}"
        seen += 1
    made = {e.left.name for e in example.step.equations}
    assert seen == sum(np.size(s[name]) for name in made)


@pytest.mark.parametrize("name", NAMES)
def test_entries_agree_with_arrays(name: str) -> None:
    """Tables, marking cells and proofs read what was calculated, and each entry is written once."""
    check_formulas(named(name))


LARGER = """
equations = '''
Q[p,d] = Σ_e Wq[d,e]*x[p,e]
s[p,r] = Σ_d Q[p,d]*x[r,d]/sqrt(|d|)
A[p,r] = softmax_r(s[p,r])
o[p,e] = Σ_r A[p,r]*x[r,e]
E = Σ_{p,e} (o[p,e] - t[p,e])^2/2
'''
parameters = {Wq = {random = [16, 16]}}
given = {x = {random = [8, 16]}, t = {random = [8, 16]}}
inputs = ["x"]
"""


@pytest.mark.parametrize("name", [*NAMES, "attention of 8 × 16"])
def test_an_entry_is_written_out_in_a_tenth_of_a_millisecond(name: str) -> None:
    """Entries of each example, making its equations ready included, in processor time, the best of three."""
    own = named(name) if name in NAMES else example(LARGER)
    count = sum(1 for _ in entries_of(own))
    times, spent = 1 + 300 // count, []
    for _ in range(3):
        begin = time.process_time()
        for _ in range(times):
            deque(entries_of(own), maxlen=0)
        spent.append((time.process_time() - begin) / (count * times))
    assert min(spent) < 1e-4 * BUSY, f"{min(spent) * 1e6:.0f} microseconds each of {count}"
