"""Answer sheets: every way of writing one is understood, every fault is told with its line."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.answers.sheets import SheetError, read_sheet, read_text
from tracer.cli import main

Capture = pytest.CaptureFixture[str]

TWO = {"z1[1]": "0.6457", "dW1[1,2]": "0.0795"}
GOOD = {
    "lines": "z1[1] = 0.6457\ndW1[1,2] = 0.0795\n",
    "lines without spaces": "z1[1]=0.6457\ndW1[1,2]=0.0795",
    "almost equal": "z1[1] ≈ 0.6457\ndW1[1,2] ≈ 0.0795\n",
    "remarks and blank lines": "# mine\n\nz1[1] = 0.6457\n\n# more\ndW1[1,2] = 0.0795\n",
    "CSV": "z1[1],0.6457\ndW1[1,2],0.0795\n",
    "CSV with header": "quantity,value\nz1[1],0.6457\ndW1[1,2],0.0795\n",
    "CSV with another header": "Name,Value\nz1[1],0.6457\ndW1[1,2],0.0795\n",
    "CSV the other way": "value,remark,name\n0.6457,,z1[1]\n0.0795,ok,dW1[1,2]\n",
    "CSV quoted": '"quantity","value"\n"z1[1]","0.6457"\n"dW1[1,2]","0.0795"\n',
    "CSV with semicolons": "quantity;value\nz1[1];0.6457\ndW1[1,2];0.0795\n",
    "tabs": "quantity\tvalue\nz1[1]\t0.6457\ndW1[1,2]\t0.0795\n",
    "CSV then lines": "z1[1],0.6457\ndW1[1,2] = 0.0795\n",
    "Windows": "z1[1] = 0.6457\r\ndW1[1,2] = 0.0795\r\n",
    "JSON": '{"z1[1]": 0.6457, "dW1[1,2]": "0.0795"}',
    "JSON with values": '{"schema": "bptrace/trace/1", "values": {"z1[1]": 0.6457, "dW1[1,2]": 0.0795}}',
    "JSON with a BOM": '\ufeff{"z1[1]": 0.6457, "dW1[1,2]": 0.0795}',
    "quotes": "'z1[1]' = 0.6457\n`dW1[1,2]` = 0.0795\n",
    "wide digits": "z1[1] = ０.６４５７\ndW1[1,2] = 0.0795\n",
}

BAD: dict[str, tuple[str, str]] = {
    # what is wrong -> (text, what is said)
    "empty": ("", "no cells found; write lines such as"),
    "white space": (" \n\t\n", "no cells found"),
    "remarks alone": ("# nothing\n", "no cells found"),
    "header alone": ("quantity,value\n", "no cells found"),
    "an empty object": ("{}", "no cells found"),
    "twice": ("E = 1\nz1[1] = 2\nE = 1\n", "line 3: 'E' stands in line 1 already"),
    "twice in two ways": ("z1[1] = 0.6\n'z1_1' = 0.6\n", "line 2: z1_1 stands in line 1 already"),
    "twice, once in an array": ("z1[2] = 0.7\nz1 = [0.6, 0.7]\n", "line 2: 'z1[2]' stands in line 1 already"),
    "twice in JSON": ('{"E": 1, "E": 2}', "'E' is given twice"),
    "unknown name": ("zz1[1] = 0.6\n", "line 1: 'zz1[1]' is not a quantity"),
    "unknown place": ("E = 1\nz1[3] = 0.6\n", "line 2: 'z1[3]' is not a quantity of this network"),
    "a given number": ("x[1] = 1\n", "line 1: x[1] is given, not worked out"),
    "another sample": ("E@2 = 1\n", "line 1: 'E@2' is not a quantity"),
    "another step": ("E#2 = 1\n", "line 1: E#2 is not a number of this step"),
    "an array too long": ("z1 = [1, 2, 3]\n", "line 1: 'z1[3]' is not a quantity"),
    "no number": ("E = big\n", "line 1: 'E': 'big' is not a number"),
    "a sum": ("E = 1 + 2\n", "line 1: 'E': '1 + 2' is not a number"),
    "a remark behind": ("E = 1 # sure\n", "line 1: 'E': '1 # sure' is not a number"),
    "code": ("E = __import__('os').system('x')\n", "line 1: 'E': '__import__('os').system(...' is not a number"),
    "no value": ("E =\n", "line 1: 'E' has no value; write a number, or leave the line out"),
    "no cell": ("quantity,value\nE\n", "line 2: 'E' has no value; write `z1[1],0.6457`"),
    "an empty cell": ("E,\n", "line 1: 'E' has no value"),
    "no name": ("= 3\n", "line 1: '' is not a name"),
    "prose": ("The loss is small.\n", "line 1: 'The loss is small.' has no value"),
    "decimal comma": ("E = 10,43\n", "line 1: 'E': 10,43 has a decimal comma; write 10.43"),
    "decimal comma in CSV": ("E,10,43\n", "line 1: 'E,10,43' has 3 cells, not 2; write a decimal point"),
    "decimal comma under a header": ("quantity,value\nE,10,43\n", "line 2: 'E,10,43' has 3 cells, not 2"),
    "decimal comma, semicolons": ("quantity;value\nE;10,43\n", "line 2: 'E': 10,43 has a decimal comma; write 10.43"),
    "nan": ("E = nan\n", "line 1: 'E': nan is not finite"),
    "NaN in JSON": ('{"E": NaN}', "NaN is not finite"),
    "infinity in JSON": ('{"E": -Infinity}', "-Infinity is not finite"),
    "null": ('{"E": null}', "'null' is not a number"),
    "true": ('{"E": true}', "true is not a number"),
    "a table": ('{"E": {"a": 1}}', "a table is not a number"),
    "values a list": ('{"values": [1]}', "not a sheet: write {name: number}"),
    "JSON cut off": ('{"E": 1', "line 1: not JSON"),
    "JSON with two commas": ('{"E": 1,\n,}', "line 2: not JSON"),
    "1e400": ("E = 1e400\n", "line 1: 'E': '1e400' is too large"),
    "1e99999999": ('{"E": 1e99999999}', "'1e99999999' is not a number"),
    "5000 digits": (f"E = {'7' * 5000}\n", "too long; write at most 60"),
    "5000 digits in JSON": (f'{{"E": {"7" * 5000}}}', "too long; write at most 60"),
    "1/0": ("E = 1/0\n", "1/0 divides by zero"),
    "a ragged array": ("W1_new = [[1, 2, 3], [4, 5]]\n", "line 1: 'W1_new': row 2 has 2 numbers, but row 1 has 3"),
    "an empty array": ("z1 = []\n", "line 1: 'z1': is an empty list"),
    "an open array": ("z1 = [1, 2\n", "line 1: 'z1': not a list of numbers; write [0.1, 0.2]"),
    "a word in an array": ("z1 = [1, two]\n", "line 1: 'z1': 'two' is not a number"),
    "deep lists": (f"z1 = {'[' * 500}1{']' * 500}\n", "line 1: 'z1': lists are nested too deeply"),
    "deeper lists": (f"z1 = {'[' * 100_000}\n", "line 1: 'z1': not a list of numbers"),
    "deep JSON": ('{"E": ' + "[" * 100_000, "nested too deeply"),
    "brackets": ("[" * 100_000 + "\n", "line 1: '[[[[[[["),
    "closed brackets": ("z[1]" * 20_000 + "\n", "line 1: 'z[1]z[1]"),
    "a long name": ("z" * 300 + " = 1\n", "line 1: 'zzzzzzzzzzzzzzzzzzzzzzzz...' is not a name"),
    "escape in a name": ("\x1b[2J = 1\n", "line 1: '?[2J' is not a quantity"),
    "escape in a value": ("E = \x1b[2J\n", r"line 1: 'E': '\x1b[2J' is not a number"),
    "bidi in a name": ("E\u202e = 1\n", "line 1: 'E?' is not a quantity"),
    "NUL": ("E\0 = 1\n", "not a text file"),
    "commas": ("," * 900_000, "line 1: '' is not a name"),
    "many cells": ("".join(f"q{k} = 1\n" for k in range(20_001)), "more than 20000 cells"),
    "a large array": ("z1 = [" + "1," * 20_001 + "1]", "more than 20000 cells"),
    "5 MB": ("E = 1\n" * 900_000, "larger than 1 MB"),
}


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
    started = time.perf_counter()
    code, out, err = beside(capsys, path)
    assert time.perf_counter() - started < 1
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
