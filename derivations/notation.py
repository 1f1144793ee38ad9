"""How quantities are written: our letters as LaTeX, and somebody's own names read back into ours.

Our letters are Bishop's: a pre-activation, z activation, delta error signal, the layer as a superscript.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from derivations.given import read_number, shortened
from derivations.names import KINDS, Quantity, UnknownName, read_name
from derivations.network import Network

__all__ = ["Aliases", "Meaning", "latex"]


def latex(network: Network, q: Quantity) -> str:
    r"""A quantity in LaTeX (math mode): `\delta_{1}^{(2)}`, `\frac{\partial E}{\partial w_{12}^{(1)}}`."""
    if q.kind in _CONSTANTS:
        return _CONSTANTS[q.kind]
    return _LATEX[q.kind](network, q)


_CONSTANTS = {"eta": r"\eta", "mu": r"\mu", "beta1": r"\beta_1", "beta2": r"\beta_2", "epsilon": r"\epsilon"}


def _letter(letter: str) -> Callable[[Network, Quantity], str]:
    def write(network: Network, q: Quantity) -> str:
        return _scripted(letter, q)

    return write


def _partial(of: Callable[[Network, Quantity], str]) -> Callable[[Network, Quantity], str]:
    def write(network: Network, q: Quantity) -> str:
        return rf"\frac{{\partial E{_marks(q)}}}{{\partial {of(network, q._replace(sample=0, step=1))}}}"

    return write


def _scripted(letter: str, q: Quantity, extra: str = "") -> str:
    apart = "" if all(i < 10 for i in q.indices) else ","
    below = f"_{{{apart.join(map(str, q.indices))}}}" if q.indices else ""
    above = [f"({q.layer})"] if KINDS[q.kind].layered else []
    above += [rf"\text{{{extra}}}"] if extra else []
    scripts = below + (f"^{{{chr(44).join(above)}}}" if above else "")
    marks = _marks(q)
    return f"{letter}{scripts}" if not marks else f"{{{letter}{scripts}}}{marks}"


def _marks(q: Quantity) -> str:
    """The sample and the step, in square brackets after the letter."""
    marks = ([rf"n={q.sample}"] if q.sample else []) + ([rf"\tau={q.step}"] if q.step > 1 else [])
    return rf"\bigl[{', '.join(marks)}\bigr]" if marks else ""


def _bias(network: Network, q: Quantity) -> str:
    form = network.layer(q.layer).bias
    return _scripted(r"\theta" if form and form.letter == "theta" else "b", q)


def _activation(network: Network, q: Quantity) -> str:
    if q.layer == 0:
        return _scripted("x", q._replace(kind="x"))
    return _scripted("z", q)


def _slope(network: Network, q: Quantity) -> str:
    return rf"h_{{{q.layer}}}'\left({_scripted('a', q)}\right)"


def _jacobian(network: Network, q: Quantity) -> str:
    k, m = q.indices if q.indices else (0, 0)
    above, below = (_scripted(letter, q._replace(indices=(i,))) for letter, i in (("z", k), ("a", m)))
    return rf"\frac{{\partial {above}}}{{\partial {below}}}"


def _new(of: Callable[[Network, Quantity], str]) -> Callable[[Network, Quantity], str]:
    def write(network: Network, q: Quantity) -> str:
        base = of(network, q)
        return base.replace(f"({q.layer})", rf"({q.layer})\,\mathrm{{new}}", 1)

    return write


def _moment(letter: str, of: Callable[[Network, Quantity], str]) -> Callable[[Network, Quantity], str]:
    def write(network: Network, q: Quantity) -> str:
        return rf"{letter}\left[{of(network, q)}\right]"

    return write


_W = _letter("w")
_LATEX: dict[str, Callable[[Network, Quantity], str]] = {
    "x": _letter("x"),
    "t": _letter("t"),
    "W": _W,
    "b": _bias,
    "a": _letter("a"),
    "z": _activation,
    "E_part": _letter("E"),
    "E_sample": _letter("E"),
    "E": _letter("E"),
    "dz": _partial(_activation),
    "slope": _slope,
    "J": _jacobian,
    "delta": _letter(r"\delta"),
    "dW": _partial(_W),
    "db": _partial(_bias),
}
for _p, _of in (("W", _W), ("b", _bias)):
    _LATEX |= {
        f"m{_p}": _moment("m", _of),
        f"v{_p}": _moment("v", _of),
        f"m{_p}_hat": _moment(r"\hat{m}", _of),
        f"v{_p}_hat": _moment(r"\hat{v}", _of),
        f"{_p}_new": _new(_of),
    }


# --- somebody's own names ---


class Meaning(NamedTuple):
    """What a name of theirs stands for: multiple * eta^eta_power * quantity."""

    quantity: Quantity
    multiple: str = "1"
    eta_power: int = 0


_PLACE = re.compile(r"\{([a-z])\}")


class Aliases:
    """The names that a problem's `[names]` gives to our quantities; everything else is read as ours.

    An entry is a quantity (`w5 = "W2[1,1]"`, which names `dw5` and `w5_new` too), a pattern (`"out_h{j}" = "z1[{j}]"`)
    or a multiple (`Err6 = "-delta2[1]"`, `Dw35 = "-eta*dW2[1,1]"`, `MSE = "2*E"`).
    Raises UnknownName or ValueError for an entry that names nothing in this network.
    """

    def __init__(self, network: Network, samples: int, entries: tuple[tuple[str, str, str], ...]) -> None:
        self.network, self.samples = network, samples
        self.exact: dict[str, Meaning] = {}
        self.patterns: list[tuple[re.Pattern[str], list[str], str]] = []
        for theirs, ours, _ in entries:
            self._add(theirs, ours)

    def _add(self, theirs: str, ours: str) -> None:
        if not theirs.strip() or len(theirs) > 60 or len(ours) > 120 or not theirs.isprintable():
            raise ValueError("a name is one short printable text")
        places, used = _PLACE.findall(theirs), _PLACE.findall(ours)
        if set(places) != set(used) or len(places) != len(set(places)):
            raise ValueError(f"{shortened(ours)} must use each of the placeholders {{j}} of the name, and no others")
        if places:
            self._meaning(_PLACE.sub("1", ours))
            pieces = _PLACE.split(theirs)
            regex = "".join(r"(\d{1,6})" if k % 2 else re.escape(piece) for k, piece in enumerate(pieces))
            self.patterns.append((re.compile(regex, re.ASCII), places, ours))
            return
        meaning = self._meaning(ours)
        self.exact[theirs] = meaning
        kind = meaning.quantity.kind
        if kind in ("W", "b") and meaning[1:] == ("1", 0):
            for name, other in ((f"d{theirs}", f"d{kind}"), (f"{theirs}_new", f"{kind}_new")):
                self.exact.setdefault(name, Meaning(meaning.quantity._replace(kind=other)))

    def _meaning(self, ours: str) -> Meaning:
        sign, rest = ("-", ours.strip()[1:]) if ours.strip().startswith("-") else ("", ours)
        *factors, name = rest.split("*")
        eta_power = sum(f.strip() == "eta" for f in factors)
        numbers = [read_number(f) for f in factors if f.strip() != "eta"]
        if len(numbers) > 1 or eta_power > 1:
            raise ValueError(f"{shortened(ours)} has too many factors; write a number, eta, a quantity: '-2*eta*E'")
        return Meaning(read_name(self.network, self.samples, name), sign + (numbers[0] if numbers else "1"), eta_power)

    def read(self, written: str) -> Meaning:
        """What a name stands for, theirs before ours.  Raises UnknownName."""
        name = written.strip().strip("'\"`")
        suffix = ""
        if name not in self.exact and (found := re.search(r"([@#]\d+)+$", name)):
            name, suffix = name[: found.start()], found[0]
        meaning = self.exact.get(name)
        for pattern, places, ours in self.patterns:
            found = pattern.fullmatch(name) if meaning is None else None
            if found:
                for place, index in zip(places, found.groups(), strict=True):
                    ours = ours.replace(f"{{{place}}}", index)
                meaning = self._meaning(ours)
        if meaning is None:
            return Meaning(read_name(self.network, self.samples, written))
        marks = {mark: int(n) for mark, n in re.findall(r"([@#])(\d{1,9})", suffix)}
        q = meaning.quantity
        return meaning._replace(quantity=q._replace(sample=marks.get("@", q.sample), step=marks.get("#", q.step)))

    @property
    def clashes(self) -> list[str]:
        """Names of theirs that are also names of ours, of something else; theirs win."""
        out = []
        for theirs, meaning in self.exact.items():
            try:
                ours = read_name(self.network, self.samples, theirs)
            except UnknownName:
                continue
            if ours != meaning.quantity or meaning.multiple != "1":
                out.append(theirs)
        return out
