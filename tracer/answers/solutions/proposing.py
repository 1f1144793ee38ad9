"""A problem file proposed from a written solution: what it says of the network, and what it does not say.

Numbers come from where they are stated (`W = [...]`, `x_1 = 1`) and from where they are put into a formula
(`w_1 i_1 + w_2 i_2 = 0.15 * 0.05 + 0.2 * 0.1`); sizes from the largest indices; activations and the loss from the
relations that they make true.  Nothing is invented: what is not found is a comment in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

from derivations import names
from derivations.expression import Expression, Letters, Matrix, Name, Partial
from derivations.names import Quantity
from derivations.network import Problem
from derivations.reading.documents import notebook_text, rows_of
from derivations.reading.letters import Letterbook
from derivations.reading.meanings import Unknown
from derivations.reading.nodes import letters_in, rebuilt
from derivations.reading.statements import Statement, statements
from tracer.answers.solutions.comparing import is_numeric
from tracer.answers.solutions.putting import OtherShape, put_in
from tracer.answers.solutions.shown import shown_number
from tracer.answers.solutions.solution import check_solution
from tracer.problem import load

__all__ = ["Proposal", "propose"]

MOST_UNITS, LEAST_NAMES, MOST_LISTED = 6, 3, 12
ACTIVATIONS = ("sigmoid", "tanh", "relu", "identity")
_HINTS = {"tanh": "tanh", "relu": "max"}
LOSSES = ("half_squared_error", "squared_error", "binary_cross_entropy")
NOTATIONS = ("mazur", "bishop", "nielsen", "ng", "uy")


@dataclass
class Proposal:
    """A problem file's text, the notation the solution is written in, and what was not found."""

    text: str
    notation: str
    missing: tuple[str, ...] = field(default=())


def propose(text: str) -> Proposal:
    """The problem that a written solution works on.  Raises ValueError where there is no network to be seen."""
    source = notebook_text(text) if text.lstrip().startswith("{") and '"cells"' in text else text
    found, _ = statements(rows_of(source))
    best: tuple[tuple[int, int], dict[str, Any], str, set[str]] | None = None
    for notation in NOTATIONS:
        sized = _sized(found, notation)
        if sized is None:
            continue
        sizes, biased = sized
        values = _values(found, sizes, notation, biased)
        score = (len(values), -sum(sizes))
        if best is None or score > best[0]:
            mapping, missing = _mapping(sizes, values, biased)
            best = score, mapping, notation, missing
    if best is None or best[0][0] == 0:
        raise ValueError("no network is to be seen in it; write one with `bptrace new 2-2-1`")
    _, mapping, notation, missing = best
    said = _functions(mapping, source, notation)
    missing |= {what for what, known in (("the activations", said[0]), ("the loss", said[1])) if not known}
    return Proposal(_toml(mapping, notation, sorted(missing)), notation, tuple(sorted(missing)))


# --- sizes ---


def _skeleton(sizes: tuple[int, ...], biased: str, activations: Iterable[str] = (), loss: str = "") -> dict[str, Any]:
    """A problem of that shape with numbers that stand for nothing yet."""
    chosen = list(activations) or ["sigmoid"] * (len(sizes) - 1)
    layers = []
    for inputs, units, activation in zip(sizes, sizes[1:], chosen, strict=False):
        layer: dict[str, Any] = {"activation": activation, "W": [["0.5"] * inputs for _ in range(units)]}
        if biased:
            layer["b"] = "0.5" if biased == "shared" else ["0.5"] * units
        layers.append(layer)
    return {
        "network": {"loss": loss or LOSSES[0], "layers": layers},
        "samples": [{"x": ["1"] * sizes[0], "t": ["0"] * sizes[-1]}],
        "training": {"learning_rate": "0.1"},
    }


def _sized(found: list[Statement], notation: str) -> tuple[tuple[int, ...], str] | None:
    """The smallest network, and its bias, that knows the most of the document's names."""
    written = {letters.latex for tree in _trees(found) for letters in letters_in(tree)}
    biases = {"mazur": ["shared"], "uy": ["own"]}.get(notation, [""])
    if biases == [""] and any(name[:1] == "b" for name in written):
        biases = ["", "own"]

    def known(sizes: tuple[int, ...], biased: str) -> int:
        book = _book(_skeleton(sizes, biased), notation)
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
    return None if best is None or best[0] < LEAST_NAMES else best[1:]


def _shapes(notation: str, written: set[str]) -> list[tuple[int, ...]]:
    """Shapes to start from: Mazur's weights are counted, so that each shape is one of its own."""
    most = min(max((int(d) for name in written for d in re.findall(r"\d", name)), default=1), MOST_UNITS)
    if notation == "mazur":
        return list(product(range(1, 4), repeat=3))
    last = 1 if notation == "uy" else most
    deep = any(re.search(r"\^\W*3", name) for name in written)
    return [(most, last), (most, most, last), *([(most, most, most, last)] if deep else [])]


def _book(mapping: dict[str, Any], notation: str) -> Letterbook | None:
    try:
        return Letterbook(load(mapping), notation)
    except ValueError:
        return None


def _trees(found: list[Statement]) -> Iterator[Expression]:
    return (side.tree for statement in found for side in statement.sides if side.tree is not None)


# --- numbers ---


def _values(found: list[Statement], sizes: tuple[int, ...], notation: str, biased: str) -> dict[Quantity, str]:
    """What the document says of each given number; the first thing said counts."""
    book = _book(_skeleton(sizes, biased), notation)
    assert book is not None
    out: dict[Quantity, str] = {}
    formulas: dict[Expression, list[Expression]] = {}  # of each quantity, also from statements before
    for statement in found:
        named = [_named(side.tree, book) for side in statement.sides if side.tree is not None]
        if not named:
            continue
        known = formulas.setdefault(named[0], [])
        for side in named:
            if not is_numeric(side):
                known.append(side)
                continue
            for q, number in [pair for letters in known for pair in _said(letters, side)]:
                if q.kind in ("x", "t", "W", "b", "eta"):
                    out.setdefault(q, number)
    return out


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


def _said(letters: Expression, numbers: Expression) -> list[tuple[Quantity, str]]:
    if isinstance(letters, Matrix) and isinstance(numbers, Matrix):
        mine, theirs = ([e for row in m.rows for e in row] for m in (letters, numbers))
        if len(mine) == len(theirs):
            pairs = [(a, shown_number(b)) for a, b in zip(mine, theirs, strict=True) if isinstance(a, Name)]
            return [(a.quantity, shown.text) for a, shown in pairs if shown]
        return []
    if isinstance(letters, Name):
        shown = shown_number(numbers)
        return [(letters.quantity, shown.text)] if shown else []
    try:
        return [(q, shown.text) for q, shown in put_in(letters, numbers)]
    except OtherShape:
        return []


def _mapping(sizes: tuple[int, ...], values: dict[Quantity, str], biased: str) -> tuple[dict[str, Any], set[str]]:
    """The problem with the numbers that were found, and the names of what was not."""
    out, missing = _skeleton(sizes, biased), set[str]()
    network = load(out).network

    def number(q: Quantity) -> str:
        if q not in values:
            missing.add(names.text(network, q))
        return values.get(q, "0")

    for l, (inputs, units) in enumerate(pairwise(sizes), 1):
        layer = out["network"]["layers"][l - 1]
        rows = range(1, units + 1)
        layer["W"] = [[number(Quantity("W", l, (j, i))) for i in range(1, inputs + 1)] for j in rows]
        if biased == "shared":
            layer["b"] = number(Quantity("b", l))
        elif biased:
            layer["b"] = [number(Quantity("b", l, (j,))) for j in rows]
    sample = out["samples"][0]
    sample["x"] = [number(Quantity("x", 0, (i,))) for i in range(1, sizes[0] + 1)]
    sample["t"] = [number(Quantity("t", 0, (k,))) for k in range(1, sizes[-1] + 1)]
    out["training"]["learning_rate"] = values.get(Quantity("eta"), "0.1")
    if Quantity("eta") not in values:
        missing.add("the learning rate")
    return out, missing


# --- activations and loss ---


def _functions(mapping: dict[str, Any], source: str, notation: str) -> tuple[bool, bool]:
    """Put in the activations and the loss that make most of the document true; whether each made a difference."""
    layers = mapping["network"]["layers"]
    scores: dict[tuple[tuple[str, ...], str], int] = {}
    seen = [f for f in ACTIVATIONS if f in ("sigmoid", "identity") or _HINTS[f] in source.lower()]
    ways = [tuple(way) for way in product(seen, repeat=len(layers))]
    best_way = max(ways, key=lambda way: _true(mapping, source, notation, way, LOSSES[0], scores))
    best_loss = max(LOSSES, key=lambda loss: _true(mapping, source, notation, best_way, loss, scores))
    for layer, activation in zip(layers, best_way, strict=False):
        layer["activation"] = activation
    mapping["network"]["loss"] = best_loss
    of_ways = {scores[way, LOSSES[0]] for way in ways}
    of_losses = {scores[best_way, loss] for loss in LOSSES}
    return len(of_ways) > 1, len(of_losses) > 1


def _true(
    mapping: dict[str, Any],
    source: str,
    notation: str,
    way: tuple[str, ...],
    loss: str,
    scores: dict[tuple[tuple[str, ...], str], int],
) -> int:
    key = (way, loss)
    if key not in scores:
        network = mapping["network"]
        layers = [{**layer, "activation": f} for layer, f in zip(network["layers"], way, strict=False)]
        try:
            problem: Problem = load({**mapping, "network": {"loss": loss, "layers": layers}})
            solution = check_solution(problem, source, notation=notation)
            wrong = solution.count("false") + solution.count("follows")
            scores[key] = solution.count("true") + solution.count("within") - 3 * wrong
        except ValueError:
            scores[key] = -1_000_000
    return scores[key]


# --- the file ---


def _toml(mapping: dict[str, Any], notation: str, missing: list[str]) -> str:
    network, sample = mapping["network"], mapping["samples"][0]
    out = [f"# Proposed from a written solution, which is read in the notation {notation}."]
    if missing:
        listed = ", ".join(missing[:MOST_LISTED]) + (" ..." if len(missing) > MOST_LISTED else "")
        out += [f"# Not found in it: {listed}.", "# Zeros and defaults stand there; fill them in."]
    out += ["", "[network]", f'loss = "{network["loss"]}"']
    for layer in network["layers"]:
        out += ["", "[[network.layers]]", f'activation = "{layer["activation"]}"', f"W = {_numbers(layer['W'])}"]
        if "b" in layer:
            out.append(f"b = {_numbers(layer['b'])}")
    out += ["", "[[samples]]", f"x = {_numbers(sample['x'])}", f"t = {_numbers(sample['t'])}"]
    return "\n".join([*out, "", "[training]", f"learning_rate = {_numbers(mapping['training']['learning_rate'])}"])


def _numbers(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_numbers, value))}]"
    text = str(value)
    return text if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) else f'"{text}"'
