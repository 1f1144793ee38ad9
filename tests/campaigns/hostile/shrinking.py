"""Delta debugging: the least of an input that still fails in the same way."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tests.campaigns.hostile.case import Case
from tests.campaigns.hostile.judging import COSTLY, Fault, faults
from tests.campaigns.hostile.mutating import decoded, encoded, tokens
from tests.campaigns.hostile.running import Outcome, run
from tests.campaigns.hostile.sources import packed

__all__ = ["Shrinking", "alone", "placed", "recurring"]

_Piece = TypeVar("_Piece")


def recurring(case: Case, fault: Fault) -> Fault | None:
    """The same fault in a run of this case, if it is there."""
    return _same(case, run(case), fault)


def _same(case: Case, outcome: Outcome, fault: Fault) -> Fault | None:
    alike = (placed(other, case) for other in faults(case, outcome) if other.kind == fault.kind)
    return next((other for other in alike if fault.kind in COSTLY or other.key == fault.key), None)


def placed(fault: Fault, case: Case) -> Fault:
    """With the frame where the error that a guard has caught was raised."""
    if fault.kind != "guarded":
        return fault
    raised = next((other for other in faults(case, run(case, debug=True)) if other.kind == "raised"), None)
    return replace(fault, what=raised.what, place=raised.place) if raised else fault


@dataclass
class Shrinking:
    """What is left to be spent on one finding, in runs and in processor seconds."""

    fault: Fault
    runs: int = 250
    seconds: float = 15.0

    def smallest(self, case: Case) -> Case:
        """Without files, options, lines, words and characters that it does not take."""
        for name in case.links:
            case = self._tried(case, replace(case, links={n: t for n, t in case.links.items() if n != name}))
        for name in sorted(case.files, key=lambda name: -len(case.files[name])):
            if len(case.files) > 1:
                case = self._tried(case, case.without(name))
        for place in range(len(case.arguments) - 1, 1, -1):
            for width in (2, 1):
                fewer = case.arguments[:place] + case.arguments[place + width :]
                case = self._tried(case, replace(case, arguments=fewer)) if place < len(case.arguments) else case
        for name in case.files:
            case = self._file(case, name)
        return case

    def _file(self, case: Case, name: str) -> Case:
        def put(content: bytes) -> Case:
            return replace(case, files={**case.files, name: content})

        if case.files[name][:2] == b"PK":
            return self._least(case, _members(case.files[name]), lambda kept: put(packed(dict(kept))))
        for cut in (lambda own: own.splitlines(keepends=True), tokens, list):
            own = decoded(case.files[name])
            case = self._least(case, cut(own), lambda kept: put(encoded("".join(map(str, kept)))))
        return case

    def _least(self, case: Case, pieces: Sequence[_Piece], made: Callable[[Sequence[_Piece]], Case]) -> Case:
        """Leave out halves, then quarters, down to single pieces, as long as it fails."""
        width = (len(pieces) + 1) // 2
        while pieces and width and self.runs > 0:
            place = 0
            while place < len(pieces) and self.runs > 0:
                fewer = [*pieces[:place], *pieces[place + width :]]
                smaller = made(fewer)
                if self._fails(smaller):
                    case, pieces = smaller, fewer
                else:
                    place += width
            width = min(width - 1, (width + 1) // 2)
        return case

    def _tried(self, case: Case, smaller: Case) -> Case:
        return smaller if self._fails(smaller) else case

    def _fails(self, case: Case) -> bool:
        if self.runs <= 0 or self.seconds <= 0:
            return False
        self.runs -= 1
        outcome = run(case)
        self.seconds -= outcome.seconds
        return _same(case, outcome, self.fault) is not None


def _members(content: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # what is broken is kept as it is
        return []


def alone(case: Case) -> Iterator[Case]:
    """Each hand-in of a class as a single one: a class has the time of all its files, one of them has a second."""
    for name in case.sheets:
        if name in case.files and len(case.sheets) > 1:
            arguments = (*case.arguments[:2], name)
            others = {other: content for other, content in case.files.items() if other not in case.sheets}
            yield replace(case, arguments=arguments, files={**others, name: case.files[name]}, links={}, sheets=(name,))
