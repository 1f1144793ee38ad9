"""A traced problem: one step (or one for each sample), in a chosen arithmetic, read by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from derivations import names
from derivations.aliases import Aliases
from derivations.arithmetic import FLOAT32, FLOAT64, Arithmetic, Ball, Exact
from derivations.axes import Arrays
from derivations.formulas import givens
from derivations.layers import layered, start
from derivations.names import CONSTANTS, KINDS, Quantity, UnknownName
from derivations.network import Problem
from tracer.problem import Source, as_problem
from tracer.rounding import Rounding, Undecided, bounds
from tracer.schedule import schedules
from tracer.step import WorkedStep, run_step

__all__ = ["ARITHMETICS", "Trace", "steps_of", "trace"]

ARITHMETICS = ("float64", "float32", "ball")
HAND_BITS = 200
MOST_BITS = 6400
MOST_PRECISION = 100_000


class Trace:
    """Every number of one forward/backward/update step.

    `trace["delta1"]` is an array, (units,) or for a batch (samples, units); `trace["delta1[2]"]` is a number;
    `trace.values` maps every name to its number in the order of calculation.  Numbers are floats; in the arithmetic
    `ball` they are flint.arb, midpoint and radius.  Samples worked in turn or apart are several `steps`.
    """

    def __init__(
        self,
        problem: Problem,
        steps: tuple[WorkedStep, ...],
        arithmetic: str,
        rounding: Rounding,
        carry: str,
        texts: Mapping[Quantity, str],
    ) -> None:
        self.problem, self.steps, self.arithmetic = problem, steps, arithmetic
        self.rounding, self.carry = rounding, carry
        self._rounded = texts

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """Every recorded number by name, in the order of calculation."""
        network = self.problem.network
        items = (item for step in self.steps for item in step.items())
        return MappingProxyType({names.text(network, q): self.number(v) for q, v in items})

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        """What the step started from: x, t, W, b and the constants, by name."""
        network = self.problem.network
        out: dict[str, Any] = {}
        in_turn = self.problem.training.samples == "in_turn"
        for step in self.steps:
            for kind, layer, quantities in givens(step.problem, sample=step.sample, step=step.step):
                carried = kind in ("W", "b") and in_turn and step is not self.steps[0]
                if (kind, layer) in step.inputs and not carried:
                    pairs = zip(quantities.flat, np.asarray(step.inputs[kind, layer]).flat, strict=True)
                    out |= {names.text(network, q): self.number(v) for q, v in pairs}
            out |= {letter: self.number(step.inputs[letter, 0]) for letter in CONSTANTS if (letter, 0) in step.inputs}
        return MappingProxyType(out)

    def __getitem__(self, name: str) -> Any:
        """A number, or a whole array, by name.  Raises UnknownName (a KeyError) with near names."""
        if not isinstance(name, str):
            raise TypeError(f"a trace is indexed by a name such as 'dW1[1,2]' or 'delta1', not by {name!r}")
        meaning = self._aliases.read(name)
        factor = names_factor(meaning.multiple) * float(self.inputs["eta"]) ** meaning.eta_power
        value = self._value(meaning.quantity, name)
        return value if factor == 1.0 else value * factor + 0.0  # no -0

    def _value(self, q: Quantity, name: str) -> Any:
        for step in self.steps:
            mark = step.step == q.step and (step.problem.samples > 1 or step.sample == q.sample)
            if q.kind == "E_sample" and step.problem.samples == 1:
                q = q._replace(kind="E")  # a step of one sample has no loss but that sample's
            if mark and ((q.kind, q.layer) in step.arrays or (q.kind, q.layer) in step.inputs):
                return self._entry(step, q, name)
        if q.sample and self.problem.training.samples == "in_turn" and self.problem.samples > 1:
            raise UnknownName(
                f"'{name}': samples go in turn, so sample {q.sample} is step {q.sample}; write #{q.sample}"
            )
        near = [n for n in self.values if n.startswith(names.text(self.problem.network, q).split("@")[0].split("#")[0])]
        raise UnknownName(
            f"'{name}' is not recorded in this trace" + (f"; near: {', '.join(near[:3])}" if near else "")
        )

    def _entry(self, step: WorkedStep, q: Quantity, name: str) -> Any:
        array = step.array(q.kind, q.layer)
        per_sample = KINDS[q.kind].sampled and step.problem.samples > 1
        if per_sample and q.sample:
            array = array[q.sample - 1]
        elif per_sample and q.indices:
            raise UnknownName(f"'{name}' is not one number in a batch; name the sample too, such as {name}@1")
        value = array[tuple(i - 1 for i in q.indices)] if q.indices else array
        return np.vectorize(self.number)(value) if isinstance(value, np.ndarray) else self.number(value)

    @cached_property
    def _aliases(self) -> Aliases:
        return Aliases(self.problem.network, self.problem.samples, self.problem.names)

    def number(self, value: Any) -> Any:
        """A value as people get it: a float, or in ball arithmetic a flint.arb."""
        if self.arithmetic == "ball":
            return value
        low, high = (None, None) if isinstance(value, float | np.floating) else bounds(value)
        if low is None or high is None:
            return float(value)
        middle = (low + high) / 2
        try:
            return float(middle)
        except OverflowError:  # by hand there is no largest number
            return float("inf") if middle > 0 else float("-inf")

    @cached_property
    def shown(self) -> Mapping[Quantity, str]:
        """The finished text of every number, given and recorded: the one that all tables print."""
        out: dict[Quantity, str] = {}
        for step in self.steps:
            for kind, layer, quantities in givens(step.problem, sample=step.sample, step=step.step):
                out |= self._given_texts(step, kind, layer, quantities)
            for letter in CONSTANTS:
                given = getattr(step.problem.training, _FIELD.get(letter, letter))
                if given is not None:
                    out[Quantity(letter, step=step.step)] = given.shown().item()
            for q, value in step.items():
                out[q] = self._rounded.get(q) or self.rounding.shown(value)
            for (kind, l), before in step.before.items():
                earlier = names.elements(step.problem.network, kind, l, 1, step.sample, step.step - 1)
                out |= {
                    q: self.rounding.shown(v) for q, v in zip(earlier.flat, before.flat, strict=True) if q not in out
                }
        return out

    def _given_texts(self, step: WorkedStep, kind: str, layer: int, quantities: Any) -> dict[Quantity, str]:
        if kind in ("x", "t", "dz"):
            given = step.problem.x if kind == "x" else step.problem.signals
        else:
            given = getattr(step.problem.network.layer(layer), kind)
        if step.step > 1 and kind in ("W", "b"):
            before = (q._replace(kind=f"{kind}_new", step=step.step - 1) for q in quantities.flat)
            values = np.asarray(step.inputs[kind, layer]).flat
            return {
                q: self._rounded.get(earlier) or self.rounding.shown(value)
                for q, earlier, value in zip(quantities.flat, before, values, strict=True)
            }
        assert given is not None
        texts = given.shown().flat if given.texts else map(Rounding().shown, given.floats.flat)
        return dict(zip(quantities.flat, texts, strict=True))

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know: where a number is not finite and why, which names were reread."""
        out = [f"'{name}' is read as the problem's [names] has it" for name in self._aliases.clashes]
        if self.problem.network.loss.targets == "0..1" and self.problem.signals is not None:
            t = self.problem.signals.floats
            if t.min() < 0 or t.max() > 1:
                out.append(f"a target outside 0 to 1 is no probability; {self.problem.network.loss.name} is for those")
        for step in self.steps:
            out += list(_not_finite(self.problem, step))
        return tuple(out)

    @property
    def policy(self) -> str:
        """One line for people: the arithmetic, the rounding, what is carried."""
        if self.arithmetic == "hand":
            how = "carrying what is shown" if self.carry == "shown" else "carrying every digit"
            return f"by hand: {self.rounding.words}, half away from zero, {how}"
        shown = f", shown to {self.rounding.words}" if self.rounding.asked else ""
        if self.arithmetic == "ball":
            bits = getattr(self.steps[0].m, "bits", 53)
            return f"balls of {bits} bits{shown}; \u00b1 is the proved radius"
        return f"{self.arithmetic}{shown}"

    def table(self, notation: str = "") -> Any:
        """The table of finished strings, in our letters or in a notation's: `print(trace.table("ng"))`."""
        from tracer.show.table import Table

        return Table.of(self, notation)

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __str__(self) -> str:
        return str(self.table())

    def __repr__(self) -> str:
        return f"<Trace of {len(self.values)} quantities, {self.policy}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        table = self.table()
        formats = {"text/plain": "table", "text/html": "html", "text/latex": "latex", "text/markdown": "markdown"}
        return {mime: table.render(form) for mime, form in formats.items()}


_FIELD = {"eta": "learning_rate", "mu": "momentum"}


def names_factor(multiple: str) -> float:
    """The multiple of an alias as a float."""
    from derivations.given import as_float

    return as_float(multiple)


def trace(
    problem: Source,
    *,
    arithmetic: str | None = None,
    precision: int | None = None,
    digits: int | None = None,
    places: int | None = None,
    carry: str | None = None,
) -> Trace:
    """Work one forward/backward/update step and record every number of it.

    problem: a `Problem`, or what `load` takes.  arithmetic: "float64" (default), "float32" (every operation rounded) or
    "ball" (`precision` bits, 53 if not said; each number with a proved radius).  digits or places: by hand, each
    recorded quantity rounded half away from zero and carried as shown, or, with carry="full", rounded only where shown.
    Raises ProblemError for a problem that cannot be used and ValueError for options that do not go together.

    >>> trace("hand-3-2-2", digits=4)["dW2[1,1]"]
    1.41
    """
    problem = as_problem(problem)
    rounding = Rounding(digits, places)
    if arithmetic is not None and arithmetic not in ARITHMETICS:
        raise ValueError(f"arithmetic '{arithmetic}' is not known; known are {', '.join(ARITHMETICS)}")
    if carry is not None and carry not in ("shown", "full"):
        raise ValueError(f"carry '{carry}' is not known; known are shown, full")
    if carry and not rounding.asked:
        raise ValueError("--carry goes with --digits or --places")
    if carry == "shown" and arithmetic:
        raise ValueError(f"{arithmetic} carries its own numbers; leave out --arithmetic to carry what is shown")
    if precision is not None and arithmetic != "ball":
        raise ValueError("--precision goes with --arithmetic ball")
    precision = precision or 53
    if not 2 <= precision <= MOST_PRECISION:
        raise ValueError(f"--precision must be from 2 to {MOST_PRECISION} bits")
    if arithmetic is None and rounding.asked:
        return _by_hand(problem, rounding, carry or "shown")
    name = arithmetic or "float64"
    m: Arithmetic = FLOAT64 if name == "float64" else FLOAT32
    if name == "ball":
        m = Ball(precision)
    return Trace(problem, tuple(steps_of(problem, m)), name, rounding, "full", {})


def _by_hand(problem: Problem, rounding: Rounding, carry: str) -> Trace:
    """Rounded at every recorded quantity; worked again with more bits where a ball lay across a border."""
    bits = HAND_BITS
    unrounded = {q: value for step in steps_of(problem, Exact(bits)) for q, value in step.items()}
    while True:
        m, texts, last_resort = Exact(bits, by_definition=carry == "shown"), dict[Quantity, str](), bits >= MOST_BITS

        def round_off(
            q: Quantity,
            value: Any,
            m: Arithmetic = m,
            texts: dict[Quantity, str] = texts,
            last_resort: bool = last_resort,
        ) -> Any:
            short = unrounded[q] == value and not hasattr(value, "rad")  # it owes nothing to rounding
            texts[q] = text = rounding.shown(value, last_resort=last_resort, short=short)
            return value if carry == "full" or text in ("nan", "inf", "-inf") else m.number(text)

        try:
            steps = tuple(steps_of(problem, m, round_off))
        except Undecided:
            bits *= 2
            continue
        for step in steps if carry == "full" else ():
            step.arrays = {at: _as_shown(step, *at, texts, m) for at in step.arrays}
        return Trace(problem, steps, "hand", rounding, carry, texts)


def _as_shown(step: WorkedStep, kind: str, layer: int, texts: Mapping[Quantity, str], m: Arithmetic) -> Any:
    """An array of the numbers that are shown, where every digit was carried."""
    array = np.asarray(step.arrays[kind, layer], object)
    out = np.empty(array.shape, object)
    for place, q in np.ndenumerate(step.quantities(kind, layer)):
        finite = texts[q] not in ("nan", "inf", "-inf")
        out[place] = m.number(texts[q]) if finite else array[place]
    return out if array.ndim else out[()]


def steps_of(
    problem: Problem, m: Arithmetic = FLOAT64, each: Callable[[Quantity, Any], Any] | None = None
) -> Iterator[WorkedStep]:
    """The steps of one pass: one for samples together, one for each sample in turn or apart.

    `each(quantity, value)` returns what is carried on in place of a number (rounded, or somebody's own).
    """
    for schedule in schedules(problem):
        carried: Arrays = {}
        for count, own in enumerate(schedule.turns, 1):
            given = start(own, m) | carried
            step = run_step(own, m, given, keep=_keeper(own, m, each, schedule.sample, count))
            step.sample = schedule.sample
            after = step.following
            carried = {**{name: after[name] for name, _ in layered(own).carried}, "step": count + 1}
            yield step


def _keeper(
    problem: Problem, m: Arithmetic, each: Callable[[Quantity, Any], Any] | None, sample: int, step: int
) -> Any:
    """What the recording point does to an array: nothing, or `each` number on its own."""
    if each is None:
        return (lambda kind, layer, array: m.kept(array)) if isinstance(m, Exact) else None

    def keep(kind: str, layer: int, array: Any) -> Any:
        quantities = names.elements(problem.network, kind, layer, problem.samples, sample, step)
        out = np.empty(quantities.shape, object)
        for place, value in np.ndenumerate(np.asarray(array, object)):
            out[place] = each(quantities[place], value)
        return out if isinstance(array, np.ndarray) else out[()]

    return keep


def _not_finite(problem: Problem, step: WorkedStep) -> Iterator[str]:
    """One note for the first quantities that are not finite, and how many follow from them."""
    faulty = [(q, v) for q, v in step.items() if bounds(v)[0] is None] if _any_fault(step) else []
    for q, _ in faulty[:1]:
        name = names.text(problem.network, q)
        loss = problem.network.loss
        at_loss = q.kind.startswith("E") or (q.kind == "dz" and q.layer == len(problem.network))
        why = f"{loss.name} needs {loss.domain}" if at_loss else "the numbers have grown too large"
        more = f", and {len(faulty) - 1} more" if len(faulty) > 1 else ""
        yield f"{name} is not finite in {step.m.name}{more} (null in JSON): {why}"


def _any_fault(step: WorkedStep) -> bool:
    if step.m.floating:
        return not all(np.isfinite(array).all() for array in step.arrays.values())
    return True
