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
    """One cause, or several of which any may be meant; what is the same in them is said once.

    A narrow cause goes before a wide one of the same name.
    """
    reasons: dict[str, list[str]] = {}
    named = dict[str, Cause]()
    for cause in sorted(causes, key=lambda cause: len(cause.scope)):
        named.setdefault(f"{cause.name}: {cause.reason}", cause)
    for cause in (cause for cause in causes if cause in named.values()):
        reasons.setdefault(cause.fact, []).append(cause.reason)
    told_ = [
        ": ".join(filter(None, (fact, ", or ".join(dict.fromkeys(filter(None, why)))))) for fact, why in reasons.items()
    ]
    more = [f"one of {len(told_) - MOST_OR} more slips that give these numbers"] if len(told_) > MOST_OR else []
    return ", or ".join([*told_[:MOST_OR], *more])
