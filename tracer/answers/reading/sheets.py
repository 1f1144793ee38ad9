"""Answer sheets read as data: each cell a name as somebody wrote it, a number kept as written, and its line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from derivations.given import read_number, shape_of, shortened
from tracer.files import FileRefused, read_input

__all__ = ["Cell", "SheetError", "read_sheet", "read_text"]

LARGEST_SHEET = 1_000_000
MOST_CELLS = 20_000
LONGEST_NAME = 200
_STATED = re.compile(r"""^[ \t]*#[ \t]*notation[ \t]*[:=][ \t]*([a-z]+)|"notation"\s*:\s*"([a-z]+)\"""", re.I | re.M)
_NAMES, _VALUES = ("quantity", "name"), ("value", "answer")


class SheetError(ValueError):
    """A sheet that cannot be read.  The message names the file and the line."""


@dataclass(frozen=True)
class Cell:
    """One number on a sheet: the name and number as written, the line it stands in, the notation the sheet states."""

    name: str
    number: str
    line: int
    notation: str = ""


def read_sheet(path: str | Path, standard_input: IO[bytes] | None = None, *, not_finite: bool = False) -> list[Cell]:
    """The cells of a sheet: CSV, JSON or `name = value` lines; `-` reads the standard input that is given.

    not_finite: what a program prints for no number, nan and inf, is read as that.  Raises SheetError and
    FileNotFoundError.
    """
    given = standard_input if str(path) == "-" else None
    where = "standard input" if given else str(path)
    try:
        text = read_input(path, given, LARGEST_SHEET, "an answer sheet is smaller").decode("utf-8-sig")
        return read_text(text, not_finite=not_finite)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except UnicodeDecodeError as e:
        raise SheetError(f"{where}: byte {e.start + 1}: not UTF-8 text; save the file as UTF-8") from None
    except (SheetError, FileRefused) as e:
        raise SheetError(f"{where}: {e}") from None


def read_text(text: str, *, not_finite: bool = False) -> list[Cell]:
    """The cells of a sheet's text, as `read_sheet`.  Raises SheetError for what is malformed or given twice."""
    if re.search("[\0-\x04]", text):
        raise SheetError("not a text file; save the sheet as CSV or as lines such as `z1[1] = 0.6457`")
    raw = list(_from_json(text) if text.lstrip().startswith("{") else _from_lines(text))
    if not raw:
        raise SheetError("no cells found; write lines such as `z1[1] = 0.6457` or `z1[1],0.6457`")
    stated = _STATED.search(text)
    notation = (stated[1] or stated[2]).lower() if stated else ""
    cells: dict[str, Cell] = {}
    for line, name, written in raw:
        for full_name, number in _entries(line, name, written, _number if not_finite else read_number):
            if full_name in cells:
                raise SheetError(f"line {line}: {shortened(full_name)} stands in line {cells[full_name].line} already")
            cells[full_name] = Cell(full_name, number, line, notation)
            if len(cells) > MOST_CELLS:
                raise SheetError(f"more than {MOST_CELLS} cells; an answer sheet is smaller")
    return list(cells.values())


def _from_lines(text: str) -> Iterator[tuple[int, str, Any]]:
    header: list[str] = []
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        hidden = shielded(bare)
        mark = re.search(r"[=\u2248,;\t]", hidden)
        if mark and mark[0] in "=\u2248" and not header:
            yield number, bare[: mark.start()].strip(), bare[mark.end() :].strip()
            continue
        cells = csv_cells(hidden, number, mark[0] if mark else ",")
        lowered = [cell.lower() for cell in cells]
        if not header and set(_NAMES) & set(lowered) and set(_VALUES) & set(lowered):
            header = lowered
            continue
        n, v = _column(header, _NAMES, 0), _column(header, _VALUES, 1)
        if len(cells) <= max(n, v):
            raise SheetError(f"line {number}: {shortened(bare)} has no value; write `z1[1],0.6457` or `z1[1] = 0.6457`")
        if len(cells) > (len(header) or 2) and any(cells[len(header) or 2 :]):
            raise SheetError(
                f"line {number}: {shortened(bare)} has {len(cells)} cells, not {len(header) or 2}; "
                "write a decimal point, and quotes around text with commas"
            )
        yield number, cells[n], cells[v]


_BARE = dict(enumerate(",;\t=\u2248"))  # a mark inside [ ] does not separate: it is shielded as chr(0) to chr(4)
_HIDDEN = re.compile("[\0-\x04]")
_OPENING = re.compile(r"[\[({]")
_BRACKETS = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|\{[^{}]*\}")
_SHIELD = {ord(mark): k for k, mark in _BARE.items()}


def _column(header: list[str], words: tuple[str, ...], default: int) -> int:
    return next((k for k, cell in enumerate(header) if cell in words), default)


def shielded(line: str) -> str:
    """A line whose separators inside brackets are hidden: `dW1[1,2],0.0795` is two cells."""
    return _BRACKETS.sub(lambda m: m[0].translate(_SHIELD), line) if _OPENING.search(line) else line


def unshielded(text: str) -> str:
    """The text of a part of a shielded line."""
    return text.translate(_BARE)


def csv_cells(hidden: str, number: int, separator: str) -> list[str]:
    """The cells of a shielded CSV row, separated by commas, semicolons or tabs.  Raises SheetError."""
    try:
        row = next(csv.reader([hidden], delimiter=separator))
    except csv.Error:
        raise SheetError(f"line {number}: not a CSV row; write `z1[1],0.6457`") from None
    if _HIDDEN.search(hidden):
        return [unshielded(cell).strip() for cell in row]
    return [cell.strip() for cell in row]


def _from_json(text: str) -> Iterator[tuple[int, str, Any]]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(items)) < len(items):
            twice = next(k for n, (k, _) in enumerate(items) if k in dict(items[:n]))
            raise SheetError(f"{shortened(twice)} is given twice")
        return dict(items)

    try:
        value = json.loads(text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=pairs)
    except json.JSONDecodeError as e:
        raise SheetError(f"line {e.lineno}: not JSON: {e.msg}") from None
    except RecursionError:
        raise SheetError("not a sheet: nested too deeply") from None
    values = value.get("values", value)
    if not isinstance(values, dict):
        raise SheetError("not a sheet: write {name: number}")
    for name, written in values.items():
        yield 1, name, written


def _number(written: object) -> str:
    """One number, or nan, inf or -inf.  Raises ValueError."""
    word = str(written).strip().lower() if isinstance(written, str) else ""
    sign, word = ("-", word[1:]) if word.startswith("-") else ("", word.lstrip("+"))
    return "nan" if word == "nan" else f"{sign}inf" if word in ("inf", "infinity") else read_number(written)


def _entries(line: int, name: str, written: Any, number: Callable[[object], str]) -> Iterator[tuple[str, str]]:
    """(name, number) of a cell, or of each entry of a whole array."""
    name = name.strip().strip("'\"`")
    if not name or len(name) > LONGEST_NAME:
        raise SheetError(f"line {line}: {shortened(name)} is not a name; write `z1[1],0.6457` or `z1[1] = 0.6457`")
    if isinstance(written, str) and not written.strip():
        raise SheetError(f"line {line}: {shortened(name)} has no value; write a number, or leave the line out")
    try:
        if isinstance(written, str) and written.lstrip().startswith("["):
            written = json.loads(re.sub(r"[^\s,\[\]]+", lambda m: json.dumps(m[0].strip("'\"")), written))
        if isinstance(written, list):
            if len(shape_of(written)) > 2:
                raise ValueError("lists are nested too deeply; a matrix is a list of rows")
            for place in np.ndindex(*shape_of(written)):
                entry = written
                for i in place:
                    entry = entry[i]
                yield f"{name}[{','.join(str(i + 1) for i in place)}]", number(entry)
            return
        yield name, number("null" if written is None else written)
    except (json.JSONDecodeError, RecursionError):
        raise SheetError(f"line {line}: {shortened(name)}: not a list of numbers; write [0.1, 0.2]") from None
    except ValueError as e:
        raise SheetError(f"line {line}: {shortened(name)}: {e}") from None
