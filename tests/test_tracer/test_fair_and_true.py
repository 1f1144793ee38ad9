"""Sheets cut down to one thing each: what is right is right, and what is said of the rest is true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tracer import check, trace
from tracer.answers.result import Checked

Problem = Mapping[str, Any]


def layer(activation: str, W: Any, b: Any = None, **more: Any) -> dict[str, Any]:
    """One layer, with a bias where there is one."""
    return {"activation": activation, "W": W, **({} if b is None else {"b": b}), **more}


def sample(x: Any, t: Any) -> dict[str, Any]:
    """One sample."""
    return {"x": x, "t": t}


def net(*layers: Any, samples: Any, loss: str = "half_squared_error", eta: float = 0.1, **training: Any) -> Problem:
    """A problem."""
    network = {"loss": loss, "layers": list(layers)}
    return {"network": network, "samples": samples, "training": {"learning_rate": eta, **training}}


def sheet(text: str) -> dict[str, str]:
    """`a1[1] = 0.05, z1[1] = 0.5` as names and numbers."""
    pairs = (cell.split("=") for cell in text.replace("\n", ", ").split(", ") if cell.strip())
    return {name.strip(): number.strip() for name, number in pairs}


def verdicts(checked: Checked) -> dict[str, str]:
    """By cell."""
    return {m.name: m.verdict for m in checked.marks}


def named(checked: Checked) -> list[set[str]]:
    """The slips of each cause."""
    return [set(cause.slips) for cause in checked.causes]


ONE_UNIT = net(layer("sigmoid", [[0.5]]), samples=[sample([0.1], [0.5])])
TWO_INPUTS = net(layer("sigmoid", [[0.6, -0.4]], [0.2]), samples=[sample([0.5, 0.25], [0.9])], eta=0.5)
RELU = net(layer("relu", [[-0.5]], [0.8]), layer("identity", [[2]], [0.1]), samples=[sample([1], [1])])
TANH = net(
    layer("tanh", [[-0.8, -0.4], [-0.1, 0.3]], [0.5, -0.3]),
    layer("tanh", [[-0.9, 0.2]], [-0.1]),
    samples=[sample([0.36, 0.31], [0])],
    eta=0.05,
)
SOFTMAX = net(
    layer("relu", [[0.3, -0.7], [0.4, -0.6], [0.1, -0.2]], [0.8, 0.2, -0.9]),
    layer("softmax", [[-0.5, -0.6, -0.4], [0.3, 0.1, 0.3], [-0.9, 0.6, 0.4]], [-0.9, -0.4, -0.1]),
    samples=[sample([2, 2], [0, 1, 0])],
    loss="cross_entropy",
    eta=0.2,
)
SIGMOIDS = net(
    layer("sigmoid", [[-0.89, -0.16], [-0.9, -0.23]], [0.35, -0.46]),
    layer("sigmoid", [[0.11, -0.07], [0.95, -0.75]], [-0.92, 0.24]),
    samples=[sample([0.28, -0.94], [0.28, 0.4])],
)
HAND = "hand-3-2-2"

RIGHT: dict[str, tuple[Any, str]] = {
    "an explicit 0.000 has three decimals": (
        ONE_UNIT,
        "a1[1] = 0.05, z1[1] = 0.5125, delta1[1] = 0.003, dW1[1,1] = 0.000",
    ),
    "zeros of two decimals": (ONE_UNIT, "delta1[1] = 0.00, dW1[1,1] = 0.00"),
    "gradients as the direction of the step": (
        HAND,
        "z2[1] = 2.183, z2[2] = 5.011, delta2[1] = -2.183, delta2[2] = -4.011, dW2[1,1] = -1.410, "
        "delta1[1] = -3.254, delta1[2] = -3.631, W2_new[1,1] = 0.8590, W1_new[1,2] = -0.5508",
    ),
    "one signal of the opposite sign, its weights right": (ONE_UNIT, "delta1[1] = -0.003122, W1_new[1,1] = 0.49997"),
    "two decimals forward, three back": (
        TWO_INPUTS,
        "a1[1] = 0.40, z1[1] = 0.60, E = 0.05, delta1[1] = -0.072, dW1[1,1] = -0.036, dW1[1,2] = -0.018, "
        "db1[1] = -0.072, W1_new[1,1] = 0.618, W1_new[1,2] = -0.391, b1_new[1] = 0.236",
    ),
    "zeros at the end of decimals left out": (
        TANH,
        "z1[1] = 0.0878, z1[2] = -0.2383, z2[1] = -0.2229, delta2[1] = -0.2118, delta1[1] = 0.1892, delta1[2] = -0.04",
    ),
    "each subtotal of a softmax rounded": (
        SOFTMAX,
        "a1[1] = 0, a1[2] = -0.200, a1[3] = -1.10, z1[1] = 0, z1[2] = 0, z1[3] = 0, a2[1] = -0.900, a2[2] = -0.400, "
        "a2[3] = -0.100, z2[1] = 0.205, z2[2] = 0.337, z2[3] = 0.455, E = 1.09, delta2[1] = 0.205, "
        "delta2[2] = -0.663, delta2[3] = 0.455, delta1[1] = 0",
    ),
    "kept here, shown there": (
        SIGMOIDS,
        "z2[1] = 0.292, z2[2] = 0.620, dz2[1] = 0.0121, dz2[2] = 0.220, slope2[1] = 0.207, slope2[2] = 0.236, "
        "delta2[1] = 0.00248, delta2[2] = 0.0519",
    ),
}


@pytest.mark.parametrize("case", RIGHT)
def test_right_numbers_are_right(case: str) -> None:
    """Every cell, however it was rounded."""
    problem, text = RIGHT[case]
    checked = check(problem, sheet(text))
    assert checked.all_right, str(checked)


@pytest.mark.parametrize("case", RIGHT)
def test_a_last_number_that_is_far_off_is_not(case: str) -> None:
    """The twin: the same sheets with another last number."""
    problem, text = RIGHT[case]
    cells = sheet(text)
    cells[list(cells)[-1]] = "0.777"
    assert not check(problem, cells).all_right


def test_zeros_that_follow_from_a_slip_follow() -> None:
    """ReLU of a negative number is 0, and so is all that is multiplied by it."""
    text = (
        "a1[1] = -0.5, z1[1] = 0, a2[1] = 0.1, z2[1] = 0.1, delta2[1] = -0.9, dW2[1,1] = 0, slope1[1] = 0, dW1[1,1] = 0"
    )
    found = verdicts(check(RELU, sheet(text)))
    assert found.pop("a1[1]") == "slip"
    assert set(found.values()) == {"follows"}


# --- sharp: what is off is seen ---

WRONG: dict[str, tuple[Any, str, str]] = {
    "a coarse number opens what follows as far as its own digits": (
        HAND,
        "z1[1] = 0.6, z1[2] = 0.8, z2[1] = 2.35, z2[2] = 5.4, delta2[1] = 2.35, delta2[2] = 4.4",
        "z2[1]",
    ),
    "updated weights on a sheet of four figures": (
        net(layer("sigmoid", [[2]], [-1]), layer("sigmoid", [[1]], [-3]), samples=[sample([-0.46], [0])],
            loss="squared_error", eta=1),
        "a1[1] = -1.920, z1[1] = 0.1279, a2[1] = -2.872, z2[1] = 0.05356, E = 0.002869, delta2[1] = 0.005430, "
        "dW2[1,1] = 0.0006945, W2_new[1,1] = 0.9993, delta1[1] = 0.0006052",
        "delta1[1]",
    ),
    "the other sign on a sheet of two figures": (
        net(layer("sigmoid", [[0.33, 0.89], [-0.28, -0.18]], 0.11),
            layer("sigmoid", [[-0.06, -0.76], [0.34, 0.64]], 0.53),
            samples=[sample([-0.72, -0.2], [0.68, 0.81])], loss="mean_squared_error", eta=0.2),
        "z1[1] = 0.42, z1[2] = 0.59, z2[1] = 0.51, z2[2] = 0.74, delta2[1] = -0.042, delta2[2] = -0.013, "
        "W2_new[1,1] = -0.056, W2_new[1,2] = -0.76, delta1[1] = 0.00076, delta1[2] = 0.0054",
        "delta1[1]",
    ),
    "a wrong slope that is near": (
        net(layer("sigmoid", [[0.9, 0.7, 0.6], [0.2, -0.5, 0.9]]), layer("identity", [[-0.1, -0.5], [0.8, -0.2]]),
            samples=[sample([1, 1, 3], [0, 1])], eta=0.5),
        "a1[1] = 3.40, a1[2] = 2.40, z1[1] = 0.968, z1[2] = 0.917, delta2[1] = -0.555, delta2[2] = -0.409, "
        "delta1[1] = -0.00869, delta1[2] = 0.0298",
        "delta1[1]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_off_is_not_rounded_inside(case: str) -> None:
    """By two last places or more, where the sheet carries its digits everywhere."""
    problem, text, cell = WRONG[case]
    checked = check(problem, sheet(text))
    assert not checked.one[cell].accepted, str(checked)


ADAM = net(layer("identity", [[1.0]], [0.0]), samples=[sample([0.5], [0.2])], optimizer="adam")


@pytest.mark.parametrize("number", ["7.3", "-0.9", "1.1", "0.999"])
def test_adam_s_new_weight_alone_is_not_just_any_number(number: str) -> None:
    """Who would divide by 1 - 1.0 keeps the digits of 0.999; the twin: the right number, however short."""
    assert not check(ADAM, {"W1_new[1,1]": number}).all_right
    assert check(ADAM, {"W1_new[1,1]": "0.9"}).all_right


def test_what_one_coarse_number_says_of_its_sheet_is_nothing() -> None:
    """2 for 2.2 among exact whole numbers; a wrong one beside a coarse one does not make it fine either."""
    text = "apples = 200, total = 220, dtax = 200, dprice = "
    assert verdicts(check("apples", sheet(text + "2")))["dprice"] == "coarse"
    assert check("apples", sheet(text + "2.2")).all_right
    cells = sheet("z1[1] = 0.6457, z1[2] = 0.7685, z2[1] = 2.183, delta1[1] = 3.254")
    coarse, beside = {**cells, "z2[2]": "5"}, {**cells, "z2[2]": "5", "delta2[1]": "7", "delta2[2]": "9"}
    assert verdicts(check(HAND, coarse))["z2[2]"] == verdicts(check(HAND, beside))["z2[2]"] == "coarse"


# --- causes ---

IGNORED: dict[str, tuple[str, str]] = {
    "slope.at_activation": (
        "z1[1] = 0.6457, z1[2] = 0.7685, delta2[1] = 2.183, delta2[2] = 4.011, slope1[1] = 0.2288, dW1[1,1] = 3.208",
        "dW1[1,1]",
    ),
    "output_signal.factor_2": (
        "z2[1] = 2.183, z2[2] = 5.011, dz2[1] = 2.183, dz2[2] = 4.011, delta2[1] = 4.366, delta2[2] = 8.022",
        "delta2[1]",
    ),
    "signal_below.transposed_weights": (
        "z1[1] = 0.6457, z1[2] = 0.7685, delta2[1] = 2.183, delta2[2] = 4.011, dz1[1] = 14.22, slope1[1] = 0.2288, "
        "delta1[1] = 2.335",
        "delta1[1]",
    ),
}


@pytest.mark.parametrize("slip", IGNORED)
def test_a_row_that_was_written_and_not_used_hides_no_slip(slip: str) -> None:
    """The more a student writes, the better the diagnosis."""
    text, cell = IGNORED[slip]
    checked = check(HAND, sheet(text))
    assert named(checked) == [{slip}]
    assert verdicts(checked)[cell] == "slip"


def test_a_minus_lost_beside_right_numbers_of_its_line_is_the_pens() -> None:
    """Nobody worked by another rule; the twin: a number that stands there alone may be either, each told once."""
    begun = "a1[1] = 0.4, z1[1] = 0.5987, delta1[1] = -0.07239"
    both = f"{begun}, dW1[1,2] = -0.01810, W1_new[1,1] = 0.6181"
    assert named(check(TWO_INPUTS, sheet(f"{both}, W1_new[1,2] = 0.3910"))) == [{"pen.sign"}]
    assert named(check(TWO_INPUTS, sheet(f"{both}, dW1[1,1] = 0.03620"))) == [{"pen.sign"}]
    alone = named(check(TWO_INPUTS, sheet(f"{begun}, W1_new[1,2] = 0.3910")))
    assert alone == [{"update.step_minus_weight"}]


def test_a_dropped_term_is_no_misread_weight() -> None:
    """A rule is preferred to a number that was solved for."""
    problem = net(
        layer("sigmoid", [[0.2, -0.3], [-0.7, 0.2]], theta=[-0.3, 0.9]),
        layer("sigmoid", [[0.2, 0.5]], theta=[-0.2]),
        samples=[sample([0.75, 0.29], [1])],
        eta=0.01,
    )
    found = named(check(problem, sheet("z1[1] = 0.5898, z1[2] = 0.1939, z2[1] = 0.6023")))
    assert found == [{"pre_activation.drop_term[2]"}]


def test_a_learning_rate_is_solved_to_the_likely_number() -> None:
    """5 for 0.5, which rounded gradients give as 4.98."""
    problem = net(layer("identity", [[0.1, 0.4]]), samples=[sample([0.39, 0.171], [0.2])], eta=0.5)
    step = trace(problem)
    g = np.round(np.asarray(step["dW1"]).ravel(), 4)
    cells = {f"dW1[1,{i + 1}]": f"{v:.4f}" for i, v in enumerate(g)}
    cells |= {f"W1_new[1,{i + 1}]": f"{w - 5 * v:.4f}" for i, (w, v) in enumerate(zip((0.1, 0.4), g, strict=True))}
    checked = check(problem, cells)
    assert named(checked) == [{"update.wrong_rate"}]
    assert "eta = 5 " in checked.causes[0].facts["given"]


def test_a_learning_rate_of_one_layer_alone_is_told_as_that() -> None:
    """Ten times too large for W1, right for W2: a line of the update, no given number."""
    layers = layer("sigmoid", [[0.3, -0.4]]), layer("identity", [[0.7]])
    problem = net(*layers, samples=[sample([0.9, -1.3], [0.25])], eta=0.5)
    step = trace(problem)
    w1, w2 = (np.asarray(step[name]) for name in ("dW1", "W2_new"))
    cells = {"dW1": w1, "W2_new": w2, "W1_new": np.array([[0.3, -0.4]]) - 5 * w1}
    (found,) = named(check(problem, cells))
    assert {name.partition("[")[0] for name in found} == {"equation.power_of_ten"}


def test_the_raw_error_handed_to_every_hidden_unit() -> None:
    """delta1 = (y - t) h'(a1), without the slope above and without the weights."""
    problem = net(
        layer("sigmoid", [[0.3, -0.4], [0.2, 0.6]], [0.1, 0.2]),
        layer("sigmoid", [[0.7, -0.5]], [0.05]),
        samples=[sample([0.9, -1.3], [0.25])],
    )
    (found,) = named(check(problem, sheet("delta1[1] = 0.06924, delta1[2] = 0.08062")))
    assert {name.partition("[")[0] for name in found} == {"equation.error_handed_on"}


def test_a_point_moved_is_seen_in_the_last_place_that_is_left() -> None:
    """0.05284 for 0.52844, which with its point in place is 0.5284."""
    text = "delta1[1] = -0.07239, W1_new[1,1] = 6.181, W1_new[1,2] = -0.3910"
    assert named(check(TWO_INPUTS, sheet(text))) == [{"pen.decimal_point"}]
    text = "delta1[1] = -0.07239, W1_new[1,1] = 0.06181, W1_new[1,2] = -0.3910"
    assert named(check(TWO_INPUTS, sheet(text))) == [{"pen.decimal_point"}]


def test_a_slip_of_one_step_is_tried_in_that_step() -> None:
    """v = mu (v - eta g) in the second step alone, the first worked right."""
    problem = {
        "network": {
            "loss": "half_squared_error",
            "layers": [layer("tanh", [[0.3, -0.3], [-0.6, 0.4]], [0.7, -0.5]), layer("sigmoid", [[-0.9, -0.6]], [0.4])],
        },
        "samples": [sample([0.44, -0.12], [0]), sample([0.73, 0.07], [1])],
        "training": {"learning_rate": 0.2, "optimizer": "momentum", "momentum": 0.9, "samples": "in_turn"},
    }
    text = (
        "z1[1] = 0.7004, z1[2] = -0.6707, z2[1] = 0.5429, delta2[1] = 0.1347, delta1[1] = -0.06176, "
        "delta1[2] = -0.04446, z1[1]#2 = 0.7231, z1[2]#2 = -0.7155, z2[1]#2 = 0.5312, delta2[1]#2 = -0.1167, "
        "delta1[1]#2 = 0.05116, "
        "W2_new[1,1] = -0.9189, W2_new[1,2] = -0.5819, W1_new[1,1] = 0.3054, W1_new[1,2] = -0.3015, "
        "W1_new[2,1] = -0.5961, W1_new[2,2] = 0.3989, W2_new[1,1]#2 = -0.9207, W2_new[1,2]#2 = -0.5807, "
        "W1_new[1,1]#2 = 0.3036, W1_new[1,2]#2 = -0.3035, W1_new[2,1]#2 = -0.5969, W1_new[2,2]#2 = 0.3975"
    )
    assert named(check(problem, sheet(text))) == [{"velocity.mu_on_gradient"}]


# --- what explains nothing ---

POLE = net(layer("sigmoid", [[1, -1]]), samples=[sample([1, 1], [1])])
JUMP = net(layer("sigmoid", [[1, 0.5]]), layer("sigmoid", [[1]], [-1]), samples=[sample([1, 1], [1])])
NEGATIVE_SUM = net(
    layer("relu", [[0.5, -0.2], [0.3, 0.4], [-0.6, 0.1]]),
    layer("softmax", [[0.2, -0.3, 0.4], [-0.5, 0.1, 0.6]]),
    samples=[sample([1, 0.5], [1, 0]), sample([0.3, -0.8], [0, 1])],
    loss="squared_error",
)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        *((POLE, f"z1[1] = {v}") for v in (12.5, 0.31, -4.21)),
        *((JUMP, f"dW2[1,1] = {v}") for v in (-0.777, -0.2345)),
        (NEGATIVE_SUM, "z2[1]@1 = 0.4123456789, z2[1]@2 = 0.4567891234"),
    ],
)
def test_a_pole_or_a_jump_explains_nothing(problem: Problem, text: str) -> None:
    """1/(1 - exp(-a)) gives any number at 0, a step any between its sides, a share any where the sum may be 0."""
    assert named(check(problem, sheet(text))) == [set()]


BATCH = net(
    layer("tanh", [[0.3, -0.4], [0.2, 0.6]], [0.1, 0.2]),
    layer("identity", [[0.7, -0.5]], [0.05]),
    samples=[sample([0.9, -1.3], [0.25]), sample([-0.4, 0.7], [0.5]), sample([1.1, 0.2], [-0.3])],
    reduction="mean",
)


def test_a_cause_is_as_narrow_as_its_cells() -> None:
    """db1 four times too large is no factor of the loss; weights summed and biases averaged are no learning rate."""
    step = trace(BATCH)
    right = {
        name: np.asarray(step[name]) for name in ("dW1", "db1", "dW2", "db2", "W1_new", "b1_new", "W2_new", "b2_new")
    }
    found = check(BATCH, {**{k: right[k] for k in ("dW1", "dW2", "db2")}, "db1": 4 * right["db1"]})
    assert named(found) == [set()]
    new = {
        "W1_new": np.array([[0.3, -0.4], [0.2, 0.6]]) - 0.3 * right["dW1"],
        "W2_new": np.array([[0.7, -0.5]]) - 0.3 * right["dW2"],
    }
    found = check(BATCH, {**new, "b1_new": right["b1_new"], "b2_new": right["b2_new"]})
    assert named(found) == [{"batch.sum_for_mean[W]"}]


def test_right_cells_narrow_the_alternatives() -> None:
    """dW2 = (y - t) z1 beside a right dW1: no wrong slope, which would have made that wrong."""
    problem = net(
        layer("sigmoid", [[0.3, -0.4], [0.2, 0.6]], [0.1, 0.2]),
        layer("sigmoid", [[0.7, -0.5]], [0.05]),
        samples=[sample([0.9, -1.3], [0.25])],
    )
    step = trace(problem)
    z1, z2 = np.asarray(step["z1"]), np.asarray(step["z2"])
    cells = {"z1": z1, "z2": z2, "dW1": np.asarray(step["dW1"]), "dW2": ((z2 - 0.25) * z1)[None]}
    assert named(check(problem, cells)) == [{"weight_gradient.signal_for_delta"}]


# --- slips that people told of ---


def test_every_prediction_minus_every_target() -> None:
    """(N,) minus (N, 1) in numpy: an N x N matrix, of which the bias sees nothing."""
    problem = net(
        layer("identity", [[0.5, -1]], [0.1]),
        samples=[sample([1, 2], [1]), sample([2, -1], [3]), sample([0, 1], [-2])],
        loss="mean_squared_error",
        reduction="mean",
    )
    X, t = np.array([[1, 2], [2, -1], [0, 1.0]]), np.array([1, 3, -2.0])
    y = X @ np.array([0.5, -1]) + 0.1
    every = y[:, None] - t[None]
    cells = {"E": float((every**2).mean()), "dW1": [(2 * every.mean(axis=1) @ X / 3).tolist()]}
    checked = check(problem, {**cells, "db1": np.asarray(trace(problem)["db1"])})
    assert named(checked) == [{"loss_parts.every_target"}]


def test_one_activation_used_twice() -> None:
    """w5 h1 + w6 h1."""
    problem = net(
        layer("sigmoid", [[0.15, 0.2], [0.25, 0.3]], [0.35, 0.35]),
        layer("sigmoid", [[0.4, 0.45], [0.5, 0.55]], [0.6, 0.6]),
        samples=[sample([0.05, 0.1], [0.01, 0.99])],
        eta=0.5,
    )
    z1 = np.asarray(trace(problem)["z1"])
    checked = check(problem, {"z1": z1, "a2[1]": str(0.85 * z1[0] + 0.6)})
    assert named(checked) == [{"pre_activation.one_input_for_all[1]"}]


def test_both_corrections_of_adam_multiplied() -> None:
    """Where the new weights alone are on the sheet."""
    problem = net(
        layer("identity", [[0.5, -1]], [0.1]), samples=[sample([1, 2], [1])],
        optimizer="adam", beta1=0.9, beta2=0.999, epsilon=1e-8,
    )  # fmt: skip
    g = np.asarray(trace(problem)["dW1"])
    new = np.array([[0.5, -1]]) - 0.1 * (0.1 * g * 0.1) / (np.sqrt(0.001 * g * g * 0.001) + 1e-8)
    assert named(check(problem, {"W1_new": new})) == [{"first_hat.both_multiplied"}]
