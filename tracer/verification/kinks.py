"""Where a step stands at a kink: either side's slope is right, and it is said which was taken.

A unit whose pre-activation is within rounding of the kink may lie on either side in another order of summation (0.1 +
0.2 - 0.3 is 5.6e-17); so may the test of a choice, and of two numbers that are equal either may be the largest. If
what is given does not fit, the other sides are tried: all combinations of a few, and of many those that come nearest,
for every number is a sum of what the sides bring.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivations.expression import Call
from derivations.forms import Context
from derivations.function import entry
from tracer.verification.bounded import U64, Bounded
from tracer.verification.judging import Judged, judge
from tracer.verification.pieces import Entrywise, Extreme, Piece, Run
from tracer.verification.routes import Decisions, Routes, flipped
from tracer.verification.subject import Floats, Place, Subject

__all__ = ["Kink", "kinks_of", "refitted"]

MOST_ENTRIES = 2000
"""Entries at a kink that are told and tried."""
MOST_EQUAL = 6
"""Entries of one largest that are equal, of which all subsets are tried: another rounding takes some of them."""
MOST_TRIED = 1 << 16
"""Combinations of sides that are compared in one go."""


@dataclass(frozen=True)
class Kink:
    """An entry at its kink: which unit, how far from it, the slopes on both sides, the one that was taken."""

    unit: str
    distance: float
    left: float
    right: float
    taken: float
    convention: str


@dataclass(frozen=True)
class _Open:
    """A test that is open at one place of a piece, and what else it may be: a side, or weights of a largest."""

    piece: Piece
    test: int
    place: Place
    others: tuple[Any, ...]


# --- told ---


def kinks_of(routes: Routes) -> list[Kink]:
    """The entries that stand at a kink with a jump in slope."""
    out = list[Kink]()
    for piece, context in _met(routes):
        if isinstance(piece, Entrywise):
            out += _bends(routes, piece, context)
        elif isinstance(piece, Extreme) and 0 in context.open:
            out += _ties(routes, piece, context)
        if len(out) >= MOST_ENTRIES:
            break
    return out


def _met(routes: Routes) -> Iterator[tuple[Piece, Context]]:
    for piece in routes.subject.plans.symbolic.pieces:
        context = routes.met.get(piece.k)
        if context is not None and context.open:
            yield piece, context


def _bends(routes: Routes, piece: Entrywise, context: Context) -> Iterator[Kink]:
    subject = routes.subject
    for k, near in context.open.items():
        sides = [_slopes(routes, piece, k, near, side) for side in (False, True)]
        near = np.broadcast_to(near & _stands_open(routes, piece, k), piece.shape)
        taken = np.broadcast_to(routes.decided.get(piece.k, {}).get(k, context.taken.get(k, False)), piece.shape)
        for place in map(tuple, np.argwhere(near)):
            pairs = ((r, float(a[place]), float(b[place])) for r, (a, b) in enumerate(zip(*sides, strict=True)))
            jump = next((pair for pair in pairs if pair[1] != pair[2]), None)
            if jump is not None:
                read, left, right = jump
                unit, distance = _unit(subject, piece, read, place)
                if math.isnan(distance):
                    continue  # it stands nowhere
                yield Kink(unit, distance, left, right, right if taken[place] else left, _convention(subject, piece))


def _stands_open(routes: Routes, piece: Entrywise, k: int) -> Any:
    """Where a test is open for the numbers that are told: what overflowed on the way may be far from its kink."""
    known, context = _known(routes), Context()
    if any(r.name not in known for r in piece.reads):
        return True
    numbers = {r.name: (known[r.name], routes.rounding.get(r.name, 0.0)) for r in piece.reads}
    with np.errstate(all="ignore"):
        piece.form.run(Bounded(U64), piece.leaves(Run(Bounded(U64), {}), numbers), context)
    return context.open.get(k, False)


def _slopes(routes: Routes, piece: Entrywise, k: int, near: Floats, side: bool) -> list[Floats]:
    """The slopes of a form in what it reads, with an open test on one side."""
    m = Bounded(U64)
    known = _known(routes)
    forced = dict(routes.decided.get(piece.k, {}))
    forced[k] = np.where(near, side, routes.met[piece.k].taken.get(k, forced.get(k, False)))
    numbers = {r.name: (known[r.name], 0.0) for r in piece.reads if r.name in known}
    if len(numbers) < len({r.name for r in piece.reads}):
        return []
    with np.errstate(all="ignore"):
        _, slopes = piece.form.run(m, piece.leaves(Run(m, {}), numbers), Context(forced))
    return [np.zeros(piece.shape) if s is None else m.full(s, piece.shape)[0] for s in slopes]


def _known(routes: Routes) -> Mapping[str, Floats]:
    return {**routes.subject.given, **routes.symbolic, **routes.subject.plans.symbolic.constants}


def _unit(subject: Subject, piece: Entrywise, read: int, place: Place) -> tuple[str, float]:
    """What stands at its kink and its value: the argument of a function, else the entry itself."""
    known = {**subject.given, **subject.recorded}
    own = [r for r in piece.reads if r.name in known]
    name = piece.left.name
    if len(own) == 1 and own[0].name in subject.recorded:
        where = _place_of(own[0], piece, place, known[own[0].name])
        return subject.text(own[0].name, where), float(known[own[0].name][where])
    if name in subject.recorded:
        where = _place_of(piece.left, piece, place, subject.recorded[name])
        return subject.text(name, where), 0.0
    return _line(subject, piece), 0.0


def _place_of(read: Any, piece: Piece, place: Place, array: Floats) -> Place:
    own = tuple(place[k] for k, l in enumerate(piece.box) if l in read.letters)
    return tuple(int(i) for i in np.unravel_index(int(np.asarray(read.places())[own]), array.shape))


def _line(subject: Subject, piece: Piece) -> str:
    """The array whose line a piece belongs to."""
    plan = subject.plans.symbolic
    return next(subject.plans.forward[k].left.name for k, own in plan.of_equation.items() if piece in own)


def _convention(subject: Subject, piece: Piece) -> str:
    """What the entry of the function says of its kink."""
    plan = subject.plans.symbolic
    lines = [subject.plans.forward[k] for k, own in plan.of_equation.items() if piece in own]
    right = lines[0].right
    told = entry(right.function).at_kink if isinstance(right, Call) else ""
    return told or "the side that the test takes"


def _ties(routes: Routes, piece: Extreme, context: Context) -> Iterator[Kink]:
    """Of several that are equal each counts: 1 to each where 0 or 1 would be right."""
    subject = routes.subject
    for row in map(tuple, np.argwhere(context.open[0].sum(axis=-1) > 1)):
        name = piece.left.name
        where = _place_of(piece.left, piece, row, subject.recorded[name]) if name in subject.recorded else ()
        unit = subject.text(name, where) if name in subject.recorded else _line(subject, piece)
        yield Kink(unit, 0.0, 0.0, 1.0, 1.0, "each of several that are equal counts")


# --- tried ---


def refitted(judged: Judged) -> Judged:
    """The same claim where open tests may be on their other side: the sides that leave the fewest faults."""
    open_ = list(itertools.islice(_open(judged.routes), MOST_ENTRIES))
    if not open_:
        return judged
    best = judged
    for choice in _choices(judged, open_):
        trial = judge(flipped(judged.routes, _forced(judged.routes, open_, choice)), judged.claim)
        if trial.faults < best.faults:
            best = trial
        if not best.faults:
            break
    return best


def _open(routes: Routes) -> Iterator[_Open]:
    for piece, context in _met(routes):
        for k, near in context.open.items():
            if isinstance(piece, Extreme):
                for row in map(tuple, np.argwhere(near.sum(axis=-1) > 1)):
                    yield _Open(piece, k, row, tuple(_shares(near[row])))
            else:
                taken = np.broadcast_to(_taken(routes, piece, k), piece.shape)
                for place in map(tuple, np.argwhere(np.broadcast_to(near, piece.shape))):
                    yield _Open(piece, k, place, (not taken[place],))


def _shares(near: Floats) -> Iterator[Floats]:
    """One of the equal ones alone, each in turn; or all in equal parts; or each of those equal in another rounding."""
    equal = np.flatnonzero(near)
    yield from (np.arange(near.size) == place for place in equal)
    yield near / near.sum()
    yield near.astype(float)
    for count in range(2, len(equal)) if len(equal) <= MOST_EQUAL else ():
        for some in itertools.combinations(equal, count):
            yield np.isin(np.arange(near.size), some).astype(float)


def _taken(routes: Routes, piece: Piece, k: int) -> Any:
    own = routes.decided.get(piece.k, {})
    return own[k] if k in own else routes.met[piece.k].taken[k]


def _forced(routes: Routes, open_: Sequence[_Open], choice: Sequence[int]) -> Decisions:
    """Decisions for a choice: 0 for what was taken, k for the k-th other side."""
    out: dict[int, dict[int, Floats]] = {p: dict(own) for p, own in routes.decided.items()}
    for one, k in zip(open_, choice, strict=True):
        if not k:
            continue
        own = out.setdefault(one.piece.k, {})
        if one.test not in own or not own[one.test].flags.writeable:
            taken = _taken(routes, one.piece, one.test)
            shape = np.shape(taken) if isinstance(one.piece, Extreme) else one.piece.shape
            own[one.test] = np.array(np.broadcast_to(taken, shape), float if isinstance(one.piece, Extreme) else bool)
        own[one.test][one.place] = one.others[k - 1]
    return out


def _choices(judged: Judged, open_: Sequence[_Open]) -> Iterator[tuple[int, ...]]:
    """Sides to try, the likeliest first: what each brings is added up, as far as sides do not meet on one path."""
    yield tuple(1 for _ in open_)
    start = _residual(judged, judged.routes)
    moves: list[list[Floats]] = [[] for _ in open_]
    for n in _moving(judged, open_, range(len(open_)), start):
        sides = range(1, len(open_[n].others) + 1)
        moves[n] = [start - _with_sides(judged, open_, {n: k}) for k in sides]
    if math.prod(len(own) + 1 for own in moves) <= MOST_TRIED:
        yield from _combinations(start, moves)
    else:
        yield _one_by_one(start, moves)


def _moving(judged: Judged, open_: Sequence[_Open], some: Sequence[int], start: Floats) -> Iterator[int]:
    """Those that move what is given: of many that do not, such as ties of units that are off, all are seen at once."""
    most = max(len(open_[n].others) for n in some)
    sides = ({n: k for n in some if k <= len(open_[n].others)} for k in range(1, most + 1))
    if all(np.array_equal(_with_sides(judged, open_, side), start) for side in sides):
        return
    if len(some) == 1:
        yield from some
        return
    half = len(some) // 2
    yield from _moving(judged, open_, some[:half], start)
    yield from _moving(judged, open_, some[half:], start)


def _with_sides(judged: Judged, open_: Sequence[_Open], sides: Mapping[int, int]) -> Floats:
    """What is left with some of the open tests on other sides."""
    choice = [sides.get(n, 0) for n in range(len(open_))]
    return _residual(judged, flipped(judged.routes, _forced(judged.routes, open_, choice)))


def _residual(judged: Judged, routes: Routes) -> Floats:
    """What is given less ours, in units of what is allowed; only where something is given."""
    parts = []
    for name, x in judged.checked.items():
        off = (x - routes.symbolic[name]) / np.maximum(judged.allowed[name], 1e-300)
        parts.append(np.where(np.isfinite(off), off, 0.0).ravel())
    return np.concatenate(parts)


def _combinations(start: Floats, moves: Sequence[Sequence[Floats]]) -> Iterator[tuple[int, ...]]:
    """The combinations whose sum comes nearest, all of them compared."""
    sums, choices = start[None], list[tuple[int, ...]]([()])
    for own in moves:
        sums = np.concatenate([sums, *(sums - move for move in own)])
        choices = [(*c, k) for k in range(len(own) + 1) for c in choices]
        if sums.size > 1 << 24:
            return
    order = np.argsort(np.abs(sums).max(axis=1))
    yield from (choices[k] for k in order[:8])


def _one_by_one(start: Floats, moves: Sequence[Sequence[Floats]]) -> tuple[int, ...]:
    """Each side in turn that brings the sum nearer, until none does."""
    choice, left = [0] * len(moves), start
    for _ in range(3):
        before = list(choice)
        for n, own in enumerate(moves):
            rest = left if not choice[n] else left + own[choice[n] - 1]
            options = [rest, *(rest - move for move in own)]
            choice[n] = min(range(len(options)), key=lambda k: float(np.linalg.norm(options[k])))
            left = options[choice[n]]
        if before == choice:
            break
    return tuple(choice)
