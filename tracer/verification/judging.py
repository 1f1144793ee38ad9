"""The three routes to every number of one step, compared: what is wrong, what cannot be decided, who disagrees.

Letters: traced, symbolic, numeric are the three routes; `given` is somebody else's number where there is one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tracer.verification.bounds import U32, U64, rounding, steps_and_truncation
from tracer.verification.case import Array, Arrays, Case
from tracer.verification.differences import each_weight, numeric_route
from tracer.verification.sharpening import sharpened
from tracer.verification.symbolic import symbolic_route
from tracer.verification.updates import bounded, cut_off, updated

__all__ = ["ROUTES", "Claim", "Judged", "Routes", "judge", "routes_of"]

ROUTES = ("traced", "symbolic", "differences")
FEW = 1000  # numbers that are cheaper to gather than to compare on their own
Key = tuple[str, int]


@dataclass(frozen=True)
class Claim:
    """Somebody else's arrays of one step: NaN where nothing is given, the half unit of the last digit printed."""

    given: Arrays = field(default_factory=dict)
    printed: Arrays = field(default_factory=dict)
    single: frozenset[Key] = frozenset()

    @property
    def asked(self) -> dict[Key, Array]:
        """Which entries are given."""
        return {key: ~np.isnan(array) for key, array in self.given.items()}


@dataclass(frozen=True)
class Routes:
    """The three routes and what rounding and truncation allow between them."""

    case: Case
    traced: Arrays
    symbolic: Arrays
    numeric: Arrays
    rounding: Arrays
    truncation: Arrays

    def named(self, route: str) -> Arrays:
        """The arrays of one route."""
        return {"traced": self.traced, "symbolic": self.symbolic, "differences": self.numeric}[route]

    def cut(self, key: Key) -> Array:
        """The truncation bound of one array."""
        return self.truncation.get(key, 0.0)

    def known_cut(self, key: Key) -> Array:
        """The same where there is a bound; without one the differences decide nothing, and the others are left."""
        cut = self.cut(key)
        if np.ndim(cut) == 0:
            return cut if math.isfinite(cut) else 0.0
        return cut if np.isfinite(cut).all() else np.where(np.isfinite(cut), cut, 0.0)


@dataclass(frozen=True)
class Judged:
    """One step judged: masks of what is wrong, what is undecided, and which route is odd, by array."""

    routes: Routes
    claim: Claim
    checked: Arrays
    allowed: Arrays
    wrong: Mapping[Key, Array]
    undecided: Mapping[Key, Array]
    odd: Mapping[str, Mapping[Key, Array]]
    sample: int = 0
    step: int = 1

    @property
    def faults(self) -> int:
        """How many numbers are wrong."""
        return sum(int(mask.sum()) for mask in self.wrong.values())


def routes_of(case: Case, traced: Arrays, *, assume_nothing: bool = False) -> Routes:
    """All three routes; `traced` holds the recorded arrays."""
    symbolic = symbolic_route(case)
    steps, truncation = steps_and_truncation(case, symbolic)
    numeric = numeric_route(case, steps)
    numeric |= sharpened(case, numeric)
    if assume_nothing:
        numeric |= {("dW", l): each_weight(case, l, steps[l]) for l in range(1, case.L + 1)}
    bounds, truncation = rounding(case, symbolic, U64), truncation | cut_off(case, symbolic, truncation)
    for l in range(case.L, 0, -1):
        updated(case, l, numeric, lambda key, array: numeric.setdefault(key, array))
    values, allowed = bounded(case, symbolic, bounds, U64, exact=True)
    return Routes(case, traced, symbolic | values, numeric, bounds | allowed, truncation)


def single_bounds(routes: Routes) -> Arrays:
    """What rounding allows to somebody who works in float32."""
    bounds = rounding(routes.case, routes.symbolic, U32)
    return bounds | bounded(routes.case, routes.symbolic, bounds, U32, exact=False)[1]


def judge(routes: Routes, claim: Claim, sample: int = 0, step: int = 1) -> Judged:
    """Compare: the routes with each other, and what is given with all of them."""
    odd: dict[str, dict[Key, Array]] = {route: {} for route in ROUTES}
    wrong: dict[Key, Array] = {}
    undecided: dict[Key, Array] = {}
    checked, allowed = {}, {}
    single = single_bounds(routes) if claim.single else {}
    with np.errstate(all="ignore"):
        keys = [key for key in routes.traced if key in routes.symbolic]
        settled = _settled(routes, keys)
        for key in keys:
            given = claim.given.get(key)
            sure = key in settled or _sure(routes, key)
            for route, mask in {} if sure else _odd_route(routes, key).items():
                if mask.any():
                    odd[route][key] = mask
            if claim.given and given is None:
                continue
            x = routes.traced[key] if given is None else given
            bound = single[key] if key in claim.single else routes.rounding[key]
            bound = bound + claim.printed[key] if key in claim.printed else bound
            checked[key], allowed[key] = x, bound + routes.known_cut(key)
            if sure and (given is None or (_bounded(bound) and _within(x, routes.traced[key], bound / 2))):
                continue
            refuted, decided = _refuted(routes, key, x, bound, odd, given is not None)
            if refuted.any():
                wrong[key] = refuted
            open_ = ~decided if given is None else ~decided & ~np.isnan(given)
            if open_.any():
                undecided[key] = open_
    return Judged(routes, claim, checked, allowed, wrong, undecided, odd, sample, step)


def _odd_route(routes: Routes, key: Key) -> dict[str, Array]:
    """Where one route disagrees with the two others (or, if all three differ, every route)."""
    T, S, N = routes.traced[key], routes.symbolic[key], routes.numeric[key]
    if not (np.shape(T) == np.shape(S) == np.shape(N)):
        return {"traced": np.ones(np.shape(S), bool)}
    bound, cut = routes.rounding[key], routes.cut(key)
    ts, tn, sn = np.abs(T - S) > bound, np.abs(T - N) > bound + cut, np.abs(S - N) > bound + cut
    if not (ts.any() or tn.any() or sn.any()):
        return {}
    return {"traced": (ts | tn) & (~sn | (ts & tn)), "symbolic": ts & sn, "differences": tn & sn & ~(ts & ~tn)}


def _settled(routes: Routes, keys: list[Key]) -> frozenset[Key]:
    """The small arrays, if all of them together are sure: one comparison in place of many."""
    small = [key for key in keys if np.size(routes.traced[key]) <= FEW]
    if any(np.shape(routes.traced[key]) != np.shape(routes.symbolic[key]) for key in small) or not small:
        return frozenset()
    T, S, N, bound = (
        np.concatenate([arrays[key] for key in small], axis=None)
        for arrays in (routes.traced, routes.symbolic, routes.numeric, routes.rounding)
    )
    return frozenset(small) if _all_sure(T, S, N, bound) else frozenset()


def _sure(routes: Routes, key: Key) -> bool:
    """Whether both other routes are within half the rounding bound of the traced one: nothing more need be asked."""
    T, S = routes.traced[key], routes.symbolic[key]
    return np.shape(T) == np.shape(S) and _all_sure(T, S, routes.numeric[key], routes.rounding[key])


def _all_sure(T: Array, S: Array, N: Array, bound: Array) -> bool:
    if not _bounded(bound):
        return False
    bound = bound / 2
    return _within(T, S, bound) and _within(T, N, bound)


def _bounded(bound: Array) -> bool:
    return not bound.size or bool(bound.max() < np.inf)


def _within(x: Array, y: Array, bound: Array) -> bool:
    """Whether all of x is within a finite bound of y; never where something is not a number."""
    return bool((np.abs(x - y) <= bound).all())


def _refuted(routes: Routes, key: Key, x: Any, bound: Array, odd: Any, theirs: bool) -> tuple[Array, Array]:
    """Where a number is refuted by a route that stands with another one; and where any route could decide."""
    shape = np.shape(routes.symbolic[key])
    ours = ROUTES if theirs else ROUTES[1:]
    refuted, decided = np.zeros(shape, bool), np.zeros(shape, bool)
    marked = [odd[route].get(key, refuted) for route in ROUTES]
    nobody = np.logical_and.reduce(marked)  # all three differ: none of them can be trusted more than another
    for route in ours:
        value, cut = routes.named(route)[key], routes.cut(key) if route == "differences" else 0.0
        off = np.abs(x - value)
        fit = np.isfinite(value) & np.isfinite(bound + cut)
        if key in odd[route]:
            fit = fit & ~(odd[route][key] & ~nobody)
        refuted |= fit & (off > bound + cut)
        if theirs:
            refuted |= fit & np.isinf(x)
        decided |= fit & np.isfinite(x)
    return refuted, decided | refuted
