"""Blank answer sheets: what is asked, in every format that reading understands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from derivations import names
from derivations.aliases import Aliases
from derivations.computation import Computation
from derivations.letters import plain_text
from derivations.names import Quantity
from derivations.network import Problem
from derivations.notation import BISHOP, Notation, notation_of
from tracer.answers.reading.workbooks import workbook
from tracer.show.grid import to_csv
from tracer.tracing import steps_of

__all__ = ["SHEET_FORMATS", "asked", "blank_sheet", "filled_sheet", "points_of"]

SHEET_FORMATS = ("csv", "markdown", "text", "json", "xlsx", "latex")


def blank_sheet(problem: Problem | Computation, form: str = "csv", notation: str | None = None) -> str | bytes:
    """The sheet to fill in, as csv, markdown, text, json, xlsx (bytes) or latex; names in a notation if one is given.

    Raises ValueError for another format, NotationError for a notation that cannot write the network.
    """
    if form not in SHEET_FORMATS:
        raise ValueError(f"format '{form}' is not known here; known are {', '.join(SHEET_FORMATS)}")
    if isinstance(problem, Problem):
        return filled_sheet(problem, form, notation)
    from tracer.answers.blank_grids import blank_grids

    return blank_grids(problem, form, notation)


def asked(problem: Problem) -> list[Quantity]:
    """What a sheet asks for: the quantities of `[sheet] ask`, or everything a step works out, in that order."""
    recorded = [q for step in steps_of(problem) for q, _ in step.items()]
    ask = dict(problem.sheet).get("ask")
    if ask is None:
        return recorded
    aliases = Aliases(problem.network, problem.samples, problem.names)
    wanted: list[Quantity] = []
    for name in ask if isinstance(ask, Sequence) and not isinstance(ask, str) else [ask]:
        q = aliases.read(str(name)).quantity
        wanted += [own for own in recorded if _of(q, own) and own not in wanted]
    return wanted


def _of(asked: Quantity, q: Quantity) -> bool:
    """Whether a quantity is asked for by a name, by a whole array's name, or by one without sample and step."""
    kind = {"E_sample": "E"} if not asked.sample else {}
    return (
        kind.get(q.kind, q.kind) == asked.kind
        and q.layer == asked.layer
        and (not asked.indices or q.indices == asked.indices)
        and (not asked.sample or q.sample == asked.sample)
        and (asked.step == 1 or q.step == asked.step)
    )


def filled_sheet(
    problem: Problem,
    form: str = "csv",
    notation: str | None = None,
    *,
    values: Mapping[Quantity, str] = MappingProxyType({}),
) -> str | bytes:
    """The sheet of a network, with numbers filled in: `values`.

    Points, figures and places stand where `[sheet]` sets them: as columns, as lists in json, as a remark in text.
    Raises NotationError for a notation that cannot write the network.
    """
    stated = notation or dict(problem.sheet).get("notation")
    letters = None if stated in (None, "names") else notation_of(problem, str(stated))
    quantities = asked(problem)
    columns = _columns(problem, quantities)
    headers = ["quantity", "value", *columns]
    rows = [
        [_name(problem, q, letters, form), values.get(q, ""), *(column[k] for column in columns.values())]
        for k, q in enumerate(quantities)
    ]
    head = f"notation: {letters.name}" if letters else ""
    if form == "xlsx":
        return workbook([*([[f"# {head}"]] if head else []), headers, *rows])
    return _written(form, head, headers, rows)


def _written(form: str, head: str, headers: list[str], rows: list[list[str]]) -> str:
    if form == "json":
        cells = {"values": {row[0]: row[1] or None for row in rows}}
        asks = {column: {row[0]: row[k] for row in rows if row[k]} for k, column in enumerate(headers) if k > 1}
        stated = {"notation": head.split()[-1]} if head else {}
        return json.dumps(stated | cells | asks, indent=2, ensure_ascii=False) + "\n"
    lines = [{"markdown": f"<!-- {head} -->\n", "latex": f"% {head}"}.get(form, f"# {head}")] if head else []
    if form == "text":
        lines += [f"{row[0]} = {row[1]}{_asks(headers[2:], row[2:])}" for row in rows]
    elif form == "csv":
        lines.append(to_csv(headers, rows))
    elif form == "markdown":
        lines += [f"| {' | '.join(row)} |" for row in (headers, ["---"] * len(headers), *rows)]
    else:
        body = [f"{' & '.join(row)} \\\\" for row in (headers, *rows)]
        lines += [rf"\begin{{tabular}}{{{'l' * len(headers)}}}", body[0], r"\hline", *body[1:], r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def _asks(columns: Sequence[str], row: Sequence[str]) -> str:
    """The points and figures of a cell as a remark behind it: `# 2 points, 4 figures`."""
    told = [
        f"{n} {column.removesuffix('s') if n == '1' else column}" for column, n in zip(columns, row, strict=True) if n
    ]
    return f"  # {', '.join(told)}" if told else ""


def _name(problem: Problem, q: Quantity, letters: Notation | None, form: str) -> str:
    network = problem.network
    if form == "latex" or (form == "markdown" and letters):
        return f"${(letters or BISHOP).latex(network, q)}$".replace(r"\right|", r"\right\rvert")
    if letters is None:
        own = names.text(network, q)
        return f"`{own}`" if form == "markdown" else own
    return plain_text(letters, network, q)


def points_of(problem: Problem, q: Quantity) -> float:
    """The points that `[sheet] points` gives for a quantity, 1 where it says nothing."""
    column = _columns(problem, [q]).get("points")
    return float(column[0]) if column else 1.0


def _columns(problem: Problem, quantities: list[Quantity]) -> dict[str, list[str]]:
    """The columns that `[sheet]` sets: one number for all, or a table from names to numbers."""
    out = {}
    for column, default in (("points", "1"), ("figures", ""), ("places", "")):
        given = dict(problem.sheet).get(column)
        if given is None:
            continue
        if not isinstance(given, Mapping):
            out[column] = [str(given)] * len(quantities)
            continue
        aliases = Aliases(problem.network, problem.samples, problem.names)
        wanted = [(aliases.read(str(name)).quantity, str(number)) for name, number in given.items()]
        out[column] = [next((n for own, n in reversed(wanted) if _of(own, q)), default) for q in quantities]
    return out
