"""The language of equations: what a teacher types, a statement a line, read into equations.  Nothing is ever evaluated.

    a[t,j] = Σ_i Wx[j,i]*x[t,i] + Σ_k Wh[j,k]*h[t-1,k] + b[j]

`expression_reading` has the grammar of right sides, docs/language.md the page for those who type it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

from derivations.cursor import LanguageError
from derivations.equations import Equation, Range
from derivations.expression import (
    Call,
    Choice,
    Expression,
    Index,
    Negative,
    Number,
    Over,
    Product,
    Ref,
    Size,
    Sum,
    letter,
)
from derivations.expression_reading import ExpressionReader, renamed
from derivations.function import ARGUMENTS, SPELLINGS, Function

__all__ = ["LanguageError", "Statements", "expression", "read"]

MOST_LINES, LONGEST_LINE, MOST_PARTS = 1000, 2000, 2000


@dataclass
class Statements:
    """What a text says: equations, stated ranges of letters, arrays that are 0 outside (how far they are read).

    `functions` are those of the file by name, `lines` say where a range, a function or what is 0 outside was stated.
    """

    equations: list[Equation] = field(default_factory=list)
    ranges: dict[str, Range] = field(default_factory=dict)
    outside: dict[str, tuple[Range, ...]] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def read(text: str, most: int = MOST_LINES, functions: Mapping[str, Function] = MappingProxyType({})) -> Statements:
    """The statements of a text, one a line; `#` begins a comment, a line that ends in an operator goes on.

    `functions` are known beside those that it defines.  Raises LanguageError naming the line, the place and what to
    write instead.
    """
    out, inline = Statements(functions=dict(functions)), dict[str, Range]()
    lines = [_Line(line, number, out.functions) for number, line in _lines(text, most)]
    parts: dict[str, int] = {}
    for line in lines:
        if line.defines():
            line.definition(out, parts)
    for line in lines:
        if not line.defines():
            line.statement(out)
            inline |= line.inline
    _inline_letters(out, inline)
    out.equations = [replace(e, right=_tests_of_indices(e.right, _letters_of(e))) for e in out.equations]
    for e in out.equations:
        if e.left.name in out.functions:
            raise LanguageError(
                f"equations line {e.line}: {e.left.name} is a function of this file too: call one of the two otherwise"
            )
    return out


def _inline_letters(out: Statements, inline: Mapping[str, Range]) -> None:
    """A range written inside a sum holds inside that sum alone: its letter is another one, where that name is taken."""
    nodes = [node for e in out.equations for x in (e.left, e.right) for node in x.walk()]
    taken = {l for node in nodes for l in _letters_in(node) if l not in inline} | out.ranges.keys()
    names: dict[str, str] = {}
    for l, bounds in inline.items():
        base = l.partition("=")[0]
        names[l] = next(n for n in (base + "'" * k for k in range(MOST_LINES)) if n not in taken)
        taken.add(names[l])
        out.ranges[names[l]] = bounds
    if names:
        out.equations = [replace(e, right=renamed(e.right, names)) for e in out.equations]


def _letters_in(x: Expression) -> Iterable[str]:
    if isinstance(x, Index):
        return [l for l, _ in x.terms]
    return x.letters if isinstance(x, Over) else ()


def _letters_of(e: Equation) -> frozenset[str]:
    """The letters that stand on the left."""
    return frozenset(l for i in e.left.at for l in _letters_in(i))


def _tests_of_indices(e: Expression, letters: frozenset[str]) -> Expression:
    """`w if r <= p else 0`: a test that is made of letters alone is an index, and no array's value."""
    if isinstance(e, Over):
        letters |= frozenset(e.letters)
    out: Expression = e.mapped(lambda part: _tests_of_indices(part, letters))
    if isinstance(out, Choice):
        test = _as_index(out.test, letters)
        if test is not None and test.terms:
            return Choice(test, out.positive, out.otherwise)
    return out


def _as_index(e: Expression, letters: frozenset[str]) -> Index | None:
    """A sum of letters and whole numbers as the index that it is."""
    match e:
        case Ref(l, ()) if l in letters:
            return letter(l)
        case Size(l):
            return letter(f"|{l}|")
        case Number(text) if text.isdecimal():
            return Index((), int(text))
        case Negative(operand):
            return _added((-1, _as_index(operand, letters)))
        case Product((Number(text), part)) if text.isdecimal():
            return _added((int(text), _as_index(part, letters)))
        case Sum(terms):
            return _added(*((sign, _as_index(part, letters)) for sign, part in terms))
    return None


def _added(*parts: tuple[int, Index | None]) -> Index | None:
    known = [(times, part) for times, part in parts if part is not None]
    return Index.of(*known) if len(known) == len(parts) else None


@lru_cache(maxsize=1024)
def expression(text: str) -> Expression:
    """One expression of the language, as presets and functions are written.  Raises LanguageError."""
    line = ExpressionReader(text, 0)
    found = line.expression()
    line.expect_end()
    return found


def _lines(text: str, most: int) -> Iterator[tuple[int, str]]:
    """(number, line) of what says something, continued lines joined."""
    open_, started = "", 0
    lines = text.splitlines()
    if len(lines) > most:
        raise LanguageError(f"equations: more than {most} lines; a step worked by hand is shorter")
    for number, raw in enumerate(lines, 1):
        line = raw.split("#")[0].rstrip()
        if not line.strip() and (not open_ or number < len(lines)):
            continue
        open_, started = (f"{open_} {line}" if open_ else line), started or number
        if len(open_) > LONGEST_LINE:
            raise LanguageError(f"equations line {started}: longer than {LONGEST_LINE} characters; give parts names")
        unclosed = sum(open_.count(c) for c in "([{") > sum(open_.count(c) for c in ")]}")
        if not (open_.endswith(("+", "-", "*", "/", "=", "·", ",", "×", "−")) or unclosed) or number == len(lines):
            yield started, open_
            open_, started = "", 0
    if open_:
        yield started, open_


class _Line(ExpressionReader):
    """One statement of a text."""

    # --- functions of the file ---

    def defines(self) -> bool:
        """Whether the line defines a function, f(a) = ..."""
        texts = [token.text for token in self.tokens]
        return len(texts) > 2 and self.tokens[0].kind == "name" and texts[1] == "(" and "=" in texts[2:]

    def definition(self, out: Statements, parts: dict[str, int]) -> None:
        """f(a) = a/(1 + abs(a)): a function of numbers, made of its arguments and of functions above it.

        `parts` count what each function grows to with those that it calls, which is bounded.
        """
        name = self.name()
        self.expect("(")
        arguments = self.several(self.name)
        self.expect(")")
        self.expect("=")
        if name in out.functions or SPELLINGS.get(name) or SPELLINGS.get(name.lower()):
            raise self.error(f"{name} is a function already: take another name", 0)
        if len(set(arguments)) < len(arguments) or len(arguments) > len(ARGUMENTS):
            raise self.error(f"{name} takes 1 to {len(ARGUMENTS)} arguments, each with a name of its own", 0)
        body = self.expression()
        self.expect_end()
        own = self._closed(name, arguments, body)
        parts[name] = sum(1 + parts.get(str(x.function), 0) if isinstance(x, Call) else 1 for x in own.walk())
        if parts[name] > MOST_PARTS:
            raise self.error(f"{name} grows too large with the functions that it calls: write it with fewer", 0)
        out.functions[name] = Function(name, inputs=len(arguments), named=True, own=own)
        out.lines[name] = self.number

    def _closed(self, name: str, arguments: list[str], body: Expression) -> Expression:
        """The formula in the letters that every function has; it may read its arguments only."""
        letters = dict(zip(arguments, ARGUMENTS, strict=False))

        def put(e: Expression) -> Expression:
            if isinstance(e, Ref) and (e.at or e.name not in letters):
                known = ", ".join((*arguments, e.name))
                call = f"write {name}({known}) = .., and {e.name} among the arguments where {name} is called"
                what = "has an index" if e.at else f"is no argument of {name}: {call}"
                raise self.error(f"{e.name} {what}" + (": a function works on single numbers" if e.at else ""), 0)
            if isinstance(e, Over | Size | Index):
                raise self.error(f"{name} works on single numbers: a sum stands in an equation", 0)
            if isinstance(e, Ref):
                return Ref(letters[e.name], ())
            out: Expression = e.mapped(put)
            return out

        return put(body)

    # --- statements ---

    def statement(self, out: Statements) -> None:
        """An equation, a range of letters, or what is 0 outside."""
        if self.took("for"):
            self._ranges(out)
            return
        name = self.name("an equation, such as a[j] = Σ_i W[j,i]*x[i],")
        at, reaches = self._left()
        if self.took("is"):
            if not (self.took("0") and self.took("outside")):
                self.fail(f"'{name} is 0 outside'")
            self.expect_end()
            if at:
                raise self.error(f"say how far {name} is read by ranges: {name}[0..5] is 0 outside", 0)
            out.outside[name] = tuple(reaches)
            out.lines[name] = self.number
            return
        if not self.took("="):
            self.fail("'='")
        if reaches:
            raise self.error("a range on the left: write a letter, and 'for p = 1..4' on a line of its own", 0)
        right = self.expression()
        self.expect_end()
        out.equations.append(Equation(Ref(name, tuple(at)), right, "forward", self.number))

    def _ranges(self, out: Statements) -> None:
        """for t = 1..3, or for p, q = 1..4, k = 1..2"""
        self._range_of_letters(out)
        while self.took(","):
            self._range_of_letters(out)
        self.expect_end()

    def _range_of_letters(self, out: Statements) -> None:
        letters = self.several(self.name)
        self.expect("=")
        low, high = bounds = self._range()
        if high < low:
            raise self.error(f"{low}..{high} is empty: a range goes upwards, such as 1..3", 0)
        for l in letters:
            if out.ranges.setdefault(l, bounds) != bounds:
                known = "..".join(map(str, out.ranges[l]))
                raise self.error(
                    f"{l} runs over {known} already (line {out.lines[l]}): take another letter for {low}..{high}", 0
                )
            out.lines[l] = self.number

    def _left(self) -> tuple[list[Expression], list[Range]]:
        """The indices on the left, and the ranges where those are written, x[0..5]."""
        at: list[Expression] = []
        reaches: list[Range] = []
        if self.took("["):
            while True:
                if ".." in (self.following().text, self.following(2).text):
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
