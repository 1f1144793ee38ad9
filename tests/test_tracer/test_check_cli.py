"""`bptrace check` and `bptrace sheet` from the outside: exit codes, classes, every format, a light door."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import tracer
from tracer.answers.reporting.render import FORMATS, LANGUAGES, LEVELS
from tracer.cli import main
from tracer.samples import find_sample

HAND = "hand-3-2-2"
Capture = pytest.CaptureFixture[str]
RIGHT = "z1[1],0.6457\nz1[2],0.7685\ndelta2[1],2.183\ndelta2[2],4.011\n"
SLIPPED = "z1[1],0.6457\nz1[2],0.7685\ndelta2[1],4.366\ndelta2[2],8.022\n"


def said(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    """(exit code, standard output, standard error)."""
    try:
        code: Any = main([str(argument) for argument in arguments])
    except SystemExit as e:
        code = e.code
    out, err = capsys.readouterr()
    return code, out, err


def a_sheet(folder: Path, text: str, name: str = "ann.csv") -> Path:
    """A file with these cells."""
    path = folder / name
    path.write_text("quantity,value\n" + text, encoding="utf-8")
    return path


def a_class(folder: Path) -> Path:
    """Three sheets in a folder: right, with a slip, and one that nobody can read."""
    folder.mkdir()
    a_sheet(folder, RIGHT, "ann.csv"), a_sheet(folder, SLIPPED, "bob.csv")
    (folder / "eve.csv").write_bytes(b"\x00\x01\x02")
    return folder


# --- one sheet ---


def test_a_right_sheet(tmp_path: Path, capsys: Capture) -> None:
    """Exit code 0."""
    code, out, err = said(capsys, "check", HAND, a_sheet(tmp_path, RIGHT))
    assert (code, err) == (0, "")
    assert "all 4 right" in out


def test_the_printed_sheet(capsys: Capture) -> None:
    """The sheet that is shipped with the sample."""
    folder = find_sample(HAND)
    assert folder is not None
    code, out, _ = said(capsys, "check", HAND, folder.parent / "printed.csv")
    assert code == 0
    assert "all 21 right" in out


def test_a_slip(tmp_path: Path, capsys: Capture) -> None:
    """Exit code 1, one cause, and what should have been done."""
    code, out, _ = said(capsys, "check", HAND, a_sheet(tmp_path, SLIPPED))
    assert code == 1
    assert "2 of 4 right, 1 cause" in out
    assert "2.183" in out


def test_feedback_gives_nothing_away(tmp_path: Path, capsys: Capture) -> None:
    """At "verdict" no right value and no slip; at "hint" no right value."""
    sheet = a_sheet(tmp_path, SLIPPED)
    _, verdict, _ = said(capsys, "check", HAND, sheet, "--feedback", "verdict")
    _, hint, _ = said(capsys, "check", HAND, sheet, "--feedback", "hint")
    assert "2.183" not in verdict
    assert "4.011" not in verdict
    assert "2.183" not in hint


def test_standard_input(tmp_path: Path) -> None:
    """`-` reads it."""
    line = [sys.executable, "-m", "tracer", "check", HAND, "-"]
    done = subprocess.run(line, input=RIGHT.encode(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert b"all 4 right" in done.stdout


@pytest.mark.parametrize("lang", LANGUAGES)
def test_languages(lang: str, tmp_path: Path, capsys: Capture) -> None:
    """Every language says something, and lines fit 80 columns where it is English."""
    code, out, _ = said(capsys, "check", HAND, a_sheet(tmp_path, SLIPPED), "--lang", lang)
    assert code == 1
    assert lang != "en" or max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("level", LEVELS)
def test_every_format_and_level(form: str, level: str, tmp_path: Path, capsys: Capture) -> None:
    """Nothing fails, and the same comes twice."""
    source = a_sheet(tmp_path, SLIPPED) if form == "gradescope" else a_class(tmp_path / "class")  # one submission each
    arguments = ("check", HAND, source, "--format", form, "--feedback", level)
    first, again = said(capsys, *arguments), said(capsys, *arguments)
    assert first == again
    assert first[0] in (0, 1)
    assert first[1]


# --- a class ---


def test_a_class_of_sheets(tmp_path: Path, capsys: Capture) -> None:
    """Exit code 0 once all are marked; the one that cannot be read does not stop the rest."""
    code, out, _ = said(capsys, "check", HAND, a_class(tmp_path / "class"))
    assert code == 0
    for name in ("ann", "bob", "eve"):
        assert name in out


def test_a_zip_is_a_folder(tmp_path: Path, capsys: Capture) -> None:
    """The same sheets in an archive get the same scores."""
    folder = a_class(tmp_path / "class")
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    scores = []
    for source in (folder, tmp_path / "class.zip"):
        _, out, _ = said(capsys, "check", HAND, source, "--format", "json")
        scores.append([sheet["score"] for sheet in json.loads(out)["sheets"]])
    assert scores[0] == scores[1] == [1, 0.5, None]


def test_a_class_table(tmp_path: Path, capsys: Capture) -> None:
    """One row a student; ids are kept."""
    table = tmp_path / "class.csv"
    table.write_text("id,z1[1],delta2[1]\ns1,0.6457,2.183\ns2,0.6457,4.366\ns3,,\n", encoding="utf-8")
    _, out, _ = said(capsys, "check", HAND, table, "--format", "json")
    sheets = json.loads(out)["sheets"]
    assert [(s["sheet"], s["score"]) for s in sheets][:2] == [("s1", 1), ("s2", 0.5)]


def test_json_follows_its_schema(tmp_path: Path, capsys: Capture) -> None:
    """As published."""
    schema = json.loads((Path(tracer.__file__).parent / "schemas" / "check-1.json").read_text(encoding="utf-8"))
    _, out, _ = said(capsys, "check", HAND, a_class(tmp_path / "class"), "--format", "json")
    jsonschema.validate(json.loads(out), schema)


def test_csv_is_a_gradebook(tmp_path: Path, capsys: Capture) -> None:
    """One row a sheet, and nothing that a spreadsheet would run."""
    folder = a_class(tmp_path / "class")
    a_sheet(folder, RIGHT, "=cmd.csv")
    _, out, _ = said(capsys, "check", HAND, folder, "--format", "csv")
    rows = list(csv.reader(io.StringIO(out)))
    assert len(rows) >= 5
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "@")]


def test_a_markers_verdict_stands(tmp_path: Path, capsys: Capture) -> None:
    """An override file is applied to a re-run."""
    overrides = tmp_path / "overrides.csv"
    overrides.write_text("sheet,cell,verdict\nann,delta2[1],right\nann,delta2[2],right\n", encoding="utf-8")
    sheet = a_sheet(tmp_path, SLIPPED)
    _, out, _ = said(capsys, "check", HAND, sheet, "--overrides", overrides, "--format", "json")
    assert json.loads(out)["sheets"][0]["score"] == 1


# --- refusals ---


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", HAND, "missing.csv"), "missing.csv"),
        (("check", "no-such-sample", "x.csv"), "no-such-sample"),
        (("check", HAND), "SHEET"),
    ],
)
def test_refused(arguments: tuple[str, ...], words: str, capsys: Capture) -> None:
    """Exit code 2 and a line that says where."""
    code, out, err = said(capsys, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


# --- the blank sheet ---


def test_a_blank_sheet_is_all_missing(tmp_path: Path, capsys: Capture) -> None:
    """What `bptrace sheet` writes can be read back: nothing is unknown, all of it is missing."""
    blank = tmp_path / "blank.csv"
    code, _, _ = said(capsys, "sheet", HAND, "-o", blank)
    assert code == 0
    _, out, _ = said(capsys, "check", HAND, blank, "--format", "json")
    marks = json.loads(out)["sheets"][0]["marks"]
    assert marks
    assert {m["verdict"] for m in marks} == {"missing"}


def test_a_light_door() -> None:
    """Marking loads no sympy."""
    code = "import sys; from tracer import check; check('hand-3-2-2', {'E': '10.43'}); print('sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


def test_a_folder_may_hold_solutions_and_earlier_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Solutions are marked by their numbers; a gradebook is not a student; one quantity is one column."""
    (tmp_path / "ada.csv").write_text("z1[1],0.6457\ndW1_12,6.508\n", encoding="utf-8")
    (tmp_path / "ada.txt").write_text("z1_1 = 0.6457\nhidden one = 3\n", encoding="utf-8")
    (tmp_path / "bob.md").write_text("So $z_1^{(1)} = 0.6457$ and $y_1 \\approx 2.184$.\n", encoding="utf-8")
    (tmp_path / "eve.md").write_text("hello\n", encoding="utf-8")
    book = tmp_path / "book.csv"
    for _ in range(2):
        assert main(["check", "hand-3-2-2", str(tmp_path), "-o", str(book)]) == 0
        head, *rows = book.read_text(encoding="utf-8").splitlines()
        assert [row.split(",")[0] for row in rows] == ["ada", "ada (2)", "bob", "eve"]
        assert head.count("z1") == 1
    capsys.readouterr()
    assert main(["check", "hand-3-2-2", str(tmp_path)]) == 0
    report = capsys.readouterr().out
    assert "book: a report of bptrace, not a sheet" in report
    assert "ada (2): hidden one" in report or "hidden" in report


def test_plain_text_that_shows_its_work_is_a_solution(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers put in before a right result are checked too; lines of names and numbers stay an answer sheet."""
    work = tmp_path / "work.txt"
    work.write_text(
        "a1[1] = 0.1*1 + 0.1*2 + 0.1*3 = 0.6\ny1 = 1*0.6457 + 2*0.7685 = 2.183\nW2_new[1,1] = 1 + 0.1*1.410 = 0.8590\n",
        encoding="utf-8",
    )
    assert main(["check", "hand-3-2-2", str(work)]) == 1
    report = capsys.readouterr().out
    assert "✗     3  W2_new[1,1] = 1 + 0.1*1.410 = 0.8590" in report
    assert "2  y1 = 1*0.6457 + 2*0.7685 = 2.183" in report
    sheet = tmp_path / "sheet.txt"
    sheet.write_text("a1[1] = 0.6\ndelta2[1]*W2[1,1] = 2.183\n", encoding="utf-8")
    assert main(["check", "hand-3-2-2", str(sheet)]) == 0
    assert "all 2 right" in capsys.readouterr().out
