"""Remarks and reasons are told in every language: no English sentence is left in a Japanese report."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracer.answers.reading as reading
from tracer import check
from tracer.answers.reporting.remarks import translated
from tracer.answers.reporting.texts import messages
from tracer.answers.result import UNTRIED
from tracer.answers.solutions.solution import NAMES_LEFT
from tracer.marking import conventions

SOLVED = "names read in the notation `bishop`"  # of a written solution in a class
READING = Path(reading.__file__).parent


def sentences(path: Path) -> Iterator[str]:
    """Every sentence that a module of reading says: what it raises, yields as the reason, or appends as a remark."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    written = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = {id(part) for node in written for part in node.values}
    for node in written:
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value


@pytest.mark.parametrize("name", ["formats", "grids", "naming", "sources", "workbooks"])
def test_every_reason_of_reading_has_its_translation(name: str) -> None:
    """Whatever reads like advice ("...; write ...") is in the table."""
    path = READING / f"{name}.py"
    said = [s for s in sentences(path) if "; " in s and "\n" not in s and s[:1] not in " ;[" and s[-1:] != "."]
    assert said
    assert [s for s in said if translated(s, "ja") == s] == []


def test_a_sentence_that_is_not_in_the_table_stays_as_it_is() -> None:
    """The planted twin: what would be missed is seen to be missing."""
    assert translated("nobody wrote this; write that", "ja") == "nobody wrote this; write that"
    assert translated("line 3: 'q' stands twice, with the same number", "en").startswith("line 3")


def test_marking_s_remarks_are_in_the_table() -> None:
    """Signs, layout and accepted readings."""
    signs = [said for _, said in conventions.SIGNS]
    for remark in (*signs, conventions.TURNED, UNTRIED, NAMES_LEFT, "marked with a = 1, which counts as well", SOLVED):
        assert translated(remark, "ja") != remark


def test_each_sentence_is_found_as_itself() -> None:
    """With its places filled in, a sentence matches its own entry and no wider one."""
    for texts in messages()["remark"].values():
        said = texts["en"].replace("{n}", "7")
        assert translated(said, "ja") == texts["ja"].replace("{n}", "7")


def test_a_japanese_report_says_everything_in_japanese(tmp_path: Path) -> None:
    """The table, and what a program reads."""
    sheet = tmp_path / "a.txt"
    sheet.write_text("z1[1] = 0,64\nz1[2] = 0.7685\nz1[2] = 0.7685\nqq = 3\n", encoding="utf-8")
    marked = check("hand-3-2-2", sheet)
    shown = marked.render("table", lang="ja")
    for english in ("decimal comma", "stands twice", "not a quantity"):
        assert english not in shown
        assert english in marked.render("table")
    assert json.loads(marked.render("json", lang="ja"))["sheets"][0]["remarks"] == [
        "3行目: 'z1[2]' が同じ数で2回書かれています"
    ]
