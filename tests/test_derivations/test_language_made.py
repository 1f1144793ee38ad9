"""What is made of typed equations: functions of the file, exponents, tests of indices, gates, short deltas, limits."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from processor import BUSY, within
from steps import NAMES, Example, example, off
from test_derivations.test_core_examples import CHECKS, check_formulas

from derivations import layers, making, refusals
from derivations.arithmetic import FLOAT64
from derivations.backward import Wanted
from derivations.equations import Step
from derivations.general import GeneralLatex, GeneralText
from derivations.kinks import kinks
from derivations.language import LanguageError, read
from derivations.making import Asked, made
from derivations.program import Program
from derivations.rewrites import fused
from tracer import load

TEXT = GeneralText()
Numbers = Mapping[str, Any]


def typed(text: str, parameters: Numbers, given: Numbers | None = None, **more: Any) -> Example:
    """The example of typed equations."""
    return example({"equations": text, "parameters": parameters, "given": given or {}, **more})


def lines(step: Step, stage: str = "") -> list[str]:
    """The general lines of a step."""
    return [TEXT.equation(e) for e in step.equations if stage in ("", e.stage)]


STEPS: Mapping[str, tuple[str, Numbers, Numbers]] = {
    "a function of the file": (
        "f(a) = a/(1 + abs(a))\nz[j] = f(x[j])\nE = Σ_j z[j]^2*c[j]",
        {"x": [1, -2]},
        {"c": [3, 5]},
    ),
    "functions of functions": (
        "soft(u) = log(1 + exp(u))\ntwo(u, v) = soft(u*v) - u/v\nE = Σ_i two(x[i], soft(2*x[i]))",
        {"x": [0.5, -0.25]},
        {},
    ),
    "a function within a sum": (
        "f(q) = q^3\nE = Σ_j (f(Σ_i W[j,i]*x[i]) - 1)^2",
        {"W": [[1, 2], [0.5, 1]]},
        {"x": [1, -1]},
    ),
    "an argument that is a sum": ("E = Σ_j (tanh(Σ_i W[j,i]*x[i]) - 1)^2", {"W": [[1, 2], [0.5, 1]]}, {"x": [1, -1]}),
    "powers": ("E = x^0.5 + x^(1/3) + x^-1.5 + x^(-2/3) + x^n + x^(n - 1) + 1/x^0.5", {"x": 4}, {"n": 3}),
    "a power of a sum": ("E = (Σ_i x[i]^2)^(1/2)*(Σ_i x[i]^1.5)", {"x": [1, 2.5]}, {}),
    "a mask": (
        "m[p,r] = s[p,r] if r <= p else 0\nA[p,r] = softmax_r(m[p,r])\nE = Σ_{p,r} A[p,r]^2*s[p,r]",
        {"s": [[0.1, 0.2], [0.4, 0.8]]},
        {},
    ),
    "a mask within a sum": ("E = Σ_{i,j} (x[i]*x[j]^2 if i < j else 0)", {"x": [1, 2, 3]}, {}),
    "a mask of a first entry": ("E = Σ_i (x[i] if i >= 2 else 2x[i]^2)", {"x": [1, 2, 3]}, {}),
    "a mask of the last": (
        "for t = 0..2\ny[t] = x*c if t >= |t| else x\nE = Σ_t y[t]^2",
        {"x": 2},
        {"c": 3},
    ),
    "nothing reaches a factor": ("q = w*x\nE = 0*q*c + x^2", {"w": 2, "x": 3}, {"c": 3}),
    "nothing reaches a state": (
        "h[0] = 0\na[t] = w*x[t]\nh[t] = h[t-1]*x[t] + 0*a[t]\nE = h[2] + w",
        {"w": 2, "x": [1, 3]},
        {},
    ),
    "two windows along one letter": (
        "for r = 1..2\nfor s = 1..3\nm[r,s] = max_{c=1..2,d=1..2}(z[2r+c-2,2r+d-2])\nE = Σ_{r,s} m[r,s]^2",
        {"z": [[1, 2, 3, 4], [5, 6, 7, 9], [8, 3, 1, 2], [4, 2, 9, 3]]},
        {},
    ),
    "the last and how many": ("for t = 0..3\nh[t] = w^2\nE = h[|t|]/|t|", {"w": 2}, {}),
}


@pytest.mark.parametrize("check", [*CHECKS, check_formulas], ids=lambda f: f.__name__)
@pytest.mark.parametrize("what", STEPS)
def test_typed_equations_hold(what: str, check: Callable[[Example], None]) -> None:
    """Numbers and gradients agree with the entries, with differences, in balls, and entry by entry."""
    check(typed(*STEPS[what]))


def test_a_function_of_the_file_is_printed_by_its_name_and_has_a_slope() -> None:
    """z = f(x) stays, and f'(x) has a line of its own."""
    step = typed(*STEPS["a function of the file"]).step
    assert "z[j] = f(x[j])" in lines(step)
    assert any(line.startswith("slope_z[j] = ") for line in lines(step))
    (z,) = (e for e in step.equations if e.left.name == "z")
    assert GeneralLatex().equation(z) == r"z_{j} &= f\left(x_{j}\right)"


def test_a_test_of_indices_is_no_kink_and_is_decided_when_written_out() -> None:
    """r <= p holds or does not: nothing jumps there."""
    own = typed(*STEPS["a mask"])
    assert not list(kinks(own.program, own.run()))
    assert lines(own.step)[0] == "m[p,r] = 0 if r > p else s[p,r]"


def test_signals_under_a_sum_have_names() -> None:
    """The argument of a function within a line has a name with the letters that it depends on."""
    assert lines(typed(*STEPS["an argument that is a sum"]).step) == [
        "E_in[j] = Σ_i W[j,i]·x[i]",
        "E = Σ_j (tanh(E_in[j]) - 1)²",
        "dE_in[j] = 2·(1 - tanh(E_in[j])²)·(tanh(E_in[j]) - 1)",
        "dW[j,i] = dE_in[j]·x[i]",
    ]


def test_like_terms_are_joined_and_no_bracket_is_needless() -> None:
    """x·x has two uses, and 2·x is what people write."""
    step = typed("E = lambda/2*Σ_i x[i]^2 + Σ_i x[i]*x[i] + Σ_i x[i]", {"x": [1, 2]}, {"lambda": 0.1}).step
    assert lines(step) == [
        "E = lambda/2·Σ_i x[i]² + Σ_i x[i]·x[i] + Σ_i x[i]",
        "dx[i] = x[i]·lambda + 2·x[i] + 1",
    ]


# --- gates ---


def gates(text: str, numbers: Numbers, objective: str = "E") -> tuple[Step, dict[str, Any]]:
    """The step in which each operation has a line, and its numbers."""
    arrays = {n: np.asarray(v, float) for n, v in numbers.items()}
    wanted = Wanted(tuple(numbers), objective=objective)
    step = made(read(text), Asked({n: a.shape for n, a in arrays.items()}, wanted, gates=True))
    return step, Program(step).run(FLOAT64, arrays)


def test_each_operation_gets_a_line() -> None:
    """f = (x + y)z as the course draws it."""
    step, s = gates("f = (x + y)*z", {"x": -2, "y": 5, "z": -4}, "f")
    assert lines(step, "forward") == ["q1 = x + y", "f = q1·z"]
    assert [s[f"d{n}"] for n in ("q1", "x", "y", "z")] == [-4, -4, -4, 3]


def test_a_neuron_as_a_circuit() -> None:
    """The sigmoid of two inputs, gate by gate: the well-known numbers."""
    numbers = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
    step, s = gates("f = 1/(1 + exp(-(w0*x0 + w1*x1 + w2)))", numbers, "f")
    assert lines(step, "forward") == [
        "q1 = w0·x0",
        "q2 = w1·x1",
        "q3 = q1 + q2",
        "q4 = q3 + w2",
        "q5 = -q4",
        "q6 = exp(q5)",
        "q7 = 1 + q6",
        "f = 1/q7",
    ]
    assert [round(float(s[f"d{n}"]), 2) for n in numbers] == [-0.2, 0.39, -0.39, -0.59, 0.2]


def test_gates_of_arrays_keep_their_numbers_and_names_of_the_file() -> None:
    """Each gate has the letters that it depends on; q1 is the file's own here."""
    text = "q1[j] = Σ_i W[j,i]*x[i]\nE = Σ_j (tanh(q1[j]) - 1)^2 + max(q1[1], 0)"
    numbers = {"W": [[1.0, 2], [3, 4]], "x": [1.0, -0.5]}
    step, s = gates(text, numbers)
    plain = typed(text, numbers).run()
    assert lines(step, "forward")[:2] == ["q2[j,i] = W[j,i]·x[i]", "q1[j] = Σ_i q2[j,i]"]
    assert off(s["E"], plain["E"]) < 1e-15
    assert off(s["dW"], plain["dW"]) < 1e-15


# --- short deltas ---

SHORT: Mapping[str, tuple[str, Numbers, Numbers, str]] = {
    "softmax": (
        "y[k] = softmax_k(a[k])\nE = -Σ_k t[k]*log(y[k])",
        {"a": [1, 2]},
        {"t": [0, 1]},
        "da[k] = y[k] - t[k]",
    ),
    "softmax, the mean over samples": (
        "y[k,n] = softmax_k(a[k,n])\nE = mean_n(-Σ_k t[k,n]*log(y[k,n]))",
        {"a": [[1, 2], [0, 1]]},
        {"t": [[0, 1], [1, 0]]},
        "da[k,n] = (y[k,n] - t[k,n])/|n|",
    ),
    "softmax, weighted": (
        "y[k] = softmax_k(a[k])\nE = -c*Σ_k t[k]*log(y[k])",
        {"a": [1, 2]},
        {"t": [0, 1], "c": 3},
        "da[k] = c·(y[k] - t[k])",
    ),
    "softmax, looked up": (
        "s[v] = softmax_v(a[v])\nE = -log(s[answer])",
        {"a": [1, 2]},
        {"answer": 2},
        "da[v] = s[v] - [v = answer]",
    ),
    "softmax, looked up for each sample": (
        "y[n,k] = softmax_k(a[n,k])\nE = -mean_n(log(y[n,answer[n]]))",
        {"a": [[1, 2], [0, 1]]},
        {"answer": [1, 2]},
        "da[n,k] = (y[n,k] - [k = answer[n]])/|n|",
    ),
    "sigmoid": (
        "y = sigmoid(a)\nE = -(t*log(y) + (1 - t)*log(1 - y))",
        {"a": 1},
        {"t": 1},
        "da = y - t",
    ),
    "sigmoid, the mean over samples": (
        "y[n] = sigmoid(a[n])\nE = mean_n(-t[n]*log(y[n]) - (1 - t[n])*log(1 - y[n]))",
        {"a": [1, 2]},
        {"t": [0, 1]},
        "da[n] = (y[n] - t[n])/|n|",
    ),
}


def shortened(own: Example, *, sum_to_one: bool = True) -> Example:
    """The example with the short deltas."""
    forward, back = ([e for e in own.step.equations if (e.stage == "forward") is yes] for yes in (True, False))
    return own.wrong(own.step.replace(*fused(back, forward, {}, sums_to_one=lambda target, classes: sum_to_one)))


@pytest.mark.parametrize("what", SHORT)
def test_a_short_delta_is_the_delta(what: str) -> None:
    """The line as the books have it, and the same numbers."""
    text, parameters, given, line = SHORT[what]
    own = typed(text, parameters, given)
    short = shortened(own)
    assert line in lines(short.step)
    assert line not in lines(own.step)
    assert off(short.run()["da"], own.run()["da"]) < 1e-14
    for check in CHECKS:
        check(short)


KEPT = {
    "read elsewhere too": (
        "y[k] = softmax_k(a[k])\nE = -Σ_k t[k]*log(y[k]) + Σ_k a[k]^2",
        {"a": [1, 2]},
        {"t": [0, 1]},
    ),
    "weights of classes": (
        "y[k] = softmax_k(a[k])\nE = -Σ_k c[k]*t[k]*log(y[k])",
        {"a": [1, 2]},
        {"t": [0, 1], "c": [1, 2]},
    ),
    "the output read elsewhere": ("y = sigmoid(a)\nE = -(t*log(y) + (1 - t)*log(1 - y)) + y", {"a": 1}, {"t": 1}),
    "another target": ("y = sigmoid(a)\nE = -(t*log(y) + (1 - u)*log(1 - y))", {"a": 1}, {"t": 1, "u": 0}),
}


@pytest.mark.parametrize("what", KEPT)
def test_what_has_no_short_delta_is_left(what: str) -> None:
    """Where y - t would be wrong nothing is changed."""
    own = typed(*KEPT[what])
    assert shortened(own).step.equations == own.step.equations


def test_targets_that_do_not_sum_to_one_keep_the_long_delta() -> None:
    """Only a target that is looked up sums to 1 by itself."""
    for what in ("softmax", "softmax, looked up"):
        text, parameters, given, line = SHORT[what]
        assert (line in lines(shortened(typed(text, parameters, given), sum_to_one=False).step)) == ("looked" in what)


# --- refusals ---

WORDS: Mapping[str, tuple[str, Numbers, Numbers, str]] = {
    "a circle": (
        "a = b + x\nb = 2*a\nE = b",
        {"x": 1},
        {},
        "a, b depend on each other in a circle: one of them must read an earlier value, such as h[t-1]",
    ),
    "before the start": (
        "h[t,j] = tanh(Σ_k U[j,k]*h[t-1,k] + x[t,j])\nE = Σ_j h[2,j]",
        {"U": [[1, 2], [3, 4]]},
        {"x": [[1, 2], [3, 4]]},
        "equations line 1: index 1 runs over 0..1, but index 1 of h over 1..2: give h[0] an equation, h[0,j] = 0",
    ),
    "a letter as a number": (
        "y[i] = x[i]*i\nE = Σ_i y[i]",
        {"x": [1]},
        {},
        "equations line 1: i is an index, and no number",
    ),
    "a lookup outside": (
        "E = Σ_p x[token[p]]",
        {"x": [1, 2]},
        {"token": [1, 3]},
        "equations line 1: token[2] is 3, but index 1 of x runs over 1..2: correct the number",
    ),
    "a lookup that is trained": ("E = x[a]", {"x": [1, 2], "a": 1}, {}, "equations line 1: a stands as an index"),
    "a function's own name": (
        "relu(a) = a\nE = relu(x)",
        {"x": 1},
        {},
        "relu is a function already: take another name",
    ),
    "a function of something else": (
        "f(a) = a*c\nE = f(x)",
        {"x": 1},
        {"c": 2},
        "c is no argument of f: write f(a, c) = .., and c among the arguments where f is called",
    ),
    "a function that calls itself": (
        "f(a) = f(a)\nE = f(x)",
        {"x": 1},
        {},
        "f is not a function: to multiply write f*(..); functions are exp, ",
    ),
    "a function and an array": (
        "f(a) = a\nf = x\nE = f(f)",
        {"x": 1},
        {},
        "equations line 2: f is a function of this file",
    ),
    "functions that double": (
        "\n".join(["f0(a) = a + a", *(f"f{k}(a) = f{k - 1}(f{k - 1}(a))" for k in range(1, 30)), "E = f29(x)"]),
        {"x": 1},
        {},
        "grows too large",
    ),
    "a sum without its letter": ("E = Σ(x[i])", {"x": [1]}, {}, "a sum names its letters behind _: write Σ_i"),
    "a fraction in one character": ("E = 2½*x", {"x": 1}, {}, "write a fraction as (1/2)"),
    "a negative factor": ("E = 2*-x", {"x": 1}, {}, "a negative factor stands in brackets: write (-..)"),
    "a softmax over another letter": ("y[k] = softmax_m(a[k])\nE = y[1]", {"a": [1, 2]}, {}, "softmax runs over m: m"),
    "two numbers": ("E = 1 2*x", {"x": 1}, {}, "a sign is missing before this number"),
    "powers of powers": ("E = x^2^3", {"x": 1}, {}, "put a bracket around what is raised"),
    "no use of a parameter": ("y = w*x\nE = x", {"w": 2}, {"x": 1}, "E does not depend on w"),
    "ranges of too few axes": ("x[0..3] is 0 outside\nE = x[1,1]", {"x": [[1]]}, {}, "2 indices, 1 ranges are written"),
    "a sum's range that is open": ("E = Σ_{i=1} x[i]", {"x": [1]}, {}, "how far i runs is not said: write Σ_{i=1..3}"),
    "a long derivative": (
        "E = (" + "+".join(["x*x"] * 400) + ")^2",
        {"x": 1},
        {},
        "equations line 1: its derivatives grow too long: give parts names and lines of their own",
    ),
    "many equations": ("\n".join(f"a{k} = x" for k in range(999)) + "\nE = a1", {"x": 1}, {}, "more than 500"),
    "many values, one after another": (
        "h[0] = x\nfor t = 1..9999\nh[t] = x*h[t-1]\nE = h[1]",
        {"x": 1},
        {},
        "equations line 3: more than 1500 values are worked one after another: take fewer",
    ),
}


@pytest.mark.parametrize("what", WORDS)
def test_a_refusal_says_where_and_what_now(what: str) -> None:
    """One line."""
    text, parameters, given, words = WORDS[what]
    with pytest.raises(LanguageError) as error:
        typed(text, parameters, given)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


# --- bounded work ---

CHAIN = [f"a{k} = {f'2*a{k - 1}*x' if k else 'x'}" for k in range(499)]
LARGE = {
    "a chain": "\n".join([*CHAIN, "E = a498"]),
    "a chain, listed backwards": "\n".join(["E = a498", *CHAIN[::-1]]),
    "entries one by one": "\n".join(f"h[{k}] = x" for k in range(499)) + "\nE = h[1]",
    "nested functions": "E = " + "silu(" * 25 + "x" + ")" * 25,
    "nested tests": "E = " + "max(" * 20 + "x" + ", x*3)" * 20,
    "nested powers": "E = " + "(x + (" * 14 + "x" + ")^2)^2" * 14,
    "a recurrence": "for t = 1..700\nh[0] = x\nh[t] = h[t-1]*x\nE = h[3]",
    "letters together": "for i,j,k,l = 1..100\nE = Σ_{i,j,k,l} exp(x)",
}


@pytest.mark.parametrize("what", LARGE)
def test_the_largest_that_is_accepted_is_worked_at_once(what: str) -> None:
    """Under a second of processor time (a third of it on a quiet machine) and 100 MB, or refused."""
    tracemalloc.start()
    with within(4):  # tracing memory takes four times as long
        try:
            typed(LARGE[what], {"x": 0.5})
            peak = tracemalloc.get_traced_memory()[1]
        except LanguageError:
            peak = 0
        finally:
            tracemalloc.stop()
    assert peak < 100e6


def test_layers_are_not_held_to_the_bounds_of_typed_equations(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of layers is made whatever the bounds are; equations that are typed are refused by each."""
    deep = {"activation": "tanh", "W": [[0.5]], "b": [0.1]}
    network = {"loss": "half_squared_error", "layers": [deep] * 3}
    file = {"network": network, "samples": [{"x": [1], "t": [0]}], "training": {"learning_rate": 0.1}}
    for module, bound in ((refusals, "MOST_EQUATIONS"), (making, "MOST_PARTS")):
        with monkeypatch.context() as put:
            put.setattr(module, bound, 1)
            layers._made.cache_clear()
            assert len(layers.layered(load(file)).step.equations) > 20
            with pytest.raises(LanguageError):
                typed("a = 2*x\nz = tanh(a)\nE = z^2", {"x": 1})


def test_every_example_is_read_and_made_in_a_few_milliseconds() -> None:
    """Text to step, in processor time, the best of three: at most 40 ms each."""
    from steps import FOLDER

    for name in NAMES:
        text, spent = (FOLDER / f"{name}.toml").read_text(encoding="utf-8"), []
        for _ in range(3):
            begin = time.process_time()
            example(text)
            spent.append(time.process_time() - begin)
        assert min(spent) < 0.04 * BUSY, name
