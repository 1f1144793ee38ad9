"""Names and numbers of a sheet understood: canonical names, the problem's own, and every notation, as a whole sheet."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from derivations import names
from derivations.aliases import Meaning
from derivations.expression import Expression, Name, Negative, Number, Product, Quotient
from derivations.formula_reading import FormulaError, read_formula
from derivations.given import fraction, shape_of, shortened
from derivations.letters import letters_of, typed
from derivations.names import CONSTANTS, KINDS, Quantity, UnknownName
from derivations.network import Problem
from derivations.notation import NOTATIONS, NotationError
from derivations.spellings import FROM_ZERO, OURS, Spellings, told_by_brackets
from tracer.answers.reading.arrays_in_text import counted, listed, may_be_array, shortest
from tracer.answers.reading.entries import ONE, Entry, Sheet, once_each
from tracer.answers.reading.grids import MOST_CELLS, Raw, RawCell
from tracer.answers.reading.units import Units
from tracer.answers.reading.updated import Updated
from tracer.answers.reading.written import BLANKS, read_written
from tracer.step import WorkedStep
from tracer.tracing import steps_of

__all__ = ["MOST_UNKNOWN", "Naming"]

LONGEST_NAME = 200
LATEST = 6  # the last step that a sheet may speak of
MOST_REMEMBERED = 50_000
MOST_NEAR, FEW_NEAR, MOST_UNKNOWN = 20, 5, 500
MOST_COMPOSED = 500  # formulas as names: each is read, rendered and tried as an answer
_GIVEN = ("x", "t", "W", "b", *CONSTANTS)
_FRAMEWORK = re.compile(r"\.(?:weight|bias|kernel)(?:\.grad)?$")
_CHANGE = re.compile(r"Δ|\\Delta\b|Delta[ _]?[wWb]")
_SLOPE = re.compile(r"^[d∂]\w*+\s*+/\s*+[d∂]")
Understood = tuple[Quantity | None, Fraction, Expression | None, str]  # quantity, factor, formula, message


class Naming:
    """The names of one problem: reads whole sheets, in the notation that they state or that fits them best."""

    def __init__(self, problem: Problem, *, decimal: str = "point") -> None:
        self.problem, self.decimal = problem, decimal
        self.spellings = Spellings(problem.network, problem.samples, problem.names)
        self._steps: list[WorkedStep] = list(steps_of(problem))
        self.units, self.updated = Units(self._steps), Updated(problem, self._steps)
        self._in_steps = problem.samples > 1 and problem.training.samples != "together"  # their steps are all there are
        self._understood: dict[str, bool] = {}
        self._letters_of: dict[str, str] = {}
        self._near_left = MOST_NEAR
        self._near_names: dict[str, tuple[tuple[str, ...], str]] = {}
        self._known: dict[tuple[str, str], Understood] = {}
        self._shown_as: dict[tuple[str, str], str] = {}
        self._read_in: dict[tuple[str, ...], str] = {}

    # --- sheets ---

    def read(self, raw: Raw, notation: str | None = None) -> Sheet:
        """The sheet in the notation that is stated, else in the one that understands most of its names."""
        if raw.error:
            return Sheet(raw.id, (), raw.remarks, raw.error)
        stated = notation or raw.notation
        if stated:
            return self._stated(raw, stated)
        written = tuple(cell.name for cell in raw.cells)
        if written in self._read_in:  # a class has the same names on every sheet
            return self._sheet(raw, self._read_in[written])
        sheet = self._sheet(raw, "ng" if told_by_brackets(written)[0] else OURS)
        if not _strange(sheet):
            return sheet
        self._forget()
        self._read_in[written], best = self._ways(raw)[0]
        return best

    def readings(self, raw: Raw | Sheet, notation: str | None = None, *, most: float = math.inf) -> list[Sheet]:
        """Every reading of a whole sheet that understands a name, best first; canonical names first among equals.

        most: readings known to leave more names than this not understood may be left out.
        """
        if isinstance(raw, Sheet):
            cells = tuple(RawCell(e.name, e.number or None, e.where) for e in raw.entries)
            raw = Raw(raw.id, cells, error=raw.error)
        if raw.error or notation or raw.notation:
            return [self.read(raw, notation)]
        return [sheet for _, sheet in self._ways(raw, most)]

    def _ways(self, raw: Raw, most: float = math.inf) -> list[tuple[str, Sheet]]:
        """Every reading with its notation, best first."""
        ng, zero = told_by_brackets(tuple(cell.name for cell in raw.cells))
        single = [cell.name for cell in raw.cells if not may_be_array(cell.written)]
        whole = len(single) < len(raw.cells)
        profiles = [OURS, *(name for name in NOTATIONS if name != "bishop"), *([FROM_ZERO] if zero else ())]
        profiles = [p for p in profiles if self.spellings.fits(p) and self._strangers(single, p) <= most]
        ways = [(p, self._sheet(raw, p)) for p in profiles if p == OURS or whole or not self._as_ours(single, p)]
        ours = [sheet for profile, sheet in ways if profile == OURS]
        ways = [way for way in ways if way[0] == OURS or not any(_same(way[1], sheet) for sheet in ours)]
        return sorted(ways, key=lambda way: (_strange(way[1]), ng and way[1].letters != "ng", -self._fluent(way[1])))

    def _strangers(self, single: Sequence[str], profile: str) -> int:
        """How many names a profile is known not to understand: those of a class are known after its first sheet."""
        known = (self._known.get((profile, name)) for name in single)
        return sum(1 for found in known if found and found[3])

    def _as_ours(self, single: Sequence[str], profile: str) -> bool:
        """Whether all names are known to mean the same in a profile as in ours."""
        known, shown = self._known, self._shown_as
        for name in single:
            ours, other = known.get((OURS, name)), known.get((profile, name))
            if ours is None or other is None or ours[:3] != other[:3] or bool(ours[3]) != bool(other[3]):
                return False
            if shown.get((OURS, name)) != shown.get((profile, name)):
                return False
        return True

    def _fluent(self, sheet: Sheet) -> int:
        """How many names of a reading are in the letters of its notation; ours come before equals."""
        if sheet.letters not in NOTATIONS or sheet.letters == "bishop":
            return len(sheet.entries)
        return sum(self.spellings.fluent(entry.name, sheet.letters) for entry in sheet.entries)

    def understood(self, name: str) -> bool:
        """Whether some notation reads a name as a quantity."""
        bare = name.strip()
        if not bare or len(bare) > LONGEST_NAME:
            return False
        if bare not in self._understood:
            self._forget()
            profiles = (p for p in (OURS, *NOTATIONS, FROM_ZERO) if self.spellings.fits(p))
            self._understood[bare] = any(self.spellings.find(bare, p) for p in profiles)
        return self._understood[bare]

    def _forget(self) -> None:
        """Keeps what was remembered of names small, however many a file makes up."""
        if len(self._understood) > MOST_REMEMBERED:
            self._understood.clear()
        if len(self._known) > MOST_REMEMBERED:
            self._known.clear()
            self._shown_as.clear()
        if len(self._letters_of) > MOST_REMEMBERED:
            self._letters_of.clear()
        if len(self._read_in) > MOST_REMEMBERED // 100:
            self._read_in.clear()

    def _stated(self, raw: Raw, stated: str) -> Sheet:
        if stated in ("names", "bishop"):
            stated = OURS
        if stated != OURS and stated not in NOTATIONS:
            known = ", ".join([*NOTATIONS, "names"])
            return Sheet(raw.id, (), raw.remarks, f"notation {shortened(stated)} is not known; known are {known}")
        try:
            if stated != OURS:
                NOTATIONS[stated].check(self.problem.network)
        except NotationError as e:
            return Sheet(raw.id, (), raw.remarks, str(e))
        return self._sheet(raw, stated)

    def _sheet(self, raw: Raw, profile: str) -> Sheet:
        remarks = list(raw.remarks)
        self._near_left = MOST_NEAR if profile == OURS else FEW_NEAR
        if profile != OURS:
            remarks.append(
                "indices read as counted from 0"
                if profile == FROM_ZERO
                else f"names read in the notation `{profile}`: {NOTATIONS[profile].about}"
            )
        read: list[Entry] = []
        unknown = composed = 0
        for cell in self._singles(raw.cells, profile):
            entry = self._entry(cell, profile) if isinstance(cell, RawCell) else cell
            read.append(entry)
            unknown += entry.fault == "unknown"
            composed += entry.formula is not None or abs(entry.factor) != ONE
            if unknown > MOST_UNKNOWN or composed > MOST_COMPOSED:
                why = f"more than {MOST_UNKNOWN} names are not understood; write names such as z1[1], dW2[1,2]"
                formulas = f"more than {MOST_COMPOSED} formulas as names; an answer sheet has fewer"
                return Sheet(raw.id, (), (), why if unknown > MOST_UNKNOWN else formulas)
            if len(read) > MOST_CELLS:
                return Sheet(raw.id, (), (), f"more than {MOST_CELLS} cells; an answer sheet is smaller")
        for way in (self.units, self.updated):
            read, remark = way.meant(read)
            remarks += [remark] if remark else []
        entries = once_each(read, remarks)
        commas = sum(entry.fault == "malformed" and "has a decimal comma" in entry.message for entry in entries)
        if commas > 1:
            remarks.append(f"{commas} numbers have a decimal comma; --decimal comma reads them")
        if not entries:
            return Sheet(raw.id, (), tuple(remarks), "no answers found; write lines such as `z1[1] = 0.6457`")
        return Sheet(raw.id, tuple(entries), tuple(remarks), letters=self._letters(entries, profile))

    def _letters(self, entries: Sequence[Entry], profile: str) -> str:
        """The letters of a sheet: of names read as ours those of the problem's own names, or Bishop's, if most are."""
        if profile != OURS:
            return profile
        read = [self._whose(e.name) for e in entries if e.quantity and e.fault != "unknown"]
        return max(dict.fromkeys(read), key=read.count, default=OURS)

    def _whose(self, name: str) -> str:
        """Whose letters a name is in, found once for all sheets."""
        if name not in self._letters_of:
            self._forget()
            self._letters_of[name] = self.spellings.letters(name)
        return self._letters_of[name]

    # --- cells ---

    def _entry(self, cell: RawCell, profile: str) -> Entry:
        quantity, factor, formula, message = self._meaning(cell.name, profile)
        name, where = self._shown(cell.name, profile), cell.where
        written = cell.written
        number = written if isinstance(written, str) else "" if written is None else str(written)[:60]
        if message:
            return Entry(name, number, where, quantity, factor, formula, None, "unknown", message)
        if written is None:
            return Entry(name, "", where, quantity, factor, formula)
        try:
            value = read_written(written, decimal=self.decimal)
        except ValueError as e:
            if isinstance(written, str) and (not written.strip() or written.strip().lower() in BLANKS):
                return Entry(name, "", where, quantity, factor, formula)
            return Entry(name, number, where, quantity, factor, formula, None, "malformed", str(e))
        return Entry(name, number, where, quantity, factor, formula, value)

    def _meaning(self, name: str, profile: str) -> Understood:
        """What a name means in these letters, found once for all sheets."""
        known = self._known.get((profile, name))
        if known is None:
            self._forget()
            known = self._known[profile, name] = self._understand(name, profile)
        return known

    def _shown(self, name: str, profile: str) -> str:
        """A name as reports show it: LaTeX as people type it, where that means the same."""
        if "{" not in name and "\\" not in name and "$" not in name:
            return name
        shown = self._shown_as.get((profile, name))
        if shown is None:
            meaning = self._meaning(name, profile)
            text = typed(name) if meaning[0] else name
            shown = self._shown_as[profile, name] = text if self._meaning(text, profile) == meaning else name
        return shown

    def _singles(self, cells: Any, profile: str) -> Iterator[RawCell | Entry]:
        """Whole arrays as a cell for each entry."""
        for cell in cells:
            written = cell.written
            if written is None or (isinstance(written, str) and not may_be_array(written)):
                yield cell
                continue
            if isinstance(written, str):
                try:
                    written = listed(written)
                except (json.JSONDecodeError, RecursionError):
                    why = "not a list of numbers; write [0.1, 0.2]"
                    yield Entry(cell.name, str(cell.written)[:60], cell.where, fault="malformed", message=why)
                    continue
            if isinstance(written, list | tuple | np.ndarray) and np.ndim(counted(written)):
                yield from self._spread(cell, written, profile)
            elif written is not cell.written or isinstance(written, np.ndarray | np.generic):
                yield RawCell(cell.name, shortest(written), cell.where)
            else:
                yield cell

    def _spread(self, cell: RawCell, written: Any, profile: str) -> Iterator[RawCell | Entry]:
        try:
            extents = written.shape if isinstance(written, np.ndarray) else shape_of(written)
            named = list(self._places(cell.name, extents, profile))
        except (ValueError, RecursionError) as e:
            shown = "a list" if not isinstance(written, np.ndarray) else f"an array {written.shape}"
            fault = "unknown" if isinstance(e, UnknownName) else "malformed"
            yield Entry(cell.name, shown, cell.where, fault=fault, message=str(e))
            return
        for name, place in named:
            entry = written
            if isinstance(written, np.ndarray):
                entry = written[place]
            else:
                for i in place:
                    entry = entry[i]
            yield RawCell(name, shortest(entry), cell.where)

    def _places(self, name: str, extents: tuple[int, ...], profile: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        """(name, place) of each entry of an array: (units,), (units, inputs), and (samples, units) in a batch."""
        if len(extents) > 3:
            raise ValueError("lists are nested too deeply; a matrix is a list of rows")
        if np.prod(extents, dtype=object) > MOST_CELLS:
            raise ValueError(f"more than {MOST_CELLS} cells; an answer sheet is smaller")
        meaning = self.spellings.find(name, profile)
        bare, _, marks = re.fullmatch(r"(.*?)((?=[@#]\d)(.*)|)", name.strip(), re.DOTALL).group(1, 2, 2)  # type: ignore[union-attr]
        q = meaning[0] if meaning else None
        if q is None:
            raise UnknownName(f"{shortened(name)} is not a quantity of this network")
        first = 0 if profile == FROM_ZERO else 1
        wanted = names.shape(self.problem.network, q.kind, q.layer) if not q.indices else ()
        batch = self.problem.training.samples == "together" and self.problem.samples > 1 and KINDS[q.kind].sampled
        if batch and not q.sample:
            wanted = (self.problem.samples, *wanted)
        elif np.prod(wanted, dtype=object) == np.prod(extents, dtype=object) == 1:
            yield name, (0,) * len(extents)
            return
        if tuple(extents) != tuple(wanted):
            raise ValueError(f"{shortened(name)} has shape {tuple(extents)}; ours is {tuple(wanted) or 'one number'}")
        for place in np.ndindex(*extents):
            inner = place[1:] if batch and not q.sample else place
            index = f"[{','.join(str(i + first) for i in inner)}]" if inner else ""
            yield f"{bare}{index}{marks}{f'@{place[0] + 1}' if batch and not q.sample else ''}", place

    # --- names ---

    def _near(self, profile: str) -> tuple[tuple[str, ...], str]:
        """The names of the network in the letters of a profile, and a few of them."""
        if profile not in self._near_names:
            own = "names" if profile == OURS and self.problem.names else profile
            letters, network = letters_of(self.problem, own).text, self.problem.network
            known = tuple(map(letters, names.all_quantities(network)))
            like = [Quantity(kind, 1, (1,)) for kind in ("z", "delta")] + [Quantity("dW", 1, (1, 1)), Quantity("E")]
            self._near_names[profile] = known, ", ".join(map(letters, like))
        return self._near_names[profile]

    def _understand(self, written: str, profile: str) -> Understood:
        if not written or len(written) > LONGEST_NAME or not written.isprintable():
            return None, ONE, None, f"{shortened(written)} is not a name; write names such as z1[1], dW2[1,2]"
        meaning = self.spellings.find(written, profile)
        if meaning:
            return self._one(written, meaning)
        try:
            formula = read_formula(written, lambda name: self._leaf(name, profile))
        except FormulaError:
            formula = None
        except (UnknownName, ValueError) as e:
            words = _SLOPE.match(written) or not re.search(r"[-+*·×/]", written)
            return None, ONE, None, self._unknown(written, profile) if words else str(e)
        if formula is None or isinstance(formula, Number):
            return None, ONE, None, self._unknown(written, profile)
        factor, rest = _factored(formula)
        if isinstance(rest, Name):
            return rest.quantity, factor, None, ""
        return None, ONE, formula, ""

    def _one(self, written: str, meaning: Meaning) -> Understood:
        q = self._single(meaning.quantity)
        factor = ONE if meaning.multiple == "1" else fraction(meaning.multiple)
        if meaning.eta_power:
            factor *= fraction(self.problem.training.learning_rate.exact().item())
        if q.kind in _GIVEN and not (q.kind in ("W", "b") and q.step > 1):
            whole = not q.indices and names.shape(self.problem.network, q.kind, q.layer)
            return (
                q,
                factor,
                None,
                self._not_recorded(written, q) if whole else "",
            )  # given, not worked out: compared with what is given
        return q, factor, None, self._not_recorded(written, q)

    def _leaf(self, written: str, profile: str) -> Expression:
        meaning = self.spellings.find(written, profile)
        if meaning is None:
            raise UnknownName(self._unknown(written, profile))
        q = self._single(meaning.quantity)
        why = "" if q.kind in _GIVEN else self._not_recorded(written, q)
        if why:
            raise UnknownName(why)
        factors: list[Expression] = [Number(meaning.multiple)] if meaning.multiple not in ("1", "-1") else []
        factors += [Name(Quantity("eta"))] * meaning.eta_power
        value = Product((*factors, Name(q))) if factors else Name(q)
        return Negative(value) if meaning.multiple == "-1" else value

    def _single(self, q: Quantity) -> Quantity:
        """A whole array of one number is its number; E@2 of a network of its own is that network's E."""
        whole = q._replace(kind="E")
        if q.kind == "E_sample" and any(_is_of(whole, step) for step in self._steps):
            return whole
        extents = names.shape(self.problem.network, q.kind, q.layer)
        one = not q.indices and extents and max(extents) == 1
        return q._replace(indices=(1,) * len(extents)) if one else q

    def _not_recorded(self, written: str, q: Quantity) -> str:
        """Why a quantity is not one number of this step, "" where it is."""
        extents = names.shape(self.problem.network, q.kind, q.layer)
        if not q.indices and extents:
            return f"{written} is not one number; name one, such as {written}[{','.join('1' * len(extents))}]"
        first = q if self._in_steps else q._replace(step=1)
        if any(_is_of(first, step) for step in self._steps) and q.step <= max(LATEST, len(self._steps)):
            return ""
        if not q.sample and self.problem.training.samples != "in_turn" and self.problem.samples > 1:
            return f"{written} is not one number here; name the sample too, such as {written}@1"
        if q.sample and self.problem.training.samples == "in_turn" and self.problem.samples > 1:
            return f"{written}: samples go in turn, so sample {q.sample} is step {q.sample}; write #{q.sample}"
        return f"{written} is not a number of this step"

    def _unknown(self, written: str, profile: str) -> str:
        """With near names, for the first names of a sheet: looking for them takes a while."""
        if _FRAMEWORK.search(written):
            return (
                f"{shortened(written)} may be before or after the step; write W1_new, b1_new, or dW1, db1 for gradients"
            )
        if _CHANGE.match(written):
            return f"{shortened(written)} may be the change or the gradient; write the new value, or the derivative"
        self._near_left -= 1
        if self._near_left >= 0:
            return names.unknown(written, *self._near(profile))
        return f"{shortened(written)} is not a quantity of this network"


def _is_of(q: Quantity, step: WorkedStep) -> bool:
    """Whether a step records a quantity."""
    if q.step != step.step or (q.kind, q.layer) not in step.arrays:
        return False
    batch = step.problem.samples > 1 and KINDS[q.kind].sampled
    return 1 <= q.sample <= step.problem.samples if batch else q.sample == step.sample


def _factored(formula: Expression) -> tuple[Fraction, Expression]:
    """A formula as a number times the rest: -2*E is -2 and E."""
    match formula:
        case Negative(operand):
            factor, rest = _factored(operand)
            return -factor, rest
        case Product((Number(number), rest)) | Product((rest, Number(number))) if fraction(number):
            factor, rest = _factored(rest)
            return factor * fraction(number), rest
        case Quotient(rest, Number(number)) if fraction(number):
            factor, rest = _factored(rest)
            return factor / fraction(number), rest
    return ONE, formula


def _strange(sheet: Sheet) -> int:
    """How many names a reading does not understand."""
    return sum(entry.fault == "unknown" for entry in sheet.entries) + bool(sheet.error) * MOST_CELLS


def _same(one: Sheet, other: Sheet) -> bool:
    """Whether two readings understand the same."""

    def understood(sheet: Sheet) -> list[object]:
        return [(e.quantity, e.factor, e.formula, e.fault) for e in sheet.entries]

    return understood(one) == understood(other)
