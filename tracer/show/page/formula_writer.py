"""A formula of the page in MathML: with its names, with the numbers put in, with its value; the numbers it reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from derivations.evaluation import chosen, fraction_of, relation
from derivations.expression import Choice, Expression, Name
from derivations.printing import LatexPrinter
from derivations.quantity import Quantity
from derivations.writing.breaking import rows
from derivations.writing.lines import Style
from derivations.writing.mathml import mathml

__all__ = ["WIDTH", "FormulaWriter", "quantities_read"]

MOST_ROWS = 16  # of one sum; of a longer one the first and the last
WIDTH = 19.0  # em: what a phone shows without scrolling


class FormulaWriter:
    """Writes the formulas of one trace: `shown` are its finished texts, `latex` writes the name of a number."""

    def __init__(self, shown: Mapping[Quantity, str], latex: Callable[[Quantity], str], style: Style) -> None:
        self.shown, self.latex, self.style = shown, latex, style
        self.names = self._printer(self._name)
        self.numbers = self._printer(lambda q: self.style.number(self.shown[q]))
        self.cache: dict[str, str] = {}
        self.at = Quantity("E")

    def _printer(self, leaf: Callable[[Quantity], str]) -> LatexPrinter:
        printer = LatexPrinter(leaf, self.style.notation.times, self.style.number)
        printer.growing = False
        return printer

    def _name(self, q: Quantity) -> str:
        """A name, with its sample and step only where they are not those of the quantity being written."""
        sample = 0 if q.sample == self.at.sample else q.sample
        step = 1 if q.step == self.at.step else q.step
        return _bare(self.latex(q._replace(sample=sample, step=step)))

    def room(self, left: str) -> float:
        """How wide a row may be, in em, right of a name in LaTeX."""
        return WIDTH

    def formula(self, q: Quantity, formula: Expression) -> str:
        """One number's formula, the numbers put in, and its value, a row each."""
        self.at = q
        name = self._name(q)
        room = self.room(name)
        taken = chosen(formula, self.shown.__getitem__)
        sign = relation(taken, self.shown[q], self.shown.__getitem__)
        value = self.style.number(self.shown[q])
        lines = [("=", rows(formula, room, self.names)), ("=", rows(taken, room, self.numbers))]
        if lines[1][1] == lines[0][1]:
            lines.pop()
        if sign == "\u2248" or lines[-1][1] != [value]:
            lines.append((r"\approx" if sign == "\u2248" else "=", [value]))
        left = self.mathml(name)
        out = []
        for mark, pieces in lines:
            for k, piece in enumerate(_shortened(pieces)):
                right = f"{mark} {piece}" if k == 0 else rf"\quad {{}} {piece}"
                out.append(f"<mtr><mtd>{left}</mtd><mtd>{self.mathml(right)}</mtd></mtr>")
                left = ""
        since = self._since(formula)
        return f'<math display="block"><mtable>{"".join(out)}</mtable></math>' + since

    def _since(self, formula: Expression) -> str:
        """Why a choice went the way it did."""
        if not isinstance(formula, Choice) or not isinstance(formula.test, Name):
            return ""
        q = formula.test.quantity
        number = fraction_of(self.shown[q])
        above = number is not None and number > 0
        latex = rf"{self._name(q)} = {self.style.number(self.shown[q])}"
        latex += " > 0" if above else r" {} \le 0"
        return f"<math>{self.mathml(latex)}</math>"

    def mathml(self, latex: str) -> str:
        """The inside of a <math> element.  Raises ValueError where the page cannot write it."""
        if latex not in self.cache:
            try:
                self.cache[latex] = _short(mathml(latex))
            except ValueError as e:
                raise ValueError(f"the page cannot write {latex[:60]}: {e}; change it in [names]") from None
        return self.cache[latex]


def _shortened(pieces: list[str]) -> list[str]:
    if len(pieces) <= MOST_ROWS:
        return pieces
    return [*pieces[: MOST_ROWS - 2], r"\cdots", pieces[-1]]


def _bare(latex: str) -> str:
    r"""A name with its sample or step as a plain index: the bar of \left. w \right|_{n=1} tires the eye on a page."""
    return re.sub(r"^\\left\.(.*)\\right\|_\{([^{}]*)\}$", r"\1|_{\2}", latex)


_NUMBERED = re.compile(r'<mrow><mo stretchy="false">([(\[])</mo><mn>(\d+)</mn><mo stretchy="false">([)\]])</mo></mrow>')


def _short(markup: str) -> str:
    """The same in fewer letters: a layer in parentheses as one number, no row around a cell, no stretching sign."""
    markup = markup.replace('<mo stretchy="false">=</mo>', "<mo>=</mo>")
    markup = _NUMBERED.sub(r"<mn>\1\2\3</mn>", markup)
    inner = markup.removeprefix("<mrow>").removesuffix("</mrow>")
    whole = len(inner) == len(markup) - 13 and _balanced(inner)
    return (inner if whole else markup).replace("<mrow></mrow>", "")


def _balanced(markup: str) -> bool:
    depth = 0
    for tag in re.findall(r"</?mrow>", markup):
        depth += 1 if tag == "<mrow>" else -1
        if depth < 0:
            return False
    return True


def quantities_read(formula: object) -> Iterator[Quantity]:
    """The quantities of a formula, in order."""
    if isinstance(formula, Name):
        yield formula.quantity
    elif isinstance(formula, Expression):
        yield from quantities_read(formula._parts())
    elif isinstance(formula, tuple) and not isinstance(formula, Quantity):
        for part in formula:
            yield from quantities_read(part)
