"""Cells of workbooks: where they stand, and what they show."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

__all__ = ["Formats", "column_of"]

_CELL = re.compile(r"([A-Z]{1,3})\d{1,7}", re.ASCII)
LONGEST_FORMAT = 500  # characters of a number's format
_DECIMALS = re.compile(r"[#,]{0,20}0\.(0{1,30})(?:$|[;_])")
_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))  # ECMA-376, 18.8.30
_BUILT_IN = {2: "0.00", 4: "#,##0.00", 39: "#,##0.00_)", 40: "#,##0.00_)"}
_LONGEST = 400  # characters of a number that is looked at as one


def column_of(place: str) -> int:
    """The number of a cell's column: 28 for AB7.  Raises ValueError."""
    found = _CELL.fullmatch(place)
    if not found:
        raise ValueError("no cell's place")
    return _column(found[1])


@lru_cache(maxsize=20_000)  # there are 18,278 names of columns
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number


class Formats:
    """How cells show their numbers, by style; heard from the part that lists the styles."""

    def __init__(self, *, since_1904: bool = False) -> None:
        self._first = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)
        self._codes, self._dates = dict(_BUILT_IN), set(_DATES)
        self._used, self._listing = list[int](), False

    def start(self, name: str, facts: dict[str, str]) -> None:
        if name == "numFmt":
            number, code = int(facts["numFmtId"]), facts["formatCode"][:_LONGEST]
            self._codes[number] = code
            self._dates |= {number} if _of_dates(code) else set()
        elif name == "cellXfs":
            self._listing = True
        elif name == "xf" and self._listing:
            self._used.append(int(facts.get("numFmtId", "0")))

    def end(self, name: str, text: str) -> None:
        self._listing = self._listing and name != "cellXfs"

    def shown(self, value: str, kind: str, style: str) -> str:
        """A value as its cell shows it: a number with the decimals of its format, a date as one."""
        if kind == "b":
            return {"0": "False", "1": "True"}.get(value, value)
        if kind != "n" or len(value) > _LONGEST:
            return value
        try:
            text = format(float(value), ".15g") if set(value) & set(".eE") else str(int(value))
        except ValueError:
            return value  # no number: who reads it says so
        used = self._used[int(style)] if int(style) < len(self._used) else 0
        return self._date(float(text)) if used in self._dates else _padded(text, self._codes.get(used, ""))

    def _date(self, days: float) -> str:
        try:
            return str(self._first + timedelta(days=days))
        except (OverflowError, ValueError):
            return "#VALUE!"


def _of_dates(code: str) -> bool:
    """Whether a format has parts of a date or a time outside its quotes, colours and conditions."""
    return bool(re.search("[dmyhs]", re.sub(r'"[^"]{0,200}"|\[[^][]{0,200}\]|\\.', "", code[:LONGEST_FORMAT]).lower()))


def _padded(text: str, code: str) -> str:
    """With as many decimals as the format has at least."""
    found = _DECIMALS.match(code)
    if not found or "e" in text or "n" in text:
        return text
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(len(found[1]), '0')}"
