"""The three routes to every number of one step, compared: what is wrong, what cannot be decided, who disagrees.

A number is right where it is within what rounding allows of the routes that stand together.  Where that is not small
beside the number (nor beside the largest of its array), nothing is said of it: a tolerance wider than the number agrees
to everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derivations.equations import Role
from tracer.verification.certificates import zeros
from tracer.verification.gathered import Gathered
from tracer.verification.routes import ROUTES, Routes, single_rounding
from tracer.verification.subject import Floats, Subject

__all__ = ["Claim", "Judged", "judge"]

SMALL = 0.01
"""A tolerance is small that is no more than this part of the number, or of the largest of its array."""
Masks = dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """Somebody else's arrays of one step: NaN where nothing is given, the half unit of the last digit printed."""

    given: Mapping[str, Floats] = field(default_factory=dict)
    printed: Mapping[str, Floats] = field(default_factory=dict)
    single: frozenset[str] = frozenset()

    @property
    def asked(self) -> dict[str, Floats]:
        """Which entries are given."""
        return {name: ~np.isnan(array) for name, array in self.given.items()}


@dataclass(frozen=True)
class Judged:
    """One step judged: masks of what is wrong, what is undecided, and which route is odd, by array.

    `vague` are those undecided numbers whose tolerance is not small beside them.
    """

    routes: Routes
    claim: Claim
    checked: Mapping[str, Floats]
    allowed: Mapping[str, Floats]
    wrong: Mapping[str, Any]
    undecided: Mapping[str, Any]
    odd: Mapping[str, Mapping[str, Any]]
    vague: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sample(self) -> int:
        """The sample whose own network it is, 0 for none."""
        return self.routes.subject.sample

    @property
    def step(self) -> int:
        """Which step it is, from 1."""
        return self.routes.subject.count

    @property
    def faults(self) -> int:
        """How many numbers are wrong."""
        return sum(int(np.sum(mask)) for mask in self.wrong.values())


def judge(routes: Routes, claim: Claim) -> Judged:
    """Compare: the routes with each other, and what is given with all of them."""
    return _Judge(routes, claim).judged()


class _Judge:
    def __init__(self, routes: Routes, claim: Claim) -> None:
        self.routes, self.claim = routes, claim
        self.odd: dict[str, Masks] = {route: {} for route in ROUTES}
        self.wrong, self.undecided, self.vague = Masks(), Masks(), Masks()
        self.checked: dict[str, Floats] = {}
        self.allowed: dict[str, Floats] = {}

    def judged(self) -> Judged:
        with np.errstate(all="ignore"):
            single = single_rounding(self.routes) if self.claim.single else {}
            names = [name for name in self.routes.traced if name in self.routes.symbolic]
            settled = self._settled(names)
            for name in names:
                self._array(name, single, name in settled)
        both = self.routes, self.claim
        return Judged(*both, self.checked, self.allowed, self.wrong, self.undecided, self.odd, self.vague)

    def _settled(self, names: list[str]) -> frozenset[str]:
        """The arrays that are sure, their tolerances small: most of them are, which is seen for all in one go."""
        routes = self.routes
        T, S, N = (routes.named(route) for route in ROUTES)
        arrays = Gathered({n: np.shape(S[n]) for n in names if n in N and np.shape(T[n]) == np.shape(S[n])})
        beside = arrays.of({n: self._beside(n) for n in arrays.shapes})
        vectors = zip(arrays.groups, *(arrays.of(x) for x in (T, S, N, routes.rounding)), beside, strict=True)
        out = set[str]()
        for group, t, s, n, bound, size in vectors:
            if _all_sure(t, s, n, bound):
                small = _all_small(*(arrays.largest_of(group, x) for x in (np.abs(size), bound)))
                if small.all():
                    out |= {*group}
                elif len(group) > 1:
                    out |= {name for k, name in enumerate(group) if small[k]}
        return frozenset(out)

    def _array(self, name: str, single: Mapping[str, Floats], settled: bool) -> None:
        routes, claim = self.routes, self.claim
        given = claim.given.get(name)
        sure = settled or _sure(routes, name)
        for route, mask in {} if sure else _odd_route(routes, name).items():
            if mask.any():
                self.odd[route][name] = mask
        if claim.given and given is None:
            return
        x = routes.traced[name] if given is None else given
        bound = single[name] if name in claim.single else routes.rounding[name]
        bound = bound + claim.printed[name] if name in claim.printed else bound
        self.checked[name], self.allowed[name] = x, bound
        if settled and given is None:
            return
        small = _small(x, self._beside(name), bound)
        if sure and small is True and (given is None or _within(x, routes.traced[name], bound * 0.5)):
            return
        refuted, decided = _refuted(routes, name, x, bound, self.odd, given is not None)
        vague = ~refuted & decided & ~np.broadcast_to(small, np.shape(x)) & ~np.isnan(x)
        if vague.any() and (nothing := _zeros(routes.subject, name, bound)) is not None:
            vague &= ~nothing
        open_ = (~decided if given is None else ~decided & ~np.isnan(given)) | vague
        for masks, mask in ((self.wrong, refuted), (self.undecided, open_), (self.vague, vague)):
            if np.any(mask):
                masks[name] = mask

    def _beside(self, name: str) -> Floats:
        """What a tolerance is set against: the number itself; of a new parameter also the one that it was."""
        array, ours = self.routes.subject.arrays[name], self.routes.symbolic[name]
        return (
            np.maximum(np.abs(ours), np.abs(self.routes.subject.given[array.of]))
            if array.role is Role.UPDATED
            else ours
        )


def _zeros(subject: Subject, name: str, allowed: Floats) -> Floats | None:
    """Where the true number is 0; an optimizer's state is where its gradient is, if nothing else moves it."""
    array, training = subject.arrays[name], subject.problem.training
    remembered = (n for n, a in subject.arrays.items() if a.role is Role.BEFORE and subject.arrays[a.of].of == array.of)
    decays = training is not None and training.weight_decay is not None and training.optimizer != "adamw"
    alone = not decays and not any(np.any(subject.given[n]) for n in remembered)
    if array.role is Role.STATE and alone:
        return zeros(subject, f"d{array.of}", allowed)
    if array.role is Role.UPDATED and alone and (found := zeros(subject, f"d{array.of}", allowed)) is not None:
        return np.asarray(found & (subject.given[array.of] == 0))
    return zeros(subject, name, allowed)


def _all_small(top: Any, widest: Any) -> Any:
    """Whether the widest tolerance of an array is small beside its largest number."""
    return np.isfinite(top) & (widest <= SMALL * top)


def _small(x: Floats, ours: Floats, bound: Floats) -> Any:
    """Where a tolerance is small beside the number or its array; True for all of it."""
    top = np.max(np.abs(ours), initial=0.0)
    if _all_small(top, np.max(bound, initial=0.0)):
        return True
    own = np.maximum(np.abs(ours), np.where(np.isfinite(x), np.abs(x), 0.0))
    return bound <= SMALL * np.maximum(own, top)


def _odd_route(routes: Routes, name: str) -> dict[str, Any]:
    """Where one route disagrees with the two others (or, if all three differ, every route)."""
    T, S, N = (routes.named(route).get(name) for route in ROUTES)
    if T is None or S is None:
        return {}
    if np.shape(T) != np.shape(S):
        return {"traced": np.ones(np.shape(S), bool)}
    bound, moved = routes.rounding[name], routes.moved[name]
    ts = np.abs(T - S) > bound
    if N is None:
        return {"traced": ts}
    tn, sn = np.abs(T - N) > moved, np.abs(S - N) > moved
    if not (ts.any() or tn.any() or sn.any()):
        return {}
    return {"traced": (ts | tn) & (~sn | (ts & tn)), "symbolic": ts & sn, "differences": tn & sn & ~(ts & ~tn)}


def _sure(routes: Routes, name: str) -> bool:
    """Whether both other routes are within half the rounding bound of the traced one: nothing more need be asked."""
    T, S, N = (routes.named(route).get(name) for route in ROUTES)
    if T is None or S is None or N is None or np.shape(T) != np.shape(S):
        return False
    return _all_sure(T, S, N, routes.rounding[name])


def _all_sure(T: Any, S: Any, N: Any, bound: Floats) -> bool:
    if bound.size and not bound.max() < np.inf:
        return False
    return _within(T, S, bound * 0.5) and _within(T, N, bound * 0.5)


def _within(x: Floats, y: Floats, bound: Floats) -> bool:
    """Whether all of x is within a finite bound of y; never where something is not a number."""
    return bool((np.abs(x - y) <= bound).all())


def _refuted(
    routes: Routes, name: str, x: Floats, bound: Floats, odd: Mapping[str, Masks], theirs: bool
) -> tuple[Floats, Floats]:
    """Where a number is refuted by a route that stands with another one; and where any route could decide."""
    shape = np.shape(routes.symbolic[name])
    refuted = decided = np.zeros(shape, bool)
    T, S, N = (odd[route].get(name, False) for route in ROUTES)
    nobody = T & S & N  # all three differ
    for route in ROUTES if theirs else ROUTES[1:]:
        value = routes.named(route).get(name)
        if value is None:
            continue
        room = bound if route != "differences" else np.maximum(bound, routes.moved[name])
        fit = np.isfinite(value) & np.isfinite(room)
        if name in odd[route]:
            fit = fit & ~(odd[route][name] & ~nobody)
        refuted = refuted | (fit & (np.abs(x - value) > room))
        if theirs:
            refuted = refuted | (fit & np.isinf(x))
        decided = decided | (fit & np.isfinite(x))
    return refuted, decided | refuted
