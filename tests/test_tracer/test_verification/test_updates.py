"""The update is judged like all before it: optimizer state, hats and new parameters, each by its own equation."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from networks import MORE_OPTIMIZERS, OPTIMIZERS, random_problem
from plants import dense
from worked import subject_of, work_wrongly, wrong_lines

from derivations.equations import Role
from derivations.names import KINDS
from derivations.optimizers import OPTIMIZERS as EQUATIONS
from tracer import load, trace, verify
from tracer.tracing import trace_of
from tracer.verification import updates
from tracer.verification.judging import Claim, judge
from tracer.verification.routes import routes_of
from tracer.verification.running import Running
from tracer.verification.subject import subjects

UPDATES = {name for name, kind in KINDS.items() if kind.stage == "update"}
LATER = {Role.STATE, Role.UPDATED}
LINES = {
    "sgd": {"new": "w + eta*g"},
    "momentum": {"v": "-2*eta*g"},
    "ema": {"v": "g"},
    "nesterov": {"new": "w - eta*v"},
    "adam": {"v_hat": "v"},
    "adamw": {"new": "w - eta*m_hat/(sqrt(v_hat) + epsilon)"},
    "rmsprop": {"new": "w - eta*g/(v + epsilon)"},
    "adagrad": {"v": "v_before + abs(g)"},
}
NAMED = {"new": "_new", "v": "v", "v_hat": "_hat"}
"""What stands in the names of all that each line makes."""


def of_update(name: str) -> bool:
    """Whether a name is one of the update."""
    return "_new" in name or name[0] in "vm"


def test_every_optimizer_is_judged_in_all_that_it_records() -> None:
    """An optimizer that is added needs its formulas here too, for each array that its equations work out."""
    assert (
        {*(name.removesuffix("_ema") for name in EQUATIONS), "adamw"}
        == updates.OPTIMIZERS.keys()
        == updates.STATES.keys()
    )
    for optimizer in (*OPTIMIZERS, *MORE_OPTIMIZERS):
        for one in subjects(trace(load(random_problem(1, optimizer=optimizer, samples="together"))).steps):
            found = routes_of(one)
            recorded = {name for name, array in one.arrays.items() if array.role in LATER} & one.recorded.keys()
            assert recorded
            assert recorded <= found.symbolic.keys() & found.numeric.keys() & found.rounding.keys()


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, *MORE_OPTIMIZERS])
@pytest.mark.parametrize("samples", ["together", "in_turn"])
def test_one_changed_number_of_the_update_is_the_only_cause(optimizer: str, samples: str) -> None:
    """Each kind that the optimizer records, changed by a millionth in any step, is named; nothing is blamed on it."""
    seen = set()
    for seed in range(1, 25, 3):
        rng = np.random.default_rng(seed)
        problem = load(random_problem(seed, optimizer=optimizer, samples=samples))
        values = {n: v for n, v in trace(problem).values.items() if np.isfinite(v)}
        right = verify(problem, values)
        assert not right.wrong
        assert right.undecided == right.vague  # of what is 0 but for rounding: one bias for all of a softmax
        name = str(rng.choice([n for n in values if of_update(n) and n not in right.vague]))
        if abs(values[name]) > 1e-9 and abs(values[name]) < 1e9:
            result = verify(problem, values | {name: values[name] * 1.0001})
            assert result.wrong == (name,), result
            seen.add(name.split("[")[0].rstrip("0123456789"))
    assert len(seen) > 1


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, *MORE_OPTIMIZERS])
def test_a_wrong_line_of_the_update_is_found_in_a_trace_and_blamed(optimizer: str) -> None:
    """A step worked with one wrong line: the traced route is odd from there on, and only its own numbers are causes."""
    (made,) = LINES[optimizer]
    found = 0
    for seed in range(12):
        problem = load(random_problem(seed, optimizer=optimizer, samples="together"))
        step = work_wrongly(problem, wrong_lines(problem, **LINES[optimizer]))
        judged = judge(routes_of(subject_of(step)), Claim())
        assert {judged.routes.subject.arrays[name].role for name in judged.odd["traced"]} <= LATER
        assert not judged.odd["symbolic"]
        plain = trace(problem)
        theirs = trace_of(problem, (step,), "float64", plain.rounding).values
        result = verify(problem, {n: v for n, v in theirs.items() if np.isfinite(v)})
        assert all(NAMED[made] in name for name in result.wrong), result
        assert bool(result.wrong) == bool(judged.odd["traced"])
        found += bool(result.wrong)
    assert found > 6


def test_a_right_update_of_a_wrong_gradient_inherits() -> None:
    """dW1[2,1] wrong and W1_new[2,1] worked rightly from it: one cause; the given new weight alone is its own cause."""
    values = dict(trace("hand-3-2-2").values)
    W, right = 0.2, dict(values)
    values["dW1[2,1]"] *= 2
    values["W1_new[2,1]"] = W - 0.1 * values["dW1[2,1]"]
    result = verify("hand-3-2-2", values)
    assert (result.wrong, result.inherited) == (("dW1[2,1]",), ("W1_new[2,1]",))
    assert verify("hand-3-2-2", right | {"W1_new[2,1]": values["W1_new[2,1]"]}).wrong == ("W1_new[2,1]",)
    assert verify("hand-3-2-2", {"W1_new[2,1]": values["W1_new[2,1]"]}).wrong == ("W1_new[2,1]",)
    assert verify("hand-3-2-2", {"W1_new[2,1]": "-0.1631"}).agrees
    assert not verify("hand-3-2-2", {"W1_new[2,1]": "-0.1632"}).agrees


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (0.5, "every update is made with a learning rate of 0.5; the problem has 0.1"),
        (-0.1, "every update has the opposite sign: it goes up the gradient"),
        (0.0, "nothing is updated: the numbers are those before the step"),
    ],
)
def test_another_learning_rate_is_said_in_words(rate: float, words: str) -> None:
    """New weights that another eta explains, all of them: one sentence; one weight more that it does not: none."""
    problem = dense((4, 5, 3))
    step = trace(problem)
    before = {f"{p}{l}": np.array(step.steps[0].array(p, l)) for l in (1, 2) for p in "Wb"}
    theirs = {f"{name}_new": array - rate * step[f"d{name}"] for name, array in before.items()}
    assert verify(problem, theirs).explanations == (words,)
    theirs["W1_new"][0, 0] += 1
    assert verify(problem, theirs).explanations == ()


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_float32_updates_are_judged_as_float32(seed: int) -> None:
    """New parameters and optimizer state of a float32 program agree, within what is allowed; a wrong one does not."""
    problem = load(random_problem(seed, samples="together"))
    single = trace(problem, arithmetic="float32")
    kinds = [key for key in single.steps[0].arrays if key[0] in UPDATES]
    theirs: dict[str, Any] = {}
    for kind, l in kinds:
        k = KINDS[kind]
        letters = k.stem if not k.stem.endswith("b") else k.stem[:-1] + problem.network.layer(l).bias.letter  # type: ignore[union-attr]
        theirs[f"{letters}{l}{k.suffix}"] = np.asarray(single.steps[0].array(kind, l), np.float32)
    result = verify(problem, theirs)
    assert result.verdict != "disagree", result
    assert result.worst < 1
    theirs["W1_new"] = theirs["W1_new"] + np.float32(0.01)
    assert not verify(problem, theirs).agrees


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize("size", ["float32", "float64"])
def test_updates_of_torch_agree(optimizer: str, size: str) -> None:
    """One step of torch.optim, in float32 and float64: the new parameters agree; with another rate they do not."""
    torch = pytest.importorskip("torch")
    optim = {
        "sgd": lambda p, eta: torch.optim.SGD(p, eta),
        "momentum": lambda p, eta: torch.optim.SGD(p, eta, momentum=0.9),
        "nesterov": lambda p, eta: torch.optim.SGD(p, eta, momentum=0.9, nesterov=True),
        "adam": torch.optim.Adam,
    }[optimizer]
    rng = np.random.default_rng(3)
    W, x, t = rng.normal(size=(4, 5)), rng.normal(size=5), rng.normal(size=4)
    constants = {"momentum": 0.9} if optimizer in ("momentum", "nesterov") else {}
    constants |= {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8} if optimizer == "adam" else {}
    problem = load(
        {
            "network": {"loss": "squared_error", "layers": [{"activation": "tanh", "W": W}]},
            "samples": [{"x": x, "t": t}],
            "training": {"learning_rate": 0.1, "optimizer": optimizer, **constants},
        }
    )
    for eta in (0.1, 0.1001):
        p = torch.tensor(W, dtype=getattr(torch, size), requires_grad=True)
        ((torch.tanh(p @ torch.tensor(x, dtype=p.dtype)) - torch.tensor(t, dtype=p.dtype)) ** 2).sum().backward()
        optim([p], eta).step()
        result = verify(problem, {"W1_new": p.detach()})
        assert result.agrees == (eta == 0.1), result


def test_biases_that_are_not_trained_stay() -> None:
    """With update_biases = false b_new is b, has no state, and a bias that moved is wrong."""
    raw = random_problem(13, optimizer="adam", samples="together")
    raw["training"]["update_biases"] = False
    problem = load(raw)
    values = trace(problem).values
    stays = [n for n in values if n.startswith(("b", "theta")) and "_new" in n]
    assert stays
    assert verify(problem, {stays[0]: values[stays[0]]}).agrees
    assert verify(problem, {stays[0]: values[stays[0]] + 1e-6}).wrong == (stays[0],)
    with pytest.raises(ValueError, match="not worked out in this problem's update"):
        verify(problem, {"v" + stays[0].replace("_new", ""): 0.1})


def test_a_running_bound_holds_the_exact_result() -> None:
    """Sums, products, quotients, powers of rounded numbers: the exact result lies within e; half of e would not do."""
    rng = np.random.default_rng(0)
    u, closest = 2.0**-53, 0.0
    for _ in range(300):
        numbers = [float(v) for v in rng.normal(size=3)]
        x, y, z = (Running(v, 0.0, u) for v in numbers)
        a, b, c = map(Fraction, numbers)
        for run, exact in (
            (x * y + z, a * b + c),
            (x * y - z * y, a * b - c * b),
            ((1 - x * y) * z, (1 - a * b) * c),
            (x * y / z, a * b / c),
            (x * (y**3), a * b**3),
        ):
            off = abs(Fraction(float(run.v)) - exact)
            assert off <= Fraction(float(run.e))
            closest = max(closest, float(off / Fraction(float(run.e))))
        root = (x * x + y * y) ** 0.5
        square = a * a + b * b
        low, high = Fraction(float(root.v)) - Fraction(float(root.e)), Fraction(float(root.v)) + Fraction(float(root.e))
        assert low**2 <= square <= high**2
    assert closest > 0.5


def test_a_root_and_a_positive_number_never_reach_zero() -> None:
    """Adam's denominator: where the error is larger than the root, the quotient's bound is still finite, and holds."""
    u = 2.0**-53
    denominator = Running(1e-12, 1e-10, u) ** 0.5 + Running(1e-6, 0.0, u)
    quotient = Running(1e-6, 1e-8, u) / denominator
    assert np.isfinite(quotient.e)
    for v in (0.0, 1e-12, 1.01e-10):
        for m in (0.99e-6, 1.01e-6):
            assert abs(m / (v**0.5 + 1e-6) - quotient.v) <= quotient.e
    with np.errstate(divide="ignore"):
        assert np.isinf((Running(1.0, 0.0, u) / Running(1e-12, 1e-10, u)).e)


@pytest.mark.parametrize("seed", range(40))
def test_decay_and_clipping_are_judged(seed: int) -> None:
    """With weights that decay and gradients that are clipped all agrees, and a wrong number is seen."""
    problem = load(random_problem(seed, samples="together", more=True))
    values = trace(problem).values
    right = verify(problem, values)
    assert not right.wrong
    read = [n for n in values if n[0] in "gn" and n not in right.vague and abs(values[n]) > 1e-9]
    for name in read[:1]:
        assert verify(problem, values | {name: values[name] * 1.0001}).wrong == (name,)


def test_the_length_of_gradients_is_told_when_it_is_wrong() -> None:
    """A norm that leaves the biases out is a cause, and so is a gradient that was not scaled by it."""
    problem = load(
        {
            "network": {"loss": "half_squared_error", "layers": [{"activation": "tanh", "W": [[0.5, -1]], "b": [0.2]}]},
            "samples": [{"x": [1, 2], "t": [1]}],
            "training": {"learning_rate": 0.1, "clip_norm": 0.05},
        }
    )
    values = trace(problem).values
    without = float(np.hypot(values["dW1[1,1]"], values["dW1[1,2]"]))
    assert verify(problem, {"norm": values["norm"]}).agrees
    assert verify(problem, values | {"norm": without}).wrong == ("norm",)
    assert verify(problem, values | {"gW1[1,1]": values["dW1[1,1]"]}).wrong == ("gW1[1,1]",)
