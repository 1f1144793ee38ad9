"""Slips on the way forward: the pre-activation a = W z + b and the activation z = h(a)."""

from __future__ import annotations

import re

from derivations.activations import Activation
from derivations.network import Problem
from tracer.marking.slips.places import (
    above_another,
    batch,
    below_curved,
    biased,
    curved,
    elementwise,
    function,
    inputs,
    other_function,
    own_biases,
    several_inputs,
    several_units,
    square,
)
from tracer.marking.slips.slip import Mistake, mistakes

__all__ = ["ACTIVATION", "PRE_ACTIVATION", "derivative", "of_function"]


def _plus(problem: Problem, l: int, bias: str = "b") -> str:
    """A bias added, or a threshold taken away; nothing where the layer has none."""
    own = problem.network.layer(l).bias
    return "" if own is None else f" - {bias}" if own.letter == "theta" else f" + {bias}"


def _sum(terms: str, bias: str = "b") -> object:
    """The pre-activation from another sum."""
    return lambda problem, l: terms + _plus(problem, l, bias)


def _bias_sign(problem: Problem, l: int) -> str:
    return "Σ_i W*below " + ("+ b" if "-" in _plus(problem, l) else "- b")


def _terms(problem: Problem, l: int) -> int:
    return inputs(problem, l) if inputs(problem, l) > 1 else 0


def _as_many_as_inputs(problem: Problem, l: int) -> bool:
    return l > 1 and inputs(problem, l) == problem.network.sizes[0]


_a = mistakes("a", "pre_activation")

PRE_ACTIVATION: tuple[Mistake, ...] = (
    _a("drop_term", each=_terms, a=_sum("Σ_i (1 - [i = {each}])*W*below")),
    _a("double_term", each=_terms, a=_sum("Σ_i (1 + [i = {each}])*W*below")),
    _a("no_bias", biased, a="Σ_i W*below", source="mattm/simple-neural-network#5"),
    _a("bias_sign", biased, a=_bias_sign),
    _a("wrong_bias", own_biases, a=_sum("Σ_i W*below", "b[{J}+1-j]")),
    _a("bias_each_term", biased, several_inputs, a=_sum("Σ_i W*below", "{I}*b")),
    _a("transposed_weights", square, a=_sum("Σ_i W[i,j]*below")),
    _a("wrong_unit_weights", several_units, a=_sum("Σ_i W[{J}+1-j,i]*below")),
    _a("swapped_inputs", several_inputs, a=_sum("Σ_i W*below[{I}+1-i,n]")),
    _a(
        "one_input_for_all",
        each=_terms,
        a=_sum("Σ_i W*below[{each},n]"),
        source="one unit's activation stands in two terms of a sum: w5 h1 + w6 h1",
    ),
    _a("no_weights", a=_sum("Σ_i below")),
    _a("mean_of_terms", several_inputs, a=_sum("(Σ_i W*below)/{I}")),
    _a("weight_signs_lost", a=_sum("Σ_i abs(W)*below")),
    _a("uses_pre_activation", below_curved, a=_sum("Σ_i W*a_below")),
    _a("uses_network_input", _as_many_as_inputs, a=_sum("Σ_i W*x")),
    _a(
        "stale_input",
        above_another,
        a=_sum("0"),
        source="documents 000, 001 and 003: the input of layer 2 is read once, while it is still 0",
    ),
)


def of_function(h: Activation, at: str) -> str:
    """h(...) as text: a function by its name at an argument, one of the file by its formula; softmax over the units."""
    if h.function is not None:
        return "(" + re.sub(r"\ba\b", f"({at})", h.formulas[0]) + ")"
    return f"softmax_j({at})" if h.name == "softmax" else f"{h.name}({at})"


def derivative(h: Activation, at: str, value: str = "") -> str:
    """h'(...) as text: its formula in the argument a and the value z, at others."""
    value = value or of_function(h, at)
    formula = h.formulas[1]
    words = {"a": at, "z": value}
    return re.sub(r"\b[az]\b", lambda found: f"({words[found[0]]})", formula)


def _own(problem: Problem, l: int) -> Activation:
    return problem.network.layer(l).activation


_z = mistakes("z", "activation")
_sigmoid, _tanh, _relus, _softmax = (
    function("sigmoid"),
    function("tanh"),
    function("relu", "leaky_relu"),
    function("softmax"),
)

ACTIVATION: tuple[Mistake, ...] = (
    _z("none", other_function("identity"), z="a"),
    _z("derivative_instead", curved, z=lambda problem, l: derivative(_own(problem, l), "a")),
    _z(
        "twice",
        curved,
        z=lambda problem, l: of_function(_own(problem, l), of_function(_own(problem, l), "a")),
        source="liashchynskyi/skynet PR#1",
    ),
    _z("sigmoid_instead", other_function("sigmoid"), z="sigmoid(a)"),
    _z("tanh_instead", other_function("tanh"), z="tanh(a)"),
    _z("relu_instead", other_function("relu"), z="relu(a)"),
    _z("step_instead", other_function("softmax"), z="1 if a > 0 else 0"),
    _z("softmax_instead", curved, several_units, elementwise, z="softmax_j(a)"),
    _z("exp_sign", _sigmoid, z="1/(1 + exp(a))"),
    _z("exp_only", _sigmoid, z="exp(-a)"),
    _z("no_reciprocal", _sigmoid, z="1 + exp(-a)"),
    _z("no_one", _sigmoid, z="1/exp(-a)", source="community.deeplearning.ai t/32339"),
    _z("minus_exp", _sigmoid, z="1/(1 - exp(-a))"),
    _z("base_10", _sigmoid, z="1/(1 + exp(-a*log(10)))"),
    _z("tanh_sign", _tanh, z="tanh(-a)"),
    _z("sinh", _tanh, z="(exp(a) - exp(-a))/2"),
    _z("tanh_single_exponent", _tanh, z="(1 - exp(-a))/(1 + exp(-a))"),
    _z("relu_flipped", _relus, z="-relu(-a)"),
    _z("relu_absolute", _relus, z="abs(a)"),
    _z("leaky_tenth", function("leaky_relu"), z="a if a > 0 else 0.1*a"),
    _z("elu_no_one", function("elu"), z="a if a > 0 else exp(a)"),
    _z("step_to_minus_one", function("step"), z="1 if a >= 0 else -1"),
    _z("step_turned", function("step"), z="0 if a >= 0 else 1"),
    _z("sign_to_zero", function("sign"), z="1 if a > 0 else 0"),
    _z("hard_not_cut", function("hard_sigmoid"), z="a/6 + 1/2"),
    _z("hard_fifth", function("hard_sigmoid"), z="max(0, min(1, a/5 + 1/2))"),
    _z("bipolar_not_shifted", function("bipolar_sigmoid"), z="2/(1 + exp(-a))"),
    _z("mish_no_softplus", function("mish"), z="a*tanh(a)"),
    _z("selu_no_scale", function("selu"), z="right/1.0507009873554805"),
    _z("square_half", function("square"), z="a^2/2"),
    _z("softmax_not_normalised", _softmax, z="exp(a)"),
    _z(
        "softmax_over_batch",
        _softmax,
        batch,
        z="exp(a)/(Σ_n Σ_j exp(a))",
        source="oreilly-japan/deep-learning-from-scratch#85",
    ),
    _z("softmax_no_exp", _softmax, z="a/(Σ_j a)"),
    _z("softmax_exp_sign", _softmax, z="softmax_j(-a)"),
)
