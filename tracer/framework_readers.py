"""Reading a torch Sequential, a Keras Sequential or a scikit-learn MLP, by class names and attributes alone.

What comes out is in our orientation, W (units, inputs), in the framework's own dtype.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derivations.activations import ACTIVATIONS
from tracer.fields import known_names
from tracer.loss_conventions import Convention, convention_of
from tracer.problem import ProblemError

__all__ = ["Layer", "Model", "numpy_of", "read_model"]

Array = Any
_KERAS = ("keras", "tensorflow", "tf_keras")


@dataclass
class Layer:
    """One dense layer as the framework has it, W already (units, inputs); `source` is where it stands there."""

    W: Array
    b: Array | None
    source: str
    activation: str = ""
    gradients: tuple[Array | None, Array | None] = (None, None)


@dataclass
class Model:
    """What was read; `logs` where the outputs are logarithms of what our activation gives."""

    framework: str
    title: str
    layout: str
    layers: list[Layer] = field(default_factory=list)
    loss: Convention | None = None
    notes: list[str] = field(default_factory=list)
    logs: bool = False

    def dense(self, W: Array, b: Array | None, source: str, gradients: tuple[Any, Any] = (None, None)) -> None:
        """Add a layer; it is an identity until an activation follows."""
        for array, letter in ((W, "weight"), (b, "bias")):
            if array is not None and array.dtype not in (np.float32, np.float64):
                raise ProblemError(f"{source}: {letter} is {array.dtype}; convert the model to float32 or float64")
        if self.framework != "arrays" and (W.ndim != 2 or (b is not None and b.shape != W.shape[:1])):
            shapes = f"weight {W.shape}" + ("" if b is None else f", bias {b.shape}")
            raise ProblemError(f"{source}: {shapes} do not fit together; give a matrix and one bias a unit")
        if self.logs:
            raise ProblemError(f"{source}: reads LogSoftmax's outputs; only the loss may do that")
        self.layers.append(Layer(W, b, source, gradients=gradients))

    def activate(self, name: str, source: str) -> None:
        """Give the last layer its activation."""
        if name not in ACTIVATIONS:
            raise ProblemError(f"{source}: activation '{name}' is not known; {known_names(name, tuple(ACTIVATIONS))}")
        if not self.layers:
            raise ProblemError(f"{source}: {name} stands before the first dense layer; begin with a dense layer")
        last = self.layers[-1]
        if last.activation not in ("", "identity") and name != "identity":
            raise ProblemError(
                f"{source}: {name} follows {last.activation} in one layer; leave one out, or put a dense layer between"
            )
        last.activation = last.activation or name if name == "identity" else name


def read_model(model: Any) -> Model:
    """The layers of a model object.  Raises ProblemError for one that cannot be read."""
    try:
        return _read_model(model)
    except ProblemError:
        raise
    except Exception as e:  # somebody else's object may raise anything
        kind = type(model).__name__[:40]
        raise ProblemError(
            f"model: {kind} cannot be read ({type(e).__name__}: {_one_line(e)}); give its arrays W1, b1 in a mapping"
        ) from None


def _read_model(model: Any) -> Model:
    for owner, name in ((c.__module__.split(".")[0], c.__name__) for c in type(model).__mro__):
        if owner == "torch" and name == "Sequential":
            read = _torch(model)
        elif owner in _KERAS and name == "Sequential":
            read = _keras(model)
        elif owner == "sklearn" and name in ("MLPRegressor", "MLPClassifier"):
            read = _sklearn(model, name)
        else:
            continue
        if not read.layers:
            raise ProblemError(f"{read.title.rstrip(', ')}: no dense layer; give a model with at least one")
        return read
    kind = f"{type(model).__module__}.{type(model).__name__}"
    now = (
        "put its layers into one Sequential, in the order in which they run"
        if any(c.__name__ in ("Module", "Model") for c in type(model).__mro__)
        else "give a torch or Keras Sequential, a scikit-learn MLP, an .npz file, or a mapping of arrays W1, b1"
    )
    raise ProblemError(f"model: {kind} cannot be read; {now}")


def _class_name(layer: Any, owners: tuple[str, ...]) -> str:
    """The class of a layer; somebody's own class keeps its module, so that a `Linear` of theirs is none of ours."""
    module, name = type(layer).__module__, type(layer).__name__
    return name if module.split(".")[0] in owners else f"{module}.{name}"


def numpy_of(tensor: Any, where: str) -> Array:
    """A framework's array as numpy's, in a copy that later training does not change."""
    try:
        for method in ("detach", "cpu"):
            tensor = getattr(tensor, method)() if hasattr(tensor, method) else tensor
        return np.array(tensor.numpy() if hasattr(tensor, "numpy") else tensor)
    except Exception as e:  # somebody else's object may raise anything
        raise ProblemError(f"{where}: {_one_line(e)}; give plain float32 or float64 arrays") from None


def _one_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:100]


_TORCH_ACTIVATIONS: dict[str, tuple[str, Mapping[str, tuple[Any, ...]]]] = {
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


def _torch(model: Any) -> Model:
    """Linear.weight is (out, in), as ours."""
    read = Model("torch", "torch Sequential", "torch Linear.weight is (out, in), as ours: W[j,i] to unit j from unit i")
    seen: set[int] = set()
    for source, module in _modules(model, "model"):
        name = _class_name(module, ("torch",))
        if name == "Linear":
            if id(module.weight) in seen:
                raise ProblemError(f"{source}: its weight stands twice, its gradient is a sum; give each layer its own")
            seen.add(id(module.weight))
            bias = getattr(module, "bias", None)
            pairs = [None if p is None else getattr(p, "grad", None) for p in (module.weight, bias)]
            grads = [None if g is None else numpy_of(g, source) for g in pairs]
            b = None if bias is None else numpy_of(bias, source)
            read.dense(numpy_of(module.weight, source), b, source, (grads[0], grads[1]))
        elif name in _TORCH_ACTIVATIONS:
            ours, allowed = _TORCH_ACTIVATIONS[name]
            for option, values in allowed.items():
                if (found := getattr(module, option, values[0])) not in values:
                    raise ProblemError(f"{source}: {name}({option}={found!r}); ours has {option}={values[0]!r}")
            read.activate(ours, source)
            if name == "Softplus":
                read.notes.append("torch Softplus returns a itself above its threshold of 20, ours never does")
        elif name == "Dropout" and module.p and module.training:
            raise ProblemError(f"{source}: Dropout draws at random; set p=0 or call model.eval() first")
        elif name != "Dropout" and (name != "Flatten" or read.layers):
            known = ", ".join(("Linear", *_TORCH_ACTIVATIONS))
            raise ProblemError(f"{source}: {name} is not one of the layers that can be read; those are {known}")
        if name == "LogSoftmax":
            read.logs = True
            read.notes.append("LogSoftmax is read as softmax, its logarithm as part of the loss (NLLLoss)")
    dtypes = "/".join(dict.fromkeys(str(layer.W.dtype) for layer in read.layers))
    read.title = f"torch Sequential, {dtypes}"
    return read


def _modules(model: Any, at: str) -> Iterator[tuple[str, Any]]:
    """(where, module) of each layer, a Sequential inside a Sequential opened."""
    for owner in type(model).__mro__:
        if "forward" in vars(owner):
            if owner.__name__ != "Sequential":
                raise ProblemError(f"{at}: {type(model).__name__} has a forward of its own; use a plain Sequential")
            break
    for k, module in enumerate(model):
        here = f"{at}[{k}]"
        if any(c.__name__ == "Sequential" for c in type(module).__mro__):
            yield from _modules(module, here)
        else:
            yield here, module


_KERAS_ACTIVATIONS = {
    "linear": "identity",
    **{name: name for name in ("sigmoid", "tanh", "relu", "elu", "softplus", "silu", "gelu", "softmax")},
    "swish": "silu",
}
_KERAS_OPTIONS: dict[str, tuple[str, Mapping[str, tuple[Any, ...]]]] = {
    "ReLU": ("relu", {"negative_slope": (0.0, 0, None), "threshold": (0.0, 0, None), "max_value": (None,)}),
    "LeakyReLU": ("leaky_relu", {"negative_slope": (0.01,), "alpha": (0.01,)}),
    "ELU": ("elu", {"alpha": (1.0, 1)}),
    "Softmax": ("softmax", {"axis": (-1, 1, [-1])}),
}


def _keras(model: Any) -> Model:
    """Dense's kernel is (in, out): turned."""
    read = Model("keras", "keras Sequential", "keras kernel is (in, out), turned: W[j,i] = kernel[i,j]")
    for k, layer in enumerate(model.layers):
        name, config = _class_name(layer, _KERAS), layer.get_config()
        source = f"layers[{k}] ({name})"
        if name == "Dense":
            weights = [numpy_of(w, source) for w in layer.get_weights()]
            if not weights:
                raise ProblemError(f"{source}: has no weights yet; build the model first: model.build((None, inputs))")
            read.dense(weights[0].T.copy(), weights[1] if len(weights) > 1 else None, source)
            _keras_activation(read, config, source)
            penalties = [p for p in ("kernel_regularizer", "bias_regularizer", "activity_regularizer") if config.get(p)]
            read.notes += [f"{source}: {p} adds to the loss and to the gradient; ours has none" for p in penalties]
        elif name == "Activation":
            _keras_activation(read, config, source)
        elif name in _KERAS_OPTIONS:
            ours, allowed = _KERAS_OPTIONS[name]
            for option, values in allowed.items():
                if option in config and config[option] not in values:
                    raise ProblemError(f"{source}: {option}={config[option]!r}; ours has {option}={values[0]!r}")
            read.activate(ours, source)
        elif not _passes(name, config, read):
            now = (
                "set its rate to 0"
                if name == "Dropout"
                else "those are Dense, Activation, " + ", ".join(_KERAS_OPTIONS)
            )
            raise ProblemError(f"{source}: is not one of the layers that can be read; {now}")
    compiled = getattr(model, "loss", None)
    if isinstance(compiled, str) or hasattr(compiled, "get_config"):
        read.loss = convention_of(compiled, "keras")
    dtypes = "/".join(dict.fromkeys(str(layer.W.dtype) for layer in read.layers))
    read.title = f"keras Sequential, {dtypes}"
    return read


def _passes(name: str, config: Mapping[str, Any], read: Model) -> bool:
    """Whether a layer hands on what it gets."""
    first = not read.layers
    return name == "InputLayer" or (name == "Flatten" and first) or (name == "Dropout" and not config.get("rate"))


def _keras_activation(read: Model, config: Mapping[str, Any], source: str) -> None:
    written = config.get("activation", "linear")
    if not isinstance(written, str) or written not in _KERAS_ACTIVATIONS:
        shown = written if isinstance(written, str) else "a function of its own"
        extra = " (Keras' has slope 0.2; use a LeakyReLU layer with 0.01)" if written == "leaky_relu" else ""
        known = ", ".join(_KERAS_ACTIVATIONS)
        raise ProblemError(f"{source}: activation {shown} is not one of ours{extra}; known are {known}")
    read.activate(_KERAS_ACTIVATIONS[written], source)


_SKLEARN_ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


def _sklearn(model: Any, name: str) -> Model:
    """coefs_[l] is (in, out): turned."""
    read = Model("sklearn", f"scikit-learn {name}", "scikit-learn coefs_[l] is (in, out), turned: W[j,i] = coefs_[i,j]")
    if not hasattr(model, "coefs_"):
        raise ProblemError(f"{name}: is not fitted, it has no coefs_; call fit or partial_fit first")
    if name == "MLPRegressor" and getattr(model, "loss", "squared_error") != "squared_error":
        raise ProblemError(f"loss: {name}(loss={model.loss!r}) is not one of ours; use loss='squared_error'")
    last = len(model.coefs_) - 1
    for l, (coefs, intercepts) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        source = f"coefs_[{l}]"
        read.dense(np.array(coefs).T.copy(), np.array(intercepts), source)
        written = model.out_activation_ if l == last else model.activation
        extra = {"softmax": "softmax"} if l == last else {}
        if written not in _SKLEARN_ACTIVATIONS | extra:
            known = ", ".join(_SKLEARN_ACTIVATIONS)
            raise ProblemError(f"{source}: activation {written!r} is not one of ours; known are {known}")
        read.activate((_SKLEARN_ACTIVATIONS | extra)[written], source)
    read.loss = _sklearn_loss(name, read.layers[-1].activation, len(read.layers[-1].W))
    alpha = getattr(model, "alpha", 0)
    if alpha:
        read.notes.append(
            f"penalty: alpha = {alpha:g} adds alpha/(2N) sum W^2 to the loss and alpha/N W to dW; ours has none"
        )
    read.title = f"scikit-learn {name}, {read.layers[0].W.dtype}"
    return read


def _sklearn_loss(name: str, last: str, outputs: int) -> Convention:
    if name == "MLPClassifier":
        if last == "softmax":
            return Convention("cross_entropy", "mean", "scikit-learn log_loss: mean over N, dE/da = (y-t)/N")
        words = "scikit-learn log_loss: sum over K, mean over N, dE/da = (y-t)/N"
        return Convention("binary_cross_entropy", "mean", words)
    words = "scikit-learn squared_error, as loss_ is: 1/2 the mean over N*K, dE/dy = (y-t)/(NK)"
    note = (
        "scikit-learn's gradient is that of 1/2 the sum over K, not the mean (its issue 8349); "
        "loss='half_squared_error', reduction='mean' judges by that"
    )
    return Convention("half_mean_squared_error", "mean", words, note=note if outputs > 1 else "")
