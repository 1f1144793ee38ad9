"""The steps that a sheet can speak of, in order, and every array that they record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from derivations import rules
from derivations.arithmetic import FLOAT64
from derivations.network import Problem
from derivations.rules import RULES, Rules
from tracer.answers.marking.by_rules import run_by_rules

__all__ = ["At", "passes", "recorded"]


class At(NamedTuple):
    """Which recorded array: kind and layer, the sample it belongs to (0: all together) and the step."""

    kind: str
    layer: int
    sample: int = 0
    step: int = 1


Pass = tuple[int, int, Callable[[Callable[..., Any], Rules], None]]


def passes(
    problem: Problem, m: Any, steps: int, change: Callable[[rules.Start], rules.Start] | None = None
) -> Iterator[Pass]:
    """(sample, step, run) of every step that a sheet can speak of, in order."""
    way = problem.training.samples if problem.samples > 1 else "together"
    previous: list[rules.Start] = []
    starts: dict[int, rules.Start] = getattr(m, "starts", {})  # an arithmetic that keeps them makes them once

    def runner(own: Problem, count: int, sample: int) -> Callable[[Callable[..., Any], Rules], None]:
        def run(keep: Callable[..., Any], rules_: Rules) -> None:
            start = starts[sample] if sample in starts else starts.setdefault(sample, rules.Start.of(own, m))
            start = change(start) if change else start
            if previous and way != "apart":
                start = replace(previous[-1], x=start.x, t=start.t)
            previous.append(run_by_rules(own, m, start, count=count, keep=keep, rules_=rules_)[1])

        return run

    if way == "together":
        for k in range(1, steps + 1):
            yield 0, k, runner(problem, k, 0)
    else:
        for k in range(1, problem.samples + 1):
            count, sample = (k, 0) if way == "in_turn" else (1, k)
            yield sample, count, runner(problem.sample(k), count, k)


def recorded(problem: Problem, steps: int = 1) -> dict[At, tuple[int, ...]]:
    """Every array that the step records, in the order of calculation, and its shape inside."""
    out: dict[At, tuple[int, ...]] = {}

    def keep(at: At, array: Any) -> Any:
        out[at] = np.shape(array)
        return array

    for sample, step, run in passes(problem, FLOAT64, steps):
        run(lambda kind, l, array, s=sample, k=step: keep(At(kind, l, s, k), array), RULES)
    return out
