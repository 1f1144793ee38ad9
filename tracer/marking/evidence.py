"""What numbers must show before anything is said of them: shared by layers and by somebody's own equations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from derivations.quantity import Quantity
from tracer.marking.cells import Cells

__all__ = ["EVIDENCE", "SEVERAL", "WIDEST", "is_noise"]

EVIDENCE, SEVERAL = 2.0, 1.0
"""Decimal digits of agreement that a name takes, in one number and in several: with less some slip gives any number."""
WIDEST = 4
"""Units that may be between the ends of what explains a number: a pole or a jump gives any number."""
LEAST_NOISE = 9
"""Wrong arrays of a sheet that is wrong throughout."""


def is_noise(cells: Cells, order: Sequence[Quantity], wrong: np.ndarray) -> np.ndarray:
    """Sheets on which most arrays of the steps are wrong, each on its own since errors are carried.

    No slips explain these.  `wrong` is by quantity, in their order, and sheet.
    """
    there = cells.together(order).there
    arrays = list(dict.fromkeys((q.kind, q.step) for q in order))
    own = [np.array([(q.kind, q.step) == array for q in order]) for array in arrays]
    written, refused = (np.sum([part[rows].any(axis=0) for rows in own], axis=0) for part in (there, wrong))
    return np.asarray((refused >= LEAST_NOISE) & (3 * refused > 2 * written))
