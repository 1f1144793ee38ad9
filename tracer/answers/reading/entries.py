"""What reading a sheet gives and marking takes: one entry a cell, each with its own fault where it has one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from derivations.expression import Expression
from derivations.given import shortened
from derivations.names import Quantity
from tracer.answers.reading.written import Written

__all__ = ["MOST_AGAIN", "ONE", "Entry", "Sheet", "once_each"]

ONE = Fraction(1)
MOST_AGAIN = 3
"""Times that a cell is told to stand there already."""


class Entry(NamedTuple):
    """One cell: the name and number as written and where they stand, and what they were understood as.

    The number stands for `factor` times `quantity`.  Where the name is a formula in names that is `formula`; marking
    finds the quantity that it determines, and `value` is then that one's.  `value` is None for a blank.  `fault` is ""
    or "malformed" (the number), "unknown" (the name), "duplicate", "not_counted" (no answer); `message` says why.
    """

    name: str
    number: str
    where: str
    quantity: Quantity | None = None
    factor: Fraction = ONE
    formula: Expression | None = None
    value: Written | None = None
    fault: str = ""
    message: str = ""

    def changed(self, *, name: str = "", quantity: Quantity | None = None, factor: Fraction | None = None) -> Entry:
        """The same cell under another name, or as another multiple: for a whole class `replace` is slow."""
        meant = quantity or self.quantity, self.factor if factor is None else factor, self.formula, self.value
        return Entry(name or self.name, self.number, self.where, *meant, self.fault, self.message)


@dataclass(frozen=True)
class Sheet:
    """One person's answers.

    `error` says why a sheet could not be read at all; `remarks` how it was read; `letters` are those that it is in, a
    name for `derivations.letters`.
    """

    id: str
    entries: tuple[Entry, ...]
    remarks: tuple[str, ...] = ()
    error: str = ""
    letters: str = ""


def once_each(read: Sequence[Entry], remarks: list[str]) -> list[Entry]:
    """The entries, what stands there already as a fault, or as a remark where the number is the same.

    What stands there over and over is told a few times, and then how often.
    """
    entries: list[Entry] = []
    seen: dict[object, Entry] = {}
    again: Counter[object] = Counter()
    for entry in read:
        key = entry.formula or (entry.quantity and (entry.quantity, *entry.factor.as_integer_ratio()))
        first = seen.setdefault(key, entry) if key is not None and entry.fault != "unknown" else entry
        if first is entry:
            entries.append(entry)
            continue
        again[key] += bool(entry.value or entry.fault)
        if again[key] > MOST_AGAIN:
            continue
        if _same_number(entry, first):
            remarks.append(f"{entry.where}: {shortened(entry.name)} stands twice, with the same number")
        elif entry.value or entry.fault:
            why = f"{shortened(entry.name)} stands in {first.where} already, with another number; leave one"
            entries.append(_faulty(entry, "duplicate", why))
    often = ((seen[key].name, 1 + count) for key, count in again.items() if count > MOST_AGAIN)
    remarks += [f"{shortened(name)} stands there {count} times; leave one" for name, count in often]
    return entries


def _same_number(one: Entry, other: Entry) -> bool:
    """Whether two cells say the same of what they stand for."""
    if not one.value or not other.value:
        return False
    if one.factor is ONE and other.factor is ONE:
        return one.value is other.value or one.value.exact == other.value.exact
    return one.value.exact * other.factor == other.value.exact * one.factor


def _faulty(entry: Entry, fault: str, message: str) -> Entry:
    parts = (entry.name, entry.number, entry.where, entry.quantity, entry.factor, entry.formula, entry.value)
    return Entry(*parts, fault, message)
