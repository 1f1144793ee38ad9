"""General lines: the equations of a step with their letters, as on a board; text that the language reads, LaTeX."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from string import digits
from types import MappingProxyType

from derivations.equations import Equation, Range, Step
from derivations.expression import (
    Call,
    Choice,
    Expression,
    Index,
    Largest,
    Number,
    Over,
    Power,
    Product,
    Quotient,
    Ref,
    Same,
    Size,
    Smallest,
    Within,
)
from derivations.function import entry
from derivations.printing import LatexPrinter, Leaf, Printer, TextPrinter
from derivations.quantity import Quantity
from derivations.shapes import bounds, numbered
from derivations.uses import filled

__all__ = ["GeneralLatex", "GeneralText", "Letter", "own_letter", "stages"]

_ATOM, _POWER, _FACTOR, _PRODUCT, _SUM = 5, 4, 3, 2, 1
_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "eta", "lambda"),
    *("mu", "nu", "rho", "sigma", "tau", "theta", "phi"),
)


Letter = Callable[[str, tuple[str, ...]], str | None]
"""How an array with these indices is written, None for the printer's own way."""


def _no_quantity(q: Quantity) -> str:
    raise TypeError(f"a general line has no entry such as {q}")


def _opened(e: Call) -> Expression | None:
    """The formula of a function that people do not write by name: t log y, a quotient that is 0 at 0/0."""
    function = entry(e.function)
    if function.named or not function.value or function.by_name:
        return None
    return filled(function.value, e.arguments, Number("0"))


def _open(e: Expression) -> bool:
    """Whether a sum reaches to the end: what is multiplied or divided behind it would be summed."""
    return e.op == "sum" if isinstance(e, Over) else isinstance(e, Product) and _open(e.factors[-1])


class _General(Printer):
    """What general lines add to a printer: arrays with indices, sums over letters, conditions."""

    less, least = "<", "\u2264"

    def __init__(self, unwritten: frozenset[str], ranges: Mapping[str, Range]) -> None:
        self.unwritten, self.ranges = unwritten, ranges
        self.ends_put_in = False  # |t| as the number that it is

    def inside(self, e: Within) -> str:
        """[1 ≤ t+1 ≤ 3], or, where it is known how far t runs, what can fail of it: [t < 3]."""
        reach = bounds(e.index, self.ranges) if isinstance(e.index, Index) else None
        if reach is None:
            return f"[{e.low} {self.least} {self.index(e.index)} {self.least} {e.high}]"
        assert isinstance(e.index, Index)
        bare = Index(e.index.terms, 0) if len(e.index.terms) == 1 and e.index.terms[0][1] == 1 else e.index
        low, high = (end - e.index.plus + bare.plus for end in (e.low, e.high))
        above = f"{low} {self.least} " if reach[0] < e.low else ""
        if reach[1] <= e.high:
            return f"[{above}{self.index(bare)}]" if above else f"[{self.index(bare)} {self.least} {high}]"
        end = f"{self.least} {high}" if above else f"{self.less} {high + 1}"
        return f"[{above}{self.index(bare)} {end}]"

    def letters(self, at: tuple[Expression, ...]) -> list[str]:
        """The written indices: a letter with one value that nobody writes is left out."""
        return [self.index(i) for i in at if not (isinstance(i, Index) and i.letter in self.unwritten)]

    def index(self, i: Expression) -> str:
        """An index: 2p+u-2, |t|, token[p]."""
        if isinstance(i, Ref):
            return self.ref(i)
        assert isinstance(i, Index)
        i = numbered(i, self.ranges) if self.ends_put_in else i
        ordered = sorted(i.terms, key=lambda term: -term[1])
        words = "".join(f"{'+' if c > 0 else '-'}{abs(c) if abs(c) != 1 else ''}{l}" for l, c in ordered)
        number = f"{i.plus:+d}" if i.plus or not i.terms else ""
        return (number + words if words.startswith("-") and i.plus > 0 else words + number).removeprefix("+")

    def compared(self, test: Expression) -> tuple[str, str]:
        """The two sides of a test that is positive; of indices each stands on the side where it counts up."""
        if not isinstance(test, Index):
            return super().compared(test)
        more = Index(tuple((l, c) for l, c in test.terms if c > 0), max(test.plus, 0))
        less = Index(tuple((l, -c) for l, c in test.terms if c < 0), max(-test.plus, 0))
        return self.index(more), self.index(less)

    def ref(self, r: Ref) -> str:
        """An array's entry."""
        raise NotImplementedError

    def over(self, op: str, letters: tuple[str, ...], body: Expression) -> tuple[str, int]:
        """A sum, product or largest over written letters; over none it is its body."""
        raise NotImplementedError

    def form(self, e: Expression) -> tuple[str, int]:
        match e:
            case Ref():
                return self.ref(e), _ATOM
            case Index():
                return self.index(e), _ATOM
            case Size(l):
                return f"|{l}|", _ATOM
            case Same(left, right):
                return f"[{self._side(left)} = {self._side(right)}]", _ATOM
            case Within():
                return self.inside(e), _ATOM
            case Call() if (opened := _opened(e)) is not None:
                return self.form(opened)
            case Over(op, letters, body):
                written = self.summed(letters)
                return self.over(op, written, body) if written else self.form(body)
        return super().form(e)

    def _side(self, index: Expression) -> str:
        """One side of a test; |t| as the number that it is, since beside its own letter it is no absolute value."""
        return self.index(numbered(index, self.ranges) if isinstance(index, Index) else index)

    def summed(self, letters: tuple[str, ...]) -> tuple[str, ...]:
        """The letters of a sum that are written."""
        return tuple(l for l in letters if l not in self.unwritten)


class GeneralText(_General, TextPrinter):
    """Plain text: `a1[j] = Σ_i W1[j,i]·x[i] + b1[j]`; `letter(name, indices)` writes an array called otherwise."""

    def __init__(
        self,
        unwritten: frozenset[str] = frozenset(),
        letter: Letter = lambda name, indices: None,
        ranges: Mapping[str, Range] = MappingProxyType({}),
        leaf: Leaf = _no_quantity,
        number: Callable[[str], str] = str,
    ) -> None:
        _General.__init__(self, unwritten, ranges)
        TextPrinter.__init__(self, leaf, "", number)
        self.letter = letter

    def text(self, e: Expression) -> str:
        """An expression."""
        return self.form(e)[0]

    def equation(self, e: Equation) -> str:
        """A whole line."""
        return f"{self(e.left)} = {self(e.right)}"

    def ref(self, r: Ref) -> str:
        letters = self.letters(r.at)
        known = self.letter(r.name, tuple(letters))
        return known if known is not None else r.name + (f"[{','.join(letters)}]" if letters else "")

    def form(self, e: Expression) -> tuple[str, int]:
        match e:
            case Largest(entry, extreme) | Smallest(entry, extreme):
                return f"[{self(entry)} = {self(extreme)}]", _ATOM
            case Choice(test, positive, otherwise):
                above, below = self.compared(test)
                chosen = f"({self(positive)})" if _open(positive) else self.at(positive, _SUM)
                return f"{chosen} if {above} > {below} else {self(otherwise)}", 0
            case Product(factors):
                return self._product(factors), _PRODUCT
            case Quotient(above, below) if _open(above):
                return f"({self(above)})/{self.at(below, _FACTOR)}", _PRODUCT
        return super().form(e)

    def over(self, op: str, letters: tuple[str, ...], body: Expression) -> tuple[str, int]:
        below = letters[0] if len(letters) == 1 else "{" + ",".join(letters) + "}"
        if op == "sum":
            return f"Σ_{below} {self.at(body, _PRODUCT)}", _PRODUCT
        return f"{op}_{below}({self(body)})", _POWER

    def _product(self, factors: tuple[Expression, ...]) -> str:
        """Factors from left to right; neither a quotient in front nor a sum at the end needs parentheses."""
        (first, *rest) = factors
        words = [self.at(first, _PRODUCT if isinstance(first, Quotient) else _FACTOR)]
        words += [self.at(f, _FACTOR) for f in rest[:-1]]
        words += [self.at(f, _PRODUCT if _open(f) and not isinstance(f, Product) else _FACTOR) for f in rest[-1:]]
        return self.times.join(words)


class GeneralLatex(_General, LatexPrinter):
    """LaTeX for math mode; `letter(name, indices)` writes an array, in some notation, None where it has no letters."""

    least = r"\le"

    def __init__(
        self,
        unwritten: frozenset[str] = frozenset(),
        letter: Letter = lambda name, indices: None,
        ranges: Mapping[str, Range] = MappingProxyType({}),
        leaf: Leaf = _no_quantity,
        number: Callable[[str], str] = str,
        times: str = "",
    ) -> None:
        _General.__init__(self, unwritten, ranges)
        LatexPrinter.__init__(self, leaf, times, number)
        self.letter = letter

    def equation(self, e: Equation) -> str:
        """A whole line, aligned at its sign."""
        return f"{self(e.left)} &= {self(e.right)}"

    def ref(self, r: Ref) -> str:
        letters = tuple(self.letters(r.at))
        known = self.letter(r.name, letters)
        return known if known is not None else own_letter(r.name, letters)

    def form(self, e: Expression) -> tuple[str, int]:
        match e:
            case Power(Ref() as base, exponent) if "^" in (written := self.ref(base)):
                raised = exponent if isinstance(exponent, int) else self(exponent)
                return f"{self.parentheses(written)}^{{{raised}}}", _POWER
            case Product(factors) if any(map(_open, factors[:-1])):
                parts = [self.parentheses(self(f)) if _open(f) else self.at(f, _PRODUCT) for f in factors[:-1]]
                return f" {self.times} ".join((*parts, self.at(factors[-1], _PRODUCT))), _PRODUCT
        return super().form(e)

    def over(self, op: str, letters: tuple[str, ...], body: Expression) -> tuple[str, int]:
        below = ",".join(letters)
        if op == "sum":
            return rf"\sum_{{{below}}} {self.at(body, _PRODUCT)}", _PRODUCT
        name = {"max": r"\max", "min": r"\min"}.get(op, rf"\operatorname{{{op}}}")
        return rf"{name}_{{{below}}}{self.parentheses(self(body))}", _ATOM


def own_letter(name: str, letters: tuple[str, ...]) -> str:
    """A name of somebody's own in LaTeX: one letter slanted, words and `h1` upright, what follows an underscore raised.

    An index stands below, so that h1 and h[1] are told apart.
    """
    below = f"_{{{','.join(letters)}}}" if letters else ""
    bare = name.rstrip("'")
    stem = bare.rstrip(digits)
    number, marks = bare[len(stem) :], "'" * (len(name) - len(bare))
    stem, _, word = stem.partition("_")
    above = rf"^{{\mathrm{{{_escaped(word + number)}}}{marks}}}" if word else marks
    return (_sign(stem) if word or not number else _with_number(stem, number)) + above + below


def _with_number(stem: str, number: str) -> str:
    """h1 as one upright word, a Greek letter with an upright number behind it."""
    sign = _sign(stem)
    greek = sign.removeprefix("\\") in _GREEK
    return rf"{sign}\mathrm{{{number}}}" if greek else rf"\mathrm{{{_escaped(stem + number)}}}"


def _sign(stem: str) -> str:
    if stem in _GREEK:
        return rf"\{stem}"
    if len(stem) == 1:
        greek = unicodedata.name(stem, "").removeprefix("GREEK SMALL LETTER ").lower()
        return rf"\{greek}" if greek in _GREEK else stem
    return rf"\mathrm{{{_escaped(stem)}}}"


def _escaped(stem: str) -> str:
    return stem.replace("_", r"\_")


def stages(step: Step) -> list[tuple[str, list[Equation]]]:
    """(stage, its equations): forward, backward, update, those that there are."""
    known = [(stage, [e for e in step.equations if e.stage == stage]) for stage in ("forward", "backward", "update")]
    return [(stage, lines) for stage, lines in known if lines]
