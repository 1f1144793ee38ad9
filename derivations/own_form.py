"""The derivation of somebody's own equations: each general line, then its entries with the indices put in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from derivations.chains import Chain, Line, Part, Sentence
from derivations.computation import Computation
from derivations.entries import Entries
from derivations.equations import Equation
from derivations.expression import Letters, Name, Number, Ref
from derivations.general import GeneralText
from derivations.general_form import GeneralForm
from derivations.numbered import number_lines
from derivations.own_names import OwnNames
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
        )
        self.tasks = defaultdict(list)
        for task in self.problem.planned.exact.tasks:
            self.tasks[id(task.equation)].append(task)

    def parts(self) -> tuple[Part, ...]:
        """The equations, the functions, the derivatives."""
        out: list[Part] = []
        if self.level != "answers" and not self.wanted:
            forward = zip(self._equations("forward"), self.general.forward(), strict=True)
            chains = (c for e, chain in forward for c in self.with_entries(e, chain))
            out += [Part("equations", tuple(chains), sentences=(self._ranges(),)), self.general.functions()]
        out.append(self._derivatives())
        return tuple(part for part in out if part.chains)

    def _derivatives(self) -> Part:
        chains: list[Chain] = []
        for e, chain in self.general.derivatives():
            if self.level == "answers":
                if e.why != "gradient" and not self.wanted:
                    continue
                chain = Chain(chain.left, chain.lines[-1:], array=chain.array)
            chains += self.with_entries(e, chain)
        return Part("derivatives", tuple(chains), sentences=() if self.wanted else (self._legend(),))

    def _legend(self) -> Sentence:
        signal = next((e for e in self._equations("backward") if e.why not in ("slope", "jacobian")), None)
        if signal is None:
            return ("No line is needed.",)
        E, text = self.problem.objective, GeneralText(self.step.unwritten)
        by = text(Ref(signal.of, signal.left.at))
        return (Letters("", f"dX is short for ∂{E}/∂X: {text(signal.left)} is ∂{E}/∂{by}."),)

    def _ranges(self) -> Sentence:
        written = {l: None for e in self.step.equations for x in e.left.at for l in [getattr(x, "letter", "")] if l}
        runs = {l: self.step.ranges[l] for l in written if l not in self.step.unwritten}
        if not runs:
            return ("No index is used.",)
        each = [Letters(rf"{l} = {low}, \ldots, {high}", f"{l} = {low}..{high}") for l, (low, high) in runs.items()]
        return (each[0], *(piece for one in each[1:] for piece in (", ", one)))

    def _equations(self, stage: str) -> list[Equation]:
        return [e for e in self.step.equations if e.stage == stage]

    def updates(self) -> Iterator[tuple[Equation, Chain]]:
        """The lines of the optimizer."""
        return zip(self._equations("update"), self.general.updates(), strict=True)

    def with_entries(self, e: Equation, chain: Chain) -> Iterator[Chain]:
        """A general line, and at the levels that have them its entries."""
        alone = (not e.left.at and self.shown is None) or isinstance(e.right, Number)
        yield chain
        if self.level == "general" or alone:
            return
        wanted = self.wanted.get(e.left.name, frozenset())
        found = [x for t in self.tasks[id(e)] for x in self.entries.of(e, t.fixed) if not wanted or x.at in wanted]
        shown = found if len(found) <= MOST_ENTRIES + A_FEW else found[:MOST_ENTRIES]
        for entry in shown:
            q = self.problem.quantity(entry.name, entry.at)
            lines = [Line("=", entry.formula)]
            if self.shown is not None:
                lines += number_lines(q, entry.formula, self.shown, self.rounding)
            yield Chain(Name(q), tuple(lines), q)
        if len(found) > len(shown):
            left_out = f"... {len(found) - len(shown)} more entries of {e.left.name}; --wrt names the one to see"
            yield Chain(e.left, (), sentences=((left_out,),))
