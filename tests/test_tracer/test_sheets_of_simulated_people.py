"""Sheets of simulated people, a small sample of the campaign: right ones are right, slips are told, each by itself."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "campaigns"))

import sheets_of_people as campaign
from people import PROBLEMS, drawn_sheet, slipped_sheet

from tracer import check, loads, trace
from tracer.answers.result import Cause
from tracer.marking import cells, choosing, misread, span_arithmetic

OF_EQUATIONS = ("rnn-three-times", "convolution-pool", "residual-block")
OF_LAYERS = ("hand-3-2-2", "softmax-2-3-3", "batch-2-2-1")


@pytest.mark.parametrize("problem", PROBLEMS)
def test_no_number_of_a_right_sheet_is_refused(problem: str) -> None:
    """Whatever calculator, table or program it was worked with."""
    counts, told = campaign.tally_right(problem, [drawn_sheet(problem, k) for k in range(12)])
    assert counts["refused"] == 0, told


@pytest.mark.parametrize("problem", OF_EQUATIONS + OF_LAYERS)
def test_a_wrong_number_is_refused(problem: str) -> None:
    """The planted twin: the last number that has four figures, a third of it more."""
    sheet = next(s for s in (drawn_sheet(problem, k) for k in range(99)) if s.habits.way == "memory")
    name = next(name for name, text in reversed(sheet.cells.items()) if len(text.strip("-0.")) >= 4)
    spoilt = replace(sheet, cells={**sheet.cells, name: f"{float(sheet.cells[name]) * 4 / 3:.6g}"})
    assert campaign.tally_right(problem, [spoilt])[0]["refused"] == 1


@pytest.mark.parametrize("problem", OF_EQUATIONS + OF_LAYERS)
def test_a_sheet_is_marked_alike_alone_and_among_others(problem: str) -> None:
    """In its class, in another order, and by itself."""
    counts, told = campaign.tally_alone(problem, [slipped_sheet(problem, k) for k in range(8)])
    assert counts["otherwise"] == 0, told


def test_what_a_sheet_costs_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the search ends early it ends at the same slip alone: what classmates lack moves on their sheets only."""
    problem, own = "turns-2-2-1", [7_300_000 + k for k in (17, 22, 29, 38, 39)]
    for limit, most in (("MOST_WORKED", 300), ("MOST_WORKED", 3000), ("MOST_GLANCED", 40), ("MOST_GLANCED", 400)):
        with monkeypatch.context() as changed:
            changed.setattr(choosing, limit, most)
            counts, told = campaign.tally_alone(problem, [slipped_sheet(problem, k) for k in own])
        assert counts["otherwise"] == 0, told


def test_marks_that_depend_on_the_class_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin: the usual digits are those of the sheet that was read before."""
    own, before = cells._commonest, [2.0, 0.1]

    def late(values: Sequence[float]) -> float:
        before.append(own(values))
        return before[-3]  # of figures and units in turn

    monkeypatch.setattr(cells, "_commonest", late)
    sheets = [slipped_sheet("hand-3-2-2", k) for k in range(8)]
    assert campaign.tally_alone("hand-3-2-2", sheets)[0]["otherwise"] > 0


@pytest.mark.parametrize("problem", OF_EQUATIONS + OF_LAYERS)
def test_slips_are_flagged_and_most_are_told(problem: str) -> None:
    """The first wrong number is flagged, and where a slip has a name it is mostly told."""
    counts, _ = campaign.tally_slipped(problem, [slipped_sheet(problem, k) for k in range(40)])
    assert counts["flagged"] >= counts["shows"] - 1
    assert counts["among"] >= 0.7 * counts["sayable"]


def test_names_are_told_by_what_they_say() -> None:
    """The planted twin: another slip's names do not count."""
    assert campaign.is_meant("bias_forgotten", "pre_activation.no_bias")
    assert campaign.is_meant("bias_forgotten", "equation.term_left_out[12]")
    assert not campaign.is_meant("bias_forgotten", "slope.at_activation")
    assert campaign.names_of_slips().keys() >= {s.slip for s in (slipped_sheet("hand-3-2-2", k) for k in range(30))}


# --- one thing each ---


def rnn_with(**numbers: str) -> dict[str, str]:
    """A right sheet of the recurrent network in five figures, some numbers otherwise."""
    sheet = next(s for s in (drawn_sheet("rnn-three-times", k) for k in range(999)) if s.habits.way == "memory")
    return {**sheet.cells, **numbers}


def causes(problem: str, cells_: dict[str, str]) -> Counter[str]:
    """The slips that are told of one sheet."""
    checked = check(loads(PROBLEMS[problem].source), cells_)
    return Counter(name.partition("[")[0] for cause in checked.causes for name in cause.slips)


def misread_state_weight() -> dict[str, str]:
    """Somebody read V[2,2] = 0.3 as 0.8, and went on with it."""
    source = PROBLEMS["rnn-three-times"].source.replace(
        "V = [[0.5, -0.4], [0.7, 0.3]]", "V = [[0.5, -0.4], [0.7, 0.8]]"
    )
    return {
        name: f"{float(value):.5f}" for name, value in trace(loads(source)).values.items() if name[0] not in "xUVbwct"
    }


def test_a_misread_given_number_is_solved_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One cause for all it reaches; the planted twin: where more must be explained than is wrong, it is not told."""
    sheet = misread_state_weight()
    checked = check(loads(PROBLEMS["rnn-three-times"].source), sheet)
    assert [cause.slips for cause in checked.causes] == [("given.misread",)]
    assert checked.causes[0].facts["given"] == "V[2,2] = 0.8 (\u2260 0.3)"
    monkeypatch.setattr(misread, "LEAST", 10**6)
    assert causes("rnn-three-times", sheet)["given.misread"] == 0


def test_a_given_number_that_a_classmate_states_is_still_solved_for() -> None:
    """Whoever writes V[2,2] as it is hides nothing of another's sheet; one who states it has read it so."""
    sheet, source = misread_state_weight(), PROBLEMS["rnn-three-times"].source
    mate = {**rnn_with(), "V[2,2]": "0.3"}
    names = list(dict.fromkeys((*sheet, *mate)))
    rows = [["id", *names], *([f"p{k}", *(one.get(n, "") for n in names)] for k, one in enumerate((sheet, mate)))]
    table = "\n".join(",".join(f'"{cell}"' for cell in row) for row in rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "class.csv"
        path.write_text(table, encoding="utf-8")
        first, second = check(loads(source), path)
    assert [cause.slips for cause in first.causes] == [("given.misread",)]
    assert not second.causes


def test_a_classmate_who_goes_on_to_a_second_step_changes_nothing() -> None:
    """A sheet of one step, with a slip, beside one of two steps; of equations."""
    mate = {"y": "0.0868", "E": "0.5", "y#2": "0.3", "E#2": "0.25"}
    sheets = [slipped_sheet("rnn-three-times", k) for k in range(6)]
    sheets = [*sheets, replace(sheets[0], seed=99, cells=mate)]
    assert campaign.tally_alone("rnn-three-times", sheets)[0]["otherwise"] == 0


SUM = """
equations = '''
y = Σ_i a[i]*x[i] + Σ_i c[i]*x[i] + b
E = (y - t)^2/2
'''
parameters.a = [0.08, -0.72]
parameters.c = [-0.366, 0.238]
parameters.b = -0.2
given.x = [1, 1]
given.t = 0.5
"""


def test_a_sum_may_be_added_up_term_by_term(monkeypatch: pytest.MonkeyPatch) -> None:
    """0.08 - 0.72 - 0.366 is -1.01 in three figures, and then -0.972; both sums first give -0.968.

    The planted twin: with sums that nobody adds up in a row the first of them is refused.
    """
    problem = loads(SUM)
    ways = [{"y": "-0.972", "E": "1.08", "dy": "-1.47"}, {"y": "-0.968", "E": "1.08", "dy": "-1.47"}]
    assert [check(problem, way).all_right for way in ways] == [True, True]
    assert not check(problem, {"y": "-0.978", "E": "1.09", "dy": "-1.48"}).all_right
    monkeypatch.setattr(span_arithmetic.SpanArithmetic, "in_a_row", lambda m, total, *terms: total)
    assert [check(problem, way).all_right for way in ways] == [False, True]


def test_a_number_copied_from_its_neighbour_is_told() -> None:
    """Of layers and of equations; the planted twin: a number that stands nowhere else."""
    right = {"z1[1]": "0.6457", "z1[2]": "0.7685", "delta1[1]": "3.254", "delta1[2]": "3.631"}
    assert causes("hand-3-2-2", {**right, "delta1[2]": "3.254"})["pen.neighbour"] == 1
    assert causes("hand-3-2-2", {**right, "delta1[2]": "3.957"})["pen.neighbour"] == 0
    sheet = rnn_with()
    assert causes("rnn-three-times", {**sheet, "dh[1,1]": sheet["dh[1,2]"]})["pen.neighbour"] == 1


def test_a_number_copied_from_another_row_is_told_where_it_has_digits_enough() -> None:
    """The row before may be copied too, and with more digits any; 0.6 stands anywhere by chance."""
    sheet = rnn_with()
    assert causes("rnn-three-times", {**sheet, "db[1]": sheet["dV[2,2]"]})["pen.neighbour"] == 1
    assert causes("rnn-three-times", {**sheet, "dw[1]": "0.6"})["pen.neighbour"] == 0


@pytest.mark.parametrize(
    ("written", "told"),
    [("0.6457", ""), ("0.6357", "pen.digit"), ("0.8457", "pen.digit"), ("0.6487", ""), ("0.845", "")],
)
def test_a_wrong_digit_is_told_by_the_right_ones_after_it(written: str, told: str) -> None:
    """0.6357 for 0.6457 has all others right; with one right digit after it, or two in all, it is chance."""
    found = causes("hand-3-2-2", {"a1[1]": "0.6000", "z1[1]": written, "z1[2]": "0.7685"})
    assert found == Counter([told] if told else [])


def test_a_missing_digit_is_told() -> None:
    """0.76854 without its 6; without its last but one it is near by chance."""
    right = {"z1[1]": "0.64566", "z1[2]": "0.76852", "delta1[1]": "3.2524"}
    assert causes("hand-3-2-2", {**right, "z1[2]": "0.7852"}) == {"pen.digit_left_out": 1}
    assert not causes("hand-3-2-2", {**right, "z1[2]": "0.7692"})


def test_a_given_number_that_is_easily_mistaken_explains_a_single_one() -> None:
    """K[1,2] = -0.2 read as -0.02; the planted twin: a number that no such reading gives."""
    sheet = next(s for s in (drawn_sheet("convolution-pool", k) for k in range(999)) if s.habits.way == "float64")
    cells = {name: text for name, text in sheet.cells.items() if name.startswith("a[")}
    assert causes("convolution-pool", {**cells, "a[2,1]": "0.51800"}) == {"given.misread": 1}
    assert causes("convolution-pool", {**cells, "a[2,1]": "0.51900"})["given.misread"] == 0


@pytest.mark.parametrize(("a2", "right"), [("2.183", True), ("3", False)])
def test_a_short_number_is_not_rounded_more_coarsely_inside_than_its_sheet(a2: str, right: bool) -> None:
    """3 among numbers of three decimals is 3.000: nobody there adds 1 and 2 for 2*0.646 and 2*0.769."""
    rest = {"z1[1]": "0.646", "z1[2]": "0.769", "a2[2]": "5.011", "z2[2]": "5.011"}
    own = check(loads(PROBLEMS["hand-3-2-2"].source), {**rest, "a2[1]": a2})
    assert [m.accepted for m in own.one.marks if m.name == "a2[1]"] == [right]


@pytest.mark.parametrize(
    ("problem", "seed", "told"),
    [
        ("logistic-decay", 7330000094, "equation.slope_too_many"),
        ("layer-norm", 7330000072, "equation.mean_by_one_less"),
        ("convolution-pool", 7330000018, "equation.term_of_sum_left_out"),
        ("convolution-pool", 7330000066, "equation.turned_round"),
        ("layer-norm", 7330000136, "equation.term_of_sum_twice"),
        ("layer-norm", 7330000151, "equation.one_of_the_sum"),
        ("gru-two-times", 7380000134, "equation.path_left_out"),
        ("attention-head", 7330000128, "equation.another_array"),
        ("turns-2-2-1", 7330000103, "update.old_again"),
        ("softmax-2-3-3", 7330000063, "signal_below.next_row"),
        ("softmax-2-3-3", 7330000198, "hidden_delta.next_slope"),
        ("adam-2-2-1", 7330000102, "second_moment.absolute"),
        ("adam-2-2-1", 7330000061, "loss_parts.absolute_scaled"),
        ("batch-2-2-1", 7330000037, "output_delta.extra_slope"),
    ],
)
def test_what_people_do_has_a_name(problem: str, seed: int, told: str) -> None:
    """Each kind once, on a sheet of somebody who makes it; what is right on a right sheet has none: see above."""
    assert causes(problem, slipped_sheet(problem, seed).cells)[told] == 1


def test_nobody_cuts_off_a_number_that_has_no_more_digits() -> None:
    """0.6 is 0.6 where digits are cut off; the planted twin, 1.2 of more digits, is 1.1 there."""
    cut = {
        "z1[1]": "0.645",
        "z1[2]": "0.768",
        "a2[1]": "2.182",
        "a2[2]": "5.010",
        "z2[2]": "5.010",
        "delta1[1]": "3.251",
    }
    own = check(loads(PROBLEMS["hand-3-2-2"].source), {**cut, "a1[1]": "0.5"})
    assert [m.name for m in own.one.marks if m.verdict in ("wrong", "slip")] == ["a1[1]"]
    assert check(loads(PROBLEMS["hand-3-2-2"].source), {**cut, "z2[1]": "2.1"}).all_right


def test_another_name_is_the_same_where_it_gives_the_same_numbers() -> None:
    """A neighbour's db copied into dW is dW without its input, to every digit; the planted twin: one that is not."""
    own = slipped_sheet("gru-two-times", 7330000050)
    in_full = campaign.in_full_told("gru-two-times", own)
    assert [campaign.is_the_same(c, in_full) for c in in_full] == [True] * len(in_full) != []
    other = Cause(("equation.sign[1]",), in_full[0].cells, (), {})
    assert not campaign.is_the_same(other, in_full)


@pytest.mark.parametrize(("shown", "right"), [("0.60000002", True), ("0.60000024", False)])
def test_a_program_in_float32_holds_given_numbers_to_its_digits(shown: str, right: bool) -> None:
    """A bias that is not updated is 0.6 as float32 has it; half a unit of its last place, no more."""
    sheet = next(s for s in (drawn_sheet("mazur-2-2-2", k) for k in range(999)) if "0.60000002" in s.cells.values())
    assert check(loads(PROBLEMS["mazur-2-2-2"].source), {**sheet.cells, "b2_new": shown}).all_right == right
