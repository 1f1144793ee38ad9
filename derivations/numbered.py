"""The numbers put into a formula, and its value: the last lines of a chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from derivations.chains import Line
from derivations.evaluation import chosen, relation, reproduces
from derivations.expression import Choice, Expression, Name, Number, replaced
from derivations.quantity import Quantity

__all__ = ["number_lines"]


def number_lines(
    q: Quantity, formula: Expression, texts: Mapping[Quantity, str], rounding: Any = None
) -> Iterator[Line]:
    """The shown numbers put in, and the shown value; nothing where the numbers at hand do not hold them."""
    shown = texts.__getitem__
    try:
        taken, text = chosen(formula, shown), shown(q)
        numbers = replaced(taken, lambda leaf: Number(shown(leaf)))
        sign = relation(taken, text, shown)
    except KeyError:
        return
    if isinstance(formula, Choice) or numbers != Number(text):
        yield Line("=", numbers, "numbers", numbers=True)
    if numbers != Number(text) or isinstance(formula, Name):
        marked = sign != "=" and not reproduces(numbers, text, rounding)
        yield Line(sign, Number(text), "", numbers=True, marked=marked)
