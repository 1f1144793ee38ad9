"""A view of an array at affine indices is what plain fancy indexing of the array within zeros gives."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derivations.arithmetic import FLOAT32, Ball
from derivations.equations import Range
from derivations.expression import Index
from derivations.views import View

LETTERS = "ijk"


@st.composite
def drawn(draw: st.DrawFn) -> tuple[list[Index], list[Range], list[str], dict[str, Range]]:
    """Indices, the extents of an array, the letters of the result in some order, their ranges."""
    ranges = {l: (low := draw(st.integers(-1, 2)), low + draw(st.integers(0, 3))) for l in LETTERS}
    at = [
        Index(
            tuple(
                (l, draw(st.sampled_from([-2, -1, 1, 2, 3])))
                for l in draw(st.lists(st.sampled_from(LETTERS), max_size=2, unique=True))
            ),
            draw(st.integers(-4, 6)),
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    extents = [(low := draw(st.integers(0, 1)), low + draw(st.integers(0, 5))) for _ in at]
    for k, i in enumerate(at):
        if not i.terms:  # a constant index stands inside its array; outside, the lowering knows it is 0
            low, high = extents[k]
            at[k] = Index((), draw(st.integers(low, high)))
    used = dict.fromkeys(l for i in at for l, _ in i.terms)
    return at, extents, draw(st.permutations(list(used))), ranges


def gathered(array: Any, at: list[Index], extents: list[Range], axes: list[str], ranges: dict[str, Range]) -> Any:
    """The same, one entry at a time."""
    shape = [ranges[l][1] - ranges[l][0] + 1 for l in axes]
    out = np.zeros(shape, array.dtype)
    for place in itertools.product(*map(range, shape)):
        letters = {l: p + ranges[l][0] for l, p in zip(axes, place, strict=True)}
        where = [i.plus + sum(c * letters[l] for l, c in i.terms) for i in at]
        if all(low <= w <= high for w, (low, high) in zip(where, extents, strict=True)):
            out[place] = array[tuple(w - low for w, (low, _) in zip(where, extents, strict=True))]
    return out


@settings(max_examples=300, deadline=None)
@given(drawn(), st.booleans())
def test_a_view_is_what_gathering_gives(case: Any, turned: bool) -> None:
    """For drawn affine indices, ranges and extents, of arrays in either order of memory."""
    at, extents, axes, ranges = case
    shape = [high - low + 1 for low, high in extents]
    array = np.arange(1.0, np.prod(shape) + 1).reshape(shape)
    array = np.asfortranarray(array) if turned else array
    read = View(at, extents, axes, ranges).reader()
    found = array if read is None else read(array)
    assert np.array_equal(found, gathered(array, at, extents, axes, ranges))


@settings(max_examples=40, deadline=None)
@given(drawn())
def test_a_view_of_balls_is_too(case: Any) -> None:
    """Arrays of objects, zeros outside of the same kind."""
    at, extents, axes, ranges = case
    shape = [high - low + 1 for low, high in extents]
    m = Ball(53)
    floats = np.arange(1.0, np.prod(shape) + 1).reshape(shape)
    array = np.frompyfunc(lambda v: m.number(str(v)), 1, 1)(floats)
    read = View(at, extents, axes, ranges).reader()
    found = array if read is None else read(array)
    assert np.array_equal(np.vectorize(float, otypes=[float])(found), gathered(floats, at, extents, axes, ranges))


P, U, Q = Index((("p", 1),), 0), Index((("p", 1), ("u", 1)), -1), Index((("q", 1),), 0)
RANGES = {"p": (1, 4), "q": (1, 4), "u": (1, 3)}


@pytest.mark.parametrize(
    ("at", "axes"),
    [
        ([P, Q], ["p", "q"]),
        ([Q, P], ["p", "q"]),
        ([U, Q], ["p", "q", "u"]),
        ([P, P], ["p"]),
        ([P, Index((), 2)], ["p"]),
    ],
)
def test_nothing_is_copied(at: list[Index], axes: list[str]) -> None:
    """Inside its array a view is the array's own memory."""
    array = np.arange(36.0).reshape(6, 6)
    extents = [(1, 6), (1, 6)]
    read = View(at, extents, axes, RANGES).reader()
    assert read is not None
    assert np.shares_memory(read(array), array)


def test_the_array_itself_needs_no_reader() -> None:
    """`x[p,q]` over all of x is x."""
    assert View([P, Q], [(1, 4), (1, 4)], ["p", "q"], RANGES).reader() is None


def test_a_padded_view_keeps_the_kind_of_its_array() -> None:
    """Zeros around a float32 array are float32, summed each time rounded as it is."""
    array = FLOAT32.blank((4,)) + np.float32(1)
    read = View([U], [(1, 4)], ["p", "u"], RANGES).reader()
    assert read is not None
    found = read(array)
    assert found.dtype == np.float32
    assert type(found) is type(array)
    assert found[3].tolist() == [1, 0, 0]


def test_a_view_does_not_leave_its_array() -> None:
    """numpy trusts strides; a view whose start is wrong is an error here, and reads no foreign memory."""
    view = View([Index((("p", 1),), 0), U], [(1, 4), (1, 6)], ["p", "u"], RANGES)
    view.starts[1] += 1
    with pytest.raises(IndexError):
        view._stays_inside()


def test_a_view_along_a_letter_of_one_value_does_not_leave_its_array_either() -> None:
    """One entry past the end is foreign memory as well."""
    view = View([Index((("p", 1),), 0)], [(1, 4)], ["p"], {"p": (4, 4)})
    view.starts[0] += 1
    with pytest.raises(IndexError):
        view._stays_inside()


def test_a_view_cannot_be_written() -> None:
    """Windows share entries: writing into one would change several."""
    read = View([U], [(1, 6)], ["p", "u"], RANGES).reader()
    assert read is not None
    with pytest.raises(ValueError, match="read-only"):
        read(np.zeros(6))[0, 0] = 1
