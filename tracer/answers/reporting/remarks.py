"""Remarks and reasons in another language: the English sentence is the key, as in gettext.

Reading and marking say how a sheet was read, and why a cell or a file was not, in English.  `[remark]` in messages.toml
holds each such sentence with its {places}; a sentence that is found there is told in the other language, its places
filled in.  {n} stands for a whole number, every other place for any text, which is itself translated where it can be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from tracer.answers.reporting.texts import messages

__all__ = ["translated"]

_PLACE = re.compile(r"\{(\w+)\}")
LONGEST = 400


def translated(said: str, lang: str) -> str:
    """A remark in a language; as it is in English, or where the table does not have it.

    >>> translated("line 3: 'q' stands twice, with the same number", "ja")
    "3行目: 'q' が同じ数で2回書かれています"
    """
    if lang == "en" or len(said) > LONGEST:
        return said
    for pattern, texts in _patterns():
        found = pattern.fullmatch(said)
        if found:
            facts = {place: translated(text, lang) for place, text in found.groupdict().items()}
            return _PLACE.sub(lambda m, facts=facts: facts[m[1]], texts[lang])  # type: ignore[misc]
    return said


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Mapping[str, str]], ...]:
    """Every sentence as a pattern, the one with most words of its own first."""
    table = sorted(messages()["remark"].values(), key=lambda texts: -len(_PLACE.sub("", texts["en"])))
    return tuple((_pattern(texts["en"]), texts) for texts in table)


def _pattern(template: str) -> re.Pattern[str]:
    parts = _PLACE.split(template)
    written = [re.escape(part) if k % 2 == 0 else _group(part) for k, part in enumerate(parts)]
    return re.compile("".join(written), re.DOTALL)


def _group(place: str) -> str:
    return rf"(?P<{place}>\d+)" if place == "n" else rf"(?P<{place}>.+?)"
