"""For each signal and gradient a ball that is proved to contain its true value, found by two routes.

Route 1, backward: each forward equation differentiated by sympy, entry by entry, composed over the uses, in balls.
Route 2, forward: every array moved at once along one drawn direction, the forward equations over power series; the
coefficient of the loss must lie in the ball that route 1 gives for that direction.  Neither reads a backward equation.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.arithmetic import Exact
from derivations.computation import Computation
from derivations.equations import Role
from derivations.given import Given, read_number
from derivations.layers import layered, start
from derivations.names import UnknownName
from derivations.network import Problem
from derivations.quantity import Quantity
from tracer.problem import Source, stated
from tracer.verification.in_balls import Balls
from tracer.verification.in_series import Series
from tracer.verification.pieces import Entrywise, Extreme, Piece, Run
from tracer.verification.plans import Plans, plans_of
from tracer.verification.subject import Layout, Place, Subject, layout_of

__all__ = ["PROVED", "REFUTED", "UNDECIDED", "Certificates", "Kink", "certified", "certify"]

Array = Any
Key = tuple[str, int]  # an array, and the sample whose own step it is of (0: not one sample's own)

MOST_BITS = 4096
LARGE = 2000  # numbers; of fewer, every precision is tried, for a saturated unit may need thousands of bits
MOST_IN_BALLS = 1_000_000
"""Operations of a step that are repeated in balls where floats do not decide."""
PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
ASKED = (Role.SIGNAL, Role.GRADIENT)


@dataclass(frozen=True)
class Kink:
    """An entry that cannot be told from a kink: its name, its ball, and the hull of the slopes there."""

    name: str
    at: Any
    slopes: Any


@dataclass(frozen=True, repr=False)
class Certificates:
    """A ball for each signal and gradient; `certificates["dW1[2,1]"]` is a `flint.arb`, `certificates["dW1"]` an array.

    `bits` is the precision that was needed; `kinks` are the entries at a kink, whose gradients are hulls of both
    sides'; `disagreements` names the arrays for which the two routes' balls lie apart, which must never happen: nothing
    is decided about those.
    """

    problem: Problem | Computation
    bits: int
    accuracy: float
    balls: Mapping[Key, Array]
    kinks: tuple[Kink, ...] = ()
    disagreements: tuple[str, ...] = ()
    routes: tuple[str, ...] = ("backward", "forward")
    _layout: Layout | None = field(default=None)
    _unfit: frozenset[Key] = field(default=frozenset())

    def __getitem__(self, name: str | Quantity) -> Any:
        """The ball of a quantity, or the array of a kind: (units, inputs), (units,), in a batch (samples, units)."""
        key, q = self._find(name)
        array, axis, layout = self.balls[key], self.layout.axis(key[0]), self.layout
        if q.indices or array.ndim == (axis is not None and bool(q.sample)):
            if axis is not None and array.shape[axis] > 1 and not q.sample:
                written = layout.text(key[0], layout.place(q), 0, 1).split("@")[0]
                raise UnknownName(f"'{written}' is not one number in a batch; name the sample too, such as {written}@1")
            place = list(layout.place(q)) if array.ndim else []
            if axis is not None and array.shape[axis] == 1:
                place[axis] = 0
            return array[tuple(place)]
        if axis is None:
            return array if array.ndim else array[()]
        if q.sample and not key[1]:
            return np.take(array, q.sample - 1, axis=axis)
        return np.take(array, 0, axis=axis) if array.shape[axis] == 1 else np.moveaxis(array, axis, 0)

    def __iter__(self) -> Iterator[str]:
        return (self._text(key, place) for key, place, _ in self._entries())

    def __len__(self) -> int:
        return sum(array.size for array in self.balls.values())

    @property
    def layout(self) -> Layout:
        """Where its quantities stand."""
        return self._layout or layout_of(self.problem)

    def items(self) -> Iterator[tuple[str, Any]]:
        """(name, ball) of every one, the last layer first."""
        return ((self._text(key, place), ball) for key, place, ball in self._entries())

    def _entries(self) -> Iterator[tuple[Key, Place, Any]]:
        for key, array in self.balls.items():
            for place in np.ndindex(array.shape):
                yield key, place, array[place]

    def _text(self, key: Key, place: Place) -> str:
        name, sample = key
        return self.layout.text(name, place, sample, 1)

    def relative_radius(self, name: str | Quantity) -> float:
        """The radius of a ball over the least size of what it contains: 0 if exact, infinite where it holds zero."""
        ball = self[name]
        if ball.is_exact():
            return 0.0
        least = ball.abs_lower()
        return float(ball.rad() / least) if least > 0 else math.inf

    @property
    def undecided(self) -> tuple[str, ...]:
        """The names whose ball is wider than asked: at a kink, around zero, not finite, or in disagreement."""
        need = _needed(self.accuracy)
        return tuple(
            self._text(key, place)
            for key, place, ball in self._entries()
            if ball.rel_accuracy_bits() < need or key in self._unfit
        )

    def distance(self, name: str | Quantity, value: Any) -> Any:
        """The ball of |true value - value|, as a `flint.arb`; the value is taken exactly as it is."""
        with self.working():
            return abs(self[name] - _exact_number(value))

    def verdict(self, name: str | Quantity, value: Any, slack: Any = 0) -> str:
        """Whether |true value - value| <= slack: "proved", "refuted", or "undecided" where the ball does not tell.

        Of a whole array: refuted if one entry is, proved if all are.  Numbers are floats, or texts for exact decimals.

        >>> certify("hand-3-2-2").verdict("dW2[1,1]", "1.4093", slack="0.00005")
        'proved'
        """
        key, _ = self._find(name)
        ball = self[name]
        if isinstance(ball, np.ndarray):
            values, slacks = np.asarray(value), np.asarray(slack)
            if values.shape != ball.shape:
                raise ValueError(f"{name}: shape {values.shape}, but it has {ball.shape}; give an array of that shape")
            pairs = zip(ball.flat, values.flat, np.broadcast_to(slacks, ball.shape).flat, strict=True)
            each = {self._judged(key, *entry) for entry in pairs}
            return REFUTED if REFUTED in each else UNDECIDED if UNDECIDED in each else PROVED
        return self._judged(key, ball, value, slack)

    def _judged(self, key: Key, ball: Any, value: Any, slack: Any) -> str:
        if key in self._unfit or not ball.is_finite():
            return UNDECIDED
        with self.working():
            away, allowed = abs(ball - _exact_number(value)), _exact_number(slack)
            return PROVED if away <= allowed else REFUTED if away > allowed else UNDECIDED

    def working(self) -> Any:
        """The precision in which numbers are compared with the balls: `with certificates.working():`."""
        from flint import ctx

        return ctx.workprec(2 * self.bits + 128)

    def is_apart(self, name: str, sample: int = 0) -> bool:
        """Whether the two routes put this array in balls that lie apart, so that nothing is decided about it."""
        return (name, sample) in self._unfit

    def _find(self, name: str | Quantity) -> tuple[Key, Quantity]:
        q = name if isinstance(name, Quantity) else self.layout.read(name).quantity
        try:
            own = self.layout.array(q)
        except KeyError:
            own = ""
        key = (own, 0) if (own, 0) in self.balls else (own, q.sample)
        if key not in self.balls or q.step > 1:
            known = dict.fromkeys(self._text(key, (0,) * array.ndim) for key, array in self.balls.items())
            raise UnknownName(f"'{name}' has no certificate; names look like {', '.join(list(known)[-3:])}")
        return key, q

    def __repr__(self) -> str:
        at = f", {len(self.kinks)} units at a kink" if self.kinks else ""
        return f"<Certificates of {len(self)} numbers, {self.bits} bits{at}>"


def certify(
    problem: Source,
    bits: int | None = None,
    *,
    accuracy: float = 1e-20,
    most_bits: int = MOST_BITS,
    inputs: str = "decimals",
    forward_route: bool = True,
) -> Certificates:
    """Enclose every signal and gradient of a step in a ball of relative radius `accuracy`, with as many bits as needed.

    bits: work at this precision and no other.  inputs: "decimals" as written, or "floats", the float64 numbers that a
    program starts from.  forward_route: also see that the second route meets the balls.
    Samples worked in turn are several steps, each from where the last one ends: `verify(problem, certify=True)`.
    Raises ValueError.

    >>> certify("hand-3-2-2")["dW2[1,1]"].rad() < 1e-20
    True
    """
    problem = stated(problem)
    if inputs not in ("decimals", "floats"):
        raise ValueError(f"inputs '{inputs}' is not known; known are decimals, floats")
    if bits is not None and not 2 <= bits <= 100_000:
        raise ValueError(f"bits must be from 2 to 100000, not {bits}")
    way = problem.training.samples if problem.training and problem.samples > 1 else "together"
    if way == "in_turn":
        raise ValueError(
            "samples go in turn, each its own step; certify one of them: certify(problem.sample(1)), "
            "or each from where it starts: verify(problem, certify=True)"
        )
    own: list[tuple[int, Problem | Computation]] = [(0, problem)]
    own = own if way == "together" else list(enumerate(problem.turns, 1))
    works = [
        (k, _sharpened(p, plans_of(_planned(p)), written(p, floats=inputs == "floats"), bits, accuracy, most_bits))
        for k, p in own
    ]
    return _collected(problem, works, accuracy, forward_route)


def certified(subject: Subject, accuracy: float) -> Certificates:
    """The certificates of one step that is judged: from the numbers as written, or those that the last step left."""
    work = _sharpened(subject.problem, subject.plans, starting(subject), None, accuracy, MOST_BITS)
    return _collected(subject.problem, [(0, work)], accuracy, True)


def starting(subject: Subject) -> Mapping[str, Array]:
    """The numbers of a step that is judged: as written, or the floats that the last step left."""
    return written(subject.problem) if subject.count == 1 else subject.given


def zeros(subject: Subject, name: str, allowed: Array) -> Array | None:
    """Where a value, signal or gradient is 0, to a millionth of what is allowed; None where that takes too long."""
    role = subject.arrays[name].role
    if subject.plans.symbolic.products > MOST_IN_BALLS or role not in (*ASKED, Role.VALUE, Role.OBJECTIVE):
        return None
    work = Enclosed(subject.problem, subject.plans, starting(subject), 128)
    balls = work.balls[name] if role in ASKED else np.asarray(work.run.s[name])
    each = np.frompyfunc(lambda b, room: bool(b.contains(0) and b.rad() <= 1e-6 * room), 2, 1)
    return np.asarray(each(balls, np.broadcast_to(allowed, balls.shape)), bool)


def _planned(problem: Problem | Computation) -> Any:
    return layered(problem) if isinstance(problem, Problem) else problem.planned


class _AsWritten(Exact):
    """Decimals as rationals; numbers that were floats as these."""

    def lift(self, given: Given) -> Array:
        return given.floats if given.texts is None else super().lift(given)

    def scalar(self, given: Given) -> Any:
        return float(given.floats) if given.texts is None else super().scalar(given)


class _AsFloats(_AsWritten):
    """The float64 numbers that a program starts from."""

    def lift(self, given: Given) -> Array:
        return given.floats

    def scalar(self, given: Given) -> Any:
        return float(given.floats)


def written(problem: Problem | Computation, *, floats: bool = False) -> Mapping[str, Array]:
    """The numbers that a step starts from, exactly."""
    m = _AsFloats() if floats else _AsWritten()
    return start(problem, m) if isinstance(problem, Problem) else problem.start(m)


def _collected(
    problem: Problem | Computation, works: list[tuple[int, Enclosed]], accuracy: float, forward: bool
) -> Certificates:
    layout = layout_of(problem)
    balls = {(name, k): array for k, work in works for name, array in work.balls.items()}
    kinks = tuple(kink for k, work in works for kink in work.kinks(layout, k))
    unfit = frozenset((name, k) for k, work in works for name in (work.apart() if forward else ()))
    names = tuple(name + (f"@{k}" if k else "") for name, k in sorted(unfit))
    routes = ("backward", "forward") if forward else ("backward",)
    bits = max(work.bits for _, work in works)
    return Certificates(problem, bits, accuracy, balls, kinks, names, routes, layout, unfit)


def _sharpened(
    problem: Problem | Computation,
    plans: Plans,
    given: Mapping[str, Array],
    bits: int | None,
    accuracy: float,
    most_bits: int,
) -> Enclosed:
    """Route 1 with twice the bits until every ball is sharp, or until more of them no longer help."""
    need = _needed(accuracy)
    if bits is not None:
        return Enclosed(problem, plans, given, bits)
    bits, left = max(128, need + 40), list[int]()
    while True:
        work = Enclosed(problem, plans, given, bits)
        blunt = sum(int((accuracies(array) < need).sum()) for array in work.balls.values())
        left.append(blunt)
        stuck = len(left) > 2 and left[-3] == blunt and work.size > LARGE
        if not blunt or 2 * bits > most_bits or stuck:
            return work
        bits *= 2


class Enclosed:
    """Both routes of one step at one precision; `balls` are its signals and gradients by array."""

    def __init__(self, problem: Problem | Computation, plans: Plans, given: Mapping[str, Array], bits: int) -> None:
        self.problem, self.plans, self.given, self.bits = problem, plans, given, bits
        with self.working():
            self.run = Run(m := Balls(), {name: m.given(given[name]) for name in plans.given})
            plans.symbolic.forward(self.run)
            plans.symbolic.back(self.run, plans.objective, plans.wanted)
            self.balls = {name: self._ball(name) for name, a in plans.planned.step.arrays.items() if a.role in ASKED}

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """The precision in force, and series cut off at their length."""
        from flint import ctx

        cap, ctx.cap = ctx.cap, 2
        try:
            with ctx.workprec(self.bits):
                yield
        finally:
            ctx.cap = cap

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return sum(array.size for array in self.balls.values())

    def _ball(self, name: str) -> Array:
        arrays = self.plans.planned.step.arrays
        of, own = arrays[arrays[name].of], arrays[name]
        whole = self.run.g.get(own.of)
        whole = self.run.m.blank(of.shape) if whole is None else np.asarray(self.run.m.full(whole, of.shape))
        if len(of.extents) == len(own.extents):
            pairs = zip(of.extents, own.extents, strict=True)
            part: tuple[Any, ...] = (*(slice(a - low, b - low + 1) for (low, _), (a, b) in pairs), ...)
            whole = whole[part]
        times = self.plans.scale(name)
        return whole if times == 1 else whole * times  # a signal has the axis of its samples

    # --- route 2 ---

    def apart(self) -> list[str]:
        """The arrays that the two routes put in balls that do not meet."""
        moves = {
            name: np.asarray(np.random.default_rng(k).integers(1, 10, self.plans.step.arrays[name].shape))
            for k, name in enumerate(self.plans.wanted)
            if name != self.plans.objective
        }
        with self.working():
            if not moves or self._meets(moves):
                return []
            lines = {a.of: n for n, a in self.plans.planned.step.arrays.items() if a.role in ASKED}
            return [lines[name] for name, move in moves.items() if not self._meets({name: move})]

    def _meets(self, moves: Mapping[str, Array]) -> bool:
        """Whether the loss moves along a direction as route 1 says."""
        balls: Balls = self.run.m
        digits = balls.given(np.arange(10))
        directions = {name: np.asarray(digits[move]) for name, move in moves.items()}
        start = {n: (self.run.s[n], directions.get(n)) for n in self.plans.given}
        zero = balls.number(Fraction(0))
        shifts = {n: (balls.blank(d.shape), d) for n, d in directions.items() if n not in start}
        run = Run(Series(balls), start, moves=shifts)
        self.plans.symbolic.forward(run)
        along = run.s[self.plans.objective][1]
        slopes = (np.sum(self.run.g[n] * d) for n, d in directions.items() if n in self.run.g)
        expected = sum(slopes, zero)
        found: Any = zero if along is None else np.asarray(along)[()]
        return bool(found.overlaps(expected)) or not (found.is_finite() and expected.is_finite())

    # --- kinks ---

    def kinks(self, layout: Layout, sample: int) -> Iterator[Kink]:
        """The entries at a kink where the two sides' slopes differ."""
        for piece in self.plans.symbolic.pieces:
            context = self.run.met.get(piece.k)
            for near in context.open.values() if context else ():
                near = near.sum(axis=-1) > 1 if isinstance(piece, Extreme) else np.broadcast_to(near, piece.shape)
                for place in map(tuple, np.argwhere(near)):
                    found = self._kink(layout, sample, piece, place)
                    if found is not None:
                        yield found

    def _kink(self, layout: Layout, sample: int, piece: Piece, place: Place) -> Kink | None:
        arrays = self.plans.planned.step.arrays
        read, slope = piece.left, None
        if isinstance(piece, Entrywise):
            blunt = [
                (r, np.broadcast_to(s, piece.shape)[place])
                for r, s in zip(piece.reads, self.run.kept[piece.k], strict=True)
                if s is not None and not is_sharp(np.broadcast_to(s, piece.shape)[place], 8)
            ]
            if not blunt:
                return None
            read, slope = blunt[0] if blunt[0][0].name in arrays else (piece.left, blunt[0][1])
        if read.name not in arrays:
            return None
        own = tuple(place[k] for k, l in enumerate(piece.box) if l in read.letters)
        where = tuple(map(int, np.unravel_index(int(np.asarray(read.places())[own]), arrays[read.name].shape)))
        return Kink(layout.text(read.name, where, sample, 1), np.asarray(self.run.s[read.name])[where], slope)


def accuracies(array: Array) -> Array:
    """How many bits of each ball are sure, as Arb counts them: very many for an exact one, few around zero."""
    from flint import arb

    return np.fromiter(map(arb.rel_accuracy_bits, array.flat), np.int64, array.size)


def is_sharp(ball: Any, need: int) -> bool:
    """Whether `need` bits of it are sure."""
    return bool(ball.rel_accuracy_bits() >= need)


def _needed(accuracy: float) -> int:
    if not 0 < accuracy < 1:
        raise ValueError(f"accuracy must be between 0 and 1, such as 1e-20, not {accuracy}")
    return math.ceil(-math.log2(accuracy)) + 2


def _exact_number(value: Any) -> Any:
    """A float as it is, a text as the decimal or fraction it says, an arb as the ball it is."""
    from flint import arb, fmpq

    if isinstance(value, arb | fmpq):
        return arb(value)
    if isinstance(value, float | np.floating):
        return arb(float(value))
    rational = value if isinstance(value, Fraction) else Fraction(read_number(value))
    return arb(fmpq(rational.numerator, rational.denominator))
