"""What `verify` is handed where a model, an .npz file or whole arrays stand for a problem or for gradients.

Out come a problem, gradients in our letters and orientation, and in words how they were read: nothing about layout or
loss is understood silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from derivations.computation import Computation
from derivations.network import Problem
from tracer.array_files import read_arrays
from tracer.files import foreign
from tracer.frameworks import gradients_of, model_of, network_of, problem_of, reading_of, turned_gradients
from tracer.loss_conventions import Convention, convention_of
from tracer.model_gradients import as_judged
from tracer.problem import ProblemError, stated
from tracer.tensors import FEW_BITS, Array, format_of, numpy_of
from tracer.torch_optimizers import STEPPED, before_step, notes_of, rate_of

__all__ = ["Beside", "Handed", "Other", "handed"]

_STATE = ("weight", "bias", "state_dict", "model_state_dict")
OURS = "out_in: W[j,i] to unit j from unit i, one row a unit"


@dataclass(frozen=True)
class Other:
    """What is said where gradients are not a problem's but this one's; a refusal where they are right in it."""

    problem: Problem
    words: str
    right: bool = False


@dataclass(frozen=True)
class Handed:
    """A problem, the gradients to judge (None for none), and how both were read: `conventions` by name, `notes`.

    `conventions` have a "layout" and a "loss", and "from" where arrays or a model were read.  `doubts`: why gradients
    that do not agree may be right all the same, each with what to do.  `cause`: why they cannot
    agree, "" for no reason.  `others`: problems whose gradients they may be in place of this one's.
    """

    problem: Problem | Computation
    gradients: Any
    conventions: Mapping[str, str]
    notes: tuple[str, ...] = field(default=())
    doubts: tuple[str, ...] = field(default=())
    cause: str = ""
    others: tuple[Other, ...] = field(default=())


@dataclass(frozen=True)
class Beside:
    """What is said with a model: its samples, its loss, how that goes over the samples, the optimizer."""

    x: Any = None
    t: Any = None
    loss: Any = None
    reduction: str | None = None
    optimizer: Any = None


def handed(source: Any, gradients: Any = None, beside: Beside | None = None) -> Handed:
    """A problem or a model with its samples; gradients of any kind, a model's own where none are given.

    Raises ProblemError, FileNotFoundError.
    """
    beside = beside or Beside()
    _refuse_others(source, gradients)
    if _is_model(source):
        return _of_model(source, gradients, beside)
    for name in ("x", "t", "loss", "reduction", "optimizer"):
        if getattr(beside, name) is not None:
            raise ProblemError(f"{name}: goes with a model; a problem has its own, so leave {name} out")
    problem = stated(source)
    return _of_problem(problem, gradients) if isinstance(problem, Problem) else _of_computation(problem, gradients)


def _refuse_others(source: Any, gradients: Any) -> None:
    """Raises ProblemError for files of models, and weights without their network: what they are, what to give."""
    for file in (source, gradients):
        if not_read := foreign(file):
            raise ProblemError(f"{Path(file).name[:60]}: {not_read}")
    if _is_state(source):
        now = "give the model itself, after model.load_state_dict(...): verify(model, x=..., t=..., loss=...)"
        raise ProblemError(f"model: a state_dict holds weights, neither their layers nor gradients; {now}")
    if _is_state(gradients):
        now = "name them dW1, db1 ..., or give the model that holds them in its .grad"
        raise ProblemError(f"gradients: '{str(next(iter(gradients)))[:40]}' is torch's name of a parameter; {now}")


def _of_problem(problem: Problem, gradients: Any) -> Handed:
    said = {"layout": OURS, "loss": loss_words(problem)}
    if _is_archive(gradients):
        arrays = read_arrays(Path(gradients))
        read, rest = turned_gradients(arrays)
        _same_weights(problem, {k: v for k, v in rest.items() if k[:1] in "Wbt"}, str(gradients), arrays)
        return Handed(problem, _arrays(read), {"from": str(gradients), **said, "layout": _layout_words(arrays)})
    if isinstance(gradients, list | tuple):
        raise ProblemError("gradients: a list goes with a model; name the arrays: {'dW1': ..., 'db1': ...}")
    if gradients is not None and _is_object(gradients):
        said, notes = reading_of(gradients, loss=_words_only(problem))
        _same_weights(problem, _weights(network_of(gradients, loss=_words_only(problem))), said["from"])
        return _handed(problem, gradients, _held(gradients), said, notes)
    if isinstance(gradients, Mapping) and any(_is_matrix(array) for array in gradients.values()):
        said = {"from": "arrays", **said}
    return Handed(problem, _arrays(gradients), said)


def _of_computation(problem: Computation, gradients: Any) -> Handed:
    """Equations of somebody's own: numbers go by the names of the file."""
    if _is_archive(gradients):
        return Handed(problem, dict(read_arrays(Path(gradients))), {"from": str(gradients)})
    if gradients is not None and not isinstance(gradients, str | Path | Mapping):
        raise ProblemError("gradients: name the arrays as the equations do, such as {'dW': ..., 'dh[1,2]': 0.3}")
    return Handed(problem, _arrays(gradients), {})


def loss_words(problem: Problem) -> str:
    """The loss of a problem and how it goes over the samples."""
    text, N = problem.network.loss.text, problem.samples
    if N == 1 or problem.training.samples != "together":
        return text
    return f"{text}, {problem.training.reduction} over {N} samples"


def _of_model(model: Any, gradients: Any, beside: Beside) -> Handed:
    if beside.x is None:
        raise ProblemError("x: missing; give the model's samples too: verify(model, x=..., t=..., loss=...)")
    problem = _with(beside, model, beside.loss)
    said, notes = reading_of(model, loss=beside.loss)
    if beside.reduction is not None:
        said = said | {"loss": loss_words(problem)}
    if left_out := len(np.atleast_2d(numpy_of(beside.x, "x", widened=True))) - problem.samples:
        notes = [*notes, f"samples left out, those of the class that the loss ignores: {left_out}"]
    if gradients is None:
        gradients = _held(model)
    elif isinstance(gradients, list | tuple):
        gradients = gradients_of(model, gradients=gradients)
    elif _is_archive(gradients):
        gradients = turned_gradients(read_arrays(Path(gradients)))[0]
    elif _is_object(gradients):
        gradients = _held(gradients)
    found = _handed(problem, model, _arrays(gradients), said, notes, beside.loss)
    if said["loss"].startswith(("torch MSELoss(mean)", "torch mse_loss(mean)")):
        found = replace(found, others=_broadcast(problem, model, beside))
    return found if beside.optimizer is None else _with_optimizer(found, model, beside)


def _handed(
    problem: Problem, model: Any, gradients: Any, said: dict[str, str], notes: list[str], loss: Any = None
) -> Handed:
    """A model's gradients with what a reader of the verdict must know of them."""
    if not _is_object(model):
        return Handed(problem, gradients, said, tuple(notes))
    read = model_of(model)
    judged = as_judged(problem, read, gradients, read.loss if loss is None else convention_of(loss, read.framework))
    said |= {"penalty": judged.penalty} if judged.penalty else {}
    return Handed(problem, judged.gradients, said, (*notes, *judged.notes), judged.doubts, judged.cause)


def _with(beside: Beside, model: Any, loss: Any, activations: list[str] | None = None) -> Problem:
    """The problem of a model, or of arrays; without an optimizer its rate is 1, and explains no factor."""
    rate = None if beside.optimizer is None else rate_of(beside.optimizer)
    return problem_of(
        *(model, beside.x, beside.t),
        loss=loss,
        reduction=beside.reduction,
        activations=activations,
        learning_rate=1.0 if rate is None else rate,
    )


def _with_optimizer(found: Handed, model: Any, beside: Beside) -> Handed:
    """The same with what the optimizer does besides, and the problem before its last step."""
    notes = (*found.notes, *notes_of(beside.optimizer))
    read = model_of(model)
    if read.framework != "torch":
        raise ProblemError(f"optimizer: goes with a torch model, not with {read.title}; leave it out")
    arrays = before_step(beside.optimizer, read)
    if arrays is None:
        return replace(found, notes=notes)
    convention = convention_of(beside.loss, read.framework)
    activations = [layer["activation"] for layer in network_of(model, loss=convention)["layers"]]
    convention = replace(convention, adds="")  # it stands in the last activation now
    other = Other(_with(beside, arrays, convention, activations), STEPPED, right=True)
    return replace(found, notes=notes, others=(*found.others, other))


def _broadcast(problem: Problem, model: Any, beside: Beside) -> tuple[Other, ...]:
    """What torch's MSELoss makes of outputs (N, 1) and targets (N,): N x N differences, as if each t were their mean.

    sum_ij (y_i - t_j)^2/N^2 has the gradient 2(y_i - mean t)/N in y_i.
    """
    N = problem.samples
    t = numpy_of(beside.t, "t", widened=True).astype(float)
    if t.shape != (N,) or N == 1 or problem.network.sizes[-1] != 1:
        return ()
    means = replace(beside, t=np.full((N, 1), np.mean(t)))
    words = (
        f"the outputs are ({N}, 1) and t is ({N},): torch subtracts each t from each y, {N} x {N}; use t.reshape(-1, 1)"
    )
    return (Other(_with(means, model, beside.loss), words),)


def _held(model: Any) -> dict[str, Array]:
    """The gradients that a model holds."""
    held = gradients_of(model)
    if not held:
        now = "call backward() on its loss first, or give them: verify(model, gradients, x=...)"
        raise ProblemError(f"gradients: the model holds none; {now}")
    return held


# --- what is what ---


def _is_archive(source: Any) -> bool:
    return isinstance(source, str | Path) and str(source).lower().endswith(".npz")


def _is_object(source: Any) -> bool:
    return not isinstance(source, str | Path | Mapping | list | tuple)


def _is_model(source: Any) -> bool:
    """A model, or arrays of weights: anything that is no problem, no file of one and no mapping of one."""
    if isinstance(source, Mapping):
        return "W1" in source and "network" not in source
    return _is_archive(source) or not isinstance(source, Problem | Computation | str | Path)


def _is_state(source: Any) -> bool:
    """Whether these are torch's weights by torch's names, or a checkpoint with them."""
    return isinstance(source, Mapping) and any(str(key).rpartition(".")[2] in _STATE for key in source)


def _arrays(gradients: Any) -> Any:
    """A mapping with its tensors as arrays; anything else as it is.  Raises ProblemError for formats of few bits."""
    if not isinstance(gradients, Mapping):
        return gradients
    return {
        name: numpy_of(array, str(name)[:40]) if hasattr(array, "detach") or format_of(array) in FEW_BITS else array
        for name, array in gradients.items()
    }


def _is_matrix(given: Any) -> bool:
    try:
        return np.ndim(given) == 2
    except ValueError:  # rows of several lengths; who reads the numbers says so
        return False


# --- whose weights ---


def _weights(network: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for l, layer in enumerate(network["layers"], 1):
        out |= {f"{letter}{l}": layer[letter] for letter in ("W", "b") if letter in layer}
    return out


def _same_weights(problem: Problem, weights: Mapping[str, Any], whose: str, arrays: Any = None) -> None:
    """Gradients belong to the weights where they were taken; these must be the problem's, or its in float32."""
    turned = arrays is not None and str(arrays.get("layout", "out_in")) == "in_out"
    for l, layer in problem.network:
        ours = {"W": layer.W, layer.bias.letter if layer.bias else "b": layer.b}
        for letter, given in ours.items():
            theirs = weights.get(f"{letter}{l}")
            if theirs is None or given is None:
                continue
            theirs = np.asarray(theirs, float)
            theirs = theirs.T if turned and letter == "W" else theirs
            mine = given.floats.reshape(theirs.shape) if given.floats.size == theirs.size else given.floats
            same = mine.shape == theirs.shape and (mine.astype(np.float32) == theirs.astype(np.float32)).all()
            if not same:
                now = "give the problem those weights, or the model itself: verify(model, x=..., t=...)"
                raise ProblemError(f"gradients: {letter}{l} of {whose} is not the problem's {letter}{l}; {now}")


def _words_only(problem: Problem) -> Convention:
    """The problem's own loss, where a model lends only its gradients."""
    return Convention(problem.network.loss.name, problem.training.reduction, loss_words(problem))


def _layout_words(arrays: Mapping[str, Any]) -> str:
    if "layout" not in arrays:
        return f"{OURS} (assumed: the file has no layout)"
    return OURS if str(arrays["layout"]) == "out_in" else "in_out: one row an input, turned to W[j,i]"
