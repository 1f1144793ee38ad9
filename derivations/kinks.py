"""Where a step stands at a kink: a test at 0, a tie.  The slope there is a convention (relu 0, abs 0, a tie: each)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from derivations.axes import Arrays
from derivations.entries import Entries
from derivations.equations import Equation
from derivations.evaluation import pocket
from derivations.expression import Call, Choice, Expression, Index, Number, Over, Ref
from derivations.function import entry
from derivations.program import Program

__all__ = ["Kink", "bends", "kinks"]


class Kink(NamedTuple):
    """An entry whose formula stands at a kink, and the part of it that does."""

    name: str
    at: tuple[int, ...]
    part: Expression


def kinks(program: Program, s: Arrays) -> Iterator[Kink]:
    """The entries of the forward equations that stand at a kink, with the arrays of a float64 run."""
    entries = Entries(program.step)

    def numbers(e: Expression) -> Expression:
        if not isinstance(e, Ref):
            out: Expression = e.mapped(numbers)
            return out
        lows = (low for low, _ in program.extents[e.name])
        place = tuple(i.plus - low for i, low in zip(e.at, lows, strict=True) if isinstance(i, Index))
        return Number(repr(float(s[e.name][place] if place else s[e.name])))

    for equation, fixed in program.tasks:
        if equation.stage == "forward" and bends(equation):
            for entry in entries.of(equation, fixed):
                yield from (Kink(entry.name, entry.at, x) for x in entry.formula.walk() if _stands(x, numbers))


def bends(equation: Equation) -> bool:
    """Whether a line has a kink somewhere: a choice, a largest, a function with one."""
    return any(
        isinstance(x, Choice)
        or (isinstance(x, Over) and x.op in ("max", "min"))
        or (isinstance(x, Call) and (x.function in ("max", "min") or bool(entry(x.function).kinks)))
        for x in equation.right.walk()
    )


def _stands(x: Expression, numbers: Callable[[Expression], Expression]) -> bool:
    match x:
        case Choice(test):
            return pocket(numbers(test)) == 0
        case Call("max" | "min" as op, arguments):
            values = [v for a in arguments if (v := pocket(numbers(a))) is not None]
            return values.count(max(values) if op == "max" else min(values)) > 1 if values else False
        case Call(name, (argument,)) if entry(name).kinks:
            return pocket(numbers(argument)) in entry(name).kinks
    return False
