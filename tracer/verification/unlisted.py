"""An activation that `spread` and `bounds` have no entry for: the same two things out of its formula alone, in balls.

One entry in `derivations.activations` is then enough to be verified; entries in those tables make it fast.

Letters: a pre-activation, lo and hi the ends of a step, d = hi - lo, k a kink.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from derivations.activations import Activation
from derivations.arithmetic import Ball
from tracer.verification.power_series import PowerSeries

__all__ = ["spread_in_balls", "suprema_near"]

Array = Any
BITS = 320
SIDESTEP = 2.0**-120  # a one-sided step: its error is far below rounding
NEAR = 2.0**-10  # bounds hold this far around every pre-activation; steps and rounding errors are much smaller


def spread_in_balls(f: Activation) -> Callable[[Array, Array, Array, Array], Array]:
    """h(hi) - h(lo), worked with enough bits that nothing cancels; where a kink is in between, on one side of it."""

    def spread(lo: Array, hi: Array, d: Array, above: Array) -> Array:
        low, moved = np.broadcast_arrays(np.asarray(lo, float), np.asarray(d, float))
        m = Ball(BITS)
        with m.working():
            out = _floats(f.formula(m, _balls(low) + _balls(moved)) - f.formula(m, _balls(low)))
        for k in f.kinks:
            across = (np.minimum(lo, hi) <= k) & (np.maximum(lo, hi) >= k)
            if across.any():
                middle = low + moved / 2
                out = np.where(across, moved * _one_sided(f, m, k, middle, np.broadcast_to(above, low.shape)), out)
        return out

    return spread


def _one_sided(f: Activation, m: Ball, k: float, a: Array, above: Array) -> Array:
    """(h(a + e) - h(a))/e away from the kink k, from k itself where a lies on the other side."""
    here = np.where((a > k) == above, a, k)
    step = np.where(above, SIDESTEP, -SIDESTEP)
    with m.working():
        return _floats((f.formula(m, _balls(here) + _balls(step)) - f.formula(m, _balls(here))) / _balls(step))


def suprema_near(f: Activation, a: Array) -> tuple[float, float, float]:
    """Bounds of |h'|, |h''|, |h'''| around every entry of a; infinite where nothing bounds them."""
    return _suprema(f, np.unique(np.asarray(a, float)).tobytes())


@lru_cache(maxsize=64)
def _suprema(f: Activation, places: bytes) -> tuple[float, float, float]:
    m = PowerSeries(128, length=4)
    with m.working():
        centres = _balls(np.frombuffer(places))
        around = centres + np.frompyfunc(lambda _: _arb(0, NEAR), 1, 1)(centres)
        series = f.formula(m, m.variable(around, np.frompyfunc(lambda _: _arb(1), 1, 1)(centres)))
        first, second, third = (_largest(c) for c in m.coefficients(series)[1:])
    return first, 2 * second, 6 * third  # the coefficient of x^n is the n-th derivative over n!


def _largest(balls: Array) -> float:
    sizes = [float(abs(ball).upper()) for ball in np.ravel(balls)]
    return max(sizes) * (1 + 1e-12) if all(size == size for size in sizes) else float("inf")


def _arb(*numbers: float) -> Any:
    from flint import arb

    return arb(*numbers)


_balls = np.frompyfunc(lambda x: _arb(float(x)), 1, 1)


def _floats(balls: Array) -> Array:
    return np.frompyfunc(lambda ball: float(ball.mid()), 1, 1)(balls).astype(float)
