"""The parts of the verifier: compiled expressions, identities without cancellation, bounds of derivatives."""

from __future__ import annotations

import ast
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy as sp

import tracer
from derivations.activations import ACTIVATIONS, Activation
from derivations.chain_rule import A, M, local_slope
from derivations.losses import LOSSES
from tracer.verification.bounds import SUPREMA
from tracer.verification.compiled import compiled
from tracer.verification.spread import ACTIVATION, LOSS, spread_of

ELEMENTWISE = [f for f in ACTIVATIONS.values() if f.elementwise]
POINTS = np.array([-800.0, -40.0, -5.0, -1.0, -1e-9, 0.3, 2.0, 30.0, 800.0])


@pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.name)
def test_a_compiled_slope_is_sympys_number(f: object) -> None:
    """At small and at very large arguments, to 1e-13 of the number (or of 1 where a difference saturates)."""
    expression = local_slope(f)  # type: ignore[arg-type]
    found = compiled(expression, (A,))(POINTS)
    for a, value in zip(POINTS, found, strict=True):
        exact = float(expression.subs(A, sp.Rational(float(a))).evalf(50))
        assert abs(value - exact) <= 1e-13 * max(abs(exact), 1e-2), (a, value, exact)


def test_an_unknown_operation_is_refused() -> None:
    """Nothing is guessed: sine has no numpy function here, and a letter must be among those named."""
    with pytest.raises(TypeError, match="sin"):
        compiled(sp.sin(A), (A,))
    with pytest.raises(TypeError, match="Symbol"):
        compiled(A + sp.Symbol("q"), (A,))


@pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.name)
@pytest.mark.parametrize("step", [2.0**-40, 2.0**-20])
def test_a_spread_is_the_difference_of_the_values(f: Activation, step: float) -> None:
    """h(hi) - h(lo) against 60 digits: to 1e-14 of itself, however small the step."""
    name, formula = f.name, f.formula
    for a in (-30.0, -2.5, -0.4, 0.7, 3.0):
        lo, hi, d = a - step, a + step, 2 * step
        with mpmath.workdps(60):
            value = sp.lambdify(A, formula(M, A), "mpmath")
            exact = float(value(mpmath.mpf(hi)) - value(mpmath.mpf(lo)))
        found = float(spread_of(f)(np.array([[a]]), np.array([[d]]), np.array([[a > 0]]))[0, 0])
        room = 1e-14 if name != "gelu" else max(1e-14, 9 * step * step)
        assert abs(found - exact) <= room * abs(exact) + 1e-17 * d, (a, found, exact)


@pytest.mark.parametrize("f", [f for f in ELEMENTWISE if f.name in SUPREMA], ids=lambda f: f.name)
def test_the_suprema_hold_on_a_fine_grid(f: object) -> None:
    """|h'|, |h''|, |h'''| from sympy stay below the bounds that tolerances are made of."""
    grid = np.linspace(-9, 9, 7211)  # misses the kinks, where branches are frozen
    e = local_slope(f)  # type: ignore[arg-type]
    for bound in SUPREMA[f.name]:  # type: ignore[attr-defined]
        assert np.abs(compiled(e, (A,))(grid)).max() <= bound * (1 + 1e-12)
        e = sp.diff(e, A)


def test_the_oracle_does_not_read_the_accused() -> None:
    """No module of the verifier imports the rules or the step that it judges, or what runs them."""
    folder = Path(tracer.__file__).parent / "verification"
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.module not in ("derivations.rules", "tracer.step", "tracer.tracing", "tracer.api"), path
                assert not {"rules", "step"} & {alias.name for alias in node.names}, path
        assert ".derivative" not in path.read_text(encoding="utf-8"), path
        assert ".jacobian(" not in path.read_text(encoding="utf-8"), path


def test_the_tables_name_what_there_is() -> None:
    """No entry of what is gone; softmax and its kin, and losses that combine with an activation, need theirs."""
    assert {f.name for f in ELEMENTWISE} >= ACTIVATION.keys()
    assert ACTIVATIONS.keys() >= SUPREMA.keys() >= {f.name for f in ACTIVATIONS.values() if not f.elementwise}
    assert LOSSES.keys() >= LOSS.keys() >= {g.name for g in LOSSES.values() if g.parts is None or g.fused}
