"""Reading a torch Sequential, a Keras Sequential or a scikit-learn MLP, by class names and attributes alone.

What comes out is in our orientation, W (units, inputs), in the framework's own dtype.
"""

from __future__ import annotations

from typing import Any

from tracer.keras_models import FRAMEWORK as KERAS
from tracer.keras_models import read_keras
from tracer.problem import ProblemError
from tracer.read_model import Model
from tracer.sklearn_models import read_sklearn
from tracer.tensors import one_line
from tracer.torch_models import read_torch

__all__ = ["read_model"]


def read_model(model: Any) -> Model:
    """The layers of a model object.  Raises ProblemError for one that cannot be read."""
    try:
        return _read_model(model)
    except ProblemError:
        raise
    except Exception as e:  # somebody else's object may raise anything
        kind = type(model).__name__[:40]
        raise ProblemError(
            f"model: {kind} cannot be read ({type(e).__name__}: {one_line(e)}); give its arrays W1, b1 in a mapping"
        ) from None


def _read_model(model: Any) -> Model:
    for owner, name in ((c.__module__.split(".")[0], c.__name__) for c in type(model).__mro__):
        if owner == "torch" and name == "Sequential":
            read = read_torch(model)
        elif owner in KERAS and name == "Sequential":
            read = read_keras(model)
        elif owner == "sklearn" and name in ("MLPRegressor", "MLPClassifier"):
            read = read_sklearn(model, name)
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
