"""The derivation of somebody's own equations: each general line, then its entries with the indices put in."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from derivations.chains import Chain, Line, Part, Sentence
from derivations.computation import Computation
from derivations.entries import Entries
from derivations.equations import Equation
from derivations.expression import Letters, Name, Number, Over, Ref
from derivations.general import GeneralText
from derivations.general_form import GeneralForm
from derivations.numbered import number_lines
from derivations.order import groups
from derivations.own_names import OwnNames
from derivations.program import Task
from derivations.quantity import Quantity

__all__ = ["OwnForm", "Wanted"]

MOST_ENTRIES = 24  # of one general line
A_FEW = 4  # past the limit that are shown rather than said to be left out

Wanted = Mapping[str, frozenset[tuple[int, ...]]]
"""Arrays that are asked for, with the entries of each that are; none for all of them."""


@dataclass
class OwnForm:
    """Writes the parts of one derivation: `level`, the numbers that are put in, what is asked for (empty: all)."""

    problem: Computation
    level: str
    shown: Mapping[Quantity, str] | None
    wanted: Wanted
    rounding: Any = None

    def __post_init__(self) -> None:
        self.step, known = self.problem.step, OwnNames(self.problem)
        self.entries = Entries(self.step, lambda name, at: Name(self.problem.quantity(name, at)))
        self.general = GeneralForm(
            self.step,
            lambda name: not self.wanted or name in self.wanted,
            lambda name: any(alias.array == name for alias in known.aliases),
            sentences=self.level != "answers",
            primes=True,
        )
        self.tasks: dict[int, list[tuple[int, Task]]] = defaultdict(list)
        for k, task in enumerate(self.problem.planned.exact.tasks):
            self.tasks[id(task.equation)].append((k, task))

    def parts(self) -> tuple[Part, ...]:
        """The equations, the functions, the derivatives, the updates."""
        if self.level == "answers" or self.wanted:
            return tuple(part for part in (self._derivatives(),) if part.chains)
        forward = zip(self._equations("forward"), self.general.forward(), strict=True)
        chains = (c for e, chain in forward for c in self.with_entries(e, chain))
        equations = Part("equations", tuple(chains), sentences=(self._ranges(),))
        updates = Part("updates", tuple(c for e, chain in self.updates() for c in self.with_entries(e, chain)))
        out = (equations, self.general.functions(), self._derivatives(), updates)
        return tuple(part for part in out if part.chains)

    def _derivatives(self) -> Part:
        chains: list[Chain] = []
        every = list(self.general.derivatives())
        if self.level == "answers":
            asked = (e for e, _ in every if e.why == "gradient" or self.wanted)
            every = [(e, Chain(e.left, (Line("=", e.right),), array=e.left.name)) for e in asked]
        for run in self._runs(every):
            if len(run) == 1:
                chains += self.with_entries(*run[0])
                continue
            chains += [chain for _, chain in run]  # as they are worked: from the last step back
            chains += [chain for _, chain in sorted((x for e, _ in run for x in self._entries(e)), key=itemgetter(0))]
        return Part("derivatives", tuple(chains), sentences=() if self.wanted else (self._legend(),))

    def _runs(self, every: list[tuple[Equation, Chain]]) -> Iterator[list[tuple[Equation, Chain]]]:
        """Lines that are worked in turn, step by step, together; each other one by itself."""
        together = [{id(e) for e in group} for group in groups(self.step.equations) if len(group) > 1]
        k = 0
        while k < len(every):
            own: set[int] = next((group for group in together if id(every[k][0]) in group), set())
            last = max((i for i, (e, _) in enumerate(every) if id(e) in own), default=k)
            yield every[k : last + 1]
            k = last + 1

    def _legend(self) -> Sentence:
        signal = next((e for e in self._equations("backward") if e.why not in ("slope", "jacobian")), None)
        if signal is None:
            return ("No line is needed.",)
        E, text = self.problem.objective, GeneralText(self.step.unwritten)
        by = text(Ref(signal.of, signal.left.at))
        return (Letters("", f"dX is short for ∂{E}/∂X: {text(signal.left)} is ∂{E}/∂{by}."),)

    def _ranges(self) -> Sentence:
        left = (getattr(i, "letter", "") for e in self.step.equations for i in e.left.at)
        inner = (
            l for e in self._equations("forward") for x in e.right.walk() if isinstance(x, Over) for l in x.letters
        )
        written = dict.fromkeys(l for l in (*left, *inner) if l and l not in self.step.unwritten)
        if not written:
            return ("No index is used.",)
        each = [_run(l, *self.step.ranges[l]) for l in written]
        return (each[0], *(piece for one in each[1:] for piece in ("; ", one)))

    def _equations(self, stage: str) -> list[Equation]:
        return [e for e in self.step.equations if e.stage == stage]

    def updates(self) -> Iterator[tuple[Equation, Chain]]:
        """The lines of the optimizer."""
        return zip(self._equations("update"), self.general.updates(), strict=True)

    def with_entries(self, e: Equation, chain: Chain) -> Iterator[Chain]:
        """A general line, and at the levels that have them its entries."""
        yield chain
        yield from (entry for _, entry in self._entries(e))

    def _entries(self, e: Equation) -> Iterator[tuple[float, Chain]]:
        """Each entry of a line, with when it is worked."""
        alone = (not e.left.at and self.shown is None) or isinstance(e.right, Number)
        if self.level == "general" or alone:
            return
        wanted = self.wanted.get(e.left.name, frozenset())
        each = ((k, entry) for k, task in self.tasks[id(e)] for entry in self.entries.of(e, task.fixed))
        found = [(k, entry) for k, entry in each if not wanted or entry.at in wanted]
        shown = found if len(found) <= MOST_ENTRIES + A_FEW else found[:MOST_ENTRIES]
        for k, entry in shown:
            q = self.problem.quantity(entry.name, entry.at)
            lines = [Line("=", entry.formula)]
            if self.shown is not None:
                lines += number_lines(q, entry.formula, self.shown, self.rounding)
            yield k, Chain(Name(q), tuple(lines), q)
        if len(found) > len(shown):
            left_out = f"... {len(found) - len(shown)} more entries of {e.left.name}; --wrt names the one to see"
            yield math.inf, Chain(e.left, (), sentences=((left_out,),))


def _run(l: str, low: int, high: int) -> Letters:
    """The values of an index: `t = 1, 2`, `t = 1, ..., 5`."""
    if high - low < 2:
        words = f"{l} = {', '.join(map(str, range(low, high + 1)))}"
        return Letters(words, words)
    return Letters(rf"{l} = {low}, \ldots, {high}", f"{l} = {low}..{high}")
