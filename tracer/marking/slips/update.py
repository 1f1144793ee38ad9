"""Slips in the update: what the optimizer reads, gradient descent, momentum, Nesterov's momentum, Adam and its kin.

w is a parameter, g its gradient as the optimizer reads it.
"""

from __future__ import annotations

from derivations.network import Problem
from tracer.marking.slips.places import (
    batch,
    one_at_a_time,
    optimizer,
    several_inputs,
    several_steps,
    several_units,
    square,
)
from tracer.marking.slips.slip import Mistake, Where, mistakes

__all__ = ["ADAM", "DESCENT", "MOMENTUM", "PREPARED", "SCALED"]

WEIGHTS = ("W",)


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
        new="w",
        source="mattm/simple-neural-network#5: biases are never updated",
    ),
    _u("plus", _sgd, by_parameter=True, new="w + eta*g"),
    _u(
        "no_eta",
        _sgd,
        by_parameter=True,
        new="w - g",
        source="aimacode/aima-python#285; 42-AI/bootcamp_machine-learning#64",
    ),
    _u("eta_squared", _sgd, by_parameter=True, new="w - eta*eta*g", source="PsyNeuLink PR#1745"),
    _u("divides_by_eta", _sgd, _rate_above_zero, by_parameter=True, new="w - g/eta"),
    _u("step_only", _sgd, by_parameter=True, new="eta*g"),
    _u("negative_step_only", _sgd, by_parameter=True, new="-(eta*g)"),
    _u("gradient_only", _sgd, by_parameter=True, new="g"),
    _u("swapped", _sgd, by_parameter=True, new="g - eta*w"),
    _u("step_minus_weight", _sgd, by_parameter=True, new="eta*g - w"),
    _u("eta_times_difference", _sgd, by_parameter=True, new="eta*(w - g)"),
    _u("eta_subtracted", _sgd, by_parameter=True, new="w - eta - g"),
    _u("double_step", _sgd, by_parameter=True, new="w - 2*(eta*g)"),
    _u("half_step", _sgd, by_parameter=True, new="w - eta*g/2"),
    _u("times_weight", _sgd, by_parameter=True, new="w - eta*g*w"),
    _u("weight_for_gradient", _sgd, by_parameter=True, new="w - eta*w", source="udacity/sdc-issue-reports#75"),
    _u("delta_for_gradient", _sgd, one_at_a_time, of=WEIGHTS, new="w - eta*delta[j,1]"),
    _u("transposed_gradient", _sgd, square, of=WEIGHTS, new="w - eta*g[i,j]"),
    _u("gradient_beside", _sgd, several_inputs, of=WEIGHTS, new="w - eta*g[j,{I}+1-i]"),
    _u("wrong_unit", _sgd, several_units, of=WEIGHTS, new="w[{J}+1-j,i] - eta*g"),
    _u("swapped_gradients", _sgd, several_units, of=WEIGHTS, new="w - eta*g[{J}+1-j,i]"),
    _u(
        "activation_for_weights",
        _sgd,
        one_at_a_time,
        of=WEIGHTS,
        new="z[j,1]",
        source="document 003: the outputs of a layer are stored where its weights belong",
    ),
    _u("bias_gradient_for_weights", _sgd, _own_bias, batch, of=WEIGHTS, new="w - eta*db"),
)


# --- momentum ---


def _forgotten(problem: Problem, l: int) -> str:
    """The velocity as if each step were the first."""
    if problem.training.optimizer == "nesterov":
        return "g"
    return "(1 - mu)*g" if problem.training.momentum_form == "ema" else "-(eta*g)"


def _no_mu(problem: Problem, l: int) -> str:
    """The old velocity kept whole."""
    return f"v_before + ({_forgotten(problem, l)})"


_v = mistakes("vW", "velocity")
_m = mistakes("W_new", "momentum_step")
_n = mistakes("W_new", "nesterov_step")
_classical, _ema, _nesterov = optimizer("momentum"), optimizer("ema"), optimizer("nesterov")
_ema_or_nesterov = optimizer("ema", "nesterov")
_any_velocity = optimizer("momentum", "ema", "nesterov")

MOMENTUM: tuple[Mistake, ...] = (
    _v("plus", _classical, v="mu*v_before + eta*g"),
    _v("no_eta", _classical, v="mu*v_before - g"),
    _v("mu_on_gradient", _classical, v="mu*(v_before - eta*g)"),
    _v("one_minus_mu", _classical, v="mu*v_before - (1 - mu)*eta*g"),
    _v("no_one_minus_mu", _ema, v="mu*v_before + g"),
    _v("swapped_mu", _ema, v="(1 - mu)*v_before + mu*g"),
    _v("minus", _ema_or_nesterov, v="mu*v_before - g"),
    _v("eta_twice", _ema_or_nesterov, v="mu*v_before + eta*g"),
    _v("forgotten", _any_velocity, several_steps, v=_forgotten),
    _v("no_mu", _any_velocity, several_steps, v=_no_mu),
    _m("minus", _classical, new="w - v"),
    _m("eta_twice", _classical, new="w + eta*v"),
    _m("plus", _ema, new="w + eta*v"),
    _m("no_eta", _ema, new="w - v"),
    _m("plain_descent", _ema, new="w - eta*g"),
    _m("velocity_not_used", _classical, several_steps, new="w - eta*g"),
    _m("gradient_again", _classical, new="w + v - eta*g"),
    _m("velocity_only", _classical, new="v"),
    _n("plain_momentum", _nesterov, new="w - eta*v"),
    _n("plain_descent", _nesterov, several_steps, new="w - eta*g"),
    _n("no_gradient", _nesterov, new="w - eta*(mu*v)"),
    _n("no_mu", _nesterov, new="w - eta*(g + v)"),
    _n("plus", _nesterov, new="w + eta*(g + mu*v)"),
    _n("no_eta", _nesterov, new="w - (g + mu*v)"),
)


# --- Adam ---

_used, _adam, _decoupled = optimizer("adam", "adamw"), optimizer("adam"), optimizer("adamw")
_m1, _m2 = mistakes("mW", "first_moment"), mistakes("vW", "second_moment")
_h1, _h2 = mistakes("mW_hat", "first_hat"), mistakes("vW_hat", "second_hat")
_step = mistakes("W_new", "adam_step")

ADAM: tuple[Mistake, ...] = (
    _m1("no_decay", _used, m="beta1*m_before + g"),
    _m1("swapped_betas", _used, m="(1 - beta1)*m_before + beta1*g"),
    _m1("beta2", _used, m="beta2*m_before + (1 - beta2)*g"),
    _m1("minus", _used, m="beta1*m_before - (1 - beta1)*g"),
    _m1("forgotten", _used, several_steps, m="(1 - beta1)*g"),
    _m2("not_squared", _used, v="beta2*v_before + (1 - beta2)*g"),
    _m2("absolute", _used, v="beta2*v_before + (1 - beta2)*abs(g)"),
    _m2("no_decay", _used, v="beta2*v_before + g^2"),
    _m2("swapped_betas", _used, v="(1 - beta2)*v_before + beta2*g^2"),
    _m2("beta1", _used, v="beta1*v_before + (1 - beta1)*g^2"),
    _m2("decay_squared", _used, v="beta2*v_before + ((1 - beta2)*g)^2"),
    _m2("forgotten", _used, several_steps, v="(1 - beta2)*g^2"),
    _h1("none", _used, m_hat="m"),
    _h1("multiplied", _used, m_hat="m*(1 - beta1^step)"),
    _h1("beta2", _used, m_hat="m/(1 - beta2^step)"),
    _h1("no_power", _used, several_steps, m_hat="m/(1 - beta1)"),
    _h1("both_multiplied", _used, m_hat="m*(1 - beta1^step)", v_hat="v*(1 - beta2^step)"),
    _h2("none", _used, v_hat="v"),
    _h2("multiplied", _used, v_hat="v*(1 - beta2^step)"),
    _h2("beta1", _used, v_hat="v/(1 - beta1^step)"),
    _h2("no_power", _used, several_steps, v_hat="v/(1 - beta2)"),
    _step("no_correction", _adam, new="w - eta*m/(sqrt(v) + epsilon)"),
    _step("no_root", _adam, new="w - eta*m_hat/(v_hat + epsilon)"),
    _step("epsilon_inside", _adam, new="w - eta*m_hat/sqrt(v_hat + epsilon)"),
    _step("no_epsilon", _adam, new="w - eta*m_hat/sqrt(v_hat)"),
    _step("no_second_moment", _adam, new="w - eta*m_hat"),
    _step("gradient_for_moment", _adam, several_steps, new="w - eta*g/(sqrt(v_hat) + epsilon)"),
    _step("plus", _adam, new="w + eta*m_hat/(sqrt(v_hat) + epsilon)"),
    _step("no_eta", _adam, new="w - m_hat/(sqrt(v_hat) + epsilon)"),
    _step("moments_multiplied", _adam, new="w - eta*m_hat*(sqrt(v_hat) + epsilon)"),
    _step("no_weight_decay", _decoupled, new="w - eta*m_hat/(sqrt(v_hat) + epsilon)"),
    _step("decay_without_eta", _decoupled, new="w - eta*m_hat/(sqrt(v_hat) + epsilon) - lambda*w"),
    _step("decay_plus", _decoupled, new="w - eta*m_hat/(sqrt(v_hat) + epsilon) + eta*lambda*w"),
)


# --- RMSProp, AdaGrad ---

_rms, _ada, _scaled = optimizer("rmsprop"), optimizer("adagrad"), optimizer("rmsprop", "adagrad")
_s = mistakes("vW", "mean_square")
_t = mistakes("W_new", "scaled_step")

SCALED: tuple[Mistake, ...] = (
    _s("not_squared", _rms, v="rho*v_before + (1 - rho)*g"),
    _s("swapped_rho", _rms, v="(1 - rho)*v_before + rho*g^2"),
    _s("no_one_minus_rho", _rms, v="rho*v_before + g^2"),
    _s("forgotten", _rms, several_steps, v="(1 - rho)*g^2"),
    _s("sum_not_squared", _ada, v="v_before + g"),
    _s("only_latest", _ada, several_steps, v="g^2"),
    _t("no_root", _scaled, new="w - eta*g/(v + epsilon)"),
    _t("epsilon_inside", _scaled, new="w - eta*g/sqrt(v + epsilon)"),
    _t("plain_descent", _scaled, new="w - eta*g"),
    _t("plus", _scaled, new="w + eta*g/(sqrt(v) + epsilon)"),
    _t("no_eta", _scaled, new="w - g/(sqrt(v) + epsilon)"),
)


# --- what the optimizer reads of a gradient ---


def _decays(problem: Problem, l: int) -> bool:
    """Whether weights decay through their gradients, which are not clipped."""
    training = problem.training
    return training.weight_decay is not None and training.optimizer != "adamw" and not training.clipping


def _clips(how: str) -> Where:
    """Whether gradients are clipped like that, and nothing is added."""

    def clips(problem: Problem, l: int) -> bool:
        training = problem.training
        return training.clipping == how and (training.weight_decay is None or training.optimizer == "adamw")

    return clips


_g = mistakes("gW", "read_gradient")
_value, _norm = _clips("value"), _clips("norm")

PREPARED: tuple[Mistake, ...] = (
    _g("no_decay", _decays, g="raw"),
    _g("decay_minus", _decays, g="raw - lambda*w"),
    _g("decay_without_weight", _decays, g="raw + lambda"),
    _g("decay_twice", _decays, g="raw + 2*lambda*w"),
    _g("not_clipped", _value, g="raw"),
    _g("negative_not_clipped", _value, g="min(clip, raw)"),
    _g("not_scaled", _norm, g="raw"),
    _g("to_length_one", _norm, g="raw/norm"),
    _g("cut_by_entry", _norm, g="max(-clip, min(clip, raw))"),
)
