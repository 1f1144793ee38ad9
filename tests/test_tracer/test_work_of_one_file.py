"""What one handed-in file costs, in slips worked and rows judged: no vain work, and a bound that is told."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from written_sheets import drawn_hand, written

from derivations import names
from derivations.network import Problem
from derivations.quantity import Quantity
from tracer import check
from tracer.answers.reading.sources import sheet_from
from tracer.answers.result import UNTRIED
from tracer.answers.solutions import glossary
from tracer.answers.solutions.solution import NAMES_LEFT, check_solution
from tracer.marking import choosing, trying
from tracer.marking.carrying import Followed, Recording
from tracer.marking.choosing import Reach, Reached
from tracer.marking.discipline import DISCIPLINES, Discipline
from tracer.marking.layers_key import GIVEN, LayersKey
from tracer.marking.passes import Pass, Runs
from tracer.marking.read import Read
from tracer.marking.rewrites import Rewrite
from tracer.marking.slips.catalogue import visible
from tracer.marking.spans import Span
from tracer.marking.trying import Glance, Trying
from tracer.problem import load
from tracer.tracing import trace

SAMPLES = Path(__file__).parents[2] / "samples"
SPARSE = "a2_1,0.9\nz1_1,0.7\ndelta2_1,0.3\ndW2[1,2],0.4\nW2_new[1,1],0.7\nW1_new[1,1],0.2\n"
FINER = "a2_1,2.183\na2_2,5.012\ndelta2_1,0.3217\ndW2[1,2],0.2467\nW2_new[1,1],0.7283\nW1_new[1,1],0.2381\n"
OWN_NAMES = """$q_1 = 0.1 \\cdot 2 + 0.3 = 0.5$, $q_2 = 0.2 \\cdot 2 + 0.3 = 0.7$, $r_1 + s_1 + 9 = 1.5$

$r_1 = q_1 + 4 = 4.5$, $s_1 = q_2 + r_1 = 5.2$, $s_2 + u_1 = 3.25$, $u_1 = 0.25$

$v_1 = u_1 + s_2 = 0.75$, $v_2 = v_1 + g_2 = 7.5$, $g_1 = 0.125$, $g_2 = 9.25$
"""


def sheet(tmp_path: Path, cells: str = SPARSE) -> str:
    """An answer sheet with a few cells, some of them wrong."""
    path = tmp_path / "sheet.csv"
    path.write_text(f"quantity,value\n{cells}", encoding="utf-8")
    return str(path)


def problem(name: str = "hand-3-2-2") -> Problem:
    """A sample's problem."""
    return load(SAMPLES / name / "problem.toml")


def sheet_of(own: Problem) -> dict[str, str]:
    """Some of the numbers of a step, every third of them wrong."""
    shown = [(q, text) for q, text in trace(own, digits=4).shown.items() if q.kind not in GIVEN][::5]
    return {names.text(own.network, q): text if k % 3 else "0.3217" for k, (q, text) in enumerate(shown)}


def all_of(own: Pass) -> list[Quantity]:
    """Every number of a pass."""
    return [q for named in own.parts.values() for q in named.quantities]


class FromTheSheet(Recording):
    """A recording point at which what is written is carried on as on the sheet without a slip, `base`."""

    base: Followed

    def keep(self, own: Pass, label: str, array: Any) -> Any:
        """What the rest uses."""
        kept, part = super().keep(own, label, array), self.cells.part(own.parts[label])
        if part is not None:
            base = self.base.kept[own.sample, own.step, label]
            for end in ("low", "high"):
                setattr(kept, end, np.where(part.numbers.there, getattr(base, end), getattr(kept, end)))
        return kept


def whole_run(trying: Trying, slip: Rewrite) -> dict[Quantity, Span]:
    """Every number of a sheet's steps, all of them worked with a slip."""
    recording = FromTheSheet(trying.cells, trying.discipline, "own", Followed(trying.m))
    recording.base = trying.base
    after: dict[str, Any] = {}
    with trying.m.working():
        for own in trying.runs.passes(trying.cells.steps):
            given = own.problem.start(trying.m) | ({} if own.first else after)
            keep, working = partial(recording.keep, own), partial(recording.worked, None, own)
            known = own.with_lines(slip.by_left).run(trying.m, given, keep, working)
            after = {**{name: known[then] for name, then in own.problem.planned.carried}, "step": own.step + 1}
    return recording.out.follows


def missed(own: Problem, discipline: Discipline) -> list[str]:
    """The slips of which what is worked again is another number than a whole run with the slip gives."""
    read = Read.of(LayersKey(own), [sheet_from(own, sheet_of(own))])
    runs, cells = read.key.runs, read.cells
    trying, reach = Trying(runs, cells, discipline, list(cells.numbers)), Reach(runs, cells.steps)
    unwritten = frozenset(q.kind for own in runs.passes(1) for q in all_of(own) if q not in cells.numbers)
    out = []
    slips = read.key.rewrites
    for slip in slips[:: len(slips) // 25]:
        whole = whole_run(trying, slip)
        again, reached = trying.tried([slip])[0].spans, reach.of(slip.arrays, unwritten).arrays
        for q in cells.numbers:
            one, other = whole[q], again.get(q, trying.base.follows[q])
            same = all(np.allclose(getattr(one, end), getattr(other, end), 1e-12) for end in ("low", "high"))
            if not same or (q in again and q.kind not in reached):
                out.append(slip.name)
    return out


@pytest.fixture
def one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line worked in the way in which it is written alone, as a slip's lines are."""
    monkeypatch.setattr(Runs, "otherwise", lambda runs, own, m, task, value, known: value)


@pytest.mark.usefixtures("one_way")
@pytest.mark.parametrize("name", ["hand-3-2-2", "sigmoid-xor", "softmax-xor-each"])
def test_what_is_worked_again_is_all_that_a_slip_moves(name: str) -> None:
    """A whole run with the slip moves nothing that stands on the sheet but what is worked again, and is said to."""
    own = problem(name)
    assert len(sheet_of(own)) > 3
    for discipline in DISCIPLINES[:2]:
        assert missed(own, discipline) == []


@pytest.mark.usefixtures("one_way")
def test_a_line_that_moves_nothing_further_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin: what reads a line that was worked again is left as it was."""
    again = Trying._reworked

    def forgetful(own: Trying, *given: Any, **how: Any) -> Any:
        *rest, moved = given
        return again(own, *rest, dict(moved), **how)

    monkeypatch.setattr(Trying, "_reworked", forgetful)
    assert missed(problem(), DISCIPLINES[0]) != []


@pytest.mark.usefixtures("one_way")
def test_a_reach_that_is_too_short_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other twin: a slip is said to reach its own lines alone."""
    monkeypatch.setattr(Reach, "of", lambda reach, own, unwritten: Reached(frozenset(own), 1, 1))
    assert missed(problem(), DISCIPLINES[0]) != []


def overlooked(name: str) -> list[str]:
    """The slips that give a wrong number of some sheet, of which a glance said that they do not."""
    own, rng = problem(name), np.random.default_rng(4)
    slips = [visible(own)[k] for k in rng.choice(len(visible(own)), 12, replace=False)]
    sheets = [written(own, drawn_hand(rng, digits=3, figures=True), slip, share=0.5) for slip in slips]
    read = Read.of(LayersKey(own), [sheet_from(own, sheet) for sheet in sheets])
    order, wrong = read.judged.quantities, read.judged.refused
    own_trying, out = Trying(read.key.runs, read.cells, DISCIPLINES[0], order), []
    glance = Glance(own_trying)
    rewrites = read.key.rewrites
    for slip in rewrites[:: max(1, len(rewrites) // 120)]:
        fits = own_trying.tried([slip])[0].fits
        gives = np.any([fits[q] & wrong[k] for k, q in enumerate(order) if q in fits], axis=0)
        if (gives & ~glance.may_give([slip], wrong, ignoring=False, step=0)[0]).any():
            out.append(slip.name)
    return out


@pytest.mark.parametrize("name", ["hand-3-2-2", "classifier-3-3-3"])
def test_a_glance_overlooks_no_slip(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left out after a look in plain numbers gives nothing; the planted twin looks too closely."""
    assert overlooked(name) == []
    for room in ("NEAR", "WIDTHS", "UNITS"):
        monkeypatch.setattr(trying, room, 0.0)
    assert overlooked(name) != []


def worked(monkeypatch: pytest.MonkeyPatch, path: str) -> tuple[int, int]:
    """How many slips were glanced at for a sheet, and how many worked."""
    counts, tried, may_give = [0, 0], Trying.tried, Glance.may_give

    def glancing(own: Glance, slips: Sequence[Rewrite], *given: Any, **how: Any) -> Any:
        counts[0] += len(slips)
        return may_give(own, slips, *given, **how)

    def working(own: Trying, slips: Sequence[Rewrite], **how: Any) -> Any:
        counts[1] += len(slips)
        return tried(own, slips, **how)

    monkeypatch.setattr(Glance, "may_give", glancing)
    monkeypatch.setattr(Trying, "tried", working)
    check(problem(), [path])
    return counts[0], counts[1]


def test_few_slips_are_worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of hundreds that may be made only those that give about what stands there."""
    glanced, tried = worked(monkeypatch, sheet(tmp_path, FINER))
    assert glanced > 50
    assert tried < glanced / 3


def test_slips_that_are_all_worked_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin: a glance at which every slip may give everything."""

    def gives_all(own: Glance, slips: Sequence[Rewrite], *given: Any, **how: Any) -> Any:
        return np.ones((len(slips), own.cells.count), bool)

    monkeypatch.setattr(Glance, "may_give", gives_all)
    glanced, tried = worked(monkeypatch, sheet(tmp_path, FINER))
    assert tried >= glanced / 3


@pytest.mark.parametrize("limit", ["MOST_WORKED", "MOST_GLANCED"])
def test_where_trying_ends_early_the_report_says_so(
    limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound that is reached is told on the sheet; one that is not, is not."""
    path = sheet(tmp_path, FINER)
    assert UNTRIED not in check(problem(), [path]).one.remarks
    monkeypatch.setattr(choosing, limit, 1)
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
