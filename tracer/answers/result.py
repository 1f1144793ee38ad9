"""What marking says: a verdict for every cell, the causes behind the wrong ones, a score."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ACCEPTED", "VERDICTS", "Cause", "Checked", "Mark", "Marked"]

ACCEPTED = ("exact", "rounded", "rounded_inside", "truncated", "follows")
VERDICTS = (
    *ACCEPTED,
    *("last_digit", "coarse", "slip", "wrong", "not_assessable", "missing", "malformed", "unknown", "duplicate"),
)


@dataclass(frozen=True)
class Mark:
    """The verdict on one cell.

    `expected` is the right value at the digits that were written; `own` what follows from the sheet's own earlier
    numbers, where that differs.  `slips` names every slip of the catalogue that gives this number (a class, never a
    pick).  `facts` are what a message may put in: {"equation": ..., "used": ..., "right": ...}.
    """

    name: str
    given: str
    verdict: str
    expected: str = ""
    own: str = ""
    slips: tuple[str, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    where: str = ""
    points: float = 1.0

    @property
    def accepted(self) -> bool:
        """Whether the cell counts as right."""
        return self.verdict in ACCEPTED


@dataclass(frozen=True)
class Cause:
    """One thing that went wrong: the slips that explain it (any of them), the cells that show it, what followed."""

    slips: tuple[str, ...]
    cells: tuple[str, ...]
    follows: tuple[str, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Marked:
    """One sheet, marked.  `error` says why it could not be read; then it has no marks and scores 0."""

    id: str
    marks: tuple[Mark, ...] = ()
    causes: tuple[Cause, ...] = ()
    remarks: tuple[str, ...] = ()
    error: str = ""

    @property
    def score(self) -> float:
        """Accepted points over asked points; what was not asked for (unknown, duplicate) does not count as asked."""
        asked = [m for m in self.marks if m.verdict not in ("unknown", "duplicate")]
        total = sum(m.points for m in asked)
        return sum(m.points for m in asked if m.accepted) / total if total else 0.0

    @property
    def all_right(self) -> bool:
        """Whether every cell is accepted."""
        return bool(self.marks) and not self.error and all(m.accepted for m in self.marks)


@dataclass(frozen=True)
class Checked:
    """Every sheet that was checked against one problem."""

    title: str
    sheets: tuple[Marked, ...]

    @property
    def all_right(self) -> bool:
        """Whether every cell of every sheet is accepted."""
        return bool(self.sheets) and all(sheet.all_right for sheet in self.sheets)
