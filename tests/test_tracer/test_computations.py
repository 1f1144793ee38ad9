"""Problem files with equations of their own: traced, trained, listed, put beside, printed as blank sheets."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from steps import NAMES, named

import tracer
from derivations.computation import Computation
from derivations.names import UnknownName
from tracer import load, loads, trace, train
from tracer.answers.blank import SHEET_FORMATS, blank_sheet
from tracer.cli import main
from tracer.show.equation_list import FORMATS as LISTS
from tracer.show.equation_list import EquationList
from tracer.show.formats import FORMATS
from tracer.show.work import Work
from tracer.template_equations import KINDS, new_equations

SCHEMAS = Path(tracer.__file__).parent / "schemas"
RNN = """
title = "A tiny recurrent network"
equations = \"\"\"
h[0,k] = 0
a[t,j] = Σ_i Wx[j,i]*x[t,i] + Σ_k Wh[j,k]*h[t-1,k] + b[j]
h[t,j] = tanh(a[t,j])
y[m] = Σ_j V[m,j]*h[|t|,j]
E = Σ_m (y[m] - target[m])^2/2
\"\"\"
[parameters]
Wx = [[0.5], [-0.3]]
Wh = [[0.1, 0.4], [-0.2, 0.3]]
b = [0.0, 0.1]
V = [[1.0, -1.0]]
[given]
x = [[1.0], [0.5]]
target = [0.5]
[training]
learning_rate = 0.1
"""
LOGISTIC: dict[str, Any] = {
    "equations": """
        a[n] = Σ_i w[i]*x[i,n] + b
        y[n] = sigmoid(a[n])
        E = Σ_n -(t[n]*log(y[n]) + (1 - t[n])*log(1 - y[n]))
    """,
    "parameters": {"w": [0.5, -0.2], "b": 0.1},
    "given": {"x": [[1, 2, 0], [0.5, 1, 1]], "t": [1, 0, 1]},
    "training": {"learning_rate": 0.1, "sample": "n"},
}


def rnn() -> Computation:
    found = loads(RNN)
    assert isinstance(found, Computation)
    return found


def own_rnn(Wx: Any, Wh: Any, b: Any, V: Any) -> float:
    """The loss of the same network in loops."""
    h = [0.0, 0.0]
    for x in (1.0, 0.5):
        h = [np.tanh(Wx[j][0] * x + sum(Wh[j][k] * h[k] for k in range(2)) + b[j]) for j in range(2)]
    return (sum(V[0][j] * h[j] for j in range(2)) - 0.5) ** 2 / 2


def test_a_recurrent_network_through_time() -> None:
    """Values, the gradient as differences have it, the update; indexed by name, as arrays and as numbers."""
    step, numbers = trace(rnn()), tomllib.loads(RNN)["parameters"]
    given = {name: np.array(value, float) for name, value in numbers.items()}
    assert step["E"] == pytest.approx(own_rnn(**given))
    for name, value in given.items():
        for place in np.ndindex(value.shape):
            moved = [value.copy(), value.copy()]
            moved[0][place] += 1e-6
            moved[1][place] -= 1e-6
            up, down = (own_rnn(**{**given, name: other}) for other in moved)
            assert step[f"d{name}"][place] == pytest.approx((up - down) / 2e-6, abs=1e-8)
    assert np.allclose(step["Wh_new"], given["Wh"] - 0.1 * step["dWh"])
    assert step["h"].shape == (3, 2)
    assert step["h[2,1]"] == step["h_21"] == step["h_2_1"] == step["h"][2, 0]
    assert list(step.values)[:6] == ["h[0,1]", "h[0,2]", "a[1,1]", "a[1,2]", "h[1,1]", "h[1,2]"]
    assert step.inputs["Wx[2,1]"] == -0.3


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("q", "'q' is not a quantity of this computation; its arrays are"),
        ("hh[1,1]", "near: h"),
        ("h[3,1]", "h has 0..2, 1..2, such as h[0,1]"),
        ("h[1]", "h has 0..2, 1..2"),
        ("h[i,1]", "an index is a whole number"),
        ("h[1,1]@2", "there are 1 samples"),
        ("h[1,1]#2", "is not recorded in this trace"),
        ("[", "is not a quantity"),
        ("h" * 500, "is not a quantity"),
    ],
)
def test_a_name_that_it_does_not_have(written: str, says: str) -> None:
    with pytest.raises(UnknownName) as e:
        trace(rnn())[written]
    assert says in str(e.value)


@pytest.mark.parametrize(
    "how", [{}, {"arithmetic": "float32"}, {"arithmetic": "ball", "precision": 120}, {"digits": 3}]
)
def test_every_arithmetic_says_the_same(how: dict[str, Any]) -> None:
    """Within what each of them rounds; by hand what is shown is carried on."""
    exact, own = trace(rnn()), trace(rnn(), **how)
    for name, value in exact.values.items():
        found = own.values[name]
        found = float(found.mid()) if hasattr(found, "mid") else found
        assert found == pytest.approx(value, rel=0.05 if "digits" in how else 1e-5, abs=1e-3)
    if "digits" in how:
        assert own["a[2,1]"] == 0.217
        full = trace(rnn(), carry="full", **how)
        assert [name for name in full.values if full[name] != own[name]]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_format_of_what_new_writes(kind: str, form: str) -> None:
    """Tables and worked lines: general lines once, no line of a table over 80 columns."""
    step = trace(loads(new_equations(kind)), digits=4)
    table = step.table().render(form)
    assert Work.of(step).render(form)
    if form == "table":
        assert max(map(len, table.splitlines())) <= 80
        problem = step.problem
        assert isinstance(problem, Computation)
        assert table.count("\n\n  ") == len(problem.step.equations)


def test_the_general_line_stands_once_above_its_entries() -> None:
    table = str(trace(rnn()))
    line = "a[t,j] = Σ_i Wx[j,i]·x[t,i] + Σ_k Wh[j,k]·h[t-1,k] + b[j]"
    assert table.count(line) == 1
    rows = table[table.index(line) :].splitlines()
    assert rows[1].split() == ["a[1,1]", "0.5·1.0", "+", "0.1·0", "+", "0.4·0", "+", "0.0", "=", "0.5"]


def test_a_large_array_is_shown_in_part_and_filed_whole() -> None:
    """A table says how many entries it leaves out; CSV has each of them once."""
    own = load({"equations": "y[i] = w*x[i]\nE = Σ_i y[i]^2", "parameters": {"w": 2}, "given": {"x": list(range(100))}})
    table = trace(own).table()
    assert "... 76 more entries; --format csv and json have them all" in table.render()
    assert table.render("csv").count("\ny[") + table.render("csv").count('\n"y[') == 100
    assert len(json.loads(table.render("json"))["values"]) == 202


@pytest.mark.parametrize("kind", KINDS)
def test_json_keeps_its_schema(kind: str) -> None:
    own = loads(new_equations(kind))
    schema = json.loads((SCHEMAS / "trace-2.json").read_text(encoding="utf-8"))
    for how in ({}, {"arithmetic": "ball"}, {"digits": 3}):
        found = json.loads(trace(own, **how).table().render("json"))
        jsonschema.validate(found, schema)
    del found["arrays"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, schema)
    if own.training:
        run = json.loads(train(own, 3).table().render("json"))
        jsonschema.validate(run, json.loads((SCHEMAS / "train-2.json").read_text(encoding="utf-8")))


def test_training_goes_on_from_the_updated_parameters() -> None:
    """Two steps are a step from the parameters after the first; without training it is refused in one line."""
    file = tomllib.loads(RNN)
    first = trace(file)
    for name in file["parameters"]:
        file["parameters"][name] = np.asarray(first[f"{name}_new"]).tolist()
    run, second = train(rnn(), 2), trace(file)
    assert run.parameters == pytest.approx({n: v for n, v in second.values.items() if "_new" in n}, abs=1e-15)
    assert [loss[1] for loss in run.losses] == [first["E"], second["E"]]
    with pytest.raises(tracer.ProblemError, match="write \\[training\\]"):
        train({"equations": "E = w^2", "parameters": {"w": 1}}, 3)


@pytest.mark.parametrize("optimizer", ["momentum", "nesterov", "adam"])
def test_optimizers_keep_their_state(optimizer: str) -> None:
    """Against each optimizer in loops, on E = (w - 3)^2."""
    file = {
        "equations": "E = (w - 3)^2",
        "parameters": {"w": 10},
        "training": {"learning_rate": 0.1, "optimizer": optimizer},
    }
    w, v, m = 10.0, 0.0, 0.0
    for n in range(1, 6):
        g = 2 * (w - 3)
        if optimizer == "momentum":
            v = 0.9 * v - 0.1 * g
            w += v
        elif optimizer == "nesterov":
            v = 0.9 * v + g
            w -= 0.1 * (g + 0.9 * v)
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            w -= 0.1 * (m / (1 - 0.9**n)) / (np.sqrt(v / (1 - 0.999**n)) + 1e-8)
    assert train(file, 5).parameters["w_new"] == pytest.approx(w, rel=1e-12)


def test_samples_together_in_turn_and_apart() -> None:
    """What sample = "n" says: marks @2, updates in turn (#2), a computation each."""
    together = trace(LOGISTIC)
    assert together["y@2"] == together["y"][1] == together.values["y@2"]
    for way in ("in_turn", "apart"):
        own = trace({**LOGISTIC, "training": {**LOGISTIC["training"], "samples": way}})
        w, b = np.array([0.5, -0.2]), 0.1
        for k, (x, t) in enumerate((([1, 0.5], 1), ([2, 1], 0), ([0, 1], 1)), 1):
            y = 1 / (1 + np.exp(-(w @ np.array(x) + b)))
            after = w - 0.1 * (y - t) * np.array(x), b - 0.1 * (y - t)
            mark = f"#{k}" if way == "in_turn" else f"@{k}"
            assert np.allclose(own[f"w_new{mark}"], after[0])
            assert own[f"y{mark}"] == pytest.approx(y)
            if way == "in_turn":
                w, b = after
    with pytest.raises(UnknownName, match="y@1"):
        own["y"]


def test_the_short_delta_is_y_minus_t_only_where_it_holds() -> None:
    """Softmax with its cross-entropy: y - t for targets that sum to 1, by a label too; the long way for others."""
    lines = "y[k] = softmax_k(a[k])\nE = -Σ_k t[k]*log(y[k])"
    short = load({"equations": lines, "parameters": {"a": [0.5, -1]}, "given": {"t": [0.25, 0.75]}})
    long = load({"equations": lines, "parameters": {"a": [0.5, -1]}, "given": {"t": [1, 1]}})
    assert "da[k] = y[k] - t[k]" in str(EquationList(short))
    assert "da[k] = y[k] - t[k]" not in str(EquationList(long))
    y = np.exp([0.5, -1]) / np.exp([0.5, -1]).sum()
    assert np.allclose(trace(long)["da"], 2 * y - 1)


def test_a_slope_that_nobody_reads_has_no_line() -> None:
    """y - t goes past the slope of the sigmoid; another loss reads it."""
    assert "slope_y" not in str(EquationList(load(LOGISTIC)))
    squared = {**LOGISTIC, "equations": "a[n] = Σ_i w[i]*x[i,n] + b\ny[n] = sigmoid(a[n])\nE = Σ_n (y[n] - t[n])^2"}
    assert "slope_y" in str(EquationList(load(squared)))


def test_gates_give_each_wire_its_derivative() -> None:
    step = trace(loads(new_equations("circuit", "f = (x+y)*z")))
    assert step["f"] == -12
    assert (step["dq1"], step["dz"], step["dx"], step["dy"]) == (-4, 3, -4, -4)


def test_names_of_the_file_are_printed_and_read() -> None:
    names = {"delta[t,j]": "da[t,j]", "w5": "Wh[2,1]", "out": {"quantity": "y", "latex": r"\hat{y}"}}
    own = loads(RNN.replace("[given]", "[names]\n" + _toml(names) + "[given]"))
    step = trace(own, digits=3)
    table = str(step)
    assert "delta[t,j] = slope_h[t,j]·dh[t,j]" in table
    assert "w5" in step.table().render("csv")
    assert step["delta[2,1]"] == step["da[2,1]"]
    assert step["w5"] == -0.2
    assert r"\delta_{2,1}" in step.table().render("latex")
    assert r"\hat{y}_{1}" in step.table().render("latex")


def _toml(names: dict[str, Any]) -> str:
    rows = ((k, json.dumps(v) if isinstance(v, str) else None, v) for k, v in names.items())
    return "".join(
        f'"{k}" = {text}\n' if text else f'"{k}" = {{quantity = "{v["quantity"]}", latex = \'{v["latex"]}\'}}\n'
        for k, text, v in rows
    )


@pytest.mark.parametrize("form", SHEET_FORMATS)
def test_blank_sheets_have_whole_arrays_as_grids(form: str) -> None:
    asking = RNN + '[sheet]\nask = ["h", "dWh[1,2]", "E", "dV"]\n'
    sheet = blank_sheet(loads(asking), form)
    if form == "xlsx":
        assert isinstance(sheet, bytes)
        return
    assert isinstance(sheet, str)
    expected = {
        "csv": '"h[t,j]",j = 1,j = 2\nt = 0,,\nt = 1,,\nt = 2,,\n\nquantity,value\n"dWh[1,2]",\nE,\n\n"dV[m,j]"',
        "text": "h[1,1] = , h[1,2] =\n",
        "markdown": "| h[t,j] | j = 1 | j = 2 |",
        "json": '"E": null',
        "latex": r"$h_{t,j}$ & $j = 1$ & $j = 2$ \\",
    }[form]
    assert expected in sheet
    pointed = blank_sheet(loads(asking + "points = {E = 2}\n"), "csv")
    assert "E,,2" in str(pointed)


@pytest.mark.parametrize("form", LISTS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_list_of_equations(kind: str, form: str) -> None:
    assert EquationList(loads(new_equations(kind))).render(form)


def test_numbers_of_somebody_beside_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problem, sheet = tmp_path / "p.toml", tmp_path / "s.csv"
    problem.write_text(RNN, encoding="utf-8")
    sheet.write_text('quantity,value\n"a[1,1]",0.5\n"h[1,1]",0.462\nE,0.0038\n', encoding="utf-8")
    assert main(["trace", str(problem), "--beside", str(sheet)]) == 0
    assert "gives them all" in capsys.readouterr().out
    sheet.write_text("quantity,value\nb,0.5\n", encoding="utf-8")
    assert main(["trace", str(problem), "--beside", str(sheet)]) == 2
    assert "b is given, not worked out" in capsys.readouterr().err


def test_arrays_of_numpy_are_numbers_of_a_problem() -> None:
    own = load(
        {"equations": "E = Σ_i w[i]*x[i]", "parameters": {"w": np.array([1.0, 2])}, "given": {"x": np.arange(2)}}
    )
    assert trace(own)["dw"].tolist() == [0, 1]


def test_a_machine_format_that_leaves_a_kink_says_so() -> None:
    """0.3·1 and 0.1·3 are equal, and not in float64; a step without a tie says nothing."""
    file = {"equations": "m = max_i(v[i]*u[i])\nE = m^2", "parameters": {"v": [0.3, 0.1]}, "given": {"u": [1, 3]}}
    assert "with the numbers as written" in trace(file).notes[0]
    assert not trace(file, digits=4).notes
    assert not trace({**file, "given": {"u": [1, 2]}}).notes


def test_division_by_zero_by_hand_is_no_traceback() -> None:
    file = {"equations": "z = w - w\nE = 1/z + w^-1", "parameters": {"w": 1}}
    assert "not finite" in trace(file, digits=3).notes[0]
    assert "not finite" in trace(file).notes[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_steps_through_the_door_of_users(name: str) -> None:
    """The same numbers as the step made from Python, to the last bit."""
    own = named(name)
    problem = Computation(own.statements, *_tables(own), objective=own.objective, inputs=own.inputs)
    found, known = trace(problem), own.run()
    for array in own.differentiated:
        assert np.allclose(found[f"d{array}"], np.asarray(known[f"d{array}"], float), rtol=1e-12, atol=1e-14)


def _tables(own: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    parameters = {n: g for n, g in own.numbers.items() if n in own.parameters}
    return parameters, {n: g for n, g in own.numbers.items() if n not in own.parameters}


STARTS = {
    "a parameter": ("h[1] = c\nh[t] = a*h[t-1] + x[t]\nE = Σ_t h[t]^2", [2, 2.5, 4.25]),
    "backwards": ("h[3] = c\nh[t] = a*h[t+1] + x[t]\nE = Σ_t h[t]^2", [9.75, 3.5, 2][::1]),
    "both ends": ("h[1] = c\nh[3] = a\nh[t] = h[t-1] + x[t]\nE = Σ_t h[t]^2", [2, 3.5, 0.5]),
}


@pytest.mark.parametrize("name", STARTS)
def test_an_entry_at_an_end_may_have_its_own_equation(name: str) -> None:
    """The general line begins after it, or ends before; the gradient is that of differences."""
    equations, right = STARTS[name]
    x = {"a parameter": [9, 1.5, 3], "backwards": [8, 2.5, 9], "both ends": [9, 1.5, 3]}[name]

    def of(c: float) -> Any:
        return trace({"equations": equations, "parameters": {"a": 0.5, "c": c}, "given": {"x": x}})

    assert of(2)["h"].tolist() == right
    assert of(2)["dc"] == pytest.approx((of(2 + 1e-5)["E"] - of(2 - 1e-5)["E"]) / 2e-5, rel=1e-7)


def test_a_stated_range_that_shortens_a_sum_is_told() -> None:
    file = {"parameters": {"a": 0.5}, "given": {"d": [1, 2, 3]}}
    short = trace({**file, "equations": "for t = 2..3\nE = Σ_t (a - d[t])^2"})
    assert "t runs over 2..3" in short.notes[0]
    assert "d[1] stays out of this sum" in short.notes[0]
    assert not trace({**file, "equations": "for t = 1..3\nE = Σ_t (a - d[t])^2"}).notes


def test_indices_with_brackets_and_several_ranges_in_a_line() -> None:
    lines = "for i = 1..2, j = 1..3\nx is 0 outside\ny[i] = Σ_u k[u]*x[i-2(u-1)]\nE = Σ_i y[i]*π[i] + Σ_j c[j]"
    own = {"parameters": {"k": [1, 2]}, "given": {"x": [1, 2, 3], "π": [1, 2], "c": [1, 1, 1]}}
    assert trace({"equations": lines, **own})["dk"].tolist() == [5, 0]


def test_ties_of_the_largest_are_told_and_two_equal_arguments_count_once() -> None:
    """A clipped objective whose arms are the same function has the slope of one of them."""
    lines = "c = min(max(r, 0.8), 1.2)\nJ = min(r*A, c*A)"
    clipped = trace({"equations": lines, "objective": "J", "parameters": {"r": 1.1}, "given": {"A": 2}})
    assert clipped["dr"] == 2
    tied = trace({"equations": "a[p] = K*x[p]\nE = max_p(a[p])", "parameters": {"K": 2}, "given": {"x": [3, 3, 1]}})
    assert "several are the largest" in tied.notes[0]
    untied = trace({"equations": "a[p] = K*x[p]\nE = max_p(a[p])", "parameters": {"K": 2}, "given": {"x": [3, 2, 1]}})
    assert not untied.notes


def test_a_hinge_over_classes_is_looked_through_for_kinks() -> None:
    """[j = y] times a function with a kink: whole numbers among the exact ones."""
    file = {"equations": "E = Σ_j (1 - [j = y])*max(0, s[j] - s[y] + 1)", "parameters": {"s": [1, 3, 2.5]}}
    step = trace({**file, "given": {"y": 2}})
    assert step["ds"].tolist() == [0, -1, 1]
    assert not step.notes


def test_rationals_that_are_squared_again_and_again_stay_short() -> None:
    """h[t] = h[t-1]^2 + w x[t] in forty steps: by hand too, where each number is rounded as it is shown."""
    ones = ", ".join(["1"] * 40)
    lines = "h[0] = 3/7\nh[t] = h[t-1]^2 + w*x[t]\nE = h[40]"
    text = f"equations = '''\n{lines}\n'''\nparameters.w = '1/8'\ngiven.x = [{ones}]\n"
    problem = loads(text)
    exact = float(trace(problem)["E"])
    for carry in ("full", "shown"):
        assert float(trace(problem, digits=6, carry=carry)["E"]) == pytest.approx(exact, rel=1e-4)


def test_a_whole_number_that_counts_nothing_warns_nobody(recwarn: pytest.WarningsRecorder) -> None:
    """2^63 is larger than what a whole number of the machine holds; the twin, 2^53, may be an index."""
    for number in ("9223372036854775808", "-9223372036854775809", "9007199254740992"):
        step = loads(f'equations = "E = w*x^2"\n[parameters]\nw = 0\n[given]\nx = {number}')
        assert trace(step).shown
    assert not recwarn.list
