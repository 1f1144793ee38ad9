"""Drawn dense problem files: every field of a problem file, every choice of it, in TOML as people write it.

Problem i of a seed is the same for ever and everywhere: it is drawn by Python's `random.Random` alone, and nothing of
the packages under test has a say in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random

__all__ = ["PROBLEMS", "RUNS", "SEED", "Drawn", "TrainingRun", "problem", "run"]

SEED, PROBLEMS, RUNS = 2024, 500, 100

ELEMENTWISE = ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu")
LOSSES = (
    "half_squared_error",
    "squared_error",
    "mean_squared_error",
    "half_mean_squared_error",
    "cross_entropy",
    "binary_cross_entropy",
    "given",
    "output",
)
BIASES = ("none", "b", "shared b", "theta", "shared theta", "bias_column")
OPTIMIZERS = ("sgd", "momentum", "ema", "nesterov", "adam")
WAYS = ("together", "in_turn", "apart")
TITLES = ("", "Exercise 3", "σ and 50 % of a_1 & b <br> # $x$", 'the \\"short\\" way', "演習 2")
RANDOM = ("normal", "uniform", "glorot_uniform")


@dataclass(frozen=True)
class Layer:
    """What is drawn of a layer before its numbers."""

    activation: str
    bias: str
    units: int
    inputs: int


@dataclass(frozen=True)
class Drawn:
    """A drawn problem file and what the recording must know of it; `options` say which choices it shows."""

    text: str
    options: frozenset[str]
    named: bool


@dataclass(frozen=True)
class TrainingRun:
    """A drawn training run: which problem (of 0 .. PROBLEMS - 1), and how it is trained."""

    problem: int
    steps: int
    every: int | None
    trace_step: int
    arithmetic: str
    digits: int | None
    places: int | None


def problem(i: int, seed: int = SEED) -> Drawn:
    """Problem i: consecutive ones go round the losses, optimizers, bias forms and depths; the rest is drawn."""
    rng = Random(f"{seed}/problem/{i}")
    numbers = _Numbers(rng, rng.choice(("whole", "tenths", "tenths", "decimals", "decimals", "mixed", "large")))
    loss, layers = LOSSES[i % len(LOSSES)], _layers(rng, i)
    numbers.large = {1: 20, 2: 4}.get(len(layers), 1)
    if numbers.kind == "large":  # gelu(-2000) is 10^-868591: by hand its exact fraction takes minutes
        layers = [replace(layer, activation=layer.activation.replace("gelu", "silu")) for layer in layers]
    layout = rng.choice(("", "", "out_in", "in_out"))
    count = rng.choice((1, 1, 2, 2, 3))
    title = rng.choice(TITLES)
    names = _names(rng, loss, layers) if rng.random() < 0.4 else []
    training, chosen = _training(rng, i)
    lines = [f'title = "{title}"'] if title else []
    lines += ["[network]", f'loss = "{loss}"', *([f'layout = "{layout}"'] if layout else [])]
    for layer in layers:
        lines += _layer(layer, numbers, layout == "in_out")
    for _ in range(count):
        lines += _sample(rng, numbers, loss, layers)
    lines += training
    lines += ["[names]", *names] if names else []
    lines += _sheet(rng, layers, bool(names)) + _marking(rng, loss)
    options = {f"loss {loss}", f"layout {layout}", f"layers {len(layers)}", f"samples {count}", f"title {title}"}
    options |= {f"activation {layer.activation}" for layer in layers} | {f"bias {layer.bias}" for layer in layers}
    options |= {f"last {layers[-1].activation} {loss}", f"numbers {numbers.kind}", *chosen}
    options |= {f"field {line.split(' = ')[0]}" for line in lines if " = " in line and line not in names}
    options |= {f"random {kind}" for kind in RANDOM if any(f'random = "{kind}"' in line for line in lines)}
    return Drawn("\n".join(lines) + "\n", frozenset(options), bool(names))


def run(i: int, seed: int = SEED) -> TrainingRun:
    """Training run i, of a problem of its own."""
    rng = Random(f"{seed}/run/{i}")
    steps = rng.choice((1, 2, 5, 10, 20, 40))
    digits, places = rng.choice(((None, None), (4, None), (None, 5)))
    return TrainingRun(
        problem=(i * PROBLEMS // RUNS + rng.randrange(PROBLEMS // RUNS)) % PROBLEMS,
        steps=steps,
        every=rng.choice((None, 1, 3)),
        trace_step=rng.randint(1, steps),
        arithmetic=rng.choice(("float64", "float64", "float32")),
        digits=digits,
        places=places,
    )


# --- numbers ---


class _Numbers:
    """Numbers of one kind as people write them; never evaluated here, so each is a text."""

    def __init__(self, rng: Random, kind: str) -> None:
        self.rng, self.kind, self.large = rng, kind, 1

    def one(self) -> str:
        kind, rng = self.kind, self.rng
        if kind == "mixed":
            kind = rng.choice(("whole", "tenths", "decimals", "fraction", "power", "quoted"))
        size = rng.uniform(-2, 2)
        return {
            "whole": str(rng.randint(-3, 3)),
            "tenths": f"{size:.1f}",
            "decimals": f"{size:.{rng.randint(2, 5)}f}",
            "large": f"{self.large * size:.1f}",
            "fraction": f'"{rng.randint(-5, 5)}/{rng.randint(1, 7)}"',
            "power": rng.choice(("1e-3", "-2.5e-2", "1.5E0", "+4e-1")),
            "quoted": f'"{size:.2f}"',
        }[kind]

    def row(self, count: int) -> list[str]:
        return [self.one() for _ in range(count)]

    def matrix(self, rows: int, columns: int) -> str:
        return _listed([_listed(self.row(columns)) for _ in range(rows)])


def _listed(entries: Sequence[str]) -> str:
    return f"[{', '.join(entries)}]"


def _quoted(entries: Iterable[str]) -> str:
    return _listed([f'"{entry}"' for entry in entries])


# --- the tables of a problem file ---


def _layers(rng: Random, i: int) -> list[Layer]:
    depth = (1, 2, 2, 3, 2, 4)[i // 3 % 6]
    sizes = [rng.choice((1, 2, 2, 3, 4)) for _ in range(depth + 1)]
    activations = [rng.choice((*ELEMENTWISE, "softmax") if rng.random() < 0.3 else ELEMENTWISE) for _ in range(depth)]
    loss = LOSSES[i % len(LOSSES)]
    if loss == "cross_entropy":
        activations[-1] = rng.choice(("softmax", "softmax", "softmax", "sigmoid", "softplus", "relu"))
    if loss == "binary_cross_entropy":
        activations[-1] = rng.choice(("sigmoid", "sigmoid", "sigmoid", "softmax", "identity"))
    uy = rng.random() < 0.15  # a network that every notation can write
    if uy:
        sizes, activations = [*sizes[:2], 1], [*activations[:1], "sigmoid"]
    same = rng.random() < 0.5
    first = BIASES[i % len(BIASES)]
    biases = [first if same else rng.choice(BIASES) for _ in activations]
    if uy:
        biases = [rng.choice(("none", "b"))] * 2
    sizes[1:] = [max(n, 2) if f == "softmax" else n for n, f in zip(sizes[1:], activations, strict=True)]
    return [Layer(f, bias, n, m) for f, bias, m, n in zip(activations, biases, sizes, sizes[1:], strict=False)]


def _layer(layer: Layer, numbers: _Numbers, in_out: bool) -> list[str]:
    rng, bias = numbers.rng, layer.bias
    shape = (layer.units, layer.inputs + (bias == "bias_column"))
    shape = shape[::-1] if in_out else shape
    W = numbers.matrix(*shape) if rng.random() < 0.85 else _random(rng, shape)
    out = ["[[network.layers]]", f'activation = "{layer.activation}"', f"W = {W}"]
    if bias == "bias_column":
        return [*out, "bias_column = true"]
    if bias == "none":
        return [*out, *(["bias_column = false"] if rng.random() < 0.1 else [])]
    own = _listed(numbers.row(layer.units)) if rng.random() < 0.9 else _random(rng, (layer.units,))
    return [*out, f"{bias.split()[-1]} = {numbers.one() if bias.startswith('shared') else own}"]


def _random(rng: Random, shape: Sequence[int]) -> str:
    kind = rng.choice(RANDOM)
    more = {
        "normal": rng.choice(("", "mean = 0.1, std = 0.5, ", "std = 2, ")),
        "uniform": rng.choice(("", "low = -1, high = 1, ", 'low = "-1/2", ')),
        "glorot_uniform": "",
    }[kind]
    return f'{{random = "{kind}", {more}seed = {rng.randrange(1000)}, shape = {_listed(list(map(str, shape)))}}}'


def _sample(rng: Random, numbers: _Numbers, loss: str, layers: Sequence[Layer]) -> list[str]:
    K = layers[-1].units
    out = ["[[samples]]", f"x = {_listed(numbers.row(layers[0].inputs))}"]
    if loss == "output":
        return out
    if loss == "given":
        return [*out, f"dz = {_listed(numbers.row(K))}"]
    if "entropy" not in loss:
        one = K > 1 and rng.random() < 0.1
        return [*out, f"class = {rng.randint(1, K)}" if one else f"t = {_listed(numbers.row(K))}"]
    way = rng.choice(("class", "one", "shares", "any") if K > 1 else ("one", "any"))
    if way == "class":
        return [*out, f"class = {rng.randint(1, K)}"]
    if way == "one":
        one = rng.randrange(K)
        return [*out, f"t = {_listed([str(int(k == one)) for k in range(K)])}"]
    if way == "shares":  # they sum to exactly one
        cuts = sorted(rng.randint(0, 12) for _ in range(K - 1))
        shares = [high - low for low, high in zip([0, *cuts], [*cuts, 12], strict=True)]
        return [*out, f"t = {_quoted(f'{n}/12' for n in shares)}"]
    targets = [f"{rng.uniform(0, 1):.2f}" for _ in range(K)]
    return [*out, f"t = {_listed(targets)}"]


def _training(rng: Random, i: int) -> tuple[list[str], set[str]]:
    optimizer, way = OPTIMIZERS[i % len(OPTIMIZERS)], WAYS[i // 2 % len(WAYS)]
    rate = rng.choice(("0.1", "0.5", "1", "0.05", "0", '"1/3"', "1e-2"))
    lines = ["[training]", f"learning_rate = {rate}"]
    name = "momentum" if optimizer == "ema" else optimizer
    lines += [f'optimizer = "{name}"'] if name != "sgd" or rng.random() < 0.3 else []
    if name in ("momentum", "nesterov") and rng.random() < 0.8:
        lines += ["momentum = " + rng.choice(("0.5", "0.9", "0", '"2/3"'))]
    if optimizer == "ema" or (name == "momentum" and rng.random() < 0.3):
        lines += ['momentum_form = "ema"' if optimizer == "ema" else 'momentum_form = "classical"']
    if optimizer == "adam":
        constants = {"beta1": ("0.8", "0.9", "0"), "beta2": ("0.99", "0.999", "0.5"), "epsilon": ("1e-6", "0.01")}
        drawn = {key: rng.choice(values) for key, values in constants.items() if rng.random() < 0.6}
        if way == "in_turn":  # to three decimals v is 0, and m/1e-8 throws the next sample out of all range
            drawn["epsilon"] = "0.01"
        lines += [f"{key} = {value}" for key, value in drawn.items()]
    lines += [f"update_biases = {rng.choice(('true', 'false', 'false'))}"] if rng.random() < 0.3 else []
    reduction = rng.choice(("", "sum", "mean", "mean"))
    lines += [f'reduction = "{reduction}"'] if reduction else []
    lines += [f'samples = "{way}"'] if way != "together" or rng.random() < 0.3 else []
    return lines, {f"optimizer {optimizer}", f"way {way}", f"reduction {reduction}"}


def _names(rng: Random, loss: str, layers: Sequence[Layer]) -> list[str]:
    L = len(layers)
    possible = [
        'w1 = "W1[1,1]"',
        f'w9 = "W{L}[1,1]"',
        '"in_{i}" = "x[{i}]"',
        '"net_h{j}" = "a1[{j}]"',
        f'"out_o{{k}}" = "z{L}[{{k}}]"',
        f'Err6 = "-delta{L}[1]"',
        f'Dw35 = "-eta*dW{L}[1,1]"',
        '"u{j}" = {quantity = "a1[{j}]", latex = "u_{{j}}"}',
        'w5 = {quantity = "W1[1,1]", latex = "w_{5}"}',
        f'"V{{j}}{{i}}" = "W{L}[{{j}},{{i}}]"',
        *(['MSE = "2*E"'] if loss != "given" else []),
    ]
    chosen = sorted(rng.sample(range(len(possible)), rng.randint(1, 4)))
    ours = [k for k in chosen if not (k == 8 and 0 in chosen) and not (k == 7 and 3 in chosen)]
    return [possible[k] for k in ours]


def _sheet(rng: Random, layers: Sequence[Layer], named: bool) -> list[str]:
    if rng.random() < 0.6:
        return []
    L = len(layers)
    ask = [name for name in (f"z{L}", "a1", f"delta{L}", "dW1", f"W{L}_new", "z1[1]") if rng.random() < 0.5]
    ask = [name for name in ask if not (name == "z1[1]" and L == 1 and f"z{L}" in ask)]
    lines = [f"ask = {_quoted(ask)}"] if ask else []
    lines += [rng.choice(("points = 2", f"points = {{dW1 = 2, delta{L} = 0.5}}"))] if rng.random() < 0.5 else []
    shown = rng.choice(("", "figures = 4", "places = 3", "figures = {dW1 = 3}"))
    lines += [shown] if shown else []
    fits = ["bishop", "nielsen", "ng", *(["mazur"] if L == 2 else []), *(["names"] if named else [])]
    lines += [f'notation = "{rng.choice(fits)}"'] if rng.random() < 0.4 else []
    return ["[sheet]", *lines] if lines else []


def _marking(rng: Random, loss: str) -> list[str]:
    if rng.random() < 0.8:
        return []
    readings = ["learning_rate = 0.2", 'reduction = "mean"', "update_biases = false"]
    readings += ['loss = "squared_error"'] if loss.endswith("squared_error") else []
    chosen = [f"{{{reading}}}" for reading in readings if rng.random() < 0.5] or ["{learning_rate = 0.2}"]
    return ["[marking]", f"accept = {_listed(chosen)}"]
