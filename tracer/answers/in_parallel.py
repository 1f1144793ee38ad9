"""Sheets marked by several processes, or by whatever executor somebody has: the same marks in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from derivations.computation import Computation
from derivations.network import Problem
from tracer.answers.reading.entries import Sheet
from tracer.answers.result import Marked
from tracer.terminal import counted

__all__ = ["Marking"]

AT_ONCE = 200
"""Sheets that one task takes: enough to share the cost of a run, few enough for every process to have some."""


@dataclass(frozen=True)
class Marking:
    """What every process needs to mark some sheets of one problem."""

    problem: Problem | Computation
    notation: str | None = None
    decimal: str = "point"

    def __call__(self, sheets: Sequence[Sheet], *, progress: bool = False) -> list[Marked]:
        """Mark some sheets here."""
        from tracer.answers.reading.naming import Naming
        from tracer.marking.marking import mark

        naming = None
        if isinstance(self.problem, Problem) and not self.notation:
            naming = Naming(self.problem, decimal=self.decimal)
        return mark(self.problem, sheets, naming=naming, progress=progress)

    def marked(
        self, sheets: Sequence[Sheet], *, progress: bool, jobs: int = 1, executor: Executor | None = None
    ) -> list[Marked]:
        """Mark all of them, in order: here, in so many processes, or through an executor.

        Raises ValueError for fewer jobs than one.
        """
        if jobs < 1:
            raise ValueError(f"{jobs} jobs cannot mark anything; write 1 or more")
        if executor is not None:
            return self._shared_out(sheets, executor, progress=progress)
        if min(jobs, -(-len(sheets) // AT_ONCE)) < 2:
            return self(sheets, progress=progress)
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as processes:
            return self._shared_out(sheets, processes, progress=progress)

    def _shared_out(self, sheets: Sequence[Sheet], executor: Executor, *, progress: bool) -> list[Marked]:
        some = [sheets[k : k + AT_ONCE] for k in range(0, len(sheets), AT_ONCE)]
        done = [executor.submit(self, part) for part in some]
        return [m for one in counted(done, f"x {AT_ONCE} sheets", shown=progress) for m in one.result()]
