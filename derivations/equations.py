"""A step is its list of equations, as data: arrays with roles, equations over them, the order in which they are worked.

Everything else reads this list: numbers put in are the trace, written out the table, with one equation changed a slip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

import numpy as np

from derivations.expression import Expression, Ref

__all__ = ["Array", "Equation", "Range", "Role", "Step"]

Range = tuple[int, int]
"""From the first to the last value of a letter or an index, both included."""


class Role(Enum):
    """What an array is to the step; asked for instead of its letter."""

    GIVEN = "given"
    PARAMETER = "parameter"
    CONSTANT = "constant"
    BEFORE = "state before the step"
    VALUE = "value"
    OBJECTIVE = "objective"
    SIGNAL = "signal"
    LOCAL = "local derivative"
    GRADIENT = "gradient"
    STATE = "optimizer's state"
    LENGTH = "length of all gradients"
    UPDATED = "updated parameter"


@dataclass(frozen=True)
class Array:
    """An array of the step: delta1 is the SIGNAL of a1, dW1 the GRADIENT of W1.

    `extents` are the first and last value of each axis, indices count from 1 (h[0] may come before).  `of` is the
    array that a signal, gradient, state or updated value belongs to.  `meaning` says what the number is, for people:
    where E is a mean over samples, it states of which loss a signal is the derivative.
    """

    name: str
    role: Role
    extents: tuple[Range, ...] = ()
    of: str = ""
    meaning: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """How many entries there are along each axis."""
        return tuple(high - low + 1 for low, high in self.extents)


@dataclass(frozen=True)
class Equation:
    """`left = right`; its stage (forward, backward, update), its line in the file, and the key of words and slips.

    `of` is the array that a backward or update line is about: X for dX, the parameter for its updated value.
    """

    left: Ref
    right: Expression
    stage: str = "forward"
    line: int = 0
    why: str = ""
    of: str = ""

    @cached_property
    def reads(self) -> tuple[Ref, ...]:
        """The entries that the right side reads, those in indices too, from left to right."""
        return tuple(node for node in self.right.walk() if isinstance(node, Ref))


@dataclass(frozen=True)
class Step:
    """The equations of one step, forward, backward and update, in the order in which they are worked.

    `ranges` say how far letters run, `whole` holds the given arrays of whole numbers that are looked up, `outside` the
    arrays that are 0 past their ends.  `unwritten` are letters with one value that nobody writes (the one sample).
    """

    equations: tuple[Equation, ...]
    arrays: Mapping[str, Array]
    ranges: Mapping[str, Range]
    whole: Mapping[str, np.ndarray] = field(default_factory=dict)
    outside: frozenset[str] = frozenset()
    unwritten: frozenset[str] = frozenset()

    def replace(self, *wrong: Equation) -> Step:
        """The step with equations of the same left sides in place of its own: a slip is a step.

        Raises KeyError for a left side that no equation of the step has.
        """
        other = {e.left: e for e in wrong}
        if unknown := other.keys() - {e.left for e in self.equations}:
            raise KeyError(f"no equation defines {', '.join(sorted(ref.name for ref in unknown))}")
        return replace(self, equations=tuple(other.get(e.left, e) for e in self.equations))
