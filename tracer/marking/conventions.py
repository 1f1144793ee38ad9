"""Readings that also count: another notation, the opposite sign of delta, weights named the other way round.

A sheet that as a whole fits such a reading better is read that way, which is said once.  So is one that fits a problem
that `[marking] accept` allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from derivations.given import Given, read_number, shortened
from derivations.losses import LOSSES
from derivations.network import Problem
from tracer.answers.reading.entries import Entry, Sheet
from tracer.answers.reading.naming import Naming
from tracer.marking.cells import Numbers
from tracer.marking.layers_key import LayersKey
from tracer.marking.read import Read
from tracer.marking.spans import Bounds
from tracer.problem import ProblemError

__all__ = ["accepted", "best_readings"]

Array = Any
ABOUT = 0.05
"""Relative: how near a number of the other sign is to what it may be read as."""
LEAST = 2
"""Entries that another reading must put right."""
AT_ONCE = 1000  # readings judged together, where there are fewer sheets
NUMBERS = ("learning_rate", "momentum", "beta1", "beta2", "epsilon")
CHOICES = {"reduction": ("sum", "mean"), "momentum_form": ("classical", "ema"), "update_biases": (True, False)}
FOLLOW = frozenset({"dW", "db", "W_new", "b_new"})
"""What is worked from an error signal: where it is right, the opposite sign before it is a convention and no slip."""
SIGNS = (
    (("delta",), "delta read with the opposite sign, as -dE/da: a convention, not a slip"),
    (("delta", "dz"), "error signals read with the opposite sign, as -dE/da: a convention, not a slip"),
    (
        ("delta", "dz", "dW", "db"),
        "gradients read with the opposite sign, as the direction of the step: a convention, not a slip",
    ),
)
PARTNER = {"a": "z", "z": "a"}
REMEMBERED = 1000
TURNED = "weights read as W[input, unit], the other way round"


@dataclass(frozen=True)
class _Missed:
    """What does not fit on a sheet.

    `wrong` entries are refused or not understood, `not_right` ones not right by themselves; `kinds` are those of the
    refused ones (of a and z only where the other one of the unit is not right: read as each other both would be wrong),
    `not_turned` those of which one is not about the right number with the other sign; `strange` says whether some name
    is not understood.
    """

    wrong: int
    not_right: int
    kinds: frozenset[str]
    not_turned: frozenset[str]
    strange: bool

    @property
    def most(self) -> int:
        """How many entries another reading may miss and be clearly better."""
        return min(self.wrong - LEAST, self.wrong // 4)


def _missed(read: Read) -> list[_Missed]:
    judged, key = read.judged, read.key
    assert isinstance(key, LayersKey)
    strange = [sum(bool(e.fault) and e.fault != "duplicate" for e in s.entries) for s in read.sheets]
    refused, written = judged.refused, judged.written
    wrong, others = refused.sum(axis=0), (written.there & ~judged.right).sum(axis=0)
    turned = _is_turned(written, judged.follows)
    kinds, not_turned = ([set[str]() for _ in read.sheets] for _ in range(2))
    for k, (q, own) in enumerate(zip(judged.quantities, refused, strict=True)):
        kind = key.problem.planned.places[q.kind].kind
        partner = key.own(key.problem.of_layer(q)._replace(kind=PARTNER.get(kind, "x")))
        if kind in PARTNER and partner in judged.place:
            of = judged.place[partner]
            own = own & ~(written.there[of] & ~refused[of])
        for row in np.flatnonzero(own):
            kinds[row].add(kind)
        other = own & ~turned[k] if kind in SIGNS[-1][0] else own
        for row in np.flatnonzero(other):
            not_turned[row].add(kind)
    told = zip(wrong.tolist(), others.tolist(), strange, kinds, not_turned, strict=True)
    return [_Missed(w + n, o + n, frozenset(own), frozenset(other), n > 0) for w, o, n, own, other in told]


def _is_turned(written: Numbers, follows: Bounds) -> Array:
    """Where a number is about what follows with the other sign."""
    reach = 2 * written.unit + ABOUT * np.abs(written.value)
    return np.asarray((follows[0] <= reach - written.value) & (follows[1] >= -written.value - reach))


def best_readings(key: LayersKey, naming: Naming, sheets: Sequence[Sheet]) -> Read:
    """Each sheet in the reading in which the fewest entries miss; as it is unless another is clearly better."""
    read = Read.of(key, sheets)
    out, now = list(sheets), _missed(read)
    ways = ((k, way) for k, m in enumerate(now) if m.wrong for way in _readings(naming, sheets[k], m))
    while some := list(islice(ways, max(len(sheets), AT_ONCE))):  # no more at once than there are sheets
        for (k, (other, is_sure)), m in zip(some, _missed(Read.of(key, [way for _, (way, _) in some])), strict=True):
            better = m.wrong <= now[k].most or (is_sure and not m.wrong)
            if better and m.not_right < now[k].not_right:
                out[k], now[k] = other, m
    return read if all(a is b for a, b in zip(out, sheets, strict=True)) else Read.of(key, out)


def _readings(naming: Naming, sheet: Sheet, missed: _Missed) -> Iterator[tuple[Sheet, bool]]:
    """Other readings that what misses speaks for, and whether one is sure where nothing misses under it."""
    there = {e.quantity.kind for e in sheet.entries if e.quantity and e.value is not None}
    for kinds, remark in SIGNS:
        added = kinds[-1:] if len(kinds) < 4 else ("dW", "db")
        if not missed.kinds & set(kinds) or missed.not_turned & set(kinds):
            continue
        if there & set(added) and (len(kinds) < 4 or there & {"W_new", "b_new"}):
            other = _remarked(sheet, [_flipped(e, kinds) for e in sheet.entries], remark)
            yield other, bool((there - set(kinds)) & FOLLOW)
    if missed.wrong >= LEAST:
        yield from ((other, False) for other in _renamed(naming, sheet, missed))


def _renamed(naming: Naming, sheet: Sheet, missed: _Missed) -> Iterator[Sheet]:
    """In another notation, or with weights named the other way round."""
    if missed.strange or missed.kinds & PARTNER.keys():
        for other in naming.readings(sheet, most=missed.most):
            if other.entries != sheet.entries and not other.error and len(other.entries) >= len(sheet.entries):
                yield replace(other, remarks=(*sheet.remarks, *other.remarks))
    if missed.strange or missed.kinds & {"dW", "W_new"}:
        turned = [_turned(e) for e in sheet.entries]
        others = [e.name for e, own in zip(turned, sheet.entries, strict=True) if e is not own]
        if others and (missed.strange or all(map(naming.understood, others))):
            for again in naming.readings(replace(sheet, entries=tuple(turned)), most=missed.most)[:1]:
                yield replace(again, remarks=(*sheet.remarks, TURNED))


def _remarked(sheet: Sheet, entries: Sequence[Entry], remark: str) -> Sheet:
    return replace(sheet, entries=tuple(entries), remarks=(*sheet.remarks, remark))


def _flipped(entry: Entry, kinds: tuple[str, ...]) -> Entry:
    flips = entry.quantity is not None and entry.quantity.kind in kinds and entry.value is not None
    return entry.changed(factor=-entry.factor) if flips else entry


def _turned(entry: Entry) -> Entry:
    """A weight's name with its two indices the other way round."""
    name = _turned_name(entry.name)
    return entry.changed(name=name) if name != entry.name else entry


@lru_cache(maxsize=REMEMBERED)  # a class has the same names on every sheet
def _turned_name(name: str) -> str:
    return re.sub(r"^([dvm]?W\w*+)\[(\d++),\s*+(\d++)\]", r"\1[\3,\2]", name)


# --- [marking] accept ---


def accepted(problem: Problem) -> list[tuple[Problem, str]]:
    """The problems that `[marking] accept` lets count as well, each with a remark.  Raises ProblemError."""
    accept = dict(problem.marking).get("accept", [])
    readings = [accept] if isinstance(accept, Mapping) else accept
    assert isinstance(readings, Sequence)
    return [(_other(problem, r, k), _words(r)) for k, r in enumerate(readings, 1)]


def _words(reading: Mapping[str, object]) -> str:
    said = ", ".join(f"{key} = {value}" for key, value in reading.items())
    return f"marked with {said}, which counts as well"


def _other(problem: Problem, reading: Mapping[str, object], k: int) -> Problem:
    training, network = problem.training, problem.network
    for key, value in reading.items():
        where = f"marking.accept[{k}].{key}"
        if key in NUMBERS:
            try:
                changed: dict[str, Any] = {key: Given.read(read_number(value))}
                training = replace(training, **changed)
            except ValueError as e:
                raise ProblemError(f"{where}: {e}") from None
        elif key in CHOICES and value in CHOICES[key]:
            training = replace(training, **{key: value})  # type: ignore[arg-type]
        elif key == "loss" and value in LOSSES and LOSSES[str(value)].needs == network.loss.needs:
            network = replace(network, loss=LOSSES[str(value)])
        else:
            known = ", ".join((*NUMBERS, *CHOICES, "loss"))
            raise ProblemError(f"{where}: {shortened(value)} cannot be accepted here; known are {known}")
    return replace(problem, training=training, network=network)
