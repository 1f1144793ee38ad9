"""A framework's tensors as numpy's arrays, and the format that their numbers are in.

A format of p bits rounds by 2^-p: float64 53, float32 24, float16 11, bfloat16 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tracer.problem import ProblemError

__all__ = ["FEW_BITS", "Array", "coarser", "format_of", "in_own_format", "numpy_of", "one_line"]

Array = npt.NDArray[Any]

FEW_BITS = {"float16": 11, "bfloat16": 8}
_AS_FLOAT32 = "float64 gradients are judged as float32"


def numpy_of(tensor: Any, where: str, *, widened: bool = False) -> Array:
    """A framework's array as numpy's, in a copy that later training does not change.

    widened: float16 and bfloat16 numbers are given, such as samples, and are taken as they are; without it they were
    worked out and are refused.  Raises ProblemError.
    """
    found = format_of(tensor)
    if found in FEW_BITS and not widened:
        raise ProblemError(
            f"{where} is {found}: {FEW_BITS[found]} bits a number are too few to judge gradients by; "
            "run forward and backward in float32 or float64"
        )
    try:
        for method in ("detach", "cpu"):
            tensor = getattr(tensor, method)() if hasattr(tensor, method) else tensor
        if found in FEW_BITS and hasattr(tensor, "float"):  # numpy has no bfloat16
            tensor = tensor.float()
        array = np.array(tensor.numpy() if hasattr(tensor, "numpy") else tensor)
        return array.astype(np.float32) if found in FEW_BITS else array
    except Exception as e:  # somebody else's object may raise anything
        raise ProblemError(f"{where}: {one_line(e)}; give plain float32 or float64 arrays") from None


def format_of(tensor: Any) -> str:
    """The name of an array's or a tensor's type, "" for what has none."""
    dtype = getattr(tensor, "dtype", "")
    name = getattr(dtype, "name", None) or dtype
    return str(name).rpartition(".")[2]


def one_line(error: Exception) -> str:
    """The first line of somebody else's error."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:100]


def coarser(arrays: Mapping[str, Array]) -> str:
    """The narrower format that these numbers fill, "" for none: float16, bfloat16, and float32 of float64 arrays.

    It holds each of them, and one needs its last bit.  Numbers worked out in a wider format fit by chance about once in
    2^13 each; zeros, ones and signs fit, but fill nothing.
    """
    if not all(array.dtype in (np.float32, np.float64) for array in arrays.values()):
        return ""
    numbers = np.concatenate([np.zeros(0), *(np.ravel(array) for array in arrays.values())])
    numbers = numbers[np.isfinite(numbers)]
    with np.errstate(over="ignore", under="ignore"):
        single = numbers.astype(np.float32)
        half = single.astype(np.float16)
    if not (single == numbers).all():
        return ""
    bits = single.view(np.uint32)
    if not (bits & 0xFFFF).any():
        return "bfloat16" if (bits >> 16 & 1).any() else ""
    if (half == single).all():
        return "float16" if (half.view(np.uint16) & 1).any() else ""
    wide = all(array.dtype == np.float64 for array in arrays.values())
    return "float32" if wide and (bits & 1).any() else ""


def in_own_format(arrays: Mapping[str, Array], single: str = "") -> tuple[dict[str, Array], list[str]]:
    """The arrays, float64 ones as float32 where they are good to that alone, and a note that says why.

    single: what is known of how they were worked out; without it, that every number of them is one of float32.
    """
    wide = any(array.dtype == np.float64 for array in arrays.values())
    if not wide or not (single or coarser(arrays) == "float32"):
        return dict(arrays), []
    why = single or "each of their numbers is a float32"
    return {name: array.astype(np.float32) for name, array in arrays.items()}, [f"{_AS_FLOAT32}: {why}"]
