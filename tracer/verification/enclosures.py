"""The two routes at one precision: reverse mode from local derivatives, and power series carried to the loss.

Letters: W weight, b bias, a pre-activation, z activation, t target, E loss, delta = dE/da; samples are columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derivations import names
from derivations.given import Given
from derivations.network import Problem
from tracer.verification.power_series import PowerSeries

__all__ = ["Exactly", "Kink", "TwoRoutes", "accuracies", "is_sharp"]

Array = Any


@dataclass(frozen=True)
class Kink:
    """A unit whose pre-activation cannot be told from a kink: its name, its ball, and the hull of the slopes there."""

    name: str
    at: Any
    slopes: Any


class Exactly:
    """The given numbers of a problem, made exact once: floats (which are), or rationals."""

    def __init__(self, problem: Problem, floats: bool) -> None:
        self.floats = floats
        layers = problem.network.layers
        self.W = [self._numbers(layer.W) for layer in layers]
        self.b = [None if layer.b is None else self._numbers(layer.b) for layer in layers]
        self.x = self._numbers(problem.x)
        self.t = None if problem.signals is None else self._numbers(problem.signals)

    def _numbers(self, given: Given) -> list[Any]:
        if self.floats or given.texts is None:
            return list(given.floats.ravel().tolist())
        return [_rational(text) for text in given.exact().flat]


def _rational(text: str) -> Any:
    from flint import fmpq

    whole, point, digits = text.partition(".")
    if not (digits if point else whole.lstrip("+-")).isdigit():
        value = Fraction(text)
        return fmpq(value.numerator, value.denominator)
    return fmpq(int(whole + digits), 10 ** len(digits))


class TwoRoutes:
    """Both routes at one precision.  z[0] = x; arrays hold balls, columns are samples, `W` are `arb_mat`."""

    def __init__(self, problem: Problem, given: Exactly, bits: int) -> None:
        self.problem, self.network, self.m = problem, problem.network, PowerSeries(bits)
        self.L, self.N = len(problem.network), problem.samples
        self.W: list[Any] = [None]
        self.b: list[Array] = [None]
        self.t: Array = None
        with self.m.working():
            for (_, layer), W, b in zip(self.network, given.W, given.b, strict=True):
                self.W.append(_mat(W, layer.W.shape))
                self.b.append(None if b is None else _column(b, layer.units, layer.bias))
            self.z = [_array(given.x, problem.x.shape)]
            if given.t is not None and problem.signals is not None:
                self.t = _array(given.t, problem.signals.shape)
            self._forward()
            self.balls = self._backward()

    @property
    def size(self) -> int:
        """How many gradients there are."""
        return sum(array.size for array in self.balls.values())

    def _forward(self) -> None:
        self.a: list[Array] = [None]
        self.local: list[Array] = [None]
        for l, layer in self.network:
            a = _product(self.W[l], self.z[l - 1])
            a = a if self.b[l] is None else a + self.b[l]
            z, local = self._activation(layer.activation, a)
            self.a.append(a)
            self.z.append(z)
            self.local.append(local)

    def _activation(self, h: Any, a: Array) -> tuple[Array, Array]:
        """z, and its local derivative: h'(a), or dz[k]/da[m] as [k, m]."""
        if h.elementwise:
            return self._series(lambda s: h.formula(self.m, s), a, _like(a, 1))
        columns = []
        for k in range(len(a)):
            moved = _like(a, 0)
            moved[k] = _like(a[k], 1)
            z, column = self._series(lambda s: h.formula(self.m, s), a, moved)
            columns.append(column)
        return z, np.stack(columns, 1)

    def _series(self, formula: Any, constants: Array, powers: Array) -> tuple[Array, Array]:
        try:
            return self.m.coefficients(formula(self.m.variable(constants, powers)))
        except ValueError as error:
            if "denominator" not in str(error):
                raise
        unknown = _array([math.nan] * constants.size, constants.shape)  # a denominator whose ball holds zero
        return tuple(unknown for _ in range(self.m.length))

    def _loss(self, y: Array, powers: Array, t: Array) -> Array:
        """The coefficient of x of each part of the loss, y moved by `powers`."""
        parts = self.network.loss.parts
        if parts is None:
            return t * powers  # dE/dy is given
        return self._series(lambda s: parts(self.m, s, t), y, powers)[1]

    def _backward(self) -> dict[tuple[str, int], Array]:
        out: dict[tuple[str, int], Array] = {}
        dz = self._loss(self.z[self.L], _like(self.z[self.L], 1), self.t)
        for l in range(self.L, 0, -1):
            local = self.local[l]
            delta = local * dz if local.ndim == 2 else (local * dz[:, None]).sum(axis=0)
            out["delta", l] = delta
            out["dW", l] = self._combined(_product(_mat(list(delta.flat), delta.shape), self.z[l - 1].T))
            bias = self.network.layer(l).bias
            if bias is not None:
                total = delta.sum(axis=0 if bias.shared else 1, keepdims=True)
                total = total.sum(axis=1, keepdims=True) if bias.shared else total
                out["db", l] = self._combined(-total if bias.letter == "theta" else total)
            if l > 1:
                dz = _product(self.W[l].transpose(), delta)
        return out

    def _combined(self, total: Array) -> Array:
        return total / self.N if self.problem.training.reduction == "mean" and self.N > 1 else total

    # --- route 2 ---

    def apart(self) -> Iterator[tuple[str, int]]:
        """(kind, layer) of what the two routes put in balls that do not meet."""
        with self.m.working():
            found = [key for l in range(1, self.L + 1) for key in self._apart(l)]
        yield from found

    def _apart(self, l: int) -> Iterator[tuple[str, int]]:
        units, delta = self.network.layer(l).units, self.balls["delta", l]
        moves = _array([0] * units**2 * self.N, (units, units, self.N))
        for i in range(units):
            moves[i, i] = _like(delta[i], 1)
        if not _meet(self._pushed(l, moves.reshape(units, -1)).reshape(delta.shape), delta):
            yield "delta", l
        # the direction u v^T for W and w for b, no entry zero: one wrong entry of dW or db moves the sum
        rng = np.random.default_rng(l)
        u, v, w = (_array(rng.integers(1, 10, n).tolist(), (n, 1)) for n in (units, len(self.z[l - 1]), units))
        moved = u * _product(_mat(list(v.flat), (1, len(v))), self.z[l - 1])
        dW = self.balls["dW", l]
        along = (_product(_mat(list(dW.flat), dW.shape), v) * u).sum()
        bias = self.network.layer(l).bias
        if bias is not None:
            w = w[:1] if bias.shared else w
            moved = moved + (-w if bias.letter == "theta" else w)
            along = along + (self.balls["db", l] * w).sum()
        if not _meet(self._combined(self._pushed(l, moved).sum()), along):
            yield from ((kind, l) for kind in ("dW", "db") if (kind, l) in self.balls)

    def _pushed(self, l: int, powers: Array) -> Array:
        """dE/dx of each sample for a_l + powers x; columns are direction after direction, in each the samples."""
        times = powers.shape[1] // self.N
        for k in range(l, self.L + 1):
            h, a = self.network.layer(k).activation, np.tile(self.a[k], times)
            moved = _like(a, 0)
            # an elementwise h moves only what is moved
            chosen = ~_still(powers).astype(bool) if h.elementwise else np.ones(a.shape, bool)
            of = (a[chosen], powers[chosen]) if h.elementwise else (a, powers)
            moved[chosen] = self._series(lambda s, h=h: h.formula(self.m, s), *of)[1].reshape(-1)
            powers = _product(self.W[k + 1], moved) if k < self.L else moved
        t = None if self.t is None else np.tile(self.t, times)
        return self._loss(np.tile(self.z[self.L], times), powers, t).sum(axis=0)

    # --- the loss elsewhere ---

    def loss_moved(self, l: int, moves: Array) -> Array:
        """The loss, samples summed, where a of layer l is moved; (moves,).  `moves` is (units, moves, samples)."""
        count = moves.shape[1]
        moves = moves.reshape(len(moves), -1)
        z = np.tile(self.z[l], count)
        for k in range(l, self.L + 1):
            h = self.network.layer(k).activation
            if k == l:
                chosen = ~_still(moves).astype(bool) if h.elementwise else np.ones(moves.shape, bool)
                a = np.tile(self.a[l], count) + moves
            else:
                a = _product(self.W[k], z)
                a = a if self.b[k] is None else a + self.b[k]
                chosen = np.ones(a.shape, bool)
                z = np.tile(self.z[k], count)
            of = a[chosen] if h.elementwise else a
            z[chosen] = self.m.coefficients(h.formula(self.m, of))[0].reshape(-1)
        t, parts = None if self.t is None else np.tile(self.t, count), self.network.loss.parts
        each = z * t if parts is None else self.m.coefficients(parts(self.m, z, t))[0]
        return self._combined(each.sum(axis=0).reshape(count, self.N).sum(axis=1))

    # --- kinks ---

    def kinks(self, sample: int) -> list[Kink]:
        """The units at a kink where the two sides' slopes differ."""
        out = []
        for l, layer in self.network:
            if not layer.activation.kinks:
                continue
            quantities = names.elements(self.network, "a", l, self.N, sample)
            for q, a, slope in zip(quantities.flat, self.a[l].flat, self.local[l].flat, strict=True):
                if any(a.contains(kink) for kink in layer.activation.kinks) and not is_sharp(slope, 8):
                    out.append(Kink(names.text(self.network, q), a, slope))
        return out


def _array(numbers: list[Any], shape: tuple[int, ...]) -> Array:
    from flint import arb

    return _shaped([arb(v) for v in numbers], shape)


def _shaped(balls: list[Any], shape: tuple[int, ...]) -> Array:
    out = np.empty(len(balls), object)
    out[:] = balls
    return out.reshape(shape)


def _mat(numbers: list[Any], shape: tuple[int, ...]) -> Any:
    from flint import arb_mat

    return arb_mat(shape[0], shape[1], numbers)


def _column(numbers: list[Any], units: int, bias: Any) -> Array:
    """What is added to a: one entry a unit, the sign of a threshold turned."""
    column = _array(numbers * (units if bias.shared else 1), (units, 1))
    return -column if bias.letter == "theta" else column


def _product(matrix: Any, array: Array) -> Array:
    product = matrix * _mat(list(array.flat), array.shape)
    return _shaped(product.entries(), (matrix.nrows(), array.shape[1]))


def _like(array: Array, number: int) -> Array:
    return _array([number] * array.size, array.shape)


_still = np.frompyfunc(lambda v: v == 0, 1, 1)  # of exact zeros alone


def _meet(one: Array, other: Array) -> bool:
    """Whether the balls overlap, entry by entry; what is not finite tells nothing."""
    pairs = zip(np.asarray(one, object).flat, np.asarray(other, object).flat, strict=True)
    return all(p.overlaps(q) or not (p.is_finite() and q.is_finite()) for p, q in pairs)


def accuracies(array: Array) -> Array:
    """How many bits of each ball are sure, as Arb counts them: very many for an exact one, few around zero."""
    from flint import arb

    return np.fromiter(map(arb.rel_accuracy_bits, array.flat), np.int64, array.size)


def is_sharp(ball: Any, need: int) -> bool:
    """Whether `need` bits of it are sure."""
    return bool(ball.rel_accuracy_bits() >= need)
