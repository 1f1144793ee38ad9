"""On the networks that a notation writes, reading undoes writing; it understands more spellings than that."""

from __future__ import annotations

from typing import Any

import pytest
from networks import random_problem

from derivations import names
from derivations.evaluation import evaluate
from derivations.expression import Letters, Name
from derivations.formula_reading import FormulaError, read_formula
from derivations.formulas import equations
from derivations.name_reading import NotationNames
from derivations.names import Quantity
from derivations.network import Problem
from derivations.notation import NOTATIONS, NotationError
from tracer import load

SAMPLES = ("hand-3-2-2", "tanh-xor", "classifier-3-3-3", "softmax-xor", "middle-layer", "shared-bias-2-2-2")
ALIKE = ({"E", "E_part", "E_sample"}, {"x", "z"})
"""Kinds that a notation may write alike where they are the same number: E of one output; the input as z of layer 0."""


def quantities(problem: Problem) -> list[Quantity]:
    """Every quantity that a sheet can hold, of one sample, and what is given."""
    own = problem.sample(1) if problem.samples > 1 else problem
    places = [("x", 0), ("t", 0), *(("W", l) for l, _ in own.network)]
    places += [("b", l) for l, layer in own.network if layer.bias]
    given = [q for kind, l in places for q in names.elements(own.network, kind, l, 1).flat]
    return list(dict.fromkeys([*given, *(e.quantity for e in equations(own))]))


def undone(problem: Problem, profile: str) -> tuple[int, list[str]]:
    """How many names were read back, and those that came back as something else."""
    notation = NOTATIONS[profile]
    try:
        reader = NotationNames(problem.network, notation)
    except NotationError:
        return 0, []
    count, wrong = 0, []
    for q in quantities(problem):
        marked = q._replace(kind="E_sample" if q.kind == "E" else q.kind, sample=2, step=3)
        written = {
            notation.latex(problem.network, q): q,
            notation.text(problem.network, q): q,
            notation.latex(problem.network, q._replace(sample=2, step=3)): marked,
            f"{notation.text(problem.network, q)}@2#3": marked,
        }
        for name, wanted in written.items():
            count += 1
            read = reader.read(name)
            same = any({wanted.kind, read.kind} <= kinds for kinds in ALIKE) if read else False
            if read != wanted and not same:
                wrong.append(f"{name}: {wanted} read as {read}")
    return count, wrong


@pytest.mark.parametrize("profile", NOTATIONS)
@pytest.mark.parametrize("source", [*SAMPLES, *range(40)])
def test_reading_undoes_writing(profile: str, source: Any) -> None:
    """In LaTeX and in plain text, with sample and step, for every quantity of every network."""
    problem = load(random_problem(source) if isinstance(source, int) else source)
    count, wrong = undone(problem, profile)
    assert wrong == []
    assert count or profile in ("mazur", "uy")


def test_a_letter_written_for_two_quantities_would_be_found() -> None:
    """The planted twin: a notation that writes activation and pre-activation alike does not read back."""
    from dataclasses import replace

    problem = load("hand-3-2-2")
    twin = replace(NOTATIONS["bishop"], letters={**NOTATIONS["bishop"].letters, "z": "a"})
    reader = NotationNames(problem.network, twin)
    q = Quantity("z", 1, (1,))
    assert reader.read(twin.latex(problem.network, q)) != q


@pytest.mark.parametrize(
    ("sample", "profile", "written", "ours"),
    [
        ("hand-3-2-2", "bishop", "δ²₁", "delta2[1]"),
        ("hand-3-2-2", "bishop", r"$\delta^{(2)}_1$", "delta2[1]"),
        ("hand-3-2-2", "bishop", "delta_1^2", "delta2[1]"),
        ("hand-3-2-2", "bishop", "W₁₁⁽²⁾", "W2[1,1]"),
        ("hand-3-2-2", "bishop", "∂E/∂w₁₂⁽¹⁾", "dW1[1,2]"),
        ("hand-3-2-2", "bishop", r"\dfrac{\partial E}{\partial w^{(1)}_{1,2}}", "dW1[1,2]"),
        ("hand-3-2-2", "bishop", r"\partial E / \partial a_2^{(1)}", "delta1[2]"),
        ("hand-3-2-2", "bishop", r"\frac{\partial z_1^{(1)}}{\partial a_1^{(1)}}", "slope1[1]"),
        ("hand-3-2-2", "bishop", "h'(a_1^(1))", "slope1[1]"),
        ("hand-3-2-2", "bishop", "W1[1,2]'", "W1_new[1,2]"),
        ("hand-3-2-2", "bishop", "w_{12}^{(1)+}", None),
        ("hand-3-2-2", "bishop", "dE/dx_3", "dz0[3]"),
        ("hand-3-2-2", "nielsen", "z^1_2", "a1[2]"),
        ("hand-3-2-2", "nielsen", r"\partial C / \partial w^2_{11}", "dW2[1,1]"),
        ("hand-3-2-2", "ng", "dZ2[1]", "delta2[1]"),
        ("hand-3-2-2", "ng", "A1[2]", "z1[2]"),
        ("hand-3-2-2", "ng", "a^{[1]}_2", "z1[2]"),
        ("hand-3-2-2", "ng", "dW1[1,2]", "dW1[1,2]"),
        ("hand-3-2-2", "ng", "dA1[2]", "dz1[2]"),
        ("hand-3-2-2", "ng", "dL/dz^[1]_2", "delta1[2]"),
        ("shared-bias-2-2-2", "mazur", "w5", "W2[1,1]"),
        ("shared-bias-2-2-2", "mazur", "w5+", "W2_new[1,1]"),
        ("shared-bias-2-2-2", "mazur", "w_5^+", "W2_new[1,1]"),
        ("shared-bias-2-2-2", "mazur", "w5_new", "W2_new[1,1]"),
        ("shared-bias-2-2-2", "mazur", "w5'", "W2_new[1,1]"),
        ("shared-bias-2-2-2", "mazur", "dE/dw5", "dW2[1,1]"),
        ("shared-bias-2-2-2", "mazur", "∂E_total/∂w₅", "dW2[1,1]"),
        ("shared-bias-2-2-2", "mazur", r"\frac{\partial E_{total}}{\partial w_5}", "dW2[1,1]"),
        ("shared-bias-2-2-2", "mazur", "net_h1", "a1[1]"),
        ("shared-bias-2-2-2", "mazur", "out_{o1}", "z2[1]"),
        ("shared-bias-2-2-2", "mazur", r"\frac{\partial out_{o1}}{\partial net_{o1}}", "slope2[1]"),
        ("shared-bias-2-2-2", "mazur", "∂E_total/∂out_h1", "dz1[1]"),
        ("shared-bias-2-2-2", "mazur", r"\partial E_{o1}/\partial net_{o1}", "delta2[1]"),
        ("tanh-xor", "uy", "w^1_{12}", "b1[1]"),
        ("tanh-xor", "uy", "u1", "a1[1]"),
        ("tanh-xor", "uy", r"\frac{\partial E}{\partial w^{1}_{10}}", "dW1[1,1]"),
        ("tanh-xor", "uy", "y", "z2[1]"),
        ("tanh-xor", "bishop", "ŷ", None),
    ],
)
def test_more_spellings_are_understood(sample: str, profile: str, written: str, ours: str | None) -> None:
    """As students, books and programs write them; None where any reading will do but nothing may raise."""
    problem = load(sample)
    read = NotationNames(problem.network, NOTATIONS[profile]).read(written)
    if ours is not None:
        assert read == names.read_name(problem.network, 1, ours)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "^",
        "_",
        "\\frac{",
        "\\frac{a}{",
        "{a}\\frac{b",
        "∂/∂",
        "{" * 100,
        "d/d" * 60,
        "'" * 150,
        "w^{2}_{99}",
        "new",
        "m[m[m[w]]]",
    ],
)
def test_what_is_no_name_is_none(written: str) -> None:
    """Whatever braces and bars it has."""
    problem = load("hand-3-2-2")
    for profile in ("bishop", "nielsen", "ng", "mazur"):
        assert NotationNames(problem.network, NOTATIONS[profile]).read(written) is None


# --- formulas ---


@pytest.mark.parametrize(
    ("written", "value"),
    [("2*a+b", 7), ("a - b - 1", -2), ("-(a+b)·2/3^2", -10 / 9), ("a*b/a", 3), ("- a[1]^2", -4), ("1/(a-b)", -1.0)],
)
def test_formulas_have_the_usual_order(written: str, value: float) -> None:
    """Products before sums, from left to right."""
    numbers = {"a": 2.0, "b": 3.0}
    tree = read_formula(written, lambda name: Name(Quantity(name[0])))
    assert evaluate(tree, lambda q: numbers[q.kind], float) == pytest.approx(value)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "a b",
        "a+",
        "(a",
        "a)",
        "a[1]^99",
        "a**b",
        "f(a",
        "a.b",
        "3**x",
        "a;b",
        "(" * 50 + "a" + ")" * 50,
        "a" * 500,
    ],
)
def test_what_is_no_formula_is_refused(written: str) -> None:
    """Never evaluated, never deeper than a few brackets."""
    with pytest.raises(FormulaError):
        read_formula(written, lambda name: Letters(name, name))
