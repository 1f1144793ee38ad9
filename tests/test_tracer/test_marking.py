"""What each verdict means, on sheets small enough to check by hand; and nobody who is right is refused a cell."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pytest
from gallery.lists import LAYERED
from written_sheets import SHAPES, draw, drawn_hand, written
from written_sheets import refused as refused_numbers

from derivations.names import text
from derivations.network import Problem
from tracer import Trace, check, load, trace
from tracer.answers.reading.sheets import read_sheet
from tracer.answers.reading.sources import sheet_from
from tracer.answers.result import ACCEPTED, Mark
from tracer.marking import discipline
from tracer.marking.marking import mark
from tracer.samples import find_sample

HAND = "hand-3-2-2"


def verdicts(problem: Any, sheet: dict[str, Any]) -> dict[str, str]:
    """The verdict on each cell."""
    return {m.name: m.verdict for m in check(problem, sheet).marks}


def refused(marked: Any) -> list[Mark]:
    """The cells that are not accepted."""
    return [m for m in marked.marks if not m.accepted]


def printed() -> dict[str, str]:
    """The results that somebody worked out by hand with four figures."""
    path = find_sample(HAND)
    assert path is not None
    return {cell.name: cell.number for cell in read_sheet(path.parent / "printed.csv")}


# --- one verdict at a time, in the midst of right cells ---


@pytest.mark.parametrize(
    ("name", "number", "verdict"),
    [
        ("a1[1]", "0.6", "exact"),
        ("a1[1]", "0.6000", "exact"),
        ("a1[1]", "3/5", "exact"),
        ("z1[1]", "0.6457", "rounded"),
        ("z1[1]", "0.64566", "rounded"),
        ("dW2[1,1]", "1.409", "rounded"),
        ("dW2[1,1]", "1.410", "rounded"),  # 2.183 * 0.6457 = 1.40956
        ("dW2[1,1]", "1.412", "wrong"),
        ("dW2[1,1]", "1.41", "rounded"),
        ("dW2[1,1]", "1.4", "rounded"),
        ("dW2[1,1]", "1", "coarse"),
        ("W2_new[2,2]", "3.693", "last_digit"),
        ("z1[1]", "0.6471", "wrong"),
        ("z1[1]", "-0.6457", "slip"),
        ("z1[1]", "6.457", "slip"),
        ("z1[1]", "0.6547", "slip"),
        ("delta2[2]", "5.011", "slip"),
        ("z1[1]", "big", "malformed"),
        ("z1[1]", "0,6457", "malformed"),
        ("zz1[1]", "1", "unknown"),
        ("z1[3]", "1", "unknown"),
    ],
)
def test_one_cell(name: str, number: str, verdict: str) -> None:
    """Each verdict: z1[1] = 0.645656..., slope1[1] = 0.228784..., dW2[1,1] = 1.409278... when nothing is rounded."""
    assert check(HAND, printed() | {name: number}).one[name].verdict == verdict


def test_from_the_written_number() -> None:
    """With z written, 2.183 * 0.6457 = 1.40956 rounds to 1.410, which the true 1.409278 alone does not."""
    chain = {"z1[1]": "0.6457", "z1[2]": "0.7685", "delta2[1]": "2.183"}
    assert verdicts(HAND, chain | {"dW2[1,1]": "1.410"})["dW2[1,1]"] == "rounded"
    assert verdicts(HAND, {"dW2[1,1]": "1.410"})["dW2[1,1]"] != "rounded"


def test_inside_a_step() -> None:
    """1 * 0.64566 + 2 * 0.76852 with the second product rounded to two figures: 0.65 + 1.5 = 2.15, so 2.1 to even."""
    assert verdicts(HAND, {"a2[1]": "2.1"})["a2[1]"] == "rounded_inside"
    assert verdicts(HAND, {"a2[1]": "2.2"})["a2[1]"] == "rounded"
    assert verdicts(HAND, {"a2[1]": "2.5"})["a2[1]"] not in ACCEPTED


def test_cut_off() -> None:
    """Somebody who always cuts off is read so: no single cell is to be had otherwise."""
    step = trace(HAND, places=12)
    cut = {name: f"{value:.12f}"[:-8] for name, value in step.values.items()}
    found = set(verdicts(HAND, cut).values())
    assert "truncated" in found
    assert found <= {"exact", "rounded", "truncated", "follows"}


def test_errors_are_carried_forward() -> None:
    """A wrong z1 is one wrong cell; what is rightly worked from it follows."""
    sheet = {"z1[1]": "0.75", "a2[1]": "2.287", "delta2[1]": "2.287", "dW2[1,1]": "1.715"}
    assert list(verdicts(HAND, sheet).values()) == ["wrong", "follows", "follows", "follows"]


def test_a_right_number_is_never_wrong_whatever_came_before() -> None:
    """The other track: the written z1 is wrong, and what comes after it is nevertheless right."""
    sheet = {"z1[1]": "0.75", "a2[1]": "2.183", "delta2[1]": "2.183", "dW2[1,1]": "1.409"}
    assert list(verdicts(HAND, sheet).values()) == ["wrong", "rounded", "rounded", "rounded"]


def test_nothing_follows_from_a_zero() -> None:
    """A z of 0 makes every weight gradient 0 whatever the error is: that shows nothing."""
    found = verdicts(HAND, printed() | {"z1[1]": "0.0000", "dW2[1,1]": "0.0000", "dW2[2,1]": "0.000"})
    assert [found[name] for name in ("dW2[1,1]", "dW2[2,1]")] == ["not_assessable", "not_assessable"]


def test_nothing_follows_from_an_exact_zero() -> None:
    """The same where the zero is written as a whole number."""
    found = verdicts(HAND, {"z1": [0, 0], "dW2": [[0, 0], [0, 0]]})
    assert not {found[name] for name in found if name.startswith("dW2")} & set(ACCEPTED)


def test_given_numbers_on_the_sheet() -> None:
    """A given number that is right is not marked; another one is the cause."""
    assert verdicts(HAND, {"x[1]": "1", "eta": "0.1", "z1[1]": "0.6457"}) == {"z1[1]": "rounded"}
    marks = check(HAND, {"x[1]": "7", "z1[1]": "0.6457"}).marks
    assert (marks[0].name, marks[0].slips, marks[0].expected) == ("x[1]", ("given.misread",), "1")
    assert not marks[0].accepted


def test_a_cell_twice() -> None:
    """The second is not counted."""
    checked = check(HAND, {"z1[1]": "0.6457", "z1_1": "0.65"})
    assert [m.verdict for m in checked.marks] == ["rounded", "duplicate"]
    assert checked.score == 1


def test_asked_but_left_out() -> None:
    """With `[sheet] ask`, what is asked for and not there is missing, and costs its point."""
    source = load(HAND)
    asking = replace(source, sheet=(("ask", ["z1"]),))
    checked = check(asking, {"z1[1]": "0.6457"})
    assert [(m.name, m.verdict) for m in checked.marks] == [("z1[1]", "rounded"), ("z1[2]", "missing")]
    assert checked.score == 0.5


def test_formula_cells() -> None:
    """A name may be a formula: judged from the right values, then from the sheet's own."""
    right = {"z1[1]": "0.6457", "delta2[1]*z1[1]": "1.409", "2*E": "20.85", "-eta*dW2[1,1]": "-0.1409"}
    assert set(verdicts(HAND, right).values()) <= set(ACCEPTED)
    own = verdicts(HAND, {"z1[1]": "0.75", "delta2[1]": "2.287", "delta2[1]*z1[1]": "1.715"})
    assert own["delta2[1]*z1[1]"] == "follows"
    assert verdicts(HAND, {"z1[1]": "0.6457", "delta2[1]*z1[1]": "1.5"})["delta2[1]*z1[1]"] == "wrong"


def test_a_formula_cell_alone() -> None:
    """It needs no other cell."""
    assert verdicts(HAND, {"delta2[1]*z1[1]": "1.409"})["delta2[1]*z1[1]"] in ACCEPTED
    assert verdicts(HAND, {"delta2[1]*z1[1]": "1.5"})["delta2[1]*z1[1]"] == "wrong"


@pytest.mark.parametrize(
    "number", ["-0.225", "\u22120.225", "-2.25e-1", "-22.5*10^-2", "\uff0d\uff10.\uff12\uff12\uff15"]
)
def test_numbers_as_people_write_them(number: str) -> None:
    """W1_new[1,1] = -0.225238: three figures, whatever the minus and the digits look like."""
    assert verdicts(HAND, {"W1_new[1,1]": number}) == {"W1_new[1,1]": "rounded"}


# --- a sheet worked by hand ---


def test_the_printed_results_are_all_accepted() -> None:
    """1.410, 0.8590 and -0.225 included."""
    checked = check(HAND, printed())
    assert len(checked.marks) == 21
    assert checked.all_right
    assert checked.score == 1
    assert not checked.causes
    assert {m.verdict for m in checked.marks} <= {"exact", "rounded"}


def test_the_printed_results_pin_each_cell() -> None:
    """Nothing is accepted because the rule is loose: of all numbers near a cell, hardly another one passes."""
    for name, passing in neighbours(printed()).items():
        assert sum(verdict in ("exact", "rounded") for verdict in passing) <= 2, name
        assert len(passing) <= 5, name


def neighbours(sheet: dict[str, str], reach: int = 8) -> dict[str, list[str]]:
    """For each cell the verdicts of the numbers near it that are accepted, the other cells as they stand."""
    problem, out = load(HAND), dict[str, list[str]]()
    near = [(name, shifted(number, k)) for name, number in sheet.items() for k in range(-reach, reach + 1)]
    sheets = [sheet_from(problem, {**sheet, name: number}) for name, number in near]
    for (name, _), marked in zip(near, mark(problem, sheets), strict=True):
        verdict = next(m.verdict for m in marked.marks if m.name == name)
        out.setdefault(name, []).extend([verdict] if verdict in ACCEPTED else [])
    return out


def shifted(number: str, units: int) -> str:
    """A number so many units of its last digit further on."""
    last = Decimal(number).as_tuple().exponent
    return f"{Decimal(number) + units * Decimal(1).scaleb(int(last)):f}"


def test_a_looser_rule_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin: cells twice as wide let more neighbours pass."""
    cell = discipline.Discipline.cell

    def wide(self: Any, value: Any, unit: Any) -> Any:
        return cell(self, value, 4 * unit)

    monkeypatch.setattr(discipline.Discipline, "cell", wide)
    assert any(len(passing) > 5 for passing in neighbours(printed()).values())


def test_a_tighter_rule_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other twin: cells half as wide do not hold what is printed."""
    cell = discipline.Discipline.cell
    monkeypatch.setattr(discipline.Discipline, "cell", lambda self, value, unit: cell(self, value, unit / 2))
    assert not {m.verdict for m in check(HAND, printed()).marks} <= {"exact", "rounded"}


# --- every problem that is shipped ---


def texts(step: Trace) -> dict[str, str]:
    """What a trace prints for every recorded number."""
    network = step.problem.network
    return {text(network, q): shown for q, shown in step.shown.items() if text(network, q) in step.values}


@pytest.mark.parametrize("carry", ["shown", "full"])
@pytest.mark.parametrize("sample", LAYERED)
def test_what_we_print_is_accepted(sample: str, carry: str) -> None:
    """A trace at any number of figures or places is a right sheet, if sometimes with few figures."""
    problem = load(sample)
    ways: list[dict[str, Any]] = [{"digits": n} for n in range(2, 9)] + [{"places": n} for n in range(1, 7)]
    sheets = [sheet_from(problem, texts(trace(problem, carry=carry, **way)), id=str(way)) for way in ways]
    for marked in mark(problem, sheets):
        assert not [m for m in refused(marked) if m.verdict != "coarse"], marked.id


@pytest.mark.parametrize("arithmetic", ["float32", "float64"])
@pytest.mark.parametrize("sample", LAYERED)
def test_what_a_program_computes_is_accepted(sample: str, arithmetic: str) -> None:
    """Numbers in float32 or float64, each operation rounded there."""
    step = trace(sample, arithmetic=arithmetic)
    dtype = np.float32 if arithmetic == "float32" else np.float64
    assert not refused(check(sample, {name: dtype(value) for name, value in step.values.items()}).one)


@pytest.mark.parametrize("arithmetic", ["float32", "float64"])
@pytest.mark.parametrize("sample", ["hand-3-2-2", "classifier-3-3-3", "softmax-xor", "middle-layer"])
def test_whole_arrays_of_a_program_are_accepted(sample: str, arithmetic: str) -> None:
    """The same as arrays, by the names that a trace gives them."""
    step = trace(sample, arithmetic=arithmetic)
    dtype = np.float32 if arithmetic == "float32" else np.float64
    last = len(step.problem.network.layers)
    arrays = {f"{kind}{l}": np.asarray(step[f"{kind}{l}"], dtype) for l in (1, last) for kind in ("z", "delta", "dW")}
    checked = check(sample, arrays)
    assert len(checked.marks) == sum(array.size for array in arrays.values())
    assert not refused(checked.one)


def test_a_wrong_float32_is_seen() -> None:
    """The planted twin: twenty units in the last place are no rounding error."""
    step = trace("classifier-3-3-3", arithmetic="float32")
    numbers = {name: np.float32(value) for name, value in step.values.items()}
    numbers["dW1[2,1]"] *= np.float32(1 + 20 * 2.0**-23)
    assert [m.name for m in refused(check("classifier-3-3-3", numbers).one)] == ["dW1[2,1]"]


# --- every way to be right ---


@pytest.mark.parametrize("shape", SHAPES)
def test_nobody_who_is_right_is_refused(shape: str) -> None:
    """Whatever way of rounding they have; `tests/people` has further ways of working."""
    rng = np.random.default_rng(11)
    for _ in range(2):
        problem = load(draw(rng, shape))
        hands = [drawn_hand(rng) for _ in range(120)]
        found = zip(hands, of_class(problem, [written(problem, hand) for hand in hands]), strict=True)
        assert {hand: bad for hand, bad in found if bad} == {}, problem


def of_class(problem: Problem, sheets: list[dict[str, str]]) -> list[list[str]]:
    """The numbers of each sheet that are not right."""
    read = [sheet_from(problem, sheet, id=str(k)) for k, sheet in enumerate(sheets)]
    return [refused_numbers(marked) for marked in mark(problem, read)]


def correct(seed: int, count: int = 120, **fixed: Any) -> tuple[Problem, list[dict[str, str]]]:
    """Right sheets of one network, by people who round in any way but for what is fixed."""
    rng = np.random.default_rng(seed)
    problem = load(draw(rng, "3-2-2"))
    return problem, [written(problem, drawn_hand(rng, **fixed)) for _ in range(count)]


def test_narrower_cells_would_be_unfair(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin: people are refused as soon as a cell stands for a little less than it does."""
    cell = discipline.Discipline.cell
    monkeypatch.setattr(discipline.Discipline, "cell", lambda self, value, unit: cell(self, value, 0.9 * unit))
    assert any(of_class(*correct(11)))


def test_without_guard_digits_it_would_be_unfair(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another twin: somebody who keeps one digit more on the way."""
    class_ = correct(12, 400, guard=1, digits=4, way=ROUND_HALF_UP)
    assert not any(of_class(*class_))
    monkeypatch.setattr(discipline, "GUARD", 0.0)
    assert any(of_class(*class_))


def test_errors_are_seen_in_the_same_simulation() -> None:
    """The twin of fairness: ten units of the last place are too much where everything is shown and carried."""
    problem, sheets = correct(13, digits=4, figures=True, guard=0, carry=1.0)
    name = "dW1[1,1]"
    for sheet in sheets:
        sheet[name] = shifted(sheet[name], 10)
    assert sum(name in bad for bad in of_class(problem, sheets)) > 0.95 * len(sheets)


@pytest.mark.parametrize("name", ["mu", "eta", "beta1", "x[1]", "W1[1,1]", "eta#2", "x[1]#2"])
def test_given_numbers_of_every_kind_on_a_sheet(name: str) -> None:
    """Right or wrong, they are compared, never marked as worked."""
    source = {
        "network": {"loss": "half_squared_error", "layers": [{"activation": "sigmoid", "W": [[0.1, 0.2]]}]},
        "samples": [{"x": [1, 2], "t": [0]}],
        "training": {"learning_rate": 0.1, "optimizer": "momentum", "momentum": 0.9},
    }
    sheet = check(source, {name: "0.7", "a1[1]": "0.5"}).one
    assert {m.verdict for m in sheet.marks if m.name == name} <= {"slip"}
    if name == "mu":
        assert sheet[name].expected == "0.9"


@pytest.mark.parametrize(
    ("sheet", "right"),
    [
        ({"a1[1]": "3/5", "a1[2]": "6/5"}, True),
        ({"a1[1]": "3/5", "z1[1]": "0.6457", "delta2[1]": "2183/1000"}, True),  # follows from the interval of z1[1]
        ({"z2[1]": "5/2"}, False),
        ({"z2[1]": "-1/2"}, False),
        ({"a2[2]": "11/2", "a1[1]": "0.6000"}, False),
        ({"dW1[1,2]": "1/2"}, False),
    ],
)
def test_a_fraction_is_exact(sheet: dict[str, str], right: bool) -> None:
    """It was not rounded, so no way of rounding makes another number of it."""
    assert check("hand-3-2-2", sheet).all_right is right
