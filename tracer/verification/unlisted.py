"""A function that `spread` and `bounds` have no entry for: the same two things out of its formula alone, in balls.

One entry in `derivations.activations` or `derivations.losses` is then enough to be verified; entries in those tables
make it fast.

Letters: a pre-activation, y output, t target, lo and hi the ends of a step, d = hi - lo, k a kink.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from derivations.activations import Activation
from derivations.arithmetic import Ball
from derivations.losses import Loss
from tracer.verification.power_series import PowerSeries

__all__ = ["loss_spread_in_balls", "loss_suprema_near", "spread_in_balls", "suprema_near"]

Array = Any
BITS = 640  # more than the smallest step has
SIDESTEP = 2.0**-120  # a one-sided step: its error is far below rounding
NEAR = 2.0**-10  # bounds hold this far around every pre-activation; steps and rounding errors are much smaller


def spread_in_balls(f: Activation) -> Callable[[Array, Array, Array], Array]:
    """h(hi) - h(lo), worked with enough bits that nothing cancels; where a kink is in between, on one side of it."""

    def spread(a: Array, d: Array, above: Array) -> Array:
        lo, hi = a - d / 2, a + d / 2
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


def loss_spread_in_balls(loss: Loss) -> Callable[[Array, Array, Array, Array], Array]:
    """E[k](hi) - E[k](lo); outputs stand along axis 0."""
    parts = loss.parts
    assert parts is not None

    def spread(lo: Array, hi: Array, d: Array, t: Array) -> Array:
        low, moved, target = (_balls(x) for x in np.broadcast_arrays(*(np.asarray(x, float) for x in (lo, d, t))))
        m = Ball(BITS)
        with m.working():
            return _floats(parts(m, low + moved, target) - parts(m, low, target))

    return spread


def loss_suprema_near(loss: Loss, y: Array, t: Array) -> tuple[float, float, float]:
    """Bounds of the first three derivatives of E[k] by y[k] around every output; infinite where nothing bounds them."""
    assert loss.parts is not None
    m = PowerSeries(128, length=4)
    with m.working():
        return _derivatives(m, loss.parts(m, _around(m, y), _balls(np.asarray(t, float))))


def suprema_near(f: Activation, a: Array) -> tuple[float, float, float]:
    """Bounds of |h'|, |h''|, |h'''| around every entry of a; infinite where nothing bounds them."""
    return _suprema(f, np.unique(np.asarray(a, float)).tobytes())


@lru_cache(maxsize=64)
def _suprema(f: Activation, places: bytes) -> tuple[float, float, float]:
    m = PowerSeries(128, length=4)
    with m.working():
        return _derivatives(m, f.formula(m, _around(m, np.frombuffer(places))))


def _around(m: PowerSeries, centres: Array) -> Array:
    """x + every number as near as NEAR."""
    balls = np.frompyfunc(lambda c: _arb(float(c), NEAR), 1, 1)(np.asarray(centres, float))
    return m.variable(balls, np.frompyfunc(lambda _: _arb(1), 1, 1)(balls))


def _derivatives(m: PowerSeries, series: Array) -> tuple[float, float, float]:
    """The coefficient of x^n is the n-th derivative over n!."""
    first, second, third = (_largest(c) for c in m.coefficients(series)[1:])
    return first, 2 * second, 6 * third


def _largest(balls: Array) -> float:
    sizes = [float(abs(ball).upper()) for ball in np.ravel(balls)]
    return max(sizes) * (1 + 1e-12) if all(size == size for size in sizes) else float("inf")


def _arb(*numbers: float) -> Any:
    from flint import arb

    return arb(*numbers)


_balls = np.frompyfunc(lambda x: _arb(float(x)), 1, 1)


def _floats(balls: Array) -> Array:
    return np.frompyfunc(lambda ball: float(ball.mid()), 1, 1)(balls).astype(float)
