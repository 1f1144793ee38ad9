"""One line of somebody's notes as names and numbers: `z1[1] = σ(0.6) ≈ 0.6457`, or several `name = number` in a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tracer.answers.reading.sheets import shielded, unshielded
from tracer.answers.reading.written import read_written

__all__ = ["SIGNS", "listed_name", "statements"]

Understood = Callable[[str], bool]
LONGEST = 400
"""Characters of a statement that may be several."""
SIGNS = ("=", "≈", "＝", "≃", "≅", "≒", "∼", "~", "->", "→", "\\approx", "\\simeq")
_RELATION = re.compile(r":?=|＝|≈|≃|≅|≒|∼|~|->|→|\\approx\b|\\simeq\b")
_BULLET = re.compile(r"(?<!\s)\s*+(?:[-*+•]\s++|\d{1,3}[.)]\s++|>\s*+)+")
_REMARK = re.compile(r"(?:^|\s)#\s.*")
_NEXT = re.compile(r"\s*[,;、]\s+|\s*[;、]\s*|\s{2,}|\t|\s+(?:and|und)\s+")
_BEGINS_AS_NUMBER = re.compile(r"[-+−–]?[\d.]")
_VERBS = ("is", "ist", "equals")


def statements(line: str, understood: Understood) -> list[tuple[str, str]]:
    """(name, number) of each statement of a line; of a chain `name = ... = number` the first and the last part.

    A part that ends with a number and goes on with a name begins another statement: nobody's number is given to a
    name that stands before it.
    """
    hidden = shielded(line)
    if not any(sign in hidden for sign in SIGNS):
        return []
    hidden = _BULLET.sub("", hidden, count=1) if _BULLET.match(hidden) else hidden
    first, *others = _RELATION.split(hidden)
    names, numbers = [_clean(first)], [""]
    for k, part in enumerate(others):
        number, name = _next_name(part, understood) if k + 1 < len(others) else (part, "")
        numbers[-1] = _clean(number) or numbers[-1]
        if name:
            names.append(_clean(name))
            numbers.append("")
    return [(name.strip("$*:").strip(), number) for name, number in zip(names, numbers, strict=True)] if others else []


def _next_name(part: str, understood: Understood) -> tuple[str, str]:
    """A part of a line as a number and the name of the next statement, "" where it goes on with the same one."""
    for mark in _NEXT.finditer(part) if len(part) <= LONGEST else ():
        number, name = part[: mark.start()], unshielded(part[mark.end() :]).strip()
        if name and _is_number(_clean(number)) and (understood(name) or not name[0].isdigit()):
            return number, part[mark.end() :]
    return part, ""


def _is_number(text: str) -> bool:
    try:
        read_written(text)
    except ValueError:
        return False
    return True


def _clean(part: str) -> str:
    return _REMARK.sub("", unshielded(part)).strip().strip("&\\").lstrip(",;\t ").strip()


def listed_name(line: str, understood: Understood) -> Iterator[tuple[str, str]]:
    """`z1[1] 0.6457` and `z1[1] is 0.6457`, where the name is understood."""
    if len(line) > LONGEST:
        return
    *words, number = (_BULLET.sub("", line, count=1) if _BULLET.match(line) else line).rsplit(None, 1) or [""]
    if not words or not _BEGINS_AS_NUMBER.match(number):
        return
    name = words[0]
    before, *verb = name.rsplit(None, 1)
    if verb and verb[0] in _VERBS:
        name = before
    if understood(name) and _is_number(number):
        yield name, number
