r"""A document's own names, one family for each letter: what h_1, h_2 or w_{14}, w_{15} may number.

A family is the names that differ in their numbers alone.  A reading says for each number which quantity it counts:
units of a layer or of all layers, weights one after another, layers as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations

from derivations import names
from derivations.names import Quantity
from derivations.network import Network

__all__ = ["Family", "Reading", "families", "key_of", "readings"]

_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉ₕₒ⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789ho0123456789")
_FONT = re.compile(
    r"\\(?:mathrm|mathbf|mathsf|mathit|mathcal|text|textrm|textit|boldsymbol|bm|vec|operatorname|left|right)(?![A-Za-z])"
)
_CHANGE = re.compile(r"(?:\\Delta|Δ)\s*")
_TARGETS = "true|target|targ|tgt|actual|vrai|real|label|desired|des|obs|gt|ref|expected|esperado|soll|d|t"
_OUTPUTS = "pred|predicted|hat|out|output|model|est|ist"
_WORDS = re.compile(r"(?P<output>[Pp]redict|[Ee]stimat)|(?P<target>[Tt]arget|[Dd]esired|[Ee]xpected|[Tt]rue|[Ll]abel)")
_SAID = re.compile(rf"[yYoOtT](?:(?P<target>{_TARGETS})|(?P<output>{_OUTPUTS}))(?P<index>#?)")
_OF_UNIT = re.compile(r"(?P<kind>w|W|b|net|in|out|a|act)(?P<layer>hidden|hid|h|output|out|o)#?")
SIGNED = ("delta", "dz")
LAYERED = ("a", "z", "delta", "dz", "b", "db", "W", "dW")

Numbers = tuple[int, ...]


@dataclass(frozen=True)
class Reading:
    """What the numbers of a family count: `quantities` by number, a whole array of each where `whole`."""

    about: str
    quantities: dict[Numbers, Quantity]
    sign: int = 1
    whole: bool = False


@dataclass(frozen=True)
class Family:
    """Names that differ in their numbers: `pattern` with # for each, `members` as written with their numbers."""

    pattern: str
    members: dict[str, Numbers]

    def fits(self, reading: Reading) -> bool:
        """Whether every member has a quantity in a reading."""
        return all(self.placed(written, reading) is not None for written in self.members)

    def placed(self, written: str, reading: Reading) -> Quantity | None:
        """The quantity of a member; of 14 also (1, 4)."""
        numbers = self.members[written]
        found = reading.quantities.get(numbers)
        if found is None and len(numbers) == 1 and numbers[0] > 9:
            found = reading.quantities.get(tuple(int(digit) for digit in str(numbers[0])))
        return found

    @property
    def said(self) -> str:
        """The kind that a word says, t of y_{true} and z of y_{pred}, or nothing."""
        found = _SAID.fullmatch(self.pattern) or (len(self.pattern) > 5 and _WORDS.search(self.pattern))
        return "" if not found else "t" if found["target"] else "z"

    def says(self, reading: Reading, depth: int) -> bool:
        """Whether its letters alone say a reading: y_{true}, t_1, x_1, i_1."""
        q = next(iter(reading.quantities.values()), None)
        if q is None or reading.sign < 0:
            return False
        usual = {"t#": "t", "T#": "t", "x#": "x", "i#": "x"}.get(self.pattern)
        unit = _OF_UNIT.fullmatch(self.pattern)
        if unit:
            layer = 1 if unit["layer"][0] == "h" else depth
            kind = {"w": "W", "W": "W", "b": "b"}.get(unit["kind"], "a" if unit["kind"] in ("net", "in") else "z")
            return (
                (q.kind, q.layer) == (kind, layer) and "unit #" not in reading.about and "by layer" not in reading.about
            )
        if self.pattern in ("w#", "W#") and reading.about == "W one after another":
            most = max(n for (n,) in self.members.values())
            return most > 2 or most == len(reading.quantities)
        return q.kind == (self.said or usual) and (q.kind != "z" or ("of" not in reading.about and q.layer > 0))


def key_of(written: str) -> str:
    """A name without fonts, braces and blanks, its subscripts on the line: a_{h_1}, a_h1 and ah₁ are ah1."""
    bare = _FONT.sub("", _CHANGE.sub("", written).translate(_SUBSCRIPTS))
    return re.sub(r"[{}\s_()\[\]]", "", bare)


def families(written: Iterable[str]) -> dict[str, Family]:
    """The families of names, by pattern, in order of appearance."""
    out: dict[str, dict[str, Numbers]] = {}
    for name in written:
        key = key_of(name)
        numbers = tuple(int(n) for n in re.findall(r"\d+", key))
        if all(n < 1000 for n in numbers):
            out.setdefault(re.sub(r"\d+", "#", key), {})[name] = numbers
    return {pattern: Family(pattern, members) for pattern, members in out.items()}


def readings(network: Network) -> Iterator[Reading]:
    """What families of this network may count, the likelier first."""
    for reading in (*_units(network), *_weights(network), *_layers(network)):
        yield reading
        if reading.quantities and next(iter(reading.quantities.values())).kind in SIGNED:
            yield Reading(f"-{reading.about}", reading.quantities, -1, reading.whole)


def _of(network: Network, kind: str, layer: int) -> list[Quantity]:
    if kind in ("b", "db") and network.layer(layer).bias is None:
        return []
    return [q for q in names.elements(network, kind, layer, 1).flat if isinstance(q, Quantity)]


def _units(network: Network) -> Iterator[Reading]:
    places = [("x", 0), ("t", 0), ("E_part", 0), *((kind, l) for l, _ in network for kind in LAYERED[:6])]
    for kind, l in places:
        if kind == "E_part" and network.loss.parts is None:
            continue
        own = _of(network, kind, l)
        about = f"{kind}{l or ''}"
        if len(own) == 1:
            yield Reading(f"{about}", {(): own[0], (1,): own[0]})
        if own and len(own[0].indices) == 1:
            yield Reading(f"{about}[#]", {q.indices: q for q in own})
    outputs = _of(network, "t", 0)
    for first in dict.fromkeys((1, network.sizes[0] + 1)):
        last = first + sum(network.sizes[1:-1])
        yield Reading("t of unit #", {(k,): q for k, q in enumerate(outputs, last)})
    yield Reading("eta", {(): Quantity("eta")})
    yield Reading("E", {(): Quantity("E")})
    for kind in ("a", "z", "delta", "b"):
        for first in dict.fromkeys((1, network.sizes[0] + 1)):
            own = [q for l, _ in network for q in _of(network, kind, l)]
            if own and all(q.indices for q in own):
                yield Reading(f"{kind} of unit #", {(k,): q for k, q in enumerate(own, first)})
        for order in permutations((0, 1)):
            own = [q for l, _ in network for q in _of(network, kind, l) if q.indices]
            yield Reading(f"{kind} by layer and unit", {_put((q.layer, *q.indices), order): q for q in own})


def _put(numbers: Numbers, order: Numbers) -> Numbers:
    return tuple(numbers[k] for k in order)


def _weights(network: Network) -> Iterator[Reading]:
    layers = {l: _of(network, "W", l) for l, _ in network}
    every = [q for own in layers.values() for q in own]
    by_input = [q for own in layers.values() for q in sorted(own, key=lambda q: q.indices[::-1])]
    first = {l: network.sizes[0] + sum(network.sizes[1:l]) for l in layers}  # units before the layer, inputs included
    for l, own in layers.items():
        yield Reading(f"W{l}[#,#]", {q.indices: q for q in own})
        yield Reading(f"W{l} from # to #", {q.indices[::-1]: q for q in own})
        yield Reading(f"W{l} one after another", {(k,): q for k, q in enumerate(own, 1)})
        if len(own) == 1:
            yield Reading(f"W{l}", {(): own[0]})
    yield Reading("W one after another", {(k,): q for k, q in enumerate(every, 1)})
    yield Reading("W one after another, by inputs", {(k,): q for k, q in enumerate(by_input, 1)})
    for turned in (True, False):
        for inputs in (True, False):
            yield Reading("W between units", dict(_between(network, layers, first, turned, inputs)))
    for order in permutations((0, 1, 2)):
        yield Reading("W by layer", {_put((q.layer, *q.indices), order): q for q in every})


def _between(
    network: Network, layers: dict[int, list[Quantity]], first: dict[int, int], turned: bool, inputs: bool
) -> Iterator[tuple[Numbers, Quantity]]:
    """w_{14} from unit 1 to unit 4, units counted through all layers; a bias comes from 0."""
    less = 0 if inputs else network.sizes[0]
    for l, own in layers.items():
        for q in own:
            to, from_ = q.indices[0] + first[l] - less, q.indices[1]
            from_ += first[l] - network.sizes[l - 1] if inputs else 0
            yield ((from_, to) if turned else (to, from_)), q
        for q in _of(network, "b", l):
            if q.indices:
                yield ((0, q.indices[0] + first[l] - less) if turned else (q.indices[0] + first[l] - less, 0)), q


def _layers(network: Network) -> Iterator[Reading]:
    """Whole arrays by their layer, and the biases that layers share."""
    for kind in LAYERED:
        arrays: dict[Numbers, Quantity] = {(l,): own[0] for l, _ in network if (own := _of(network, kind, l))}
        if kind == "z":
            arrays[(0,)] = Quantity("x", 0, (1,))
        yield Reading(f"{kind} of layer #", arrays, 1, True)
        for q in arrays.values():
            yield Reading(f"{kind}{q.layer}", {(): q}, 1, True)
    yield Reading("x", {(): Quantity("x", 0, (1,))}, 1, True)
    yield Reading("t", {(): Quantity("t", 0, (1,))}, 1, True)
