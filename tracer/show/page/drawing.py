"""The network drawn in SVG: units with their numbers, edges with theirs where they fit, each to be lit by its id.

A text that shows a number carries the number's place in the page (`data-q`), by which the script keeps it in step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from derivations.names import Quantity
from derivations.notation import Notation, plain
from derivations.writing.figure import Edge, Place, freest
from derivations.writing.measure import width
from tracer.show.page.steps import anchor

if TYPE_CHECKING:
    from tracer.traces.layered import LayeredTrace

__all__ = ["Drawing", "Label", "Line", "Unit", "drawing", "run_drawing"]

MOST_UNITS = 10
SCALE = 40.0  # pixels a cm, the unit in which figures place their labels
RADIUS, LINE, LETTER = 19.0, 13.0, 7.7
GAP = 3.0  # between a circle and the first number below it
FULL = 5  # up to so many units a layer, a unit shows all its numbers; beyond, its activation alone
WORST = -0.02  # cm: labels so far apart do not touch
ROOMS = ((3, 1.0, 1.0), (3, 1.3, 1.0), (3, 1.3, 1.35), (3, 1.7, 1.35), (1, 1.0, 1.0), (1, 1.3, 1.0), (1, 1.5, 1.4))
"""(lines at an edge, how much wider, how much higher): the first in which no label lies over another is drawn."""
MORE = (3, 1.7, 2.0)  # of a run, whose gradients are nowhere else but in its table


@dataclass(frozen=True)
class Label:
    """A line of text: what stands before the number, the number, its place in the page; of a given one its name."""

    lead: str
    value: str
    q: str
    name: str
    longest: int

    @property
    def width(self) -> float:
        """In pixels, with the longest number that any sample puts here."""
        return (len(self.lead) + self.longest) * LETTER


@dataclass(frozen=True)
class Unit:
    """A circle at x, y; its name, and the same as (text, shift right, shift down, size) runs; its labels below."""

    id: str
    x: float
    y: float
    name: str
    runs: tuple[tuple[str, float, float, float], ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class Line:
    """An edge from x1, y1 to x2, y2; its width; whether it is negative; its weight; its labels, if there is room."""

    id: str
    x1: float
    y1: float
    x2: float
    y2: float
    width: float
    negative: bool
    name: str
    value: str
    x: float
    y: float
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class Drawing:
    """Everything to draw, and what was left out: (layer, its units, how many are drawn); `labelled`: edges too."""

    width: float
    height: float
    lines: tuple[Line, ...]
    units: tuple[Unit, ...]
    left_out: tuple[tuple[int, int, int], ...]
    labelled: bool


UNIT_KINDS = ("x", "b", "a", "z", "delta", "t")
EDGE_KINDS = (("W", ""), ("dW", "\u2202 "), ("W_new", "\u2192 "))  # each with the sign before its number


def drawing(trace: LayeredTrace, notation: Notation) -> Drawing:
    """The network of a trace, with the numbers of its first sample."""
    return _Pen((trace,), notation, UNIT_KINDS, 3).drawn()


def run_drawing(traces: tuple[LayeredTrace, ...], notation: Notation) -> Drawing:
    """The network of the first of many steps, with its parameters and the gradients of the weights."""
    return _Pen(traces, notation, ("b",), 2).drawn()


class _Pen:
    """Places units in columns and labels where they cover nothing."""

    def __init__(self, traces: tuple[LayeredTrace, ...], notation: Notation, kinds: tuple[str, ...], most: int) -> None:
        trace, self.kinds, self.most = traces[0], kinds, most
        self.network, self.notation = trace.problem.network, notation
        self.texts: Mapping[Quantity, str] = trace.shown
        first = trace.steps[0]
        self.sample = first.sample or (1 if trace.problem.samples > 1 and first.problem.samples > 1 else 0)
        self.apart = first.sample
        self.all_sizes = self.network.sizes
        self.sizes = tuple(min(n, MOST_UNITS) for n in self.all_sizes)
        self.full = max(self.sizes) <= FULL
        self.longest: dict[tuple[str, int, tuple[int, ...]], int] = {}
        for q, text in (item for one in traces for item in one.shown.items()):
            at = (q.kind, q.layer, q.indices)
            self.longest[at] = max(len(text), self.longest.get(at, 0))
        self.lines, self.wider, self.higher = 0, 1.0, 1.0
        self.thin = 1.0 if self.full else 0.6
        drawn = (*kinds, "W", "dW", "W_new") if self.full else kinds
        self.widest = max([4, *(n for at, n in self.longest.items() if at[0] in drawn)]) * LETTER + 18

    def drawn(self) -> Drawing:
        lines: list[Line] = []
        rooms = (*ROOMS[:4], MORE, *ROOMS[4:]) if self.most == 2 else ROOMS
        for room in rooms if self.full else ():
            self.lines, self.wider, self.higher = room
            lines = list(self._edges())
            if all(line.labels for line in lines):
                break
        else:
            self.lines, self.wider, self.higher = 0, 1.0, 1.0
            lines = list(self._edges())
        units = [self._unit(l, j) for l, n in enumerate(self.sizes) for j in range(1, n + 1)]
        pitch = self._pitch()
        left = self.widest / 2 + 4
        high = max(u.y + RADIUS + GAP + LINE * len(u.labels) for u in units) + 8
        out = tuple((l, n, k) for l, (n, k) in enumerate(zip(self.all_sizes, self.sizes, strict=True)) if n > k)
        wide = 2 * left + pitch * (len(self.sizes) - 1)
        return Drawing(round(wide), round(high), tuple(lines), tuple(units), out, self.lines > 0)

    # --- places ---

    def _pitch(self) -> float:
        least = max(150.0, self.widest + RADIUS + 50) if self.full else max(130.0, self.widest + 50)
        return least * self.wider

    def _rise(self) -> float:
        lines = max(len(self._labels(l, 1)) for l in range(len(self.sizes)))
        return (2 * RADIUS + GAP + LINE * lines + (22 if self.full else 10)) * self.higher

    def _at(self, l: int, j: int) -> tuple[float, float]:
        middle = (max(self.sizes) - 1) / 2 * self._rise() + RADIUS + 6
        x = self.widest / 2 + 4 + l * self._pitch()
        return round(x), round(middle + (j - (self.sizes[l] + 1) / 2) * self._rise())

    # --- units ---

    def _unit(self, l: int, j: int) -> Unit:
        q = Quantity("x", 0, (j,)) if l == 0 else Quantity("z", l, (j,))
        latex = self.notation.latex(self.network, q)
        return Unit(f"u{l}-{j}", *self._at(l, j), plain(latex), tuple(_runs(latex)), self._labels(l, j))

    def _labels(self, l: int, j: int) -> tuple[Label, ...]:
        kinds = self.kinds if self.full else tuple(kind for kind in self.kinds if kind in "xz")
        if l == 0:
            return self._label("", Quantity("x", 0, (j,), self.sample)) if "x" in kinds else ()
        bias = self.network.layer(l).bias
        out: tuple[Label, ...] = ()
        if bias and "b" in kinds:
            own = Quantity("b", l, () if bias.shared else (j,), self.apart)
            out += self._label(self._letter(bias.letter), own)
        if l == len(self.network) and "t" in kinds:
            out += self._label(self._letter("t"), Quantity("t", 0, (j,), self.sample))
        for kind in ("a", "z", "delta"):
            if kind in kinds:
                out += self._label(self._letter(kind) if self.full else "", Quantity(kind, l, (j,), self.sample))
        return out

    def _letter(self, kind: str) -> str:
        latex = self.notation.letters.get(kind, kind)
        return _GREEK.get(latex, re.sub(r"[^A-Za-z]|math[a-z]+", "", latex)) + " "

    def _label(self, lead: str, q: Quantity) -> tuple[Label, ...]:
        text = self.texts.get(q)
        if text is None:
            return ()
        name = self.notation.text(self.network, q._replace(sample=0)) if q.kind in ("b", "t") else ""
        return (Label(lead, text, _base(anchor(self.network, q)), name, self.longest[q.kind, q.layer, q.indices]),)

    # --- edges ---

    def _edges(self) -> Iterator[Line]:
        largest = max((abs(_size(t)) for q, t in self.texts.items() if q.kind == "W"), default=1.0) or 1.0
        taken = [self._place(*self._box(l, j)) for l, n in enumerate(self.sizes) for j in range(1, n + 1)]
        for l in range(1, len(self.sizes)):
            pairs = [(j, i) for j in range(1, self.sizes[l] + 1) for i in range(1, self.sizes[l - 1] + 1)]
            edges = [self._edge(l, j, i) for j, i in pairs]
            for (j, i), edge in zip(pairs, edges, strict=True):
                yield self._line(l, j, i, edge, largest, taken, edges)

    def _line(self, l: int, j: int, i: int, edge: Edge, largest: float, taken: list[Place], edges: list[Edge]) -> Line:
        weight = Quantity("W", l, (j, i), self.apart)
        size = _size(self.texts[weight])
        labels: tuple[Label, ...] = ()
        for kind, lead in EDGE_KINDS[: min(self.lines, self.most)]:
            labels += self._label(lead, weight._replace(kind=kind))
        wide = max((label.width for label in labels), default=0) / SCALE / 2
        _, place = freest(edge, wide, len(labels) * LINE / SCALE / 2, taken, edges)
        free = max(map(place.overlap, taken)) <= WORST
        taken.append(place)
        (x1, y1), (x2, y2) = ((round(v * SCALE) for v in end) for end in edge)
        return Line(
            f"e{l}-{j}-{i}",
            *(x1, y1, x2, y2),
            round(self.thin * (1 + 3 * abs(size) / largest), 1),
            size < 0,
            self.notation.text(self.network, weight._replace(sample=0)),
            self.texts[weight],
            *(round(place.x * SCALE), round(place.y * SCALE - (len(labels) - 1) * LINE / 2 + 4)),
            labels if free else (),
        )

    def _edge(self, l: int, j: int, i: int) -> Edge:
        (x1, y1), (x2, y2) = self._at(l - 1, i), self._at(l, j)
        return (x1 / SCALE, y1 / SCALE), (x2 / SCALE, y2 / SCALE)

    def _box(self, l: int, j: int) -> tuple[float, float, float, float]:
        """The circle of a unit with its labels below: middle and half sides, in pixels."""
        x, y = self._at(l, j)
        labels = self._labels(l, j)
        below = GAP + LINE * len(labels)
        wide = max([2 * RADIUS, *(label.width for label in labels)])
        return x, y + below / 2, wide / 2, RADIUS + below / 2 + 2

    def _place(self, *box: float) -> Place:
        return Place(*(value / SCALE for value in box))


_GREEK = {r"\delta": "\u03b4", r"\theta": "\u03b8", r"\sigma": "\u03c3"}
_RUN = re.compile(r"([_^])(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(.))|(\\?[A-Za-z]+(?:\{([A-Za-z]+)\})?)|(.)")


def _runs(latex: str) -> Iterator[tuple[str, float, float, float]]:
    """The letter of a unit as (text, shift right, shift down, size): indices below, layers above them."""
    size = min(15.0, 15.0 * 2.1 / max(width(latex), 0.1))
    down, before = 0.0, ""  # where the pen is; the script that it has just written
    for mark, group, single, letters, inner, other in _RUN.findall(latex):
        if mark:
            text, small, level = group or single, size * 0.68, size * (0.3 if mark == "_" else -0.45)
            back = -small * sum(0.36 if c in "()[]" else 0.58 for c in before) if before else 0.0
            yield text, round(back, 1), round(level - down, 1), round(small, 1)
            down, before = level, "" if before else text
        else:
            yield inner or _GREEK.get(letters, letters) or other, 0.0, round(-down, 1), round(size, 1)
            down, before = 0.0, ""


def _base(place: str) -> str:
    """The place without its sample and step, which the reader chooses."""
    return re.sub(r"-[su]\d+", "", place)


def _size(text: str) -> float:
    from fractions import Fraction

    try:
        return float(Fraction(text))
    except (ValueError, OverflowError):
        return 0.0
