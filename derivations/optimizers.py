"""Updates: each optimizer's equations for one parameter P with gradient dP, as text of the language.

v_ and m_ are the parameter's state (velocity, moments), `before` what it was; step counts them from 1.  Where gradients
are clipped, or the weights decay through them, an optimizer reads gP in place of dP.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from derivations.building import total
from derivations.equations import Equation
from derivations.expression import Call, Expression, Index, Over, Power, Ref
from derivations.language import expression
from derivations.network import Training

__all__ = [
    "CONSTANTS",
    "FROZEN",
    "NORM",
    "OPTIMIZERS",
    "STEP_COUNT",
    "Optimizer",
    "optimizer_of",
    "updates",
    "with_norm",
]

CONSTANTS = ("eta", "mu", "beta1", "beta2", "epsilon", "rho", "lambda", "clip")
NORM = "norm"
"""The length of all gradients together."""
STEP_COUNT = "step"


@dataclass(frozen=True)
class Optimizer:
    """Its lines `what = formula`, in order; `state` are the letters that it carries from step to step."""

    lines: tuple[str, ...]
    state: tuple[str, ...] = ()
    source: str = ""


OPTIMIZERS: Mapping[str, Optimizer] = MappingProxyType(
    {
        "sgd": Optimizer(("P_new = P - eta*dP",), source="Bishop (2006), 5.41"),
        "momentum": Optimizer(
            ("vP = mu*vP_before - eta*dP", "P_new = P + vP"), ("v",), source="Polyak (1964); Sutskever et al. (2013)"
        ),
        "momentum_ema": Optimizer(
            ("vP = mu*vP_before + (1 - mu)*dP", "P_new = P - eta*vP"), ("v",), source="v a moving average of gradients"
        ),
        "nesterov": Optimizer(
            ("vP = mu*vP_before + dP", "P_new = P - eta*(dP + mu*vP)"), ("v",), source="torch.optim.SGD(nesterov=True)"
        ),
        "adam": Optimizer(
            (
                "mP = beta1*mP_before + (1 - beta1)*dP",
                "vP = beta2*vP_before + (1 - beta2)*dP^2",
                "mP_hat = mP/(1 - beta1^step)",
                "vP_hat = vP/(1 - beta2^step)",
                "P_new = P - eta*mP_hat/(sqrt(vP_hat) + epsilon)",
            ),
            ("m", "v"),
            source="Kingma & Ba (2015), algorithm 1",
        ),
        "rmsprop": Optimizer(
            ("vP = rho*vP_before + (1 - rho)*dP^2", "P_new = P - eta*dP/(sqrt(vP) + epsilon)"),
            ("v",),
            source="Hinton (2012), lecture 6e; torch.optim.RMSprop",
        ),
        "adagrad": Optimizer(
            ("vP = vP_before + dP^2", "P_new = P - eta*dP/(sqrt(vP) + epsilon)"),
            ("v",),
            source="Duchi, Hazan & Singer (2011); torch.optim.Adagrad",
        ),
    }
)
ADAM = OPTIMIZERS["adam"]
DECOUPLED = Optimizer(
    (*ADAM.lines[:-1], "P_new = P - eta*(mP_hat/(sqrt(vP_hat) + epsilon) + lambda*P)"),
    ADAM.state,
    source="Loshchilov & Hutter (2019), algorithm 2",
)
CLIPPED = {
    "": "dP",
    "value": "max(-clip, min(clip, dP))",
    "norm": "clip*dP/norm if norm > clip else dP",
}
"""What is left of a gradient that is clipped: Pascanu, Mikolov & Bengio (2013), algorithm 1."""
FROZEN = Optimizer(("P_new = P",), source="a parameter that is not trained")


def optimizer_of(training: Training) -> Optimizer:
    """The lines of a training's update."""
    if training.optimizer == "adamw":
        return _prepared(DECOUPLED, CLIPPED[training.clipping], training.epsilon_inside)
    ema = training.optimizer == "momentum" and training.momentum_form == "ema"
    gradient = CLIPPED[training.clipping]
    if training.weight_decay is not None:
        gradient = f"{gradient} + lambda*P" if " if " not in gradient else f"({gradient}) + lambda*P"
    return _prepared(OPTIMIZERS["momentum_ema" if ema else training.optimizer], gradient, training.epsilon_inside)


def _prepared(optimizer: Optimizer, gradient: str, inside: bool) -> Optimizer:
    """The optimizer with another gradient in front, with epsilon under the root where it is said to be there."""
    if inside:
        under = (re.sub(r"\(sqrt\((\w+)\) \+ epsilon\)", r"sqrt(\1 + epsilon)", line) for line in optimizer.lines)
        optimizer = replace(optimizer, lines=tuple(under))
    if gradient == "dP":
        return optimizer
    lines = (re.sub(r"\bdP\b", "gP", line) for line in optimizer.lines)
    return replace(optimizer, lines=(f"gP = {gradient}", *lines))


def with_norm(back: Sequence[Equation]) -> list[Equation]:
    """The equations with the length of all gradients, sqrt(Σ dP^2 + ..), before the updates that read it."""
    update = [e for e in back if e.stage == "update"]
    if not any(r.name == NORM for e in update for r in e.reads):
        return list(back)
    gradients = dict.fromkeys(r for e in update if e.why == "gP" for r in e.reads if r.name not in (NORM, *CONSTANTS))
    own = [r for r in gradients if r.name not in {e.of for e in update}]
    letters = [tuple(a.letter for a in r.at if isinstance(a, Index)) for r in own]
    parts = [Over("sum", l, Power(r, 2)) if l else Power(r, 2) for r, l in zip(own, letters, strict=True)]
    right = Call("sqrt", (total(*((1, part) for part in parts)),))
    others = [e for e in back if e.stage != "update"]
    return [*others, Equation(Ref(NORM, ()), right, "update", why=NORM), *update]


def updates(optimizer: Optimizer, names: Mapping[str, str]) -> Callable[[Ref], list[Equation]]:
    """The optimizer's equations of one parameter; `names` maps dW1 to what the gradient is called."""

    def of(parameter: Ref) -> list[Equation]:
        def put(e: Expression) -> Expression:
            if isinstance(e, Ref) and e.name == "P":
                return parameter
            if isinstance(e, Ref) and e.name not in CONSTANTS and "P" in e.name:
                name = e.name.replace("P", parameter.name)
                if name.removesuffix("_before") in CONSTANTS:  # the first moment of u is no momentum
                    name = e.name.replace("P", f"_{parameter.name}")
                return Ref(names.get(name, name), parameter.at)
            out: Expression = e.mapped(put)
            return out

        lines = (line.split(" = ") for line in optimizer.lines)
        return [
            Equation(_ref(put(expression(left))), put(expression(right)), "update", why=left, of=parameter.name)
            for left, right in lines
        ]

    return of


def _ref(e: Expression) -> Ref:
    assert isinstance(e, Ref)
    return e
