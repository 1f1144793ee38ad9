"""The rows of an answer as text: cells, JSON entries, one line in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracer.show.as_json import finite

__all__ = ["MOST_NAMED", "Row", "cells", "legend", "listed", "row_json", "told"]

MOST_NAMED = 5


@dataclass(frozen=True)
class Row:
    """One number: what is checked, what each route says, how far off, what is allowed in parts, the verdict."""

    name: str
    given: float | None
    traced: float
    symbolic: float
    difference: float
    off: float
    rounding: float
    truncation: float
    printed: float
    verdict: str

    @property
    def tolerance(self) -> float:
        """What a correct number may be off by."""
        return self.rounding + self.truncation + self.printed


def row_json(row: Row) -> dict[str, Any]:
    """One number as an entry of JSON."""
    out: dict[str, Any] = {"name": row.name}
    if row.given is not None:
        out["given"] = finite(row.given)
    for key in ("traced", "symbolic", "difference", "off", "tolerance", "rounding", "truncation", "printed"):
        out[key] = finite(getattr(row, key))
    return out | {"verdict": row.verdict}


def cells(row: Row, theirs: bool, *, full: bool) -> list[str]:
    """One number as a row of a table; `full` with every digit and the parts of what is allowed."""

    def number(value: float | None) -> str:
        return "" if value is None else repr(value) if full else f"{value:.8g}"

    numbers = [row.given] * theirs + [row.traced, row.symbolic, row.difference]
    parts = [f"{part:.2g}" for part in (row.rounding, row.truncation, row.printed)] if full else []
    return [row.name, *map(number, numbers), f"{row.off:.2g}", f"{row.tolerance:.2g}", *parts, row.verdict]


def told(row: Row, theirs: bool) -> str:
    """One wrong number in words."""
    checked = f"given {row.given:.10g}, traced {row.traced:.10g}" if theirs else f"traced {row.traced:.10g}"
    return (
        f"  {row.name}: {checked}, sympy {row.symbolic:.10g}, differences {row.difference:.10g}; "
        f"off by {row.off:.2g}, allowed {_parts(row)}"
    )


def _parts(row: Row) -> str:
    printed = f" + digits printed {row.printed:.2g}" if row.printed else ""
    return f"{row.tolerance:.2g} = rounding {row.rounding:.2g} + truncation {row.truncation:.2g}{printed}"


def legend(row: Row) -> str:
    """What the column "allowed" is made of."""
    return f"  allowed is derived for each number; the widest, of {row.name}: {_parts(row)}"


def listed(found: tuple[str, ...]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(found) - 2 * MOST_NAMED} more" if len(found) > 2 * MOST_NAMED else ""
    return ", ".join(found[: 2 * MOST_NAMED]) + more
