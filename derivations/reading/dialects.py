r"""A document's own letters and conventions, found in its formulas and put into Bishop's.

Which letters are pre-activations and activations is seen where a function is applied: in `o_j = \varphi(net_j)` o is
the activation.  Whether w_{ij} leads from i to j or from j to i, whether W^{(1)} follows layer 1 or leads to it, and
whether z_2 is a unit or a layer cannot be seen in one formula: these are ways to try, the one that fits best is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

from derivations.expression import Expression, Letters, Matrix, Number, Partial, Product, Transposed
from derivations.reading.indices import of_one_sample
from derivations.reading.nodes import Applied, Listed, SumOver, letters_in, rebuilt
from derivations.reading.statements import Statement

__all__ = ["Dialect", "dialects"]

Node = TypeVar("Node", bound=Expression)

_FONT = re.compile(r"\\(?:mathrm|mathbf|mathsf|mathit|mathcal|text|textrm|boldsymbol|bm|vec|operatorname)(?![A-Za-z])")
_SCRIPT = re.compile(r"([_^])\s*+(\{(?:[^{}]++|\{[^{}]*+\})*+\}|\\[A-Za-z]++|\S)")
_HAT = re.compile(r"\\(?:hat|widehat|tilde|widetilde|bar)\s*+\{?\s*+([A-Za-z])(\d*+)\s*+(?:_\{?(\w++)\}?)?\s*+\}?")
_LAYER = re.compile(r"(L|n_l|[a-z]|\d{1,2})\s*([-+]\s*\d)?")
_LOSSES = ("E", "C", "L", "J", "l", "Loss", "loss", "cost", "Error", "E_{total}", "Etotal")
_SAMPLES = ("m", "N")
_INPUTS = ("x", "i")


@dataclass(frozen=True)
class Name:
    """A name as written: its letter without fonts, what stands below and above."""

    base: str
    below: str
    above: str


def named(written: str) -> Name:
    """A name in parts: w_{ij}^{(l)} is w, ij, l."""
    first = re.search(r"[_^]", written)
    head = written[: first.start()] if first and "hat" not in written and "tilde" not in written else written
    accent = _HAT.match(written)
    if accent:
        head = written[: accent.end()]
    base = re.sub(r"[{}\s]", "", _FONT.sub("", head)) if not accent else f"^{accent[1]}"
    below, above = (accent[2] or accent[3] or "") if accent else "", ""
    digits = re.fullmatch(r"(?<![A-Za-z])([A-Za-z]++)(\d++)", base)
    if digits:
        base, below = digits[1], digits[2]
    for mark, text in _SCRIPT.findall(written[len(head) :]):
        inner = text.strip("{} ")
        if mark == "_":
            below = inner
        else:
            above = re.sub(r"[()\[\] ]", "", re.sub(r"(?<=\])\s*\(\w\)$|^[a-z]\s*,", "", inner))
    return Name(base, re.sub(r"[\s,]|\\(?:text|mathrm)", "", below).strip("{}"), above)


@dataclass(frozen=True)
class Dialect:
    """Letters by what they stand for, and conventions of indices and layers."""

    a: str
    z: str
    t: str
    E: str
    forwards: bool = False  # w_{ij} leads from i to j
    from_one: bool = False  # the inputs are layer 1, and W^{(1)} follows them
    transposed: bool = False  # so is W, the array
    layers_below: bool = False  # z_2 is of layer 2
    samples: int = 1
    single: bool = False  # every layer has one unit
    rows: bool = False  # vectors are rows, z = x W + b

    @property
    def about(self) -> str:
        """What is stated of it."""
        parts = [f"{self.a} pre-activation, {self.z} activation, {self.t} target, {self.E} loss"]
        parts += ["w_ij from i to j"] if self.forwards else []
        parts += ["W by inputs"] if self.transposed else []
        parts += ["the inputs are layer 1"] if self.from_one else []
        parts += ["an index is a layer"] if self.layers_below else []
        parts += ["vectors are rows"] if self.rows else []
        return "; ".join(parts)

    def read(self, statement: Statement) -> Statement:
        """The statement in Bishop's letters; the variable of a function's definition keeps its own."""
        if _is_definition(statement):
            return statement
        return statement.changed(self._changed)

    def _changed(self, e: Expression) -> Expression | None:
        if isinstance(e, Letters):
            return self._turned(self._name(e))
        if isinstance(e, Listed) and self.rows:
            return Transposed(Matrix(rebuilt(e.rows, self._changed)))
        if isinstance(e, Applied):
            function = named(e.function)
            if function.base == self.E:
                return Letters("E", "E")
            if function.base in (self.a, self.z, self.t):  # o_j (1 - o_j) is a product
                return Product((self._name(Letters(e.function, e.function)), rebuilt(e.argument, self._changed)))
            if function.base == "h" and re.search(r"[,Ww]|theta", function.below):  # the hypothesis h_{W,b}(x)
                return _letters("z", "", "L")
        if isinstance(e, SumOver) and self.samples == 1 and (e.high in _SAMPLES or e.index == "x"):
            body: Expression = rebuilt(of_one_sample(e), self._changed)
            return body
        return None

    def _turned(self, e: Expression) -> Expression:
        """A vector as a row, where the document has rows."""
        if not (self.rows and isinstance(e, Letters)) or "_" in e.latex:
            return e
        return Transposed(e) if re.match(r"(?:[azxt]|\\delta)(?:\^|$)", e.latex) else e

    def _name(self, e: Letters) -> Expression:
        name = named(e.latex)
        if name.base == self.E:
            return e if name.below.isdigit() and name.below != "0" else Letters("E", "E")
        if name.base in _SAMPLES and not name.below + name.above and self.samples == 1:
            return Number("1")
        letter = self._letter(name.base)
        if letter is None:
            return Letters(f"?{e.latex}", e.text) if name.base in ("a", "z", "t") else e  # Bishop's letter, not its own
        below, above = name.below, {"h": "1", "o": "L"}.get(name.above, name.above)
        if below == "o" and not above:
            below, above = "1", "L"
        if letter == "^":
            return _letters("z", below, "L")
        if self.layers_below and below and not above and letter not in ("x", "t"):
            below, above = "", below
        if self.single and not below:
            below = "11" if letter == "w" else "1"
        if letter in ("x", "t"):
            return _letters(letter, below, "")
        if letter == "w" and len(below) == 2 and self.forwards:
            below = below[::-1]
        layer = self._layer(above, letter)
        if letter == "w" and not below and self.transposed:
            return Transposed(_letters("w", "", layer))
        return _letters("x", below, "") if letter in ("a", "z") and layer == "0" else _letters(letter, below, layer)

    def _letter(self, base: str) -> str | None:
        """Bishop's letter, ^ for a prediction."""
        known = {self.a: "a", self.z: "z", self.t: "t", "\\delta": r"\delta", "δ": r"\delta"}
        if base in known:
            return known[base]
        if base == "y":
            return "^"
        if base.swapcase() in known and len(base) == 1:
            return known[base.swapcase()]
        if base[:1] == "^":
            return "^" if base[1:] != self.z else "t"
        return {"w": "w", "W": "w", "b": "b", "x": "x", "X": "x"}.get(base)

    def _layer(self, above: str, letter: str) -> str:
        if above[:1] == "m":  # the last of m layers
            above = f"L{above[1:]}"
        found = _LAYER.fullmatch(above)
        if not found or not self.from_one or letter in ("w", "b") or found[1] in ("L", "n_l"):
            return "L" if above == "n_l" else above
        steps = int((found[2] or "0").replace(" ", "")) - 1
        if found[1].isdigit():
            return str(int(found[1]) + steps)
        return f"{found[1]}{steps:+d}" if steps else found[1]


def _is_definition(statement: Statement) -> bool:
    r"""A general fact about a function, \sigma(z) = 1/(1 + e^{-z}): its one letter is a variable."""
    first = statement.sides[0].tree
    trees = [side.tree for side in statement.sides if side.tree is not None]
    letters = {l.text for tree in trees for l in letters_in(tree)} - {"e"}
    return isinstance(first, Applied) and len(letters) == 1 and not re.search(r"[_^\d]", next(iter(letters)))


def _letters(letter: str, below: str, above: str) -> Letters:
    text = letter + (f"_{{{below}}}" if below else "") + (f"^{{({above})}}" if above else "")
    return Letters(text, text)


def dialects(found: Iterable[Statement], *, samples: int = 1, single: bool = False) -> Iterator[Dialect]:
    """The dialects that a document may be written in; none where no function is applied to a name."""
    trees = [side.tree for s in found for side in s.sides if side.tree is not None]
    names = [named(l.latex) for t in trees for l in letters_in(t)]
    bases = {n.base for n in names}
    pairs = Counter(_pairs(found)) or Counter(_taken_apart(trees, bases))
    if not pairs:
        return
    (a, z), _ = pairs.most_common(1)[0]
    target = next((t for t in ("t", "y", "d") if t in bases and t != z), "t")
    losses = Counter(named(p.of.latex).base for t in trees for p in _found(t, Partial) if isinstance(p.of, Letters))
    losses.update(named(e.function).base for t in trees for e in _found(t, Applied))
    losses.update(n.base for n in names if n.base in _LOSSES)
    loss = next((base for base, _ in losses.most_common() if base in _LOSSES and base not in (a, z)), "E")
    whole = any((n.base in ("w", "W") and not n.below) or (n.base == "W" and len(n.below) == 1) for n in names)
    for rows, forwards, transposed, from_one, below in product((False, True), repeat=5):
        if (transposed and not (forwards and whole)) or (rows and not (whole and forwards == transposed)):
            continue
        if below and any(n.base in ("w", "W") and len(n.below) == 2 for n in names):
            continue
        yield Dialect(a, z, target, loss, forwards, from_one, transposed, below, samples, single, rows)


def _pairs(found: Iterable[Statement]) -> Iterator[tuple[str, str]]:
    """(pre-activation, activation) where one side is a name and the next a function of a name."""
    for s in found:
        for left, right in zip(s.sides, s.sides[1:], strict=False):
            if isinstance(left.tree, Letters) and isinstance(right.tree, Applied):
                inner = right.tree.argument
                if isinstance(inner, Letters) and named(right.tree.function).base not in _LOSSES:
                    a, z = named(inner.latex).base, named(left.tree.latex).base
                    word = re.fullmatch(r"[A-Za-z]{3,}", named(left.tree.latex).below)  # y_{pred} says nothing of y
                    if a.lower() != z.lower() and a not in _INPUTS and "^" not in z and not word:
                        yield _lower(a), _lower(z)


def _taken_apart(trees: Iterable[Any], bases: set[str]) -> Iterator[tuple[str, str]]:
    """The same where functions are applied inside of sums alone: activations are then called z, o, y, a or h."""
    for applied in (e for t in trees for e in _found(t, Applied)):
        if isinstance(applied.argument, Letters) and named(applied.function).base not in _LOSSES:
            a = _lower(named(applied.argument.latex).base)
            z = next((b for b in ("o", "z", "a", "h", "y") if b in bases and b != a), "")
            if z and a not in _INPUTS:
                yield a, z


def _lower(base: str) -> str:
    return base.lower() if len(base) == 1 else base


def _found(e: Any, kind: type[Node]) -> Iterator[Node]:
    """Every node of a kind."""
    if isinstance(e, kind):
        yield e
    parts = e._parts() if isinstance(e, Expression) else e if type(e) is tuple else ()
    for part in parts:
        yield from _found(part, kind)
