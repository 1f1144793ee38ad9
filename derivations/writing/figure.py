"""The network drawn in TikZ: units as circles, edges with their weights and, with numbers, their gradients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from derivations.names import Quantity
from derivations.network import Problem
from derivations.writing.lines import Style
from derivations.writing.measure import width

if TYPE_CHECKING:
    from derivations.derived import Derivation

__all__ = ["Edge", "Place", "figure", "freest"]

Edge = tuple[tuple[float, float], tuple[float, float]]

MOST_EDGES = 30
APART, UP = (4.2, 3.2, 5.6), (1.9, 1.5, 2.4)  # cm between layers and units, the first that leaves room for the labels
_INK = "blue!55!black"
RADIUS = 0.45
EM, LINE = 0.29, 0.3  # cm, of the labels' print


class Place(NamedTuple):
    """The rectangle of a label: its middle and half its sides, in cm."""

    x: float
    y: float
    half_width: float
    half_height: float

    def overlap(self, other: Place) -> float:
        """How deep two rectangles lie over each other; negative: how far apart."""
        across = self.half_width + other.half_width - abs(self.x - other.x)
        up = self.half_height + other.half_height - abs(self.y - other.y)
        return min(across, up)


def figure(derivation: Derivation, style: Style, wide: float = 16.0, high: float = 9.0) -> list[str]:
    """The lines of a tikzpicture at most so wide and high (cm); none where its labels would lie over each other."""
    if not isinstance(derivation.problem, Problem):
        return []
    sizes = derivation.problem.network.sizes
    if sum(below * above for below, above in pairwise(sizes)) > MOST_EDGES:
        return []
    for apart in APART:
        for up in UP:
            fits = (len(sizes) - 1) * apart + 2 * RADIUS <= wide and (max(sizes) - 1) * up + 2 * RADIUS <= high
            edges = list(_edges(derivation, style, apart, up)) if fits else []
            if edges and all(edges):
                return _drawn(derivation, style, edges, apart, up)
    return []


def _drawn(derivation: Derivation, style: Style, edges: list[str], apart: float, up: float) -> list[str]:
    network = derivation.problem.network
    out = [r"\begin{tikzpicture}[unit/.style={circle, draw, thick, minimum size=9mm, inner sep=0pt, fill=white},"]
    out += [r"  edge label/.style={fill=white, inner sep=0.4mm, font=\scriptsize, align=center}]"]
    out += edges
    for layer, units in enumerate(network.sizes):
        for j in range(1, units + 1):
            x, y = _at(layer, j, units, apart, up)
            q = Quantity("x", 0, (j,)) if layer == 0 else Quantity("z", layer, (j,))
            words = style.notation.latex(network, q)
            size = r"\scriptsize " if width(words) < 2.4 else r"\tiny "
            out.append(rf"  \node[unit] at ({x:g}, {y:g}) {{{size}${words}$}};")
    return [*out, r"\end{tikzpicture}"]


def _at(layer: int, j: int, units: int, apart: float, up: float) -> tuple[float, float]:
    return round(layer * apart, 2), round(((units + 1) / 2 - j) * up, 2)


def _edges(derivation: Derivation, style: Style, apart: float, up: float) -> Iterator[str]:
    """Each edge with its label where it covers no other; an empty text where there is no such place."""
    sizes = derivation.problem.network.sizes
    for layer in range(1, len(sizes)):
        taken = [
            Place(*_at(l, j, sizes[l], apart, up), RADIUS, RADIUS)
            for l in (layer - 1, layer)
            for j in range(1, sizes[l] + 1)
        ]
        pairs = [(j, i) for j in range(1, sizes[layer] + 1) for i in range(1, sizes[layer - 1] + 1)]
        ends = [
            (_at(layer - 1, i, sizes[layer - 1], apart, up), _at(layer, j, sizes[layer], apart, up)) for j, i in pairs
        ]
        for (j, i), edge in zip(pairs, ends, strict=True):
            words = _label(derivation, style, layer, j, i)
            at, place = freest(edge, max(map(width, words)) * EM / 2 + 0.06, len(words) * LINE / 2 + 0.05, taken, ends)
            if max(map(place.overlap, taken)) > -0.02:
                yield ""
                return
            taken.append(place)
            label = rf"${words[0]}$" + "".join(rf"\\\textcolor{{{_INK}}}{{${w}$}}" for w in words[1:])
            (x0, y0), (x1, y1) = edge
            yield (
                rf"  \draw[->, shorten >=4.7mm] ({x0:g}, {y0:g}) -- "
                rf"node[edge label, pos={at:g}] {{{label}}} ({x1:g}, {y1:g});"
            )


def freest(
    edge: Edge, half_width: float, half_height: float, taken: list[Place], edges: list[Edge]
) -> tuple[float, Place]:
    """Where along an edge its label lies freest: off the other labels, then as far as can be from the other edges."""
    places = []
    for at in (0.35, 0.3, 0.4, 0.65, 0.6, 0.7, 0.45, 0.55, 0.5, 0.25, 0.75, 0.2, 0.8):
        x, y = (s + at * (e - s) for s, e in zip(*edge, strict=True))
        places.append((at, Place(x, y, half_width, half_height)))
    others = [other for other in edges if other != edge]

    def cost(place: Place) -> tuple[float, float]:
        apart = min((_distance(place, other) for other in others), default=1.0)
        return max(-0.02001, *map(place.overlap, taken)), -min(apart, half_height + 0.1)

    return min(places, key=lambda p: cost(p[1]))


def _distance(place: Place, edge: Edge) -> float:
    """How far above or below the middle of a label another edge passes."""
    (x0, y0), (x1, y1) = edge
    return abs(y0 + (place.x - x0) / (x1 - x0) * (y1 - y0) - place.y)


def _label(derivation: Derivation, style: Style, layer: int, j: int, i: int) -> list[str]:
    """The weight and, with numbers, its gradient below, which a worksheet leaves to be found."""
    weight, gradient = Quantity("W", layer, (j, i)), Quantity("dW", layer, (j, i))
    shown = derivation.shown
    if shown is None:
        return [style.notation.latex(derivation.problem.network, weight)]
    blank = derivation.level == "worksheet"
    return [style.number(shown[weight]), *([] if blank else [style.number(shown[gradient])])]
