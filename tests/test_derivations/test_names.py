"""Names: written one way, read in every way people write them."""

import pytest

from derivations.names import KINDS, Quantity, UnknownName, all_names, elements, read_name, resolve, shape, text
from derivations.network import Network
from tracer import load

HAND = load("hand-3-2-2").network


def network(**layer: object) -> Network:
    """A 2-2 network whose only layer has the given fields."""
    return load(
        {
            "network": {"loss": "output", "layers": [{"activation": "tanh", "W": [[1, 2], [3, 4]], **layer}]},
            "samples": [{"x": [1, 1]}],
            "training": {"learning_rate": 1},
        }
    ).network


def test_every_name_that_is_written_is_read_back() -> None:
    """Reading undoes writing, for every quantity of the 3-2-2 and of a thresholded layer."""
    for net in (HAND, network(theta=[1, 2]), network(b=1), network(b=[1, 2])):
        for name in all_names(net):
            assert text(net, read_name(net, 1, name)) == name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("dW1[1,2]", "dW1[1,2]"),
        ("dW1_12", "dW1[1,2]"),
        ("dW1_1_2", "dW1[1,2]"),
        (" dW1[ 1 , 2 ] ", "dW1[1,2]"),
        ("'z1_2'", "z1[2]"),
        ("y[2]", "z2[2]"),
        ("y2", "z2[2]"),
        ("y_2", "z2[2]"),
        ("x1", "x[1]"),
        ("t_2", "t[2]"),
        ("E", "E"),
        ("E1", "E[1]"),
        ("E[2]", "E[2]"),
        ("W2_new[1,1]", "W2_new[1,1]"),
        ("W2_new_11", "W2_new[1,1]"),
        ("W2_11_new", "W2_new[1,1]"),
        ("dz0[3]", "dz0[3]"),
        ("E#2", "E#2"),
    ],
)
def test_spellings(written: str, name: str) -> None:
    """People write a name in many ways; all mean one quantity."""
    assert text(HAND, read_name(HAND, 1, written)) == name


@pytest.mark.parametrize(
    "written",
    ["", "q1[1]", "dW3[1,1]", "dW1[3,1]", "dW1[1]", "a1[0]", "a0[1]", "b1[1]", "z1[1]@2", "E@2", "theta1", "J2[1,1]"],
)
def test_what_the_network_does_not_have_is_refused(written: str) -> None:
    """Unknown letters, layers, indices, samples, biases that are not there."""
    with pytest.raises(UnknownName):
        read_name(HAND, 1, written)


def test_a_near_name_is_offered() -> None:
    """The message says what was probably meant."""
    with pytest.raises(UnknownName, match=r"delta2\[1\]"):
        read_name(HAND, 1, "delta2[3]")


def test_a_whole_array_resolves_to_its_entries_in_reading_order() -> None:
    """`dW1` means all six weights' gradients."""
    assert [text(HAND, q) for q in resolve(HAND, 1, "dW1")][:4] == ["dW1[1,1]", "dW1[1,2]", "dW1[1,3]", "dW1[2,1]"]


def test_bias_forms_have_their_own_letters() -> None:
    """One bias a unit has an index, a shared one has none, a threshold is theta."""
    assert text(network(b=[1, 2]), Quantity("db", 1, (2,))) == "db1[2]"
    assert text(network(b=1), Quantity("b_new", 1)) == "b1_new"
    assert text(network(theta=[1, 2]), Quantity("db", 1, (1,))) == "dtheta1[1]"


def test_elements_have_the_shape_of_the_array() -> None:
    """One quantity for each number, samples as columns."""
    assert elements(HAND, "a", 1, 4).shape == (2, 4)
    assert elements(HAND, "dW", 1, 4).shape == (2, 3)
    assert elements(HAND, "E", 0, 4).shape == ()
    assert elements(HAND, "a", 1, 1)[0, 0] == Quantity("a", 1, (1,))
    assert elements(HAND, "a", 1, 4)[1, 2] == Quantity("a", 1, (2,), 3)


def test_every_kind_has_a_shape() -> None:
    """No kind is forgotten where shapes are told."""
    net = network(b=[1, 2])
    for kind, k in KINDS.items():
        assert isinstance(shape(net, kind, 1 if k.layered else 0), tuple)
