"""Every number of a trace as a step of the page: its place, its formula in MathML, the numbers it reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from derivations import names
from derivations.evaluation import chosen, fraction_of, relation
from derivations.expression import Choice, Expression, Name
from derivations.names import KINDS, Quantity
from derivations.network import Network
from derivations.notation import Notation
from derivations.printing import LatexPrinter
from derivations.writing.breaking import rows
from derivations.writing.lines import Style
from derivations.writing.mathml import mathml
from tracer.show.page.words import Words
from tracer.show.table import STAGES

if TYPE_CHECKING:
    from tracer.traces.layered import LayeredTrace

__all__ = ["Group", "Step", "anchor", "groups", "suffix"]

MOST_ROWS = 16  # of one sum; of a longer one the first and the last
WIDTH = 19.0  # em: what a phone shows without scrolling


@dataclass(frozen=True)
class Step:
    """One number: `id` is its place in the page's address, `part` the sample it belongs to ("" for all of them)."""

    quantity: Quantity
    id: str
    part: str
    place: str
    math: str
    value: str
    reads: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Steps that follow the same rule in the same layer, with the rule's name and the rule in a sentence."""

    stage: str
    heading: str
    why: str
    steps: tuple[Step, ...]


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


def groups(trace: LayeredTrace, notation: Notation, words: Words, most: int, samples: int) -> tuple[Group, ...]:
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

    def __init__(self, trace: LayeredTrace, notation: Notation, words: Words) -> None:
        self.trace, self.notation, self.words = trace, notation, words
        self.network, self.shown = trace.problem.network, trace.shown
        self.style = Style(notation, words.lang)
        self.names = self._printer(self._name)
        self.numbers = self._printer(lambda q: self.style.number(self.shown[q]))
        self.cache: dict[str, str] = {}
        self.at = Quantity("E")

    def _printer(self, leaf: Callable[[Quantity], str]) -> LatexPrinter:
        printer = LatexPrinter(leaf, self.notation.times, self.style.number)
        printer.growing = False
        return printer

    def _name(self, q: Quantity) -> str:
        """A name, with its sample and step only where they are not those of the quantity being written."""
        sample = 0 if q.sample == self.at.sample else q.sample
        step = 1 if q.step == self.at.step else q.step
        return _bare(self.notation.latex(self.network, q._replace(sample=sample, step=step)))

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
        self.at = q
        place = self.words.place(q)
        return Step(
            q,
            anchor(self.network, q),
            self._part(q),
            f"{place}{self.words('comma')}{self.words('sample').lower()} {q.sample}" if self._told(q) else place,
            self._math(q, formula),
            self.shown[q],
            tuple(
                dict.fromkeys(anchor(self.network, read) for read, _ in zip(_read(formula), range(200), strict=False))
            ),
        )

    def _told(self, q: Quantity) -> bool:
        """Whether the step says its sample: not where the heading of its group does."""
        return bool(q.sample) and len(self.trace.steps) == 1

    def _part(self, q: Quantity) -> str:
        if self.trace.problem.samples == 1:
            return ""
        return str(q.step) if self.trace.problem.training.samples == "in_turn" else str(q.sample or "")

    def _math(self, q: Quantity, formula: Expression) -> str:
        taken = chosen(formula, self.shown.__getitem__)
        sign = relation(taken, self.shown[q], self.shown.__getitem__)
        value = self.style.number(self.shown[q])
        lines = [("=", rows(formula, WIDTH, self.names)), ("=", rows(taken, WIDTH, self.numbers))]
        if lines[1][1] == lines[0][1]:
            lines.pop()
        if sign == "\u2248" or lines[-1][1] != [value]:
            lines.append((r"\approx" if sign == "\u2248" else "=", [value]))
        left = self._mathml(self._name(q))
        out = []
        for mark, pieces in lines:
            for k, piece in enumerate(_shortened(pieces)):
                right = f"{mark} {piece}" if k == 0 else rf"\quad {{}} {piece}"
                out.append(f"<mtr><mtd>{left}</mtd><mtd>{self._mathml(right)}</mtd></mtr>")
                left = ""
        since = self._since(formula)
        return f'<math display="block"><mtable>{"".join(out)}</mtable></math>' + since

    def _since(self, formula: Expression) -> str:
        """Why a choice went the way it did."""
        if not isinstance(formula, Choice) or not isinstance(formula.test, Name):
            return ""
        q = formula.test.quantity
        number = fraction_of(self.shown[q])
        above = number is not None and number > 0
        latex = rf"{self._name(q)} = {self.style.number(self.shown[q])}"
        latex += " > 0" if above else r" {} \le 0"
        return f"<math>{self._mathml(latex)}</math>"

    def _mathml(self, latex: str) -> str:
        if latex not in self.cache:
            try:
                self.cache[latex] = _short(mathml(latex))
            except ValueError as e:
                raise ValueError(f"the page cannot write {latex[:60]}: {e}; change it in [names]") from None
        return self.cache[latex]


def _shortened(pieces: list[str]) -> list[str]:
    if len(pieces) <= MOST_ROWS:
        return pieces
    return [*pieces[: MOST_ROWS - 2], r"\cdots", pieces[-1]]


def _bare(latex: str) -> str:
    r"""A name with its sample or step as a plain index: the bar of \left. w \right|_{n=1} tires the eye on a page."""
    return re.sub(r"^\\left\.(.*)\\right\|_\{([^{}]*)\}$", r"\1|_{\2}", latex)


_NUMBERED = re.compile(r'<mrow><mo stretchy="false">([(\[])</mo><mn>(\d+)</mn><mo stretchy="false">([)\]])</mo></mrow>')


def _short(markup: str) -> str:
    """The same in fewer letters: a layer in parentheses as one number, no row around a cell, no stretching sign."""
    markup = markup.replace('<mo stretchy="false">=</mo>', "<mo>=</mo>")
    markup = _NUMBERED.sub(r"<mn>\1\2\3</mn>", markup)
    inner = markup.removeprefix("<mrow>").removesuffix("</mrow>")
    whole = len(inner) == len(markup) - 13 and _balanced(inner)
    return (inner if whole else markup).replace("<mrow></mrow>", "")


def _balanced(markup: str) -> bool:
    depth = 0
    for tag in re.findall(r"</?mrow>", markup):
        depth += 1 if tag == "<mrow>" else -1
        if depth < 0:
            return False
    return True


def _read(formula: object) -> Iterator[Quantity]:
    """The quantities of a formula, in order."""
    if isinstance(formula, Name):
        yield formula.quantity
    elif isinstance(formula, Expression):
        yield from _read(formula._parts())
    elif isinstance(formula, tuple) and not isinstance(formula, Quantity):
        for part in formula:
            yield from _read(part)
