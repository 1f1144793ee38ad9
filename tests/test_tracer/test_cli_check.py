"""`bptrace check` and `bptrace sheet` as a person uses them: what they print, where it goes, how they end."""

from __future__ import annotations

import csv
import io
import json
import sys
import unicodedata
import zipfile
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import tracer
from tracer import check, trace
from tracer.cli import main

Capture = pytest.CaptureFixture[str]
SAMPLES = Path(__file__).parent.parent.parent / "samples" / "hand-3-2-2"
ANSWERS, CLASS = str(SAMPLES / "answers.csv"), str(SAMPLES / "class.csv")
SCHEMA = json.loads((Path(tracer.__file__).parent / "schemas" / "check-1.json").read_text(encoding="utf-8"))


def ran(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    code = main(list(arguments))
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def sheet(folder: Path, text: str, name: str = "ada.csv") -> str:
    """A sheet with these lines."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


# --- the three samples ---


def test_a_published_right_sheet_is_all_right(capsys: Capture) -> None:
    """1.410, 0.8590 and -0.225 included, which no single way of rounding gives."""
    code, out, _ = ran(capsys, "check", "hand-3-2-2", str(SAMPLES / "printed.csv"))
    assert code == 0
    assert "all 21 right" in out


def test_one_wrong_digit_on_it_is_found(tmp_path: Path, capsys: Capture) -> None:
    """The planted twin."""
    text = (SAMPLES / "printed.csv").read_text(encoding="utf-8").replace("1.410", "1.420")
    code, out, _ = ran(capsys, "check", "hand-3-2-2", sheet(tmp_path, text))
    assert code == 1
    assert "20 of 21 right" in out


def test_two_slips_are_named_and_what_follows_is_not_punished(capsys: Capture) -> None:
    """Causes are counted, not cells."""
    code, out, err = ran(capsys, "check", "hand-3-2-2", ANSWERS)
    assert (code, err) == (1, "")
    assert "9 of 13 right, 2 causes" in out
    assert "takes the slope at z" in out
    assert "goes up the gradient" in out
    assert "Right from there on: dW1[1,2]" in out


def test_a_class_is_counted_by_slip(capsys: Capture) -> None:
    """Two of eight take the slope at z: one cause, two sheets."""
    code, out, _ = ran(capsys, "check", "hand-3-2-2", CLASS)
    assert code == 0
    assert "8 sheets" in out
    assert "1. 2 of 8 sheets: delta1[1] takes the slope at z" in out


def test_the_same_slip_on_other_cells_is_one_cause_of_a_class(tmp_path: Path, capsys: Capture) -> None:
    """Grouped by slip, and for a given number by what was read, not by the first cell."""
    rows = (
        "id,x[2],z1[1],z1[2],delta2[1],delta2[2],delta1[1],delta1[2],dW1_12",
        "a,2,0.6457,0.7685,2.183,4.011,3.208,3.631,6.416",
        "b,2,0.6457,0.7685,2.183,4.011,3.252,4.417,6.505",
        "c,3,0.6457,0.7685,2.183,4.011,3.252,3.631,9.756",
        "d,3,0.6457,0.7685,2.183,4.011,3.252,3.631,9.756",
    )
    _, out, _ = ran(capsys, "check", "hand-3-2-2", sheet(tmp_path, "\n".join(rows), "class.csv"))
    told = out[out.index("\nCauses\n") :]
    assert "2 of 4 sheets: delta1[1] takes the slope at z" in told
    assert "Shown by delta1[1], delta1[2]" in told
    assert "2 of 4 sheets: x[2]: worked as if a given number were another one: x[2] = 3" in told
    assert "3. " not in told


# --- how it ends ---


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("z1[1],0.6457\n", 0),
        ("z1[1],0.6467\n", 1),
        ("z1[1],\n", 1),
        ("z1[1],two\n", 1),
        ("z1[1],0.6457\nfoo,1\n", 1),
        ("foo,1\nbar,2\n", 3),
        ("x[1],1\n", 3),
    ],
)
def test_the_exit_code_of_one_sheet(text: str, code: int, tmp_path: Path, capsys: Capture) -> None:
    """0 all right, 1 something wrong or blank, 3 where no cell could be judged."""
    assert ran(capsys, "check", "hand-3-2-2", sheet(tmp_path, text))[0] == code


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "empty.csv: no cells found"),
        ("picture.csv", b"\x89PNG\0\1\2", "picture.csv: not a text file"),
        ("ada.docx", b"words", "ada.docx"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_told_in_one_line(
    name: str, content: bytes, message: str, tmp_path: Path, capsys: Capture
) -> None:
    """Exit 2, nothing on standard output."""
    (tmp_path / name).write_bytes(content)
    code, out, err = ran(capsys, "check", "hand-3-2-2", str(tmp_path / name))
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.csv"], "nowhere.csv: no such file"),
        ([ANSWERS, "--notation", "greek"], "known are bishop"),
        ([CLASS, "--format", "gradescope"], "gradescope takes one sheet, not 8"),
        ([ANSWERS, "-o", "report.pdf"], "the ending says no format"),
        ([ANSWERS, "--overrides", "nowhere.csv"], "nowhere.csv: no such file"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line(arguments: list[str], message: str, capsys: Capture) -> None:
    code, out, err = ran(capsys, "check", "hand-3-2-2", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_a_folder_without_sheets_is_an_error(tmp_path: Path, capsys: Capture) -> None:
    code, out, err = ran(capsys, "check", "hand-3-2-2", str(tmp_path))
    assert (code, out) == (2, "")
    assert "no sheets" in err


def test_one_bad_sheet_never_stops_the_rest(tmp_path: Path, capsys: Capture) -> None:
    """It is named below the class; where none can be read nothing is decided."""
    (tmp_path / "bad.csv").write_bytes(b"\0")
    (tmp_path / "worse.csv").write_bytes(b"\0\0")
    assert ran(capsys, "check", "hand-3-2-2", str(tmp_path))[0] == 3
    sheet(tmp_path, "z1[1],0.6457\n")
    code, out, _ = ran(capsys, "check", "hand-3-2-2", str(tmp_path))
    assert code == 0
    assert "1 sheet, mean score 100.0%" in out
    assert "2 sheets could not be read" in out


# --- in what, to what ---


def test_folders_archives_arrays_workbooks_and_standard_input(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same numbers from everywhere."""
    text = Path(ANSWERS).read_text(encoding="utf-8")
    (tmp_path / "class").mkdir()
    for name in ("ada.csv", "ben.csv"):
        sheet(tmp_path / "class", text, name)
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("ada.csv", text)
        archive.writestr("ben.csv", text)
    for where in ("class", "class.zip"):
        assert "2 sheets, mean score 69.2%" in ran(capsys, "check", "hand-3-2-2", str(tmp_path / where))[1]
    step = trace("hand-3-2-2")
    np.savez(tmp_path / "mine.npz", delta1=step["delta1"], dW1=step["dW1"])
    assert "all 8 right" in ran(capsys, "check", "hand-3-2-2", str(tmp_path / "mine.npz"))[1]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert "9 of 13 right" in ran(capsys, "check", "hand-3-2-2", "-")[1]


def test_a_decimal_comma_is_refused_with_the_corrected_number_and_read_on_request(
    tmp_path: Path, capsys: Capture
) -> None:
    path = sheet(tmp_path, "quantity;value\nz1[1];0,6457\n")
    code, out, _ = ran(capsys, "check", "hand-3-2-2", path)
    assert code == 1
    assert "write 0.6457" in out
    assert ran(capsys, "check", "hand-3-2-2", path, "--decimal", "comma")[0] == 0


def test_other_letters_are_recognised_or_named(tmp_path: Path, capsys: Capture) -> None:
    """With a and z swapped as a whole the sheet is read that way, said once; wrongly named letters change verdicts."""
    text = "z1[1],0.6\nz1[2],1.2\na1[1],0.6457\na1[2],0.7685\nz2[1],2.183\nz2[2],5.011\n"
    path = sheet(tmp_path, text)
    code, out, _ = ran(capsys, "check", "hand-3-2-2", path)
    assert code == 0
    assert out.count("names read in the notation") == 1
    assert ran(capsys, "check", "hand-3-2-2", path, "--notation", "ng")[0] == 0
    assert ran(capsys, "check", "hand-3-2-2", path, "--notation", "bishop")[0] == 1


def test_a_marker_s_verdict_is_put_on_again(tmp_path: Path, capsys: Capture) -> None:
    """An accepted cell leaves its cause, and a name that is not there is told."""
    path = sheet(
        tmp_path, "sheet,cell,verdict,points,comment\nanswers,delta1[1],right,,said so\nzoe,E,right,,\n", "ov.csv"
    )
    _, out, _ = ran(capsys, "check", "hand-3-2-2", ANSWERS, "--overrides", path)
    assert "10 of 13 right" in out
    assert "marker: said so" in out
    assert "no sheet 'zoe'" in out


@pytest.mark.parametrize("level", ["verdict", "hint", "equation", "numbers"])
@pytest.mark.parametrize("form", ["table", "markdown", "html", "latex", "csv", "json", "gradescope"])
def test_less_feedback_gives_no_right_value_away(form: str, level: str, capsys: Capture) -> None:
    """Nor the name of a slip; the planted twin is full feedback, which gives both."""
    told = ran(capsys, "check", "hand-3-2-2", ANSWERS, "--format", form, "--feedback", level)[1]
    full = ran(capsys, "check", "hand-3-2-2", ANSWERS, "--format", form)[1]
    for secret in (*(["3.252"] if form != "csv" else []), "goes up the gradient"):
        assert secret not in told
        assert secret in full


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("sheets", [ANSWERS, CLASS])
def test_no_line_is_wider_than_a_terminal(sheets: str, lang: str, capsys: Capture) -> None:
    out = ran(capsys, "check", "hand-3-2-2", sheets, "--lang", lang)[1]
    widths = [sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) for line in out.splitlines()]
    assert max(widths) <= 80


@pytest.mark.parametrize("level", ["verdict", "hint", "equation", "numbers", "full"])
@pytest.mark.parametrize("sheets", [ANSWERS, CLASS])
def test_json_follows_its_schema(sheets: str, level: str, capsys: Capture) -> None:
    out = ran(capsys, "check", "hand-3-2-2", sheets, "--format", "json", "--feedback", level)[1]
    jsonschema.validate(json.loads(out), SCHEMA)


@pytest.mark.parametrize(("name", "mark"), [("book.csv", "\ufeff"), ("report.md", "#"), ("report.json", "{")])
def test_a_file_holds_the_report_and_the_terminal_one_line(
    name: str, mark: str, tmp_path: Path, capsys: Capture
) -> None:
    """A gradebook begins with a byte order mark, without which a spreadsheet program misreads Japanese."""
    code, out, err = ran(capsys, "check", "hand-3-2-2", CLASS, "--lang", "ja", "-o", str(tmp_path / name))
    assert (code, out) == (0, "")
    assert len(err.splitlines()) == 1
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(mark)


def test_a_gradebook_in_a_pipe_has_no_byte_order_mark(capsys: Capture) -> None:
    rows = list(csv.DictReader(io.StringIO(ran(capsys, "check", "hand-3-2-2", CLASS, "--format", "csv")[1])))
    assert [row["id"] for row in rows][:2] == ["aiko", "ben"]
    assert rows[1]["delta1[1]"] == "slip"


# --- samples of several kinds ---


@pytest.mark.parametrize("problem", ["tanh-xor", "softmax-xor", "threshold-xor", "classifier-3-3-3", "middle-layer"])
def test_what_trace_writes_by_hand_is_all_right(problem: str, tmp_path: Path, capsys: Capture) -> None:
    """Batches, samples apart and in turn; the planted twin is one wrong number of it."""
    path = tmp_path / "worked.csv"
    assert main(["trace", problem, "--digits", "4", "-o", str(path)]) == 0
    assert ran(capsys, "check", problem, str(path))[0] == 0
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    column = rows[0].index("value")
    rows[1][column] = "17.17"
    path.write_text("\n".join(f'"{row[0]}",{row[column]}' for row in rows), encoding="utf-8")
    assert ran(capsys, "check", problem, str(path))[0] == 1


def test_the_loss_of_a_sample_is_read_by_its_name() -> None:
    """E@2, with samples apart as in a batch; a sample that is not there is refused."""
    for name in ("tanh-xor", "softmax-xor"):
        step = trace(name)
        assert step["E@2"] == step.values["E@2"]
        with pytest.raises(KeyError):
            step["E@9"]


# --- the blank sheet ---


@pytest.mark.parametrize("ending", ["csv", "md", "txt", "json", "xlsx", "tex"])
def test_a_blank_sheet_in_every_format(ending: str, tmp_path: Path, capsys: Capture) -> None:
    """What is written is read again: everything blank, nothing unknown."""
    if ending == "xlsx":
        pytest.importorskip("openpyxl")
    path = tmp_path / f"blank.{ending}"
    assert ran(capsys, "sheet", "hand-3-2-2", "-o", str(path))[:2] == (0, "")
    code, out, _ = ran(capsys, "check", "hand-3-2-2", str(path))
    assert code == 1
    assert "0 of 46 right" in out


def test_a_blank_sheet_tells_in_words_which_slips_it_cannot_show(capsys: Capture) -> None:
    """On standard error; no internal names."""
    code, out, err = ran(capsys, "sheet", "hand-3-2-2")
    assert (code, out.splitlines()[0]) == (0, "quantity,value")
    assert "output signal: loses the sign of the error" in err
    assert "output_signal" not in err
    assert max(map(len, ran(capsys, "sheet", "softmax-xor-each")[2].splitlines())) <= 80
    assert ran(capsys, "sheet", "threshold-xor")[2] == ""


def test_a_blank_sheet_never_replaces_a_filled_one(tmp_path: Path, capsys: Capture) -> None:
    path = sheet(tmp_path, "z1[1],0.6457\n")
    code, _, err = ran(capsys, "sheet", "hand-3-2-2", "-o", path)
    assert code == 2
    assert "is there already" in err
    assert Path(path).read_text(encoding="utf-8") == "z1[1],0.6457\n"


def test_the_problem_says_what_is_asked(tmp_path: Path, capsys: Capture) -> None:
    """ask, points and figures of `[sheet]`; what is asked and not there is missing."""
    text = (SAMPLES / "problem.toml").read_text(encoding="utf-8")
    text += '[sheet]\nask = ["z1", "delta1"]\npoints = {delta1 = 2}\nfigures = 4\n'
    problem = sheet(tmp_path, text, "problem.toml")
    out = ran(capsys, "sheet", problem)[1]
    assert out.splitlines()[-1].startswith("delta1[2],,2,4")
    code, out, _ = ran(capsys, "check", problem, sheet(tmp_path, "z1[1],0.6457\ndelta1[1],3.252\n"))
    assert code == 1
    assert "Score: 3 of 6 points (50.0%)" in out


def test_from_python_a_failure_teaches() -> None:
    """`assert check(...).all_right` says what was done and what is right; float is the points."""
    right = trace("hand-3-2-2")["delta1"]
    assert check("hand-3-2-2", {"delta1": right}).all_right
    wrong = check("hand-3-2-2", {"z1": ["0.6457", "0.7685"], "delta1[1]": "3.208"})
    assert not wrong.all_right
    assert float(wrong) == 2.0
    assert "takes the slope at z" in repr(wrong)


def test_a_workbook_without_its_package_is_told_in_one_line(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What to install is said; nothing is written."""
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    code, out, err = ran(capsys, "sheet", "hand-3-2-2", "-o", str(tmp_path / "blank.xlsx"))
    assert (code, out) == (2, "")
    assert "needs openpyxl: pip install" in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_not_there_is_told_to_a_failing_test() -> None:
    """An unknown name is no pass, also where everything else is right."""
    step = trace("hand-3-2-2")
    for sheet_ in ({"dW9": [1, 2]}, {"dW1": step["dW1"], "dW9": [1, 2]}):
        checked = check("hand-3-2-2", sheet_)
        assert not checked.all_right
        assert "dW9" in repr(checked)
