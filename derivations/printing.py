"""Printers of written formulas: plain text and LaTeX; one class each, over the same tree."""

from __future__ import annotations

from collections.abc import Callable

from derivations.expression import (
    Blank,
    Call,
    Choice,
    Derivative,
    Differential,
    Entrywise,
    Expression,
    Largest,
    Letters,
    Matrix,
    Name,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Smallest,
    Sum,
    Transposed,
)
from derivations.function import FUNCTIONS, Function
from derivations.quantity import Quantity

__all__ = ["LatexPrinter", "Leaf", "TextPrinter", "latex_number", "operator", "to_latex", "to_text"]

Leaf = Callable[[Quantity], str]
_SUM, _PRODUCT, _POWER, _ATOM = 1, 2, 4, 5
_HIGH = (r"\frac", r"\begin", r"\sqrt", r"\left", r"\tfrac")


class Printer:
    """What the printers share: parentheses where they must stand, signs, sums.

    `leaf` prints a quantity (its name, or its number), `number` a literal, `times` is the sign of a product.
    """

    times = ""

    def __init__(self, leaf: Leaf, times: str = "", number: Callable[[str], str] = str) -> None:
        self.leaf, self.number = leaf, number
        self.times = times or self.times

    def __call__(self, e: Expression) -> str:
        return self.form(e)[0]

    def form(self, e: Expression) -> tuple[str, int]:
        """The text and how tightly it binds."""
        raise NotImplementedError

    def at(self, e: Expression, level: int) -> str:
        """The text, in parentheses if it binds less tightly than `level`."""
        words, own = self.form(e)
        return words if own >= level else self.parentheses(words)

    def parentheses(self, words: str) -> str:
        """In parentheses."""
        return f"({words})"

    def signed(self, words: str) -> tuple[str, int]:
        """A number or a name: a negative number gets parentheses unless it stands alone."""
        return words, 0 if words.startswith("-") else _ATOM

    def compared(self, test: Expression) -> tuple[str, str]:
        """The two sides of a test that is positive: q > z and not q - z > 0."""
        match test:
            case Sum(((1, above), (-1, below))) | Sum(((-1, below), (1, above))):
                return self.side(above), self.side(below)
            case Negative(operand):
                return "0", self.side(operand)
        return self.side(test), "0"

    def side(self, e: Expression) -> str:
        """One side of a test, or what is chosen: a choice within it stands in parentheses."""
        return self.at(e, _SUM) if isinstance(e, Choice) else self(e)

    def exponent(self, exponent: int | Expression) -> str:
        """A whole number as it is, anything longer than a name or a number in parentheses."""
        return str(exponent) if isinstance(exponent, int) else self.at(exponent, _ATOM)

    def sum(self, terms: tuple[tuple[int, Expression], ...]) -> str:
        """Terms with their signs."""
        (sign, first), *rest = terms
        head = ("-" if sign < 0 else "") + self.at(first, _PRODUCT)
        return head + "".join(f" {'+' if sign > 0 else '-'} {self.at(e, _PRODUCT)}" for sign, e in rest)


class TextPrinter(Printer):
    """Plain text."""

    times = "\u00b7"

    def form(self, e: Expression) -> tuple[str, int]:
        match e:
            case Name(quantity):
                return self.signed(self.leaf(quantity))
            case Number(number):
                return self.signed(self.number(number))
            case Sum(terms):
                return self.sum(terms), _SUM
            case Call("Phi", (argument,)):
                return f"\u03a6({self(argument)})", _ATOM
            case Product(factors):
                return self.times.join(self.at(f, _PRODUCT + (not isinstance(f, Product))) for f in factors), _PRODUCT
            case Quotient(above, below):
                return f"{self.at(above, _PRODUCT)}/{self.at(below, _PRODUCT + 1)}", _PRODUCT
            case Power(base, 2):
                return f"{self.at(base, _ATOM)}\u00b2", _POWER
            case Power(base, exponent):
                return f"{self.at(base, _ATOM)}^{self.exponent(exponent)}", _POWER
            case Negative(operand):
                return f"-{self.at(operand, _PRODUCT)}", _SUM
            case Call("max0", (argument,)):
                return f"max(0, {self(argument)})", _ATOM
            case Call(function, arguments):
                return f"{function}({', '.join(map(self, arguments))})", _ATOM
            case Choice(test, positive, otherwise):
                return f"{self.side(positive)} if {' > '.join(self.compared(test))} else {self(otherwise)}", 0
            case Largest(entry, extreme) | Smallest(entry, extreme):
                return f"[{self(entry)} = {self(extreme)}]", _ATOM
            case Partial(of, by):
                return f"\u2202{self(of)}/\u2202{self(by)}", _ATOM
            case Differential(by, operand):
                return f"\u2202/\u2202{self(by)}({self(operand)})", _ATOM
            case Derivative(by, operand):
                return f"d/d{self(by)}({self(operand)})", _ATOM
            case Letters(_, words):
                return words, _ATOM
            case Entrywise(factors):
                return " \u2299 ".join(self.at(f, _PRODUCT + 1) for f in factors), _PRODUCT
            case Transposed(operand):
                return f"{self.at(operand, _ATOM)}\u1d40", _POWER
            case Matrix(rows):
                return f"[{'; '.join(', '.join(map(self, row)) for row in rows)}]", _ATOM
            case Blank():
                return "______", _ATOM
        raise TypeError(f"not an expression: {e!r}")


class LatexPrinter(Printer):
    """LaTeX for math mode (amsmath).  `growing`: every parenthesis may grow; else only round what is high."""

    times = r"\cdot"
    growing = True

    def parentheses(self, words: str) -> str:
        if self.growing or any(high in words for high in _HIGH):
            return rf"\left({words}\right)"
        return f"({words})"

    def signed(self, words: str) -> tuple[str, int]:
        r"""Also a power of ten and a fraction bind less than a name: (1.2 \cdot 10^{-5})^2."""
        if words.startswith("-"):
            return words, 0
        return words, _PRODUCT if r"\cdot" in words else _PRODUCT + 1 if words.startswith(r"\tfrac") else _ATOM

    def differential(self, by: Expression) -> str:
        """The operator d/d by."""
        return rf"\frac{{\mathrm{{d}}}}{{\mathrm{{d}} {self(by)}}}"

    def cases(self, positive: str, test: str, otherwise: str) -> str:
        """What holds where a test does, and what otherwise."""
        both = rf"{positive} & \text{{if }} {test} \\ {otherwise} & \text{{otherwise}}"
        return rf"\begin{{cases}} {both} \end{{cases}}"

    def form(self, e: Expression) -> tuple[str, int]:
        match e:
            case Name(quantity):
                return self.signed(self.leaf(quantity))
            case Number("pi"):
                return r"\pi", _ATOM
            case Number(number):
                return self.signed(self.number(number))
            case Sum(terms):
                return self.sum(terms), _SUM
            case Product(factors):
                return f" {self.times} ".join(self.at(f, _PRODUCT) for f in factors), _PRODUCT
            case Quotient(above, below):
                return rf"\frac{{{self(above)}}}{{{self(below)}}}", _PRODUCT + 1
            case Power(base, exponent):
                words, own = self.form(base)
                bare = own >= _ATOM and not isinstance(base, Name)
                raised = exponent if isinstance(exponent, int) else self(exponent)
                return rf"{words if bare else self.parentheses(words)}^{{{raised}}}", _POWER
            case Negative(operand):
                return f"-{self.at(operand, _PRODUCT)}", _SUM
            case Call("sqrt", (argument,)):
                return rf"\sqrt{{{self(argument)}}}", _ATOM
            case Call("max0", (argument,)):
                return rf"\max{self.parentheses('0, ' + self(argument))}", _ATOM
            case Call("abs", (argument,)):
                return rf"\left|{self(argument)}\right|", _ATOM
            case Call(function, arguments):
                return f"{operator(function)}{self.parentheses(', '.join(map(self, arguments)))}", _ATOM
            case Choice(test, positive, otherwise):
                return self.cases(self(positive), " > ".join(self.compared(test)), self(otherwise)), _ATOM
            case Largest(entry, extreme) | Smallest(entry, extreme):
                return f"[{self(entry)} = {self(extreme)}]", _ATOM
            case Partial(of, by):
                return rf"\frac{{\partial {self(of)}}}{{\partial {self(by)}}}", _PRODUCT + 1
            case Differential(by, operand):
                return rf"\frac{{\partial}}{{\partial {self(by)}}}{self.parentheses(self(operand))}", _PRODUCT + 1
            case Derivative(by, operand):
                return f"{self.differential(by)}{self.parentheses(self(operand))}", _PRODUCT + 1
            case Letters(words, _):
                return words, _ATOM
            case Entrywise(factors):
                return r" \odot ".join(self.at(f, _PRODUCT + 1) for f in factors), _PRODUCT
            case Transposed(operand):
                words = self.at(operand, _ATOM)
                return rf"{self.parentheses(words) if '^' in words else words}^{{\top}}", _POWER
            case Matrix(rows):
                body = r" \\ ".join(" & ".join(map(self, row)) for row in rows)
                return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}", _ATOM
            case Blank():
                return r"\underline{\rule{0pt}{3.5ex}\hspace{12em}}", _ATOM
        raise TypeError(f"not an expression: {e!r}")


def to_text(e: Expression, leaf: Leaf) -> str:
    """Plain text; `leaf` prints a quantity (its name, or its number)."""
    return TextPrinter(leaf)(e)


def to_latex(e: Expression, leaf: Leaf) -> str:
    """LaTeX for math mode (amsmath); `leaf` prints a quantity."""
    return LatexPrinter(leaf)(e)


def latex_number(text: str) -> str:
    """A shown number in LaTeX: 1.2e-05 as a power of ten."""
    head, e, power = text.partition("e")
    return rf"{head} \cdot 10^{{{power}}}" if e else {"inf": r"\infty", "-inf": r"-\infty"}.get(head, head)


def operator(function: str | Function) -> str:
    """A function's name in LaTeX: its command, a letter, or upright words."""
    known = FUNCTIONS.get(function) if isinstance(function, str) else function
    if known is None or known.command:
        return rf"\{function}"
    words = str(function).replace("_", " ")
    bare = words.rstrip("'")
    return words if len(bare) == 1 else rf"\operatorname{{{bare}}}{words[len(bare) :]}"
