"""Two sides of a relation compared: as mathematics in drawn worlds, as numbers at the digits shown, and with the truth.

A number has two tests: what the numbers shown give (the pocket calculator's value), and what the network gives without
any rounding.  Passing one of them is enough; which one it is, is said.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb

from derivations import names
from derivations.expression import Blank, Expression, Letters, Matrix, Name, Number, Partial
from derivations.names import Quantity
from derivations.reading.nodes import Derivative, Variable
from tracer.answers.solutions.arrays import filled, flat, place, place_of, shape
from tracer.answers.solutions.calculating import NoValue
from tracer.answers.solutions.definitions import Definitions
from tracer.answers.solutions.duals import ball, equal, finite
from tracer.answers.solutions.putting import OtherShape, put_in, without_terms
from tracer.answers.solutions.shown import Shown, like, rounds_to, shown_number
from tracer.answers.solutions.values import GIVEN, Claim, only
from tracer.answers.solutions.verdicts import Verdict, together
from tracer.answers.solutions.worlds import speaks_of_gradients

__all__ = ["Comparer", "is_numeric"]

_NOT_NUMERIC = (Name, Variable, Letters, Partial, Derivative)
_CARRIED = 60  # half units of the last digit that rounding on lines not shown may have moved a number by


class Comparer(Definitions):
    """Compares the sides of relations."""

    def forgetful(self, letter: str = "") -> Comparer:
        """One that knows the same networks and none of the document's numbers."""
        out = Comparer(self.problem, letter or self.letter)
        out.__dict__.update(truth=self.truth, drawn=self.drawn, formulas=self.formulas, _hands=self._hands)
        return out

    def compare(
        self, left: Expression, right: Expression, head: Expression | None, *, slipped: bool = False
    ) -> Verdict:
        """The verdict on left = right in a statement that begins with `head`.  Raises ArithmeticError, NoValue.

        A product of two columns is their dot product, or where that makes the relation true, taken entry by entry.
        """
        if not (_has_matrix(left) or _has_matrix(right)) or self.entrywise:
            return self._compare(left, right, head, slipped=slipped)
        first: Verdict | NoValue
        try:
            first = self._compare(left, right, head, slipped=slipped)
        except NoValue as e:
            first = e
        if isinstance(first, Verdict) and first.verdict != "false":
            return first
        self.entrywise = True
        try:
            other = self._compare(left, right, head, slipped=slipped)
        except NoValue:
            other = None
        finally:
            self.entrywise = False
        if other is not None and other.right:
            return other
        if isinstance(first, NoValue):
            raise first
        return first

    def _compare(self, left: Expression, right: Expression, head: Expression | None, *, slipped: bool) -> Verdict:
        if isinstance(left, Matrix) and isinstance(right, Matrix) and shape(left) == shape(right):
            return self._entries(left, right, head, slipped)
        numeric = is_numeric(left), is_numeric(right)
        if numeric == (False, False):
            return self._in_letters(left, right, slipped)
        if numeric == (True, False):
            return (
                self.compare(right, left, head, slipped=slipped)
                if shown_number(left)
                else self._put(right, left, slipped)
            )
        shown = shown_number(right)
        if isinstance(right, Matrix):
            return self._array(left, right, head, slipped)
        if shown is None:
            if numeric[0]:
                return self._both_numbers(left, right)
            return self._put(left, right, slipped)
        truth = self._truth_of(head if numeric[0] or head is not None else left, left, numeric[0])
        try:
            pocket = only(self.value(left, own=True))
        except ArithmeticError as e:
            if numeric[0] and truth is not None and rounds_to(truth, shown):  # log(1 - 1.000000)
                return Verdict("within", "full", f"no number ({e})")
            raise
        return self._number(pocket, truth, shown, left, slipped)

    def _truth_of(self, head: Expression | None, left: Expression, numeric: bool) -> Any:
        source = head if head is not None and not is_numeric(head) else None if numeric else left
        if source is None:
            return None
        try:
            return only(self.value(source))
        except (NoValue, ArithmeticError):
            return None

    def _entries(self, left: Matrix, right: Matrix, head: Expression | None, slipped: bool) -> Verdict:
        out = []
        heads = head.rows if isinstance(head, Matrix) and shape(head) == shape(left) else None
        for j, (row, other) in enumerate(zip(left.rows, right.rows, strict=True)):
            for i, (a, b) in enumerate(zip(row, other, strict=True)):
                out.append((place(left, j, i), self.compare(a, b, heads[j][i] if heads else None, slipped=slipped)))
        return together(out)

    def _array(self, left: Expression, right: Matrix, head: Expression | None, slipped: bool) -> Verdict:
        pocket = self.value(left, own=True)
        if not isinstance(pocket, np.ndarray):
            raise NoValue("a matrix where a number is meant")
        found = filled(right, *pocket.shape)
        if found is None and 1 in pocket.shape and 1 in shape(right):  # a row and a column of one length
            found = filled(Matrix(tuple(zip(*right.rows, strict=True))), *pocket.shape)
        if found is None:
            return Verdict("false", message="the two sides have different shapes")
        heads = flat(head) if isinstance(head, Matrix) else []
        truths = self.value(left) if not is_numeric(left) else None
        wide = self._wide(left)
        out = []
        for k, entry in found:
            value, head_k = pocket.flat[k], heads[k] if k < len(heads) else None
            truth = truths.flat[k] if truths is not None else self._truth_of(head_k, left, True)
            shown = shown_number(entry)
            if shown is None:
                out.append((place_of(k, pocket), self._worked(value, truth, entry)))
                continue
            own = self._number(value, truth, shown, left, slipped, overlap=False)
            if own.verdict == "false":
                own = self._unseen(own, head_k, wide[k] if wide else None, shown)
            out.append((place_of(k, pocket), own))
        return together(out)

    def _worked(self, value: Any, truth: Any, entry: Expression) -> Verdict:
        """An entry that is worked out, 1.22/6.74: equal, or within the digits of what it is worked from."""
        worked = self.value(entry, own=True)
        if equal(value, worked) or (truth is not None and equal(truth, worked)):
            return Verdict("true")
        wide = self.value(entry, own=True, ball_of_shown=True)
        near = _meet(value, wide) or (truth is not None and _meet(truth, wide))
        return Verdict("within") if near else Verdict("false", expected=_short(value))

    def _unseen(self, own: Verdict, head: Expression | None, wide: Any, shown: Shown) -> Verdict:
        """A number with unwritten ones behind it, which may have been rounded too."""
        if isinstance(head, Name) and head.quantity.kind in GIVEN:
            return own
        if isinstance(head, Name) and self.by_hand(head.quantity, shown):
            return Verdict("within", "carried", own.expected)
        if wide is not None and finite(wide) and not abs(ball(wide) - shown.exact) > _CARRIED * shown.half:
            return Verdict("within", "last_digit", own.expected)
        return own

    def _wide(self, left: Expression) -> list[Any] | None:
        """Every value that the document's own numbers may stand for: between them, numbers were rounded unseen."""
        try:
            value = self.value(left, own=True, ball_of_shown=True)
        except (NoValue, ArithmeticError):
            return None
        return list(value.flat) if isinstance(value, np.ndarray) else [value]

    def _number(
        self, pocket: Any, truth: Any, shown: Shown, left: Expression, slipped: bool, *, overlap: bool = True
    ) -> Verdict:
        by_pocket = rounds_to(pocket, shown)
        by_truth = truth is not None and rounds_to(truth, shown)
        exact = equal(pocket, shown.exact) and not isinstance(pocket, arb)
        if by_pocket and (by_truth or truth is None):
            return Verdict("true" if exact else "within")
        if by_pocket:
            wanted = like(truth, shown)
            if slipped:
                return Verdict("follows", expected=wanted, message=f"follows from an earlier slip; it is {wanted}")
            return Verdict("within", "carried", wanted)
        if by_truth:
            return Verdict("within", "full", like(pocket, shown))
        wanted = like(pocket, shown)
        if overlap and shown.rounded and self._overlap(left, shown):
            return Verdict("within", "last_digit", wanted)
        return Verdict("false", expected=wanted, message=f"it is {wanted}")

    def _overlap(self, left: Expression, shown: Shown) -> bool:
        try:
            value = ball(only(self.value(left, own=True, ball_of_shown=True)))
        except (NoValue, ArithmeticError):
            return False
        if not value.is_finite():
            return False
        off = abs(value.mid() - shown.exact)
        near = off <= 2 * shown.half and off <= value.rad() + shown.half  # both may stand for one number
        return bool(near or abs(value - shown.exact) <= 2 * shown.half)

    def _both_numbers(self, left: Expression, right: Expression) -> Verdict:
        a, b = self.value(left), self.value(right)
        if _is_array(a) and _is_array(b):
            return self._both_arrays(left, right, [(a, b)])
        a, b = only(a), only(b)
        if equal(a, b):
            return Verdict("true")
        wide = (only(self.value(e, ball_of_shown=True)) for e in (left, right))
        if _meet(*wide):
            return Verdict("within")
        return Verdict("false", message=f"left is {_short(a)}, right is {_short(b)}")

    def _put(self, left: Expression, right: Expression, slipped: bool) -> Verdict:
        """Numbers put into a formula."""
        found: list[tuple[Quantity, Shown]] | None
        try:
            found = list(put_in(left, right))
        except OtherShape:
            found = None
        if found is not None:
            wrong = [(q, shown) for q, shown in found if not self._stands_for(q, shown)]
            if not wrong:
                return self._put_right(found)
            q, shown = wrong[0]
            text, wanted = names.text(self.problem.network, q), like(self.claimed(q), shown)
            return Verdict("false", expected=wanted, message=f"{text} is {wanted}, not {shown.text}")
        left_out = without_terms(left, right)
        if left_out and any(not equal(only(self.value(term)), 0) for term in left_out):
            count = f"{len(left_out)} term{'s are' if len(left_out) > 1 else ' is'} missing"
            return Verdict("false", message=f"{count}; each of them counts here")
        verdict = self._same_value(left, right, slipped)
        updates = isinstance(left, Name) and left.quantity.kind in ("W_new", "b_new") and verdict.verdict == "false"
        into_rule = self._put_into_rule(left, right) if updates else []
        return self._put_right(into_rule) if into_rule else verdict

    def _put_right(self, found: list[tuple[Quantity, Shown]]) -> Verdict:
        """Of numbers that may stand there: whether each is the document's own, the true one, or only near."""
        fact = expected = ""
        for q, shown in found:
            claim = self.own.get(q)
            if claim and not rounds_to(claim.shown.exact, shown) and q.kind not in GIVEN:
                fact, expected = "corrected" if claim.slips else "full", claim.shown.text
            elif claim is None and q.kind not in GIVEN and not rounds_to(self.true(q), shown):
                fact, expected = "carried" if self.by_hand(q, shown) else "last_digit", like(self.true(q), shown)
        self._learn(found)
        return Verdict("within", fact, expected) if fact else Verdict("true")

    def _same_value(self, left: Expression, right: Expression, slipped: bool) -> Verdict:
        values = self.value(left, own=True), self.value(left), self.value(right, own=True)
        wide = self.value(right, own=True, ball_of_shown=True)
        if not _is_array(values[2]):
            own, truth, exact = map(only, values)
            return _same_number(own, truth, exact, only(wide))
        if len({np.shape(x) for x in values}) > 1:  # rows and columns
            return self._both_arrays(left, right, [(values[0], values[2]), (values[1], values[2])])
        entries = zip(*(x.flat for x in (*values, wide)), strict=True)
        return together([(place_of(k, values[0]), _same_number(*entry)) for k, entry in enumerate(entries)])

    def _both_arrays(self, left: Expression, right: Expression, pairs: list[tuple[Any, Any]]) -> Verdict:
        """Entry by entry: equal, or within the digits shown of either side."""
        if any(_all_equal(*pair) for pair in pairs):
            return Verdict("true")
        wide = [self.value(e, own=True, ball_of_shown=True) for e in (left, right)]
        for a, _ in pairs:
            if all(_meet(x, y) for x, y in zip(a.flat, wide[1].flat, strict=True)):
                return Verdict("within")
        if all(_meet(x, y) for x, y in zip(wide[0].flat, wide[1].flat, strict=True)):
            return Verdict("within")
        return Verdict("false", message=f"left is {_short(pairs[0][0])}, right is {_short(pairs[0][1])}")

    def _stands_for(self, q: Quantity, shown: Shown) -> bool:
        """Whether a number that is put in for a quantity is the document's own, or the true one at its digits."""
        claim = self.own.get(q)
        if claim and claim.shown.exact == shown.exact:
            return True
        true = self.true(q)
        if q.kind in GIVEN:
            return bool(equal(true, shown.exact)) or (shown.written.figures >= 3 and rounds_to(true, shown))
        if claim is None:  # carried here from lines that are not shown
            if self.from_here(q, shown):
                return True
            return bool(abs(true - shown.exact) <= _CARRIED * shown.half)
        return rounds_to(true, shown)

    def _learn(self, found: list[tuple[Quantity, Shown]]) -> None:
        for q, shown in found:
            if q not in self.own and q.kind not in GIVEN:
                self.own[q] = Claim(shown)

    # --- letters ---

    def same(self, left: Expression, right: Expression) -> bool:
        """Whether both sides are the same in both drawn worlds.  Raises ArithmeticError, NoValue."""
        return all(_all_equal(self.in_world(left, k), self.in_world(right, k)) is True for k in (0, 1))

    def _in_letters(self, left: Expression, right: Expression, slipped: bool) -> Verdict:
        places = tuple(p for e in (right, left) for p in self.misdefined(e))
        answers = [_all_equal(self.in_world(left, k), self.in_world(right, k)) for k in (0, 1)]
        if speaks_of_gradients(left) and speaks_of_gradients(right) and self.any_loss:
            answers.append(_all_equal(self.in_world(left, 2), self.in_world(right, 2)))
        same = False if False in answers else True if True in answers else None
        if same is None:
            same = _all_equal(self.value(left), self.value(right))
            if same is None:
                raise NoValue("it has no value here")
        if same and not places:
            return Verdict("true")
        if places:
            why = "what is differentiated is not the definition of that quantity"
            return Verdict("false", message=why, places=places)
        if _has_decimals(right) or _has_decimals(left):
            return self._put(*((left, right) if not _has_decimals(left) else (right, left)), slipped)
        try:
            found = list(put_in(left, right))
        except OtherShape:
            found = []
        if found and all(self._stands_for(q, shown) for q, shown in found):
            return Verdict("true")
        if self._put_into_rule(left, right):
            return Verdict("true")
        if self._assignment(left, right):
            return Verdict("true", message="holds for these numbers")
        a, b = _short(self.value(left)), _short(self.value(right))
        differ = f"here {a} and {b}" if a != b else f"both are {a} here, by chance"
        return Verdict("false", message=f"the sides differ: {differ}")

    def _put_into_rule(self, left: Expression, right: Expression) -> list[tuple[Quantity, Shown]]:
        """y_1 = 1 z_1 + 2 z_2: the numbers put into the rule of a quantity; none where they may not stand there."""
        while isinstance(left, Name) and left.quantity in self.formulas:
            left = self.formulas[left.quantity]
            try:
                found = list(put_in(left, right))
            except OtherShape:
                continue
            return found if all(self._stands_for(q, shown) for q, shown in found) else []
        return []

    def _assignment(self, left: Expression, right: Expression) -> bool:
        """x_0 = x_1: two given numbers of a sample said to be the same."""
        if not (isinstance(left, Name) and isinstance(right, Name)):
            return False
        return left.quantity.kind in GIVEN and right.quantity.kind in GIVEN


def _same_number(own: Any, truth: Any, exact: Any, wide: Any) -> Verdict:
    """A value, by the document's numbers and by the true ones, against one with numbers put in."""
    if equal(own, exact) or equal(truth, exact):
        return Verdict("true")
    if _meet(own, wide) or _meet(truth, wide):
        return Verdict("within")
    return Verdict("false", message=f"left is {_short(own)}, right is {_short(exact)}", expected=_short(own))


def is_numeric(e: Any) -> bool:
    """Whether a formula holds numbers alone."""
    if isinstance(e, Number | Blank):
        return True
    if isinstance(e, Expression):
        if isinstance(e, _NOT_NUMERIC):
            return False
        parts = e._parts()
        return bool(parts) and all(map(is_numeric, parts))
    return all(map(is_numeric, e)) if type(e) is tuple else True


def _has_decimals(e: Any) -> bool:
    if isinstance(e, Number):
        return "." in e.text or "e" in e.text
    parts = e._parts() if isinstance(e, Expression) else e if type(e) is tuple else ()
    return any(map(_has_decimals, parts))


def _has_matrix(e: Any) -> bool:
    if isinstance(e, Matrix):
        return True
    parts = e._parts() if isinstance(e, Expression) else e if type(e) is tuple else ()
    return any(map(_has_matrix, parts))


def _all_equal(a: Any, b: Any) -> bool | None:
    if not isinstance(a, np.ndarray) and not isinstance(b, np.ndarray):
        return equal(a, b)
    a, b = (x if isinstance(x, np.ndarray) else np.array([[x]], object) for x in (a, b))
    if a.size != b.size:
        raise NoValue(f"one side is {_count(a)}, the other {_count(b)}")
    if a.shape != b.shape and 1 not in a.shape:
        return False
    answers = [equal(x, y) for x, y in zip(a.flat, b.flat, strict=True)]
    return False if False in answers else None if None in answers else True


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.size > 1


def _count(x: Any) -> str:
    return "a number" if x.size == 1 else f"an array of {x.size} numbers"


def _meet(a: Any, b: Any) -> bool:
    x, y = ball(a), ball(b)
    return bool(x.is_finite()) and bool(y.is_finite()) and bool(x.overlaps(y))


def _short(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return f"[{', '.join(_short(v) for v in x.flat[:4])}{' ...' if x.size > 4 else ''}]"
    return f"{float(ball(x).mid()):.6g}"
