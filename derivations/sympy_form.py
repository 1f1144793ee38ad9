"""Written formulas as sympy expressions, on one side of every kink: what a test at 0 decides is said by `Sides`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from derivations.evaluation import fraction_of
from derivations.expression import (
    Call,
    Choice,
    Expression,
    Largest,
    Name,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Smallest,
    Sum,
)
from derivations.function import FUNCTIONS, entry
from derivations.quantity import Quantity
from derivations.uses import filled, opened

__all__ = ["Expr", "Sides", "Unsided", "symbolic"]

Expr = Any

_CALLS: dict[str, Callable[..., Expr]] = {
    "exp": sp.exp,
    "log": sp.log,
    "sqrt": sp.sqrt,
    "sin": sp.sin,
    "cos": sp.cos,
    "tanh": sp.tanh,
    "Phi": lambda a: sp.erfc(-a / sp.sqrt(2)) / 2,
}


class Unsided(LookupError):
    """A test whose side is not said; `test` is what is compared with 0, or the entries of which one is extreme."""

    def __init__(self, test: Expr, many: int) -> None:
        super().__init__("a test whose side is not said")
        self.test, self.many = test, many


@dataclass(frozen=True)
class Sides:
    """On which side of each test an expression stands: 1 or 0 for positive or negative, the place of the extreme."""

    of: dict[Expr, int] = field(default_factory=dict)

    def positive(self, test: Expr) -> bool:
        """Whether a test is positive; that of its negative is the other way round.  Raises Unsided."""
        test = sp.expand(test)
        if test.is_number:
            return bool(test > 0)
        turned = test.could_extract_minus_sign()
        known = self.of.get(-test if turned else test)
        if known is None:
            raise Unsided(-test if turned else test, 2)
        return bool(known) is not turned

    def extreme(self, op: str, entries: tuple[Expr, ...]) -> int:
        """Which of several is the largest or smallest.  Raises Unsided."""
        if len(entries) == 1:
            return 0
        if len(entries) == 2:
            return 0 if self.positive(entries[0] - entries[1]) is (op == "max") else 1
        key = (op, *entries)
        if key not in self.of:
            raise Unsided(key, len(entries))
        return self.of[key]

    def both(self, unsided: Unsided) -> Iterator[Sides]:
        """The same with each side of one more test."""
        for side in range(unsided.many):
            yield Sides({**self.of, unsided.test: side})


def symbolic(e: Expression, leaf: Callable[[Quantity], Expr], sides: Sides) -> Expr:
    """The expression in sympy.  Raises Unsided for a test whose side is not said."""

    def of(x: Expression) -> Expr:
        return symbolic(x, leaf, sides)

    match e:
        case Name(quantity):
            return leaf(quantity)
        case Number("pi"):
            return sp.pi
        case Number(text):
            exact = fraction_of(text)
            return sp.Rational(exact.numerator, exact.denominator)
        case Sum(terms):
            return sp.Add(*(sign * of(term) for sign, term in terms))
        case Product(factors):
            return sp.Mul(*map(of, factors))
        case Quotient(above, below):
            return of(above) / of(below)
        case Power(base, exponent):
            return of(base) ** (exponent if isinstance(exponent, int) else of(exponent))
        case Negative(operand):
            return -of(operand)
        case Choice(test, positive, otherwise):
            return of(positive if sides.positive(of(test)) else otherwise)
        case Largest(one, Call(op, entries)) | Smallest(one, Call(op, entries)):
            return sp.Integer(of(one) == of(entries[sides.extreme(op, tuple(map(of, entries)))]))
        case Call(function, arguments):
            return _called(function, tuple(map(of, arguments)), arguments, of, sides)
    raise TypeError(f"no sympy form: {type(e).__name__}")


def _called(
    function: Any,
    values: tuple[Expr, ...],
    arguments: tuple[Expression, ...],
    of: Callable[[Expression], Expr],
    sides: Sides,
) -> Expr:
    name = str(function)
    if name in ("max", "min"):
        return values[sides.extreme(name, values)]
    if name == "max0":
        return values[0] if sides.positive(values[0]) else sp.Integer(0)
    if name == "abs":
        return values[0] if sides.positive(values[0]) else -values[0]
    if name in _CALLS:
        return _CALLS[name](*values)
    formula = opened(entry(function, FUNCTIONS))
    if formula is None:
        raise TypeError(f"no sympy form: {name}")
    return of(filled(formula, arguments, Number("0")))
