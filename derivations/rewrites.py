"""Equations said otherwise: the short output delta, losses that keep their digits, t log y with 0 log 0 = 0.

A rewrite looks at the form of equations, never at the name of a loss, and keeps each line's left side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from derivations.equations import Equation
from derivations.expression import Call, Expression, Index, Negative, Number, Over, Product, Ref, Sum
from derivations.function import FUNCTIONS
from derivations.shapes import substituted
from derivations.uses import filled

__all__ = ["fused", "named_arguments", "stable", "zero_log_zero"]


def zero_log_zero(e: Expression) -> Expression:
    """t log y is 0 where t is 0: a product that ends in a logarithm becomes the function xlogy, written the same."""
    e = e.mapped(zero_log_zero)
    match e:
        case Product((*factors, Call("log", (y,)))):
            first = factors[0] if len(factors) == 1 else Product(tuple(factors))
            return Call("xlogy", (first, y))
    return e


def named_arguments(equations: Iterable[Equation], taken: Iterable[str]) -> list[Equation]:
    """h = tanh(sum) in two lines, h_in = sum and h = tanh(h_in): the argument's signal is the delta of the course."""
    out, known = list[Equation](), set(taken)
    for e in equations:
        match e.right:
            case Call(name, (argument,)) if FUNCTIONS[name].named and not isinstance(argument, Ref):
                inner = Ref(f"{e.left.name}_in", e.left.at)
                if inner.name not in known:
                    out += [replace(e, left=inner, right=argument), replace(e, right=Call(name, (inner,)))]
                    continue
        out.append(e)
    return out


class _Outputs:
    """What each output is made of: y = softmax(a), or a function whose logarithm has a form of its own."""

    def __init__(self, forward: Sequence[Equation]) -> None:
        self.made = {e.left.name: e for e in forward}

    def softmax(self, y: Expression) -> Equation | None:
        """The equation of y, where it is softmax of an array's entry."""
        e = self.made.get(y.name) if isinstance(y, Ref) else None
        match e.right if e else None:
            case Over("softmax", (_,), Ref()):
                return e
        return None

    def logarithms(self, y: Expression) -> tuple[str, str, Expression] | None:
        """(log h, log(1 - h), a) of y = h(a)."""
        e = self.made.get(y.name) if isinstance(y, Ref) else None
        match e.right if e else None:
            case Call(name, (Ref() as a,)) if FUNCTIONS[name].logarithm:
                return FUNCTIONS[name].logarithm, FUNCTIONS[name].complement, a
        return None


def stable(equations: Sequence[Equation]) -> list[Equation]:
    """Each log y from what y is made of, where y may have been rounded to 0 or 1: -t log y as t (log Σ exp a - a)."""
    outputs = _Outputs(equations)
    return [replace(e, right=_stable(e.right, outputs)) if e.stage == "forward" else e for e in equations]


def _stable(e: Expression, outputs: _Outputs) -> Expression:
    if isinstance(e, Negative) and (found := _minus(e.operand, outputs)) is not None:
        return found
    match e:
        case Call("xlogy", (t, y)) if (found := _minus_log(y, outputs)) is not None:
            return Product((t, _negated(found)))
        case Call("log", (y,)) if (found := _minus_log(y, outputs)) is not None:
            return _negated(found)
    out: Expression = e.mapped(lambda part: _stable(part, outputs))
    return out


def _minus(e: Expression, outputs: _Outputs) -> Expression | None:
    """-e, where e is made of logarithms that have a form which keeps their digits."""
    match e:
        case Call("xlogy", (t, y)) if (found := _minus_log(y, outputs)) is not None:
            return Product((t, found))
        case Call("log", (y,)):
            return _minus_log(y, outputs)
        case Sum(terms):
            made = [_minus(term, outputs) if sign > 0 else None for sign, term in terms]
            known = [term for term in made if term is not None]
            return Sum(tuple((1, term) for term in known)) if len(known) == len(made) else None
        case Over("sum" | "mean" as op, letters, body) if (found := _minus(body, outputs)) is not None:
            return Over(op, letters, found)
    return None


def _minus_log(y: Expression, outputs: _Outputs) -> Expression | None:
    """-log y, from what y is made of."""
    match y:
        case Sum(((1, Number("1")), (-1, inner))) if found := outputs.logarithms(inner):
            return _negated(_in_digits(filled(found[1], (found[2],), inner)))
        case _ if found := outputs.logarithms(y):
            return _negated(_in_digits(filled(found[0], (found[2],), y)))
        case Ref() if e := outputs.softmax(y):
            assert isinstance(e.right, Over)
            (k,) = e.right.letters
            pairs = [(i.letter, j) for i, j in zip(e.left.at, y.at, strict=True) if isinstance(i, Index)]
            others = {l: j for l, j in pairs if l != k and isinstance(j, Index)}
            if any(k in dict(j.terms) for j in others.values()):
                return None  # k is bound in the sum below
            a = _read_at(e.right.body, dict(pairs))
            return Sum(((1, Over("logsumexp", (k,), substituted(e.right.body, others))), (-1, a)))
    return None


def _in_digits(e: Expression) -> Expression:
    """With each function in the form that keeps its digits."""
    if isinstance(e, Call) and FUNCTIONS[e.function].stable:
        return filled(FUNCTIONS[e.function].stable, e.arguments, e)
    out: Expression = e.mapped(_in_digits)
    return out


def _read_at(e: Expression, at: Mapping[str, Expression]) -> Expression:
    """An entry with other indices in place of its letters; whole numbers that are looked up too."""
    if isinstance(e, Index):
        found = at.get(e.letter) if e.letter else None
        return found if found is not None else e.at({l: i for l, i in at.items() if isinstance(i, Index)})
    out: Expression = e.mapped(lambda part: _read_at(part, at))
    return out


def _negated(e: Expression) -> Expression:
    return e.operand if isinstance(e, Negative) else Negative(e)


def fused(
    backward: Sequence[Equation], forward: Sequence[Equation], d: Mapping[str, str], *, targets_sum_to_one: bool = True
) -> list[Equation]:
    """delta = y - t for softmax with its cross-entropy (where targets sum to 1), and for the sigmoid with its.

    Σ_k y[k] ([k = m] - y[m]) (-t[k]/y[k]) = y[m] Σ_k t[k] - t[m], and h (1 - h) ((1 - t)/(1 - h) - t/h) = h - t.
    """
    outputs, out = _Outputs(forward), {e.left.name: e for e in backward}
    for y, e in outputs.made.items():
        short = _short(out.get(d.get(f"d{y}", f"d{y}")), e.left, outputs, targets_sum_to_one)
        argument = next((x for x in e.right.walk() if isinstance(x, Ref)), None)
        delta = d.get(f"d{argument.name}", f"d{argument.name}") if argument else ""
        if short is not None and delta in out:
            out[delta] = replace(out[delta], right=short, why="fused")
    return list(out.values())


def _short(dy: Equation | None, y: Ref, outputs: _Outputs, targets_sum_to_one: bool) -> Expression | None:
    match dy.right if dy else None:
        case Negative(Call("over", (t, below))) if below == y and outputs.softmax(y) and targets_sum_to_one:
            return Sum(((1, y), (-1, t)))
        case Sum(
            (
                (1, Call("over", (Sum(((1, Number("1")), (-1, t))), Sum(((1, Number("1")), (-1, below)))))),
                (-1, Call("over", (same, also))),
            )
        ) if below == also == y and same == t and outputs.logarithms(y):
            return Sum(((1, y), (-1, t)))
    return None
