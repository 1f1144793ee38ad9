"""A plain factor, without a reason: of all gradients, of those of a layer, of one array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from derivations.equations import Role
from derivations.network import Problem
from tracer.verification.explaining.cause import Cause, WrongNumbers
from tracer.verification.explaining.fitting import enumerated, factor_text, fitted
from tracer.verification.subject import Subject

__all__ = ["factors"]

DERIVATIVES = (Role.SIGNAL, Role.GRADIENT)
MOST_NAMES = 4


def factors(wrong: WrongNumbers) -> Iterator[Cause]:
    """One factor for all gradients that are given; for all wrong ones; for those of one layer; for one array."""
    every = wrong.given(*DERIVATIVES)
    names = [name for name in every if name in wrong.blamed]
    layers = dict[int, list[str]]()
    for name in names:
        layers.setdefault(_layer(wrong.judged.routes.subject, name), []).append(name)
    groups = dict.fromkeys(tuple(group) for group in (every, names, *layers.values(), *([n] for n in names)) if group)
    for group in groups:
        what = enumerated(group) if len(group) <= MOST_NAMES else f"every gradient from {group[0]} to {group[-1]}"
        yield from _factor(wrong, group, "every gradient" if [*group] == every and len(every) > 1 else what)


def _factor(wrong: WrongNumbers, names: Sequence[str], what: str) -> Iterator[Cause]:
    ours = {name: wrong.ours(name) for name in names}
    fit = fitted(wrong, {name: np.zeros(()) for name in names}, ours)
    if fit is None:
        return
    numbers = {name: fit.c * a for name, a in ours.items()}
    verb = "are" if len(names) > 1 and not what.startswith("every") else "is"
    yield Cause("factor", f"{what} {verb} {factor_text(fit.c)}", numbers, fitted=1, loose=fit.loose(ours))


def _layer(subject: Subject, name: str) -> int:
    """The layer of an array, 0 where there are none."""
    digits = subject.arrays[name].of.lstrip("Wbthexaz")
    return int(digits) if isinstance(subject.problem, Problem) and digits.isdigit() else 0
