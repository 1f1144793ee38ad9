"""A plain grid of finished strings in every format: for results that are not traces."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

__all__ = ["begins_formula", "grid", "to_csv"]

_FORMS = {"table": "", "markdown": "pipe", "latex": "latex", "html": ""}


def grid(headers: Sequence[str], rows: Sequence[Sequence[str]], form: str) -> str:
    """The grid as table, markdown, html, latex or csv.  Raises ValueError for another format."""
    if form == "csv":
        return to_csv(headers, rows)
    if form not in _FORMS:
        raise ValueError(f"format '{form}' is not known here; known are {', '.join([*_FORMS, 'csv', 'json'])}")
    if form == "table":
        return _plain(headers, rows)
    if form == "html":
        return _html(headers, rows)
    from tabulate import tabulate

    cells = [[_escaped(cell) for cell in row] for row in rows] if form == "markdown" else rows
    text = tabulate(cells, headers, tablefmt=_FORMS[form], disable_numparse=True)
    return "\n".join(line.rstrip() for line in text.splitlines())


def _plain(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as narrow as what stands in them, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    lines = [headers, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _html(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from html import escape

    left = ' style="text-align:left"'  # of words: notebooks set every cell to the right, which suits numbers alone
    marks = ["" if all(map(_is_number, filter(None, column))) else left for column in zip(*rows, strict=True)]
    marks = marks or [""] * len(headers)
    head = "".join(f'<th scope="col"{mark}>{escape(h)}</th>' for h, mark in zip(headers, marks, strict=True))
    lines = ("".join(f"<td{mark}>{escape(c)}</td>" for c, mark in zip(row, marks, strict=True)) for row in rows)
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def to_csv(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """CSV; text that a spreadsheet would take for a formula is quoted with an apostrophe, numbers are left alone."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(_harmless, headers))
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue().rstrip("\n")


_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")  # their full-width forms begin a formula too
_PASSED_OVER = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]*")  # what spreadsheets leave out before a cell's first sign


def begins_formula(cell: str) -> bool:
    """Whether a spreadsheet could take a cell for a formula (OWASP, CSV injection)."""
    passed = _PASSED_OVER.match(cell)
    return cell[passed.end() if passed else 0 :][:1] in _FORMULA or cell[:1] in ("\t", "\r", "\n")


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell != "=" and begins_formula(cell) and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _escaped(cell: str) -> str:
    for sign in "\\|`":
        cell = cell.replace(sign, f"\\{sign}")
    return cell.replace("](", "\\](").replace("<", "&lt;")
