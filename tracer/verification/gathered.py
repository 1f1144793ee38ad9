"""Arrays of a step as a few vectors, so that all of them are compared in a few operations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from tracer.verification.contraction import filled

__all__ = ["Gathered"]

FEW = 1000
"""Numbers of an array that are sooner gathered than compared on their own."""
Floats = Any


class Gathered:
    """Which arrays, by their shapes: those with few numbers are one vector, any other is one by itself."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.shapes = dict(shapes)
        few = tuple(n for n, shape in self.shapes.items() if 0 < math.prod(shape) <= FEW)
        self.groups: list[tuple[str, ...]] = [(n,) for n, shape in self.shapes.items() if math.prod(shape) > FEW]
        self.groups += [few] if few else []

    def of(self, arrays: Mapping[str, Floats]) -> list[Floats]:
        """The vectors of arrays; one that is by itself has its own shape."""
        return [self._joined([filled(arrays[n], self.shapes[n]) for n in group]) for group in self.groups]

    def split(self, vectors: Sequence[Floats]) -> dict[str, Floats]:
        """The arrays of vectors; there is nothing in those without numbers."""
        out: dict[str, Floats] = {n: np.zeros(shape) for n, shape in self.shapes.items() if not math.prod(shape)}
        for group, vector in zip(self.groups, vectors, strict=True):
            for name, (start, end) in zip(group, self._ends(group), strict=True):
                out[name] = vector if len(group) == 1 else vector[start:end].reshape(self.shapes[name])
        return {n: out[n] for n in self.shapes}

    def largest_of(self, group: Sequence[str], vector: Floats) -> Floats:
        """The largest number of each array of a group."""
        starts = np.array([start for start, _ in self._ends(group)])
        return vector.max() if len(group) == 1 else np.maximum.reduceat(vector, starts)

    @staticmethod
    def _joined(arrays: list[Floats]) -> Floats:
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=None)

    def _ends(self, group: Sequence[str]) -> Iterator[tuple[int, int]]:
        ends = list(accumulate((math.prod(self.shapes[n]) for n in group), initial=0))
        return pairwise(ends)
