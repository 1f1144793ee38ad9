"""The text of a problem file as a mapping: limits first, then TOML, every fault told with its line."""

from __future__ import annotations

import re
from typing import Any

from derivations.given import LONGEST, shortened

__all__ = ["ProblemError", "cut", "read_toml"]

MOST_WRITTEN = 100_000
_PART = r"""\.[ \t]*(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[\w-]+)[ \t]*"""  # of a dotted key
_TOO_MUCH = (  # what would keep a TOML parser busy for long, and is never part of a problem
    (r"[0-9a-fA-F_]{1000}", f"a number or word is too long; write at most {LONGEST} characters"),
    (r"[\[{](\s*[\[{]){7}", "lists are nested too deeply; a matrix is a list of rows"),
    (rf"({_PART}){{30}}", "a key has too many parts; write [network] and then `loss = ...`"),
)


class ProblemError(ValueError):
    """A problem file that cannot be used.  The message is one line: the field's path, what is wrong, what to do."""


def read_toml(content: str) -> dict[str, Any]:
    """The tables of a TOML text, decimals as text.  Raises ProblemError."""
    import tomllib

    for pattern, why in _TOO_MUCH:
        if found := re.search(pattern, content):
            raise ProblemError(f"line {content.count(chr(10), 0, found.start()) + 1}: {why}")
    if content.count(",") > MOST_WRITTEN:
        raise ProblemError(
            f"more than {MOST_WRITTEN} numbers; draw large weights with W = {{random = ..., shape = ...}}"
        )
    try:
        return tomllib.loads(content, parse_float=lambda text: text.replace("_", ""))
    except tomllib.TOMLDecodeError as e:
        raise ProblemError(_syntax(content, str(e))) from None
    except RecursionError:
        raise ProblemError("nested too deeply; a matrix is a list of rows") from None


def _syntax(content: str, reason: str) -> str:
    reason = "".join(c if c.isprintable() else repr(c)[1:-1] for c in reason)
    found = re.search(r"^(.*) \(at line (\d+), column (\d+)\)$", reason)
    if not found:
        return f"not a TOML file: {reason[:120]}; `bptrace new 2-2-1` writes an example"
    lines, n = content.split("\n"), int(found[2])
    corrected = re.sub(r"(?<![\d.])(\d+),(\d+)(?!\.?\d)", r"\1.\2", lines[n - 1])
    if corrected != lines[n - 1] and _is_toml("\n".join([*lines[: n - 1], corrected, *lines[n:]]), n):
        return f"line {n}: a decimal comma; write `{cut(corrected)}`"
    key = lines[n - 1].partition("=")[0].strip()
    if len(key) <= 60 and key.isidentifier() and not key.isascii():
        return f'line {n}: a name with other letters than a to z stands in quotes here; write "{key}" = ..'
    words = found[1][:1].lower() + found[1][1:100]
    return f"line {n}, column {found[3]}: {words}; the line is {shortened(lines[n - 1].strip(), 60)}"


def _is_toml(content: str, n: int) -> bool:
    """Whether a TOML parser gets past line n."""
    import tomllib

    try:
        tomllib.loads(content)
    except tomllib.TOMLDecodeError as e:
        found = re.search(r"at line (\d+)", str(e))
        return found is not None and int(found[1]) > n
    return True


def cut(text: str) -> str:
    """Text of the file on one line of a message."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= 80 else f"{text[:80]} ..."
