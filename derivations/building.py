"""Putting written expressions together as on a board: numbers in front, what cancels cancelled, no more."""

from __future__ import annotations

import math
from fractions import Fraction

from derivations.evaluation import fraction_of
from derivations.expression import Expression, Negative, Number, Power, Product, Quotient, Sum

__all__ = ["ONE", "ZERO", "constant", "power", "product", "quotient", "total"]

ZERO, ONE = Number("0"), Number("1")


def constant(e: Expression) -> Fraction | None:
    """The value of a bare number, None for anything else."""
    return fraction_of(e.text) if isinstance(e, Number) else None


def product(*factors: Expression) -> Expression:
    """Factors in order, their numbers multiplied and in front, their denominators below, their signs before all."""
    number, above, below = Fraction(1), list[Expression](), list[Expression]()
    stack = list(factors)
    while stack:
        f = stack.pop(0)
        match f:
            case Product(inner):
                stack[:0] = inner
            case Negative(operand) | Sum(((-1, operand),)):
                number = -number
                stack.insert(0, operand)
            case Quotient(p, q):
                stack.insert(0, p)
                for part in q.factors if isinstance(q, Product) else (q,):
                    value = constant(part)
                    number, below = (number / value, below) if value else (number, [*below, part])
            case _ if (value := constant(f)) is not None:
                number *= value
            case _:
                above.append(f)
    return _assembled(number, above, below) if number else ZERO


def _assembled(number: Fraction, above: list[Expression], below: list[Expression]) -> Expression:
    size = abs(number)
    if size.numerator != 1 or not above:
        above = [Number(str(size.numerator)), *above]
    if size.denominator != 1:
        below = [Number(str(size.denominator)), *below]
    out = _one_or_many(above)
    if below:
        out = Quotient(out, _one_or_many(below))
    return out if number > 0 else Negative(out)


def _one_or_many(factors: list[Expression]) -> Expression:
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def quotient(above: Expression, below: Expression) -> Expression:
    """above / below, put together as a product is."""
    return product(Quotient(above, below))


def total(*terms: tuple[int, Expression]) -> Expression:
    """A sum without its zeros; a term with a plus goes first where there is one: y - t and not -t + y."""
    flat = [term for sign, e in terms for term in _terms(sign, e)]
    if not flat:
        return ZERO
    first = next((k for k, (sign, _) in enumerate(flat) if sign > 0), 0)
    (sign, head), *rest = flat[first], *flat[:first], *flat[first + 1 :]
    if rest:
        return Sum(((sign, head), *rest))
    return head if sign > 0 else Negative(head)


def _terms(sign: int, e: Expression) -> list[tuple[int, Expression]]:
    match e:
        case Sum(parts):
            return [term for s, part in parts for term in _terms(sign * s, part)]
        case Negative(operand):
            return _terms(-sign, operand)
        case _:
            return [] if constant(e) == 0 else [(sign, e)]


def power(base: Expression, exponent: int) -> Expression:
    """A whole power; base for 1, and 1 for 0."""
    return ONE if exponent == 0 else base if exponent == 1 else Power(base, exponent)


def folded(e: Expression) -> Expression:
    """A product of bare numbers as one number; anything else as it is."""
    values = [constant(f) for f in e.factors] if isinstance(e, Product) else [None]
    return e if None in values else Number(str(math.prod(v for v in values if v is not None)))
