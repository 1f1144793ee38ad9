"""What numbers must show before anything is said of them: shared by layers and by somebody's own equations."""

from __future__ import annotations

from typing import Any

__all__ = ["EVIDENCE", "SEVERAL", "WIDE", "WIDEST", "is_nonsense"]

Array = Any
EVIDENCE, SEVERAL = 2.0, 1.0
"""Decimal digits of agreement that a name takes, in one number and in several: with less some slip gives any number."""
WIDEST, WIDE = 4, 0.1
"""Units, and which part of a number, may be between the ends of what explains it: a pole or a jump gives any number."""
LEAST_NONSENSE = 9
"""Wrong arrays of a sheet that is wrong throughout."""


def is_nonsense(refused: Array, written: Array) -> Array:
    """Sheets on which most arrays are wrong, each on its own since errors are carried: no slips explain these."""
    nonsense: Array = (refused >= LEAST_NONSENSE) & (3 * refused > 2 * written)
    return nonsense
