"""The sides of one statement, each against the one before, or where that was wrong, against the last that was right."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from derivations.expression import Expression
from derivations.reading.meanings import Unknown
from tracer.answers.solutions.calculating import NoValue
from tracer.answers.solutions.comparing import Comparer, is_numeric
from tracer.answers.solutions.duals import ball
from tracer.answers.solutions.elsewhere import OF_LOSS, Elsewhere
from tracer.answers.solutions.following import following, right_number, slips_behind, slips_put_in
from tracer.answers.solutions.values import Slip, only
from tracer.answers.solutions.verdicts import NOT_CHECKED, Verdict

__all__ = ["ORDERS", "Chain", "ordered"]

ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt, "<": operator.lt, "\u2265": operator.ge, "\u2264": operator.le, "\u2260": operator.ne,
}  # fmt: skip
_STANDS = ("true", "within", "follows")


@dataclass
class Chain:
    """What is known of a statement so far; `head` is what it is about, `slips` are its own and what it follows from."""

    comparer: Comparer
    elsewhere: Elsewhere | None
    head: Expression | None
    general: bool = False  # of every index, or of arrays
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
        verdict = _compared(self.comparer, self.last, side, self.head, bool(sources))
        if verdict.verdict == "follows":
            verdict = following(verdict, sources, place.row)
        elif verdict.verdict == "false" and self.slips and self._from_before(side):
            right = right_number(self.comparer, self.head, side) or verdict.expected
            verdict = following(replace(verdict, expected=right), self.slips, place.row)
        if self.elsewhere:
            verdict = self.elsewhere.judged(self.last, side, verdict, general=self.general)
        self._remember(side, verdict, place)
        return verdict

    def _from_before(self, side: Expression) -> bool:
        """Whether a side that is wrong follows from the one just before."""
        if self._before is None or self._before is self.last:
            return False
        return _compared(self.comparer, self._before, side, None, True).verdict in _STANDS

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


def _compared(
    comparer: Comparer, left: Expression, side: Expression, head: Expression | None, slipped: bool
) -> Verdict:
    try:
        return comparer.compare(left, side, head, slipped=slipped)
    except (NoValue, Unknown) as e:
        return Verdict("unread", message=str(e))
    except (ArithmeticError, RecursionError, ValueError, TypeError) as e:
        return Verdict("unread", message=str(e) if isinstance(e, ArithmeticError) else "it has no value here")


def ordered(comparer: Comparer, left: Expression, right: Expression, sign: str) -> Verdict:
    """0.5 > 0: with the document's numbers."""
    try:
        a, b = (ball(only(comparer.value(e, own=True))) for e in (left, right))
    except (NoValue, Unknown, ArithmeticError) as e:
        return Verdict("unread", message=str(e))
    if ORDERS[sign](a, b):
        return Verdict("true")
    return Verdict("false", message=f"left is {float(a.mid()):.6g}, right is {float(b.mid()):.6g}")
