"""A report for a terminal: 80 columns, full-width characters counted as two."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from tracer.answers.reporting.blocks import Block, Grid, Item, Items, Lines, Section, Title, clean

__all__ = ["as_text", "width", "wrapped"]

COLUMNS = 80
NARROWEST = 14  # a column may be squeezed to this, no further: five of them fit
GAP = 2


def as_text(blocks: Iterable[Block]) -> str:
    """The report as plain text, no line wider than a terminal."""
    return "\n\n".join("\n".join(line.rstrip() for line in _lines(block)) for block in blocks)


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Title):
        yield from wrapped(clean(block.text), COLUMNS)
    elif isinstance(block, Lines):
        for line in block.lines:
            yield from wrapped(clean(line), COLUMNS)
    elif isinstance(block, Grid):
        yield from [clean(block.title)] if block.title else []
        yield from _grid(block)
    elif isinstance(block, Items):
        yield from wrapped(clean(block.title), COLUMNS)
        for place, item in enumerate(block.items, 1):
            yield from _item(item, f"{place}. ")
    elif isinstance(block, Section):
        yield clean(block.title)
        yield as_text(block.blocks)


def _item(item: Item, mark: str) -> Iterator[str]:
    indent = " " * len(mark)
    for k, line in enumerate(wrapped(clean(item.text), COLUMNS - len(mark))):
        yield (indent if k else mark) + line
    for inner in item.inner:
        for k, line in enumerate(wrapped(clean(inner), COLUMNS - len(mark) - 2)):
            yield indent + ("  " if k else "- ") + line
    if item.below:
        yield from (indent + line for line in wrapped(clean(item.below), COLUMNS - len(mark)))


def _grid(grid: Grid) -> Iterator[str]:
    rows = [tuple(map(clean, row)) for row in grid.rows]
    widths = _widths([grid.headers, *rows])
    yield _row(grid.headers, widths)
    yield (" " * GAP).join("-" * w for w in widths)
    for row in rows:
        folded = [wrapped(cell, w) for cell, w in zip(row, widths, strict=True)]
        for k in range(max(map(len, folded))):
            yield _row([lines[k] if k < len(lines) else "" for lines in folded], widths)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (w - width(cell)) for cell, w in zip(cells, widths, strict=True))
    return (" " * GAP).join(padded)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """The width of each column: its longest cell, the widest columns squeezed until the row fits."""
    widths = [max(1, *(width(row[k]) for row in rows)) for k in range(len(rows[0]))]
    floors = [max(min(w, NARROWEST), width(head)) for w, head in zip(widths, rows[0], strict=True)]
    over = sum(widths) + GAP * (len(widths) - 1) - COLUMNS
    while over > 0:
        k = max(range(len(widths)), key=lambda j: (widths[j] - floors[j], j))  # a comment before a name
        if widths[k] <= floors[k]:
            break
        second = max((w for j, w in enumerate(widths) if j != k), default=0)
        cut = min(over, widths[k] - floors[k], max(1, widths[k] - second))
        widths[k] -= cut
        over -= cut
    return widths


@lru_cache(maxsize=4096)
def width(text: str) -> int:
    """The columns that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrapped(text: str, most: int) -> list[str]:
    """The text in lines of at most `most` columns, broken between words, or anywhere in a long one."""
    if width(text) <= most:
        return [text]
    lines, line = [], ""
    for word in _words(text):
        if line and width(line) + width(word.rstrip()) > most:
            lines.append(line.rstrip())
            line = ""
        while width(word) > most:
            head = _head(word, most - width(line))
            lines.append((line + head).rstrip())
            word, line = word[len(head) :], ""
        line += word
    return [*lines, line.rstrip()] if line.strip() else lines


def _words(text: str) -> Iterator[str]:
    """Words with the spaces after them; a full-width character is a word of its own, a stop stays with it."""
    word = ""
    for c in text:
        breaks = word[-1:] == " " != c or ((width(c) == 2 or width(word[-1:]) == 2) and c not in " 。、)」")
        if word and breaks:
            yield word
            word = ""
        word += c
    if word:
        yield word


def _head(word: str, most: int) -> str:
    """The first characters that fit, at least one."""
    taken = 0
    for k, c in enumerate(word):
        taken += width(c)
        if taken > most:
            return word[: max(k, 1)]
    return word
