"""Variants of a problem drawn by a seed: draws in a fixed order, of which the first that are nice are taken.

What can be asked of a shape is measured once on a sample of draws of its own, the same for every seed: so exercise and
resit are equally hard, and have nothing in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derivations.computation import Computation
from derivations.network import Problem
from tracer.exercises.draws import shuffled
from tracer.exercises.effort import efforts
from tracer.exercises.nice import Pattern, Structural, out_of_size, patterns, shows, uncertain
from tracer.exercises.ranges import Nested
from tracer.exercises.varying import Varying
from tracer.exercises.working import Shape, Together

__all__ = ["Drawing", "Variant"]

AT_ONCE = 256
SAMPLE = 1024
"""Draws that a shape is measured on."""
BEST = 20
"""One draw in so many of the sample is as good as it is asked of all."""
BAND = 1 / 21
"""Of the median, that the work of a variant may be more or less: no two differ by more than a tenth."""
LONGEST_SERIES, FEWEST_SERIES, MOST_SERIES = 2**17, 4, 2**20


@dataclass(frozen=True)
class Variant:
    """One variant: its draw, the file's tables with its numbers, its problem, its work.

    `hidden` are slips that do not show in what is asked, `alike` pairs that look alike, beyond what is structural.
    """

    number: int
    tables: Mapping[str, Any]
    problem: Problem | Computation
    effort: int
    hidden: tuple[str, ...]
    alike: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Standard:
    """What a sample shows to be possible: how many numbers B to D may be missed in, E and F likewise, and the rest."""

    numbers: int
    slips: int
    pattern: Pattern
    effort: float
    structural: Structural


class Drawing:
    """The variants of a file."""

    def __init__(self, varying: Varying) -> None:
        self.varying = varying
        self.shape = Shape(varying.base)
        size = varying.size
        self.length = min(LONGEST_SERIES, size // FEWEST_SERIES)
        if not self.length:
            raise ValueError(f"the ranges give only {size} draws; widen them under [exercise]")
        self.series = min(MOST_SERIES, size // self.length)

    @property
    def seeds(self) -> int:
        """How many seeds there are that share no variant; one series is the sample."""
        return self.series - 1

    def variants(self, seed: int, count: int) -> list[Variant]:
        """The first so many nice ones.  Raises ValueError for a seed that there is not, and where there are fewer."""
        if not 0 <= seed < self.seeds:
            raise ValueError(
                f"seed {seed}: these ranges give {self.seeds} sets that share no variant; take a seed from 0 to "
                f"{self.seeds - 1}, or widen the ranges under [exercise]"
            )
        out: list[Variant] = []
        for numbers in self._draws(seed + 1):
            out += self._nice(numbers)
            if len(out) >= count:
                return out[:count]
        raise ValueError(
            f"seed {seed}: only {len(out)} nice variants of {count} that are wanted; widen the ranges under [exercise]"
        )

    def _draws(self, series: int) -> Iterator[list[tuple[int, list[Nested]]]]:
        """The draws of a series, some at once, those with parameters of one sign left out."""
        size = self.varying.size
        for first in range(0, size // self.series, AT_ONCE):
            last = min(first + AT_ONCE, size // self.series)
            numbers = [shuffled(k * self.series + series, size) for k in range(first, last)]
            found = [(number, self.varying.numbers(number)) for number in numbers]
            yield [(number, own) for number, own in found if self.varying.is_mixed(own)]

    def _together(self, draws: Sequence[tuple[int, list[Nested]]]) -> Together:
        return Together.of(self.shape, [self.varying.problem(own) for _, own in draws])

    # --- what can be asked ---

    @cached_property
    def standard(self) -> Standard:
        """What can be asked of this shape."""
        missed, alike, left, work = [], list[Pattern](), list[Together](), list[np.ndarray]()
        count = 0
        for draws in self._draws(0):
            if draws:
                together = self._together(draws)
                uncertainly, width = uncertain(together)
                missed.append(out_of_size(together) + uncertainly)
                alike += patterns(together)
                left.append(together)
                work.append(width)
                count += len(draws)
            if count >= SAMPLE:
                break
        if not count:
            raise ValueError("no draw of these ranges can be used; widen them under [exercise]")
        return self._measured(np.concatenate(missed), alike, left, work)

    def _measured(
        self, missed: np.ndarray, alike: list[Pattern], some: list[Together], widths: list[np.ndarray]
    ) -> Standard:
        numbers = int(np.sort(missed)[(len(missed) - 1) // BEST])
        good = [k for k in np.flatnonzero(missed <= numbers).tolist() if alike[k]]
        if not good:
            raise ValueError("in all draws of these ranges some gradient is 0 throughout; widen them under [exercise]")
        pattern = Counter(alike[k] for k in good).most_common(1)[0][0]
        chosen = [k for k in good if alike[k] == pattern][:AT_ONCE]
        seen, work, first = [], list[np.ndarray](), 0
        for together, width in zip(some, widths, strict=True):
            own = np.array([k - first for k in chosen if first <= k < first + together.count], int)
            first += together.count
            if len(own):
                seen.append(shows(together.chosen(own), width[:, own]))
                work.append(efforts(together.chosen(own)))
        structural = Structural.of(seen)
        counts = [sum(map(len, structural.left(one, k))) for one in seen for k in range(len(one.apart))]
        slips = sorted(counts)[(len(counts) - 1) // BEST]
        usual = np.concatenate(work)[np.array(counts) <= slips]
        return Standard(numbers, slips, pattern, float(np.median(usual)), structural)

    # --- which are nice ---

    def _nice(self, draws: Sequence[tuple[int, list[Nested]]]) -> Iterator[Variant]:
        """Those that are as nice as can be asked, in the order of the draws."""
        if not draws:
            return
        standard, together = self.standard, self._together(draws)
        uncertainly, width = uncertain(together)
        work = efforts(together)
        alike = np.array([own == standard.pattern for own in patterns(together)])
        near = np.abs(work - standard.effort) <= BAND * standard.effort
        good = np.flatnonzero((out_of_size(together) + uncertainly <= standard.numbers) & alike & near)
        if not len(good):
            return
        seen = shows(together.chosen(good), width[:, good])
        for k, column in enumerate(good.tolist()):
            hidden, pairs = standard.structural.left(seen, k)
            if len(hidden) + len(pairs) > standard.slips:
                continue
            number, own = draws[column]
            names = [slip.name for slip in self.shape.slips]
            yield Variant(
                number,
                self.varying.tables(own),
                self.varying.problem(own),
                int(work[column]),
                tuple(names[i] for i in hidden),
                tuple((names[i], names[j]) for i, j in pairs),
            )
