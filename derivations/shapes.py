"""How far each letter runs, how large each array is, and in which order equations are worked.

1. `for t = 1..3`, or a range written inside a sum, states it.  2. A letter that stands alone as an index of an array
whose size is known runs from 1 to that size; all such places must agree.  3. A letter met only inside sums
(x[2p+u-2]) runs from 1 as far as every index stays inside the array.  A computed array is as large as the ranges of
the indices on its left, all its equations together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from derivations import hints
from derivations.equations import Equation, Range
from derivations.expression import Expression, Index, Over, Ref, Size, letter
from derivations.language import LanguageError

__all__ = ["Shapes", "bounds", "free", "numbered", "refs", "substituted"]


def refs(e: Expression) -> list[Ref]:
    """The arrays' entries that an expression reads, those in indices too."""
    return [node for node in e.walk() if isinstance(node, Ref)]


def free(e: Expression) -> list[str]:
    """Letters that no sum of e binds, in order of appearance."""
    out: dict[str, None] = {}
    _free(e, frozenset(), out)
    return list(out)


def _free(e: Expression, bound: frozenset[str], out: dict[str, None]) -> None:
    if isinstance(e, Index):
        out.update(dict.fromkeys(l for l, _ in e.terms if l[0] != "|" and l not in bound))
        return
    if isinstance(e, Over) and e.op != "softmax":
        bound = bound | set(e.letters)
    e.mapped(lambda part: _free(part, bound, out))


def substituted(e: Expression, values: Mapping[str, Index]) -> Expression:
    """The expression with indices put in for letters; a bound letter is renamed by a letter alone."""
    known = dict(values)
    return _substituted(e, known) if known else e


def _substituted(e: Expression, values: dict[str, Index]) -> Expression:
    if isinstance(e, Index):
        return e.at(values)
    if isinstance(e, Over):
        letters = tuple(values[l].letter or l if l in values else l for l in e.letters)
        return Over(e.op, letters, _substituted(e.body, values))
    out: Expression = e.mapped(lambda part: _substituted(part, values))
    return out


def numbered(i: Index, ranges: Mapping[str, Range]) -> Index:
    """The index with |t| put in, the last value of t, where it is known."""
    sizes = {l: Index((), ranges[l[1:-1]][1]) for l, _ in i.terms if l[0] == "|" and l[1:-1] in ranges}
    return i.at(sizes) if sizes else i


def bounds(i: Index, ranges: Mapping[str, Range]) -> Range | None:
    """The smallest and the largest value of an index; None where a letter's range is not known."""
    i = numbered(i, ranges)
    low = high = i.plus
    for l, c in i.terms:
        if l not in ranges:
            return None
        ends = sorted(c * end for end in ranges[l])
        low, high = low + ends[0], high + ends[1]
    return low, high


class Shapes:
    """`ranges` of letters and `extents` of arrays, found from equations, sizes of given arrays and stated ranges.

    Raises LanguageError, one line: where, what, what now.
    """

    def __init__(
        self,
        equations: Sequence[Equation],
        sizes: Mapping[str, tuple[int, ...]],
        stated: Mapping[str, Range] | None = None,
        outside: Mapping[str, tuple[Range, ...]] | None = None,
    ) -> None:
        self.equations, self.outside, self.stated = list(equations), dict(outside or {}), dict(stated or {})
        self.ranges: dict[str, Range] = dict(self.stated)
        self.extents: dict[str, tuple[Range, ...]] = {n: tuple((1, k) for k in s) for n, s in sizes.items()}
        self._why = dict.fromkeys(self.stated, "as stated")
        self._own: dict[str, list[Equation]] = {}
        for e in self.equations:
            self._own.setdefault(e.left.name, []).append(e)
        self._indices = {n: len(s) for n, s in sizes.items()} | {n: len(e[0].left.at) for n, e in self._own.items()}
        for e in self.equations:
            self._well_formed(e)
        self._alone(range(len(self.equations)))
        while found := self._inside():
            self._alone(found)
        for e in self.equations:
            self._agree(e)

    # --- what an equation may not say ---

    def _well_formed(self, e: Equation) -> None:
        left, names = free(e.left), self._indices
        if e.left.name in self.extents:
            raise _error(e, f"{e.left.name} is given and has an equation too: leave one of the two out")
        for i in e.left.at:
            if not isinstance(i, Index) or (i.terms and not i.letter and i.terms[0][0][0] != "|"):
                raise _error(e, "an index on the left is a letter or a number: shift the right side instead")
        plain = [i.letter for i in e.left.at if isinstance(i, Index) and i.letter]
        if twice := [l for l in plain if plain.count(l) > 1]:
            raise _error(e, f"{twice[0]} stands twice on the left: take two letters, and [i = j] for the diagonal")
        for l in free(e.right):
            if l not in left:
                raise _error(
                    e, f"{l} stands on the right alone: write Σ_{l} before what is added up, or put {l} on the left"
                )
        letters = {l for x in (e.left, e.right) for node in x.walk() for l in _letters_in(node)}
        for r in (*e.reads, e.left):
            if r.name not in names:
                index = f"{r.name} is an index, and no number: give the numbers that are meant as an array"
                unknown = f"{r.name} is not known: {hints.for_name(r.name, names)}"
                raise _error(e, index if r.name in letters else unknown)
            if len(r.at) != (has := names[r.name]):
                few = f"{r.name} has {has or 'no'} {'index' if has < 2 else 'indices'}, {len(r.at)} are written"
                raise _error(e, f"{few}: {hints.for_number_of_indices(r.name, has, [i.letter for i in _indices(r)])}")
        for node in e.right.walk():
            if isinstance(node, Over):
                self._bound_once(e, node)
        for l in sorted(letters & names.keys()):
            raise _error(e, f"{l} is an index and the name of an array too: take another letter for the index")

    def _bound_once(self, e: Equation, over: Over) -> None:
        if over.op == "softmax":
            if over is not e.right:
                raise _error(e, "softmax stands alone on the right side: give it a name and an equation of its own")
            if missing := next((l for l in over.letters if l not in free(e.left) or l not in free(over.body)), ""):
                raise _error(
                    e, f"softmax runs over {missing}: {missing} stands on the left, and within its bracket too"
                )
            if len(over.letters) > 1:
                raise _error(e, "softmax runs over one letter: put what it runs over along one index")
            return
        if over.op in ("max", "min") and over is not e.right:
            raise _error(e, f"{over.op} stands alone on the right side: give it a name and an equation of its own")
        below = {l for node in over.body.walk() if isinstance(node, Over) for l in node.letters}
        if twice := set(over.letters) & {*free(e.left), *below}:
            l = min(twice)
            raise _error(e, f"{l} is summed over and is an index outside that sum too: take another letter for Σ_{l}")

    # --- what follows ---

    def _alone(self, first: Iterable[int]) -> None:
        """Rule 2, and the sizes that follow: an equation is looked at again when what it mentions is found."""
        mentions: dict[str, list[int]] = {}
        for k, e in enumerate(self.equations):
            for name in {r.name for r in e.reads} | {l for r in (*e.reads, e.left) for l in free(r)}:
                mentions.setdefault(name, []).append(k)
        waiting = deque(first)
        while waiting:
            k = waiting.popleft()
            for name in self._learned(self.equations[k]):
                waiting.extend(mentions.get(name, ()))

    def _learned(self, e: Equation) -> list[str]:
        """The letters and arrays whose range or size one equation tells."""
        out: list[str] = []
        for r in e.reads:
            for i, (_, high) in zip(r.at, self.extents.get(r.name, ()), strict=False):
                if isinstance(i, Index) and i.letter and i.letter not in self.ranges:
                    self.ranges[i.letter] = 1, high
                    self._why[i.letter] = f"in {r.name}"
                    out.append(i.letter)
        if e.left.name not in self.extents and (found := self._computed(e.left.name)) is not None:
            self.extents[e.left.name] = found
            out.append(e.left.name)
        return out

    def _computed(self, name: str) -> tuple[Range, ...] | None:
        parts = [[bounds(i, self.ranges) for i in _indices(e.left)] for e in self._own[name]]
        known = [[b for b in part if b] for part in parts]
        if any(len(k) != len(p) for k, p in zip(known, parts, strict=True)):
            return None
        return tuple((min(b[0] for b in axis), max(b[1] for b in axis)) for axis in zip(*known, strict=True))

    def _inside(self) -> list[int]:
        """Rule 3, for letters that rule 2 leaves open; the equations of which something was found."""
        found: dict[str, int] = {}
        told: list[int] = []
        for k, e in enumerate(self.equations):
            for r in e.reads:
                reaches = self.outside.get(r.name) if r.name in self.outside else self.extents.get(r.name)
                for i, (_, high) in zip(r.at, reaches or (), strict=False):
                    open_ = [(l, c) for l, c in i.terms if l not in self.ranges] if isinstance(i, Index) else []
                    if len(open_) == 1 and open_[0][1] > 0 and isinstance(i, Index):
                        ((l, c),) = open_
                        rest = bounds(Index.of((1, i), (-c, letter(l))), self.ranges)
                        if rest is not None:
                            found[l] = min(found.get(l, high), (high - rest[1]) // c)
                            told.append(k)
        if empty := next((l for l, high in found.items() if high < 1), ""):
            raise _error(self.equations[told[0]], f"no {empty} fits: every index leaves its array, correct the numbers")
        self.ranges |= {l: (1, high) for l, high in found.items()}
        self._why |= dict.fromkeys(found, "as far as it stays inside")
        return [k for k, e in enumerate(self.equations) if {*free(e.left), *free_of(e.reads)} & found.keys()]

    def _agree(self, e: Equation) -> None:
        """Every letter has a range, every index stays inside its array."""
        for l in dict.fromkeys(l for x in (e.left, e.right) for node in x.walk() for l in _counted(node)):
            if l not in self.ranges:
                if l in self._indices:
                    raise _error(e, f"{l} is no index: |n| is how many n there are, abs({l}) the size of a number")
                raise _error(
                    e,
                    f"how far {l} runs is not known: state it, 'for {l} = 1..3', or that of a letter it goes with",
                )
        for r in e.reads:
            for place, (i, (low, high)) in enumerate(zip(r.at, self.extents[r.name], strict=True), 1):
                if not isinstance(i, Index):
                    continue
                if r.name not in self.outside:
                    self._inside_array(e, r, place, i, low, high)
                elif reaches := self.outside[r.name]:
                    self._inside_array(e, r, place, i, *reaches[place - 1])

    def _inside_array(self, e: Equation, r: Ref, place: int, i: Index, low: int, high: int) -> None:
        reach = bounds(i, self.ranges)
        assert reach is not None
        short = bool(i.letter) and i.letter not in self.stated and reach[1] != high and not self._runs(r, place, reach)
        if reach[0] < low or reach[1] > high or short:
            what = i.letter or f"index {place}"
            why = f" ({self._why[i.letter]})" if i.letter in self._why else ""
            runs = f"{what} runs over {reach[0]}..{reach[1]}{why}, but index {place} of {r.name} over {low}..{high}"
            raise _error(e, f"{runs}: {self._instead(r, place, i, reach[0] if reach[0] < low else reach[1])}")

    def _instead(self, r: Ref, place: int, i: Index, missing: int) -> str:
        """What to write: the value that a recurrence starts from, correct numbers, or that the array is 0 outside."""
        shifted = len(i.terms) == 1 and i.plus and i.terms[0][0][0] != "|"
        if shifted and (start := self._own_start(r, place)) and missing < start:
            later = f"'for s = {start + 1}..{self.extents[r.name][place - 1][1]}'"
            return f"{r.name} begins at {start}: let this line begin later, with a letter of its own, {later}"
        if shifted and (own := next((e.left for e in self._own.get(r.name, ()) if free(e.left)), None)):
            at = [str(missing) if k == place else _written(j) for k, j in enumerate(own.at, 1)]
            return f"give {r.name}[{','.join(at[:place])}] an equation, {r.name}[{','.join(at)}] = 0"
        if not i.terms and i.plus < 1:
            return "indices are counted from 1"
        padded = "" if i.letter or r.name in self.outside else f", or say '{r.name} is 0 outside'"
        return f"correct the numbers, or take another letter{padded}"

    def _own_start(self, r: Ref, place: int) -> int:
        """The first index of an axis, where an equation for that number says what stands there; else 0."""
        first = self.extents[r.name][place - 1][0]
        numbers = (e.left.at[place - 1] for e in self._own.get(r.name, ()))
        return first if any(isinstance(i, Index) and not i.terms and i.plus == first for i in numbers) else 0

    def _runs(self, r: Ref, place: int, reach: Range) -> bool:
        """Whether an array's own equation runs so far along an axis: b[4] beside b[t] is its state after the end."""
        lefts = (e.left.at[place - 1] for e in self._own.get(r.name, ()))
        return r.name in self.outside or any(
            isinstance(i, Index) and i.letter and self.ranges.get(i.letter) == reach for i in lefts
        )


def _error(e: Equation, what: str) -> LanguageError:
    return LanguageError(f"equations line {e.line}: {what}")


def _letters_in(x: Expression) -> Iterable[str]:
    if isinstance(x, Index):
        return [l for l, _ in x.terms]
    return x.letters if isinstance(x, Over) else ()


def _counted(x: Expression) -> Iterable[str]:
    """The letters whose range a node needs."""
    if isinstance(x, Index):
        return [l.strip("|") for l, _ in x.terms]
    return x.letters if isinstance(x, Over) else (x.letter,) if isinstance(x, Size) else ()


def _written(i: Expression) -> str:
    return (i.letter or str(i.plus)) if isinstance(i, Index) else ""


def free_of(several: Iterable[Expression]) -> set[str]:
    """The letters in several references."""
    return {l for r in several for l in free(r)}


def _indices(r: Ref) -> list[Index]:
    return [i for i in r.at if isinstance(i, Index)]
