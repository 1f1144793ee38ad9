"""The library's door: load, trace, train, verify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from derivations.network import Problem
from tracer.problem import ProblemError, Source, as_problem, load, loads
from tracer.samples import sample_folders
from tracer.tracing import Trace, trace
from tracer.training import Run, train

if TYPE_CHECKING:
    from tracer.verification.result import Verification

__all__ = ["Problem", "ProblemError", "Run", "Trace", "list_samples", "load", "loads", "trace", "train", "verify"]


def verify(
    problem: Source, gradients: Any = None, *, assume_nothing: bool = False, standard_input: Any = None
) -> Verification:
    """Check every number of a step by three independent routes: the backward rules, sympy, differences.

    problem: a `Problem`, or what `load` takes.  gradients: somebody else's numbers, a mapping of names or whole arrays
    (float32 arrays are judged as float32) or a file (JSON, CSV, `name = value` lines, .npz); they may be partial.
    assume_nothing: every weight is moved on its own, without a = W z + b.  Nobody sets a tolerance: it is derived.
    Raises ProblemError, SheetError (a ValueError) and UnknownName.

    >>> verify("hand-3-2-2").agrees
    True
    >>> verify("hand-3-2-2", {"dW2[1,1]": -1.4143}).wrong
    ('dW2[1,1]',)
    """
    from tracer.verification.verifier import Recorded, verify_steps

    problem = as_problem(problem)
    recorded = (
        Recorded(s.problem, s.state.W, s.state.b, s.state.x, s.state.t, s.arrays, s.sample, s.step, s.state.before)
        for s in trace(problem).steps
    )
    return verify_steps(problem, recorded, gradients, assume_nothing=assume_nothing, standard_input=standard_input)


def list_samples() -> list[tuple[str, str, str]]:
    """(name, network, title) of every sample."""
    rows = []
    for folder in sample_folders():
        problem = load(folder.name)
        shape = "-".join(map(str, problem.network.sizes))
        layers = ", ".join(layer.activation.name for layer in problem.network.layers)
        rows.append((folder.name, f"{shape} {layers}", problem.title))
    return rows
