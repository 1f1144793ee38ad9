"""Slips in the loss and in its derivative by the outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derivations.network import Problem
from derivations.rules import RULES, State, hidden_delta
from tracer.answers.slips.forward import absolute
from tracer.answers.slips.places import (
    batch,
    counted,
    loss,
    not_fused,
    one_output,
    output,
    several_units,
    three_units,
    units,
)
from tracer.answers.slips.slip import Mistake, Rule, Where, mistakes

__all__ = ["LOSS", "SIGNAL", "long_way"]

Array = Any

SQUARES = ("half_squared_error", "squared_error", "mean_squared_error")
_squares, _cross, _binary = loss(*SQUARES), loss("cross_entropy"), loss("binary_cross_entropy")
_entropy = loss("cross_entropy", "binary_cross_entropy")
_with_targets = loss(*SQUARES, "cross_entropy", "binary_cross_entropy")


def _bent(problem: Problem, l: int) -> bool:
    return output(problem, l) and problem.network.layer(l).activation.name != "identity"


def _positive_targets(problem: Problem, l: int) -> bool:
    return problem.signals is not None and bool((problem.signals.floats > 0).all())


def _reduced(reduction: str) -> Where:
    return lambda problem, l: problem.training.reduction == reduction


def _not_mean(problem: Problem, l: int) -> bool:
    return problem.network.loss.name != "mean_squared_error"


def _not_plain_square(problem: Problem, l: int) -> bool:
    """Where the loss is not the bare square of the error, which has a name of its own."""
    return problem.network.loss.name != "squared_error"


# --- the loss ---


def _scaled(s: State, squared: Array) -> Array:
    """A squared error as this loss counts it."""
    name = s.network.loss.name
    return (
        squared if name == "squared_error" else squared / (2 if name == "half_squared_error" else s.network.sizes[-1])
    )


def _mean(s: State, v: Array) -> Array:
    """The mean over the samples, for each of them."""
    return v.sum(axis=1, keepdims=True) / s.N


def _squares_of(error: Any) -> Rule:
    return lambda s, l: _scaled(s, s.m.square(error(s, l)))


def _t_log(s: State, t: Array, v: Array) -> Array:
    return s.m.unless_zero(t, t * s.m.log(v))


def _over_log_of(base: int) -> Rule:
    return lambda s, l: RULES.loss_parts(s, l) / s.m.log(base * s.m.ones_like(s.z[l]))


def _no_minus(s: State, l: int) -> Array:
    first = _t_log(s, s.t, s.y)
    return first if s.network.loss.name == "cross_entropy" else first + _t_log(s, 1 - s.t, 1 - s.y)


_part, _sum, _batch = mistakes("E_part", "loss_parts"), mistakes("E", "sample_loss"), mistakes("E", "batch_loss")

LOSS: tuple[Mistake, ...] = (
    _part("no_half", loss("half_squared_error"), loss_parts=lambda s, l: s.m.square(s.y - s.t)),
    _part(
        "every_target",
        _squares,
        batch,
        one_output,
        loss_parts=lambda s, l: _scaled(s, s.m.square(s.y) - 2 * (s.y * _mean(s, s.t)) + _mean(s, s.m.square(s.t))),
        output_signal=lambda s, l: _of_error(lambda s, l: s.y - _mean(s, s.t))["output_signal"](s, l),
        output_delta=lambda s, l: s.y - _mean(s, s.t) if s.fused else hidden_delta(s, l),
        source="predictions (N,) minus targets (N, 1) broadcast to N x N",
    ),
    _part("extra_half", loss("squared_error"), loss_parts=lambda s, l: s.m.square(s.y - s.t) / 2),
    _part("not_divided", loss("mean_squared_error"), several_units, loss_parts=lambda s, l: s.m.square(s.y - s.t)),
    _part("no_square", _squares, loss_parts=lambda s, l: _scaled(s, s.y - s.t)),
    _part("absolute", _squares, loss_parts=lambda s, l: absolute(s, s.y - s.t)),
    _part("plus_target", _squares, loss_parts=_squares_of(lambda s, l: s.y + s.t)),
    _part("no_target", _squares, loss_parts=_squares_of(lambda s, l: s.y)),
    _part("wrong_target", _squares, several_units, loss_parts=_squares_of(lambda s, l: s.y - s.t[::-1])),
    _part("squares_apart", _squares, loss_parts=lambda s, l: _scaled(s, s.m.square(s.y) - s.m.square(s.t))),
    _part("uses_pre_activation", _squares, _bent, loss_parts=_squares_of(lambda s, l: s.a[l] - s.t)),
    _part(
        "log_10",
        _entropy,
        loss_parts=_over_log_of(10),
        source="every loss is smaller by the factor 2.302585",
    ),
    _part("log_2", _entropy, loss_parts=_over_log_of(2)),
    _part("no_minus", _entropy, loss_parts=_no_minus),
    _part("no_log", _cross, loss_parts=lambda s, l: -(s.t * s.y)),
    _part("every_class", _cross, loss_parts=lambda s, l: -s.m.log(s.y)),
    _part("log_of_target", _cross, _positive_targets, loss_parts=lambda s, l: -(s.y * s.m.log(s.t))),
    _part("first_term_only", _binary, loss_parts=lambda s, l: -_t_log(s, s.t, s.y)),
    _part(
        "second_term_sign",
        _binary,
        loss_parts=lambda s, l: -(_t_log(s, s.t, s.y) - _t_log(s, 1 - s.t, 1 - s.y)),
    ),
    _part("second_log_of_y", _binary, loss_parts=lambda s, l: -(_t_log(s, s.t, s.y) + _t_log(s, 1 - s.t, s.y))),
    _part(
        "binary_for_categorical",
        _cross,
        loss_parts=lambda s, l: -(_t_log(s, s.t, s.y) + _t_log(s, 1 - s.t, 1 - s.y)),
    ),
    _part("squared_error_instead", _entropy, loss_parts=lambda s, l: s.m.square(s.y - s.t) / 2),
    _sum("mean_over_outputs", counted, several_units, sample_loss=lambda s, l: s.E_part.sum(axis=0) / len(s.E_part)),
    _sum(
        "one_output",
        counted,
        each=lambda problem, l: units(problem, l) if units(problem, l) > 1 else 0,
        sample_loss=lambda s, l, k: s.E_part[k],
    ),
    _sum("root", _squares, sample_loss=lambda s, l: s.m.sqrt(s.E_part.sum(axis=0))),
    _sum(
        "square_of_sum",
        _squares,
        several_units,
        sample_loss=lambda s, l: _scaled(s, s.m.square((s.y - s.t).sum(axis=0))),
    ),
    _batch("mean_for_sum", counted, batch, _reduced("sum"), batch_loss=lambda s, l: s.E_sample.sum() / s.N),
    _batch("sum_for_mean", counted, batch, _reduced("mean"), batch_loss=lambda s, l: s.E_sample.sum()),
    _batch("divided_twice", counted, batch, _reduced("mean"), batch_loss=lambda s, l: RULES.batch_loss(s, l) / s.N),
    _batch("first_sample", counted, batch, batch_loss=lambda s, l: s.E_sample[0]),
    _batch("last_sample", counted, batch, batch_loss=lambda s, l: s.E_sample[s.N - 1]),
)


# --- dE/dy ---


def long_way(s: State, l: int) -> Array:
    """delta by dz and the slope, also where loss and activation have a shorter form that would hide dz."""
    return hidden_delta(s, l)


def _of_error(error: Any) -> Mapping[str, Rule]:
    """dE/dy of a squared error from another error."""

    def signal(s: State, l: int) -> Array:
        e, name = error(s, l), s.network.loss.name
        return e if name == "half_squared_error" else 2 * e if name == "squared_error" else 2 * e / len(s.y)

    return {"output_signal": signal}


def _changed(change: Any) -> Mapping[str, Rule]:
    """The right signal changed, and with it y - t where loss and activation give that."""

    def delta(s: State, l: int) -> Array:
        return change(RULES.output_delta(s, l)) if s.fused else hidden_delta(s, l)

    return {"output_signal": lambda s, l: change(RULES.output_signal(s, l)), "output_delta": delta}


def _long(signal: Rule) -> Mapping[str, Rule]:
    return {"output_signal": signal, "output_delta": long_way}


_dz = mistakes("dz", "output_signal")

SIGNAL: tuple[Mistake, ...] = (
    _dz(
        "sign",
        _with_targets,
        **_changed(lambda v: -v),
        source="jamesmccaffrey.wordpress.com 2017/07/03",
    ),
    _dz(
        "factor_2",
        _with_targets,
        **_changed(lambda v: 2 * v),
        source="datascience.SE 71843; Open-Deep-ML#54; markroxor/fromscratchtoml#65",
    ),
    _dz("half", _with_targets, **_changed(lambda v: v / 2), source="42-AI/bootcamp_machine-learning#20"),
    _dz("mean_over_outputs", _with_targets, three_units, _not_mean, **_changed(lambda v: v / len(v))),
    _dz("not_divided", loss("mean_squared_error"), three_units, output_signal=lambda s, l: 2 * (s.y - s.t)),
    _dz("no_target", _squares, **_of_error(lambda s, l: s.y)),
    _dz("target_only", _squares, **_of_error(lambda s, l: s.t)),
    _dz("plus_target", _squares, **_of_error(lambda s, l: s.y + s.t)),
    _dz("wrong_target", _squares, several_units, **_of_error(lambda s, l: s.y - s.t[::-1])),
    _dz("absolute", _squares, **_of_error(lambda s, l: absolute(s, s.y - s.t))),
    _dz("uses_pre_activation", _squares, _bent, **_of_error(lambda s, l: s.a[l] - s.t)),
    _dz("squared", _squares, output_signal=lambda s, l: s.m.square(s.y - s.t), source="makeyourownneuralnetwork#77"),
    _dz("loss_value", not_fused, _not_plain_square, _with_targets, output_signal=lambda s, l: s.E_part),
    _dz(
        "of_output",
        _with_targets,
        **_long(lambda s, l: s.m.ones_like(s.y)),
        source="stats.SE 188678: differences of the output in place of the loss",
    ),
    _dz("squared_error_instead", _entropy, **_long(lambda s, l: s.y - s.t)),
    _dz("times_output", _cross, **_long(lambda s, l: -(s.t * s.y))),
    _dz("every_class", _cross, **_long(lambda s, l: -(1 / s.y))),
    _dz("inverted", _cross, _positive_targets, **_long(lambda s, l: -s.m.over(s.y, s.t))),
    _dz("first_term_only", _binary, **_long(lambda s, l: -s.m.over(s.t, s.y))),
    _dz(
        "second_term_sign",
        _binary,
        **_long(lambda s, l: -s.m.over(1 - s.t, 1 - s.y) - s.m.over(s.t, s.y)),
    ),
)
