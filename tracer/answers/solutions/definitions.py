"""The rule that what is differentiated is the definition of a quantity; it finds misprints that change no value."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from derivations.expression import Expression, Name, Sum
from derivations.names import Quantity
from derivations.reading.nodes import Derivative
from tracer.answers.solutions.calculating import NoValue
from tracer.answers.solutions.duals import ball
from tracer.answers.solutions.values import Values, only

__all__ = ["Definitions"]

_SAME = 1e-9


class Definitions(Values):
    """Values that know every definition of the network, term by term."""

    def misdefined(self, e: Any) -> Iterator[tuple[int, int]]:
        """Where d/d of a sum has some terms of a quantity's definition, and others that are not its."""
        if isinstance(e, Derivative):
            if isinstance(e.by, Name) and isinstance(e.operand, Sum) and not self._defines(e.operand):
                yield e.place
            return
        parts = (
            e._parts() if isinstance(e, Expression) else e if type(e) is tuple and not isinstance(e, Quantity) else ()
        )
        for part in parts:
            yield from self.misdefined(part)

    def _defines(self, operand: Sum) -> bool:
        """Whether the terms are all of one definition, or of none at all."""
        try:
            terms = [sign * float(ball(only(self.in_world(term, 0)))) for sign, term in operand.terms]
            total = float(ball(only(self.in_world(operand, 0))))
        except (NoValue, ArithmeticError, ValueError):
            return True
        if any(_near(total, own) for own in self._totals):
            return True
        some = False
        for definition in self._definitions:
            matched = sum(any(_near(term, own) for own in definition) for term in terms)
            if matched == len(terms) and len(set(terms)) == len(terms):
                return True
            some = some or matched > 0
        return not some

    @cached_property
    def _definitions(self) -> list[list[float]]:
        """The terms of every definition, in the first drawn world."""
        out = []
        for quantity, formula in self.drawn[0].equations:
            if quantity.kind in ("a", "z", "E", "E_part") and isinstance(formula, Sum):
                out.append([sign * float(ball(self.in_world(term, 0))) for sign, term in formula.terms])
        return out

    @cached_property
    def _totals(self) -> list[float]:
        world = self.drawn[0]
        return [float(ball(world.values[q])) for q, _ in world.equations if q.kind in ("a", "z", "E", "E_part")]


def _near(x: float, y: float) -> bool:
    return abs(x - y) <= _SAME * max(abs(x), abs(y))
