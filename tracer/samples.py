"""The worked problems that come along: one folder each, in the repository and inside the installed package.

`problem.toml` is the problem, with its title; `about.toml` beside it says what the gallery says of it, and nothing else
does: `kind`, the word under which it is listed and copied, `level`, 1 to 3, and `shows`, a few words.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

__all__ = ["LEVELS", "LONGEST", "Sample", "find_sample", "gallery", "known_kind", "sample_folders", "samples_root"]

LEVELS = {1: "a first lecture", 2: "a course", 3: "beyond it"}
LONGEST = {"name": 20, "shows": 49}
"""So that a line of the gallery fits a terminal."""


@dataclass(frozen=True)
class Sample:
    """One worked problem of the gallery.  `shows` is what there is to see in it."""

    folder: Path
    kind: str
    level: int
    shows: str

    @property
    def name(self) -> str:
        """What it is called on the command line: its folder."""
        return self.folder.name

    @property
    def text(self) -> str:
        """Its problem file."""
        return (self.folder / "problem.toml").read_text(encoding="utf-8")

    @cached_property
    def _problem(self) -> dict[str, Any]:
        import tomllib

        return tomllib.loads(self.text)

    @property
    def title(self) -> str:
        """What its problem file says it is."""
        return str(self._problem["title"])

    @property
    def has_layers(self) -> bool:
        """Whether it is a network of layers, and not equations."""
        return "network" in self._problem


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


def gallery() -> dict[str, list[Sample]]:
    """Every sample by its kind, easy ones first: by level, then by name; kinds by the mean of their levels.

    The first of a kind is the one that `bptrace new KIND` copies.  Raises ValueError for an about.toml that is not as
    it should be.
    """
    every = sorted(map(_sample, sample_folders()), key=lambda s: (s.kind, s.level, s.name))
    kinds = [list(own) for _, own in groupby(every, key=lambda s: s.kind)]
    return {own[0].kind: own for own in sorted(kinds, key=_how_hard)}


def _how_hard(samples: list[Sample]) -> tuple[float, str]:
    return sum(s.level for s in samples) / len(samples), samples[0].kind


def known_kind(written: str, kinds: Iterable[str]) -> str:
    """The kind of that name.  Raises ValueError, with a near one."""
    known = list(kinds)
    if written in known:
        return written
    near = difflib.get_close_matches(written[:40].lower(), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    raise ValueError(f"kind '{written[:40]}' is not known; {hint}")


def _sample(folder: Path) -> Sample:
    import tomllib

    path = folder / "about.toml"
    where = f"{folder.name}/about.toml"
    if not path.is_file():
        raise ValueError(f'{where}: missing; write kind = "recurrent", level = 2 and shows = "what there is to see"')
    about = tomllib.loads(path.read_text(encoding="utf-8"))
    kind, level, shows = (about.pop(key, None) for key in ("kind", "level", "shows"))
    if about:
        raise ValueError(f"{where}: {next(iter(about))}: unknown field; known are kind, level, shows")
    if not isinstance(kind, str) or not kind.isalpha() or not kind.islower():
        raise ValueError(f'{where}: kind: must be one word in small letters, such as "recurrent"')
    if level not in LEVELS:
        raise ValueError(f"{where}: level: must be 1, 2 or 3")
    if not isinstance(shows, str) or not 0 < len(shows) <= LONGEST["shows"]:
        raise ValueError(f"{where}: shows: must be a text of 1 to {LONGEST['shows']} characters")
    if len(folder.name) > LONGEST["name"]:
        raise ValueError(f"{folder.name}: the name is longer than {LONGEST['name']} characters")
    return Sample(folder, kind, level, shows)
