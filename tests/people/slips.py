"""What goes wrong: slips that teaching assistants see, each with its truth in a sentence.

Most are built into the work functions, at each ``person.slips(name)``; the others befall a number that is given,
an operation, or a number while it is written. After the slip the person goes on consistently.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from random import Random
from typing import Any
from zlib import crc32

from .calculating import Person
from .habits import EXACT, Habits
from .problem import Given, Problem
from .problems import PROBLEMS
from .rounding import Number, exponent
from .sheets import Drawn, Sheet, drawn
from .spoiling import SPOILING, number_on_paper, plain_text, unit_of
from .truths import TRUTHS

ON_PAPER = ("digits_swapped", "sign_lost", "point_moved", "neighbours_number", "digit_misread", "digit_left_out")
IN_OPERATIONS = ("product_miscalculated", "term_left_out", "term_added_twice")
IN_GIVEN = ("given_neighbours_number", "given_sign_lost", "given_digits_swapped", "given_point_moved")
ROUGH_ERRORS = (ValueError, ZeroDivisionError, OverflowError)  # her calculator says E


@dataclass(frozen=True)
class Mistake:
    """One slip, at one place: ``only`` of its chances, ``at`` an operation, ``path`` in the file, ``cell`` on paper.

    ``copied`` is the cell whose number stands there instead.
    """

    slip: str
    only: int | None = None
    cell: str | None = None
    text: str | None = None
    at: int | None = None
    size: int = 0
    path: tuple[Any, ...] = ()
    number: Fraction | None = None
    copied: str = ""

    @property
    def truth(self) -> str:
        """What went wrong, in a sentence."""
        place = "" if self.only is None else f" (only the {self.only + 1}. time)"
        if self.cell:
            place = f" ({self.cell})"
        if self.path:
            place = f" ({'.'.join(str(step) for step in self.path)} as {float(self.number or 0):g})"
        return TRUTHS[self.slip] + place


class Spoilt:
    """One cell gets another text."""

    def __init__(self, mistake: Mistake) -> None:
        self.mistake = mistake

    def spoil(self, name: str, text: str) -> str | None:
        """The wrong text of that cell."""
        return self.mistake.text if name == self.mistake.cell else None


class Clumsy:
    """Counts products and sums, and gets one of them wrong."""

    def __init__(self, mistake: Mistake | None = None) -> None:
        self.mistake = mistake
        self.products = 0
        self.sums = 0

    def product(self, value: Number) -> Number:
        """The value, but for the one that is miscalculated: a figure of it is wrong."""
        self.products += 1
        mistake = self.mistake
        if mistake is None or mistake.slip != "product_miscalculated" or mistake.at != self.products - 1 or not value:
            return value
        place = Fraction(10) ** (exponent(value) - abs(mistake.size) // 10)
        step = place * (abs(mistake.size) % 10) * (1 if mistake.size > 0 else -1)
        return value + (step if isinstance(value, Fraction) else float(step))

    def terms(self, terms: list[Number]) -> list[Number]:
        """The terms, but for the sum from which one is lost or to which one is added again."""
        self.sums += 1
        mistake = self.mistake
        if mistake is None or mistake.at != self.sums - 1:
            return terms
        i = mistake.size % len(terms)
        if mistake.slip == "term_left_out":
            return terms[:i] + terms[i + 1 :]
        return [*terms, terms[i]] if mistake.slip == "term_added_twice" else terms


# working with a slip


def slipped(problem: Problem, mistake: Mistake, person: Person) -> dict[str, str]:
    """The cells of a sheet on which the person makes this mistake, once or wherever she can."""
    person.slip, person.only = mistake.slip, mistake.only
    given = problem.given_to(person)
    if mistake.path:
        given = altered(given, mistake.path, person.given(mistake.number))
    if mistake.cell:
        person.blot = Spoilt(mistake)
    if mistake.at is not None:
        person.accident = Clumsy(mistake)
    problem.work(person, given)
    return person.cells


def slipped_sheet(problem_name: str, seed: int) -> Sheet:
    """A sheet with one slip that shows in its numbers."""
    return slipped_with(problem_name, seed)[0]


def in_full(problem_name: str, seed: int) -> dict[str, str]:
    """The cells of a slipped sheet as the same mistake makes them in double precision, every digit written."""
    sheet, mistake, one = slipped_with(problem_name, seed)
    way = replace(EXACT, from_net_input=one.habits.from_net_input, long_way=one.habits.long_way)
    numbers = slipped_exactly(one.problem, mistake, way)
    if mistake.cell and mistake.copied:
        numbers[mistake.cell] = one.problem.exact[mistake.copied]
    spoilt = {mistake.cell: mistake.text} if mistake.cell and mistake.text and not mistake.copied else {}
    return {name: spoilt.get(name, repr(numbers[name])) for name in sheet.cells}


def slipped_with(problem_name: str, seed: int) -> tuple[Sheet, Mistake, Drawn]:
    """A sheet with one slip, the mistake and who makes it."""
    problem = PROBLEMS[problem_name]
    one = drawn(problem, seed)
    rng = Random(crc32(problem_name.encode()) + seed * 999_983)
    right = one.person()
    problem.work(right, problem.given_to(right))
    while True:
        mistake = drawn_mistake(problem, one.habits, right.cells, rng)
        sheet = mistake and sheet_with(one, mistake, right.cells)
        if mistake and sheet:
            return sheet, mistake, one


def sheet_with(one: Drawn, mistake: Mistake, right: dict[str, str]) -> Sheet | None:
    """The sheet of this person with this mistake; None where it cannot be seen, or cannot be worked."""
    try:
        cells = slipped(one.problem, mistake, one.person())
        first = mistake.cell or first_wrong(one, mistake, cells, right)
    except ROUGH_ERRORS:
        return None
    if first is None:
        return None
    return Sheet(one.problem.name, one.seed, one.habits, cells, mistake.slip, mistake.truth, first)


def first_wrong(one: Drawn, mistake: Mistake, cells: dict[str, str], right: dict[str, str]) -> str | None:
    """The first written cell that the mistake moves by more than a unit of its last digit."""
    way = replace(EXACT, from_net_input=one.habits.from_net_input, long_way=one.habits.long_way)
    wrong, exact = slipped_exactly(one.problem, mistake, way), one.problem.exact
    for name, text in cells.items():
        is_exact = abs(number_on_paper(right[name]) - exact[name]) < 1e-13
        unit = 0.0 if is_exact else min(unit_of(text), unit_of(right[name]))
        if text != right[name] and abs(wrong[name] - exact[name]) > max(unit, 1e-6 * abs(exact[name]), 1e-12):
            return name
    return None


def slipped_exactly(problem: Problem, mistake: Mistake, way: Habits) -> dict[str, float]:
    """Every quantity as the mistake makes it, in double precision."""
    person = Person(way)
    slipped(problem, mistake, person)
    return {name: float(text) for name, text in person.cells.items()}


# drawing a mistake


def drawn_mistake(problem: Problem, habits: Habits, cells: dict[str, str], rng: Random) -> Mistake | None:
    """A mistake that this problem allows; None where the draw came to nothing."""
    kind = rng.random()
    if kind < 0.65:
        slip = rng.choice(tuple(problem.chances))
        chances = problem.chances[slip]
        return Mistake(slip, only=rng.randrange(chances) if chances > 1 and rng.random() < 0.3 else None)
    if kind < 0.82:
        return mistake_on_paper(cells, rng)
    if kind < 0.9:
        return mistake_in_operations(problem, habits.from_net_input, habits.long_way, rng)
    return mistake_in_given(problem, rng)


def mistake_on_paper(cells: dict[str, str], rng: Random) -> Mistake | None:
    """One written number spoilt."""
    slip, cell = rng.choice(ON_PAPER), rng.choice(tuple(cells))
    text = simple_decimal(cells[cell])
    if text is None:
        return None
    copied = another_cell(cell, cells, rng) if slip == "neighbours_number" else ""
    spoilt = simple_decimal(cells[copied]) if copied else slip in SPOILING and SPOILING[slip](text, rng)
    if not spoilt or not numbers_differ(text, spoilt):
        return None
    return Mistake(slip, cell=cell, text=spoilt, copied=copied)


def simple_decimal(text: str) -> str | None:
    """The plain text of a decimal; None for a power, a percentage, a fraction."""
    plain = plain_text(text).lstrip("+")
    return plain if "%" not in text and set(plain) <= set("-.0123456789") else None


def numbers_differ(text: str, spoilt: str) -> bool:
    """By more than two units of the last digit, so that no way of rounding explains it."""
    return abs(float(text) - float(spoilt)) > 2.5 * min(unit_of(text), unit_of(spoilt))


def another_cell(cell: str, cells: dict[str, str], rng: Random) -> str:
    """What stands beside the cell: another entry of the same array, or the row before."""
    array, names = cell.partition("[")[0], list(cells)
    beside = [name for name in names[: names.index(cell)] if name.startswith(array + "[")]
    beside = beside or names[max(names.index(cell) - 1, 0) : names.index(cell)]
    return rng.choice(beside) if beside else ""


@cache
def operations(problem_name: str, from_net_input: bool, long_way: bool) -> tuple[int, int]:
    """How many products and sums the step has, worked this way."""
    problem = PROBLEMS[problem_name]
    person = Person(replace(EXACT, from_net_input=from_net_input, long_way=long_way))
    person.accident = counting = Clumsy()
    problem.work(person, problem.given_floats)
    return counting.products, counting.sums


def mistake_in_operations(problem: Problem, from_net_input: bool, long_way: bool, rng: Random) -> Mistake:
    """One product miscalculated, or one term of a sum lost or taken twice."""
    products, sums = operations(problem.name, from_net_input, long_way)
    slip = rng.choice(IN_OPERATIONS)
    if slip == "product_miscalculated":
        size = rng.choice((1, -1)) * (10 * rng.choice((0, 1, 1)) + rng.choice((1, 1, 2, 3)))
        return Mistake(slip, at=rng.randrange(products), size=size)
    return Mistake(slip, at=rng.randrange(sums), size=rng.randrange(12))


# given numbers


def leaves(given: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The numbers of a file that one may misread, with the way to each."""
    if isinstance(given, dict):
        for key, value in given.items():
            if key not in ("epsilon", "beta1", "beta2", "token", "answer"):
                yield from leaves(value, (*path, key))
    elif isinstance(given, list):
        for i, value in enumerate(given):
            yield from leaves(value, (*path, i))
    elif isinstance(given, int | Fraction) and not isinstance(given, bool):
        yield path, given


def altered(given: Given, path: tuple[Any, ...], number: Any) -> Given:
    """The file's numbers with one of them misread."""
    changed = copy.deepcopy(given)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = number
    return changed


def mistake_in_given(problem: Problem, rng: Random) -> Mistake | None:
    """One number of the exercise misread, and used so all the way."""
    places = dict(leaves(problem.given))
    path = rng.choice(tuple(places))
    value, slip = Fraction(places[path]), rng.choice(IN_GIVEN)
    text = f"{float(value):g}"
    if slip == "given_neighbours_number":
        beside = [Fraction(number) for other, number in places.items() if other[:-1] == path[:-1] and number != value]
        wrong = rng.choice(beside) if beside else None
    else:
        spoilt = SPOILING[slip.removeprefix("given_")](text, rng)
        wrong = Fraction(spoilt) if spoilt else None
    return None if wrong is None or wrong == value else Mistake(slip, path=path, number=wrong)
