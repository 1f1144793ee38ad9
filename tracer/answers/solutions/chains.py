"""The sides of one statement, each against the one before, or where that was wrong, against the last that was right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from derivations.expression import Expression
from derivations.names import Quantity
from tracer.answers.result import Mark
from tracer.answers.solutions.comparing import Comparer, is_numeric
from tracer.answers.solutions.elsewhere import OF_LOSS, Elsewhere
from tracer.answers.solutions.following import following, right_number, slips_behind, slips_put_in
from tracer.answers.solutions.shown import shown_number
from tracer.answers.solutions.sides import compared, pairs
from tracer.answers.solutions.values import Slip
from tracer.answers.solutions.verdicts import NOT_CHECKED, Verdict

__all__ = ["Chain"]

FOLLOWS = "follows from an earlier slip"
_STANDS = ("true", "within", "follows")


@dataclass
class Chain:
    """What is known of a statement so far; `head` is what it is about, `slips` are its own and what it follows from."""

    comparer: Comparer
    elsewhere: Elsewhere | None
    head: Expression | None
    general: bool = False  # of every index, or of arrays
    accepted: Mapping[Quantity, Mark] = field(default_factory=dict)
    last: Expression | None = None  # what the next side is held against
    slips: tuple[Slip, ...] = ()
    _before: Expression | None = None  # the side just before, right or wrong
    _behind: tuple[Slip, ...] = ()  # the slips of earlier lines that `last` goes back to
    _other_loss: bool = field(default=False)

    def __post_init__(self) -> None:
        if self.head is not None:
            self.begin(self.head)

    def begin(self, side: Expression) -> None:
        """Go on from a side as if nothing stood before it."""
        self.last = self._before = side
        self._behind = slips_behind(self.comparer, side)

    @property
    def claimed(self) -> tuple[Slip, ...]:
        """The slips behind a right number: those of another loss than this network's."""
        return self.slips if self._other_loss else ()

    def judged(self, side: Expression, place: Slip) -> Verdict:
        """The verdict on the next side, whose sign stands in this place."""
        assert self.last is not None
        sources = self.slips or self._behind
        verdict = compared(self.comparer, self.last, side, self.head, bool(sources))
        if verdict.verdict == "follows":
            verdict = following(verdict, sources, place.row)
        elif verdict.verdict == "false" and self.slips and self._from_before(side):
            right = right_number(self.comparer, self.head, side) or verdict.expected
            verdict = following(replace(verdict, expected=right), self.slips, place.row)
        if not verdict.right and self.last is self.head:
            verdict = self._by_marks(side, verdict)
        if self.elsewhere:
            verdict = self.elsewhere.judged(self.last, side, verdict, general=self.general)
        self._remember(side, verdict, place)
        return verdict

    def _by_marks(self, side: Expression, verdict: Verdict) -> Verdict:
        """Of numbers without their steps: what marking has found, which knows every way of rounding on the way."""
        found = [(self.accepted.get(name.quantity), shown_number(e)) for name, e in pairs(self.head, side)]
        marks = [mark for mark, shown in found if mark and shown and mark.given == shown.text]
        if not marks or len(marks) < len(found) or verdict.verdict == "unread":
            return verdict
        expected = ", ".join(dict.fromkeys(mark.expected for mark in marks if mark.expected != mark.given))
        if any(mark.verdict == "follows" for mark in marks):
            return verdict if verdict.verdict == "follows" else replace(verdict, verdict="follows", message=FOLLOWS)
        return Verdict("within", "carried" if expected else "", expected)

    def _from_before(self, side: Expression) -> bool:
        """Whether a side that is wrong follows from the one just before."""
        if self._before is None or self._before is self.last:
            return False
        return compared(self.comparer, self._before, side, None, True).verdict in _STANDS

    def _remember(self, side: Expression, verdict: Verdict, place: Slip) -> None:
        self._before = side
        apart = verdict.message.startswith(NOT_CHECKED)
        self._other_loss = self._other_loss or (apart and OF_LOSS in verdict.message)
        if not self.slips and verdict.verdict == "follows":
            self.slips = self._behind
        elif not self.slips and (verdict.verdict == "false" or self._other_loss):
            self.slips = (place._replace(of_loss=verdict.verdict != "false"),)
        if verdict.right or verdict.verdict == "follows" or is_numeric(side) or apart:
            assert self.last is not None
            self._behind = slips_put_in(self.comparer, self.last, side)
            self.last = side
