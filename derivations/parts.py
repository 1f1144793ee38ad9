"""Parts of a formula made ready once: the letters that each depends on, and what it is for values of them.

A part that depends on fewer letters than what stands around it is made once for each of their values, not once for each
place where it is written.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from derivations.expression import Expression

__all__ = ["LeavesOut", "Letters", "Part", "Values", "always", "joined", "letters_of", "over", "tuple_of"]

T = TypeVar("T")
S = TypeVar("S")
Values = Mapping[str, int]
Letters = frozenset[str]


class Part(NamedTuple, Generic[T]):
    """What depends on `letters`, for values of these and of others; `plain`: it is as quickly made as looked up."""

    letters: Letters
    at: Callable[[Values], T]
    plain: bool = False

    def then(self, change: Callable[[T], S]) -> Part[S]:
        """The part with what it is changed."""
        at = self.at
        return Part(self.letters, lambda values: change(at(values)))

    def within(self, around: Letters) -> Callable[[Values], T]:
        """How it is made where the letters of `around` vary: where others vary too, once for each value of its own."""
        if self.plain or around <= self.letters:
            return self.at
        place, at = _place(sorted(self.letters)), self.at
        known: dict[Any, T] = {}

        def remembered(values: Values) -> T:
            here = place(values)
            if here not in known:
                known[here] = at(values)
            return known[here]

        return remembered


LeavesOut = tuple[str, Part[bool]]
"""A condition that leaves out values of a letter where it is 0, and that letter."""


def _place(letters: Sequence[str]) -> Callable[[Values], Any]:
    """The values of some letters: a tuple, of one letter the value itself."""
    return itemgetter(*letters) if letters else lambda values: ()


def always(value: T) -> Part[T]:
    """What depends on no letter."""
    return Part(frozenset(), lambda values: value, plain=True)


def letters_of(parts: Iterable[Part[Any]]) -> Letters:
    """The letters that one or another part depends on."""
    return frozenset(l for part in parts for l in part.letters)


def joined(join: Callable[..., T], *parts: Part[Any]) -> Part[T]:
    """What is put together from parts."""
    letters = letters_of(parts)
    each = [part.within(letters) for part in parts]
    match each:
        case [one]:
            return Part(letters, lambda values: join(one(values)))
        case [one, other]:
            return Part(letters, lambda values: join(one(values), other(values)))
    return Part(letters, lambda values: join(*[one(values) for one in each]))


def tuple_of(parts: Sequence[Part[int]], letters: Sequence[str]) -> Part[tuple[int, ...]]:
    """Whole numbers together; `letters` are their letters where each is a letter alone, "" else."""
    if not parts:
        return always(())
    if len(parts) > 1 and all(letters):
        return Part(frozenset(letters), itemgetter(*letters), plain=True)
    own, at, _ = joined(lambda *numbers: numbers, *parts)
    return Part(own, at, plain=all(letters))


def over(
    runs: Mapping[str, range],
    body: Part[Expression],
    join: Callable[[list[Expression]], Expression],
    tests: Sequence[LeavesOut] = (),
) -> Part[Expression]:
    """What is joined from the body at all values of the letters of `runs`; each of `tests` leaves out values of one."""
    letters = tuple(runs)
    write = body.within(body.letters.union(letters))
    asked = [(run, [test.at for l, test in tests if l == letter]) for letter, run in runs.items()]

    def each(values: Values) -> Expression:
        known = dict(values)
        left = [_left(run, letter, own, known) for letter, (run, own) in zip(letters, asked, strict=True)]
        made = []
        for at in itertools.product(*left):
            known.update(zip(letters, at, strict=True))
            made.append(write(known))
        return join(made)

    return Part(letters_of([body, *(test for _, test in tests)]).difference(letters), each)


def _left(run: range, letter: str, tests: Sequence[Callable[[Values], bool]], known: dict[str, int]) -> Sequence[int]:
    """The values of a letter that its tests leave."""
    left: Sequence[int] = run
    for test in tests:
        left = [value for value in left if test(known | {letter: value})]
    return left
