"""The last part of every step: parameters moved along their gradients.

Legend: eta the learning rate, mu the momentum, v velocities (of Adam: the mean of the squares), m Adam's mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .calculating import Person
from .rounding import Number


@dataclass
class Optimizer:
    """How to move, what is remembered of earlier steps, and the mark of this step in names."""

    training: dict[str, Any]
    memory: dict[str, Any] = field(default_factory=dict)
    turn: str = ""


def updated(p: Person, name: str, old: Any, gradient: Any, optimizer: Optimizer) -> Any:
    """The new numbers of the parameter ``name``, written row by row."""
    kind = optimizer.training.get("optimizer", "sgd")
    if kind == "adam":
        return adam(p, name, old, gradient, optimizer)
    if kind == "momentum":
        return momentum(p, name, old, gradient, optimizer)
    eta, mark = optimizer.training["learning_rate"], optimizer.turn

    def moved(place: str, w: Number, g: Number) -> Number:
        return p.write(f"{name}_new{place}{mark}", one_step(p, name, w, g, eta), beside=w)

    return each(moved, old, gradient)


def one_step(p: Person, name: str, w: Number, g: Number, eta: Number) -> Number:
    """w - eta g."""
    if p.slips("update_upwards"):
        return p.add(w, p.times(eta, g))
    if p.slips("rate_forgotten"):
        return p.minus(w, g)
    if p.slips("rate_twice"):
        return p.minus(w, p.times(eta, p.times(eta, g)))
    if p.slips("step_instead_of_weight"):
        return -p.times(eta, g)
    if name.startswith("b") and p.slips("bias_not_updated"):
        return w
    if p.slips("weight_scaled_by_step"):
        return p.minus(w, p.times(p.times(eta, g), w))
    return p.moved(w, -p.times(eta, g))


def momentum(p: Person, name: str, old: Any, gradient: Any, optimizer: Optimizer) -> Any:
    """v = mu v - eta g, then w + v."""
    eta, mu, mark = optimizer.training["learning_rate"], optimizer.training["momentum"], optimizer.turn
    before = optimizer.memory.get(name)

    def velocity(place: str, g: Number, v: Number) -> Number:
        step = p.times(eta, g)
        if p.slips("momentum_shrinks_the_step"):
            step = p.times(p.minus(1, mu), step)
        if before is None or p.slips("momentum_forgotten"):
            value = -step
        elif p.slips("momentum_subtracted"):
            value = p.minus(-p.times(mu, v), step)
        elif p.slips("velocity_not_shrunk"):
            value = p.minus(v, step)
        else:
            value = p.minus(p.times(mu, v), step)
        return p.write(f"v{name}{place}{mark}", value)

    v = each(velocity, gradient, gradient if before is None else before)
    optimizer.memory[name] = v

    def moved(place: str, w: Number, v: Number) -> Number:
        value = p.minus(w, v) if p.slips("velocity_taken_away") else p.moved(w, v)
        return p.write(f"{name}_new{place}{mark}", value, beside=w)

    return each(moved, old, v)


def adam(p: Person, name: str, old: Any, gradient: Any, optimizer: Optimizer) -> Any:
    """The first step of Adam: m and v from zero, corrected, then w - eta m/(√v + epsilon)."""
    training = optimizer.training
    eta, beta1, beta2 = training["learning_rate"], training["beta1"], training["beta2"]

    def mean(place: str, g: Number) -> Number:
        share = beta1 if p.slips("adam_beta_for_one_minus_beta") else p.minus(1, beta1)
        return p.write(f"m{name}{place}", p.times(share, g))

    def square_mean(place: str, g: Number) -> Number:
        share = p.minus(1, beta1 if p.slips("adam_one_beta_for_both") else beta2)
        return p.write(f"v{name}{place}", p.times(share, abs(g) if p.slips("adam_not_squared") else p.square(g)))

    def mean_corrected(place: str, m: Number) -> Number:
        uncorrected = p.slips("adam_not_corrected")
        return p.write(f"m{name}_hat{place}", m if uncorrected else p.over(m, p.minus(1, beta1)))

    def square_corrected(place: str, v: Number) -> Number:
        uncorrected = p.slips("adam_squares_not_corrected")
        return p.write(f"v{name}_hat{place}", v if uncorrected else p.over(v, p.minus(1, beta2)))

    m, v = each(mean, gradient), each(square_mean, gradient)
    m, v = each(mean_corrected, m), each(square_corrected, v)

    def moved(place: str, w: Number, m: Number, v: Number) -> Number:
        size = v if p.slips("adam_root_forgotten") else p.sqrt(v)
        move = p.times(eta, p.over(m, p.add(size, training["epsilon"])))
        value = p.add(w, move) if p.slips("update_upwards") else p.moved(w, -move)
        return p.write(f"{name}_new{place}", value, beside=w)

    return each(moved, old, m, v)


def each(rule: Callable[..., Number], *arrays: Any, indices: tuple[int, ...] = ()) -> Any:
    """The rule applied entry by entry; its first argument is the entry's place, such as [1,2]."""
    if isinstance(arrays[0], list):
        return [each(rule, *entry, indices=(*indices, i)) for i, entry in enumerate(zip(*arrays, strict=True), 1)]
    return rule(f"[{','.join(map(str, indices))}]" if indices else "", *arrays)
