"""Right sides drawn at random, each beside the closure that works it out."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from drawn_files import ATOM, CHOICE, POWER, PRODUCT, SIGMA, TOTAL, Array, Bounds, Index, Letters, Phrase, World
from scalar_tape import EXP, FUNCTIONS, LOG, SQRT, Num, Of, total

__all__ = ["PLACES", "UNITS", "WINDOWS", "Expressions", "added", "constant", "held"]

UNITS, PLACES, WINDOWS = ("i", "j", "k", "l"), ("p", "q", "r"), ("u", "v")


class Expressions:
    """A file while it is drawn."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.ranges: dict[str, Bounds] = {l: (1, int(rng.integers(1, 5))) for l in UNITS}
        self.ranges |= {l: (1, int(rng.integers(2, 7))) for l in PLACES}
        self.ranges |= {l: (1, int(rng.integers(1, 4))) for l in WINDOWS}
        self.ranges |= {"t": (1, int(rng.integers(1, 5))), "n": (1, int(rng.integers(2, 4)))}
        self.sampled = rng.random() < 0.25
        self.arrays: dict[str, Array] = {}
        self.lines: list[str] = []
        self.plain: list[str] = []  # definitions of functions, ranges, padding
        self.changeable: list[str] = []
        self.stated: set[str] = set()
        self.shown: dict[str, set[tuple[Bounds, Sequence[str]]]] = {}  # axes of which a letter is the index alone
        self.met: set[str] = set()
        self.functions: list[tuple[str, int, Phrase]] = []
        self.used: set[str] = set()
        self.inline: set[str] = set()  # letters whose range was written in the sum that they stand in

    # --- chances ---

    def chance(self, p: float) -> bool:
        """True in so many of all cases."""
        return bool(self.rng.random() < p)

    def one(self, among: Sequence[Any]) -> Any:
        """One of several."""
        return among[int(self.rng.integers(len(among)))]

    def name(self, stem: str) -> str:
        """A name that is not taken."""
        return next(n for k in itertools.count() if (n := f"{stem}{k or ''}") not in self.arrays)

    # --- what stands in brackets ---

    def index(self, axis: Bounds, bound: Sequence[str], padded: bool = False) -> Index | None:
        """An index that stays inside an axis (or, of a padded array, near it), None where letters allow of none."""
        low, high = axis
        inside = [l for l in bound if low <= self.ranges[l][0] and self.ranges[l][1] <= high and l != "n"]
        equal = [l for l in inside if self.ranges[l] == axis]
        if equal and self.chance(0.65):
            return self.letter(self.one(equal), axis)
        found = [x for x in (self.affine(axis, bound, padded) for _ in range(4)) if x]
        if found and self.chance(0.75):
            return self.one(found)
        if equal or inside:
            return self.letter(self.one(equal or inside), axis)
        if self.chance(0.3) and low == 1:
            return self.looked_up(high, bound)
        ends = [l for l in self.ranges if self.ranges[l][1] == high and l in self.met - {"n"} - self.inline]
        if ends and self.chance(0.3):
            end = self.one(ends)
            return Index(f"|{end}|", lambda w, at: w.ranges[end][1])
        k = int(self.rng.integers(low, high + 1))
        return Index(str(k), lambda w, at: k)

    def letter(self, l: str, axis: Bounds) -> Index:
        """A letter alone."""
        return Index(l, lambda w, at: at[l], alone=l)

    def affine(self, axis: Bounds, bound: Sequence[str], padded: bool) -> Index | None:
        """2p+u-1 and the like."""
        letters = [l for l in bound if l != "n"]
        if not letters:
            return None
        chosen = [str(l) for l in self.rng.permutation(letters)[: self.one((1, 1, 2))]]
        factors = [self.one((1, 1, 1, 1, 2, -1)) for _ in chosen]
        ends = [[c * self.ranges[l][0], c * self.ranges[l][1]] for l, c in zip(chosen, factors, strict=True)]
        least, most = sum(map(min, ends)), sum(map(max, ends))
        low, high = (axis[0] - 2, axis[1] + 2) if padded else axis
        if most - least > high - low:
            return None
        plus = int(self.rng.integers(low - least, high - most + 1))
        parts = "".join(
            f"{'+' if c > 0 else '-'}{'' if abs(c) == 1 else abs(c)}{l}" for l, c in zip(chosen, factors, strict=True)
        )
        if plus and parts.startswith("-"):
            text = f"{plus}{parts}"
        else:
            text = parts.removeprefix("+") + (f"{plus:+d}" if plus else "")
        pairs = list(zip(chosen, factors, strict=True))
        return Index(
            text,
            lambda w, at: plus + sum(c * at[l] for l, c in pairs),
            alone=chosen[0] if text == chosen[0] else "",
        )

    def looked_up(self, high: int, bound: Sequence[str]) -> Index:
        """A given whole number, or one of a row of them."""
        letters = [l for l in bound if l != "n" and l not in self.inline]
        at = [self.one(letters)] if letters and self.chance(0.8) else []
        array = self.add(Array(self.name("tok"), [self.ranges[l] for l in at], whole=True, table="given"))
        array.numbers = self.rng.integers(1, high + 1, [self.ranges[l][1] for l in at])
        self.used.add(array.name)
        inner = [self.letter(l, self.ranges[l]) for l in at]
        self.note(array, inner)
        name = array.name
        return Index(
            name + (f"[{inner[0].text}]" if inner else ""),
            lambda w, letters: int(w.arrays[name].numbers[tuple(i.value(w, letters) - 1 for i in inner)]),
        )

    def note(self, array: Array, at: Sequence[Index]) -> None:
        """What an array says about the letters that are its indices alone."""
        for i, axis in zip(at, array.axes, strict=True):
            if i.alone and i.alone not in self.inline:
                self.shown.setdefault(i.alone, set()).add((axis, array.letters))

    # --- reading ---

    def add(self, array: Array) -> Array:
        """A new array of the file."""
        self.arrays[array.name] = array
        return array

    def read(self, array: Array, bound: Sequence[str]) -> Phrase | None:
        """An array at some indices."""
        at: list[Index] = []
        if array.by_sample >= 0 and "n" not in bound:
            return None
        for k, axis in enumerate(array.axes):
            if k == array.by_sample:
                at.append(self.letter("n", axis))
                continue
            found = self.index(axis, bound, array.outside)
            if found is None:
                return None
            at.append(found)
        return self.reference(array, at)

    def reference(self, array: Array, at: Sequence[Index]) -> Phrase:
        """An array at these indices."""
        self.used.add(array.name)
        self.note(array, at)
        name, inner = array.name, tuple(at)
        text = name + (f"[{','.join(i.text for i in inner)}]" if inner else "")
        return Phrase(text, ATOM, lambda w, letters: w.entry(name, tuple(i.value(w, letters) for i in inner)))

    def fresh(self, letters: Sequence[str], trained: float = 0.7) -> Phrase:
        """A new array of numbers with these letters."""
        letters = list(letters)
        by_sample = letters.index("n") if "n" in letters else -1
        table = "parameters" if by_sample < 0 and self.chance(trained) else "given"
        stem = self.one(("W", "U", "V", "w", "b", "theta") if table == "parameters" else ("x", "s", "c", "data"))
        array = self.add(Array(self.name(stem), [self.ranges[l] for l in letters], by_sample, table=table))
        sizes = [self.ranges[l][1] for l in letters]
        array.numbers = np.round(self.rng.uniform(0.2, 1.2, sizes) * self.rng.choice([-1, 1], sizes), 2)
        if not sizes:
            array.numbers = np.array(array.numbers)
        return self.reference(array, [self.letter(l, self.ranges[l]) for l in letters])

    def leaf(self, bound: Sequence[str]) -> Phrase:
        """An array that there is, or a new one, or a number."""
        if "_a" in bound:
            return (
                Phrase("a", ATOM, lambda w, at: at["_a"])
                if self.chance(0.5) or "_b" not in bound
                else Phrase("b", ATOM, lambda w, at: at["_b"])
            )
        there = [a for a in self.arrays.values() if not a.whole]
        if there and self.chance(0.6):
            found = self.read(self.one(there), bound)
            if found:
                return found
        if self.chance(0.12):
            return self.literal()
        letters = [str(l) for l in self.rng.permutation([l for l in bound if l not in self.inline])]
        return self.fresh([l for l in letters if self.chance(0.75)][:3])

    def literal(self) -> Phrase:
        """A number, π, how many there are."""
        if self.chance(0.1):
            return Phrase(self.one(("pi", "π")), ATOM, lambda w, at: w.tape.number(math.pi))
        if self.met and self.chance(0.3):
            l = self.one(sorted(self.met - {"n"} - self.inline or {"n"}))
            if l != "n":
                return Phrase(f"|{l}|", ATOM, lambda w, at: w.tape.number(w.ranges[l][1] - w.ranges[l][0] + 1))
        text = self.one(("2", "0.5", "1.5", "3", "0.25", ".75"))
        return Phrase(text, ATOM, lambda w, at: w.tape.number(float(text)))

    # --- expressions ---

    def expression(self, bound: Sequence[str], depth: int) -> Phrase:
        """A drawn right side of some depth."""
        self.met |= {l for l in bound if not l.startswith("_") and l not in self.inline}
        if depth <= 0:
            return self.leaf(bound)
        kinds = {
            self.total: 5,
            self.product: 6,
            self.quotient: 2,
            self.function: 5,
            self.power: 3,
            self.choice: 2,
            self.negative: 1,
            self.two: 1,
            self.leaf_of: 2,
        }
        if "_a" not in bound:
            kinds |= {
                self.sigma: 7,
                self.ranged: 1.5,
                self.mean: 3,
                self.by_index: 1.5,
                self.own_function: 1.5,
                self.same: 0.7,
            }
        weights = np.array(list(kinds.values()), float)
        kind = list(kinds)[int(self.rng.choice(len(kinds), p=weights / weights.sum()))]
        return kind(bound, depth - 1)

    def leaf_of(self, bound: Sequence[str], depth: int) -> Phrase:
        """A leaf before the depth is used up."""
        return self.leaf(bound)

    def total(self, bound: Sequence[str], depth: int) -> Phrase:
        """A sum of two or three."""
        first = self.expression(bound, depth)
        rest = [(self.chance(0.4), self.expression(bound, depth - 1)) for _ in range(self.one((1, 1, 2)))]
        text = held(first, TOTAL)
        for minus, q in rest:
            gap = self.one((" ", " ", ""))
            text += f"{gap}{'-' if minus else '+'}{gap}{held(q, TOTAL + 1)}"

        def value(w: World, at: Letters) -> Num:
            out = first.value(w, at)
            for minus, q in rest:
                out = out - q.value(w, at) if minus else out + q.value(w, at)
            return out

        return Phrase(text, TOTAL, value)

    def product(self, bound: Sequence[str], depth: int) -> Phrase:
        """A product of two; a sum may stand last without a bracket."""
        p, q = self.expression(bound, depth), self.expression(bound, depth - 1)
        left, right = held(p, PRODUCT), held(q, SIGMA if q.level == SIGMA else PRODUCT + 1)
        sign = self.one(("*", "*", "·", " * ", "×"))
        if left[-1] in "]0123456789" and re.match(r"[A-Za-zΣ]", right) and self.chance(0.3):
            sign = " "
        return Phrase(
            f"{left}{sign}{right}",
            SIGMA if q.level == SIGMA and right == q.text else PRODUCT,
            lambda w, at: p.value(w, at) * q.value(w, at),
        )

    def positive(self, bound: Sequence[str], depth: int) -> Phrase:
        """What is above 0 by some distance."""
        p = self.expression(bound, depth)
        kind = self.one(("square", "exp", "sine"))
        if kind == "square":
            number = self.one(("1", "0.5", "2"))
            square = self.one((f"{held(p, ATOM)}^2", f"{held(p, ATOM)}²"))
            return Phrase(
                f"{number} + {square}", TOTAL, lambda w, at: w.tape.number(float(number)) + p.value(w, at).power(2)
            )
        if kind == "exp":
            inner = self.called(FUNCTIONS[self.one((0, 2, 3))], p)
            return self.called(EXP, inner)
        inner = self.called(FUNCTIONS[2], p)
        return Phrase(f"2 + {inner.text}", TOTAL, lambda w, at: w.tape.number(2.0) + inner.value(w, at))

    def quotient(self, bound: Sequence[str], depth: int) -> Phrase:
        """Something by what is above 0."""
        p, q = self.expression(bound, depth), self.positive(bound, depth - 1)
        return Phrase(
            f"{held(p, PRODUCT)}/{held(q, PRODUCT + 1)}", PRODUCT, lambda w, at: p.value(w, at) / q.value(w, at)
        )

    def called(self, f: Of, p: Phrase) -> Phrase:
        """A function of something."""

        def value(w: World, at: Letters) -> Num:
            a = p.value(w, at)
            if f.kink:
                w.tape.kink(a.value)
            return a.by(f.value(a.value), f.slope(a.value))

        return Phrase(f"{self.one(f.spellings)}({p.text})", ATOM, value)

    def function(self, bound: Sequence[str], depth: int) -> Phrase:
        """A known function."""
        if self.chance(0.2):
            return self.called(self.one((LOG, SQRT)), self.positive(bound, depth))
        return self.called(self.one(FUNCTIONS), self.expression(bound, depth))

    def power(self, bound: Sequence[str], depth: int) -> Phrase:
        """A power, of a base above 0 where that is needed."""
        if self.chance(0.55):
            p, (text, n) = (
                self.expression(bound, depth),
                self.one((("^2", 2), ("²", 2), ("^3", 3), ("**2", 2), ("³", 3))),
            )
        else:
            p = self.positive(bound, depth)
            text, n = self.one((("^-1", -1), ("^(1/2)", 0.5), ("^-2", -2), ("^(3/2)", 1.5), ("⁻¹", -1)))
            if "_a" not in bound and self.chance(0.25):
                array = self.add(Array(self.name("m"), [], table="given"))
                n = self.one((2.0, 0.5, 1.5, 3.0))
                array.numbers = np.array(n)
                self.used.add(array.name)
                text = f"^{array.name}"
        return Phrase(f"{held(p, ATOM)}{text}", POWER, lambda w, at: p.value(w, at).power(n))

    def negative(self, bound: Sequence[str], depth: int) -> Phrase:
        """Its negative."""
        p = self.expression(bound, depth)
        return Phrase(f"-{held(p, SIGMA)}", TOTAL, lambda w, at: -p.value(w, at))

    def two(self, bound: Sequence[str], depth: int) -> Phrase:
        """The larger or the smaller of two."""
        p, q = self.expression(bound, depth), self.expression(bound, depth)
        larger = self.chance(0.5)

        def value(w: World, at: Letters) -> Num:
            a, b = p.value(w, at), q.value(w, at)
            return a if w.test(a, b) == larger else b

        return Phrase(f"{'max' if larger else 'min'}({p.text}, {q.text})", ATOM, value)

    def choice(self, bound: Sequence[str], depth: int) -> Phrase:
        """One or the other, by a test of numbers."""
        p, q = self.expression(bound, depth), self.expression(bound, depth)
        a, b = self.expression(bound, depth - 1), self.expression(bound, 0)
        sign = self.one((">", "<", ">=", "<=", "≥"))

        def value(w: World, at: Letters) -> Num:
            above = w.test(a.value(w, at), b.value(w, at))
            return (p if above == (sign in (">", ">=", "≥")) else q).value(w, at)

        text = f"{held(p, TOTAL)} if {held(a, TOTAL)} {sign} {held(b, TOTAL)} else {held(q, TOTAL)}"
        return Phrase(text, CHOICE, value)

    def by_index(self, bound: Sequence[str], depth: int) -> Phrase:
        """One or the other, by a test of indices."""
        letters = [l for l in bound if l != "n"]
        if not letters:
            return self.leaf(bound)
        p, q = self.expression(bound, depth), self.expression(bound, depth - 1)
        l, other = self.one(letters), self.one([*letters, 1, 2, 3])
        sign, holds = self.one(
            ((">", int.__gt__), ("<", int.__lt__), (">=", int.__ge__), ("<=", int.__le__)),
        )
        if other == l:
            other = 2

        def value(w: World, at: Letters) -> Num:
            return (p if holds(at[l], at[other] if isinstance(other, str) else other) else q).value(w, at)

        return Phrase(f"{held(p, TOTAL)} if {l} {sign} {other} else {held(q, TOTAL)}", CHOICE, value)

    def same(self, bound: Sequence[str], depth: int) -> Phrase:
        """[i = j] times something."""
        letters = [l for l in bound if l != "n"]
        if not letters:
            return self.leaf(bound)
        l, other = self.one(letters), self.one([*letters, 1, 2])
        p = self.expression(bound, depth)
        if other == l:
            other = 1

        def value(w: World, at: Letters) -> Num:
            holds = at[l] == (at[other] if isinstance(other, str) else other)
            return w.tape.number(float(holds)) * p.value(w, at)

        right = held(p, PRODUCT + 1)
        return Phrase(f"[{l} = {other}]*{right}", PRODUCT, value)

    def new_letters(self, bound: Sequence[str]) -> list[str]:
        """Letters to add up over."""
        free = [l for l in self.ranges if l not in bound and l != "n"]
        count = self.one((1, 1, 1, 2))
        return [str(l) for l in self.rng.permutation(free)[:count]]

    def sigma(self, bound: Sequence[str], depth: int) -> Phrase:
        """A sum over letters; what is added up is a product of something with those letters."""
        letters = self.new_letters(bound)
        inner = [*bound, *letters]
        p = self.fresh(self._some(inner, letters))
        body = p
        if self.chance(0.8):
            q = self.expression(inner, depth)
            first, second = (p, q) if self.chance(0.6) else (q, p)
            last = held(second, SIGMA if second.level == SIGMA else PRODUCT + 1)
            text = f"{held(first, PRODUCT)}{self.one(('*', '·'))}{last}"
            body = Phrase(text, PRODUCT, lambda w, at: first.value(w, at) * second.value(w, at))
        over = letters[0] if len(letters) == 1 and self.chance(0.7) else f"{{{self.one((',', ', ')).join(letters)}}}"
        sign = self.one(("Σ", "Σ", "sum", "∑"))
        return Phrase(f"{sign}_{over} {held(body, SIGMA)}", SIGMA, added(letters, body))

    def ranged(self, bound: Sequence[str], depth: int) -> Phrase:
        """A sum whose range is written below it, and holds inside of it alone."""
        free = [l for l in self.ranges if l not in bound and l != "n"]
        l, high = self.one(free), int(self.rng.integers(1, 4))
        low, longer = int(self.rng.integers(1, high + 1)), int(self.rng.integers(0, 2))
        array = self.add(Array(self.name("P"), [(1, high + longer)], table="parameters"))
        array.numbers = np.round(self.rng.uniform(0.2, 1.2, high + longer), 2)
        before, self.ranges[l] = self.ranges[l], (low, high)
        self.inline.add(l)
        p, q = self.reference(array, [self.letter(l, array.axes[0])]), self.expression([*bound, l], depth - 1)
        self.inline.discard(l)
        self.ranges[l] = before

        def value(w: World, at: Letters) -> Num:
            each = [{**at, l: k} for k in range(low, high + 1)]
            return total([p.value(w, here) * q.value(w, here) for here in each])

        return Phrase(f"Σ_{{{l}={low}..{high}}} {p.text}*{held(q, PRODUCT + 1)}", SIGMA, value)

    def _some(self, bound: Sequence[str], wanted: Sequence[str]) -> list[str]:
        others = [l for l in bound if l not in [*wanted, *self.inline] and self.chance(0.5)][: max(0, 3 - len(wanted))]
        return [str(l) for l in self.rng.permutation([*others, *wanted])]

    def mean(self, bound: Sequence[str], depth: int) -> Phrase:
        """A mean within its bracket."""
        letters = self.new_letters(bound)
        inner = [*bound, *letters]
        p, q = self.fresh(self._some(inner, letters)), self.expression(inner, depth)
        body = Phrase(f"{p.text} + {held(q, TOTAL + 1)}", TOTAL, lambda w, at: p.value(w, at) + q.value(w, at))
        summed = added(letters, body)

        def value(w: World, at: Letters) -> Num:
            count = math.prod(w.ranges[l][1] - w.ranges[l][0] + 1 for l in letters)
            return summed(w, at) / w.tape.number(float(count))

        over = letters[0] if len(letters) == 1 else f"{{{','.join(letters)}}}"
        return Phrase(f"mean_{over}({body.text})", PRODUCT, value)

    def own_function(self, bound: Sequence[str], depth: int) -> Phrase:
        """A function of the file, new or known."""
        if not self.functions or self.chance(0.4):
            count = self.one((1, 1, 2))
            names = ["_a", "_b"][:count]
            body = self.expression(names, 2)
            name = ("f", "g", "f2", "g2", "f3", "g3", "f4", "g4", "f5", "g5", "f6", "g6")[len(self.functions) % 12]
            if len(self.functions) < 12:
                self.functions.append((name, count, body))
                self.plain.append(f"{name}({', '.join('ab'[:count])}) = {body.text}")
        name, count, body = self.one(self.functions)
        arguments = [self.expression(bound, depth) for _ in range(count)]

        def value(w: World, at: Letters) -> Num:
            return body.value(w, {f"_{c}": p.value(w, at) for c, p in zip("ab", arguments, strict=False)})

        return Phrase(f"{name}({', '.join(p.text for p in arguments)})", ATOM, value)


def constant(text: str) -> Phrase:
    return Phrase(text, ATOM, lambda w, at: w.tape.number(float(text)))


def held(p: Phrase, level: int) -> str:
    """What is typed of a part, in a bracket where it would fall apart."""
    return p.text if p.level >= level else f"({p.text})"


def added(letters: Sequence[str], body: Phrase) -> Callable[[World, Letters], Num]:
    return lambda w, at: total([body.value(w, {**at, **more}) for more in w.run(letters)])
