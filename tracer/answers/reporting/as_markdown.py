"""A report as Markdown: nothing a student wrote becomes an image, HTML, mathematics or a link in disguise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tracer.answers.reporting.blocks import Block, Grid, Items, Lines, Section, Title, clean

__all__ = ["as_markdown", "markdown_text"]

_SIGNS = re.compile(r"[\\`*|$~]|(?<!\w)_|_(?!\w)|\](?=[(\[])|^\[|(?<!\w)#|://|(?<=www)\.|(?<!\w)@(?=\w)")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def as_markdown(blocks: Iterable[Block]) -> str:
    """The report as Markdown."""
    return "\n\n".join("\n".join(_lines(block)) for block in blocks)


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Title):
        yield f"# {markdown_text(block.text)}"
    elif isinstance(block, Lines):
        yield "  \n".join(map(markdown_text, block.lines))
    elif isinstance(block, Grid):
        yield from [f"## {markdown_text(block.title)}", ""] if block.title else []
        yield _row(block.headers)
        yield "|" + "---|" * len(block.headers)
        yield from map(_row, block.rows)
    elif isinstance(block, Items):
        yield from (f"## {markdown_text(block.title)}", "")
        for place, item in enumerate(block.items, 1):
            mark = f"{place}. "
            indent = " " * len(mark)
            yield mark + markdown_text(item.text)
            yield from (f"{indent}- {markdown_text(inner)}" for inner in item.inner)
            yield from ["", indent + markdown_text(item.below)] if item.below else []
    elif isinstance(block, Section):
        yield from (f"## {markdown_text(block.title)}", "", as_markdown(block.blocks))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(markdown_text, cells))} |"


def markdown_text(text: str) -> str:
    """Text of a stranger on one line that Markdown takes as it stands."""
    escaped = _SIGNS.sub(_shielded, clean(text).strip())
    return re.sub("[&<>]", lambda m: _HTML[m[0]], escaped)


def _shielded(found: re.Match[str]) -> str:
    return ":\\//" if found[0] == "://" else "\\" + found[0]
