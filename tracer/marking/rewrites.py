"""Slips of any step: one equation of it rewritten as people get it wrong, with what there is to say of it.

Which slips a step has follows from its equations.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property

from derivations.computation import Computation
from derivations.equations import Equation, Role, Step
from derivations.expression import Expression, Over, Ref
from derivations.general import GeneralText, Letter
from derivations.shapes import free
from tracer.marking.line_rewrites import Rewriting

__all__ = ["Rewrite", "old_again", "rewrites"]

MOST = 900
"""Rewrites of one step; the likely kinds come first."""

ANYWHERE = {
    *("slope_left_out", "slope_at_the_output", "slope_of_another_function", "signal_handed_on"),
    *("mean_for_sum", "sum_for_mean", "one_of_the_sum", "updated_too_soon", "written_transposed", "power_left_out"),
}
"""Slips that are one misunderstanding, in however many lines they are made."""


@dataclass(frozen=True, eq=False)
class Rewrite:
    """One way to get a step wrong: the lines as they were worked, `name` for its sentence, facts for its places.

    The fact "rule" is what makes it one slip in several lines: a misunderstanding, the rule that updates parameters.
    """

    name: str
    lines: tuple[Equation, ...]
    facts: Mapping[str, str]
    everywhere: bool = False
    """Whether it is one that is made in several layers at once, and stands there for each alone too."""

    def may_be_made(self, open_: Set[str]) -> bool:
        """Whether it changes one of these arrays: one that is made everywhere, none but these."""
        return set(self.arrays) <= open_ if self.everywhere else not open_.isdisjoint(self.arrays)

    @cached_property
    def arrays(self) -> tuple[str, ...]:
        """What its lines make."""
        return tuple(dict.fromkeys(e.left.name for e in self.lines))

    @cached_property
    def by_left(self) -> dict[Ref, Equation]:
        """Its lines by their left sides."""
        return {e.left: e for e in self.lines}

    @property
    def is_named(self) -> bool:
        """Whether it has a name of its own, and a sentence, rather than those of its kind."""
        return not self.name.startswith("equation.")

    @property
    def is_turned(self) -> bool:
        """Whether it gives the negative of what is right."""
        return self.name.startswith("equation.turned")


def rewrites(problem: Computation) -> list[Rewrite]:
    """Every rewrite of a computation's step, numbered within its kind."""
    own = Rewriting(problem)
    out: list[Rewrite] = []
    seen = set[tuple[Ref, Expression]]()
    rule = GeneralText(problem.step.unwritten, _by_role(problem.step))
    for e in problem.step.equations:
        as_it_is = own.text.equation(e)
        for kind, right, facts in own.of(e):
            if right == e.right or (e.left, right) in seen or len(out) >= MOST or not _is_workable(right):
                continue
            seen.add((e.left, right))
            wrong = replace(e, right=right)
            told = {"used": own.text.equation(wrong), "right": as_it_is, **facts}
            if e.stage == "update" or kind in ANYWHERE:
                told["rule"] = kind if kind in ANYWHERE else rule(right)
            out.append(Rewrite(f"equation.{kind}[{len(out) + 1}]", (wrong,), told))
    return out


def _by_role(step: Step) -> Letter:
    """What stands for an array where only its part in a rule counts: a parameter, its gradient; constants by name."""

    def letter(name: str, at: tuple[str, ...]) -> str:
        role = step.arrays[name].role if name in step.arrays else Role.CONSTANT
        return name if role is Role.CONSTANT else role.value

    return letter


def old_again(problem: Computation) -> Rewrite:
    """The step after an update worked with the parameters of before it: each new one, as if it were the old one."""
    arrays = problem.step.arrays
    new = [e for e in problem.step.equations if arrays[e.left.name].role is Role.UPDATED]
    lines = tuple(replace(e, right=Ref(arrays[e.left.name].of, e.left.at)) for e in new)
    return Rewrite("update.old_again", lines, {}, everywhere=True)


def _is_workable(e: Expression) -> bool:
    """Whether what is taken over letters has these letters in it."""
    taken = (x for x in e.walk() if isinstance(x, Over) and x.op not in ("sum", "mean"))
    return all(set(x.letters) <= set(free(x.body)) for x in taken)
