"""What follows from what: every rule of the steps in the order of calculation, and which arrays each of them reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

from derivations.network import Problem
from derivations.rules import OPTIMIZERS, RULES, Rules, State
from tracer.answers.marking.intervals import IntervalArithmetic
from tracer.answers.marking.passes import At, passes
from tracer.answers.slips import Slip

__all__ = ["PRODUCES", "UPDATES", "Call", "Order", "Pass", "made_by"]

Pass = tuple[int, int]
"""The sample (0: all together) and the step."""
Note = Callable[[str, int], None]
Layers = tuple[int, ...] | None

PRODUCES: dict[str, tuple[str, int | None]] = {
    "pre_activation": ("a", 0),
    "activation": ("z", 0),
    "loss_parts": ("E_part", None),
    "sample_loss": ("E_sample", None),
    "batch_loss": ("E", None),
    "output_signal": ("dz", 0),
    "slope": ("slope", 0),
    "jacobian": ("J", 0),
    "output_delta": ("delta", 0),
    "hidden_delta": ("delta", 0),
    "weight_gradient": ("dW", 0),
    "bias_gradient": ("db", 0),
    "signal_below": ("dz", -1),
    **{rule: (kind, 0) for quantities in OPTIMIZERS.values() for kind, rule in quantities},
}
"""The kind that each rule makes (p stands for W or b), and how far its layer lies from the rule's, None without one."""
UPDATES = frozenset(rule for quantities in OPTIMIZERS.values() for _, rule in quantities)
"""The rules that are called for W and for b."""


def made_by(rule: str, l: int, p: Sequence[str], of: Pass) -> At:
    """The array that a rule makes when it is called for layer l (and W or b) in a pass."""
    kind, offset = PRODUCES[rule]
    return At(kind.replace("p", p[0]) if p else kind, 0 if offset is None else l + offset, *of)


class Call(NamedTuple):
    """One call of a rule: what it makes, and the arrays that the right rule reads."""

    rule: str
    l: int
    p: tuple[str, ...]
    at: At
    reads: frozenset[At]


@dataclass(frozen=True)
class Order:
    """Every call of a rule, in order; `starts` says of a pass which earlier one it goes on from."""

    calls: tuple[Call, ...]
    starts: Mapping[Pass, Pass]

    @classmethod
    def of(cls, problem: Problem, steps: int) -> Order:
        """The order of some steps of a problem, from one run that notes what is read."""
        calls: list[Call] = []
        starts: dict[Pass, Pass] = {}
        apart = problem.samples > 1 and problem.training.samples == "apart"
        before: Pass | None = None
        for sample, step, run in passes(problem, IntervalArithmetic(), steps):
            own = sample, step
            run(lambda kind, l, array: array, _noting(own, before, calls))
            if before and not apart:
                starts[own] = before
            before = None if apart else own
        return cls(tuple(calls), starts)

    @cached_property
    def reads(self) -> Mapping[At, frozenset[At]]:
        """The arrays from which each one is worked."""
        return {call.at: call.reads for call in self.calls}

    @cached_property
    def _known(self) -> dict[tuple[str, Layers, int, Set[At], Set[At]], tuple[tuple[Call, bool], ...]]:
        return {}

    def changed_by(self, slip: Slip, carried: frozenset[At], asked: frozenset[At]) -> tuple[tuple[Call, bool], ...]:
        """What must be worked anew where a slip is made, found once for all ways of rounding: `reached` says what."""
        key = slip.name, slip.layers, slip.step, carried, asked
        if key not in self._known:
            made = [call for call in self.calls if slip.step in (0, call.at.step)]
            changed = [call for call in made if slip.changes_at(call.rule, call.l, *call.p)]
            self._known[key] = self.reached(changed, carried, asked)
        return self._known[key]

    def reached(self, first: Sequence[Call], carried: Set[At], asked: Set[At]) -> tuple[tuple[Call, bool], ...]:
        """What must be worked anew where the rules of some calls change and what is asked for may, in order.

        With each call stands whether what it makes enters another one.

        carried: the arrays whose own numbers stand on the sheets, so that what follows from them stays.
        """
        changed, moved = set(first), set[At]()
        anew: list[Call] = []
        for call in self.calls:
            if call in changed or not moved.isdisjoint(call.reads):
                anew.append(call)
                if call.at not in carried:
                    moved.add(call.at)
        return tuple(reversed(list(_wanted(anew, changed, moved, asked))))


def _wanted(anew: Sequence[Call], changed: Set[Call], moved: Set[At], asked: Set[At]) -> Iterator[tuple[Call, bool]]:
    """Of calls those that make what is asked for, or what enters it, the last first."""
    wanted = set[At]()
    for call in reversed(anew):
        if call.at in wanted or call.at in asked:
            yield call, call.at in wanted
            wanted |= moved if call in changed else call.reads  # a wrong rule may read anything


def _noting(own: Pass, before: Pass | None, calls: list[Call]) -> Rules:
    """The right rules, each noting its call and what it reads."""

    def noted(name: str) -> Callable[..., Any]:
        rule = getattr(RULES, name)

        def call(s: State, l: int, *p: str) -> Any:
            read: set[At] = set()
            result = rule(_Noted(s, lambda kind, at: read.update(_sources(s, kind, at, own, before))), l, *p)
            calls.append(Call(name, l, p, made_by(name, l, p, own), frozenset(read)))
            return result

        return call

    return replace(RULES, **{f.name: noted(f.name) for f in fields(Rules)})


def _sources(s: State, kind: str, l: int, own: Pass, before: Pass | None) -> Iterable[At]:
    """The recorded arrays behind what is read: parameters and the optimizer's state are those of the pass before."""
    if kind == "before":
        return [At(*place, *before) for place in s.before] if before else []
    if kind in ("W", "b"):
        return [At(f"{kind}_new", l, *before)] if before else []
    return [At(kind, l, *own)]


class _Noted(State):
    """A state that notes which of its arrays are read."""

    def __init__(self, s: State, note: Note) -> None:
        self.__dict__.update(s.__dict__, note=note)

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name.startswith("__"):
            return value
        note: Note = super().__getattribute__("__dict__")["note"]
        if isinstance(value, list):
            return _Layers(value, name, note)
        note(name, 0)
        return value


class _Layers(list[Any]):
    """The arrays of one kind by layer, noting which are read."""

    def __init__(self, arrays: list[Any], kind: str, note: Note) -> None:
        super().__init__(arrays)
        self.kind, self.note = kind, note

    def __getitem__(self, l: Any) -> Any:
        self.note(self.kind, l)
        return super().__getitem__(l)
