"""The slips that a number goes back to, so that what follows from one can name the line where it stands."""

from __future__ import annotations

from dataclasses import replace

from derivations.expression import Expression, Name, names_in
from derivations.names import Quantity
from tracer.answers.solutions.comparing import Comparer, is_numeric
from tracer.answers.solutions.duals import ball
from tracer.answers.solutions.putting import OtherShape, put_in
from tracer.answers.solutions.shown import like, shown_number
from tracer.answers.solutions.values import GIVEN, Slip, only
from tracer.answers.solutions.verdicts import Verdict

__all__ = ["following", "right_number", "slips_behind", "slips_put_in"]

MOST_NAMED = 3
Slips = tuple[Slip, ...]


def slips_behind(values: Comparer, e: Expression) -> Slips:
    """The slips that the document's value of a formula rests on, also where it does not show the steps."""
    known: dict[Quantity, frozenset[Slip]] = {}

    def of(q: Quantity) -> frozenset[Slip]:
        if q not in known:
            claim = values.own.get(q)
            if claim:
                known[q] = frozenset(claim.slips)
            else:
                known[q] = frozenset().union(*(of(p) for p in _steps(values, q)))
        return known[q]

    return tuple(sorted(frozenset().union(*(of(q) for q in names_in(e)))))


def _steps(values: Comparer, q: Quantity) -> frozenset[Quantity]:
    """What a quantity that the document does not show is worked from, where that is the document's."""
    if q.kind in GIVEN or not values.rests_on_own(q):
        return frozenset()
    return values.truth.used[q]


def slips_put_in(values: Comparer, letters: Expression, side: Expression) -> Slips:
    """The same of a side that numbers are put into: a right number that is put in leaves the slip behind."""
    if not is_numeric(side):
        return slips_behind(values, side)
    if shown_number(side) or is_numeric(letters):
        return slips_behind(values, letters)
    try:
        pairs = list(put_in(letters, side))
    except OtherShape:
        return slips_behind(values, letters)
    claims = ((values.own.get(q), shown) for q, shown in pairs)
    return tuple(sorted({slip for c, shown in claims if c and c.shown.exact == shown.exact for slip in c.slips}))


def right_number(values: Comparer, head: Expression | None, side: Expression) -> str:
    """The true number of the quantity that a statement is about, with the digits of a number that stands for it."""
    if not isinstance(head, Name):
        return ""
    try:
        truth = only(values.value(head))
    except ArithmeticError:
        return ""
    shown = shown_number(side)
    return like(truth, shown) if shown else f"{float(ball(truth).mid()):.6g}"


def following(verdict: Verdict, slips: Slips, row: int) -> Verdict:
    """The verdict of what follows from these slips, in words for this row."""
    what = "other loss" if all(slip.of_loss for slip in slips) else "slip"
    earlier = sorted({slip.line for slip in slips if slip.row != row})
    if not earlier:
        source = f"follows from the {what} before it in this row"
    elif len(earlier) == 1:
        source = f"follows from the {what} in line {earlier[0]}"
    else:
        more = " ..." if len(earlier) > MOST_NAMED else ""
        source = f"follows from the slips in lines {', '.join(map(str, earlier[:MOST_NAMED]))}{more}"
    wanted = f"; the right number is {verdict.expected}" if verdict.expected else ""
    return replace(verdict, verdict="follows", fact="", message=f"{source}{wanted}", hint=source)
