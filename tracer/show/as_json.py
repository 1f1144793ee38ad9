"""Results as JSON: shortest decimals that read back as the same float64, null (with a note) for what is not finite."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from derivations.computation import Computation

if TYPE_CHECKING:
    from derivations.network import Problem
    from tracer.show.table import Table
    from tracer.traces.base import Trace

__all__ = ["described", "dumps", "finite", "trace_json", "version_of"]


def finite(value: Any) -> float | None:
    """A float that JSON can hold, None for infinity and NaN."""
    number = float(value)
    return number if number - number == 0 else None


def trace_json(trace: Trace, table: Table | None = None) -> str:
    """A trace in the schema bptrace/trace/1, of equations of somebody's own in bptrace/trace/2."""
    out: dict[str, Any] = {
        "schema": f"bptrace/trace/{version_of(trace.problem)}",
        "title": trace.problem.title,
        **described(trace.problem),
        "arithmetic": trace.arithmetic,
        "rounding": trace.policy,
        "inputs": _numbers(trace, trace.inputs),
        "values": _numbers(trace, trace.values),
    }
    if trace.arithmetic == "ball":
        out["radii"] = {name: _radius(value) for name, value in trace.values.items()}
        out["balls"] = {name: str(value.str(int(trace.bits * 0.30103) + 2)) for name, value in trace.values.items()}
    if table is not None:
        keys = ("name", "formula", "numbers", "relation", "value")
        out["rows"] = [{k: getattr(row, k) for k in keys} for row in table.rows]
    left = {row.general: row.more for row in table.rows if row.more} if table is not None else {}
    notes = [
        f"of {general.partition(' = ')[0]} {more} rows are left out; values has them" for general, more in left.items()
    ]
    if trace.notes or notes:
        out["notes"] = [*trace.notes, *notes]
    return dumps(out)


def version_of(problem: Problem | Computation) -> int:
    """Which version of a schema a problem's results are in: 1 for layers, 2 for equations of somebody's own."""
    return 2 if isinstance(problem, Computation) else 1


def described(problem: Problem | Computation) -> dict[str, Any]:
    """What is worked: the sizes of the layers; the arrays with their axes, and the equations with their letters."""
    if not isinstance(problem, Computation):
        return {"sizes": list(problem.network.sizes)}
    from derivations.general import GeneralLatex, GeneralText
    from derivations.own_names import OwnNames

    step, names = problem.step, OwnNames(problem)
    text, latex = (
        GeneralText(step.unwritten, names.letter, step.ranges),
        GeneralLatex(step.unwritten, names.latex_letter, step.ranges),
    )
    arrays = {
        name: {"role": a.role.value, "axes": [list(extent) for extent in a.extents]}
        | ({"of": a.of} if a.of else {})
        | ({"meaning": a.meaning} if a.meaning else {})
        for name, a in step.arrays.items()
    }
    equations = [
        {"stage": e.stage, "text": text.equation(e), "latex": latex.equation(e).replace("&=", "=")}
        for e in step.equations
    ]
    ranges = {l: list(r) for l, r in step.ranges.items() if l.strip("'").isalpha() and l not in step.unwritten}
    return {"objective": problem.objective, "arrays": arrays, "ranges": ranges, "equations": equations}


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
