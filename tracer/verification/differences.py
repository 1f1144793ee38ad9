"""The route by differences: dE/dX of every array by moving X and working the forward equations that read it.

The smaller the step the better, as nothing cancels: each number is moved by 2^-400 of its own size.  A unit is moved once
for all its weights: W enters a[j] = Σ_i W[j,i] x[i] + ... only, so that its gradient is read from dE/da, and that this
reading is right is seen by one whole move of W in a drawn direction.  `assume_nothing` moves every number by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivations.equations import Equation, Step
from derivations.expression import Expression, Index, Negative, Over, Product, Ref, Sum
from derivations.program import Task
from derivations.shapes import free
from tracer.verification.moved import Line, State, axes
from tracer.verification.pairs import MOST, Pair, TooLarge, Unlike

__all__ = ["LOST", "Differences"]

Floats = Any
NEAR, LEAST = 2.0**-400, 2.0**-700
"""A step is so small that no weight makes it large, and yet far from where floats end."""
LOST = 2.0**-300
"""What a slope may be off by as a difference of such a step: to underflow, to the square of the step."""
FEW = 1 << 16
"""Numbers in all differences of one run in which every entry of every array is moved."""


@dataclass(frozen=True)
class _Reading:
    """A parameter in a sum of products, Σ W[..] rest: dE/dW = Σ dE/da rest, over the letters that W has not."""

    line: Line
    own: tuple[Any, ...]
    work: Any
    letters: tuple[str, ...]
    plain: bool


class Differences:
    """The forward equations of a step, and the moves of its arrays."""

    def __init__(self, step: Step, tasks: Sequence[Task], objective: str, given: Sequence[str]) -> None:
        self.step, self.objective = step, objective
        self.lines = [Line(step, task) for task in tasks]
        self.computed = [n for n in dict.fromkeys(line.name for line in self.lines) if n != objective]
        self.readings = {name: self._readings(name) for name in given}
        self._fitting: dict[str, bool] = {}

    # --- runs ---

    def run(
        self, given: Mapping[str, Floats], wanted: Iterable[str], *, assume_nothing: bool = False
    ) -> tuple[State, dict[str, Floats]]:
        """The arrays where nothing moves, and dE/dX of those that are wanted."""
        wanted = dict.fromkeys(wanted)
        s = {name: Pair(axes(np.ndim(v)), np.asarray(v, float)) for name, v in given.items()}
        sizes = [math.prod(self.step.arrays[n].shape) for n in self.computed]
        out: dict[str, Floats] = {}
        if sizes and not assume_nothing and sum(sizes) * max(sizes) <= FEW:
            out = self._all_at_once(s)
        else:
            for line in self.lines:
                self._store(s, line, line.work(s))
        needed = {*wanted, *(r.line.name for n in wanted for r in self.readings.get(n) or ())}
        for name in self.computed:
            if name in needed and name not in out:
                out[name] = self.moved(s, name, assume_nothing=assume_nothing)
        for name in wanted:
            if name not in out and name != self.objective:
                found = None if assume_nothing else self._read_off(s, name, out)
                out[name] = self.moved(s, name, assume_nothing=assume_nothing) if found is None else found
        return s, out

    def _store(self, s: State, line: Line, value: Pair) -> None:
        if line.whole:
            s[line.name] = value
        else:
            s[line.name] = self._put(s.get(line.name), line, value)

    def _put(self, whole: Pair | None, line: Line, part: Pair) -> Pair:
        """A part of an array in its place; what moves there is added to what moves already."""
        shape = self.step.arrays[line.name].shape
        if whole is None:
            whole = Pair(axes(len(shape)), np.zeros(shape))
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
        d = np.zeros(part.d.shape[:L] + shape) if whole.d is None else _writable(whole.d)
        d[(slice(None),) * L + line.place] += part.d
        return Pair(whole.letters, v, d, ties, part.labels)

    # --- every entry at once ---

    def _all_at_once(self, s: State) -> dict[str, Floats]:
        """Small steps: every entry of every array is a move of one and the same run; the arrays are left in s."""
        shapes = {n: self.step.arrays[n].shape for n in self.computed}
        ends = np.cumsum([0, *(math.prod(shape) for shape in shapes.values())])
        rows = {n: slice(int(a), int(b)) for n, a, b in zip(shapes, ends, ends[1:], strict=False)}
        count, moved = int(ends[-1]), dict(s)
        for line in self.lines:
            self._store(moved, line, line.work(moved))
            if line.name in rows:
                self._move_too(moved, line, rows[line.name], count)
        end = moved[self.objective].d
        total = np.zeros(count) if end is None else end.reshape(-1)
        for name, x in moved.items():
            s[name] = Pair(x.letters, x.v)
        return {n: total[r].reshape(shapes[n]) / _step(s[n].v) for n, r in rows.items()}

    @staticmethod
    def _move_too(s: State, line: Line, rows: slice, count: int) -> None:
        """The entries that a line has worked move also by themselves, each in a row of its own."""
        x = s[line.name]
        d = np.zeros((count, *x.v.shape)) if x.d is None else _writable(x.d)
        own = np.arange(rows.start, rows.stop).reshape(x.v.shape)[line.place]
        step = _step(x.v[line.place])
        at = np.indices(own.shape) if own.ndim else ()
        part = d[(slice(None), *line.place)]
        part[(own, *at)] += step
        s[line.name] = Pair(x.letters, x.v, d, (None,), ((0, None),))

    # --- one array ---

    def moved(
        self, s: State, name: str, block: list[tuple[int, int]] | None = None, *, assume_nothing: bool = False
    ) -> Floats:
        """dE/dX for the entries of a block (a range for each axis)."""
        x = s[name].v
        block = block or [(0, n) for n in x.shape]
        try:
            return self._moved_block(s, name, block, assume_nothing)
        except (TooLarge, Unlike):
            k = max(range(x.ndim), key=lambda k: block[k][1] - block[k][0], default=-1)
            if k < 0 or block[k][1] - block[k][0] < 2:
                raise
            a, b = block[k]
            halves = [(a, (a + b) // 2), ((a + b) // 2, b)]
            parts = [[half if i == k else r for i, r in enumerate(block)] for half in halves]
            return np.concatenate([self.moved(s, name, p, assume_nothing=assume_nothing) for p in parts], axis=k)

    def _moved_block(self, s: State, name: str, block: list[tuple[int, int]], assume_nothing: bool) -> Floats:
        step = _step(s[name].v)
        seed = self._seed(s[name], name, block, step, assume_nothing)
        end = self._run_from(s, name, seed)
        out = np.zeros([b - a for a, b in block])
        if end is not None:
            end = end.apart(range(len(end.ties)))
            assert end.d is not None
            d = end.d.reshape(end.d.shape[: len(end.ties)])
            out[_places(end, d.shape)] = d
        return out / step[tuple(slice(a, b) for a, b in block)]

    def _seed(self, x: Pair, name: str, block: list[tuple[int, int]], step: Floats, assume_nothing: bool) -> Pair:
        """The array with every entry of a block moved; axes that are worked whole and at once are kept apart."""
        walked = {
            k for line in self.lines if line.name == name for k, p in enumerate(line.place) if not isinstance(p, slice)
        }
        walked |= {k for k, (a, b) in enumerate(block) if (a, b) != (0, x.v.shape[k])}
        n = x.v.ndim
        ties: list[str | None] = []
        d = step.reshape((1,) * n + x.v.shape)
        for k, (a, b) in enumerate(block):
            if k not in walked and not assume_nothing:
                ties.append(str(k))
                continue
            ties.append(None)
            form = [1] * (2 * n)
            form[k], form[n + k] = b - a, x.v.shape[k]
            if d.size * (b - a) > MOST:
                raise TooLarge
            d = d * np.eye(x.v.shape[k])[a:b].reshape(form)
        return Pair(x.letters, x.v, d, ties, tuple((k, None) for k in range(n)))

    def _run_from(self, s: State, name: str, seed: Pair) -> Pair | None:
        now, moved = {**s, name: seed}, {name}
        for line in self.lines:
            if line.reads & moved:
                value = line.work(now)
                if value.d is not None:
                    self._store(now, line, value)
                    moved.add(line.name)
        return now[self.objective] if self.objective in moved else None

    # --- one line ---

    def local(self, s: State, equations: Iterable[Equation], name: str, rank: int) -> Floats | None:
        """How an array moves with what some of its lines read: dz/da entry by entry, of a softmax all with all.

        A Jacobian, which has an axis more, has that of what is moved after that of what moves.
        """
        known = {id(e) for e in equations}
        lines = [line for line in self.lines if id(line.equation) in known]
        if rank == s[name].v.ndim + 1:
            return self._moved_line(s, lines[0]) if len(lines) == 1 else None
        out = np.zeros(s[name].v.shape)
        for line in lines:
            part = self._moved_line(s, line)
            if part is None or part.shape != out[line.place].shape:
                return None
            out[line.place] = part
        return out

    def _moved_line(self, s: State, line: Line) -> Floats | None:
        """The difference of one line's value, for a move of each entry that it reads."""
        argument = line.argument(s)
        step = _step(argument.v)
        ties = tuple(argument.letters)
        d = step.reshape((1,) * step.ndim + step.shape)
        value = line.applied(Pair(argument.letters, argument.v, d, ties, tuple((k, None) for k in range(len(ties)))))
        if value.d is None:
            return np.zeros(value.v.shape)
        value = value.over(argument.letters)
        own = [l for l, t in enumerate(value.ties) if t is None]
        assert value.d is not None
        d = value.d.reshape([*(value.d.shape[l] for l in own), *value.v.shape])
        if not own:
            return np.asarray(Pair(argument.letters, d / step).over(line.letters).v)
        if len(own) > 1 or list(argument.letters) != line.letters:
            return None
        return np.asarray(np.moveaxis(d, 0, own[0] + 1) / np.expand_dims(step, own[0]))

    # --- W in a[..] = Σ W[..] rest + ...: a is moved, once for all weights of a unit ---

    def _read_off(self, s: State, name: str, known: Mapping[str, Floats]) -> Floats | None:
        found = self.readings.get(name)
        if not found or any(r.line.name not in known for r in found):
            return None
        out = sum((self._gradient(s, name, r, known[r.line.name]) for r in found), np.zeros(s[name].v.shape))
        if name not in self._fitting:
            self._fitting[name] = self._fits(s, name, found)
        return out if self._fitting[name] else None

    def _gradient(self, s: State, name: str, r: _Reading, signal: Floats) -> Floats:
        signal = signal[r.line.place] if r.line.place else signal
        shape = s[name].v.shape
        value = r.work({**s, "°": Pair(axes(np.ndim(signal)), signal)}).over(r.letters)
        sizes = tuple(r.line._size(l) for l in r.letters)
        full = np.broadcast_to(value.v, sizes)
        if r.plain:
            return full
        flat = np.ravel_multi_index(r.own, shape) if shape else np.zeros((), int)
        return np.bincount(np.broadcast_to(flat, sizes).ravel(), full.ravel(), max(1, math.prod(shape))).reshape(shape)

    def _fits(self, s: State, name: str, found: Sequence[_Reading]) -> bool:
        """The reading of c along δ is c along a's difference when W moves by a whole δ, for drawn c and δ."""
        rng = np.random.default_rng(3)
        delta = rng.normal(size=s[name].v.shape)
        moved = {**s, name: Pair(s[name].letters, s[name].v, delta[None], (None,), ((0, None),))}
        along = read = size = 0.0
        for r in found:
            c = rng.normal(size=s[r.line.name].v.shape)
            of = r.line.work(moved)
            each = 0.0 if of.d is None else np.asarray(c[r.line.place] if r.line.place else c) * of.d[0]
            gradient = self._gradient(s, name, r, c) * delta
            along, read = along + float(np.sum(each)), read + float(gradient.sum())
            size += float(np.abs(each).sum() + np.abs(gradient).sum())
        return abs(along - read) <= 1e-12 * size or size == 0

    def _readings(self, name: str) -> list[_Reading] | None:
        """Where a parameter stands in sums of products; None where it stands elsewhere too."""
        out: list[_Reading] = []
        for line in self.lines:
            if name not in line.reads:
                continue
            found = self._readings_of(line, name)
            if found is None:
                return None
            out += found
        return out

    def _readings_of(self, line: Line, name: str) -> list[_Reading] | None:
        out = []
        for sign, term in _terms(line.equation.right):
            uses = [x for x in term.walk() if isinstance(x, Ref) and x.name == name]
            if not uses:
                continue
            over, body = (term.letters, term.body) if isinstance(term, Over) and term.op == "sum" else ((), term)
            factors = list(body.factors) if isinstance(body, Product) else [body]
            mine = [f for f in factors if isinstance(f, Ref) and f.name == name]
            if len(mine) != 1 or len(uses) != 1 or not all(isinstance(i, Index) for i in mine[0].at):
                return None
            out.append(self._reading(line, sign, over, mine[0], [f for f in factors if f is not mine[0]]))
        return None if None in out else [r for r in out if r]

    def _reading(
        self, line: Line, sign: int, over: Sequence[str], w: Ref, rest: list[Expression]
    ) -> _Reading | None:
        letters = [*line.letters, *(l for l in over if l not in line.letters)]
        if len(letters) < len(line.letters) + len(over):
            return None  # a letter of a sum with the name of one outside it
        own = [l for l in dict.fromkeys(l for i in w.at for l in free(i)) if l not in line.fixed]
        signal = line.signal(Ref("°", line.equation.left.at))
        works = [signal, *(line.formula(f) for f in rest)]
        summed = [l for l in letters if l not in own]
        extents = line.extents[w.name]
        at = tuple(line._grid(i, own) - low for i, (low, _) in zip(w.at, extents, strict=True))
        if any((p < 0).any() or (p > h - l).any() for p, (l, h) in zip(at, extents, strict=True)):
            return None

        def work(s: State) -> Pair:
            out = Line.product_over([w(s) for w in works], summed, {l: line._size(l) for l in letters})
            return out if sign > 0 else out.like(out.letters, -out.v, None)

        whole = line.entire(w)
        return _Reading(line, at, work, tuple(own), whole == own)


def _terms(e: Expression) -> list[tuple[int, Expression]]:
    match e:
        case Sum(terms):
            return [(sign * s, x) for sign, t in terms for s, x in _terms(t)]
        case Negative(operand):
            return [(-s, x) for s, x in _terms(operand)]
    return [(1, e)]


def _writable(d: Floats) -> Floats:
    return d if d.flags.owndata and d.flags.writeable else np.array(d)


def _step(v: Floats) -> Floats:
    """How far each number is moved: by a part of its own size; zeros by a part of 1."""
    size = np.abs(v)
    return np.maximum(NEAR * np.where(size > 0, size, 1.0), LEAST)


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
