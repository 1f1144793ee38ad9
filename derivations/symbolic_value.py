"""The value of sympy expressions at a point, by a walk over them: no code is generated, every part is worked once."""

from __future__ import annotations

from typing import Any

import mpmath
import sympy as sp

from derivations import names
from derivations.chain_rule import ChainRule, Expr, symbol
from derivations.names import Quantity

__all__ = ["branch_taken", "composed", "symbolic_value"]

_FUNCTIONS = {sp.exp: mpmath.exp, sp.log: mpmath.log, sp.tanh: mpmath.tanh, sp.erfc: mpmath.erfc}
_FUNCTIONS |= {sp.Abs: mpmath.fabs, sp.sign: mpmath.sign, sp.sin: mpmath.sin, sp.cos: mpmath.cos}


def composed(chain: ChainRule, point: dict[sp.Symbol, Any]) -> dict[Quantity, Any]:
    """Every quantity of the composed chain at a point, one after the other, at mpmath's precision in force."""
    known: dict[Expr, Any] = dict(point)
    out: dict[Quantity, Any] = {}
    for q, e in [*chain.definitions.items(), *chain.of.items()]:
        out[q] = known[symbol(names.text(chain.network, q))] = symbolic_value(e, known)
    return out


def symbolic_value(e: Expr, memo: dict[Expr, Any]) -> Any:
    """The value of an expression at a point; `memo` holds the letters, and every part once it is known."""
    if e in memo:
        return memo[e]
    if e.is_Rational:
        return mpmath.mpf(e.p) / e.q
    if isinstance(e, sp.Piecewise):
        return symbolic_value(next(part for part, test in e.args if _holds(test, memo)), memo)
    parts = [symbolic_value(part, memo) for part in e.args]
    if e.is_Add:
        value = mpmath.fsum(parts)
    elif e.is_Mul:
        value = mpmath.fprod(parts)
    elif e.is_Pow:
        value = parts[0] ** (int(e.exp) if e.exp.is_Integer else parts[1])
    elif e.func in _FUNCTIONS:
        value = _FUNCTIONS[e.func](*parts)
    else:
        value = e.evalf(mpmath.mp.dps)._to_mpmath(mpmath.mp.prec)  # a constant such as pi
    memo[e] = value
    return value


def branch_taken(e: Expr, memo: dict[Expr, Any]) -> Expr:
    """The expression with each Piecewise replaced by the branch that holds at a point."""
    chosen = {
        choice: next(part for part, test in choice.args if _holds(test, memo)) for choice in e.atoms(sp.Piecewise)
    }
    return e.xreplace(chosen)


def _holds(test: Any, memo: dict[Expr, Any]) -> bool:
    """Whether a condition of a Piecewise holds at a point; nested ones arrive as logic of comparisons."""
    if isinstance(test, sp.logic.boolalg.BooleanAtom):
        return bool(test)
    if isinstance(test, sp.core.relational.Relational):
        left, right = (symbolic_value(side, memo) for side in (test.lhs, test.rhs))
        return bool({">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[test.rel_op])
    parts = [_holds(part, memo) for part in test.args]
    match test:
        case sp.And():
            return all(parts)
        case sp.Or():
            return any(parts)
        case sp.Not():
            return not parts[0]
        case sp.ITE():
            return parts[1] if parts[0] else parts[2]
    raise TypeError(f"not a condition: {test}")
