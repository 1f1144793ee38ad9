"""Every text that `check` prints, read once from messages.toml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

__all__ = ["messages"]


@cache
def messages() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """All texts, by table, key and language."""
    import tomllib

    path = Path(__file__).parent.parent / "messages.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))
