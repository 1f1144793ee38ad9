"""Slips in the error signals: the slope, softmax's Jacobian, delta of the last layer and of the hidden ones."""

from __future__ import annotations

from collections.abc import Mapping

from derivations.network import Problem
from tracer.marking.slips.forward import derivative
from tracer.marking.slips.line import Line
from tracer.marking.slips.loss import long_way
from tracer.marking.slips.places import (
    curved,
    elementwise,
    following,
    function,
    fused,
    hidden,
    not_fused,
    of_size,
    other_function,
    output,
    several_units,
    sloped,
    some_units,
    units,
)
from tracer.marking.slips.slip import Mistake, mistakes

__all__ = ["HIDDEN", "JACOBIAN", "OUTPUT", "SLOPE"]

# --- the slope h'(a) ---


def _slope(line: Line) -> Mapping[str, Line]:
    """A wrong slope counts at the last layer only where delta goes by it, not by y - t."""
    return {"slope": line, "delta": long_way}


def _at(at: str, value: str = "", then: str = "({})") -> Line:
    """h' of the layer, somewhere else."""
    return lambda problem, l: then.replace("{}", derivative(problem.network.layer(l).activation, at, value))


_h = mistakes("slope", "slope")
_s_shaped = function("sigmoid", "tanh")

SLOPE: tuple[Mistake, ...] = (
    _h("activation_value", curved, **_slope("z")),
    _h("at_activation", sloped, **_slope(_at("z")), source="benoitfragit/libBrain#78"),
    _h(
        "pre_activation_for_z",
        _s_shaped,
        **_slope(_at("a", "a")),
        source="discuss.pytorch.org 187917; stackoverflow 53287032",
    ),
    _h("one_minus_z", _s_shaped, **_slope("1 - z")),
    _h("z_squared", _s_shaped, **_slope("z^2")),
    _h("plus_inside", function("sigmoid"), **_slope("z*(1 + z)")),
    _h("plus_square", function("tanh"), **_slope("1 + z^2")),
    _h("sign", sloped, **_slope("-right")),
    _h("sigmoid_instead", curved, other_function("sigmoid"), **_slope("z*(1 - z)")),
    _h("tanh_instead", curved, other_function("tanh"), **_slope("1 - z^2")),
    _h("relu_instead", curved, other_function("relu"), **_slope("1 if a > 0 else 0")),
    _h("relu_flipped", function("relu"), **_slope("1 if -a > 0 else 0")),
)


# --- softmax's Jacobian ---


def _with_delta(jacobian: str, delta: Line = long_way) -> Mapping[str, Line]:
    return {"J": jacobian, "delta": delta}


_J = mistakes("J", "jacobian")
_softmax = function("softmax")

JACOBIAN: tuple[Mistake, ...] = (
    _J(
        "diagonal_only",
        _softmax,
        **_with_delta("[j = m]*z*(1 - z)", "z*(1 - z)*dz"),
        source="stats.SE 'Softmax layer in a neural network'; deeplearning4j/libnd4j#440; datascience.SE 64746",
    ),
    _J("off_diagonal_sign", _softmax, **_with_delta("[j = m]*z*(1 - z) + (1 - [j = m])*(z*z[m,n])")),
    _J("diagonal_as_the_rest", _softmax, **_with_delta("-(z*z[m,n])")),
    _J("diagonal_z", _softmax, **_with_delta("[j = m]*z - (1 - [j = m])*(z*z[m,n])")),
)


# --- delta of the last layer ---


def _not_half_squared(problem: Problem, l: int) -> bool:
    """Where dz without its target is not z itself, which has a name of its own."""
    return problem.network.loss.name != "half_squared_error"


_out = mistakes("delta", "output_delta")
_bent_output = (not_fused, curved)

OUTPUT: tuple[Mistake, ...] = (
    _out(
        "no_slope",
        output,
        other_function("identity"),
        delta="dz",
        source="Bot-Academy/NeuralNetworkFromScratch PR#3",
    ),
    _out("slope_only", *_bent_output, delta="slope"),
    _out("slope_twice", *_bent_output, delta="slope^2*dz"),
    _out("adds_slope", output, elementwise, not_fused, delta="slope + dz"),
    _out("loss_value", fused, delta="E_part"),
    _out(
        "extra_slope",
        fused,
        function("softmax", "sigmoid"),
        delta="(y - t)*y*(1 - y)",
        source="hankcs/CS224n#17 asks for it",
    ),
    _out("sigmoid_slope_on_identity", not_fused, function("identity"), delta="z*(1 - z)*dz"),
    _out("no_target", fused, delta="y"),
    _out("target_only", fused, delta="-t"),
    _out("plus_target", fused, delta="y + t"),
    _out("wrong_target", fused, several_units, delta="y - t[{J}+1-j,n]"),
    _out("minus_one", fused, function("softmax"), delta="y - 1"),
    _out("squared", fused, delta="(y - t)^2"),
    _out("absolute", fused, delta="abs(y - t)"),
    _out("uses_pre_activation", fused, delta="a - t"),
    _out("uses_activation", *_bent_output, _not_half_squared, delta="slope*z"),
)


# --- delta of the hidden layers ---


def _several(problem: Problem, l: int) -> int:
    return units(problem, l) if units(problem, l) > 1 else 0


def _has_targets(problem: Problem, l: int) -> bool:
    return problem.network.loss.needs == "t"


def _below(problem: Problem, l: int) -> str:
    """h' of the layer at the pre-activation of the one below."""
    return derivative(problem.network.layer(l).activation, f"{'x' if l == 1 else 'a_below'}[j,n]")


_hid = mistakes("delta", "hidden_delta")
_bent_hidden = (hidden, curved)

HIDDEN: tuple[Mistake, ...] = (
    _hid("no_slope", *_bent_hidden, delta="dz", source="ujjwalkarn/Machine-Learning-Tutorials PR#16"),
    _hid("slope_only", *_bent_hidden, delta="slope"),
    _hid("slope_twice", *_bent_hidden, delta="slope^2*dz"),
    _hid("adds_slope", *_bent_hidden, delta="slope + dz"),
    _hid("uses_activation", *_bent_hidden, delta="slope*z"),
    _hid("extra_activation", hidden, elementwise, delta="slope*dz*z"),
    _hid("swapped_slopes", *_bent_hidden, several_units, delta="slope[{J}+1-j,n]*dz"),
    _hid(
        "next_slope",
        *_bent_hidden,
        some_units,
        delta=lambda problem, l: f"({following('slope[{},n]', 'j', units(problem, l))})*dz",
    ),
    _hid("wrong_unit_slope", *_bent_hidden, each=_several, delta="slope[{each},n]*dz"),
    _hid(
        "wrong_layer_slope",
        *_bent_hidden,
        of_size(+1),
        delta=_at("a_above[j,n]", then="({})*dz"),
        source="dennybritz/nn-from-scratch PR#3",
    ),
    _hid(
        "wrong_layer_slope_unit",
        *_bent_hidden,
        each=lambda problem, l: problem.network.sizes[l + 1],
        delta=_at("a_above[{each},n]", then="({})*dz"),
        source="document 003: ReLU' is taken at a unit of the output layer",
    ),
    _hid(
        "slope_of_layer_below",
        *_bent_hidden,
        of_size(-1),
        delta=lambda problem, l: f"({_below(problem, l)})*dz",
    ),
    _hid(
        "compares_with_target",
        *_bent_hidden,
        of_size(0),
        _has_targets,
        delta="slope*(z - t)",
    ),
)
