"""A marking beside an earlier one: every mark that changed, and why."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from derivations.expression import Expression
from derivations.given import shortened
from tracer.answers.result import Checked, Mark, Marked
from tracer.files import FileRefused, read_file

if TYPE_CHECKING:
    from derivations.computation import Computation
    from derivations.network import Problem

__all__ = ["Change", "RegradeError", "changes", "digest", "made_with", "read_marking"]

T = TypeVar("T")
LARGEST = 500_000_000
SCHEMA = "bptrace/check/1"


class RegradeError(ValueError):
    """A file that is no earlier marking.  The message names it."""


@dataclass(frozen=True)
class Change:
    """One mark that is another one now; `cell` is "" where a whole sheet came or went."""

    sheet: str
    cell: str
    was: str
    now: str
    points_was: float
    points_now: float
    why: str


def made_with(problem: Problem | Computation, notation: str | None, decimal: str) -> dict[str, object]:
    """What a marking is made with: the version, the problem, the options that change how a sheet is read."""
    from tracer import __version__

    options = {"notation": notation or "", "decimal": "" if decimal == "point" else decimal}
    return {"version": __version__, "problem": digest(problem), "options": {k: v for k, v in options.items() if v}}


def digest(problem: Problem | Computation) -> str:
    """Sixteen signs that tell one problem from another, whatever its file is called and however it is laid out."""
    return hashlib.sha256(_canonical(problem).encode()).hexdigest()[:16]


def _canonical(part: Any) -> str:
    """What was said, in one order."""
    if isinstance(part, Mapping):
        return "{" + ",".join(sorted(f"{_canonical(k)}:{_canonical(v)}" for k, v in part.items())) + "}"
    if isinstance(part, list | tuple):
        return "[" + ",".join(map(_canonical, part)) + "]"
    if isinstance(part, np.ndarray):
        return repr(part.tolist())
    if is_dataclass(part) and not isinstance(part, type | Expression):
        own = getattr(part, "function", None) or getattr(part, "own", None)
        named = getattr(part, "name", None)  # a function or a loss is told by its name, one of the file by its formula
        if isinstance(named, str):
            return type(part).__name__ + _canonical([named] if own is None else [named, own])
        values = [
            getattr(part, f.name)
            for f in fields(part)
            if f.name != "like" and not (f.metadata and getattr(part, f.name) == f.default)
        ]
        return type(part).__name__ + _canonical(values)
    return repr(part)


def read_marking(path: str | Path) -> dict[str, Any]:
    """An earlier marking, as `check --format json` wrote it.  Raises RegradeError and FileNotFoundError."""
    path = Path(path)
    try:
        found = json.loads(read_file(path, LARGEST, "a marking is smaller").decode("utf-8-sig"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except FileRefused as e:
        raise RegradeError(f"{path.name}: {e}") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as e:
        raise RegradeError(f"{path.name}: not JSON: {shortened(str(e))}; give what check --format json wrote") from None
    sheets = found.get("sheets") if isinstance(found, dict) and found.get("schema") == SCHEMA else None
    if not isinstance(sheets, list) or not all(map(_is_sheet, sheets)):
        raise RegradeError(f"{path.name}: no marking; give what check --format json wrote")
    if found.get("feedback") != "full":
        raise RegradeError(
            f"{path.name}: a marking for students, which leaves verdicts out; give one of --feedback full"
        )
    return dict(found)


def _is_sheet(sheet: Any) -> bool:
    marks = sheet.get("marks") if isinstance(sheet, dict) and isinstance(sheet.get("sheet"), str) else None
    return isinstance(marks, list) and all(
        isinstance(m, dict)
        and all(isinstance(m.get(key), str) for key in ("name", "given", "verdict"))
        and isinstance(m.get("points", 0), int | float)
        for m in marks
    )


def changes(earlier: Mapping[str, Any], now: Checked, decided: frozenset[tuple[str, str]]) -> Iterator[Change]:
    """Every mark that is not what it was; `decided` are the (sheet, cell) that overrides name."""
    before = {sheet["sheet"]: sheet for sheet in earlier["sheets"]}
    general = _general(earlier, now)
    for sheet in now.sheets:
        was = before.pop(sheet.id, None)
        if was is None:
            yield Change(sheet.id, "", "", "marked", 0.0, sheet.points, "a new sheet")
            continue
        yield from _of_sheet(was, sheet, decided, general)
    for gone, was in before.items():
        yield Change(gone, "", "marked", "", float(was.get("points") or 0.0), 0.0, "no longer handed in")


def _of_sheet(
    was: Mapping[str, Any], sheet: Marked, decided: frozenset[tuple[str, str]], general: str
) -> Iterator[Change]:
    marks = dict(_numbered([(m["name"], m) for m in was["marks"]]))
    read_otherwise = set(was.get("remarks", ())) != set(sheet.remarks)
    for key, mark in _numbered([(m.name, m) for m in sheet.marks]):
        old = marks.pop(key, {"given": "", "verdict": "", "points": 0.0})
        earned = mark.earned if mark.asked else 0.0
        if (old["verdict"], round(float(old["points"]), 6)) == (mark.verdict, round(earned, 6)):
            continue
        why = "a marker's decision" if (sheet.id, mark.name) in decided else _why(old, mark, read_otherwise, general)
        yield Change(sheet.id, mark.name, old["verdict"], mark.verdict, float(old["points"]), earned, why)
    for (name, _), old in marks.items():
        why = "a marker's decision" if (sheet.id, name) in decided else general or "the sheet is read otherwise"
        yield Change(sheet.id, name, old["verdict"], "", float(old["points"]), 0.0, why)


def _numbered(named: Sequence[tuple[str, T]]) -> Iterator[tuple[tuple[str, int], T]]:
    """Each under its name and how many of that name stand before it: a name may stand twice on a sheet."""
    seen = Counter[str]()
    for name, one in named:
        yield (name, seen[name]), one
        seen[name] += 1


def _why(old: Mapping[str, Any], mark: Mark, read_otherwise: bool, general: str) -> str:
    if old["given"] != mark.given:
        return (
            f"another number: {shortened(mark.given)} for {shortened(old['given'])}" if old["given"] else "a new cell"
        )
    return general or ("the sheet is read otherwise" if read_otherwise else "a decision that was taken back")


def _general(earlier: Mapping[str, Any], now: Checked) -> str:
    """What is another one for all sheets: the problem, the version, the options."""
    made, was = now.made, {key: earlier.get(key) for key in ("version", "problem", "options")}
    if was["problem"] != made.get("problem"):
        return "the problem is another one"
    if was["version"] != made.get("version"):
        return f"version {shortened(was['version'])} before, {made.get('version')} now"
    return "" if (was["options"] or {}) == made.get("options") else "other options"
