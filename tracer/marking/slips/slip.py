"""What a slip of layers is: the lines of a step with one of them, or a few that belong together, replaced.

A `Mistake` is written once, for any network: the lines that it puts in place of the right ones, as text of the language
(see `line`), and the layers where it is possible.  A `Slip` is a mistake on one network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from derivations.equations import Equation
from derivations.network import Problem
from tracer.marking.slips.line import Line, OfLayer

__all__ = ["Each", "Mistake", "Slip", "Where", "mistakes"]

Where = Callable[[Problem, int], bool]
"""Whether a mistake is possible at layer l."""
Each = Callable[[Problem, int], int]
"""How many values a mistake's parameter has at layer l."""

MOST_PARAMETERS = 10
"""A wide layer has hundreds of terms to forget; only the first ones get a slip each."""
PARAMETERS = ("W", "b")
OF_THE_LOSS = ("E_part", "E_sample", "E")
_UPDATES = {"g": "g{p}", "v": "v{p}", "m": "m{p}", "v_hat": "v{p}_hat", "m_hat": "m{p}_hat", "new": "{p}_new"}
"""The kind of quantity that each line of an update makes, for p, W or b."""


@dataclass(frozen=True)
class Mistake:
    """One way to go wrong.

    `lines` are the wrong right sides by what they make: a, z, E_part, E_sample, E, dz, slope, J, delta, dW, db,
    dz_below; of an update g, v, m, v_hat, m_hat, new.  Where `each` counts the values of a parameter, they have {each},
    from 1.  A mistake `by_parameter` is made with weights and biases alike, or with one of them; `of` says of which it
    can be made.  `source` is where it was seen.
    """

    name: str
    stage: str
    lines: Mapping[str, Line]
    where: tuple[Where, ...] = ()
    each: Each | None = None
    by_parameter: bool = False
    of: tuple[str, ...] = PARAMETERS
    source: str = ""

    def slips(self, problem: Problem) -> Iterator[Slip]:
        """The slips that this mistake is on a problem, one for each value of its parameter."""
        layers = [l for l, _ in problem.network if all(possible(problem, l) for possible in self.where)]
        if self.each is None:
            yield from self._with_parameters(problem, layers)
            return
        counts = {l: min(self.each(problem, l), MOST_PARAMETERS) for l in layers}
        for k in range(1, max(counts.values(), default=0) + 1):
            yield self._slip(problem, [l for l in layers if k <= counts[l]], k)

    def _with_parameters(self, problem: Problem, layers: list[int]) -> Iterator[Slip]:
        if layers:
            yield self._slip(problem, layers)
        biased = [l for l in layers if self._reaches_bias(problem, l)]
        if not self.by_parameter or not biased:
            return
        for p, at in (("W", layers), ("b", biased)):
            slip = self._slip(problem, at)
            yield replace(slip, name=f"{slip.name}[{p}]", stage=self.stage.replace("W", p), letters=(p,))

    def _reaches_bias(self, problem: Problem, l: int) -> bool:
        has = problem.network.layer(l).b is not None
        return has and (problem.training.update_biases or "db" in self.lines)

    def _slip(self, problem: Problem, layers: list[int], each: int = 0) -> Slip:
        first = next(iter(self.lines))
        possible = tuple(_quantity_layer(first, l) for l in layers)
        together = problem.samples > 1 and problem.training.samples == "together"
        stage = "E_sample" if first == "E_sample" and together else self.stage
        ending = f"[{each}]" if each else ""
        each_alone = not self.by_parameter and self.of == PARAMETERS and self.lines.keys() <= _UPDATES.keys()
        return Slip(self.name + ending, stage, possible, self.lines, each, None, self.of, each_alone, self.source)


@dataclass(frozen=True)
class Slip:
    """A slip on one network.

    `stage` is the kind of the first quantity that it changes, `possible` are the layers of those quantities where it
    can be made (0 for the loss and for dE/dx).  `layers` are those where it is made, None for all of them: elsewhere
    the right lines hold.  `each_alone`: its update of weights, or of biases, may be wrong alone under the same name.
    """

    name: str
    stage: str
    possible: tuple[int, ...]
    lines: Mapping[str, Line] = field(compare=False, repr=False)
    each: int = 0
    layers: tuple[int, ...] | None = None
    letters: tuple[str, ...] = PARAMETERS
    each_alone: bool = False
    source: str = field(default="", compare=False, repr=False)

    @property
    def base(self) -> str:
        """The name without its parameter, as in messages.toml."""
        return self.name.partition("[")[0]

    def at(self, *layers: int) -> Slip:
        """The same slip made at these layers only."""
        return replace(self, layers=layers)

    def by_layer(self) -> tuple[Slip, ...]:
        """The same slip made at one layer at a time."""
        return tuple(self.at(l) for l in self.possible)

    @cached_property
    def made_at(self) -> tuple[int, ...]:
        """The layers of the quantities that it changes first."""
        return self.possible if self.layers is None else self.layers

    def quantities(self, layers: int) -> frozenset[tuple[str, int]]:
        """(kind, layer) of all that its lines make in a network of so many layers, some of which it may lack."""
        return frozenset((kind, place) for _, kind, place, _, _ in self._made(layers))

    def equations(self, problem: Problem, meanings: Sequence[OfLayer] = ()) -> dict[str, Equation]:
        """The lines of a problem's step that it changes, by array; none where it changes nothing.

        meanings: what texts mean in each of its layers, from `OfLayer.all_of`, which many slips may share.
        """
        meanings, out = meanings or OfLayer.all_of(problem), dict[str, Equation]()
        for l, kind, place, line, p in self._made(len(problem.network)):
            if p == "b" and not problem.training.update_biases:
                continue
            layer = meanings[l - 1]
            wrong = layer.equation(layer.own.names.get((kind, place), ""), line, self.each, p)
            if wrong is not None and wrong.right != layer.right[wrong.left.name].right:
                out[wrong.left.name] = wrong
        return out

    def _made(self, layers: int) -> Iterator[tuple[int, str, int, Line, str]]:
        """(layer of the line, kind and layer of what it makes, the line, the parameter) of each line."""
        first = next(iter(self.lines))
        for l in range(1, layers + 1):
            if _quantity_layer(first, l) not in self.made_at or (first in OF_THE_LOSS and l < layers):
                continue
            for key, line in self.lines.items():
                if key in _UPDATES:
                    yield from ((l, _UPDATES[key].format(p=p), l, line, p) for p in self.letters)
                elif key not in ("dW", "db") or key[1] in self.letters:
                    yield l, "dz" if key == "dz_below" else key, _quantity_layer(key, l), line, "W"


def _quantity_layer(key: str, l: int) -> int:
    """The layer that names write on what a line of layer l makes."""
    if key in OF_THE_LOSS:
        return 0
    return l - 1 if key == "dz_below" else l


def mistakes(stage: str, prefix: str) -> Callable[..., Mistake]:
    """A short way to write the mistakes of one stage: `wrong("no_bias", biased, a="Σ_i W*below")`."""

    def wrong(
        name: str,
        *where: Where,
        each: Each | None = None,
        by_parameter: bool = False,
        of: tuple[str, ...] = PARAMETERS,
        source: str = "",
        **lines: Line,
    ) -> Mistake:
        return Mistake(f"{prefix}.{name}", stage, lines, where, each, by_parameter, of, source)

    return wrong
