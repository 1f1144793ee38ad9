"""What is printed: the table in every format, the worked lines, training runs."""

import csv
import io
import json
import re
from pathlib import Path

import jsonschema
import pytest

import tracer
from derivations.given import fraction
from tracer import trace, train
from tracer.show.formats import FORMATS
from tracer.show.work import Work

SCHEMAS = Path(tracer.__file__).parent / "schemas"
KINDS = {
    "float64": {},
    "float32": {"arithmetic": "float32"},
    "ball": {"arithmetic": "ball"},
    "by hand": {"digits": 4},
    "decimals": {"places": 3},
    "carry full": {"digits": 4, "carry": "full"},
}


def valid(text: str, schema: str) -> dict[str, object]:
    """The JSON, checked against its schema file."""
    value = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    jsonschema.validate(value, json.loads((SCHEMAS / schema).read_text(encoding="utf-8")))
    return value  # type: ignore[no-any-return]


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS.keys())
def test_the_same_finished_strings_in_every_format(options: dict[str, object]) -> None:
    """Each shown value of the table stands in each format, letter for letter."""
    table = trace("hand-3-2-2", **options).table()  # type: ignore[arg-type]
    for form in FORMATS:
        text = table.render(form)
        for row in table.rows:
            assert row.value in text, (form, row.name)


def test_a_row_reads_formula_numbers_value() -> None:
    """One row a quantity, `=` for exact and `≈` for rounded."""
    rows = {row.name: row for row in trace("hand-3-2-2", digits=4).table().rows}
    found = rows["dW2[1,1]"]
    assert (found.formula, found.numbers) == ("delta2[1]·z1[1]", "2.183·0.6457")
    assert (found.relation, found.value, found.stage) == ("≈", "1.410", "backward")
    assert (rows["dz1[2]"].relation, rows["dz1[2]"].value) == ("=", "20.41")
    assert rows["W1_new[1,1]"].numbers == "0.1 - 0.1·3.254"


@pytest.mark.parametrize("digits", [2, 3, 4, 6, 9])
def test_carrying_what_is_shown_every_line_can_be_worked_again(digits: int) -> None:
    """By hand, `=` lines are exactly equal and no line is off by more than its rounding."""
    for row in trace("hand-3-2-2", digits=digits).table().rows:
        if "exp" in row.numbers:
            continue
        expression = row.numbers.replace("·", "*").replace("²", "**2")
        assert re.fullmatch(r"[-0-9.e*+/() ]+", expression)
        exact = eval(re.sub(r"(?<!\*\*)\b(\d[\d.]*(?:e-?\d+)?)", r"fraction('\1')", expression), {"fraction": fraction})
        value = fraction(row.value)
        if row.relation == "=":
            assert exact == value, row
        else:
            assert 0 < abs(exact - value) <= abs(value) / 2 * fraction(f"1e-{digits - 1}"), row


def test_csv_of_a_trace_is_itself_a_sheet() -> None:
    """quantity,value columns with every number as shown."""
    rows = list(csv.DictReader(io.StringIO(trace("hand-3-2-2", digits=4).table().render("csv"))))
    assert {row["quantity"]: row["value"] for row in rows}["dW2[1,1]"] == "1.410"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in [row["formula"], row["numbers"]])


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS.keys())
def test_json_of_a_trace_follows_its_schema(options: dict[str, object]) -> None:
    """Versioned, ordered, shortest decimals that read back as the same float64."""
    step = trace("hand-3-2-2", **options)  # type: ignore[arg-type]
    value = valid(step.table().render("json"), "trace-1.json")
    assert value["schema"] == "bptrace/trace/1"
    assert list(value["values"]) == list(step.values)  # type: ignore[call-overload]
    if step.arithmetic != "ball":
        assert value["values"] == dict(step.values)


def test_radii_enclose_the_true_value() -> None:
    """|true - midpoint| <= radius, the true value taken from 300 bits."""
    value = valid(trace("hand-3-2-2", arithmetic="ball").table().render("json"), "trace-1.json")
    true = trace("hand-3-2-2", arithmetic="ball", precision=300).values
    for name, ball in true.items():
        middle, radius = value["values"][name], value["radii"][name]  # type: ignore[index]
        assert abs(ball - middle) <= radius, name
        assert radius <= 1e-13


def test_what_is_not_finite_is_null_with_a_note() -> None:
    """Cross-entropy of a certain wrong answer: E is infinite, and the trace says why."""
    problem = {
        "network": {"loss": "cross_entropy", "layers": [{"activation": "relu", "W": [[-1], [1]]}]},
        "samples": [{"x": [1], "class": 1}],
        "training": {"learning_rate": 1},
    }
    step = trace(problem)
    value = valid(step.table().render("json"), "trace-1.json")
    assert value["values"]["E[1]"] is None  # type: ignore[index]
    assert "cross_entropy needs y > 0" in value["notes"][0]  # type: ignore[index]
    assert not trace("hand-3-2-2").notes


def test_worked_lines_in_the_order_of_calculation() -> None:
    """Formula, numbers put in, value; a line is not said twice."""
    text = Work.of(trace("hand-3-2-2", digits=4)).render()
    assert (
        "  a1[1] = W1[1,1]·x[1] + W1[1,2]·x[2] + W1[1,3]·x[3]\n        = 0.1·1 + 0.1·2 + 0.1·3\n        = 0.6" in text
    )
    assert "  z2[1] = a2[1]\n        = 2.183\n\n" in text
    assert (
        text.index("  z1[1] =")
        < text.index("  delta2[1] =")
        < text.index("  delta1[1] =")
        < text.index("  W1_new[1,1] =")
    )


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "html", "csv", "json"])
def test_work_in_every_format(form: str) -> None:
    """Every quantity's value stands in the worked lines."""
    step = trace("hand-3-2-2", digits=4)
    text = Work.of(step).render(form)
    assert all(row.value in text for row in step.table().rows)


def test_samples_in_turn_are_steps_one_after_the_other() -> None:
    """The second step starts from the first one's updated weights, and shows them."""
    problem = {
        "network": {"loss": "squared_error", "layers": [{"activation": "identity", "W": [[1, 2]]}]},
        "samples": [{"x": [1, 2], "t": [3]}, {"x": [3, 4], "t": [5]}],
        "training": {"learning_rate": 0.5, "samples": "in_turn"},
    }
    rows = {row.name: row for row in trace(problem).table().rows}
    assert rows["W1_new[1,1]"].value == "-1"
    assert rows["a1[1]#2"].numbers == "(-1)·3 + (-2)·4"
    assert rows["a1[1]#2"].part == "Step 2, sample 2"
    assert trace(problem)["a1[1]#2"] == -11.0


def test_samples_apart_are_networks_of_their_own() -> None:
    """Each starts from the given weights; every name carries its sample."""
    step = trace("sigmoid-xor")
    assert step["W1_new[1,1]@2"] != step["W1_new[1,1]@3"]
    assert step["dz0[1]@4"] == step.values["dz0[1]@4"]
    assert len([n for n in step.values if n.startswith("E@")]) == 4


def test_a_batch_is_indexed_sample_first() -> None:
    """(samples, units) for a whole array; a single sample's with @."""
    step = trace("softmax-xor")
    assert step["z1"].shape == (4, 8)
    assert step["J2"].shape == (4, 2, 2)
    assert step["dW1"].shape == (8, 2)
    assert step["z1[3]@2"] == step["z1"][1, 2] == step["z1@2"][2]
    with pytest.raises(KeyError, match="name the sample too"):
        step["z1[3]"]


def test_hostile_titles_are_text_in_every_format() -> None:
    """Markup, LaTeX and terminal control characters in a title do nothing."""
    problem = {
        "title": "<script>alert(1)</script> \\input{x} \x1b[31m \u202e | *x*",
        "network": {"loss": "output", "layers": [{"activation": "tanh", "W": [[1]]}]},
        "samples": [{"x": [1]}],
        "training": {"learning_rate": 1},
    }
    for form in FORMATS:
        text = trace(problem).table().render(form)
        assert "\x1b" not in text
        if form == "html":
            assert "<script>" not in text
        if form in ("latex", "json"):
            continue
        assert "\u202e" not in text
    first = trace(problem).table().render("latex").splitlines()[1]
    assert first.startswith("% <script>")


def test_a_run_in_every_format() -> None:
    """Losses, outputs, gradients and parameters; JSON by its schema."""
    run = train("sigmoid-xor", 50, every=10, trace_step=3)
    value = valid(run.table().render("json"), "train-1.json")
    assert [entry["step"] for entry in value["losses"]] == [1, 10, 20, 30, 40, 50]  # type: ignore[attr-defined]
    assert value["trace_step"] == 3
    assert "a1[1]@2#3" in value["trace"]  # type: ignore[operator]
    assert run.table().render("csv").splitlines()[0] == "step,E@1,E@2,E@3,E@4"
    for form in ("table", "markdown", "html", "latex"):
        assert "W1_new[1,1]@4" in run.table().render(form).replace("\\", "")


def test_a_run_repeats_the_step() -> None:
    """Two steps of training are one step, then one step from its new weights."""
    first = trace("hand-3-2-2")
    run = train("hand-3-2-2", 2)
    again = train("hand-3-2-2", 1)
    assert again.parameters["W1_new[1,1]"] == first["W1_new[1,1]"]
    assert run.last.inputs["W1[1,1]#2"] == first["W1_new[1,1]"]


def test_places_print_without_exponents() -> None:
    """--places 10 is 10 decimals, however small the number."""
    text = train("sigmoid-xor", 2000, places=10).table().render()
    assert not re.search(r"\de[-+]?\d", text)


def test_an_unknown_format_is_an_error() -> None:
    """Told with the known ones."""
    with pytest.raises(ValueError, match="known are table, markdown"):
        trace("hand-3-2-2").table().render("docx")


def test_results_show_themselves_in_notebooks() -> None:
    """A mime bundle with plain text, HTML, LaTeX and Markdown."""
    bundle = trace("hand-3-2-2")._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "text/latex", "text/markdown"}
    assert "<script" not in bundle["text/html"]


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
@pytest.mark.parametrize("target", [[1, 0], [0, 1]])
@pytest.mark.parametrize("rounding", [{"places": 0}, {"places": 3}, {"digits": 3}])
def test_an_output_that_rounds_to_0_or_1_is_worked_on(loss: str, target: list[int], rounding: dict[str, int]) -> None:
    """By hand y may become exactly 0 or 1: dE/dy is not finite then, and delta = y - t still is."""
    problem = {
        "network": {
            "loss": loss,
            "layers": [{"activation": "softmax" if loss == "cross_entropy" else "sigmoid", "W": [[12], [-12]]}],
        },
        "samples": [{"x": [1], "t": target}],
        "training": {"learning_rate": 1},
    }
    step = trace(problem, **rounding)  # type: ignore[arg-type]
    assert step["delta1[1]"] == pytest.approx(1 - target[0], abs=1e-3)
    valid(step.table().render("json"), "trace-1.json")
    reaches = loss == "binary_cross_entropy" or "places" in rounding  # 1 - y, or y itself, is exactly 0
    assert bool(step.notes) == (target == [0, 1] and reaches)


def test_a_name_of_another_sample_is_refused_where_samples_go_in_turn() -> None:
    """Sample 2 is step 2 there; `@2` never gives sample 1's numbers."""
    problem = {
        "network": {"loss": "squared_error", "layers": [{"activation": "identity", "W": [[1, 2]]}]},
        "samples": [{"x": [1, 2], "t": [3]}, {"x": [3, 4], "t": [5]}],
        "training": {"learning_rate": 0.5, "samples": "in_turn"},
    }
    step = trace(problem)
    with pytest.raises(KeyError, match="write #2"):
        step["delta1@2"]
    assert step["x#2"].tolist() == [3, 4]
    assert step.inputs["x[1]#2"] == 3


def test_a_trace_is_a_mapping_of_names() -> None:
    """Membership, iteration, length; anything but a name is a TypeError that shows one."""
    step = trace("hand-3-2-2")
    assert "dW1[1,2]" in step
    assert "dW9[1,2]" not in step
    assert list(step) == list(step.values)
    assert len(step) == len(step.values)
    with pytest.raises(TypeError, match="indexed by a name"):
        step[3]  # type: ignore[index]
    with pytest.raises(KeyError, match="indices count from 1"):
        step["dW1[0,1]"]


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "html", "csv"])
def test_a_table_in_a_notation_has_its_letters_and_the_same_numbers(form: str) -> None:
    """Every format, the worked lines too; JSON keeps our names and says so."""
    traced = trace("hand-3-2-2", digits=4)
    for show in (lambda n="": traced.table(n).render(form), lambda n="": Work.of(traced, n).render(form)):
        ours, theirs = show(), show("ng")
        assert ("slope" in ours or r"\delta" in ours, "slope" in theirs or r"\delta" in theirs) == (True, False)
        assert {"g_1'", "g_{1}'"} & set(re.findall(r"g_\{?1\}?'", theirs.replace("&#x27;", "'")))
        assert re.findall(r"\d\.\d{3}", ours) == re.findall(r"\d\.\d{3}", theirs)
    assert "w5" in trace("shared-bias-2-2-2").table("names").render("csv")
    with pytest.raises(ValueError, match="json has our names"):
        traced.table("ng").render("json")
    with pytest.raises(ValueError, match="notation 'bourbaki' is not known"):
        traced.table("bourbaki")
