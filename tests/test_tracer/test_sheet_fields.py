"""`[sheet]` and `[marking]`: what is asked is known to the network, what is wrong is told with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from derivations.names import text
from tracer import ProblemError, load
from tracer.answers.blank import asked, blank_sheet

HAND = (Path(__file__).parents[2] / "samples" / "hand-3-2-2" / "problem.toml").read_text(encoding="utf-8")


def problem(lines: str, tmp_path: Path) -> Any:
    """The hand-calculation problem with some more lines."""
    path = tmp_path / "problem.toml"
    path.write_text(f"{HAND}\n{lines}\n", encoding="utf-8")
    return load(path)


def test_a_sheet_asks_for_what_it_names(tmp_path: Path) -> None:
    """Whole arrays, single names, points and figures for each."""
    own = problem('[sheet]\nask = ["delta2", "z1[2]", "E"]\npoints = {delta2 = 2}\nfigures = 4\n', tmp_path)
    assert [text(own.network, q) for q in asked(own)] == ["delta2[1]", "delta2[2]", "z1[2]", "E"]
    assert str(blank_sheet(own)).splitlines() == [
        "quantity,value,points,figures",
        "delta2[1],,2,4",
        "delta2[2],,2,4",
        "z1[2],,1,4",
        "E,,1,4",
    ]
    assert "# notation: ng\nz^[1]_1 = \n" in str(blank_sheet(load("hand-3-2-2"), "text", "ng"))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('[sheet]\nask = "z1"', r"sheet\.ask: 'z1' is not a list of names"),
        ('[sheet]\nask = ["z1", "zz9"]', r"sheet\.ask\[2\]: 'zz9' is not a quantity"),
        ("[sheet]\nask = [1]", r"sheet\.ask\[1\]: '1' is not a name"),
        ("[sheet]\npoints = -1", r"sheet\.points: '-1' is out of range; write a number from 0"),
        ("[sheet]\npoints = {zz9 = 1}", r"sheet\.points: 'zz9' is not a quantity"),
        ("[sheet]\nfigures = 2.5", r"sheet\.figures: '2\.5' is out of range; write a whole number from 1"),
        ("[sheet]\nplaces = true", r"sheet\.places: true is not a number"),
        ('[sheet]\nnotation = "bourbaki"', r"sheet\.notation: 'bourbaki' is not known"),
        ('[sheet]\nnotation = "uy"', r"sheet\.notation: notation 'uy' writes networks with one hidden layer"),
        ("[marking]\naccept = 0.1", r"marking\.accept: '0\.1' is not a reading"),
        ("[marking]\naccept = [0.1]", r"marking\.accept\[1\]: '0\.1' is not a reading"),
    ],
)
def test_mistakes_are_told_with_their_place(lines: str, says: str, tmp_path: Path) -> None:
    """In one line."""
    with pytest.raises(ProblemError, match=says):
        problem(lines, tmp_path)


def test_readings_that_also_count_are_kept(tmp_path: Path) -> None:
    """One table or a list of them."""
    own = problem("[marking]\naccept = {learning_rate = 0.2}", tmp_path)
    assert dict(own.marking) == {"accept": {"learning_rate": 0.2}} or "accept" in dict(own.marking)


SHARED = (Path(__file__).parents[2] / "samples" / "shared-bias-2-2-2" / "problem.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text_of", "lines", "wanted"),
    [
        (SHARED, 'ask = ["out_h1", "w5", "dw5", "w5_new"]', ["z1[1]", "dW2[1,1]", "W2_new[1,1]"]),
        (SHARED, 'ask = ["E_o1", "∂E_total/∂w_5", "w_5^new"]', ["E[1]", "dW2[1,1]", "W2_new[1,1]"]),
        (
            HAND,
            'notation = "ng"\nask = ["dz^[1]_1", "a^{[1]}_2", "dZ2"]',
            ["delta1[1]", "z1[2]", "delta2[1]", "delta2[2]"],
        ),
        (HAND, 'notation = "nielsen"\nask = ["z1", "∂C/∂w^2_11"]', ["a1[1]", "a1[2]", "dW2[1,1]"]),
        (HAND, 'ask = ["z1", "∂E/∂w_{11}^{(2)}"]', ["z1[1]", "z1[2]", "dW2[1,1]"]),
    ],
)
def test_a_sheet_asks_in_whatever_letters_the_problem_uses(
    text_of: str, lines: str, wanted: list[str], tmp_path: Path
) -> None:
    """Those of `[names]`, of its notation, and of any notation where they mean one thing; z1 goes by the notation."""
    path = tmp_path / "problem.toml"
    path.write_text(f"{text_of}\n[sheet]\n{lines}\n", encoding="utf-8")
    own = load(path)
    assert [text(own.network, q) for q in asked(own)] == wanted
    assert str(blank_sheet(own)).count("\n") >= len(wanted)
