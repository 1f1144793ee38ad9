"""What the rules read, with some arrays other ones: a state shares its arrays with the one that it comes from."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from derivations.rules import State
from tracer.answers.marking.intervals import Intervals
from tracer.answers.marking.passes import At

__all__ = ["changed", "hand_over", "put"]


def changed(state: State, change: Callable[[Intervals], Intervals]) -> State:
    """A state with every array changed."""

    def arrays(value: Any) -> Any:
        if isinstance(value, list):
            return [arrays(x) for x in value]
        if isinstance(value, dict):
            return {key: arrays(x) for key, x in value.items()}
        return change(value) if isinstance(value, Intervals) else value

    own = copy(state)
    own.__dict__.update({name: arrays(value) for name, value in vars(state).items()})
    return own


def put(state: State, kind: str, layer: int, array: Intervals) -> None:
    """Write an array where the rules read it; what another state shares stays as it is."""
    arrays = getattr(state, kind, None)
    if isinstance(arrays, list):
        setattr(state, kind, [array if l == layer else x for l, x in enumerate(arrays)])
    else:
        setattr(state, kind, array)


def hand_over(later: State, at: At, array: Intervals) -> None:
    """Write an array where the next step starts from it."""
    if (at.kind, at.layer) in later.before:
        later.before = {**later.before, (at.kind, at.layer): array}
    elif at.kind in ("W_new", "b_new"):
        put(later, at.kind[0], at.layer, array)
