"""A derivation as printed lines: every expression as the strings of one format, long ones broken; the words chosen.

All formats are made from these, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from derivations import names
from derivations.chains import Chain, Line
from derivations.expression import Expression, Product, Sum
from derivations.notation import Notation
from derivations.printing import LatexPrinter, TextPrinter
from derivations.writing.words import words_of

if TYPE_CHECKING:
    from derivations.derivation import Derivation

__all__ = ["Style", "WrittenChain", "WrittenPart", "aligned_rows", "written_parts"]


@dataclass(frozen=True)
class Style:
    """How a document is written: the notation, the language, the decimal sign, how wide a line may be (characters)."""

    notation: Notation
    language: str = "en"
    decimal: str = "point"
    width: int = 72
    label_prefix: str = "eq"

    def number(self, text: str) -> str:
        """A number in LaTeX: powers of ten written out, the decimal sign of the country."""
        head, e, power = text.partition("e")
        head = {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\text{undefined}"}.get(head, head)
        if "/" in head:
            above, below = head.lstrip("-").split("/")
            head = ("-" if text.startswith("-") else "") + rf"\tfrac{{{above}}}{{{below}}}"
        if self.decimal == "comma":
            head = head.replace(".", "{,}")
        return rf"{head} \cdot 10^{{{int(power)}}}" if e else head

    def plain_number(self, text: str) -> str:
        """A number in plain text."""
        return text.replace(".", ",") if self.decimal == "comma" else text


@dataclass(frozen=True)
class WrittenLine:
    """A line in LaTeX pieces (one a printed row) and in plain text, with its rule in words."""

    relation: str
    rows: tuple[str, ...]
    text: str
    rule: str
    marked: bool


@dataclass(frozen=True)
class WrittenChain:
    """A chain with its left side in LaTeX and in plain text; `label` is empty for a general fact."""

    left: str
    left_text: str
    lines: tuple[WrittenLine, ...]
    label: str


@dataclass(frozen=True)
class WrittenPart:
    """Chains under a heading."""

    heading: str
    chains: tuple[WrittenChain, ...]


def written_parts(derivation: Derivation, style: Style) -> tuple[WrittenPart, ...]:
    """Every part of a derivation in a style."""
    network, words = derivation.problem.network, words_of(style.language)
    notation = style.notation
    latex = LatexPrinter(lambda q: notation.latex(network, q), notation.times, style.number)
    text = TextPrinter(lambda q: notation.text(network, q), "", style.plain_number)
    out = []
    for part in derivation.parts:
        chains = tuple(_chain(chain, derivation, style, latex, text, words.__getitem__) for chain in part.chains)
        out.append(WrittenPart(words[part.heading].format(layer=part.layer), chains))
    return tuple(out)


def _chain(
    chain: Chain,
    derivation: Derivation,
    style: Style,
    latex: LatexPrinter,
    text: TextPrinter,
    words: Callable[[str], str],
) -> WrittenChain:
    label = ""
    if chain.quantity is not None:
        name = names.text(derivation.problem.network, chain.quantity)
        label = f"{style.label_prefix}:{name.replace('[', '-').replace(',', '-').replace(']', '')}"
    lines = tuple(_line(line, style, latex, text, words) for line in chain.lines)
    return WrittenChain(latex(chain.left), text(chain.left), lines, label)


def _line(line: Line, style: Style, latex: LatexPrinter, text: TextPrinter, words: Callable[[str], str]) -> WrittenLine:
    rows = tuple(broken(line.right, style.width, latex, text))
    return WrittenLine(line.relation, rows, text(line.right), words(line.rule) if line.rule else "", line.marked)


def broken(e: Expression, width: int, latex: LatexPrinter, text: TextPrinter) -> Iterator[str]:
    """The LaTeX of an expression in rows: a long sum broken before a sign, a long product before its dot."""
    pieces = list(_pieces(e, latex, text))
    row, length = "", 0
    for words, size in pieces:
        if row and length + size > width:
            yield row
            row, length = "", 0
        row, length = (f"{row} {words}" if row else words), length + size
    yield row


def _pieces(e: Expression, latex: LatexPrinter, text: TextPrinter) -> Iterator[tuple[str, int]]:
    """(LaTeX, width in characters) of the pieces between which an expression may be broken."""
    if isinstance(e, Sum):
        for k, (sign, term) in enumerate(e.terms):
            mark = "-" if sign < 0 else "+"
            first = f"{mark if sign < 0 else ''}{latex.at(term, 2)}"
            yield (first if k == 0 else f"{mark} {latex.at(term, 2)}"), _size(text.at(term, 2)) + 3
    elif isinstance(e, Product):
        for k, factor in enumerate(e.factors):
            words = latex.at(factor, 2)
            yield (words if k == 0 else f"{latex.times} {words}"), _size(text.at(factor, 3)) + 2
    else:
        yield latex(e), _size(text(e))


def _size(text: str) -> int:
    """About how wide a formula is in print: fractions lie over each other, scripts are small."""
    return len(text.replace("_", "").replace("^", "").replace("(", "").replace("\u2202", "")) + 1


def aligned_rows(chain: WrittenChain, end: str = "", newline: str = r" \\") -> list[str]:
    """The rows of an `aligned` or `align` environment: left &= right && rule."""
    rows = []
    for k, line in enumerate(chain.lines):
        relation = "=" if line.relation == "=" else r"\approx"
        for n, row in enumerate(line.rows):
            left = chain.left + " " if k == n == 0 else ""
            body = rf"{left}&{relation} {row}" if n == 0 else rf"&\quad {row}"
            if n == len(line.rows) - 1:
                body += r"\;{}^{\dagger}" if line.marked else ""
                body += rf" && \text{{{line.rule}}}" if line.rule else ""
            rows.append(body)
    return [f"{row}{newline}" for row in rows[:-1]] + [rows[-1] + end]
