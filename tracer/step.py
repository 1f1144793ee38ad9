"""The rules run on numbers: one step, every quantity through one recording point, names made when read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

from derivations import names, rules
from derivations.arithmetic import FLOAT64, Arithmetic
from derivations.names import KINDS, Quantity
from derivations.network import Problem

__all__ = ["Step", "after", "run_step"]

Array = Any

# glibc gives the top of its heap back whenever more than twice the largest block ever mapped is free there;
# a step of 784-30-10 then pays for 100 page faults, each time.  One larger block, freed at once, ends that.
np.empty(1 << 22, np.uint8)


class Step:
    """One forward/backward/update step: every recorded array, in the order of calculation.

    `arrays[kind, layer]` are as computed, samples as columns; `inputs` are what the step started from.  Read by name
    through `tracer.trace`.  `sample` and `step` are the marks of the names: `@sample` where each sample has a network
    of its own, `#step` from the second step on.
    """

    def __init__(
        self, problem: Problem, m: Arithmetic, state: rules.State, arrays: dict[tuple[str, int], Array]
    ) -> None:
        self.problem, self.m, self.state, self.arrays = problem, m, state, arrays
        self.sample, self.step = 0, state.count

    @cached_property
    def inputs(self) -> dict[tuple[str, int], Array]:
        """Parameters, samples and the learning rate, shaped as inside."""
        s = self.state
        out: dict[tuple[str, int], Array] = {("x", 0): s.x}
        if s.t is not None and s.network.loss.needs == "t":
            out["t", 0] = s.t
        for l, layer in s.network:
            for p in layer.parameters:
                out[p, l] = getattr(s, p)[l]
        for letter in names.CONSTANTS:
            if getattr(s, letter) is not None:
                out[letter, 0] = getattr(s, letter)
        for (kind, l), array in s.before.items():
            out[f"{kind}#before", l] = array
        return out

    def quantities(self, kind: str, layer: int) -> Any:
        """The names' quantities of one array, in its shape."""
        return names.elements(self.problem.network, kind, layer, self.problem.samples, self.sample, self.step)

    def items(self) -> Iterator[tuple[Quantity, Any]]:
        """(quantity, value) of everything recorded, in the order of calculation; sample after sample."""
        for (kind, layer), array in self.arrays.items():
            yield from self.entries(kind, layer, array)

    def entries(self, kind: str, layer: int, array: Array) -> Iterator[tuple[Quantity, Any]]:
        """(quantity, value) of one array."""
        quantities, array = self.quantities(kind, layer), np.asarray(array)
        if KINDS[kind].sampled and array.ndim > 1:
            quantities, array = np.moveaxis(quantities, -1, 0), np.moveaxis(array, -1, 0)
        yield from zip(quantities.flat, array.flat, strict=True)

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


def run_step(
    problem: Problem,
    m: Arithmetic = FLOAT64,
    start: rules.Start | None = None,
    *,
    count: int = 1,
    keep: Callable[[str, int, Array], Array] | None = None,
    rules_: rules.Rules = rules.RULES,
) -> Step:
    """One step in the arithmetic m; `keep(kind, layer, array)` returns what is carried on (rounded, replaced)."""
    arrays: dict[tuple[str, int], Array] = {}
    if keep is None:

        def record(kind: str, layer: int, array: Array) -> Array:
            arrays[kind, layer] = array
            return array
    else:
        rounded = keep

        def record(kind: str, layer: int, array: Array) -> Array:
            array = rounded(kind, layer, array)
            arrays[kind, layer] = array
            return array

    with m.working():
        state = rules.State(problem, m, start, count)
        rules.run(state, record, rules_)
    return Step(problem, m, state, arrays)


def after(step: Step) -> rules.Start:
    """What the next step starts from: updated parameters, the optimizer's new state, the same samples."""
    s = step.state
    before = {(kind, l): getattr(s, kind)[l] for kind, l in s.before}
    constants = {letter: getattr(s, letter) for letter in names.CONSTANTS}
    return rules.Start(s.W_new, s.b_new, s.x, s.t, constants, before)
