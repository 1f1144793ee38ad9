"""Parts of formulas: made once for each value of their own letters, and only where conditions leave something."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from steps import named

from derivations.entries import Entries, Entry
from derivations.expression import Expression, Number, Over, Quotient, Sum
from derivations.parts import Part, Values, joined, over


def counted(letters: str, made: list[tuple[int, ...]]) -> Part[Expression]:
    """A part that notes the values that it is made for."""

    def at(values: Values) -> Expression:
        made.append(tuple(values[l] for l in letters))
        return Number(str(made[-1]))

    return Part(frozenset(letters), at)


def at_all(part: Part[Expression], letters: str, most: int) -> list[Expression]:
    """A part where each of the letters runs to `most`."""
    make: Callable[[Values], Expression] = part.within(frozenset(letters))
    runs = itertools.product(range(1, most + 1), repeat=len(letters))
    return [make(dict(zip(letters, at, strict=True))) for at in runs]


def test_a_part_is_made_once_for_each_value_of_its_own_letters() -> None:
    """Of i and j each part has one: twice five makings, not twice twenty-five; of both letters there are as many."""
    first, second, both = list[tuple[int, ...]](), list[tuple[int, ...]](), list[tuple[int, ...]]()
    parts = counted("i", first), counted("j", second), counted("ij", both)
    together = joined(lambda *made: Sum(tuple((1, e) for e in made)), *parts)
    assert len(at_all(together, "ij", 5)) == 25
    assert (len(first), len(second), len(both)) == (5, 5, 25)


def test_a_part_of_no_letter_is_made_once() -> None:
    """A sum over k that nothing else reaches into is the same node for each i."""
    made = list[tuple[int, ...]]()
    total = over({"k": range(1, 4)}, counted("k", made), lambda found: Sum(tuple((1, e) for e in found)))
    assert total.letters == frozenset()
    assert len({id(e) for e in at_all(total, "i", 9)}) == 1
    assert made == [(1,), (2,), (3,)]


def test_what_a_condition_leaves_out_is_not_made() -> None:
    """Of [k = i] and of [l = 2] one value of each letter is left, wherever the sum stands."""
    made = list[tuple[int, ...]]()
    tests = [
        ("k", Part(frozenset("ki"), lambda v: v["k"] == v["i"])),
        ("l", Part(frozenset("l"), lambda v: v["l"] == 2)),
    ]
    runs = {"k": range(1, 101), "l": range(1, 101)}
    total = over(runs, counted("kl", made), lambda found: Sum(tuple((1, e) for e in found)), tests)
    assert total.letters == frozenset("i")
    at_all(total, "i", 3)
    assert made == [(1, 2), (2, 2), (3, 2)]


def test_entries_share_what_does_not_vary() -> None:
    """Below a softmax stands one sum for all entries of a sample, and it holds what stands above; each has its own."""
    step = named("softmax").step
    (softmax,) = [e for e in step.equations if isinstance(e.right, Over) and e.right.op == "softmax"]
    found = list(Entries(step).of(softmax))
    samples = sorted({e.at[1] for e in found})
    below = {n: {id(q.below): q.below for q in quotients(found, n)} for n in samples}
    assert [len(own) for own in below.values()] == [1, 1, 1]
    assert len({id_ for own in below.values() for id_ in own}) == 3
    for n in samples:
        (total,) = below[n].values()
        assert isinstance(total, Sum)
        assert [q.above for q in quotients(found, n)] == [e for _, e in total.terms]


def quotients(found: list[Entry], sample: int) -> list[Quotient]:
    """The formulas of a sample's entries."""
    return [e.formula for e in found if isinstance(e.formula, Quotient) and e.at[1] == sample]
