"""Slips of any step: one equation of it rewritten as people get it wrong, with what there is to say of it.

A kind is written once, here; which slips a step has follows from its equations.  The sentences stand in messages.toml
under `equation.KIND`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from derivations.computation import Computation
from derivations.equations import Array, Equation, Role
from derivations.expression import (
    Call,
    Choice,
    Expression,
    Index,
    Largest,
    Negative,
    Number,
    Over,
    Power,
    Product,
    Quotient,
    Ref,
    Same,
    Size,
    Smallest,
    Sum,
    Within,
    letter,
)
from derivations.function import entry
from derivations.general import GeneralText
from derivations.own_names import OwnNames
from derivations.shapes import bounds, free, substituted
from derivations.uses import filled, opened, slopes

__all__ = ["Rewrite", "rewrites"]

Put = Callable[[Expression], Expression]
"""A whole right side with another expression in one place."""
CURVED = ("sigmoid", "tanh", "relu", "identity")
"""Functions that people take for each other."""
ODD = ("tanh", "identity", "sin")
"""Functions of which the negative argument gives the negative value: that is a sign of the whole."""
MOST_ALIKE = 4
"""Arrays of the same shape and role that are taken for each other."""
MOST_TERMS = 6
"""Of a sum, each of which may be left out or added twice."""
ONE = Number("1")
MOST = 900
"""Rewrites of one step; the likely kinds come first."""


@dataclass(frozen=True, eq=False)
class Rewrite:
    """One way to get a step wrong: the lines as they were worked, `name` for its sentence, facts for its places."""

    name: str
    lines: tuple[Equation, ...]
    facts: Mapping[str, str]
    everywhere: bool = False
    """Whether it is one that is made in several layers at once, and stands there for each alone too."""

    def may_be_made(self, open_: Set[str]) -> bool:
        """Whether it changes one of these arrays: one that is made everywhere, none but these."""
        return set(self.arrays) <= open_ if self.everywhere else not open_.isdisjoint(self.arrays)

    @cached_property
    def arrays(self) -> tuple[str, ...]:
        """What its lines make."""
        return tuple(dict.fromkeys(e.left.name for e in self.lines))

    @cached_property
    def by_left(self) -> dict[Ref, Equation]:
        """Its lines by their left sides."""
        return {e.left: e for e in self.lines}

    @property
    def is_named(self) -> bool:
        """Whether it has a name of its own, and a sentence, rather than those of its kind."""
        return not self.name.startswith("equation.")

    @property
    def is_turned(self) -> bool:
        """Whether it gives the negative of what is right."""
        return self.name.startswith("equation.turned")


def rewrites(problem: Computation) -> list[Rewrite]:
    """Every rewrite of a computation's step, numbered within its kind."""
    own = _Rewriting(problem)
    out: list[Rewrite] = []
    seen = set[tuple[Ref, Expression]]()
    for e in problem.step.equations:
        as_it_is = own.text.equation(e)
        for kind, right, facts in own.of(e):
            if right == e.right or (e.left, right) in seen or len(out) >= MOST or not _is_workable(right):
                continue
            seen.add((e.left, right))
            wrong = replace(e, right=right)
            told = {"used": own.text.equation(wrong), "right": as_it_is, **facts}
            out.append(Rewrite(f"equation.{kind}[{len(out) + 1}]", (wrong,), told))
    return out


class _Rewriting:
    """What the kinds need to know of a step."""

    def __init__(self, problem: Computation) -> None:
        self.problem, self.step = problem, problem.step
        names = OwnNames(problem)
        self.text = GeneralText(self.step.unwritten, names.letter, self.step.ranges)

    @cached_property
    def _made(self) -> dict[str, Equation]:
        """The line of each array that one line makes."""
        return {e.left.name: e for e in self.step.equations}

    @cached_property
    def _updated(self) -> dict[str, str]:
        return {a.of: name for name, a in self.step.arrays.items() if a.role is Role.UPDATED}

    def of(self, e: Equation) -> Iterator[tuple[str, Expression, dict[str, str]]]:
        """(kind, right side, facts) of every rewrite of one equation."""
        if isinstance(e.right, Number):
            return
        for x, put in _places(e.right, lambda x: x):
            for kind, new, term in self._at(e, x):
                facts = {} if term is None else {"term": self.text(term)}
                if isinstance(new, Ref):
                    facts["other"] = self.text(new)
                yield kind, put(new), facts
        if (exchanged := self._exchanged(e)) is not None:
            yield "written_transposed", exchanged, {}
        yield from self._of_slope(e)
        yield from self._of_pairs(e)
        if any(isinstance(x, Call) and entry(x.function).name == "xlogy" for x in e.right.walk()):
            yield "log_to_base_ten", Quotient(e.right, Call("log", (Number("10"),))), {"term": "log"}
        yield "doubled", Product((Number("2"), e.right)), {}
        yield "halved", Quotient(e.right, Number("2")), {}

    def _at(self, e: Equation, x: Expression) -> Iterator[tuple[str, Expression, Expression | None]]:
        """(kind, what stands there instead, the part that it is about) of one place."""
        match x:
            case Sum(terms):
                yield from self._of_terms(e, terms)
            case Product(factors):
                yield from self._of_factors(factors)
            case Quotient(above, below):
                yield "divisor_left_out", above, below
            case Power(base, int(n)) if n > 1:
                yield "power_left_out", base, x
            case Over("mean", letters, body):
                yield "sum_for_mean", Over("sum", letters, body), None
            case Over("sum", letters, body):
                yield from self._of_sum(e, letters, body)
            case Over("max" | "min" as op, letters, body):
                yield "another_choice", Over("min" if op == "max" else "max", letters, body), x
                yield "mean_of_all", Over("mean", letters, body), x
            case Over("softmax" as op, (letter,), body):
                yield "softmax_not_divided", Call("exp", (body,)), x
                yield "softmax_left_out", body, x
                other = [l for l in free(e.left) if l != letter and l in free(body)]
                yield from (("another_axis", Over(op, (l,), body), None) for l in other)
            case Choice(test, positive, otherwise):
                yield "one_branch", positive, positive
                yield "one_branch", otherwise, otherwise
                yield "branches_exchanged", Choice(test, otherwise, positive), None
            case Call("max" | "min" as function, arguments):
                yield "another_choice", Call("min" if function == "max" else "max", arguments), x
            case Call(_, (_,)):
                yield from self._of_call(x)
            case Ref():
                yield from ((kind, new, x) for kind, new in self._of_ref(e, x))
        if isinstance(x, Call) and isinstance(formula := opened(entry(x.function)), Choice):
            for branch in (formula.positive, formula.otherwise):
                yield "one_branch", filled(branch, x.arguments, x), x
        if x is e.right and isinstance(x, Sum) and e.stage == "update":
            old = [t for _, t in x.terms if isinstance(t, Ref) and t.name == self.step.arrays[e.left.name].of]
            if old and len(x.terms) == 2:
                step = tuple((s, t if t is old[0] else Product((t, old[0]))) for s, t in x.terms)
                yield "times_itself", Sum(step), old[0]
        if x is e.right:
            yield "turned", Negative(x), x

    def _of_terms(
        self, e: Equation, terms: tuple[tuple[int, Expression], ...]
    ) -> Iterator[tuple[str, Expression, Expression]]:
        """A term of a sum with another sign, left out, alone, twice or half."""
        for k, (sign, t) in enumerate(terms):
            yield "sign", Sum((*terms[:k], (-sign, t), *terms[k + 1 :])), t
        for k, (_, t) in enumerate(terms):
            rest = (*terms[:k], *terms[k + 1 :])
            path = e.stage == "backward" and any(r.name in self._signals for r in _refs(t))
            yield "path_left_out" if path else "term_left_out", _sum(rest), t
        if e.stage == "backward" and len(terms) > 2:
            for sign, t in terms:
                yield "only_one_path", _sum(((sign, t),)), t
        for k, (sign, t) in enumerate(terms):
            for kind, factor in (("term_doubled", Number("2")), ("term_halved", Quotient(ONE, Number("2")))):
                if not isinstance(t, Number):
                    yield kind, Sum((*terms[:k], (sign, Product((factor, t))), *terms[k + 1 :])), t

    def _of_factors(self, factors: tuple[Expression, ...]) -> Iterator[tuple[str, Expression, Expression | None]]:
        """A factor left out or twice; a signal sent to those that were not the largest."""
        for k, f in enumerate(factors):
            if not isinstance(f, Same | Within):
                kind = "slope_left_out" if self._is_slope(f) else "factor_left_out"
                yield kind, _product((*factors[:k], *factors[k + 1 :])), f
            if self._is_constant(f):
                yield "factor_twice", Product((f, *factors)), f
            if isinstance(f, Largest | Smallest):
                others = Sum(((1, ONE), (-1, f)))
                yield "to_the_others", Product((*factors[:k], others, *factors[k + 1 :])), None

    @staticmethod
    def _of_call(x: Call) -> Iterator[tuple[str, Expression, Expression]]:
        """A function of one argument left out, another one, or this one worked wrong."""
        (argument,), own = x.arguments, entry(x.function).name
        yield "function_left_out", argument, x
        if own == "log":
            yield "log_to_base_ten", Quotient(x, Call("log", (Number("10"),))), x
            return
        if own not in ODD:
            yield "argument_sign", Call(x.function, (Negative(argument),)), x
        if own == "sigmoid":
            yield "sigmoid_without_one", Call("exp", (argument,)), x
        if own in CURVED:
            yield from (("another_function", Call(f, (argument,)), x) for f in CURVED if f != own)

    def _like(self, e: Equation, name: str) -> list[str]:
        """The arrays that one may be taken for, the likeliest first: what stands beside it, then what is near."""
        array, order = self.step.arrays[name], list(self.step.arrays)
        like = [n for n, a in self.step.arrays.items() if n not in (name, e.left.name) and _alike(a, array)]
        readers = [f for f in self.step.equations if f.stage == "forward" and any(r.name == e.of for r in f.reads)]
        beside = {r.name for f in readers for r in f.reads}
        place = order.index(name)
        return sorted(like, key=lambda n: (n != e.of, n not in beside, abs(order.index(n) - place)))

    def _of_slope(self, e: Equation) -> Iterator[tuple[str, Expression, dict[str, str]]]:
        """The slope of another function, or of this one at its argument as if that were its output."""
        made = self._made.get(e.of)
        if e.why != "slope" or made is None or not isinstance(made.right, Call):
            return
        (argument, *more), own = made.right.arguments, entry(made.right.function).name
        if more or made.left.at != e.left.at or not isinstance(argument, Ref):
            return
        told = {"term": self.text(made.left), "other": self.text(argument)}
        yield "before_the_function", _replaced(e.right, made.left, argument), told
        again = Call(made.right.function, (made.left,))
        told = {"term": self.text(made.left), "other": self.text(again)}
        yield "slope_at_the_output", _all_replaced(e.right, {argument: made.left, made.left: again}), told
        for f in CURVED:
            if f != own and own in CURVED:
                yield "slope_of_another_function", filled(slopes(entry(f))[0], (argument,), made.left), {"other": f}

    def _of_pairs(self, e: Equation) -> Iterator[tuple[str, Expression, dict[str, str]]]:
        """Two like arrays exchanged; a kernel that is flipped; a window one place too far."""
        found = list(dict.fromkeys(r for r in _refs(e.right) if r.name in self.step.arrays))
        for k, a in enumerate(found):
            for b in found[k + 1 :]:
                if a.name != b.name and _alike(self.step.arrays[a.name], self.step.arrays[b.name]):
                    swapped = {a: Ref(b.name, a.at), b: Ref(a.name, b.at)}
                    yield "exchanged", _all_replaced(e.right, swapped), {"term": self.text(a), "other": self.text(b)}
        windows = [r for r in found if any(isinstance(i, Index) and len(i.terms) > 1 for i in r.at)]
        for r in windows:
            for by in (1, -1):
                at = tuple(
                    Index(i.terms, i.plus + by) if isinstance(i, Index) and len(i.terms) > 1 else i for i in r.at
                )
                moved = Ref(r.name, at)
                yield "shifted", _replaced(e.right, r, moved), {"term": self.text(r), "other": self.text(moved)}
        inside = {l for r in windows for i in r.at if isinstance(i, Index) and len(i.terms) > 1 for l, _ in i.terms}
        for r in found:
            plain = [i for i in r.at if isinstance(i, Index) and i.letter in inside and i.letter not in free(e.left)]
            if r not in windows and plain and self.step.arrays[r.name].role is Role.PARAMETER:
                turned = {i.letter: Index(((i.letter, -1),), sum(self.step.ranges[i.letter])) for i in plain}
                flipped = Ref(r.name, tuple(turned.get(i.letter, i) if isinstance(i, Index) else i for i in r.at))
                yield "flipped", _replaced(e.right, r, flipped), {"term": self.text(r), "other": self.text(flipped)}

    def _exchanged(self, e: Equation) -> Expression | None:
        """The right side with the last two indices of the left one exchanged."""
        at = [i for i in e.left.at if isinstance(i, Index)]
        if e.stage != "backward" or len(at) != len(e.left.at) or len(at) < 2 or not (at[-1].letter and at[-2].letter):
            return None
        extents = self.step.arrays[e.left.name].extents
        if extents[-1] != extents[-2]:
            return None
        return substituted(e.right, {at[-1].letter: at[-2], at[-2].letter: at[-1]})

    @cached_property
    def _signals(self) -> set[str]:
        return {n for n, a in self.step.arrays.items() if a.role is Role.SIGNAL}

    def _is_slope(self, f: Expression) -> bool:
        return isinstance(f, Ref) and f.name in self.step.arrays and self.step.arrays[f.name].role is Role.LOCAL

    def _is_constant(self, f: Expression) -> bool:
        return isinstance(f, Ref) and f.name in self.step.arrays and self.step.arrays[f.name].role is Role.CONSTANT

    def _of_sum(
        self, e: Equation, letters: tuple[str, ...], body: Expression
    ) -> Iterator[tuple[str, Expression, Expression | None]]:
        size = Product(tuple(map(Size, letters))) if len(letters) > 1 else Size(letters[0])
        if e.stage == "backward":
            for l in letters:
                rest = tuple(x for x in letters if x != l)
                for end in sorted({*self.step.ranges.get(l, ())}, reverse=True):
                    one = substituted(body, {l: Index((), end)})
                    yield "one_of_the_sum", Over("sum", rest, one) if rest else one, one
        yield "mean_for_sum", Quotient(Over("sum", letters, body), size), None
        for l in letters:
            low, high = self.step.ranges.get(l, (1, 0))
            for k in range(low, high + 1) if 1 < high - low + 1 <= MOST_TERMS else ():
                here = Same(letter(l), Index((), k))
                told = e.stage == "backward" and len(letters) == 1 and high - low == 1  # of two one is left: see above
                for kind, sign in (("term_of_sum_left_out", -1), ("term_of_sum_twice", 1))[told:]:
                    counted = Product((Sum(((1, ONE), (sign, here))), body))
                    yield kind, Over("sum", letters, counted), substituted(body, {l: Index((), k)})

    def _of_ref(self, e: Equation, r: Ref) -> Iterator[tuple[str, Expression]]:
        """What stands where another entry should."""
        array = self.step.arrays.get(r.name)
        if array is None:
            return
        plain = [i for i in r.at if isinstance(i, Index)]
        square = len(plain) == len(r.at) >= 2 and array.extents[-1] == array.extents[-2]
        if square and e.stage != "update" and plain[-1] != plain[-2]:
            yield "transposed", Ref(r.name, (*r.at[:-2], r.at[-1], r.at[-2]))
        if array.role is Role.PARAMETER and e.stage == "backward" and r.name in self._updated:
            yield "updated_too_soon", Ref(self._updated[r.name], r.at)
        if array.role is Role.CONSTANT and r.name == "eta":
            yield "factor_twice", Product((r, r))
            yield "power_of_ten", Quotient(r, Number("10"))
            yield "power_of_ten", Product((Number("10"), r))
        if e.stage != "update":
            yield from (("another_array", Ref(n, r.at)) for n in self._like(e, r.name)[:MOST_ALIKE])
        for k, i in enumerate(r.at):
            if isinstance(i, Index) and len(i.terms) == 1 and abs(i.plus) == 1 and i.terms[0][1] == 1:
                now = Index(i.terms, 0)
                reach = bounds(now, self.step.ranges)
                if reach and array.extents[k][0] <= reach[0] and reach[1] <= array.extents[k][1]:
                    yield "another_step", Ref(r.name, (*r.at[:k], now, *r.at[k + 1 :]))
        made = self._made.get(r.name)
        if made is None or made.left.name != r.name:
            return
        letters = {i.letter for i in made.left.at if isinstance(i, Index)}
        if len(letters) != len(r.at) or not all(isinstance(i, Index) for i in r.at):
            return
        values = {
            i.letter: o
            for i, o in zip(made.left.at, r.at, strict=True)
            if isinstance(i, Index) and isinstance(o, Index)
        }
        own = made.right
        if isinstance(own, Call) and entry(own.function).named and isinstance(own.arguments[0], Ref):
            argument = substituted(own.arguments[0], values)
            yield "before_the_function", argument
        if e.stage == "backward" and made.stage == "backward" and isinstance(own, Product):
            for f in own.factors:  # the signal before the slope
                if isinstance(f, Ref) and f.name in self._signals and not set(free(f)) - letters:
                    yield "signal_handed_on", substituted(f, values)


def _alike(a: Array, b: Array) -> bool:
    """Whether one array may be taken for another."""
    return a.extents == b.extents and a.role is b.role and a.role is not Role.CONSTANT


def _is_workable(e: Expression) -> bool:
    """Whether what is taken over letters has these letters in it."""
    taken = (x for x in e.walk() if isinstance(x, Over) and x.op not in ("sum", "mean"))
    return all(set(x.letters) <= set(free(x.body)) for x in taken)


def _replaced(e: Expression, old: Expression, new: Expression) -> Expression:
    return _all_replaced(e, {old: new})


def _all_replaced(e: Expression, values: Mapping[Any, Expression]) -> Expression:
    """An expression with others in place of some of its parts, wherever they stand."""
    if e in values:
        return values[e]
    if isinstance(e, Ref | Index):
        return e
    out: Expression = e.mapped(lambda part: _all_replaced(part, values))
    return out


def _refs(e: Expression) -> Iterator[Ref]:
    return (x for x in e.walk() if isinstance(x, Ref))


def _sum(terms: tuple[tuple[int, Expression], ...]) -> Expression:
    return terms[0][1] if len(terms) == 1 and terms[0][0] > 0 else Sum(terms)


def _product(factors: tuple[Expression, ...]) -> Expression:
    return factors[0] if len(factors) == 1 else Product(factors)


def _places(x: Expression, put: Put) -> Iterator[tuple[Expression, Put]]:
    """Every part of an expression where something else may stand, with what puts it there."""
    yield x, put
    match x:
        case Sum(terms):
            for k, (sign, t) in enumerate(terms):
                yield from _places(t, lambda n, k=k, s=sign: put(Sum((*terms[:k], (s, n), *terms[k + 1 :]))))  # type: ignore[misc]
        case Product(factors):
            for k, f in enumerate(factors):
                yield from _places(f, lambda n, k=k: put(Product((*factors[:k], n, *factors[k + 1 :]))))  # type: ignore[misc]
        case Quotient(above, below):
            yield from _places(above, lambda n: put(Quotient(n, below)))
            yield from _places(below, lambda n: put(Quotient(above, n)))
        case Power(base, exponent):
            yield from _places(base, lambda n: put(Power(n, exponent)))
        case Negative(operand):
            yield from _places(operand, lambda n: put(Negative(n)))
        case Over(op, letters, body):
            yield from _places(body, lambda n: put(Over(op, letters, n)))
        case Call(function, arguments):
            for k, a in enumerate(arguments):
                yield from _places(a, lambda n, k=k: put(Call(function, (*arguments[:k], n, *arguments[k + 1 :]))))  # type: ignore[misc]
        case Choice(test, positive, otherwise):
            yield from _places(positive, lambda n: put(Choice(test, n, otherwise)))
            yield from _places(otherwise, lambda n: put(Choice(test, positive, n)))
        case Largest() | Smallest() | Ref() | Number() | Size() | Same() | Within() | Index():
            return
