"""What `check` names: slips that were really made, at the cells where they were made, and nothing that was not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from written_sheets import drawn_hand, names_told, refused, written

from derivations.network import Problem
from tracer import Trace, check, load, trace
from tracer.answers.reading.sources import sheet_from
from tracer.answers.result import Checked, Marked
from tracer.marking import named as catalogued
from tracer.marking.marking import mark
from tracer.marking.slips.catalogue import invisible, visible
from tracer.marking.slips.slip import Slip

HAND = "hand-3-2-2"
RIGHT = {
    "a1[1]": "0.6",
    "a1[2]": "1.2",
    "z1[1]": "0.6457",
    "z1[2]": "0.7685",
    "a2[1]": "2.183",
    "a2[2]": "5.011",
    "delta2[1]": "2.183",
    "delta2[2]": "4.011",
    "slope1[1]": "0.2288",
    "slope1[2]": "0.1779",
}


def causes(checked: Checked) -> list[tuple[set[str], tuple[str, ...]]]:
    """(names, cells) of every cause."""
    return [(set(cause.slips), cause.cells) for cause in checked.causes]


def named(checked: Checked) -> set[str]:
    """Every name."""
    return {name for cause in checked.causes for name in cause.slips}


# --- one slip each ---


@pytest.mark.parametrize(
    ("sheet", "slip"),
    [
        ({"delta1[1]": "14.22"}, "hidden_delta.no_slope"),  # 1 * 2.183 + 3 * 4.011
        ({"delta1[1]": "3.253", "delta1[2]": "3.631", "W1_new[1,1]": "0.4253"}, "update.plus"),
        ({"delta2[2]": "5.011"}, "output_signal.no_target"),
        ({"delta2[1]": "4.366", "delta2[2]": "8.022"}, "output_signal.factor_2"),
        ({"z1[1]": "0.6", "z1[2]": "1.2"}, "activation.none"),
        ({"slope1[1]": "0.2257", "slope1[2]": "0.2166"}, "slope.at_activation"),
    ],
)
def test_one_slip(sheet: dict[str, str], slip: str) -> None:
    """Worked by hand from the numbers above it."""
    checked = check(HAND, RIGHT | sheet)
    assert slip in checked.causes[0].slips, checked.causes


def test_an_error_that_is_no_slip_has_no_name() -> None:
    """Anything else is wrong, and that is all that is said."""
    checked = check(HAND, RIGHT | {"z1[1]": "0.6911"})
    assert causes(checked) == [(set(), ("z1[1]",))]
    assert checked.one["z1[1]"].verdict == "wrong"


def test_a_cell_that_two_slips_explain_has_both_names() -> None:
    """The target of unit 1 is 0: to leave it out or to add it is the same, so it is not even wrong there."""
    checked = check(HAND, RIGHT | {"z1[1]": "0.6", "z1[2]": "1.2"})
    assert {"activation.none", "activation.relu_instead"} == set(checked.causes[0].slips)


def test_two_slips_on_one_sheet() -> None:
    """Both are found, and what follows from them is right."""
    slipped = {"delta2[1]": "4.366", "delta2[2]": "8.022", "dz1[1]": "28.43", "dz1[2]": "40.82"}
    checked = check(HAND, RIGHT | slipped | {"delta1[1]": "28.43", "delta1[2]": "40.82"})
    assert [
        next(iter(names & {"output_signal.factor_2", "hidden_delta.no_slope"})) for names, _ in causes(checked)
    ] == [
        "output_signal.factor_2",
        "hidden_delta.no_slope",
    ]
    assert checked.one["dz1[1]"].verdict == "follows"


# --- document 003: the numbers that its code computes, worked here from what that code does ---

INPUTS = [((0, 0), (1, 0)), ((0, 1), (0, 1)), ((1, 0), (0, 1)), ((1, 1), (1, 0))]


def as_coded(x: Any, t: Any, W1: Any, W2: Any) -> dict[str, Any]:
    """One step of that code; the last column of each W is the bias.

    The output units read the hidden units while these are still 0; the signal goes back through the gradient in place
    of the weight; ReLU' is taken at the first output unit.
    """
    x, t = np.append(x, 1.0), np.asarray(t, float)
    a1 = W1 @ x
    z1 = np.where(a1 < 0, 0, a1)
    a2 = W2 @ np.append(np.zeros(len(z1)), 1.0)
    y = np.exp(a2 - a2.max()) / np.exp(a2 - a2.max()).sum()
    delta2 = y - t
    G2 = np.outer(delta2, np.append(z1, 1.0))
    dz1 = delta2 @ G2[:, :-1]
    delta1 = dz1 * (0.0 if a2[0] < 0 else 1.0)
    G1 = np.outer(delta1, x)
    V1, V2 = W1 - 0.1 * G1, W2 - 0.1 * G2
    return {
        "a1": a1,
        "z1": z1,
        "a2": a2,
        "z2": y,
        "delta2": delta2,
        "dW2": G2[:, :-1],
        "db2": G2[:, -1],
        "dz1": dz1,
        "delta1": delta1,
        "dW1": G1[:, :-1],
        "db1": G1[:, -1],
        "W1_new": V1[:, :-1],
        "b1_new": V1[:, -1],
        "W2_new": V2[:, :-1],
        "b2_new": V2[:, -1],
    }


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_code_of_document_003(k: int) -> None:
    """Stale inputs at a2, the gradient for the weight at dz1; all else is right from there on."""
    problem = load("softmax-xor-each").sample(k)
    checked = check(problem, as_coded(*INPUTS[k - 1], np.ones((8, 3)), np.ones((2, 9))))
    assert [cells for _, cells in causes(checked)] == [
        ("a2[1]", "a2[2]"),
        tuple(f"dz1[{i}]" for i in range(1, 9)),
    ]
    assert causes(checked)[0][0] == {"pre_activation.stale_input"}
    assert "signal_below.gradient_for_weights" in causes(checked)[1][0]


def test_the_code_of_document_003_names_no_more_than_it_can_tell() -> None:
    """With x = (1, 1) the classes have one name each."""
    problem = load("softmax-xor-each").sample(4)
    checked = check(problem, as_coded(*INPUTS[3], np.ones((8, 3)), np.ones((2, 9))))
    assert [names for names, _ in causes(checked)] == [
        {"pre_activation.stale_input"},
        {"signal_below.gradient_for_weights"},
    ]


def test_relu_at_the_wrong_layer_cannot_show_there() -> None:
    """From weights of 1 every pre-activation is positive, so ReLU' is 1 everywhere."""
    hidden = {slip.name for slip in invisible(load("softmax-xor-each"))}
    assert "hidden_delta.wrong_layer_slope_unit[1]" in hidden
    assert "pre_activation.stale_input" not in hidden
    assert "signal_below.gradient_for_weights" not in hidden


def variant() -> tuple[dict[str, Any], dict[str, Any]]:
    """The same network where the first output unit's bias is negative, and what that code makes of it."""
    rng = np.random.default_rng(3)
    W1, W2 = np.round(rng.uniform(0.2, 1.5, (8, 3)), 2), np.round(rng.uniform(-1, 1, (2, 9)), 2)
    W2[0, -1] = -0.6
    layers = [
        {"activation": name, "W": W[:, :-1].tolist(), "b": W[:, -1].tolist()}
        for name, W in (("relu", W1), ("softmax", W2))
    ]
    source = {
        "network": {"loss": "cross_entropy", "layers": layers},
        "samples": [{"x": [1, 1], "t": [1, 0]}],
        "training": {"learning_rate": 0.1},
    }
    return source, as_coded((1, 1), (1, 0), W1, W2)


def test_all_three_slips_of_document_003() -> None:
    """With a negative output pre-activation all three are named, each at its cells."""
    source, sheet = variant()
    checked = check(source, sheet)
    found = causes(checked)
    assert [cells[0] for _, cells in found] == ["a2[1]", "dz1[1]", "delta1[1]"]
    assert [len(cells) for _, cells in found] == [2, 8, 8]
    assert found[0][0] == {"pre_activation.stale_input"}
    assert found[1][0] == {"signal_below.gradient_for_weights"}
    assert "hidden_delta.wrong_layer_slope_unit[1]" in found[2][0]
    assert {m.name for m in checked.marks if m.verdict == "slip"} == {name for _, cells in found for name in cells}
    assert {m.verdict for m in checked.marks if not m.accepted} <= {"slip", "not_assessable"}  # dW of a delta of 0


# --- real ones ---

TANH_TWICE = {
    # discuss.pytorch.org 187917: y = 40 tanh(w tanh(w x)), w = 2, x = 0.5; 1 - a^2 in place of 1 - z^2
    "network": {
        "loss": "output",
        "layers": [
            {"activation": "tanh", "W": [[2]]},
            {"activation": "tanh", "W": [[2]]},
            {"activation": "identity", "W": [[40]]},
        ],
    },
    "samples": [{"x": [0.5]}],
    "training": {"learning_rate": 0.1},
}


def test_a_forum_threads_gradient() -> None:
    """dE/dw = -40.21530 where 8.18881 is right: the slope taken at a."""
    name = "dW1[1,1] + dW2[1,1]"
    assert check(TANH_TWICE, {name: "8.18881"}).all_right
    mark = check(TANH_TWICE, {name: "-40.21530"}).one[name]
    assert mark.verdict == "slip"
    assert "slope.pre_activation_for_z" in mark.slips


def test_a_forum_threads_gradient_step_by_step() -> None:
    """The same with the numbers on the way, as that program has them in float32: h1 = tanh(1), h2 = tanh(2 h1)."""
    h1 = np.float64(np.tanh(np.float32(1)))
    a2 = np.float64(np.float32(2) * np.float32(h1))
    slope2 = 1 - a2**2
    sheet = {"slope2[1]": slope2, "slope1[1]": 0.0, "delta2[1]": 40 * slope2, "dW2[1,1]": h1 * 40 * slope2}
    assert f"{sheet['dW2[1,1]']:.5f}" == "-40.21530"
    checked = check(TANH_TWICE, {name: f"{value:.5f}" for name, value in sheet.items()})
    assert [names for names, _ in causes(checked)] == [{"slope.pre_activation_for_z"}]


W_222 = ([[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]])


def network_222(transposed: bool) -> Problem:
    """A 2-2-2 network of sigmoid units, its weights as they stand or with rows and columns exchanged."""
    weights = [np.transpose(W).tolist() if transposed else W for W in W_222]
    layers = [
        {"activation": "sigmoid", "W": W, "b": b} for W, b in zip(weights, ([0.35, 0.35], [0.60, 0.60]), strict=True)
    ]
    return load(
        {
            "network": {"loss": "half_squared_error", "layers": layers},
            "samples": [{"x": [0.05, 0.10], "t": [0.01, 0.99]}],
            "training": {"learning_rate": 0.5},
        }
    )


def forward(step: Trace) -> dict[str, str]:
    """What a sheet has up to the weight gradients, with five figures."""
    return {name: f"{v:.5g}" for name, v in step.values.items() if not name.startswith(("W", "b", "dz0"))}


def test_w_transposed() -> None:
    """Somebody reads the weights down the columns, forward and backward: that has a name."""
    checked = check(network_222(False), forward(trace(network_222(True))))
    assert "pre_activation.transposed_weights" in named(checked)
    assert all(cause.slips for cause in checked.causes)
    assert len(checked.causes) <= 2


def test_other_letters_are_read_with_one_remark() -> None:
    """A sheet in ng's letters (z before the activation, a after it) against a problem in ours."""
    step = trace(HAND, digits=5)
    ours = {name: f"{value:.5g}" for name, value in step.values.items() if name[0] in "az" and name[:2] != "dz"}
    theirs = {name.replace("a", "Z", 1) if name[0] == "a" else name.replace("z", "A", 1): v for name, v in ours.items()}
    lower = {name.lower(): value for name, value in theirs.items()}
    checked = check(HAND, lower)
    assert checked.all_right, str(checked)
    assert len(checked.one.remarks) == 1


# --- the simulation ---


def of_slips(problem: Problem, slips: list[Slip], seed: int) -> list[Marked]:
    """Sheets of people with four figures, who round in any way and each make one of these slips."""
    rng = np.random.default_rng(seed)
    sheets = [written(problem, drawn_hand(rng, digits=4, figures=True), slip) for slip in slips]
    return mark(problem, [sheet_from(problem, sheet, id=str(k)) for k, sheet in enumerate(sheets)])


@pytest.mark.parametrize("sample", [HAND, "shared-bias-2-2-2"])
def test_every_slip_that_shows_is_named(sample: str) -> None:
    """Each slip of the catalogue is made once: its name is always among those given."""
    problem = load(sample)
    slips = list(visible(problem))
    marked = of_slips(problem, slips, 5)
    missed = [s.name for s, one in zip(slips, marked, strict=True) if refused(one) and s.name not in names_told(one)]
    assert not missed
    assert sum(bool(refused(one)) for one in marked) > 0.97 * len(slips)  # the others do not show in four figures


def test_a_slip_outside_the_catalogue_would_be_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin of that test: with the catalogue cut short, names are missing."""
    problem = load(HAND)
    slips = [s for s in visible(problem) if s.stage == "delta"]
    monkeypatch.setattr(catalogued, "slips_of", lambda own: [s for s in visible(own) if s.stage != "delta"])
    marked = of_slips(problem, slips, 5)
    assert sum(s.name in names_told(one) for s, one in zip(slips, marked, strict=True)) == 0
    assert sum(bool(refused(one)) for one in marked) > 0.9 * len(slips)


@pytest.mark.parametrize("sample", [HAND, "shared-bias-2-2-2"])
def test_nothing_is_named_on_random_wrong_numbers(sample: str) -> None:
    """Every number of a sheet is another one of as many digits: no slip of the catalogue is told, however many fit."""
    problem, rng = load(sample), np.random.default_rng(6)
    sheets = [{name: drawn_like(number, rng) for name, number in right.items()} for right in rights(problem, rng, 60)]
    marked = mark(problem, [sheet_from(problem, sheet, id=str(k)) for k, sheet in enumerate(sheets)])
    assert all(len(refused(one)) > 10 for one in marked)
    assert [as_rules(one) for one in marked if as_rules(one)] == []


@pytest.mark.parametrize("sample", [HAND, "shared-bias-2-2-2"])
def test_one_random_number_on_a_right_sheet_is_hardly_ever_named(sample: str) -> None:
    """It is wrong, and of a hundred such numbers some slip gives one at most; no other number of the sheet suffers."""
    problem, rng = load(sample), np.random.default_rng(7)
    sheets, where = rights(problem, rng, 300), []
    for sheet in sheets:
        where.append(str(rng.choice(list(sheet))))
        sheet[where[-1]] = drawn_like(sheet[where[-1]], rng)
    marked = mark(problem, [sheet_from(problem, sheet, id=str(k)) for k, sheet in enumerate(sheets)])
    wrong = [(name, one) for name, one in zip(where, marked, strict=True) if name in refused(one)]
    assert len(wrong) > 250
    assert [name for name, one in wrong if refused(one) != [name]] == []
    assert sum(bool(as_rules(one)) for _, one in wrong) <= 0.01 * len(wrong)


def rights(problem: Problem, rng: np.random.Generator, count: int) -> list[dict[str, str]]:
    """Right sheets in four figures."""
    return [written(problem, drawn_hand(rng, digits=4, figures=True)) for _ in range(count)]


def as_rules(marked: Marked) -> set[str]:
    """What is told as a wrong rule, not as a slip of the pen."""
    return {name for name in names_told(marked) if not name.startswith("pen.")}


def drawn_like(number: str, rng: np.random.Generator) -> str:
    """Another number with the digits of this one drawn anew."""
    return "".join(str(rng.integers(10)) if c.isdigit() else c for c in number)


def test_whoever_states_a_given_number_otherwise_is_judged_from_it_and_nobody_else() -> None:
    """Three sheets of one class: what one says a given number is stays with that one."""
    problem = load(HAND)
    sheets = [{"x[2]": number, "a1[1]": "0.6"} for number in ("2", "5", "2")]
    marked = mark(problem, [sheet_from(problem, sheet, id=str(k)) for k, sheet in enumerate(sheets)])
    assert [[(m.name, m.given, m.slips) for m in one.marks if not m.accepted] for one in marked] == [
        [],
        [("x[2]", "5", ("given.misread",))],
        [],
    ]
    assert [m.verdict for one in marked for m in one.marks if m.name == "a1[1]"] == ["exact"] * 3


def test_one_sheet_of_a_softmax_network_is_solved_for_what_was_misread() -> None:
    """Its run is copied for every given number that may have been another one, the derivatives of softmax too."""
    sheet = {"a1[8]@4": "0.5843", "z2[2]@2": "0", "z1[7]@3": "0.02798", "z1[2]@3": "0.4976"}
    verdicts = {m.name: m.accepted for m in check("softmax-xor", sheet).one.marks}
    assert verdicts == {"a1[8]@4": False, "z2[2]@2": False, "z1[7]@3": False, "z1[2]@3": True}


def test_a_slip_that_is_explained_does_not_hide_another_that_was_rounded_inside() -> None:
    """Two slips, the second worked from products rounded on the way: each has its name, alone and together."""
    rounded = {"delta2[1]": "2.183", "delta2[2]": "4.011", "delta1[1]": "3.209", "delta1[2]": "4.419"}
    right = {"z1[1]": "0.6457", "z1[2]": "0.7685", "dW1[1,2]": "6.418"}
    alone = named(check(HAND, right | rounded))
    both = named(check(HAND, right | rounded | {"W2_new[1,1]": "1.141"}))
    assert "slope.at_activation" in alone & both
    assert "update.plus" in both - alone
