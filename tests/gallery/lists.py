"""The gallery's samples by name: all, and those of layers, which tests about networks of layers go through."""

from __future__ import annotations

from tracer.samples import gallery

__all__ = ["EVERY", "LAYERED"]

EVERY = {sample.name: sample for own in gallery().values() for sample in own}
LAYERED = sorted(name for name, sample in EVERY.items() if sample.has_layers)
