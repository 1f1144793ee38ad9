"""Workbooks (.xlsx) as rows of text, and back: values only, formulas and links never followed.

They are read here and not by a library: each part is one pass that stops at its limit, so that what a stranger packs
cannot ask for more rows, columns, strings or styles than an answer sheet has.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Protocol
from xml.parsers import expat

from tracer.answers.reading.grids import RawError, Row
from tracer.answers.reading.workbook_cells import Formats, column_of
from tracer.files import FileRefused, opened_archive

__all__ = ["rows_of", "workbook"]

MOST_BYTES = 20_000_000
MOST_PARTS = 500
MOST_RATIO = 200
MOST_ROWS, MOST_COLUMNS = 20_000, 2000
MOST_ELEMENTS = 500_000  # a class table of 200,000 cells has 400,000
MOST_CHARACTERS = 2_000_000
_PACKED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)
_BROKEN = (*_PACKED, OSError, EOFError, LookupError, ValueError, RuntimeError)


def rows_of(content: bytes) -> list[Row]:
    """The rows of the first worksheet that has any.  Raises RawError.

    A number shown with more decimals than it needs keeps them: 1.41 in the format 0.000 is 1.410.
    """
    try:
        with opened_archive(io.BytesIO(content), MOST_PARTS) as archive:
            _look(archive)
            book = _Book(archive)
            for sheet in book.sheets:
                rows = book.rows(sheet)
                if rows:
                    return rows
    except RawError:
        raise
    except FileRefused:
        raise RawError(f"a workbook of more than {MOST_PARTS} parts; save it again as .xlsx, or as CSV") from None
    except (expat.ExpatError, *_BROKEN) as e:
        raise RawError(f"not a readable workbook ({type(e).__name__}); save it again as .xlsx, or as CSV") from None
    raise RawError("an empty workbook; write names in the first column, numbers in the second")


def _look(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    if sum(part.file_size for part in parts) > MOST_BYTES:
        raise RawError(f"a workbook that unpacks to more than {MOST_BYTES // 1_000_000} MB")
    for part in parts:
        if part.file_size > 100_000 and part.file_size > MOST_RATIO * max(part.compress_size, 1):
            raise RawError("packed more tightly than any answer sheet; it is not opened")
        if "vbaProject" in part.filename:
            raise RawError("a workbook with macros is not opened; save it as .xlsx without macros")


# --- the parts of a workbook ---


class _Part(Protocol):
    """What one pass over a part hears: each element as it begins, and its text as it ends."""

    def start(self, name: str, facts: dict[str, str]) -> None: ...

    def end(self, name: str, text: str) -> None: ...


class _Book:
    """The worksheets of a workbook in their order, with the strings and formats that they share."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive, self._elements, self._characters = archive, 0, 0
        root = self._linked("")
        self._place = next((target for kind, target in root.values() if kind == "officeDocument"), "xl/workbook.xml")
        listed, links = _Sheets(), self._linked(self._place)
        self._walk(self._place, listed)
        self.sheets = [links[id_][1] for id_ in listed.ids if links[id_][0] == "worksheet"]
        self._formats = Formats(since_1904=listed.since_1904)
        strings = _Strings()
        for kind, target in links.values():
            if kind in ("styles", "sharedStrings"):
                self._walk(target, self._formats if kind == "styles" else strings)
        self._strings = strings.all

    def rows(self, sheet: str) -> list[Row]:
        cells = _Cells(self._strings, self._formats)
        self._walk(sheet, cells)
        return cells.rows

    def _linked(self, place: str) -> dict[str, tuple[str, str]]:
        """The kind and the place of each part that a part names by an id."""
        folder, name = posixpath.split(place)
        links = _Links(folder)
        beside = posixpath.join(folder, "_rels", f"{name}.rels")
        if place or beside in self._archive.namelist():
            self._walk(beside, links)
        return links.all

    def _walk(self, place: str, part: _Part) -> None:
        """One pass over a part.  Raises RawError past a limit, and for a document type, which could hold entities."""
        heard: list[str] = []

        def start(name: str, facts: dict[str, str]) -> None:
            self._elements += 1
            if self._elements > MOST_ELEMENTS:
                raise RawError(f"a workbook of more than {MOST_ELEMENTS} elements; keep the answers alone")
            heard.clear()
            part.start(name.rpartition(":")[2], facts)

        def end(name: str) -> None:
            part.end(name.rpartition(":")[2], "".join(heard))
            heard.clear()

        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = heard.append
        parser.StartDoctypeDeclHandler = _refuse_types
        with self._archive.open(place) as stream:
            parser.Parse(stream.read(MOST_BYTES), True)  # at once: in pieces, a long token is read over and over


def _refuse_types(*_: object) -> None:
    raise RawError("a workbook with a document type is not opened; save it again as .xlsx")


class _Links:
    """Parts by the id that stands for them: the last word of their kind, and their place."""

    def __init__(self, folder: str) -> None:
        self._folder, self.all = folder, dict[str, tuple[str, str]]()

    def start(self, name: str, facts: dict[str, str]) -> None:
        if name == "Relationship" and facts.get("TargetMode") != "External":
            place = posixpath.normpath(posixpath.join("/", self._folder, facts["Target"])).lstrip("/")
            self.all[facts["Id"]] = (facts["Type"].rpartition("/")[2], place)

    def end(self, name: str, text: str) -> None: ...


class _Sheets:
    """The ids of the sheets in their order, and whether days are counted from 1904."""

    def __init__(self) -> None:
        self.ids, self.since_1904 = list[str](), False

    def start(self, name: str, facts: dict[str, str]) -> None:
        if name == "sheet":
            self.ids += [value for key, value in facts.items() if key.endswith(":id")]  # r:id
        elif name == "workbookPr":
            self.since_1904 = facts.get("date1904") in ("1", "true")

    def end(self, name: str, text: str) -> None: ...


class _Text:
    """A text that may be in pieces of several fonts; how it is read aloud is left out."""

    def __init__(self) -> None:
        self._pieces, self._aloud = list[str](), 0

    def start(self, name: str, facts: dict[str, str]) -> None:
        self._aloud += name == "rPh"

    def end(self, name: str, text: str) -> None:
        self._aloud -= name == "rPh"
        if name == "t" and not self._aloud:
            self._pieces.append(text)

    def taken(self) -> str:
        whole = "".join(self._pieces).replace("x005F_", "")
        self._pieces.clear()
        return whole


class _Strings(_Text):
    """The strings that cells share."""

    def __init__(self) -> None:
        super().__init__()
        self.all = list[str]()

    def end(self, name: str, text: str) -> None:
        super().end(name, text)
        if name == "si":
            self.all.append(self.taken())


class _Cells(_Text):
    """The rows of a sheet that hold anything, each as wide as its last cell that does."""

    def __init__(self, strings: Sequence[str], formats: Formats) -> None:
        super().__init__()
        self._strings, self._formats, self.rows = strings, formats, list[Row]()
        self._number, self._column, self._characters, self._width = 0, 0, 0, 0
        self._kind, self._style, self._value, self._row = "n", "0", "", dict[int, str]()

    def start(self, name: str, facts: dict[str, str]) -> None:
        if name == "c":
            self._column = column_of(facts["r"]) if "r" in facts else self._column + 1
            self._kind, self._style, self._value = facts.get("t", "n"), facts.get("s", "0"), ""
        elif name == "row":
            self._number = int(facts["r"]) if "r" in facts else self._number + 1
            self._column, self._row = 0, {}
        else:
            super().start(name, facts)

    def end(self, name: str, text: str) -> None:
        if name == "v":
            self._value = text
        elif name == "c":
            self._put(self._shown())
        elif name == "row" and self._row:
            last = max(self._row)
            self._count(last, 0)
            self.rows.append(Row([self._row.get(k, "") for k in range(1, last + 1)], f"row {self._number}"))
        else:
            super().end(name, text)

    def _shown(self) -> str:
        written = self.taken()
        if self._kind == "inlineStr":
            return written
        if not self._value:
            return ""
        if self._kind == "s":
            return self._strings[int(self._value)]
        return self._formats.shown(self._value, self._kind, self._style)

    def _put(self, text: str) -> None:
        if not text:
            return
        if self._number > MOST_ROWS or self._column > MOST_COLUMNS:
            raise RawError(f"a cell beyond row {MOST_ROWS} or column {MOST_COLUMNS}; write the answers at the top left")
        self._count(0, len(text))
        self._row[self._column] = text

    def _count(self, width: int, characters: int) -> None:
        self._width, self._characters = self._width + width, self._characters + characters
        if self._width > MOST_ELEMENTS or self._characters > MOST_CHARACTERS:
            raise RawError(f"a sheet of more than {MOST_ELEMENTS} cells or {MOST_CHARACTERS} letters; split it")


# --- and back ---


def workbook(rows: Sequence[Sequence[str]]) -> bytes:
    """A workbook of one sheet, every cell text.  Raises ImportError with what to install."""
    try:
        from openpyxl import Workbook
    except ImportError:
        raise ImportError("writing .xlsx needs openpyxl: pip install 'bptrace[xlsx]'") from None
    book = Workbook(write_only=True)
    sheet = book.create_sheet("answers")
    for row in rows:
        sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
