"""What every trace has: its numbers by name, in the order of calculation, and how they are shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from derivations.arithmetic import Arithmetic
from derivations.expression import Expression
from derivations.quantity import Quantity
from tracer.rounding import Rounding, bounds, nearest_float

if TYPE_CHECKING:
    from derivations.computation import Computation
    from derivations.network import Problem

__all__ = ["AnyStep", "Trace", "WorkedLine"]


class AnyStep(Protocol):
    """A worked step: what it was worked in, the marks of its names, its numbers in the order of calculation."""

    m: Arithmetic
    sample: int
    step: int

    def items(self) -> Iterator[tuple[Quantity, Any]]:
        """(quantity, value) of everything recorded."""

    def replace(self, each: Callable[[Quantity, Any], Any]) -> None:
        """Other numbers in place of those recorded."""


class WorkedLine(NamedTuple):
    """One equation of a trace: which step it belongs to, its stage, what it defines, the formula, its general line.

    `general` is the equation with its letters, as text and as LaTeX, "" where a table says none; `more` how many
    further entries of it were left out.
    """

    part: str
    stage: str
    quantity: Quantity
    formula: Expression
    general: tuple[str, str] = ("", "")
    more: int = 0


class Trace(ABC):
    """Every number of one forward/backward/update step.

    `trace["delta1"]` is an array, `trace["delta1[2]"]` is a number; `trace.values` maps every name to its number in the
    order of calculation.  Numbers are floats; in the arithmetic `ball` they are flint.arb, midpoint and radius.
    Samples worked in turn or apart are several `steps`.
    """

    problem: Problem | Computation
    steps: Sequence[AnyStep]

    def __init__(
        self,
        problem: Any,
        steps: tuple[Any, ...],
        arithmetic: str,
        rounding: Rounding,
        carry: str,
        texts: Mapping[Quantity, str],
    ) -> None:
        self.problem, self.steps = problem, steps
        self.arithmetic, self.rounding, self.carry = arithmetic, rounding, carry
        self._rounded = texts

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """Every recorded number by name, in the order of calculation."""
        items = (item for step in self.steps for item in step.items())
        return MappingProxyType({self.name(q): self.number(v) for q, v in items})

    @property
    @abstractmethod
    def inputs(self) -> Mapping[str, Any]:
        """What the step started from, by name: given numbers, parameters, constants."""

    @abstractmethod
    def __getitem__(self, name: str) -> Any:
        """A number, or a whole array, by name.  Raises UnknownName (a KeyError) with near names."""

    @abstractmethod
    def name(self, q: Quantity) -> str:
        """The name of a number, as it is printed."""

    @abstractmethod
    def read(self, name: str) -> Quantity:
        """The number, or whole array, that a name stands for.  Raises UnknownName."""

    @abstractmethod
    def letters(self, notation: str, *, latex: bool) -> Callable[[Quantity], str]:
        """How names are written: in our letters or, where one is named, in a notation's; as text or as LaTeX.

        Raises NotationError for a notation that is not known or cannot write this.
        """

    @property
    @abstractmethod
    def shown(self) -> Mapping[Quantity, str]:
        """The finished text of every number, given and recorded: the one that all tables print."""

    @abstractmethod
    def lines(self, most: int | None = None) -> Iterator[WorkedLine]:
        """Every equation in the order of calculation; of a long array no more than `most`, where that is said."""

    @property
    @abstractmethod
    def headings(self) -> tuple[str, ...]:
        """The title, what is worked, the training: a line each."""

    @property
    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """What a reader must know: where a number is not finite and why, which names were reread."""

    def number(self, value: Any) -> Any:
        """A value as people get it: a float, or in ball arithmetic a flint.arb."""
        if self.arithmetic == "ball":
            return value
        low, high = (None, None) if isinstance(value, float | np.floating) else bounds(value)
        if low is None or high is None:
            return float(value)
        return nearest_float((low + high) / 2)  # by hand there is no largest number

    @property
    def bits(self) -> int:
        """The precision of its balls."""
        return int(getattr(self.steps[0].m, "bits", 53))

    @property
    def policy(self) -> str:
        """One line for people: the arithmetic, the rounding, what is carried."""
        if self.arithmetic == "hand":
            how = "carrying what is shown" if self.carry == "shown" else "carrying every digit"
            return f"by hand: {self.rounding.words}, half away from zero, {how}"
        shown = f", shown to {self.rounding.words}" if self.rounding.asked else ""
        if self.arithmetic == "ball":
            return f"balls of {self.bits} bits{shown}; \u00b1 is the proved radius"
        return f"{self.arithmetic}{shown}"

    def table(self, notation: str = "") -> Any:
        """The table of finished strings, in our letters or in a notation's: `print(trace.table("ng"))`."""
        from tracer.show.table import Table

        return Table.of(self, notation)

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __str__(self) -> str:
        return str(self.table())

    def __repr__(self) -> str:
        return f"<Trace of {len(self.values)} quantities, {self.policy}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        table = self.table()
        formats = {"text/plain": "table", "text/html": "html", "text/latex": "latex", "text/markdown": "markdown"}
        return {mime: table.render(form) for mime, form in formats.items()}
