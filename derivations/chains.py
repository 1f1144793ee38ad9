"""A derivation as values: lines that follow one another, chained, under headings; a sentence where an idea enters."""

from __future__ import annotations

from dataclasses import dataclass

from derivations.expression import Expression
from derivations.names import Quantity

__all__ = ["Chain", "Line", "Part", "Sentence"]

Sentence = tuple[str | Expression, ...]
"""Words, and names and formulas between them."""


@dataclass(frozen=True)
class Line:
    """`relation right`, by `rule` (a key of the words).  `numbers`: names replaced by numbers; `marked`: shown digits

    that do not reproduce what is shown, because more were carried.
    """

    relation: str
    right: Expression
    rule: str = ""
    numbers: bool = False
    marked: bool = False


@dataclass(frozen=True)
class Chain:
    """`left` and the lines that follow it; `quantity` is what it derives, None for a general fact.

    `sentences` stand before it.  `array` is the array that a general line derives, "" else.
    """

    left: Expression
    lines: tuple[Line, ...]
    quantity: Quantity | None = None
    sentences: tuple[Sentence, ...] = ()
    array: str = ""


@dataclass(frozen=True)
class Part:
    """Chains under one heading (a key of the words).

    `sentences` stand below the heading.  `whole`: E in it is that of all samples together, elsewhere one sample's own.
    `sample` says of which one, of how many, (0, 0) where there is no need.
    """

    heading: str
    chains: tuple[Chain, ...]
    layer: int = 0
    sentences: tuple[Sentence, ...] = ()
    whole: bool = False
    sample: tuple[int, int] = (0, 0)
