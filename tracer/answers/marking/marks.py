"""One sheet put together: the mark of every entry, causes counted once, what followed from each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from derivations import names
from derivations.names import Quantity
from tracer.answers.blank import points_of
from tracer.answers.marking.cells import GIVEN
from tracer.answers.marking.columns import Columns
from tracer.answers.marking.diagnosis import Found
from tracer.answers.marking.judging import FOLLOWS, INSIDE, LAST_DIGIT, NOTHING, PLAINLY, REFUSED, TRUNCATED
from tracer.answers.marking.truth import NEAR, Truth
from tracer.answers.reading.entries import ONE, Entry, Sheet
from tracer.answers.reading.written import Written
from tracer.answers.result import Cause, Mark, Marked

__all__ = ["Known", "Marker", "merged"]

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
Told = tuple[tuple[str, ...], tuple[int, ...], dict[str, str]]
"""The slips of one cause, its columns, what there is to say."""


@dataclass
class _Fixed:
    """What the cells of one quantity have in common on all sheets; `column` is -1 where the step records none."""

    column: int
    points: float
    low: Fraction | None
    high: Fraction | None
    near: float
    name: str
    marks: dict[tuple[object, ...], Mark] = field(default_factory=dict)


class Known(dict[Quantity, _Fixed]):
    """What is known of each quantity before any sheet, worked when first asked for."""

    def __init__(self, truth: Truth, columns: Columns) -> None:
        super().__init__()
        self.truth, self.columns = truth, columns
        least = dict(truth.problem.sheet).get("figures")
        self.least = least if isinstance(least, int) else ENOUGH_FIGURES
        self.facts: dict[tuple[Quantity, tuple[str, ...], str], dict[str, str]] = {}  # by quantity, slips and letters

    def __missing__(self, q: Quantity) -> _Fixed:
        column = self.columns.number.get(self.truth.place(q), -1)
        low, high = self.truth.ends(q)
        near = float("nan") if low is None else float(low)
        self[q] = fixed = _Fixed(column, self.points(q), low, high, near, names.text(self.truth.problem.network, q))
        return fixed

    def points(self, q: Quantity | None) -> float:
        """What a cell counts; nothing where `[sheet] ask` does not ask for it."""
        if q is None:
            return 1.0
        return points_of(self.truth.problem, q) if self.truth.asked is None or q in self.truth.asked else 0.0


class Marker:
    """Puts one sheet together: its entries, the codes of its cells and formulas, what explains the wrong ones.

    codes: by column, None where nothing stands.  literal: by column, whether the number is, unrounded, what follows
    from what stands on the sheet.
    """

    def __init__(
        self,
        known: Known,
        sheet: Sheet,
        codes: Sequence[int | None],
        literal: Sequence[bool],
        found: Sequence[Found] = (),
        formulas: Mapping[str, tuple[int, tuple[str, ...]]] | None = None,
    ) -> None:
        self.known, self.truth, self.sheet = known, known.truth, sheet
        self.codes, self.literal = codes, literal
        self.letters = self.truth.letters(sheet.letters)
        self.found = merged(found)
        self.formulas = formulas or {}
        self._explained = {column: names for names, columns, _ in self.found for column in columns}

    def marked(self) -> Marked:
        """The sheet, marked."""
        if self.sheet.error:
            return Marked(self.sheet.id, remarks=self.sheet.remarks, error=self.sheet.error)
        marks = [m for m in map(self._mark, self.sheet.entries) if m]
        marks += self._missing()
        causes = self._causes()
        return Marked(self.sheet.id, tuple(marks), (*self._misread(marks, causes), *causes), self.sheet.remarks)

    # --- cells ---

    def _mark(self, entry: Entry) -> Mark | None:
        q, written = entry.quantity, entry.value
        if q is None or written is None or entry.fault or q.kind in GIVEN:
            return self._unusual(entry)
        fixed = self.known[q]
        code = self.codes[fixed.column] if fixed.column >= 0 else None
        code = NOTHING if code is None else code
        if code == LAST_DIGIT and entry.formula is not None:
            code = REFUSED  # its last digit is not the quantity's
        verdict = VERDICTS[code]
        if code >= TRUNCATED:
            verdict = self._how_right(entry, written, fixed, verdict)
        slips = self._explained.get(fixed.column, ())
        if slips and code <= LAST_DIGIT:
            verdict = "slip"
        said = entry.name, entry.number, entry.where, verdict, slips, entry.factor is ONE or entry.factor
        mark = fixed.marks.get(said)  # most of a class write the same
        if mark is None:
            fixed.marks[said] = mark = Mark(
                *(entry.name, entry.number, verdict, self._expected(entry, written)),
                slips=slips,
                where=entry.where,
                points=fixed.points,
                quantity=fixed.name,
            )
        return mark

    def _unusual(self, entry: Entry) -> Mark | None:
        """A given number, a blank, what was not understood or answers nothing."""
        q = entry.quantity
        name = names.text(self.truth.problem.network, q) if q else ""
        points = self.known.points(q)
        mark = Mark(entry.name, entry.number, "missing", where=entry.where, points=points, quantity=name)
        if q is not None and q.kind in GIVEN and not entry.fault:
            return self._given(entry, mark) if entry.value is not None else None
        if entry.fault:
            return replace(mark, verdict=entry.fault, facts={"message": entry.message})
        return mark if entry.value is None or entry.formula is None else self._formula(entry, mark)

    def _formula(self, entry: Entry, mark: Mark) -> Mark:
        """A cell whose name is a formula that determines nothing asked for: judged, and worth nothing."""
        code, slips = self.formulas.get(entry.name, (NOTHING, ()))
        verdict, facts = ("slip", dict(self.letters.words)) if slips else (VERDICTS[code], {})
        return replace(mark, verdict=verdict, slips=slips, facts=facts, points=0.0)

    def _how_right(self, entry: Entry, written: Written, fixed: _Fixed, verdict: str) -> str:
        number = written.number if entry.factor is ONE else written.number / float(entry.factor)
        if abs(number - fixed.near) <= NEAR * abs(number):  # so near that it may be the right one itself
            exact = written.exact / entry.factor
            if fixed.low is not None and fixed.high is not None and fixed.low <= exact <= fixed.high:
                return "exact" if fixed.low == fixed.high else verdict
        if written.figures >= self.known.least or written.place is None:
            return verdict
        if self.literal[fixed.column] or self._as_usual(entry, entry.quantity):
            return verdict
        return "coarse"

    def _as_usual(self, entry: Entry, q: Quantity | None) -> bool:
        """Whether a number is short as others of its sheet are, or because the zeros at its end were left out."""
        assert entry.value is not None
        assert q is not None
        figures, places = self._usual
        if (entry.value.place or 0) < 0 and abs(entry.factor) == 1:
            most = max(places.values())
            if places[entry.value.place] >= min(most, 2):
                return True
        return Fraction(self.truth.rounded(q, entry.factor, figures)) == entry.value.exact

    @cached_property
    def _usual(self) -> tuple[int, Counter[int | None]]:
        """The figures that most numbers of the sheet have, and how many have their last digit at each place."""
        values = [e.value for e in self.sheet.entries if e.value is not None]
        figures = [v.figures for v in values if v.whole]
        most = max(set(figures), key=lambda n: (figures.count(n), n), default=1)
        return most, Counter(v.place for v in values)

    def _expected(self, entry: Entry, written: Written) -> str:
        assert entry.quantity is not None
        if entry.formula is not None:
            return ""  # the right value of what it determines is another number
        places = 8 if written.place is None else -written.place
        return self.truth.shown(entry.quantity, entry.factor, places, written.figures)

    def _given(self, entry: Entry, mark: Mark) -> Mark | None:
        """A given number written on the sheet: nothing to mark where it is right."""
        q, written = entry.quantity, entry.value
        assert q is not None
        assert written is not None
        right = self.truth.given(q._replace(step=1))
        if right is None or written.exact / entry.factor == right[0]:
            return None
        worked = f"{entry.number} (\u2260 {right[1]})"
        facts = {"given": f"{entry.name} = {worked}", "key": f"{mark.quantity} = {worked}"}
        if q.kind in ("W", "b"):
            facts["new"] = self.letters.text(q._replace(kind=f"{q.kind}_new"))
        return replace(mark, verdict="slip", expected=right[1], slips=("given.misread",), facts=facts)

    def _missing(self) -> list[Mark]:
        """What `[sheet] ask` asks for and the sheet does not have."""
        if not self.truth.asked:
            return []
        there = {e.quantity for e in self.sheet.entries}
        network = self.truth.problem.network
        wanted = [q for q in self.truth.asked if q not in there]
        named = ((self.letters.text(q), names.text(network, q), q) for q in wanted)
        return [Mark(name, "", "missing", points=self.known.points(q), quantity=ours) for name, ours, q in named]

    # --- causes ---

    def _misread(self, marks: Sequence[Mark], causes: Sequence[Cause]) -> list[Cause]:
        """Given numbers that the sheet has otherwise; what follows from them alone."""
        wrong = [m for m in marks if m.slips == ("given.misread",) and m.facts]
        told = {name for cause in causes for name in cause.follows}
        cells = {e.name for e in self._entries.values()}
        after = [m.name for m in marks if m.verdict == "follows" and m.name in cells - told]
        return [Cause(m.slips, (m.name,), tuple(after) if m is wrong[0] else (), m.facts) for m in wrong]

    @cached_property
    def _entries(self) -> dict[int, Entry]:
        usable = ((e.quantity, e) for e in self.sheet.entries if e.value is not None and not e.fault)
        columns = ((self.known[q].column, e) for q, e in usable if q and q.kind not in GIVEN)
        return {column: e for column, e in columns if column >= 0}

    def _causes(self) -> list[Cause]:
        """The causes in the order of calculation; cells that nothing explains are one cause a stage."""
        causes = list(self.found)
        if not causes and REFUSED not in self.codes:
            return []
        for stage in self.known.columns.stages.values():
            alone = [c for c in range(stage.start, stage.stop) if self.codes[c] == REFUSED and c not in self._explained]
            causes += [((), tuple(alone), {})] if alone else []
        causes.sort(key=lambda cause: cause[1][0])
        starts = [columns[0] for _, columns, _ in causes]
        out = []
        for (slips, columns, facts), first, until in zip(causes, starts, [*starts[1:], len(self.codes)], strict=True):
            after = [c for c in range(first + 1, until) if self.codes[c] == FOLLOWS]
            cells = tuple(self._entries[c].name for c in columns)
            follows = tuple(self._entries[c].name for c in after)
            out.append(Cause(slips, cells, follows, self._facts(columns[0], slips) | self._told(facts)))
        return out

    def _told(self, facts: dict[str, str]) -> dict[str, str]:
        """Facts about given numbers, `x[1] = 3 (\u2260 1)` or several of them, in the sheet's letters."""
        if "given" not in facts:
            return facts
        told = " / ".join(self._told_one(*part.partition(" = ")) for part in facts["given"].split(" / "))
        return facts | {"given": told, "key": facts["given"]}

    def _told_one(self, name: str, *rest: str) -> str:
        problem = self.truth.problem
        q = names.find_name(problem.network, problem.samples, name)
        return "".join((self.letters.text(q) if q else name, *rest))

    def _facts(self, column: int, slips: tuple[str, ...]) -> dict[str, str]:
        """The equations that a message shows: the right one of the cell, and each slip's."""
        q = self._entries[column].quantity
        assert q is not None
        key = q, slips, self.sheet.letters
        if key not in self.known.facts:
            self.known.facts[key] = self._equations(q, slips)
        return self.known.facts[key]

    def _equations(self, q: Quantity, slips: tuple[str, ...]) -> dict[str, str]:
        known = [self.truth.slips[name] for name in slips if name in self.truth.slips]
        facts: dict[str, str] = dict(self.letters.words)
        for slip in known:
            ending = f":{slip.name}" if len(slips) > 1 else ""
            used, right = self.truth.worked(q, slip, self.letters.text)
            facts |= {f"used{ending}": used, f"right{ending}": right}
        return {"right": self.truth.equation(q, self.letters.text)} | facts


def _each_once(names: Sequence[str]) -> tuple[str, ...]:
    """The names without those that say of weights alone, or of biases, what another says of both."""
    return tuple(n for n in names if not (n.endswith(("[W]", "[b]")) and n[:-3] in names))


def merged(found: Sequence[Found]) -> list[Told]:
    """Causes, not cells: explanations that have a slip in common are one, and that slip is the one meant."""
    out: list[Told] = []
    for one in found:
        facts = dict(one.facts)
        for k, (slips, earlier, known) in enumerate(out):
            common = tuple(name for name in slips if name in _each_once(one.names))
            if common and known == facts:
                out[k] = common, (*earlier, *one.columns), known
                break
        else:
            out.append((_each_once(one.names), one.columns, facts))
    return out
