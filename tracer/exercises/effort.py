"""How much work a step is by hand: single-digit products in all its multiplications, as in long multiplication.

A number of p digits times one of q digits is p q such products; times 0 or 1 is none.  The count of a whole equation is
the equation itself with digits in place of numbers: Σ_i W[j,i]*x[i] counts Σ_i d(W[j,i]) d(x[i]).
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from derivations.expression import Call, Choice, Expression, Negative, Number, Over, Power, Product, Quotient, Ref, Sum
from derivations.program import Task
from tracer.exercises.working import Together
from tracer.marking.spans import Span

__all__ = ["efforts"]

NONE = Number("0")


def efforts(together: Together) -> np.ndarray:
    """The count of each variant."""
    shape, total = together.shape, np.zeros(together.count)
    m = shape.key.runs.points
    for own, arrays in zip(shape.passes, together.right.arrays, strict=True):
        digits = {name: _digits(array, shape.figures) for name, array in arrays.items()}
        for task in own.program.tasks:
            count = _count(task.equation.right, shape.figures)
            if count == NONE:
                continue
            with m.working():
                work = own.program.planned(Task(replace(task.equation, right=count), task.fixed), m).work
                low = m.of(work(digits)).low
            total += np.broadcast_to(low, (*low.shape[:-1], together.count)).reshape(-1, together.count).sum(axis=0)
    return np.rint(total).astype(int)


def _count(e: Expression, figures: int) -> Expression:
    """What the products of an expression come to, with digits in place of its numbers."""
    match e:
        case Ref() | Number():
            return NONE
        case Product(factors):
            inner = [_count(f, figures) for f in factors]
            return _sum([_product([_size(f, figures) for f in factors]), *inner])
        case Quotient(above, below):
            inner = [_count(above, figures), _count(below, figures)]
            return _sum([_product([_size(above, figures), _size(below, figures)]), *inner])
        case Power(base):
            return _sum([_product([_size(base, figures)] * 2), _count(base, figures)])
        case Sum(terms):
            return _sum([_count(term, figures) for _, term in terms])
        case Over(_, letters, body):
            inside = _count(body, figures)
            return NONE if inside == NONE else Over("sum", letters, inside)
        case Negative(inner):
            return _count(inner, figures)
        case Call(_, arguments):
            return _sum([_count(a, figures) for a in arguments if isinstance(a, Expression)])
        case Choice(_, yes, no):
            return _sum([_count(yes, figures), _count(no, figures)])
    return NONE


def _size(e: Expression, figures: int) -> Expression:
    """The digits of a factor; of what is worked on the way as many as are kept."""
    match e:
        case Ref():
            return e
        case Number(text):
            digits = text.replace(".", "").strip("-0")
            return Number(str(0 if digits in ("", "1") else len(digits)))
    return Number(str(figures))


def _product(sizes: list[Expression]) -> Expression:
    """Digits times digits; those of numbers that stand in the equation are known."""
    known = prod(int(size.text) for size in sizes if isinstance(size, Number))
    others = [size for size in sizes if not isinstance(size, Number)]
    if not known or not others:
        return Number(str(known))
    factors = [*([Number(str(known))] if known > 1 else []), *others]
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def _sum(terms: list[Expression]) -> Expression:
    left = [t for t in terms if t != NONE]
    return NONE if not left else left[0] if len(left) == 1 else Sum(tuple((1, t) for t in left))


def _digits(array: Any, figures: int) -> Any:
    """The digits of each number of an array, rounded to so many figures, without the zeros at their ends."""
    if not isinstance(array, Span):
        return array
    size = np.abs(array.low)
    with np.errstate(all="ignore"):
        power = np.floor(np.log10(size) + 1e-12)
        units = np.rint(size / 10.0 ** (power - figures + 1))
    units = np.where(np.isfinite(units), units, 0.0)
    count = np.where(units > 0, float(figures), 0.0)
    for k in range(1, figures):
        count = np.where((units > 0) & (units % 10.0**k == 0), figures - k, count)
    count = np.where((size == 0) | (size == 1), 0.0, count)
    return Span(array.m, count, count, fresh=False)
