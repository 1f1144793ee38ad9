"""A written solution as it is read, before anything in it is checked: rows, statements, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from derivations.reading.documents import SourceRow, notebook_text, rows_of
from derivations.reading.statements import MOST_SIGNS, Statement, readable, statements

__all__ = ["Document", "left_from"]


@dataclass(frozen=True)
class Document:
    """The rows of a document and its statements; by row why nothing of it was read; from where on it was not read."""

    rows: Sequence[SourceRow]
    statements: list[Statement]
    unread: Mapping[int, str] = field(default_factory=dict)
    left_out: str = ""

    @classmethod
    def of(cls, text: str, most_signs: int = MOST_SIGNS) -> Document:
        """Of Markdown, LaTeX, plain text, or a notebook's JSON.  Raises ValueError for one that is too large."""
        source = notebook_text(text) if text.lstrip().startswith("{") and '"cells"' in text else text
        rows = rows_of(source)
        count = readable(rows, most_signs)
        left_out = left_from(rows[count].line) if rows[count:] else ""
        rows = rows[:count]
        found, unread = statements(rows)
        whole = [u for u in unread if not (rows[u.row].bare and "\\" not in rows[u.row].text)]
        return cls(rows, found, {u.row: f"column {u.why.column}: {u.why}" for u in whole}, left_out)

    def first(self, sides: int) -> Document:
        """Its beginning: statements of so many sides together, and at least one."""
        count = 0
        for k, statement in enumerate(self.statements):
            count += len(statement.sides)
            if count > sides:
                return replace(self, statements=self.statements[: max(k, 1)])
        return self


def left_from(line: int) -> str:
    """That a document was not read to its end."""
    return f"rows from line {line} on are not read: hand in shorter solutions"
