"""The plans of a step's routes, made once: entries to be differentiated, lines to be bounded, arrays to be moved.

The symbolic route and the route by differences read the forward equations alone.  What a correct number may be off by
is worked from all equations as they are written, over values with bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

from derivations.equations import Array, Equation, Role, Step
from derivations.expression import Call, Index, Over, Product, Ref
from derivations.function import entry
from derivations.planned import Planned
from derivations.program import Task
from tracer.verification.differences import Differences
from tracer.verification.reading_plan import Plan

__all__ = ["OUTSIDE", "Plans", "plans_of"]

OUTSIDE = "°E"
"""The objective of a step whose signals come from outside: the sum of signal times output."""
MADE = (Role.SIGNAL, Role.GRADIENT)


class Plans:
    """What each route does of one step, made when it is asked for; `tapes` are those of routes that were recorded."""

    def __init__(self, planned: Planned) -> None:
        self.planned = planned
        self.tapes: dict[Any, Any] = {}
        self.step = _with_objective(planned.step)
        self.objective = next(n for n, a in self.step.arrays.items() if a.role is Role.OBJECTIVE)
        self.forward = tuple(e for e in self.step.equations if e.stage == "forward")

    @cached_property
    def wanted(self) -> tuple[str, ...]:
        """The arrays whose gradient, or signal, the step has."""
        return tuple(dict.fromkeys(a.of for a in self.step.arrays.values() if a.role in MADE))

    def scale(self, name: str) -> int:
        """What a signal is of dE/dX: under a mean it is of each sample's own loss, N times that."""
        array = self.step.arrays[name]
        if array.role is not Role.SIGNAL or "own loss" not in array.meaning:
            return 1
        low, high = self.step.ranges["n"]
        return high - low + 1

    @cached_property
    def given(self) -> tuple[str, ...]:
        """The arrays that the forward equations start from."""
        made = {e.left.name for e in self.forward}
        return tuple(dict.fromkeys(r.name for e in self.forward for r in e.reads if r.name not in made))

    def bending(self, name: str) -> dict[int, Equation]:
        """The lines of an array that are one function of one entry, z = h(a), whose slope the step names; numbered."""
        return {
            k: e
            for k, e in enumerate(self.forward)
            if e.left.name == name
            and (
                (isinstance(e.right, Over) and isinstance(e.right.body, Ref))
                or (isinstance(e.right, Call) and _has_slope(e.right) and isinstance(e.right.arguments[0], Ref))
            )
        }

    @cached_property
    def symbolic(self) -> Plan:
        """The forward equations, entry by entry, with the slopes of each form."""
        return self._plan(self.forward, self.given, sloped=True)

    @cached_property
    def written(self) -> Plan:
        """All other lines as the step has them: losses in the form that keeps their digits, the backward equations."""
        plain = dict(zip((e.left for e in self.forward), self.forward, strict=True))
        lines = [e for e in self.planned.digits.step.equations if e.stage != "update"]
        other = {e.left.name for e in lines if e.stage != "forward" or plain.get(e.left) != e}
        while more := {e.left.name for e in lines if e.left.name not in other and other & {r.name for r in e.reads}}:
            other |= more
        known = [name for name in self.step.arrays if name not in other]
        return self._plan([e for e in lines if e.left.name in other], known, sloped=False)

    @cached_property
    def written_whole(self) -> Plan:
        """All lines as the step has them, forward ones too: for what overflows in a function as it is written."""
        lines = [e for e in self.planned.digits.step.equations if e.stage != "update"]
        made = {e.left.name for e in lines}
        return self._plan(lines, [name for name in self.step.arrays if name not in made], sloped=False)

    @cached_property
    def differences(self) -> Differences:
        """The forward equations over pairs."""
        tasks = [task for task in self.planned.exact.tasks if task.equation.stage == "forward"]
        tasks += [Task(e, {}) for e in self.forward[len({id(t.equation) for t in tasks}) :]]
        return Differences(self.step, tasks, self.objective, [n for n in self.wanted if n in self.given])

    def _plan(self, equations: Sequence[Equation], known: Sequence[str], *, sloped: bool) -> Plan:
        step = self.step
        extents = {name: array.extents for name, array in step.arrays.items()}
        fixed = frozenset(self.given).difference(self.wanted)
        return Plan(equations, extents, step.ranges, step.whole, known, fixed=fixed, sloped=sloped, stable=not sloped)


def _has_slope(call: Call) -> bool:
    """Whether the step names the slope of a function of one number: of sigmoid it does, of exp it does not."""
    function = entry(call.function)
    return len(call.arguments) == 1 and (function.named or function.own is not None)


@lru_cache(maxsize=64)
def plans_of(planned: Planned) -> Plans:
    """The plans of a step, kept for the last few."""
    return Plans(planned)


def _with_objective(step: Step) -> Step:
    """The step, with an objective where its last signal comes from outside: E = Σ signal z, or its mean."""
    if any(array.role is Role.OBJECTIVE for array in step.arrays.values()):
        return step
    line = next(e for e in step.equations if any(r.name == "signal" for r in e.reads))
    signal = next(r for r in line.reads if r.name == "signal")
    k, n = (i.letter for i in signal.at if isinstance(i, Index))
    mean = any("own loss" in array.meaning for array in step.arrays.values())
    summed = Over("sum", (k,), Product((signal, Ref(line.of, signal.at))))
    whole = Equation(Ref(OUTSIDE, ()), Over("mean" if mean else "sum", (n,), summed))
    arrays = {**step.arrays, OUTSIDE: Array(OUTSIDE, Role.OBJECTIVE)}
    last = max(i for i, e in enumerate(step.equations) if e.stage == "forward") + 1
    return replace(step, equations=(*step.equations[:last], whole, *step.equations[last:]), arrays=arrays)
