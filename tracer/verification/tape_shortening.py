"""A tape made shorter: what is worked twice is worked once, what nobody reads is not worked, places are used again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Departed", "Noted", "no", "placed", "shortened", "yes"]

Shape = tuple[int, ...]
Array = Any
SMALL = 1 << 12
"""Entries of an array that are written sooner than shared."""


class Noted(NamedTuple):
    """One operation: which it is, the places that it reads and writes, those that its result may be a part of.

    changes: the result is what was read, changed.  copies: it is the same numbers.  asks: it stops a run.
    """

    act: Callable[..., Any]
    key: tuple[Hashable, ...] | None
    read: tuple[int, ...]
    out: int
    views: tuple[int, ...]
    changes: bool
    copies: bool
    asks: bool = False


def shortened(
    noted: Sequence[Noted], shapes: Sequence[Shape], ends: Mapping[Any, int]
) -> tuple[list[Noted], dict[Any, int]]:
    """The same tape with each operation once, and those alone that an end or an answer needs."""
    changing = _changing(noted)
    same: dict[int, int] = {}
    known: dict[Hashable, int] = {}
    whole: dict[int, int] = {}
    out: list[Noted] = []
    for one in noted:
        read = _narrower(one, tuple(same.get(p, p) for p in one.read), whole, shapes)
        fixed = not (one.changes or changing & {one.out, *read})
        if fixed and _is_itself(one, shapes):
            same[one.out] = read[0]
            continue
        key = (one.key, read)
        if fixed and one.key is not None:
            if key in known:
                same[one.out] = known[key]
                continue
            known[key] = one.out
            if one.key[0] is np.broadcast_to:
                whole[one.out] = read[0]
        one = one._replace(read=read)
        out.append(_quicker(one, shapes) if fixed else one)
    ends = {name: same.get(p, p) for name, p in ends.items()}
    return _needed(_asked_together(out, changing), ends.values()), ends


def _asked_together(noted: Sequence[Noted], changing: set[int]) -> list[Noted]:
    """All answers as two: what must hold everywhere, what must hold nowhere; of what changes, each in its time."""
    made = {one.out: one for one in noted}
    everywhere, nowhere, out = list[int](), list[int](), list[Noted]()
    for one in noted:
        if not one.asks:
            out.append(one)
            continue
        (p,) = one.read
        of, kind = made.get(p), (np.logical_and if one.act is yes else np.logical_or, "reduce", "{'axis': None}")
        asked = of.read[0] if of is not None and of.key == kind else p
        if asked in changing:
            out.append(one)
        else:
            (everywhere if one.act is yes else nowhere).append(asked)
    for places, ufunc, act in ((everywhere, np.logical_and, yes), (nowhere, np.logical_or, no)):
        if places:
            n = 1 + max(one.out for one in out)
            joined = Noted(_joined, None, tuple(places), n, (), changes=False, copies=False)
            whole = Noted(ufunc.reduce, None, (n,), n + 1, (), changes=False, copies=False)
            out += [joined, whole, Noted(act, None, (n + 1,), n + 2, (), changes=False, copies=False, asks=True)]
    return out


def _joined(*masks: Array) -> Array:
    return np.concatenate(masks, axis=None)


class Departed(Exception):
    """Another answer than when the tape was made."""


def yes(x: Array) -> None:
    """Raises Departed where x does not hold."""
    if not x:
        raise Departed


def no(x: Array) -> None:
    """Raises Departed where x holds."""
    if x:
        raise Departed


def _changing(noted: Iterable[Noted]) -> set[int]:
    """The places of arrays that are changed in a run, or are parts of such."""
    root: dict[int, int] = {}

    def of(p: int) -> int:
        while p in root:
            p = root[p]
        return p

    changed = set[int]()
    everything = set[int]()
    for one in noted:
        everything |= {one.out, *one.read}
        if one.changes:
            changed.add(one.out)
            continue
        for p in one.views:
            a, b = of(one.out), of(p)
            if a != b:
                root[a] = b
    roots = {of(p) for p in changed}
    return {p for p in everything if of(p) in roots}


def _is_itself(one: Noted, shapes: Sequence[Shape]) -> bool:
    """Whether the result is what was read: a copy, a transposition that changes nothing, all of an array."""
    if len(one.read) != 1 or not (one.copies or one.views == one.read) or one.key is None:
        return False
    shape = shapes[one.read[0]]
    if shapes[one.out] != shape:
        return False
    trial = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    return bool(np.array_equal(one.act(trial), trial))


def _narrower(one: Noted, read: tuple[int, ...], whole: Mapping[int, int], shapes: Sequence[Shape]) -> tuple[int, ...]:
    """An operation entry by entry widens what it reads itself."""
    ufunc, *how = one.key or ("", "")
    if not isinstance(ufunc, np.ufunc) or ufunc.signature is not None or how[0] != "__call__":
        return read
    now = list(read)
    for k, p in enumerate(read):
        if p in whole:
            trial = [*now[:k], whole[p], *now[k + 1 :]]
            if np.broadcast_shapes(*(shapes[x] for x in trial)) == shapes[one.out]:
                now = trial
    return tuple(now)


def _quicker(one: Noted, shapes: Sequence[Shape]) -> Noted:
    """A small array is widened faster by ones, to the same numbers."""
    shape = shapes[one.out]
    floats = one.key is not None and one.key[0] is np.broadcast_to and np.dtype(float).str in one.key
    return one if not (floats and shape and np.prod(shape) <= SMALL) else one._replace(act=np.ones(shape).__mul__)


def _needed(noted: Sequence[Noted], ends: Iterable[int]) -> list[Noted]:
    needed = set(ends)
    changing = _changing(noted)
    out = []
    for one in reversed(noted):
        if one.asks or one.out in needed or (one.changes and changing & needed):
            needed |= {one.out, *one.read}
            out.append(one)
    return out[::-1]


def placed(
    noted: Sequence[Noted], given: Sequence[int], ends: Sequence[int]
) -> tuple[list[tuple[Callable[..., Any], int, tuple[int, ...], int]], dict[int, int], int]:
    """The operations with places that are used again when nothing reads them any more; where all others are."""
    last = {p: k for k, one in enumerate(noted) for p in (*one.read, one.out)}
    kept = {*ends}
    now = {p: k for k, p in enumerate(p for p in given if p in last or p in kept)}
    fixed, unused, size = set(now), list[int](), len(now)
    operations = []
    for k, one in enumerate(noted):
        read = tuple(now[p] for p in one.read)
        if one.out not in now:
            if unused:
                now[one.out] = unused.pop()
            else:
                now[one.out], size = size, size + 1
        operations.append((one.act, len(read), read, now[one.out]))
        unused += [now[p] for p in {*one.read, one.out} if last[p] == k and p not in fixed and p not in kept]
    return operations, now, size
