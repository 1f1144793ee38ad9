"""Somebody else's numbers: mappings, sheets, .npz, float32; read as they are meant and judged by their precision."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gallery.lists import LAYERED
from networks import random_problem
from plants import dense, gradients

import tracer
from tracer import load, trace, verify
from tracer.cli import main

Capture = pytest.CaptureFixture[str]
SCHEMA = Path(tracer.__file__).parent / "schemas" / "verify-1.json"


def test_npz_arrays_are_read_whole(tmp_path: Path) -> None:
    """An archive of dW1, db1, delta1 agrees; one wrong number in it is named."""
    problem = dense((3, 2, 2))
    ours = gradients(problem) | {"delta1": trace(problem)["delta1"]}
    path = tmp_path / "theirs.npz"
    np.savez(path, **ours)
    assert verify(problem, path).agrees
    ours["dW1"][1, 2] *= 1.001
    np.savez(path, **ours)
    assert verify(problem, path).wrong == ("dW1[2,3]",)


def test_an_archive_that_runs_code_is_refused(tmp_path: Path) -> None:
    """Nothing is unpickled, and what is no archive is said to be none."""
    path = tmp_path / "evil.npz"
    np.savez(path, dW1=np.array([{}], object))
    with pytest.raises(ValueError, match="holds object; save plain numbers"):
        verify("hand-3-2-2", path)
    path.write_bytes(b"PK nonsense")
    with pytest.raises(ValueError, match=r"not a readable \.npz file"):
        verify("hand-3-2-2", path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        verify("hand-3-2-2", tmp_path / "none.npz")


@pytest.mark.parametrize("given", [None, 1j, np.array([[1j, 2, 3]] * 2), [[1, 2], [3]], np.array(["a"]), "x y"])
@pytest.mark.parametrize("name", ["dW1", "dW1[1,1]"])
def test_what_is_no_number_is_told_in_one_line(name: str, given: Any) -> None:
    """A name and what to give, never numpy's own words; nothing becomes a number in silence."""
    with pytest.raises(ValueError, match=r"not numbers|not a number|has shape|is one number"):
        verify("hand-3-2-2", {name: given})


def test_numbers_of_every_type_are_read() -> None:
    """Fractions, decimals, whole numbers, numpy's: the value counts."""
    right = trace("hand-3-2-2")["dW1[1,1]"]
    for given in (Fraction(right), np.float64(right), np.array(right), [right], Decimal(right)):
        assert verify("hand-3-2-2", {"dW1[1,1]": given}).agrees
    for given in (3, np.int64(3), np.array([3]), True):
        assert verify("hand-3-2-2", {"dW1[1,1]": given}).wrong == ("dW1[1,1]",)


def test_printed_digits_are_half_a_unit_wide() -> None:
    """1.41 for 1.4092778 is right, 1.42 is not; a number written in full has no such room."""
    assert verify("hand-3-2-2", {"dW2[1,1]": "1.41"}).agrees
    assert not verify("hand-3-2-2", {"dW2[1,1]": "1.42"}).agrees
    assert not verify("hand-3-2-2", {"dW2[1,1]": 1.41}).agrees


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_traced_values_come_back_through_a_json_file(seed: int, tmp_path: Path) -> None:
    """What `trace --format json` writes is what `verify --gradients` reads, for batches and every bias form."""
    problem = load(random_problem(seed))
    values = dict(trace(problem).values)
    path = tmp_path / "values.json"
    path.write_text(json.dumps({"values": values}), encoding="utf-8")
    result = verify(problem, path)
    assert result.agrees, result


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_float32_numbers_are_judged_as_float32(seed: int) -> None:
    """A step worked in float32 agrees; a number wrong by a thousandth does not."""
    problem = load(random_problem(seed, samples="together"))
    single = trace(problem, arithmetic="float32")
    network = problem.network
    theirs: dict[str, Any] = {f"dW{l}": np.asarray(single[f"dW{l}"], np.float32) for l, _ in network}
    theirs |= {"z1": np.asarray(single["z1"], np.float32)}
    result = verify(problem, theirs)
    assert not result.wrong, result
    assert result.undecided == result.vague  # an array that is no larger than what float32 rounds
    worst = max(theirs, key=lambda name: np.abs(theirs[name]).max())
    theirs[worst] = theirs[worst] * np.float32(1.001)
    assert np.abs(theirs[worst]).max() == 0 or not verify(problem, theirs).agrees


def test_gradients_of_torch_agree() -> None:
    """float32 and float64 gradients straight from torch tensors; layouts of torch are ours."""
    torch = pytest.importorskip("torch")
    problem = dense((5, 4, 3), 2, "tanh")
    for dtype in (torch.float32, torch.float64):
        W = [torch.tensor(np.array(layer.W.floats), dtype=dtype, requires_grad=True) for _, layer in problem.network]
        b = [
            torch.tensor(np.array(layer.b.floats[:, 0]), dtype=dtype, requires_grad=True)
            for _, layer in problem.network
            if layer.b is not None
        ]
        x = torch.tensor(problem.x.floats[:, 0], dtype=dtype)
        assert problem.signals is not None
        t = torch.tensor(problem.signals.floats[:, 0], dtype=dtype)
        z = torch.tanh(W[1] @ torch.tanh(W[0] @ x + b[0]) + b[1])
        ((z - t) ** 2).sum().div(2).backward()
        theirs = {f"d{p}{l}": q[l - 1].grad for p, q in (("W", W), ("b", b)) for l in (1, 2)}
        assert verify(problem, theirs).agrees
        theirs["db2"][1] *= 1.001
        assert verify(problem, theirs).wrong == ("db2[2]",)


def test_names_and_shapes_that_do_not_fit_are_told() -> None:
    """A misspelt name, a shape, what is given, another optimizer's, nothing: each says what is wrong."""
    for theirs, message in (
        ({"dW9[1,1]": 1.0}, "dW9"),
        ({"dW1": np.zeros((7, 7))}, r"dW1 has shape \(7, 7\); ours is \(2, 3\)"),
        ({"W1[1,1]": 1.0}, "not judged here"),
        ({"vW1[1,1]": 1.0}, r"not worked out in this problem's update \(sgd\)"),
        ({}, "nothing is given"),
    ):
        with pytest.raises(ValueError, match=message):
            verify("hand-3-2-2", theirs)


def test_rows_for_inputs_are_read_as_the_transpose() -> None:
    """A dW of shape (inputs, units) is another layout, not an error, and is said."""
    problem = dense((3, 2, 2))
    ours = gradients(problem)
    result = verify(problem, ours | {"dW1": ours["dW1"].T})
    assert result.agrees
    assert "dW1 has one row for each input" in result.notes[0]


@pytest.mark.parametrize(("line", "code"), [("dW2[1,1],1.41", 0), ("dW2[1,1],-1.41", 1)])
def test_the_command_ends_with_its_verdict(line: str, code: int, tmp_path: Path, capsys: Capture) -> None:
    """Exit 0 where all is right and 1 where something is wrong; JSON keeps to its schema."""
    jsonschema = pytest.importorskip("jsonschema")
    sheet = tmp_path / "theirs.csv"
    sheet.write_text(line + "\n", encoding="utf-8")
    for form in ("table", "markdown", "csv", "json"):
        assert main(["verify", "hand-3-2-2", "--gradients", str(sheet), "--format", form]) == code
        out = capsys.readouterr().out
        assert "dW2[1,1]" in out
    value = json.loads(out)
    check = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    check.validate(value)
    assert not check.is_valid({**value, "verdict": "fine"})
    assert value["wrong"] == (["dW2[1,1]"] if code else [])


def test_plain_verify_of_every_sample_agrees(capsys: Capture) -> None:
    """Each shipped problem, by the command, exits with 0 and writes valid JSON."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for name in LAYERED:
        assert main(["verify", name, "--format", "json"]) == 0, name
        jsonschema.validate(json.loads(capsys.readouterr().out), schema)
    assert main(["verify", "hand-3-2-2", "--gradients", "none.csv"]) == 2


def test_not_a_number_is_wrong_not_left_out() -> None:
    """A gradient that is NaN or infinite where ours is a number is named."""
    ours = gradients(dense((3, 2, 2)))
    for bad in (np.nan, np.inf):
        theirs = ours | {"dW1": ours["dW1"].copy()}
        theirs["dW1"][0, 1] = bad
        assert verify(dense((3, 2, 2)), theirs).wrong == ("dW1[1,2]",)
    assert verify(dense((3, 2, 2)), {"dW1[1,1]": float("nan")}).wrong == ("dW1[1,1]",)


@pytest.mark.parametrize(
    ("samples", "name", "message"),
    [
        ("together", "dW1#2", "only 1 step is judged"),
        ("in_turn", "delta1@2", "write #2"),
        ("apart", "dW1", "name the sample too"),
    ],
)
def test_a_number_of_another_step_is_never_passed_over(samples: str, name: str, message: str) -> None:
    """What belongs to no judged step is refused, so that nothing agrees unseen."""
    problem = load(random_problem(8, samples=samples))
    with pytest.raises(ValueError, match=message):
        verify(problem, {name: np.zeros(trace(problem).steps[0].arrays["dW", 1].shape)})


@pytest.mark.parametrize("samples", ["together", "in_turn", "apart"])
@pytest.mark.parametrize("seed", [7, 8, 10])
def test_several_samples_in_every_way_of_training(samples: str, seed: int) -> None:
    """Numbers by name find their step and sample; one wrong is named with its mark."""
    problem = load(random_problem(seed, samples=samples))
    values = dict(trace(problem).values)
    assert verify(problem, values).agrees
    name = [n for n in values if n.startswith("dW1")][-1]
    result = verify(problem, values | {name: values[name] + 0.1})
    assert result.wrong == (name,)


ONE = {
    "network": {"loss": "half_squared_error", "layers": [{"activation": "identity", "W": [[0.1]], "b": [0.0]}]},
    "samples": [{"x": [0.3], "t": [0.7]}],
    "training": {"learning_rate": 0.1},
}


@pytest.mark.parametrize("number", ["-0.20099999010562897", "-0.20099999"])
def test_a_float32_that_is_written_in_full_is_one(number: str, tmp_path: Path) -> None:
    """As a float64 of it prints it, or as itself; said once.  The twins: a wrong one, and a float64 that is none."""
    path = tmp_path / "gradients.csv"
    path.write_text(f'quantity,value\n"dW1[1,1]",{number}\n', encoding="utf-8")
    found = verify(ONE, path)
    assert found.agrees
    assert [note for note in found.notes if "read as float32" in note] == ["the numbers are read as float32"]
    assert verify(ONE, {"dW1": [[float(number)]]}).agrees == (len(number) > 12)
    for wrong in (-float(number), -0.20099999010562890):
        assert not verify(ONE, {"dW1": [[wrong]]}).agrees


def test_nan_on_a_sheet_is_wrong_where_it_stands_and_nowhere_else(tmp_path: Path) -> None:
    """The others are judged; the twin: a word that is no number is refused."""
    path = tmp_path / "gradients.csv"
    path.write_text('quantity,value\n"dW1[1,1]",nan\ndb1[1],-0.67\n', encoding="utf-8")
    found = verify(ONE, path)
    assert found.wrong == ("dW1[1,1]",)
    assert any("dW1[1,1] is given as nan" in note for note in found.notes)
    path.write_text('quantity,value\n"dW1[1,1]",none\n', encoding="utf-8")
    with pytest.raises(ValueError, match="not a number"):
        verify(ONE, path)
