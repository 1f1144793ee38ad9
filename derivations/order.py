"""The order in which equations are worked: as listed where that is free; those that need each other value by value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from derivations.equations import Equation
from derivations.expression import Index, letter
from derivations.language import LanguageError

__all__ = ["Recurrence", "groups", "reached", "recurrence"]


class Recurrence(NamedTuple):
    """Equations that need each other along one axis: in which direction, and their order within one value."""

    axis: int
    direction: int
    order: tuple[Equation, ...]


def groups(equations: Sequence[Equation]) -> list[list[Equation]]:
    """The equations in the order of calculation; those of a recurrence in one group.

    Tarjan's components (1972) of "needs", taken as listed where the order is free.
    """
    made: dict[str, list[int]] = {}
    for k, e in enumerate(equations):
        made.setdefault(e.left.name, []).append(k)
    needs = [sorted({d for r in e.reads for d in made.get(r.name, ())}) for e in equations]
    component = _components(needs)
    members: dict[int, list[int]] = {}
    for k, c in enumerate(component):
        members.setdefault(c, []).append(k)
    out: list[list[Equation]] = []
    done: set[int] = set()

    def take(k: int) -> None:
        waiting = [k]
        while waiting:
            c = component[waiting[-1]]
            missing = (
                ()
                if c in done
                else (d for m in members[c] for d in needs[m] if component[d] != c and component[d] not in done)
            )
            if (first := next(iter(missing), None)) is not None:
                waiting.append(first)
                continue
            waiting.pop()
            if c not in done:
                done.add(c)
                out.append([equations[m] for m in members[c]])

    for k in range(len(equations)):
        take(k)
    return out


def _components(needs: list[list[int]]) -> list[int]:
    """The number of each node's strongly connected component; without recursion, for chains may be long."""
    count, index, low, component = 0, [-1] * len(needs), [0] * len(needs), [-1] * len(needs)
    stack: list[int] = []
    for root in range(len(needs)):
        work = [(root, 0)] if index[root] < 0 else []
        while work:
            k, place = work.pop()
            if place == 0:
                index[k] = low[k] = count
                count += 1
                stack.append(k)
            elif component[needs[k][place - 1]] < 0:
                low[k] = min(low[k], low[needs[k][place - 1]])
            while place < len(needs[k]) and index[needs[k][place]] >= 0:
                if component[needs[k][place]] < 0:
                    low[k] = min(low[k], index[needs[k][place]])
                place += 1
            if place < len(needs[k]):
                work += [(k, place + 1), (needs[k][place], 0)]
            elif low[k] == index[k]:
                while component[k] < 0:
                    component[stack.pop()] = k
    return component


def reached(forward: Sequence[Equation], moved: Iterable[str]) -> set[str]:
    """The arrays that change with some, and these."""
    readers: dict[str, list[str]] = {}
    for e in forward:
        for r in e.reads:
            readers.setdefault(r.name, []).append(e.left.name)
    out, waiting = set(moved), list(moved)
    while waiting:
        fresh = set(readers.get(waiting.pop(), ())) - out
        out |= fresh
        waiting += fresh
    return out


def recurrence(group: Sequence[Equation]) -> Recurrence | None:
    """How a group is worked value by value; None where its equation does not need itself.

    Raises LanguageError for equations that depend on each other in a circle.
    """
    names = {e.left.name for e in group}
    if not any(r.name in names for e in group for r in e.reads):
        return None
    for axis in range(min(len(e.left.at) for e in group)):
        found = _along(group, names, axis)
        if found:
            return found
    circle = list(dict.fromkeys(e.left.name for e in group))
    if numbered := next((n for n in circle if _by_number(n, group)), ""):
        raise LanguageError(
            f"{numbered} has equations by number that need each other: write {numbered}[t] = .. {numbered}[t-1] with a "
            f"letter, or give them names of their own, {numbered}1, {numbered}2"
        )
    depend = "depends on itself" if len(circle) == 1 else "depend on each other"
    raise LanguageError(
        f"{', '.join(circle)} {depend} in a circle: one of them must read an earlier value, such as h[t-1]"
    )


def _by_number(name: str, group: Sequence[Equation]) -> bool:
    """Whether an array has several equations, each for one number: h[1] = .., h[2] = .. h[1]."""
    lefts = [e.left for e in group if e.left.name == name]
    numbers = [tuple(i.plus for i in r.at if isinstance(i, Index) and not i.terms) for r in lefts]
    return len(lefts) > 1 and all(numbers) and len(set(numbers)) == len(numbers)


def _along(group: Sequence[Equation], names: set[str], axis: int) -> Recurrence | None:
    shifts: set[int | None] = set()
    same: dict[int, set[str]] = {k: set() for k in range(len(group))}
    for k, e in enumerate(group):
        left = e.left.at[axis]
        own = left.letter if isinstance(left, Index) else ""
        for r in (r for r in e.reads if r.name in names):
            i = r.at[axis]
            shift = Index.of((1, i), (-1, letter(own))) if own and isinstance(i, Index) else None
            shifts.add(None if shift is None or shift.terms else shift.plus)
            if shift is not None and not shift.terms and not shift.plus:
                same[k].add(r.name)
    steps = [s for s in shifts if s]
    if None in shifts or (any(s > 0 for s in steps) and any(s < 0 for s in steps)):
        return None
    order, left_over = list[Equation](), list(range(len(group)))
    while left_over:
        waiting = {group[k].left.name for k in left_over}
        ready = next((k for k in left_over if not same[k] & waiting), None)
        if ready is None:
            return None
        order.append(group[ready])
        left_over.remove(ready)
    return Recurrence(axis, -1 if any(s > 0 for s in steps) else 1, tuple(order))
