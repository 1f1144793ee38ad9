"""No regular expression of ours takes more than linear time on any text, whichever way it is used."""

from __future__ import annotations

import re
import time

import pytest
from linear_patterns import patterns_of, slowest

from derivations.reading.tokens import _TOKEN

PACKAGES = ("derivations", "tracer")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_pattern_of_the_package_takes_linear_time(package: str) -> None:
    """Compiled ones, those in tables and classes, texts in calls of `re`, a parser's terminals."""
    places: dict[re.Pattern[str], str] = {}
    for place, pattern in patterns_of(package).items():
        places.setdefault(pattern, place)
    slow = {place: text for pattern, place in places.items() if (text := slowest(pattern))}
    assert slow == {}


def test_the_walk_finds_patterns_wherever_they_stand() -> None:
    """In a module, in a table within a table, in a call."""
    found = patterns_of(*PACKAGES)
    assert len(found) > 250
    assert "derivations.reading.tokens._TOKEN" in found
    assert "derivations.reading.spellings._RULES[3][0]" in found
    assert any(place.startswith("tracer.answers.reading.grids:") for place in found)


@pytest.mark.parametrize(
    "written",
    [r"(a+)+b", r"[\d.,]*\d[\d.,]*", r"\s*x?\s*$", r"\s+\|", r"[a-z]+=\d", r"\((.+?)\)\((.+)\)", r"(?:x|xy?)*z"],
)
def test_a_planted_pattern_is_found(written: str) -> None:
    """Nested repeats, adjacent ones, a search that goes to the end from every start."""
    assert slowest(re.compile(written))


@pytest.mark.parametrize("written", [r"(?<!\s)\s*+\|", r"^[.,]*+\d[\d.,]*+x", r"^[a-z]++=\d", r"a{1,40}b"])
def test_a_pattern_that_is_mended_passes(written: str) -> None:
    """Possessive, anchored or bounded repeats."""
    assert slowest(re.compile(written)) == ""


@pytest.mark.parametrize("repeated", ["_a", "_a_1", "^_a", "_{a", "[1]"])
def test_a_name_of_repeated_subscripts_takes_linear_time(repeated: str) -> None:
    """The pattern of a token once took a factor two for each subscript: 576 bytes took longer than 30 seconds."""
    started = time.process_time()
    _TOKEN.match("da" + repeated * 2000 + "!")
    assert time.process_time() - started < 1
