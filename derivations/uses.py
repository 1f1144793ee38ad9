"""The uses of arrays in one equation, each with what the chain rule brings it: sum, product, quotient, power, function.

For `left = right` with the signal g = dE/d left, a use X[at] in right receives g times the derivative of right by it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

from derivations.building import ONE, ZERO, constant, one_less, power, product, quotient, total
from derivations.expression import (
    Call,
    Choice,
    Expression,
    Index,
    Largest,
    Negative,
    Number,
    Over,
    Power,
    Product,
    Quotient,
    Ref,
    Same,
    Size,
    Smallest,
    Sum,
    Within,
    letter,
)
from derivations.function import ARGUMENTS, FUNCTIONS, Function, entry
from derivations.language import expression
from derivations.shapes import substituted

__all__ = ["APART", "Use", "filled", "opened", "slopes", "uses"]

APART = "#"
"""Marks a letter that was renamed on entering a sum, so that it is nobody else's: without it bound letters capture."""


class Use(NamedTuple):
    """A place where an array is read, what reaches it there, and the letters that are summed over."""

    ref: Ref
    reaches: Expression
    bound: tuple[str, ...]


def filled(formula: str | Expression, arguments: tuple[Expression, ...], value: Expression) -> Expression:
    """A function's formula with its arguments (a, b) and its value (z) put in."""
    known = dict(zip(ARGUMENTS, arguments, strict=False)) | {"z": value}

    def put(e: Expression) -> Expression:
        out: Expression = known.get(e.name, e) if isinstance(e, Ref) else e.mapped(put)
        return out

    return put(expression(formula) if isinstance(formula, str) else formula)


def opened(function: Function) -> Expression | None:
    """A function's formula in its arguments; None for one that is written by its name, such as exp or max."""
    if function.own is not None:
        return function.own
    return expression(function.value) if function.value and not function.by_name else None


@lru_cache(maxsize=256)
def slopes(function: Function) -> tuple[str | Expression, ...]:
    """The derivative in each argument: as the entry has it, or by the chain rule for a function of the file."""
    if function.own is None:
        return function.slopes
    found = list(uses(function.own, function.own, ONE))
    return tuple(total(*((1, use.reaches) for use in found if use.ref.name == a)) for a in ARGUMENTS[: function.inputs])


def spread(g: Expression, of: Callable[[Expression], Expression]) -> Expression:
    """What is made of a signal, of each branch where it is a choice."""
    return Choice(g.test, spread(g.positive, of), spread(g.otherwise, of)) if isinstance(g, Choice) else of(g)


def _signed(sign: int, g: Expression) -> Expression:
    return total((sign, g))


def scaled(by: Expression, g: Expression) -> Expression:
    """The product of a derivative and a signal; a choice of signals, or of derivatives, stays a choice."""
    if isinstance(g, Choice):
        return spread(g, lambda part: scaled(by, part))
    if constant(g) == 0:
        return ZERO
    if isinstance(by, Choice):
        return Choice(by.test, scaled(by.positive, g), scaled(by.otherwise, g))
    return product(by, g)


def uses(right: Expression, value: Expression, g: Expression) -> Iterator[Use]:
    """Every use in the right side of an equation.  `value` is its left side, whose signal is g."""
    count = itertools.count(2)

    def entered(x: Over) -> tuple[tuple[str, ...], Expression]:
        """The letters of a sum kept apart from all others, and what is summed."""
        apart: dict[str, Index] = {l: letter(l + APART * next(count)) for l in x.letters}
        return tuple(a.letter for a in apart.values()), substituted(x.body, apart)

    def push(x: Expression, g: Expression, bound: tuple[str, ...]) -> Iterator[Use]:
        match x:
            case _ if constant(g) == 0:
                return
            case Ref():
                yield Use(x, g, bound)
            case Sum(parts):
                for sign, part in parts:
                    yield from push(part, spread(g, partial(_signed, sign)), bound)
            case Negative(operand):
                yield from push(operand, spread(g, partial(_signed, -1)), bound)
            case Product(factors):
                for k, f in enumerate(factors):
                    yield from push(f, _times(factors[:k], factors[k + 1 :], g), bound)
            case Quotient(above, below):
                yield from push(above, spread(g, lambda h: quotient(h, below)), bound)
                yield from _below(push, above, below, g, bound)
            case Power(base, int(exponent)):
                yield from push(base, scaled(product(Number(str(exponent)), power(base, exponent - 1)), g), bound)
            case Power(base, exponent):
                lower = one_less(exponent)
                yield from push(base, scaled(product(exponent, Power(base, lower) if lower else ONE), g), bound)
            case Call(name, arguments):
                own = value if x is right else x
                for argument, slope in zip(arguments, slopes(entry(name, FUNCTIONS)), strict=True):
                    yield from push(argument, scaled(filled(slope, arguments, own), g), bound)
            case Choice(test, positive, otherwise):
                yield from push(positive, Choice(test, g, ZERO), bound)
                yield from push(otherwise, Choice(test, ZERO, g), bound)
            case Over(op, counted, _):
                letters, body = entered(x)
                if op == "mean":
                    g = quotient(g, product(*map(Size, counted)))
                elif op in ("max", "min"):
                    g = product(Largest(body, value) if op == "max" else Smallest(body, value), g)
                yield from push(body, g, bound + letters)
            case Number() | Size() | Same() | Within():
                return
            case _:
                raise TypeError(f"no derivative is known of {type(x).__name__}")

    yield from push(right, g, ())


def _times(before: tuple[Expression, ...], after: tuple[Expression, ...], g: Expression) -> Expression:
    return spread(g, lambda part: product(*before, *after, part))


def _below(
    push: Callable[..., Iterator[Use]], above: Expression, below: Expression, g: Expression, bound: tuple[str, ...]
) -> Iterator[Use]:
    """d(p/f^n)/df = -n p/f^(n+1), factor by factor of the denominator."""
    factors = below.factors if isinstance(below, Product) else (below,)
    for k, f in enumerate(factors):
        base, n = (f.base, f.exponent) if isinstance(f, Power) and isinstance(f.exponent, int) else (f, 1)
        rest = product(*factors[:k], *factors[k + 1 :], power(base, n + 1))
        factor = product(Number(str(n)), above)

        def reaches(h: Expression, factor: Expression = factor, rest: Expression = rest) -> Expression:
            return total((-1, quotient(product(factor, h), rest)))

        yield from push(base, spread(g, reaches), bound)
