"""The ways in which people get one line wrong, each a kind with the right side as they have it.

A kind is written once, here; its sentence stands in messages.toml under `equation.KIND`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import combinations, product
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

__all__ = ["Rewriting"]

Put = Callable[[Expression], Expression]
"""A whole right side with another expression in one place."""
CURVED = ("sigmoid", "tanh", "relu", "identity")
"""Functions that people take for each other."""
ODD = ("tanh", "identity", "sin")
"""Functions of which the negative argument gives the negative value: that is a sign of the whole."""
MOST_ALIKE = 4
"""Arrays of the same shape and role that are taken for each other."""
MOST_TERMS = 9
"""Of a sum, each of which may be left out or added twice."""
MOST_PATHS = 5
"""Ways back, of which several may be left out together."""
ONE = Number("1")


class Rewriting:
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
        places = list(_places(e.right, lambda x: x))
        often = Counter(x for x, _ in places)
        for x, put in places:
            for kind, new, term in self._at(e, x):
                facts = {} if term is None else {"term": self.text(term)}
                if isinstance(new, Ref):
                    facts["other"] = self.text(new)
                yield kind, put(new), facts
                if often[x] > 1 and isinstance(x, Sum | Product):  # who gets it wrong does so wherever it stands
                    yield kind, _all_replaced(e.right, {x: new}), facts
        if (exchanged := self._exchanged(e)) is not None:
            yield "written_transposed", exchanged, {}
        yield from self._of_slope(e)
        yield from self._slope_too_many(e)
        yield from self._turned_round(e)
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
                yield from self._error_handed_on(e, factors)
            case Quotient(above, below):
                yield "divisor_left_out", above, below
            case Power(base, int(n)) if n > 1:
                yield "power_left_out", base, x
            case Over("mean", letters, body):
                yield "sum_for_mean", Over("sum", letters, body), None
                less = Sum(((1, _size(letters)), (-1, ONE)))
                yield "mean_by_one_less", Quotient(Over("sum", letters, body), less), None
                yield from self._of_some_terms(e, x)
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
            for count in range(2, len(terms) - 1) if len(terms) <= MOST_PATHS else ():
                for left in combinations(terms, count):
                    yield "path_left_out", _sum(tuple(t for t in terms if t not in left)), _sum(left)
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

    def _slope_too_many(self, e: Equation) -> Iterator[tuple[str, Expression, dict[str, str]]]:
        """The signal of a pre-activation times the slope of its function, which is in it or cancels."""
        readers = [f for f in self.step.equations if any(r.name == e.of for r in f.reads) and f.stage == "forward"]
        if e.stage != "backward" or self.step.arrays[e.left.name].role is not Role.SIGNAL or len(readers) != 1:
            return
        made = readers[0]
        if isinstance(made.right, Call) and entry(made.right.function).named and len(made.right.arguments) == 1:
            letters = {i.letter: o for i, o in zip(made.left.at, e.left.at, strict=False) if isinstance(i, Index)}
            argument = made.right.arguments[0]
            if isinstance(argument, Ref) and argument.at == made.left.at and len(letters) == len(e.left.at):
                at = {l: i for l, i in letters.items() if isinstance(i, Index)}
                slope = filled(slopes(entry(made.right.function))[0], (argument,), made.left)
                wrong = Product((e.right, substituted(slope, at)))
                yield "slope_too_many", wrong, {"term": self.text(substituted(slope, at))}

    def _turned_round(self, e: Equation) -> Iterator[tuple[str, Expression, dict[str, str]]]:
        """A kernel's gradient with both of its ends exchanged."""
        at = [i.letter for i in e.left.at if isinstance(i, Index) and i.letter]
        windows = [i for r in _refs(e.right) for i in r.at if isinstance(i, Index) and len(i.terms) > 1]
        inside = {l for i in windows for l, _ in i.terms}
        if e.stage == "backward" and at and len(at) == len(e.left.at) and set(at) <= inside:
            turned = {l: Index(((l, -1),), sum(self.step.ranges[l])) for l in at}
            yield "turned_round", substituted(e.right, turned), {}

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

    def _is_parameter(self, r: Ref) -> bool:
        return r.name in self.step.arrays and self.step.arrays[r.name].role is Role.PARAMETER

    def _is_constant(self, f: Expression) -> bool:
        return isinstance(f, Ref) and f.name in self.step.arrays and self.step.arrays[f.name].role is Role.CONSTANT

    def _of_sum(
        self, e: Equation, letters: tuple[str, ...], body: Expression
    ) -> Iterator[tuple[str, Expression, Expression | None]]:
        if e.stage == "backward" or self.step.arrays[e.left.name].role is Role.OBJECTIVE:
            for l in letters:
                rest = tuple(x for x in letters if x != l)
                for end in sorted({*self.step.ranges.get(l, ())}, reverse=True):
                    one = substituted(body, {l: Index((), end)})
                    yield "one_of_the_sum", Over("sum", rest, one) if rest else one, one
        yield "mean_for_sum", Quotient(Over("sum", letters, body), _size(letters)), None
        yield from self._of_some_terms(e, Over("sum", letters, body))

    def _of_some_terms(self, e: Equation, x: Over) -> Iterator[tuple[str, Expression, Expression | None]]:
        """A sum, or a mean, without one of its terms, or with one twice: of each letter, and of two together."""
        ranges = [range(low, high + 1) for low, high in (self.step.ranges.get(l, (1, 0)) for l in x.letters)]
        places = [{l: k} for l, own in zip(x.letters, ranges, strict=True) for k in own if len(own) > 1]
        if len(x.letters) > 1:
            places += [dict(zip(x.letters, at, strict=True)) for at in product(*ranges)]
        told = x.op == "sum" and e.stage == "backward" and len(x.letters) == 1 and len(places) == 2
        for at in places if len(places) <= MOST_TERMS else ():
            here = _product(tuple(Same(letter(l), Index((), k)) for l, k in at.items()))
            for kind, sign in (("term_of_sum_left_out", -1), ("term_of_sum_twice", 1))[told:]:  # of two one is left
                counted = Product((Sum(((1, ONE), (sign, here))), x.body))
                term = substituted(x.body, {l: Index((), k) for l, k in at.items()})
                yield kind, Over(x.op, x.letters, counted), term

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
            if e.of in self.step.arrays and e.stage == "backward" and array.role is not Role.SIGNAL:
                whose = self.step.arrays[e.of]
                if whose.extents == self.step.arrays[e.left.name].extents != array.extents:
                    yield "another_array", Ref(e.of, e.left.at)
        for k, i in enumerate(r.at):
            if isinstance(i, Index) and len(i.terms) == 1 and abs(i.plus) == 1 and i.terms[0][1] == 1:
                now = Index(i.terms, 0)
                reach = bounds(now, self.step.ranges)
                if reach and array.extents[k][0] <= reach[0] and reach[1] <= array.extents[k][1]:
                    yield "another_step", Ref(r.name, (*r.at[:k], now, *r.at[k + 1 :]))
        opened = self._opened(r)
        if opened is None:
            return
        own, values = opened
        if isinstance(own.right, Call) and entry(own.right.function).named and isinstance(own.right.arguments[0], Ref):
            yield "before_the_function", substituted(own.right.arguments[0], values)
        yield from (("signal_handed_on", before) for before in self._before_the_slope(e, r))

    def _opened(self, r: Ref) -> tuple[Equation, dict[str, Index]] | None:
        """The line that makes what stands there, and what its letters are there."""
        made = self._made.get(r.name)
        letters = {i.letter for i in made.left.at if isinstance(i, Index)} if made else set()
        if made is None or len(letters) != len(r.at) or not all(isinstance(i, Index) for i in r.at):
            return None
        pairs = zip(made.left.at, r.at, strict=True)
        return made, {i.letter: o for i, o in pairs if isinstance(i, Index) and isinstance(o, Index)}

    def _before_the_slope(self, e: Equation, r: Ref) -> Iterator[Expression]:
        """In the place of a signal the one that it is made of, before the slope is multiplied on."""
        opened = self._opened(r)
        if opened is None or e.stage != "backward":
            return
        made, values = opened
        for f in made.right.factors if made.stage == "backward" and isinstance(made.right, Product) else ():
            if isinstance(f, Ref) and f.name in self._signals and not set(free(f)) - set(values):
                yield substituted(f, values)

    def _error_handed_on(
        self, e: Equation, factors: tuple[Expression, ...]
    ) -> Iterator[tuple[str, Expression, Expression]]:
        """The raw error below, without the slope above and without the weight on the way."""
        for k, weight in enumerate(factors):
            if isinstance(weight, Ref) and self._is_parameter(weight):
                rest = (*factors[:k], *factors[k + 1 :])
                for j, signal in enumerate(rest):
                    for before in self._before_the_slope(e, signal) if isinstance(signal, Ref) else ():
                        yield "error_handed_on", _product((*rest[:j], before, *rest[j + 1 :])), before


def _alike(a: Array, b: Array) -> bool:
    """Whether one array may be taken for another."""
    return a.extents == b.extents and a.role is b.role and a.role is not Role.CONSTANT


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


def _size(letters: tuple[str, ...]) -> Expression:
    """How many values letters have together."""
    return _product(tuple(map(Size, letters)))


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
