"""The nine derivations of document 000, its formulas as data, beside ours at level full in its own letters.

Each of our lines is equivalent to the document's, except where the document has misprints; those are listed by the row
of the seed file on which they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import sympy as sp

from derivations import derive
from derivations import expression as ex
from derivations.chains import Chain, Line
from derivations.notation import notation_of
from tracer import load

x0, x1, x3, u1, u2, u, y1, y2, y = sp.symbols("x0 x1 x3 u1 u2 u y1 y2 y", real=True)
w10, w11, w12, w20, w21, w22 = sp.symbols("w1_10 w1_11 w1_12 w1_20 w1_21 w1_22", real=True)
v10, v11, v12 = sp.symbols("w2_10 w2_11 w2_12", real=True)


def dtanh(a: Any) -> Any:
    """As the document defines it (row 144)."""
    return 4 / (sp.exp(a) + sp.exp(-a)) ** 2


class Chained(NamedTuple):
    """One derivation: the path; then (row, d/d this, of that) for each operator; then (row, formula) line by line."""

    row: int
    path: str
    operators: tuple[tuple[int, Any, Any], ...]
    lines: tuple[tuple[int, Any], ...]


E, UNIT, OUT = (x3 - y) ** 2, 2 * (y - x3), y1 * v10 + y2 * v11 + 1 * v12
IN1, IN2 = x0 * w10 + x1 * w11 + 1 * w12, x0 * w20 + x1 * w21 + 1 * w22
T = sp.tanh
WRONG_OUT = y1 * v11 + y2 * v11 + 1 * v12  # rows 168 and 176
WRONG_IN1 = x0 * w11 + x1 * w11 + 1 * w12  # rows 170 and 178
ONE, TWO = UNIT * dtanh(u) * v10 * dtanh(u1), UNIT * dtanh(u) * v11 * dtanh(u2)

DOCUMENT = {
    "w1_10": Chained(
        156,
        "E/y y/u u/y1 y1/u1 u1/w1_10",
        ((158, y, E), (158, u, T(u)), (159, y1, OUT), (160, u1, T(u1)), (161, w10, IN1)),
        ((162, 2 * (x3 - y) * (-1) * dtanh(u) * v10 * dtanh(u1) * x0), (163, ONE * x0)),
    ),
    "w1_11": Chained(
        165,
        "E/y y/u u/y1 y1/u1 u1/w1_11",
        ((167, y, E), (167, u, T(u)), (168, y1, WRONG_OUT), (169, u1, T(u1)), (170, w11, WRONG_IN1)),
        ((171, ONE * x1),),
    ),
    "w1_12": Chained(
        173,
        "E/y y/u u/y1 y1/u1 u1/w1_12",
        ((175, y, E), (175, u, T(u)), (176, y1, WRONG_OUT), (177, u1, T(u1)), (178, w12, WRONG_IN1)),
        ((179, ONE * 1), (180, ONE)),
    ),
    "w1_20": Chained(
        185,
        "E/y y/u u/y2 y2/u2 u2/w1_20",
        ((187, y, E), (187, u, T(u)), (188, y2, OUT), (189, u2, T(u2)), (190, w20, IN2)),
        ((191, TWO * x0),),
    ),
    "w1_21": Chained(
        193,
        "E/y y/u u/y2 y2/u2 u2/w1_21",
        ((195, y, E), (195, u, T(u)), (196, y2, OUT), (197, u2, T(u2)), (198, w21, IN2)),
        ((199, TWO * x1),),
    ),
    "w1_22": Chained(
        201,
        "E/y y/u u/y2 y2/u2 u2/w1_22",
        ((203, y, E), (203, u, T(u)), (204, y2, OUT), (205, u2, T(u2)), (206, w22, IN2)),
        ((207, TWO * 1), (208, TWO)),
    ),
    "w2_10": Chained(
        213,
        "E/y y/u u/w2_10",
        ((214, y, E), (214, u, T(u)), (215, v10, OUT)),
        ((216, UNIT * dtanh(u) * y1),),
    ),
    "w2_11": Chained(
        218,
        "E/y y/u u/w2_11",
        ((219, y, E), (219, u, T(u)), (220, v11, OUT)),
        ((221, UNIT * dtanh(u) * y2),),
    ),
    "w2_12": Chained(
        223,
        "E/y y/u u/w2_12",
        ((224, y, E), (224, u, T(u)), (225, v12, OUT)),
        ((226, UNIT * dtanh(u) * 1), (227, UNIT * dtanh(u))),
    ),
}

MISPRINTS = {
    168: "y_1 w^2_{11} for y_1 w^2_{10} inside d/dy_1: the factor comes out as w^2_{11}",
    170: "x_0 w^1_{11} for x_0 w^1_{10} inside d/dw^1_{11}: the factor comes out as x_0 + x_1",
    176: "y_1 w^2_{11} for y_1 w^2_{10} inside d/dy_1: the factor comes out as w^2_{11}",
    178: "x_0 w^1_{11} for x_0 w^1_{10} inside d/dw^1_{12}: the value is right all the same",
}
VALUE_NEUTRAL = {178}


# --- our lines in the same letters ---


PROBLEM = load("tanh-xor")
UY = notation_of(PROBLEM, "uy")


def letter(e: ex.Expression) -> str:
    """u_1 is u1, w^1_10 is w1_10."""
    assert isinstance(e, ex.Name)
    text = UY.text(PROBLEM.network, e.quantity)
    return text.replace("^", "") if text.startswith("w") else text.replace("_", "")


def formula(e: ex.Expression) -> Any:
    """One of our expressions in sympy."""
    match e:
        case ex.Name():
            return sp.Symbol(letter(e), real=True)
        case ex.Number(text):
            return sp.Rational(text)
        case ex.Sum(terms):
            return sp.Add(*(sign * formula(term) for sign, term in terms))
        case ex.Product(factors):
            return sp.Mul(*map(formula, factors))
        case ex.Power(base, exponent):
            return formula(base) ** exponent
        case ex.Call("tanh", (argument,)):
            return T(formula(argument))
    raise TypeError(e)


def equal(one: Any, other: Any) -> bool:
    """As formulas, y, y1, y2 being tanh of u, u1, u2, and dtanh being what it is."""
    definitions = {y: T(u), y1: T(u1), y2: T(u2)}
    difference = (one - other).xreplace(definitions).rewrite(sp.exp)
    return bool(sp.together(difference).as_numer_denom()[0].expand() == 0)


def same(one: Any, other: Any) -> bool:
    """As formulas in free letters."""
    return bool(sp.expand(one - other) == 0)


def chains() -> dict[str, Chain]:
    """Our nine, by the parameter."""
    derivation = derive(PROBLEM, level="full")
    out = {}
    for part in derivation.parts:
        for chain in part.chains:
            if part.heading == "gradients":
                assert isinstance(chain.left, ex.Partial)
                out[letter(chain.left.by)] = chain
    return out


OURS = chains()


def by_rule(parameter: str, *rules: str) -> list[Line]:
    return [line for line in OURS[parameter].lines if line.rule in rules]


def factors(line: Line) -> tuple[ex.Expression, ...]:
    assert isinstance(line.right, ex.Product)
    return line.right.factors


# --- the comparison ---


def test_ours_are_the_nine_of_the_document() -> None:
    """Nine parameters, each derived in four or five lines."""
    assert OURS.keys() == DOCUMENT.keys()
    assert all(len(chain.lines) in (4, 5) for chain in OURS.values())


@pytest.mark.parametrize("parameter", DOCUMENT)
def test_the_same_chain_of_partial_derivatives(parameter: str) -> None:
    """Factor by factor, in the document's order."""
    (line,) = by_rule(parameter, "chain")
    ours = [(letter(p.of), letter(p.by)) for p in factors(line) if isinstance(p, ex.Partial)]
    assert [f"{of}/{by}" for of, by in ours] == DOCUMENT[parameter].path.split()


def operators(parameter: str) -> Iterator[tuple[int, Any, Any, Any, Any]]:
    """(row, our variable, our operand, the document's variable, its operand)."""
    (line,) = by_rule(parameter, "definitions")
    for ours, (row, by, operand) in zip(factors(line), DOCUMENT[parameter].operators, strict=True):
        assert isinstance(ours, ex.Differential)
        yield row, formula(ours.by), formula(ours.operand), by, operand


@pytest.mark.parametrize("parameter", DOCUMENT)
def test_the_same_operators_on_the_same_operands_but_for_misprints(parameter: str) -> None:
    """Each operand of ours is the document's, except on exactly the rows that are listed."""
    different = set()
    for row, by, operand, its_by, its_operand in operators(parameter):
        assert by == its_by
        if not same(operand, its_operand):
            different.add(row)
    rows = {row for row, _, _ in DOCUMENT[parameter].operators}
    assert different == rows & MISPRINTS.keys()


def test_three_misprints_change_a_value_and_one_does_not() -> None:
    """Differentiated, row 178 gives what it should; the others do not."""
    changed = {
        row
        for parameter in DOCUMENT
        for row, by, operand, its_by, its_operand in operators(parameter)
        if not same(sp.diff(operand, by), sp.diff(its_operand, its_by))
    }
    assert changed == MISPRINTS.keys() - VALUE_NEUTRAL


@pytest.mark.parametrize("parameter", DOCUMENT)
def test_the_same_results_line_by_line(parameter: str) -> None:
    """What is differentiated, and simplified: every line of ours equals every such line of the document."""
    ours = by_rule(parameter, "differentiated", "simplified")
    assert ours
    for line in ours:
        for row, its in DOCUMENT[parameter].lines:
            assert equal(formula(line.right), its), row
    if parameter.endswith("2"):  # a bias: "times 1", then without
        assert len(ours) == len(DOCUMENT[parameter].lines) == 2


def test_a_wrong_line_would_be_seen() -> None:
    """The planted twin: another weight, sign or slope is not equal."""
    (line,) = by_rule("w1_10", "differentiated")
    ours = formula(line.right)
    assert equal(ours, ONE * x0)
    for wrong in (ONE * x1, -ONE * x0, TWO * x0, ONE * x0 / dtanh(u1), ONE.xreplace({v10: v11}) * x0):
        assert not equal(ours, wrong)
