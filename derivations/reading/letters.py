r"""Names as written made into quantities of a network, under one notation; indices in letters bound to numbers.

`w_{11}^{(2)}` is a quantity; `w_{ij}^{(l)}` is one for each binding of i, j and l; `\mathbf{W}^{(2)}` is a whole array.
A bare digit above, `y^2`, is a power unless the notation writes layers so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from derivations import names
from derivations.expression import (
    Expression,
    Letters,
    Matrix,
    Name,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Sum,
)
from derivations.name_reading import NotationNames
from derivations.names import Quantity
from derivations.network import Problem
from derivations.notation import Notation, notation_of
from derivations.reading.nodes import Applied, Derivative, SumOver, Updated, letters_in

__all__ = ["Letterbook", "Unknown", "Variable"]

MOST_BINDINGS = 400
_SUPER = re.compile(r"\^\s*(?:\{\s*([^{}]*)\s*\}|([^\s{}]))")
_SUB = re.compile(r"_\s*(?:\{\s*([^{}]*(?:\{[^{}]*\}[^{}]*)*)\s*\}|(\d+|[A-Za-z]\d*))")
_FONT = re.compile(r"\{\s*\\(?:bf|rm|it)\s+(\w)\s*\}|\\(?:bm|vec|boldsymbol|mathbf|mathsf)\s*\{?\s*(\\?[A-Za-z]+)\s*\}?")
_HAT = re.compile(r"\\(?:hat|widehat)\s*\{?\s*(?:\\(?:mathbf|boldsymbol|bm)\s*\{?)?\s*([A-Za-z])\s*\}{0,2}")
_POWERED = re.compile(r"\^\s*\{?\s*([23])\s*\}?(?![\d\w])")
_INDEX = re.compile(r"[i-nj-npqrsabcL]")  # h and o name units, not numbers
_SLOPE = re.compile(
    r"(?P<base>\\?[A-Za-zσφ]+)(?:_\{?(?P<layer>\d+)\}?)?(?:'|′|’|\^\{?\\prime\}?)(?:_\{?(?P<after>\d+)\}?)?"
)
_ACTIVATION_LETTERS = ("h", "f", "g", "o", "\\sigma", "σ", "\\phi", "\\varphi", "φ", "act")
_JACOBIAN = re.compile(r"J\^\{?[(\[]?(\d+)[)\]]?\}?|J")
_INPUT_LAYER = re.compile(r"\^\{[(\[]?0[)\]]?\}")
_LAYER = re.compile(r"\^\s*\{?[(\[]?\s*(\d)\s*[)\]]?\}?")
_SAMPLE_LOSS = re.compile(r"(?:E|L|C|\\mathcal\{L\})_\{?(?:n|x|i)\}?|E_\{?(?:tot|total|\\text\{total\})\}?")
_RATES = ("\\alpha", "α", "\\epsilon", "\\lambda", "\\gamma", "\\mu", "\\rho", "lr", "\\ell")
_GRADIENT = {"W": "dW", "b": "db", "a": "delta", "z": "dz", "x": "dz"}


class Unknown(ValueError):
    """A name that is no quantity of the network in this notation."""


class Variable(Expression):
    """The variable of a function's definition, `a` in h(a) = ..."""

    __slots__ = ("text",)
    __match_args__ = ("text",)
    text: str


class Meaning(NamedTuple):
    """A quantity, or with `whole` every entry of its array, to a power."""

    quantity: Quantity
    whole: bool = False
    power: int = 1


class Letterbook:
    """The names of one network in one notation.  Raises NotationError and ValueError as `NotationNames`."""

    def __init__(self, problem: Problem, notation: str) -> None:
        self.problem, self.network = problem, problem.network
        self.notation: Notation = notation_of(problem, notation)
        self._names = NotationNames(self.network, self.notation)
        self._known: dict[str, Meaning | None] = {}
        self.layers_above = notation in ("nielsen", "uy")  # a bare digit above is a layer

    # --- one name ---

    def meaning(self, written: str) -> Meaning | None:
        """What a name stands for, None where it is no name here."""
        if written not in self._known:
            self._known[written] = self._meaning(written)
        return self._known[written]

    def _meaning(self, written: str) -> Meaning | None:
        bare = _FONT.sub(lambda m: m[1] or m[2], written)
        ways = [self._strict, self._powered] if self.layers_above else [self._powered, self._strict]
        for way in (*ways, self._array, self._layerless):
            found = way(bare)
            if found:
                return found
        if _SAMPLE_LOSS.fullmatch(bare):
            return Meaning(Quantity("E"))
        hat = _HAT.match(bare)
        if hat:
            return self._meaning_of_output(bare[hat.end() :]) or self._meaning(f"{hat[1]}{bare[hat.end() :]}")
        return Meaning(Quantity("eta")) if bare in _RATES and self._names.read(bare) is None else None

    def _meaning_of_output(self, scripts: str) -> Meaning | None:
        """A prediction under a hat is the network's output, whatever its letter."""
        L, found = len(self.network), _SUB.search(scripts)
        index = (found[1] or found[2]) if found else ""
        if index and not index.isdigit():
            return None
        q = Quantity("z", L, (int(index),) if index else (1,))
        return Meaning(q, whole=not index and self.network.sizes[-1] > 1) if q.indices[0] <= self.network.sizes[-1] else None

    def _strict(self, written: str) -> Meaning | None:
        q = self._names.read(written)
        return Meaning(self._single(q)) if q else None

    def _single(self, q: Quantity) -> Quantity:
        return q

    def _powered(self, written: str) -> Meaning | None:
        found = _POWERED.search(written)
        if not found:
            return None
        rest = written[: found.start()] + written[found.end() :]
        q = self._names.read(rest)
        return Meaning(q, power=int(found[1])) if q and q.kind != "E" else None

    def _array(self, written: str) -> Meaning | None:
        if "_" in written:
            return None
        jacobian = _JACOBIAN.fullmatch(written)
        if jacobian:
            l = int(jacobian[1] or len(self.network))
            known = 0 < l <= len(self.network) and not self.network.layer(l).activation.elementwise
            return Meaning(Quantity("J", l, (1, 1)), whole=True) if known else None
        base, scripts = _split(written)
        for index in ("_{11}", "_{1}"):
            for text in (f"{base}{index}{scripts}", f"{base}{scripts}{index}"):
                q = self._names.read(text)
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
                q = self._names.read(f"{written}{above}")
                whole = q is None
                if q is None and "_" not in written:
                    found_array = self._array(f"{written}{above}")
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

    # --- formulas ---

    def indices(self, trees: Iterable[Expression]) -> list[str]:
        """The index letters that names carry and no sum sign binds, in order."""
        out: dict[str, None] = {}
        for tree in trees:
            for letter in self._free(tree, frozenset()):
                out[letter] = None
        return list(out)

    def _free(self, e: Any, bound: frozenset[str]) -> Iterator[str]:
        if isinstance(e, SumOver):
            yield from self._free(e.body, bound | {e.index} if e.index else bound)
        elif isinstance(e, Letters):
            if self.meaning(e.latex) is None:
                yield from (letter for letter in _index_letters(e.latex) if letter not in bound and letter != "L")
        elif isinstance(e, Expression):
            parts = e._parts()
            if isinstance(e, Applied):
                yield from (l for l in _index_letters(e.function) if l not in bound and l != "L")
            for part in parts:
                yield from self._free(part, bound)
        elif type(e) is tuple and not isinstance(e, Quantity):
            for part in e:
                yield from self._free(part, bound)

    def bindings(self, trees: Iterable[Expression]) -> Iterator[Mapping[str, int]]:
        """Every way to bind the free index letters so that each name is one of the network's; {} where there are none."""
        trees = list(trees)
        letters = self.indices(trees)
        if not letters:
            yield {}
            return
        most = max(*self.network.sizes, len(self.network))
        if len(letters) > 4 or most ** len(letters) > MOST_BINDINGS * 4:
            return
        known: list[tuple[Mapping[str, int], list[bool]]] = []
        for layers in self._layers_of(trees):
            for values in product(range(1, most + 1), repeat=len(letters)):
                binding = {**layers, **dict(zip(letters, values, strict=True))}
                if all(self._all_known(tree, binding) for tree in trees) and len(known) < MOST_BINDINGS:
                    known.append((binding, [self._resolves(tree, binding) for tree in trees]))
        ever = [any(column) for column in zip(*(found for _, found in known), strict=True)]
        for binding, found in known:
            if all(ok or not once for ok, once in zip(found, ever, strict=True)):
                yield binding

    def _resolves(self, tree: Expression, binding: Mapping[str, int]) -> bool:
        try:
            self.resolved(tree, binding)
        except Unknown:
            return False
        return True

    def _layers_of(self, trees: Iterable[Expression]) -> Iterator[Mapping[str, int]]:
        """Ways to say which layer each index letter counts, where names carry no layer: {} where none needs it.

        A weight w_{kj} goes from the layer of j to that of k, the next one; x is layer 0, y and t are the last.
        """
        unpowered = [(l.latex, self.unpowered(l.latex)[0]) for t in trees for l in letters_in(t)]
        plain = [bare for written, bare in unpowered if self.meaning(written) is None and "^" not in bare]
        indexed = [(w, _index_letters(w)) for w in plain]
        letters = list(dict.fromkeys(i for _, own in indexed for i in own))
        steps = [own for w, own in indexed if len(own) == 2 and w.lstrip("\\")[:1] in "wWv"]
        steps += [own for t in trees for own in _local_steps(t)]
        said = list(self._said_layers(trees))
        free = [own for w, own in indexed if len(own) == 1 and self._needs_layer(w)]
        if not letters or not (steps or free):
            yield {}
            return
        if len(letters) > 4:
            return
        L = len(self.network)
        for layers in product(range(L + 1), repeat=len(letters)):
            at = dict(zip(letters, layers, strict=True))
            if any(letter in at and at[letter] != l for letter, l in said):
                continue
            if all(at[p] == at[q] + 1 for p, q in steps) and all(self._fits_layer(w, at[own[0]]) for w, own in indexed if len(own) == 1):
                yield {f"@{letter}": l for letter, l in at.items()}

    def _said_layers(self, trees: Iterable[Expression]) -> Iterator[tuple[str, int]]:
        """(index letter, layer) from names that do carry one: w_{kj}^{(2)} goes from layer 1 to layer 2."""
        for letters in (l for t in trees for l in letters_in(t)):
            own, found = _index_letters(letters.latex), _LAYER.search(self.unpowered(letters.latex)[0])
            if found and own:
                yield own[0], int(found[1])
                if len(own) == 2:
                    yield own[1], int(found[1]) - 1

    def _needs_layer(self, written: str) -> bool:
        one = bound(written, {letter: 1 for letter in _index_letters(written)}, len(self.network))
        return self._strict(one) is None

    def _fits_layer(self, written: str, layer: int) -> bool:
        """Whether a name without a layer can stand for something of that layer."""
        base = _FONT.sub(lambda m: m[1] or m[2], written).split("_")[0].strip("\\")
        letters = self.notation.letters
        if base == letters.get("x"):
            return layer == 0
        if base in ("y", "t", letters.get("t")):
            return layer == len(self.network)
        return layer > 0 or base == letters.get("z")

    def _all_known(self, tree: Expression, binding: Mapping[str, int]) -> bool:
        return all(
            self.meaning(self._bound(self.unpowered(l.latex)[0], binding)) is not None
            for l in letters_in(tree)
            if set(_index_letters(l.latex)) & binding.keys() and not set(_index_letters(l.latex)) - binding.keys() - {"L"}
        )

    def resolved(self, e: Any, binding: Mapping[str, int], free: str = "") -> Any:
        """The tree in quantities.  `free` is the variable of a definition.  Raises Unknown."""
        if isinstance(e, Letters):
            return self._resolved_name(e, binding, free)
        if isinstance(e, SumOver):
            return self._summed(e, binding, free)
        if isinstance(e, Updated):
            inner = self.resolved(e.operand, binding, free)
            return _renewed(inner)
        if isinstance(e, Applied):
            return self._applied(e, binding, free)
        if isinstance(e, Partial):
            return self._partial(e, binding, free)
        if isinstance(e, Derivative):
            by = self.resolved(e.by, binding, free)
            if not isinstance(by, Name | Variable):
                raise Unknown("a derivative is by one quantity")
            return Derivative(by, self.resolved(e.operand, binding, free), e.place)
        if isinstance(e, Expression):
            return type(e)(*(self.resolved(part, binding, free) for part in e._parts()))
        if type(e) is tuple:
            return tuple(self.resolved(part, binding, free) for part in e)
        return e

    def _resolved_name(self, e: Letters, binding: Mapping[str, int], free: str) -> Expression:
        if free and e.text == free:
            return Variable(free)
        written = e.latex
        found, power_apart = self.meaning(written), 1
        if found is None:
            written, power_apart = self.unpowered(written)
        if found is None and (binding or "L" in written):
            written = self._bound(written, binding)
            found = self.meaning(written)
        if found is None:
            if e.text in ("\\pi", "π"):
                return Number("pi")
            raise Unknown(f"{e.text} is no quantity of this network in the notation {self.notation.name}")
        q, whole, power = found
        tree: Expression = self._entries(q) if whole else Name(q)
        power *= power_apart
        return Power(tree, power) if power > 1 else tree

    def _entries(self, q: Quantity) -> Expression:
        extents = names.shape(self.network, q.kind, q.layer) if q.layer or q.kind != "z" else (self.network.sizes[0],)
        if len(extents) == 2:
            rows = range(1, extents[0] + 1), range(1, extents[1] + 1)
            return Matrix(tuple(tuple(Name(q._replace(indices=(j, i))) for i in rows[1]) for j in rows[0]))
        if not extents:
            return Name(q._replace(indices=()))
        return Matrix(tuple((Name(q._replace(indices=(j,))),) for j in range(1, extents[0] + 1)))

    def _bound(self, written: str, binding: Mapping[str, int]) -> str:
        """A name with its index letters bound, and its layer put on where its letters say which it is."""
        own = _index_letters(written)
        layers = [binding[f"@{i}"] for i in own if f"@{i}" in binding]
        put = bound(written, binding, len(self.network))
        if _INPUT_LAYER.search(put) and put.startswith(self.notation.letters["z"]):
            return f"{self.notation.letters['x']}{_INPUT_LAYER.sub('', put[len(self.notation.letters['z']) :])}"
        if not layers or "^" in written or self._strict(put) is not None:
            return put
        layer, base = layers[0], written.split("_")[0]
        if layer == 0 and base == self.notation.letters["z"]:
            return put.replace(base, self.notation.letters["x"], 1)
        for above in (f"^{{({layer})}}", f"^{{{layer}}}", f"^{{[{layer}]}}"):
            if self._strict(f"{put}{above}") is not None:
                return f"{put}{above}"
        return f"{put}^{{({layer})}}"

    def _summed(self, e: SumOver, binding: Mapping[str, int], free: str) -> Expression:
        index = e.index
        if not index:
            inner = self.indices([e.body])
            if len(set(inner) - binding.keys()) != 1:
                raise Unknown("a sum over what is not said")
            index = next(i for i in inner if i not in binding)
        binding = self._with_layer(index, e.body, binding)
        low = int(e.low) if e.low.isdigit() else 1
        terms: list[tuple[int, Expression]] = []
        for k in range(low, (int(e.high) if e.high.isdigit() and len(e.high) < 4 else max(self.network.sizes)) + 1):
            try:
                terms.append((1, self.resolved(e.body, {**binding, index: k}, free)))
            except Unknown:
                if k == 0:
                    continue
                if e.high.isdigit() or not terms:
                    raise
                break
        if len(terms) > MOST_BINDINGS:
            raise Unknown("a sum of too many terms")
        return terms[0][1] if len(terms) == 1 else Sum(tuple(terms))

    def _with_layer(self, index: str, body: Expression, binding: Mapping[str, int]) -> Mapping[str, int]:
        """The binding with the layer that a sum's index counts, from the weights in it."""
        known = {i[1:] for i in binding if i[0] == "@"}
        if not known or index in known:
            return binding
        for letters in letters_in(body):
            own = _index_letters(letters.latex)
            if len(own) == 2 and letters.latex.lstrip("\\")[:1] in "wWv" and "^" not in letters.latex:
                to, from_ = own
                if to == index and from_ in known:
                    return {**binding, f"@{index}": binding[f"@{from_}"] + 1}
                if from_ == index and to in known:
                    return {**binding, f"@{index}": binding[f"@{to}"] - 1}
        return binding

    def _applied(self, e: Applied, binding: Mapping[str, int], free: str) -> Expression:
        found = self.meaning(e.function) or (self.meaning(bound(e.function, binding, len(self.network))) if binding else None)
        if found and found.quantity.kind in ("E", "E_part", "E_sample"):
            return Name(found.quantity)
        argument = self.resolved(e.argument, binding, free)
        if found and not found.whole and found.quantity.kind not in ("eta", "mu"):
            value: Expression = Name(found.quantity)
            return Product((value if found.power == 1 else Power(value, found.power), argument))
        written = bound(e.function, binding, len(self.network)) if binding else e.function
        return self._slopes(written, argument) or Applied(written, argument)

    def _slopes(self, written: str, argument: Expression) -> Expression | None:
        """h'(a) of a layer's pre-activations: its slopes."""
        found = _SLOPE.fullmatch(written)
        if not found or found["base"] not in (*_ACTIVATION_LETTERS, self.notation.activation):
            return None
        layers = {q.layer for q in _pre_activations(argument)}
        if len(layers) != 1 or found["layer"] not in (None, str(min(layers))):
            return None
        layer = self.network.layer(min(layers))
        if not layer.activation.elementwise:
            return None
        if "sigma" in found["base"] and found["base"] != self.notation.activation and layer.activation.name != "sigmoid":
            return None
        return _as_slopes(argument)

    def _partial(self, e: Partial, binding: Mapping[str, int], free: str) -> Expression:
        of = self.resolved(e.of, binding, free)
        wanted = e.by
        if isinstance(wanted, Letters) and not set(wanted.latex) & set("_^") and of == Name(Quantity("E")):
            outputs = Letters(f"{wanted.latex}^{{{len(self.network)}}}", wanted.text)  # of the loss by "the activations"
            wanted = outputs if self._array(outputs.latex) and self.meaning(wanted.latex) is None or self._is_hidden(wanted) else wanted
        by = self.resolved(wanted, binding, free)
        if isinstance(of, Variable | Applied) or isinstance(by, Variable):
            raise Unknown("a derivative in letters alone")
        if isinstance(by, Matrix) and isinstance(of, Name):
            return Matrix(tuple(tuple(self.gradient(of, entry) for entry in row) for row in by.rows))
        if isinstance(of, Name) and isinstance(by, Name):
            return self.gradient(of, by)
        raise Unknown("a derivative of several quantities at once")

    def _is_hidden(self, letters: Letters) -> bool:
        found = self.meaning(letters.latex)
        return found is not None and found.whole and found.quantity.kind == "z" and found.quantity.layer == 1 < len(self.network)

    def gradient(self, of: Expression, by: Expression) -> Expression:
        """d of / d by as the quantity that it is: dW, delta, a slope; else as it stands."""
        if not isinstance(of, Name) or not isinstance(by, Name):
            raise Unknown("a derivative is of one quantity by another")
        p, q = of.quantity, by.quantity
        if p.kind == "E" and q.kind in _GRADIENT and (q.kind != "x"):
            return Name(q._replace(kind=_GRADIENT[q.kind]))
        if (p.kind, q.kind) == ("z", "a") and p.layer == q.layer:
            if not self.network.layer(p.layer).activation.elementwise:
                return Name(p._replace(kind="J", indices=p.indices + q.indices))
            if p.indices == q.indices:
                return Name(p._replace(kind="slope"))
        return Partial(of, by)

    @cached_property
    def parameters(self) -> list[Quantity]:
        """Every weight."""
        return [q for l, _ in self.network for q in names.elements(self.network, "W", l, 1).flat]


def _pre_activations(e: Expression) -> Iterator[Quantity]:
    """The quantities of a name or an array of names, nothing where one of them is no pre-activation."""
    entries = [e] if isinstance(e, Name) else [x for row in e.rows for x in row] if isinstance(e, Matrix) else []
    own = [x.quantity for x in entries if isinstance(x, Name)]
    if len(own) == len(entries) and all(q.kind == "a" for q in own):
        yield from own


def _as_slopes(e: Expression) -> Expression:
    if isinstance(e, Matrix):
        return Matrix(tuple(tuple(_as_slopes(x) for x in row) for row in e.rows))
    assert isinstance(e, Name)
    return Name(e.quantity._replace(kind="slope"))


def _local_steps(e: Any) -> Iterator[list[str]]:
    """[k, j] of each d a_k / d a_j: from a layer to the next."""
    if isinstance(e, Partial) and isinstance(e.of, Letters) and isinstance(e.by, Letters):
        of, by = (_index_letters(side.latex) for side in (e.of, e.by))
        same = e.of.latex.split("_")[0] == e.by.latex.split("_")[0]
        if len(of) == len(by) == 1 and of != by and same and "^" not in e.of.latex + e.by.latex:
            yield [*of, *by]
    parts = e._parts() if isinstance(e, Expression) else e if type(e) is tuple else ()
    for part in parts:
        yield from _local_steps(part)


def _renewed(e: Expression) -> Expression:
    if isinstance(e, Name) and e.quantity.kind in ("W", "b"):
        return Name(e.quantity._replace(kind=f"{e.quantity.kind}_new"))
    if isinstance(e, Matrix):
        return Matrix(tuple(tuple(_renewed(x) for x in row) for row in e.rows))
    if isinstance(e, Negative):
        return Negative(_renewed(e.operand))
    raise Unknown("only a weight or a bias is new")


def _split(written: str) -> tuple[str, str]:
    at = written.find("^")
    return (written, "") if at < 0 else (written[:at], written[at:])


def _index_letters(written: str) -> list[str]:
    """The letters among a name's scripts that stand for numbers: i and j of w_{ij}, not h of net_{h1}."""
    out: list[str] = []
    for found in (*_SUB.finditer(written), *_SUPER.finditer(written)):
        content = next(g for g in found.groups() if g is not None)
        content = re.sub(r"\\[A-Za-z]+", " ", content).replace("ell", " ")
        for word in re.findall(r"[A-Za-z]+\d*", content):
            if word in ("T", "new") or re.fullmatch(r"[hoixtb]\d+", word) or (word.isalpha() and len(word) > 3):
                continue
            if re.fullmatch(r"total|out|net|in|tot|hid", word):
                continue
            out += [letter for letter in word if _INDEX.fullmatch(letter)]
    return list(dict.fromkeys(out))


def bound(written: str, binding: Mapping[str, int], depth: int) -> str:
    """A name with its index letters replaced by numbers: w_{ij}^{(l)} is w_{12}^{(2)}."""
    values = {"L": depth, **binding}
    wide = any(v > 9 for v in binding.values())

    def put(found: re.Match[str]) -> str:
        content = next(g for g in found.groups() if g is not None)
        mark = found[0][0]
        if mark == "_":
            parts = re.findall(r"\d+|[A-Za-z]|[^A-Za-z\d]", content)
            replaced = [str(values.get(part, part)) for part in parts]
            apart = "," if wide and "," not in content else ""
            return f"_{{{apart.join(replaced)}}}"
        return f"^{{{_worked_out(re.sub(r'[A-Za-z]', lambda m: str(values.get(m[0], m[0])), content))}}}"

    return _SUPER.sub(put, _SUB.sub(put, written))


def _worked_out(content: str) -> str:
    """2+1 is 3: a layer next to another."""
    return re.sub(r"(\d+)\s*([-+])\s*(\d+)", lambda m: str(int(m[1]) + int(m[3]) * (1 if m[2] == "+" else -1)), content)


