"""Units at the kink of ReLU and its kin: either side's slope is right, and it is said which was taken.

A unit whose pre-activation is within rounding of the kink may lie on either side in another order of summation
(0.1 + 0.2 - 0.3 is 5.6e-17).  Branches are frozen at the base point; if what is given does not fit, the other side of
such units is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from tracer.verification.case import Array, Case

__all__ = ["Kink", "kinks_of", "refitted"]

MOST_TOGETHER = 6
SLOPES = {"relu": (0.0, 1.0), "leaky_relu": (0.01, 1.0)}


@dataclass(frozen=True)
class Kink:
    """A unit within rounding of its kink: where, how far from it, the slopes on both sides, the one that was taken."""

    layer: int
    unit: int
    sample: int
    distance: float
    left: float
    right: float
    taken: float
    convention: str


def kinks_of(case: Case, near: dict[int, Array]) -> list[Kink]:
    """The units of layers with a jump in slope whose |a| is within `near`."""
    out = []
    for l, sides in case.sides.items():
        f = case.layer(l).activation
        if f.name not in SLOPES:
            continue
        left, right = SLOPES[f.name]
        for j, n in np.argwhere(np.abs(case.a[l]) <= near[l]):
            taken = right if sides[j, n] else left
            out.append(Kink(l, int(j), int(n), float(case.a[l][j, n]), left, right, taken, f.at_kink))
    return out


def flipped(case: Case, kinks: tuple[Kink, ...]) -> Case:
    """The case with these units on the other side of their kinks."""
    sides = {l: mask.copy() for l, mask in case.sides.items()}
    for kink in kinks:
        sides[kink.layer][kink.unit, kink.sample] ^= True
    return replace(case, sides=sides)


def refitted(case: Case, kinks: list[Kink], faults: Callable[[Case], int], now: int) -> Case:
    """The case whose sides leave the fewest faults: every combination of few kinks, one after the other of many."""
    best, case_best = now, case
    for trial in _trials(case, kinks):
        left = faults(trial)
        if left < best:
            best, case_best = left, trial
        if best == 0:
            return case_best
    if len(kinks) > MOST_TOGETHER:
        for kink in kinks[:500]:
            trial = flipped(case_best, (kink,))
            left = faults(trial)
            if left < best:
                best, case_best = left, trial
            if best == 0:
                break
    return case_best


def _trials(case: Case, kinks: list[Kink]) -> Iterator[Case]:
    if len(kinks) <= MOST_TOGETHER:
        for count in range(1, len(kinks) + 1):
            yield from (flipped(case, several) for several in combinations(kinks, count))
    else:
        yield flipped(case, tuple(kinks))
