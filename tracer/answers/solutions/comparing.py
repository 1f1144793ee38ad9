"""Two sides of a relation compared: as mathematics in drawn worlds, as numbers at the digits shown, and with the truth.

A number has two tests: what the numbers shown give (the pocket calculator's value), and what the network gives without
any rounding.  Passing one of them is enough; which one it is, is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb

from derivations import names
from derivations.expression import Blank, Expression, Matrix, Name, Number, Sum
from derivations.names import Quantity
from derivations.network import Problem
from derivations.reading.nodes import Derivative
from tracer.answers.solutions.calculating import Calculator, NoValue
from tracer.answers.solutions.duals import ball, equal, finite, rational
from tracer.answers.solutions.putting import OtherShape, put_in
from tracer.answers.solutions.shown import Shown, cell, like, rounds_to, shown_number
from tracer.answers.solutions.verdicts import Verdict, together
from tracer.answers.solutions.worlds import World, drawn, own_world, used_in

__all__ = ["Claim", "Comparer", "is_numeric"]

_SAME = 1e-9
_CARRIED = 60  # half units of the last digit that rounding on lines not shown may have moved a number by
_GIVEN = ("x", "t", "W", "b", "eta", "mu", "beta1", "beta2", "epsilon")


@dataclass(frozen=True)
class Claim:
    """A quantity's number as the document shows it; `slipped` where it is false or follows from what is."""

    shown: Shown
    slipped: bool = False


@dataclass
class Comparer:
    """Compares sides for one problem; `own` are the document's numbers so far."""

    problem: Problem
    letter: str = "h"  # of activation functions in general
    entrywise: bool = False  # whether a product of two columns is taken entry by entry
    own: dict[Quantity, Claim] = field(default_factory=dict)
    functions: dict[str, tuple[str, Expression]] = field(default_factory=dict)
    variables: tuple[Mapping[str, Any], ...] = ()
    _hands: dict[tuple[str, int], Mapping[Quantity, str]] = field(default_factory=dict, repr=False)

    @cached_property
    def truth(self) -> World:
        """The problem's own numbers."""
        return own_world(self.problem)

    @cached_property
    def drawn(self) -> tuple[World, World]:
        """Two networks of the same shape."""
        return drawn(self.problem, 1, negatives=0.0), drawn(self.problem, 2)

    # --- values ---

    def _true(self, q: Quantity) -> Any:
        if q not in self.truth.values:
            raise NoValue(f"{names.text(self.problem.network, q)} is not one number of this step")
        return self.truth.values[q]

    def _claimed(self, q: Quantity) -> Any:
        return self._from_own(q, self._claimed, lambda shown: shown.exact)

    def _claimed_ball(self, q: Quantity) -> Any:
        return self._from_own(q, self._claimed_ball, lambda shown: cell(shown.text))

    def _from_own(self, q: Quantity, leaf: Any, number: Any) -> Any:
        """The document's number, or what follows from its numbers by the rules, or the true one."""
        claim = self.own.get(q)
        if q.kind in _GIVEN and claim is None:
            return self._true(q)
        if claim:
            return number(claim.shown)
        formula = self._formulas.get(q)
        if formula is None or not self._rests_on_own(q):
            return self._true(q)
        return Calculator(self.problem, leaf).value(formula)

    def _rests_on_own(self, q: Quantity, depth: int = 3) -> bool:
        """Whether a quantity is worked out from numbers of the document, a few steps back."""
        formula = self._formulas.get(q)
        if formula is None:
            return False
        used = set(used_in(formula))
        return any(p in self.own for p in used) or (
            depth > 0 and any(self._rests_on_own(p, depth - 1) for p in used if p.kind in ("slope", "dz", "delta", "J"))
        )

    @cached_property
    def _formulas(self) -> dict[Quantity, Expression]:
        return {e.quantity: e.formula for e in self.truth.equations}

    def value(self, e: Expression, *, own: bool = False, ball_of_shown: bool = False) -> Any:
        """Its value with the network's numbers, or with the document's own where it shows them."""
        number = {"number": cell} if ball_of_shown else {}
        leaf = (self._claimed_ball if ball_of_shown else self._claimed) if own else self._true
        return Calculator(
            self.problem, leaf, partial=self.truth.partial, functions=self.functions,
            variables=self.variables[0] if self.variables else None, letter=self.letter, entrywise=self.entrywise, **number,  # type: ignore[arg-type]
        ).value(e)  # fmt: skip

    def in_world(self, e: Expression, k: int) -> Any:
        """Its value in a drawn world."""
        world = self.drawn[k]

        def leaf(q: Quantity) -> Any:
            if q not in world:
                raise NoValue(f"{names.text(self.problem.network, q)} is not one number of this step")
            return world.values[q]

        variables = self.variables[k] if self.variables else None
        return Calculator(
            self.problem, leaf, partial=world.partial, functions=self.functions, variables=variables, letter=self.letter,
            entrywise=self.entrywise,
        ).value(e)  # fmt: skip

    # --- comparing ---

    def compare(self, left: Expression, right: Expression, head: Expression | None, *, slipped: bool = False) -> Verdict:
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
        if isinstance(left, Matrix) and isinstance(right, Matrix) and _shape(left) == _shape(right):
            return self._entries(left, right, head, slipped)
        numeric = is_numeric(left), is_numeric(right)
        if numeric == (False, False):
            return self._in_letters(left, right, slipped)
        if numeric == (True, False):
            return self.compare(right, left, head, slipped=slipped) if shown_number(left) else self._put(right, left, slipped)
        shown = shown_number(right)
        if isinstance(right, Matrix):
            return self._array(left, right, head, slipped)
        if shown is None:
            if numeric[0]:
                return self._both_numbers(left, right)
            return self._put(left, right, slipped)
        pocket = self.value(left, own=True)
        truth = self._truth_of(head if numeric[0] or head is not None else left, left, numeric[0])
        return self._number(_only(pocket), truth, shown, left, slipped)

    def _truth_of(self, head: Expression | None, left: Expression, numeric: bool) -> Any:
        source = head if head is not None and not is_numeric(head) else None if numeric else left
        if source is None:
            return None
        try:
            return _only(self.value(source))
        except (NoValue, ArithmeticError):
            return None

    def _entries(self, left: Matrix, right: Matrix, head: Expression | None, slipped: bool) -> Verdict:
        out = []
        heads = head.rows if isinstance(head, Matrix) and _shape(head) == _shape(left) else None
        for j, (row, other) in enumerate(zip(left.rows, right.rows, strict=True)):
            for i, (a, b) in enumerate(zip(row, other, strict=True)):
                out.append((_place(left, j, i), self.compare(a, b, heads[j][i] if heads else None, slipped=slipped)))
        return together(out)

    def _array(self, left: Expression, right: Matrix, head: Expression | None, slipped: bool) -> Verdict:
        pocket = self.value(left, own=True)
        if not isinstance(pocket, np.ndarray):
            raise NoValue("a matrix where a number is meant")
        filled = _filled(right, *pocket.shape)
        if filled is None:
            return Verdict("false", message="the two sides have different shapes")
        heads = _flat(head) if isinstance(head, Matrix) else []
        truths = self.value(left) if not is_numeric(left) else None
        wide = self._wide(left)
        out = []
        for k, entry in filled:
            value, head_k = pocket.flat[k], heads[k] if k < len(heads) else None
            truth = truths.flat[k] if truths is not None else self._truth_of(head_k, left, True)
            shown = shown_number(entry)
            if shown is None:
                same = equal(value, self.value(entry, own=True))
                out.append((_place_of(k, pocket), Verdict("true" if same else "false")))
                continue
            own = self._number(value, truth, shown, left, slipped, overlap=False)
            if not own.right:
                own = self._unseen(own, head_k, wide[k] if wide else None, shown)
            out.append((_place_of(k, pocket), own))
        return together(out)

    def _unseen(self, own: Verdict, head: Expression | None, wide: Any, shown: Shown) -> Verdict:
        """A number with unwritten ones behind it, which may have been rounded too."""
        if isinstance(head, Name) and self._by_hand(head.quantity, shown):
            return Verdict("within")
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
            value = ball(_only(self.value(left, own=True, ball_of_shown=True)))
        except (NoValue, ArithmeticError):
            return False
        return bool(value.is_finite()) and bool(abs(value - shown.exact) <= 2 * shown.half)

    def _both_numbers(self, left: Expression, right: Expression) -> Verdict:
        a, b = _only(self.value(left)), _only(self.value(right))
        if equal(a, b):
            return Verdict("true")
        wide = (_only(self.value(e, ball_of_shown=True)) for e in (left, right))
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
            text, wanted = names.text(self.problem.network, q), like(self._claimed(q), shown)
            return Verdict("false", expected=wanted, message=f"{text} is {wanted}, not {shown.text}")
        return self._same_value(left, right, slipped)

    def _put_right(self, found: list[tuple[Quantity, Shown]]) -> Verdict:
        """Of numbers that may stand there: whether each is the document's own, the true one, or only near."""
        fact = expected = ""
        for q, shown in found:
            claim = self.own.get(q)
            if claim and claim.shown.exact != shown.exact and q.kind not in _GIVEN:
                fact, expected = "full", claim.shown.text
            elif claim is None and not self._from_here(q, shown):
                fact, expected = "last_digit", like(self._true(q), shown)
        self._learn(found)
        return Verdict("within", fact, expected) if fact else Verdict("true")

    def _same_value(self, left: Expression, right: Expression, slipped: bool) -> Verdict:
        exact = _only(self.value(right, own=True))
        own, truth = _only(self.value(left, own=True)), _only(self.value(left))
        if equal(own, exact) or equal(truth, exact):
            return Verdict("true")
        wide = _only(self.value(right, own=True, ball_of_shown=True))
        if _meet(own, wide) or _meet(truth, wide):
            return Verdict("within")
        return Verdict("false", message=f"left is {_short(own)}, right is {_short(exact)}", expected=_short(own))

    def _stands_for(self, q: Quantity, shown: Shown) -> bool:
        """Whether a number that is put in for a quantity is the document's own, or the true one at its digits."""
        claim = self.own.get(q)
        if claim and claim.shown.exact == shown.exact:
            return True
        true = self._true(q)
        if q.kind in _GIVEN:
            return bool(equal(true, shown.exact)) or (shown.written.figures >= 3 and rounds_to(true, shown))
        if claim is None:  # carried here from lines that are not shown
            if self._from_here(q, shown):
                return True
            return bool(abs(true - shown.exact) <= _CARRIED * shown.half) or bool(abs(true - shown.exact) <= abs(true) / 8)
        return rounds_to(true, shown)

    def _from_here(self, q: Quantity, shown: Shown) -> bool:
        """Whether a number that nothing before it shows is the true one, or that of a hand calculation."""
        return (q.kind in _GIVEN) or rounds_to(self._true(q), shown) or self._by_hand(q, shown)

    def _by_hand(self, q: Quantity, shown: Shown) -> bool:
        """Whether somebody who rounds every number as this one is rounded comes to it."""
        place = shown.written.place
        ways = [("digits", shown.written.figures)] + ([("places", -place)] if place is not None and place < 0 else [])
        for way, count in ways:
            if not 0 < count < 16:
                continue
            if (way, count) not in self._hands:
                self._hands[way, count] = _worked_by_hand(self.problem, way, count)
            text = self._hands[way, count].get(q)
            if text is not None and rational(text) == shown.exact:
                return True
        return False

    def _learn(self, found: list[tuple[Quantity, Shown]]) -> None:
        for q, shown in found:
            if q not in self.own and q.kind not in _GIVEN:
                self.own[q] = Claim(shown)

    # --- letters ---

    def _in_letters(self, left: Expression, right: Expression, slipped: bool) -> Verdict:
        places = tuple(p for e in (right, left) for p in self._misdefined(e))
        answers = [_all_equal(self.in_world(left, k), self.in_world(right, k)) for k in (0, 1)]
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
        if self._assignment(left, right):
            return Verdict("true", message="holds for these numbers")
        a, b = self.value(left), self.value(right)
        return Verdict("false", message=f"the sides differ: here {_short(a)} and {_short(b)}")

    def _assignment(self, left: Expression, right: Expression) -> bool:
        """x_0 = x_1: two given numbers of a sample said to be the same."""
        if not (isinstance(left, Name) and isinstance(right, Name)):
            return False
        return left.quantity.kind in _GIVEN and right.quantity.kind in _GIVEN

    def _misdefined(self, e: Any) -> Iterator[tuple[int, int]]:
        """Where d/d of a sum has some terms of a quantity's definition, and others that are not its."""
        if isinstance(e, Derivative):
            if isinstance(e.by, Name) and isinstance(e.operand, Sum) and not self._defines(e.operand):
                yield e.place
            return
        parts = e._parts() if isinstance(e, Expression) else e if type(e) is tuple and not isinstance(e, Quantity) else ()
        for part in parts:
            yield from self._misdefined(part)

    def _defines(self, operand: Sum) -> bool:
        """Whether the terms are all of one definition, or of none at all."""
        try:
            terms = [sign * float(ball(_only(self.in_world(term, 0)))) for sign, term in operand.terms]
            total = float(ball(_only(self.in_world(operand, 0))))
        except (NoValue, ArithmeticError, ValueError):
            return True
        if any(_near(total, own) for own in self._totals):
            return True
        some = False
        for definition in self._definitions:
            matched = sum(any(_near(term, own) for own in definition) for term in terms)
            if matched == len(terms) and len(set(terms)) == len(terms):
                return True
            some = some or matched > 0
        return not some

    @cached_property
    def _definitions(self) -> list[list[float]]:
        """The terms of every definition, in the first drawn world."""
        out = []
        for quantity, formula in self.drawn[0].equations:
            if quantity.kind in ("a", "z", "E", "E_part") and isinstance(formula, Sum):
                out.append([sign * float(ball(self.in_world(term, 0))) for sign, term in formula.terms])
        return out

    @cached_property
    def _totals(self) -> list[float]:
        world = self.drawn[0]
        return [float(ball(world.values[q])) for q, _ in world.equations if q.kind in ("a", "z", "E", "E_part")]


def _worked_by_hand(problem: Problem, way: str, count: int) -> Mapping[Quantity, str]:
    from tracer.tracing import trace

    try:
        worked = trace(problem, digits=count) if way == "digits" else trace(problem, places=count)
    except (ValueError, ArithmeticError):
        return {}
    return worked.shown


def is_numeric(e: Any) -> bool:
    """Whether a formula holds numbers alone."""
    if isinstance(e, Number | Blank):
        return True
    if isinstance(e, Name) or (isinstance(e, Expression) and not e._parts()):
        return False
    if isinstance(e, Expression):
        if type(e).__name__ in ("Variable", "Letters", "Partial", "Derivative", "Blank"):
            return False
        return all(is_numeric(part) for part in e._parts())
    return all(is_numeric(part) for part in e) if type(e) is tuple else True


def _has_decimals(e: Any) -> bool:
    if isinstance(e, Number):
        return "." in e.text or "e" in e.text
    parts = e._parts() if isinstance(e, Expression) else e if type(e) is tuple else ()
    return any(_has_decimals(part) for part in parts)


def _has_matrix(e: Any) -> bool:
    if isinstance(e, Matrix):
        return True
    parts = e._parts() if isinstance(e, Expression) else e if type(e) is tuple else ()
    return any(_has_matrix(part) for part in parts)


def _near(x: float, y: float) -> bool:
    return abs(x - y) <= _SAME * max(abs(x), abs(y))


def _only(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        if x.size == 1:
            return x.flat[0]
        raise NoValue("a vector where a number is meant")
    return x


def _all_equal(a: Any, b: Any) -> bool | None:
    if not isinstance(a, np.ndarray) and not isinstance(b, np.ndarray):
        return equal(a, b)
    a, b = (x if isinstance(x, np.ndarray) else np.array([[x]], object) for x in (a, b))
    if a.size != b.size or (a.shape != b.shape and 1 not in a.shape):
        return False
    answers = [equal(x, y) for x, y in zip(a.flat, b.flat, strict=True)]
    return False if False in answers else None if None in answers else True


def _meet(a: Any, b: Any) -> bool:
    x, y = ball(a), ball(b)
    return bool(x.is_finite()) and bool(y.is_finite()) and bool(x.overlaps(y))


def _flat(m: Matrix) -> list[Expression]:
    return [entry for row in m.rows for entry in row]


def _filled(shown: Matrix, rows: int, columns: int) -> list[tuple[int, Expression]] | None:
    """(place, entry) of each entry that is shown of an array, which dots may shorten; None where shapes differ."""
    flat = _flat(shown)
    if not any(isinstance(entry, Blank) for entry in flat):
        fits = _shape(shown) == (rows, columns) or (len(flat) == rows * columns and 1 in (rows, columns))
        return list(enumerate(flat)) if fits else None
    out: list[tuple[int, Expression]] = []
    down = _unfolded([all(isinstance(e, Blank) for e in row) for row in shown.rows], rows)
    across = _unfolded([all(isinstance(row[i], Blank) for row in shown.rows) for i in range(len(shown.rows[0]))], columns)
    if down is None or across is None:
        return None
    for j, row in zip(down, shown.rows, strict=True):
        for i, entry in zip(across, row, strict=True):
            if j is not None and i is not None and not isinstance(entry, Blank):
                out.append((j * columns + i, entry))
    return out


def _unfolded(dots: list[bool], count: int) -> list[int | None] | None:
    """The place of each row or column that is shown, None for one of dots; None where they do not fit."""
    if not any(dots):
        return list(range(count)) if len(dots) == count else None
    at, more = dots.index(True), count - len(dots)
    if sum(dots) > 1 or more < 0:
        return None
    return [None if k == at else k if k < at else k + more for k in range(len(dots))]


def _shape(m: Matrix) -> tuple[int, int]:
    return len(m.rows), len(m.rows[0])


def _place(m: Matrix, j: int, i: int) -> str:
    return f"{j + 1},{i + 1}" if len(m.rows[0]) > 1 else str(j + 1)


def _place_of(k: int, array: Any) -> str:
    rows, columns = array.shape
    return str(k + 1) if 1 in (rows, columns) else f"{k // columns + 1},{k % columns + 1}"


def _short(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return f"[{', '.join(_short(v) for v in x.flat[:4])}{' ...' if x.size > 4 else ''}]"
    return f"{float(ball(x).mid()):.6g}"
