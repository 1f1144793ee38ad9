"""The equations of a step with their names, and what the equations are worth when numbers are put in."""

from fractions import Fraction

import pytest
from worked import wrong_lines

from derivations.evaluation import evaluate
from derivations.expression import Call, Choice, Name, Number
from derivations.formulas import equations, of_line
from derivations.names import Quantity, text
from derivations.printing import to_latex, to_text
from tracer import load, trace
from tracer.marking.slips.places import hidden

HAND = load("hand-3-2-2")
X, Y = Name(Quantity("x", 0, (1,))), Name(Quantity("x", 0, (2,)))


def shown(q: Quantity) -> str:
    return text(HAND.network, q)


def written(problem: object = HAND, **options: object) -> dict[str, str]:
    """name -> formula of every quantity."""
    return {shown(e.quantity): to_text(e.formula, shown) for e in equations(problem, **options)}  # type: ignore[arg-type]


def test_equations_of_the_hand_calculation() -> None:
    """Each in the order in which a teacher writes it."""
    found = written()
    assert found["a1[1]"] == "W1[1,1]·x[1] + W1[1,2]·x[2] + W1[1,3]·x[3]"
    assert found["z1[2]"] == "1/(1 + exp(-a1[2]))"
    assert found["E[1]"] == "(z2[1] - t[1])²/2"
    assert found["delta2[1]"] == "slope2[1]·dz2[1]"
    assert found["dz1[2]"] == "W2[1,2]·delta2[1] + W2[2,2]·delta2[2]"
    assert found["slope1[1]"] == "z1[1]·(1 - z1[1])"
    assert found["dW1[2,3]"] == "delta1[2]·x[3]"
    assert found["W1_new[2,3]"] == "W1[2,3] - eta·dW1[2,3]"


def test_a_slip_has_its_own_written_equation() -> None:
    """A slip is another line of the step; its formulas follow by themselves."""
    (forgot,) = wrong_lines(HAND, hidden, delta="dz").values()
    slipped = {shown(e.quantity): to_text(e.formula, shown) for e in of_line(HAND, forgot)}
    assert slipped == {"delta1[1]": "dz1[1]", "delta1[2]": "dz1[2]"}
    assert written()["delta1[1]"] == "slope1[1]·dz1[1]"


@pytest.mark.parametrize(
    ("expression", "plain", "latex"),
    [
        (X - (Y + X), "x - (y + x)", r"x - \left(y + x\right)"),
        (X - (Y - X), "x - (y - x)", r"x - \left(y - x\right)"),
        ((X + Y) * X, "(x + y)·x", r"\left(x + y\right) \cdot x"),
        (X * (Y * X), "x·y·x", r"x \cdot y \cdot x"),
        (X / (Y * X), "x/(y·x)", r"\frac{x}{y \cdot x}"),
        ((X / Y) * X, "(x/y)·x", r"\frac{x}{y} \cdot x"),
        ((X + Y) ** 2, "(x + y)²", r"\left(x + y\right)^{2}"),
        (-(X + Y), "-(x + y)", r"-\left(x + y\right)"),
        (-(X * Y), "-x·y", r"-x \cdot y"),
        (X * -Y, "x·(-y)", r"x \cdot \left(-y\right)"),
        (X + -Y, "x + (-y)", r"x + \left(-y\right)"),
        (1 - Call("exp", (-X,)), "1 - exp(-x)", r"1 - \exp\left(-x\right)"),
        (Call("sqrt", (X + 1,)), "sqrt(x + 1)", r"\sqrt{x + 1}"),
        (Call("max0", (X,)), "max(0, x)", r"\max\left(0, x\right)"),
    ],
)
def test_parentheses_stand_where_they_must(expression: object, plain: str, latex: str) -> None:
    """No parenthesis missing, none too many, nothing reordered."""

    def leaf(q: Quantity) -> str:
        return "xy"[q.indices[0] - 1]

    assert to_text(expression, leaf) == plain  # type: ignore[arg-type]
    assert to_latex(expression, leaf) == latex  # type: ignore[arg-type]


def test_negative_numbers_get_parentheses_unless_they_stand_alone() -> None:
    """0.1 - 0.1·(-3), but -3 on its own."""

    def leaf(q: Quantity) -> str:
        return "-3"

    assert to_text(Number("0.1") - Number("0.1") * X, leaf) == "0.1 - 0.1·(-3)"
    assert to_text(X, leaf) == "-3"
    assert to_text(X**2, leaf) == "(-3)²"


def test_value_of_a_formula() -> None:
    """Sums, products, quotients, powers and choices are exact; exp is not known, but 0 times it is 0."""

    def leaf(q: Quantity) -> Fraction:
        return Fraction(q.indices[0])

    cases = [(X - Y, -1), (X / Y, Fraction(1, 2)), (Y**3, 8), (Choice(X, Y, X), 2), (Call("max0", (-X,)), 0)]
    for expression, value in cases:
        assert evaluate(expression, leaf, Fraction) == value
    assert evaluate(Call("exp", (X,)), leaf, Fraction) is None
    assert evaluate((X - X) * Call("exp", (X,)), leaf, Fraction) == 0


def test_put_into_the_equations_the_recorded_numbers_give_the_recorded_numbers() -> None:
    """The written equations and the traced numbers come from the same lines: rational ones agree exactly."""
    step = trace(HAND, digits=30, carry="full")
    checked = 0
    for e in equations(HAND):
        numbers = {**step.inputs, **step.values}
        value = evaluate(e.formula, lambda q, numbers=numbers: numbers[shown(q)], float)  # type: ignore[misc]
        if value is not None:
            assert value == pytest.approx(step[shown(e.quantity)], rel=1e-14)
            checked += 1
    assert checked > 40
