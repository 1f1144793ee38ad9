"""Each shipped sample works, and gives the numbers that its document prints.

Figures written out below are the documents' own, or worked by hand; none is this package's output pasted in.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gallery.lists import EVERY, LAYERED

from derivations.names import text
from tracer import Run, Trace, load, loads, trace, train
from tracer.answers.beside import Beside, put_beside
from tracer.answers.reading.sheets import Cell, read_sheet
from tracer.cli import FORMATS, main
from tracer.rounding import bounds
from tracer.samples import find_sample
from tracer.show.work import Work

XOR = {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 0}


def folder_of(sample: str) -> Path:
    """Where a sample's files are."""
    path = find_sample(sample)
    assert path is not None
    return path.parent


def sheet(sample: str, file: str) -> list[Cell]:
    """The cells of one of a sample's data files."""
    return read_sheet(folder_of(sample) / file)


def as_printed(value: float) -> str:
    """As numpy 1.x prints an array's entry: 8 decimals, without the zeros at the end."""
    return f"{value:.8f}".rstrip("0")


def unlike(values: Mapping[str, float] | Trace, cells: Iterable[Cell]) -> list[str]:
    """The cells whose printed digits are not those of our value; the one loss was printed in full."""
    return [
        c.name for c in cells if c.number != (repr(values[c.name]) if c.name == "E" else as_printed(values[c.name]))
    ]


def last_digit_changed(cell: Cell, by: int = 1) -> Cell:
    """The same cell with another last printed digit."""
    return replace(cell, number=cell.number[:-1] + str((int(cell.number[-1]) + by) % 10))


def shown(traced: Trace) -> dict[str, str]:
    """Every number of the table as its text, by name, read from the table itself."""
    return {row["quantity"]: row["value"] for row in csv.DictReader(io.StringIO(traced.table().render("csv")))}


@cache
def run_of(sample: str, steps: int) -> Run:
    """A training run, made once."""
    return train(sample, steps)


def learned(run: Run, sample: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and bias of each layer after a run (apart: of the network of one sample), for use outside the package."""
    mark, sizes, parameters = f"@{sample}" if sample else "", run.problem.network.sizes, run.parameters
    layers = []
    for l in range(1, len(sizes)):
        units, inputs = range(1, sizes[l] + 1), range(1, sizes[l - 1] + 1)
        W = np.array([[parameters[f"W{l}_new[{j},{i}]{mark}"] for i in inputs] for j in units])
        layers.append((W, np.array([parameters[f"b{l}_new[{j}]{mark}"] for j in units])))
    return layers


# --- all of them ---


def test_the_gallery_has_every_document() -> None:
    """The five documents' networks, the three textbook ones and a function of one's own are samples of layers."""
    assert LAYERED == [
        "classifier-3-3-3",
        "hand-3-2-2",
        "middle-layer",
        "own-function",
        "shared-bias-2-2-2",
        "sigmoid-xor",
        "softmax-xor",
        "softmax-xor-each",
        "tanh-xor",
        "threshold-xor",
    ]
    titles = [sample.title for sample in EVERY.values()]
    assert all(titles)
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("sample", EVERY)
def test_files_are_numbers_and_short_english(sample: str) -> None:
    """A sample's folder holds its problem, its line of the gallery and sheets of numbers, in ASCII but for Σ."""
    for path in folder_of(sample).iterdir():
        assert path.suffix in (".toml", ".csv"), path.name
        assert path.read_text(encoding="utf-8").replace("Σ", "").isascii(), path.name
        if path.name == "class.csv":
            assert path.read_text(encoding="utf-8").startswith("id,"), path.name
        elif path.suffix == ".csv":
            assert path.read_text(encoding="utf-8").startswith("quantity,value\n"), path.name
            assert read_sheet(path)


@pytest.mark.parametrize("options", [{}, {"arithmetic": "float32"}, {"arithmetic": "ball"}, {"digits": 4}], ids=str)
@pytest.mark.parametrize("sample", LAYERED)
def test_traces_in_every_arithmetic(sample: str, options: dict[str, Any]) -> None:
    """Each arithmetic records the same quantities, all finite, and within its rounding of float64."""
    plain, traced = trace(sample).values, trace(sample, **options).values
    assert list(traced) == list(plain)
    assert len(plain) > 20
    slack = {"float32": 2e-5, "ball": 1e-12}.get(options.get("arithmetic", ""), 0.02 if options else 0.0)
    for name, value in traced.items():
        assert abs(float(value) - plain[name]) <= slack * max(1, abs(plain[name])), name


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("sample", LAYERED)
def test_renders_in_every_format(sample: str, form: str) -> None:
    """Table, written-out work and training run come out in every format, with a row for every quantity."""
    traced = trace(sample)
    table, work, run = (
        traced.table().render(form),
        Work.of(traced).render(form),
        run_of(sample, 3).table().render(form),
    )
    assert all(words.strip() for words in (table, work, run))
    last = list(traced.values)[-1]
    if form == "json":
        assert list(json.loads(table)["values"]) == list(traced.values)
    elif form == "latex":
        assert table.count("\\\\") >= len(traced.values)
    else:
        assert last in table
        assert table.count("\n") >= len(traced.values)


@pytest.mark.parametrize("sample", LAYERED)
def test_the_command_knows_its_name(sample: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`bptrace trace NAME --digits 4` prints the table under the sample's title, in lines of at most 100 columns."""
    assert main(["trace", sample, "--digits", "4"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(load(sample).title + "\n")
    assert "4 significant figures" in out
    assert max(map(len, out.splitlines())) <= 100


# --- hand-3-2-2 (document 004) ---


def test_float32_gives_all_27_printed_results() -> None:
    """The float32 step gives every printed digit of the 27 results of document 004."""
    cells = sheet("hand-3-2-2", "printed_float32.csv")
    assert len(cells) == 27
    assert unlike(trace("hand-3-2-2", arithmetic="float32").values, cells) == []


def test_float32_comparison_sees_one_digit() -> None:
    """Twin: each of the 27 with its last digit changed is caught, and float64 does not give them all."""
    values = trace("hand-3-2-2", arithmetic="float32").values
    for cell in sheet("hand-3-2-2", "printed_float32.csv"):
        assert unlike(values, [last_digit_changed(cell)]) == [cell.name]
    assert len(unlike(trace("hand-3-2-2").values, sheet("hand-3-2-2", "printed_float32.csv"))) > 15


def beyond_ulps(values: Mapping[str, float], exact: Mapping[str, Any], ulps: int) -> list[str]:
    """The quantities further than so many ulp from the middle of their ball."""
    out = []
    for name, ball in exact.items():
        low, high = bounds(ball)
        assert low is not None
        assert high is not None
        middle = (low + high) / 2
        assert high - low <= abs(middle) / 2**120
        if abs(Fraction(values[name]) - middle) > ulps * Fraction(math.ulp(float(middle))):
            out.append(name)
    return out


def test_float64_is_within_3_ulp_of_exact() -> None:
    """Every float64 quantity of document 004 is within 3 ulp of the 200-bit value; moved by 7 ulp it is not."""
    values = dict(trace("hand-3-2-2").values)
    exact = trace("hand-3-2-2", arithmetic="ball", precision=200).values
    assert list(values) == list(exact)
    assert beyond_ulps(values, exact, 3) == []
    for name in exact:
        moved = {**values, name: values[name] + 7 * math.ulp(values[name])}
        assert beyond_ulps(moved, exact, 3) == [name]


HAND_TABLE = """
a1[1] 0.6    a1[2] 1.2    z1[1] 0.6457 z1[2] 0.7685 a2[1] 2.183  a2[2] 5.011 z2[1] 2.183 z2[2] 5.011
E[1] 2.383   E[2] 8.044   E 10.43      dz2[1] 2.183 dz2[2] 4.011 slope2[1] 1 slope2[2] 1
delta2[1] 2.183  delta2[2] 4.011 dW2[1,1] 1.410 dW2[1,2] 1.678 dW2[2,1] 2.590 dW2[2,2] 3.082
dz1[1] 14.22 dz1[2] 20.41 slope1[1] 0.2288 slope1[2] 0.1779 delta1[1] 3.254 delta1[2] 3.631
dW1[1,1] 3.254 dW1[1,2] 6.508 dW1[1,3] 9.762 dW1[2,1] 3.631 dW1[2,2] 7.262 dW1[2,3] 10.89
dz0[1] 1.052 dz0[2] 1.052 dz0[3] 1.052
W2_new[1,1] 0.859 W2_new[1,2] 1.832 W2_new[2,1] 2.741 W2_new[2,2] 3.692
W1_new[1,1] -0.2254 W1_new[1,2] -0.5508 W1_new[1,3] -0.8762
W1_new[2,1] -0.1631 W1_new[2,2] -0.5262 W1_new[2,3] -0.889
"""


def test_hand_table_at_four_figures() -> None:
    """`--digits 4` gives the whole hand table, carrying what is shown, all six hidden gradients included."""
    words = HAND_TABLE.split()
    expected = dict(zip(words[::2], words[1::2], strict=True))
    by_hand = shown(trace("hand-3-2-2", digits=4))
    zeros_of_exact = {"W2_new[1,1]": "0.8590", "W1_new[2,3]": "-0.8890"}  # exact: with or without the last zero
    for name, number in expected.items():
        assert by_hand[name] in (number, zeros_of_exact.get(name)), name
    assert set(by_hand) == set(expected)


def test_hand_table_keeping_every_digit() -> None:
    """With `--carry full` the ten gradients are the exact ones to four figures; six differ from those by hand."""
    kept, by_hand = shown(trace("hand-3-2-2", digits=4, carry="full")), shown(trace("hand-3-2-2", digits=4))
    gradients = {name: number for name, number in kept.items() if name.startswith("dW")}
    assert gradients == {
        "dW2[1,1]": "1.409",
        "dW2[1,2]": "1.677",
        "dW2[2,1]": "2.590",
        "dW2[2,2]": "3.083",
        "dW1[1,1]": "3.252",
        "dW1[1,2]": "6.505",
        "dW1[1,3]": "9.757",
        "dW1[2,1]": "3.631",
        "dW1[2,2]": "7.262",
        "dW1[2,3]": "10.89",
    }
    differ = {name for name in gradients if by_hand[name] != kept[name]}
    assert differ == {"dW2[1,1]", "dW2[1,2]", "dW2[2,2]", "dW1[1,1]", "dW1[1,2]", "dW1[1,3]"}


def ways(beside: Beside) -> tuple[set[str], set[str]]:
    """The printed numbers that exact work does not give, and those that carrying does not give."""
    rows = beside.rows
    return (
        {r.name for r in rows if "keeping every digit" not in r.ways},
        {r.name for r in rows if "carrying what is printed" not in r.ways},
    )


def test_no_single_policy_gives_the_21_printed_numbers() -> None:
    """Of 21 printed numbers exact work gives 19 and carrying 18, and each what the other misses."""
    cells = sheet("hand-3-2-2", "printed.csv")
    beside = put_beside(load("hand-3-2-2"), cells)
    assert len(beside.rows) == 21
    assert {r.name: r.printed for r in beside.rows}["dW2[1,1]"] == "1.410"
    not_exact, not_carried = ways(beside)
    assert not_exact == {"dW2[1,1]", "W2_new[1,1]"}
    assert not_carried == {"dW2[1,2]", "dW2[2,2]", "dW1[1,1]"}
    assert "19 of 21" in beside.summary
    assert "18 of 21" in beside.summary
    assert "no single way gives them all" in beside.summary


def test_beside_sees_a_wrong_digit() -> None:
    """Twin: with any one printed number's last digit changed, no way gives that number."""
    cells = sheet("hand-3-2-2", "printed.csv")
    for k, cell in enumerate(cells):
        planted = [*cells[:k], last_digit_changed(cell, by=5), *cells[k + 1 :]]
        row = next(r for r in put_beside(load("hand-3-2-2"), planted).rows if r.name == cell.name)
        assert not row.ways, cell.name


def test_beside_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """`bptrace trace hand-3-2-2 --beside printed.csv` prints every number as it was printed, and both counts."""
    assert main(["trace", "hand-3-2-2", "--beside", str(folder_of("hand-3-2-2") / "printed.csv")]) == 0
    out = capsys.readouterr().out
    for cell in sheet("hand-3-2-2", "printed.csv"):
        assert any(line.split()[:2] == [cell.name, cell.number] for line in out.splitlines()), cell.name
    assert "19 of 21" in out
    assert "18 of 21" in out


# --- middle-layer (document 002) ---


@pytest.mark.parametrize("file", ["given.csv", "printed.csv"])
def test_every_printed_array_of_the_middle_layer(file: str) -> None:
    """Weights, outputs, errors, signal passed on and new weights of document 002 come out to the 8 digits printed."""
    cells, traced = sheet("middle-layer", file), trace("middle-layer")
    assert len(cells) == {"given.csv": 9, "printed.csv": 25}[file]
    assert unlike(traced, cells) == []
    for cell in cells:
        assert unlike(traced, [last_digit_changed(cell)]) == [cell.name]


def test_middle_layer_against_its_neighbours() -> None:
    """Twin: another seed, or a bias column that is read as a weight's, gives other numbers."""
    path = folder_of("middle-layer") / "problem.toml"
    content, cells = path.read_text(encoding="utf-8"), sheet("middle-layer", "printed.csv")
    assert "seed = 11" in content
    assert len(unlike(trace(loads(content.replace("seed = 11", "seed = 12"))), cells)) == 25
    bare = loads(content.replace("bias_column = true", "").replace("shape = [3, 3]", "shape = [3, 2]"))
    assert len(unlike(trace(bare), [c for c in cells if not c.name.startswith("b")])) > 15


def test_middle_layer_is_exact_at_eight_decimals() -> None:
    """Keeping every digit explains all 25 printed numbers of document 002: the program rounded only what it printed."""
    not_exact, _ = ways(put_beside(load("middle-layer"), sheet("middle-layer", "printed.csv")))
    assert not_exact == set()


# --- exclusive or (documents 000, 001, 003) ---


def reads_its_input(outputs: Iterable[float]) -> bool:
    """Whether outputs for the four inputs differ: a layer that reads a stale input gives one output for all."""
    return np.ptp(list(outputs)) > 1e-3


def forward(layers: list[tuple[np.ndarray, np.ndarray]], h: Any, x: Iterable[float], *, stale: bool = False) -> float:
    """A 2-2-1 forward pass written out here; `stale` reads the hidden layer as it was built, at zero."""
    (W1, b1), (W2, b2) = layers
    z1 = h(W1 @ np.array(list(x), float) + b1)
    return float(h(W2 @ (0 * z1 if stale else z1) + b2)[0])


HIDDEN = {"tanh-xor": np.tanh, "sigmoid-xor": lambda a: 1 / (1 + np.exp(-a))}


@pytest.mark.parametrize("sample", ["tanh-xor", "sigmoid-xor"])
def test_xor_one_network_per_input_converges(sample: str) -> None:
    """After 10,000 steps each network of documents 000 and 001 is within 0.02 of its target, gradients within 1e-3."""
    run = run_of(sample, 10_000)
    for k, (x, target) in enumerate(XOR.items(), 1):
        output = run.outputs[f"z2[1]@{k}"]
        assert abs(output - target) < 0.02
        assert [run.last[f"x[{i}]@{k}#10000"] for i in (1, 2)] == list(x)
        before = run.losses[0][k]
        assert run.losses[-1][k] == pytest.approx((output - target) ** 2)
        assert run.losses[-1][k] < before
    assert len(run.gradients) == 9 * 4
    assert max(map(abs, run.gradients.values())) < 1e-3
    assert max(map(abs, train(sample, 1).gradients.values())) > 0.04  # not small to begin with


@pytest.mark.parametrize("sample", ["tanh-xor", "sigmoid-xor"])
def test_xor_layer_2_reads_layer_1(sample: str) -> None:
    """Outputs follow the input: our z2 is that of a forward pass written out here, before and after training."""
    h, first, run = HIDDEN[sample], trace(sample), run_of(sample, 10_000)
    ones = [(np.ones((2, 2)), np.ones(2)), (np.ones((1, 2)), np.ones(1))]
    for k, x in enumerate(XOR, 1):
        assert first[f"z2[1]@{k}"] == pytest.approx(forward(ones, h, x), rel=1e-14)
        assert run.outputs[f"z2[1]@{k}"] == pytest.approx(forward(learned(run, k), h, x), abs=1e-5)
    assert reads_its_input(first[f"z2[1]@{k}"] for k in range(1, 5))
    assert reads_its_input(forward(learned(run, 1), h, x) for x in XOR)
    assert not reads_its_input(forward(ones, h, x, stale=True) for x in XOR)  # twin: what the documents' code does


def test_xor_steps_are_the_documents_equations() -> None:
    """The first step of document 001 is its nine partial derivatives: 2 (y - x_3) y (1 - y) and the chain below it."""
    traced = trace("sigmoid-xor")
    s = HIDDEN["sigmoid-xor"]
    for k, (x, target) in enumerate(XOR.items(), 1):
        y1 = s(x[0] + x[1] + 1.0)
        y = s(y1 + y1 + 1.0)
        common = 2 * (y - target) * y * (1 - y)
        below = common * 1 * y1 * (1 - y1)
        expected = {"dW2[1,1]": common * y1, "dW2[1,2]": common * y1, "db2[1]": common}
        for j in (1, 2):
            expected |= {f"dW1[{j},1]": below * x[0], f"dW1[{j},2]": below * x[1], f"db1[{j}]": below}
        for name, value in expected.items():
            assert traced[f"{name}@{k}"] == pytest.approx(value, rel=1e-13), name


def test_softmax_xor_learns_all_four() -> None:
    """One network of document 003 learns all four inputs in 1000 steps of a batch, and reads its input."""
    run = run_of("softmax-xor", 1000)
    right = [run.outputs[f"z2[{1 + target}]@{k}"] for k, target in enumerate(XOR.values(), 1)]
    assert min(right) > 0.95
    assert run.losses[-1][1] < 0.05 < 0.5 < run.losses[0][1]
    assert run.losses[-1][1] == pytest.approx(-np.mean(np.log(right)))  # the mean over the batch, as Keras reports it
    assert reads_its_input(run.outputs[f"z2[1]@{k}"] for k in range(1, 5))
    layers = learned(run)
    for k, x in enumerate(XOR, 1):
        (W1, b1), (W2, b2) = layers
        logits = W2 @ np.maximum(W1 @ np.array(x) + b1, 0) + b2
        odds = np.exp(logits - logits.max())
        assert run.outputs[f"z2[1]@{k}"] == pytest.approx(odds[0] / odds.sum(), abs=1e-3)


def test_softmax_xor_starts_as_keras_does() -> None:
    """Weights are drawn within Glorot's limit and differ, biases are 0, the batch gradient is the mean of four."""
    traced = trace("softmax-xor")
    for name in ("W1", "W2"):
        W = np.asarray(traced[name])
        assert np.abs(W).max() <= math.sqrt(6 / 10)
        assert np.abs(W).max() > 0.5
        assert len(np.unique(W)) == W.size
    assert not np.any(traced["b1"])
    assert not np.any(traced["b2"])
    own = [traced[f"delta2[1]@{k}"] * traced[f"z1[8]@{k}"] for k in range(1, 5)]
    assert own != pytest.approx([0] * 4)
    assert traced["dW2[1,8]"] == pytest.approx(np.mean(own), rel=1e-13)


def test_softmax_xor_each_learns_its_own() -> None:
    """One network per input of document 003, from weights 1, gives its class over 0.999 after 1000 steps."""
    run, first = run_of("softmax-xor-each", 1000), trace("softmax-xor-each")
    for k, (x, target) in enumerate(XOR.items(), 1):
        assert run.outputs[f"z2[{1 + target}]@{k}"] > 0.999
        assert first[f"a2[1]@{k}"] == 8 * (sum(x) + 1) + 1  # layer 2 reads eight hidden units, each x1 + x2 + 1
        assert first[f"z2[1]@{k}"] == 0.5
    assert max(map(abs, run.gradients.values())) < 1e-3


# --- the textbook ones ---


def test_shared_bias_gives_the_well_known_numbers() -> None:
    """The 2-2-2 step gives the loss and the eight new weights that are known of it, in the names w1 to w8."""
    traced = trace("shared-bias-2-2-2")
    assert f"{traced['E_total']:.9f}" == "0.298371109"
    known = {
        "w1_new": "0.149780716",
        "w2_new": "0.199561432",
        "w3_new": "0.249751144",
        "w4_new": "0.299502287",
        "w5_new": "0.358916480",
        "w6_new": "0.408666186",
        "w7_new": "0.511301270",
        "w8_new": "0.561370121",
    }
    assert {name: f"{traced[name]:.9f}" for name in known} == known
    assert traced["b2_new"] == 0.6
    run = run_of("shared-bias-2-2-2", 10_000)
    assert f"{run.losses[-1][1]:.10f}" == "0.0000351085"


def test_shared_bias_names_are_read() -> None:
    """Names from the problem's table are read as the quantities they stand for, gradients and new values included."""
    traced = trace("shared-bias-2-2-2")
    pairs = {
        "w5": "W2[1,1]",
        "dw5": "dW2[1,1]",
        "w5_new": "W2_new[1,1]",
        "w2": "W1[1,2]",
        "dw2": "dW1[1,2]",
        "w7": "W2[2,1]",
        "dw8": "dW2[2,2]",
        "i2": "x[2]",
        "net_h1": "a1[1]",
        "out_h2": "z1[2]",
        "net_o2": "a2[2]",
        "out_o1": "z2[1]",
        "target_o2": "t[2]",
        "E_o1": "E[1]",
        "E_total": "E",
        "delta_h2": "delta1[2]",
        "delta_o1": "delta2[1]",
    }
    for theirs, ours in pairs.items():
        assert traced[theirs] == traced[ours], theirs
    assert traced["w5"] == 0.4
    assert traced["dw5"] == pytest.approx(0.082167041, abs=1e-9)
    assert len({traced[ours] for ours in pairs.values()}) == len(pairs)  # twin: no two could be confused unseen
    with pytest.raises(KeyError, match="w9"):
        traced["w9"]


def test_shared_bias_gradient_is_the_sum() -> None:
    """A shared bias collects the errors of all units of its layer, and without update_biases = false it learns."""
    traced = trace("shared-bias-2-2-2")
    for l in (1, 2):
        assert traced[f"db{l}"] == pytest.approx(traced[f"delta{l}[1]"] + traced[f"delta{l}[2]"], rel=1e-15)
        assert traced[f"db{l}"] != traced[f"delta{l}[1]"]
    content = (folder_of("shared-bias-2-2-2") / "problem.toml").read_text(encoding="utf-8")
    learning = trace(loads(content.replace("update_biases = false", "update_biases = true")))
    assert learning["b2_new"] == pytest.approx(0.6 - 0.5 * learning["db2"], rel=1e-15)
    assert learning["b2_new"] != 0.6


def test_threshold_step_gives_the_well_known_numbers() -> None:
    """The first update of the threshold network, input (1, 1), is the textbooks' to four decimals, sign included."""
    traced = trace("threshold-xor")
    known = {
        "y3": "0.5250",
        "y4": "0.8808",
        "y5": "0.5097",
        "e": "-0.5097",
        "Err5": "-0.1274",
        "Err3": "0.0381",
        "Err4": "-0.0147",
        "Dw35": "-0.0067",
        "Dw45": "-0.0112",
        "Dtheta5": "0.0127",
        "Dw13": "0.0038",
        "Dw23": "0.0038",
        "Dtheta3": "-0.0038",
        "Dw14": "-0.0015",
        "Dw24": "-0.0015",
        "Dtheta4": "0.0015",
        "w13_new": "0.5038",
        "w14_new": "0.8985",
        "w23_new": "0.4038",
        "w24_new": "0.9985",
        "w35_new": "-1.2067",
        "w45_new": "1.0888",
        "theta3_new": "0.7962",
        "theta4_new": "-0.0985",
        "theta5_new": "0.3127",
    }
    assert {name: f"{traced[name]:.4f}" for name in known} == known


def test_threshold_updates_follow_one_another() -> None:
    """Four inputs in turn are four updates; each starts from the weights that the one before has left."""
    traced = trace("threshold-xor")
    assert len(traced.steps) == 4
    for n in (2, 3, 4):
        before = "" if n == 2 else f"#{n - 1}"
        for name in ("W1", "W2", "theta1", "theta2"):
            assert np.array_equal(traced[f"{name}#{n}"], traced[f"{name}_new{before}"])
        for name in ("W2", "theta1", "theta2"):  # W1 stays at the last input, (0, 0)
            assert not np.array_equal(traced[f"{name}#{n}"], traced[f"{name}_new#{n}"])
    assert [traced["x[1]"], traced["x[2]#2"], traced["t[1]#2"]] == [1, 1, 1]


def test_threshold_network_learns_xor() -> None:
    """With enough epochs the threshold network answers all four inputs, each to 0.1."""
    run = run_of("threshold-xor", 4 * 12_000)
    wanted = [XOR[int(x[0]), int(x[1])] for x in np.asarray(load("threshold-xor").x.floats).T]
    outputs = [run.outputs[f"z2[1]@{k}"] for k in range(1, 5)]
    assert outputs == pytest.approx(wanted, abs=0.1)
    assert reads_its_input(outputs)


def test_classifier_switches_one_unit_off() -> None:
    """In the classifier the first ReLU unit is off: its error and gradients are 0 and its weights stay."""
    traced = trace("classifier-3-3-3")
    assert traced["a1[1]"] < 0
    assert list(traced["z1"] > 0) == [False, True, True]
    assert list(traced["delta1"] != 0) == [False, True, True]
    assert traced["dz1[1]"] != 0
    moved = np.asarray(traced["W1_new"]) != np.asarray(traced["W1"])
    assert moved.tolist() == [[False] * 3, [True] * 3, [True] * 3]


def test_classifier_error_is_y_minus_t() -> None:
    """`class = 2` is the target (0, 1, 0), and the softmax layer's error is y - t; a long way round agrees."""
    traced = trace("classifier-3-3-3")
    assert list(traced["t"]) == [0, 1, 0]
    assert np.array_equal(traced["delta3"], traced["z3"] - traced["t"])
    assert np.asarray(traced["J3"]).T @ traced["dz3"] == pytest.approx(traced["delta3"], abs=1e-15)
    assert np.sum(traced["z3"]) == pytest.approx(1, abs=1e-15)
    assert run_of("classifier-3-3-3", 1000).outputs["z3[2]"] > 0.99


def test_no_exercise_ends_in_cancellation() -> None:
    """Four figures suffice in the one-step exercises: by hand each quantity is within 1% of the exact one."""
    for sample in ("hand-3-2-2", "shared-bias-2-2-2", "classifier-3-3-3", "middle-layer"):
        exact, by_hand = trace(sample).values, trace(sample, digits=4)
        for step in by_hand.steps:
            for q, _ in step.items():
                name = text(by_hand.problem.network, q)
                assert by_hand[name] == pytest.approx(exact[name], rel=0.01), (sample, name)
