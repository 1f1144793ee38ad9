"""A written formula: a small tree in the order in which a teacher writes it.

One tree for what a problem file says, what a derivation prints and what a student's line is read into.  A general
equation has arrays with indices in it (`W1[j,i]`, `Σ_i`), its entries have quantities.  Nothing is reordered or
simplified: `y - t` stays `y - t`, and a sum of products stays one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from derivations.quantity import Quantity

__all__ = [
    "Blank",
    "Call",
    "Choice",
    "Derivative",
    "Differential",
    "Entrywise",
    "Expression",
    "Index",
    "Largest",
    "Letters",
    "Matrix",
    "Name",
    "Negative",
    "Number",
    "Over",
    "Partial",
    "Power",
    "Product",
    "Quotient",
    "Ref",
    "Same",
    "Size",
    "Smallest",
    "Sum",
    "Transposed",
    "Within",
    "letter",
    "names_in",
    "replaced",
]


_set = object.__setattr__


class Expression:
    """A frozen node; operators build the tree, and with an array on the other side numpy goes through the array.

    Plain classes with slots: dataclasses would cost each start of the program several milliseconds.
    """

    __slots__: tuple[str, ...] = ()

    def __init__(self, *parts: Any) -> None:
        for name, part in zip(self.__slots__, parts, strict=True):
            _set(self, name, part)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("an expression does not change")

    def _parts(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__slots__])

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash((type(self), self._parts()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._parts()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._parts()))})"

    def mapped(self, change: Callable[[Expression], Any]) -> Any:
        """The node with each part that is an expression changed."""
        return type(self)(*(_mapped(part, change) for part in self._parts()))

    def walk(self) -> Iterator[Expression]:
        """The node and everything below it, from left to right."""
        return _walk(self)

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
    """base to a whole exponent; in a general equation also to a fraction or a constant, an expression then."""

    __slots__ = ("base", "exponent")
    __match_args__ = ("base", "exponent")
    base: Expression
    exponent: Any


class Negative(Expression):
    """-operand"""

    __slots__ = ("operand",)
    __match_args__ = ("operand",)
    operand: Expression


class Call(Expression):
    """A named function of its arguments: exp, log, tanh, sqrt, Phi (normal distribution), max0 (max(0, a)).

    A function of the file is its own entry in place of the name (`function.Function`).
    """

    __slots__ = ("function", "arguments")
    __match_args__ = ("function", "arguments")
    function: Any
    arguments: tuple[Expression, ...]


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


class Derivative(Expression):
    """The operator d/d by of a function of one variable, applied to a written-out operand."""

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


# --- indexed arrays ---


class Index(Expression):
    """An index of an array: 2p + u - 2 has the terms ((p, 2), (u, 1)) and -2; |t| is the last t.

    As a test it is the number itself: `s[p,r] if r > p else 0` asks whether r - p > 0.
    """

    __slots__ = ("terms", "plus")
    __match_args__ = ("terms", "plus")
    terms: tuple[tuple[str, int], ...]
    plus: int

    @classmethod
    def of(cls, *parts: tuple[int, Index]) -> Index:
        """The sum of so many times each index, the largest coefficient first, as it is written."""
        total: dict[str, int] = {}
        for times, part in parts:
            for l, c in part.terms:
                total[l] = total.get(l, 0) + times * c
        terms = sorted(((l, c) for l, c in total.items() if c), key=lambda term: -term[1])
        return cls(tuple(terms), sum(times * part.plus for times, part in parts))

    @property
    def letter(self) -> str:
        """The letter, where it stands alone; "" else."""
        alone = len(self.terms) == 1 and self.terms[0][1] == 1 and not self.plus and self.terms[0][0][0] != "|"
        return self.terms[0][0] if alone else ""

    def at(self, values: dict[str, Index]) -> Index:
        """The index with others put in for letters."""
        if not any(l in values for l, _ in self.terms):
            return self
        return Index.of((1, Index((), self.plus)), *((c, values.get(l) or letter(l)) for l, c in self.terms))


def letter(l: str) -> Index:
    """A letter as an index."""
    return Index(((l, 1),), 0)


class Ref(Expression):
    """An array's entry, `W1[j,i]`: each index an `Index`, or an entry of whole numbers that is looked up."""

    __slots__ = ("name", "at")
    __match_args__ = ("name", "at")
    name: str
    at: tuple[Expression, ...]


class Size(Expression):
    """|n|, how many n there are."""

    __slots__ = ("letter",)
    __match_args__ = ("letter",)
    letter: str


class Over(Expression):
    """Something taken over letters: sum, mean, max, min, softmax, logsumexp."""

    __slots__ = ("op", "letters", "body")
    __match_args__ = ("op", "letters", "body")
    op: str
    letters: tuple[str, ...]
    body: Expression


class Same(Expression):
    """[i = j], 1 or 0."""

    __slots__ = ("left", "right")
    __match_args__ = ("left", "right")
    left: Expression
    right: Expression


class Within(Expression):
    """[low <= index <= high], 1 or 0."""

    __slots__ = ("index", "low", "high")
    __match_args__ = ("index", "low", "high")
    index: Index
    low: int
    high: int


class Largest(Expression):
    """[entry is the largest], 1 or 0; each of several largest, which is a kink."""

    __slots__ = ("entry", "largest")
    __match_args__ = ("entry", "largest")
    entry: Expression
    largest: Expression


class Smallest(Expression):
    """[entry is the smallest], 1 or 0; each of several smallest, which is a kink."""

    __slots__ = ("entry", "smallest")
    __match_args__ = ("entry", "smallest")
    entry: Expression
    smallest: Expression


def _walk(*parts: Any) -> Iterator[Expression]:
    """Every expression in some parts, however deep in tuples and lists."""
    rest = list(reversed(parts))
    while rest:
        part = rest.pop()
        if isinstance(part, Expression):
            yield part
            rest += [getattr(part, name) for name in reversed(part.__slots__)]
        elif type(part) in (tuple, list):
            rest += reversed(part)


def _mapped(part: Any, change: Callable[[Expression], Any]) -> Any:
    if isinstance(part, Expression):
        return change(part)
    return tuple(_mapped(p, change) for p in part) if type(part) is tuple else part


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


def replaced(e: Expression, name: Callable[[Quantity], Expression]) -> Any:
    """The same formula with every quantity replaced by what `name` returns (its number, say)."""
    return name(e.quantity) if isinstance(e, Name) else e.mapped(lambda part: replaced(part, name))


def names_in(*formulas: Any) -> set[Quantity]:
    """The quantities that a formula, or each of several, names."""
    return {node.quantity for node in _walk(*formulas) if isinstance(node, Name)}
