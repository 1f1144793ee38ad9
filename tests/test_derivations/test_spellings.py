"""A name in whatever letters is the one quantity that it means, or is refused."""

from __future__ import annotations

import pytest

from derivations import derive
from derivations.aliases import Meaning
from derivations.names import Quantity, UnknownName, read_name, text
from derivations.notation import NOTATIONS
from derivations.spellings import FROM_ZERO, OURS, Spellings
from tracer import load, verify

HAND, MAZUR = load("hand-3-2-2"), load("shared-bias-2-2-2")


def read(problem, name, notation=None):
    q = Spellings(problem.network, problem.samples, problem.names).read(name, notation).quantity
    return text(problem.network, q)


@pytest.mark.parametrize(
    ("problem", "name", "meant"),
    [
        (MAZUR, "dE/dw1", "dW1[1,1]"),
        (MAZUR, r"\frac{\partial E_{total}}{\partial w_5}", "dW2[1,1]"),
        (MAZUR, "∂E_total/∂out_h1", "dz1[1]"),
        (MAZUR, "w5+", "W2_new[1,1]"),
        (MAZUR, "w5'", "W2_new[1,1]"),
        (HAND, "∂E/∂w_{12}^{(1)}", "dW1[1,2]"),
        (HAND, "dL/dW1", "dW1"),
        (HAND, "W2(1,1)", "W2[1,1]"),
        (HAND, "W2_new[1][2]", "W2_new[1,2]"),
        (HAND, "dE/dW1[2][3]", "dW1[2,3]"),
        (HAND, "learning rate", "eta"),
        (HAND, "δ₁⁽²⁾", "delta2[1]"),
        (HAND, "dz^[1]_2", "delta1[2]"),
        (HAND, r"a^{[1]}_{2}", "z1[2]"),
        (HAND, "dz1[2]", "dz1[2]"),  # the planted twins: without brackets above it is ours
        (HAND, "a_2^(1)", "a1[2]"),
    ],
)
def test_names_in_any_letters(problem, name, meant):
    assert read(problem, name) == meant


def test_a_stated_notation_comes_first():
    assert [read(HAND, "dz2", n) for n in (None, "ng")] == ["dz2", "delta2"]
    assert [read(HAND, "z1", n) for n in (None, "nielsen")] == ["z1", "a1"]


def test_every_profile_says_whether_it_fits():
    spellings = Spellings(HAND.network, 1, HAND.names)
    assert [name for name in (OURS, FROM_ZERO, *NOTATIONS) if not spellings.fits(name)] == ["uy"]
    assert text(HAND.network, spellings.find("dW1[0,2]", FROM_ZERO).quantity) == "dW1[1,3]"
    assert spellings.find("dW1[0,2]") is None


@pytest.mark.parametrize("name", ["nonsense", "z1[1]'", "dE/dnonsense", "dW9[1,1]", "", "dE_o1/dw9", "∂/∂"])
def test_what_is_no_name_is_refused(name):
    """A prime on what has no new value is no quotation mark."""
    with pytest.raises(UnknownName):
        read(MAZUR, name)


def test_the_derivative_of_one_part_of_the_loss_is_not_the_gradient():
    with pytest.raises(UnknownName):
        read(MAZUR, "dE_o1/dw5")


def test_verify_and_derive_read_them():
    right, wrong = {"dE/dw5": "0.08216704"}, {"dE/dw5": "0.08216714"}
    assert verify(MAZUR, right).agrees
    assert verify(MAZUR, wrong).wrong == ("dW2[1,1]",)
    for name, notation in (("dE/dw5", "bishop"), ("w5", "mazur"), ("∂E/∂w_11^(2)", "bishop")):
        told = str(derive(MAZUR, wrt=[name], level="answers", notation=notation))
        assert "∂E/∂w_11^(2) = delta_1^(2)·z_1^(1)" in told
    assert "delta_1^(2)" in str(derive(HAND, wrt=["dz2"], level="answers", notation="ng"))
    with pytest.raises(ValueError, match="choose the sample with --sample"):
        derive(load("softmax-xor"), wrt=["delta1[1]@2"])
    assert read_name(HAND.network, 1, "dz2").kind == "dz"


def test_a_name_of_two_quantities_is_not_guessed(monkeypatch):
    """Where notations disagree and none is stated."""
    readings = {"nielsen": Meaning(Quantity("t", 0, (1,))), "uy": Meaning(Quantity("z", 1, (1,)))}
    monkeypatch.setattr(Spellings, "find", lambda self, written, profile="ours": readings.get(profile))
    with pytest.raises(UnknownName, match=r"'q' may be t\[1\] in nielsen, z1\[1\] in uy; write one of these names"):
        read(HAND, "q")
    assert read(HAND, "q", "nielsen") == "t[1]"
