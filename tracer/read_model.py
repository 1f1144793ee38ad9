"""A model as it was read from a framework: dense layers in our orientation, its loss, and what a reader must know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from derivations.activations import ACTIVATIONS
from tracer.fields import known_names
from tracer.loss_conventions import Convention
from tracer.penalties import Penalty
from tracer.problem import ProblemError
from tracer.tensors import Array

__all__ = ["Layer", "Model", "Pair", "Parameter"]

Pair = tuple[Array | None, Array | None]  # of W and of b


@dataclass
class Layer:
    """One dense layer as the framework has it, W already (units, inputs); `source` is where it stands there.

    `frozen`: why W and b have no gradient, "" for those that have.  `linear_above`: where the framework's activation
    returns its argument, inf for nowhere.  `parameters`: the framework's own W and b, where it has such objects.
    """

    W: Array
    b: Array | None
    source: str
    activation: str = ""
    gradients: Pair = (None, None)
    frozen: tuple[str, str] = ("", "")
    linear_above: float = np.inf
    parameters: tuple[object, object] = (None, None)


class Parameter(NamedTuple):
    """One W or b: its name, value, the gradient that the model holds, why it has none, and the framework's object."""

    name: str
    value: Array
    gradient: Array | None
    frozen: str
    own: object


@dataclass
class Model:
    """What was read; `logs` where the outputs are logarithms of what our activation gives.

    `single`: why float64 gradients of this model are good to float32 alone, "" where they are good to float64.
    """

    framework: str
    title: str
    layout: str
    layers: list[Layer] = field(default_factory=list)
    loss: Convention | None = None
    notes: list[str] = field(default_factory=list)
    logs: bool = False
    penalties: list[Penalty] = field(default_factory=list)
    single: str = ""

    def dense(self, layer: Layer) -> None:
        """Add a layer; it is an identity until an activation follows."""
        W, b, source = layer.W, layer.b, layer.source
        for array, letter in ((W, "weight"), (b, "bias")):
            if array is not None and array.dtype not in (np.float32, np.float64):
                raise ProblemError(f"{source}: {letter} is {array.dtype}; convert the model to float32 or float64")
        if self.framework != "arrays" and (W.ndim != 2 or (b is not None and b.shape != W.shape[:1])):
            shapes = f"weight {W.shape}" + ("" if b is None else f", bias {b.shape}")
            raise ProblemError(f"{source}: {shapes} do not fit together; give a matrix and one bias a unit")
        if self.logs:
            raise ProblemError(f"{source}: reads LogSoftmax's outputs; only the loss may do that")
        self.layers.append(layer)

    def activate(self, name: str, source: str) -> None:
        """Give the last layer its activation."""
        if name not in ACTIVATIONS:
            raise ProblemError(f"{source}: activation '{name}' is not known; {known_names(name, tuple(ACTIVATIONS))}")
        if not self.layers:
            raise ProblemError(f"{source}: {name} stands before the first dense layer; begin with a dense layer")
        last = self.layers[-1]
        if last.activation not in ("", "identity") and name != "identity":
            raise ProblemError(
                f"{source}: {name} follows {last.activation} in one layer; leave one out, or put a dense layer between"
            )
        last.activation = last.activation or name if name == "identity" else name

    @property
    def dtypes(self) -> str:
        """The types of the weights."""
        return "/".join(dict.fromkeys(str(layer.W.dtype) for layer in self.layers))

    @property
    def in_float32(self) -> bool:
        """Whether every weight is a float32."""
        return all(layer.W.dtype == np.float32 for layer in self.layers)

    def parameters(self) -> Iterator[Parameter]:
        """Each W and b, in order."""
        for l, layer in enumerate(self.layers, 1):
            each = zip("Wb", (layer.W, layer.b), layer.gradients, layer.frozen, layer.parameters, strict=True)
            for letter, value, gradient, frozen, own in each:
                if value is not None:
                    yield Parameter(f"{letter}{l}", value, gradient, frozen, own)
