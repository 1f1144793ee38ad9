"""The network drawn in TikZ: units as circles, edges with their weights and, with numbers, their gradients."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from derivations.names import Quantity
from derivations.writing.lines import Style

if TYPE_CHECKING:
    from derivations.derivation import Derivation

__all__ = ["figure"]

MOST_EDGES = 30
APART, UP = 3.6, 1.7


def figure(derivation: Derivation, style: Style) -> list[str]:
    """The lines of a tikzpicture, none for a network whose labels would lie over each other."""
    network = derivation.problem.network
    sizes = network.sizes
    edges = sum(below * above for below, above in pairwise(sizes))
    if edges > MOST_EDGES or max(sizes) > 5 or len(sizes) > 5:
        return []
    out = [r"\begin{tikzpicture}[unit/.style={circle, draw, minimum size=8mm, inner sep=0.5mm},"]
    out += [r"  edge label/.style={fill=white, inner sep=0.6mm, font=\tiny, align=center}]"]
    for layer, units in enumerate(sizes):
        for j in range(1, units + 1):
            x, y = layer * APART, ((units + 1) / 2 - j) * UP
            kind = Quantity("x", 0, (j,)) if layer == 0 else Quantity("z", layer, (j,))
            words = style.notation.latex(network, kind)
            out.append(rf"  \node[unit] (u{layer}-{j}) at ({x:g}, {y:g}) {{\scriptsize ${words}$}};")
    for layer in range(1, len(sizes)):
        for j in range(1, sizes[layer] + 1):
            for i in range(1, sizes[layer - 1] + 1):
                at = 0.22 + 0.56 * ((i + j) % 3) / 2 if sizes[layer - 1] > 1 else 0.5
                words = _edge(derivation, style, layer, j, i)
                out.append(
                    rf"  \draw[->] (u{layer - 1}-{i}) -- node[edge label, pos={at:g}] {{{words}}} (u{layer}-{j});"
                )
    return [*out, r"\end{tikzpicture}"]


def _edge(derivation: Derivation, style: Style, layer: int, j: int, i: int) -> str:
    weight, gradient = Quantity("W", layer, (j, i)), Quantity("dW", layer, (j, i))
    if derivation.shown is None:
        return f"${style.notation.latex(derivation.problem.network, weight)}$"
    shown = derivation.shown
    return rf"${style.number(shown[weight])}$\\${style.number(shown[gradient])}$"
