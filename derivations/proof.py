"""What sympy proves of a derivation, and how.

Three things are compared.  The equations of the step, one by one; the chain rule composed from sympy's local
derivatives; and, where that ends, sympy's derivative of the whole loss.  A network as small as 2-2-1 is proved
symbolically, one of up to MOST_DIRECT parameters (fewer where the loss written out is long) at a random point to 50
digits, a larger one at its own numbers against ball arithmetic.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from derivations import names
from derivations.arithmetic import FLOAT64
from derivations.chain_rule import ChainRule, Expr, symbol
from derivations.equations import Equation
from derivations.evaluation import value
from derivations.expression import Name
from derivations.formulas import Formula, equations, givens, of_line
from derivations.layers import Layered, layered, start
from derivations.names import Quantity
from derivations.network import Problem
from derivations.program import Program
from derivations.step_proof import StepProof, kink_words, prove_planned
from derivations.symbolic_value import branch_taken, composed, symbolic_value

__all__ = ["MOST_DIRECT", "MOST_SYMBOLIC", "Proof", "prove"]

MOST_SYMBOLIC = 9  # parameters of a 2-2-1 with biases
MOST_DIRECT = 60  # parameters of a 4-4-4-4 with biases
MOST_WORK = 70_000  # those parameters times the operators of the loss written out
DIGITS = 50
MOST_OPERATORS = 600  # of a difference that is put over one denominator
GUARD = 40  # digits of work beyond those, for what cancels
BITS = 300

Wrong = Mapping[str, Equation]
"""Lines in place of the step's own, by array."""
Point = dict[sp.Symbol, Any]
Off = dict[str, Any]


@dataclass(frozen=True)
class Proof:
    """What was proved: `how` is symbolic, numeric or balls; `holds` whether it came out.

    `gradients` and `equations` are how many of each were compared; `worst` is the largest relative difference, `wrong`
    the names of what differs.
    """

    how: str
    holds: bool
    gradients: int
    equations: int = 0
    worst: str = "0"
    wrong: tuple[str, ...] = ()
    lines: StepProof | None = None

    @property
    def refuted(self) -> bool:
        """Whether something differs."""
        return bool(self.wrong or (self.lines and self.lines.wrong))

    @property
    def kinks(self) -> tuple[str, ...]:
        """The numbers of the problem that stand at a kink, where nothing is proved."""
        return self.lines.kinks if self.lines else ()

    @property
    def words(self) -> str:
        """A few sentences for a document: proved is what is equal symbolically, or lies in balls, at these numbers."""
        if self.wrong:
            several = "differs" if len(self.wrong) == 1 else "differ"
            return f"NOT proved: {', '.join(self.wrong)} {several} from what sympy derives, by up to {self.worst}."
        if self.lines and self.lines.wrong:
            return self.lines.words
        return " ".join((self._told, *((kink_words(self.kinks),) if self.kinks else ())))

    @property
    def _told(self) -> str:
        at_random = f"sympy's derivative of the whole loss at a random point, to {DIGITS} digits"
        everything = f"all {self.gradients} gradients"
        sides = ", on each side of every kink" if self.lines and self.lines.sided else ""
        by_lines = (
            f"Proved: {everything}, line by line: each line is symbolically equal to what sympy derives from the "
            f"forward equations{sides}."
        )
        if self.how == "symbolic":
            return (
                f"Proved: {everything} are symbolically equal to sympy's derivative of the whole loss; each of the "
                f"{self.equations} equations they are written in holds at a random point, to {DIGITS} digits."
            )
        if self.how == "numeric":
            if self.lines and self.lines.whole:
                return f"{by_lines} They are also equal to {at_random}."
            return f"Equal, which is no proof: {everything} to {at_random}."
        balls = (
            f"at these numbers, to {DIGITS} digits, the chain rule composed from sympy's local derivatives lies in the "
            "balls of the step (the whole loss was not differentiated)"
        )
        return (
            f"{by_lines} Besides, {balls}." if self.lines and self.lines.whole else f"Proved of {everything}: {balls}."
        )


def prove(problem: Problem, chain: ChainRule | None = None, wrong: Wrong = MappingProxyType({})) -> Proof:
    """Prove the gradients of one sample's loss, and the equations of the step that gives them.

    `chain` can be a corrupted one, and `wrong` can hold corrupted lines of the step, to see that the proof fails.
    """
    own = problem.sample(1) if problem.samples > 1 else problem
    chain = chain or ChainRule(own)
    parameters = chain.parameters
    with mpmath.workdps(DIGITS + GUARD):
        direct = _short_enough(own, chain)
        symbolic = direct and len(parameters) <= MOST_SYMBOLIC and _smooth(own) and _symbolically(chain)
        point = _point(own, at_random=direct)
        values = composed(chain, point)
        off: Off = _written(own, wrong, values, point)
        count = len(off)
        if not symbolic:
            other = _directly(chain, values, point) if direct else _in_balls(own, chain, values, wrong)
            off |= {name: max(by, off.get(name, 0)) for name, by in other.items()}
        differing = tuple(name for name, by in off.items() if not by < mpmath.mpf(10) ** -DIGITS)
        worst = mpmath.nstr(max(off.values(), default=0), 3)
    how = "symbolic" if symbolic else "numeric" if direct else "balls"
    lines = None if wrong else _line_by_line(own)
    holds = not differing and not (lines and lines.wrong)
    return Proof(how, holds, len(parameters), count, worst, differing, lines)


def _line_by_line(own: Problem) -> StepProof:
    """The lines of the step, each by the chain rule from those before it."""
    step = layered(own)
    given = {"t": own.signals.exact()} if own.signals is not None and own.network.loss.needs == "t" else {}
    found = prove_planned(step, start(own, FLOAT64), given)
    kinks = tuple(_printed(own, step, name) for name in found.kinks)
    return replace(found, kinks=kinks)


def _printed(own: Problem, step: Layered, name: str) -> str:
    """z1[2,1], the array with its sample, as the number that people know."""
    array, _, at = name.partition("[")
    indices = tuple(int(i) for i in at.rstrip("]").split(","))[:-1]
    place = step.places[array]
    return names.text(own.network, Quantity(place.kind, place.layer, indices))


def _short_enough(problem: Problem, chain: ChainRule) -> bool:
    """Whether sympy differentiates the whole loss in a few seconds; a kink's branch is taken, for size alone."""
    parameters = len(chain.parameters)
    if parameters > MOST_DIRECT or problem.network.loss.parts is None:
        return False
    loss = _loss_near(chain, composed(chain, _point(problem, at_random=True)))
    return bool(loss.count_ops() * parameters <= MOST_WORK)


def _smooth(problem: Problem) -> bool:
    return all(not layer.activation.kinks for _, layer in problem.network)


def _off(wanted: Any, found: Any) -> Any:
    """The difference, relative to what is wanted (to 1e-20 where that is smaller)."""
    return abs(wanted - found) / max(abs(wanted), mpmath.mpf(10) ** -20)


def _text(chain: ChainRule, q: Quantity) -> str:
    return names.text(chain.network, q)


# --- the chain against the derivative of the whole loss ---


def _symbolically(chain: ChainRule) -> bool:
    """Whether every difference vanishes; False says only that this could not be seen."""
    loss = chain.substituted(Quantity("E"))
    whole = {chain.substituted(q): sp.Dummy() for q in chain.definitions if q.kind == "a"}
    for parameter, gradient in chain.parameters:
        difference = sp.diff(loss, symbol(_text(chain, parameter))) - chain.substituted(gradient)
        if not (_vanishes_in_parts(difference, whole) or _vanishes_in_exponentials(difference)):
            return False
    return True


def _vanishes_in_parts(difference: Expr, whole: dict[Expr, Expr]) -> bool:
    """Whether an expression vanishes with each pre-activation and each exponential taken for a letter: quick, if so."""
    parts = {**whole, **{e: sp.Dummy() for e in difference.atoms(sp.exp, sp.tanh, sp.erfc)}}
    return bool(sp.together(difference.xreplace(parts)).as_numer_denom()[0].expand() == 0)


def _vanishes_in_exponentials(difference: Expr) -> bool:
    """Whether it vanishes as a rational expression in exponentials, where it is short enough to write it as one."""
    if difference.count_ops() > MOST_OPERATORS:
        return False
    return bool(sp.together(difference.rewrite(sp.exp)).as_numer_denom()[0].expand() == 0)


def _directly(chain: ChainRule, values: dict[Quantity, Any], point: Point) -> Off:
    """Direct and composed derivatives at the point; of an activation with a kink, the branch that holds there."""
    loss, memo, out = _loss_near(chain, values), dict(point), {}
    for parameter, gradient in chain.parameters:
        direct = symbolic_value(sp.diff(loss, symbol(_text(chain, parameter))), memo)
        out[_text(chain, gradient)] = _off(direct, values[gradient])
    return out


def _loss_near(chain: ChainRule, values: dict[Quantity, Any]) -> Expr:
    """The whole loss over inputs and parameters alone, near the point."""
    letters = {symbol(_text(chain, q)): number for q, number in values.items()}
    near = copy(chain)
    near.__dict__.pop("_order", None)
    near.definitions = {q: branch_taken(e, dict(letters)) for q, e in chain.definitions.items()}
    return near.substituted(Quantity("E"))


# --- the equations as written against the chain ---


def _written(problem: Problem, wrong: Wrong, values: dict[Quantity, Any], point: Point) -> Off:
    """Each written equation at the point, over the chain's values of earlier names, beside the chain's own value.

    Of a last layer whose delta is fused with the loss, also each line on the way to it.
    """
    network, known, out = problem.network, dict(values), {}

    def leaf(q: Quantity) -> Any:
        return known[q] if q in known else point[symbol(names.text(network, q))]

    def off(q: Quantity, formula: Any) -> Any:
        try:
            return _off(values[q], value(formula, leaf))
        except ArithmeticError:
            return mpmath.inf

    for q, formula in _with_lines(problem, wrong):
        if q in values:
            out[names.text(network, q)] = off(q, formula)
        elif q.kind == "E_part":
            known[q] = value(formula, leaf)
    if problem.fused:
        L, K = len(network), network.sizes[-1]
        y, t = ([Name(Quantity(*kind, (k,))) for k in range(1, K + 1)] for kind in (("z", L), ("t", 0)))
        for k in range(K):
            q = Quantity("delta", L, (k + 1,))
            for n, step in enumerate(problem.fused.steps(y, t, k), 1):
                out[f"{names.text(network, q)}, line {n}"] = off(q, step)
    return out


def _with_lines(problem: Problem, wrong: Wrong) -> list[Formula]:
    """Every equation of the step, those of wrong lines in place of its own."""
    other = {q: formula for line in wrong.values() for q, formula in of_line(problem, line)}
    return [Formula(q, other.get(q, formula)) for q, formula in equations(problem)]


# --- points ---


def _point(problem: Problem, *, at_random: bool) -> Point:
    """The problem's own numbers, or random ones for inputs and parameters; targets stay, to suit the loss."""
    draw, out = random.Random(20061), {}  # noqa: S311 - a repeatable point, not a secret
    for kind, layer, quantities in givens(problem):
        keep = not at_random or kind in ("t", "dz")
        for q, text in zip(quantities.flat, _given(problem, kind, layer).flat, strict=True):
            number = _ratio(text) if keep else mpmath.mpf(draw.randrange(-999, 1000)) / 700
            out[symbol(names.text(problem.network, q))] = number
    return out


def _given(problem: Problem, kind: str, layer: int) -> Any:
    if kind in ("x", "t", "dz"):
        given = problem.x if kind == "x" else problem.signals
    else:
        given = getattr(problem.network.layer(layer), kind)
    assert given is not None
    return given.exact()


def _ratio(text: str) -> Any:
    above, _, below = text.partition("/")
    return mpmath.mpf(above) / int(below or 1)


# --- large networks: the step itself in balls ---


def _in_balls(problem: Problem, chain: ChainRule, values: dict[Quantity, Any], wrong: Wrong) -> Off:
    """The composed chain at the problem's own numbers inside the balls of the step."""
    from derivations.arithmetic import Ball

    own, m, balls = layered(problem), Ball(BITS), dict[Quantity, Any]()

    def record(name: str, array: Any) -> Any:
        kind, layer = own.places[name]
        if kind in ("dz", "slope", "J", "delta", "dW", "db"):
            quantities = names.elements(problem.network, kind, layer, 1)
            balls.update(zip(quantities.flat, np.ravel(np.asarray(array, object)), strict=True))
        return array

    with m.working():
        Program(own.step.replace(*wrong.values()), own.exact).run(m, start(problem, m), record)
        return {_text(chain, q): _outside(balls[q], values[q]) for q in chain.of}


def _outside(ball: Any, found: Any) -> Any:
    """How far, relative to its size, a value lies from a ball's midpoint beyond its radius."""
    if not hasattr(ball, "mid"):  # a rational
        return _off(mpmath.mpf(int(ball.numer())) / int(ball.denom()), found)
    middle, radius = _binary(ball.mid()), _binary(ball.rad())
    return max(mpmath.mpf(0), abs(found - middle) - radius) / max(abs(found), mpmath.mpf(10) ** -20)


def _binary(exact: Any) -> Any:
    mantissa, exponent = (int(part) for part in exact.man_exp())
    return mpmath.mpf(mantissa) * mpmath.mpf(2) ** exponent
