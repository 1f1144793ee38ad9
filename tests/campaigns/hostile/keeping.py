"""Findings, kept in a folder: at once as they were found, and made small when the inputs are over."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaigns.hostile.case import Case, mixed
from tests.campaigns.hostile.judging import Fault
from tests.campaigns.hostile.shrinking import Shrinking, placed, recurring

__all__ = ["Findings"]

MOST_SHOWN = 160
MOST_TRIED = 3  # inputs that are run again for one fault: what costs too much on a busy machine may not do so again


@dataclass
class Findings:
    """Those of one job; jobs share the folder, in which each fault is claimed by one of them."""

    out: Path
    seed: int
    seen: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    large: list[tuple[Fault, Case, int]] = field(default_factory=list)

    def take(self, fault: Fault, case: Case, number: int) -> None:
        """Keep a fault that nobody has, if it is there a second time."""
        self.seen[fault.kind] += 1
        fault = placed(fault, case)
        self.tried[slug(fault)] += 1
        if (self.out / slug(fault)).exists() or self.tried[slug(fault)] > MOST_TRIED:
            return
        if recurring(case, fault) and self.claimed(fault):
            self.keep(fault, case, number, self.out / slug(fault))
            self.large.append((fault, case, number))

    def shrink(self) -> None:
        """Each in its smallest form, where that is not another that is known."""
        for fault, case, number in self.large:
            small = Shrinking(fault).smallest(case)
            last = recurring(small, fault) or fault
            folder = self.out / slug(fault)
            if last.key != fault.key and (self.out / slug(last)).exists():
                shutil.rmtree(folder)
                folder.mkdir()  # an empty one: it comes down to another
                continue
            shutil.rmtree(folder)
            folder.mkdir()
            self.keep(last, small, number, folder)

    def keep(self, fault: Fault, case: Case, number: int, folder: Path) -> None:
        """The files, what is run, and what is wrong."""
        case.save(folder)
        (folder / "finding.md").write_text(self.told(fault, case, number, folder.name), encoding="utf-8")

    def told(self, fault: Fault, case: Case, number: int, name: str) -> str:
        """A finding in words."""
        lines = [f"## {fault.kind}: {fault.what}", f"    {case.command}", f"in {fault.place or 'no frame of ours'}"]
        lines += [f"{name}; seed {self.seed}, input {number}"]
        for file, content in case.files.items():
            more = " ..." if len(content) > MOST_SHOWN else ""
            lines.append(f"{file!r}, {len(content)} bytes: `{content[:MOST_SHOWN]!r}`{more}")
        lines += [f"{link!r} leads to {target}" for link, target in case.links.items()]
        return "\n\n".join(lines).encode("utf-8", "backslashreplace").decode() + "\n\n"

    def claimed(self, fault: Fault) -> bool:
        """Whether this job is the first that has it: folders are made once, whoever asks."""
        try:
            (self.out / slug(fault)).mkdir(parents=True)
        except FileExistsError:
            return False
        return True


def slug(fault: Fault) -> str:
    """A folder's name for all faults of one key."""
    return f"{fault.kind}-{mixed(*fault.key):08x}"
