"""How the names of one derivation are written: its numbers, and its arrays with letters for indices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from derivations import names
from derivations.equations import Range
from derivations.general import GeneralLatex, GeneralText, Letter
from derivations.layers import Layered, layered
from derivations.network import Problem
from derivations.notation import Notation, compact, plain
from derivations.own_names import OwnNames
from derivations.quantity import Quantity

__all__ = ["WrittenNames", "general_letter", "layered_names", "own_names"]


@dataclass(frozen=True)
class WrittenNames:
    """`latex` and `text` write a number's name, `array_latex` and `array_text` an array with its letters.

    `plain` is the name that labels are made of; `times` the sign of a product in LaTeX.
    """

    latex: Callable[[Quantity], str]
    text: Callable[[Quantity], str]
    array_latex: Letter
    array_text: Letter
    plain: Callable[[Quantity], str]
    times: str = ""
    unwritten: frozenset[str] = frozenset()
    ranges: Mapping[str, Range] = field(default_factory=dict)

    def printers(
        self, number: Callable[[str], str], plain_number: Callable[[str], str]
    ) -> tuple[GeneralLatex, GeneralText]:
        """The two printers of a derivation; `number` and `plain_number` write numbers."""
        latex = GeneralLatex(self.unwritten, self.array_latex, self.ranges, self.latex, number, self.times)
        latex.growing = False
        text = GeneralText(self.unwritten, self.array_text, self.ranges, self.text, plain_number)
        latex.ends_put_in = text.ends_put_in = True
        return latex, text


def layered_names(problem: Problem, notation: Notation) -> WrittenNames:
    """The names of a network in a notation."""
    network, own = problem.network, layered(problem)

    def array(name: str, letters: tuple[str, ...]) -> str | None:
        return general_letter(problem, own, notation, name, letters)

    def array_text(name: str, letters: tuple[str, ...]) -> str | None:
        written = array(name, letters)
        short = "#" in name and not (name.startswith("h#") and letters)
        return None if written is None else compact(written) if short else plain(written)

    return WrittenNames(
        lambda q: notation.latex(network, q),
        lambda q: notation.text(network, q),
        array,
        array_text,
        lambda q: names.text(network, q),
        notation.times,
        own.step.unwritten,
        own.step.ranges,
    )


def own_names(known: OwnNames) -> WrittenNames:
    """The names of somebody's own equations."""
    step = known.computation.step

    def array(name: str, letters: tuple[str, ...]) -> str | None:
        return known.latex_letter(name, letters) if name in known.arrays else None

    return WrittenNames(known.latex, known.text, array, known.letter, known.text, "", step.unwritten, step.ranges)


def general_letter(
    problem: Problem, own: Layered, notation: Notation, name: str, letters: tuple[str, ...]
) -> str | None:
    """An array of a network in the letters of a notation."""
    kind, mark, layer = name.partition("#")
    if mark and kind == "h" and letters:  # of one unit
        return f"{notation.function(int(layer))}({notation.general(problem.network, 'a', int(layer), letters)})"
    if mark:
        return notation.matrix(problem.network, kind, int(layer), letters)
    place = own.places.get(name)
    if place is None:
        return None
    kind = place.kind.removesuffix("_before")
    if kind == "signal":
        return notation.general(problem.network, "dz", place.layer, letters)
    if kind == "dz" and "own loss" in own.step.arrays[name].meaning:
        z = notation.general(problem.network, "z", place.layer, letters)
        above = notation.general(problem.network, "E_sample", 0, letters[-1:])
        return rf"\frac{{\partial {above}}}{{\partial {z}}}"
    written = notation.general(problem.network, kind, place.layer, letters)
    return written if kind == place.kind else rf"{written}^{{\,\mathrm{{before}}}}"
