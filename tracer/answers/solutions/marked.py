"""A written solution checked and marked: every relation of it, and the numbers that it claims as a sheet."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

from derivations.network import Problem
from tracer.answers.marking.mark import mark
from tracer.answers.result import Checked
from tracer.answers.solutions.rendering import relations_json
from tracer.answers.solutions.solution import Solution, check_solution

__all__ = ["MarkedSolution", "check_written", "written_text"]

LARGEST = 1_000_000
WIDTH = 80
SUFFIXES = (".tex", ".md", ".txt", ".ipynb")
FORMATS = ("table", "markdown", "html", "json")
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

    def render(self, form: str = "table", *, lang: str = "en") -> str:
        """As table, markdown, html or json.  Raises ValueError for another."""
        if form not in FORMATS:
            raise ValueError(f"a written solution is shown as {', '.join(FORMATS)}, not as {form}")
        if form == "json":
            out = json.loads(self.checked.render("json", lang=lang))
            out["sheets"][0]["relations"] = relations_json(self.solution)
            return json.dumps(out, ensure_ascii=False, indent=1)
        rows = self.solution.render(form)
        if not self.checked.one.causes or form == "html":
            return rows
        told = self.checked.explain(lang=lang).splitlines()
        if form == "markdown":
            return "\n".join([rows, "", *(f"- {line.strip()}" for line in told)])
        return "\n".join([rows, "", *(part for line in told for part in wrap(line, WIDTH, subsequent_indent="  "))])

    def __str__(self) -> str:
        return self.render()


def written_text(path: str | Path) -> str | None:
    """The text of a file that is a written solution, formulas in prose; None for one that is an answer sheet."""
    file = Path(path)
    if file.suffix.lower() not in SUFFIXES or not file.is_file() or file.stat().st_size > LARGEST:
        return None
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    prose = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("|"))
    return text if _MATHS.search(prose) else None


def check_written(
    problem: Problem, text: str, *, notation: str | None = None, title: str = "solution"
) -> MarkedSolution:
    """Check a written solution and mark the numbers in it."""
    solution = check_solution(problem, text, notation=notation, title=title)
    return MarkedSolution(solution, Checked(problem.title, tuple(mark(problem, [solution.sheet]))))
