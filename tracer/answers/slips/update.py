"""Slips in the update: gradient descent, momentum, Nesterov's momentum, Adam.  p is "W" or "b"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from derivations.network import Problem
from derivations.rules import State
from tracer.answers.slips.places import (
    batch,
    one_at_a_time,
    optimizer,
    several_inputs,
    several_steps,
    several_units,
    square,
)
from tracer.answers.slips.slip import Mistake, Rule, mistakes

__all__ = ["ADAM", "DESCENT", "MOMENTUM"]

Array = Any
Parts = Callable[[State, Array, Array], Array]


def _new(formula: Parts) -> Mapping[str, Rule]:
    """The new parameters from the old ones w and their gradient g."""
    return {"gradient_step": lambda s, l, p: formula(s, getattr(s, p)[l], getattr(s, f"d{p}")[l])}


def _weights_only(formula: Callable[[State, int], Array]) -> Mapping[str, Rule]:
    """The same for weights; biases are updated rightly."""

    def step(s: State, l: int, p: str) -> Array:
        return formula(s, l) if p == "W" else getattr(s, p)[l] - s.eta * getattr(s, f"d{p}")[l]

    return {"gradient_step": step}


def _unchanged(s: State, l: int, p: str) -> Array:
    return getattr(s, p)[l]


def _own_bias(problem: Problem, l: int) -> bool:
    bias = problem.network.layer(l).bias
    return bias is not None and not bias.shared


def _rate_above_zero(problem: Problem, l: int) -> bool:
    return bool(problem.training.learning_rate.floats > 0)


_sgd = optimizer("sgd")
_u = mistakes("W_new", "update")

DESCENT: tuple[Mistake, ...] = (
    _u(
        "unchanged",
        by_parameter=True,
        gradient_step=_unchanged,
        momentum_step=_unchanged,
        nesterov_step=_unchanged,
        adam_step=_unchanged,
        source="mattm/simple-neural-network#5: biases are never updated",
    ),
    _u("plus", _sgd, by_parameter=True, **_new(lambda s, w, g: w + s.eta * g)),
    _u(
        "no_eta",
        _sgd,
        by_parameter=True,
        **_new(lambda s, w, g: w - g),
        source="aimacode/aima-python#285; 42-AI/bootcamp_machine-learning#64",
    ),
    _u(
        "eta_squared",
        _sgd,
        by_parameter=True,
        **_new(lambda s, w, g: w - s.eta * s.eta * g),
        source="PsyNeuLink PR#1745",
    ),
    _u("divides_by_eta", _sgd, _rate_above_zero, by_parameter=True, **_new(lambda s, w, g: w - g / s.eta)),
    _u("step_only", _sgd, by_parameter=True, **_new(lambda s, w, g: s.eta * g)),
    _u("negative_step_only", _sgd, by_parameter=True, **_new(lambda s, w, g: -(s.eta * g))),
    _u("gradient_only", _sgd, by_parameter=True, **_new(lambda s, w, g: g)),
    _u("swapped", _sgd, by_parameter=True, **_new(lambda s, w, g: g - s.eta * w)),
    _u("step_minus_weight", _sgd, by_parameter=True, **_new(lambda s, w, g: s.eta * g - w)),
    _u("eta_times_difference", _sgd, by_parameter=True, **_new(lambda s, w, g: s.eta * (w - g))),
    _u("eta_subtracted", _sgd, by_parameter=True, **_new(lambda s, w, g: w - s.eta - g)),
    _u("double_step", _sgd, by_parameter=True, **_new(lambda s, w, g: w - 2 * (s.eta * g))),
    _u("half_step", _sgd, by_parameter=True, **_new(lambda s, w, g: w - s.eta * g / 2)),
    _u("times_weight", _sgd, by_parameter=True, **_new(lambda s, w, g: w - s.eta * g * w)),
    _u(
        "weight_for_gradient",
        _sgd,
        by_parameter=True,
        **_new(lambda s, w, g: w - s.eta * w),
        source="udacity/sdc-issue-reports#75",
    ),
    _u(
        "delta_for_gradient",
        _sgd,
        one_at_a_time,
        **_weights_only(lambda s, l: s.W[l] - s.eta * s.delta[l]),
    ),
    _u("transposed_gradient", _sgd, square, **_weights_only(lambda s, l: s.W[l] - s.eta * s.dW[l].T)),
    _u("gradient_beside", _sgd, several_inputs, **_weights_only(lambda s, l: s.W[l] - s.eta * s.dW[l].T[::-1].T)),
    _u("wrong_unit", _sgd, several_units, **_weights_only(lambda s, l: s.W[l][::-1] - s.eta * s.dW[l])),
    _u("swapped_gradients", _sgd, several_units, **_weights_only(lambda s, l: s.W[l] - s.eta * s.dW[l][::-1])),
    _u(
        "activation_for_weights",
        _sgd,
        one_at_a_time,
        **_weights_only(lambda s, l: s.m.ones_like(s.W[l]) * s.z[l]),
        source="document 003: the outputs of a layer are stored where its weights belong",
    ),
    _u("bias_gradient_for_weights", _sgd, _own_bias, batch, **_weights_only(lambda s, l: s.W[l] - s.eta * s.db[l])),
)


# --- momentum ---


def _by_state(formula: Callable[..., Array]) -> Rule:
    """A rule from w, g, and the velocity as it was and as it is (None where it is still to be made)."""

    def rule(s: State, l: int, p: str) -> Array:
        return formula(s, getattr(s, p)[l], getattr(s, f"d{p}")[l], s.before[f"v{p}", l], getattr(s, f"v{p}")[l])

    return rule


def _forgotten(s: State, l: int, p: str) -> Array:
    """The velocity as if each step were the first."""
    g = getattr(s, f"d{p}")[l]
    if s.training.optimizer == "nesterov":
        return g
    return (1 - s.mu) * g if s.training.momentum_form == "ema" else -(s.eta * g)


def _no_mu(s: State, l: int, p: str) -> Array:
    """The old velocity kept whole."""
    old, g = s.before[f"v{p}", l], getattr(s, f"d{p}")[l]
    classical = s.training.optimizer == "momentum" and s.training.momentum_form == "classical"
    return old - s.eta * g if classical else old + _forgotten(s, l, p)


_v, _m = mistakes("vW", "velocity"), mistakes("W_new", "momentum_step")
_n = mistakes("W_new", "nesterov_step")
_classical, _ema, _nesterov = optimizer("momentum"), optimizer("ema"), optimizer("nesterov")
_ema_or_nesterov = optimizer("ema", "nesterov")
_any_velocity = optimizer("momentum", "ema", "nesterov")

MOMENTUM: tuple[Mistake, ...] = (
    _v("plus", _classical, velocity=_by_state(lambda s, w, g, old, v: s.mu * old + s.eta * g)),
    _v("no_eta", _classical, velocity=_by_state(lambda s, w, g, old, v: s.mu * old - g)),
    _v("mu_on_gradient", _classical, velocity=_by_state(lambda s, w, g, old, v: s.mu * (old - s.eta * g))),
    _v("one_minus_mu", _classical, velocity=_by_state(lambda s, w, g, old, v: s.mu * old - (1 - s.mu) * s.eta * g)),
    _v("no_one_minus_mu", _ema, velocity=_by_state(lambda s, w, g, old, v: s.mu * old + g)),
    _v("swapped_mu", _ema, velocity=_by_state(lambda s, w, g, old, v: (1 - s.mu) * old + s.mu * g)),
    _v("minus", _ema_or_nesterov, velocity=_by_state(lambda s, w, g, old, v: s.mu * old - g)),
    _v("eta_twice", _ema_or_nesterov, velocity=_by_state(lambda s, w, g, old, v: s.mu * old + s.eta * g)),
    _v("forgotten", _any_velocity, several_steps, velocity=_forgotten),
    _v("no_mu", _any_velocity, several_steps, velocity=_no_mu),
    _m("minus", _classical, momentum_step=_by_state(lambda s, w, g, old, v: w - v)),
    _m("eta_twice", _classical, momentum_step=_by_state(lambda s, w, g, old, v: w + s.eta * v)),
    _m("plus", _ema, momentum_step=_by_state(lambda s, w, g, old, v: w + s.eta * v)),
    _m("no_eta", _ema, momentum_step=_by_state(lambda s, w, g, old, v: w - v)),
    _m("plain_descent", _ema, momentum_step=_by_state(lambda s, w, g, old, v: w - s.eta * g)),
    _m("velocity_not_used", _classical, several_steps, momentum_step=_by_state(lambda s, w, g, old, v: w - s.eta * g)),
    _m("gradient_again", _classical, momentum_step=_by_state(lambda s, w, g, old, v: w + v - s.eta * g)),
    _m("velocity_only", _classical, momentum_step=_by_state(lambda s, w, g, old, v: v)),
    _n("plain_momentum", _nesterov, nesterov_step=_by_state(lambda s, w, g, old, v: w - s.eta * v)),
    _n("plain_descent", _nesterov, several_steps, nesterov_step=_by_state(lambda s, w, g, old, v: w - s.eta * g)),
    _n("no_gradient", _nesterov, nesterov_step=_by_state(lambda s, w, g, old, v: w - s.eta * (s.mu * v))),
    _n("no_mu", _nesterov, nesterov_step=_by_state(lambda s, w, g, old, v: w - s.eta * (g + v))),
    _n("plus", _nesterov, nesterov_step=_by_state(lambda s, w, g, old, v: w + s.eta * (g + s.mu * v))),
    _n("no_eta", _nesterov, nesterov_step=_by_state(lambda s, w, g, old, v: w - (g + s.mu * v))),
)


# --- Adam ---


def _moment(letter: str, formula: Callable[..., Array]) -> Rule:
    """A rule for a moment from the gradient and the moment as it was."""
    return lambda s, l, p: formula(s, getattr(s, f"d{p}")[l], s.before[f"{letter}{p}", l])


def _hat(letter: str, formula: Callable[..., Array]) -> Rule:
    """A rule for a corrected moment from the moment."""
    return lambda s, l, p: formula(s, getattr(s, f"{letter}{p}")[l])


def _adam(formula: Callable[..., Array]) -> Rule:
    """A rule for the step from w, g and the corrected moments."""

    def rule(s: State, l: int, p: str) -> Array:
        return formula(
            s, getattr(s, p)[l], getattr(s, f"d{p}")[l], getattr(s, f"m{p}_hat")[l], getattr(s, f"v{p}_hat")[l]
        )

    return rule


def _uncorrected(s: State, l: int, p: str) -> Array:
    return getattr(s, p)[l] - s.eta * getattr(s, f"m{p}")[l] / (s.m.sqrt(getattr(s, f"v{p}")[l]) + s.epsilon)


_used = optimizer("adam")
_m1, _m2 = mistakes("mW", "first_moment"), mistakes("vW", "second_moment")
_h1, _h2 = mistakes("mW_hat", "first_hat"), mistakes("vW_hat", "second_hat")
_step = mistakes("W_new", "adam_step")

ADAM: tuple[Mistake, ...] = (
    _m1("no_decay", _used, first_moment=_moment("m", lambda s, g, old: s.beta1 * old + g)),
    _m1("swapped_betas", _used, first_moment=_moment("m", lambda s, g, old: (1 - s.beta1) * old + s.beta1 * g)),
    _m1("beta2", _used, first_moment=_moment("m", lambda s, g, old: s.beta2 * old + (1 - s.beta2) * g)),
    _m1("minus", _used, first_moment=_moment("m", lambda s, g, old: s.beta1 * old - (1 - s.beta1) * g)),
    _m1("forgotten", _used, several_steps, first_moment=_moment("m", lambda s, g, old: (1 - s.beta1) * g)),
    _m2("not_squared", _used, second_moment=_moment("v", lambda s, g, old: s.beta2 * old + (1 - s.beta2) * g)),
    _m2("no_decay", _used, second_moment=_moment("v", lambda s, g, old: s.beta2 * old + s.m.square(g))),
    _m2(
        "swapped_betas",
        _used,
        second_moment=_moment("v", lambda s, g, old: (1 - s.beta2) * old + s.beta2 * s.m.square(g)),
    ),
    _m2(
        "beta1",
        _used,
        second_moment=_moment("v", lambda s, g, old: s.beta1 * old + (1 - s.beta1) * s.m.square(g)),
    ),
    _m2(
        "decay_squared",
        _used,
        second_moment=_moment("v", lambda s, g, old: s.beta2 * old + s.m.square((1 - s.beta2) * g)),
    ),
    _m2("forgotten", _used, several_steps, second_moment=_moment("v", lambda s, g, old: (1 - s.beta2) * s.m.square(g))),
    _h1("none", _used, first_hat=_hat("m", lambda s, m: m)),
    _h1("multiplied", _used, first_hat=_hat("m", lambda s, m: m * (1 - s.beta1**s.count))),
    _h1("beta2", _used, first_hat=_hat("m", lambda s, m: m / (1 - s.beta2**s.count))),
    _h1("no_power", _used, several_steps, first_hat=_hat("m", lambda s, m: m / (1 - s.beta1))),
    _h1(
        "both_multiplied",
        _used,
        first_hat=_hat("m", lambda s, m: m * (1 - s.beta1**s.count)),
        second_hat=_hat("v", lambda s, v: v * (1 - s.beta2**s.count)),
    ),
    _h2("none", _used, second_hat=_hat("v", lambda s, v: v)),
    _h2("multiplied", _used, second_hat=_hat("v", lambda s, v: v * (1 - s.beta2**s.count))),
    _h2("beta1", _used, second_hat=_hat("v", lambda s, v: v / (1 - s.beta1**s.count))),
    _h2("no_power", _used, several_steps, second_hat=_hat("v", lambda s, v: v / (1 - s.beta2))),
    _step("no_correction", _used, adam_step=_uncorrected),
    _step("no_root", _used, adam_step=_adam(lambda s, w, g, m, v: w - s.eta * m / (v + s.epsilon))),
    _step("epsilon_inside", _used, adam_step=_adam(lambda s, w, g, m, v: w - s.eta * m / s.m.sqrt(v + s.epsilon))),
    _step("no_epsilon", _used, adam_step=_adam(lambda s, w, g, m, v: w - s.eta * m / s.m.sqrt(v))),
    _step("no_second_moment", _used, adam_step=_adam(lambda s, w, g, m, v: w - s.eta * m)),
    _step(
        "gradient_for_moment",
        _used,
        several_steps,
        adam_step=_adam(lambda s, w, g, m, v: w - s.eta * g / (s.m.sqrt(v) + s.epsilon)),
    ),
    _step("plus", _used, adam_step=_adam(lambda s, w, g, m, v: w + s.eta * m / (s.m.sqrt(v) + s.epsilon))),
    _step("no_eta", _used, adam_step=_adam(lambda s, w, g, m, v: w - m / (s.m.sqrt(v) + s.epsilon))),
    _step(
        "moments_multiplied", _used, adam_step=_adam(lambda s, w, g, m, v: w - s.eta * m * (s.m.sqrt(v) + s.epsilon))
    ),
)
