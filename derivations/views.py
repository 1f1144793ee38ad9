"""An array read at affine indices, x[2p+u-2,q]: a strided view of it, or of it within zeros.  Nothing is gathered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from derivations.equations import Range
from derivations.expression import Index

__all__ = ["View"]


class View:
    """Where an array is read: `axes` are the letters of the result in the order asked for.

    Along a letter the view steps by the strides of every axis that the letter moves, so diagonals and windows are views
    too.  Where an index may leave the array, the array is first put into zeros.
    """

    def __init__(
        self, at: Sequence[Index], extents: Sequence[Range], axes: Sequence[str], ranges: dict[str, Range]
    ) -> None:
        self.axes, self.at = tuple(axes), tuple(at)
        starts = {l: ranges[l][0] for l in axes}
        self.shape = tuple(ranges[l][1] - ranges[l][0] + 1 for l in axes)
        self.pads: list[tuple[int, int]] = []
        self.starts: list[int] = []
        for i, (low, high) in zip(at, extents, strict=True):
            ends = [sorted(c * end for end in ranges[l]) for l, c in i.terms]
            least = i.plus + sum(low_end for low_end, _ in ends)
            most = i.plus + sum(high_end for _, high_end in ends)
            self.pads.append((max(0, low - least), max(0, most - high)))
            first = i.plus + sum(c * starts[l] for l, c in i.terms)
            self.starts.append(first - min(low, least))
        self.padded = any(below or above for below, above in self.pads)
        self.steps = [[dict(i.terms).get(l, 0) for i in at] for l in axes]
        self.extents = tuple(high - low + 1 for low, high in extents)
        self._stays_inside()

    def _stays_inside(self) -> None:
        """A strided view is trusted by numpy: one that leaves its array would read foreign memory."""
        for axis, (start, n, (below, above)) in enumerate(zip(self.starts, self.extents, self.pads, strict=True)):
            moves = [step[axis] * (count - 1) for step, count in zip(self.steps, self.shape, strict=True)]
            first, last = start + sum(m for m in moves if m < 0), start + sum(m for m in moves if m > 0)
            if self.shape and min(self.shape) > 0 and not 0 <= first <= last < n + below + above:
                raise IndexError(f"index {axis + 1} leaves its array: {first}..{last} of {n + below + above}")

    @property
    def plain(self) -> tuple[Any, ...] | None:
        """The slices and numbers that read it, where each axis has a letter of its own; None for a true view."""
        seen = [l for i in self.at for l, _ in i.terms]
        if self.padded or len(set(seen)) != len(seen) or any(len(i.terms) > 1 for i in self.at):
            return None
        if any(c < 0 for i in self.at for _, c in i.terms):
            return None
        out: list[Any] = []
        for i, start in zip(self.at, self.starts, strict=True):
            if not i.terms:
                out.append(start)
                continue
            ((l, c),) = i.terms
            count = self.shape[self.axes.index(l)]
            out.append(slice(start, start + c * (count - 1) + 1, c))
        return tuple(out)

    def reader(self) -> Callable[[Any], Any] | None:
        """The function that reads an array so; None where that is the array itself."""
        if (place := self.plain) is not None:
            return self._sliced(place)
        steps, starts, shape, pads = self.steps, tuple(self.starts), self.shape, self.pads

        def read(array: Any) -> Any:
            if not isinstance(array, np.ndarray):  # ends of intervals, each an array with an axis more
                return array.through(read)
            if self.padded:
                array = _in_zeros(array, pads)
            corner, own = array[tuple(slice(start, None) for start in starts)], len(starts)
            strides = [sum(c * s for c, s in zip(step, array.strides, strict=False)) for step in steps]
            whole = (*shape, *array.shape[own:]), (*strides, *array.strides[own:])
            return as_strided(corner, *whole, subok=True, writeable=False)

        return read

    def _sliced(self, place: tuple[Any, ...]) -> Callable[[Any], Any] | None:
        order = [l for i in self.at for l, _ in i.terms]
        turn = tuple(order.index(l) for l in self.axes)
        straight = turn == tuple(range(len(turn)))
        whole = all(isinstance(p, slice) and p == slice(0, n, 1) for p, n in zip(place, self.extents, strict=True))
        if whole:
            return None if straight else (lambda array: array.transpose(turn))
        while place and isinstance(place[-1], slice) and place[-1] == slice(0, self.extents[len(place) - 1], 1):
            place = place[:-1]
        return (lambda array: array[place]) if straight else (lambda array: array[place].transpose(turn))


def _in_zeros(array: Any, pads: list[tuple[int, int]]) -> Any:
    pads = [*pads, *((0, 0) for _ in array.shape[len(pads) :])]
    shape = tuple(n + below + above for n, (below, above) in zip(array.shape, pads, strict=True))
    out = np.zeros(shape, array.dtype) if array.dtype != object else np.full(shape, array.flat[0] * 0)
    out = out.view(type(array))
    out[tuple(slice(below, below + n) for n, (below, _) in zip(array.shape, pads, strict=True))] = array
    return out
