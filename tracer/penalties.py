"""L2 in the loss of a scikit-learn or Keras model: taken off its gradients before they are judged.

Letters: W weights (or b biases), p = factor W the penalty's gradient, N samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tracer.problem import ProblemError
from tracer.tensors import Array

__all__ = ["Penalty", "without", "words"]

_ROUNDINGS = 4  # of factor W, of its division by N, of the sum with the gradient, of that by N


@dataclass(frozen=True)
class Penalty:
    """A part of the loss whose gradient is factor times the array `name` ("W1"), divided by N where `mean`."""

    name: str
    factor: float
    array: Array
    text: str
    mean: bool = False

    def gradient(self, samples: int) -> Array:
        """p, by the operations that the framework does."""
        p = np.multiply(self.factor, self.array, dtype=self.array.dtype)
        return p / self.array.dtype.type(samples) if self.mean else p


def without(
    penalties: Sequence[Penalty], gradients: Mapping[str, Array], ours: Mapping[str, Array], samples: int
) -> tuple[dict[str, Array], bool]:
    """The gradients without the penalties', and whether these were in them at all.

    ours: the gradients of the loss alone.  A framework adds its penalty in training; who works out the gradients of the
    loss by hand may not have: both are right, and which was done is seen from the numbers.
    """
    parts = [
        (f"d{p.name}", p.gradient(samples).astype(gradients[f"d{p.name}"].dtype))
        for p in penalties
        if f"d{p.name}" in gradients
    ]
    for name, p in parts:
        if gradients[name].shape != p.shape:
            raise ProblemError(f"{name}: has shape {gradients[name].shape}; ours is {p.shape}")
    if not _inside(parts, gradients, ours):
        return dict(gradients), False
    return {**gradients, **{name: _taken_off(gradients[name], p, ours[name]) for name, p in parts}}, True


def words(penalties: Sequence[Penalty], inside: bool) -> str:
    """How it was judged, for the conventions."""
    texts = ", ".join(dict.fromkeys(p.text for p in penalties))
    how = "taken off the given gradients before they are judged" if inside else "not in the given gradients"
    return f"{texts}; {how}"


def _inside(parts: Sequence[tuple[str, Array]], gradients: Mapping[str, Array], ours: Mapping[str, Array]) -> bool:
    """Whether more numbers are nearer to a multiple of ours without the penalty than with it."""
    theirs, mine, p = (
        np.concatenate([np.ravel(array) for array in arrays] or [np.zeros(0)]).astype(float)
        for arrays in ([gradients[n] for n, _ in parts], [ours[n] for n, _ in parts], [p for _, p in parts])
    )
    with_it, without_it = (np.abs(given - _multiple(given, mine) * mine) for given in (theirs, theirs - p))
    return bool((without_it < with_it).sum() >= (with_it < without_it).sum())


def _multiple(given: Array, ours: Array) -> float:
    """The factor between two conventions: that of most entries."""
    ratios = given[ours != 0] / ours[ours != 0]
    return float(np.median(ratios)) if len(ratios) else 1.0


def _taken_off(given: Array, p: Array, ours: Array) -> Array:
    """Given - p; of the numbers that its rounding leaves open, the one nearest to ours.

    The sum was rounded by its own size, which may be far above that of the gradient in it.
    """
    left = given.astype(float) - p
    open_ = _ROUNDINGS * np.finfo(given.dtype).eps / 2 * (np.abs(given.astype(float)) + np.abs(p))
    return np.clip(ours, left - open_, left + open_).astype(given.dtype)
