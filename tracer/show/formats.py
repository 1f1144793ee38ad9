"""A table printed: one function a format; rows with general lines stand below them, without a column of formulas."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from derivations.printing import latex_number
from tracer.show.grid import to_csv

if TYPE_CHECKING:
    from tracer.show.table import Group, Row, Table

__all__ = ["FORMATS", "broken", "escape_markdown", "general_lines", "latex_value", "terminal"]


def terminal(table: Table, width: int) -> str:
    """Plain text, as wide as a terminal."""
    rows = table.rows
    name = max(len(text) for text in ("quantity  ", *(r.name for r in rows)))
    value = max(len(text) for text in ("  value  ", *(_value(r) for r in rows)))
    if any(row.general for row in rows):
        return _below_lines(table, width, name, value)
    from tabulate import tabulate

    formula, numbers = _split(rows, max(width - name - value - 6, 32))
    widths = {"quantity": name, "formula": formula, "numbers put in": numbers, "  value": value}
    headers = [header.ljust(w - 2) for header, w in widths.items()]  # tabulate gives a header two more
    out = list(table.heading)
    for group in table.groups:
        body = [[r.name, _wrap(r.formula, formula), _wrap(r.numbers, numbers), _value(r)] for r in group.rows]
        text = tabulate(body, headers, tablefmt="simple", disable_numparse=True)
        out += ["", group.heading, *(line.rstrip() for line in text.splitlines())]
    return "\n".join(out)


def _below_lines(table: Table, width: int, name: int, value: int) -> str:
    """Each general line once, below it its entries with their numbers put in."""
    from textwrap import wrap

    name = max((len(row.name) for row in table.rows), default=0)
    room = max(width - name - value - 6, 24)
    numbers = min(room, max((len(_numbers(row)) for row in table.rows), default=0))
    out = [line for one in table.heading for line in wrap(one, width)]
    for group in table.groups:
        out += ["", group.heading] if group.heading else []
        out += ["", *general_lines(group.general, width)]
        for row in group.rows:
            first, *more = _wrap(_numbers(row), numbers).split("\n")
            out.append(f"  {row.name:<{name}}  {first:<{numbers}}  {_value(row)}")
            out += [f"  {'':<{name}}  {line}" for line in more]
        out += [f"  {group.left_out}"] if group.more else []
    return "\n".join(line.rstrip() for line in out)


def general_lines(general: str, width: int = 80) -> list[str]:
    """A general line, broken where it is too long, what follows below its right side."""
    from textwrap import wrap

    left, _, right = general.partition(" = ")
    first, *more = wrap(right, width - len(left) - 5, break_long_words=False) or [""]
    return [f"  {left} = {first}", *(" " * (len(left) + 5) + line for line in more)]


def broken(line: str, width: int) -> list[str]:
    """A worked line in pieces of at most so many signs, the further ones a little to the right."""
    if len(line) <= width:
        return [line]
    first, *more = _wrap(line, max(width - 2, 24)).split("\n")
    return [first, *(f"  {part}" for part in more)]


def _numbers(row: Row) -> str:
    """The numbers put in; nothing where they are the value already."""
    return "" if row.numbers == row.value else row.numbers


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
_BELOW_A_LINE = ("quantity", "numbers put in", "", "value")
_ALIGNED = {"": ":-:"} | dict.fromkeys(_HEADERS[:3] + _HEADERS[4:], ":--")


def _markdown(table: Table) -> str:
    out = [
        f"**{escape_markdown(table.heading[0])}**",
        "",
        *(escape_markdown(line) + "  " for line in table.heading[1:]),
    ]
    for group in table.groups:
        out += ["", f"### {group.heading}"] if group.heading else []
        out += ["", _code(group.general)] if group.general else []
        headers = _HEADERS if not group.general else _BELOW_A_LINE
        titles = "|".join(f" {h} " if h else " " for h in headers)
        out += ["", f"|{titles}|", f"|{'|'.join(_ALIGNED[h] for h in headers)}|"]
        for r in group.rows:
            formula = [] if group.general else [_code(r.formula)]
            cells = [_code(r.name), *formula, _code(r.numbers), r.relation, _code(_with_radius(r))]
            out.append(f"| {' | '.join(cells)} |")
        out += ["", group.left_out] if group.more else []
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
    for group in table.in_latex.groups:
        out += [rf"\paragraph{{{group.heading}}}"] if group.heading else []
        out += _latex_group(group)
    return "\n".join(out)


def _latex_group(group: Group) -> list[str]:
    """The rows of one group as a table that may run over pages."""
    out = [rf"\[ {group.general.replace('&=', '=')} \]"] if group.general else []
    out.append(r"\begingroup\renewcommand{\arraystretch}{2.2}")
    if group.general:
        out += [r"\begin{longtable}{@{}lp{0.6\linewidth}l@{}}", r"quantity & numbers put in & value \\ \hline"]
    else:
        out += [
            r"\begin{longtable}{@{}lp{0.34\linewidth}p{0.33\linewidth}l@{}}",
            r"quantity & formula & numbers put in & value \\ \hline",
        ]
    for r in group.rows:
        formula = [] if group.general else [_breakable(r.formula)]
        cells = [rf"$\displaystyle {r.name}$", *formula, _breakable(r.numbers), f"${latex_value(r)}$"]
        out.append(rf"{' & '.join(cells)} \\")
    return [*out, r"\end{longtable}", r"\endgroup", *([group.left_out] if group.more else [])]


def _breakable(formula: str) -> str:
    """A formula in a narrow column: ragged, with parentheses between which TeX may break the line."""
    open_ended = formula.replace(r"\left(", "(").replace(r"\right)", ")")
    size = r"\displaystyle " if len(formula) < 100 else ""  # a long fraction in small
    return rf"\raggedright ${size}{open_ended}$"


def latex_value(row: Row) -> str:
    """The relation and the value of a row of a LaTeX table."""
    radius = rf" \pm {latex_number(row.radius)}" if row.radius else ""
    return rf"{'=' if row.relation == '=' else chr(92) + 'approx'} {row.value}{radius}"


_LEFT = ' style="text-align:left"'  # notebooks set every cell to the right, which suits numbers alone


def _html(table: Table) -> str:
    title, *said = map(escape, table.heading)
    out = ["<section>", f"<p><b>{title}</b>{''.join(f'<br>{line}' for line in said)}</p>"]
    for group in table.groups:
        headers = _HEADERS if not group.general else _BELOW_A_LINE
        head = "".join(f'<th scope="col"{_LEFT if h in _HEADERS[:3] and h else ""}>{h}</th>' for h in headers)
        line = f"<code>{escape(group.general)}</code>" if group.general else ""
        title = "<br>".join(filter(None, (f"<b>{group.heading}</b>" if group.heading else "", line)))
        out += [f'<table><caption style="text-align:left;padding:1em 0 .3em">{title}</caption>']
        out += [f"<thead><tr>{head}</tr></thead>", "<tbody>"]
        for r in group.rows:
            words = [r.numbers] if group.general else [r.formula, r.numbers]
            tds = "".join(f"<td{_LEFT}>{escape(cell)}</td>" for cell in words)
            tds += "".join(f"<td>{escape(cell)}</td>" for cell in (r.relation, _with_radius(r)))
            out.append(f'<tr><th scope="row"{_LEFT}>{escape(r.name)}</th>{tds}</tr>')
        out += ["</tbody>", "</table>", *([f"<p>{group.left_out}</p>"] if group.more else [])]
    return "\n".join([*out, "</section>"])


def _csv(table: Table) -> str:
    ball = table.trace.arithmetic == "ball"
    headers = ["quantity", "value", *(["radius"] if ball else []), "relation", "formula", "numbers", "stage"]
    rows = [
        [r.name, r.value, *([r.radius] if ball else []), r.relation, r.formula, r.numbers, r.stage]
        for group in table.groups
        for r in group.rows
    ]
    if any(row.more for row in table.rows):
        rows += _past(table, len(headers))
    return to_csv(headers, rows)


def _past(table: Table, columns: int) -> Iterator[list[str]]:
    """The numbers past those that are written out, without their formulas."""
    written, trace = {row.name for row in table.rows}, table.trace
    for step in trace.steps:
        for q, _ in step.items():
            name = trace.name(q)
            if name not in written:
                yield [name, trace.shown[q], *[""] * (columns - 2)]


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
