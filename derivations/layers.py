"""Layers are texts of the language: what `layers = [...]` of a problem file stands for, with the names of its arrays.

Letters: i inputs, j, k ... the units of each layer, n samples, which nobody writes where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from derivations.arithmetic import Arithmetic
from derivations.axes import Arrays
from derivations.backward import Wanted
from derivations.expression import Ref, letter
from derivations.function import FUNCTIONS, Function
from derivations.language import expression, read
from derivations.making import Asked, made
from derivations.network import Problem
from derivations.optimizers import CONSTANTS, NORM, Optimizer, optimizer_of
from derivations.planned import Planned, planned, starting_state
from derivations.rewrites import fused
from derivations.shapes import refs

__all__ = ["Layered", "Place", "layered", "start"]

SAMPLES = "n"


class Place(NamedTuple):
    """What an array of a layered step is called in names of quantities: its kind and layer."""

    kind: str
    layer: int = 0


@dataclass(frozen=True, eq=False)
class Layered(Planned):
    """The step that a network stands for; networks of one shape have the same.

    `places` are the arrays' kinds and layers by name, `names` the other way.
    """

    places: dict[str, Place]
    names: dict[tuple[str, int], str]


class _Shape(NamedTuple):
    """All of a problem that its equations depend on: problems of one shape share their step."""

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    functions: tuple[Function, ...]
    biases: tuple[str, ...]
    loss: str
    parts: str
    samples: int
    mean: bool
    optimizer: Optimizer
    frozen: frozenset[str]
    short: bool


def layered(problem: Problem) -> Layered:
    """The step of a problem with layers; made once for problems of one shape."""
    return _made(_shape(problem))


def _shape(problem: Problem) -> _Shape:
    network, training = problem.network, problem.training
    biases = (layer.bias for _, layer in network)
    return _Shape(
        network.sizes,
        tuple(layer.activation.name for _, layer in network),
        tuple(dict.fromkeys(f for _, layer in network if (f := layer.activation.function) is not None)),
        tuple("" if b is None else b.letter + ("*" if b.shared else "") for b in biases),
        network.loss.name,
        network.loss.equation,
        problem.samples,
        training.reduction == "mean" and problem.samples > 1,
        optimizer_of(training),
        _frozen(problem),
        problem.fused is not None,
    )


def _frozen(problem: Problem) -> frozenset[str]:
    """The parameters that keep their values: those named, and the biases where they are not updated."""
    training = problem.training
    biases = (f"{layer.bias.letter}{l}" for l, layer in problem.network if layer.bias and not training.update_biases)
    return frozenset((*training.frozen, *biases))


def unit_letters(count: int) -> list[str]:
    """The letters of inputs and of each layer's units."""
    return ["i", "j", "k", "l", "g", "h", "f", "e", "d", "c", *(f"u{l}" for l in range(10, count))][:count]


@lru_cache(maxsize=256)
def _made(shape: _Shape) -> Layered:
    parameters = _parameters(shape)
    wanted = _wanted(shape, tuple(parameters))
    asked = Asked(
        {**_samples(shape), **parameters},
        wanted,
        optimizer=shape.optimizer,
        frozen=shape.frozen,
        short=(lambda back, forward: fused(back, forward, wanted.names)) if shape.short else None,
        unwritten=frozenset({SAMPLES} if shape.samples == 1 else ()),
        typed=False,
    )
    own = {f.name: f for f in shape.functions}
    step = made(read("\n".join(_lines(shape)), 3 * len(shape.sizes) + 3, own), asked)
    ready, places = planned(step, keeping_digits=shape.short), dict(_places(shape))
    return Layered(**vars(ready), places=places, names={place: name for name, place in places.items()})


def _parameters(shape: _Shape) -> dict[str, tuple[int, ...]]:
    """The sizes of W1, b1 (or theta1), W2 ...; a bias of the whole layer is one number."""
    out: dict[str, tuple[int, ...]] = {}
    for l, b in enumerate(shape.biases, 1):
        out[f"W{l}"] = (shape.sizes[l], shape.sizes[l - 1])
        if b:
            out[f"{b.rstrip('*')}{l}"] = () if b.endswith("*") else (shape.sizes[l],)
    return out


def _samples(shape: _Shape) -> dict[str, tuple[int, ...]]:
    """The sizes of what the samples bring: x, and the targets or the signals from outside."""
    out: dict[str, tuple[int, ...]] = {"x": (shape.sizes[0], shape.samples)}
    if not shape.parts:
        out["signal"] = (shape.sizes[-1], shape.samples)
    elif "t" in {r.name for r in refs(expression(shape.parts))}:
        out["t"] = (shape.sizes[-1], shape.samples)
    return out


def _wanted(shape: _Shape, parameters: tuple[str, ...]) -> Wanted:
    """Every signal has a line, in the names that files and sheets use; of a loss outside, the last one is given."""
    layers = range(1, len(shape.activations) + 1)
    names = {"dx": "dz0"}
    for l in layers:
        names |= {f"da{l}": f"delta{l}", f"slope_z{l}": f"slope{l}", f"J_z{l}": f"J{l}"}
    outside = Ref("signal", (letter(unit_letters(len(shape.sizes))[-1]), letter(SAMPLES)))
    return Wanted(
        parameters,
        ("x",),
        names=names,
        mean_over=SAMPLES if shape.mean else "",
        jacobians=True,
        always=frozenset(f"{kind}{l}" for kind in "az" for l in layers),
        given={} if shape.parts else {f"z{layers[-1]}": outside},
    )


def start(problem: Problem, m: Arithmetic) -> Arrays:
    """The arrays that a problem's step starts from, by name, in an arithmetic; of machine numbers made once."""
    known = problem.starts if m.floating else {}
    if m.name not in known:
        known[m.name] = _start(problem, m)
    return dict(known[m.name])


def _start(problem: Problem, m: Arithmetic) -> Arrays:
    own = layered(problem)
    out: Arrays = {"x": m.lift(problem.x)}
    if problem.signals is not None:
        out["t" if problem.network.loss.needs == "t" else "signal"] = m.lift(problem.signals)
    for l, layer in problem.network:
        out[own.names["W", l]] = m.lift(layer.W)
        if layer.b is not None:
            column = m.lift(layer.b)
            out[own.names["b", l]] = column[0, 0] if layer.bias and layer.bias.shared else column[:, 0]
    return {**out, **starting_state(own.step, problem.training, out, m)}


def _lines(shape: _Shape) -> Iterator[str]:
    """The forward equations of a network as text."""
    letters = unit_letters(len(shape.sizes))
    n, below = SAMPLES, f"x[i,{SAMPLES}]"
    for l, (h, b) in enumerate(zip(shape.activations, shape.biases, strict=True), 1):
        i, j = letters[l - 1], letters[l]
        sign, p = ("-" if b.startswith("theta") else "+"), b.rstrip("*")
        bias = f" {sign} {p}{l}" + ("" if b.endswith("*") else f"[{j}]") if b else ""
        yield f"a{l}[{j},{n}] = Σ_{i} W{l}[{j},{i}]*{below}{bias}"
        below = f"z{l}[{j},{n}]"
        alone = h in FUNCTIONS or any(h == f.name for f in shape.functions)
        yield f"{below} = {h if alone else f'{h}_{j}'}(a{l}[{j},{n}])"
    if not shape.parts:
        return
    k = letters[-1]
    yield f"E_part[{k},{n}] = {_put(shape.parts, below, k)}"
    if shape.samples == 1:
        yield f"E = Σ_{n} Σ_{k} E_part[{k},{n}]"
        return
    yield f"E_sample[{n}] = Σ_{k} E_part[{k},{n}]"
    yield f"E = {f'mean_{n}(E_sample[{n}])' if shape.mean else f'Σ_{n} E_sample[{n}]'}"


def _put(parts: str, y: str, k: str) -> str:
    """A loss's part for output k: y and t with their indices."""
    put = {"y": y, "t": f"t[{k},{SAMPLES}]", "|k|": f"|{k}|"}
    return re.sub(r"\by\b|\bt\b|\|k\|", lambda found: put[found[0]], parts)


def _places(shape: _Shape) -> Iterator[tuple[str, Place]]:
    """Each array's kind and layer, from what its name is made of."""
    L = len(shape.activations)
    for kind in ("x", "t", "E_part", "E_sample", "E", NORM, *CONSTANTS):
        yield kind, Place(kind)
    yield "signal", Place("signal", L)
    yield "dz0", Place("dz", 0)
    for l, b in enumerate(shape.biases, 1):
        for kind in ("a", "z", "slope", "J", "dz", "delta"):
            yield f"{kind}{l}", Place(kind, l)
        for letter_, p in (("W", "W"), (b.rstrip("*"), "b")):
            if letter_:
                name = f"{letter_}{l}"
                yield name, Place(p, l)
                yield f"d{name}", Place(f"d{p}", l)
                yield f"{name}_new", Place(f"{p}_new", l)
                yield f"g{name}", Place(f"g{p}", l)
                for state in "vm":
                    yield f"{state}{name}", Place(f"{state}{p}", l)
                    yield f"{state}{name}_hat", Place(f"{state}{p}_hat", l)
                    yield f"{state}{name}_before", Place(f"{state}{p}_before", l)
