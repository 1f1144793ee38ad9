"""A small set of problems on which every slip of the catalogue is possible, and shows, somewhere."""

from __future__ import annotations

from functools import cache
from typing import Any

from derivations.network import Problem
from tracer import load

__all__ = ["ONE", "V22", "W22", "layer", "problem", "problems"]

W22, V22 = [[0.31, -0.42], [0.53, 0.27]], [[-0.61, 0.34], [0.29, 0.83]]
U22 = [[0.45, 0.15], [-0.35, 0.65]]
W32 = [[0.31, -0.42], [0.53, 0.27], [-0.36, 0.44]]
V23 = [[-0.61, 0.34, 0.21], [0.29, 0.83, -0.52]]
ONE = [{"x": [0.7, -1.3], "t": [0.2, 0.9]}]
TWO = [*ONE, {"x": [-0.4, 0.6], "t": [0.7, 0.3]}]
THREE = [{"x": [0.7, -1.3], "t": [0.2, 0.8]}, {"x": [-0.4, 0.6], "t": [0.7, 0.3]}, {"x": [1.1, 0.5], "t": [0.4, 0.6]}]


def problem(loss: str, layers: list[Any], given: list[Any], **training: Any) -> Problem:
    return load(
        {
            "network": {"loss": loss, "layers": layers},
            "samples": given,
            "training": {"learning_rate": 0.3} | training,
        }
    )


def layer(activation: str, W: Any, **bias: Any) -> dict[str, Any]:
    return {"activation": activation, "W": W} | bias


B, C = {"b": [0.12, -0.23]}, {"b": [0.37, 0.19]}
TURN: dict[str, Any] = {"samples": "in_turn"}


@cache
def problems() -> dict[str, Problem]:
    """A small set in which every slip is possible somewhere."""
    same = [layer("sigmoid", W22, **B), layer("sigmoid", V22, **C)]
    wide = [layer("sigmoid", W22, **B), layer("sigmoid", W32)]
    classes = [{"x": [0.7, -1.3], "t": [1, -1]}, {"x": [5.9, 4.1], "t": [-1, 1]}]
    plain = [layer("tanh", W22, **B), layer("identity", V22)]
    return {
        "hand": load("hand-3-2-2"),
        "tanh": load("tanh-xor"),
        "thresholds": load("threshold-xor"),
        "two sigmoids": problem("mean_squared_error", same, ONE),
        "three outputs": problem("mean_squared_error", wide, [{"x": [0.7, -1.3], "t": [0.2, 0.9, 0.4]}]),
        "three halves": problem("half_squared_error", wide, [{"x": [0.7, -1.3], "t": [0.2, 0.9, 0.4]}]),
        "three layers": problem("squared_error", [*same, layer("tanh", U22, b=[0.05, -0.11])], ONE),
        "relu": problem(
            "half_squared_error",
            [layer("relu", W32, b=[0.1, 0.9, 0.4]), layer("leaky_relu", V23, b=[0.4, -1.2])],
            THREE,
        ),
        "elu": problem("half_squared_error", [layer("elu", W32, b=-0.3), layer("identity", V23, b=0.2)], ONE),
        "softmax": problem(
            "cross_entropy",
            [layer("relu", W32, b=[0.9, 1.1, 0.4]), layer("softmax", V23, **C)],
            THREE,
            reduction="mean",
        ),
        "softmax squared": problem("squared_error", [layer("tanh", W22), layer("softmax", V22)], TWO),
        "one output": problem(
            "half_squared_error",
            [layer("tanh", W22, **B), layer("identity", [V22[0]])],
            [{"x": s["x"], "t": [t]} for s, t in zip(THREE, (0.2, 0.9, -0.4), strict=True)],
        ),
        "binary": problem("binary_cross_entropy", same, THREE),
        "thresholds shared": problem(
            "half_squared_error", [layer("sigmoid", W22, theta=0.4), layer("sigmoid", V22, theta=[0.3, 0.1])], ONE
        ),
        "momentum": problem("half_squared_error", plain, TWO, optimizer="momentum", momentum=0.7, **TURN),
        "ema": problem(
            "half_squared_error", plain, TWO, optimizer="momentum", momentum_form="ema", momentum=0.7, **TURN
        ),
        "nesterov": problem("half_squared_error", plain, TWO, optimizer="nesterov", momentum=0.7, **TURN),
        "adam": problem(
            "half_squared_error", plain, TWO, optimizer="adam", beta1=0.8, beta2=0.95, epsilon=1e-3, **TURN
        ),
        "adamw": problem(
            "half_squared_error", plain, TWO, optimizer="adamw", beta1=0.8, epsilon=1e-3, weight_decay=0.1, **TURN
        ),
        "rmsprop": problem("half_squared_error", plain, TWO, optimizer="rmsprop", epsilon=1e-3, **TURN),
        "adagrad": problem("half_squared_error", plain, TWO, optimizer="adagrad", epsilon=1e-3, **TURN),
        **{
            name: problem(name, [layer("identity", W22, **B)], classes)
            for name in ("hinge", "logistic_loss", "huber", "absolute_error")
        },
        "kl_divergence": problem("kl_divergence", [layer("tanh", W22, **B), layer("sigmoid", V22)], TWO),
        **{
            name: problem("half_squared_error", [layer(name, W22, b=[4.2, -0.7]), layer("identity", V22)], TWO)
            for name in ("step", "sign", "hard_sigmoid", "bipolar_sigmoid", "mish", "selu", "square")
        },
        "decay": problem("half_squared_error", plain, TWO, weight_decay=0.3),
        "clipped value": problem("half_squared_error", plain, TWO, clip_value=0.01),
        "clipped norm": problem("half_squared_error", plain, TWO, clip_norm=0.1),
    }
