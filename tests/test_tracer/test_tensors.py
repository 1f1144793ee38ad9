"""In which format somebody's numbers are, whatever type their arrays have."""

from __future__ import annotations

import numpy as np
import pytest

from tracer import ProblemError
from tracer.tensors import coarser, format_of, in_own_format, numpy_of

RNG = np.random.default_rng(3)
NUMBERS = RNG.normal(size=(4, 5))
AS_BFLOAT16 = (NUMBERS.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32)


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        (NUMBERS, ""),
        (NUMBERS.astype(np.float32), ""),
        (NUMBERS.astype(np.float32).astype(float), "float32"),
        (NUMBERS.astype(np.float16).astype(np.float32), "float16"),
        (NUMBERS.astype(np.float16).astype(float), "float16"),
        (AS_BFLOAT16, "bfloat16"),
        (np.zeros((2, 2)), ""),
        (np.sign(NUMBERS), ""),
        (np.array([0.5, 0.25, 3.0, np.inf]), ""),
        (np.array([1, 2, 3]), ""),
    ],
)
def test_the_format_that_numbers_fill(numbers: np.ndarray, found: str) -> None:
    """The narrowest that holds each of them and that one of them needs; one number of another format undoes it."""
    assert coarser({"dW1": numbers}) == found
    assert not found or coarser({"dW1": numbers, "db1": np.array([0.1])}) == ""


def test_float32_numbers_in_float64_arrays_are_judged_as_float32() -> None:
    """From the numbers, or from what is known of how they came about; both are said."""
    narrow = NUMBERS.astype(np.float32).astype(float)
    arrays, notes = in_own_format({"dW1": narrow})
    assert arrays["dW1"].dtype == np.float32
    assert notes == ["float64 gradients are judged as float32: each of their numbers is a float32"]
    arrays, notes = in_own_format({"dW1": NUMBERS}, "the weights are float32")
    assert arrays["dW1"].dtype == np.float32
    assert notes == ["float64 gradients are judged as float32: the weights are float32"]
    arrays, notes = in_own_format({"dW1": NUMBERS})
    assert (arrays["dW1"].dtype, notes) == (np.float64, [])


def test_half_precision_is_given_but_never_worked_out() -> None:
    """Samples in float16 are numbers like others; what was worked out in it is refused."""
    half = NUMBERS.astype(np.float16)
    assert format_of(half) == "float16"
    assert format_of([1.0]) == ""
    assert np.array_equal(numpy_of(half, "x", widened=True), half.astype(np.float32))
    with pytest.raises(
        ProblemError, match=r"dW1 is float16: 11 bits a number are too few .*; run forward and backward"
    ):
        numpy_of(half, "dW1")
