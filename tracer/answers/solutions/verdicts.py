"""What is said of one relation of a written solution."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["FACTS", "HINTS", "NOT_CHECKED", "VERDICTS", "Checked", "Verdict", "together", "worst"]

VERDICTS = ("true", "within", "follows", "unread", "false")
"""From best to worst: true; true within the digits shown; follows from an earlier slip; not understood; false."""

FACTS = {
    "carried": "carries the rounding of earlier lines; from unrounded numbers it is {expected}",
    "full": "comes from more digits than are shown; the numbers shown give {expected}",
    "last_digit": "the last digit is off; it is {expected}",
    "corrected": "the right number is put in, not the {expected} that stands before",
}
"""What a number that is true within its digits may owe to rounding."""


NOT_CHECKED = "not checked: "
"""How the message of a row begins that is about something else than this problem."""

HINTS = {
    "false": "this does not hold; look at the signs, the indices and the numbers of this row",
    "follows": "this follows from an earlier slip",
    **dict.fromkeys(("carried", "full", "last_digit"), "look at the last digit"),
    "corrected": "another number stands before",
}
"""What is told of a relation where the numbers that should stand there are not given away."""


@dataclass(frozen=True)
class Verdict:
    """A verdict, what it should be, and why."""

    verdict: str
    fact: str = ""
    expected: str = ""
    message: str = ""
    places: tuple[tuple[int, int], ...] = ()
    hint: str = ""  # what may be told where the numbers that should stand there are not given away

    @property
    def right(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.verdict in ("true", "within")

    def limited(self, level: str) -> Verdict:
        """What a level of feedback may show: `verdict` the verdict alone, a hint no number that should stand there."""
        if level == "full":
            return self
        out = replace(self, fact="", expected="", message="", hint="")
        if level != "verdict" and (self.verdict in ("false", "follows", "unread") or self.fact):
            out = replace(
                out, message=self.message if self.verdict == "unread" else self.hint or HINTS[self.fact or self.verdict]
            )
        return out

    def because(self, message: str) -> Verdict:
        """The same with words before its message."""
        return replace(self, message=f"{message}{self.message}")


def worst(verdicts: list[Verdict]) -> Verdict:
    """The worst of several; among equals one that has a fact to tell."""
    return max(verdicts, key=lambda v: (VERDICTS.index(v.verdict), bool(v.fact)))


def together(verdicts: list[tuple[str, Verdict]]) -> Verdict:
    """The verdict on an array: the worst of its entries', each named that has the same to tell."""
    own = worst([v for _, v in verdicts])
    same = [(name, v) for name, v in verdicts if v.verdict == own.verdict and bool(v.fact) == bool(own.fact)]
    if own.right and not own.fact:
        return own
    named = [f"entry {name}: {_told(v)}" for name, v in same[:6]] + (["..."] if len(same) > 6 else [])
    expected = ", ".join(f"{v.expected} (entry {name})" for name, v in same if v.expected)
    return replace(own, message="; ".join(named), expected=expected)


def _told(v: Verdict) -> str:
    return FACTS[v.fact].format(expected=v.expected) if v.fact else v.message or v.expected


@dataclass(frozen=True)
class Checked:
    """One relation of the document with its verdict: where its sign stands, its sides as they are written.

    `rows` are those of the right side: where one goes on over several rows, what is wrong may stand in any of them.
    """

    line: int
    column: int
    row: int
    left: str
    relation: str
    right: str
    verdict: Verdict
    rows: tuple[int, ...] = ()
