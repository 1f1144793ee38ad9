"""A short formula in names, `delta2[1]*W2[1,1] + 1`, read into the tree of a written formula; nothing is evaluated.

sum     = ["-"] product {("+" | "-") product}
product = power {("*" | "·" | "/") power}
power   = atom ["^" whole number up to 9]
atom    = number | name | "(" sum ")"
"""

from __future__ import annotations

import re
from collections.abc import Callable

from derivations.expression import Expression, Negative, Number, Power, Product, Quotient, Sum
from derivations.given import read_number, shortened

__all__ = ["FormulaError", "read_formula"]

LONGEST = 300
DEEPEST = 20
_TOKEN = re.compile(
    r"\s{0,300}+(?:(?P<number>\d{1,40}(?:\.\d{0,40})?(?:[eE][+-]?\d{1,3})?)(?![\w\[])"
    r"|(?P<name>\\?[^\W\d_]\w*(?:(?:\[[\d, ]{1,20}\])+|(?:[\^_]\{[^{}]{1,20}\}|\^\(?\w{1,9}\)?)*)(?:[@#]\d{1,9})*)"
    r"|(?P<sign>\*\*|[-+*/^()]))"
)
_SIGNS = {ord(c): "*" for c in "·×⋅∙*"} | {ord(c): "-" for c in "−–"} | {ord("÷"): "/"}


class FormulaError(ValueError):
    """A text that is no formula in names."""


def read_formula(written: str, leaf: Callable[[str], Expression]) -> Expression:
    """The tree of a formula; `leaf` reads a name and raises ValueError for one it does not know.

    >>> from derivations.expression import Letters
    >>> read_formula("-a*2", lambda name: Letters(name, name))
    Negative(Product((Letters('a', 'a'), Number('2'))))
    """
    if len(written) > LONGEST:
        raise FormulaError(f"a formula of more than {LONGEST} characters")
    text = written.strip().strip("$`")
    text = text[1:-1] if text[:1] in ("'", '"') and text[:1] == text[-1:] else text
    text = re.sub(r"\\(?:cdot|times) ?", "*", text).translate(_SIGNS)
    reader = _Reader(_tokens(text), leaf)
    formula = reader.sum(0)
    if reader.tokens:
        raise FormulaError(f"{shortened(reader.tokens[0][1])} is not expected there")
    return formula


def _tokens(text: str) -> list[tuple[str, str]]:
    out, place = [], 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if not found:
            raise FormulaError(f"{shortened(text[place:])} is not a name, a number or a sign")
        out.append((found.lastgroup or "", found[0].strip()))
        place = found.end()
    return out


class _Reader:
    """Recursive descent over the tokens; depth is counted, so no text exhausts the stack."""

    def __init__(self, tokens: list[tuple[str, str]], leaf: Callable[[str], Expression]) -> None:
        self.tokens, self.leaf = tokens, leaf

    def _next(self, *signs: str) -> str:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return ""

    def sum(self, depth: int) -> Expression:
        if depth > DEEPEST:
            raise FormulaError("nested too deeply")
        negative = self._next("-", "+") == "-"
        total = self.product(depth)
        total = Negative(total) if negative else total
        while sign := self._next("+", "-"):
            term = self.product(depth)
            total = Sum.plus(total, term) if sign == "+" else Sum.minus(total, term)
        return total

    def product(self, depth: int) -> Expression:
        value = self.power(depth)
        while sign := self._next("*", "/"):
            factor = self.power(depth)
            value = Product.of(value, factor) if sign == "*" else Quotient(value, factor)
        return value

    def power(self, depth: int) -> Expression:
        base = self.atom(depth)
        if not self._next("^", "**"):
            return base
        kind, text = self.tokens.pop(0) if self.tokens else ("", "")
        if kind != "number" or len(text) != 1:
            raise FormulaError("a power is a whole number up to 9")
        return Power(base, int(text))

    def atom(self, depth: int) -> Expression:
        if self._next("("):
            inner = self.sum(depth + 1)
            if not self._next(")"):
                raise FormulaError("a bracket is not closed")
            return inner
        if not self.tokens or self.tokens[0][0] == "sign":
            raise FormulaError("a name or a number is missing")
        kind, text = self.tokens.pop(0)
        return Number(read_number(text)) if kind == "number" else self.leaf(text)
