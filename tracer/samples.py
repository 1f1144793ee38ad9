"""The worked problems that come along: one folder each, in the repository and inside the installed package."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

__all__ = ["find_sample", "sample_folders", "samples_root"]


@lru_cache(maxsize=1)
def samples_root() -> Path:
    """The folder that holds the samples: beside this module when installed, else the repository's own."""
    inside = Path(__file__).parent / "samples"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "samples"


def sample_folders() -> list[Path]:
    """Every sample's folder, by name."""
    return sorted(p.parent for p in samples_root().glob("*/problem.toml"))


def find_sample(name: str) -> Path | None:
    """The problem file of the sample of that name, None where there is none."""
    if not name or not all(c.isalnum() or c == "-" for c in name):
        return None
    path = samples_root() / name / "problem.toml"
    return path if path.is_file() else None
