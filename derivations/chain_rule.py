"""sympy derives: local derivatives by `sympy.diff`, composed by the chain rule through named intermediates.

This is the second route to a gradient.  It shares only the definition of the network with the rules of a step: the
formula of each activation's and loss's value, and a = W z + b.  No derivative stated in an entry is used here.

Letters: a pre-activation, z activation, y output, t target, E loss, delta = dE/da.  Every expression is over names of
earlier quantities, so its size is linear in the number of weights; `substituted` puts definitions in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import sympy as sp

from derivations import names
from derivations.activations import Activation
from derivations.arithmetic import Arithmetic
from derivations.given import Given
from derivations.names import Quantity
from derivations.network import Problem

__all__ = ["A", "ChainRule", "Symbolic", "local_jacobian", "local_loss", "local_slope", "symbol"]

Expr = Any


def _each(function: Callable[..., Any], inputs: int = 1) -> Any:
    return staticmethod(np.frompyfunc(function, inputs, 1))


class Symbolic(Arithmetic):
    """The arithmetic whose numbers are sympy expressions; formulas run in their defining form."""

    name = "symbolic"
    by_definition = True
    exp = _each(sp.exp)
    expm1 = _each(lambda a: sp.exp(a) - 1)
    log = _each(sp.log)
    log1p = _each(lambda a: sp.log(1 + a))
    tanh = _each(sp.tanh)
    normal_cdf = _each(lambda a: sp.erfc(-a / sp.sqrt(2)) / 2)
    sqrt = _each(sp.sqrt)
    square = _each(lambda a: a**2)
    absolute = _each(sp.Abs)
    ones_like = _each(lambda a: sp.Integer(1))
    positive_part = _each(lambda a: sp.Piecewise((a, a > 0), (0, True)))
    where = _each(lambda a, p, q: sp.Piecewise((p, a > 0), (q, True)), 3)
    unless_zero = _each(lambda t, value: value, 2)
    over = _each(lambda t, y: t / y, 2)
    pi = sp.pi

    def number(self, text: str) -> Expr:
        """The exact rational."""
        return sp.Rational(text)

    def lift(self, given: Given) -> Any:
        """Exact rationals, as written."""
        return np.frompyfunc(sp.Rational, 1, 1)(given.exact())


M = Symbolic()
A = sp.Symbol("a", real=True)


@lru_cache(maxsize=4096)
def symbol(name: str) -> sp.Symbol:
    """The symbol of a text name."""
    return sp.Symbol(name, real=True)


def _column(*entries: Expr) -> Any:
    out = np.empty((len(entries), 1), object)
    out[:, 0] = entries
    return out


@lru_cache(maxsize=64)
def local_slope(activation: Activation) -> Expr:
    """h'(a) of an elementwise activation, by sympy.diff of its value, in the symbol `A`."""
    return sp.diff(activation.formula(M, A), A)


@lru_cache(maxsize=64)
def local_jacobian(activation: Activation, units: int) -> tuple[tuple[sp.Symbol, ...], tuple[tuple[Expr, ...], ...]]:
    """The symbols a[1..n] and dz[k]/da[m] of an activation that works on a whole layer, by sympy.diff."""
    letters = tuple(symbol(f"a_{k}") for k in range(1, units + 1))
    z = activation.formula(M, _column(*letters))[:, 0]
    return letters, tuple(tuple(sp.diff(z_k, a) for a in letters) for z_k in z)


@lru_cache(maxsize=64)
def local_loss(parts: Any, outputs: int) -> tuple[tuple[sp.Symbol, ...], tuple[sp.Symbol, ...], Expr, tuple[Expr, ...]]:
    """The symbols y and t, the loss of one sample as the sum of its parts, dE/dy[k] by sympy.diff.

    For the loss `given`, which has no parts, the t are dE/dy themselves.
    """
    y = tuple(symbol(f"y_{k}") for k in range(1, outputs + 1))
    t = tuple(symbol(f"t_{k}") for k in range(1, outputs + 1))
    if parts is None:
        return y, t, None, t
    whole = sum(parts(M, _column(*y), _column(*t))[:, 0])
    return y, t, whole, tuple(sp.diff(whole, y_k) for y_k in y)


class ChainRule:
    """The partial derivatives of one sample's loss, each over the names of earlier quantities.

    `of` maps every quantity dz, slope, J, delta, dW, db to its expression; `definitions` maps a, z and E.  Names are
    those of a one-sample problem.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem.sample(1) if problem.samples > 1 else problem
        self.network = problem.network
        self.definitions: dict[Quantity, Expr] = {}
        self.of: dict[Quantity, Expr] = {}
        self._forward()
        self._backward()

    def name(self, kind: str, layer: int = 0, *indices: int) -> sp.Symbol:
        """The symbol of a quantity."""
        return symbol(names.text(self.network, Quantity(kind, layer, indices)))

    def _below(self, l: int) -> list[sp.Symbol]:
        letter = ("x", 0) if l == 1 else ("z", l - 1)
        return [self.name(*letter, i) for i in range(1, self.network.sizes[l - 1] + 1)]

    def _bias(self, l: int, j: int) -> Expr:
        """What the layer's bias adds to a[j], as written: +b[j], +b, -theta[j]."""
        bias = self.network.layer(l).bias
        if bias is None:
            return sp.Integer(0)
        b = self.name("b", l) if bias.shared else self.name("b", l, j)
        return -b if bias.letter == "theta" else b

    def _forward(self) -> None:
        for l, layer in self.network:
            units = range(1, layer.units + 1)
            for j in units:
                terms = [self.name("W", l, j, i) * z for i, z in enumerate(self._below(l), 1)]
                self.definitions[Quantity("a", l, (j,))] = sp.Add(*terms, self._bias(l, j))
            a = _column(*(self.name("a", l, j) for j in units))
            for j, z in zip(units, layer.activation.formula(M, a)[:, 0], strict=True):
                self.definitions[Quantity("z", l, (j,))] = z
        _, _, loss, _ = self._loss
        if loss is not None:
            self.definitions[Quantity("E")] = loss.xreplace(self._outputs)

    @cached_property
    def _loss(self) -> tuple[tuple[sp.Symbol, ...], tuple[sp.Symbol, ...], Expr, tuple[Expr, ...]]:
        return local_loss(self.network.loss.parts, self.network.sizes[-1])

    @cached_property
    def _outputs(self) -> dict[sp.Symbol, sp.Symbol]:
        y, t, _, _ = self._loss
        L, needs = len(self.network), self.network.loss.needs
        signals = ("dz", L) if needs == "dz" else ("t", 0)
        return {
            **{s: self.name("z", L, k) for k, s in enumerate(y, 1)},
            **{s: self.name(*signals, k) for k, s in enumerate(t, 1)},
        }

    def _backward(self) -> None:
        L = len(self.network)
        _, _, _, slopes = self._loss
        for k, slope in enumerate(slopes, 1):
            self.of[Quantity("dz", L, (k,))] = slope.xreplace(self._outputs)
        for l in range(L, 0, -1):
            self._deltas(l)
            self._parameters(l)

    def _deltas(self, l: int) -> None:
        layer = self.network.layer(l)
        units = range(1, layer.units + 1)
        if layer.activation.elementwise:
            slope = local_slope(layer.activation)
            for j in units:
                self.of[Quantity("slope", l, (j,))] = slope.xreplace({A: self.name("a", l, j)})
                self.of[Quantity("delta", l, (j,))] = self.name("slope", l, j) * self.name("dz", l, j)
            return
        letters, jacobian = local_jacobian(layer.activation, layer.units)
        named = {s: self.name("a", l, j) for j, s in enumerate(letters, 1)}
        for k in units:
            for m in units:
                self.of[Quantity("J", l, (k, m))] = jacobian[k - 1][m - 1].xreplace(named)
        for m in units:  # every output depends on every pre-activation: the sum over paths
            paths = [self.name("J", l, k, m) * self.name("dz", l, k) for k in units]
            self.of[Quantity("delta", l, (m,))] = sp.Add(*paths)

    def _parameters(self, l: int) -> None:
        """dE/dW, dE/db and dE/dz below, from the derivative of a = w z + b in each letter, derived once a layer."""
        layer, below = self.network.layer(l), self._below(l)
        w = [symbol(f"w_{i}") for i in range(1, layer.inputs + 1)]
        z = [symbol(f"z_{i}") for i in range(1, layer.inputs + 1)]
        b = symbol("b_")
        sign = -1 if layer.bias and layer.bias.letter == "theta" else 1
        a = sp.Add(*(p * q for p, q in zip(w, z, strict=True)), sign * b)
        in_w, in_z, in_b = [sp.diff(a, p) for p in w], [sp.diff(a, q) for q in z], sp.diff(a, b)
        named_z = dict(zip(z, below, strict=True))
        units = range(1, layer.units + 1)
        for j in units:
            delta = self.name("delta", l, j)
            for i, slope in enumerate(in_w, 1):
                self.of[Quantity("dW", l, (j, i))] = delta * slope.xreplace(named_z)
        self._biases(l, in_b)
        for i, slope in enumerate(in_z, 1):
            paths = [
                self.name("delta", l, j) * slope.xreplace({p: self.name("W", l, j, n) for n, p in enumerate(w, 1)})
                for j in units
            ]
            self.of[Quantity("dz", l - 1, (i,))] = sp.Add(*paths)

    def _biases(self, l: int, in_b: Expr) -> None:
        layer = self.network.layer(l)
        if layer.bias is None:
            return
        paths = [self.name("delta", l, j) * in_b for j in range(1, layer.units + 1)]
        if layer.bias.shared:
            self.of[Quantity("db", l)] = sp.Add(*paths)
        else:
            self.of |= {Quantity("db", l, (j,)): path for j, path in enumerate(paths, 1)}

    @cached_property
    def _order(self) -> Mapping[sp.Symbol, Expr]:
        """Every defined name with its expression, later ones first."""
        both = [*self.definitions.items(), *self.of.items()]
        return {symbol(names.text(self.network, q)): e for q, e in reversed(both)}

    def substituted(self, q: Quantity) -> Expr:
        """The quantity over inputs, targets and parameters alone, every named intermediate replaced.  Grows fast."""
        cache: dict[sp.Symbol, Expr] = {}

        def closed(e: Expr) -> Expr:
            return e.xreplace({s: whole(s) for s in e.free_symbols if s in self._order})

        def whole(s: sp.Symbol) -> Expr:
            if s not in cache:
                cache[s] = closed(self._order[s])
            return cache[s]

        return closed(self.of[q] if q in self.of else self.definitions[q])

    @property
    def parameters(self) -> list[tuple[Quantity, Quantity]]:
        """(parameter, its gradient) of the whole network, in reading order."""
        out = []
        for l, layer in self.network:
            for p in layer.parameters:
                for q in names.elements(self.network, p, l, 1).flat:
                    out.append((q, q._replace(kind=f"d{p}")))
        return out

    def operators(self) -> int:
        """How many operations the composed derivatives have in all."""
        return int(sum(sp.count_ops(e) for e in self.of.values()))
