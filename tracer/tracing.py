"""Tracing: one pass of a problem worked in a chosen arithmetic, or by hand, every number recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, overload

import numpy as np

from derivations import names
from derivations.arithmetic import FLOAT32, FLOAT64, Arithmetic, Ball, Exact
from derivations.axes import Arrays
from derivations.computation import Computation
from derivations.layers import layered, start
from derivations.network import Problem
from derivations.planned import counted
from derivations.quantity import Quantity
from tracer.computed_step import ComputedStep, run_computation
from tracer.problem import Source, stated
from tracer.rounding import Rounding, Undecided
from tracer.schedule import schedules
from tracer.step import WorkedStep, run_step
from tracer.traces.base import AnyStep, Trace
from tracer.traces.layered import LayeredTrace

__all__ = ["ARITHMETICS", "Trace", "steps_of", "trace", "trace_of"]

ARITHMETICS = ("float64", "float32", "ball")
HAND_BITS = 200
MOST_BITS = 6400
MOST_PRECISION = 100_000

Each = Callable[[Quantity, Any], Any]


@overload
def trace(
    problem: Problem,
    *,
    arithmetic: str | None = None,
    precision: int | None = None,
    digits: int | None = None,
    places: int | None = None,
    carry: str | None = None,
) -> LayeredTrace: ...


@overload
def trace(
    problem: Source,
    *,
    arithmetic: str | None = None,
    precision: int | None = None,
    digits: int | None = None,
    places: int | None = None,
    carry: str | None = None,
) -> Trace: ...


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
    problem = stated(problem)
    rounding = Rounding(digits, places)
    if arithmetic is not None and arithmetic not in ARITHMETICS:
        raise ValueError(f"arithmetic '{arithmetic}' is not known; known are {', '.join(ARITHMETICS)}")
    if carry is not None and carry not in ("shown", "full"):
        raise ValueError(f"carry '{carry}' is not known; known are shown, full")
    if carry and not rounding.asked:
        raise ValueError("--carry goes with --digits or --places")
    if carry == "shown" and arithmetic:
        raise ValueError(f"{arithmetic} carries its own numbers; leave out --arithmetic to carry what is shown")
    if precision is not None and arithmetic != "ball":
        raise ValueError("--precision goes with --arithmetic ball")
    precision = precision or 53
    if not 2 <= precision <= MOST_PRECISION:
        raise ValueError(f"--precision must be from 2 to {MOST_PRECISION} bits")
    if arithmetic is None and rounding.asked:
        return _by_hand(problem, rounding, carry or "shown")
    name = arithmetic or "float64"
    m: Arithmetic = FLOAT64 if name == "float64" else FLOAT32
    if name == "ball":
        m = Ball(precision)
    return trace_of(problem, tuple(steps_of(problem, m)), name, rounding)


def trace_of(
    problem: Problem | Computation,
    steps: tuple[Any, ...],
    arithmetic: str,
    rounding: Rounding,
    carry: str = "full",
    texts: dict[Quantity, str] | None = None,
) -> Trace:
    """The trace of worked steps; `texts` are those of numbers that were rounded by hand."""
    if isinstance(problem, Problem):
        return LayeredTrace(problem, steps, arithmetic, rounding, carry, texts or {})
    from tracer.traces.computed import ComputedTrace

    return ComputedTrace(problem, steps, arithmetic, rounding, carry, texts or {})


def _by_hand(problem: Problem | Computation, rounding: Rounding, carry: str) -> Trace:
    """Rounded at every recorded quantity; worked again with more bits where a ball lay across a border."""
    bits = HAND_BITS
    unrounded = {q: value for step in steps_of(problem, Exact(bits)) for q, value in step.items()}
    while True:
        m, texts, last_resort = Exact(bits, by_definition=carry == "shown"), dict[Quantity, str](), bits >= MOST_BITS

        def round_off(
            q: Quantity,
            value: Any,
            m: Arithmetic = m,
            texts: dict[Quantity, str] = texts,
            last_resort: bool = last_resort,
        ) -> Any:
            value = m.kept(np.array([value], object))[0]  # rationals that are squared again and again grow without end
            short = unrounded[q] == value and not hasattr(value, "rad")  # it owes nothing to rounding
            texts[q] = text = rounding.shown(value, last_resort=last_resort, short=short)
            return value if carry == "full" or text in ("nan", "inf", "-inf") else m.number(text)

        def as_shown(q: Quantity, value: Any, m: Arithmetic = m, texts: dict[Quantity, str] = texts) -> Any:
            return value if texts[q] in ("nan", "inf", "-inf") else m.number(texts[q])

        try:
            steps: tuple[AnyStep, ...] = tuple(steps_of(problem, m, round_off))
        except Undecided:
            bits *= 2
            continue
        for step in steps if carry == "full" else ():
            step.replace(as_shown)
        return trace_of(problem, steps, "hand", rounding, carry, texts)


@overload
def steps_of(problem: Problem, m: Arithmetic = FLOAT64, each: Each | None = None) -> Iterator[WorkedStep]: ...


@overload
def steps_of(
    problem: Problem | Computation, m: Arithmetic = FLOAT64, each: Each | None = None
) -> Iterator[WorkedStep] | Iterator[ComputedStep]: ...


def steps_of(
    problem: Problem | Computation, m: Arithmetic = FLOAT64, each: Each | None = None
) -> Iterator[WorkedStep] | Iterator[ComputedStep]:
    """The steps of one pass: one for samples together, one for each sample in turn or apart.

    `each(quantity, value)` returns what is carried on in place of a number (rounded, or somebody's own).
    """
    return _layered_steps(problem, m, each) if isinstance(problem, Problem) else _computed_steps(problem, m, each)


def _layered_steps(problem: Problem, m: Arithmetic, each: Each | None) -> Iterator[WorkedStep]:
    for schedule in schedules(problem):
        carried: Arrays = {}
        for count, own in enumerate(schedule.turns, 1):
            given = start(own, m) | carried
            step = run_step(own, m, given, keep=_keeper(own, m, each, schedule.sample, count))
            step.sample = schedule.sample
            after = step.following
            carried = {name: after[name] for name, _ in layered(own).carried} | counted(own.training, count + 1, m)
            yield step


def _computed_steps(problem: Computation, m: Arithmetic, each: Each | None) -> Iterator[ComputedStep]:
    if each is None and isinstance(m, Exact):
        each = lambda q, value: m.kept(np.array([value], object))[0]  # noqa: E731
    for schedule in schedules(problem):
        carried: Arrays = {}
        for own in schedule.turns:
            step = run_computation(own, m, own.start(m) | carried, each=each, sample=schedule.sample)
            carried = step.following
            yield step


def _keeper(problem: Problem, m: Arithmetic, each: Each | None, sample: int, step: int) -> Any:
    """What the recording point does to an array: nothing, or `each` number on its own."""
    if each is None:
        return (lambda kind, layer, array: m.kept(array)) if isinstance(m, Exact) else None

    def keep(kind: str, layer: int, array: Any) -> Any:
        quantities = names.elements(problem.network, kind, layer, problem.samples, sample, step)
        out = np.empty(quantities.shape, object)
        for place, value in np.ndenumerate(np.asarray(array, object)):
            out[place] = each(quantities[place], value)
        return out if isinstance(array, np.ndarray) else out[()]

    return keep
