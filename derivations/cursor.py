"""A line of the language as tokens, and where reading has come to; errors quote the line with a caret."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple, NoReturn

from derivations import hints
from derivations.given import read_number, shortened

__all__ = ["KEYWORDS", "Cursor", "LanguageError", "Token"]

KEYWORDS = ("if", "else", "for", "is", "outside")
LARGEST_WHOLE, LONGEST_NAME = 1_000_000, 60
_TYPED = str.maketrans(
    {"∞": " inf ",
     "\u2211": "Σ", "×": "*", "·": "*", "⋅": "*", "∙": "*", "\u2217": "*", "\u2010": "-", "\u2011": "-", "\u2012": "-",
     "−": "-", "–": "-", "√": " sqrt ", "≥": ">=", "≤": "<=", "÷": "/", "′": "'", "’": "'", "…": ".."}
)  # fmt: skip
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_EXPONENT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_TOKEN = re.compile(
    r"(?P<blank>[ \t]{0,99}+)(?:(?P<number>[0-9]++(?:\.(?!\.)[0-9]*+)?(?:[eE][+-]?[0-9]++)?|\.[0-9]++)"
    r"|(?P<name>[^\W\d]\w*+'*+)|(?P<sign>\.\.|>=|<=|[-+*/^()\[\]{}|,=<>]))"
)
_FRACTION = re.compile(r"(?<![\d.])[\u00bc-\u00be\u2150-\u215e]")
_INSTEAD = {
    "\u2044": ": write a fraction as (1/2)",
    "~": ": write h_tilde for a letter with a sign above it",
    "!": ": write a product in full",
    "%": ": write 0.05 for 5 %",
    ":": ": write = for what is defined",
    ";": ": write each equation on a line of its own",
    ".": ": write 0.5 for a decimal",
    "\\": ": write sum_i, sqrt(..), sigmoid(..) without a backslash",
}


class LanguageError(ValueError):
    """An equation that cannot be used: where, what, what now, in one line."""


class Token(NamedTuple):
    """A piece of a line: its kind (number, name, sign, end), its text, where it starts, whether after a blank."""

    kind: str
    text: str
    start: int
    blank: bool


def normalised(text: str) -> str:
    """A line as the language has it: what people type for a sign, NFKC, an exponent that is raised behind ^."""
    halves = _FRACTION.sub(lambda found: f"({unicodedata.normalize('NFKC', found[0]).replace(chr(0x2044), '/')})", text)
    raised = _EXPONENT.sub(lambda found: "^" + found[0].translate(_RAISED), halves.translate(_TYPED))
    return unicodedata.normalize("NFKC", raised).translate(_TYPED).replace("**", "^").replace("...", "..").strip()


class Cursor:
    """One statement, its tokens, and where reading has come to."""

    def __init__(self, text: str, number: int) -> None:
        self.text, self.number = normalised(text), number
        self.place, self.depth = 0, 0
        self.tokens = list(self._cut())

    def _cut(self) -> Iterable[Token]:
        at, before = 0, Token("end", "", 0, True)
        while at < len(self.text):
            found = _TOKEN.match(self.text, at)
            if not found:
                at += len(self.text[at:]) - len(self.text[at:].lstrip())
                instead = _INSTEAD.get(self.text[at], "")
                raise self.error(f"{_plain(self.text[at])} is no part of an equation{instead}", at)
            kind = found.lastgroup or ""
            token = Token(kind, found[kind], found.start(kind), bool(found["blank"]))
            self._check(token, before)
            yield token
            at, before = found.end(), token
        yield Token("end", "", len(self.text), True)

    def _check(self, token: Token, before: Token) -> None:
        """A number is one, a name has a sensible length; 3.0.1 and 0x10 are neither numbers nor products."""
        if token.kind == "name" and (len(token.text) > LONGEST_NAME or _foreign_digits(token.text)):
            what = f"a name has at most {LONGEST_NAME} characters, and the digits 0 to 9"
            raise self.error(f"{shortened(token.text)} is no name: {what}", token.start)
        no_factor = token.kind == "number" or (token.kind == "name" and before.text == "0")
        if before.kind == "number" and not token.blank and no_factor:
            written = shortened(before.text + token.text)
            raise self.error(f"{written} is no number: write a decimal such as 0.25", before.start)
        if token.kind == "number":
            try:
                read_number(token.text)
            except ValueError as error:
                raise self.error(str(error), token.start) from None

    # --- places and errors ---

    def error(self, what: str, at: int | None = None) -> LanguageError:
        """The error, its line quoted with a caret where it was met."""
        at = self.now.start if at is None else at
        where = f"equations line {self.number}" if self.number else "formula"
        low, high = max(0, at - 40), at + 20
        before, after = (_shown(part) for part in (self.text[low:at], self.text[at:high]))
        quoted = f"{'…' if low else ''}{before}^{after}{'…' if high < len(self.text) else ''}"
        return LanguageError(f"{where}, at ^ in '{quoted}': {what}")

    def fail(self, expected: str, instead: str = "") -> NoReturn:
        """What was expected here, what stands there, and what to write instead."""
        found = f"not {_plain(self.now.text)}" if self.now.text else "and the line ends"
        more = ": a bracket is missing?" if self.now.text in (")", "]", "}") else ""
        raise self.error(f"here {expected} is expected, {found}{instead or more}")

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
        """A whole number, of a size that an index has."""
        start, negative = self.now.start, self.took("-")
        if self.now.kind != "number" or not self.now.text.isdecimal():
            self.fail("a whole number", hints.for_whole(self.now.text))
        self.place += 1
        value = int(self.tokens[self.place - 1].text)
        if value > LARGEST_WHOLE:
            raise self.error(f"an index goes up to {LARGEST_WHOLE}: take a smaller number", start)
        return -value if negative else value


def _foreign_digits(name: str) -> bool:
    return not name.isascii() and any(c.isdigit() and not c.isascii() for c in name)


def _plain(text: str) -> str:
    """A piece of a line in quotation marks, fit for a message."""
    return repr(text) if text.isprintable() else f"'{_shown(text)}'"


def _shown(text: str) -> str:
    """Text fit for one line of a message: what would turn or colour it is escaped."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
