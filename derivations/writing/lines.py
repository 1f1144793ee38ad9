"""A derivation as printed lines: every expression as the strings of one format, long ones broken; the words chosen.

All formats are made from these, so they cannot disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from derivations.chains import Chain, Sentence
from derivations.expression import Expression
from derivations.general import GeneralLatex, GeneralText
from derivations.notation import Notation
from derivations.quantity import Quantity
from derivations.writing.breaking import CONTINUED, rows
from derivations.writing.measure import text_width, width
from derivations.writing.words import words_of

if TYPE_CHECKING:
    from derivations.derived import Derivation

__all__ = [
    "Style",
    "Told",
    "WrittenChain",
    "WrittenPart",
    "aligned_rows",
    "chain_rows",
    "line_rows",
    "written_parts",
]


@dataclass(frozen=True)
class Style:
    """How a document is written: the notation, the language, the decimal sign, how wide a line may be (em)."""

    notation: Notation
    language: str = "en"
    decimal: str = "point"
    width: float = 40
    label_prefix: str = ""

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
    broken: Callable[[], Sequence[str]]  # into rows: plain text needs none
    text: str
    rule: str
    marked: bool

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """The LaTeX of each printed row."""
        return tuple(self.broken())


@dataclass(frozen=True)
class Told:
    """A sentence in plain text, and as pieces of words and of LaTeX for math mode; none: for text alone."""

    text: str
    pieces: tuple[tuple[bool, str], ...]


@dataclass(frozen=True)
class WrittenChain:
    """A chain with its left side in LaTeX and in plain text; a general fact is not `numbered`, `label` may be empty.

    `before` are the sentences that lead to it; there may be no line after them.
    """

    left: str
    left_text: str
    lines: tuple[WrittenLine, ...]
    numbered: bool
    label: str
    before: tuple[Told, ...] = ()


@dataclass(frozen=True)
class WrittenPart:
    """Chains under a heading; `before` are the sentences below it."""

    heading: str
    chains: tuple[WrittenChain, ...]
    before: tuple[Told, ...] = ()


def written_parts(derivation: Derivation, style: Style, notation: str = "bishop") -> tuple[WrittenPart, ...]:
    """Every part of a derivation in a style."""
    words, out, labels = words_of(style.language), [], Counter[str]()
    for part in derivation.parts:
        names = derivation.names(notation, whole=part.whole)
        writer = _Writer(*names.printers(style.number, style.plain_number), names.plain, style, words)
        heading = words[part.heading].format(layer=part.layer)
        sample, several = part.sample
        heading += f", {words['sample'].format(sample=sample, samples=several)}" if several else ""
        lefts = [writer.latex(chain.left) for chain in part.chains]
        rules = {line.rule for chain in part.chains for line in chain.lines} | {""}
        room = style.width - max(map(width, lefts)) - _RELATION - max(_rule_width(_rule(r, words)) for r in rules)
        chains = [writer.chain(chain, left, max(room, _LEAST)) for chain, left in zip(part.chains, lefts, strict=True)]
        out.append(WrittenPart(heading, tuple(_told_apart(chains, labels)), writer.told(part.sentences)))
    return tuple(out)


def _told_apart(chains: Iterable[WrittenChain], labels: Counter[str]) -> Iterator[WrittenChain]:
    """Chains whose labels each stand once: of an array that is written several times the second is `q1:h:2`.

    `labels` are those so far.
    """
    for chain in chains:
        labels[chain.label] += 1
        again = chain.label and labels[chain.label] > 1
        yield replace(chain, label=f"{chain.label}:{labels[chain.label]}") if again else chain


_RELATION, _LEAST = 1.9, 12.0


def _rule_width(rule: str) -> float:
    return 0.7 * text_width(rule) + 1.2 if rule else 0.0


def _rule(rule: str, words: Mapping[str, str]) -> str:
    """The words of a rule, whose key may carry what is to be put into them: `shapes 2x3`."""
    key, _, more = rule.partition(" ")
    return f"{words[key]} {more}".strip() if rule else ""


@dataclass(frozen=True)
class _Writer:
    """Writes chains with the two printers of a derivation."""

    latex: GeneralLatex
    text: GeneralText
    plain: Callable[[Quantity], str]
    style: Style
    words: Mapping[str, str]

    def chain(self, chain: Chain, left: str, room: float) -> WrittenChain:
        lines = tuple(
            WrittenLine(
                line.relation,
                partial(rows, line.right, room - line.marked, self.latex),
                self.text(line.right),
                _rule(line.rule, self.words),
                line.marked,
            )
            for line in chain.lines
        )
        name = self.plain(chain.quantity) if chain.quantity is not None else chain.array
        told = self.told(chain.sentences)
        return WrittenChain(left, self.text(chain.left), lines, bool(name), self._label(name), told)

    def _label(self, name: str) -> str:
        if not name or not self.style.label_prefix:
            return ""
        at = name.replace("[", "-").replace(",", "-").replace("]", "").replace("@", "-n")
        return f"{self.style.label_prefix}:{''.join(c if c.isascii() and c.isprintable() else '-' for c in at)}"

    def told(self, sentences: tuple[Sentence, ...]) -> tuple[Told, ...]:
        """Sentences, which are in English: none in another language."""
        return tuple(map(self._told, sentences)) if self.style.language == "en" else ()

    def _told(self, sentence: Sentence) -> Told:
        texts = (piece if isinstance(piece, str) else self.text(piece) for piece in sentence)
        pieces = ((isinstance(piece, Expression), self._piece(piece)) for piece in sentence)
        return Told("".join(texts), tuple((math, piece) for math, piece in pieces if piece))

    def _piece(self, piece: str | Expression) -> str:
        return piece if isinstance(piece, str) else self.latex(piece)


def written_rule(rule: str) -> str:
    """A rule's name beside a line, in small print."""
    words = rule.replace("\u00d7", r"$\times$").replace("\u2260", r"$\neq$")
    return rf"\scriptstyle\text{{{words}}}"


def line_rows(chain: WrittenChain) -> list[list[str]]:
    """The rows of each line of a chain for an alignment, without their ends: left &= right && rule."""
    out = []
    for k, line in enumerate(chain.lines):
        relation = "=" if line.relation == "=" else r"\approx"
        rows_ = [rf"&{relation} {line.rows[0]}", *(rf"&{CONTINUED} {row}" for row in line.rows[1:])]
        if k == 0:
            rows_[0] = f"{chain.left} {rows_[0]}"
        rows_[-1] += r"\;{}^{\dagger}" if line.marked else ""
        rows_[-1] += f" && {written_rule(line.rule)}" if line.rule else ""
        out.append(rows_)
    return out


def chain_rows(chain: WrittenChain) -> list[str]:
    """The rows of a chain, one after the other."""
    return [row for rows_ in line_rows(chain) for row in rows_]


def aligned_rows(chain: WrittenChain) -> list[str]:
    """The rows of an `aligned` environment."""
    *earlier, last = chain_rows(chain)
    return [rf"{row} \\" for row in earlier] + [last]
