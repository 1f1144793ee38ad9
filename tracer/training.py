"""Many steps: the same equations worked again from the updated parameters, samples together, in turn or apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from derivations import names
from derivations.arithmetic import FLOAT32, FLOAT64, Arithmetic
from derivations.axes import Arrays
from derivations.computation import Computation
from derivations.equations import Role
from derivations.layers import layered, start
from derivations.network import Problem
from derivations.planned import Planned
from derivations.planned import counted as at_step
from derivations.quantity import Quantity
from tracer.computed_step import run_computation
from tracer.problem import ProblemError, Source, stated
from tracer.rounding import Rounding
from tracer.schedule import Schedule, schedules
from tracer.step import WorkedStep, run_step
from tracer.terminal import counted
from tracer.traces.base import AnyStep, Trace
from tracer.tracing import trace_of

__all__ = ["MOST_STEPS", "Run", "train"]

MOST_STEPS = 100_000_000


@dataclass(frozen=True, repr=False)
class Run:
    """A training run.  `losses` are (step, E), E before that step's update; of samples apart (step, E@1, E@2, ...).

    `last` is the trace of the last step: its outputs, gradients and updated parameters.  `traced` is the trace of the
    step that was asked for, None if none was; `recorded` are the traces of evenly spaced steps, where asked for.
    """

    problem: Problem | Computation
    steps: int
    losses: tuple[tuple[float, ...], ...]
    last: Trace
    traced: Trace | None = None
    recorded: tuple[Trace, ...] = ()

    @property
    def outputs(self) -> Mapping[str, float]:
        """The outputs of the last step's forward pass, by name (in turn: of every sample, after the last update).

        Equations of somebody's own have none.
        """
        if isinstance(self.problem, Computation):
            return {}
        L = len(self.problem.network)
        if self.problem.training.samples == "in_turn" and self.problem.samples > 1:
            return self._outputs_after(self.problem)
        return self._select(lambda q: q.kind == "z" and q.layer == L)

    @property
    def gradients(self) -> Mapping[str, float]:
        """The gradient of each parameter in the last step, by name."""
        return self._select(self._is("dW", "db", role=Role.GRADIENT))

    @property
    def parameters(self) -> Mapping[str, float]:
        """Weights and biases, or the parameters of equations, after the last update, by name."""
        return self._select(self._is("W_new", "b_new", role=Role.UPDATED))

    def _is(self, *kinds: str, role: Role) -> Callable[[Quantity], bool]:
        """Whether a number is of these kinds of a network, or of this role in equations."""
        if isinstance(self.problem, Problem):
            return lambda q: q.kind in kinds
        arrays = self.problem.step.arrays
        return lambda q: arrays[q.kind].role is role

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

    def _select(self, wanted: Callable[[Quantity], bool]) -> dict[str, float]:
        items = (item for step in self.last.steps for item in step.items())
        return {self.last.name(q._replace(step=1)): self.last.number(v) for q, v in items if wanted(q)}

    def _outputs_after(self, problem: Problem) -> dict[str, float]:
        step = self.last.steps[0]
        assert isinstance(step, WorkedStep)
        together = replace(problem, training=replace(problem.training, samples="together"))
        following = step.following
        carried = {name: following[name] for name, _ in layered(step.problem).carried}
        after = run_step(together, step.m, start(together, step.m) | carried)
        L = len(problem.network)
        return {names.text(problem.network, q): float(v) for q, v in after.items() if q.kind == "z" and q.layer == L}


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
    problem = stated(problem)
    if problem.training is None:
        raise ProblemError(
            "training: missing; training updates the parameters: write [training] and learning_rate = 0.1"
        )
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

    def traced_step(number: int) -> Trace:
        return trace_of(problem, tuple(traced[number] for _, traced in runs), arithmetic, rounding)

    losses = tuple((n, *(kept[n] for kept, _ in runs)) for n in runs[0][0])
    return Run(
        problem,
        steps,
        losses,
        traced_step(steps),
        traced_step(trace_step) if trace_step else None,
        tuple(map(traced_step, recorded)),
    )


def _spaced(steps: int, most: int) -> list[int]:
    """At most so many steps, the first and the last among them."""
    if most < 2:
        return [steps][:most]
    return sorted({1 + round(k * (steps - 1) / (most - 1)) for k in range(most)})


def _train(
    schedule: Schedule[Any], m: Arithmetic, steps: int, every: int | None, wanted: set[Any], progress: bool
) -> tuple[dict[int, float], dict[int, AnyStep]]:
    """The losses of the steps to show, and the steps to trace, of one network."""
    ways = [_Way.of(problem, m) for problem in schedule.turns]
    losses: dict[int, float] = {}
    traced: dict[int, AnyStep] = {}
    with m.working():
        for n in counted(range(1, steps + 1), "step", shown=progress):
            way = ways[(n - 1) % len(ways)]
            given = way.given
            given |= at_step(way.problem.training, n, m)
            if n in wanted:
                traced[n] = way.traced(dict(given), m, schedule.sample)
            known = way.planned.digits.run(m, given)
            if way.objective and _shows(n, steps, every, len(ways)):
                losses[n] = float(known[way.objective])
            following = ways[n % len(ways)].given
            for name, after in way.planned.carried:
                following[name] = known[after]
    return losses, traced


@dataclass(frozen=True)
class _Way:
    """What one turn of a schedule works with: the problem, its programs, the arrays that its next step starts from.

    `objective` is the array whose value is the loss, "" where there is none.
    """

    problem: Problem | Computation
    planned: Planned
    given: Arrays
    objective: str

    @classmethod
    def of(cls, problem: Problem | Computation, m: Arithmetic) -> _Way:
        """Of a network, or of equations of somebody's own."""
        if isinstance(problem, Computation):
            return cls(problem, problem.planned, problem.start(m), problem.objective)
        own = layered(problem)
        return cls(problem, own, start(problem, m), "E" if "E" in own.step.arrays else "")

    def traced(self, given: Arrays, m: Arithmetic, sample: int) -> AnyStep:
        """One step with every number recorded."""
        if isinstance(self.problem, Computation):
            return run_computation(self.problem, m, given, sample=sample)
        step = run_step(self.problem, m, given)
        step.sample = sample
        return step


def _shows(n: int, steps: int, every: int | None, samples: int) -> bool:
    """Whether the loss of step n is kept; by default of a tenth of the passes over all samples, each pass whole."""
    if every:
        return n == 1 or n % every == 0 or n == steps
    passes, this = -(-steps // samples), (n - 1) // samples + 1
    return this == 1 or this % max(1, passes // 10) == 0 or this == passes
