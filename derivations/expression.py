"""A written formula: a small tree in the order in which a teacher writes it.

The tree is filled by running the rules on it (`Writing` is one more arithmetic) and printed by one function a format.
Nothing is reordered or simplified: `y - t` stays `y - t`, and a sum of products stays one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from derivations.arithmetic import Arithmetic
from derivations.given import Given
from derivations.names import Quantity

__all__ = [
    "Blank",
    "Call",
    "Choice",
    "Differential",
    "Entrywise",
    "Expression",
    "Letters",
    "Matrix",
    "Name",
    "Negative",
    "Number",
    "Partial",
    "Power",
    "Product",
    "Quotient",
    "Sum",
    "Transposed",
    "Writing",
    "chosen",
    "evaluate",
    "fraction_of",
    "relation",
    "replaced",
]


class Expression:
    """A frozen node; operators build the tree, and with an array on the other side numpy goes through the array.

    Plain classes with slots: dataclasses would cost each start of the program several milliseconds.
    """

    __slots__: tuple[str, ...] = ()

    def __init__(self, *parts: Any) -> None:
        for name, part in zip(self.__slots__, parts, strict=True):
            object.__setattr__(self, name, part)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("an expression does not change")

    def _parts(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__slots__])

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash((type(self), self._parts()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._parts()))})"

    def __add__(self, other: Any) -> Any:
        return _built(Sum.plus, self, other)

    def __radd__(self, other: Any) -> Any:
        return _built(Sum.plus, other, self)

    def __sub__(self, other: Any) -> Any:
        return _built(Sum.minus, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _built(Sum.minus, other, self)

    def __mul__(self, other: Any) -> Any:
        return _built(Product.of, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _built(Product.of, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _built(Quotient, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _built(Quotient, other, self)

    def __pow__(self, exponent: int) -> Any:
        return Power(self, exponent)

    def __neg__(self) -> Any:
        return Negative(self)


class Name(Expression):
    """A quantity."""

    __slots__ = ("quantity",)
    __match_args__ = ("quantity",)
    quantity: Quantity


class Number(Expression):
    """A number as it is shown."""

    __slots__ = ("text",)
    __match_args__ = ("text",)
    text: str


class Sum(Expression):
    """Terms with their signs, in order."""

    __slots__ = ("terms",)
    __match_args__ = ("terms",)
    terms: tuple[tuple[int, Expression], ...]

    @classmethod
    def plus(cls, left: Expression, right: Expression) -> Sum:
        """Left + right, sums on either side continued."""
        return cls(_terms(left) + (((1, right),) if isinstance(right, Negative) else _terms(right)))

    @classmethod
    def minus(cls, left: Expression, right: Expression) -> Sum:
        """Left - right, a sum on the left continued."""
        return cls((*_terms(left), (-1, right)))


class Product(Expression):
    """Factors in order."""

    __slots__ = ("factors",)
    __match_args__ = ("factors",)
    factors: tuple[Expression, ...]

    @classmethod
    def of(cls, left: Expression, right: Expression) -> Expression:
        """Left * right; of two bare numbers one of which is 0 or 1, the other or 0."""
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Number) and isinstance(other, Number) and one.text in ("0", "1"):
                return one if one.text == "0" else other
        first = left.factors if isinstance(left, Product) else (left,)
        second = right.factors if isinstance(right, Product) else (right,)
        return cls(first + second)


class Quotient(Expression):
    """above / below."""

    __slots__ = ("above", "below")
    __match_args__ = ("above", "below")
    above: Expression
    below: Expression


class Power(Expression):
    """base to a whole exponent."""

    __slots__ = ("base", "exponent")
    __match_args__ = ("base", "exponent")
    base: Expression
    exponent: int


class Negative(Expression):
    """-operand"""

    __slots__ = ("operand",)
    __match_args__ = ("operand",)
    operand: Expression


class Call(Expression):
    """A named function of one argument: exp, log, tanh, sqrt, Phi (normal distribution), max0 (max(0, a))."""

    __slots__ = ("function", "argument")
    __match_args__ = ("function", "argument")
    function: str
    argument: Expression


class Choice(Expression):
    """`positive` where `test` > 0, `otherwise` elsewhere."""

    __slots__ = ("test", "positive", "otherwise")
    __match_args__ = ("test", "positive", "otherwise")
    test: Expression
    positive: Expression
    otherwise: Expression


class Partial(Expression):
    """The partial derivative of one quantity by another."""

    __slots__ = ("of", "by")
    __match_args__ = ("of", "by")
    of: Expression
    by: Expression


class Differential(Expression):
    """The operator d/d by, applied to a written-out operand."""

    __slots__ = ("by", "operand")
    __match_args__ = ("by", "operand")
    by: Expression
    operand: Expression


class Letters(Expression):
    """A letter that is no quantity of the network: a vector, a matrix; as LaTeX and as plain text."""

    __slots__ = ("latex", "text")
    __match_args__ = ("latex", "text")
    latex: str
    text: str


class Entrywise(Expression):
    """The entrywise (Hadamard) product."""

    __slots__ = ("factors",)
    __match_args__ = ("factors",)
    factors: tuple[Expression, ...]


class Transposed(Expression):
    """A transposed matrix."""

    __slots__ = ("operand",)
    __match_args__ = ("operand",)
    operand: Expression


class Matrix(Expression):
    """Rows of entries."""

    __slots__ = ("rows",)
    __match_args__ = ("rows",)
    rows: tuple[tuple[Expression, ...], ...]


class Blank(Expression):
    """A place to fill in."""

    __slots__ = ()
    __match_args__ = ()


def _terms(e: Expression) -> tuple[tuple[int, Expression], ...]:
    if isinstance(e, Negative):
        return ((-1, e.operand),)
    return e.terms if isinstance(e, Sum) else ((1, e),)


def _expression(value: Any) -> Expression:
    return value if isinstance(value, Expression) else Number(str(value))


def _built(make: Callable[..., Any], *parts: Any) -> Any:
    if any(isinstance(part, np.ndarray) for part in parts):
        return NotImplemented
    return make(*map(_expression, parts))


# --- one more arithmetic ---


def _written(function: Callable[..., Any], inputs: int = 1) -> Any:
    return staticmethod(np.frompyfunc(function, inputs, 1))


class Writing(Arithmetic):
    """The arithmetic whose numbers are written expressions."""

    name = "writing"
    by_definition = True
    exp = _written(lambda a: Call("exp", a))
    expm1 = _written(lambda a: Call("exp", a) - 1)
    log = _written(lambda a: Call("log", a))
    log1p = _written(lambda a: Call("log", 1 + a))
    tanh = _written(lambda a: Call("tanh", a))
    normal_cdf = _written(lambda a: Call("Phi", a))
    sqrt = _written(lambda a: Call("sqrt", a))
    square = _written(lambda a: Power(a, 2))
    ones_like = _written(lambda a: Number("1"))
    positive_part = _written(lambda a: Call("max0", a))
    where = _written(Choice, 3)
    unless_zero = _written(lambda t, value: value, 2)
    over = _written(lambda t, y: t / y, 2)
    pi: Any = Number("pi")

    def number(self, text: str) -> Expression:
        """A literal."""
        return Number(text)

    def lift(self, given: Given) -> Any:
        """Literals as they were written."""
        return np.frompyfunc(Number, 1, 1)(given.shown())


def replaced(e: Any, name: Callable[[Quantity], Expression]) -> Any:
    """The same formula with every quantity replaced by what `name` returns (its number, say)."""
    if isinstance(e, Name):
        return name(e.quantity)
    if isinstance(e, Expression):
        return type(e)(*(replaced(part, name) for part in e._parts()))
    return tuple(replaced(part, name) for part in e) if isinstance(e, tuple) and not isinstance(e, Quantity) else e


def names_in(e: Any) -> set[Quantity]:
    """The quantities that a formula, or each of several, names."""
    found: set[Quantity] = set()
    rest = [e]
    while rest:
        part = rest.pop()
        if isinstance(part, Name):
            found.add(part.quantity)
        elif isinstance(part, Expression):
            rest += part._parts()
        elif type(part) in (tuple, list):
            rest += part
    return found


# --- value ---


def evaluate(e: Expression, leaf: Callable[[Quantity], Any], number: Callable[[str], Any]) -> Any:
    """The value of a formula of `+ - * /`, powers and choices; None where it calls exp or another function.

    `leaf` gives a quantity's number, `number` reads a literal; with fractions the value is exact.
    """
    match e:
        case Name(quantity):
            return leaf(quantity)
        case Number(literal):
            return number(literal)
        case Sum(terms):
            values = [evaluate(t, leaf, number) for _, t in terms]
            known = None not in values
            return sum(s * v for (s, _), v in zip(terms, values, strict=True)) if known else None
        case Product(factors):
            return _folded([evaluate(f, leaf, number) for f in factors])
        case Quotient(above, below):
            p, q = evaluate(above, leaf, number), evaluate(below, leaf, number)
            return None if p is None or not q else p / q
        case Power(base, exponent):
            value = evaluate(base, leaf, number)
            return None if value is None else value**exponent
        case Negative(operand):
            value = evaluate(operand, leaf, number)
            return None if value is None else -value
        case Call("max0", argument):
            value = evaluate(argument, leaf, number)
            return None if value is None else max(value, value * 0)
        case Choice(test, positive, otherwise):
            value = evaluate(test, leaf, number)
            return None if value is None else evaluate(positive if value > 0 else otherwise, leaf, number)
    return None


def _folded(values: list[Any]) -> Any:
    if any(value is not None and value == 0 for value in values):
        return 0  # 0 log 0 = 0
    if None in values:
        return None
    product = values[0]
    for value in values[1:]:
        product = product * value
    return product


@lru_cache(maxsize=1 << 16)
def fraction_of(text: str) -> Any:
    """The exact value of a shown number, None for what is no number."""
    from fractions import Fraction

    try:
        return Fraction(text)
    except ValueError:  # nan, inf, pi
        return None


def relation(formula: Expression, value: str, shown: Callable[[Quantity], str]) -> str:
    """`=` where the shown numbers put into the formula give exactly the shown value, else `\u2248`."""
    exact = evaluate(formula, lambda q: fraction_of(shown(q)), fraction_of)
    return "=" if exact is not None and exact == fraction_of(value) else "\u2248"


def chosen(formula: Expression, shown: Callable[[Quantity], str]) -> Expression:
    """A choice replaced by the branch that the numbers take."""
    while isinstance(formula, Choice):
        test = evaluate(formula.test, lambda q: fraction_of(shown(q)), fraction_of)
        formula = formula.positive if test is not None and test > 0 else formula.otherwise
    return formula
