"""The derivation in vectors and matrices, with shapes: one line for a layer where there was one for each unit.

Of several samples trained together it is written once more for all of them, a column of A, Z and Δ a sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derivations import names
from derivations.chains import Chain, Line, Part
from derivations.expression import (
    Entrywise,
    Expression,
    Letters,
    Matrix,
    Negative,
    Number,
    Over,
    Partial,
    Product,
    Quotient,
    Ref,
    Sum,
    Transposed,
    letter,
)
from derivations.layer_form import batch_sentence, function_parts, mean_or_sum
from derivations.layers import layered
from derivations.names import Quantity
from derivations.network import Problem

__all__ = ["matrix_parts"]

Shown = Mapping[Quantity, str]
_CAPITALS = {"a": "A", "z": "Z", "x": "X", "delta": "D", "t": "T", "h": "H", "slope": "H'", "dz": "dZ"}


def matrix_parts(own: Problem, shown: Shown | None, whole: Problem | None, all_shown: Shown | None) -> tuple[Part, ...]:
    """The forward pass and, layer by layer from the last, delta, the gradients and the signal below.

    `own` is the problem of one sample, `whole` that of several trained together, None for one.
    """
    parts = _MatrixForm(own, shown).parts()
    return parts + _MatrixForm(whole, all_shown, columns=True).batch_parts() if whole else parts


def _matrix(kind: str, layer: int = 0) -> Ref:
    """A vector or matrix; which letter it has, the notation says."""
    return Ref(f"{kind}#{layer}", ())


@dataclass
class _MatrixForm:
    """Writes the lines of one sample, or with `columns` of all of them."""

    problem: Problem
    shown: Shown | None
    columns: bool = False

    def __post_init__(self) -> None:
        self.network, self.L = self.problem.network, len(self.problem.network)

    def vector(self, kind: str, layer: int = 0) -> Ref:
        """A vector of one sample, or the matrix of all."""
        return _matrix(_CAPITALS[kind] if self.columns else kind, layer)

    # --- one sample ---

    def parts(self) -> tuple[Part, ...]:
        said = (
            "A function of a vector is of each of its entries; ",
            Letters(r"\odot", "⊙"),
            " multiplies entry by entry.",
        )
        elementwise = all(layer.activation.elementwise for _, layer in self.network)
        forward = Part("matrix_forward", tuple(self._forward()), sentences=(said,) if elementwise else ())
        parts = [forward, *function_parts(self.problem)]
        for l in range(self.L, 0, -1):
            gradients = [Chain(left, tuple(self._last(right, q))) for left, right, q in self._own(l)]
            parts.append(Part("matrix", (*self._signals(l), *gradients), l))
        return tuple(parts)

    def _forward(self) -> list[Chain]:
        out = []
        for l, layer in self.network:
            affine: Expression = Product((_matrix("W", l), self.vector("z", l - 1)))
            if layer.bias is not None:
                affine = Sum(((1, affine), (-1 if layer.bias.letter == "theta" else 1, self._bias(l))))
            out.append(self._chain(self.vector("a", l), [affine], Quantity("a", l)))
            out.append(self._chain(self.vector("z", l), [self.vector("h", l)], Quantity("z", l)))
        return [*out, *self._loss()]

    def _bias(self, l: int) -> Expression:
        """The bias as it is added: a shared one to every unit, each to every sample."""
        bias = self.network.layer(l).bias
        shared = bias is not None and bias.shared
        own: Expression = _matrix("b*" if shared else "b", l)
        if not self.columns:
            return Product((own, _matrix("1"))) if shared else own
        ones = Transposed(_matrix("1"))
        return Product((own, _matrix("1"), ones)) if shared else Product((own, ones))

    def _loss(self) -> list[Chain]:
        """E = Σ_k of its parts; of several samples, their mean."""
        step = layered(self.problem).step
        forward = {e.left.name: e for e in step.equations if e.stage == "forward"}
        if "E_part" not in forward:
            return []
        part = forward["E_part"]
        (k, *_) = [i.letter for i in part.left.at if hasattr(i, "letter")]
        own = Over("sum", (k,), part.right)
        if not self.columns:
            return [self._chain(Ref("E", ()), [own], Quantity("E"))]
        each = Chain(Ref("E_sample", (letter("n"),)), (Line("=", own),))
        all_of_them = self._scaled(Over("sum", ("n",), each.left))
        return [each, Chain(Ref("E", ()), (Line("=", all_of_them, mean_or_sum(self.problem)),))]

    def _signals(self, l: int) -> list[Chain]:
        layer = self.network.layer(l)
        signal: Expression = self.vector("dz", l)
        out: list[Chain] = []
        if l < self.L:
            signal = Product((Transposed(_matrix("W", l + 1)), self.vector("delta", l + 1)))
            if not self.columns:  # a column of Delta is of its sample's own loss
                out.append(self._chain(self.vector("dz", l), [signal], Quantity("dz", l)))
        elif not self.problem.fused:
            out += self._of_loss()
        lines: list[Expression] = [] if self.columns else [Partial(Ref("E", ()), self.vector("a", l))]
        if l == self.L and self.problem.fused:
            lines.append(Sum(((1, self.vector("z", l)), (-1, self.vector("t")))))
        elif layer.activation.elementwise:
            lines.append(Entrywise((self.vector("slope", l), signal)))
            vector = out[0].lines[0].right if l == self.L and out and out[0].left == signal else None
            slopes = (e.right for e in layered(self.problem).step.equations if e.of == f"z{l}" and e.why == "slope")
            if vector is not None and next(slopes, None) == Number("1"):
                lines.append(vector)
        elif self.columns:
            return out  # a Jacobian a sample: there is no product of whole matrices
        else:
            lines.append(Product((Transposed(_matrix("J", l)), signal)))
        return [*out, self._chain(self.vector("delta", l), lines, Quantity("delta", l))]

    def _of_loss(self) -> list[Chain]:
        """∂E/∂z of the last layer; entry by entry where it is no sum of vectors."""
        lines = (e for e in layered(self.problem).step.equations if e.of == f"z{self.L}" and e.why == "signal")
        known = [e for e in lines if not isinstance(e.right, Ref)]
        vectors = {f"z{self.L}": self.vector("z", self.L), "t": self.vector("t")}
        return [
            Chain(e.left, (Line("=", e.right),))
            if self.columns or (whole := _in_vectors(e.right, vectors)) is None
            else self._chain(self.vector("dz", self.L), [whole], Quantity("dz", self.L))
            for e in known
        ]

    def _own(self, l: int) -> list[tuple[Expression, Expression, Quantity]]:
        """(∂E/∂parameter, its matrix form, which it is)."""
        delta, below = self.vector("delta", l), self.vector("z", l - 1)
        out: list[tuple[Expression, Expression, Quantity]] = [
            (_matrix("dW", l), Product((delta, Transposed(below))), Quantity("dW", l))
        ]
        bias = self.network.layer(l).bias
        if bias is None:
            return out
        own: Expression = Product((delta, _matrix("1"))) if self.columns else delta
        if bias.shared:
            own = Product((Transposed(_matrix("1")), delta, *((_matrix("1"),) if self.columns else ())))
        if bias.letter == "theta":
            own = Negative(own)
        return [*out, (_matrix("db*" if bias.shared else "db", l), own, Quantity("db", l))]

    # --- several samples ---

    def batch_parts(self) -> tuple[Part, ...]:
        """The same with a column a sample, and each gradient as the mean, or the sum, of the samples' own."""
        said = ("A column of each matrix is a sample; ", _matrix("1"), " is a column of ones.")
        chains = [*self._forward()]
        for l in range(self.L, 0, -1):
            chains += self._signals(l)
            for left, right, q in self._own(l):
                lines = (Line("=", self._scaled(self._each(l, q)), mean_or_sum(self.problem)),)
                chains.append(Chain(left, (*lines, *self._last(self._scaled(right), q))))
        return (Part("matrix_batch", tuple(chains), sentences=(batch_sentence(self.problem), said), whole=True),)

    def _each(self, l: int, q: Quantity) -> Expression:
        """Σ_n of the samples' own gradients."""
        one = _MatrixForm(self.problem, None)
        right = next(right for _, right, own in one._own(l) if own == q)
        return Over("sum", ("n",), _of_sample(right))

    def _scaled(self, right: Expression) -> Expression:
        if mean_or_sum(self.problem) == "samples":
            return right
        share = Quotient(Number("1"), Number(str(self.problem.samples)))
        negative = isinstance(right, Negative)
        inner = right.operand if isinstance(right, Negative) else right
        factors = inner.factors if isinstance(inner, Product) else (inner,)
        out = Product((share, *factors))
        return Negative(out) if negative else out

    # --- lines ---

    def _chain(self, left: Expression, steps: list[Expression], q: Quantity) -> Chain:
        *earlier, last = steps
        lines = [Line("=", step, "signal" if k == 0 and q.kind == "delta" else "") for k, step in enumerate(earlier)]
        return Chain(left, (*lines, *self._last(last, q)))

    def _last(self, right: Expression, q: Quantity) -> list[Line]:
        """The last line with its shape, and with numbers the matrix of values."""
        extents = names.shape(self.network, q.kind, q.layer)
        sampled = names.KINDS[q.kind].sampled
        rows = extents[0] if extents else 1
        columns = extents[1] if len(extents) > 1 else self.problem.samples if self.columns and sampled else 1
        out = [Line("=", right, f"shapes {rows}\u00d7{columns}" if extents else "")]
        if self.shown is not None:
            entries = names.elements(self.network, q.kind, q.layer, self.problem.samples if sampled else 1)
            texts = [[self.shown.get(entry) for entry in row] for row in entries.reshape(rows, columns)]
            if all(text is not None for row in texts for text in row):
                values = tuple(tuple(Number(str(text)) for text in row) for row in texts)
                out.append(Line("=", Matrix(values) if extents else values[0][0], "", numbers=True))
        return out


def _in_vectors(e: Expression, vectors: Mapping[str, Expression]) -> Expression | None:
    """A sum of entries as one of vectors; None for what is more than a sum."""
    if not isinstance(e, Sum) or not all(isinstance(x, Ref) and x.name in vectors for _, x in e.terms):
        return None
    return Sum(tuple((sign, vectors[x.name]) for sign, x in e.terms if isinstance(x, Ref)))


def _of_sample(e: Expression) -> Expression:
    """The vectors of sample n."""
    if isinstance(e, Ref):
        kind = e.name.partition("#")[0]
        return Ref(e.name, (letter("n"),)) if kind in _CAPITALS else e
    out: Expression = e.mapped(_of_sample)
    return out
