"""A trace written out as on a sheet of paper: for every quantity its formula, the numbers put in, its value."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tracer.show.formats import broken, escape_markdown, general_lines, latex_value
from tracer.show.table import WIDTH, Row, Table

if TYPE_CHECKING:
    from tracer.tracing import Trace

__all__ = ["Work"]


class Work:
    """The worked lines of a trace, in every format of its table."""

    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def of(cls, trace: Trace, notation: str = "") -> Work:
        """The worked lines of a trace, in our letters or in a notation's."""
        return cls(Table.of(trace, notation))

    def render(self, form: str = "table") -> str:
        """The lines as text in one of the table's formats; CSV and JSON are the table's own."""
        if form in ("csv", "json"):
            return self.table.render(form)
        known = {"table": self._text, "markdown": self._markdown, "latex": self._latex, "html": self._html}
        if form not in known:
            raise ValueError(f"format '{form}' is not known; known are {', '.join([*known, 'csv', 'json'])}")
        return known[form]()

    def __str__(self) -> str:
        return self.render("table")

    def _text(self) -> str:
        out = list(self.table.heading)
        for group in self.table.groups:
            out += ["", group.heading] if group.heading else []
            out += ["", *general_lines(group.general)] if group.general else []
            for row in group.rows:
                indent = len(row.name) + 3
                lines = _lines(row)
                if group.general:  # as wide as the table that they belong to
                    lines = [part for line in lines for part in broken(line, WIDTH - indent)]
                first, *more = lines
                out += ["", f"  {row.name} {first}", *(" " * indent + line for line in more)]
            out += ["", f"  {group.left_out}"] if group.more else []
        return "\n".join(out)

    def _html(self) -> str:
        out = ["<section>", *(f"<p>{escape(line)}</p>" for line in self.table.heading)]
        for group in self.table.groups:
            out += [f"<h3>{group.heading}</h3>"] if group.heading else []
            out += [f"<p><code>{escape(group.general)}</code></p>"] if group.general else []
            each = ((row.name, _lines(row)) for row in group.rows)
            items = [f"<li><code>{escape(name)} {'<br>'.join(map(escape, lines))}</code></li>" for name, lines in each]
            out += ["<ol>", *items, "</ol>", *([f"<p>{group.left_out}</p>"] if group.more else [])]
        return "\n".join([*out, "</section>"])

    def _markdown(self) -> str:
        out = [
            f"**{escape_markdown(self.table.heading[0])}**",
            *(escape_markdown(h) + "  " for h in self.table.heading[1:]),
        ]
        for group in self.table.in_latex.groups:
            out += ["", f"### {group.heading}"] if group.heading else []
            out += ["", "$$", group.general.replace("&=", "="), "$$"] if group.general else []
            for row in group.rows:
                lines = _aligned(row)
                out += ["", "$$", r"\begin{aligned}", *lines, r"\end{aligned}", "$$"]
            out += ["", group.left_out] if group.more else []
        return "\n".join(out)

    def _latex(self) -> str:
        out = [r"% needs \usepackage{amsmath}", *(f"% {line}" for line in self.table.heading)]
        for group in self.table.in_latex.groups:
            blocks = [line for row in group.rows for line in [*_aligned(row)[:-1], _aligned(row)[-1] + r" \\[1ex]"]]
            blocks[-1] = blocks[-1].removesuffix(r" \\[1ex]")
            out += [rf"\paragraph{{{group.heading}}}"] if group.heading else []
            out += [rf"\[ {group.general.replace('&=', '=')} \]"] if group.general else []
            out += [r"\begingroup\allowdisplaybreaks", r"\begin{align*}"]
            out += [*blocks, r"\end{align*}", r"\endgroup", *([group.left_out] if group.more else [])]
        return "\n".join(out)


def _lines(row: Row) -> list[str]:
    """`= formula`, `= numbers`, and the value with its own sign; a line that repeats the one before is left out."""
    lines = [f"= {row.formula}"]
    if row.numbers != row.formula:
        lines.append(f"= {row.numbers}")
    value = f"{row.relation} {row.value}" + (f" \u00b1 {row.radius}" if row.radius else "")
    return lines if lines[-1] == value else [*lines, value]


def _aligned(row: Row) -> list[str]:
    lines = [f"&= {row.formula}"]
    if row.numbers != row.formula:
        lines.append(f"&= {row.numbers}")
    value = f"&{latex_value(row)}"
    lines += [value] if lines[-1] != value else []
    return [
        f"{row.name} {lines[0]}" + (r" \\" if len(lines) > 1 else ""),
        *(f"{line} \\\\" for line in lines[1:-1]),
        *lines[1:][-1:],
    ]
