"""What a wrong number costs: credit for a slip, a cap for each cause, the parts of a sheet, rounding.

`[sheet]` says so; where it says nothing every cell counts alone, and a cell that is not accepted earns nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from derivations.given import as_float, read_number
from tracer.answers.result import Cause, Mark, Marked, Part

if TYPE_CHECKING:
    from derivations.computation import Computation
    from derivations.network import Problem

__all__ = ["Scheme"]

SEVERAL = 2
"""Zeros after a cause that are more than chance."""


@dataclass(frozen=True)
class Scheme:
    """How one problem's sheets count.

    cause_costs: the points that one named cause may cost at most, None without a cap.  credit: by slip, which part of
    its points a cell keeps that shows it.  zeros: the same of a zero that follows from a slip.  parts: by name the
    arrays or numbers of each part, its points and what it may lose at most, None where nothing is said.  step: points
    of a sheet are rounded to multiples of it, 0 where they are not.
    """

    cause_costs: float | None = None
    credit: Mapping[str, float] | None = None
    zeros: float | None = None
    parts: Sequence[tuple[str, tuple[str, ...], float | None, float | None]] = ()
    step: float = 0.0

    @classmethod
    def of(cls, problem: Problem | Computation) -> Scheme:
        """What `[sheet]` says."""
        fields = dict(problem.sheet)
        credit, parts = fields.get("credit"), fields.get("parts")
        return cls(
            _number(fields.get("cause_costs")),
            {name: _some(kept) for name, kept in credit.items()} if isinstance(credit, Mapping) else None,
            _number(fields.get("zeros_that_follow")),
            tuple(_part(name, part) for name, part in parts.items()) if isinstance(parts, Mapping) else (),
            _number(fields.get("round")) or 0.0,
        )

    def scored(self, sheet: Marked) -> Marked:
        """The sheet with its points so counted."""
        marks = self._with_parts(sheet.marks)
        marks = self._with_credit(marks, sheet.causes)
        parts = tuple(Part(name, _cells(marks, names), lost) for name, names, _, lost in self.parts)
        trivial = [k for k, cause in enumerate(sheet.causes, 1) if _is_trivial(cause, marks)]
        remarks = [f"what follows from cause {k} is all zeros: little was worked there" for k in trivial]
        return replace(sheet, marks=tuple(marks), parts=parts, step=self.step, remarks=(*sheet.remarks, *remarks))

    def _with_parts(self, marks: Sequence[Mark]) -> list[Mark]:
        """The points of each part shared out among its cells, as the cells count among themselves."""
        out = list(marks)
        for _, names, points, _ in self.parts:
            own = [k for k, m in enumerate(out) if m.asked and _is_of(m, names)]
            whole = sum(out[k].points for k in own)
            for k in own if points is not None and whole else ():
                assert points is not None
                out[k] = out[k]._replace(points=out[k].points * points / whole)
        return out

    def _with_credit(self, marks: Sequence[Mark], causes: Sequence[Cause]) -> list[Mark]:
        """The part of its points that each cell keeps which shows a slip, or is a zero after one."""
        out = list(marks)
        place = {m.name: k for k, m in reversed([*enumerate(marks)]) if m.asked}
        for cause in causes:
            own = [place[name] for name in cause.cells if name in place and not out[place[name]].accepted]
            kept, lost = self._kept(cause), sum(out[k].points for k in own)
            if self.cause_costs is not None and cause.slips and lost * (1 - kept) > self.cause_costs:
                kept = 1 - self.cause_costs / lost
            for k in own if kept else ():
                out[k] = out[k]._replace(kept=kept)
            if self.zeros is not None and _is_trivial(cause, marks):
                for k in (place[name] for name in cause.follows if name in place):
                    out[k] = out[k]._replace(kept=self.zeros)
        return out

    def _kept(self, cause: Cause) -> float:
        """Of several slips that give the same numbers the one that keeps least."""
        if not self.credit or not cause.slips:
            return 0.0
        return min(self.credit.get(name, self.credit.get(name.partition("[")[0], 0.0)) for name in cause.slips)


def _is_trivial(cause: Cause, marks: Sequence[Mark]) -> bool:
    """Whether all that follows from a cause is 0 where it should not be."""
    after = [m for m in marks if m.name in cause.follows]
    return bool(cause.slips) and len(after) >= SEVERAL and all(map(_is_zero, after))


def _is_zero(mark: Mark) -> bool:
    """Whether 0 stands where another number belongs."""
    try:
        return mark.verdict == "follows" and not as_float(read_number(mark.given)) and bool(as_float(mark.expected))
    except ValueError:
        return False


def _cells(marks: Sequence[Mark], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(m.name for m in marks if _is_of(m, names))


def _is_of(mark: Mark, names: Sequence[str]) -> bool:
    """Whether a cell is one of these numbers, or belongs to one of these arrays."""
    return any(mark.cell == name or mark.cell.startswith((f"{name}[", f"{name}@", f"{name}#")) for name in names)


def _part(name: str, part: object) -> tuple[str, tuple[str, ...], float | None, float | None]:
    told = part if isinstance(part, Mapping) else {"ask": part}
    names = told["ask"]
    assert isinstance(names, Sequence)
    return name, tuple(map(str, names)), _number(told.get("points")), _number(told.get("most_lost"))


def _number(written: object) -> float | None:
    return None if written is None else _some(written)


def _some(written: object) -> float:
    return as_float(read_number(written))
