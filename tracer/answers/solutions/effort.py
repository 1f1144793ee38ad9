"""What checking one document may cost, counted in parts of formulas: past it the rest is not checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derivations.reading.nodes import size

__all__ = ["A_WAY", "MOST_WORK", "Effort", "Spent"]

MOST_WORK = 78_000
"""Parts of formulas worked, in all ways of reading a document together; the longest real solutions need half of it."""
A_WAY = 3
"""Which part of that one way may take: the way that is taken is worked again where marking accepts numbers in it."""
A_SIDE = 10  # what holding one side against another costs beside its parts


class Spent(Exception):
    """No effort is left."""


@dataclass
class Effort:
    """How many parts of formulas may still be worked, and how many were."""

    left: int
    used: int = 0

    def spend(self, parts: int) -> None:
        """Count so many.  Raises Spent where they are too many."""
        self.left -= parts
        self.used += parts
        if self.left < 0:
            raise Spent

    def work(self, trees: list[Any]) -> None:
        """Count formulas that are held against each other, before anything is done with them.  Raises Spent."""
        self.spend(A_SIDE * len(trees) + size(trees, max(self.left, 0) + 1))

    def write_out(self, trees: list[Any], resolved: list[Any], *, general: bool) -> None:
        """Count what sums have more when they are written out; what is general is worked in drawn networks too."""
        most = max(self.left, 0) + 1
        written = size(resolved, most)
        self.spend(max(written - size(trees, most), 0) + (A_SIDE * len(trees) + 2 * written if general else 0))
