"""Names that may be of a unit or of a layer, of its input or of its output: decided by the sheet as a whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from derivations.names import Quantity
from derivations.spoken import is_bare_unit
from tracer.answers.reading.entries import Entry
from tracer.step import WorkedStep

__all__ = ["Units"]

_NUMBERED = re.compile(r"^\W*+(?P<letter>[^\W\d_]++)_?(?P<number>\d)\W*+")
WHOLE = "is not one number"


class Units:
    """Reads `h1` as what most of a sheet's bare units are, and takes `a2` for no layer where `a1` is none."""

    def __init__(self, steps: Sequence[WorkedStep]) -> None:
        self.steps = steps

    def meant(self, entries: Sequence[Entry]) -> tuple[list[Entry], str]:
        """The entries, with bare units and numbered letters as they are meant; a remark, "" where there is none."""
        return self._bare_units(self._numbered(entries))

    def _bare_units(self, entries: list[Entry]) -> tuple[list[Entry], str]:
        bare = [k for k, e in enumerate(entries) if e.quantity and e.quantity.kind == "z" and is_bare_unit(e.name)]
        if sum(self._fits(entries[k], "a") - self._fits(entries[k], "z") for k in bare) <= 0:
            return entries, ""
        out = list(entries)
        for k in bare:
            q = entries[k].quantity
            assert q is not None
            out[k] = entries[k]._replace(quantity=q._replace(kind="a"))
        return out, f"read as what goes into a unit, not what comes out: {', '.join(entries[k].name for k in bare[:3])}"

    def _fits(self, entry: Entry, kind: str) -> bool:
        """Whether the number is the right one of that kind, to the digit last written."""
        q, value = entry.quantity, entry.value
        right = self._right.get(q._replace(kind=kind)) if q else None
        if right is None or value is None:
            return False
        unit = value.unit
        return abs(value.number - right) <= unit

    @cached_property
    def _right(self) -> dict[Quantity, float]:
        items = (item for step in self.steps for item in step.items())
        return {q: float(value) for q, value in items if q.kind in ("a", "z")}

    def _numbered(self, entries: Sequence[Entry]) -> list[Entry]:
        """Of a1, a2, a3 some may be layers of one unit: not on a sheet on which others are single units."""
        unknown = [_NUMBERED.fullmatch(e.name) for e in entries if e.fault == "unknown"]
        units = {m["letter"] for m in unknown if m}
        if not units:
            return list(entries)
        found = [_NUMBERED.fullmatch(e.name) for e in entries]
        out = list(entries)
        for k, (m, e) in enumerate(zip(found, entries, strict=True)):
            q = e.quantity
            if m and m["letter"] in units and q and q.kind in ("a", "z", "delta", "dz") and not e.fault:
                n = m["number"]
                why = f"{e.name} may be layer {n} or unit {n}; write {m['letter']}{q.layer}[1] or such"
                out[k] = e._replace(value=None, fault="unknown", message=why)
        return out
