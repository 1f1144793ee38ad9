"""The given numbers that a written solution states: weights, inputs, targets, the rate, each with its line.

A number counts where it is said of its letter (`w_{12} = 0.3`, `W = [...]`, `x = (1, 2)`) or put into a formula in
letters (`w_1 i_1 + w_2 i_2 = 0.15 * 0.05 + 0.2 * 0.1`).  What contradicts an earlier line is told, not taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from derivations import names
from derivations.expression import Expression, Letters, Matrix, Name, Partial, Product, Sum, Transposed
from derivations.formulas import equations
from derivations.names import Quantity
from derivations.reading.letters import Letterbook
from derivations.reading.meanings import Unknown
from derivations.reading.nodes import Updated, letters_in, rebuilt
from derivations.reading.statements import Statement
from tracer.answers.solutions.comparing import is_numeric
from tracer.answers.solutions.duals import rational
from tracer.answers.solutions.putting import OtherShape, put_in
from tracer.answers.solutions.shown import shown_number

__all__ = ["Said", "Stated", "arrays", "renewed", "stated", "turned"]

GIVEN = ("x", "t", "W", "b", "eta")
Pairs = list[tuple[Quantity, str]]


class Said(NamedTuple):
    """A number and the line that says it."""

    number: str
    line: int


@dataclass
class Stated:
    """Numbers by quantity; in words what contradicts them, and what could not be placed."""

    values: dict[Quantity, Said] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)


class _Line(NamedTuple):
    """A statement in quantities: its sides, and of each the line."""

    sides: list[Expression]
    lines: list[int]
    head: str


def stated(found: Sequence[Statement], book: Letterbook) -> Stated:
    """What the document says of each given number: what is said of a letter first, then what is put into formulas."""
    out = Stated()
    rows = [_read(statement, book) for statement in found]
    for row in rows:
        _take_said(out, row, book)
    formulas: dict[Expression, list[Expression]] = {}  # of each quantity, also from statements before
    shown = {q: text for row in rows for q, text in _claims(row)}
    rules = {e.quantity: e.formula for e in equations(book.problem) if e.quantity.kind == "a"}
    for row in rows:
        if not row.sides:
            continue
        head = row.sides[0]
        known = formulas.setdefault(head, [])
        for side, line in zip(row.sides, row.lines, strict=True):
            if not is_numeric(side):
                known.append(side)
                continue
            for letters in known:
                _take_put(out, letters, side, line, book)
            if isinstance(head, Name) and head.quantity in rules and all(isinstance(e, Name) for e in known):
                _take(out, _deduced(out, rules[head.quantity], side, shown), line, book)
    return out


def renewed(statement: Statement, trees: Sequence[Expression | None], book: Letterbook) -> list[Expression | None]:
    """What stands left of an arrow, of `w = w - ...` or of `w = 0.1 - 0.1 * 3.2` is the parameter after the update."""
    out = list(trees)
    for k, relation in enumerate(statement.relations):
        left, right = trees[k], trees[k + 1]
        bare = left.operand if isinstance(left, Transposed) else left
        if left is None or not isinstance(bare, Letters) or right is None:
            continue
        again = any(l.text == bare.text for l in letters_in(right)) and right != left
        worked = isinstance(right, Sum) and is_numeric(right)
        anyway = relation.sign == "←" or again
        if anyway or worked:
            found = book.meaning(bare.latex)
            if anyway if found is None else found.quantity.kind in ("W", "b"):  # s = 1.2 + 0.3 updates nothing
                out[k] = Updated(left)
    return out


def _read(statement: Statement, book: Letterbook) -> _Line:
    trees = renewed(statement, [side.tree for side in statement.sides], book)
    read = [(_named(t, book), s.line) for t, s in zip(trees, statement.sides, strict=True) if t is not None]
    return _Line([e for e, _ in read], [line for _, line in read], statement.sides[0].text)


def _named(tree: Expression, book: Letterbook) -> Expression:
    """The tree in quantities, as far as its names are known."""
    try:
        whole: Expression = book.resolved(tree, {})
    except Unknown:
        pass
    else:
        return whole

    def known(e: Expression) -> Expression | None:
        if not isinstance(e, Letters | Partial):
            return None
        try:
            found: Expression = book.resolved(e, {})
        except Unknown:
            return e
        return found

    named: Expression = rebuilt(tree, known)
    return named


def _take_said(out: Stated, row: _Line, book: Letterbook) -> None:
    """`x_1 = 1`, `x = (x_1, x_2) = (1, 2)`: names, then numbers alone; what is worked out states no given number."""
    heads: list[Expression] = []
    for side, line in zip(row.sides, row.lines, strict=True):
        if is_numeric(side):
            if not heads or not (shown_number(side) or isinstance(side, Matrix)):
                return
            placed = [_paired(head, side) for head in heads]
            if not any(placed) and isinstance(heads[0], Letters | Matrix):
                out.unplaced.append(f"{row.head} in line {line}{_misfit(heads[0], side)}")
            for pairs in placed:
                _take(out, pairs, line, book)
        elif isinstance(side, Name | Matrix | Letters):
            heads.append(side)
        else:
            return


def _paired(head: Expression, numbers: Expression) -> Pairs:
    """Each entry of a name or array with its number; none where their shapes differ."""
    mine, theirs = _entries(head), _entries(numbers)
    line = 1 in (len(mine), len(mine[0])) and 1 in (len(theirs), len(theirs[0]))
    if line:
        mine, theirs = ([[e for row in m for e in row]] for m in (mine, theirs))
    if [len(row) for row in mine] != [len(row) for row in theirs]:
        return []
    pairs = [
        (a, shown_number(b)) for ours, own in zip(mine, theirs, strict=True) for a, b in zip(ours, own, strict=True)
    ]
    return [(a.quantity, shown.text) for a, shown in pairs if isinstance(a, Name) and shown]


def _misfit(head: Expression, numbers: Expression) -> str:
    mine, theirs = _entries(head), _entries(numbers)
    if isinstance(head, Letters):
        return ", a name that is not known"
    return f", {len(theirs)} by {len(theirs[0])} numbers where {len(mine)} by {len(mine[0])} are meant"


def _entries(e: Expression) -> list[list[Expression]]:
    return [list(row) for row in e.rows] if isinstance(e, Matrix) else [[e]]


def _put(letters: Expression, numbers: Expression) -> Pairs:
    if isinstance(letters, Name | Matrix):
        return []
    try:
        return [(q, shown.text) for q, shown in put_in(letters, numbers)]
    except OtherShape:
        return []


def _take_put(out: Stated, letters: Expression, numbers: Expression, line: int, book: Letterbook) -> None:
    """What is put into a formula, also where `w x` has numbers in the order `x w`, as lines before tell."""
    pairs = _put(letters, numbers)
    if _against(out, pairs):
        other = _put(letters, _reversed(numbers))
        if any(q in out.values for q, _ in other) and not _against(out, other):
            pairs = other
    _take(out, pairs, line, book)


def _deduced(out: Stated, rule: Expression, numbers: Expression, shown: Mapping[Quantity, str]) -> Pairs:
    """Weights of a row of numbers alone, `0.2 * 1 + 0.2 * 2`: where what they are multiplied by is known and tells."""
    fitting = []
    for way in (numbers, _reversed(numbers)):
        pairs = _put(rule, way)
        inputs = [(q, n) for q, n in pairs if q.kind not in ("W", "b")]
        said = {q: out.values[q].number if q in out.values else shown.get(q) for q, _ in inputs}
        if inputs and all(said[q] is not None and rational(said[q] or "") == rational(n) for q, n in inputs):
            fitting.append([(q, n) for q, n in pairs if q.kind in ("W", "b")])
    return fitting[0] if fitting and all(way == fitting[0] for way in fitting) else []


def _claims(row: _Line) -> Pairs:
    """The number that a statement ends with, of its first quantity."""
    shown = shown_number(row.sides[-1]) if row.sides else None
    return [(row.sides[0].quantity, shown.text)] if shown and isinstance(row.sides[0], Name) else []


def _reversed(e: Expression) -> Expression:
    """Products of two factors the other way round."""
    if isinstance(e, Sum):
        return Sum(tuple((sign, _reversed(term)) for sign, term in e.terms))
    return Product(e.factors[::-1]) if isinstance(e, Product) else e


def _against(out: Stated, pairs: Pairs) -> Pairs:
    """Those of them that contradict an earlier line."""
    return [(q, n) for q, n in pairs if q in out.values and rational(out.values[q].number) != rational(n)]


def _take(out: Stated, pairs: Pairs, line: int, book: Letterbook) -> None:
    """Take numbers that stand together, none of them where one contradicts an earlier line."""
    given = [(q, number) for q, number in pairs if q.kind in GIVEN]
    against = _against(out, given)
    for q, number in against:
        first = out.values[q]
        name = names.text(book.network, q)
        out.contradictions.append(f"{name} is {first.number} in line {first.line}, {number} in line {line}")
    if not against:
        for q, number in given:
            out.values.setdefault(q, Said(number, line))


def turned(statement: Statement) -> Statement:
    """The statement with the numbers of a weight matrix turned: one row per input made one row per unit."""
    first = statement.sides[0].tree
    if not isinstance(first, Letters) or first.latex.lstrip("\\{mathbfor ")[:1] not in "wW":
        return statement
    sides = [replace(s, tree=_transposed(s.tree)) if s.tree is not None else s for s in statement.sides]
    return replace(statement, sides=tuple(sides))


def _transposed(e: Expression) -> Expression:
    return Matrix(tuple(zip(*e.rows, strict=True))) if isinstance(e, Matrix) and is_numeric(e) else e


def arrays(found: Sequence[Statement]) -> Iterator[tuple[str, int, int]]:
    """(name, rows, columns) of each array of numbers that a statement gives a name without indices."""
    for statement in found:
        trees = [side.tree for side in statement.sides if side.tree is not None]
        whole = next((t.latex for t in trees[:1] if isinstance(t, Letters) and "_" not in t.latex), "")
        for tree in trees[1:]:
            inner = tree.operand if isinstance(tree, Transposed) else tree
            if whole and isinstance(inner, Matrix) and is_numeric(inner):
                rows, columns = len(inner.rows), len(inner.rows[0])
                yield (whole, rows, columns) if inner is tree else (whole, columns, rows)
