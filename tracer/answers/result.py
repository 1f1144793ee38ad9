"""What marking says: a verdict for every cell, the causes behind the wrong ones, a score."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from derivations.given import shortened

__all__ = ["ACCEPTED", "NO_FACTS", "UNTRIED", "VERDICTS", "Cause", "Checked", "Mark", "Marked", "Part"]

ACCEPTED = ("exact", "rounded", "rounded_inside", "truncated", "follows", "right")
VERDICTS = (
    *ACCEPTED,
    *("last_digit", "coarse", "slip", "wrong", "not_assessable", "missing", "malformed", "unknown", "duplicate"),
    "not_counted",
)


UNTRIED = "not every slip was tried on what has no cause; correct the first wrong cells and check again"
"""What is said of a sheet whose causes would cost more to find than a sheet may."""
SAME = 1e-9  # of a step: what float64 leaves of a half
NO_FACTS: Mapping[str, str] = {}  # one for all: a class has many thousand marks


class Mark(NamedTuple):
    """The verdict on one cell.

    `expected` is the right value at the digits that were written; `own` what follows from the sheet's own earlier
    numbers, where that differs.  `slips` names every slip of the catalogue that gives this number (a class, never a
    pick).  `facts` are what a message may put in: {"equation": ..., "used": ..., "right": ...}.  "right" is the verdict
    of a person, or all that a low level of feedback says.  `awarded` and `comment` are a person's too.  `kept` is which
    part of its points the cell earns where `[sheet]` says so, all or nothing where it is None.  `quantity` is our own
    name of what the cell holds, the same on every sheet, `stage` what kind of line that is worked by (`[hint]`).
    """

    name: str
    given: str
    verdict: str
    expected: str = ""
    own: str = ""
    slips: tuple[str, ...] = ()
    facts: Mapping[str, str] = NO_FACTS
    where: str = ""
    points: float = 1.0
    awarded: float | None = None
    kept: float | None = None
    comment: str = ""
    quantity: str = ""
    stage: str = "other"

    @property
    def cell(self) -> str:
        """What it is a mark of, however its sheet calls that."""
        return self.quantity or self.name

    @property
    def accepted(self) -> bool:
        """Whether the cell counts as right."""
        return self.verdict in ACCEPTED

    @property
    def asked(self) -> bool:
        """Whether the cell counts at all: what is no answer, or a second one, does not."""
        return self.verdict not in ("unknown", "duplicate", "not_counted")

    @property
    def read(self) -> bool:
        """Whether a number of it was read, or a person judged it."""
        return self.verdict not in ("missing", "malformed", "unknown")

    @property
    def earned(self) -> float:
        """The points it gets: what a person awarded, what `[sheet]` lets it keep, else all or nothing."""
        if self.awarded is not None:
            return self.awarded
        if self.kept is not None:
            return self.points * self.kept
        return self.points if self.accepted else 0.0


@dataclass(frozen=True)
class Cause:
    """One thing that went wrong: the slips that explain it (any of them), the cells that show it, what followed."""

    slips: tuple[str, ...]
    cells: tuple[str, ...]
    follows: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A part of a sheet: the names of its cells, and the points that it may lose at most, None for all."""

    name: str
    cells: tuple[str, ...]
    most_lost: float | None = None


@dataclass(frozen=True)
class Marked:
    """One sheet, marked.  `error` says why it could not be read; then it has no marks and no score.

    `parts` are those of `[sheet]`; points are rounded to multiples of `step`, 0 where they are not.
    """

    id: str
    marks: tuple[Mark, ...] = ()
    causes: tuple[Cause, ...] = ()
    remarks: tuple[str, ...] = ()
    error: str = ""
    parts: tuple[Part, ...] = ()
    step: float = 0.0

    @property
    def figures(self) -> int:
        """The significant figures that most of its numbers have, from 3 to 8."""
        digits = [re.sub(r"[eE].*|[^\d]", "", m.given).lstrip("0") for m in self.marks if re.search(r"\d", m.given)]
        counts = [min(max(len(d), 3), 8) for d in digits]
        return max(set(counts), key=lambda n: (counts.count(n), n), default=4)

    @property
    def points(self) -> float:
        """The points earned, rounded as `[sheet]` says: a half goes up."""
        in_parts = {cell for part in self.parts for cell in part.cells}
        earned = sum(m.earned for m in self.marks if m.asked and m.name not in in_parts)
        earned += sum(points for _, points, _ in self.by_part)
        return float(math.floor(earned / self.step + 0.5 + SAME) * self.step if self.step else earned)

    @property
    def by_part(self) -> tuple[tuple[str, float, float], ...]:
        """(name, points earned, points asked for) of each part."""
        out = []
        for part in self.parts:
            own = [m for m in self.marks if m.asked and m.name in part.cells]
            earned, total = sum(m.earned for m in own), sum(m.points for m in own)
            least = 0.0 if part.most_lost is None else total - part.most_lost
            out.append((part.name, float(max(earned, least)), float(total)))
        return tuple(out)

    @property
    def total(self) -> float:
        """The points asked for."""
        return float(sum(m.points for m in self.marks if m.asked))

    @property
    def unread(self) -> bool:
        """Whether no number of it could be read, so that there is nothing to score; a marker's verdict is a score."""
        return bool(self.error) or not any(m.read or m.awarded is not None for m in self.marks)

    @property
    def score(self) -> float | None:
        """Points earned over points asked, from 0 to 1; None, never 0, where no number could be read."""
        if self.unread:
            return None
        return self.points / self.total if self.total else 0.0

    def __getitem__(self, name: str) -> Mark:
        """The mark of a cell by name.  Raises KeyError."""
        for mark in self.marks:
            if mark.name == name:
                return mark
        raise KeyError(f"no cell {shortened(name)}; there are {_listed(m.name for m in self.marks)}")

    @property
    def all_right(self) -> bool:
        """Whether every cell is accepted."""
        return bool(self.marks) and not self.error and all(m.accepted for m in self.marks)


@dataclass(frozen=True)
class Checked:
    """Every sheet that was checked against one problem.

    `made` says what a marking was made with: the version, a digest of the problem, the options.

    For one sheet: `.score` from 0 to 1, `.points`, `.marks`, `.causes`; `float(checked)` is the points.  A class is a
    sequence of sheets, indexed by id.  `str` is the report, `explain()` says in words what went wrong, for
    `assert check(...).all_right`.
    """

    title: str
    sheets: tuple[Marked, ...]
    remarks: tuple[str, ...] = ()
    made: Mapping[str, object] = field(default_factory=dict)

    @property
    def all_right(self) -> bool:
        """Whether every cell of every sheet is accepted."""
        return bool(self.sheets) and all(sheet.all_right for sheet in self.sheets)

    @property
    def one(self) -> Marked:
        """The only sheet.  Raises ValueError for a class."""
        if len(self.sheets) != 1:
            first = f", such as checked[{shortened(self.sheets[0].id)}]" if self.sheets else ""
            raise ValueError(f"{len(self.sheets)} sheets, not one; take one by its id{first}")
        return self.sheets[0]

    @property
    def score(self) -> float | None:
        """Points earned over points asked, from 0 to 1, of the only sheet; None where no number could be read."""
        return self.one.score

    @property
    def points(self) -> float:
        """The points earned on the only sheet, a plain float: what nbgrader takes."""
        return self.one.points

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The marks of the only sheet."""
        return self.one.marks

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The causes of the only sheet."""
        return self.one.causes

    def __float__(self) -> float:
        return self.points

    def __len__(self) -> int:
        return len(self.sheets)

    def __iter__(self) -> Iterator[Marked]:
        return iter(self.sheets)

    def __getitem__(self, sheet: str | int) -> Marked:
        """A sheet by id, or by its place from 0.  Raises KeyError or IndexError."""
        if isinstance(sheet, int):
            return self.sheets[sheet]
        for marked in self.sheets:
            if marked.id == sheet:
                return marked
        raise KeyError(f"no sheet {shortened(sheet)}; there are {_listed(s.id for s in self.sheets)}")

    # --- for people ---

    def render(self, form: str = "table", *, feedback: str = "full", lang: str = "en") -> str:
        """The report as table, markdown, html, latex, csv, json or gradescope.  Raises ValueError for another."""
        from tracer.answers.reporting.render import render

        return render(self, form, feedback=feedback, lang=lang)

    def fragment(self, *, feedback: str = "full", lang: str = "en") -> str:
        """The HTML as a part of a page."""
        from tracer.answers.reporting.render import fragment

        return fragment(self, feedback=feedback, lang=lang)

    def explain(self, *, feedback: str = "full", lang: str = "en") -> str:
        """What went wrong, in words, the causes first; one line where all is right."""
        from tracer.answers.reporting.render import explain

        return "\n".join(explain(self, feedback=feedback, lang=lang))

    def __str__(self) -> str:
        return self.render("table")

    def __repr__(self) -> str:
        """On one line: what pytest prints for `assert check(...).all_right`."""
        return f"<Checked: {'; '.join(line.strip() for line in self.explain().splitlines())}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from tracer.answers.reporting.render import mimebundle

        return mimebundle(self)


def _listed(names: Iterable[str], most: int = 5) -> str:
    """The first of many names, for a message."""
    first = list(names)
    return ", ".join(map(shortened, first[:most])) + (" ..." if len(first) > most else "")
