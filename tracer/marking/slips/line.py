"""A wrong line of a layer as text of the language, `slope*dz`, put into the names and indices of its step.

Names of layer l: a, z, slope, J, dz, delta, W, b, dW, db, W_new; below (what it reads: x or z of layer l - 1), a_below,
W_below; a_above, delta_above; y, t, delta_out of the last one; x; E_part, E_sample.  Of the update of a parameter: w,
g (its gradient, as the optimizer reads it), raw (before clipping and decay), v, m, v_hat, m_hat, v_before, m_before;
the constants, step.  `right` is the right
line.  Letters: j units, i inputs, k units above, m units again, n samples; a name without brackets has its usual ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from derivations.equations import Equation
from derivations.expression import Expression, Index, Ref
from derivations.language import expression
from derivations.layers import Layered, layered, unit_letters
from derivations.network import Problem

__all__ = ["Line", "OfLayer"]

Line = str | Callable[[Problem, int], str]
"""The right side as text, or what makes it from the problem and the layer."""
_NAME = re.compile(r"(Σ_|\{)?([A-Za-z]\w*)(\[)?")
_LETTERS = frozenset("ijkmn")
_AT = {
    **dict.fromkeys(("a", "z", "slope", "dz", "delta", "y", "t", "delta_out", "E_part"), "jn"),
    **dict.fromkeys(("below", "a_below", "x"), "in"),
    **dict.fromkeys(("a_above", "delta_above"), "kn"),
    **dict.fromkeys(("W", "dW", "W_new", "W_below"), "ji"),
    **dict.fromkeys(("b", "db"), "j"),
    "J": "jmn",
    "E_sample": "n",
}
"""The letters that a name has where none are written."""
_UPDATED = ("w", "g", "v", "m", "v_hat", "m_hat", "v_before", "m_before")


@dataclass(frozen=True)
class OfLayer:
    """What the texts of one layer's lines mean."""

    problem: Problem
    own: Layered
    layer: int

    @classmethod
    def all_of(cls, problem: Problem) -> list[OfLayer]:
        """Those of every layer."""
        own = layered(problem)
        return [cls(problem, own, l) for l, _ in problem.network]

    @cached_property
    def _letters(self) -> dict[str, str]:
        letters = [*unit_letters(len(self.problem.network.sizes)), ""]
        l = self.layer
        out = {"i": letters[l - 1], "j": letters[l], "k": letters[l + 1], "n": "n"}
        jacobian = self.right.get(self.own.names.get(("J", l), ""))
        second = jacobian.left.at[1] if jacobian else None
        return out | {"m": second.letter if isinstance(second, Index) else "m"}

    @cached_property
    def right(self) -> Mapping[str, Equation]:
        """The right line of each array."""
        return {e.left.name: e for e in self.own.step.equations}

    @cached_property
    def _names(self) -> dict[str, str]:
        """The arrays of the step by what texts call them."""
        own, l, last = self.own.names, self.layer, len(self.problem.network)
        places = {name: (name, l) for name in ("a", "z", "slope", "J", "dz", "delta", "W", "b", "dW", "db", "W_new")}
        places |= {"a_below": ("a", l - 1), "W_below": ("W", l - 1), "a_above": ("a", l + 1)}
        places |= {"delta_above": ("delta", l + 1), "y": ("z", last), "delta_out": ("delta", last)}
        places |= {"below": ("z", l - 1) if l > 1 else ("x", 0)}
        places |= {name: (name, 0) for name in ("x", "t", "E_part", "E_sample")}
        return {name: own[place] for name, place in places.items() if place in own}

    def _of_parameter(self, p: str) -> dict[str, str]:
        own, l = self.own.names, self.layer
        read = f"g{p}" if own.get((f"g{p}", l)) in self.right else f"d{p}"
        kinds = {"w": p, "g": read, "raw": f"d{p}"} | {name: f"{name[0]}{p}{name[1:]}" for name in _UPDATED[2:]}
        return {name: own[kind, l] for name, kind in kinds.items() if (kind, l) in own}

    def equation(self, array: str, line: Line, each: int = 0, p: str = "W") -> Equation | None:
        """The line of an array with another right side; None where the step has no such array.

        `each` stands for {each}, `p` for the parameter that is updated.
        """
        text = line if isinstance(line, str) else line(self.problem, self.layer)
        if array == "E_sample" and array not in self.right:  # the loss of the one sample is the loss
            array, text = "E", f"Σ_n ({text})"
        right = self.right.get(array)
        if right is None:
            return None
        network = self.problem.network
        sizes = {"J": network.layer(self.layer).units, "I": network.layer(self.layer).inputs}
        mean = self.problem.training.reduction == "mean" and self.problem.samples > 1
        for what, number in (*sizes.items(), ("N", self.problem.samples), ("each", each)):
            text = text.replace(f"{{{what}}}", str(number))
        text = text.replace("{mean}", "/|n|" if mean else "")
        found = expression(self._spelled(text, self._names | self._of_parameter(p), right))
        return replace(right, right=_put(found, Ref("right", ()), right.right))

    def _spelled(self, text: str, names: Mapping[str, str], right: Equation) -> str:
        """The text with the step's own names and letters."""
        letters = self._letters

        def put(found: re.Match[str]) -> str:
            before, name, bracket = found[1] or "", found[2], found[3] or ""
            if before == "Σ_" or (name in _LETTERS and not (name == "m" and right.stage == "update")):
                return f"{before}{letters.get(name, name)}{bracket}"
            stem, _, over = name.rpartition("_")
            if stem in ("softmax", "mean", "sum"):
                return f"{stem}_{letters[over]}{bracket}"
            if name not in names:
                return found[0]
            array = names[name]
            if bracket or not self.own.step.arrays[array].extents:
                return before + array + bracket
            usual = _AT.get(name) or ("ji" if len(self.own.step.arrays[array].extents) == 2 else "j")
            return f"{before}{array}[{','.join(letters[x] for x in usual)}]"

        return _NAME.sub(put, text)


def _put(e: Expression, old: Expression, new: Expression) -> Expression:
    if e == old:
        return new
    if isinstance(e, Ref | Index):
        return e
    out: Expression = e.mapped(lambda part: _put(part, old, new))
    return out
