"""Sums in which a condition picks few of many: the backward pass of a pool, worked window by window.

Σ_r [1 <= i - 2r + 2 <= 2] g[r,i] has one r for each i: over all i and r it would be dense.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from derivations.arithmetic import Arithmetic
from derivations.axes import Arrays, Axes, Lowered, turned
from derivations.expression import Expression, Index, Within
from derivations.shapes import substituted

__all__ = ["Window", "scattered", "windows"]


class Lowerer(Protocol):
    """What lowers the factors of a product."""

    m: Arithmetic
    axes: Axes

    def factors(self, factors: Sequence[Expression]) -> list[Lowered | None]:
        """Each factor's work."""


class Window(NamedTuple):
    """A condition on a left letter and a summed one, and how many places the left one moves for one of the other."""

    condition: Within
    left: str
    summed: str
    times: int


def windows(factors: Sequence[Expression], letters: Sequence[str]) -> list[Window]:
    """The conditions low <= i - 2r + 2 <= high of a sum over r: each i has few r, and each r few i; one a letter."""
    out: list[Window] = []
    for f in factors:
        if isinstance(f, Within) and len(f.index.terms) == 2:
            (a, p), (b, q) = f.index.terms
            (left, sign), (summed, times) = ((b, q), (a, p)) if a in letters else ((a, p), (b, q))
            taken = {l for w in out for l in (w.left, w.summed)}
            if (
                sign == 1
                and abs(times) > 1
                and summed in letters
                and left not in letters
                and not {left, summed} & taken
            ):
                out.append(Window(f, left, summed, times))
    return out


def scattered(
    lowering: Lowerer, factors: Sequence[Expression], letters: Sequence[str], windows: list[Window]
) -> Lowered | None:
    """The sum worked window by window, and each term added where it belongs."""
    axes = lowering.axes
    values: dict[str, Index] = {}
    for k, w in enumerate(windows):
        own = f"{w.summed}~{k}"
        axes.ranges[own] = w.condition.low, w.condition.high
        axes.add([own])
        values[w.left] = Index.of((1, Index(((own, 1),), 0)), (-1, w.condition.index), (1, Index(((w.left, 1),), 0)))
    kept = [substituted(f, values) for f in factors if not any(f is w.condition for w in windows)]
    summed = [w.summed for w in windows]
    found = axes.contracted(lowering.factors(kept), [l for l in letters if l not in summed])
    if found is None:
        return None
    work, own_axes = found
    moved = [f"{w.summed}~{k}" for k, w in enumerate(windows)]
    rest = [l for l in own_axes if l not in summed and l not in moved]
    at = tuple(slice(None) if l in own_axes else None for l in (*moved, *rest, *summed))
    turn = turned([own_axes.index(l) for l in (*moved, *rest, *summed) if l in own_axes])
    full = tuple(axes.size(l) for l in (*moved, *rest, *summed))
    out = axes.sorted((*rest, *(w.left for w in windows)))
    back = turned([[*rest, *(w.left for w in windows)].index(l) for l in out])
    shape = tuple(axes.size(l) for l in (*rest, *(w.left for w in windows)))
    places = list(_places(axes, windows))
    blank = lowering.m.blank

    def scatter(s: Arrays) -> Any:
        found = turn(work(s))[at]
        terms = np.broadcast_to(found, full, subok=True) if isinstance(found, np.ndarray) else found.broadcast(full)
        total = blank(shape)
        for place, source, target in places:
            total[(..., *target)] += terms[place][(..., *source)]
        return back(total)

    return scatter, out


def _places(
    axes: Axes, windows: list[Window]
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]]:
    """For each place in the windows: which terms there are, and where they are added."""
    runs = [range(w.condition.low, w.condition.high + 1) for w in windows]
    for at in itertools.product(*runs):
        source, target = [], []
        for value, w in zip(at, windows, strict=True):
            first, last = axes.ranges[w.summed]
            low, high = axes.ranges[w.left]
            reached = [value - w.condition.index.plus - w.times * r for r in range(first, last + 1)]
            inside = [k for k, i in enumerate(reached) if low <= i <= high]
            begin, end = (inside[0], inside[-1] + 1) if inside else (0, 0)
            source.append(slice(begin, end))
            ends = sorted((reached[begin] - low, reached[end - 1] - low)) if inside else (0, -1)
            step = slice(ends[0], ends[1] + 1, abs(w.times))
            target.append(step)
            if inside and w.times > 0:
                source[-1] = slice(end - 1, begin - 1 if begin else None, -1)
        place = tuple(value - w.condition.low for value, w in zip(at, windows, strict=True))
        yield place, tuple(source), tuple(target)
