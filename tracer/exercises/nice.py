"""When the numbers of a variant are nice to work by hand: seven conditions that can be checked.

A  parameters of both signs, all of different size (`varying` draws them so)
B  what goes into a function that is looked up or typed in (sigmoid, tanh, ..) is between 0.2 and 3 in size, and differs
C  every worked number is 0, or between 0.001 and 100 in size
D  no cancellation: the interval of correct hand work is at most 1 % of each number (new parameters aside)
E  every slip shows in a number that is asked, off by more than that interval
F  so do any two slips, beside each other
G  the work is that of the others (`effort`), and so are the units that are active, the winners of pools, the branches

All go as far as the shape allows: B to D, and E and F, may be missed in as many numbers, slips or pairs as in the best
twentieth of a sample (`drawing`), which is none where that can be.  A slip that shows in no variant of the sample, or a
pair that is apart in none, is structural, and said once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from derivations.equations import Role
from derivations.expression import Call, Ref
from derivations.function import entry
from derivations.kinks import bends
from tracer.exercises.working import Shape, Together

__all__ = ["Pattern", "Seen", "Structural", "out_of_size", "patterns", "shows", "uncertain"]

LEAST_IN, MOST_IN = 0.2, 3.0
LEAST, MOST = 0.001, 100.0
OPEN = 0.01
SAME, NEAR = 1e-9, 1e-6

Pattern = tuple[int, ...]
"""How many numbers of each array are 0, and of each slope at a kink how many are which."""


def out_of_size(together: Together) -> np.ndarray:
    """In how many numbers of each variant B and C are missed; all, where some number is not finite."""
    shape, low = together.shape, together.right.low
    size = np.abs(low)
    out = np.asarray(((size >= SAME) & ~((size >= LEAST) & (size < MOST))).sum(axis=0))
    for places in _looked_up(shape):
        own = np.sort(size[places], axis=0)
        out += ((own < LEAST_IN) | (own > MOST_IN)).sum(axis=0)
        if len(places) <= MOST_DIFFERENT:
            out += (np.diff(own, axis=0) <= NEAR).sum(axis=0)
    return np.where(np.isfinite(low).all(axis=0), out, len(low))


MOST_DIFFERENT = 6
"""Numbers of an array that are asked to differ: of more, two that look alike are no reason for a mistake."""


def _looked_up(shape: Shape) -> list[list[int]]:
    """The arrays that go into named functions without kinks, by the places of their numbers."""
    names = set[str]()
    for e in shape.passes[0].program.step.equations:
        for x in e.right.walk() if e.stage == "forward" else ():
            if isinstance(x, Call) and len(x.arguments) == 1 and isinstance(x.arguments[0], Ref):
                own = entry(x.function)
                if own.named and not own.kinks and x.function not in ("identity", "softmax"):
                    names.add(x.arguments[0].name)
    kinds = [[k for q, k in shape.place.items() if q.kind == name] for name in names]
    return [places for places in kinds if places]


def patterns(together: Together) -> list[Pattern]:
    """The pattern of each variant; () where all signals or all gradients of something are 0."""
    shape, low = together.shape, together.right.low
    arrays = shape.passes[0].problem.step.arrays
    step = shape.passes[0].program.step
    bent = {e.left.name for e in step.equations if e.stage == "forward" and bends(e)}
    slopes = {e.left.name for e in step.equations if arrays[e.left.name].role is Role.LOCAL and e.of in bent}
    out: list[list[int]] = [[] for _ in range(together.count)]
    dead = np.zeros(together.count, bool)
    for name, array in arrays.items():
        places = [k for q, k in shape.place.items() if q.kind == name]
        if not places:
            continue
        own = low[places]
        zeros = (np.abs(own) < SAME).sum(axis=0)
        dead |= (zeros == len(places)) & (array.role in (Role.SIGNAL, Role.GRADIENT))
        for k, pattern in enumerate(out):
            pattern.append(int(zeros[k]))
            if name in slopes:
                pattern += sorted(np.unique(own[:, k], return_counts=True)[1].tolist())
    return [() if dead[k] else tuple(pattern) for k, pattern in enumerate(out)]


def uncertain(together: Together) -> tuple[np.ndarray, np.ndarray]:
    """In how many numbers D is missed, and the width of what correct work may write of what is asked.

    The width is (asked, variants).
    """
    shape = together.shape
    right, possible = together.right.low, together.possible()
    width = possible.high - possible.low + shape.unit(np.abs(right))
    arrays = shape.passes[0].problem.step.arrays
    new = np.array([arrays[q.kind].role in (Role.UPDATED, Role.STATE) for q in shape.quantities])
    size = np.abs(right)
    narrow = np.where(size < SAME, width < SAME, width <= OPEN * size)
    return np.asarray((~narrow & ~new[:, None]).sum(axis=0)), width[shape.asked]


class Seen(NamedTuple):
    """Of each variant: which slips show, (slips, variants), and of each pair whether it is apart, by variant."""

    shows: np.ndarray
    apart: list[np.ndarray]


def shows(together: Together, width: np.ndarray) -> Seen:
    """E and F."""
    right = together.right.low[together.shape.asked]
    wrong = np.array(list(together.slipped()))
    with np.errstate(all="ignore"):
        seen = np.asarray(_beyond(wrong, right[None], width[None]).any(axis=1))
        apart = [_apart(wrong[:, :, k], right[:, k], width[:, k]) for k in range(together.count)]
    return Seen(seen, apart)


def _beyond(one: np.ndarray, other: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Where two numbers are further apart than correct work is; what is no number is another thing."""
    known = np.isfinite(one)
    return np.asarray(np.where(known & np.isfinite(other), np.abs(one - other) > width, known != np.isfinite(other)))


def _apart(wrong: np.ndarray, right: np.ndarray, width: np.ndarray) -> np.ndarray:
    """(slips, slips): where some number that is asked differs, by more than work with the larger of both is open."""
    part = width / np.maximum(np.abs(right), np.finfo(float).tiny)
    out = np.zeros((len(wrong), len(wrong)), bool)
    for q in range(wrong.shape[1]):
        own = wrong[:, q]
        room = np.where(right[q] == 0, width[q], part[q] * np.maximum(np.abs(own), np.abs(right[q])))
        out |= _beyond(own[:, None], own[None, :], np.maximum(room[:, None], room[None, :]))
    return out


@dataclass(frozen=True)
class Structural:
    """What no variant of a sample shows: slips, and pairs of slips that look alike, as (slips,) and (slips, slips)."""

    hidden: np.ndarray
    alike: np.ndarray

    @classmethod
    def of(cls, seen: Sequence[Seen]) -> Structural:
        """Of a sample."""
        hidden = ~np.any([own.shows.any(axis=1) for own in seen], axis=0)
        return cls(hidden, ~np.any([one for own in seen for one in own.apart], axis=0))

    def left(self, seen: Seen, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The slips of a variant that do not show, and the pairs that are not apart, without these."""
        hidden = ~seen.shows[:, k]
        shown = ~hidden
        alike = np.triu(~seen.apart[k] & ~self.alike & shown[:, None] & shown[None, :], 1)
        return np.flatnonzero(hidden & ~self.hidden), np.argwhere(alike)
