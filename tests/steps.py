"""Steps of written equations for the tests: a TOML text in, its `Step`, its numbers and its runs out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64, Arithmetic
from derivations.backward import Wanted
from derivations.equations import Role, Step
from derivations.given import Given
from derivations.language import Statements, read
from derivations.making import Asked, made
from derivations.optimizers import OPTIMIZERS
from derivations.program import Program, Record

FOLDER = Path(__file__).parent / "examples_of_steps"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
FURTHER = FOLDER.with_name("further_steps")
FURTHER_NAMES = sorted(path.stem for path in FURTHER.glob("*.toml"))
TRAINING = {"learning_rate": "eta", "momentum": "mu"}
DEFAULTS = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}


@dataclass(frozen=True)
class Example:
    """A step, what its text says, and the numbers that it starts from."""

    statements: Statements
    step: Step
    numbers: Mapping[str, Given]
    constants: Mapping[str, Given]
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]
    objective: str

    @property
    def differentiated(self) -> tuple[str, ...]:
        """The arrays whose gradient is made."""
        return (*self.parameters, *self.inputs)

    @cached_property
    def program(self) -> Program:
        """All equations, ready to be worked."""
        return Program(self.step)

    @cached_property
    def forward(self) -> Program:
        """The forward equations alone."""
        return Program(replace(self.step, equations=tuple(e for e in self.step.equations if e.stage == "forward")))

    def given(self, m: Arithmetic) -> dict[str, Any]:
        """What the step starts from, in an arithmetic: numbers, constants, the optimizer's state before it."""
        out = {name: lifted(m, given) for name, given in {**self.numbers, **self.constants}.items()}
        before = (a for a in self.step.arrays.values() if a.role is Role.BEFORE)
        return {**out, "step": 1, **{a.name: m.blank(a.shape) if a.shape else m.number("0") for a in before}}

    def run(self, m: Arithmetic = FLOAT64, record: Record | None = None) -> dict[str, Any]:
        """Every array by its name."""
        with m.working():
            return self.program.run(m, self.given(m), record)

    def wrong(self, step: Step) -> Example:
        """The same numbers in a changed step."""
        return replace(self, step=step)


def lifted(m: Arithmetic, given: Given) -> Any:
    """Given numbers in an arithmetic; a single one is a number of it, not an array."""
    return m.lift(given) if given.shape else m.scalar(given)


def random_numbers(rng: np.random.Generator, random: Sequence[int], scale: float = 0.5) -> Any:
    """Drawn numbers of three decimals, of the shape `random`."""
    return (rng.normal(size=random) * scale).round(3).tolist()


def example(text: str | Mapping[str, Any]) -> Example:
    """The example that a TOML text, or what it would be read into, describes."""
    file = tomllib.loads(text) if isinstance(text, str) else text
    rng = np.random.default_rng(7)
    numbers = {
        name: Given.read(random_numbers(rng, **v) if isinstance(v, Mapping) else v)
        for table in ("parameters", "given")
        for name, v in file.get(table, {}).items()
    }
    training, parameters, inputs = file.get("training", {}), tuple(file["parameters"]), tuple(file.get("inputs", ()))
    objective, optimizer = file.get("objective", "E"), training.get("optimizer", "sgd")
    whole = {n: g.floats.astype(int) for n, g in numbers.items() if (g.floats == g.floats.round()).all()}
    statements = read(file["equations"])
    asked = Asked(
        {name: g.shape for name, g in numbers.items()},
        Wanted(parameters, inputs, objective),
        whole,
        OPTIMIZERS[optimizer] if training else None,
    )
    constants = {letter: training[key] for key, letter in TRAINING.items() if key in training}
    return Example(
        statements,
        made(statements, asked),
        numbers,
        {name: Given.read(v) for name, v in {**DEFAULTS, **constants}.items()},
        parameters,
        inputs,
        objective,
    )


@cache
def named(name: str) -> Example:
    """An example of the folder, made once."""
    return example((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def off(found: Any, truth: Any) -> float:
    """How far two arrays are apart, in units of the largest entry of the second (of 1, where that is smaller)."""
    p, q = (np.asarray(a, float) for a in (found, truth))
    assert p.shape == q.shape, f"{p.shape} is not {q.shape}"
    return float(np.max(np.abs(p - q), initial=0) / max(1e-3, np.max(np.abs(q), initial=0)))


def problem_text(name: str) -> str:
    """An example of either folder as a problem file has it: its drawn numbers written out."""
    rng = np.random.default_rng(7)

    def drawn(found: re.Match[str]) -> str:
        return str(random_numbers(rng, **tomllib.loads(f"v = {found[0]}")["v"]))

    path = (FOLDER if name in NAMES else FURTHER) / f"{name}.toml"
    return re.sub(r"\{random = [^}]*\}", drawn, path.read_text(encoding="utf-8"))
