"""The passes of a computation, planned once: each step on one sample or on all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from derivations.arithmetic import Arithmetic
from derivations.axes import Arrays, Work
from derivations.computation import Computation
from derivations.equations import Equation, Role
from derivations.expression import Ref
from derivations.program import Part, Program, Task
from derivations.quantity import Quantity
from tracer.computed_step import STATED, quantities
from tracer.marking.cells import Named
from tracer.marking.span_arithmetic import PointArithmetic, SpanArithmetic
from tracer.marking.spans import Span, hull
from tracer.marking.ways import ways
from tracer.schedule import schedules

__all__ = ["Pass", "Runs"]


@dataclass(frozen=True)
class Pass:
    """One step of the computation on one sample or on all: its program, what it starts from besides what is carried."""

    problem: Computation
    sample: int
    step: int
    first: bool
    program: Program

    def with_lines(self, lines: Mapping[Ref, Equation]) -> Program:
        """Its program with some lines replaced: only these are planned anew."""
        if not lines:
            return self.program
        return Program(self.program.step.replace(*lines.values()), like=self.program)

    def _named(self, part: Part) -> Named:
        sizes = (last - first + 1 for first, last in part.extents)
        shape = tuple(size for k, size in enumerate(sizes) if k not in part.fixed)
        return Named(quantities(self.problem, part, self.sample, self.step), shape)

    @cached_property
    def parts(self) -> Mapping[str, Named]:
        """The quantities of each part of its program, by label."""
        return {label: self._named(part) for label, part in self.program.parts.items()}

    @cached_property
    def starts(self) -> Mapping[str, Named]:
        """The quantities of each array that it starts from; a constant is the same in every step."""
        found = {}
        for name, array in self.problem.step.arrays.items():
            if array.role in STATED:
                own = self._named(Part(name, array.extents))
                if array.role is Role.CONSTANT:
                    own = Named((q._replace(step=1) for q in own.quantities), own.shape)
                found[name] = own
        return found

    def stated(self, start: Arrays) -> Iterator[tuple[Quantity, Any]]:
        """Every number that it starts from, with its name."""
        for name, named in self.starts.items():
            values = start.get(name)
            if isinstance(values, Span):
                whole = values.reshape((-1,))
                yield from ((q, whole[k]) for k, q in enumerate(named.quantities))


class Runs:
    """The passes of a computation, planned once; `m` are the arithmetics, by the roundoff of a machine."""

    def __init__(self, problem: Computation) -> None:
        self.problem = problem
        self._arithmetics: dict[float, SpanArithmetic] = {}
        self._passes: dict[int, list[Pass]] = {}
        self._planned: dict[object, Work] = {}
        self._starts: dict[object, Arrays] = {}
        self.points = PointArithmetic()
        self._ways: dict[object, list[tuple[bool, Callable[[Arrays], Any]]]] = {}

    def arithmetic(self, machine: float) -> SpanArithmetic:
        """That of people, or of a program of a roundoff; nothing is rounded inside as yet."""
        m = self._arithmetics.setdefault(machine, SpanArithmetic(machine or 2.0**-53))
        m.inside = None
        return m

    def passes(self, steps: int) -> list[Pass]:
        """Every step up to the last that is spoken of; of samples in turn or apart every sample."""
        if steps not in self._passes:
            self._passes[steps] = list(self._made(steps))
        return self._passes[steps]

    def start(self, own: Pass, m: SpanArithmetic) -> Arrays:
        """What a pass starts from, besides what is carried; made once, as no step writes into it."""
        key = id(own), m.machine
        if key not in self._starts:
            self._starts[key] = own.problem.start(m)
        return self._starts[key]

    def planned(self, own: Pass, task: Task, m: Arithmetic) -> Work:
        """How a line that stands in the place of one of a pass's own is worked; made once."""
        key = id(own.program), m, id(task.equation), tuple(task.fixed.items())
        if key not in self._planned:
            self._planned[key] = own.program.planned(task, m).work
        return self._planned[key]

    def otherwise(self, own: Pass, m: SpanArithmetic, task: Task, value: Any, known: Arrays) -> Any:
        """A line's number, or what an equal way to work it gives."""
        key = id(own.program), m.machine, id(task.equation), tuple(task.fixed.items())
        if key not in self._ways:
            found = [(way.rounding, Task(way.equation, task.fixed)) for way in ways(self.problem.step, task.equation)]
            self._ways[key] = [(rounding, own.program.planned(other, m).work) for rounding, other in found]
        for rounding, work in self._ways[key]:
            inside = m.inside
            if inside is None and rounding:
                continue
            m.inside = inside if rounding else None  # what came out is worked again in full
            value = hull(m.of(value) if not isinstance(value, Span) else value, work(known))
            m.inside = inside
        return value

    def _made(self, steps: int) -> Iterator[Pass]:
        for schedule in schedules(self.problem):
            for k in range(1, max(steps, len(schedule.turns)) + 1):
                own = schedule.problem(k)
                yield Pass(own, schedule.sample, k, k == 1, own.planned.exact)
