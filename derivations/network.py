"""A dense network with its given numbers, and one training step to be worked on it: checked once, here.

Layers count from 1 to L; layer l has `sizes[l]` units and reads `sizes[l - 1]`; `sizes[0]` is the number of inputs.
Inside, vectors are columns: W[l] is (units, inputs), b[l] (units, 1) or (1, 1), x and t (units, samples).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from derivations.activations import Activation
from derivations.given import Given
from derivations.losses import Fusion, Loss

__all__ = ["BiasForm", "Layer", "Network", "Problem", "Training"]

MOST_NUMBERS = 2_000_000
LATER = {"later": True}
"""Of fields that earlier versions did not have: a digest of a problem leaves them out where they say nothing."""


@dataclass(frozen=True)
class BiasForm:
    """How a layer's bias is written: one a unit or one for the layer, added (b) or taken away (theta, a threshold)."""

    letter: str = "b"
    shared: bool = False


@dataclass(frozen=True)
class Layer:
    """One layer: its weights (units, inputs), its activation, its bias if it has one."""

    activation: Activation
    W: Given
    b: Given | None = None
    bias: BiasForm | None = None

    @property
    def units(self) -> int:
        """How many units the layer has."""
        return self.W.shape[0]

    @property
    def inputs(self) -> int:
        """How many numbers each unit reads."""
        return self.W.shape[1]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The kinds of parameter the layer has: ("W",) or ("W", "b"), a threshold counting as b."""
        return ("W",) if self.b is None else ("W", "b")


@dataclass(frozen=True)
class Network:
    """Layers and a loss."""

    layers: tuple[Layer, ...]
    loss: Loss

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[tuple[int, Layer]]:
        """(l, layer) from the first to the last."""
        return iter(enumerate(self.layers, 1))

    def layer(self, l: int) -> Layer:
        """Layer l, counting from 1."""
        return self.layers[l - 1]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, then the units of each layer: (3, 2, 2)."""
        return (self.layers[0].inputs, *(layer.units for layer in self.layers))

    @property
    def fusion(self) -> Fusion | None:
        """How the loss and the last activation combine into one delta, None where they do not."""
        return self.loss.fused.get(self.layers[-1].activation.name)


@dataclass(frozen=True)
class Training:
    """How the parameters are updated: the optimizer, its constants, and how samples are combined.

    momentum: v = mu v - eta g, W + v (classical) or v = mu v + (1 - mu) g, W - eta v (ema); nesterov and adam as in
    torch, Adam's epsilon outside the root (Kingma & Ba 2015, algorithm 1).  `epsilon_inside`: under the root.
    `clipping` says what of the gradients is
    cut off at `clip`: "value" each entry, "norm" the length of all.  `rates` are the learning rates of the first steps,
    the last one stays.  `frozen` parameters keep their values.  `state` is what the first step finds in place of zeros,
    by name (vW1, mu), and `count` the number that it has for the optimizer.
    """

    learning_rate: Given
    optimizer: str = "sgd"
    momentum: Given | None = None
    momentum_form: str = "classical"
    beta1: Given | None = None
    beta2: Given | None = None
    epsilon: Given | None = None
    epsilon_inside: bool = field(default=False, metadata=LATER)
    rho: Given | None = field(default=None, metadata=LATER)
    weight_decay: Given | None = field(default=None, metadata=LATER)
    clip: Given | None = field(default=None, metadata=LATER)
    clipping: str = field(default="", metadata=LATER)
    rates: tuple[Given, ...] = field(default=(), metadata=LATER)
    frozen: tuple[str, ...] = field(default=(), metadata=LATER)
    state: tuple[tuple[str, Given], ...] = field(default=(), metadata=LATER)
    count: int = field(default=1, metadata=LATER)
    update_biases: bool = True
    reduction: str = "sum"
    samples: str = "together"

    @property
    def constants(self) -> dict[str, Given]:
        """The constants of the optimizer that are given, by their letters in the equations."""
        every = {
            "eta": self.learning_rate,
            "mu": self.momentum,
            "beta1": self.beta1,
            "beta2": self.beta2,
            "epsilon": self.epsilon,
            "rho": self.rho,
            "lambda": self.weight_decay,
            "clip": self.clip,
        }
        return {letter: number for letter, number in every.items() if number is not None}

    def constants_of(self, step: int) -> dict[str, Given]:
        """The constants in a step, counting from 1."""
        return {**self.constants, "eta": self.rates[min(step, len(self.rates)) - 1]} if self.rates else self.constants

    def counts(self, step: int) -> int:
        """The number that a step of a run has for the optimizer."""
        return self.count + step - 1

    def before(self, name: str, at: tuple[int, ...]) -> str:
        """An entry of what the first step finds of the optimizer's state, as it is written."""
        known = dict(self.state).get(name)
        return "0" if known is None else str(known.shown()[tuple(i - 1 for i in at)])

    @property
    def words(self) -> str:
        """The optimizer with its constants."""
        constants = (self.momentum, self.rho, self.beta1, self.beta2, self.epsilon)
        words = " ".join([self.optimizer, *(str(c.shown().item()) for c in constants if c is not None)])
        words += " (ema)" if self.momentum_form == "ema" else ""
        words += f", weight decay {self.weight_decay.shown().item()}" if self.weight_decay else ""
        return words + (f", gradients clipped by {self.clipping} at {self.clip.shown().item()}" if self.clip else "")


@dataclass(frozen=True, repr=False)
class Problem:
    """A network, its samples as columns, and how to train it.

    `signals` holds what each sample brings beside x: the targets t, or dE/dy where the loss is `given`.
    """

    network: Network
    x: Given
    signals: Given | None
    training: Training
    title: str = ""
    names: tuple[tuple[str, str, str], ...] = ()  # (their name, our quantity, their LaTeX or "")
    sheet: tuple[tuple[str, object], ...] = ()
    marking: tuple[tuple[str, object], ...] = ()

    def __repr__(self) -> str:
        shape = "-".join(map(str, self.network.sizes))
        return f"<Problem {self.title or shape!r}: {shape}, {self.network.loss.name}, {self.samples} samples>"

    @cached_property
    def starts(self) -> dict[str, dict[str, Any]]:
        """The arrays that the step starts from, by arithmetic, kept once they are made: no step writes into one."""
        return {}

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return self.x.shape[1]

    def sample(self, k: int) -> Problem:
        """The same problem with sample k alone, counting from 1; its delta goes the way of the whole step."""

        def column(given: Given) -> Given:
            return given.turned(lambda a: a[:, k - 1 : k])

        own = replace(self, x=column(self.x), signals=None if self.signals is None else column(self.signals))
        if self.fused is None:
            own.__dict__["fused"] = None  # y - t holds for this sample, but the step cannot use it for all of them
        return own

    @property
    def turns(self) -> tuple[Problem, ...]:
        """The same problem with each sample alone."""
        return tuple(self.sample(k) for k in range(1, self.samples + 1))

    @cached_property
    def fused(self) -> Fusion | None:
        """The fused output delta where it holds for these targets, else None."""
        fusion = self.network.fusion
        if fusion and fusion.targets_sum_to_one and not self._targets_sum_to_one():
            return None
        return fusion

    def _targets_sum_to_one(self) -> bool:
        assert self.signals is not None
        if set(self.signals.floats.flat) <= {0.0, 1.0}:
            return bool((self.signals.floats.sum(axis=0) == 1).all())
        from derivations.given import fraction

        return all(sum(map(fraction, column)) == 1 for column in self.signals.exact().T)
