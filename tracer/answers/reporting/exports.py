"""Marked sheets for other programs: JSON (bptrace/check/1), a gradebook's CSV, Gradescope's results.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tracer.answers.reporting.as_text import as_text
from tracer.answers.reporting.blocks import Grid, clean
from tracer.answers.reporting.class_report import asked_cells
from tracer.answers.reporting.sheet_report import cause_item, cause_numbers, headline, number, sheet_blocks, why_unread
from tracer.show.grid import begins_formula, to_csv

if TYPE_CHECKING:
    from tracer.answers.reporting.wording import Wording
    from tracer.answers.result import Cause, Checked, Mark, Marked

__all__ = ["as_gradebook", "as_gradescope", "as_json"]

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def as_json(checked: Checked, words: Wording) -> str:
    """Everything that was found, in the schema bptrace/check/1, one line a cause and a mark."""
    head: dict[str, object] = {"schema": "bptrace/check/1", "title": checked.title}
    head |= {"feedback": words.level, "language": words.lang}
    head |= {key: value for key, value in checked.made.items() if value}
    text = ["{\n", *(_plain(f"  {_dumped(key)}: {_dumped(value)},\n") for key, value in head.items())]
    for k, sheet in enumerate(checked.sheets):  # put together once: of a large class it is long
        text += [",\n" if k else '  "sheets": [\n', _plain(_sheet_json(sheet, words))]
    text.append("\n  ]" if checked.sheets else '  "sheets": []')
    if checked.remarks:
        text.append(_plain(f',\n  "remarks": {_dumped([words.said(remark) for remark in checked.remarks])}'))
    return "".join([*text, "\n}"])


def _sheet_json(sheet: Marked, words: Wording) -> str:
    said = _messages(sheet, words)
    parts: dict[str, str] = {
        "sheet": _dumped(sheet.id),
        "score": _dumped(None if sheet.score is None else round(sheet.score, 6)),
        "points": _dumped(None if sheet.unread else round(sheet.points, 6)),
        "total": _dumped(round(sheet.total, 6)),
        **({"parts": _dumped(_parts(sheet))} if sheet.parts else {}),
        "causes": _rows(_cause_json(cause, sheet, words) for cause in sheet.causes),
        "marks": _rows(_mark_json(mark, *said[mark.name], words) for mark in sheet.marks),
    }
    if sheet.remarks:
        parts["remarks"] = _dumped([words.said(remark) for remark in sheet.remarks])
    if sheet.error:
        parts["error"] = _dumped(words.said(sheet.error))
    return "    {\n" + ",\n".join(f'      "{key}": {value}' for key, value in parts.items()) + "\n    }"


def _parts(sheet: Marked) -> list[dict[str, Any]]:
    return [{"part": name, "points": round(p, 6), "of": round(t, 6)} for name, p, t in sheet.by_part]


def _cause_json(cause: Cause, sheet: Marked, words: Wording) -> dict[str, Any]:
    out = {"slips": list(cause.slips), "cells": list(cause.cells), "follows": list(cause.follows)}
    return {**out, "message": _told(cause, sheet, words)}


def _messages(sheet: Marked, words: Wording) -> dict[str, tuple[int, str]]:
    """For each cell the number of its cause, 0 for none, and what is said of it, standing alone."""
    numbers = cause_numbers(sheet)
    shown = {cell: k for k, cause in reversed([*enumerate(sheet.causes)]) for cell in cause.cells}
    told = [_told(cause, sheet, words) for cause in sheet.causes]
    out = {}
    for mark in reversed(sheet.marks):
        number = numbers.get(mark.name, 0)
        comment = words.comment(mark, number)
        if mark.name in shown and not mark.accepted:
            comment = "\n".join([told[shown[mark.name]], *filter(None, [words.marker(mark)])])
        out[mark.name] = (number, comment)
    return out


def _told(cause: Cause, sheet: Marked, words: Wording) -> str:
    item = cause_item(cause, sheet, words)
    return "\n".join((item.text, *item.inner))


def _mark_json(mark: Mark, cause: int, message: str, words: Wording) -> dict[str, Any]:
    out: dict[str, Any] = {"name": mark.name, "given": mark.given, "verdict": mark.verdict}
    if words.level == "full":
        out["expected"] = mark.expected
        if mark.own and mark.own != mark.expected:
            out["own"] = mark.own
    out["slips"] = list(mark.slips)
    out["message"] = message
    if cause:
        out["cause"] = cause
    out |= {"points": round(mark.earned if mark.asked else 0.0, 6), "of": mark.points if mark.asked else 0.0}
    return out | ({"where": mark.where} if mark.where else {})


def _rows(rows: Iterator[dict[str, Any]]) -> str:
    lines = [f"        {_dumped(row)}" for row in rows]
    return "[\n" + ",\n".join(lines) + "\n      ]" if lines else "[]"


_dumped = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _plain(text: str) -> str:
    """The same JSON, with codes for bidi marks, lone surrogates and all else that does not print."""
    return "\n".join(line if line.isprintable() else _coded(line) for line in text.split("\n"))


def _coded(line: str) -> str:
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def as_gradebook(checked: Checked, words: Wording) -> str:
    """CSV for a gradebook: for each sheet its score in percent, its causes in words, the verdict on each cell."""
    sheets = sorted(checked.sheets, key=lambda sheet: sheet.unread)
    cells = asked_cells(sheets)
    parts = list(dict.fromkeys(part.name for sheet in sheets for part in sheet.parts))
    head = ["id", "score", "points", "total", *(_guarded(name) for name in parts), "causes", "feedback"]
    rows = [_gradebook_row(sheet, parts, cells, words) for sheet in sheets]
    return to_csv([*head, *(_guarded(name) for name in cells.values())], rows)


def _gradebook_row(sheet: Marked, parts: Sequence[str], cells: Iterable[str], words: Wording) -> list[str]:
    scored = [""] * (3 + len(parts))
    if sheet.score is not None:
        own = {name: number(points) for name, points, _ in sheet.by_part}
        scored = [
            f"{100 * sheet.score:.2f}",
            number(sheet.points),
            number(sheet.total),
            *(own.get(name, "") for name in parts),
        ]
    row = [_guarded(sheet.id), *scored, str(len(sheet.causes))]
    told = [cause_item(cause, sheet, words) for cause in sheet.causes]
    feedback = [" ".join((item.text, *item.inner)) for item in told] or [
        headline(sheet, words) if sheet.error or not sheet.unread else why_unread(sheet, words)
    ]
    verdicts = {mark.cell: mark.verdict for mark in reversed(sheet.marks) if mark.asked}
    return [*row, _guarded(" / ".join(feedback)), *(verdicts.get(cell, "") for cell in cells)]


def _guarded(text: str) -> str:
    """A stranger's text that no spreadsheet takes for a formula, full-width signs included (OWASP, CSV injection)."""
    text = clean(text)
    return f"'{text}" if begins_formula(text) and not _NUMBER.fullmatch(text) else text


def as_gradescope(checked: Checked, words: Wording) -> str:
    """Gradescope's results.json for one sheet: a test for each cell.  Raises ValueError for a class."""
    if len(checked) != 1:
        raise ValueError(f"gradescope takes one sheet, not {len(checked)}; check them one by one, or write csv or json")
    sheet = checked.one
    said = _messages(sheet, words)
    blocks = [block for block in sheet_blocks(sheet, words, compact=False) if not isinstance(block, Grid)]
    out = {
        **({} if sheet.unread else {"score": round(sheet.points, 6)}),
        "output": as_text(blocks),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [_test(mark, k, said[mark.name][1], words) for k, mark in enumerate(sheet.marks, 1)],
    }
    return _plain(json.dumps(out, ensure_ascii=False, allow_nan=False, indent=2))


def _test(mark: Mark, place: int, message: str, words: Wording) -> dict[str, Any]:
    said = [(words.text("written"), mark.given), (words.text("verdict"), words.verdict(mark.verdict))]
    if words.level == "full" and not mark.accepted and mark.expected:
        said.append((words.text("expected"), mark.expected))
    lines = [f"{label}: {value}" for label, value in said if value] + message.splitlines()
    return {
        "name": clean(mark.name, 80),
        "number": str(place),
        "score": round(mark.earned if mark.asked else 0.0, 6),
        "max_score": mark.points if mark.asked else 0.0,
        "status": "passed" if mark.accepted else "failed",
        "output": "\n".join(map(clean, lines)),
        "output_format": "text",
        "name_format": "text",
        "visibility": "visible",
    }
