"""An interpreter of forward equations for the tests: one entry at a time, its derivatives carried along.

It shares the tree and the ranges of letters with the product, and nothing else: indices are looked up by its own code,
sums are its own loops, and every number is a `Dual`, a value and what it gains for each number that moves (forward
mode), by rules written here.  Numbers are floats, balls or mpmath's; a `Calculator` says how they are made.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from typing import Any

import mpmath
from steps import Example

from derivations.equations import Equation, Range
from derivations.expression import (
    Call,
    Choice,
    Expression,
    Index,
    Largest,
    Negative,
    Number,
    Over,
    Power,
    Product,
    Quotient,
    Ref,
    Same,
    Size,
    Smallest,
    Sum,
    Within,
)
from derivations.function import ARGUMENTS, Function

Place = tuple[str, tuple[int, ...]]
Letters = Mapping[str, int]


@dataclass(frozen=True)
class Calculator:
    """How numbers of one kind are made, and their elementary functions."""

    number: Callable[[str], Any]
    pi: Callable[[], Any]
    functions: Mapping[str, Callable[[Any], Any]]


ELEMENTARY = ("exp", "log", "sqrt", "sin", "cos", "tanh", "cosh", "erf")
FLOATS = Calculator(
    lambda text: float(Fraction(text)),
    lambda: math.pi,
    {f: getattr(math, f) for f in ELEMENTARY},
)
MANY_DIGITS = Calculator(
    lambda text: mpmath.mpf(Fraction(text).numerator) / Fraction(text).denominator,
    lambda: +mpmath.pi,
    {f: getattr(mpmath, f) for f in ELEMENTARY},
)


def balls() -> Calculator:
    """Arb's balls, at the precision in force."""
    from flint import arb, fmpq

    def number(text: str) -> Any:
        exact = Fraction(text)
        return arb(fmpq(exact.numerator, exact.denominator))

    return Calculator(number, arb.pi, {f: lambda a, f=f: getattr(arb(a), f)() for f in ELEMENTARY})


def rationals() -> Calculator:
    """Rational numbers as far as they go, balls elsewhere."""
    from flint import fmpq

    def number(text: str) -> Any:
        exact = Fraction(text)
        return fmpq(exact.numerator, exact.denominator)

    return replace(balls(), number=number)


class Dual:
    """A number and what it gains, to first order, for each number that moves."""

    __slots__ = ("moves", "value")

    def __init__(self, value: Any, moves: Mapping[Place, Any] | None = None) -> None:
        self.value, self.moves = value, moves or {}

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.value + other.value, _joined(self.moves, 1, other.moves, 1))

    def __sub__(self, other: Dual) -> Dual:
        return Dual(self.value - other.value, _joined(self.moves, 1, other.moves, -1))

    def __mul__(self, other: Dual) -> Dual:
        return Dual(self.value * other.value, _joined(self.moves, other.value, other.moves, self.value))

    def __truediv__(self, other: Dual) -> Dual:
        ratio = self.value / other.value
        return Dual(ratio, _joined(self.moves, 1 / other.value, other.moves, -ratio / other.value))

    def __neg__(self) -> Dual:
        return Dual(-self.value, {k: -v for k, v in self.moves.items()})

    def through(self, value: Any, slope: Any) -> Dual:
        """A function of this number, by its value and its slope."""
        return Dual(value, {k: slope * v for k, v in self.moves.items()})


def _joined(p: Mapping[Place, Any], by: Any, q: Mapping[Place, Any], also: Any) -> dict[Place, Any]:
    out = {k: by * v for k, v in p.items()}
    for k, v in q.items():
        out[k] = out[k] + also * v if k in out else also * v
    return out


@dataclass
class Interpreter:
    """Works the entries of forward equations, each once, from the numbers of `leaves`."""

    equations: Sequence[Equation]
    ranges: Mapping[str, Range]
    outside: Iterable[str]
    whole: Mapping[Place, int]
    leaves: Mapping[Place, Dual]
    calculator: Calculator
    known: dict[Place, Dual] = field(default_factory=dict)

    def entry(self, name: str, at: tuple[int, ...]) -> Dual:
        """One entry of an array."""
        place = name, at
        if place not in self.known:
            self.known[place] = self.leaves[place] if place in self.leaves else self._worked(name, at)
        return self.known[place]

    def _worked(self, name: str, at: tuple[int, ...]) -> Dual:
        for e in self.equations:
            if e.left.name == name and (letters := self._matched(e.left, at)) is not None:
                return self.value(e.right, letters)
        assert name in self.outside, f"{name}{list(at)} has no equation"
        return self.number("0")

    def _matched(self, left: Ref, at: tuple[int, ...]) -> Letters | None:
        letters: dict[str, int] = {}
        for i, value in zip(left.at, at, strict=True):
            assert isinstance(i, Index)
            if [c for _, c in i.terms] == [1] and not i.plus and not i.terms[0][0].startswith("|"):
                l = i.terms[0][0]
                low, high = self.ranges[l]
                if not low <= value <= high:
                    return None
                letters[l] = value
            elif self.index(i, {}) != value:
                return None
        return letters

    def index(self, i: Expression, letters: Letters) -> int:
        """The value of an index; a name that is no letter here is a given whole number."""
        if isinstance(i, Ref):
            return self.whole[i.name, tuple(self.index(j, letters) for j in i.at)]
        assert isinstance(i, Index)
        total = i.plus
        for l, c in i.terms:
            if l.startswith("|"):
                total += c * self.ranges[l[1:-1]][1]
            else:
                total += c * (letters[l] if l in letters else self.whole[l, ()])
        return total

    def number(self, text: str) -> Dual:
        """A literal."""
        return Dual(self.calculator.pi() if text == "pi" else self.calculator.number(text))

    def value(self, e: Expression, letters: Letters) -> Dual:
        """The number that an expression is worth where its letters have these values."""
        match e:
            case Ref(name, at):
                return self.entry(name, tuple(self.index(i, letters) for i in at))
            case Number(text):
                return self.number(text)
            case Size(l):
                return self.number(str(self.ranges[l][1] - self.ranges[l][0] + 1))
            case Index():
                return self.number(str(self.index(e, letters)))
            case Within(index, low, high):
                return self.number("1" if low <= self.index(index, letters) <= high else "0")
            case Same(left, right):
                return self.number("1" if self.index(left, letters) == self.index(right, letters) else "0")
            case Negative(operand):
                return -self.value(operand, letters)
            case Sum(terms):
                return _total(self.value(t, letters) if s > 0 else -self.value(t, letters) for s, t in terms)
            case Product(factors):
                return reduce(Dual.__mul__, (self.value(f, letters) for f in factors))
            case Quotient(above, below):
                return self.value(above, letters) / self.value(below, letters)
            case Power(base, int(exponent)):
                one = self.value(base, letters)
                out = reduce(Dual.__mul__, [one] * abs(exponent), self.number("1"))
                return self.number("1") / out if exponent < 0 else out
            case Power(base, Expression() as exponent):
                one, n = self.value(base, letters), self.value(exponent, letters)
                value = one.value**n.value if one.value > 0 else one.value ** int(n.value)
                return one.through(value, n.value * value / one.value)
            case Choice(test, positive, otherwise):
                return self.value(positive if self.value(test, letters).value > 0 else otherwise, letters)
            case Call(name, arguments):
                return self.called(name, [self.value(a, letters) for a in arguments])
            case Over(op, over, body):
                return self.over(op, over, body, letters)
        raise TypeError(type(e).__name__)

    def over(self, op: str, over: tuple[str, ...], body: Expression, letters: Letters) -> Dual:
        """A sum, a mean, the largest or smallest, a softmax."""
        runs = [range(self.ranges[l][0], self.ranges[l][1] + 1) for l in over]
        values = [self.value(body, {**letters, **dict(zip(over, at, strict=True))}) for at in itertools.product(*runs)]
        if op == "softmax":
            own = self.called("exp", [self.value(body, letters)])
            return own / _total(self.called("exp", [v]) for v in values)
        if op == "max":
            return reduce(lambda p, q: q if q.value > p.value else p, values)
        if op == "min":
            return reduce(lambda p, q: q if q.value < p.value else p, values)
        return _total(values) / self.number(str(len(values))) if op == "mean" else _total(values)

    def called(self, name: str | Function, arguments: list[Dual]) -> Dual:
        """A function by what the books say it is; one of the file by its own formula."""
        if isinstance(name, Function):
            known = {(a, ()): value for a, value in zip(ARGUMENTS, arguments, strict=False)}
            assert name.own is not None
            return Interpreter((), {}, (), {}, known, self.calculator).value(name.own, {})
        one, (a, *more) = self.number("1"), arguments
        match name:
            case "sigmoid":
                return one / (one + self.called("exp", [-a]))
            case "softplus" | "log1pexp":
                return self.called("log", [one + self.called("exp", [a])])
            case "silu":
                return a / (one + self.called("exp", [-a]))
            case "gelu":
                return a * self.called("Phi", [a])
            case "elu":
                return a if a.value > 0 else self.called("expm1", [a])
            case "expm1":
                return self.called("exp", [a]) - one
            case "log1p":
                return self.called("log", [one + a])
            case "leaky_relu":
                return a if a.value > 0 else a * self.number("1/100")
            case "relu" | "max0":
                return a if a.value > 0 else self.number("0")
            case "abs":
                return a if a.value > 0 else -a
            case "max":
                return reduce(lambda p, q: q if q.value > p.value else p, arguments)
            case "min":
                return reduce(lambda p, q: q if p.value > q.value else p, arguments)
            case "identity":
                return a
            case "xlogy":
                return self.number("0") if a.value == 0 else a * self.called("log", more)
            case "over":
                return self.number("0") if a.value == 0 else a / more[0]
            case "mish":
                return a * self.called("tanh", [self.called("softplus", [a])])
            case "selu":
                scale, other = self.number("1.0507009873554805"), self.number("1.7580993408473768")
                return scale * a if a.value > 0 else other * self.called("expm1", [a])
            case "bipolar_sigmoid":
                return self.number("2") / (one + self.called("exp", [-a])) - one
            case "hard_sigmoid":
                inside = a / self.number("6") + self.number("1/2")
                return inside if -3 < a.value < 3 else self.number("1" if a.value > 0 else "0")
            case "square":
                return a * a
            case "step":
                return self.number("1" if a.value >= 0 else "0")
            case "sign":
                return self.number("1" if a.value > 0 else "0" if a.value == 0 else "-1")
            case "swish":
                return a / (one + self.called("exp", [-(a * more[0])]))
        return self.elementary(name, a)

    def elementary(self, name: str, a: Dual) -> Dual:
        """What a pocket calculator has."""
        f = self.calculator.functions
        match name:
            case "exp":
                return a.through(f["exp"](a.value), f["exp"](a.value))
            case "log":
                return a.through(f["log"](a.value), 1 / a.value)
            case "sqrt":
                return a.through(f["sqrt"](a.value), 1 / (2 * f["sqrt"](a.value)))
            case "sin":
                return a.through(f["sin"](a.value), f["cos"](a.value))
            case "cos":
                return a.through(f["cos"](a.value), -f["sin"](a.value))
            case "tanh":
                return a.through(f["tanh"](a.value), 1 / (f["cosh"](a.value) * f["cosh"](a.value)))
            case "Phi":
                density = f["exp"](-a.value * a.value / 2) / f["sqrt"](2 * self.calculator.pi())
                return a.through((1 + f["erf"](a.value / f["sqrt"](self.number("2").value))) / 2, density)
        raise TypeError(name)


def _total(values: Iterable[Dual]) -> Dual:
    return reduce(Dual.__add__, values)


def interpreted(example: Example, calculator: Calculator) -> Interpreter:
    """The interpreter of an example's own text, before anything was made of it; its differentiated numbers move."""
    one = calculator.number("1")
    leaves: dict[Place, Dual] = {}
    whole: dict[Place, int] = {}
    for name, given in example.numbers.items():
        exact = given.exact()
        for at in itertools.product(*map(range, given.shape)):
            place = name, tuple(k + 1 for k in at)
            text = str(exact[at])
            moves = {place: one} if name in example.differentiated else {}
            leaves[place] = Dual(calculator.number(text), moves)
            if Fraction(text).denominator == 1:
                whole[place] = int(Fraction(text))
    statements = example.statements
    return Interpreter(statements.equations, example.step.ranges, statements.outside, whole, leaves, calculator)


class Formulas(Interpreter):
    """Works written-out formulas from numbers that somebody recorded."""

    def __init__(self, calculator: Calculator, recorded: Callable[[str, tuple[int, ...]], Any]) -> None:
        super().__init__((), {}, (), {}, {}, calculator)
        self.recorded = recorded

    def entry(self, name: str, at: tuple[int, ...]) -> Dual:
        """The recorded number."""
        return Dual(self.recorded(name, at))

    def value(self, e: Expression, letters: Letters) -> Dual:
        """The number of a formula of entries; [entry is the largest], [... the smallest] by comparing."""
        match e:
            case Largest(entry, other):
                above, below = self.value(other, letters), self.value(entry, letters)
            case Smallest(entry, other):
                above, below = self.value(entry, letters), self.value(other, letters)
            case _:
                return super().value(e, letters)
        return self.number("0" if above.value > below.value else "1")
