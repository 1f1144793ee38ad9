"""Problem files with equations drawn at random, each with an evaluation that knows nothing of the package."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from drawn_expressions import PLACES, UNITS, WINDOWS, Expressions, added, constant, held
from drawn_files import ATOM, POWER, PRODUCT, SIGMA, TOTAL, Array, Bounds, Drawn, Index, Letters, Phrase, World
from scalar_tape import BOUNDED, FUNCTIONS, Num, Outside, total
from steps import off

import tracer

__all__ = ["Drawn", "compared", "disagreements", "draw"]

CLOSE = 1e-12  # of the largest entry


class Drawing(Expressions):
    """A file while it is drawn."""

    def equation(self, array: Array, left: Sequence[str | int], right: Phrase, alone: bool = False) -> None:
        """A line of the file."""
        array.equations.append((left, right))
        inner = f"[{','.join(map(str, left))}]" if left else ""
        self.met |= {l for l in left if isinstance(l, str)}
        line = f"{array.name}{inner} = {right.text}"
        self.lines.append(line)
        if not alone:
            self.changeable.append(line)

    def left(self, most: int = 3) -> list[str]:
        """Letters of a left side."""
        pool = [*UNITS, *PLACES, "t"]
        letters = [str(l) for l in self.rng.permutation(pool)[: int(self.rng.integers(0, most))]]
        if self.sampled and self.chance(0.75):
            letters.insert(int(self.rng.integers(len(letters) + 1)), "n")
        return letters

    def computed(self, stem: str, letters: Sequence[str], first: Bounds | None = None) -> Array:
        """An array that equations work out; not yet one that may be read."""
        axes = [self.ranges[l] for l in letters]
        if first:
            axes[0] = first
        by_sample = list(letters).index("n") if "n" in letters else -1
        return Array(self.name(stem), axes, by_sample, letters=tuple(letters))

    def map(self) -> None:
        """y[i,j] = .."""
        letters = self.left()
        array = self.computed(self.one(("y", "z", "o")), letters)
        self.equation(array, letters, self.expression(letters, int(self.rng.integers(1, 4))))
        self.add(array)
        if letters and "n" not in letters and self.chance(0.15):
            array.outside = True
            self.plain.append(f"{array.name} is 0 outside")

    def reduction(self) -> None:
        """max, min or softmax, alone on a right side."""
        letters, op = self.left(2), self.one(("max", "min", "softmax"))
        over = [l for l in self.new_letters(letters) if l not in letters]
        if op == "softmax":
            over = over[:1]
            letters = [*letters, *over]
        inner = list(dict.fromkeys([*letters, *over]))
        p, q = self.fresh(self._some(inner, over)), self.expression(inner, 1)
        body = Phrase(f"{p.text} + {held(q, TOTAL + 1)}", TOTAL, lambda w, at: p.value(w, at) + q.value(w, at))

        def value(w: World, at: Letters) -> Num:
            terms = [body.value(w, {**at, **more}) for more in w.run(over)]
            if op == "softmax":
                powers = [a.by(math.exp(a.value), math.exp(a.value)) for a in terms]
                own = body.value(w, at)
                return own.by(math.exp(own.value), math.exp(own.value)) / total(powers)
            out = terms[0]
            for a in terms[1:]:
                out = a if w.test(a, out) == (op == "max") else out
            return out

        written = over[0] if len(over) == 1 else f"{{{','.join(over)}}}"
        array = self.computed("top" if op != "softmax" else "soft", letters)
        self.equation(array, letters, Phrase(f"{op}_{written}({body.text})", ATOM, value), alone=True)
        self.add(array)

    def convolution(self) -> None:
        """A window over a row or a grid: padded, in steps, with gaps."""
        count = self.one((1, 1, 2))
        places, windows = ([str(l) for l in self.rng.permutation(pool)[:count]] for pool in (PLACES, WINDOWS))
        others = ["n"] if self.sampled else []
        sizes, more = [int(k) for k in self.rng.integers(3, 8, count)], [self.ranges[l] for l in others]
        row = Array(self.name("row"), [*((1, k) for k in sizes), *more], count if others else -1)
        row.table, row.outside = ("parameters" if not others and self.chance(0.5) else "given"), self.chance(0.6)
        row.numbers = np.round(self.rng.uniform(-1, 1, [high for _, high in row.axes]), 2)
        pairs = zip(row.axes, places, windows, strict=False)
        at = [self.affine(axis, [place, window], row.outside) for axis, place, window in pairs]
        if any(i is None or i.alone for i in at):
            return
        self.add(row)
        if row.outside:
            self.plain.append(f"{row.name} is 0 outside")
        x = self.reference(row, [*(i for i in at if i), *(self.letter(l, self.ranges[l]) for l in others)])
        unit = [self.one(UNITS)] if self.chance(0.4) else []
        K, b = self.fresh([*windows, *unit], 1.0), self.fresh([], 1.0)
        body = Phrase(f"{K.text}*{x.text}", PRODUCT, lambda w, at: K.value(w, at) * x.value(w, at))
        summed = added(windows, body)
        over = windows[0] if count == 1 else f"{{{','.join(windows)}}}"
        right = Phrase(f"Σ_{over} {body.text} + {b.text}", TOTAL, lambda w, at: summed(w, at) + b.value(w, at))
        self.met |= set(windows)
        letters = [*places, *others, *unit]
        array = self.computed("conv", letters)
        self.equation(array, letters, right)
        self.add(array)
        if not others and self.chance(0.4):
            self.pooled(array, places[0], [*places[1:], *unit])

    def pooled(self, array: Array, place: str, others: Sequence[str]) -> None:
        """The largest, or the smallest, of each two or three along the first axis."""
        width, high = self.one((2, 2, 3)), array.axes[0][1]
        free = [l for l in PLACES if l != place and self.ranges[l][1] * width <= high and l not in others]
        if not free:
            return
        r, op = self.one(free), self.one(("max", "min"))
        at = Index(f"{width}{r}+e-{width}", lambda w, letters: width * letters[r] + letters["_e"] - width)
        x = self.reference(array, [at, *(self.letter(l, self.ranges[l]) for l in others)])

        def value(w: World, at: Letters) -> Num:
            each = [x.value(w, {**at, "_e": k}) for k in range(1, width + 1)]
            out = each[0]
            for a in each[1:]:
                out = a if w.test(a, out) == (op == "max") else out
            return out

        pool = self.computed("pool", [r, *others])
        self.equation(pool, [r, *others], Phrase(f"{op}_{{e=1..{width}}}({x.text})", ATOM, value), alone=True)
        self.add(pool)

    def recurrence(self) -> None:
        """One or two arrays that read their own earlier (or later) values."""
        others = [str(l) for l in self.rng.permutation(UNITS)[: self.one((0, 1, 1))]]
        if self.sampled:
            others.append("n")
        letters, last = ["t", *others], self.ranges["t"][1]
        back, order = self.chance(0.25), self.one((1, 1, 1, 2))
        arrays = []
        for _ in range(self.one((1, 1, 2))):
            bounds = (1, last + order) if back else (1 - order, last)
            arrays.append(self.computed("h", letters, bounds))
            self.arrays[arrays[-1].name] = arrays[-1]
        for array in arrays:
            del self.arrays[array.name]
        for array in arrays:
            for k in range(order):
                start: list[str | int] = [last + 1 + k if back else -k, *others]
                value = self.expression(others, 1) if self.chance(0.5) else constant(self.one(("0", "1", "0.5")))
                self.equation(array, start, value)
        for number, array in enumerate(arrays):
            now = arrays[:number] if self.chance(0.5) else []
            earlier = [self.earlier(a, others, order, back) for a in (arrays if self.chance(0.6) else [array])]
            earlier += [self.reference(a, [self.letter("t", a.axes[0]), *self._plainly(others)]) for a in now]
            if others[:1] and others[0] != "n" and self.chance(0.5):
                earlier.append(self.mixed(self.one(arrays), others, back))
            drive = self.expression(letters, self.one((1, 2)))
            parts = [drive, *earlier]
            text = " + ".join(held(p, TOTAL + 1) for p in parts)
            whole = Phrase(text, TOTAL, lambda w, at, parts=parts: total([p.value(w, at) for p in parts]))
            f = self.one([f for f in FUNCTIONS if f.spellings[0] in BOUNDED])
            self.equation(array, letters, self.called(f, whole))
        for array in arrays:
            self.add(array)
            self.used.discard(array.name)  # that it reads itself is no use of it
        if self.chance(0.5):
            self.stated.add("t")

    def _plainly(self, letters: Sequence[str]) -> list[Index]:
        return [self.letter(l, self.ranges[l]) for l in letters]

    def earlier(self, array: Array, others: Sequence[str], order: int, back: bool) -> Phrase:
        """A weight times an earlier value."""
        k = int(self.rng.integers(1, order + 1))
        at = Index(f"t{'+' if back else '-'}{k}", lambda w, letters: letters["t"] + (k if back else -k))
        h = self.reference(array, [at, *self._plainly(others)])
        w = self.fresh([l for l in others if l != "n" and self.chance(0.5)], 1.0)
        return Phrase(f"{w.text}*{h.text}", PRODUCT, lambda world, at: w.value(world, at) * h.value(world, at))

    def mixed(self, array: Array, others: Sequence[str], back: bool) -> Phrase:
        """Weights times all earlier values: Σ_k U[j,k]*h[t-1,k]."""
        own = others[0]
        same = [l for l in UNITS if l != own and self.ranges[l] == self.ranges[own]]
        if not same:
            return self.fresh([own])
        l, shift = self.one(same), 1 if back else -1
        at = Index(f"t{shift:+d}", lambda w, letters: letters["t"] + shift)
        h = self.reference(array, [at, self.letter(l, self.ranges[l]), *self._plainly(others[1:])])
        U = self.fresh([own, l], 1.0)
        body = Phrase(f"{U.text}*{h.text}", PRODUCT, lambda w, at: U.value(w, at) * h.value(w, at))
        return Phrase(f"Σ_{l} {body.text}", SIGMA, added([l], body))

    def finish(self) -> Drawn:
        """The objective, which uses whatever nothing else uses; ranges that must be said; the file."""
        self.objective = self.one(("E", "E", "L", "J", "loss"))
        terms = [self.square(a) for a in list(self.arrays.values()) if a.name not in self.used and not a.whole]
        rest = [a for a in self.arrays.values() if a.numbers is None and not self.used >= {a.name}]
        assert all(a.name in self.used for a in rest)
        if not terms:
            terms = [self.square(self.one([a for a in self.arrays.values() if not a.whole]))]
        if not any(a.table == "parameters" for a in self.arrays.values()):
            terms.append(self.fresh([], 1.0))
        text = " + ".join(held(p, TOTAL + 1) for p in terms)
        whole = Phrase(text, TOTAL, lambda w, at: total([p.value(w, at) for p in terms]))
        array = Array(self.objective, [])
        sampled = any(a.by_sample >= 0 for a in self.arrays.values())
        self.equation(array, [], whole)
        self.add(array)
        order = [self.lines[k] for k in self.rng.permutation(len(self.lines))] if self.chance(0.2) else self.lines
        lines = [*self.plain, *self.said(), *order]
        if self.chance(0.2):
            lines = [str(x) for x in self.rng.permutation(lines)]
        given = [a for a in self.arrays.values() if a.table == "given" and not a.whole]
        inputs = [a.name for a in given if self.chance(0.4) and not a.name.startswith("m")]
        gates = self.chance(0.12)
        head = [f'objective = "{self.objective}"'] if self.objective != "E" else []
        head += [f"inputs = {inputs}".replace("'", '"')] if inputs else []
        head += ["gates = true"] if gates else []
        parameters = [a.name for a in self.arrays.values() if a.table == "parameters"]
        return Drawn(
            head,
            lines,
            [lines.index(line) for line in self.changeable],
            self.objective,
            self.arrays,
            self.ranges,
            [*parameters, *inputs],
            samples=("apart" if self.chance(0.6) else "together") if sampled else "",
            rate=0.5 if sampled or self.chance(0.2) else 0.0,
            gates=gates,
        )

    def square(self, array: Array) -> Phrase:
        """The sum or the mean of an array's squares, or of its sines, with letters whose ranges are its axes'."""
        letters: list[str] = []
        for k, axis in enumerate(array.axes):
            fits = [l for l in self.ranges if self.ranges[l] == axis and l not in letters and l != "n"]
            letters.append("n" if k == array.by_sample else self.one(fits) if fits else self._letter_for(axis, letters))
        self.met |= set(letters)
        x = self.reference(array, [self.letter(l, self.ranges[l]) for l in letters])
        sine = self.called(FUNCTIONS[2], x)
        square = Phrase(f"{x.text}^2", POWER, lambda w, at: x.value(w, at).power(2))
        body = self.one((sine, square))
        if not letters:
            return body
        over = letters[0] if len(letters) == 1 else f"{{{','.join(letters)}}}"
        summed = added(letters, body)
        if self.chance(0.5) or "n" in letters:

            def value(w: World, at: Letters) -> Num:
                count = math.prod(w.ranges[l][1] - w.ranges[l][0] + 1 for l in letters)
                return summed(w, at) / w.tape.number(float(count))

            return Phrase(f"mean_{over}({body.text})", PRODUCT, value)
        return Phrase(f"Σ_{over} {body.text}", SIGMA, summed)

    def _letter_for(self, axis: Bounds, taken: Sequence[str]) -> str:
        """A letter that runs as far as an axis."""
        l = next(l for k in itertools.count(1) if (l := f"e{k}") not in self.ranges and l not in taken)
        self.ranges[l] = axis
        self.stated.add(l)
        return l

    def said(self) -> list[str]:
        """The ranges that a reader cannot know from arrays, and some that are said all the same."""
        self.met = {l for l in self.met if l in self.ranges}
        said = {l for l in self.met if l in self.stated or not self._agree(l) or self.chance(0.1)}
        known = said | {l for l in self.met if any(not own for _, own in self.shown.get(l, ()))}
        while True:
            more = {l for l in self.met - known if any(set(own) <= known for _, own in self.shown.get(l, ()))}
            if not more:
                break
            known |= more
        said |= self.met - known
        return [f"for {l} = {self.ranges[l][0]}..{self.ranges[l][1]}" for l in self.ranges if l in said]

    def _agree(self, l: str) -> bool:
        """Whether every axis of which it is the index alone runs as it does."""
        return {axis for axis, _ in self.shown.get(l, ())} <= {self.ranges[l]}


KINDS = ("map", "map", "map", "reduction", "convolution", "recurrence")


def draw(seed: int, number: int) -> Drawn:
    """One file of a seed."""
    rng = np.random.default_rng([seed, number])
    drawing = Drawing(rng)
    for _ in range(int(rng.integers(2, 6))):
        getattr(drawing, drawing.one(KINDS))()
    if not drawing.arrays:
        drawing.map()
    return drawing.finish()


def compared(seed: int, count: int) -> Iterator[tuple[int, Drawn, dict[str, Any]]]:
    """So many files of a seed that can be compared, each with its number and its evaluation."""
    numbers = itertools.count()
    while count:
        number = next(numbers)
        drawn = draw(seed, number)
        try:
            truths = drawn.truths()
        except Outside:
            continue
        count -= 1
        yield number, drawn, truths


def disagreements(text: str, truths: Mapping[str, Any]) -> list[str]:
    """What a trace of the text has otherwise, each in a few words; an error of the package is one too."""
    try:
        trace = tracer.trace(tracer.loads(text))
    except Exception as e:
        return [f"{type(e).__name__}: {e}"]
    return [words for name, truth in truths.items() if (words := _apart(trace, name, truth))]


def _apart(trace: tracer.Trace, name: str, truth: Any) -> str:
    try:
        found = np.asarray(trace[name])
    except KeyError as e:
        return f"{name} is missing: {e}"
    if found.size != truth.size:
        return f"{name} is {found.shape}, not {truth.shape}"
    distance = off(found.reshape(truth.shape), truth)  # apart, an array keeps the axis of its one sample
    return "" if distance < CLOSE else f"{name} is off by {distance:.1e}"
