"""The trace of a network of layers: quantities by kind and layer, samples as columns, in any notation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any

import numpy as np

from derivations import names
from derivations.aliases import Aliases
from derivations.formulas import equations, givens
from derivations.given import as_float
from derivations.names import CONSTANTS, KINDS, UnknownName
from derivations.network import Problem
from derivations.notation import BISHOP, notation_of
from derivations.quantity import Quantity
from tracer.rounding import Rounding, bounds
from tracer.step import WorkedStep
from tracer.traces.base import Trace, WorkedLine

__all__ = ["LayeredTrace", "headings"]


class LayeredTrace(Trace):
    """Every number of one step of a network.

    `trace["delta1"]` is an array, (units,) or for a batch (samples, units).
    """

    problem: Problem
    steps: tuple[WorkedStep, ...]

    def name(self, q: Quantity) -> str:
        """The name of a number, as it is printed."""
        return names.text(self.problem.network, q)

    def read(self, name: str) -> Quantity:
        """The number, or whole array, that a name stands for.  Raises UnknownName."""
        return self._aliases.read(name).quantity

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        """What the step started from: x, t, W, b and the constants, by name."""
        network = self.problem.network
        out: dict[str, Any] = {}
        in_turn = self.problem.training.samples == "in_turn"
        for step in self.steps:
            for kind, layer, quantities in givens(step.problem, sample=step.sample, step=step.step):
                carried = kind in ("W", "b") and in_turn and step is not self.steps[0]
                if (kind, layer) in step.inputs and not carried:
                    pairs = zip(quantities.flat, np.asarray(step.inputs[kind, layer]).flat, strict=True)
                    out |= {names.text(network, q): self.number(v) for q, v in pairs}
            out |= {letter: self.number(step.inputs[letter, 0]) for letter in CONSTANTS if (letter, 0) in step.inputs}
        return MappingProxyType(out)

    def __getitem__(self, name: str) -> Any:
        """A number, or a whole array, by name.  Raises UnknownName (a KeyError) with near names."""
        if not isinstance(name, str):
            raise TypeError(f"a trace is indexed by a name such as 'dW1[1,2]' or 'delta1', not by {name!r}")
        meaning = self._aliases.read(name)
        factor = as_float(meaning.multiple) * float(self.inputs["eta"]) ** meaning.eta_power
        value = self._value(meaning.quantity, name)
        return value if factor == 1.0 else value * factor + 0.0  # no -0

    def _value(self, q: Quantity, name: str) -> Any:
        for step in self.steps:
            mark = step.step == q.step and (step.problem.samples > 1 or step.sample == q.sample)
            if q.kind == "E_sample" and step.problem.samples == 1:
                q = q._replace(kind="E")  # a step of one sample has no loss but that sample's
            if mark and ((q.kind, q.layer) in step.arrays or (q.kind, q.layer) in step.inputs):
                return self._entry(step, q, name)
        if q.sample and self.problem.training.samples == "in_turn" and self.problem.samples > 1:
            raise UnknownName(
                f"'{name}': samples go in turn, so sample {q.sample} is step {q.sample}; write #{q.sample}"
            )
        near = [n for n in self.values if n.startswith(names.text(self.problem.network, q).split("@")[0].split("#")[0])]
        raise UnknownName(
            f"'{name}' is not recorded in this trace" + (f"; near: {', '.join(near[:3])}" if near else "")
        )

    def _entry(self, step: WorkedStep, q: Quantity, name: str) -> Any:
        array = step.array(q.kind, q.layer)
        per_sample = KINDS[q.kind].sampled and step.problem.samples > 1
        if per_sample and q.sample:
            array = array[q.sample - 1]
        elif per_sample and q.indices:
            raise UnknownName(f"'{name}' is not one number in a batch; name the sample too, such as {name}@1")
        value = array[tuple(i - 1 for i in q.indices)] if q.indices else array
        return np.vectorize(self.number)(value) if isinstance(value, np.ndarray) else self.number(value)

    @cached_property
    def _aliases(self) -> Aliases:
        return Aliases(self.problem.network, self.problem.samples, self.problem.names)

    @cached_property
    def shown(self) -> Mapping[Quantity, str]:
        """The finished text of every number, given and recorded: the one that all tables print."""
        out: dict[Quantity, str] = {}
        for step in self.steps:
            for kind, layer, quantities in givens(step.problem, sample=step.sample, step=step.step):
                out |= self._given_texts(step, kind, layer, quantities)
            for letter, given in step.problem.training.constants_of(step.step).items():
                out[Quantity(letter, step=step.step)] = given.shown().item()
            for q, value in step.items():
                out[q] = self._rounded.get(q) or self.rounding.shown(value)
            for (kind, l), before in step.before.items():
                earlier = names.elements(step.problem.network, kind, l, 1, step.sample, step.step - 1)
                out |= {
                    q: self.rounding.shown(v) for q, v in zip(earlier.flat, before.flat, strict=True) if q not in out
                }
        return out

    def _given_texts(self, step: WorkedStep, kind: str, layer: int, quantities: Any) -> dict[Quantity, str]:
        if kind in ("x", "t", "dz"):
            given = step.problem.x if kind == "x" else step.problem.signals
        else:
            given = getattr(step.problem.network.layer(layer), kind)
        if step.step > 1 and kind in ("W", "b"):
            before = (q._replace(kind=f"{kind}_new", step=step.step - 1) for q in quantities.flat)
            values = np.asarray(step.inputs[kind, layer]).flat
            return {
                q: self._rounded.get(earlier) or self.rounding.shown(value)
                for q, earlier, value in zip(quantities.flat, before, values, strict=True)
            }
        assert given is not None
        texts = given.shown().flat if given.texts else map(Rounding().shown, given.floats.flat)
        return dict(zip(quantities.flat, texts, strict=True))

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know: where a number is not finite and why, which names were reread."""
        out = [f"'{name}' is read as the problem's [names] has it" for name in self._aliases.clashes]
        if self.problem.network.loss.targets == "0..1" and self.problem.signals is not None:
            t = self.problem.signals.floats
            if t.min() < 0 or t.max() > 1:
                out.append(f"a target outside 0 to 1 is no probability; {self.problem.network.loss.name} is for those")
        for step in self.steps:
            out += list(_not_finite(self.problem, step))
        return tuple(out)

    def letters(self, notation: str, *, latex: bool) -> Callable[[Quantity], str]:
        """How names are written, in our letters or in a notation's."""
        if not notation:
            return partial(BISHOP.latex, self.problem.network) if latex else self.name
        known = notation_of(self.problem, notation)
        if latex:
            return partial(known.latex, self.problem.network)
        from derivations.letters import letters_of

        return letters_of(self.problem, notation).text

    def lines(self, most: int | None = None) -> Iterator[WorkedLine]:
        """Every equation in the order of calculation; of a network all of them, whatever `most` says."""
        several, in_turn = len(self.steps) > 1, self.problem.training.samples == "in_turn"
        for k, step in enumerate(self.steps, 1):
            part = (f"Step {step.step}, sample {k}" if in_turn else f"Sample {step.sample}") if several else ""
            for q, formula in equations(step.problem, sample=step.sample, step=step.step):
                yield WorkedLine(part, KINDS[q.kind].stage, q, formula)

    @property
    def headings(self) -> tuple[str, ...]:
        """The title, the network, the training: a line each."""
        return headings(self.problem)


def headings(problem: Problem) -> tuple[str, ...]:
    """The title, the network, the training: a line each."""
    layers = ", ".join(layer.activation.name for layer in problem.network.layers)
    samples = f"; {problem.samples} samples" if problem.samples > 1 else ""
    training = problem.training
    shape = "-".join(map(str, problem.network.sizes))
    lines = [
        *([problem.title] if problem.title else []),
        f"{shape} network: {layers}; {problem.network.loss.name}{samples}",
        f"learning rate {training.learning_rate.shown().item()}, {_optimizer(problem)}",
    ]
    return tuple("".join(c if c.isprintable() else " " for c in line) for line in lines)


def _optimizer(problem: Problem) -> str:
    """The optimizer with its constants, and how several samples are combined."""
    training = problem.training
    words = training.words
    if problem.samples == 1:
        return words
    ways = {"together": f"{training.reduction} over the batch", "in_turn": "samples in turn", "apart": "samples apart"}
    return f"{words}; {ways[training.samples]}"


def _not_finite(problem: Problem, step: WorkedStep) -> Iterator[str]:
    """One note for the first quantities that are not finite, and how many follow from them."""
    faulty = [(q, v) for q, v in step.items() if bounds(v)[0] is None] if _any_fault(step) else []
    for q, _ in faulty[:1]:
        name = names.text(problem.network, q)
        loss = problem.network.loss
        at_loss = q.kind.startswith("E") or (q.kind == "dz" and q.layer == len(problem.network))
        why = f"{loss.name} needs {loss.domain}" if at_loss else "the numbers have grown too large"
        more = f", and {len(faulty) - 1} more" if len(faulty) > 1 else ""
        yield f"{name} is not finite in {step.m.name}{more} (null in JSON): {why}"


def _any_fault(step: WorkedStep) -> bool:
    if step.m.floating:
        return not all(np.isfinite(array).all() for array in step.arrays.values())
    return True
