"""What people hand in gets the marks that it earned, under its own name, and harms nobody else's."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from processor import BUSY, within

import tracer
from tracer import Problem, check, load
from tracer.answers.reading.naming import Naming
from tracer.answers.reading.sources import MOST_PEOPLE, read_sheets
from tracer.answers.reporting import class_report, render
from tracer.answers.reporting.remarks import translated
from tracer.answers.result import Checked, Mark, Marked
from tracer.answers.solutions import marked as solutions
from tracer.cli import main
from tracer.marking import marking

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch
HAND = load("hand-3-2-2")
ASKING = replace(HAND, sheet=(("ask", ["z1", "delta1"]),))
RIGHT = "z1[1] = 0.6457\nz1[2] = 0.7685\n"
SCHEMA = json.loads((Path(tracer.__file__).parent / "schemas" / "check-1.json").read_text(encoding="utf-8"))


def marks(cells: dict[str, str], problem: Problem = HAND) -> Marked:
    """One sheet, marked."""
    return check(problem, cells).one


def folder_of(folder: Path, files: dict[str, str]) -> Path:
    """A folder with these files."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def zipped(folder: Path) -> Path:
    """The same files in an archive."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return path


def ran(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


# --- formulas as names ---


@pytest.mark.parametrize(
    "identity",
    ["z1[1]*7-7*z1[1]", "E*0", "E/E", "(z1[1]+1)*(z1[1]-1)-z1[1]^2", "0*z1[1]+3", "z1[1]/2-0.5*z1[1]", "2-E*0"],
)
@pytest.mark.parametrize("problem", [HAND, ASKING])
def test_an_identity_counts_nothing(identity: str, problem: Problem) -> None:
    """Whatever it says, it is told and not counted; the planted twin holds the number itself."""
    for number in ("0", "1", "2", "3", "-1", "17"):
        sheet = marks({identity: number}, problem)
        assert sheet.points == 0
        assert sheet.marks[0].verdict == "not_counted"
        assert "an identity" in sheet.marks[0].facts["message"]
    assert marks({f"{identity}+z1[1]-z1[1]+2*z1[1]": "1.29131"}, problem).marks[0].verdict != "not_counted"


def test_four_hundred_tautologies_are_worth_nothing() -> None:
    """Asked cells blank, the rest true of anything: it was 99 %."""
    cells = {"z1[1]": "", "delta1[1]": ""} | {f"z1[1]*{k}-{k}*z1[1]": "0" for k in range(1, 400)}
    with within(1):
        sheet = marks(cells, ASKING)
        assert (sheet.points, sheet.total) == (0, 4)


@pytest.mark.parametrize(
    ("formula", "number", "quantity"),
    [
        ("delta2[1]*z1[1]", "1.409", "dW2[1,1]"),
        ("z1[1]*(1-z1[1])", "0.2288", "slope1[1]"),
        ("2*z1[1]+1", "2.2913", "z1[1]"),
        ("delta2[1]*W2[1,1]", "2.183", "delta2[1]"),
        ("-eta*dW2[1,1]", "-0.1409", "W2_new[1,1]"),
        ("W1[1,1]*x[1]+W1[1,2]*x[2]+W1[1,3]*x[3]", "0.6", "a1[1]"),
        ("1*z1[1]+2*z1[2]", "2.183", "a2[1]"),
    ],
)
def test_a_formula_is_an_answer_for_what_it_determines(formula: str, number: str, quantity: str) -> None:
    """A number of it, or the side of its equation; the planted twins: another number, and a sum that is neither."""
    (mark,) = marks({formula: number}).marks
    assert (mark.accepted, mark.quantity) == (True, quantity)
    wrong = f"{float(number) * 1.2:.4g}"
    assert not marks({formula: wrong}).marks[0].accepted
    assert marks({f"{formula}+z1[2]*E": number}).total == 0


def test_a_formula_counts_where_it_is_asked_for() -> None:
    """With `ask` only for what is asked, which is then not missing."""
    sheet = marks({"2*z1[1]+1": "2.2913", "delta2[1]*z1[1]": "1.409", "z1[1]": ""}, ASKING)
    assert [m.verdict for m in sheet.marks] == ["rounded", "rounded", "missing", "missing", "missing"]
    assert [m.earned for m in sheet.marks] == [1, 0, 0, 0, 0]
    assert (sheet.points, sheet.total) == (1, 4)


def test_a_quantity_counts_once_however_often_it_is_written() -> None:
    """Multiples, formulas and the name itself are one answer; what stands under its name comes first."""
    cells = {f"{k}*z1[1]": "1" for k in range(2, 60)} | {"z1[1]+1": "1.6457", "z1[1]": "0.6457"}
    sheet = marks(cells)
    assert (sheet.points, sheet.total) == (1, 1)
    assert "stands there already" in sheet["2*z1[1]"].facts["message"]
    assert marks({"3*z1[1]": "9", "2*z1[1]": "1.2913"}).points == 0  # the first of them


def test_a_formula_too_coarse_to_tell_earns_nothing() -> None:
    """z1[1] + 1000000 = 1000001 says nothing of z1[1]; the planted twin says all of it."""
    assert marks({"z1[1]+1000000": "1000001"}).points == 0
    assert marks({"E*0.000001+0*z1[1]": "0.00"}).points == 0
    assert marks({"0.001*z1[1]": "0.001", "a1[1]": "0.600", "a1[2]": "1.200"})["0.001*z1[1]"].earned == 0
    assert marks({"z1[1]+1000000": "1000000.6457"}).points == 1


def test_a_zero_of_one_s_own_gives_no_marks_through_a_formula() -> None:
    """As under the quantity's own name."""
    for name in ("delta2[1]*z1[1]", "dW2[1,1]"):
        assert marks({"delta2[1]": "0", name: "0"}).points == 0


def test_formulas_cost_little(tmp_path: Path) -> None:
    """A thousand of them, with high powers and long numbers, wrong or of steps that nobody reached."""
    hard = [f"(({k}+z1[1])^9+1e300)^9*E-delta1[1]" for k in range(1, 500)]
    long = [f"{k}*E" + "+z1[1]*delta2[1]/E" * 8 for k in range(1, 500)]
    path = tmp_path / "hard.csv"
    path.write_text("".join(f"{name},5\n" for name in (*hard, *long, "delta2[1]*z1[1]#2")), encoding="utf-8")
    sheets, spent = list(read_sheets(HAND, [path])), list[float]()
    for _ in range(3):  # the least of them: other work on the machine slows one down, not all
        begin = time.process_time()
        assert marking.mark(HAND, sheets)[0].points == 0
        spent.append(time.process_time() - begin)
    assert min(spent) < 1.5 * BUSY


# --- one file, one person ---


SPOOF = {
    "alice.csv": "id,z1[1],z1[2]\nbob,0.1,0.2\nzoe,0.1,0.2\nalice,0.6457,0.7685\n",
    "bob.txt": RIGHT,
    "mallory.json": '{"carol": {"z1[1]": 0.1}, "zoe": {"z1[1]": 3}}',
    "zoe.txt": RIGHT,
}


@pytest.mark.parametrize("given", ["folder", "zip", "names"])
def test_nobody_takes_another_s_name(given: str, tmp_path: Path) -> None:
    """A class table and a JSON of people among the files are refused; the ids are those of the files."""
    folder = folder_of(tmp_path / "class", SPOOF)
    sources: Any = {"folder": folder, "zip": zipped(folder), "names": sorted(map(str, folder.iterdir()))}[given]
    checked = check(HAND, sources)
    assert [(s.id, s.score) for s in checked] == [("alice", None), ("bob", 1), ("mallory", None), ("zoe", 1)]
    assert "answers of several people" in checked["alice"].error


def test_a_class_table_is_a_class_where_it_is_alone(tmp_path: Path) -> None:
    """The planted twin."""
    folder = folder_of(tmp_path / "class", SPOOF)
    assert [s.id for s in check(HAND, folder / "alice.csv")] == ["bob", "zoe", "alice"]
    assert [s.id for s in check(HAND, folder / "mallory.json")] == ["carol", "zoe"]


def test_a_file_that_names_one_other_person_is_its_own(tmp_path: Path) -> None:
    """Read, and told; a row without a name needs no telling."""
    files = {"ann.json": '{"zoe": {"z1[1]": 0.6457}}', "ben.csv": "z1[1],z1[2]\n0.6457,0.7685\n"}
    ann, ben = check(HAND, folder_of(tmp_path / "class", files))
    assert (ann.id, ann.score, ann.remarks) == ("ann", 1, ("taken for its file's, not for 'zoe', whom it names",))
    assert (ben.id, ben.score, ben.remarks) == ("ben", 1, ())


def test_ids_are_unique_and_numbers_take_nobody_s(tmp_path: Path) -> None:
    """Two bobs beside a real "bob (2)", blanks that nobody sees, and the same on every run."""
    rows = "bob,0.1\nbob,0.6457\nbob (2),0.2\n bob  ,0.3\nbob (3),0.4\n"
    table = tmp_path / "class.csv"
    table.write_text("id,z1[1]\n" + rows, encoding="utf-8")
    ids = [s.id for s in check(HAND, table)]
    assert ids == ["bob", "bob (4)", "bob (2)", "bob (5)", "bob (3)"]
    assert [s.id for s in check(HAND, table)] == ids


def test_an_override_hits_one_person(tmp_path: Path) -> None:
    """Whoever is called like it."""
    table, overrides = tmp_path / "class.csv", tmp_path / "overrides.csv"
    table.write_text("id,z1[1]\nbob,0.1\nbob,0.1\nbob (2),0.1\n", encoding="utf-8")
    overrides.write_text("sheet,cell,verdict\nbob (2),z1[1],right\n", encoding="utf-8")
    assert [s.score for s in check(HAND, table, overrides=overrides)] == [0, 0, 1]


@pytest.mark.parametrize("count", [1, 2])
def test_overrides_reach_written_solutions(count: int, tmp_path: Path, capsys: Capture) -> None:
    """Their numbers are cells like any other; a decision is never left out in silence."""
    files = {f"p{k}.md": "$z_1^{(1)} = 0.6457$\n" for k in range(count)}
    folder, overrides = folder_of(tmp_path / "class", files), tmp_path / "overrides.csv"
    overrides.write_text("sheet,cell,verdict\np0,z1[1],wrong\n", encoding="utf-8")
    named = sorted(folder.iterdir())
    _, out, _ = ran(capsys, "check", "hand-3-2-2", *named, "--overrides", overrides, "--format", "json")
    assert [sheet["score"] for sheet in json.loads(out)["sheets"]] == [0, 1][:count]


@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_too_many_people_are_no_class_of_one(suffix: str, tmp_path: Path, capsys: Capture) -> None:
    """An error that says what to do, in little time."""
    path = tmp_path / f"people.{suffix}"
    if suffix == "json":
        path.write_text(
            json.dumps({f"{k:x}": {"E": 1} for k in range(50_000)}, separators=(",", ":")), encoding="utf-8"
        )
    else:
        path.write_text("id,E\n" + "".join(f"{k},1\n" for k in range(MOST_PEOPLE + 1)), encoding="utf-8")
    with within(1.5):
        code, out, err = ran(capsys, "check", "hand-3-2-2", path)
    assert (code, out) == (2, "")
    assert f"more than {MOST_PEOPLE} people in one file; split it" in err
    assert err.count("\n") == 1


# --- sheets and solutions ---


@pytest.mark.parametrize("form", ["table", "csv", "json", "html", "markdown", "latex"])
def test_sheets_and_solutions_are_marked_each_as_what_it_is(form: str, tmp_path: Path, capsys: Capture) -> None:
    """In whatever order they are named: it was 0 for all but the solution."""
    solution = "$z_1^{(1)} = 0.6457$ and $z_2^{(1)} = 0.7685$\n"
    folder = folder_of(tmp_path / "class", {"g1.txt": RIGHT, "g2.csv": RIGHT, "good.md": solution})
    named = sorted(map(str, folder.iterdir()))
    for files in (named, named[::-1]):
        code, out, _ = ran(capsys, "check", "hand-3-2-2", *files, "--format", form)
        assert code == 0
        assert "not marked" not in out
        if form == "csv":
            rows = list(csv.DictReader(io.StringIO(out)))
            assert {row["id"]: row["score"] for row in rows} == dict.fromkeys(("g1", "g2", "good"), "100.00")


def test_a_mix_names_last_what_has_no_score(tmp_path: Path, capsys: Capture) -> None:
    """A solution by its rows, sheets by their cells, a class table among them as one that nobody can take over."""
    files = {"a.md": "$z_1^{(1)} = 0.6457$\n", "b.csv": SPOOF["alice.csv"], "c.txt": RIGHT, "d.csv": "z1[1],two\n"}
    named = sorted(folder_of(tmp_path / "class", files).iterdir())
    code, out, _ = ran(capsys, "check", "hand-3-2-2", *named)
    assert code == 0
    assert "1 of 1 rows read" in out
    assert "all 2 right" in out
    assert out.rstrip().splitlines()[-1].startswith("2 sheets could not be read: ")
    _, out, _ = ran(capsys, "check", "hand-3-2-2", *named, "--format", "json")
    sheets = json.loads(out)["sheets"]
    assert [sheet["score"] for sheet in sheets] == [1, None, 1, None]
    assert [Path(sheet["sheet"]).name for sheet in sheets] == [path.name for path in named]


# --- whatever happens in one file ---


def failing(monkeypatch: Patch, where: Any, name: str, on: Callable[..., bool]) -> None:
    """A function that raises KeyError where `on` says so of its arguments."""
    right = getattr(where, name)

    def wrong(*args: Any, **options: Any) -> Any:
        if on(*args):
            raise KeyError("planted")
        return right(*args, **options)

    monkeypatch.setattr(where, name, wrong)


def plant(monkeypatch: Patch, stage: str) -> None:
    """An error of our own on bob's sheet, at a stage of its way."""
    if stage == "reading":
        failing(monkeypatch, Naming, "read", lambda _, raw, *__: raw.id == "bob")
    elif stage == "marking":
        failing(monkeypatch, marking, "last_step", lambda sheets: any(s.id == "bob" for s in sheets))
    elif stage == "solving":
        failing(monkeypatch, solutions, "check_solution", lambda *_: True)  # in a class
        failing(monkeypatch, solutions, "read_solution", lambda *_: True)  # alone
    else:
        failing(monkeypatch, class_report, "percent", lambda score: score == 0.5)


@pytest.mark.parametrize("stage", ["reading", "marking", "solving", "reporting"])
@pytest.mark.parametrize("form", ["table", "csv", "json", "html"])
def test_an_error_in_one_file_is_its_verdict(
    stage: str, form: str, tmp_path: Path, capsys: Capture, monkeypatch: Patch
) -> None:
    """The rest is marked; bob has a row without a score, and a line that says what to do; debugging, it is raised."""
    if stage == "reporting" and form in ("csv", "json"):
        return  # these write no percents
    bob = "$z_1^{(1)} = 0.6457$\n" if stage == "solving" else "z1[1] = 0.6457\nz1[2] = 0.1\n"
    files = {f"p{k}.txt": RIGHT for k in range(5)} | {"bob.md": bob}
    folder = folder_of(tmp_path / "class", files)
    plant(monkeypatch, stage)
    code, out, _ = ran(capsys, "check", "hand-3-2-2", folder, "--format", form)
    assert code == 0
    assert "KeyError" in out
    assert "please report it" in " ".join(out.split())
    if form == "csv":
        rows = list(csv.reader(io.StringIO(out)))[1:]
        assert [row[:2] for row in rows] == [*([f"p{k}", "100.00"] for k in range(5)), ["bob", ""]]
    monkeypatch.setenv("BPTRACE_DEBUG", "1")
    with pytest.raises(KeyError, match="planted"):
        main(["check", "hand-3-2-2", str(folder), "--format", form])


@pytest.mark.parametrize("stage", ["reading", "marking", "solving"])
def test_an_error_in_a_single_file_is_a_line(stage: str, tmp_path: Path, capsys: Capture, monkeypatch: Patch) -> None:
    """Which file, which error, and exit code 2."""
    path = tmp_path / "bob.md"
    path.write_text("$z_1^{(1)} = 0.6457$\n" if stage == "solving" else RIGHT, encoding="utf-8")
    plant(monkeypatch, stage)
    code, out, err = ran(capsys, "check", "hand-3-2-2", path)
    assert (code, out) == (2, "")
    assert err == f"bptrace: {path}: an unexpected error, KeyError: 'planted'; please report it\n"


def test_several_solutions_go_on_after_one(tmp_path: Path, capsys: Capture, monkeypatch: Patch) -> None:
    """Each on its own, in marking and in telling."""
    text = "$z_1^{(1)} = 0.6457$\n"
    folder = folder_of(tmp_path / "class", {"ann.md": text, "bob.md": f"bob {text}", "zoe.md": text})
    failing(monkeypatch, solutions, "check_written", lambda _, written: written.startswith("bob"))
    code, out, _ = ran(capsys, "check", "hand-3-2-2", *sorted(folder.iterdir()))
    assert code == 0
    assert out.count("all 1 right") == 2
    assert "not marked: an unexpected error, KeyError: 'planted'; please report it" in " ".join(out.split())
    code, out, _ = ran(capsys, "check", "hand-3-2-2", *sorted(folder.iterdir()), "--format", "json")
    assert [sheet["score"] for sheet in json.loads(out)["sheets"]] == [1, None, 1]


def test_one_bad_sheet_costs_a_batch_little(monkeypatch: Patch) -> None:
    """It is found by halves: of 64 sheets in 13 runs, not in 64; the planted twin: all are bad."""
    sheets = list(read_sheets(HAND, [Path(tracer.__file__).parents[1] / "samples" / "hand-3-2-2" / "answers.csv"]))
    many = [replace(sheets[0], id=f"p{k}") for k in range(64)]
    runs: list[int] = []
    failing(
        monkeypatch,
        marking,
        "last_step",
        lambda sheets: bool(runs.append(1)) or any(s.id == "p41" for s in sheets),  # type: ignore[func-returns-value]
    )
    out = marking.mark(HAND, many)
    assert [m.id for m in out if m.error] == ["p41"]
    assert len(runs) == 13


# --- no number, no score ---


NOTHING = {
    "bin.csv": "\0\1\2",
    "words.csv": "z1[1],two\nz1[2],three\n",
    "strange.csv": "q7,1\nq8,2\n",
    "blank.csv": "z1[1],\nz1[2],\n",
    "prose.md": "hello\n",
}


@pytest.mark.parametrize("form", render.FORMATS)
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_no_number_read_is_no_score(form: str, lang: str, tmp_path: Path, capsys: Capture) -> None:
    """Blank, never 0, and last, in every format; the planted twin, wrong numbers, scores 0."""
    folder = folder_of(tmp_path / "class", NOTHING | {"zoe.csv": "z1[1],0.1\nz1[2],0.2\n"})
    if form == "gradescope":
        assert "score" not in json.loads(check(HAND, folder / "words.csv").render(form, lang=lang))
        assert json.loads(check(HAND, folder / "zoe.csv").render(form, lang=lang))["score"] == 0
        return
    code, out, _ = ran(capsys, "check", "hand-3-2-2", folder, "--format", form, "--lang", lang)
    assert code == 0
    if form == "csv":
        rows = list(csv.reader(io.StringIO(out)))[1:]
        assert [row[:4] for row in rows] == [
            ["zoe", "0.00", "0", "2"],
            *([name, "", "", ""] for name in ("bin", "blank", "prose", "strange", "words")),
        ]
    elif form == "json":
        jsonschema.validate(json.loads(out), SCHEMA)
        scores = {sheet["sheet"]: sheet["score"] for sheet in json.loads(out)["sheets"]}
        assert scores == dict.fromkeys(("bin", "blank", "prose", "strange", "words")) | {"zoe": 0}
    else:
        assert out.count("0.0%") + out.count(r"0.0\%") >= 2  # zoe's, and the mean of hers alone
        assert out.index("zoe") < out.index("blank")
        for name in ("bin", "blank", "prose", "strange", "words"):
            assert not any(name in line and "0.0" in line for line in out.splitlines() if "<" not in line)


def test_the_summary_lists_who_has_no_score(tmp_path: Path, capsys: Capture) -> None:
    """By name; where nobody has one, nothing could be judged."""
    folder = folder_of(tmp_path / "class", NOTHING | {"zoe.csv": RIGHT.replace(" = ", ",")})
    code, _, err = ran(capsys, "check", "hand-3-2-2", folder, "-o", tmp_path / "out.csv")
    assert (code, err.count("\n")) == (0, 1)
    assert "1 sheet, mean score 100.0%, 1 all right" in err
    assert "5 sheets could not be read: bin, blank, prose, strange, words" in err
    (folder / "zoe.csv").unlink()
    assert ran(capsys, "check", "hand-3-2-2", folder)[0] == 3


def test_a_person_s_verdict_is_a_score() -> None:
    """A marker who can read what we cannot may give points."""
    unread = Marked("ann", (Mark("z1[1]", "zwei", "malformed"),))
    assert unread.score is None
    assert replace(unread, marks=(unread.marks[0]._replace(awarded=0.5),)).score == 0.5
    assert replace(unread, marks=(unread.marks[0]._replace(verdict="right"),)).score == 1
    assert Checked("", (unread,)).score is None


# --- known tracebacks ---


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ("hand-3-2-2", r"$$\frac{\text{}}{}"),
        ("hand-3-2-2", r"$\frac{}{a} = \dfrac{}{} = \frac12$"),
        ("middle-layer", "$net1≈3$"),
        ("middle-layer", "$t_1 = 3$"),
        ("middle-layer", "$x_1 = t_2 = 3$"),
    ],
)
def test_short_files_that_ended_the_run(problem: str, text: str, tmp_path: Path, capsys: Capture) -> None:
    """Read like any other, alone and in a class."""
    path = tmp_path / "short.md"
    path.write_text(text, encoding="utf-8")
    for source in (path, tmp_path):
        code, out, err = ran(capsys, "check", problem, source)
        assert code in (0, 1, 3)
        assert "unexpected" not in out + err


@pytest.mark.parametrize("given", ["folder", "names"])
def test_a_link_to_itself_is_told(given: str, tmp_path: Path, capsys: Capture) -> None:
    """In a folder and on the command line, with a report beside it; alone it is an error."""
    folder = folder_of(tmp_path / "class", {"ann.txt": RIGHT})
    loop = folder / "loop"
    loop.symlink_to("loop")
    (folder / "gone.csv").symlink_to("nowhere")
    sources = [folder] if given == "folder" else sorted(folder.iterdir())
    code, _, err = ran(capsys, "check", "hand-3-2-2", *sources, "-o", folder / "x.csv")
    assert code == 0
    assert "2 sheets could not be read: gone, loop" in err
    assert ran(capsys, "check", "hand-3-2-2", loop)[0] == 2


@pytest.mark.parametrize("text", [RIGHT, "$z_1^{(1)} = 0.6457$\n"])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("suffix", ["html", "md", "json"])
def test_a_name_that_is_not_utf_8_is_told(text: str, count: int, suffix: str, tmp_path: Path, capsys: Capture) -> None:
    """Whatever it is written to."""
    files = [os.fsencode(tmp_path / name) + b"\xe9.md" for name in ("ann", "bob")[:count]]
    for file in files:
        with open(file, "wb") as out:
            out.write(text.encode())
    code, _, err = ran(capsys, "check", "hand-3-2-2", *map(os.fsdecode, files), "-o", tmp_path / f"x.{suffix}")
    assert (code, "Traceback" in err) == (0, False)
    assert (tmp_path / f"x.{suffix}").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "closed", "code"),
    [
        (("check", "hand-3-2-2", "ann.txt"), "<&-", 0),
        (("check", "hand-3-2-2", "-"), "<&-", 2),
        (("verify", "-"), "<&-", 2),
        (("check", "hand-3-2-2", "ann.txt"), ">&-", 2),
        (("trace", "hand-3-2-2"), ">&-", 2),
        (("check", "hand-3-2-2", "ann.txt", "-o", "x.csv"), ">&-", 0),
        (("check", "hand-3-2-2", "ann.txt", "-o", "x.csv"), "2>&-", 0),
        (("check", "hand-3-2-2", "ann.txt"), "", 0),
    ],
)
def test_closed_streams(arguments: tuple[str, ...], closed: str, code: int, tmp_path: Path) -> None:
    """A closed input is an empty one; where a report cannot be written, that is no success."""
    (tmp_path / "ann.txt").write_text(RIGHT, encoding="utf-8")
    line = f"{sys.executable} -m tracer {' '.join(arguments)} {closed}"
    root = str(Path(tracer.__file__).parents[1])
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr


def test_what_is_told_has_its_japanese() -> None:
    """Every sentence of this page; the planted twin has none."""
    for said in (
        "an unexpected error, KeyError: 'z1'; please report it",
        "answers of several people; in a folder or an archive a file is one person's, give a class alone",
        f"more than {MOST_PEOPLE} people in one file; split it",
        "taken for its file's, not for 'zoe', whom it names",
        "an identity, the same whatever the answers are",
        "an answer for z1[1], which stands there already; counted once",
        "more than 300 formulas as names; this one is not looked at",
    ):
        assert translated(said, "ja") != said
    assert translated("determines all that is asked for", "ja") == "determines all that is asked for"


def test_a_reading_that_lacks_a_quantity_of_the_sheet_is_not_tried() -> None:
    """Found by the goldens: biases that are not trained have no velocity, which the sheet writes."""
    problem = {
        "network": {"loss": "half_squared_error", "layers": [{"activation": "identity", "W": [[0.5]], "b": [0.1]}]},
        "samples": [{"x": [1], "t": [0]}],
        "training": {"learning_rate": 0.1, "optimizer": "momentum"},
        "marking": {"accept": [{"update_biases": False}]},
    }
    found = check(problem, {"a1[1]": "0.6", "vb1": "-0.06", "b1_new": "0.04"})
    assert found.all_right
    assert check(problem, {"a1[1]": "0.6", "b1_new": "0.1"}).all_right
