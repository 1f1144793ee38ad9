"""No regular expression of ours takes more than linear time on any text, whichever way it is used."""

from __future__ import annotations

import re

import pytest
from linear_patterns import patterns_of, slowest
from processor import within

from derivations.reading.tokens import _TOKEN, tokens

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


SUBSCRIPTS = r"d(?=[a-z]\w{0,6}(?:_\{?\w+\}?|\[[\d,]+\]|\^\S{1,4})*\s*/\s*d[a-z])"
"""As the pattern of a token once was: 576 bytes took longer than 30 seconds."""


@pytest.mark.parametrize(
    "written",
    [
        SUBSCRIPTS,
        rf"(?P<ONE>\\one)|(?P<TWO>\d+)|(?P<DEE>{SUBSCRIPTS})|(?P<NAME>[a-z])",
        r"x(?:_\w+|\^\w)*!",
        r"(?:\w+,?)+;",
        r"(?<=a)(?:\[\w+\]?)*=",
        r"f\((?:[^()]|\w+)*\)",
        r"(?:ab?|b?a)*c",
    ],
)
def test_a_group_that_may_be_repeated_in_two_ways_is_found(written: str) -> None:
    """The planted twins: texts of the group itself are repeated, after what leads up to it, also in a look ahead."""
    assert slowest(re.compile(written))


@pytest.mark.parametrize(
    "written", [r"d(?=[a-z](?:_\{?[^\W_]++\}?|\[[\d,]+\])*\s*/)", r"x(?:_[a-z0-9]++)*+!", r"(?:[a-z]++,?+)*+;"]
)
def test_a_group_that_may_be_repeated_in_one_way_passes(written: str) -> None:
    """Anchored by match, each piece ends where the next begins."""
    assert slowest(re.compile(rf"\A(?:{written})")) == ""


@pytest.mark.parametrize("repeated", ["_a", "_a_1", "^_a", "_{a", "[1]"])
def test_a_name_of_repeated_subscripts_takes_linear_time(repeated: str) -> None:
    """The pattern of a token once took a factor two for each subscript: 576 bytes took longer than 30 seconds."""
    with within(1):
        _TOKEN.match("da" + repeated * 2000 + "!")


@pytest.mark.parametrize(
    "name", ["f" + "'" * 60 + "[1]", "\\mathrm{ab}" + "'" * 100 + "!", "{}^{" + " " * 7000, "\\mathcal{L}(" + "_a" * 60]
)
def test_a_row_of_primes_or_blanks_is_cut_in_linear_time(name: str) -> None:
    """Each prime once doubled the time of a name that is no function's; blanks stood in two places of one pattern."""
    with within(1):
        tokens(f"{name} = 1")


def test_what_takes_too_long_is_found() -> None:
    """The planted twin of every limit of time: a twentieth of a second where a hundredth is allowed."""
    with pytest.raises(AssertionError, match=r"a loop took 0\.\d+ s, 0\.005 s are allowed"), within(0.005, "a loop"):
        sum(range(3_000_000))
