"""Routes run from a tape say what the routes themselves say, to the last bit; what is wrong or at a kink leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from networks import random_problem
from plants import dense
from steps import FURTHER_NAMES, NAMES, problem_text

from derivations.arithmetic import FLOAT64
from derivations.computation import Computation
from derivations.equations import Role
from derivations.network import Problem
from tracer import load, loads
from tracer.tracing import steps_of
from tracer.verification import tape_shortening
from tracer.verification.judging import Claim, Judged, judge
from tracer.verification.repeated import PARTS, judged_again
from tracer.verification.routes import routes_of
from tracer.verification.subject import Subject, subjects
from tracer.verification.tape import NotRecorded, Tape
from tracer.verification.tape_shortening import Noted

RUNS = 6


def variants(problem: Problem | Computation, count: int = RUNS) -> Iterator[Subject]:
    """The first step of a problem, with parameters that differ from one to the next."""
    first = next(iter(steps_of(problem, FLOAT64)))
    (subject,) = subjects([first])
    arrays = subject.arrays
    subject.plans.tapes.clear()
    for k in range(count):
        moved = {
            n: v * (1 + k / 512) if n in arrays and arrays[n].role is Role.PARAMETER else v
            for n, v in first.given.items()
        }
        worked = subject.planned.digits.run(FLOAT64, moved)
        yield replace(
            subject,
            given={n: np.asarray(moved[n], float) for n in subject.given},
            recorded={n: np.asarray(worked[n], float) for n in subject.recorded},
        )


def plainly(subject: Subject) -> Judged:
    """Without a tape."""
    with np.errstate(all="ignore"):
        return judge(routes_of(subject), Claim())


def again(subject: Subject) -> Judged:
    """With one, where there is one."""
    with np.errstate(all="ignore"):
        return judged_again(subject, assume_nothing=False)


def same(one: Judged, other: Judged) -> bool:
    """To the last bit, in every part that is told of a step."""
    return all(
        getattr(one.routes, part).keys() == getattr(other.routes, part).keys()
        and all(
            np.array_equal(x, getattr(other.routes, part)[n], equal_nan=True)
            for n, x in getattr(one.routes, part).items()
        )
        for part in PARTS
    ) and (one.wrong.keys(), one.undecided.keys(), one.vague.keys()) == (
        other.wrong.keys(),
        other.undecided.keys(),
        other.vague.keys(),
    )


def tapes(subject: Subject) -> list[Tape]:
    """Those that were made for its plans."""
    return [kept.tape for kept in subject.plans.tapes.values() if kept.tape is not None]


@pytest.mark.parametrize("seed", range(40))
def test_layers_from_a_tape_are_the_same_to_the_last_bit(seed: int) -> None:
    """Whatever the activations, losses, biases, optimizers and numbers of samples."""
    problem = load(random_problem(seed))
    for subject in variants(problem):
        assert same(again(subject), plainly(subject))


@pytest.mark.parametrize("name", [*NAMES, *FURTHER_NAMES])
def test_any_step_from_a_tape_is_the_same_to_the_last_bit(name: str) -> None:
    """Recurrences, windows, attention and norms as well."""
    for subject in variants(loads(problem_text(name)), 4):
        assert same(again(subject), plainly(subject))


def test_with_all_moved_by_itself_nothing_is_recorded() -> None:
    """And it is judged as it is once."""
    for subject in variants(dense((4, 3, 2)), 4):
        with np.errstate(all="ignore"):
            found = judged_again(subject, assume_nothing=True)
            assert same(found, judge(routes_of(subject, assume_nothing=True), Claim()))
        assert not tapes(subject)


def test_most_kinds_of_steps_are_recorded() -> None:
    """The tests above would hold without any tape."""
    made = 0
    for seed in range(40):
        every = list(variants(load(random_problem(seed))))
        for subject in every:
            again(subject)
        made += bool(tapes(every[0]))
    assert made >= 30


def recorded(sizes: tuple[int, ...] = (4, 3, 2)) -> Iterator[Subject]:
    """Steps of a network whose tape has been made."""
    every = variants(dense(sizes), 40)
    for _ in range(2):
        again(next(every))
    yield from every


@pytest.mark.parametrize("name", ["a1", "z1", "delta1", "dW1", "dW2", "W1_new"])
@pytest.mark.parametrize("off", [1e-6, np.nan, np.inf])
def test_one_wrong_number_leaves_the_tape(name: str, off: float) -> None:
    """Which entry it is, and by how much it is off, is then said by the routes."""
    subject = next(recorded())
    assert tapes(subject)
    array = np.array(subject.recorded[name])
    array.flat[0] += off
    spoilt = replace(subject, recorded={**subject.recorded, name: array})
    assert tapes(subject)[0].again({**subject.given, **{f"={n}": a for n, a in subject.recorded.items()}}) is not None
    judged = again(spoilt)
    assert not tapes(subject)
    wrong, undecided = plainly(spoilt).wrong, plainly(spoilt).undecided
    assert judged.wrong.keys() == wrong.keys()
    assert name in {**wrong, **undecided}


def test_a_tape_is_short() -> None:
    """Nothing is worked twice, nothing is widened that an operation widens itself, answers are asked together."""
    (tape,) = tapes(next(recorded((10, 10, 10))))
    assert tape._again is not None
    assert len(tape._again.operations) < 720
    assert len(tape._again.holds) < 200


def test_a_tape_without_its_answers_would_agree_to_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin of the test above."""
    monkeypatch.setattr(tape_shortening, "_asked_together", lambda noted, changing: [n for n in noted if not n.asks])
    subject = next(recorded())
    array = np.array(subject.recorded["dW1"])
    array.flat[0] += 1
    assert not again(replace(subject, recorded={**subject.recorded, "dW1": array})).wrong


def test_an_operation_done_wrongly_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin of the comparison to the last bit: each product of the tape is one bit off."""

    def off(one: Noted, shapes: Any) -> Noted:
        wrong = one.key is not None and one.key[0] is np.multiply
        return one._replace(act=lambda x, y: np.nextafter(x * y, np.inf)) if wrong else one

    monkeypatch.setattr(tape_shortening, "_quicker", off)
    every = list(variants(dense((4, 3, 2))))
    found = [same(again(subject), plainly(subject)) for subject in every]
    assert found[:2] == [True, True]
    assert not all(found)


def test_a_step_at_its_kink_leaves_the_tape() -> None:
    """A ReLU whose pre-activation is exactly 0 is judged by the routes, and its kink told."""
    every = list(variants(dense((2, 3, 1), 3, "relu")))
    for subject in every[:3]:
        again(subject)
    assert tapes(every[0])
    b = np.array(every[3].given["b1"])
    W, x = every[3].given["W1"], every[3].given["x"]
    b.flat[0] = -(W @ x).flat[0]
    given = {**every[3].given, "b1": b}
    first = next(iter(steps_of(dense((2, 3, 1), 3, "relu"), FLOAT64)))
    worked = every[3].planned.digits.run(FLOAT64, {**first.given, **given})
    at_kink = replace(every[3], given=given, recorded={n: np.asarray(worked[n], float) for n in every[3].recorded})
    judged = again(at_kink)
    assert any(context.open for context in judged.routes.met.values())
    assert same(judged, plainly(at_kink))


def test_what_was_given_is_left_as_it_is() -> None:
    """Nothing of a tape writes into the arrays that it starts from."""
    for subject in list(recorded())[:3]:
        before = {n: a.copy() for n, a in {**subject.given, **subject.recorded}.items()}
        again(subject)
        assert all(np.array_equal(a, before[n]) for n, a in {**subject.given, **subject.recorded}.items())


# --- tapes of their own ---


def taped(run: Any, *first: Any) -> Tape:
    """The tape of a function of arrays."""
    tape = Tape()
    tape.end({"out": run(*(tape.start(str(k), np.asarray(x, float)) for k, x in enumerate(first)))})
    return tape


def test_a_changed_array_is_changed_again() -> None:
    """In its place, also by way of a part of it, after other results were made from what it was."""

    def run(x: Any) -> Any:
        whole = np.zeros((2, 3), like=x)
        before = whole + x
        row = whole[1]
        row += x[0]
        whole[0] = before[0] * 2
        whole *= 3
        return whole + before

    tape, x = taped(run, np.ones((2, 3))), np.arange(6.0).reshape(2, 3)
    for _ in range(2):
        found = tape.again({"0": x})
        assert found is not None
        assert np.array_equal(found["out"], run(x))


def test_another_answer_leaves_the_tape() -> None:
    """A run goes one way or the other by its numbers."""
    tape = taped(lambda x: x + 1 if x.sum() > 0 else x - 1, [1.0])
    found = tape.again({"0": np.array([2.0])})
    assert found is not None
    assert found["out"] == 3
    assert tape.again({"0": np.array([-2.0])}) is None


@pytest.mark.parametrize(
    "run",
    [
        lambda x: x + float(x[0]),
        lambda x: x[[int(x[0])]],
        lambda x: np.ones(1) * np.asarray(x),
        lambda x: x[x > 0],
        lambda x: sum(x),
        lambda x: np.add(np.zeros(1), x, out=np.zeros(1)),
    ],
)
def test_numbers_are_not_handed_out(run: Any) -> None:
    """What is no operation on arrays is not recorded, rather than kept as it was the first time."""
    with pytest.raises(NotRecorded):
        taped(run, [1.0])
