"""Sheets of somebody's own equations read: their names, alone, with an array, in a grid; numbers kept as written."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from derivations.computation import Computation
from derivations.given import shape_of, shortened
from derivations.names import UnknownName
from derivations.own_names import OwnNames
from derivations.quantity import Quantity
from tracer.answers.reading.arrays_in_text import counted, listed, may_be_array, shortest
from tracer.answers.reading.entries import ONE, Entry, Sheet, once_each
from tracer.answers.reading.grids import MOST_CELLS, Raw, RawCell
from tracer.answers.reading.naming import MOST_UNKNOWN
from tracer.answers.reading.written import BLANKS, read_written

__all__ = ["OwnNaming", "own_sheet"]

_DERIVATIVE = re.compile(r"^\s*+[d∂][A-Za-z]{1,20}\s*+/\s*+[d∂]\s*+(\S.{0,100})", re.DOTALL)
LATEST = 6
"""The last step that a sheet may speak of."""
LONGEST_NAME = 200


class OwnNaming:
    """Reads the sheets of one computation."""

    def __init__(self, problem: Computation, *, decimal: str = "point") -> None:
        self.problem, self.decimal, self.names = problem, decimal, OwnNames(problem)
        self._found: dict[str, Quantity | str] = {}

    @property
    def _way(self) -> str:
        """What is done with samples."""
        return self.problem.training.samples if self.problem.training else "together"

    def understood(self, name: str) -> bool:
        """Whether a name is one of the computation's."""
        return isinstance(self._meaning(name.strip()), Quantity)

    def read(self, raw: Raw, notation: str | None = None) -> Sheet:
        """The entries of a sheet, each with its own fault where it has one."""
        stated = notation or raw.notation
        if stated not in ("", None, "names"):
            why = f"notation '{shortened(stated)}' has letters for layers; these equations have their own names"
            return Sheet(raw.id, (), raw.remarks, raw.error or why)
        if raw.error:
            return Sheet(raw.id, (), raw.remarks, raw.error)
        remarks = list(raw.remarks)
        first = self.names.text(next(iter(self._asked())))
        read: list[Entry] = []
        unknown = 0
        for entry in itertools.islice(self._entries(raw), MOST_CELLS + 1):
            read.append(entry)
            unknown += entry.fault == "unknown"
            if unknown > MOST_UNKNOWN:
                why = f"more than {MOST_UNKNOWN} names are not understood; write names such as {first}"
                return Sheet(raw.id, (), (), why)
        if len(read) > MOST_CELLS:
            return Sheet(raw.id, (), (), f"more than {MOST_CELLS} cells; an answer sheet is smaller")
        entries = once_each(read, remarks)
        if not entries:
            return Sheet(raw.id, (), tuple(remarks), f"no answers found; write lines such as `{first} = 0.6457`")
        return Sheet(raw.id, tuple(entries), tuple(remarks))

    def _asked(self) -> Iterator[Quantity]:
        for e in self.problem.step.equations:
            yield Quantity(e.left.name, 0, tuple(low for low, _ in self.names.axes(e.left.name)))

    def _entries(self, raw: Raw) -> Iterator[Entry]:
        for cell in raw.cells:
            written = cell.written
            if isinstance(written, str) and may_be_array(written):
                try:
                    written = listed(written)
                except (json.JSONDecodeError, RecursionError):
                    why = "not a list of numbers; write [0.1, 0.2]"
                    yield Entry(cell.name, str(cell.written)[:60], cell.where, fault="malformed", message=why)
                    continue
            if isinstance(written, list | tuple | np.ndarray) and np.ndim(counted(written)):
                yield from self._spread(cell, written)
            else:
                yield self._entry(cell.name, shortest(written) if written is not None else None, cell.where)

    def _entry(self, name: str, written: Any, where: str) -> Entry:
        found = self._meaning(name)
        number = written if isinstance(written, str) else "" if written is None else str(written)[:60]
        if isinstance(found, str):
            return Entry(name, number, where, fault="unknown", message=found)
        if written is None:
            return Entry(name, "", where, found)
        try:
            return Entry(name, number, where, found, value=read_written(written, decimal=self.decimal))
        except ValueError as e:
            if isinstance(written, str) and (not written.strip() or written.strip().lower() in BLANKS):
                return Entry(name, "", where, found)
            return Entry(name, number, where, found, ONE, None, None, "malformed", str(e))

    def _meaning(self, name: str) -> Quantity | str:
        """One number, or why a name is none."""
        if name not in self._found:
            if len(self._found) > 10 * MOST_CELLS:
                self._found.clear()
            self._found[name] = self._understand(name)
        return self._found[name]

    def _understand(self, name: str) -> Quantity | str:
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            return f"{shortened(name)} is not a name"
        try:
            q = self._read(name)
        except UnknownName as e:
            return str(e)
        if len(q.indices) != len(self.names.axes(q.kind)):
            return f"{shortened(name)} is an array; name one of its numbers, such as {self.names.text(self._first(q))}"
        latest = max(LATEST, self.problem.samples if self._way == "in_turn" else 0)
        if q.step > latest:
            return f"{shortened(name)}: a sheet speaks of the first {latest} steps"
        sampled = self._way == "apart" or (self._way == "together" and q.kind in self.problem.sample_axes)
        if sampled and self.problem.samples > 1 and not q.sample:
            return f"{shortened(name)}: of which sample? write {self.names.text(q._replace(sample=1))}"
        return q

    def _read(self, name: str) -> Quantity:
        """A name as it is; `dE/dW[1,2]`, `∂E/∂W(1,2)` as dW[1,2].  Raises UnknownName."""
        try:
            return self.names.read(name)
        except UnknownName:
            derivative = _DERIVATIVE.fullmatch(name)
            other = f"d{derivative[1]}" if derivative else name
            if other[-1:] == ")":
                other = "[".join(other[:-1].split("(", 1)) + "]"
            if other == name:
                raise
            return self.names.read(other)

    def _first(self, q: Quantity) -> Quantity:
        return q._replace(indices=tuple(low for low, _ in self.names.axes(q.kind)))

    def _spread(self, cell: RawCell, written: Any) -> Iterator[Entry]:
        """A whole array as an entry for each number."""
        try:
            shape = written.shape if isinstance(written, np.ndarray) else shape_of(written)
            q = self._read(cell.name)
            extents = self.names.axes(q.kind)
            batch = q.kind in self.problem.sample_axes and self.problem.samples > 1 and not q.sample
            wanted = tuple(high - low + 1 for low, high in extents)
            if not wanted and int(np.prod(shape)) == 1:  # [2.362]
                while isinstance(written, list | tuple | np.ndarray) and np.ndim(counted(written)):
                    written = written[0]
                yield self._entry(cell.name, shortest(written), cell.where)
                return
            if tuple(shape) != wanted:  # h[0] is seldom in somebody's array
                trimmed = [(max(low, 1), high) for low, high in extents]
                if tuple(shape)[batch:] == tuple(high - low + 1 for low, high in trimmed):
                    extents, wanted = tuple(trimmed), tuple(high - low + 1 for low, high in trimmed)
            wanted = (self.problem.samples, *wanted) if batch else wanted
            if tuple(shape) != wanted:
                raise ValueError(f"{shortened(cell.name)} has shape {tuple(shape)}; ours is {wanted or 'one number'}")
        except (ValueError, RecursionError) as e:
            fault = "unknown" if isinstance(e, UnknownName) else "malformed"
            yield Entry(cell.name, "an array", cell.where, fault=fault, message=str(e))
            return
        for place in np.ndindex(*shape):
            entry = written
            for i in place:
                entry = entry[i]
            inner = place[1:] if batch else place
            at = tuple(i + low for i, (low, _) in zip(inner, extents, strict=True))
            own = q._replace(indices=at, sample=place[0] + 1 if batch else q.sample)
            yield self._entry(self.names.text(own), shortest(entry), cell.where)


def own_sheet(problem: Computation, mapping: Mapping[str, Any], *, decimal: str = "point") -> Sheet:
    """A sheet from Python: names to numbers or texts, or to whole arrays as a trace shows them."""
    cells = []
    for name, written in mapping.items():
        if hasattr(written, "detach"):  # a torch tensor, without importing torch
            written = written.detach().cpu().numpy()
        cells.append(RawCell(str(name), written, f"'{name}'"))
    return OwnNaming(problem, decimal=decimal).read(Raw("sheet", tuple(cells)))
