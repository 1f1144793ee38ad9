"""Arrays as documents show them: entries in order, shortened by dots."""

from __future__ import annotations

from typing import Any

from derivations.expression import Blank, Expression, Matrix

__all__ = ["filled", "flat", "place", "place_of", "shape"]


def flat(m: Matrix) -> list[Expression]:
    """The entries, row by row."""
    return [entry for row in m.rows for entry in row]


def filled(shown: Matrix, rows: int, columns: int) -> list[tuple[int, Expression]] | None:
    """(place, entry) of each entry that is shown of an array, which dots may shorten; None where shapes differ."""
    entries = flat(shown)
    if not any(isinstance(entry, Blank) for entry in entries):
        fits = shape(shown) == (rows, columns) or (len(entries) == rows * columns and 1 in (rows, columns))
        return list(enumerate(entries)) if fits else None
    out: list[tuple[int, Expression]] = []
    down = _unfolded([all(isinstance(e, Blank) for e in row) for row in shown.rows], rows)
    across = _unfolded(
        [all(isinstance(row[i], Blank) for row in shown.rows) for i in range(len(shown.rows[0]))], columns
    )
    if down is None or across is None:
        return None
    for j, row in zip(down, shown.rows, strict=True):
        for i, entry in zip(across, row, strict=True):
            if j is not None and i is not None and not isinstance(entry, Blank):
                out.append((j * columns + i, entry))
    return out


def _unfolded(dots: list[bool], count: int) -> list[int | None] | None:
    """The place of each row or column that is shown, None for one of dots; None where they do not fit."""
    if not any(dots):
        return list(range(count)) if len(dots) == count else None
    at, more = dots.index(True), count - len(dots)
    if sum(dots) > 1 or more < 0:
        return None
    return [None if k == at else k if k < at else k + more for k in range(len(dots))]


def shape(m: Matrix) -> tuple[int, int]:
    """How many rows and columns."""
    return len(m.rows), len(m.rows[0])


def place(m: Matrix, j: int, i: int) -> str:
    """How an entry is named to people."""
    return f"{j + 1},{i + 1}" if len(m.rows[0]) > 1 else str(j + 1)


def place_of(k: int, array: Any) -> str:
    """The same for the k-th entry of an array of numbers."""
    rows, columns = array.shape
    return str(k + 1) if 1 in (rows, columns) else f"{k // columns + 1},{k % columns + 1}"
