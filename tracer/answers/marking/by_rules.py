"""The rules run on numbers, as marking does until it reads the step: one pass, with a slip's rules in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from derivations import names, rules
from derivations.arithmetic import FLOAT64, Arithmetic
from derivations.network import Problem

__all__ = ["Arrays", "passes_by_rules", "run_by_rules"]

Arrays = dict[tuple[str, int], Any]
Keep = Callable[[str, int, Any], Any]


def run_by_rules(
    problem: Problem,
    m: Arithmetic,
    start: rules.Start | None,
    *,
    count: int = 1,
    keep: Keep | None = None,
    rules_: rules.Rules = rules.RULES,
) -> tuple[Arrays, rules.Start]:
    """(every recorded array, what the next step starts from); `keep(kind, layer, array)` returns what is carried on."""
    arrays: Arrays = {}

    def record(kind: str, layer: int, array: Any) -> Any:
        arrays[kind, layer] = keep(kind, layer, array) if keep else array
        return arrays[kind, layer]

    with m.working():
        s = rules.State(problem, m, start, count)
        rules.run(s, record, rules_)
    before = {(kind, l): getattr(s, kind)[l] for kind, l in s.before}
    constants = {letter: getattr(s, letter) for letter in names.CONSTANTS}
    return arrays, rules.Start(s.W_new, s.b_new, s.x, s.t, constants, before)


def passes_by_rules(problem: Problem, rules_: rules.Rules, m: Arithmetic = FLOAT64) -> Iterator[Arrays]:
    """The recorded arrays of one pass: of samples together, or of each in turn or apart."""
    way = problem.training.samples if problem.samples > 1 else "together"
    following: rules.Start | None = None
    for k in range(1, 2 if way == "together" else problem.samples + 1):
        own = problem if way == "together" else problem.sample(k)
        start = rules.Start.of(own, m)
        if following is not None and way == "in_turn":
            start = replace(following, x=start.x, t=start.t)
        arrays, following = run_by_rules(own, m, start, count=k if way == "in_turn" else 1, rules_=rules_)
        yield arrays
