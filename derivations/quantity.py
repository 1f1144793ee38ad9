"""One number of a layered step, by what it is: the leaf of a written formula."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Quantity"]


class Quantity(NamedTuple):
    """One number of a step: its kind, layer (0 where it has none), indices, sample (0: not one sample's) and step."""

    kind: str
    layer: int = 0
    indices: tuple[int, ...] = ()
    sample: int = 0
    step: int = 1
