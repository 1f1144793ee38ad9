"""Random networks against torch's autograd and optimizers, in float64; skipped where torch is not installed.

The torch side is built from the problem as written (its lists, its bias forms, its layout) and shares no code with the
package: its own forward pass, autograd for every derivative, torch.optim for every update.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import ACTIVATIONS, LOSSES, MORE_ACTIVATIONS, MORE_LOSSES, MORE_OPTIMIZERS, OPTIMIZERS, random_problem

from derivations.activations import ACTIVATIONS as tracer_activations
from derivations.losses import LOSSES as tracer_losses
from tracer import load, trace, train

torch = pytest.importorskip("torch")
F = torch.nn.functional

CLOSE = 1e-12  # of each array's largest entry

HS = {
    "identity": lambda a: a,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda a: F.leaky_relu(a, 0.01),
    "elu": F.elu,
    "softplus": lambda a: F.softplus(a, threshold=45),
    "silu": F.silu,
    "gelu": F.gelu,
    "softmax": lambda a: torch.softmax(a, 0),
    "mish": F.mish,
    "selu": F.selu,
    "bipolar_sigmoid": lambda a: torch.tanh(a / 2),
    "hard_sigmoid": lambda a: F.relu6(a + 3) / 6,  # torch has 1/6 of hardsigmoid in float32
    "square": torch.square,
    "step": lambda a: torch.heaviside(a.detach(), torch.ones_like(a)) + 0 * a,
    "sign": torch.sign,
}


def _log(y: Any, t: Any) -> Any:
    return torch.where(t == 0, 0.0, t * torch.log(torch.where(t == 0, 1.0, y)))


LOSS_PARTS = {
    "half_squared_error": lambda y, t: (y - t) ** 2 / 2,
    "squared_error": lambda y, t: (y - t) ** 2,
    "mean_squared_error": lambda y, t: (y - t) ** 2 / len(y),
    "half_mean_squared_error": lambda y, t: (y - t) ** 2 / (2 * len(y)),
    "cross_entropy": lambda y, t: -_log(y, t),
    "binary_cross_entropy": lambda y, t: -_log(y, t) - _log(1 - y, 1 - t),
    "kl_divergence": lambda y, t: _log(t, t) - _log(y, t),
    "absolute_error": lambda y, t: torch.abs(y - t),
    "huber": lambda y, t: F.huber_loss(y, t, reduction="none"),
    "hinge": lambda y, t: torch.relu(1 - t * y),
    "logistic_loss": lambda y, t: F.soft_margin_loss(y, t, reduction="none"),
    "given": lambda y, dz: y * dz,  # a stand-in whose slope is the given signal
    "output": lambda y, _: y,
}


def _number(written: Any) -> float:
    if isinstance(written, str) and "/" in written:
        above, below = written.split("/")
        return int(above) / int(below)
    return float(written)


def _tensor(written: Any) -> Any:
    array = np.vectorize(_number)(np.asarray(written, object)).astype(float)
    return torch.tensor(array, dtype=torch.float64)


class Twin:
    """The same network in torch: parameters as leaves, one forward pass with every a and z kept."""

    def __init__(self, problem: dict[str, Any], only: int | None = None) -> None:
        self.problem, self.training = problem, problem["training"]
        self.loss = problem["network"]["loss"]
        self.N = 0
        self.W, self.b, self.letters, self.h = [], [], [], []
        for layer in problem["network"]["layers"]:
            W = _tensor(layer["W"])
            W = W.T if problem["network"].get("layout") == "in_out" else W
            letter = next((k for k in ("b", "theta") if k in layer), "b" if layer.get("bias_column") else None)
            b = _tensor(layer[letter]) if letter in layer else W[:, -1] if letter else None
            W = W[:, :-1] if layer.get("bias_column") else W
            self.W.append(W.clone().contiguous().requires_grad_())
            self.b.append(None if b is None else b.clone().requires_grad_())
            self.letters.append(letter)
            self.h.append(HS[layer["activation"]])
        self.use(problem["samples"] if only is None else [problem["samples"][only]])
        self.optimizer = self._optimizer()

    def use(self, samples: list[dict[str, Any]]) -> None:
        """Work on these samples from now on."""
        units = len(self.W[-1])
        self.N = len(samples)
        self.x = torch.stack([_tensor(s["x"]) for s in samples], 1)
        key = {"given": "dz", "output": None}.get(self.loss, "t")
        rows = [
            torch.eye(units, dtype=torch.float64)[s["class"] - 1] if "class" in s else _tensor(s[key])
            for s in samples
            if key
        ]
        self.t = torch.stack(rows, 1) if rows else None

    def forward(self) -> Any:
        """E; every a, z and part of the loss stays in the twin."""
        self.a, self.z = [], [self.x.clone().requires_grad_()]
        for W, b, letter, h in zip(self.W, self.b, self.letters, self.h, strict=True):
            a = W @ self.z[-1]
            if b is not None:
                bias = b[:, None] if b.ndim else b
                a = a - bias if letter == "theta" else a + bias
            self.a.append(a)
            self.z.append(h(a))
        self.parts = LOSS_PARTS[self.loss](self.z[-1], self.t)
        self.per_sample = self.parts.sum(0)
        mean = self.training.get("reduction") == "mean"
        self.E = self.per_sample.sum() / (self.N if mean else 1)
        return self.E

    @property
    def parameters(self) -> list[Any]:
        """Every leaf, trained or not."""
        return [p for p in (*self.W, *self.b) if p is not None]

    def step(self) -> float:
        """One update by torch.optim; the loss before it."""
        E = self.forward()
        self.optimizer.zero_grad()
        E.backward()
        self.clip()
        self.optimizer.step()
        return float(E.detach())

    def _optimizer(self) -> Any:
        o, lr = self.training.get("optimizer", "sgd"), self.training["learning_rate"]
        moving = self.parameters if self.training.get("update_biases", True) else self.W
        decay = {"weight_decay": self.training.get("weight_decay", 0.01 if o == "adamw" else 0)}
        if o in ("adam", "adamw"):
            constants = {k: self.training[k] for k in ("beta1", "beta2", "epsilon")}
            betas = (constants["beta1"], constants["beta2"])
            kind = torch.optim.Adam if o == "adam" else torch.optim.AdamW
            return kind(moving, lr, betas, eps=constants["epsilon"], foreach=False, **decay)
        if o == "rmsprop":
            return torch.optim.RMSprop(moving, lr, alpha=0.9, eps=self.training["epsilon"], **decay)
        if o == "adagrad":
            return torch.optim.Adagrad(moving, lr, eps=self.training["epsilon"], **decay)
        if o == "sgd":
            return torch.optim.SGD(moving, lr, **decay)
        # classical: with a constant rate, v = mu v - eta g is -eta times torch's buffer.  ema: torch's dampening, but
        # from a buffer of zeros, where torch itself would begin with the bare gradient.
        mu = self.training["momentum"]
        ema = self.training.get("momentum_form") == "ema"
        more = {"nesterov": o == "nesterov", "dampening": mu if ema else 0} | decay
        optimizer = torch.optim.SGD(moving, lr, momentum=mu, **more)
        if ema:
            for p in moving:
                optimizer.state[p]["momentum_buffer"] = torch.zeros_like(p)
        return optimizer

    def clip(self) -> None:
        """Cut the gradients of what is trained; by norm as in the book, where torch adds 1e-6 to the length."""
        moving = [p for group in self.optimizer.param_groups for p in group["params"]]
        if "clip_value" in self.training:
            torch.nn.utils.clip_grad_value_(moving, self.training["clip_value"])
        length = torch.sqrt(sum((p.grad**2).sum() for p in moving))
        if "clip_norm" in self.training and length > self.training["clip_norm"]:
            for p in moving:
                p.grad *= self.training["clip_norm"] / length

    def expected(self) -> dict[str, Any]:
        """Every array of the first step by its text name, as `trace` shapes it."""
        E = self.forward()
        out: dict[str, Any] = {}
        if self.loss != "given":
            out["E"] = E
            out |= {f"E@{n + 1}": e for n, e in enumerate(self.per_sample)} if self.N > 1 else {}
            for n in range(self.N):
                mark = f"@{n + 1}" if self.N > 1 else ""
                out |= {f"E[{k + 1}]{mark}": part[n] for k, part in enumerate(self.parts)}
        own = self.per_sample.sum()  # a, z, dz and delta belong to their own sample's loss, summed or averaged
        for l, (a, z) in enumerate(zip(self.a, self.z[1:], strict=True), 1):
            out[f"a{l}"], out[f"z{l}"] = _rows(a), _rows(z)
            out[f"delta{l}"] = _rows(_gradient(own, a))
            if self.problem["network"]["layers"][l - 1]["activation"] == "softmax":
                J = torch.stack([_gradient(z[k].sum(), a) for k in range(len(a))])
                out[f"J{l}"] = _rows(J)
            else:
                out[f"slope{l}"] = _rows(_gradient(z.sum(), a))
            out[f"dW{l}"] = _gradient(E, self.W[l - 1])
            if self.b[l - 1] is not None:
                out[f"d{self.letters[l - 1]}{l}"] = _gradient(E, self.b[l - 1])
        out |= {f"dz{l}": _rows(_gradient(own, z)) for l, z in enumerate(self.z)}
        return {name: value.detach().numpy() for name, value in out.items()}

    def state(self) -> dict[str, Any]:
        """Every parameter by the name that it has after an update."""
        out = {}
        for l, (W, b, letter) in enumerate(zip(self.W, self.b, self.letters, strict=True), 1):
            out[f"W{l}_new"] = W.detach().numpy()
            if b is not None:
                out[f"{letter}{l}_new"] = b.detach().numpy()
        return out


def _gradient(of: Any, by: Any) -> Any:
    grad = torch.autograd.grad(of, by, retain_graph=True, allow_unused=True)[0]
    return torch.zeros_like(by) if grad is None else grad


def _rows(array: Any) -> Any:
    """Samples first, as people index a batch; without that axis for one sample."""
    return array[..., 0] if array.shape[-1] == 1 else torch.movedim(array, -1, 0)


def _summed(name: str, expected: dict[str, Any]) -> float:
    """The size of what a number is summed from: a bias shared by softmax's units has gradient 0 itself."""
    if name.startswith("E["):
        return float(expected["E"])
    layer = name[-1]
    return float(np.max(np.abs(expected[f"delta{layer}"]))) if name[:-1] in ("db", "dtheta") else 0.0


def assert_close(found: Any, wanted: Any, name: str, close: float = CLOSE, size: float = 0.0) -> None:
    """Equal to `close` of the largest entry, or of `size` where that is larger."""
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    assert found.shape == wanted.shape, f"{name} has shape {found.shape}, torch's {wanted.shape}"
    off, size = np.max(np.abs(found - wanted)), max(size, float(np.max(np.abs(wanted))))
    assert off <= close * size + 1e-300, f"{name} is off by {off} of {size}"


@pytest.mark.parametrize(("seed", "more"), [*((seed, False) for seed in range(200)), *((s, True) for s in range(60))])
def test_a_step_is_torchs(seed: int, more: bool) -> None:
    """Every array of a random network's step equals torch's to 1e-12 of its largest entry, and nothing is left out."""
    problem = random_problem(seed, more=more)
    step, twin = trace(load(problem)), Twin(problem)
    expected = twin.expected()
    for name, wanted in expected.items():
        assert_close(step[name], wanted, name, size=_summed(name, expected))
    for p in twin.parameters:  # the same gradients: Adam divides by their size, be it rounding noise
        p.grad = torch.zeros_like(p)
    for l, (W, b, letter) in enumerate(zip(twin.W, twin.b, twin.letters, strict=True), 1):
        W.grad = torch.tensor(step[f"dW{l}"])
        if b is not None:
            b.grad = torch.tensor(step[f"d{letter}{l}"], dtype=torch.float64)
    twin.clip()
    twin.optimizer.step()
    for name, wanted in twin.state().items():
        assert_close(step[name], wanted, name)
    optimizers_own = {"norm"} | {
        f"{s}{p}{l}{hat}" for s in "gmv" for p in LETTERS for l in range(1, 5) for hat in ("", "_hat")
    }
    assert set(map(_stem, step.values)) <= {*map(_stem, expected), *twin.state(), *optimizers_own}


LETTERS = ("W", "b", "theta")


def _stem(name: str) -> str:
    return name.split("@")[0].split("[")[0]


def test_the_random_networks_go_round_everything() -> None:
    """The 200 problems hold every activation as a hidden and as a last layer, every loss, bias form and option."""
    assert set(HS) == set(tracer_activations) == {*ACTIVATIONS, *MORE_ACTIVATIONS}
    problems = [random_problem(seed) for seed in range(200)]
    layers = [p["network"]["layers"] for p in problems]
    assert {layer["activation"] for own in layers for layer in own[:-1]} == set(ACTIVATIONS)
    assert {own[-1]["activation"] for own in layers} == set(ACTIVATIONS)
    assert {p["network"]["loss"] for p in problems} == set(LOSSES)
    assert {*LOSSES, *MORE_LOSSES} == set(LOSS_PARTS) == set(tracer_losses)
    assert set(MORE_LOSSES) <= {random_problem(seed, more=True)["network"]["loss"] for seed in range(60)}
    assert {len(own) for own in layers} == {1, 2, 3, 4}
    assert {(k, np.ndim(layer[k])) for own in layers for layer in own for k in ("b", "theta") if k in layer} == {
        (k, n) for k in ("b", "theta") for n in (0, 1)
    }
    assert {bool(layer.get("bias_column")) for own in layers for layer in own} == {True, False}
    more = [random_problem(seed, more=True)["training"] for seed in range(60)]
    assert {t.get("optimizer", "sgd") for t in more} == {*OPTIMIZERS, *MORE_OPTIMIZERS} - {"ema"}
    trainings = [p["training"] for p in problems]
    assert {(t.get("optimizer", "sgd"), t.get("momentum_form")) for t in trainings} == {
        *((o, None) for o in ("sgd", "momentum", "nesterov", "adam")),
        ("momentum", "ema"),
    }
    others = [layer["activation"] for s in range(60) for layer in random_problem(s, more=True)["network"]["layers"]]
    assert set(MORE_ACTIVATIONS) <= set(others)
    for key in ("reduction", "update_biases"):
        assert len({t.get(key) for t in trainings}) == 2
    assert {p["network"].get("layout") for p in problems} == {None, "in_out"}
    assert {min(len(p["samples"]), 2) for p in problems} == {1, 2}


def test_the_comparison_catches_a_wrong_number() -> None:
    """An entry off by 1e-11 of the largest one, and a transposed array, are refused."""
    wanted = np.arange(1.0, 7.0).reshape(2, 3)
    assert_close(wanted, wanted, "dW1")
    for wrong in (wanted + 6e-11 * (wanted == 2), wanted.T):
        with pytest.raises(AssertionError, match="dW1"):
            assert_close(wrong, wanted, "dW1")


def test_a_gradient_that_cancels_comes_out_at_rounding_size() -> None:
    """The sum of softmax's outputs does not depend on anything: every gradient is 0 to an ulp of 1, as in torch."""
    problem = random_problem(2)
    problem["network"] = {"loss": "output", "layers": [{"activation": "softmax", "W": [[0.3, -1.2], [0.5, 0.1]]}]}
    problem["samples"] = [{"x": [1.5, -0.7]}, {"x": [0.2, 0.9]}]
    step = trace(load(problem))
    for name in ("delta1", "dW1", "dz0"):
        assert np.max(np.abs(step[name])) <= 4e-16
        assert np.max(np.abs(Twin(problem).expected()[name])) <= 4e-16


STEPS = 24


def _trainable(seed: int, optimizer: str, samples: str) -> dict[str, Any]:
    problem = random_problem(seed, optimizer=optimizer, samples=samples)
    for layer in problem["network"]["layers"]:
        if layer["activation"] == "softmax":  # a shared bias has gradient 0 there, and Adam would divide rounding noise
            units = np.shape(layer["W"])[1 if problem["network"].get("layout") == "in_out" else 0]
            layer |= {key: np.broadcast_to(layer[key], units).tolist() for key in LETTERS[1:] if key in layer}
    problem["training"]["learning_rate"] = 0.02
    return problem


@pytest.mark.parametrize("samples", ["together", "in_turn", "apart"])
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, *MORE_OPTIMIZERS])
@pytest.mark.parametrize("seed", [1, 40, 73, 107, 140, 199])
def test_training_is_torchs(seed: int, optimizer: str, samples: str) -> None:
    """After 24 updates parameters and losses equal torch.optim's to 1e-11, samples together, in turn and apart."""
    problem = _trainable(seed, optimizer, samples)
    run = train(load(problem), STEPS, every=1)
    count = len(problem["samples"])
    apart = samples == "apart" and count > 1
    twins = [Twin(problem, k) for k in range(count)] if apart else [Twin(problem)]
    for k, twin in enumerate(twins, 1):
        losses = []
        for n in range(STEPS):
            if samples == "in_turn":
                twin.use([problem["samples"][n % count]])
            losses.append(twin.step())
        if problem["network"]["loss"] != "given":
            assert_close([row[k] for row in run.losses], losses, "E", 1e-11)
        for name, wanted in twin.state().items():
            found = {q: v for q, v in run.parameters.items() if _stem(q) == name and (f"@{k}" in q or not apart)}
            assert_close(np.reshape(list(found.values()), wanted.shape), wanted, name, 1e-11)
