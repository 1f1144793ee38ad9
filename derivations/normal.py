"""The standard normal distribution in float64, its tail with all its digits."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["normal_cdf"]

_ROOT_HALF = math.sqrt(0.5)
_ROOT_HALF_REST = -4.833646656726457e-17  # sqrt(1/2) minus its double
_SPLIT = 2.0**27 + 1  # Dekker (1971)


def _normal_distribution(a: float) -> float:
    """erfc(-a/sqrt 2)/2, with the rounding error of -a/sqrt 2 carried: erfc would magnify it by a^2."""
    x = -a * _ROOT_HALF
    if not abs(x) < 40:
        return math.erfc(x) / 2
    high_a, high_r = -a * _SPLIT, _ROOT_HALF * _SPLIT
    high_a, high_r = high_a - (high_a + a), high_r - (high_r - _ROOT_HALF)
    low_a, low_r = -a - high_a, _ROOT_HALF - high_r
    rest = ((high_a * high_r - x) + high_a * low_r + low_a * high_r) + low_a * low_r - a * _ROOT_HALF_REST
    return (math.erfc(x) - 2 / math.sqrt(math.pi) * math.exp(-x * x) * rest) / 2


normal_cdf = np.frompyfunc(_normal_distribution, 1, 1)
"""Elementwise, for arrays and numbers."""
