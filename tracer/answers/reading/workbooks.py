"""Workbooks (.xlsx) as rows of text, and back: values only, formulas and links never followed."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

from tracer.answers.reading.grids import RawError, Row

__all__ = ["rows_of", "workbook"]

MOST_BYTES = 20_000_000
MOST_PARTS = 500
MOST_RATIO = 200
MOST_ROWS, MOST_COLUMNS = 20_000, 2000
_ABSENT = "reading .xlsx needs openpyxl: pip install 'bptrace[xlsx]', or save the sheet as CSV"


def rows_of(content: bytes) -> list[Row]:
    """The rows of the first worksheet that has any.  Raises RawError.

    A number shown with more decimals than it needs keeps them: 1.41 in the format 0.000 is 1.410.
    """
    _look(content)
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise RawError(_ABSENT) from None
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            for sheet in book.worksheets:
                rows = _rows(sheet)
                if rows:
                    return rows
    except RawError:
        raise
    except Exception as e:  # whatever a broken workbook does to its reader, it is one unreadable sheet
        raise RawError(f"not a readable workbook ({type(e).__name__}); save it again as .xlsx, or as CSV") from None
    raise RawError("an empty workbook; write names in the first column, numbers in the second")


def _look(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_BYTES:
                raise RawError(f"a workbook that unpacks to more than {MOST_BYTES // 1_000_000} MB")
            for part in parts:
                if part.file_size > 100_000 and part.file_size > MOST_RATIO * max(part.compress_size, 1):
                    raise RawError("packed more tightly than any answer sheet; it is not opened")
                if "vbaProject" in part.filename:
                    raise RawError("a workbook with macros is not opened; save it as .xlsx without macros")
                with archive.open(part) as stream:
                    if b"<!DOCTYPE" in stream.read(2000):
                        raise RawError("a workbook with a document type is not opened; save it again as .xlsx")
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, KeyError, RuntimeError) as e:
        raise e if isinstance(e, RawError) else RawError("not a readable workbook; save it again as .xlsx") from None


def _rows(sheet: Any) -> list[Row]:
    rows = []
    for number, cells in enumerate(sheet.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS), 1):
        texts = [_text(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        if texts:
            rows.append(Row(texts, f"row {number}"))
    return rows


def _text(cell: Any) -> str:
    value = cell.value
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    text = format(value, ".15g") if isinstance(value, float) else str(value)
    shown = re.match(r"^[#,]*0\.(0+)(?:$|[;_])", str(cell.number_format or ""))
    if not shown or "e" in text or "n" in text:
        return text
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(len(shown[1]), '0')}"


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
