"""A problem file's tables as TOML text: decimals as they were written, each array on one line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["toml_of"]

_DECIMAL = re.compile(r"[+-]?\d{1,60}(\.\d{1,60})?([eE][+-]?\d{1,4})?", re.ASCII)
_BARE = re.compile(r"[A-Za-z0-9_-]{1,60}", re.ASCII)
_WORDS = ("title", "equations", "objective")
"""Fields that are texts, whatever they look like."""


def toml_of(tables: Mapping[str, Any]) -> str:
    """The text of a file with these tables."""
    return "\n".join(_lines(tables, "")) + "\n"


def _lines(table: Mapping[str, Any], path: str) -> Iterator[str]:
    inner = {key: own for key, own in table.items() if _is_table(own)}
    for key, own in table.items():
        if key not in inner:
            yield f"{_key(key)} = {_value(own, key)}"
    for key, own in inner.items():
        name = f"{path}.{_key(key)}" if path else _key(key)
        if isinstance(own, Mapping):
            yield from ("", f"[{name}]", *_lines(own, name))
        else:
            for one in own:
                yield from ("", f"[[{name}]]", *_lines(one, name))


def _is_table(own: Any) -> bool:
    return isinstance(own, Mapping) or (isinstance(own, list) and bool(own) and isinstance(own[0], Mapping))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _value(own: Any, key: str) -> str:
    if isinstance(own, bool):
        return str(own).lower()
    if isinstance(own, list | tuple):
        return f"[{', '.join(_value(one, key) for one in own)}]"
    if not isinstance(own, str):
        return str(own)
    if key not in _WORDS and _DECIMAL.fullmatch(own):
        return own
    if "\n" in own and "'''" not in own:
        return f"'''\n{own}'''"
    return json.dumps(own, ensure_ascii=False)
