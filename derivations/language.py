"""The language of equations: what a teacher types on a line, read into the one tree.  Nothing is ever evaluated.

    a[t,j] = Σ_i Wx[j,i]*x[t,i] + Σ_k Wh[j,k]*h[t-1,k] + b[j]

A precedence parser: powers bind first, then * and /, then Σ, then + and -.  `docs` and LANGUAGE have the grammar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeVar

from derivations.cursor import KEYWORDS, Cursor, LanguageError
from derivations.equations import Equation, Range
from derivations.expression import (
    Call,
    Choice,
    Expression,
    Index,
    Negative,
    Number,
    Over,
    Power,
    Product,
    Quotient,
    Ref,
    Same,
    Size,
    Sum,
    letter,
)
from derivations.function import FUNCTIONS, SPELLINGS

__all__ = ["LanguageError", "Statements", "expression", "read"]

_T = TypeVar("_T")
REDUCTIONS = ("mean", "max", "min", "softmax")
MOST_LINES, LONGEST_LINE, DEEPEST = 1000, 2000, 60


@dataclass
class Statements:
    """What a text says: equations, stated ranges of letters, arrays that are 0 outside (how far they are read)."""

    equations: list[Equation] = field(default_factory=list)
    ranges: dict[str, Range] = field(default_factory=dict)
    outside: dict[str, tuple[Range, ...]] = field(default_factory=dict)
    inline: dict[str, Range] = field(default_factory=dict)


def read(text: str, most: int = MOST_LINES) -> Statements:
    """The statements of a text, one a line; `#` begins a comment, a line that ends in an operator goes on.

    Raises LanguageError naming the line, the place and what to write instead.
    """
    out = Statements()
    for number, line in _lines(text, most):
        _Line(line, number).statement(out)
    _inline_letters(out)
    return out


def _inline_letters(out: Statements) -> None:
    """A range written inside a sum holds inside that sum alone: its letter is another one, where that name is taken."""
    nodes = [node for e in out.equations for x in (e.left, e.right) for node in x.walk()]
    taken = {l for node in nodes for l in _letters_in(node) if l not in out.inline} | out.ranges.keys()
    names: dict[str, str] = {}
    for l, bounds in out.inline.items():
        base = l.partition("=")[0]
        names[l] = next(n for n in (base + "'" * k for k in range(MOST_LINES)) if n not in taken)
        taken.add(names[l])
        out.ranges[names[l]] = bounds
    if names:
        out.equations = [replace(e, right=_renamed(e.right, names)) for e in out.equations]
    out.inline = {}


def _letters_in(x: Expression) -> Iterable[str]:
    if isinstance(x, Index):
        return [l for l, _ in x.terms]
    return x.letters if isinstance(x, Over) else ()


def _renamed(e: Expression, names: Mapping[str, str]) -> Expression:
    """The expression with other letters."""
    if isinstance(e, Index):
        return Index(tuple((names.get(l, l), c) for l, c in e.terms), e.plus)
    if isinstance(e, Over):
        return Over(e.op, tuple(names.get(l, l) for l in e.letters), _renamed(e.body, names))
    out: Expression = e.mapped(lambda part: _renamed(part, names))
    return out


@lru_cache(maxsize=1024)
def expression(text: str) -> Expression:
    """One expression of the language, as presets and functions are written.  Raises LanguageError."""
    line = _Line(text, 0)
    found = line.expression()
    line.expect_end()
    return found


def _lines(text: str, most: int) -> Iterable[tuple[int, str]]:
    """(number, line) of what says something, continued lines joined."""
    open_, started = "", 0
    lines = text.splitlines()
    if len(lines) > most:
        raise LanguageError(f"equations: more than {most} lines; a step worked by hand is shorter")
    for number, raw in enumerate(lines, 1):
        line = raw.split("#")[0].rstrip()
        if not line.strip() and not open_:
            continue
        open_, started = (f"{open_} {line}" if open_ else line), started or number
        if len(open_) > LONGEST_LINE:
            raise LanguageError(f"equations line {started}: longer than {LONGEST_LINE} characters; give parts names")
        unclosed = sum(open_.count(c) for c in "([{") > sum(open_.count(c) for c in ")]}")
        if not (open_.endswith(("+", "-", "*", "/", "=", "·", ",")) or unclosed) or number == len(lines):
            yield started, open_
            open_, started = "", 0


class _Line(Cursor):
    """The grammar: one statement of a text."""

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text, number)
        self.inline: dict[str, Range] = {}

    # --- statements ---

    def statement(self, out: Statements) -> None:
        """An equation, a range of letters, or what is 0 outside."""
        if self.took("for"):
            letters = self._several(self.name)
            self.expect("=")
            bounds = self._range()
            self.expect_end()
            out.ranges |= dict.fromkeys(letters, bounds)
            return
        name = self.name("an equation, such as a[j] = Σ_i W[j,i]*x[i],")
        at, reaches = self._left()
        if self.took("is"):
            if not (self.took("0") and self.took("outside")):
                self.fail(f"'{name} is 0 outside'")
            self.expect_end()
            out.outside[name] = tuple(reaches)
            return
        if not self.took("="):
            self.fail("'='")
        right = self.expression()
        self.expect_end()
        out.equations.append(Equation(Ref(name, tuple(at)), right, "forward", self.number))
        out.inline |= self.inline

    def _left(self) -> tuple[list[Expression], list[Range]]:
        """The indices on the left, and the ranges where those are written, x[0..5]."""
        at: list[Expression] = []
        reaches: list[Range] = []
        if self.took("["):
            while True:
                if self.following().text == ".." or self.following(2).text == "..":
                    reaches.append(self._range())
                else:
                    at.append(self.index())
                if not self.took(","):
                    break
            self.expect("]")
        return at, reaches

    def _range(self) -> Range:
        low = self.whole()
        self.expect("..")
        return low, self.whole()

    def _several(self, one: Callable[[], _T]) -> list[_T]:
        out = [one()]
        while self.took(","):
            out.append(one())
        return out

    # --- expressions ---

    def expression(self) -> Expression:
        """`total`, or `total if a > b else expression`."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error("nested too deeply; give a part a name and an equation of its own")
        out = self.total()
        if self.took("if"):
            a, sign = self.total(), self.now.text
            if not self.took(">", "<", ">=", "<="):
                self.fail("a comparison such as 'a > 0'")
            b = self.total()
            self.expect("else")
            otherwise = self.expression()
            above, below = (a, b) if sign in (">", "<=") else (b, a)
            test = above if below == Number("0") else Sum(((1, above), (-1, below)))
            out = Choice(test, *((out, otherwise) if sign in (">", "<") else (otherwise, out)))
        self.depth -= 1
        return out

    def total(self) -> Expression:
        """Products with their signs."""
        signs = [-1 if self.took("-") else 1]
        self.took("+")
        terms = [self.product()]
        while self.now.text in ("+", "-"):
            signs.append(1 if self.now.text == "+" else -1)
            self.place += 1
            terms.append(self.product())
        if len(terms) == 1:
            return terms[0] if signs[0] > 0 else Negative(terms[0])
        return Sum(tuple(zip(signs, terms, strict=True)))

    def product(self) -> Expression:
        """Factors from left to right; a blank, or a number before a name, multiplies."""
        out, factors = None, [self.factor()]
        while True:
            if self.took("*"):
                factors.append(self.factor())
            elif self.now.text == "/":
                self.place += 1
                above = Product((out, *factors)) if out and factors else out or self._product(factors)
                out, factors = Quotient(above, self.factor()), []
            elif self._multiplies():
                factors.append(self.factor())
            else:
                break
        if out is None:
            return self._product(factors)
        return Product((out, *factors)) if factors else out

    @staticmethod
    def _product(factors: list[Expression]) -> Expression:
        return factors[0] if len(factors) == 1 else Product(tuple(factors))

    def _multiplies(self) -> bool:
        """Whether what follows can only be a further factor."""
        kind, text, _, _ = self.now
        return (kind == "name" and text not in KEYWORDS) or kind == "number" or text in ("(", "|")

    def factor(self) -> Expression:
        """A sum over letters, or an atom with its power."""
        if (found := self._reduction("Σ", "sum")) is not None:
            if self.now.text == "(" and not self.now.blank and self._power_after_bracket():
                raise self.error("is the sum squared, or each term? put a bracket around what is meant")
            return self._over("sum", found, self.product())
        base = self.atom()
        if self.took("^"):
            return Power(base, self._exponent())
        return base

    def _power_after_bracket(self) -> bool:
        """Whether the bracket that opens here is raised to a power."""
        depth = 0
        for k in range(self.place, len(self.tokens)):
            depth += {"(": 1, ")": -1}.get(self.tokens[k].text, 0)
            if not depth:
                return self.tokens[k + 1].text == "^"
        return False

    def _exponent(self) -> int | Expression:
        """A whole number, or the name of a given one: the number of the step, in Adam's beta1^k."""
        if self.took("("):
            value = self._exponent()
            self.expect(")")
            return value
        return Ref(self.name(), ()) if self.now.kind == "name" else self.whole()

    def atom(self) -> Expression:
        """A number, a reference, a size, a call, a reduction, brackets."""
        kind, text, _, _ = self.now
        if kind == "number":
            self.place += 1
            return Number(text)
        if text == "(":
            self.place += 1
            inner = self.expression()
            self.expect(")")
            return inner
        if text == "|":
            self.place += 1
            size = Size(self.name("an index letter"))
            self.expect("|")
            return size
        if text == "[":
            self.place += 1
            left = self.index()
            self.expect("=")
            right = self.index()
            self.expect("]")
            return Same(left, right)
        if kind != "name" or text in KEYWORDS:
            self.fail("a number or a name")
        return self._named()

    def _named(self) -> Expression:
        start = self.now.start
        if (letters := self._reduction(*REDUCTIONS)) is not None:
            op = self.text[start : self.text.index("_", start)]
            self.expect("(")
            body = self.expression()
            self.expect(")")
            if self.now.text == "^":
                raise self.error(f"is the {op} raised to the power, or each term? put a bracket around what is meant")
            return self._over(op, letters, body)
        name = self.name()
        if name in ("pi", "π"):
            return Number("pi")
        if self.now.text == "(" and (known := SPELLINGS.get(name) or SPELLINGS.get(name.lower())):
            return self._call(known)
        if self.now.text == "(" and not self.now.blank:
            raise self.error(f"{name} is not a function; functions are {', '.join(FUNCTIONS)}", start)
        at: list[Expression] = []
        if self.now.text == "[" and not (self.now.blank and self.following(2).text == "="):
            self.place += 1
            at = self._several(self.index)
            self.expect("]")
        return Ref(name, tuple(at))

    def _call(self, name: str) -> Expression:
        self.expect("(")
        arguments = self._several(self.expression)
        self.expect(")")
        function = FUNCTIONS[name]
        if len(arguments) != function.inputs:
            raise self.error(f"{name} takes {function.inputs} number{'s'[: function.inputs > 1]}, not {len(arguments)}")
        if name == "max" and Number("0") in arguments:
            return Call("max0", (arguments[1] if arguments[0] == Number("0") else arguments[0],))
        return Call(name, tuple(arguments))

    def _reduction(self, *ops: str) -> tuple[str, ...] | None:
        """The letters of `Σ_i`, `sum_{i,j}`, `max_{u=1..3,v=1..3}`; None where no such thing stands here."""
        op, _, rest = self.now.text.partition("_")
        if self.now.kind != "name" or op not in ops or "_" not in self.now.text:
            return None
        self.place += 1
        if rest:
            return (rest,)
        self.expect("{")
        letters = self._several(self._bounded)
        self.expect("}")
        return tuple(letters)

    def _bounded(self) -> str:
        found = self.name("an index letter")
        if not self.took("="):
            return found
        low, high = self._range()
        self.inline[f"{found}={low}..{high}"] = low, high
        return f"{found}={low}..{high}"

    @staticmethod
    def _over(op: str, letters: tuple[str, ...], body: Expression) -> Over:
        """A letter with a range of its own is that inside, until all lines are read."""
        bounded = {l.partition("=")[0]: l for l in letters if "=" in l}
        return Over(op, letters, _renamed(body, bounded) if bounded else body)

    # --- indices ---

    def index(self) -> Expression:
        """A sum of letters, whole numbers, 2p and |t|; or a whole number that is looked up, token[p]."""
        if self.now.kind == "name" and self.following().text == "[":
            name = self.name()
            self.expect("[")
            at = self._several(self.index)
            self.expect("]")
            return Ref(name, tuple(at))
        sign = -1 if self.took("-") else 1
        parts = [(sign, self._index_part())]
        while self.now.text in ("+", "-"):
            sign = 1 if self.now.text == "+" else -1
            self.place += 1
            parts.append((sign, self._index_part()))
        return Index.of(*parts)

    def _index_part(self) -> Index:
        if self.took("|"):
            size = self.name("an index letter")
            self.expect("|")
            return letter(f"|{size}|")
        if self.now.kind == "number":
            times = self.whole()
            self.took("*")
            return Index(((self.name(), times),), 0) if self.now.kind == "name" else Index((), times)
        return letter(self.name("an index"))
