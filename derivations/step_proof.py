"""What sympy proves of a step's backward lines, each by the chain rule from the lines before it.

The share that dE/dX gets through each forward entry that reads X is differentiated by sympy; their sum is compared with
the line as it is written, entry by entry, on each side of every kink: symbolically, and where that is not seen, at
random points to 50 digits.  If every line holds, so does every gradient.  Nothing of what makes backward lines is used.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import mpmath
import sympy as sp

from derivations.arithmetic import FLOAT64
from derivations.axes import Arrays
from derivations.computation import Computation
from derivations.entries import Entries, Entry
from derivations.equations import Equation, Role, Step
from derivations.expression import (
    Call,
    Expression,
    Index,
    Largest,
    Name,
    Over,
    Ref,
    Smallest,
    letter,
    names_in,
)
from derivations.kinks import kinks
from derivations.planned import Planned
from derivations.proof_points import Point, SidesAt, is_zero
from derivations.quantity import Quantity
from derivations.shapes import numbered, refs, substituted
from derivations.symbolic_value import symbolic_value
from derivations.sympy_form import Expr, Sides, Unsided, symbolic

__all__ = ["StepProof", "kink_words", "prove_planned", "prove_step"]

DIGITS = 50
GUARD = 30
MOST_ENTRIES = 24  # of one line that are compared
MOST_READ = 40_000  # names in all forward entries
MOST_SIDES = 64
POINTS = 3

Leaf = Callable[[Quantity], Expr]
Vanishing = Callable[[Sides], bool]


@dataclass(frozen=True)
class StepProof:
    """What was proved of the lines of a step, by the names of their arrays.

    `proved` lines are symbolically equal to what sympy derives, `equal` ones at random points only; of `partly` not
    every entry was compared; `wrong` are entries that differ, `open_` lines that could not be compared.  `kinks` are
    entries that stand at a kink with the problem's own numbers.
    """

    proved: tuple[str, ...] = ()
    equal: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    open_: tuple[str, ...] = ()
    kinks: tuple[str, ...] = ()
    entries: int = 0
    sided: bool = False

    @property
    def holds(self) -> bool:
        """Whether nothing was refuted, and something was compared."""
        return not self.wrong and bool(self.proved or self.equal)

    @property
    def refuted(self) -> bool:
        """Whether something differs."""
        return bool(self.wrong)

    @property
    def whole(self) -> bool:
        """Whether every entry of every line is proved."""
        return self.holds and not (self.equal or self.open_ or self.partly)

    @property
    def words(self) -> str:
        """A few sentences for a document."""
        if self.wrong:
            several = "differs" if len(self.wrong) == 1 else "differ"
            shown = ", ".join(self.wrong[:8]) + (f" and {len(self.wrong) - 8} more" if len(self.wrong) > 8 else "")
            return f"NOT proved: {shown} {several} from what sympy derives from the forward equations."
        return " ".join(self._sentences())

    def _sentences(self) -> Iterator[str]:
        sides = ", on each side of every kink" if self.sided else ""
        derived = f"what sympy derives from the forward equations, by the chain rule through the lines before it{sides}"
        if self.whole:
            lines = f"each of the {len(self.proved)} lines" if len(self.proved) > 1 else "the line"
            yield f"Proved: {lines} of the derivatives ({self.entries} entries) is symbolically equal to {derived}."
        elif self.proved:
            yield f"Proved, symbolically equal to {derived}: {', '.join(self.proved)}."
        if self.equal:
            points = f"at {POINTS} random points, to {DIGITS} digits"
            yield f"Equal to it {points}, which is no proof: {', '.join(self.equal)}."
        if self.partly:
            yield f"Of {', '.join(self.partly)} {MOST_ENTRIES} entries each were compared, not all."
        if self.open_:
            yield f"Nothing is proved of {', '.join(self.open_)}; bptrace verify compares the numbers."
        if self.kinks:
            yield kink_words(self.kinks)


def kink_words(entries: tuple[str, ...]) -> str:
    """What is said of numbers that stand at a kink."""
    shown = ", ".join(entries[:6]) + (f" and {len(entries) - 6} more" if len(entries) > 6 else "")
    stand, function = ("stands", "the function that gives it has") if len(entries) == 1 else (
        "stand", "the functions that give them have"
    )  # fmt: skip
    return (
        f"At these numbers {shown} {stand} at a kink: {function} no derivative there. Nothing is proved there, and the "
        "slope that is shown is a convention."
    )


def prove_step(problem: Computation) -> StepProof:
    """Prove the backward lines of somebody's own equations."""
    return prove_planned(problem.planned, problem.start(FLOAT64), {n: g.exact() for n, g in problem.numbers.items()})


def prove_planned(own: Planned, start: Arrays, given: Mapping[str, Any]) -> StepProof:
    """Prove the backward lines of a step; `start` are its numbers in float64, `given` the same as they were written."""
    return _Prover(own.step, own, start, given).proof()


class _TooMany(ArithmeticError):
    """More sides than are compared."""


@dataclass
class _Prover:
    step: Step
    own: Planned
    start: Arrays
    given: Mapping[str, Any]
    sided: bool = False
    symbols: dict[Quantity, Expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.entries = Entries(self.step, lambda name, at: Name(Quantity(name, 0, at)))
        self.lines = [e for e in self.step.equations if e.stage == "backward"]
        self.signals = {e.of: e.left.name for e in self.lines if e.why not in ("slope", "jacobian")}
        self.objective = next((a.name for a in self.step.arrays.values() if a.role is Role.OBJECTIVE), "")

    # --- the step, entry by entry ---

    @cached_property
    def forward(self) -> dict[Quantity, Expression]:
        """The formula of every forward number."""
        return {Quantity(x.name, 0, x.at): x.formula for _, x in self._written("forward")}

    @cached_property
    def backward(self) -> dict[Quantity, Expression]:
        """The formula of every number of the backward lines."""
        return {Quantity(x.name, 0, x.at): self._opened(x.formula) for _, x in self._written("backward")}

    @cached_property
    def written_by(self) -> dict[Quantity, Equation]:
        """Which line writes each number of the backward lines."""
        return {Quantity(x.name, 0, x.at): e for e, x in self._written("backward")}

    def _opened(self, e: Expression) -> Expression:
        """[z is the largest] of what the largest is taken of, in place of its name."""
        match e:
            case Largest(one, Name(q)) | Smallest(one, Name(q)) if q in self.forward:
                return type(e)(one, self.forward[q])
        out: Expression = e.mapped(self._opened)
        return out

    def _written(self, stage: str) -> Iterator[tuple[Equation, Entry]]:
        for task in self.own.exact.tasks:
            if task.equation.stage == stage:
                made = next((e for e in self.step.equations if e.left == task.equation.left), task.equation)
                yield from ((made, x) for x in self.entries.of(made, task.fixed))

    @cached_property
    def readers(self) -> dict[Quantity, list[Quantity]]:
        """Which forward numbers read each one."""
        out: dict[Quantity, list[Quantity]] = defaultdict(list)
        for q, formula in self.forward.items():
            for read in names_in(formula):
                out[read].append(q)
        return out

    def leaf(self, q: Quantity) -> Expr:
        """The symbol of a number."""
        if q not in self.symbols:
            self.symbols[q] = sp.Symbol(f"{q.kind}[{','.join(map(str, q.indices))}]", real=True)
        return self.symbols[q]

    # --- what is compared ---

    def proof(self) -> StepProof:
        found = self._kinks()
        if sum(len(names_in(f)) for f in self.forward.values()) > MOST_READ:
            return StepProof(open_=tuple(dict.fromkeys(e.left.name for e in self.lines)), kinks=found)
        verdicts: dict[str, set[str]] = defaultdict(set)
        wrong, count = list[str](), 0
        with mpmath.workdps(DIGITS + GUARD):
            for e in self.lines:
                if not self.objective and not self.readers.get(Quantity(e.of)) and self._handed(e):
                    continue
                every = [q for q, line in self.written_by.items() if line is e]
                chosen = every if len(every) <= MOST_ENTRIES else random.Random(7).sample(every, MOST_ENTRIES)  # noqa: S311
                verdicts[e.left.name] |= {"partly"} if len(chosen) < len(every) else set()
                for q in chosen:
                    verdict = self._verdict(e, q)
                    count += 1
                    verdicts[e.left.name].add(verdict)
                    wrong += [self._text(q)] if verdict == "wrong" else []
        told = {
            kind: tuple(name for name, own in verdicts.items() if kind in own) for kind in ("equal", "partly", "open")
        }
        proved = tuple(name for name, own in verdicts.items() if own <= {"proved", "partly"})
        return StepProof(proved, told["equal"], told["partly"], tuple(wrong), told["open"], found, count, self.sided)

    def _handed(self, e: Equation) -> bool:
        """Whether a signal comes from outside."""
        return all(self.step.arrays[r.name].role is Role.GIVEN for r in e.reads)

    def _text(self, q: Quantity) -> str:
        return q.kind + (f"[{','.join(map(str, q.indices))}]" if q.indices else "")

    def _verdict(self, e: Equation, q: Quantity) -> str:
        """proved, equal, wrong, or open."""
        compared = _Compared(self, e, q)
        try:
            if self._on_every_side(compared.vanishes):
                return "proved"
        except (_TooMany, TypeError, RecursionError):
            pass
        return compared.at_points()

    def _on_every_side(self, holds: Vanishing) -> bool:
        """Whether something holds on each side of every test that it asks for."""
        waiting, seen = [Sides()], 0
        while waiting:
            sides = waiting.pop()
            seen += 1
            if seen > MOST_SIDES:
                raise _TooMany
            try:
                if not holds(sides):
                    return False
            except Unsided as u:
                self.sided = True
                waiting += sides.both(u)
        return True

    def _kinks(self) -> tuple[str, ...]:
        """Which of the problem's own numbers stand at a kink."""
        with FLOAT64.working():
            known = self.own.exact.run(FLOAT64, self.start, lambda label, array: array)
        arrays = self.step.arrays
        found = (
            k for k in kinks(self.own.exact, known) if any(arrays[r.name].role is not Role.GIVEN for r in refs(k.part))
        )
        return tuple(dict.fromkeys(self._text(Quantity(k.name, 0, k.at)) for k in found))


@dataclass
class _Compared:
    """One entry of a line beside the chain rule by sympy."""

    prover: _Prover
    line: Equation
    q: Quantity

    # --- the two sides ---

    def written(self, sides: Sides) -> Expr:
        """The line as it is written."""
        return symbolic(self.prover.backward[self.q], self.prover.leaf, sides)

    def derived(self, sides: Sides) -> Expr:
        """The same by sympy from the forward formulas."""
        if self.line.why in ("slope", "jacobian"):
            of, by = self._local()
            return sp.diff(symbolic(self.prover.forward[of], self.prover.leaf, sides), self.prover.leaf(by))
        return self._through(Quantity(self.line.of, 0, self.q.indices), sides)

    def _through(self, x: Quantity, sides: Sides) -> Expr:
        """Σ of ∂E/∂r ∂r/∂x over the numbers r that read x."""
        p = self.prover
        shares = []
        for r in p.readers.get(x, ()):
            local = sp.diff(symbolic(p.forward[r], p.leaf, sides), p.leaf(x))
            if local != 0 and (signal := self._signal(r, sides)) != 0:
                shares.append(signal * local)
        return sp.Add(*shares)

    def _signal(self, r: Quantity, sides: Sides) -> Expr:
        """∂E/∂r: 1 for E itself, the signal's own name, or, where it has no line, by the chain rule."""
        p = self.prover
        if r.kind == p.objective:
            return sp.Integer(1)
        named = p.signals.get(r.kind)
        if named is None:
            return self._through(r, sides)
        d = Quantity(named, 0, r.indices)
        return p.leaf(d) if d in p.backward else sp.Integer(0)

    def _local(self) -> tuple[Quantity, Quantity]:
        """Which two numbers a slope, or an entry of a Jacobian, belongs to."""
        p, e = self.prover, self.line
        values = {
            i.letter: v for i, v in zip(e.left.at, self.q.indices, strict=True) if isinstance(i, Index) and i.letter
        }
        own = [f for f in p.step.equations if f.stage == "forward" and f.left.name == e.of]
        if e.why == "jacobian":
            made = next(f for f in own if isinstance(f.right, Over))
            assert isinstance(made.right, Over)
            (k,) = made.right.letters
            known = [i.letter for i in made.left.at if isinstance(i, Index)]
            m = next(i.letter for i in e.left.at if isinstance(i, Index) and i.letter not in known)
            argument = substituted(made.right.body, {k: letter(m)})
        else:
            made = next(f for f in own if f.left.at == e.left.at and isinstance(f.right, Call))
            assert isinstance(made.right, Call)
            argument = made.right.arguments[0]
        assert isinstance(argument, Ref)
        return self._at(made.left, values), self._at(argument, values)

    def _at(self, r: Ref, values: Mapping[str, int]) -> Quantity:
        at = []
        for i in r.at:
            assert isinstance(i, Index)
            i = numbered(i, self.prover.step.ranges)
            at.append(i.plus + sum(c * values[l] for l, c in i.terms))
        return Quantity(r.name, 0, tuple(at))

    # --- compared ---

    def vanishes(self, sides: Sides) -> bool:
        """Whether the difference is 0, definitions put in step by step."""
        difference = self.written(sides) - self.derived(sides)
        for put_in in (None, self._signals, self._near, self._values, self._given):
            difference = put_in(difference, sides) if put_in else difference
            if is_zero(difference):
                return True
        return False

    def _put(self, e: Expr, known: Mapping[Quantity, Expression], kinds: set[str], sides: Sides) -> Expr:
        """Formulas put in for the names of some arrays."""
        p = self.prover
        found = {q: s for q, s in p.symbols.items() if s in e.free_symbols and q in known and q.kind in kinds}
        return e.xreplace({s: symbolic(known[q], p.leaf, sides) for q, s in found.items()})

    def _signals(self, e: Expr, sides: Sides) -> Expr:
        """Slopes, and signals that one side alone has, by their lines, which are compared themselves."""
        p = self.prover
        local = {x.left.name for x in p.lines if x.why in ("slope", "jacobian")}
        out = self._put(e, p.backward, local, sides)
        reads = {r.name for r in self.line.reads}
        return self._put(out, p.backward, {*p.signals.values()} - reads - {self.q.kind}, sides)

    def _near(self, e: Expr, sides: Sides) -> Expr:
        """The values through which the line comes, by their formulas."""
        made = {r.kind for r in self.prover.readers.get(Quantity(self.line.of, 0, self.q.indices), ())}
        made = {self.line.of} if self.line.why in ("slope", "jacobian") else made
        return self._put(e, self.prover.forward, made, sides)

    def _values(self, e: Expr, sides: Sides) -> Expr:
        """Values of functions by their formulas."""
        made = {f.left.name for f in self.prover.step.equations if f.stage == "forward" and _is_function(f.right)}
        return self._put(e, self.prover.forward, made, sides)

    def _given(self, e: Expr, sides: Sides) -> Expr:
        """Given numbers, where a short form rests on them: targets that sum to 1."""
        p = self.prover
        if self.line.why != "fused":
            return e
        found = {q: s for q, s in p.symbols.items() if s in e.free_symbols and p.step.arrays[q.kind].role is Role.GIVEN}
        return e.xreplace({s: sp.Rational(self._number(q)) for q, s in found.items()})

    def _number(self, q: Quantity) -> str:
        lows = (low for low, _ in self.prover.step.arrays[q.kind].extents)
        return str(self.prover.given[q.kind][tuple(i - low for i, low in zip(q.indices, lows, strict=True))])

    # --- at random points ---

    def at_points(self) -> str:
        """equal or wrong, as the difference is at random points; open where it has no value at any."""
        found = [value for seed in range(3 * POINTS) if (value := self._at_point(seed)) is not None][:POINTS]
        if len(found) < POINTS:
            return "open"
        return "equal" if all(found) else "wrong"

    def _at_point(self, seed: int) -> bool | None:
        """Whether both sides are equal at one point; None where they have no value there."""
        point = Point(self.prover, seed)
        sides = SidesAt(point)
        try:
            difference = self._signals(self.written(sides) - self.derived(sides), sides)
            if self.line.why == "fused":
                difference = self._given(difference, sides)
            terms = [symbolic_value(t, point.memo(t)) for t in sp.Add.make_args(difference)]
            if not all(mpmath.isfinite(t) for t in terms):
                return None
        except (ArithmeticError, ValueError, TypeError, KeyError, RecursionError):
            return None
        size = max([mpmath.mpf(1), *map(abs, terms)])
        return bool(abs(mpmath.fsum(terms)) <= mpmath.mpf(10) ** -DIGITS * size)


def _is_function(e: Expression) -> bool:
    return isinstance(e, Call) or (isinstance(e, Over) and e.op == "softmax")
