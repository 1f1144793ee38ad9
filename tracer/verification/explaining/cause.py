"""A cause: another working of some arrays, in words; and the one judge of whether it may be told.

It is told if every number that is given of its arrays, the right ones too, is what it gives, and if that can hardly be
an accident.  How far a number speaks for it is how much farther the cause is from the right working than the number
can tell apart, in powers of ten: a number that is short, or whose tolerance is wide, says little, and 0 says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from derivations.equations import Role
from tracer.verification.bounded import U32, U64
from tracer.verification.judging import Judged
from tracer.verification.subject import Floats

__all__ = ["Cause", "Masks", "WrongNumbers", "told"]

Masks = Mapping[str, Floats]

SURE = 6.0
"""Powers of ten against an accident: some hundred causes are tried, and of a thousand files none shall be misled."""
APART = 4.0
"""A number that is not this many tolerances from the right working speaks for neither."""
ENOUGH = 1e3
"""Units of roundoff that another working may be off by, beside what is allowed to ours."""
MOST_READ = 64
"""Numbers that are asked how far they speak for a cause; more would say the same."""


@dataclass(frozen=True, eq=False)
class Cause:
    """What the numbers are (`fact`), why (`reason`), and the arrays that somebody gets who works like that.

    The arrays in `numbers` are its scope.  `instead` is what right working gives there, where that is not ours, but
    carried on from what was given.  `fitted` counts the constants that were read off the given numbers, `loose` is how
    far that leaves each array open.
    """

    name: str
    fact: str
    numbers: Mapping[str, Floats]
    reason: str = ""
    instead: Mapping[str, Floats] = field(default_factory=dict)
    fitted: int = 0
    loose: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def scope(self) -> frozenset[str]:
        """The arrays that it speaks of."""
        return frozenset(self.numbers)

    @property
    def sentence(self) -> str:
        """The cause in words."""
        return f"{self.fact}: {self.reason}" if self.reason else self.fact


@dataclass(frozen=True, eq=False)
class WrongNumbers:
    """What is to be explained: a step that was judged, and the wrong entries that follow from no earlier one."""

    judged: Judged
    blamed: Masks

    def given(self, *roles: Role) -> list[str]:
        """The arrays with these roles of which something is given."""
        arrays = self.judged.routes.subject.arrays
        return [name for name in self.judged.claim.given if name in self.judged.checked and arrays[name].role in roles]

    def ours(self, name: str) -> Floats:
        """The right numbers."""
        return self.judged.routes.symbolic[name]

    def unit(self, name: str) -> float:
        """The unit roundoff of whoever worked with an array."""
        return U32 if name in self.judged.claim.single else U64

    def room(self, name: str, other: Floats) -> Floats:
        """What other numbers in place of ours may be off by: what they round, and the digits that were printed."""
        printed = np.asarray(self.judged.claim.printed.get(name, 0.0))
        bound = np.maximum(self.judged.allowed[name] - printed, 0.0)
        top, own = (np.max(np.abs(a), initial=0.0) for a in (other, self.ours(name)))
        larger = top / own if own > 0 and top > own else 1.0
        return np.asarray(printed + bound * larger + ENOUGH * self.unit(name) * np.abs(other))


def told(wrong: WrongNumbers, cause: Cause) -> dict[str, Floats]:
    """The wrong entries that a cause explains, by array; none of them if it may not be told."""
    judged, explained, sizes = wrong.judged, dict[str, Floats](), list[float]()
    for name in cause.numbers.keys() & judged.claim.given.keys() & judged.checked.keys():
        x, other = judged.checked[name], cause.numbers[name]
        room = wrong.room(name, other) + cause.loose.get(name, 0.0)
        asked = ~np.isnan(x) & ~np.broadcast_to(judged.undecided.get(name, False), x.shape)
        if not (np.abs(x - other) <= room)[asked].all():
            return {}
        if name in wrong.blamed:
            explained[name] = wrong.blamed[name]
            apart = np.abs(other - cause.instead.get(name, wrong.ours(name)))
            at = wrong.blamed[name] & (apart > APART * room)
            sizes += _powers(x[at], apart[at], room[at], name in judged.claim.single)
    return explained if _is_sure(sizes, cause.fitted) else {}


def _is_sure(powers: list[float], fitted: int) -> bool:
    """Whether numbers speak for a cause beyond those that its constants were read off."""
    return sum(sorted(powers)[: len(powers) - fitted]) >= SURE


def _powers(x: Floats, apart: Floats, room: Floats, single: bool) -> list[float]:
    """How far each number speaks for a cause, in powers of ten; one that its own digits leave open does not."""
    some = range(0, len(x), max(1, len(x) // MOST_READ))
    told_apart = (float(apart[k]) / max(float(room[k]), _half_unit(float(x[k]), single)) for k in some)
    return [math.log10(times) for times in told_apart if times > 1]


def _half_unit(x: float, single: bool) -> float:
    """Half a unit of the last digit of the shortest decimal of a number; 0 could stand for anything."""
    if x == 0:
        return math.inf
    mantissa, _, exponent = np.format_float_scientific(np.float32(x) if single else x, trim="-").partition("e")
    return float(0.5 * 10.0 ** (int(exponent) - len(mantissa.partition(".")[2])))
