"""Activations: the named functions of the language, and softmax, which works down each column.

Letters: a pre-activation, z = h(a) activation, m the arithmetic the numbers belong to (`derivations.arithmetic`).
Arrays hold one column a sample.

Elementwise ones are entries of `derivations.function`, the one place where one is added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64, Arithmetic, plain
from derivations.building import ONE
from derivations.expression import Call, Choice, Expression, Ref, Sum
from derivations.function import FUNCTIONS, Function, entry
from derivations.general import GeneralText
from derivations.language import expression
from derivations.lowering import applied
from derivations.uses import opened, slopes

__all__ = ["ACTIVATIONS", "Activation", "activation_of"]

Array = Any


@dataclass(frozen=True)
class Activation:
    """An activation function h.

    `formula(m, a)` is h(a) and `derivative(m, a, z)` is h'(a), both elementwise; softmax works down each column and
    has a `jacobian(m, z)` instead, whose entry [k, m] is dz_k/da_m. `stable(m, a)` equals the formula and is used
    where numbers have a machine format; `written(m, a)` is the formula where it is a function of one name. At each
    of `kinks` h' jumps, and `derivative` takes the side that `at_kink` names.
    """

    name: str
    text: str
    formula: Callable[[Arithmetic, Array], Array]
    derivative: Callable[[Arithmetic, Array, Array], Array] | None = None
    jacobian: Callable[[Arithmetic, Array], Array] | None = None
    stable: Callable[[Arithmetic, Array], Array] | None = None
    written: Callable[[Arithmetic, Array], Array] | None = None
    forms: tuple[Callable[[Arithmetic, Array], Array], ...] = ()
    kinks: tuple[float, ...] = ()
    at_kink: str = ""
    domain: str = "all real a"
    source: str = ""
    function: Function | None = None
    """The function of the file that it is, None for one of the package."""

    def __reduce__(self) -> tuple[Callable[..., Activation], tuple[str | Function]]:
        """Between processes by its name, or by its function: its rules are code of this package."""
        return (_named, (self.name,)) if self.function is None else (activation_of, (self.function,))

    @property
    def formulas(self) -> tuple[str, str]:
        """h(a) and h'(a) as text of the language, in a and z."""
        function = self.function or FUNCTIONS[self.name]
        texts = (opened(function), slopes(function)[0])
        value, slope = (e if isinstance(e, str | None) else GeneralText().text(e) for e in texts)
        return value or f"{self.name}(a)", slope or "1"

    @property
    def elementwise(self) -> bool:
        """Whether z[k] depends on a[k] alone."""
        return self.jacobian is None

    def at(self, m: Arithmetic, a: Array) -> Array:
        """h(a) in the arithmetic m."""
        return self.stable(m, a) if self.stable and m.floating else self.formula(m, a)

    def value(self, a: Any) -> Any:
        """h(a) in float64: a number for a number, an array for an array (softmax: down each column).

        >>> ACTIVATIONS["sigmoid"].value(1)
        0.7310585786300049
        """
        with FLOAT64.working():
            return plain(self.at(FLOAT64, np.asarray(a, float)), a)

    def slope(self, a: Any) -> Any:
        """h'(a) in float64; for softmax the Jacobian.

        >>> ACTIVATIONS["sigmoid"].slope(1)
        0.19661193324148185
        """
        with FLOAT64.working():
            z = self.at(FLOAT64, np.asarray(a, float))
            if self.jacobian is not None:
                columns = self.jacobian(FLOAT64, z.reshape(len(z), -1))
                return columns[:, :, 0] if z.ndim == 1 else columns
            assert self.derivative is not None
            return plain(self.derivative(FLOAT64, np.asarray(a, float), z), a)


def _softmax(m: Arithmetic, a: Array) -> Array:
    e = m.exp(a)
    return e / e.sum(axis=0)


def _softmax_jacobian(m: Arithmetic, z: Array) -> Array:
    jacobian = -(z[:, None] * z[None])  # dz_k/da_m = z_k ([k = m] - z_m)     Bishop 4.106
    for k in range(len(z)):
        jacobian[k, k] = z[k] * (1 - z[k])
    return jacobian


def _named(name: str) -> Activation:
    return ACTIVATIONS[name]


def activation_of(function: Function) -> Activation:
    """A function of the language as an activation."""
    value, (slope, *_) = opened(function) or expression(f"{function.name}(a)"), map(_read, slopes(function))
    stable = expression(function.stable) if function.stable else None
    varies = any(isinstance(x, Ref) for x in slope.walk())
    return Activation(
        function.name,
        f"h(a) = {function.words or function.value or GeneralText().text(value)}",
        formula=lambda m, a: applied(value, m, a=a),
        derivative=lambda m, a, z: applied(slope, m, a=a, z=z) if varies else _constant(slope, m, a),
        stable=None if stable is None else lambda m, a: applied(stable, m, a=a),
        written=_form(expression(function.written)) if function.written else None,
        forms=tuple(_form(expression(form)) for form in function.forms),
        kinks=function.kinks if function.own is None else tuple(sorted(_bends(function.own))),
        at_kink=function.at_kink,
        source=function.source,
        function=None if function.own is None else function,
    )


def _read(formula: str | Expression) -> Expression:
    return expression(formula) if isinstance(formula, str) else formula


def _bends(own: Expression) -> Iterator[float]:
    """Where a formula in a bends, as far as what it tests is a straight line in a."""
    for x in own.walk():
        match x:
            case Choice(test):
                yield from _zeros(test, 0.0)
            case Call("max" | "min", (one, other)):
                yield from _zeros(Sum(((1, one), (-1, other))), 0.0)
            case Call(function, (argument,)):
                inner = entry(function)
                for kink in _bends(inner.own) if inner.own is not None else inner.kinks:
                    yield from _zeros(argument, kink)


def _zeros(line: Expression, at: float) -> Iterator[float]:
    """Where a straight line in a has a value."""
    found = [float(applied(line, FLOAT64, a=np.float64(a))) for a in (0, 1, 3)]
    slope = found[1] - found[0]
    if slope and abs(found[2] - found[0] - 3 * slope) <= 1e-12 * abs(found[2]):
        yield float((at - found[0]) / slope) + 0.0


def _constant(e: Expression, m: Arithmetic, a: Array) -> Array:
    """A number at each place of an array."""
    ones = m.ones_like(a)
    if e == ONE:
        return ones
    return np.full_like(ones, applied(e, m)) if isinstance(ones, np.ndarray) else applied(e, m)


def _form(e: Expression) -> Callable[[Arithmetic, Array], Array]:
    return lambda m, a: applied(e, m, a=a)


SOFTMAX = Activation(
    "softmax",
    "h(a)[k] = exp(a[k]) / sum_j exp(a[j])",
    formula=_softmax,
    jacobian=_softmax_jacobian,
    stable=lambda m, a: m.softmax(a, 0),
    source="Bishop (2006), 4.62 and 4.106",
)

ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {f.name: activation_of(f) for f in FUNCTIONS.values() if f.named} | {SOFTMAX.name: SOFTMAX}
)
