"""The three routes to every number of one step, and what rounding allows between them.

(1) the step's own equations, as recorded; (2) each forward equation differentiated by sympy, entry by entry, composed
over the uses; (3) differences of the forward equations.  What a correct number may be off by comes from one mechanism:
the same equations over values with bounds, both as the step writes them and as route 2 composes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from derivations.equations import Role
from derivations.forms import Context
from tracer.verification.bounded import U32, U64, Bounded
from tracer.verification.contraction import array_of
from tracer.verification.correlated import Correlated, TooMany
from tracer.verification.gathered import Gathered
from tracer.verification.in_balls import Balls
from tracer.verification.moves import LOST, NEAR, NEARER
from tracer.verification.pieces import Entrywise, Run
from tracer.verification.subject import Floats, Subject
from tracer.verification.updates import bounded, updated

__all__ = ["ROUTES", "SLACK", "Decisions", "Routes", "routes_of", "single_rounding"]

ROUTES = ("traced", "symbolic", "differences")
MOST_IN_BALLS = 1_000_000
"""Operations of a step that are repeated in balls where floats do not decide."""
WIDE, BITS, NOTHING = 1e-3, 256, 1e-250
MOST_LONG, CANCELLED = 100_000, 1e-7
"""Operations of a step whose differences are worked in a longer format where numbers have lost so much."""
OWN = 64 * U64
"""What differences round themselves, where sympy has made a slope shorter than the value it is of."""
UNDERFLOW = {U64: (2.0**-960, 2.0**-1060), U32: (2.0**-110, 2.0**-135)}
"""Below which size products may have lost digits to underflow, and what a number may then be off by."""
BLUNT, BLUNT_AT_MOST = 1e7, 0.005
"""Units of rounding, and part of an array, above which its bounds are made tighter: a millionth should be seen."""
SLACK = 2.0
"""Two numbers are compared, each off by its own bound; terms of second order in u are far below."""

Arrays = dict[str, Floats]
Vectors = list[Floats]
Numbers = dict[str, tuple[Floats, Any]]
Decisions = Mapping[int, Mapping[int, Floats]]
"""Which side a test is on, by piece of the symbolic plan and test."""


@dataclass(frozen=True, eq=False)
class Routes:
    """The three routes by array; `rounding` is what a correct number may be off by, `moved` what differences may be.

    `decided` says which side each open test was taken to be on, `met` where tests stood open in the symbolic route.
    """

    subject: Subject
    traced: Mapping[str, Floats]
    symbolic: Mapping[str, Floats]
    numeric: Mapping[str, Floats]
    rounding: Mapping[str, Floats]
    moved: Mapping[str, Floats]
    decided: Decisions = field(default_factory=dict)
    met: Mapping[int, Context] = field(default_factory=dict)

    def named(self, route: str) -> Mapping[str, Floats]:
        """The arrays of one route."""
        return {"traced": self.traced, "symbolic": self.symbolic, "differences": self.numeric}[route]


def routes_of(subject: Subject, *, theirs: bool = False, assume_nothing: bool = False) -> Routes:
    """All three routes to the arrays that were recorded.

    theirs: somebody's numbers will be judged, who works the lines as the step writes them; of a step's own numbers
    these bounds are only worked where route 2's do not hold them.  Raises ArithmeticError where no plan can be made.
    """
    with np.errstate(all="ignore"):
        run, decided = _decided(subject)
        plain = _composed(subject, run)
        arrays, composed = _gathered(plain), _sharper(subject, run, plain)
        held = composed is plain and _held(subject, arrays, plain)
        written = _written(subject, run) if theirs or not held else {}
        if theirs:
            composed, written = _tighter(subject, run, composed, written)
        rooms = _rooms(arrays, composed, written)
        symbolic, rounding = _with_updates(subject, composed, arrays.split(rooms))
        wider = rounding
        if composed is not plain:
            rooms = _rooms(arrays, plain, written)
            _, wider = _with_updates(subject, composed, arrays.split(rooms))
        moved = _of_moves(arrays, symbolic, rooms, wider)
        numeric = _numeric(subject, arrays, symbolic, moved, assume_nothing)
        updated(subject, numeric, lambda name, array: numeric.setdefault(name, array_of(array)))
        return Routes(subject, subject.recorded, symbolic, numeric, rounding, moved, decided, run.met)


def _gathered(numbers: Numbers) -> Gathered:
    return Gathered({n: np.shape(v) for n, (v, _) in numbers.items()})


def _vectors(arrays: Gathered, numbers: Numbers) -> Iterator[tuple[Floats, Floats]]:
    """The values and bounds, group by group."""
    values, bounds = (arrays.of({n: x[k] for n, x in numbers.items()}) for k in (0, 1))
    return zip(values, bounds, strict=True)


def _held(subject: Subject, arrays: Gathered, composed: Numbers) -> bool:
    """Whether every number that was recorded is within route 2's own bound."""
    both = zip(arrays.of(subject.recorded), _vectors(arrays, composed), strict=True)
    return all(bool((np.abs(r - v) <= SLACK * e).all()) for r, (v, e) in both)


def _of_moves(arrays: Gathered, symbolic: Arrays, rooms: Vectors, rounding: Arrays) -> Arrays:
    """What differences may be off by: what rounding allows, and their own; `rooms` are that of the gathered arrays."""

    def of(v: Any, e: Any) -> Any:
        return e + OWN * np.abs(v) + LOST

    out = arrays.split([of(v, e) for v, e in zip(arrays.of(symbolic), rooms, strict=True)])
    return out | {n: of(symbolic[n], e) for n, e in rounding.items() if n not in out}


def _with_updates(subject: Subject, composed: Numbers, room: Arrays) -> tuple[Arrays, Arrays]:
    """The values of route 2 and what they may be off by, the update among them."""
    gradients = {n: (v, room[n]) for n, (v, _) in composed.items() if subject.arrays[n].role is Role.GRADIENT}
    update = bounded(subject, gradients, U64, exact=True)
    values = {n: v for n, (v, _) in {**composed, **update}.items()}
    return values, room | {n: e for n, (_, e) in update.items()}


def flipped(routes: Routes, decided: Decisions) -> Routes:
    """The routes with open tests on their other side, of which neither what was recorded nor moves can tell."""
    subject = routes.subject
    with np.errstate(all="ignore"):
        run = _run(subject, _floats(subject), decided)
        composed = _sharper(subject, run, _composed(subject, run))
        arrays = _gathered(composed)
        symbolic, rounding = _with_updates(subject, composed, arrays.split(_rooms(arrays, composed, {})))
    same = {n: array_of(v) == routes.symbolic[n] for n, v in symbolic.items()}
    rounding = {n: np.where(same[n], np.maximum(e, routes.rounding[n]), e) for n, e in rounding.items()}
    numeric = {n: np.where(same[n], routes.numeric[n], np.nan) for n in symbolic if n in routes.numeric}
    traced = {n: np.where(same[n], routes.traced[n], v) for n, v in symbolic.items() if n in routes.traced}
    return replace(
        routes,
        traced=traced,
        symbolic=symbolic,
        numeric=numeric,
        rounding=rounding,
        moved={**routes.moved, **{n: np.maximum(e, routes.moved.get(n, e)) for n, e in rounding.items()}},
        decided=decided,
    )


def single_rounding(routes: Routes) -> Arrays:
    """What rounding allows to somebody who works in float32."""
    subject = routes.subject
    with np.errstate(all="ignore"):
        run = _run(subject, _floats(subject, U32), routes.decided)
        composed, written = _tighter(subject, run, _composed(subject, run), _written(subject, run))
        arrays = _gathered(composed)
        out = arrays.split(_rooms(arrays, composed, written, U32))
        gradients = {n: (routes.symbolic[n], out[n]) for n in composed if subject.arrays[n].role is Role.GRADIENT}
        return out | {n: e for n, (_, e) in bounded(subject, gradients, U32, exact=False).items()}


def _rooms(arrays: Gathered, composed: Numbers, written: Numbers, u: float = U64) -> Vectors:
    """Twice the larger bound, as both routes may be off by theirs; infinite where one of them is not known.

    Of a number that has lost digits to underflow at least some of the smallest floats.
    """
    both = dict(composed)
    for n, (w, f) in written.items():
        if n in both:
            v, e = both[n]
            both[n] = np.where(v == 0, w, v), np.maximum(e, f)
    rooms = [np.maximum(SLACK * e, _underflowed(np.abs(v), u)) for v, e in _vectors(arrays, both)]
    return [np.where(np.isnan(e), np.inf, e) if np.isnan(np.sum(e)) else e for e in rooms]


# --- route 2 ---


def _floats(subject: Subject, u: float = U64) -> Bounded:
    """The arithmetic of route 2, whose arrays are made like those of the step."""
    return Bounded(u, next(iter(subject.given.values()), None))


def _run(subject: Subject, m: Bounded, decided: Decisions) -> Run:
    """The symbolic plan worked forward and back."""
    plans = subject.plans
    plan = plans.symbolic
    run = Run(m, {name: m.given(subject.given[name]) for name in plans.given}, decided)
    plan.forward(run)
    plan.back(run, plans.objective, plans.wanted)
    return run


def _decided(subject: Subject) -> tuple[Run, Decisions]:
    """The run in which open tests are on the side on which the recorded numbers are."""
    run = _run(subject, _floats(subject), {})
    decided: dict[int, dict[int, Floats]] = {}
    for piece in subject.plans.symbolic.pieces:
        context = run.met.get(piece.k)
        if context is None or not context.open:
            continue
        own = _recorded_decisions(subject, piece) if isinstance(piece, Entrywise) else {}
        for k, near in context.open.items():
            taken = context.taken[k]
            side = np.where(near, own[k], taken) if k in own and np.shape(own[k]) == np.shape(taken) else taken
            if (side != taken).any():
                decided.setdefault(piece.k, {})[k] = side
    return (_run(subject, _floats(subject), decided), decided) if decided else (run, {})


def _recorded_decisions(subject: Subject, piece: Entrywise) -> Mapping[int, Floats]:
    """On which side the tests of a form are for the recorded numbers; nothing where it reads others."""
    m = _floats(subject)
    known = {**subject.given, **subject.recorded, **subject.plans.symbolic.constants}
    if any(r.name not in known for r in piece.reads):
        return {}
    context = Context()
    piece.form.run(m, piece.leaves(Run(m, {}), {r.name: (known[r.name], 0.0) for r in piece.reads}), context)
    return context.taken


def _composed(subject: Subject, run: Run) -> Numbers:
    """What route 2 says of every array that is recorded, with bounds."""
    out: Numbers = {}
    plan, objective, m = subject.plans.symbolic, subject.plans.objective, run.m
    for name, array in subject.arrays.items():
        if name not in subject.recorded:
            continue
        if array.role in (Role.VALUE, Role.OBJECTIVE):
            out[name] = m.floats(run.s[name])
        elif array.role in (Role.SIGNAL, Role.GRADIENT):
            known = array.of in run.g or array.of == objective
            value = run.g[array.of] if known else m.blank(plan.shapes[array.of])
            out[name] = _scaled(_part(subject, name, m.floats(value)), subject.plans.scale(name))
        elif array.role is Role.LOCAL:
            found = plan.local(run, subject.plans.bending(array.of), array.of, len(array.extents))
            out |= {} if found is None else {name: _part(subject, name, m.floats(found))}
    return out


def _sharper(subject: Subject, run: Run, composed: Numbers) -> Numbers:
    """The same in balls, where bounds are not small beside the numbers: in a long product they lose what cancels.

    Left as they are where that would take too many operations.
    """
    if subject.plans.symbolic.products > MOST_IN_BALLS or not _is_wide(composed, WIDE):
        return composed
    from flint import ctx

    plan, taken = subject.plans.symbolic, dict(run.forced)
    for k, context in run.met.items():
        taken[k] = {**context.taken, **run.forced.get(k, {})}
    with ctx.workprec(BITS):
        m = Balls()
        exact = Run(m, {n: m.given(subject.given[n]) for n in subject.plans.given}, taken)
        plan.forward(exact)
        plan.back(exact, subject.plans.objective, subject.plans.wanted)
        found = _composed(subject, exact)
    return {n: found[n] if np.all(_known(found[n]) <= _known(x)) else x for n, x in composed.items()}


def _known(x: tuple[Floats, Any]) -> Floats:
    """How far a number may be off, at least by what a float cannot hold; infinite where that is not known."""
    v, e = x
    out = np.maximum(e, U64 * np.abs(v))
    return np.where(np.isnan(out), np.inf, out)


def _is_wide(numbers: Numbers, share: float) -> bool:
    """Whether the bound of some array is more than this part of the largest number of it."""
    arrays = _gathered(numbers)
    both = zip(arrays.groups, _vectors(arrays, numbers), strict=True)
    most = ([arrays.largest_of(group, x) for x in (np.abs(v), e)] for group, (v, e) in both)
    return not all(bool((e <= share * v + NOTHING).all()) for v, e in most)


def _scaled(x: tuple[Floats, Any], times: int) -> tuple[Floats, Any]:
    v, e = x
    return (v, e) if times == 1 else (v * times, e * times + 2 * U64 * np.abs(v) * times)


def _part(subject: Subject, name: str, whole: tuple[Floats, Any]) -> tuple[Floats, Any]:
    """Of an array what another one covers: dh begins at 1 where h has h[0]."""
    of, own = subject.arrays[subject.arrays[name].of].extents, subject.arrays[name].extents
    if of == own or len(of) != len(own):
        return whole
    at = tuple(slice(a - low, b - low + 1) for (low, _), (a, b) in zip(of, own, strict=True))
    v, e = whole
    return v[at], e if type(e) is float else e[at]


def _written(subject: Subject, run: Run) -> Numbers:
    """The lines as the step writes them, worked from the forward values of route 2."""
    forward = {n: x for n, x in run.s.items() if not n.startswith("°")}
    fine = all(np.isfinite(np.sum(run.m.floats(x)[1])) for x in forward.values())
    plan = subject.plans.written if fine else subject.plans.written_whole
    other = Run(run.m, (forward if fine else {}) | _more(subject, run.m))
    plan.forward(other)
    return {name: run.m.floats(other.s[name]) for name in {*subject.recorded} & {*other.s}}


def _underflowed(size: Any, u: float) -> Any:
    """What the smallest floats may have lost: a factor that became 0 may have been multiplied since."""
    small, lost = UNDERFLOW[u]
    return np.where(size < small, np.minimum(size * 2.0**20, lost), 0.0)  # 0 is exact


def _tighter(subject: Subject, run: Run, composed: Numbers, written: Numbers) -> tuple[Numbers, Numbers]:
    """The bounds where errors are known by where they come from, if some are far above what one rounding is."""
    blunt = min(BLUNT * run.m.u, BLUNT_AT_MOST)
    if not (_is_wide(composed, blunt) or _is_wide(written, blunt)):
        return composed, written
    m = Correlated(run.m.u)
    again = Run(m, {n: m.given(subject.given[n]) for n in subject.plans.given}, run.forced)
    try:
        subject.plans.symbolic.forward(again)
        subject.plans.symbolic.back(again, subject.plans.objective, subject.plans.wanted)
        return _least(composed, _composed(subject, again)), _least(written, _written(subject, again))
    except TooMany:
        return composed, written


def _least(numbers: Numbers, other: Numbers) -> Numbers:
    """The smaller of two bounds of each number; of one that is not known the other."""
    return {n: (v, np.fmin(e, other[n][1]) if n in other else e) for n, (v, e) in numbers.items()}


def _more(subject: Subject, m: Any) -> dict[str, Any]:
    """What only backward lines read: signals from outside."""
    return {n: m.given(v) for n, v in subject.given.items() if n in subject.plans.step.arrays}


# --- route 3 ---


def _numeric(subject: Subject, arrays: Gathered, composed: Arrays, room: Arrays, assume_nothing: bool) -> Arrays:
    """What differences say of every array that is recorded.

    Of a number that a step of one size puts elsewhere than route 2, one of another size is asked too: where the two
    disagree, a step is too large or its difference too small for floats, and they say nothing.  Where both agree, a
    longer format is asked: what is below the smallest floats is lost to each of them.
    """
    out = _differences(subject, NEAR, assume_nothing)
    apart = _apart(out, arrays, composed, room)
    if apart and _cancelled(subject, out, room):
        out = _differences(subject, NEAR, assume_nothing, np.longdouble)
        apart = _apart(out, arrays, composed, room)
    for near, dtype in ((NEARER, np.float64), (NEAR, np.longdouble)):
        if not apart:
            break
        other = _differences(subject, near, assume_nothing, dtype)
        for name, mask in apart.items():
            same = np.abs(other[name] - out[name]) <= room[name]
            fits = np.abs(other[name] - composed[name]) <= room[name]
            out[name] = np.where(mask & fits, other[name], np.where(mask & ~same, np.nan, out[name]))
        left = {n: m & (np.abs(out[n] - composed[n]) > room[n]) for n, m in apart.items()}  # not what is not known
        apart = {n: m for n, m in left.items() if m.any()}
    return out


def _apart(found: Arrays, arrays: Gathered, composed: Arrays, room: Arrays) -> dict[str, np.ndarray[Any, Any]]:
    """Which entries of which arrays are not what route 2 says."""
    if all(n in found for n in arrays.shapes):
        every = zip(arrays.of(found), arrays.of(composed), arrays.of(room), strict=True)
        if all(bool((np.abs(x - v) <= e).all()) for x, v, e in every):
            return {}
    masks = {n: ~(np.abs(found[n] - composed[n]) <= room[n]) for n in arrays.shapes if n in found}
    return {n: mask for n, mask in masks.items() if mask.any()}


def _cancelled(subject: Subject, found: Arrays, room: Mapping[str, Floats]) -> bool:
    """Whether little is left of some signal or gradient where it is a difference of large numbers; of small steps."""
    if subject.plans.symbolic.products > MOST_LONG:
        return False
    asked = (n for n in found if subject.arrays[n].role in (Role.SIGNAL, Role.GRADIENT))
    return any(bool(((found[n] != 0) & (room[n] > CANCELLED * np.abs(found[n]))).any()) for n in asked)


def _differences(
    subject: Subject, near: float, assume_nothing: bool, dtype: type[np.floating[Any]] = np.float64
) -> Arrays:
    plans = subject.plans
    given = {n: subject.given[n] for n in plans.given}
    moves = plans.differences.moves(given, near, assume_nothing=assume_nothing, dtype=dtype)
    slopes = plans.differences.slopes(moves, plans.wanted)
    out: Arrays = {}
    for name, array in subject.arrays.items():
        if name not in subject.recorded:
            continue
        if array.role in (Role.VALUE, Role.OBJECTIVE):
            out[name] = array_of(moves.s[name].v)
        elif array.role in (Role.SIGNAL, Role.GRADIENT):
            whole = np.ones((), like=moves.like) if array.of == plans.objective else slopes[array.of]
            out[name] = _part(subject, name, (whole, 0.0))[0] * plans.scale(name)
        elif array.role is Role.LOCAL:
            found = moves.local(plans.bending(array.of).values(), array.of, len(array.extents))
            out |= {} if found is None else {name: _part(subject, name, (found, 0.0))[0]}
    return {name: array_of(array) for name, array in out.items()}
