"""The named slips of layers as rewrites of their step, before those that any step has."""

from __future__ import annotations

from collections.abc import Iterator, Set

from derivations.expression import Expression, Ref
from derivations.layered_computation import LayeredComputation
from derivations.network import Problem
from tracer.marking.rewrites import Rewrite, rewrites
from tracer.marking.slips.catalogue import slips_of
from tracer.marking.slips.line import OfLayer
from tracer.schedule import schedules

__all__ = ["named_and_others"]


def named_and_others(problem: LayeredComputation) -> list[Rewrite]:
    """Each slip in all layers and in each alone, then the rewrites of lines that no slip is."""
    first = schedules(problem.layers)[0].problem(1)
    out = list(_named(problem.layers, first))
    known = {(e.left, e.right) for slip in out for e in slip.lines if len(slip.lines) == 1}
    others = rewrites(LayeredComputation.of(first))
    return [*out, *(slip for slip in others if not _is_known(slip, known))]


def _is_known(slip: Rewrite, known: Set[tuple[Ref, Expression]]) -> bool:
    """Whether a rewrite of any step is a named slip."""
    rate_twice = slip.name.startswith("equation.factor_twice")
    return rate_twice or any((e.left, e.right) in known for e in slip.lines)


def _named(whole: Problem, problem: Problem) -> Iterator[Rewrite]:
    """The slips of a whole problem as lines of its first step, which has one sample where samples come in turn."""
    meanings = OfLayer.all_of(problem)
    for slip in slips_of(whole):
        for narrow in dict.fromkeys((slip, *slip.by_layer())) if len(slip.possible) > 1 else (slip,):
            lines = tuple(narrow.equations(problem, meanings).values())
            if lines:
                yield Rewrite(slip.name, lines, {}, everywhere=narrow is slip and len(slip.possible) > 1)
            alone = [[e for e in lines if (e.of[:1] == "W") == weights] for weights in (True, False)]
            if slip.each_alone and all(alone):
                yield from (Rewrite(slip.name, tuple(own), {}, everywhere=narrow is slip) for own in alone)
