"""How people calculate: one operation after another, each as exact as the tool is.

A work function (``chain.py`` and the like) is a textbook's formulas in the operations of a ``Person``; what it writes
by ``person.write`` is a row of the sheet, and what ``write`` returns is the number she goes on with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from random import Random
from typing import Any, Protocol, TypeAlias

import numpy as np

from .habits import EXACT, Habits
from .rounding import Number, exponent, to_figures, to_places
from .writing import Pen

Function: TypeAlias = Callable[[Number], Number]


class Accident(Protocol):
    """What befalls an operation of the person, such as a product miscalculated."""

    def product(self, value: Number) -> Number: ...

    def terms(self, terms: list[Number]) -> list[Number]: ...


class Blot(Protocol):
    """What befalls a number while it is written: its new text and value, or None."""

    def spoil(self, name: str, text: str) -> str | None: ...


class Kept(float):
    """A number of which both what stands on paper and what the calculator holds is at hand."""

    shown: float
    row: int = -1
    used: float


class Rows:
    """Which rows of the sheet are written: no ``left_out`` array, and of single cells all but a share of ``gaps``."""

    def __init__(self, left_out: frozenset[str] = frozenset(), gaps: float = 0.0, seed: int = 0) -> None:
        self.left_out = left_out
        self.gaps = gaps
        self.rng = Random(seed) if gaps else None  # of its own: the same gaps whatever the numbers are

    def written(self, array: str) -> bool:
        """Whether the next cell, of this array, is written."""
        if array in self.left_out:
            return False
        return self.rng is None or self.rng.random() >= self.gaps


class Person:
    """One who works a step: her tool, her memory, her pen; ``slip`` is what she gets wrong."""

    def __init__(
        self,
        habits: Habits = EXACT,
        rng: Random | None = None,
        *,
        rows: Rows | None = None,
        shares: frozenset[str] = frozenset(),
        slip: str | None = None,
        only: int | None = None,
    ) -> None:
        self.habits = habits
        self.rng = rng or Random(0)
        self.rows = rows or Rows()
        self.shares = shares
        self.slip = slip
        self.only = only  # at this chance alone, counted from 0; None: at every one
        self.chances = 0
        self.accident: Accident | None = None
        self.blot: Blot | None = None
        self.cells: dict[str, str] = {}
        self.pen = Pen(habits, self.rng)
        self.keep = _keeping(habits)
        self.exp_of, self.tanh_of, self.log_of, self.sqrt_of = _functions(habits)
        self.keep_inside: Function = self.keep if habits.inside_functions or not habits.inside else _as_it_is

    # what she makes of given numbers, and what she gets wrong

    def given(self, numbers: Any) -> Any:
        """Exact given numbers, nested in lists and tables, as her tool holds them."""
        if isinstance(numbers, list):
            return [self.given(entry) for entry in numbers]
        if isinstance(numbers, dict):
            return {key: self.given(entry) for key, entry in numbers.items()}
        if not isinstance(numbers, Fraction) or self.habits.way == "fractions":
            return numbers
        return float(np.float32(float(numbers))) if self.habits.way == "float32" else float(numbers)

    def slips(self, name: str) -> bool:
        """Whether she makes this slip here and now."""
        if self.slip != name:
            return False
        self.chances += 1
        return self.only is None or self.only == self.chances - 1

    # operations

    def add(self, x: Number, y: Number) -> Number:
        """x + y."""
        return self.keep(x + y)

    def minus(self, x: Number, y: Number) -> Number:
        """x - y."""
        return self.keep(x - y)

    def moved(self, old: Number, step: Number) -> Number:
        """old + step, an updated number, rounded no coarser than it is written: its change has to show."""
        return old + step if self.habits.inside else self.add(old, step)

    def times(self, x: Number, y: Number) -> Number:
        """x times y."""
        value = self.keep(x * y)
        return value if self.accident is None else self.accident.product(value)

    def over(self, x: Number, y: Number) -> Number:
        """x divided by y."""
        return self.keep(x / y)

    def square(self, x: Number) -> Number:
        """x times x."""
        return self.times(x, x)

    def product(self, *factors: Number) -> Number:
        """Factors multiplied from left to right."""
        value = factors[0]
        for factor in factors[1:]:
            value = self.times(value, factor)
        return value

    def total(self, terms: Sequence[Number]) -> Number:
        """Terms added from left to right."""
        terms = list(terms)
        if self.accident is not None and len(terms) > 1:
            terms = self.accident.terms(terms)
        value = terms[0]
        for term in terms[1:]:
            value = self.keep(value + term)
        return value

    def dot(self, xs: Sequence[Number], ys: Sequence[Number], *others: Number) -> Number:
        """Σ x·y, and what else is to be added."""
        return self.total([self.times(x, y) for x, y in zip(xs, ys, strict=True)] + list(others))

    def exp(self, x: Number) -> Number:
        """e to the x."""
        return self.keep_inside(self.exp_of(x))

    def log(self, x: Number) -> Number:
        """The natural logarithm."""
        return self.keep(self.log_of(x))

    def sqrt(self, x: Number) -> Number:
        """The square root."""
        return self.keep(self.sqrt_of(x))

    def tanh(self, x: Number) -> Number:
        """The hyperbolic tangent, from a table or a key."""
        return self.keep(self.tanh_of(x))

    def sigmoid(self, x: Number) -> Number:
        """1/(1 + exp(-x))."""
        return self.keep(self.keep_inside(1 / self.keep_inside(1 + self.exp(-x))))

    def softmax(self, xs: Sequence[Number]) -> list[Number]:
        """exp(x) divided by the sum of them all."""
        raised = [self.exp(x) for x in xs]
        whole = raised[0]
        for one in raised[1:]:
            whole = self.keep_inside(whole + one)
        return [self.over(one, whole) for one in raised]

    # the sheet

    def write(self, name: str, value: Number, beside: Number | None = None) -> Number:
        """Write a row, unless it is one that she leaves out; return the number that she goes on with."""
        array = name.partition("[")[0]
        written = self.rows.written(array)
        carry = self.habits.carry
        if carry == "full" and not written:
            return value
        text = self.pen.plain(value, beside, written=written)
        spoilt = self.blot.spoil(name, text) if self.blot is not None and written else None
        if spoilt is not None:
            self.cells[name] = spoilt
            return self._read_back(spoilt)
        shown = value if carry == "full" else self._read_back(text)
        if written and self.pen.decorates:
            text = self.pen.decorated(value, text, array in self.shares)
            shown = value if "/" in text else shown
        if written:
            self.cells[name] = text
        if carry == "full":
            return value
        return shown if carry == "shown" else self._chosen(value, shown)

    def _read_back(self, text: str) -> Number:
        """The number that stands on paper."""
        return Fraction(text) if self.habits.way == "fractions" else float(text)

    def _chosen(self, value: Number, shown: Number) -> Number:
        """By cell: the one or the other, from here on."""
        return shown if self.rng.random() < 0.5 else value

    def row(self, name: str, values: Sequence[Number], mark: str = "") -> list[Number]:
        """Write name[1], name[2], ...; return what she goes on with."""
        return [self.write(f"{name}[{i}]{mark}", value) for i, value in enumerate(values, 1)]

    def table(self, name: str, rows: Sequence[Sequence[Number]], mark: str = "") -> list[list[Number]]:
        """Write name[1,1], name[1,2], ...; return what she goes on with."""
        return [
            [self.write(f"{name}[{i},{j}]{mark}", value) for j, value in enumerate(row, 1)]
            for i, row in enumerate(rows, 1)
        ]


class Recalling(Person):
    """Mixed by use: in each row she takes an earlier number either from paper or from memory."""

    rows_done = 0

    def _chosen(self, value: Number, shown: Number) -> Number:
        kept = Kept(value)
        kept.shown = float(shown)
        return kept

    def write(self, name: str, value: Number, beside: Number | None = None) -> Number:
        self.rows_done += 1
        return super().write(name, self._recalled(value), beside)

    def _recalled(self, x: Number) -> Number:
        if type(x) is not Kept:
            return x
        if x.row != self.rows_done:
            x.row = self.rows_done
            x.used = x.shown if self.rng.random() < 0.5 else float(x)
        return x.used

    def add(self, x: Number, y: Number) -> Number:
        return super().add(self._recalled(x), self._recalled(y))

    def minus(self, x: Number, y: Number) -> Number:
        return super().minus(self._recalled(x), self._recalled(y))

    def moved(self, old: Number, step: Number) -> Number:
        return super().moved(self._recalled(old), self._recalled(step))

    def times(self, x: Number, y: Number) -> Number:
        return super().times(self._recalled(x), self._recalled(y))

    def over(self, x: Number, y: Number) -> Number:
        return super().over(self._recalled(x), self._recalled(y))

    def total(self, terms: Sequence[Number]) -> Number:
        return super().total([self._recalled(term) for term in terms])

    def exp(self, x: Number) -> Number:
        return super().exp(self._recalled(x))

    def log(self, x: Number) -> Number:
        return super().log(self._recalled(x))

    def sqrt(self, x: Number) -> Number:
        return super().sqrt(self._recalled(x))

    def tanh(self, x: Number) -> Number:
        return super().tanh(self._recalled(x))

    def sigmoid(self, x: Number) -> Number:
        return super().sigmoid(self._recalled(x))

    def softmax(self, xs: Sequence[Number]) -> list[Number]:
        return super().softmax([self._recalled(x) for x in xs])


def _as_it_is(x: Number) -> Number:
    return x


def _keeping(habits: Habits) -> Function:
    """What becomes of the result of an operation: rounded by the tool, or by the person."""
    if habits.way == "float32":
        single = np.float32
        return lambda x: float(single(x))
    if habits.inside:
        return _rounding_inside(habits)
    if habits.calculator:
        form = f"%.{habits.calculator - 1}e"
        return lambda x: float(form % x)
    return _as_it_is


def _rounding_inside(habits: Habits) -> Function:
    """Products and sums rounded at least as finely as what is written."""
    extra = habits.inside - 1
    if habits.digits == "figures":
        return lambda x: float(to_figures(x, habits.figures + extra, habits.halves))

    def rounded(x: Number) -> Number:
        if x == 0:
            return 0.0
        places = max(habits.places, habits.least_figures - 1 - exponent(x))
        return float(to_places(x, min(places + extra, 16), habits.halves))

    return rounded


def _functions(habits: Habits) -> tuple[Function, Function, Function, Function]:
    """exp, tanh, log and the root, as a table, a program or a key gives them."""
    if habits.way == "float32":
        single = np.float32
        return (
            lambda x: float(np.exp(single(x))),
            lambda x: float(np.tanh(single(x))),
            lambda x: float(np.log(single(x))),
            lambda x: float(np.sqrt(single(x))),
        )
    if habits.table:
        return (
            _tabulated(math.exp, habits.table),
            _tabulated(math.tanh, habits.table),
            _tabulated(math.log, habits.table),
            math.sqrt,
        )
    return math.exp, math.tanh, math.log, math.sqrt


def _tabulated(function: Function, digits: int) -> Function:
    """A table's entry: so many decimals, and so many figures of a small number."""

    def looked_up(x: Number) -> Number:
        value = function(x)
        places = max(digits, digits - 1 - exponent(value)) if value else digits
        return float(f"{value:.{places}f}")

    return looked_up
