"""What is judged: a network with its numbers, and the forward pass worked again from the definitions of the values.

Letters: a pre-activation, z = h(a), y output, t target (or dE/dy where the loss is given), E loss; samples are
columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64
from derivations.network import Layer, Problem

__all__ = ["Arrays", "Case", "Key", "inside"]

Array = Any
Key = tuple[str, int]
Arrays = dict[Key, Array]


@dataclass(frozen=True)
class Case:
    """One step to judge: parameters by layer (index 0 unused), inputs, targets, and which side of a kink is taken.

    `sides[l]` is True where a unit of layer l counts as above its kink.  `before` is what the optimizer brings from the
    last step (nothing: zeros), `count` the number of the step.
    """

    problem: Problem
    W: tuple[Array, ...]
    b: tuple[Array, ...]
    x: Array
    t: Array
    a: tuple[Array, ...]
    z: tuple[Array, ...]
    sides: Mapping[int, Array] = field(default_factory=dict)
    before: Mapping[Key, Array] = field(default_factory=dict)
    count: int = 1

    @classmethod
    def of(
        cls,
        problem: Problem,
        W: Any,
        b: Any,
        x: Array,
        t: Array,
        *,
        before: Mapping[Key, Array] | None = None,
        count: int = 1,
    ) -> Case:
        """From the numbers a step started with; the forward pass is worked here."""
        a: list[Array] = [None]
        z: list[Array] = [np.asarray(x, float)]
        with np.errstate(all="ignore"):
            for l, layer in problem.network:
                a.append(W[l] @ z[l - 1] + sign(layer) * b[l] if b[l] is not None else W[l] @ z[l - 1])
                z.append(layer.activation.at(FLOAT64, a[l]))
        sides = {l: a[l] > 0 for l, layer in problem.network if layer.activation.kinks}
        return cls(problem, tuple(W), tuple(b), z[0], t, tuple(a), tuple(z), sides, before or {}, count)

    @cached_property
    def L(self) -> int:
        """How many layers there are."""
        return len(self.problem.network)

    @cached_property
    def N(self) -> int:
        """How many samples there are."""
        return int(self.x.shape[1])

    @cached_property
    def share(self) -> float:
        """What each sample counts for in a gradient of the batch: 1, or 1/N where the mean is asked for."""
        return 1 / self.N if self.problem.training.reduction == "mean" and self.N > 1 else 1.0

    def layer(self, l: int) -> Layer:
        """Layer l."""
        return self.problem.network.layer(l)

    def forward(self) -> Arrays:
        """a, z and the loss."""
        out: Arrays = {}
        for l in range(1, self.L + 1):
            out["a", l], out["z", l] = self.a[l], self.z[l]
        parts = self.loss_parts()
        if parts is not None:
            out["E_part", 0] = parts
            out |= self.losses(parts)
        return out

    def loss_parts(self) -> Array:
        """E[k], from a where the loss has such a form."""
        loss, fused = self.problem.network.loss, self.problem.fused
        if loss.parts is None:
            return None
        with np.errstate(all="ignore"):
            if fused:
                return fused.parts(FLOAT64, self.a[self.L], self.t)
            return loss.parts(FLOAT64, self.z[self.L], self.t)

    def losses(self, parts: Array) -> Arrays:
        """E of each sample and of the batch from its parts."""
        each = np.asarray(parts).sum(axis=0)
        out: Arrays = {("E_sample", 0): each} if self.N > 1 else {}
        return out | {("E", 0): each.sum() * self.share}

    def parameters(self, l: int, delta: Array, z: Array | None = None) -> Arrays:
        """dW and db of layer l: delta times what each parameter is multiplied with in a = W z + b."""
        layer = self.layer(l)
        z = self.z[l - 1] if z is None else z
        out: Arrays = {("dW", l): inside(delta, z) * self.share if self.share != 1 else inside(delta, z)}
        if layer.bias is not None:
            axes = (0, 1) if layer.bias.shared else 1
            out["db", l] = sign(layer) * delta.sum(axis=axes, keepdims=True) * self.share
        return out


def inside(delta: Array, z: Array) -> Array:
    """The sum over samples of delta times z; (units, inputs)."""
    return delta * z.T if delta.shape[1] == 1 else delta @ z.T


def sign(layer: Layer) -> float:
    """How the bias enters a: +1, or -1 for a threshold."""
    return -1.0 if layer.bias and layer.bias.letter == "theta" else 1.0
