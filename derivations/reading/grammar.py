r"""The grammar of a formula (LALR, read by lark) and the tree it builds, bottom-up and without recursion.

A term is collected as a flat list of factors: how far a sum sign or d/dw reaches is decided when the list is whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from derivations.expression import (
    Blank,
    Call,
    Choice,
    Entrywise,
    Expression,
    Letters,
    Matrix,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Sum,
    Transposed,
)
from derivations.reading.nodes import Applied, Derivative, Listed, Norm, SumOver, Updated, Worded, letters_in
from derivations.reading.tokens import NotRead, Tok

__all__ = ["LARGEST_POWER", "parse"]

LARGEST_POWER = 16
DEEPEST_TREE = 120
MOST_OPERATORS = 12  # sum signs, derivatives and divisions in one term

_GRAMMAR = r"""
start: entries
entries: sum (COMMA sum)*
sum: signed (PLUS signed | MINUS signed)* | PLUS signed (PLUS signed | MINUS signed)*
?signed: term | MINUS signed -> negative
term: factor (factor | MUL sfactor | DIV sfactor | ENTRYWISE sfactor)*
?sfactor: factor | MINUS sfactor -> negative | PLUS sfactor -> positive
?factor: operator | postfix
operator: FRAC LB PARTIAL RB LB PARTIAL base RB -> d_by
        | PARTIAL DIV PARTIAL base -> d_by
        | SUMSIGN -> sum_sign
?postfix: base
        | postfix CARET exponent -> power
        | postfix SQUARED -> squared
        | postfix TRANSPOSE -> transposed
        | postfix NEW -> updated
        | postfix PRIME -> derived
?exponent: LB entries RB -> group | NUM -> number | NAME -> name | MINUS NUM -> minus | LP entries RP -> group
         | MINUS NAME -> minus
?base: NUM -> number
     | NAME -> name
     | STATE -> name
     | AT -> name
     | EULER -> name
     | DOTS -> dots
     | LP entries RP -> group
     | LS entries RS -> group
     | LB entries RB -> group
     | LB LP entries RB RP -> crossed
     | FUNC base -> applied
     | FRAC LB entries RB LB entries RB -> fraction
     | FRACDD -> small_fraction
     | FRAC LB PARTIAL postfix RB LB PARTIAL base RB -> partial
     | PARTIAL base DIV PARTIAL base -> partial
     | NABLA base -> nabla
     | SQRT base -> root
     | NORM entries NORMEND -> norm
     | INDICATOR LP comparison RP -> indicator
     | INDICATOR LS comparison RS -> indicator
     | INDICATOR LB comparison RB -> indicator
     | MATRIX matrix_row (ROWEND matrix_row)* ROWEND? ENDMATRIX -> matrix
     | CASES case (ROWEND case)* ROWEND? ENDCASES -> cases
matrix_row: sum (CELL sum)* CELL?
case: sum COMMA? (CELL condition?)?
?condition: entries COMMA? | comparison COMMA? | LP comparison RP COMMA? -> inside
comparison: sum relation sum
!relation: GT | LT | REL | NE
%declare DOTS NUM NAME STATE AT EULER FUNC LP RP LS RS LB RB FRAC FRACDD PARTIAL NABLA SQRT NORM NORMEND MATRIX
%declare ENDMATRIX CASES ENDCASES ROWEND CELL GT LT COMMA PLUS MINUS MUL DIV ENTRYWISE CARET SQUARED
%declare TRANSPOSE NEW SUMSIGN PRIME INDICATOR NE REL
"""
_FUNCTION_LETTERS = ("\\sigma", "σ", "\\phi", "\\varphi", "φ")
_KNOWN = {"exp": "exp", "log": "log", "ln": "log", "tanh": "tanh", "sqrt": "sqrt", "Phi": "Phi"}
_SUM_INDEX = re.compile(r"([A-Za-z])\s*(?:(?:=|\\in)\s*(.{1,20}))?", re.DOTALL)
_INDICES = re.compile(r"_\s*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_PRIMED = re.compile(r"([ijkl])\s*+(?:'++|\^\s*+\{?\s*+(?:\\prime\s*+)++\}?|\\prime)")
_OTHER_LETTERS = {"i": "p", "j": "q", "k": "r", "l": "s"}
_PLAIN_FUNCTION = re.compile(r"^\\?(?:(?:mathrm|operatorname|text|mathit|mathbf)\s*+)?\{?\s*+\\?([A-Za-z]++)\s*+\}?")


class _Operator:
    """A sum sign or d/dw before it is known what it reaches over."""

    def __init__(self, make: Callable[[Expression], Expression], by: Expression | None = None) -> None:
        self.make, self.by = make, by


class _Builder:
    """The parser's callbacks, named as the rules."""

    def start(self, c: list[Any]) -> Expression:
        return c[0]  # type: ignore[no-any-return]

    def entries(self, c: list[Any]) -> Expression:
        parts = c[::2]
        if len(parts) == 1:
            return parts[0]  # type: ignore[no-any-return]
        if all(isinstance(e, Matrix) for e in parts):
            return Matrix(tuple(tuple(x for row in e.rows for x in row) for e in parts))
        return Listed(tuple((e,) for e in parts))

    def sum(self, c: list[Any]) -> Expression:
        terms: list[tuple[int, Expression]] = []
        sign = 1
        for part in c:
            if not isinstance(part, Expression):
                sign = -1 if part.type == "MINUS" else 1
            elif not terms and sign == 1 and isinstance(part, Negative):
                terms.append((-1, part.operand))
            else:
                terms.append((sign, part))
        if len(terms) == 1:
            sign, only = terms[0]
            return only if sign == 1 else Negative(only)
        return Sum(tuple(terms))

    def negative(self, c: list[Any]) -> Expression:
        return Negative(_whole(c[1]))

    minus = negative

    def positive(self, c: list[Any]) -> Expression:
        return c[1]  # type: ignore[no-any-return]

    def term(self, c: list[Any]) -> Expression:
        if len(c) == 1 and isinstance(c[0], Expression):
            return c[0]
        items: list[tuple[str, Any]] = []
        op = ""
        for part in c:
            if isinstance(part, Expression | _Operator):
                items.append((op, part))
                op = ""
            else:
                op = part.type
        return _term(items)

    def d_by(self, c: list[Any]) -> _Operator:
        by = c[-2] if len(c) > 4 else c[-1]
        place = (c[0].line, c[0].column)
        return _Operator(lambda operand: Derivative(_letters(by, c[0]), operand, place), by)

    def sum_sign(self, c: list[Any]) -> _Operator:
        low, _, high = c[0].value.partition("|")
        found = _SUM_INDEX.fullmatch(_unprimed(f"_{{{low}}}")[2:-1].strip()) if low else None
        if low and not found:
            raise NotRead("this sum's index is not understood", c[0].line, c[0].column)
        index, start = (found[1], found[2] or "") if found else ("", "")
        return _Operator(lambda body: SumOver(index, start.strip(), high.strip(), body))

    def power(self, c: list[Any]) -> Expression:
        base, exponent = c[0], c[2]
        if isinstance(base, Letters) and base.text == "e":
            return Call("exp", (exponent,))
        whole = _whole_number(exponent)
        if whole is not None and abs(whole) <= LARGEST_POWER:
            return Power(base, whole)
        if exponent in (Number("0.5"), Quotient(Number("1"), Number("2"))):
            return Call("sqrt", (base,))
        raise NotRead(f"an exponent is a whole number up to {LARGEST_POWER}", c[1].line, c[1].column)

    def squared(self, c: list[Any]) -> Expression:
        return Power(c[0], 2 if c[1].value == "²" else 3)

    def derived(self, c: list[Any]) -> Expression:
        return Applied("'", c[0])

    def transposed(self, c: list[Any]) -> Expression:
        return Transposed(c[0])

    def updated(self, c: list[Any]) -> Expression:
        return Updated(c[0])

    def number(self, c: list[Any]) -> Expression:
        return _number(c[0].value)

    def name(self, c: list[Any]) -> Expression:
        return _name(c[0].value)

    def dots(self, c: list[Any]) -> Expression:
        return Blank()

    def group(self, c: list[Any]) -> Expression:
        return c[1]  # type: ignore[no-any-return]

    def crossed(self, c: list[Any]) -> Expression:
        return c[2]  # type: ignore[no-any-return]

    def applied(self, c: list[Any]) -> Expression:
        written, argument = c[0].value, c[1]
        bare, _, power = written.partition("^")
        found = _PLAIN_FUNCTION.fullmatch(bare.strip())
        known = found[1] if found else ""
        exponent = power.strip("{} ")
        if known in _KNOWN and exponent in ("", "2"):
            value: Expression = Call(_KNOWN[known], (argument,))
            return Power(value, 2) if exponent else value
        if known == "max" and isinstance(argument, Matrix) and len(argument.rows) == 2:
            (first,), (second,) = argument.rows
            if Number("0") in (first, second):
                return Call("max0", (second if first == Number("0") else first,))
        return Applied("".join(_unprimed(written).split()), argument)

    def fraction(self, c: list[Any]) -> Expression:
        return Quotient(c[2], c[5])

    def small_fraction(self, c: list[Any]) -> Expression:
        above, _, below = c[0].value.partition("|")
        return Quotient(Number(above), Number(below))

    def partial(self, c: list[Any]) -> Expression:
        of, by = (c[3], c[-2]) if len(c) > 5 else (c[1], c[4])
        if isinstance(of, Letters):
            if of.text in _FUNCTION_LETTERS and isinstance(by, Letters) and "_" not in by.text:
                return Applied(f"{of.text}'", by)
            return Partial(of, by)
        return Derivative(_letters(by, c[0]), of, (c[0].line, c[0].column))

    def nabla(self, c: list[Any]) -> Expression:
        written = c[0].value.strip()
        written = written[1:-1].strip() if written.startswith("{") else written or r"\nabla"  # by every parameter
        return Partial(c[1], Letters(written, "".join(written.split())))

    def root(self, c: list[Any]) -> Expression:
        return Call("sqrt", (c[1],))

    def norm(self, c: list[Any]) -> Expression:
        return Norm(c[1])

    def matrix_row(self, c: list[Any]) -> tuple[Expression, ...]:
        return tuple(c[::2])

    def matrix(self, c: list[Any]) -> Expression:
        rows = tuple(part for part in c if isinstance(part, tuple) and part and isinstance(part[0], Expression))
        if len({len(row) for row in rows}) != 1:
            raise NotRead("the rows of a matrix are not equally long", c[0].line, c[0].column)
        return Matrix(rows)

    def relation(self, c: list[Any]) -> Any:
        return c[0]

    def comparison(self, c: list[Any]) -> tuple[Any, ...]:
        return tuple(c)

    def inside(self, c: list[Any]) -> Any:
        return c[1]

    def condition(self, c: list[Any]) -> Any:
        return c[0]

    def indicator(self, c: list[Any]) -> Expression:
        """1 where the comparison holds, else 0."""
        return _choice((Number("1"), *c[2]), Number("0"))

    def case(self, c: list[Any]) -> tuple[Any, ...]:
        """(value, its condition) or (value,) where the condition is in words."""
        return tuple(part for part in c if isinstance(part, Expression | tuple))

    def cases(self, c: list[Any]) -> Expression:
        rows = [part for part in c if isinstance(part, tuple)]
        tests = [row for row in rows if len(row) == 2 and isinstance(row[1], tuple) and row[1][1].type in ("GT", "LT")]
        if len(rows) != 2 or not tests:
            return Worded(tuple(row[0] for row in rows))
        test = tests[0]
        other = rows[1] if test is rows[0] else rows[0]
        return _choice((test[0], *test[1]), other[0])


def _number(written: str) -> Expression:
    return Number(written)


def _name(written: str) -> Expression:
    written = _unprimed(written)
    return Letters(written, "".join(written.split()))


def _choice(test: tuple[Any, ...], other: Expression) -> Expression:
    value, left, sign, right = test
    if sign.type not in ("GT", "LT"):
        raise NotRead("only > and < are read in a condition", sign.line, sign.column)
    difference = left if right == Number("0") else Sum(((1, left), (-1, right)))
    return Choice(difference, value, other) if sign.type == "GT" else Choice(difference, other, value)


def _unprimed(written: str) -> str:
    """A name whose index letters carry no primes: j' is another index than j, and so another letter."""
    if "'" not in written and "prime" not in written:
        return written
    return _INDICES.sub(lambda m: _PRIMED.sub(lambda p: f"{_OTHER_LETTERS[p[1]]} ", m[0]), written)


def _whole(e: Any) -> Expression:
    if isinstance(e, _Operator):
        raise NotRead("a sum sign or d/d with nothing behind it")
    return e  # type: ignore[no-any-return]


def _letters(e: Expression, token: Any) -> Expression:
    if not isinstance(e, Letters | Updated):
        raise NotRead("a derivative is by a name", token.line, token.column)
    return e


def _whole_number(e: Expression) -> int | None:
    if isinstance(e, Negative):
        inner = _whole_number(e.operand)
        return None if inner is None else -inner
    if isinstance(e, Sum):
        parts = [(sign, _whole_number(term)) for sign, term in e.terms]
        return None if any(n is None for _, n in parts) else sum(sign * n for sign, n in parts if n is not None)
    return int(e.text) if isinstance(e, Number) and e.text.isdigit() and len(e.text) < 4 else None


def _term(items: list[tuple[str, Any]]) -> Expression:
    """A flat list of factors as one expression: operators take what they reach over, from the right."""
    if sum(isinstance(part, _Operator) or op == "DIV" for op, part in items) > MOST_OPERATORS:
        raise NotRead(f"more than {MOST_OPERATORS} sums, derivatives and divisions in one term")
    for k in range(len(items) - 1, -1, -1):
        op, part = items[k]
        if isinstance(part, _Operator):
            end = len(items) if part.by is None else k + 1 + _reach(items[k + 1 :], part.by)
            if end == k + 1:
                raise NotRead("a sum sign or d/d with nothing behind it")
            items[k:end] = [(op, part.make(_product([("", items[k + 1][1]), *items[k + 2 : end]])))]
    return _product(items)


def _reach(items: Sequence[tuple[str, Any]], by: Expression) -> int:
    """How many factors d/d by reaches over: the next one, and on to the first that holds the variable."""
    if not items:
        return 0
    name = by.text if isinstance(by, Letters) else ""
    near = 0
    for count, (op, part) in enumerate(items, 1):
        if count > 1 and (op == "DIV" or isinstance(part, Partial | Derivative)):
            break
        if any(letters.text == name for letters in letters_in(part)):
            return count
        near = count if op == "" or count == 1 else near
        if op != "" and count > 1:
            break
    return max(near, 1)


def _product(items: Sequence[tuple[str, Any]]) -> Expression:
    factors: list[Expression] = []
    for op, part in items:
        if op == "DIV":
            factors = [Quotient(_joined(factors), part)]
        elif op == "ENTRYWISE":
            left = _joined(factors)
            own = left.factors if isinstance(left, Entrywise) else (left,)
            factors = [Entrywise((*own, part))]
        else:
            factors.append(part)
    return _joined(factors)


def _joined(factors: list[Expression]) -> Expression:
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


@lru_cache(maxsize=1)
def _parser() -> Any:
    from lark import Lark, Transformer
    from lark.lexer import Lexer, Token

    class Tokens(Lexer):
        """Hands over tokens that are cut already."""

        def __init__(self, conf: Any) -> None:
            pass

        def lex(self, data: Any) -> Iterator[Token]:  # type: ignore[override]
            for kind, text, line, column in data:
                yield Token(kind, text, line=line, column=column)

    class Tree(_Builder, Transformer):  # type: ignore[type-arg]
        pass

    return Lark(_GRAMMAR, parser="lalr", lexer=Tokens, transformer=Tree(), maybe_placeholders=False)


def parse(side: Sequence[Tok]) -> Expression:
    """The tree of one side of a relation.  Raises NotRead with the place of what is not expected."""
    from lark.exceptions import UnexpectedInput, VisitError

    if not side:
        raise NotRead("nothing stands there")
    if len(side) == 1 and side[0].kind in ("NUM", "NAME"):  # most sides: what the rules would make of it
        return _number(side[0].text) if side[0].kind == "NUM" else _name(side[0].text)
    try:
        tree: Expression = _whole(_parser().parse(_paired(side)))
    except UnexpectedInput as e:
        token = getattr(e, "token", None)
        if token is None or token.type == "$END":
            raise NotRead("it ends too early", side[-1].line, side[-1].column + len(side[-1].text)) from None
        why = "understood" if token.type == "STRAY" else "expected there"
        raise NotRead(f"'{token.value[:12]}' is not {why}", token.line, token.column) from None
    except VisitError as e:
        raise (e.orig_exc if isinstance(e.orig_exc, NotRead) else NotRead("not a formula")) from None
    if _depth(tree) > DEEPEST_TREE:
        raise NotRead("nested too deeply", side[0].line, side[0].column)
    return tree


def _paired(side: Sequence[Tok]) -> Iterator[Tok]:
    """Bars told apart into those that open and those that close."""
    opened = False
    for token in side:
        if token.kind in ("NORM", "BAR"):
            yield token._replace(kind="NORMEND" if opened else "NORM")
            opened = not opened
        else:
            yield token


def _depth(tree: Expression) -> int:
    deepest, stack = 0, [(tree, 1)]
    while stack and deepest <= DEEPEST_TREE:
        e, depth = stack.pop()
        deepest = max(deepest, depth)
        for part in e._parts():
            for one in part if type(part) is tuple else (part,):
                for inner in one if type(one) is tuple else (one,):
                    if isinstance(inner, Expression):
                        stack.append((inner, depth + 1))
    return deepest
