"""The chain rule of a step in its letters: dE/dX as the sum over the equations that read X, before it is worked out.

For `a[t,j] = Σ_k W[j,k] h[t-1,k]` the share that h[t,k] gets through a is Σ_j ∂a[t+1,j]/∂h[t,k] · ∂E/∂a[t+1,j]: an
index of the left side that X's own index says is put in, every other one is summed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from derivations.building import ONE, constant, product, total
from derivations.equations import Equation, Range, Role, Step
from derivations.expression import Expression, Index, Over, Partial, Ref, Within, letter
from derivations.order import groups
from derivations.shapes import bounds, free, substituted
from derivations.uses import uses

__all__ = ["ChainTerms", "Term", "apart"]

Solved = tuple[tuple[str, Index], ...]
"""What letters of a left side are, by the indices of the array that is read."""


@dataclass(frozen=True)
class Term:
    """What comes to an array through one equation that reads it, `reader`, with its letters as they are written.

    `summed` are the letters of the reader that are summed over; `signal` is ∂E/∂ of its left side, a number where no
    line says it; `guards` say for which indices there is such a signal.  `right` is the reader's right side.
    """

    reader: Equation
    right: Expression
    summed: tuple[str, ...]
    signal: Expression
    local: Partial
    guards: tuple[Within, ...]

    def written(self, signal_first: bool) -> Expression:
        """The term with its two derivatives in order."""
        factors = [f for f in (self.signal, self.local) if constant(f) != 1]
        factors = factors if signal_first else factors[::-1]
        body = product(*factors, *self.guards) if len(factors) + len(self.guards) > 1 else factors[0]
        return Over("sum", self.summed, body) if self.summed else body


class ChainTerms:
    """The terms of the chain rule of one step, array by array."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.ranges: dict[str, Range] = dict(step.ranges)
        self.forward = [e for e in step.equations if e.stage == "forward"]
        self.objective = next((a.name for a in step.arrays.values() if a.role is Role.OBJECTIVE), "E")
        self.lines = {e.of: e for e in step.equations if e.stage == "backward" and e.why not in ("slope", "jacobian")}
        self.numbers = self._numbers()

    def _numbers(self) -> dict[str, Expression]:
        """The arrays whose signal is a mere number that no line says: a mean gives each of its entries 1/|n|."""
        out: dict[str, Expression] = {self.objective: ONE}
        for e in (e for group in groups(self.forward)[::-1] for e in group):
            seed = out.get(e.left.name)
            for use in uses(e.right, e.left, seed) if seed is not None else ():
                if use.ref.name not in self.lines and not any(isinstance(x, Ref) for x in use.reaches.walk()):
                    known = out.get(use.ref.name)
                    out[use.ref.name] = use.reaches if known is None else total((1, known), (1, use.reaches))
        return out

    def of(self, e: Equation) -> list[Term]:
        """The terms of a line dE/dX, in the order in which the line has its own: from the objective back."""
        if e.of == self.objective or e.why in ("slope", "jacobian"):
            return []
        readers = [r for r in self.forward if any(x.name == e.of for x in r.reads) and self._signal(r) is not None]
        return [term for reader in readers[::-1] for term in self._through(reader, e)]

    def _signal(self, reader: Equation) -> Expression | None:
        name = reader.left.name
        if name in self.lines:
            return Partial(Ref(self.objective, ()), reader.left)
        return self.numbers.get(name)

    def _through(self, reader: Equation, e: Equation) -> Iterator[Term]:
        own = e.left.at
        found = dict.fromkeys(self._solved(reader, use, own) for use in reader.reads if use.name == e.of)
        if any(_may_meet(p, q) for p, q in combinations(found, 2)):  # one entry of the left side would count twice
            common = set.intersection(*(set(solved) for solved in found))
            found = {tuple(pair for pair in next(iter(found)) if pair in common): None}
        signal = self._signal(reader)
        assert signal is not None
        for solved in found:
            values = dict(solved)
            summed = [l for l in free(reader.left) if l not in values and l not in self.step.unwritten]
            renamed = self._renamed(summed, own)
            values |= renamed
            left = substituted(reader.left, values)
            guards = tuple(w for l, i in solved if (w := self._guard(l, i)))
            put = substituted(signal, values)
            letters = tuple(renamed[l].letter if l in renamed else l for l in summed)
            yield Term(reader, substituted(reader.right, values), letters, put, Partial(left, Ref(e.of, own)), guards)

    def _solved(self, reader: Equation, use: Ref, own: Sequence[Expression]) -> Solved:
        """Letters of the reader's left side that the own index says alone: t - 1 read for t gives t + 1."""
        spread = {l for x in reader.right.walk() if isinstance(x, Over) and x.op == "softmax" for l in x.letters}
        left, out = set(free(reader.left)) - spread, dict[str, Index]()
        for i, o in zip(use.at, own, strict=True):
            if not isinstance(i, Index) or not isinstance(o, Index) or len(i.terms) != 1:
                continue
            ((l, c),) = i.terms
            if l in left and abs(c) == 1 and l not in out:
                out[l] = Index.of((c, o), (-c, Index((), i.plus)))
        return tuple(sorted(out.items(), key=lambda pair: pair[0]))

    def _guard(self, l: str, i: Index) -> Within | None:
        low, high = self.ranges[l]
        reach = bounds(i, self.ranges)
        return None if reach and low <= reach[0] and reach[1] <= high else Within(i, low, high)

    def _renamed(self, summed: Sequence[str], own: Sequence[Expression]) -> dict[str, Index]:
        """Summed letters that the own indices have too get a prime."""
        taken, out = {l for i in own for l in free(i)} | set(summed), dict[str, Index]()
        for l in (l for l in summed if any(l in free(i) for i in own)):
            run = self.ranges[l]
            primed = (n for n in (l + "'" * k for k in range(1, 99)) if n not in taken)
            name = next(n for n in primed if self.ranges.get(n, run) == run)  # a primed letter may be another one's
            self.ranges.setdefault(name, run)
            taken.add(name)
            out[l] = letter(name)
        return out


def _may_meet(one: Solved, other: Solved) -> bool:
    """Whether two readings of an array may be of one entry: h[t] and h[t-1], read for a[t] and a[t+1], never are."""
    mine, theirs = dict(one), dict(other)
    if mine.keys() != theirs.keys():
        return True
    apart_ = (Index.of((1, mine[l]), (-1, theirs[l])) for l in mine)
    return not any(not i.terms and i.plus for i in apart_)


def apart(e: Expression, own: Sequence[Expression], unwritten: frozenset[str]) -> Expression:
    """A right side whose summed letters are none of the own ones: ∂/∂y[k] of Σ_k' y[k']."""
    taken = {l for i in own for l in free(i)} - unwritten
    bound = {l for x in e.walk() if isinstance(x, Over) and x.op != "softmax" for l in x.letters}
    return substituted(e, {l: letter(l + "'") for l in bound & taken})
