"""One equation an entry: sums written out, conditions decided, functions as their formulas.

For tables, marking cells, proofs and reading.  Nothing is simplified beyond what a condition decides: what it decides
to be nothing is `ZERO` itself, any other 0 is a number that is shown.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from derivations.entry_parts import EntryParts, Leaf
from derivations.equations import Equation, Range, Step
from derivations.expression import Expression, Index, Over, Ref
from derivations.parts import Values

__all__ = ["Entries", "Entry", "Leaf", "terms_of"]


class Entry(NamedTuple):
    """One number of a step: the array it stands in, its indices, the formula that defines it."""

    name: str
    at: tuple[int, ...]
    formula: Expression


class _Ready(NamedTuple):
    """An equation made ready: where each of its entries stands, and its formula."""

    equation: Equation
    place: Callable[[Values], tuple[int, ...]]
    formula: Callable[[Values], Expression]


def as_ref(name: str, at: tuple[int, ...]) -> Expression:
    """An entry as a reference with whole numbers."""
    return Ref(name, tuple(Index((), i) for i in at))


class Entries:
    """Writes out equations of a step.  `count` is the number of the step, which Adam's powers need."""

    def __init__(self, step: Step, leaf: Leaf = as_ref, count: int = 1) -> None:
        self.ranges: Mapping[str, Range] = step.ranges
        self._parts = EntryParts(step, leaf, count)
        self._known: dict[int, _Ready] = {}

    def of(self, e: Equation, fixed: Mapping[str, int] | None = None, first: Sequence[str] = ()) -> Iterator[Entry]:
        """The entries of one equation in reading order; letters of `first` vary last: a whole sample after another."""
        given = dict(fixed or {})
        own = [i.letter for i in e.left.at if isinstance(i, Index) and i.letter and i.letter not in given]
        letters = [*(l for l in first if l in own), *(l for l in own if l not in first)]
        runs = [range(self.ranges[l][0], self.ranges[l][1] + 1) for l in letters]
        _, place, formula = self._ready(e)
        for at in itertools.product(*runs):
            values = given | dict(zip(letters, at, strict=True))
            yield Entry(e.left.name, place(values), formula(values))

    def one(self, e: Equation, at: Sequence[int]) -> Expression | None:
        """The formula of one entry of an equation; None where the equation does not define it."""
        values: dict[str, int] = {}
        for i, here in zip(e.left.at, at, strict=True):
            low, high = (0, 0) if not isinstance(i, Index) else self.ranges[i.letter] if i.letter else (i.plus, i.plus)
            if not isinstance(i, Index) or not low <= here <= high:
                return None
            if i.letter:
                values[i.letter] = here
        return self._ready(e).formula(values)

    def _ready(self, e: Equation) -> _Ready:
        """An equation is made ready once for all values of a recurrence, and known by itself: comparing would cost."""
        if id(e) not in self._known:
            place = self._parts.place(e.left.at)
            self._known[id(e)] = _Ready(e, place.at, self._parts.part(e.right).within(place.letters))
        return self._known[id(e)]


def terms_of(e: Equation, ranges: Mapping[str, Range]) -> int:
    """How many terms the longest sum of a line has, written out."""
    counts = [1]
    for x in e.right.walk():
        if isinstance(x, Over):
            inner = {l for y in x.walk() if isinstance(y, Over) for l in y.letters}
            counts.append(math.prod(ranges[l][1] - ranges[l][0] + 1 for l in inner))
    return max(counts)
