"""Sheets several times beside each other, so that several slips are worked at once: the first copy has the first slip.

What is the same on all copies is repeated when it is first read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tracer.marking.carrying import Followed, Recording
from tracer.marking.cells import Cells
from tracer.marking.discipline import Discipline
from tracer.marking.spans import Span

__all__ = ["Copies"]


class Copies:
    """So many copies of sheets, of what they go on with and what is carried, after a run without slips."""

    def __init__(self, cells: Cells, discipline: Discipline, base: Followed, count: int) -> None:
        self.base, self.count, self.sheets = base, count, cells.count
        self.cells = cells if count == 1 else cells.take(np.tile(np.arange(cells.count), count))
        self.recording = Recording(self.cells, discipline, "own", Followed(base.m))
        self._kept: dict[tuple[int, int, str], Span] = {}

    @cached_property
    def _arrays(self) -> list[_Repeated]:
        return [_Repeated(known, self.count) for known in self.base.arrays]

    def arrays(self, k: int) -> dict[str, Any]:
        """The arrays of a pass, to be changed."""
        return _Over(self._arrays[k])

    def kept(self, key: tuple[int, int, str]) -> Span:
        """What is carried of a part without a slip."""
        if key not in self._kept:
            self._kept[key] = self.base.kept[key].repeated(self.count)
        return self._kept[key]

    def of_one(self, changed: dict[str, Any], k: int, copy: int) -> dict[str, Any]:
        """The arrays of a pass on one copy alone, where some of them are changed."""
        first = copy * self.sheets
        return _OfOne(self.base.arrays[k], changed, slice(first, first + self.sheets))

    def beside(self, several: Sequence[Span]) -> Span:
        """What was worked on each copy alone, beside each other."""
        if len(several) == 1:
            return several[0]
        low, high = (
            np.concatenate([np.broadcast_to(e, (*e.shape[:-1], self.sheets)) for e in ends], axis=-1)
            for ends in zip(*(span.ends for span in several), strict=True)
        )
        out = Span(self.base.m, low, high, fresh=several[0].fresh)
        among = [span.among for span in several]
        if all(one is not None for one in among):
            out.among = self.beside([one for one in among if one is not None])
        return out


class _Repeated(dict[str, Any]):
    """Arrays that are repeated when they are first read."""

    def __init__(self, known: dict[str, Any], count: int) -> None:
        super().__init__()
        self.known, self.count = known, count

    def __missing__(self, name: str) -> Any:
        array = self.known[name]
        self[name] = array.repeated(self.count) if isinstance(array, Span) else array
        return self[name]


class _Over(dict[str, Any]):
    """Arrays of which some are changed."""

    def __init__(self, rest: _Repeated) -> None:
        super().__init__()
        self.rest = rest

    def __missing__(self, name: str) -> Any:
        return self.rest[name]


class _OfOne(dict[str, Any]):
    """Arrays of which some are changed, on one copy; what is the same on all copies is on each."""

    def __init__(self, rest: dict[str, Any], changed: dict[str, Any], own: slice) -> None:
        super().__init__()
        self.rest, self.changed, self.own = rest, changed, own

    def __missing__(self, name: str) -> Any:
        array = self.changed[name] if name in self.changed else self.rest[name]
        if name in self.changed and isinstance(array, Span):
            array = self[name] = array.through(lambda a: a[..., self.own] if a.shape[-1] > 1 else a)
        return array
