"""Answer sheets: every way of writing one is understood, every fault is told with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processor import within
from sheet_texts import BAD, GOOD, TWO

from tracer.answers.reading.sheets import SheetError, read_sheet, read_text
from tracer.cli import main

Capture = pytest.CaptureFixture[str]


def beside(capsys: Capture, path: Path, *more: str) -> tuple[int, str, str]:
    """What `bptrace trace hand-3-2-2 --beside` says of a sheet."""
    code = main(["trace", "hand-3-2-2", "--beside", str(path), *more])
    return code, *capsys.readouterr()


@pytest.mark.parametrize("way", GOOD)
def test_every_way_of_writing_is_understood(way: str, capsys: Capture, tmp_path: Path) -> None:
    """Names and numbers come out as written, and the command puts both beside ours."""
    path = tmp_path / "sheet.csv"
    path.write_text(GOOD[way], encoding="utf-8", newline="")
    assert {cell.name: cell.number for cell in read_sheet(path)} == TWO
    code, out, err = beside(capsys, path, "--format", "json")
    assert (code, err) == (0, "")
    assert [row["printed"] for row in json.loads(out)["rows"]] == list(TWO.values())


@pytest.mark.parametrize(
    "text", ["z1 = [0.6457, 0.7685]", 'z1,"[0.6457, 0.7685]"', "z1,[0.6457, 0.7685]", '{"z1": [0.6457, "0.7685"]}']
)
def test_a_whole_array_is_its_entries(text: str) -> None:
    """An array is a cell for each entry, trailing digits kept."""
    assert {c.name: c.number for c in read_text(text)} == {"z1[1]": "0.6457", "z1[2]": "0.7685"}


def test_a_matrix_has_two_indices() -> None:
    """Rows count units, columns inputs."""
    cells = read_text("dW1 = [[1.0, 2, 3], [4, 5, 6.50]]")
    assert [(c.name, c.number) for c in cells][::5] == [("dW1[1,1]", "1.0"), ("dW1[2,3]", "6.50")]


def test_the_line_is_the_one_in_the_editor() -> None:
    """Blank lines, remarks and the header count."""
    assert [c.line for c in read_text("# a\n\nquantity,value\nE,1\n\nz1[1],2\n")] == [4, 6]


@pytest.mark.parametrize("what", BAD)
def test_a_bad_sheet_is_refused_in_one_line(what: str, capsys: Capture, tmp_path: Path) -> None:
    """Exit code 2, one line that names file and line, nothing on standard output, in under a second."""
    text, says = BAD[what]
    path = tmp_path / "sheet.csv"
    path.write_text(text, encoding="utf-8", newline="")
    with within(1):
        code, out, err = beside(capsys, path)
    assert (code, out) == (2, ""), err
    assert err.startswith("bptrace: ")
    assert err.endswith("\n")
    assert err[:-1].isprintable(), err
    assert len(err) < 500
    assert says in err


@pytest.mark.parametrize("what", ["unknown name", "a given number", "twice in two ways"])
def test_the_sheet_is_named_where_the_problem_and_it_differ(what: str, capsys: Capture, tmp_path: Path) -> None:
    """A name that the step does not have is told with the file it stands in."""
    path = tmp_path / "sheet.csv"
    path.write_text(BAD[what][0], encoding="utf-8")
    assert f"{path}: line " in beside(capsys, path)[2]


@pytest.mark.parametrize("content", ["E = 1".encode("utf-16"), "ä = 1".encode("latin-1"), b"\x89PNG\r\n\x1a\n"])
def test_what_is_not_text_is_refused(content: bytes, capsys: Capture, tmp_path: Path) -> None:
    """Other encodings are named by their first byte."""
    path = tmp_path / "sheet.csv"
    path.write_bytes(content)
    code, out, err = beside(capsys, path)
    assert (code, out) == (2, "")
    assert f"{path}: byte 1: not UTF-8 text; save the file as UTF-8" in err


def test_what_is_no_file_is_refused(capsys: Capture, tmp_path: Path) -> None:
    """A missing sheet and a folder."""
    for path in (tmp_path / "missing.csv", tmp_path):
        code, out, err = beside(capsys, path)
        assert (code, out) == (2, "")
        assert str(path) in err


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=20),
            st.sampled_from(
                ["E = 1", "z1[1],0.5", "quantity,value", "z1 = [1, 2]", '{"E": ', "}", "[", '"', "≈", "\r"]
            ),
        ),
        max_size=6,
    ),
    st.sampled_from(["\n", "", ",", "=", ";"]),
)
def test_any_text_is_cells_or_a_sheet_error(pieces: list[str], joint: str) -> None:
    """Whatever stands on a sheet, reading gives cells with a name and a number, or says what is wrong."""
    cells: list[Any] = []
    message = "fine"
    try:
        cells = read_text(joint.join(pieces))
    except SheetError as e:
        message = str(e)
    assert message.isprintable()
    assert all(cell.name and cell.number for cell in cells)
