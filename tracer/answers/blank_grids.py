"""Blank sheets of somebody's own equations: single numbers in a list, whole arrays as grids to fill in."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from derivations.computation import Computation
from derivations.equations import Range
from derivations.expression import Index
from derivations.general import stages
from derivations.names import UnknownName
from derivations.notation import NotationError
from derivations.own_names import OwnNames
from derivations.quantity import Quantity
from tracer.answers.reading.workbooks import workbook
from tracer.show.grid import to_csv

__all__ = ["blank_grids"]

MOST_CELLS = 20_000


def blank_grids(problem: Computation, form: str, notation: str | None) -> str | bytes:
    """The sheet in one of the formats of blank sheets.  Raises NotationError, UnknownName where too much is asked."""
    if notation not in (None, "names"):
        raise NotationError(f"notation '{notation}' has letters for layers; these equations have their own")
    sheet = _Sheet(problem)
    blocks = list(sheet.blocks())
    if form == "json":
        return json.dumps({"values": {name: value for b in blocks for name, value in b.nested()}}, indent=2) + "\n"
    if form == "text":
        return "\n".join(line for b in blocks for line in (*b.lines(), "")).rstrip("\n") + "\n"
    tables = [b.table(latex=form == "latex") for b in blocks]
    if form == "xlsx":
        return workbook([row for table in tables for row in (*table, [""])][:-1])
    written = {"csv": _csv, "markdown": _markdown, "latex": _latex}[form]
    return "\n\n".join(map(written, tables)) + "\n"


@dataclass(frozen=True)
class _Block:
    """Numbers that stand together: a grid of rows and columns, or a list of one column."""

    names: OwnNames
    quantities: tuple[Quantity, ...]
    columns: Range | None = None
    title: tuple[str, str] = ("", "")
    letters: tuple[str, str] = ("", "")
    asks: tuple[tuple[str, Mapping[Quantity, str]], ...] = ()

    def _rows(self) -> list[tuple[Quantity, ...]]:
        wide = self.columns[1] - self.columns[0] + 1 if self.columns else 1
        return [self.quantities[k : k + wide] for k in range(0, len(self.quantities), wide)]

    def table(self, *, latex: bool) -> list[list[str]]:
        """The header and the rows, names at their left."""
        if self.columns is None:
            name = (lambda q: f"${self.names.latex(q)}$") if latex else self.names.text
            header = ["quantity", "value", *(column for column, _ in self.asks)]
            return [header, *([name(q), "", *(own.get(q, "") for _, own in self.asks)] for q in self.quantities)]
        title = f"${self.title[1]}$" if latex else self.title[0]
        row, column = self.letters
        mark = "$" if latex else ""
        header = [f"{mark}{column} = {i}{mark}" for i in range(self.columns[0], self.columns[1] + 1)]
        rows = [[f"{mark}{row} = {own[0].indices[-2]}{mark}", *[""] * len(own)] for own in self._rows()]
        return [[title, *header], *rows]

    def lines(self) -> Iterator[str]:
        """Plain text: a number a line, a row of a grid a line."""
        asks = {q: [f"{own[q]} {column}" for column, own in self.asks if q in own] for q in self.quantities}
        for row in self._rows():
            told = f"  # {', '.join(asks[row[0]])}" if len(row) == 1 and asks[row[0]] else ""
            yield ", ".join(f"{self.names.text(q)} = " for q in row).rstrip() + told

    def nested(self) -> Iterator[tuple[str, Any]]:
        """Names to null, a grid to nested lists."""
        if self.columns is None:
            yield from ((self.names.text(q), None) for q in self.quantities)
        else:
            yield self.title[0].partition("[")[0] or self.title[0], [[None] * len(row) for row in self._rows()]


class _Sheet:
    """What a problem asks for, in blocks."""

    def __init__(self, problem: Computation) -> None:
        self.problem, self.names = problem, OwnNames(problem)
        fields = dict(problem.sheet)
        self.asked = [self.names.read(name) for name in self._asked(fields.get("ask"))]
        self.asks = tuple((column, self._numbers(fields[column])) for column in _COLUMNS if column in fields)

    def _asked(self, ask: object) -> Sequence[str]:
        if isinstance(ask, list | tuple):
            return [str(name) for name in ask]
        made = (e.left.name for _, equations in stages(self.problem.step) for e in equations)
        return list(dict.fromkeys(made))

    def _numbers(self, given: object) -> dict[Quantity, str]:
        """Points, figures or places of each number asked: one for all, or by name."""
        every = [q for asked in self.asked for q in self._entries(asked)]
        if not isinstance(given, Mapping):
            return dict.fromkeys(every, str(given))
        out: dict[Quantity, str] = {}
        for name, number in given.items():
            out |= dict.fromkeys(self._entries(self.names.read(name)), str(number))
        return {q: out[q] for q in every if q in out}

    def _entries(self, q: Quantity) -> list[Quantity]:
        """A number, or all of an array in reading order, of every sample."""
        axes = [range(low, high + 1) for low, high in self.names.axes(q.kind)]
        whole = [q] if q.indices else [q._replace(indices=at) for at in itertools.product(*axes)]
        if q.sample or q.kind not in self.problem.sample_axes or self.problem.samples == 1:
            return whole
        return [own._replace(sample=k) for k in range(1, self.problem.samples + 1) for own in whole]

    def blocks(self) -> Iterator[_Block]:
        """Grids of whole arrays of two axes and more, lists of all others."""
        single: list[Quantity] = []
        count = 0
        for q in self.asked:
            own = self._entries(q)
            count += len(own)
            if count > MOST_CELLS:
                raise UnknownName(
                    f"more than {MOST_CELLS} numbers are asked; name those that matter: [sheet] ask = [..]"
                )
            axes = self.names.axes(q.kind)
            if q.indices or len(axes) < 2 or axes[-1][0] == axes[-1][1] or self.asks:
                single += own
                continue
            if single:
                yield _Block(self.names, tuple(single), asks=self.asks)
                single = []
            yield from self._grids(own, axes)
        if single:
            yield _Block(self.names, tuple(single), asks=self.asks)

    def _grids(self, own: list[Quantity], axes: Sequence[Range]) -> Iterator[_Block]:
        """One grid for each value of the indices before the last two, and for each sample."""
        name = own[0].kind
        made = [e.left for e in self.problem.step.equations if e.left.name == name]
        defined = max(made, key=lambda r: sum(isinstance(i, Index) and i.letter != "" for i in r.at))
        sampled = self.problem.sample_axes.get(name)
        letters = [i.letter if isinstance(i, Index) else "" for k, i in enumerate(defined.at) if k != sampled]
        letters = [l or "ijkl"[k % 4] for k, l in enumerate(letters)]
        for (before, sample), group in itertools.groupby(own, key=lambda q: (q.indices[:-2], q.sample)):
            at = (*map(str, before), *letters[-2:])
            text = self.names.letter(name, at) or f"{name}[{','.join(at)}]"
            latex = self.names.latex_letter(name, at)
            if sample:
                text, latex = f"{text}@{sample}", rf"\left.{latex}\right|_{{n={sample}}}"
            yield _Block(self.names, tuple(group), axes[-1], (text, latex), (letters[-2], letters[-1]))


_COLUMNS = ("points", "figures", "places")


def _csv(table: list[list[str]]) -> str:
    return to_csv(table[0], table[1:])


def _markdown(table: list[list[str]]) -> str:
    marked = [[f"`{row[0]}`" if k else row[0], *row[1:]] for k, row in enumerate(table)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (marked[0], ["---"] * len(table[0]), *marked[1:]))


def _latex(table: list[list[str]]) -> str:
    lines = [f"{' & '.join(row)} \\\\" for row in table]
    return "\n".join(
        [rf"\begin{{tabular}}{{{'l' * len(table[0])}}}", lines[0], r"\hline", *lines[1:], r"\end{tabular}"]
    )
