"""The forward equations over pairs: each line of a step as a function of what is known, planned once.

Letters: s the arrays so far, by name; an array's own axes are called 0, 1, ... in it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from derivations.building import constant
from derivations.equations import Range, Step
from derivations.expression import (
    Call,
    Choice,
    Expression,
    Index,
    Negative,
    Number,
    Over,
    Power,
    Product,
    Quotient,
    Ref,
    Same,
    Size,
    Sum,
    Within,
)
from derivations.function import ARGUMENTS, Function, entry
from derivations.language import expression
from derivations.program import Task
from derivations.shapes import free
from tracer.verification import pairs
from tracer.verification.contraction import filled
from tracer.verification.pairs import Pair, TooLarge

__all__ = ["Line", "State", "axes"]

State = dict[str, Pair]
Work = Callable[[State], Pair]


def axes(count: int) -> tuple[str, ...]:
    """What the axes of an array are called."""
    return tuple(map(str, range(count)))


class Line:
    """One equation of the forward program, for the values that a recurrence has given to some of its letters."""

    def __init__(self, step: Step, task: Task) -> None:
        e = task.equation
        self.step, self.equation, self.fixed = step, e, dict(task.fixed)
        self.name, self.reads = e.left.name, {r.name for r in e.reads}
        self.letters = [l for i in e.left.at for l in free(i) if l not in self.fixed]
        self.extents = {name: array.extents for name, array in step.arrays.items()}
        self.place = tuple(self._slot(i, low) for i, (low, _) in zip(e.left.at, self.extents[self.name], strict=True))
        self.shape = tuple(self._size(l) for l in self.letters)
        numbers = [str(k) for k, p in enumerate(self.place) if isinstance(p, slice)]
        self.numbered = dict(zip(self.letters, numbers, strict=True))
        whole = zip(self.place, step.arrays[self.name].shape, strict=True)
        self.whole = all(isinstance(p, slice) and p == slice(0, n) for p, n in whole)
        self._work = self._of(e.right, {})

    def _slot(self, i: Expression, low: int) -> slice | int:
        """Where along an axis the left side stands."""
        assert isinstance(i, Index)
        terms, plus = self._affine(i)
        if not terms:
            return plus - low
        (l,) = terms
        first, last = self.step.ranges[l]
        return slice(first + plus - low, last + plus - low + 1)

    def work(self, s: State) -> Pair:
        """The right side, over the letters of the left one, whose axes are then called 0, 1, ..."""
        out = self._work(s).over(self.letters)
        if out.v.shape != self.shape:
            out = out.like(self.letters, filled(out.v, self.shape), out.d)
        return out.renamed(self.numbered)

    def argument(self, s: State) -> Pair:
        """What z = h(a) reads, over the letters of its indices."""
        right = self.equation.right
        assert isinstance(right, Over | Call)
        return self._of(right.body if isinstance(right, Over) else right.arguments[0], {})(s)

    def applied(self, x: Pair) -> Pair:
        """h of an argument."""
        right = self.equation.right
        if isinstance(right, Call):
            return self._call(entry(right.function), [_always(x)])({})
        assert isinstance(right, Over)
        return pairs.softmax(x, right.letters[0])

    def signal(self, r: Ref) -> Work:
        """What stands in a place of the left side's array, over the letters of the left side."""
        names = dict(zip(axes(len(self.letters)), self.letters, strict=True))
        return lambda s: s[r.name].renamed(names)

    def formula(self, e: Expression) -> Work:
        """A part of the right side."""
        return self._of(e, {})

    @staticmethod
    def product_over(factors: Sequence[Pair], letters: Sequence[str], sizes: Mapping[str, int]) -> Pair:
        """The sum of a product over letters; one that no factor has counts as often as it has values."""
        used = {l for p in factors for l in p.letters}
        times = math.prod(sizes[l] for l in letters if l not in used)
        out = Line._added([_always(p) for p in factors], [l for l in letters if l in used])({})
        return out if times == 1 else pairs.multiply(out, pairs.fixed(float(times)))

    # --- formulas ---

    def _size(self, l: str) -> int:
        low, high = self.step.ranges[l]
        return high - low + 1

    def _affine(self, i: Index) -> tuple[dict[str, int], int]:
        terms, plus = dict[str, int](), i.plus
        for l, c in i.terms:
            if l[0] == "|":
                plus += c * self.step.ranges[l[1:-1]][1]
            elif l in self.fixed:
                plus += c * self.fixed[l]
            else:
                terms[l] = terms.get(l, 0) + c
        return {l: c for l, c in terms.items() if c}, plus

    def _of(self, e: Expression, arguments: Mapping[str, Work]) -> Work:
        def of(x: Expression) -> Work:
            return self._of(x, arguments)

        match e:
            case Number():
                value = constant(e)
                return _always(pairs.fixed(math.pi if value is None else float(value)))
            case Size(l):
                return _always(pairs.fixed(float(self._size(l))))
            case Ref(name, ()) if name in arguments:
                return arguments[name]
            case Ref():
                return self._read(e)
            case Index() | Same() | Within():
                return _always(self._known(e))
            case Negative(operand):
                return _applied(pairs.negative, of(operand))
            case Sum(terms):
                return _summed([(sign, of(t)) for sign, t in terms])
            case Product(factors):
                return _multiplied([of(f) for f in factors])
            case Quotient(above, below):
                return _applied(pairs.divide, of(above), of(below))
            case Power(base, int(n)):
                return _applied(lambda x: pairs.whole_power(x, n), of(base))
            case Power(base, exponent):
                return _applied(pairs.power, of(base), of(exponent))
            case Choice(test, positive, otherwise):
                return _applied(pairs.choose, of(test), of(positive), of(otherwise))
            case Call(function, given):
                return self._call(entry(function), [of(a) for a in given])
            case Over(op, letters, body):
                return self._over(op, letters, body, arguments)
        raise ArithmeticError(f"differences do not read {type(e).__name__}")

    def _call(self, f: Function, given: list[Work]) -> Work:
        if f.own is not None:
            return self._formula(f.own, given)
        if f.name == "max0":
            return _applied(lambda x: pairs.choose(x, x, pairs.fixed(0.0)), *given)
        if f.name in ("max", "min"):
            first = -1 if f.name == "max" else 1
            return _applied(
                lambda x, y: pairs.choose(pairs.add(x, y, -1) if first > 0 else pairs.add(y, x, -1), y, x), *given
            )
        if f.operation or not f.value:
            return _applied(pairs.FUNCTIONS[f.name], *given)
        return self._formula(expression(f.value), given)

    def _formula(self, formula: Expression, given: list[Work]) -> Work:
        """A function by its value, each argument worked once."""
        keys = [f"#{next(_ARGUMENTS)}" for _ in given]
        inner = self._of(formula, {a: _kept(key) for a, key in zip(ARGUMENTS, keys, strict=False)})

        def work(s: State) -> Pair:
            return inner({**s, **{key: w(s) for key, w in zip(keys, given, strict=True)}})

        return work

    def _over(self, op: str, letters: tuple[str, ...], body: Expression, arguments: Mapping[str, Work]) -> Work:
        if op == "softmax":
            return _applied(lambda x: pairs.softmax(x, letters[0]), self._of(body, arguments))
        if op in ("max", "min"):
            sign = 1 if op == "max" else -1
            return _applied(lambda x: pairs.extreme(x, letters, sign), self._of(body, arguments))
        counted = 1 if op == "sum" else math.prod(self._size(l) for l in letters)
        factors = body.factors if isinstance(body, Product) else (body,)
        unused = [l for l in letters if l not in free(body)]
        times = math.prod(self._size(l) for l in unused) / counted
        work = self._added([self._of(f, arguments) for f in factors], [l for l in letters if l not in unused])
        return work if times == 1 else _applied(lambda x: pairs.multiply(x, pairs.fixed(times)), work)

    @staticmethod
    def _added(factors: list[Work], letters: list[str]) -> Work:
        """The sum over letters of a product: of its last two factors as a contraction."""
        first, last = factors[:-1], factors[-1]

        def work(s: State) -> Pair:
            y = last(s)
            if not first:
                return y.sum(letters)
            x = first[0](s)
            for f in first[1:]:
                x = pairs.multiply(x, f(s))
            both = [l for l in letters if l in x.letters and l in y.letters]
            x, y = (p.sum([l for l in letters if l in p.letters and l not in both]) for p in (x, y))
            out = [l for l in dict.fromkeys((*x.letters, *y.letters)) if l not in both]
            return pairs.contract(x, y, out)

        return work

    def _known(self, e: Expression) -> Pair:
        """A number known beforehand: an index, a condition."""
        letters = list(dict.fromkeys(l for l in free(e) if l not in self.fixed))
        if isinstance(e, Same):
            value = self._grid(e.left, letters) == self._grid(e.right, letters)
        elif isinstance(e, Within):
            value = self._grid(e.index, letters)
            value = (value >= e.low) & (value <= e.high)
        else:
            value = self._grid(e, letters)
        return Pair(letters, filled(value, tuple(self._size(l) for l in letters)))

    def _grid(self, i: Expression, letters: Sequence[str]) -> np.ndarray:
        if isinstance(i, Ref):
            known = self.step.whole[i.name]
            at = (np.clip(self._grid(j, letters) - 1, 0, n - 1) for j, n in zip(i.at, known.shape, strict=True))
            return np.asarray(known[tuple(at)])
        assert isinstance(i, Index)
        terms, plus = self._affine(i)
        out = np.full([1] * len(letters), plus)
        for l, c in terms.items():
            low, high = self.step.ranges[l]
            out = out + c * np.arange(low, high + 1).reshape([-1 if l == k else 1 for k in letters])
        return out

    # --- arrays read at indices ---

    def _read(self, r: Ref) -> Work:
        name = r.name
        if not r.at:
            return lambda s: s[name]
        plain = self.entire(r)
        if plain is not None:
            names = dict(zip(axes(len(plain)), plain, strict=True))
            return lambda s: s[name].renamed(names)
        gather = _Gather(self, r, self.extents[name])
        return lambda s: gather.of(s[name])

    def entire(self, r: Ref) -> list[str] | None:
        """The letters of an array that is read whole, one letter an axis; None for another one."""
        extents = self.extents[r.name]
        out: list[str] = []
        for i, extent in zip(r.at, extents, strict=True):
            if not isinstance(i, Index) or not i.letter or i.letter in self.fixed or i.letter in out:
                return None
            if self.step.ranges[i.letter] != extent:
                return None
            out.append(i.letter)
        return out


class _Gather:
    """An array read at indices that are more than its letters: shifted, fixed, looked up, windows."""

    def __init__(self, line: Line, r: Ref, extents: Sequence[Range]) -> None:
        self.line = line
        self.letters = list(dict.fromkeys(l for i in r.at for l in free(i) if l not in line.fixed))
        self.size = [line._size(l) for l in self.letters]
        shape = [high - low + 1 for low, high in extents]
        places = [line._grid(i, self.letters) - low for i, (low, _) in zip(r.at, extents, strict=True)]
        inside = np.ones(self.size, bool)
        for p, n in zip(places, shape, strict=True):
            inside = inside & (p >= 0) & (p < n)
        self.inside = None if inside.all() else inside
        self.at = [np.clip(p, 0, n - 1) for p, n in zip(places, shape, strict=True)]
        self.kept = self._kept(r, extents)
        self.windows = self._windows(shape)
        self.slices = None if self.inside is not None else self._slices(r, extents)

    def _slices(self, r: Ref, extents: Sequence[Range]) -> tuple[slice | int, ...] | None:
        """A number or one letter an axis, each letter once and in order: h[t-1,k]."""
        out, used = list[slice | int](), list[str]()
        for i, (low, _) in zip(r.at, extents, strict=True):
            if not isinstance(i, Index):
                return None
            terms, plus = self.line._affine(i)
            if len(terms) > 1 or set(terms.values()) - {1}:
                return None
            used += terms
            first, last = self.line.step.ranges[used[-1]] if terms else (0, 0)
            out.append(slice(first + plus - low, last + plus - low + 1) if terms else plus - low)
        return tuple(out) if used == self.letters else None

    def _kept(self, r: Ref, extents: Sequence[Range]) -> dict[str, str]:
        """The axes that one letter runs along from end to end, by that letter: what is tied there stays so."""
        used = [l for i in r.at for l in free(i)]
        out = {}
        for k, (i, extent) in enumerate(zip(r.at, extents, strict=True)):
            l = i.letter if isinstance(i, Index) else ""
            if l and l not in self.line.fixed and self.line.step.ranges[l] == extent and used.count(l) == 1:
                out[str(k)] = l
        return out

    def _windows(self, shape: Sequence[int]) -> dict[str, tuple[tuple[str, str], np.ndarray]]:
        """The axes that two letters share without a place twice, p = 2r + c - 2: a label there splits into two."""
        out = {}
        for k in range(len(shape)):
            place = self.at[k]
            moving = [j for j, n in enumerate(place.shape) if n > 1]
            if len(moving) != 2 or str(k) in self.kept:
                continue
            lines = place.reshape([place.shape[j] for j in moving])
            if np.unique(lines).size == lines.size:
                out[str(k)] = ((self.letters[moving[0]], self.letters[moving[1]]), lines)
        return out

    def of(self, x: Pair) -> Pair:
        """The entries, over the letters of the indices."""
        split = {l: self.windows[t] for l, t in enumerate(x.ties) if t in self.windows} if x.d is not None else {}
        x = x.apart([l for l, t in enumerate(x.ties) if t is not None and t not in self.kept and l not in split])
        places: tuple[Any, ...] = self.slices or ()
        places = places or tuple(np.broadcast_to(p, self.size) for p in self.at)
        v = x.v[places]
        if self.inside is not None:
            v = np.where(self.inside, v, 0.0)
        if x.d is None:
            return Pair(self.letters, v)
        d = x.d[(slice(None),) * len(x.ties) + places]
        if self.inside is not None:
            d = np.where(self.inside, d, 0.0)
        ties: list[str | None] = []
        labels: list[pairs.Label] = []
        for l, t in enumerate(x.ties):
            axis, known = x.labels[l]
            if l not in split:
                ties.append(None if t is None else self.kept[t])
                labels.append((axis, known))
                continue
            if known is not None:
                raise TooLarge
            d = np.expand_dims(d, len(ties))
            ties += split[l][0]
            labels += [(axis, split[l][1])] * 2
        return Pair(self.letters, v, d, ties, tuple(labels))


_ARGUMENTS = itertools.count()
"""Numbers the places where a function's arguments are kept while its formula is worked."""


def _kept(key: str) -> Work:
    return lambda s: s[key]


def _always(value: Pair) -> Work:
    return lambda s: value


def _applied(function: Callable[..., Pair], *works: Work) -> Work:
    if len(works) == 1:
        first = works[0]
        return lambda s: function(first(s))
    return lambda s: function(*(w(s) for w in works))


def _summed(terms: list[tuple[int, Work]]) -> Work:
    (sign, first), *rest = terms

    def work(s: State) -> Pair:
        out = first(s) if sign > 0 else pairs.negative(first(s))
        for plus, w in rest:
            out = pairs.add(out, w(s), plus)
        return out

    return work


def _multiplied(factors: list[Work]) -> Work:
    first, *rest = factors

    def work(s: State) -> Pair:
        out = first(s)
        for w in rest:
            out = pairs.multiply(out, w(s))
        return out

    return work
