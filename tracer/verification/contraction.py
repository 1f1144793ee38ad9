"""Sums of products over lettered axes, as matrix products."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tracer.verification.tape import recordable

__all__ = ["array_of", "contracted", "filled"]

Array = Any


def filled(x: Array, shape: tuple[int, ...]) -> Array:
    """An array in a shape; as it is where that is its own, which numpy is slow to see."""
    return x if getattr(x, "shape", None) == shape else np.broadcast_to(x, shape)


@recordable
def array_of(x: Array, dtype: Any = float) -> Array:
    """An array of floats; as it is where it is one."""
    return x if getattr(x, "dtype", None) == dtype and not isinstance(x, np.generic) else np.asarray(x, dtype)


def contracted(
    x: Array,
    xl: Sequence[str],
    y: Array,
    yl: Sequence[str],
    out: Sequence[str],
    matrix_product: Callable[[Array, Array], Array] = operator.matmul,
) -> Array:
    """The sum of products over letters of both that are not in `out`; `xl` and `yl` are the letters of the axes."""
    each = [l for l in xl if l in yl and l in out]
    shared = [l for l in xl if l in yl and l not in out]
    rows, columns = [l for l in xl if l not in yl], [l for l in yl if l not in xl]
    x = x.transpose([xl.index(l) for l in each + rows + shared])
    y = y.transpose([yl.index(l) for l in each + shared + columns])
    lots, form = x.shape[: len(each)], x.shape[: len(each) + len(rows)] + y.shape[len(each) + len(shared) :]
    n = math.prod(x.shape[len(each) + len(rows) :])
    if not shared:
        product = x.reshape(x.shape + (1,) * len(columns)) * y.reshape(lots + (1,) * len(rows) + y.shape[len(each) :])
    elif rows or columns:
        a, b = math.prod(x.shape[len(each) : len(each) + len(rows)]), math.prod(y.shape[len(each) + len(shared) :])
        product = matrix_product(x.reshape(*lots, a, n), y.reshape(*lots, n, b)).reshape(form)
    else:
        product = (x.reshape(*lots, n) * y.reshape(*lots, n)).sum(axis=-1)
    have = each + rows + columns
    return product if have == list(out) else product.transpose([have.index(l) for l in out])
