"""Numbers on a tape, and functions of them: reverse differentiation of scalars, for tests that share nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["BOUNDED", "EXP", "FUNCTIONS", "LOG", "NEAREST", "SQRT", "Num", "Of", "Outside", "Tape", "total"]

LARGEST, NEAREST = 1e6, 1e-6  # of a value, to a kink


class Outside(Exception):
    """A draw whose numbers are too large, too near a kink or too ill-conditioned to compare."""


# --- numbers on a tape ---


class Tape:
    """Scalars in the order they were worked, each with the slopes of what it was worked from."""

    def __init__(self) -> None:
        self.parents: list[Sequence[tuple[int, float]]] = []
        self.values: list[float] = []
        self.nearest = math.inf

    def number(self, value: float, *parents: tuple[Num, float]) -> Num:
        """A number, and what it gains for each of those that it is made of."""
        if not abs(value) < LARGEST:
            raise Outside
        self.parents.append([(p.at, slope) for p, slope in parents])
        self.values.append(value)
        return Num(self, len(self.values) - 1, value)

    def kink(self, distance: float) -> None:
        """How far a test stands from where it turns."""
        self.nearest = min(self.nearest, abs(distance))

    def gradients(self, of: Num) -> tuple[list[float], list[float]]:
        """What `of` gains for each number; and the sum of the sizes of the parts of that."""
        gains, sizes = [0.0] * len(self.values), [0.0] * len(self.values)
        gains[of.at] = sizes[of.at] = 1.0
        for k in range(of.at, -1, -1):
            for p, slope in self.parents[k]:
                gains[p] += slope * gains[k]
                sizes[p] += abs(slope) * sizes[k]
        return gains, sizes


@dataclass(frozen=True)
class Num:
    """A number on a tape."""

    tape: Tape
    at: int
    value: float

    def __add__(self, other: Num) -> Num:
        return self.tape.number(self.value + other.value, (self, 1), (other, 1))

    def __sub__(self, other: Num) -> Num:
        return self.tape.number(self.value - other.value, (self, 1), (other, -1))

    def __mul__(self, other: Num) -> Num:
        return self.tape.number(self.value * other.value, (self, other.value), (other, self.value))

    def __truediv__(self, other: Num) -> Num:
        ratio = self.value / other.value
        return self.tape.number(ratio, (self, 1 / other.value), (other, -ratio / other.value))

    def __neg__(self) -> Num:
        return self.tape.number(-self.value, (self, -1))

    def power(self, n: float) -> Num:
        """A fixed power."""
        return self.tape.number(self.value**n, (self, n * self.value ** (n - 1)))

    def by(self, value: float, slope: float) -> Num:
        """A function of this number."""
        return self.tape.number(value, (self, slope))


def sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a))


def Phi(a: float) -> float:
    return math.erfc(-a / math.sqrt(2)) / 2


def phi(a: float) -> float:
    return math.exp(-a * a / 2) / math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class Of:
    """A function: what it is called, its value, its slope; whether it has a kink at 0."""

    spellings: Sequence[str]
    value: Callable[[float], float]
    slope: Callable[[float], float]
    kink: bool = False


FUNCTIONS = (
    Of(("tanh", "Tanh"), math.tanh, lambda a: 1 - math.tanh(a) ** 2),
    Of(("sigmoid", "σ", "logistic", "Sigmoid"), sigmoid, lambda a: sigmoid(a) * (1 - sigmoid(a))),
    Of(("sin",), math.sin, math.cos),
    Of(("cos",), math.cos, lambda a: -math.sin(a)),
    Of(("softplus",), lambda a: math.log1p(math.exp(a)), sigmoid),
    Of(("silu", "swish", "SiLU"), lambda a: a * sigmoid(a), lambda a: sigmoid(a) * (1 + a * (1 - sigmoid(a)))),
    Of(("gelu", "GELU"), lambda a: a * Phi(a), lambda a: Phi(a) + a * phi(a)),
    Of(("Phi",), Phi, phi),
    Of(("identity",), lambda a: a, lambda a: 1.0),
    Of(("relu", "ReLU"), lambda a: max(a, 0.0), lambda a: float(a > 0), kink=True),
    Of(("leaky_relu",), lambda a: a if a > 0 else a / 100, lambda a: 1.0 if a > 0 else 0.01, kink=True),
    Of(("elu", "ELU"), lambda a: a if a > 0 else math.expm1(a), lambda a: 1.0 if a > 0 else math.exp(a), kink=True),
    Of(("abs",), abs, lambda a: math.copysign(1, a), kink=True),
)
BOUNDED = ("tanh", "sigmoid", "sin", "cos", "Phi")
EXP = Of(("exp", "Exp"), math.exp, math.exp)
LOG = Of(("log", "ln"), math.log, lambda a: 1 / a)
SQRT = Of(("sqrt", "√"), math.sqrt, lambda a: 0.5 / math.sqrt(a))


def total(numbers: Sequence[Num]) -> Num:
    """The sum of one number or more."""
    out = numbers[0]
    for a in numbers[1:]:
        out = out + a
    return out
