"""The line of a wrong number: written out for any step, hinted at by its role, told of a class once."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import mpmath
import pytest

import tracer
from derivations.computation import Computation
from derivations.evaluation import value
from derivations.expression import Negative
from derivations.layered_computation import LayeredComputation
from derivations.network import Problem
from derivations.quantity import Quantity
from tracer import check, load, loads, trace
from tracer.answers.result import Checked
from tracer.computed_step import run_computation
from tracer.marking.key import Key
from tracer.marking.layers_key import LayersKey
from tracer.marking.passes import Runs
from tracer.marking.worked_lines import MOST_TERMS, WorkedLines
from tracer.samples import sample_folders

SAMPLES = [folder.name for folder in sample_folders()]
HINTS = tomllib.loads((Path(tracer.__file__).parent / "answers" / "messages.toml").read_text(encoding="utf-8"))["hint"]


def computed(name: str) -> Computation:
    """A sample as a computation."""
    problem: Any = load(name)
    return LayeredComputation.of(problem) if isinstance(problem, Problem) else problem


def key_of(name: str) -> Key:
    problem: Any = load(name)
    return LayersKey(problem) if isinstance(problem, Problem) else Key(problem)


# --- written out ---


def unlike(problem: Computation, lines: WorkedLines) -> list[str]:
    """Numbers of the first step whose line, worked by itself, gives another one."""
    own = Runs(problem).passes(1)[0]
    step = run_computation(own.problem, sample=own.sample)
    known = {**step.stated, **dict(step.items())}

    def leaf(q: Quantity) -> Any:
        return mpmath.mpf(float(known[q] if q in known else step.known[q.kind]))  # a constant is nobody's sample's

    out = []
    for q, worked in step.items():
        line = lines.right(q)
        if line is not None and abs(value(line, leaf) - float(worked)) > 1e-9 * max(1.0, abs(float(worked))):
            out.append(str(q))
    return out


@pytest.mark.parametrize("name", SAMPLES)
def test_every_line_gives_its_number(name: str) -> None:
    """Of every sample, layers and equations alike, and no line that can be written out is missing."""
    problem = computed(name)
    lines = WorkedLines(Runs(problem))
    assert unlike(problem, lines) == []
    own = Runs(problem).passes(1)[0]
    there = [q for q, _ in run_computation(own.problem, sample=own.sample).items()]
    assert all(lines.right(q) is not None for q in there)


def test_the_check_of_lines_sees_a_planted_fault() -> None:
    problem = computed("rnn-tiny")
    lines, q = WorkedLines(Runs(problem)), Quantity("da", 0, (2,))
    (e,) = (e for e in problem.step.equations if e.left.name == "da")
    wrong = lines.otherwise(q, [replace(e, right=Negative(e.right))])
    assert wrong is not None
    lines._right[q] = wrong
    assert unlike(problem, lines) == [str(q)]


@pytest.mark.parametrize("name", ["rnn-tiny", "conv-1d", "momentum-parabola", "softmax-regression", "attention-masked"])
def test_a_line_is_the_one_of_the_table(name: str) -> None:
    """The same formula as `trace` prints."""
    problem: Any = load(name)
    lines, traced = WorkedLines(Runs(problem)), trace(problem)
    assert [w.quantity for w in traced.lines() if lines.right(w.quantity) != w.formula] == []


def test_a_long_sum_is_told_with_its_letters() -> None:
    problem: Any = loads(
        f"""
equations = "E = Σ_i w[i]*x[i]"
parameters.w = {[0.5] * (MOST_TERMS + 1)}
given.x = {[1] * (MOST_TERMS + 1)}
"""
    )
    key = Key(problem)
    assert key.worked.right(Quantity("E")) is None
    assert key.line(Quantity("E"), "") == "E = Σ_i w[i]·x[i]"


def sheet(name: str, other: Mapping[str, str]) -> dict[str, str]:
    """Every number of a step in four figures, some of them others."""
    traced = trace(load(name), digits=4)
    right = {traced.name(q): traced.shown[q] for step in traced.steps for q, _ in step.items()}
    return {**right, **other}


def marked(name: str, other: Mapping[str, str]) -> Checked:
    return check(load(name), sheet(name, other))


def flat(text: str) -> str:
    return " ".join(text.split())


NO_SLOPE = {"da[3]": "-0.5817", "dh[2]": "-0.2780", "da[2]": "-0.2780", "dh[1]": "-0.06570", "da[1]": "-0.06570"}


def test_what_was_worked_is_written_out_for_its_cell() -> None:
    """With the cell's own indices, the wrong line and the right one, as for layers."""
    told = flat(marked("rnn-tiny", NO_SLOPE).render())
    assert "Worked was da[3] = dh[3]; right is da[3] = slope_h[3]·dh[3]." in told
    layers = flat(check(load("hand-3-2-2"), Path(str(load_folder("hand-3-2-2") / "answers.csv"))).render())
    assert "Worked: W2_new[1,1] = W2[1,1] + eta·dW2[1,1]; right: W2_new[1,1] = W2[1,1] - eta·dW2[1,1]." in layers


def load_folder(name: str) -> Path:
    return Path(tracer.__file__).parents[1] / "samples" / name


# --- hints ---


@pytest.mark.parametrize("name", SAMPLES)
def test_every_number_has_a_hint(name: str) -> None:
    key = key_of(name)
    assert {key.stages.of(array) for array in key.problem.step.arrays} <= set(HINTS)


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        (
            "rnn-tiny",
            {
                "a": "preactivation",
                "h": "activation",
                "y": "preactivation",
                "L": "loss",
                "dy": "signal",
                "dWy": "gradients",
                "slope_h": "derivative",
                "dh": "signals",
                "da": "signal",
                "Wx_new": "update",
            },
        ),
        ("conv-pool", {"map": "preactivation", "pooled": "choice", "L": "loss", "dK": "gradients"}),
        ("softmax-regression", {"y": "activation", "da": "signal"}),
        ("huber", {"H": "loss", "E": "loss", "r": "other"}),
        ("momentum-parabola", {"vx": "update", "dx": "gradient"}),
        (
            "hand-3-2-2",
            {
                "a1": "preactivation",
                "z2": "activation",
                "E": "loss",
                "dz2": "signal",
                "slope1": "derivative",
                "delta1": "signal",
                "dW1": "gradient",
                "W1_new": "update",
                "weight": "other",
                "": "other",
            },
        ),
    ],
)
def test_a_hint_follows_from_the_role_of_its_line(name: str, stages: Mapping[str, str]) -> None:
    """And not from letters: y is a weighted sum here, b an input there."""
    key = key_of(name)
    assert {array: key.stages.of(array) for array in stages} == stages


def test_every_kind_of_hint_is_given() -> None:
    """None that no sample needs."""
    keys = map(key_of, SAMPLES)
    assert {key.stages.of(array) for key in keys for array in key.problem.step.arrays} == set(HINTS)


@pytest.mark.parametrize(
    ("lang", "levels"),
    [
        (
            "en",
            {
                "hint": ("the parts are added up.", "", ""),
                "equation": ("the parts are added up.", "Its equation: dh[2] = Wy·dy[2] + Wh·da[3].", ""),
                "numbers": (
                    "added up.",
                    "Its equation: dh[2] =",
                    "your numbers: dh[2] = 1·(-0.2198) + 0.1·(-0.09115).",
                ),
            },
        ),
        (
            "ja",
            {
                "numbers": (
                    "足し合わされます。",
                    "式は dh[2] =",
                    "代入すると dh[2] = 1·(-0.2198) + 0.1·(-0.09115) です。",
                )
            },
        ),
    ],
)
def test_a_hint_has_three_levels(lang: str, levels: Mapping[str, tuple[str, ...]]) -> None:
    """Where to look; the equation; the sheet's own numbers put in; each says what the one before it says."""
    one = marked("rnn-tiny", {"dh[2]": "-0.2198", "da[2]": "-0.08601"})
    for level, said in levels.items():
        told = flat(one.render(feedback=level, lang=lang)).replace(" ", "")
        assert all(part.replace(" ", "") in told for part in said), level
        assert ("Itsequation" in told or "式は" in told) == bool(said[1])
        assert "-0.2289" not in told  # the right number
        assert "pathback" not in told  # the slip


def test_numbers_are_put_in_that_the_sheet_has() -> None:
    """What is not on the sheet stands as its own line where that is known, else as its name; nothing right is told."""
    written = {"h[3]": "0.92", "y[3]": "0.92", "da[3]": "7", "Wy_new": "9"}
    told = flat(check(load("rnn-tiny"), written).render(feedback="numbers"))
    assert "With your numbers: da[3] = (1 - 0.92²)·dh[3]." in told
    assert "With your numbers: Wy_new = 1 - 0.1·dWy." in told


def test_levels_are_told_in_json() -> None:
    out = json.loads(marked("rnn-tiny", NO_SLOPE).render("json", feedback="equation"))
    (cause, *_) = out["sheets"][0]["causes"]
    assert cause["slips"] == []
    assert "Its equation: da[3] = slope_h[3]·dh[3]." in cause["message"]


# --- a class ---


def a_class(name: str, people: Mapping[str, Mapping[str, str]], folder: Path) -> str:
    """The report of a class, a row for each person."""
    rows = {who: sheet(name, other) for who, other in people.items()}
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["id", *next(iter(rows.values()))])
    lines.writerows([who, *row.values()] for who, row in rows.items())
    (folder / "class.csv").write_text(text.getvalue(), encoding="utf-8")
    return flat(check(load(name), folder / "class.csv").render().partition("Causes")[2])


def test_causes_of_a_class_are_told_by_slip_and_line(tmp_path: Path) -> None:
    """A path left out and a term left out elsewhere are two; the rule of the update is one in any parameter."""
    people = {
        "ada": {"Wy_new": "0.9277"},
        "ben": {"Wy_new": "0.9277", "Wx_new": "0.4511", "Wh_new": "0.08875"},
        "chen": {"Wx_new": "0.4511"},
        "dana": {"dh[2]": "-0.2198", "dh[1]": "-0.0379", "da[2]": "-0.08601", "da[1]": "-0.02981"},
        "emil": {"a[2]": "1", "a[3]": "1.5"},
    }
    told = a_class("rnn-tiny", people, tmp_path)
    assert "1. 3 of 5 sheets: Wy_new: the sign of a term is wrong" in told
    assert len(re.findall("sign of a term", told)) == 1
    assert "a path back from the loss is left out: Wh·da[t+1]·[t < 3]; every line" in told
    assert told.count(" of 5 sheets") == 3
