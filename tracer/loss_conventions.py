"""What torch, Keras and scikit-learn mean by the name of a loss, said in ours: which factor, a mean over what.

A loss object is known by the name of its class and read by its attributes, a function by its name and what
`functools.partial` gives it; no framework is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NoReturn

from derivations.losses import LOSSES
from tracer.fields import known_names
from tracer.problem import ProblemError
from tracer.torch_hooks import refuse_hooks

__all__ = ["KERAS", "Convention", "convention_of"]

KERAS = ("keras", "tensorflow", "tf_keras")


@dataclass(frozen=True)
class Convention:
    """A loss in our names, how it goes over a batch ("sum" or "mean"), and in words.

    `adds` is the activation that the loss applies to the outputs itself (logits); `one_output` holds a reason why the
    two agree for one output alone, "" where they agree for any number; `logs` says that it takes log-probabilities;
    `note` is what a reader of the comparison must know besides; `ignore` is the class label whose samples do not count;
    a loss of probabilities cuts y(1 - y) off at `least`.
    """

    loss: str
    reduction: str
    words: str
    adds: str = ""
    one_output: str = ""
    logs: bool = False
    note: str = ""
    ignore: int | None = None
    least: float = 0.0


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


_TORCH: Mapping[str, Callable[[str], Convention]] = {
    "MSELoss": lambda r: _squared("torch MSELoss", r),
    "CrossEntropyLoss": lambda r: _cross_entropy("torch CrossEntropyLoss", r, "softmax", "takes logits"),
    "NLLLoss": lambda r: _cross_entropy("torch NLLLoss", r, "", "takes log-probabilities", logs=True),
    "BCELoss": lambda r: _binary("torch BCELoss", r, "", "takes probabilities, their logarithms clamped at -100"),
    "BCEWithLogitsLoss": lambda r: _binary("torch BCEWithLogitsLoss", r, "sigmoid", "takes logits"),
}

_TORCH_FUNCTIONS = {
    "mse_loss": "MSELoss",
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
}
_OFF: Mapping[str, object] = {
    **dict.fromkeys(("weight", "pos_weight", "size_average", "reduce")),
    "label_smoothing": 0.0,
}
_KERAS_NAMES = {
    "mse": "MeanSquaredError",
    "mean_squared_error": "MeanSquaredError",
    "MSE": "MeanSquaredError",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "binary_crossentropy": "BinaryCrossentropy",
    "bce": "BinaryCrossentropy",
    "BCE": "BinaryCrossentropy",
    **{name: name for name in ("MeanSquaredError", "CategoricalCrossentropy")},
    **{name: name for name in ("SparseCategoricalCrossentropy", "BinaryCrossentropy")},
}
_KERAS_OFF: Mapping[str, object] = {"label_smoothing": 0.0, "axis": -1, "ignore_class": None}


def convention_of(loss: Any, framework: str) -> Convention:
    """The convention of one of our names, of a framework's name, object or function.  Raises ProblemError."""
    if isinstance(loss, Convention):
        return loss
    if isinstance(loss, str):
        return _named(loss, framework)
    function, options = _function(loss)
    made = _of_object(loss) if function is None else _of_function(function, options)
    return made or _refused(loss if function is None else function, framework)


def _of_object(loss: Any) -> Convention | None:
    name, owner = type(loss).__name__, _owner(type(loss))
    if owner == "torch" and name in _TORCH:
        refuse_hooks(loss, "loss")
        options = {key: getattr(loss, key) for key in (*_OFF, "reduction", "ignore_index") if hasattr(loss, key)}
        return _torch(name, options, f"torch {name}")
    return _keras(name, loss.get_config()) if owner in KERAS and name in _KERAS_NAMES.values() else None


def _of_function(function: Any, options: Mapping[str, Any]) -> Convention | None:
    name, owner = function.__name__, _owner(function)
    if owner == "torch" and name in _TORCH_FUNCTIONS:
        return _torch(_TORCH_FUNCTIONS[name], options, f"torch {name}")
    return _keras(_KERAS_NAMES[name], options) if owner in KERAS and name in _KERAS_NAMES else None


def _owner(thing: Any) -> str:
    """The package that a class or a function is from."""
    return (getattr(thing, "__module__", None) or "").split(".")[0]


def _refused(loss: Any, framework: str) -> NoReturn:
    name, owner = getattr(loss, "__name__", type(loss).__name__), _owner(loss)
    whose = f"{owner}'s {name}" if owner in ("torch", *KERAS) else f"{name}, a {type(loss).__name__} of your own,"
    raise ProblemError(f"loss: {whose[:80]} is not one of ours; {_known(owner if owner == 'torch' else framework)}")


def _named(loss: str, framework: str) -> Convention:
    """One of our names, else the framework's, with or without `nn.` or `F.` before it."""
    short = loss.rpartition(".")[2]
    if framework == "keras" and short in _KERAS_NAMES:
        return _keras(_KERAS_NAMES[short], {})
    if loss in LOSSES:
        return Convention(loss, "sum", f"{LOSSES[loss].text}, summed over the samples")
    if framework == "torch" and _TORCH_FUNCTIONS.get(short, short) in _TORCH:
        return _torch(_TORCH_FUNCTIONS.get(short, short), {}, f"torch {short}")
    theirs = {"keras": tuple(_KERAS_NAMES), "torch": tuple(_TORCH)}.get(framework, ())
    raise ProblemError(f"loss: '{loss[:40]}' is not known; {known_names(loss, (*LOSSES, *theirs))}")


def _known(framework: str) -> str:
    """What may be given where a model is of this framework."""
    theirs = {
        "torch": f"give torch's nn.{', nn.'.join(_TORCH)}, its function such as F.mse_loss,",
        "keras": f"give Keras' {', '.join(dict.fromkeys(_KERAS_NAMES.values()))}",
    }
    return f"{theirs.get(framework, 'give a loss of torch or Keras')} or a name such as 'half_squared_error'"


def _function(loss: Any) -> tuple[Any, Mapping[str, Any]]:
    """(a function, the options that `partial` gives it), None for an object."""
    if isinstance(loss, type):
        raise ProblemError(f"loss: {loss.__name__} is a class; make one with its options: {loss.__name__}()")
    if not isinstance(loss, partial):
        return (loss if hasattr(loss, "__name__") else None), {}
    if loss.args:
        raise ProblemError("loss: partial(...) with arguments that have no name; give options by name")
    return loss.func, loss.keywords


def _torch(name: str, options: Mapping[str, Any], title: str) -> Convention:
    reduction = options.get("reduction", "mean")
    if reduction not in ("mean", "sum"):
        raise ProblemError(f"loss: {name}(reduction='{reduction}') is not one number; use reduction='mean' or 'sum'")
    for option, value in options.items():
        if option in ("reduction", "ignore_index"):
            continue
        if option not in _OFF or not (value is None or (_OFF[option] is not None and value == _OFF[option])):
            raise ProblemError(f"loss: {name} with {option} is not one of ours; leave {option} out")
    made = _TORCH[name](reduction)
    words = made.words.replace(f"torch {name}", title)
    if made.loss != "cross_entropy":
        return replace(made, words=words, least=1e-12 if name == "BCELoss" else 0.0)
    ignored = options.get("ignore_index", -100)
    said = f"; samples of class {ignored} do not count (ignore_index)" if ignored >= 0 else ""
    return replace(made, words=words + said, ignore=ignored)


def _keras(name: str, config: Mapping[str, Any]) -> Convention:
    reduction = config.get("reduction", "sum_over_batch_size")
    if reduction not in ("sum_over_batch_size", "mean", "sum", "auto"):
        raise ProblemError(f"loss: {name}(reduction={reduction!r}) is not one number; use 'sum_over_batch_size'")
    for option, off in _KERAS_OFF.items():
        if config.get(option, off) != off:
            raise ProblemError(f"loss: {name} with {option} is not one of ours; leave it out")
    way, words, logits = "sum" if reduction == "sum" else "mean", f"keras {name}", bool(config.get("from_logits"))
    takes = "takes logits" if logits else "takes probabilities, which Keras clips at 1e-7"
    least = 0.0 if logits else 1e-7
    if name == "MeanSquaredError":
        if way == "mean":
            return _squared(words, "mean")
        return Convention("mean_squared_error", "sum", f"{words}(sum): mean over K, sum over N, dE/dy = 2(y-t)/K")
    if name == "BinaryCrossentropy":
        made = _binary(words, way, "sigmoid" if logits else "", takes)
        why = _MEAN_TOO.format(name=words, loss="binary_cross_entropy", now="use one output")
        return replace(made, one_output=why, least=least)
    return replace(_cross_entropy(words, way, "softmax" if logits else "", takes), least=least)
