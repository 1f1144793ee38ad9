"""Every reader of answers takes under a second of processor time a file, however hostile, up to the size limit."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from processor import BUSY

from derivations.aliases import MOST_PLACES
from derivations.name_reading import NotationNames
from derivations.notation import NOTATIONS
from derivations.reading.documents import rows_of
from derivations.reading.statements import MOST_SIGNS, readable
from tracer import ProblemError, check, load, loads
from tracer.answers.reading.naming import MOST_COMPOSED, MOST_UNKNOWN, Naming
from tracer.answers.reading.sources import LARGEST_SHEET, read_sheets
from tracer.answers.solutions.marked import check_written, solution_sheet, written_text
from tracer.cli import main
from tracer.samples import samples_root

HAND = samples_root() / "hand-3-2-2" / "problem.toml"
LARGEST = LARGEST_SHEET - 100
ALLOWED = 1.0
"""Processor seconds a file; a machine that is busy with other work may take three times as long."""

REPEATED = {
    ".csv": ("1", "a", "z1[1],", '"', "(", "z 1 = ", "z1[1],0.5\n", "new value of w,1\n", "da/d", " " * 390 + "x\n"),
    ".txt": ("z = ", "z" + " " * 390 + "x\n", "| ", "a1 = 0.1*1 + 0.1*2 = 0.3\n", "1-1=", "[", "-", "> "),
    ".md": ("a", " ", "| ", "|-", "\\(", "$a ", "$$", "`", "$a_1 = 0.1*1 = 0.3$\n", "~", "- ", "\\( \n\n", "**"),
    ".tex": ("\\frac aaaa", "\\begin{align}", "\\begin{aligned}", "a & b \\\\\n", "\\text{", "{", "_{", "^", "&", "%"),
    ".json": ("[", '{"a":', '"a": 1,', " "),
}
FRAMES: dict[str, Callable[[str], str]] = {
    "bare": lambda body: body,
    "display": lambda body: f"$$ a = {body} $$ \n\\) \\]",
    "cell": lambda body: f"quantity,value\n{body},1\nz1[1],{body}x\n",
    "member": lambda body: json.dumps({body: body, "z1[1]": 0.5}),
    "notebook": lambda body: json.dumps({"cells": [{"cell_type": "markdown", "source": body}]}),
}
PLACES = {
    ".csv": ("bare", "cell"),
    ".txt": ("bare",),
    ".md": ("bare", "display", "notebook"),
    ".tex": ("bare", "display"),
    ".json": ("bare", "member"),
}
TWICE = {"cell": 2, "member": 2}  # how often the piece stands in the frame
ENDINGS = {"notebook": ".ipynb"}


@pytest.fixture(scope="module")
def problem():  # type: ignore[no-untyped-def]
    """The 3-2-2 network."""
    return load(HAND)


def spent(call: Callable[[], object]) -> float:
    """Processor seconds, whatever comes of it that a caller handles."""
    start = time.process_time()
    with contextlib.suppress(ValueError, OSError):
        call()
    return time.process_time() - start


def read_as_anything(problem, file: Path) -> None:  # type: ignore[no-untyped-def]
    """As a written solution where it is one, else as a sheet, in a class."""
    text = written_text(file)
    if text is not None:
        check_written(problem, text)
        return

    def written(content: bytes, suffix: str, label: str):  # type: ignore[no-untyped-def]
        return solution_sheet(problem, None, content, suffix, label)

    list(read_sheets(problem, [file], naming=Naming(problem), written=written))


@pytest.mark.parametrize(
    ("suffix", "frame"), [(suffix, frame) for suffix, frames in PLACES.items() for frame in frames]
)
def test_a_file_of_repetitions_is_read_in_time(problem, tmp_path: Path, suffix: str, frame: str) -> None:  # type: ignore[no-untyped-def]
    """As large as a file may be: pieces of names, numbers and markup, alone, in a formula, a cell, a notebook."""
    file = tmp_path / f"sheet{ENDINGS.get(frame, suffix)}"
    took = {}
    for piece in REPEATED[suffix]:
        file.write_text(FRAMES[frame](piece * (LARGEST // len(piece) // TWICE.get(frame, 1)))[:LARGEST])
        took[piece] = spent(lambda: read_as_anything(problem, file))
    assert {piece: seconds for piece, seconds in took.items() if seconds > ALLOWED * BUSY} == {}


def test_a_quadratic_reader_is_found(problem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """A planted one: a search to the end of the document from every opener."""
    from derivations.reading import documents

    def searched(self, mark: str, at: int) -> int:  # type: ignore[no-untyped-def]
        return self.text[at:].find(mark)

    monkeypatch.setattr(documents._Reader, "_next", searched)
    texts = ("\\(" * n for n in (3000, 12_000))
    small, large = (min(spent(lambda text=text: rows_of(text)) for _ in range(3)) for text in texts)  # type: ignore[misc]
    assert large > 6 * small


@pytest.mark.parametrize(
    "name",
    [
        "da/d" * 10 + "a" + "+" * 10,
        "h'(" * 18 + "a1[1]" + "_new" * 18 + ")" * 18,
        "new " * 48 + "w",
        "∂E/∂" * 60,
        "'" * 199,
    ],
)
def test_names_within_names_are_looked_up_a_bounded_number_of_times(
    problem,
    name: str,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    """Each shape of a name leaves a name within: the depth is counted, so no name is tried in every division."""
    looked: list[str] = []
    own = NotationNames._read

    def counted(self, name: str, *depth: int):  # type: ignore[no-untyped-def]
        looked.append(name)
        return own(self, name, *depth)

    monkeypatch.setattr(NotationNames, "_read", counted)
    assert not Naming(problem).understood(name)
    assert len(looked) <= 100 * (len(NOTATIONS) + 2)


@pytest.mark.parametrize("name", ["W1[1,1]*x[1]+{}", "{}*E"])
def test_a_sheet_of_formulas_is_refused_before_they_are_worked(problem, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    """Twenty thousand of them, in half a megabyte, took three seconds, multiples of one number fifteen.

    As many as a sheet may have are read.
    """
    rows = [f"{name.format(k + 2)},0.{k}\n" for k in range(MOST_COMPOSED + 1)]
    file = tmp_path / "sheet.csv"
    for count, refused in ((MOST_COMPOSED + 1, True), (MOST_COMPOSED // 4, False)):
        file.write_text("quantity,value\n" + "".join(rows[:count]), encoding="utf-8")
        (sheet,) = read_sheets(problem, [file], naming=Naming(problem))
        assert (f"more than {MOST_COMPOSED} formulas as names" in sheet.error) is refused


def test_a_sheet_of_names_that_nobody_knows_is_refused_at_once(tmp_path: Path) -> None:
    """Of layers and of somebody's own equations alike."""
    own = loads('equations = """\nz = tanh(w)\nE = z^2/2\n"""\nparameters = {w = 0.5}\n')
    file = tmp_path / "sheet.txt"
    for count, refused in ((MOST_UNKNOWN + 1, True), (MOST_UNKNOWN // 4, False)):
        file.write_text("".join(f"q{k} = 0.{k}\n" for k in range(count)), encoding="utf-8")
        for given in (load("hand-3-2-2"), own):
            sheet = check(given, [file]).sheets[0]
            assert (f"more than {MOST_UNKNOWN} names are not understood" in sheet.error) is refused


def test_a_long_solution_says_from_which_line_on_it_was_not_read(problem) -> None:  # type: ignore[no-untyped-def]
    """Never silently: the remark is in the report, and on the sheet of a class."""
    lines = [f"$a_1 = 0.1*1 + 0.1*2 = 0.{k}$" for k in range(3000)]
    text = "\n".join(lines)
    left_out = f"rows from line {MOST_SIGNS // 2 + 1} on are not read: hand in shorter solutions"
    assert left_out in check_written(problem, text).render()
    assert left_out in solution_sheet(problem, None, text.encode(), ".md", "zoe").remarks
    assert "not read: hand in" not in check_written(problem, "\n".join(lines[:20])).render()
    assert readable(rows_of("\n".join(lines[:300]))) == 300


def test_adjacent_placeholders_are_few(tmp_path: Path) -> None:
    """A name of twenty, tried in every division of the digits, is refused; as many as a quantity has are not."""
    whole = HAND.read_text(encoding="utf-8")
    letters = "abcdefghijklmnopqrst"
    name = "".join(f"{{{c}}}" for c in letters)
    file = tmp_path / "problem.toml"
    file.write_text(f'{whole}\n[names]\n"{name}" = "{name}*E"\n')
    with pytest.raises(ProblemError, match=f"20 placeholders; no quantity has more than {MOST_PLACES}"):
        load(file)
    file.write_text(f'{whole}\n[names]\n"w{{j}}{{i}}" = "W1[{{j}},{{i}}]"\n')
    assert Naming(load(file)).understood("w23")


def test_a_hostile_file_takes_a_second_from_the_command_line(tmp_path: Path) -> None:
    """Startup included, in a process of its own."""
    import resource

    file = tmp_path / "sheet.csv"
    file.write_text("quantity,value\n" + "da/d" * 10 + "a" + "+" * 10 + ",1\nz1[1]," + "1" * 20_000 + "x\n")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    command = [sys.executable, "-m", "tracer", "check", "hand-3-2-2", str(file)]
    assert subprocess.run(command, capture_output=True, check=False).returncode in (0, 1, 2)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < ALLOWED * BUSY


def test_our_own_worked_lines_are_read_to_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The longest of them, 971 relations of a batch: the n = 1 below a name is no relation, and counts as none."""
    work = str(tmp_path / "work.tex")
    assert main(["trace", "softmax-xor", "--digits", "4", "--work", "-o", work]) == 0
    capsys.readouterr()
    assert main(["check", "softmax-xor", work]) == 0
    out = capsys.readouterr().out
    assert "numbers: all 313 right" in out
    assert "not read: hand" not in out
