"""Networks and gradients out of torch, Keras, scikit-learn and .npz files, in our letters and our orientation.

Objects are known by the names of their classes and read by their attributes; no framework is imported, no model run.
Ours: W is (units, inputs), out_in; b is (units,).  What cannot be said in our terms is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from derivations.network import Problem
from tracer.array_files import read_arrays
from tracer.framework_readers import read_model
from tracer.loss_conventions import Convention, convention_of
from tracer.problem import ProblemError, as_problem
from tracer.read_model import Layer, Model, Pair
from tracer.tensors import Array, numpy_of

__all__ = ["conventions", "gradients_of", "model_of", "network_of", "problem_of", "reading_of", "turned_gradients"]


def network_of(
    model: Any, *, loss: Any = None, activations: Sequence[str] | None = None, layout: str | None = None
) -> dict[str, Any]:
    """The `network` of a problem for `tracer.load`: the loss and, layer by layer, activation, W and b.

    model: a torch Sequential, a Keras Sequential, a fitted scikit-learn MLP, or arrays W1, b1 ... in a mapping or an
    .npz file (then with `activations` and, where W is one row an input, layout="in_out").  loss: one of our names, the
    framework's own name or object; a compiled Keras model and scikit-learn bring theirs.  float32 is widened, exactly.
    Raises ProblemError: where, what, what now.
    """
    read = _read(model, activations, layout)
    convention = _convention(read, loss)
    layers = []
    for l, layer in enumerate(read.layers, 1):
        activation = layer.activation or "identity"
        if l == len(read.layers) and convention.adds:
            if activation != "identity":
                raise ProblemError(
                    f"{layer.source}: ends in {activation}, but the loss applies {convention.adds} itself; "
                    f"take {activation} out of the model"
                )
            activation = convention.adds
        entry: dict[str, Any] = {"activation": activation, "W": np.asarray(layer.W, float)}
        layers.append(entry | ({} if layer.b is None else {"b": np.asarray(layer.b, float)}))
    return {"loss": convention.loss, "layers": layers}


def gradients_of(
    model: Any,
    *,
    coef_grads: Sequence[Any] | None = None,
    intercept_grads: Sequence[Any] | None = None,
    gradients: Sequence[Any] | None = None,
    layout: str | None = None,
) -> dict[str, Array]:
    """The gradients that a model holds, as dW1 (units, inputs), db1 (units,) ..., their own dtype kept; {} for none.

    torch: what `.grad` holds.  scikit-learn keeps none: give coef_grads and intercept_grads, as its `_backprop` fills
    them, or both in one list `gradients`, in the order of coefs_ + intercepts_.  Keras keeps none: give `gradients`, in
    the order of `trainable_weights`.  An .npz file or a mapping: dW1, db1, delta1 ...  Raises ProblemError.
    """
    arrays = _arrays(model)
    if arrays is not None:
        turned, _ = turned_gradients(arrays if layout is None else arrays | {"layout": np.array(layout)})
        return {k: v for k, v in turned.items() if _gradient_name(k)}
    read = _read(model, None, layout)
    if gradients is not None:
        given = [np.array(numpy_of(g, f"gradients[{k}]")) for k, g in enumerate(gradients, 1)]
        coef_grads, intercept_grads = _dealt(read, given)
    if coef_grads is None and intercept_grads is None:
        own = [layer.gradients for layer in read.layers]
    else:
        own = _given_gradients(read, coef_grads or (), intercept_grads or ())
    out: dict[str, Array] = {}
    for l, (layer, pair) in enumerate(zip(read.layers, own, strict=True), 1):
        for kind, gradient, value in zip(("dW", "db"), pair, (layer.W, layer.b), strict=True):
            if gradient is None:
                continue
            if value is None or gradient.shape != value.shape:
                wanted = "no bias" if value is None else f"shape {value.shape}"
                raise ProblemError(f"{kind}{l}: has shape {gradient.shape}, but {layer.source} has {wanted}")
            out[f"{kind}{l}"] = gradient
    return out


def turned_gradients(arrays: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """(what can be judged, each dW (units, inputs); the rest: weights and words) of arrays with a `layout` or none."""
    turned = _layout(arrays) == "in_out"
    given: dict[str, Array] = {}
    rest: dict[str, Array] = {}
    for name, array in arrays.items():
        letters = name.rstrip("0123456789")
        other = letters in ("W", "b", "theta", "x", "t") or name in ("layout", "activations", "loss")
        (rest if other else given)[name] = array.T if turned and letters == "dW" else array
    return given, rest


def conventions(model: Any, *, loss: Any = None, layout: str | None = None) -> str:
    """What must be known to compare numbers: framework, layout, loss convention, penalty; one line each."""
    said, notes = reading_of(model, loss=loss, layout=layout)
    lines = [f"{name}: {words}" for name, words in said.items() if name != "from"]
    return "\n".join([said["from"], *lines, *notes])


def reading_of(model: Any, *, loss: Any = None, layout: str | None = None) -> tuple[dict[str, str], list[str]]:
    """How a model is read, as "from", "layout" and "loss", and notes on what ours has not."""
    arrays = _arrays(model)
    # of bare arrays the activations do not matter here
    count = sum(k.startswith("W") for k in arrays) if arrays is not None else 0
    read = _read(model, ["identity"] * count if arrays is not None else None, layout)
    said = {"from": read.title, "layout": read.layout, "loss": "not said; a model of this kind carries none"}
    if read.penalties:
        texts = ", ".join(dict.fromkeys(penalty.text for penalty in read.penalties))
        said["penalty"] = f"{texts}; the problem's loss is without"
    if loss is None and read.loss is None:
        return said, read.notes
    convention = _convention(read, loss)
    return said | {"loss": convention.words}, read.notes + [convention.note] * bool(convention.note)


def model_of(model: Any, *, layout: str | None = None) -> Model:
    """What is read of a model: its layers, what they hold of gradients, its penalties."""
    return _read(model, None, layout)


def problem_of(
    model: Any,
    x: Any,
    t: Any = None,
    *,
    loss: Any = None,
    learning_rate: Any = 0.1,
    reduction: str | None = None,
    activations: Sequence[str] | None = None,
    layout: str | None = None,
) -> Problem:
    """A problem from a model and its samples, reduced over the batch as the framework's loss is.

    x: (samples, inputs), or one sample's inputs.  t: targets (samples, outputs), class labels (samples,) where the
    loss is cross-entropy (from 0, or scikit-learn's `classes_`), dE/dy for loss "given".  reduction: "sum" or
    "mean" over the samples in place of the loss's own.  Raises ProblemError.
    """
    network = network_of(model, loss=loss, activations=activations, layout=layout)
    read = _read(model, activations, layout)
    convention = _convention(read, loss)
    rows = _as_taken(np.atleast_2d(_floats(x, "x")), read)
    if rows.ndim != 2:
        raise ProblemError(f"x: {rows.ndim} dimensions; give one row a sample, such as x.reshape(len(x), -1)")
    if t is None and convention.loss != "output":
        raise ProblemError("t: missing; give the samples' targets too: verify(model, x=..., t=..., loss=...)")
    samples: list[dict[str, Any]] = [{"x": row} for row in rows]
    if t is not None:
        given = _as_taken(np.asarray(t if isinstance(t, list | tuple) else numpy_of(t, "t", widened=True)), read)
        samples = _with_targets(samples, given, len(network["layers"][-1]["W"]), convention, model)
    training = {"learning_rate": learning_rate, "reduction": reduction or convention.reduction}
    return as_problem({"network": network, "samples": samples, "training": training})


def _floats(given: Any, name: str) -> Array:
    """float64, each narrower number widened exactly."""
    try:
        return np.asarray(numpy_of(given, name, widened=True), float)
    except (TypeError, ValueError) as e:
        raise ProblemError(f"{name}: {str(e)[:80]}; give rows of numbers") from None


def _as_taken(given: Array, read: Model) -> Array:
    """Samples as the model takes them: Keras rounds them to its own float32."""
    rounds = read.framework == "keras" and read.in_float32 and given.dtype == np.float64
    return given.astype(np.float32).astype(float) if rounds else given


def _with_targets(
    samples: list[dict[str, Any]], given: Array, outputs: int, convention: Convention, model: Any
) -> list[dict[str, Any]]:
    """The samples with their targets; those of the class that the loss ignores are left out."""
    labels = given.ndim < 2 and outputs > 1 and not (len(samples) == 1 and given.shape == (outputs,))
    if labels and "entropy" not in convention.loss:
        raise ProblemError(f"t: one number a sample, but there are {outputs} outputs; give one row a sample")
    if labels and convention.ignore is not None and given.shape == (len(samples),):
        counts = given != convention.ignore
        samples, given = [sample for sample, counted in zip(samples, counts, strict=True) if counted], given[counts]
        if not samples:
            now = "give one that counts"
            raise ProblemError(f"t: every sample is of class {convention.ignore}, which ignore_index leaves out; {now}")
    targets = _targets(given, len(samples), outputs, model)
    if len(targets) != len(samples):
        raise ProblemError(f"t: {len(targets)} rows, but x has {len(samples)} samples; give one row a sample")
    key = "dz" if convention.loss == "given" else "t"
    return [{**sample, key: row} for sample, row in zip(samples, targets, strict=True)]


def _targets(t: Array, samples: int, outputs: int, model: Any) -> Array:
    labels = list(getattr(model, "classes_", range(outputs)))
    if t.ndim == 2 or (samples == 1 and outputs > 1 and t.shape == (outputs,)):
        return np.atleast_2d(t)
    if t.shape not in ((samples,), ()):
        raise ProblemError(f"t: shape {t.shape}, but there are {samples} samples; give one row of targets a sample")
    column = t.reshape(-1)
    if outputs == 1 and not hasattr(model, "classes_"):
        return column.reshape(-1, 1)
    for n, label in enumerate(column, 1):
        if label not in labels:
            known = ", ".join(map(str, labels[:10]))
            raise ProblemError(f"t: sample {n} has class {label!s}, but the classes are {known}")
    places = np.array([labels.index(label) for label in column])
    return places.reshape(-1, 1) if outputs == 1 else np.eye(outputs)[places]


# --- reading ---


def _read(model: Any, activations: Sequence[str] | None, layout: str | None) -> Model:
    arrays = _arrays(model)
    if arrays is not None:
        return _bare(arrays, activations, layout)
    return read_model(model)


def _convention(read: Model, loss: Any) -> Convention:
    if loss is None and read.loss is None:
        raise ProblemError(f"loss: {read.title} carries none; say which, such as loss='half_squared_error'")
    convention = convention_of(loss, read.framework) if loss is not None else read.loss
    assert convention is not None
    if read.framework == "torch" and not isinstance(loss, str) and convention.logs != read.logs:
        wants = "log-probabilities; end the model in LogSoftmax" if convention.logs else "no logarithms; use NLLLoss"
        raise ProblemError(f"loss: {convention.words.split('(')[0]} takes {wants}")
    if read.framework == "torch" and isinstance(loss, str) and loss in ("cross_entropy", "binary_cross_entropy"):
        _probabilities(read, loss)
    if convention.one_output and len(read.layers[-1].W) > 1:
        raise ProblemError(f"loss: {convention.one_output}")
    return convention


def _probabilities(read: Model, loss: str) -> None:
    """Ours are of probabilities; torch's functions of these names are of logits, or a mean over the outputs too."""
    if read.layers[-1].activation in ("", "identity"):
        theirs = {"cross_entropy": "nn.CrossEntropyLoss()", "binary_cross_entropy": "nn.BCEWithLogitsLoss()"}[loss]
        raise ProblemError(f"loss: '{loss}' takes probabilities, but the model ends in none; give {theirs} for logits")


# --- bare arrays ---


def _arrays(model: Any) -> dict[str, Array] | None:
    """The arrays of a mapping or an .npz file, None for what is neither."""
    if isinstance(model, str | Path):
        return read_arrays(Path(model))
    if isinstance(model, Mapping):
        return {str(k): numpy_of(v, str(k)[:40]) for k, v in model.items()}
    return None


def _layout(arrays: Mapping[str, Array]) -> str:
    written = str(arrays["layout"]) if "layout" in arrays else "out_in"
    if written not in ("out_in", "in_out"):
        raise ProblemError(f"layout: '{written[:40]}' is not known; known are out_in, in_out")
    return written


def _gradient_name(name: str) -> bool:
    letters = name.rstrip("0123456789")
    return letters in ("dW", "db", "dtheta", "delta") and letters != name


def _bare(arrays: dict[str, Array], activations: Sequence[str] | None, layout: str | None) -> Model:
    written = layout or _layout(arrays)
    in_out = _layout({"layout": np.array(written)}) == "in_out"
    turned = ", turned" if in_out else ", as ours"
    said = "" if layout or "layout" in arrays else " (assumed: nothing says so)"
    read = Model("arrays", "arrays W1, b1 ...", f"{written}{turned}{said}")
    count = 0
    while f"W{count + 1}" in arrays:
        count += 1
        W, b = arrays[f"W{count}"], arrays.get(f"b{count}")
        if W.ndim != 2:
            raise ProblemError(f"W{count}: {W.ndim} dimensions; give a matrix, one row per unit")
        read.dense(Layer(W.T if in_out else W, b, f"W{count}"))
    if not count:
        raise ProblemError("W1: missing; name the arrays W1, b1, W2, b2 ...")
    if activations is None and "activations" in arrays:
        activations = [str(name) for name in np.atleast_1d(arrays["activations"])]
    if activations is None:
        raise ProblemError(f"activations: arrays carry none; give {count} names, such as ['sigmoid', 'identity']")
    if len(activations) != count:
        raise ProblemError(f"activations: {len(activations)} names for {count} layers; give {count}")
    for name, layer in zip(activations, read.layers, strict=True):
        read.layers[-1], kept = layer, read.layers[-1]
        read.activate(name, layer.source)
        read.layers[-1] = kept
    if "loss" in arrays:
        read.loss = convention_of(str(arrays["loss"]), "arrays")
    return read


# --- gradients handed over ---


def _given_gradients(read: Model, coefs: Sequence[Any], intercepts: Sequence[Any]) -> list[Pair]:
    if len(coefs) not in (0, len(read.layers)) or len(intercepts) not in (0, len(read.layers)):
        raise ProblemError(f"gradients: {len(coefs)} for W, {len(intercepts)} for b, but {len(read.layers)} layers")
    turned = [None if g is None else numpy_of(g, f"coef_grads[{k}]").T for k, g in enumerate(coefs)]
    plain = [None if g is None else numpy_of(g, f"intercept_grads[{k}]") for k, g in enumerate(intercepts)]
    none: list[Array | None] = [None] * len(read.layers)
    return list(zip(turned or none, plain or none, strict=True))


def _dealt(read: Model, given: list[Array]) -> tuple[list[Array | None], list[Array | None]]:
    """A flat list in the order of the weights: kernel, bias, kernel, bias ...; scikit-learn's coefs_ + intercepts_.

    Of a frozen layer there may be none.
    """
    layers = read.layers
    trained = [layer for layer in layers if not any(layer.frozen)]
    counts = [sum(1 + (layer.b is not None) for layer in some) for some in (layers, trained)]
    if len(given) not in counts:
        raise ProblemError(f"gradients: {len(given)} arrays, but the model has {counts[0]}; give one for each weight")
    if read.framework == "sklearn":
        return list(given[: len(layers)]), list(given[len(layers) :])
    left, all_given = iter(given), len(given) == counts[0]
    pairs: list[Pair] = [
        (next(left), None if layer.b is None else next(left)) if all_given or not any(layer.frozen) else (None, None)
        for layer in layers
    ]
    return [W for W, _ in pairs], [b for _, b in pairs]
