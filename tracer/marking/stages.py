"""What kind of line a number is worked by, from the equations and their roles: hints are worded for each kind."""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import cached_property

from derivations.computation import Computation
from derivations.equations import Equation, Role
from derivations.expression import Call, Choice, Expression, Over, Ref, Sum
from derivations.function import entry

__all__ = ["Stages"]

_OF_ROLE = {
    Role.LOCAL: "derivative",
    Role.PARAMETER: "update",
    Role.UPDATED: "update",
    Role.STATE: "update",
    Role.BEFORE: "update",
}


class Stages:
    """The kind of line of each array of a computation.

    Forward preactivation, activation, choice, loss, other; backward derivative, signal, signals (of a number that
    several lines read), gradient, gradients (of a parameter used several times); update.
    """

    def __init__(self, problem: Computation) -> None:
        self.problem, self.step = problem, problem.step
        self._known: dict[str, str] = {}

    def of(self, name: str) -> str:
        """That of an array; "other" for what is none."""
        if name not in self._known:
            self._known[name] = self._found(name)
        return self._known[name]

    def _found(self, name: str) -> str:
        array = self.step.arrays.get(name)
        if array is None:
            return "other"
        if array.role in (Role.SIGNAL, Role.GRADIENT):
            kind = "signal" if array.role is Role.SIGNAL else "gradient"
            return f"{kind}s" if self._is_added_up(name, array.of) else kind
        if array.role in _OF_ROLE:
            return _OF_ROLE[array.role]
        if name in self._losses:
            return "loss"
        return max(map(self._of_line, self._lines.get(name, ())), key=_TOLD.index, default="other")

    @cached_property
    def _lines(self) -> Mapping[str, list[Equation]]:
        out: dict[str, list[Equation]] = {}
        for e in self.step.equations:
            out.setdefault(e.left.name, []).append(e)
        return out

    @cached_property
    def _readers(self) -> Mapping[str, list[Equation]]:
        """The forward lines that read each array."""
        out: dict[str, list[Equation]] = {}
        for e in self.step.equations:
            for name in {r.name for r in e.reads} if e.stage == "forward" else ():
                out.setdefault(name, []).append(e)
        return out

    def _is_added_up(self, name: str, of: str) -> bool:
        """Whether what comes back is a sum over several uses: lines that read it, or places of one that do.

        The samples of a batch are no uses of their own.
        """
        if len(self._readers.get(of, ())) > 1:
            return True
        sums = (x for e in self._lines.get(name, ()) for x in e.right.walk() if isinstance(x, Over) and x.op == "sum")
        own = self.step.arrays[of].role is Role.PARAMETER
        return own and any(set(x.letters) - {self.problem.samples_letter} for x in sums)

    @cached_property
    def _losses(self) -> Set[str]:
        """The objective and what it is the plain sum of, where given numbers are compared in them."""
        out = {name for name, array in self.step.arrays.items() if array.role is Role.OBJECTIVE}
        near = list(out)
        while near:
            lines = self._lines.get(near.pop(), ())
            parts = {r.name for e in lines if _is_plain_sum(e.right) for r in e.reads} & self._lines.keys() - out
            out |= parts
            near += parts
        compared = any(self._role(r) is Role.GIVEN for name in out for e in self._lines.get(name, ()) for r in e.reads)
        return out if compared else set()

    def _role(self, r: Ref) -> Role | None:
        return self.step.arrays[r.name].role if r.name in self.step.arrays else None

    def _of_line(self, e: Equation) -> str:
        """A forward line by what it does last."""
        right = e.right
        if isinstance(right, Over) and right.op in ("max", "min"):
            return "choice"
        if _is_function(right) or isinstance(right, Ref):
            return "activation"
        reads = set(map(self._role, e.reads))
        weighted = Role.PARAMETER in reads and not reads.isdisjoint((Role.GIVEN, Role.VALUE))
        return "preactivation" if weighted else "other"


_TOLD = ("other", "activation", "choice", "preactivation")
"""Of an array with several lines the one that is told."""


def _is_function(e: Expression) -> bool:
    if isinstance(e, Call):
        return entry(e.function).named or e.function in ("max", "min")
    return isinstance(e, Choice) or (isinstance(e, Over) and e.op == "softmax")


def _is_plain_sum(e: Expression) -> bool:
    """Whether it adds up numbers as they are: Σ_n E[n], data + penalty."""
    match e:
        case Ref():
            return True
        case Over("sum" | "mean", _, body):
            return _is_plain_sum(body)
        case Sum(terms):
            return all(sign > 0 and _is_plain_sum(t) for sign, t in terms)
    return False
