"""Something added to every gradient of a weight: lambda W of weight decay or L2, lambda sign(W) of L1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from derivations.equations import Role
from tracer.verification.explaining.cause import Cause, WrongNumbers
from tracer.verification.explaining.fitting import Fitted, enumerated, fitted, shortest
from tracer.verification.subject import Floats

__all__ = ["penalties"]

SHORT = 3
"""People choose constants of that many digits at most."""


def penalties(wrong: WrongNumbers) -> Iterator[Cause]:
    """Weight decay of all parameters, of weights alone, of one layer's; the constant is the same in all, and short."""
    arrays, given = wrong.judged.routes.subject.arrays, wrong.judged.routes.subject.given
    names = [name for name in wrong.given(Role.GRADIENT) if arrays[name].of in given]
    weights = [name for name in names if np.ndim(wrong.ours(name)) > 1]
    alone = [[name] for name in weights if name in wrong.blamed]
    for group in dict.fromkeys(tuple(group) for group in (names, weights, *alone) if group):
        everywhere = "everywhere" if [*group] in (names, weights) and len(group) > 1 else ""
        W = {name: given[arrays[name].of] for name in group}
        letter = "W" if everywhere else arrays[group[0]].of
        yield from _added(wrong, group, W, letter, everywhere)
        signs = {name: np.sign(w) for name, w in W.items()}
        yield from _added(wrong, group, signs, f"sign({letter})", everywhere)


def _added(
    wrong: WrongNumbers, names: Sequence[str], direction: Mapping[str, Floats], what: str, everywhere: str
) -> Iterator[Cause]:
    start = {name: wrong.ours(name) for name in names}
    fit = fitted(wrong, start, direction)
    if fit is None or not np.isfinite(fit.c) or fit.c == 0:
        return
    c = float(f"{fit.c:.{SHORT}g}")
    if shortest(fit.c, max(fit.error, 1e-9 * abs(fit.c))) != c:
        return
    numbers = {name: start[name] + c * d for name, d in direction.items()}
    where = f", {everywhere}" if everywhere else ""
    also = ", biases too" if everywhere and any(np.ndim(wrong.ours(name)) < 2 for name in names) else ""
    squares = "" if "sign" in what else f", or {c / 2:.6g} times the squares in the loss"
    kind = "a penalty on sizes (L1)" if "sign" in what else f"weight decay{squares}"
    loose = Fitted(c, fit.error).loose(direction)
    subject = "given - ours" if everywhere else f"{enumerated(names)}: given - ours"
    yield Cause("penalty", f"{subject} = {c:g} {what}{where}{also}", numbers, kind, fitted=1, loose=loose)
