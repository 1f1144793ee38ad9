"""Slips that `check` knows, worked from where the step started: the equations with one of them replaced.

A slip is worked twice: from the right numbers before it, and carried on from what was given, so that it is found
behind another wrong number too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from derivations.arithmetic import FLOAT64
from derivations.equations import Role
from derivations.layers import start
from derivations.network import Problem
from derivations.planned import counted
from tracer.answers.reporting.wording import Wording
from tracer.marking.slips.catalogue import slips_of, worked_with
from tracer.marking.slips.slip import Slip
from tracer.verification.explaining.cause import APART, Cause, WrongNumbers, told
from tracer.verification.explaining.fitting import enumerated
from tracer.verification.subject import Floats

__all__ = ["slipped"]

MOST_PARAMETERS, MOST_SAMPLES, MOST_RUNS = 2_000, 64, 1_500
BARE = ("factor_2", "half", "sign")
"""Slips of a gradient that are a bare factor: that is said without words about a loss."""
BARE_OF = ("weight_gradient", "bias_gradient", "signal_below", "output_signal")


def slipped(wrong: WrongNumbers) -> Iterator[Cause]:
    """The slips, each in all layers and in each layer alone, as far as the arrays that are wrong leave it possible."""
    subject = wrong.judged.routes.subject
    if not isinstance(subject.problem, Problem) or subject.problem.samples > MOST_SAMPLES:
        return
    if sum(np.size(layer.W.floats) for layer in subject.problem.network.layers) > MOST_PARAMETERS:
        return
    worked, runs = _Worked(wrong, subject.problem), 0
    for slip in slips_of(subject.problem):
        prefix, _, name = slip.base.partition(".")
        if prefix in BARE_OF and name in BARE:
            continue
        for narrow in dict.fromkeys((*slip.by_layer(), slip)) if len(slip.possible) > 1 else (slip,):
            if runs < MOST_RUNS and worked.is_possible(narrow):
                runs += 2
                yield from worked.causes(narrow)


class _Worked:
    """Slips worked on the step that was judged."""

    def __init__(self, wrong: WrongNumbers, problem: Problem) -> None:
        self.wrong, self.problem = wrong, problem
        self.subject, self.claim = wrong.judged.routes.subject, wrong.judged.claim
        self.names: Mapping[tuple[str, int], str] = self.subject.layout.own.names  # type: ignore[attr-defined]
        own = start(problem, FLOAT64)
        given = {name: np.reshape(self.subject.given[name], np.shape(own[name])) for name in own.keys() & self._given}
        self.start = own | given | counted(problem.training, self.subject.count, FLOAT64)

    @cached_property
    def _given(self) -> set[str]:
        return {*self.subject.given}

    def is_possible(self, slip: Slip) -> bool:
        """Whether all that is given nearest behind what it changes is wrong; arrays that are 0 may stay right.

        An update is one equation for all parameters: a wrong one beside, which a slip in it leaves, speaks against it.
        """
        near, blamed = self._given_nearest(slip), self.wrong.blamed
        if near & self._updated and not near >= self._updated & blamed.keys():
            return False
        return bool(near & blamed.keys()) and all(n in blamed or not np.any(self.wrong.ours(n)) for n in near)

    @cached_property
    def _updated(self) -> set[str]:
        return {*self.wrong.given(Role.UPDATED)}

    def _given_nearest(self, slip: Slip) -> set[str]:
        """The given arrays that read what a slip changes, on ways where no other given array stands between."""
        keys = slip.quantities(len(self.problem.network))
        made = [self.names[key] for key in keys if self.names.get(key) in self.subject.recorded]
        return self._given_behind(["E"] if ("E_sample", 0) in keys and not made else made)

    def _given_behind(self, open_: list[str]) -> set[str]:
        """Of some arrays and those worked from them the given ones that are met first."""
        near, seen = set[str](), set(open_)
        while open_:
            name = open_.pop()
            if name in self.claim.given and name in self.wrong.judged.checked:
                near.add(name)
                continue
            new = self._readers.get(name, set()) - seen
            seen |= new
            open_ += new
        return near

    @cached_property
    def _carries_on(self) -> bool:
        """Whether a wrong number stands before a given one, which may have been worked from it."""
        return any(self._given_behind([*self._readers.get(name, ())]) for name in self.wrong.judged.wrong)

    @cached_property
    def _readers(self) -> Mapping[str, set[str]]:
        """Which arrays are worked from each."""
        out: dict[str, set[str]] = {}
        for equation in self.subject.planned.step.equations:
            for ref in equation.reads:
                out.setdefault(ref.name, set()).add(equation.left.name)
        return out

    def causes(self, slip: Slip) -> Iterator[Cause]:
        """From the right numbers, and from the given ones: all that a slip changes or that stands behind it."""
        near = self._given_nearest(slip)
        for carried, without in ((False, self._right), (True, self._carried)):
            arrays = self._arrays(slip, carried=carried)
            numbers = {n: a for n, a in arrays.items() if n in near or self._differs(n, a, without[n])}
            cause = self._cause(slip, numbers, without if carried else {})
            if told(self.wrong, cause):
                yield cause
                return
            if not self._carries_on:
                return

    @cached_property
    def _right(self) -> Mapping[str, Floats]:
        return self._arrays(None, carried=False)

    @cached_property
    def _carried(self) -> Mapping[str, Floats]:
        return self._arrays(None, carried=True)

    def _differs(self, name: str, array: Floats, right: Floats) -> bool:
        return bool((np.abs(array - right) > APART * self.wrong.room(name, right)).any())

    def _arrays(self, slip: Slip | None, *, carried: bool) -> dict[str, Floats]:
        """What a slip gives for every array that is given, laid out as ours."""
        out: dict[str, Floats] = {}

        def keep(name: str, array: Any) -> Any:
            if name not in self.claim.given or name not in self.wrong.judged.checked:
                return array
            out[name] = np.reshape(array, np.shape(self.wrong.ours(name)))
            x = self.claim.given[name]
            return np.reshape(np.where(np.isnan(x), out[name], x), np.shape(array)) if carried else array

        worked_with(self.problem, slip.equations(self.problem) if slip else {}, self.start, keep)
        return out

    def _cause(self, slip: Slip, numbers: Mapping[str, Floats], instead: Mapping[str, Floats]) -> Cause:
        keys = sorted(slip.quantities(len(self.problem.network)), key=lambda key: key[1])
        made = [self.names[key] for key in keys if self.names.get(key) in self.subject.recorded]
        stage = [self.names[slip.stage, l] for l in _layers(slip) if self.names.get((slip.stage, l)) in made]
        first, *others = stage or made or sorted(numbers) or ["E"]
        cell = f"{first} (like {enumerated(others)})" if others else first
        text = Wording().slip(slip.name, {"cell": cell})
        fact, _, reason = text.removesuffix(".").partition(": ")
        return Cause(slip.name, fact, numbers, reason, instead)


def _layers(slip: Slip) -> tuple[int, ...]:
    return slip.possible if slip.layers is None else slip.layers
