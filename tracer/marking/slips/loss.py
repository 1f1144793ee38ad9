"""Slips in the loss and in its derivative by the outputs."""

from __future__ import annotations

from collections.abc import Mapping

from derivations.network import Problem
from tracer.marking.slips.line import Line
from tracer.marking.slips.places import (
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
from tracer.marking.slips.slip import Mistake, Where, mistakes

__all__ = ["LOSS", "SIGNAL", "long_way"]

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


def long_way(problem: Problem, l: int) -> str:
    """delta by dz and the slope, also where loss and activation have a shorter form that would hide dz."""
    if l < len(problem.network):
        return "right"
    return "slope*dz" if problem.network.layer(l).activation.elementwise else "Σ_m J[m,j,n]*dz[m,n]"


# --- the loss ---


def _scaled(squared: str) -> Line:
    """A squared error as this loss counts it."""
    below = {"squared_error": "", "half_squared_error": "/2", "mean_squared_error": "/{J}"}
    return lambda problem, l: f"({squared}){below[problem.network.loss.name]}"


def _every_target(problem: Problem, l: int) -> str:
    factor = {"squared_error": "2*", "half_squared_error": "", "mean_squared_error": "2/{J}*"}[
        problem.network.loss.name
    ]
    return f"{factor}(y - (Σ_n t)/|n|)"


def _every_target_delta(problem: Problem, l: int) -> str:
    return "y - (Σ_n t)/|n|" if problem.fused else "right"


def _no_minus(problem: Problem, l: int) -> str:
    first = "xlogy(t, y)"
    return first if problem.network.loss.name == "cross_entropy" else f"{first} + xlogy(1 - t, 1 - y)"


def _outputs(problem: Problem, l: int) -> int:
    return units(problem, l) if units(problem, l) > 1 else 0


_part, _sum, _batch = mistakes("E_part", "loss_parts"), mistakes("E", "sample_loss"), mistakes("E", "batch_loss")

LOSS: tuple[Mistake, ...] = (
    _part("no_half", loss("half_squared_error"), E_part="(y - t)^2"),
    _part(
        "every_target",
        _squares,
        batch,
        one_output,
        E_part=_scaled("y^2 - 2*(y*((Σ_n t)/|n|)) + (Σ_n t^2)/|n|"),
        dz=_every_target,
        delta=_every_target_delta,
        source="predictions (N,) minus targets (N, 1) broadcast to N x N",
    ),
    _part("extra_half", loss("squared_error"), E_part="(y - t)^2/2"),
    _part("not_divided", loss("mean_squared_error"), several_units, E_part="(y - t)^2"),
    _part("no_square", _squares, E_part=_scaled("y - t")),
    _part("absolute", _squares, E_part="abs(y - t)"),
    _part("absolute_scaled", _squares, _not_plain_square, E_part=_scaled("abs(y - t)")),
    _part("plus_target", _squares, E_part=_scaled("(y + t)^2")),
    _part("no_target", _squares, E_part=_scaled("y^2")),
    _part("wrong_target", _squares, several_units, E_part=_scaled("(y - t[{J}+1-j,n])^2")),
    _part("squares_apart", _squares, E_part=_scaled("y^2 - t^2")),
    _part("uses_pre_activation", _squares, _bent, E_part=_scaled("(a - t)^2")),
    _part(
        "log_10",
        _entropy,
        E_part="right/log(10)",
        source="every loss is smaller by the factor 2.302585",
    ),
    _part("log_2", _entropy, E_part="right/log(2)"),
    _part("no_minus", _entropy, E_part=_no_minus),
    _part("no_log", _cross, E_part="-(t*y)"),
    _part("every_class", _cross, E_part="-log(y)"),
    _part("log_of_target", _cross, _positive_targets, E_part="-(y*log(t))"),
    _part("first_term_only", _binary, E_part="-xlogy(t, y)"),
    _part("second_term_sign", _binary, E_part="-(xlogy(t, y) - xlogy(1 - t, 1 - y))"),
    _part("second_log_of_y", _binary, E_part="-(xlogy(t, y) + xlogy(1 - t, y))"),
    _part("binary_for_categorical", _cross, E_part="-(xlogy(t, y) + xlogy(1 - t, 1 - y))"),
    _part("squared_error_instead", _entropy, E_part="(y - t)^2/2"),
    _part("huber_square_everywhere", loss("huber"), E_part="(y - t)^2/2"),
    _part("huber_no_half", loss("huber"), E_part="(y - t)^2/2 if 1 > abs(y - t) else abs(y - t)"),
    _part("no_absolute", loss("absolute_error"), E_part="y - t"),
    _part("square_for_absolute", loss("absolute_error"), E_part="(y - t)^2"),
    _part("hinge_not_cut", loss("hinge"), E_part="1 - t*y"),
    _part("hinge_no_target", loss("hinge"), E_part="max(0, 1 - y)"),
    _part("hinge_no_margin", loss("hinge"), E_part="max(0, -(t*y))"),
    _part("logistic_sign", loss("logistic_loss"), E_part="log(1 + exp(t*y))"),
    _part("logistic_no_target", loss("logistic_loss"), E_part="log(1 + exp(-y))"),
    _part("kl_turned_round", loss("kl_divergence"), _positive_targets, E_part="xlogy(y, y) - y*log(t)"),
    _part("kl_no_entropy", loss("kl_divergence"), E_part="-xlogy(t, y)"),
    _sum("mean_over_outputs", counted, several_units, E_sample="(Σ_j E_part)/{J}"),
    _sum("one_output", counted, each=_outputs, E_sample="E_part[{each},n]"),
    _sum("root", _squares, E_sample="sqrt(Σ_j E_part)"),
    _sum("square_of_sum", _squares, several_units, E_sample=_scaled("(Σ_j (y - t))^2")),
    _batch("mean_for_sum", counted, batch, _reduced("sum"), E="(Σ_n E_sample)/|n|"),
    _batch("sum_for_mean", counted, batch, _reduced("mean"), E="Σ_n E_sample"),
    _batch("divided_twice", counted, batch, _reduced("mean"), E="right/{N}"),
    _batch("first_sample", counted, batch, E="E_sample[1]"),
    _batch("last_sample", counted, batch, E="E_sample[{N}]"),
)


# --- dE/dy ---


def _of_error(error: str) -> Mapping[str, Line]:
    """dE/dy of a squared error from another error."""
    factor = {"half_squared_error": "", "squared_error": "2*", "mean_squared_error": "2/{J}*"}
    return {"dz": lambda problem, l: f"{factor[problem.network.loss.name]}({error})"}


def _changed(change: str) -> Mapping[str, Line]:
    """The right signal changed, and with it y - t where loss and activation give that."""
    return {"dz": change, "delta": lambda problem, l: change if problem.fused else "right"}


def _long(signal: str) -> Mapping[str, Line]:
    return {"dz": signal, "delta": long_way}


_dz = mistakes("dz", "output_signal")

SIGNAL: tuple[Mistake, ...] = (
    _dz("huber_not_cut", loss("huber"), dz="y - t"),
    _dz("sign_lost", loss("absolute_error"), dz="1"),
    _dz("error_for_sign", loss("absolute_error"), dz="y - t"),
    _dz("hinge_everywhere", loss("hinge"), dz="-t"),
    _dz("hinge_sign", loss("hinge"), dz="-right"),
    _dz("logistic_no_target", loss("logistic_loss"), dz="-1/(1 + exp(t*y))"),
    _dz("logistic_exponent", loss("logistic_loss"), dz="-t/(1 + exp(-(t*y)))"),
    _dz("sign", _with_targets, **_changed("-right"), source="jamesmccaffrey.wordpress.com 2017/07/03"),
    _dz(
        "factor_2",
        _with_targets,
        **_changed("2*right"),
        source="datascience.SE 71843; Open-Deep-ML#54; markroxor/fromscratchtoml#65",
    ),
    _dz("half", _with_targets, **_changed("right/2"), source="42-AI/bootcamp_machine-learning#20"),
    _dz("mean_over_outputs", _with_targets, three_units, _not_mean, **_changed("right/{J}")),
    _dz("not_divided", loss("mean_squared_error"), three_units, dz="2*(y - t)"),
    _dz("no_target", _squares, **_of_error("y")),
    _dz("target_only", _squares, **_of_error("t")),
    _dz("plus_target", _squares, **_of_error("y + t")),
    _dz("wrong_target", _squares, several_units, **_of_error("y - t[{J}+1-j,n]")),
    _dz("absolute", _squares, **_of_error("abs(y - t)")),
    _dz("uses_pre_activation", _squares, _bent, **_of_error("a - t")),
    _dz("squared", _squares, dz="(y - t)^2", source="makeyourownneuralnetwork#77"),
    _dz("loss_value", not_fused, _not_plain_square, _with_targets, dz="E_part"),
    _dz(
        "of_output",
        _with_targets,
        **_long("1"),
        source="stats.SE 188678: differences of the output in place of the loss",
    ),
    _dz("squared_error_instead", _entropy, **_long("y - t")),
    _dz("times_output", _cross, **_long("-(t*y)")),
    _dz("every_class", _cross, **_long("-(1/y)")),
    _dz("inverted", _cross, _positive_targets, **_long("-over(y, t)")),
    _dz("first_term_only", _binary, **_long("-over(t, y)")),
    _dz("second_term_sign", _binary, **_long("-over(1 - t, 1 - y) - over(t, y)")),
)
