"""The objective of each file of `further_steps` in torch, written from the books and not from the files' lines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import pytest

torch = pytest.importorskip("torch")
F = torch.nn.functional

P = Mapping[str, Any]


def average(p: P) -> Any:
    x = F.pad(p["x"], (1, 1, 1, 1))
    a = F.conv2d(x[None, None], p["K"][None, None], p["b"][None], stride=2)
    return ((F.avg_pool2d(F.elu(a), 2, stride=1)[0, 0] - p["t"]) ** 4).sum()


def capsules(p: P) -> Any:
    vote = torch.einsum("ijde,ie->ijd", p["W"], p["x"])
    logit = p["start"]
    for _ in range(2):
        s = torch.einsum("ij,ijd->jd", logit.softmax(1), vote)
        norm = torch.linalg.vector_norm(s, dim=1, keepdim=True)
        v = norm / (1 + norm**2) * s
        logit = logit + torch.einsum("ijd,jd->ij", vote, v)
    length = torch.linalg.vector_norm(v, dim=1)
    return (p["t"] * F.relu(0.9 - length) ** 2 + 0.5 * (1 - p["t"]) * F.relu(length - 0.1) ** 2).sum()


def factors(p: P) -> Any:
    user, item = p["user"].long() - 1, p["item"].long() - 1
    rows = (F.embedding(user, p["U"]) * F.embedding(item, p["V"])).sum(1)
    guess = p["mu"] + p["p"][user] + p["q"][item] + rows
    return F.mse_loss(guess, p["rating"], reduction="sum") / 2 + p["decay"] / 2 * (
        p["U"].square().sum() + p["V"].square().sum()
    )


def heads(p: P) -> Any:
    q, k, v = (torch.einsum("ade,pe->apd", p[w], p["x"]) for w in ("Wq", "Wk", "Wv"))
    s = torch.where(p["mask"] > 0, q @ k.transpose(1, 2) / math.sqrt(2), -30.0)
    o = torch.einsum("aed,apd->pe", p["Wo"], s.softmax(-1) @ v) + p["x"]
    y = F.layer_norm(o, (3,), p["gain"], None, 1e-5)
    return ((y - p["t"]) ** 2).sum() / 2


def highway(p: P) -> Any:
    h = p["x"]
    for W in p["W"]:
        gate = torch.sigmoid(p["G"] @ h + p["g"] - 1)
        h = torch.lerp(h, F.relu(W @ h), gate)
    return F.cross_entropy(h, p["answer"].long() - 1)


def hopfield(p: P) -> Any:
    xi = p["query"]
    for _ in range(3):
        xi = p["M"].T @ (p["beta"] * p["M"] @ xi).softmax(0)
    return -(xi @ p["wanted"]) / xi.norm()


def maxout(p: P) -> Any:
    a = torch.einsum("jpi,in->jpn", p["W"], p["x"]) + p["b"][:, :, None]
    y = p["v"] @ a.amax(1)
    return F.mse_loss(y, p["t"]) + (y - p["t"]).abs().max() / 10


def messages(p: P) -> Any:
    source, to = p["from"].long() - 1, p["to"].long() - 1
    h = p["x"]
    for _ in range(2):
        m = torch.tanh(h[source] @ p["W"].T + p["weight"][:, None] * p["b"])
        h = F.relu(h @ p["S"].T + torch.zeros_like(h).index_add(0, to, m))
    return ((h @ p["u"]).mean() - p["t"]) ** 2 / 2


def mixture(p: P) -> Any:
    h = torch.tanh(torch.outer(p["x"], p["v"]) + p["c"])
    share, middle, spread = (h @ p[k].T for k in "ABC")
    parts = torch.distributions.Normal(middle, spread.exp())
    mixed = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(logits=share), parts)
    return -mixed.log_prob(p["t"]).mean()


def pagerank(p: P) -> Any:
    links = p["A"].softmax(0)
    r = torch.full((4,), 0.25, dtype=torch.float64)
    for _ in range(5):
        r = p["d"] * (links @ r) + (1 - p["d"]) / 4
    return -(p["wanted"] * r.log()).sum()


def peephole(p: P) -> Any:
    target = p["target"]
    h = c = torch.zeros(2, dtype=torch.float64)
    outputs = []
    for before in torch.cat([torch.zeros(1, 2, dtype=torch.float64), target[:-1]]):
        i = torch.sigmoid(p["Wi"] @ before + p["Ui"] @ h + p["pi_"] * c)
        f = torch.sigmoid(p["Wf"] @ before + p["Uf"] @ h + p["pf"] * c + 1)
        c = f * c + i * torch.tanh(p["Wc"] @ before + p["bc"])
        h = torch.sigmoid(p["Uo"] @ h + p["po"] * c) * torch.tanh(c)
        outputs.append(p["V"] @ h)
    return F.mse_loss(torch.stack(outputs), target)


def pointer(p: P) -> Any:
    h, read = torch.zeros(2, dtype=torch.float64), []
    for x in p["x"]:
        h = torch.tanh(p["Wx"] @ x + p["Wh"] @ h)
        read.append(h)
    H, context, scores = torch.stack(read), torch.zeros(2, dtype=torch.float64), []
    for _ in p["place"]:
        h = torch.tanh(p["Wd"] @ h + p["Wc"] @ context)
        scores.append(torch.tanh(p["U"] @ h + H @ p["Z"].T) @ p["v"])
        context = scores[-1].softmax(0) @ H
    return F.cross_entropy(torch.stack(scores), p["place"].long() - 1)


def polynomial(p: P) -> Any:
    B = torch.triu(p["B"])
    y = p["c"] + p["x"] @ p["a"] + ((p["x"] @ B) * p["x"]).sum(1)
    return F.mse_loss(y, p["t"]) / 2 + p["ridge"] * sum(p[k].square().sum() for k in "caB")


def radial(p: P) -> Any:
    phi = torch.exp(-(torch.cdist(p["x"], p["centre"]) ** 2) / (2 * p["width"] ** 2))
    return ((phi @ p["w"] / phi.sum(1) - p["t"]) ** 2).sum() / 2


def residual(p: P) -> Any:
    before, r = torch.zeros_like(p["x"]), p["x"]
    for W, b, scale in zip(p["W"], p["b"], p["scale"], strict=True):
        before, r = r, r + scale * before + F.silu(W @ r + b)
    return ((r - p["t"]) ** 2).sum() / 2


def returns(p: P) -> Any:
    G, total = [], torch.zeros((), dtype=torch.float64)
    for reward in p["reward"].flip(0):
        total = reward + p["gamma"] * total
        G.insert(0, total)
    ahead = torch.stack(G) - p["s"] @ p["w"]
    pi = torch.distributions.Categorical(logits=p["s"] @ p["W"].T)
    return -(ahead * pi.log_prob(p["did"].long() - 1)).sum() + 0.5 * (ahead**2).sum() - 0.1 * pi.entropy().sum()


def runge(p: P) -> Any:
    def slope(y: Any) -> Any:
        a = p["W"] @ y + p["b"]
        return a / (1 + a**2)

    y, dt, E = p["start"], p["dt"], 0
    for t in p["t"]:
        k1 = slope(y)
        k2 = slope(y + dt / 2 * k1)
        k3 = slope(y + dt / 2 * k2)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + slope(y + dt * k3))
        E = E + ((y - t) ** 2).sum() / 2
    return E


def siamese(p: P) -> Any:
    u, v = (torch.tanh(F.linear(p[side], p["W"], p["b"])) for side in ("left", "right"))
    far = torch.linalg.vector_norm(u - v, dim=1)
    return (p["same"] * far**2 + (1 - p["same"]) * F.relu(p["margin"] - far) ** 2).mean() / 2


def tagging(p: P) -> Any:
    e = p["x"] @ p["W"].T
    tags = p["tag"].long() - 1
    ways = torch.stack(
        [
            p["first"][way[0]]
            + sum(e[t, k] for t, k in enumerate(way))
            + sum(p["A"][j, k] for j, k in itertools.pairwise(way))
            for way in torch.cartesian_prod(*[torch.arange(3)] * 4).tolist()
        ]
    )
    right = p["first"][tags[0]] + e[torch.arange(4), tags].sum() + p["A"][tags[:-1], tags[1:]].sum()
    return ways.logsumexp(0) - right


def transposed(p: P) -> Any:
    y = F.conv_transpose1d(p["x"].T[None], p["K"].permute(1, 2, 0), p["b"], stride=2)[0]
    return ((torch.tanh(y) - p["t"].T) ** 2).sum() / 2


def trilinear(p: P) -> Any:
    s = torch.einsum("kabc,a,b,c->k", p["T"], p["x"], p["y"], p["z"]) + p["x"] @ p["B"] @ p["y"]
    return F.soft_margin_loss(s, p["sign"], reduction="sum")


def triplet(p: P) -> Any:
    anchor, like, unlike = p["x"] @ p["W"].T
    gap = F.cosine_similarity(anchor, unlike) - F.cosine_similarity(anchor, like)
    return F.relu(gap + 0.4).mean()


def wavenet(p: P) -> Any:
    def causal(x: Any, kernel: Any, gap: int) -> Any:
        padded = F.pad(x, (gap * (kernel.shape[-1] - 1), 0))
        return F.conv1d(padded[None], kernel.flip(-1), dilation=gap)[0]

    x = p["x"][None]
    z1 = torch.tanh(causal(x, p["F1"][:, None], 1)) * torch.sigmoid(causal(x, p["G1"][:, None], 1))
    z2 = torch.tanh(causal(z1, p["F2"], 2)) * torch.sigmoid(causal(z1, p["G2"], 2))
    y = p["s1"] @ z1 + p["s2"] @ z2
    return ((y[:-1] - p["x"][1:]) ** 2).sum() / 2
