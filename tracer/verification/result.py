"""What `verify` answers: the verdict, the wrong numbers by name, the kinks, and every number by three routes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from derivations.computation import Computation
from derivations.equations import Role
from derivations.network import Problem
from tracer.verification.answer import lines, render
from tracer.verification.judging import Judged
from tracer.verification.kinks import kinks_of
from tracer.verification.proofs import PROVED, REFUTED, UNDECIDED, Proof
from tracer.verification.routes import ROUTES
from tracer.verification.rows import Row
from tracer.verification.textbook import Quotients

__all__ = ["Row", "Verification"]


@dataclass(frozen=True)
class Verification:
    """The answer for one problem: `.agrees`, `.verdict`, `.wrong` (the causes by name), `.kinks`, `.rows`.

    With certify=True also `.certified["proved"]`, `["refuted"]` and `["undecided"]`; the balls are in `.proofs`.
    `str` says in words what is wrong, for `assert verify(...).agrees, verify(...)`.
    """

    problem: Problem | Computation
    steps: tuple[Judged, ...]
    causes: tuple[Mapping[str, Any], ...]
    explanations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    theirs: bool = False
    proofs: tuple[Proof, ...] = ()
    textbook: tuple[Quotients, ...] = ()
    conventions: Mapping[str, str] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether everything checked is right."""
        return self.verdict == "agree"

    @property
    def verdict(self) -> str:
        """agree, disagree or undecided: a wrong number is a disagreement; an undecided one that was asked for is none.

        Without given numbers, what is asked for are gradients and the update.  What is certified is decided by its
        certificate.
        """
        if any(step.wrong or any(step.odd.values()) for step in self.steps):
            return "disagree"
        if any(proof.apart or proof.found(REFUTED) for proof in self.proofs):
            return "disagree"
        open_ = [
            (number, key)
            for number, step in enumerate(self.steps)
            for key in step.undecided
            if not self._has_ball(number, key)
        ]
        if self.undefined:
            return "undecided"
        open_ += [(number, key) for number, proof in enumerate(self.proofs) for key in proof.found(UNDECIDED)]
        nothing = bool(self.proofs) and not self.certified[PROVED]
        return "undecided" if nothing or any(self._asked(*at) for at in open_) else "agree"

    @cached_property
    def undefined(self) -> tuple[str, ...]:
        """The losses that have no value, such as the logarithm of a negative output: there is no gradient of them."""
        out = []
        for step in self.steps:
            subject = step.routes.subject
            name = subject.plans.objective
            if (
                name in subject.recorded
                and np.isnan(subject.recorded[name])
                and not np.isfinite(step.routes.symbolic[name])
            ):
                out.append(self._name(step, name, ()))
        return tuple(out)

    def _has_ball(self, number: int, key: str) -> bool:
        return bool(self.proofs) and key in self.proofs[number].verdicts

    def _asked(self, number: int, key: str) -> bool:
        asked = (Role.GRADIENT, Role.LENGTH, Role.STATE, Role.UPDATED)
        return self.theirs or self.steps[number].routes.subject.arrays[key].role in asked

    @cached_property
    def certified(self) -> Mapping[str, tuple[str, ...]]:
        """The names that the balls prove, refute and leave undecided; nothing where no certificate was asked for."""
        pairs = list(zip(self.steps, self.proofs, strict=False))
        return {
            verdict: tuple(n for step, proof in pairs for n in self._names(step, proof.found(verdict)))
            for verdict in (PROVED, REFUTED, UNDECIDED)
        }

    @cached_property
    def wrong(self) -> tuple[str, ...]:
        """The names of the wrong numbers that are causes, in the order of calculation."""
        pairs = zip(self.steps, self.causes, strict=True)
        return tuple(name for step, masks in pairs for name in self._names(step, masks))

    @cached_property
    def inherited(self) -> tuple[str, ...]:
        """The names of the wrong numbers that only follow from the causes."""
        causes = set(self.wrong)
        return tuple(n for step in self.steps for n in self._names(step, step.wrong) if n not in causes)

    @cached_property
    def undecided(self) -> tuple[str, ...]:
        """The names of the numbers that no route can decide."""
        return tuple(name for step in self.steps for name in self._names(step, step.undecided))

    @cached_property
    def undifferenced(self) -> tuple[str, ...]:
        """The names of the numbers that are decided though differences say nothing of them."""
        return tuple(name for step in self.steps for name in self._names(step, _undifferenced(step)))

    @cached_property
    def disagreeing(self) -> Mapping[str, tuple[str, ...]]:
        """For each route, the names of the numbers where it disagrees with the two others."""
        return {r: tuple(n for s in self.steps for n in self._names(s, s.odd[r])) for r in ROUTES}

    @cached_property
    def kinks(self) -> tuple[dict[str, Any], ...]:
        """The units within rounding of a kink: unit, distance, left and right slope, the one taken, the convention."""
        names = ("unit", "distance", "left", "right", "taken", "convention")
        return tuple({n: getattr(kink, n) for n in names} for step in self.steps for kink in kinks_of(step.routes))

    @cached_property
    def worst(self) -> float:
        """The largest of |difference|/allowed over everything that is right: below 1."""
        return max((_worst(step) for step in self.steps), default=0.0)

    @cached_property
    def count(self) -> int:
        """How many numbers were checked."""
        return sum(int(np.sum(~np.isnan(x))) for step in self.steps for x in step.checked.values())

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Every number checked, in the order of calculation."""
        return tuple(row for number, step in enumerate(self.steps) for row in self._rows(number, step))

    def _rows(self, number: int, step: Judged) -> Iterator[Row]:
        for key in step.checked:
            for place in np.ndindex(np.shape(step.checked[key])):
                row = self._row(number, step, key, place)
                if row is not None:
                    yield row

    def _row(self, number: int, step: Judged, key: str, place: tuple[int, ...]) -> Row | None:
        routes, claim = step.routes, step.claim
        x = float(np.asarray(step.checked[key])[place])
        theirs = key in claim.given
        if theirs and math.isnan(x):
            return None
        traced, symbolic, numeric = (_entry(routes.named(r).get(key), place) for r in ROUTES)
        printed = float(claim.printed[key][place]) if key in claim.printed else 0.0
        allowed = float(np.broadcast_to(step.allowed[key], np.shape(step.checked[key]))[place])
        others = [traced] * theirs + [symbolic, numeric]
        return Row(
            self._name(step, key, place),
            x if theirs else None,
            traced,
            symbolic,
            numeric,
            max((abs(x - other) for other in others if math.isfinite(other)), default=math.nan),
            max(allowed - printed, 0.0),
            0.0,
            printed,
            self._verdict(number, step, key, place),
            **self._asked_for(number, key, place),
        )

    def _asked_for(self, number: int, key: str, place: tuple[int, ...]) -> dict[str, Any]:
        """What was asked for beside the three routes: the ball and what it says, the textbook's quotient."""
        out: dict[str, Any] = {}
        if self._has_ball(number, key):
            proof = self.proofs[number]
            out = {"ball": proof.enclosed(key, place), "certificate": str(proof.verdicts[key][place])}
        if self.textbook:
            out["textbook"] = self.textbook[number].at(key, place)
        return out

    def _verdict(self, number: int, step: Judged, key: str, place: tuple[int, ...]) -> str:
        if key in step.wrong and step.wrong[key][place]:
            causes = self.causes[number]
            return "wrong" if key in causes and causes[key][place] else "inherits"
        odd = [route for route in ROUTES if key in step.odd[route] and step.odd[route][key][place]]
        if odd:
            return f"{' and '.join(odd)} disagrees"
        return "undecided" if key in step.undecided and step.undecided[key][place] else "agrees"

    @cached_property
    def vague(self) -> tuple[str, ...]:
        """The names of the numbers whose tolerance is not small beside them."""
        return tuple(name for step in self.steps for name in self._names(step, step.vague))

    def _names(self, step: Judged, masks: Mapping[str, Any]) -> Iterator[str]:
        for key, mask in masks.items():
            for place in np.argwhere(np.atleast_1d(mask)) if np.ndim(mask) else [()] if mask else []:
                yield self._name(step, key, tuple(int(i) for i in place))

    def _name(self, step: Judged, key: str, place: tuple[int, ...]) -> str:
        return step.routes.subject.text(key, place)

    def first(self, masks: Iterable[Mapping[str, Any]], most: int) -> list[Row]:
        """The first rows that masks point at, a mapping for each step."""
        at = (
            (number, step, key, tuple(int(i) for i in place))
            for number, (step, of_step) in enumerate(zip(self.steps, masks, strict=True))
            for key, mask in of_step.items()
            for place in (np.argwhere(mask) if np.ndim(mask) else [()])
        )
        return list(islice((row for row in (self._row(*where) for where in at) if row is not None), most))

    # --- for people ---

    def lines(self) -> list[str]:
        """The answer in words, the causes first."""
        return lines(self)

    def render(self, form: str = "table") -> str:
        """As table, markdown, csv or json."""
        return render(self, form)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        """On one line: what pytest prints for `assert verify(...).agrees, verify(...)`."""
        return f"<Verification: {'; '.join(line.strip() for line in self.lines())}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        forms = {"text/html": "html", "text/markdown": "markdown"}
        return {"text/plain": str(self)} | {mime: self.render(form) for mime, form in forms.items()}


def _entry(array: Any, place: tuple[int, ...]) -> float:
    """One number of a route, nan where the route has none."""
    return math.nan if array is None else float(np.asarray(array)[place])


def _undifferenced(step: Judged) -> dict[str, Any]:
    out = {}
    for key, x in step.checked.items():
        numeric = step.routes.numeric.get(key)
        silent = np.ones(np.shape(x), bool) if numeric is None else ~np.isfinite(numeric)
        mask = silent & ~np.isnan(x) & ~np.asarray(step.undecided.get(key, False))
        if mask.any():
            out[key] = mask
    return out


def _worst(step: Judged) -> float:
    worst = 0.0
    with np.errstate(all="ignore"):
        for key, x in step.checked.items():
            for route in ROUTES if key in step.claim.given else ROUTES[1:]:
                value = step.routes.named(route).get(key)
                if value is None:
                    continue
                off = np.abs(x - value)
                room = (
                    step.allowed[key]
                    if route != "differences"
                    else np.maximum(step.allowed[key], step.routes.moved[key])
                )
                share = np.where(off == 0, 0.0, off / room)
                right = np.isfinite(share) & ~step.wrong.get(key, np.zeros(np.shape(share), bool))
                worst = max(worst, float(np.max(share, initial=0.0, where=right)))
    return worst
