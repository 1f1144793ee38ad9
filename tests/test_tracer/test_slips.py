"""The catalogue of slips: each is possible, shows, prints its own equation, starts where it says, and has its words."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from slip_problems import ONE, V22, W22, layer, problem, problems

import tracer.answers
from derivations.activations import ACTIVATIONS
from derivations.arithmetic import Ball
from derivations.axes import Arrays
from derivations.formulas import equations, of_line
from derivations.layers import layered, start
from derivations.names import KINDS, text
from derivations.network import Problem
from derivations.printing import to_text
from derivations.program import Program
from tracer import load
from tracer.answers.reporting.wording import LETTERS
from tracer.marking.slips.catalogue import MISTAKES, invisible, passes_with, slips_of, twins, visible
from tracer.marking.slips.slip import Mistake, Slip
from tracer.schedule import schedules
from tracer.tracing import steps_of

MESSAGES = tomllib.loads((Path(tracer.answers.__file__).parent / "messages.toml").read_text(encoding="utf-8"))["slip"]


def alone(given: Problem) -> tuple[Problem, int]:
    """The problem of one step, and a step in which every memory of the optimizer is written."""
    way = given.training.samples if given.samples > 1 else "together"
    return (given if way == "together" else given.sample(1)), (2 if way == "in_turn" else 1)


def first_turn(given: Problem) -> Problem:
    """What the first step of a pass works on."""
    return schedules(given)[0].problem(1)


def differences(given: Problem, slip: Slip) -> list[Any]:
    """(the slip's equation, the right one) wherever they differ."""
    one, step, rights = right_equations(_Same(given))
    lines = slip.equations(one).values()
    wrong = {e.quantity: e for line in lines for e in of_line(one, line, step=step)}
    assert wrong.keys() <= {right.quantity for right in rights}
    return [(wrong[e.quantity], e) for e in rights if wrong.get(e.quantity, e) != e]


class _Same(NamedTuple):
    """A problem that is told from others by what it is, not by what it holds."""

    given: Problem

    def __hash__(self) -> int:
        return id(self.given)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.given is self.given


@cache
def right_equations(of: _Same) -> tuple[Problem, int, list[Any]]:
    """The problem of one step, which step, and its right equations: worked once for all its slips."""
    one, step = alone(of.given)
    return one, step, equations(one, step=step)


def faults(given: Problem, slip: Slip) -> Iterator[str]:
    """What is wrong with a slip's own account of itself."""
    found = differences(given, slip)
    if not found:
        yield "prints the right equations"
        return
    first = found[0][0].quantity
    if first.kind != slip.stage or slip.stage not in KINDS:
        yield f"changes {first.kind} first, not {slip.stage}"
    layers = {wrong.quantity.layer for wrong, _ in found if wrong.quantity.kind == slip.stage}
    if not layers <= set(slip.possible if slip.layers is None else slip.layers):
        yield f"changes layers {layers}"
    wrong, right = found[0]
    if printed(given, wrong.formula) == printed(given, right.formula):
        yield f"prints the right formula for {wrong.quantity}"


def printed(given: Problem, formula: Any) -> str:
    return to_text(formula, lambda q: text(given.network, q))


def everywhere() -> Iterator[tuple[str, Problem, Slip]]:
    for name, given in problems().items():
        for slip in slips_of(given):
            yield name, given, slip


def test_there_are_more_than_a_hundred_and_each_has_its_own_name():
    counts = Counter(mistake.name for mistake in MISTAKES)
    assert len(counts) >= 100
    assert max(counts.values()) == 1
    for given in problems().values():
        assert max(Counter(slip.name for slip in slips_of(given)).values()) == 1


def test_every_slip_has_a_sentence_in_both_languages_and_no_sentence_is_left_over():
    others = {"given.misread", "update.wrong_rate", "loss.wrong_factor", "update.old_again"}  # of no one line
    others |= {name for name in MESSAGES if name.startswith(("pen.", "equation."))}  # those of any equations
    assert MESSAGES.keys() == {mistake.name for mistake in MISTAKES} | others
    for name, message in MESSAGES.items():
        assert message.keys() == {"en", "ja"}, name
        if name in others:
            continue
        for sentence in message.values():
            filled = sentence.format(cell="CELL", used="USED", right="RIGHT", **LETTERS)
            assert all(filled.count(word) == 1 for word in ("CELL", "USED", "RIGHT")), name
            assert len(sentence) < 260, name
        assert not message["en"].isascii() or message["en"] != message["ja"]


def test_every_slip_shows_on_one_of_a_few_problems():
    shown = {slip.base for given in problems().values() for slip in visible(given)}
    assert {mistake.name for mistake in MISTAKES} - shown == set()


def test_every_slip_prints_its_own_equation_and_starts_at_its_stage():
    wrong = [f"{slip.name} on {name}: {f}" for name, given, slip in everywhere() for f in faults(given, slip)]
    assert wrong == []


def test_a_slip_with_a_wrong_account_of_itself_is_found():
    given = problems()["hand"]
    slip = next(s for s in slips_of(given) if s.name == "hidden_delta.no_slope")
    assert list(faults(given, replace(slip, stage="dW")))
    wide = Mistake("signal_below.wide", "dz", {"dz_below": "-right", "dz": "-right"})
    assert list(faults(given, *wide.slips(given))) == ["changes layers {0, 1, 2}"]
    right = Mistake("hidden_delta.right", "delta", {"delta": "slope*dz"})
    assert list(faults(given, *right.slips(given))) == ["prints the right equations"]


def test_no_number_before_the_stage_changes():
    for name, given, slip in everywhere():
        places = layered(first_turn(given)).places
        wrong, right = next(passes_with(given, slip.equations)), next(passes_with(given, lambda own: {}))
        for array, numbers in right.items():  # of the first step: what it changes, the second one starts from
            if places[array].kind == slip.stage and places[array].layer in slip.possible:
                break
            assert np.array_equal(wrong[array], numbers, equal_nan=True), (name, slip.name, array)


def test_a_pass_without_wrong_lines_is_the_trace():
    for name, given in problems().items():
        for pass_, step in zip(passes_with(given, lambda own: {}), steps_of(given), strict=True):
            for array, numbers in pass_.items():
                assert np.allclose(numbers, step.known[array], rtol=1e-13, atol=1e-15), (name, array)


def test_made_at_one_layer_a_slip_leaves_the_others_right():
    for name in ("three layers", "softmax", "adam"):
        for slip in slips_of(problems()[name]):
            for one in slip.by_layer():
                assert list(faults(problems()[name], one)) == [], (name, slip.name, one.layers)


@pytest.mark.parametrize("problem_name", ["hand", "relu", "softmax", "thresholds shared", "adam"])
def test_balls_run_every_slip_and_hold_what_float64_gives(problem_name):
    given = problems()[problem_name]
    for slip in slips_of(given):
        for ball, plain in zip(in_balls(given, slip), passes_with(given, slip.equations), strict=True):
            for name, array in plain.items():
                assert np.shape(ball[name]) == np.shape(array), (slip.name, name)
                middle = np.array([float(v) for v in np.ravel(ball[name])])
                finite = np.isfinite(np.ravel(array))
                assert np.allclose(middle[finite], np.ravel(array)[finite], rtol=1e-6, atol=1e-9), (slip.name, name)


def in_balls(given: Problem, slip: Slip) -> Iterator[Arrays]:
    """One pass with a slip, worked in balls."""
    m = Ball(80)
    for schedule in schedules(given):
        after: Arrays = {}
        for count, one in enumerate(schedule.turns, 1):
            own = layered(one)
            with m.working():
                program = Program(own.step.replace(*slip.equations(one).values()))
                known = program.run(m, start(one, m) | after)
            after = {**{name: known[then] for name, then in own.carried}, "step": count + 1}
            yield known


SLOPED = [f.name for f in ACTIVATIONS.values() if f.elementwise and f.name not in ("identity", "step", "sign")]


@pytest.mark.parametrize("name", SLOPED)
def test_a_derivative_taken_elsewhere_is_that_of_the_function(name):
    given, h = problem("half_squared_error", [layer(name, W22), layer("identity", V22)], ONE), ACTIVATIONS[name]
    a = value(given, "activation.derivative_instead", "a", 1)
    assert value(given, "activation.derivative_instead", "z", 1) == pytest.approx(h.slope(a), rel=1e-12)
    assert value(given, "slope.at_activation", "slope", 1) == pytest.approx(h.slope(h.value(a)), rel=1e-12)


@pytest.mark.parametrize("name", ["two sigmoids", "momentum", "ema", "nesterov", "adam"])
def test_biases_that_are_not_trained_stay_with_every_slip(name):
    trained = problems()[name]
    given = replace(trained, training=replace(trained.training, update_biases=False))
    for slip in slips_of(given):
        for pass_ in passes_with(given, slip.equations):
            assert pass_["b1_new"].tolist() == [0.12, -0.23], slip.name


def test_a_mistake_in_the_update_can_be_made_with_weights_or_biases_alone():
    given = problems()["two sigmoids"]
    by_name = {slip.name: slip for slip in slips_of(given)}
    kinds = {
        name: {wrong.quantity.kind for wrong, _ in differences(given, by_name[name])}
        for name in ("update.plus", "update.plus[W]", "update.plus[b]")
    }
    assert kinds == {
        "update.plus": {"W_new", "b_new"},
        "update.plus[W]": {"W_new"},
        "update.plus[b]": {"b_new"},
    }
    assert by_name["update.plus[b]"].stage == "b_new"


# --- numbers that are known from elsewhere ---


def value(given: Problem, slip_name: str, kind: str, layer: int) -> Any:
    slip = next(s for s in slips_of(given) if s.name == slip_name)
    return next(passes_with(given, slip.equations))[layered(first_turn(given)).names[kind, layer]]


def test_the_printed_code_of_documents_000_and_001_gives_one_output_for_every_input():
    outputs = value(load("sigmoid-xor"), "pre_activation.stale_input", "z", 2)
    assert np.round(outputs, 4).ravel() == pytest.approx(0.7311)


def test_the_slope_at_z_passes_a_tolerance_of_five_percent_on_the_hand_table():
    hand = load("hand-3-2-2")
    assert next(iter(steps_of(hand))).arrays["dW", 1][0, 0] == pytest.approx(3.2524, abs=5e-5)
    assert value(hand, "slope.at_activation", "dW", 1)[0, 0] == pytest.approx(3.208, abs=5e-4)


def test_a_question_on_a_forum_is_answered():
    """discuss.pytorch.org 187917: by hand -40.21530288726289, by torch 8.1888, for one weight used in two layers."""
    layers = [layer("tanh", [[2]]), layer("tanh", [[2]]), layer("identity", [[40]])]
    given = problem("output", layers, [{"x": [0.5]}])

    def gradient(slip_name: str) -> float:
        return sum(value(given, slip_name, "dW", l)[0, 0] for l in (1, 2))

    assert gradient("slope.pre_activation_for_z") == pytest.approx(-40.21530288726289, rel=2e-7)  # worked from float32
    assert gradient("update.plus") == pytest.approx(8.1888, abs=5e-5)  # a slip of the update leaves gradients right


def test_a_gradient_that_is_always_one_is_that_of_the_output():
    """stats.stackexchange.com 188678: 0.7744 by hand, always 1 by differences, for weights 0.34, 0.56 and bias 0.54."""
    given = problem(
        "half_squared_error", [layer("identity", [[0.34, 0.56]], b=[0.54])], [{"x": [1, 0], "t": ["0.1056"]}]
    )
    assert next(iter(steps_of(given))).arrays["dW", 1].tolist() == [[pytest.approx(0.7744), 0]]
    assert value(given, "output_signal.of_output", "dW", 1).tolist() == [[1, 0]]


def test_an_exercise_prints_the_parameters_less_the_gradient():
    """42-AI/bootcamp_machine-learning#64: 21.0342574 and 587.36875564 stand where a gradient is asked for."""
    x = [12.4956442, 21.5007972, 31.5527382, 48.9145838, 57.5088733]
    t = [37.4013816, 36.1473236, 45.7655287, 46.6793434, 59.5585554]
    samples = [{"x": [one], "t": [other]} for one, other in zip(x, t, strict=True)]
    given = problem("half_squared_error", [layer("identity", [[0.7]], b=[2])], samples, reduction="mean")
    right = next(iter(steps_of(given))).arrays
    assert (right["db", 1].item(), right["dW", 1].item()) == pytest.approx((-19.0342574, -586.66875564), abs=1e-7)
    assert value(given, "update.no_eta", "b_new", 1).item() == pytest.approx(21.0342574, abs=1e-7)
    assert value(given, "update.no_eta", "W_new", 1).item() == pytest.approx(587.36875564, abs=1e-7)


def test_the_slips_of_document_003_have_names():
    names = {slip.name for slip in slips_of(load("softmax-xor-each"))}
    assert names >= {
        "pre_activation.stale_input",
        "signal_below.gradient_for_weights",
        "hidden_delta.wrong_layer_slope_unit[1]",
        "update.activation_for_weights",
    }


# --- what a problem cannot show ---


def test_a_target_of_zero_hides_that_the_target_was_left_out():
    layers = [layer("tanh", W22), layer("identity", V22)]
    hidden = {s.name for s in invisible(problem("half_squared_error", layers, [{"x": [0.7, -1.3], "t": [0, 0]}]))}
    shown = {s.name for s in visible(problem("half_squared_error", layers, ONE))}
    assert {"output_signal.no_target", "output_signal.plus_target", "output_signal.wrong_target"} <= hidden & shown


def test_at_a_learning_rate_of_a_half_a_double_step_looks_like_no_learning_rate():
    def groups(eta: float) -> list[set[str]]:
        given = problem("half_squared_error", [layer("identity", W22)], ONE, learning_rate=eta)
        return [{slip.name for slip in group} for group in twins(given)]

    assert any({"update.no_eta", "update.double_step"} <= group for group in groups(0.5))
    assert any({"update.half_step", "update.eta_squared"} <= group for group in groups(0.5))
    assert not any({"update.no_eta", "update.double_step"} <= group for group in groups(0.3))


def test_visible_and_invisible_slips_are_all_slips():
    for given in problems().values():
        names = [slip.name for slip in (*visible(given), *invisible(given))]
        assert sorted(names) == sorted(slip.name for slip in slips_of(given))
