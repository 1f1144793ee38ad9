"""The library's door: load, trace, train."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from derivations.network import Problem
from tracer.problem import ProblemError, load, loads
from tracer.samples import sample_folders
from tracer.tracing import Trace, trace_problem
from tracer.training import Run, train_problem

__all__ = ["Problem", "ProblemError", "Run", "Trace", "list_samples", "load", "loads", "trace", "train"]

Source = Problem | str | Path | Mapping[str, Any]


def trace(
    problem: Source,
    *,
    arithmetic: str | None = None,
    precision: int | None = None,
    digits: int | None = None,
    places: int | None = None,
    carry: str | None = None,
) -> Trace:
    """Work one forward/backward/update step and record every number of it.

    problem: a `Problem`, or what `load` takes.  arithmetic: "float64" (default), "float32" (every operation rounded) or
    "ball" (`precision` bits, 53 if not said; each number with a proved radius).  digits or places: by hand, each
    recorded quantity rounded half away from zero and carried as shown, or, with carry="full", rounded only where shown.
    Raises ProblemError for a problem that cannot be used and ValueError for options that do not go together.

    >>> trace("hand-3-2-2", digits=4)["dW2[1,1]"]
    1.41
    """
    return trace_problem(
        _problem(problem), arithmetic=arithmetic, precision=precision, digits=digits, places=places, carry=carry
    )


def train(
    problem: Source,
    steps: int,
    *,
    every: int | None = None,
    trace_step: int | None = None,
    arithmetic: str = "float64",
    digits: int | None = None,
    places: int | None = None,
    progress: bool = False,
) -> Run:
    """Repeat the step, each time from the updated parameters, `steps` updates of each network.

    Samples go together (a batch each step), in turn (sample after sample, one update each) or apart (a network each),
    as the problem says.  every: keep the loss of every so many steps (default a tenth).  trace_step: keep the full
    trace of that step.  Raises ProblemError and ValueError as `trace` does.

    >>> train("sigmoid-xor", 100).losses[-1][0]
    100
    """
    return train_problem(
        _problem(problem),
        steps,
        every=every,
        trace_step=trace_step,
        arithmetic=arithmetic,
        digits=digits,
        places=places,
        progress=progress,
    )


def list_samples() -> list[tuple[str, str, str]]:
    """(name, network, title) of every sample."""
    rows = []
    for folder in sample_folders():
        problem = load(folder.name)
        shape = "-".join(map(str, problem.network.sizes))
        layers = ", ".join(layer.activation.name for layer in problem.network.layers)
        rows.append((folder.name, f"{shape} {layers}", problem.title))
    return rows


def _problem(source: Source) -> Problem:
    return source if isinstance(source, Problem) else load(source)
