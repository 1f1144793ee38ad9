"""The route by differences: dE/dX of every array by moving X and working the forward equations that read it.

The smaller the step the better, as nothing cancels: each number is moved by 2^-200 of its own size.  A unit is moved
once for all its weights: W enters a[j] = Σ_i W[j,i] x[i] + ... only, so that its gradient is read from dE/da, and
that this reading is right is seen by one whole move of W in a drawn direction.  `assume_nothing` moves every number
by itself.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from derivations.equations import Step
from derivations.expression import Expression, Index, Negative, Over, Product, Ref, Sum
from derivations.program import Task
from derivations.shapes import free
from tracer.verification.moved import Line, State, axes
from tracer.verification.moves import NEAR, Moves
from tracer.verification.pairs import Pair

__all__ = ["Differences"]

Floats = Any


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
        self.readings = {name: self._readings(name) for name in given}
        self._fitting: dict[str, bool] = {}

    def moves(
        self,
        given: Mapping[str, Floats],
        near: float = NEAR,
        *,
        assume_nothing: bool = False,
        dtype: type[np.floating[Any]] = np.float64,
    ) -> Moves:
        """A run from given numbers."""
        return Moves(self.step, self.lines, self.objective, given, near, assume_nothing=assume_nothing, dtype=dtype)

    def slopes(self, moves: Moves, wanted: Iterable[str]) -> dict[str, Floats]:
        """dE/dX of the arrays that are wanted."""
        wanted = dict.fromkeys(wanted)
        out = moves.base()
        needed = {*wanted, *(r.line.name for n in wanted for r in self.readings.get(n) or ())}
        for name in moves.computed:
            if name in needed and name not in out:
                out[name] = moves.moved(name)
        for name in wanted:
            if name not in out and name != self.objective:
                found = None if moves.assume_nothing else self._read_off(moves.s, name, out)
                out[name] = moves.moved(name) if found is None else found
        return out

    # --- W in a[..] = Σ W[..] rest + ...: a is moved, once for all weights of a unit ---

    def _read_off(self, s: State, name: str, known: Mapping[str, Floats]) -> Floats | None:
        found = self.readings.get(name)
        if not found or any(r.line.name not in known for r in found):
            return None
        out = reduce(operator.add, (self._gradient(s, name, r, known[r.line.name]) for r in found))
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
        flat = np.ravel_multi_index(r.own, shape)
        places = np.broadcast_to(flat, sizes).ravel()
        if full.dtype == np.float64:
            return np.bincount(places, full.ravel(), math.prod(shape)).reshape(shape)
        out = np.zeros(math.prod(shape), full.dtype)  # bincount knows no longer format
        np.add.at(out, places, full.ravel())
        return out.reshape(shape)

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

    def _reading(self, line: Line, sign: int, over: Sequence[str], w: Ref, rest: list[Expression]) -> _Reading | None:
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
