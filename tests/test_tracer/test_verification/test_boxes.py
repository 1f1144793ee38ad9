"""The symbolic route's reads against a reading index by index; `add` is the transpose of `take`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from derivations.equations import Range
from derivations.expression import Expression, Index, Ref
from derivations.language import expression
from tracer.verification.boxes import Box, Read, Reads, boxes_of

EXTENTS: Mapping[str, tuple[Range, ...]] = {
    "s": (),
    "x": ((1, 6),),
    "h": ((0, 4), (1, 3)),
    "A": ((1, 5), (1, 5)),
    "T": ((1, 4), (1, 2)),
    "V": ((1, 3), (2, 4), (0, 2)),
}
RANGES: Mapping[str, Range] = dict.fromkeys("ijkqr", (1, 3)) | {"p": (1, 4), "u": (1, 3), "t": (1, 4), "d": (1, 2)}
WHOLE = {"far": np.array([7, 1, 6, 0]), "word": np.array([2, 4, 2, 1]), "of": np.array([[1, 3], [3, 2], [1, 1]])}
CASES = [
    ("s", "ij"),  # a number
    ("x[p]", "p"),  # a slice
    ("x[p+2]", "pj"),  # shifted
    ("h[t-1,k]", "tk"),  # the step before
    ("h[t,k]", "kt"),  # letters in another order than the axes
    ("h[|t|,k]", "k"),  # the last one
    ("h[2,k]", "ik"),  # a number for an index
    ("h[|p|-1,2]", "j"),  # numbers alone
    ("V[i,j+1,k-1]", "kij"),  # each axis shifted
    ("x[p+u-1]", "pu"),  # windows
    ("x[p+u-1]", "up"),
    ("A[p+u-1,q+2]", "puq"),
    ("A[i+j-1,k+q-1]", "ikjq"),  # windows in both directions
    ("x[2i+u-3]", "iu"),  # strides, none of them outside
    ("x[2p+u-2]", "pu"),  # strides, windows that leave the array
    ("x[p-2]", "p"),  # padding before
    ("x[p+4]", "ip"),  # padding behind
    ("A[i,i]", "i"),  # a diagonal
    ("A[i,6-i]", "ij"),  # the other one
    ("x[7-p]", "p"),  # turned
    ("x[5-p]", "p"),
    ("x[p-u+1]", "pu"),  # turned and outside
    ("h[t-2,4-k]", "tk"),
    ("T[word[p],d]", "pd"),  # looked up
    ("T[word[p],d]", "dp"),
    ("x[of[i,d]]", "id"),  # looked up at two letters
    ("x[far[p]]", "ip"),  # looked up, some outside
    ("A[word[p],p+1]", "p"),
]


def box_of(letters: str) -> Box:
    """The letters with all of their values."""
    return {l: RANGES[l] for l in letters}


def parts(letters: str) -> Iterator[Box]:
    """A box whole, and a part of it."""
    yield box_of(letters)
    yield {
        l: (low + 1, high) if k % 2 else (low, high - 1) for k, (l, (low, high)) in enumerate(box_of(letters).items())
    }


def ref(text: str) -> Ref:
    """A reference, looked-up arrays in its indices."""
    found = expression(text)
    assert isinstance(found, Ref)
    return found


def index(i: Expression, at: Mapping[str, int]) -> int:
    """The number that an index is."""
    if isinstance(i, Ref):
        return int(WHOLE[i.name][tuple(index(j, at) - 1 for j in i.at)])
    assert isinstance(i, Index)
    return i.plus + sum(c * (RANGES[l.strip("|")][1] if l[0] == "|" else at[l]) for l, c in i.terms)


def places(r: Ref, box: Box) -> Any:
    """The place in the array of each entry over a box, None where it is outside."""
    out = np.empty([high - low + 1 for low, high in box.values()], object)
    for place in itertools.product(*(range(low, high + 1) for low, high in box.values())):
        at = dict(zip(box, place, strict=True))
        found = tuple(index(i, at) - low for i, (low, _) in zip(r.at, EXTENTS[r.name], strict=True))
        inside = all(0 <= f <= high - low for f, (low, high) in zip(found, EXTENTS[r.name], strict=True))
        out[tuple(p - low for p, (low, _) in zip(place, box.values(), strict=True))] = found if inside else None
    return out


def over(read: Read, box: Box, array: Any) -> Any:
    """What is read, with an axis for every letter of the box."""
    spread = read.spread(box)
    shape = [high - low + 1 for low, high in box.values()]
    taken = np.asarray(read.take(array))
    return np.broadcast_to(taken if spread is None else taken[spread], shape)


def places_of(read: Read) -> Callable[[Any], Any]:
    """What gives the places in place of the entries."""
    return lambda _: read.places()


def array_of(name: str, kind: type) -> Any:
    """An array of numbers that are all different."""
    shape = [high - low + 1 for low, high in EXTENTS[name]]
    flat = [kind(k + 1) for k in range(int(np.prod(shape, dtype=int)))]
    return np.array(flat, object if kind is Fraction else None).reshape(shape)


@pytest.mark.parametrize("kind", [float, Fraction])
@pytest.mark.parametrize(("text", "letters"), CASES)
def test_a_read_is_the_reading_index_by_index(text: str, letters: str, kind: type) -> None:
    """Slices, windows, strides, turned and looked-up indices, what is outside; over a whole box and a part of it."""
    r = ref(text)
    array = array_of(r.name, kind)
    for box in parts(letters):
        read = Reads(EXTENTS, RANGES, WHOLE).of(r, box)
        found, true = over(read, box, array), places(r, box)
        for place in np.ndindex(true.shape):
            assert found[place] == (0 if true[place] is None else array[true[place]]), (text, place)
        numbered, flat = (
            np.arange(array.size).reshape(array.shape),
            over(replace(read, take=places_of(read)), box, array),
        )
        for place in np.ndindex(true.shape):
            assert flat[place] == (array.size if true[place] is None else numbered[true[place]]), (text, place)


@pytest.mark.parametrize("kind", [float, Fraction])
@pytest.mark.parametrize(("text", "letters"), CASES)
def test_adding_is_the_transpose_of_reading(text: str, letters: str, kind: type) -> None:
    """Each entry gets what was read from it, as often as it was read; what is outside gets lost."""
    r, rng = ref(text), np.random.default_rng(2)
    for box in parts(letters):
        read = Reads(EXTENTS, RANGES, WHOLE).of(r, box)
        own = {l: box[l] for l in read.letters}
        more = np.array(rng.integers(1, 9, [high - low + 1 for low, high in own.values()]))
        more = np.array([kind(int(v)) for v in more.ravel()], object if kind is Fraction else None).reshape(more.shape)
        array = array_of(r.name, kind)
        expected, true = array.copy(), places(r, own)
        for place in np.ndindex(true.shape):
            if true[place] is not None:
                expected[true[place]] = expected[true[place]] + more[place]
        read.add(array, more)
        assert (array == expected).all(), text


def test_an_entire_array_is_known_as_such() -> None:
    """Its letters in the order of its axes, from end to end; else it is a part, or turned."""
    reads = Reads({"h": ((1, 3), (1, 2))}, RANGES, {})
    entire = [
        reads.of(ref(text), box_of(l)).entire for text, l in (("h[i,d]", "id"), ("h[i,d]", "di"), ("h[2,d]", "d"))
    ]
    assert entire == [True, False, False]
    assert not reads.of(ref("h[i,d]"), {"i": (1, 2), "d": (1, 2)}).entire


@pytest.mark.parametrize("seed", range(20))
def test_boxes_are_where_a_mask_holds(seed: int) -> None:
    """Together they cover what holds, once, and nothing else."""
    rng = np.random.default_rng(seed)
    box = {
        l: (int(low), int(low + n))
        for l, low, n in zip("ijk", rng.integers(0, 3, 3), rng.integers(0, 4, 3), strict=True)
    }
    box = dict(list(box.items())[: 1 + seed % 3])
    mask = rng.random([high - low + 1 for low, high in box.values()]) < rng.choice([0.0, 0.3, 0.8, 1.0])
    covered = np.zeros(mask.shape, int)
    for part in boxes_of(mask, box):
        assert list(part) == list(box)
        covered[tuple(slice(part[l][0] - low, part[l][1] - low + 1) for l, (low, _) in box.items())] += 1
    assert (covered == mask).all()


def test_a_box_of_no_letters() -> None:
    """One entry, which is there or is not."""
    assert list(boxes_of(np.array(True), {})) == [{}]
    assert list(boxes_of(np.array(False), {})) == []
