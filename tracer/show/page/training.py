"""A training run on a page: the recorded steps as a table of finished strings, and the loss as a curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from derivations import names
from derivations.names import Quantity
from derivations.notation import Notation
from derivations.writing.mathml import mathml
from tracer.show.page.places import Places
from tracer.show.page.steps import anchor
from tracer.traces.computed import ComputedTrace

if TYPE_CHECKING:
    from tracer.traces.base import Trace
    from tracer.traces.layered import LayeredTrace
    from tracer.training import Run

__all__ = ["MOST_COLUMNS", "Column", "Curve", "Table", "columns", "curves", "own_columns", "tables"]

MOST_COLUMNS = 120
ABREAST = 10  # columns that an upright sheet of paper shows side by side, in letters that can be read
WIDE, HIGH, EDGE = 560.0, 170.0, 8.0


@dataclass(frozen=True)
class Column:
    """One quantity: its place (as the drawing's labels name it), its name in MathML and in plain text."""

    q: str
    math: str
    name: str
    quantity: Quantity


@dataclass(frozen=True)
class Table:
    """Columns that fit on paper, (step, the texts of these columns) of every recorded step; how many came before."""

    columns: tuple[Column, ...]
    rows: list[tuple[int, list[str]]]
    after: int


@dataclass(frozen=True)
class Curve:
    """A loss as the points of a line, with its lowest and highest value as they are shown."""

    points: str
    low: str
    high: str


def columns(recorded: tuple[LayeredTrace, ...], notation: Notation) -> tuple[Column, ...]:
    """Loss, parameters and gradients of the first step; at most MOST_COLUMNS."""
    network = recorded[0].problem.network
    quantities = [q for q in recorded[0].shown if q.kind == "E" and q.step == 1]
    for l, layer in network:
        for kind in layer.parameters:
            for step in recorded[0].steps:
                own = names.elements(network, kind, l, 1, step.sample, 1)
                quantities += [q._replace(kind=k) for q in own.flat for k in (kind, f"d{kind}")]
    return tuple(
        Column(
            anchor(network, q),
            mathml(notation.latex(network, q._replace(sample=0))) + _sample(q),
            notation.text(network, q),
            q,
        )
        for q in quantities[:MOST_COLUMNS]
    )


def own_columns(recorded: tuple[ComputedTrace, ...]) -> tuple[Column, ...]:
    """The same of equations of somebody's own, parameter by parameter, each with its gradient."""
    first = recorded[0]
    problem, places = first.problem, Places(first)
    kinds = [problem.objective, *(kind for p in problem.parameters for kind in (p, f"d{p}"))]
    by_kind: dict[str, list[Quantity]] = {kind: [] for kind in kinds}
    for q in first.shown:
        if q.kind in by_kind and q.step == 1:
            by_kind[q.kind].append(q)
    quantities = by_kind.pop(problem.objective)
    for p in problem.parameters:
        for pair in zip(by_kind[p], by_kind[f"d{p}"], strict=True):
            quantities += pair
    return tuple(
        Column(
            "E" if q.kind == problem.objective else f"q-{places.anchor(q)}",
            mathml(first.names.latex(q._replace(sample=0))) + _sample(q),
            first.name(q),
            q,
        )
        for q in quantities[:MOST_COLUMNS]
    )


def _sample(q: Quantity) -> str:
    return f"<mtext> @{q.sample}</mtext>" if q.sample else ""


def tables(recorded: Sequence[Trace], chosen: tuple[Column, ...]) -> list[Table]:
    """All columns in tables of about the same width: side by side on a screen, one below the other on paper."""
    wide = math.ceil(len(chosen) / math.ceil(len(chosen) / ABREAST))
    starts = range(0, len(chosen), wide)
    return [Table(part, _rows(recorded, part), k) for k in starts for part in [chosen[k : k + wide]]]


def _rows(recorded: Sequence[Trace], chosen: tuple[Column, ...]) -> list[tuple[int, list[str]]]:
    return [(trace.steps[0].step, [_text(trace, column.quantity) for column in chosen]) for trace in recorded]


def _text(trace: Trace, q: Quantity) -> str:
    return trace.shown.get(q._replace(step=trace.steps[0].step), "")


def curves(run: Run) -> tuple[Curve, ...]:
    """One line for each network, through the losses that were kept; none where the problem has no loss."""
    if len(run.losses) < 2:
        return ()
    series = list(zip(*(row[1:] for row in run.losses), strict=True))
    finite = [v for values in series for v in values if math.isfinite(v)]
    if not finite:
        return ()
    low, high, shown = min(finite), max(finite), run.last.rounding.shown
    steps = [row[0] for row in run.losses]
    across, up = (WIDE - 2 * EDGE) / (steps[-1] - steps[0] or 1), (HIGH - 2 * EDGE) / (high - low or 1)
    out = []
    for values in series:
        places = (
            f"{EDGE + (n - steps[0]) * across:.1f} {HIGH - EDGE - (v - low) * up:.1f}"
            for n, v in zip(steps, values, strict=True)
            if math.isfinite(v)
        )
        out.append(Curve(" ".join(places), shown(low), shown(high)))
    return tuple(out)
