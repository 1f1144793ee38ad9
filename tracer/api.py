"""The library's door: load, trace, verify, check, train."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derivations.network import Problem
from tracer.problem import ProblemError, Source, load, loads
from tracer.tracing import Trace, trace
from tracer.training import Run, train

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from derivations.computation import Computation
    from tracer.answers.reading.entries import Sheet
    from tracer.answers.result import Checked
    from tracer.verification.result import Verification

__all__ = [
    "Problem",
    "ProblemError",
    "Run",
    "Trace",
    "check",
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
    optimizer: Any = None,
    assume_nothing: bool = False,
    certify: bool = False,
    accuracy: float = 1e-20,
    textbook: float | None = None,
    standard_input: Any = None,
) -> Verification:
    """Check every number of a step by three independent routes: the backward rules, sympy, differences.

    problem: a `Problem`, what `load` takes, or a model with its samples x, t and its loss (as `problem_of` takes them).
    gradients: somebody else's numbers, a mapping of names or whole arrays (float32 arrays are judged as float32), a
    file (JSON, CSV, `name = value` lines, .npz), or a model that holds them; they may be partial.  A torch model
    brings its own; of Keras and scikit-learn give the list in the order of their weights.
    optimizer: the torch optimizer of a model; gradients from before its step() are then known as such.
    assume_nothing: every weight is moved on its own, without a = W z + b.  Nobody sets a tolerance: it is derived.
    certify: also prove, refute or leave undecided each signal and gradient by a ball of relative radius `accuracy` that
    holds its true value, found by two routes that share no derivative; a number left undecided is not agreed to.
    textbook: a step size h such as 1e-5; puts plain central differences (E(w + h) - E(w - h))/2h beside, with their
    truncation and rounding.
    Raises ProblemError, SheetError (a ValueError) and UnknownName.

    >>> verify("hand-3-2-2").agrees
    True
    >>> verify("hand-3-2-2", {"dW2[1,1]": -1.4143}).wrong
    ('dW2[1,1]',)
    >>> verify("hand-3-2-2", {"dW2[1,1]": "1.4093"}, certify=True).certified["proved"]
    ('dW2[1,1]',)
    """
    from tracer.handed_over import Beside, handed
    from tracer.verifying import Asked, verified

    given = handed(problem, gradients, Beside(x, t, loss, reduction, optimizer))
    return verified(given, Asked(assume_nothing, accuracy if certify else None, textbook), standard_input)


def check(
    problem: Source,
    sheet: Any,
    *,
    notation: str | None = None,
    decimal: str = "point",
    overrides: Any = None,
    standard_input: Any = None,
    progress: bool = False,
    but: Any = None,
    people: bool = True,
    jobs: int = 1,
    executor: Executor | None = None,
) -> Checked:
    """Mark worked answers: every number, errors carried forward, the slip named where there is one.

    problem: a `Problem`, or what `load` takes.  sheet: a file, folder or zip archive of sheets, a list of these, or a
    mapping of names or whole arrays to numbers.  notation: the letters that the sheets are in (default: those that
    fit).  decimal: "point" or "comma".  overrides: a marker's own verdicts, CSV or JSON.
    progress: show it on standard error where that is a terminal.  but: a file that is left out of its folder.
    people: whether a single file may be a class table.  jobs: processes that share the sheets.  executor: any
    `concurrent.futures.Executor` that marks them instead, such as one of Dask; marks are the same.  A script that asks
    for several needs `if __name__ == "__main__":`, as with any processes.
    Raises ProblemError, FileNotFoundError, and ValueError for a mapping that is no sheet.

    >>> check("hand-3-2-2", {"z1": [0.6457, 0.7685], "delta2[1]": "4.366"}).causes[0].slips
    ('output_signal.factor_2',)
    """
    from functools import partial

    from derivations.computation import Computation
    from tracer.answers.in_parallel import Marking
    from tracer.answers.overrides import apply_overrides
    from tracer.answers.reading.sources import read_sheets
    from tracer.answers.regrading import made_with
    from tracer.answers.result import Checked
    from tracer.answers.scoring import Scheme
    from tracer.problem import stated

    problem = stated(problem)
    read = partial(
        read_sheets,
        problem,
        standard_input=standard_input,
        notation=notation,
        but=Path(but) if but else None,
        people=people,
    )
    if isinstance(problem, Computation):
        sheets = _own_sheets(problem, sheet, read, decimal)
    else:
        sheets = _layers_sheets(problem, sheet, read, notation, decimal)
    marking = Marking(problem, notation, decimal)
    marked = marking.marked(sheets, progress=progress, jobs=jobs, executor=executor)
    scored = tuple(map(Scheme.of(problem).scored, marked))
    checked = Checked(problem.title, scored, made=made_with(problem, notation, decimal))
    return apply_overrides(checked, overrides) if overrides is not None else checked


def _own_sheets(problem: Computation, sheet: Any, read: Any, decimal: str) -> list[Sheet]:
    """Sheets of somebody's own equations."""
    from tracer.marking.own_naming import OwnNaming, own_sheet

    if isinstance(sheet, Mapping):
        return [own_sheet(problem, sheet, decimal=decimal)]
    return list(read(_paths(sheet), naming=OwnNaming(problem, decimal=decimal)))


def _layers_sheets(problem: Problem, sheet: Any, read: Any, notation: str | None, decimal: str) -> list[Sheet]:
    """Sheets of layers, written solutions among them by their numbers."""
    from functools import partial

    from tracer.answers.reading.naming import Naming
    from tracer.answers.reading.sources import sheet_from
    from tracer.answers.solutions.marked import solution_sheet

    if isinstance(sheet, Mapping):
        return [sheet_from(problem, sheet)]
    naming = Naming(problem, decimal=decimal)
    return list(read(_paths(sheet), naming=naming, written=partial(solution_sheet, problem, notation)))


def _paths(sheet: Any) -> list[Any]:
    """One file or several."""
    return [sheet] if isinstance(sheet, str | Path) else list(sheet)
