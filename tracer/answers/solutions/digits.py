"""`z1 = 0.6457` in plain text: z1 is our name of layer 1's activations, and here one number, the first of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from derivations.expression import Expression, Letters, Matrix
from derivations.reading.letters import Letterbook
from derivations.reading.meanings import Unknown
from derivations.reading.nodes import rebuilt
from derivations.reading.statements import Statement
from tracer.answers.solutions.comparing import is_numeric

__all__ = ["with_indices"]

_DIGIT = re.compile(r"([A-Za-z])(\d)")


def with_indices(found: Sequence[Statement], book: Letterbook) -> Sequence[Statement]:
    """The statements, a digit behind a letter read as its index where the document gives such a name one number."""
    letters = {m[1] for s in found if (m := _one_number(s, book))}
    if not letters:
        return found

    def indexed(e: Expression) -> Expression | None:
        name = _DIGIT.fullmatch(e.latex) if isinstance(e, Letters) else None
        if not name or name[1] not in letters:
            return None
        written = f"{name[1]}_{{{name[2]}}}"
        meaning = book.meaning(written)
        return Letters(written, name[0]) if meaning and not meaning.whole else None

    return [
        replace(s, sides=tuple(replace(x, tree=rebuilt(x.tree, indexed)) if x.tree else x for x in s.sides))
        for s in found
    ]


def _one_number(statement: Statement, book: Letterbook) -> re.Match[str] | None:
    """The name of an array that a statement gives a number."""
    first, *others = (side.tree for side in statement.sides)
    name = _DIGIT.fullmatch(first.latex) if isinstance(first, Letters) else None
    numbers = [tree for tree in others if tree is not None and is_numeric(tree) and not _has_matrix(tree)]
    if name is None or first is None or not numbers:
        return None
    try:
        whole = book.resolved(first, {})
    except Unknown:
        return None
    return name if isinstance(whole, Matrix) and len(whole.rows) * len(whole.rows[0]) > 1 else None


def _has_matrix(e: Expression) -> bool:
    return isinstance(e, Matrix) or any(_has_matrix(part) for part in e._parts() if isinstance(part, Expression))
