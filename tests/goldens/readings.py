"""What is recorded of each problem, run and sheet, as texts; through `tracer`'s public doors alone.

A case is what is read (a sample, a drawn problem, a training run, a sheet, the program itself), a reading is one text
of it: the numbers of a trace to the bit, or all that a command prints.  Every case is worked in an empty folder that
holds its own files, so that no path gets into a text.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import tempfile
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from goldens.draw import PROBLEMS, RUNS, TrainingRun, problem, run

from tracer import load, trace, train
from tracer.cli import main

__all__ = ["Case", "Reading", "cases", "recorded"]

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "samples"
FORMATS = ("table", "markdown", "latex", "html", "csv", "json")
NOTATIONS = ("bishop", "nielsen", "ng", "mazur", "uy", "names")
REPORTS = ("table", "markdown", "html", "page", "latex", "csv", "json", "gradescope")
LEVELS = ("standard", "full", "matrix", "answers", "worksheet")
FILE = "problem.toml"
HAND = ("--digits", "4")


@dataclass(frozen=True)
class Reading:
    """One text of a case; `rests_on` says whose bits are in it: "floats" (numpy's), "balls" (flint's) or nobody's."""

    text: Callable[[], str]
    rests_on: str = ""


@dataclass(frozen=True)
class Case:
    """What is read, the files that it needs, and every reading of it by name."""

    name: str
    files: Mapping[str, str]
    readings: Mapping[str, Reading] = field(repr=False)

    @property
    def family(self) -> str:
        """sample, drawn, run, sheet or program."""
        return self.name.split("/")[0]


def recorded(case: Case, reading: str) -> str:
    """The text of one reading.  What raises is a text as well: it is then what today's code does."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, text in case.files.items():
            Path(name).write_text(text, encoding="utf-8")
        try:
            return case.readings[reading].text()
        except Exception as e:
            return f"raised {type(e).__name__}: {e}"


def cases() -> dict[str, Case]:
    """Every case by name, in order."""
    made = [*_samples(), *map(_drawn, range(PROBLEMS)), *map(_run, range(RUNS)), *_sheets(), _program()]
    return {case.name: case for case in made}


# --- the cases ---


def _samples() -> Iterator[Case]:
    """Samples of layers, which have every reading; those of equations have numbers of their own in `tests/gallery`."""
    for folder in sorted(SAMPLES.iterdir()):
        files = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}
        if "network" not in tomllib.loads(files[FILE]):
            continue
        del files["about.toml"]  # it says what the gallery says of it, and is read by no command on the problem
        readings = _of_problem() | _of_sample()
        for name in files:
            if name.endswith(".csv"):
                readings |= _of_sheet(name, REPORTS)
        yield Case(f"sample/{folder.name}", files, readings)


def _drawn(i: int) -> Case:
    return Case(f"drawn/{i:03}", {FILE: problem(i).text}, _of_problem())


def _run(i: int) -> Case:
    drawn = run(i)
    return Case(f"run/{i:02}", {FILE: problem(drawn.problem).text}, _of_run(drawn))


def _sheets() -> Iterator[Case]:
    for k, sheet in enumerate(json.loads((HERE / "sheets.json").read_text(encoding="utf-8"))):
        files = {FILE: problem(sheet["problem"]).text, "sheet.csv": sheet["text"]}
        yield Case(f"sheet/{k:03}", files, _of_sheet("sheet.csv", ("table", "json")))


def _program() -> Case:
    commands = {"functions": ("functions",)}
    for sizes in ("1-1", "2-2-1", "3-4-2", "2-3-2-3"):
        commands |= {f"new.{sizes}": ("new", sizes)}
        for activation in ("tanh", "relu", "softmax", "identity"):
            commands |= {f"new.{sizes}.{activation}": ("new", sizes, "--output-activation", activation)}
    for loss in ("squared_error", "cross_entropy", "given", "output"):
        options = ("--activation", "relu", "--loss", loss, "--learning-rate", "0.25")
        commands |= {f"new.{loss}": ("new", "2-3-2", *options)}
    return Case("program", {}, {name: _command(*arguments) for name, arguments in commands.items()})


# --- the readings ---


def _of_problem() -> dict[str, Reading]:
    """What is recorded of every problem."""
    return _numbers() | _tables() | _documents()


def _numbers() -> dict[str, Reading]:
    return {
        "values.float64": Reading(partial(_values, arithmetic="float64"), "floats"),
        "values.float32": Reading(partial(_values, arithmetic="float32"), "floats"),
        "values.ball": Reading(partial(_values, arithmetic="ball"), "balls"),
        "values.ball.200": Reading(partial(_values, arithmetic="ball", precision=200), "balls"),
        "values.digits": Reading(partial(_values, digits=4)),
        "values.digits.full": Reading(partial(_values, digits=4, carry="full")),
        "values.places": Reading(partial(_values, places=3)),
        "values.places.full": Reading(partial(_values, places=3, carry="full")),
    }


def _tables() -> dict[str, Reading]:
    out: dict[str, Reading] = {}
    for form in FORMATS:
        out[f"trace.{form}"] = _command("trace", FILE, "--format", form, rests_on="floats")
        out[f"work.{form}"] = _command("trace", FILE, *HAND, "--work", "--format", form)
    for notation in NOTATIONS:
        letters = ("--notation", notation)
        out[f"trace.table.{notation}"] = _command("trace", FILE, *HAND, *letters)
        out[f"work.latex.{notation}"] = _command("trace", FILE, *HAND, "--work", *letters, "--format", "latex")
    return out | {
        "trace.csv.float32": _command("trace", FILE, "--arithmetic", "float32", "--format", "csv", rests_on="floats"),
        "trace.csv.ball": _command("trace", FILE, "--arithmetic", "ball", "--format", "csv", rests_on="balls"),
        "trace.json.digits": _command("trace", FILE, *HAND, "--format", "json"),
        "trace.csv.places.full": _command("trace", FILE, "--places", "3", "--carry", "full", "--format", "csv"),
    }


def _documents() -> dict[str, Reading]:
    return {
        "beside.table": Reading(partial(_beside, "table")),
        "beside.json": Reading(partial(_beside, "json")),
        "page": _page("page", FILE, *HAND),
        "page.names.ja": _page("page", FILE, "--places", "3", "--notation", "names", "--lang", "ja"),
        "derive.text": _command("derive", FILE, *HAND),
        "sheet.csv": _command("sheet", FILE),
        "sheet.latex": _command("sheet", FILE, "--format", "latex"),
        "verify.json": _command("verify", FILE, "--format", "json", rests_on="floats"),
    }


def _of_sample() -> dict[str, Reading]:
    """What is recorded of the samples besides."""
    out = {
        "sheet.xlsx": Reading(_workbook),
        "verify.certify.json": _command("verify", FILE, "--certify", "--format", "json", rests_on="floats"),
        "derive.prove": _command("derive", FILE, "--level", "answers", "--prove"),
    }
    out |= {f"sheet.{form}": _command("sheet", FILE, "--format", form) for form in ("markdown", "text", "json")}
    for form in ("latex", "markdown", "html", "json"):
        for level in LEVELS:
            out[f"derive.{form}.{level}"] = _command("derive", FILE, "--format", form, "--level", level)
    for notation in NOTATIONS:
        letters = ("--notation", notation)
        out[f"derive.latex.{notation}"] = _command("derive", FILE, "--digits", "4", *letters, "--format", "latex")
        out[f"page.{notation}"] = _page("page", FILE, "--digits", "4", *letters)
        out[f"sheet.csv.{notation}"] = _command("sheet", FILE, *letters)
    return out


def _of_run(drawn: TrainingRun) -> dict[str, Reading]:
    """What is recorded of a training run."""
    options = ["train", FILE, "--steps", str(drawn.steps), "--arithmetic", drawn.arithmetic]
    options += ["--every", str(drawn.every)] if drawn.every else []
    options += ["--digits", str(drawn.digits)] if drawn.digits else []
    options += ["--places", str(drawn.places)] if drawn.places else []
    traced = ("--trace-step", str(drawn.trace_step))
    out = {"values": Reading(partial(_trained, drawn), "floats")}
    for form in FORMATS:
        out[f"train.{form}"] = _command(*options, "--format", form, rests_on="floats")
    return out | {
        "train.table.step": _command(*options, *traced, rests_on="floats"),
        "train.json.step": _command(*options, *traced, "--format", "json", rests_on="floats"),
        "page": _page(*options, "--format", "page", rests_on="floats"),
        "page.nielsen.ja": _page(
            *options, "--format", "page", "--notation", "nielsen", "--lang", "ja", rests_on="floats"
        ),
    }


def _of_sheet(name: str, forms: tuple[str, ...]) -> dict[str, Reading]:
    """What is recorded of the marking of one sheet, or of a class."""
    out = {f"check.{form}.{name}": _command("check", FILE, name, "--format", form) for form in forms if form != "page"}
    if "page" in forms:
        out[f"check.page.{name}"] = _page("check", FILE, name, "--format", "page")
    for feedback in ("verdict", "hint") if "html" in forms else ():
        out[f"check.{feedback}.{name}"] = _command("check", FILE, name, "--feedback", feedback)
    return out | {f"check.ja.{name}": _command("check", FILE, name, "--lang", "ja")} if "html" in forms else out


# --- the texts ---


def _command(*arguments: str, rests_on: str = "") -> Reading:
    return Reading(partial(_printed, *arguments), rests_on)


def _page(*arguments: str, rests_on: str = "") -> Reading:
    return Reading(lambda: _steps_alone(_printed(*arguments)), rests_on)


def _printed(*arguments: str) -> str:
    """All that a command says: its exit code, standard output and standard error."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            code: object = main(list(arguments))
        except SystemExit as e:
            code = e.code
    said = errors.getvalue()
    return f"exit {code}\n{output.getvalue()}" + (f"--- standard error\n{said}" if said else "")


def _steps_alone(page: str) -> str:
    """A page without its style and scripts, and without the line that names their hashes."""
    bare = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"<meta http-equiv=.*", "", bare)


def _values(**how: Any) -> str:
    """Every number of a trace, given or worked out, in order and to the bit."""
    traced = trace(load(FILE), **how)
    lines = [f"{name} {_bits(value)}" for name, value in (*traced.inputs.items(), *traced.values.items())]
    return "\n".join([traced.policy, *lines, *traced.notes])


def _trained(drawn: TrainingRun) -> str:
    """Every number that a run records, to the bit."""
    done = train(
        load(FILE),
        drawn.steps,
        every=drawn.every,
        trace_step=drawn.trace_step,
        record=4,
        arithmetic=drawn.arithmetic,
    )
    lines = [f"loss {' '.join(map(_bits, loss))}" for loss in done.losses]
    for part in (done.outputs, done.gradients, done.parameters):
        lines += ["", *(f"{name} {_bits(value)}" for name, value in part.items())]
    for traced in (done.last, done.traced, *done.recorded):
        lines += ["", *(f"{name} {_bits(value)}" for name, value in (traced.values if traced else {}).items())]
    return "\n".join(lines)


def _bits(value: Any) -> str:
    """A float in hexadecimal; a ball's midpoint and radius as mantissa and exponent."""
    if not hasattr(value, "rad"):
        return float(value).hex()
    if not value.is_finite():
        return str(value)
    return " ± ".join("*2^".join(str(int(part)) for part in end.man_exp()) for end in (value.mid(), value.rad()))


def _beside(form: str) -> str:
    """The command's own numbers to three figures, every third of them, put beside the step.

    Left out is what the command does not take: the losses E@3 of samples apart, and numbers such as 6e-391.
    """
    printed = _printed("trace", FILE, "--digits", "3", "--format", "csv").partition("\n")[2]
    rows = list(csv.DictReader(io.StringIO(printed.split("--- standard error")[0])))
    lines = [f"{row['quantity']} = {row['value']}" for row in rows[::3]]
    lines = [line for line in lines if re.fullmatch(r"(?!E@)\S+ = [-.\d]+(e-?\d\d?)?", line)]
    Path("printed.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return _printed("trace", FILE, "--beside", "printed.txt", "--format", form)


def _workbook() -> str:
    """The cells of a blank sheet as a workbook."""
    from openpyxl import load_workbook

    said = _printed("sheet", FILE, "-o", "blank.xlsx")
    book = load_workbook("blank.xlsx")
    return "\n".join([said, *(f"{name}: {row}" for name in book.sheetnames for row in book[name].values)])
