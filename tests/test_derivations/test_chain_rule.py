"""sympy's chain rule: right, linear in the weights, and independent of what it judges."""

from __future__ import annotations

import ast
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import mpmath
import pytest
import sympy as sp
from networks import ACTIVATIONS, LOSSES, OUTPUTS, random_problem
from truth import Truth, close

from derivations import chain_rule, names
from derivations.arithmetic import Ball
from derivations.chain_rule import ChainRule, symbol
from derivations.local_check import check_local_derivatives
from derivations.names import Quantity
from derivations.network import Problem
from derivations.symbolic_value import composed
from tracer import load
from tracer.step import run_step

SMOOTH = ("identity", "sigmoid", "tanh", "softplus", "silu", "gelu")


def dense(sizes: list[int], activation: str = "sigmoid", loss: str = "half_squared_error", last: str = "") -> Problem:
    """A network of given sizes with biases; its numbers go round a few values."""
    value = iter(range(1, 100000))
    layers = []
    for l, (inputs, units) in enumerate(pairwise(sizes), 1):
        rows = [[(next(value) * 37 % 23 - 11) / 16 for _ in range(inputs)] for _ in range(units)]
        own = last if last and l == len(sizes) - 1 else activation
        layers.append({"activation": own, "W": rows, "b": [(next(value) * 37 % 23 - 11) / 16 for _ in range(units)]})
    sample: dict[str, Any] = {"x": [(k * 5 % 7 - 3) / 4 for k in range(1, sizes[0] + 1)]}
    if loss == "given":
        sample["dz"] = [0.5] * sizes[-1]
    elif loss != "output":
        sample["t"] = [1] + [0] * (sizes[-1] - 1)
    network = {"loss": loss, "layers": layers}
    return load({"network": network, "samples": [sample], "training": {"learning_rate": 0.1}})


def at_given_numbers(problem: Problem) -> dict[Quantity, Any]:
    """The composed chain at the problem's own numbers, 75 digits."""
    chain = ChainRule(problem)
    step = run_step(problem, Ball(260))
    with mpmath.workdps(75):
        point = {}
        for (kind, layer), array in step.inputs.items():
            if kind in ("x", "t", "W", "b"):
                quantities = names.elements(problem.network, kind, layer, 1)
                for q, number in zip(quantities.flat, array.flat, strict=True):
                    point[symbol(names.text(problem.network, q))] = middle(number)
        if problem.network.loss.needs == "dz":
            assert problem.signals is not None
            for k, text in enumerate(problem.signals.exact()[:, 0], 1):
                point[symbol(f"dz{len(problem.network)}[{k}]")] = mpmath.mpf(text)
        return composed(chain, point)


def middle(number: Any) -> Any:
    if not hasattr(number, "mid"):
        return mpmath.mpf(int(number.numer())) / int(number.denom())
    mantissa, exponent = (int(part) for part in number.mid().man_exp())
    return mpmath.mpf(mantissa) * mpmath.mpf(2) ** exponent


def pairs() -> list[tuple[str, str]]:
    """Every activation under half the squared error; every loss over every last activation that suits it."""
    return [(f, "half_squared_error") for f in ACTIVATIONS] + [
        (f, loss) for loss in LOSSES for f in dict.fromkeys(OUTPUTS.get(loss, ("tanh", "softmax")))
    ]


@pytest.mark.parametrize(("activation", "loss"), pairs())
def test_the_composed_chain_equals_the_step(activation: str, loss: str) -> None:
    """Every quantity of the backward pass, at 50 digits, against the step worked in balls of 260 bits."""
    problem = dense([2, 3, 2], "sigmoid" if activation == "softmax" else activation, loss, last=activation)
    values, step = at_given_numbers(problem), run_step(problem, Ball(260))
    compared = 0
    with mpmath.workdps(75):
        for q, traced in step.items():
            if q in values:
                assert close(values[q], middle(traced)), names.text(problem.network, q)
                compared += 1
    assert compared > 30


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_the_composed_chain_is_the_true_derivative(seed: int) -> None:
    """Random problems: every bias form, depth and loss, against central differences of a forward pass of its own."""
    problem = load(random_problem(seed)).sample(1)
    truth, chain = Truth(problem, seed), ChainRule(problem)
    with mpmath.workdps(130):
        point = {symbol(names.text(problem.network, q)): number for q, number in truth.given.items()}
        values = composed(chain, point)
        for q in chain.of:
            assert close(truth.name(q), values[q]), names.text(problem.network, q)


@pytest.mark.parametrize("activation", SMOOTH)
def test_symbolically_the_derivative_of_the_whole_loss(activation: str) -> None:
    """2-2-1: the composed expression minus sympy's direct derivative simplifies to 0, for each of nine parameters."""
    from derivations.proof import prove

    proof = prove(dense([2, 2, 1], activation))
    assert (proof.how, proof.holds, proof.gradients) == ("symbolic", True, 9)


@pytest.mark.parametrize("sizes", [[3, 2, 2], [3, 3, 3, 3], [4, 4, 4, 4]])
def test_at_50_digits_the_derivative_of_the_whole_loss(sizes: list[int]) -> None:
    """Up to 4-4-4-4 at a random point."""
    from derivations.proof import prove

    proof = prove(dense(sizes))
    assert (proof.how, proof.holds) == ("numeric", True)


@pytest.mark.parametrize("sizes", [[2, 2, 1], [3, 2, 2], [3, 3, 3, 3], [4, 4, 4, 4], [10, 10, 10], [5, 5, 5, 5, 5]])
def test_at_most_six_operators_a_parameter(sizes: list[int]) -> None:
    """Linear in the weights; softmax's Jacobian has an entry for each pair of units and is not of that kind."""
    chain = ChainRule(dense(sizes))
    assert chain.operators() <= 6 * len(chain.parameters)


def test_the_naive_derivative_is_not_linear() -> None:
    """The planted twin of the bound: put in one another, the same gradients have twenty times as many operators."""
    chain = ChainRule(dense([2, 2, 1]))
    naive = sum(sp.count_ops(chain.substituted(gradient)) for _, gradient in chain.parameters)
    assert naive > 10 * chain.operators()
    assert naive > 6 * len(chain.parameters)


# --- independence ---


def refuse(*_: Any) -> NoReturn:
    raise AssertionError("a stated derivative was read")


def with_stated(problem: Problem, stated: Any) -> Problem:
    """The same problem with every stated derivative of every entry replaced."""
    layers = tuple(
        replace(
            layer,
            activation=replace(
                layer.activation,
                derivative=stated if layer.activation.derivative else None,
                jacobian=stated if layer.activation.jacobian else None,
                stable=stated,
                forms=(stated,),
            ),
        )
        for layer in problem.network.layers
    )
    fused = {name: replace(f, delta=stated, steps=stated) for name, f in problem.network.loss.fused.items()}
    loss = replace(problem.network.loss, slope=stated, fused=MappingProxyType(fused))
    return replace(problem, network=replace(problem.network, layers=layers, loss=loss))


@pytest.mark.parametrize(("activation", "loss"), pairs())
def test_no_stated_derivative_is_read(activation: str, loss: str) -> None:
    """With every derivative, slope, Jacobian, form and fusion refusing to be called, the chain is the same."""
    problem = dense([2, 3, 2], "sigmoid" if activation == "softmax" else activation, loss, last=activation)
    assert ChainRule(with_stated(problem, refuse)).of == ChainRule(problem).of


def test_the_refusal_works() -> None:
    """The planted twin: the check of what is stated, which does read it, is refused."""
    with pytest.raises(AssertionError, match="a stated derivative was read"):
        check_local_derivatives(with_stated(dense([2, 2, 1]), refuse))


def test_it_imports_neither_the_generated_backward_nor_the_step() -> None:
    """Not in the module, not in a function, not through a module that it imports."""
    seen, left = set[str](), ["derivations.chain_rule"]
    root = Path(chain_rule.__file__).parent.parent
    while left:
        name = left.pop()
        seen.add(name)
        for node in ast.walk(ast.parse((root / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))):
            found = [f"{node.module}.{a.name}" for a in node.names] if isinstance(node, ast.ImportFrom) else []
            found += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for other in found:
                if (root / f"{other.replace('.', '/')}.py").exists() and other not in seen:
                    left.append(other)
    assert "derivations.names" in seen
    generated = {"derivations.backward", "derivations.making", "derivations.layers", "derivations.formulas"}
    assert not seen & {"tracer.step", *generated}


def test_its_source_names_no_stated_derivative() -> None:
    """The attributes it reads of an entry are its value: formula and parts."""
    tree = ast.parse(Path(chain_rule.__file__).read_text(encoding="utf-8"))
    read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {"formula", "parts"} <= read
    assert not read & {"derivative", "slope", "jacobian", "forms", "fused", "fusion", "stable", "delta"}
