"""Expressions of the language of equations, read into the one tree.  Nothing is ever evaluated.

A precedence parser: powers bind first, then * and /, then Σ, then + and -.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from typing import TypeVar

from derivations import hints
from derivations.cursor import KEYWORDS, Cursor
from derivations.equations import Range
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
    Within,
    letter,
)
from derivations.function import FUNCTIONS, SPELLINGS, Function, of_inputs

__all__ = ["ExpressionReader", "renamed"]

_T = TypeVar("_T")
REDUCTIONS = ("mean", "max", "min", "softmax")
DEEPEST, MOST_FACTORS, LARGEST_EXPONENT = 60, 60, 1000
FAR = "1000000"
"""What inf counts as inside a softmax: exp(-1000000) is 0 in every machine format, and to 434,000 places."""
NESTED = "nested too deeply; give a part a name and an equation of its own"


def renamed(e: Expression, names: Mapping[str, str]) -> Expression:
    """The expression with other letters."""
    if isinstance(e, Index):
        return Index(tuple((names.get(l, l), c) for l, c in e.terms), e.plus)
    if isinstance(e, Over):
        return Over(e.op, tuple(names.get(l, l) for l in e.letters), renamed(e.body, names))
    out: Expression = e.mapped(lambda part: renamed(part, names))
    return out


class ExpressionReader(Cursor):
    """The grammar of a right side.  `functions` are those of the file, `inline` the ranges written inside sums."""

    def __init__(self, text: str, number: int, functions: Mapping[str, Function] | None = None) -> None:
        super().__init__(text, number)
        self.functions = {} if functions is None else functions
        self.inline: dict[str, Range] = {}
        self.masks = False  # inside a softmax

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        """One level of nesting more; a text nested without end is refused, not followed."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(NESTED)
        yield
        self.depth -= 1

    # --- expressions ---

    def expression(self) -> Expression:
        """`total`, or `total if a > b else expression`."""
        with self._deeper():
            out = self.total()
            if not self.took("if"):
                return out
            a, sign = self.total(), self.now.text
            if not self.took(">", "<", ">=", "<="):
                self.fail(hints.for_condition(self.now.text))
            b = self.total()
            self.expect("else")
            otherwise = self.expression()
            above, below = (a, b) if sign in (">", "<=") else (b, a)
            test = above if below == Number("0") else Sum(((1, above), (-1, below)))
            return Choice(test, *((out, otherwise) if sign in (">", "<") else (otherwise, out)))

    def total(self) -> Expression:
        """Products with their signs."""
        signs = [-1 if self.took("-") else 1]
        if signs[0] > 0:
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
        out, factors, count = None, [self.factor()], 1
        while (sign := self.now.text) in ("*", "/") or self._multiplies():
            count += 1
            if count > MOST_FACTORS:
                raise self.error(f"more than {MOST_FACTORS} factors; give a part a name and an equation of its own")
            self.took("*", "/")
            if self.now.text == "-":
                raise self.error("a negative factor stands in brackets: write (-..)")
            if sign == "/":
                above = Product((out, *factors)) if out and factors else out or self._product(factors)
                out, factors = Quotient(above, self.factor()), []
            else:
                factors.append(self.factor())
        if out is None:
            return self._product(factors)
        return Product((out, *factors)) if factors else out

    @staticmethod
    def _product(factors: list[Expression]) -> Expression:
        return factors[0] if len(factors) == 1 else Product(tuple(factors))

    def _multiplies(self) -> bool:
        """Whether what follows can only be a further factor."""
        kind, text, _, _ = self.now
        if kind == "number":
            raise self.error("a sign is missing before this number: write * or +")
        return (kind == "name" and text not in KEYWORDS) or text in ("(", "|")

    def factor(self) -> Expression:
        """A sum over letters, or an atom with its power."""
        with self._deeper():
            if (found := self._reduction("Σ", "sum")) is not None:
                if self.now.text == "(" and not self.now.blank and self._power_after_bracket():
                    raise self.error("is the sum squared, or each term? put a bracket around what is meant")
                negative = self.took("-")
                body = self.product()
                return self._over("sum", found, Negative(body) if negative else body)
            base = self.atom()
            if not self.took("^"):
                return base
            power = Power(base, self._exponent())
            if self.now.text == "^":
                raise self.error("a power of a power: put a bracket around what is raised")
            return power

    def _power_after_bracket(self) -> bool:
        """Whether the bracket that opens here is raised to a power."""
        depth = 0
        for k in range(self.place, len(self.tokens)):
            depth += {"(": 1, ")": -1}.get(self.tokens[k].text, 0)
            if not depth:
                return self.tokens[k + 1].text == "^"
        return False

    def _exponent(self) -> int | Expression:
        """A whole number as such; a fraction, a constant, what is made of these as an expression."""
        start = self.now.start
        negative = self.took("-")
        value = self.atom()
        if isinstance(value, Negative):
            negative, value = not negative, value.operand
        if isinstance(value, Number) and value.text.isdecimal():
            whole = int(value.text)
            if whole > LARGEST_EXPONENT:
                raise self.error(f"an exponent goes up to {LARGEST_EXPONENT}: take a smaller number", start)
            return -whole if negative else whole
        return Negative(value) if negative else value

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
            size = Size(self.name("an index letter, for |n| is how many n there are (abs(w) is the size of a number),"))
            if self.now.text != "|":
                raise self.error("|n| is how many n there are: write abs(..) for the size of a number")
            self.place += 1
            return size
        if text == "[":
            return self._condition()
        if kind != "name" or text in KEYWORDS:
            self.fail("a number or a name")
        return self._named()

    def _condition(self) -> Expression:
        """[i = j], or [1 <= i <= 3]."""
        self.expect("[")
        left = self.index()
        if self.took("<="):
            index, low = self.index(), left
            self.expect("<=")
            high = self.index()
            self.expect("]")
            ends = [i.plus for i in (low, high) if isinstance(i, Index) and not i.terms]
            if not isinstance(index, Index) or len(ends) < 2:
                raise self.error("a condition is [i = j], or [1 <= i <= 3] with whole numbers as ends")
            return Within(index, *ends)
        self.expect("=")
        right = self.index()
        self.expect("]")
        return Same(left, right)

    def _named(self) -> Expression:
        start = self.now.start
        if (letters := self._reduction(*REDUCTIONS)) is not None:
            op = self.text[start : self.text.index("_", start)]
            if self.now.text != "(":
                raise self.error(f"{op} reaches to its bracket: write {op}_{','.join(letters)[:20]}(..)")
            self.place += 1
            outside, self.masks = self.masks, op == "softmax"
            body = self.expression()
            self.masks = outside
            self.expect(")")
            if self.now.text == "^":
                raise self.error(f"is the {op} raised to the power, or each term? put a bracket around what is meant")
            return self._over(op, letters, body)
        name = self.name()
        if name in ("pi", "π"):
            if self.now.text == "[" and not self.now.blank:  # a policy, the weights of a mixture
                return Ref(name, self._indices())
            return Number("pi")
        if name.lower() in ("inf", "infinity", "∞") and self.now.text != "[":
            if not self.masks:
                raise self.error("inf is no number here; a mask stands inside softmax: (s if m > 0 else -inf)", start)
            return Number(FAR)
        if name.partition("_")[0].lower() in ("prod", "π") and "_" in name:
            raise self.error(hints.for_call("prod", ()), start)
        if name[0] == "Σ":
            raise self.error("a sum names its letters behind _: write Σ_i, or Σ_{i,j}", start)
        known = self._function(name)
        if known is not None and (self.now.text == "(" or (known.name == "sqrt" and self._operand())):
            return self._call(known, name) if self.now.text == "(" else Call("sqrt", (self.atom(),))
        if self.now.text == "(" and not self.now.blank:
            raise self.error(f"{name} is not a function: {hints.for_call(name, self.functions)}", start)
        at = self._indices()
        if at and self.now.text == "[" and not self.now.blank:
            raise self.error("the indices of an array stand in one bracket: write A[j,i]")
        return Ref(name, at)

    def _operand(self) -> bool:
        return self.now.kind in ("name", "number") and self.now.text not in KEYWORDS

    def _indices(self) -> tuple[Expression, ...]:
        """[j,i] behind a name; a condition is no index: a [i = j]."""
        if self.now.text != "[" or (self.now.blank and self._condition_follows()):
            return ()
        self.place += 1
        at = self.several(self.index)
        self.expect("]")
        return tuple(at)

    def _condition_follows(self) -> bool:
        texts = [token.text for token in self.tokens[self.place :]]
        inside = texts[: texts.index("]")] if "]" in texts else texts
        return "=" in inside or "<=" in inside

    def _function(self, name: str) -> Function | None:
        known = SPELLINGS.get(name) or SPELLINGS.get(name.lower())
        return self.functions.get(name) or (FUNCTIONS[known] if known else None)

    def _call(self, function: Function, name: str) -> Expression:
        self.expect("(")
        arguments = tuple(self.several(self.expression))
        self.expect(")")
        if len(arguments) > function.inputs > 1 and function.by_name:  # the largest of several, two by two
            first = Call(function.name, arguments[:2])
            return reduce(lambda found, more: Call(function.name, (found, more)), arguments[2:], first)
        function = of_inputs(function, name, len(arguments))
        if len(arguments) != function.inputs:
            numbers = f"{function.inputs} number{'s'[: function.inputs > 1]}"
            raise self.error(f"{function.name} takes {numbers}, not {len(arguments)}")
        if function.own is not None:
            return Call(function, arguments)
        if function.name == "max" and Number("0") in arguments:
            return Call("max0", (arguments[1] if arguments[0] == Number("0") else arguments[0],))
        return Call(function.name, arguments)

    # --- letters of sums ---

    def _reduction(self, *ops: str) -> tuple[str, ...] | None:
        """The letters of `Σ_i`, `sum_{i,j}`, `max_{u=1..3,v=1..3}`, `Σ_{i=1}^3`; None where no such thing stands."""
        op, _, rest = self.now.text.partition("_")
        if self.now.kind != "name" or op not in ops or "_" not in self.now.text:
            return None
        start = self.now.start
        self.place += 1
        if len(rest) > 1 and rest.isalpha():
            raise self.error(hints.for_letters(rest), start)
        letters = (rest,) if rest else self._in_braces()
        if len(set(letters)) < len(letters):
            raise self.error("a letter stands twice below one sign: take another letter", start)
        return letters

    def _in_braces(self) -> tuple[str, ...]:
        self.expect("{")
        letters = self.several(self._bounded)
        if self.now.text != "}":
            self.fail("'}'", hints.for_whole(self.now.text))
        self.place += 1
        if letters[-1].endswith("=") and self.took("^"):
            low = int(letters[-1][:-1].partition("=")[2])
            letters[-1] = self._with_range(letters[-1].partition("=")[0], low, self._upper_end())
        if open_ := next((l for l in letters if l.endswith("=")), ""):
            raise self.error(f"how far {open_[0]} runs is not said: write Σ_{{{open_[:-1]}..3}}")
        return tuple(letters)

    def _upper_end(self) -> int:
        braces = self.took("{")
        high = self.whole()
        if braces:
            self.expect("}")
        return high

    def _bounded(self) -> str:
        found = self.name("an index letter")
        if not self.took("="):
            return found
        low = self.whole()
        return self._with_range(found, low, self.whole()) if self.took("..") else f"{found}={low}="

    def _with_range(self, l: str, low: int, high: int) -> str:
        """A letter with a range of its own, written into its name until all lines are read."""
        if high < low:
            raise self.error(f"{low}..{high} is empty: a range goes upwards, such as 1..3")
        self.inline[f"{l}={low}..{high}"] = low, high
        return f"{l}={low}..{high}"

    @staticmethod
    def _over(op: str, letters: tuple[str, ...], body: Expression) -> Over:
        bounded = {l.partition("=")[0]: l for l in letters if "=" in l}
        return Over(op, letters, renamed(body, bounded) if bounded else body)

    # --- indices ---

    def several(self, one: Callable[[], _T]) -> list[_T]:
        """One or more, with commas between."""
        out = [one()]
        while self.took(","):
            out.append(one())
        return out

    def index(self) -> Expression:
        """A sum of letters, whole numbers, 2p and |t|; or a whole number that is looked up, token[p]."""
        with self._deeper():
            if self.now.kind == "name" and self.following().text == "[":
                name = self.name()
                self.expect("[")
                at = self.several(self.index)
                self.expect("]")
                return Ref(name, tuple(at))
            return self._index_sum()

    def _index_sum(self) -> Index:
        sign = -1 if self.took("-") else 1
        parts = [(sign, self._index_part())]
        while self.now.text in ("+", "-"):
            sign = 1 if self.now.text == "+" else -1
            self.place += 1
            parts.append((sign, self._index_part()))
        return Index.of(*parts)

    def _index_in_brackets(self, times: int) -> Index:
        """2*(u-1): the bracket written out."""
        with self._deeper():
            inner = self._index_sum()
            self.expect(")")
            return Index.of((times, inner))

    def _index_part(self) -> Index:
        if self.took("("):
            return self._index_in_brackets(1)
        if self.took("|"):
            size = self.name("an index letter")
            self.expect("|")
            return letter(f"|{size}|")
        if self.now.kind == "number":
            times = self.whole()
            star = self.took("*")
            if self.took("("):
                return self._index_in_brackets(times)
            if star or (self.now.kind == "name" and self.now.text not in KEYWORDS):
                return Index(((self.name("an index letter"), times),), 0)
            return Index((), times)
        return letter(self.name("an index"))
