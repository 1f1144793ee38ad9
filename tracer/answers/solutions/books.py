"""The notations that a document may be written in, with their names for the quantities of a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derivations.expression import Letters
from derivations.network import Problem
from derivations.notation import NOTATIONS, NotationError
from derivations.reading.letters import Letterbook
from derivations.reading.nodes import letters_in
from derivations.reading.statements import Statement
from tracer.answers.solutions.effort import Effort, Spent

__all__ = ["books"]

NEARLY = 0.95
MOST_LOOKED_UP = 2000  # names, in all ways to bind their indices


def books(problem: Problem, found: list[Statement], notation: str | None) -> Iterator[tuple[str, Letterbook]]:
    """The notation that is stated, or those that know most of the names."""
    if notation:
        yield notation, Letterbook(problem, notation)
        return
    letters = dict.fromkeys(l.latex for s in found for side in s.sides if side.tree for l in letters_in(side.tree))
    scored: list[tuple[int, str, Letterbook]] = []
    for name in (*(("names",) if problem.names else ()), *NOTATIONS):
        try:
            book = Letterbook(problem, name)
        except (NotationError, ValueError):
            continue
        scored.append((_known(book, letters), name, book))
    most = max((known for known, _, _ in scored), default=0)
    if not scored:
        raise ValueError("no notation writes this network")
    for _, name, book in sorted((s for s in scored if s[0] >= NEARLY * most), key=lambda s: -s[0]):
        yield name, book


def _known(book: Letterbook, letters: Iterable[str]) -> int:
    """How many names a notation knows, of those that can be looked up at a bounded cost."""
    known, effort = 0, Effort(MOST_LOOKED_UP)
    for name in letters:
        try:
            effort.spend(1)
            bound = book.bindings([Letters(name, name)], effort.spend)
            known += book.meaning(name) is not None or any(True for _ in bound)
        except Spent:
            break
    return known
