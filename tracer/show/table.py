"""The table of a trace: one row a quantity, cells are finished strings; made once, printed by one renderer a format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from derivations.evaluation import chosen, holds, relation
from derivations.expression import Choice, Expression
from derivations.printing import LatexPrinter, TextPrinter, latex_number, to_latex, to_text
from derivations.quantity import Quantity

if TYPE_CHECKING:
    from tracer.traces.base import Trace

__all__ = ["STAGES", "Group", "Row", "Table", "heading_of"]

Shown = Callable[[Quantity], str]
WIDTH = 80
STAGES = ("forward", "backward", "update")


MOST_ENTRIES = 24  # of one general line in a table for people
MOST_FILED = 5000  # of one general line in CSV and JSON with its formulas


@dataclass(frozen=True)
class Row:
    """One quantity: its place in the step, name, formula, the numbers put in, `=` or `\u2248`, value (and radius).

    `general` is the equation that it is an entry of, with its letters, "" where a table says none; of that equation
    `more` entries are left out.
    """

    part: str
    stage: str
    name: str
    formula: str
    numbers: str
    relation: str
    value: str
    radius: str = ""
    general: str = ""
    more: int = 0


@dataclass(frozen=True)
class Group:
    """Rows under one heading; with a general line, entries of that line, `more` of which are left out."""

    heading: str
    rows: list[Row]
    general: str = ""
    more: int = 0

    @property
    def left_out(self) -> str:
        """What is said of the entries that are not shown, "" where all are."""
        entries = f"{self.more} more entries" if self.more > 1 else "1 more entry"
        return f"... {entries}; --format csv and json have them all" if self.more else ""


@dataclass(frozen=True)
class _Markup:
    """How cells are written in a family of formats."""

    expression: Callable[[Expression, Callable[[Quantity], str]], str]
    number: Callable[[str], str]
    latex: bool = False


TEXT = _Markup(to_text, lambda text: text)
LATEX = _Markup(to_latex, latex_number, latex=True)


class Table:
    """Finished rows of a trace, with its title and policy."""

    def __init__(self, trace: Trace, rows: tuple[Row, ...], heading: tuple[str, ...], notation: str = "") -> None:
        self.trace, self.rows, self.heading, self.notation = trace, rows, heading, notation

    @classmethod
    def of(cls, trace: Trace, notation: str = "", *, latex: bool = False, most: int = MOST_ENTRIES) -> Table:
        """The rows of a trace, in our letters or in a notation's, as text or as LaTeX; of long arrays `most` entries.

        Raises NotationError for a notation that is not known or cannot write the network.
        """
        return cls(trace, tuple(_rows(trace, notation, LATEX if latex else TEXT, most)), heading_of(trace), notation)

    @property
    def in_latex(self) -> Table:
        """The same rows in LaTeX."""
        return Table.of(self.trace, self.notation, latex=True)

    @property
    def filed(self) -> Table:
        """The same table with all its entries, for programs to read."""
        return Table.of(self.trace, self.notation, most=MOST_FILED) if any(row.more for row in self.rows) else self

    def render(self, form: str = "table", width: int = WIDTH) -> str:
        """The table as text in one of FORMATS.  Raises ValueError for another."""
        from tracer.show.formats import FORMATS, terminal

        if form not in FORMATS:
            raise ValueError(f"format '{form}' is not known; known are {', '.join(FORMATS)}")
        if form == "json" and self.notation:
            raise ValueError("json has our names, whatever the notation; leave out --notation, or choose csv")
        if form == "table":
            return terminal(self, width)
        return FORMATS[form](self.filed if form in ("csv", "json") else self)

    @property
    def groups(self) -> list[Group]:
        """Forward, backward, update; of several steps one after the other; each general line once, with its entries."""
        out = []
        for part in dict.fromkeys(row.part for row in self.rows):
            for stage in STAGES:
                rows = [row for row in self.rows if (row.part, row.stage) == (part, stage)]
                heading = f"{part}, {stage}" if part else stage.capitalize()
                for general in dict.fromkeys(row.general for row in rows):
                    own = [row for row in rows if row.general == general]
                    out.append(Group(heading, own, general, own[0].more))
                    heading = ""
        return out

    def __str__(self) -> str:
        return self.render("table")


# --- rows ---


def _rows(trace: Trace, notation: str, markup: _Markup, most: int) -> Iterator[Row]:
    shown, name = trace.shown, trace.letters(notation, latex=markup.latex)
    balls = _balls(trace) if trace.arithmetic == "ball" else {}

    def number(q: Quantity) -> str:
        return markup.number(shown[q])

    for line in trace.lines(most):
        q, formula = line.quantity, line.formula
        taken = chosen(formula, shown.__getitem__)
        yield Row(
            line.part,
            line.stage,
            name(q),
            markup.expression(formula, name),
            markup.expression(taken, number) + _condition(formula, markup, number, shown.__getitem__),
            relation(taken, shown[q], shown.__getitem__),
            *_value_and_radius(balls.get(q, (shown[q], "")), markup),
            line.general[markup.latex],
            line.more,
        )


def _value_and_radius(texts: tuple[str, str], markup: _Markup) -> tuple[str, str]:
    return markup.number(texts[0]), markup.number(texts[1])


def _condition(formula: Expression, markup: _Markup, number: Callable[[Quantity], str], shown: Shown) -> str:
    """Why choices went the way they did: " since 0.6 > 0"."""
    printer = LatexPrinter(number) if markup.latex else TextPrinter(number)
    told = []
    while isinstance(formula, Choice):
        above, below = printer.compared(formula.test)
        positive = holds(formula.test, shown)
        if markup.latex:
            told.append(f"{{{above}}} {'>' if positive else chr(92) + 'le'} {below}")
        else:
            told.append(f"{above} {'>' if positive else chr(0x2264)} {below}")
        formula = formula.positive if positive else formula.otherwise
    if markup.latex:
        return rf" \quad\text{{since }} {', '.join(told)}" if told else ""
    return f" since {', '.join(told)}" if told else ""


def _balls(trace: Trace) -> dict[Quantity, tuple[str, str]]:
    """(midpoint, radius) of every ball, to the digits that its bits carry; what is shown encloses the true value."""
    digits = trace.rounding.digits or int(trace.bits * 0.30103)
    return {q: _ball(v, digits) for step in trace.steps for q, v in step.items()}


def _ball(value: Any, digits: int) -> tuple[str, str]:
    text = str(value.str(digits)).strip("[]")
    middle, _, radius = text.partition("+/-")
    return middle.strip() or "0", radius.strip() or "0"


def heading_of(trace: Trace) -> tuple[str, ...]:
    """The title, the network, the training, the policy: a line each."""
    return (*trace.headings, trace.policy)
