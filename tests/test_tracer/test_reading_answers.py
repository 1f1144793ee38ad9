"""Answer sheets of every format are read cell by cell, every digit kept, every fault told in its own entry."""

from __future__ import annotations

import io
import json
import stat
import warnings
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import random_problem
from processor import within
from sheet_texts import BAD, GOOD, TWO

from derivations.names import Quantity, text
from derivations.network import Problem
from derivations.notation import NOTATIONS, NotationError
from tracer import load
from tracer.answers.blank import SHEET_FORMATS, asked, blank_sheet, filled_sheet
from tracer.answers.reading.entries import MOST_AGAIN, Sheet
from tracer.answers.reading.sources import read_sheets, readings, sheet_from
from tracer.answers.reading.written import read_written
from tracer.answers.solutions.marked import written_text
from tracer.tracing import steps_of

HAND = load("hand-3-2-2")
SUFFIX = {"csv": ".csv", "markdown": ".md", "text": ".txt", "json": ".json", "xlsx": ".xlsx", "latex": ".tex"}


def sheets(tmp_path: Path, content: str | bytes, name: str = "sheet.csv", **more: Any) -> list[Sheet]:
    """What a file of that name holds."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_sheets(more.pop("problem", HAND), [path], **more))


def cells(sheet: Sheet, problem: Problem = HAND) -> dict[str, str]:
    """The numbers of a sheet by our names, as written; every one understood."""
    assert not sheet.error
    assert [e for e in sheet.entries if e.fault] == []
    return {text(problem.network, e.quantity): e.value.text if e.value else "" for e in sheet.entries if e.quantity}


# --- formats ---


@pytest.mark.parametrize("way", GOOD)
def test_what_the_strict_reader_reads_is_read_here(way: str, tmp_path: Path) -> None:
    """Both readers understand the same sheets."""
    (sheet,) = sheets(tmp_path, GOOD[way])
    assert cells(sheet) == TWO


@pytest.mark.parametrize("what", BAD)
def test_a_bad_sheet_is_an_error_or_faulty_cells(what: str, tmp_path: Path) -> None:
    """Nothing raises, nothing takes a second, and every message is one short printable line."""
    with within(1):
        found = sheets(tmp_path, BAD[what][0])
    for sheet in found:
        told = [sheet.error, *(e.message for e in sheet.entries)]
        assert all(message.isprintable() and len(message) < 400 for message in told)
        assert sheet.error or sheet.entries


WRITTEN = {
    "list items": ("a.md", "# Mine\n\nSome words, and 3 of them.\n\n- z1[1] = 0.6457\n* $z_2^{(1)}$ ≈ 0.7685\n"),
    "a pipe table": ("a.md", "| quantity | value |\n|:--|--:|\n| `z1[1]` | 0.6457 |\n| z₂⁽¹⁾ | 0.7685 |\n"),
    "a pipe table without a header's words": ("a.md", "| z1[1] | 0.6457 |\n|---|---|\n| z1[2] | 0.7685 |\n"),
    "a LaTeX tabular": (
        "a.tex",
        "\\begin{tabular}{ll}\n$z_{1}^{(1)}$ & $0.6457$ \\\\ \\hline\n$z_2^{(1)}$ & 0.7685 \\\\\n\\end{tabular}",
    ),
    "colons": ("a.txt", "My answers follow.\nz1[1]: 0.6457\nz1[2]: 0.7685\n"),
    "a chain": ("a.txt", "z1[1] = 1/(1 + exp(-0.6)) ≈ 0.6457\nz1[2] = 0.7685\n"),
    "bold and dollars": ("a.md", "**z1[1]** = **0.6457**\n\n$z_2^{(1)} \\approx 0.7685$\n"),
    "UTF-16": ("a.csv", "z1[1]\t0.6457\r\nz1[2]\t0.7685\r\n".encode("utf-16")),
    "Shift_JIS": ("a.csv", "量,z1[1],z1[2]\n田中,0.6457,0.7685\n".encode("cp932")),
    "a JSON list": ("a.json", '[{"name": "z1[1]", "value": 0.6457}, {"name": "z1[2]", "value": "0.7685"}]'),
    "JSON arrays": ("a.json", '{"z1": [0.6457, "0.7685"]}'),
    "a notebook": (
        "a.ipynb",
        json.dumps(
            {
                "nbformat": 4,
                "cells": [
                    {"cell_type": "markdown", "source": ["# z\n", "z1[1] = 0.6457\n"]},
                    {"cell_type": "code", "source": "1/0", "outputs": [{"text": ["z1[2] = 0.7685\n"]}]},
                    {"cell_type": "code", "source": "z1[1] = 99", "outputs": [{"data": {"text/html": "<b>"}}]},
                ],
            }
        ),
    ),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_every_format_is_read(way: str, tmp_path: Path) -> None:
    """Names and digits come out as written, whatever stands around them."""
    name, content = WRITTEN[way]
    (sheet,) = sheets(tmp_path, content, name)
    assert cells(sheet) == {"z1[1]": "0.6457", "z1[2]": "0.7685"}


def test_a_class_table_is_a_sheet_a_row(tmp_path: Path) -> None:
    """Blanks are missing, other columns are left out, each cell says where it stands, one bad row stops nobody."""
    table = "student,group,z1[1],E,zz1_1\nanna,A,0.6457,,1\nbob,B,0.65,10.43,\ncarl,A,1,2,3,4\n\ndora,B,x,1,\n"
    anna, bob, carl, dora = sheets(tmp_path, table)
    assert [s.id for s in (anna, bob, carl, dora)] == ["anna", "bob", "carl", "dora"]
    assert [(e.name, e.number, e.fault) for e in anna.entries] == [
        ("z1[1]", "0.6457", ""),
        ("E", "", ""),
        ("zz1_1", "1", "unknown"),
    ]
    assert bob.entries[1].where == "line 3, E"
    assert "6 cells under a header of 5" in carl.error
    assert dora.entries[0].fault == "malformed"


def test_a_class_of_500_is_quick(tmp_path: Path) -> None:
    """10,500 cells in well under half a second."""
    wanted = [text(HAND.network, q) for q in asked(HAND)][:21]
    lines = [
        "id;" + ";".join(wanted),
        *(f"s{k};" + ";".join(f"{k + i / 7:.4f}" for i in range(21)) for k in range(500)),
    ]
    path = tmp_path / "class.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    with within(1.5):
        assert sum(len(s.entries) for s in read_sheets(HAND, [path])) == 10_500


def test_npz_arrays_are_their_shortest_decimals(tmp_path: Path) -> None:
    """Each in its own precision; nothing pickled is read."""
    out = io.BytesIO()
    np.savez(out, z1=np.float32([0.1, 0.7685]), E=np.float64(10.43))
    (sheet,) = sheets(tmp_path, out.getvalue(), "a.npz")
    assert cells(sheet) == {"z1[1]": "0.1", "z1[2]": "0.7685", "E": "10.43"}
    out = io.BytesIO()
    np.savez(out, z1=np.array([{}], object))
    (bad,) = sheets(tmp_path, out.getvalue(), "b.npz")
    assert "object" in bad.error


def test_a_workbook_keeps_the_zeros_it_shows(tmp_path: Path) -> None:
    """1.41 in the format 0.000 is 1.410; text stays as it is."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["quantity", "value"], ["dW2[1,1]", 1.41], ["z1[1]", "0.6450"], ["E", 10.43], ["z1[2]", 0.7685]):
        book.active.append(row)
    book.active["B2"].number_format = "0.000"
    out = io.BytesIO()
    book.save(out)
    (sheet,) = sheets(tmp_path, out.getvalue(), "a.xlsx")
    assert cells(sheet) == {"dW2[1,1]": "1.410", "z1[1]": "0.6450", "E": "10.43", "z1[2]": "0.7685"}
    assert sheet.entries[0].where == "row 2"
    (macros,) = sheets(tmp_path, out.getvalue(), "a.xlsm")
    assert "macros" in macros.error


# --- numbers, names, faults ---


@pytest.mark.parametrize(
    ("written", "text", "figures", "place"),
    [
        ("1.410", "1.410", 4, -3),
        ("8.59e-1", "8.59e-1", 3, -3),
        ("8.59×10^-1", "8.59e-1", 3, -3),
        ("8.59 \\times 10^{-1}", "8.59e-1", 3, -3),
        ("8.59·10⁻¹", "8.59e-1", 3, -3),
        ("−0.225", "-0.225", 3, -3),
        ("０.６４５０", "0.6450", 4, -4),
        ("1\u2009234.5", "1234.5", 5, -1),
        ("≈ 0.60", "0.60", 2, -2),
        ("$0.6457$", "0.6457", 4, -4),
        ("1/3", "1/3", 1, None),
        ("-.5", "-.5", 1, -1),
        ("0", "0", 0, 0),
        ("100", "100", 3, 0),
    ],
)
def test_numbers_are_kept_as_written(written: str, text: str, figures: int, place: int | None) -> None:
    """Their figures and the place of the last one too."""
    number = read_written(written)
    assert (number.text, number.figures, number.place) == (text, figures, place)
    assert number.exact == Fraction(text)


@pytest.mark.parametrize(
    "written", ["0.65 m", "1_0", "1 2", "0,5", "1e400", "nan", "", "=", "1.2.3", "٣", "1/0", "0x10"]
)
def test_what_is_no_number_is_refused(written: str) -> None:
    """With the reason."""
    with pytest.raises(ValueError, match=r"number|comma|large|finite|zero"):
        read_written(written)


def test_a_decimal_comma_is_read_on_request(tmp_path: Path) -> None:
    """Else the corrected number is told."""
    lines = "z1[1] = 0,6457\ndW2[1,1];1,410\n"
    assert cells(sheets(tmp_path, lines, decimal="comma")[0]) == {"z1[1]": "0.6457", "dW2[1,1]": "1.410"}
    told = [e.message for e in sheets(tmp_path, lines)[0].entries]
    assert told == ["0,6457 has a decimal comma; write 0.6457", "1,410 has a decimal comma; write 1.410"]


def test_each_fault_has_its_own_entry(tmp_path: Path) -> None:
    """Unknown, duplicate, missing, malformed; the same number twice is a remark."""
    (sheet,) = sheets(
        tmp_path, "z1[1] = 0.6457\nE = 10.43\nz1_1 = 0.6457\nE = 10.4\nz1[2] =\nzz = 3\nx[1] = 1\na1[1] = big\n"
    )
    assert [(e.name, e.fault, e.where) for e in sheet.entries] == [
        ("z1[1]", "", "line 1"),
        ("E", "", "line 2"),
        ("E", "duplicate", "line 4"),
        ("z1[2]", "", "line 5"),
        ("zz", "unknown", "line 6"),
        ("x[1]", "", "line 7"),
        ("a1[1]", "malformed", "line 8"),
    ]
    assert sheet.remarks == ("line 3: 'z1_1' stands twice, with the same number",)
    assert sheet.entries[3].value is None
    assert sheet.entries[5].quantity == Quantity("x", 0, (1,))  # a given number, to be compared


def test_what_stands_there_over_and_over_is_told_a_few_times(tmp_path: Path) -> None:
    """Thousands of lines of one name cost no more than these; the planted twin: four lines are each told."""
    often, few = ("E = 10.43\n" + "".join(f"E = {k}.5\nE = 10.43\n" for k in range(n)) for n in (5000, 1))
    (sheet,) = sheets(tmp_path, often)
    assert len(sheet.entries) + len(sheet.remarks) == 1 + MOST_AGAIN + 1
    assert sheet.remarks[-1] == "'E' stands there 10001 times; leave one"
    (sheet,) = sheets(tmp_path, few)
    assert [len(sheet.entries), len(sheet.remarks)] == [2, 1]


def test_a_name_may_be_a_formula_in_names(tmp_path: Path) -> None:
    """A number times a quantity is that quantity with a factor; anything else is a tree."""
    (sheet,) = sheets(tmp_path, "-delta2[1] = -2.183\n2*E = 20.85\nE/2 = 5\ndelta2[1]·z1[1] = 1.410\n")
    assert [(e.quantity and e.quantity.kind, e.factor, e.formula is None) for e in sheet.entries] == [
        ("delta", -1, True),
        ("E", 2, True),
        ("E", Fraction(1, 2), True),
        (None, 1, False),
    ]
    for hostile in ("__import__('os')", "E**99999", "(" * 150 + "E" + ")" * 150, "E+" * 90 + "E.x", "9**9**9"):
        (sheet,) = sheets(tmp_path, f"{hostile} : 1\n", "a.txt")
        assert sheet.entries[0].fault == "unknown", hostile


def test_arrays_from_python() -> None:
    """(units,), (units, inputs), in a batch (samples, units), each number the shortest of its precision."""
    sheet = sheet_from(HAND, {"dW1": np.float32([[0.1, 2, 3], [4, 5, 6]]), "a1[1]": "0.60", "E": 10.43})
    assert list(cells(sheet).items())[:2] == [("dW1[1,1]", "0.1"), ("dW1[1,2]", "2.0")]
    assert cells(sheet)["a1[1]"] == "0.60"
    batch = load("softmax-xor")
    read = cells(sheet_from(batch, {"z2": np.arange(8).reshape(4, 2) / 8, "E": 0.5, "dW2": np.ones((2, 8))}), batch)
    assert (read["z2[2]@3"], read["E"], len(read)) == ("0.625", "0.5", 25)
    wrong = sheet_from(HAND, {"z1": [1, 2, 3], "nothing": [1], "E": True})
    assert [e.fault for e in wrong.entries] == ["malformed", "unknown", "malformed"]
    assert "has shape (3,); ours is (2,)" in wrong.entries[0].message


def test_a_sheet_is_read_in_the_notation_it_states(tmp_path: Path) -> None:
    """A line in the sheet, [sheet] or an option; one that cannot write the network is an error."""
    lines = "# notation: ng\nZ1[1] = 0.6\nA1[1] = 0.6457\ndZ2[1] = 2.183\ndW2[1,1] = 1.410\n"
    (sheet,) = sheets(tmp_path, lines)
    assert cells(sheet) == {"a1[1]": "0.6", "z1[1]": "0.6457", "delta2[1]": "2.183", "dW2[1,1]": "1.410"}
    assert sheet.remarks[0].startswith("names read in the notation `ng`")
    assert cells(sheets(tmp_path, lines.split("\n", 1)[1], notation="ng")[0]) == cells(sheet)
    assert "writes networks with" in sheets(tmp_path, "# notation: uy\nu = 1\n")[0].error
    assert "is not known" in sheets(tmp_path, "# notation: bourbaki\nu = 1\n")[0].error


def test_a_notation_that_nobody_stated_is_found(tmp_path: Path) -> None:
    """The one that understands most names; where several do, all are offered, canonical names first."""
    mazur = "net_h1 = 0.6\nout_h1 = 0.6457\n∂E_total/∂w5... = 1\nout_o1 = 2.183\nw5+ = 0.8590\n"
    problem = load("hand-3-2-2")
    (sheet,) = sheets(tmp_path, mazur.replace("5...", "7"), "a.txt")
    assert "`mazur`" in sheet.remarks[0]
    assert cells(sheet)["z2[1]"] == "2.183"
    (ours,) = sheets(tmp_path, "z1[1] = 0.6\na1[1] = 0.6457\n")
    assert cells(ours) == {"z1[1]": "0.6", "a1[1]": "0.6457"}
    swapped = [cells(s) for s in readings(problem, ours) if not any(e.fault for e in s.entries)]
    assert swapped[0] == cells(ours)
    assert {"a1[1]": "0.6", "z1[1]": "0.6457"} in swapped
    (zero,) = sheets(tmp_path, "z1[0] = 0.6457\ndW1[1,0] = 3.6\n")
    assert cells(zero) == {"z1[1]": "0.6457", "dW1[2,1]": "3.6"}
    assert zero.remarks == ("indices read as counted from 0",)


# --- blank sheets ---


def stated(problem: Problem) -> list[str | None]:
    """Canonical names, and the notations that can write a network."""
    out: list[str | None] = [None]
    for name, notation in NOTATIONS.items():
        try:
            notation.check(problem.network)
        except NotationError:
            continue
        out.append(name)
    return out


@pytest.mark.parametrize("form", SHEET_FORMATS)
@pytest.mark.parametrize(
    "source", ["hand-3-2-2", "tanh-xor", "threshold-xor", "softmax-xor", "shared-bias-2-2-2", 3, 11, 17]
)
def test_a_filled_in_sheet_reads_back(form: str, source: Any, tmp_path: Path) -> None:
    """Every quantity and every written digit, in every format and notation."""
    if form == "xlsx":
        pytest.importorskip("openpyxl")
    problem = load(random_problem(source) if isinstance(source, int) else source)
    numbers = {q: _shown(v) for step in steps_of(problem) for q, v in step.items()}
    for notation in stated(problem):
        content = filled_sheet(problem, form, notation, values=numbers)
        (sheet,) = sheets(tmp_path, content, f"a{SUFFIX[form]}", problem=problem)
        assert not sheet.error
        assert written_text(tmp_path / f"a{SUFFIX[form]}") is None
        for e in sheet.entries:
            assert not e.fault, e
        got = {e.quantity: e.number for e in sheet.entries}
        alike = {Quantity("E"), Quantity("E_part", 0, (1,)), Quantity("E_sample")}
        assert all(got.get(q, "?") == n or _alike(q) for q, n in numbers.items()), notation
        assert len(got) >= len([q for q in numbers if not _alike(q)])
        assert alike


@pytest.mark.parametrize("bar", ["", r"\right\rvert_{\tau=4}", "_{n=2}"])
def test_a_table_of_formulas_is_a_written_solution(bar: str, tmp_path: Path) -> None:
    """The sample under a name states nothing; a sign of equality beside the name does."""
    path = tmp_path / "a.tex"
    for cell, formulas in ((f"${{z}}_1{bar}$ & $0.5$", False), (f"${{z}}_1{bar} = 0.5$ & ", True)):
        path.write_text(rf"\begin{{tabular}}{{ll}}{cell} \\ \end{{tabular}}")
        assert (written_text(path) is not None) == formulas


def _alike(q: Quantity) -> bool:
    """E of one output and of one sample may be written as E; dz0 of a loss as E's derivative by x."""
    return q.kind in ("E", "E_part", "E_sample")


def _shown(value: Any) -> str:
    return f"{float(value):.3e}" if abs(float(value)) < 1e-3 else f"{float(value):.4f}"


@pytest.mark.parametrize("form", SHEET_FORMATS)
def test_a_blank_sheet_is_all_missing(form: str, tmp_path: Path) -> None:
    """Handed in empty, every cell is there without a number."""
    if form == "xlsx":
        pytest.importorskip("openpyxl")
    (sheet,) = sheets(tmp_path, blank_sheet(HAND, form), f"a{SUFFIX[form]}")
    assert [e.quantity for e in sheet.entries] == asked(HAND)
    assert all(e.value is None and not e.fault for e in sheet.entries)


# --- sources ---


def test_folders_and_archives_are_read_in_order(tmp_path: Path) -> None:
    """By name, folders inside too; hidden files are left out, what is no sheet is told."""
    folder = tmp_path / "class"
    (folder / "bob").mkdir(parents=True)
    for name in ("bob/answers.csv", "anna.txt", ".hidden.csv", "carl.pdf"):
        (folder / name).write_text("E = 10.43\n", encoding="utf-8")
    (folder / "link.csv").symlink_to("/etc/hostname")
    archive = tmp_path / "class.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for name in ("bob/answers.csv", "anna.txt", "carl.pdf"):
            packed.write(folder / name, name)
    found = list(read_sheets(HAND, [folder]))
    assert [(s.id, bool(s.error)) for s in found] == [
        ("anna", False),
        ("bob/answers", False),
        ("carl", True),
        ("link", True),
    ]
    assert [s.id for s in read_sheets(HAND, [archive])] == ["anna", "bob/answers", "carl"]
    (piped,) = read_sheets(HAND, ["-"], standard_input=io.BytesIO(b"E = 10.43\n"))
    assert (piped.id, piped.entries[0].number) == ("standard input", "10.43")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_sheets(HAND, [tmp_path / "nowhere.csv"])


def test_the_folder_that_a_whole_archive_stands_in_is_no_part_of_an_id(tmp_path: Path) -> None:
    """As for a folder; folders that tell the sheets apart stay."""
    archive = tmp_path / "class.zip"
    for names, ids in {
        ("class/anna.csv", "class/bob.csv", "__MACOSX/class/._anna.csv"): ["anna", "bob"],
        ("class/a/anna.csv", "class/bob.csv"): ["a/anna", "bob"],
        ("class\\anna.csv", "class\\bob.csv"): ["anna", "bob"],
        ("a/1.csv", "b/1.csv"): ["a/1", "b/1"],
    }.items():
        with zipfile.ZipFile(archive, "w") as packed:
            for name in names:
                packed.writestr(name, "E = 10.43\n")
        assert [s.id for s in read_sheets(HAND, [archive])] == ids


def test_an_archive_leads_nowhere_else(tmp_path: Path) -> None:
    """Paths out of it, links, bombs and doubles are errors of their own; the rest is read."""
    archive = tmp_path / "bad.zip"
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with warnings.catch_warnings(), zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        warnings.simplefilter("ignore")  # two entries of one name
        packed.writestr("../out.csv", "E = 1")
        packed.writestr("/root.csv", "E = 1")
        packed.writestr(link, "/etc/passwd")
        packed.writestr("bomb.csv", "0" * 900_000)
        packed.writestr("large.csv", "0" * 2_000_000)
        packed.writestr("two.csv", "E = 1")
        packed.writestr("two.csv", "E = 2")
        packed.writestr("zz.csv", "E = 10.43")
        packed.writestr("inner.zip", "PK")
    errors = {s.id: s.error for s in read_sheets(HAND, [archive])}
    assert errors.pop("zz") == ""
    assert len(errors) == 8
    assert all(message or own == "two" for own, message in errors.items())


def test_a_file_without_a_name_stops_no_archive(tmp_path: Path) -> None:
    """An entry whose name is empty is told; the others are read."""
    archive = tmp_path / "class.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("anna.csv", "E = 10.43\n")
        packed.writestr(zipfile.ZipInfo(""), "E = 1\n")
    found = {s.error: s.id for s in read_sheets(HAND, [archive])}
    assert found == {"": "anna", "a file without a name; pack it again": ""}


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([*WRITTEN]))
def test_damaged_files_are_sheets_or_errors(random: Any, way: str) -> None:
    """Whatever bytes change, reading ends at once, in sheets whose words are printable."""
    name, content = WRITTEN[way]
    damaged = bytearray(content.encode() if isinstance(content, str) else content)
    for _ in range(random.randint(1, 6)):
        place = random.randrange(len(damaged))
        piece = random.choice([b"", b"\xff", b"\0", b"=", b"|", b"[" * 300, b'"', b"{", b"\\frac{", b"1e999", b"\x1b"])
        damaged[place : place + random.randint(0, 3)] = piece
    with within(1):
        from tracer.answers.reading.formats import raw_answers
        from tracer.answers.reading.naming import Naming

        naming = _NAMING.setdefault("hand", Naming(HAND))
        try:
            found = [naming.read(raw) for raw in raw_answers(bytes(damaged), "a", Path(name).suffix, naming.understood)]
        except ValueError as e:
            found = [Sheet("a", (), error=str(e))]
    assert all(e.message.isprintable() for s in found for e in s.entries)


_NAMING: dict[str, Any] = {}
