"""What changed between two markings: a row a mark, in the order of the sheets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from tracer.answers.regrading import Change
from tracer.answers.reporting.as_markdown import as_markdown
from tracer.answers.reporting.as_text import as_text
from tracer.answers.reporting.blocks import LONGEST, Block, Grid, Lines, clean
from tracer.answers.reporting.sheet_report import number
from tracer.show.grid import to_csv

__all__ = ["render_changes"]

_HEADER = ("sheet", "cell", "was", "is", "points", "why")


def render_changes(found: Sequence[Change], sheets: int, form: str) -> str:
    """The changes as table, markdown, csv or json.  Raises ValueError for another format."""
    if form == "json":
        told = {"schema": "bptrace/changes/1", "sheets": sheets, "changes": [asdict(c) for c in found]}
        return json.dumps(told, ensure_ascii=False, indent=2)
    rows = [_row(change) for change in found]
    if form == "csv":
        return to_csv(list(_HEADER), [list(row) for row in rows])
    several = f"{len(rows)} marks" if len(rows) > 1 else "1 mark" if rows else "no mark"
    all_ = f"{sheets} sheet{'s' * (sheets != 1)}"
    where = f"{len({c.sheet for c in found})} of {all_}" if rows else all_
    blocks: list[Block] = [Lines((f"{several} changed on {where}",))]
    if rows:
        blocks.append(Grid(_HEADER, tuple(rows)))
    if form == "table":
        return as_text(blocks)
    if form == "markdown":
        return as_markdown(blocks)
    raise ValueError(f"changes have no format '{form}'; choose table, markdown, csv or json")


def _row(change: Change) -> tuple[str, ...]:
    points = f"{number(change.points_was)} -> {number(change.points_now)}"
    words = (verdict.replace("_", " ") for verdict in (change.was, change.now))
    return tuple(clean(part, LONGEST) for part in (change.sheet, change.cell, *words, points, change.why))
