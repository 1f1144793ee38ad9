"""One sheet put together: the mark of every entry, causes counted once, what followed from each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property

from derivations import names
from derivations.names import Quantity
from tracer.answers.blank import points_of
from tracer.answers.marking.cells import GIVEN
from tracer.answers.marking.diagnosis import Found
from tracer.answers.marking.judging import FOLLOWS, INSIDE, LAST_DIGIT, NOTHING, PLAINLY, REFUSED, TRUNCATED
from tracer.answers.marking.passes import At
from tracer.answers.marking.truth import Truth
from tracer.answers.reading.entries import Entry, Sheet
from tracer.answers.result import Cause, Mark, Marked

__all__ = ["Marker"]

Place = tuple[At, tuple[int, ...]]
VERDICTS = {
    REFUSED: "wrong",
    LAST_DIGIT: "last_digit",
    NOTHING: "not_assessable",
    FOLLOWS: "follows",
    TRUNCATED: "truncated",
    INSIDE: "rounded_inside",
    PLAINLY: "rounded",
}
ENOUGH_FIGURES = 2


class Marker:
    """Puts one sheet together: its entries, the codes of its cells and formulas, what explains the wrong ones."""

    def __init__(
        self,
        truth: Truth,
        sheet: Sheet,
        codes: Mapping[Place, int] | None = None,
        found: Sequence[tuple[Found, tuple[Place, ...]]] = (),
        formulas: Mapping[str, tuple[int, tuple[str, ...]]] | None = None,
        literal: Collection[Place] = (),
    ) -> None:
        self.truth, self.sheet, self.codes = truth, sheet, codes or {}
        self.found = _merged(found)
        self.formulas = formulas or {}
        self.literal = literal  # cells that are, unrounded, what follows from what stands on the sheet

    def marked(self) -> Marked:
        """The sheet, marked."""
        if self.sheet.error:
            return Marked(self.sheet.id, remarks=self.sheet.remarks, error=self.sheet.error)
        marks = [m for m in (self._mark(entry) for entry in self.sheet.entries) if m]
        marks += self._missing()
        causes = self._causes()
        return Marked(self.sheet.id, tuple(marks), (*self._misread(marks, causes), *causes), self.sheet.remarks)

    # --- cells ---

    def _mark(self, entry: Entry) -> Mark | None:
        q = entry.quantity
        mark = Mark(entry.name, entry.number, "missing", where=entry.where, points=self._points(q))
        if q is not None and q.kind in GIVEN and not entry.fault:
            return self._given(entry, mark) if entry.value is not None else None
        if entry.fault:
            return replace(mark, verdict=entry.fault, facts={"message": entry.message})
        if entry.value is None:
            return mark
        if q is None:
            return self._formula(entry, mark)
        place = self.truth.place(q)
        verdict = VERDICTS[self.codes.get(place, NOTHING)]
        if verdict in ("rounded", "rounded_inside", "truncated"):
            verdict = self._how_right(entry, q, verdict)
        slips = self._explained.get(place, ())
        if slips and verdict in ("wrong", "last_digit"):
            verdict = "slip"
        return replace(mark, verdict=verdict, slips=slips, expected=self._expected(entry, q))

    def _formula(self, entry: Entry, mark: Mark) -> Mark:
        """A cell whose name is a formula."""
        code, slips = self.formulas.get(entry.name, (NOTHING, ()))
        return replace(mark, verdict="slip" if slips else VERDICTS[code], slips=slips)

    def _how_right(self, entry: Entry, q: Quantity, verdict: str) -> str:
        assert entry.value is not None
        if self.truth.may_be(q, entry.value.number / float(entry.factor)):
            low, high = self.truth.ends(q)
            written = entry.value.exact / entry.factor
            if low is not None and high is not None and low <= written <= high:
                return "exact" if low == high else verdict
        enough = entry.value.figures >= self._least(q) or entry.value.place is None
        if enough or self.truth.place(q) in self.literal or self._as_usual(entry, q):
            return verdict
        return "follows" if REFUSED in self.codes.values() else "coarse"

    def _as_usual(self, entry: Entry, q: Quantity) -> bool:
        """Whether a number is short as all of its sheet are, or because the zeros at its end were left out."""
        assert entry.value is not None
        figures, place = self._usual
        if entry.value.place is not None and entry.value.place == place < 0:
            return True
        return Fraction(self.truth.rounded(q, entry.factor, figures)) == entry.value.exact

    def _least(self, q: Quantity) -> int:
        figures = dict(self.truth.problem.sheet).get("figures")
        return figures if isinstance(figures, int) else ENOUGH_FIGURES

    @cached_property
    def _usual(self) -> tuple[int, int]:
        """(figures, place of the last digit) that most numbers of the sheet have."""
        values = [e.value for e in self.sheet.entries if e.value is not None and e.value.whole]
        figures, places = [v.figures for v in values], [v.place for v in values if v.place is not None]
        most = max(set(figures), key=lambda n: (figures.count(n), n), default=1)
        return most, max(set(places), key=lambda p: (places.count(p), p), default=0)

    def _expected(self, entry: Entry, q: Quantity) -> str:
        assert entry.value is not None
        places = -entry.value.place if entry.value.place is not None else 8
        return self.truth.shown(q, entry.factor, places, entry.value.figures)

    def _given(self, entry: Entry, mark: Mark) -> Mark | None:
        """A given number written on the sheet: nothing to mark where it is right."""
        q, written = entry.quantity, entry.value
        assert q is not None
        assert written is not None
        right = self.truth.given(q._replace(step=1))
        if right is None or written.exact / entry.factor == right[0]:
            return None
        facts = {"given": f"{names.text(self.truth.problem.network, q)} = {entry.number} (\u2260 {right[1]})"}
        return replace(mark, verdict="slip", expected=right[1], slips=("given.misread",), facts=facts)

    def _points(self, q: Quantity | None) -> float:
        """What a cell counts; nothing where `[sheet] ask` does not ask for it."""
        if q is None:
            return 1.0
        return points_of(self.truth.problem, q) if self.truth.asked is None or q in self.truth.asked else 0.0

    def _missing(self) -> list[Mark]:
        """What `[sheet] ask` asks for and the sheet does not have."""
        there = {e.quantity for e in self.sheet.entries}
        network = self.truth.problem.network
        wanted = [q for q in self.truth.asked or () if q not in there]
        return [Mark(names.text(network, q), "", "missing", points=self._points(q)) for q in wanted]

    # --- causes ---

    def _misread(self, marks: Sequence[Mark], causes: Sequence[Cause]) -> list[Cause]:
        """Given numbers that the sheet has otherwise; what follows from them alone."""
        wrong = [m for m in marks if m.slips == ("given.misread",) and m.facts]
        told = {name for cause in causes for name in cause.follows}
        cells = {e.name for e in self._entries.values()}
        after = [m.name for m in marks if m.verdict == "follows" and m.name in cells - told]
        return [Cause(m.slips, (m.name,), tuple(after) if m is wrong[0] else (), m.facts) for m in wrong]

    @cached_property
    def _explained(self) -> dict[Place, tuple[str, ...]]:
        return {place: names for names, places, _ in self.found for place in places}

    @cached_property
    def _entries(self) -> dict[Place, Entry]:
        usable = [e for e in self.sheet.entries if e.quantity and not e.fault and e.formula is None]
        return {self.truth.place(e.quantity): e for e in usable if e.quantity}

    def _causes(self) -> list[Cause]:
        """The causes in the order of calculation; cells that nothing explains are one cause a stage."""
        causes = [(places, slips, facts) for slips, places, facts in self.found]
        for at in dict.fromkeys(place[0] for place in self.codes):
            alone = tuple(p for p, c in self.codes.items() if p[0] == at and c == REFUSED and p not in self._explained)
            causes += [(alone, (), {})] if alone else []
        order = {place: k for k, place in enumerate(self.codes)}
        causes.sort(key=lambda cause: order[cause[0][0]])
        starts = [order[places[0]] for places, _, _ in causes]
        out = []
        for k, (places, slips, facts) in enumerate(causes):
            until = starts[k + 1] if k + 1 < len(starts) else len(order)
            after = [p for p, c in self.codes.items() if c == FOLLOWS and starts[k] < order[p] < until]
            cells = tuple(self._entries[p].name for p in places)
            follows = tuple(self._entries[p].name for p in after)
            out.append(Cause(slips, cells, follows, self._facts(places[0], slips) | facts))
        return out

    def _facts(self, place: Place, slips: tuple[str, ...]) -> dict[str, str]:
        """The equations that a message shows: the right one of the cell, and each slip's."""
        q = self._entries[place].quantity
        assert q is not None
        known = [self.truth.slips[name] for name in slips if name in self.truth.slips]
        facts: dict[str, str] = {}
        for slip in known:
            ending = f":{slip.name}" if len(slips) > 1 else ""
            used = self.truth.equation(q, slip)
            facts |= {f"used{ending}": used, f"right{ending}": self.truth.right_of(used)}
        return {"right": self.truth.equation(q)} | facts


def _merged(
    found: Sequence[tuple[Found, tuple[Place, ...]]],
) -> list[tuple[tuple[str, ...], tuple[Place, ...], dict[str, str]]]:
    """Causes, not cells: explanations that have a slip in common are one, and that slip is the one meant."""
    out: list[tuple[tuple[str, ...], tuple[Place, ...], dict[str, str]]] = []
    for one, places in found:
        facts = dict(one.facts)
        for k, (slips, earlier, known) in enumerate(out):
            common = tuple(name for name in slips if name in one.names)
            if common and known == facts:
                out[k] = common, (*earlier, *places), known
                break
        else:
            out.append((one.names, places, facts))
    return out
