"""Cells whose name is a formula in names, `delta2[1]*z1[1]`: each is an answer for the quantity that it determines.

A formula determines a quantity where it is c times that quantity plus d, whatever the numbers of the step are, or c
times what the quantity's equation says plus d.  Whether it is so is looked at in drawn worlds, in which every number of
the step is another one: nothing that has the same value in all of them says anything about an answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from zlib import crc32

from derivations import names
from derivations.evaluation import evaluate
from derivations.expression import Expression, Name, Number, Power, Product, names_in
from derivations.given import fraction
from derivations.names import CONSTANTS, Quantity
from tracer.answers.reading.entries import ONE, Entry, Sheet
from tracer.answers.reading.written import Written
from tracer.marking.layers_key import GIVEN, LayersKey

__all__ = ["Determined", "Determining"]

WORLDS = 4
LARGEST = 10_000  # drawn number
MOST_FORMULAS = 300  # of one sheet
MOST_TRIED = 100  # equations for one formula
MOST_DIGITS = 400  # of a formula's value in a world, at the most
NOT_COUNTED = "not_counted"
IDENTITY = "an identity, the same whatever the answers are"
TOO_MANY = f"more than {MOST_FORMULAS} formulas as names; this one is not looked at"
Values = tuple[Fraction, ...]


@dataclass(frozen=True)
class Determined:
    """A formula is `factor` times a quantity plus `offset`."""

    quantity: Quantity
    factor: Fraction
    offset: Fraction


class Determining:
    """What formulas determine on one problem, found once for all sheets."""

    def __init__(self, key: LayersKey, steps: int = 1) -> None:
        self.key, self.steps = key, steps
        self._drawn: dict[tuple[Quantity, int], Fraction] = {}
        self._given: dict[Quantity, Fraction | None] = {}
        self._found: dict[Expression, tuple[Determined, ...] | None] = {}
        self._sides: dict[tuple[Quantity, bool], Values | None] = {}

    @cached_property
    def right(self) -> Mapping[Quantity, Expression]:
        """The right side of each quantity, in the order of calculation."""
        return self.key.all_right(self.steps)

    def counted(self, sheet: Sheet) -> Sheet:
        """The sheet with each formula as an answer for what it determines, once; what counts nothing is told.

        What stands there under its own name comes first, then what has a number, in the order of the sheet.
        """
        composed = [k for k, e in enumerate(sheet.entries) if _composed(e) and e.fault in ("", "malformed")]
        if not composed:
            return sheet
        own = [e for e in sheet.entries if not _composed(e) and (e.value is not None or e.fault == "malformed")]
        claimed = {e.quantity: e.name for e in own if e.quantity is not None}
        entries = list(sheet.entries)
        for place, k in enumerate(sorted(composed, key=lambda k: entries[k].value is None)):
            entries[k] = self._as_answer(entries[k], claimed) if place < MOST_FORMULAS else _told(entries[k], TOO_MANY)
        return replace(sheet, entries=tuple(e for e in entries if not _answered(e, claimed)))

    def _as_answer(self, entry: Entry, claimed: dict[Quantity, str]) -> Entry:
        ways = self._ways(entry)
        if ways is None:
            return _told(entry, IDENTITY)
        asked = [way for way in ways if self.key.asked_for is None or way.quantity in self.key.asked_for]
        free = next((way for way in asked if way.quantity not in claimed), None)
        if free is None and asked:
            text = names.text(self.key.layers.network, asked[0].quantity)
            return _told(entry, f"an answer for {text}, which stands there already; counted once")
        if free is None:
            return entry
        claimed[free.quantity] = entry.name
        value = entry.value and _without(entry.value, free.offset)
        return entry._replace(quantity=free.quantity, factor=free.factor, value=value)

    def _ways(self, entry: Entry) -> tuple[Determined, ...] | None:
        """What an entry may be an answer for, the likeliest first; None for an identity."""
        q, factor = entry.quantity, entry.factor
        if q is None:
            assert entry.formula is not None
            return self.determined(entry.formula)
        further = self.determined(Product((Number(str(factor)), Name(q)))) or ()
        return (Determined(q, factor, Fraction(0)), *(way for way in further if way.quantity != q))

    def determined(self, formula: Expression) -> tuple[Determined, ...] | None:
        """Every quantity that a formula determines, the last of the step first; None for an identity."""
        if formula not in self._found:
            self._found[formula] = self._determined(formula)
        return self._found[formula]

    def _determined(self, formula: Expression) -> tuple[Determined, ...] | None:
        used = {_carried(q) for q in names_in(formula)}
        if _digits(formula) > MOST_DIGITS:
            return ()
        out: dict[Quantity, Determined] = {}
        varies = False
        for numeric in (False, True):  # given numbers as letters, then as they are given
            values = self._values(formula, numeric=numeric)
            varies = varies or values is None or len(set(values)) > 1
            if values is None:
                continue
            for q, side in self._sides_in(used, numeric=numeric):
                line = _line(values, side)
                if line and q not in out:
                    out[q] = Determined(q, *line)
        places = {q: k for k, q in enumerate(self.right)}
        return tuple(sorted(out.values(), key=lambda way: -places[way.quantity])) if varies else None

    def _sides_in(self, used: set[Quantity], *, numeric: bool) -> Iterator[tuple[Quantity, Values]]:
        """Each quantity whose name or whose equation's side a formula of these names may be, and its values."""
        right = self.right
        for q in sorted(used & right.keys()):
            yield q, self._number_of(q)
        reach = {q for q in used if q.kind not in GIVEN} if numeric else used
        near = (q for name in sorted(reach) for q in self._by_name.get((name, numeric), ()))
        for q in [q for q in near if self._names[q, numeric] <= reach][:MOST_TRIED]:
            if (q, numeric) not in self._sides:
                self._sides[q, numeric] = self._values(right[q], numeric=numeric)
            side = self._sides[q, numeric]
            if side is not None:
                yield q, side

    @cached_property
    def _names(self) -> dict[tuple[Quantity, bool], frozenset[Quantity]]:
        """The names in each equation's side; without the given ones where these are numbers."""
        out: dict[tuple[Quantity, bool], frozenset[Quantity]] = {}
        for q, side in self.right.items():
            out[q, False] = frozenset(map(_carried, names_in(side)))
            out[q, True] = frozenset(name for name in out[q, False] if name.kind not in GIVEN)
        return out

    @cached_property
    def _by_name(self) -> dict[tuple[Quantity, bool], list[Quantity]]:
        """The equations by the first of their names."""
        out: dict[tuple[Quantity, bool], list[Quantity]] = {}
        for (q, numeric), used in self._names.items():
            if used:
                out.setdefault((min(used), numeric), []).append(q)
        return out

    # --- worlds ---

    def _values(self, formula: Expression, *, numeric: bool) -> Values | None:
        """The value of a formula in each world; None where it has none."""
        out = []
        for k in range(WORLDS):
            try:
                value = evaluate(formula, lambda q, k=k: self._leaf(q, k, numeric=numeric), fraction)  # type: ignore[misc]
            except (ZeroDivisionError, ValueError):
                return None
            if value is None:
                return None
            out.append(Fraction(value))
        return tuple(out)

    def _number_of(self, q: Quantity) -> Values:
        return tuple(self._leaf(q, k, numeric=False) for k in range(WORLDS))

    def _leaf(self, q: Quantity, k: int, *, numeric: bool) -> Fraction:
        """The number of a quantity in a world; a given one as it is given, if it is to be."""
        q = _carried(q)
        if q.kind in GIVEN and (numeric or q.kind in CONSTANTS):
            if q not in self._given:
                given = self.key.given_of_layer(q)
                self._given[q] = given and given[0]
            given_as = self._given[q]
            if given_as is not None:
                return given_as
        if (q, k) not in self._drawn:
            self._drawn[q, k] = Fraction(2 + crc32(f"{q} {k}".encode()) % LARGEST)
        return self._drawn[q, k]


def _composed(entry: Entry) -> bool:
    """Whether a cell holds something made of quantities, not one of them."""
    return entry.formula is not None or (
        entry.quantity is not None and entry.factor != ONE and entry.quantity.kind not in GIVEN
    )


def _answered(entry: Entry, claimed: Mapping[Quantity, str]) -> bool:
    """Whether a cell is left blank whose quantity has its answer in another one."""
    blank = entry.quantity is not None and entry.value is None and not entry.fault
    return blank and claimed.get(entry.quantity, entry.name) != entry.name  # type: ignore[arg-type]


def _told(entry: Entry, why: str) -> Entry:
    """The entry with the reason why it counts nothing."""
    return entry._replace(quantity=None, fault=NOT_COUNTED, message=why)


def _carried(q: Quantity) -> Quantity:
    """A weight of a later step is the one that the step before left."""
    return q._replace(kind=f"{q.kind}_new", step=q.step - 1) if q.kind in ("W", "b") and q.step > 1 else q


def _line(values: Values, side: Values) -> tuple[Fraction, Fraction] | None:
    """(c, d) where the values are c times the side plus d in every world, c not 0."""
    if side[0] == side[1] or values[0] == values[1]:
        return None
    c = (values[1] - values[0]) / (side[1] - side[0])
    d = values[0] - c * side[0]
    return (c, d) if all(c * s + d == v for s, v in zip(side, values, strict=True)) else None


def _digits(e: Expression | int | tuple[object, ...]) -> int:
    """How many digits the value of a formula may have, at the most, in units of a drawn number's."""
    match e:
        case Number(text):
            exact = fraction(text)
            return 1 + (exact.numerator.bit_length() + exact.denominator.bit_length()) // 10
        case Power(base, exponent):
            return int(exponent) * _digits(base)
        case Expression():
            return max(1, sum(_digits(part) for part in _parts(e)))
    return 0


def _parts(e: Expression) -> Iterator[Expression]:
    parts: Sequence[object] = e._parts()
    rest = list(parts)
    while rest:
        part = rest.pop()
        if isinstance(part, Expression):
            yield part
        elif type(part) is tuple:
            rest += part


def _without(written: Written, offset: Fraction) -> Written:
    """A number less what is added to the quantity: as exact as it was, with the figures that are left."""
    if not offset:
        return written
    exact = written.exact - offset
    place = written.place
    if place is None:
        return replace(written, whole=exact.numerator, below=exact.denominator)
    units = exact / Fraction(10) ** place
    figures = max(0, math.floor(math.log10(abs(units))) + 1) if abs(units) >= 1 else 0
    return replace(written, whole=units.numerator, below=units.denominator, figures=figures)
