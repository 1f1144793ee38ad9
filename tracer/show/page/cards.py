"""The arrays of somebody's own equations as cards: each opened to its entries as a grid, a recurrence unrolled.

An entry shows its value, below it the derivative of the objective by it, and the new value of a parameter.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from derivations.equations import Role
from derivations.expression import Index, Ref
from derivations.order import groups, recurrence
from derivations.quantity import Quantity
from tracer.show.page.formula_writer import quantities_read
from tracer.show.page.places import Places
from tracer.traces.base import WorkedLine

if TYPE_CHECKING:
    from tracer.traces.computed import ComputedTrace

__all__ = ["MOST_CELLS", "Card", "Cell", "Deck", "Grid", "Key", "LeftOut", "Text"]

MOST_ALONG = 8  # entries of a row and of a column
MOST_ENTRIES = 64  # of a card
MOST_TIMES = 8  # values of a recurrence's index
MOST_CELLS = 1200  # of a drawing
MOST_CARDS = 300
_LEADS = {Role.SIGNAL: "\u2202 ", Role.GRADIENT: "\u2202 ", Role.UPDATED: "\u2192 "}
_SHOWN = (Role.GIVEN, Role.PARAMETER, Role.VALUE, Role.OBJECTIVE)

Key = tuple[str, int | None]
"""An array, and the value of the recurrence's index that the card shows; None for all of the array."""


@dataclass(frozen=True)
class Text:
    """A number in a cell: its place without sample, the sign before it, its text in each sample."""

    q: str
    lead: str
    values: tuple[str, ...]
    role: str

    @property
    def stated(self) -> bool:
        """Whether it is no step's number: given, or a parameter."""
        return self.role in ("given", "parameter")

    @property
    def longest(self) -> int:
        """Letters, of the longest in any sample."""
        return len(self.lead) + max(map(len, self.values))


@dataclass(frozen=True)
class Cell:
    """An entry in its grid's row and column."""

    place: str
    row: int
    column: int
    texts: tuple[Text, ...]


@dataclass(frozen=True)
class Grid:
    """Rows and columns of cells; `name` tells the grids of one card apart, "" where there is one."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Card:
    """An array, or its part at one value of the recurrence's index."""

    key: Key
    name: str
    role: str
    grids: tuple[Grid, ...]


@dataclass(frozen=True)
class LeftOut:
    """An array of which the drawing shows a part: how many entries there are, and how many are shown."""

    name: str
    count: int
    kept: int


class Deck:
    """The cards of a trace, what each reads, and what was left out; `lines` are the equations that the page writes."""

    def __init__(self, trace: ComputedTrace, lines: Sequence[WorkedLine], samples: int) -> None:
        self.trace, self.lines, self.samples = trace, lines, samples
        self.step, self.names, self.places = trace.problem.step, trace.names, Places(trace)
        self.forward = [e for e in self.step.equations if e.stage == "forward"]
        self.written = {line.quantity for line in lines}

    # --- which cards there are ---

    @cached_property
    def split(self) -> dict[str, int]:
        """The axis along which an array is dealt out, a card for each value: that of a recurrence's index."""
        own: dict[str, int] = {}
        letters: set[str] = set()
        for group in groups(self.forward):
            if (found := recurrence(group)) is not None:
                own |= {e.left.name: found.axis for e in group}
                letters |= {i.letter for e in group if isinstance(i := e.left.at[found.axis], Index) and i.letter}
        return self._dealt_out(letters) | own

    def _dealt_out(self, letters: set[str]) -> dict[str, int]:
        """The axis at which a recurrence's letter stands, of arrays that are worked or given value by value."""
        given = [r for e in self.forward for r in e.reads if self.step.arrays[r.name].role is Role.GIVEN]
        by_name: dict[str, list[Ref]] = {}
        for ref in (*(e.left for e in self.forward), *given):
            by_name.setdefault(ref.name, []).append(ref)
        axes = {name: _common_axis(refs, letters) for name, refs in by_name.items()}
        return {name: axis for name, axis in axes.items() if axis is not None}

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """Stated arrays first, then those worked out, in the order of calculation."""
        worked = dict.fromkeys(e.left.name for e in self.forward)
        stated = [name for name, a in self.step.arrays.items() if a.role in _SHOWN and name not in worked]
        every = (key for name in (*stated, *worked) for key in self._keys(name))
        return tuple(itertools.islice(every, MOST_CARDS))

    def _keys(self, name: str) -> Iterator[Key]:
        if name not in self.split:
            yield name, None
            return
        low, high = self.step.arrays[name].extents[self.split[name]]
        yield from ((name, value) for value in range(low, high + 1)[:MOST_TIMES])

    def key_of(self, q: Quantity) -> Key:
        """The card of a forward number."""
        axis = self._written_axis(q.kind)
        return (q.kind, None) if axis is None else (q.kind, q.indices[axis])

    def _written_axis(self, name: str) -> int | None:
        """Where the split axis stands in a quantity's indices, which leave out the sample's."""
        axis, sampled = self.split.get(name), self.trace.problem.sample_axes.get(name)
        return axis - 1 if axis is not None and sampled is not None and sampled < axis else axis

    @cached_property
    def reads(self) -> dict[Key, set[Key]]:
        """Which cards a card reads; an array of numbers that are looked up is read by whoever looks them up."""
        out = {key: set[Key]() for key in self.keys}
        for line in self.lines:
            own = self.key_of(line.quantity) if line.stage == "forward" else None
            if own in out:
                read = (q for q in quantities_read(line.formula) if self.step.arrays[q.kind].role in _SHOWN)
                out[own] |= {key for key in map(self.key_of, read) if key in out and key != own}
        seen = {(name, r[0]) for (name, _), keys in out.items() for r in keys}
        for e in self.forward:
            for name in dict.fromkeys(r.name for r in e.reads if (e.left.name, r.name) not in seen):
                there = self._of(name)
                last = there[-1] if there else None
                for own, key in itertools.product(self._of(e.left.name), there):
                    if own != key and (key in ((name, None), (name, own[1])) or (own[1] is None and key == last)):
                        out[own].add(key)
        return out

    def _of(self, name: str) -> list[Key]:
        return [key for key in self.keys if key[0] == name]

    @cached_property
    def levels(self) -> Mapping[Key, int]:
        """How far right a card stands: past all that it reads; a stated one just before its first reader."""
        forward = (self.key_of(line.quantity) for line in self.lines if line.stage == "forward")
        in_order = [key for key in dict.fromkeys(forward) if key in self.reads]
        worked = [*in_order, *(key for key in self.keys if not self._stated(key) and key not in set(in_order))]
        out: dict[Key, int] = {}
        for key in worked:
            out[key] = 1 + max((out[r] for r in self.reads[key] if r in out), default=0)
        first: dict[Key, int] = {}
        for key in worked:
            for r in self.reads[key] - out.keys():
                first[r] = min(out[key], first.get(r, out[key]))
        return out | {key: first.get(key, 1) - 1 for key in self.keys if key not in out}

    def _stated(self, key: Key) -> bool:
        return self.step.arrays[key[0]].role in (Role.GIVEN, Role.PARAMETER)

    # --- one card ---

    @cached_property
    def along(self) -> int:
        """How many entries a row or a column shows: fewer where there are many cards."""
        sizes = [[high - low + 1 for low, high in self.names.axes(name)] for name, _ in self.keys]

        def cells(n: int) -> int:
            return sum(min(MOST_ENTRIES, math.prod(min(n, size) for size in own)) for own in sizes)

        return next((n for n in range(MOST_ALONG, 1, -1) if cells(n) <= MOST_CELLS), 1)

    @cached_property
    def cards(self) -> tuple[Card, ...]:
        """Every card, in the order of `keys`."""
        return tuple(map(self._card, self.keys))

    @property
    def left_out(self) -> list[LeftOut]:
        """The arrays that are shown in part."""
        out = []
        for name in [name for name, array in self.step.arrays.items() if array.role in _SHOWN]:
            total = math.prod(high - low + 1 for low, high in self.names.axes(name))
            kept = sum(len(grid.cells) for card in self.cards if card.key[0] == name for grid in card.grids)
            out += [LeftOut(self._title(name, self._at(name, {})), total, kept)] if kept < total else []
        return out

    def _card(self, key: Key) -> Card:
        name, value = key
        axis = self._written_axis(name)
        fixed = {} if value is None or axis is None else {axis: value}
        runs = {k: range(a, b + 1) for k, (a, b) in enumerate(self.names.axes(name)) if k not in fixed}
        shown = {k: run[: self.along] for k, run in runs.items()}
        leading, last = list(runs)[:-2], list(runs)[-2:]
        sheet = math.prod(len(shown[k]) for k in last)
        apart = list(itertools.product(*(shown[k] for k in leading)))[: max(1, MOST_ENTRIES // sheet)]
        title = self._title(name, self._at(name, fixed))
        grids = []
        for at in apart:
            own = fixed | dict(zip(leading, at, strict=True))
            grids.append(Grid(self._title(name, self._at(name, own)) if leading else "", self._cells(name, own, shown)))
        return Card(key, title, self.step.arrays[name].role.name.lower(), tuple(grids))

    def _cells(self, name: str, fixed: dict[int, int], shown: dict[int, range]) -> tuple[Cell, ...]:
        """The last two free axes as rows and columns; one alone as a column."""
        free = [k for k in shown if k not in fixed]
        rows, columns = ([shown[k] for k in free] + [range(1), range(1)])[:2]
        cells = []
        for (r, i), (c, j) in itertools.product(enumerate(rows), enumerate(columns)):
            at = fixed | dict(zip(free, (i, j), strict=False))
            q = Quantity(name, 0, tuple(at[k] for k in sorted(at)))
            cells.append(Cell(self.places.base(q), r, c, self._texts(q)))
        return tuple(cells)

    def _at(self, name: str, fixed: dict[int, int]) -> tuple[str, ...]:
        """The indices of an array, a dot for each that is free."""
        return tuple(str(fixed.get(k, "\u00b7")) for k in range(len(self.names.axes(name))))

    def _title(self, name: str, at: tuple[str, ...]) -> str:
        """What is written above a card: `W`, `h[2,·]`."""
        known = self.names.letter(name, at)
        written = known if known is not None else f"{name}[{','.join(at)}]"
        return written.partition("[")[0] if all(i == "\u00b7" for i in at) else written

    def _texts(self, q: Quantity) -> tuple[Text, ...]:
        """The value of an entry; its derivative and its new value where the page works them out."""
        role = self.step.arrays[q.kind].role
        found = [Text(self.places.base(q), "", self._values(q), role.name.lower())]
        for belonging, lead in _LEADS.items():
            for name in self._belonging.get((q.kind, belonging), ()):
                own = q._replace(kind=name)
                if self._first(own) in self.written:
                    found.append(Text(self.places.base(own), lead, self._values(own), belonging.name.lower()))
        return tuple(found)

    @cached_property
    def _belonging(self) -> dict[tuple[str, Role], list[str]]:
        out: dict[tuple[str, Role], list[str]] = {}
        for name, array in self.step.arrays.items():
            if array.of:
                out.setdefault((array.of, array.role), []).append(name)
        return out

    def _values(self, q: Quantity) -> tuple[str, ...]:
        """The texts of an entry, one a sample; one alone where it is the same for all."""
        return tuple(self.trace.shown[own] for own in self._of_samples(q))

    def _first(self, q: Quantity) -> Quantity | None:
        """The entry in the first sample; None where the array has none: what comes before all has no signal."""
        axes = self.names.axes(q.kind)
        there = all(low <= i <= high for i, (low, high) in zip(q.indices, axes, strict=True))
        return next(self._of_samples(q)) if there else None

    def _of_samples(self, q: Quantity) -> Iterator[Quantity]:
        """An entry in each sample that the page shows."""
        steps, axis = self.trace.steps[: self.samples], self.trace.problem.sample_axes.get(q.kind)
        places = [q.indices]
        if axis is not None:
            low = self.step.arrays[q.kind].extents[axis][0]
            count = self.samples if steps[0].problem.samples > 1 else 1
            places = [(*q.indices[:axis], low + k, *q.indices[axis:]) for k in range(count)]
        yield from (self.trace.quantity(step, q.kind, at) for step in steps for at in places)


def _common_axis(refs: Sequence[Ref], letters: set[str]) -> int | None:
    """The axis at which one of the letters stands alone wherever it stands; a number may stand there too."""
    axes = {k for r in refs for k, i in enumerate(r.at) if isinstance(i, Index) and i.letter in letters}
    if len(axes) != 1:
        return None
    (axis,) = axes
    there = [r.at[axis] for r in refs]
    return axis if all(isinstance(i, Index) and (i.letter in letters or not i.terms) for i in there) else None
