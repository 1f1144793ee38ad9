"""One forward, backward and update step, as equations over any arithmetic.

Letters (Bishop's): x input, W weight, b bias (or theta, a threshold), a pre-activation, z = h(a) activation, z[0] = x,
y = z[L], t target, E loss, dz = dE/dz, slope = h'(a), J softmax's Jacobian, delta = dE/da, dW = dE/dW, db = dE/db,
eta learning rate, v and m optimizer state.  Samples are columns.

A rule is `rule(s, l)`: s holds everything written so far, by letter and layer.  What `record` returns is what all later
rules use; so numbers can be kept, rounded, replaced by a student's own, or replaced by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from derivations.arithmetic import Arithmetic
from derivations.network import Problem

__all__ = ["OPTIMIZERS", "RULES", "Record", "Rules", "Start", "State", "run"]

Array = Any
Record = Callable[[str, int, Array], Array]
Rule = Callable[["State", int], Array]
UpdateRule = Callable[["State", int, str], Array]


class State:
    """Everything written so far.  `s.a[l]`, `s.delta[l]` ... are arrays; `s.m` is the arithmetic.

    `count` is the number of the step, from 1; `before` holds the optimizer's last arrays by kind and layer.
    """

    def __init__(self, problem: Problem, m: Arithmetic, start: Start | None = None, count: int = 1) -> None:
        self.problem, self.m, self.count = problem, m, count
        self.network, self.training = problem.network, problem.training
        self.L = len(problem.network)
        self.N = problem.samples
        self.fused = problem.fused
        self.__dict__.update({kind: [None] * (self.L + 1) for kind in PER_LAYER})
        (start or Start.of(problem, m)).into(self)

    W: list[Array]
    b: list[Array]
    a: list[Array]
    z: list[Array]
    slope: list[Array]
    J: list[Array]
    dz: list[Array]
    delta: list[Array]
    dW: list[Array]
    db: list[Array]
    W_new: list[Array]
    b_new: list[Array]
    t: Array
    E_part: Array
    E_sample: Array
    E: Array
    eta: Any
    mu: Any
    beta1: Any
    beta2: Any
    epsilon: Any
    before: dict[tuple[str, int], Array]

    def hand_over(self, to: State | None = None) -> State:
        """Make a state, this one or another sample's, ready for the next step: updated parameters become parameters."""
        to = to or self
        to.W, to.b, to.count = self.W_new, self.b_new, self.count + 1
        to.before = {(kind, l): getattr(self, kind)[l] for kind, l in self.before} if self.before else {}
        self.W_new, self.b_new = [None] * (self.L + 1), [None] * (self.L + 1)
        return to

    @property
    def x(self) -> Array:
        """The inputs."""
        return self.z[0]

    @property
    def y(self) -> Array:
        """The outputs."""
        return self.z[self.L]


PER_LAYER = (
    *("W", "b", "a", "z", "slope", "J", "dz", "delta"),
    *(kind for p in "Wb" for kind in (f"d{p}", f"v{p}", f"m{p}", f"v{p}_hat", f"m{p}_hat", f"{p}_new")),
)


@dataclass
class Start:
    """What a step starts from, in some arithmetic: parameters by layer, samples, constants, the optimizer's state."""

    W: list[Array]
    b: list[Array]
    x: Array
    t: Array
    constants: dict[str, Any]
    before: dict[tuple[str, int], Array]

    @classmethod
    def of(cls, problem: Problem, m: Arithmetic) -> Start:
        """The numbers of a problem file; in machine numbers made once a problem, for no rule writes into an array."""
        known: dict[str, Start] = problem.__dict__.setdefault("_starts", {}) if m.floating else {}
        if m.name not in known:
            known[m.name] = cls._made(problem, m)
        return known[m.name]

    @classmethod
    def _made(cls, problem: Problem, m: Arithmetic) -> Start:
        layers = problem.network.layers
        training = problem.training
        constants = {
            "eta": training.learning_rate,
            "mu": training.momentum,
            "beta1": training.beta1,
            "beta2": training.beta2,
            "epsilon": training.epsilon,
        }
        start = cls(
            W=[None, *(m.lift(layer.W) for layer in layers)],
            b=[None, *(None if layer.b is None else m.lift(layer.b) for layer in layers)],
            x=m.lift(problem.x),
            t=None if problem.signals is None else m.lift(problem.signals),
            constants={k: None if v is None else m.scalar(v) for k, v in constants.items()},
            before={},
        )
        start.before = {(kind, l): getattr(start, kind[-1])[l] * 0 for kind, l in optimizer_state(problem)}
        return start

    def into(self, s: State) -> None:
        """Write it into a state."""
        s.W, s.b, s.z[0], s.t, s.before = self.W, self.b, self.x, self.t, self.before
        s.__dict__.update(self.constants)


def optimizer_state(problem: Problem) -> Iterator[tuple[str, int]]:
    """(kind, layer) of every array that the optimizer carries from step to step."""
    letters = {"momentum": "v", "nesterov": "v", "adam": "mv"}.get(problem.training.optimizer, "")
    for l, layer in problem.network:
        for p in layer.parameters:
            if p == "W" or problem.training.update_biases:
                yield from ((f"{letter}{p}", l) for letter in letters)


# --- forward ---


def pre_activation(s: State, l: int) -> Array:
    """a = W z + b, or W z - theta for a threshold; (units, samples).  Bishop 5.48"""
    bias = s.network.layer(l).bias
    if bias is None:
        return s.W[l] @ s.z[l - 1]
    if bias.letter == "theta":
        return s.W[l] @ s.z[l - 1] - s.b[l]
    return s.W[l] @ s.z[l - 1] + s.b[l]


def activation(s: State, l: int) -> Array:
    """z = h(a).  Bishop 5.49"""
    return s.network.layer(l).activation.at(s.m, s.a[l])


def loss_parts(s: State, l: int) -> Array:
    """E[k], the part of output k; (outputs, samples).  From a where y may have been rounded to 0 or 1."""
    if s.fused and not s.m.by_definition:
        return s.fused.parts(s.m, s.a[l], s.t)
    assert s.network.loss.parts is not None
    return s.network.loss.parts(s.m, s.z[l], s.t)


def sample_loss(s: State, l: int) -> Array:
    """The loss of each sample, the sum of its parts; (samples,)."""
    return s.E_part.sum(axis=0)


def batch_loss(s: State, l: int) -> Array:
    """E over the batch, summed or averaged; one number."""
    return over_samples(s, s.E_sample.sum())


# --- backward ---


def output_signal(s: State, l: int) -> Array:
    """dz = dE/dy."""
    return s.network.loss.slope(s.m, s.z[l], s.t)


def slope(s: State, l: int) -> Array:
    """h'(a), elementwise."""
    derivative = s.network.layer(l).activation.derivative
    assert derivative is not None
    return derivative(s.m, s.a[l], s.z[l])


def jacobian(s: State, l: int) -> Array:
    """J[k, m] = dz[k]/da[m] of softmax; (units, units, samples).  Bishop 4.106"""
    of_z = s.network.layer(l).activation.jacobian
    assert of_z is not None
    return of_z(s.m, s.z[l])


def output_delta(s: State, l: int) -> Array:
    """delta of the last layer: y - t where loss and activation fuse, else h'(a) dE/dy.  Bishop 5.54"""
    if s.fused:
        return s.fused.delta(s.m, s.z[l], s.t)
    return hidden_delta(s, l)


def hidden_delta(s: State, l: int) -> Array:
    """delta = h'(a) dz, or J^T dz for softmax.  Bishop 5.56"""
    if s.J[l] is not None:
        return (s.J[l] * s.dz[l][:, None]).sum(axis=0)
    return s.slope[l] * s.dz[l]


def signal_below(s: State, l: int) -> Array:
    """dz of the layer below l: W^T delta; (inputs, samples).  Bishop 5.56"""
    return s.W[l].T @ s.delta[l]


def weight_gradient(s: State, l: int) -> Array:
    """dW = delta z^T, summed or averaged over the batch.  Bishop 5.53"""
    return over_samples(s, s.delta[l] @ s.z[l - 1].T)


def bias_gradient(s: State, l: int) -> Array:
    """db = sum of delta over the batch (and over the units that share it); minus that for a threshold."""
    bias = s.network.layer(l).bias
    assert bias is not None
    total = s.delta[l].sum(axis=1, keepdims=True)
    if bias.shared:
        total = total.sum(axis=0, keepdims=True)
    return over_samples(s, -total if bias.letter == "theta" else total)


def over_samples(s: State, total: Array) -> Array:
    """A sum over the batch, or the mean if the problem asks for it."""
    return total / s.N if s.training.reduction == "mean" and s.N > 1 else total


# --- update: p is "W" or "b" ---


def velocity(s: State, l: int, p: str) -> Array:
    """v of momentum: mu v - eta g (classical), mu v + (1 - mu) g (ema), mu v + g (nesterov).  Polyak (1964)"""
    v, g = s.before[f"v{p}", l], getattr(s, f"d{p}")[l]
    if s.training.optimizer == "nesterov":
        return s.mu * v + g
    if s.training.momentum_form == "ema":
        return s.mu * v + (1 - s.mu) * g
    return s.mu * v - s.eta * g


def first_moment(s: State, l: int, p: str) -> Array:
    """m = beta1 m + (1 - beta1) g.  Kingma & Ba (2015), algorithm 1"""
    return s.beta1 * s.before[f"m{p}", l] + (1 - s.beta1) * getattr(s, f"d{p}")[l]


def second_moment(s: State, l: int, p: str) -> Array:
    """v = beta2 v + (1 - beta2) g^2.  Kingma & Ba (2015), algorithm 1"""
    return s.beta2 * s.before[f"v{p}", l] + (1 - s.beta2) * s.m.square(getattr(s, f"d{p}")[l])


def first_hat(s: State, l: int, p: str) -> Array:
    """m / (1 - beta1^k) at step k."""
    return getattr(s, f"m{p}")[l] / (1 - s.beta1**s.count)


def second_hat(s: State, l: int, p: str) -> Array:
    """v / (1 - beta2^k) at step k."""
    return getattr(s, f"v{p}")[l] / (1 - s.beta2**s.count)


def gradient_step(s: State, l: int, p: str) -> Array:
    """W - eta dW."""
    return getattr(s, p)[l] - s.eta * getattr(s, f"d{p}")[l]


def momentum_step(s: State, l: int, p: str) -> Array:
    """W + v (classical) or W - eta v (ema)."""
    if s.training.momentum_form == "ema":
        return getattr(s, p)[l] - s.eta * getattr(s, f"v{p}")[l]
    return getattr(s, p)[l] + getattr(s, f"v{p}")[l]


def nesterov_step(s: State, l: int, p: str) -> Array:
    """W - eta (g + mu v).  torch.optim.SGD(nesterov=True)"""
    return getattr(s, p)[l] - s.eta * (getattr(s, f"d{p}")[l] + s.mu * getattr(s, f"v{p}")[l])


def adam_step(s: State, l: int, p: str) -> Array:
    """W - eta m_hat / (sqrt(v_hat) + epsilon).  Kingma & Ba (2015), algorithm 1"""
    return getattr(s, p)[l] - s.eta * getattr(s, f"m{p}_hat")[l] / (s.m.sqrt(getattr(s, f"v{p}_hat")[l]) + s.epsilon)


@dataclass(frozen=True)
class Rules:
    """The equations of one step.  A slip is this object with one of them replaced."""

    pre_activation: Rule = pre_activation
    activation: Rule = activation
    loss_parts: Rule = loss_parts
    sample_loss: Rule = sample_loss
    batch_loss: Rule = batch_loss
    output_signal: Rule = output_signal
    slope: Rule = slope
    jacobian: Rule = jacobian
    output_delta: Rule = output_delta
    hidden_delta: Rule = hidden_delta
    weight_gradient: Rule = weight_gradient
    bias_gradient: Rule = bias_gradient
    signal_below: Rule = signal_below
    velocity: UpdateRule = velocity
    first_moment: UpdateRule = first_moment
    second_moment: UpdateRule = second_moment
    first_hat: UpdateRule = first_hat
    second_hat: UpdateRule = second_hat
    gradient_step: UpdateRule = gradient_step
    momentum_step: UpdateRule = momentum_step
    nesterov_step: UpdateRule = nesterov_step
    adam_step: UpdateRule = adam_step


RULES = Rules()

OPTIMIZERS: dict[str, tuple[tuple[str, str], ...]] = {
    "sgd": (("p_new", "gradient_step"),),
    "momentum": (("vp", "velocity"), ("p_new", "momentum_step")),
    "nesterov": (("vp", "velocity"), ("p_new", "nesterov_step")),
    "adam": (
        ("mp", "first_moment"),
        ("vp", "second_moment"),
        ("mp_hat", "first_hat"),
        ("vp_hat", "second_hat"),
        ("p_new", "adam_step"),
    ),
}
"""What each optimizer records, in order, and by which rule; p stands for W or b."""

_UPDATES = {
    (name, p): tuple((kind.replace("p", p), rule) for kind, rule in quantities)
    for name, quantities in OPTIMIZERS.items()
    for p in "Wb"
}


def run(s: State, record: Record, rules: Rules = RULES) -> State:
    """One step: every quantity in the order of calculation, each through `record`."""
    forward(s, record, rules)
    backward(s, record, rules)
    return s


def forward(s: State, record: Record, rules: Rules = RULES) -> None:
    """Layer by layer to the loss."""
    for l in range(1, s.L + 1):
        s.a[l] = record("a", l, rules.pre_activation(s, l))
        s.z[l] = record("z", l, rules.activation(s, l))
    if s.network.loss.parts is not None:
        s.E_part = record("E_part", 0, rules.loss_parts(s, s.L))
        s.E_sample = rules.sample_loss(s, s.L)
        if s.N > 1:
            s.E_sample = record("E_sample", 0, s.E_sample)
        s.E = record("E", 0, rules.batch_loss(s, s.L))


def backward(s: State, record: Record, rules: Rules = RULES) -> None:
    """From the loss down; within a layer slope, delta, dW, db, update, dz of the layer below."""
    s.dz[s.L] = record("dz", s.L, rules.output_signal(s, s.L))
    for l in range(s.L, 0, -1):
        if s.network.layer(l).activation.elementwise:
            s.slope[l] = record("slope", l, rules.slope(s, l))
        else:
            s.J[l] = record("J", l, rules.jacobian(s, l))
        rule = rules.output_delta if l == s.L else rules.hidden_delta
        s.delta[l] = record("delta", l, rule(s, l))
        s.dW[l] = record("dW", l, rules.weight_gradient(s, l))
        if s.b[l] is not None:
            s.db[l] = record("db", l, rules.bias_gradient(s, l))
        for p in s.network.layer(l).parameters:
            update(s, l, p, record, rules)
        s.dz[l - 1] = record("dz", l - 1, rules.signal_below(s, l))


def update(s: State, l: int, p: str, record: Record, rules: Rules) -> None:
    """The optimizer's quantities for one layer's weights or biases; biases that are not trained stay."""
    if p == "b" and not s.training.update_biases:
        s.b_new[l] = record("b_new", l, s.b[l])
        return
    for kind, rule in _UPDATES[s.training.optimizer, p]:
        getattr(s, kind)[l] = record(kind, l, getattr(rules, rule)(s, l, p))
