"""What the step page shows of a number, and of the numbers that one rule gives."""

from __future__ import annotations

from dataclasses import dataclass

from derivations.quantity import Quantity

__all__ = ["Group", "Step"]


@dataclass(frozen=True)
class Step:
    """One number: `id` is its place in the page's address, `part` the sample it belongs to ("" for all of them).

    `cell` is where the drawing shows it, where that is another number's place: a signal's is its value's.
    """

    quantity: Quantity
    id: str
    part: str
    place: str
    math: str
    value: str
    reads: tuple[str, ...]
    cell: str = ""


@dataclass(frozen=True)
class Group:
    """Steps that follow the same rule in the same layer, with the rule's name and the rule in a sentence.

    `general` is the rule with its letters, as MathML; "" where the sentence says it all.
    """

    stage: str
    heading: str
    why: str
    steps: tuple[Step, ...]
    general: str = ""
