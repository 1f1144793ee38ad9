"""Slips in the signal to the layer below, in dE/dW and dE/db, and in how samples are combined."""

from __future__ import annotations

from derivations.network import Problem
from tracer.marking.slips.line import Line
from tracer.marking.slips.places import (
    batch,
    below_curved,
    biased,
    curved,
    following,
    hidden,
    inputs,
    not_first,
    of_size,
    other_function,
    own_biases,
    several_inputs,
    several_units,
    shared_bias,
    some_inputs,
    square,
    three_units,
    units,
    updated_at_once,
)
from tracer.marking.slips.slip import Each, Mistake, Where, mistakes

__all__ = ["BATCH", "BELOW", "BIASES", "WEIGHTS"]

# --- dz of the layer below ---


def _at_least(least: int, count: Each) -> Each:
    return lambda problem, l: count(problem, l) if count(problem, l) >= least else 0


def _same_shape_below(problem: Problem, l: int) -> bool:
    sizes = problem.network.sizes
    return l > 1 and sizes[l] == sizes[l - 1] == sizes[l - 2]


def _of_the_next(problem: Problem, l: int) -> str:
    """With the weights of the input after each, the first after the last."""
    return f"Σ_j ({following('W[j,{}]', 'i', inputs(problem, l))})*delta"


_s = mistakes("dz", "signal_below")

BELOW: tuple[Mistake, ...] = (
    _s("transposed_weights", square, dz_below="Σ_j W[i,j]*delta"),
    _s(
        "updated_weights",
        updated_at_once,
        dz_below="Σ_j W_new*delta",
        source="joelgrus/data-science-from-scratch#31; Bot-Academy PR#3; CodingTrain/Toy-Neural-Network-JS#72",
    ),
    _s(
        "gradient_for_weights",
        dz_below="Σ_j dW*delta",
        source="document 003: the gradient of a weight stands where the weight belongs",
    ),
    _s(
        "drop_path",
        each=_at_least(2, units),
        dz_below="Σ_j (1 - [j = {each}])*W*delta",
        source="mattmazur.com 2015/03/17, a question",
    ),
    _s("double_path", each=_at_least(2, units), dz_below="Σ_j (1 + [j = {each}])*W*delta"),
    _s("one_path", each=_at_least(3, units), dz_below="W[{each},i]*delta[{each},n]"),
    _s("no_weights", dz_below="Σ_j delta"),
    _s("raw_signal", other_function("identity"), dz_below="Σ_j W*dz", source="stackoverflow 53287032"),
    _s("output_for_delta", dz_below="Σ_j W*z"),
    _s("swapped_deltas", several_units, dz_below="Σ_j W*delta[{J}+1-j,n]"),
    _s("swapped_rows", several_inputs, dz_below="Σ_j W[j,{I}+1-i]*delta"),
    _s("next_row", some_inputs, not_first, dz_below=_of_the_next),
    _s("wrong_layer_weights", _same_shape_below, dz_below="Σ_j W_below[j,i]*delta"),
    _s("output_delta_again", hidden, of_size(0), dz_below="Σ_j W*delta_out"),
    _s("mean_over_units", three_units, dz_below="right/{J}"),
    _s("sign", dz_below="-right"),
    _s("factor_2", dz_below="2*right"),
    _s("half", dz_below="right/2"),
)


# --- dE/dW ---


def _over(product: str) -> str:
    """A gradient from another product, over the samples."""
    return f"(Σ_n {product}){{mean}}"


def _reads_as_many_as_the_network(problem: Problem, l: int) -> bool:
    return l > 1 and inputs(problem, l) == problem.network.sizes[0]


_w = mistakes("dW", "weight_gradient")

WEIGHTS: tuple[Mistake, ...] = (
    _w("pre_activation_input", below_curved, dW=_over("delta*a_below")),
    _w("no_input", dW=_over("delta")),
    _w("network_input", _reads_as_many_as_the_network, dW=_over("delta*x")),
    _w("own_activation", of_size(-1), dW=_over("delta*z[i,n]")),
    _w("own_output", several_inputs, dW=_over("delta*z")),
    _w("swapped_inputs", several_inputs, dW=_over("delta*below[{I}+1-i,n]")),
    _w("transposed", square, dW=_over("delta[i,n]*below[j,n]"), source="iamtrask/Grokking-Deep-Learning#23"),
    _w("uses_weight", dW=_over("delta*W")),
    _w("no_delta", dW=_over("below")),
    _w("output_for_delta", dW=_over("z*below")),
    _w("signal_for_delta", other_function("identity"), dW=_over("dz*below")),
    _w("extra_slope", curved, dW=_over("slope*delta*below")),
    _w("swapped_deltas", several_units, dW=_over("delta[{J}+1-j,n]*below")),
    _w("delta_of_layer_above", hidden, of_size(+1), dW=_over("delta_above[j,n]*below")),
    _w("sign", dW="-right"),
    _w("factor_2", dW="2*right", source="bighuang624/Andrew-Ng-Deep-Learning-notes#10"),
    _w("half", dW="right/2"),
    _w("other_sample", batch, dW=_over("delta*below[i,{N}+1-n]")),
    _w("product_of_sums", batch, dW="((Σ_n delta)*(Σ_n below)){mean}"),
)


# --- dE/db ---


def _bias(term: str) -> Line:
    """A bias gradient from something in place of delta: over the samples, and over the units that share it."""

    def line(problem: Problem, l: int) -> str:
        bias = problem.network.layer(l).bias
        assert bias is not None
        shared = "Σ_j " if bias.shared else ""
        return f"{'-' if bias.letter == 'theta' else ''}({shared}Σ_n {term}){{mean}}"

    return line


_b = mistakes("db", "bias_gradient")

BIASES: tuple[Mistake, ...] = (
    _b("zero", biased, db="0"),
    _b("one", biased, db="1"),
    _b("sign", biased, db="-right"),
    _b("times_bias", biased, db="right*b"),
    _b("times_input", biased, each=inputs, db=_bias("delta*below[{each},n]")),
    _b("output_for_delta", biased, db=_bias("z")),
    _b("signal_for_delta", biased, other_function("identity"), db=_bias("dz")),
    _b("extra_slope", biased, curved, db=_bias("slope*delta")),
    _b("swapped_deltas", own_biases, db=_bias("delta[{J}+1-j,n]")),
    _b(
        "one_shared_sum",
        own_biases,
        db=lambda problem, l: "Σ_j " + _bias("delta")(problem, l),  # type: ignore[operator]
        source="rasbt/stat453-deep-learning-ss21#5",
    ),
    _b("one_unit", shared_bias, each=units, db=lambda problem, l: _of_unit(problem, l)),
    _b("mean_over_units", shared_bias, db="right/{J}"),
)


def _of_unit(problem: Problem, l: int) -> str:
    bias = problem.network.layer(l).bias
    return f"{'-' if bias is not None and bias.letter == 'theta' else ''}(Σ_n delta[{{each}},n]){{mean}}"


# --- samples combined ---


def _both(weights: str, biases: str) -> dict[str, Line]:
    """Both gradients, a bias's as it is counted: over the units that share it, minus for a threshold."""

    def of_bias(problem: Problem, l: int) -> str:
        bias = problem.network.layer(l).bias
        if bias is None:
            return "right"
        return ("-" if bias.letter == "theta" else "") + biases.format("Σ_j " if bias.shared else "", "{N}")

    return {"dW": weights, "db": of_bias}


def _reduction(name: str) -> Where:
    return lambda problem, l: batch(problem, l) and problem.training.reduction == name


_n = mistakes("dW", "batch")

BATCH: tuple[Mistake, ...] = (
    _n(
        "mean_for_sum",
        _reduction("sum"),
        by_parameter=True,
        **_both("(Σ_n delta*below)/{N}", "({}Σ_n delta)/{}"),
        source="datascience.SE 30850",
    ),
    _n(
        "sum_for_mean",
        _reduction("mean"),
        by_parameter=True,
        **_both("Σ_n delta*below", "({}Σ_n delta)"),
        source="community.deeplearning.ai t/574152; TheIndependentCode/Neural-Network#1",
    ),
    _n(
        "divided_twice",
        _reduction("mean"),
        by_parameter=True,
        **_both("(Σ_n delta*below)/{N}/{N}", "({0}Σ_n delta)/{1}/{1}"),
    ),
    _n("first_sample", batch, by_parameter=True, **_both("delta[j,1]*below[i,1]", "({}delta[j,1])")),
    _n("last_sample", batch, by_parameter=True, **_both("delta[j,{N}]*below[i,{N}]", "({}delta[j,{}])")),
)
