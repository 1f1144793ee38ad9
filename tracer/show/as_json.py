"""Results as JSON: shortest decimals that read back as the same float64, null (with a note) for what is not finite."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracer.show.table import Table
    from tracer.tracing import Trace

__all__ = ["finite", "trace_json"]


def finite(value: Any) -> float | None:
    """A float that JSON can hold, None for infinity and NaN."""
    number = float(value)
    return number if number - number == 0 else None


def trace_json(trace: Trace, table: Table | None = None) -> str:
    """A trace in the schema bptrace/trace/1."""
    out: dict[str, Any] = {
        "schema": "bptrace/trace/1",
        "title": trace.problem.title,
        "sizes": list(trace.problem.network.sizes),
        "arithmetic": trace.arithmetic,
        "rounding": trace.policy,
        "inputs": _numbers(trace, trace.inputs),
        "values": _numbers(trace, trace.values),
    }
    if trace.arithmetic == "ball":
        out["radii"] = {name: _radius(value) for name, value in trace.values.items()}
        bits = getattr(trace.steps[0].m, "bits", 53)
        out["balls"] = {name: str(value.str(int(bits * 0.30103) + 2)) for name, value in trace.values.items()}
    if table is not None:
        keys = ("name", "formula", "numbers", "relation", "value")
        out["rows"] = [{k: getattr(row, k) for k in keys} for row in table.rows]
    if trace.notes:
        out["notes"] = list(trace.notes)
    return dumps(out)


def dumps(value: Mapping[str, Any]) -> str:
    """JSON with one entry a line where that helps to read it."""
    lines = [f"  {json.dumps(key)}: {_block(entry)}" for key, entry in value.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def _block(entry: Any) -> str:
    if isinstance(entry, Mapping) and entry:
        inner: Iterable[str] = (f"    {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in entry.items())
        return "{\n" + ",\n".join(inner) + "\n  }"
    if isinstance(entry, list) and entry and isinstance(entry[0], Mapping):
        return "[\n" + ",\n".join(f"    {json.dumps(v, ensure_ascii=False)}" for v in entry) + "\n  ]"
    return json.dumps(entry, ensure_ascii=False)


def _numbers(trace: Trace, values: Mapping[str, Any]) -> dict[str, float | None]:
    if trace.arithmetic != "ball":
        return {name: finite(value) for name, value in values.items()}
    return {name: finite(value.mid()) for name, value in values.items()}


def _radius(value: Any) -> float | None:
    """The ball's radius around the float64 midpoint, rounded up."""
    from tracer.rounding import bounds

    low, high = bounds(value)
    if low is None or high is None:
        return None
    middle = finite(value.mid())
    if middle is None:
        return None
    from fractions import Fraction

    reach = max(high - Fraction(middle), Fraction(middle) - low)
    radius = float(reach)
    return radius if Fraction(radius) >= reach else float.fromhex(_next_up(radius))


def _next_up(value: float) -> str:
    import math

    return math.nextafter(value, math.inf).hex()
