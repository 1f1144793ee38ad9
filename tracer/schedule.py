"""What a run does with samples: together (a batch each step), in turn (an update each), apart (a network each)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from derivations.computation import Computation
from derivations.network import Problem

__all__ = ["Schedule", "schedules"]

P = TypeVar("P", bound=Problem | Computation)


@dataclass(frozen=True)
class Schedule(Generic[P]):
    """One network's way through the samples: what each step works on, taken round and round.

    `sample` is the mark `@sample` of the network's quantities, 0 where there is one network.
    """

    turns: tuple[P, ...]
    sample: int = 0

    def problem(self, step: int) -> P:
        """What step `step` works on, counting from 1."""
        return self.turns[(step - 1) % len(self.turns)]


def schedules(problem: P) -> tuple[Schedule[P], ...]:
    """The networks that a problem speaks of, each with its way through the samples."""
    way = problem.training.samples if problem.training and problem.samples > 1 else "together"
    if way == "together":
        return (Schedule((problem,)),)
    own = cast("tuple[P, ...]", problem.turns)
    return (Schedule(own),) if way == "in_turn" else tuple(Schedule((p,), k) for k, p in enumerate(own, 1))
