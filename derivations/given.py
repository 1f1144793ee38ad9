"""Numbers as somebody wrote them: read once, kept exactly, never evaluated.

A number keeps its text (`0.8590` has four figures, `1/3` is no decimal), so that every arithmetic can start from what
was written: float64 from the nearest double, balls from the exact decimal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = ["Given", "fraction", "read_number", "shape_of"]

LONGEST = 60  # characters of one number
LARGEST = 100  # its decimal exponent, either way a power that float64 squares without overflow
SMALLEST = -300

_NUMBER = re.compile(r"[+-]?(\d++(?:\.\d*+)?|\.\d++)([eE][+-]?\d{1,4})?|[+-]?\d++/\d++", re.ASCII)
_SHORT = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?", re.ASCII)  # neither too long nor too large nor too small
_COMMA = re.compile(r"^[+-]?\d++,\d++", re.ASCII)
_MINUS = {ord(sign): "-" for sign in "\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d"}


def read_number(written: object) -> str:
    """The plain text of one number: ASCII digits, `.` as the point, `-` as the sign, trailing zeros kept.

    Full-width digits and Unicode minus signs are understood.  Raises ValueError with a reason that starts with what
    was written: not a number, not finite, a decimal comma, too long, too large.
    """
    plain = str(written) if type(written) is int and written.bit_length() < LONGEST else written
    if isinstance(plain, str) and len(plain) <= LONGEST and _SHORT.fullmatch(plain):
        return plain  # as nearly all of a large file are
    if isinstance(written, bool) or not isinstance(written, int | float | str | np.integer | np.floating):
        raise ValueError(f"{shortened(written)} is not a number; write a number such as 0.5 or '1/3'")
    if _whole(written) and not -(10**LARGEST) < int(written) < 10**LARGEST:
        raise ValueError(f"a whole number of that size is too large; write a number below 1e{LARGEST} in size")
    text = written if isinstance(written, str) else str(int(written)) if _whole(written) else repr(float(written))
    text = unicodedata.normalize("NFKC", text.strip()[: 2 * LONGEST]).translate(_MINUS).strip()
    if len(text) > LONGEST:
        raise ValueError(f"{shortened(text)} is too long; write at most {LONGEST} characters")
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise ValueError(f"{text} is not finite; write a number such as 0.5")
    if _COMMA.fullmatch(text):
        raise ValueError(f"{text} has a decimal comma; write {text.replace(',', '.')}")
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{shortened(text)} is not a number; write a number such as 0.5 or '1/3'")
    if "/" in text and int(text.split("/")[1]) == 0:
        raise ValueError(f"{text} divides by zero; write a finite number")
    size = abs(as_float(text))
    if size >= 10.0**LARGEST:
        raise ValueError(f"{shortened(text)} is too large; write a number below 1e{LARGEST} in size")
    if size < 10.0**SMALLEST and any(c in "123456789" for c in re.split("[eE/]", text)[0]):
        raise ValueError(f"{shortened(text)} is too small; write 0 or a number above 1e{SMALLEST} in size")
    return text


def shortened(written: object, most: int = 24) -> str:
    """What was written, fit for one line of a message: control characters shown, long text cut."""
    if isinstance(written, dict):
        return "a table"
    if isinstance(written, list | tuple):
        return "a list"
    if isinstance(written, bool):
        return str(written).lower()
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(written)[: 4 * most])
    return f"'{text}'" if len(text) <= most else f"'{text[:most]}...'"


def as_float(text: str) -> float:
    """The float64 nearest to a text that `read_number` returned."""
    if "/" in text:
        above, below = text.split("/")
        return int(above) / int(below)
    return float(text)


def fraction(text: str) -> Fraction:
    """The exact value of a text that `read_number` returned."""
    from fractions import Fraction

    return Fraction(text)


def shape_of(nested: object) -> tuple[int, ...]:
    """The shape of nested lists, () for one number.  Raises ValueError naming the first row that differs."""
    if not isinstance(nested, list | tuple | np.ndarray) or (isinstance(nested, np.ndarray) and nested.ndim == 0):
        return ()
    if len(nested) == 0:
        raise ValueError("is an empty list; give at least one number")
    first = shape_of(nested[0])
    for k, row in enumerate(nested[1:], 2):
        if shape_of(row) != first:
            raise ValueError(f"row {k} has {_extent(shape_of(row))}, but row 1 has {_extent(first)}; make them alike")
    return (len(nested), *first)


@dataclass(frozen=True)
class Given:
    """An array of given numbers: their float64 values, and (unless they were drawn) the texts they were read from."""

    floats: np.ndarray
    texts: tuple[str, ...] | None = None

    @classmethod
    def read(cls, nested: object) -> Given:
        """From nested lists of numbers.  Raises ValueError for ragged lists and for what is not a number."""
        shape = shape_of(nested)
        texts = tuple(read_number(entry) for entry in _flat(nested))
        return cls(np.array([as_float(t) for t in texts]).reshape(shape), texts)

    @property
    def shape(self) -> tuple[int, ...]:
        """The extents, () for one number."""
        return tuple(self.floats.shape)

    def exact(self) -> np.ndarray:
        """The numbers as written, as an object array of texts; a drawn float64 is exactly what it is, `p/q`."""
        texts = self.texts or tuple("/".join(map(str, float(v).as_integer_ratio())) for v in self.floats.flat)
        out = np.empty(len(texts), object)
        out[:] = texts
        return out.reshape(self.shape)

    def shown(self) -> np.ndarray:
        """The numbers as they are printed: as written, or the shortest decimal of a drawn float64."""
        texts = self.texts or tuple(repr(float(v)) for v in self.floats.flat)
        out = np.empty(len(texts), object)
        out[:] = texts
        return out.reshape(self.shape)

    def turned(self, how: Any) -> Given:
        """The same numbers rearranged: `how` maps an array to an array (a transpose, a column, a reshape)."""
        texts = None if self.texts is None else tuple(how(self.exact()).flat)
        return Given(np.ascontiguousarray(how(self.floats)), texts)


def _whole(written: Any) -> bool:
    return isinstance(written, int | np.integer)


def _extent(shape: tuple[int, ...]) -> str:
    if not shape:
        return "one number"
    return " x ".join(map(str, shape)) + (" numbers" if shape != (1,) else " number")


def _flat(nested: Any) -> Iterator[object]:
    if isinstance(nested, Sequence | np.ndarray) and not isinstance(nested, str):
        for entry in nested:
            yield from _flat(entry)
    else:
        yield nested
