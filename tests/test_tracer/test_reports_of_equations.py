"""Reports of marked sheets of somebody's own equations: each that layers have, from the same marks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from rendering.gates import compiled, have_tex, wrapped
from steps import FURTHER_NAMES, NAMES, problem_text

from tracer import check, loads, trace
from tracer.answers.reporting.as_latex import as_latex
from tracer.answers.reporting.blocks import Grid, Lines
from tracer.answers.result import Checked, Marked
from tracer.cli import main
from tracer.show.page import page
from tracer.template_equations import new_equations

RNN = new_equations("rnn", "2-3-1")
FORGOTTEN = {
    "dh[2,1]": "-0.6515",
    "dh[2,2]": "0.7446",
    "dh[2,3]": "-0.8376",
    "da[2,1]": "-0.4817",
    "da[2,2]": "0.4833",
    "da[2,3]": "-0.5784",
}
"""The way back through time left out, in one step of the recurrence."""
NO_NUMBER = {"c_new[1]": "abc", "<b>q": "3"}


def sheet(text: str, other: Mapping[str, str] | None = None) -> dict[str, str]:
    """Every number of a step in four figures, some of them others."""
    traced = trace(loads(text), digits=4)
    right = {traced.name(q): traced.shown[q] for step in traced.steps for q, _ in step.items()}
    return {**right, **(other or {})}


def marked(text: str, other: Mapping[str, str] | None = None) -> Checked:
    """The same, marked."""
    return check(loads(text), sheet(text, other))


# --- the step page ---


def marked_page(text: str, one: Marked) -> str:
    """The page of a step with a sheet's marks on it."""
    return page(trace(loads(text), digits=one.figures, carry="full"), one)


def misplaced(html: str, one: Marked) -> list[str]:
    """Cells whose mark, with what was written, does not stand at the step of their name."""
    steps = re.findall(r"<li id=.*?<h3>(.*?)</h3>(.*?)</li>", html, re.S)
    notes = {unescape(name): unescape(note) for name, note in steps}
    return [m.name for m in one.marks if f"<span>{m.given}</span>" not in notes.get(m.name, "").partition("mark ")[2]]


@pytest.mark.parametrize("name", [*NAMES, *FURTHER_NAMES])
def test_every_mark_stands_at_its_step(name: str) -> None:
    """Of all examples, samples together: nothing is left over where the page writes out every number."""
    text = problem_text(name)
    problem: Any = loads(text)
    if problem.samples > 1:
        pytest.skip("its steps name the sample in words")
    one = marked(text).one
    html = marked_page(text, one)
    if "The page writes out" not in html:
        assert misplaced(html, one) == []
        assert html.count(' data-m="right"') == len(one.marks)


def test_the_check_of_places_sees_a_planted_fault() -> None:
    one = marked(RNN).one
    html = marked_page(RNN, one)
    assert misplaced(html, one) == []
    twin = html.replace("<h3>dh[2,1]</h3>", "<h3>dh</h3>").replace("<h3>dh[1,2]</h3>", "<h3>dh[2,1]</h3>")
    assert misplaced(twin.replace("<h3>dh</h3>", "<h3>dh[1,2]</h3>"), one) == ["dh[2,1]", "dh[1,2]"]


def test_what_went_wrong_leads_to_its_step() -> None:
    """The cause with its link, what followed, wrong cells, what is no number above; nothing as markup."""
    one = marked(RNN, FORGOTTEN | NO_NUMBER).one
    html = marked_page(RNN, one)
    tones = dict(re.findall(r'<li id="([^"]*)"[^>]*? data-m="(\w+)"', html))
    assert {place for place, tone in tones.items() if tone == "wrong"} == {"dh-2-1", "dh-2-2", "dh-2-3", "c_new-1"}
    assert '<a class="to" href="#dh-2-1">' in html
    assert "expected: <span>-1.281" in html
    assert "cause 1" in re.search(r'<li id="da-2-1".*?</li>', html, re.S)[0]  # type: ignore[index]
    above = html.partition("<main")[0]
    assert "&lt;b&gt;q" in above
    assert "<b>q" not in html
    assert "c_new" not in above


BATCH = """
equations = '''
a[n] = w*x[n]
E = mean_n((a[n] - t[n])^2/2)
'''
parameters.w = 0.5
given = {x = [1, 2], t = [0, 1]}
[training]
learning_rate = 0.1
sample = "n"
"""


@pytest.mark.parametrize(
    ("way", "name", "place"), [("apart", "a@2", "a-s2"), ("in_turn", "a#2", "a-u2"), ("together", "a@2", "a-s2")]
)
def test_samples_have_their_own_marks(way: str, name: str, place: str) -> None:
    """A number of one sample, or step, is marked there and not at another's."""
    text = f'{BATCH}samples = "{way}"\n'
    html = marked_page(text, check(loads(text), {name.replace("#2", "").replace("2", "1"): "0.5", name: "7"}).one)
    tones = dict(re.findall(r'<li id="([^"]*)"[^>]*? data-m="(\w+)"', html))
    first = place.replace("-u2", "").replace("2", "1")
    assert tones == {first: "right", place: "wrong"}


def test_the_command_writes_a_marked_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In as many figures as the sheet has; of a problem that comes through a pipe as well; at full feedback alone."""
    problem, answers, out = tmp_path / "rnn.toml", tmp_path / "ada.csv", tmp_path / "ada.html"
    problem.write_text(RNN, encoding="utf-8")
    rows = "".join(f'"{name}",{number}\n' for name, number in sheet(RNN, FORGOTTEN).items())
    answers.write_text(f"quantity,value\n{rows}", encoding="utf-8")
    command = ["check", str(problem), str(answers), "--format", "page"]
    assert main([*command, "-o", str(out)]) == 1
    html = out.read_text(encoding="utf-8")
    assert "ada: 96 of 99 right, 1 cause" in html
    assert "4 significant figures, half away from zero, carrying every digit" in html
    capsys.readouterr()
    assert main([*command, "--feedback", "hint"]) == 2
    assert "leave out --feedback" in capsys.readouterr().err
    assert main([*command, "--notation", "ng"]) == 2


# --- LaTeX ---

needs_tex = pytest.mark.skipif(not have_tex(), reason="pdflatex is not installed")
MARGINS = r"\usepackage[a4paper,margin=2.5cm]{geometry}"


def pdflatex(text: str) -> list[str]:
    """What pdflatex says of a report in a document with margins as people set them."""
    return compiled(wrapped(text).replace(r"\begin{document}", MARGINS + r"\begin{document}"))


GREEK = """
equations = '''
δ[j] = Σ_i λ[j,i]*x[i] + Ω
z[j] = max(δ[j], 0)^3
E = Σ_j (z[j] - t[j])^2/2
'''
parameters = {"λ" = [[0.1, 0.2], [0.3, 0.4]], "Ω" = 0.1}
given = {x = [1, 2], t = [1, 0]}
training.learning_rate = 0.1
"""


@needs_tex
@pytest.mark.parametrize(
    ("text", "other"),
    [
        (RNN, FORGOTTEN | NO_NUMBER),
        (new_equations("conv", "4x6"), {"dK[1,1]": "3.1", "db": "7"}),
        (new_equations("attention", "3-2"), {"E": "9"}),
        (new_equations("circuit", "f = (x+y)*z"), {"dz": "-3"}),
        (GREEK, {"δ[1]": "0.3", "dΩ": "17", "dλ[1,1]": "∂≤√"}),
    ],
    ids=["rnn", "conv", "attention", "circuit", "greek"],
)
def test_a_report_compiles(text: str, other: Mapping[str, str]) -> None:
    """Sums, conditions and Greek names in its sentences, more rows than a page has."""
    assert pdflatex(marked(text, other).render("latex")) == []


@needs_tex
def test_the_check_of_reports_sees_a_planted_fault() -> None:
    """A sign that no font of text has; a table that runs over the edge of its page."""
    report = marked(RNN, FORGOTTEN).render("latex")
    assert pdflatex(report.replace(r"$\Sigma$", "Σ", 1)) != []
    assert (
        pdflatex(re.sub(r"\\hline\n\\end{tabular}\n\\newpage\n.*?\\hline\n.*?\\hline\n", "", report, flags=re.S)) != []
    )


@pytest.mark.parametrize(("rows", "tables"), [(0, 1), (52, 1), (53, 2), (76, 2), (77, 3)])
def test_a_long_table_goes_on_on_the_next_page(rows: int, tables: int) -> None:
    """With its header again, every row once and in order."""
    names = [f"w[{k}]" for k in range(rows)]
    text = as_latex([Lines(("ada",)), Grid(("cell", "comment"), tuple((name, "") for name in names))])
    assert text.count(r"\begin{tabular}") == text.count("cell & comment") == tables
    assert re.findall(r"w\{\[\}(\d+)", text) == [str(k) for k in range(rows)]


@needs_tex
def test_a_class_compiles(tmp_path: Path) -> None:
    """A sheet a row, then the cells and the causes."""
    names = list(sheet(RNN))
    lines = [",".join(["id", *(f'"{name}"' for name in names)])]
    for who, other in (("ada", {}), ("ben", FORGOTTEN), ("chen", {"E": "9"})):
        lines.append(",".join([who, *sheet(RNN, other).values()]))
    (tmp_path / "class.csv").write_text("\n".join(lines), encoding="utf-8")
    assert pdflatex(check(loads(RNN), tmp_path / "class.csv").render("latex")) == []
