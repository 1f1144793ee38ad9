"""A written solution checked and marked: every relation of it, and the numbers that it claims as a sheet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any

from derivations.network import Problem
from tracer.answers.marking.mark import mark
from tracer.answers.reading.entries import Sheet
from tracer.answers.result import Checked
from tracer.answers.solutions.rendering import relations_json
from tracer.answers.solutions.solution import Solution, check_solution

__all__ = [
    "MarkedFile",
    "MarkedSolution",
    "check_files",
    "check_written",
    "render_files",
    "solution_sheet",
    "written_text",
]

LARGEST = 1_000_000
WIDTH = 80
SUFFIXES = (".tex", ".md", ".txt", ".ipynb")
MOST_LINES, LONGEST_LINE = 2000, 500
_WORK = re.compile(r"[^=\d|,;]*[^=|;]{0,60}=[^=\n]*\d[^=\n]*[-+*/·×−(][^=\n]*(?:=|≈)\s*[-+−]?\.?\d")
FORMATS = ("table", "markdown", "html", "json")
IN_A_CLASS = "a written solution: its numbers are marked; checked alone, its rows are too"
_MATHS = re.compile(
    r"\$\$|\\\[|\\begin\{(?:align|equation|eqnarray|gather|multline)|```math"
    r"|\$[^$\n]{1,500}(?:=|\\approx|\u2248)[^$\n]{1,500}\$"
)


@dataclass(frozen=True)
class MarkedSolution:
    """The relations of a solution, and its numbers marked: slips named, errors carried forward."""

    solution: Solution
    checked: Checked

    @property
    def all_right(self) -> bool:
        """Whether every relation was understood and holds, and every number is accepted."""
        return self.solution.all_right and (not self.checked.one.marks or self.checked.all_right)

    def render(self, form: str = "table", *, feedback: str = "full", lang: str = "en") -> str:
        """As table, markdown, html or json; feedback: verdict, hint or full.  Raises ValueError for another."""
        if form not in FORMATS:
            raise ValueError(f"a written solution is shown as {', '.join(FORMATS)}, not as {form}")
        if form == "json":
            out = json.loads(self.checked.render("json", feedback=feedback, lang=lang))
            out["sheets"][0]["relations"] = relations_json(self.solution.limited(feedback))
            return json.dumps(out, ensure_ascii=False, indent=1)
        rows = self.solution.limited(feedback).render(form)
        if not self.checked.one.causes or form == "html" or feedback == "verdict":
            return rows
        told = self.checked.explain(feedback=feedback, lang=lang).splitlines()
        if form == "markdown":
            return "\n".join([rows, "", *(f"- {line.strip()}" for line in told)])
        return "\n".join([rows, "", *(part for line in told for part in wrap(line, WIDTH, subsequent_indent="  "))])

    def __str__(self) -> str:
        return self.render()


@dataclass(frozen=True)
class MarkedFile:
    """A file and its marked solution, or in words why it could not be marked."""

    file: str
    marked: MarkedSolution | None
    error: str = ""


def check_files(problem: Problem, files: Iterable[str], *, notation: str | None = None) -> tuple[MarkedFile, ...]:
    """Several written solutions, each on its own: one that cannot be marked does not stop the others."""
    out = []
    for file in files:
        try:
            text = written_text(file)
            if text is None:
                raise ValueError("no formulas in UTF-8 text in it; mark answer sheets in a call of their own")
            out.append(MarkedFile(file, check_written(problem, text, notation=notation, title=Path(file).name)))
        except (ValueError, OSError) as e:
            out.append(MarkedFile(file, None, str(e)))
    return tuple(out)


def render_files(files: Sequence[MarkedFile], form: str, *, feedback: str = "full", lang: str = "en") -> str:
    """One after another, each under its name; in JSON the sheets of one document."""
    if form == "json":
        return _json_of_files(files, feedback, lang)
    out = []
    for file in files:
        head = {"markdown": f"## {file.file}", "html": f"<h1>{escape(file.file)}</h1>"}.get(form, f"== {file.file}")
        body = file.marked.render(form, feedback=feedback, lang=lang) if file.marked else f"not marked: {file.error}"
        out += [head, "", f"<p>{escape(body)}</p>" if form == "html" and not file.marked else body, ""]
    return "\n".join(out).rstrip()


def _json_of_files(files: Sequence[MarkedFile], feedback: str, lang: str) -> str:
    whole: dict[str, Any] = {}
    sheets = []
    for file in files:
        if file.marked is None:
            nothing = {"score": 0.0, "points": 0.0, "total": 0.0, "causes": [], "marks": []}
            sheets.append({"sheet": file.file, **nothing, "error": file.error})
            continue
        one = json.loads(file.marked.render("json", feedback=feedback, lang=lang))
        whole = whole or one
        sheets += one["sheets"]
    return json.dumps({**whole, "sheets": sheets}, ensure_ascii=False, indent=1)


def written_text(path: str | Path) -> str | None:
    """The text of a file that is a written solution, formulas in prose; None for one that is an answer sheet."""
    file = Path(path)
    if file.suffix.lower() not in SUFFIXES or not file.is_file() or file.stat().st_size > LARGEST:
        return None
    return _in_prose(file.read_bytes())


def solution_sheet(problem: Problem, notation: str | None, content: bytes, suffix: str, label: str) -> Sheet | None:
    """What a written solution in a class claims, as a sheet; None for what is an answer sheet."""
    if suffix not in SUFFIXES or suffix == ".ipynb" or len(content) > LARGEST:
        return None
    text = _in_prose(content)
    if text is None:
        return None
    sheet = check_solution(problem, text, notation=notation, title=label).sheet
    return replace(sheet, id=label, remarks=(*sheet.remarks, IN_A_CLASS))


def _in_prose(content: bytes) -> str | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    prose = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("|"))
    return text if _MATHS.search(prose) or _shows_work(prose) else None


def _shows_work(prose: str) -> bool:
    """Whether most of its lines put numbers in before the result: `a1 = 0.1*1 + 0.1*2 = 0.3`."""
    stated = [line for line in prose.splitlines()[:MOST_LINES] if "=" in line and len(line) < LONGEST_LINE]
    return 2 * sum(bool(_WORK.match(line)) for line in stated) > len(stated)


def check_written(
    problem: Problem, text: str, *, notation: str | None = None, title: str = "solution"
) -> MarkedSolution:
    """Check a written solution and mark the numbers in it."""
    solution = check_solution(problem, text, notation=notation, title=title)
    return MarkedSolution(solution, Checked(problem.title, tuple(mark(problem, [solution.sheet]))))
