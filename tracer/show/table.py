"""The table of a trace: one row a quantity, cells are finished strings; made once, printed by one renderer a format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from derivations import names
from derivations.evaluation import chosen, fraction_of, relation
from derivations.expression import Choice, Expression, Name
from derivations.formulas import equations
from derivations.names import KINDS, Quantity
from derivations.network import Problem
from derivations.notation import BISHOP, notation_of
from derivations.printing import to_latex, to_text

if TYPE_CHECKING:
    from tracer.tracing import Trace

__all__ = ["FORMATS", "STAGES", "Row", "Table", "all_equations", "heading_of", "headings"]

WIDTH = 80
STAGES = ("forward", "backward", "update")


@dataclass(frozen=True)
class Row:
    """One quantity: its place in the step, name, formula, the numbers put in, `=` or `\u2248`, value (and radius)."""

    part: str
    stage: str
    name: str
    formula: str
    numbers: str
    relation: str
    value: str
    radius: str = ""


@dataclass(frozen=True)
class _Markup:
    """How cells are written in a family of formats."""

    expression: Callable[[Expression, Callable[[Quantity], str]], str]
    name: Callable[[Any, Quantity], str]
    number: Callable[[str], str]


def _latex_number(text: str) -> str:
    head, e, power = text.partition("e")
    return rf"{head} \cdot 10^{{{power}}}" if e else {"inf": r"\infty", "-inf": r"-\infty"}.get(head, head)


TEXT = _Markup(to_text, names.text, lambda text: text)
LATEX = _Markup(to_latex, BISHOP.latex, _latex_number)


class Table:
    """Finished rows of a trace, with its title and policy."""

    def __init__(self, trace: Trace, rows: tuple[Row, ...], heading: tuple[str, ...], notation: str = "") -> None:
        self.trace, self.rows, self.heading, self.notation = trace, rows, heading, notation

    @classmethod
    def of(cls, trace: Trace, notation: str = "", *, latex: bool = False) -> Table:
        """The rows of a trace, in our letters or in a notation's, as text or as LaTeX.

        Raises NotationError for a notation that is not known or cannot write the network.
        """
        markup = _markup(trace.problem, notation, latex=latex)
        return cls(trace, tuple(_rows(trace, markup)), heading_of(trace), notation)

    @property
    def in_latex(self) -> Table:
        """The same rows in LaTeX."""
        return Table.of(self.trace, self.notation, latex=True)

    def render(self, form: str = "table", width: int = WIDTH) -> str:
        """The table as text in one of FORMATS.  Raises ValueError for another."""
        if form not in FORMATS:
            raise ValueError(f"format '{form}' is not known; known are {', '.join(FORMATS)}")
        if form == "json" and self.notation:
            raise ValueError("json has our names, whatever the notation; leave out --notation, or choose csv")
        if form == "table":
            return _terminal(self, width)
        return FORMATS[form](self)

    @property
    def groups(self) -> list[tuple[str, list[Row]]]:
        """(heading, rows): forward, backward, update; of several steps one after the other."""
        out = []
        for part in dict.fromkeys(row.part for row in self.rows):
            for stage in STAGES:
                rows = [row for row in self.rows if (row.part, row.stage) == (part, stage)]
                heading = f"{part}, {stage}" if part else stage.capitalize()
                out += [(heading, rows)] if rows else []
        return out

    def __str__(self) -> str:
        return self.render("table")


# --- rows ---


def _markup(problem: Problem, notation: str, *, latex: bool) -> _Markup:
    if not notation:
        return LATEX if latex else TEXT
    known = notation_of(problem, notation)
    if latex:
        return replace(LATEX, name=known.latex)
    from derivations.letters import letters_of

    text = letters_of(problem, notation).text
    return replace(TEXT, name=lambda network, q: text(q))


def _rows(trace: Trace, markup: _Markup) -> Iterator[Row]:
    network, shown = trace.problem.network, trace.shown
    balls = _balls(trace) if trace.arithmetic == "ball" else {}

    def name(q: Quantity) -> str:
        return markup.name(network, q)

    def number(q: Quantity) -> str:
        return markup.number(shown[q])

    for part, q, formula in all_equations(trace):
        taken = chosen(formula, shown.__getitem__)
        yield Row(
            part,
            KINDS[q.kind].stage,
            name(q),
            markup.expression(formula, name),
            markup.expression(taken, number) + _condition(formula, markup, number),
            relation(taken, shown[q], shown.__getitem__),
            *map(markup.number, balls.get(q, (shown[q], ""))),
        )


def all_equations(trace: Trace) -> Iterator[tuple[str, Quantity, Expression]]:
    """(which step, quantity, formula) of every step of a trace, in the order of calculation."""
    several = len(trace.steps) > 1
    for k, step in enumerate(trace.steps, 1):
        in_turn = trace.problem.training.samples == "in_turn"
        part = (f"Step {step.step}, sample {k}" if in_turn else f"Sample {step.sample}") if several else ""
        for q, formula in equations(step.problem, sample=step.sample, step=step.step):
            yield part, q, formula


def _condition(formula: Expression, markup: _Markup, number: Callable[[Quantity], str]) -> str:
    """Why a choice went the way it did: " since 0.6 > 0"."""
    if not isinstance(formula, Choice) or not isinstance(formula.test, Name):
        return ""
    value = number(formula.test.quantity)
    above = not value.startswith("-") and fraction_of(value) != 0
    if markup.expression is to_latex:
        return rf" \quad\text{{since }} {{{value}}} {'>' if above else chr(92) + 'le'} 0"
    return f" since {value} {'>' if above else chr(0x2264)} 0"


def _balls(trace: Trace) -> dict[Quantity, tuple[str, str]]:
    """(midpoint, radius) of every ball, to the digits that its bits carry; what is shown encloses the true value."""
    bits = getattr(trace.steps[0].m, "bits", 53)
    digits = trace.rounding.digits or int(bits * 0.30103)
    return {q: _ball(v, digits) for step in trace.steps for q, v in step.items()}


def _ball(value: Any, digits: int) -> tuple[str, str]:
    text = str(value.str(digits)).strip("[]")
    middle, _, radius = text.partition("+/-")
    return middle.strip() or "0", radius.strip() or "0"


def heading_of(trace: Trace) -> tuple[str, ...]:
    """The title, the network, the training, the policy: a line each."""
    return (*headings(trace.problem), trace.policy)


def headings(problem: Problem) -> tuple[str, ...]:
    """The title, the network, the training: a line each."""
    layers = ", ".join(layer.activation.name for layer in problem.network.layers)
    samples = f"; {problem.samples} samples" if problem.samples > 1 else ""
    training = problem.training
    shape = "-".join(map(str, problem.network.sizes))
    lines = [
        *([problem.title] if problem.title else []),
        f"{shape} network: {layers}; {problem.network.loss.name}{samples}",
        f"learning rate {training.learning_rate.shown().item()}, {_optimizer(problem)}",
    ]
    return tuple("".join(c if c.isprintable() else " " for c in line) for line in lines)


def _optimizer(problem: Problem) -> str:
    """The optimizer with its constants, and how several samples are combined."""
    training = problem.training
    constants = (training.momentum, training.beta1, training.beta2, training.epsilon)
    words = " ".join([training.optimizer, *(str(c.shown().item()) for c in constants if c is not None)])
    if training.momentum_form == "ema":
        words += " (ema)"
    if problem.samples == 1:
        return words
    ways = {"together": f"{training.reduction} over the batch", "in_turn": "samples in turn", "apart": "samples apart"}
    return f"{words}; {ways[training.samples]}"


# --- renderers ---


def _terminal(table: Table, width: int) -> str:
    from tabulate import tabulate

    rows = table.rows
    name = max(len(text) for text in ("quantity  ", *(r.name for r in rows)))
    value = max(len(text) for text in ("  value  ", *(_value(r) for r in rows)))
    formula, numbers = _split(rows, max(width - name - value - 6, 32))
    widths = {"quantity": name, "formula": formula, "numbers put in": numbers, "  value": value}
    headers = [header.ljust(w - 2) for header, w in widths.items()]  # tabulate gives a header two more
    out = list(table.heading)
    for heading, group in table.groups:
        body = [[r.name, _wrap(r.formula, formula), _wrap(r.numbers, numbers), _value(r)] for r in group]
        text = tabulate(body, headers, tablefmt="simple", disable_numparse=True)
        out += ["", heading, *(line.rstrip() for line in text.splitlines())]
    return "\n".join(out)


def _split(rows: Sequence[Row], room: int) -> tuple[int, int]:
    """The widths of the formula and numbers columns that give the fewest lines."""
    widths = [max(len(r.formula) for r in rows), max(len(r.numbers) for r in rows)]
    if sum(widths) <= room:
        return max(widths[0], 9), max(widths[1], 16)

    def lines(formula: int) -> int:
        pairs = ((_wrap(r.formula, formula), _wrap(r.numbers, room - formula)) for r in rows[:200])
        return sum(max(f.count("\n"), n.count("\n")) for f, n in pairs)

    formula = min(range(room // 3, min(2 * room // 3, room - 16) + 1), key=lambda w: (lines(w), abs(2 * w - room)))
    return formula, room - formula


def _value(row: Row) -> str:
    return f"{row.relation} {row.value}" + (f" \u00b1 {row.radius}" if row.radius else "")


def _wrap(text: str, width: int) -> str:
    """Break a formula that is too long: between the terms of its sum, within a term only where that is not enough."""
    if len(text) <= width:
        return text
    breaks = list(_breaks(text))
    lines, start, first = [], 0, 0
    while len(text) - start > width:
        while first < len(breaks) and breaks[first][0] <= start:
            first += 1
        ahead = breaks[first : first + width]  # no more than one a character
        fitting = [(depth, -k) for k, depth in ahead if k <= start + width]
        cut = -min(fitting)[1] if fitting else start + width
        lines.append(text[start:cut].rstrip())
        start = cut + (text[cut : cut + 1] == " ")
    return "\n".join([*lines, text[start:]]).rstrip()


def _breaks(text: str) -> Iterator[tuple[int, int]]:
    """(place, how bad) of every place where a formula may be broken: between terms, at a sign, after a parenthesis."""
    depth = 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == " " and text[k + 1 : k + 3] in ("+ ", "- "):
            yield k, min(depth, 1)
        elif c in "\u00b7/":
            yield k + 1, 1
        elif c == " " and text[k - 1] not in "+->\u2264" and text[k + 1] not in ">\u2264":
            yield k, 1
        elif c == "(":
            yield k + 1, 2


def _with_radius(row: Row) -> str:
    return row.value + (f" \u00b1 {row.radius}" if row.radius else "")


_HEADERS = ("quantity", "formula", "numbers put in", "", "value")


def _markdown(table: Table) -> str:
    out = [
        f"**{escape_markdown(table.heading[0])}**",
        "",
        *(escape_markdown(line) + "  " for line in table.heading[1:]),
    ]
    for heading, rows in table.groups:
        out += ["", f"### {heading}", "", "| quantity | formula | numbers put in | | value |", "|:--|:--|:--|:-:|:--|"]
        cells = ([*map(_code, (r.name, r.formula, r.numbers)), r.relation, _code(_with_radius(r))] for r in rows)
        out += [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join(out)


def _code(text: str) -> str:
    """A cell of code, which may hold somebody's names: its fence is longer than any run of backticks in it."""
    if "`" not in text:
        return f"`{text}`".replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", text))))
    return f"{fence} {text} {fence}".replace("|", "\\|")


def escape_markdown(text: str) -> str:
    """Text that Markdown takes literally."""
    for special in "\\`*_[]<>|#":
        text = text.replace(special, "\\" + special)
    return text


def _latex_table(table: Table) -> str:
    out = ["% needs \\usepackage{amsmath,longtable}", *(f"% {line}" for line in table.heading)]
    for heading, rows in table.in_latex.groups:
        out += [
            rf"\paragraph{{{heading}}}",
            r"\begingroup\renewcommand{\arraystretch}{2.2}",
            r"\begin{longtable}{@{}lp{0.34\linewidth}p{0.33\linewidth}l@{}}",
            r"quantity & formula & numbers put in & value \\ \hline",
            *(
                rf"$\displaystyle {r.name}$ & {_breakable(r.formula)} & {_breakable(r.numbers)} & "
                rf"${latex_value(r)}$ \\"
                for r in rows
            ),
            r"\end{longtable}",
            r"\endgroup",
        ]
    return "\n".join(out)


def _breakable(formula: str) -> str:
    """A formula in a narrow column: ragged, with parentheses between which TeX may break the line."""
    open_ended = formula.replace(r"\left(", "(").replace(r"\right)", ")")
    size = r"\displaystyle " if len(formula) < 100 else ""  # a long fraction in small
    return rf"\raggedright ${size}{open_ended}$"


def latex_value(row: Row) -> str:
    """The relation and the value of a row of a LaTeX table."""
    radius = rf" \pm {_latex_number(row.radius)}" if row.radius else ""
    return rf"{'=' if row.relation == '=' else chr(92) + 'approx'} {row.value}{radius}"


_LEFT = ' style="text-align:left"'  # notebooks set every cell to the right, which suits numbers alone


def _html(table: Table) -> str:
    from html import escape

    title, *said = map(escape, table.heading)
    out = ["<section>", f"<p><b>{title}</b>{''.join(f'<br>{line}' for line in said)}</p>"]
    head = "".join(f'<th scope="col"{_LEFT if h in _HEADERS[:3] else ""}>{h}</th>' for h in _HEADERS)
    for heading, rows in table.groups:
        caption = f'<caption style="text-align:left;padding:1em 0 .3em"><b>{heading}</b></caption>'
        out += [f"<table>{caption}", f"<thead><tr>{head}</tr></thead>", "<tbody>"]
        for r in rows:
            tds = "".join(f"<td{_LEFT}>{escape(cell)}</td>" for cell in (r.formula, r.numbers))
            tds += "".join(f"<td>{escape(cell)}</td>" for cell in (r.relation, _with_radius(r)))
            out.append(f'<tr><th scope="row"{_LEFT}>{escape(r.name)}</th>{tds}</tr>')
        out += ["</tbody>", "</table>"]
    return "\n".join([*out, "</section>"])


def _csv(table: Table) -> str:
    from tracer.show.grid import to_csv

    ball = table.trace.arithmetic == "ball"
    headers = ["quantity", "value", *(["radius"] if ball else []), "relation", "formula", "numbers", "stage"]
    rows = [
        [r.name, r.value, *([r.radius] if ball else []), r.relation, r.formula, r.numbers, r.stage]
        for _, group in table.groups
        for r in group
    ]
    return to_csv(headers, rows)


def _json(table: Table) -> str:
    from tracer.show.as_json import trace_json

    return trace_json(table.trace, table)


FORMATS: dict[str, Callable[[Table], str]] = {
    "table": str,
    "markdown": _markdown,
    "latex": _latex_table,
    "html": _html,
    "csv": _csv,
    "json": _json,
}
"""Every format a table can be printed in; adding one is adding one entry."""
