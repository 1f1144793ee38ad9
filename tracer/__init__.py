"""Every number of a backpropagation step: traced, shown, rounded by hand."""

from __future__ import annotations

TYPE_CHECKING = False  # what `typing` calls it, without the milliseconds that importing typing costs
if TYPE_CHECKING:
    from typing import Any

    from tracer.api import Problem, ProblemError, Run, Trace, check, load, loads, trace, train, verify
    from tracer.frameworks import problem_of

__all__ = [
    "Problem",
    "ProblemError",
    "Run",
    "Trace",
    "__version__",
    "check",
    "load",
    "loads",
    "problem_of",
    "trace",
    "train",
    "verify",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "problem_of":  # the readers of frameworks are loaded by those who use them
        from tracer.frameworks import problem_of

        return problem_of
    if name in __all__:
        import tracer.api

        return getattr(tracer.api, name)
    raise AttributeError(f"module 'tracer' has no attribute '{name}'")
