"""What a reader meets and a writer of derivations never writes: nodes beside those of `derivations.expression`."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any

from derivations.expression import Expression, Letters, Matrix

__all__ = [
    "Applied",
    "Derivative",
    "Listed",
    "Norm",
    "SumOver",
    "Updated",
    "Variable",
    "Worded",
    "letters_in",
    "rebuilt",
    "size",
]


class Applied(Expression):
    """A function as written, `h_1'`, before a bracket; whether it is a function is decided when names are known."""

    __slots__ = ("function", "argument")
    __match_args__ = ("function", "argument")
    function: str
    argument: Expression


class Derivative(Expression):
    """d/d by of a written-out operand; `place` is (line, column) of the operator."""

    __slots__ = ("by", "operand", "place")
    __match_args__ = ("by", "operand", "place")
    by: Expression
    operand: Expression
    place: tuple[int, int]


class Listed(Matrix):
    """Numbers in a list, [1, 2]: a column, or a row where vectors are rows."""

    __slots__ = ()

    def __init__(self, rows: tuple[tuple[Expression, ...], ...]) -> None:
        object.__setattr__(self, "rows", rows)

    def _parts(self) -> tuple[Any, ...]:
        return (self.rows,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matrix) and self.rows == other.rows

    def __hash__(self) -> int:
        return hash((Matrix, self.rows))


class SumOver(Expression):
    """The sum of `body` over an index; `low` and `high` are "" where nothing is written."""

    __slots__ = ("index", "low", "high", "body")
    __match_args__ = ("index", "low", "high", "body")
    index: str
    low: str
    high: str
    body: Expression


class Norm(Expression):
    """The Euclidean norm, or the absolute value of a number."""

    __slots__ = ("operand",)
    __match_args__ = ("operand",)
    operand: Expression


class Updated(Expression):
    """A parameter after the update, marked as new."""

    __slots__ = ("operand",)
    __match_args__ = ("operand",)
    operand: Expression


class Variable(Expression):
    """The variable of a function's definition, `a` in h(a) = ..."""

    __slots__ = ("text",)
    __match_args__ = ("text",)
    text: str


class Worded(Expression):
    """Values of which one holds, told apart by words or by conditions that are no comparison of numbers."""

    __slots__ = ("values",)
    __match_args__ = ("values",)
    values: tuple[Expression, ...]


def rebuilt(e: Any, change: Callable[[Expression], Expression | None]) -> Any:
    """The tree with every node for which `change` returns another one replaced, from the top down."""
    if isinstance(e, Expression):
        other = change(e)
        if other is not None:
            return other
        before = e._parts()
    elif type(e) is tuple:
        before = e
    else:
        return e
    after = tuple([rebuilt(part, change) for part in before])
    if all(map(is_, after, before)):
        return e  # nothing in it is replaced
    return type(e)(*after) if isinstance(e, Expression) else after


def size(e: Any, most: int) -> int:
    """How many parts a tree, or several, have, counted up to `most`; what stands twice in it counts twice."""
    count, stack = 0, [e]
    while stack and count < most:
        part = stack.pop()
        if isinstance(part, Expression):
            count += 1
            stack.extend(part._parts())
        elif type(part) in (tuple, list):
            stack.extend(part)
    return count


def letters_in(e: Any) -> list[Letters]:
    """Every name as written, in order."""
    out: list[Letters] = []
    stack = [e]
    while stack:
        part = stack.pop()
        if isinstance(part, Letters):
            out.append(part)
        elif isinstance(part, Expression):
            stack.extend(reversed(part._parts()))
        elif type(part) is tuple:
            stack.extend(reversed(part))
    return out
