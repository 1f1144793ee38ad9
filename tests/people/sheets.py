"""Whole sheets: a person is drawn by a seed, works a problem, and hands in what she wrote."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from random import Random
from typing import Any
from zlib import crc32

from .calculating import Person, Recalling, Rows
from .habits import Habits, drawn_habits
from .problem import Problem
from .problems import PROBLEMS


@dataclass(frozen=True)
class Sheet:
    """What was handed in, and the truth about it: ``first`` is the first written cell that the slip makes wrong."""

    problem: str
    seed: int
    habits: Habits
    cells: dict[str, str]
    slip: str | None = None
    truth: str | None = None
    first: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The sheet as plain data."""
        data = asdict(self)
        return {key: data[key] for key in ("problem", "seed", "slip", "truth", "first", "cells")} | {
            "person": data["habits"]
        }


@dataclass(frozen=True)
class Drawn:
    """A person before she has begun: the same draw works the same problem in the same way each time."""

    problem: Problem
    seed: int
    habits: Habits
    left_out: frozenset[str]  # arrays of which no row is written
    gaps: float  # the share of the other cells that is left out

    def person(self, slip: str | None = None, only: int | None = None) -> Person:
        """The person, fresh, with the slip that she is going to make."""
        kind = Recalling if self.habits.carry == "by use" else Person
        rng = Random(self.seed)
        rows = Rows(self.left_out, self.gaps, self.seed)
        return kind(self.habits, rng, rows=rows, shares=self.problem.shares, slip=slip, only=only)


def drawn(problem: Problem, seed: int) -> Drawn:
    """The person of this seed."""
    rng = Random(crc32(problem.name.encode()) + seed * 1_000_003)
    habits = drawn_habits(rng, least_figures=problem.least_figures)
    gaps = 0.15 if habits.rows == "gaps" else 0.0
    return Drawn(problem, seed, habits, arrays_left_out(problem, habits, rng), gaps)


def arrays_left_out(problem: Problem, habits: Habits, rng: Random) -> frozenset[str]:
    """The arrays of which she writes no row."""
    if habits.rows == "everything":
        return frozenset()
    if habits.rows != "some":
        return problem.scratch
    left_out = frozenset(array for array in problem.arrays if rng.random() < (0.8 if array in problem.scratch else 0.4))
    written = sum(name.partition("[")[0] not in left_out for name in problem.exact)
    return left_out if written >= 3 else problem.scratch


def drawn_sheet(problem_name: str, seed: int) -> Sheet:
    """A correct sheet: whatever is unusual about it is somebody's honest way of calculating or writing."""
    problem = PROBLEMS[problem_name]
    one = drawn(problem, seed)
    person = one.person()
    problem.work(person, problem.given_to(person))
    return Sheet(problem_name, seed, one.habits, person.cells)
