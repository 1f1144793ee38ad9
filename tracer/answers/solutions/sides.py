"""What the sides of a statement are, and what is said of two of them: helpers of `checking`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from derivations.expression import Call, Expression, Letters, Matrix, Name, Number, Partial, Product
from derivations.reading.meanings import Unknown
from derivations.reading.nodes import Applied, letters_in
from derivations.reading.statements import Statement
from tracer.answers.solutions.calculating import NoValue
from tracer.answers.solutions.comparing import Comparer
from tracer.answers.solutions.duals import ball
from tracer.answers.solutions.shown import shown_number
from tracer.answers.solutions.values import only
from tracer.answers.solutions.verdicts import Verdict

__all__ = [
    "ORDERS",
    "chain_rule",
    "compared",
    "counts",
    "is_shown",
    "of_layers",
    "ordered",
    "pairs",
    "plain",
    "score",
    "variable",
    "why",
]

_COUNTERS = ("l", "i", "j", "k", "n", "N", "M", "K")
_NUMBERS = ("e", "\\pi", "π")
ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt, "<": operator.lt, "\u2265": operator.ge, "\u2264": operator.le, "\u2260": operator.ne,
}  # fmt: skip


def of_layers(
    found: list[list[Verdict]], bindings: list[Mapping[str, int]]
) -> tuple[list[list[Verdict]], list[Mapping[str, int]]]:
    """A statement that does not say its layer is one of the layer that fits it best."""
    groups: dict[tuple[tuple[str, int], ...], list[int]] = {}
    for k, binding in enumerate(bindings):
        groups.setdefault(tuple((i, l) for i, l in binding.items() if i[0] == "@"), []).append(k)
    best = min(groups.values(), key=lambda own: [sum(x) for x in zip(*(score(found[k]) for k in own), strict=True)])
    return [found[k] for k in best], [bindings[k] for k in best]


def counts(statement: Statement) -> bool:
    """l = 1, 2: which of the layers or units is meant, no statement about numbers of the network."""
    trees = [side.tree for side in statement.sides if side.tree is not None]
    letters = {l.text for t in trees for l in letters_in(t)}
    head = trees[0].text if trees and isinstance(trees[0], Letters) else ""
    whole = not any("." in part.text for t in trees for part in numbers(t))
    counting = head in _COUNTERS or (head == "L" and bool(letters & {"N", "n"}))
    return whole and counting and letters <= {*_COUNTERS, "L"}


def numbers(e: Any) -> Iterator[Number]:
    """Every number of a tree."""
    if isinstance(e, Number):
        yield e
    parts = e._parts() if isinstance(e, Expression) else e if type(e) is tuple else ()
    for part in parts:
        yield from numbers(part)


def is_shown(e: Expression | str) -> bool:
    """Whether it is a number as shown."""
    return not isinstance(e, str) and shown_number(e) is not None


def plain(value: Any) -> str:
    """A rational number in a few digits."""
    return f"{int(value.p) / int(value.q):g}"


def compared(comparer: Comparer, left: Expression, side: Expression, head: Expression | None, slipped: bool) -> Verdict:
    """The verdict on two sides; what has no value is not understood."""
    try:
        return comparer.compare(left, side, head, slipped=slipped)
    except (NoValue, Unknown) as e:
        return Verdict("unread", message=str(e))
    except (ArithmeticError, RecursionError, ValueError, TypeError) as e:
        return Verdict("unread", message=str(e) if isinstance(e, ArithmeticError) else "it has no value here")


def ordered(comparer: Comparer, left: Expression, right: Expression, sign: str) -> Verdict:
    """0.5 > 0: with the document's numbers."""
    try:
        a, b = (ball(only(comparer.value(e, own=True))) for e in (left, right))
    except (NoValue, Unknown, ArithmeticError) as e:
        return Verdict("unread", message=str(e))
    if ORDERS[sign](a, b):
        return Verdict("true")
    return Verdict("false", message=f"left is {float(a.mid()):.6g}, right is {float(b.mid()):.6g}")


def pairs(head: Expression | None, side: Expression) -> Iterator[tuple[Name, Expression]]:
    """(quantity, what is said of it) of a side that names it, entry by entry."""
    if isinstance(head, Name):
        yield head, side
    elif isinstance(head, Matrix) and len(head.rows) == len(head.rows[0]) == 1 and not isinstance(side, Matrix):
        yield from pairs(head.rows[0][0], side)
    elif isinstance(head, Matrix) and isinstance(side, Matrix):
        mine = [e for row in head.rows for e in row]
        theirs = [e for row in side.rows for e in row]
        if len(mine) == len(theirs):
            yield from ((a, b) for a, b in zip(mine, theirs, strict=True) if isinstance(a, Name))


def chain_rule(trees: Sequence[Expression | None]) -> bool:
    """dz/dx = dz/dy dy/dx in bare letters: the rule itself, whatever the letters are in this network."""
    if len(trees) != 2 or not isinstance(trees[0], Partial) or not isinstance(trees[1], Product):
        return False
    links = [(part.of, part.by) for part in (trees[0], *trees[1].factors) if isinstance(part, Partial)]
    bare = all(isinstance(e, Letters) and e.latex.strip("\\").isalpha() for link in links for e in link)
    (of, by), *inner = links
    along = [of, *(e for _, e in inner)] == [*(e for e, _ in inner), by]
    return bare and along and len(inner) == len(trees[1].factors)


def why(statement: Statement, k: int) -> str:
    """Why a side was not read, with its column."""
    found = statement.sides[k].unread
    return f"column {found.column}: {found}" if found else "not understood"


def score(verdicts: Sequence[Verdict]) -> tuple[int, int]:
    """(how many are false, how many not understood)."""
    return sum(v.verdict == "false" for v in verdicts), sum(v.verdict == "unread" for v in verdicts)


def variable(trees: Sequence[Expression | None]) -> str:
    """The letter of a general fact about a function: every name in it is that one letter, without indices."""
    first = trees[0]
    if not any(isinstance(tree, Applied) for tree in trees) and not is_named_function(first):
        return ""
    written = {re.sub(r"\^\{?[2-9]\}?$", "", l.text) for tree in trees if tree is not None for l in letters_in(tree)}
    letters = written - set(_NUMBERS)
    letters -= {tree.function for tree in trees if isinstance(tree, Applied)}
    if len(letters) != 1:
        return ""
    (only,) = letters
    return only if "_" not in only and "^" not in only and not any(c.isdigit() for c in only) else ""


def is_named_function(e: Expression | None) -> bool:
    return isinstance(e, Call) and isinstance(e.arguments[0], Letters)
