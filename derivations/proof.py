"""What sympy proves of a derivation, and how.

Three things are compared.  The equations that the rules write; the chain rule composed from sympy's local derivatives;
and, where that ends, sympy's derivative of the whole loss.  A network as small as 2-2-1 is proved symbolically, one of
up to MOST_DIRECT parameters at random points to 50 digits, a larger one at its own numbers against ball arithmetic.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy as sp

from derivations import names, rules
from derivations.arithmetic import Ball
from derivations.chain_rule import ChainRule, Expr, symbol
from derivations.equations import givens
from derivations.names import Quantity
from derivations.network import Problem

__all__ = ["MOST_DIRECT", "MOST_SYMBOLIC", "Proof", "prove"]

MOST_SYMBOLIC = 9  # parameters of a 2-2-1 with biases
MOST_DIRECT = 60  # parameters of a 4-4-4-4 with biases
DIGITS = 50
BITS = 200


@dataclass(frozen=True)
class Proof:
    """What was proved: `how` is symbolic, numeric or balls; `holds` whether it came out, `worst` by how much not."""

    how: str
    holds: bool
    gradients: int
    worst: str = "0"
    wrong: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """One line for a document."""
        if not self.holds:
            return f"NOT proved: {', '.join(self.wrong)} differ from the derivative of the loss, by up to {self.worst}."
        told = {
            "symbolic": "equal, symbolically, to sympy's derivative of the whole loss",
            "numeric": f"equal to sympy's derivative of the whole loss at random points, to {DIGITS} digits",
            "balls": f"composed from sympy's local derivatives, equal to balls of {BITS} bits at these numbers",
        }[self.how]
        return f"Proved: all {self.gradients} gradients are {told}."


def prove(problem: Problem, chain: ChainRule | None = None) -> Proof:
    """Prove the gradients of one sample's loss; `chain` can be a corrupted one, to see that the proof fails."""
    chain = chain or ChainRule(problem)
    parameters = chain.parameters
    if len(parameters) > MOST_DIRECT or problem.network.loss.parts is None:
        return _in_balls(problem, chain)
    if len(parameters) <= MOST_SYMBOLIC and _smooth(problem):
        return _symbolically(chain)
    return _at_random_points(problem, chain)


def _smooth(problem: Problem) -> bool:
    return all(not layer.activation.kinks for _, layer in problem.network)


def _parameter(chain: ChainRule, q: Quantity) -> sp.Symbol:
    return symbol(names.text(chain.network, q))


def _symbolically(chain: ChainRule) -> Proof:
    loss = chain.substituted(Quantity("E"))
    wrong = []
    for parameter, gradient in chain.parameters:
        direct = sp.diff(loss, _parameter(chain, parameter))
        if not _is_zero(direct - chain.substituted(gradient)):
            wrong.append(names.text(chain.network, gradient))
    return Proof("symbolic", not wrong, len(chain.parameters), "an expression", tuple(wrong))


def _is_zero(difference: Expr) -> bool:
    """Whether an expression vanishes: structure first, then rational in the exponentials, then sympy's own simplify."""
    if difference == 0:
        return True
    exponential = difference.rewrite(sp.exp)
    if sp.together(exponential).as_numer_denom()[0].expand() == 0:
        return True
    return bool(sp.simplify(exponential) == 0)


def _at_random_points(problem: Problem, chain: ChainRule) -> Proof:
    """Direct and composed derivatives at a random point that suits the loss, 50 digits."""
    loss = chain.substituted(Quantity("E"))
    direct = [sp.diff(loss, _parameter(chain, p)) for p, _ in chain.parameters]
    letters = sorted(set[sp.Symbol]().union(loss.free_symbols, *(e.free_symbols for e in direct)), key=str)
    point = _point(problem, letters)
    with mpmath.workdps(DIGITS + 15):
        memo = dict(point)
        values = [_value(e, memo) for e in direct]
        composed = _composed(chain, point)
    return _compared("numeric", chain, values, [composed[g] for _, g in chain.parameters])


def _point(problem: Problem, letters: list[sp.Symbol]) -> dict[sp.Symbol, Any]:
    """Random numbers for inputs and parameters; targets as given, so that they suit the loss."""
    draw = random.Random(20061)  # noqa: S311 - a repeatable point, not a secret
    network = problem.network
    targets = {}
    if problem.signals is not None:
        kind = ("t", 0) if network.loss.needs == "t" else ("dz", len(network))
        quantities = names.elements(network, *kind, 1)
        texts = problem.signals.exact()[:, :1]
        targets = {symbol(names.text(network, q)): text for q, text in zip(quantities.flat, texts.flat, strict=True)}
    out = {}
    with mpmath.workdps(DIGITS + 15):
        for s in letters:
            out[s] = mpmath.mpf(_ratio(targets[s])) if s in targets else mpmath.mpf(draw.randrange(-999, 1000)) / 700
    return out


def _ratio(text: str) -> Any:
    return sp.Rational(text)._to_mpmath(240) if "/" in text else text


def _composed(chain: ChainRule, point: dict[sp.Symbol, Any]) -> dict[Quantity, Any]:
    """Every quantity of the composed chain at a point, one after the other."""
    known, out = dict(point), {}
    for q, e in [*chain.definitions.items(), *chain.of.items()]:
        out[q] = known[symbol(names.text(chain.network, q))] = _value(e, known)
    return out


_FUNCTIONS = {sp.exp: mpmath.exp, sp.log: mpmath.log, sp.tanh: mpmath.tanh, sp.erfc: mpmath.erfc}


def _value(e: Expr, memo: dict[Expr, Any]) -> Any:
    """The value of an expression at a point; `memo` holds the letters, and every part once it is known."""
    if e in memo:
        return memo[e]
    if e.is_Rational:
        return mpmath.mpf(e.p) / e.q
    if isinstance(e, sp.Piecewise):
        return _value(next(part for part, test in e.args if _holds(test, memo)), memo)
    parts = [_value(part, memo) for part in e.args]
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


def _holds(test: Any, memo: dict[Expr, Any]) -> bool:
    """Whether a condition of a Piecewise holds at a point; nested ones arrive as logic of comparisons."""
    if isinstance(test, sp.logic.boolalg.BooleanAtom):
        return bool(test)
    if isinstance(test, sp.core.relational.Relational):
        left, right = (_value(side, memo) for side in (test.lhs, test.rhs))
        return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[test.rel_op]
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


def _compared(how: str, chain: ChainRule, values: list[Any], composed: list[Any]) -> Proof:
    worst, wrong = mpmath.mpf(0), []
    with mpmath.workdps(DIGITS + 15):
        for (_, gradient), direct, own in zip(chain.parameters, values, composed, strict=True):
            off = abs(direct - own) / max(1, abs(direct))
            worst = max(worst, off)
            if not off < mpmath.mpf(10) ** -DIGITS:
                wrong.append(names.text(chain.network, gradient))
    return Proof(how, not wrong, len(chain.parameters), mpmath.nstr(worst, 3), tuple(wrong))


def _in_balls(problem: Problem, chain: ChainRule) -> Proof:
    """The composed chain at the problem's own numbers inside the balls of the rules' own step."""
    m, balls = Ball(BITS), dict[Quantity, Any]()
    own = problem.sample(1) if problem.samples > 1 else problem

    def record(kind: str, layer: int, array: Any) -> Any:
        if kind in ("dW", "db"):
            balls.update(zip(names.elements(own.network, kind, layer, 1).flat, array.flat, strict=True))
        return array

    with m.working():
        rules.run(rules.State(own, m), record)
        point: dict[sp.Symbol, Any] = {}
        with mpmath.workdps(int(BITS * 0.30103) + 15):
            for kind, layer, quantities in givens(own):
                texts = _given(own, kind, layer)
                for q, text in zip(quantities.flat, texts.flat, strict=True):
                    point[symbol(names.text(own.network, q))] = mpmath.mpf(_ratio(text))
            composed = _composed(chain, point)
            wrong, worst = [], mpmath.mpf(0)
            for _, gradient in chain.parameters:
                off = _outside(balls[gradient], composed[gradient])
                worst = max(worst, off)
                if off > mpmath.mpf(10) ** -DIGITS:
                    wrong.append(names.text(chain.network, gradient))
    return Proof("balls", not wrong, len(chain.parameters), mpmath.nstr(worst, 3), tuple(wrong))


def _outside(ball: Any, value: Any) -> Any:
    """How far, relative to its size or 1, a value lies from a ball's midpoint beyond its radius."""
    middle, radius = (mpmath.mpf(tuple_) for tuple_ in (_binary(ball.mid()), _binary(ball.rad())))
    return max(mpmath.mpf(0), abs(value - middle) - radius) / max(1, abs(value))


def _binary(exact: Any) -> Any:
    mantissa, exponent = (int(part) for part in exact.man_exp())
    return mpmath.mpf(mantissa) * mpmath.mpf(2) ** exponent


def _given(problem: Problem, kind: str, layer: int) -> Any:
    if kind in ("x", "t", "dz"):
        given = problem.x if kind == "x" else problem.signals
    else:
        given = getattr(problem.network.layer(layer), kind)
    assert given is not None
    return given.exact()
