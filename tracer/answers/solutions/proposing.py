"""A problem file proposed from a written solution: what it says of the network, and what it does not say.

Numbers come from where they are stated (`W = [...]`, `x_1 = 1`) and from where they are put into a formula
(`w_1 i_1 + w_2 i_2 = 0.15 * 0.05 + 0.2 * 0.1`); sizes from the largest indices; the letters, the activations and the
loss from the relations that they make true.  Nothing is invented: what is not found stands beside its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

from derivations import names
from derivations.names import Quantity
from derivations.network import Problem
from derivations.reading.documents import notebook_text
from derivations.reading.statements import Statement
from tracer.answers.solutions.document import Document
from tracer.answers.solutions.sizing import book_of, sized, skeleton
from tracer.answers.solutions.solution import Solution, read_document
from tracer.answers.solutions.stated import Said, Stated, stated
from tracer.answers.solutions.stated import turned as with_turned
from tracer.problem import as_problem

__all__ = ["Proposal", "propose"]

MOST_LISTED = 12
MOST_SIGNS = 220
"""Signs of relations that are read of a document: what it says of the network stands at its beginning."""
MOST_SIDES, MOST_WAYS = 700, 16  # sides checked to tell functions apart, in all ways together; of one reading
ACTIVATIONS = ("sigmoid", "tanh", "relu", "identity")
_HINTS = {"tanh": "tanh", "relu": "max"}
LOSSES = ("half_squared_error", "squared_error", "binary_cross_entropy")
NOTATIONS = ("mazur", "bishop", "nielsen", "ng", "uy")
TO_FROM = ("bishop", "nielsen", "ng")
_WEIGHT = re.compile(r"([wW](?:\s*+\^\s*+(?:\{[^{}]*+\}|\w))?\s*+_\s*+\{?\s*+)(\d)(\s*+,?\s*+)(\d)")
_COMMANDS, _NAMES = re.compile(r"\\[A-Za-z]+|exp|log|ln|tanh|e(?=\s*\^)"), re.compile(r"[A-Za-z]")
NO_NETWORK = (
    "no network is to be seen in it; name its weights, such as w_{11}^{(1)} = 0.1, or write the problem with "
    "`bptrace new 2-2-1`"
)


@dataclass
class Proposal:
    """A problem file's text, the notation the solution is written in, and what was not found.

    `notes` say what contradicts, what could not be placed, and what was read in one of several ways.
    """

    text: str
    notation: str
    missing: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())


@dataclass
class _Reading:
    """The document read in one notation, perhaps with the indices of weights turned."""

    document: Document
    hints: frozenset[str]  # functions of which the document speaks
    notation: str
    sizes: tuple[int, ...]
    biased: str
    known: int  # names
    said: Stated
    turned: bool = False
    activations: tuple[str, ...] = ()
    loss: str = LOSSES[0]
    open_layers: tuple[int, ...] = ()  # those of which the document does not tell the activation, from 0
    open_loss: bool = False
    score: int = 0
    solution: Solution | None = None
    judged_to: int = 0  # the line from which on its functions are not looked for; 0 where they are in all of it
    alike: tuple[str, ...] = ()  # notations that fit as well and lead to other activations

    @property
    def false(self) -> int:
        """How many of its relations do not hold in the network that it makes."""
        return self.solution.count("false") + self.solution.count("follows") if self.solution else 0

    @property
    def placed(self) -> int:
        """How many numbers have their place, less those that fit nowhere or contradict."""
        return len(self.said.values) - 2 * len(self.said.unplaced + self.said.contradictions)


def propose(text: str) -> Proposal:
    """The problem that a written solution works on.  Raises ValueError where there is no network to be seen."""
    source = notebook_text(text) if text.lstrip().startswith("{") and '"cells"' in text else text
    readings = list(_readings(source, turned=False))
    if not any(r.said.values for r in readings):
        raise ValueError(NO_NETWORK)
    best = _best(readings)
    if best.said.unplaced or best.said.contradictions or best.false:
        turned = list(_readings(_WEIGHT.sub(r"\1\4\3\2", source), turned=True))
        best = _clearer(best, _best(turned)) if turned else best
    return _proposal(best)


def _clearer(plain: _Reading, turned: _Reading) -> _Reading:
    """The reading with indices turned where it places more, or leaves at most half as much false."""
    mine, other = (plain.known, plain.placed), (turned.known, turned.placed)
    return turned if other > mine or (other == mine and 2 * turned.false <= plain.false and plain.false) else plain


def _readings(source: str, *, turned: bool) -> Iterator[_Reading]:
    """The document in each notation that knows enough of its names."""
    document = Document.of(source, MOST_SIGNS)
    hints = frozenset(f for f in ACTIVATIONS if f not in _HINTS or _HINTS[f] in source.lower())
    found = [with_turned(s) for s in document.statements] if turned else document.statements
    for notation in NOTATIONS:
        fits = sized(found, notation)
        if fits:
            yield _Reading(document, hints, notation, *fits, _stated(found, *fits[:2], notation), turned)


def _stated(found: Sequence[Statement], sizes: tuple[int, ...], biased: str, notation: str) -> Stated:
    book = book_of(skeleton(sizes, biased), notation)
    assert book is not None
    return stated(found, book)


def _best(readings: Sequence[_Reading]) -> _Reading:
    """Of those that know most names and place most numbers the one that makes most of the document true."""
    most = max((r.known, r.placed) for r in readings)
    near = [r for r in readings if (r.known, r.placed) == most]
    sides = MOST_SIDES // sum(len(_ways(r)) + len(LOSSES) - 1 for r in near)
    for reading in near:
        if reading.solution is None:
            _functions(reading, sides)
    best = max(near, key=lambda r: (r.score, -sum(r.sizes)))
    alike = [r for r in near if (r.score, r.sizes) == (best.score, best.sizes)]
    as_good = [r for r in alike if r.activations != best.activations]
    if as_good:
        best.alike = tuple(dict.fromkeys(r.notation for r in (best, *as_good)))
        ways = zip(*(r.activations for r in (best, *as_good)), strict=True)
        open_layers = {l for l, way in enumerate(ways) if len(set(way)) > 1} | set(best.open_layers)
        best.open_layers = tuple(sorted(open_layers))
    return best


# --- activations and loss ---


def _ways(reading: _Reading) -> list[tuple[str, ...]]:
    """The activations that its layers may have; where these are many ways, hidden layers have the same."""
    layers, seen = len(reading.sizes) - 1, [f for f in ACTIVATIONS if f in reading.hints]
    if len(seen) ** layers <= MOST_WAYS:
        return list(product(seen, repeat=layers))
    return [(*[hidden] * (layers - 1), output) for hidden, output in product(seen, repeat=2)]


def _functions(reading: _Reading, sides: int) -> None:
    """Put in the activations and the loss that make most of the document true, and say which it does not tell apart.

    sides: how many sides of its relations are checked for it.
    """
    mapping, missing = _mapping(reading)
    layers = len(reading.sizes) - 1
    letters = bool(missing.keys() - {"eta", "t"})  # the zeros for what is missing tell no function from another
    whole, reading.document = reading.document, reading.document.first(sides)
    if len(whole.statements) > len(reading.document.statements):
        reading.judged_to = whole.statements[len(reading.document.statements)].sides[0].line
    found = {way: _checked(mapping, reading, way, LOSSES[0]) for way in _ways(reading)}
    ways = {way: _score(solution, letters=letters) for way, solution in found.items()}
    first = max(ways, key=lambda way: ways[way])
    solutions = {loss: _checked(mapping, reading, first, loss) for loss in LOSSES[1:]}
    solutions = {LOSSES[0]: found[first], **solutions}
    losses = {loss: _score(solution, letters=letters) for loss, solution in solutions.items()}
    reading.activations, reading.loss = first, max(LOSSES, key=lambda name: losses[name])
    reading.solution, reading.score = solutions[reading.loss], losses[reading.loss]
    as_good = [way for way in ways if ways[way] == ways[first]]
    reading.open_layers = tuple(l for l in range(layers) if len({way[l] for way in as_good}) > 1)
    reading.open_loss = list(losses.values()).count(reading.score) > 1


def _checked(mapping: dict[str, Any], reading: _Reading, way: tuple[str, ...], loss: str) -> Solution | None:
    network = mapping["network"]
    layers = [{**layer, "activation": f} for layer, f in zip(network["layers"], way, strict=True)]
    try:
        problem: Problem = as_problem({**mapping, "network": {"loss": loss, "layers": layers}})
        return read_document(problem, reading.document, notation=reading.notation).solution()
    except ValueError:
        return None


def _score(solution: Solution | None, *, letters: bool) -> int:
    """How much of the document is true, of the relations in letters alone or of all."""
    if solution is None:
        return -1_000_000
    counted = [r.verdict for r in solution.relations if not letters or _NAMES.search(_COMMANDS.sub("", r.right))]
    return sum(v.right for v in counted) - 3 * sum(v.verdict in ("false", "follows") for v in counted)


# --- the file ---


def _mapping(reading: _Reading) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The problem with the numbers that were found, and by place the names of what was not."""
    out = skeleton(reading.sizes, reading.biased)
    network, values = as_problem(out).network, reading.said.values
    missing: dict[str, list[str]] = {}

    def number(place: str, q: Quantity) -> str:
        if q not in values:
            missing.setdefault(place, []).append(names.text(network, q))
        return values.get(q, Said("0", 0)).number

    for l, (inputs, units) in enumerate(pairwise(reading.sizes), 1):
        layer = out["network"]["layers"][l - 1]
        rows, columns = range(1, units + 1), range(1, inputs + 1)
        layer["W"] = [[number(f"W{l} {j}", Quantity("W", l, (j, i))) for i in columns] for j in rows]
        if reading.biased == "shared":
            layer["b"] = number(f"b{l}", Quantity("b", l))
        elif reading.biased:
            layer["b"] = [number(f"b{l}", Quantity("b", l, (j,))) for j in rows]
    sample = out["samples"][0]
    sample["x"] = [number("x", Quantity("x", 0, (i,))) for i in range(1, reading.sizes[0] + 1)]
    sample["t"] = [number("t", Quantity("t", 0, (k,))) for k in range(1, reading.sizes[-1] + 1)]
    rate = values.get(Quantity("eta"))
    out["training"]["learning_rate"] = rate.number if rate else "0.1"
    if not rate:
        missing["eta"] = ["the learning rate"]
    return out, missing


def _proposal(reading: _Reading) -> Proposal:
    mapping, missing = _mapping(reading)
    mapping["network"]["loss"] = reading.loss
    for layer, activation in zip(mapping["network"]["layers"], reading.activations, strict=True):
        layer["activation"] = activation
    for l in reading.open_layers:
        missing[f"activation{l + 1}"] = [f"the activation of layer {l + 1}"]
    if reading.open_loss:
        missing["loss"] = ["the loss"]
    absent = tuple(sorted(name for own in missing.values() for name in own))
    notes = tuple(_notes(reading))
    return Proposal("\n".join(_toml(mapping, missing, reading, absent, notes)), reading.notation, absent, notes)


def _notes(reading: _Reading) -> Iterator[str]:
    """What else a person has to know before the file is used."""
    sizes = "-".join(map(str, reading.sizes))
    yield f"sizes {sizes}: the largest indices and arrays that stand in it"
    if reading.document.left_out:
        yield reading.document.left_out
    if reading.judged_to:
        yield f"activations and loss are told from the relations above line {reading.judged_to}"
    if reading.turned:
        yield "w_{12} is read as the weight from unit 1 to unit 2, a row of W as the weights from one input"
    elif reading.notation in TO_FROM and any(q.kind == "W" for q in reading.said.values):
        yield "w_{12} is read as the weight to unit 1 from unit 2, a row of W as the weights to one unit"
    if reading.alike:
        yield f"the letters fit the notations {', '.join(reading.alike)} alike"
    for told in (reading.said.contradictions, reading.said.unplaced):
        prefix = "not placed: " if told is reading.said.unplaced else "the first counts: "
        yield from (f"{prefix}{line}" for line in dict.fromkeys(told[:MOST_LISTED]))
        yield from [f"{len(told) - MOST_LISTED} more of these"] if len(told) > MOST_LISTED else []
    false = reading.false
    if false and not (_mapping(reading)[1].keys() - {"eta"}):  # what is missing makes false by itself
        yield f"{false} relation{'s are' if false > 1 else ' is'} false in this network; `bptrace check` says which"


def _toml(
    mapping: dict[str, Any],
    missing: dict[str, list[str]],
    reading: _Reading,
    absent: Sequence[str],
    notes: Sequence[str],
) -> Iterator[str]:
    network, sample = mapping["network"], mapping["samples"][0]
    yield f"# Proposed from a written solution, which is read in the notation {reading.notation}."
    yield from (f"# Note: {note}." for note in notes)
    if absent:
        listed = ", ".join(absent[:MOST_LISTED]) + (" ..." if len(absent) > MOST_LISTED else "")
        yield from (f"# Not found in it: {listed}.", "# Zeros and defaults stand there; fill them in.")
    yield from ("", "[network]", f'loss = "{network["loss"]}"{_beside(missing.get("loss", []))}')
    for l, layer in enumerate(network["layers"], 1):
        yield from (
            "",
            "[[network.layers]]",
            f'activation = "{layer["activation"]}"{_beside(missing.get(f"activation{l}", []))}',
        )
        yield from _weights(layer["W"], [missing.get(f"W{l} {j}", []) for j in range(1, len(layer["W"]) + 1)])
        if "b" in layer:
            yield f"b = {_numbers(layer['b'])}{_beside(missing.get(f'b{l}', []))}"
    yield from ("", "[[samples]]")
    yield from (f"{key} = {_numbers(sample[key])}{_beside(missing.get(key, []))}" for key in ("x", "t"))
    yield from ("", "[training]")
    yield f"learning_rate = {_numbers(mapping['training']['learning_rate'])}{_beside(missing.get('eta', []))}"


def _weights(rows: list[list[str]], missing: list[list[str]]) -> Iterator[str]:
    if not any(missing):
        yield f"W = {_numbers(rows)}"
        return
    yield "W = ["
    yield from (f"  {_numbers(row)},{_beside(absent)}" for row, absent in zip(rows, missing, strict=True))
    yield "]"


def _beside(absent: Any) -> str:
    """The comment beside a place that waits for numbers."""
    listed = ", ".join(absent)
    return f"  # not found: {listed}" if listed else ""


def _numbers(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_numbers, value))}]"
    text = str(value)
    return text if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) else f'"{text}"'
