"""L2 in the loss of a scikit-learn or Keras model: taken off its gradients before they are judged.

Letters: W weights (or b biases), p = factor W the penalty's gradient, N samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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

    @property
    def unit(self) -> float:
        """The unit roundoff of the array's format."""
        return float(np.finfo(self.array.dtype).eps) / 2

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
    own = [(p, f"d{p.name}") for p in penalties if f"d{p.name}" in gradients]
    for p, name in own:
        if gradients[name].shape != p.array.shape:
            raise ProblemError(f"{name}: has shape {gradients[name].shape}; ours is {p.array.shape}")
    with np.errstate(all="ignore"):  # somebody's numbers may be infinite
        parts = [
            _Part(name, gradients[name].astype(float), p.gradient(samples).astype(float), ours[name], p.unit)
            for p, name in own
        ]
        if not _inside(parts):
            return dict(gradients), False
        multiple = _multiple(parts)
        if sum(part.admits(multiple) for part in parts) <= sum(part.admits(1.0) for part in parts):
            multiple = 1.0
        left = {part.name: part.nearest(multiple).astype(gradients[part.name].dtype) for part in parts}
    return {**gradients, **left}, True


def words(penalties: Sequence[Penalty], inside: bool) -> str:
    """How it was judged, for the conventions."""
    texts = ", ".join(dict.fromkeys(p.text for p in penalties))
    how = "taken off the given gradients before they are judged" if inside else "not in the given gradients"
    return f"{texts}; {how}"


@dataclass(frozen=True)
class _Part:
    """One array as it was given, what the penalty puts in it, ours without, and the unit roundoff of its sum."""

    name: str
    given: Array
    p: Array
    ours: Array
    unit: float

    @property
    def left(self) -> Array:
        return self.given - self.p

    @property
    def open(self) -> Array:
        """How far a number may be off: the sum was rounded by its own size, far above that of a small gradient."""
        return _ROUNDINGS * self.unit * (np.abs(self.given) + np.abs(self.p))

    def admits(self, multiple: float) -> int:
        """How many numbers may be this multiple of ours."""
        return int((np.abs(self.left - multiple * self.ours) <= self.open).sum())

    def nearest(self, multiple: float) -> Array:
        """Of the numbers that the rounding leaves open, those nearest to this multiple of ours."""
        return np.clip(multiple * self.ours, self.left - self.open, self.left + self.open)


def _inside(parts: Sequence[_Part]) -> bool:
    """Whether more numbers are nearer to a multiple of ours without the penalty than with it."""
    plain = [replace(part, p=np.zeros_like(part.p)) for part in parts]
    off, off_with = (
        [np.abs(part.left - multiple * part.ours) for part in some]
        for some, multiple in ((parts, _multiple(parts)), (plain, _multiple(plain)))
    )
    nearer = sum(int((a < b).sum()) - int((b < a).sum()) for a, b in zip(off, off_with, strict=True))
    return nearer >= 0


def _multiple(parts: Sequence[_Part]) -> float:
    """The factor between two conventions of the loss: that of most numbers."""
    ratios = np.concatenate([(part.left / part.ours)[part.ours != 0] for part in parts] or [np.zeros(0)])
    ratios = ratios[np.isfinite(ratios)]
    return float(np.median(ratios)) if len(ratios) else 1.0
