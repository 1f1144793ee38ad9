"""Planted twins, which every check of the core must see: one equation changed, or one rule of the core broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from steps import Example, example, named
from test_derivations.test_core_examples import (
    CHECKS,
    check_balls,
    check_differences,
    check_entries,
    check_formulas,
)
from test_derivations.test_core_stress import stress
from test_derivations.test_core_traps import lines, typed

from derivations import backward, order, uses, views, windows
from derivations.building import ZERO
from derivations.equations import Equation
from derivations.expression import (
    Expression,
    Index,
    Largest,
    Negative,
    Number,
    Product,
    Ref,
    Same,
    Sum,
    Within,
)
from derivations.function import FUNCTIONS

# --- planted twins: a changed equation ---


def without(e: Expression, kind: type[Expression]) -> Expression:
    """The expression with every condition of a kind taken for met."""
    if isinstance(e, Product):
        left = tuple(without(f, kind) for f in e.factors if not isinstance(f, kind))
        return Product(left) if len(left) > 1 else left[0] if left else Number("1")
    return Number("1") if isinstance(e, kind) else e.mapped(lambda part: without(part, kind))


def shifted(e: Expression, name: str, by: int = 1) -> Expression:
    """The expression with the first index of an array moved."""
    if isinstance(e, Ref) and e.name == name:
        first, *more = e.at
        assert isinstance(first, Index)
        return Ref(name, (Index(first.terms, first.plus + by), *more))
    return e.mapped(lambda part: shifted(part, name, by))


def as_one(e: Expression, name: str) -> Expression:
    """The expression with an array taken for ones."""
    return Number("1") if isinstance(e, Ref) and e.name == name else e.mapped(lambda part: as_one(part, name))


Change = Callable[[Equation], Expression]


def _negated(e: Equation) -> Expression:
    return Negative(e.right)


def _less(k: int) -> Change:
    def change(e: Equation) -> Expression:
        assert isinstance(e.right, Sum)
        terms = e.right.terms[:k] + e.right.terms[k + 1 :]
        return Sum(terms) if terms else ZERO

    return change


def _fewer_factors(k: int) -> Change:
    def change(e: Equation) -> Expression:
        assert isinstance(e.right, Product)
        return Product(e.right.factors[:k] + e.right.factors[k + 1 :])

    return change


TWINS: dict[str, tuple[str, str, Change]] = {
    "a wrong sign of a signal": ("attention", "dV", _negated),
    "a wrong sign of a gradient": ("lstm", "dUf", _negated),
    "a wrong sign of a slope": ("rnn2", "slope_h", _negated),
    "a use left out: the residual": ("attention", "dx", _less(0)),
    "a use left out: the last one": ("attention", "dx", _less(3)),
    "a use left out: the next time": ("rnn3", "dh", _less(1)),
    "a use left out: the tied weights' second": ("tied", "dW", _less(1)),
    "a use left out: the mean's of a normalisation": ("layernorm", "dx", _less(0)),
    "a guard dropped: a pool's window": ("conv1", "dz", lambda e: without(e.right, Within)),
    "a guard dropped: a recurrence's end": (
        "second order recurrence",
        "dh",
        lambda e: without(e.right, Within),
    ),
    "a guard dropped: a grid's edge": ("grid filled from a corner", "dg", lambda e: without(e.right, Within)),
    "a condition dropped: which is the largest": ("conv2", "dz", lambda e: without(e.right, Largest)),
    "a condition dropped: the word that was read": ("embedding", "dT", lambda e: without(e.right, Same)),
    "a condition dropped: the last time": ("gru", "dh", lambda e: without(e.right, Same)),
    "a gather off by one: the next time": ("rnn3", "dh", lambda e: shifted(e.right, "da")),
    "a gather off by one: an image": ("conv1", "dx", lambda e: shifted(e.right, "da")),
    "a gather off by one: a window": ("conv1", "dK", lambda e: shifted(e.right, "x", -1)),
    "a factor dropped: the slope": ("softmax", "da1", _fewer_factors(0)),
    "a factor dropped: the mask": (
        "dropout",
        "dz",
        lambda e: as_one(e.right, "mask"),
    ),
}


def planted(what: str) -> tuple[Example, Example]:
    """The right example and its twin."""
    name, array, change = TWINS[what]
    own = named(name) if name in _named() else stress(name)
    found = lines(own.step, array)
    assert found, f"{name} has no {array}"
    return own, own.wrong(own.step.replace(replace(found[0], right=change(found[0]))))


def _named() -> list[str]:
    from steps import NAMES

    return NAMES


@pytest.mark.parametrize("check", CHECKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("what", TWINS)
def test_a_planted_twin_is_seen(what: str, check: Callable[[Example], None]) -> None:
    """The right step passes each check, and the step with one equation changed fails it."""
    right, wrong = planted(what)
    assert right.step != wrong.step
    check(right)
    with pytest.raises((AssertionError, KeyError, IndexError, ValueError)):
        check(wrong)


@pytest.mark.parametrize("name", ["attention", "lstm", "conv1", "batchnorm", "softmax", "embedding"])
def test_every_backward_equation_counts(name: str) -> None:
    """Each backward equation, its sign changed, is seen by the interpreter: none is there in vain."""
    own = named(name)
    for e in own.step.equations:
        if e.stage == "backward":
            with pytest.raises(AssertionError):
                check_entries(own.wrong(own.step.replace(replace(e, right=Negative(e.right)))))


# --- planted twins: a broken rule of the core ---


def remade(own: str) -> Example:
    """An example made anew, with the rules in force."""
    from steps import FOLDER

    path = FOLDER / f"{own}.toml"
    return example(path.read_text(encoding="utf-8")) if path.exists() else stress(own)


@pytest.mark.parametrize("name", ["attention", "pairwise distances", "several heads"])
def test_trap_13_capture_of_bound_letters_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters not renamed on entering a sum: attention's dx was off by 5.4; every check sees it."""
    check_entries(remade(name))
    monkeypatch.setattr(uses, "APART", "")
    monkeypatch.setattr(backward, "APART", "")
    monkeypatch.setattr(backward._Backward, "_tidied", lambda self, e: e)
    wrong = remade(name)
    for check in CHECKS:
        with pytest.raises((AssertionError, KeyError)):
            check(wrong)


def test_a_gather_off_by_one_in_the_core_is_seen_entry_by_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every array read one place low: differences of the same program do not see it, entries and balls do."""
    check_entries(remade("dilated"))
    in_zeros = views._in_zeros
    monkeypatch.setattr(views, "_in_zeros", lambda array, pads: np.roll(in_zeros(array, pads), 1, axis=0))
    for check in (check_entries, check_balls, check_formulas):
        with pytest.raises(AssertionError):
            check(remade("dilated"))


def test_a_scatters_edge_dropped_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last place of a pool's window left out."""
    places = windows._places

    def fewer(*arguments: Any) -> Iterator[Any]:
        yield from list(places(*arguments))[:-1]

    monkeypatch.setattr(windows, "_places", fewer)
    for check in (*CHECKS, check_formulas):
        with pytest.raises(AssertionError):
            check(remade("conv1"))


def test_the_order_of_a_recurrence_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worked from the wrong end, h[t-1] is read before it is there."""
    along = order._along

    def turned(*arguments: Any) -> Any:
        found = along(*arguments)
        return found and found._replace(direction=-found.direction)

    monkeypatch.setattr(order, "_along", turned)
    for check in (check_entries, check_balls, check_formulas):
        with pytest.raises((AssertionError, KeyError)):
            check(remade("rnn3"))


@pytest.mark.parametrize("function", ["sigmoid", "tanh", "silu", "gelu", "softplus", "exp", "sqrt"])
def test_a_wrong_slope_is_seen(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each function's slope, half as large again, fails every check of gradients."""
    text = f"z[i] = {function}(x[i])\nE = Σ_i z[i]^2"
    own = typed(text, {"x": [0.5, 1.25]})
    f = FUNCTIONS[function]
    wrong = {**FUNCTIONS, function: replace(f, slopes=tuple(f"1.5*({s})" for s in f.slopes))}
    for module in ("derivations.uses", "derivations.backward"):
        monkeypatch.setattr(f"{module}.FUNCTIONS", wrong)
    for check in CHECKS:
        check(own)
        with pytest.raises(AssertionError):
            check(typed(text, {"x": [0.5, 1.25]}))


def test_a_step_replaces_only_its_own_equations() -> None:
    """A slip is a step: frozen, its order kept; an equation of nobody is refused."""
    step = named("dense").step
    (e,) = lines(step, "da2") or lines(step, "dW2")
    wrong = step.replace(replace(e, right=Number("0")))
    assert [q.left for q in wrong.equations] == [q.left for q in step.equations]
    assert step == named("dense").step
    with pytest.raises(KeyError, match="nothing"):
        step.replace(Equation(Ref("nothing", ()), Number("0")))


def test_differences_see_what_the_numbers_of_a_wrong_forward_equation_do() -> None:
    """A forward equation changed in the step, not in the text: entries see it, differences of the step cannot."""
    own = named("dense")
    (z,) = lines(own.step, "z1")
    wrong = own.wrong(own.step.replace(replace(z, right=Product((Number("2"), z.right)))))
    with pytest.raises(AssertionError):
        check_entries(wrong)
    with pytest.raises(AssertionError):
        check_differences(wrong)
