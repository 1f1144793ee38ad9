"""The rules, and a slip's, run on written expressions: what marking and proofs print until they read the step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from derivations import names, rules
from derivations.expression import Name, Number
from derivations.formulas import Formula, givens
from derivations.names import CONSTANTS, Quantity
from derivations.network import Problem
from derivations.written import Writing

__all__ = ["equations"]

_name = np.frompyfunc(Name, 1, 1)


def equations(problem: Problem, rules_: rules.Rules = rules.RULES, *, sample: int = 0, step: int = 1) -> list[Formula]:
    """Every equation of one step, in the order of calculation.

    `sample` and `step` say whose names are written (`@sample`, `#step`); a slip's rules give the slip's equations.
    """
    out: list[Formula] = []

    def record(kind: str, layer: int, array: Any) -> Any:
        quantities = names.elements(problem.network, kind, layer, problem.samples, sample, step)
        out.extend(map(Formula, _flat(kind, quantities), _flat(kind, np.asarray(array, object))))
        return _name(quantities)

    m = Writing()
    rules.run(rules.State(problem, m, _named_start(problem, sample, step), count=step), record, rules_)
    return out


def _named_start(problem: Problem, sample: int, step: int) -> rules.Start:
    L = len(problem.network)
    W: list[Any] = [None] * (L + 1)
    b: list[Any] = [None] * (L + 1)
    x = t = None
    for kind, layer, quantities in givens(problem, sample=sample, step=step):
        named = _name(quantities)
        if kind == "W":
            W[layer] = named
        elif kind == "b":
            b[layer] = named
        elif kind == "x":
            x = named
        else:
            t = named
    if problem.network.loss.needs == "dz" and problem.signals is not None:
        t = Writing().lift(problem.signals)
    constants = {letter: Name(Quantity(letter, step=step)) for letter in CONSTANTS}
    return rules.Start(W, b, x, t, constants, _named_before(problem, W, b, sample, step))


def _named_before(problem: Problem, W: list[Any], b: list[Any], sample: int, step: int) -> dict[tuple[str, int], Any]:
    before: dict[tuple[str, int], Any] = {}
    for kind, l in rules.optimizer_state(problem):
        zeros = np.empty((W if kind[-1] == "W" else b)[l].shape, object)
        zeros[...] = Number("0")
        earlier = names.elements(problem.network, kind, l, 1, sample, step - 1) if step > 1 else None
        before[kind, l] = zeros if earlier is None else _name(earlier)
    return before


def _flat(kind: str, array: Any) -> Iterator[Any]:
    """The entries in reading order; of several samples, all of the first sample first."""
    if names.KINDS[kind].sampled and array.ndim > 1:
        return iter(np.moveaxis(array, -1, 0).flat)
    return iter(array.flat)
