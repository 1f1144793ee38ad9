r"""What one written solution costs, counted in parts of formulas and books of names; never a clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from derivations.name_reading import _Writing
from derivations.network import Problem
from derivations.reading.meanings import Meanings
from derivations.reading.nodes import size
from tracer.answers.solutions import one_way
from tracer.answers.solutions.checking import TOO_MUCH
from tracer.answers.solutions.effort import MOST_WORK
from tracer.answers.solutions.one_way import MOST_GIVEN, OneWay
from tracer.answers.solutions.proposing import MOST_SIGNS, Proposal, propose
from tracer.answers.solutions.solution import Solution, check_solution
from tracer.problem import load

SAMPLES = Path(__file__).parents[2] / "samples"
DOUBLED = "$p = x_1 + x_2$\n\n" + "".join(
    f"$s_{{{k}}} = {before} + {before}$\n\n" for k, before in enumerate(("p", *(f"s_{{{k}}}" for k in range(1, 40))), 1)
)
GENERAL = r"$$a_l = \sum_m w_{lm} w_{mn} w_{np} x_p$$"
STEP = r"""$w_{11}^{(1)} = 0.1$, $w_{12}^{(1)} = 0.2$, $w_{11}^{(2)} = 0.3$, $x_1 = 1$, $x_2 = 0.5$

$a_1^{(1)} = w_{11}^{(1)} x_1 + w_{12}^{(1)} x_2 = 0.1 \cdot 1 + 0.2 \cdot 0.5 = 0.2$

$z_1^{(1)} = \sigma(a_1^{(1)}) = 0.5498$, $w_{66}^{(3)} = 0.5$, $w_{65}^{(2)} = 0.5$
"""


def problem(name: str = "classifier-3-3-3") -> Problem:
    """A sample's problem."""
    return load(SAMPLES / name / "problem.toml")


def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, work: Callable[[], object]) -> int:
    """How often a method is called while something is done."""
    calls, own = [0], getattr(owner, name)

    def counting(*given: Any, **more: Any) -> Any:
        calls[0] += 1
        return own(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, counting)
        work()
    return calls[0]


def left(solution: Solution) -> list[int]:
    """The lines of relations that were not checked because of the work."""
    return [r.line for r in solution.relations if r.verdict.message.endswith(TOO_MUCH)]


def largest(monkeypatch: pytest.MonkeyPatch, rows: int) -> int:
    """How many parts the largest statement has that is checked, of so many rows that double."""
    sizes, own = [0], OneWay.one

    def measured(checking: Any, statement: Any, trees: Any, *more: Any) -> Any:
        sizes.append(size(trees, 10**6))
        return own(checking, statement, trees, *more)

    with monkeypatch.context() as patched:
        patched.setattr(OneWay, "one", measured)
        check_solution(problem(), "\n\n".join(DOUBLED.split("\n\n")[:rows]))
    return max(sizes)


def test_names_that_stand_for_twice_the_one_before_take_no_exponential_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty rows of them took minutes: what a name stands for is put in only where it is short."""
    assert largest(monkeypatch, 40) <= 4 * MOST_GIVEN


def test_names_put_in_without_a_bound_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin: with names of any length each row has twice the parts of the one before."""
    monkeypatch.setattr(one_way, "MOST_GIVEN", 10**9)
    assert largest(monkeypatch, 12) > 4 * MOST_GIVEN


@pytest.mark.parametrize("row", [GENERAL, r"$$\delta_j^{(1)} = \sum_k w_{kj}^{(2)} \delta_k^{(2)} z_j^{(1)}$$"])
def test_a_document_of_general_rows_is_checked_as_far_as_the_work_goes(row: str) -> None:
    """Each is checked for all indices; the line from which on nothing is checked is told."""
    solution = check_solution(problem(), f"{row}\n\n" * 600)
    first = min(left(solution))
    assert f"rows from line {first} on are not read: hand in shorter solutions" in solution.remarks
    assert set(left(solution)) == set(range(first, 1200, 2))
    assert left(check_solution(problem(), f"{row}\n\n" * 5)) == []


def test_work_is_counted_before_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements worked in all ways together are in proportion to the budget, however many rows a document has."""
    text = f"{GENERAL}\n\n" * 600
    whole = counted(monkeypatch, OneWay, "one", lambda: check_solution(problem(), text))
    monkeypatch.setattr("tracer.answers.solutions.solution.MOST_WORK", MOST_WORK // 4)
    monkeypatch.setattr("tracer.answers.solutions.glossary.MOST_WORK", MOST_WORK // 4)
    fewer = counted(monkeypatch, OneWay, "one", lambda: check_solution(problem(), text))
    assert fewer < whole / 2


def test_a_solution_of_twenty_pages_is_checked_to_its_end() -> None:
    """Four hundred relations with numbers put in."""
    assert left(check_solution(problem("hand-3-2-2"), STEP * 40)) == []


def proposed(text: str) -> Proposal:
    """A problem file proposed from a solution."""
    return propose(text)


def test_a_proposal_makes_few_books_of_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes are told from what names stand for in one wide network: no book for each size that is tried."""
    assert counted(monkeypatch, Meanings, "__init__", lambda: propose(STEP)) < 60


def test_networks_that_are_written_alike_share_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of names is made once for each shape and notation, however many checks are made of it."""
    assert counted(monkeypatch, _Writing, "table", lambda: [check_solution(problem(), STEP) for _ in range(5)]) <= 6


def test_a_long_document_is_proposed_from_its_beginning() -> None:
    """And the file says where reading ended, and up to where the functions were looked for."""
    notes = proposed(STEP + "$z_1^{(1)} = 0.5498$\n\n" * MOST_SIGNS).notes
    assert any(note.startswith("rows from line") for note in notes)
    assert any(note.startswith("activations and loss are told from the relations above line") for note in notes)
    assert not any("line" in note for note in proposed(STEP).notes if "not placed" not in note)
