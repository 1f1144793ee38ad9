"""Notation profiles: our quantities in somebody's letters.

A profile is one entry of NOTATIONS: its letters, how it writes layer and indices, and the networks it can write.  Our
own letters are Bishop's.  Kinds that a profile has no letter for are written from those it has: dE/dW as a partial
derivative, the updated weight with a mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from derivations.names import CONSTANTS, KINDS, Quantity
from derivations.network import Network, Problem

__all__ = ["BISHOP", "NOTATIONS", "Notation", "NotationError", "notation_of", "plain"]

Place = Callable[[Network, str, int, tuple[int, ...]], str]


class NotationError(ValueError):
    """A notation that cannot write this network.  The message says which networks it writes."""


def _bishop(network: Network, letter: str, layer: int, indices: tuple[int, ...]) -> str:
    above = f"^{{({layer})}}" if layer else ""
    return f"{letter}{_below(indices)}{above}"


def _nielsen(network: Network, letter: str, layer: int, indices: tuple[int, ...]) -> str:
    above = f"^{{{layer}}}" if layer else ""
    return f"{letter}{above}{_below(indices)}"


def _ng(network: Network, letter: str, layer: int, indices: tuple[int, ...]) -> str:
    above = f"^{{[{layer}]}}" if layer else ""
    return f"{letter}{above}{_below(indices)}"


def _below(indices: tuple[Any, ...]) -> str:
    """Indices below a letter; letters too, where a general line is written."""
    apart = "" if all(len(str(i)) == 1 for i in indices) else ","
    return f"_{{{apart.join(map(str, indices))}}}" if indices else ""


def _mazur(network: Network, letter: str, layer: int, indices: tuple[int, ...]) -> str:
    """w_1 .. w_8 counted through both layers, net_{h1}, out_{o1}, b_1 and b_2 of the layers, i_1, target_{o1}."""
    if letter == "w":
        earlier = network.sizes[0] * network.sizes[1] if layer == 2 else 0
        j, i = indices
        return f"w_{{{earlier + (j - 1) * network.sizes[layer - 1] + i}}}"
    if letter in ("b", r"\theta"):
        return f"{letter}_{{{layer}}}" if not indices else f"{letter}_{{{layer},{indices[0]}}}"
    if letter == "i":
        return f"i_{{{indices[0]}}}"
    unit = "h" if layer == 1 else "o"
    return f"{letter}_{{{unit}{indices[0]}}}" if indices else letter


def _mazur_in_letters(network: Network, letter: str, layer: int, indices: tuple[int, ...]) -> str:
    """The same for letters, which cannot be counted: w_{kj}^{(2)}."""
    return (_bishop if letter == "w" else _mazur)(network, letter, layer, indices)


def _uy(network: Network, letter: str, layer: int, indices: tuple[int, ...]) -> str:
    """u_1, y_1 of the hidden units, u and y of the output; w^1_{10}: inputs count from 0, the bias comes last."""
    inputs = network.sizes[layer - 1] if layer else 0
    if letter == "w":
        return f"w^{{{layer}}}_{{{indices[0]}{indices[1] - 1}}}"
    if letter == "b":
        return f"w^{{{layer}}}_{{{indices[0]}{inputs}}}"
    if letter == "x":
        return f"x_{{{indices[0] - 1}}}"
    if letter == "t":
        return f"x_{{{network.sizes[0] + 1}}}"
    return f"{letter}{_below(indices)}" if layer == 1 else letter


def _of_sample(loss: str, n: str) -> str:
    """A loss with the mark of its sample: E_n, E_{n,1} of E_1."""
    head, below, rest = loss.partition("_{")
    return f"{head}_{{{n},{rest}" if below else f"{loss}_{{{n}}}"


def _any_network(network: Network) -> str:
    return ""


def _two_layers(network: Network) -> str:
    return "" if len(network) == 2 else "two layers, hidden and output"


def _uy_network(network: Network) -> str:
    single = all(layer.bias is None or not (layer.bias.shared or layer.bias.letter == "theta") for _, layer in network)
    small = len(network) == 2 and network.sizes[-1] == 1 and max(network.sizes) < 10
    return (
        "" if small and single else "one hidden layer and one output, fewer than ten units a layer, one bias per unit"
    )


@dataclass(frozen=True)
class Notation:
    """One way of writing.

    `letters` by kind (x, t, a, z, W, b, delta, E; optional y for the last layer's z, theta, dz, dW, db where they have
    letters of their own); `place` puts layer and indices on a letter; `times` is the sign of a product; `fits` says,
    for a network it cannot write, which ones it writes; `layered` says whether the layer stands on every letter, so
    that the letter with the layer alone is the whole array.  `lettered` puts letters for indices, where
    `place` counts.  `functions` are the activation functions by layer, where
    they are not simply counted; `of_one`: E is the loss of one of several samples, E_n.
    """

    name: str
    about: str
    letters: Mapping[str, str]
    place: Place = _bishop
    activation: str = "h"
    times: str = r"\cdot"
    fits: Callable[[Network], str] = _any_network
    layered: bool = True
    own: Mapping[Quantity, str] = field(default_factory=dict)
    lettered: Place | None = None
    functions: tuple[str, ...] = ()
    of_one: bool = False

    def check(self, network: Network) -> None:
        """Raises NotationError where this notation cannot write the network."""
        needs = self.fits(network)
        if needs:
            raise NotationError(f"notation '{self.name}' writes networks with {needs}; use --notation bishop")

    def deriving(self, network: Network, of_one: bool) -> Notation:
        """The notation of a derivation, which defines its functions: h, or where they differ h_l of the first layer."""
        first: dict[str, int] = {}
        for l, layer in network:
            if layer.activation.elementwise:
                first.setdefault(layer.activation.name, l)
        names = {kind: self.activation + (f"_{{{l}}}" if len(first) > 1 else "") for kind, l in first.items()}
        functions = tuple(names.get(layer.activation.name, "") for _, layer in network)
        return replace(self, functions=functions, of_one=of_one)

    def function(self, layer: int) -> str:
        """What the activation function of a layer is called."""
        return self.functions[layer - 1] if self.functions else f"{self.activation}_{{{layer}}}"

    def latex(self, network: Network, q: Quantity) -> str:
        """A quantity in LaTeX (math mode), with its sample and step where it carries them."""
        if q.kind in _CONSTANTS:
            return _CONSTANTS[q.kind]
        bare = q._replace(sample=0, step=1)
        written = self.own.get(bare) or self._latex(network, bare)
        marks = ([f"n={q.sample}"] if q.sample else []) + ([rf"\tau={q.step}"] if q.step > 1 else [])
        return rf"\left.{written}\right|_{{{', '.join(marks)}}}" if marks else written

    def text(self, network: Network, q: Quantity) -> str:
        """A quantity in plain text."""
        return plain(self.latex(network, q))

    def general(self, network: Network, kind: str, layer: int, letters: tuple[str, ...]) -> str:
        """An array with letters for indices, in LaTeX; for a notation that counts its weights there is none."""
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == "E_sample":
            return _of_sample(self.letters["E"], ",".join(letters)) if letters else self.letters["E"]
        indices: Any = letters
        own = replace(self, place=self.lettered) if self.lettered else self
        return own._latex(network, Quantity(kind, layer, indices))

    def matrix(self, network: Network, kind: str, layer: int, letters: tuple[str, ...] = ()) -> str:
        """A vector or a matrix in LaTeX: W, a, z ..., capitals for all samples together, b* for a bias of all units.

        `letters` mark a vector as that of one sample.
        """
        own = kind.rstrip("*")
        if own == "1":
            return r"\mathbf{1}"
        if own in _OF_A or own in ("H", "H'"):
            a = self.matrix(network, "a" if own in _OF_A else "A", layer, letters)
            known = self.function(layer) if network.layer(layer).activation.elementwise else r"\operatorname{softmax}"
            return f"{known}{chr(39) * (own not in ('h', 'H'))}({a})"
        if own == "J":
            return self._over(self.matrix(network, "z", layer), self.matrix(network, "a", layer))
        if own in ("dW", "db", "dz", "dZ") and own not in self.letters:
            loss = _of_sample(self.letters["E"], "n") if letters or (self.of_one and own != "dZ") else self.letters["E"]
            return self._over(loss, self.matrix(network, kind[1:], layer, letters))
        return self._placed_matrix(network, kind, layer) + (f"_{{{','.join(letters)}}}" if letters else "")

    def _placed_matrix(self, network: Network, kind: str, layer: int) -> str:
        own = _CAPITALS.get(kind.rstrip("*"), kind.rstrip("*"))
        own = "x" if own == "z" and layer == 0 else own
        form = network.layer(layer).bias if own == "b" else None
        letter = self.letters["theta" if form and form.letter == "theta" else own]
        bare = letter.removeprefix(r"\mathit{").removesuffix("}") if letter.startswith(r"\mathit{") else letter
        if own in ("W", "dW") or kind in _CAPITALS:
            bare = rf"\{bare[1].upper()}{bare[2:]}" if bare.startswith("\\") else bare[:-1] + bare[-1].upper()
        bold = bare if kind.endswith("*") else rf"\boldsymbol{{{bare}}}" if bare[0] == "\\" else rf"\mathbf{{{bare}}}"
        place = self.place if self.layered else _bishop
        return place(network, bold, layer if own not in ("x", "t") else 0, ())

    @staticmethod
    def _over(above: str, below: str) -> str:
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"

    def partial(self, network: Network, of: Quantity, by: Quantity) -> str:
        """d of / d by, as a fraction."""
        return rf"\frac{{\partial {self.latex(network, of)}}}{{\partial {self.latex(network, by)}}}"

    def _latex(self, network: Network, q: Quantity) -> str:
        letters, (kind, layer, indices, _, _) = self.letters, q
        if kind in ("E", "E_sample"):
            return _of_sample(letters["E"], "n") if self.of_one else letters["E"]
        if kind == "E_part":
            own = kind in letters
            part = self.place(network, letters[kind], layer or len(network), indices) if own else ""
            part = part or f"{letters['E']}{_below(indices)}"
            return _of_sample(part, "n") if self.of_one else part
        if kind in ("h", "h_slope"):  # the function of a layer, of any unit
            return f"{self.function(layer)}{chr(39) * (kind == 'h_slope')}({letters['a']})"
        if not indices and layer == 0 and kind == "a":
            return letters["a"]
        if kind == "z" and layer == 0:
            return self.place(network, letters["x"], 0, indices)
        if kind == "z" and layer == len(network) and "y" in letters:
            return self.place(network, letters["y"], 0 if self.place is _bishop else layer, indices)
        if kind == "b":
            form = network.layer(layer).bias
            return self.place(network, letters["theta" if form and form.letter == "theta" else "b"], layer, indices)
        if kind in letters:
            return self.place(network, letters[kind], layer, indices)
        return self._derived(network, q)

    def _derived(self, network: Network, q: Quantity) -> str:
        kind, layer, indices, _, _ = q
        if kind == "slope":
            a = self.latex(network, q._replace(kind="a"))
            return rf"{self.function(layer)}'({a})"
        if kind == "J":
            k, m, *rest = indices or (0, 0)
            return self.partial(network, Quantity("z", layer, (k, *rest)), Quantity("a", layer, (m, *rest)))
        if kind in ("dz", "dW", "db"):
            return self.partial(network, Quantity("E"), q._replace(kind=kind[1:]))
        if kind in ("W_new", "b_new"):
            return rf"{{{self.latex(network, q._replace(kind=kind[0]))}}}^{{\,\mathrm{{new}}}}"
        if kind == "norm":
            return r"\mathrm{norm}"
        letter = rf"\hat{{{kind[0]}}}" if kind.endswith("_hat") else kind[0]
        return rf"{letter}\left[{self.latex(network, q._replace(kind=kind[1]))}\right]"


_OF_A = ("h", "slope")
_CAPITALS = {"A": "a", "Z": "z", "X": "x", "T": "t", "D": "delta"}
_CONSTANTS = {"eta": r"\eta", "mu": r"\mu", "beta1": r"\beta_1", "beta2": r"\beta_2", "epsilon": r"\epsilon"}
_CONSTANTS |= {"rho": r"\rho", "lambda": r"\lambda", "clip": r"\mathrm{clip}"}
assert set(_CONSTANTS) == set(CONSTANTS)

BISHOP = Notation(
    "bishop",
    "Bishop (2006): a pre-activation, z activation, delta error signal",
    {"x": "x", "t": "t", "a": "a", "z": "z", "W": "w", "b": "b", "theta": r"\theta", "delta": r"\delta", "E": "E"},
)
NIELSEN = Notation(
    "nielsen",
    "Nielsen (2015): z weighted input, a activation, C cost, y target",
    {"x": "x", "t": "y", "a": "z", "z": "a", "W": "w", "b": "b", "theta": r"\theta", "delta": r"\delta", "E": "C"},
    place=_nielsen,
    activation=r"\sigma",
)
NG = Notation(
    "ng",
    "Ng's courses: z pre-activation, a activation, dz its derivative, y target",
    {
        "x": "x",
        "t": "y",
        "a": "z",
        "z": "a",
        "W": "w",
        "b": "b",
        "theta": r"\theta",
        "delta": r"dz",
        "E": r"\mathcal{L}",
    }
    | {"dz": "da", "dW": "dw", "db": "db"},
    place=_ng,
    activation="g",
)
MAZUR = Notation(
    "mazur",
    "Mazur (2015): net and out of hidden and output units, w_1 to w_8",
    {
        "x": "i",
        "t": r"\mathit{target}",
        "a": r"\mathit{net}",
        "z": r"\mathit{out}",
        "W": "w",
        "b": "b",
        "theta": r"\theta",
    }
    | {"delta": r"\delta", "E": r"E_{total}", "E_part": "E"},
    place=_mazur,
    activation="f",
    times="*",
    fits=_two_layers,
    layered=False,
    lettered=_mazur_in_letters,
)
UY = Notation(
    "uy",
    "u pre-activation, y activation, w^1_{10} with inputs from 0 and the bias last, x_3 the target",
    {"x": "x", "t": "t", "a": "u", "z": "y", "W": "w", "b": "b", "delta": r"\delta", "E": "E"},
    place=_uy,
    activation="f",
    times=r"\times",
    fits=_uy_network,
    layered=False,
    lettered=_bishop,
)
NOTATIONS: Mapping[str, Notation] = {n.name: n for n in (BISHOP, NIELSEN, NG, MAZUR, UY)}
"""Every profile by name; adding one is adding one entry."""


def notation_of(problem: Problem, name: str = "bishop") -> Notation:
    """The profile of that name, or for `names` the problem's own [names] over Bishop's letters.

    Raises NotationError for an unknown name and for a network that the profile cannot write.
    """
    if name == "names":
        return _own(problem)
    if name not in NOTATIONS:
        raise NotationError(f"notation '{name}' is not known; known are {', '.join([*NOTATIONS, 'names'])}")
    NOTATIONS[name].check(problem.network)
    return NOTATIONS[name]


def _own(problem: Problem) -> Notation:
    from derivations.aliases import Aliases

    aliases = Aliases(problem.network, problem.samples, problem.names)
    return replace(BISHOP, name="names", about="the problem's own names", own=aliases.latex())


def compact(latex: str) -> str:
    """LaTeX of a vector or matrix as plain text, its layer behind it: W2, h(a1), ∂E/∂W2."""
    text = re.sub(r"\\operatorname\{([^{}]*)\}|\\(?:mathbf|boldsymbol)\{([^{}]*)\}", r"\1\2", latex)
    return re.sub(r"[{}\\^]", "", plain(re.sub(r"\^\{[\[(]?(\d+)[\])]?\}", r"\1", text)))


def plain(latex: str) -> str:
    r"""LaTeX of a name as plain text: `\delta_{1}^{(2)}` becomes delta_1^(2)."""
    text = re.sub(r"\\frac\{\\partial (.*)\}\{\\partial (.*)\}$", r"∂\1/∂\2", latex)
    text = re.sub(r"\\hat\{(.)\}", r"\1_hat", text)
    text = re.sub(r"\\(?:mathit|mathrm|mathcal|text)\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"\\left\.|\\left|\\right|\\,", "", text)
    text = re.sub(r"\\partial ?", "∂", text)
    return re.sub(r"[{}\\]", "", text)


assert set(KINDS) > set(BISHOP.letters) - {"theta"}
