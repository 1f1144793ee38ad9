"""What a report is made of: headings, lines, grids and lists of finished text, for one renderer a format."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LONGEST", "Block", "Grid", "Item", "Items", "Lines", "Section", "Title", "clean"]


@dataclass(frozen=True)
class Title:
    """The heading of the whole report."""

    text: str


@dataclass(frozen=True)
class Lines:
    """Plain lines."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table of finished strings; `tones` says for each row right, wrong, open or nothing."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    tones: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """One entry of a list: a sentence, the lines that belong to it, a remark below them."""

    text: str
    inner: tuple[str, ...] = ()
    below: str = ""


@dataclass(frozen=True)
class Items:
    """A numbered list with a heading."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Section:
    """A part that a page may fold away."""

    title: str
    blocks: tuple[Title | Lines | Grid | Items, ...]
    tone: str = ""


Block = Title | Lines | Grid | Items | Section

_SPACES = str.maketrans({"\u00a0": " ", "\u3000": " "})


LONGEST = 60  # characters of an id, a name or a number in a report; the exports hold them whole


def clean(text: str, most: int = 2000) -> str:
    """Text of a stranger on one line: control and bidi characters shown as codes, cut to `most` characters."""
    if len(text) > most:
        text = text[: most - 3] + "..."
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text.translate(_SPACES))
