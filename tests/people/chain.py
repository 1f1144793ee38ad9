"""One training step of a chain of dense layers, number by number, as textbooks work it.

Legend: a = W z + b pre-activations, z activations (z of layer 0 is the input x), delta = dE/da error signals,
dz = dE/dz, dW and db gradients, eta the learning rate, t targets, E the loss; layers count from 1.
Every ``person.slips(...)`` is a place where people go wrong; ``slips.py`` says how in words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .calculating import Person
from .rounding import Number
from .updating import Optimizer, updated

Row = list[Number]


@dataclass
class Layer:
    """Weights, biases and the function of one layer."""

    W: list[Row]
    b: Any
    activation: str

    def bias(self, j: int) -> Number | None:
        """The bias of unit j, where there is one; a shared one is a number."""
        return self.b[j] if isinstance(self.b, list) else self.b


@dataclass
class Net:
    """The network as it stands, its loss and its training."""

    layers: list[Layer]
    loss: str
    training: dict[str, Any]
    memory: dict[str, Any] = field(default_factory=dict)  # velocities of the optimizer


@dataclass
class Sample:
    """One sample on its way through the network; a and z are one row a layer, z[0] the input."""

    z: list[Row]
    t: Row
    mark: str
    a: list[Row] = field(default_factory=list)
    signal: Row = field(default_factory=list)  # delta of the layer at hand
    slope: Row = field(default_factory=list)
    dz: Row = field(default_factory=list)


def work_chain(p: Person, given: dict[str, Any]) -> None:
    """The whole sheet: one batch together, or one update after another."""
    layers = [Layer(one["W"], one.get("b"), one["activation"]) for one in given["network"]["layers"]]
    net = Net(layers, given["network"]["loss"], given["training"])
    samples = given["samples"]
    if net.training.get("samples") == "in_turn":
        for k, sample in enumerate(samples, 1):
            turn = "" if k == 1 else f"#{k}"
            new = step(p, net, [Sample([sample["x"]], sample["t"], turn)], turn)
            if not p.slips("second_sample_with_old_weights"):
                net.layers = new
        return
    marks = [f"@{n}" for n in range(1, len(samples) + 1)] if len(samples) > 1 else [""]
    step(p, net, [Sample([one["x"]], one["t"], mark) for one, mark in zip(samples, marks, strict=True)], "")


def step(p: Person, net: Net, samples: list[Sample], turn: str) -> list[Layer]:
    """Forward, loss, backward, update; the layers after it."""
    for sample in samples:
        forward(p, net, sample)
    losses(p, net, samples, turn)
    for sample in samples:
        output_signal(p, net, sample)
    gradients: list[dict[str, Any]] = [{} for _ in net.layers]
    for l in range(len(net.layers), 0, -1):
        gradients[l - 1] = gradient(p, net, l, samples, turn)
        for sample in samples:
            arriving(p, net, l, sample, gradients[l - 1])
            if l > 1:
                hidden_signal(p, net, l - 1, sample)
    return update(p, net, gradients, turn)


# forward


def forward(p: Person, net: Net, sample: Sample) -> None:
    """a and z of every layer."""
    for l, layer in enumerate(net.layers, 1):
        below = sample.z[-1]
        if l > 1 and p.slips("activation_skipped"):
            below = sample.a[-1]
        a = [p.write(f"a{l}[{j + 1}]{sample.mark}", net_input(p, layer, j, below)) for j in range(len(layer.W))]
        z = softmax(p, a) if layer.activation == "softmax" else [activation(p, layer.activation, x) for x in a]
        sample.a.append(a)
        sample.z.append([p.write(f"z{l}[{j}]{sample.mark}", value) for j, value in enumerate(z, 1)])


def net_input(p: Person, layer: Layer, j: int, below: Row) -> Number:
    """Σ_i W[j,i] z[i] + b[j]."""
    weights = layer.W[j]
    if len(layer.W) == len(below) and p.slips("W_read_by_columns"):
        weights = [row[j] for row in layer.W]
    bias = layer.bias(j)
    if bias is None or p.slips("bias_forgotten"):
        return p.dot(weights, below)
    if p.slips("bias_subtracted"):
        bias = -bias
    return p.dot(weights, below, bias)


def activation(p: Person, kind: str, a: Number) -> Number:
    """z = h(a) of one unit."""
    if kind == "identity":
        return p.sigmoid(a) if p.slips("output_squashed") else a
    if kind == "relu":
        return a if a > 0 or p.slips("relu_lets_all_through") else 0
    if kind == "tanh":
        return p.sigmoid(a) if p.slips("sigmoid_instead_of_tanh") else p.tanh(a)
    if p.slips("sigmoid_without_minus"):
        return p.sigmoid(-a)
    if p.slips("sigmoid_without_one"):
        return p.over(1, p.exp(-a))
    if p.slips("tanh_instead_of_sigmoid"):
        return p.tanh(a)
    return p.sigmoid(a)


def softmax(p: Person, a: Row) -> Row:
    """exp(a[k]) divided by the sum of all."""
    if p.slips("softmax_not_divided"):
        return [p.exp(x) for x in a]
    if p.slips("softmax_divided_by_the_others"):
        raised = [p.exp(x) for x in a]
        return [p.over(one, p.total(raised[:k] + raised[k + 1 :])) for k, one in enumerate(raised)]
    if p.slips("softmax_without_exp"):
        return [p.over(x, p.total(a)) for x in a]
    return p.softmax(a)


# loss


def losses(p: Person, net: Net, samples: list[Sample], turn: str) -> None:
    """E of each output, of each sample, of all."""
    wholes = []
    for sample in samples:
        parts = [unit_loss(p, net.loss, y, t) for y, t in zip(sample.z[-1], sample.t, strict=True)]
        parts = [p.write(f"E[{k}]{sample.mark}", part) for k, part in enumerate(parts, 1)]
        if len(parts) > 1 and p.slips("loss_of_one_output"):
            parts = parts[:1]
        wholes.append(p.write(f"E{sample.mark}", p.total(parts)))
    if len(samples) > 1:
        whole = p.total(wholes)
        mean = net.training.get("reduction") == "mean" and not p.slips("loss_not_averaged")
        p.write(f"E{turn}", p.over(whole, len(samples)) if mean else whole)


def unit_loss(p: Person, loss: str, y: Number, t: Number) -> Number:
    """What one output adds to the loss."""
    if loss == "cross_entropy":
        if t == 0:
            return 0
        sign = 1 if p.slips("loss_without_minus") else -1
        return p.times(sign * t, logarithm(p, y))
    if loss == "binary_cross_entropy":
        if p.slips("loss_of_ones_only"):
            return -p.times(t, logarithm(p, y)) if t else 0
        return -logarithm(p, y if t == 1 else p.minus(1, y))
    error = p.minus(y, t)
    squared = abs(error) if p.slips("loss_not_squared") else p.square(error)
    if loss == "squared_error":
        return squared
    return squared if p.slips("loss_without_half") else p.over(squared, 2)


def logarithm(p: Person, y: Number) -> Number:
    """ln y."""
    value = p.log(y)
    return p.over(value, p.log(10)) if p.slips("log_to_base_ten") else value


# backward


def output_signal(p: Person, net: Net, sample: Sample) -> None:
    """delta of the last layer."""
    l, kind = len(net.layers), net.layers[-1].activation
    a, y, t, mark = sample.a[-1], sample.z[-1], sample.t, sample.mark
    sample.dz = [p.write(f"dz{l}[{k}]{mark}", value) for k, value in enumerate(loss_slopes(p, net.loss, y, t), 1)]
    if kind == "softmax":
        softmax_signal(p, l, sample)
        return
    slopes = [slope(p, kind, a[k], y[k]) for k in range(len(a))]
    sample.slope = [p.write(f"slope{l}[{k}]{mark}", value) for k, value in enumerate(slopes, 1)]
    values = []
    for k in range(len(a)):
        if net.loss == "binary_cross_entropy" and not p.habits.long_way:
            value = error(p, y[k], t[k])
            if p.slips("slope_though_it_cancels"):
                value = p.times(value, sample.slope[k])
        elif kind != "identity" and p.slips("output_slope_forgotten"):
            value = sample.dz[k]
        else:
            value = p.times(sample.slope[k], sample.dz[k])
        values.append(value)
    sample.signal = [p.write(f"delta{l}[{k}]{mark}", value) for k, value in enumerate(values, 1)]


def softmax_signal(p: Person, l: int, sample: Sample) -> None:
    """The Jacobian of the softmax, and delta = y - t."""
    y, units = sample.z[-1], range(len(sample.t))
    jacobian = [[softmax_slope(p, y, k, m) for m in units] for k in units]
    jacobian = p.table(f"J{l}", jacobian, sample.mark)
    values = []
    for k in units:
        if p.habits.long_way:
            value = p.dot(jacobian[k], sample.dz)
        else:
            value = error(p, y[k], sample.t[k])
            if p.slips("softmax_slope_twice"):
                value = p.times(value, p.times(y[k], p.minus(1, y[k])))
        values.append(value)
    sample.signal = [p.write(f"delta{l}[{k}]{sample.mark}", value) for k, value in enumerate(values, 1)]


def softmax_slope(p: Person, y: Row, k: int, m: int) -> Number:
    """How output k moves with input m."""
    if k == m:
        return p.times(y[k], p.minus(1, y[k]))
    return p.times(y[k], y[m]) if p.slips("softmax_slope_sign") else -p.times(y[k], y[m])


def error(p: Person, y: Number, t: Number) -> Number:
    """y - t."""
    if p.slips("target_minus_output"):
        return p.minus(t, y)
    if t and p.slips("target_forgotten"):
        return y
    return p.minus(y, t)


def loss_slopes(p: Person, loss: str, y: Row, t: Row) -> Row:
    """dE/dy of each output."""
    if loss == "cross_entropy":
        return [-p.over(t[k], y[k]) if t[k] else 0 for k in range(len(y))]
    if loss == "binary_cross_entropy":
        return [p.over(1, p.minus(1, y[k])) if t[k] == 0 else -p.over(1, y[k]) for k in range(len(y))]
    if len(t) > 1 and p.slips("targets_exchanged"):
        t = t[1:] + t[:1]
    errors = [error(p, y[k], t[k]) for k in range(len(y))]
    if loss == "squared_error":
        return [one if p.slips("two_forgotten") else p.times(2, one) for one in errors]
    return [p.times(2, one) if p.slips("two_too_many") else one for one in errors]


def slope(p: Person, kind: str, a: Number, z: Number) -> Number:
    """h'(a), from z as the books advise, or from a."""
    if kind == "identity":
        return 1
    if kind == "relu":
        return relu_slope(p, a)
    if p.slips("slope_at_z"):
        a, z = z, (p.sigmoid(z) if kind == "sigmoid" else p.tanh(z))
    if kind == "sigmoid":
        return sigmoid_slope(p, a, z)
    if p.slips("tanh_slope_of_a"):
        z = a
    if p.slips("tanh_slope_not_squared"):
        return p.minus(1, z)
    if p.slips("sigmoid_slope_for_tanh"):
        return p.times(z, p.minus(1, z))
    if p.slips("tanh_slope_plus"):
        return p.add(1, p.square(z))
    return p.minus(1, p.square(p.tanh(a) if p.habits.from_net_input else z))


def sigmoid_slope(p: Person, a: Number, z: Number) -> Number:
    """z (1 - z)."""
    if p.slips("sigmoid_slope_of_a"):
        z = a
    if p.slips("sigmoid_slope_without_z"):
        return p.minus(1, z)
    if p.slips("sigmoid_slope_plus"):
        return p.times(z, p.add(1, z))
    if p.slips("tanh_slope_for_sigmoid"):
        return p.minus(1, p.square(z))
    if p.slips("sigmoid_slope_exp_only"):
        return p.over(p.exp(-a), p.add(1, p.exp(-a)))
    if p.habits.from_net_input:
        low = p.exp(-a)
        return p.over(low, p.square(p.add(1, low)))
    return p.times(z, p.minus(1, z))


def relu_slope(p: Person, a: Number) -> Number:
    """1 where the unit is on."""
    if p.slips("relu_slope_everywhere_one"):
        return 1
    if p.slips("relu_slope_is_a"):
        return a if a > 0 else 0
    return 1 if a > 0 else 0


def arriving(p: Person, net: Net, l: int, sample: Sample, made: dict[str, Any]) -> None:
    """dz of the layer below: what comes down through the weights of layer l."""
    W, delta = net.layers[l - 1].W, sample.signal
    if p.slips("back_through_new_weights"):
        eta = net.training["learning_rate"]
        W = [
            [p.minus(w, p.times(eta, g)) for w, g in zip(*rows, strict=True)] for rows in zip(W, made["W"], strict=True)
        ]
    if l == len(net.layers) and p.slips("back_without_output_slope"):
        delta = sample.dz
    values = [one_arriving(p, W, i, delta) for i in range(len(W[0]))]
    sample.dz = [p.write(f"dz{l - 1}[{i}]{sample.mark}", value) for i, value in enumerate(values, 1)]


def one_arriving(p: Person, W: list[Row], i: int, delta: Row) -> Number:
    """Σ_j W[j,i] delta[j]."""
    if i < len(W) and len(W[0]) == len(delta) and len(delta) > 1 and p.slips("W_not_transposed"):
        return p.dot(W[i], delta)
    if len(delta) > 1 and p.slips("only_one_path_back"):
        return p.times(W[0][i], delta[0])
    if p.slips("back_without_weights"):
        return p.total(delta)
    if len(W[0]) > 1 and p.slips("back_by_the_neighbours_weight"):
        return p.dot([row[(i + 1) % len(row)] for row in W], delta)
    return p.dot([row[i] for row in W], delta)


def hidden_signal(p: Person, net: Net, l: int, sample: Sample) -> None:
    """delta of a hidden layer: slope times dz."""
    a, z, kind = sample.a[l - 1], sample.z[l], net.layers[l - 1].activation
    slopes = [slope(p, kind, a[j], z[j]) for j in range(len(a))]
    sample.slope = [p.write(f"slope{l}[{j}]{sample.mark}", value) for j, value in enumerate(slopes, 1)]
    values = []
    for j in range(len(a)):
        factor = sample.slope[j]
        if len(a) > 1 and p.slips("neighbours_slope"):
            factor = sample.slope[(j + 1) % len(a)]
        forgotten = p.slips("hidden_slope_forgotten")
        values.append(sample.dz[j] if forgotten else p.times(factor, sample.dz[j]))
    sample.signal = [p.write(f"delta{l}[{j}]{sample.mark}", value) for j, value in enumerate(values, 1)]


# gradients and update


def gradient(p: Person, net: Net, l: int, samples: list[Sample], turn: str) -> dict[str, Any]:
    """dW and db of layer l, over all samples."""
    layer = net.layers[l - 1]
    rows = []
    for j in range(len(layer.W)):
        row = []
        for i in range(len(layer.W[0])):
            parts = [weight_gradient(p, l, j, i, samples, n) for n in range(len(samples))]
            row.append(p.write(f"dW{l}[{j + 1},{i + 1}]{turn}", over_samples(p, net, parts)))
        rows.append(row)
    made: dict[str, Any] = {"W": rows}
    if isinstance(layer.b, list):
        made["b"] = [bias_gradient(p, net, l, j, samples, turn) for j in range(len(layer.W))]
    elif layer.b is not None:
        signals = [one for sample in samples for one in sample.signal]
        part = signals[:1] if p.slips("shared_bias_one_unit") else signals
        made["b"] = p.write(f"db{l}{turn}", p.total(part))
    return made


def weight_gradient(p: Person, l: int, j: int, i: int, samples: list[Sample], n: int) -> Number:
    """What sample n adds to dW[j,i]: delta[j] z[i]."""
    sample = samples[n]
    delta, below = sample.signal, sample.z[l - 1]
    if len(samples) > 1 and p.slips("another_samples_input"):
        below = samples[(n + 1) % len(samples)].z[l - 1]
    if l > 1 and p.slips("gradient_with_net_input"):
        below = sample.a[l - 2]
    if len(delta) == len(below) and i != j and p.slips("gradient_indices_exchanged"):
        return p.times(delta[i], below[j])
    if p.slips("gradient_with_own_output"):
        return p.times(delta[j], sample.z[l][j])
    if p.slips("gradient_without_input"):
        return delta[j]
    if p.slips("gradient_with_dz"):
        return p.times(sample.dz[j], below[i])
    return p.times(delta[j], below[i])


def bias_gradient(p: Person, net: Net, l: int, j: int, samples: list[Sample], turn: str) -> Number:
    """The sum of the signals."""
    parts = [sample.signal[j] for sample in samples]
    if net.layers[l - 1].b[j] and p.slips("bias_gradient_times_bias"):
        parts = [p.times(part, net.layers[l - 1].b[j]) for part in parts]
    return p.write(f"db{l}[{j + 1}]{turn}", over_samples(p, net, parts))


def over_samples(p: Person, net: Net, parts: Row) -> Number:
    """The sum over samples, or their mean."""
    if len(parts) == 1:
        return parts[0]
    if p.slips("last_sample_only"):
        parts = parts[-1:]
    whole = p.total(parts)
    if net.training.get("reduction") != "mean" or p.slips("mean_forgotten"):
        return whole
    return p.over(whole, len(parts))


def update(p: Person, net: Net, gradients: list[dict[str, Any]], turn: str) -> list[Layer]:
    """The layers with their new weights and biases."""
    optimizer = Optimizer(net.training, net.memory, turn)
    new: list[Layer] = list(net.layers)
    for l in range(len(net.layers), 0, -1):
        layer = net.layers[l - 1]
        W = updated(p, f"W{l}", layer.W, gradients[l - 1]["W"], optimizer)
        b = layer.b
        if b is not None and not net.training.get("update_biases", True):
            p.write(f"b{l}_new{turn}", b)
        elif b is not None:
            b = updated(p, f"b{l}", b, gradients[l - 1]["b"], optimizer)
        new[l - 1] = Layer(W, b, layer.activation)
    return new
