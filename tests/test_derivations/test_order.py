"""The order of calculation: as listed where that is free, value by value where equations need each other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derivations.equations import Equation
from derivations.expression import Number, Ref, Sum
from derivations.language import LanguageError, read
from derivations.order import groups, recurrence


def equations(text: str) -> list[Equation]:
    return read(text).equations


def names(text: str) -> list[list[str]]:
    """The left names of each group."""
    return [[e.left.name for e in group] for group in groups(equations(text))]


def test_what_is_free_stays_as_listed() -> None:
    """Nothing is moved that need not be."""
    assert names("a = x\nb = x\nc = a + b\nd = b") == [["a"], ["b"], ["c"], ["d"]]


def test_what_is_needed_comes_first_and_no_earlier() -> None:
    """E is asked for first, so what it needs is worked before it, in the order of its need."""
    assert names("E = c\nz = x\na = x\nc = a + b\nb = 2*a") == [["a"], ["b"], ["c"], ["E"], ["z"]]


def test_equations_of_one_array_all_come_before_its_readers() -> None:
    """h[0] and h[t] both define h."""
    assert names("y = h[3]\nh[0] = 0\nh[t] = w*h[t-1]") == [["h"], ["h"], ["y"]]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_equation_follows_what_it_needs(data: st.DataObject) -> None:
    """Drawn lists without circles, in drawn order: each once, after its needs; a list in order stays as it is."""
    n = data.draw(st.integers(1, 12))
    needs = [data.draw(st.lists(st.integers(0, k - 1), max_size=3, unique=True)) if k else [] for k in range(n)]
    made = [
        Equation(Ref(f"a{k}", ()), Sum(((1, Number("1")), *((1, Ref(f"a{d}", ())) for d in needs[k]))))
        for k in range(n)
    ]
    mixed = data.draw(st.permutations(range(n)))
    found = [int(e.left.name[1:]) for (e,) in groups([made[k] for k in mixed])]
    assert sorted(found) == list(range(n))
    place = {k: p for p, k in enumerate(found)}
    assert all(place[d] < place[k] for k in range(n) for d in needs[k])
    assert [e.left.name for (e,) in groups(made)] == [f"a{k}" for k in range(n)]


RECURRENCES = {
    "one, forward": ("h[t] = w*h[t-1]", 0, 1, ["h"]),
    "one, back": ("b[t] = w*b[t+1]", 0, -1, ["b"]),
    "two times back": ("h[t] = h[t-1] + h[t-2]", 0, 1, ["h"]),
    "two that need each other": ("a[t] = w*h[t-1]\nh[t] = tanh(a[t])", 0, 1, ["a", "h"]),
    "two, listed the other way": ("h[t] = tanh(a[t])\na[t] = w*h[t-1]", 0, 1, ["a", "h"]),
    "along the second index": ("h[j,t] = w[j]*h[j,t-1]", 1, 1, ["h"]),
    "mixed units, along time": ("h[t,j] = Σ_k W[j,k]*h[t-1,k]", 0, 1, ["h"]),
}


@pytest.mark.parametrize("what", RECURRENCES)
def test_a_recurrence(what: str) -> None:
    """Along which index, in which direction, in which order within one value."""
    text, axis, direction, order = RECURRENCES[what]
    (group,) = groups(equations(text))
    found = recurrence(group)
    assert found is not None
    assert (found.axis, found.direction, [e.left.name for e in found.order]) == (axis, direction, order)


def test_an_equation_that_does_not_need_itself_is_no_recurrence() -> None:
    """Plain equations are worked at once."""
    assert recurrence(equations("a = b + c")) is None


CIRCLES = {
    "itself": ("a = a + x", "a"),
    "two": ("a = b\nb = a", "a, b"),
    "at the same time": ("h[t] = tanh(h[t])", "h"),
    "both ways": ("h[t] = h[t-1] + h[t+1]", "h"),
    "two at the same time": ("a[t] = h[t]\nh[t] = a[t] + h[t-1]", "a, h"),
    "with no letter of its own": ("h[t] = h[2]", "h"),
    "another letter": ("h[t] = Σ_s h[s]", "h"),
}


@pytest.mark.parametrize("what", CIRCLES)
def test_a_circle_is_refused(what: str) -> None:
    """In words: who is in it, and what would open it."""
    text, who = CIRCLES[what]
    (group,) = groups(equations(text))
    with pytest.raises(LanguageError) as error:
        recurrence(group)
    assert f"{who} depend" in str(error.value)
    assert "in a circle: one of them must read an earlier value, such as h[t-1]" in str(error.value)


def test_a_long_chain_needs_no_recursion() -> None:
    """Ten times deeper than Python's stack."""
    text = "\n".join(f"a{k} = a{k + 1}" for k in range(999))
    found = groups(equations(text))
    assert [g[0].left.name for g in found[:2]] == ["a998", "a997"]
    made = [Equation(Ref(f"a{k}", ()), Ref(f"a{k + 1}", ())) for k in range(9000)]
    assert groups(made)[0][0].left.name == "a8999"
