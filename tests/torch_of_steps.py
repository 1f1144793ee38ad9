"""The objective of each example of `examples_of_steps` in torch, with torch's own layers where it has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

torch = pytest.importorskip("torch")
F = torch.nn.functional

P = Mapping[str, Any]


def attention(p: P) -> Any:
    q, k, v = (F.linear(p["x"][None], p[w]) for w in ("Wq", "Wk", "Wv"))
    o = F.scaled_dot_product_attention(q, k, v)[0] + p["x"]
    return ((o - p["t"]) ** 2).sum() / 2


def batch(p: P) -> Any:
    return ((F.linear(p["x"].T, p["W"], p["b"]) - p["t"].T) ** 2).sum(1).mean()


def batchnorm(p: P) -> Any:
    a = F.linear(p["x"], p["W"])
    z = F.relu(F.batch_norm(a, None, None, p["gamma"], p["beta"], True, 0.1, 1e-5))
    return ((z - p["t"]) ** 2).sum(1).mean()


def _recurrent(layer: Any, weights: Mapping[str, Any], x: Any, *start: Any) -> Any:
    return torch.func.functional_call(layer.double(), weights, (x[None], *start))[0][0]


def bidirectional(p: P) -> Any:
    layer = torch.nn.RNN(2, 2, batch_first=True, bidirectional=True, bias=False)
    weights = {"weight_ih_l0": p["Wf"], "weight_hh_l0": p["Uf"]}
    weights |= {"weight_ih_l0_reverse": p["Wb"], "weight_hh_l0_reverse": p["Ub"]}
    y = _recurrent(layer, weights, p["x"]) @ torch.cat([p["vf"], p["vb"]])
    return ((y - p["target"]) ** 2).sum() / 2


def circuit(p: P) -> Any:
    return (p["x"] + p["y"]) * p["z"]


def cnn(p: P) -> Any:
    m = F.max_pool2d(F.relu(F.conv2d(p["x"].permute(3, 0, 1, 2), p["W1"], p["b1"], padding=1)), 2)
    return F.cross_entropy(F.linear(m.flatten(1), p["W2"].flatten(1), p["b2"]), p["t"].T)


def conv1(p: P) -> Any:
    a = F.conv2d(p["x"][None, None], p["K"][None, None], p["b"][None])
    m = F.max_pool2d(F.relu(a), 2)[0, 0]
    return ((torch.tensordot(p["V"], m, 2) - p["t"]) ** 2).sum() / 2


def conv2(p: P) -> Any:
    a = F.conv2d(p["x"][None], p["K"], p["b"], stride=2, padding=1)
    y = torch.tensordot(p["V"], F.max_pool2d(F.relu(a), 2)[0], 3) + p["g"]
    return F.cross_entropy(y[None], p["t"][None])


def curves(p: P) -> Any:
    a = p["W"] @ p["x"]
    g, l = F.gelu(a) + F.elu(a), F.leaky_relu(a) * F.softplus(a)
    m = torch.minimum(torch.sin(g) * torch.cos(l), l) + torch.maximum(g, a)
    return (m**2 * p["v"]).sum() + (l**2).sum().sqrt()


def decay(p: P) -> Any:
    return ((p["W"] @ p["x"] - p["t"]) ** 2).sum() / 2 + p["lambda"] / 2 * (p["W"] ** 2).sum()


def dense(p: P) -> Any:
    y = F.linear(torch.sigmoid(F.linear(p["x"], p["W1"])), p["W2"])
    return ((y - p["t"]) ** 2).sum() / 2


def dilated(p: P) -> Any:
    def causal(x: Any, kernel: Any, gap: int) -> Any:
        padded = F.pad(x, (gap * (len(kernel) - 1), 0))
        return F.conv1d(padded[None, None], kernel.flip(0)[None, None], dilation=gap)[0, 0]

    a = causal(p["x"], p["K"], 1)
    return ((causal(a, p["M"], 2) + F.silu(a) - p["t"]) ** 2).sum() / 2


def dropout(p: P) -> Any:
    d = p["mask"].T * torch.sigmoid(F.linear(p["x"].T, p["W"], p["b"])) / p["keep"]
    loss = ((F.linear(d, p["V"]) - p["t"].T) ** 2).sum(1).mean() / 2
    return loss + p["lambda"] / 2 * ((p["W"] ** 2).sum() + (p["V"] ** 2).sum())


def embedding(p: P) -> Any:
    h = F.embedding_bag(p["token"].long()[None] - 1, p["T"], mode="mean")
    return F.cross_entropy(F.linear(h, p["U"]), p["answer"].long()[None] - 1)


def fanout(p: P) -> Any:
    x, y = p["x"], p["y"]
    u = x * y
    v = u.exp()
    return u * v + (u + y).log() / x + v**3 / (1 + u * u)


def gru(p: P) -> Any:
    def each(kind: str) -> Any:
        return torch.cat([p[kind + gate] for gate in "rzn"])

    weights = {"weight_ih_l0": each("W"), "weight_hh_l0": each("U"), "bias_ih_l0": each("b")}
    weights["bias_hh_l0"] = torch.cat([torch.zeros(4, dtype=torch.float64), p["cn"]])
    h = _recurrent(torch.nn.GRU(2, 2, batch_first=True), weights, p["x"])
    return ((h[-1] - p["target"]) ** 2).sum() / 2


def hinge(p: P) -> Any:
    s = F.linear(p["x"].T, p["W"])
    return F.multi_margin_loss(s, p["label"].long() - 1, reduction="sum") * 3 / 2


def huber(p: P) -> Any:
    return F.huber_loss(p["w"] @ p["x"], p["t"], delta=1.0)


def layernorm(p: P) -> Any:
    return ((F.layer_norm(p["x"], (4,), p["gamma"], p["beta"], 1e-5) - p["t"]) ** 2).sum() / 2


def logistic(p: P) -> Any:
    return F.binary_cross_entropy_with_logits(p["w"] * p["x"] + p["b"], p["t"])


def lstm(p: P) -> Any:
    def each(kind: str) -> Any:
        return torch.cat([p[kind + gate] for gate in "ifgo"])

    weights = {"weight_ih_l0": each("W"), "weight_hh_l0": each("U"), "bias_ih_l0": each("b")}
    weights["bias_hh_l0"] = torch.zeros(8, dtype=torch.float64)
    h = _recurrent(torch.nn.LSTM(2, 2, batch_first=True), weights, p["x"])
    return ((h - p["target"]) ** 2).sum() / 2


def _elman(p: P, start: Any) -> Any:
    n, m = p["Wx"].shape
    weights = {"weight_ih_l0": p["Wx"], "weight_hh_l0": p["Wh"], "bias_ih_l0": p["b"]}
    weights["bias_hh_l0"] = torch.zeros(n, dtype=torch.float64)
    return _recurrent(torch.nn.RNN(m, n, batch_first=True), weights, p["x"], start[None, None])


def rnn2(p: P) -> Any:
    h = _elman(p, torch.zeros(2, dtype=torch.float64))
    return ((p["V"] @ h[-1] - p["target"]) ** 2).sum() / 2


def rnn3(p: P) -> Any:
    y = F.linear(_elman(p, p["start"]), p["V"], p["c"])
    return F.cross_entropy(y, p["target"], reduction="sum")


def softmax(p: P) -> Any:
    z = torch.tanh(F.linear(p["x"].T, p["W1"], p["b1"]))
    return F.cross_entropy(F.linear(z, p["W2"], p["b2"]), p["t"].T)


def tied(p: P) -> Any:
    h = torch.tanh(F.linear(p["x"], p["W"], p["b"]))
    return ((F.linear(h, p["W"].T, p["c"]) - p["x"]) ** 2).sum() / 2


def word2vec(p: P) -> Any:
    u, out = p["In"][1], p["Out"]
    return -F.logsigmoid(u @ out[3]) - sum(F.logsigmoid(-u @ out[int(k) - 1]) for k in p["drawn"])
