"""The gallery: each sample works in every command, gives the numbers of its source and of torch, and shows its slip."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gallery.lists import EVERY, LAYERED
from gallery.sheets import SLIPS, UPHILL, right, slipped
from test_tracer.test_exercises import check as as_printed
from test_tracer.test_exercises import words

from derivations.computation import Computation
from derivations.network import Problem
from tracer import check, load, trace, train
from tracer.answers.result import Cause
from tracer.cli import main
from tracer.marking.rewrites import rewrites

HERE = Path(__file__).parents[1] / "gallery"
FACTS: dict[str, dict[str, Any]] = tomllib.loads((HERE / "facts.toml").read_text(encoding="utf-8"))
RECORDED: dict[str, dict[str, Any]] = json.loads((HERE / "recorded.json").read_text(encoding="utf-8"))
EQUATIONS = [name for name in EVERY if name not in LAYERED]
MOST_LINES = 22
COMMANDS = (("trace", "--digits", "4"), ("verify",), ("derive",), ("equations",), ("page",), ("sheet",))

Capture = pytest.CaptureFixture[str]


def printed(capsys: Capture, *arguments: str) -> str:
    """What a command prints; it ends well and says nothing else."""
    assert main(list(arguments)) == 0
    out, said = capsys.readouterr()
    assert not said or arguments[0] == "sheet"  # of layers it says which slips no sheet can show
    return out


# --- every sample ---


@pytest.mark.parametrize("name", EVERY)
def test_every_command_works_on_every_sample(name: str, capsys: Capture) -> None:
    """Trace, verify, derive, equations, page and blank sheet; tables are at most 100 columns wide."""
    for command, *options in COMMANDS:
        out = printed(capsys, command, name, *options)
        assert out.strip(), command
        if command in ("trace", "equations", "page"):
            assert EVERY[name].title in unescape(out)
        if command in ("trace", "verify", "equations"):
            assert max(map(len, out.splitlines())) <= 100
        if command == "verify":
            assert "agree" in out


@pytest.mark.parametrize("name", EVERY)
def test_its_right_sheet_is_right_and_its_slip_is_named(name: str) -> None:
    """All numbers are accepted; of the sheet with a slip the one line that was worked wrongly is told, and no other."""
    problem = load(name)
    assert check(problem, right(problem)).all_right
    sheet, told = slipped(problem, SLIPS.get(name, ""))
    checked = check(problem, sheet)
    assert not checked.all_right
    (cause,) = checked.causes
    assert told in lines_of(problem, cause)
    for fact, line in cause.facts.items():
        if fact.startswith("used") and told != UPHILL:
            assert re.split(r"[\[ ]", line)[0] == re.split(r"[\[ ]", told)[0]  # of one number of that array


def lines_of(problem: Problem | Computation, cause: Cause) -> str:
    """The lines that the slips of a cause put in place of the right ones: with their letters, not of one number."""
    if isinstance(problem, Problem) or problem.turns[1:]:
        return "\n".join(line for fact, line in cause.facts.items() if fact.startswith("used"))
    return "\n".join(own.facts["used"] for own in rewrites(problem) if own.name in cause.slips)


@pytest.mark.parametrize("name", EQUATIONS)
def test_a_sample_can_be_calculated_by_a_person(name: str) -> None:
    """A short file that says what it is; a step of at most 120 numbers."""
    lines = EVERY[name].text.splitlines()
    assert lines[0].startswith("# ")
    assert max(map(len, lines)) <= 120
    assert len([line for line in lines if line and not line.startswith("#")]) <= MOST_LINES
    assert len(step_of(name).values) <= 120


@pytest.mark.parametrize("name", EQUATIONS)
def test_the_commands_in_its_first_lines_work(
    name: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least one is named, with the sample's own name, and it ends well."""
    monkeypatch.chdir(tmp_path)
    commands = [line.split()[2:] for line in EVERY[name].text.splitlines() if line.startswith("#   bptrace ")]
    assert commands
    for words_of in commands:
        assert words_of[1] == name
        printed(capsys, *words_of)


# --- expected numbers ---


@cache
def step_of(name: str) -> Any:
    """Its trace, made once."""
    return trace(name)


def unlike(name: str, expected: dict[str, Any], tolerance: float = 1e-12) -> list[str]:
    """The recorded arrays that a trace does not give; what comes before the first time is left out of recorded ones."""
    step, out = step_of(name), []
    for quantity, array in expected.items():
        wanted, found = np.asarray(array, float), np.asarray(step[quantity], float)
        found = found[len(found) - len(wanted) :] if found.ndim else found
        if found.shape != wanted.shape or not np.allclose(found, wanted, tolerance, tolerance):
            out.append(quantity)
    return out


@pytest.mark.parametrize("name", EQUATIONS)
def test_the_numbers_of_another_program(name: str) -> None:
    """What torch gave, to 1e-12: the loss, what leads to it, every derivative, every updated parameter."""
    assert name in RECORDED, "write its program in tests/gallery/programs.py and run that file"
    expected = RECORDED[name]
    parameters = tomllib.loads(EVERY[name].text)["parameters"]
    trained = ["_new"] if load(name).training else []
    marks = ["#1", "#4"] if "E#4" in expected else [""]
    assert {f"d{p}{mark}" for p in parameters for mark in marks} <= expected.keys()
    assert {f"{p}{new}{mark}" for p in parameters for new in trained for mark in marks} <= expected.keys()
    assert unlike(name, expected) == []


@pytest.mark.parametrize("name", EQUATIONS)
def test_another_number_would_be_found(name: str) -> None:
    """The planted twin: each array with its last number a little off."""
    for quantity, array in RECORDED[name].items():
        wrong = np.array(array, float)
        wrong.flat[-1] += 1e-9 * max(1, abs(wrong.flat[-1]))
        assert unlike(name, {quantity: wrong}) == [quantity]


def test_torch_gives_the_recorded_numbers() -> None:
    """Where torch is installed the programs are run again."""
    torch = pytest.importorskip("torch")
    from gallery import programs

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        for name in RECORDED:
            fresh = programs.numbers(name)
            assert fresh.keys() == RECORDED[name].keys()
            for quantity, array in RECORDED[name].items():
                assert np.allclose(fresh[quantity], array, 1e-13, 1e-15), f"{name} {quantity}"
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("name", FACTS)
def test_the_numbers_of_its_source(name: str) -> None:
    """Every number that a source prints, to its digits; and those of the steps that follow."""
    fact, step = FACTS[name], step_of(name)
    assert fact["source"]
    for quantity, text in fact.get("printed", {}).items():
        as_printed(step[quantity], words(text), quantity)
    for quantity, text in fact.get("after", {}).items():
        texts = words(text)
        run = train(name, len(texts), record=len(texts))
        for n, (own, number) in enumerate(zip(run.recorded, texts, strict=True), 1):
            as_printed(own[quantity if n == 1 else f"{quantity}#{n}"], number, quantity)
    for n, after in fact.get("at", {}).items():
        last = train(name, int(n)).last
        for quantity, text in after.items():
            as_printed(last[f"{quantity}#{n}"], text, quantity)
