"""What torch, Keras and scikit-learn mean by the name of a loss, said in ours: which factor, a mean over what.

A loss object is known by the name of its class and read by its attributes; no framework is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derivations.losses import LOSSES
from tracer.fields import known_names
from tracer.problem import ProblemError

__all__ = ["Convention", "convention_of"]


@dataclass(frozen=True)
class Convention:
    """A loss in our names, how it goes over a batch ("sum" or "mean"), and in words.

    `adds` is the activation that the loss applies to the outputs itself (logits); `one_output` holds a reason why the
    two agree for one output alone, "" where they agree for any number; `logs` says that it takes log-probabilities;
    `note` is what a reader of the comparison must know besides.
    """

    loss: str
    reduction: str
    words: str
    adds: str = ""
    one_output: str = ""
    logs: bool = False
    note: str = ""


_MEAN_TOO = "{name} is a mean over the outputs too, {loss} is a sum over them; {now}"
_SUM_NOW = "use reduction='sum', or one output"


def _squared(name: str, reduction: str) -> Convention:
    if reduction == "sum":
        return Convention("squared_error", "sum", f"{name}(sum): sum over N*K, dE/dy = 2(y-t)")
    return Convention("mean_squared_error", "mean", f"{name}({reduction}): mean over N*K, dE/dy = 2(y-t)/(NK)")


def _cross_entropy(name: str, reduction: str, adds: str, takes: str, logs: bool = False) -> Convention:
    over = "sum over N" if reduction == "sum" else "mean over N"
    factor = "y-t" if reduction == "sum" else "(y-t)/N"
    return Convention(
        "cross_entropy", reduction, f"{name}({reduction}): {takes}, {over}, dE/da = {factor}", adds, logs=logs
    )


def _binary(name: str, reduction: str, adds: str, takes: str) -> Convention:
    over = "sum over N*K" if reduction == "sum" else "mean over N*K"
    factor = "y-t" if reduction == "sum" else "(y-t)/(NK)"
    one = "" if reduction == "sum" else _MEAN_TOO.format(name=name, loss="binary_cross_entropy", now=_SUM_NOW)
    words = f"{name}({reduction}): {takes}, {over}, dE/da = {factor}"
    return Convention("binary_cross_entropy", reduction, words, adds, one)


_TORCH = {
    "MSELoss": lambda r: _squared("torch MSELoss", r),
    "CrossEntropyLoss": lambda r: _cross_entropy("torch CrossEntropyLoss", r, "softmax", "takes logits"),
    "NLLLoss": lambda r: _cross_entropy("torch NLLLoss", r, "", "takes log-probabilities", logs=True),
    "BCELoss": lambda r: _binary("torch BCELoss", r, "", "takes probabilities, their logarithms clamped at -100"),
    "BCEWithLogitsLoss": lambda r: _binary("torch BCEWithLogitsLoss", r, "sigmoid", "takes logits"),
}

_KERAS = {
    "mse": "MeanSquaredError",
    "mean_squared_error": "MeanSquaredError",
    "MSE": "MeanSquaredError",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "binary_crossentropy": "BinaryCrossentropy",
}


def convention_of(loss: Any, framework: str) -> Convention:
    """The convention of one of our names, of a framework's name, or of a loss object.  Raises ProblemError."""
    if isinstance(loss, Convention):
        return loss
    if isinstance(loss, str):
        if framework == "keras" and loss in _KERAS:
            return _keras(_KERAS[loss], {})
        if loss in LOSSES:
            return Convention(loss, "sum", f"{LOSSES[loss].text}, summed over the samples")
        known = tuple(LOSSES) + (tuple(_KERAS) if framework == "keras" else ())
        raise ProblemError(f"loss: '{loss[:40]}' is not known; {known_names(loss, known)}")
    name, module = type(loss).__name__, type(loss).__module__.split(".")[0]
    if module == "torch" and name in _TORCH:
        return _torch(loss, name)
    if module in ("keras", "tensorflow", "tf_keras") and name in _KERAS.values():
        return _keras(name, loss.get_config())
    known_losses = ", ".join((*_TORCH, *dict.fromkeys(_KERAS.values())))
    raise ProblemError(f"loss: {module}'s {name} is not one of ours; known are {known_losses}, or the name of a loss")


def _torch(loss: Any, name: str) -> Convention:
    reduction = getattr(loss, "reduction", "mean")
    if reduction not in ("mean", "sum"):
        raise ProblemError(f"loss: {name}(reduction='{reduction}') is not one number; use reduction='mean' or 'sum'")
    for option, neutral in (("weight", None), ("pos_weight", None), ("label_smoothing", 0.0)):
        if getattr(loss, option, neutral) is not neutral and getattr(loss, option) != neutral:
            raise ProblemError(f"loss: {name} with {option} is not one of ours; leave {option} out")
    return _TORCH[name](reduction)


def _keras(name: str, config: dict[str, Any]) -> Convention:
    reduction = config.get("reduction", "sum_over_batch_size")
    if reduction not in ("sum_over_batch_size", "mean", "sum", "auto"):
        raise ProblemError(f"loss: {name}(reduction={reduction!r}) is not one number; use 'sum_over_batch_size'")
    if config.get("label_smoothing"):
        raise ProblemError(f"loss: {name} with label_smoothing is not one of ours; leave it out")
    way, words, logits = "sum" if reduction == "sum" else "mean", f"keras {name}", bool(config.get("from_logits"))
    takes = "takes logits" if logits else "takes probabilities, which Keras clips at 1e-7"
    if name == "MeanSquaredError":
        if way == "mean":
            return _squared(words, "mean")
        return Convention("mean_squared_error", "sum", f"{words}(sum): mean over K, sum over N, dE/dy = 2(y-t)/K")
    if name == "BinaryCrossentropy":
        made = _binary(words, way, "sigmoid" if logits else "", takes)
        why = _MEAN_TOO.format(name=words, loss="binary_cross_entropy", now="use one output")
        return Convention(made.loss, way, made.words, made.adds, why)
    return _cross_entropy(words, way, "softmax" if logits else "", takes)
