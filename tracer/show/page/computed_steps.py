"""Every number of a trace of somebody's own equations as a step of the page, grouped by the equation that gives it."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from derivations.equations import Role
from derivations.general import GeneralLatex
from derivations.notation import BISHOP
from derivations.quantity import Quantity
from derivations.writing.breaking import CONTINUED, rows
from derivations.writing.lines import Style
from derivations.writing.measure import width
from tracer.show.page.formula_writer import WIDTH, FormulaWriter, quantities_read
from tracer.show.page.places import Places
from tracer.show.page.step import Group, Step
from tracer.show.page.words import Words
from tracer.show.table import STAGES
from tracer.traces.base import WorkedLine
from tracer.traces.computed import A_FEW

if TYPE_CHECKING:
    from tracer.traces.computed import ComputedTrace

__all__ = ["MOST_OF_ONE", "MOST_STEPS", "ComputedSteps", "Stated", "kept_samples", "written_lines"]

MOST_STEPS = 1500
MOST_OF_ONE = 150  # steps of one equation
MOST_SAMPLES = 60
MOST_READ = 200  # numbers of one formula that links lead to
MOST_STATED = 600  # names of numbers that steps read and that are no steps themselves
MOST_NAMED = 8  # arrays that a sentence lists

Stated = tuple[str, str, str]
"""A number that steps read and that is no step: its place, its name in MathML, its text."""


def kept_samples(trace: ComputedTrace) -> int:
    """How many samples the page writes out."""
    samples = trace.problem.samples
    per_sample = max(1, len(trace) // samples)
    return min(samples, MOST_SAMPLES, max(1, MOST_STEPS // 2 // per_sample))


def written_lines(trace: ComputedTrace) -> list[WorkedLine]:
    """The lines that the page writes out: of each equation no more than its share."""
    kept, several = kept_samples(trace), len(trace.steps) > 1
    lines = trace.lines(MOST_OF_ONE - A_FEW)
    if several:
        own = list(itertools.takewhile(lambda line: _turn(trace, line.quantity) <= kept, lines))
    else:
        own = [line for line in lines if line.quantity.sample <= kept]
    counts = Counter(map(_equation, own)).values()
    room = next(n for n in range(MOST_OF_ONE, -1, -1) if sum(min(n, c) for c in counts) <= MOST_STEPS)
    return list(_first(own, max(room, 1)))


def _first(lines: Iterable[WorkedLine], most: int) -> Iterator[WorkedLine]:
    """The first so many lines of each equation."""
    seen: Counter[tuple[str, str]] = Counter()
    for line in lines:
        seen[_equation(line)] += 1
        if seen[_equation(line)] <= most:
            yield line


def _equation(line: WorkedLine) -> tuple[str, str]:
    return line.part, line.general[0]


def _turn(trace: ComputedTrace, q: Quantity) -> int:
    """Which of several steps a number belongs to."""
    return q.step if _in_turn(trace) else q.sample


def _in_turn(trace: ComputedTrace) -> bool:
    training = trace.problem.training
    return training is not None and training.samples == "in_turn"


class _TightFormulas(FormulaWriter):
    """The same in fewer letters, with indices close together: `h_2,1` has no gap after its comma."""

    def room(self, left: str) -> float:
        """How wide a row may be, in em, right of a name in LaTeX: names here are as wide as they like."""
        return max(WIDTH - 1 - width(left), WIDTH / 2)

    def mathml(self, latex: str) -> str:
        """The inside of a <math> element.  Raises ValueError where the page cannot write it."""
        close = _INDICES.sub(lambda found: f"{found[1]}{_joined(found[2])}", super().mathml(latex))
        return _UNSTRETCHED.sub(r"<mo>\1</mo>", close)


_COMMA = '<mo stretchy="false">,</mo>'
_CLOSE_COMMA = "<mi>,</mi>"  # an operator would have a gap behind it
_UNSTRETCHED = re.compile(r'<mo stretchy="false">([-+,;.]|&[lg]t;)</mo>')
_INDEX = r"(?:<m[ion][^>]*>[^<]*</m[ion]>)"
_INDICES = re.compile(rf"((?:<msubsup><mi>[^<]*</mi>)?)<mrow>({_INDEX}+)</mrow>(?=</msub>|<mn>|<mrow>)")


def _joined(indices: str) -> str:
    numbers = re.fullmatch(rf"<mn>\d+</mn>(?:{_COMMA}<mn>\d+</mn>)+", indices)
    if numbers:
        return f"<mn>{','.join(re.findall('[0-9]+', indices))}</mn>"
    return f"<mrow>{indices.replace(_COMMA, _CLOSE_COMMA)}</mrow>"


class ComputedSteps:
    """Writes the steps of one trace in one language; `lines` are the equations that it writes out."""

    def __init__(self, trace: ComputedTrace, lines: Sequence[WorkedLine], words: Words) -> None:
        self.trace, self.lines, self.words = trace, lines, words
        self.arrays, self.places = trace.problem.step.arrays, Places(trace)
        self.formulas = _TightFormulas(trace.shown, trace.names.latex, Style(BISHOP, words.lang))
        step = trace.steps[0].problem.step
        self.letters = GeneralLatex(step.unwritten, trace.names.latex_letter)
        self.letters.growing = False
        self.equations = {trace.general(step, e)[0]: e for e in step.equations}

    def groups(self) -> tuple[Group, ...]:
        """Forward, backward, update; of several steps one after the other; a recurrence value by value."""
        out = []
        for part in dict.fromkeys(line.part for line in self.lines):
            for stage in STAGES:
                own = [line for line in self.lines if line.part == part and line.stage == stage]
                found = [list(members) for _, members in itertools.groupby(own, key=_equation)]
                often = Counter(_equation(members[0]) for members in found)
                out += [self._group(members, part, often[_equation(members[0])] > 1) for members in found]
        return tuple(out)

    def _group(self, members: list[WorkedLine], part: str, one_of_many: bool) -> Group:
        first = members[0]
        left = first.general[0].partition(" = ")[0]
        value = self._value(left, members) if one_of_many else ""
        heading = self.words("comma").join(filter(None, (left, value, self.words.said(part))))
        return Group(first.stage, heading, self._why(members), tuple(map(self._step, members)), self._general(first))

    def _value(self, left: str, members: Sequence[WorkedLine]) -> str:
        """Which value of the recurrence's index these entries have: `t = 2`."""
        letters = re.findall(r"[^\[\],]+", left.partition("[")[2])
        at = list(zip(*(line.quantity.indices for line in members), strict=True))
        if len(letters) != len(at):
            return ""
        fixed = [(l, set(values)) for l, values in zip(letters, at, strict=True) if l.isalpha()]
        extents = dict(zip(letters, self.trace.names.axes(members[0].quantity.kind), strict=True))
        return ", ".join(
            f"{l} = {values.pop()}" for l, values in fixed if len(values) == 1 and extents[l][0] < extents[l][1]
        )

    def _general(self, line: WorkedLine) -> str:
        """The equation with its letters, in rows that a phone shows."""
        e, latex = self.equations[line.general[0]], self.letters
        left, out, room = self.formulas.mathml(latex(e.left)), [], self.formulas.room(latex(e.left)) - 1
        for k, row in enumerate(rows(e.right, room, latex)):
            right = self.formulas.mathml(f"= {row}" if k == 0 else rf"{CONTINUED} {row}")
            out.append(f"<mtr><mtd>{left}</mtd><mtd>{right}</mtd></mtr>")
            left = ""
        return f'<math display="block"><mtable>{"".join(out)}</mtable></math>'

    # --- words ---

    def _why(self, members: Sequence[WorkedLine]) -> str:
        """What the role of the array says of its numbers, in a sentence."""
        array = self.arrays[members[0].quantity.kind]
        read = self._named(q for line in members for q in quantities_read(line.formula))
        facts = {
            "name": self._bare(members[0].quantity),
            "objective": self.trace.problem.objective,
            "of": self._bare(members[0].quantity._replace(kind=array.of)) if array.of in self.arrays else "",
            "read": read,
        }
        return self.words(self._key(array.role, bool(read)), **facts)

    def _key(self, role: Role, reads: bool) -> str:
        training = self.trace.problem.training
        match role:
            case Role.OBJECTIVE:
                return "objective_role"
            case Role.SIGNAL:
                return "signal_role"
            case Role.LOCAL:
                return "local_role"
            case Role.GRADIENT:
                return "gradient_role"
            case Role.STATE | Role.LENGTH:
                return "state_why"
            case Role.UPDATED:
                return "updated_role" if training and training.optimizer == "sgd" else "new_other_why"
        return "value_role" if reads else "start_role"

    def _bare(self, q: Quantity) -> str:
        """The name of a whole array, as its entries have it."""
        return re.split(r"[\[@#]", self.trace.names.text(q))[0]

    def _named(self, quantities: Iterable[Quantity]) -> str:
        firsts: dict[str, Quantity] = {}
        for q in quantities:
            firsts.setdefault(q.kind, q)
        names = list(dict.fromkeys(map(self._bare, firsts.values())))
        more = ["\u2026"] if len(names) > MOST_NAMED else []
        return self.words("comma").join(names[:MOST_NAMED] + more)

    # --- steps ---

    def _step(self, line: WorkedLine) -> Step:
        q = line.quantity
        place = self.trace.names.text(q._replace(sample=0, step=1))
        told = q.sample and len(self.trace.steps) == 1
        cell = self.places.cell(q)
        return Step(
            q,
            self.places.anchor(q),
            self._part(q),
            f"{place}{self.words('comma')}{self.words('sample').lower()} {q.sample}" if told else place,
            self.formulas.formula(q, line.formula),
            self.trace.shown[q],
            tuple(dict.fromkeys(map(self.places.anchor, self._reads(line)))),
            cell if cell != self.places.base(q) else "",
        )

    def _reads(self, line: WorkedLine) -> Iterator[Quantity]:
        return itertools.islice(quantities_read(line.formula), MOST_READ)

    def _part(self, q: Quantity) -> str:
        if self.trace.problem.samples == 1:
            return ""
        return str(q.step) if _in_turn(self.trace) else str(q.sample or "")

    def stated(self) -> tuple[Stated, ...]:
        """What the steps read and none of them gives: given numbers, parameters, what was left out."""
        written = {line.quantity for line in self.lines}
        read = dict.fromkeys(q for line in self.lines for q in self._reads(line) if q not in written)
        return tuple(
            (self.places.anchor(q), self.formulas.mathml(self._latex(q)), self.trace.shown[q])
            for q in itertools.islice(read, MOST_STATED)
        )

    def _latex(self, q: Quantity) -> str:
        return self.trace.names.latex(q._replace(sample=0, step=1))
