"""Where mistakes are possible: questions about a problem and one of its layers, never about a number."""

from __future__ import annotations

import re

from derivations.network import Problem
from tracer.marking.slips.slip import Where

__all__ = [
    "above_another",
    "batch",
    "below_curved",
    "biased",
    "counted",
    "curved",
    "elementwise",
    "following",
    "function",
    "fused",
    "hidden",
    "inputs",
    "loss",
    "not_first",
    "not_fused",
    "of_size",
    "one_at_a_time",
    "one_output",
    "optimizer",
    "other_function",
    "output",
    "own_biases",
    "several_inputs",
    "several_steps",
    "several_units",
    "shared_bias",
    "some_inputs",
    "some_units",
    "square",
    "three_units",
    "units",
]

FEW = 8
"""Units of which each may be taken for the next."""


def output(problem: Problem, l: int) -> bool:
    """The last layer."""
    return l == len(problem.network)


def hidden(problem: Problem, l: int) -> bool:
    """Any layer but the last."""
    return l < len(problem.network)


def updated_at_once(problem: Problem, l: int) -> bool:
    """A layer may be updated before the signal below it is worked; not where all gradients are needed first."""
    return problem.training.clipping != "norm"


def above_another(problem: Problem, l: int) -> bool:
    """Any layer but the first."""
    return l > 1


def biased(problem: Problem, l: int) -> bool:
    """A layer with biases or thresholds."""
    return problem.network.layer(l).bias is not None


def own_biases(problem: Problem, l: int) -> bool:
    """A layer with a bias for each of several units."""
    bias = problem.network.layer(l).bias
    return bias is not None and not bias.shared and units(problem, l) > 1


def shared_bias(problem: Problem, l: int) -> bool:
    """A layer whose several units share one bias."""
    bias = problem.network.layer(l).bias
    return bias is not None and bias.shared and units(problem, l) > 1


def units(problem: Problem, l: int) -> int:
    """How many units the layer has."""
    return problem.network.layer(l).units


def inputs(problem: Problem, l: int) -> int:
    """How many numbers each unit reads."""
    return problem.network.layer(l).inputs


def three_units(problem: Problem, l: int) -> bool:
    """Three units or more: of two, half is the mean, and one slip is enough."""
    return units(problem, l) > 2


def one_output(problem: Problem, l: int) -> bool:
    """A network with one output."""
    return problem.network.sizes[-1] == 1


def several_units(problem: Problem, l: int) -> bool:
    """More than one unit."""
    return units(problem, l) > 1


def following(entry: str, letter: str, count: int) -> str:
    """Text: in the place of each of so many entries the one after it, in that of the last the first."""
    return " + ".join(f"[{letter} = {k}]*{entry.format(k % count + 1)}" for k in range(1, count + 1))


def not_first(problem: Problem, l: int) -> bool:
    """A layer that reads units, not the inputs."""
    return l > 1


def some_inputs(problem: Problem, l: int) -> bool:
    """Three inputs or a few more: of two, the next one is the other one."""
    return 2 < inputs(problem, l) <= FEW


def some_units(problem: Problem, l: int) -> bool:
    """Three units or a few more."""
    return 2 < units(problem, l) <= FEW


def several_inputs(problem: Problem, l: int) -> bool:
    """More than one input."""
    return inputs(problem, l) > 1


def square(problem: Problem, l: int) -> bool:
    """As many units as inputs, so that W can be transposed unnoticed."""
    return units(problem, l) == inputs(problem, l) > 1


def elementwise(problem: Problem, l: int) -> bool:
    """Any activation but softmax."""
    return problem.network.layer(l).activation.elementwise


def curved(problem: Problem, l: int) -> bool:
    """Elementwise, and not the identity, whose slope is 1."""
    return elementwise(problem, l) and problem.network.layer(l).activation.name != "identity"


def sloped(problem: Problem, l: int) -> bool:
    """Elementwise, with a slope that is not the same everywhere: neither the identity nor a step."""
    return elementwise(problem, l) and bool(re.search(r"\b[az]\b", problem.network.layer(l).activation.formulas[1]))


def below_curved(problem: Problem, l: int) -> bool:
    """Above a layer whose activation changes what it gets."""
    return l > 1 and problem.network.layer(l - 1).activation.name != "identity"


def function(*names: str) -> Where:
    """A layer with one of these activations."""
    return lambda problem, l: problem.network.layer(l).activation.name in names


def other_function(*names: str) -> Where:
    """A layer with none of these activations."""
    return lambda problem, l: problem.network.layer(l).activation.name not in names


def loss(*names: str) -> Where:
    """The last layer under one of these losses."""
    return lambda problem, l: output(problem, l) and problem.network.loss.name in names


def counted(problem: Problem, l: int) -> bool:
    """The last layer, unless dE/dy is given and there is no loss to work out."""
    return output(problem, l) and problem.network.loss.parts is not None


def fused(problem: Problem, l: int) -> bool:
    """The last layer where loss and activation give delta = y - t."""
    return output(problem, l) and problem.fused is not None


def not_fused(problem: Problem, l: int) -> bool:
    """The last layer where delta goes by the slope."""
    return output(problem, l) and problem.fused is None


def of_size(other: int) -> Where:
    """A layer with as many units as the layer `other` away has: -1 below, 1 above, 0 for the network's outputs."""

    def same(problem: Problem, l: int) -> bool:
        k = len(problem.network) if other == 0 else l + other
        return k != l and 0 <= k <= len(problem.network) and units(problem, l) == problem.network.sizes[k]

    return same


def batch(problem: Problem, l: int) -> bool:
    """Several samples worked together."""
    return problem.samples > 1 and problem.training.samples == "together"


def one_at_a_time(problem: Problem, l: int) -> bool:
    """Each step has one sample."""
    return not batch(problem, l)


def several_steps(problem: Problem, l: int) -> bool:
    """Several steps, one for each sample: what the optimizer remembers counts from the second one on."""
    return problem.samples > 1 and problem.training.samples == "in_turn"


def optimizer(*names: str) -> Where:
    """One of these optimizers; `ema` is momentum in its averaging form, `momentum` the classical one."""

    def used(problem: Problem, l: int) -> bool:
        training = problem.training
        ema = training.optimizer == "momentum" and training.momentum_form == "ema"
        return ("ema" if ema else training.optimizer) in names

    return used
