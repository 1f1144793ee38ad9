"""Every number of a network's trace as a step of the page: its place, its formula, the numbers it reads."""

from __future__ import annotations

import itertools
from itertools import groupby
from typing import TYPE_CHECKING

from derivations import names
from derivations.expression import Expression
from derivations.names import KINDS, Quantity
from derivations.network import Network
from derivations.notation import Notation
from derivations.writing.lines import Style
from tracer.show.page.formula_writer import FormulaWriter, quantities_read
from tracer.show.page.step import Group, Step
from tracer.show.page.unit_words import UnitWords
from tracer.show.table import STAGES

if TYPE_CHECKING:
    from tracer.traces.layered import LayeredTrace

__all__ = ["MOST_READ", "anchor", "groups", "suffix"]

MOST_READ = 200  # numbers of one formula that links lead to


def anchor(network: Network, q: Quantity) -> str:
    """The place of a quantity in the page's address: `delta-1-2`, of sample 3 `delta-1-2-s3`, in step 2 `...-u2`."""
    kind = KINDS[q.kind]
    letters = names.stem(network, q.kind, q.layer) + kind.suffix
    numbers = [str(q.layer)] if kind.layered else []
    return "-".join([letters, *numbers, *map(str, q.indices)]) + suffix(q)


def suffix(q: Quantity) -> str:
    """What tells apart the same quantity of several samples or steps."""
    step = f"-u{q.step}" if q.step > 1 and q.kind not in names.CONSTANTS else ""
    return (f"-s{q.sample}" if q.sample else "") + step


def groups(trace: LayeredTrace, notation: Notation, words: UnitWords, most: int, samples: int) -> tuple[Group, ...]:
    """The groups of a step: forward, backward, update; of several steps one after the other."""
    writer = _Writer(trace, notation, words)
    equations = [(e.part, e.quantity, e.formula) for e in trace.lines() if _kept(e.quantity, trace, samples)]
    out = []
    for part in dict.fromkeys(e[0] for e in equations):
        for stage in STAGES:
            own = [e[1:] for e in equations if e[0] == part and KINDS[e[1].kind].stage == stage]
            for (kind, layer), members in groupby(own, key=lambda e: (e[0].kind, e[0].layer)):
                steps = tuple(writer.step(q, formula) for (q, formula), _ in zip(members, range(most), strict=False))
                out.append(Group(stage, writer.heading(kind, layer, part), writer.why(kind, layer), steps))
    return tuple(out)


def _kept(q: Quantity, trace: LayeredTrace, samples: int) -> bool:
    number = q.step if trace.problem.training.samples == "in_turn" else q.sample
    return trace.problem.samples == 1 or number <= samples


class _Writer:
    """Writes the steps of one trace in one notation and language."""

    def __init__(self, trace: LayeredTrace, notation: Notation, words: UnitWords) -> None:
        self.trace, self.notation, self.words = trace, notation, words
        self.network, self.shown = trace.problem.network, trace.shown
        style = Style(notation, words.lang)
        self.formulas = FormulaWriter(self.shown, lambda q: notation.latex(self.network, q), style)

    def heading(self, kind: str, layer: int, part: str) -> str:
        """The rule's name and the layer it works in."""
        where = self.words("layer", l=layer) if KINDS[kind].layered and kind[0] != "E" else ""
        return self.words("comma").join(filter(None, (self.words.rule(kind, layer), where, self.words.said(part))))

    def why(self, kind: str, layer: int) -> str:
        """The rule in a sentence."""
        problem, training = self.trace.problem, self.trace.problem.training
        fused = problem.fused is not None and layer == len(self.network)
        plain, kept = training.optimizer == "sgd", not training.update_biases
        return self.words.why(kind, layer, fused=fused, plain_update=plain, biases_kept=kept)

    def step(self, q: Quantity, formula: Expression) -> Step:
        """One step."""
        place = self.words.place(q)
        return Step(
            q,
            anchor(self.network, q),
            self._part(q),
            f"{place}{self.words('comma')}{self.words('sample').lower()} {q.sample}" if self._told(q) else place,
            self.formulas.formula(q, formula),
            self.shown[q],
            self._reads(formula),
        )

    def _reads(self, formula: Expression) -> tuple[str, ...]:
        read = itertools.islice(quantities_read(formula), MOST_READ)
        return tuple(dict.fromkeys(anchor(self.network, q) for q in read))

    def _told(self, q: Quantity) -> bool:
        """Whether the step says its sample: not where the heading of its group does."""
        return bool(q.sample) and len(self.trace.steps) == 1

    def _part(self, q: Quantity) -> str:
        if self.trace.problem.samples == 1:
            return ""
        return str(q.step) if self.trace.problem.training.samples == "in_turn" else str(q.sample or "")
