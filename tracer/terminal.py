"""The one door for what is printed: text as a terminal or a pipe can take it, and nothing that would steer either."""

from __future__ import annotations

import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = ["aside", "counted", "disarmed", "harmless", "say"]

_PLAIN = str.maketrans({"\u00b7": "*", "\u2248": "~", "\u00b2": "^2", "\u00b1": "+/-", "\u2264": "<=", "\u03a6": "Phi"})


_STEERING = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and the end of a line
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f"  # what turns the direction or breaks the line
    "\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"  # what no encoding has, and what nobody sees
)


def say(text: str) -> None:
    """To standard output.  Raises OSError where it is closed or takes no more."""
    if sys.stdout is None:
        raise OSError("standard output is closed; name a file with -o")
    try:
        print(_printable(disarmed(text), sys.stdout), flush=True)
    except BrokenPipeError:
        raise
    except OSError as e:
        raise OSError(e.errno, e.strerror, "standard output") from None


def aside(words: str) -> None:
    """A line to standard error, where that is open."""
    if sys.stderr is not None:
        print(_printable(disarmed(words), sys.stderr), file=sys.stderr)


def disarmed(text: str) -> str:
    r"""Text of several lines where what would steer a terminal or an editor is shown as a code, `\u001b`.

    Strings of JSON mean the same afterwards.
    """
    return _STEERING.sub(_code, text)


def _code(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[k : k + 4]}" for k in range(0, len(units), 4))


def _printable(text: str, stream: Any) -> str:
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


def counted(numbers: Collection[T], unit: str, *, shown: bool) -> Iterable[T]:
    """Whatever there is to do, one after the other, with a progress bar on standard error where that is a terminal."""
    if not shown or not sys.stderr.isatty():
        return numbers
    import shutil

    from tqdm import tqdm

    width, height = shutil.get_terminal_size()  # tqdm shows nothing where a terminal tells neither
    bar: Iterable[T] = tqdm(numbers, unit=unit, leave=False, ncols=width, nrows=height)
    return bar
