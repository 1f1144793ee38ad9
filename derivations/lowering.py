"""One equation becomes array operations: a matrix product where one is, else a broadcast; strided views for indices.

Written once for every arithmetic: only + - * / @, indexing, transposing, reshaping and sums of its arrays are used, and
the functions of the arithmetic.  A `Lowered` is what to do with the arrays known so far, and the letters of the axes of
what comes out; None is an exact zero.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from derivations.arithmetic import Arithmetic
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
    Sum,
    Within,
)
from derivations.functions import FUNCTIONS
from derivations.language import expression
from derivations.shapes import free, numbered, substituted
from derivations.views import View

__all__ = ["Arrays", "Lowering", "Work"]

Arrays = dict[str, Any]
Work = Callable[[Arrays], Any]
Lowered = tuple[Work, tuple[str, ...]]


class Window(NamedTuple):
    """A condition on a left letter and a summed one, and how many places the left one moves for one of the other."""

    condition: Within
    left: str
    summed: str
    times: int


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
        self.ranges, self.order = dict(ranges), list(left)
        self.fixed = {l: Index((), v) for l, v in fixed.items()}
        self.arguments: dict[str, Lowered] = {}

    def right(self, e: Expression, left: Sequence[str]) -> Work:
        """The right side with every axis of the left one."""
        for x in e.walk():
            if isinstance(x, Over):
                self.order += [l for l in x.letters if l not in self.order]
        work, axes = self.lifted(e)
        shape = tuple(self.size(l) for l in left)
        if axes == tuple(left):
            return work
        at = tuple(slice(None) if l in axes else None for l in left)
        return lambda s: _spread(work(s), at, shape)

    def size(self, l: str) -> int:
        low, high = self.ranges[l]
        return high - low + 1

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
            case Negative(operand):
                return self._sum(((-1, operand),))
            case Sum(terms):
                return self._sum(terms)
            case Product(factors):
                return self.contracted(self.factors(factors), ())
            case Quotient(above, below):
                return self._quotient(self.of(above), below)
            case Power(base, exponent):
                return self._power(base, exponent)
            case Call(name, arguments):
                return self._call(name, arguments)
            case Choice(test, positive, otherwise):
                where = self.m.where
                (c, p, q), axes = self.aligned([self.lifted(x) for x in (test, positive, otherwise)])
                return (lambda s: where(c(s), p(s), q(s))), axes
            case Largest(entry, largest):
                (p, q), axes = self.aligned([self.lifted(entry), self.lifted(largest)])
                is_largest = self.m.is_largest
                return (lambda s: is_largest(p(s), q(s))), axes
            case Over(op, letters, body):
                return self._over(op, letters, body)
        raise TypeError(f"no numbers come from {type(e).__name__}")

    def lifted(self, e: Expression) -> Lowered:
        """The same, a mere number as one of the arithmetic's: 1 would be an int64 array to numpy, and float32 lost."""
        value = self.constant(e)
        found = self.of(e) if value is None else None
        if found is not None:
            return found
        number = self.m.number(str(value or 0))
        return (lambda s: number), ()

    def constant(self, e: Expression) -> Fraction | None:
        """The value of a formula of bare numbers and sizes."""
        match e:
            case Number():
                return constant(e)
            case Size(l):
                return Fraction(self.ranges[l][1])
            case Negative(operand) if (a := self.constant(operand)) is not None:
                return -a
            case Quotient(p, q) if (a := self.constant(p)) is not None and (b := self.constant(q)):
                return a / b
            case Product(factors):
                values = [self.constant(f) for f in factors]
                return None if None in values else Fraction(math.prod(v for v in values if v is not None))
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
        works, axes = self.aligned([lowered for _, lowered in found])
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
        one = self._sum(((1, Number("1")), other))
        rest = self._sum((other,))
        if one is None or rest is None or (found := self.condition(same)) is None:
            return one if found is not None else rest
        (mask, p, q), axes = self.aligned([found, one, rest])
        return (lambda s: np.where(mask(s), p(s), q(s))), axes

    def _quotient(self, above: Lowered | None, below: Expression) -> Lowered | None:
        under = self.of(below)
        if above is None:
            return None
        (f, g), axes = self.aligned([above, under if under is not None else self.lifted(below)])
        return (lambda s: f(s) / g(s)), axes

    def _power(self, base: Expression, exponent: Any) -> Lowered | None:
        found = self.of(base)
        if found is None:
            return None
        f, axes = found
        if isinstance(exponent, Ref):
            name = exponent.name
            return (lambda s: f(s) ** s[name]), axes
        if exponent == 2:
            square = self.m.square
            return (lambda s: square(f(s))), axes
        return (lambda s: f(s) ** exponent), axes

    def _call(self, name: str, arguments: Sequence[Expression]) -> Lowered | None:
        """The arithmetic's own function; else the formula, its arguments worked once."""
        function = FUNCTIONS[name]
        found = [self.lifted(a) for a in arguments]
        if function.operation:
            operation = getattr(self.m, function.operation)
            works, axes = self.aligned(found)
            if len(works) == 1:
                f = works[0]
                return (lambda s: operation(f(s))), axes
            return (lambda s: operation(*(f(s) for f in works))), axes
        inner = Lowering(self.m, self.extents, self.ranges, self.whole, {}, self.order)
        keys: list[str] = []
        for letter, argument, (work, axes) in zip("ab", arguments, found, strict=False):
            if not isinstance(argument, Ref):  # bound once: nested functions must not grow exponentially
                keys.append(f"#{next(_ARGUMENTS)}")
                work = _once(keys[-1], work)
            inner.arguments[letter] = work, axes
        made = inner.of(expression(function.stable if function.stable and self.m.floating else function.value))
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
        if op == "sum" and (windows := self._windows(factors, letters)):
            return self._scattered(factors, letters, windows)
        found = self.contracted(self.factors(factors), letters)
        if found is None or op == "sum":
            return found
        f, axes = found
        count = math.prod(self.size(l) for l in letters)
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
        return [self.of(f) for f in asked]

    def contracted(self, found: list[Lowered | None], over: Sequence[str]) -> Lowered | None:
        """The product, summed over letters: a matrix product where rows meet columns."""
        parts = [f for f in found if f is not None]
        if len(parts) < len(found):
            return None
        unused = [l for l in over if not any(l in a for _, a in parts)]
        while len(parts) > 2 or (len(parts) == 2 and not self._rows_meet_columns(parts[0], parts[1], over)):
            a, b = self._smaller(parts)
            works, axes = self.aligned([parts[a], parts[b]])
            parts[a] = _multiplied(works[0], works[1]), axes
            del parts[b]
        work, axes = parts[0] if len(parts) == 1 else self.matrix_product(parts[0], parts[1], over)
        for l in reversed([l for l in over if l in axes]):
            place = axes.index(l)
            work, axes = _summed(work, place), (*axes[:place], *axes[place + 1 :])
        count = math.prod(self.size(l) for l in unused)
        return ((lambda s: count * work(s)) if count > 1 else work), axes

    @staticmethod
    def _smaller(parts: list[Lowered]) -> tuple[int, int]:
        """Two factors to multiply first: one within the other's letters, so that nothing grows."""
        n = len(parts)
        pairs = ((a, b) for a in range(n) for b in range(a + 1, n) if set(parts[a][1]) <= set(parts[b][1]))
        return next(pairs, (0, 1))

    @staticmethod
    def _rows_meet_columns(p: Lowered, q: Lowered, over: Sequence[str]) -> bool:
        shared = [l for l in over if l in p[1] and l in q[1]]
        each = [l for l in p[1] if l in q[1] and l not in shared]
        rows, columns = [l for l in p[1] if l not in q[1]], [l for l in q[1] if l not in p[1]]
        return bool(shared) and (not each or bool(rows and columns))

    def matrix_product(self, p: Lowered, q: Lowered, over: Sequence[str]) -> Lowered:
        """Σ over shared letters as rows times columns; letters of both that are not summed number the matrices."""
        (f, a), (g, b) = p, q
        shared = [l for l in over if l in a and l in b]
        each = [l for l in a if l in b and l not in shared]
        rows, columns = [l for l in a if l not in b], [l for l in b if l not in a]
        if rows and columns and not each and self.order.index(rows[0]) > self.order.index(columns[0]):
            return self.matrix_product(q, p, over)
        axes = (*each, *rows, *columns)
        out, sizes = self.sorted(axes), [self.size(l) for l in axes]
        back = _turn([axes.index(l) for l in out])
        x_turn = _turn([a.index(l) for l in (*each, *rows, *shared)])
        y_turn = _turn([b.index(l) for l in (*each, *shared, *columns)])
        if len(rows) == len(shared) == 1 and (len(columns) == 1 or (not columns and not each)):
            return (lambda s: back(x_turn(f(s)) @ y_turn(g(s)))), out
        lots = [self.size(l) for l in each]
        n = [math.prod(self.size(l) for l in part) for part in (rows, shared, columns)]
        x_shape, y_shape, shape = (*lots, n[0], n[1]), (*lots, n[1], n[2]), tuple(sizes)

        def work(s: Arrays) -> Any:
            z = x_turn(f(s)).reshape(x_shape) @ y_turn(g(s)).reshape(y_shape)
            return back(z.reshape(shape)) if shape else z.reshape(-1)[0]

        return work, out

    # --- windows: a condition that picks few of many ---

    def _windows(self, factors: Sequence[Expression], letters: Sequence[str]) -> list[Window]:
        """The conditions low <= i - 2r + 2 <= high of a sum over r: each i has few r, and each r few i."""
        out = []
        for f in factors:
            if isinstance(f, Within) and len(f.index.terms) == 2:
                (a, p), (b, q) = f.index.terms
                (left, sign), (summed, times) = ((b, q), (a, p)) if a in letters else ((a, p), (b, q))
                if sign == 1 and abs(times) > 1 and summed in letters and left not in letters:
                    out.append(Window(f, left, summed, times))
        return out

    def _scattered(
        self, factors: Sequence[Expression], letters: Sequence[str], windows: list[Window]
    ) -> Lowered | None:
        """The sum worked window by window, and each term added where it belongs."""
        values: dict[str, Index] = {}
        for k, w in enumerate(windows):
            own = f"{w.summed}~{k}"
            self.ranges[own] = w.condition.low, w.condition.high
            self.order.append(own)
            values[w.left] = Index.of(
                (1, Index(((own, 1),), 0)), (-1, w.condition.index), (1, Index(((w.left, 1),), 0))
            )
        kept = [substituted(f, values) for f in factors if not any(f is w.condition for w in windows)]
        summed = [w.summed for w in windows]
        found = self.contracted(self.factors(kept), [l for l in letters if l not in summed])
        if found is None:
            return None
        work, axes = found
        moved = [f"{w.summed}~{k}" for k, w in enumerate(windows)]
        rest = [l for l in axes if l not in summed and l not in moved]
        at = tuple(slice(None) if l in axes else None for l in (*moved, *rest, *summed))
        turn = _turn([axes.index(l) for l in (*moved, *rest, *summed) if l in axes])
        full = tuple(self.size(l) for l in (*moved, *rest, *summed))
        out = self.sorted((*rest, *(w.left for w in windows)))
        back = _turn([[*rest, *(w.left for w in windows)].index(l) for l in out])
        shape = tuple(self.size(l) for l in (*rest, *(w.left for w in windows)))
        places = list(self._window_places(windows))
        blank = self.m.blank

        def scatter(s: Arrays) -> Any:
            terms = np.broadcast_to(turn(work(s))[at], full, subok=True)
            total = blank(shape)
            for place, source, target in places:
                total[(..., *target)] += terms[place][(..., *source)]
            return back(total)

        return scatter, out

    def _window_places(
        self, windows: list[Window]
    ) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]]:
        """For each place in the windows: which terms there are, and where they are added."""
        runs = [range(w.condition.low, w.condition.high + 1) for w in windows]
        for at in itertools.product(*runs):
            source, target = [], []
            for value, w in zip(at, windows, strict=True):
                first, last = self.ranges[w.summed]
                low, high = self.ranges[w.left]
                reached = [value - w.condition.index.plus - w.times * r for r in range(first, last + 1)]
                inside = [k for k, i in enumerate(reached) if low <= i <= high]
                begin, end = (inside[0], inside[-1] + 1) if inside else (0, 0)
                source.append(slice(begin, end))
                ends = sorted((reached[begin] - low, reached[end - 1] - low)) if inside else (0, -1)
                step = slice(ends[0], ends[1] + 1, abs(w.times))
                target.append(step)
                if inside and w.times > 0:
                    source[-1] = slice(end - 1, begin - 1 if begin else None, -1)
            place = tuple(value - w.condition.low for value, w in zip(at, windows, strict=True))
            yield place, tuple(source), tuple(target)

    # --- letters and axes ---

    def sorted(self, letters: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(dict.fromkeys(letters), key=self.order.index))

    def aligned(self, parts: Sequence[Lowered]) -> tuple[list[Work], tuple[str, ...]]:
        """Works whose results have the same letters in the same order, for numpy to broadcast."""
        axes = self.sorted(l for _, a in parts for l in a)

        def one(work: Work, own: tuple[str, ...]) -> Work:
            if own == axes or not own or own == axes[len(axes) - len(own) :]:
                return work
            at = tuple(slice(None) if l in own else None for l in axes)
            while at and at[-1] is not None:
                at = at[:-1]
            at = (*at, *(slice(None) for l in axes[len(at) :])) if None in at else at
            return lambda s: work(s)[at]

        return [one(w, a) for w, a in parts], axes

    def index(self, i: Index) -> Index:
        return numbered(i.at(self.fixed), self.ranges)

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
        axes = self.sorted(l for i in at for l, _ in i.terms)
        read = View(at, extents, axes, self.ranges).reader()
        return (lambda s: s[name]) if read is None else (lambda s: read(s[name])), axes

    def _looked_up(self, r: Ref) -> Lowered:
        """T[token[p],d]: whole numbers known beforehand choose the entries; 0 outside the array."""
        name, extents, m = r.name, self.extents[r.name], self.m
        axes = self.sorted(l for i in r.at for l in free(i) if l not in self.fixed)
        grids = [self.grid(i, axes) - low for i, (low, _) in zip(r.at, extents, strict=True)]
        sizes = [high - low + 1 for low, high in extents]
        full = tuple(self.size(l) for l in axes)
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
            return np.asarray(self.whole[i.name][tuple(self.grid(j, letters) - 1 for j in i.at)])
        assert isinstance(i, Index)
        i = self.index(i)
        out = np.full([1] * len(letters), i.plus)
        for l, c in i.terms:
            low, high = self.ranges[l]
            out = out + c * np.arange(low, high + 1).reshape([-1 if k == l else 1 for k in letters])
        return out

    def condition(self, e: Same | Within) -> Lowered | None:
        """1 where it holds, 0 elsewhere; None where it holds nowhere."""
        letters = self.sorted(l for l in free(e) if l not in self.fixed)
        if isinstance(e, Same):
            holds = self.grid(e.left, letters) == self.grid(e.right, letters)
        else:
            values = self.grid(e.index, letters)
            holds = (values >= e.low) & (values <= e.high)
        if not holds.any():
            return None
        if not letters:
            return (lambda s: 1), ()
        mask = self.m.mask(np.broadcast_to(holds, tuple(self.size(l) for l in letters)))
        return (lambda s: mask), letters


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


def _multiplied(f: Work, g: Work) -> Work:
    return lambda s: f(s) * g(s)


def _summed(work: Work, place: int) -> Work:
    return lambda s: work(s).sum(axis=place)


def _turn(turn: Sequence[int]) -> Callable[[Any], Any]:
    if list(turn) == list(range(len(turn))):
        return lambda x: x
    if list(turn) == [1, 0]:
        return lambda x: x.T
    fixed = tuple(turn)
    return lambda x: x.transpose(fixed)


def _spread(x: Any, at: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """An array over more letters than it depends on."""
    if not shape:
        return x
    out = np.empty(shape, x.dtype if hasattr(x, "dtype") else object)
    out[...] = x[at] if np.ndim(x) else x
    return out
