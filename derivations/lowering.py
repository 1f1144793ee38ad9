"""One equation becomes array operations: a matrix product where one is, else a broadcast; strided views for indices.

Written once for every arithmetic: only + - * / @, indexing, transposing, reshaping and sums of its arrays are used, and
the functions of the arithmetic.  None in place of a work is an exact zero.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.arithmetic import Arithmetic
from derivations.axes import Arrays, Axes, Lowered, Work, spread
from derivations.building import constant
from derivations.equations import Range
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
)
from derivations.function import ARGUMENTS, Function, entry
from derivations.guards import conditions, may_fail
from derivations.language import expression
from derivations.shapes import bounds, free, numbered, refs
from derivations.views import View
from derivations.windows import scattered, windows

__all__ = ["Lowering", "applied"]


class Lowering:
    """Lowers the right sides of a step's equations for one arithmetic.

    `extents` of all arrays, `ranges` of letters, `whole` the arrays of whole numbers that are looked up, `fixed` the
    letters that a recurrence has given a value, `left` the letters of the left side.
    """

    def __init__(
        self,
        m: Arithmetic,
        extents: Mapping[str, tuple[Range, ...]],
        ranges: Mapping[str, Range],
        whole: Mapping[str, np.ndarray],
        fixed: Mapping[str, int],
        left: Sequence[str],
    ) -> None:
        self.m, self.extents, self.whole = m, extents, whole
        self.axes = Axes(dict(ranges), left)
        self.fixed = {l: Index((), v) for l, v in fixed.items()}
        self.arguments: dict[str, Lowered] = {}

    def right(self, e: Expression, left: Sequence[str]) -> Work:
        """The right side with every axis of the left one."""
        for x in e.walk():
            if isinstance(x, Over):
                self.axes.add(x.letters)
        work, axes = self.lifted(e)
        shape = tuple(self.axes.size(l) for l in left)
        if axes == tuple(left):
            return work if axes else lambda s: self._own(work(s))
        if not axes:
            bare, work = work, lambda s: self._own(bare(s))
        at = tuple(slice(None) if l in axes else None for l in left)
        return lambda s: spread(work(s), at, shape)

    def _own(self, value: Any) -> Any:
        """A mere number as one of the arithmetic's, so that the array that it fills is one of it."""
        return self.m.number(str(Fraction(value))) if type(value) in (int, float) else value

    # --- expressions ---

    def of(self, e: Expression) -> Lowered | None:
        """The work of an expression; None where it is an exact zero."""
        if (value := self.constant(e)) is not None:
            return self._number(value, e)
        match e:
            case Number():
                return (lambda s, pi=self.m.pi: pi), ()
            case Ref(name, ()) if name in self.arguments:
                return self.arguments[name]
            case Ref():
                return self.ref(e)
            case Same() | Within():
                return self.condition(e)
            case Index():
                return self._letters(e)
            case Negative(operand):
                return self._sum(((-1, operand),))
            case Sum(terms):
                return self._sum(terms)
            case Product(factors):
                return self.axes.contracted(self.factors(factors), ())
            case Quotient(above, below):
                return self._where(conditions(above), self._quotient(self.of(above), below), [below])
            case Power(base, exponent):
                return self._power(base, exponent)
            case Call(name, arguments):
                return self._call(name, arguments)
            case Choice(test, positive, otherwise):
                where = self.m.where
                (c, p, q), axes = self.axes.aligned([self.lifted(x) for x in (test, positive, otherwise)])
                return (lambda s: where(c(s), p(s), q(s))), axes
            case Largest(entry, largest):
                (p, q), axes = self.axes.aligned([self.lifted(entry), self.lifted(largest)])
                is_largest = self.m.is_largest
                return (lambda s: is_largest(p(s), q(s))), axes
            case Smallest(entry, smallest):
                (p, q), axes = self.axes.aligned([self.lifted(entry), self.lifted(smallest)])
                is_smallest = self.m.is_smallest
                return (lambda s: is_smallest(p(s), q(s))), axes
            case Over(op, letters, body):
                return self._over(op, letters, body)
        raise TypeError(f"no numbers come from {type(e).__name__}")

    def lifted(self, e: Expression) -> Lowered:
        """The same, a mere number as one of the arithmetic's: 1 would be an int64 array to numpy, and float32 lost."""
        value = self.constant(e)
        found = self.of(e) if value is None else None
        if found is not None:
            return found
        number = self.m.number(e.text if isinstance(e, Number) else str(value or 0))
        return (lambda s: number), ()

    def constant(self, e: Expression) -> Fraction | None:
        """The value of a formula of bare numbers and sizes."""
        match e:
            case Number():
                return constant(e)
            case Size(l):
                return Fraction(self.axes.size(l))
            case Negative(operand) if (a := self.constant(operand)) is not None:
                return -a
            case Quotient(p, q) if (a := self.constant(p)) is not None and (b := self.constant(q)):
                return a / b
            case Product(factors):
                values = [self.constant(f) for f in factors]
                return None if None in values else Fraction(math.prod(v for v in values if v is not None))
            case Sum(terms):
                values = [self.constant(t) for _, t in terms]
                pairs = zip((sign for sign, _ in terms), values, strict=True)
                return None if None in values else sum((s * v for s, v in pairs if v is not None), Fraction(0))
            case Power(base, int(exponent)) if (a := self.constant(base)) is not None and (a or exponent > 0):
                return a**exponent
        return None

    def _number(self, value: Fraction, e: Expression) -> Lowered | None:
        if not value:
            return None
        text = e.text if isinstance(e, Number) else str(value)
        number = int(value) if value.denominator == 1 else self.m.number(text)
        return (lambda s: number), ()

    def _sum(self, terms: Iterable[tuple[int, Expression]]) -> Lowered | None:
        """Terms in order; a condition among them chooses, it is not added: -a and not 0 - a."""
        terms = tuple(terms)
        if len(terms) == 2 and isinstance(terms[0][1], Same) and terms[0][0] > 0:
            return self._where_same(terms[0][1], terms[1])
        found = [(sign, lowered) for sign, t in terms if (lowered := self.of(t)) is not None]
        if not found:
            return None
        works, axes = self.axes.aligned([lowered for _, lowered in found])
        (sign, _), first, *rest = found[0], *works
        if not rest:
            return (first if sign > 0 else (lambda s: -first(s))), axes
        if len(rest) == 1 and sign > 0:
            other = rest[0]
            return ((lambda s: first(s) + other(s)) if found[1][0] > 0 else (lambda s: first(s) - other(s))), axes
        signed = list(zip((sign for sign, _ in found[1:]), rest, strict=True))

        def add(s: Arrays) -> Any:
            out = first(s) if sign > 0 else -first(s)
            for plus, work in signed:
                out = out + work(s) if plus > 0 else out - work(s)
            return out

        return add, axes

    def _where_same(self, same: Same, other: tuple[int, Expression]) -> Lowered | None:
        holds = self._holds(same)
        if holds is None:
            return self._sum((other,))
        zero: Lowered = self.lifted(Number("0"))
        one, rest = self._sum(((1, Number("1")), other)) or zero, self._sum((other,)) or zero
        if not holds[1]:
            return one  # without a letter left it holds
        (mask, p, q), axes = self.axes.aligned([holds, one, rest])
        chosen = self.m.chosen
        return (lambda s: chosen(mask(s), p(s), q(s))), axes

    def _quotient(self, above: Lowered | None, below: Expression) -> Lowered | None:
        under = self.of(below)
        if above is None:
            return None
        (f, g), axes = self.axes.aligned([above, under if under is not None else self.lifted(below)])
        divided = self.m.divided
        return (lambda s: divided(f(s), g(s))), axes

    def _power(self, base: Expression, exponent: Any) -> Lowered | None:
        if not isinstance(exponent, int):
            power = self.m.power
            (f, n), axes = self.axes.aligned([self.lifted(base), self.lifted(exponent)])
            return (lambda s: power(f(s), n(s))), axes
        found = self.of(base) if exponent > 0 else self.lifted(base)
        if found is None:
            return None
        f, axes = found
        if exponent == 2:
            square = self.m.square
            return (lambda s: square(f(s))), axes
        if exponent < 0:
            inverted = self.m.inverted
            return (lambda s: inverted(f(s), exponent)), axes
        return (lambda s: f(s) ** exponent), axes

    def _call(self, name: str | Function, arguments: Sequence[Expression]) -> Lowered | None:
        """The arithmetic's own function; else the formula, its arguments worked once."""
        function = entry(name)
        found = [self.lifted(a) for a in arguments]
        if function.operation:
            operation = getattr(self.m, function.operation)
            works, axes = self.axes.aligned(found)
            if len(works) == 1:
                f = works[0]
                return (lambda s: operation(f(s))), axes
            return (lambda s: operation(*(f(s) for f in works))), axes
        inner = Lowering(self.m, self.extents, self.axes.ranges, self.whole, {}, self.axes.order)
        keys: list[str] = []
        for letter, argument, (work, axes) in zip(ARGUMENTS, arguments, found, strict=False):
            if not isinstance(argument, Ref):  # bound once: nested functions must not grow exponentially
                keys.append(f"#{next(_ARGUMENTS)}")
                work = _once(keys[-1], work)
            inner.arguments[letter] = work, axes
        formula = function.stable if function.stable and self.m.floating else function.value
        made = inner.of(function.own if function.own is not None else expression(formula))
        return made if made is None or not keys else (_forgetting(made[0], keys), made[1])

    def _over(self, op: str, letters: tuple[str, ...], body: Expression) -> Lowered | None:
        if op in ("softmax", "logsumexp"):
            f, axes = self.lifted(body)
            place = axes.index(letters[0])
            if op == "softmax":
                softmax = self.m.softmax
                return (lambda s: softmax(f(s), place)), axes
            log_sum_exp = self.m.log_sum_exp
            return (lambda s: log_sum_exp(f(s), place)), (*axes[:place], *axes[place + 1 :])
        if op in ("max", "min"):
            f, axes = self.lifted(body)
            places = tuple(k for k, l in enumerate(axes) if l in letters)
            extreme = self.m.maximum if op == "max" else self.m.minimum
            return (lambda s: extreme(f(s), places)), tuple(l for l in axes if l not in letters)
        if isinstance(body, Quotient) and not set(free(body.below)) & set(letters):
            return self._quotient(self._over(op, letters, body.above), body.below)
        if isinstance(body, Negative):
            return self._negated(self._over(op, letters, body.operand))
        factors = body.factors if isinstance(body, Product) else (body,)
        found_windows = windows(factors, letters) if op == "sum" else None
        some_left = found_windows and len(factors) > len(found_windows)  # something to scatter
        if found_windows and some_left and not any(w.left in self.fixed for w in found_windows):
            return scattered(self, factors, letters, found_windows)
        found = self.axes.contracted(self.factors(factors), letters)
        if found is None or op == "sum":
            return found
        f, axes = found
        count = math.prod(self.axes.size(l) for l in letters)
        return (lambda s: f(s) / count), axes

    @staticmethod
    def _negated(found: Lowered | None) -> Lowered | None:
        if found is None:
            return None
        work, axes = found
        return (lambda s: -work(s)), axes

    # --- sums of products ---

    def factors(self, factors: Sequence[Expression]) -> list[Lowered | None]:
        """The factors; a condition that a view already meets, being 0 outside its array, is left out."""
        met = {
            (i, extent)
            for f in factors
            if isinstance(f, Ref)
            for i, extent in zip(f.at, self.extents.get(f.name, ()), strict=False)
        }
        asked = [f for f in factors if not (isinstance(f, Within) and (f.index, (f.low, f.high)) in met)]
        tests = [f for f in factors if isinstance(f, Same | Within)]
        return [self._where(tests, self.of(f), may_fail(f)) for f in asked]

    def _where(
        self, tests: Sequence[Same | Within], found: Lowered | None, parts: Iterable[Expression]
    ) -> Lowered | None:
        """0 where a test does not hold, if parts that may not be finite read past the ends of an array: 0 times 1/0."""
        if found is None or not tests or not any(self._past_ends(r) for part in parts for r in refs(part)):
            return found
        held = self.axes.contracted([self.condition(test) for test in tests], ())
        if held is None:
            return None
        where, zero = self.m.where, self.m.number("0")
        (mask, f), axes = self.axes.aligned([held, found])
        return (lambda s: where(mask(s), f(s), zero)), axes

    def _past_ends(self, r: Ref) -> bool:
        """Whether an index leaves its array, where a number reads as 0."""
        pairs = zip(r.at, self.extents.get(r.name, ()), strict=False)
        reaches = ((bounds(self.index(i), self.axes.ranges), e) for i, e in pairs if isinstance(i, Index))
        return any(reach is not None and (reach[0] < e[0] or reach[1] > e[1]) for reach, e in reaches)

    def index(self, i: Index) -> Index:
        return numbered(i.at(self.fixed), self.axes.ranges)

    def ref(self, r: Ref) -> Lowered | None:
        """An array read at its indices."""
        name, extents = r.name, self.extents.get(r.name, ())
        if not r.at:
            return (lambda s: s[name]), ()
        if not all(isinstance(i, Index) for i in r.at):
            return self._looked_up(r)
        at = [self.index(i) for i in r.at if isinstance(i, Index)]
        if any(not i.terms and not low <= i.plus <= high for i, (low, high) in zip(at, extents, strict=True)):
            return None
        axes = self.axes.sorted(l for i in at for l, _ in i.terms)
        read = View(at, extents, axes, self.axes.ranges).reader()
        return (lambda s: s[name]) if read is None else (lambda s: read(s[name])), axes

    def _looked_up(self, r: Ref) -> Lowered:
        """T[token[p],d]: whole numbers known beforehand choose the entries; 0 outside the array."""
        name, extents, m = r.name, self.extents[r.name], self.m
        axes = self.axes.sorted(l for i in r.at for l in free(i) if l not in self.fixed)
        grids = [self.grid(i, axes) - low for i, (low, _) in zip(r.at, extents, strict=True)]
        sizes = [high - low + 1 for low, high in extents]
        full = tuple(self.axes.size(l) for l in axes)
        inside = np.ones(full, bool)
        for g, n in zip(grids, sizes, strict=True):
            inside = inside & (g >= 0) & (g < n)
        places = tuple(np.broadcast_to(np.clip(g, 0, n - 1), full) for g, n in zip(grids, sizes, strict=True))
        if inside.all():
            return (lambda s: s[name][places]), axes
        kept = m.mask(inside)
        return (lambda s: s[name][places] * kept), axes

    def grid(self, i: Expression, letters: tuple[str, ...]) -> np.ndarray:
        """The values of an index over a grid of letters."""
        if isinstance(i, Ref):
            known = self.whole[i.name]  # past its ends a condition leaves out what is looked up
            at = (np.clip(self.grid(j, letters) - 1, 0, n - 1) for j, n in zip(i.at, known.shape, strict=True))
            return np.asarray(known[tuple(at)])
        assert isinstance(i, Index)
        i = self.index(i)
        out = np.full([1] * len(letters), i.plus)
        for l, c in i.terms:
            low, high = self.axes.ranges[l]
            out = out + c * np.arange(low, high + 1).reshape([-1 if k == l else 1 for k in letters])
        return out

    def _letters(self, i: Index) -> Lowered:
        """The value of an index as a number, which a test asks for."""
        letters = self.axes.sorted(l for l in free(i) if l not in self.fixed)
        values = np.broadcast_to(self.grid(i, letters), tuple(self.axes.size(l) for l in letters))
        return (lambda s: values), letters

    def condition(self, e: Same | Within) -> Lowered | None:
        """1 where it holds, 0 elsewhere; None where it holds nowhere."""
        found = self._holds(e)
        if found is None:
            return None
        holds, letters = found
        if not letters:
            return (lambda s: 1), ()
        mask = self.m.mask(holds({}))
        return (lambda s: mask), letters

    def _holds(self, e: Same | Within) -> Lowered | None:
        """Where it holds; None where that is nowhere."""
        letters = self.axes.sorted(l for l in free(e) if l not in self.fixed)
        if isinstance(e, Same):
            holds = self.grid(e.left, letters) == self.grid(e.right, letters)
        else:
            values = self.grid(e.index, letters)
            holds = (values >= e.low) & (values <= e.high)
        if not holds.any():
            return None
        whole = np.broadcast_to(holds, tuple(self.axes.size(l) for l in letters))
        return (lambda s: whole), letters


_ARGUMENTS = itertools.count()
"""Numbers the places where a function's argument is kept while its formula is worked."""


def _once(key: str, work: Work) -> Work:
    """The argument of a function, worked at its first use in a formula."""

    def read(s: Arrays) -> Any:
        if key not in s:
            s[key] = work(s)
        return s[key]

    return read


def _forgetting(work: Work, keys: Sequence[str]) -> Work:
    def run(s: Arrays) -> Any:
        out = work(s)
        for key in keys:
            s.pop(key, None)
        return out

    return run


def applied(e: Expression, m: Arithmetic, sizes: Mapping[str, int] | None = None, **arguments: Any) -> Any:
    """A formula over bare names, worked elementwise on arrays of an arithmetic; `sizes` say how many |k| are."""
    key = e, tuple(sizes.items()) if sizes else ()
    work = m.compiled.get(key)
    if work is None:
        ranges = {l: (1, n) for l, n in (sizes or {}).items()}
        lowering = Lowering(m, {}, ranges, {}, {}, ())
        work, _ = lowering.lifted(e)
        m.compiled[key] = work
    return work(arguments)
