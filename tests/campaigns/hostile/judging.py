"""What is wrong with an outcome, and where: equal faults have equal keys."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from tests.campaigns.hostile.case import Case
from tests.campaigns.hostile.running import MEGABYTES, ROOT, Outcome

__all__ = ["COSTLY", "Fault", "faults"]

COSTLY = ("slow", "memory", "asleep")
"""Faults of which the place is only where somebody looked."""
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
SPOKEN = ("Traceback (most recent call last)", "please report")
WARNED = re.compile(r"\.py:\d+: \w*Warning")
TEXTS = (".md", ".tex", ".html", ".htm", ".csv", ".json", ".txt")


@dataclass(frozen=True)
class Fault:
    """One thing that must not be."""

    kind: str
    what: str
    place: str
    command: str

    @property
    def key(self) -> tuple[str, ...]:
        """The same for the same fault in another input."""
        if self.kind in COSTLY:
            return self.kind, self.command, self.place.partition(":")[0]
        if self.kind == "door":  # what was opened may have a name that is never the same
            return self.kind, self.command, self.what.split()[0]
        return self.kind, self.what.partition(": ")[0], re.sub(r":\d+ ", " ", self.place)


def faults(case: Case, outcome: Outcome) -> list[Fault]:
    """Every fault of it, the worst first."""
    place = _place(outcome.frames)
    command = next((a for a in case.arguments if not a.startswith("-")), "")
    return [Fault(kind, what, place, command) for kind, what in _complaints(case, outcome)]


def _complaints(case: Case, outcome: Outcome) -> Iterator[tuple[str, str]]:
    if outcome.raised:
        yield "raised", outcome.raised
    elif outcome.asleep:
        yield "asleep", "waits for what never comes"
    elif outcome.killed:
        yield "killed", f"ended by {outcome.killed}"
    elif not outcome.stopped and outcome.code not in (0, 1, 2, 3):
        yield "exit", f"code {outcome.code}"
    for spoken in SPOKEN:
        if spoken in outcome.err:
            yield "guarded", next(line for line in outcome.err.splitlines() if spoken in line)[:300]
    if warned := WARNED.search(outcome.err):
        yield "warned", f"{warned[0]}: {outcome.err[:300]}"
    if outcome.seconds > case.seconds:
        yield "slow", f"{outcome.seconds:.1f} s of processor time, {case.seconds:.3g} allowed"
    if outcome.megabytes > MEGABYTES:
        yield "memory", f"{outcome.megabytes:.0f} MB"
    if outcome.code == 2 and not outcome.err.strip().rpartition("\n")[2].startswith("bptrace"):
        yield "words", f"no line that says what is wrong: {outcome.err[-200:]!r}"
    yield from _raw(outcome)
    for event in outcome.events:
        yield "door", event
    for change in outcome.changed:
        yield "changed", change


def _raw(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Characters that would do something to a terminal or turn a line around."""
    texts = {"standard output": outcome.out, "standard error": outcome.err}
    for name, content in outcome.written.items():
        if name.lower().endswith(TEXTS):
            texts[f"a written {name.rpartition('.')[2]}"] = content.decode("utf-8", "replace")
    for where, text in texts.items():
        found = {
            c for c in set(text.replace("\r\n", "\n")) - set("\n\t") if c in BIDI or unicodedata.category(c) == "Cc"
        }
        if found:
            yield "control", f"on {where}: {', '.join(f'U+{ord(c):04X}' for c in sorted(found))}"


def _place(frames: tuple[str, ...]) -> str:
    """The innermost frame in the project's own code."""
    root = f"{ROOT}/"
    own = [frame.removeprefix(root) for frame in frames if frame.startswith(root)]
    return next((frame for frame in own if not frame.startswith("tests/campaigns/hostile/running")), "")
