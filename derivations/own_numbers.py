"""The numbers of one sample out of a trace of several, by the names of a one-sample problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from derivations import names
from derivations.layers import layered, start
from derivations.names import CONSTANTS, KINDS, Quantity
from derivations.network import Problem

__all__ = ["own_numbers"]

Texts = Mapping[Quantity, str]


def own_numbers(problem: Problem, own: Problem, numbers: Any, sample: int) -> Texts:
    """The shown texts of sample `sample` (whose problem is `own`) from a trace or from its texts by quantity.

    In turn, they are those of the update that this sample makes; apart, those of its own network; together, its own
    loss and gradients stand in place of the batch's.
    """
    shown: Texts = getattr(numbers, "shown", numbers)
    if problem.samples == 1:
        return shown
    way = problem.training.samples
    step = sample if way == "in_turn" else 1
    out: dict[Quantity, str] = {}
    for q, text in shown.items():
        constant = q.kind in (*CONSTANTS, "W", "b")
        of_batch = way == "together" and not q.sample and not constant and not KINDS[q.kind].sampled
        if q.step == step and q.sample in (0, sample) and not of_batch:
            kind = "E" if q.kind == "E_sample" else q.kind
            out[q._replace(kind=kind, sample=0, step=1)] = text
    if way == "together" and hasattr(numbers, "steps"):
        out |= _gradients(own, numbers, sample)
    return out


def _gradients(own: Problem, trace: Any, sample: int) -> Texts:
    """The sample's own dW and db: their lines, worked from its recorded error signals and activations."""
    step, layers, out = trace.steps[0], layered(own), dict[Quantity, str]()
    column = slice(sample - 1, sample)
    with step.m.working():
        recorded = {
            name: step.arrays[place][:, column]
            for name, place in layers.places.items()
            if place.kind in ("z", "delta") and place in step.arrays
        }
        known = start(own, step.m) | recorded
        for name, _, _, work in layers.exact.plan(step.m):
            kind, layer = layers.places[name]
            if kind in ("dW", "db"):
                quantities = names.elements(own.network, kind, layer, 1)
                pairs = zip(quantities.flat, np.ravel(work(known)), strict=True)
                out |= {q: trace.rounding.shown(number) for q, number in pairs}
    return out
