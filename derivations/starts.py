"""Entries at an end that have an equation of their own: h[1] = c beside h[t] = a*h[t-1], which then begins at 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from derivations.equations import Equation, Range
from derivations.expression import Index, Ref, letter
from derivations.shapes import free, substituted

__all__ = ["without_own"]


def without_own(
    equations: Sequence[Equation], sizes: Mapping[str, tuple[int, ...]], ranges: dict[str, Range]
) -> list[Equation]:
    """The equations, those with a letter without the entries that have one of their own.

    Such a letter gets a name of its own, t', for that equation alone; its range is added to `ranges`.
    """
    own = _numbered(equations)
    taken = {*ranges, *sizes, *(l for e in equations for x in (e.left, e.right) for l in free(x))}
    out = []
    for e in equations:
        for axis, i in enumerate(e.left.at):
            numbers = own.get((e.left.name, axis), set())
            if numbers and isinstance(i, Index) and i.letter:
                e = _later(e, i.letter, numbers, _range_of(i.letter, equations, sizes, ranges), taken, ranges)
        out.append(e)
    return out


def _numbered(equations: Sequence[Equation]) -> dict[tuple[str, int], set[int]]:
    """The whole numbers that stand at each axis on the left, for arrays that have letters there, too."""
    numbers: dict[tuple[str, int], set[int]] = {}
    for e in equations:
        for axis, i in enumerate(e.left.at):
            if isinstance(i, Index) and not i.terms:
                numbers.setdefault((e.left.name, axis), set()).add(i.plus)
    return numbers


def _range_of(
    l: str, equations: Sequence[Equation], sizes: Mapping[str, tuple[int, ...]], ranges: Mapping[str, Range]
) -> Range | None:
    """How far a letter runs, as stated or along a given array."""
    if l in ranges:
        return ranges[l]
    for r in (r for e in equations for r in e.reads):
        for i, n in zip(r.at, sizes.get(r.name, ()), strict=False):
            if isinstance(i, Index) and i.letter == l:
                return 1, n
    return None


def _later(
    e: Equation, l: str, numbers: set[int], reach: Range | None, taken: set[str], ranges: dict[str, Range]
) -> Equation:
    """The equation for the values that are left of a letter."""
    if reach is None:
        return e
    low, high = reach
    while low in numbers:
        low += 1
    while high in numbers:
        high -= 1
    if (low, high) == reach or high < low:
        return e
    fresh = next(n for n in (l + "'" * k for k in range(1, 99)) if n not in taken)
    taken.add(fresh)
    ranges[fresh] = low, high
    at = {l: letter(fresh)}
    left = substituted(e.left, at)
    assert isinstance(left, Ref)
    return replace(e, left=left, right=substituted(e.right, at))
