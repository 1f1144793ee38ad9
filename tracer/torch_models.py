"""A torch Sequential, by class names and attributes alone: Linear.weight is (out, in), as ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tracer.problem import ProblemError
from tracer.read_model import Layer, Model
from tracer.tensors import Array, numpy_of
from tracer.torch_hooks import hooked, refuse_hooks

__all__ = ["read_torch"]

Option = float | str | None

_ACTIVATIONS: dict[str, tuple[str, Mapping[str, tuple[Option, ...]]]] = {
    "Identity": ("identity", {}),
    "Sigmoid": ("sigmoid", {}),
    "Tanh": ("tanh", {}),
    "ReLU": ("relu", {}),
    "LeakyReLU": ("leaky_relu", {"negative_slope": (0.01,)}),
    "ELU": ("elu", {"alpha": (1.0,)}),
    "Softplus": ("softplus", {"beta": (1.0,)}),
    "SiLU": ("silu", {}),
    "GELU": ("gelu", {"approximate": ("none",)}),
    "Softmax": ("softmax", {"dim": (1, -1, None)}),
    "LogSoftmax": ("softmax", {"dim": (1, -1, None)}),
}


def read_torch(model: Any) -> Model:
    """The layers of a Sequential, their gradients, and notes.  Raises ProblemError for what ours has not."""
    read = Model("torch", "torch Sequential", "torch Linear.weight is (out, in), as ours: W[j,i] to unit j from unit i")
    owners: dict[int, str] = {}
    for source, module in _modules(model, "model"):
        name = _class_name(module)
        if name == "Linear":
            _linear(read, module, source, owners)
        elif name in _ACTIVATIONS:
            _activation(read, module, name, source)
        else:
            _passes(read, module, name, source)
    read.title = f"torch Sequential, {read.dtypes}"
    return read


def _modules(model: Any, at: str) -> Iterator[tuple[str, Any]]:
    """(where, module) of each layer, a Sequential inside a Sequential opened."""
    for owner in type(model).__mro__:
        if "forward" in vars(owner):
            if owner.__name__ != "Sequential":
                raise ProblemError(f"{at}: {type(model).__name__} has a forward of its own; use a plain Sequential")
            break
    refuse_hooks(model, at)
    for k, module in enumerate(model):
        here = f"{at}[{k}]"
        if any(c.__name__ == "Sequential" for c in type(module).__mro__):
            yield from _modules(module, here)
        else:
            refuse_hooks(module, here)
            yield here, module


def _class_name(module: Any) -> str:
    """The class of one of torch's own layers; any other, torch's quantized Linear too, with where it is from."""
    home, name = type(module).__module__, type(module).__name__
    return name if home.startswith("torch.nn.modules.") else f"{home}.{name}"


def _linear(read: Model, module: Any, source: str, owners: dict[int, str]) -> None:
    """A dense layer; a parameter that stands twice has the sum of two gradients."""
    values: list[Array | None] = []
    grads: list[Array | None] = []
    for kind in ("weight", "bias"):
        parameter = getattr(module, kind, None)
        if (where := owners.get(id(parameter))) and parameter is not None:
            raise ProblemError(
                f"{source}: its {kind} stands twice, it is {where} too, its gradient is a sum; give each layer its own"
            )
        owners[id(parameter)] = f"{source}.{kind}"
        grad = None if _frozen(parameter) else getattr(parameter, "grad", None)  # backward() leaves an old one there
        values.append(None if parameter is None else numpy_of(parameter, f"{source}: {kind}"))
        grads.append(None if grad is None else numpy_of(grad, f"{source}: {kind}.grad"))
        read.notes += hooked(parameter, f"{source}.{kind}")
    W, b = values
    if W is None:
        raise ProblemError(f"{source}: has no weight; give the layer one")
    own = (module.weight, module.bias)
    frozen = (_frozen(module.weight), _frozen(module.bias))
    read.dense(Layer(W, b, source, gradients=(grads[0], grads[1]), frozen=frozen, parameters=own))


def _frozen(parameter: Any) -> str:
    return "" if getattr(parameter, "requires_grad", True) else "requires_grad is False"


def _activation(read: Model, module: Any, name: str, source: str) -> None:
    ours, allowed = _ACTIVATIONS[name]
    for option, values in allowed.items():
        if (found := getattr(module, option, values[0])) not in values:
            raise ProblemError(f"{source}: {name}({option}={found!r}); ours has {option}={values[0]!r}")
    read.activate(ours, source)
    threshold = float(getattr(module, "threshold", np.inf)) if name == "Softplus" else np.inf
    if np.exp(-threshold) > np.finfo(read.layers[-1].W.dtype).eps / 2:  # there log(1 + e^a) is not yet a
        read.layers[-1].linear_above = threshold
        read.notes.append(f"torch Softplus returns a itself above its threshold of {threshold:g}, ours never does")
    if name == "LogSoftmax":
        read.logs = True
        read.notes.append("LogSoftmax is read as softmax, its logarithm as part of the loss (NLLLoss)")


def _passes(read: Model, module: Any, name: str, source: str) -> None:
    """A layer that hands on what it gets: Dropout that drops nothing, Flatten of samples that are rows."""
    if name == "Dropout":
        if not module.p:
            return
        if module.training:
            now = "set p=0, or call model.eval() first, then backward() again"
            raise ProblemError(f"{source}: Dropout draws at random; {now}")
        read.notes.append(f"{source}: Dropout is read as off (model.eval()); gradients of a training pass are others")
    elif name == "Flatten" and not read.layers:
        if (module.start_dim, module.end_dim) != (1, -1):
            raise ProblemError(f"{source}: Flatten({module.start_dim}, {module.end_dim}); ours has Flatten()")
    else:
        known = ", ".join(("Linear", *_ACTIVATIONS))
        raise ProblemError(f"{source}: {name} is not one of the layers that can be read; those are {known}")
