r"""Formulas in names made into formulas in quantities; indices in letters bound to numbers.

`w_{ij}^{(l)}` is one quantity for each binding of i, j and l; a name without a layer is one for each layer that its
index letters can count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import product
from typing import Any

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
    Transposed,
)
from derivations.layers import SAMPLES
from derivations.names import Quantity
from derivations.reading.indices import bound, index_letters, local_steps, of_one_sample
from derivations.reading.meanings import Meanings, Unknown
from derivations.reading.nodes import Applied, Derivative, SumOver, Updated, Variable, letters_in

__all__ = ["Letterbook"]

MOST_BINDINGS = 400
A_NAME = 3  # what putting numbers for its index letters costs, in parts of formulas
_OF_SAMPLE = re.compile(r"(?<=^[xy])\s*\^\s*\{\s*\(i\)\s*\}$|(?<=^\\hat\{y\})\s*\^\s*\{\s*\(i\)\s*\}$")
_OF_N = re.compile(r"_(?:n|\{n\})$")
COUNTS = ("m", "N")  # how many samples there are
_FONT = re.compile(
    r"\{\s*+\\(?:bf|rm|it)\s++(\w)\s*+\}|\\(?:bm|vec|boldsymbol|mathbf|mathsf)\s*+\{?\s*+(\\?[A-Za-z]++)\s*+\}?"
)
_SLOPE = re.compile(
    r"^(?P<base>\\?[A-Za-zσφ]++)(?:_\{?(?P<layer>\d++)\}?)?(?:'|′|’|\^\{?\\prime\}?)(?:_\{?(?P<after>\d+)\}?)?"
)
_ACTIVATION_LETTERS = ("h", "f", "g", "o", "\\sigma", "σ", "\\phi", "\\varphi", "φ", "act")
_INPUT_LAYER = re.compile(r"\^\{[(\[]?0[)\]]?\}")
_LAYER = re.compile(r"\^\s*+\{?[(\[]?\s*+(\d)\s*+[)\]]?\}?")
_GRADIENT = {"W": "dW", "b": "db", "a": "delta", "z": "dz", "x": "dz"}


class Letterbook(Meanings):
    """The formulas of one network in one notation."""

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
                yield from (letter for letter in index_letters(e.latex) if letter not in bound and letter != "L")
        elif isinstance(e, Expression):
            parts = e._parts()
            if isinstance(e, Applied):
                yield from (l for l in index_letters(e.function) if l not in bound and l != "L")
            for part in parts:
                yield from self._free(part, bound)
        elif type(e) is tuple and not isinstance(e, Quantity):
            for part in e:
                yield from self._free(part, bound)

    def bindings(
        self, trees: Iterable[Expression], spend: Callable[[int], None] = lambda parts: None
    ) -> Iterator[Mapping[str, int]]:
        """Every way to bind the free index letters so that every name is the network's; {} where there are none.

        spend: is told what each way that is tried costs, in parts of formulas, before it is, and may raise.
        """
        trees = list(trees)
        letters = self.indices(trees)
        if not letters:
            yield {}
            return
        most = max(*self.network.sizes, len(self.network))
        if len(letters) > 4 or most ** len(letters) > MOST_BINDINGS * 4:
            return
        count = A_NAME * sum(len(letters_in(tree)) for tree in trees)
        known: list[tuple[Mapping[str, int], list[bool]]] = []
        for layers in self._layers_of(trees):
            for values in product(range(1, most + 1), repeat=len(letters)):
                spend(count)
                binding = {**layers, **dict(zip(letters, values, strict=True))}
                if all(self._all_known(tree, binding) for tree in trees) and len(known) < MOST_BINDINGS:
                    known.append((binding, [self._resolves(tree, binding) for tree in trees]))
        ever = [any(column) for column in zip(*(found for _, found in known), strict=True)]
        for way, found in known:
            if all(ok or not once for ok, once in zip(found, ever, strict=True)):
                yield way

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
        indexed = [(w, index_letters(w)) for w in plain]
        letters = list(dict.fromkeys(i for _, own in indexed for i in own))
        steps = [own for w, own in indexed if len(own) == 2 and w.lstrip("\\")[:1] in "wWv"]
        steps += [own for t in trees for own in local_steps(t)]
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
            if all(at[p] == at[q] + 1 for p, q in steps) and all(
                self._fits_layer(w, at[own[0]]) for w, own in indexed if len(own) == 1
            ):
                yield {f"@{letter}": l for letter, l in at.items()}

    def _said_layers(self, trees: Iterable[Expression]) -> Iterator[tuple[str, int]]:
        """(index letter, layer) from names that do carry one: w_{kj}^{(2)} goes from layer 1 to layer 2."""
        for letters in (l for t in trees for l in letters_in(t)):
            own, found = index_letters(letters.latex), _LAYER.search(self.unpowered(letters.latex)[0])
            if found and own:
                yield own[0], int(found[1])
                if len(own) == 2:
                    yield own[1], int(found[1]) - 1

    def _needs_layer(self, written: str) -> bool:
        one = bound(written, dict.fromkeys(index_letters(written), 1), len(self.network))
        return self.strict(one) is None

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
            if set(index_letters(l.latex)) & binding.keys() and not set(index_letters(l.latex)) - binding.keys() - {"L"}
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
            by = _only(self.resolved(e.by, binding, free))
            if not isinstance(by, Name | Variable):
                raise Unknown("a derivative is by one quantity")
            return Derivative(by, self.resolved(e.operand, binding, free), e.place)
        if isinstance(e, Transposed):
            inner = self.resolved(e.operand, binding, free)
            return Matrix(tuple(zip(*inner.rows, strict=True))) if isinstance(inner, Matrix) else Transposed(inner)
        if isinstance(e, Expression):
            return type(e)(*(self.resolved(part, binding, free) for part in e._parts()))
        if type(e) is tuple:
            return tuple(self.resolved(part, binding, free) for part in e)
        return e

    def _resolved_name(self, e: Letters, binding: Mapping[str, int], free: str) -> Expression:
        if free and e.text == free:
            return Variable(free)
        squared = re.fullmatch(rf"{re.escape(free)}\^\{{?([2-9])\}}?", e.text) if free else None
        if squared:
            return Power(Variable(free), int(squared[1]))
        written = _OF_SAMPLE.sub("", e.latex) if self.problem.samples == 1 else e.latex
        if written in COUNTS and self.problem.samples == 1 and self.meaning(written) is None:
            return Number("1")
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
        own = index_letters(written)
        layers = [binding[f"@{i}"] for i in own if f"@{i}" in binding]
        put = bound(written, binding, len(self.network))
        if _INPUT_LAYER.search(put) and put.startswith(self.notation.letters["z"]):
            return f"{self.notation.letters['x']}{_INPUT_LAYER.sub('', put[len(self.notation.letters['z']) :])}"
        if not layers or "^" in written or self.strict(put) is not None:
            return put
        layer, base = layers[0], written.split("_")[0]
        if layer == 0 and base == self.notation.letters["z"]:
            return put.replace(base, self.notation.letters["x"], 1)
        for above in (f"^{{({layer})}}", f"^{{{layer}}}", f"^{{[{layer}]}}"):
            if self.strict(f"{put}{above}") is not None:
                return f"{put}{above}"
        return f"{put}^{{({layer})}}"

    def _summed(self, e: SumOver, binding: Mapping[str, int], free: str) -> Expression:
        index = e.index
        if self.problem.samples == 1 and (e.high in COUNTS or (not index and isinstance(e.body, Letters | Transposed))):
            body = self.resolved(of_one_sample(e), binding, free)  # over the samples, of which there is one
            if e.high in COUNTS or isinstance(body, Matrix):
                return body  # type: ignore[no-any-return]
        if index == SAMPLES and self.problem.samples > 1 and (own := self._of_all_samples(e.body)) is not None:
            return self.resolved(own, binding, free)  # type: ignore[no-any-return]
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

    def _of_all_samples(self, body: Expression) -> Expression | None:
        """Σ_n of E_n or of a derivative of E_n: of E, N times it where E is the mean."""
        of = body.of if isinstance(body, Partial) else body
        found = self.meaning(of.latex) if isinstance(of, Letters) and _OF_N.search(of.latex) else None
        if not isinstance(of, Letters) or found is None or found.quantity != Quantity("E"):
            return None
        whole = Letters(_OF_N.sub("", of.latex), _OF_N.sub("", of.text))
        each = Partial(whole, body.by) if isinstance(body, Partial) else whole
        mean = self.problem.training.reduction == "mean"
        return Product((Number(str(self.problem.samples)), each)) if mean else each

    def _with_layer(self, index: str, body: Expression, binding: Mapping[str, int]) -> Mapping[str, int]:
        """The binding with the layer that a sum's index counts, from the weights in it."""
        known = {i[1:] for i in binding if i[0] == "@"}
        if not known or index in known:
            return binding
        for letters in letters_in(body):
            own = index_letters(letters.latex)
            if len(own) == 2 and letters.latex.lstrip("\\")[:1] in "wWv" and "^" not in letters.latex:
                to, from_ = own
                if to == index and from_ in known:
                    return {**binding, f"@{index}": binding[f"@{from_}"] + 1}
                if from_ == index and to in known:
                    return {**binding, f"@{index}": binding[f"@{to}"] - 1}
        return binding

    def _applied(self, e: Applied, binding: Mapping[str, int], free: str) -> Expression:
        found = self.meaning(e.function) or (
            self.meaning(bound(e.function, binding, len(self.network))) if binding else None
        )
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
        if len(layers) != 1 or not self._is_function_of(found["layer"], min(layers)):
            return None
        layer = self.network.layer(min(layers))
        if not layer.activation.elementwise:
            return None
        if (
            "sigma" in found["base"]
            and found["base"] != self.notation.activation
            and layer.activation.name != "sigmoid"
        ):
            return None
        return _as_slopes(argument)

    def _is_function_of(self, named: str | None, layer: int) -> bool:
        """Whether h_1 is the activation function of a layer: its own, or one that has the same."""
        if named is None or int(named) == layer:
            return True
        known = 0 < int(named) <= len(self.network)
        return known and self.network.layer(int(named)).activation == self.network.layer(layer).activation

    def _partial(self, e: Partial, binding: Mapping[str, int], free: str) -> Expression:
        of = self.resolved(e.of, binding, free)
        wanted = e.by
        if isinstance(wanted, Letters) and not set(wanted.latex) & set("_^") and of == Name(Quantity("E")):
            outputs = Letters(
                f"{wanted.latex}^{{{len(self.network)}}}", wanted.text
            )  # of the loss by "the activations"
            wanted = (
                outputs
                if (self.array(outputs.latex) and self.meaning(wanted.latex) is None) or self._is_hidden(wanted)
                else wanted
            )
        by = self.resolved(wanted, binding, free)
        if isinstance(of, Matrix):
            of, by = _only(of), _only(by)  # of the one unit of a layer
        if isinstance(of, Variable | Applied) or isinstance(by, Variable):
            raise Unknown("a derivative in letters alone")
        if isinstance(by, Matrix) and isinstance(of, Name):
            return Matrix(tuple(tuple(self.gradient(of, entry) for entry in row) for row in by.rows))
        if isinstance(of, Name) and isinstance(by, Name):
            return self.gradient(of, by)
        raise Unknown("a derivative of several quantities at once")

    def _is_hidden(self, letters: Letters) -> bool:
        found = self.meaning(letters.latex)
        return (
            found is not None
            and found.whole
            and found.quantity.kind == "z"
            and found.quantity.layer == 1 < len(self.network)
        )

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

    @cached_property
    def biases(self) -> list[Quantity]:
        """Every bias."""
        return [q for l, layer in self.network if layer.bias for q in names.elements(self.network, "b", l, 1).flat]


def _only(e: Expression) -> Expression:
    """The entry of an array of one."""
    return e.rows[0][0] if isinstance(e, Matrix) and len(e.rows) == len(e.rows[0]) == 1 else e


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


def _renewed(e: Expression) -> Expression:
    if isinstance(e, Name) and e.quantity.kind in ("W", "b"):
        return Name(e.quantity._replace(kind=f"{e.quantity.kind}_new"))
    if isinstance(e, Matrix):
        return Matrix(tuple(tuple(_renewed(x) for x in row) for row in e.rows))
    if isinstance(e, Negative):
        return Negative(_renewed(e.operand))
    raise Unknown("only a weight or a bias is new")
