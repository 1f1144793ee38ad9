"""Updates: each optimizer's equations for one parameter P with gradient dP, as text of the language.

v_ and m_ are the parameter's state (velocity, moments), `before` what it was; step counts them from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from derivations.equations import Equation
from derivations.expression import Expression, Ref
from derivations.language import expression

__all__ = ["CONSTANTS", "FROZEN", "OPTIMIZERS", "STEP_COUNT", "Optimizer", "updates"]

CONSTANTS = ("eta", "mu", "beta1", "beta2", "epsilon")
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
    }
)
FROZEN = Optimizer(("P_new = P",), source="a parameter that is not trained")


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
