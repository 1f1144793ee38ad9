"""The cells of all sheets side by side, in the order of calculation: a column for each cell that some sheet writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derivations.network import Problem
from tracer.answers.marking.cells import Cells, Written
from tracer.answers.marking.passes import At
from tracer.answers.marking.working import Worked

__all__ = ["Columns"]

Array = Any
Place = tuple[At, tuple[int, ...]]


@dataclass(frozen=True)
class Columns:
    """What stands in each column: `places`; `number` finds a column by place, `stages` those of one array.

    `starts` are, by column, the weight or bias that an update of the first step starts from, 0 for what is no update.
    """

    places: tuple[Place, ...]
    number: Mapping[Place, int]
    stages: Mapping[At, slice]
    starts: Array

    @classmethod
    def of(cls, cells: Cells, order: Iterable[At]) -> Columns:
        """The columns of every array that some sheet writes."""
        places: list[Place] = []
        stages: dict[At, slice] = {}
        starts: list[Array] = []
        for at in order:
            if at in cells.arrays:
                shape = cells.arrays[at].there.shape[1:]
                stages[at] = slice(len(places), len(places) + int(np.prod(shape)))
                places += [(at, place) for place in np.ndindex(*shape)]
                starts.append(_start(cells.problem, at, shape))
        number = {place: k for k, place in enumerate(places)}
        return cls(tuple(places), number, stages, np.concatenate([np.zeros(0), *starts]))

    def matrix(self, arrays: Mapping[At, Array], sheets: int) -> Array:
        """Arrays by place as one matrix (sheets, columns)."""
        parts = [np.asarray(arrays[at]).reshape(sheets, own.stop - own.start) for at, own in self.stages.items()]
        return np.concatenate(parts, axis=1) if parts else np.zeros((sheets, 0), bool)

    def of_cells(self, cells: Cells, part: Callable[[Written], Array]) -> Array:
        """One part of what is written."""
        return self.matrix({at: part(w) for at, w in cells.arrays.items()}, cells.count)

    def ends(self, cells: Cells, run: Worked) -> tuple[Array, Array]:
        """What follows in a run: its lower and its upper ends."""
        follows = {at: run.follows[at].over(cells.count) for at in self.stages}
        low, high = ({at: getattr(x, end) for at, x in follows.items()} for end in ("low", "high"))
        return self.matrix(low, cells.count), self.matrix(high, cells.count)

    @cached_property
    def last(self) -> tuple[int, int] | None:
        """The (sample, step) after which no sheet writes anything."""
        return max(((at.sample, at.step) for at in self.stages), default=None)

    def of_pass(self, own: At) -> Array:
        """Which columns are of the same sample and step as an array, but not of it."""
        return np.array([at[2:] == own[2:] and at != own for at, _ in self.places], dtype=bool)


def _start(problem: Problem, at: At, shape: tuple[int, ...]) -> Array:
    parameter = at.kind.removesuffix("_new")
    updated = parameter != at.kind and at.step == 1
    given = getattr(problem.network.layer(at.layer), parameter) if updated else None
    return np.zeros(shape).ravel() if given is None else np.broadcast_to(given.floats, shape).ravel()
