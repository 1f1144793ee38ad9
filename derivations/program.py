"""A step, ready to be worked in any arithmetic: planned once, every array through one recording point.

What the recording point returns is what all later equations read; so numbers can be kept, rounded, replaced by a
student's own, or replaced by their names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from derivations.arithmetic import Arithmetic
from derivations.axes import Arrays, Work
from derivations.equations import Equation, Range, Step
from derivations.expression import Index
from derivations.lowering import Lowering
from derivations.order import groups, recurrence
from derivations.shapes import bounds, numbered

__all__ = ["Part", "Program", "Record", "Task"]

Record = Callable[[str, Any], Any]
MOST_PLANS = 6


class Task(NamedTuple):
    """One equation to be worked, and the values that a recurrence has given to letters."""

    equation: Equation
    fixed: Mapping[str, int]


Working = Callable[[Task, str, Work, Arrays], Any]


class Part(NamedTuple):
    """What one task works out: an array and, for each of its axes, the first and the last index.

    `fixed` are the axes whose index is one number, which the worked array does not have.
    """

    name: str
    extents: tuple[Range, ...]
    fixed: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """How the part is called where it is recorded: `h[2,1..3]`, an array that is worked whole by its bare name."""
        words = (str(a) if k in self.fixed else f"{a}..{b}" for k, (a, b) in enumerate(self.extents))
        return f"{self.name}[{','.join(words)}]"


class _Planned(NamedTuple):
    """What to do: the array, the place in it (None: all of it), what to call it where it is recorded."""

    name: str
    place: tuple[Any, ...] | None
    label: str
    work: Work


class Program:
    """The tasks of a step in their order, and their plans for arithmetics.

    like: the program of a step from which this one differs in some equations (a slip); only these are planned anew.
    """

    def __init__(self, step: Step, like: Program | None = None) -> None:
        self.step, self.like = step, like
        self.extents: dict[str, tuple[Range, ...]] = {name: a.extents for name, a in step.arrays.items()}
        self._plans: dict[Arithmetic, list[_Planned]] = {}

    @cached_property
    def tasks(self) -> list[Task]:
        """Every equation in the order of calculation; those of a recurrence once for each value."""
        return [task for group in groups(self.step.equations) for task in self._tasks(group)]

    def _tasks(self, group: list[Equation]) -> list[Task]:
        found = recurrence(group)
        if found is None:
            return [Task(e, {}) for e in group]
        reaches = [self._reach(e.left.at[found.axis]) for e in found.order]
        values = range(min(low for low, _ in reaches), max(high for _, high in reaches) + 1)[:: found.direction]
        return [
            Task(e, _given(e.left.at[found.axis], v))
            for v in values
            for e, (low, high) in zip(found.order, reaches, strict=True)
            if low <= v <= high
        ]

    def _reach(self, i: Any) -> Range:
        found = bounds(i, self.step.ranges)
        assert found is not None
        return found

    @cached_property
    def _in_parts(self) -> frozenset[str]:
        """Arrays that are filled part by part."""
        made = Counter(e.left.name for e in self.step.equations)
        several = {name for name, count in made.items() if count > 1}
        worked = {t.equation.left.name for t in self.tasks if t.fixed}
        placed = {
            e.left.name for e in self.step.equations if not all(isinstance(i, Index) and i.letter for i in e.left.at)
        }
        return frozenset(several | worked | placed)

    def run(
        self,
        m: Arithmetic,
        given: Mapping[str, Any],
        record: Record | None = None,
        working: Working | None = None,
    ) -> Arrays:
        """Work the step: `given` arrays by name; `record(name, array)` returns what is carried on.

        A part of an array is recorded under its place, `h[2,1..3]`.  `working(task, label, work, arrays)` works a task
        in its place.  Returns every array by its name.
        """
        s: Arrays = dict(given)
        for task, (name, place, label, work) in zip(self.tasks, self.plan(m), strict=True):
            value = work(s) if working is None else working(task, label, work, s)
            if record is not None:
                value = record(label, value)
            if place is None:
                s[name] = value
            else:
                if name not in s:
                    s[name] = m.blank(self.step.arrays[name].shape)
                s[name][place] = value
        return s

    def plan(self, m: Arithmetic) -> list[_Planned]:
        """The plan for an arithmetic; the last few are kept."""
        if m not in self._plans:
            if len(self._plans) >= MOST_PLANS:
                del self._plans[next(iter(self._plans))]
            known = self._known(m)
            self._plans[m] = [known.get(_key(task)) or self.planned(task, m) for task in self.tasks]
        return self._plans[m]

    def _known(self, m: Arithmetic) -> dict[Any, _Planned]:
        """What the program that this one is like has planned, by equation."""
        if self.like is None or self.like.step.ranges != self.step.ranges or self.like.extents != self.extents:
            return {}
        return {_key(task): planned for task, planned in zip(self.like.tasks, self.like.plan(m), strict=True)}

    def planned(self, task: Task, m: Arithmetic) -> _Planned:
        """What there is to do for one task, its equation perhaps another one of the same left side."""
        left, fixed = task.equation.left, task.fixed
        letters = [i.letter for i in left.at if isinstance(i, Index) and i.letter and i.letter not in fixed]
        lowering = Lowering(m, self.extents, self.step.ranges, self.step.whole, fixed, letters)
        work = lowering.right(task.equation.right, letters)
        if left.name not in self._in_parts:
            return _Planned(left.name, None, left.name, work)
        part = self._part(task)
        place = tuple(
            first - low if k in part.fixed else slice(first - low, last - low + 1)
            for k, ((first, last), (low, _)) in enumerate(zip(part.extents, self.extents[left.name], strict=True))
        )
        return _Planned(left.name, place, part.label, work)

    def _part(self, task: Task) -> Part:
        """Where a part of an array stands in it."""
        left, known = task.equation.left, {l: Index((), v) for l, v in task.fixed.items()}
        at = [numbered(i.at(known), self.step.ranges) for i in left.at if isinstance(i, Index)]
        fixed = tuple(k for k, i in enumerate(at) if not i.terms)
        return Part(left.name, tuple(map(self._reach, at)), fixed)

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """What the recording point is given, by how it is called there, in the order of calculation."""
        out = {}
        for task in self.tasks:
            name = task.equation.left.name
            part = self._part(task) if name in self._in_parts else Part(name, self.extents[name])
            out[part.label if name in self._in_parts else name] = part
        return out


def _key(task: Task) -> Any:
    return id(task.equation), tuple(task.fixed.items())


def _given(i: Any, value: int) -> dict[str, int]:
    return {i.letter: value} if i.letter else {}
