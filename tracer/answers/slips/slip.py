"""What a slip is: the rules of a step with one of them, or a few that belong together, replaced.

A `Mistake` is written once, for any network: the rules it puts in place of the right ones and the layers where it is
possible.  A `Slip` is a mistake on one network.  Letters as in `derivations.rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from derivations.network import Problem
from derivations.rules import RULES, Rules, State

__all__ = ["Each", "Mistake", "Slip", "Where", "mistakes"]

Rule = Callable[..., Any]
Where = Callable[[Problem, int], bool]
"""Whether a mistake is possible at layer l."""
Each = Callable[[Problem, int], int]
"""How many values a mistake's parameter has at layer l."""

MOST_PARAMETERS = 10
"""A wide layer has hundreds of terms to forget; only the first ones get a slip each."""
PARAMETERS = ("W", "b")
_GRADIENT_OF = {"weight_gradient": "W", "bias_gradient": "b"}
_MADE_BY = {
    "pre_activation": "a",
    "activation": "z",
    "loss_parts": "E_part",
    "sample_loss": "E_sample",
    "batch_loss": "E",
    "output_signal": "dz",
    "slope": "slope",
    "jacobian": "J",
    "output_delta": "delta",
    "hidden_delta": "delta",
    "weight_gradient": "dW",
    "bias_gradient": "db",
    "signal_below": "dz",
}
_UPDATED_BY = {
    "velocity": "v{p}",
    "first_moment": "m{p}",
    "second_moment": "v{p}",
    "first_hat": "m{p}_hat",
    "second_hat": "v{p}_hat",
    **dict.fromkeys(("gradient_step", "momentum_step", "nesterov_step", "adam_step"), "{p}_new"),
}
"""The kind of quantity that each rule makes; of the update for p, W or b."""


@dataclass(frozen=True)
class Mistake:
    """One way to go wrong.

    `rules` are by the names of `Rules`; where `each` counts the values of a parameter, they take it as a further
    argument, from 0.  A mistake `by_parameter` is made with weights and biases alike, or with one of them.  `source` is
    where it was seen.
    """

    name: str
    stage: str
    rules: Mapping[str, Rule]
    where: tuple[Where, ...] = ()
    each: Each | None = None
    by_parameter: bool = False
    source: str = ""

    def slips(self, problem: Problem) -> Iterator[Slip]:
        """The slips that this mistake is on a problem, one for each value of its parameter."""
        layers = [l for l, _ in problem.network if all(possible(problem, l) for possible in self.where)]
        if self.each is None:
            yield from self._with_parameters(problem, layers)
            return
        counts = {l: min(self.each(problem, l), MOST_PARAMETERS) for l in layers}
        for k in range(max(counts.values(), default=0)):
            wrong = {name: _given(rule, k) for name, rule in self.rules.items()}
            yield self._slip(problem, [l for l in layers if k < counts[l]], wrong, f"[{k + 1}]")

    def _with_parameters(self, problem: Problem, layers: list[int]) -> Iterator[Slip]:
        if layers:
            yield self._slip(problem, layers, self.rules)
        biased = [l for l in layers if self._reaches_bias(problem, l)]
        if not self.by_parameter or not biased:
            return
        for p, at in (("W", layers), ("b", biased)):
            slip = self._slip(problem, at, self.rules, f"[{p}]")
            yield replace(slip, stage=self.stage.replace("W", p), letters=(p,))

    def _reaches_bias(self, problem: Problem, l: int) -> bool:
        has = problem.network.layer(l).b is not None
        return has and (problem.training.update_biases or "bias_gradient" in self.rules)

    def _slip(self, problem: Problem, layers: list[int], wrong: Mapping[str, Rule], ending: str = "") -> Slip:
        first = next(iter(wrong))
        possible = tuple(quantity_layer(first, l) for l in layers)
        together = problem.samples > 1 and problem.training.samples == "together"
        stage = "E_sample" if first == "sample_loss" and together else self.stage
        return Slip(self.name + ending, stage, possible, wrong, source=self.source)


@dataclass(frozen=True)
class Slip:
    """A slip on one network.

    `stage` is the kind of the first quantity that it changes, `possible` are the layers of those quantities where it
    can be made (0 for the loss and for dE/dx).  `layers` are those where it is made, None for all of them, and `step`
    the one step, 0 for every one: elsewhere the right rules hold.
    """

    name: str
    stage: str
    possible: tuple[int, ...]
    changes: Mapping[str, Rule] = field(compare=False, repr=False)
    layers: tuple[int, ...] | None = None
    letters: tuple[str, ...] = PARAMETERS
    step: int = 0
    source: str = field(default="", compare=False, repr=False)

    @property
    def base(self) -> str:
        """The name without its parameter, as in messages.toml."""
        return self.name.partition("[")[0]

    @cached_property
    def rules(self) -> Rules:
        """The equations of a step in which this slip is made."""
        return replace(RULES, **{name: self._rule(name, wrong) for name, wrong in self.changes.items()})

    def at(self, *layers: int) -> Slip:
        """The same slip made at these layers only."""
        return replace(self, layers=layers)

    def in_step(self, step: int) -> Slip:
        """The same slip made in that step only."""
        return replace(self, step=step)

    def only_at(self, layer: int) -> Slip:
        """The same slip made at one of several layers only; nowhere where it is possible at that one alone, or not."""
        return self.at(layer) if layer in self.possible and len(self.possible) > 1 else self.at()

    def by_layer(self) -> tuple[Slip, ...]:
        """The same slip made at one layer at a time."""
        return tuple(self.at(l) for l in self.possible)

    def changes_at(self, name: str, l: int, *p: str) -> bool:
        """Whether a rule is another one when it is called for layer l, of update rules for W or b."""
        if name not in self.changes or _GRADIENT_OF.get(name, self.letters[0]) not in self.letters:
            return False
        made_at = self.possible if self.layers is None else self.layers
        return quantity_layer(next(iter(self.changes)), l) in made_at and set(p) <= set(self.letters)

    def quantities(self, layers: int) -> frozenset[tuple[str, int]]:
        """(kind, layer) of all that its rules make in a network of so many layers, some of which it may lack."""
        calls = [(name, l) for name in self.changes for l in self._called_for(name, layers) if self.changes_at(name, l)]
        made = {(_MADE_BY[name], quantity_layer(name, l)) for name, l in calls if name in _MADE_BY}
        updated = {(_UPDATED_BY[name].format(p=p), l) for name, l in calls if name in _UPDATED_BY for p in self.letters}
        return frozenset(made | updated)

    def _called_for(self, name: str, layers: int) -> range:
        """The layers that a rule is called for."""
        if name in ("output_signal", "output_delta"):
            return range(layers, layers + 1)
        return range(1, layers if name == "hidden_delta" else layers + 1)

    def _rule(self, name: str, wrong: Rule) -> Rule:
        right: Rule = getattr(RULES, name)

        def rule(s: State, l: int, *p: str) -> Any:
            made = self.changes_at(name, l, *p) and self.step in (0, s.count)
            return (wrong if made else right)(s, l, *p)

        return rule


def quantity_layer(rule: str, l: int) -> int:
    """The layer that names write on what a rule returns when it is called for layer l."""
    if rule in ("loss_parts", "sample_loss", "batch_loss"):
        return 0
    return l - 1 if rule == "signal_below" else l


def _given(rule: Rule, k: int) -> Rule:
    return lambda s, l: rule(s, l, k)


def mistakes(stage: str, prefix: str) -> Callable[..., Mistake]:
    """A short way to write the mistakes of one stage: `wrong("no_bias", biased, pre_activation=lambda s, l: ...)`."""

    def wrong(
        name: str, *where: Where, each: Each | None = None, by_parameter: bool = False, source: str = "", **rules: Rule
    ) -> Mistake:
        return Mistake(f"{prefix}.{name}", stage, rules, where, each, by_parameter, source)

    return wrong
