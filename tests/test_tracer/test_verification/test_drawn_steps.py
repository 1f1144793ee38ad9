"""A sample of the campaigns: drawn steps are never called wrong, two derivations agree, wrong index rules are found."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from drawn_equations import draw

from derivations.computation import Computation
from tracer import loads, verify
from tracer.verification import routes

sys.path.insert(0, str(Path(__file__).parents[2] / "campaigns"))

import two_derivations as two
import verify as campaign

SEED = 20_261_130
UNDIFFERENCED = {10: 15}
"""Of which file how many numbers have no difference, as they stand at a kink."""


@pytest.mark.parametrize("number", range(0, 40, 2))
def test_no_drawn_file_is_called_wrong(number: int) -> None:
    """Recurrences, shared arrays, reductions, choices, convolutions: all routes agree."""
    try:
        problem = loads(draw(SEED, number).text)
    except ValueError:
        pytest.skip("means nothing to the language")
    found = verify(problem)
    assert found.agrees, found
    assert found.worst < 1
    assert len(found.undifferenced) == UNDIFFERENCED.get(number, 0)


def test_two_derivations_agree_at_fifty_digits() -> None:
    """The generated backward equations in balls, and sympy's composed slopes in balls: every number meets."""
    for problem in islice(two.drawn(11), 8):
        meeting, sharp, wrong = two.apart(problem)
        assert not wrong
        assert sharp > 0.9 * meeting


@pytest.mark.parametrize("kind", two.RULES)
def test_a_wrong_index_rule_is_found_by_both_other_routes(kind: str) -> None:
    """Put into one backward line: where it changes a number, the traced route is the odd one."""
    found = 0
    for problem in two.drawn(3):
        if isinstance(problem, Computation):
            for wrong in islice(two.plants(problem.step, two.RULES[kind]), 2):
                seen = two.found(problem, wrong)
                assert seen is not False, (kind, problem, wrong)
                found += bool(seen)
        if found > 1:
            break


# what the campaign of 100,000 steps once called wrong
ALARMS = {
    "softmax cross-entropy batches": (2_003_663, 2_004_256, 2_004_743),  # differences below all floats
    "any size": (2_001_208, 2_001_601, 2_003_242),  # a test decided by what had overflowed
    "float32": (2_000_099, 2_000_279, 2_000_379),  # errors kept in another array of the same numbers
    "equations in float32": (12_001_144,),  # equal in float32 alone, so that each of them counts
    "float32 of torch": (12_002_699,),  # what differences round themselves, on the other side of a kink
    "saturated": (3_203, 11_001_102),  # the last units of what underflows
    "equations": (2_000_622, 2_003_323, 5_007_244),  # an array that another line copies; a slope that no line names
}


@pytest.mark.parametrize(("family", "seed"), [(name, seed) for name, seeds in ALARMS.items() for seed in seeds])
def test_what_was_a_false_alarm_is_none(family: str, seed: int) -> None:
    """Each is a correct step."""
    if "torch" in family:
        pytest.importorskip("torch")
    found = verify(*campaign.FAMILIES[family](seed))
    assert found.verdict != "disagree", found
    assert found.worst < 1


@pytest.mark.parametrize("seed", [8_000_075, 8_000_150, 8_000_200, 8_000_228])
def test_errors_known_by_where_they_come_from_go_through_any_step(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Taken where bounds grow; all but the second have numbers that go into larger arrays."""
    monkeypatch.setattr(routes, "BLUNT", 0.0)
    found = verify(*campaign.FAMILIES["equations in float32"](seed))
    assert found.verdict != "disagree", found
    assert found.worst < 1


def test_without_a_longer_format_differences_below_all_floats_are_called_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The planted twin of the first of them."""
    monkeypatch.setattr(np, "longdouble", np.float64)
    assert verify(*campaign.FAMILIES["softmax cross-entropy batches"](2_003_663)).verdict == "disagree"
