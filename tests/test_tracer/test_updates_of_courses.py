"""What courses say of an update beside its optimizer, and functions of the file: for layers and for equations alike."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from derivations.derivation import derive
from tracer import check, load, trace, train, verify
from tracer.answers.regrading import digest
from tracer.problem import ProblemError

OWN: dict[str, Any] = {
    "equations": "E = Σ_i g[i]*w[i] + 0*v",
    "parameters": {"w": [1.0, 2.0], "v": 0.5},
    "given": {"g": [0.3, -0.4]},
    "training": {"learning_rate": 0.1},
}
LAYERS: dict[str, Any] = {
    "network": {"loss": "half_squared_error", "layers": [{"activation": "tanh", "W": [[0.5, -1.0]], "b": [0.2]}]},
    "samples": [{"x": [1, 2], "t": [1]}],
    "training": {"learning_rate": 0.1},
}


def said(problem: dict[str, Any], **training: Any) -> dict[str, Any]:
    """The problem with more under [training]."""
    out = deepcopy(problem)
    out["training"] |= training
    return out


@pytest.mark.parametrize("problem", [OWN, LAYERS], ids=["equations", "layers"])
def test_a_list_of_learning_rates_gives_each_step_its_own(problem: dict[str, Any]) -> None:
    """Step by step the same as that many runs of one step; the last rate stays."""
    rates, at = [0.1, 0.05, 0.01], deepcopy(problem)
    for n in range(5):
        run = train(said(problem, learning_rate=rates), n + 1)
        step = trace(said(at, learning_rate=rates[min(n, 2)]))
        if problem is OWN:
            at["parameters"] = {"w": step["w_new"].tolist(), "v": float(step["v_new"])}
        else:
            at["network"]["layers"][0] |= {"W": step["W1_new"].tolist(), "b": step["b1_new"].tolist()}
        assert list(run.parameters.values()) == [v for q, v in step.values.items() if "_new" in q]


@pytest.mark.parametrize("optimizer", ["momentum", "nesterov", "adam", "adamw", "rmsprop", "adagrad"])
def test_the_state_of_a_file_is_that_of_a_run(optimizer: str) -> None:
    """The third step of a run, and a file with what the second left: parameters, state and count."""
    run = train(said(OWN, optimizer=optimizer), 3, record=3)
    second, third = run.recorded[1:]
    left = {q.replace("#2", ""): v for q, v in second.values.items()}
    state: dict[str, Any] = {
        f"{letter}w": [left[f"{letter}w[1]"], left[f"{letter}w[2]"]] for letter in "mv" if f"{letter}w[1]" in left
    }
    at = said(OWN, optimizer=optimizer, state={**state, "step": 3})
    at["parameters"] = {"w": [left["w_new[1]"], left["w_new[2]"]], "v": 0.5}
    found = trace(at)
    assert verify(at).agrees
    for k in (1, 2):
        assert found[f"w_new[{k}]"] == third[f"w_new[{k}]#3"]


def test_what_is_frozen_stays_and_moves_nobody() -> None:
    """A frozen parameter keeps its value and its gradient has no part in the length of all."""
    step = trace(said(LAYERS, frozen=["b1"], clip_norm=0.01))
    assert step["b1_new[1]"] == 0.2
    assert step["norm"] == pytest.approx(float(np.hypot(step["dW1[1,1]"], step["dW1[1,2]"])), rel=1e-15)
    assert verify(said(LAYERS, frozen=["b1"], clip_norm=0.01)).agrees
    assert trace(said(OWN, frozen="w"))["w_new[1]"] == 1


def test_adam_without_epsilon_steps_by_the_rate() -> None:
    """epsilon = 0: the first step is the learning rate itself, to the last digit that a hand writes."""
    step = trace(said(OWN, optimizer="adam", epsilon=0, frozen=["v"]), digits=8)
    assert [step["w_new[1]"], step["w_new[2]"]] == pytest.approx([0.9, 2.1], abs=1e-9)
    assert verify(said(OWN, optimizer="adam", epsilon=0, frozen=["v"])).agrees


@pytest.mark.parametrize(
    ("training", "wanted"),
    [
        ({"frozen": ["W2"]}, "training.frozen: 'W2' is no parameter"),
        ({"frozen": 3}, "not a list of parameters"),
        ({"state": {"vW1": [[0.1, 0.2]]}}, "which has no state"),
        ({"optimizer": "rmsprop", "state": {"vW2": 1}}, "nothing that this optimizer remembers"),
        ({"optimizer": "rmsprop", "state": {"vW1": [0.1]}}, "has 1 numbers, and vW1 has 1 x 2 numbers"),
        ({"optimizer": "adam", "state": {"step": 0}}, "not the number of a step"),
        ({"learning_rate": []}, "one for each step"),
        ({"learning_rate": [0.1, -1]}, "learning_rate[2]"),
        ({"clip_value": 1, "clip_norm": 1}, "clip_value is given too"),
        ({"rho": 0.9}, "does not belong to sgd"),
    ],
)
def test_a_mistake_is_told(training: dict[str, Any], wanted: str) -> None:
    """Where, what, what now."""
    with pytest.raises(ProblemError) as e:
        load(said(LAYERS, **training))
    assert wanted in str(e.value)


# --- functions of the file ---

FUNCTIONS = {"f": "a/(1 + abs(a))", "g(x)": "2/(1 + exp(-2*x)) - 1", "h": "a if a > 1 else a^2/2 + 1/2"}
WITH: dict[str, Any] = {
    "functions": FUNCTIONS,
    "network": {
        "loss": "half_squared_error",
        "layers": [{"activation": f, "W": [[0.4]], "b": [0.3]} for f in ("f", "h", "g")],
    },
    "samples": [{"x": [0.7], "t": [1]}],
    "training": {"learning_rate": 0.1},
}


def test_a_function_of_the_file_is_torchs() -> None:
    """Softsign, tanh written out and a half square: values and gradients as torch has them, and the routes agree."""
    torch = pytest.importorskip("torch")
    W, b = (torch.full((3,), v, dtype=torch.float64, requires_grad=True) for v in (0.4, 0.3))
    z = torch.tensor(0.7, dtype=torch.float64)
    for l, f in enumerate((torch.nn.functional.softsign, lambda a: torch.where(a > 1, a, a**2 / 2 + 0.5), torch.tanh)):
        z = f(W[l] * z + b[l])
    ((z - 1) ** 2 / 2).backward()
    step = trace(WITH)
    for l in range(3):
        assert step[f"dW{l + 1}[1,1]"] == pytest.approx(float(W.grad[l]), rel=1e-12)
        assert step[f"db{l + 1}[1]"] == pytest.approx(float(b.grad[l]), rel=1e-12)
    assert verify(WITH, certify=True).agrees


def test_the_same_functions_stand_in_equations() -> None:
    """[functions] of a file of equations, with two arguments too."""
    own = {
        "functions": {**FUNCTIONS, "k(x, c)": "f(c*x)"},
        "equations": "z = k(w*x, 2) + h(w)\nE = (g(z) - t)^2",
        "parameters": {"w": 0.3},
        "given": {"x": 0.5, "t": 1},
    }
    assert trace(own)["z"] == pytest.approx(0.3 / 1.3 + 0.3**2 / 2 + 0.5, rel=1e-15)
    assert verify(own).agrees


def test_its_kinks_are_found_and_told() -> None:
    """What is tested is a straight line: the bend stands where it is 0."""
    kinks = {name: layer.activation.kinks for name, layer in zip("fhg", load(WITH).network.layers, strict=True)}  # type: ignore[union-attr]
    assert kinks == {"f": (0.0,), "h": (1.0,), "g": ()}


def test_a_sheet_with_a_slip_in_such_a_layer_is_explained() -> None:
    """h'(a) left out at a function of the file is named as at any other."""
    step = trace(WITH)
    values = {q: v for q, v in step.values.items() if q.startswith(("a", "z", "E"))}
    wrong = values | {"dz3[1]": step["dz3[1]"], "delta3[1]": step["dz3[1]"]}
    (cause,) = check(WITH, wrong).causes
    assert "slope" in str(cause) or "h'" in str(cause)


def test_problems_with_other_formulas_are_other_problems() -> None:
    """A digest reads the formula, not the name alone; what files say that earlier versions did not know counts too."""
    other = deepcopy(WITH)
    other["functions"]["f"] = "a/(2 + abs(a))"
    assert len({digest(load(p)) for p in (WITH, other, said(WITH, weight_decay=0.1))}) == 3


@pytest.mark.parametrize(
    ("functions", "wanted"),
    [
        ({"f": "x + 1"}, "x is no argument of f"),
        ({"f": 3}, "is not a formula"),
        ({"tanh": "a"}, "is a function already"),
        ({"f": "a +"}, "here a number or a name is expected"),
        ("f", "must be a table of formulas"),
        ({"f": "a\nE = 3"}, "is not a formula"),
    ],
)
def test_a_function_that_cannot_be_read_is_told(functions: Any, wanted: str) -> None:
    """In one line, with the words of the language."""
    with pytest.raises(ProblemError) as e:
        load({**WITH, "functions": functions})
    assert wanted in str(e.value)


# --- a mask ---

MASKED = {
    "equations": "A[p,r] = softmax_r(s[p,r] if r <= p else -inf)\nE = Σ_{p,r} A[p,r]*c[p,r]",
    "parameters": {"s": [[0.3, 5, 2], [1, -1, 9], [0.2, 0.1, 0.4]]},
    "given": {"c": [[1, 2, 3], [3, 1, 2], [0.5, 1, 2]]},
}


def test_what_is_masked_has_no_weight_and_no_signal() -> None:
    """As torch's softmax of scores with -inf; the routes agree."""
    torch = pytest.importorskip("torch")
    s = torch.tensor(MASKED["parameters"]["s"], dtype=torch.float64, requires_grad=True)
    c = torch.tensor(MASKED["given"]["c"], dtype=torch.float64)
    A = torch.softmax(s.masked_fill(torch.triu(torch.ones(3, 3), 1).bool(), -torch.inf), 1)
    (A * c).sum().backward()
    step = trace(MASKED)
    assert np.max(np.abs(step["A"] - A.detach().numpy())) <= 1e-15
    assert np.max(np.abs(step["ds"] - s.grad.numpy())) <= 1e-15
    assert verify(MASKED).agrees


def test_inf_is_no_number_elsewhere() -> None:
    """Outside softmax it is refused, with what to write."""
    with pytest.raises(ProblemError, match="a mask stands inside softmax"):
        load({**MASKED, "equations": "E = Σ_{p,r} s[p,r]*c[p,r] - inf"})


@pytest.mark.parametrize("f", ["mish", "selu", "bipolar_sigmoid", "hard_sigmoid", "square", "step", "sign"])
@pytest.mark.parametrize("loss", ["huber", "hinge", "absolute_error", "logistic_loss"])
def test_new_functions_and_losses_are_derived(f: str, loss: str) -> None:
    """Each as a hidden and as a last activation, with each loss, every written derivative checked by sympy."""
    layers = [{"activation": f, "W": [[0.5, 0.3]]}, {"activation": f, "W": [[0.7]]}]
    problem = {**LAYERS, "network": {"loss": loss, "layers": layers}}
    derived = derive(load(problem))
    assert derived
