"""A problem of the simulator: the file that a student is given, and how its step is worked."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

from .calculating import Person
from .habits import EXACT, SINGLE

Given: TypeAlias = dict[str, Any]
Work: TypeAlias = Callable[[Person, Given], None]


class Listening(Person):
    """Makes no slip, but counts at how many places each could be made."""

    def __init__(self) -> None:
        super().__init__(EXACT)
        self.heard: dict[str, int] = {}

    def slips(self, name: str) -> bool:
        self.heard[name] = self.heard.get(name, 0) + 1
        return False


@dataclass(frozen=True)
class Problem:
    """``source`` is the TOML text, ``work`` writes every row of its step by a person's operations."""

    name: str
    source: str
    work: Work
    scratch: frozenset[str] = frozenset()  # arrays that few people write down
    shares: frozenset[str] = frozenset()  # arrays of numbers from 0 to 1, which some write in percent
    least_figures: int = 2

    @cached_property
    def given(self) -> Given:
        """The file's numbers, exact."""
        return tomllib.loads(self.source, parse_float=Fraction)

    @cached_property
    def given_floats(self) -> Given:
        """The file's numbers as doubles."""
        return tomllib.loads(self.source)

    @cached_property
    def given_singles(self) -> Given:
        """The file's numbers in float32; programs keep Adam's betas as doubles, for 1 - beta."""
        training = self.given_floats.get("training", {})
        betas = {name: training[name] for name in ("beta1", "beta2") if name in training}
        singles = Person(SINGLE).given(self.given)
        return {**singles, "training": {**singles["training"], **betas}}

    @cached_property
    def chances(self) -> dict[str, int]:
        """The slips that can be made in this work: name -> at how many places."""
        listener = Listening()
        self.work(listener, self.given_floats)
        return listener.heard

    @cached_property
    def exact(self) -> dict[str, float]:
        """Every quantity in the order of a sheet, in double precision."""
        person = Person()
        self.work(person, self.given_floats)
        return {name: float(text) for name, text in person.cells.items()}

    @cached_property
    def arrays(self) -> tuple[str, ...]:
        """The arrays of a sheet, each once, in order."""
        return tuple(dict.fromkeys(name.partition("[")[0] for name in self.exact))

    def given_to(self, person: Person) -> Given:
        """The file's numbers as the person's tool holds them."""
        way = person.habits.way
        if way == "fractions":
            return self.given
        return self.given_singles if way == "float32" else self.given_floats
