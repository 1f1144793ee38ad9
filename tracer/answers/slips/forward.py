"""Slips on the way forward: the pre-activation a = W z + b and the activation z = h(a)."""

from __future__ import annotations

from typing import Any

from derivations.activations import ACTIVATIONS
from derivations.rules import State
from tracer.answers.slips.places import (
    above_another,
    batch,
    below_curved,
    biased,
    curved,
    function,
    inputs,
    other_function,
    own_biases,
    several_inputs,
    several_units,
    square,
)
from tracer.answers.slips.slip import Mistake, Rule, Where, mistakes

__all__ = ["ACTIVATION", "PRE_ACTIVATION", "absolute"]

Array = Any


def absolute(s: State, v: Array) -> Array:
    """|v|, in operations that every arithmetic can also write."""
    return s.m.sqrt(s.m.square(v))


def _with_bias(s: State, l: int, total: Array) -> Array:
    return total if s.b[l] is None else _plus(s, l, total, s.b[l])


def _plus(s: State, l: int, total: Array, b: Array) -> Array:
    """A bias added, or a threshold taken away."""
    bias = s.network.layer(l).bias
    return total - b if bias is not None and bias.letter == "theta" else total + b


def _from(s: State, l: int, z: Array) -> Array:
    """The pre-activation from another input."""
    return _with_bias(s, l, s.W[l] @ z)


def _sum_without(s: State, l: int, j: int) -> Array:
    W, z = s.W[l].T, s.z[l - 1]
    parts = [W[part].T @ z[part] for part in (slice(0, j), slice(j + 1, None)) if len(z[part])]
    return _with_bias(s, l, parts[0] if len(parts) == 1 else parts[0] + parts[1])


def _minus_bias(s: State, l: int) -> Array:
    bias, total = s.network.layer(l).bias, s.W[l] @ s.z[l - 1]
    return total + s.b[l] if bias is not None and bias.letter == "theta" else total - s.b[l]


def _same_size_as_inputs(problem: Any, l: int) -> bool:
    return l > 1 and inputs(problem, l) == problem.network.sizes[0]


_a = mistakes("a", "pre_activation")

PRE_ACTIVATION: tuple[Mistake, ...] = (
    _a(
        "drop_term",
        each=lambda problem, l: inputs(problem, l) if inputs(problem, l) > 1 else 0,
        pre_activation=_sum_without,
    ),
    _a(
        "double_term",
        each=lambda problem, l: inputs(problem, l) if inputs(problem, l) > 1 else 0,
        pre_activation=lambda s, l, k: _from(s, l, s.z[l - 1]) + s.W[l].T[k : k + 1].T @ s.z[l - 1][k : k + 1],
    ),
    _a(
        "no_bias",
        biased,
        pre_activation=lambda s, l: s.W[l] @ s.z[l - 1],
        source="mattm/simple-neural-network#5",
    ),
    _a("bias_sign", biased, pre_activation=_minus_bias),
    _a("wrong_bias", own_biases, pre_activation=lambda s, l: _plus(s, l, s.W[l] @ s.z[l - 1], s.b[l][::-1])),
    _a(
        "bias_each_term",
        biased,
        several_inputs,
        pre_activation=lambda s, l: _plus(s, l, s.W[l] @ s.z[l - 1], len(s.z[l - 1]) * s.b[l]),
    ),
    _a("transposed_weights", square, pre_activation=lambda s, l: _with_bias(s, l, s.W[l].T @ s.z[l - 1])),
    _a("wrong_unit_weights", several_units, pre_activation=lambda s, l: _with_bias(s, l, s.W[l][::-1] @ s.z[l - 1])),
    _a("swapped_inputs", several_inputs, pre_activation=lambda s, l: _from(s, l, s.z[l - 1][::-1])),
    _a(
        "one_input_for_all",
        each=lambda problem, l: inputs(problem, l) if inputs(problem, l) > 1 else 0,
        pre_activation=lambda s, l, k: _from(s, l, s.m.ones_like(s.z[l - 1]) * s.z[l - 1][k : k + 1]),
        source="one unit's activation stands in two terms of a sum: w5 h1 + w6 h1",
    ),
    _a("no_weights", pre_activation=lambda s, l: _with_bias(s, l, s.m.ones_like(s.W[l]) @ s.z[l - 1])),
    _a(
        "mean_of_terms",
        several_inputs,
        pre_activation=lambda s, l: _with_bias(s, l, s.W[l] @ s.z[l - 1] / len(s.z[l - 1])),
    ),
    _a("weight_signs_lost", pre_activation=lambda s, l: _with_bias(s, l, absolute(s, s.W[l]) @ s.z[l - 1])),
    _a("uses_pre_activation", below_curved, pre_activation=lambda s, l: _from(s, l, s.a[l - 1])),
    _a("uses_network_input", _same_size_as_inputs, pre_activation=lambda s, l: _from(s, l, s.x)),
    _a(
        "stale_input",
        above_another,
        pre_activation=lambda s, l: _from(s, l, 0 * s.z[l - 1]),
        source="documents 000, 001 and 003: the input of layer 2 is read once, while it is still 0",
    ),
)


def _from_outputs(s: State, l: int) -> Array:
    """The loss from the outputs as they are, also where it would be worked from a to keep its digits."""
    parts = s.network.loss.parts
    return parts(s.m, s.z[l], s.t) if parts is not None else s.E_part


def _instead(name: str) -> Rule:
    return lambda s, l: ACTIVATIONS[name].at(s.m, s.a[l])


def _sigmoid_of(exponential: Rule) -> Rule:
    return lambda s, l: exponential(s.m, s.a[l])


def _derivative(s: State, l: int) -> Array:
    h = s.network.layer(l).activation
    return h.derivative(s.m, s.a[l], h.at(s.m, s.a[l]))  # type: ignore[misc]


def _twice(s: State, l: int) -> Array:
    h = s.network.layer(l).activation
    return h.at(s.m, h.at(s.m, s.a[l]))


def _share(v: Array) -> Array:
    return v / v.sum(axis=0)


def _softmax_over_batch(s: State, l: int) -> Array:
    e = s.m.exp(s.a[l])
    return e / e.sum(axis=0).sum()


def _ten_to_minus(m: Any, a: Array) -> Array:
    return m.exp(-a * m.log(10 * m.ones_like(a)))


_wrong = mistakes("z", "activation")


def _z(name: str, *where: Where, activation: Rule, source: str = "") -> Mistake:
    """A wrong activation; where it is the last one, the loss is that of the wrong outputs."""
    return _wrong(name, *where, source=source, activation=activation, loss_parts=_from_outputs)


ACTIVATION: tuple[Mistake, ...] = (
    _z("none", other_function("identity"), activation=lambda s, l: s.a[l]),
    _z("derivative_instead", curved, activation=_derivative),
    _z("twice", curved, activation=_twice, source="liashchynskyi/skynet PR#1"),
    _z("sigmoid_instead", other_function("sigmoid"), activation=_instead("sigmoid")),
    _z("tanh_instead", other_function("tanh"), activation=_instead("tanh")),
    _z("relu_instead", other_function("relu"), activation=_instead("relu")),
    _z(
        "step_instead",
        other_function("softmax"),
        activation=lambda s, l: s.m.where(s.a[l], s.m.ones_like(s.a[l]), 0 * s.m.ones_like(s.a[l])),
    ),
    _z("softmax_instead", curved, several_units, activation=_instead("softmax")),
    _z("exp_sign", function("sigmoid"), activation=_sigmoid_of(lambda m, a: 1 / (1 + m.exp(a)))),
    _z("exp_only", function("sigmoid"), activation=_sigmoid_of(lambda m, a: m.exp(-a))),
    _z("no_reciprocal", function("sigmoid"), activation=_sigmoid_of(lambda m, a: 1 + m.exp(-a))),
    _z(
        "no_one",
        function("sigmoid"),
        activation=_sigmoid_of(lambda m, a: 1 / m.exp(-a)),
        source="community.deeplearning.ai t/32339",
    ),
    _z("minus_exp", function("sigmoid"), activation=_sigmoid_of(lambda m, a: 1 / (1 - m.exp(-a)))),
    _z("base_10", function("sigmoid"), activation=_sigmoid_of(lambda m, a: 1 / (1 + _ten_to_minus(m, a)))),
    _z("tanh_sign", function("tanh"), activation=lambda s, l: s.m.tanh(-s.a[l])),
    _z("sinh", function("tanh"), activation=lambda s, l: (s.m.exp(s.a[l]) - s.m.exp(-s.a[l])) / 2),
    _z(
        "tanh_single_exponent",
        function("tanh"),
        activation=lambda s, l: (1 - s.m.exp(-s.a[l])) / (1 + s.m.exp(-s.a[l])),
    ),
    _z("relu_flipped", function("relu", "leaky_relu"), activation=lambda s, l: -s.m.positive_part(-s.a[l])),
    _z("relu_absolute", function("relu", "leaky_relu"), activation=lambda s, l: absolute(s, s.a[l])),
    _z(
        "leaky_tenth",
        function("leaky_relu"),
        activation=lambda s, l: s.m.where(s.a[l], s.a[l], s.m.number("0.1") * s.a[l]),
    ),
    _z("elu_no_one", function("elu"), activation=lambda s, l: s.m.where(s.a[l], s.a[l], s.m.exp(s.a[l]))),
    _z("softmax_not_normalised", function("softmax"), activation=lambda s, l: s.m.exp(s.a[l])),
    _z(
        "softmax_over_batch",
        function("softmax"),
        batch,
        activation=_softmax_over_batch,
        source="oreilly-japan/deep-learning-from-scratch#85",
    ),
    _z("softmax_no_exp", function("softmax"), activation=lambda s, l: _share(s.a[l])),
    _z("softmax_exp_sign", function("softmax"), activation=lambda s, l: _share(s.m.exp(-s.a[l]))),
)
