"""A sheet is answered in its own letters: cells as they are spelled, equations and sentences in its notation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from derivations.letters import letters_of
from derivations.names import read_name
from derivations.notation import NOTATIONS
from tracer import check, load, trace, verify
from tracer.answers.beside import put_beside
from tracer.answers.blank import blank_sheet, filled_sheet
from tracer.answers.reading.sheets import SheetError, read_sheet
from tracer.answers.reporting.render import render
from tracer.answers.result import Checked
from tracer.show.page.marking import sheet_of
from tracer.tracing import steps_of

OURS = re.compile(r"\b(?:a|z|dz|slope|delta|dW|db|W|b)\d(?:_new)?\[|slope")
FORMS = ("table", "markdown", "html", "json", "gradescope", "latex")
WRITES = [
    (problem, name)
    for problem, names in {
        "hand-3-2-2": ("bishop", "nielsen", "ng", "mazur"),
        "sigmoid-xor": ("uy",),
        "shared-bias-2-2-2": ("mazur",),
    }.items()
    for name in names
]


def slipped(problem: str, notation: str | None, tmp_path: Path) -> Checked:
    """Outputs and error signals to four figures, those of the last layer doubled, in a notation."""
    own = load(problem)
    step = trace(own, digits=4)
    last = len(own.network)
    factor = {q: 2 if q.kind == "delta" and q.layer == last else 1 for q in step.shown if q.kind in ("z", "delta")}
    values = {q: f"{factor[q] * float(step.shown[q]):.4g}" for q in factor}
    path = tmp_path / "sheet.csv"
    rows = str(filled_sheet(own, "csv", notation, values=values)).splitlines()
    path.write_text("\n".join(row for row in rows if not row.endswith(",")), encoding="utf-8")
    return check(own, [path])


@pytest.mark.parametrize(("problem", "notation"), WRITES)
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_causes_are_told_in_the_letters_of_the_sheet(problem: str, notation: str, lang: str, tmp_path: Path) -> None:
    """In no format and no language does a canonical name stand in the report of a sheet in a notation."""
    checked = slipped(problem, notation, tmp_path)
    assert checked.causes
    for form in FORMS:
        report = render(checked, form, lang=lang)
        assert OURS.search(report) is None, (form, OURS.search(report))


def test_a_canonical_sheet_is_told_in_canonical_letters(tmp_path: Path) -> None:
    """The planted twin: what the test above looks for is there."""
    for form in FORMS[:-1]:
        assert OURS.search(render(slipped("hand-3-2-2", None, tmp_path), form).replace("\\_", "_")), form


@pytest.mark.parametrize("form", ["latex", "markdown"])
@pytest.mark.parametrize("problem", ["hand-3-2-2", "softmax-xor", "threshold-xor"])
def test_typeset_names_are_told_as_people_type_them(problem: str, form: str, tmp_path: Path) -> None:
    """A sheet in LaTeX is answered in the names of the same sheet as CSV."""
    own, names = load(problem), []
    for ending, written in ((".csv", "csv"), (".tex" if form == "latex" else ".md", form)):
        path = tmp_path / f"sheet{ending}"
        path.write_text(str(blank_sheet(own, written, "nielsen")), encoding="utf-8")
        names.append([m.name for m in check(own, [path]).one.marks])
    assert names[0] == names[1]


@pytest.mark.parametrize("name", [r"\delta_{9}^{(2)}", r"\frac{1}{2}\delta_1^{(2)}"])
def test_what_would_mean_something_else_keeps_its_spelling(name: str, tmp_path: Path) -> None:
    """The planted twin: a name that is unknown, or a formula, is told as it stands."""
    path = tmp_path / "sheet.csv"
    path.write_text(f"quantity,value\n{name},1.5\n", encoding="utf-8")
    assert [m.name for m in check("hand-3-2-2", [path]).one.marks] == [name]


@pytest.mark.parametrize("notation", [n for n in NOTATIONS if n != "uy"])
def test_equations_are_those_of_the_notation(notation: str, tmp_path: Path) -> None:
    """Exactly what the notation writes for the quantities of the right equation."""
    checked = slipped("hand-3-2-2", notation, tmp_path)
    own = load("hand-3-2-2")
    signal, output, target = (
        letters_of(own, notation).text(read_name(own.network, 1, name)) for name in ("dz2[1]", "z2[1]", "t[1]")
    )
    assert f"{signal} = {output} - {target}" in " ".join(str(checked).split())


def test_sentences_use_the_letters_too(tmp_path: Path) -> None:
    """Where a and z are exchanged, the slope is taken at z, not at a."""
    rows = {"z1[1]": "0.6457", "z1[2]": "0.7685", "delta2[1]": "2.183", "delta2[2]": "4.011"}
    rows |= {"delta1[1]": "3.209", "delta1[2]": "4.419"}
    own = load("hand-3-2-2")
    told = {}
    for notation in ("bishop", "nielsen", "ng", "mazur"):
        name = letters_of(own, notation).text
        lines = [f"{name(read_name(own.network, 1, ours))} = {number}" for ours, number in rows.items()]
        path = tmp_path / "sheet.txt"
        path.write_text("\n".join([f"# notation: {notation}", *lines]), encoding="utf-8")
        checked = check(own, [path])
        told[notation] = " ".join(str(checked).split()), check(own, [path, path])
    assert "takes the slope at z: h' is taken at the pre-activation a." in told["bishop"][0]
    assert "takes the slope at a: sigma' is taken at the pre-activation z." in told["nielsen"][0]
    assert "takes the slope at a: g' is taken at the pre-activation z." in told["ng"][0]
    assert "takes the slope at out: f' is taken at the pre-activation net." in told["mazur"][0]
    assert "takes the slope at a: g' is taken at the pre-activation z." in " ".join(str(told["ng"][1]).split())


def test_own_names_are_used_where_the_sheet_uses_them(tmp_path: Path) -> None:
    """`[names]`, with ours for what has none; a given number keeps its name."""
    sheet = {"out_h1": "0.5933", "out_h2": "0.5969", "delta_o1": "0.1385", "dw5": "0.0822", "w5_new": "0.4411"}
    report = " ".join(str(check("shared-bias-2-2-2", sheet)).split())
    assert "w5_new = w5 + eta·dw5; right: w5_new = w5 - eta·dw5" in report
    assert OURS.search(report) is None
    given = check("shared-bias-2-2-2", {"i1": "0.5", "net_h1": "0.445"})
    assert "i1 = 0.5 (≠ 0.05)" in str(given)


def test_indices_from_0_are_told_from_0(tmp_path: Path) -> None:
    """A program's indices in equations too."""
    path = tmp_path / "sheet.txt"
    path.write_text("z1[0] = 0.6457\nz1[1] = 0.7685\ndelta2[0] = 4.366\ndelta2[1] = 8.022\n", encoding="utf-8")
    report = " ".join(str(check("hand-3-2-2", [path])).split())
    assert "dz2[0] = z2[0] - t[0]" in report


def test_a_class_is_told_in_the_letters_of_most_of_its_sheets(tmp_path: Path) -> None:
    """One cause stays one, whatever letters show it."""
    ng = "# notation: ng\nx_1 = 2\nz^[1]_1 = 0.7\nz^[1]_2 = 1.4\n"
    for name in ("anna", "berta"):
        (tmp_path / f"{name}.txt").write_text(ng, encoding="utf-8")
    (tmp_path / "ben.txt").write_text("x[1] = 2\na1[1] = 0.7\na1[2] = 1.4\n", encoding="utf-8")
    report = " ".join(str(check("hand-3-2-2", [tmp_path])).split())
    assert "3 of 3 sheets: x_1: worked as if a given number were another one: x_1 = 2 (≠ 1)" in report
    (tmp_path / "anna.txt").unlink()
    (tmp_path / "bob.txt").write_text("x[1] = 2\na1[1] = 0.7\na1[2] = 1.4\n", encoding="utf-8")
    assert "x[1] = 2 (≠ 1)" in " ".join(str(check("hand-3-2-2", [tmp_path])).split())


def test_the_step_page_places_cells_in_other_letters(tmp_path: Path) -> None:
    """Each beside its step, none left over."""
    traced = trace("hand-3-2-2")
    for notation in (None, "ng", "mazur"):
        page = sheet_of(slipped("hand-3-2-2", notation, tmp_path).one, lambda cell: str(traced.read(cell)), "en")
        assert all(place for place, _ in page.causes)


def test_near_names_are_in_the_letters_of_the_sheet(tmp_path: Path) -> None:
    """Of a notation, of `[names]`; a name in several words is told whole."""
    path = tmp_path / "sheet.txt"
    path.write_text("# notation: ng\na^[1]_1 = 0.6457\ndy^[2]_1 = 3\nqq = 3\nbias output = 2\n", encoding="utf-8")
    said = [mark.facts.get("message", "") for mark in check("hand-3-2-2", [path]).marks]
    assert "near: dz^[2]_1" in said[1]
    assert "names look like a^[1]_1, dz^[1]_1, dw^[1]_11, L" in said[2]
    assert said[3].startswith("'bias output' is not a quantity")
    assert "near: out_h1" in check("shared-bias-2-2-2", {"ot_h1": "0.5933"}).marks[0].facts["message"]
    assert "near: z1[1]" in check("hand-3-2-2", {"zz1[1]": "0.6"}).marks[0].facts["message"]
    assert "may be the change or the gradient" in check("hand-3-2-2", {"Δw": "0.6"}).marks[0].facts["message"]


@pytest.mark.parametrize("form", ["csv", "text", "json"])
@pytest.mark.parametrize("notation", ["nielsen", "ng", "mazur"])
def test_numbers_are_verified_in_the_notation_that_their_sheet_states(notation: str, form: str, tmp_path: Path) -> None:
    """Nielsen's z is not ours: with the statement taken out, the same sheet does not agree."""
    own = load("hand-3-2-2")
    values = {q: repr(float(v)) for step in steps_of(own) for q, v in step.items()}
    path = tmp_path / "sheet"
    text = str(filled_sheet(own, form, notation, values=values))
    path.write_text(text, encoding="utf-8")
    assert verify(own, path).agrees
    assert len(put_beside(own, read_sheet(path)).rows) == len(values)
    if notation == "nielsen":
        path.write_text(text.replace("notation", "schema"), encoding="utf-8")
        with pytest.raises(SheetError):
            verify(own, path)
