"""Certificates: every ball holds the true gradient, nothing false is ever proved, kinks are told and not guessed."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from flint import arb, ctx
from mpmath import mpf
from networks import random_problem
from plants import spoil_backward

import derivations.forms
import tracer.verification
from derivations.names import UnknownName
from tracer import load, trace
from tracer.frameworks import gradients_of, problem_of
from tracer.verification.certificates import Certificates, certify
from tracer.verification.subject import layout_of

SEEDS = tuple(range(0, 70, 2))


# --- a reference that shares nothing: mpmath, central differences of a forward pass of its own ---

HS = {
    "identity": lambda a: a,
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "tanh": mpmath.tanh,
    "relu": lambda a: max(a, mpf(0)),
    "leaky_relu": lambda a: a if a > 0 else a / 100,
    "elu": lambda a: a if a > 0 else mpmath.expm1(a),
    "softplus": lambda a: mpmath.log1p(mpmath.exp(a)),
    "silu": lambda a: a / (1 + mpmath.exp(-a)),
    "gelu": lambda a: a * mpmath.ncdf(a),
}


def _mp(written: Any) -> Any:
    if isinstance(written, list):
        return [_mp(entry) for entry in written]
    above, _, below = str(written).partition("/")
    return mpf(above) / mpf(below or 1)


def _log(t: Any, y: Any) -> Any:
    return mpf(0) if t == 0 else t * mpmath.log(y)


def _loss(name: str, y: list[Any], t: list[Any]) -> Any:
    pairs = list(zip(y, t or y, strict=True))
    parts = {
        "half_squared_error": lambda: [(u - v) ** 2 / 2 for u, v in pairs],
        "squared_error": lambda: [(u - v) ** 2 for u, v in pairs],
        "mean_squared_error": lambda: [(u - v) ** 2 / len(y) for u, v in pairs],
        "half_mean_squared_error": lambda: [(u - v) ** 2 / (2 * len(y)) for u, v in pairs],
        "cross_entropy": lambda: [-_log(v, u) for u, v in pairs],
        "binary_cross_entropy": lambda: [-_log(v, u) - _log(1 - v, 1 - u) for u, v in pairs],
        "given": lambda: [u * v for u, v in pairs],
        "output": lambda: y,
    }
    return mpmath.fsum(parts[name]())


def _moved(values: list[Any], l: int, move: tuple[int, int, Any, bool] | None, *, before: bool = False) -> list[Any]:
    if move is None or (l, before) != (move[0], move[3]):
        return values
    return [v + move[2] if k == move[1] else v for k, v in enumerate(values)]


class Reference:
    """The loss as a function of W and b, at a hundred digits."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.loss = problem, problem["network"]["loss"]
        self.W, self.b, self.sign, self.h = [], [], [], []
        for layer in problem["network"]["layers"]:
            W = _mp(layer["W"])
            W = [list(row) for row in zip(*W, strict=True)] if problem["network"].get("layout") == "in_out" else W
            letter = "theta" if "theta" in layer else "b"
            b = _mp(layer[letter]) if letter in layer else None
            if layer.get("bias_column"):
                W, b = [row[:-1] for row in W], [row[-1] for row in W]
            self.W.append(W)
            self.b.append(b if b is None or isinstance(b, list) else [b])
            self.sign.append(-1 if letter == "theta" else 1)
            self.h.append(layer["activation"])

    def targets(self, sample: dict[str, Any]) -> list[Any]:
        """What the loss compares with."""
        if "class" in sample:
            return [mpf(k == sample["class"]) for k in range(1, len(self.W[-1]) + 1)]
        return _mp(sample.get("t", sample.get("dz", [])))

    def E(self, move: tuple[int, int, Any, bool] | None = None, only: int | None = None) -> Any:
        """The loss of the batch or of sample `only`; move: layer, unit, what is added to its a, or after it to z."""
        samples = self.problem["samples"] if only is None else [self.problem["samples"][only]]
        total = mpf(0)
        for sample in samples:
            z = _moved(_mp(sample["x"]), -1, move)
            for l, (W, b, sign, h) in enumerate(zip(self.W, self.b, self.sign, self.h, strict=True)):
                a = [mpmath.fdot(row, z) for row in W]
                if b is not None:
                    a = [v + sign * b[j if len(b) > 1 else 0] for j, v in enumerate(a)]
                a = _moved(a, l, move, before=True)
                z = [mpmath.exp(v) for v in a] if h == "softmax" else [HS[h](v) for v in a]
                z = _moved([v / mpmath.fsum(z) for v in z] if h == "softmax" else z, l, move)
            total += _loss(self.loss, z, self.targets(sample))
        mean = only is None and self.problem["training"].get("reduction") == "mean"
        return total / (len(samples) if mean else 1)

    def slope(self, row: list[Any], j: int) -> Any:
        """Central difference in one entry of W or b."""
        kept, h = row[j], mpf(10) ** -30
        row[j] = kept + h
        above = self.E()
        row[j] = kept - h
        below = self.E()
        row[j] = kept
        return (above - below) / (2 * h)

    def node(self, l: int, i: int, only: int, *, before: bool) -> Any:
        """Central difference in a pre-activation, or in an output (of layer -1, an input)."""
        h = mpf(10) ** -30
        return (self.E((l, i, h, before), only) - self.E((l, i, -h, before), only)) / (2 * h)

    def of(self, q: Any) -> Any:
        """The reference of one gradient."""
        l, indices = q.layer - 1, q.indices
        if q.kind == "dW":
            return self.slope(self.W[l][indices[0] - 1], indices[1] - 1)
        if q.kind == "db":
            return self.slope(self.b[l], indices[0] - 1 if indices else 0)
        return self.node(l, indices[0] - 1, max(q.sample, 1) - 1, before=q.kind == "delta")


def within(ball: Any, reference: Any) -> bool:
    """Whether a ball, widened by what a difference at a hundred digits may err, holds the reference."""
    with ctx.workprec(4000):
        near = abs(arb(mpmath.nstr(reference, 90)) - ball)
        return bool(near.overlaps(arb(0)) or near < arb("1e-50"))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_ball_holds_the_difference_quotient(seed: int) -> None:
    """Every ball holds mpmath's gradient, its relative radius is below 1e-20, and the two routes meet."""
    problem = random_problem(seed)
    found = certify(problem)
    assert found.disagreements == ()
    assert found.routes == ("backward", "forward")
    with mpmath.workdps(100):
        reference, layout = Reference(problem), layout_of(found.problem)
        for name, ball in found.items():
            true = reference.of(layout.read(name).quantity)
            assert within(ball, true), name
            if abs(true) > mpf(10) ** -40:
                assert found.relative_radius(name) <= 1e-20
                assert not within(ball, true * (1 + mpf(10) ** -15))  # the planted twin


@pytest.mark.parametrize("seed", range(1, 40, 2))
def test_traced_balls_meet_the_certificates(seed: int) -> None:
    """Each gradient traced in balls of 300 bits overlaps its certificate; in float64 it is near."""
    problem = load(random_problem(seed))
    found, balls, floats = certify(problem), trace(problem, arithmetic="ball", precision=300), trace(problem)
    for name, ball in found.items():
        assert ball.overlaps(balls.values[name])
        allowed = 1e-9 * (1 + abs(floats.values[name]))
        assert found.verdict(name, floats.values[name], allowed) == "proved"


@pytest.mark.parametrize("seed", [0, 4, 8, 22, 35])
def test_wrong_by_a_part_in_1e15_is_refuted(seed: int) -> None:
    """A value off by 1e-15 of itself is refuted, the value itself proved, and a coarse claim about it too."""
    found = certify(random_problem(seed))
    for name, ball in found.items():
        if found.relative_radius(name) > 1e-20 or ball == 0:
            continue
        with ctx.workprec(400):
            size, middle = abs(ball.mid()), ball.mid()
            assert found.verdict(name, middle, size * arb("1e-16")) == "proved"
            assert found.verdict(name, middle + size * arb("1e-15"), size * arb("1e-16")) == "refuted"
            assert found.verdict(name, middle - size * arb("1e-15"), size * arb("1e-14")) == "proved"


def small(activation: str, W: Any, *, x: Any = (1, 2), t: Any = (0,), loss: str = "half_squared_error") -> Any:
    """Two layers: one unit of the activation, then an identity of weight 1."""
    layers = [{"activation": activation, "W": W}, {"activation": "identity", "W": [[1] * len(W)]}]
    samples = [{"x": list(x), "t": list(t)}]
    return load({"network": {"loss": loss, "layers": layers}, "samples": samples, "training": {"learning_rate": 1}})


def test_verdicts() -> None:
    """A printed number is proved to its digits, refuted past them; equality is proved of exact balls alone."""
    found = certify("hand-3-2-2")
    assert found.verdict("dW2[1,1]", "1.4093", "0.00005") == "proved"
    assert found.verdict("dW2[1,1]", "1.4092", "0.00005") == "refuted"
    assert found.verdict("dW2[1,1]", 1.4092778116830482, 0) == "refuted"
    exact = certify(small("identity", [["0.5", 3]], t=(1,)))
    assert exact.verdict("dW1[1,1]", "5.5") == "proved"
    assert exact.verdict("dW1[1,1]", 5.5) == "proved"
    assert exact.verdict("dW1[1,1]", "11/2") == "proved"
    assert exact.verdict("dW1", [[5.5, 11]]) == "proved"
    assert exact.verdict("dW1", [[5.5, 11.000000000000002]]) == "refuted"
    with pytest.raises(ValueError, match=r"dW1: shape \(2,\), but it has \(1, 2\)"):
        exact.verdict("dW1", [5.5, 11])
    third = certify(small("identity", [["1/3", 3]], t=(0,)))
    assert third.verdict("dW1[1,1]", "19/3") == "undecided"
    assert certify(small("identity", [["1/3", 3]], t=(0,)), inputs="floats").verdict("dW1[1,1]", "19/3") == "refuted"
    assert found.distance("dW2[1,1]", "1.4093") < arb("2.3e-5")


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softplus", "silu", "gelu", "elu"])
def test_saturated_units(activation: str) -> None:
    """Units driven far out keep their relative accuracy, with as many bits as that takes."""
    for a in (-400, -40, 40, 400):
        found = certify(small(activation, [[a, 0]], t=(1,)))
        wanted = [name for name in found if not (activation in ("silu", "gelu", "softplus", "elu") and a > 0)]
        assert all(found.relative_radius(name) <= 1e-20 for name in wanted)
        assert found.disagreements == ()
    with mpmath.workdps(600):
        true = (HS["sigmoid"](mpf(400)) - 1) * mpmath.diff(HS["sigmoid"], mpf(400))
        ball = certify(small("sigmoid", [[400, 0]], t=(1,)))["dW1[1,1]"]
        assert abs(mpf(ball.mid().str(60, radius=False)) / true - 1) < mpf(10) ** -20


def test_saturated_softmax() -> None:
    """y - t at a saturated softmax is far below what floats hold, and is enclosed."""
    layers = [{"activation": "softmax", "W": [[300, 0], [-300, 0]]}]
    network = {"loss": "cross_entropy", "layers": layers}
    found = certify({"network": network, "samples": [{"x": [1, 1], "class": 1}], "training": {"learning_rate": 1}})
    assert found.undecided == ()
    with mpmath.workdps(50):
        assert abs(mpf(found["delta1[2]"].mid().str(40, radius=False)) / mpmath.exp(-600) - 1) < mpf(10) ** -20


@pytest.mark.parametrize("W", [[[2, -1]], [["0.1", "-0.05"]]])
def test_at_a_kink_either_slope_and_no_other(W: Any) -> None:
    """At a kink the ball holds both slopes: neither is refuted, none proved, what lies outside is refuted."""
    found = certify(small("relu", W, t=(1,)))
    assert [kink.name for kink in found.kinks] == ["a1[1]"]
    assert {"dW1[1,1]", "dW1[1,2]", "delta1[1]"} <= set(found.undecided)
    assert found.verdict("dW1[1,1]", 0) == "undecided"
    assert found.verdict("dW1[1,1]", -1) == "undecided"
    assert found.verdict("dW1[1,1]", "-1.1") == "refuted"
    assert found.verdict("dW1[1,1]", "-0.5", slack="0.51") == "proved"
    assert found.verdict("dW2[1,1]", 0, slack="1e-30") == "proved"
    leaky = certify(small("leaky_relu", W, t=(1,)))
    assert leaky.verdict("dW1[1,1]", 0) == "refuted"
    assert leaky.verdict("dW1[1,1]", "-0.01") == leaky.verdict("dW1[1,1]", -1) == "undecided"


def test_no_kink_where_both_slopes_are_one() -> None:
    """ELU at zero has one slope, and is certified; a unit beside the kink is no kink."""
    assert certify(small("elu", [[2, -1]], t=(1,))).kinks == ()
    assert certify(small("elu", [[2, -1]], t=(1,))).verdict("dW1[1,1]", -1) == "proved"
    beside = certify(small("relu", [["0.1000000000000000000000000000001", "-0.05"]], t=(1,)))
    assert beside.kinks == ()
    assert beside.undecided == ()


@pytest.mark.parametrize("seed", range(30))
def test_integer_relu_nets(seed: int) -> None:
    """In integer nets, kinks or not, the traced gradient is never refuted and one off by a half always is."""
    rng = np.random.default_rng(seed)
    sizes = (3, 3, 2, 1)
    layers = [{"activation": "relu", "W": rng.integers(-2, 3, (m, n))} for n, m in pairwise(sizes)]
    layers[-1]["activation"] = "identity"
    sample = {"x": rng.integers(-2, 3, 3), "t": rng.integers(-2, 3, 1)}
    problem = load(
        {
            "network": {"loss": "half_squared_error", "layers": layers},
            "samples": [sample],
            "training": {"learning_rate": 1},
        }
    )
    found, step = certify(problem), trace(problem)
    assert found.disagreements == ()
    for name in found:
        assert found.verdict(name, step.values[name]) in ("proved", "undecided")
        if found[name].is_exact():
            assert found.verdict(name, step.values[name]) == "proved"
            assert found.verdict(name, step.values[name] + 0.5) == "refuted"


# --- the two routes ---


@pytest.mark.parametrize(
    ("of", "named"), [("W1", "dW1[1,1]"), ("b2", "db2[1]"), ("a1", "delta1[1]@1"), ("x", "dz0[1]@1")]
)
def test_a_spoiled_route_is_noticed(of: str, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin: one ball of route 1 off by 1e-15, and the routes disagree; nothing is decided there."""
    layers = [
        {"activation": "tanh", "W": [["0.1", "0.2"], ["0.3", "-0.4"]], "theta": 1},
        {"activation": "softmax", "W": [["0.5", "0.6"], ["0.7", "-0.1"]], "b": ["0.2", "-0.3"]},
    ]
    samples = [{"x": ["0.3", "0.4"], "class": 1}, {"x": [1, "-0.4"], "class": 2}]
    problem = {
        "network": {"loss": "cross_entropy", "layers": layers},
        "samples": samples,
        "training": {"learning_rate": 1, "reduction": "mean"},
    }
    assert certify(problem).disagreements == ()
    spoil_backward(monkeypatch, of)
    found = certify(problem)
    assert named.split("[")[0] in found.disagreements
    assert found.verdict(named, 0) == "undecided"
    alone = certify(problem, forward_route=False)
    assert alone.disagreements == ()
    assert alone.routes == ("backward",)


# --- names, options ---


def batch(**training: Any) -> dict[str, Any]:
    """Two samples, shared threshold."""
    layers = [{"activation": "sigmoid", "W": [["0.1", "0.2"], [1, 2]], "theta": "0.3"}]
    return {
        "network": {"loss": "squared_error", "layers": layers},
        "samples": [{"x": [1, 2], "t": [0, 1]}, {"x": [0, "0.5"], "t": [1, 1]}],
        "training": {"learning_rate": 1, **training},
    }


def test_names_and_shapes() -> None:
    """Read by name as a trace is: one number, a whole array, a sample of a batch; a wrong name says what is near."""
    found = certify(batch())
    assert list(found)[:5] == ["dz1[1]@1", "dz1[1]@2", "dz1[2]@1", "dz1[2]@2", "delta1[1]@1"]
    assert len(found) == 17
    assert found["dW1"].shape == (2, 2)
    assert found["delta1"].shape == (2, 2)
    assert found["delta1@2"].shape == (2,)
    assert found["delta1"][1, 0] is found["delta1[1]@2"]
    assert found["dtheta1"].overlaps(-sum(found["delta1"].flat))
    step = trace(batch())
    assert found.verdict("delta1", step["delta1"], 1e-15) == "proved"
    assert found.verdict("dW1", step["dW1"] * [[1, 1], [1, 1.001]], 1e-9) == "refuted"
    with pytest.raises(UnknownName, match="name the sample too, such as delta1"):
        found["delta1[1]"]
    with pytest.raises(UnknownName, match="has no certificate; names look like dW1"):
        found["a1[1]"]
    with pytest.raises(UnknownName, match="not a quantity of this network"):
        found["dW3[1,1]"]
    assert isinstance(found, Certificates)
    assert repr(found) == "<Certificates of 17 numbers, 128 bits>"


def test_samples_apart_and_in_turn() -> None:
    """Samples apart are certified each on its own; in turn they are several steps, and the error says what to do."""
    found = certify(batch(samples="apart"))
    step = trace(batch(samples="apart"))
    for name in found:
        assert found.verdict(name, step.values[name], 1e-14) == "proved"
    assert "dW1[1,1]@2" in list(found)
    with pytest.raises(ValueError, match=r"certify\(problem.sample\(1\)\)"):
        certify(batch(samples="in_turn"))
    assert certify(load(batch(samples="in_turn")).sample(1))["delta1"].shape == (2,)


def test_options() -> None:
    """Precision on demand, decimals or the very floats; nonsense is refused."""
    sharp = certify("hand-3-2-2", accuracy=1e-100)
    assert all(sharp.relative_radius(name) <= 1e-100 for name in sharp)
    assert certify("hand-3-2-2", 53).bits == 53
    assert not certify("hand-3-2-2")["dW1[1,1]"].overlaps(certify("hand-3-2-2", inputs="floats")["dW1[1,1]"])
    assert ctx.prec == 53
    for wrong, why in (
        ({"inputs": "texts"}, "known are decimals, floats"),
        ({"accuracy": 0}, "between 0 and 1"),
        ({"bits": 1}, "bits must be from 2"),
    ):
        with pytest.raises(ValueError, match=why):
            certify("hand-3-2-2", **wrong)


def test_the_judge_does_not_read_the_accused() -> None:
    """No module of the certificates reads a slope that an entry states, or imports what makes backward equations."""
    folder = Path(tracer.verification.__file__).parent
    modules = [
        folder / f"{name}.py" for name in ("boxes", "certificates", "in_balls", "in_series", "pieces", "reading_plan")
    ]
    for path in (*modules, Path(derivations.forms.__file__)):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        read = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        assert not read & {"slopes", "derivative", "jacobian", "fused"}, path.name
        named = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        assert not named & {"derivations.backward", "derivations.uses", "tracer.step"}, path.name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_gradients_are_proved_for_the_very_floats(dtype: str) -> None:
    """From the floats that torch starts from, its gradients are proved to 16 ulp, refuted 200 ulp off."""
    torch = pytest.importorskip("torch")
    nn, of = torch.nn, getattr(torch, dtype)
    torch.manual_seed(0)
    model, loss = nn.Sequential(nn.Linear(8, 6), nn.GELU(), nn.Linear(6, 4)).to(of), nn.CrossEntropyLoss()
    x, t = torch.randn(5, 8, dtype=of), torch.tensor([0, 1, 2, 3, 0])
    loss(model(x), t).backward()
    found = certify(problem_of(model, x, t, loss=loss), inputs="floats")
    ulp = float(np.finfo(dtype).eps)
    for name, gradient in gradients_of(model).items():
        slack = 16 * ulp * np.abs(gradient).max()
        assert found.verdict(name, gradient, slack) == "proved"
        assert found.verdict(name, gradient * (1 + 200 * ulp), slack) == "refuted"
