"""Drawn files of equations: what the package makes of the text, and what was worked out while it was drawn.

`tests/campaigns/blind_equations.py` compares hundreds.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from drawn_equations import Drawn, compared, disagreements

SEED, COUNT = 30, 12


@cache
def files() -> list[tuple[Drawn, dict[str, Any]]]:
    """Drawn files, each with its own evaluation."""
    return [(drawn, truths) for _, drawn, truths in compared(SEED, COUNT)]


@pytest.mark.parametrize("number", range(COUNT))
def test_a_drawn_file_is_worked_as_it_was_drawn(number: int) -> None:
    """Every worked array and every gradient, to 1e-12 of the largest entry."""
    drawn, truths = files()[number]
    assert not disagreements(drawn.text, truths), drawn.text


@pytest.mark.parametrize("number", range(COUNT))
def test_a_changed_equation_is_found(number: int) -> None:
    """The package is handed a file in which a thousandth was added to one right side."""
    drawn, truths = files()[number]
    for k in range(len(drawn.changeable)):
        assert disagreements(drawn.changed(k), truths), drawn.changed(k)


def test_the_files_have_a_bit_of_everything() -> None:
    """Recurrences, sums, choices, shifted indices, padding, lookups, functions of the file."""
    text = "\n".join(drawn.text for drawn, _ in files())
    for part in ("t-1", "Σ", "mean_", "max_", "softmax_", " if ", "is 0 outside", "tok", "f(a", "samples = "):
        assert part in text, part
