"""A marked sheet on the step page: each cell's verdict beside its step, the causes above, what followed from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer.answers.reporting.blocks import LONGEST, Item, clean
from tracer.answers.reporting.sheet_report import cause_item, cause_numbers, headline, tone
from tracer.answers.reporting.wording import Wording

if TYPE_CHECKING:
    from tracer.answers.result import Mark, Marked

__all__ = ["Note", "Sheet", "sheet_of", "unplaced"]


@dataclass(frozen=True)
class Note:
    """What was written in a cell and what is said of it; `tone` is right, wrong or open."""

    name: str
    tone: str
    verdict: str
    given: str
    expected: str
    comment: str


@dataclass(frozen=True)
class Sheet:
    """Notes by the place of their step, notes that belong to no step, causes with the place of the first cell."""

    headline: str
    notes: Mapping[str, tuple[Note, ...]]
    elsewhere: tuple[Note, ...]
    causes: tuple[tuple[str, Item], ...]
    remarks: tuple[str, ...]


def sheet_of(marked: Marked, find: Callable[[str], str], lang: str) -> Sheet:
    """A sheet as a page shows it; `find` gives the place of a name in the page's address, "" where it has none."""
    words = Wording(lang)
    numbers = cause_numbers(marked)
    notes: dict[str, tuple[Note, ...]] = {}
    elsewhere: list[Note] = []
    places = {mark.name: find(mark.cell) for mark in marked.marks}
    for mark in marked.marks:
        note, place = _note(mark, words, numbers), places[mark.name]
        if place:
            notes[place] = (*notes.get(place, ()), note)
        else:
            elsewhere.append(note)
    causes = tuple((places.get("".join(c.cells[:1]), ""), cause_item(c, marked, words)) for c in marked.causes)
    said = ": ".join(part for part in (clean(marked.id, LONGEST), headline(marked, words)) if part)
    return Sheet(said, notes, tuple(elsewhere), causes, tuple(map(clean, marked.remarks)))


def _note(mark: Mark, words: Wording, numbers: Mapping[str, int]) -> Note:
    cause = numbers.get(mark.name, 0) if mark.verdict == "follows" else 0
    expected = "" if mark.accepted and mark.expected == mark.given else mark.expected
    return Note(
        clean(mark.name, LONGEST),
        tone(mark),
        words.verdict(mark.verdict),
        clean(mark.given, LONGEST),
        clean(expected, LONGEST),
        clean(words.comment(mark, cause)),
    )


def unplaced(sheet: Sheet, places: set[str]) -> Iterator[Note]:
    """The notes whose step the page does not write out."""
    yield from sheet.elsewhere
    for place, notes in sheet.notes.items():
        yield from () if place in places else notes
