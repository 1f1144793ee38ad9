"""From which numbers an array of an exercise is drawn: what `[exercise]` says of it, or what suits its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from derivations.given import read_number, shortened
from tracer.exercises.draws import Choices
from tracer.toml_text import ProblemError

__all__ = ["Nested", "Range", "flat", "stated_range", "usual"]

Nested = Any
"""A number, or lists of these."""
MOST_VALUES = 2000
_FIELDS = ("low", "high", "decimals", "choose", "repeat")
_EXAMPLE = '{low = -0.9, high = 0.9, decimals = 1}, {choose = [0.5, 1, 2]}, "fixed" or "one_hot"'


@dataclass(frozen=True)
class Range:
    """The values that numbers are drawn from, as texts.

    `sizes`: no two numbers of the array have the same size, as far as there are enough; `one_hot`: one number of the
    last axis is 1 and all others 0.
    """

    values: tuple[str, ...] = ()
    sizes: bool = True
    one_hot: bool = False

    def drawn(self, shape: tuple[int, ...], choices: Choices) -> Nested:
        """An array of that shape, in nested lists."""
        count = prod(shape)
        if self.one_hot:
            ones = [choices.below(shape[-1]) for _ in range(count // shape[-1])]
            return _nested([str(int(k == one)) for one in ones for k in range(shape[-1])], shape)
        by_size: dict[Fraction, list[str]] = {}
        for text in self.values:
            by_size.setdefault(abs(Fraction(text)), []).append(text)
        left = list(by_size.values())
        again = not self.sizes or count > len(left)
        out = []
        for _ in range(count):
            k = choices.below(len(left))
            own = left[k] if again else left.pop(k)
            out.append(own[choices.below(len(own))])
        return _nested(out, shape)

    @property
    def both_signs(self) -> bool:
        """Whether there are numbers above and below zero."""
        signs = {Fraction(text) > 0 for text in self.values if Fraction(text)}
        return len(signs) == 2

    def all_differ(self, count: int) -> bool:
        """Whether there are enough sizes for so many numbers to differ."""
        return self.sizes and count <= len({abs(Fraction(text)) for text in self.values})


def flat(nested: Nested) -> Iterator[str]:
    """The numbers in reading order."""
    if isinstance(nested, list | tuple):
        for own in nested:
            yield from flat(own)
    else:
        yield str(nested)


def _nested(numbers: Sequence[str], shape: tuple[int, ...]) -> Nested:
    if not shape:
        return numbers[0]
    size = len(numbers) // shape[0]
    return [_nested(numbers[k : k + size], shape[1:]) for k in range(0, len(numbers), size)]


def _steps(low: int, high: int, decimals: int, step: int = 1, *, signs: bool = False) -> tuple[str, ...]:
    """Decimals from low to high in units of the last place; with `signs` their negatives too."""
    texts = [_decimal(n, decimals) for n in range(low, high + 1, step) if n]
    return tuple(sign + text for text in texts for sign in (("", "-") if signs else ("",)))


def _decimal(units: int, decimals: int) -> str:
    if not decimals:
        return str(units)
    whole, part = divmod(abs(units), 10**decimals)
    return f"{'-' if units < 0 else ''}{whole}.{part:0{decimals}d}".rstrip("0").rstrip(".")


# --- what suits ---


def usual(texts: Sequence[str], shape: tuple[int, ...], *, trained: bool) -> Range | None:
    """What an array of these numbers is drawn from where nothing is said; None where it stays as it is.

    Parameters are tenths of both signs, or finer where there are more than nine; given numbers are whole, or have the
    decimals that they have; an array of zeros and ones alone says which, and stays.
    """
    count = len(texts)
    if trained:
        fine = next(((step, high) for step, high in ((10, 90), (5, 95), (1, 99)) if high // step >= count), (10, 90))
        return Range(_steps(fine[0], fine[1], 2, fine[0], signs=True))
    exact = [Fraction(text) for text in texts]
    if set(exact) <= {0, 1}:
        return None
    signs = min(exact) < 0
    if all(number.denominator == 1 for number in exact):
        return Range(_steps(1, max(3, count) if count <= 9 else 9, 0, signs=signs))
    if max(map(abs, exact)) >= 1 and count <= 6:
        return Range(_steps(5, 30, 1, 5, signs=signs))
    return Range(_steps(1, 9, 1, signs=signs))


# --- what is said ---


def stated_range(said: Any, place: str, shape: tuple[int, ...]) -> Range | None:
    """A range as `[exercise]` says it; None for "fixed".  Raises ProblemError."""
    if said == "fixed":
        return None
    if said == "one_hot":
        if not shape or shape[-1] < 2:
            raise ProblemError(f"{place}: one_hot needs a last axis of two numbers or more")
        return Range(one_hot=True)
    if not isinstance(said, Mapping) or not said:
        raise ProblemError(f"{place}: {shortened(said)} is no range; write {_EXAMPLE}")
    for field in said:
        if field not in _FIELDS:
            raise ProblemError(f"{place}.{shortened(field)}: unknown; a range has {', '.join(_FIELDS)}")
    repeat = said.get("repeat", False)
    if not isinstance(repeat, bool):
        raise ProblemError(f"{place}.repeat: {shortened(repeat)} is neither true nor false")
    values = _chosen(said["choose"], place) if "choose" in said else _between(said, place)
    return Range(values, sizes=not repeat)


def _chosen(said: Any, place: str) -> tuple[str, ...]:
    if not isinstance(said, list | tuple) or not 0 < len(said) <= MOST_VALUES:
        raise ProblemError(f"{place}.choose: {shortened(said)} is no list of numbers; write choose = [0.5, 1, 2]")
    texts = [_number(number, f"{place}.choose") for number in said]
    return tuple({Fraction(text): text for text in texts}.values())


def _between(said: Mapping[str, Any], place: str) -> tuple[str, ...]:
    for field in ("low", "high"):
        if field not in said:
            raise ProblemError(f"{place}.{field}: missing; write {_EXAMPLE}")
    decimals = said.get("decimals", 0)
    if isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= 6:
        raise ProblemError(f"{place}.decimals: {shortened(decimals)} is no whole number from 0 to 6")
    low, high = (Fraction(_number(said[field], f"{place}.{field}")) * 10**decimals for field in ("low", "high"))
    first, last = -(-low.numerator // low.denominator), high.numerator // high.denominator
    count = last - first + 1 - (first <= 0 <= last)
    if count < 1:
        raise ProblemError(f"{place}: no number but 0 from low to high with so many decimals; widen the range")
    if count > MOST_VALUES:
        raise ProblemError(f"{place}: {count} numbers are too many to draw from; at most {MOST_VALUES}")
    return _steps(first, last, decimals)


def _number(said: Any, place: str) -> str:
    try:
        text = read_number(said)
    except ValueError as e:
        raise ProblemError(f"{place}: {e}") from None
    if "/" in text:
        raise ProblemError(f"{place}: {shortened(text)} is a fraction; write a decimal")
    return text
