"""The list of equations that a problem stands for, as general lines: forward, backward, update."""

from __future__ import annotations

import json
from textwrap import wrap

from derivations.computation import Computation
from derivations.equations import Step
from derivations.general import GeneralLatex, GeneralText, stages
from derivations.layers import layered
from derivations.network import Problem
from derivations.notation import BISHOP
from derivations.own_names import OwnNames
from derivations.written_names import layered_names
from tracer.schedule import schedules
from tracer.show.formats import escape_markdown
from tracer.traces.computed import headings as own_headings
from tracer.traces.layered import headings

__all__ = ["FORMATS", "EquationList"]

FORMATS = ("text", "markdown", "latex", "json")
WIDTH = 80


class EquationList:
    """The equations of a problem, in every format."""

    def __init__(self, problem: Problem | Computation) -> None:
        self.problem = problem
        worked = schedules(problem)[0].turns[0]  # one sample, where samples go in turn or apart
        self.step: Step
        if isinstance(worked, Computation):
            names = OwnNames(worked)
            self.step = worked.step
            self.text = GeneralText(self.step.unwritten, names.letter, self.step.ranges)
            self.latex = GeneralLatex(self.step.unwritten, names.latex_letter, self.step.ranges)
        else:
            self.step = layered(worked).step
            self.text = GeneralText(self.step.unwritten)
            self.latex = GeneralLatex(self.step.unwritten, layered_names(worked, BISHOP).array_latex)

    @property
    def heading(self) -> list[str]:
        """What is worked, how far the letters run, and of what the signals are derivatives."""
        if isinstance(self.problem, Computation):
            return list(own_headings(self.problem))
        return [*headings(self.problem), *self._ranges(), *self._meanings()]

    def _ranges(self) -> list[str]:
        used = {l: None for e in self.step.equations for x in e.left.at for l in [getattr(x, "letter", "")] if l}
        letters = [l for l in dict.fromkeys(["i", *used]) if l in self.step.ranges and l not in self.step.unwritten]
        return [", ".join(f"{l} = {self.step.ranges[l][0]}..{self.step.ranges[l][1]}" for l in letters)]

    def _meanings(self) -> list[str]:
        signals = [a for a in self.step.arrays.values() if "own loss" in a.meaning]
        return (
            [f"{signals[0].name} and the other signals are derivatives {signals[0].meaning.partition(', ')[2]}"]
            if signals
            else []
        )

    def render(self, form: str = "text") -> str:
        """The list as text in one of FORMATS.  Raises ValueError for another."""
        makers = {"text": self._text, "markdown": self._markdown, "latex": self._latex, "json": self._json}
        if form not in makers:
            raise ValueError(f"format '{form}' is not known; known are {', '.join(FORMATS)}")
        return makers[form]()

    def __str__(self) -> str:
        return self.render("text")

    def _text(self) -> str:
        out = [line for one in self.heading for line in wrap(one, WIDTH)]
        for stage, equations in stages(self.step):
            width = max(len(self.text(e.left)) for e in equations)
            out += ["", stage.capitalize()]
            for e in equations:
                left = self.text(e.left).ljust(width)
                lines = wrap(self.text(e.right), WIDTH - width - 5, break_long_words=False) or [""]
                out += [f"  {left} = {lines[0]}", *(" " * (width + 5) + line for line in lines[1:])]
        return "\n".join(out)

    def _markdown(self) -> str:
        first, *more = self.heading
        out = [f"**{escape_markdown(first)}**", *(f"{escape_markdown(line)}  " for line in more)]
        for stage, equations in stages(self.step):
            lines = [rf"{self.latex.equation(e)} \\" for e in equations]
            out += ["", f"### {stage.capitalize()}", "", "$$", r"\begin{aligned}", *_last_open(lines)]
            out += [r"\end{aligned}", "$$"]
        return "\n".join(out)

    def _latex(self) -> str:
        out = [r"% needs \usepackage{amsmath}", *(f"% {line}" for line in self.heading)]
        for stage, equations in stages(self.step):
            lines = [rf"{self.latex.equation(e)} \\" for e in equations]
            out += [rf"\paragraph{{{stage.capitalize()}}}", r"\begingroup\allowdisplaybreaks", r"\begin{align*}"]
            out += [*_last_open(lines), r"\end{align*}", r"\endgroup"]
        return "\n".join(out)

    def _json(self) -> str:
        """Schema bptrace/equations-1."""
        arrays = [
            {
                "name": a.name,
                "role": a.role.value,
                "axes": [list(e) for e in a.extents],
                "of": a.of,
                "meaning": a.meaning,
            }
            for a in self.step.arrays.values()
        ]
        equations = [
            {
                "name": e.left.name,
                "stage": e.stage,
                "text": self.text.equation(e),
                "latex": self.latex.equation(e).replace("&=", "="),
            }
            for e in self.step.equations
        ]
        ranges = {l: list(r) for l, r in self.step.ranges.items() if l in {*self._letters()}}
        whole = {"schema": "bptrace/equations-1", "title": self.problem.title, "ranges": ranges}
        return json.dumps({**whole, "arrays": arrays, "equations": equations}, ensure_ascii=False, indent=2)

    def _letters(self) -> list[str]:
        return [l for e in self.step.equations for x in e.left.at for l in [getattr(x, "letter", "")] if l]


def _last_open(lines: list[str]) -> list[str]:
    return [*lines[:-1], lines[-1].removesuffix(r" \\")]
