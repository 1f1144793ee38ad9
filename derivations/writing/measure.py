r"""How wide and how high a formula is in print: an estimate from the LaTeX that our printers write, in em of the text.

Widths are those of Computer Modern, rounded up; what is wider than a line is broken (`derivations.writing.breaking`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Box", "height", "measured", "text_width", "width"]

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}_^&]|\S", re.S)
_WIDE = {"m": 0.88, "w": 0.72, "i": 0.35, "l": 0.3, "t": 0.37, "j": 0.42, ".": 0.28, ",": 0.45, "'": 0.28}
_WIDE |= {"=": 1.34, "<": 1.34, ">": 1.34, "+": 1.23, "-": 1.23, "*": 0.95, "(": 0.4, ")": 0.4, "[": 0.28, "]": 0.28}
_WIDE |= {r"\cdot": 0.73, r"\times": 1.23, r"\odot": 1.23, r"\approx": 1.34, r"\le": 1.34, r"\partial": 0.6}
_WIDE |= {r"\exp": 1.7, r"\log": 1.45, r"\tanh": 2.1, r"\max": 2.0, r"\quad": 1.0, r"\,": 0.17, r"\;": 0.28}
_WIDE |= {
    r"\scriptstyle": 0.0,
    r"\notag": 0.0,
    r"\infty": 1.0,
    r"\dagger": 0.45,
    r"\top": 0.8,
    r"\Phi": 0.75,
    r"\cdots": 1.2,
}
_LETTER = 0.6
_SCRIPT = 0.7
_SCRIPTS = {"_", "^"}
_COMPOSED = {r"\frac", r"\tfrac", r"\sqrt", r"\left", r"\Bigl", r"\Bigr", r"\begin", r"\hspace", r"\rule"}
_COMPOSED |= {r"\text", r"\mathrm", r"\mathit", r"\mathcal", r"\mathbf", r"\boldsymbol", r"\hat", r"\underline"}
_COMPOSED |= {r"\underset"}
_LENGTH = re.compile(r"^([0-9.]++)em")
_GAPS = {"pmatrix": 1.0, "smallmatrix": 0.6, "cases": 1.0, "aligned": 0.0, "gathered": 0.0}


class Box(NamedTuple):
    """Width and height in em."""

    width: float
    height: float


def text_width(words: str) -> float:
    """Of words in the text font; Japanese letters are square."""
    return sum(1.0 if ord(c) > 0x2E7F else 0.34 if c == " " else 0.53 for c in words)


@lru_cache(maxsize=20_000)
def measured(latex: str) -> Box:
    """The box of a formula in display style."""
    return _Ruler(latex).row(frozenset(), 0)


def width(latex: str) -> float:
    """In em."""
    return measured(latex).width


def height(latex: str) -> float:
    """In em, as a row of an alignment: at least a line of text."""
    return max(1.2, measured(latex).height) + 0.3


@lru_cache(maxsize=2000)
def _alone(sign: str) -> Box:
    """A letter, a digit, an operator."""
    return Box(0.5 if sign.isdigit() else _WIDE.get(sign, _LETTER), 1.0)


class _Ruler:
    """Reads the tokens once; `depth` counts the fractions around, each of which makes the next smaller."""

    def __init__(self, latex: str) -> None:
        self.tokens: list[str] = [*_TOKEN.findall(latex), ""]
        self.at, self.end = 0, len(self.tokens) - 1

    def peek(self) -> str:
        return self.tokens[self.at]

    def take(self) -> str:
        sign = self.tokens[self.at]
        self.at = min(self.at + 1, self.end)
        return sign

    def row(self, ends: frozenset[str], depth: int) -> Box:
        wide, high, tokens = 0.0, 1.0, self.tokens
        while (sign := tokens[self.at]) and sign not in ends:
            width, own_height = self.atom(depth)
            if tokens[self.at] in _SCRIPTS:
                below, above = self.scripts(depth)
                width += max(below, above)
                own_height += (0.15 if below else 0) + (0.15 if above else 0)
            wide += width
            high = max(high, own_height)
        return Box(wide, high)

    def scripts(self, depth: int) -> tuple[float, float]:
        """How wide what stands below and above is."""
        below = above = 0.0
        while self.peek() in _SCRIPTS:
            script = self.take()
            own = self.atom(depth).width * _SCRIPT
            below, above = (own, above) if script == "_" else (below, own)
        return below, above

    def group(self, depth: int) -> Box:
        if self.take() != "{":
            return Box(0, 1)
        out = self.row(frozenset("}"), depth)
        self.take()
        return out

    def raw(self) -> str:
        """The letters of { ... }."""
        self.take()
        out = ""
        while self.peek() not in ("}", ""):
            out += self.take()
        self.take()
        return out

    def atom(self, depth: int) -> Box:
        if (sign := self.peek()) == "{":
            return self.group(depth)
        self.take()
        return self.composed(sign, depth) if sign in _COMPOSED else _alone(sign)

    def composed(self, sign: str, depth: int) -> Box:
        """A sign that has something in it."""
        match sign:
            case r"\frac" | r"\tfrac":
                small = _SCRIPT if depth or sign == r"\tfrac" else 1.0
                above, below = self.group(depth + 1), self.group(depth + 1)
                return Box(max(above.width, below.width) * small + 0.3, (above.height + below.height + 0.35) * small)
            case r"\sqrt":
                inside = self.group(depth)
                return Box(inside.width + 1.0, inside.height + 0.25)
            case r"\left":
                self.take()
                inside = self.row(frozenset((r"\right",)), depth)
                self.take(), self.take()
                fence = 0.55 if inside.height < 1.4 else 0.8 if inside.height < 2.6 else 0.95
                return Box(inside.width + 2 * fence, inside.height + 0.1)
            case r"\Bigl" | r"\Bigr":
                self.take()
                return Box(0.6, 1.8)
            case r"\begin":
                return self.table(self.raw(), depth)
            case r"\hspace":
                found = _LENGTH.match(self.raw())
                return Box(float(found[1]) if found else 1.0, 1.0)
            case r"\rule":
                self.raw(), self.raw()
                return Box(0, 2.0)
            case r"\text" | r"\mathrm" | r"\mathit":
                return Box(text_width(self.raw()), 1.0)
            case r"\mathcal" | r"\mathbf" | r"\boldsymbol" | r"\hat" | r"\underline":
                return self.group(depth)
            case r"\underset":
                below, base = self.group(depth), self.group(depth)
                return Box(max(below.width * _SCRIPT, base.width), base.height + 0.7)
        return _alone(sign)

    def table(self, environment: str, depth: int) -> Box:
        """Columns as wide as their widest cell."""
        small = _SCRIPT if environment == "smallmatrix" else 1.0
        columns: list[float] = []
        high, row, column = 0.0, 0.0, 0
        while True:
            cell = self.row(frozenset(("&", r"\\", r"\end")), 0 if environment == "aligned" else depth)
            columns += [0.0] * (column + 1 - len(columns))
            columns[column] = max(columns[column], cell.width)
            row = max(row, cell.height)
            end = self.take()
            if end == "&":
                column += 1
                continue
            high, row, column = high + max(1.2, row) + (0.3 if environment == "aligned" else 0.0), 0.0, 0
            if end != r"\\":
                break
        self.raw()
        fences = {"pmatrix": 2.0, "cases": 1.2}.get(environment, 0.0)
        gaps = _GAPS.get(environment, 1.0) * (len(columns) - 1)
        return Box((sum(columns)) * small + gaps + fences, high * small + 0.2)
