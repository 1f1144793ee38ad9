"""Sheets as they were read, what stands in their cells, and how each number is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracer.answers.reading.entries import Sheet
from tracer.marking.cells import Cells
from tracer.marking.judging import Judged, judged
from tracer.marking.key import Key

__all__ = ["Read"]


@dataclass(frozen=True)
class Read:
    """Sheets in their own names, the same with what their entries are of the step, the cells, the verdicts."""

    key: Key
    sheets: Sequence[Sheet]
    own: Sequence[Sheet]
    cells: Cells
    judged: Judged

    @classmethod
    def of(cls, key: Key, sheets: Sequence[Sheet]) -> Read:
        """The sheets, judged."""
        own = [key.read(sheet) for sheet in sheets]
        cells = Cells.of(key.problem, own, key.is_exact)
        return cls(key, sheets, own, cells, judged(key, cells))
