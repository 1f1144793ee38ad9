"""Cards placed from left to right by what they read, and everything of them that is drawn.

A card that is worked out stands right of all that it reads; a stated one just left of its first reader.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tracer.show.page.cards import Card, Deck, Grid, Key, Text

__all__ = ["CardDrawing", "DrawnCard", "DrawnCell", "Link", "card_drawing"]

LETTER, LINE = 7.7, 13.0  # pixels of a digit, of a line of digits
NAME_LETTER, NARROWEST = 8.5, 26.0  # of a letter of a card's name; of a cell
PAD, TITLE, SUBTITLE = 7.0, 20.0, 14.0
BETWEEN = 8.0  # two grids of a card
ACROSS, DOWN = 48.0, 14.0  # two columns of cards, two cards of a column
SWEEPS = 6


@dataclass(frozen=True)
class DrawnCell:
    """A cell with its corner and size, and its numbers."""

    place: str
    x: float
    y: float
    width: float
    height: float
    texts: tuple[Text, ...]


@dataclass(frozen=True)
class DrawnCard:
    """A card with its corner and size; its cells; the names of its grids where there are several."""

    number: int
    name: str
    role: str
    x: float
    y: float
    width: float
    height: float
    cells: tuple[DrawnCell, ...]
    subtitles: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True)
class Link:
    """A line from the card that is read to the one that reads it."""

    source: int
    target: int
    path: str


@dataclass(frozen=True)
class CardDrawing:
    """Everything to draw."""

    width: int
    height: int
    cards: tuple[DrawnCard, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True)
class _Measured:
    """A card's cells from its own corner, and its size."""

    card: Card
    width: float
    height: float
    cells: tuple[DrawnCell, ...]
    subtitles: tuple[tuple[float, float, str], ...]


def card_drawing(deck: Deck) -> CardDrawing:
    """The cards of a trace, placed."""
    measured = {card.key: _measured(card) for card in deck.cards}
    columns = _columns(deck)
    tops = _tops(columns, {key: m.height for key, m in measured.items()}, deck.reads)
    number = {key: k for k, key in enumerate(deck.keys)}
    lefts: dict[Key, float] = {}
    x = 6.0
    for column in columns:
        wide = max(measured[key].width for key in column)
        lefts |= {key: x + (wide - measured[key].width) / 2 for key in column}
        x += wide + ACROSS
    drawn = tuple(_drawn(number[key], measured[key], lefts[key], tops[key]) for key in deck.keys)
    links = tuple(
        Link(number[source], number[target], _path(drawn[number[source]], drawn[number[target]]))
        for target in deck.keys
        for source in sorted(deck.reads[target], key=number.__getitem__)
    )
    return CardDrawing(math.ceil(x - ACROSS + 6), math.ceil(max(c.y + c.height for c in drawn) + 6), drawn, links)


def _measured(card: Card) -> _Measured:
    """A card's cells from its own corner; a name wider than they are makes room beside them."""
    cells, subtitles = _grids(card)
    inner = max(cell.x + cell.width for cell in cells) + PAD
    wide = math.ceil(max(inner, len(card.name) * NAME_LETTER + 2 * PAD))
    shift = (wide - inner) / 2
    return _Measured(
        card,
        wide,
        math.ceil(max(cell.y + cell.height for cell in cells) + PAD),
        tuple(_moved(cell, shift, 0) for cell in cells),
        tuple((x + shift, y, name) for x, y, name in subtitles),
    )


def _grids(card: Card) -> tuple[list[DrawnCell], list[tuple[float, float, str]]]:
    """The grids of a card with their names, side by side where that is nearer to a square."""
    texts = [cell.texts for grid in card.grids for cell in grid.cells]
    wide = round(max(NARROWEST, max(text.longest for own in texts for text in own) * LETTER + 8))
    high = round(LINE * max(map(len, texts)) + 5)
    size, count = _size_of(card.grids[0], wide, high), len(card.grids)
    named = SUBTITLE if card.grids[0].name else 0.0
    abreast = min(count, max(1, math.ceil(math.sqrt(count * (size[1] + named) / size[0]))))
    cells: list[DrawnCell] = []
    subtitles: list[tuple[float, float, str]] = []
    for k, grid in enumerate(card.grids):
        x = PAD + (k % abreast) * (size[0] + BETWEEN)
        y = TITLE + (k // abreast) * (size[1] + named + BETWEEN) + named
        if named:
            subtitles.append((x + size[0] / 2, y - 4, grid.name))
        cells += [DrawnCell(c.place, x + c.column * wide, y + c.row * high, wide, high, c.texts) for c in grid.cells]
    return cells, subtitles


def _size_of(grid: Grid, wide: float, high: float) -> tuple[float, float]:
    return (max(c.column for c in grid.cells) + 1) * wide, (max(c.row for c in grid.cells) + 1) * high


def _moved(cell: DrawnCell, x: float, y: float) -> DrawnCell:
    return replace(cell, x=round(cell.x + x), y=round(cell.y + y))


def _drawn(number: int, m: _Measured, x: float, y: float) -> DrawnCard:
    x, y = round(x), round(y)
    cells = tuple(_moved(cell, x, y) for cell in m.cells)
    subtitles = tuple((x + a, y + b, name) for a, b, name in m.subtitles)
    return DrawnCard(number, m.card.name, m.card.role, x, y, m.width, m.height, cells, subtitles)


def _path(source: DrawnCard, target: DrawnCard) -> str:
    x1, y1, x2, y2 = source.x + source.width, source.y + source.height / 2, target.x, target.y + target.height / 2
    bend = max(20.0, min(ACROSS, (x2 - x1) / 2))
    return f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"


# --- columns ---


def _columns(deck: Deck) -> list[list[Key]]:
    """The cards by their place from left to right."""
    found: dict[int, list[Key]] = {}
    for key in deck.keys:
        found.setdefault(deck.levels[key], []).append(key)
    return [found[n] for n in sorted(found)]


def _tops(
    columns: Sequence[Sequence[Key]], heights: Mapping[Key, float], reads: Mapping[Key, set[Key]]
) -> dict[Key, float]:
    """How high each card stands: near the middle of what it reads and what reads it, none over another."""
    near: dict[Key, set[Key]] = {key: set(others) for key, others in reads.items()}
    for key, others in reads.items():
        for other in others:
            near[other].add(key)
    middle: dict[Key, float] = {}
    for column in columns:
        y = 0.0
        for key in column:
            middle[key] = y + heights[key] / 2
            y += heights[key] + DOWN
        middle |= {key: middle[key] - y / 2 for key in column}
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wished = {key: sum(middle[o] for o in near[key]) / len(near[key]) if near[key] else 0.0 for key in column}
            middle |= _apart(sorted(column, key=wished.__getitem__), wished, heights)
    top = min(middle[key] - heights[key] / 2 for key in middle)
    return {key: middle[key] - heights[key] / 2 - top + 6 for key in middle}


def _apart(column: Sequence[Key], wished: Mapping[Key, float], heights: Mapping[Key, float]) -> dict[Key, float]:
    """The middles of a column's cards as near to what is wished as they can stand without touching."""
    out: dict[Key, float] = {}
    low = -math.inf
    for key in column:
        out[key] = max(wished[key], low + heights[key] / 2)
        low = out[key] + heights[key] / 2 + DOWN
    shift = sum(wished[key] - out[key] for key in column) / len(column)
    return {key: y + shift for key, y in out.items()}
