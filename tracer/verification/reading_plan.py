"""The symbolic route's plan of some equations: every entry reads places of arrays, in an order found by what is known.

An entry is worked as soon as all that it reads is there.  Neither the order of a step nor its lowering to array
programs is asked; the tree of a formula, the ranges of letters and the values of functions are all that is shared
with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from derivations.building import constant
from derivations.equations import Equation, Range
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
from derivations.forms import Tree, form
from derivations.function import ARGUMENTS, entry
from derivations.language import expression
from derivations.shapes import free, substituted
from tracer.verification.boxes import Box, Read, Reads, boxes_of
from tracer.verification.pieces import Contraction, Entrywise, Extreme, Piece, Run, Shift, Total

__all__ = ["Plan"]

MOST_PIECES = 20_000


class Plan:
    """The pieces of some equations in an order in which they can be worked.

    `known` are the arrays that are there before, `fixed` those of them in which nothing is differentiated; `sloped`: it
    is also worked back, by slopes of each form; `stable`: functions are worked in the form that keeps their digits.
    Raises ArithmeticError where no order is found, or the plan grows too long.
    """

    def __init__(
        self,
        equations: Sequence[Equation],
        extents: Mapping[str, Sequence[Range]],
        ranges: Mapping[str, Range],
        whole: Mapping[str, np.ndarray],
        known: Iterable[str],
        *,
        fixed: frozenset[str] = frozenset(),
        sloped: bool,
        stable: bool = False,
    ) -> None:
        self.fixed = fixed
        self.ranges, self.sloped, self.stable = dict(ranges), sloped, stable
        self.extents = {name: tuple(x) for name, x in extents.items()}
        self.reads = Reads(self.extents, self.ranges, whole)
        self.pieces = list[Piece]()
        self.constants: dict[str, np.ndarray] = {}
        self.of_equation: dict[int, list[Piece]] = {}
        self._equation = 0
        self._entries = _Entries(self, set(known))
        self._entries.order(equations)
        self.shapes = {name: tuple(high - low + 1 for low, high in x) for name, x in self.extents.items()}
        self.made = frozenset(piece.left.name for piece in self.pieces)
        self.blank = {piece.left.name for piece in self.pieces if not piece.whole} | self._read_before()

    def _read_before(self) -> set[str]:
        """Arrays that are read, past their ends, before there is anything in them."""
        there, out = set[str](), set[str]()
        for piece in self.pieces:
            out |= {r.name for r in piece.sources} & self.made - there
            there.add(piece.left.name)
        return out

    def forward(self, run: Run) -> None:
        """Works every piece."""
        for name, array in self.constants.items():
            run.s[name] = run.m.given(array)
        for name in self.blank:
            run.s[name] = run.m.blank(self.shapes[name])
        for piece in self.pieces:
            piece.forward(run)

    def forward_from(self, run: Run, name: str) -> None:
        """Works again what depends on an array that was changed; all others are there."""
        changed = [piece for piece in self.pieces if name in self.leading[piece.left.name]]
        for own in {piece.left.name for piece in changed} & self.blank:
            run.s[own] = run.m.blank(self.shapes[own])
        for piece in changed:
            piece.forward(run)

    @cached_property
    def products(self) -> int:
        """About how many operations a run takes."""
        return sum(piece.products for piece in self.pieces)

    @cached_property
    def leading(self) -> Mapping[str, frozenset[str]]:
        """The arrays that each array depends on, by way of others too."""
        out = {name: set[str]() for name in self.made}
        changed = True
        while changed:
            changed = False
            for piece in self.pieces:
                own = out[piece.left.name]
                more = {n for r in piece.sources for n in (r.name, *out.get(r.name, ()))} - own
                own |= more
                changed = changed or bool(more)
        return {name: frozenset(own) for name, own in out.items()}

    def back(self, run: Run, objective: str, wanted: Iterable[str]) -> None:
        """The slope of the objective in every array that is worked, and in those wanted, as `run.g`."""
        run.wanted = frozenset((*self.made, *wanted))
        run.g = {objective: run.m.one(self.shapes[objective])}
        for piece in reversed(self.pieces):
            if piece.left.name in run.g:
                piece.back(run, self.shapes)

    def local(self, run: Run, lines: Iterable[int], name: str, axes: int) -> Any:
        """The slopes of an array in what some of its lines read: entry by entry, or (of softmax) all with all."""
        own = (p for k in lines for p in self.of_equation.get(k, ()))
        pieces = [p for p in own if p.left.name == name and isinstance(p, Entrywise)]
        if axes == len(self.shapes[name]) + 1:
            return self._jacobian(run, pieces[0]) if len(pieces) == 1 else None
        out = run.m.blank(self.shapes[name])
        for piece in pieces:
            (slope,) = run.kept[piece.k]
            if slope is not None:
                run.m.put(out, piece.left, run.m.full(slope, piece.shape))
        return out

    def _jacobian(self, run: Run, piece: Entrywise) -> Any:
        """Of y[k] = x[k]/Σ_j x[j] in the argument of each x[m]; k is the first axis, m the second."""
        m, inner = run.m, next(p for p in self.pieces if p.left.name == piece.reads[0].name)
        assert isinstance(inner, Entrywise)
        by_own, by_total = (m.full(s, piece.shape) for s in run.kept[piece.k])
        of_argument = m.take(m.full(run.kept[inner.k][0], inner.shape), piece.reads[0])
        one = (slice(None), None), (None, slice(None))
        k, m_ = ((*at, *(slice(None) for _ in piece.shape[1:])) for at in one)
        through = m.product(m.spread(by_total, k), m.spread(of_argument, m_))
        same = np.eye(piece.shape[0]).reshape(piece.shape[:1] * 2 + (1,) * (len(piece.shape) - 1))
        return m.total([(1, through), (1, m.product(m.given(same), m.spread(m.product(by_own, of_argument), k)))])

    # --- one equation ---

    def add(self, equation: int, left: Ref, right: Expression, box: Box) -> None:
        """The pieces of an equation over a box of its letters."""
        self._equation = equation
        self._compile(left, right, box)

    def _piece(self, kind: type[Piece], left: Ref, box: Box, *more: Any) -> None:
        if len(self.pieces) >= MOST_PIECES:
            raise ArithmeticError(f"more than {MOST_PIECES} pieces: the step is too long for the symbolic route")
        write = self.reads.of(left, box)
        extents = self.extents[left.name]
        whole = write.letters == tuple(box) and [box[l] for l in write.letters] == self._of_letters(left, extents, box)
        piece = kind(len(self.pieces), write, box, whole, *more)
        self.pieces.append(piece)
        self.of_equation.setdefault(self._equation, []).append(piece)

    @staticmethod
    def _of_letters(left: Ref, extents: tuple[Range, ...], box: Box) -> list[Range] | None:
        """The extents of an array whose indices are the letters of the box in order; None for another one."""
        plain = [i.letter for i in left.at if isinstance(i, Index)]
        return list(extents) if plain == list(box) else None

    def _hidden(self, box: Box) -> Ref:
        """An array over a box, for a part of a line."""
        name = f"°{len(self.extents)}"
        self.extents[name] = tuple(box.values())
        return Ref(name, tuple(letter(l) for l in box))

    def _compile(self, left: Ref, e: Expression, box: Box) -> None:
        if isinstance(e, Over):
            self._over(left, e, box)
            return
        leaves: list[Read] = []
        known: dict[Any, int] = {}
        tree = _Trees(self, box, leaves, known).of(e)
        self._piece(Entrywise, left, box, tuple(leaves), form(tree, len(leaves), self.sloped))

    def _over(self, left: Ref, e: Over, box: Box) -> None:
        if e.op in ("softmax", "logsumexp"):
            self._softmax(left, e, box)
            return
        e = self._apart(e, box)
        inner = {l: self.ranges[l] for l in e.letters}
        if e.op == "sum" and (pair := self._pair(e, box)):
            self._piece(Contraction, left, box, *pair, inner)
            return
        body = e.body
        if not isinstance(body, Ref) or e.op in ("max", "min"):
            hidden = self._hidden({**box, **inner})
            self._compile(hidden, body, {**box, **inner})
            body = hidden
        read = self.reads.of(body, {**box, **inner})
        if e.op in ("max", "min"):
            self._piece(Extreme, left, box, read, inner, 1 if e.op == "max" else -1)
            return
        count = int(np.prod([high - low + 1 for low, high in inner.values()])) if e.op == "mean" else 1
        self._piece(Total, left, box, read, inner, count)

    def _apart(self, e: Over, box: Box) -> Over:
        """The same with letters of its own where the box has letters of that name: they are not the same ones."""
        taken = {l: f"{l}°" for l in e.letters if l in box}
        if not taken:
            return e
        self.ranges |= {own: self.ranges[l] for l, own in taken.items()}
        body = substituted(e.body, {l: letter(own) for l, own in taken.items()})
        return Over(e.op, tuple(taken.get(l, l) for l in e.letters), body)

    def _pair(self, e: Over, box: Box) -> tuple[Read, Read] | None:
        """The two arrays of a sum of products, where every letter of the sum stands in both of them."""
        if not (isinstance(e.body, Product) and len(e.body.factors) == 2):
            return None
        x, y = e.body.factors
        if not (isinstance(x, Ref) and isinstance(y, Ref)):
            return None
        whole = {**box, **{l: self.ranges[l] for l in e.letters}}
        pair = self.reads.of(x, whole), self.reads.of(y, whole)
        both, either = set(pair[0].letters) & set(pair[1].letters), {*pair[0].letters, *pair[1].letters}
        fits = set(e.letters) <= both and set(box) <= either
        return pair if fits else None

    def _softmax(self, left: Ref, e: Over, box: Box) -> None:
        """exp(a - shift) over its sum; of logsumexp the shift and the logarithm of the sum."""
        (k,) = e.letters
        rows = {l: r for l, r in box.items() if l != k}
        every = {**rows, k: self.ranges[k]}
        a, shift, x, total = (self._hidden(b) for b in (every, rows, every, rows))
        self._compile(a, e.body, every)
        self._piece(Shift, shift, rows, self.reads.of(a, every))
        moved = form(("exp", ("+", (1, 0), (-1, 1))), 2, self.sloped)
        self._piece(Entrywise, x, every, (self.reads.of(a, every), self.reads.of(shift, every)), moved)
        self._piece(Total, total, rows, self.reads.of(x, every), {k: self.ranges[k]}, 1)
        if e.op == "softmax":
            pair = self.reads.of(x, box), self.reads.of(total, box)
            self._piece(Entrywise, left, box, pair, form(("/", 0, 1), 2, self.sloped))
        else:
            pair = self.reads.of(shift, box), self.reads.of(total, box)
            self._piece(Entrywise, left, box, pair, form(("+", (1, 0), (1, ("log", 1))), 2, self.sloped))

    def numbers(self, e: Expression, box: Box) -> Ref:
        """An array of what is known beforehand: an index as a number, a condition as 1 or 0."""
        letters = {l: box[l] for l in box if l in free(e)}
        if isinstance(e, Same):
            value = self.reads.value(e.left, letters) == self.reads.value(e.right, letters)
        elif isinstance(e, Within):
            value = self.reads.value(e.index, letters)
            value = (value >= e.low) & (value <= e.high)
        else:
            value = self.reads.value(e, letters)
        hidden = self._hidden(letters)
        shape = [high - low + 1 for low, high in letters.values()]
        self.constants[hidden.name] = np.array(np.broadcast_to(value, shape), float)
        return hidden


class _Trees:
    """Turns a formula over a box into a tree of leaves, each entry that is read once."""

    def __init__(self, plan: Plan, box: Box, leaves: list[Read], known: dict[Any, int]) -> None:
        self.plan, self.box, self.leaves, self.known = plan, box, leaves, known

    def of(self, e: Expression, arguments: Mapping[str, Tree] | None = None) -> Tree:
        """The tree; `arguments` are what stands for a function's letters in its own formula."""
        if arguments and isinstance(e, Ref) and not e.at and e.name in arguments:
            return arguments[e.name]

        def of(x: Expression) -> Tree:
            return self.of(x, arguments)

        match e:
            case Number(text):
                value = constant(e)
                return text if value is None else ("n", value.numerator, value.denominator)
            case Ref():
                return self.leaf(e)
            case Size(l):
                low, high = self.plan.ranges[l]
                return ("n", high - low + 1, 1)
            case Index() | Same() | Within():
                return self.leaf(self.plan.numbers(e, self.box))
            case Negative(operand):
                return ("+", (-1, of(operand)))
            case Sum(terms):
                return ("+", *((sign, of(t)) for sign, t in terms))
            case Product() | Quotient() if (found := _conditioned(e)) is not None:
                condition, rest = found  # past the ends of an array 0 may be divided by
                return ("if", of(condition), of(rest), ("n", 0, 1))
            case Product(factors):
                return ("*", *map(of, factors))
            case Quotient(above, below):
                return ("/", of(above), of(below))
            case Power(base, int(n)):
                return ("^", of(base), n) if n > 0 else ("/", ("n", 1, 1), ("^", of(base), -n)) if n else ("n", 1, 1)
            case Power(base, exponent):
                return ("**", of(base), of(exponent))
            case Choice(test, positive, otherwise):
                return ("if" if self._is_fixed(test) else "?", of(test), of(positive), of(otherwise))
            case Largest(x, top):
                return ("is_largest", of(x), of(top))
            case Smallest(x, bottom):
                return ("is_smallest", of(x), of(bottom))
            case Call(name, given):
                return self._call(name, [of(a) for a in given])
            case Over():
                hidden = self.plan._hidden(self._letters(e))
                self.plan._compile(hidden, e, self._letters(e))
                return self.leaf(hidden)
        raise ArithmeticError(f"the symbolic route does not read {type(e).__name__}")

    def _is_fixed(self, test: Expression) -> bool:
        """Whether which side a test is on is known exactly, and nothing moves it: mask[p,r] > 0 of a given mask."""
        if not any(isinstance(x, Ref) for x in test.walk()):
            return True
        terms = [t for _, t in test.terms] if isinstance(test, Sum) else [test]
        plain = [isinstance(t, Number | Size | Index) or getattr(t, "name", None) in self.plan.fixed for t in terms]
        return len(plain) <= 2 and all(plain)

    def _letters(self, e: Over) -> Box:
        """The letters of the box that a part depends on."""
        needed = set(free(e))
        return {l: r for l, r in self.box.items() if l in needed}

    def leaf(self, r: Ref) -> int:
        """The number of an entry that is read."""
        if r not in self.known:
            self.known[r] = len(self.leaves)
            self.leaves.append(self.plan.reads.of(r, self.box))
        return self.known[r]

    def _call(self, name: Any, given: list[Tree]) -> Tree:
        """A function by its value, as its entry states it."""
        f = entry(name)
        if f.own is not None:
            return self.of(f.own, dict(zip(ARGUMENTS, given, strict=False)))
        match f.name:
            case "max0":
                return ("?", given[0], given[0], ("n", 0, 1))
            case "max":  # of two that are equal the first counts
                return ("?", ("+", (1, given[1]), (-1, given[0])), given[1], given[0])
            case "min":
                return ("?", ("+", (1, given[0]), (-1, given[1])), given[1], given[0])
        if f.operation or not f.value:
            return (f.name, *given)
        text = f.stable if self.plan.stable and f.stable else f.value
        return self.of(expression(text), dict(zip(ARGUMENTS, given, strict=False)))


def _conditioned(e: Expression) -> tuple[Expression, Expression] | None:
    """A condition that a product has among its factors, or a quotient above, and the rest of it."""
    match e:
        case Quotient(above, below) if (found := _conditioned(above)) is not None:
            return found[0], Quotient(found[1], below)
        case Product(factors) if len(factors) > 1:
            k = next((k for k, f in enumerate(factors) if isinstance(f, Same | Within)), -1)
            rest = factors[:k] + factors[k + 1 :]
            return (factors[k], rest[0] if len(rest) == 1 else Product(rest)) if k >= 0 else None
    return None


class _Entries:
    """Finds the order: which entries are there, and which equations can be worked over which boxes."""

    def __init__(self, plan: Plan, known: set[str]) -> None:
        self.plan, self.known = plan, known
        self.done: dict[str, np.ndarray] = {}

    def order(self, equations: Sequence[Equation]) -> None:
        """Adds the equations to the plan.  Raises ArithmeticError for a circle."""
        for e in equations:
            self.done.setdefault(e.left.name, self._mask(e.left.name, False))
        waiting = [(k, e, self._box(e)) for k, e in enumerate(equations)]
        while waiting:
            still: list[tuple[int, Equation, Box]] = []
            moved = False
            for k, e, box in waiting:
                ready = self._ready(e, box)
                for part in boxes_of(ready, box):
                    self.plan.add(k, e.left, e.right, part)
                    self.done[e.left.name].reshape(-1)[self.plan.reads.of(e.left, part).places().reshape(-1)] = True
                    moved = True
                still += [(k, e, part) for part in boxes_of(~ready, box)]
            if still and not moved:
                raise ArithmeticError("a circle: " + ", ".join(sorted({e.left.name for _, e, _ in still})))
            waiting = still

    def _box(self, e: Equation) -> Box:
        return {l: self.plan.ranges[l] for i in e.left.at if isinstance(i, Index) for l in self.plan.reads.affine(i)[0]}

    def _mask(self, name: str, value: bool) -> np.ndarray:
        """Of every entry, and of the place past the end, which is 0 and always there."""
        size = int(np.prod([high - low + 1 for low, high in self.plan.extents[name]], dtype=int))
        out = np.full(size + 1, value)
        out[-1] = True
        return out

    def _ready(self, e: Equation, box: Box) -> np.ndarray:
        """Where over a box all that the right side reads is there."""
        ready = np.ones([high - low + 1 for low, high in box.values()], bool)
        for r, letters in self._reads(e.right, ()):
            done = self.done.get(r.name)
            if (done is None and r.name in self.known) or (done is not None and done.all()):
                continue
            if done is None:
                raise ArithmeticError(f"nothing says what {r.name} is")
            whole = {**{l: v for l, v in box.items() if l not in letters}, **{l: self.plan.ranges[l] for l in letters}}
            read = self.plan.reads.of(r, whole)
            held = done[read.places()]
            axes = tuple(k for k, l in enumerate(read.letters) if l in letters or l not in box)
            held = held.all(axis=axes) if axes else held
            own = tuple(l for l in read.letters if l in box and l not in letters)
            ready &= np.asarray(held)[tuple(slice(None) if l in own else None for l in box)]
        return ready

    def _reads(self, e: Expression, letters: tuple[str, ...]) -> Iterable[tuple[Ref, tuple[str, ...]]]:
        """The entries that a formula reads, each with the letters of the sums around it."""
        if isinstance(e, Ref):
            yield e, letters
            return
        inner = (*letters, *e.letters) if isinstance(e, Over) else letters
        found = list[tuple[Ref, tuple[str, ...]]]()

        def met(part: Expression) -> Expression:
            if not isinstance(part, Index):
                found.extend(self._reads(part, inner))
            return part

        e.mapped(met)
        yield from found
