r"""Problem files from solutions with lines missing, shuffled or contradictory: nothing stands in a wrong place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_tracer.test_solutions import BACKWARD, FORWARD
from tracer.answers.solutions.proposing import Proposal, propose
from tracer.cli import main
from tracer.problem import loads

INPUTS = r"$$x_1 = 1$$ $$x_2 = 2$$"
FORMULA = r"$$a_1^{(1)} = w_{11}^{(1)} x_1 + w_{12}^{(1)} x_2 = %s$$"
WEIGHT_FIRST, INPUT_FIRST = r"0.1 \cdot 1 + 0.3 \cdot 2 = 0.7", r"1 \cdot 0.1 + 2 \cdot 0.3 = 0.7"
PAIRS = {"w_{12}^{(1)}": "0.3", "w_{21}^{(1)}": "0.4"}


def weights(proposal: Proposal, layer: int = 1) -> list[list[float]]:
    """The weights that stand in the file."""
    found: list[list[float]] = loads(proposal.text).network.layer(layer).W.floats.tolist()
    return found


def test_weights_of_which_some_lines_are_missing() -> None:
    """Only w_12 and w_21 are given: they have their places, the others are named beside theirs."""
    lines = "\n\n".join(f"$${name} = {number}$$" for name, number in PAIRS.items())
    for text in (f"{lines}\n\n{INPUTS}", f"{INPUTS}\n\n{lines}"):
        proposal = propose(text)
        assert weights(proposal) == [[0, 0.3], [0.4, 0]]
        assert {"W1[1,1]", "W1[2,2]"} <= set(proposal.missing)
        assert "[0, 0.3],  # not found: W1[1,1]" in proposal.text
        assert "[0.4, 0],  # not found: W1[2,2]" in proposal.text


def test_inputs_that_are_left_out() -> None:
    """x_2 is not found, x_3 stays the third."""
    proposal = propose(r"$$x_1 = 1, x_3 = 3$$ $$w_{11}^{(1)} = 0.1$$ $$w_{13}^{(1)} = 0.5$$")
    assert "x = [1, 0, 3]  # not found: x[2]" in proposal.text
    assert "[0.1, 0, 0.5],  # not found: W1[1,2]" in proposal.text


def test_lines_that_contradict_each_other_are_told() -> None:
    """The first counts; of numbers that stand together none is taken where one contradicts."""
    proposal = propose(rf"$$w_{{11}}^{{(1)}} = 0.1$$ {INPUTS}" "\n\n" r"$$w_{11}^{(1)} = 0.2$$")
    assert "the first counts: W1[1,1] is 0.1 in line 1, 0.2 in line 3" in proposal.notes
    together = propose(f"{INPUTS} $$w_{{11}}^{{(1)}} = 0.5$$\n\n{FORMULA % WEIGHT_FIRST}")
    assert weights(together) == [[0.5, 0]]
    assert "W1[1,2]" in together.missing


def test_numbers_may_stand_input_first() -> None:
    """`x w` for a formula `w x`, where the inputs are stated; they are not taken for weights."""
    assert weights(propose(f"{INPUTS}\n\n{FORMULA % INPUT_FIRST}")) == [[0.1, 0.3]]


@pytest.mark.parametrize(
    "update",
    [
        r"$$w_{11}^{(1)} \leftarrow w_{11}^{(1)} - \eta \frac{\partial E}{\partial w_{11}^{(1)}} = 0.859$$",
        r"$$w_{11}^{(1)} = w_{11}^{(1)} - 0.1 \cdot 2 = 0.859$$",
        r"$$w_{11}^{(1)} = 1 - 0.1 \cdot 1.41 = 0.859$$",
    ],
)
def test_a_weight_after_its_update_is_not_the_weight(update: str) -> None:
    """It is not found, not 0.859."""
    proposal = propose(f"{INPUTS} $$w_{{12}}^{{(1)}} = 0.3$$ {update}")
    assert weights(proposal) == [[0, 0.3]]
    assert "W1[1,1]" in proposal.missing


W_BY_UNITS = r"$$W^{(1)} = \begin{pmatrix} 0.1 & 0.3 & 0.5 \\ 0.2 & 0.4 & 0.6 \end{pmatrix}$$ $$x = (1, 2, 3)^T$$"
W_BY_INPUTS = W_BY_UNITS.replace(r"0.1 & 0.3 & 0.5 \\ 0.2 & 0.4 & 0.6", r"0.1 & 0.2 \\ 0.3 & 0.4 \\ 0.5 & 0.6")


@pytest.mark.parametrize(("text", "order"), [(W_BY_UNITS, "to one unit"), (W_BY_INPUTS, "from one input")])
def test_whole_matrices_and_their_direction(text: str, order: str) -> None:
    """Sizes come from arrays too; which way a matrix is written is seen from the inputs, and stated."""
    proposal = propose(text)
    assert weights(proposal) == [[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]
    assert any(order in note for note in proposal.notes)


def test_a_matrix_that_fits_in_no_direction_is_not_placed() -> None:
    """It is told with its shape, and its weights are missing."""
    proposal = propose(W_BY_UNITS.replace("(1, 2, 3)^T", "(1, 2, 3, 4)^T") + r" $$z_1^{(1)} = h(a_1^{(1)})$$")
    assert "not placed: W^{(1)} in line 1, 2 by 3 numbers where 2 by 4 are meant" in proposal.notes
    assert {"W1[1,1]", "W1[2,4]"} <= set(proposal.missing)


def test_names_that_are_not_known_are_told() -> None:
    """v_1 is no weight in any of the notations."""
    proposal = propose(rf"{INPUTS} $$w_{{11}} = 0.1$$ $$w_{{12}} = 0.2$$ $$v_1 = 0.5$$")
    assert "not placed: v_1 in line 1, a name that is not known" in proposal.notes


def test_indices_from_input_to_unit_are_seen_in_the_sums() -> None:
    """w_{21} x_2 in the sum of unit 1: from 2 to 1."""
    text = FORMULA.replace("w_{12}", "w_{21}") % WEIGHT_FIRST
    second = r"$$a_2^{(1)} = w_{12}^{(1)} x_1 + w_{22}^{(1)} x_2 = 0.2 \cdot 1 + 0.4 \cdot 2 = 1.0$$"
    proposal = propose(f"{text}\n\n{second}")
    assert weights(proposal) == [[0.1, 0.3], [0.2, 0.4]]
    assert any("from unit 1 to unit 2" in note for note in proposal.notes)


def test_letters_that_fit_two_notations_leave_the_activation_open() -> None:
    """z_1 = w x + b: a pre-activation, or an activation of a unit that has none."""
    text = r"$$z^1_1 = w^1_{11} x_1 + w^1_{12} x_2 + b^1_1 = 0.1 \cdot 1 + 0.2 \cdot 2 + 0.5 = 1.0$$ $$w^2_{11} = 0.7$$"
    proposal = propose(text)
    assert any("alike" in note for note in proposal.notes)
    assert "the activation of layer 1" in proposal.missing


ROWS = [row for row in (FORWARD + BACKWARD).splitlines() if "&=&" in row and not row.startswith("&") and "{(1)}" in row]


@pytest.mark.parametrize("left_out", range(len(ROWS)))
def test_any_row_may_be_missing(left_out: int) -> None:
    """Whatever is found stands where the whole solution has it."""
    whole = loads(propose(FORWARD + BACKWARD).text)
    try:
        part = loads(propose((FORWARD + BACKWARD).replace(ROWS[left_out], "")).text)
    except ValueError:
        return
    for l in (1, 2):
        for ours, theirs in zip(part.network.layer(l).W.floats, whole.network.layer(l).W.floats, strict=False):
            assert all(a in (0, b) for a, b in zip(ours, theirs, strict=False))


def test_the_command_tells_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Notes and what is missing on standard error, a line each; no network is an error with what to write."""
    source = tmp_path / "solution.md"
    source.write_text(rf"{INPUTS} $$w_{{11}} = 0.1$$ $$w_{{11}} = 0.2$$", encoding="utf-8")
    assert main(["read", str(source)]) == 0
    out, err = capsys.readouterr()
    assert "the first counts: W1[1,1] is 0.1 in line 1, 0.2 in line 1" in err
    assert re.search(r"^# Note: the first counts", out, re.MULTILINE)
    source.write_text("hello", encoding="utf-8")
    assert main(["read", str(source)]) == 2
    assert "name its weights, such as w_{11}^{(1)} = 0.1" in capsys.readouterr().err
