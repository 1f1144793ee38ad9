"""What a plan of the symbolic route is made of: forms, contractions, reductions; worked forward, and back by slopes.

Letters: s the arrays so far, g what the objective's slope in each array is so far, m the numbers of the run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from derivations.forms import Context, Form
from tracer.verification.boxes import Box, Read

__all__ = ["Contraction", "Entrywise", "Extreme", "Piece", "Run", "Shift", "Total"]

Arrays = dict[str, Any]


@dataclass
class Run:
    """One run of a plan: its numbers, the arrays, decisions that are forced by piece, and what was met on the way.

    `moves` are added to the arrays as they are worked.
    """

    m: Any
    s: Arrays
    forced: Mapping[int, Mapping[int, Any]] = field(default_factory=dict)
    met: dict[int, Context] = field(default_factory=dict)
    kept: dict[int, Any] = field(default_factory=dict)
    g: Arrays = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()
    moves: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Piece:
    """Some entries of an array: `left` says which, over a box of letters; `k` is the piece's number in its plan."""

    k: int
    left: Read
    box: Box
    whole: bool

    @property
    def sources(self) -> tuple[Read, ...]:
        """What it reads."""
        raise NotImplementedError

    @property
    def products(self) -> int:
        """About how many operations it takes."""
        return math.prod(self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many entries there are along each letter."""
        return tuple(high - low + 1 for low, high in self.box.values())

    def put(self, run: Run, value: Any) -> None:
        """The value in its places."""
        value = run.m.full(value, self.shape)
        if self.left.name in run.moves:
            value = run.m.total([(1, value), (1, run.m.take(run.moves[self.left.name], self.left))])
        if self.whole:
            run.s[self.left.name] = value
        else:
            run.m.put(run.s[self.left.name], self.left, value)

    def forward(self, run: Run) -> None:
        """Works the entries."""
        raise NotImplementedError

    def back(self, run: Run, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Brings the slope of the objective in these entries to what they read."""
        raise NotImplementedError

    def signal(self, run: Run) -> Any:
        """The slope of the objective in these entries, over the box."""
        return run.m.full(run.m.take(run.g[self.left.name], self.left), self.shape)

    def bring(self, run: Run, read: Read, box: Box, value: Any, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """A contribution over a box, for an array that is read."""
        axes = tuple(k for k, l in enumerate(box) if l not in read.letters)
        value = run.m.sum(run.m.full(value, tuple(high - low + 1 for low, high in box.values())), axes)
        accumulate(run, read, value, shapes)


def accumulate(run: Run, read: Read, value: Any, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """A contribution over the letters of a read, for the array that is read."""
    if read.name in run.g:
        run.m.add(run.g[read.name], read, value)
    elif read.entire:
        run.g[read.name] = run.m.own(value)
    else:
        run.g[read.name] = run.m.blank(shapes[read.name])
        run.m.add(run.g[read.name], read, value)


@dataclass(frozen=True)
class Entrywise(Piece):
    """A form of entries that are read at the same letters."""

    reads: tuple[Read, ...]
    form: Form

    @property
    def sources(self) -> tuple[Read, ...]:
        return self.reads

    def forward(self, run: Run) -> None:
        context = Context(run.forced.get(self.k, {}))
        value, slopes = self.form.run(run.m, self.leaves(run, run.s), context)
        if self.form.tests:
            run.met[self.k] = context
        run.kept[self.k] = slopes
        self.put(run, value)

    def leaves(self, run: Run, s: Arrays) -> list[Any]:
        """What is read, with an axis for every letter of the box."""
        return [run.m.spread(run.m.take(s[r.name], r), r.spread(self.box)) for r in self.reads]

    def back(self, run: Run, shapes: Mapping[str, tuple[int, ...]]) -> None:
        signal = self.signal(run)
        for read, slope in zip(self.reads, run.kept[self.k], strict=True):
            if slope is not None and read.name in run.wanted:
                self.bring(run, read, self.box, run.m.product(signal, slope), shapes)

    def slope(self, run: Run, name: str) -> Any:
        """Its own slope in an array that it reads, over the box."""
        found = [slope for r, slope in zip(self.reads, run.kept[self.k], strict=True) if r.name == name]
        return None if len(found) != 1 or found[0] is None else run.m.full(found[0], self.shape)


@dataclass(frozen=True)
class Contraction(Piece):
    """A sum of products of two arrays over letters of both."""

    x: Read
    y: Read
    summed: Box

    @property
    def sources(self) -> tuple[Read, ...]:
        return (self.x, self.y)

    @property
    def products(self) -> int:
        return math.prod(high - low + 1 for low, high in {**self.box, **self.summed}.values())

    def forward(self, run: Run) -> None:
        m, out = run.m, list(self.box)
        x, y = m.take(run.s[self.x.name], self.x), m.take(run.s[self.y.name], self.y)
        self.put(run, m.contract(x, self.x.letters, y, self.y.letters, out))

    def back(self, run: Run, shapes: Mapping[str, tuple[int, ...]]) -> None:
        m, signal, box = run.m, self.signal(run), list(self.box)
        for one, other in ((self.x, self.y), (self.y, self.x)):
            if one.name in run.wanted:
                value = m.take(run.s[other.name], other)
                accumulate(run, one, m.contract(signal, box, value, other.letters, one.letters), shapes)


@dataclass(frozen=True)
class Total(Piece):
    """A sum, or a mean over so many, of an array over the letters that the box has not."""

    read: Read
    inner: Box
    count: int

    @property
    def sources(self) -> tuple[Read, ...]:
        return (self.read,)

    def forward(self, run: Run) -> None:
        whole = {**self.box, **self.inner}
        body = run.m.spread(run.m.take(run.s[self.read.name], self.read), self.read.spread(whole))
        body = run.m.full(body, tuple(high - low + 1 for low, high in whole.values()))
        axes = tuple(range(len(self.box), len(whole)))
        self.put(run, self._shared(run.m, run.m.sum(body, axes)))

    def _shared(self, m: Any, x: Any) -> Any:
        from fractions import Fraction

        return x if self.count == 1 else m.quotient(x, m.number(Fraction(self.count)))

    def back(self, run: Run, shapes: Mapping[str, tuple[int, ...]]) -> None:
        if self.read.name in run.wanted:
            m, whole = run.m, {**self.box, **self.inner}
            at = tuple(slice(None) if l in self.box else None for l in whole)
            self.bring(run, self.read, whole, m.spread(self._shared(m, self.signal(run)), at), shapes)


@dataclass(frozen=True)
class Extreme(Piece):
    """The largest, or the smallest, over letters that the box has not; each of several that are equal counts.

    The array that is read has the letters of the box first.
    """

    read: Read
    inner: Box
    sign: int

    @property
    def sources(self) -> tuple[Read, ...]:
        return (self.read,)

    def forward(self, run: Run) -> None:
        rows = run.m.rows(run.m.take(run.s[self.read.name], self.read), len(self.box))
        value, at, near = run.m.extreme(rows, len(self.box), self.sign)
        forced = run.forced.get(self.k, {})
        context = Context(forced, {0: at}, {0: near} if (near.sum(axis=-1) > 1).any() else {})
        run.met[self.k], run.kept[self.k] = context, forced.get(0, at)
        self.put(run, value)

    def back(self, run: Run, shapes: Mapping[str, tuple[int, ...]]) -> None:
        if self.read.name in run.wanted:
            m, inner = run.m, tuple(high - low + 1 for low, high in self.inner.values())
            signal = m.spread(self.signal(run), (*(slice(None) for _ in self.box), None))
            chosen = m.among(m.full(signal, run.kept[self.k].shape), run.kept[self.k])
            accumulate(run, self.read, m.shaped(chosen, self.shape + inner), shapes)


@dataclass(frozen=True)
class Shift(Piece):
    """Some number near the largest of each row: what a softmax subtracts, whatever it is, so it has no slope."""

    read: Read

    @property
    def sources(self) -> tuple[Read, ...]:
        return (self.read,)

    def forward(self, run: Run) -> None:
        self.put(run, run.m.largest(run.m.take(run.s[self.read.name], self.read), len(self.box)))

    def back(self, run: Run, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Nothing."""
