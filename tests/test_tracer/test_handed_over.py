"""`verify` of a model as it stands: weights, gradients, layout and loss out of the object, and what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from plants import dense, gradients
from test_tracer.test_frameworks import keras_layer, keras_model

import tracer
from tracer import ProblemError, problem_of, trace, verify
from tracer.cli import main

RNG = np.random.default_rng(5)
X, T = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))


def torch_model(loss: str = "MSELoss", dtype: str = "float32") -> tuple[Any, Any, Any, Any]:
    """(model, x, t, loss), with gradients; float32."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    kind = getattr(torch, dtype)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).to(kind)
    x, t = torch.tensor(X, dtype=kind), torch.tensor(T, dtype=kind)
    criterion = getattr(torch.nn, loss)()
    criterion(model(x), t).backward()
    return model, x, t, criterion


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_torch_model_brings_weights_and_gradients(dtype: str) -> None:
    """After backward() the model alone is judged, by the precision it has; the layout and the loss are named."""
    model, x, t, criterion = torch_model(dtype=dtype)
    found = verify(model, x=x, t=t, loss=criterion)
    assert found.agrees, found
    assert found.count == 4 * 3 + 4 + 2 * 4 + 2
    assert f"from: torch Sequential, {dtype}" in str(found)
    assert "layout: torch Linear.weight is (out, in), as ours" in str(found)
    assert "loss: torch MSELoss(mean): mean over N*K, dE/dy = 2(y-t)/(NK)" in str(found)
    widest = max(row.tolerance for row in found.rows)
    assert (1e-9 < widest < 1e-4) if dtype == "float32" else widest < 1e-12


def test_one_wrong_entry_of_a_torch_gradient_is_named() -> None:
    """The planted twin, and no constant is made responsible for one entry."""
    model, x, t, criterion = torch_model()
    model[0].weight.grad[1, 2] *= 1.0001
    found = verify(model, x=x, t=t, loss=criterion)
    assert found.wrong == ("dW1[2,3]",)
    assert found.explanations == ()


def test_a_problem_may_be_judged_against_the_model_that_holds_its_gradients() -> None:
    """`verify(problem, model)` is the same; a model of other weights is refused."""
    model, x, t, criterion = torch_model()
    problem = problem_of(model, x, t, loss=criterion)
    assert verify(problem, model).agrees
    model[2].weight.data[0, 1] += 0.5
    with pytest.raises(ProblemError, match=r"W2 of torch Sequential, float32 is not the problem's W2; give"):
        verify(problem, model)


def test_a_model_without_gradients_or_samples_is_told_what_to_do() -> None:
    """No backward(), no x, and what goes with a model alone."""
    model, x, t, criterion = torch_model()
    with pytest.raises(ProblemError, match="x: missing; give the model's samples too"):
        verify(model)
    with pytest.raises(ProblemError, match="loss: torch Sequential, float32 carries none"):
        verify(model, x=x, t=t)
    model.zero_grad()
    with pytest.raises(ProblemError, match=r"holds none; call backward\(\) on its loss first"):
        verify(model, x=x, t=t, loss=criterion)
    with pytest.raises(ProblemError, match="t: goes with a model; a problem has its own"):
        verify("hand-3-2-2", t=[1, 2])
    with pytest.raises(ProblemError, match="a list goes with a model"):
        verify("hand-3-2-2", [[1, 2]])


def test_keras_gradients_come_in_the_order_of_its_weights() -> None:
    """Kernels are (in, out): turned; a gradient of another factor is explained."""
    kernels = [RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))]
    biases = [RNG.normal(size=4), RNG.normal(size=2)]
    layers = [
        keras_layer("Dense", [k, b], activation=a) for k, b, a in zip(kernels, biases, ("tanh", "linear"), strict=True)
    ]
    model = keras_model(*layers, loss="mse")
    step = trace(problem_of(model, X, T))
    theirs = [step["dW1"].T, step["db1"], step["dW2"].T, step["db2"]]
    found = verify(model, theirs, x=X, t=T)
    assert found.agrees, found
    assert "keras kernel is (in, out), turned" in str(found)
    assert "2(y-t)/(NK)" in found.conventions["loss"]
    halved = verify(model, [g / 2 for g in theirs], x=X, t=T)
    assert "every gradient is 1/2 of ours" in str(halved)


@pytest.mark.parametrize("outputs", [1, 2, 3, 4])
def test_scikit_learns_regressor_disagrees_with_its_own_loss(outputs: int) -> None:
    """Its issue 8349, found by plain `verify`: with K outputs every gradient is K times that of the loss it states."""
    network = pytest.importorskip("sklearn.neural_network")
    t = RNG.normal(size=(5, outputs))
    t = t[:, 0] if outputs == 1 else t
    model = network.MLPRegressor(
        hidden_layer_sizes=3, alpha=0, solver="sgd", learning_rate_init=1, momentum=0, activation="tanh", random_state=0
    ).partial_fit(X, t)
    moved = deepcopy(model).partial_fit(X, t)
    theirs = [-v for v in moved._optimizer.velocities]
    found = verify(model, theirs, x=X, t=t)
    assert found.agrees == (outputs == 1)
    if outputs > 1:
        words = f"every gradient is {outputs} times ours: the sum over {outputs} outputs instead of the mean"
        assert found.explanations[0].startswith(words)
        assert "its issue 8349" in str(found)
    assert "scikit-learn coefs_[l] is (in, out), turned" in str(found)
    assert verify(model, theirs, x=X, t=t, loss="half_squared_error", reduction="mean").agrees


@pytest.mark.parametrize("kind", ["MLPRegressor", "MLPClassifier"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [1e-4, 0.1, 100.0])
def test_scikit_learns_penalty_is_taken_off(kind: str, activation: str, dtype: Any, alpha: float) -> None:
    """Its gradients have alpha/N W in them, which is said; a wrong number is found all the same."""
    network = pytest.importorskip("sklearn.neural_network")
    t = T if kind == "MLPRegressor" else np.array([0, 1, 2, 0, 1])
    x = X.astype(dtype)
    model = getattr(network, kind)(
        hidden_layer_sizes=(6,),
        activation=activation,
        alpha=alpha,
        solver="sgd",
        learning_rate_init=1,
        momentum=0,
        random_state=3,
    ).partial_fit(x, t, **({} if kind == "MLPRegressor" else {"classes": [0, 1, 2]}))
    theirs = [-v for v in deepcopy(model).partial_fit(x, t)._optimizer.velocities]
    told = {"loss": "half_squared_error", "reduction": "mean"} if kind == "MLPRegressor" else {}
    found = verify(model, theirs, x=x, t=t, **told)
    assert found.agrees, found
    assert f"alpha = {alpha:g} adds alpha/(2N) sum W^2 to the loss" in found.conventions["penalty"]
    assert "taken off the given gradients before" in found.conventions["penalty"]
    theirs[0][1, 1] += 0.01 * max(np.abs(g).max() for g in theirs)
    assert verify(model, theirs, x=x, t=t, **told).wrong == ("dW1[2,2]",)
    with pytest.raises(ProblemError, match=r"penalty: alpha = .*; give whole arrays"):
        verify(model, {"dW1[1,1]": 0.5}, x=x, t=t, **told)


@pytest.mark.parametrize("inside", [True, False])
def test_an_l2_of_keras_may_be_in_the_gradients_or_not(inside: bool) -> None:
    """Training adds it, who works out the loss by hand has not: both agree, told apart by the numbers."""
    l2 = {"class_name": "L2", "config": {"l2": 0.5}}
    kernel, bias = RNG.normal(size=(3, 2)), RNG.normal(size=2)
    layer = keras_layer("Dense", [kernel, bias], activation="tanh", kernel_regularizer=l2, bias_regularizer=l2)
    model = keras_model(layer, loss="mse")
    step = trace(problem_of(model, X, T))
    theirs = [step["dW1"].T + inside * 2 * 0.5 * kernel, step["db1"] + inside * 2 * 0.5 * bias]
    found = verify(model, theirs, x=X, t=T)
    assert found.agrees, found
    assert ("taken off" if inside else "not in the given gradients") in found.conventions["penalty"]
    schema = json.loads((Path(tracer.__file__).parent / "schemas" / "verify-1.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(found.render("json")), schema)
    theirs[1][1] += 0.001
    assert verify(model, theirs, x=X, t=T).wrong == ("db1[2]",)


@pytest.mark.parametrize("layout", ["out_in", "in_out", ""])
def test_an_archive_names_its_layout(layout: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Square matrices too: the layout that the file states is followed, and an assumed one is said to be assumed."""
    problem = dense((3, 3, 2))
    arrays = {k: v.T if layout == "in_out" and k.startswith("dW") else v for k, v in gradients(problem).items()}
    W1 = problem.network.layer(1).W.floats
    arrays |= {"layout": np.array(layout)} if layout else {}
    np.savez(tmp_path / "theirs.npz", W1=W1.T if layout == "in_out" else W1, **arrays)
    found = verify(problem, tmp_path / "theirs.npz")
    assert found.agrees, found
    words = "turned to W[j,i]" if layout == "in_out" else "one row a unit" if layout else "assumed"
    assert words in found.conventions["layout"]
    assert words in str(found)
    assert json.loads(found.render("json"))["conventions"] == dict(found.conventions)
    np.savez(tmp_path / "other.npz", W1=W1 + 1, **arrays)
    with pytest.raises(ProblemError, match="is not the problem's W1"):
        verify(problem, tmp_path / "other.npz")
    if layout:
        np.savez(tmp_path / "swapped.npz", **arrays | {"layout": "in_out" if layout == "out_in" else "out_in"})
        assert "dW1 is the transpose of ours" in str(verify(problem, tmp_path / "swapped.npz"))
    np.savez(tmp_path / "bad.npz", **arrays | {"layout": np.array("sideways")})
    assert main(["verify", "hand-3-2-2", "--gradients", str(tmp_path / "bad.npz")]) == 2
    assert "layout: 'sideways' is not known; known are out_in, in_out" in capsys.readouterr().err


def test_the_answer_for_a_problem_names_the_conventions_in_json() -> None:
    """A problem's own layout and loss, the mean or the sum over its samples included; in words where arrays came in."""
    found = verify("hand-3-2-2")
    assert "one row a unit" in json.loads(found.render("json"))["conventions"]["layout"]
    assert "layout:" not in str(found)
    batch = dense((3, 2, 2))
    assert "layout: out_in" in str(verify(batch, gradients(batch)))


# --- objects that do not behave ---


def _raises(*_: Any) -> Any:
    raise RuntimeError("out of paper\nand of ink")


def _hostile(name: str) -> Any:
    torch = pytest.importorskip("torch")
    model, *_ = torch_model()
    weight = model[0].weight
    if name == "meta":
        return model.to("meta")
    if name == "sparse":
        model[0].weight = torch.nn.Parameter(weight.detach().to_sparse(), requires_grad=False)
    elif name == "sparse gradient":
        model[2].weight.grad = model[2].weight.grad.to_sparse()
    elif name == "NaN":
        weight.data[1, 2] = float("nan")
    elif name == "infinite gradient":
        weight.grad[1, 2] = float("inf")
    elif name == "shape":
        model[2].weight = torch.nn.Parameter(torch.ones(2, 7))
    elif name == "half":
        model = model.half()
    elif name == "complex":
        model[0].weight = torch.nn.Parameter(weight.detach().to(torch.complex64))
    elif name == "vector":
        model[0].weight = torch.nn.Parameter(torch.ones(3))
    elif name == "no weight":
        model[0].weight = None
    elif name == "scalar bias":
        model[0].bias = torch.nn.Parameter(torch.tensor(1.0))
    return model


class _Bad(dict[str, Any]):
    def __getattribute__(self, name: str) -> Any:
        raise OSError("no attribute for you")


def _keras_hostile() -> Any:
    layer = keras_layer("Dense", [np.ones((3, 2)), np.zeros(2)], activation="linear")
    layer.get_weights = _raises
    return keras_model(layer)


MODELS: dict[str, Callable[[], Any]] = {
    **{
        name: (lambda name=name: _hostile(name))  # type: ignore[misc]
        for name in ("meta", "sparse", "sparse gradient", "NaN", "shape", "half", "complex", "vector", "no weight")
    },
    "scalar bias": lambda: _hostile("scalar bias"),
    "raises": _keras_hostile,
    "no model": lambda: 7,
    "a function": lambda: _raises,
    "attributes": lambda: keras_model(_Bad()),
    "layers": lambda: keras_model(None),  # a layer that is nothing
    "arrays of words": lambda: {"W1": np.array([["a"]]), "activations": np.array(["tanh"])},
    "a ragged mapping": lambda: {"W1": [[1, 2], [3]], "activations": ["tanh"]},
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_does_not_behave_is_one_clear_line(name: str) -> None:
    """Attributes that raise, wrong shapes, NaN, meta and sparse tensors: a ProblemError of one line, nothing else."""
    with pytest.raises(ProblemError) as error:
        verify(MODELS[name](), x=X, t=T, loss="mean_squared_error")
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 300
    assert ":" in text
    assert ";" in text


@pytest.mark.parametrize(
    ("x", "t", "words"),
    [
        (X[:, :2], T, "samples have 2 inputs"),
        (X[:4], T, "t: 5 rows, but x has 4 samples"),
        (X, T[:, :1], "t"),
        ("no numbers", T, "x: "),
        ([[1, 2], [3]], T, "x: "),
        (X * np.nan, T, "x"),
        (X, [["a", "b"]] * 5, "t"),
        (np.zeros((2, 2, 2)), T, "x"),
    ],
)
def test_samples_that_do_not_fit_are_one_clear_line(x: Any, t: Any, words: str) -> None:
    """Too few inputs, rows or columns, words, NaN."""
    model, *_ = torch_model()
    with pytest.raises(ProblemError, match=words) as error:
        verify(model, x=x, t=t, loss="mean_squared_error")
    assert "\n" not in str(error.value)


def test_an_infinite_gradient_is_wrong_and_said_to_be() -> None:
    """A gradient that overflowed is not an input error: it is judged."""
    model = _hostile("infinite gradient")
    assert "dW1[2,3]" in verify(model, x=X, t=T, loss="mean_squared_error", reduction="mean").wrong


def test_the_problem_of_a_model_is_traced() -> None:
    """The problem of a model traces like any other: its E is the framework's."""
    model, x, t, criterion = torch_model(dtype="float64")
    problem = problem_of(model, x, t, loss=criterion)
    assert trace(problem)["E"] == pytest.approx(float(criterion(model(x), t).item()), rel=1e-12)
