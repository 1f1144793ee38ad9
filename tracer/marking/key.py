"""What is right on a problem of somebody's own equations: the exact numbers, the slips of its lines, what is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from derivations.arithmetic import Exact
from derivations.computation import Computation
from derivations.equations import Equation, Role
from derivations.expression import Expression, Name, Number, names_in, replaced
from derivations.general import GeneralText
from derivations.own_names import OwnNames
from derivations.printing import TextPrinter
from derivations.quantity import Quantity
from tracer.answers.reading.entries import ONE, Entry, Sheet
from tracer.computed_step import STATED, run_computation
from tracer.marking.explaining import Explained
from tracer.marking.passes import Runs
from tracer.marking.rewrites import Rewrite, rewrites
from tracer.marking.stages import Stages
from tracer.marking.worked_lines import WorkedLines
from tracer.rounding import Rounding, bounds, nearest_float

__all__ = ["Key"]

BITS = 200
ENOUGH_FIGURES = 2
LEAST_FIGURES = 3
"""That a right number is shown with."""


class About(NamedTuple):
    """What a mark says of a quantity on every sheet: its own name, what it counts, whether it is given, its stage."""

    name: str
    points: float
    is_given: bool
    stage: str = "other"


class Key:
    """What is right on a problem, worked when it is first asked for."""

    def __init__(self, problem: Computation) -> None:
        self.problem, self.runs = problem, Runs(problem)
        self._true: dict[int, dict[Quantity, Any]] = {}
        self._ends: dict[Quantity, tuple[Fraction | None, Fraction | None]] = {}
        self._near: dict[Quantity, tuple[float, float]] = {}
        self._shown: dict[tuple[Quantity, int, int, Fraction | None], str] = {}
        self._about: dict[Quantity, About] = {}
        self._written_out: dict[tuple[Quantity, str], str] = {}
        self._given_texts: dict[Quantity, str] = {}
        self._told: dict[tuple[Quantity, tuple[int, ...], str], tuple[str, str]] = {}

    @cached_property
    def rewrites(self) -> list[Rewrite]:
        """The slips of its step."""
        return rewrites(self.problem)

    @cached_property
    def lines(self) -> dict[str, str]:
        """The equation of each array, as on a board."""
        text = GeneralText(self.problem.step.unwritten, self.names.letter, self.problem.step.ranges)
        return {e.left.name: text.equation(e) for e in self.problem.step.equations}

    @cached_property
    def names(self) -> OwnNames:
        """The names of its numbers."""
        return OwnNames(self.problem)

    def true(self, steps: int = 1) -> dict[Quantity, Any]:
        """The right numbers of a pass, or of so many steps, as balls."""
        if steps not in self._true:
            out, m, after = self._true.setdefault(steps, {}), Exact(BITS), dict[str, Any]()
            for own in self.runs.passes(steps):
                given = own.problem.start(m) | ({} if own.first else after)
                step = run_computation(own.problem, m, given, each=partial(_kept, m), sample=own.sample)
                out |= {**step.stated, **dict(step.items())}
                after = step.following
        return self._true[steps]

    def ends(self, q: Quantity) -> tuple[Fraction | None, Fraction | None]:
        """The ends of the right number's ball; (None, None) where there is none, or it is not finite."""
        if q not in self._ends:
            true = self.true(q.step)
            self._ends[q] = bounds(true[q]) if q in true else (None, None)
        return self._ends[q]

    def middle(self, q: Quantity) -> Fraction | None:
        """The right number; None where there is none, or it is not finite."""
        low, high = self.ends(q)
        return None if low is None or high is None else (low + high) / 2

    def is_exact(self, q: Quantity, written: Fraction, number: float) -> bool:
        """Whether a number, exact and as a float, is the right one itself, and not what is left of it."""
        near = self.near(q)  # for a whole class to compare fractions is slow
        if not number or not near[0] <= number <= near[1]:
            return not number
        low, high = self.ends(q)
        return low is not None and high is not None and low <= written <= high

    def near(self, q: Quantity) -> tuple[float, float]:
        """The ends of the right number's ball in float64; nan where there is none, or it is not finite."""
        if q not in self._near:
            low, high = self.ends(q)
            self._near[q] = (np.nan, np.nan)
            if low is not None and high is not None:
                self._near[q] = nearest_float(low), nearest_float(high)
        return self._near[q]

    # --- names ---

    def text(self, q: Quantity, letters: str = "") -> str:
        """What a quantity is called on a sheet in these letters."""
        return self.names.text(q)

    def words(self, letters: str) -> Mapping[str, str]:
        """What stands for the letters that sentences use on such a sheet."""
        return {}

    def about(self, q: Quantity) -> About:
        """What a mark says of it on every sheet."""
        if q not in self._about:
            self._about[q] = About(self.name(q), self.points(q), self.is_given(q), self.stages.of(q.kind))
        return self._about[q]

    def name(self, q: Quantity) -> str:
        """What it is called here, the same on every sheet."""
        return self.names.text(q)

    def is_given(self, q: Quantity) -> bool:
        """Whether it is a number that a step starts from."""
        return q.kind in self.problem.step.arrays and self.problem.step.arrays[q.kind].role in STATED

    def given(self, q: Quantity) -> tuple[Fraction, str] | None:
        """A given number of the first step, and its text; None for what is none."""
        right = self.middle(q) if q.step == 1 else None
        return None if right is None else (right, "")

    # --- equations ---

    @cached_property
    def stages(self) -> Stages:
        """What kind of line each array is worked by."""
        return Stages(self.problem)

    @cached_property
    def worked(self) -> WorkedLines:
        """The lines of its numbers, written out."""
        return WorkedLines(self.runs)

    def line(self, q: Quantity, letters: str) -> str:
        """The equation of a number, in the letters of a sheet; that of its array where it is too long."""
        at = q, letters
        if at not in self._written_out:
            right = self.worked.right(q)
            self._written_out[at] = self.lines.get(q.kind, "") if right is None else self._equation(q, right, letters)
        return self._written_out[at]

    def numbers(self, q: Quantity, letters: str, written: Mapping[Quantity, Entry]) -> str:
        """The same with the numbers put in that stand on a sheet, or are given; "" where there is none.

        In place of one that does not stand there stands its own line, where all that it reads is known.
        """
        right = self.worked.right(q)
        if right is None:
            return ""

        def known(of: Quantity) -> Expression | None:
            entry = written.get(self.worked.before(of))
            text = _number(entry) if entry else self._given_text(of)
            return Number(text) if text else None

        def number(of: Quantity) -> Expression:
            line, name = self.worked.right(of), Name(of)
            if known(of) or line is None:
                return known(of) or name
            made: Expression = replaced(line, lambda q: known(q) or Name(q))
            return name if names_in(made) else made

        put_in = replaced(right, number)
        return "" if put_in == right else self._equation(q, put_in, letters)

    def _given_text(self, q: Quantity) -> str:
        if q not in self._given_texts:
            constants = self.problem.training.constants if self.problem.training else {}
            known = self.middle(q) if self.is_given(q) and q.step == 1 and q.kind not in constants else None
            text = str(constants[q.kind].shown().item()) if q.kind in constants else ""
            self._given_texts[q] = text if known is None else Rounding().shown(known)
        return self._given_texts[q]

    def _equation(self, q: Quantity, right: Expression, letters: str) -> str:
        def text(of: Quantity) -> str:
            return self.text(of, letters)

        return f"{text(q)} = {TextPrinter(text)(right)}"

    def facts(
        self, told: Explained, first: Quantity, letters: str, written: Mapping[Quantity, Entry]
    ) -> Mapping[str, str]:
        """What there is to say of an explanation whose first number is this one, in the letters of a sheet.

        The equation of the number, as it is and with the sheet's numbers; each slip's, and the right one in its place.
        """
        line = self.line(first, letters)
        out = {"right": line, "line": line, "numbers": self.numbers(first, letters, written)}
        out |= {**told.facts, **self.words(letters)}
        for name in told.names:
            lines = tuple(e for slip in told.slips if slip.name == name for e in slip.lines)
            ending = f":{name}" if len(told.names) > 1 else ""
            used, right = self._with_slip(first, lines, letters) if lines else ("", "")
            out |= {f"{key}{ending}": text for key, text in (("used", used), ("right", right)) if text}
        return out

    def _with_slip(self, q: Quantity, lines: tuple[Equation, ...], letters: str) -> tuple[str, str]:
        """The equation with a slip in it and the right one.

        Where the slip leaves the quantity's own as it is, they are those of the last one that it changes on the way.
        """
        at = q, tuple(map(id, lines)), letters
        if at not in self._told:
            changed = self.worked.changed(q, {e.left.name for e in lines})
            wrong = self.worked.otherwise(changed, lines)
            used = "" if wrong is None else self._equation(changed, wrong, letters)
            self._told[at] = used, self.line(changed, letters)
        return self._told[at]

    # --- reading ---

    def read(self, sheet: Sheet) -> Sheet:
        """The sheet with what its entries are of this step."""
        return self.as_updated(sheet)

    def as_updated(self, sheet: Sheet) -> Sheet:
        """A parameter written again under its given name, with its new value, is read as updated."""
        arrays, out = self.problem.step.arrays, list(sheet.entries)
        there = {e.quantity for e in sheet.entries}
        again: dict[str, list[int]] = {}
        for k, e in enumerate(out):
            if e.quantity and e.value is not None and not e.fault and arrays[e.quantity.kind].role is Role.PARAMETER:
                again.setdefault(e.quantity.kind, []).append(k)
        remarks = list(sheet.remarks)
        for name, places in again.items():
            new = f"{name}_new"
            moved = {k: q._replace(kind=new) for k in places if (q := out[k].quantity) is not None}
            if new in arrays and not there & set(moved.values()) and self._fit(out, moved):
                for k, q in moved.items():
                    out[k] = out[k]._replace(quantity=q)
                remarks.append(f"{name} read as its updated value, {new}")
        return (
            sheet if len(remarks) == len(sheet.remarks) else replace(sheet, entries=tuple(out), remarks=tuple(remarks))
        )

    def _fit(self, entries: Sequence[Entry], moved: Mapping[int, Quantity]) -> bool:
        """Whether most numbers are the updated values in their digits, and not the given ones."""
        fits = 0
        for k, q in moved.items():
            value, right = entries[k].value, self.middle(q)
            own = entries[k].quantity
            assert value is not None
            unit = Fraction(10) ** (value.place or 0)
            given = self.middle(own) if own else None
            fits += right is not None and abs(right - value.exact) <= unit and given != value.exact
        return 2 * fits > len(moved)

    def asked(self) -> list[Quantity]:
        """What `[sheet] ask` asks for, number by number."""
        ask = dict(self.problem.sheet).get("ask")
        names = ask if isinstance(ask, list | tuple) else []
        out: list[Quantity] = []
        for q in map(self.names.read, map(str, names)):
            out += [own for own in self.true() if own.kind == q.kind and _is_of(own, q)]
        return out

    @cached_property
    def enough_figures(self) -> int:
        """How many figures tell a number: those that `[sheet] figures` asks for, else two."""
        least = dict(self.problem.sheet).get("figures")
        return least if isinstance(least, int) else ENOUGH_FIGURES

    @cached_property
    def wanted(self) -> frozenset[Quantity]:
        """The same as a set."""
        return frozenset(self.asked())

    def points(self, q: Quantity) -> float:
        """What a number counts; nothing where `[sheet] ask` does not ask for it."""
        if self.wanted and q not in self.wanted:
            return 0.0
        given = dict(self.problem.sheet).get("points")
        if given is None:
            return 1.0
        if not isinstance(given, Mapping):
            return float(str(given))
        found = [float(str(n)) for name, n in given.items() if _is_of(q, self.names.read(str(name)))]
        return found[-1] if found else 1.0

    def shown(self, q: Quantity, places: int, figures: int, factor: Fraction = ONE) -> str:
        """The right number, or a multiple, at the digits that were written; "" where it is not finite."""
        at = q, places, figures, None if factor is ONE else factor  # for a whole class to hash fractions is slow
        if at not in self._shown:
            self._shown[at] = self._at_digits(q, places, figures, factor)
        return self._shown[at]

    def _at_digits(self, q: Quantity, places: int, figures: int, factor: Fraction) -> str:
        value = self.middle(q)
        if value is None:
            return ""
        value *= factor
        needed = Rounding(digits=max(figures, LEAST_FIGURES)).places_of(value) if value else 0
        return Rounding(places=max(0, min(max(places, needed), 100))).shown(value)


def _kept(m: Exact, q: Quantity, value: Any) -> Any:
    """A number in few enough bits to go on with."""
    return m.kept(np.array([value], object))[0]


def _number(entry: Entry) -> str:
    """What a cell says of its quantity, as a number that may stand in a formula."""
    assert entry.value is not None
    text = entry.value.text.lstrip("+") if entry.factor is ONE else Rounding().shown(entry.value.exact / entry.factor)
    return f"({text})" if "/" in text else text


def _is_of(q: Quantity, asked: Quantity) -> bool:
    return (
        q.kind == asked.kind
        and (not asked.indices or q.indices == asked.indices)
        and (not asked.sample or q.sample == asked.sample)
        and q.step == asked.step
    )
