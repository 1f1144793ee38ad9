"""Equations said otherwise: the short output delta, losses that keep their digits, t log y with 0 log 0 = 0.

A rewrite looks at the form of equations, never at the name of a loss, and keeps each line's left side.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from derivations.building import product, quotient
from derivations.equations import Equation
from derivations.expression import (
    Call,
    Choice,
    Expression,
    Index,
    Negative,
    Number,
    Over,
    Product,
    Quotient,
    Ref,
    Same,
    Sum,
    letter,
)
from derivations.function import Function, entry
from derivations.shapes import free, refs, substituted
from derivations.uses import filled

__all__ = ["fused", "gated", "named_arguments", "stable", "zero_log_zero"]


def zero_log_zero(e: Expression) -> Expression:
    """t log y is 0 where t is 0: a product that ends in a logarithm becomes the function xlogy, written the same."""
    e = e.mapped(zero_log_zero)
    match e:
        case Product((*factors, Call("log", (y,)))):
            first = factors[0] if len(factors) == 1 else Product(tuple(factors))
            return Call("xlogy", (first, y))
        case Call(Function(own=Expression() as own) as function, arguments):
            return Call(replace(function, own=zero_log_zero(own)), arguments)
    return e


def named_arguments(equations: Iterable[Equation], taken: Iterable[str]) -> list[Equation]:
    """h = tanh(sum) in two lines, h_in = sum and h = tanh(h_in): the argument's signal is the delta of the course.

    Also within a line, E = Σ_j tanh(sum): the argument has the letters that it depends on, E_in[j].
    """
    out, known = list[Equation](), set(taken)
    own: dict[str, str] = {}  # h_in of each h: its equations share it
    for e in equations:
        before: list[Equation] = []

        def named(inner: Ref, argument: Expression, e: Equation = e, before: list[Equation] = before) -> Ref:
            before.append(replace(e, left=inner, right=argument))
            return inner

        def put(x: Expression, e: Equation = e, named: Callable[[Ref, Expression], Ref] = named) -> Expression:
            made: Expression = x.mapped(put)
            match made:
                case Call(function, arguments) if entry(function).named:
                    whole = x is e.right and len(arguments) == 1
                    short = [
                        named(_argument(e, a, whole, known, own), a) if not isinstance(a, Ref) and refs(a) else a
                        for a in arguments
                    ]
                    return Call(function, tuple(short))
                case Over("max" | "min" as op, letters, body) if not isinstance(body, Ref):
                    return Over(op, letters, named(_argument(e, body, False, known, own), body))
            return made

        right = put(e.right)
        out += [*before, replace(e, right=right)]
    return out


def _argument(e: Equation, argument: Expression, whole: bool, known: set[str], own: dict[str, str]) -> Ref:
    """What the argument of a function is called: h_in[t,j] where the function is all of h[t,j]."""
    base = f"{e.left.name}_in"
    if whole and base in own:
        return Ref(own[base], e.left.at)
    name = next(n for n in (f"{base}{k if k > 1 else ''}" for k in itertools.count(1)) if n not in known)
    known.add(name)
    if whole:
        own[base] = name
        return Ref(name, e.left.at)
    return Ref(name, _letters(e.left, argument))


def _letters(left: Ref, part: Expression) -> tuple[Expression, ...]:
    """The letters that a part of a line depends on, those of the left side first."""
    needed = free(part)
    first = [l for l in free(left) if l in needed]
    return tuple(letter(l) for l in (*first, *(l for l in needed if l not in first)))


def gated(equations: Sequence[Equation], taken: Iterable[str]) -> list[Equation]:
    """f = (x + y)*z as a circuit draws it: q1 = x + y, f = q1*z; each operation has a line of its own."""
    known = {*taken, *(l for e in equations for x in (e.left, e.right) for l in free(x))}
    names = (f"q{k}" for k in itertools.count(1))
    free_names = (n for n in names if not {n, f"d{n}"} & known)
    return [line for e in equations for line in _Gates(e, free_names).lines]


class _Gates:
    """The lines of one equation; a part that stands in it twice has one gate."""

    def __init__(self, e: Equation, names: Iterator[str]) -> None:
        self.e, self.names = e, names
        self.lines: list[Equation] = []
        self.made: dict[Expression, Ref] = {}
        self.lines.append(replace(e, right=self.operation(e.right)))

    def value(self, x: Expression) -> Expression:
        """The name of the gate that gives a part; what is no operation on an array stands for itself."""
        if isinstance(x, Ref) or not refs(x):
            return x
        if x not in self.made:
            right = self.operation(x)
            self.made[x] = Ref(next(self.names), _letters(self.e.left, x))
            self.lines.append(replace(self.e, left=self.made[x], right=right))
        return self.made[x]

    def operation(self, x: Expression) -> Expression:
        """One operation, on names; more than two terms or factors two by two."""
        match x:
            case Sum((first, second, *rest)) if rest:
                return self.operation(Sum(((1, Sum((first, second))), *rest)))
            case Product((first, second, *rest)) if rest:
                return self.operation(Product((Product((first, second)), *rest)))
            case Choice(Sum(terms), positive, otherwise):
                test = Sum(tuple((sign, self.value(t)) for sign, t in terms))
                return Choice(test, self.value(positive), self.value(otherwise))
            case Ref():
                return x
        out: Expression = x.mapped(self.value)
        return out


class _Outputs:
    """What each output is made of: y = softmax(a), or a function whose logarithm has a form of its own."""

    def __init__(self, forward: Sequence[Equation]) -> None:
        count = Counter(e.left.name for e in forward)
        self.made = {e.left.name: e for e in forward if count[e.left.name] == 1}

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
            case Call(name, (Ref() as a,)) if entry(name).logarithm:
                return entry(name).logarithm, entry(name).complement, a
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
    if isinstance(e, Call) and entry(e.function).stable:
        return filled(entry(e.function).stable, e.arguments, e)
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


SumsToOne = Callable[[Ref, str], bool]
"""Whether the entries of a target along a letter, its classes, sum to 1."""


def fused(
    backward: Sequence[Equation],
    forward: Sequence[Equation],
    d: Mapping[str, str],
    *,
    sums_to_one: SumsToOne = lambda target, classes: True,
) -> list[Equation]:
    """delta = y - t for softmax with its cross-entropy (where targets sum to 1), and for the sigmoid with its.

    Σ_k y[k] ([k = m] - y[m]) (-t[k]/y[k]) = y[m] Σ_k t[k] - t[m], and h (1 - h) ((1 - t)/(1 - h) - t/h) = h - t.
    A target that is looked up, [k = answer], sums to 1 by itself; what else multiplies the loss stays a factor.
    """
    outputs, out = _Outputs(forward), list(backward)
    count = Counter(e.left.name for e in out)
    place = {e.left.name: k for k, e in enumerate(out) if count[e.left.name] == 1}
    reads = Counter(r.name for e in forward for r in e.reads)
    for y, e in outputs.made.items():
        argument = next((x for x in e.right.walk() if isinstance(x, Ref)), None)
        if argument is None or reads[argument.name] > 1:
            continue  # what is read elsewhere too has more in its signal
        dy, delta = place.get(d.get(f"d{y}", f"d{y}")), place.get(d.get(f"d{argument.name}", f"d{argument.name}"))
        if dy is None or delta is None or out[dy].left.at != e.left.at:
            continue
        short = _short(out[dy].right, e.left, outputs, sums_to_one)
        if short is not None:
            out[delta] = replace(out[delta], right=short, why="fused")
    return out


def _short(dy: Expression, y: Ref, outputs: _Outputs, sums_to_one: SumsToOne) -> Expression | None:
    softmax = outputs.softmax(y)
    if softmax is not None and isinstance(softmax.right, Over):
        return _short_softmax(_Ratio.of(dy), y, softmax.right.letters[0], sums_to_one)
    match dy:
        case Sum(((1, first), (-1, second))) if outputs.logarithms(y):
            return _short_sigmoid(_Ratio.of(first), _Ratio.of(second), y)
    return None


class _Ratio(NamedTuple):
    """A term as its sign, the factors above and those below."""

    sign: int
    above: list[Expression]
    below: list[Expression]

    @classmethod
    def of(cls, e: Expression) -> _Ratio:
        """The term taken apart."""
        match e:
            case Negative(operand):
                inner = cls.of(operand)
                return cls(-inner.sign, inner.above, inner.below)
            case Quotient(p, q) | Call("over", (p, q)):
                top, under = cls.of(p), cls.of(q)
                return cls(top.sign * under.sign, top.above + under.below, top.below + under.above)
            case Product(factors):
                parts = [cls.of(f) for f in factors]
                sign = -1 if sum(p.sign < 0 for p in parts) % 2 else 1
                return cls(sign, [f for p in parts for f in p.above], [f for p in parts for f in p.below])
        return cls(1, [] if e == Number("1") else [e], [])

    def times(self, e: Expression) -> Expression:
        """The ratio with one factor more."""
        out = product(*self.above, e)
        return quotient(out, product(*self.below)) if self.below else out


def _without(factors: list[Expression], one: Expression) -> list[Expression] | None:
    if factors.count(one) != 1:
        return None
    return [f for f in factors if f != one]


def _short_softmax(dy: _Ratio, y: Ref, k: str, sums_to_one: SumsToOne) -> Expression | None:
    """-c t[k]/y[k] becomes c (y - t)."""
    of_k = [f for f in dy.above if k in free(f)]
    if dy.sign > 0 or len(of_k) != 1:
        return None
    target, read = of_k[0], y
    if isinstance(target, Same) and target.left == letter(k):
        read = Ref(y.name, tuple(target.right if i == letter(k) else i for i in y.at))
    elif not (isinstance(target, Ref) and sums_to_one(target, k)):
        return None
    above, below = _without(dy.above, target), _without(dy.below, read)
    if above is None or below is None or any(k in free(f) for f in below):
        return None
    return _Ratio(1, above, below).times(Sum(((1, y), (-1, target))))


def _short_sigmoid(first: _Ratio, second: _Ratio, y: Ref) -> Expression | None:
    """c (1 - t)/(1 - y) - c t/y becomes c (y - t)."""
    one = Number("1")
    below, same = _without(first.below, Sum(((1, one), (-1, y)))), _without(second.below, y)
    if below is None or below != same or first.sign < 0 or second.sign < 0:
        return None
    for t in second.above:
        above, rest = _without(first.above, Sum(((1, one), (-1, t)))), _without(second.above, t)
        if above is not None and above == rest:
            return _Ratio(1, above, below).times(Sum(((1, y), (-1, t))))
    return None
