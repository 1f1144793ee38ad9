r"""Names read back from a notation: LaTeX, Unicode or plain text to our quantities.

Every base name (w, b, a, z, x, t, E, delta) of a network is written once in the notation, in its own form and in the
plain forms people type, and looked up by a key that LaTeX, Unicode and plain text share: `\delta_{1}^{(2)}`,
`δ²₁` and `delta_1^(2)` have the key `delta^2_1`.  What is built from base names is read by its shape: a partial
derivative, a new value, h'(a), an optimizer's state.  What the notation writes comes before other spellings; a
spelling of two quantities is read as neither.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from derivations import names
from derivations.names import CONSTANTS, KINDS, Quantity
from derivations.network import BiasForm, Network
from derivations.notation import NOTATIONS, Notation, plain

__all__ = ["DERIVATIVES", "PARTIAL", "NotationNames", "cleaned", "closing_brace"]

LONGEST = 200
MOST_NAMES = 4000
REMEMBERED = 10_000
DEEPEST = 3  # names within a name: the new value, by a partial derivative, of a slope
_SUPER = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾⁼ⁿ", "0123456789+-()=n", strict=True))
_SUB = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎₌ₕₒ", "0123456789+-()=ho", strict=True))
_GREEK = {"δ": "delta", "θ": "theta", "ϑ": "theta", "σ": "sigma", "η": "eta", "β": "beta", "μ": "mu", "τ": "tau"}
_GREEK |= {"ε": "epsilon", "ϵ": "epsilon", "𝜕": "∂", "ℒ": "L", "′": "'", "’": "'", "−": "-"}
_CONSTANTS = {"eta": ("lr", "learning_rate", "learningrate"), "mu": ("momentum",)}
_LOSSES = ("E", "L", "C", "J", "loss", "Loss", "cost", "Etotal", "E_total", "E_{total}", "Ltotal", "C_total")
_MARKS = re.compile(r"\|_?\{?(?:n=(\d{1,7}))?,?(?:\\?tau=(\d{1,9}))?\}?$|((?:[@#]\d{1,9}){1,4})$", re.ASCII)
_NEW = re.compile(r"[\^_]?\{{0,9}(?:\(new\)|new)\}{0,9}$|\^?\{{0,9}\+\}{0,9}$|'{1,9}$|[_^]\{?\(?new\)?\}?(?=\[|_|\^)")
_STATE = re.compile(r"^(m|v)(_?hat)?\[(.+)\]")
_SLOPE = re.compile(r"(?:h|f|g|sigma|phi|act)(?:_\{?\d{1,4}\}?)?(?:\^\{?\(?\[?\d{1,4}\]?\)?\}?)?'\((.+)\)")
PARTIAL = re.compile(r"^[∂d](.+?)/[∂d](.++)", re.DOTALL)
DERIVATIVES = {"W": "dW", "b": "db", "a": "delta", "z": "dz"}
"""What the derivative of the loss by a quantity is, by kinds."""
_SCRIPT = re.compile(r"([\^_])(?:\{([^{}]*)\}|\((\w+)\)|\[(\w+)\]|([A-Za-z]*\d+(?:,\d+)*|[A-Za-z]+))")


class NotationNames:
    """The names of one network in one notation.

    wholes: also names of whole arrays, which a formula in matrices reads for itself.
    Raises NotationError for a network that the notation cannot write, ValueError for one with too many names.
    """

    def __init__(self, network: Network, notation: Notation, *, wholes: bool = False) -> None:
        notation.check(network)
        self.network, self.notation, self.wholes = network, notation, wholes
        self._table = _table_of(network, notation)
        self._arrays = self._named_arrays() if wholes and notation.layered else {}

    def read(self, written: str) -> Quantity | None:
        """The quantity that a name stands for, with its sample and step; None for what is no name here."""
        if len(written) > LONGEST:
            return None
        name, sample, step = _marked(written)
        q = self._read(name)
        if q is None or sample is None:
            return q
        kind = "E_sample" if q.kind == "E" and sample else q.kind
        return q._replace(kind=kind, sample=sample, step=step or 1)

    def _read(self, name: str, depth: int = DEEPEST) -> Quantity | None:
        key = _key(name)
        q = self._table.get(key) or self._arrays.get(key)
        if q or not depth:
            return q
        if (of_one := _LOSS_OF_ONE.fullmatch(name)) and (q := self._read(_without_sample(of_one), 0)):
            return q if q.kind in ("E", "E_part") else None
        return next((q for shape, parts in _shapes(name) if (q := self._built(shape, parts, depth - 1))), None)

    def _built(self, shape: str, parts: tuple[str, ...], depth: int) -> Quantity | None:
        match shape:
            case "partial":
                return self._partial(parts, depth)
            case "state":
                return self._state(parts, depth)
            case "slope":
                return self._slope(parts, depth)
            case _:
                return self._new(parts, depth)

    def _partial(self, parts: tuple[str, ...], depth: int) -> Quantity | None:
        of = self._read(parts[0], depth)
        by = self._read(parts[1], depth) if of else None
        if of is None or by is None:
            return None
        if by.kind == "x":
            by = Quantity("z", 0, by.indices)
        last = len(self.network)
        own_part = of.kind == "E_part" and by.layer == last and by.kind in ("a", "z") and of.indices == by.indices
        softmax = not self.network.layer(last).activation.elementwise
        if of.kind == "E" or (own_part and not (softmax and by.kind == "a")):
            kind = DERIVATIVES.get(by.kind)
            return by._replace(kind=kind) if kind else None
        if (of.kind, by.kind) != ("z", "a") or of.layer != by.layer:
            return None
        if not self.network.layer(of.layer).activation.elementwise:
            return Quantity("J", of.layer, of.indices + by.indices)
        return of._replace(kind="slope") if of.indices == by.indices else None

    def _state(self, parts: tuple[str, ...], depth: int) -> Quantity | None:
        letter, hat, of = parts
        q = self._read(of, depth)
        return q._replace(kind=f"{letter}{q.kind}{'_hat' * bool(hat)}") if q and _parameter(q) else None

    def _slope(self, parts: tuple[str, ...], depth: int) -> Quantity | None:
        q = self._read(parts[0], depth)
        elementwise = q is not None and q.kind == "a" and self.network.layer(q.layer).activation.elementwise
        return q._replace(kind="slope") if q and elementwise else None

    def _new(self, parts: tuple[str, ...], depth: int) -> Quantity | None:
        q = self._read(parts[0], depth)
        return q._replace(kind=f"{q.kind}_new") if q and _parameter(q) else None

    def _named_arrays(self) -> dict[str, Quantity]:
        """Whole arrays, `dz^{[2]}` or `dZ2`, in notations that write the layer on the letter itself."""
        writing, out = _Writing(self.network, self.notation), dict[str, Quantity]()
        for l, layer in self.network:
            for kind in ("a", "z", "W", "delta", "dW", "dz", *(("b", "db") if layer.bias else ())):
                q = Quantity(kind, l)
                out |= {key: q for key in writing.spellings(q) if key.endswith("_")}  # delta_2 may be unit 2
        return out


# --- the table of base names ---


@dataclass(frozen=True)
class _Writing:
    """A network in a notation."""

    network: Network
    notation: Notation

    def table(self) -> dict[str, Quantity]:
        """Every base name by its key; a spelling of two quantities is left out, what the notation writes is not."""
        table: dict[str, Quantity] = {}
        more: dict[str, Quantity | None] = {}
        for q in self._bases():
            table.setdefault(_written_key(self.notation.latex(self.network, q)), q)
            for key in self.spellings(q):
                if more.setdefault(key, q) != q:
                    more[key] = None
        return {key: q for key, q in more.items() if q is not None} | table

    def _bases(self) -> Iterator[Quantity]:
        """E first: of one output's E and E[1], which are written alike, E is read."""
        network, count = self.network, 0
        yield from (Quantity(letter) for letter in CONSTANTS)
        places = [("E", 0), ("E_part", 0), ("t", 0), ("x", 0)]
        for l, layer in network:
            places += [(kind, l) for kind in ("a", "z", "W", "delta", "dW", "dz", *(("b", "db") if layer.bias else ()))]
        for kind, l in [*places, ("dz", 0)]:
            if kind == "E_part" and network.loss.parts is None:
                continue
            for q in names.elements(network, kind, l, 1).flat:
                count += 1
                if count > MOST_NAMES:
                    raise ValueError(f"a network of more than {MOST_NAMES} names; write names such as dW1[1,2]")
                yield q

    def spellings(self, q: Quantity) -> Iterator[str]:
        """The keys of the other forms that people type."""
        kind, layer, indices, _, _ = q
        if kind in CONSTANTS or kind == "E":
            yield from map(_written_key, _LOSSES if kind == "E" else _CONSTANTS.get(kind, ()))
            return
        number = str(layer) if KINDS[kind].layered else ""
        for letter in self._letters(q):
            yield from _placed(letter, number, indices)
        if kind == "z" and layer == len(self.network):
            digits, commas, outside = _digits(indices), ",".join(map(str, indices)), _outside(indices)
            for letter in self._output(q) if indices else ():
                yield from map(_key, (f"{letter}{digits}", f"{letter}_{{{commas}}}", f"{letter}{outside}"))
            if self.network.sizes[-1] == 1:
                yield _key("yhat")
            if "y" not in self.notation.letters.values():
                yield _key(f"y{digits}")  # an output, typed without its script
        typed = _typed_key(self.notation.latex(self.network, q))
        if typed:
            yield typed

    def _letters(self, q: Quantity) -> list[str]:
        """The letters of a kind: the notation's own, in upper and lower case, and d of what it is the derivative by."""
        letters = self.notation.letters
        kind = "x" if q.kind == "z" and not q.layer else q.kind
        theta = q.layer and kind in ("b", "db") and names.stem(self.network, "b", q.layer) == "theta"
        own = [letters[kind]] if kind in letters else []
        if theta:
            own = [letters.get("theta", "theta")] if kind == "b" else [f"d{letters.get('theta', 'theta')}"]
        by = {"dW": "W", "db": "b", "dz": "z", "delta": "a"}.get(kind)
        if by and not theta:
            own += [f"d{case}" for case in _cases(letters[by if q.layer or by != "z" else "x"])]
        if kind == "E_part":
            own = [letters.get("E_part", letters["E"]), "E", "E_o"]
        if kind == "z" and q.layer == len(self.network):
            return [case for letter in own for case in _cases(letter)] + self._output(q)
        return [case for letter in own for case in _cases(letter)]

    def _output(self, q: Quantity) -> list[str]:
        """The letters of an output: y with a hat, y where it is not the target, p of a softmax."""
        taken = "y" in (self.notation.letters.get("t"), self.notation.letters.get("z"))
        softmax = not self.network.layer(q.layer).activation.elementwise
        return [*([] if taken else ["y"]), "yhat", *(["p"] if softmax else [])]


def _table_of(network: Network, notation: Notation) -> Mapping[str, Quantity]:
    """The base names of a network, made once for all networks that are written alike in a notation."""
    writing = _Writing(network, notation)
    if notation is not NOTATIONS.get(notation.name):
        return writing.table()
    biases = tuple(layer.bias for _, layer in network)
    softmax = not network.layer(len(network)).activation.elementwise
    return _shared_table(_Alike(notation.name, network.sizes, biases, softmax, network.loss.parts is None, writing))


@dataclass(frozen=True)
class _Alike:
    """All that the base names of a network depend on."""

    notation: str
    sizes: tuple[int, ...]
    biases: tuple[BiasForm | None, ...]
    softmax: bool
    undivided: bool  # the loss has no parts
    writing: _Writing = field(compare=False)


@lru_cache(maxsize=16)
def _shared_table(alike: _Alike) -> Mapping[str, Quantity]:
    return alike.writing.table()


def _digits(indices: tuple[int, ...]) -> str:
    return "".join(map(str, indices)) if all(i < 10 for i in indices) else ""


def _outside(indices: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, indices))}]" if indices else ""


@lru_cache(maxsize=REMEMBERED)
def _placed(letter: str, number: str, indices: tuple[int, ...]) -> tuple[str, ...]:
    """The keys of a letter with its layer and indices, however they are put on it."""
    return tuple(dict.fromkeys(map(_key_of, _ways(letter, number, indices))))


def _ways(letter: str, number: str, indices: tuple[int, ...]) -> Iterator[str]:
    yield f"{letter}{number}{_outside(indices)}"
    if not indices:
        yield from (f"{letter}_{number}", f"{letter}^{number}") if number else ()
        return
    yield f"{letter}{number}_{{{'_'.join(map(str, indices))}}}"
    yield "".join([letter, f"[{number}]" if number else "", *(f"[{i}]" for i in indices)])
    for part in dict.fromkeys((_digits(indices), ",".join(map(str, indices)))):
        if part:
            yield f"{letter}{number}_{{{part}}}"
            yield f"{letter}^{{{number}}}_{{{part}}}" if number else f"{letter}_{{{part}}}"
    if not number and len(indices) == 1:
        yield f"{letter}{indices[0]}"


@lru_cache(maxsize=REMEMBERED)
def _written_key(latex: str) -> str:
    return _key_of(cleaned(latex))


@lru_cache(maxsize=REMEMBERED)
def _typed_key(latex: str) -> str:
    """The key of w5 for w_5, of neth1 for net_h1; "" for a name that is not typed so."""
    written = plain(latex)
    return _key_of(written.replace("_", "")) if re.fullmatch(r"^[A-Za-z]++_[a-z]?\d++", written) else ""


def _cases(letter: str) -> list[str]:
    """w and W, z and Z, dz and dZ; words stay as they are."""
    bare = cleaned(letter)
    out = [bare]
    if len(bare) == 1:
        out.append(bare.swapcase())
    elif len(bare) == 2 and bare[0] == "d":
        out.append(f"d{bare[1].swapcase()}")
    return out


def _parameter(q: Quantity | None) -> bool:
    return q is not None and q.kind in ("W", "b")


@lru_cache(maxsize=REMEMBERED)  # each notation reads the same names
def _marked(written: str) -> tuple[str, int | None, int]:
    """A name cleaned and without its marks, the sample that they say (None where there are no marks), and the step."""
    name = cleaned(written)
    marks = _MARKS.search(name)
    if not marks or not marks[0]:
        return name, None, 0
    found = dict(re.findall(r"([@#])(\d+)", marks[3] or ""))
    return name[: marks.start()], int(marks[1] or found.get("@", 0)), int(marks[2] or found.get("#", 0))


@lru_cache(maxsize=REMEMBERED)  # whatever the notation is
def _shapes(name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """How a name may be built from others: by each shape that it has, the names and marks in it."""
    shapes = {"partial": PARTIAL.fullmatch(name), "state": _STATE.fullmatch(name), "slope": _SLOPE.fullmatch(name)}
    out = [(shape, tuple(part or "" for part in found.groups())) for shape, found in shapes.items() if found]
    new = _NEW.search(name)
    bare = (name[: new.start()] + name[new.end() :]).rstrip(",") if new and new.start() else ""
    bare += "}" * (bare.count("{") - bare.count("}"))  # ^{(2),new} has lost its brace with the mark
    return (*out, ("new", (bare.replace(",}", "}"),))) if bare else tuple(out)


@lru_cache(maxsize=REMEMBERED)  # each notation reads the same names
def cleaned(written: str) -> str:
    """One spelling for LaTeX, Unicode and plain text: no blanks, Greek letters by name, fractions as a/b."""
    text = "".join(written.split()) if "\\" not in written else re.sub(r"\s+", " ", written)
    text = text.strip(" $'\"`" if text.startswith(("'", '"', "`", "$")) else ' $"`')
    if not text.isascii():
        text = _scripts_written_out(text)
    if "\\" in text:
        text = _without_latex(text)
    return "".join(text.split()).replace("y_hat", "yhat")


def _scripts_written_out(text: str) -> str:
    for table, mark in ((_SUPER, "^"), (_SUB, "_")):
        text = re.sub(
            f"[{''.join(table)}]+",
            lambda m, table=table, mark=mark: f"{mark}{{{''.join(table[c] for c in m[0])}}}",  # type: ignore[misc]
            text,
        )
    text = re.sub(r"(\w)\u0302", r"\1hat", unicodedata.normalize("NFKD", text))
    return "".join(_GREEK.get(c, c) for c in unicodedata.normalize("NFKC", text))


def _without_latex(text: str) -> str:
    text = re.sub(r"\\(?:[rl]?vert(?![A-Za-z])|\|)", "|", text)
    text = re.sub(r"\\(?:left\.?|right|displaystyle|!|,|;|:| )", "", text)
    text = re.sub(r"\\(?:mathit|mathrm|mathcal|mathbf|boldsymbol|operatorname|text) ?", "", text)
    text = re.sub(r"\\hat ?\{?(\w)\}?", r"\1_hat", text)
    text = re.sub(r"\\[dt]?frac ?\{", "\\\\frac{", text)
    while (start := text.find("\\frac{")) >= 0:
        middle = closing_brace(text, start + 5)
        end = closing_brace(text, middle + 1) if middle > 0 and text[middle + 1 : middle + 2] == "{" else -1
        if end < 0:
            return ""
        text = f"{text[:start]}{text[start + 6 : middle]}/{text[middle + 2 : end]}{text[end + 1 :]}"
    text = re.sub(r"\\prime", "'", text)
    return re.sub(r"\\partial ?", "∂", text).replace("\\varepsilon", "epsilon").replace("\\", "")


def closing_brace(text: str, start: int) -> int:
    """Where the brace that opens at `start` closes, -1 where it does not."""
    depth = 0
    for k in range(start, len(text)):
        depth += (text[k] == "{") - (text[k] == "}")
        if depth == 0:
            return k
    return -1


_LOSS_OF_ONE = re.compile(r"(?P<loss>[^_\s]{1,20})_\{?n(?:,(?P<k>\d{1,6}))?\}?", re.ASCII)
"""E_n, C_{n,1}: the loss of one sample where n counts them, which a derivation writes of the sample at hand."""


def _without_sample(found: re.Match[str]) -> str:
    return f"{found['loss']}_{{{found['k']}}}" if found["k"] else found["loss"]


def _key_of(name: str) -> str:
    """base^above_below and what follows, whatever the order and the braces they were written with."""
    above = below = ""

    def taken(found: re.Match[str]) -> str:
        nonlocal above, below
        content = next(part for part in found.groups()[1:] if part is not None).strip("()[] ")
        if found[1] == "^":
            above += content
        else:
            below += content if not below or content in ("hat",) else f"_{content}"
        return ""

    base = _SCRIPT.sub(taken, name)
    base = base.replace("{", "").replace("}", "")
    return f"{base}^{above}_{below}"


_key = lru_cache(maxsize=REMEMBERED)(_key_of)
"""The same for names as they come, of which many come again."""
