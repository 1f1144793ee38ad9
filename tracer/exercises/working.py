"""Many variants of one problem worked side by side: the right numbers, what correct work may write, each slip's.

Numbers are arrays (quantities, variants).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from derivations.arithmetic import FLOAT64
from derivations.axes import Arrays, Work
from derivations.computation import Computation
from derivations.equations import Equation
from derivations.expression import Ref
from derivations.layered_computation import LayeredComputation
from derivations.network import Problem
from derivations.program import Task
from derivations.quantity import Quantity
from tracer.marking.discipline import Discipline, Inside
from tracer.marking.key import Key
from tracer.marking.layers_key import LayersKey
from tracer.marking.passes import Pass, Runs
from tracer.marking.rewrites import Rewrite
from tracer.marking.span_arithmetic import SpanArithmetic
from tracer.marking.spans import Span

__all__ = ["Shape", "Together", "Worked"]


class Worked(NamedTuple):
    """One run: both ends of every number, (quantities, variants), and all arrays by pass."""

    low: np.ndarray
    high: np.ndarray
    arrays: list[Arrays]


class Shape:
    """What all variants of a problem have in common: its quantities, what is asked, the slips, their programs."""

    def __init__(self, problem: Problem | Computation) -> None:
        self.key = Key(problem) if isinstance(problem, Computation) else LayersKey(problem)
        self.passes: list[Pass] = self.key.runs.passes(1)
        self.quantities: list[Quantity] = list(dict.fromkeys(self._recorded()))
        self.place = {q: k for k, q in enumerate(self.quantities)}
        asked = [q for q in self.key.asked() if q in self.place]
        self.asked = [self.place[q] for q in asked] or list(range(len(self.quantities)))
        sheet = dict(problem.sheet)
        figures, places = sheet.get("figures"), sheet.get("places")
        self.figures = figures if isinstance(figures, int) else 4
        self.places = places if isinstance(places, int) and not isinstance(figures, int) else None

    def _recorded(self) -> Iterator[Quantity]:
        for own in self.passes:
            for named in own.parts.values():
                yield from named.quantities

    @cached_property
    def slips(self) -> list[Rewrite]:
        """Each slip once, where it is made in every layer that it can be made in.

        Of layers those with a name; of equations of their own all rewrites of their lines.
        """
        found: dict[str, Rewrite] = {}
        for slip in self.key.rewrites:
            if slip.is_named or not isinstance(self.key, LayersKey):
                found.setdefault(slip.name, slip)
        return list(found.values())

    def unit(self, size: np.ndarray) -> np.ndarray:
        """The unit of the last digit that a number of that size is asked in."""
        if self.places is not None:
            return np.full(size.shape, 10.0**-self.places)
        with np.errstate(all="ignore"):
            power = np.floor(np.log10(size) + 1e-12) - self.figures + 1
        return np.where(size > 0, 10.0 ** np.nan_to_num(power, posinf=0, neginf=0), 0.0)

    def inside(self) -> Inside:
        """How a careful person rounds on the way."""
        way = Discipline("inside", inside="figures" if self.places is None else "places")
        unit = np.array([10.0 ** -(self.places or 0)])
        return Inside(way, (np.array([float(self.figures)]), unit, np.zeros(1)))


class Together:
    """Variants of one shape, side by side."""

    def __init__(self, shape: Shape, starts: Sequence[Mapping[str, np.ndarray]], columns: np.ndarray) -> None:
        self.shape, self.count = shape, len(columns)
        self.starts = [{name: own[..., columns] for name, own in start.items()} for start in starts]

    @classmethod
    def of(cls, shape: Shape, problems: Sequence[Problem | Computation]) -> Together:
        """Problems of that shape."""
        starts = [[own.problem.start(FLOAT64) for own in _passes(problem)] for problem in problems]
        beside = [_beside([own[k] for own in starts]) for k in range(len(shape.passes))]
        return cls(shape, beside, np.arange(len(problems)))

    def chosen(self, columns: np.ndarray) -> Together:
        """Some of them."""
        return Together(self.shape, self.starts, columns)

    @cached_property
    def right(self) -> Worked:
        """The right numbers."""
        return self._worked(self.shape.key.runs.points, {}, _as_it_is)

    def possible(self) -> Worked:
        """The ends of what correct work gives, whatever is rounded on the way and whatever is not."""
        m = SpanArithmetic()
        m.inside = self.shape.inside()

        def keep(span: Span) -> Span:
            used = span.used()
            return Span(m, used.low, used.high, fresh=False)

        return self._worked(m, {}, keep)

    def slipped(self) -> Iterator[np.ndarray]:
        """What is asked, (asked, variants), as each slip has it."""
        for slip in self.shape.slips:
            yield self._worked(self.shape.key.runs.points, slip.by_left, _as_it_is).low[self.shape.asked]

    def _worked(self, m: SpanArithmetic, wrong: Mapping[Ref, Equation], keep: Callable[[Span], Span]) -> Worked:
        low, high = np.empty((2, len(self.shape.quantities), self.count))
        after: Arrays = {}
        arrays = []
        runs = self.shape.key.runs
        for k, (own, start) in enumerate(zip(self.shape.passes, self.starts, strict=True)):

            def record(label: str, array: Any, own: Pass = own) -> Span:
                follows = array if isinstance(array, Span) else m.of(array)
                places = [self.shape.place[q] for q in own.parts[label].quantities]
                for out, end in ((low, follows.low), (high, follows.high)):
                    out[places] = np.broadcast_to(end, (*follows.shape, self.count)).reshape(len(places), -1)
                kept = keep(follows)
                kept.among = follows.among
                return kept.numbered()

            def working(task: Task, label: str, work: Work, known: Arrays, own: Pass = own) -> Any:
                line = wrong.get(task.equation.left)
                return work(known) if line is None else runs.planned(own, Task(line, task.fixed), m)(known)

            given = {name: m.point(values).numbered() for name, values in start.items()} | {"step": own.step}
            if wrong:  # a slip may read what is worked later: then what is right
                given = {name: _copied(array) for name, array in self.right.arrays[k].items()} | given
            with m.working():
                known = own.program.run(m, given | ({} if own.first else after), record, working)
            after = {name: known[then] for name, then in own.problem.planned.carried}
            arrays.append(known)
        return Worked(low, high, arrays)


def _as_it_is(span: Span) -> Span:
    return Span(span.m, span.low, span.high, fresh=False)


def _copied(array: Any) -> Any:
    """An array of which parts may be replaced."""
    return array.through(np.array).numbered() if isinstance(array, Span) else array


def _passes(problem: Problem | Computation) -> list[Pass]:
    return Runs(problem if isinstance(problem, Computation) else LayeredComputation.of(problem)).passes(1)


def _beside(starts: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """The same array of all variants, the last axis theirs."""
    names = [name for name in starts[0] if name != "step"]
    return {name: np.stack([np.asarray(start[name], float) for start in starts], axis=-1) for name in names}
