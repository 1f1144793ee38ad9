"""`bptrace samples`: the gallery by kind, or one kind with its titles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracer.samples import LEVELS, LONGEST, Sample

__all__ = ["every_kind", "one_kind"]

_NAME = LONGEST["name"] + 2


def every_kind(kinds: Mapping[str, Sequence[Sample]]) -> str:
    """One line a sample, under its kind, at most 80 columns."""
    head = f"{'kind and sample':<{_NAME}}  level  what it shows"
    rule = f"{'-' * _NAME}  -----  {'-' * LONGEST['shows']}"
    lines = [head, rule]
    for kind, samples in kinds.items():
        lines += [kind, *(f"  {s.name:<{_NAME}}{s.level:>5}  {s.shows}" for s in samples)]
    levels = ", ".join(f"{level}: {words}" for level, words in LEVELS.items())
    return "\n".join([*lines, "", f"Level {levels}."])


def one_kind(samples: Sequence[Sample]) -> str:
    """Each sample with its title and what it shows."""
    parts = [f"{s.name}  (level {s.level}: {LEVELS[s.level]})\n  {s.title}\n  {s.shows}" for s in samples]
    return "\n\n".join(parts)
