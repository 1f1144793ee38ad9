r"""Names as written made into quantities of a network, under one notation.

`w_{11}^{(2)}` is a quantity, `\mathbf{W}^{(2)}` a whole array.  A bare digit above, `y^2`, is a power unless the
notation writes layers so.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from derivations import names
from derivations.name_reading import NotationNames
from derivations.names import Quantity
from derivations.network import Problem
from derivations.notation import Notation, notation_of

__all__ = ["Meaning", "Meanings", "Unknown"]

_FONT = re.compile(
    r"\{\s*+\\(?:bf|rm|it)\s++(\w)\s*+\}|\\(?:bm|vec|boldsymbol|mathbf|mathsf)\s*+\{?\s*+(\\?[A-Za-z]++)\s*+\}?"
)
_HAT = re.compile(r"\\(?:hat|widehat)\s*+\{?\s*+(?:\\(?:mathbf|boldsymbol|bm)\s*+\{?)?\s*+([A-Za-z])\s*+\}{0,2}")
_POWERED = re.compile(r"\^\s*+\{?\s*+([23])\s*+\}?(?![\d\w])")
_JACOBIAN = re.compile(r"J\^\{?[(\[]?(\d+)[)\]]?\}?|J")
_SAMPLE_LOSS = re.compile(r"(?:E|L|C|\\mathcal\{L\})_\{?(?:n|x|i)\}?|E_\{?(?:tot|total|\\text\{total\})\}?")
_RATES = ("\\alpha", "α", "\\epsilon", "\\gamma", "\\mu", "\\rho", "lr", "\\ell")
_LAYER_NOUGHT = re.compile(r"\^\{?[(\[]?0[)\]]?\}?")
_SUB = re.compile(r"_\s*+(?:\{\s*+([^{}]*+)\}|(\d++|[A-Za-z]\d*+))")


ARRAYS = ("a", "z", "W", "b", "delta", "dW", "db", "dz")


class Unknown(ValueError):
    """A name that is no quantity of the network in this notation."""


class Meaning(NamedTuple):
    """A quantity, or with `whole` every entry of its array, to a power."""

    quantity: Quantity
    whole: bool = False
    power: int = 1


class Meanings:
    """What each name means.  Raises NotationError and ValueError as `NotationNames`."""

    def __init__(self, problem: Problem, notation: str) -> None:
        self.problem, self.network = problem, problem.network
        self.notation: Notation = notation_of(problem, notation)
        self._names = NotationNames(self.network, self.notation)
        self._known: dict[str, Meaning | None] = {}
        self.layers_above = notation in ("nielsen", "uy")  # a bare digit above is a layer

    def _read(self, written: str) -> Quantity | None:
        """One number's name; a whole array's, which some notations have a name for, is read by `array`."""
        q = self._names.read(written)
        whole = q is not None and not q.indices and q.kind in ARRAYS and names.shape(self.network, q.kind, q.layer)
        return None if whole else q

    def meaning(self, written: str) -> Meaning | None:
        """What a name stands for, None where it is no name here."""
        if written not in self._known:
            self._known[written] = self._meaning(written)
        return self._known[written]

    def _meaning(self, written: str) -> Meaning | None:
        bare = _FONT.sub(lambda m: m[1] or m[2], written)
        ways = [self.strict, self._powered] if self.layers_above else [self._powered, self.strict]
        for way in (*ways, self.array, self._layerless):
            found = way(bare)
            if found:
                return found
        if _SAMPLE_LOSS.fullmatch(bare):
            return Meaning(Quantity("E"))
        hat = _HAT.match(bare)
        if hat:
            return self._meaning_of_output(bare[hat.end() :]) or self._meaning(f"{hat[1]}{bare[hat.end() :]}")
        return Meaning(Quantity("eta")) if bare in _RATES and self._read(bare) is None else None

    def _meaning_of_output(self, scripts: str) -> Meaning | None:
        """A prediction under a hat is the network's output, whatever its letter."""
        L, found = len(self.network), _SUB.search(scripts)
        index = (found[1] or found[2]) if found else ""
        if index and not index.isdigit():
            return None
        q = Quantity("z", L, (int(index),) if index else (1,))
        return (
            Meaning(q, whole=not index and self.network.sizes[-1] > 1)
            if q.indices[0] <= self.network.sizes[-1]
            else None
        )

    def strict(self, written: str) -> Meaning | None:
        """What the notation itself, or a plain spelling of it, says."""
        q = None if written.startswith(("e_", "e^")) else self._read(written)  # an error's e is no loss
        return Meaning(q) if q else None

    def _powered(self, written: str) -> Meaning | None:
        found = _POWERED.search(written)
        if not found:
            return None
        known = self.strict(written[: found.start()] + written[found.end() :])
        q = known.quantity if known else None
        layer_of_bias = self.layers_above and q is not None and q.kind == "b"  # b^2_j is no square of a shared b_j
        return Meaning(q, power=int(found[1])) if q and q.kind != "E" and not layer_of_bias else None

    def array(self, written: str) -> Meaning | None:
        """A whole array by its name without indices."""
        if "_" in written:
            return None
        jacobian = _JACOBIAN.fullmatch(written)
        if jacobian:
            l = int(jacobian[1] or len(self.network))
            known = 0 < l <= len(self.network) and not self.network.layer(l).activation.elementwise
            return Meaning(Quantity("J", l, (1, 1)), whole=True) if known else None
        base, scripts = _split(written)
        if _LAYER_NOUGHT.fullmatch(scripts) and base.lower() == self.notation.letters["z"]:
            return Meaning(Quantity("x", 0, (1,)), whole=True)
        for index in ("_{11}", "_{1}"):
            for text in (f"{base}{index}{scripts}", f"{base}{scripts}{index}"):
                q = self._read(text)
                if q and q.kind != "E_part" and len(q.indices) == len(index) - 3:
                    return Meaning(q, whole=True)
        return None

    def _layerless(self, written: str) -> Meaning | None:
        """A name without its layer, where only one layer can be meant; z of two layers is the hidden one's."""
        if "^" in written or not written:
            return None
        found: dict[Quantity, bool] = {}
        for l, _ in self.network:
            for above in (f"^{{({l})}}", f"^{{{l}}}", f"^{{[{l}]}}"):
                q = self._read(f"{written}{above}")
                whole = q is None
                if q is None and "_" not in written:
                    found_array = self.array(f"{written}{above}")
                    q = found_array.quantity if found_array else None
                if q:
                    found[q] = whole
        layers = sorted({q.layer for q in found})
        hidden = [q for q in found if q.layer == 1 and q.kind in ("z", "slope")]
        if len(layers) == 1:
            q = next(iter(found))
        elif len(layers) == 2 and hidden:
            q = hidden[0]
        else:
            return None
        return Meaning(q, found[q])

    def unpowered(self, written: str) -> tuple[str, int]:
        """A name and the power it is raised to: z_j^2 is (z_j, 2), unless a bare digit above is a layer here."""
        found = None if self.layers_above else _POWERED.search(written)
        return (written[: found.start()] + written[found.end() :], int(found[1])) if found else (written, 1)


def _split(written: str) -> tuple[str, str]:
    at = written.find("^")
    return (written, "") if at < 0 else (written[:at], written[at:])
