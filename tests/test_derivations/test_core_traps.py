"""The traps that were met, each with the wrong number that it gave.

Where a trap belongs to a later
part (presets of convolution, slips), the test is of the mechanism in the core that the part stands on.
"""

from __future__ import annotations

import itertools
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from steps import Example, example, named
from test_derivations.test_core_examples import (
    CHECKS,
    check_balls,
    check_entries,
)

from derivations import lowering, order
from derivations.arithmetic import FLOAT32, FLOAT64, Ball, Float64
from derivations.backward import Wanted
from derivations.equations import Equation, Role, Step
from derivations.expression import (
    Index,
    Negative,
    Ref,
    Sum,
)
from derivations.kinks import kinks
from derivations.language import LanguageError, read
from derivations.layers import layered
from derivations.making import Asked, made
from derivations.program import Program
from derivations.rewrites import fused, stable
from derivations.views import View
from tracer import load, trace


def typed(equations: str, parameters: dict[str, Any], given: dict[str, Any] | None = None, **more: Any) -> Example:
    """A step as somebody types it."""
    return example({"equations": equations, "parameters": parameters, "given": given or {}, **more})


def lines(step: Step, name: str) -> list[Equation]:
    """The equations of an array."""
    return [e for e in step.equations if e.left.name == name]


def _refs(e: Any) -> list[Ref]:
    return [
        x
        for part in ((e.left, e.right) if isinstance(e, Equation) else (e,))
        for x in part.walk()
        if isinstance(x, Ref)
    ]


# --- traps, by their number ---


@pytest.mark.parametrize("m", [FLOAT64, FLOAT32], ids=lambda m: m.name)
def test_trap_1_a_bare_1_as_the_first_value_makes_no_array_of_whole_numbers(m: Float64) -> None:
    """h[0] = 1 as an int64 array truncated what followed: 0 for 0.2."""
    s = typed("h[0] = 1\nfor t = 1..2\nh[t] = w*h[t-1]\nE = h[2]", {"w": 0.5}).run(m)
    assert s["h"].dtype == m.dtype
    assert s["h"].tolist() == [1, 0.5, 0.25]
    assert s["dw"] == 1


def test_trap_1_a_constant_equation_alone() -> None:
    """z[j] = 1 for every j, and 2 where the array is large."""
    s = typed("for j = 1..3\nz[j] = 1\ny[j] = z[j]*w/2\nE = Σ_j y[j]", {"w": 3}).run()
    assert s["E"] == 4.5
    assert s["dw"] == 1.5


def test_trap_2_a_third_is_a_third_in_balls() -> None:
    """1/3 taken through a float was off by 3e-17: disjoint balls."""
    m = Ball(160)
    made = typed("E = 1/3*x + x/7 + 0.1*x", {"x": 1})
    s = made.run(m)
    with m.working():
        truth = m.number("1/3") + m.number("1/7") + m.number("1/10")
        assert s["dx"].overlaps(truth)
        assert float(s["dx"].rad()) < 1e-45


def test_trap_3_the_largest_of_balls_is_the_entry_itself() -> None:
    """As the difference of two balls [is the largest] was the hull of 0 and 1: 0.16 for 0.1559."""
    m = Ball(53)
    s = typed("m[r] = max_{c=1..2}(x[2r+c-2])\nE = Σ_r m[r]*v[r]", {"x": [0.1, 0.3, 0.7, 0.2]}, {"v": [0.1559, 3]}).run(
        m
    )
    with m.working():
        assert [float(b) for b in s["dx"]] == pytest.approx([0, 0.1559, 3, 0], rel=1e-15)
        assert all(float(m._ball(b).rad()) < 1e-15 for b in s["dx"])


def test_trap_4_a_tie_is_each_of_the_largest() -> None:
    """[1, 1], where torch takes the first: by convention, and the function's entry lists its kinks."""
    s = typed("m = max_i(x[i])\nE = m", {"x": [3, 3, 1]}).run()
    assert s["dx"].tolist() == [1, 1, 0]


KINKS = {
    "a tie of a pool": ("m[r] = max_{c=1..2}(x[2r+c-2])\nE = Σ_r m[r]", [3, 3, 1, 2], [("m", (1,))]),
    "a relu at 0": ("z[i] = relu(x[i])\nE = Σ_i z[i]", [0, 1, -1], [("z", (1,))]),
    "an absolute value of a difference": ("E = Σ_i abs(x[i] - 1)", [2, 1, 0], [("E", ())]),
    "a choice at its border": ("z[i] = x[i] if x[i] > 2 else 0\nE = Σ_i z[i]", [1, 2, 3], [("z", (2,))]),
    "none": ("z[i] = relu(x[i])\nm = max_i(z[i])\nE = m", [0.5, 1, -1], []),
}


@pytest.mark.parametrize("what", KINKS)
def test_trap_4_a_step_lists_its_kinks(what: str) -> None:
    """A test at 0, a tie: which entry stands there."""
    text, x, places = KINKS[what]
    own = typed(text, {"x": x})
    assert [(k.name, k.at) for k in kinks(own.program, own.run())] == places


@pytest.mark.parametrize(
    ("function", "slope"), [("relu", 0), ("abs", 0), ("leaky_relu", 0.01), ("elu", 1)], ids=lambda v: str(v)
)
def test_trap_4_the_slope_at_a_kink_is_the_one_that_is_said(function: str, slope: float) -> None:
    """At exactly 0 each function takes the side that its entry names."""
    s = typed(f"z[i] = {function}(x[i])\nE = Σ_i z[i]", {"x": [0, 1, -1]}).run()
    assert s["dx"][0] == slope


def test_trap_5_a_recurrences_signal_has_all_its_uses() -> None:
    """Emitted before its own uses, dh was off by 2.2: the term of the next time must be there."""
    (dh,) = lines(named("rnn3").step, "dh")
    assert isinstance(dh.right, Sum)
    assert {r.name for r in _refs(dh.right)} >= {"dy", "da"}
    check_entries(named("rnn3"))


@pytest.mark.parametrize("name", ["circuit", "fanout", "logistic", "huber", "conv1"])
def test_trap_6_single_numbers_are_boxed_in_balls(name: str) -> None:
    """numpy took a bare number of another arithmetic for a list: steps with numbers of no axes run in balls."""
    m = Ball(64)
    s = named(name).run(m)
    with m.working():
        assert all(float(m._ball(v).rad()) < 1e-9 for n in named(name).step.arrays for v in np.asarray(s[n]).flat)


LOGITS = ("y[k] = softmax_k(a[k])\nE = -Σ_k t[k]*log(y[k])", {"a": [800, 0]})


def test_trap_7_0_log_0_is_0() -> None:
    """An output that was rounded to 0 with a target of 0 costs nothing, and no gradient is lost."""
    s = typed(*LOGITS, {"t": [1, 0]}).run()
    assert s["E"] == 0
    assert s["dy"].tolist() == [-1, 0]
    assert s["da"].tolist() == [0, 0]


STABLE = {
    "each part on a line": "e[k] = -(t[k]*log(y[k]))\nE = Σ_k e[k]",
    "in a sum": "E = -Σ_k t[k]*log(y[k])",
    "a sum of what is taken away": "E = Σ_k -(t[k]*log(y[k]))",
    "looked up": "E = -log(y[answer])",
}


@pytest.mark.parametrize("what", STABLE)
def test_trap_7_the_stable_rewrite_keeps_the_digits_of_a_loss(what: str) -> None:
    """log(exp(-800)) is -800, and not -inf, however the loss is written; the left sides stay."""
    given = {"answer": 2} if "answer" in STABLE[what] else {"t": [0, 1]}
    made = typed(f"y[k] = softmax_k(a[k])\n{STABLE[what]}", {"a": [800, 0]}, given)
    kept = made.wrong(made.step.replace(*stable(made.step.equations)))
    assert np.isinf(made.run()["E"])
    assert kept.run()["E"] == 800
    assert [e.left for e in kept.step.equations] == [e.left for e in made.step.equations]


def test_trap_7_the_stable_rewrite_of_a_sigmoid() -> None:
    """log(1 - sigmoid(800)) is -800."""
    made = typed("y = sigmoid(a)\nE = -(t*log(y) + (1 - t)*log(1 - y))", {"a": 800}, {"t": 0})
    kept = made.wrong(made.step.replace(*stable(made.step.equations)))
    assert kept.run()["E"] == 800
    assert np.isinf(made.run()["E"])


def _short(t: list[float], *, sum_to_one: bool) -> Example:
    made = typed(*LOGITS, {"t": t})
    forward, back = ([e for e in made.step.equations if (e.stage == "forward") is yes] for yes in (True, False))
    return made.wrong(made.step.replace(*fused(back, forward, {}, sums_to_one=lambda target, classes: sum_to_one)))


def test_trap_7_the_fused_delta_is_y_minus_t_where_targets_sum_to_1() -> None:
    """Softmax with its cross-entropy: da = y - t; of targets that do not sum to 1 nothing is fused."""
    short = _short([0.25, 0.75], sum_to_one=True)
    assert lines(short.step, "da")[0].why == "fused"
    assert short.run()["da"].tolist() == [0.75, -0.75]
    assert _short([1, 1], sum_to_one=False).step.equations == typed(*LOGITS, {"t": [1, 1]}).step.equations


def test_twin_a_fused_delta_of_targets_that_do_not_sum_to_1_is_seen() -> None:
    """y - t with t = (1, 1) is not the gradient, and each check says so."""
    text = ("y[k] = softmax_k(a[k])\nE = -Σ_k t[k]*log(y[k])", {"a": [0.5, -1]}, {"t": [1, 1]})
    made = typed(*text)
    forward, back = ([e for e in made.step.equations if (e.stage == "forward") is yes] for yes in (True, False))
    wrong = made.wrong(made.step.replace(*fused(back, forward, {}, sums_to_one=lambda target, classes: True)))
    for check in CHECKS:
        check(made)
        with pytest.raises(AssertionError):
            check(wrong)


CLASHES = {
    "a signal": ("da = w*2\na = da*da\nE = a^2", {"w": 1}, {}, None),
    "an updated value": ("w_new = w*2\nE = w_new^2", {"w": 1}, {}, "sgd"),
    "the momentum": ("mu = w*2\nE = mu^2", {"w": 1}, {}, "momentum"),
    "the learning rate": ("eta = w*2\nE = eta^2", {"w": 1}, {}, "sgd"),
    "a slope": ("slope_z = w*2\nz = tanh(slope_z)\nE = z^2", {"w": 1}, {}, None),
}


@pytest.mark.parametrize("what", CLASHES)
def test_trap_8_a_made_name_that_the_file_has_is_refused(what: str) -> None:
    """Where the file has a name that the step makes, one line says so, and names it."""
    equations, parameters, given, optimizer = CLASHES[what]
    training = {"learning_rate": 0.1, "momentum": 0.9, "optimizer": optimizer} if optimizer else {}
    own = {"da", "w_new", "mu", "eta", "slope_z"} & {r.name for e in read(equations).equations for r in _refs(e)}
    with pytest.raises(LanguageError) as error:
        typed(equations, parameters, given, training=training)
    assert "circle" not in str(error.value)
    assert any(name in str(error.value) for name in own)


def test_trap_8_the_first_moment_of_u_leaves_mu_to_the_file() -> None:
    """Adam's moment of u would be called mu, as a file may call a number: it is called m_u."""
    made = typed("E = u^2*mu", {"u": 1}, {"mu": 2}, training={"learning_rate": 0.1, "optimizer": "adam"})
    assert {"m_u", "mu"} <= made.step.arrays.keys()
    assert made.run()["E"] == 2


CONSTANT = {
    "a mere number": ("E = 3*w", {"w": 2}, {"dw": 3, "w_new": 1.7}),
    "times 0": ("a = 0*q\nE = w^2 + a", {"w": 1, "q": 5}, {"dq": 0, "q_new": 5, "dw": 2}),
    "one sum": ("E = Σ_i x[i]", {"x": [1, 2]}, {"dx": [1, 1], "x_new": [0.9, 1.9]}),
}


@pytest.mark.parametrize("what", CONSTANT)
def test_every_parameter_has_a_gradient_and_an_update(what: str) -> None:
    """A gradient that is a mere number is a gradient: it has its line, and the update reads it."""
    text, parameters, found = CONSTANT[what]
    s = typed(text, parameters, training={"learning_rate": 0.1}).run()
    for name, value in found.items():
        assert np.asarray(s[name]).tolist() == pytest.approx(value, rel=1e-15)


def test_trap_9_padding_off_by_one_is_legal_and_another_step() -> None:
    """x[p+u-2] with x 0 outside has one place of padding, x[p+u-3] two before: presets must say which."""
    found = {}
    for back in (1, 2, 3):
        text = f"x is 0 outside\nfor p = 1..4\na[p] = Σ_u K[u]*x[p+u-{back}]\nE = Σ_p a[p]"
        made = typed(text, {"K": [1, 10, 100]}, {"x": [1, 2, 3, 4]})
        x = np.concatenate([[0] * 4, [1, 2, 3, 4], [0] * 4])
        found[back] = made.run()["a"].tolist()
        assert found[back] == [sum([1, 10, 100][u] * x[4 + p + u + 1 - back] for u in range(3)) for p in range(4)]
        check_entries(made)
    assert len({tuple(v) for v in found.values()}) == 3


def test_trap_10_softmax_of_five_thousand_words_makes_no_jacobian() -> None:
    """Its Jacobian took 400 MB; the short form is of the size of its arrays."""
    words = 5000
    made = typed(
        "y[v] = Σ_d U[v,d]*h[d]\ns[v] = softmax_v(y[v])\nE = -log(s[answer])",
        {"U": {"random": [words, 4]}},
        {"h": [1, 2, 3, 4], "answer": 4},
    )
    assert not [a for a in made.step.arrays.values() if len(a.shape) == 2 and min(a.shape) > 4]
    made.run()
    assert _peak(made.run) < 40 * words * 8


def _peak(run: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_trap_11_signals_under_a_mean() -> None:
    """Own equations: dE/dX of the objective itself.  Layers: of each sample's own loss, and the Array says so."""
    text = "y[n] = w*x[n]\ne[n] = (y[n] - t[n])^2/2\nE = mean_n(e[n]) + c/2*w^2"
    s = typed(text, {"w": 2}, {"x": [1, 2], "t": [0, 1], "c": 0.5}).run()
    assert s["dy"].tolist() == [1, 1.5]
    assert s["dw"] == 5
    own = layered(load("softmax-xor"))
    signal = own.step.arrays["delta1"]
    assert signal.role is Role.SIGNAL
    assert "each sample's own loss" in signal.meaning


def test_trap_11_signals_of_own_losses_and_the_gradient_of_the_mean() -> None:
    """With `mean_over`, the 1/N stands where a gradient sums over the samples, and what bypasses the mean is kept."""
    text = "y[n] = w*x[n]\ne[n] = (y[n] - t[n])^2/2\nE = mean_n(e[n]) + c/2*w^2"
    given = {"w": 2.0, "x": [1.0, 2.0], "t": [0.0, 1.0], "c": 0.5}
    asked = Asked({n: np.shape(v) for n, v in given.items()}, Wanted(("w",), mean_over="n"))
    arrays = {n: np.asarray(v) for n, v in given.items()}
    s = Program(made(read(text), asked)).run(FLOAT64, arrays)
    assert s["dy"].tolist() == [2, 3]
    assert s["dw"] == 5


def test_trap_12_masks_do_not_turn_float32_into_float64() -> None:
    """Conditions, guards, choices, pools, lookups and padding, all in float32."""
    for name in ("conv2", "embedding", "hinge", "rnn2", "curves"):
        s = named(name).run(FLOAT32)
        made = {e.left.name for e in named(name).step.equations}
        assert {np.asarray(s[n]).dtype for n in made} == {np.dtype(np.float32)}, name


def test_trap_14_a_slip_replans_the_changed_equation_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replanning a whole step for each slip cost 6 to 44 ms: how many right sides are lowered is counted."""
    own = named("lstm")
    (e,) = lines(own.step, "dUo")
    changed = own.step.replace(replace(e, right=Negative(e.right)))
    whole = Program(changed).run(FLOAT64, own.given(FLOAT64))
    own.run()
    lowered = itertools.count()
    right = lowering.Lowering.right

    def counted(self: Any, *arguments: Any) -> Any:
        next(lowered)
        return right(self, *arguments)

    monkeypatch.setattr(lowering.Lowering, "right", counted)
    s = Program(changed, like=own.program).run(FLOAT64, own.given(FLOAT64))
    assert next(lowered) == 1
    assert all(np.array_equal(s[name], whole[name]) for name in whole)
    assert np.array_equal(s["dUo"], -own.run()["dUo"])


def test_trap_15_a_pools_backward_pass_is_scattered() -> None:
    """Over all letters it is dense: 24 × 24 × 12 × 12 for each channel; windows are a few arrays of the pool's size."""
    made = typed(
        "m[o,r,s] = max_{e=1..2,d=1..2}(z[o,2r+e-2,2s+d-2])\nE = Σ_{o,r,s} m[o,r,s]^2*v[o]",
        {"z": {"random": [2, 40, 40]}},
        {"v": [1, 2]},
    )
    s = made.run()
    assert np.count_nonzero(s["dz"]) == 800
    assert _peak(made.run) < 30 * s["z"].nbytes


def _calls(run: Callable[[], Any]) -> int:
    """How many Python functions are entered: operations, whatever the machine is doing."""
    count = 0

    def seen(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


def test_trap_16_the_order_of_many_equations_is_found_in_linear_work() -> None:
    """Twice as many equations, at most two and a half times the operations."""
    work = []
    for n in (200, 400):
        text = "\n".join([*(f"a{k} = a{k + 1}*w + a{k + 2}" for k in range(n)), f"a{n} = w", f"a{n + 1} = w"])
        equations = read(text).equations
        work.append(_calls(lambda equations=equations: order.groups(equations)))
        assert [g[0].left.name for g in order.groups(equations)][:3] == [f"a{n}", f"a{n + 1}", f"a{n - 1}"]
    assert work[1] < 2.5 * work[0]


def test_trap_17_nested_functions_do_not_grow_exponentially() -> None:
    """silu 14 deep took 48 s by substitution: making and working it is polynomial, and right."""

    def nested(depth: int) -> Example:
        return typed(f"E = {'silu(' * depth}x{')' * depth}", {"x": 2})

    work = [_calls(lambda depth=depth: nested(depth).run()) for depth in (7, 14, 28)]
    assert work[1] < 5 * work[0]
    assert work[2] < 5 * work[1]
    check_entries(nested(14))
    check_balls(nested(14))


RANGES = {
    "in one line": ("E = Σ_{u=1..3} w + Σ_{u=1..9} 2*w", 21),
    "in two lines": ("a = Σ_{u=1..2} w\nE = a + Σ_{u=1..3} 2*w", 8),
    "beside a letter's own": ("E = Σ_u x[u]*w + Σ_{u=1..2} x[u]*w", 9),
    "a sum within another": ("E = Σ_{u=1..2} (w + Σ_{v=1..3} w) + Σ_{v=1..5} w", 13),
    "a largest and a sum": ("m = max_{u=1..2}(x[u])\nE = m*w + Σ_{u=1..3} w", 5),
}


@pytest.mark.parametrize("what", RANGES)
def test_trap_18_a_range_inside_a_sum_holds_there_alone(what: str) -> None:
    """Two inline ranges of one letter: the last won everywhere, 9 for 3."""
    text, E = RANGES[what]
    made = typed(text, {"w": 1}, {"x": [1, 2, 3]} if "x[" in text else {})
    assert made.run()["E"] == E
    assert made.run()["dw"] == E


def test_trap_19_windows_of_an_image_are_views() -> None:
    """Dense window × image products were 23 times slower: nothing is gathered, no entry is copied."""
    x = np.arange(28.0 * 28).reshape(28, 28)
    at = [Index((("p", 1), ("u", 1)), -1), Index((("q", 1), ("v", 1)), -1)]
    ranges = {"p": (1, 24), "q": (1, 24), "u": (1, 5), "v": (1, 5)}
    read_ = View(at, [(1, 28), (1, 28)], ["p", "q", "u", "v"], ranges).reader()
    assert read_ is not None
    window = read_(x)
    assert np.shares_memory(window, x)
    assert window[3, 4, 1, 2] == x[4, 6]


def test_a_hundred_softmaxes_never_run_out_of_letters() -> None:
    """Each sums over an index of its own; a problem file's hundred layers ended in an unexpected error."""
    layers = [{"activation": "softmax", "W": [[1, 2], [0, 1]]} for _ in range(100)]
    network = {"loss": "half_squared_error", "layers": layers}
    given = {"samples": [{"x": [1, 2], "t": [0, 1]}], "training": {"learning_rate": 0.1}}
    assert len(trace(load({"network": network, **given}))) > 100
