r"""Rows of published pages that are about other networks: not checked or true, never false; planted twins are told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.test_tracer.test_solutions import network
from tracer import load
from tracer.answers.solutions.solution import check_solution

SIGMOIDS = network("sigmoid", "sigmoid", bias=True)


def verdicts(problem: Any, text: str, notation: str | None = None) -> list[str]:
    """The verdict on each relation, with `?` before the reason of one that is not checked."""
    found = [r.verdict for r in check_solution(problem, text, notation=notation).relations]
    return [f"?{v.message}" if "not checked" in v.message else v.verdict for v in found]


def chain(activation: str) -> Any:
    """Two single units with binary cross-entropy and target 0."""
    layers = [{"activation": f, "W": [["0.5"]]} for f in (activation, "sigmoid")]
    sample = {"x": ["1"], "t": ["0"]}
    mapping = {"network": {"loss": "binary_cross_entropy", "layers": layers}, "samples": [sample]}
    return load({**mapping, "training": {"learning_rate": "0.1"}})


def test_other_functions_may_be_listed() -> None:
    """The definition of tanh and its derivative beside this network's; a slip in either is false."""
    text = r"""
$$f(z) = \frac{1}{1+\exp(-z)}$$
$$f(z) = \tanh(z)$$
$$f'(z) = 1 - (f(z))^2$$
$$f(x) = \frac{1}{x}$$
"""
    right, *others = verdicts(SIGMOIDS, text)
    assert right == "true"
    assert others[:2] == ["?not checked: f is tanh here, none of the functions of this network"] * 2
    assert others[2].startswith("?not checked")
    assert verdicts(SIGMOIDS, text.replace(r"\tanh(z)", r"\tanh(2z)"))[1] == "false"
    assert verdicts(SIGMOIDS, text.replace("1 - (f", "1 + (f"))[2] == "false"
    assert verdicts(SIGMOIDS, text.replace(r"$$f(z) = \tanh(z)$$", ""))[1] == "false"  # f is the sigmoid then


def test_another_loss_may_be_defined() -> None:
    """What follows from it is not checked either; without the definition it is false."""
    loss = r"$$C = -\sum_k [y_k \ln a^2_k + (1-y_k) \ln(1-a^2_k)]$$"
    delta = r"$$\delta^2_k = a^2_k - y_k$$"
    why = "not checked: it is of the loss binary_cross_entropy, and this network has half_squared_error"
    assert verdicts(SIGMOIDS, f"{loss}\n\n{delta}", "nielsen") == [f"?{why}", f"?for k = 1: {why}"]
    assert verdicts(SIGMOIDS, delta, "nielsen") == ["false"]
    assert verdicts(SIGMOIDS, f"{loss}\n\n{delta}".replace("a^2_k - y", "a^2_k + y"), "nielsen")[1] == "false"
    assert verdicts(SIGMOIDS, loss.replace(r"+ (1-y", "- (1-y"), "nielsen") == ["false"]


def test_targets_and_slopes_may_be_put_in() -> None:
    """With t = 0 one term of the loss is left; the slope of a unit at work is 1."""
    loss = r"$$L = -\log(1 - z^{(2)}_1)$$"
    step = r"$$\frac{\partial L}{\partial a^{(1)}_1} = \frac{\partial L}{\partial z^{(1)}_1} \cdot 1$$"
    assert verdicts(chain("relu"), f"{loss}\n\n{step}", "bishop") == ["true", "true"]
    assert verdicts(chain("relu"), loss.replace("1 - z", "1 + z"), "bishop") == ["false"]
    assert verdicts(chain("relu"), step.replace("dot 1", "dot 0"), "bishop") == ["false"]
    assert verdicts(chain("sigmoid"), step, "bishop") == ["false"]
    loss_by_weight = step.replace("a^{(1)}_1}", "w^{(1)}_{11}}", 1)  # x = 1 makes it so by chance
    assert verdicts(chain("relu"), loss_by_weight.replace(r" \cdot 1", ""), "bishop") == ["false"]


BIASLESS = r"$$a_j^{(2)} = \sum_i w_{ji}^{(2)} z_i^{(1)}$$"
NAMED = r"$$dZ^{[1]} = (W^{[2]})^T dZ^{[2]} \odot \text{ReLU}'(Z^{[1]})$$"
SIGNED = "$$\\frac{\\partial E}{\\partial w_{11}^{(2)}} = %s\\delta_1^{(2)} z_1^{(1)}$$"
BOTH = f"{SIGNED % ''}\n\n{SIGNED % '-'}"


@pytest.mark.parametrize(
    ("text", "notation", "why", "wrong"),
    [
        (BIASLESS, "bishop", "leaves the biases out", f"{BIASLESS}\n\n$$b_1^{{(1)}} = 0.1$$"),
        (BIASLESS, "bishop", "leaves the biases out", BIASLESS.replace("w_{ji}", "w_{ij}")),
        (NAMED, "ng", "relu is none of the functions", NAMED.replace("ReLU", "Sigmoid").replace("^T dZ", "^T A")),
        (BOTH, "bishop", "error signals of the other sign", SIGNED % "-"),
        (BOTH, "bishop", "error signals of the other sign", BOTH.replace("-\\delta_1", "-\\delta_2")),
    ],
)
def test_what_holds_in_another_network_is_not_checked(text: str, notation: str, why: str, wrong: str) -> None:
    """And the reason is told; the same row with a slip, or where the document says otherwise, is false."""
    found = verdicts(SIGMOIDS, text, notation)
    assert why in found[-1]
    assert "false" not in found
    assert "false" in verdicts(SIGMOIDS, wrong, notation)


def test_a_unit_of_its_own_function_is_checked() -> None:
    """tanh of one unit's number, in a network of sigmoids, is a slip and no general statement."""
    assert verdicts(SIGMOIDS, r"$$z_1^{(1)} = \tanh(a_1^{(1)})$$", "bishop") == ["false"]


@pytest.mark.parametrize(
    ("problem", "notation", "right", "wrong"),
    [
        (
            network("sigmoid", "sigmoid", single=True),
            "bishop",
            r"E = \frac{1}{2N} \sum_{i=1}^N (\hat{y}_i - t_i)^2",
            r"E = \frac{1}{2N} \sum_{i=1}^N (\hat{y}_i + t_i)^2",
        ),
        (SIGMOIDS, "bishop", r"0.574 \cdot (1 - 0.574) \approx 0.244", r"0.574 \cdot (1 - 0.574) \approx 0.243"),
        (
            network("tanh", "sigmoid", bias=True),
            "nielsen",
            r"a^{l}_j = \sigma(\sum_k w^{l}_{jk} a^{l-1}_k + b^l_j)",
            r"a^{l}_j = \sigma(\sum_k w^{l}_{jk} a^{l-1}_k - b^l_j)",
        ),
        (
            SIGMOIDS,
            "bishop",
            r"\delta_j^{(1)} = g^{\prime}(a_j^{(1)}) \sum_k w_{kj}^{(2)} \delta_k^{(2)}",
            r"\delta_j^{(1)} = g^{\prime}(a_j^{(1)}) \sum_k w_{jk}^{(2)} \delta_k^{(2)}",
        ),
    ],
)
def test_conventions_of_pages_are_true_of_the_network(problem: Any, notation: str, right: str, wrong: str) -> None:
    """Sums over samples, numbers rounded unseen, one letter for each layer's function, primes as commands."""
    assert verdicts(problem, f"$${right}$$", notation)[0] in ("true", "within")
    assert verdicts(problem, f"$${wrong}$$", notation) == ["false"]


def test_arrays_of_other_sizes_are_not_compared() -> None:
    """E of one output, on a page about one output: of two it is no number."""
    (found,) = check_solution(SIGMOIDS, r"$$E = \frac{1}{2}(z^{(2)} - t)^2$$", notation="bishop").relations
    assert (found.verdict.verdict, found.verdict.message) == (
        "unread",
        "one side is a number, the other an array of 2 numbers",
    )


SQUARES = r"$$E = \sum_k (y_k - t_k)^2$$"
HALVES = SQUARES.replace(r"\sum", r"\frac{1}{2} \sum")
SIGNAL = r"$$\delta_k^{(2)} = y_k - t_k$$"
HAND = load("hand-3-2-2")


def test_a_factor_dropped_from_the_loss_is_a_slip() -> None:
    """Where nothing else is worked with that loss; its number follows from it, the right page stays right."""
    (first, *_) = check_solution(HAND, f"{SQUARES}\n\n{SIGNAL}").relations
    assert first.verdict.verdict == "false"
    assert first.verdict.message.endswith("has half_squared_error, E = 1/2 sum_k (y[k] - t[k])^2")
    assert check_solution(HAND, f"{HALVES}\n\n{SIGNAL}").all_right
    number = SQUARES.replace("2$$", r"2 \approx 20.85$$")
    *_, last = check_solution(HAND, number).relations
    assert last.verdict.message == "follows from the slip before it in this row; the right number is 10.43"


def test_a_solution_may_work_with_another_loss_to_the_end() -> None:
    """Its rows are not checked, its numbers follow, the whole is remarked; with that loss it is right."""
    text = f"{SQUARES}\n\n{SIGNAL}".replace("= y_k -", "= 2(y_k -").replace("t_k$$", "t_k)$$")
    text += "\n\n" + r"$$\delta_1^{(2)} = 2(y_1 - t_1) = 4.365$$"
    solution = check_solution(HAND, text)
    assert "it works with the loss squared_error" in solution.remarks[-1]
    assert {r.verdict.verdict for r in solution.relations} == {"unread", "follows"}
    assert solution.relations[-1].verdict.message.startswith("follows from the other loss before it in this row")
    layers = [{"activation": f, "W": w} for f, w in (("sigmoid", HAND_W[0]), ("identity", HAND_W[1]))]
    mapping = {"network": {"loss": "squared_error", "layers": layers}, "samples": [{"x": [1, 2, 3], "t": [0, 1]}]}
    assert check_solution(load({**mapping, "training": {"learning_rate": 0.1}}), text).all_right
    assert not check_solution(HAND, f"{HALVES}\n\n{SQUARES}\n\n{SIGNAL}").count("false")  # another one beside its own


HAND_W = ([[0.1, 0.1, 0.1], [0.2, 0.2, 0.2]], [[1, 2], [3, 4]])
