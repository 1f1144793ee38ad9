"""The rows of an answer as text: cells, JSON entries, one line in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tracer.show.as_json import finite
from tracer.verification.proofs import Enclosed
from tracer.verification.textbook import Quotient

__all__ = [
    "MOST_NAMED",
    "PARTS",
    "Row",
    "ball_cells",
    "ball_csv",
    "cells",
    "legend",
    "listed",
    "refuted_told",
    "row_json",
    "textbook_cells",
    "textbook_csv",
    "told",
]

MOST_NAMED = 5
PARTS = ("value", "off", "truncation", "rounding", "allowed")


@dataclass(frozen=True)
class Row:
    """One number: what is checked, what each route says, how far off, what is allowed in parts, the verdict.

    Where that was asked for: the ball that holds its true value and what that says of the number; the textbook's
    central difference.
    """

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
    ball: Enclosed | None = None
    certificate: str = ""
    textbook: Quotient | None = None

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
    out["verdict"] = row.verdict
    if row.ball is not None:
        out |= {"ball": {"mid": row.ball.mid, "radius": row.ball.radius}, "certificate": row.certificate}
    if row.textbook is not None:
        out["textbook"] = {part: finite(getattr(row.textbook, part)) for part in PARTS}
    return out


def cells(row: Row, theirs: bool, *, digits: int = 8, full: bool = False) -> list[str]:
    """One number as a row of a table; `full` with every digit and the parts of what is allowed."""

    def number(value: float | None) -> str:
        if value is None or full:
            return "" if value is None else repr(value)
        return "-" if math.isnan(value) else f"{value + 0.0:.{digits}g}"

    numbers = [row.given] * theirs + [row.traced, row.symbolic, row.difference]
    off = "-" if math.isnan(row.off) and not full else f"{row.off:.2g}"
    parts = [f"{part:.2g}" for part in (row.rounding, row.truncation, row.printed)] if full else []
    return [
        row.name,
        *map(number, numbers),
        off,
        f"{row.tolerance:.2g}",
        *parts,
        row.verdict,
    ]


def ball_cells(row: Row) -> list[str]:
    """One certified number as a row of the table of certificates."""
    ball = row.ball or Enclosed(None, None)
    checked = f"{(row.traced if row.given is None else row.given) + 0.0:.6g}"
    return [row.name, checked, ball.mid or "not finite", ball.radius or "", row.certificate]


def ball_csv(row: Row) -> list[str]:
    """What CSV has of a certificate."""
    return ["", "", ""] if row.ball is None else [row.ball.mid or "", row.ball.radius or "", row.certificate]


def textbook_cells(row: Row) -> list[str]:
    """One number as a row of the table of central differences."""
    assert row.textbook is not None
    checked = row.traced if row.given is None else row.given
    errors = [f"{getattr(row.textbook, part):.2g}" for part in PARTS[2:]]
    return [row.name, f"{checked + 0.0:.10g}", f"{row.textbook.value + 0.0:.10g}", *errors]


def textbook_csv(row: Row) -> list[str]:
    """What CSV has of a central difference."""
    return [""] * len(PARTS) if row.textbook is None else [repr(getattr(row.textbook, part)) for part in PARTS]


def refuted_told(row: Row, theirs: bool) -> str:
    """One refuted number in words."""
    ball, whose = row.ball or Enclosed(None, None), f"given {row.given:.10g}" if theirs else f"traced {row.traced:.10g}"
    slack = row.rounding + row.printed
    return f"  refuted: {row.name}: {whose}, true value {ball.mid} (to {ball.radius}); allowed {slack:.2g}"


def told(row: Row, theirs: bool) -> str:
    """One wrong number in words."""
    checked = f"given {row.given:.10g}, traced {row.traced:.10g}" if theirs else f"traced {row.traced:.10g}"
    return (
        f"  {row.name}: {checked}, sympy {row.symbolic:.10g}, differences {row.difference:.10g}; "
        f"off by {row.off:.2g}, allowed {_parts(row)}"
    )


def _parts(row: Row) -> str:
    printed = f" + digits printed {row.printed:.2g}" if row.printed else ""
    return f"{row.tolerance:.2g} = rounding {row.rounding:.2g}{printed}"


def legend(row: Row) -> str:
    """What the column "allowed" is made of."""
    return f"  allowed is derived for each number; the widest shown, of {row.name}: {_parts(row)}"


def listed(found: tuple[str, ...]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(found) - 2 * MOST_NAMED} more" if len(found) > 2 * MOST_NAMED else ""
    return ", ".join(found[: 2 * MOST_NAMED]) + more
