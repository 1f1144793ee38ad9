"""Slips in the signal to the layer below, in dE/dW and dE/db, and in how samples are combined."""

from __future__ import annotations

from typing import Any

from derivations.network import Problem
from derivations.rules import RULES, State, over_samples
from tracer.answers.slips.places import (
    batch,
    below_curved,
    biased,
    curved,
    hidden,
    inputs,
    of_size,
    other_function,
    own_biases,
    several_inputs,
    several_units,
    shared_bias,
    square,
    three_units,
    units,
)
from tracer.answers.slips.slip import Mistake, Rule, mistakes

__all__ = ["BATCH", "BELOW", "BIASES", "WEIGHTS"]

Array = Any

# --- dz of the layer below ---


def _without(s: State, l: int, k: int) -> Array:
    W, delta = s.W[l], s.delta[l]
    parts = [W[part].T @ delta[part] for part in (slice(0, k), slice(k + 1, None)) if len(delta[part])]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _at_least(least: int, count: Any) -> Any:
    return lambda problem, l: count(problem, l) if count(problem, l) >= least else 0


def _same_shape_below(problem: Problem, l: int) -> bool:
    sizes = problem.network.sizes
    return l > 1 and sizes[l] == sizes[l - 1] == sizes[l - 2]


_s = mistakes("dz", "signal_below")

BELOW: tuple[Mistake, ...] = (
    _s("transposed_weights", square, signal_below=lambda s, l: s.W[l] @ s.delta[l]),
    _s(
        "updated_weights",
        signal_below=lambda s, l: s.W_new[l].T @ s.delta[l],
        source="joelgrus/data-science-from-scratch#31; Bot-Academy PR#3; CodingTrain/Toy-Neural-Network-JS#72",
    ),
    _s(
        "gradient_for_weights",
        signal_below=lambda s, l: s.dW[l].T @ s.delta[l],
        source="document 003: the gradient of a weight stands where the weight belongs",
    ),
    _s("drop_path", each=_at_least(2, units), signal_below=_without, source="mattmazur.com 2015/03/17, a question"),
    _s(
        "double_path",
        each=_at_least(2, units),
        signal_below=lambda s, l, k: s.W[l].T @ s.delta[l] + s.W[l][k : k + 1].T @ s.delta[l][k : k + 1],
    ),
    _s(
        "one_path",
        each=_at_least(3, units),
        signal_below=lambda s, l, k: s.W[l][k : k + 1].T @ s.delta[l][k : k + 1],
    ),
    _s("no_weights", signal_below=lambda s, l: s.m.ones_like(s.W[l]).T @ s.delta[l]),
    _s(
        "raw_signal",
        other_function("identity"),
        signal_below=lambda s, l: s.W[l].T @ s.dz[l],
        source="stackoverflow 53287032",
    ),
    _s("output_for_delta", signal_below=lambda s, l: s.W[l].T @ s.z[l]),
    _s("swapped_deltas", several_units, signal_below=lambda s, l: s.W[l].T @ s.delta[l][::-1]),
    _s("swapped_rows", several_inputs, signal_below=lambda s, l: s.W[l].T[::-1] @ s.delta[l]),
    _s("wrong_layer_weights", _same_shape_below, signal_below=lambda s, l: s.W[l - 1].T @ s.delta[l]),
    _s("output_delta_again", hidden, of_size(0), signal_below=lambda s, l: s.W[l].T @ s.delta[s.L]),
    _s("mean_over_units", three_units, signal_below=lambda s, l: s.W[l].T @ s.delta[l] / len(s.delta[l])),
    _s("sign", signal_below=lambda s, l: -(s.W[l].T @ s.delta[l])),
    _s("factor_2", signal_below=lambda s, l: 2 * (s.W[l].T @ s.delta[l])),
    _s("half", signal_below=lambda s, l: s.W[l].T @ s.delta[l] / 2),
)


# --- dE/dW ---


def _outer(delta: Any, z: Any) -> Rule:
    """A gradient from another delta or another input."""
    return lambda s, l: over_samples(s, delta(s, l) @ z(s, l).T)


def _delta(s: State, l: int) -> Array:
    return s.delta[l]


def _input(s: State, l: int) -> Array:
    return s.z[l - 1]


def _changed(change: Any) -> Rule:
    return lambda s, l: change(RULES.weight_gradient(s, l))


def _reads_as_many_as_the_network(problem: Problem, l: int) -> bool:
    return l > 1 and inputs(problem, l) == problem.network.sizes[0]


_w = mistakes("dW", "weight_gradient")

WEIGHTS: tuple[Mistake, ...] = (
    _w("pre_activation_input", below_curved, weight_gradient=_outer(_delta, lambda s, l: s.a[l - 1])),
    _w("no_input", weight_gradient=_outer(_delta, lambda s, l: s.m.ones_like(s.z[l - 1]))),
    _w("network_input", _reads_as_many_as_the_network, weight_gradient=_outer(_delta, lambda s, l: s.x)),
    _w("own_activation", of_size(-1), weight_gradient=_outer(_delta, lambda s, l: s.z[l])),
    _w(
        "own_output",
        several_inputs,
        weight_gradient=_outer(lambda s, l: s.delta[l] * s.z[l], lambda s, l: s.m.ones_like(s.z[l - 1])),
    ),
    _w("swapped_inputs", several_inputs, weight_gradient=_outer(_delta, lambda s, l: s.z[l - 1][::-1])),
    _w(
        "transposed",
        square,
        weight_gradient=lambda s, l: RULES.weight_gradient(s, l).T,
        source="iamtrask/Grokking-Deep-Learning#23",
    ),
    _w(
        "uses_weight",
        weight_gradient=lambda s, l: over_samples(s, s.delta[l].sum(axis=1, keepdims=True) * s.W[l]),
    ),
    _w("no_delta", weight_gradient=_outer(lambda s, l: s.m.ones_like(s.delta[l]), _input)),
    _w("output_for_delta", weight_gradient=_outer(lambda s, l: s.z[l], _input)),
    _w("signal_for_delta", other_function("identity"), weight_gradient=_outer(lambda s, l: s.dz[l], _input)),
    _w("extra_slope", curved, weight_gradient=_outer(lambda s, l: s.slope[l] * s.delta[l], _input)),
    _w("swapped_deltas", several_units, weight_gradient=_outer(lambda s, l: s.delta[l][::-1], _input)),
    _w("delta_of_layer_above", hidden, of_size(+1), weight_gradient=_outer(lambda s, l: s.delta[l + 1], _input)),
    _w("sign", weight_gradient=_changed(lambda g: -g)),
    _w("factor_2", weight_gradient=_changed(lambda g: 2 * g), source="bighuang624/Andrew-Ng-Deep-Learning-notes#10"),
    _w("half", weight_gradient=_changed(lambda g: g / 2)),
    _w("other_sample", batch, weight_gradient=lambda s, l: over_samples(s, s.delta[l] @ s.z[l - 1].T[::-1])),
    _w(
        "product_of_sums",
        batch,
        weight_gradient=lambda s, l: over_samples(
            s, s.delta[l].sum(axis=1, keepdims=True) @ s.z[l - 1].sum(axis=1, keepdims=True).T
        ),
    ),
)


# --- dE/db ---


def _bias_from(delta: Any) -> Rule:
    """A bias gradient from something in place of delta, one row a unit."""

    def rule(s: State, l: int) -> Array:
        return _bias_total(s, l, delta(s, l).sum(axis=1, keepdims=True))

    return rule


def _bias_total(s: State, l: int, total: Array) -> Array:
    return over_samples(s, _signed(s, l, total))


def _signed(s: State, l: int, total: Array) -> Array:
    """A total of delta as this layer's bias counts it: over the units that share it, minus for a threshold."""
    bias = s.network.layer(l).bias
    assert bias is not None
    total = total.sum(axis=0, keepdims=True) if bias.shared else total
    return -total if bias.letter == "theta" else total


def _one_sum(s: State, l: int) -> Array:
    return s.m.ones_like(s.b[l]) * RULES.bias_gradient(s, l).sum(axis=0, keepdims=True)


_b = mistakes("db", "bias_gradient")

BIASES: tuple[Mistake, ...] = (
    _b("zero", biased, bias_gradient=lambda s, l: 0 * RULES.bias_gradient(s, l)),
    _b("one", biased, bias_gradient=lambda s, l: s.m.ones_like(s.b[l])),
    _b("sign", biased, bias_gradient=lambda s, l: -RULES.bias_gradient(s, l)),
    _b("times_bias", biased, bias_gradient=lambda s, l: RULES.bias_gradient(s, l) * s.b[l]),
    _b(
        "times_input",
        biased,
        each=inputs,
        bias_gradient=lambda s, l, i: _bias_total(s, l, s.delta[l] @ s.z[l - 1][i : i + 1].T),
    ),
    _b("output_for_delta", biased, bias_gradient=_bias_from(lambda s, l: s.z[l])),
    _b("signal_for_delta", biased, other_function("identity"), bias_gradient=_bias_from(lambda s, l: s.dz[l])),
    _b("extra_slope", biased, curved, bias_gradient=_bias_from(lambda s, l: s.slope[l] * s.delta[l])),
    _b("swapped_deltas", own_biases, bias_gradient=_bias_from(lambda s, l: s.delta[l][::-1])),
    _b("one_shared_sum", own_biases, bias_gradient=_one_sum, source="rasbt/stat453-deep-learning-ss21#5"),
    _b(
        "one_unit",
        shared_bias,
        each=units,
        bias_gradient=lambda s, l, j: _bias_total(s, l, s.delta[l][j : j + 1].sum(axis=1, keepdims=True)),
    ),
    _b("mean_over_units", shared_bias, bias_gradient=lambda s, l: RULES.bias_gradient(s, l) / len(s.delta[l])),
)


# --- samples combined ---


def _of_one_sample(part: slice) -> dict[str, Rule]:
    """Both gradients from one sample of the batch alone."""

    def column(v: Array) -> Array:
        return v.T[part].T

    return {
        "weight_gradient": lambda s, l: column(s.delta[l]) @ column(s.z[l - 1]).T,
        "bias_gradient": lambda s, l: _signed(s, l, column(s.delta[l])),
    }


def _both(change: Any) -> dict[str, Rule]:
    return {
        "weight_gradient": lambda s, l: change(s, s.delta[l] @ s.z[l - 1].T),
        "bias_gradient": lambda s, l: change(s, _signed(s, l, s.delta[l].sum(axis=1, keepdims=True))),
    }


def _reduction(name: str) -> Any:
    return lambda problem, l: batch(problem, l) and problem.training.reduction == name


_n = mistakes("dW", "batch")

BATCH: tuple[Mistake, ...] = (
    _n(
        "mean_for_sum",
        _reduction("sum"),
        by_parameter=True,
        **_both(lambda s, total: total / s.N),
        source="datascience.SE 30850",
    ),
    _n(
        "sum_for_mean",
        _reduction("mean"),
        by_parameter=True,
        **_both(lambda s, total: total),
        source="community.deeplearning.ai t/574152; TheIndependentCode/Neural-Network#1",
    ),
    _n("divided_twice", _reduction("mean"), by_parameter=True, **_both(lambda s, total: total / s.N / s.N)),
    _n("first_sample", batch, by_parameter=True, **_of_one_sample(slice(0, 1))),
    _n("last_sample", batch, by_parameter=True, **_of_one_sample(slice(-1, None))),
)
