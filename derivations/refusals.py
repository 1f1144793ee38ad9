"""What typed equations are refused for before any number is worked: doubles, holes, what is unused, too large, outside.

Each refusal is one line: where, what, what now.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from derivations.equations import Equation, Range
from derivations.expression import Expression, Index, Over, Power, Product, Ref, Same
from derivations.language import LanguageError, Statements
from derivations.order import groups, recurrence
from derivations.shapes import Shapes, bounds, free, refs

__all__ = ["MOST_ENTRIES", "check_exponents", "check_outside", "check_reads", "check_sizes", "check_uses"]

MOST_ENTRIES = 2_000_000
MOST_PRODUCTS = 200_000_000
MOST_TASKS = 1500
MOST_EQUATIONS = 500


def _error(e: Equation, what: str) -> LanguageError:
    return LanguageError(f"equations line {e.line}: {what}")


# --- sizes ---


def check_sizes(equations: Sequence[Equation], shapes: Shapes) -> None:
    """Every array, every part of a line and every recurrence has a size that is worked at once."""
    if len(equations) > MOST_EQUATIONS:
        raise LanguageError(f"equations: {len(equations)} are more than {MOST_EQUATIONS}: a step by hand is shorter")
    for e in equations:
        _check_size(e, e.left, shapes, MOST_ENTRIES)
        below: set[int] = set()
        for x in e.right.walk():
            if isinstance(x, Over) and isinstance(x.body, Product):
                _check_size(e, x.body, shapes, MOST_PRODUCTS)  # a sum of products is never laid out
                below.add(id(x.body))
            elif id(x) not in below and not isinstance(x, Index):
                _check_size(e, x, shapes, MOST_ENTRIES)
    _check_filled(equations, shapes)
    tasks = 0
    for group in groups(equations):
        if (found := recurrence(group)) is not None:
            for e in group:
                low, high = bounds(e.left.at[found.axis], shapes.ranges) or (0, 0)  # type: ignore[arg-type]
                tasks += high - low + 1
            if tasks > MOST_TASKS:
                raise _error(group[0], f"more than {MOST_TASKS} values are worked one after another: take fewer")


def _check_size(e: Equation, x: Expression, shapes: Shapes, most: int) -> None:
    letters = free(x)
    count = math.prod(shapes.ranges[l][1] - shapes.ranges[l][0] + 1 for l in letters)
    if count > most:
        over = ", ".join(f"{l} = {shapes.ranges[l][0]}..{shapes.ranges[l][1]}" for l in letters)
        raise _error(e, f"{count} numbers over {over}, more than {most}: let letters run less far")


def _check_filled(equations: Sequence[Equation], shapes: Shapes) -> None:
    """Each entry of a computed array has one equation."""
    own: dict[str, list[Equation]] = {}
    for e in equations:
        own.setdefault(e.left.name, []).append(e)
    for name, made in own.items():
        extents = shapes.extents[name]
        if math.prod(high - low + 1 for low, high in extents) > MOST_ENTRIES:
            raise _error(made[0], f"{name} would have more than {MOST_ENTRIES} entries: take smaller indices")
        if len(made) > 1:
            _check_each_once(name, made, extents, shapes)


def _check_each_once(name: str, made: Sequence[Equation], extents: Sequence[Range], shapes: Shapes) -> None:
    filled = np.zeros([high - low + 1 for low, high in extents], np.int16)
    for e in made:
        reaches = [bounds(i, shapes.ranges) or (0, 0) for i in e.left.at if isinstance(i, Index)]
        box = tuple(slice(a - low, b - low + 1) for (a, b), (low, _) in zip(reaches, extents, strict=True))
        filled[box] += 1
        if np.any(filled[box] > 1):
            where = np.argwhere(filled > 1)[0]
            raise _error(e, f"{_entry(name, where, extents)} has an equation already: leave one of the two out")
    if not filled.all():
        where = np.argwhere(filled == 0)[0]
        raise LanguageError(
            f"equations line {made[-1].line}: {_entry(name, where, extents)} has no equation, "
            f"though entries before and after it have: give it one"
        )


def _entry(name: str, where: Iterable[int], extents: Sequence[Range]) -> str:
    at = ",".join(str(k + low) for k, (low, _) in zip(where, extents, strict=True))
    return f"{name}[{at}]" if at else name


# --- what is read ---


def check_reads(
    equations: Sequence[Equation], shapes: Shapes, whole: Mapping[str, np.ndarray], differentiated: Iterable[str]
) -> None:
    """What is looked up as an index is a given array of whole numbers that stay inside."""
    moved = frozenset(differentiated)
    for e in equations:
        for r in e.reads:
            for place, i in enumerate(r.at, 1):
                if isinstance(i, Ref):
                    _check_lookup(e, r, place, i, shapes, whole, moved)
        for test in (x for x in e.right.walk() if isinstance(x, Same)):
            for i in (test.left, test.right):
                if isinstance(i, Ref) and (i.name in moved or i.name not in whole):
                    raise _error(e, f"{i.name} is compared with an index: give it whole numbers, under [given]")


def _check_lookup(
    e: Equation,
    r: Ref,
    place: int,
    i: Ref,
    shapes: Shapes,
    whole: Mapping[str, np.ndarray],
    moved: frozenset[str],
) -> None:
    if i.name in moved or i.name not in whole:
        raise _error(e, f"{i.name} stands as an index: give it whole numbers, under [given]")
    values, (low, high) = whole[i.name], shapes.extents[r.name][place - 1]
    if r.name in shapes.outside:
        return
    wrong = np.argwhere((values < low) | (values > high))
    if len(wrong):
        entry = _entry(i.name, wrong[0], [(1, n) for n in values.shape])
        value = values[tuple(wrong[0])]
        raise _error(
            e, f"{entry} is {value}, but index {place} of {r.name} runs over {low}..{high}: correct the number"
        )


def check_exponents(equations: Sequence[Equation], moved: Iterable[str]) -> None:
    """An exponent is a constant: what is differentiated does not stand in one."""
    active = frozenset(moved)
    for e in equations:
        for x in e.right.walk():
            if isinstance(x, Power) and isinstance(x.exponent, Expression):
                for r in refs(x.exponent):
                    if r.name in active:
                        raise _error(
                            e, f"{r.name} is differentiated and stands in an exponent: write exp({r.name}*log(..))"
                        )


# --- what is used ---


def check_uses(
    equations: Sequence[Equation],
    given: Iterable[str],
    differentiated: Iterable[str],
    objective: str,
) -> None:
    """Everything given is used, and the objective is one number that depends on all that is differentiated."""
    made: dict[str, list[Equation]] = {}
    for e in equations:
        made.setdefault(e.left.name, []).append(e)
    known = {*given, *made}
    used = {r.name for e in equations for r in e.reads}
    for name in given:
        if name not in used:
            raise LanguageError(f"{name} is given, and no equation reads it: use it, or leave it out")
    for name in differentiated:
        if name not in known or name in made:
            raise LanguageError(f"{name} is no given array: only what has numbers is an input")
    for e in made.get(objective, ())[:1]:
        if e.left.at:
            raise _error(e, f"{objective} has an index, and an objective is one number: write {objective} = Σ_.. ")
    needed = _needed(objective, made)
    if missing := next((name for name in differentiated if name not in needed), ""):
        raise LanguageError(
            f"{objective} does not depend on {missing}, so it has no gradient: correct the equations, or leave it out"
        )


def _needed(objective: str, made: Mapping[str, Sequence[Equation]]) -> set[str]:
    """All arrays that the objective is worked from."""
    needed, waiting = {objective}, [objective]
    while waiting:
        for e in made.get(waiting.pop(), ()):
            fresh = {r.name for r in e.reads} - needed
            needed |= fresh
            waiting += fresh
    return needed


def check_outside(statements: Statements, given: Mapping[str, tuple[int, ...]]) -> None:
    """What is 0 outside is an array, and how far it is read is said for each of its indices."""
    has = {e.left.name: len(e.left.at) for e in statements.equations} | {n: len(shape) for n, shape in given.items()}
    for name, reaches in statements.outside.items():
        where = f"equations line {statements.lines[name]}: {name}"
        if name not in has:
            raise LanguageError(f"{where} is not known: give it numbers, or an equation '{name} = ...'")
        if reaches and len(reaches) != has[name]:
            indices = "1 index" if has[name] == 1 else f"{has[name]} indices"
            raise LanguageError(f"{where} has {indices}, {len(reaches)} ranges are written: write one for each")
