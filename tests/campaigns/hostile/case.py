"""One input of the fuzzer: a command line with the files that it names."""

from __future__ import annotations

import json
import os
import shlex
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

__all__ = ["FIFO", "Case", "load", "mixed"]

FIFO = "<fifo>"


A_PERSON = 0.1
"""Seconds for each row of a class table, as for each file of a class where none is a suspect."""


@dataclass(frozen=True)
class Case:
    """Arguments of `bptrace` and a folder of files; names are relative to that folder, where the command runs."""

    arguments: tuple[str, ...]
    files: Mapping[str, bytes]
    links: Mapping[str, str] = field(default_factory=dict)  # name: where it leads, or FIFO
    given: str = ""  # the file that stands on standard input; any other word: it is closed
    sheets: tuple[str, ...] = ()  # the files that are handed in
    people: int = 0  # rows of a class table, each a person's
    each: float = 1.0  # processor seconds that a file may cost

    @property
    def command(self) -> str:
        """The command as one would type it."""
        given = f" < {shlex.quote(self.given)}" if self.given in self.files else " <&-" if self.given else ""
        return f"bptrace {shlex.join(self.arguments)}{given}".encode("utf-8", "backslashreplace").decode()

    @property
    def seconds(self) -> float:
        """What it may cost: so many seconds for each file, and what a usual file costs for each person of a table."""
        return max(1, len(self.sheets)) * self.each + A_PERSON * self.people

    def write(self, folder: Path) -> None:
        """Put the files into a folder."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name, target in self.links.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if target == FIFO:
                os.mkfifo(path)
            else:
                path.symlink_to(target)

    def save(self, folder: Path) -> None:
        """Keep it, so that `load` finds it again."""
        self.write(folder)
        whole = {**self.__dict__, "files": list(self.files)}
        (folder / "case.json").write_text(json.dumps(whole, indent=1), encoding="utf-8")

    def without(self, name: str) -> Case:
        """The same without one file, and without the argument that names it."""
        return replace(
            self,
            files={n: c for n, c in self.files.items() if n != name},
            arguments=tuple(a for a in self.arguments if a != name),
            sheets=tuple(s for s in self.sheets if s != name),
        )


def load(folder: Path) -> Case:
    """The case that was kept in a folder."""
    whole = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    files = {name: (folder / name).read_bytes() for name in whole.pop("files")}
    return Case(**{**whole, "arguments": tuple(whole["arguments"]), "sheets": tuple(whole["sheets"])}, files=files)


def mixed(*parts: object) -> int:
    """A seed made of several: the same in every process, whatever the hash seed."""
    return zlib.crc32(repr(parts).encode())
