"""Equal ways to work a line, which give another last digit to one who goes on from rounded numbers: all are right.

The slope of a function may be worked from what goes into it, 1 - tanh(a)², and not from what came out, 1 - z².
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derivations.equations import Equation, Step
from derivations.expression import Call, Ref
from derivations.function import entry
from derivations.uses import filled, slopes

__all__ = ["ways"]


def ways(step: Step, e: Equation) -> Iterator[Equation]:
    """The other ways to work a line."""
    made = [own for own in step.equations if own.left.name == e.of and own.left.at == e.left.at]
    call = made[0].right if made else None
    if e.why != "slope" or not isinstance(call, Call) or len(call.arguments) != 1:
        return
    if entry(call.function).named and isinstance(call.arguments[0], Ref):
        yield replace(e, right=filled(slopes(entry(call.function))[0], call.arguments, call))
