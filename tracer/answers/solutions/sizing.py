"""The smallest network that knows the names and the arrays of a written solution, before its numbers are looked at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from typing import Any

from derivations.expression import Expression
from derivations.names import KINDS, Quantity, elements
from derivations.notation import NOTATIONS
from derivations.reading.letters import Letterbook
from derivations.reading.nodes import letters_in
from derivations.reading.statements import Statement
from tracer.answers.solutions.stated import arrays
from tracer.problem import as_problem

__all__ = ["book_of", "sized", "skeleton"]

MOST_UNITS, LEAST_NAMES = 6, 3
REMEMBERED = 500
AFTER_INPUTS = 2  # where the target is counted after the inputs, so many more inputs leave each number an input


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
    written = [letters.latex for tree in _trees(found) for letters in letters_in(tree)]
    written += [name for array in arrays(found) for name in _names_of(*array)]
    names = list(dict.fromkeys(written))
    biases = {"mazur": ["shared"], "uy": ["own"]}.get(notation, [""])
    if biases == [""] and any(name[:1] == "b" for name in names):
        biases = ["", "own"]
    best: tuple[int, tuple[int, ...], str] | None = None
    for biased, shapes in product(biases, _shapes(notation, names)):
        wide = _Wide.of(names, shapes[0], biased, notation)
        if wide is None:
            continue
        for sizes in shapes:
            count = wide.known(sizes)
            least = sizes if notation == "mazur" else _least(wide, sizes)
            if best is None or (count, -sum(least)) > (best[0], -sum(best[1])):
                best = count, least, biased
    return None if best is None or best[0] < LEAST_NAMES else (*best[1:], best[0])


@dataclass(frozen=True)
class _Wide:
    """What names stand for in a network wide enough for all of them, as the notation writes it there.

    A smaller network knows a name where it writes something of its own so: no book of names is made for it.
    """

    notation: str
    biased: str
    everywhere: int  # names that every network knows: eta, E
    names: Mapping[str, int]

    @classmethod
    def of(cls, written: Iterable[str], sizes: tuple[int, ...], biased: str, notation: str) -> _Wide | None:
        """Of the names that are written; None where the notation does not write such a network."""
        wide = (sizes[0] + AFTER_INPUTS, *sizes[1:]) if notation == "uy" else sizes
        book = book_of(skeleton(wide, biased), notation)
        if book is None:
            return None
        found = [m.quantity for name in written if (m := book.meaning(name)) and not m.whole]
        placed = [q for q in found if KINDS[q.kind].axes]
        names = Counter(book.notation.latex(book.network, _bearer(q)) for q in placed)
        return cls(notation, biased, len(found) - len(placed), names)

    def known(self, sizes: tuple[int, ...]) -> int:
        """How many of the names a network of these sizes knows."""
        own = _written_in(sizes, self.biased, self.notation)
        return self.everywhere + sum(count for name, count in self.names.items() if name in own)


def _bearer(q: Quantity) -> Quantity:
    """What is there where a quantity is: the weight of dW, the pre-activation of a delta, the input of dz below all."""
    axes = KINDS[q.kind].axes if q.layer or q.kind != "dz" else "i"
    return Quantity({"ji": "W", "b": "b", "j": "a", "i": "x"}.get(axes, q.kind), q.layer, q.indices)


@lru_cache(maxsize=REMEMBERED)
def _written_in(sizes: tuple[int, ...], biased: str, name: str) -> frozenset[str]:
    """How a notation writes what every number of a network of these sizes is told from."""
    network, notation = as_problem(skeleton(sizes, biased)).network, NOTATIONS[name]
    places = [("x", 0), ("t", 0), ("E_part", 0)]
    places += [(kind, l) for l, layer in network for kind in ("a", *layer.parameters)]
    return frozenset(notation.latex(network, q) for kind, l in places for q in elements(network, kind, l, 1).flat)


def _least(wide: _Wide, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The smallest network that knows as many."""
    count = wide.known(sizes)
    for axis in range(len(sizes)):
        while sizes[axis] > 1:
            smaller = (*sizes[:axis], sizes[axis] - 1, *sizes[axis + 1 :])
            if wide.known(smaller) < count:
                break
            sizes = smaller
    return sizes


def _names_of(whole: str, rows: int, columns: int) -> Iterator[str]:
    """The names of an array's entries: of a row or a column by one index, unless it is a matrix's letter."""
    base, above = re.fullmatch(r"([^^]*)(.*)", whole, re.DOTALL).groups()  # type: ignore[union-attr]
    matrix = re.search(r"[Ww]", base) is not None
    for j, i in product(range(1, min(rows, MOST_UNITS) + 1), range(1, min(columns, MOST_UNITS) + 1)):
        yield f"{base}_{{{j}{i}}}{above}" if matrix else f"{base}_{{{max(j, i)}}}{above}"


def _shapes(notation: str, written: Iterable[str]) -> list[list[tuple[int, ...]]]:
    """Shapes to start from, those of one depth together, the widest first.

    Mazur's weights are counted, so that each shape is one of its own.
    """
    digits = (int(d) for name in written for d in re.findall(r"\d", name))
    most = min(max(digits, default=1), MOST_UNITS)
    if notation == "mazur":
        return [list(product(range(3, 0, -1), repeat=3))]
    last = 1 if notation == "uy" else most
    deep = any(re.search(r"\^[^\w^]*+\W{0,9}3", name) for name in written)
    hidden = (0, 1, 2) if deep else (0, 1)
    return [[(most, *[most] * layers, last)] for layers in hidden]


def book_of(mapping: dict[str, Any], notation: str) -> Letterbook | None:
    """The letters of a problem in a notation, None where it cannot be written so."""
    try:
        return Letterbook(as_problem(mapping), notation)
    except ValueError:
        return None


def _trees(found: Sequence[Statement]) -> Iterator[Expression]:
    return (side.tree for statement in found for side in statement.sides if side.tree is not None)
