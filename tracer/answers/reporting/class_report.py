"""The report of a class: a row for each sheet, then what went wrong by cell and by cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tracer.answers.reporting.blocks import LONGEST, Block, Grid, Item, Items, Lines, clean
from tracer.answers.reporting.sheet_report import headline, percent, why_unread
from tracer.answers.reporting.wording import LETTERS

if TYPE_CHECKING:
    from tracer.answers.reporting.wording import Wording
    from tracer.answers.result import Cause, Checked, Mark, Marked

__all__ = ["asked_cells", "class_blocks", "class_headline", "first_cause", "some"]

MOST_NAMED = 5
_SHARED = ("given", "value", "term", "other", *LETTERS)


def class_blocks(checked: Checked, words: Wording) -> Iterator[Block]:
    """The parts of the report of a class, the sheets that could not be read last."""
    read = [sheet for sheet in checked.sheets if not sheet.unread]
    bad = [sheet for sheet in checked.sheets if sheet.unread]
    if read:
        yield Lines((class_headline(read, words),))
        yield _sheets([*read, *bad], words)
        yield _cells(read, words)
        yield from _causes(read, words)
    strange = {sheet.id: [mark.name for mark in sheet.marks if mark.verdict == "unknown"] for sheet in checked.sheets}
    if any(strange.values()):
        told = (f"{clean(one, LONGEST)}: {some(unknown)}" for one, unknown in strange.items() if unknown)
        yield Items(words.text("not_understood"), tuple(map(Item, told)))
    remarks: dict[str, list[str]] = {}
    for sheet in checked.sheets:
        for remark in sheet.remarks:
            remarks.setdefault(words.said(remark), []).append(sheet.id)
    if remarks:
        yield Items(words.text("remarks"), tuple(Item(f"{some(ids)}: {said}") for said, ids in remarks.items()))
    if bad:
        yield Items(
            words.counted("unread", len(bad)),
            tuple(Item(f"{clean(sheet.id, LONGEST)}: {why_unread(sheet, words)}") for sheet in bad),
        )


def some(names: list[str]) -> str:
    """The first of many names."""
    more = f", +{len(names) - MOST_NAMED}" if len(names) > MOST_NAMED else ""
    return ", ".join(clean(name, LONGEST) for name in names[:MOST_NAMED]) + more


def class_headline(read: list[Marked], words: Wording) -> str:
    """How many sheets there are, their mean score, how many are all right."""
    mean = percent(sum(sheet.score or 0.0 for sheet in read) / len(read))
    return words.counted("class", len(read), mean=mean, right=sum(sheet.all_right for sheet in read))


def first_cause(sheet: Marked, words: Wording) -> str:
    """The first cause in a few words: the cell, and its slips where they may be named."""
    if not sheet.causes or not sheet.causes[0].cells:
        return ""
    cause = sheet.causes[0]
    if words.level != "full":
        return cause.cells[0]
    return f"{cause.cells[0]}: {words.short(cause.slips, cause.facts)}"


def asked_cells(sheets: list[Marked]) -> dict[str, str]:
    """Every cell that some sheet was asked for, in the order of the sheets, and what most sheets call it."""
    called: dict[str, Counter[str]] = {}
    for mark in (mark for sheet in sheets for mark in sheet.marks if mark.asked):
        called.setdefault(mark.cell, Counter())[mark.name] += 1
    return {cell: names.most_common(1)[0][0] for cell, names in called.items()}


def _sheets(sheets: list[Marked], words: Wording) -> Grid:
    headers = ["sheet", "score_column", "right_column"]
    if words.level != "verdict":
        headers += ["causes_column", "first_cause"]
    rows = [_row(sheet, words)[: len(headers)] for sheet in sheets]
    tones = tuple("right" if sheet.all_right else "open" if sheet.unread else "wrong" for sheet in sheets)
    return Grid(tuple(map(words.text, headers)), tuple(rows), words.text("sheets_title"), tones)


def _row(sheet: Marked, words: Wording) -> tuple[str, ...]:
    """The row of a sheet, its score blank where there is none."""
    name = clean(sheet.id, LONGEST)
    if sheet.score is None:
        return name, "", "", "", words.text("no_number")
    asked = [mark for mark in sheet.marks if mark.asked]
    told = first_cause(sheet, words) if asked else headline(sheet, words)
    right = f"{sum(m.accepted for m in asked)}/{len(asked)}"
    return name, f"{percent(sheet.score)}%", right, str(len(sheet.causes)), told


def _cells(sheets: list[Marked], words: Wording) -> Grid:
    """How many got each cell right, left it blank, and which wrong number is commonest."""
    by_cell: dict[str, list[Mark]] = {}
    for sheet in sheets:
        for mark in sheet.marks:
            if mark.asked:
                by_cell.setdefault(mark.cell, []).append(mark)
    called = asked_cells(sheets)
    headers = ["cell", "right_column", "blank_column", *(["common_wrong"] if words.level == "full" else [])]
    rows, tones = [], []
    for cell, marks in by_cell.items():
        right = sum(mark.accepted for mark in marks)
        row = (
            clean(called[cell], LONGEST),
            f"{right}/{len(marks)}",
            str(sum(mark.verdict == "missing" for mark in marks)),
        )
        rows.append((*row, _commonest(marks, words))[: len(headers)])
        tones.append("right" if right == len(marks) else "wrong")
    return Grid(tuple(map(words.text, headers)), tuple(rows), words.text("cells_title"), tuple(tones))


def _commonest(marks: list[Mark], words: Wording) -> str:
    wrong = Counter(mark.given for mark in marks if not mark.accepted and mark.given)
    if not wrong:
        return ""
    value, count = wrong.most_common(1)[0]
    value = clean(value, LONGEST)
    return value if count == 1 else words.text("times", value=value, count=count)


def _causes(sheets: list[Marked], words: Wording) -> Iterator[Items]:
    """The causes by how many sheets show them, without any sheet's equations; unnamed ones by where they show."""
    called, stages = asked_cells(sheets), {mark.cell: mark.stage for sheet in sheets for mark in sheet.marks}
    alike: dict[tuple[str, ...], dict[int, list[Cause]]] = {}
    for place, sheet in enumerate(sheets):
        ours = {mark.name: mark.cell for mark in sheet.marks}
        for cause in sheet.causes:
            own = replace(cause, cells=tuple(ours.get(cell, cell) for cell in cause.cells))
            alike.setdefault(_kind(own), {}).setdefault(place, []).append(own)
    items = []
    for by_sheet in sorted(alike.values(), key=len, reverse=True):
        causes = [cause for found in by_sheet.values() for cause in found]
        first = Counter(cell for cause in causes for cell in cause.cells[:1]).most_common(1)
        others = Counter(cell for cause in causes for cell in cause.cells).most_common()
        quantities = list(dict.fromkeys(cell for cell, _ in (*first, *others)))
        cells = tuple(called.get(cell, cell) for cell in quantities)
        told = replace(causes[0], cells=cells, facts=_shared(causes))
        text, inner = words.cause(told, {}, stages.get(quantities[0], "other") if quantities else "other")
        said = words.text("of_sheets", count=len(by_sheet), sheets=len(sheets), message=text)
        items.append(Item(said, inner, words.text("shown_by", cells=words.listed(cells)) if len(cells) > 1 else ""))
    if items:
        yield Items(words.text("causes_title"), tuple(items))


def _kind(cause: Cause) -> tuple[str, ...]:
    """What causes of one kind have in common on every sheet; without a slip the first cell.

    The slips, whichever cells show them and whichever unit they are of, and the number worked with.  A slip of any
    equations is one of its line, unless a rule makes it one in several.
    """
    slips = dict.fromkeys(part for name in cause.slips for part in _slip(name, cause.facts))
    worked = (cause.facts.get("key", cause.facts.get("given", "")), cause.facts.get("value", ""))
    return (*slips, *worked) if slips else ("", *cause.cells[:1])


def _slip(name: str, facts: Mapping[str, str]) -> tuple[str, ...]:
    kind = name.partition("[")[0]
    if not kind.startswith("equation."):
        return (kind,)
    return kind, facts.get("rule") or facts.get(f"rule:{name}") or name


def _shared(causes: Sequence[Cause]) -> dict[str, str]:
    """The facts that are not of one sheet alone: which given number was read as which, which term was left out.

    In the letters of most sheets.
    """
    told = [tuple((key, value) for key, value in c.facts.items() if key.partition(":")[0] in _SHARED) for c in causes]
    return dict(Counter(told).most_common(1)[0][0])
