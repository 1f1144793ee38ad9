"""What a wrong number costs, marks beside an earlier marking, and marks by several processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tracer import ProblemError, check, loads, trace
from tracer.answers.overrides import apply_overrides
from tracer.cli import main

PROBLEM = """
[network]
loss = "half_squared_error"
layers = [
  {activation = "sigmoid", W = [[0.6, -0.4], [0.2, 0.1]], b = [0.2, 0.1]},
  {activation = "identity", W = [[0.5, -1.5]], b = [0.3]},
]
[[samples]]
x = [0.5, 0.25]
t = [0.9]
[training]
learning_rate = 0.5
"""
PARTS = 'parts = {forward = {ask = ["z1", "z2"], points = 3}, back = {ask = ["dW2"], points = 6, most_lost = 2}}'


def plus(sheet: str = "") -> Any:
    """A sheet on which both new weights of the last layer went up the gradient."""
    problem = loads(PROBLEM + (f"[sheet]\n{sheet}\n" if sheet else ""))
    step = trace(problem)
    new = np.array([[0.5, -1.5]]) + 0.5 * np.asarray(step["dW2"])
    return check(problem, {"dW2": np.asarray(step["dW2"]), "W2_new": new})


def test_a_wrong_cell_earns_nothing_where_nothing_is_said() -> None:
    """Two of four."""
    assert (plus().points, plus().one.total) == (2.0, 4.0)


@pytest.mark.parametrize(
    ("sheet", "points"),
    [
        ("cause_costs = 1", 3.0),
        ("cause_costs = 5", 2.0),
        ('credit = {"update.plus" = 0.5}', 3.0),
        ('credit = {"update.no_eta" = 0.5}', 2.0),
        ('credit = {"update.plus" = 0.5}\ncause_costs = 0.5', 3.5),
        ('credit = {"update.plus" = 0.3}\nround = 0.5', 2.5),
        ('credit = {"update.plus" = 0.1}\nround = 0.5', 2.0),
    ],
)
def test_what_a_cause_costs(sheet: str, points: float) -> None:
    """A cap a cause, credit for a slip, both; a sheet's points rounded, a half up."""
    assert plus(sheet).points == pytest.approx(points)


def test_parts_have_points_and_lose_no_more_than_they_may() -> None:
    """Cells share the points of their part; parts ask for their numbers."""
    problem = loads(f"{PROBLEM}[sheet]\n{PARTS}\n")
    step = trace(problem)
    cells = {"z1": np.asarray(step["z1"]), "dW2": -np.asarray(step["dW2"])}
    sheet = check(problem, cells).one
    assert sheet.by_part == (("forward", pytest.approx(2.0), 3.0), ("back", 4.0, 6.0))
    assert sheet.points == pytest.approx(6.0)
    assert sheet["z2[1]"].verdict == "missing"
    report = str(check(problem, cells))
    assert "Parts: forward 2/3, back 4/6" in report
    assert '"parts": [{"part": "forward", "points": 2.0, "of": 3.0}' in check(problem, cells).render("json")
    head, row = check(problem, cells).render("csv").splitlines()
    assert head.startswith("id,score,points,total,forward,back,causes")
    assert row.startswith("sheet,66.67,6,9,2,4,")


def test_zeros_after_a_slip_are_told_and_may_count_less() -> None:
    """ReLU of a pre-activation without its bias: nothing is left to work."""
    text = """
network = {loss = "half_squared_error", layers = [
  {activation = "relu", W = [[-0.5]], b = [0.8]}, {activation = "identity", W = [[2]], b = [0.1]}]}
samples = [{x = [1], t = [1]}]
training = {learning_rate = 0.1}
"""
    cells = {"a1[1]": "-0.5", "z1[1]": "0", "slope1[1]": "0", "delta1[1]": "0"}
    checked = check(loads(text), cells)
    assert checked.points == 3.0
    assert "what follows from cause 1 is all zeros: little was worked there" in checked.one.remarks
    assert check(loads(text + "sheet = {zeros_that_follow = 0}"), cells).points == 0.0


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ("cause_costs = -1", "out of range"),
        ('credit = {"update.plsu" = 0.5}', "no slip; near: update.plus"),
        ('credit = {"update.plus" = 2}', "out of range"),
        ("credit = 3", "no table"),
        ('parts = {a = ["z1"], b = ["z1"]}', "stands in two parts"),
        ('parts = {a = {ask = ["z1"], cost = 3}}', "is no part"),
        ('parts = ["z1"]', "no table"),
        ("round = 0", "out of range"),
        ('parts = {a = ["q"]}', "q"),
    ],
)
def test_a_wrong_scheme_is_told_in_one_line(sheet: str, said: str) -> None:
    """Where, what, what now."""
    with pytest.raises(ProblemError, match=said) as e:
        loads(f"{PROBLEM}[sheet]\n{sheet}\n")
    assert "sheet" in str(e.value)
    assert "\n" not in str(e.value)


def test_own_equations_count_the_same_way() -> None:
    """The fields are one set for both."""
    text = """
equations = '''
y = w*x + b
E = (y - t)^2/2
'''
parameters = {w = 0.5, b = 0.1}
given = {x = 2, t = 0.3}
training = {learning_rate = 0.1}
sheet = {parts = {forward = {ask = ["y"], points = 2}, update = {ask = ["w_new"], points = 2, most_lost = 1}}}
"""
    sheet = check(loads(text), {"y": "1.1", "w_new": "0.9"}).one
    assert sheet.by_part == (("forward", 2.0, 2.0), ("update", 1.0, 2.0))


# --- regrades ---


@pytest.fixture
def marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a class and its marking."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "class.csv").write_text("id,z1[1],z1[2]\nada,0.6457,0.7685\nben,0.6457,0.7\n", encoding="utf-8")
    assert main(["check", "hand-3-2-2", "class.csv", "--format", "json", "-o", "old.json"]) == 0
    return tmp_path


def against(capsys: pytest.CaptureFixture[str], *more: str) -> list[tuple[str, str, str]]:
    """(sheet, cell, why) of every change."""
    capsys.readouterr()
    assert main(["check", "hand-3-2-2", "class.csv", "--against", "old.json", "--format", "json", *more]) == 0
    return [(c["sheet"], c["cell"], c["why"]) for c in json.loads(capsys.readouterr().out)["changes"]]


def test_a_marking_says_what_it_was_made_with(marked: Path) -> None:
    """The version, the problem, the options."""
    made = json.loads((marked / "old.json").read_text(encoding="utf-8"))
    assert set(made) >= {"version", "problem"}
    assert len(made["problem"]) == 16


def test_nothing_changes_where_nothing_did(marked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The twin of those below."""
    assert against(capsys) == []


def test_each_changed_mark_has_its_reason(marked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A decision, another number, a sheet more or less."""
    rows = "id,z1[1],z1[2]\nada,0.6457,0.7\nben,0.6457,0.7\neve,0.6457,0.7685\n"
    (marked / "class.csv").write_text(rows, encoding="utf-8")
    decision = "sheet,cell,verdict,points,comment,by,on\nben,z1[2],right,1,seen,Ada,2026-11-30\n"
    (marked / "o.csv").write_text(decision, encoding="utf-8")
    assert against(capsys, "--overrides", "o.csv") == [
        ("ada", "z1[2]", "another number: '0.7' for '0.7685'"),
        ("ben", "z1[2]", "a marker's decision"),
        ("eve", "", "a new sheet"),
    ]
    assert main(["check", "hand-3-2-2", "class.csv", "--overrides", "o.csv", "--format", "json"]) == 0
    assert "seen (Ada, 2026-11-30)" in capsys.readouterr().out
    (marked / "class.csv").write_text("id,z1[1],z1[2]\nada,0.6457,0.7685\n", encoding="utf-8")
    assert against(capsys) == [("ben", "", "no longer handed in")]


def test_a_name_that_stands_twice_is_no_change(marked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second is a mark of its own."""
    (marked / "one.csv").write_text("z1[1],0.6457\nz1[1],0.7\nz1[2],0.7685\n", encoding="utf-8")
    assert main(["check", "hand-3-2-2", "one.csv", "--format", "json", "-o", "twice.json"]) == 1
    assert main(["check", "hand-3-2-2", "one.csv", "--against", "twice.json"]) == 0
    assert "no mark changed on 1 sheet" in capsys.readouterr().out


def test_a_marking_for_students_says_too_little(marked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has no verdicts to compare."""
    line = ["check", "hand-3-2-2", "class.csv", "--format", "json", "--feedback", "hint", "-o", "hint.json"]
    assert main(line) == 0
    assert main(["check", "hand-3-2-2", "class.csv", "--against", "hint.json"]) == 2
    assert "which leaves verdicts out; give one of --feedback full" in capsys.readouterr().err


def test_points_are_the_same_at_every_level_of_feedback(marked: Path) -> None:
    """And a decision takes the place of what `[sheet]` lets a cell keep."""
    checked = plus('credit = {"update.plus" = 0.5}')
    shown = [json.loads(checked.render("json", feedback=level))["sheets"][0]["points"] for level in ("full", "verdict")]
    assert shown == [3.0, 3.0]
    (marked / "o.csv").write_text('sheet,cell,verdict\nsheet,"W2_new[1,1]",wrong\n', encoding="utf-8")
    assert apply_overrides(checked, marked / "o.csv").points == 2.5


def test_another_problem_or_version_is_the_reason(marked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the number is the same."""
    old = json.loads((marked / "old.json").read_text(encoding="utf-8"))
    for mark in old["sheets"][0]["marks"]:
        mark["verdict"] = "wrong"
    (marked / "old.json").write_text(json.dumps(old | {"version": "0.0.9"}), encoding="utf-8")
    assert {why for _, _, why in against(capsys)} == {"version '0.0.9' before, 0.1.0 now"}
    (marked / "old.json").write_text(json.dumps(old | {"problem": "0"}), encoding="utf-8")
    assert {why for _, _, why in against(capsys)} == {"the problem is another one"}


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema": "bptrace/check/1", "sheets": [{"sheet": 1}]}'])
def test_what_is_no_marking_is_told(marked: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit 2."""
    (marked / "old.json").write_text(text, encoding="utf-8")
    assert main(["check", "hand-3-2-2", "class.csv", "--against", "old.json"]) == 2
    assert capsys.readouterr().err.startswith("bptrace: old.json: no")


def test_a_date_that_is_none_is_told(marked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a decision."""
    (marked / "o.csv").write_text("sheet,cell,verdict,on\nben,z1[2],right,soon\n", encoding="utf-8")
    assert main(["check", "hand-3-2-2", "class.csv", "--overrides", "o.csv"]) == 2
    assert "not a date; write it as 2026-11-30" in capsys.readouterr().err


# --- several processes ---


class Here(Executor):
    """An executor that does everything at once, and counts the tasks."""

    def __init__(self) -> None:
        self.tasks = 0

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Done already."""
        self.tasks += 1
        out: Future[Any] = Future()
        out.set_result(task(*arguments, **named))
        return out


def a_class(folder: Path, count: int) -> Path:
    """Sheets of several steps of one class: right, slipped, in other letters."""
    kinds = (
        "0.6457,0.7685,2.183,3.252",
        "0.6457,0.7865,2.219,3.310",
        "0.65,0.77,-2.183,3.0",
        "0.6457,0.7685,2.183,3.209",
    )
    rows = (f"p{k:03},{kinds[k % len(kinds)]}" for k in range(count))
    path = folder / "class.csv"
    path.write_text("id,z1[1],z1[2],delta2[1],delta1[1]\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_an_executor_marks_as_one_process_does(tmp_path: Path) -> None:
    """Of somebody's own, and of threads."""
    path, here = a_class(tmp_path, 450), Here()
    alone = check("hand-3-2-2", path).render("json")
    assert check("hand-3-2-2", path, executor=here).render("json") == alone
    assert here.tasks == 3
    with ThreadPoolExecutor(1) as threads:
        assert check("hand-3-2-2", path, executor=threads).render("json") == alone


def test_two_processes_mark_as_one_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Layers by the command, equations from Python: problems and sheets go between processes."""
    path = a_class(tmp_path, 250)
    outs = []
    for jobs in ("1", "2"):
        assert main(["check", "hand-3-2-2", str(path), "--format", "json", "--jobs", jobs]) == 0
        outs.append(capsys.readouterr().out)
    assert outs[0] == outs[1]
    own = "equations = '''\ny = w*x\nE = (y - t)^2/2\n'''\nparameters = {w = 0.5}\ngiven = {x = 2, t = 0.3}\n"
    rows = "\n".join(f"p{k},{1 + k % 2}.0,0.7" for k in range(250))
    path.write_text(f"id,y,dy\n{rows}\n", encoding="utf-8")
    marks = [check(loads(own), path, jobs=jobs).render("json") for jobs in (1, 2)]
    assert marks[0] == marks[1]


def test_no_jobs_are_refused(tmp_path: Path) -> None:
    """One at least."""
    with pytest.raises(ValueError, match="0 jobs cannot mark anything"):
        check("hand-3-2-2", a_class(tmp_path, 2), jobs=0)


def test_a_cluster_of_dask_marks_as_one_process_does(tmp_path: Path) -> None:
    """`Client.get_executor()`, two workers on this machine."""
    distributed = pytest.importorskip("distributed")
    path = a_class(tmp_path, 250)
    alone = check("hand-3-2-2", path).render("json")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        assert check("hand-3-2-2", path, executor=client.get_executor()).render("json") == alone
