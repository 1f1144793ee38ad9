"""Conditions among factors, and what beside them may not be finite where an array is read past its ends."""

from __future__ import annotations

from collections.abc import Iterator

from derivations.expression import Call, Expression, Negative, Power, Product, Quotient, Same, Within

__all__ = ["conditions", "may_fail"]


def conditions(e: Expression) -> list[Same | Within]:
    """The conditions among the factors of an expression."""
    match e:
        case Negative(operand):
            return conditions(operand)
        case Product(factors):
            return [f for f in factors if isinstance(f, Same | Within)]
    return [e] if isinstance(e, Same | Within) else []


def may_fail(e: Expression) -> Iterator[Expression]:
    """The parts that are not finite for a 0: what is divided by, the arguments of functions, negative powers."""
    for x in e.walk():
        match x:
            case Quotient(_, below):
                yield below
            case Call(_, arguments):
                yield from arguments
            case Power(base, exponent) if not isinstance(exponent, int) or exponent < 0:
                yield base
