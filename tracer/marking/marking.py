"""Sheets marked, one or a class at once: every number judged, what went wrong explained, each sheet put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

from derivations.computation import Computation
from derivations.expression import names_in
from derivations.memory import uncollected
from derivations.network import Problem
from derivations.quantity import Quantity
from tracer.answers.reading.entries import ONE, Entry, Sheet
from tracer.answers.reading.naming import Naming
from tracer.answers.result import NO_FACTS, UNTRIED, Cause, Mark, Marked
from tracer.marking.conventions import accepted, best_readings
from tracer.marking.determining import Determining
from tracer.marking.discipline import FEWEST
from tracer.marking.explaining import Explained, explained
from tracer.marking.formula_cells import formulas_of
from tracer.marking.judging import Judged
from tracer.marking.key import About, Key
from tracer.marking.layers_key import LayersKey
from tracer.marking.read import Read
from tracer.problem import ProblemError
from tracer.terminal import counted
from tracer.unexpected import reported

__all__ = ["mark"]

AT_ONCE = 2000
NOTHING = About("", 1.0, is_given=False)
"""Of a cell that is no quantity of the step."""


def mark(
    problem: Problem | Computation, sheets: Sequence[Sheet], *, naming: Naming | None = None, progress: bool = False
) -> list[Marked]:
    """Mark every sheet, in order; a sheet that could not be read keeps its error.

    naming: reads a sheet of layers again that does not fit as it was read.  An unexpected error is the verdict of the
    one sheet that makes it.  Raises ProblemError for what `[marking]` cannot accept.
    """
    way = _Layers(problem, naming) if isinstance(problem, Problem) else _Own(Key(problem))
    out: list[Marked] = []
    batches = range(0, len(sheets), AT_ONCE)
    for first in counted(batches, f"x {AT_ONCE} sheets", shown=progress and len(batches) > 1):
        out += _guarded(way, sheets[first : first + AT_ONCE])
    return out


def _guarded(way: _Own | _Layers, sheets: Sequence[Sheet]) -> list[Marked]:
    try:
        with uncollected():
            return way.marked(sheets)
    except ProblemError:
        raise
    except Exception as e:
        why = reported(e)
        if len(sheets) == 1:
            return [Marked(sheets[0].id, remarks=sheets[0].remarks, error=why)]
    half = len(sheets) // 2
    return [m for some in (sheets[:half], sheets[half:]) for m in _guarded(way, some)]


@dataclass
class _Own:
    """Sheets of somebody's own equations."""

    key: Key

    def marked(self, sheets: Sequence[Sheet]) -> list[Marked]:
        """The marks of sheets worked together."""
        return _marked(Read.of(self.key, sheets))


class _Layers:
    """Sheets of layers: in the reading that fits, under the problem or another that is accepted too."""

    def __init__(self, problem: Problem, naming: Naming | None) -> None:
        self.key, self.naming = LayersKey(problem), naming
        self._determining: dict[tuple[Key, int], Determining] = {}
        self.others = [(LayersKey(other), remark) for other, remark in accepted(problem)]

    def marked(self, sheets: Sequence[Sheet]) -> list[Marked]:
        """The marks of sheets worked together; under another problem where they are better."""
        read = best_readings(self.key, self.naming, sheets) if self.naming else Read.of(self.key, sheets)
        best = self._marked(self.key, read)
        for other, remark in self.others:
            lacks = self.key.problem.step.arrays.keys() - other.problem.step.arrays.keys()
            fitting = [k for k, sheet in enumerate(read.own) if not _asks_for(sheet, lacks)]
            remarked = [replace(read.sheets[k], remarks=(*read.sheets[k].remarks, remark)) for k in fitting]
            again = self._marked(other, Read.of(other, remarked)) if fitting else []
            for k, marked in zip(fitting, again, strict=True):
                best[k] = marked if marked.points > best[k].points else best[k]
        return best

    def _marked(self, key: LayersKey, read: Read) -> list[Marked]:
        steps = last_step(read.sheets)
        determining = self._determining.setdefault((key, steps), Determining(key, steps))
        sheets = [determining.counted(sheet) for sheet in read.sheets]
        same = all(a is b for a, b in zip(sheets, read.sheets, strict=True))
        return _marked(read if same else Read.of(key, sheets))


def last_step(sheets: Sequence[Sheet]) -> int:
    """The last step of which some sheet has a number; what was not understood counts for nothing."""
    usable = (e for sheet in sheets for e in sheet.entries if e.value is not None and not e.fault)
    named = (names_in(e.formula) if e.formula is not None else (e.quantity,) for e in usable)
    return max((q.step for several in named for q in several if q), default=1)


def _asks_for(sheet: Sheet, lacks: Set[str]) -> bool:
    """Whether a sheet writes what another step lacks: without trained biases there is no velocity of them."""
    return any(entry.quantity.kind in lacks for entry in sheet.entries if entry.quantity)


def _marked(read: Read) -> list[Marked]:
    key, found_right = read.key, read.judged
    order, wrong = found_right.quantities, found_right.refused
    found, cut = dict[int, list[Explained]](), set[int]()
    if wrong.any():
        found, cut = explained(key.runs, read.cells, key.rewrites, found_right.disciplines, order, wrong)
    out = []
    for row, sheet in enumerate(read.own):
        told = replace(sheet, remarks=(*sheet.remarks, UNTRIED)) if row in cut else sheet
        formulas = formulas_of(read, row)
        out.append(_Sheet(key, told, found_right, row, found.get(row, []), formulas).marked())
    return out


def _mark(
    entry: Entry,
    about: About,
    verdict: str,
    expected: str = "",
    slips: tuple[str, ...] = (),
    facts: Mapping[str, str] = NO_FACTS,
) -> Mark:
    given = entry.name, entry.number, verdict, expected, "", slips, facts, entry.where
    return Mark(*given, about.points, None, None, "", about.name, about.stage)


@dataclass
class _Sheet:
    """One sheet put together: the mark of every entry, the causes in the order of calculation."""

    key: Key
    sheet: Sheet
    judged: Judged
    row: int
    found: Sequence[Explained]
    formulas: Mapping[str, tuple[str, tuple[str, ...]]]

    def marked(self) -> Marked:
        """The sheet, marked."""
        if self.sheet.error:
            return Marked(self.sheet.id, remarks=self.sheet.remarks, error=self.sheet.error)
        marks = [m for m in map(self._mark, self.sheet.entries) if m]
        there = {e.quantity for e in self.sheet.entries}
        for q in self.key.asked():
            if q not in there:
                name, about = self.key.text(q, self.sheet.letters), self.key.about(q)
                marks.append(Mark(name, "", "missing", points=about.points, quantity=about.name, stage=about.stage))
        misread = [Cause(m.slips, (m.name,), (), m.facts) for m in marks if "given" in m.facts]
        return Marked(self.sheet.id, tuple(marks), (*misread, *self._causes()), self.sheet.remarks)

    @cached_property
    def _slips(self) -> dict[Quantity, tuple[str, ...]]:
        return {q: one.names for one in self.found for q in one.quantities}

    def _mark(self, entry: Entry) -> Mark | None:
        q, written = entry.quantity, entry.value
        about = self.key.about(q) if q else NOTHING
        if entry.fault or (q is None and entry.formula is None):
            return _mark(entry, about, entry.fault, facts={"message": entry.message})
        if q and about.is_given:
            return self._given(entry, q) if written is not None else None
        if written is None:
            return _mark(entry, about, "missing")
        if q is None:
            return self._formula(entry)
        slips = self._slips.get(q, ())
        expected = "" if entry.formula is not None else self._expected(entry, q)
        return _mark(entry, about, self._verdict(q, entry, slips), expected, slips)

    def _expected(self, entry: Entry, q: Quantity) -> str:
        assert entry.value is not None
        places = 8 if entry.value.place is None else -entry.value.place
        return self.key.shown(q, places, entry.value.figures, entry.factor)

    def _formula(self, entry: Entry) -> Mark:
        """A cell whose name is a formula that determines nothing asked for: judged, and worth nothing."""
        verdict, slips = self.formulas.get(entry.name, ("not_assessable", ()))
        facts = self.key.words(self.sheet.letters) if slips else {}
        return _mark(entry, NOTHING._replace(points=0.0), "slip" if slips else verdict, slips=slips, facts=facts)

    def _verdict(self, q: Quantity, entry: Entry, slips: Sequence[str]) -> str:
        assert entry.value is not None
        words = self.judged.told.get(q)
        told = words[self.row] if words else "vague"
        if told == "vague":
            return "not_assessable"
        if told == "right":
            exact, number = entry.value.exact, entry.value.number
            if entry.factor is not ONE:
                exact, number = exact / entry.factor, number / float(entry.factor)
            if self.key.is_exact(q, exact, number):
                if self.key.ends(q) == (exact,) * 2:
                    return "exact"
                if exact:
                    return "rounded"
            return self._how(entry, self._rounded(q))
        if told == "follows":
            return self._how(entry, "follows")
        if slips:
            return "slip"
        return "last_digit" if told == "near" and entry.formula is None else "wrong"

    def _rounded(self, q: Quantity) -> str:
        """How a right number was rounded: as it is, or only in the way that its sheet rounds."""
        if self.judged.plainly[self.judged.place[q], self.row]:
            return "rounded"
        return "truncated" if self.judged.disciplines[self.row].cut else "rounded_inside"

    def _how(self, entry: Entry, verdict: str) -> str:
        """Right, unless it has too few digits to tell, fewer than others of its sheet."""
        assert entry.value is not None
        assert entry.quantity is not None
        if entry.value.figures >= self.key.enough_figures or entry.value.place is None or entry.value.number == 0:
            return verdict
        place = self.judged.place[entry.quantity]
        short = self.judged.literal[place, self.row] or self._is_usual(entry)
        return verdict if short and abs(entry.factor) == 1 else "coarse"

    @cached_property
    def _places(self) -> Counter[int | None]:
        """How many right numbers end at each place: wrong ones, and single figures but 0, say nothing."""
        wrong = {q for q, words in self.judged.told.items() if words[self.row] in ("", "near")}
        told = (e.value for q, e in self._entries.items() if q not in wrong)
        return Counter(value.place for value in told if value and (value.figures >= FEWEST or not value.number))

    def _is_usual(self, entry: Entry) -> bool:
        """Whether a number is short as others of its sheet are: its last digit stands where theirs do."""
        assert entry.value is not None
        count = self._places[entry.value.place]
        return (entry.value.place or 0) < 0 and 0 < min(max(self._places.values(), default=0), 2) <= count

    def _given(self, entry: Entry, q: Quantity) -> Mark | None:
        """A given number written on the sheet: nothing to mark where it is right."""
        assert entry.value is not None
        right = self.key.given(q)
        if right is None or right[0] == entry.value.exact / entry.factor:
            return None
        shown = right[1] or self._expected(entry, q)
        about, worked = self.key.about(q), f"{entry.number} (\u2260 {shown})"
        facts = {"given": f"{entry.name} = {worked}", "key": f"{about.name} = {worked}"}
        if q.kind in self.key.problem.parameters:
            facts["new"] = self.key.text(q._replace(kind=f"{q.kind}_new"), self.sheet.letters)
        return _mark(entry, about, "slip", shown, ("given.misread",), facts)

    # --- causes ---

    @cached_property
    def _entries(self) -> dict[Quantity, Entry]:
        return {e.quantity: e for e in self.sheet.entries if e.quantity and e.value is not None and not e.fault}

    def _causes(self) -> list[Cause]:
        """The causes in the order of calculation; numbers that nothing explains are one cause an array."""
        written = [q for q in self.judged.quantities if q in self._entries]
        place = {q: k for k, q in enumerate(written)}
        word = {q: self.judged.told[q][self.row] for q in written}
        told = list(self.found)
        alone: dict[tuple[str, int], list[Quantity]] = {}
        for q in written:
            if not word[q] and q not in self._slips:
                alone.setdefault((q.kind, q.step), []).append(q)
        told += [Explained((), tuple(qs), {}) for qs in alone.values()]
        told.sort(key=lambda one: min(place[q] for q in one.quantities))
        starts = [min(place[q] for q in one.quantities) for one in told]
        out = []
        for one, first, until in zip(told, starts, [*starts[1:], len(written)], strict=False):
            after = [q for q in written[first + 1 : until] if word[q] in ("follows", "vague")]
            cells = tuple(self._entries[q].name for q in sorted(one.quantities, key=place.__getitem__))
            facts = self.key.facts(one, written[first], self.sheet.letters, self._entries)
            out.append(Cause(one.names, cells, tuple(self._entries[q].name for q in after), facts))
        return out
