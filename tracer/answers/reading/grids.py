"""Rows of cells to answers: two columns, name and number, or a class table of one row a student."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tracer.answers.reading.statements import statements
from tracer.answers.reading.written import BLANKS

__all__ = ["MOST_CELLS", "Raw", "RawCell", "RawError", "Row", "answers_of"]

MOST_CELLS = 20_000
MOST_CLASS_CELLS = 200_000
MOST_TITLES = 6
MOST_STRANGE = 2000  # names of one file that nobody knows, after which no more are asked about
MOST_TRIED = 50  # names of a column, to tell what its heading says of them
_SIGNS = ("=", "≈", ":", "->", "→")
_NAMES = ("quantity", "name", "symbol", "variable", "größe", "量", "記号", "名前")
_VALUES = ("value", "answer", "result", "number", "wert", "値", "数値", "解答", "答え")
_IDS = (
    *("id", "student", "sheet", "student id", "student number", "matriculation", "name", "user", "username", "email"),
    *("matrikelnummer", "学籍番号", "学生番号", "氏名", "名前"),
)
_BESIDE = (
    *("", "points", "punkte", "marks", "max", "score", "figures", "places", "stellen", "nr", "no", "line", "step"),
    *("配点", "得点", "点", "桁", "桁数", "有効数字", "番号"),
)
"""Headings of numbers that are nobody's answers."""

Understood = Callable[[str], bool]


class RawError(ValueError):
    """A file that cannot be read as answers.  The message says what to do."""


@dataclass(frozen=True)
class RawCell:
    """A name, what stands beside it (text, nested lists, an array, None for a blank) and where."""

    name: str
    written: object
    where: str


@dataclass(frozen=True)
class Raw:
    """One person's cells before names and numbers are understood."""

    id: str
    cells: Sequence[RawCell]
    notation: str = ""
    remarks: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Row:
    """The cells of one row, and where it stands ("line 3")."""

    cells: list[str]
    where: str


def answers_of(rows: Sequence[Row], label: str, notation: str, understood: Understood) -> Iterator[Raw]:
    """One sheet, or one for each row of a class table."""
    rows = _unfolded([row for row in rows if any(cell.strip() for cell in row.cells)])
    if not rows:
        raise RawError("no cells found; write lines such as `z1[1] = 0.6457` or `z1[1],0.6457`")
    rows = _from_header(rows, understood)
    header = [_bare(cell) for cell in rows[0].cells]
    if _kinds_below(header, rows[1:], understood):
        rows = [Row([""] + [_cell(row, 0) for row in rows[1:]], rows[0].where), *_turned(header, rows[1:])]
        header = rows[0].cells
    if is_class(header, rows, understood):
        if len(rows) == 1:
            raise RawError("a class table without rows; write one row for each student below the names")
        yield from _class_table(header, rows[1:], notation, understood)
        return
    several = _several(rows, understood)
    if several and not several.families:
        yield from _people(rows, several.columns, notation)
        return
    cells = _family(rows, several.columns) if several else _pairs(_below_titles(rows, understood), understood)
    yield Raw(label, tuple(cells), notation)


def _from_header(rows: list[Row], understood: Understood) -> list[Row]:
    """The rows without titles above the row that names the columns."""
    for k, row in enumerate(rows[:MOST_TITLES]):
        header = [_bare(cell) for cell in row.cells]
        if _headed([cell.lower() for cell in header]) or (k + 1 < len(rows) and is_class(header, rows[k:], understood)):
            return rows[k:]
        if understood(header[0]):
            break
    return rows


def _below_titles(rows: Sequence[Row], understood: Understood) -> Sequence[Row]:
    """Without a first row of words alone, the header in whatever language."""
    first = rows[0].cells
    words = len(first) > 1 and len(rows) > 1 and not any(re.search(r"\d", cell) for cell in first)
    if words and all(cell.strip() for cell in first[:2]) and not _headed([_bare(cell).lower() for cell in first]):
        return rows if understood(_bare(first[0])) else rows[1:]
    return rows


def _headed(lowered: Sequence[str]) -> bool:
    return bool(set(lowered) & set(_NAMES) and set(lowered) & set(_VALUES))


def is_class(header: list[str], rows: Sequence[Row], understood: Understood) -> bool:
    """Whether the first row names quantities and the rows below are people."""
    lowered = [cell.lower() for cell in header]
    if len(header) < 2 or (set(lowered) & set(_NAMES) and set(lowered) & set(_VALUES)):
        return False
    if any(_numeric(cell) for cell in header):
        return False
    known = [bool(cell) and understood(cell) for cell in header]
    return sum(known[1:]) > 0 and (known[1] or sum(known) > 1 or lowered[0] in _IDS)


_LETTER_AT = re.compile(r"([a-z]) ?= ?(-?\d{1,6})")


def _unfolded(rows: Sequence[Row]) -> list[Row]:
    """Grids as blank sheets have them, `h[t,j]` above rows `t = 1` and columns `j = 1`, as a row a number."""
    out, found = list[Row](), False
    title, columns = "", list[tuple[str, str]]()
    for row in rows:
        cells = [_bare(cell) for cell in row.cells]
        below = _LETTER_AT.fullmatch(cells[0])
        heads = [_LETTER_AT.fullmatch(cell) for cell in cells[1:] if cell]
        if "[" in cells[0] and heads and all(heads):
            title, columns, found = cells[0], [(h[1], h[2]) for h in heads if h], True
        elif title and below:
            for (letter, at), cell in zip(columns, cells[1:], strict=False):
                out.append(Row([_placed(title, {below[1]: below[2], letter: at}), cell], row.where))
        elif not (found and _headed([cell.lower() for cell in cells])):
            title = ""
            out.append(row)
    return [row for row in out if not _headed([_bare(cell).lower() for cell in row.cells])] if found else list(rows)


def _placed(title: str, at: dict[str, str]) -> str:
    """A title with numbers for the letters of its indices."""
    name, _, rest = title.partition("[")
    inside, _, marks = rest.partition("]")
    return f"{name}[{','.join(at.get(i.strip(), i.strip()) for i in inside.split(','))}]{marks}"


def _as_long_as_known(understood: Understood) -> Understood:
    """The same, until so many names were not understood that the rest are not either."""
    strange = 0

    def asked(name: str) -> bool:
        nonlocal strange
        known = strange < MOST_STRANGE and understood(name)
        strange += not known
        return known

    return asked


def _pairs(rows: Sequence[Row], understood: Understood) -> Iterator[RawCell]:
    understood = _as_long_as_known(understood)
    lowered = [_bare(cell).lower() for cell in rows[0].cells]
    headed = _headed(lowered)
    n, v = (_column(lowered, _NAMES), _column(lowered, _VALUES)) if headed else (0, 1)
    for count, row in enumerate(rows[1:] if headed else rows):
        if count >= MOST_CELLS:
            raise RawError(f"more than {MOST_CELLS} cells; an answer sheet is smaller")
        if headed:
            yield from _pair(_cell(row, n), row.cells[v].strip() if v < len(row.cells) else "", row.where)
        else:
            yield from _unheaded(row, understood)


def _pair(name: str, written: str, where: str) -> Iterator[RawCell]:
    if name or written:
        yield RawCell(name, written or None, where)


def _unheaded(row: Row, understood: Understood) -> Iterator[RawCell]:
    """A row that begins with a name, its number in the next cell that says something; titles are left out."""
    first, *others = row.cells
    told = [cell.strip() for cell in others if cell.strip() and cell.strip() not in _SIGNS]
    if not told and (stated := statements(first, understood)):
        yield from (RawCell(name, number or None, row.where) for name, number in stated)
        return
    if len(others) == 2 and re.fullmatch(r"^\s*+[-+−]?\d++", others[0]) and others[1].strip().isdecimal():
        told = [f"{others[0]},{others[1]}"]  # a decimal comma, told (or read) as one
    name = _bare(first).rstrip("=≈: ") if others else _bare(first)
    written = told[0] if told else ""
    words = not re.search(r"\d", written) and (not written or not re.search(r"\d", name))
    title = words and not understood(name)
    if not title or not others:
        yield from _pair(name, written, row.where)


def _class_table(header: list[str], rows: Sequence[Row], notation: str, understood: Understood) -> Iterator[Raw]:
    lowered = [cell.lower() for cell in header]
    known = [bool(cell) and understood(cell) for cell in header]
    own = next((k for k, cell in enumerate(lowered) if cell in _IDS and not known[k]), None)
    if own is None:
        own = next((k for k, yes in enumerate(known) if not yes), None)
    asked = [k for k, cell in enumerate(header) if k != own and (known[k] or re.search(r"[\d\[_^]", cell))]
    if len(rows) * len(asked) > MOST_CLASS_CELLS:
        raise RawError(f"a class table of more than {MOST_CLASS_CELLS} cells; split it")
    for row in rows:
        cells = row.cells
        label = cells[own].strip() if own is not None and own < len(cells) else ""
        if any(cell.strip() for cell in cells[len(header) :]):
            why = f"{row.where}: {len(cells)} cells under a header of {len(header)}; write decimals with a point"
            yield Raw(label or row.where, (), notation, error=why)
            continue
        yield Raw(
            label or row.where,
            tuple(
                RawCell(header[k], (cells[k].strip() or None) if k < len(cells) else None, f"{row.where}, {header[k]}")
                for k in asked
            ),
            notation,
        )


# --- several columns of numbers beside one of names ---


@dataclass(frozen=True)
class _Several:
    """The columns of numbers below a header: `families` of quantities, `gradient` and `new value`, or people."""

    columns: tuple[int, ...]
    families: bool


def _several(rows: Sequence[Row], understood: Understood) -> _Several | None:
    """Whether the first column names quantities and several others hold numbers under headings; None if not so."""
    header, below = [_bare(cell) for cell in rows[0].cells], rows[1:]
    if len(header) < 3 or not below or _headed([cell.lower() for cell in header]) or any(map(_numeric, header)):
        return None
    asked = (k for k in range(1, len(header)) if header[k].lower() not in _BESIDE)
    columns = tuple(k for k in asked if _of_numbers(_cell(row, k) for row in below))
    if len(columns) < 2 or understood(header[0]):
        return None
    named = [row for row in below if _cell(row, 0)][:MOST_TRIED]
    families = all(_mostly(understood(_composed(header[k], _cell(row, 0))) for row in named) for k in columns)
    people = _mostly(understood(_cell(row, 0)) for row in named)
    return _Several(columns, families) if families or people else None


def _of_numbers(cells: Iterable[str]) -> bool:
    """Whether a column holds numbers, whatever stands around them, and blanks."""
    written = [cell for cell in cells if cell and cell.lower() not in BLANKS]
    return _mostly(bool(re.match(r"^[≈~=\-+−–(\s]*+[.,]?\d", cell)) for cell in written)


def _kinds_below(header: list[str], below: Sequence[Row], understood: Understood) -> bool:
    """Whether the header names units, or weights, and the rows below kinds of number, `net` and `out`."""
    if len(header) < 2 or not below or len(below) > MOST_TITLES or (header[0] and understood(header[0])):
        return False
    return all(_mostly(understood(_composed(_cell(row, 0), name)) for name in header[1:] if name) for row in below)


def _turned(header: list[str], below: Sequence[Row]) -> Iterator[Row]:
    """A row for each column of the header."""
    for k in range(1, len(header)):
        yield Row([header[k], *(_cell(row, k) for row in below)], below[0].where)


def _mostly(known: Iterable[bool]) -> bool:
    told = list(known)
    return 2 * sum(told) > len(told)


def _cell(row: Row, k: int) -> str:
    return _bare(row.cells[k]) if k < len(row.cells) else ""


def _composed(heading: str, name: str) -> str:
    """`new value of w5`: what a number below a heading, beside a name, is."""
    return f"{heading} of {name}"


def _family(rows: Sequence[Row], columns: Sequence[int]) -> Iterator[RawCell]:
    header = rows[0].cells
    for row in rows[1:]:
        for k in columns:
            yield RawCell(_composed(_bare(header[k]), _cell(row, 0)), _cell(row, k) or None, row.where)


def _people(rows: Sequence[Row], columns: Sequence[int], notation: str) -> Iterator[Raw]:
    """A sheet for each column, its heading the person's name."""
    if len(rows) * len(columns) > MOST_CLASS_CELLS:
        raise RawError(f"a class table of more than {MOST_CLASS_CELLS} cells; split it")
    for k in columns:
        label = _bare(rows[0].cells[k])
        cells = (RawCell(_cell(row, 0), _cell(row, k) or None, f"{row.where}, {label}") for row in rows[1:])
        yield Raw(label, tuple(cell for cell in cells if cell.name), notation)


def _column(header: list[str], words: tuple[str, ...]) -> int:
    return next(k for word in words for k, cell in enumerate(header) if cell == word)


def _bare(cell: str) -> str:
    return cell.strip().strip("`").strip()


def _numeric(cell: str) -> bool:
    return bool(re.fullmatch(r"^[≈~=]?\s*+[-+−–]?[.,]*+\d[\d.,]*+(?:[eE][-+]?\d++)?", cell))
