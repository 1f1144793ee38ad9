"""The backward equations, made from the forward ones: dE/dX is the sum over X's uses, each by the chain rule.

The indices of a use are turned round (x[2p+u-2] gives u = i-2p+2), or kept as a condition ([i = 3]) where they cannot.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from derivations.building import ONE, constant, product, total
from derivations.equations import Equation, Range
from derivations.expression import (
    Call,
    Expression,
    Index,
    Negative,
    Over,
    Product,
    Quotient,
    Ref,
    Same,
    Size,
    Sum,
    Within,
    letter,
)
from derivations.function import FUNCTIONS, entry
from derivations.language import LanguageError
from derivations.order import groups, reached
from derivations.shapes import Shapes, bounds, free, substituted
from derivations.uses import APART, Use, filled, slopes, uses

__all__ = ["Wanted", "backward"]

MOST_PARTS = 25_000
_FRESH = ("m", "p", "q", "r", "s", "u", "v")


@dataclass(frozen=True)
class Wanted:
    """What is asked of the backward equations, and how they name things.

    `inputs` are given arrays whose signal is wanted beside the parameters' gradients.  `names` maps da1 to delta1,
    slope_z1 to slope1.  With `mean_over`, the letter of the samples, signals are those of each sample's own loss, as in
    most books, and the 1/N of a mean enters where a gradient sums over the samples.  `jacobians`: softmax's Jacobian
    gets lines of its own.  `always` names the arrays whose signal gets a line even where it is a mere number.  `given`
    are signals that come from outside, in place of an objective.  `update` makes what follows a parameter's gradient.
    """

    parameters: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    objective: str = "E"
    names: Mapping[str, str] = field(default_factory=dict)
    mean_over: str = ""
    jacobians: bool = False
    always: frozenset[str] = frozenset()
    given: Mapping[str, Expression] = field(default_factory=dict)
    update: Callable[[Ref], Sequence[Equation]] = lambda parameter: ()

    def d(self, name: str) -> str:
        """What dE/d name is called."""
        return self.names.get(f"d{name}", f"d{name}")

    def local(self, kind: str, name: str) -> str:
        """What a local derivative is called: slope_h, J_y."""
        return self.names.get(f"{kind}_{name}", f"{kind}_{name}")


def backward(
    forward: Sequence[Equation], shapes: Shapes, wanted: Wanted, *, most: float = MOST_PARTS
) -> list[Equation]:
    """dE/d of every array between the objective and what is wanted, from the objective back.

    A parameter's gradient and update follow its last use.  The letters that are needed beside the forward ones are
    added to `shapes.ranges`.  Raises LanguageError where the derivatives grow to more than `most` parts.
    """
    return _Backward(forward, shapes, wanted, most).made()


class _Backward:
    def __init__(self, forward: Sequence[Equation], shapes: Shapes, wanted: Wanted, most: float) -> None:
        self.forward, self.shapes, self.wanted, self.most = forward, shapes, wanted, most
        self.groups = groups(forward)
        self.asked = frozenset(wanted.parameters) | frozenset(wanted.inputs)
        self.active = reached(forward, self.asked)
        self.places = self._all_places()
        self.work = 0
        self.own = {name: self._letters_of(name) for name in sorted(self.active)}
        self.reached: dict[str, list[tuple[Expression, bool]]] = {}  # what the uses bring, and whether of own losses
        self.numbers: dict[str, Expression] = {} if wanted.given else {wanted.objective: ONE}
        self.of_own_loss: set[str] = set()
        self.out: list[Equation] = []
        self.emitted: set[str] = set()
        for name, signal in wanted.given.items():
            self.reached[name] = [(signal, True)]

    def made(self) -> list[Equation]:
        both = (*self.wanted.parameters, *self.wanted.inputs)
        first: dict[str, int] = {}
        for k, group in enumerate(self.groups):
            for r in (r for e in group for r in e.reads):
                first.setdefault(r.name, k)
        last_met: dict[int, list[str]] = {}
        for name in both:
            last_met.setdefault(first.get(name, -1), []).append(name)
        for k in range(len(self.groups) - 1, -1, -1):
            self._group([e for e in self.groups[k] if e.left.name in self.active])
            here = last_met.get(k, [])
            parameters = [name for name in here if name in self.wanted.parameters]
            for name in parameters:
                self._emit(name)
            for name in parameters:
                self.out += self.wanted.update(Ref(name, self.own[name]))
            for name in here:
                self._emit(name)
        return self.out

    def _group(self, made: list[Equation]) -> None:
        """The uses in some equations, the signals of their left sides before or (in a recurrence) after."""
        after: list[tuple[Equation, list[Equation]]] = []
        live = self._live(made)
        for e in made:
            recurrent = len(made) > 1 or e.left.name in {r.name for r in e.reads}
            if not recurrent:
                self._emit(e.left.name)
            if e.left.name not in live:
                continue  # 0·q: nothing reaches q
            named: list[Equation] = []
            seed = self.numbers.get(e.left.name, Ref(self.wanted.d(e.left.name), e.left.at))
            left, found = self._local(e, seed, named)
            for use in found:
                self._count(e, use)
                if use.ref.name in self.active:
                    term = self._turned(use, left, self.wanted.d(e.left.name))
                    self.reached.setdefault(use.ref.name, []).append((term, e.left.name in self.of_own_loss))
            after.append((e, named))
        for e, named in reversed(after):
            self._emit(e.left.name)
            self.out += [self._tidied(line) for line in named]

    def _live(self, made: list[Equation]) -> set[str]:
        """The left sides that a signal reaches, from outside or from another of these equations."""
        names = {e.left.name for e in made}
        live = {name for name in names if name in self.numbers or name in self.reached}
        if len(live) == len(names):
            return live
        reads = {e.left: {use.ref.name for use in uses(e.right, e.left, e.left)} for e in made}
        waiting = list(live)
        while waiting:
            name = waiting.pop()
            fresh = {n for e in made if e.left.name == name for n in reads[e.left]} - live
            live |= fresh
            waiting += fresh
        return live

    def _count(self, e: Equation, use: Use) -> None:
        """What the uses grow to is bounded: (a + b + ...)^2 brings the whole sum to each of its terms."""
        self.work += sum(1 for _ in use.reaches.walk())
        if self.work > self.most:
            raise LanguageError(
                f"equations line {e.line}: its derivatives grow too long: give parts names and lines of their own"
            )

    def _emit(self, name: str) -> None:
        """The equation of dE/d name, once."""
        if name in self.emitted or not (name in self.reached or name in self.asked):
            return
        self.emitted.add(name)
        right = self._signal(name)
        if constant(right) is not None:
            self.numbers[name] = right
            if name not in self.wanted.always and name not in self.asked:
                return
        left = Ref(self.wanted.d(name), self.own[name])
        why = "gradient" if name in self.wanted.parameters else "signal"
        self.out.append(self._tidied(Equation(left, right, "backward", why=why, of=name)))
        self.numbers.pop(name, None)

    def _signal(self, name: str) -> Expression:
        """The sum of what the uses bring; of own losses in signals, with the 1/N of a mean in gradients."""
        terms, sample = self.reached.get(name, []), self.wanted.mean_over
        right = total(*((1, t) for t, _ in terms))
        if not sample:
            return right
        size = Size(sample)
        if right == Quotient(ONE, size):
            self.of_own_loss.add(name)
            return ONE
        if not any(own for _, own in terms):
            return right
        if name in self.wanted.parameters:
            return total(*((1, Quotient(t, size) if own else t) for t, own in terms))
        self.of_own_loss.add(name)
        return total(*((1, t if own else product(size, t)) for t, own in terms))

    # --- letters ---

    def _all_places(self) -> dict[str, tuple[list[Ref], list[Ref], int]]:
        """For each array the left sides of its equations, its uses, and how many of its equations are on the way."""
        out: dict[str, tuple[list[Ref], list[Ref], int]] = {}
        for e in self.forward:
            reads = e.reads
            lefts, used, active = out.get(e.left.name, ([], [], 0))
            on_the_way = any(r.name in self.active for r in reads)
            out[e.left.name] = ([*lefts, e.left], used, active + on_the_way)
            for r in reads:
                out.setdefault(r.name, ([], [], 0))[1].append(r)
        return out

    def _letters_of(self, name: str) -> tuple[Index, ...]:
        """The letters of dE/dX: those of X's own equation, or of its first plain use; new ones where these fail."""
        lefts, used, active = self.places.get(name, ([], [], 0))
        places, whole = lefts or used, not lefts or active > 1
        out: list[Index] = []
        for axis, extent in enumerate(self.shapes.extents[name]):
            plain = [i.letter for r in places if isinstance(i := r.at[axis], Index) and i.letter]
            fits = (p for p in plain if letter(p) not in out and self._covers(p, extent, whole))
            out.append(letter(next(fits, "") or self._fresh(extent, plain)))
        return tuple(out)

    def _covers(self, l: str, extent: Range, whole: bool) -> bool:
        """Whether a letter runs over an axis, from its start or (h[0] is given) from later on."""
        own = self.shapes.ranges[l]
        return own == extent if whole else own[1] == extent[1]

    def _fresh(self, extent: Range, like: Sequence[str] = ()) -> str:
        """A letter that nobody has: that of the axis with a prime, or the next free one."""
        taken = self.shapes.ranges.keys() | self.shapes.extents.keys()
        primed = (f"{l}{prime}" for l in like for prime in ("'", "''"))
        endless = (f"i{k}" for k in itertools.count(1))
        l = next(c for c in itertools.chain(primed, _FRESH, endless) if c not in taken)
        self.shapes.ranges[l] = extent
        return l

    # --- one equation ---

    def _local(self, e: Equation, seed: Expression, named: list[Equation]) -> tuple[list[str], list[Use]]:
        """The letters of the left side and the uses; local derivatives that get a name of their own go to `named`."""
        right, left = e.right, free(e.left)
        if isinstance(right, Over) and right.op == "softmax":
            return self._softmax(e, right, seed, named)
        argument = right.arguments[0] if isinstance(right, Call) and len(right.arguments) == 1 else None
        if isinstance(right, Call) and isinstance(argument, Ref) and entry(right.function, FUNCTIONS).named:
            slope = Ref(self.wanted.local("slope", e.left.name), e.left.at)
            formula = filled(slopes(entry(right.function, FUNCTIONS))[0], right.arguments, e.left)
            named.append(Equation(slope, formula, "backward", why="slope", of=e.left.name))
            return left, [Use(argument, product(slope, seed), ())]
        return left, list(uses(right, e.left, seed))

    def _softmax(
        self, e: Equation, right: Over, seed: Expression, named: list[Equation]
    ) -> tuple[list[str], list[Use]]:
        """dy[k]/da[m] = y[k] ([k = m] - y[m]), as a Jacobian with a name; or in short y[k] (dy[k] - Σ_m dy[m] y[m])."""
        (k,) = right.letters
        m = k + APART
        at_m = {k: letter(m)}
        y_m = substituted(e.left, at_m)
        if not self.wanted.jacobians:
            mean = Over("sum", (m,), product(substituted(seed, at_m), y_m))
            return free(e.left), list(uses(right.body, e.left, product(e.left, total((1, seed), (-1, mean)))))
        m = self._fresh(self.shapes.ranges[k])
        y_m = substituted(e.left, {k: letter(m)})
        at = tuple(x for i in e.left.at for x in ((i, letter(m)) if isinstance(i, Index) and i.letter == k else (i,)))
        J = Ref(self.wanted.local("J", e.left.name), at)
        local = Product((e.left, Sum(((1, Same(letter(k), letter(m))), (-1, y_m)))))
        named.append(Equation(J, local, "backward", why="jacobian", of=e.left.name))
        signal = Over("sum", (k,), Product((J, seed)))
        left = [m if l == k else l for l in free(e.left)]
        return left, list(uses(substituted(right.body, {k: letter(m)}), y_m, signal))

    def _turned(self, use: Use, left: list[str], d: str) -> Expression:
        """The sum of everything that reaches X[own] through one use: its indices are turned round."""
        r, ranges = use.ref, self.shapes.ranges
        own, parameter = self.own[r.name], r.name in self.wanted.parameters
        letters = list(dict.fromkeys([*left, *use.bound]))
        apart = {l: letter(l + APART) for l in dict.fromkeys([*letters, *_bound(use.reaches)])}
        for l in apart:
            ranges.setdefault(l + APART, ranges[l.rstrip(APART)])
        reaches, open_ = substituted(use.reaches, apart), [l + APART for l in letters]
        values: dict[str, Index] = {}
        guards: list[Expression] = []
        for index, o in zip((substituted(i, apart) for i in r.at), own, strict=True):
            i = substituted(index, values)
            solved = next((l for l, c in i.terms if abs(c) == 1 and l in open_), "") if isinstance(i, Index) else ""
            if not isinstance(i, Index) or not solved:
                guards.append(Same(o, i))  # h[3,k], T[token[p],d]
                continue
            c = dict(i.terms)[solved]  # o = c l + rest, so l = c (o - rest)
            answer = Index.of((c, o), (-c, Index.of((1, i), (-c, letter(solved)))))
            values = {l: a.at({solved: answer}) for l, a in values.items()} | {solved: answer}
            open_.remove(solved)
            low, high = ranges[solved]
            reach = bounds(answer, ranges)
            if reach is None or reach[0] < low or reach[1] > high:
                guards.append(Within(answer, low, high))
        body = _in_order(substituted(reaches, values), d if parameter else "")
        if guards:
            body = product(body, *(substituted(x, values) for x in guards))
        if not open_:
            return body
        if isinstance(body, Negative):
            return Negative(Over("sum", tuple(open_), body.operand))
        return Over("sum", tuple(open_), body)

    def _tidied(self, e: Equation) -> Equation:
        """Letters that were kept apart get their own names back, or a prime where that name is taken, term by term."""
        terms = e.right.terms if isinstance(e.right, Sum) else ((1, e.right),)
        renamed = tuple((sign, self._renamed(e.left, term)) for sign, term in terms)
        return replace(e, right=Sum(renamed) if isinstance(e.right, Sum) else renamed[0][1])

    def _renamed(self, left: Ref, term: Expression) -> Expression:
        used = dict.fromkeys(l for x in term.walk() for l in _letters(x))
        marked = [l for l in used if l.endswith(APART)]
        taken = {l for x in left.walk() for l in _letters(x)} | {l for l in used if not l.endswith(APART)}
        values: dict[str, Index] = {}
        for l in marked:
            base = l.rstrip(APART)
            ranges = self.shapes.ranges
            free_ = (n for n in (base + "'" * k for k in range(99)) if n not in taken)
            name = next(n for n in free_ if ranges.get(n, ranges[base]) == ranges[base])
            taken.add(name)
            ranges.setdefault(name, ranges[base])
            values[l] = letter(name)
        return substituted(term, values)


def _letters(x: Expression) -> Iterator[str]:
    if isinstance(x, Index):
        yield from (l for l, _ in x.terms if l[0] != "|")
    elif isinstance(x, Over):
        yield from x.letters


def _bound(e: Expression) -> list[str]:
    return [l for x in e.walk() if isinstance(x, Over) for l in x.letters]


def _in_order(g: Expression, first: str) -> Expression:
    """delta·z for a parameter: the signal stands in front."""
    if isinstance(g, Negative):
        return Negative(_in_order(g.operand, first))
    if not first or not isinstance(g, Product):
        return g
    return Product(tuple(sorted(g.factors, key=lambda f: not (isinstance(f, Ref) and f.name == first))))
