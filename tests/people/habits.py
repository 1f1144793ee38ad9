"""What a person is used to do: with which tool she works, what she carries on, how she writes.

Each set of habits that ``drawn_habits`` gives leads to sheets that an expert would call right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

WAYS = {
    "re-enters": 22,  # a calculator, numbers typed in again as they were written
    "memory": 14,  # a calculator, every number kept in its memory
    "mixed by cell": 14,  # each number either rounded or kept, for good
    "mixed by use": 8,  # each number rounded here and kept there
    "tables": 8,  # exp, tanh and log from tables of four digits
    "fractions": 6,  # exact as long as no exp comes in
    "spreadsheet": 8,  # doubles, shown with a few decimals
    "float64": 8,  # a program's output
    "float32": 6,
    "rounds inside": 6,  # products and sums too are rounded like what is written
}


@dataclass(frozen=True)
class Habits:
    """One person's ways; ``exact`` is nobody: a program that prints every digit."""

    way: str = "float64"
    carry: str = "full"  # shown, full, by cell, by use
    calculator: int = 0  # significant digits of each operation; 0: a double
    digits: str = "all"  # places, figures, all
    places: int = 0
    figures: int = 0
    varied: bool = False  # a figure more here and there; what is not written has it too
    least_figures: int = 2  # a small number gets more decimals until it has these
    change_figures: int = 1  # so much of the change is seen in an updated weight
    halves: str = "even"
    inside: int = 0  # extra digits to which what is not written is rounded, plus 1; 0: not rounded
    inside_functions: bool = False  # the steps within a sigmoid or softmax too
    table: int = 0  # digits of the tables
    from_net_input: bool = False  # the slope worked from a and not from z
    long_way: bool = False  # a softmax's or cross-entropy's signal by the slopes, not y - t
    zeros: str = "kept"  # kept, dropped, exact (dropped where the number is exact)
    simple_fractions: bool = False  # 1/3
    point_first: bool = False  # .25
    scientific: str = ""  # e, E or ×10^
    percent: str = ""  # % or " %"
    plus: bool = False
    minus: str = "-"
    rows: str = "everything"  # everything, usual, some, gaps

    @property
    def decorates(self) -> bool:
        """Whether anything but plain digits is written."""
        looks = (self.simple_fractions, self.point_first, self.scientific, self.percent, self.plus)
        return any(looks) or self.minus != "-"


EXACT = Habits()
SINGLE = Habits("float32")


def drawn_habits(rng: Random, *, least_figures: int = 2) -> Habits:
    """A person's habits; no number is written with fewer figures than ``least_figures``."""
    way = rng.choices(tuple(WAYS), tuple(WAYS.values()))[0]
    habits = replace(_tool(way, rng), least_figures=max(least_figures, rng.choice((2, 2, 3, 4))))
    return replace(
        habits,
        change_figures=rng.choice((1, 1, 2)),
        from_net_input=rng.random() < 0.08 and not habits.inside,
        long_way=rng.random() < 0.1,
        rows=rng.choices(("everything", "usual", "some", "gaps"), (25, 45, 20, 10))[0],
        **_looks(rng),
    )


def _tool(way: str, rng: Random) -> Habits:
    """With what she calculates and to how many digits she writes."""
    if way == "spreadsheet":
        places = rng.choice((2, 3, 3, 3, 4, 5))
        return Habits(way, digits="places", places=places, halves="up", zeros=rng.choice(("kept", "dropped")))
    if way in ("float64", "float32"):
        return _program(way, rng)
    habits = replace(_paper(rng), way=way, calculator=rng.choice((8, 9, 10, 10)))
    if way == "tables":
        places, figures = min(habits.places, 4), min(habits.figures, 4)
        carry = rng.choice(("shown", "shown", "full"))
        return replace(habits, carry=carry, table=4, calculator=10, places=places, figures=figures, varied=False)
    if way == "fractions":
        carry = rng.choice(("shown", "full"))
        return replace(habits, carry=carry, calculator=0, simple_fractions=rng.random() < 0.3)
    if way == "rounds inside":
        inside, functions = rng.choice((1, 1, 2)), rng.random() < 0.5
        return replace(habits, carry="shown", calculator=0, varied=False, inside=inside, inside_functions=functions)
    carry = {"re-enters": "shown", "memory": "full", "mixed by cell": "by cell", "mixed by use": "by use"}[way]
    if rng.random() < 0.05:  # copies the whole display
        return replace(habits, carry=carry, digits="figures", figures=habits.calculator, varied=False)
    return replace(habits, carry=carry)


def _paper(rng: Random) -> Habits:
    """So many decimals, or so many figures."""
    zeros = rng.choice(("kept", "kept", "dropped", "exact", "exact"))
    halves = rng.choice(("up", "up", "even"))
    if rng.random() < 0.5:
        places = rng.choices((2, 3, 4, 5, 6), (3, 25, 45, 17, 10))[0]
        return Habits(digits="places", places=places, zeros=zeros, halves=halves)
    figures = rng.choices((3, 4, 5, 6), (20, 50, 20, 10))[0]
    return Habits(digits="figures", figures=figures, zeros=zeros, halves=halves, varied=rng.random() < 0.15)


def _program(way: str, rng: Random) -> Habits:
    """What a program prints: all digits, or a format."""
    if rng.random() < 0.3:
        return Habits(way, digits="all")
    if rng.random() < 0.6:
        places = rng.choice((3, 4, 4, 6, 8))
        zeros = "kept" if places < 8 else "dropped"
        return Habits(way, digits="places", places=places, halves="binary", zeros=zeros)
    return Habits(way, digits="figures", figures=rng.choice((4, 6, 8)), halves="binary", zeros="dropped")


def _looks(rng: Random) -> dict[str, Any]:
    """Looks that have nothing to do with the number itself; most people have none."""
    looks: dict[str, Any] = {}
    if rng.random() < 0.75:
        return looks
    look = rng.choice(("point_first", "scientific", "percent", "plus", "minus", "minus"))
    values = {"scientific": ("e", "e", "E", "E", "×10^"), "percent": ("%", "%", " %"), "minus": ("\N{MINUS SIGN}",)}
    looks[look] = rng.choice(values[look]) if look in values else True
    return looks
