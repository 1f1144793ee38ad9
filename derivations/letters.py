"""How a sheet writes: our quantities as texts in its letters, and the letters that sentences about it use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from derivations import names
from derivations.aliases import Aliases
from derivations.names import Quantity
from derivations.network import Network, Problem
from derivations.notation import NOTATIONS, Notation, plain
from derivations.spellings import FROM_ZERO

__all__ = ["BY_NAME", "Letters", "letters_of", "plain_text", "typed"]

BY_NAME = "names"
"""The problem's own names, and ours for what has none."""
_BAR = re.compile(r"(?:\\right)?(?:\\[rl]?vert|\|)\s*_\{(?:n=(\d+))?(?:,\s*)?(?:\\tau=(\d+))?\}$")


@dataclass(frozen=True)
class Letters:
    """The text of a quantity, and what stands for our a, z, h, y, t and delta where that is another letter."""

    text: Callable[[Quantity], str]
    words: Mapping[str, str] = field(default_factory=dict)


def letters_of(problem: Problem, profile: str = "") -> Letters:
    """The letters of a profile that names were read in, or of the problem's `[names]`; ours for any other.

    >>> from tracer import load
    >>> names.read_name(load("hand-3-2-2").network, 1, "delta1[2]")
    Quantity(kind='delta', layer=1, indices=(2,), sample=0, step=1)
    >>> letters_of(load("hand-3-2-2"), "ng").text(_)
    'dz^[1]_2'
    """
    network = problem.network
    if profile in NOTATIONS:
        notation = NOTATIONS[profile]
        return Letters(lambda q: plain_text(notation, network, q), _words(notation))
    if profile == BY_NAME:
        own = Aliases(network, problem.samples, problem.names).texts()
        return Letters(lambda q: _by_name(network, own, q))
    if profile == FROM_ZERO:
        return Letters(lambda q: names.text(network, _from_zero(q)))
    return Letters(lambda q: names.text(network, q))


def plain_text(notation: Notation, network: Network, q: Quantity) -> str:
    """A quantity in a notation as people type it, `dz^[1]_2@3`."""
    return notation.text(network, q._replace(sample=0, step=1)) + _marks(q)


def typed(latex: str) -> str:
    r"""A name in LaTeX as people type it, `\left.z^{[2]}_{1}\right\rvert_{n=3}` as `z^[2]_1@3`."""
    name = latex.strip("$ ")
    bar = _BAR.search(name)
    if not bar:
        return plain(name)
    marks = (f"@{bar[1]}" if bar[1] else "") + (f"#{bar[2]}" if bar[2] else "")
    return plain(name[: bar.start()].removeprefix(r"\left.")) + marks


def _from_zero(q: Quantity) -> Quantity:
    """The same quantity, its indices counted from 0."""
    return q._replace(indices=tuple(i - 1 for i in q.indices))


def _marks(q: Quantity) -> str:
    return (f"@{q.sample}" if q.sample else "") + (f"#{q.step}" if q.step > 1 else "")


def _by_name(network: Network, own: Mapping[Quantity, str], q: Quantity) -> str:
    bare = q._replace(kind="E" if q.kind == "E_sample" else q.kind, sample=0, step=1)
    return own[bare] + _marks(q) if bare in own else names.text(network, q)


def _words(notation: Notation) -> dict[str, str]:
    theirs = {
        **{kind: plain(notation.letters[kind]) for kind in ("a", "z", "t", "delta")},
        "h": plain(notation.activation),
        "y": plain(notation.letters.get("y", notation.letters["z"])) if notation.name != "bishop" else "y",
    }
    return {ours: letter for ours, letter in theirs.items() if letter != ours}
