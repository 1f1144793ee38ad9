"""Where a difference is looked at: as an expression that is seen to vanish, and at random points."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import mpmath
import sympy as sp

from derivations.axes import Arrays
from derivations.equations import Step
from derivations.expression import Expression
from derivations.quantity import Quantity
from derivations.symbolic_value import symbolic_value
from derivations.sympy_form import Expr, Sides, symbolic

__all__ = ["Numbers", "Point", "SidesAt", "is_zero"]

MOST_OPERATORS = 300  # of a difference that is put over one denominator


class Numbers(Protocol):
    """A step entry by entry: its formulas, the symbol of each number, the numbers it starts from."""

    step: Step
    start: Arrays
    symbols: dict[Quantity, Expr]

    @property
    def forward(self) -> Mapping[Quantity, Expression]:
        """The formula of every forward number."""

    @property
    def backward(self) -> Mapping[Quantity, Expression]:
        """The formula of every number of the backward lines."""

    def leaf(self, q: Quantity) -> Expr:
        """The symbol of a number."""


@dataclass
class Point:
    """A random point: parameters and given numbers near their own, signals anything, values by the forward formulas."""

    numbers: Numbers
    seed: int
    known: dict[Quantity, Any] = field(default_factory=dict)

    def memo(self, e: Expr) -> dict[Expr, Any]:
        """The numbers of the letters of an expression."""
        names = {s: q for q, s in self.numbers.symbols.items()}
        return {s: self.value(names[s]) for s in e.free_symbols}

    def value(self, q: Quantity) -> Any:
        """The number of a quantity."""
        if q not in self.known:
            formula = self.numbers.forward.get(q)
            self.known[q] = self._drawn(q) if formula is None else self._worked(formula)
        return self.known[q]

    def _worked(self, formula: Expression) -> Any:
        sides = SidesAt(self)
        e = symbolic(formula, self.numbers.leaf, sides)
        return symbolic_value(e, self.memo(e))

    def _drawn(self, q: Quantity) -> Any:
        draw = random.Random(f"{self.seed} {q.kind} {q.indices}")  # noqa: S311 - a repeatable point, not a secret
        off = mpmath.mpf(draw.randrange(1, 9999)) / 20_000
        array = self.numbers.start.get(q.kind)
        if array is None or q in self.numbers.backward:
            return off + mpmath.mpf(1) / 3
        lows = (low for low, _ in self.numbers.step.arrays[q.kind].extents)
        at = tuple(i - low for i, low in zip(q.indices, lows, strict=True))
        own = mpmath.mpf(float(array[at] if at else array))
        return own + off * (1 if self.seed % 2 else -1) / (1 + self.seed // 2)


@dataclass(frozen=True)
class SidesAt(Sides):
    """The sides on which a point lies."""

    point: Point | None = None

    def __init__(self, point: Point) -> None:
        object.__setattr__(self, "of", {})
        object.__setattr__(self, "point", point)

    def positive(self, test: Expr) -> bool:
        assert self.point is not None
        return bool(symbolic_value(test, self.point.memo(test)) > 0)

    def extreme(self, op: str, entries: tuple[Expr, ...]) -> int:
        assert self.point is not None
        values = [symbolic_value(e, self.point.memo(e)) for e in entries]
        return values.index(max(values) if op == "max" else min(values))


def is_zero(e: Expr) -> bool:
    """Whether an expression is seen to vanish: expanded, with its functions for letters, or as exponentials."""
    if e == 0 or sp.expand(e) == 0:
        return True
    if e.count_ops() > MOST_OPERATORS:
        return False
    functions = e.atoms(sp.exp, sp.tanh, sp.log, sp.sin, sp.cos, sp.erfc)
    if _vanishes(e.xreplace({f: sp.Dummy() for f in functions})):
        return True
    return (bool(e.has(sp.tanh)) and _vanishes(e.rewrite(sp.exp))) or _vanishes(e)


def _vanishes(e: Expr) -> bool:
    above = sp.together(e).as_numer_denom()[0]
    return bool(above.count_ops() <= MOST_OPERATORS and above.expand() == 0)
