"""The value of a written formula to as many digits as asked for: a pocket calculator, for proofs and shown numbers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

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
from derivations.quantity import Quantity

__all__ = ["chosen", "evaluate", "fraction_of", "holds", "pocket", "relation", "reproduces", "value"]

POCKET_DIGITS = 130  # more than any rounding shows


def value(e: Expression, leaf: Callable[[Quantity], Any]) -> Any:
    """The mpmath value at the precision in force; `leaf` gives a quantity's.

    Raises ArithmeticError where there is none (1/0, log 0) and ValueError for what is no formula of numbers.
    """
    import mpmath

    match e:
        case Name(quantity):
            return leaf(quantity)
        case Number("pi"):
            return +mpmath.pi
        case Number(text):
            exact = fraction_of(text)
            if exact is None:
                raise ArithmeticError(f"{text} is no finite number")
            return mpmath.mpf(exact.numerator) / exact.denominator
        case Sum(terms):
            return mpmath.fsum(sign * value(term, leaf) for sign, term in terms)
        case Product(factors):
            return _product(factors, leaf)
        case Quotient(above, below):
            return value(above, leaf) / value(below, leaf)
        case Power(base, exponent):
            return _power(value(base, leaf), exponent if isinstance(exponent, int) else value(exponent, leaf))
        case Negative(operand):
            return -value(operand, leaf)
        case Choice(test, positive, otherwise):
            return value(positive if value(test, leaf) > 0 else otherwise, leaf)
        case Largest(entry, extreme) | Smallest(entry, extreme):
            return mpmath.mpf(value(entry, leaf) == value(extreme, leaf))
        case Call("max" | "min" as op, arguments):
            return (max if op == "max" else min)(value(a, leaf) for a in arguments)
        case Call(function, (argument,)):
            return _called(function, value(argument, leaf))
    raise ValueError(f"no value: {e!r}")


def _power(base: Any, exponent: Any) -> Any:
    if base < 0 and exponent != int(exponent):
        raise ArithmeticError("a root of what is negative")
    return base**exponent


def _product(factors: tuple[Expression, ...], leaf: Callable[[Quantity], Any]) -> Any:
    import mpmath

    values, infinite = [], None
    for factor in factors:
        try:
            values.append(value(factor, leaf))
        except ArithmeticError as e:
            infinite = e
    if 0 in values:
        return mpmath.mpf(0)  # 0 log 0 = 0
    if infinite:
        raise infinite
    return mpmath.fprod(values)


def _called(function: str, a: Any) -> Any:
    import mpmath

    if function == "max0":
        return a if a > 0 else a * 0
    if function == "Phi":
        return mpmath.erfc(-a / mpmath.sqrt(2)) / 2
    if (function == "log" and a <= 0) or (function == "sqrt" and a < 0):
        raise ArithmeticError(f"{function} of {a}")
    if function not in _IN_MPMATH:
        raise ValueError(f"no value: {function} of {a}")
    return getattr(mpmath, _IN_MPMATH[function])(a)


_IN_MPMATH = {name: name for name in ("exp", "log", "tanh", "sqrt", "sin", "cos", "expm1", "log1p")} | {"abs": "fabs"}


def pocket(e: Expression) -> Fraction | None:
    """The value of a formula of bare numbers, exact where it is rational; None where it has none.

    >>> pocket(Product((Number("0.4433"), Number("0.1473"))))
    Fraction(6529809, 100000000)
    """
    exact = evaluate(e, lambda q: None, fraction_of)
    if exact is not None:
        return Fraction(exact)
    import mpmath

    try:
        with mpmath.workdps(POCKET_DIGITS):
            found = value(e, lambda q: None)
            sign, mantissa, exponent, _ = found._mpf_
    except (ArithmeticError, ValueError, TypeError):
        return None
    if not mantissa and found != 0:
        return None  # an infinity
    size = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -size if sign else size


def reproduces(numbers: Expression, shown: str, rounding: Any = None) -> bool:
    """Whether a pocket calculator gives the shown value from the shown numbers, rounded as they are.

    `rounding.shown(value)` is how values are shown; without it, to the decimals of the shown value, halves away from
    zero.  A shown value that is infinite or not a number is not judged.
    """
    worked, wanted = pocket(numbers), fraction_of(shown)
    if wanted is None or worked is None:
        return wanted is None
    if rounding is not None:
        return bool(fraction_of(rounding.shown(worked)) == wanted)
    head, _, power = shown.lower().partition("e")
    scale = Fraction(10) ** (len(head.partition(".")[2]) - int(power or 0))
    return bool((2 * abs(worked) * scale + 1) // 2 == abs(wanted) * scale and worked * wanted >= 0)


# --- exact, or not at all ---


def evaluate(e: Expression, leaf: Callable[[Quantity], Any], number: Callable[[str], Any]) -> Any:
    """The value of a formula of `+ - * /`, powers and choices; None where it calls exp or another function.

    `leaf` gives a quantity's number, `number` reads a literal; with fractions the value is exact.
    """
    match e:
        case Name(quantity):
            return leaf(quantity)
        case Number(literal):
            return number(literal)
        case Sum(terms):
            values = [evaluate(t, leaf, number) for _, t in terms]
            known = None not in values
            return sum(s * v for (s, _), v in zip(terms, values, strict=True)) if known else None
        case Product(factors):
            return _folded([evaluate(f, leaf, number) for f in factors])
        case Quotient(above, below):
            p, q = evaluate(above, leaf, number), evaluate(below, leaf, number)
            return None if p is None or not q else p / q
        case Power(base, exponent):
            return _raised(evaluate(base, leaf, number), exponent, lambda e: evaluate(e, leaf, number))
        case Negative(operand):
            value = evaluate(operand, leaf, number)
            return None if value is None else -value
        case Call("max0", (argument,)):
            value = evaluate(argument, leaf, number)
            return None if value is None else max(value, value * 0)
        case Call("abs", (argument,)):
            value = evaluate(argument, leaf, number)
            return None if value is None else abs(value)
        case Call("max" | "min" as op, arguments):
            values = [evaluate(a, leaf, number) for a in arguments]
            return None if None in values else (max if op == "max" else min)(values)
        case Largest(entry, extreme) | Smallest(entry, extreme):
            pair = evaluate(entry, leaf, number), evaluate(extreme, leaf, number)
            return None if None in pair else number("1" if pair[0] == pair[1] else "0")
        case Choice(test, positive, otherwise):
            value = evaluate(test, leaf, number)
            return None if value is None else evaluate(positive if value > 0 else otherwise, leaf, number)
    return None


def _raised(base: Any, exponent: Any, worked: Callable[[Expression], Any]) -> Any:
    """A whole power; None for another, which is not exact."""
    n = exponent if isinstance(exponent, int) else worked(exponent)
    return None if base is None or n is None or n != int(n) else base ** int(n)


def _folded(values: list[Any]) -> Any:
    if any(value is not None and value == 0 for value in values):
        return 0  # 0 log 0 = 0
    if None in values:
        return None
    product = values[0]
    for value in values[1:]:
        product = product * value
    return product


@lru_cache(maxsize=1 << 16)
def fraction_of(text: str) -> Any:
    """The exact value of a shown number, None for what is no number."""
    try:
        return Fraction(text)
    except ValueError:  # nan, inf, pi
        return None


def relation(formula: Expression, value: str, shown: Callable[[Quantity], str]) -> str:
    """`=` where the shown numbers put into the formula give exactly the shown value, else `\u2248`."""
    exact = evaluate(formula, lambda q: fraction_of(shown(q)), fraction_of)
    return "=" if exact is not None and exact == fraction_of(value) else "\u2248"


def chosen(formula: Expression, shown: Callable[[Quantity], str]) -> Expression:
    """Each choice replaced by the branch that the numbers take."""
    while isinstance(formula, Choice):
        formula = formula.positive if holds(formula.test, shown) else formula.otherwise
    if not any(isinstance(part, Choice) for part in formula.walk()):
        return formula
    out: Expression = formula.mapped(lambda part: chosen(part, shown))
    return out


def holds(test: Expression, shown: Callable[[Quantity], str]) -> bool:
    """Whether the test of a choice is positive with the numbers that are shown."""
    value = _tested(test, shown)
    return value is not None and value > 0


def _tested(test: Expression, shown: Callable[[Quantity], str]) -> Any:
    """The value of a test, exactly where it has no exp or the like in it; None where it has none."""
    exact = evaluate(test, lambda q: fraction_of(shown(q)), fraction_of)
    if exact is not None:
        return exact
    import mpmath

    try:
        return value(test, lambda q: mpmath.mpf(shown(q)))
    except (ArithmeticError, ValueError):  # nan, 1/0
        return None
