"""A layered step worked in numbers: every array through one recording point, names made when they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

from derivations import names
from derivations.arithmetic import FLOAT64, Arithmetic
from derivations.axes import Arrays
from derivations.layers import Layered, layered, start
from derivations.names import KINDS
from derivations.network import Problem
from derivations.planned import counted, mark
from derivations.quantity import Quantity

__all__ = ["WorkedStep", "run_step"]

# glibc gives the top of its heap back whenever more than twice the largest block ever mapped is free there;
# a step of 784-30-10 then pays for 100 page faults, each time.  One larger block, freed at once, ends that.
np.empty(1 << 22, np.uint8)


class WorkedStep:
    """One forward/backward/update step: every recorded array, in the order of calculation.

    `arrays[kind, layer]` are as computed, samples as columns, biases as a column; `given` are the arrays that the step
    started from and `known` all of them, by their names in the equations.  Read by name through `tracer.trace`.
    `sample` and `step` are the marks of the names: `@sample` where each sample has a network of its own, `#step` from
    the second step on.
    """

    def __init__(
        self, problem: Problem, m: Arithmetic, given: Arrays, known: Arrays, arrays: dict[tuple[str, int], Any]
    ) -> None:
        self.problem, self.m, self.given, self.known, self.arrays = problem, m, given, known, arrays
        self.sample, self.step = 0, mark(problem.training, given)

    @cached_property
    def inputs(self) -> dict[tuple[str, int], Any]:
        """Parameters, samples, constants and (as `vW#before`) the optimizer's state, shaped as inside."""
        own, out = layered(self.problem), dict[tuple[str, int], Any]()
        for name, array in self.given.items():
            if name in own.places and own.places[name].kind != "signal":
                kind, layer = own.places[name]
                out[kind.replace("_before", "#before"), layer] = _column(array) if _is_bias(kind) else array
        return out

    def by_layer(self, kind: str) -> list[Any]:
        """A parameter's arrays by layer, counting from 1; None where a layer has none."""
        return [self.inputs.get((kind, l)) for l in range(len(self.problem.network) + 1)]

    @property
    def before(self) -> dict[tuple[str, int], Any]:
        """The optimizer's state that the step started from, by kind and layer."""
        return {(k.removesuffix("#before"), l): a for (k, l), a in self.inputs.items() if k.endswith("#before")}

    @property
    def following(self) -> Arrays:
        """What the next step starts from: updated parameters, the optimizer's new state, the same samples."""
        carried = {name: self.known[after] for name, after in layered(self.problem).carried}
        return {**self.given, **carried, **counted(self.problem.training, self.step + 1, self.m)}

    def quantities(self, kind: str, layer: int) -> Any:
        """The names' quantities of one array, in its shape."""
        return names.elements(self.problem.network, kind, layer, self.problem.samples, self.sample, self.step)

    def items(self) -> Iterator[tuple[Quantity, Any]]:
        """(quantity, value) of everything recorded, in the order of calculation; sample after sample."""
        for (kind, layer), array in self.arrays.items():
            yield from self.entries(kind, layer, array)

    def entries(self, kind: str, layer: int, array: Any) -> Iterator[tuple[Quantity, Any]]:
        """(quantity, value) of one array."""
        quantities, array = self.quantities(kind, layer), np.asarray(array)
        if KINDS[kind].sampled and array.ndim > 1:
            quantities, array = np.moveaxis(quantities, -1, 0), np.moveaxis(array, -1, 0)
        yield from zip(quantities.flat, array.flat, strict=True)

    def replace(self, each: Callable[[Quantity, Any], Any]) -> None:
        """Other numbers in place of those recorded: what is shown of them."""
        for (kind, layer), recorded in self.arrays.items():
            array = np.asarray(recorded, object)
            out = np.empty(array.shape, object)
            for place, q in np.ndenumerate(self.quantities(kind, layer)):
                out[place] = each(q, array[place])
            self.arrays[kind, layer] = out if array.ndim else out[()]

    def array(self, kind: str, layer: int) -> Any:
        """One array as people index it: (units,), (units, inputs); for a batch (samples, units)."""
        array = self.arrays[kind, layer] if (kind, layer) in self.arrays else self.inputs[kind, layer]
        if not isinstance(array, np.ndarray):
            return array
        k = KINDS[kind]
        if kind == "E_sample":
            return array
        if k.sampled:
            return array[..., 0] if array.shape[-1] == 1 else np.moveaxis(array, -1, 0)
        if k.axes == "b":
            return array[:, 0] if names.shape(self.problem.network, kind, layer) else array[0, 0]
        return array


Keep = Callable[[str, int, Any], Any]


def run_step(
    problem: Problem, m: Arithmetic = FLOAT64, given: Arrays | None = None, *, keep: Keep | None = None
) -> WorkedStep:
    """One step in the arithmetic m; `keep(kind, layer, array)` returns what is carried on (rounded, replaced).

    given: what the step starts from, the problem's own numbers if it is not said.
    """
    own = layered(problem)
    given = start(problem, m) if given is None else given
    arrays: dict[tuple[str, int], Any] = {}
    record = _recording(own, arrays, keep)
    with m.working():
        known = own.program(by_definition=m.by_definition).run(m, given, record)
    return WorkedStep(problem, m, given, known, arrays)


def _recording(own: Layered, arrays: dict[tuple[str, int], Any], keep: Keep | None) -> Callable[[str, Any], Any]:
    places = own.places

    def record(name: str, array: Any) -> Any:
        kind, layer = place = places[name]
        bias = _is_bias(kind)
        shown = _column(array) if bias else array
        if keep is None:
            arrays[place] = shown
            return array
        arrays[place] = shown = keep(kind, layer, shown)
        return (shown[:, 0] if isinstance(array, np.ndarray) else shown[0, 0]) if bias else shown

    return record


def _is_bias(kind: str) -> bool:
    return kind in _BIASES


_BIASES = {kind for kind, k in KINDS.items() if k.axes == "b"} | {"vb_before", "mb_before"}


def _column(array: Any) -> Any:
    """Biases as a column; one for the whole layer is a single entry."""
    if isinstance(array, np.ndarray) and array.ndim:
        return array.reshape(-1, 1)
    out = np.empty((1, 1), array.dtype if isinstance(array, np.generic) else object)
    out[0, 0] = array
    return out
