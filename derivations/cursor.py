"""A line of the language as tokens, and where reading has come to; errors quote the line with a caret."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple, NoReturn

__all__ = ["KEYWORDS", "Cursor", "LanguageError", "Token"]

KEYWORDS = ("if", "else", "for", "is", "outside")
_TYPED = str.maketrans(
    {"\u2211": "Σ", "×": "*", "·": "*", "⋅": "*", "∙": "*", "−": "-", "–": "-", "√": " sqrt ", "σ": "σ", "²": "^2",
     "³": "^3", "≥": ">=", "≤": "<=", "÷": "/"}
)  # fmt: skip
_TOKEN = re.compile(
    r"(?P<blank>[ \t]*)(?:(?P<number>\d+(?:\.(?!\.)\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[^\W\d]\w*'*)"
    r"|(?P<sign>\.\.|>=|<=|[-+*/^()\[\]{}|,=<>]))"
)


class LanguageError(ValueError):
    """An equation that cannot be used: where, what, what now, in one line."""


class Token(NamedTuple):
    """A piece of a line: its kind (number, name, sign, end), its text, where it starts, whether after a blank."""

    kind: str
    text: str
    start: int
    blank: bool


class Cursor:
    """One statement, its tokens, and where reading has come to."""

    def __init__(self, text: str, number: int) -> None:
        self.text, self.number = (
            unicodedata.normalize("NFKC", text.translate(_TYPED)).replace("**", "^").strip(),
            number,
        )
        self.place, self.depth = 0, 0
        self.tokens = list(self._cut())

    def _cut(self) -> Iterable[Token]:
        at = 0
        while at < len(self.text):
            found = _TOKEN.match(self.text, at)
            if not found:
                at += len(self.text[at:]) - len(self.text[at:].lstrip())
                raise self.error(f"{self.text[at]!r} is no part of an equation", at)
            kind = found.lastgroup or ""
            yield Token(kind, found[kind], found.start(kind), bool(found["blank"]))
            at = found.end()
        yield Token("end", "", len(self.text), True)

    # --- places and errors ---

    def error(self, what: str, at: int | None = None) -> LanguageError:
        """The error, its line quoted with a caret where it was met."""
        at = self.now.start if at is None else at
        where = f"equations line {self.number}" if self.number else "formula"
        low, high = max(0, at - 40), at + 20
        quoted = f"{'…' if low else ''}{self.text[low:at]}^{self.text[at:high]}{'…' if high < len(self.text) else ''}"
        return LanguageError(f"{where}, at ^ in '{quoted}': {what}")

    def fail(self, expected: str) -> NoReturn:
        """What was expected here, and what stands there."""
        found = f"not {self.now.text!r}" if self.now.text else "and the line ends"
        more = ": a bracket is missing?" if self.now.text in ")]}" else ""
        raise self.error(f"here {expected} is expected, {found}{more}")

    @property
    def now(self) -> Token:
        return self.tokens[self.place]

    def following(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.place + ahead, len(self.tokens) - 1)]

    def took(self, *texts: str) -> bool:
        """Whether one of these stands here; it is passed then."""
        if self.now.text in texts and self.now.kind != "end":
            self.place += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.took(text):
            self.fail(f"'{text}'")

    def expect_end(self) -> None:
        if self.now.kind != "end":
            self.fail("an operator or the end of the line")

    def name(self, what: str = "a name") -> str:
        if self.now.kind != "name" or self.now.text in KEYWORDS:
            self.fail(what)
        self.place += 1
        return self.tokens[self.place - 1].text

    def whole(self) -> int:
        negative = self.took("-")
        if self.now.kind != "number" or not self.now.text.isdecimal():
            self.fail("a whole number")
        self.place += 1
        return -int(self.tokens[self.place - 1].text) if negative else int(self.tokens[self.place - 1].text)
