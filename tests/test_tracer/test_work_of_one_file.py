"""What one handed-in file costs, in rules worked and rows judged: no vain work, and a bound that is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derivations import names
from derivations.network import Problem
from tracer import check
from tracer.answers.marking import diagnosis, trying
from tracer.answers.marking.cells import GIVEN, Cells
from tracer.answers.marking.discipline import DISCIPLINES
from tracer.answers.marking.mark import UNTRIED
from tracer.answers.marking.order import Order
from tracer.answers.marking.truth import Truth
from tracer.answers.marking.working import work, work_again
from tracer.answers.reading.sources import sheet_from
from tracer.answers.solutions import glossary
from tracer.answers.solutions.solution import NAMES_LEFT, check_solution
from tracer.problem import load
from tracer.tracing import trace

SAMPLES = Path(__file__).parents[2] / "samples"
SPARSE = "a2_1,0.9\nz1_1,0.7\ndelta2_1,0.3\ndW2[1,2],0.4\nW2_new[1,1],0.7\nW1_new[1,1],0.2\n"
OWN_NAMES = """$q_1 = 0.1 \\cdot 2 + 0.3 = 0.5$, $q_2 = 0.2 \\cdot 2 + 0.3 = 0.7$, $r_1 + s_1 + 9 = 1.5$

$r_1 = q_1 + 4 = 4.5$, $s_1 = q_2 + r_1 = 5.2$, $s_2 + u_1 = 3.25$, $u_1 = 0.25$

$v_1 = u_1 + s_2 = 0.75$, $v_2 = v_1 + g_2 = 7.5$, $g_1 = 0.125$, $g_2 = 9.25$
"""


def sheet(tmp_path: Path) -> str:
    """An answer sheet with a few cells, some of them wrong."""
    path = tmp_path / "sheet.csv"
    path.write_text(f"quantity,value\n{SPARSE}", encoding="utf-8")
    return str(path)


def problem(name: str = "hand-3-2-2") -> Problem:
    """A sample's problem."""
    return load(SAMPLES / name / "problem.toml")


def missed(order: Order, cells: Cells, discipline: Any, carry: str) -> list[str]:
    """The slips of which some call worked again gives another number than a whole run with the slip does."""
    base = work(cells, discipline, carry=carry)
    carried = frozenset(at for at, written in cells.arrays.items() if written.there.all())
    out = []
    slips = list(Truth(cells.problem).slips.values())
    for slip in slips[:: len(slips) // 15]:
        whole = work(cells, discipline, carry=carry, rules_=slip.rules, base=base)
        changed = [call for call in order.calls if slip.changes_at(call.rule, call.l, *call.p)]
        calls = order.reached(changed, carried, frozenset(cells.arrays))
        some = work_again(cells, discipline, order, calls, carry=carry, rules_=slip.rules, base=base)
        for at in cells.arrays:
            one, other = whole.follows[at], some.follows.get(at, base.follows[at])
            same = all(np.allclose(getattr(one, end), getattr(other, end), 1e-12) for end in ("low", "high"))
            if not same or (whole.accepted[at] != some.accepted.get(at, base.accepted[at])).any():
                out.append(slip.name)
    return out


def cells_of(own: Problem) -> Cells:
    """Some of the numbers of a step, every third of them wrong."""
    shown = [(q, text) for q, text in trace(own, digits=4).shown.items() if q.kind not in GIVEN][::5]
    cells = {names.text(own.network, q): text if k % 3 else "0.3217" for k, (q, text) in enumerate(shown)}
    return Cells.of(own, [sheet_from(own, cells)])


@pytest.mark.parametrize("name", ["hand-3-2-2", "sigmoid-xor", "softmax-xor-each"])
@pytest.mark.parametrize("carry", ["own", "true"])
def test_what_is_worked_again_is_all_that_a_slip_moves(name: str, carry: str) -> None:
    """A whole run with the slip moves nothing that stands on the sheet but what the calls worked again give."""
    own = problem(name)
    cells, order = cells_of(own), Order.of(own, 1)
    assert len(cells.arrays) > 3
    for discipline in DISCIPLINES[:2]:
        assert missed(order, cells, discipline, carry) == []


def test_an_order_that_forgets_what_is_read_is_found_out() -> None:
    """The planted twin: without what enters each rule, slips move numbers that are not worked again."""
    own = problem()
    order = Order.of(own, 1)
    forgetful = replace(order, calls=tuple(call._replace(reads=frozenset()) for call in order.calls))
    assert missed(forgetful, cells_of(own), DISCIPLINES[0], "own") != []


def worked(monkeypatch: pytest.MonkeyPatch, path: str) -> tuple[int, int]:
    """How many slips were tried on a sheet, and how many rules worked for them."""
    counts = [0, 0]

    def counting(cells: Any, discipline: Any, order: Any, calls: Any, **how: Any) -> Any:
        counts[0] += 1
        counts[1] += len(calls)
        return work_again(cells, discipline, order, calls, **how)

    monkeypatch.setattr(trying, "work_again", counting)
    check(problem(), [path])
    return counts[0], counts[1]


def test_a_slip_costs_the_rules_that_it_reaches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the 20 rules of a step only some follow from a slip and enter what is asked for."""
    slips, rules = worked(monkeypatch, sheet(tmp_path))
    assert slips > 50
    assert rules < 8 * slips


def test_a_slip_that_runs_the_whole_step_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin: every rule worked for every slip."""
    monkeypatch.setattr(Order, "reached", lambda order, *_: tuple((call, True) for call in order.calls))
    slips, rules = worked(monkeypatch, sheet(tmp_path))
    assert rules >= 8 * slips


def test_where_trying_ends_early_the_report_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound that is reached is told on the sheet; one that is not, is not."""
    path = sheet(tmp_path)
    assert UNTRIED not in check(problem(), [path]).one.remarks
    monkeypatch.setattr(diagnosis, "MOST_WORKED", 1)
    assert UNTRIED in check(problem(), [path]).one.remarks


def judged(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows are judged to find what the names of a document stand for."""
    count, score = [0], glossary._score

    def counting(*given: Any) -> int:
        count[0] += 1
        return score(*given)

    monkeypatch.setattr(glossary, "_score", counting)
    check_solution(problem(), OWN_NAMES)
    monkeypatch.setattr(glossary, "_score", score)
    return count[0]


def test_a_row_is_judged_once_for_all_readings_that_make_the_same_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twins: without what was judged before, and with rows judged that nothing can make readable, it is far more."""
    once = judged(monkeypatch)
    assert once > 0
    with monkeypatch.context() as every:
        every.setattr(glossary._Scores, "of", lambda own, tried, k: glossary._score(tried, own.found[k]))
        assert judged(every) > 2 * once


def test_where_names_are_left_the_solution_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound that is reached is told; one that is not, is not."""
    few = OWN_NAMES.partition("\n")[0]
    assert NAMES_LEFT not in check_solution(problem(), few).remarks
    monkeypatch.setattr(glossary.Afforded, "__init__", lambda own, ways: vars(own).update(ways=ways, left=1, cut=False))
    assert NAMES_LEFT in check_solution(problem(), few).remarks
