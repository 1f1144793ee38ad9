"""Slips in the error signals: the slope, softmax's Jacobian, delta of the last layer and of the hidden ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derivations.activations import ACTIVATIONS
from derivations.network import Problem
from derivations.rules import State, hidden_delta
from tracer.answers.slips.forward import absolute
from tracer.answers.slips.loss import long_way
from tracer.answers.slips.places import (
    curved,
    elementwise,
    function,
    fused,
    hidden,
    not_fused,
    of_size,
    other_function,
    output,
    several_units,
    units,
)
from tracer.answers.slips.slip import Mistake, Rule, mistakes

__all__ = ["HIDDEN", "JACOBIAN", "OUTPUT", "SLOPE"]

Array = Any

# --- the slope h'(a) ---


def _slope(rule: Rule) -> Mapping[str, Rule]:
    """A wrong slope counts at the last layer only where delta goes by it, not by y - t."""
    return {"slope": rule, "output_delta": long_way}


def derivative_at(s: State, l: int, a: Array, z: Array | None = None) -> Array:
    """h' of layer l, somewhere else."""
    h = s.network.layer(l).activation
    assert h.derivative is not None
    return h.derivative(s.m, a, h.at(s.m, a) if z is None else z)


def _derivative_of(name: str) -> Rule:
    h = ACTIVATIONS[name]
    return lambda s, l: h.derivative(s.m, s.a[l], s.z[l])  # type: ignore[misc]


_h = mistakes("slope", "slope")

SLOPE: tuple[Mistake, ...] = (
    _h("activation_value", curved, **_slope(lambda s, l: s.z[l])),
    _h(
        "at_activation",
        curved,
        **_slope(lambda s, l: derivative_at(s, l, s.z[l])),
        source="benoitfragit/libBrain#78",
    ),
    _h(
        "pre_activation_for_z",
        function("sigmoid", "tanh"),
        **_slope(lambda s, l: derivative_at(s, l, s.a[l], s.a[l])),
        source="discuss.pytorch.org 187917; stackoverflow 53287032",
    ),
    _h("one_minus_z", function("sigmoid", "tanh"), **_slope(lambda s, l: 1 - s.z[l])),
    _h("z_squared", function("sigmoid", "tanh"), **_slope(lambda s, l: s.m.square(s.z[l]))),
    _h("plus_inside", function("sigmoid"), **_slope(lambda s, l: s.z[l] * (1 + s.z[l]))),
    _h("plus_square", function("tanh"), **_slope(lambda s, l: 1 + s.m.square(s.z[l]))),
    _h("sign", curved, **_slope(lambda s, l: -derivative_at(s, l, s.a[l], s.z[l]))),
    _h("sigmoid_instead", curved, other_function("sigmoid"), **_slope(_derivative_of("sigmoid"))),
    _h("tanh_instead", curved, other_function("tanh"), **_slope(_derivative_of("tanh"))),
    _h("relu_instead", curved, other_function("relu"), **_slope(_derivative_of("relu"))),
    _h("relu_flipped", function("relu"), **_slope(lambda s, l: derivative_at(s, l, -s.a[l]))),
)


# --- softmax's Jacobian ---


def _jacobian(entry: Any, diagonal: Any) -> Rule:
    def rule(s: State, l: int) -> Array:
        z = s.z[l]
        out = entry(z[:, None], z[None])
        for k in range(len(z)):
            out[k, k] = diagonal(z[k])
        return out

    return rule


def _diagonal_delta(s: State, l: int) -> Array:
    """delta from the diagonal alone; other layers as they are."""
    return s.z[l] * (1 - s.z[l]) * s.dz[l] if s.J[l] is not None else hidden_delta(s, l)


def _with_delta(rule: Rule, delta: Rule = long_way) -> Mapping[str, Rule]:
    return {"jacobian": rule, "output_delta": delta, "hidden_delta": delta}


_J = mistakes("J", "jacobian")
_softmax = function("softmax")

JACOBIAN: tuple[Mistake, ...] = (
    _J(
        "diagonal_only",
        _softmax,
        **_with_delta(_jacobian(lambda p, q: 0 * (p * q), lambda z: z * (1 - z)), _diagonal_delta),
        source="stats.SE 'Softmax layer in a neural network'; deeplearning4j/libnd4j#440; datascience.SE 64746",
    ),
    _J("off_diagonal_sign", _softmax, **_with_delta(_jacobian(lambda p, q: p * q, lambda z: z * (1 - z)))),
    _J("diagonal_as_the_rest", _softmax, **_with_delta(_jacobian(lambda p, q: -(p * q), lambda z: -(z * z)))),
    _J("diagonal_z", _softmax, **_with_delta(_jacobian(lambda p, q: -(p * q), lambda z: z))),
)


# --- delta of the last layer ---


def _times_spread(s: State, l: int) -> Array:
    return (s.y - s.t) * s.y * (1 - s.y)


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
        output_delta=lambda s, l: s.dz[l],
        source="Bot-Academy/NeuralNetworkFromScratch PR#3",
    ),
    _out("slope_only", *_bent_output, output_delta=lambda s, l: s.slope[l]),
    _out("slope_twice", *_bent_output, output_delta=lambda s, l: s.m.square(s.slope[l]) * s.dz[l]),
    _out("adds_slope", output, elementwise, not_fused, output_delta=lambda s, l: s.slope[l] + s.dz[l]),
    _out("loss_value", fused, output_delta=lambda s, l: s.E_part),
    _out("extra_slope", fused, function("softmax"), output_delta=_times_spread, source="hankcs/CS224n#17 asks for it"),
    _out(
        "sigmoid_slope_on_identity",
        not_fused,
        function("identity"),
        output_delta=lambda s, l: s.z[l] * (1 - s.z[l]) * s.dz[l],
    ),
    _out("no_target", fused, output_delta=lambda s, l: s.y),
    _out("target_only", fused, output_delta=lambda s, l: -s.t),
    _out("plus_target", fused, output_delta=lambda s, l: s.y + s.t),
    _out("wrong_target", fused, several_units, output_delta=lambda s, l: s.y - s.t[::-1]),
    _out("minus_one", fused, function("softmax"), output_delta=lambda s, l: s.y - 1),
    _out("squared", fused, output_delta=lambda s, l: s.m.square(s.y - s.t)),
    _out("absolute", fused, output_delta=lambda s, l: absolute(s, s.y - s.t)),
    _out("uses_pre_activation", fused, output_delta=lambda s, l: s.a[l] - s.t),
    _out("uses_activation", *_bent_output, _not_half_squared, output_delta=lambda s, l: s.slope[l] * s.z[l]),
)


# --- delta of the hidden layers ---


def _several(problem: Problem, l: int) -> int:
    return units(problem, l) if units(problem, l) > 1 else 0


def _has_targets(problem: Problem, l: int) -> bool:
    return problem.network.loss.needs == "t"


def _slope_above(s: State, l: int, k: int) -> Array:
    return derivative_at(s, l, s.a[l + 1][k : k + 1]) * s.dz[l]


_hid = mistakes("delta", "hidden_delta")
_bent_hidden = (hidden, curved)

HIDDEN: tuple[Mistake, ...] = (
    _hid(
        "no_slope",
        *_bent_hidden,
        hidden_delta=lambda s, l: s.dz[l],
        source="ujjwalkarn/Machine-Learning-Tutorials PR#16",
    ),
    _hid("slope_only", *_bent_hidden, hidden_delta=lambda s, l: s.slope[l]),
    _hid("slope_twice", *_bent_hidden, hidden_delta=lambda s, l: s.m.square(s.slope[l]) * s.dz[l]),
    _hid("adds_slope", *_bent_hidden, hidden_delta=lambda s, l: s.slope[l] + s.dz[l]),
    _hid("uses_activation", *_bent_hidden, hidden_delta=lambda s, l: s.slope[l] * s.z[l]),
    _hid("extra_activation", hidden, elementwise, hidden_delta=lambda s, l: s.slope[l] * s.dz[l] * s.z[l]),
    _hid(
        "swapped_slopes",
        *_bent_hidden,
        several_units,
        hidden_delta=lambda s, l: s.slope[l][::-1] * s.dz[l],
    ),
    _hid(
        "wrong_unit_slope",
        *_bent_hidden,
        each=_several,
        hidden_delta=lambda s, l, j: s.slope[l][j : j + 1] * s.dz[l],
    ),
    _hid(
        "wrong_layer_slope",
        *_bent_hidden,
        of_size(+1),
        hidden_delta=lambda s, l: derivative_at(s, l, s.a[l + 1]) * s.dz[l],
        source="dennybritz/nn-from-scratch PR#3",
    ),
    _hid(
        "wrong_layer_slope_unit",
        *_bent_hidden,
        each=lambda problem, l: problem.network.sizes[l + 1],
        hidden_delta=_slope_above,
        source="document 003: ReLU' is taken at a unit of the output layer",
    ),
    _hid(
        "slope_of_layer_below",
        *_bent_hidden,
        of_size(-1),
        hidden_delta=lambda s, l: derivative_at(s, l, s.z[l - 1] if l == 1 else s.a[l - 1]) * s.dz[l],
    ),
    _hid(
        "compares_with_target",
        *_bent_hidden,
        of_size(0),
        _has_targets,
        hidden_delta=lambda s, l: s.slope[l] * (s.z[l] - s.t),
    ),
)
