"""Numbers put into a formula: the same tree with numbers where names were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derivations.expression import Expression, Name, Negative, Number, Partial, Product, Sum
from derivations.names import Quantity
from derivations.reading.nodes import Applied, Derivative
from tracer.answers.solutions.shown import Shown, shown_number

__all__ = ["OtherShape", "put_in", "without_terms"]


class OtherShape(Exception):
    """The two formulas are not one with numbers put in."""


def put_in(letters: Any, numbers: Any) -> Iterator[tuple[Quantity, Shown]]:
    """(quantity, the number that stands in its place), in order.  Raises OtherShape."""
    if isinstance(letters, Name):
        shown = shown_number(numbers) if isinstance(numbers, Expression) else None
        if shown is None:
            if letters == numbers:
                return
            raise OtherShape
        yield letters.quantity, shown
    elif isinstance(letters, Partial | Derivative | Applied):
        if letters != numbers:
            raise OtherShape
    elif isinstance(letters, Sum):
        yield from _terms(letters, numbers)
    elif isinstance(letters, Product):
        yield from _factors(letters, numbers)
    elif isinstance(letters, Expression):
        if type(letters) is not type(numbers):
            raise OtherShape
        if isinstance(letters, Number):
            if letters != numbers:
                raise OtherShape
            return
        yield from put_in(letters._parts(), numbers._parts())
    elif type(letters) is tuple:
        if type(numbers) is not tuple or len(letters) != len(numbers):
            raise OtherShape
        for mine, theirs in zip(letters, numbers, strict=True):
            yield from put_in(mine, theirs)
    elif letters != numbers:
        raise OtherShape


def without_terms(letters: Any, numbers: Any) -> list[Expression]:
    """The terms of a sum that are left out where numbers are put in for the others, [] where it is not so."""
    if not isinstance(letters, Sum):
        return []
    theirs = list(numbers.terms) if isinstance(numbers, Sum) else [(1, numbers)]
    left_out = []
    for sign, mine in letters.terms:
        if theirs and _is_put_in(mine, theirs[0][1] if sign == theirs[0][0] else _negated(theirs[0][1])):
            theirs.pop(0)
        else:
            left_out.append(mine)
    return [] if theirs or len(left_out) == len(letters.terms) else left_out


def _is_put_in(letters: Any, numbers: Any) -> bool:
    try:
        return bool(list(put_in(letters, numbers)))
    except OtherShape:
        return False


def _terms(letters: Sum, numbers: Any) -> Iterator[tuple[Quantity, Shown]]:
    if not isinstance(numbers, Sum) or len(letters.terms) != len(numbers.terms):
        raise OtherShape
    for (sign, mine), (other, theirs) in zip(letters.terms, numbers.terms, strict=True):
        yield from put_in(mine, theirs if sign == other else _negated(theirs))


def _negated(e: Expression) -> Expression:
    """-e, the sign taken by the first factor of a product."""
    if isinstance(e, Negative):
        return e.operand
    if isinstance(e, Product):
        return Product((_negated(e.factors[0]), *e.factors[1:]))
    return Negative(e)


def _factors(letters: Product, numbers: Any) -> Iterator[tuple[Quantity, Shown]]:
    mine = [g for f in letters.factors for g in (f.factors if isinstance(f, Product) else (f,))]
    theirs = [numbers]
    if isinstance(numbers, Product):
        theirs = [g for f in numbers.factors for g in (f.factors if isinstance(f, Product) else (f,))]
    if len(mine) != len(theirs):
        raise OtherShape
    for one, other in zip(mine, theirs, strict=True):
        yield from put_in(one, other)
