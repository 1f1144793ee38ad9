"""The parts of a step's right sides, ready to be written out entry by entry: `entries` puts the numbers in."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any

from derivations.building import ONE, ZERO
from derivations.entry_joining import added, called, chosen, divided, multiplied, negative
from derivations.equations import Role, Step
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
from derivations.parts import LeavesOut, Part, Values, always, joined, letters_of, over, tuple_of
from derivations.shapes import numbered

__all__ = ["EntryParts", "Leaf"]

Leaf = Callable[[str, tuple[int, ...]], Expression]
"""What stands for an entry of an array in a written-out formula: its name, its number."""


class EntryParts:
    """Makes the parts of expressions of a step ready; the entries that they share are one node each."""

    def __init__(self, step: Step, leaf: Leaf, count: int) -> None:
        self.step, self.leaf, self.count = step, leaf, count
        self._leaves: dict[str, dict[tuple[int, ...], Expression]] = defaultdict(dict)

    def part(self, e: Expression) -> Part[Expression]:
        """An expression of numbered entries only."""
        match e:
            case Ref(name, at):
                return self._entry(name, at)
            case Number() | Name():
                return always(e)
            case Size(l):
                return always(Number(str(len(self._run(l)))))
            case Index():
                return self.whole(e).then(lambda i: Number(str(i)))
            case Same() | Within():
                return self._test(e).then(lambda holds: ONE if holds else ZERO)
            case Product(factors):
                return self._product(factors)
            case Choice(Index() as test, positive, otherwise):
                return self._decided(self.whole(test), self.part(positive), self.part(otherwise))
            case Over(op, letters, body):
                return self._over(op, letters, body)
        return self._together(e)

    def _together(self, e: Expression) -> Part[Expression]:
        """What is put together of its parts, whatever these are."""
        match e:
            case Negative(operand):
                return joined(negative, self.part(operand))
            case Sum(terms):
                signs = [sign for sign, _ in terms]
                return joined(lambda *made: added(zip(signs, made, strict=True)), *(self.part(t) for _, t in terms))
            case Quotient(above, below):
                return joined(divided, self.part(above), self.part(below))
            case Power(base, exponent):
                return self._power(self.part(base), exponent)
            case Call(name, arguments):
                return joined(called(name), *map(self.part, arguments))
            case Choice(test, positive, otherwise):
                return joined(chosen, *map(self.part, (test, positive, otherwise)))
            case Largest(entry, largest):
                return joined(Largest, self.part(entry), self.part(largest))
            case Smallest(entry, smallest):
                return joined(Smallest, self.part(entry), self.part(smallest))
        raise TypeError(f"{type(e).__name__} has no entries")

    # --- indices, and what they decide ---

    def whole(self, i: Expression) -> Part[int]:
        """The value of an index."""
        if isinstance(i, Ref):
            numbers = self.step.whole[i.name]
            return self.place(i.at).then(lambda at: int(numbers[_within(at, numbers.shape)]))
        assert isinstance(i, Index)
        i = numbered(i, self.step.ranges)
        if i.letter:
            return Part(frozenset((i.letter,)), itemgetter(i.letter), plain=True)
        terms, plus = i.terms, i.plus

        def value(values: Values) -> int:
            total = plus
            for l, c in terms:
                total += c * values[l]
            return total

        return Part(frozenset(l for l, _ in terms), value, plain=True)

    def place(self, at: Sequence[Expression]) -> Part[tuple[int, ...]]:
        """The values of indices."""
        return tuple_of([self.whole(i) for i in at], [i.letter if isinstance(i, Index) else "" for i in at])

    def _test(self, e: Same | Within) -> Part[bool]:
        """Whether a condition holds."""
        if isinstance(e, Same):
            return joined(int.__eq__, self.whole(e.left), self.whole(e.right))
        low, high = e.low, e.high
        return self.whole(e.index).then(lambda i: low <= i <= high)

    def _decided(self, test: Part[int], positive: Part[Expression], otherwise: Part[Expression]) -> Part[Expression]:
        """A choice that indices decide."""
        letters = test.letters | positive.letters | otherwise.letters
        asked, yes, no = test.at, positive.within(letters), otherwise.within(letters)
        return Part(letters, lambda values: yes(values) if asked(values) > 0 else no(values))

    # --- what is more than its parts ---

    def _entry(self, name: str, at: Sequence[Expression]) -> Part[Expression]:
        """An entry of an array; outside of it `ZERO`."""
        if not at:
            return always(self.leaf(name, ()))
        letters, place, plain = self.place(at)
        known, leaf, extents = self._leaves[name], self.leaf, self.step.arrays[name].extents

        def made(values: Values) -> Expression:
            here = place(values)
            found = known.get(here)
            if found is None:
                inside = all(low <= i <= high for i, (low, high) in zip(here, extents, strict=True))
                found = known[here] = leaf(name, here) if inside else ZERO
            return found

        return Part(letters, made, plain)

    def _product(self, factors: Sequence[Expression]) -> Part[Expression]:
        """Factors in order, conditions asked first: what one decides to be 1 is left out, to be 0 is nothing at all."""
        tests = [self._test(f) for f in factors if isinstance(f, Same | Within)]
        written = [f for f in factors if not isinstance(f, Same | Within)]
        parts = [self.part(f) for f in written]
        letters = letters_of(tests) | letters_of(parts)
        asked, each = [test.at for test in tests], [part.within(letters) for part in parts]
        join = multiplied([isinstance(f, Sum) and any(isinstance(t, Same) for _, t in f.terms) for f in written])

        def made(values: Values) -> Expression:
            for holds in asked:
                if not holds(values):
                    return ZERO
            found = []
            for one in each:
                factor = one(values)
                if factor is ZERO:
                    return ZERO
                found.append(factor)
            return join(found)

        return Part(letters, made)

    def _power(self, base: Part[Expression], exponent: Any) -> Part[Expression]:
        """The exponent is a whole number; the count of the steps, in Adam's powers; or a formula of its own."""
        if isinstance(exponent, Ref) and self.step.arrays[exponent.name].role is Role.CONSTANT:
            exponent = self.count
        if isinstance(exponent, int):
            return base.then(lambda made: Power(made, exponent))
        return joined(Power, base, self.part(exponent))

    def _over(self, op: str, letters: tuple[str, ...], body: Expression) -> Part[Expression]:
        runs = {l: self._run(l) for l in letters}
        if op == "softmax":
            power = self.part(Call("exp", (body,)))
            return joined(Quotient, power, over(runs, power, _all_added))
        if op in ("max", "min"):
            return over(runs, self.part(body), lambda made: Call(op, tuple(made)))
        tests, rest = self._left_out(letters, body)
        total = over(runs, self.part(rest), _all_added, tests)
        if op == "sum":
            return total
        count = Number(str(math.prod(map(len, runs.values()))))
        return total.then(lambda made: Quotient(made, count))

    def _left_out(self, letters: tuple[str, ...], body: Expression) -> tuple[list[LeavesOut], Expression]:
        """The conditions in what is summed that leave out values of one of the letters, and the rest."""
        tests, rest = list[LeavesOut](), list[Expression]()
        for f in body.factors if isinstance(body, Product) else ():
            test = self._test(f) if isinstance(f, Same | Within) else always(True)
            match [l for l in letters if l in test.letters]:
                case [letter]:
                    tests.append((letter, test))
                case _:
                    rest.append(f)
        return (tests, Product(tuple(rest))) if tests else ([], body)

    def _run(self, l: str) -> range:
        low, high = self.step.ranges[l]
        return range(low, high + 1)


def _all_added(made: list[Expression]) -> Expression:
    return added(zip(repeat(1), made))


def _within(at: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """The place of indices from 1; past the ends, where a condition leaves out what is looked up, the last one."""
    return tuple(min(max(k, 1), n) - 1 for k, n in zip(at, shape, strict=True))
