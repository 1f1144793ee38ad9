"""Sheets of somebody's own equations: right ones are accepted however they were rounded, slips are named and true."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from steps import FURTHER_NAMES, NAMES, problem_text

from derivations.computation import Computation
from derivations.given import Given
from tracer import check, loads, trace, train
from tracer.answers.blank import SHEET_FORMATS, blank_sheet
from tracer.answers.reporting.texts import messages
from tracer.marking import carrying, evidence, explaining, judging, misread
from tracer.marking.discipline import PLAIN
from tracer.marking.rewrites import rewrites
from tracer.template_equations import new_equations

sys.path.insert(0, str(Path(__file__).parents[2] / "campaigns"))

import own_sheets as campaign

RNN = """
equations = '''
h[0,k] = 0
a[t,j] = Σ_i Wx[j,i]*x[t,i] + Σ_k Wh[j,k]*h[t-1,k] + b[j]
h[t,j] = tanh(a[t,j])
y[t] = Σ_j Wy[j]*h[t,j] + c
E = Σ_t (y[t] - target[t])^2/2
'''
parameters.Wx = [[0.1, -0.2], [0.3, 0.4]]
parameters.Wh = [[0.3, 0.4], [0.6, 0.7]]
parameters.b = [-0.5, 0.6]
parameters.Wy = [0.7, -0.8]
parameters.c = 0.1
given.x = [[0.9, 0.1], [-0.2, 0.3], [0.4, -0.5]]
given.target = [-0.5, 0.6, 0.7]
training.learning_rate = 0.5
"""


def numbers(problem: Computation, places: int = 4) -> dict[str, str]:
    """All numbers of a step to so many decimals."""
    return {n: f"{float(v):.{places}f}" for n, v in trace(problem).values.items()}


@pytest.fixture(scope="module")
def rnn() -> Computation:
    """Three steps of two units."""
    problem = loads(RNN)
    assert isinstance(problem, Computation)
    return problem


# --- right ones ---


@pytest.mark.parametrize("name", [*NAMES, *FURTHER_NAMES])
def test_no_right_sheet_is_refused(name: str) -> None:
    """Whatever is carried, however many figures or decimals, with numbers left out."""
    problem: Any = loads(problem_text(name))
    if problem.training and problem.training.samples != "together":
        pytest.skip("its samples are worked in turn")
    rng, names = np.random.default_rng(5), campaign.Names(problem)
    for blanks in (0.0, 0.3):
        checked = check(problem, names.mapping(campaign.worked(problem, rng, None, blanks)))
        refused = [m for m in checked.marks if not m.accepted and m.verdict not in ("not_assessable", "coarse")]
        assert refused == []


def test_without_errors_carried_right_sheets_are_refused(monkeypatch: pytest.MonkeyPatch, rnn: Computation) -> None:
    """The planted twin: what follows is worked on, whatever the sheet has."""

    def kept(self: Any, q: Any, follows: Any) -> Any:
        if (written := self.cells.numbers.get(q)) is not None:
            met, _ = self.meeting(follows, written)
            self.out.accepted[q] = met[0] <= met[1]
        self.out.follows[q] = self.out.carried[q] = follows
        return follows

    rng, names = np.random.default_rng(5), campaign.Names(rnn)
    sheets = [names.mapping(campaign.worked(rnn, rng, None, 0.0)) for _ in range(12)]
    monkeypatch.setattr(judging, "DISCIPLINES", (PLAIN,))
    assert all(check(rnn, sheet).all_right for sheet in sheets)
    monkeypatch.setattr(carrying.Recording, "_kept", kept)
    assert not all(check(rnn, sheet).all_right for sheet in sheets)


@pytest.mark.parametrize("arithmetic", ["float32", "float64"])
def test_a_programs_numbers_are_right(rnn: Computation, arithmetic: str) -> None:
    """Printed in full, worked in either format."""
    printed = {n: repr(float(v)) for n, v in trace(rnn, arithmetic=arithmetic).values.items()}
    assert check(rnn, printed).all_right


JACOBIAN = """
equations = '''
z[k] = softmax_k(a[k])
J[k,m] = z[k]*([k = m] - z[m])
E = Σ_k Σ_m J[k,m]*t[m]*w[k]
'''
[parameters]
a = [0.2, -0.4, 0.7]
w = [0.5, 0.1, -0.3]
[given]
t = [1, 0, 0]
"""


def test_a_condition_that_is_added_holds_where_it_holds() -> None:
    """[k = m] - z[m] was taken as 1 - z[m] throughout; the planted twin: what that gave is wrong."""
    problem, every = loads(JACOBIAN), [(k, m) for k in (1, 2, 3) for m in (1, 2, 3)]
    step = trace(problem)
    right = {f"J[{k},{m}]": f"{step[f'J[{k},{m}]']:.4f}" for k, m in every}
    assert check(problem, right).all_right
    throughout = {f"J[{k},{m}]": f"{step[f'z[{k}]'] * (1 - step[f'z[{m}]']):.4f}" for k, m in every}
    verdicts = {mark.name: mark.accepted for mark in check(problem, throughout).marks}
    assert verdicts == {f"J[{k},{m}]": k == m for k, m in every}


def test_arrays_do_as_well_as_numbers(rnn: Computation) -> None:
    """Lists and arrays, as a trace has them."""
    known = trace(rnn).steps[0].known
    sheet = {n: known[n] for n in ("a", "h", "y", "E", "dWh", "da", "Wx_new")}
    assert check(rnn, sheet).all_right
    assert check(rnn, {"dWh": known["dWh"].tolist()}).score == 1


SAMPLES = """
equations = '''
y[n] = w*x[n] + b
E = mean_n((y[n] - t[n])^2)
'''
parameters = {w = 0.5, b = 0.1}
given = {x = [1, 2, 3], t = [0, 1, 1]}
training = {learning_rate = 0.1, sample = "n", samples = "%s"}
"""


@pytest.mark.parametrize("way", ["together", "in_turn", "apart"])
def test_samples_and_steps_have_their_marks(way: str) -> None:
    """`y@2` of a batch, `y#2` of the second step where each sample has its own, `E@2` where each has a network."""
    problem = loads(SAMPLES % way)
    assert isinstance(problem, Computation)
    values = numbers(problem, 5)
    assert any(("#2" if way == "in_turn" else "@2") in name for name in values)
    assert check(problem, values).all_right
    wrong = next(name for name in values if name.startswith("y") and name.endswith("2"))
    checked = check(problem, values | {wrong: "9.99999"})
    assert next(m.name for m in checked.marks if not m.accepted and m.verdict != "follows") == wrong


def test_a_second_step_starts_from_what_the_sheet_has(rnn: Computation) -> None:
    """`E#2` follows from its own new parameters."""
    run = train(rnn, 2, trace_step=2)
    second = {n: f"{float(v):.4f}" for n, v in run.traced.values.items() if n in ("E#2", "y[1]#2")}
    assert len(second) == 2
    assert check(rnn, numbers(rnn) | second).all_right
    assert not check(rnn, numbers(rnn) | second | {"E#2": "0.5000"}).all_right


# --- slips ---

SLIPS = {
    "path_left_out": (
        "dh",
        lambda v: {f"dh[{t},{k}]": v(f"dh[{t},{k}]") - _later(v, t, k) for t in (1, 2) for k in (1, 2)},
    ),
    "slope_left_out": ("da", lambda v: {f"da[{t},{j}]": v(f"dh[{t},{j}]") for t in (1, 2, 3) for j in (1, 2)}),
    "transposed": ("dh", lambda v: {f"dh[2,{k}]": _transposed(v, k) for k in (1, 2)}),
    "sign": ("Wy_new", lambda v: {f"Wy_new[{j}]": (0.7, -0.8)[j - 1] + 0.5 * v(f"dWy[{j}]") for j in (1, 2)}),
    "one_of_the_sum": ("dc", lambda v: {"dc": v("dy[3]")}),
    "before_the_function": ("y", lambda v: {"y[2]": 0.7 * v("a[2,1]") - 0.8 * v("a[2,2]") + 0.1}),
}
WH = ((0.3, 0.4), (0.6, 0.7))


def _later(v: Any, t: int, k: int) -> float:
    return sum(WH[j - 1][k - 1] * v(f"da[{t + 1},{j}]") for j in (1, 2))


def _transposed(v: Any, k: int) -> float:
    return (0.7, -0.8)[k - 1] * v("dy[2]") + sum(WH[k - 1][j - 1] * v(f"da[3,{j}]") for j in (1, 2))


@pytest.mark.parametrize("kind", SLIPS)
def test_a_slip_is_named_with_the_line_as_it_was_worked(rnn: Computation, kind: str) -> None:
    """Alone; what follows from it rightly is told to follow, and keeps its points."""
    array, wrong = SLIPS[kind]
    right = numbers(rnn, 6)
    slipped = {n: f"{x:.6f}" for n, x in wrong(lambda n: float(right[n])).items()}
    assert slipped
    checked = check(rnn, right | slipped)
    named = [cause for cause in checked.causes if any(name.startswith(f"equation.{kind}[") for name in cause.slips)]
    assert len(named) == 1, str(checked)
    assert set(named[0].cells) <= slipped.keys()
    assert array in named[0].cells[0]
    told = checked.explain()
    assert "Worked was" in told or "gives this number" in told


def test_what_follows_from_a_slip_counts(rnn: Computation) -> None:
    """Worked on rightly from a wrong number, a sheet loses the one point."""
    slip = next(s for s in rewrites(rnn) if s.name.startswith("equation.term_left_out") and s.facts["term"] == "c")
    sheet = campaign.Names(rnn).mapping(campaign.by_rewrite(rnn, slip, 6))
    checked = check(rnn, sheet)
    assert {m.name for m in checked.marks if not m.accepted} == {"y[1]", "y[2]", "y[3]"}
    assert checked.causes[0].slips == (slip.name,)
    assert "da[1,1]" in {n for cause in checked.causes for n in cause.follows}


def test_random_numbers_are_given_no_name(rnn: Computation) -> None:
    """At zero parameters too, where every slip gives the same."""
    zero = loads(RNN.replace("0.1, -0.2], [0.3, 0.4", "0, 0], [0, 0").replace("[0.7, -0.8]", "[0, 0]"))
    rng = np.random.default_rng(3)
    named = 0
    for problem in (rnn, zero):
        assert isinstance(problem, Computation)
        right = numbers(problem, 6)
        for name in rng.choice(list(right), 25, replace=False).tolist():
            checked = check(problem, right | {name: f"{rng.uniform(-3, 3):.6f}"})
            named += sum(bool(cause.slips) for cause in checked.causes)
    assert named == 0


def test_a_misread_input_is_told_and_carried(rnn: Computation) -> None:
    """A given number that the sheet has otherwise is its own from there on."""
    other = loads(RNN.replace("[0.9, 0.1]", "[0.8, 0.1]"))
    assert isinstance(other, Computation)
    sheet = {"x[1,1]": "0.8", **numbers(other, 5)}
    checked = check(rnn, sheet)
    assert checked.causes[0].slips == ("given.misread",)
    assert [m.name for m in checked.marks if not m.accepted] == ["x[1,1]"]


def test_a_lost_sign_is_one_of_the_pen(rnn: Computation) -> None:
    """A zero more at the end is no slip at all."""
    right = numbers(rnn, 5)
    turned = {"dWh[1,2]": f"{-float(right['dWh[1,2]']):.5f}"}
    assert [cause.slips for cause in check(rnn, right | turned).causes] == [("pen.sign",)]
    assert check(rnn, right | {"dWh[1,2]": f"{float(right['dWh[1,2]']):.5f}"}).all_right


# --- what is handed in ---


def filled(blank: str | bytes, form: str, values: dict[str, str]) -> bytes:
    """A blank sheet with its numbers."""
    if form == "xlsx":
        return _filled_workbook(bytes(blank), values)
    text = str(blank)
    if form == "json":
        known = {name: _nested(name, value, values) for name, value in json.loads(text)["values"].items()}
        return json.dumps({"values": known}).encode()
    if form == "text":
        return re.sub(r"([^\s,]+\[[\d,]+\]|\w+) = ?", lambda m: f"{m[1]} = {values[m[1]]}", text).encode()
    mark = "|" if form == "markdown" else ","
    lines, title, columns = [], "", list[str]()
    for line in text.splitlines():
        parts = line.strip("|").split("|") if mark == "|" else next(csv.reader([line]), [])
        cells = [c.strip(' "`') for c in parts]
        if len(cells) > 1 and "[" in cells[0] and "=" in cells[1]:
            title, columns = cells[0], cells[1:]
        elif cells and "=" in cells[0] and title:
            cells[1:] = [values[_placed(title, cells[0], column)] for column in columns]
        elif cells and cells[0] in values:
            cells[1] = values[cells[0]]
        else:
            lines.append(line)
            continue
        lines.append(f"| {' | '.join(cells)} |" if mark == "|" else ",".join(f'"{c}"' for c in cells))
    return "\n".join(lines).encode()


def _placed(title: str, *at: str) -> str:
    found = dict(part.split(" = ") for part in at)
    name, _, inside = title.rstrip("]").partition("[")
    return f"{name}[{','.join(found.get(i, i) for i in inside.split(','))}]"


def _nested(name: str, value: Any, values: dict[str, str]) -> Any:
    if value is None:
        return values[name]
    first = 0 if name == "h" else 1
    shape = np.shape(np.array(value, object))
    return [[values[f"{name}[{i + first},{j + 1}]"] for j in range(shape[1])] for i in range(shape[0])]


def _filled_workbook(blank: bytes, values: dict[str, str]) -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(io.BytesIO(blank))
    title, columns = "", list[str]()
    for row in book.active.iter_rows():
        first = str(row[0].value or "")
        if "[" in first and "=" in str(row[1].value or ""):
            title, columns = first, [str(c.value) for c in row[1:] if c.value]
        elif "=" in first:
            for cell, column in zip(row[1:], columns, strict=False):
                cell.value = values[_placed(title, first, column)]
        elif first in values:
            row[1].value = values[first]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("form", [f for f in SHEET_FORMATS if f != "latex"])
def test_a_blank_sheet_filled_in_is_read(tmp_path: Path, rnn: Computation, form: str) -> None:
    """Grids with rows and columns of indices, nested lists, lines of several numbers."""
    values = numbers(rnn)
    ending = {"markdown": "md", "text": "txt"}.get(form, form)
    path = tmp_path / f"sheet.{ending}"
    path.write_bytes(filled(blank_sheet(rnn, form), form, values))
    checked = check(rnn, path)
    assert checked.all_right, str(checked)
    assert len(checked.marks) == len(values)


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("h[9,1]", "unknown"), ("q", "unknown"), ("h", "unknown"), ("dWh[1,2", "unknown"), ("E", "malformed")],
)
def test_what_is_no_number_of_the_step_is_told(rnn: Computation, name: str, verdict: str) -> None:
    """A name that nobody knows, an array for a number, a number that is none: the rest is marked."""
    checked = check(rnn, {"y[1]": numbers(rnn)["y[1]"], name: "0.5x" if verdict == "malformed" else "0.5"})
    assert checked[0][name].verdict == verdict
    assert checked[0]["y[1]"].accepted


def bptrace(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command."""
    return subprocess.run([sys.executable, "-m", "tracer", *arguments], capture_output=True, text=True)


def test_the_command_marks_sheets_and_classes(tmp_path: Path, rnn: Computation) -> None:
    """Exit 0 where all is right or a class was marked, 1 where not, 2 for what cannot be said."""
    problem = tmp_path / "rnn.toml"
    problem.write_text(RNN, encoding="utf-8")
    folder = tmp_path / "class"
    folder.mkdir()
    right = numbers(rnn)
    for person, more in (("anna", {}), ("ben", {"E": "9.99"})):
        (folder / f"{person}.json").write_text(json.dumps(right | more), encoding="utf-8")
    assert bptrace("check", str(problem), str(folder / "anna.json")).returncode == 0
    done = bptrace("check", str(problem), str(folder / "ben.json"))
    assert done.returncode == 1
    assert "E: no known slip gives this number" in done.stdout
    done = bptrace("check", str(problem), str(folder))
    assert done.returncode == 0
    assert "2 sheets" in done.stdout
    done = bptrace("check", str(problem), str(folder), "--format", "page")
    assert done.returncode == 2
    assert "a page is for one sheet" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_sheet_is_marked_alone_as_in_its_class(tmp_path: Path, rnn: Computation) -> None:
    """In any order, beside whomever."""
    rng, names, slips = np.random.default_rng(7), campaign.Names(rnn), rewrites(rnn)
    for k in range(12):
        slip = slips[int(rng.integers(len(slips)))] if k % 2 else None
        sheet = names.mapping(campaign.worked(rnn, rng, slip, 0.2))
        (tmp_path / f"{k:02}.json").write_text(json.dumps(sheet), encoding="utf-8")
    together = check(rnn, tmp_path)
    for marked in together:
        (alone,) = check(rnn, tmp_path / f"{marked.id}.json")
        assert alone.marks == marked.marks
        assert alone.causes == marked.causes


def test_asked_numbers_and_points(rnn: Computation) -> None:
    """`[sheet]` says what is asked and what it counts."""
    problem = loads(RNN + '[sheet]\nask = ["E", "dc", "dWy"]\npoints = {E = 2, dWy = 0.5}\n')
    right = numbers(rnn)
    checked = check(problem, {"E": right["E"], "dc": "7", "y[1]": right["y[1]"]})
    assert checked.points == 2
    assert checked.one.total == 4
    assert [m.name for m in checked.marks if m.verdict == "missing"] == ["dWy[1]", "dWy[2]"]


@pytest.mark.parametrize("what", [("rnn", "2-2-1"), ("conv", "4x4"), ("attention", "2-2")])
def test_every_template_can_be_marked(what: tuple[str, str]) -> None:
    """What `new` writes."""
    problem = loads(new_equations(*what))
    assert isinstance(problem, Computation)
    assert check(problem, numbers(problem)).all_right


# --- what a blind class has shown ---


def conv() -> Computation:
    """A convolution with a pool: many exact zeros and ones."""
    problem = loads(new_equations("conv", "4x4"))
    assert isinstance(problem, Computation)
    return problem


def short(problem: Computation, figures: int = 4) -> dict[str, str]:
    """Numbers as a spreadsheet has them, zeros at the end left out."""
    return {n: f"{float(v):.{figures}g}" for n, v in trace(problem).values.items()}


def test_zeros_and_ones_do_not_loosen_a_sheet() -> None:
    """They say nothing of how somebody rounds: what is twice too large stays wrong."""
    right = short(conv())
    assert sum(text in ("0", "1") for text in right.values()) > 10
    assert check(conv(), right).all_right
    twice = {n: f"{2 * float(right[n]):.4g}" for n in right if n == "E" or n.startswith("dK")}
    checked = check(conv(), right | twice)
    assert not any(m.accepted for m in checked.marks if m.name in twice and float(right[m.name]))


def test_which_entry_is_the_largest_is_known_from_the_sheet() -> None:
    """A signal to none of a pool's entries is no rounding of one to the largest."""
    right = short(conv())
    none = {n: "0" for n in right if n.startswith("dz[")}
    checked = check(conv(), right | none)
    assert not any(m.accepted for m in checked.marks if m.name in none and float(right[m.name]))


def test_what_is_exact_may_be_short() -> None:
    """A row of an embedding that no word reads keeps its number, with whatever figures."""
    text = """
    equations = '''
    e[p,d] = T[tok[p],d]
    E = Σ_{p,d} tanh(e[p,d])^2
    '''
    parameters.T = [[0.1, 0.25], [0.1, 0.3]]
    given.tok = [1, 1]
    training.learning_rate = 0.1
    """
    problem = loads(text)
    assert isinstance(problem, Computation)
    printed = {n: repr(float(v)) for n, v in trace(problem).values.items()}
    assert printed["T_new[2,1]"] == "0.1"
    assert check(problem, printed).all_right


def test_a_parameter_written_again_is_its_updated_value(rnn: Computation) -> None:
    """Where its numbers are; where they are others it is misread."""
    right = numbers(rnn)
    again = {n.replace("_new", ""): v for n, v in right.items() if n.startswith("Wh_new")}
    checked = check(rnn, again | {"E": right["E"]})
    assert checked.all_right
    assert "Wh read as its updated value, Wh_new" in checked.one.remarks


@pytest.mark.parametrize("name", ["dE/dWh[1,2]", "∂E/∂Wh[1,2]", "dWh(1,2)", "dWh_12"])
def test_names_of_derivatives(rnn: Computation, name: str) -> None:
    """As people write them."""
    assert check(rnn, {name: numbers(rnn)["dWh[1,2]"]}).all_right


def test_an_array_without_its_start_is_read(rnn: Computation) -> None:
    """h[1] to h[3] of h[0] to h[3]; a single number in a list."""
    known = trace(rnn).steps[0].known
    assert check(rnn, {"h": known["h"][1:].tolist(), "E": [float(known["E"])]}).all_right


def test_chance_is_given_no_name() -> None:
    """Another kernel is no slip of a line: one number that one gives by chance is not told as its cause."""
    problem = conv()
    K = problem.parameters["K"].floats
    other = replace(problem, parameters={**problem.parameters, "K": Given.read((K * [1.1, -0.7, 1.3]).tolist())})
    sheet = {n: v for n, v in numbers(other, 3).items() if n.startswith("a[")}
    checked = check(problem, sheet)
    assert not checked.all_right
    assert all(not cause.slips for cause in checked.causes)


def test_no_slip_is_looked_for_on_a_sheet_of_noise(rnn: Computation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most arrays are wrong each on its own; the planted twin: where all were looked at, some were."""
    looked: list[int] = []
    own = explaining._Explaining.explain
    monkeypatch.setattr(explaining._Explaining, "explain", lambda task: looked.append(1) or own(task))
    noise = {n: f"{(k * 0.7368) % 3 + 5:.3f}" for k, n in enumerate(numbers(rnn)) if not n.startswith("h[0")}
    assert not check(rnn, noise).all_right
    assert not looked
    monkeypatch.setattr(evidence, "LEAST_NOISE", 10**6)
    check(rnn, noise)
    assert looked


OVERFLOWING = """
equations = '''
a[j] = w[j]*x[j]
y[j] = exp(a[j])
E = Σ_j y[j]^2
'''
parameters.w = [0.5, 0.25]
given.x = [2, 4]
"""


@pytest.mark.parametrize("quiet", [True, False])
def test_numbers_of_any_size_warn_nobody(monkeypatch: pytest.MonkeyPatch, *, quiet: bool) -> None:
    """Overflow on the way to a misread number is silent; the planted twin: it warns where nobody sees to that."""
    if not quiet:
        monkeypatch.setattr(misread, "silent", contextlib.nullcontext)
    sheet = {"a[1]": "5000", "a[2]": "5000", "y[1]": "2.7", "y[2]": "2.7", "E": "14.8"}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert not check(loads(OVERFLOWING), sheet).all_right
    assert bool(told) is not quiet


@pytest.mark.parametrize("content", ['{"q": 1}', "h[1,1] = ", "E = abc"])
def test_a_sheet_of_which_nothing_is_read_has_no_score(tmp_path: Path, content: str) -> None:
    """As of layers."""
    problem, sheet = tmp_path / "p.toml", tmp_path / "sheet.txt"
    problem.write_text(RNN, encoding="utf-8")
    sheet.write_text(content, encoding="utf-8")
    done = bptrace("check", str(problem), str(sheet))
    assert done.returncode in (1, 3)
    assert "No score: no number could be read." in done.stdout


def test_every_kind_of_slip_has_its_sentences_and_none_is_left_over() -> None:
    """In both languages, with the line as it is and as it was worked, or the term of a sum that it is about."""
    kinds = {
        slip.name.partition("[")[0] for name in (*NAMES, *FURTHER_NAMES) for slip in rewrites(loads(problem_text(name)))
    }
    told = {name: texts for name, texts in messages()["slip"].items() if name.startswith("equation.")}
    assert kinds == told.keys()
    for name, texts in told.items():
        words = "cell", "right", "term" if name.startswith("equation.term_of_sum") else "used"
        assert all(f"{{{word}}}" in texts[lang] for lang in ("en", "ja") for word in words)


def test_statements_of_one_letter_are_no_rows_of_a_grid(tmp_path: Path) -> None:
    """`f = -12, dz = 3` are two numbers, whatever stands as `t = 1, 0.5` below the head of a grid."""
    problem = loads('equations = "f = (x+y)*z"\nobjective = "f"\nparameters = {x = -2, y = 5, z = -4}')
    path = tmp_path / "sheet.txt"
    path.write_text("f = -12, dz = 3\ndx = -4; dy = -4\n", encoding="utf-8")
    checked = check(problem, path)
    assert checked.all_right, str(checked)
    assert [m.name for m in checked.marks] == ["f", "dz", "dx", "dy"]


HIDDEN = """
equations = '''
a[j] = Σ_i W[j,i]*x[i] + b[j]
z[j] = sigmoid(a[j])
y = Σ_j V[j]*z[j]
E = (y - t)^2/2
'''
[parameters]
W = [[0.3, -0.4], [0.2, 0.9]]
b = [0.1, 0.2]
V = [0.7, -0.5]
[given]
x = [0.9, -1.3]
t = 0.25
[training]
learning_rate = 0.1
"""


@pytest.mark.parametrize("written", [True, False])
def test_a_row_that_was_written_and_not_used_hides_no_slip(written: bool) -> None:
    """h' at z, with the right slopes on the sheet and without them."""
    problem = loads(HIDDEN)
    step = trace(problem)
    z, dz, slope = (np.asarray(step[name]) for name in ("z", "dz", "slope_z"))
    s = 1 / (1 + np.exp(-z))
    dW = np.outer(dz * s * (1 - s), [0.9, -1.3])
    cells = {name: [f"{v:.4g}" for v in array] for name, array in (("z", z), ("dz", dz), ("slope_z", slope))}
    if not written:
        del cells["slope_z"]
    numbers_ = {f"dW[{j + 1},{i + 1}]": f"{dW[j, i]:.4g}" for j in range(2) for i in range(2)}
    (cause,) = check(problem, cells | numbers_).causes
    assert [name.partition("[")[0] for name in cause.slips] == ["equation.slope_at_the_output"]


def test_one_wrong_learning_rate_is_one_cause() -> None:
    """However many parameters are updated with it."""
    problem = loads(HIDDEN)
    step = trace(problem)
    given = {"W": np.array([[0.3, -0.4], [0.2, 0.9]]), "b": np.array([0.1, 0.2]), "V": np.array([0.7, -0.5])}
    new = {f"{n}_new": (v - np.asarray(step[f"d{n}"])).tolist() for n, v in given.items()}
    (cause,) = check(problem, new | {f"d{n}": np.asarray(step[f"d{n}"]).tolist() for n in given}).causes
    assert len(cause.cells) == 8
