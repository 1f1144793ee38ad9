"""How far letters run, and how large arrays are: the three rules, one after another."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from derivations.equations import Range
from derivations.expression import Index, Over, Ref, letter
from derivations.language import LanguageError, expression, read
from derivations.shapes import Shapes, bounds, free, numbered, refs, substituted

Case = tuple[str, Mapping[str, tuple[int, ...]], Mapping[str, Range], Mapping[str, tuple[Range, ...]]]
FOUND: dict[str, Case] = {
    "a letter runs over the array of which it is an index alone": (
        "a[j] = Σ_i W[j,i]*x[i]",
        {"W": (2, 3), "x": (3,)},
        {"j": (1, 2), "i": (1, 3)},
        {"a": ((1, 2),)},
    ),
    "a computed array passes it on": (
        "a[j] = 2*x[j]\nz[k] = Σ_j V[k,j]*a[j]\nE = Σ_k z[k]",
        {"x": (3,), "V": (2, 3)},
        {"j": (1, 3), "k": (1, 2)},
        {"a": ((1, 3),), "z": ((1, 2),), "E": ()},
    ),
    "as stated": ("for t = 2..5\ny[t] = w", {"w": ()}, {"t": (2, 5)}, {"y": ((2, 5),)}),
    "inside a sum as far as it stays inside": (
        "a[p] = Σ_u K[u]*x[p+u-1]",
        {"K": (3,), "x": (6,)},
        {"u": (1, 3), "p": (1, 4)},
        {"a": ((1, 4),)},
    ),
    "with a stride": (
        "m[r] = max_{c=1..2}(z[2r+c-2])",
        {"z": (7,)},
        {"c": (1, 2), "r": (1, 3)},
        {"m": ((1, 3),)},
    ),
    "the narrowest of several places": (
        "a[p] = x[p+2] + y[p+1]",
        {"x": (5,), "y": (9,)},
        {"p": (1, 3)},
        {"a": ((1, 3),)},
    ),
    "all equations of an array together": (
        "h[0,k] = w[k]\nh[t,j] = x[t,j]*h[t-1,j]",
        {"x": (4, 2), "w": (2,)},
        {"t": (1, 4), "j": (1, 2), "k": (1, 2)},
        {"h": ((0, 4), (1, 2))},
    ),
    "a looked-up index sets no range of the array": (
        "h[d] = Σ_p T[token[p],d]",
        {"T": (9, 2), "token": (4,)},
        {"p": (1, 4), "d": (1, 2)},
        {"h": ((1, 2),)},
    ),
    "0 outside leaves the letter to others": (
        "x is 0 outside\nfor p = 1..5\ny[p] = Σ_q x[p-q+1]*w[q]",
        {"x": (5,), "w": (3,)},
        {"p": (1, 5), "q": (1, 3)},
        {"y": ((1, 5),)},
    ),
}


@pytest.mark.parametrize("what", FOUND)
def test_ranges_and_sizes_that_follow(what: str) -> None:
    """Ranges of letters and extents of computed arrays."""
    text, sizes, ranges, extents = FOUND[what]
    said = read(text)
    shapes = Shapes(said.equations, sizes, said.ranges, said.outside)
    assert {l: shapes.ranges[l] for l in ranges} == dict(ranges)
    assert {n: shapes.extents[n] for n in extents} == dict(extents)


DISAGREE = {
    "two arrays": ("y[i] = x[i]*w[i]", {"x": (3,), "w": (4,)}, "i runs over 1..3 (in x), but index 1 of w over 1..4"),
    "a stated range too long": (
        "for i = 1..4\ny[i] = x[i]",
        {"x": (3,)},
        "i runs over 1..4 (as stated), but index 1 of x over 1..3",
    ),
    "before the start": (
        "for p = 1..3\ny[p] = x[p-1]",
        {"x": (3,)},
        "index 1 runs over 0..2, but index 1 of x over 1..3",
    ),
    "a number too large": ("y = x[4]", {"x": (3,)}, "index 1 runs over 4..4, but index 1 of x over 1..3"),
    "not known": ("y[r] = x[2r+u]", {"x": (3,)}, "u stands on the right alone"),
}


@pytest.mark.parametrize("what", DISAGREE)
def test_ranges_that_disagree(what: str) -> None:
    """Where, which index of which array, how far each goes."""
    text, sizes, words = DISAGREE[what]
    said = read(text)
    with pytest.raises(LanguageError) as error:
        Shapes(said.equations, sizes, said.ranges, said.outside)
    assert str(error.value).startswith("equations line ")
    assert words in str(error.value)


def test_bounds_of_an_index() -> None:
    """The smallest and the largest value, coefficients below 0 too; None where a letter is open."""
    ranges = {"p": (1, 4), "u": (0, 2)}
    assert bounds(Index((("p", 2), ("u", -1)), -2), ranges) == (-2, 6)
    assert bounds(Index((), 7), ranges) == (7, 7)
    assert bounds(letter("q"), ranges) is None
    assert numbered(Index((("|p|", 1),), -1), ranges) == Index((), 3)
    assert bounds(Index((("|p|", 1),), -1), ranges) == (3, 3)


def test_free_letters() -> None:
    """A sum binds its letters, a softmax does not."""
    assert free(expression("a[i]*Σ_j W[i,j]*x[j,k]")) == ["i", "k"]
    assert free(expression("softmax_k(a[k,n])")) == ["k", "n"]
    assert free(expression("mean_{i,j}(x[2i+j])*y[|t|]")) == []
    assert free(expression("T[token[p],d]")) == ["p", "d"]


def test_entries_that_are_read() -> None:
    """Those in indices too, in order."""
    assert [r.name for r in refs(expression("T[token[p],d]*x + Σ_i y[i]"))] == ["T", "token", "x", "y"]


def test_letters_are_put_in() -> None:
    """Free letters by any index, a bound one by another letter."""
    e = expression("Σ_i W[j,i]*x[i+j]")
    put = substituted(e, {"j": Index((("p", 1),), 1)})
    assert put == expression("Σ_i W[p+1,i]*x[i+p+1]")
    renamed = substituted(e, {"i": letter("q")})
    assert renamed == Over("sum", ("q",), substituted(e, {"i": letter("q")}).body)
    assert [r for r in refs(renamed) if r.name == "W"] == [Ref("W", (letter("j"), letter("q")))]
    assert substituted(e, {}) is e
