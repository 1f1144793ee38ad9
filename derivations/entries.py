"""One equation an entry: sums written out, conditions decided, functions as their formulas.

For tables, marking cells, proofs and reading.  Nothing is simplified beyond what a condition decides: what it decides
to be nothing is `ZERO` itself, any other 0 is a number that is shown.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from derivations.building import ONE, ZERO, folded
from derivations.equations import Equation, Range, Role, Step
from derivations.expression import (
    Call,
    Choice,
    Expression,
    Index,
    Largest,
    Name,
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
)
from derivations.function import ARGUMENTS, Function, entry
from derivations.shapes import numbered
from derivations.uses import filled, opened

__all__ = ["Entries", "Entry", "Leaf"]

Leaf = Callable[[str, tuple[int, ...]], Expression]
"""What stands for an entry of an array in a written-out formula: its name, its number."""


class Entry(NamedTuple):
    """One number of a step: the array it stands in, its indices, the formula that defines it."""

    name: str
    at: tuple[int, ...]
    formula: Expression


def as_ref(name: str, at: tuple[int, ...]) -> Expression:
    """An entry as a reference with whole numbers."""
    return Ref(name, tuple(Index((), i) for i in at))


class Entries:
    """Writes out equations of a step.  `count` is the number of the step, which Adam's powers need."""

    def __init__(self, step: Step, leaf: Leaf = as_ref, count: int = 1) -> None:
        self.step, self.leaf, self.count = step, leaf, count
        self.ranges: Mapping[str, Range] = step.ranges
        self.extents = {name: array.extents for name, array in step.arrays.items()}
        self._leaves: dict[tuple[str, tuple[int, ...]], Expression] = {}

    def of(self, e: Equation, fixed: Mapping[str, int] | None = None, first: Sequence[str] = ()) -> Iterator[Entry]:
        """The entries of one equation in reading order; letters of `first` vary last: a whole sample after another."""
        given = dict(fixed or {})
        own = [i.letter for i in e.left.at if isinstance(i, Index) and i.letter and i.letter not in given]
        letters = [*(l for l in first if l in own), *(l for l in own if l not in first)]
        runs = [range(self.ranges[l][0], self.ranges[l][1] + 1) for l in letters]
        for at in itertools.product(*runs):
            values = given | dict(zip(letters, at, strict=True))
            place = tuple(self.whole(i, values) for i in e.left.at)
            yield Entry(e.left.name, place, self.written(e.right, values))

    def whole(self, i: Expression, values: Mapping[str, int]) -> int:
        """The value of an index."""
        if isinstance(i, Ref):
            return int(self.step.whole[i.name][tuple(self.whole(j, values) - 1 for j in i.at)])
        assert isinstance(i, Index)
        total = i.plus
        for l, c in i.terms:
            total += c * (values[l] if l in values else numbered(Index(((l, 1),), 0), self.ranges).plus)
        return total

    def written(self, e: Expression, values: Mapping[str, int]) -> Expression:
        """An expression of numbered entries only."""
        match e:
            case Ref(name, at):
                return self._entry(name, tuple(self.whole(i, values) for i in at))
            case Number() | Name():
                return e
            case Size(l):
                low, high = self.ranges[l]
                return Number(str(high - low + 1))
            case Index():
                return Number(str(self.whole(e, values)))
            case Same(left, right):
                return ONE if self.whole(left, values) == self.whole(right, values) else ZERO
            case Within(index, low, high):
                return ONE if low <= self.whole(index, values) <= high else ZERO
            case Negative(operand):
                return _negative(self.written(operand, values))
            case Sum(terms):
                return _added((sign, self.written(t, values)) for sign, t in terms)
            case Product(factors):
                return self._product(factors, values)
            case Quotient(above, below):
                top, under = self.written(above, values), self.written(below, values)
                return ZERO if top is ZERO else Quotient(top, under)
            case Power(base, exponent):
                return Power(self.written(base, values), self._exponent(exponent, values))
            case Call(name, arguments):
                return self._call(name, tuple(self.written(a, values) for a in arguments))
            case Choice(test, positive, otherwise):
                if isinstance(test, Index):
                    return self.written(positive if self.whole(test, values) > 0 else otherwise, values)
                yes, no = self.written(positive, values), self.written(otherwise, values)
                return yes if yes == no else Choice(self.written(test, values), yes, no)
            case Largest(entry, largest):
                return Largest(self.written(entry, values), self.written(largest, values))
            case Smallest(entry, smallest):
                return Smallest(self.written(entry, values), self.written(smallest, values))
            case Over(op, letters, body):
                return self._over(op, letters, body, values)
        raise TypeError(f"{type(e).__name__} has no entries")

    def _entry(self, name: str, at: tuple[int, ...]) -> Expression:
        known = self._leaves.get((name, at))
        if known is None:
            inside = all(low <= i <= high for i, (low, high) in zip(at, self.extents[name], strict=True))
            known = self._leaves[name, at] = self.leaf(name, at) if inside else ZERO
        return known

    def _product(self, factors: Sequence[Expression], values: Mapping[str, int]) -> Expression:
        """Factors in order; what a condition decides to be 1 is left out, and a sign that it leaves stands in front."""
        found, negative = list[Expression](), False
        for f in factors:
            made = self.written(f, values)
            if made is ZERO:
                return ZERO
            if isinstance(f, Same | Within):
                continue
            decided = isinstance(f, Sum) and any(isinstance(t, Same) for _, t in f.terms)
            if decided and isinstance(made, Negative):
                made, negative = made.operand, not negative
            found.append(made)
        out = found[0] if len(found) == 1 else folded(Product(tuple(found))) if found else ONE
        return Negative(out) if negative else out

    def _exponent(self, exponent: Any, values: Mapping[str, int]) -> Any:
        """A whole number; the count of the steps, in Adam's powers; or a formula of its own."""
        if isinstance(exponent, int):
            return exponent
        if isinstance(exponent, Ref) and self.step.arrays[exponent.name].role is Role.CONSTANT:
            return self.count
        return self.written(exponent, values)

    def _call(self, name: str | Function, arguments: tuple[Expression, ...]) -> Expression:
        """The function's formula, where no long argument is written twice; else the function by its name."""
        function = entry(name)
        formula = opened(function)
        if formula is None:
            return Call(name, arguments)
        long = [not isinstance(a, Ref | Name | Number) for a in arguments]
        if any(long) and (
            function.named or any(_twice(formula, a) for a, l in zip(ARGUMENTS, long, strict=False) if l)
        ):
            return Call(name, arguments)
        return self._opened(filled(formula, arguments, ZERO))

    def _opened(self, e: Expression) -> Expression:
        """A formula's own calls opened too: exp(a) - 1 for expm1, which nobody writes, and functions of the file."""
        if isinstance(e, Call):
            return self._call(e.function, tuple(self._opened(a) for a in e.arguments))
        out: Expression = e.mapped(self._opened)
        return out

    def _over(self, op: str, letters: tuple[str, ...], body: Expression, values: Mapping[str, int]) -> Expression:
        if op == "softmax":
            (k,) = letters
            (below,) = self._all(letters, Call("exp", (body,)), values, _added)
            return Quotient(Call("exp", (self.written(body, {**values, k: values[k]}),)), below)
        if op in ("max", "min"):
            (found,) = self._all(letters, body, values, lambda terms: Call(op, tuple(t for _, t in terms)))
            return found
        (total,) = self._all(letters, body, values, _added)
        if op == "sum":
            return total
        count = 1
        for l in letters:
            count *= self.ranges[l][1] - self.ranges[l][0] + 1
        return Quotient(total, Number(str(count)))

    def _all(
        self,
        letters: tuple[str, ...],
        body: Expression,
        values: Mapping[str, int],
        joined: Callable[[Iterator[tuple[int, Expression]]], Expression],
    ) -> tuple[Expression]:
        runs = [range(self.ranges[l][0], self.ranges[l][1] + 1) for l in letters]
        known = dict(values)

        def each() -> Iterator[tuple[int, Expression]]:
            for at in itertools.product(*runs):
                known.update(zip(letters, at, strict=True))
                yield 1, self.written(body, known)

        return (joined(each()),)


def _twice(formula: Expression, argument: str) -> bool:
    return sum(isinstance(x, Ref) and x.name == argument for x in formula.walk()) > 1


def _negative(e: Expression) -> Expression:
    return ZERO if e is ZERO else e.operand if isinstance(e, Negative) else Negative(e)


def _added(terms: Iterator[tuple[int, Expression]]) -> Expression:
    """A sum as it is read: a sum that is added is continued, one that is taken away stays in brackets."""
    flat: list[tuple[int, Expression]] = []
    for sign, e in terms:
        match e:
            case _ if e is ZERO:
                continue
            case Sum(parts) if sign > 0 or not flat:
                flat += [(sign * s, part) for s, part in parts] if sign > 0 else [(sign, e)]
            case Negative(operand) if sign > 0:
                flat.append((-1, operand))
            case _:
                flat.append((sign, e))
    if not flat:
        return ZERO
    (sign, only), *rest = flat
    if rest:
        return Sum(tuple(flat))
    return only if sign > 0 else Negative(only)
