"""Sheets of somebody's own equations marked: every number judged, the wrong ones explained by rewrites of a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from derivations.computation import Computation
from derivations.quantity import Quantity
from tracer.answers.reading.entries import Entry, Sheet
from tracer.answers.result import UNTRIED, Cause, Mark, Marked
from tracer.computed_step import STATED
from tracer.marking.carrying import Cells
from tracer.marking.explaining import Explained, explained
from tracer.marking.judging import Judged, judged, refused
from tracer.marking.key import Key
from tracer.terminal import counted
from tracer.unexpected import reported

__all__ = ["mark_own"]

AT_ONCE = 500
ENOUGH_FIGURES = 2


def mark_own(problem: Computation, sheets: Sequence[Sheet], *, progress: bool = False) -> list[Marked]:
    """Mark every sheet, in order; a sheet that could not be read keeps its error.

    An unexpected error is the verdict of the one sheet that makes it.
    """
    key = Key(problem)
    out: list[Marked] = []
    batches = range(0, len(sheets), AT_ONCE)
    for first in counted(batches, f"x {AT_ONCE} sheets", shown=progress and len(batches) > 1):
        out += _guarded(key, sheets[first : first + AT_ONCE])
    return out


def _guarded(key: Key, sheets: Sequence[Sheet]) -> list[Marked]:
    try:
        return _marked(key, sheets)
    except Exception as e:
        why = reported(e)
        if len(sheets) == 1:
            return [Marked(sheets[0].id, remarks=sheets[0].remarks, error=why)]
    half = len(sheets) // 2
    return [m for some in (sheets[:half], sheets[half:]) for m in _guarded(key, some)]


def _marked(key: Key, sheets: Sequence[Sheet]) -> list[Marked]:
    sheets = [key.as_updated(sheet) for sheet in sheets]
    cells = Cells.of(key.problem, sheets, key.is_exact)
    found_right = judged(key.runs, cells)
    order = [q for q in _in_order(key, cells) if q in found_right.own]
    wrong = refused(cells, order, found_right.right, found_right.own)
    found, cut = explained(key.runs, cells, key.rewrites, found_right.disciplines, order, wrong)
    out = []
    for row, sheet in enumerate(sheets):
        told = replace(sheet, remarks=(*sheet.remarks, UNTRIED)) if row in cut else sheet
        out.append(_Sheet(key, told, cells, found_right, row, order, found.get(row, [])).marked())
    return out


def _in_order(key: Key, cells: Cells) -> Iterator[Quantity]:
    """The quantities in the order of calculation."""
    for own in key.runs.passes(cells.steps):
        for part in own.program.parts.values():
            yield from own.quantities(part)


@dataclass
class _Sheet:
    """One sheet put together: the mark of every entry, the causes in the order of calculation."""

    key: Key
    sheet: Sheet
    cells: Cells
    judged: Judged
    row: int
    order: Sequence[Quantity]
    found: Sequence[Explained]

    def marked(self) -> Marked:
        """The sheet, marked."""
        if self.sheet.error:
            return Marked(self.sheet.id, remarks=self.sheet.remarks, error=self.sheet.error)
        marks = [m for m in map(self._mark, self.sheet.entries) if m]
        there = {e.quantity for e in self.sheet.entries}
        names = self.key.names
        for q in self.key.asked():
            if q not in there:
                name = names.text(q)
                marks.append(Mark(name, "", "missing", points=self.key.points(q), quantity=name))
        misread = [Cause(m.slips, (m.name,), (), m.facts) for m in marks if "given" in m.facts]
        return Marked(self.sheet.id, tuple(marks), (*misread, *self._causes()), self.sheet.remarks)

    @cached_property
    def _slips(self) -> dict[Quantity, tuple[str, ...]]:
        return {q: one.names for one in self.found for q in one.quantities}

    def _mark(self, entry: Entry) -> Mark | None:
        q, written = entry.quantity, entry.value
        name = self.key.names.text(q) if q else ""
        points = self.key.points(q) if q else 1.0
        mark = Mark(entry.name, entry.number, "missing", where=entry.where, points=points, quantity=name)
        if entry.fault or q is None:
            return replace(mark, verdict=entry.fault, facts={"message": entry.message})
        if self.key.problem.step.arrays[q.kind].role in STATED:
            return self._given(entry, q) if written is not None else None
        if written is None:
            return mark
        places = 8 if written.place is None else -written.place
        expected = self.key.shown(q, places, written.figures)
        slips = self._slips.get(q, ())
        return Mark(
            *(entry.name, entry.number, self._verdict(q, entry, slips), expected),
            slips=slips,
            where=entry.where,
            points=points,
            quantity=name,
        )

    def _verdict(self, q: Quantity, entry: Entry, slips: Sequence[str]) -> str:
        judged, row = self.judged, self.row
        assert entry.value is not None
        if q not in judged.own:
            return "not_assessable"
        if judged.vague[q][row]:
            return "not_assessable"
        if judged.right[q][row]:
            if self.key.ends(q) == (entry.value.exact,) * 2:
                return "exact"
            if self.key.is_exact(q, entry.value.exact):
                return "rounded"
            return self._how(entry, "truncated" if judged.disciplines[row].cut else "rounded")
        if judged.own[q][row]:
            return self._how(entry, "follows")
        if slips:
            return "slip"
        return "last_digit" if judged.near[q][row] else "wrong"

    def _how(self, entry: Entry, verdict: str) -> str:
        """Right, unless it has too few digits to tell; fewer than most of its sheet have."""
        assert entry.value is not None
        assert entry.quantity is not None
        least = dict(self.key.problem.sheet).get("figures")
        enough = least if isinstance(least, int) else ENOUGH_FIGURES
        coarse = entry.value.figures < enough and entry.value.place is not None and entry.value.number != 0
        usual = abs(10.0 ** (entry.value.place or 0) / self.cells.unit[self.row] - 1) < 0.01 if coarse else True
        return "coarse" if coarse and not usual and not self.judged.literal[entry.quantity][self.row] else verdict

    def _given(self, entry: Entry, q: Quantity) -> Mark | None:
        """A given number written on the sheet: nothing to mark where it is right."""
        assert entry.value is not None
        right = self.key.middle(q)
        if right is None or right == entry.value.exact or q.step > 1:
            return None
        shown = self.key.shown(q, -(entry.value.place or 0), entry.value.figures)
        name = self.key.names.text(q)
        facts = {"given": f"{entry.name} = {entry.number} (\u2260 {shown})"}
        if q.kind in self.key.problem.parameters:
            facts["new"] = self.key.names.text(q._replace(kind=f"{q.kind}_new"))
        return Mark(
            *(entry.name, entry.number, "slip", shown),
            slips=("given.misread",),
            facts=facts,
            where=entry.where,
            points=self.key.points(q),
            quantity=name,
        )

    # --- causes ---

    @cached_property
    def _entries(self) -> dict[Quantity, Entry]:
        return {e.quantity: e for e in self.sheet.entries if e.quantity and e.value is not None and not e.fault}

    def _causes(self) -> list[Cause]:
        """The causes in the order of calculation; numbers that nothing explains are one cause an array."""
        written = [q for q in self.order if q in self._entries]
        place = {q: k for k, q in enumerate(written)}
        judged, row = self.judged, self.row
        wrong = [q for q in written if not (judged.right[q][row] or judged.own[q][row])]
        told = list(self.found)
        alone: dict[str, list[Quantity]] = {}
        for q in wrong:
            if q not in self._slips and not judged.near[q][row]:
                alone.setdefault(q.kind, []).append(q)
        told += [Explained((), tuple(qs), {"right": self.key.lines.get(kind, "")}) for kind, qs in alone.items()]
        told.sort(key=lambda one: min(place[q] for q in one.quantities))
        starts = [min(place[q] for q in one.quantities) for one in told]
        out = []
        for one, first, until in zip(told, starts, [*starts[1:], len(written)], strict=False):
            after = [q for q in written[first + 1 : until] if judged.own[q][row] and not judged.right[q][row]]
            cells = tuple(self._entries[q].name for q in sorted(one.quantities, key=place.__getitem__))
            out.append(Cause(one.names, cells, tuple(self._entries[q].name for q in after), one.facts))
        return out
