r"""Names of a document's own, as pages use them: found from what is said of them, and a planted fault is told."""

from __future__ import annotations

from typing import Any

import pytest

from tracer import load
from tracer.answers.solutions.solution import check_solution


def problem(*layers: dict[str, Any], x: list[str], t: list[str], loss: str = "half_squared_error") -> Any:
    """A problem of one sample, rate 0.5."""
    mapping = {"network": {"loss": loss, "layers": list(layers)}, "samples": [{"x": x, "t": t}]}
    return load({**mapping, "training": {"learning_rate": "0.5"}})


def layer(*W: list[str], b: Any = None, activation: str = "sigmoid") -> dict[str, Any]:
    return {"activation": activation, "W": list(W), **({} if b is None else {"b": b})}


TWO = problem(
    layer(["0.3", "0.1"], ["0.2", "0.4"]), layer(["0.5", "0.6"], ["0.7", "0.8"]), x=["1", "0.5"], t=["0", "1"]
)
ONE = problem(
    layer(["0.3", "0.1"], ["0.2", "0.4"], b=["0.1", "0.2"]), layer(["0.5", "0.6"], b=["0.3"]), x=["1", "2"], t=["1"]
)
TINY = problem(layer(["0.4", "0.2"], b=["0.1"]), x=["1", "2"], t=["1"])


def verdicts(of: Any, text: str, notation: str | None = None) -> list[str]:
    """The verdict on each relation, "named" for a name that is given."""
    found = [r.verdict for r in check_solution(of, text, notation=notation).relations]
    return ["named" if "name that is given" in v.message else v.verdict for v in found]


def rows(*formulas: str) -> str:
    return "\n\n".join(f"$${formula}$$" for formula in formulas)


UNITS = (
    rows(
        r"h_1 = w_1 i_1 + w_2 i_2",
        r"h_2 = w_3 i_1 + w_4 i_2",
        r"ah_1 = \sigma(h_1)",
        r"ah_2 = \sigma(h_2) = \frac{1}{1 + e^{-h_2}}",
        r"o_1 = w_5 ah_1 + w_6 ah_2",
        r"ao_1 = \sigma(o_1)",
        r"E_1 = \frac12 (t_1 - ao_1)^2",
        r"\frac{\partial E}{\partial w_5} = (ao_1 - t_1) ao_1 (1 - ao_1) ah_1",
    )
    .replace("ah_", "a_{h")
    .replace("ao_", "a_{o")
)
for digit in "12":
    UNITS = UNITS.replace(f"a_{{h{digit}", f"a_{{h{digit}}}").replace(f"a_{{o{digit}", f"a_{{o{digit}}}")
COUNTED = rows(
    r"I_3 = w_{13} x_1 + w_{23} x_2 + \theta_3 = 0.3 + 0.2 + 0.1 = 0.6",
    r"O_3 = \frac{1}{1 + e^{-I_3}}",
    r"I_5 = w_{35} O_3 + w_{45} O_4 + \theta_5",
    r"O_5 = \frac{1}{1 + e^{-I_5}}",
    r"Err_5 = O_5 (1 - O_5)(T_5 - O_5)",
    r"Err_3 = O_3 (1 - O_3) Err_5 w_{35}",
    r"w_{35} = w_{35} + \eta Err_5 O_3",
)
ROWS = rows(
    r"z_1 = x W_1 + b_1",
    r"a_1 = \sigma(z_1)",
    r"z_2 = a_1 W_2 + b_2",
    r"a_2 = \sigma(z_2)",
    r"L = \frac12 (a_2 - y)^2",
    r"\delta_2 = (a_2 - y) \odot \sigma'(z_2)",
    r"\delta_1 = (\delta_2 W_2^T) \odot \sigma'(z_1)",
    r"\frac{\partial L}{\partial W_1} = x^T \delta_1",
    r"W_1 := W_1 - \eta \frac{\partial L}{\partial W_1}",
)
WORDS = rows(
    r"z = w_1 x_1 + w_2 x_2 + b = 0.4 + 0.4 + 0.1 = \mathbf{0.9}",
    r"y_{pred} = \sigma(z)",
    r"L = ½ (y_{true} - y_{pred})^2",
    r"\frac{\partial L(w, b)}{\partial w_1} = (y_{pred} - y_{true}) y_{pred} (1 - y_{pred}) x_1",
    r"w_1(new) = w_1 - \eta \frac{\partial L}{\partial w_1}",
    r"\Delta w_2 = -\eta \frac{\partial L}{\partial w_2}",
)


@pytest.mark.parametrize(
    ("of", "text", "said", "right", "wrong"),
    [
        (TWO, UNITS, "h# is a1[#]", r"w_3 i_1", r"w_2 i_1"),
        (TWO, UNITS, "ah# is z1[#]", r"w_6 a_{h2}", r"w_6 a_{h1}"),
        (TWO, UNITS, "ao# is z2[#]", r"(1 - a_{o1}) a", r"(1 + a_{o1}) a"),
        (ONE, COUNTED, "w# is W between units", r"0.3 + 0.2", r"0.3 + 0.4"),
        (ONE, COUNTED, "O# is z of unit #", r"Err_5 w_{35}", r"Err_5 w_{45}"),
        (ONE, COUNTED, "is -delta", r"(T_5 - O_5)", r"(O_5 - T_5)"),
        (ONE, ROWS, "vectors are rows", r"\delta_2 W_2^T", r"\delta_2 W_1^T"),
        (ONE, ROWS, "W by inputs", r"x^T \delta_1", r"x^T \delta_2"),
        (TINY, WORDS, "y target", r"0.4 + 0.1", r"0.5 + 0.1"),
        (TINY, WORDS, "y target", r"w_1(new) = w_1 -", r"w_1(new) = w_1 +"),
        (TINY, WORDS, "y target", r"\Delta w_2 = -", r"\Delta w_2 = "),
    ],
)
def test_own_names_and_layouts_are_found(of: Any, text: str, said: str, right: str, wrong: str) -> None:
    """They are stated, every relation is true, and the same page with one fault has a false row or one not read."""
    solution = check_solution(of, text)
    assert said in solution.remarks[0]
    assert {r.verdict.verdict for r in solution.relations} <= {"true", "within"}
    assert right in text
    assert {"false", "unread"} & set(verdicts(of, text.replace(right, wrong, 1)))


def test_one_short_number_is_no_evidence() -> None:
    """Nor is a name read against what else is said of it."""
    assert verdicts(TINY, rows("q_7 = 0.4")) == ["named"]
    assert "false" in verdicts(TWO, UNITS.replace(r"E_1 = \frac12 (t_1", r"E_1 = \frac12 (t_2"))


def test_a_name_that_is_given_stands_for_what_it_is() -> None:
    """It is not checked itself; what follows from it is."""
    text = rows(r"\text{step} = 0.5 \cdot 0.2", r"0.4 - \text{step} = 0.3")
    assert verdicts(TINY, text, "nielsen") == ["named", "true"]
    assert verdicts(TINY, text.replace("= 0.3", "= 0.2"), "nielsen") == ["named", "false"]


NEW = r"w_1 = w_1 - \eta \frac{\partial L}{\partial w_1}"


def test_a_weight_named_again_after_its_update_is_the_new_one() -> None:
    """Before the update, and with another number, it is false."""
    z = 0.9
    y = 1 / (1 + 2.718281828459045**-z)
    new = f"w_1 = {0.4 - 0.5 * (y - 1) * y * (1 - y):.6f}"
    known = r"y_{pred} = \sigma(z)"
    assert verdicts(TINY, rows(known, WORDS.split("$$")[1], NEW, new))[-1] == "within"
    assert verdicts(TINY, rows(known, WORDS.split("$$")[1], new))[-1] == "false"
    assert verdicts(TINY, rows(known, WORDS.split("$$")[1], NEW, new[:-3] + "999"))[-1] == "false"


def test_formulas_in_code_and_after_a_heading_are_read() -> None:
    """Lines of a program beside them are not."""
    formulas = ["z = w1 * x1 + w2 * x2 + b", "y = sigmoid(z)", "w1 := w1 - eta * dL/dw1"]
    text = f"### Weighted sum:\n{formulas[0]}\n\n- `{formulas[1]}`\n- `{formulas[2]}`\n- `x = np.dot(W, v)`\n"
    found = check_solution(TINY, text)
    assert [row.source for row in found.rows] == formulas
    assert not any(row.unread for row in found.rows)
    assert "false" in verdicts(TINY, text.replace("w2 * x2", "w2 * x1"))


def test_columns_of_a_table_are_formulas_of_their_own() -> None:
    """A row's number is no factor."""
    table = "1 & -0.3 + 0.2 = -0.1 & 2 \\cdot 0.5 = 1 \\\\\n2 & 0.4 + 0.4 = 0.8 & 0.5^2 = 0.25"
    text = f"$$\\begin{{array}}{{ccc}}\n{table}\n\\end{{array}}$$"
    assert verdicts(TINY, text) == ["true"] * 4
    assert verdicts(TINY, text.replace("= 0.8", "= 0.9")) == ["true", "true", "false", "true"]


def test_layers_in_brackets() -> None:
    """Z[1] is Z^{[1]}."""
    text = rows("Z[1] = W[1] X + b[1]", r"A[l] = g(Z[l])", "dW[2] = dZ[2] A[1]^T", "W[l] := W[l] - \\alpha dW[l]")
    assert set(verdicts(ONE, text, "ng")) == {"true"}
    assert "false" in verdicts(ONE, text.replace("A[l] = g(Z", "A[l] = g'(Z"), "ng")
    assert verdicts(ONE, text.replace("A[1]^T", "A[2]^T"), "ng")[2] == "unread"


SECOND = r"""
$$w_{11}^{(2)} \leftarrow 1 - 0.1\cdot 1.410 = 0.8590$$
$$w_{12}^{(2)} \leftarrow 2 - 0.1\cdot 1.677 = 1.832$$
$$w_{11}^{(1)} \leftarrow 0.1 - 0.1\cdot 3.254 = -0.2254$$
$$w_{12}^{(1)} \leftarrow 0.1 - 0.1\cdot 6.508 = -0.5508$$
$$w_{13}^{(1)} \leftarrow 0.1 - 0.1\cdot 9.762 = -0.8762$$
$$a_1^{(1)} = -0.2254\cdot 1 - 0.5508\cdot 2 - 0.8762\cdot 3 = -3.956$$
$$z_1^{(1)} = 0.01878$$
$$y_1 = 0.8590\cdot 0.01878 + 1.832\cdot 0.02017 = 0.05308$$
"""


def test_another_forward_pass_is_worked_with_the_updated_parameters() -> None:
    """Where all of a row is right so; a slip in it is told, and before an update nothing is of the next step."""
    hand = load("hand-3-2-2")
    solution = check_solution(hand, SECOND)
    assert solution.all_right
    assert any("from line 7 on numbers of the next step" in remark for remark in solution.remarks)
    assert not {"a1[1]", "z2[1]"} & {e.name for e in solution.sheet.entries}
    wrong = check_solution(hand, SECOND.replace("0.05308", "0.05408"))
    assert [r.right for r in wrong.relations if not r.verdict.right] == ["0.05408"]
    before = check_solution(hand, "\n".join(SECOND.split("\n")[6:]))
    assert not before.all_right


@pytest.mark.parametrize(
    ("row", "right"), [(r"\frac{dz}{dy} \frac{dy}{dx}", True), (r"\frac{dz}{dt} \frac{dy}{dx}", False)]
)
def test_the_chain_rule_in_bare_letters_is_no_statement_about_this_network(row: str, right: bool) -> None:
    """Its links must meet."""
    one = problem(layer(["3"], activation="identity"), x=["2"], t=["10"])
    (relation,) = check_solution(one, rf"$$\frac{{dz}}{{dx}} = {row}$$", notation="nielsen").relations
    assert relation.verdict.right == right
