"""Seeded random problems as mappings for `tracer.load`: every activation, loss, bias form, optimizer and layout.

`random_problem(seed)` is the same for ever and everywhere.  Numbers are short decimals (so that exact and float64
readings differ).
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ACTIVATIONS", "BIASES", "LOSSES", "OPTIMIZERS", "random_problem"]

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu", "softmax", "identity")
MORE_ACTIVATIONS = ("mish", "selu", "bipolar_sigmoid", "hard_sigmoid", "square", "step", "sign")
"""Those that `random_problem(seed, more=True)` draws from."""
LOSSES = (
    "half_squared_error",
    "squared_error",
    "mean_squared_error",
    "cross_entropy",
    "binary_cross_entropy",
    "given",
    "output",
    "half_mean_squared_error",
)
MORE_LOSSES = ("absolute_error", "huber", "hinge", "logistic_loss", "kl_divergence")
OUTPUTS = {
    "kl_divergence": ("softmax", "sigmoid"),
    "cross_entropy": ("softmax", "softmax", "sigmoid", "softplus"),
    "binary_cross_entropy": ("sigmoid", "softmax"),
}
"""The last activation of losses that take a logarithm of y; the others take any."""
BIASES = ("none", "b", "shared b", "theta", "shared theta", "bias_column")
OPTIMIZERS = ("sgd", "momentum", "ema", "nesterov", "adam")
MORE_OPTIMIZERS = ("adamw", "rmsprop", "adagrad")
PREPARED = (
    {},
    {"weight_decay": 0.05},
    {"clip_norm": 0.02},
    {"clip_value": 0.01},
    {"weight_decay": 0.1, "clip_norm": 0.3},
)
"""What else may be said of an update, which `random_problem(seed, more=True)` goes round."""


def random_problem(
    seed: int, *, optimizer: str | None = None, samples: str | None = None, more: bool = False
) -> dict[str, Any]:
    """A problem of 1 to 4 layers of 1 to 5 units with 1 to 4 samples; consecutive seeds go round every choice."""
    rng = np.random.default_rng(seed)
    loss = LOSSES[-1] if seed % 14 == 9 else LOSSES[seed % 7]  # the half mean takes every second turn of the mean
    loss = MORE_LOSSES[seed % len(MORE_LOSSES)] if more and seed % 3 else loss
    depth = 1 + seed // 3 % 4
    sizes = [int(n) for n in rng.integers(1, 6, depth + 1)]
    kinds = MORE_ACTIVATIONS if more else ACTIVATIONS
    activations = [kinds[(seed // 2 + 3 * l) % len(kinds)] for l in range(depth)]
    if loss in OUTPUTS:
        activations[-1] = str(rng.choice(OUTPUTS[loss]))
    elif loss == "output" and activations[-1] == "softmax":
        activations[-1] = "tanh"  # softmax's outputs sum to 1: every gradient would be 0 but for rounding
    sizes[1:] = [max(n, 2) if f == "softmax" else n for n, f in zip(sizes[1:], activations, strict=True)]
    in_out = seed % 5 == 0
    network: dict[str, Any] = {"loss": loss, "layers": []}
    if in_out:
        network["layout"] = "in_out"
    for l, activation in enumerate(activations):
        bias = BIASES[(seed + l) % len(BIASES)]
        network["layers"].append(_layer(rng, activation, bias, sizes[l + 1], sizes[l], in_out))
    count = 1 if seed % 3 == 0 else int(rng.integers(2, 5))
    every = (*OPTIMIZERS, *MORE_OPTIMIZERS) if more else OPTIMIZERS
    training = _training(rng, optimizer or every[seed // 4 % len(every)])
    training |= PREPARED[seed % len(PREPARED)] if more else {}
    training |= {"reduction": "mean"} if seed % 4 == 1 else {}
    training |= {"update_biases": False} if seed % 9 == 4 else {}
    training |= {"samples": samples} if samples else {}
    return {
        "title": f"random network {seed}",
        "network": network,
        "samples": [_sample(rng, loss, activations[-1], sizes) for _ in range(count)],
        "training": training,
    }


def _decimals(rng: Any, *shape: int, scale: float = 1.0) -> Any:
    """Numbers of four decimals."""
    return np.round(rng.normal(0, scale, shape), 4).tolist()


def _layer(rng: Any, activation: str, bias: str, units: int, inputs: int, in_out: bool) -> dict[str, Any]:
    columns = inputs + (bias == "bias_column")
    W = np.array(_decimals(rng, units, columns, scale=0.9))
    layer: dict[str, Any] = {"activation": activation, "W": (W.T if in_out else W).tolist()}
    letter = bias.split()[-1]
    if letter in ("b", "theta"):
        layer[letter] = _decimals(rng) if bias.startswith("shared") else _decimals(rng, units)
    if bias == "bias_column":
        layer["bias_column"] = True
    return layer


def _sample(rng: Any, loss: str, last: str, sizes: list[int]) -> dict[str, Any]:
    sample: dict[str, Any] = {"x": _decimals(rng, sizes[0], scale=1.5)}
    K = sizes[-1]
    if loss == "given":
        return sample | {"dz": _decimals(rng, K)}
    if loss == "output":
        return sample
    if loss in ("hinge", "logistic_loss"):
        return sample | {"t": rng.choice([-1, 1], K).tolist()}
    if "entropy" not in loss and loss != "kl_divergence":
        return sample | {"t": _decimals(rng, K)}
    if K > 1 and rng.random() < 0.5:
        return sample | {"class": int(rng.integers(1, K + 1))}
    if last == "softmax" and rng.random() < 0.5:  # shares of a thousand, which sum to exactly one
        cuts = np.sort(rng.integers(0, 1001, K - 1))
        shares = np.diff([0, *cuts.tolist(), 1000])
        return sample | {"t": [f"{n}/1000" for n in shares]}
    return sample | {"t": np.round(rng.uniform(0, 1, K), 3).tolist()}


def _training(rng: Any, optimizer: str) -> dict[str, Any]:
    training: dict[str, Any] = {"learning_rate": float(rng.choice([0.1, 0.05, 0.5]))}
    if optimizer == "sgd":
        return training
    if optimizer in ("adam", "adamw"):
        return training | {"optimizer": optimizer, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6}
    if optimizer in MORE_OPTIMIZERS:
        return training | {"optimizer": optimizer, "epsilon": 1e-5}
    if optimizer == "ema":
        return training | {"optimizer": "momentum", "momentum_form": "ema", "momentum": 0.7}
    return training | {"optimizer": optimizer, "momentum": 0.7}
