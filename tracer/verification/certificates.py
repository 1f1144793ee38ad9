"""For each gradient a ball that is proved to contain its true value, found by two routes that share no derivative.

Letters: a pre-activation, z activation, E loss, delta = dE/da, dW, db; samples are columns.  Neither route reads a
derivative that an activation or a loss states, nor the rules of the step: both start from the VALUE formulas alone.

Route 1, backward: each formula worked on a + x gives its local derivative (the coefficient of x); the chain rule puts
these together in balls.  Route 2, forward: a_i + x is put in place of a_i, and the series carried to the loss, whose
coefficient of x is dE/da_i; the parameters of a whole layer, moved at once along one direction, test dW and db.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from derivations import names
from derivations.given import read_number
from derivations.names import Quantity, UnknownName
from derivations.network import Problem
from tracer.problem import Source, as_problem
from tracer.verification.enclosures import Exactly, Kink, TwoRoutes, accuracies, is_sharp

__all__ = ["Certificates", "Kink", "certify"]

Array = Any
Key = tuple[str, int, int]  # kind, layer, sample (0: not one sample's own network)

MOST_BITS = 4096
LARGE = 2000  # gradients; of fewer, every precision is tried, for a saturated unit may need thousands of bits
PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"


@dataclass(frozen=True, repr=False)
class Certificates:
    """A ball for each dW, db and delta; `certificates["dW1[2,1]"]` is a `flint.arb`, `certificates["dW1"]` an array.

    `bits` is the precision that was needed; `kinks` are the units at a kink, whose gradients are hulls of both sides';
    `disagreements` names the arrays for which the two routes' balls lie apart, which must never happen: nothing is
    decided about those.
    """

    problem: Problem
    bits: int
    accuracy: float
    balls: Mapping[Key, Array]
    kinks: tuple[Kink, ...] = ()
    disagreements: tuple[str, ...] = ()
    routes: tuple[str, ...] = ("backward", "forward")
    _unfit: frozenset[Key] = field(default=frozenset())

    def __getitem__(self, name: str | Quantity) -> Any:
        """The ball of a quantity, or the array of a kind: (units, inputs), (units,), in a batch (samples, units)."""
        key, q = self._find(name)
        array = self.balls[key]
        if not q.indices and names.shape(self.problem.network, q.kind, q.layer):
            if q.kind != "delta" or array.shape[1] == 1:
                return array if q.kind == "dW" else array[:, 0]
            return array[:, q.sample - 1] if q.sample else array.T
        row = q.indices[0] - 1 if q.indices else 0
        if q.kind == "dW":
            return array[row, q.indices[1] - 1]
        if q.kind == "delta" and array.shape[1] > 1:
            if not q.sample:
                written = names.text(self.problem.network, q)
                raise UnknownName(f"'{written}' is not one number in a batch; name the sample too, such as {written}@1")
            return array[row, q.sample - 1]
        return array[row, 0]

    def __iter__(self) -> Iterator[str]:
        return (names.text(self.problem.network, q) for q, _ in self.items())

    def __len__(self) -> int:
        return sum(array.size for array in self.balls.values())

    def items(self) -> Iterator[tuple[Quantity, Any]]:
        """(quantity, ball) of every one, the last layer first."""
        for (kind, layer, sample), array in self.balls.items():
            samples = 1 if sample else self.problem.samples
            quantities = names.elements(self.problem.network, kind, layer, samples, sample)
            yield from zip(quantities.flat, array.flat, strict=True)

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
        network, need = self.problem.network, _needed(self.accuracy)
        return tuple(
            names.text(network, q)
            for q, ball in self.items()
            if not is_sharp(ball, need) or self._key(q) in self._unfit
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
        key, q = self._find(name)
        ball = self[q]
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

    def is_apart(self, kind: str, layer: int, sample: int = 0) -> bool:
        """Whether the two routes put this array in balls that lie apart, so that nothing is decided about it."""
        return (kind, layer, sample) in self._unfit

    def _key(self, q: Quantity) -> Key:
        whole = q.kind, q.layer, 0
        return whole if whole in self.balls else (q.kind, q.layer, q.sample)

    def _find(self, name: str | Quantity) -> tuple[Key, Quantity]:
        problem = self.problem
        q = name if isinstance(name, Quantity) else names.read_name(problem.network, problem.samples, name)
        if self._key(q) not in self.balls or q.step > 1:
            known = "dW1[1,2], db1[1], delta1[2]" + ("@1" if problem.samples > 1 else "")
            raise UnknownName(f"'{names.text(problem.network, q)}' has no certificate; names look like {known}")
        return self._key(q), q

    def __repr__(self) -> str:
        at = f", {len(self.kinks)} units at a kink" if self.kinks else ""
        return f"<Certificates of {len(self)} gradients, {self.bits} bits{at}>"


def certify(
    problem: Source,
    bits: int | None = None,
    *,
    accuracy: float = 1e-20,
    most_bits: int = MOST_BITS,
    inputs: str = "decimals",
    forward_route: bool = True,
) -> Certificates:
    """Enclose every gradient of a step in a ball of relative radius `accuracy`, with more bits until it is reached.

    bits: work at this precision and no other.  inputs: "decimals" as written, or "floats", the float64 numbers that a
    program starts from.  forward_route: also enclose each by the second route and see that the balls overlap.
    Samples worked in turn are several steps, each from where the last one ends: `verify(problem, certify=True)`.
    Raises ValueError.

    >>> certify("hand-3-2-2")["dW2[1,1]"].rad() < 1e-20
    True
    """
    problem = as_problem(problem)
    if inputs not in ("decimals", "floats"):
        raise ValueError(f"inputs '{inputs}' is not known; known are decimals, floats")
    if not 0 < accuracy < 1:
        raise ValueError(f"accuracy must be between 0 and 1, such as 1e-20, not {accuracy}")
    if bits is not None and not 2 <= bits <= 100_000:
        raise ValueError(f"bits must be from 2 to 100000, not {bits}")
    way = problem.training.samples if problem.samples > 1 else "together"
    if way == "in_turn":
        raise ValueError(
            "samples go in turn, each its own step; certify one of them: certify(problem.sample(1)), "
            "or each from where it starts: verify(problem, certify=True)"
        )
    own = [(0, problem)] if way == "together" else [(k, problem.sample(k)) for k in range(1, problem.samples + 1)]
    works = [(k, _sharpened(p, inputs == "floats", bits, accuracy, most_bits)) for k, p in own]
    balls: dict[Key, Array] = {}
    kinks: list[Kink] = []
    unfit: set[Key] = set()
    for k, work in works:
        balls |= {(kind, l, k): array for (kind, l), array in work.balls.items()}
        kinks += work.kinks(k)
        unfit |= {(kind, l, k) for kind, l in (work.apart() if forward_route else ())}
    disagreements = tuple(f"{kind}{l}" + (f"@{k}" if k else "") for kind, l, k in sorted(unfit))
    routes = ("backward", "forward") if forward_route else ("backward",)
    most = max(work.m.bits for _, work in works)
    return Certificates(problem, most, accuracy, balls, tuple(kinks), disagreements, routes, frozenset(unfit))


def _sharpened(problem: Problem, floats: bool, bits: int | None, accuracy: float, most_bits: int) -> TwoRoutes:
    """Route 1 with twice the bits until every ball is sharp, or until more of them no longer help."""
    given, need = Exactly(problem, floats), _needed(accuracy)
    if bits is not None:
        return TwoRoutes(problem, given, bits)
    bits, left = max(128, need + 40), list[int]()
    while True:
        work = TwoRoutes(problem, given, bits)
        blunt = sum(int((accuracies(array) < need).sum()) for array in work.balls.values())
        left.append(blunt)
        stuck = len(left) > 2 and left[-3] == blunt and work.size > LARGE
        if not blunt or 2 * bits > most_bits or stuck:
            return work
        bits *= 2


def _needed(accuracy: float) -> int:
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
