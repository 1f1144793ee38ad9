"""One file of answers, as bytes, to rows and cells: every format by its content, nothing in it executed.

CSV, TSV, class tables, Markdown tables, LaTeX tabulars, `name = value` lines, JSON, notebooks as data, xlsx and npz.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

from tracer.answers.reading.arrays_in_text import joined
from tracer.answers.reading.grids import Raw, RawCell, RawError, Row, Understood, answers_of
from tracer.answers.reading.sheets import SheetError, csv_cells, shielded
from tracer.answers.reading.statements import SIGNS, listed_name, statements

__all__ = ["SUFFIXES", "raw_answers"]

SUFFIXES = (".csv", ".tsv", ".txt", ".md", ".markdown", ".tex", ".json", ".xlsx", ".npz", ".ipynb", "")
MOST_LINES, MOST_COLUMNS = 20_100, 5000
_NOTATION = re.compile(r"^\s*+(?:#|%|//|<!--)\s*+notation\s*+[:=]\s*+([A-Za-z]++)", re.IGNORECASE)
_BULLET = re.compile(r"(?<!\s)\s*+(?:[-*+•]\s++|\d{1,3}[.)]\s++|>\s*+)+")
_TABLE_LINE = re.compile(r"^\s*+\|?\s*+:?-{2,}+:?\s*+(?:\|\s*+:?-{2,}+:?\s*+)*+\|?\s*+")
_GRID = re.compile(r"""^"?[^"\s,;=\[]{1,60}\[[^"\]\s]{1,40}\]"?([,;\t])\s?"?[a-z] = -?\d{1,6}(?=["\s,;]|$)""")
_GRID_ROW = re.compile(r"""^"?[a-z] = -?\d{1,6}"?([,;\t])""")
"""A grid: `"h[t,j]",j = 1,j = 2`, and below it rows `t = 1,0.5,0.6`."""
_SEPARATOR = re.compile(r"[,;\t]")
_PROSE = re.compile(r"[^\W\d_]{2}[ ,;]++[^\W\d_]{2}")
_GROUP = re.compile(
    r"(?:forward|backward|backprop(?:agation)?|update[sd]?|activations?|gradients?|grads|weights|biases|deltas?|errors"
    r"|signals|loss(?:es)?|params?|parameters|hidden|outputs?|inputs?|new|results?|answers|part|step|task"
    r"|layers?)[ _-]?(?:pass)?[ _-]?(?:weights|layer)?[ _-]?\d{0,2}",
    re.IGNORECASE,
)
"""Names of groups of quantities; others are taken for people."""
_OUTPUTS = ("text/plain", "text/markdown")


def raw_answers(content: bytes, label: str, suffix: str, understood: Understood) -> Iterator[Raw]:
    """The sheets of a file.  Raises RawError for what cannot be read at all."""
    if content[:2] == b"PK":
        yield from _packed(content, label, suffix, understood)
        return
    text, remarks = decoded(content)
    for raw in _of_text(text, label, suffix, understood):
        yield Raw(raw.id, raw.cells, raw.notation, (*remarks, *raw.remarks), raw.error) if remarks else raw


def decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a file: UTF-8, UTF-16 with its mark, or else Shift_JIS or Western, said in a remark."""
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    encodings = ("utf-16",) if wide else ("utf-8-sig", "cp932", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if re.search("[\0-\x08]", text):
            break
        return text, ((f"read as {encoding}, not UTF-8",) if encoding.startswith("cp") else ())
    raise RawError("not a text file; hand in CSV or lines such as `z1[1] = 0.6457`, saved as UTF-8")


def _packed(content: bytes, label: str, suffix: str, understood: Understood) -> Iterator[Raw]:
    if suffix == ".npz":
        from tracer.array_files import arrays_in

        arrays = arrays_in(io.BytesIO(content), f"{label}.npz")
        yield Raw(label, tuple(RawCell(name, array, name) for name, array in arrays.items()))
    elif suffix in (".xlsx", ""):
        from tracer.answers.reading.workbooks import rows_of

        rows, notation = _without_remarks(rows_of(content))
        yield from answers_of(rows, label, notation, understood)
    else:
        raise RawError(f"'{suffix}' but packed inside; hand in CSV, Markdown, JSON or .xlsx")


def _without_remarks(rows: list[Row]) -> tuple[list[Row], str]:
    notation = ""
    out = []
    for row in rows:
        found = _NOTATION.match(row.cells[0]) if row.cells else None
        notation = found[1].lower() if found else notation
        if not row.cells or not row.cells[0].lstrip().startswith("#"):
            out.append(row)
    return out, notation


def _of_text(text: str, label: str, suffix: str, understood: Understood) -> Iterator[Raw]:
    if text.lstrip()[:1] == "{" or (text.lstrip()[:2] in ("[{", "[\n", "[ ") and suffix in (".json", "")):
        yield from _of_json(text, label, understood)
        return
    lines = re.split(r"\r\n|\r|\n", text)
    _look(lines)
    if "&" in text and (suffix == ".tex" or r"\begin{" in text):
        yield from answers_of(list(_latex_rows(lines)), label, _notation(lines), understood)
        return
    table = [(k, line) for k, line in enumerate(lines, 1) if "|" in line and line.strip().startswith("|")]
    if any(_TABLE_LINE.fullmatch(line) for _, line in table) or suffix in (".md", ".markdown"):
        yield from _of_markdown(lines, label, understood)
        return
    yield from _of_lines(lines, label, suffix, understood)


def _look(lines: list[str]) -> None:
    """Raises RawError for what is too large to be people's answers."""
    if len(lines) > MOST_LINES:
        raise RawError(f"more than {MOST_LINES} lines; split the file")
    wide = next((k for k, line in enumerate(lines, 1) if len(line) > MOST_COLUMNS and _columns(line) > MOST_COLUMNS), 0)
    if wide:
        raise RawError(f"line {wide}: more than {MOST_COLUMNS} columns; split the table")


def _columns(line: str) -> int:
    return max(line.count(mark) for mark in ",;\t|&")


def _notation(lines: list[str]) -> str:
    return next((found[1].lower() for line in lines[:50] if (found := _NOTATION.match(line))), "")


# --- lines and CSV ---


def _of_lines(lines: list[str], label: str, suffix: str, understood: Understood) -> Iterator[Raw]:
    """CSV rows and `name = value` lines, which may stand in one file."""
    rows: list[Row] = []
    told = 0
    separator = ""
    in_grid = False
    for number, line in joined(lines):
        bare = line.strip()
        if not bare or bare.startswith(("#", "%", "//")) or _fence(bare):
            continue
        hidden = shielded(bare)
        grid = _GRID.match(bare) or (in_grid and _GRID_ROW.match(bare))
        in_grid = bool(grid)
        if grid:  # a row, and no statements
            rows.append(Row(_csv(hidden, number, grid[1]), f"line {number}"))
            continue
        mark = _SEPARATOR.search(re.sub('"[^"]*"', '""', hidden) if '"' in hidden else hidden)
        stated = statements(bare, understood)
        if stated and (not mark or any(s in hidden[: mark.start()] for s in SIGNS) or understood(stated[0][0])):
            rows += [Row(list(cell), f"line {number}") for cell in stated]
        elif not mark and (cell := next(listed_name(bare, understood), None) or (None if separator else _colon(bare))):
            rows += [Row(list(cell), f"line {number}")] if cell[1] or understood(cell[0]) else []
        elif mark or separator:
            separator = separator or (mark[0] if mark else ",")
            own = separator if separator in hidden or not mark else mark[0]
            rows.append(Row(_csv(hidden, number, own), f"line {number}"))
        elif suffix == ".txt":
            told += any(c.isdigit() for c in bare)
        else:
            rows.append(Row([bare], f"line {number}"))
    yield from _told(answers_of(rows, label, _notation(lines), understood), told)


def _csv(hidden: str, number: int, separator: str) -> list[str]:
    try:
        return csv_cells(hidden, number, separator)
    except SheetError as e:
        raise RawError(str(e)) from None


def _fence(line: str) -> bool:
    return line[0] in "`~-=*_" and (line.startswith(("```", "~~~")) or not line.strip("-=*_"))


def _colon(bare: str) -> tuple[str, str] | None:
    name, colon, number = _BULLET.sub("", bare, count=1).replace("：", ":").rpartition(":")
    return (name.strip().strip("*").strip(), number.strip().strip("*").strip()) if colon and name.strip() else None


def _told(raws: Iterator[Raw], left_out: int) -> Iterator[Raw]:
    lines = "1 line is no answer and is" if left_out == 1 else f"{left_out} lines are no answers and are"
    for raw in raws:
        yield Raw(raw.id, raw.cells, raw.notation, (*raw.remarks, f"{lines} left out"), raw.error) if left_out else raw


# --- Markdown and LaTeX ---


def _of_markdown(lines: list[str], label: str, understood: Understood, place: str = "") -> Iterator[Raw]:
    """Pipe tables, and list items and lines that are `name = value`; prose is left out."""
    cells: list[RawCell] = []
    table: list[Row] = []
    left_out = 0
    notation = _notation(lines)
    for number, line in enumerate([*lines, ""], 1):
        where = f"{place}line {number}"
        if line.strip().startswith("|"):
            if not _TABLE_LINE.fullmatch(line):
                table.append(Row(_pipe_cells(line), where))
            continue
        if table:
            raws = list(answers_of(table, label, notation, understood))
            if len(raws) > 1 or raws[0].id != label:
                yield from raws
            else:
                cells += raws[0].cells
            table = []
        bare_line = line.strip()
        stated = [] if _NOTATION.match(line) else statements(bare_line, understood)
        if not stated and _BULLET.match(line):
            stated = [cell for cell in (_colon(bare_line),) if cell] or list(listed_name(bare_line, understood))
        for name, number_of in stated:
            if not (_PROSE.search(name) and not understood(name)) and len(name) < 120:
                cells.append(RawCell(name, number_of or None, where))
            else:
                left_out += bool(re.search(r"\d", line))
    if cells:
        yield from _told(iter([Raw(label, tuple(cells), notation)]), left_out)


def _pipe_cells(line: str) -> list[str]:
    """The cells of a pipe table's row; an escaped bar is a bar."""
    bare = line.strip()
    bare = bare[1:-1] if bare.endswith("|") and not bare.endswith("\\|") else bare[1:]
    return [cell.replace("\\|", "|").strip().strip("`").strip("*") for cell in re.split(r"(?<!\\)\|", bare)]


def _latex_rows(lines: list[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        bare = re.sub(r"\\(?:hline|toprule|midrule|bottomrule)\b", "", line.split("%")[0]).strip()
        if "&" in bare and not bare.startswith(r"\begin"):
            cells = [cell.strip() for cell in re.sub(r"\\\\(?:\[[^\]]{0,20}\])?$", "", bare).split("&")]
            yield Row([re.sub(r"^\$(.*)\$$", r"\1", cell) for cell in cells], f"line {number}")


# --- JSON and notebooks ---


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON, its names as often as they stand."""

    def get(self, key: str) -> Any:
        return next((value for name, value in self if name == key), None)


def _of_json(text: str, label: str, understood: Understood) -> Iterator[Raw]:
    try:
        value = json.loads(text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_Pairs)
    except json.JSONDecodeError as e:
        raise RawError(f"line {e.lineno}: not JSON: {e.msg}") from None
    except RecursionError:
        raise RawError("not a sheet: nested too deeply") from None
    if isinstance(value, _Pairs) and isinstance(value.get("cells"), list):
        yield from _of_notebook(value, label, understood)
        return
    notation = value.get("notation") if isinstance(value, _Pairs) else ""
    notation = notation.lower() if isinstance(notation, str) and not understood("notation") else ""
    values = value.get("values") or value.get("answers") if isinstance(value, _Pairs) else value
    values = values if values is not None else value
    for own, pairs in _json_sheets(values, label):
        cells = (RawCell(name, written, name) for name, written in pairs if name not in ("schema", "notation"))
        yield Raw(own, tuple(cells), notation)


def _json_sheets(values: Any, label: str) -> Iterator[tuple[str, _Pairs]]:
    """(label, cells) of {name: number}, of {label: {name: number}}, or of a list of objects."""
    if isinstance(values, _Pairs) and values and all(isinstance(value, _Pairs) for _, value in values):
        if all(_GROUP.fullmatch(name) for name, _ in values):
            yield label, _flat(values)
        else:
            yield from ((name, _flat(value)) for name, value in values)
    elif isinstance(values, _Pairs):
        yield label, _flat(values)
    elif isinstance(values, list) and values and all(isinstance(row, _Pairs) for row in values):
        if all(row.get("value") is not None and (row.get("name") or row.get("quantity")) for row in values):
            yield label, _Pairs((str(row.get("quantity") or row.get("name")), row.get("value")) for row in values)
            return
        for k, row in enumerate(values, 1):
            own = next((n for n in ("id", "student", "name") if isinstance(row.get(n), str)), "")
            yield str(row.get(own) or f"row {k}"), _Pairs(pair for pair in row if pair[0] != own)
    else:
        raise RawError("not a sheet: write {name: number}")


def _flat(pairs: _Pairs) -> _Pairs:
    """Names and values, those in groups (`"forward": {...}`) as if they stood alone."""
    out = _Pairs()
    for name, value in pairs:
        out += _flat(value) if isinstance(value, _Pairs) else [(name, value)]
    return out


def _of_notebook(notebook: _Pairs, label: str, understood: Understood) -> Iterator[Raw]:
    """Markdown cells and the stored outputs of code cells; nothing is run."""
    cells: list[RawCell] = []
    notation = ""
    remarks: list[str] = []
    for number, cell in enumerate(notebook.get("cells"), 1):
        if not isinstance(cell, _Pairs):
            continue
        for text in _texts(cell):
            lines = text.splitlines()
            notation = notation or _notation(lines)
            for raw in _of_markdown(lines, label, understood, f"cell {number}, "):
                cells += raw.cells
                remarks += raw.remarks
    if not cells:
        raise RawError("no answers found in Markdown cells or stored outputs; print lines such as `z1[1] = 0.6457`")
    yield Raw(label, tuple(cells), notation, tuple(dict.fromkeys(remarks)))


def _texts(cell: _Pairs) -> Iterator[str]:
    if cell.get("cell_type") == "markdown":
        yield _joined(cell.get("source"))
    outputs = cell.get("outputs")
    for output in outputs if cell.get("cell_type") == "code" and isinstance(outputs, list) else ():
        if isinstance(output, _Pairs):
            yield _joined(output.get("text"))
            data = output.get("data")
            if isinstance(data, _Pairs):
                yield next((_joined(data.get(kind)) for kind in _OUTPUTS if data.get(kind)), "")


def _joined(source: Any) -> str:
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))
