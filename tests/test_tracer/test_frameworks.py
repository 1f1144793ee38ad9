"""Weights and gradients out of torch, Keras, scikit-learn and .npz, against each framework's own numbers."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import Any

import numpy as np
import pytest

from tracer import ProblemError, load, trace
from tracer.frameworks import conventions, gradients_of, network_of, problem_of

RNG = np.random.default_rng(7)


def close(ours: Any, theirs: Any, allowed: float) -> bool:
    """Whether two arrays of one shape agree, relative to the largest entry."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    return ours.shape == theirs.shape and bool(np.abs(ours - theirs).max() <= allowed * np.abs(theirs).max())


# --- torch ---


def torch_and_nn() -> Any:
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    return torch, torch.nn


def torch_case(loss: Any, *layers: Any, dtype: str = "float64", K: int = 3, classes: bool = False) -> Any:
    torch, nn = torch_and_nn()
    model = nn.Sequential(*layers).to(getattr(torch, dtype))
    x = torch.randn(4, 3, dtype=getattr(torch, dtype))
    t = torch.tensor([0, 2, 1, 2]) if classes else torch.rand(4, K, dtype=x.dtype)
    loss(model(x), t).backward()
    return model, x, t


def torch_activations() -> list[str]:
    return ["Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "Softplus", "SiLU", "GELU", "Softmax", "Identity"]


@pytest.mark.parametrize("name", torch_activations())
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_torch_activations(name: str, dtype: str) -> None:
    """Each activation's gradients, traced from the weights that were read, are torch's own."""
    _, nn = torch_and_nn()
    h = nn.Softmax(dim=1) if name == "Softmax" else getattr(nn, name)()
    loss = nn.MSELoss()
    model, x, t = torch_case(loss, nn.Linear(3, 4), h, nn.Linear(4, 3, bias=False), nn.Tanh(), dtype=dtype)
    step = trace(problem_of(model, x, t, loss=loss))
    gradients = gradients_of(model)
    assert list(gradients) == ["dW1", "db1", "dW2"]
    for key, theirs in gradients.items():
        assert theirs.dtype == dtype
        assert close(step[key], theirs, 1e-12 if dtype == "float64" else 1e-5)
        assert not close(step[key] * 1.001, theirs, 1e-5)


def torch_losses() -> list[tuple[str, dict[str, Any], list[str], bool]]:
    return [
        ("MSELoss", {}, [], False),
        ("MSELoss", {"reduction": "sum"}, [], False),
        ("CrossEntropyLoss", {}, [], True),
        ("CrossEntropyLoss", {"reduction": "sum"}, [], True),
        ("NLLLoss", {}, ["LogSoftmax"], True),
        ("BCELoss", {"reduction": "sum"}, ["Sigmoid"], False),
        ("BCEWithLogitsLoss", {"reduction": "sum"}, [], False),
    ]


@pytest.mark.parametrize(("name", "options", "last", "classes"), torch_losses())
def test_torch_losses(name: str, options: dict[str, Any], last: list[str], classes: bool) -> None:
    """Each loss and reduction gives torch's value and torch's gradients; its words say over what it is a mean."""
    _, nn = torch_and_nn()
    loss = getattr(nn, name)(**options)
    ends = [getattr(nn, e)(dim=1) if e == "LogSoftmax" else getattr(nn, e)() for e in last]
    model, x, t = torch_case(loss, nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3), *ends, classes=classes)
    step = trace(problem_of(model, x, t, loss=loss))
    assert step["E"] == pytest.approx(float(loss(model(x), t).detach()), rel=1e-13)
    assert all(close(step[k], g, 1e-12) for k, g in gradients_of(model).items())
    assert ("sum over" if options else "mean over N") in conventions(model, loss=loss)


def test_mean_of_binary_cross_entropy() -> None:
    """A mean over the outputs too is refused for several outputs, and read for one."""
    _, nn = torch_and_nn()
    loss = nn.BCEWithLogitsLoss()
    model, x, t = torch_case(loss, nn.Linear(3, 1), K=1)
    step = trace(problem_of(model, x, t, loss=loss))
    assert close(step["dW1"], gradients_of(model)["dW1"], 1e-12)
    model, x, t = torch_case(loss, nn.Linear(3, 2), K=2)
    with pytest.raises(ProblemError, match=r"mean over the outputs too.*use reduction='sum'"):
        problem_of(model, x, t, loss=loss)


def test_torch_layout_and_words() -> None:
    """A torch network loads as it is, square weights not transposed, and its conventions are named."""
    _, nn = torch_and_nn()
    model = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(2, 2), nn.Sigmoid()), nn.Dropout(0.0), nn.Linear(2, 2))
    network = network_of(model, loss="half_squared_error")
    problem = {"network": network, "samples": [{"x": [1, 2], "t": [0, 1]}], "training": {"learning_rate": 0.1}}
    y = model(pytest.importorskip("torch").tensor([[1.0, 2.0]])).detach().numpy()[0]
    assert close(trace(load(problem))["z2"], y, 1e-6)
    assert [layer["activation"] for layer in network["layers"]] == ["sigmoid", "identity"]
    said = conventions(model, loss=nn.MSELoss())
    assert said.startswith("torch Sequential, float32\nlayout: torch Linear.weight is (out, in), as ours")
    assert "torch MSELoss(mean): mean over N*K, dE/dy = 2(y-t)/(NK)" in said
    assert gradients_of(model) == {}


def test_read_arrays_are_copies() -> None:
    """Training the model on does not change what was read."""
    torch, nn = torch_and_nn()
    loss = nn.MSELoss()
    model, _, _ = torch_case(loss, nn.Linear(3, 3))
    gradient, weights = gradients_of(model)["dW1"], network_of(model, loss=loss)["layers"][0]["W"]
    before = gradient.copy(), weights.copy()
    with torch.no_grad():
        model[0].weight += 1
        model[0].weight.grad += 1
    assert np.array_equal(before[0], gradient)
    assert np.array_equal(before[1], weights)


def test_torch_refusals() -> None:
    """What has no meaning in our terms is refused with its place and what to do."""
    torch, nn = torch_and_nn()
    linear = nn.Linear(2, 2)

    class Doubled(nn.Sequential):
        def forward(self, x: Any) -> Any:
            return 2 * super().forward(x)

    class Linear(nn.Linear):
        def forward(self, x: Any) -> Any:
            return 2 * super().forward(x)

    tied = nn.Linear(2, 2)
    tied.weight = linear.weight
    mse, ce = nn.MSELoss(), nn.CrossEntropyLoss()
    cases = [
        (nn.Sequential(linear, nn.BatchNorm1d(2)), mse, r"model\[1\]: BatchNorm1d is not one of the layers.*Linear"),
        (nn.Sequential(linear, nn.LeakyReLU(0.2)), mse, r"model\[1\]: LeakyReLU\(negative_slope=0.2\).*0.01"),
        (nn.Sequential(linear, nn.GELU("tanh")), mse, "approximate='tanh'"),
        (nn.Sequential(linear, nn.Softmax(dim=0)), mse, r"Softmax\(dim=0\)"),
        (nn.Sequential(nn.ReLU(), linear), mse, "before the first dense layer"),
        (nn.Sequential(linear, nn.ReLU(), nn.Tanh()), mse, "tanh follows relu"),
        (nn.Sequential(linear, nn.ReLU(), linear), mse, "twice"),
        (nn.Sequential(linear, nn.ReLU(), tied), mse, r"model\[2\]: its weight stands twice"),
        (nn.Sequential(Linear(2, 2)), mse, r"model\[0\]: .*Linear is not one of the layers"),
        (nn.Sequential(linear, nn.Dropout(0.5)), mse, r"model.eval\(\)"),
        (nn.Sequential(), mse, "no dense layer"),
        (Doubled(linear), mse, "forward of its own"),
        (linear, mse, "one Sequential"),
        (nn.Sequential(nn.Linear(2, 2)).half(), mse, r"model\[0\]: weight is float16"),
        (nn.Sequential(nn.Linear(2, 2)).bfloat16(), mse, r"model\[0\]: .*float32 or float64"),
        (nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=1)), ce, "the loss applies softmax itself"),
        (nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=1)), nn.NLLLoss(), "end the model in LogSoftmax"),
        (nn.Sequential(nn.Linear(2, 2), nn.LogSoftmax(dim=1)), mse, "no logarithms"),
        (nn.Sequential(nn.Linear(2, 2)), None, "loss: torch Sequential, float32 carries none"),
        (nn.Sequential(nn.Linear(2, 2)), nn.L1Loss(), "torch's L1Loss is not one of ours"),
        (nn.Sequential(nn.Linear(2, 2)), nn.MSELoss(reduction="none"), "not one number"),
        (nn.Sequential(nn.Linear(2, 2)), nn.CrossEntropyLoss(label_smoothing=0.1), "label_smoothing"),
        (nn.Sequential(nn.Linear(2, 2)), nn.CrossEntropyLoss(weight=torch.ones(2)), "weight"),
        (nn.Sequential(nn.Linear(2, 2)), "half_square_error", "did you mean half_squared_error"),
        ([1, 2], mse, "builtins.list cannot be read"),
    ]
    for model, loss, why in cases:
        with pytest.raises(ProblemError, match=why):
            network_of(model, loss=loss)


def test_targets() -> None:
    """Targets that do not fit the samples are refused; labels are read only where the loss is cross-entropy."""
    _, nn = torch_and_nn()
    model, x = nn.Sequential(nn.Linear(2, 3)), np.ones((3, 2))
    with pytest.raises(ProblemError, match="one number a sample, but there are 3 outputs"):
        problem_of(model, x, [0, 1, 2], loss=nn.MSELoss())
    with pytest.raises(ProblemError, match="t: missing; give the samples' targets too"):
        problem_of(model, x, loss=nn.MSELoss())
    with pytest.raises(ProblemError, match=r"3 dimensions; .*x.reshape\(len\(x\), -1\)"):
        problem_of(model, np.ones((3, 1, 2)), np.ones((3, 3)), loss=nn.MSELoss())
    with pytest.raises(ProblemError, match="2 rows, but x has 3 samples"):
        problem_of(model, x, np.ones((2, 3)), loss=nn.MSELoss())
    with pytest.raises(ProblemError, match="sample 3 has class 7"):
        problem_of(model, x, [0, 1, 7], loss=nn.CrossEntropyLoss())
    one = problem_of(model, [1, 2], [0, 0, 1], loss=nn.CrossEntropyLoss())
    assert trace(one)["t"].tolist() == [0, 0, 1]


# --- scikit-learn ---


def sklearn_gradients(model: Any, x: Any, y: Any) -> Any:
    """(loss, coef_grads, intercept_grads) as scikit-learn's own `_backprop` makes them."""
    sizes = [x.shape[1], *(c.shape[1] for c in model.coefs_)]
    blank = [np.empty((len(x), n)) for n in sizes]
    grads = [np.empty_like(c) for c in model.coefs_], [np.empty_like(b) for b in model.intercepts_]
    return model._backprop(x, y, None, [x, *blank[1:]], [np.empty_like(b) for b in blank[1:]], *grads)


def sklearn_fitted(kind: str, x: Any, t: Any, **options: Any) -> Any:
    network = pytest.importorskip("sklearn.neural_network")
    return getattr(network, kind)(hidden_layer_sizes=(4,), random_state=1, **options).partial_fit(
        x, t, **({"classes": np.unique(t)} if kind == "MLPClassifier" else {})
    )


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_sklearn_regressor_gradient_is_k_times_its_loss(activation: str) -> None:
    """Issue 8349: with K outputs the gradient is that of K times the loss that is reported."""
    x, t = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
    model = sklearn_fitted("MLPRegressor", x, t, activation=activation, alpha=0.0)
    reported, coefs, intercepts = sklearn_gradients(model, x, t)
    step = trace(problem_of(model, x, t))
    gradients = gradients_of(model, coef_grads=coefs, intercept_grads=intercepts)
    assert step["E"] == pytest.approx(reported, rel=1e-13)
    assert all(close(3 * step[k], g, 1e-12) for k, g in gradients.items())
    assert "of 1/2 the sum over K, not the mean (its issue 8349)" in conventions(model)
    own = trace(problem_of(model, x, t, loss="half_squared_error", reduction="mean"))
    assert all(close(own[k], g, 1e-12) for k, g in gradients.items())


def test_sklearn_classifiers() -> None:
    """Two classes are one logistic output, three are softmax; labels are read through `classes_`."""
    x = RNG.normal(size=(6, 3))
    for labels in (np.array(["no", "yes"] * 3), np.array([3, 5, 9] * 2)):
        model = sklearn_fitted("MLPClassifier", x, labels, alpha=0.0)
        problem = problem_of(model, x, labels)
        binary = model._label_binarizer.transform(labels).astype(float)
        reported, coefs, intercepts = sklearn_gradients(model, x, binary)
        step = trace(problem)
        assert step["E"] == pytest.approx(reported, rel=1e-12)
        for key, theirs in gradients_of(model, coef_grads=coefs, intercept_grads=intercepts).items():
            assert close(step[key], theirs, 1e-12)


def test_sklearn_words_and_refusals() -> None:
    """The penalty is told; a model that is not fitted, another loss and gradients of another shape are refused."""
    x, t = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    model = sklearn_fitted("MLPRegressor", x, t, alpha=0.01)
    assert "alpha/N W" in conventions(model)
    assert gradients_of(model) == {}
    with pytest.raises(ProblemError, match=r"dW1: has shape \(3, 4\)"):
        gradients_of(model, coef_grads=[c.T for c in model.coefs_])
    with pytest.raises(ProblemError, match="1 for W"):
        gradients_of(model, coef_grads=model.coefs_[:1])
    with pytest.raises(ProblemError, match="not fitted"):
        network_of(type(model)())
    with pytest.raises(ProblemError, match="poisson"):
        network_of(sklearn_fitted("MLPRegressor", x, np.abs(t), loss="poisson"))


# --- Keras, by a stand-in with the same attributes ---


def _class(name: str, module: str, **members: Any) -> Any:
    return type(name, (), {"__module__": module, **members})


class _KerasLayer:
    def __init__(self, config: dict[str, Any], weights: list[Any]) -> None:
        self.config, self.weights = config, weights

    def get_config(self) -> dict[str, Any]:
        return self.config

    def get_weights(self) -> list[Any]:
        return self.weights


def keras_layer(name: str, weights: Any = (), **config: Any) -> Any:
    return type(name, (_KerasLayer,), {"__module__": "keras.src.layers"})(config, list(weights))


def keras_model(*layers: Any, loss: Any = None) -> Any:
    model = _class("Sequential", "keras.src.models.sequential")()
    model.layers, model.loss = list(layers), loss
    return model


def keras_loss(name: str, **config: Any) -> Any:
    return _class(name, "keras.src.losses.losses", get_config=lambda self: config)()


def test_keras() -> None:
    """A kernel is turned, a compiled model brings its loss, gradients come in the order of the weights."""
    kernels = [RNG.normal(size=(3, 4)).astype(np.float32), RNG.normal(size=(4, 2)).astype(np.float32)]
    biases = [RNG.normal(size=4).astype(np.float32), RNG.normal(size=2).astype(np.float32)]
    l2 = {"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.1}}
    model = keras_model(
        keras_layer("InputLayer"),
        keras_layer("Dense", [kernels[0], biases[0]], activation="swish"),
        keras_layer("Dropout", rate=0.0),
        keras_layer("Dense", [kernels[1], biases[1]], activation="linear", kernel_regularizer=l2),
        keras_layer("Activation", activation="softmax"),
        loss="categorical_crossentropy",
    )
    network = network_of(model)
    assert network["loss"] == "cross_entropy"
    assert [layer["activation"] for layer in network["layers"]] == ["silu", "softmax"]
    assert np.array_equal(network["layers"][0]["W"], kernels[0].T.astype(float))
    gradients = gradients_of(model, gradients=[kernels[0], biases[0], kernels[1], biases[1]])
    assert np.array_equal(gradients["dW2"], kernels[1].T)
    assert gradients["dW2"].dtype == np.float32
    assert "kernel_regularizer" in conventions(model)
    assert "mean over N" in conventions(model)
    assert gradients_of(model) == {}
    x, z = np.array([0.5, -1, 2]), lambda a: a / (1 + np.exp(-a))
    a = z(x @ kernels[0] + biases[0]) @ kernels[1] + biases[1]
    assert close(trace(problem_of(model, x, [0, 1]))["z2"], np.exp(a) / np.exp(a).sum(), 1e-6)


def test_keras_losses() -> None:
    """Names and loss objects say their reduction; logits put the activation into the last layer."""
    dense = keras_layer("Dense", [np.ones((2, 1)), np.zeros(1)], activation="linear")
    model = keras_model(dense)
    cases = [
        ("mse", "mean_squared_error", "identity", "mean over N*K"),
        (keras_loss("MeanSquaredError", reduction="sum"), "mean_squared_error", "identity", "mean over K, sum over N"),
        (keras_loss("BinaryCrossentropy", from_logits=True), "binary_cross_entropy", "sigmoid", "takes logits"),
        (keras_loss("CategoricalCrossentropy", from_logits=True), "cross_entropy", "softmax", "takes logits"),
    ]
    for loss, ours, last, words in cases:
        network = network_of(model, loss=loss)
        assert (network["loss"], network["layers"][-1]["activation"]) == (ours, last)
        assert words in conventions(model, loss=loss)


def test_keras_refusals() -> None:
    """Keras' own leaky slope, unknown layers and activations, missing weights are refused."""
    weights = [np.ones((2, 2)), np.zeros(2)]
    dense = keras_layer("Dense", weights, activation="linear")
    cases = [
        ([keras_layer("Dense", weights, activation="leaky_relu")], "slope 0.2"),
        ([keras_layer("Dense", weights, activation={"class_name": "f"})], "a function of its own"),
        ([keras_layer("Dense", [], activation="relu")], r"model.build"),
        ([dense, keras_layer("LeakyReLU", negative_slope=0.3)], "negative_slope=0.3"),
        ([dense, keras_layer("ReLU", max_value=6.0)], "max_value=6.0"),
        ([dense, keras_layer("Dropout", rate=0.5)], r"layers\[1\] \(Dropout\).*set its rate to 0"),
        ([keras_layer("Conv2D")], r"layers\[0\] \(Conv2D\)"),
        ([dense, keras_layer("Flatten")], "Flatten"),
    ]
    for layers, why in cases:
        with pytest.raises(ProblemError, match=why):
            network_of(keras_model(*layers), loss="mse")
    with pytest.raises(ProblemError, match="1 arrays, but the model has 2"):
        gradients_of(keras_model(dense), gradients=[np.ones((2, 2))])


def test_what_keras_adds_is_refused_by_name() -> None:
    """Other penalties than L2, half precision, a layer twice, a call of its own, weighted losses, options of losses."""
    weights = [np.ones((2, 2)), np.zeros(2)]

    def dense(**about: Any) -> Any:
        options = {key: value for key, value in about.items() if key.endswith("regularizer")}
        layer = keras_layer("Dense", weights, activation="linear", **options)
        vars(layer).update({key: value for key, value in about.items() if key not in options})
        return layer

    own = type("Mine", (_class("Sequential", "keras.src.models.sequential"),), {"call": None})()
    own.layers = [dense()]
    plain, weighted = dense(), keras_model(dense(), loss="mse")
    weighted._compile_loss = _class("CompileLoss", "keras", _user_loss_weights=[0.5])()
    cases = [
        (
            keras_model(dense(kernel_regularizer={"class_name": "L1", "config": {"l1": 0.1}})),
            "kernel_regularizer is L1",
        ),
        (keras_model(dense(activity_regularizer={"class_name": "L2"})), "activity_regularizer is not one of ours"),
        (keras_model(dense(compute_dtype="bfloat16")), "computes in bfloat16"),
        (keras_model(dense(lora_enabled=True)), "lora_enabled"),
        (keras_model(plain, plain), r"layers\[1\] \(Dense\): is layers\[0\] \(Dense\) too"),
        (own, "Mine has a call of its own"),
        (weighted, r"compile\(loss_weights=...\)"),
    ]
    for model, why in cases:
        with pytest.raises(ProblemError, match=why):
            network_of(model, loss="mse")
    for loss, why in (
        (keras_loss("SparseCategoricalCrossentropy", ignore_class=1), "with ignore_class"),
        (keras_loss("CategoricalCrossentropy", axis=0), "with axis"),
        (keras_loss("Huber"), "Huber is not one of ours; give Keras' MeanSquaredError"),
        (keras_function("huber"), "huber is not one of ours; give Keras' MeanSquaredError"),
    ):
        with pytest.raises(ProblemError, match=why):
            network_of(keras_model(dense()), loss=loss)
    compiled = keras_model(dense(), loss=keras_function("mean_squared_error"))
    assert network_of(compiled)["loss"] == "mean_squared_error"


def keras_function(name: str) -> Any:
    def function(y_true: Any, y_pred: Any) -> None: ...

    function.__name__, function.__module__ = name, "keras.src.losses.losses"
    return function


def test_a_frozen_keras_layer_has_no_gradients() -> None:
    """They are left out of the list, as Keras leaves them out of trainable_weights, or all given."""
    layers = [keras_layer("Dense", [np.ones((2, 2)), np.zeros(2)], activation="linear") for _ in range(2)]
    layers[0].trainable = False
    model, two = keras_model(*layers), [np.ones((2, 2)), np.ones(2)]
    assert list(gradients_of(model, gradients=two)) == ["dW2", "db2"]
    assert list(gradients_of(model, gradients=[*two, *two])) == ["dW1", "db1", "dW2", "db2"]


# --- arrays ---


def test_npz(tmp_path: Any) -> None:
    """An .npz file holds weights and gradients in either layout; what it says of itself is read."""
    W, dW = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3)).astype(np.float32)
    np.savez(tmp_path / "a.npz", W1=W.T, b1=np.ones(2), dW1=dW.T, db1=np.zeros(2), layout="in_out",
             activations=["tanh"], loss="squared_error")  # fmt: skip
    network = network_of(tmp_path / "a.npz")
    assert np.array_equal(network["layers"][0]["W"], W)
    assert (network["loss"], network["layers"][0]["activation"]) == ("squared_error", "tanh")
    gradients = gradients_of(str(tmp_path / "a.npz"))
    assert list(gradients) == ["dW1", "db1"]
    assert np.array_equal(gradients["dW1"], dW)
    assert gradients["dW1"].dtype == np.float32
    assert "in_out, turned" in conventions(tmp_path / "a.npz")
    bare = network_of({"W1": W, "W2": W.T}, loss="output", activations=["relu", "identity"])
    assert [layer["activation"] for layer in bare["layers"]] == ["relu", "identity"]
    assert "(assumed" in conventions({"W1": W})


def test_npz_refusals(tmp_path: Any) -> None:
    """Nothing pickled is read, nothing of absurd size is unpacked, a broken file is one line."""
    np.savez(tmp_path / "objects.npz", W1=np.array([{}], object))
    np.savez(tmp_path / "empty.npz")
    (tmp_path / "text.npz").write_text("W1 = 1")
    with zipfile.ZipFile(tmp_path / "liar.npz", "w") as archive:
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }"
        archive.writestr("W1.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("W1.npy", b"\0" * 70_000_000)
    cases = [
        ("objects.npz", "holds object"),
        ("empty.npz", "W1: missing"),
        ("text.npz", "not a readable .npz file"),
        ("liar.npz", "cut short"),
        ("bomb.npz", "unpacks to more than 64 MB"),
        ("model.pt", r"'.pt' cannot be read here; save with np.savez"),
    ]
    for name, why in cases:
        with pytest.raises(ProblemError, match=why):
            network_of(tmp_path / name, loss="output", activations=["relu"])
    with pytest.raises(FileNotFoundError):
        network_of(tmp_path / "none.npz")
    for bad, why in (
        ({"activations": None}, "give 1 names"),
        ({"activations": ["relu", "relu"]}, "2 names for 1 layers"),
        ({"activations": ["rely"]}, "did you mean relu"),
        ({"activations": ["relu"], "layout": "rows"}, "known are out_in, in_out"),
    ):
        with pytest.raises(ProblemError, match=why):
            network_of({"W1": np.ones((2, 2))}, loss="output", **bad)


def test_no_framework_is_imported() -> None:
    """Reading models imports neither torch nor Keras nor scikit-learn."""
    code = (
        "import sys, tracer.frameworks; print(sorted({'torch', 'keras', 'tensorflow', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
