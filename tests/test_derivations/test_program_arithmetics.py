"""One program, many readings: written names, sympy, exact rationals, balls and float32 run the same equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

from derivations import formulas
from derivations.arithmetic import FLOAT32, FLOAT64, Arithmetic, Ball, Exact
from derivations.chain_rule import Symbolic
from derivations.expression import Name
from derivations.layers import layered, start
from derivations.names import elements, text
from derivations.printing import to_text
from derivations.written import Writing
from tracer import load

SAMPLES = ("hand-3-2-2", "softmax-xor", "shared-bias-2-2-2", "threshold-xor", "middle-layer", "classifier-3-3-3")


def worked(sample: str, m: Arithmetic) -> dict[str, Any]:
    problem = load(sample)
    own = layered(problem)
    with m.working():
        return own.program(by_definition=m.by_definition).run(m, start(problem, m))


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("m", [Ball(80), Exact(80), FLOAT32], ids=lambda m: m.name)
def test_every_arithmetic_gives_the_numbers_of_float64(sample: str, m: Arithmetic) -> None:
    """To its own precision, array for array."""
    plain, other = worked(sample, FLOAT64), worked(sample, m)
    allowed = 1e-5 if m is FLOAT32 else 1e-13
    for e in layered(load(sample)).step.equations:
        name = e.left.name
        numbers = np.array([float(v) for v in np.ravel(np.asarray(other[name], object))])
        assert np.allclose(numbers, np.ravel(plain[name]), rtol=allowed, atol=allowed), name


def test_float32_stays_float32() -> None:
    """A bare 1, a mask, a blank: none of them makes a float64 array of it."""
    for sample in SAMPLES:
        known = worked(sample, FLOAT32)
        made = [e.left.name for e in layered(load(sample)).step.equations]
        assert {np.asarray(known[name]).dtype for name in made} == {np.dtype(np.float32)}, sample


@pytest.mark.parametrize("sample", ["hand-3-2-2", "softmax-xor", "shared-bias-2-2-2"])
def test_run_on_names_the_program_writes_the_formulas(sample: str) -> None:
    """The same plan over written expressions gives the formula of every entry, as entries write it out."""
    problem, m = load(sample), Writing()
    own = layered(problem)
    found: dict[Any, str] = {}

    def quantities(name: str, array: Any) -> Any:
        return elements(problem.network, *own.places[name], problem.samples).reshape(np.shape(array))

    def named(name: str, array: Any) -> Any:
        wanted = quantities(name, array)
        return np.frompyfunc(Name, 1, 1)(wanted) if wanted.ndim else Name(wanted.item())

    def record(name: str, array: Any) -> Any:
        for place, q in np.ndenumerate(quantities(name, array)):
            found[q] = to_text(np.asarray(array, object)[place], lambda q: text(problem.network, q))
        return named(name, array)

    given = {name: named(name, array) for name, array in start(problem, FLOAT64).items() if name != "step"}
    own.exact.run(m, {**given, "step": 1}, record)
    wanted = {e.quantity: to_text(e.formula, lambda q: text(problem.network, q)) for e in formulas.equations(problem)}
    assert found.keys() == wanted.keys()
    jacobian = {q for q in wanted if q.kind == "J"}  # written with a sign in front, worked with one inside
    assert {q: found[q] for q in found if q not in jacobian} == {q: wanted[q] for q in wanted if q not in jacobian}


def test_run_on_symbols_the_program_is_differentiable() -> None:
    """sympy's numbers go through the same plan, and the derivative of its loss is its gradient."""
    problem, m = load("hand-3-2-2"), Symbolic()
    own = layered(problem)
    lifted = start(problem, m)
    w = sp.Symbol("w")
    lifted["W1"] = np.array(lifted["W1"], object)
    lifted["W1"][0, 1] = w
    known = own.exact.run(m, lifted)
    at = {w: sp.Rational(1, 10)}
    assert sp.N(sp.diff(known["E"], w).subs(at) - known["dW1"][0, 1].subs(at), 30) == pytest.approx(0, abs=1e-25)
