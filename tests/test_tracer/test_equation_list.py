"""`bptrace equations`: the list that a problem stands for, in every format, and read back by the language."""

from __future__ import annotations

import json
from typing import Any

import pytest

from derivations.language import read
from derivations.layers import layered
from tracer import load
from tracer.cli import main
from tracer.show.equation_list import FORMATS, EquationList

SAMPLES = ("hand-3-2-2", "softmax-xor", "sigmoid-xor", "shared-bias-2-2-2", "threshold-xor", "middle-layer")

HAND = """\
Forward
  a1[j]     = Σ_i W1[j,i]·x[i]
  z1[j]     = sigmoid(a1[j])
  a2[k]     = Σ_j W2[k,j]·z1[j]
  z2[k]     = identity(a2[k])
  E_part[k] = (z2[k] - t[k])²/2
  E         = Σ_k E_part[k]

Backward
  dz2[k]    = z2[k] - t[k]
  slope2[k] = 1
  delta2[k] = slope2[k]·dz2[k]
  dW2[k,j]  = delta2[k]·z1[j]
  dz1[j]    = Σ_k W2[k,j]·delta2[k]
  slope1[j] = z1[j]·(1 - z1[j])
  delta1[j] = slope1[j]·dz1[j]
  dW1[j,i]  = delta1[j]·x[i]
  dz0[i]    = Σ_j W1[j,i]·delta1[j]

Update
  W2_new[k,j] = W2[k,j] - eta·dW2[k,j]
  W1_new[j,i] = W1[j,i] - eta·dW1[j,i]"""


def test_the_hand_calculation_as_general_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Forward, backward and update apart, each array once, its letters said."""
    assert main(["equations", "hand-3-2-2"]) == 0
    out = capsys.readouterr().out
    assert out.endswith(HAND + "\n")
    assert "i = 1..3, j = 1..2, k = 1..2" in out


def test_of_a_mean_the_loss_of_the_signals_is_said() -> None:
    """delta is of each sample's own loss; the 1/N comes in where a gradient sums."""
    shown = EquationList(load("softmax-xor"))
    assert "derivatives of each sample's own loss" in str(shown).replace("\n", " ")
    assert "dW2[k,j]    = (Σ_n delta2[k,n]·z1[j,n])/|n|" in str(shown)
    assert r"\frac{\partial E_{n}}{\partial z_{kn}^{(2)}}" in shown.render("latex")


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_forward_lines_are_read_back(sample: str) -> None:
    """What is printed of several samples is what the language reads, equation for equation."""
    own = EquationList(load(sample))
    own.text.unwritten = frozenset()
    forward = [e for e in own.step.equations if e.stage == "forward"]
    again = read("\n".join(own.text.equation(e) for e in forward)).equations
    assert [own.text.equation(e) for e in again] == [own.text.equation(e) for e in forward]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_equation_stands_in_every_format(sample: str, form: str) -> None:
    """One line an equation, and no name of the inside of the program."""
    shown = EquationList(load(sample)).render(form)
    assert "Ref(" not in shown
    assert "Index(" not in shown
    if form == "latex":
        assert shown.count("&=") == len(EquationList(load(sample)).step.equations)


def test_json_says_what_each_array_is() -> None:
    """Roles, extents, of what it is the derivative."""
    whole: dict[str, Any] = json.loads(EquationList(load("hand-3-2-2")).render("json"))
    assert whole["schema"] == "bptrace/equations-1"
    arrays = {a["name"]: a for a in whole["arrays"]}
    assert arrays["dW1"] == {
        "name": "dW1",
        "role": "gradient",
        "axes": [[1, 2], [1, 3]],
        "of": "W1",
        "meaning": "dE/dW1",
    }
    assert (arrays["delta1"]["role"], arrays["delta1"]["of"]) == ("signal", "a1")
    assert [e["name"] for e in whole["equations"]] == [e.left.name for e in layered(load("hand-3-2-2")).step.equations]


def test_an_unknown_format_is_an_error(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """An ending that says no format is refused in one line, and nothing is written."""
    target = tmp_path / "x.csv"
    assert main(["equations", "hand-3-2-2", "-o", str(target)]) == 2
    assert not target.exists()
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
