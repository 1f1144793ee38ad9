"""Equations of any step are verified as layers are: three routes to every array, proofs, blame, textbook quotients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from steps import FURTHER_NAMES, NAMES, problem_text
from worked import subject_of

from derivations.computation import Computation
from derivations.equations import Role
from tracer import loads, trace, verify
from tracer.verification import routes
from tracer.verification.moves import NEAR

ALL = [*NAMES, *FURTHER_NAMES]
SOME = (
    "attention",
    "bidirectional",
    "conv2",
    "embedding",
    "layernorm",
    "lstm",
    "pointer",
    "rnn2",
    "transposed",
    "triplet",
)
GRADIENTS = (Role.SIGNAL, Role.GRADIENT)


def example(name: str) -> Computation:
    """An example of the folders, its numbers drawn."""
    problem = loads(problem_text(name))
    assert isinstance(problem, Computation)
    return problem


@pytest.mark.parametrize("assume_nothing", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_every_array_agrees_by_three_routes(name: str, assume_nothing: bool) -> None:
    """Whatever a step records is worked by both other routes, and within less than is allowed."""
    found = verify(example(name), assume_nothing=assume_nothing)
    assert found.agrees, found
    assert found.worst < 1
    assert found.undifferenced == ()
    for judged in found.steps:
        for array, traced in judged.routes.traced.items():
            assert np.shape(judged.routes.symbolic[array]) == np.shape(traced), array
            assert np.shape(judged.routes.numeric[array]) == np.shape(traced), array


def test_a_step_is_verified_from_its_file(tmp_path: Path) -> None:
    """A path does as well as what was loaded from it."""
    path = tmp_path / "step.toml"
    path.write_text(problem_text("gru"), encoding="utf-8")
    assert verify(path).agrees


@pytest.mark.parametrize("name", SOME)
def test_one_number_changed_is_the_only_cause(name: str) -> None:
    """Any number, off by a millionth of it, is named alone; what is given rightly beside it stays right."""
    rng = np.random.default_rng(1)
    problem = example(name)
    values = {n: float(v) for n, v in trace(problem).values.items()}
    right = verify(problem, values)
    assert right.agrees, right
    for changed in rng.choice([n for n, v in values.items() if abs(v) > 1e-9], 3, replace=False).tolist():
        found = verify(problem, values | {changed: values[changed] * (1 + 1e-6)})
        assert found.wrong == (changed,), found


POWERS = """
equations = '''
u = w^-2 + 3*w^0
y[n] = x[n]^0.5*u + w^0.5
E = Σ_n y[n]^2
'''
parameters = {w = 0.5}
given = {x = [1.5, 2]}
"""


@pytest.mark.parametrize("name", [*ALL, POWERS])
def test_no_balls_of_the_two_routes_are_apart(name: str) -> None:
    """Nor is anything refuted, single numbers and powers of what does not move included."""
    found = verify(loads(name) if name == POWERS else example(name), certify=True)
    assert found.agrees, found
    assert not found.proofs[0].apart
    assert found.certified["proved"]
    assert not found.certified["refuted"]


@pytest.mark.parametrize("name", SOME)
def test_its_signals_and_gradients_are_proved(name: str) -> None:
    """By balls of relative radius 1e-20 from two routes; the number off by 1e-9 of itself is refuted."""
    problem = example(name)
    found = verify(problem, certify=True)
    asked = {n for n, a in found.steps[0].routes.subject.arrays.items() if a.role in GRADIENTS}
    assert asked <= {key for key, _ in found.proofs[0].certificates.balls}
    values = {n: float(v) for n, v in trace(problem).values.items()}
    first = next(n for n in found.certified["proved"] if abs(values[n]) > 1e-9)
    refuted = verify(problem, {first: values[first] * (1 + 1e-9)}, certify=True).certified["refuted"]
    assert refuted == (first,)


@pytest.mark.parametrize("name", SOME[:4])
def test_its_textbook_quotients_keep_to_their_bound(name: str) -> None:
    """Every gradient has a central difference, and its rounding is within what is told."""
    found = verify(example(name), textbook=1e-5)
    assert any(row.textbook for row in found.rows)
    for row in found.rows:
        if row.textbook:
            assert abs(row.textbook.rounding) <= row.textbook.allowed - abs(row.textbook.truncation), row.name


OWN = {"wobble": "a*tanh(log(1 + exp(a)))", "cube": "a^3", "bent": "2*a if a > 0 else exp(a) - 1"}


@pytest.mark.parametrize("name", OWN)
def test_a_function_of_the_file_is_verified_from_its_formula(name: str) -> None:
    """Nothing else is said of it: three routes agree, balls prove, a gradient off by 1e-9 is the only cause."""
    text = f'''
    equations = """
    {name}(a) = {OWN[name]}
    a[j] = Σ_i W[j,i]*x[i]
    E = Σ_j {name}(a[j])^2
    """
    parameters.W = [[0.5, -1.25], [0.75, 0.1]]
    given.x = [1.5, 0.5]
    '''
    problem = loads(text)
    assert verify(problem).agrees
    assert verify(problem, assume_nothing=True).agrees
    found = verify(problem, certify=True)
    assert set(found.certified["proved"]) >= {"dW[1,1]", "dW[2,2]"}
    wrong = float(trace(problem).values["dW[2,1]"]) * (1 + 1e-9)
    assert verify(problem, {"dW[2,1]": wrong}).wrong == ("dW[2,1]",)


def test_an_array_that_is_another_one_moves_by_itself() -> None:
    """z1[n] = z[n] is no copy of what moves with z: each has its own difference."""
    text = """
    equations = '''
    z[n] = gelu(data[n])
    z1[n] = z[n]
    y[n] = z[n]*data[n] + z[n]*z1[n]
    E = Σ_n y[n]^2 + b
    '''
    inputs = ["data"]
    parameters.b = -0.5
    given.data = [-1.18, -0.82]
    """
    found = verify(loads(text))
    assert found.agrees, found


@pytest.mark.parametrize("test", ["abs(0 - 3) > 2", "abs(3) - 4 > abs(2)", "3 > 2", "a[1] > abs(3)", "1 > abs(2)"])
def test_a_choice_between_numbers_is_verified(test: str) -> None:
    """sympy leaves |3| > 2 as it is where |3| is a function of ours."""
    text = f"""
    equations = '''
    a[j] = w[j]*x[j]
    E = Σ_j (a[j]*2 if {test} else a[j]^2)
    '''
    parameters.w = [0.5, -1.25]
    given.x = [1.5, 0.5]
    """
    found = verify(loads(text))
    assert found.agrees, found


@pytest.mark.parametrize(("second", "kinks"), [(0.5, 0), (1.0, 1)])
def test_the_largest_of_several_stands_at_a_kink_where_two_are_equal(second: float, kinks: int) -> None:
    """And nowhere else, in floats and in balls."""
    text = f"""
    equations = '''
    m = max_i(w[i]*x[i])
    E = m^2
    '''
    parameters.w = [1, {second}]
    given.x = [1, 1]
    """
    assert len(verify(loads(text)).kinks) == kinks
    certified = verify(loads(text), certify=True)
    assert bool(certified.proofs[0].certificates.kinks) == bool(kinks)
    assert bool(certified.certified["undecided"]) == bool(kinks)


@pytest.mark.parametrize(("counted", "agrees"), [(1, True), (2, True), (3, True), (1.5, False)])
def test_in_another_rounding_some_of_several_equal_ones_are_the_largest(counted: float, agrees: bool) -> None:
    """In float32 three that are equal in full may be two: dU adds up what so many of them get, and no other number."""
    text = """
    equations = '''
    m = max_i(w[i] + (U - w[i]))
    E = m^2
    '''
    parameters.U = 1.5
    parameters.w = [0.5, 0.25, 2]
    """
    assert verify(loads(text), {"dU": 3.0 * counted}).agrees == agrees


MASKED = """
equations = '''
y[i] = w[i]*x[i] if mask[i] > 0 else 0
E = Σ_i y[i]^2
'''
parameters.w = [1, 0.5]
given.x = [1, 1]
"""


@pytest.mark.parametrize(("whose", "kink"), [("given", False), ("parameters", True)])
def test_a_mask_that_is_given_is_no_kink(whose: str, kink: bool) -> None:
    """mask[i] > 0 of zeros and ones is what it is, whatever moves; of a parameter that is 0 it is not."""
    found = verify(loads(f"{MASKED}{whose}.mask = [0, 1]"), certify=True)
    assert bool(found.certified["undecided"]) == kink, found


@pytest.mark.parametrize("name", ALL)
def test_differences_may_be_worked_in_a_longer_format(name: str) -> None:
    """Every way in which a parameter is read takes it."""
    subject = subject_of(trace(example(name)).steps[0])
    with np.errstate(all="ignore"):
        short, long = (routes._differences(subject, NEAR, False, kind) for kind in (np.float64, np.longdouble))
    for array, values in short.items():
        np.testing.assert_allclose(np.asarray(long[array], float), values, rtol=1e-6, atol=1e-6)
