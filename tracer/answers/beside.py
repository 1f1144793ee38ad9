"""Somebody's printed numbers beside ours: which way of rounding gives each printed digit.

People round in two ways, and mix them: they go on with what they have printed, or they keep every digit and round only
what they print.  For each printed number both are worked, exactly, and compared at the digits printed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derivations import names
from derivations.aliases import Meaning
from derivations.arithmetic import Exact
from derivations.computation import Computation
from derivations.given import fraction
from derivations.names import Quantity
from derivations.network import Problem
from derivations.own_names import OwnNames
from derivations.spellings import Spellings
from tracer.answers.reading.sheets import Cell, SheetError
from tracer.computed_step import STATED
from tracer.rounding import Rounding, bounds, half_away, ten_to
from tracer.show.grid import grid
from tracer.tracing import steps_of

__all__ = ["Beside", "BesideRow", "put_beside"]

BITS = 200
CARRIED, EXACT = "carrying what is printed", "keeping every digit"


@dataclass(frozen=True)
class BesideRow:
    """One printed number: what carrying and what exact work give, and the ways that give the printed digits."""

    name: str
    printed: str
    carried: str
    exact: str
    ways: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """For people: "both", or the way that gives the printed digits."""
        if {CARRIED, EXACT} <= set(self.ways):
            return "both"
        return "; ".join(self.ways) or "neither"


@dataclass(frozen=True)
class Beside:
    """Every printed number of a sheet beside ours."""

    rows: tuple[BesideRow, ...]

    @property
    def summary(self) -> str:
        """How many numbers each way explains, and whether one way explains them all."""
        counts = {way: sum(way in row.ways for row in self.rows) for way in (EXACT, CARRIED)}
        told = ", ".join(f"{way} gives {count} of {len(self.rows)}" for way, count in counts.items())
        neither = [row.name for row in self.rows if not row.ways]
        whole = [way for way, count in counts.items() if count == len(self.rows)]
        end = f"; {' and '.join(whole)} gives them all" if whole else "; no single way gives them all"
        return told + end + (f"; neither way gives {', '.join(neither)}" if neither else "")

    def render(self, form: str = "table") -> str:
        """As table, markdown, html, latex, csv or json."""
        if form == "json":
            from tracer.show.as_json import dumps

            rows = [{**vars(row), "ways": list(row.ways), "verdict": row.verdict} for row in self.rows]
            return dumps({"schema": "bptrace/beside/1", "summary": self.summary, "rows": rows})
        headers = ["quantity", "printed", "carried", "exact", "printed digits come from"]
        cells = [[r.name, r.printed, r.carried, r.exact, r.verdict] for r in self.rows]
        table = grid(headers, cells, form)
        return table if form == "csv" else f"{table}\n\n{self.summary[0].upper()}{self.summary[1:]}."

    def __str__(self) -> str:
        return self.render("table")


def put_beside(problem: Problem | Computation, cells: list[Cell]) -> Beside:
    """Compare a sheet with the problem.  Raises SheetError for a name that the step does not have."""
    printed = _meanings(problem, cells)
    exact: dict[Quantity, Any] = {}
    carried: dict[Quantity, Any] = {}
    for step in steps_of(problem, Exact(BITS)):
        exact |= dict(step.items())
    m = Exact(BITS, by_definition=True)

    def carry(q: Quantity, value: Any) -> Any:
        carried[q] = value
        meaning_cell = printed.get(q)
        return value if meaning_cell is None else m.number(_rational(meaning_cell[1].number, meaning_cell[0], problem))

    for _ in steps_of(problem, m, carry):
        pass
    return Beside(tuple(_row(problem, meaning, cell, carried, exact) for meaning, cell in printed.values()))


def _meanings(problem: Problem | Computation, cells: list[Cell]) -> dict[Quantity, tuple[Meaning, Cell]]:
    read, is_given = _reader(problem)
    recorded = {q for step in steps_of(problem) for q, _ in step.items()}
    out: dict[Quantity, tuple[Meaning, Cell]] = {}
    for cell in cells:
        try:
            meaning = read(cell)
        except names.UnknownName as e:
            raise SheetError(f"line {cell.line}: {e}") from None
        q = meaning.quantity
        if q not in recorded and is_given(q.kind):
            raise SheetError(f"line {cell.line}: {cell.name} is given, not worked out; leave the line out")
        if q not in recorded:
            hint = "; a batch has one for each sample, such as @1" if q._replace(sample=1) in recorded else ""
            raise SheetError(f"line {cell.line}: {cell.name} is not a number of this step{hint}")
        if q in out:
            raise SheetError(f"line {cell.line}: {cell.name} stands in line {out[q][1].line} already")
        out[q] = meaning, cell
    return out


def _reader(problem: Problem | Computation) -> tuple[Callable[[Cell], Meaning], Callable[[str], bool]]:
    """What a cell's name stands for, and which kinds are given."""
    if isinstance(problem, Computation):
        own = OwnNames(problem)
        stated = {name for name, array in own.arrays.items() if array.role in STATED}
        return lambda cell: Meaning(own.read(cell.name)), stated.__contains__
    spellings = Spellings(problem.network, problem.samples, problem.names)
    return lambda cell: spellings.read(cell.name, cell.notation), {*"xtWb", *names.CONSTANTS}.__contains__


def _factor(meaning: Meaning, problem: Problem | Computation) -> Fraction:
    factor = fraction(meaning.multiple)
    if meaning.eta_power and problem.training:
        factor *= fraction(problem.training.learning_rate.exact().item()) ** meaning.eta_power
    return factor


def _rational(number: str, meaning: Meaning, problem: Problem | Computation) -> str:
    value = fraction(number) / _factor(meaning, problem)
    return f"{value.numerator}/{value.denominator}"


def _row(problem: Problem | Computation, meaning: Meaning, cell: Cell, carried: Any, exact: Any) -> BesideRow:
    places = written_places(cell.number)
    factor = _factor(meaning, problem)
    values = {CARRIED: carried[meaning.quantity], EXACT: exact[meaning.quantity]}
    middles = {way: _middle(value) * factor for way, value in values.items()}
    wanted = fraction(cell.number)
    ways = [way for way, value in middles.items() if _same(half_away(value, places), wanted, places)]
    if not ways:
        ways = [
            f"{way}, cut off" for way, value in middles.items() if _same(int(value * ten_to(places)), wanted, places)
        ]
    more = Rounding(places=min(places + 3, 100))
    return BesideRow(cell.name, cell.number, more.shown(middles[CARRIED]), more.shown(middles[EXACT]), tuple(ways))


def written_places(number: str) -> int:
    """How many decimals a number was written with: 1.410 has 3, 2e-3 has 3, 1/3 counts as exact."""
    head, _, power = number.lower().partition("e")
    if "/" in number:
        return 8
    return len(head.partition(".")[2]) - int(power or 0)


def _same(whole: int, wanted: Fraction, places: int) -> bool:
    return Fraction(whole) / ten_to(places) == wanted


def _middle(value: Any) -> Fraction:
    low, high = bounds(value)
    return Fraction(0) if low is None or high is None else (low + high) / 2
