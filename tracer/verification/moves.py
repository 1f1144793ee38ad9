"""One run of the forward equations: every array where nothing moves, and what moving one does to the loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from derivations.equations import Equation, Step
from tracer.verification.contraction import array_of
from tracer.verification.moved import Line, State, axes
from tracer.verification.pairs import MOST, Pair, TooLarge, Unlike

__all__ = ["LOST", "NEAR", "NEARER", "Moves"]

Floats = Any
NEAR, NEARER, LEAST = 2.0**-200, 2.0**-400, 2.0**-700
"""Parts of a number by which it is moved: so small that a weight does not make the step large, and yet far from where
floats end.  The second is for what the first is too large for."""
LITTLE, TINY, SURE = 2.0**-60, 2.0**-1070, 2.0**-1000
"""Of numbers near where floats end: the part that they move by, the least move of all, the least that has digits."""
LOST = 2.0**-190
"""What a slope may be off by as a difference of such a step: to underflow, to the square of the step."""
FEW = 1 << 16
"""Numbers in all differences of one run in which every entry of every array is moved."""


class Moves:
    """One run of the lines of a step from given numbers, each number moved by the part `near` of its own size.

    `s` are the arrays.  assume_nothing: nothing is taken to be apart, every number is moved by itself.  `dtype` is the
    format that is worked in: a longer one for numbers of which little is left where they cancel.
    """

    def __init__(
        self,
        step: Step,
        lines: Sequence[Line],
        objective: str,
        given: Mapping[str, Floats],
        near: float = NEAR,
        *,
        assume_nothing: bool = False,
        dtype: type[np.floating[Any]] = np.float64,
    ) -> None:
        self.step, self.lines, self.objective = step, lines, objective
        self.near, self.assume_nothing = near, assume_nothing
        self.computed = [n for n in dict.fromkeys(line.name for line in lines) if n != objective]
        self.dtype = dtype
        self.s: State = {name: Pair(axes(np.ndim(v)), array_of(v, dtype)) for name, v in given.items()}
        self.like = next((x.v for x in self.s.values()), None)

    def base(self) -> dict[str, Floats]:
        """Works every array where nothing moves; of a small step with dE/dX of each of them, in the same run."""
        sizes = [math.prod(self.step.arrays[n].shape) for n in self.computed]
        if sizes and not self.assume_nothing and sum(sizes) * max(sizes) <= FEW:
            return self._all_at_once()
        for line in self.lines:
            self._store(self.s, line, line.work(self.s))
        return {}

    def _zeros(self, shape: tuple[int, ...]) -> Floats:
        """To be filled; made like the arrays of the step."""
        return np.zeros(shape, self.dtype, like=self.like)

    def _store(self, s: State, line: Line, value: Pair) -> None:
        if line.whole:
            s[line.name] = value
        else:
            s[line.name] = self._put(s.get(line.name), line, value)

    def _put(self, whole: Pair | None, line: Line, part: Pair) -> Pair:
        """A part of an array in its place; what moves there is added to what moves already."""
        shape = self.step.arrays[line.name].shape
        if whole is None:
            whole = Pair(axes(len(shape)), self._zeros(shape))
        v = whole.v  # each array of a run is its own; one of the base gets the values that it has
        v[line.place] = part.v
        if part.d is None:
            return whole
        full = {str(k) for k, p in enumerate(line.place) if isinstance(p, slice) and p == slice(0, shape[k])}
        ties = [t if t in full else None for t in part.ties]
        if whole.d is not None:
            ties = [t if t == w else None for t, w in zip(ties, whole.ties, strict=True)]
            whole = whole.apart([l for l, t in enumerate(whole.ties) if t != ties[l]])
        part = part.apart([l for l, t in enumerate(part.ties) if t != ties[l]])
        assert part.d is not None
        L = len(ties)
        if math.prod(part.d.shape[:L]) * v.size > MOST:
            raise TooLarge
        d = self._zeros(part.d.shape[:L] + shape) if whole.d is None else _writable(whole.d)
        d[(slice(None),) * L + line.place] += part.d
        return Pair(whole.letters, v, d, ties, part.labels)

    # --- every entry at once ---

    def _all_at_once(self) -> dict[str, Floats]:
        """Small steps: every entry of every array is a move of one and the same run; the arrays are left in `s`."""
        shapes = {n: self.step.arrays[n].shape for n in self.computed}
        ends = np.cumsum([0, *(math.prod(shape) for shape in shapes.values())])
        rows = {n: slice(int(a), int(b)) for n, a, b in zip(shapes, ends, ends[1:], strict=False)}
        count, moved = int(ends[-1]), dict(self.s)
        for line in self.lines:
            self._store(moved, line, line.work(moved))
            if line.name in rows:
                self._move_too(moved, line, rows[line.name], count)
        end = moved[self.objective].d
        total = self._zeros((count,)) if end is None else end.reshape(-1)
        for name, x in moved.items():
            self.s[name] = Pair(x.letters, x.v)
        return {n: _quotient(total[r].reshape(shapes[n]), _step(self.s[n].v, self.near)) for n, r in rows.items()}

    def _move_too(self, s: State, line: Line, rows: slice, count: int) -> None:
        """The entries that a line has worked move also by themselves, each in a row of its own."""
        x = s[line.name]
        shared = any(other.d is x.d for name, other in s.items() if name != line.name)  # z1[n] = z[n] is the same array
        d = self._zeros((count, *x.v.shape)) if x.d is None else np.copy(x.d) if shared else _writable(x.d)
        own = np.arange(rows.start, rows.stop).reshape(x.v.shape)[line.place]
        step = _step(x.v[line.place], self.near)
        at = np.indices(own.shape) if own.ndim else ()
        part = d[(slice(None), *line.place)]
        part[(own, *at)] += step
        s[line.name] = Pair(x.letters, x.v, d, (None,), ((0, None),))

    # --- one array ---

    def moved(self, name: str, block: list[tuple[int, int]] | None = None) -> Floats:
        """dE/dX for the entries of a block (a range for each axis)."""
        x = self.s[name].v
        block = block or [(0, n) for n in x.shape]
        try:
            return self._moved_block(name, block)
        except (TooLarge, Unlike):
            k = max(range(x.ndim), key=lambda k: block[k][1] - block[k][0], default=-1)
            if k < 0 or block[k][1] - block[k][0] < 2:
                raise
            a, b = block[k]
            halves = [(a, (a + b) // 2), ((a + b) // 2, b)]
            parts = [[half if i == k else r for i, r in enumerate(block)] for half in halves]
            return np.concatenate([self.moved(name, p) for p in parts], axis=k)

    def _moved_block(self, name: str, block: list[tuple[int, int]]) -> Floats:
        step = _step(self.s[name].v, self.near)
        end = self._run_from(name, self._seed(name, block, step))
        out = self._zeros(tuple(b - a for a, b in block))
        if end is not None:
            end = end.apart(range(len(end.ties)))
            assert end.d is not None
            d = end.d.reshape(end.d.shape[: len(end.ties)])
            out[_places(end, d.shape)] = d
        return _quotient(out, step[tuple(slice(a, b) for a, b in block)])

    def _seed(self, name: str, block: list[tuple[int, int]], step: Floats) -> Pair:
        """The array with every entry of a block moved; axes that are worked whole and at once are kept apart."""
        x = self.s[name]
        walked = {
            k for line in self.lines if line.name == name for k, p in enumerate(line.place) if not isinstance(p, slice)
        }
        walked |= {k for k, (a, b) in enumerate(block) if (a, b) != (0, x.v.shape[k])}
        n = x.v.ndim
        ties: list[str | None] = []
        d = step.reshape((1,) * n + x.v.shape)
        for k, (a, b) in enumerate(block):
            if k not in walked and not self.assume_nothing:
                ties.append(str(k))
                continue
            ties.append(None)
            form = [1] * (2 * n)
            form[k], form[n + k] = b - a, x.v.shape[k]
            if d.size * (b - a) > MOST:
                raise TooLarge
            d = d * np.eye(x.v.shape[k])[a:b].reshape(form)
        return Pair(x.letters, x.v, d, ties, tuple((k, None) for k in range(n)))

    def _run_from(self, name: str, seed: Pair) -> Pair | None:
        now, moved = {**self.s, name: seed}, {name}
        for line in self.lines:
            if line.reads & moved:
                value = line.work(now)
                if value.d is not None:
                    self._store(now, line, value)
                    moved.add(line.name)
        return now[self.objective] if self.objective in moved else None

    # --- one line ---

    def local(self, equations: Iterable[Equation], name: str, rank: int) -> Floats | None:
        """How an array moves with what some of its lines read: dz/da entry by entry, of a softmax all with all.

        A Jacobian, which has an axis more, has that of what is moved after that of what moves.
        """
        known = {id(e) for e in equations}
        lines = [line for line in self.lines if id(line.equation) in known]
        if rank == self.s[name].v.ndim + 1:
            return self._moved_line(lines[0]) if len(lines) == 1 else None
        out = self._zeros(self.s[name].v.shape)
        for line in lines:
            part = self._moved_line(line)
            if part is None or part.shape != out[line.place].shape:
                return None
            out[line.place] = part
        return out

    def _moved_line(self, line: Line) -> Floats | None:
        """The difference of one line's value, for a move of each entry that it reads."""
        argument = line.argument(self.s)
        step = _step(argument.v, self.near)
        ties = tuple(argument.letters)
        d = step.reshape((1,) * step.ndim + step.shape)
        value = line.applied(Pair(argument.letters, argument.v, d, ties, tuple((k, None) for k in range(len(ties)))))
        if value.d is None:
            return self._zeros(value.v.shape)
        value = value.over(argument.letters)
        own = [l for l, t in enumerate(value.ties) if t is None]
        assert value.d is not None
        d = value.d.reshape([*(value.d.shape[l] for l in own), *value.v.shape])
        if not own:
            return Pair(argument.letters, _quotient(d, step)).over(line.letters).v
        if len(own) > 1 or list(argument.letters) != line.letters:
            return None
        return _quotient(np.moveaxis(d, 0, own[0] + 1), np.expand_dims(step, own[0]))


def _writable(d: Floats) -> Floats:
    return d if d.flags.owndata and d.flags.writeable else np.copy(d)


def _quotient(d: Floats, step: Floats) -> Floats:
    """A difference by its step; nothing is said where that is so small that floats lose its digits."""
    return d / np.where(step < SURE, np.nan, step)


def _step(v: Floats, near: float) -> Floats:
    """How far each number is moved: by a part of its own size; zeros by a part of 1."""
    size = np.where(v == 0, 1.0, np.abs(v))
    return np.where(near * size >= LEAST, near * size, np.maximum(size * LITTLE, TINY))


def _places(end: Pair, shape: tuple[int, ...]) -> tuple[Floats, ...]:
    """Where the values of each label belong: along its own axis, or at the places of a window's two labels."""
    out, k = [], 0
    while k < len(end.labels):
        places = end.labels[k][1]
        if places is None:
            out.append(np.arange(shape[k]).reshape([-1 if i == k else 1 for i in range(len(shape))]))
            k += 1
        else:
            out.append(places.reshape([shape[i] if k <= i < k + 2 else 1 for i in range(len(shape))]))
            k += 2
    return tuple(out)
