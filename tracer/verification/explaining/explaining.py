"""What explains the wrong numbers of a step: every source of causes asked in turn, the first that tells each number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from tracer.verification.explaining.arrangements import arrangements
from tracer.verification.explaining.cause import Cause, Masks, WrongNumbers, told
from tracer.verification.explaining.conventions import conventions
from tracer.verification.explaining.factors import factors
from tracer.verification.explaining.penalties import penalties
from tracer.verification.explaining.slipped import slipped
from tracer.verification.explaining.updating import rates
from tracer.verification.judging import Judged
from tracer.verification.subject import Floats

__all__ = ["SOURCES", "causes_told", "explanations"]

Source = Callable[[WrongNumbers], Iterable[Cause]]
SOURCES: tuple[Source, ...] = (conventions, penalties, rates, arrangements, slipped, factors)
"""Where causes come from: those that change all of a step first, a bare factor last."""
MOST_OR = 4
"""Causes that give the same numbers and are told one beside the other."""


def explanations(judged: Judged, blamed: Masks) -> list[str]:
    """In words what explains wrong numbers; `blamed` are those that follow from no earlier one."""
    return [_sentence(causes) for causes in causes_told(judged, blamed)]


def causes_told(judged: Judged, blamed: Masks) -> Iterator[list[Cause]]:
    """Causes that explain wrong numbers; in one list those that explain the same ones."""
    left = {name: np.array(mask) for name, mask in blamed.items() if name in judged.claim.given}
    for source in SOURCES:
        if not left:
            return
        for causes, explained in _widest_first(WrongNumbers(judged, left), source):
            if _overlap(explained, left):
                yield causes
                left = _without(left, explained)


def _widest_first(wrong: WrongNumbers, source: Source) -> Iterator[tuple[list[Cause], Masks]]:
    """The causes of a source, those that explain most first: one slip in all layers is one cause."""
    groups: list[tuple[list[Cause], Masks]] = []
    for cause in source(wrong):
        explained = told(wrong, cause)
        if not explained:
            continue
        same = next((causes for causes, other in groups if _same(explained, other)), None)
        if same is None:
            groups.append(([cause], explained))
        else:
            same.append(cause)
    yield from sorted(groups, key=lambda group: -sum(int(mask.sum()) for mask in group[1].values()))


def _same(one: Masks, other: Masks) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def _overlap(explained: Masks, left: Masks) -> bool:
    """Whether all that a cause explains is still to be explained."""
    return all(name in left and bool((left[name] >= mask).all()) for name, mask in explained.items())


def _without(left: dict[str, Floats], explained: Masks) -> dict[str, Floats]:
    rest = {name: mask & ~explained[name] if name in explained else mask for name, mask in left.items()}
    return {name: mask for name, mask in rest.items() if mask.any()}


def _sentence(causes: list[Cause]) -> str:
    """One cause, or several of which any may be meant; what is the same in them is said once."""
    reasons: dict[str, list[str]] = {}
    for cause in _narrowest(causes):
        reasons.setdefault(cause.fact, []).append(cause.reason)
    said = [_said(fact, [reason for reason in dict.fromkeys(why) if reason]) for fact, why in reasons.items()]
    more = len(said) - MOST_OR
    return ", or ".join([*said[:MOST_OR], *([f"one of {more} more slips that give these numbers"] if more > 0 else [])])


def _narrowest(causes: list[Cause]) -> list[Cause]:
    """Of the causes of one name and reason the one that speaks of the fewest arrays."""
    found: dict[tuple[str, str], Cause] = {}
    for cause in causes:
        key = cause.name, cause.reason
        if key not in found or len(cause.scope) < len(found[key].scope):
            found[key] = cause
    return list(found.values())


def _said(fact: str, reasons: list[str]) -> str:
    return f"{fact}: {', or '.join(reasons)}" if reasons else fact
