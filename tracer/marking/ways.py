"""Equal ways to work a line, which give another last digit to one who goes on from rounded numbers: all are right.

The slope of a function may be worked from what goes into it, 1 - tanh(a)², and not from what came out, 1 - z²; a delta
that has a short form by the slope, the long way; a sum of quotients or of several factors term by term, each rounded,
and not the sum before it is divided.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from derivations.equations import Equation, Step
from derivations.expression import Call, Expression, Index, Over, Product, Quotient, Ref, Sum
from derivations.function import entry
from derivations.shapes import substituted
from derivations.uses import filled, slopes

__all__ = ["Way", "ways"]

MOST_TERMS = 6
"""Of a sum that is written out."""


@dataclass(frozen=True)
class Way:
    """A line worked otherwise; whether only one who rounds within it comes to another number."""

    equation: Equation
    rounding: bool


def ways(step: Step, e: Equation) -> Iterator[Way]:
    """The other ways to work a line."""
    if (slope := _from_the_argument(step, e)) is not None:
        yield Way(replace(e, right=slope), rounding=False)
    if (long := _long_way(step, e)) is not None:
        yield Way(replace(e, right=long), rounding=False)
    terms = _terms(step, e.right)
    if terms is not None:
        yield Way(replace(e, right=terms), rounding=True)


def _from_the_argument(step: Step, e: Equation) -> Expression | None:
    """The slope of a named function with its value worked again."""
    made = [own for own in step.equations if own.left.name == e.of and own.left.at == e.left.at]
    call = made[0].right if made else None
    if e.why != "slope" or not isinstance(call, Call) or len(call.arguments) != 1:
        return None
    if not entry(call.function).named or not isinstance(call.arguments[0], Ref):
        return None
    return filled(slopes(entry(call.function))[0], call.arguments, call)


def _long_way(step: Step, e: Equation) -> Expression | None:
    """Of a signal in short, y - t, the product of slope (or Jacobian) and signal that it is short for."""
    if e.why != "fused":
        return None
    made = next((own.left for own in step.equations if own.stage == "forward" and _reads(own, e.of)), None)
    about = {own.why: own.left for own in step.equations if made and own.of == made.name}
    if made is None or "signal" not in about:
        return None
    if "slope" in about:
        return Product((about["slope"], about["signal"]))
    if "jacobian" not in about:
        return None
    first, second = about["jacobian"].at[:2]
    assert isinstance(first, Index)
    assert isinstance(second, Index)
    signal = substituted(about["signal"], {first.letter: second})
    turned = Ref(about["jacobian"].name, (second, first, *about["jacobian"].at[2:]))
    return Over("sum", (second.letter,), Product((turned, signal)))


def _reads(e: Equation, name: str) -> bool:
    return any(r.name == name for r in e.reads)


def _terms(step: Step, e: Expression) -> Expression | None:
    """A sum of few quotients, or of products of several factors, written out."""
    if not isinstance(e, Over) or e.op != "sum" or not all(l in step.ranges for l in e.letters):
        return None
    several = isinstance(e.body, Quotient) or (isinstance(e.body, Product) and len(e.body.factors) > 2)
    values = [range(low, high + 1) for low, high in (step.ranges[l] for l in e.letters)]
    if not several or not 1 < math.prod(map(len, values)) <= MOST_TERMS:
        return None
    places = (dict(zip(e.letters, own, strict=True)) for own in itertools.product(*values))
    return Sum(tuple((1, substituted(e.body, {l: Index((), v) for l, v in at.items()})) for at in places))
