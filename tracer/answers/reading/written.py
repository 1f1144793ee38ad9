"""Numbers as somebody wrote them on a sheet: every digit kept, the place of the last one known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

from derivations.given import read_number

__all__ = ["BLANKS", "Written", "read_written"]

_PLAIN = re.compile(r"[+-]?(\d{1,20})(?:\.(\d{0,20}))?", re.ASCII)
_SUPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_POWER = re.compile(
    r"(?<!\s)\s*+(?:[*×·⋅xX]|\\times|\\cdot)\s*+10\s*+(?:(?:\^|\*\*)\s*+\{?\s*+([-+−]?\d{1,4})\s*+\}?|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4}))$"
)
_THIN = re.compile("(?<=\\d)[\u2009\u202f\u00a0\u2006\u200a](?=\\d)")
_REMARK = re.compile(r"(?<=\d)(?:\s++(?:#\s|<-|←)[^\n]{0,120}|\s*+[(（\[][^()（）\[\]\d]*+[)）\]]|[,;]\s++[^\d]*+)$")
_AROUND = re.compile(
    r"approx(?:imately|\.)?|about|around|roughly|ca?\.|circa|rund|etwa|gerundet|約|およそ|≒|≅|∼|~|≈|≃|=|->|→"
)
_WORDS = r"approx(?:imately|\.)?|rounded|about|or so|units?|correct|ok|gerundet|exact"
_DIGITS = r"d\.?\s?p|s\.?\s?f|dec|sig|place|digit|figure|fig|Stellen|Nachkomma|桁"
_BEHIND = re.compile(
    rf"(?<=[\d%％])\s*(?:!+|[✓✔✗☑]|;|,|(?<=\s)(?:{_WORDS})\.?"
    rf"|[(（](?:rounded |to )*\d+\s*(?:{_DIGITS})[^()]*[)）]|[(（]\s*[=≈][^()]*[)）])$",
    re.IGNORECASE,
)
_MINUS = re.compile(r"(?:(?:minus|negative|マイナス)\s+|[-−–]\s+)(?=[\d.])", re.IGNORECASE)
_SIGNED = re.compile(r"\(\s*+([-+−–][^()]*+)\)")
_GROUPED = re.compile(r"(?<![\d,'’])(?:([-+−]?\d{1,3}(?:,\d{3})++)(\.\d++)|([-+−]?\d{1,3}(?:['’]\d{3})++)(\.\d++)?)")
_POINTS = re.compile(r"(?<![\d.])([-+−]?\d{1,3}(?:\.\d{3})++),(\d++)")  # 1.234,5 where the decimal comma is stated
_PERCENT = re.compile(r"(?<!\d)([-+−]?\d{1,20}(?:\.\d{0,20})?)\s?[%％]")
BLANKS = {
    *("-", "–", "—", "--", "---", "?", "??", "???", "...", "…", "n/a", "na", "n.a.", "none", "nil", "tbd", "todo"),
    *("blank", "empty", "k.a.", "なし", "未", "不明", "未記入", "ー"),
}
"""What people write where they have no answer."""
LONGEST = 120
MOST_DRESSES = 4
MOST_REMEMBERED = 50_000


@dataclass(frozen=True)
class Written:
    """A number as written: `whole` times ten to `place`, the place of its last digit; `place` is None for 1/3.

    `figures` counts significant figures, trailing zeros included: 0.8590 has four, 1.410 four, 0 none.
    """

    text: str
    whole: int
    place: int | None
    figures: int
    below: int = 1

    @cached_property
    def number(self) -> float:
        """Its value as the nearest float64."""
        return float(f"{self.whole}e{self.place}") if self.below == 1 and self.place is not None else float(self.exact)

    @cached_property
    def unit(self) -> float:
        """The place value of its last digit; 0 for a fraction, which is exact."""
        return 0.0 if self.place is None else 10.0**self.place

    @cached_property
    def exact(self) -> Fraction:
        """Its value."""
        return Fraction(self.whole, self.below) * Fraction(10) ** (self.place or 0)


def read_written(written: object, *, decimal: str = "point") -> Written:
    """One number of a sheet.  Raises ValueError as `read_number` does.

    Also understands 8.59×10⁻¹, thin spaces between digits, a sign = or ≈ before, dollar signs and stars around, and
    with `decimal="comma"` a decimal comma.

    >>> read_written("1.410").figures, read_written("8.59e-1").place, read_written("8.59·10⁻¹").place
    (4, -3, -3)
    """
    if isinstance(written, str) and len(written) <= LONGEST:
        found = _of_text(written, decimal)
        if isinstance(found, str):
            raise ValueError(found)
        return found
    return _of_number(written)


@lru_cache(maxsize=MOST_REMEMBERED)  # the right number stands on most sheets of a class
def _of_text(written: str, decimal: str) -> Written | str:
    """The number, or why there is none."""
    found = _PLAIN.fullmatch(written)
    if found:
        return _decimal(written, found[1] + (found[2] or ""), -len(found[2] or ""))
    try:
        return _of_number(_undressed(written, decimal))
    except ValueError as e:
        return str(e)


def _of_number(written: object) -> Written:
    text = read_number(written)
    if "/" in text:
        above, below = text.split("/")
        return Written(text, int(above), None, len(above.lstrip("+-0")), int(below))
    head, _, power = text.lower().partition("e")
    before, _, after = head.lstrip("+-").partition(".")
    return _decimal(text, before + after, int(power or 0) - len(after))


def _decimal(text: str, digits: str, place: int) -> Written:
    whole = int(digits)
    place = place if whole else min(place, 0)  # 0e400 is 0
    return Written(text, -whole if text[0] == "-" else whole, place, len(digits.lstrip("0")))


def _bare(written: str) -> str:
    """Without signs, words and marks before and behind, one after the other as they stand."""
    text = written.strip()
    for _ in range(MOST_DRESSES):
        before = text
        text = _BEHIND.sub("", _REMARK.sub("", text)).strip("$`*'? ").strip()
        if text[-1:] == "." and text.count(".") == 2:
            text = text[:-1]  # the end of a sentence
        around = _AROUND.match(text)
        text = text[around.end() :].lstrip() if around else re.sub(r"^(?:\\approx\b|\\simeq\b)\s*", "", text)
        if signed := _SIGNED.fullmatch(text):
            text = signed[1].rstrip()
        if text == before:
            break
    return _MINUS.sub("-", text, count=1) if _MINUS.match(text) else text


def _undressed(written: str, decimal: str) -> str:
    """The number without what people put around it; anything else is left for `read_number` to complain of."""
    if len(written) > LONGEST:
        return written
    text = _bare(written)
    text = _THIN.sub("", text).replace("{,}", ",").replace("{.}", ".")
    if decimal == "comma":
        text = _POINTS.sub(lambda m: m[1].replace(".", "") + "," + m[2], text)
        if text.count(",") == 1 and "." not in text:
            text = text.replace(",", ".")
    if decimal == "comma" and text.count("，") == 1:
        text = text.replace("，", ".")
    if _GROUPED.fullmatch(text):
        text = re.sub("[,'’]", "", text)
    if percent := _PERCENT.fullmatch(text):
        text = f"{percent[1]}e-2"
    found = _POWER.search(text)
    if found:
        power = (found[1] or found[2]).translate(_SUPER).replace("−", "-")
        text = f"{text[: found.start()]}e{power}"
    return text
