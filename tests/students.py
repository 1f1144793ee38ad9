"""Simulated people: they work the step as a person does, with every way of rounding that is right.

The arithmetic here shares nothing with the one that marks: plain numbers, one row a person, each operation rounded as
that person rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from derivations.arithmetic import Arithmetic
from derivations.network import Problem
from derivations.rules import RULES, Rules
from tracer.answers.marking.cells import Cells, Written
from tracer.answers.marking.passes import At, passes

Array = Any
HALF_UP, HALF_EVEN, CUT = range(3)
LEAST = 1e-9
"""What is smaller is left out: here it is what float64 left of a cancelled sum."""
PARTS = ("there", "value", "unit", "figures")


class People:
    """How each of `count` people rounds, drawn by a generator.

    digits: figures or decimals; `extra` guard digits; `inside`: products and sums are rounded too; `carry` is the share
    of cells from which they go on with what is shown (0: memory, 1: shown).
    """

    def __init__(self, count: int, rng: np.random.Generator, **fixed: Any) -> None:
        self.count = count
        self.way = rng.integers(0, 3, count)
        self.figures = rng.random(count) < 0.5
        self.digits = np.where(self.figures, rng.integers(2, 7, count), rng.integers(1, 7, count))
        self.extra = rng.choice([0, 0, 1, 2], count)
        self.inside = rng.random(count) < 0.4
        self.carry = rng.choice([0.0, 1.0, 0.5], count)
        self.short = rng.random(count) < 0.2
        for name, value in fixed.items():
            setattr(self, name, np.full(count, value))

    def rounded(self, values: Array, extra: Array) -> Array:
        """Each person's own rounding, to `extra` digits more than they show."""
        return self._at(values, self.unit(values, extra))

    def unit(self, values: Array, extra: Array) -> Array:
        """The place value of the last digit."""
        ones = (self.count, *(1,) * (values.ndim - 1))
        size = np.abs(values)
        power = np.floor(np.log10(np.where(size > 0, size, 1)) + 1e-13)
        digits = (self.digits + extra).reshape(ones)
        return np.where(self.figures.reshape(ones), 10.0 ** (power - digits + 1), 10.0**-digits)

    def _at(self, values: Array, unit: Array) -> Array:
        ones = (self.count, *(1,) * (values.ndim - 1))
        way = self.way.reshape(ones)
        scaled = values / unit
        near = np.rint(scaled)
        exact = np.abs(scaled - near) < 2e-14 * np.maximum(np.abs(scaled), 1)
        up = np.sign(scaled) * np.floor(np.abs(scaled) + 0.5 + 1e-10)
        out = np.where(way == HALF_UP, up, np.where(way == HALF_EVEN, near, np.trunc(scaled)))
        out = np.where(exact, near, out) * unit
        return np.where(np.isfinite(values), out, values)


class Worked:
    """Numbers of many people at once; each operation is rounded by those who round inside."""

    __array_ufunc__ = None

    def __init__(self, m: Student, values: Array) -> None:
        self.m, self.values = m, values

    shape = property(lambda self: self.values.shape[1:])
    ndim = property(lambda self: self.values.ndim - 1)
    T = property(lambda self: Worked(self.m, self.values.swapaxes(-1, -2)))

    def __len__(self) -> int:
        return self.values.shape[1]

    def __getitem__(self, key: Any) -> Worked:
        return Worked(self.m, self.values[(slice(None), *(key if isinstance(key, tuple) else (key,)))])

    def __setitem__(self, key: Any, value: Worked) -> None:
        self.values[(slice(None), *(key if isinstance(key, tuple) else (key,)))] = value.values

    def sum(self, axis: Any = None, keepdims: bool = False) -> Worked:
        axes = tuple(range(1, self.values.ndim)) if axis is None else axis + 1
        size = np.abs(self.values).sum(axis=axes, keepdims=keepdims)
        return self.m.made(_snapped(self.values.sum(axis=axes, keepdims=keepdims), size))

    def __neg__(self) -> Worked:
        return Worked(self.m, -self.values)

    def _both(self, other: Any) -> tuple[Array, Array]:
        x, y = self.values, self.m.of(other)
        most = max(x.ndim, y.ndim)
        return tuple(v.reshape(v.shape[0], *(1,) * (most - v.ndim), *v.shape[1:]) for v in (x, y))  # type: ignore

    def __add__(self, other: Any) -> Worked:
        x, y = self._both(other)
        return self.m.made(_snapped(x + y, np.maximum(np.abs(x), np.abs(y))))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Worked:
        x, y = self._both(other)
        return self.m.made(_snapped(x - y, np.maximum(np.abs(x), np.abs(y))))

    def __rsub__(self, other: Any) -> Worked:
        x, y = self._both(other)
        return self.m.made(_snapped(y - x, np.maximum(np.abs(x), np.abs(y))))

    def __mul__(self, other: Any) -> Worked:
        x, y = self._both(other)
        return self.m.made(x * y)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Worked:
        x, y = self._both(other)
        return self.m.made(x / y)

    def __rtruediv__(self, other: Any) -> Worked:
        x, y = self._both(other)
        return self.m.made(y / x)

    def __pow__(self, power: int) -> Worked:
        return self.m.made(self.values**power)

    def __matmul__(self, other: Any) -> Worked:
        other = Worked(self.m, self.m.of(other))
        return (self[:, :, None] * other[None]).sum(axis=1)

    def __rmatmul__(self, other: Any) -> Worked:
        return Worked(self.m, self.m.of(other)) @ self


def _snapped(values: Array, size: Array) -> Array:
    """A sum without what float64 leaves where terms of that size cancel: 1 - 0.999 is 0.001 to a person."""
    with np.errstate(all="ignore"):
        grain = 10.0 ** (np.floor(np.log10(size)) - 14)
        return np.where((size > 0) & np.isfinite(size), np.rint(values / grain) * grain, values)


class Student(Arithmetic):
    """The arithmetic of those people."""

    name = "students"
    by_definition = True

    def __init__(self, people: People) -> None:
        self.people = people
        self.pi = Worked(self, np.array([np.pi]))

    def of(self, value: Any) -> Array:
        return value.values if isinstance(value, Worked) else np.asarray(value, float)[None]

    def made(self, values: Array) -> Worked:
        p = self.people
        if p.inside.any():
            values = np.broadcast_to(values, (p.count, *values.shape[1:]))
            kept = p.rounded(values, p.extra)
            values = np.where(p.inside.reshape(p.count, *(1,) * (values.ndim - 1)), kept, values)
        return Worked(self, values)

    def number(self, text: str) -> Worked:
        return Worked(self, np.array([float(text)]))

    def lift(self, given: Any) -> Worked:
        return Worked(self, given.floats[None].astype(float))

    def scalar(self, given: Any) -> Worked:
        return self.lift(given)

    def working(self) -> Any:
        return np.errstate(all="ignore")

    def exp(self, a: Any) -> Worked:
        return self.made(np.exp(self.of(a)))

    def expm1(self, a: Any) -> Worked:
        return self.made(np.expm1(self.of(a)))

    def log(self, a: Any) -> Worked:
        return self.made(np.log(self.of(a)))

    def log1p(self, a: Any) -> Worked:
        return self.made(np.log1p(self.of(a)))

    def tanh(self, a: Any) -> Worked:
        return self.made(np.tanh(self.of(a)))

    def normal_cdf(self, a: Any) -> Worked:
        from derivations.arithmetic import Float64

        return self.made(Float64.normal_cdf(self.of(a)))

    def sqrt(self, a: Any) -> Worked:
        return self.made(np.sqrt(np.maximum(self.of(a), 0)))

    def square(self, a: Any) -> Worked:
        return self.made(self.of(a) ** 2)

    def absolute(self, a: Any) -> Worked:
        return Worked(self, np.abs(self.of(a)))

    def positive_part(self, a: Any) -> Worked:
        return Worked(self, np.maximum(self.of(a), 0))

    def ones_like(self, a: Any) -> Worked:
        return Worked(self, np.ones_like(self.of(a)))

    def where(self, a: Any, p: Any, q: Any) -> Worked:
        return Worked(self, np.where(self.of(a) > 0, self.of(p), self.of(q)))

    def unless_zero(self, t: Any, value: Any) -> Worked:
        return Worked(self, np.where(self.of(t) == 0, 0, self.of(value)))

    def over(self, t: Any, y: Any) -> Worked:
        return self.unless_zero(t, t / y)

    def largest(self, a: Any) -> Worked:
        return Worked(self, self.of(a).max(axis=1))


def sheets_of(
    problem: Problem, people: People, rng: np.random.Generator, *, share: float = 1.0, rules_: Rules = RULES
) -> Cells:
    """What these people write: every recorded number, or a random share of them."""
    m = Student(people)
    arrays: dict[At, Written] = {}

    def keep(at: At, array: Any) -> Any:
        values = np.broadcast_to(array.values, (people.count, *array.values.shape[1:]))
        ones = (people.count, *(1,) * (values.ndim - 1))
        memory = np.where((people.extra > 0).reshape(ones), people.rounded(values, people.extra), values)
        shown = people.rounded(memory, np.zeros(people.count, int))
        there = np.isfinite(shown) & (rng.random(shown.shape) < share)
        there &= (shown == 0) | (np.abs(shown) >= LEAST)
        unit = people.unit(memory, np.zeros(people.count, int))
        unit = np.where(shown == 0, 10.0 ** -people.digits.reshape(ones), unit)
        power = np.floor(np.log10(np.where(shown == 0, 1, np.abs(shown))) + 1e-13)
        figures = np.where(shown == 0, 1, np.maximum(power - np.round(np.log10(unit)) + 1, 1))
        arrays[at] = Written(there, np.where(there, shown, 0.0), unit, figures)
        on = (rng.random(shown.shape) < people.carry.reshape(ones)) & there
        return Worked(m, np.where(on, shown, memory))

    for sample, step, run in passes(problem, m, 1):
        run(lambda kind, l, array, s=sample, k=step: keep(At(kind, l, s, k), array), rules_)
    least = np.where(people.figures & ~people.short, people.digits, 0.0)
    return Cells(problem, people.count, arrays, people.digits.astype(float), 10.0**-people.digits, least)


def joined(sheets: Sequence[Cells]) -> Cells:
    """The sheets of many groups of people as one class."""
    first = sheets[0]
    arrays = {
        at: Written(*(np.concatenate([getattr(c.arrays[at], part) for c in sheets]) for part in PARTS))
        for at in first.arrays
    }
    return replace(
        first,
        count=sum(c.count for c in sheets),
        arrays=arrays,
        figures=np.concatenate([c.figures for c in sheets]),
        unit=np.concatenate([c.unit for c in sheets]),
        least=np.concatenate([c.least for c in sheets]),
    )


# --- what they work on ---

SHAPES = (
    ("3-2-2", [(3,), (2, "sigmoid", ""), (2, "identity", "")], "half_squared_error", 1, {}),
    ("3-2-2 bias", [(3,), (2, "sigmoid", "b"), (2, "sigmoid", "b")], "half_squared_error", 1, {}),
    ("2-2-1 tanh", [(2,), (2, "tanh", "b"), (1, "tanh", "b")], "squared_error", 1, {}),
    ("2-2-2 shared", [(2,), (2, "sigmoid", "b shared"), (2, "sigmoid", "b shared")], "mean_squared_error", 1, {}),
    ("4-3-2 bce", [(4,), (3, "sigmoid", "theta"), (2, "sigmoid", "theta")], "binary_cross_entropy", 2, {}),
    ("2-3-3 softmax", [(2,), (3, "relu", "b"), (3, "softmax", "b")], "cross_entropy", 3, {"reduction": "mean"}),
    ("2-3-3 softmax one", [(2,), (3, "tanh", ""), (3, "softmax", "")], "cross_entropy", 1, {}),
    ("2-2-2-2", [(2,), (2, "sigmoid", "b"), (2, "tanh", "b"), (2, "identity", "b")], "half_squared_error", 1, {}),
    ("batch momentum", [(2,), (3, "leaky_relu", "b"), (2, "identity", "b")], "mean_squared_error", 3,
     {"optimizer": "momentum", "momentum": 0.9}),
    ("adam", [(2,), (2, "elu", "b"), (1, "sigmoid", "b")], "half_squared_error", 2,
     {"optimizer": "adam", "reduction": "mean"}),
    ("in turn", [(2,), (2, "sigmoid", "b"), (1, "sigmoid", "b")], "half_squared_error", 2, {"samples": "in_turn"}),
    ("softplus silu gelu", [(2,), (3, "softplus", "b"), (3, "silu", "b"), (2, "gelu", "b")], "squared_error", 1, {}),
)  # fmt: skip


def draw(rng: np.random.Generator, shapes: Sequence[Any] | None = None) -> tuple[str, dict]:
    """One of the architectures, with weights of one or two decimals."""
    shapes = shapes or SHAPES
    name, layers, loss, samples, training = shapes[rng.integers(len(shapes))]
    places = int(rng.integers(1, 3))

    def numbers(*shape: int) -> list:
        return np.round(rng.uniform(-1.5, 1.5, shape), places).tolist()

    inputs, *sizes = [size for size, *_ in layers]
    out = []
    for (size, activation, bias), before in zip(layers[1:], [inputs, *sizes], strict=False):
        layer = {"activation": activation, "W": numbers(size, before)}
        if bias == "b":
            layer["b"] = numbers(size)
        elif bias:
            layer[bias.split()[0]] = numbers(size) if bias == "theta" else numbers(1)[0]
        out.append(layer)
    K = sizes[-1]
    cells = []
    for _ in range(samples):
        x = np.round(rng.uniform(-3, 3, inputs), places).tolist()
        t = np.eye(K)[rng.integers(K)].tolist() if loss.endswith("entropy") else numbers(K)
        cells.append({"x": x, "t": t})
    rate = {"learning_rate": float(rng.choice([0.1, 0.5, 0.01, 1, 0.05])), **training}
    return name, {"network": {"loss": loss, "layers": out}, "samples": cells, "training": rate}
