"""The trace of somebody's own equations: arrays by the names of the file, general lines beside their entries."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from derivations.arithmetic import Exact
from derivations.computation import Computation
from derivations.entries import Entries, terms_of
from derivations.equations import Equation, Range, Role, Step
from derivations.expression import Index, Number, Over
from derivations.general import GeneralLatex, GeneralText
from derivations.kinks import bends
from derivations.names import UnknownName
from derivations.notation import NotationError
from derivations.own_names import OwnNames
from derivations.quantity import Quantity
from tracer.computed_step import ComputedStep, count_of, leaf_of, quantity_of, run_computation
from tracer.rounding import Rounding, bounds
from tracer.traces.base import Trace, WorkedLine
from tracer.traces.remarks import left_out_of_sums, ties

__all__ = ["A_FEW", "ComputedTrace", "headings", "ranges"]

MOST_COMPARED = 2000  # numbers of a step that is worked once more, exactly, to see where it stands at kinks
MOST_TERMS = 400  # of one sum that is written out with its numbers
MOST_WRITTEN = 100_000  # terms of one line, in all its entries
A_FEW = 4  # entries past the limit that are shown rather than said to be left out


class ComputedTrace(Trace):
    """Every number of one step of somebody's own equations.

    `trace["h"]` is an array with the axes of h, from its first index on; `trace["h[2,1]"]` is a number.
    """

    problem: Computation
    steps: tuple[ComputedStep, ...]

    @cached_property
    def names(self) -> OwnNames:
        """The names of its arrays."""
        return OwnNames(self.problem)

    def name(self, q: Quantity) -> str:
        """The name of a number, as it is printed."""
        return self.names.text(q)

    def read(self, name: str) -> Quantity:
        """The number, or whole array, that a name stands for.  Raises UnknownName."""
        return self.names.read(name)

    def letters(self, notation: str, *, latex: bool) -> Callable[[Quantity], str]:
        """How names are written: as the file has them."""
        if notation and notation != "names":
            raise NotationError(
                f"notation '{notation}' has letters for layers; equations of your own are printed in your names, "
                f"which [names] can change: leave out --notation"
            )
        return self.names.latex if latex else self.names.text

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        """What the step started from, by name: parameters, given numbers, constants."""
        out: dict[str, Any] = {}
        for step in self.steps[:1] if self._in_turn else self.steps:
            out |= {self.name(q): self.number(v) for q, v in step.stated.items() if self._is_input(q)}
        for step in self.steps[1:] if self._in_turn else ():
            given = {q: v for q, v in step.stated.items() if q.kind in self.problem.given}
            out |= {self.name(q): self.number(v) for q, v in given.items() if q.kind in self.problem.sample_axes}
        return MappingProxyType(out)

    @property
    def _in_turn(self) -> bool:
        return self.problem.training is not None and self.problem.training.samples == "in_turn"

    def _is_input(self, q: Quantity) -> bool:
        return self.problem.step.arrays[q.kind].role is not Role.BEFORE

    def __getitem__(self, name: str) -> Any:
        """A number, or a whole array, by name.  Raises UnknownName (a KeyError) with near names."""
        if not isinstance(name, str):
            raise TypeError(f"a trace is indexed by a name such as 'h[2,1]' or 'dW', not by {name!r}")
        q = self.names.read(name)
        step = self._step(q, name)
        axis, several = self.problem.sample_axes.get(q.kind), step.problem.samples > 1
        if q.indices and axis is not None and several and not q.sample:
            raise UnknownName(f"'{name}' is a number of each sample; name the sample too, such as {name}@1")
        if q.indices:
            return self.number(step.value(q))
        whole = step.known[q.kind]
        if axis is not None and (q.sample or not several):
            whole = np.take(whole, q.sample - 1 if several else 0, axis=axis)
        return np.vectorize(self.number)(whole) if isinstance(whole, np.ndarray) and whole.ndim else self.number(whole)

    def _step(self, q: Quantity, name: str) -> ComputedStep:
        """The step that a name is about.  Raises UnknownName."""
        found = self._steps.get((q.sample, q.step)) or self._steps.get((0, q.step))
        if found is None:
            marks = ", ".join(f"{name}@{s.sample}" if s.sample else f"{name}#{s.step}" for s in self.steps[:3])
            raise UnknownName(f"'{name}' is not recorded in this trace; there are {marks}")
        return found

    @cached_property
    def _steps(self) -> dict[tuple[int, int], ComputedStep]:
        return {(step.sample, step.step): step for step in self.steps}

    @cached_property
    def shown(self) -> Mapping[Quantity, str]:
        """The finished text of every number, made when it is asked for."""
        return _Shown(self)

    def text_of(self, q: Quantity) -> str:
        """The finished text of one number: as it was written, or rounded."""
        array = self.problem.step.arrays[q.kind]
        if q in self._rounded:
            return self._rounded[q]
        if array.role is Role.CONSTANT:
            assert self.problem.training is not None  # a constant comes from it
            return str(self.problem.training.constants_of(q.step)[q.kind].shown().item())
        following = self._steps.get((q.sample, q.step + 1)) or self._steps.get((0, q.step + 1))
        if following and (q.sample, q.step) not in self._steps and (0, q.step) not in self._steps:
            carried = {after: name for name, after in self.problem.planned.carried}
            return self.rounding.shown(following.value(q._replace(kind=carried[q.kind], step=q.step + 1)))
        step = self._step(q, self.name(q))
        if array.role is Role.PARAMETER and q.step > 1:
            return self.text_of(q._replace(kind=f"{q.kind}_new", step=q.step - 1))
        if array.role in (Role.GIVEN, Role.PARAMETER):
            given = step.problem.numbers[q.kind]
            return str(given.shown()[self._place(step, q)]) if given.texts else Rounding().shown(step.value(q))
        return self.rounding.shown(step.value(q))

    def _place(self, step: ComputedStep, q: Quantity) -> tuple[int, ...]:
        at, axis = [i - 1 for i in q.indices], self.problem.sample_axes.get(q.kind)
        if axis is not None:
            at.insert(axis, q.sample - 1 if step.problem.samples > 1 else 0)
        return tuple(at)

    # --- lines ---

    def lines(self, most: int | None = None) -> Iterator[WorkedLine]:
        """Every equation in the order of calculation; of a long array no more than `most` entries."""
        several = len(self.steps) > 1
        for step in self.steps:
            number = f"Step {step.step}" if self._in_turn else f"Sample {step.sample}"
            yield from self._lines_of(step, number if several else "", most)

    def _lines_of(self, step: ComputedStep, part: str, most: int | None) -> Iterator[WorkedLine]:
        own, program = step.problem.step, step.problem.planned.exact
        entries = Entries(own, leaf_of(step.problem, step.sample, step.step), count_of(step.problem, step.step))
        letter = (self.problem.samples_letter,) if self.problem.samples_letter else ()
        written: Counter[int] = Counter()
        unwritten: dict[int, Equation] = {}  # lines whose sums are too long to be written out
        for task in program.tasks:
            e = task.equation
            total, terms = _entries_of(e, own.ranges), terms_of(e, own.ranges)
            room = total if most is None or total <= most + A_FEW else most
            room = min(room, max(1, MOST_WRITTEN // terms)) if most is not None else room
            if written[id(e)] >= room:
                continue
            general = self.general(own, e)
            short = e if terms <= MOST_TERMS else unwritten.setdefault(id(e), replace(e, right=Number("…")))
            for entry in itertools.islice(entries.of(short, task.fixed, first=letter), room - written[id(e)]):
                written[id(e)] += 1
                q = self.quantity(step, entry.name, entry.at)
                yield WorkedLine(part, e.stage, q, entry.formula, general, total - room)

    def quantity(self, step: ComputedStep, name: str, at: tuple[int, ...]) -> Quantity:
        """The quantity that an entry of an array is."""
        return quantity_of(step.problem, name, at, step.sample, step.step)

    def general(self, own: Step, e: Equation) -> tuple[str, str]:
        """An equation with its letters, as text and as LaTeX."""
        text = GeneralText(own.unwritten, self.names.letter, own.ranges)
        latex = GeneralLatex(own.unwritten, self.names.latex_letter, own.ranges)
        return text.equation(e), latex.equation(e)

    # --- words ---

    @property
    def headings(self) -> tuple[str, ...]:
        """The title, what is trained, how far letters run, the training: a line each."""
        return headings(self.problem)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Where a number is not finite, and why; where rounding has left a kink."""
        out: list[str] = []
        for step in self.steps:
            finite = step.m.floating and all(np.isfinite(array).all() for _, array in step.recorded)
            faulty = [] if finite else [q for q, v in step.items() if bounds(v)[0] is None]
            if faulty:
                more = f", and {len(faulty) - 1} more" if len(faulty) > 1 else ""
                out.append(
                    f"{self.name(faulty[0])} is not finite in {step.m.name}{more} (null in JSON): a division by 0, "
                    f"a log or a root of what it has none of, or numbers that have grown too large"
                )
            out += list(self._rounded_off_a_kink(step))
            out += ties(step) if self._is_small(step) else ()
        return (*left_out_of_sums(self.problem), *out)

    @staticmethod
    def _is_small(step: ComputedStep) -> bool:
        """Whether a step is worked once more, or looked through, for the sake of a note."""
        return sum(math.prod(array.shape) for array in step.problem.step.arrays.values()) <= MOST_COMPARED

    def _rounded_off_a_kink(self, step: ComputedStep) -> Iterator[str]:
        """The first number that is another one with exact numbers: at a kink a machine format has chosen a side."""
        own = step.problem
        bent = any(bends(e) for e in own.step.equations if e.stage == "forward")
        if not step.m.floating or step.step > 1 or not bent or not self._is_small(step):
            return
        exact = run_computation(own, Exact(), sample=step.sample)
        for (q, value), (_, true) in zip(step.items(), exact.items(), strict=True):
            middle = _middle(true)
            if middle is not None and abs(float(value) - middle) > 1e-4 * max(1.0, abs(middle)):
                yield (
                    f"{self.name(q)} is {Rounding().shown(middle)} with the numbers as written: they stand at a kink, "
                    f"and {step.m.name} has rounded to one side of it; work it by hand, with --digits or --places"
                )
                return


def _middle(value: Any) -> float | None:
    """A number of exact work as a float; None for a ball that holds both sides of a kink, or nothing finite."""
    low, high = bounds(value)
    if low is None or high is None:
        return None
    middle, width = float((low + high) / 2), float(high - low)
    return middle if width <= 1e-6 * max(1.0, abs(middle)) else None


class _Shown(Mapping[Quantity, str]):
    """Texts of numbers, each made at its first use."""

    def __init__(self, trace: ComputedTrace) -> None:
        self._trace = trace
        self._known: dict[Quantity, str] = {}

    def __getitem__(self, q: Quantity) -> str:
        if q not in self._known:
            self._known[q] = self._trace.text_of(q)
        return self._known[q]

    def __iter__(self) -> Iterator[Quantity]:
        for step in self._trace.steps:
            yield from step.stated
            yield from (q for q, _ in step.items())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _entries_of(e: Equation, all_ranges: Mapping[str, Range]) -> int:
    """How many numbers an equation gives."""
    total = 1
    for i in e.left.at:
        if isinstance(i, Index) and i.letter:
            low, high = all_ranges[i.letter]
            total *= high - low + 1
    return total


def headings(problem: Computation) -> tuple[str, ...]:
    """The title, what is trained, how far letters run, the training: a line each."""
    trained = ", ".join(f"{name} {_size(given.shape)}".strip() for name, given in problem.parameters.items())
    count = len(problem.statements.equations)
    inputs = f"; inputs {', '.join(problem.inputs)}" if problem.inputs else ""
    training, letters = problem.training, ranges(problem)
    samples = f"; {problem.samples} samples" if problem.samples > 1 else ""
    lines = [
        *([problem.title] if problem.title else []),
        f"{count} equation{'s' * (count != 1)}{samples}; parameters {trained}{inputs}",
        *([letters] if letters else []),
        f"learning rate {training.learning_rate.shown().item()}, {training.words}{_way(problem)}"
        if training
        else "no update: the step ends with the gradients",
    ]
    return tuple("".join(c if c.isprintable() else " " for c in line) for line in lines)


def _way(problem: Computation) -> str:
    ways = {"in_turn": "; samples in turn", "apart": "; samples apart"}
    return ways.get(problem.training.samples, "") if problem.training and problem.samples > 1 else ""


def ranges(problem: Computation) -> str:
    """How far the letters of the lines run: `j = 1..2, t = 1..3`."""
    step = problem.step
    nodes = [x for e in step.equations if e.stage == "forward" for x in (*e.left.at, *e.right.walk())]
    single = (x.letter for x in nodes if isinstance(x, Index))
    summed = (l for x in nodes if isinstance(x, Over) for l in x.letters)
    used = dict.fromkeys(l for l in (*single, *summed) if l.strip("'").isalpha() and l not in step.unwritten)
    return ", ".join(f"{l} = {step.ranges[l][0]}..{step.ranges[l][1]}" for l in used)


def _size(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
