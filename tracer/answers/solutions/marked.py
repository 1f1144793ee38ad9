"""A written solution checked and marked: every relation of it, and the numbers that it claims as a sheet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from derivations.network import Problem
from tracer.answers.reading.entries import Sheet
from tracer.answers.reporting.as_html import as_document
from tracer.answers.reporting.blocks import Block
from tracer.answers.reporting.feedback import limited
from tracer.answers.reporting.sheet_report import sheet_blocks
from tracer.answers.reporting.wording import Wording
from tracer.answers.result import Checked
from tracer.answers.solutions.claimed import marked, sheet_of
from tracer.answers.solutions.rendering import fragment, relations_json, render
from tracer.answers.solutions.solution import Solution, check_solution, read_solution

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
SUFFIXES = (".tex", ".md", ".txt", ".ipynb")
MOST_LINES, LONGEST_LINE = 2000, 500
_WORK = re.compile(
    r"^[^=\d|,;]*+[^=|;]{0,60}+=[^=\n\d]*+\d[^=\n\-+*/·×−(]*+[-+*/·×−(]"  # a name, numbers put in
    r"(?:[^=≈\n]|≈(?!\s*+[-+−]?\.?\d))*+[=≈]\s*+[-+−]?\.?\d"  # and the result
)
FORMATS = ("table", "markdown", "html", "json")
IN_A_CLASS = "a written solution: its numbers are marked; checked alone, its rows are too"
_MATHS = re.compile(
    r"\$\$|\\\[|\\begin\{(?:align|equation|eqnarray|gather|multline)|```math"
    r"|\$[^$\n]{1,500}(?:=|\\approx|\u2248)[^$\n]{1,500}\$"
)
_INDICES = re.compile(r"[_^]\{[^{}\n]*\}")  # a name of sample 2 has _{n=2}, which states nothing


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
        words, solution = Wording(lang, feedback), self.solution.limited(feedback)
        if form == "json":
            out = json.loads(self.checked.render("json", feedback=feedback, lang=lang))
            sheet = out["sheets"][0]
            sheet["remarks"] = [*map(words.said, solution.remarks), *sheet.get("remarks", [])]
            sheet["relations"] = relations_json(solution, words)
            return json.dumps(out, ensure_ascii=False, indent=1)
        return render(solution, form, words, self._closing(words))

    def fragment(self, *, feedback: str = "full", lang: str = "en") -> str:
        """The HTML as a part of a page."""
        words = Wording(lang, feedback)
        return fragment(self.solution.limited(feedback), words, self._closing(words))

    def _closing(self, words: Wording) -> list[Block]:
        """What the numbers get: how many are right, the cells that are not, the causes, the score."""
        sheet = limited(self.checked, words.level).one
        remarks = tuple(r for r in sheet.remarks if not r.startswith("names read in the notation"))  # told at the top
        return list(
            sheet_blocks(replace(sheet, id=words.of_solutions("numbers"), remarks=remarks), words, compact=True)
        )

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
    if form == "html":
        return _page_of_files(files, feedback, lang)
    out = []
    for file in files:
        marked = file.marked
        body = marked.render(form, feedback=feedback, lang=lang) if marked else _not_marked(file, lang)
        out += [f"## {file.file}" if form == "markdown" else f"== {file.file}", "", body, ""]
    return "\n".join(out).rstrip()


def _not_marked(file: MarkedFile, lang: str) -> str:
    words = Wording(lang)
    return words.of_solutions("not_marked", error=words.said(file.error))


def _page_of_files(files: Sequence[MarkedFile], feedback: str, lang: str) -> str:
    out = []
    for file in files:
        marked = file.marked
        body = marked.fragment(feedback=feedback, lang=lang) if marked else f"<p>{escape(_not_marked(file, lang))}</p>"
        out += [f"<h1>{escape(file.file)}</h1>", body]
    return as_document("\n".join(out), next((f.marked.solution.title for f in files if f.marked), "bptrace"), lang)


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
    solution = check_solution(problem, text, notation=notation, title=label)
    sheet, left_out = sheet_of(problem, solution), (solution.left_out,) if solution.left_out else ()
    return replace(sheet, id=label, remarks=(*sheet.remarks, *left_out, IN_A_CLASS))


def _in_prose(content: bytes) -> str | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    prose = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("|"))
    return text if _MATHS.search(_INDICES.sub("", prose)) or _shows_work(prose) else None


def _shows_work(prose: str) -> bool:
    """Whether most of its lines put numbers in before the result: `a1 = 0.1*1 + 0.1*2 = 0.3`."""
    stated = [line for line in prose.splitlines()[:MOST_LINES] if "=" in line and len(line) < LONGEST_LINE]
    return 2 * sum(bool(_WORK.match(line)) for line in stated) > len(stated)


def check_written(
    problem: Problem, text: str, *, notation: str | None = None, title: str = "solution"
) -> MarkedSolution:
    """Check a written solution and mark the numbers in it.

    Marking knows every correct way of rounding through steps that are not shown: what it accepts is not false.
    """
    reading = read_solution(problem, text, notation=notation, title=title)
    solution = reading.solution()
    found = marked(problem, solution)
    marks = {m.name: m for m in found.marks if m.accepted}
    accepted = {e.quantity: marks[e.name] for e in solution.sheet.entries if e.quantity and e.name in marks}
    if accepted and solution.count("false") + solution.count("follows"):
        solution = reading.solution(accepted)
    return MarkedSolution(solution, Checked(problem.title, (found,)))
