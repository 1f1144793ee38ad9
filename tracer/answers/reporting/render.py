"""One door to every report of marked sheets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from tracer.answers.reporting.as_html import as_fragment, as_html
from tracer.answers.reporting.as_latex import as_latex
from tracer.answers.reporting.as_markdown import as_markdown
from tracer.answers.reporting.as_text import as_text
from tracer.answers.reporting.blocks import LONGEST, Block, Item, Items, Section, Title, clean
from tracer.answers.reporting.class_report import class_blocks, class_headline, some
from tracer.answers.reporting.exports import as_gradebook, as_gradescope, as_json
from tracer.answers.reporting.feedback import LEVELS, limited
from tracer.answers.reporting.sheet_report import cause_item, headline, sheet_blocks, tone
from tracer.answers.reporting.wording import LANGUAGES, Wording
from tracer.unexpected import reported

if TYPE_CHECKING:
    from tracer.answers.result import Checked, Marked

__all__ = ["FORMATS", "LANGUAGES", "LEVELS", "explain", "fragment", "mimebundle", "render", "summary"]

FORMATS = ("table", "markdown", "html", "latex", "csv", "json", "gradescope")
MOST_NAMED = 5


def render(checked: Checked, form: str, *, feedback: str = "full", lang: str = "en") -> str:
    """The marked sheets as table, markdown, html, latex, csv (a gradebook), json or gradescope (one sheet).

    feedback: verdict (right or wrong), hint (also where to look), full (also the right values and the slips).
    lang: en or ja.  Raises ValueError for what is not known, and for a class as gradescope.
    """
    words = Wording(lang, feedback)
    checked = limited(checked, feedback)
    if form not in FORMATS:
        raise ValueError(f"format '{str(form)[:20]}' is not known here; known are {', '.join(FORMATS)}")
    if form == "gradescope":
        return as_gradescope(checked, words)
    return _guarded(checked, lambda own: _rendered(own, form, words))


def fragment(checked: Checked, *, feedback: str = "full", lang: str = "en") -> str:
    """The sheets as a part of a page."""
    words = Wording(lang, feedback)
    return _guarded(limited(checked, feedback), lambda own: as_fragment(_blocks(own, words, compact=False)))


def _rendered(checked: Checked, form: str, words: Wording) -> str:
    exports = {"csv": as_gradebook, "json": as_json}
    if form in exports:
        return exports[form](checked, words)
    if form == "table":
        return as_text(_blocks(checked, words, compact=True))
    if form == "markdown":
        return as_markdown(_blocks(checked, words, compact=False))
    if form == "latex":
        return as_latex(_blocks(checked, words, compact=False))
    return as_html([*_blocks(checked, words, compact=False), *_folded(checked, words)], checked.title, words.lang)


def _guarded(checked: Checked, told: Callable[[Checked], str]) -> str:
    """What is told of sheets; an unexpected error is the verdict of the sheets that make it, beside an unread one."""
    try:
        return told(checked)
    except Exception as e:
        why = reported(e)
    unread = [replace(s, marks=(), causes=(), remarks=(), error=why) for s in checked.sheets]
    beside = replace(unread[0], id="")
    pairs = zip(checked.sheets, unread, strict=True)
    sheets = tuple(s if _tellable(checked, (s, beside), told) else other for s, other in pairs)
    if len(sheets) == 1 or sheets == checked.sheets:
        raise ValueError(f"{clean(checked.sheets[0].id)}: {why}" if len(sheets) == 1 else why)
    return told(replace(checked, sheets=sheets))


def _tellable(checked: Checked, sheets: tuple[Marked, ...], told: Callable[[Checked], str]) -> bool:
    try:
        return bool(told(replace(checked, sheets=sheets)))
    except Exception:  # which one it is was told by the first
        return False


def _blocks(checked: Checked, words: Wording, *, compact: bool) -> Iterator[Block]:
    if checked.title:
        yield Title(checked.title)
    if len(checked.sheets) == 1:
        yield from sheet_blocks(checked.sheets[0], words, compact=compact)
    else:
        yield from class_blocks(checked, words)
    if checked.remarks:
        yield Items(words.text("remarks"), tuple(Item(words.said(remark)) for remark in checked.remarks))


def _folded(checked: Checked, words: Wording) -> Iterator[Section]:
    """On a page, each sheet of a class to unfold."""
    if len(checked.sheets) == 1:
        return
    for sheet in checked.sheets:
        first, *rest = sheet_blocks(sheet, words, compact=False)
        yield Section(getattr(first, "lines", (sheet.id,))[0], tuple(b for b in rest if not isinstance(b, Section)))


def summary(checked: Checked, lang: str = "en") -> str:
    """One line: how much is right, or how the class did, and how many sheets could not be read."""
    words = Wording(lang)
    return _guarded(checked, lambda own: _summed_up(own, words))


def _summed_up(checked: Checked, words: Wording) -> str:
    if len(checked.sheets) == 1:
        return clean(headline(checked.sheets[0], words))
    read = [sheet for sheet in checked.sheets if not sheet.unread]
    bad = [sheet.id for sheet in checked.sheets if sheet.unread]
    parts = [class_headline(read, words)] if read else []
    return words.text("list").join([*parts, *([f"{words.counted('unread', len(bad))}: {some(bad)}"] if bad else [])])


def explain(checked: Checked, *, feedback: str = "full", lang: str = "en") -> Iterator[str]:
    """What went wrong, in words, line by line: first how much is right, then the causes, then the wrong cells."""
    words = Wording(lang, feedback)
    checked = limited(checked, feedback)
    if not checked.sheets:
        yield words.text("no_cells")
    wrong = [sheet for sheet in checked.sheets if not sheet.all_right]
    for sheet in wrong[:MOST_NAMED] or checked.sheets[:1]:
        named = ": ".join(part for part in (clean(sheet.id, LONGEST), headline(sheet, words)) if part)
        yield clean(named)
        yield from (f"  {clean(line)}" for line in _told(sheet, words))
    if len(wrong) > MOST_NAMED:
        yield words.text("more_sheets", count=len(wrong) - MOST_NAMED)


def _told(sheet: Marked, words: Wording) -> Iterator[str]:
    for cause in sheet.causes[:MOST_NAMED]:
        item = cause_item(cause, sheet, words)
        yield " ".join(part for part in (item.text, *item.inner, item.below) if part)
    caused = {cell for cause in sheet.causes for cell in cause.cells}
    others = [mark for mark in sheet.marks if tone(mark) != "right" and mark.name not in caused]
    for mark in others[:MOST_NAMED]:
        given = " = ".join(clean(part, LONGEST) for part in (mark.name, mark.given) if part)
        right = f"{words.text('expected')} {mark.expected}" if mark.expected else ""
        said = "; ".join(part for part in (words.verdict(mark.verdict), words.comment(mark), right) if part)
        yield f"{given}: {said}"
    if len(others) > MOST_NAMED:
        yield words.text("more", count=len(others) - MOST_NAMED)


def _lowered(html: str) -> str:
    """Headings two levels down: a notebook lists the first levels of an output among its own."""
    return re.sub(r"(</?h)([12])>", lambda m: f"{m[1]}{int(m[2]) + 2}>", html)


def mimebundle(checked: Checked) -> dict[str, str]:
    """What a notebook shows."""
    words = Wording()
    blocks = [*_blocks(checked, words, compact=False)]
    return {
        "text/html": _lowered(as_fragment([*blocks, *_folded(checked, words)])),
        "text/latex": as_latex(blocks),
        "text/markdown": as_markdown(blocks),
        "text/plain": as_text(_blocks(checked, words, compact=True)),
    }
