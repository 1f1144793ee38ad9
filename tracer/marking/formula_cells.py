"""Cells whose name is a formula that determines no quantity asked for, `dW1[1,1] + dW2[1,1]`: judged, worth nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from derivations.evaluation import evaluate
from derivations.quantity import Quantity
from tracer.answers.reading.entries import Entry
from tracer.marking.carrying import Followed, follow
from tracer.marking.discipline import PLAIN
from tracer.marking.evidence import EVIDENCE
from tracer.marking.explaining import MOST_FITTING
from tracer.marking.layers_key import LayersKey
from tracer.marking.read import Read
from tracer.marking.spans import Span

__all__ = ["formulas_of"]

MOST_EXPLAINED = 5  # of one sheet: each is worked with every slip
Explained = tuple[str, tuple[str, ...]]
"""A verdict, and the slips that give the number."""


def formulas_of(read: Read, row: int) -> Mapping[str, Explained]:
    """The verdict on each cell of a sheet whose name is a formula and no quantity's, and the slips that give it.

    Its value is worked from the right numbers, from the sheet's own, and with each slip.
    """
    entries = read.own[row].entries
    composed = [e for e in entries if e.formula is not None and e.quantity is None and e.value and not e.fault]
    if not composed:
        return {}
    assert isinstance(read.key, LayersKey)
    cells = read.cells.take(np.array([row]))
    runs = [(follow(read.key.runs, cells, carry="true"), "rounded"), (follow(read.key.runs, cells), "follows")]
    out: dict[str, Explained] = {}
    for entry in composed:
        out[entry.name] = next((verdict for run, verdict in runs if _gives(read.key, entry, run)), "wrong"), ()
    refused = [e for e in composed if out[e.name][0] == "wrong" and e.value and e.value.figures > EVIDENCE]
    return out | _explained(read, refused[:MOST_EXPLAINED], row)


def _explained(read: Read, refused: Sequence[Entry], row: int) -> dict[str, Explained]:
    """The slips that give each of the refused, every slip worked once."""
    fitting: dict[str, list[str]] = {entry.name: [] for entry in refused}
    key, cells = read.key, read.cells.take(np.array([row]))
    assert isinstance(key, LayersKey)
    for slip in key.named if refused else ():
        run = follow(key.runs, cells, lines=slip.by_left)
        for entry in refused:
            fitting[entry.name] += [slip.name] if _gives(key, entry, run) else []
    names = {name: tuple(dict.fromkeys(found)) for name, found in fitting.items()}
    return {name: ("wrong", found if len(found) <= MOST_FITTING else ()) for name, found in names.items()}


def _gives(key: LayersKey, entry: Entry, run: Followed) -> bool:
    """Whether a run gives what stands beside a formula."""
    assert entry.value is not None
    assert entry.formula is not None
    unit = entry.value.unit
    low, high = PLAIN.cell(np.array(float(entry.value.exact)), np.array(unit))
    with run.m.working():
        value = evaluate(entry.formula, _carried(key, run), run.m.number)
    if not isinstance(value, Span):
        return False
    return bool((value.low <= high).all() and (value.high >= low).all())


def _carried(key: LayersKey, run: Followed) -> Callable[[Quantity], Span | None]:
    """What a sheet goes on with, by quantity; given numbers as they are given, None where they are not known."""

    def leaf(q: Quantity) -> Span | None:
        own = key.own(q)
        if own in run.carried:
            return run.carried[own]
        given = key.given_of_layer(q)
        number = None if given is None else run.m.number(f"{given[0].numerator}/{given[0].denominator}")
        return number if number is None or isinstance(number, Span) else run.m.of(number)

    return leaf
