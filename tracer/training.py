"""Many steps: the same equations worked again from the updated parameters, samples together, in turn or apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from derivations import names
from derivations.arithmetic import FLOAT32, FLOAT64, Arithmetic
from derivations.layers import layered, start
from derivations.network import Problem
from tracer.problem import Source, as_problem
from tracer.rounding import Rounding
from tracer.schedule import Schedule, schedules
from tracer.step import WorkedStep, run_step
from tracer.terminal import counted
from tracer.tracing import Trace

__all__ = ["MOST_STEPS", "Run", "train"]

MOST_STEPS = 100_000_000


@dataclass(frozen=True, repr=False)
class Run:
    """A training run.  `losses` are (step, E), E before that step's update; of samples apart (step, E@1, E@2, ...).

    `last` is the trace of the last step: its outputs, gradients and updated parameters.  `traced` is the trace of the
    step that was asked for, None if none was; `recorded` are the traces of evenly spaced steps, where asked for.
    """

    problem: Problem
    steps: int
    losses: tuple[tuple[float, ...], ...]
    last: Trace
    traced: Trace | None = None
    recorded: tuple[Trace, ...] = ()

    @property
    def outputs(self) -> Mapping[str, float]:
        """The outputs of the last step's forward pass, by name (in turn: of every sample, after the last update)."""
        L = len(self.problem.network)
        if self.problem.training.samples == "in_turn" and self.problem.samples > 1:
            return self._outputs_after()
        return self._select(lambda q: q.kind == "z" and q.layer == L)

    @property
    def gradients(self) -> Mapping[str, float]:
        """dE/dW and dE/db of the last step, by name."""
        return self._select(lambda q: q.kind in ("dW", "db"))

    @property
    def parameters(self) -> Mapping[str, float]:
        """Weights and biases after the last update, by name."""
        return self._select(lambda q: q.kind in ("W_new", "b_new"))

    def table(self) -> Any:
        """The run as finished strings: `print(run.table())`, `.render("json")`."""
        from tracer.show.run_table import RunTable

        return RunTable(self)

    def __str__(self) -> str:
        return str(self.table())

    def __repr__(self) -> str:
        return f"<Run of {self.steps} steps, {self.last.policy}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        formats = {"text/plain": "table", "text/html": "html", "text/latex": "latex", "text/markdown": "markdown"}
        return {mime: self.table().render(form) for mime, form in formats.items()}

    def _select(self, wanted: Any) -> dict[str, float]:
        network, out = self.problem.network, {}
        for step in self.last.steps:
            for q, value in step.items():
                if wanted(q):
                    out[names.text(network, q._replace(step=1))] = self.last.number(value)
        return out

    def _outputs_after(self) -> dict[str, float]:
        step = self.last.steps[0]
        together = replace(self.problem, training=replace(self.problem.training, samples="together"))
        following = step.following
        carried = {name: following[name] for name, _ in layered(step.problem).carried}
        after = run_step(together, step.m, start(together, step.m) | carried)
        L = len(self.problem.network)
        return {
            names.text(self.problem.network, q): float(v) for q, v in after.items() if q.kind == "z" and q.layer == L
        }


def train(
    problem: Source,
    steps: int,
    *,
    every: int | None = None,
    trace_step: int | None = None,
    record: int = 0,
    arithmetic: str = "float64",
    digits: int | None = None,
    places: int | None = None,
    progress: bool = False,
) -> Run:
    """Repeat the step, each time from the updated parameters, `steps` updates of each network.

    Samples go together (a batch each step), in turn (sample after sample, one update each) or apart (a network each),
    as the problem says.  every: keep the loss of every so many steps (default a tenth).  trace_step: keep the full
    trace of that step.  record: keep the traces of at most so many steps, evenly spaced from the first to the last.
    Raises ProblemError and ValueError as `trace` does.

    >>> train("sigmoid-xor", 100).losses[-1][0]
    100
    """
    problem = as_problem(problem)
    if not isinstance(steps, int) or not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"--steps must be from 1 to {MOST_STEPS}")
    if every is not None and every < 1:
        raise ValueError("--every must be at least 1")
    if trace_step is not None and not 1 <= trace_step <= steps:
        raise ValueError(f"--trace-step must be from 1 to the number of steps, {steps}")
    if arithmetic not in ("float64", "float32"):
        raise ValueError(f"training runs in float64 or float32, not {arithmetic}")
    m: Arithmetic = FLOAT64 if arithmetic == "float64" else FLOAT32
    rounding = Rounding(digits, places)
    recorded = _spaced(steps, record)
    wanted = {steps, trace_step, *recorded} - {None}
    runs = [_train(schedule, m, steps, every, wanted, progress) for schedule in schedules(problem)]

    def trace_of(number: int) -> Trace:
        return Trace(problem, tuple(traced[number] for _, traced in runs), arithmetic, rounding, "full", {})

    losses = tuple((n, *(kept[n] for kept, _ in runs)) for n in runs[0][0])
    return Run(
        problem,
        steps,
        losses,
        trace_of(steps),
        trace_of(trace_step) if trace_step else None,
        tuple(map(trace_of, recorded)),
    )


def _spaced(steps: int, most: int) -> list[int]:
    """At most so many steps, the first and the last among them."""
    if most < 2:
        return [steps][:most]
    return sorted({1 + round(k * (steps - 1) / (most - 1)) for k in range(most)})


def _train(
    schedule: Schedule, m: Arithmetic, steps: int, every: int | None, wanted: set[Any], progress: bool
) -> tuple[dict[int, float], dict[int, WorkedStep]]:
    """The losses of the steps to show, and the steps to trace, of one network."""
    own = layered(schedule.turns[0])
    program, carried = own.program(by_definition=False), own.carried
    starts = [start(problem, m) for problem in schedule.turns]
    has_loss = "E" in own.step.arrays
    losses: dict[int, float] = {}
    traced: dict[int, WorkedStep] = {}
    with m.working():
        for n in counted(range(1, steps + 1), "step", shown=progress):
            given = starts[(n - 1) % len(starts)]
            given["step"] = n
            if n in wanted:
                traced[n] = run_step(schedule.problem(n), m, dict(given))
                traced[n].sample = schedule.sample
            known = program.run(m, given)
            if has_loss and _shows(n, steps, every, len(starts)):
                losses[n] = float(known["E"])
            following = starts[n % len(starts)]
            for name, after in carried:
                following[name] = known[after]
    return losses, traced


def _shows(n: int, steps: int, every: int | None, samples: int) -> bool:
    """Whether the loss of step n is kept; by default of a tenth of the passes over all samples, each pass whole."""
    if every:
        return n == 1 or n % every == 0 or n == steps
    passes, this = -(-steps // samples), (n - 1) // samples + 1
    return this == 1 or this % max(1, passes // 10) == 0 or this == passes
