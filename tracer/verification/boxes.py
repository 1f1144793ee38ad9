"""How the symbolic route reads arrays: the entries that a box of letters points at, by index code of its own.

A box says from where to where each letter runs.  Nothing here is shared with the lowering of equations to array
programs, so that an index that is read wrongly there is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from derivations.equations import Range
from derivations.expression import Expression, Index, Ref
from tracer.verification.tape import recordable

__all__ = ["Box", "Read", "Reads", "boxes_of"]

Box = Mapping[str, Range]
Floats = np.ndarray
Affine = tuple[dict[str, int], int]  # the coefficients of letters, and what is added


@dataclass(frozen=True)
class Read:
    """Entries of one array over the letters that its indices have, in the order of a box.

    `take` gives them as an array with one axis a letter; `add` adds such an array to the entries (of an array of the
    same size), each as often as it is read.
    """

    name: str
    letters: tuple[str, ...]
    take: Callable[[Floats], Floats]
    add: Callable[[Floats, Floats], None]
    places: Callable[[], Floats]
    """The flat places that are read; one past the end where that is outside."""
    entire: bool = False
    """Whether it is the whole array, its letters in the order of the axes."""
    slices: tuple[tuple[slice | int, ...], list[int]] | None = None
    """Of a read that is a slice of the array: which one, and the order of its axes."""

    def spread(self, box: Box) -> tuple[slice | None, ...] | None:
        """What gives `take`'s array an axis for every letter of a box; None where it has one."""
        if self.letters == tuple(box):
            return None
        return tuple(slice(None) if l in self.letters else None for l in box)


class Reads:
    """Makes the reads of a step: `extents` of its arrays, `ranges` of letters, `whole` numbers that are looked up."""

    def __init__(
        self, extents: Mapping[str, Sequence[Range]], ranges: Mapping[str, Range], whole: Mapping[str, Floats]
    ) -> None:
        self.extents, self.ranges, self.whole = extents, ranges, whole

    def of(self, r: Ref, box: Box) -> Read:
        """The entries of an array that a reference points at."""
        extents = self.extents[r.name]
        at = [self.affine(i) for i in r.at if isinstance(i, Index)]
        if len(at) < len(r.at):
            return self._gathered(r, box)
        for (letters, plus), (low, high) in zip(at, extents, strict=True):
            ends = [sorted((c * box[l][0], c * box[l][1])) for l, c in letters.items()]
            if plus + sum(e[0] for e in ends) < low or plus + sum(e[1] for e in ends) > high:
                return self._gathered(r, box)
        used = [l for letters, _ in at for l in letters]
        if len(set(used)) == len(used) and all(len(a) <= 1 and set(a.values()) <= {1} for a, _ in at):
            return self._sliced(r.name, at, box)
        return self._strided(r.name, at, box)

    def affine(self, i: Index) -> Affine:
        """An index as coefficients of letters; |t| is a number."""
        out, plus = dict[str, int](), i.plus
        for l, c in i.terms:
            if l.startswith("|"):
                plus += c * self.ranges[l.strip("|")][1]
            else:
                out[l] = out.get(l, 0) + c
        return {l: c for l, c in out.items() if c}, plus

    def value(self, i: Expression, box: Box) -> Floats:
        """The number that an index is, over all of a box."""
        if isinstance(i, Ref):
            known = self.whole[i.name]
            at = (np.clip(self.value(j, box) - 1, 0, n - 1) for j, n in zip(i.at, known.shape, strict=True))
            return np.asarray(known[tuple(at)])
        assert isinstance(i, Index)
        letters, plus = self.affine(i)
        out = np.full([1] * len(box), plus)
        for axis, (l, (low, high)) in enumerate(box.items()):
            if l in letters:
                form = [-1 if k == axis else 1 for k in range(len(box))]
                out = out + letters[l] * np.arange(low, high + 1).reshape(form)
        return out

    def _sliced(self, name: str, at: list[Affine], box: Box) -> Read:
        """Each letter stands alone: a slice an axis, the axes turned into the order of the box."""
        place: list[slice | int] = []
        order: list[str] = []
        for (letters, plus), (low, _) in zip(at, self.extents[name], strict=True):
            if not letters:
                place.append(plus - low)
            for l in letters:
                order.append(l)
                place.append(slice(box[l][0] + plus - low, box[l][1] + plus - low + 1))
        own = tuple(l for l in box if l in order)
        turn, where = [order.index(l) for l in own], tuple(place)
        back = [own.index(l) for l in order]
        lengths = (high - low + 1 for low, high in self.extents[name])
        entire = turn == sorted(turn) and all(p == slice(0, n) for p, n in zip(place, lengths, strict=True))

        def take(array: Floats) -> Floats:
            part = array[where]
            return part.transpose(turn) if turn != sorted(turn) else part

        def add(array: Floats, more: Floats) -> None:
            if where:
                array[where] += more.transpose(back) if turn != sorted(turn) else more
            else:
                array += more

        return Read(name, own, take, add, lambda: take(self._numbered(name)), entire, (where, turn))

    def _strided(self, name: str, at: list[Affine], box: Box) -> Read:
        """Several letters in one index, x[p+u-1]: a view in which each letter has its own step."""
        shape = [high - low + 1 for low, high in self.extents[name]]
        steps = [int(np.prod(shape[k + 1 :], dtype=int)) for k in range(len(shape))]
        own = tuple(l for l in box if any(l in letters for letters, _ in at))
        start, step = 0, dict.fromkeys(own, 0)
        for (letters, plus), (low, _), s in zip(at, self.extents[name], steps, strict=True):
            start += s * (plus - low + sum(c * box[l][0] for l, c in letters.items()))
            for l, c in letters.items():
                step[l] += s * c
        sizes = [box[l][1] - box[l][0] + 1 for l in own]

        @recordable
        def take(array: Floats) -> Floats:
            flat = np.ascontiguousarray(array).reshape(-1)[start:]
            return as_strided(flat, sizes, [step[l] * array.itemsize for l in own], writeable=False)

        def places() -> Floats:
            return np.array(take(self._numbered(name)))

        return Read(name, own, take, _scattered(places), places)

    def _gathered(self, r: Ref, box: Box) -> Read:
        """Places that are looked up, or outside of the array, which is 0 there."""
        extents = self.extents[r.name]
        free = {l for i in r.at for x in i.walk() if isinstance(x, Index) for l in self.affine(x)[0]}
        own = tuple(l for l in box if l in free)
        inner = {l: box[l] for l in own}
        place, inside = np.zeros([1] * len(own), int), np.ones([1] * len(own), bool)
        for i, (low, high) in zip(r.at, extents, strict=True):
            x = self.value(i, inner)
            inside = inside & (x >= low) & (x <= high)
            place = place * (high - low + 1) + (x - low)
        size = int(np.prod([high - low + 1 for low, high in extents], dtype=int))
        full = np.broadcast_to(np.where(inside, place, size), [h - l + 1 for l, h in inner.values()])
        where = np.where(full == size, 0, full)

        def take(array: Floats) -> Floats:
            out = array.reshape(-1)[where]
            return out if inside.all() else np.where(full == size, out * 0, out)

        return Read(r.name, own, take, _scattered(lambda: full), lambda: full)

    def _numbered(self, name: str) -> Floats:
        shape = [high - low + 1 for low, high in self.extents[name]]
        return np.arange(int(np.prod(shape, dtype=int))).reshape(shape)


def _scattered(places: Callable[[], Floats]) -> Callable[[Floats, Floats], None]:
    """Adds numbers to places that may be the same several times; those past the end are left out."""
    known: list[Floats] = []

    def add(array: Floats, more: Floats) -> None:
        if not known:
            known.append(places().reshape(-1))
        assert array.flags.c_contiguous
        size, flat = array.size, more.reshape(-1)
        if array.dtype == object:
            longer = np.concatenate([array.reshape(-1), [0]])
            np.add.at(longer, known[0], flat)
            array.reshape(-1)[...] = longer[:size]
        else:
            array.reshape(-1)[...] += np.bincount(known[0], flat, size + 1)[:size]

    return add


def boxes_of(holds: Floats, box: Box) -> Iterator[Box]:
    """Boxes that together are where a mask over a box holds."""
    if not box or holds.all():
        if holds.all():
            yield box
        return
    where = [np.flatnonzero(holds.any(axis=tuple(j for j in range(holds.ndim) if j != k))) for k in range(holds.ndim)]
    if any(not len(w) for w in where):
        return
    inner = {l: (low + int(w[0]), low + int(w[-1])) for (l, (low, _)), w in zip(box.items(), where, strict=True)}
    part = holds[tuple(slice(int(w[0]), int(w[-1]) + 1) for w in where)]
    if part.all():
        yield inner
        return
    first, (low, _) = next(iter(inner.items()))
    for k in range(part.shape[0]):
        rest = {l: r for l, r in inner.items() if l != first}
        for found in boxes_of(part[k], rest) if rest else ([{}] if part[k] else []):
            yield {first: (low + k, low + k), **found}
