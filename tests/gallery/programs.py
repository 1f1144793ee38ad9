"""The samples' steps in torch: each objective from the books and torch's own layers, derivatives and updates by torch.

`python tests/gallery/programs.py` records its numbers in `recorded.json`, so that the tests need no torch.

A program takes the numbers of a sample's file and returns the arrays that it works out, by the names of the file, its
objective last; an array that is made time by time is a list.  p is what a program is given.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
F = torch.nn.functional
P = Mapping[str, Any]
Worked = dict[str, Any]

SAMPLES = Path(__file__).parents[2] / "samples"
RECORDED = Path(__file__).parent / "recorded.json"


# --- circuits, single units ---


def apples(p: P) -> Worked:
    apples = p["price"] * p["number"]
    return {"apples": apples, "total": apples * p["tax"]}


def circuit_xy_z_t(p: P) -> Worked:
    return {"f": (p["x"] * p["y"] + p["z"]) * p["t"]}


def circuit_sigmoid(p: P) -> Worked:
    return {"f": torch.sigmoid(p["w0"] * p["x0"] + p["w1"] * p["x1"] + p["w2"])}


def squared_sigmoid(p: P) -> Worked:
    a = p["w"] * p["x"] + p["b"]
    h = torch.sigmoid(a)
    y = h.square()
    return {"a": a, "h": h, "y": y, "L": F.mse_loss(y, p["t"])}


def one_neuron(p: P) -> Worked:
    n = F.linear(p["x"], p["w"][None], p["b"][None])[0]
    return {"n": n, "o": torch.tanh(n)}


def perceptron(p: P) -> Worked:
    net = p["w"] @ p["x"] - p["theta"]
    y = torch.heaviside(net.detach(), torch.zeros_like(net))
    return {"net": net, "y": y, "E": -(p["d"] - y) * net}


def perceptron_criterion(p: P) -> Worked:
    s = p["w"] @ p["x"]
    return {"s": s, "E": F.relu(-p["y"] * s)}


def adaline(p: P) -> Worked:
    net = p["x"] @ p["w"] + p["b"]
    return {"net": net, "E": F.mse_loss(net, p["t"], reduction="sum") / 2}


def rbf_units(p: P) -> Worked:
    r = torch.cdist(p["x"][None], p["c"])[0].square()
    phi = torch.exp(-r / (2 * p["s"] ** 2))
    y = p["w"] @ phi
    return {"r": r, "phi": phi, "y": y, "E": F.mse_loss(y, p["t"]) / 2}


def maxout(p: P) -> Worked:
    a = F.linear(p["x"], p["W"], p["b"])
    y = F.max_pool1d(a[None, None], 3)[0, 0, 0]
    return {"a": a, "y": y, "E": F.mse_loss(y, p["t"]) / 2}


# --- regression, losses ---


def line_fit(p: P) -> Worked:
    y = p["w"] * p["x"] + p["b"]
    return {"y": y, "E": F.mse_loss(y, p["t"])}


def logistic_l2(p: P) -> Worked:
    a = F.linear(p["x"], p["w"][None], p["b"][None])[:, 0]
    punished = p["lambda"] / 2 * p["w"].square().sum()
    return {"a": a, "E": F.binary_cross_entropy_with_logits(a, p["t"]) + punished}


def softmax_regression(p: P) -> Worked:
    a = p["W"] @ p["x"] + p["b"][:, None]
    return {"a": a, "E": F.cross_entropy(a.T, p["t"].argmax(0))}


def huber(p: P) -> Worked:
    y = p["w"] * p["x"] + p["b"]
    return {"y": y, "E": F.huber_loss(y, p["t"], delta=float(p["d"]))}


def hinge_svm(p: P) -> Worked:
    f = F.linear(p["x"], p["w"][None], p["b"][None])[:, 0]
    hinge = F.hinge_embedding_loss(p["y"] * f, -torch.ones_like(f))  # of classes -1: max(0, 1 - input)
    return {"f": f, "E": p["C"] * hinge + p["w"].square().sum() / 2}


def kl_divergence(p: P) -> Worked:
    return {"E": F.kl_div(p["a"].log_softmax(0), p["p"], reduction="sum")}


def label_smoothing(p: P) -> Worked:
    a = p["W"] @ p["x"]
    return {"a": a, "E": F.cross_entropy(a, p["t"].argmax(), label_smoothing=float(p["e"]))}


# --- layers ---


def dropout_mask(p: P) -> Worked:
    a = F.linear(p["x"], p["W"], p["b"])
    d = torch.sigmoid(a) * p["mask"] / p["keep"]
    y = p["v"] @ d + p["c"]
    return {"a": a, "d": d, "y": y, "E": F.mse_loss(y, p["t"]) / 2}


def tied_autoencoder(p: P) -> Worked:
    h = torch.sigmoid(F.linear(p["x"], p["W"], p["b"]))
    y = F.linear(h, p["W"].T, p["c"])
    return {"h": h, "y": y, "E": F.mse_loss(y, p["x"], reduction="sum") / 2}


def skip_connection(p: P) -> Worked:
    h0 = F.relu(p["w0"] * p["x"])
    h1 = F.relu(p["w1"] * h0)
    out = p["w2"] * h1 + p["w_skip"] * h0
    return {"h0": h0, "h1": h1, "out": out, "L": F.l1_loss(out, p["y"])}


def residual_block(p: P) -> Worked:
    a = F.linear(p["x"], p["W"], p["b"])
    y = p["x"] + F.linear(F.relu(a), p["V"])
    return {"a": a, "y": y, "E": F.mse_loss(y, p["t"], reduction="sum") / 2}


# --- convolution ---


def conv_1d(p: P) -> Worked:
    a = F.conv1d(p["x"][None], p["k"][None, None], p["b"][None])
    m = F.max_pool1d(F.relu(a), 2)[0]
    y = p["v"] @ m
    return {"m": m, "y": y, "E": F.mse_loss(y, p["t"]) / 2}


def conv_pool(p: P) -> Worked:
    a = F.conv2d(p["x"][None], p["K"][None, None])
    pooled = F.max_pool2d(a, 2)[0, 0]
    return {"pooled": pooled, "L": F.mse_loss(pooled, p["target"], reduction="sum") / 2}


def conv_channels(p: P) -> Worked:
    a = F.conv2d(p["x"], p["K"], p["b"], stride=2, padding=1)
    return {"a": a, "E": F.mse_loss(F.relu(a), p["t"], reduction="sum") / 2}


def mean_pool(p: P) -> Worked:
    a = F.conv2d(p["x"][None], p["K"][None, None])
    m = F.avg_pool2d(a, 2)[0]
    return {"m": m, "E": F.mse_loss(m, p["t"], reduction="sum") / 2}


# --- recurrence ---


def rnn_tiny(p: P) -> Worked:
    a, h, y = [], [torch.zeros(())], []
    for x in p["x"]:
        a.append(p["Wx"] * x + p["Wh"] * h[-1])
        h.append(torch.tanh(a[-1]))
        y.append(p["Wy"] * h[-1])
    return {"a": a, "h": h[1:], "y": y, "L": F.mse_loss(torch.stack(y), p["target"], reduction="sum") / 2}


def _recurrent(layer: Any, x: Any, start: Any = None, **weights: Any) -> Any:
    layer = layer.double()
    weights = {f"{name}_l0": w for name, w in weights.items()}
    return torch.func.functional_call(layer, weights, (x[None],) if start is None else (x[None], start))[0][0]


def rnn_last(p: P) -> Worked:
    layer = torch.nn.RNN(1, 2, batch_first=True)
    weights = {"weight_ih": p["Wx"][:, None], "weight_hh": p["Wh"], "bias_ih": p["b"], "bias_hh": torch.zeros(2)}
    y = p["V"] @ _recurrent(layer, p["x"][:, None], **weights)[-1] + p["c"]
    return {"y": y, "E": F.mse_loss(y, p["target"]) / 2}


def rnn_words(p: P) -> Worked:
    layer = torch.nn.RNN(2, 2, batch_first=True, bias=False)
    h = _recurrent(layer, p["x"], p["start"][None, None], weight_ih=p["Wx"], weight_hh=p["Wh"])
    o = F.linear(h, p["V"], p["c"])
    return {"o": o, "E": F.cross_entropy(o, p["target"], reduction="sum")}


def lstm(p: P) -> Worked:
    rows = [1, 2, 0, 3]  # torch's are i, f, g, o
    W, U, b = p["W"][rows], p["U"][rows][:, None], p["b"][rows]
    layer = torch.nn.LSTM(2, 1, batch_first=True)
    h = _recurrent(layer, p["x"], weight_ih=W, weight_hh=U, bias_ih=b, bias_hh=torch.zeros(4))[:, 0]
    return {"E": F.mse_loss(h, p["target"], reduction="sum") / 2}


def gru(p: P) -> Worked:
    W, U = (torch.stack([p[f"{w}{g}"] for g in "rzn"])[:, None] for w in "WU")
    zero = torch.zeros(())
    b, c = torch.stack([p["br"], p["bz"], p["bn"]]), torch.stack([zero, zero, p["cn"]])
    layer = torch.nn.GRU(1, 1, batch_first=True)
    h = _recurrent(layer, p["x"][:, None], weight_ih=W, weight_hh=U, bias_ih=b, bias_hh=c)[:, 0]
    return {"E": F.mse_loss(h, p["target"], reduction="sum") / 2}


# --- words, attention, normalisation ---


def cbow(p: P) -> Worked:
    h = F.embedding_bag(p["context"].long()[None] - 1, p["T"], mode="mean")[0]
    s = p["U"] @ h
    return {"h": h, "s": s, "E": F.cross_entropy(s, p["word"].long() - 1)}


def skip_gram(p: P) -> Worked:
    u = F.embedding(p["word"].long() - 1, p["T"])
    a = F.embedding(p["other"].long() - 1, p["C"]) @ u
    return {"u": u, "a": a, "E": F.binary_cross_entropy_with_logits(a, p["t"], reduction="sum")}


def attention_masked(p: P) -> Worked:
    Q, K, V = (F.linear(p["x"], p[w]) for w in ("Wq", "Wk", "Wv"))
    o = F.scaled_dot_product_attention(Q[None], K[None], V[None], is_causal=True)[0]
    return {"Q": Q, "K": K, "V": V, "o": o, "E": F.mse_loss(o, p["t"], reduction="sum") / 2}


def attention_two_heads(p: P) -> Worked:
    x, widest = p["x"][:, None], torch.cat([p["Wq"], p["Wk"], p["Wv"]])
    nothing, tokens = torch.zeros(2), {"training": False, "need_weights": False}
    given = (2, 2, widest, torch.zeros(6), None, None, False, 0.0, p["O"], nothing)
    y = F.multi_head_attention_forward(x, x, x, *given, **tokens)[0][:, 0]
    return {"y": y, "E": F.mse_loss(y, p["t"], reduction="sum") / 2}


def layer_norm(p: P) -> Worked:
    y = F.layer_norm(p["x"], (4,), p["gamma"], p["beta"], float(p["eps"]))
    return {"y": y, "E": F.mse_loss(y, p["t"], reduction="sum") / 2}


def batch_norm(p: P) -> Worked:
    a = F.linear(p["x"], p["W"])
    y = F.batch_norm(a, None, None, p["gamma"], p["beta"], True, 0.1, float(p["eps"]))
    return {"a": a, "y": y, "L": F.mse_loss(F.relu(y), p["t"], reduction="sum") / 3}


# --- updates ---


def descent_parabola(p: P) -> Worked:
    return {"L": p["w"] ** 2 - 6 * p["w"] + 10}


def momentum_parabola(p: P) -> Worked:
    return {"f": p["x"].square()}


def adam_first_step(p: P) -> Worked:
    return {"E": p["g"] * p["w"]}


def adamw_step(p: P) -> Worked:
    return {"E": p["g"] @ p["theta"]}


def rmsprop_steps(p: P) -> Worked:
    return {"f": 0.1 * p["x1"].square() + 2 * p["x2"].square()}


def adagrad_steps(p: P) -> Worked:
    return rmsprop_steps(p)


def gradient_clipped(p: P) -> Worked:
    return {"E": p["g"] @ p["w"]}


def weight_decay(p: P) -> Worked:
    theta = p["theta"]
    return {"E": p["g"] @ theta + p["decay"] / 2 * theta.square().sum()}


# --- what is recorded ---


def program(sample: str) -> Callable[[P], Worked] | None:
    """The program of a sample, None where it has none."""
    return globals().get(sample.replace("-", "_"))


def numbers(sample: str) -> dict[str, Any]:
    """Every number of a sample's step as its program gives it, by the names of the sample's file."""
    file = tomllib.loads((SAMPLES / sample / "problem.toml").read_text(encoding="utf-8"))
    trained, inputs = set(file["parameters"]), set(file.get("inputs", ()))
    p = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=name in trained | inputs)
        for name, value in (*file["parameters"].items(), *file.get("given", {}).items())
    }
    own = program(sample)
    assert own is not None
    training = file.get("training", {})
    if training.get("samples") == "in_turn":
        return _in_turn(own, p, training)
    return _step(own, p, training, trained, inputs)


def _step(
    own: Callable[[P], Worked], p: dict[str, Any], training: P, trained: set[str], inputs: set[str]
) -> dict[str, Any]:
    worked = own(p)
    objective = list(worked.values())[-1]
    out = {name: _plain(value) for name, value in worked.items()}
    wanted = {n: w for n, w in worked.items() if w is not objective} | {n: p[n] for n in (*trained, *inputs)}
    for name, value in wanted.items():
        parts = value if isinstance(value, list) else [value]
        if not all(part.requires_grad for part in parts):
            continue
        slopes = torch.autograd.grad(objective, parts, retain_graph=True, allow_unused=True)
        if all(slope is not None for slope in slopes):
            out[f"d{name}"] = _plain(list(slopes) if isinstance(value, list) else slopes[0])
    if training:
        objective.backward()
        _optimizer(training, [p[n] for n in trained]).step()
        out |= {f"{name}_new": _plain(p[name]) for name in sorted(trained)}
    return {name: out[name] for name in sorted(out)}


def _in_turn(own: Callable[[P], Worked], p: dict[str, Any], training: P) -> dict[str, Any]:
    """An update after each sample; the numbers of the second step end in #2."""
    trained = [n for n, value in p.items() if value.requires_grad]
    out = {}
    for k in range(len(p["t"])):
        one = {n: value if value.requires_grad else value[k : k + 1] for n, value in p.items()}
        step = _step(own, one, training, set(trained), set())
        out |= {f"{n}#{k + 1}": v[0] if n in ("net", "dnet") else v for n, v in step.items()}
        for n in trained:
            p[n].grad = None
    return out


def _optimizer(training: P, parameters: list[Any]) -> Any:
    rate, kind = training["learning_rate"], training.get("optimizer", "sgd")
    decay = {"weight_decay": training["weight_decay"]} if "weight_decay" in training else {}
    if "clip_norm" in training:
        length = torch.sqrt(sum(q.grad.square().sum() for q in parameters))
        for q in parameters:
            q.grad *= min(1.0, training["clip_norm"] / float(length))
    if training.get("epsilon_inside"):
        return _Scaled(training, parameters)
    if kind == "adam":
        return torch.optim.Adam(parameters, rate)
    if kind == "adamw":
        return torch.optim.AdamW(parameters, rate, **decay)
    if kind == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, training["rho"], training.get("epsilon", 1e-8))
    if kind == "adagrad":
        return torch.optim.Adagrad(parameters, rate, eps=training.get("epsilon", 1e-8))
    return torch.optim.SGD(parameters, rate, momentum=training.get("momentum", 0.0))


class _Scaled:
    """The first step of RMSProp or AdaGrad with epsilon under the root, which torch does not have."""

    def __init__(self, training: P, parameters: list[Any]) -> None:
        self.training, self.parameters = training, parameters

    @torch.no_grad()
    def step(self) -> None:
        """One update of all parameters."""
        share = 1 - self.training["rho"] if self.training["optimizer"] == "rmsprop" else 1.0
        for q in self.parameters:
            q -= self.training["learning_rate"] * q.grad / torch.sqrt(share * q.grad**2 + self.training["epsilon"])


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, list) else value.detach().tolist()


def main() -> None:
    """Record every sample that has a program."""
    torch.set_default_dtype(torch.float64)
    folders = sorted(folder.name for folder in SAMPLES.iterdir())
    lines = [f"{json.dumps(name)}: {json.dumps(numbers(name))}" for name in folders if program(name)]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
