"""A derivation as values: lines that follow one another, chained, under headings."""

from __future__ import annotations

from dataclasses import dataclass

from derivations.expression import Expression
from derivations.names import Quantity

__all__ = ["Chain", "Line", "Part"]


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
    """`left` and the lines that follow it; `quantity` is what it derives, None for a general fact."""

    left: Expression
    lines: tuple[Line, ...]
    quantity: Quantity | None = None


@dataclass(frozen=True)
class Part:
    """Chains under one heading (a key of the words)."""

    heading: str
    chains: tuple[Chain, ...]
    layer: int = 0
