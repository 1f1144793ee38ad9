"""A Keras Sequential, by class names and attributes alone: Dense's kernel is (in, out), turned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer.loss_conventions import KERAS as FRAMEWORK
from tracer.loss_conventions import Convention, convention_of
from tracer.penalties import Penalty
from tracer.problem import ProblemError
from tracer.read_model import Layer, Model
from tracer.tensors import numpy_of

__all__ = ["FRAMEWORK", "read_keras"]

Option = float | list[int] | None

_ACTIVATIONS = {
    "linear": "identity",
    **{name: name for name in ("sigmoid", "tanh", "relu", "elu", "softplus", "silu", "gelu", "softmax")},
    "swish": "silu",
}
_OPTIONS: dict[str, tuple[str, Mapping[str, tuple[Option, ...]]]] = {
    "ReLU": ("relu", {"negative_slope": (0.0, 0, None), "threshold": (0.0, 0, None), "max_value": (None,)}),
    "LeakyReLU": ("leaky_relu", {"negative_slope": (0.01,), "alpha": (0.01,)}),
    "ELU": ("elu", {"alpha": (1.0, 1)}),
    "Softmax": ("softmax", {"axis": (-1, 1, [-1])}),
}

_REGULARIZERS = {"kernel_regularizer": "W", "bias_regularizer": "b"}


def read_keras(model: Any) -> Model:
    """The layers, a compiled model's loss, and penalties.  Raises ProblemError for what ours has not."""
    read = Model("keras", "keras Sequential", "keras kernel is (in, out), turned: W[j,i] = kernel[i,j]")
    called = next((owner.__name__ for owner in type(model).__mro__ if "call" in vars(owner)), "Sequential")
    if called != "Sequential":
        raise ProblemError(f"model: {called} has a call of its own; use a plain Sequential")
    seen: dict[int, str] = {}
    for k, layer in enumerate(model.layers):
        name = _class_name(layer)
        source = f"layers[{k}] ({name})"
        if id(layer) in seen and name == "Dense":
            where = seen[id(layer)]
            raise ProblemError(f"{source}: is {where} too, its gradient is a sum; give each layer its own")
        seen[id(layer)] = source
        _layer(read, layer, name, source)
    read.loss = _compiled(model)
    read.title = f"keras Sequential, {read.dtypes}"
    if read.in_float32:
        read.single = "the weights are float32"
    elif any(type(getattr(w, "value", None)).__module__.startswith("torch") for w in getattr(model, "weights", ())):
        read.single = "on torch, Keras divides its loss by a float32"
    return read


def _compiled(model: Any) -> Convention | None:
    """The one loss that a model was compiled with."""
    loss = getattr(model, "loss", None)
    if not (isinstance(loss, str) or callable(loss) or hasattr(loss, "get_config")):
        return None
    if getattr(getattr(model, "_compile_loss", None), "_user_loss_weights", None):
        raise ProblemError("loss: compile(loss_weights=...) is not one of ours; compile the model without it")
    return convention_of(loss, "keras")


def _class_name(layer: Any) -> str:
    """The class of a layer; somebody's own class keeps its module."""
    module, name = type(layer).__module__, type(layer).__name__
    return name if module.split(".")[0] in FRAMEWORK else f"{module}.{name}"


def _layer(read: Model, layer: Any, name: str, source: str) -> None:
    config = layer.get_config()
    if config.get("activity_regularizer"):
        raise ProblemError(f"{source}: activity_regularizer is not one of ours; leave it out")
    if (computes := str(getattr(layer, "compute_dtype", None))) in ("float16", "bfloat16"):
        raise ProblemError(f"{source}: computes in {computes}, too coarse to judge gradients by; use float32")
    if name == "Dense":
        _dense(read, layer, config, source)
    elif name == "Activation":
        _activation(read, config, source)
    elif name in _OPTIONS:
        ours, allowed = _OPTIONS[name]
        for option, values in allowed.items():
            if option in config and config[option] not in values:
                raise ProblemError(f"{source}: {option}={config[option]!r}; ours has {option}={values[0]!r}")
        read.activate(ours, source)
    elif not _passes(name, config, read):
        now = "set its rate to 0" if name == "Dropout" else "those are Dense, Activation, " + ", ".join(_OPTIONS)
        raise ProblemError(f"{source}: is not one of the layers that can be read; {now}")


def _dense(read: Model, layer: Any, config: Mapping[str, Any], source: str) -> None:
    for option in ("lora_enabled", "quantization_mode"):
        if getattr(layer, option, None):
            raise ProblemError(f"{source}: {option} is not one of ours; leave it out")
    weights = [numpy_of(w, source) for w in layer.get_weights()]
    if not weights:
        raise ProblemError(f"{source}: has no weights yet; build the model first: model.build((None, inputs))")
    frozen = "" if getattr(layer, "trainable", True) else "trainable is False"
    W, b = weights[0].T.copy(), weights[1] if len(weights) > 1 else None
    read.dense(Layer(W, b, source, frozen=(frozen, frozen)))
    for option, letter in _REGULARIZERS.items():
        value = W if letter == "W" else b
        if config.get(option) and value is not None:
            strength = _l2(config[option], f"{source}: {option}")
            text = f"{option} = L2({strength:g}) of {source} adds {strength:g} sum {letter}^2 to the loss and "
            text += f"{2 * strength:g} {letter} to d{letter}"
            read.penalties.append(Penalty(f"{letter}{len(read.layers)}", 2 * strength, value, text))
    _activation(read, config, source)


def _l2(config: Any, where: str) -> float:
    """The strength of an L2 regularizer, as Keras writes it down."""
    name = config.get("class_name") if isinstance(config, Mapping) else None
    inner = config.get("config", {}) if isinstance(config, Mapping) else {}
    if name not in ("L2", "L1L2") or inner.get("l1"):
        raise ProblemError(f"{where} is {name or 'a function of its own'}, not one of ours; L2 alone is")
    return float(inner["l2"])


def _passes(name: str, config: Mapping[str, Any], read: Model) -> bool:
    """Whether a layer hands on what it gets."""
    first = not read.layers
    return name == "InputLayer" or (name == "Flatten" and first) or (name == "Dropout" and not config.get("rate"))


def _activation(read: Model, config: Mapping[str, Any], source: str) -> None:
    written = config.get("activation", "linear")
    if not isinstance(written, str) or written not in _ACTIVATIONS:
        shown = written if isinstance(written, str) else "a function of its own"
        extra = " (Keras' has slope 0.2; use a LeakyReLU layer with 0.01)" if written == "leaky_relu" else ""
        known = ", ".join(_ACTIVATIONS)
        raise ProblemError(f"{source}: activation {shown} is not one of ours{extra}; known are {known}")
    read.activate(_ACTIVATIONS[written], source)
