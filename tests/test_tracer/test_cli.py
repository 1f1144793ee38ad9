"""The command line: data on standard output, words on standard error, exit codes 0 and 2, and a light door."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tracer
from derivations.activations import ACTIVATIONS
from derivations.losses import LOSSES
from tracer.cli import FORMATS, main

ROOT = Path(tracer.__file__).parent
SCHEMAS = ROOT / "schemas"
Capture = pytest.CaptureFixture[str]


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own."""
    return subprocess.run([sys.executable, "-m", "tracer", *arguments], capture_output=True, timeout=60, **more)


def said(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of the command in this process."""
    try:
        code: Any = main(list(arguments))
    except SystemExit as e:
        code = e.code
    out, err = capsys.readouterr()
    return code, out, err


def printed(capsys: Capture, *arguments: str) -> str:
    """What a command that succeeds prints; it says nothing else."""
    code, out, err = said(capsys, *arguments)
    assert (code, err) == (0, "")
    return out


def refused(capsys: Capture, *arguments: str) -> str:
    """The one line that a command refuses with."""
    code, out, err = said(capsys, *arguments)
    assert (code, out) == (2, ""), (out, err)
    assert err.startswith("bptrace"), err
    assert err.count("\n") == 1, err
    assert err.endswith("\n")
    assert "Traceback" not in err
    assert all(c.isprintable() for c in err[:-1]), err
    return err


# --- every command and option ---

GOOD = [
    ["trace", "hand-3-2-2"],
    *(["trace", "hand-3-2-2", "--format", form] for form in FORMATS),
    *(["trace", "hand-3-2-2", "--work", "--format", form] for form in FORMATS if form != "csv"),
    *(["trace", "hand-3-2-2", "--arithmetic", name] for name in ("float64", "float32", "ball")),
    ["trace", "hand-3-2-2", "--digits", "4"],
    ["trace", "hand-3-2-2", "--places", "0"],
    ["trace", "hand-3-2-2", "--digits", "4", "--carry", "full"],
    ["trace", "hand-3-2-2", "--digits", "4", "--carry", "shown"],
    ["trace", "hand-3-2-2", "--arithmetic", "ball", "--precision", "200"],
    ["trace", "hand-3-2-2", "--arithmetic", "float64", "--places", "2"],
    ["train", "hand-3-2-2", "--steps", "5"],
    ["train", "hand-3-2-2", "--epochs", "5"],
    *(["train", "hand-3-2-2", "--steps", "3", "--format", form] for form in FORMATS),
    ["train", "hand-3-2-2", "--steps", "5", "--every", "2", "--trace-step", "3"],
    ["train", "hand-3-2-2", "--steps", "5", "--trace-step", "5", "--format", "json"],
    ["train", "hand-3-2-2", "--steps", "5", "--arithmetic", "float32", "--places", "10"],
    ["new", "2-2-1"],
    ["new", "2x3x1", "--activation", "tanh", "--output-activation", "identity", "--learning-rate", "1/3"],
    ["new", "2,2", "--loss", "output"],
    ["samples"],
    ["functions"],
    ["--version"],
    ["--help"],
    *([command, "--help"] for command in ("trace", "train", "new", "samples", "functions")),
]


@pytest.mark.parametrize("arguments", GOOD, ids=" ".join)
def test_every_command_and_option_works(arguments: list[str], capsys: Capture) -> None:
    """Exit code 0, something on standard output, nothing on standard error."""
    assert printed(capsys, *arguments).strip()


BAD = {
    "": "COMMAND",
    "trase hand-3-2-2": "COMMAND",
    "trace": "PROBLEM",
    "trace hand-3-2-2 --digits 0": "--digits must be from 1 to 100",
    "trace hand-3-2-2 --digits 101": "--digits must be from 1 to 100",
    "trace hand-3-2-2 --digits four": "'four' is not a whole number",
    "trace hand-3-2-2 --digits 4.0": "'4.0' is not a whole number",
    "trace hand-3-2-2 --digits ٤": "is not a whole number",
    "trace hand-3-2-2 --digits 99999999999999": "is not a whole number",
    "trace hand-3-2-2 --digits=--4": "--digits",
    "trace hand-3-2-2 --places -1": "--places must be from 0 to 100",
    "trace hand-3-2-2 --digits 4 --places 2": "not both",
    "trace hand-3-2-2 --carry full": "--digits",
    "trace hand-3-2-2 --carry some": "--carry",
    "trace hand-3-2-2 --arithmetic float16": "--arithmetic",
    "trace hand-3-2-2 --arithmetic float32 --digits 4 --carry shown": "leave out --arithmetic",
    "trace hand-3-2-2 --arithmetic ball --precision 1": "--precision must be from 2",
    "trace hand-3-2-2 --precision 99": "--precision goes with --arithmetic ball",
    "trace hand-3-2-2 --arithmetic ball --precision 999999999": "--precision must be from 2",
    "trace hand-3-2-2 --beside x.csv --digits 4": "--digits does not go with --beside",
    "trace hand-3-2-2 --format pdf": "--format",
    "trace hand-3-2-2 --fast": "--fast",
    "trace hand-3-2-2 -o out.pdf": "out.pdf: the ending says no format",
    "trace hand-3-2-2 -o out": "out: the ending says no format",
    "trace hand-3-2-2 --beside missing.csv": "missing.csv: no such file",
    "trace missing.toml": "missing.toml: no such file",
    "train hand-3-2-2": "--steps",
    "train hand-3-2-2 --steps 0": "--steps must be from 1",
    "train hand-3-2-2 --steps -5": "--steps must be from 1",
    "train hand-3-2-2 --steps 999999999999": "--steps must be from 1",
    "train hand-3-2-2 --steps 5 --epochs 5": "--epochs",
    "train hand-3-2-2 --epochs 0": "from 1",
    "train hand-3-2-2 --steps 5 --every 0": "--every must be at least 1",
    "train hand-3-2-2 --steps 5 --trace-step 6": "--trace-step must be from 1 to the number of steps, 5",
    "train hand-3-2-2 --steps 5 --trace-step 0": "--trace-step must be from 1",
    "train hand-3-2-2 --steps 5 --arithmetic ball": "invalid choice",
    "train hand-3-2-2 --steps 5 --digits 0": "--digits must be from 1 to 100",
    "new": "SIZES",
    "new 3": "'3' is no network",
    "new 2-0-1": "'2-0-1' is no network",
    "new 2--1": "'2--1' is no network",
    "new 2-99999": "is no network",
    "new 2-2-1 --activation tahn": "did you mean tanh?",
    "new 2-2-1 --output-activation sofmax": "did you mean softmax?",
    "new 2-2-1 --loss crossentropy": "did you mean cross_entropy?",
    "new 2-2-1 --learning-rate fast": "'fast' is not a number",
    "new 2-2-1 --learning-rate nan": "not finite",
    "new 2-2-1 --learning-rate 0,1": "decimal comma; write 0.1",
    "samples extra": "extra",
}


@pytest.mark.parametrize("arguments", BAD)
def test_a_wrong_option_is_told_in_one_line(
    arguments: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, the option named, nothing written."""
    monkeypatch.chdir(tmp_path)
    assert BAD[arguments] in refused(capsys, *arguments.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["trace", "\x1b[31mred.toml"],
        ["trace", "a\nb\u202e.toml"],
        ["trace", "hand-3-2-2", "-o", "x\x1b[2J.pdf"],
        ["trace", "hand-3-2-2", "--beside", "\x1b]0;t\x07.csv"],
        ["trace", "hand-3-2-2", "--digits", "\x1b[2J"],
        ["trace", "hand-3-2-2", "--format", "\x1b[2J"],
        ["new", "\x1b[2J"],
        ["new", "2-2-1", "--loss", "\x1b[2J"],
        ["new", "2-2-1", "--activation", "\x1b[2J"],
        ["\x1b[2J"],
    ],
    ids=repr,
)
def test_no_control_character_reaches_the_terminal(arguments: list[str], capsys: Capture) -> None:
    """An escape sequence in an argument is not sent back to the terminal."""
    assert "\x1b" not in refused(capsys, *arguments)


def test_the_version_is_the_package_s(capsys: Capture) -> None:
    """`--version` prints what `tracer.__version__` says."""
    assert printed(capsys, "--version") == f"bptrace {tracer.__version__}\n"


# --- standard input, files ---


def test_a_problem_comes_from_standard_input(capsys: Capture) -> None:
    """`-` reads a problem, here one that `new` has just written."""
    text = printed(capsys, "new", "2-2-1").encode()
    done = run("trace", "-", "--format", "json", input=text)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["schema"] == "bptrace/trace/1"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("o.md", "markdown"),
        ("o.tex", "latex"),
        ("o.html", "html"),
        ("o.HTM", "html"),
        ("o.csv", "csv"),
        ("o.json", "json"),
        ("o.txt", "table"),
    ],
)
def test_the_ending_of_o_picks_the_format(name: str, form: str, capsys: Capture, tmp_path: Path) -> None:
    """`-o FILE` writes what `--format` prints, and leaves nothing else behind."""
    assert printed(capsys, "trace", "hand-3-2-2", "-o", str(tmp_path / name)) == ""
    assert (tmp_path / name).read_text(encoding="utf-8") == printed(capsys, "trace", "hand-3-2-2", "--format", form)
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "command", [["new", "2-2-1"], ["samples"], ["functions"], ["train", "hand-3-2-2", "--steps", "2"]]
)
def test_every_command_writes_to_a_file(command: list[str], capsys: Capture, tmp_path: Path) -> None:
    """`-o` holds for each of them; what takes no format takes any ending, a file with any name keeps `--format`."""
    path = tmp_path / ("out.toml" if command[0] != "train" else "out.txt")
    assert printed(capsys, *command, "-o", str(path)) == ""
    assert path.read_text(encoding="utf-8") == printed(capsys, *command)


def test_a_written_file_has_the_usual_permissions(capsys: Capture, tmp_path: Path) -> None:
    """As if `>` had written it."""
    usual, path = tmp_path / "usual", tmp_path / "o.json"
    usual.write_text("")
    printed(capsys, "trace", "hand-3-2-2", "-o", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)


def test_a_failed_write_leaves_the_old_file(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last move fails or the work is interrupted, the old file stands and nothing lies beside it."""
    path = tmp_path / "o.json"
    path.write_text("old")
    for fault, says in (
        (OSError(28, "No space left on device"), "No space left"),
        (KeyboardInterrupt(), "interrupted"),
    ):

        def fail(*_: object, fault: BaseException = fault) -> None:
            raise fault

        monkeypatch.setattr(os, "replace", fail)
        assert says in refused(capsys, "trace", "hand-3-2-2", "-o", str(path))
        assert path.read_text() == "old"
        assert [p.name for p in tmp_path.iterdir()] == ["o.json"]


def test_a_place_that_cannot_be_written_is_named(capsys: Capture, tmp_path: Path) -> None:
    """A missing folder and a folder in the file's place are refused; nothing is left behind."""
    missing = tmp_path / "no" / "o.json"
    line = refused(capsys, "trace", "hand-3-2-2", "-o", str(missing))
    assert "No such file or directory" in line
    folder = tmp_path / "folder.json"
    folder.mkdir()
    assert "folder.json" in refused(capsys, "trace", "hand-3-2-2", "-o", str(folder))
    assert [p.name for p in tmp_path.iterdir()] == ["folder.json"]


def test_the_message_names_the_file_that_was_asked_for(capsys: Capture, tmp_path: Path) -> None:
    """Not the hidden file that is written first."""
    line = refused(capsys, "trace", "hand-3-2-2", "-o", str(tmp_path / "no" / "o.json"))
    assert f"{tmp_path / 'no' / 'o.json'}: " in line


# --- the terminal ---


def test_a_reader_that_leaves_is_no_error() -> None:
    """`bptrace ... | head -1` ends without a word."""
    command = f"{sys.executable} -m tracer new 200-200-9 | head -1"
    piped = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60)
    assert piped.stderr == b""
    assert piped.stdout.startswith(b"# A problem")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_in_one_line() -> None:
    """Where standard output takes nothing, exit code 2 and one line."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tracer", "trace", "hand-3-2-2"], stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"No space left" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
@pytest.mark.parametrize("arguments", [["trace", "hand-3-2-2"], ["trace", "hand-3-2-2", "--work"], ["functions"]])
def test_any_terminal_can_show_it(encoding: str, arguments: list[str]) -> None:
    """A stream that knows no Unicode gets plain signs, no traceback and no question marks."""
    done = run(*arguments, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    assert "?" not in done.stdout.decode(encoding)


def test_no_color_changes_nothing() -> None:
    """There are no colours to leave out."""
    plain = run("trace", "hand-3-2-2", env={**os.environ, "NO_COLOR": "1"})
    assert plain.stdout == run("trace", "hand-3-2-2", env={**os.environ, "FORCE_COLOR": "1"}).stdout
    assert b"\x1b" not in plain.stdout


SIZES = ["1-1", "2-2-1", "3-2-2", "1-1-1-1", "2-3-4", "4-4-4", "4-1-4"]


def too_wide(text: str) -> list[str]:
    """The lines of more than 80 columns."""
    return [line for line in text.splitlines() if len(line) > 80]


@pytest.mark.parametrize(
    "options",
    [[], ["--arithmetic", "float32"], ["--digits", "4"], ["--places", "10"], ["--digits", "4", "--carry", "full"]],
    ids=" ".join,
)
def test_the_table_fits_80_columns(options: list[str], capsys: Capture) -> None:
    """The hand table, in each arithmetic in which people print it."""
    assert too_wide(printed(capsys, "trace", "hand-3-2-2", *options)) == []
    assert too_wide("x" * 81), "the check can fail"


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softmax", "gelu"])
def test_generated_networks_fit_80_columns(sizes: str, activation: str, capsys: Capture, tmp_path: Path) -> None:
    """Every `new` network up to 4-4-4 loads, traces, and fits the terminal."""
    path = tmp_path / "p.toml"
    printed(capsys, "new", sizes, "--activation", activation, "-o", str(path))
    assert too_wide(printed(capsys, "trace", str(path))) == []
    assert too_wide(printed(capsys, "trace", str(path), "--digits", "4")) == []


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_new_works_for_every_activation_and_loss(activation: str, loss: str, capsys: Capture, tmp_path: Path) -> None:
    """What `new` writes loads and traces; where the loss has no value there, a note says so."""
    path = tmp_path / "p.toml"
    printed(capsys, "new", "2-2-2", "--activation", activation, "--loss", loss, "-o", str(path))
    assert len(path.read_text().splitlines()) > 20
    code, out, err = said(capsys, "trace", str(path), "--format", "json")
    assert code == 0
    assert all(line.startswith("note: ") for line in err.splitlines())
    values = json.loads(out)["values"]
    assert "W1_new[1,1]" in values
    assert (None in values.values()) == bool(err)


# --- the formats ---


def test_json_reads_back(capsys: Capture) -> None:
    """The values are numbers, the shortest that read back."""
    values = json.loads(printed(capsys, "trace", "hand-3-2-2", "--format", "json"))["values"]
    assert dict(values) == dict(tracer.trace("hand-3-2-2").values)
    rounded = json.loads(printed(capsys, "trace", "hand-3-2-2", "--digits", "4", "--format", "json"))["values"]
    assert (rounded["z1[1]"], rounded["dW2[1,1]"]) == (0.6457, 1.41)


def test_csv_reads_back(capsys: Capture) -> None:
    """Every row has as many cells as the header."""
    rows = list(csv.reader(io.StringIO(printed(capsys, "trace", "hand-3-2-2", "--format", "csv"))))
    assert len({len(row) for row in rows}) == 1
    assert len(rows) > 30


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ("trace-1.json", ["trace", "hand-3-2-2"]),
        ("trace-1.json", ["trace", "hand-3-2-2", "--digits", "4"]),
        ("trace-1.json", ["trace", "hand-3-2-2", "--arithmetic", "ball"]),
        ("train-1.json", ["train", "hand-3-2-2", "--steps", "3"]),
        ("train-1.json", ["train", "hand-3-2-2", "--steps", "3", "--trace-step", "2"]),
    ],
)
def test_json_keeps_to_its_schema(schema: str, arguments: list[str], capsys: Capture) -> None:
    """The output is valid, and a damaged one is not."""
    if not (SCHEMAS / schema).exists():
        pytest.skip("the schema is not written yet")
    jsonschema = pytest.importorskip("jsonschema")
    check = jsonschema.Draft202012Validator(json.loads((SCHEMAS / schema).read_text(encoding="utf-8")))
    value = json.loads(printed(capsys, *arguments, "--format", "json"))
    check.validate(value)
    assert not check.is_valid({**value, "schema": "bptrace/other/1"})
    assert not check.is_valid({key: value[key] for key in value if key != "schema"})


# --- a light door ---

HEAVY = ("sympy", "torch", "jinja2", "lark", "matplotlib", "pandas", "scipy")


def loaded(*arguments: str) -> set[str]:
    """The top-level modules that a command has loaded when it ends."""
    code = (
        "import sys\nfrom tracer.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write(' '.join({m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["trace", "--help"], ["trase"], []], ids=repr)
def test_help_loads_no_numpy(arguments: list[str]) -> None:
    """Help, the version and a usage error come before anything heavy."""
    assert not loaded(*arguments) & {"numpy", "flint", "tabulate", *HEAVY}


@pytest.mark.parametrize("form", FORMATS)
def test_a_trace_loads_nothing_heavy(form: str) -> None:
    """`trace` in any format needs no sympy, torch, jinja2 or lark."""
    assert not loaded("trace", "hand-3-2-2", "--format", form) & set(HEAVY)


def test_the_light_door_can_fail() -> None:
    """The planted twin: what a trace does load is seen."""
    assert "numpy" in loaded("trace", "hand-3-2-2", "--format", "json")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_long_training_shows_progress_on_a_terminal_and_nowhere_else() -> None:
    """A bar on standard error when that is a terminal; nothing of it in a pipe."""
    import pty

    command = [sys.executable, "-m", "tracer", "train", "sigmoid-xor", "--steps", "6000"]
    reader, terminal = pty.openpty()
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal) as process:
            os.close(terminal)
            shown = b""
            while process.poll() is None or not shown:
                try:
                    shown += os.read(reader, 4096)
                except OSError:  # the other end is closed
                    break
            assert process.stdout
            out = process.stdout.read()
    finally:
        os.close(reader)
    assert b"step/s" in shown
    assert b"step/s" not in out
    piped = subprocess.run(command, capture_output=True, check=True)
    assert piped.stderr == b""
