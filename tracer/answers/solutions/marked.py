"""A written solution checked and marked: every relation of it, and the numbers that it claims as a sheet."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from derivations.network import Problem
from tracer.answers.reading.entries import Sheet
from tracer.answers.reporting.as_html import as_document
from tracer.answers.reporting.as_markdown import markdown_text
from tracer.answers.reporting.blocks import Block, clean
from tracer.answers.reporting.feedback import limited
from tracer.answers.reporting.sheet_report import sheet_blocks
from tracer.answers.reporting.wording import Wording
from tracer.answers.result import Checked
from tracer.answers.solutions.claimed import marked, sheet_of
from tracer.answers.solutions.rendering import STYLE, fragment, relations_json, render
from tracer.answers.solutions.solution import Solution, check_solution, read_solution
from tracer.files import FileRefused, read_file
from tracer.unexpected import reported

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
    def title(self) -> str:
        """The problem's."""
        return self.solution.title

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
    """A file and its marked solution, or its marked sheet, or in words why it could not be marked."""

    file: str
    marked: MarkedSolution | Checked | None
    error: str = ""


def check_files(
    problem: Problem, files: Iterable[str], sheet: Callable[[str], Checked], *, notation: str | None = None
) -> tuple[MarkedFile, ...]:
    """Several files, each on its own and as what it is: one that cannot be marked does not stop the others.

    sheet: marks a file that is no written solution.
    """
    files = list(files)
    named = Counter(Path(file).name for file in files)
    out = []
    for file in files:
        title = clean(Path(file).name if named[Path(file).name] == 1 else file)
        try:
            out.append(MarkedFile(clean(file), _marked_file(problem, file, title, sheet, notation)))
        except (ValueError, OSError) as e:
            out.append(MarkedFile(clean(file), None, str(e)))
        except Exception as e:
            out.append(MarkedFile(clean(file), None, reported(e)))
    return tuple(out)


def _marked_file(
    problem: Problem, file: str, title: str, sheet: Callable[[str], Checked], notation: str | None
) -> MarkedSolution | Checked:
    text = written_text(file)
    if text is not None:
        return check_written(problem, text, notation=notation, title=title)
    checked = sheet(file)
    if len(checked) != 1:
        return checked
    if checked.one.error:
        raise ValueError(f"no formulas in UTF-8 text in it, and as a sheet: {checked.one.error}")
    return replace(checked, sheets=(replace(checked.one, id=title),))


def render_files(files: Sequence[MarkedFile], form: str, *, feedback: str = "full", lang: str = "en") -> str:
    """One after another, each under its name; in JSON the sheets of one document."""
    if form == "json":
        return _json_of_files(files, feedback, lang)
    if form == "html":
        return _page_of_files(files, feedback, lang)
    out = []
    said, mark = (markdown_text, "##") if form == "markdown" else (clean, "==")
    for file in files:
        body = _told(
            file, lambda own: own.render(form, feedback=feedback, lang=lang), lambda why: said(_not_marked(why, lang))
        )
        out += [f"{mark} {said(file.file)}", "", body, ""]
    return "\n".join([*out, *map(said, _without_score(files, lang))]).rstrip()


def _without_score(files: Sequence[MarkedFile], lang: str) -> list[str]:
    """A last line that names the files that have no score, where there are any."""
    words = Wording(lang)
    names = [f.file for f in files if f.marked is None or (isinstance(f.marked, Checked) and _unread(f.marked))]
    return [f"{words.counted('unread', len(names))}: {words.listed(names)}"] if names else []


def _unread(checked: Checked) -> bool:
    return all(sheet.unread for sheet in checked)


def _told(file: MarkedFile, told: Callable[[MarkedSolution | Checked], str], otherwise: Callable[[str], str]) -> str:
    """What is told of a marked file; otherwise why it could not be marked, or why that could not be told."""
    if file.marked is None:
        return otherwise(file.error)
    try:
        return told(file.marked)
    except ValueError:  # a format that there is not
        raise
    except Exception as e:
        return otherwise(reported(e))


def _not_marked(why: str, lang: str) -> str:
    words = Wording(lang)
    return words.of_solutions("not_marked", error=words.said(why))


def _page_of_files(files: Sequence[MarkedFile], feedback: str, lang: str) -> str:
    out = []
    for file in files:
        body = _told(
            file,
            lambda own: own.fragment(feedback=feedback, lang=lang),
            lambda why: f"<p>{escape(clean(_not_marked(why, lang)))}</p>",
        )
        out += [f"<h1>{escape(clean(file.file))}</h1>", body]
    out += [f"<p>{escape(clean(line))}</p>" for line in _without_score(files, lang)]
    title = next((f.marked.title for f in files if f.marked), "bptrace")
    return as_document("\n".join(out), title, lang, styles=[STYLE])


def _json_of_files(files: Sequence[MarkedFile], feedback: str, lang: str) -> str:
    whole: dict[str, Any] = {}
    sheets = []
    for file in files:
        nothing: dict[str, Any] = {
            "sheet": file.file,
            "score": None,
            "points": None,
            "total": 0.0,
            "causes": [],
            "marks": [],
        }
        one = json.loads(
            _told(
                file,
                lambda own: own.render("json", feedback=feedback, lang=lang),
                lambda why, nothing=nothing: json.dumps({"sheets": [{**nothing, "error": why}]}),  # type: ignore[misc]
            )
        )
        whole = whole or {key: value for key, value in one.items() if key != "sheets"}
        sheets += one["sheets"]
    return json.dumps({**whole, "sheets": sheets}, ensure_ascii=False, indent=1)


def written_text(path: str | Path) -> str | None:
    """The text of a file that is a written solution, formulas in prose; None for one that is an answer sheet."""
    if Path(path).suffix.lower() not in SUFFIXES:
        return None
    try:
        return _in_prose(read_file(path, LARGEST, "a solution is smaller"))
    except (FileRefused, OSError):
        return None  # who reads the sheets says what is wrong with it


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
