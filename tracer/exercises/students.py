"""The list of students: a CSV with a header of which id is needed; name, email, group, language, large print may be."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from derivations.given import shortened
from tracer.files import FileRefused, read_file

__all__ = ["Student", "groups_of", "read_students"]

LARGEST = 5_000_000
COLUMNS = ("id", "name", "email", "group", "language", "large print")


@dataclass(frozen=True)
class Student:
    """One row of the list; `group`: all of a group have one variant and one hand-in."""

    id: str
    name: str = ""
    email: str = ""
    group: str = ""
    language: str = "en"
    large_print: bool = False


def read_students(path: str | Path) -> list[Student]:
    """Every student.  Raises ValueError with the line, FileNotFoundError."""
    try:
        text = read_file(path, LARGEST, "split the list").decode("utf-8-sig")
    except FileRefused as e:
        raise ValueError(f"{path}: {e}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8 text; save the list as CSV UTF-8") from None
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=first.count))
    names = {name: name.strip().lower().replace("_", " ") for name in rows.fieldnames or ()}
    if "id" not in names.values():
        raise ValueError(f"{path}: no column id; the first line is {','.join(COLUMNS)}, of which only id is needed")
    out: list[Student] = []
    seen: dict[str, int] = {}
    for row in rows:
        own = {names[k]: (v or "").strip() for k, v in row.items() if k in names and isinstance(v, str | None)}
        where = f"{path}: line {rows.line_num}"
        if not any(own.values()):
            continue
        if not own["id"]:
            raise ValueError(f"{where}: no id; give each student one")
        if own["id"] in seen:
            raise ValueError(f"{where}: id {shortened(own['id'])} stands in line {seen[own['id']]} too; leave one")
        seen[own["id"]] = rows.line_num
        language = own.get("language", "").lower()[:2] or "en"
        if language not in ("en", "ja"):
            raise ValueError(f"{where}: language {shortened(own['language'])} is not known; known are en, ja")
        large = own.get("large print", "").lower() not in ("", "no", "0", "false", "n")
        out.append(Student(own["id"], own.get("name", ""), own.get("email", ""), own.get("group", ""), language, large))
    if not out:
        raise ValueError(f"{path}: no students in it; write one a line below the header")
    return out


def groups_of(students: Sequence[Student]) -> list[list[Student]]:
    """Those who have one variant together, in the order of the list."""
    out: dict[tuple[str, str], list[Student]] = {}
    for student in students:
        out.setdefault(("group", student.group) if student.group else ("id", student.id), []).append(student)
    return list(out.values())
