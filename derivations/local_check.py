"""Each written local derivative against sympy.diff of its formula, at two points: cheap enough for every derivation.

What a derivation writes for h'(a), for dE/dy, for softmax's Jacobian and for the special result of a loss with the last
activation comes from the entries; nothing of it is taken on trust.  The proof in full is `derivations.proof`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mpmath
import numpy as np

from derivations.activations import Activation
from derivations.chain_rule import A, local_jacobian, local_loss, local_slope, symbol
from derivations.evaluation import value
from derivations.expression import Name
from derivations.losses import Fusion
from derivations.names import Quantity
from derivations.network import Problem
from derivations.symbolic_value import symbolic_value
from derivations.written import Writing

__all__ = ["Unproved", "check_local_derivatives"]

DIGITS = 30
MOST_UNITS = 3  # the formulas of a whole layer are the same for any number of units
PLACES = ("0.7", "-1.3", "0.4", "-0.2", "1.1", "-0.9")
SHARES = (("0.2", "0.3", "0.5"), ("0.6", "0.1", "0.3"))


class Unproved(AssertionError):
    """A written local derivative that is not sympy's: an error in the package."""


def check_local_derivatives(problem: Problem) -> None:
    """Check every distinct one that the derivation of this problem writes.  Raises Unproved."""
    network, loss = problem.network, problem.network.loss
    for f in dict.fromkeys(layer.activation for _, layer in network):
        _check_slope(f) if f.elementwise else _check_jacobian(f)
    if loss.parts is not None:
        _check_loss(loss.name, loss.parts, loss.slope, min(network.sizes[-1], MOST_UNITS))
    if problem.fused:
        _check_fusion(loss.name, loss.parts, network.layers[-1].activation, problem.fused)


def _agree(what: str, written: Any, leaf: Any, wanted: Any) -> None:
    found = value(written, leaf)
    if not abs(found - wanted) <= mpmath.mpf(10) ** -DIGITS * max(1, abs(wanted)):
        raise Unproved(f"the written {what} is not what sympy.diff gives: {found} against {wanted}")


def _working() -> Any:
    return mpmath.workdps(DIGITS + 10)


@lru_cache(maxsize=64)
def _check_slope(f: Activation) -> None:
    """h'(a) and the forms it is also known by."""
    m, a, z = Writing(), Name(Quantity("a")), Name(Quantity("z"))
    assert f.derivative is not None
    formula, forms = f.formula(m, a), [f.derivative(m, a, z), *(form(m, a) for form in f.forms)]
    with _working():
        for place in PLACES[:2]:
            at = {"a": mpmath.mpf(place)}
            at["z"] = value(formula, _of_kind(at))
            wanted = symbolic_value(local_slope(f), {A: at["a"]})
            for form in forms:
                _agree(f"derivative of {f.name}", form, _of_kind(at), wanted)


def _of_kind(numbers: dict[str, Any]) -> Any:
    return lambda q: numbers[q.kind]


def _columns(kind: str, units: int) -> Any:
    return np.array([[Name(Quantity(kind, 0, (k,)))] for k in range(1, units + 1)], object)


def _leaf(**columns: list[Any]) -> Any:
    return lambda q: columns[q.kind][q.indices[0] - 1]


def _at(kind: str, numbers: list[Any]) -> dict[Any, Any]:
    return {symbol(f"{kind}_{k}"): number for k, number in enumerate(numbers, 1)}


def _layer(f: Activation, a: list[Any]) -> tuple[list[Any], list[list[Any]]]:
    """z and sympy's dz[k]/da[m] of a layer at a point."""
    units = len(a)
    z = [value(e, _leaf(a=a)) for e in f.formula(Writing(), _columns("a", units))[:, 0]]
    if f.elementwise:
        slopes = [symbolic_value(local_slope(f), {A: number}) for number in a]
        return z, [[slopes[k] if k == m else mpmath.mpf(0) for m in range(units)] for k in range(units)]
    _, jacobian = local_jacobian(f, units)
    return z, [[symbolic_value(e, _at("a", a)) for e in row] for row in jacobian]


@lru_cache(maxsize=64)
def _check_jacobian(f: Activation) -> None:
    assert f.jacobian is not None
    written = f.jacobian(Writing(), _columns("z", MOST_UNITS))
    with _working():
        for start in range(2):
            a = [mpmath.mpf(place) for place in PLACES[start : start + MOST_UNITS]]
            z, wanted = _layer(f, a)
            for k, m in np.ndindex(MOST_UNITS, MOST_UNITS):
                _agree(f"Jacobian of {f.name}", written[k, m, 0], _leaf(z=z), wanted[k][m])


@lru_cache(maxsize=64)
def _check_loss(name: str, parts: Any, slope: Any, outputs: int) -> None:
    """dE/dy[k] for each output."""
    written = slope(Writing(), _columns("y", outputs), _columns("t", outputs))[:, 0]
    _, _, _, slopes = local_loss(parts, outputs)
    with _working():
        for shares, others in (SHARES, SHARES[::-1]):
            y, t = ([mpmath.mpf(share) for share in numbers[:outputs]] for numbers in (shares, others))
            memo = {**_at("y", y), **_at("t", t)}
            for form, wanted in zip(written, slopes, strict=True):
                _agree(f"derivative of {name}", form, _leaf(y=y, t=t), symbolic_value(wanted, memo))


@lru_cache(maxsize=64)
def _check_fusion(name: str, parts: Any, f: Activation, fusion: Fusion) -> None:
    """Delta of loss and last activation together, and each line on the way to it, against the long way round."""
    y, t = _columns("y", MOST_UNITS), _columns("t", MOST_UNITS)
    short = fusion.delta(Writing(), y, t)[:, 0]
    _, _, _, slopes = local_loss(parts, MOST_UNITS)
    with _working():
        for start, shares in enumerate(SHARES):
            targets = [mpmath.mpf(share) for share in shares]
            a = [mpmath.mpf(place) for place in PLACES[start : start + MOST_UNITS]]
            z, jacobian = _layer(f, a)
            memo = {**_at("y", z), **_at("t", targets)}
            dz = [symbolic_value(e, memo) for e in slopes]
            for k in range(MOST_UNITS):
                wanted = mpmath.fsum(jacobian[n][k] * dz[n] for n in range(MOST_UNITS))
                for form in (short[k], *fusion.steps(list(y[:, 0]), list(t[:, 0]), k)):
                    _agree(f"delta of {name} with {f.name}", form, _leaf(y=z, t=targets), wanted)
