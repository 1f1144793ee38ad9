"""Where the page and its drawing show the numbers of somebody's own equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derivations.equations import Role
from derivations.quantity import Quantity

if TYPE_CHECKING:
    from tracer.traces.computed import ComputedTrace

__all__ = ["Places"]

_PAGE_IDS = frozenset(
    (
        *("count", "fig", "hint", "left", "legend", "marks", "next", "now", "pick", "prev"),
        *("right", "sheet", "slide", "stages", "stated", "steps", "walk", "wrong"),
    )
)
"""The page's own places: a number called so gets another one."""


class Places:
    """The places of one trace's numbers."""

    def __init__(self, trace: ComputedTrace) -> None:
        self.arrays = trace.problem.step.arrays

    def anchor(self, q: Quantity) -> str:
        """The place in the page's address: `h-2-1`, of sample 3 `h-2-1-s3`, in step 2 `...-u2`."""
        constant = self.arrays[q.kind].role is Role.CONSTANT
        return self.base(q) + self.suffix(q.sample, 1 if constant else q.step)

    @staticmethod
    def suffix(sample: int, step: int) -> str:
        """What tells apart the same number of several samples or steps."""
        return (f"-s{sample}" if sample else "") + (f"-u{step}" if step > 1 else "")

    def base(self, q: Quantity) -> str:
        """The same without sample and step; a letter that an address would have to escape is its number in dots."""
        stem = "".join(c if c.isascii() and (c.isalnum() or c == "_") else f".{ord(c):x}." for c in q.kind)
        place = "-".join([stem, *map(str, q.indices)])
        return f"{place}." if place in _PAGE_IDS else place

    def cell(self, q: Quantity) -> str:
        """The place in the drawing: that of the value whose signal, slope, gradient, state or new value this is."""
        return self.base(q._replace(kind=self.value_of(q.kind)))

    def value_of(self, name: str) -> str:
        """The array of the forward step that an array belongs to: itself, W of dW and W_new."""
        while self.arrays[name].of in self.arrays:
            name = self.arrays[name].of
        return name
