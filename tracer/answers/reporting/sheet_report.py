"""The report of one sheet: the cells, the causes of what is wrong, the score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tracer.answers.reporting.blocks import LONGEST, Block, Grid, Item, Items, Lines, clean

if TYPE_CHECKING:
    from tracer.answers.reporting.wording import Wording
    from tracer.answers.result import Cause, Mark, Marked

__all__ = ["cause_item", "cause_numbers", "headline", "number", "percent", "sheet_blocks", "tone", "why_unread"]

PLAIN = ("exact", "rounded", "right")
_OPEN = ("not_assessable", "missing", "unknown", "duplicate", "not_counted")


def number(value: float) -> str:
    """Points without needless zeros."""
    return f"{value:.4f}".rstrip("0").rstrip(".") or "0"


def percent(score: float) -> str:
    """A score from 0 to 1 in percent; 100.0 only for full marks."""
    shown = f"{100 * score:.1f}"
    return "99.9" if shown == "100.0" and score < 1 else shown


def tone(mark: Mark) -> str:
    """right, wrong or open."""
    return "right" if mark.accepted else "open" if mark.verdict in _OPEN else "wrong"


def cause_numbers(sheet: Marked) -> dict[str, int]:
    """For each cell the number of the cause that it shows, or follows from, counted from 1."""
    numbers: dict[str, int] = {}
    for place, cause in enumerate(sheet.causes, 1):
        for cell in (*cause.cells, *cause.follows):
            numbers.setdefault(cell, place)
    return numbers


def headline(sheet: Marked, words: Wording) -> str:
    """How many cells are right, how many causes there are, how many names were not understood."""
    if sheet.error:
        return words.text("not_read", error=words.said(sheet.error))
    asked = [mark for mark in sheet.marks if mark.asked]
    strange = sum(mark.verdict == "unknown" for mark in sheet.marks)
    unread = [words.counted("strange", strange)] if strange else []
    if not asked:
        return words.text("list").join([words.text("no_cells"), *unread])
    right = sum(mark.accepted for mark in asked)
    counted = words.text("all_right" if right == len(asked) else "headline", right=right, asked=len(asked))
    causes = [words.counted("cause", len(sheet.causes))] if sheet.causes else []
    return words.text("list").join([counted, *causes, *unread])


def why_unread(sheet: Marked, words: Wording) -> str:
    """Why a sheet has no score."""
    if sheet.error:
        return words.said(sheet.error)
    strange = sum(mark.verdict == "unknown" for mark in sheet.marks)
    return words.text("list").join([words.text("no_number"), *([words.counted("strange", strange)] if strange else [])])


def sheet_blocks(sheet: Marked, words: Wording, *, compact: bool) -> Iterator[Block]:
    """The parts of the report of one sheet; `compact` counts the cells that are plainly right."""
    yield Lines((": ".join(part for part in (clean(sheet.id, LONGEST), headline(sheet, words)) if part),))
    if sheet.error:
        return
    plain = [mark for mark in sheet.marks if compact and _plainly_right(mark)]
    shown = [mark for mark in sheet.marks if not (compact and _plainly_right(mark))]
    if shown:
        yield _cells(shown, sheet, words)
    if plain:
        yield from _counted(plain, words, alone=not shown)
    if sheet.causes:
        items = tuple(cause_item(cause, sheet, words) for cause in sheet.causes)
        yield Items(words.counted("cause", len(items)), items)
    if sheet.marks and sheet.score is None:
        yield Lines((words.text("no_score", why=words.text("no_number")),))
    elif sheet.marks and sheet.score is not None:
        points, total = number(sheet.points), number(sheet.total)
        yield Lines(
            (*_parts(sheet, words), words.text("score", points=points, total=total, percent=percent(sheet.score)))
        )
    if sheet.remarks:
        yield Items(words.text("remarks"), tuple(Item(words.said(remark)) for remark in sheet.remarks))


def _parts(sheet: Marked, words: Wording) -> Iterator[str]:
    """The points of each part, where `[sheet]` has parts."""
    if sheet.parts:
        told = (words.text("part", name=n, points=number(p), total=number(t)) for n, p, t in sheet.by_part)
        yield words.text("parts", parts=words.text("list").join(told))


def _plainly_right(mark: Mark) -> bool:
    return mark.verdict in PLAIN and not mark.comment


def _counted(plain: list[Mark], words: Wording, *, alone: bool) -> Iterator[Lines]:
    """How the cells that are not listed are right; the lowest level of feedback does not say how."""
    counts = Counter(mark.verdict for mark in plain)
    kinds = [words.text("count", count=counts[v], verdict=words.verdict(v)) for v in PLAIN if counts[v]]
    row = words.text("list").join(kinds)
    told = words.level != "verdict"
    if alone:
        yield from [Lines((row + words.text("stop"),))] if told else []
    else:
        yield Lines((words.text("others" if told else "others_plain", count=len(plain), kinds=row),))


def _cells(marks: list[Mark], sheet: Marked, words: Wording) -> Grid:
    """One row a cell; the right value has its column only where it may be shown."""
    numbers = cause_numbers(sheet)
    headers = ["cell", "written", "verdict", *(["expected"] if words.level == "full" else []), "comment"]
    rows = []
    for mark in marks:
        row = [clean(mark.name, LONGEST), clean(mark.given, LONGEST), words.verdict(mark.verdict), mark.expected]
        comment = words.comment(mark, numbers.get(mark.name, 0))
        rows.append((*(row if words.level == "full" else row[:3]), comment))
    return Grid(tuple(map(words.text, headers)), tuple(rows), tones=tuple(map(tone, marks)))


def cause_item(cause: Cause, sheet: Marked, words: Wording) -> Item:
    """A cause: what its slips say, the cells that show it, what followed from it."""
    first = next((mark for mark in sheet.marks if cause.cells and mark.name == cause.cells[0]), None)
    text, inner = words.cause(cause, first.facts if first else {}, first.stage if first else "other")
    below = []
    if len(cause.cells) > 1 or not text.count(cause.cells[0] if cause.cells else ""):
        below.append(words.text("shown_by", cells=words.listed(cause.cells)))
    if cause.follows:
        below.append(words.text("followed", cells=words.listed(cause.follows)))
    return Item(text, inner, (" " if words.lang == "en" else "").join(below))
