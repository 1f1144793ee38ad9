"""What is true of a network at a point, from its forward pass alone: an oracle for derivations.

Values are mpmath numbers of 130 digits; every derivative is a central difference with a step of 1e-40, so it is right
to about 80 digits.  Nothing here reads the package's formulas, rules or sympy.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
from mpmath import mpf

from derivations import expression as ex
from derivations.names import Quantity
from derivations.network import Problem

__all__ = ["DIGITS", "Truth", "close", "operators"]

DIGITS = 50
WORK = 130
STEP = mpf(10) ** -40

SELU_ABOVE, SELU_BELOW = "1.0507009873554805", "1.7580993408473768"
"""The scale, and its product with alpha, of Klambauer et al. (2017), to the digits of a double."""
ACTIVATION: dict[str, Callable[[Any], Any]] = {
    "identity": lambda a: a,
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "tanh": mpmath.tanh,
    "relu": lambda a: max(a, mpf(0)),
    "leaky_relu": lambda a: a if a > 0 else a / 100,
    "elu": lambda a: a if a > 0 else mpmath.exp(a) - 1,
    "softplus": lambda a: mpmath.log(1 + mpmath.exp(a)),
    "silu": lambda a: a / (1 + mpmath.exp(-a)),
    "gelu": lambda a: a * mpmath.ncdf(a),
    "mish": lambda a: a * mpmath.tanh(mpmath.log(1 + mpmath.exp(a))),
    "selu": lambda a: mpf(SELU_ABOVE) * a if a > 0 else mpf(SELU_BELOW) * (mpmath.exp(a) - 1),
    "bipolar_sigmoid": lambda a: 2 / (1 + mpmath.exp(-a)) - 1,
    "hard_sigmoid": lambda a: min(max(a / 6 + mpf(1) / 2, mpf(0)), mpf(1)),
    "square": lambda a: a * a,
    "step": lambda a: mpf(a >= 0),
    "sign": mpmath.sign,
}
PART: dict[str, Callable[[Any, Any, int], Any]] = {
    "half_squared_error": lambda y, t, K: (y - t) ** 2 / 2,
    "squared_error": lambda y, t, K: (y - t) ** 2,
    "mean_squared_error": lambda y, t, K: (y - t) ** 2 / K,
    "half_mean_squared_error": lambda y, t, K: (y - t) ** 2 / (2 * K),
    "cross_entropy": lambda y, t, K: -t * mpmath.log(y),
    "binary_cross_entropy": lambda y, t, K: -t * mpmath.log(y) - (1 - t) * mpmath.log(1 - y),
    "given": lambda y, dz, K: dz * y,  # its derivative is the given dE/dy
    "output": lambda y, t, K: y,
}
CALLS: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "tanh": mpmath.tanh,
    "sqrt": mpmath.sqrt,
    "Phi": mpmath.ncdf,
    "max0": lambda a: max(a, mpf(0)),
    "abs": abs,
}

Get = Callable[[Quantity], Any]


def close(wanted: Any, found: Any) -> bool:
    """Equal to 50 digits (of what is at least 1e-15)."""
    return bool(abs(wanted - found) <= mpf(10) ** -DIGITS * max(abs(wanted), mpf(10) ** -15))


def number(text: str) -> Any:
    """A decimal or a fraction."""
    if text == "pi":
        return +mpmath.pi
    above, _, below = text.partition("/")
    return mpf(above) / int(below or 1)


class Truth:
    """A one-sample problem at a random point: inputs (of a sample) and parameters drawn, targets as given."""

    def __init__(self, problem: Problem, seed: int = 1, sample: int = 1) -> None:
        self.problem, self.network, self.L = problem, problem.network, len(problem.network)
        self.sizes, self._partials = problem.network.sizes, dict[Any, Any]()
        self.given: dict[Quantity, Any] = {}
        inputs, parameters = random.Random(97 * seed + sample), random.Random(seed)
        for q in self._start():
            draw = inputs if q.kind == "x" else parameters
            self.given[q] = mpf(draw.randrange(-999, 1000)) / 700
        with mpmath.workdps(WORK):
            if problem.signals is not None:
                kind = ("dz", self.L) if problem.network.loss.needs == "dz" else ("t", 0)
                for k, text in enumerate(problem.signals.exact()[:, 0], 1):
                    self.given[Quantity(*kind, (k,))] = number(text)
            self.values = self.forward({})

    def _start(self) -> Iterator[Quantity]:
        yield from (Quantity("x", 0, (i,)) for i in range(1, self.sizes[0] + 1))
        for l, layer in self.network:
            units = range(1, layer.units + 1)
            yield from (Quantity("W", l, (j, i)) for j in units for i in range(1, layer.inputs + 1))
            if layer.bias is not None:
                yield from [Quantity("b", l)] if layer.bias.shared else (Quantity("b", l, (j,)) for j in units)

    # --- definitions ---

    def define(self, q: Quantity, get: Get) -> Any:
        """The defining formula of a, z or E over other quantities."""
        kind, l = q.kind, q.layer
        if kind == "E":
            return mpmath.fsum(self.define(Quantity("E_part", 0, (k,)), get) for k in range(1, self.sizes[-1] + 1))
        j = q.indices[0]
        if kind == "E_part":
            loss = self.network.loss
            signal = {"dz": Quantity("dz", self.L, (j,)), "t": Quantity("t", 0, (j,))}.get(loss.needs)
            return PART[loss.name](get(Quantity("z", self.L, (j,))), get(signal) if signal else None, self.sizes[-1])
        layer = self.network.layer(l)
        if kind == "a":
            below = ("x", 0) if l == 1 else ("z", l - 1)
            total = mpmath.fsum(
                get(Quantity("W", l, (j, i))) * get(Quantity(*below, (i,))) for i in range(1, layer.inputs + 1)
            )
            if layer.bias is None:
                return total
            b = get(Quantity("b", l, () if layer.bias.shared else (j,)))
            return total - b if layer.bias.letter == "theta" else total + b
        if layer.activation.name == "softmax":
            e = [mpmath.exp(get(Quantity("a", l, (k,)))) for k in range(1, layer.units + 1)]
            return e[j - 1] / mpmath.fsum(e)
        return ACTIVATION[layer.activation.name](get(Quantity("a", l, (j,))))

    def forward(self, moved: dict[Quantity, Any]) -> dict[Quantity, Any]:
        """Every quantity of the forward pass, those in `moved` put in by hand."""
        known = {**self.given, **moved}
        order = [
            Quantity(kind, l, (j,)) for l, layer in self.network for kind in "az" for j in range(1, layer.units + 1)
        ]
        order += [Quantity("E_part", 0, (k,)) for k in range(1, self.sizes[-1] + 1)] + [Quantity("E")]
        for q in order:
            if q not in known:
                known[q] = self.define(q, known.__getitem__)
        return known

    # --- true values ---

    def partial(self, of: Quantity, by: Quantity) -> Any:
        """d of / d by along the definitions."""
        if by not in self._partials:
            with mpmath.workdps(WORK):
                high, low = (self.forward({by: self.values[by] + h}) for h in (STEP, -STEP))
                self._partials[by] = {q: (high[q] - low[q]) / (2 * STEP) for q in high}
        return self._partials[by][of]

    def name(self, q: Quantity) -> Any:
        """The value of any quantity of the step."""
        kind, l, indices, _, _ = q
        E, letter = Quantity("E"), ("x", 0) if l == 0 else ("z", l)
        if q in self.values:
            return self.values[q]
        match kind:
            case "dz":
                return self.partial(E, Quantity(*letter, indices))
            case "delta":
                return self.partial(E, Quantity("a", l, indices))
            case "slope" | "J":
                return self.partial(Quantity("z", l, indices[:1]), Quantity("a", l, indices[-1:]))
            case "dW" | "db":
                return self.partial(E, q._replace(kind=kind[1:]))
        raise KeyError(q)

    def value(self, e: ex.Expression, get: Get | None = None) -> Any:
        """The value of a written expression, d/d. and partial derivatives included."""
        get = get or self.name
        with mpmath.workdps(WORK):
            return self._value(e, get)

    def _value(self, e: ex.Expression, get: Get) -> Any:
        match e:
            case ex.Name(quantity):
                return get(quantity)
            case ex.Number(text):
                return number(text)
            case ex.Sum(terms):
                return sum(sign * self._value(term, get) for sign, term in terms)
            case ex.Product(factors):
                values = [self._value(f, get) for f in factors]
                return mpf(0) if 0 in values else mpmath.fprod(values)  # 0 log 0 = 0
            case ex.Quotient(above, below):
                return self._value(above, get) / self._value(below, get)
            case ex.Power(base, exponent):
                return self._value(base, get) ** exponent
            case ex.Negative(operand):
                return -self._value(operand, get)
            case ex.Call(function, (argument,)):
                return CALLS[function](self._value(argument, get))
            case ex.Choice(test, positive, otherwise):
                return self._value(positive if self._value(test, get) > 0 else otherwise, get)
            case ex.Partial(ex.Name(of), ex.Name(by)):
                return self.partial(of, by)
            case ex.Differential(ex.Name(by), operand) | ex.Derivative(ex.Name(by), operand):
                at = get(by)
                high, low = (
                    self._value(operand, lambda q, h=h: at + h if q == by else get(q))  # type: ignore[misc]
                    for h in (STEP, -STEP)
                )
                return (high - low) / (2 * STEP)
        raise TypeError(f"no value: {e!r}")

    def defines(self, of: Quantity, operand: ex.Expression) -> bool:
        """Whether an operand is the definition of `of`, as a formula: with every name a free variable."""
        for seed in (1, 2):
            draw, free = random.Random(seed), dict[Quantity, Any]()

            def get(q: Quantity, draw: random.Random = draw, free: dict[Quantity, Any] = free) -> Any:
                if q.kind in ("t", "dz"):
                    return self.values[q]
                return free.setdefault(q, mpf(draw.randrange(1, 999)) / 1000)

            with mpmath.workdps(WORK):
                if not close(self.define(of, get), self._value(operand, get)):
                    return False
        return True


def operators(before: Any, after: Any) -> Iterator[tuple[ex.Name, ex.Differential]]:
    """(of, d/d by (operand)) wherever a line has put an operator in place of a partial derivative.

    Raises AssertionError where the lines differ in anything else.
    """
    if isinstance(before, ex.Partial) and isinstance(after, ex.Differential):
        assert before.by == after.by, f"{after} in place of {before}"
        assert isinstance(before.of, ex.Name)
        yield before.of, after
    elif isinstance(before, ex.Expression) and not isinstance(before, ex.Name | ex.Partial):
        assert type(before) is type(after), f"{after} in place of {before}"
        yield from operators(before._parts(), after._parts())
    elif isinstance(before, tuple) and not isinstance(before, Quantity):
        assert len(before) == len(after), f"{after} in place of {before}"
        for one, other in zip(before, after, strict=True):
            yield from operators(one, other)
    else:
        assert before == after, f"{after} in place of {before}"
