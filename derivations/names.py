"""The quantities of a step and their text names: `a1[1]`, `dW2[1,2]`, `delta1[2]@3`, `E#2`.

A name is stem, layer, suffix, [indices], @sample, #step; layers and indices count from 1.  Samples appear only where
there are several, steps only from the second on.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from derivations.network import Network
from derivations.quantity import Quantity

__all__ = ["KINDS", "Kind", "Quantity", "UnknownName", "elements", "entries", "read_name", "resolve", "shape", "text"]


class Kind(NamedTuple):
    """How a kind of quantity is named and indexed.

    `axes` are its indices: j units, i inputs of the layer, k outputs, m units again; `sampled` kinds have a value for
    each sample; `layered` kinds carry a layer number.  `meaning` is for people, `stage` is where a step computes it.
    """

    stem: str
    suffix: str
    axes: str
    sampled: bool
    layered: bool
    stage: str
    meaning: str


CONSTANTS = {
    "eta": "learning rate",
    "mu": "momentum",
    "beta1": "decay of the first moment",
    "beta2": "decay of the second moment",
    "epsilon": "epsilon beside the root",
    "rho": "decay of the mean square",
    "lambda": "weight decay",
    "clip": "where gradients are clipped",
}


def _kinds() -> Iterator[tuple[str, Kind]]:
    yield "x", Kind("x", "", "i", True, False, "given", "input")
    yield "t", Kind("t", "", "k", True, False, "given", "target")
    for letter, meaning in CONSTANTS.items():
        yield letter, Kind(letter, "", "", False, False, "given", meaning)
    yield "W", Kind("W", "", "ji", False, True, "given", "weight to unit j from unit i")
    yield "b", Kind("b", "", "b", False, True, "given", "bias")
    yield "a", Kind("a", "", "j", True, True, "forward", "pre-activation W z + b")
    yield "z", Kind("z", "", "j", True, True, "forward", "activation h(a)")
    yield "E_part", Kind("E", "", "k", True, False, "forward", "the part of the loss from output k")
    yield "E_sample", Kind("E", "", "", True, False, "forward", "loss of one sample")
    yield "E", Kind("E", "", "", False, False, "forward", "loss")
    yield "dz", Kind("dz", "", "j", True, True, "backward", "dE/dz, the signal from the next layer")
    yield "slope", Kind("slope", "", "j", True, True, "backward", "h'(a)")
    yield "J", Kind("J", "", "jm", True, True, "backward", "softmax's Jacobian dz[k]/da[m]")
    yield "delta", Kind("delta", "", "j", True, True, "backward", "error signal dE/da")
    yield "dW", Kind("dW", "", "ji", False, True, "backward", "dE/dW")
    yield "db", Kind("db", "", "b", False, True, "backward", "dE/db")
    yield "norm", Kind("norm", "", "", False, False, "update", "the length of all gradients together")
    for p, axes, what in (("W", "ji", "weight"), ("b", "b", "bias")):
        yield f"g{p}", Kind(f"g{p}", "", axes, False, True, "update", f"gradient of the {what}, clipped or with decay")
        yield f"m{p}", Kind(f"m{p}", "", axes, False, True, "update", f"first moment of the {what}'s gradient")
        yield f"v{p}", Kind(f"v{p}", "", axes, False, True, "update", f"velocity or second moment of the {what}")
        yield f"m{p}_hat", Kind(f"m{p}", "_hat", axes, False, True, "update", "first moment, bias corrected")
        yield f"v{p}_hat", Kind(f"v{p}", "_hat", axes, False, True, "update", "second moment, bias corrected")
        yield f"{p}_new", Kind(p, "_new", axes, False, True, "update", f"{what} after the update")


KINDS: dict[str, Kind] = dict(_kinds())
"""Every kind of quantity, in the order of calculation."""

_BY_NAME = {(k.stem, k.suffix): name for name, k in KINDS.items() if not name.startswith("E")}


class UnknownName(KeyError, ValueError):
    """A name that the network at hand does not have.  The message says which names are near."""

    def __str__(self) -> str:
        return str(self.args[0])


def stem(network: Network, kind: str, layer: int) -> str:
    """The letter as this layer writes it: a threshold's b is theta."""
    letters = KINDS[kind].stem
    bias = network.layer(layer).bias if layer and letters.endswith("b") else None
    return letters[:-1] + bias.letter if bias else letters


def text(network: Network, q: Quantity) -> str:
    """The text name of a quantity."""
    kind = KINDS[q.kind]
    layer = str(q.layer) if kind.layered else ""
    index = f"[{','.join(map(str, q.indices))}]" if q.indices else ""
    sample = f"@{q.sample}" if q.sample else ""
    step = f"#{q.step}" if q.step > 1 and q.kind not in CONSTANTS else ""
    return f"{stem(network, q.kind, q.layer)}{layer}{kind.suffix}{index}{sample}{step}"


def shape(network: Network, kind: str, layer: int) -> tuple[int, ...]:
    """How many of each index a kind has: (units, inputs) for dW."""
    units = network.sizes[layer] if KINDS[kind].layered else network.sizes[-1]
    if KINDS[kind].axes == "i":
        return (network.sizes[0],)
    if KINDS[kind].axes == "b":
        bias = network.layer(layer).bias
        return () if bias is None or bias.shared else (units,)
    return {"": (), "j": (units,), "k": (units,), "jm": (units, units)}.get(
        KINDS[kind].axes, (units, network.sizes[layer - 1])
    )


def elements(network: Network, kind: str, layer: int, samples: int, sample: int = 0, step: int = 1) -> Any:
    """The quantities of one recorded array, as an object array of the same shape (columns are samples; E is 0-d).

    `sample` names them all as that sample's (where each sample has a network of its own).
    """
    extents = shape(network, kind, layer)
    per_sample = KINDS[kind].sampled
    columns = samples if per_sample else 1
    out = np.empty((*extents, columns), object)
    for place in np.ndindex(out.shape):
        own = place[-1] + 1 if per_sample and samples > 1 else sample
        out[place] = Quantity(kind, layer, tuple(i + 1 for i in place[:-1]), own, step)
    if KINDS[kind].axes == "b" and not extents:
        return out.reshape(1, 1)
    if per_sample or KINDS[kind].axes == "b":
        return out
    return out[..., 0] if extents else out.reshape(())


# --- reading ---

_NAME = re.compile(
    r"(?P<stem>[A-Za-z]+?)(?P<layer>\d{0,4})(?P<suffix>_new|_hat|)"
    r"(?:\[(?P<index>\d{1,6}(?:,\d{1,6})*)\]|_(?P<digits>\d{1,4})|_(?P<pair>\d{1,6}_\d{1,6})|)"
    r"(?P<suffix_last>_new|_hat|)(?:@(?P<sample>\d{1,7}))?(?:\#(?P<step>\d{1,9}))?",
    re.ASCII,
)


def read_name(network: Network, samples: int, written: str) -> Quantity:
    """The quantity, or (without indices) the whole array, that a name stands for.

    Understands `dW1[1,2]`, `dW1_12`, `dW1_1_2`, quotes and spaces, `x1` for `x[1]`, and y for the last layer's z.
    Raises UnknownName, with near names, for what this network does not have.
    """
    quantity = find_name(network, samples, written)
    if quantity is None:
        raise UnknownName(unknown(written, all_names(network)))
    return quantity


def find_name(network: Network, samples: int, written: str) -> Quantity | None:
    """What `read_name` reads, None where it would raise."""
    name = _bare(written)
    if name in CONSTANTS:
        return Quantity(name)
    found = _NAME.fullmatch(name)
    quantity = _quantity(network, samples, found) if found else None
    return quantity if quantity and _exists(network, samples, quantity) else None


QUOTES = ("'", '"', "`")


def _bare(written: str) -> str:
    name = "".join(written.split())
    return name[1:-1] if name[:1] in QUOTES and name[:1] == name[-1:] else name  # z1[1]' is another thing


def resolve(network: Network, samples: int, written: str) -> list[Quantity]:
    """The quantities a name stands for, in reading order: one, or all of a whole array."""
    return entries(network, read_name(network, samples, written))


def entries(network: Network, q: Quantity) -> list[Quantity]:
    """A quantity, or all of a whole array in reading order."""
    extents = shape(network, q.kind, q.layer)
    if q.indices or not extents:
        return [q]
    return [q._replace(indices=tuple(i + 1 for i in place)) for place in np.ndindex(*extents)]


def _quantity(network: Network, samples: int, found: re.Match[str]) -> Quantity | None:
    letters, layer = found["stem"], int(found["layer"] or 0)
    suffix = found["suffix"] or found["suffix_last"]
    index = tuple(int(i) for i in (found["index"] or "").split(",") if i)
    if found["pair"]:
        index = tuple(map(int, found["pair"].split("_")))
    if letters == "y":
        letters, layer, index = "z", len(network), index or ((layer,) if layer else ())
    kind = "E" if letters == "E" else _BY_NAME.get((re.sub("theta$", "b", letters), suffix))
    if kind is None or (found["suffix"] and found["suffix_last"]):
        return None
    axes = len(shape(network, kind, layer)) if _has(network, kind, layer) else 0
    if found["digits"]:
        index = tuple(map(int, found["digits"])) if axes == 2 else (int(found["digits"]),)
    sample, step = int(found["sample"] or 0), int(found["step"] or 1)
    if kind == "E":
        index = index or ((layer,) if layer else ())
        kind, layer = ("E_part" if index else "E_sample" if sample else "E"), 0
    elif not KINDS[kind].layered and layer and not index:
        index, layer = (layer,), 0  # x1 is x[1]
    q = Quantity(kind, layer, index, sample, step)
    return q if _has(network, kind, layer) and letters in (stem(network, kind, layer), "y", "E", "z") else None


def _has(network: Network, kind: str, layer: int) -> bool:
    k = KINDS[kind]
    if not k.layered:
        return layer == 0 and not (k.stem == "E" and network.loss.parts is None)
    if not (0 if kind == "dz" else 1) <= layer <= len(network):
        return False
    if layer and k.stem.endswith("b"):
        return network.layer(layer).bias is not None
    if kind in ("slope", "J"):
        return network.layer(layer).activation.elementwise == (kind == "slope")
    return True


def _exists(network: Network, samples: int, q: Quantity) -> bool:
    extents = shape(network, q.kind, q.layer)
    if q.indices and (
        len(q.indices) != len(extents) or any(not 1 <= i <= n for i, n in zip(q.indices, extents, strict=True))
    ):
        return False
    return q.step >= 1 and q.sample <= samples


LIKE = "z1[1], dW2[1,2], delta1[2], E"
"""Names as people may write them."""


def unknown(written: str, known: Iterable[str], like: str = LIKE) -> str:
    """What is said of a name that this network does not have, with near ones of those it has, or with some like it."""
    return f"{_quoted(written)} is not a quantity of this network{_near(_bare(written), known, like)}"


def _near(name: str, known: Iterable[str], like: str) -> str:
    if re.search(r"\[(?:[^\[\]]{0,60},)?0[],]", name):
        return "; indices count from 1"
    bare = re.split("[@#]", name)[0][:40]
    near = difflib.get_close_matches(bare, dict.fromkeys(known), n=3, cutoff=0.6)
    return f"; near: {', '.join(near)}" if near else f"; names look like {like}"


def all_names(network: Network, most: int = 3000) -> tuple[str, ...]:
    """The names that a one-sample step of this network can have, `most` of them at the most."""
    return tuple(text(network, q) for q in all_quantities(network, most))


def all_quantities(network: Network, most: int = 3000) -> tuple[Quantity, ...]:
    """The quantities that a one-sample step of this network can have, `most` of them at the most."""

    def each() -> Iterable[Quantity]:
        for kind, k in KINDS.items():
            for layer in range(len(network) + 1) if k.layered else (0,):
                if _has(network, kind, layer):
                    yield from elements(network, kind, layer, 1).flat if layer or not k.layered or kind == "dz" else ()

    return tuple(q for q, _ in zip(each(), range(most), strict=False))


def _quoted(written: str) -> str:
    clean = "".join(c if c.isprintable() else "?" for c in written[:60])
    return f"'{clean}'"
