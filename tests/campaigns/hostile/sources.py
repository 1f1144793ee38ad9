"""What inputs begin as: right sheets in every format, worked problems, solutions, overrides, and a folder of cases."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from openpyxl import Workbook

from derivations.names import text
from tests.campaigns.hostile.running import ROOT
from tracer import loads, trace
from tracer.answers.blank import blank_sheet
from tracer.template_equations import KINDS, new_equations

__all__ = ["Sources", "gathered", "packed", "saved"]

WORKED = ("hand-3-2-2", "shared-bias-2-2-2", "softmax-xor", "middle-layer")
MOST_CELLS = 60
SUFFIXES = (".txt", ".csv", ".md", ".tex", ".json", ".ipynb", ".npz", ".zip", ".xlsx", ".html")


@dataclass(frozen=True)
class Sheet:
    """A hand-in: the problem that it answers (a sample's name, or a file), its ending and content."""

    problem: str | bytes
    suffix: str
    content: bytes
    people: bool = False


@dataclass(frozen=True)
class Sources:
    """Everything that inputs are drawn from."""

    sheets: tuple[Sheet, ...]
    problems: tuple[bytes, ...]
    overrides: tuple[bytes, ...]


@functools.cache
def gathered(cases: str = "") -> Sources:
    """Of the samples, and of a folder of cases where one is given."""
    sheets, problems = list[Sheet](), list[bytes]()
    for name in WORKED:
        sheets += worked(name)
    for folder in [*sorted((ROOT / "samples").iterdir()), *_folders(cases)]:
        own = [path.read_bytes() for path in sorted(folder.glob("*.toml")) if path.name != "about.toml"]
        posed: list[str | bytes] = [*own] or ["hand-3-2-2"]
        problems += own
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in SUFFIXES and path.is_file() and path.stem != "README":
                content = path.read_bytes()
                people = content.startswith((b"id,", b"name,", b"student,"))
                sheets += [Sheet(problem, path.suffix.lower(), content, people) for problem in posed]
    problems += [new_equations(kind).encode() for kind in KINDS]
    for kind in KINDS:
        sheets += of_equations(kind)
    return Sources(tuple(sheets), tuple(problems), tuple(_overrides()))


def _folders(cases: str) -> Iterator[Path]:
    if cases:
        yield from sorted(path for path in Path(cases).rglob("*") if path.is_dir())


def worked(name: str) -> Iterator[Sheet]:
    """The numbers of a sample, as sheets in every format."""
    step = trace(name, digits=4)
    network = step.problem.network
    numbers = {text(network, q): s for q, s in step.shown.items() if text(network, q) in step.values}
    numbers = dict(list(numbers.items())[:MOST_CELLS])
    for suffix, content, people in written(numbers):
        yield Sheet(name, suffix, content, people)


def of_equations(kind: str) -> Iterator[Sheet]:
    """The numbers of equations of one's own, as sheets in every format, and blank ones."""
    posed = new_equations(kind)
    problem = loads(posed)
    numbers = {name: f"{float(v):.4f}" for name, v in trace(problem).values.items()}
    for suffix, content, people in written(dict(list(numbers.items())[:MOST_CELLS])):
        yield Sheet(posed.encode(), suffix, content, people)
    for form, suffix in (("csv", ".csv"), ("markdown", ".md"), ("text", ".txt"), ("json", ".json"), ("xlsx", ".xlsx")):
        blank = blank_sheet(problem, form)
        yield Sheet(posed.encode(), suffix, blank if isinstance(blank, bytes) else blank.encode())


def written(numbers: dict[str, str]) -> Iterator[tuple[str, bytes, bool]]:
    """The same cells in each format: ending, content, whether it is a class."""
    lines = "".join(f"{n} = {v}\n" for n, v in numbers.items())
    rows = "quantity,value\n" + "".join(f'"{n}",{v}\n' for n, v in numbers.items())
    table = "| quantity | value |\n|---|---|\n" + "".join(f"| `{n}` | {v} |\n" for n, v in numbers.items())
    names = ",".join(f'"{n}"' for n in numbers)
    people = f"id,{names}\n" + "".join(f"s{k},{','.join(numbers.values())}\n" for k in range(5))
    align = "".join(f"{n} &= {v} \\\\\n" for n, v in numbers.items())
    tabular = "".join(f"{n} & {v} \\\\ \\hline\n" for n, v in numbers.items())
    page = "".join(f"<tr><td>{n}</td><td>{v}</td></tr>\n" for n, v in numbers.items())
    prose = "".join(f"- We have ${n} = {v}$.\n" for n, v in numbers.items())
    yield from ((".txt", lines.encode(), False), (".csv", rows.encode(), False), (".md", table.encode(), False))
    yield ".csv", people.encode(), True
    yield ".tex", f"\\begin{{align}}\n{align}\\end{{align}}\n".encode(), False
    yield ".tex", f"\\begin{{tabular}}{{ll}}\n{tabular}\\end{{tabular}}\n".encode(), False
    yield ".md", f"<table>\n{page}</table>\n".encode(), False
    yield ".md", prose.encode(), False
    yield ".json", json.dumps(numbers).encode(), False
    yield ".json", json.dumps({"ann": numbers, "bob": numbers}).encode(), True
    yield ".ipynb", json.dumps(_notebook(table, lines)).encode(), False
    arrays = io.BytesIO()
    np.savez(arrays, E=1.0, z1=np.zeros(2))
    yield ".npz", arrays.getvalue(), False
    yield ".zip", packed({"ann.csv": rows.encode(), "bob.md": table.encode()}), True
    yield ".xlsx", workbook(numbers), False


def _notebook(table: str, lines: str) -> dict[str, object]:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": [table]},
        {"cell_type": "code", "metadata": {}, "source": [], "outputs": [{"output_type": "stream", "text": lines}]},
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}


def workbook(numbers: dict[str, str]) -> bytes:
    """An .xlsx file of two columns."""
    book = Workbook()
    for name, value in numbers.items():
        book.active.append([name, float(value)])
    return saved(book)


def saved(book: Workbook) -> bytes:
    """A workbook's bytes, the same for the same cells: without the day on which it was made."""
    content = io.BytesIO()
    book.save(content)
    with zipfile.ZipFile(content) as dated:
        return packed({name: dated.read(name) for name in dated.namelist() if name != "docProps/core.xml"})


def packed(members: dict[str, bytes]) -> bytes:
    """A zip archive; it bears no date."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name), member, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _overrides() -> Iterator[bytes]:
    yield b"sheet,cell,verdict,points,comment\nsheet,E,right,1,seen\nsheet0,E,slip,0,not yet\ns1,E,right,,\n"
    rows = [{"sheet": "sheet", "cell": "E", "verdict": "right", "points": "0.5", "comment": "fine"}]
    yield json.dumps(rows).encode()
    yield json.dumps({"overrides": rows}).encode()
