"""Which wrong numbers are causes and which only inherit: the step is carried on from what was given.

Every line of the step is worked from the numbers before it, the wrong ones included.  A wrong number that this gives
inherits; one that it does not give is a cause.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64
from derivations.program import Part, Program
from tracer.verification.bounded import U32, U64
from tracer.verification.judging import Judged
from tracer.verification.subject import Floats

__all__ = ["causes"]

ENOUGH = 1e3
"""Units of roundoff that working a line again may be off by, beside what is allowed."""


def causes(judged: Judged) -> dict[str, Floats]:
    """The wrong entries that do not follow from earlier wrong ones, by array.

    A loss has a line as it is written and one that keeps its digits: what either of them gives is no cause.
    """
    if not judged.wrong:
        return {}
    planned = judged.routes.subject.planned
    found = _Carried(judged, planned.digits).causes
    if planned.exact is planned.digits:
        return found
    other = _Carried(judged, planned.exact).causes
    both = {name: mask & other[name] for name, mask in found.items() if name in other}
    return {name: mask for name, mask in both.items() if mask.any()}


class _Carried:
    """The step carried on from what was given, by one of its programs."""

    def __init__(self, judged: Judged, program: Program) -> None:
        self.judged, self.subject, self.parts = judged, judged.routes.subject, program.parts
        self.causes: dict[str, Floats] = {}
        self.any_wrong = False
        with np.errstate(all="ignore"):
            program.run(FLOAT64, self._start(), self._taken)

    def _start(self) -> dict[str, Any]:
        arrays = self.subject.planned.step.arrays
        return {n: v if np.ndim(v) else v[()] for n, v in self.subject.given.items() if n in arrays or n == "step"}

    def _taken(self, label: str, expected: Any) -> Any:
        """What the rest is worked from; a wrong entry that nothing before it explains is a cause."""
        part = self.parts[label]
        place = _place(part, self.subject.planned.step.arrays[part.name].extents)
        checked, wrong = self.judged.checked.get(part.name), self.judged.wrong.get(part.name)
        if checked is None:
            return expected
        x = checked[place]
        if not self.any_wrong:
            true = self.judged.routes.symbolic[part.name][place]
            expected = np.where(np.isfinite(true), true, expected)
        if wrong is None or not np.any(wrong[place]):
            return np.where(np.isnan(x), expected, x)[()] if self.any_wrong else _own(expected)
        bad = wrong[place]
        u = U32 if part.name in self.judged.claim.single else U64
        room = self.judged.allowed[part.name][place] + ENOUGH * u * np.abs(expected)
        cause = bad & ~((np.abs(x - expected) <= room) & self.any_wrong)
        if np.any(cause):
            self.causes.setdefault(part.name, np.zeros(checked.shape, bool))[place] = cause
        self.any_wrong = True
        return np.where(np.isnan(x), expected, x)[()]


def _own(x: Any) -> Any:
    return x[()] if np.ndim(x) == 0 else x


def _place(part: Part, extents: Any) -> tuple[slice | int, ...]:
    """Where a part of an array stands in it."""
    return tuple(
        a - low if k in part.fixed else slice(a - low, b - low + 1)
        for k, ((a, b), (low, _)) in enumerate(zip(part.extents, extents, strict=True))
    )
