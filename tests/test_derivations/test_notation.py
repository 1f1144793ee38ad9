"""Notation profiles: where a profile can write a network, no two quantities are written alike; elsewhere it says so."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest
from networks import random_problem

from derivations import names
from derivations.formulas import equations
from derivations.names import KINDS, Quantity
from derivations.network import Problem
from derivations.notation import NOTATIONS, Notation, NotationError, notation_of, plain
from tracer import load

SAMPLES = (
    "hand-3-2-2",
    "tanh-xor",
    "classifier-3-3-3",
    "softmax-xor",
    "middle-layer",
    "shared-bias-2-2-2",
    "sigmoid-xor",
)


def quantities(problem: Problem) -> list[Quantity]:
    """Every quantity of the step of a problem's own sample."""
    own = problem.sample(1) if problem.samples > 1 else problem
    places = [("x", 0), ("t", 0), *(("W", l) for l, _ in own.network)]
    places += [("b", l) for l, layer in own.network if layer.bias]
    given = [q for kind, l in places for q in names.elements(own.network, kind, l, 1).flat]
    return list(dict.fromkeys([*given, *(e.quantity for e in equations(own))]))


def doubles(problem: Problem, notation: Notation) -> dict[str, list[str]]:
    """What is written alike although it is not the same."""
    network = problem.network
    written = defaultdict(set)
    for q in quantities(problem):
        written[notation.latex(network, q)].add(names.text(network, q))
    same = ({"E", "E[1]"}, {"dz0[1]"})
    return {latex: sorted(own) for latex, own in written.items() if len(own) > 1 and own not in same}


def stated(problem: Problem) -> list[str]:
    """The profiles that can write a network."""
    out = []
    for name in NOTATIONS:
        try:
            notation_of(problem, name)
        except NotationError:
            continue
        out.append(name)
    return out


def problem_of(sizes: list[int], bias: Any = None, **more: Any) -> Problem:
    """A sigmoid network of ones."""
    layers = []
    for below, above in pairwise(sizes):
        layer = {"activation": "sigmoid", "W": [[1] * below] * above}
        layers.append(layer | ({"b": [0] * above} if bias == "own" else {"b": 0} if bias == "shared" else {}))
    return load(
        {
            "title": "ones",
            "network": {"loss": "half_squared_error", "layers": layers},
            "samples": [{"x": [1] * sizes[0], "t": [0] * sizes[-1]}],
            "training": {"learning_rate": 0.1},
            **more,
        }
    )


@pytest.mark.parametrize("sample", SAMPLES)
def test_on_the_samples_writing_is_injective(sample: str) -> None:
    """In each profile that can write the network."""
    problem = load(sample)
    for name in stated(problem):
        assert doubles(problem, notation_of(problem, name)) == {}, name


@pytest.mark.parametrize("seed", range(40))
def test_on_random_networks_writing_is_injective(seed: int) -> None:
    """Every activation, loss, bias form and optimizer."""
    problem = load(random_problem(seed))
    for name in stated(problem):
        assert doubles(problem, notation_of(problem, name)) == {}, name


@pytest.mark.parametrize("sizes", [[12, 11, 2], [2, 12, 1], [1, 1, 1], [11, 1, 11], [1, 11, 1, 11], [9, 9, 1], [10, 1]])
@pytest.mark.parametrize("bias", [None, "own", "shared"])
def test_ten_units_and_more_are_told_apart(sizes: list[int], bias: str | None) -> None:
    """w_{1,11} is not w_{11,1}."""
    problem = problem_of(sizes, bias)
    for name in stated(problem):
        assert doubles(problem, notation_of(problem, name)) == {}, name


def test_mazur_tells_shared_thresholds_apart() -> None:
    """One for each layer, as the shared biases."""
    table = random_problem(0)
    layer = {"activation": "sigmoid", "W": [[1, 1], [1, 1]], "theta": 0.5}
    table["network"] = {"loss": "half_squared_error", "layers": [layer, layer]}
    table["samples"] = [{"x": [1, 1], "t": [0, 0]}]
    problem = load(table)
    assert doubles(problem, notation_of(problem, "mazur")) == {}


def test_a_clash_of_letters_would_be_found() -> None:
    """The planted twin: a profile that writes activation and pre-activation alike."""
    from dataclasses import replace

    from derivations.notation import BISHOP

    problem = load("hand-3-2-2")
    twin = replace(BISHOP, letters={**BISHOP.letters, "z": "a"})
    assert doubles(problem, twin) != {}


@pytest.mark.parametrize(
    ("sample", "notation", "name", "latex", "text"),
    [
        ("hand-3-2-2", "bishop", "W1[1,2]", "w_{12}^{(1)}", "w_12^(1)"),
        ("hand-3-2-2", "bishop", "dW1[1,2]", r"\frac{\partial E}{\partial w_{12}^{(1)}}", "∂E/∂w_12^(1)"),
        ("hand-3-2-2", "bishop", "slope1[2]", "h_{1}'(a_{2}^{(1)})", "h_1'(a_2^(1))"),
        ("hand-3-2-2", "nielsen", "a1[2]", "z^{1}_{2}", "z^1_2"),
        ("hand-3-2-2", "nielsen", "t[1]", "y_{1}", "y_1"),
        ("hand-3-2-2", "ng", "z1[2]", "a^{[1]}_{2}", "a^[1]_2"),
        ("hand-3-2-2", "ng", "delta1[2]", "dz^{[1]}_{2}", "dz^[1]_2"),
        ("hand-3-2-2", "ng", "dW1[1,2]", "dw^{[1]}_{12}", "dw^[1]_12"),
        ("shared-bias-2-2-2", "mazur", "W2[1,1]", "w_{5}", "w_5"),
        ("shared-bias-2-2-2", "mazur", "z2[2]", r"\mathit{out}_{o2}", "out_o2"),
        ("shared-bias-2-2-2", "mazur", "a1[1]", r"\mathit{net}_{h1}", "net_h1"),
        ("tanh-xor", "uy", "W1[1,1]", "w^{1}_{10}", "w^1_10"),
        ("tanh-xor", "uy", "b1[1]", "w^{1}_{12}", "w^1_12"),
        ("tanh-xor", "uy", "t[1]", "x_{3}", "x_3"),
        ("tanh-xor", "uy", "z2[1]", "y", "y"),
        ("tanh-xor", "uy", "a1[2]", "u_{2}", "u_2"),
    ],
)
def test_how_the_profiles_write(sample: str, notation: str, name: str, latex: str, text: str) -> None:
    """As the documents they are taken from do."""
    problem = load(sample)
    q = names.read_name(problem.network, 1, name)
    own = notation_of(problem, notation)
    assert own.latex(problem.network, q) == latex
    assert own.text(problem.network, q) == plain(latex) == text


@pytest.mark.parametrize(
    ("sizes", "bias", "notation", "says"),
    [
        ([2, 2], None, "mazur", "two layers"),
        ([2, 2, 2, 1], None, "mazur", "two layers"),
        ([2, 2, 2], "own", "uy", "one hidden layer and one output"),
        ([2, 2, 1], "shared", "uy", "one bias per unit"),
        ([2, 10, 1], "own", "uy", "fewer than ten units"),
        ([2, 1], None, "uy", "one hidden layer"),
        ([2, 2, 1], None, "bourbaki", "is not known; known are bishop, nielsen, ng, mazur, uy, names"),
    ],
)
def test_elsewhere_it_says_what_it_writes(sizes: list[int], bias: str | None, notation: str, says: str) -> None:
    """A profile that cannot write a network names the networks that it can."""
    with pytest.raises(NotationError, match=says):
        notation_of(problem_of(sizes, bias), notation)


def test_a_problems_own_names_go_over_bishops_letters() -> None:
    """What has no name of its own keeps Bishop's."""
    problem = problem_of([2, 2, 1], "own", names={"w5": "W2[1,1]", "out_h{j}": "z1[{j}]"})
    own = notation_of(problem, "names")
    written = {
        n: own.latex(problem.network, names.read_name(problem.network, 1, n)) for n in ("W2[1,1]", "z1[2]", "a1[1]")
    }
    assert written == {"W2[1,1]": "w_{5}", "z1[2]": r"\mathit{out}_{h2}", "a1[1]": "a_{1}^{(1)}"}


def test_every_kind_of_quantity_is_written_in_every_profile() -> None:
    """Optimizer state included."""
    seen = set()
    for seed in range(20):
        problem = load(random_problem(seed))
        for name in stated(problem):
            for q in quantities(problem):
                assert notation_of(problem, name).text(problem.network, q)
                seen.add(q.kind)
    assert {"W_new", "slope", "J", "dz", "delta", "E_part"} <= seen
    assert seen <= set(KINDS)
