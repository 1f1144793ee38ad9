"""Arrays as programs print them in text: over several lines, with spaces between the numbers, in `array( )`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["counted", "joined", "listed", "may_be_array", "shortest"]

MOST_LINES = 200  # of one array
_OPENED = re.compile(r"[=:＝：]\s*(?:[\w.]{1,20}\()?\[|^\s*\[")
_NAMED = re.compile(r"[^\s=:]\s*[=:]\s*$")
_ROW = re.compile(r"^\s*+[\[\]\d+\-.][^=:]*+")
_WRAPPED = re.compile(r"(?:[A-Za-z]{1,5}\.)?(?:array|tensor|matrix|float\d{2}|Tensor|asarray)\((.*)\)", re.DOTALL)
_ABOUT = re.compile(r",\s*(?:dtype|grad_fn|device|requires_grad)=[^,()]{1,60}(?=[,)])")
_BETWEEN = re.compile(r"(?<=[\d.\]])\s+(?=[-+\d.\[])")
_WORD = re.compile(r"[^\s,\[\]]+")


def joined(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The lines with their numbers; the rows of an array that goes on below belong to the line that opens it.

    >>> list(joined(["dW2 = [[1 2]", "       [3 4]]", "E = 5"]))
    [(1, 'dW2 = [[1 2] [3 4]]'), (3, 'E = 5')]
    """
    place = 0
    while place < len(lines):
        first, line = place, lines[place]
        place += 1
        if "(" in line and "=" in line:
            line = _ABOUT.sub("", line)
        if place < len(lines) and (_open(line) or _named(line, lines[place])):
            while place < len(lines) and place - first < MOST_LINES and _ROW.fullmatch(_ABOUT.sub("", lines[place])):
                line = f"{line.rstrip()} {_ABOUT.sub('', lines[place]).strip()}"
                place += 1
                if not _open(line):
                    break
        yield first + 1, line


def _open(line: str) -> bool:
    """Whether a value begins that does not end: not so for a name such as `z1[1 = 3`."""
    return "[" in line and line.count("[") > line.count("]") and bool(_OPENED.search(line))


def _named(line: str, below: str) -> bool:
    """Whether a line is a name alone, with its array below."""
    return line.rstrip()[-1:] in ("=", ":") and below.lstrip()[:1] == "[" and bool(_NAMED.search(line))


def listed(written: str) -> Any:
    """A printed array as nested lists of texts; `float64(0.5)` as its number; any other text as it is.

    Raises json.JSONDecodeError and RecursionError for what begins as a list and is none.

    >>> listed("array([[1.410, 1.677], [2.590, 3.083]])")
    [['1.410', '1.677'], ['2.590', '3.083']]
    >>> listed("[0.6457 0.7685]"), listed("np.float64(0.5)")
    (['0.6457', '0.7685'], '0.5')
    """
    if written[-1:] == ")":
        found = _WRAPPED.fullmatch(_ABOUT.sub("", written))
        written = found[1].strip() if found else written
    if written[:1] != "[":
        return written
    spaced = _BETWEEN.sub(", ", written)
    return json.loads(_WORD.sub(lambda m: json.dumps(m[0].strip("'\"")), spaced))


def may_be_array(written: object) -> bool:
    """Whether what stands beside a name is, or may be, an array."""
    if isinstance(written, str):
        return written[:1] == "[" or written[-1:] == ")"
    return isinstance(written, list | tuple | np.ndarray)


def shortest(number: Any) -> object:
    """An array's number as the shortest decimal of its own precision; text and blanks as they are."""
    if isinstance(number, np.floating):
        return str(number.item() if isinstance(number, np.float64) else number)
    if isinstance(number, np.ndarray) and number.ndim == 0:
        return shortest(number[()])
    return number.item() if isinstance(number, np.generic) else number


def counted(written: Any) -> Any:
    """An array, of which axes are to be counted; of lists it is known that they have one."""
    return written if isinstance(written, np.ndarray) else [0]
