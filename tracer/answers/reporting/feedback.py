"""How much a report gives away: what a level does not show is taken out before any format sees it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracer.answers.result import Cause, Checked, Mark, Marked

__all__ = ["LEVELS", "limited"]

LEVELS = ("verdict", "hint", "equation", "numbers", "full")
_LINES = {"hint": (), "equation": ("line",), "numbers": ("line", "numbers")}
"""What is left of a cause's facts: its equation as it should be, and with the sheet's own numbers put in."""
_WRONG = ("last_digit", "coarse", "slip", "wrong", "not_assessable")
_READING = (
    "malformed",
    "unknown",
    "duplicate",
    "not_counted",
)  # their messages say how a cell was read, nothing of the answer


def limited(checked: Checked, level: str) -> Checked:
    """What a level of feedback may show.

    verdict: right or wrong; hint: also where to look; equation: also the equation of the first wrong cell; numbers:
    also with the sheet's own numbers put in; full: everything.

    Raises ValueError for another level.
    """
    if level not in LEVELS:
        raise ValueError(f"feedback '{str(level)[:20]}' is not known; known are {', '.join(LEVELS)}")
    if level == "full":
        return checked
    return replace(checked, sheets=tuple(_sheet(sheet, level) for sheet in checked.sheets))


def _sheet(sheet: Marked, level: str) -> Marked:
    causes = tuple(_cause(cause, _LINES[level]) for cause in sheet.causes) if level in _LINES else ()
    return replace(sheet, marks=tuple(_mark(mark, level) for mark in sheet.marks), causes=causes)


def _mark(mark: Mark, level: str) -> Mark:
    verdict = mark.verdict
    if level == "verdict":
        verdict = "right" if mark.accepted else "wrong" if verdict in _WRONG else verdict
    facts = {k: v for k, v in mark.facts.items() if k == "message" and verdict in _READING}
    return mark._replace(verdict=verdict, expected="", own="", slips=(), facts=facts)


def _cause(cause: Cause, kept: Collection[str]) -> Cause:
    return replace(cause, slips=(), facts={k: v for k, v in cause.facts.items() if k in kept})
