"""A fitted scikit-learn MLP: coefs_[l] is (in, out), turned."""

from __future__ import annotations

from typing import Any

from tracer.loss_conventions import Convention
from tracer.penalties import Penalty
from tracer.problem import ProblemError
from tracer.read_model import Layer, Model
from tracer.tensors import numpy_of

__all__ = ["read_sklearn"]

_ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


def read_sklearn(model: Any, name: str) -> Model:
    """The layers, the loss and the penalty.  Raises ProblemError for what is not fitted or not ours."""
    read = Model("sklearn", f"scikit-learn {name}", "scikit-learn coefs_[l] is (in, out), turned: W[j,i] = coefs_[i,j]")
    if not hasattr(model, "coefs_"):
        raise ProblemError(f"{name}: is not fitted, it has no coefs_; call fit or partial_fit first")
    if name == "MLPRegressor" and getattr(model, "loss", "squared_error") != "squared_error":
        raise ProblemError(f"loss: {name}(loss={model.loss!r}) is not one of ours; use loss='squared_error'")
    last = len(model.coefs_) - 1
    for l, (coefs, intercepts) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        source = f"coefs_[{l}]"
        read.dense(Layer(numpy_of(coefs, source).T.copy(), numpy_of(intercepts, f"intercepts_[{l}]"), source))
        written = model.out_activation_ if l == last else model.activation
        extra = {"softmax": "softmax"} if l == last else {}
        if written not in _ACTIVATIONS | extra:
            known = ", ".join(_ACTIVATIONS)
            raise ProblemError(f"{source}: activation {written!r} is not one of ours; known are {known}")
        read.activate((_ACTIVATIONS | extra)[written], source)
    read.loss = _loss(name, read.layers[-1].activation, len(read.layers[-1].W))
    if alpha := float(getattr(model, "alpha", 0)):
        text = f"alpha = {alpha:g} adds alpha/(2N) sum W^2 to the loss and alpha/N W to dW"
        read.penalties = [Penalty(f"W{l}", alpha, layer.W, text, mean=True) for l, layer in enumerate(read.layers, 1)]
    if read.in_float32:
        read.single = "the weights are float32"
    read.title = f"scikit-learn {name}, {read.layers[0].W.dtype}"
    return read


def _loss(name: str, last: str, outputs: int) -> Convention:
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
