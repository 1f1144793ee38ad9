"""A computation of somebody's own: its equations, the numbers they start from, how its parameters are trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from derivations.arithmetic import Arithmetic
from derivations.axes import Arrays
from derivations.backward import Wanted
from derivations.equations import Equation, Role, Step
from derivations.expression import Index, Ref
from derivations.given import Given, fraction
from derivations.language import LanguageError, Statements
from derivations.making import Asked, made
from derivations.network import Training
from derivations.optimizers import optimizer_of
from derivations.planned import Planned, planned, starting_state
from derivations.quantity import Quantity
from derivations.rewrites import fused

__all__ = ["Computation"]

MOST_COUNTED = 2.0**53
"""The largest whole number of which a double has every one below."""


@dataclass(frozen=True, repr=False)
class Computation:
    """Equations of somebody's own, as a problem file says them.

    `parameters` are trained, `given` are the other numbers, `inputs` those given arrays whose signal is wanted too.
    Without `training` the step ends with the gradients.  `samples_letter` is the index of the samples, "" where they
    have none; `names` are names of theirs for arrays and entries.  `like` is the step of a computation that differs in
    numbers alone.  Raises LanguageError where a step is asked for that the equations do not give.
    """

    statements: Statements
    parameters: Mapping[str, Given]
    given: Mapping[str, Given] = field(default_factory=dict)
    training: Training | None = None
    objective: str = "E"
    inputs: tuple[str, ...] = ()
    gates: bool = False
    samples_letter: str = ""
    title: str = ""
    names: tuple[tuple[str, str, str], ...] = ()
    sheet: tuple[tuple[str, object], ...] = ()
    like: Planned | None = None

    def __repr__(self) -> str:
        lines = len(self.statements.equations)
        return f"<Computation {self.title or self.objective!r}: {lines} equation{'s' * (lines != 1)}>"

    def __getstate__(self) -> dict[str, Any]:
        """Between processes by what was said: programs are made anew there."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"like": None}

    @property
    def numbers(self) -> dict[str, Given]:
        """Every array that the file gives, parameters first."""
        return {**self.parameters, **self.given}

    @property
    def step(self) -> Step:
        """The equations, forward, backward and update."""
        return self.planned.step

    @cached_property
    def planned(self) -> Planned:
        """The step with its programs."""
        return self.like or planned(self._made(), keeping_digits=True)

    @cached_property
    def starts(self) -> dict[str, Arrays]:
        """The arrays that the step starts from, by arithmetic, kept once they are made: no step writes into one."""
        return {}

    def start(self, m: Arithmetic) -> Arrays:
        """The arrays that the step starts from, by name, in an arithmetic."""
        known = self.starts if m.floating else {}
        if m.name not in known:
            given = {name: m.lift(g) if g.shape else m.scalar(g) for name, g in self.numbers.items()}
            known[m.name] = {**given, **starting_state(self.step, self.training, given, m)}
        return dict(known[m.name])

    # --- samples ---

    @cached_property
    def samples(self) -> int:
        """How many samples there are, 1 where they have no index."""
        if not self.samples_letter:
            return 1
        low, high = self.step.ranges[self.samples_letter]
        return high - low + 1

    @cached_property
    def sample_axes(self) -> Mapping[str, int]:
        """Which axis of an array counts the samples.  Raises LanguageError where an array is read across samples."""
        return _axes_of(self.samples_letter, self.step.equations) if self.samples_letter else {}

    @cached_property
    def turns(self) -> tuple[Computation, ...]:
        """The same computation with each sample alone."""
        axes, out = self.sample_axes, list[Computation]()
        ranges = {**self.statements.ranges, **({self.samples_letter: (1, 1)} if self.samples_letter else {})}
        like = None
        for k in range(self.samples):
            given = {n: _alone(g, axes[n], k) if n in axes else g for n, g in self.given.items()}
            out.append(replace(self, given=given, statements=replace(self.statements, ranges=ranges), like=like))
            if not any(name in axes for name in self.step.whole):  # what is looked up belongs to the step
                like = out[0].planned
        return tuple(out)

    def quantity(self, name: str, at: tuple[int, ...]) -> Quantity:
        """The quantity that an entry of an array is: the index of the samples becomes the mark of its sample."""
        if self.step.arrays[name].role is Role.CONSTANT:
            return Quantity(name)
        axis = self.sample_axes.get(name)
        if axis is None:
            return Quantity(name, 0, at)
        sample = at[axis] - self.step.arrays[name].extents[axis][0] + 1 if self.samples > 1 else 0
        return Quantity(name, 0, (*at[:axis], *at[axis + 1 :]), sample)

    # --- the step ---

    def _made(self) -> Step:
        numbers = self.numbers
        sizes = {name: given.shape for name, given in numbers.items()}
        optimizer = optimizer_of(self.training) if self.training else None
        asked = Asked(
            sizes,
            Wanted(tuple(self.parameters), self.inputs, self.objective),
            {n: g.floats.astype(int) for n, g in numbers.items() if _whole(g)},
            optimizer,
            frozenset(self.training.frozen if self.training else ()),
            short=self._short,
            gates=self.gates,
        )
        step = made(self.statements, asked)
        letter = self.samples_letter
        if not letter:
            return step
        if letter not in step.ranges:
            raise LanguageError(f"no index of the equations is called {letter}: name the letter that counts samples")
        low, high = step.ranges[letter]
        return replace(step, unwritten=frozenset({letter})) if low == high else step

    def _short(self, back: Sequence[Equation], forward: Sequence[Equation]) -> Sequence[Equation]:
        """Deltas in short where they hold; a slope that nobody reads then has no line."""
        made = fused(back, forward, {}, sums_to_one=self._sums_to_one)
        read = {r.name for e in made for r in e.reads}
        return [e for e in made if e.why != "slope" or e.left.name in read]

    def _sums_to_one(self, target: Ref, classes: str) -> bool:
        """Whether given targets sum to 1 over the classes, as written."""
        given = self.given.get(target.name)
        letters = [i.letter if isinstance(i, Index) else "" for i in target.at]
        if given is None or letters.count(classes) != 1 or "" in letters or len(set(letters)) < len(letters):
            return False
        rows = np.moveaxis(given.exact(), letters.index(classes), -1)
        return all(sum(map(fraction, row)) == 1 for row in rows.reshape(-1, rows.shape[-1]))


def _whole(given: Given) -> bool:
    """Whether every number is a whole one that may count something."""
    return bool((np.abs(given.floats) <= MOST_COUNTED).all() and (given.floats == given.floats.round()).all())


def _alone(given: Given, axis: int, k: int) -> Given:
    def one(a: Any) -> Any:
        return np.take(a, [k], axis=axis)

    return given.turned(one)


def _axes_of(letter: str, equations: Sequence[Equation]) -> dict[str, int]:
    """The axis of each array at which the letter stands."""
    out: dict[str, int] = {}
    for e in equations:
        for r in (e.left, *(e.reads if e.stage == "forward" else ())):
            found = [k for k, i in enumerate(r.at) if isinstance(i, Index) and i.letter == letter]
            if found:
                out[r.name] = found[-1]
    for e in equations:
        for r in e.reads if e.stage == "forward" else ():
            i = r.at[out[r.name]] if r.name in out else None
            if i is not None and not (isinstance(i, Index) and i.letter == letter):
                raise LanguageError(
                    f"equations line {e.line}: {r.name} is read across samples: "
                    f"write {letter} there, or leave out sample under [training]"
                )
    return out
