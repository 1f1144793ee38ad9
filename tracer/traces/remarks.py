"""What is told of equations that can be worked, and may not say what was meant."""

from __future__ import annotations

from collections.abc import Iterator

from derivations.computation import Computation
from derivations.equations import Equation
from derivations.expression import Index, Over, Ref
from derivations.kinks import Kink, kinks
from tracer.computed_step import ComputedStep

__all__ = ["left_out_of_sums", "ties"]


def left_out_of_sums(own: Computation) -> Iterator[str]:
    """Where a `for` line makes a sum shorter than an array that it runs along."""
    for e in own.statements.equations:
        for x in e.right.walk():
            if isinstance(x, Over) and x.op in ("sum", "mean"):
                for l in (l for l in x.letters if l in own.statements.lines):
                    yield from dict.fromkeys(_shortened(own, e, l, x))


def ties(step: ComputedStep) -> Iterator[str]:
    """Entries where several are the largest over a letter, of which each counts in the gradient."""
    program = step.problem.planned.exact
    over = {e.left.name for e in step.problem.step.equations if _largest(e)}
    if not over or not step.m.floating:
        return
    found = [kink for kink in kinks(program, step.known) if kink.name in over and _matters(step, kink)]
    if found:
        at = f"[{','.join(map(str, found[0].at))}]" if found[0].at else ""
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        yield (
            f"{found[0].name}{at}{more}: several are the largest, and each of them counts in the gradient; "
            f"other programs take the first, or share it out"
        )


def _largest(e: Equation) -> bool:
    return e.stage == "forward" and isinstance(e.right, Over) and e.right.op in ("max", "min")


def _matters(step: ComputedStep, kink: Kink) -> bool:
    """Not where all of them are 0, as behind a relu that is shut."""
    extents = step.problem.step.arrays[kink.name].extents
    value = step.known[kink.name]
    return bool(value[tuple(i - low for i, (low, _) in zip(kink.at, extents, strict=True))] if kink.at else value)


def _shortened(own: Computation, e: Equation, l: str, over: Over) -> Iterator[str]:
    """The arrays that a letter alone runs along, and not to their ends."""
    low, high = own.step.ranges[l]
    for r in (x for x in over.body.walk() if isinstance(x, Ref)):
        for i, (first, last) in zip(r.at, own.step.arrays[r.name].extents, strict=True):
            alone = isinstance(i, Index) and i.letter == l
            out = max(first, 1) if max(first, 1) < low else last if last > high else None
            if alone and out is not None:
                yield (
                    f"line {e.line}: {l} runs over {low}..{high}, as the line 'for {l}' says for the whole file, "
                    f"so that {r.name}{_at(r, l, out)} stays out of this sum"
                )


def _at(r: Ref, l: str, value: int) -> str:
    """The indices of an entry with a number for one letter, [2,j]."""
    at = (str(value) if isinstance(i, Index) and i.letter == l else "·" for i in r.at)
    return f"[{','.join(at)}]"
