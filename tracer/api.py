"""The library's door: load, trace, train, verify."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from derivations.network import Problem
from tracer.problem import ProblemError, load, loads
from tracer.samples import sample_folders
from tracer.tracing import Trace, trace
from tracer.training import Run, train

if TYPE_CHECKING:
    from tracer.verification.result import Verification

__all__ = [
    "Problem",
    "ProblemError",
    "Run",
    "Trace",
    "list_samples",
    "load",
    "loads",
    "trace",
    "train",
    "verify",
]


def verify(
    problem: Any,
    gradients: Any = None,
    *,
    x: Any = None,
    t: Any = None,
    loss: Any = None,
    reduction: str | None = None,
    assume_nothing: bool = False,
    standard_input: Any = None,
) -> Verification:
    """Check every number of a step by three independent routes: the backward rules, sympy, differences.

    problem: a `Problem`, what `load` takes, or a model with its samples x, t and its loss (as `problem_of` takes them).
    gradients: somebody else's numbers, a mapping of names or whole arrays (float32 arrays are judged as float32), a
    file (JSON, CSV, `name = value` lines, .npz), or a model that holds them; they may be partial.  A torch model
    brings its own; of Keras and scikit-learn give the list in the order of their weights.
    assume_nothing: every weight is moved on its own, without a = W z + b.  Nobody sets a tolerance: it is derived.
    Raises ProblemError, SheetError (a ValueError) and UnknownName.

    >>> verify("hand-3-2-2").agrees
    True
    >>> verify("hand-3-2-2", {"dW2[1,1]": -1.4143}).wrong
    ('dW2[1,1]',)
    """
    from tracer.handed_over import handed
    from tracer.verification.verifier import Recorded, verify_steps

    given = handed(problem, gradients, x=x, t=t, loss=loss, reduction=reduction)
    recorded = (
        Recorded(s.problem, s.state.W, s.state.b, s.state.x, s.state.t, s.arrays, s.sample, s.step)
        for s in trace(given.problem).steps
    )
    found = verify_steps(
        given.problem, recorded, given.gradients, assume_nothing=assume_nothing, standard_input=standard_input
    )
    return replace(found, conventions=given.conventions, notes=found.notes + given.notes)


def list_samples() -> list[tuple[str, str, str]]:
    """(name, network, title) of every sample."""
    rows = []
    for folder in sample_folders():
        problem = load(folder.name)
        shape = "-".join(map(str, problem.network.sizes))
        layers = ", ".join(layer.activation.name for layer in problem.network.layers)
        rows.append((folder.name, f"{shape} {layers}", problem.title))
    return rows
