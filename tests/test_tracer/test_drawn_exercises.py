"""Variants drawn by a seed: the same each time, never alike, equally hard, and read back as they were written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tracer import load, trace
from tracer.cli import main
from tracer.exercises.draws import shuffled
from tracer.problem import as_problem


@pytest.mark.parametrize("size", [1, 2, 7, 100, 1000])
def test_draws_are_shuffled_without_loss(size: int) -> None:
    """Every number goes to a place of its own."""
    assert sorted(shuffled(k, size) for k in range(size)) == list(range(size))


def _drawn(folder: Path, seed: int) -> tuple[str, dict[str, str]]:
    assert main(["exercise", "hand-3-2-2", "--count", "12", "--seed", str(seed), "-o", str(folder)]) == 0
    problems = {path.name: path.read_text() for path in sorted((folder / "problems").iterdir())}
    return (folder / "manifest.json").read_text(), problems


def test_a_seed_says_what_is_drawn(tmp_path: Path) -> None:
    """The same seed gives the same bytes, another one nothing of it; the work is within a tenth; numbers are nice."""
    first, again, resit = (_drawn(tmp_path / name, seed) for name, seed in (("a", 7), ("b", 7), ("c", 8)))
    assert first == again
    assert not {t.split("\n", 1)[1] for t in first[1].values()} & {t.split("\n", 1)[1] for t in resit[1].values()}
    efforts = [variant["effort"] for text, _ in (first, resit) for variant in json.loads(text)["variants"]]
    assert max(efforts) <= 1.1 * min(efforts)
    for name in first[1]:
        problem = as_problem(load(tmp_path / "a" / "problems" / name))
        weights = [problem.network.layer(l).W.floats.ravel().tolist() for l in (1, 2)]
        assert all(len({abs(w) for w in own}) == len(own) and min(own) < 0 < max(own) for own in weights)
        traced = trace(problem).values
        assert all(0.2 <= abs(v) <= 3 for n, v in traced.items() if n.startswith("a1["))
        assert all(0.001 <= abs(v) < 100 for v in traced.values())


def test_what_cannot_be_drawn_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit 2: a seed that there is not, a folder that is there."""
    assert main(["exercise", "one-neuron", "--count", "2", "--seed", "7", "-o", str(tmp_path / "a")]) == 2
    assert "take a seed from 0 to 2" in capsys.readouterr().err
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("1")
    assert main(["exercise", "one-neuron", "--count", "2", "-o", str(tmp_path / "b")]) == 2
    assert "is there already" in capsys.readouterr().err


def test_a_list_of_students_gets_a_variant_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the manifest; the twins are lists that cannot be read, told in one line, nothing written."""
    students = tmp_path / "students.csv"
    students.write_text("id,name\ns1,Ann\ns2,Bo\n", encoding="utf-8")
    command = ["exercise", "hand-3-2-2", "--students", str(students), "-o", str(tmp_path / "out")]
    assert main(command) == 0
    variants = json.loads((tmp_path / "out" / "manifest.json").read_text())["variants"]
    assert [[own["id"] for own in variant["students"]] for variant in variants] == [["s1"], ["s2"]]
    assert len({variant["code"] for variant in variants}) == 2
    for text, told in (("name\nAnn\n", "no column id"), ("id\ns1\ns1\n", "line 3"), ("", "no column id")):
        students.write_text(text, encoding="utf-8")
        assert main([*command[:-1], str(tmp_path / "other")]) == 2
        assert told in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_numbers_vary_as_the_file_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Within the range, on its grid, and not at all where they are fixed; other commands let the table be."""
    text = Path("samples/hand-3-2-2/problem.toml").read_text(encoding="utf-8")
    ranges = '[exercise]\nW1 = {low = -2, high = 2, decimals = 1}\nx = "fixed"\n'
    path = tmp_path / "p.toml"
    path.write_text(f"{text}\n{ranges}", encoding="utf-8")
    assert trace(load(path))["E"] == trace(load("hand-3-2-2"))["E"]
    assert main(["exercise", str(path), "--count", "5", "-o", str(tmp_path / "out")]) == 0
    for own in (tmp_path / "out" / "problems").iterdir():
        problem = as_problem(load(own))
        assert problem.x.floats.ravel().tolist() == [1, 2, 3]
        weights = problem.network.layer(1).W.floats.ravel() * 10
        assert (abs(weights) <= 20).all()
        assert abs(weights - weights.round()).max() < 1e-9
    path.write_text(f"{text}\n{ranges.replace('low', 'lo')}", encoding="utf-8")
    assert main(["exercise", str(path), "--count", "5", "-o", str(tmp_path / "other")]) == 2
    assert "lo" in capsys.readouterr().err
