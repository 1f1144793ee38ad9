"""Parts of an entry's formula put together as they are read, without what a condition decided to be nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from derivations.building import ONE, ZERO, folded
from derivations.expression import Call, Choice, Expression, Name, Negative, Number, Product, Quotient, Ref, Sum
from derivations.function import ARGUMENTS, Function, entry
from derivations.uses import filled, opened

__all__ = ["added", "called", "chosen", "divided", "multiplied", "negative"]


def negative(e: Expression) -> Expression:
    """-e; of a negative one what it takes away."""
    return ZERO if e is ZERO else e.operand if isinstance(e, Negative) else Negative(e)


def divided(above: Expression, below: Expression) -> Expression:
    """above / below"""
    return ZERO if above is ZERO else Quotient(above, below)


def chosen(test: Expression, positive: Expression, otherwise: Expression) -> Expression:
    """A choice; of two that are the same the one."""
    return positive if positive == otherwise else Choice(test, positive, otherwise)


def added(terms: Iterable[tuple[int, Expression]]) -> Expression:
    """A sum as it is read: a sum that is added is continued, one that is taken away stays in brackets."""
    flat: list[tuple[int, Expression]] = []
    for sign, e in terms:
        if e is ZERO:
            continue
        if sign > 0 and isinstance(e, Sum):
            flat += e.terms
        elif sign > 0 and isinstance(e, Negative):
            flat.append((-1, e.operand))
        else:
            flat.append((sign, e))
    if not flat:
        return ZERO
    if len(flat) > 1:
        return Sum(tuple(flat))
    ((sign, only),) = flat
    return only if sign > 0 else Negative(only)


def multiplied(decided: Sequence[bool]) -> Callable[[Sequence[Expression]], Expression]:
    """Factors in order; a sign that a condition leaves of one of those `decided` stands in front."""
    return (lambda found: _signed(found, decided)) if any(decided) else _product


def _product(found: Sequence[Expression]) -> Expression:
    if len(found) > 1:
        return folded(Product(tuple(found)))
    return found[0] if found else ONE


def _signed(found: Sequence[Expression], decided: Sequence[bool]) -> Expression:
    turned = [d and isinstance(f, Negative) for f, d in zip(found, decided, strict=True)]
    bare = [f.operand if isinstance(f, Negative) and t else f for f, t in zip(found, turned, strict=True)]
    return Negative(_product(bare)) if sum(turned) % 2 else _product(bare)


def called(name: str | Function) -> Callable[..., Expression]:
    """The function's formula, where no long argument is written twice; else the function by its name."""
    function = entry(name)
    formula = opened(function)
    if formula is None:
        return lambda *arguments: Call(name, arguments)
    read = [x.name for x in formula.walk() if isinstance(x, Ref)]
    kept = [function.named or read.count(a) > 1 for a in ARGUMENTS]

    def call(*arguments: Expression) -> Expression:
        if any(k and not isinstance(a, Ref | Name | Number) for k, a in zip(kept, arguments, strict=False)):
            return Call(name, arguments)
        return _opened(filled(formula, arguments, ZERO))

    return call


def _opened(e: Expression) -> Expression:
    """A formula's own calls opened too: exp(a) - 1 for expm1, which nobody writes, and functions of the file."""
    if isinstance(e, Call):
        return called(e.function)(*map(_opened, e.arguments))
    out: Expression = e.mapped(_opened)
    return out
