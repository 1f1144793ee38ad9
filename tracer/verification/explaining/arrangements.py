"""The right numbers in other places: a matrix transposed, rows in reverse."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from derivations.equations import Role
from tracer.verification.explaining.cause import Cause, WrongNumbers
from tracer.verification.explaining.fitting import enumerated

__all__ = ["arrangements"]


def arrangements(wrong: WrongNumbers) -> Iterator[Cause]:
    """Gradients with the numbers of ours, all of them, elsewhere; all arrays together first."""
    names = [name for name in wrong.given(Role.GRADIENT) if name in wrong.blamed and np.ndim(wrong.ours(name)) == 2]
    square = [name for name in names if np.shape(wrong.ours(name)) == np.shape(wrong.ours(name).T)]
    for group in _together_and_alone(square):
        numbers = {name: wrong.ours(name).T for name in group}
        of = "is the transpose of ours" if len(group) == 1 else "are the transposes of ours"
        fact = f"{enumerated(group)} {of}"
        yield Cause("transposed", fact, numbers, "one row for each unit, one column for each input")
    for axis, what, why in ((0, "rows", "row j belongs to unit j"), (1, "columns", "column i belongs to input i")):
        for group in _together_and_alone(names):
            numbers = {name: np.flip(wrong.ours(name), axis) for name in group}
            whose = "its" if len(group) == 1 else "their"
            verb = "has" if len(group) == 1 else "have"
            yield Cause("reversed", f"{enumerated(group)} {verb} {whose} {what} in reverse", numbers, why)


def _together_and_alone(names: list[str]) -> Iterator[tuple[str, ...]]:
    """Every array, and each one; pairs and more for few."""
    if len(names) > 4:
        yield tuple(names)
        yield from ((name,) for name in names)
        return
    for k in range(len(names), 0, -1):
        yield from combinations(names, k)
