"""What a person decided after all: verdicts that are put on again whenever the sheets are marked."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from derivations.given import as_float, read_number, shortened
from tracer.answers.result import VERDICTS, Cause, Checked, Mark, Marked
from tracer.files import FileRefused, read_file

__all__ = ["Override", "OverrideError", "apply_overrides", "read_overrides"]

LARGEST = 5_000_000
MOST_ROWS = 100_000
LONGEST_TEXT = 2000
_COLUMNS = ("sheet", "cell", "verdict", "points", "comment", "by", "on")
_HEADER = "sheet,cell,verdict,points,comment,by,on"


class OverrideError(ValueError):
    """A file of overrides that cannot be read.  The message names the file and the row."""


@dataclass(frozen=True)
class Override:
    """One decision: the verdict on a cell of a sheet, and where given its points, a comment, by whom and when."""

    sheet: str
    cell: str
    verdict: str
    points: float | None
    comment: str
    where: str
    by: str = ""
    on: str = ""

    @property
    def said(self) -> str:
        """The comment, and who decided and when."""
        signed = ", ".join(part for part in (self.by, self.on) if part)
        return f"{self.comment} ({signed})".strip() if signed else self.comment


def apply_overrides(checked: Checked, path: str | Path) -> Checked:
    """The sheets with the decisions of a file (CSV or JSON rows: sheet, cell, verdict, points, comment, by, on) put on.

    A cell that a person calls right leaves its cause.  What names no sheet or no cell becomes a
    remark.  Raises OverrideError and FileNotFoundError.
    """
    decisions = read_overrides(path)
    ids = {sheet.id for sheet in checked.sheets}
    strangers = [
        f"{o.where}: no sheet {shortened(o.sheet)}; nothing was changed" for o in decisions if o.sheet not in ids
    ]
    by_sheet: dict[str, dict[str, Override]] = {}
    for decision in decisions:
        by_sheet.setdefault(decision.sheet, {})[decision.cell] = decision
    sheets = tuple(_decided(sheet, by_sheet.get(sheet.id, {})) for sheet in checked.sheets)
    return replace(checked, sheets=sheets, remarks=(*checked.remarks, *strangers))


def _decided(sheet: Marked, decisions: Mapping[str, Override]) -> Marked:
    if not decisions:
        return sheet
    left, marks = dict(decisions), []
    for mark in sheet.marks:
        decision = left.pop(mark.name, None) if mark.verdict != "duplicate" else None
        marks.append(_marked(mark, decision) if decision else mark)
    remarks = [f"{o.where}: no cell {shortened(o.cell)} on this sheet; nothing was changed" for o in left.values()]
    accepted = {mark.name for mark in marks if mark.name in decisions and mark.accepted}
    causes = tuple(left_of for cause in sheet.causes if (left_of := _without(cause, accepted)).cells)
    return replace(sheet, marks=tuple(marks), causes=causes, remarks=(*sheet.remarks, *remarks))


def _marked(mark: Mark, decision: Override) -> Mark:
    points = decision.points
    if points is not None and points > mark.points:
        raise OverrideError(
            f"{decision.where}: {points:g} points for {shortened(mark.name)}, which is worth {mark.points:g}; "
            f"give 0 to {mark.points:g}"
        )
    slips = mark.slips if decision.verdict == "slip" else ()
    return mark._replace(verdict=decision.verdict, awarded=points, kept=None, comment=decision.said, slips=slips)


def _without(cause: Cause, cells: set[str]) -> Cause:
    if cells.isdisjoint(cause.cells) and cells.isdisjoint(cause.follows):
        return cause
    kept, follows = (tuple(c for c in names if c not in cells) for names in (cause.cells, cause.follows))
    return replace(cause, cells=kept, follows=follows)


def read_overrides(path: str | Path) -> list[Override]:
    """The decisions of a file, in its order.  Raises OverrideError and FileNotFoundError."""
    path = Path(path)
    try:
        text = read_file(path, LARGEST, "a file of overrides is smaller").decode("utf-8-sig")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except FileRefused as e:
        if path.is_dir():
            raise FileNotFoundError(f"{path}: no such file, but a folder; name a file in it") from None
        raise OverrideError(f"{path.name}: {e}") from None
    except UnicodeDecodeError as e:
        raise OverrideError(f"{path.name}: byte {e.start + 1}: not UTF-8 text; save the file as UTF-8") from None
    seen: dict[tuple[str, str], str] = {}
    out = []
    for where, row in _rows(text, path.name):
        decision = _override(where, row)
        key = (decision.sheet, decision.cell)
        if key in seen:
            cell = f"{shortened(key[0])}, {shortened(key[1])}"
            raise OverrideError(f"{where}: {cell} stands in {seen[key]} already; keep one of them")
        seen[key] = where.rpartition(": ")[2]
        out.append(decision)
        if len(out) > MOST_ROWS:
            raise OverrideError(f"{path.name}: more than {MOST_ROWS} rows; a file of overrides is smaller")
    return out


def _rows(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from _from_json(text, name) if text.lstrip()[:1] in ("[", "{") else _from_csv(text, name)


def _from_json(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        rows = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except json.JSONDecodeError as e:
        raise OverrideError(f"{name}: line {e.lineno}: not JSON: {e.msg}") from None
    except RecursionError:
        raise OverrideError(f"{name}: nested too deeply; write a list of rows") from None
    rows = rows.get("overrides") if isinstance(rows, dict) else rows
    if not isinstance(rows, list):
        raise OverrideError(
            f'{name}: not a list of rows; write [{{"sheet": "ada", "cell": "z1[1]", "verdict": "right"}}]'
        )
    for number, row in enumerate(rows, 1):
        where = f"{name}: row {number}"
        if not isinstance(row, dict):
            raise OverrideError(f'{where}: not a row; write {{"sheet": "ada", "cell": "z1[1]", "verdict": "right"}}')
        unknown = [key for key in row if key not in _COLUMNS]
        if unknown:
            raise OverrideError(f"{where}: {shortened(unknown[0])} is not known; known are {', '.join(_COLUMNS)}")
        yield where, row


def _from_csv(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if "\0" in text:
        raise OverrideError(f"{name}: not a text file; save it as CSV with the header {_HEADER}")
    reader = csv.reader(text.splitlines(), strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            row = [cell.strip() for cell in cells]
            if not any(row) or row[0].startswith("#"):
                continue
            where = f"{name}: line {reader.line_num}"
            if not header:
                header = [cell.lower() for cell in row]
                if not set(_COLUMNS[:3]) <= set(header) <= set(_COLUMNS) or len(set(header)) < len(header):
                    raise OverrideError(f"{where}: not a header; begin with {_HEADER}")
                continue
            if len(row) > len(header):
                raise OverrideError(f"{where}: {len(row)} cells, not {len(header)}; put quotes around text with commas")
            yield where, dict(zip(header, row, strict=False))
    except csv.Error:
        raise OverrideError(f"{name}: line {reader.line_num}: not a CSV row; close every quote") from None


def _override(where: str, row: Mapping[str, Any]) -> Override:
    sheet, cell, verdict, comment = (_text(where, row, key) for key in ("sheet", "cell", "verdict", "comment"))
    if not sheet or not cell:
        raise OverrideError(f"{where}: no {'sheet' if not sheet else 'cell'}; begin the row with sheet,cell,verdict")
    if verdict not in VERDICTS:
        raise OverrideError(f"{where}: verdict {shortened(verdict)} is not known; known are {', '.join(VERDICTS)}")
    by, on = _text(where, row, "by"), _text(where, row, "on")
    try:
        date.fromisoformat(on or "2026-01-01")
    except ValueError:
        raise OverrideError(f"{where}: on is {shortened(on)}, not a date; write it as 2026-11-30") from None
    return Override(sheet, cell, verdict, _points(where, row.get("points")), comment, where, by, on)


def _text(where: str, row: Mapping[str, Any], key: str) -> str:
    text = row.get(key)
    if text is not None and not isinstance(text, str):
        raise OverrideError(f"{where}: {key} is {shortened(text)}, not text; put it in quotes")
    if len(text or "") > LONGEST_TEXT:
        raise OverrideError(f"{where}: {key} is longer than {LONGEST_TEXT} characters; shorten it")
    return (text or "").strip()


def _points(where: str, written: Any) -> float | None:
    if written is None or written == "":
        return None
    try:
        points = as_float(read_number(written))
    except ValueError as e:
        raise OverrideError(f"{where}: points: {e}") from None
    if points < 0:
        raise OverrideError(f"{where}: points: {shortened(written)} is negative; give 0 or more")
    return points
