r"""Formulas that are wider than a line, broken where a teacher breaks them.

A sum goes on before a sign, a product before its dot; a sum inside a fraction or inside parentheses is stacked there.
"""

from __future__ import annotations

from collections.abc import Iterator

from derivations.expression import (
    Call,
    Choice,
    Derivative,
    Differential,
    Entrywise,
    Expression,
    Letters,
    Matrix,
    Negative,
    Over,
    Power,
    Product,
    Quotient,
    Sum,
)
from derivations.printing import LatexPrinter, operator
from derivations.writing.measure import measured, width

__all__ = ["CONTINUED", "rows"]

CONTINUED = r"\quad {}"
_INDENT = 1.0
_HIGHEST = 6.5
_SUM, _PRODUCT = 1, 2
_SIGN = width("+")
_Operator = Differential | Derivative


def _head(e: Differential | Derivative, latex: LatexPrinter) -> str:
    """The operator without what it is applied to."""
    return latex.differential(e.by) if isinstance(e, Derivative) else rf"\frac{{\partial}}{{\partial {latex(e.by)}}}"


def rows(e: Expression, room: float, latex: LatexPrinter) -> list[str]:
    """The LaTeX of an expression, one string a printed row; the second row and later ones stand indented."""
    if not _too_many(e, room) and width(whole := latex(e)) <= room:
        return [whole]
    pieces = list(_pieces(e, room - _INDENT, latex))
    if len(pieces) == 1:
        return pieces
    out, used = [pieces[0]], width(pieces[0])
    for piece in pieces[1:]:
        own = width(piece)
        if used + own > room:
            out.append(piece)
            used = own + _INDENT
        else:
            out[-1] += f" {piece}"
            used += own
    return out


def _too_many(e: Expression, room: float) -> bool:
    """Whether a sum has so many terms that the signs between them alone are wider, whatever the terms are."""
    return isinstance(e, Sum) and (len(e.terms) - 1) * _SIGN > room


def _pieces(e: Expression, room: float, latex: LatexPrinter) -> Iterator[str]:
    """What an expression is made of, between which a row may end; none wider than `room` where that can be."""
    match e:
        case Negative(operand):
            yield from _terms(((-1, operand),), room, latex)
        case Sum(terms):
            yield from _terms(terms, room, latex)
        case Product() | Over("sum"):
            yield from _broken(e, room, latex)
        case Entrywise(factors):
            yield from _factors(factors, r"\odot", room, latex)
        case _:
            yield from _opened(e, 0, room, latex)


def _terms(terms: tuple[tuple[int, Expression], ...], room: float, latex: LatexPrinter) -> Iterator[str]:
    for k, (sign, term) in enumerate(terms):
        mark = "-" if sign < 0 else "+" if k else ""
        inner: list[str]
        if _breaks(term) and width(latex(term)) > room - 2:
            inner = _broken(term, room - 2, latex)
        else:
            inner = _opened(term, _PRODUCT, room - 2, latex)
        yield f"{mark} {inner[0]}" if k else f"{mark}{inner[0]}"
        yield from inner[1:]


def _factors(factors: tuple[Expression, ...], times: str, room: float, latex: LatexPrinter) -> Iterator[str]:
    for k, factor in enumerate(factors):
        if isinstance(factor, Product) and times == latex.times:
            first, *others = _factors(factor.factors, times, room, latex)
        elif isinstance(factor, Over) and _breaks(factor) and width(latex(factor)) > room - 1:
            first, *others = _broken(factor, room - 1, latex)
        else:
            first, *others = _opened(factor, _PRODUCT, room - 1, latex)
        yield f"{times} {first}" if k else first
        yield from others


def _breaks(e: Expression) -> bool:
    """Whether it is a product, or a sum over letters of what may be one."""
    return isinstance(e, Product) or (isinstance(e, Over) and e.op == "sum")


def _broken(e: Expression, room: float, latex: LatexPrinter) -> list[str]:
    """The factors of a product, after the signs of the sums that it is under."""
    if isinstance(e, Product):
        return list(_factors(e.factors, latex.times, room, latex))
    if not isinstance(e, Over) or e.op != "sum":
        return _opened(e, _PRODUCT, room, latex)
    head = latex(Over(e.op, e.letters, Letters("", ""))).strip()
    first, *others = _broken(e.body, room - width(head), latex)
    return [f"{head} {first}", *others]


def _opened(e: Expression, level: int, room: float, latex: LatexPrinter) -> list[str]:
    """One piece, or, where stacking makes it too high, the pieces between its parentheses: rows may end inside."""
    inner: Expression = e
    head, fenced = "", isinstance(e, Sum) and level > _SUM
    if not _too_many(e, _HIGHEST * room):  # else even stacked it is too high: a row is higher than 1
        whole = _at(e, level, room, latex)
        fenced = latex.form(e)[1] < level
        openable = isinstance(e, _Operator | Sum | Product | Negative | Entrywise)
        if not openable or measured(whole).height <= _HIGHEST:
            return [whole]
    if isinstance(e, _Operator):
        head, fenced, inner = _head(e, latex), True, e.operand
    pieces = list(_pieces(inner, room, latex))
    if fenced:
        pieces[0] = rf"{head}\Bigl({pieces[0]}"
        pieces[-1] += r"\Bigr)"
    return pieces


def _at(e: Expression, level: int, room: float, latex: LatexPrinter) -> str:
    """Inside a sum or a product: in parentheses where they must stand."""
    words, own = latex.form(e)
    if own >= level:
        return words if not _too_many(e, room) and width(words) <= room else fitted(e, room, latex)
    return latex.parentheses(words if width(words) <= room - 1 else fitted(e, room - 2, latex))


def fitted(e: Expression, room: float, latex: LatexPrinter) -> str:
    """The LaTeX of an expression within `room`, its parts stacked where they are wider."""
    whole = latex(e)
    if not _too_many(e, room) and width(whole) <= room:
        return whole
    match e:
        case Sum() | Product() | Negative() | Entrywise() | Over("sum"):
            return _stacked(rows(e, room, latex))
        case Quotient(above, below):
            return rf"\frac{{{fitted(above, room - 0.3, latex)}}}{{{fitted(below, room - 0.3, latex)}}}"
        case Power(base, exponent):
            return rf"{latex.parentheses(fitted(base, room - 2.5, latex))}^{{{exponent}}}"
        case Call("sqrt", (argument,)):
            return rf"\sqrt{{{fitted(argument, room - 1, latex)}}}"
        case Call("max0", (argument,)):
            return rf"\max{latex.parentheses('0, ' + fitted(argument, room - 5, latex))}"
        case Call(function, (argument,)):
            return f"{operator(function)}{latex.parentheses(fitted(argument, room - 4, latex))}"
        case Differential() | Derivative():
            head = _head(e, latex)
            return head + latex.parentheses(fitted(e.operand, room - width(head) - 2, latex))
        case Choice(test, positive, otherwise):
            inside = room - width(latex(test)) - 6
            first, second = (fitted(part, inside, latex) for part in (positive, otherwise))
            return latex.cases(first, " > ".join(latex.compared(test)), second)
        case Matrix(entries):
            return _matrix(entries, room, latex)
    return whole


def _stacked(lines: list[str]) -> str:
    if len(lines) == 1:
        return lines[0]
    first, *others = lines
    body = "".join(rf" \\ & {CONTINUED} {line}" for line in others)
    return rf"\begin{{aligned}} & {first}{body} \end{{aligned}}"


def _matrix(entries: tuple[tuple[Expression, ...], ...], room: float, latex: LatexPrinter) -> str:
    """A matrix wider than a line in small print; if that is still too wide, columns in the middle left out."""
    cells = [[latex(entry) for entry in row] for row in entries]
    small = _small(cells)
    kept = len(cells[0]) - 1
    while width(small) > room and kept > 2:
        kept -= 1
        small = _small([[*row[: kept - 1], r"\cdots", row[-1]] for row in cells])
    return small


def _small(cells: list[list[str]]) -> str:
    body = r" \\ ".join(" & ".join(row) for row in cells)
    return rf"\left(\begin{{smallmatrix}} {body} \end{{smallmatrix}}\right)"
