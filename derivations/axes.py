"""Works over lettered axes: aligned for broadcasting, multiplied, summed; a matrix product where rows meet columns.

A `Lowered` is what to do with the arrays known so far, and the letters of the axes of what comes out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from derivations.equations import Range

__all__ = ["Arrays", "Axes", "Lowered", "Work", "spread", "turned"]

Arrays = dict[str, Any]
Work = Callable[[Arrays], Any]
Lowered = tuple[Work, tuple[str, ...]]


class Axes:
    """The letters of an equation: how far they run, and in which order axes stand (left side first, then as met)."""

    def __init__(self, ranges: dict[str, Range], order: Sequence[str]) -> None:
        self.ranges, self.order = ranges, list(order)

    def add(self, letters: Iterable[str]) -> None:
        """Letters met later stand later."""
        self.order += [l for l in letters if l not in self.order]

    def size(self, l: str) -> int:
        """How many values a letter has."""
        low, high = self.ranges[l]
        return high - low + 1

    def sorted(self, letters: Iterable[str]) -> tuple[str, ...]:
        """Letters in the order of axes, each once."""
        return tuple(sorted(dict.fromkeys(letters), key=self.order.index))

    def aligned(self, parts: Sequence[Lowered]) -> tuple[list[Work], tuple[str, ...]]:
        """Works whose results have the same letters in the same order, for numpy to broadcast."""
        axes = self.sorted(l for _, a in parts for l in a)

        def one(work: Work, own: tuple[str, ...]) -> Work:
            if own == axes or not own or own == axes[len(axes) - len(own) :]:
                return work
            at = tuple(slice(None) if l in own else None for l in axes)
            while at and at[-1] is not None:
                at = at[:-1]
            at = (*at, *(slice(None) for l in axes[len(at) :])) if None in at else at
            return lambda s: work(s)[at]

        return [one(w, a) for w, a in parts], axes

    def contracted(self, found: Sequence[Lowered | None], over: Sequence[str]) -> Lowered | None:
        """The product, summed over letters: a matrix product where rows meet columns."""
        parts = [f for f in found if f is not None]
        if len(parts) < len(found):
            return None
        unused = [l for l in over if not any(l in a for _, a in parts)]
        while len(parts) > 2 or (len(parts) == 2 and not self._rows_meet_columns(parts[0], parts[1], over)):
            a, b = self._smaller(parts)
            works, axes = self.aligned([parts[a], parts[b]])
            parts[a] = _multiplied(works[0], works[1]), axes
            del parts[b]
        work, axes = parts[0] if len(parts) == 1 else self.matrix_product(parts[0], parts[1], over)
        for l in reversed([l for l in over if l in axes]):
            place = axes.index(l)
            work, axes = _summed(work, place), (*axes[:place], *axes[place + 1 :])
        count = math.prod(self.size(l) for l in unused)
        return ((lambda s: count * work(s)) if count > 1 else work), axes

    @staticmethod
    def _smaller(parts: list[Lowered]) -> tuple[int, int]:
        """Two factors to multiply first: one within the other's letters, so that nothing grows."""
        n = len(parts)
        pairs = ((a, b) for a in range(n) for b in range(a + 1, n) if set(parts[a][1]) <= set(parts[b][1]))
        return next(pairs, (0, 1))

    @staticmethod
    def _rows_meet_columns(p: Lowered, q: Lowered, over: Sequence[str]) -> bool:
        shared = [l for l in over if l in p[1] and l in q[1]]
        each = [l for l in p[1] if l in q[1] and l not in shared]
        rows, columns = [l for l in p[1] if l not in q[1]], [l for l in q[1] if l not in p[1]]
        return bool(shared) and (not each or bool(rows and columns))

    def matrix_product(self, p: Lowered, q: Lowered, over: Sequence[str]) -> Lowered:
        """Σ over shared letters as rows times columns; letters of both that are not summed number the matrices."""
        (f, a), (g, b) = p, q
        shared = [l for l in over if l in a and l in b]
        each = [l for l in a if l in b and l not in shared]
        rows, columns = [l for l in a if l not in b], [l for l in b if l not in a]
        if rows and columns and not each and self.order.index(rows[0]) > self.order.index(columns[0]):
            return self.matrix_product(q, p, over)
        axes = (*each, *rows, *columns)
        out, sizes = self.sorted(axes), [self.size(l) for l in axes]
        back = turned([axes.index(l) for l in out])
        x_turn = turned([a.index(l) for l in (*each, *rows, *shared)])
        y_turn = turned([b.index(l) for l in (*each, *shared, *columns)])
        if len(rows) == len(shared) == 1 and (len(columns) == 1 or (not columns and not each)):
            return (lambda s: back(x_turn(f(s)) @ y_turn(g(s)))), out
        lots = [self.size(l) for l in each]
        n = [math.prod(self.size(l) for l in part) for part in (rows, shared, columns)]
        x_shape, y_shape, shape = (*lots, n[0], n[1]), (*lots, n[1], n[2]), tuple(sizes)

        def work(s: Arrays) -> Any:
            z = x_turn(f(s)).reshape(x_shape) @ y_turn(g(s)).reshape(y_shape)
            return back(z.reshape(shape)) if shape else z.reshape(-1)[0]

        return work, out


def _multiplied(f: Work, g: Work) -> Work:
    return lambda s: f(s) * g(s)


def _summed(work: Work, place: int) -> Work:
    return lambda s: work(s).sum(axis=place)


def turned(turn: Sequence[int]) -> Callable[[Any], Any]:
    """What puts the axes of an array in another order."""
    if list(turn) == list(range(len(turn))):
        return lambda x: x
    if list(turn) == [1, 0]:
        return lambda x: x.T
    fixed = tuple(turn)
    return lambda x: x.transpose(fixed)


def spread(x: Any, at: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """An array over more letters than it depends on."""
    if not shape:
        return x
    if not isinstance(x, np.ndarray) and hasattr(x, "broadcast"):
        return (x[at] if x.ndim else x).broadcast(shape)
    out = np.empty(shape, x.dtype if hasattr(x, "dtype") else object)
    out[...] = x[at] if np.ndim(x) else x
    return out
