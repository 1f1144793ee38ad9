"""What sympy proves of a step's backward lines, and that a wrong line is refuted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from derivations.arithmetic import FLOAT64
from derivations.computation import Computation
from derivations.derivation import derive
from derivations.expression import Expression, Index, Negative, Number, Product, Ref, Sum
from derivations.step_proof import StepProof, prove_planned, prove_step
from tracer import load

FURTHER = sorted((Path(__file__).parents[1] / "further_steps").glob("*.toml"))
RNN = """
equations = '''
h[0,k] = 0
a[t,j] = Σ_i Wx[j,i]*x[t,i] + Σ_k Wh[j,k]*h[t-1,k] + b[j]
h[t,j] = tanh(a[t,j])
y[m] = Σ_j V[m,j]*h[|t|,j]
E = Σ_m (y[m] - target[m])^2/2
'''
parameters = {Wx = [[0.5], [-0.3]], Wh = [[0.1, 0.4], [-0.2, 0.3]], b = [0.0, 0.1], V = [[1.0, -1.0]]}
given = {x = [[1.0], [0.5], [0.2]], target = [0.5]}
"""
SOFTMAX = """
equations = '''
a[k,n] = Σ_i W[k,i]*x[i,n]
y[k,n] = softmax_k(a[k,n])
E = mean_n(-Σ_k t[k,n]*log(y[k,n]))
'''
parameters = {W = [[0.1, 0.2], [0.3, -0.1]]}
given = {x = [[1, 0, 2], [0, 1, 1]], t = [[1, 0, 1], [0, 1, 0]]}
"""
POOLED = """
equations = '''
a[p] = Σ_{u=1..2} K[u]*x[p+u-1] + b
z[p] = relu(a[p])
m = max_p(z[p])
E = abs(m - t)
'''
parameters = {K = [1, -1], b = 0.1}
given = {x = [0.5, 1, -1, 3], t = 2}
"""


def own(text: str) -> Computation:
    problem = load(text_file(text))
    assert isinstance(problem, Computation)
    return problem


def text_file(text: str) -> dict[str, object]:
    import tomllib

    return tomllib.loads(text)


@pytest.mark.parametrize("text", [RNN, SOFTMAX, POOLED], ids=["rnn", "softmax", "pool"])
def test_every_line_is_proved_symbolically(text: str) -> None:
    """A recurrence, a softmax with its short form, a pool on each side of every kink."""
    proof = prove_step(own(text))
    assert proof.whole, proof
    assert proof.words.startswith("Proved: each of the ")
    assert proof.sided is (text == POOLED)


# --- planted twins ---


def first_ref(e: Expression, name: str, put: Expression) -> Expression:
    """The expression with each entry of an array replaced."""
    if isinstance(e, Ref):
        return put if e.name == name else e
    out: Expression = e.mapped(lambda part: first_ref(part, name, put))
    return out


def index_moved(e: Expression) -> Expression:
    """h[t-1,k] read at t."""
    match e:
        case Ref("h", (Index(terms), k)):
            return Ref("h", (Index(terms, 0), k))
    out: Expression = e.mapped(index_moved)
    return out


TWINS = {
    "a sign": (RNN, "dWx", Negative),
    "a factor": (RNN, "db", lambda e: Product((Number("2"), e))),
    "an index": (RNN, "dWh", index_moved),
    "a slope left out": (RNN, "da", lambda e: e.factors[1]),
    "the last time forgotten": (RNN, "dh", lambda e: Sum(e.terms[:1])),
    "the wrong slope": (RNN, "slope_h", lambda e: Sum(((1, Number("1")), (-1, e.terms[1][1].base)))),
    "t - y": (SOFTMAX, "da", Negative),
    "the mean forgotten": (SOFTMAX, "da", lambda e: e.above),
    "everybody gets the maximum's signal": (POOLED, "dz", lambda e: Ref("dm", ())),
}


def refuted(text: str, array: str, change: object) -> StepProof:
    """The proof of the step with one backward line changed."""
    problem = own(text)
    step = problem.step
    line = next(e for e in step.equations if e.left.name == array)
    assert callable(change)
    wrong = replace(problem.planned, step=step.replace(replace(line, right=change(line.right))))
    given = {name: numbers.exact() for name, numbers in problem.numbers.items()}
    return prove_planned(wrong, problem.start(FLOAT64), given)


@pytest.mark.parametrize("twin", TWINS)
def test_a_wrong_line_is_refuted_and_no_other(twin: str) -> None:
    """One backward line changed in one place: its entries are named, the others still hold."""
    text, array, change = TWINS[twin]
    proof = refuted(text, array, change)
    assert not proof.holds
    found = {name.partition("[")[0] for name in proof.wrong}
    assert found == ({"slope_h", "da"} if array == "slope_h" else {array})  # da is written with that slope
    assert proof.words.startswith("NOT proved: ")


# --- what is not proved is not called so ---


def test_a_kink_is_told_and_proves_nothing_there() -> None:
    """At a = 0 relu has no derivative; the lines are proved on each side of it."""
    text = POOLED.replace("b = 0.1", "b = 0.5")  # a[1] = 0.5 - 1 + 0.5
    proof = prove_step(own(text))
    assert proof.kinks == ("z[1]",)
    assert "have no derivative there" in proof.words or "has no derivative there" in proof.words
    assert "Nothing is proved there" in proof.words


def test_a_layered_kink_is_told() -> None:
    """A ReLU and a leaky ReLU at 0."""
    problem = {
        "network": {
            "loss": "half_squared_error",
            "layers": [{"activation": "relu", "W": [[1, -1]]}, {"activation": "leaky_relu", "W": [[2]]}],
        },
        "samples": [{"x": [1, 1], "t": [1]}],
        "training": {"learning_rate": 0.1},
    }
    proof = derive(load(problem)).proof
    assert proof.kinks == ("z1[1]", "z2[1]")
    assert "Nothing is proved there" in proof.words


def test_equal_at_random_points_says_just_that() -> None:
    """What sympy does not see to vanish is equal to 50 digits, and called no proof."""
    proof = StepProof(proved=("dW",), equal=("da",), entries=3)
    assert not proof.whole
    assert proof.holds
    assert "which is no proof: da" in proof.words


@pytest.mark.parametrize("path", FURTHER, ids=lambda path: path.stem)
def test_further_steps_hold(path: Path) -> None:
    """Nothing of them is refuted, and every line is compared."""
    problem = load(path)
    assert isinstance(problem, Computation)
    proof = prove_step(problem)
    assert not proof.wrong
    assert not proof.open_
    assert not proof.equal or path.stem in ("capsules", "pointer")  # too long to be put over one denominator


@pytest.mark.parametrize("sample", ["hand-3-2-2", "softmax-xor", "middle-layer", "classifier-3-3-3"])
def test_networks_are_proved_line_by_line(sample: str) -> None:
    """Their steps are equations too: more parameters than the whole loss is differentiated in."""
    proof = derive(load(sample)).proof
    assert proof.lines is not None
    assert proof.lines.whole
    assert proof.words.startswith("Proved: all ")
