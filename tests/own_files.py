"""Problem files with equations through the public door, and the routes that their gradients are compared with.

None of these reads what was made from the equations: an interpreter of entries with its derivatives carried along, the
same in balls, the objective of a file with one number changed.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from entry_by_entry import FLOATS, Calculator, Interpreter, balls, interpreted
from steps import off

import tracer
from derivations.equations import Equation, Step
from derivations.given import Given
from derivations.language import Statements

BITS = 160
H = 1e-6  # of a central difference


@dataclass(frozen=True)
class OwnFile:
    """The text of a problem file, what is typed in it, what it was loaded into, and its trace."""

    text: str

    @cached_property
    def typed(self) -> dict[str, Any]:
        """Its tables, by a reader of TOML alone."""
        return tomllib.loads(self.text)

    @cached_property
    def problem(self) -> Any:
        """What the file is loaded into."""
        return tracer.loads(self.text)

    @cached_property
    def step(self) -> tracer.Trace:
        """Its trace in float64."""
        return tracer.trace(self.problem)

    @cached_property
    def enclosed(self) -> tracer.Trace:
        """Its trace in balls."""
        return tracer.trace(self.problem, arithmetic="ball", precision=BITS)

    @property
    def objective(self) -> str:
        """What is differentiated."""
        name: str = self.typed.get("objective", "E")
        return name

    @property
    def differentiated(self) -> tuple[str, ...]:
        """The arrays that have a gradient."""
        return (*self.typed["parameters"], *self.typed.get("inputs", ()))

    def numbers(self, name: str) -> Any:
        """An array as it is typed."""
        return np.array({**self.typed.get("given", {}), **self.typed["parameters"]}[name], float)

    def moved(self, name: str, at: tuple[int, ...], by: float) -> float:
        """The objective of the file with one number changed, traced anew."""
        changed = deepcopy(self.typed)
        table = changed["parameters" if name in changed["parameters"] else "given"]
        array = np.array(table[name], float)
        array[at] += by
        table[name] = array.tolist()
        return float(tracer.trace(tracer.load(changed))[self.objective])


# --- an entry at a time ---


@dataclass(frozen=True)
class _Forward:
    """What the interpreter of entries asks for."""

    statements: Statements
    step: Step
    numbers: Mapping[str, Given]
    differentiated: tuple[str, ...]
    objective: str


def by_entries(own: OwnFile, calculator: Calculator = FLOATS) -> Interpreter:
    """The interpreter of a file's forward equations, from the numbers that the file has."""
    p = own.problem
    example: Any = _Forward(p.statements, p.step, p.numbers, own.differentiated, own.objective)
    return interpreted(example, calculator)


def entries(own: OwnFile, calculator: Calculator) -> Iterator[tuple[str, Any]]:
    """The forward arrays and the gradients of the interpreter, by their names."""
    worked = by_entries(own, calculator)
    equations: tuple[Equation, ...] = own.problem.statements.equations
    for name in dict.fromkeys(e.left.name for e in equations):
        yield name, _filled(own, name, lambda at, name=name: worked.entry(name, at).value)
    moves, zero = worked.entry(own.objective, ()).moves, worked.number("0").value
    for name in own.differentiated:
        yield f"d{name}", _filled(own, name, lambda at, name=name: moves.get((name, at), zero))


def _filled(own: OwnFile, name: str, entry: Callable[[tuple[int, ...]], Any]) -> Any:
    extents = own.problem.step.arrays[name].extents
    out = np.empty([high - low + 1 for low, high in extents], object)
    for at in itertools.product(*map(range, out.shape)):
        out[at] = entry(tuple(k + low for k, (low, _) in zip(at, extents, strict=True)))
    return out


# --- what must hold ---


def check_entries(own: OwnFile) -> None:
    """Forward arrays and gradients are those of the interpreter, to 1e-12 of the largest entry."""
    for name, truth in entries(own, FLOATS):
        assert off(own.step[name], truth.astype(float)) < 1e-12, name


def check_balls(own: OwnFile) -> None:
    """Balls overlap those of the interpreter, and hold the float64 numbers or lie within 1e-12 of the largest."""
    from flint import arb, ctx

    before, ctx.prec = ctx.prec, BITS
    try:
        for name, truth in entries(own, balls()):
            found, floats = (np.asarray(trace[name], object) for trace in (own.enclosed, own.step))
            size = max(1e-3, *(abs(float(a)) for a in floats.flat))
            for p, q, a in zip(found.flat, truth.flat, floats.flat, strict=True):
                assert arb(p).overlaps(arb(q)), f"{name}: {p} is apart from {q}"
                assert float(arb(p).rad()) < 1e-30 * max(1, size), f"{name}: {p} is wide"
                assert abs(float(arb(p).mid()) - a) <= 1e-12 * size, f"{name}: {a} is not in {p}"
    finally:
        ctx.prec = before


def check_differences(own: OwnFile) -> None:
    """Central differences of the objective, a drawn entry of each array, the file loaded anew."""
    rng = np.random.default_rng(5)
    for name in own.differentiated:
        gradient, size = np.asarray(own.step[f"d{name}"]), np.shape(own.numbers(name))
        largest = max(1e-2, float(np.max(np.abs(gradient))))
        at = tuple(map(int, np.unravel_index(rng.integers(gradient.size), size)))
        slope = (own.moved(name, at, H) - own.moved(name, at, -H)) / (2 * H)
        assert abs(slope - gradient[at]) < 1e-6 * largest, f"d{name}{list(at)}: {slope} is not {gradient[at]}"


def check_torch(own: OwnFile, objective: Callable[[Mapping[str, Any]], Any]) -> None:
    """Objective and gradients are those of torch in float64, to 1e-12 of the largest entry."""
    import torch

    names = (*own.typed["parameters"], *own.typed.get("given", {}))
    P = {n: torch.tensor(own.numbers(n), dtype=torch.float64) for n in names}
    for n in own.differentiated:
        P[n].requires_grad_()
    E = objective(P)
    E.backward()
    assert off(own.step[own.objective], E.detach().numpy()) < 1e-12
    for n in own.differentiated:
        gradient = P[n].grad
        truth = np.zeros(np.shape(own.numbers(n))) if gradient is None else gradient.numpy()
        assert off(own.step[f"d{n}"], truth) < 1e-12, n
