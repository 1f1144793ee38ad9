"""The derivation in vectors and matrices, with shapes: one line for a layer where there was one for each unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derivations import names
from derivations.chains import Chain, Line, Part
from derivations.expression import Entrywise, Expression, Letters, Matrix, Number, Partial, Product, Sum, Transposed
from derivations.names import Quantity
from derivations.network import Problem

__all__ = ["matrix_parts"]


def _letter(letter: str, l: int) -> Letters:
    latex = rf"\mathbf{{{letter}}}" if letter.isalpha() and letter.isascii() else letter
    return Letters(rf"{latex}^{{({l})}}" if l else latex, f"{letter.strip(chr(92))}{l or ''}")


def _z(l: int) -> Letters:
    return _letter("z", l) if l else _letter("x", 0)


def _delta(l: int) -> Letters:
    return Letters(rf"\delta^{{({l})}}", f"delta{l}")


def _slope(l: int) -> Letters:
    return Letters(rf"h_{{{l}}}'(\mathbf{{a}}^{{({l})}})", f"h{l}'(a{l})")


def matrix_parts(problem: Problem, shown: Mapping[Quantity, str] | None) -> tuple[Part, ...]:
    """The forward pass and, layer by layer from the last, delta, the gradients and the signal below."""
    network, L = problem.network, len(problem.network)
    E = Letters("E", "E")
    forward: list[Chain] = []
    for l, layer in network:
        affine: Expression = Product((_letter("W", l), _z(l - 1)))
        if layer.bias is not None:
            sign = -1 if layer.bias.letter == "theta" else 1
            affine = Sum(((1, affine), (sign, _bias(layer.bias.letter, l))))
        forward.append(_chain(problem, shown, "a", l, _letter("a", l), [affine]))
        forward.append(_chain(problem, shown, "z", l, _z(l), [Letters(*_of(rf"h_{{{l}}}", f"h{l}", l))]))
    parts = [Part("matrix_forward", tuple(forward))]
    for l in range(L, 0, -1):
        layer = network.layer(l)
        chains = []
        delta = Partial(E, _letter("a", l))
        if l == L and problem.fused:
            fused = Sum(((1, _z(l)), (-1, Letters(r"\mathbf{t}", "t"))))
            chains.append(_chain(problem, shown, "delta", l, _delta(l), [delta, fused]))
        else:
            signal: Expression = Partial(E, _z(l))
            if l < L:
                signal = Product((Transposed(_letter("W", l + 1)), _delta(l + 1)))
            through: Expression = Entrywise((signal, _slope(l)))
            if not layer.activation.elementwise:
                through = Product((Transposed(_letter("J", l)), signal))
            chains.append(_chain(problem, shown, "delta", l, _delta(l), [delta, through]))
        gradient = Product((_delta(l), Transposed(_z(l - 1))))
        chains.append(_chain(problem, shown, "dW", l, Partial(E, _letter("W", l)), [gradient]))
        if layer.bias is not None and not layer.bias.shared:
            own: Expression = _delta(l)
            if layer.bias.letter == "theta":
                own = Product((Number("-1"), own))
            chains.append(_chain(problem, shown, "db", l, Partial(E, _bias(layer.bias.letter, l)), [own]))
        parts.append(Part("matrix", tuple(chains), l))
    return tuple(parts)


def _bias(letter: str, l: int) -> Letters:
    return Letters(rf"\theta^{{({l})}}", f"theta{l}") if letter == "theta" else _letter("b", l)


def _of(latex: str, text: str, l: int) -> tuple[str, str]:
    return rf"{latex}(\mathbf{{a}}^{{({l})}})", f"{text}(a{l})"


def _chain(
    problem: Problem, shown: Mapping[Quantity, str] | None, kind: str, l: int, left: Expression, steps: list[Any]
) -> Chain:
    """The steps, the shape beside the last, and with numbers the matrix of values."""
    extents = names.shape(problem.network, kind, l)
    rows, columns = extents[0], extents[1] if len(extents) > 1 else 1
    *earlier, last = steps
    lines = [Line("=", step, "signal" if k == 0 and kind == "delta" else "") for k, step in enumerate(earlier)]
    lines.append(Line("=", last, f"shapes {rows}\u00d7{columns}"))
    if shown is not None:
        entries = names.elements(problem.network, kind, l, 1).reshape(rows, columns)
        lines.append(
            Line("=", Matrix(tuple(tuple(Number(shown[q]) for q in row) for row in entries)), "", numbers=True)
        )
    return Chain(left, tuple(lines))
