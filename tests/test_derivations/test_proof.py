"""The proof holds where the derivation is right, and fails where the chain, a line or an entry is wrong."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import mpmath
import pytest
import sympy as sp
from networks import random_problem
from truth import ACTIVATION, Truth, close
from worked import wrong_lines

from derivations import derive, local_check
from derivations.activations import ACTIVATIONS
from derivations.chain_rule import ChainRule
from derivations.expression import Name
from derivations.local_check import Unproved, check_local_derivatives
from derivations.losses import LOSSES
from derivations.names import Quantity
from derivations.network import Problem
from derivations.proof import prove
from derivations.written import Writing
from tracer import load
from tracer.marking.slips.places import hidden, output

SAMPLES = {
    "hand-3-2-2": ("numeric", 10),
    "tanh-xor": ("symbolic", 9),
    "sigmoid-xor": ("symbolic", 9),
    "middle-layer": ("balls", 9),
    "shared-bias-2-2-2": ("numeric", 10),
    "threshold-xor": ("symbolic", 9),
    "softmax-xor": ("numeric", 42),
}
XOR, CLASSES = load("tanh-xor").sample(2), load("softmax-xor").sample(2)


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_sample_is_proved(sample: str) -> None:
    """In the way that its size allows, and the words say which."""
    how, gradients = SAMPLES[sample]
    proof = derive(load(sample)).proof
    assert (proof.how, proof.holds, proof.gradients, proof.wrong) == (how, True, gradients, ())
    assert proof.equations > 2 * gradients
    said = " are symbolically equal" if how == "symbolic" else ", line by line: each line is symbolically equal"
    assert proof.words.startswith(f"Proved: all {gradients} gradients{said}")


@pytest.mark.parametrize("seed", [*range(9), *range(10, 17), 19, 20])
def test_random_problems_are_proved(seed: int) -> None:
    """Every activation, loss and bias form."""
    problem = load(random_problem(seed))
    proof = prove(problem.sample(problem.samples))
    assert proof.holds, proof.words


def eight_units() -> Problem:
    """A network of 8-8-8, too large for sympy to differentiate whole."""
    rows = [[(7 * i + 3 * j) % 11 / 16 - 0.3 for j in range(8)] for i in range(8)]
    layer = {"activation": "tanh", "W": rows, "b": [0.1] * 8}
    network = {"loss": "half_squared_error", "layers": [layer, layer]}
    return load({"network": network, "samples": [{"x": [0.5] * 8, "t": [1] * 8}], "training": {"learning_rate": 1}})


def test_a_large_network_is_proved_in_balls_and_says_so() -> None:
    """Beyond what sympy differentiates whole, the words do not claim that it did."""
    proof = prove(eight_units())
    assert (proof.how, proof.holds, proof.gradients) == ("balls", True, 144)
    assert "the whole loss was not differentiated" in proof.words


# --- planted twins ---


def corrupted(problem: Problem, q: Quantity, by: Any) -> ChainRule:
    chain = ChainRule(problem)
    chain.of[q] = by(chain.of[q])
    return chain


@pytest.mark.parametrize("problem", [XOR, load("hand-3-2-2"), load("middle-layer")], ids=lambda p: p.title[:12])
@pytest.mark.parametrize("kind", ["dW", "delta", "dz"])
def test_a_corrupted_chain_is_caught(problem: Problem, kind: str) -> None:
    """One of sympy's composed derivatives doubled, negated, or off by 1e-40: the proof fails and names it."""
    layer = 1
    q = Quantity(kind, layer, (1, 1) if kind == "dW" else (1,))
    for by in (lambda e: 2 * e, lambda e: -e, lambda e: e + sp.Rational(1, 10**40)):
        proof = prove(problem, corrupted(problem, q, by))
        assert not proof.holds
        assert f"{kind}1[1" in " ".join(proof.wrong)
        assert proof.words.startswith("NOT proved: ")


SLIPS = [
    ("delta", "dz", hidden),
    ("dW", "-right"),
    ("db", "2*right"),
    ("dz_below", "Σ_j W*dz"),
    ("dz", "t - z", output),
    ("slope", "z*(1 - z)"),
    ("a", "Σ_i W*below"),
]


@pytest.mark.parametrize(("kind", "line", "where"), [(kind, line, where) for kind, line, *where in SLIPS])
def test_a_wrong_line_is_caught(kind: str, line: str, where: list[Any]) -> None:
    """Each line of the backward pass replaced by a usual mistake: its equations no longer agree with sympy."""
    proof = prove(XOR, wrong=wrong_lines(XOR, *where, **{kind: line}))
    assert not proof.holds
    assert all(name.startswith(kind.removesuffix("_below")) for name in proof.wrong), proof.wrong


def test_a_wrong_line_of_a_large_network_is_caught_in_balls() -> None:
    """A slope off by a part in 1e-40 leaves the balls of what is worked from it."""
    problem = eight_units()
    proof = prove(problem, wrong=wrong_lines(problem, hidden, slope="right*(1 + 10^-40)"))
    assert (proof.how, proof.holds) == ("balls", False)
    assert {name.split("[")[0] for name in proof.wrong} == {"slope1", "delta1", "dz0", "dW1", "db1"}


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu"])
def test_a_wrong_derivative_in_an_entry_is_caught(name: str) -> None:
    """As a line of the step by the proof; in the entry already by the check that every derivation makes."""
    problem = with_entry(XOR, name)
    proof = prove(problem, wrong=wrong_lines(problem, slope="z*(2 - z) + 3"))
    assert not proof.holds
    assert all(name.startswith("slope") for name in proof.wrong), proof.wrong
    with pytest.raises(Unproved, match=f"derivative of {name}"):
        derive(with_entry(XOR, name, derivative=lambda m, a, z: z * (2 - z) + 3))
    check_local_derivatives(problem)


def with_entry(problem: Problem, name: str, **changes: Any) -> Problem:
    """The problem with this activation, changed, in every layer."""
    f = replace(ACTIVATIONS[name], **changes)
    layers = tuple(replace(layer, activation=f) for layer in problem.network.layers)
    return replace(problem, network=replace(problem.network, layers=layers))


def test_a_wrong_form_jacobian_slope_or_fusion_is_caught() -> None:
    """The other things that an entry states, one by one, by the check that every derivation makes."""
    loss, network = CLASSES.network.loss, CLASSES.network
    fusion = loss.fused["softmax"]
    jacobian = replace(
        network.layers[1], activation=replace(ACTIVATIONS["softmax"], jacobian=lambda m, z: z[:, None] * z)
    )
    cases = [
        (with_entry(XOR, "tanh", forms=(lambda m, a: 2 / m.square(m.exp(a) + m.exp(-a)),)), "derivative of tanh"),
        (changed(loss=replace(loss, slope=lambda m, y, t: t / y)), "derivative of cross_entropy"),
        (changed(layers=(network.layers[0], jacobian)), "Jacobian of softmax"),
        (changed(loss=with_fusion(replace(fusion, delta=lambda m, y, t: t - y))), "delta of cross_entropy"),
        (changed(loss=with_fusion(replace(fusion, steps=lambda y, t, k: [y[k] + t[k]]))), "delta of cross_entropy"),
    ]
    for problem, words in cases:
        with pytest.raises(Unproved, match=words):
            check_local_derivatives(problem)
    check_local_derivatives(CLASSES)


def changed(**changes: Any) -> Problem:
    return replace(CLASSES, network=replace(CLASSES.network, **changes))


def with_fusion(fusion: Any) -> Any:
    return replace(CLASSES.network.loss, fused=MappingProxyType({"softmax": fusion}))


def test_a_wrong_line_on_the_way_to_the_special_result_is_caught() -> None:
    """The proof reads those lines too, and says on which output and line."""
    loss = with_fusion(replace(CLASSES.network.loss.fused["softmax"], steps=lambda y, t, k: [y[k] - 2 * t[k]]))
    proof = prove(replace(CLASSES, network=replace(CLASSES.network, loss=loss)))
    assert not proof.holds
    assert set(proof.wrong) <= {"delta2[1], line 1", "delta2[2], line 1"}


# --- special results ---


@pytest.mark.parametrize("name", [f.name for f in ACTIVATIONS.values() if f.elementwise])
def test_every_form_of_a_derivative_is_the_derivative(name: str) -> None:
    """h'(a) and the other forms an entry knows it by, at 50 digits, against differences of a value stated elsewhere."""
    f, m, a, z = ACTIVATIONS[name], Writing(), Name(Quantity("a")), Name(Quantity("z"))
    calculator, h = Truth(XOR), ACTIVATION[name]
    with mpmath.workdps(130):
        step = mpmath.mpf(10) ** -40
        for place in ("-7.3", "-1.19", "-0.02", "0.31", "0.83", "5.9"):
            at = mpmath.mpf(place)
            wanted, known = (h(at + step) - h(at - step)) / (2 * step), {"a": at, "z": h(at)}
            assert f.derivative is not None
            for form in (f.derivative(m, a, z), *(form(m, a) for form in f.forms)):
                assert close(wanted, calculator.value(form, lambda q, known=known: known[q.kind])), (name, place)


def test_special_results_are_there_to_be_shown() -> None:
    """sigmoid' and tanh' have two forms; softmax and sigmoid have their fusions, with the lines that lead there."""
    assert len(ACTIVATIONS["sigmoid"].forms) >= 1
    assert len(ACTIVATIONS["tanh"].forms) >= 1
    assert LOSSES["cross_entropy"].fused.keys() == {"softmax"}
    assert LOSSES["binary_cross_entropy"].fused.keys() == {"sigmoid"}
    delta = next(c for p in derive(CLASSES).parts for c in p.chains if c.quantity == Quantity("delta", 2, (1,)))
    assert [line.rule for line in delta.lines] == [
        "signal",
        "paths",
        "differentiated",
        "cancelled",
        "collected",
        "targets",
    ]


def test_the_check_is_made_once_for_each_entry() -> None:
    """What has been checked is remembered, so that a hundred derivations cost no more than one."""
    local_check._check_slope.cache_clear()
    for _ in range(3):
        derive(XOR, level="answers")
    info = local_check._check_slope.cache_info()
    assert (info.misses, info.hits) == (1, 2)
