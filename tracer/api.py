"""The library's door: load, trace, train."""

from __future__ import annotations

from derivations.network import Problem
from tracer.problem import ProblemError, load, loads
from tracer.samples import sample_folders
from tracer.tracing import Trace, trace
from tracer.training import Run, train

__all__ = ["Problem", "ProblemError", "Run", "Trace", "list_samples", "load", "loads", "trace", "train"]


def list_samples() -> list[tuple[str, str, str]]:
    """(name, network, title) of every sample."""
    rows = []
    for folder in sample_folders():
        problem = load(folder.name)
        shape = "-".join(map(str, problem.network.sizes))
        layers = ", ".join(layer.activation.name for layer in problem.network.layers)
        rows.append((folder.name, f"{shape} {layers}", problem.title))
    return rows
