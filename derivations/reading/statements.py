"""Rows joined into statements: sides between relation signs, as people write them, over several rows.

A row that begins with a relation or a product sign, or that the row before leaves open, goes on from that row.  Each
side is read on its own, so that one side that is not understood does not take the others with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from derivations.expression import Expression
from derivations.reading.documents import SourceRow
from derivations.reading.grammar import parse
from derivations.reading.nodes import rebuilt
from derivations.reading.tokens import NotRead, Tok, tokens

__all__ = ["Relation", "Side", "Statement", "Unread", "readable", "statements"]

SIGNS = {"REL": "=", "ARROW": "\u2190", "GT": ">", "LT": "<", "NE": "\u2260"}
_APPROXIMATE = (
    "\\approx",
    "\\simeq",
    "\\fallingdotseq",
    "\\doteq",
    "\\cong",
    "\\sim",
    "\\risingdotseq",
    "≈",
    "≃",
    "≅",
    "≒",
    "≐",
    "∼",
)
_RIGHTWARDS = ("\\rightarrow", "\\to", "\\longrightarrow", "\\mapsto", "→", "->")
_OPENING, _CLOSING = ("LP", "LB", "LS", "MATRIX", "CASES"), ("RP", "RB", "RS", "ENDMATRIX", "ENDCASES")
_GOING_ON = ("REL", "ARROW", "MUL", "DIV", "ENTRYWISE")
_LEFT_OPEN = (*_GOING_ON, "PLUS", "MINUS")
_SIGNS_ALONE = (*_LEFT_OPEN, "COMMA", "GAP")
MOST_PIECES, MOST_SIGNS = 50_000, 1000
"""Pieces of mathematics, and signs of relations among them, read of one document: more than any solution has."""
_PIECE = re.compile(r"\\[A-Za-z]{1,30}+|\\.|[0-9]++|[^\s{}&]")
_SCRIPT = re.compile(r"_\{[^{}]{0,60}\}")  # n=1 below a name is no relation
_SIGN = re.compile(r"[=≈≒≃≅≐∼←<>]|\\(?:approx|simeq|doteq|leftarrow|gets)")
_APART = re.compile(r"(?<![A-Za-z\\])([a-z]) ?\$?(?:\\neq?(?![A-Za-z])|≠|!=)\$? ?([a-z])(?![A-Za-z])")
FAR = 3  # lines between two displays of which the second begins with a relation


@dataclass(frozen=True)
class Side:
    """One side of a relation: its tree, or why there is none; where it begins; the rows it stands in."""

    tree: Expression | None
    line: int
    column: int
    rows: tuple[int, ...]
    unread: NotRead | None = None
    text: str = ""


@dataclass(frozen=True)
class Relation:
    """A relation sign as `=`, `≈` or `←`, where it stands and in which row."""

    sign: str
    line: int
    column: int
    row: int


@dataclass(frozen=True)
class Statement:
    """Sides with a relation between each two; one side alone is a formula that states nothing."""

    sides: tuple[Side, ...]
    relations: tuple[Relation, ...]
    display: bool
    apart: tuple[tuple[str, str], ...] = ()
    """Index letters that a note beside a row says are not equal, as in "if m ≠ j"."""

    def changed(self, change: Callable[[Expression], Expression | None]) -> Statement:
        """The statement with every node for which `change` returns another one replaced."""
        sides = (s if s.tree is None else replace(s, tree=rebuilt(s.tree, change)) for s in self.sides)
        return replace(self, sides=tuple(sides))


@dataclass(frozen=True)
class Unread:
    """A row of which nothing could be read."""

    row: int
    why: NotRead


Placed = tuple[int, Tok]  # row, token


def readable(rows: Sequence[SourceRow], most_signs: int = MOST_SIGNS) -> int:
    """How many rows of a document can be read at a bounded cost, with at most so many signs of relations."""
    pieces = signs = 0
    for k, row in enumerate(rows):
        pieces += len(_PIECE.findall(row.text[: 10 * MOST_PIECES]))
        signs += max(1, len(_SIGN.findall(_SCRIPT.sub("", row.text)))) if pieces <= MOST_PIECES else 0
        if pieces > MOST_PIECES or signs > most_signs:
            return k
    return len(rows)


def statements(rows: Sequence[SourceRow]) -> tuple[list[Statement], list[Unread]]:
    """The statements of a document's rows in order, and the rows that are no mathematics to us."""
    out: list[Statement] = []
    unread: list[Unread] = []
    stream: list[Placed] = []
    last: SourceRow | None = None
    apart: dict[int, list[tuple[str, str]]] = {}
    for k, row in enumerate(rows):
        try:
            whole = tokens(row.text, place=row.place)
            cut = _unwrapped(_worded(whole))
        except NotRead as e:
            unread.append(Unread(k, e))
            last = None
            continue
        if cut and cut[0].kind == "ARROW" and cut[0].text.startswith(_RIGHTWARDS):  # "so that": a new statement
            _close(stream, out, last is None or last.display)
            stream, cut = [], cut[1:]
        apart[k] = [pair for token in whole if token.kind == "NOTE" for pair in _APART.findall(token.text)]
        reason = _reason(cut)
        own = [(k, token) for token in cut[:reason]]
        if not own or (not row.display and all(token.kind in _SIGNS_ALONE for token in cut)):  # "here * is a product"
            continue
        if not (stream and last and _goes_on(rows, last, row, stream, cut)):
            _close(stream, out, last is None or last.display)
            stream = []
        stream += own
        if reason is not None:
            _close([(k, token) for token in cut[reason + 1 :]], out, row.display)
        last = row
    _close(stream, out, last is None or last.display)
    return [_with_notes(statement, apart) for statement in out], unread


def _with_notes(statement: Statement, apart: Mapping[int, Sequence[tuple[str, str]]]) -> Statement:
    pairs = tuple(pair for relation in statement.relations for pair in apart.get(relation.row, ()))
    return replace(statement, apart=pairs) if pairs else statement


def _reason(cut: Sequence[Tok]) -> int | None:
    r"""Where a row gives its reason, `= 0 \quad since -0.26 <= 0`; what goes on below is no more about that."""
    gaps = [k for k, token in enumerate(cut) if token.kind == "GAP"]
    if not gaps or _open([(0, token) for token in cut[gaps[-1] :]]):
        return None
    before, after = ([t.kind for t in part if t.kind in SIGNS] for part in (cut[: gaps[-1]], cut[gaps[-1] :]))
    given = len(after) == 1 and after[0] in ("GT", "LT", "NE")
    return gaps[-1] if given and before and before[-1] not in ("GT", "LT", "NE") else None


def _goes_on(
    rows: Sequence[SourceRow], last: SourceRow, row: SourceRow, stream: Sequence[Placed], cut: Sequence[Tok]
) -> bool:
    first = cut[0].kind
    if row.block != last.block:
        far = 2 if row.bare else FAR
        return first in ("REL", "ARROW") and row.display and last.display and row.line - last.line <= far
    return first in (*_GOING_ON, "PLUS", "MINUS") or stream[-1][1].kind in _LEFT_OPEN or _open(stream) > 0


def _open(stream: Sequence[Placed]) -> int:
    return sum((t.kind in _OPENING) - (t.kind in _CLOSING) for _, t in stream)


def _unwrapped(cut: list[Tok]) -> list[Tok]:
    """Without braces around a whole row, gaps at either end, and punctuation at its end."""
    cut = _trimmed(cut)
    while len(cut) > 2 and cut[0].kind == "LB" and cut[-1].kind == "RB" and _closes_last(cut):
        cut = _trimmed(cut[1:-1])
    return cut


_BEFORE_WORDS = (None, "REL", "LP", "LB", "LS", "PLUS", "MINUS", "MUL", "DIV", "COMMA", "GAP", "CELL")
_AFTER_WORDS = (None, "REL", "ARROW", "RP", "RB", "RS", "PLUS", "MINUS", "MUL", "DIV", "CARET")


def _worded(cut: Sequence[Tok]) -> list[Tok]:
    r"""Without words, but for those that stand where a name does: (\text{desired} - \text{actual})^2."""
    out: list[Tok] = []
    kinds = [None, *(t.kind for t in cut), None]
    signs = any(t.kind == "REL" for t in cut)
    for k, token in enumerate(cut, 1):
        if token.kind != "NOTE":
            out.append(token)
        elif signs and kinds[k - 1] in _BEFORE_WORDS and kinds[k + 1] in _AFTER_WORDS and _is_name(token.text):
            out.append(token._replace(kind="NAME", text=f"\\text{{{' '.join(_words(token.text))}}}"))
    return out


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]+", re.sub(r"\\[A-Za-z]+", " ", text))


def _is_name(text: str) -> bool:
    return 0 < len(_words(text)) <= 3 and re.fullmatch(r"[A-Za-z\s{}\\.]*", text) is not None


def _trimmed(cut: list[Tok]) -> list[Tok]:
    first, end = 0, len(cut)
    while end > first and cut[end - 1].kind in ("GAP", "COMMA"):
        end -= 1
    while first < end and cut[first].kind in ("GAP", "COMMA"):
        first += 1
    return cut[first:end]


def _closes_last(cut: Sequence[Tok]) -> bool:
    depth = 0
    for k, token in enumerate(cut):
        depth += (token.kind in _OPENING) - (token.kind in _CLOSING)
        if depth == 0:
            return k == len(cut) - 1
    return False


def _close(stream: Sequence[Placed], out: list[Statement], display: bool) -> None:
    """Split the tokens of joined rows into statements."""
    part: list[Placed] = []
    for placed in stream:
        if placed[1].kind == "STOP":
            _stated(part, out, display)
            part = []
        else:
            part.append(placed)
    _stated(part, out, display)


def _stated(stream: Sequence[Placed], out: list[Statement], display: bool) -> None:
    if not stream:
        return
    segments: list[list[Placed]] = [[]]
    signs: list[Placed] = []
    depth = 0
    for placed in stream:
        kind = placed[1].kind
        depth += (kind in _OPENING) - (kind in _CLOSING)
        if depth <= 0 and kind in SIGNS:
            signs.append(placed)
            segments.append([])
        else:
            segments[-1].append(placed)
    sides: list[Side] = []
    relations: list[Relation] = []
    for k, segment in enumerate(segments):
        cut = _separator(segment) if 0 < k < len(signs) else None
        if cut is None:
            sides.append(_side(segment, signs, k))
        else:
            sides.append(_side(segment[:cut], signs, k))
            out.append(Statement(tuple(sides), tuple(relations), display))
            sides, relations = [_side(segment[cut + 1 :], signs, k)], []
        if k < len(signs):
            row, token = signs[k]
            relations.append(Relation(_sign(token), token.line, token.column, row))
    if sides and (relations or sides[0].tree is not None or sides[0].unread is not None):
        out.append(Statement(tuple(sides), tuple(relations), display))


def _sign(token: Tok) -> str:
    if token.kind in ("GT", "LT"):
        return (
            SIGNS[token.kind]
            if token.text in (">", "<", "\\gt", "\\lt")
            else {"GT": "\u2265", "LT": "\u2264"}[token.kind]
        )
    return "\u2248" if token.text.startswith(_APPROXIMATE) else SIGNS[token.kind]


def _separator(segment: Sequence[Placed]) -> int | None:
    """Where one statement ends and the next one, on the same row, begins: `a = 1, b = 2`."""
    depth, found = 0, None
    for k, (_, token) in enumerate(segment):
        depth += (token.kind in _OPENING) - (token.kind in _CLOSING)
        inner = 0 < k < len(segment) - 1
        if depth == 0 and token.kind in ("COMMA", "GAP") and inner:
            after, before = segment[k + 1][1].kind, segment[k - 1][1].kind
            if after not in ("PLUS", "MINUS", "MUL", "GAP") and before not in _LEFT_OPEN:
                found = k
    return found


def _side(segment: Sequence[Placed], signs: Sequence[Placed], k: int) -> Side:
    cut = [token for _, token in segment if token.kind != "GAP"]
    while cut and cut[-1].kind == "COMMA":
        cut.pop()
    near = cut[0] if cut else signs[min(k, len(signs) - 1)][1] if signs else Tok("", "", 0, 0)
    rows = tuple(dict.fromkeys(row for row, _ in segment)) or ((signs[min(k, len(signs) - 1)][0],) if signs else ())
    text = _text(cut)
    try:
        return Side(parse(cut), near.line, near.column, rows, None, text)
    except NotRead as e:
        why = e if e.line else NotRead(str(e), near.line, near.column)
        return Side(None, near.line, near.column, rows, why, text)


def _text(cut: Sequence[Tok]) -> str:
    """The tokens as LaTeX again, with blanks only where they must stand."""
    out = ""
    for token in cut:
        text = _written(token)
        apart = bool(out) and out[-1].isalpha() and text[:1].isalpha() and "\\" in out[-14:]
        out += f"{' ' if apart else ''}{text}"
    return out


def _written(token: Tok) -> str:
    """A token as LaTeX: of a few the text holds the parts alone."""
    first, _, second = token.text.partition("|")
    if token.kind == "SUMSIGN":
        return "\\sum" + (f"_{{{first}}}" if first else "") + (f"^{{{second}}}" if second else "")
    if token.kind == "FRACDD":
        return f"\\frac{{{first}}}{{{second}}}"
    if token.kind == "NABLA":
        return f"\\nabla_{{{first}}}" if first else "\\nabla"
    return token.text


def unread_rows(found: Iterable[Statement]) -> dict[int, NotRead]:
    """The rows of sides that were not understood, with the first reason."""
    out: dict[int, NotRead] = {}
    for statement in found:
        for side in statement.sides:
            if side.unread is not None:
                for row in side.rows:
                    out.setdefault(row, side.unread)
    return out
