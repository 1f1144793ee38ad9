"""Text as a terminal or a pipe can take it."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["counted", "harmless", "printable"]

_PLAIN = str.maketrans({"\u00b7": "*", "\u2248": "~", "\u00b2": "^2", "\u00b1": "+/-", "\u2264": "<=", "\u03a6": "Phi"})


def printable(text: str, stream: Any) -> str:
    """The text as the stream can take it: where it knows no Unicode, plain signs."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text


def harmless(message: str) -> str:
    """Without what would do something to a terminal: control and bidi characters are shown as codes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)


def counted(numbers: range, unit: str, *, shown: bool) -> Iterable[int]:
    """The numbers one after the other, with a progress bar on standard error where that is a terminal."""
    if not shown or not sys.stderr.isatty():
        return numbers
    import shutil

    from tqdm import tqdm

    width, height = shutil.get_terminal_size()  # tqdm shows nothing where a terminal tells neither
    bar: Iterable[int] = tqdm(numbers, unit=unit, leave=False, ncols=width, nrows=height)
    return bar
