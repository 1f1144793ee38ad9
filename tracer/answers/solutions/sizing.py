"""The smallest network that knows the names and the arrays of a written solution, before its numbers are looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any

from derivations.expression import Expression
from derivations.reading.letters import Letterbook
from derivations.reading.nodes import letters_in
from derivations.reading.statements import Statement
from tracer.answers.solutions.stated import arrays
from tracer.problem import as_problem

__all__ = ["book_of", "sized", "skeleton"]

MOST_UNITS, LEAST_NAMES = 6, 3


def skeleton(sizes: tuple[int, ...], biased: str) -> dict[str, Any]:
    """A problem of that shape with numbers that stand for nothing yet."""
    layers = []
    for inputs, units in pairwise(sizes):
        layer: dict[str, Any] = {"activation": "sigmoid", "W": [["0.5"] * inputs for _ in range(units)]}
        if biased:
            layer["b"] = "0.5" if biased == "shared" else ["0.5"] * units
        layers.append(layer)
    return {
        "network": {"loss": "half_squared_error", "layers": layers},
        "samples": [{"x": ["1"] * sizes[0], "t": ["0"] * sizes[-1]}],
        "training": {"learning_rate": "0.1"},
    }


def sized(found: Sequence[Statement], notation: str) -> tuple[tuple[int, ...], str, int] | None:
    """The smallest network, its bias, and how many of the document's names it knows; None where they are few."""
    written = {letters.latex for tree in _trees(found) for letters in letters_in(tree)}
    written |= {name for array in arrays(found) for name in _names_of(*array)}
    biases = {"mazur": ["shared"], "uy": ["own"]}.get(notation, [""])
    if biases == [""] and any(name[:1] == "b" for name in written):
        biases = ["", "own"]

    def known(sizes: tuple[int, ...], biased: str) -> int:
        book = book_of(skeleton(sizes, biased), notation)
        return sum(1 for w in written if (m := book.meaning(w)) and not m.whole) if book else -1

    best: tuple[int, tuple[int, ...], str] | None = None
    for biased in biases:
        for sizes in _shapes(notation, written):
            count = known(sizes, biased)
            if notation != "mazur":
                for axis in range(len(sizes)):
                    while sizes[axis] > 1:
                        smaller = (*sizes[:axis], sizes[axis] - 1, *sizes[axis + 1 :])
                        if known(smaller, biased) < count:
                            break
                        sizes = smaller
            if best is None or (count, -sum(sizes)) > (best[0], -sum(best[1])):
                best = count, sizes, biased
    return None if best is None or best[0] < LEAST_NAMES else (*best[1:], best[0])


def _names_of(whole: str, rows: int, columns: int) -> Iterator[str]:
    """The names of an array's entries: of a row or a column by one index, unless it is a matrix's letter."""
    base, above = re.fullmatch(r"([^^]*)(.*)", whole, re.DOTALL).groups()  # type: ignore[union-attr]
    matrix = re.search(r"[Ww]", base) is not None
    for j, i in product(range(1, min(rows, MOST_UNITS) + 1), range(1, min(columns, MOST_UNITS) + 1)):
        yield f"{base}_{{{j}{i}}}{above}" if matrix else f"{base}_{{{max(j, i)}}}{above}"


def _shapes(notation: str, written: set[str]) -> list[tuple[int, ...]]:
    """Shapes to start from: Mazur's weights are counted, so that each shape is one of its own."""
    most = min(max((int(d) for name in written for d in re.findall(r"\d", name)), default=1), MOST_UNITS)
    if notation == "mazur":
        return list(product(range(1, 4), repeat=3))
    last = 1 if notation == "uy" else most
    deep = any(re.search(r"\^[^\w^]*+\W{0,9}3", name) for name in written)
    return [(most, last), (most, most, last), *([(most, most, most, last)] if deep else [])]


def book_of(mapping: dict[str, Any], notation: str) -> Letterbook | None:
    """The letters of a problem in a notation, None where it cannot be written so."""
    try:
        return Letterbook(as_problem(mapping), notation)
    except ValueError:
        return None


def _trees(found: Sequence[Statement]) -> Iterator[Expression]:
    return (side.tree for statement in found for side in statement.sides if side.tree is not None)
