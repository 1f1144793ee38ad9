"""Putting written expressions together as on a board: numbers in front, what cancels cancelled, no more."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from derivations.evaluation import fraction_of
from derivations.expression import Call, Choice, Expression, Negative, Number, Power, Product, Quotient, Sum
from derivations.function import entry

__all__ = ["ONE", "ZERO", "constant", "one_less", "power", "product", "quotient", "total"]

MOST_PLACES = 40
"""Longer decimals stay fractions."""
ZERO, ONE = Number("0"), Number("1")


def constant(e: Expression) -> Fraction | None:
    """The value of a bare number, None for anything else."""
    return fraction_of(e.text) if isinstance(e, Number) else None


def product(*factors: Expression) -> Expression:
    """Factors in order, their numbers multiplied and in front, their denominators below, their signs before all.

    Where one was written as a decimal, so is what they multiply to: 0.01 x, not x/100.
    """
    number, above, below, decimal = Fraction(1), list[Expression](), list[Expression](), False
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
                number, decimal = number * value, decimal or (isinstance(f, Number) and "." in f.text)
            case _:
                above.append(f)
    return _assembled(number, above, below, decimal) if number else ZERO


def _assembled(number: Fraction, above: list[Expression], below: list[Expression], decimal: bool) -> Expression:
    size = abs(number)
    if decimal and size.denominator != 1 and (text := _as_decimal(size)):
        above, size = [Number(text), *above], Fraction(1)
    if size.numerator != 1 or not above:
        above = [Number(str(size.numerator)), *above]
    if size.denominator != 1:
        below = [Number(str(size.denominator)), *below]
    out = _one_or_many(above)
    if below:
        out = Quotient(out, _one_or_many(below))
    return out if number > 0 else Negative(out)


def _as_decimal(number: Fraction) -> str:
    """A fraction of a power of ten as its decimal, "" for another."""
    places = next((n for n in range(MOST_PLACES) if 10**n % number.denominator == 0), 0)
    digits = str(number.numerator * 10**places // number.denominator).zfill(places + 1)
    return f"{digits[:-places]}.{digits[-places:]}" if places else ""


def _one_or_many(factors: list[Expression]) -> Expression:
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def quotient(above: Expression, below: Expression) -> Expression:
    """above / below, put together as a product is."""
    return product(Quotient(above, below))


def total(*terms: tuple[int, Expression]) -> Expression:
    """A sum without its zeros, like terms joined, a term with a plus first where there is one: y - t, not -t + y."""
    flat = _joined([term for sign, e in terms for term in _terms(sign, e)])
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


def _joined(terms: list[tuple[int, Expression]]) -> list[tuple[int, Expression]]:
    """x + x is 2x, each where it stood first, choices of one test are one; terms that are alone stay as they are."""
    terms = _chosen_together(terms) if any(isinstance(e, Choice) for _, e in terms) else terms
    if len(terms) < 2:
        return terms
    alike: dict[Expression, list[tuple[int, Expression]]] = {}
    for sign, e in terms:
        alike.setdefault(_without_number(e)[1], []).append((sign, e))
    out = list[tuple[int, Expression]]()
    for core, same in alike.items():
        if len(same) == 1:
            out += same
            continue
        number = sum((sign * _without_number(e)[0] for sign, e in same), Fraction(0))
        if number:
            size = product(Quotient(Number(str(abs(number.numerator))), Number(str(number.denominator))), core)
            out.append((1 if number > 0 else -1, size))
    return out


def _chosen_together(terms: list[tuple[int, Expression]]) -> list[tuple[int, Expression]]:
    """(p if a > b else 0) + (0 if a > b else q) is one choice."""
    alike: dict[Expression, list[tuple[int, Choice]]] = {}
    for sign, e in terms:
        if isinstance(e, Choice):
            alike.setdefault(e.test, []).append((sign, e))
    out = list[tuple[int, Expression]]()
    for sign, e in terms:
        if not isinstance(e, Choice) or len(alike.get(e.test, ())) == 1:
            out.append((sign, e))
        elif same := alike.pop(e.test, None):
            positive, otherwise = (
                total(*((s, c.positive) for s, c in same)),
                total(*((s, c.otherwise) for s, c in same)),
            )
            out.append((1, Choice(e.test, positive, otherwise)))
    return out


def _without_number(e: Expression) -> tuple[Fraction, Expression]:
    """A term's number in front and the rest: 2x/3 is 2/3 times x."""
    match e:
        case Number() if value := constant(e):
            return value, ONE
        case Product((Number() as n, *rest)) if value := constant(n):
            return value, _one_or_many(rest)
        case Quotient(above, Number() as n) if value := constant(n):
            times, core = _without_number(above)
            return times / value, core
    return Fraction(1), e


def power(base: Expression, exponent: int) -> Expression:
    """A whole power; base for 1, and 1 for 0; of a square root a power of what stands below it."""
    if isinstance(base, Call) and (root := entry(base.function).root) > 1 and exponent and exponent % root == 0:
        return power(base.arguments[0], exponent // root)
    return ONE if exponent == 0 else base if exponent == 1 else Power(base, exponent)


def one_less(exponent: Expression) -> Any:
    """n - 1 of an exponent that is no whole number: 1/2 gives -1/2, a constant n gives n - 1."""
    value = rational(exponent)
    if value is None:
        return total((1, exponent), (-1, ONE))
    value -= 1
    if value.denominator == 1:
        return int(value)
    size = Quotient(Number(str(abs(value.numerator))), Number(str(value.denominator)))
    return size if value > 0 else Negative(size)


def rational(e: Expression) -> Fraction | None:
    """The value of a formula of bare numbers."""
    match e:
        case Number():
            return constant(e)
        case Negative(operand) if (a := rational(operand)) is not None:
            return -a
        case Quotient(p, q) if (a := rational(p)) is not None and (b := rational(q)):
            return a / b
    return None


def folded(e: Expression) -> Expression:
    """A product of bare numbers as one number; anything else as it is."""
    if not isinstance(e, Product):
        return e
    values = list[Fraction]()
    for f in e.factors:
        if (value := constant(f)) is None:
            return e
        values.append(value)
    return Number(str(math.prod(values)))
